/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Manifest: groups and assignments as one text, for `export` and `apply`, to be written by hand, reviewed
 * and taken to other hosts.
 *
 *   [Group] and its [Rule N]s    as in daemon/model/group.h; [Group] comes first
 *   [Assignment]                 Name, Machine (name or UUID); Group, Quantity, Selector; Description,
 *                                Enabled, Persistent, Priority, AllowGuestReset, AllowGuestResetsAll
 *
 * any number of them, in any order. An assignment has a Group, a Selector, or both; everything else has the
 * value of Manager.Assign. It holds what was decided, and nothing that is another thing on another host: a
 * machine has its name here, and an assignment has no id. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/model/assignment.h"
#include "daemon/base/error.h"
#include "daemon/model/group.h"

#define MANIFEST_BYTES_MAX (1024 * 1024)

/* One of both, with the lines where it stands. */
typedef struct ManifestItem {
    Group *group;
    Assignment *assignment; /* id "", no machine_uuid: what Machine says is the machine_name */
    unsigned line;
    unsigned machine_line;
    unsigned group_line; /* 0 = no Group */
} ManifestItem;

typedef struct Manifest {
    char *source;     /* for messages; clean */
    GPtrArray *items; /* of ManifestItem, as they stand there */
} Manifest;

/* Strict, as group_from_text() is: "<source>:<line>: …", with INVALID_RULE, INVALID_NAME, ALREADY_EXISTS (the
 * same twice) or INVALID_OPTION. LIMIT_EXCEEDED for a text that is longer than MANIFEST_BYTES_MAX. */
Manifest *manifest_from_text(const char *text, const char *source, GError **error);
Manifest *manifest_free(Manifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Manifest, manifest_free)

/* "<source>:<line>: <message>" */
void manifest_set_error(const Manifest *manifest, unsigned line, GError **error, FerryError code,
                        const char *format, ...) G_GNUC_PRINTF(5, 6);
