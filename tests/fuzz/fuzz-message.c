/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzzes what calls bring. The input says how to build a message, value by value, so that it is always a
 * valid one; the door then measures it, and must come to the same result as was counted while it was built,
 * and the readers of arguments read it. Runs as a test and with libFuzzer, without a bus. */

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/base/text.h"
#include "daemon/config/manifest.h"
#include "dbus/bus/door.h"
#include "dbus/bus/limits.h"
#include "dbus/bus/options.h"
#include "dbus/bus/sd-bus-cleanup.h"
#include "dbus/names.h"
#include "dbus/objects/group-options.h"
#include "dbus/objects/tenant-options.h"
#include "dbus/service/path.h"

/* What one message may have, so that building it takes no time: more than the door lets through. */
#define VALUES_MAX     (LIMIT_VALUES + 64)
#define BYTES_MAX      (2 * 1024 * 1024)
#define DEPTH_MAX      (2 * LIMIT_DEPTH)
#define SHORT_TEXT_MAX 40
/* sd-bus takes no longer one. */
#define SD_BUS_PATH_MAX (64u * 1024 - 1)
#define FEW_MAX         8u
#define MANY_MIN        (LIMIT_VALUES - FEW_MAX)
#define LONG_TEXTS_MIN  (LIMIT_TEXTS / LIMIT_TEXT - FEW_MAX / 2)

#define LIMIT_ERROR FERRY_ERROR_PREFIX "LimitExceeded"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Method {
    const char *interface;
    const char *member;
    const char *signature;
} Method;

static const Method methods[] = {
    { FERRY_INTERFACE_MANAGER, "Apply", "ssa{sv}" },
    { FERRY_INTERFACE_MANAGER, "CreateGroup", "sa{sv}" },
    { FERRY_INTERFACE_MANAGER, "CreateTenant", "sa{sv}" },
    { FERRY_INTERFACE_MANAGER, "MakePassthrough", "aosa{sv}" },
    { FERRY_INTERFACE_MANAGER, "GetDevice", "s" },
    { FERRY_INTERFACE_MANAGER, "SetEnabled", "b" },
    { FERRY_INTERFACE_DEVICE, "Assign", "oa{sv}" },
    { FERRY_INTERFACE_GROUP, "Update", "a{sv}" },
    { FERRY_INTERFACE_GROUP, "ChangeRule", "usa{sv}" },
    { FERRY_INTERFACE_TENANT, "Grant", "aosa{sv}" },
    { "org.freedesktop.DBus.Properties", "Set", "ssv" },
    { NULL, "Apply", "sxa(sgay)v" },
    { "org.example", "Everything", "ybnqiuxtdsogva{sv}a{oa(ss)}aav(s(i(v)))" },
};

static const char *const words[] = {
    "Description", "Class",       "Enabled",      "AllowGuestReset",
    "Priority",    "Members",     "Text",         "Flag",
    "Number",      "Count",       "Texts",        "",
    "a",           "..",          "acme/keys",    "auto",
    "user:anna",   "vendor=046d", "\xe2\x80\xae",
};

static const char *const paths[] = {
    "/",
    FERRY_PATH_ROOT,
    FERRY_PATH_DEVICE_PREFIX,
    FERRY_PATH_DEVICE_PREFIX "/_33_2d1",
    FERRY_PATH_DEVICE_PREFIX "/3_2d1",
    FERRY_PATH_DEVICE_PREFIX "/_",
    FERRY_PATH_GROUP_PREFIX "/pool",
    FERRY_PATH_ASSIGNMENT_PREFIX "/k3xw90ab",
};

static const char *const variants[] = {
    "s", "b", "i",  "u",  "as",    "o",   "g",    "y",     "d",
    "x", "v", "ao", "au", "a{sv}", "aav", "(sv)", "a(is)", "aaaaaaaas",
};

/* At the edges of the limits. */
static const gsize long_lengths[] = { LIMIT_PATH, LIMIT_TEXT, LIMIT_TEXTS / 64, MANIFEST_BYTES_MAX };

/* ------------------------------------------------------------------ building */

typedef struct Build {
    const uint8_t *data;
    size_t size;

    sd_bus_message *message;
    bool is_manifest; /* Manager.Apply, whose first argument has a limit of its own */

    /* as the door is to count them */
    guint argument;
    guint values;
    gsize bytes;
    bool over; /* one of the limits */
    gsize all_bytes;
} Build;

static uint8_t take(Build *build)
{
    if (build->size == 0)
        return 0;
    build->size--;
    return *build->data++;
}

static bool is_full(const Build *build)
{
    return build->values >= VALUES_MAX || build->all_bytes >= BYTES_MAX;
}

static void count_value(Build *build, unsigned depth)
{
    build->values++;
    build->over |= build->values > LIMIT_VALUES || depth > LIMIT_DEPTH;
}

static void count_text(Build *build, char type, gsize length)
{
    bool manifest = build->is_manifest && build->argument == 0 && type == 's';
    gsize limit = type == 'o' ? LIMIT_PATH : manifest ? MANIFEST_BYTES_MAX : LIMIT_TEXT;

    build->all_bytes += length;
    if (!manifest)
        build->bytes += length;
    build->over |= length > limit || build->bytes > LIMIT_TEXTS;
}

/* A length at, below or above a limit. */
static gsize long_length(Build *build)
{
    gsize length = long_lengths[take(build) % G_N_ELEMENTS(long_lengths)] - 1;

    length += take(build) % 3;
    return is_full(build) ? 1 : length;
}

/* As the bus sees to: valid UTF-8, and no noncharacters in it. */
static void make_valid(char **text)
{
    char *valid = g_utf8_make_valid(*text, -1);

    for (char *c = valid; *c; c = g_utf8_next_char(c)) {
        gunichar character = g_utf8_get_char(c);

        if ((character & 0xfffe) == 0xfffe || (character >= 0xfdd0 && character <= 0xfdef))
            memset(c, '?', (gsize)(g_utf8_next_char(c) - c));
    }
    g_free(*text);
    *text = valid;
}

/* New string. */
static char *make_short_text(Build *build, uint8_t kind)
{
    gsize length = MIN(kind % SHORT_TEXT_MAX, build->size);
    char *text;

    if (kind < G_N_ELEMENTS(words))
        return g_strdup(words[kind]);
    text = g_strndup((const char *)build->data, length);
    build->data += length;
    build->size -= length;
    make_valid(&text);
    return text;
}

/* New string. */
static char *make_text(Build *build)
{
    uint8_t kind = take(build);
    gsize length;

    if (kind != 0xff)
        return make_short_text(build, kind);
    length = long_length(build);
    return g_strnfill(length, (char)('a' + take(build) % 26));
}

/* New string: a valid path. */
static char *make_path(Build *build)
{
    static const ObjectType types[] = { OBJECT_DEVICE, OBJECT_GROUP, OBJECT_MACHINE };
    uint8_t kind = take(build);

    if (kind < G_N_ELEMENTS(paths))
        return g_strdup(paths[kind]);
    if (kind == 0xff) {
        gsize length = long_length(build);
        char *path = g_strnfill(MIN(length, SD_BUS_PATH_MAX), 'a');

        path[0] = '/';
        return path;
    } else {
        g_autofree char *id = make_short_text(build, take(build));

        return object_path(types[kind % G_N_ELEMENTS(types)], id);
    }
}

static void append_text(Build *build, char type)
{
    g_autofree char *text = type == 'o'   ? make_path(build)
                            : type == 'g' ? g_strdup(variants[take(build) % G_N_ELEMENTS(variants)])
                                          : make_text(build);

    count_text(build, type, strlen(text));
    g_assert_cmpint(sd_bus_message_append_basic(build->message, type, text), >=, 0);
}

static void append_number(Build *build, char type)
{
    uint64_t number = 0; /* as wide as any of them */
    int flag = take(build) & 1;

    for (unsigned i = type == 'b' ? 0 : take(build) % (sizeof number + 1); i > 0; i--)
        number = number << 8 | take(build);
    g_assert_cmpint(
        sd_bus_message_append_basic(build->message, type, type == 'b' ? (void *)&flag : (void *)&number), >=,
        0);
}

/* The length of the first complete type of a signature. */
static gsize type_length(const char *signature)
{
    gsize length = 1;

    if (*signature == 'a')
        return 1 + type_length(signature + 1);
    if (*signature != '(' && *signature != '{')
        return 1;
    while (signature[length] != ')' && signature[length] != '}')
        length += type_length(signature + length);
    return length + 1;
}

static void append_value(Build *build, const char *type, unsigned depth);

static void append_all(Build *build, const char *signature, unsigned depth)
{
    while (*signature) {
        g_autofree char *type = g_strndup(signature, type_length(signature));

        append_value(build, type, depth);
        signature += strlen(type);
        if (depth == 0)
            build->argument++;
    }
}

/* A few, or so many of the same that a limit is near: of values, or of what long texts have together. */
static guint choose_count(Build *build, bool *ret_same)
{
    uint8_t n = take(build);

    *ret_same = n >= 0xfe;
    if (n == 0xff)
        return MANY_MIN + take(build) % (2 * FEW_MAX);
    return n == 0xfe ? LONG_TEXTS_MIN + take(build) % FEW_MAX : n % FEW_MAX;
}

static void append_container(Build *build, char type, const char *contents, unsigned depth)
{
    bool is_array = type == 'a', same = false;
    guint n = is_array ? choose_count(build, &same) : 1;
    const uint8_t *data = build->data;
    size_t size = build->size;

    g_assert_cmpint(sd_bus_message_open_container(build->message, type, contents), >=, 0);
    for (guint i = 0; i < n && !(is_array && is_full(build)); i++) {
        if (same) {
            build->data = data;
            build->size = size;
        }
        append_all(build, contents, depth + 1);
    }
    g_assert_cmpint(sd_bus_message_close_container(build->message), >=, 0);
}

/* type: one complete type. */
static void append_value(Build *build, const char *type, unsigned depth)
{
    g_autofree char *contents = NULL;

    /* The containers of a signature are as deep as they are; only variants go on. */
    count_value(build, strchr("a({v", *type) ? depth + 1 : 0);
    switch (*type) {
    case 'a':
        append_container(build, 'a', type + 1, depth);
        return;
    case '(':
    case '{':
        contents = g_strndup(type + 1, strlen(type) - 2);
        append_container(build, *type == '(' ? 'r' : 'e', contents, depth);
        return;
    case 'v':
        append_container(build, 'v', depth < DEPTH_MAX ? variants[take(build) % G_N_ELEMENTS(variants)] : "b",
                         depth);
        return;
    case 's':
    case 'o':
    case 'g':
        append_text(build, *type);
        return;
    default:
        append_number(build, *type);
    }
}

/* A connection that never gets anywhere: messages are made for one. */
static sd_bus *bus_of_nobody(void)
{
    static sd_bus *bus;
    int sockets[2];

    if (bus)
        return bus;
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets), ==, 0);
    g_assert_cmpint(sd_bus_new(&bus), >=, 0);
    g_assert_cmpint(sd_bus_set_fd(bus, sockets[0], sockets[0]), >=, 0);
    g_assert_cmpint(sd_bus_start(bus), >=, 0);
    return bus;
}

static const Method *build_message(Build *build)
{
    const Method *method = &methods[take(build) % G_N_ELEMENTS(methods)];
    g_autofree char *path = make_path(build);

    g_assert_cmpint(sd_bus_message_new_method_call(bus_of_nobody(), &build->message, FERRY_BUS_NAME, path,
                                                   method->interface, method->member),
                    >=, 0);
    build->is_manifest =
        g_strcmp0(method->interface, FERRY_INTERFACE_MANAGER) == 0 && g_str_equal(method->member, "Apply");
    build->over = strlen(path) > LIMIT_PATH;
    append_all(build, method->signature, 0);
    g_assert_cmpint(sd_bus_message_seal(build->message, 1, 0), >=, 0);
    return method;
}

/* ------------------------------------------------------------------ reading */

/* A negative answer is one of ours, short and fit to be sent, or sd-bus's errno of a message of other types.
 */
static void check_error(int r, const sd_bus_error *error)
{
    g_assert_cmpint(r, <, 0);
    if (!error->name) {
        g_assert_cmpint(r, ==, -ENXIO);
        return;
    }
    g_assert_true(g_str_has_prefix(error->name, FERRY_ERROR_PREFIX));
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    g_assert_cmpuint(strlen(error->message), <=, LIMIT_ERROR_TEXT);
}

/* To the last argument, which the options are. */
static void go_to_options(sd_bus_message *message, const char *signature)
{
    g_autofree char *before = g_strndup(signature, strlen(signature) - strlen("a{sv}"));

    g_assert_cmpint(sd_bus_message_rewind(message, true), >=, 0);
    if (*before)
        g_assert_cmpint(sd_bus_message_skip(message, before), >=, 0);
}

static void read_all_kinds(sd_bus_message *message)
{
    const char *text = NULL;
    bool flag = false;
    int32_t number = 0;
    uint32_t count = 0;
    char **texts = NULL;
    Option options[] = { { "Text", 's', &text },
                         { "Flag", 'b', &flag },
                         { "Number", 'i', &number },
                         { "Count", 'u', &count },
                         { "Texts", 'a', &texts } };
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
    int r = options_read(message, options, G_N_ELEMENTS(options), &error);

    if (r < 0) {
        check_error(r, &error);
    } else {
        g_assert_cmpint(options[0].given, ==, text != NULL);
        g_assert_cmpint(options[4].given, ==, texts != NULL);
        g_assert_true(options[1].given || !flag);
        g_assert_true(!texts || g_strv_length(texts) <= LIMIT_VALUES);
    }
    g_strfreev(texts);
}

static void read_group_options(sd_bus_message *message)
{
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
    GroupOptions options;
    int r = group_options_read(message, &options, &error);

    if (r < 0)
        check_error(r, &error);
    else
        g_assert_true(!options.choices.enabled || *options.choices.enabled == options.enabled);
}

static void read_tenant_options(sd_bus_message *message)
{
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
    g_auto(TenantOptions) options = {};
    int r = tenant_options_read(message, &options, &error);

    if (r < 0)
        check_error(r, &error);
}

static void read_paths(sd_bus_message *message)
{
    g_autoptr(GPtrArray) sysnames = g_ptr_array_new_with_free_func(g_free);
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
    int r;

    g_assert_cmpint(sd_bus_message_rewind(message, true), >=, 0);
    r = read_devices(message, sysnames, &error);
    if (r < 0)
        check_error(r, &error);
    else
        g_assert_cmpuint(sysnames->len, <=, GROUP_RULES_MAX + 1);
}

/* Each path is of one object at most, and the only one of it. */
static void check_path(const char *path)
{
    for (ObjectType type = OBJECT_DEVICE; type < _OBJECT_TYPE_MAX; type++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *id = object_id(type, path, &error);
        g_autofree char *again = id ? object_path(type, id) : NULL;

        g_assert_cmpint(id != NULL, ==, error == NULL);
        g_assert_true(!id || g_str_equal(again, path));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Build build = { .data = data, .size = size };
    const Method *method = build_message(&build);
    g_autoptr(sd_bus_message) message = build.message;
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
    int r = door_check(message, NULL, &error);

    if (build.over) {
        check_error(r, &error);
        g_assert_cmpstr(error.name, ==, LIMIT_ERROR);
        return 0;
    }
    g_assert_cmpint(r, ==, 0);
    g_assert_cmpint(door_is_long(message), ==, build.all_bytes > LIMIT_TEXT);
    check_path(sd_bus_message_get_path(message));
    if (g_str_has_suffix(method->signature, "a{sv}")) {
        go_to_options(message, method->signature);
        read_all_kinds(message);
        go_to_options(message, method->signature);
        read_group_options(message);
        go_to_options(message, method->signature);
        read_tenant_options(message);
    }
    read_paths(message);
    return 0;
}
