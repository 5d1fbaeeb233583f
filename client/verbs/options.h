/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Options: the words of the command line. main() parses those before the verb, each verb its own; both know
 * -H and
 * --json. Prints the help, and nothing else. */

#include <glib.h>
#include <stdbool.h>

#include "client/bus/client.h"

/* Parses the words before the verb. Returns the others: the verb and what follows it; NULL and a USAGE error.
 * --help prints summary among the help and ends the program. New array. */
char **options_parse_common(Client *client, char **words, const char *summary, bool *ret_version,
                            GError **error);

/* Parses the words after the verb: its own options (entries; NULL = none) and those that are good everywhere.
 * notes (NULL = none) go under the help. Returns the other words, between min and max of them (max < 0 = any
 * number), all of them UTF-8 and not empty; NULL and a USAGE error. New array. */
char **options_parse(Client *client, char **words, const GOptionEntry *entries, const char *notes, int min,
                     int max, GError **error);

/* For options whose value may be left out: "--NAME" becomes "--NAME=yes", for each of the names. GOption
 * itself would take the next word for the value. New array. */
char **options_imply_yes(char **words, const char *const *names);

/* "yes" or "no". USAGE; name is the option's. */
bool options_parse_boolean(const char *name, const char *text, bool *ret_value, GError **error);

/* As the service has them. */
#define OPTION_TRY_MAX   3600
#define OPTION_LEASE_MAX 31536000

/* The number of --priority. USAGE. */
bool options_parse_priority(const char *text, int *ret_value, GError **error);

/* "20", "20s", "15m", "2h", "3d": the seconds, 1 to most; "none" is 0 where that is allowed. USAGE; name is
 * the option's. */
bool options_parse_seconds(const char *name, const char *text, bool allow_none, unsigned most,
                           unsigned *ret_seconds, GError **error);

#define OPTION_GUEST_RESET      "allow-guest-reset"
#define OPTION_GUEST_RESETS_ALL "allow-guest-resets-all"

/* Adds {key: value} when the option was given. USAGE; option is its name. */
bool options_add_boolean(GVariantBuilder *dict, const char *key, const char *option, const char *text,
                         GError **error);
