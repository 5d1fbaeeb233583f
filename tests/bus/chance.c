/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/chance.h"

#include <string.h>

#include "tests/bus/fixture.h"

#define DEPTH_MAX 4
#define ITEMS_MAX 4
#define LONG_TEXT (64 * 1024)
/* An empty one, or the path "/", in an array: its length, its end, and the place to the next one. */
#define SMALL_TEXT_BYTES 8
/* An option without a name and with a number. */
#define SMALL_OPTION_BYTES 16

/* Texts that mean something somewhere, or are meant to be trouble. */
static const char *const texts[] = {
    "",
    " ",
    "keyboard",
    "desk",
    "studio",
    "keys",
    "1-2",
    "046d:c31c",
    "KBD-0001",
    FIXTURE_DESK,
    "all",
    "set",
    "127",
    "-1",
    "999999999999999999999",
    "usb",
    "vendor=046d",
    "vendor=046d product=c31c serial=KBD*",
    "class=hid-keyboard port!=pci-0000:00:14.0/1",
    "vendor=0000-ffff",
    "serial=\"a \\\" b",
    "vendor==",
    "=",
    "((((((((((((((((",
    "a/b",
    "../../../etc/passwd",
    "/",
    ".",
    "..",
    ".hidden",
    "name with spaces",
    "new\nline=1\n[Group]\nName=x",
    "%s%n%n%n%p",
    "'/><x y=\"&amp;",
    "$(device)",
    "${HOME}`id`",
    "\x01\x02\x1b[31m\x7f",
    "\u202e\u00ad\u200b\ufeff",
    "äöüß€𝔘🦀",
    "true",
    "null",
    "\\",
    "\"",
    "#",
    ";",
    "*",
    "?",
    "[]",
};

static const char *const rules[] = { "vendor=046d", "vendor=0529 product=0001", "serial=KBD*",
                                     "class=hid-keyboard" };

/* Options, and the type of their value where they are taken. */
static const struct {
    const char *key, *type;
} options[] = {
    { "Name", "s" },
    { "Description", "s" },
    { "Class", "s" },
    { "Enabled", "b" },
    { "AllowGuestReset", "b" },
    { "AllowGuestResetsAll", "b" },
    { "Priority", "i" },
    { "Force", "b" },
    { "Quantity", "s" },
    { "Selector", "s" },
    { "Persistent", "b" },
    { "StartMachine", "b" },
    { "Type", "s" },
    { "Owner", "u" },
    { "Members", "as" },
    { "Group", "s" },
    { "Rule", "u" },
    { "name", "s" },
    { "Description\n", "s" },
    { "", "s" },
};

static const char *const contents[] = { "s", "s", "s", "b",     "b",  "i",    "u", "x",  "t",   "d",
                                        "y", "o", "n", "a{sv}", "as", "(si)", "v", "ao", "aav", "q" };

static const char *const paths[] = {
    "/",
    FERRY_PATH_ROOT,
    FERRY_PATH_DEVICE_PREFIX,
    FERRY_PATH_DEVICE_PREFIX "/_31_2d9",
    FERRY_PATH_DEVICE_PREFIX "/1_2",
    FERRY_PATH_DEVICE_PREFIX "/_",
    FERRY_PATH_GROUP_PREFIX "/nobody",
    FERRY_PATH_GROUP_PREFIX "/_2e_2e_2fetc",
    FERRY_PATH_GROUP_PREFIX "/_ff_fe_00",
    FERRY_PATH_MACHINE_PREFIX "/_00",
    FERRY_PATH_ASSIGNMENT_PREFIX "/aaaaaaaa",
    FERRY_PATH_TENANT_PREFIX "/nobody",
    FERRY_PATH_GROUP_PREFIX "/acme_2fnobody",
    "/org/freedesktop/DBus",
};

/* ------------------------------------------------------------------ random values */

guint chance_below(Chance *chance, guint n)
{
    return (guint)g_rand_int_range(chance->rand, 0, (gint32)n);
}

static const char *living_path(Chance *chance)
{
    return chance->paths->pdata[chance_below(chance, chance->paths->len)];
}

const char *chance_dead_path(Chance *chance)
{
    return paths[chance_below(chance, G_N_ELEMENTS(paths))];
}

const char *chance_path(Chance *chance, const char *name)
{
    const char *what = g_strcmp0(name, "source") == 0 ? "device" : name ? name : "";
    gsize length = strlen(what);
    g_autofree char *prefix = NULL;
    g_autoptr(GPtrArray) fitting = g_ptr_array_new();

    if (length > 0 && what[length - 1] == 's')
        length--;
    prefix = g_strdup_printf(FERRY_PATH_ROOT "/%.*s/", (int)length, what);
    for (guint i = 0; i < chance->paths->len; i++)
        if (g_str_has_prefix(chance->paths->pdata[i], prefix))
            g_ptr_array_add(fitting, chance->paths->pdata[i]);
    return fitting->len > 0 ? fitting->pdata[chance_below(chance, fitting->len)] : living_path(chance);
}

/* New string. */
static char *fitting_text(Chance *chance, const char *name)
{
    enum { NAMES = 20 };

    if (strcmp(name, "rule") == 0)
        return g_strdup(rules[chance_below(chance, G_N_ELEMENTS(rules))]);
    if (strcmp(name, "Quantity") == 0)
        return g_strdup("all");
    if (strcmp(name, "Members") == 0)
        return g_strdup("user:daemon");
    if (strcmp(name, "Class") == 0)
        return g_strdup("hid");
    return g_strdup_printf("g%u", chance_below(chance, NAMES));
}

/* New string. */
static char *random_text(Chance *chance)
{
    enum { LIVING, LONG, JOINED, MUTATED, KINDS = 12 };
    const char *one = texts[chance_below(chance, G_N_ELEMENTS(texts))];
    char *text;

    switch (chance_below(chance, KINDS)) {
    case LIVING:
        return g_strdup(living_path(chance));
    case LONG:
        return g_strnfill(1 + chance_below(chance, LONG_TEXT), 'x');
    case JOINED:
        return g_strdup_printf("%s %s", one, texts[chance_below(chance, G_N_ELEMENTS(texts))]);
    case MUTATED:
        text = g_strdup(one);
        for (char *c = text; *c; c++)
            if (!(*c & 0x80) && chance_below(chance, 3) == 0)
                *c = (char)(1 + chance_below(chance, 0x7f));
        return text;
    default:
        return g_strdup(one);
    }
}

static guint64 random_number(Chance *chance)
{
    static const guint64 edges[] = { 0,      1,      2,         127,        128,       255,
                                     0x7fff, 0xffff, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX };

    if (chance_below(chance, 2) == 0)
        return edges[chance_below(chance, G_N_ELEMENTS(edges))];
    return (guint64)g_rand_int(chance->rand) << 32 | g_rand_int(chance->rand);
}

static gsize type_length(const char *types)
{
    gsize depth = 0, n = 0;

    while (types[n] == 'a')
        n++;
    do {
        if (types[n] == '(' || types[n] == '{')
            depth++;
        if (types[n] == ')' || types[n] == '}')
            depth--;
        n++;
    } while (depth > 0);
    return n;
}

static void append_all(Chance *chance, sd_bus_message *message, const char *types, const char *name,
                       unsigned depth);

static void append_container(Chance *chance, sd_bus_message *message, char type, const char *inside,
                             unsigned n, const char *name, unsigned depth)
{
    assert_true(sd_bus_message_open_container(message, type, inside) >= 0);
    for (unsigned i = 0; i < n; i++)
        append_all(chance, message, inside, name, depth + 1);
    assert_true(sd_bus_message_close_container(message) >= 0);
}

/* name: of the argument or the option that it is for. */
static void append_basic(Chance *chance, sd_bus_message *message, char type, const char *name)
{
    enum { SMALL = 4 };
    guint64 number = chance->kind ? chance_below(chance, SMALL) : random_number(chance);
    g_autofree char *text = NULL;
    int boolean;
    double real;
    const void *value = &number; /* little-endian or not: any bits will do */

    if (type == 's') {
        text = chance->kind ? fitting_text(chance, name) : random_text(chance);
        value = text;
    }
    if (type == 'o' && chance->kind)
        value = chance_path(chance, name);
    else if (type == 'o')
        value = chance_below(chance, 3) == 0 ? chance_dead_path(chance) : living_path(chance);
    if (type == 'b') {
        boolean = (int)chance_below(chance, 2);
        value = &boolean;
    }
    if (type == 'd') {
        real = g_rand_double_range(chance->rand, -1e9, 1e9);
        value = &real;
    }
    assert_true(sd_bus_message_append_basic(message, type, value) >= 0);
}

static const char *random_type(Chance *chance, unsigned depth)
{
    return depth < DEPTH_MAX ? contents[chance_below(chance, G_N_ELEMENTS(contents))] : "s";
}

/* {sv}, as options are. */
static void append_option(Chance *chance, sd_bus_message *message, unsigned depth)
{
    gsize i = chance_below(chance, G_N_ELEMENTS(options));
    bool hostile = !chance->kind && chance_below(chance, 3) == 0;
    g_autofree char *key = hostile ? random_text(chance) : g_strdup(options[i].key);

    assert_true(sd_bus_message_append_basic(message, 's', key) >= 0);
    append_container(chance, message, 'v', chance->kind ? options[i].type : random_type(chance, depth), 1,
                     key, depth);
}

/* One value of each complete type. */
static void append_all(Chance *chance, sd_bus_message *message, const char *types, const char *name,
                       unsigned depth)
{
    for (gsize n; *types; types += n) {
        g_autofree char *inside = NULL;

        n = type_length(types);
        switch (types[0]) {
        case 'a':
            inside = g_strndup(types + 1, n - 1);
            append_container(chance, message, 'a', inside,
                             depth >= DEPTH_MAX ? 0
                             : chance->kind     ? chance_below(chance, 2) + !strchr(inside, '{')
                                                : chance_below(chance, ITEMS_MAX),
                             name, depth);
            break;
        case '(':
            inside = g_strndup(types + 1, n - 2);
            append_container(chance, message, 'r', inside, 1, name, depth);
            break;
        case '{':
            inside = g_strndup(types + 1, n - 2);
            assert_true(sd_bus_message_open_container(message, 'e', inside) >= 0);
            if (strcmp(inside, "sv") == 0)
                append_option(chance, message, depth);
            else
                append_all(chance, message, inside, name, depth + 1);
            assert_true(sd_bus_message_close_container(message) >= 0);
            break;
        case 'v':
            append_container(chance, message, 'v', random_type(chance, depth), 1, name, depth);
            break;
        default:
            append_basic(chance, message, types[0], name);
            break;
        }
    }
}

void chance_append(Chance *chance, sd_bus_message *message, const char *types, const char *name)
{
    append_all(chance, message, types, name, 0);
}

/* ------------------------------------------------------------------ huge values */

static void append_long_text(Chance *chance, sd_bus_message *message, gsize size)
{
    g_autofree char *text = g_strnfill(size, chance_below(chance, 2) == 0 ? 'x' : '\x01');

    assert_true(sd_bus_message_append_basic(message, 's', text) >= 0);
}

/* One option, of which the key or the value is huge, or a great many small ones. */
static void append_huge_options(Chance *chance, sd_bus_message *message, gsize size)
{
    enum { MANY, KEY, VALUE, KINDS };
    guint kind = chance_below(chance, KINDS);
    gsize n = kind == MANY ? size / SMALL_OPTION_BYTES : 1;

    assert_true(sd_bus_message_open_container(message, 'a', "{sv}") >= 0);
    for (gsize i = 0; i < n; i++) {
        assert_true(sd_bus_message_open_container(message, 'e', "sv") >= 0);
        if (kind == KEY)
            append_long_text(chance, message, size);
        else
            assert_true(sd_bus_message_append_basic(
                            message, 's',
                            kind == MANY ? "" : options[chance_below(chance, G_N_ELEMENTS(options))].key) >=
                        0);
        if (kind == VALUE)
            chance_append_huge(chance, message, "v", size);
        else
            assert_true(sd_bus_message_append(message, "v", "u", UINT32_MAX) >= 0);
        assert_true(sd_bus_message_close_container(message) >= 0);
    }
    assert_true(sd_bus_message_close_container(message) >= 0);
}

/* One long text, or a great many small ones, or paths. */
static void append_huge_array(Chance *chance, sd_bus_message *message, const char *inside, gsize size)
{
    bool is_text = strcmp(inside, "s") == 0;

    assert_true(sd_bus_message_open_container(message, 'a', inside) >= 0);
    if (is_text && chance_below(chance, 2) == 0)
        append_long_text(chance, message, size);
    else
        for (gsize i = 0; i < size / SMALL_TEXT_BYTES; i++)
            assert_true(sd_bus_message_append_basic(message, inside[0], is_text ? "" : "/") >= 0);
    assert_true(sd_bus_message_close_container(message) >= 0);
}

bool chance_can_be_huge(const char *type)
{
    return strpbrk(type, "asv") != NULL;
}

void chance_append_huge(Chance *chance, sd_bus_message *message, const char *type, gsize size)
{
    static const char *const inside[] = { "s", "as", "ao", "a{sv}", "ay" };
    const char *one = inside[chance_below(chance, G_N_ELEMENTS(inside))];
    g_autofree char *bytes = NULL;

    if (strcmp(type, "s") == 0) {
        append_long_text(chance, message, size);
    } else if (strcmp(type, "as") == 0 || strcmp(type, "ao") == 0) {
        append_huge_array(chance, message, type + 1, size);
    } else if (strcmp(type, "a{sv}") == 0) {
        append_huge_options(chance, message, size);
    } else if (strcmp(type, "ay") == 0) {
        bytes = g_malloc0(size);
        assert_true(sd_bus_message_append_array(message, 'y', bytes, size) >= 0);
    } else if (strcmp(type, "v") == 0) {
        assert_true(sd_bus_message_open_container(message, 'v', one) >= 0);
        chance_append_huge(chance, message, one, size);
        assert_true(sd_bus_message_close_container(message) >= 0);
    } else {
        fail_msg("there is nothing huge of the type %s yet: it has to be added here", type);
    }
}
