/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fills a table of libsmartcols and prints it. The only file that knows libsmartcols. */

#include "client/view/table.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <wchar.h>

#include "client/bus/client.h"
#include "client/bus/outcome.h"
#include "client/bus/variant.h"

typedef struct libscols_table ScolsTable;

static ScolsTable *scols_table_free(ScolsTable *table)
{
    scols_unref_table(table);
    return NULL;
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScolsTable, scols_table_free)

const char *table_state_color(const char *state)
{
    static const struct {
        const char *state;
        const char *color;
    } colors[] = {
        { "attached", "green" },   { "running", "green" },         { "attaching", "yellow" },
        { "detaching", "yellow" }, { "waiting", "yellow" },        { "waiting-machine", "yellow" },
        { "partial", "yellow" },   { "waiting-device", "yellow" }, { "paused", "yellow" },
        { "failed", "red" },       { "quarantined", "red" },       { "blocked", "red" },
        { "crashed", "red" },      { "foreign", "magenta" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(colors); i++)
        if (g_str_equal(colors[i].state, state))
            return colors[i].color;
    return NULL;
}

static int add_column(ScolsTable *table, const Column *column)
{
    static const int flags[] = {
        [LOOK_PLAIN] = 0,
        [LOOK_RIGHT] = SCOLS_FL_RIGHT,
        [LOOK_COUNT] = SCOLS_FL_RIGHT,
        [LOOK_CUT] = SCOLS_FL_TRUNC,
        [LOOK_REST] = SCOLS_FL_TRUNC,
        [LOOK_WRAP] = SCOLS_FL_WRAP,
        [LOOK_LINES] = SCOLS_FL_WRAP,
        [LOOK_STATE] = 0,
    };
    g_autofree char *heading = g_ascii_strup(column->name, -1);

    struct libscols_column *added =
        scols_table_new_column(table, heading, column->look == LOOK_REST ? 0.1 : 0, flags[column->look]);
    if (!added)
        return -errno;
    if (column->look != LOOK_LINES)
        return 0;

    int r = scols_column_set_safechars(added, "\n");
    return r < 0 ? r : scols_column_set_wrapfunc(added, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
}

/* libsmartcols must know how wide each character is, and loops without end where one has no width: what this
 * locale cannot print is escaped, which in the C locale is all but ASCII. */
static char *make_printable(GVariant *value)
{
    g_autofree char *escaped = variant_to_text(value);
    GString *text = g_string_new(NULL);

    for (const char *p = escaped; *p; p = g_utf8_next_char(p)) {
        gunichar character = g_utf8_get_char(p);
        if (character < 0x80 || wcwidth((wchar_t)character) >= 0)
            g_string_append_unichar(text, character);
        else
            g_string_append_printf(text, "\\u%04x", character);
    }
    return g_string_free(text, FALSE);
}

static char *make_lines(GVariant *value)
{
    GString *text = g_string_new(NULL);

    for (gsize i = 0; i < g_variant_n_children(value); i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
        g_autofree char *line = make_printable(child);
        g_string_append_printf(text, "%s%s", i > 0 ? "\n" : "", line);
    }
    return g_string_free(text, FALSE);
}

/* value: NULL = there is nothing to be said. */
static char *make_cell(ColumnLook look, GVariant *value)
{
    if (look == LOOK_COUNT)
        return g_strdup_printf("%" G_GSIZE_FORMAT, value ? g_variant_n_children(value) : 0);
    if (look == LOOK_LINES && value && g_variant_is_of_type(value, G_VARIANT_TYPE_ARRAY))
        return make_lines(value);
    return make_printable(value);
}

static int add_cell(struct libscols_line *line, guint number, const Column *column, GVariant *value,
                    TableFlags flags)
{
    g_autofree char *text = make_cell(column->look, value);

    int r = scols_line_set_data(line, number, *text || !(flags & TABLE_DASHES) ? text : "-");
    if (r < 0)
        return r;
    const char *color = column->look == LOOK_STATE ? table_state_color(text) : NULL;
    return color ? scols_cell_set_color(scols_line_get_cell(line, number), color) : 0;
}

static int add_line(ScolsTable *table, const Model *model, GPtrArray *columns, const Object *object,
                    TableFlags flags)
{
    struct libscols_line *line = scols_table_new_line(table, NULL);
    if (!line)
        return -errno;

    for (guint i = 0; i < columns->len; i++) {
        const Column *column = columns->pdata[i];
        g_autoptr(GVariant) shown = column_shown(column, model, object);

        int r = add_cell(line, i, column, shown, flags);
        if (r < 0)
            return r;
    }
    return 0;
}

static int fill_and_print(ScolsTable *table, const Model *model, GPtrArray *columns, GPtrArray *objects,
                          TableFlags flags)
{
    scols_table_enable_noheadings(table, (flags & TABLE_NO_HEADINGS) != 0);
    scols_table_enable_colors(table, client_wants_colors());
    /* done by make_printable(); libsmartcols would escape the backslashes of what is escaped already */
    scols_table_enable_noencoding(table, 1);

    for (guint i = 0; i < columns->len; i++) {
        int r = add_column(table, columns->pdata[i]);
        if (r < 0)
            return r;
    }
    for (guint i = 0; i < objects->len; i++) {
        int r = add_line(table, model, columns, objects->pdata[i], flags);
        if (r < 0)
            return r;
    }
    return scols_print_table(table);
}

bool table_print(const Model *model, GPtrArray *columns, GPtrArray *objects, TableFlags flags, GError **error)
{
    g_autoptr(ScolsTable) table = scols_new_table();

    int r = table ? fill_and_print(table, model, columns, objects, flags) : -errno;
    if (r < 0)
        g_set_error(error, CLIENT_ERROR, OUTCOME_FAILED, "cannot print the table: %s", g_strerror(-r));
    return r >= 0;
}
