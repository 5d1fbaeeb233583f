/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Call: whole calls to the service, with GVariants both ways. */

#include <glib.h>

#include "client/bus/client.h"

/* parameters: a tuple, NULL = none; a floating one is taken. type: of the answer, a tuple as well; another
 * one is an error. See client_read() and client_change(). */
GVariant *call_read(Client *client, const char *path, const char *interface, const char *member,
                    GVariant *parameters, const char *type, GError **error);
GVariant *call_change(Client *client, const char *path, const char *interface, const char *member,
                      GVariant *parameters, const char *type, GError **error);

/* A change whose one parameter is options (a{sv}, a floating one is taken) and whose answer is empty. */
bool call_options(Client *client, const char *path, const char *interface, const char *member,
                  GVariant *options, GError **error);
/* Its Delete(), with Force or without. */
bool call_delete(Client *client, const char *path, const char *interface, bool force, GError **error);
