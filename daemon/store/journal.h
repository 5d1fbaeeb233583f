/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Journal: every change of the store, of one file or several, happens as a whole or not at all. For store.c
 * alone.
 *
 * <state>/journal holds what the files are to be. Once it is durable the change has happened, whatever comes:
 * it is carried out file by file, if need be before the next change or at the next start. When the disk
 * doesn't confirm the journal it is taken back, and nothing has happened. The file of a change that was
 * carried out may stay, or come back with a power cut: it is always the last change, so that doing it again
 * changes nothing. All calls but ref and unref block, and are made by one thread at a time. */

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

/* state_dir, runtime_dir: they and their folders are there. kinds: the names of those, NULL-terminated; valid
 * for ever. */
Journal *journal_new(const char *state_dir, const char *runtime_dir, const char *const *kinds);
Journal *journal_ref(Journal *journal);
void journal_unref(Journal *journal);

/* At the start: what a crash has left is carried out. STORAGE when that, or whether there is anything, can't
 * be known or done: then the files must not be read. */
bool journal_recover(Journal *journal, GError **error);
/* entries: of JournalEntry; owned by the journal from here on. STORAGE: nothing has happened; the error says
 * so when only a power cut could still bring it back. True: it has happened. It is durable as well, unless
 * the disk neither confirmed the change nor let it be taken back, which the log says. */
bool journal_commit(Journal *journal, GPtrArray *entries, GError **error);
