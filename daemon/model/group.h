/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Group: a resource group, a pool of devices under one name. A device belongs to it when any of its enabled
 * rules matches.
 *
 * Groups come from two places: made over the bus (one key file each in the store), or written by hand in a
 * drop-in folder; those are read-only here. A tenant's group is called "<tenant>/<name>": what its rules
 * match is the tenant's (daemon/model/tenant.h), and Grant and Revoke alone change them. Main thread only. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/enum-table.h"
#include "daemon/rules/rule.h"

#define GROUP_NAME_MAX         64 /* characters of A-Za-z0-9._-; of a tenant's group: in each half */
#define GROUP_TENANT_SEPARATOR '/'
#define GROUP_RULES_MAX        4096       /* rules of one group */
#define GROUP_RULE_ID_MAX      G_MAXINT32 /* out of reach for adding, but not for a file */

#define GROUP_ORIGIN_ADMIN "admin"

typedef enum GroupClass {
    GROUP_CLASS_GENERIC,
    GROUP_CLASS_HID,
    GROUP_CLASS_STORAGE,
    GROUP_CLASS_MEDIA,
    GROUP_CLASS_AUDIO,
    GROUP_CLASS_NETWORK,
    GROUP_CLASS_SMARTCARD,
    GROUP_CLASS_PRINTER,
    GROUP_CLASS_SERIAL,
    GROUP_CLASS_BLUETOOTH,
    _GROUP_CLASS_MAX,
    _GROUP_CLASS_INVALID = -1,
} GroupClass;

/* "generic", "hid", "storage", … The way back ignores case. */
ENUM_TABLE_DECLARE(GroupClass, group_class);
/* The freedesktop icon name; a class means nothing else. Static. */
const char *group_class_icon(GroupClass class_value);

typedef struct GroupRule {
    uint32_t id; /* 1…, never used again within the group */
    bool enabled;
    Rule *rule;
    char *text;   /* rule_print(rule) */
    char *origin; /* "auto:<device>", "admin", "file:<path>"; clean */
} GroupRule;

GroupRule *group_rule_free(GroupRule *rule);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GroupRule, group_rule_free)

typedef struct Group {
    /* what was decided: in the store or in a drop-in file */
    char *name;
    char *description;
    GroupClass class_value;
    bool enabled;
    bool allow_guest_reset;
    bool allow_guest_resets_all;
    int32_t priority;
    GPtrArray *rules; /* of GroupRule, owned, by id */
    uint32_t next_rule_id;
    char *file;   /* the drop-in that it comes from; NULL = ours to change */
    char *tenant; /* whose it is, from the name; NULL = nobody's. There may be no such tenant (any more) */

    /* daemon/model/damage.h */
    char *damage;    /* why its file makes no sense; NULL = it does */
    bool rules_lost; /* there may be more rules than these */

    bool saving;   /* a change is on its way to the disk; no other one may begin */
    bool deleting; /* and that is its end: nothing more may draw from it */

    /* set by daemon/reconciler/status-update.c */
    GPtrArray *devices; /* of char *: sysnames of its devices, sorted */
    unsigned free;      /* of those, not in a machine and not reserved by an assignment */
} Group;

/* Enabled, generic, without rules. */
Group *group_new(const char *name);
Group *group_free(Group *group);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Group, group_free)

/* What was decided; neither what is being saved nor where it stands. */
Group *group_copy(const Group *group);

/* "." and ".." are no names: a group is a file somewhere. Not a tenant's group. */
bool group_name_is_valid(const char *name);
/* "<tenant>/<name>", both of them valid. ret_tenant (new string) may be NULL. */
bool group_name_is_tenants(const char *name, char **ret_tenant);

/* Takes the rule, in any case. Returns the rule in the group, borrowed: enabled, with the next id. NULL when
 * the group is full. */
GroupRule *group_add_rule(Group *group, Rule *rule, const char *origin);
GroupRule *group_find_rule(const Group *group, uint32_t id);
/* Whether one of its rules has this text, as rule_print() has it. */
bool group_has_rule(const Group *group, const char *text);
/* False when there is none. */
bool group_remove_rule(Group *group, uint32_t id);
