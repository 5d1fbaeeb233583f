/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What calls bring is measured, value by value, and no further than the first limit. */

#include "dbus/bus/door.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/config/manifest.h"
#include "dbus/bus/errors.h"
#include "dbus/bus/limits.h"
#include "dbus/names.h"

typedef struct TextLimit {
    const char *interface; /* NULL = of every call */
    const char *member;
    guint argument;
    char type; /* as in a signature */
    gsize bytes;
} TextLimit;

/* The first row that fits counts. */
static const TextLimit text_limits[] = {
    { FERRY_INTERFACE_MANAGER, "Apply", 0, SD_BUS_TYPE_STRING, MANIFEST_BYTES_MAX },
    { NULL, NULL, 0, SD_BUS_TYPE_OBJECT_PATH, LIMIT_PATH },
    { NULL, NULL, 0, SD_BUS_TYPE_SIGNATURE, LIMIT_TEXT },
    { NULL, NULL, 0, SD_BUS_TYPE_STRING, LIMIT_TEXT },
};

typedef struct Measure {
    sd_bus_message *message;
    const char *member;
    guint argument; /* the one that is looked at, from 0 */
    guint values;
    gsize bytes; /* of texts that count together */
    gsize all;   /* of all texts */
} Measure;

static gsize limit_of(const Measure *self, char type)
{
    const char *interface = sd_bus_message_get_interface(self->message);

    for (gsize i = 0; i < G_N_ELEMENTS(text_limits); i++) {
        const TextLimit *limit = &text_limits[i];

        if (limit->type == type && (!limit->interface || (limit->argument == self->argument &&
                                                          g_strcmp0(limit->interface, interface) == 0 &&
                                                          g_strcmp0(limit->member, self->member) == 0)))
            return limit->bytes;
    }
    return 0;
}

static int measure_text(Measure *self, char type, sd_bus_error *ret_error)
{
    gsize limit = limit_of(self, type), length;
    const char *text;
    int r = sd_bus_message_read_basic(self->message, type, &text);

    if (r < 0)
        return r;
    length = strlen(text);
    if (length > limit)
        return bus_error_setf(ret_error, FERRY_ERROR_LIMIT_EXCEEDED,
                              "%s: a text of it has more than %" G_GSIZE_FORMAT " bytes", self->member,
                              limit);
    self->all += length;
    /* What has a wider limit of its own is counted by that. */
    if (limit <= LIMIT_TEXT)
        self->bytes += length;
    if (self->bytes > LIMIT_TEXTS)
        return bus_error_setf(ret_error, FERRY_ERROR_LIMIT_EXCEEDED,
                              "%s: its texts have more than %d bytes together", self->member, LIMIT_TEXTS);
    return 0;
}

static int measure_values(Measure *self, unsigned depth, sd_bus_error *ret_error);

static int measure_container(Measure *self, char type, const char *contents, unsigned depth,
                             sd_bus_error *ret_error)
{
    int r;

    if (depth > LIMIT_DEPTH)
        return bus_error_setf(ret_error, FERRY_ERROR_LIMIT_EXCEEDED,
                              "%s: more than %d containers within each other", self->member, LIMIT_DEPTH);
    r = sd_bus_message_enter_container(self->message, type, contents);
    if (r < 0)
        return r;
    r = measure_values(self, depth, ret_error);
    return r < 0 ? r : sd_bus_message_exit_container(self->message);
}

/* To the end of what was entered. */
static int measure_values(Measure *self, unsigned depth, sd_bus_error *ret_error)
{
    const char *contents;
    char type;
    int r;

    while ((r = sd_bus_message_peek_type(self->message, &type, &contents)) > 0) {
        const char basic[] = { type, '\0' };

        if (++self->values > LIMIT_VALUES)
            return bus_error_setf(ret_error, FERRY_ERROR_LIMIT_EXCEEDED, "%s: more than %d values",
                                  self->member, LIMIT_VALUES);
        if (contents)
            r = measure_container(self, type, contents, depth + 1, ret_error);
        else if (strchr("sog", type))
            r = measure_text(self, type, ret_error);
        else
            r = sd_bus_message_skip(self->message, basic);
        if (r < 0)
            return r;
        if (depth == 0)
            self->argument++;
    }
    return r;
}

int door_check(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    Measure self = { .message = message, .member = sd_bus_message_get_member(message) };
    uint8_t type;
    int r;

    if (sd_bus_message_get_type(message, &type) < 0 || type != SD_BUS_MESSAGE_METHOD_CALL)
        return 0;
    if (strlen(sd_bus_message_get_path(message)) > LIMIT_PATH)
        return bus_error_setf(ret_error, FERRY_ERROR_LIMIT_EXCEEDED,
                              "%s: the path of its object has more than %d bytes", self.member, LIMIT_PATH);
    r = measure_values(&self, 0, ret_error);
    return r < 0 ? r : 0; /* who comes next reads from the beginning */
}

bool door_is_long(sd_bus_message *message)
{
    Measure self = { .message = message, .member = sd_bus_message_get_member(message) };
    bool good = sd_bus_message_rewind(message, true) >= 0 && measure_values(&self, 0, NULL) >= 0;

    (void)sd_bus_message_rewind(message, true);
    return !good || self.all > LIMIT_TEXT;
}
