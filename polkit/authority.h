/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Authority: asks polkit whether somebody may do something. Never blocks, knows no objects. Main thread only.
 *
 * The subject is the unique bus name of the asker, never a pid: polkitd asks the bus itself who that is.
 * Answers are not cached. */

#include <glib.h>
#include <stdbool.h>

typedef enum AuthorityVerdict {
    AUTHORITY_ALLOWED,
    AUTHORITY_DENIED,
    AUTHORITY_DISMISSED, /* the dialog was closed without an answer */
    AUTHORITY_CHALLENGE, /* would have to ask somebody, and the asker doesn't want that */
    AUTHORITY_FAILED,    /* polkit didn't answer, or refused the question: text says why */
} AuthorityVerdict;

typedef struct Authority Authority;
typedef struct AuthorityCheck AuthorityCheck;

/* text is NULL unless FAILED. */
typedef void (*AuthorityDone)(AuthorityVerdict verdict, const char *text, void *userdata);

/* Starts to connect; checks that come before that is done wait for it. */
Authority *authority_new(void);
/* Ends all checks; no done() is called any more. */
Authority *authority_free(Authority *authority);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Authority, authority_free)

/* details: key, value, key, value, …, NULL; clean UTF-8, shown in the dialog as they are. done() is called
 * exactly once and never from inside this function, unless the check is cancelled; the check is gone after.
 * Unless interactive, it is called within 15 s. */
AuthorityCheck *authority_check(Authority *authority, const char *sender, const char *action,
                                const char *const *details, bool interactive, AuthorityDone done,
                                void *userdata);
/* Closes the dialog; done() is not called any more. */
void authority_check_cancel(AuthorityCheck *check);
