/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A host that gets its name late, after rules that ask for it were read. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/manager/internal.h"
#include "daemon/manager/node.h"
#include "tests/unit/manager/core.h"

int __wrap_gethostname(char *name, size_t length);

static const char *hostname = "localhost";

int __wrap_gethostname(char *name, size_t length)
{
    g_strlcpy(name, hostname, length);
    return 0;
}

static unsigned reported;

static void note(const Change *change, void *userdata)
{
    if (change->type == OBJECT_MANAGER && change->kind == CHANGE_FIELDS)
        reported |= change->fields;
}

static void add_group(Core *core)
{
    Group *group = group_new("keys");

    group_add_rule(group, rule_parse("vendor=0529 node=cloud-7", NULL), "admin");
    registry_add_group(core->registry, group);
    memberships_rebuild(core->manager->memberships);
}

static void test_the_name_comes_late(void **state)
{
    Core *core = *state;
    const Device *device = core_plug(core, "1-1", 0x0529, "A");

    add_group(core);
    core->registry->changed = note;
    assert_null(membership_find(device, "keys"));
    node_look(core->manager);
    assert_int_equal(reported, 0);
    hostname = "Cloud-7";
    manager_reload(core->manager);
    assert_string_equal(core->registry->node, "Cloud-7");
    assert_non_null(membership_find(device, "keys"));
    assert_int_equal(reported, MANAGER_FIELD_NODE);
    /* And goes. */
    hostname = "other\n";
    node_look(core->manager);
    assert_string_equal(core->registry->node, "other");
    assert_null(membership_find(device, "keys"));
    core->registry->changed = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_name_comes_late, core_setup, core_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
