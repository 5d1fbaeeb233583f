/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tenants, as the tests of the bus tier call them. As root, unless a bus is given. */

#include "tests/bus/group-calls.h"

/* New strings: the paths. */
char *tenant_path(const char *name);
char *tenant_create(Fixture *fixture, const char *name, const char *member);
/* With a member, and a machine. */
char *tenant_create_with(Fixture *fixture, const char *name, const char *member, const char *uuid);
void tenant_set_machine(Fixture *fixture, const char *tenant, const char *uuid, bool belongs);

/* The group. New string. */
char *tenant_grant(Fixture *fixture, const char *tenant, const char *sysname, const char *group);
void tenant_revoke(Fixture *fixture, const char *tenant, const char *sysname);
void tenant_revoke_group(Fixture *fixture, const char *tenant, const char *group);

/* Fails the test unless it fails by this name. The text. New string. */
char *tenant_grant_error(Fixture *fixture, const char *name, const char *tenant, const char *sysname,
                         const char *group);
char *tenant_assign_error(Fixture *fixture, const char *name, const char *source, const char *uuid);

/* Any call as anybody. The error's name without the usbferry prefix, NULL = it worked. New string. ret_reply
 * may be NULL. */
char *call_as(sd_bus *bus, const char *path, const char *interface, const char *member,
              sd_bus_message **ret_reply, const char *types, ...);
/* Fails the test unless the call's outcome is that one: a name, or NULL for success. */
#define assert_call_as(fixture, bus, expected, path, interface, member, ...)                         \
    do {                                                                                             \
        g_autofree char *_outcome = call_as(bus, path, interface, member, NULL, __VA_ARGS__);        \
        if (g_strcmp0(_outcome, expected) != 0) {                                                    \
            fixture_print_log(fixture);                                                              \
            fail_msg("%s on %s: %s", member, path, _outcome ? _outcome : "success, which is wrong"); \
        }                                                                                            \
    } while (0)

void assert_tenant_of_device(Fixture *fixture, const char *sysname, const char *tenant);

/* Of a device, and of an assignment's State. */
void tenant_wait_device(Fixture *fixture, const char *sysname, const char *property, const char *value);
void tenant_wait_state(Fixture *fixture, const char *assignment, const char *value);
/* One more machine, that runs. */
void tenant_start_machine(Fixture *fixture, const char *uuid, const char *name);
