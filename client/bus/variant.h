/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values of the bus as GVariants: the client knows most properties by name only and shows the others, of
 * later versions of the service, all the same. */

#include <glib.h>
#include <systemd/sd-bus.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(sd_bus_message, sd_bus_message_unref)

/* Reads the next complete value of the message. NULL and an error when there is none. */
GVariant *variant_read(sd_bus_message *message, GError **error);
/* Reads the next value, which is a variant, and gives what is in it. */
GVariant *variant_read_inside(sd_bus_message *message, GError **error);
/* Reads all that the message holds, as a tuple. */
GVariant *variant_read_all(sd_bus_message *message, GError **error);

/* Appends the values of a tuple, one by one. Negative errno when that fails. */
int variant_append(sd_bus_message *message, GVariant *tuple);

/* For people: escaped, on one line. NULL, "nothing" and "" give "". New string. */
char *variant_to_text(GVariant *value);

/* What JSON calls null. */
GVariant *variant_new_null(void);
