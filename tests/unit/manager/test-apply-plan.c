/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a text would change, what it is refused for, and that it is carried out once. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "daemon/config/manifest-diff.h"
#include "daemon/manager/apply.h"
#include "daemon/manager/export.h"
#include "daemon/manager/groups.h"
#include "tests/unit/manager/core.h"

#define GROUP      "[Group]\nName=keys\n\n[Rule 1]\nMatch=vendor=0529\n"
#define ASSIGNMENT "[Assignment]\nName=x\nMachine=desk\nGroup=keys\n"
#define PINNED     "[Assignment]\nName=x\nMachine=desk\nSelector=vendor=0529\n"
#define SPARE      "[Group]\nName=spare\n"
#define SOURCE     "file.conf"
#define OWNER      1000

static ApplyPlan *plan(Core *core, const char *text, bool prune)
{
    const ApplyRequest request = { .text = text, .source = SOURCE, .prune = prune, .owner = OWNER };
    g_autoptr(GError) error = NULL;
    ApplyPlan *made = manager_plan_apply(core->manager, &request, &error);

    if (!made)
        fail_msg("%s", error->message);
    return made;
}

/* "added group keys, changed assignment x" */
static void assert_plan(Core *core, const char *text, bool prune, const char *expected)
{
    g_autoptr(ApplyPlan) made = plan(core, text, prune);
    g_autoptr(GString) said = g_string_new(NULL);

    for (guint i = 0; i < made->differences->len; i++) {
        const ManifestDiff *one = made->differences->pdata[i];

        g_string_append_printf(said, "%s%s %s %s", i ? ", " : "", one->change, one->kind, one->name);
    }
    assert_string_equal(said->str, expected);
    assert_int_equal(made->steps->len, made->differences->len);
}

static void apply(Core *core, const char *text, bool prune)
{
    manager_apply(core->manager, plan(core, text, prune), core_done, core);
    core_wait(core);
    assert_string_equal(core->id, SOURCE);
}

static void assert_refused(Core *core, const char *text, bool prune, FerryError code, const char *message)
{
    const ApplyRequest request = { .text = text, .source = SOURCE, .prune = prune };
    g_autoptr(GError) error = NULL;
    g_autoptr(ApplyPlan) made = manager_plan_apply(core->manager, &request, &error);

    if (made)
        fail_msg("taken: %s", text);
    if (error->code != (int)code || !strstr(error->message, message))
        fail_msg("%s: %s", ferry_error_to_name((FerryError)error->code), error->message);
}

/* A plan changes nothing; once it is carried out the same text changes nothing more. */
static void test_from_nothing(void **state)
{
    Core *core = *state;
    g_autofree char *before = NULL, *after = NULL;
    const Assignment *assignment;
    g_autoptr(GPtrArray) all = NULL;

    assert_plan(core, GROUP "\n" ASSIGNMENT, false, "added group keys, added assignment x");
    before = manager_export(core->manager);
    assert_string_equal(before, "");

    apply(core, GROUP "\n" ASSIGNMENT, false);
    after = manager_export(core->manager);
    assert_string_equal(after, GROUP "\n" ASSIGNMENT);
    assert_plan(core, GROUP "\n" ASSIGNMENT, true, "");
    all = registry_sorted(core->registry->assignments);
    assignment = all->pdata[0];
    assert_string_equal(assignment->machine_uuid, DESK);
    assert_int_equal(assignment->owner, OWNER);
    assert_true(assignment->stored && !assignment->saving);
}

static void test_nothing_to_do(void **state)
{
    Core *core = *state;

    apply(core, GROUP, false);
    manager_apply(core->manager, plan(core, GROUP, false), core_done, core);
    assert_int_equal(core->answers, 2); /* at once */
    assert_string_equal(core->id, "");
}

/* The same assignment by machine and name; what makes it stays. */
static void test_changed(void **state)
{
    Core *core = *state;
    g_autofree char *id = NULL;
    g_autoptr(GPtrArray) all = NULL;
    g_autoptr(ApplyPlan) made = NULL;
    const Assignment *assignment, *next;

    apply(core, GROUP ASSIGNMENT, false);
    all = registry_sorted(core->registry->assignments);
    assignment = all->pdata[0];
    id = g_strdup(assignment->id);
    made = plan(core, ASSIGNMENT "Priority=2\n", false);
    next = ((const ApplyStep *)made->steps->pdata[0])->assignment;
    assert_string_equal(next->id, id);
    assert_int_equal(next->created, assignment->created);
    assert_true(next->sequence == assignment->sequence);
    assert_int_equal(next->owner, OWNER);
    assert_plan(core, "[Group]\nName=keys\nPriority=1\n[Rule 1]\nMatch=vendor=0529\n" ASSIGNMENT, false,
                "changed group keys");
    apply(core, GROUP "[Assignment]\nName=x\nMachine=" DESK "\nGroup=keys\nQuantity=all\nPersistent=false\n",
          false);
    assert_ptr_equal(registry_assignment(core->registry, id), assignment);
    assert_int_equal(assignment->quantity_kind, QUANTITY_ALL);
    assert_false(assignment->persistent);
    {
        g_autofree char *old_name = g_strdup_printf("state/assignments/%s", id);
        g_autofree char *new_name = g_strdup_printf("run/assignments/%s", id);
        g_autofree char *old = core_file(core, old_name), *new = core_file(core, new_name);

        assert_null(old);
        assert_non_null(new);
    }
    /* The other machine's is another one. */
    assert_plan(core, GROUP "[Assignment]\nName=x\nMachine=studio\nGroup=keys\n", false,
                "added assignment x");
}

/* Its machine was made anew under its name: the assignment moves there, in one step, and says so. */
static void test_left_behind_by_its_machine(void **state)
{
    Core *core = *state;
    static const char anew[] = "99999999-9999-9999-9999-999999999999";
    g_autoptr(GPtrArray) all = NULL;
    g_autofree char *id = NULL, *file = NULL, *text = NULL;
    const Assignment *assignment;
    MachineInfo *info = machine_info_new(anew);

    apply(core, PINNED, false);
    all = registry_sorted(core->registry->assignments);
    assignment = all->pdata[0];
    id = g_strdup(assignment->id);
    g_free(info->name);
    info->name = g_strdup("desk");
    registry_remove_machine(core->registry, registry_machine(core->registry, DESK));
    registry_add_machine(core->registry, machine_new(info));
    core->registry->hypervisor_state = HYPERVISOR_STATE_CONNECTED;
    /* As long as nobody knows that it is gone, it is another one's. */
    core->registry->machines_known = false;
    assert_plan(core, PINNED, false, "added assignment x");
    core->registry->machines_known = true;
    assert_plan(core, PINNED, false, "changed assignment x");
    apply(core, PINNED, false);
    assert_ptr_equal(registry_assignment(core->registry, id), assignment);
    assert_string_equal(assignment->machine_uuid, anew);
    assert_int_equal(g_hash_table_size(core->registry->assignments), 1);
    file = g_strdup_printf("state/assignments/%s", id);
    text = core_file(core, file);
    assert_non_null(strstr(text, anew));
    assert_plan(core, PINNED, false, "");
}

/* What told it from others when it was made stays with the same Selector, and goes with another one. */
static void test_where_it_is_at_home(void **state)
{
    Core *core = *state;
    g_autoptr(GPtrArray) all = NULL;
    const Assignment *assignment;

    core_plug(core, "1-1", 0x0529, "A");
    apply(core, "[Assignment]\nName=x\nMachine=desk\nSelector=vendor=0529\n", false);
    all = registry_sorted(core->registry->assignments);
    assignment = all->pdata[0];
    assert_string_equal(assignment->home_socket, "pci-0000:00:14.0/1");
    core_plug(core, "1-2", 0x0529, "B");
    apply(core, "[Assignment]\nName=x\nMachine=desk\nSelector=vendor=0529\nPriority=1\n", false);
    assert_int_equal(assignment->priority, 1);
    assert_string_equal(assignment->home_socket, "pci-0000:00:14.0/1");
    apply(core, "[Assignment]\nName=x\nMachine=desk\nSelector=serial=B\n", false);
    assert_string_equal(assignment->home_socket, "pci-0000:00:14.0/2");
}

/* A number of a rule is never used again, whatever the text says. */
static void test_rule_numbers(void **state)
{
    Core *core = *state;
    g_autoptr(ApplyPlan) made = NULL;

    apply(core, "[Group]\nName=keys\n[Rule 7]\nMatch=vendor=0529\n", false);
    made = plan(core, GROUP, false);
    assert_int_equal(((const ApplyStep *)made->steps->pdata[0])->group->next_rule_id, 8);
}

static void test_prune(void **state)
{
    Core *core = *state;

    apply(core, GROUP ASSIGNMENT SPARE, false);
    assert_plan(core, SPARE, false, "");
    assert_plan(core, SPARE, true, "removed assignment x, removed group keys");
    assert_plan(core, GROUP SPARE, true, "removed assignment x");
    assert_refused(core, ASSIGNMENT, true, FERRY_ERROR_GROUP_IN_USE, SOURCE ":4: group keys");
    registry_group(core->registry, "keys")->file = g_strdup("/etc/keys.conf");
    assert_plan(core, SPARE, true, "removed assignment x");
}

/* A rule that means one device that is there: where it is, and what it is called. */
static void test_a_device(void **state)
{
    Core *core = *state;
    g_autoptr(ApplyPlan) made = NULL, away = NULL;
    const Assignment *next;

    core_plug(core, "1-1", 0x529, "KEY-1");
    made = plan(core, "[Assignment]\nName=x\nMachine=desk\nSelector=serial=KEY-1\n", false);
    next = ((const ApplyStep *)made->steps->pdata[0])->assignment;
    assert_string_equal(next->home_socket, "pci-0000:00:14.0/1");
    assert_non_null(strstr(next->device_text, "0529:0001"));
    away = plan(core, "[Assignment]\nName=x\nMachine=desk\nSelector=serial=KEY-2\n", false);
    next = ((const ApplyStep *)away->steps->pdata[0])->assignment;
    assert_string_equal(next->home_socket, "");
    assert_string_equal(next->device_text, "serial=KEY-2");
}

static void test_refused(void **state)
{
    Core *core = *state;
    Group *grant = group_new("acme/keys");

    assert_refused(core, "[Assignment]\nName=x\nMachine=attic\nGroup=keys\n", false,
                   FERRY_ERROR_NO_SUCH_MACHINE, SOURCE ":3: \"attic\"");
    assert_refused(core, ASSIGNMENT, false, FERRY_ERROR_NO_SUCH_GROUP, SOURCE ":4: ");
    assert_refused(core, "[Group]\nName=acme/keys\n", false, FERRY_ERROR_NOT_OWNED, "tenant acme's");
    assert_refused(core, "rubbish", false, FERRY_ERROR_INVALID_OPTION, SOURCE ":1: ");
    assert_refused(core, GROUP ASSIGNMENT "[Assignment]\nName=x\nMachine=" DESK "\nGroup=keys\n" GROUP, false,
                   FERRY_ERROR_ALREADY_EXISTS, "");

    group_add_rule(grant, rule_parse("serial=KEY-1", NULL), GROUP_ORIGIN_ADMIN);
    registry_add_group(core->registry, grant);
    assert_refused(core, "[Assignment]\nName=x\nMachine=desk\nSelector=serial=KEY-1\n", false,
                   FERRY_ERROR_NOT_OWNED, SOURCE ":1: the Selector is a rule of group acme/keys");
    assert_refused(core, "[Assignment]\nName=x\nMachine=desk\nGroup=acme/keys\n", false,
                   FERRY_ERROR_NOT_OWNED, SOURCE ":4: ");
    registry_add_group(core->registry, group_new("file"));
    registry_group(core->registry, "file")->file = g_strdup("/etc/file.conf");
    assert_refused(core, "[Group]\nName=file\n", false, FERRY_ERROR_ALREADY_EXISTS, "/etc/file.conf");
}

/* The same assignment under both names of its machine. */
static void test_declared_twice(void **state)
{
    Core *core = *state;

    apply(core, GROUP ASSIGNMENT, false);
    assert_refused(core, ASSIGNMENT "[Assignment]\nName=x\nMachine=" DESK "\nGroup=keys\n", false,
                   FERRY_ERROR_ALREADY_EXISTS, SOURCE ":5: ");
}

/* Nothing begins while something of it is on its way to the disk. */
static void test_one_at_a_time(void **state)
{
    Core *core = *state;
    const GroupChoices no_choices = {};
    g_autoptr(GPtrArray) all = NULL;

    manager_create_group(core->manager, "keys", &no_choices, core_done, core);
    assert_refused(core, GROUP, false, FERRY_ERROR_LIMIT_EXCEEDED, "group keys: another change");
    assert_refused(core, ASSIGNMENT, false, FERRY_ERROR_LIMIT_EXCEEDED, "group keys: another change");
    assert_plan(core, "[Group]\nName=others\n", false, "added group others");
    core_wait(core);
    assert_plan(core, GROUP, false, "changed group keys");

    manager_apply(core->manager, plan(core, ASSIGNMENT, false), core_done, core);
    assert_refused(core, GROUP, false, FERRY_ERROR_LIMIT_EXCEEDED, "another text");
    core_wait(core);
    assert_plan(core, ASSIGNMENT, false, "");
    all = registry_sorted(core->registry->assignments);
    ((Assignment *)all->pdata[0])->saving = true;
    assert_refused(core, ASSIGNMENT, false, FERRY_ERROR_LIMIT_EXCEEDED, "assignment ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, core_setup, core_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_from_nothing),
        TEST(test_nothing_to_do),
        TEST(test_changed),
        TEST(test_where_it_is_at_home),
        TEST(test_rule_numbers),
        TEST(test_prune),
        TEST(test_a_device),
        TEST(test_refused),
        TEST(test_declared_twice),
        TEST(test_one_at_a_time),
        TEST(test_left_behind_by_its_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
