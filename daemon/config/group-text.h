/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Group text: a group as its file in the store and in groups.d has it, and how the sections of one group are
 * read in files with several things in them. For the manager, the drop-ins and daemon/config/manifest.c.
 * Pure. */

#include "daemon/base/key-file-reader.h"
#include "daemon/model/group.h"

#define GROUP_SECTION "Group"

/* The file form of groups.d, export and the store:
 *
 *   [Group]   Name, Description, Class, Enabled, AllowGuestReset, AllowGuestResetsAll, Priority, NextRule
 *   [Rule N]  Match, Enabled, Origin
 *
 * A GKeyFile; but Match is the rule as it is everywhere else, without a second layer of escapes. Name and
 * Match must be there, everything else has group_new()'s value. NextRule is next_rule_id where that isn't one
 * more than the last rule's. A file of the store can be moved to groups.d: Origin is taken there too, though
 * the file is the origin then. */
char *group_to_text(const Group *group);

/* Strict: an unknown or doubled key or section, a bad value or a bad rule refuses the whole file, with
 * "<path>:<line>: …" (INVALID_RULE, INVALID_NAME; INVALID_OPTION for everything else). path may be any text;
 * with from_drop_in it is the group's file and its rules' origin, and a tenant's group is refused. */
Group *group_from_text(const char *text, const char *path, bool from_drop_in, GError **error);

/* The group of this name, with what can still be known of it: see daemon/model/damage.h. why: what is wrong
 * with the file. Never NULL. */
Group *group_from_damaged_text(const char *name, const char *text, const char *path, const char *why);

typedef struct GroupReader {
    Group *group; /* new; filled in */
    bool from_drop_in;

    bool seen;             /* its [Group] */
    GroupRule *rule;       /* the section that is being read is this one's */
    uint32_t next_rule_id; /* as it stands there, 0 = it doesn't */
} GroupReader;

/* [Rule N], or something that is meant to be that. */
bool group_reader_is_rule(const char *section);
/* For KeyFileReader.begin(). */
const KeyFileKey *group_reader_begin(GroupReader *into, KeyFileReader *reader, const char *section);
/* All of its sections were read. */
void group_reader_end(GroupReader *into);
