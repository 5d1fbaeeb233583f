/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client's picture of the service: fed by answers and signals, read by lists and waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/view/columns.h"
#include "client/bus/model.h"
#include "client/bus/outcome.h"
#include "client/verbs/passthrough-rule.h"
#include "client/verbs/target.h"
#include "client/verbs/wait.h"

#define DEVICE     "/org/usbferry1/device/a"
#define HUB        "/org/usbferry1/device/hub"
#define MACHINE    "/org/usbferry1/machine/m"
#define ASSIGNMENT "/org/usbferry1/assignment/abcd1234"
#define GROUP      "/org/usbferry1/group/g"

static const char managed[] =
    "@a{oa{sa{sv}}} {"
    " '/org/usbferry1': {'org.usbferry1.Manager': {'Node': <'desk'>, 'HypervisorState': <'connected'>},"
    "                    'org.freedesktop.DBus.Peer': {}},"
    " '" DEVICE "': {'org.usbferry1.Device': {'SysName': <'3-1.10'>, 'BusNumber': <uint32 3>,"
    "   'DeviceNumber': <uint32 7>, 'VendorId': <uint16 0x046d>, 'ProductId': <uint16 0xc31c>,"
    "   'Vendor': <'Logitech'>, 'Product': <'Keyboard K120'>, 'IsHub': <false>, 'State': <'attached'>,"
    "   'Machine': <objectpath '" MACHINE "'>, 'Assignment': <objectpath '" ASSIGNMENT "'>,"
    "   'Speed': <'of a later version'>}, 'org.usbferry2.Device': {'State': <'new'>}},"
    " '" HUB "': {'org.usbferry1.Device': {'SysName': <'3-1.9'>, 'IsHub': <true>, 'State': <'host'>}},"
    " '" MACHINE "': {'org.usbferry1.Machine': {'UUID': <'u-u'>, 'Name': <'win11'>,"
    "   'State': <'running'>}},"
    " '" ASSIGNMENT "': {'org.usbferry1.Assignment': {'Name': <'keys'>, 'State': <'attached'>,"
    "   'Reason': <'the VM has it'>, 'Machine': <objectpath '" MACHINE "'>,"
    "   'Devices': <@a(os) [('" DEVICE "', 'attached')]>}},"
    " '/org/usbferry1/thing/x': {'org.usbferry1.Thing': {'Name': <'keys'>}}"
    "}";

static GVariant *parse(const char *text)
{
    return g_variant_ref_sink(g_variant_new_parsed(text));
}

static Model *load(void)
{
    Model *model = model_new();
    g_autoptr(GVariant) value = parse(managed);

    model_load(model, value, NULL, NULL);
    return model;
}

typedef struct Heard {
    unsigned n[3];
    char *path;
    char *was;
} Heard;

static void hear(const Model *model, ModelEvent event, const Object *object, GHashTable *before,
                 void *userdata)
{
    Heard *heard = userdata;
    GVariant *was = before ? g_hash_table_lookup(before, "State") : NULL;

    heard->n[event]++;
    g_free(heard->path);
    heard->path = g_strdup(object->path);
    g_free(heard->was);
    heard->was = was ? g_variant_dup_string(was, NULL) : NULL;
}

static void test_load(void **state)
{
    g_autoptr(Model) model = load();
    const Object *device = model_get(model, DEVICE, KIND_DEVICE);

    assert_int_equal(g_hash_table_size(model->objects), 5); /* not the thing */
    assert_string_equal(object_string(device, "State"), "attached");
    assert_int_equal(object_number(device, "VendorId"), 0x046d);
    assert_int_equal(object_number(device, "Speed"), 0); /* another type than ours */
    assert_string_equal(object_string(device, "Missing"), "");
    assert_null(model_get(model, DEVICE, KIND_MACHINE));
    assert_ptr_equal(model_follow(model, device, "Machine", KIND_MACHINE),
                     model_get(model, MACHINE, KIND_MACHINE));

    g_autofree char *text = object_describe(device);
    assert_string_equal(text, "046d:c31c \"Keyboard K120\" (3-1.10)");
    g_autofree char *id = object_id(model_get(model, ASSIGNMENT, KIND_ASSIGNMENT));
    assert_string_equal(id, "abcd1234");

    /* 9 before 10 */
    g_autoptr(GPtrArray) devices = model_sorted(model, KIND_DEVICE);
    assert_string_equal(((Object *)devices->pdata[0])->path, HUB);
}

static void test_signals(void **state)
{
    g_autoptr(Model) model = load();
    Heard heard = { 0 };

    g_autoptr(GVariant) change = parse("{'State': <'detaching'>, 'Vendor': <'Logitech'>}");
    model_change(model, DEVICE, "org.usbferry1.Device", change, hear, &heard);
    assert_int_equal(heard.n[MODEL_CHANGED], 1);
    assert_string_equal(heard.was, "attached");

    /* nothing differs; another interface; an object that isn't known */
    model_change(model, DEVICE, "org.usbferry1.Device", change, hear, &heard);
    model_change(model, DEVICE, "org.usbferry1.Machine", change, hear, &heard);
    model_change(model, "/org/usbferry1/device/b", "org.usbferry1.Device", change, hear, &heard);
    assert_int_equal(heard.n[MODEL_CHANGED], 1);

    g_autoptr(GVariant) others = parse("['org.freedesktop.DBus.Peer']");
    model_remove(model, DEVICE, others, hear, &heard);
    assert_int_equal(heard.n[MODEL_REMOVED], 0);
    g_autoptr(GVariant) ours = parse("['org.freedesktop.DBus.Peer', 'org.usbferry1.Device']");
    model_remove(model, DEVICE, ours, hear, &heard);
    assert_int_equal(heard.n[MODEL_REMOVED], 1);
    assert_null(model_get(model, DEVICE, KIND_DEVICE));

    /* fetched again: what came back is new, what stayed is silent, what isn't named is gone */
    g_autoptr(GVariant) again = parse(managed);
    model_load(model, again, hear, &heard);
    assert_int_equal(heard.n[MODEL_ADDED], 1);
    assert_string_equal(heard.path, DEVICE);
    g_autoptr(GVariant) nothing = parse("@a{oa{sa{sv}}} {}");
    model_load(model, nothing, hear, &heard);
    assert_int_equal(heard.n[MODEL_REMOVED], 5);
    assert_non_null(model_manager(model));

    g_free(heard.path);
    g_free(heard.was);
}

static void test_columns(void **state)
{
    g_autoptr(Model) model = load();
    g_autoptr(GError) error = NULL;

    g_autoptr(GPtrArray) columns = columns_choose(
        columns_for(KIND_DEVICE), "id,address,USBID,model,host,vm,vmstate,reason,speed", &error);
    assert_non_null(columns);
    g_autoptr(GPtrArray) rows = overview_rows(model); /* no hub */
    assert_int_equal(rows->len, 1);
    g_autoptr(GVariant) table = g_variant_ref_sink(columns_to_variant(model, columns, rows));
    g_autoptr(GVariant) expected =
        parse("[{'id': <'3-1.10'>, 'address': <'003:007'>, 'usbid': <'046d:c31c'>,"
              "  'model': <'Logitech Keyboard K120'>, 'host': <'desk'>, 'vm': <'win11'>,"
              "  'vmstate': <'running'>, 'reason': <'the VM has it'>, 'speed': <'of a later version'>}]");
    assert_true(g_variant_equal(table, expected));

    assert_null(columns_choose(columns_for(KIND_DEVICE), "id,,model", &error));
    assert_true(g_error_matches(error, CLIENT_ERROR, OUTCOME_USAGE));
}

/* An assignment whose device is away has a line of its own. */
static void test_overview(void **state)
{
    g_autoptr(Model) model = load();

    g_autoptr(GVariant) waits = parse("{'State': <'waiting-device'>, 'Devices': <@a(os) []>}");
    model_change(model, ASSIGNMENT, "org.usbferry1.Assignment", waits, NULL, NULL);
    g_autoptr(GPtrArray) rows = overview_rows(model);
    assert_int_equal(rows->len, 2);
    assert_string_equal(((Object *)rows->pdata[1])->path, ASSIGNMENT);
}

static void test_target(void **state)
{
    g_autoptr(Model) model = load();
    g_autoptr(GError) error = NULL;
    static const struct {
        const char *word, *path;
    } cases[] = {
        { "keys", ASSIGNMENT }, { "abcd1234", ASSIGNMENT }, { "win11", MACHINE }, { "u-u", MACHINE },
        { "3-1.10", DEVICE },   { DEVICE, DEVICE },         { "keyboard", NULL }, { "", NULL },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const Object *object = target_match(model, TARGET_ANY, cases[i].word, &error);
        assert_null(error);
        assert_int_equal(g_strcmp0(object ? object->path : NULL, cases[i].path), 0);
    }

    /* somebody called an assignment like a port */
    g_autoptr(GVariant) name = parse("{'Name': <'3-1.10'>}");
    model_change(model, ASSIGNMENT, "org.usbferry1.Assignment", name, NULL, NULL);
    assert_null(target_match(model, TARGET_ANY, "3-1.10", &error));
    assert_true(g_error_matches(error, CLIENT_ERROR, OUTCOME_USAGE));
    assert_non_null(strstr(error->message, ASSIGNMENT));
}

static void test_judge(void **state)
{
    static const struct {
        const char *state; /* NULL: the assignment is gone */
        WaitVerdict attached, detached, released;
    } cases[] = {
        { NULL, WAIT_FAILED, WAIT_DONE, WAIT_DONE },
        { "attaching", WAIT_GOES_ON, WAIT_GOES_ON, WAIT_GOES_ON },
        { "attached", WAIT_DONE, WAIT_GOES_ON, WAIT_GOES_ON },
        { "waiting-machine", WAIT_RESTS, WAIT_GOES_ON, WAIT_GOES_ON },
        { "waiting-device", WAIT_RESTS, WAIT_GOES_ON, WAIT_GOES_ON },
        { "disabled", WAIT_FAILED, WAIT_DONE, WAIT_GOES_ON },
        { "failed", WAIT_FAILED, WAIT_GOES_ON, WAIT_GOES_ON },
        { "of-a-later-version", WAIT_GOES_ON, WAIT_GOES_ON, WAIT_GOES_ON },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Model) model = load();
        g_autoptr(GVariant) change =
            g_variant_ref_sink(g_variant_new_parsed("{'State': <%s>}", cases[i].state ?: ""));
        model_change(model, ASSIGNMENT, "org.usbferry1.Assignment", change, NULL, NULL);
        const Object *assignment = cases[i].state ? model_get(model, ASSIGNMENT, KIND_ASSIGNMENT) : NULL;
        gint64 grace;

        assert_int_equal(wait_judge(WAIT_ATTACHED, assignment, &grace), cases[i].attached);
        assert_int_equal(wait_judge(WAIT_DETACHED, assignment, &grace), cases[i].detached);
        assert_int_equal(wait_judge(WAIT_RELEASED, assignment, &grace), cases[i].released);
    }
}

/* A group called like the assignment that draws from it, and two keyboards in it. */
static void add_group(Model *model)
{
    g_autoptr(GVariant) group =
        parse("{'org.usbferry1.ResourceGroup': {'Name': <'keys'>, 'Class': <'hid'>, 'Enabled': <true>,"
              " 'Priority': <-1>, 'Total': <uint32 2>, 'Free': <uint32 1>,"
              " 'Rules': <@a(ubss) [(1, true, 'class=hid', 'admin'), (3, false, 'vendor=*', 'admin')]>,"
              " 'Devices': <[objectpath '" DEVICE "', '/org/usbferry1/device/away']>}}");
    model_add(model, GROUP, group, NULL, NULL);

    g_autoptr(GVariant) device =
        parse("{'Groups': <[objectpath '" GROUP "']>, 'Rules': <['keys#1 class=hid']>}");
    model_change(model, DEVICE, "org.usbferry1.Device", device, NULL, NULL);
    g_autoptr(GVariant) assignment = parse("{'Group': <objectpath '" GROUP "'>, 'Quantity': <'2'>}");
    model_change(model, ASSIGNMENT, "org.usbferry1.Assignment", assignment, NULL, NULL);
}

static void test_groups(void **state)
{
    g_autoptr(Model) model = load();
    g_autoptr(GError) error = NULL;

    /* nobody has a group: the overview can do without */
    g_autoptr(GPtrArray) rows = overview_rows(model);
    g_autoptr(GPtrArray) all = columns_choose(columns_for_overview(), NULL, &error);
    guint n = all->len;
    columns_drop_empty(model, all, rows, "group#rule");
    assert_int_equal(all->len, n - 1);

    add_group(model);
    const Object *group = model_get(model, GROUP, KIND_GROUP);
    g_autofree char *text = object_describe(group);
    assert_string_equal(text, "group \"keys\"");
    assert_ptr_equal(target_find_group(model, "keys", &error), group);
    assert_null(target_find_group(model, "3-1.10", &error));
    assert_true(g_error_matches(error, CLIENT_ERROR, OUTCOME_NOT_FOUND));
    g_clear_error(&error);

    /* who takes, takes what was given; who looks must say which */
    const Object *found = target_match(model, TARGET_GIVEN, "keys", &error);
    assert_string_equal(found->path, ASSIGNMENT);
    assert_null(target_match(model, TARGET_ANY, "keys", &error));
    assert_true(g_error_matches(error, CLIENT_ERROR, OUTCOME_USAGE));
    g_clear_error(&error);

    g_autoptr(GPtrArray) columns = columns_choose(
        columns_for(KIND_GROUP), "name,class,enabled,rules,total,free,vms,devices,priority,file", &error);
    g_autoptr(GPtrArray) groups = model_sorted(model, KIND_GROUP);
    g_autoptr(GVariant) table = g_variant_ref_sink(columns_to_variant(model, columns, groups));
    g_autoptr(GVariant) expected =
        parse("[{'name': <'keys'>, 'class': <'hid'>, 'enabled': <true>, 'rules': <uint64 2>,"
              "  'total': <uint32 2>, 'free': <uint32 1>, 'vms': <['win11']>,"
              "  'devices': <['3-1.10', '/org/usbferry1/device/away']>, 'priority': <-1>,"
              "  'file': <@ms nothing>}]");
    assert_true(g_variant_equal(table, expected));

    g_autoptr(GPtrArray) of_devices =
        columns_choose(columns_for_overview(), "groups,rules,group#rule", &error);
    g_autoptr(GVariant) devices = g_variant_ref_sink(columns_to_variant(model, of_devices, rows));
    g_autoptr(GVariant) expected_devices = parse("[{'groups': <['keys']>, 'rules': <['keys#1 class=hid']>,"
                                                 "  'group#rule': <['keys#1']>}]");
    assert_true(g_variant_equal(devices, expected_devices));
}

static void test_partial(void **state)
{
    g_autoptr(Model) model = load();
    const Object *assignment = model_get(model, ASSIGNMENT, KIND_ASSIGNMENT);
    gint64 grace;

    add_group(model);
    g_autoptr(GVariant) coming = parse("{'State': <'partial'>, 'Devices': <@a(os) [('" DEVICE
                                       "', 'attached'), ('/b', 'attaching')]>}");
    model_change(model, ASSIGNMENT, "org.usbferry1.Assignment", coming, NULL, NULL);
    assert_int_equal(wait_judge(WAIT_ATTACHED, assignment, &grace), WAIT_GOES_ON);

    g_autoptr(GVariant) rests =
        parse("{'Devices': <@a(os) [('" DEVICE "', 'attached'), ('/b', 'waiting')]>}");
    model_change(model, ASSIGNMENT, "org.usbferry1.Assignment", rests, NULL, NULL);
    assert_int_equal(wait_judge(WAIT_ATTACHED, assignment, &grace), WAIT_RESTS);
    assert_true(grace > 0);

    /* named by its group, with the devices that are here */
    g_autoptr(GPtrArray) items = wait_list_new();
    wait_list_add(items, model, ASSIGNMENT);
    wait_list_add(items, model, ASSIGNMENT);
    assert_int_equal(items->len, 1);
    const WaitItem *item = items->pdata[0];
    assert_string_equal(item->label, "group \"keys\"");
    assert_int_equal(item->devices->len, 1);
}

static void test_passthrough(void **state)
{
    g_autoptr(Model) model = load();
    static const struct {
        const char *rule;
        bool serial;
    } rules[] = {
        { "vendor=046d product=c31c serial=AB12", true },
        { "vendor=046d product=c31c port=pci-0000:00:14.0/1.2", false },
        { "serial!=A", true },
        { "name=\"a serial=x\" port=3-1", false },
        { "name=\"a \\\" serial=x\" class=hid", false },
        { "serials=x", false },
        { "name=\"", false },
        { "", false },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
        assert_int_equal(passthrough_rule_names(rules[i].rule, "serial"), rules[i].serial);

    /* the name that the service has made */
    g_autofree char *name = passthrough_group_name("/org/usbferry1/group/keyboard_2dk120_2e2");
    assert_string_equal(name, "keyboard-k120.2");
    g_autofree char *no_name = passthrough_group_name(DEVICE);
    assert_string_equal(no_name, DEVICE);

    const Object *device = model_get(model, DEVICE, KIND_DEVICE);
    g_autofree char *none = passthrough_reason("vendor=046d product=c31c port=3-1", device);
    assert_non_null(strstr(none, "no serial number"));
    g_autoptr(GVariant) serial = parse("{'Serial': <'0\\033[2J'>}");
    model_change(model, DEVICE, "org.usbferry1.Device", serial, NULL, NULL);
    g_autofree char *plain = passthrough_reason("vendor=046d product=c31c port=3-1", device);
    assert_non_null(strstr(plain, "not unique"));
    g_autofree char *unique = passthrough_reason("vendor=046d product=c31c serial=0", device);
    assert_non_null(strstr(unique, "by its serial number"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load),     cmocka_unit_test(test_signals), cmocka_unit_test(test_columns),
        cmocka_unit_test(test_overview), cmocka_unit_test(test_target),  cmocka_unit_test(test_judge),
        cmocka_unit_test(test_groups),   cmocka_unit_test(test_partial), cmocka_unit_test(test_passthrough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
