/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Group file: how the sections of one group are read, for group_from_text() and for files with several
 * things in them. */

#include "daemon/model/group.h"
#include "daemon/config/key-file-reader.h"

#define GROUP_SECTION "Group"

typedef struct GroupReader {
    Group *group; /* new; filled in */
    bool from_drop_in;

    bool seen;             /* its [Group] */
    GroupRule *rule;       /* the section that is being read is this one's */
    uint32_t next_rule_id; /* as it stands there, 0 = it doesn't */
} GroupReader;

/* [Rule N], or something that is meant to be that. */
bool group_reader_is_rule(const char *section);
/* For KeyFileReader.begin(); the into is to be KeyFileReader.userdata, or what its keys' userdata begins
 * with. */
const KeyFileKey *group_reader_begin(GroupReader *into, KeyFileReader *reader, const char *section);
/* All of its sections were read. */
void group_reader_end(GroupReader *into);
