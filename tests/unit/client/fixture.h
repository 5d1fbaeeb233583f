/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the client's unit tests share: a small service as GetManagedObjects tells it, and what is printed as a
 * text. */

#include <glib.h>

#include "client/bus/model.h"

#define DEVICE     "/org/usbferry1/device/a"
#define HUB        "/org/usbferry1/device/hub"
#define MACHINE    "/org/usbferry1/machine/m"
#define ASSIGNMENT "/org/usbferry1/assignment/abcd1234"
#define GROUP      "/org/usbferry1/group/g"

/* A value from its text form. */
GVariant *fixture_parse(const char *text);

/* a{oa{sa{sv}}}: a keyboard that is attached by its assignment, the hub that it is plugged into, a VM, the
 * service, and an object and an interface of a later version. */
GVariant *fixture_managed(void);
Model *fixture_load(void);

/* Adds a group called like the assignment, which draws from it then; the keyboard and one that is away are in
 * it. */
void fixture_add_group(Model *model);

/* Changes properties, a{sv} in its text form, of an object that is there. */
void fixture_change(Model *model, const char *path, const char *properties);

/* From begin to end, which gives it: what is printed to stdout and stderr. Nothing is asserted in between. */
void fixture_begin_capture(void);
char *fixture_end_capture(void);
