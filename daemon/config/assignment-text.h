/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Assignment text: an assignment as its file in the store has it, and the keys of the [Assignment]s in files
 * with several things in them. For the manager and daemon/config/manifest.c. Pure.
 *
 *   [Assignment]   Name, Description, Machine=<uuid>, MachineName, Group, Quantity, Tenant, Selector, Socket,
 *                  DeviceText, Enabled, Priority, AllowGuestReset, AllowGuestResetsAll, Owner, Created,
 *                  Sequence
 *
 * Name, Machine, and a Group or a Selector must be there. Without a Sequence it is Created: files of services
 * that ordered by that keep their order, and come before what is made after. */

#include <glib.h>

#include "daemon/base/key-file-reader.h"
#include "daemon/model/assignment.h"

#define ASSIGNMENT_SECTION "Assignment"

/* New key file, without what the id and the folder say: whether it is persistent. */
GKeyFile *assignment_to_key_file(const Assignment *assignment);
/* Strict, as group_from_text() is: "<path>:<line>: …", with INVALID_RULE, INVALID_NAME or INVALID_OPTION. */
Assignment *assignment_from_text(const char *id, const char *text, const char *path, GError **error);

/* What can still be known of it: see daemon/model/damage.h. why: what is wrong with the file. NULL when the
 * id is none. */
Assignment *assignment_from_damaged_text(const char *id, const char *text, const char *path, const char *why);

/* An [Assignment] of a manifest, where Machine is a name or a UUID, and goes into machine_name. */
typedef struct AssignmentReader {
    Assignment *assignment; /* new; filled in */
    unsigned line;          /* of the section */
    unsigned machine_line;
    unsigned group_line; /* 0 = no Group */
} AssignmentReader;

/* For KeyFileReader.begin(). */
const KeyFileKey *assignment_reader_begin(AssignmentReader *into, KeyFileReader *reader);
/* The section was read: false when it doesn't say which devices. */
bool assignment_reader_end(const AssignmentReader *into, KeyFileReader *reader);

/* One of a manifest; machine: what Machine is to say. manifest_from_text() gives both back. New string. */
char *assignment_to_manifest_text(const Assignment *assignment, const char *machine);
