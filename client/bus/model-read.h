/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All objects out of one message, for who looks once: straight into a model, without a GVariant of the whole
 * answer in between, which takes twice as long. Any thread that has the message for itself. */

#include <systemd/sd-bus.h>

#include "client/bus/model.h"

/* reply: of GetManagedObjects. NULL and an error when it has another form. */
Model *model_read(sd_bus_message *reply, GError **error);
