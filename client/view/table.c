/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fills cells with text, gives each column its width, and prints line by line. What doesn't fit beside the
 * others goes below its row, on a line of its own: sentences first, the state last. */

#include "client/view/table.h"

#include <stdio.h>
#include <string.h>

#include "client/bus/client.h"
#include "client/bus/variant.h"
#include "client/view/text.h"

#define INDENT "    "

typedef struct Slot {
    const Column *column;
    char *heading;
    int natural; /* as wide as its widest cell */
    int least;   /* it can be made so narrow */
    int width;
    bool below;
} Slot;

typedef struct Table {
    GArray *slots;
    GPtrArray *rows; /* of arrays of texts, one for each slot; lines are separated by \n */
    int width;       /* of the terminal, 0 = any */
    TableFlags flags;
    bool colors;
} Table;

/* ------------------------------------------------------------------ colours */

static const struct {
    const char *state;
    const char *color;
} colors[] = {
    { "attached", "32" }, { "running", "32" },         { "attaching", "33" },   { "detaching", "33" },
    { "waiting", "33" },  { "waiting-machine", "33" }, { "partial", "33" },     { "waiting-device", "33" },
    { "paused", "33" },   { "failed", "31" },          { "quarantined", "31" }, { "blocked", "31" },
    { "crashed", "31" },  { "foreign", "35" },
};

const char *table_state_color(const char *state)
{
    for (gsize i = 0; i < G_N_ELEMENTS(colors); i++)
        if (g_str_equal(colors[i].state, state))
            return colors[i].color;
    return NULL;
}

/* ------------------------------------------------------------------ cells */

static char *make_lines(GVariant *value)
{
    GString *text = g_string_new(NULL);

    for (gsize i = 0; i < g_variant_n_children(value); i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
        g_autofree char *line = variant_to_text(child);
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
    return variant_to_text(value);
}

static int widest_line(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    int width = 0;

    for (char **line = lines; *line; line++)
        width = MAX(width, text_width(*line));
    return width;
}

static Slot *slot_at(const Table *table, guint i)
{
    return &g_array_index(table->slots, Slot, i);
}

static void add_slot(Table *table, const Column *column)
{
    Slot slot = { .column = column, .heading = g_ascii_strup(column->name, -1) };

    slot.natural = table->flags & TABLE_NO_HEADINGS ? 0 : text_width(slot.heading);
    g_array_append_val(table->slots, slot);
}

static void add_row(Table *table, const Model *model, const Object *object)
{
    GPtrArray *row = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < table->slots->len; i++) {
        Slot *slot = slot_at(table, i);
        g_autoptr(GVariant) shown = column_shown(slot->column, model, object);
        char *text = make_cell(slot->column->look, shown);

        slot->natural = MAX(slot->natural, widest_line(text));
        g_ptr_array_add(row, text);
    }
    g_ptr_array_add(table->rows, row);
}

static void slot_clear(void *data)
{
    g_free(((Slot *)data)->heading);
}

static void table_init(Table *table, TableFlags flags)
{
    *table = (Table){ .slots = g_array_new(FALSE, FALSE, sizeof(Slot)),
                      .rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref),
                      .width = terminal_width(),
                      .flags = flags,
                      .colors = client_wants_colors() };
    g_array_set_clear_func(table->slots, slot_clear);
}

static void table_clear(Table *table)
{
    g_array_unref(table->slots);
    g_ptr_array_unref(table->rows);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Table, table_clear)

/* ------------------------------------------------------------------ widths */

/* By look: how narrow a column may become, 0 = not at all; and which one goes below first. */
static const struct {
    int least;
    int leaves;
} looks[] = {
    [LOOK_PLAIN] = { 0, 2 }, [LOOK_RIGHT] = { 0, 3 }, [LOOK_COUNT] = { 0, 3 },  [LOOK_CUT] = { 12, 2 },
    [LOOK_REST] = { 16, 4 }, [LOOK_WRAP] = { 28, 5 }, [LOOK_LINES] = { 16, 4 }, [LOOK_STATE] = { 0, 1 },
};

static int total(const Table *table, int (*of)(const Slot *slot))
{
    int sum = -1; /* a space between two */

    for (guint i = 0; i < table->slots->len; i++)
        if (!slot_at(table, i)->below)
            sum += 1 + of(slot_at(table, i));
    return sum;
}

static int least_of(const Slot *slot)
{
    return slot->least;
}

static int width_of(const Slot *slot)
{
    return slot->width;
}

/* The rightmost of those that leave first; never the first column. */
static Slot *next_to_leave(const Table *table)
{
    Slot *next = NULL;

    for (guint i = 1; i < table->slots->len; i++) {
        Slot *slot = slot_at(table, i);
        if (!slot->below && (!next || looks[slot->column->look].leaves >= looks[next->column->look].leaves))
            next = slot;
    }
    return next;
}

/* What is left over goes to those that lack it, sentences last: they can go on below. */
static void widen(Table *table, bool sentences)
{
    int left = table->width - total(table, width_of);

    for (guint i = 0; i < table->slots->len; i++) {
        Slot *slot = slot_at(table, i);
        int more = MIN(left, slot->natural - slot->width);

        if (slot->below || (slot->column->look == LOOK_WRAP) != sentences || more <= 0)
            continue;
        slot->width += more;
        left -= more;
    }
}

static void lay_out(Table *table)
{
    for (guint i = 0; i < table->slots->len; i++) {
        Slot *slot = slot_at(table, i);
        int least = looks[slot->column->look].least;

        slot->least = table->width > 0 && least > 0
                          ? MIN(slot->natural, MAX(least, text_width(slot->heading)))
                          : slot->natural;
        slot->width = slot->least;
    }
    if (table->width == 0)
        return;
    while (total(table, least_of) > table->width) {
        Slot *slot = next_to_leave(table);
        if (!slot)
            break;
        slot->below = true;
    }
    widen(table, false);
    widen(table, true);
}

/* ------------------------------------------------------------------ lines */

/* The lines of a cell, as wide as its column. New array of strings. */
static GPtrArray *cell_lines(const Slot *slot, const char *text)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) parts = g_strsplit(text, "\n", -1);

    for (char **part = parts; *part; part++) {
        g_autoptr(GPtrArray) wrapped = NULL;

        if (slot->column->look != LOOK_WRAP && slot->column->look != LOOK_LINES) {
            g_ptr_array_add(lines, text_cut(*part, slot->width));
            continue;
        }
        wrapped = text_wrap(*part, slot->width);
        for (guint i = 0; i < wrapped->len; i++)
            g_ptr_array_add(lines, g_strdup(wrapped->pdata[i]));
    }
    if (lines->len == 0)
        g_ptr_array_add(lines, g_strdup(""));
    return lines;
}

static void put_cell(const Table *table, const Slot *slot, const char *text, const char *color, GString *line)
{
    g_autofree char *pad = g_strnfill((gsize)MAX(slot->width - text_width(text), 0), ' ');
    bool right = slot->column->look == LOOK_RIGHT || slot->column->look == LOOK_COUNT;

    if (right)
        g_string_append(line, pad);
    if (color && table->colors)
        g_string_append_printf(line, "\033[%sm%s\033[0m", color, text);
    else
        g_string_append(line, text);
    if (!right)
        g_string_append(line, pad);
    g_string_append_c(line, ' ');
}

static void put_line(GString *line)
{
    g_strchomp(line->str);
    puts(line->str);
}

static void print_beside(const Table *table, const GPtrArray *row)
{
    g_autoptr(GPtrArray) cells = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    guint height = 1;

    for (guint i = 0; i < table->slots->len; i++) {
        const char *text = row->pdata[i];
        GPtrArray *lines = cell_lines(slot_at(table, i), !*text && table->flags & TABLE_DASHES ? "-" : text);
        if (!slot_at(table, i)->below)
            height = MAX(height, lines->len);
        g_ptr_array_add(cells, lines);
    }
    for (guint n = 0; n < height; n++) {
        g_autoptr(GString) line = g_string_new(NULL);
        for (guint i = 0; i < table->slots->len; i++) {
            const Slot *slot = slot_at(table, i);
            const GPtrArray *lines = cells->pdata[i];
            const char *text = n < lines->len ? lines->pdata[n] : "";

            if (!slot->below)
                put_cell(table, slot, text, slot->column->look == LOOK_STATE ? table_state_color(text) : NULL,
                         line);
        }
        put_line(line);
    }
}

/* Each by its name, and nothing of those that have nothing to say. */
static void print_below(const Table *table, const GPtrArray *row)
{
    for (guint i = 0; i < table->slots->len; i++) {
        const Slot *slot = slot_at(table, i);
        g_autofree char *prefix = g_strdup_printf(INDENT "%s: ", slot->column->name);
        g_autofree char *text = g_strdelimit(g_strdup(row->pdata[i]), "\n", ' ');

        if (!slot->below || !*text)
            continue;
        text_print(prefix, text);
    }
}

static void print_headings(const Table *table)
{
    g_autoptr(GString) line = g_string_new(NULL);

    for (guint i = 0; i < table->slots->len; i++)
        if (!slot_at(table, i)->below)
            put_cell(table, slot_at(table, i), slot_at(table, i)->heading, NULL, line);
    put_line(line);
}

static void remember_widths(const Table *table, GArray *widths)
{
    g_array_set_size(widths, table->slots->len);
    for (guint i = 0; i < table->slots->len; i++)
        g_array_index(widths, int, i) = slot_at(table, i)->natural;
}

void table_print_part(GPtrArray *models, GPtrArray *columns, GPtrArray *objects, TableFlags flags,
                      GArray *widths)
{
    g_auto(Table) table = { 0 };
    bool first = widths->len == 0;

    table_init(&table, flags);
    for (guint i = 0; i < columns->len; i++)
        add_slot(&table, columns->pdata[i]);
    for (guint i = 0; i < widths->len; i++)
        slot_at(&table, i)->natural = g_array_index(widths, int, i);
    for (guint i = 0; i < models->len; i++) {
        const GPtrArray *rows = objects->pdata[i];
        for (guint j = 0; j < rows->len; j++)
            add_row(&table, models->pdata[i], rows->pdata[j]);
    }
    remember_widths(&table, widths);
    lay_out(&table);
    if (first && !(flags & TABLE_NO_HEADINGS))
        print_headings(&table);
    for (guint i = 0; i < table.rows->len; i++) {
        print_beside(&table, table.rows->pdata[i]);
        print_below(&table, table.rows->pdata[i]);
    }
}

void table_print_many(GPtrArray *models, GPtrArray *columns, GPtrArray *objects, TableFlags flags)
{
    g_autoptr(GArray) widths = g_array_new(FALSE, FALSE, sizeof(int));

    table_print_part(models, columns, objects, flags, widths);
}

void table_print(const Model *model, GPtrArray *columns, GPtrArray *objects, TableFlags flags)
{
    g_autoptr(GPtrArray) models = g_ptr_array_new(), all = g_ptr_array_new();

    g_ptr_array_add(models, (void *)model);
    g_ptr_array_add(all, objects);
    table_print_many(models, columns, all, flags);
}
