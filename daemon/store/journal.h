/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Journal: several files of the store change together, or none does.
 *
 * <state>/journal holds what all of them are to be. Once it is durable the change has happened, whatever
 * comes: it is carried out file by file and then removed, if need be before the next write or at the next
 * start. Before that nothing has happened. All calls but ref and unref block, and are made by one thread at a
 * time. */

#include <glib.h>
#include <stdbool.h>

#include "daemon/store/area.h"

typedef struct Journal Journal;

typedef struct JournalEntry {
    StoreArea area;
    char *kind; /* a folder's name */
    char *id;   /* a file's name */
    char *data; /* what the file is to hold, UTF-8; NULL = it goes */
} JournalEntry;

void journal_entry_free(gpointer entry);

/* state_dir, runtime_dir: they and their folders are there. */
Journal *journal_new(const char *state_dir, const char *runtime_dir);
Journal *journal_ref(Journal *journal);
void journal_unref(Journal *journal);

/* At the start: what a crash has left is carried out. A damaged journal is set aside; STORAGE when one can't
 * be carried out: then nothing that is there is good to be read. */
bool journal_recover(Journal *journal, GError **error);
/* Before each other write: STORAGE while a change that has happened can't be put into its files. */
bool journal_finish(Journal *journal, GError **error);
/* entries: of JournalEntry. STORAGE: nothing has happened. */
bool journal_commit(Journal *journal, const GPtrArray *entries, GError **error);
