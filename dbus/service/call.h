/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Call: a method call that was accepted and is answered when the core is done with it: once, whatever
 * happens. What it changed is signalled before it is answered. */

#include <glib.h>
#include <systemd/sd-bus.h>

#include "dbus/service/object.h"

typedef struct Call Call;

Call *call_new(BusService *service, sd_bus_message *message);
void call_free(Call *call);

/* ManagerDone functions; userdata is the Call, which they free. */
void call_done(const char *id, const GError *error, void *userdata);             /* answers nothing */
void call_done_assignment(const char *id, const GError *error, void *userdata);  /* answers o */
void call_done_assignments(const char *id, const GError *error, void *userdata); /* answers ao */
void call_done_group(const char *id, const GError *error, void *userdata);       /* answers o */
void call_done_tenant(const char *id, const GError *error, void *userdata);      /* answers o */
void call_done_rule(const char *id, const GError *error, void *userdata);        /* answers u */
void call_done_passthrough(const char *id, const GError *error, void *userdata); /* answers oas */

void call_done_answer(const char *id, const GError *error, void *userdata);

/* What call_done_answer() answers with. Takes the reference. */
void call_take_answer(Call *call, sd_bus_message *answer);

/* The texts that call_done_passthrough() answers with. Takes the array. */
void call_take_rules(Call *call, GPtrArray *rules);

/* Releases the assignments (ids) and answers with their number, or with the first error, when all of it is
 * durable. Takes the call. */
void call_release_all(Call *call, GPtrArray *ids);
