/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walks through the message, level by level. What isn't the service's is passed over. */

#include "client/bus/model-read.h"

#include <glib/gi18n.h>
#include <errno.h>

#include "client/bus/outcome.h"
#include "client/bus/variant.h"

#define OBJECTS   "a{oa{sa{sv}}}"
#define OBJECT    "oa{sa{sv}}"
#define INTERFACE "sa{sv}"
#define PROPERTY  "sv"

/* Reads what is in the next dict entry behind its key. */
typedef int (*EntryFunc)(sd_bus_message *message, const char *key, void *userdata);

/* Each entry of the dict that is next, whose entries have these contents. A negative errno when the message
 * is bad. */
static int for_each(sd_bus_message *message, const char *contents, EntryFunc func, void *userdata)
{
    g_autofree char *entry = g_strdup_printf("{%s}", contents);
    int r = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, entry);

    while (r >= 0 && (r = sd_bus_message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, contents)) > 0) {
        const char *key;

        r = sd_bus_message_read_basic(message, *contents, &key);
        if (r >= 0)
            r = func(message, key, userdata);
        if (r >= 0)
            r = sd_bus_message_exit_container(message);
    }
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_property(sd_bus_message *message, const char *name, void *userdata)
{
    GVariant *value = variant_read_inside(message, NULL);

    if (!value)
        return -EBADMSG;
    object_put(userdata, name, value);
    return 0;
}

typedef struct Place {
    Model *model;
    const char *path;
} Place;

static int read_interface(sd_bus_message *message, const char *name, void *userdata)
{
    const Place *place = userdata;
    ObjectKind kind = kind_from_interface(name);

    if (kind == _KIND_INVALID)
        return sd_bus_message_skip(message, "a{sv}");
    return for_each(message, PROPERTY, read_property, model_object(place->model, kind, place->path));
}

static int read_object(sd_bus_message *message, const char *path, void *userdata)
{
    Place place = { .model = userdata, .path = path };

    return for_each(message, INTERFACE, read_interface, &place);
}

Model *model_read(sd_bus_message *reply, GError **error)
{
    g_autoptr(Model) model = model_new();

    if (!sd_bus_message_has_signature(reply, OBJECTS) || for_each(reply, OBJECT, read_object, model) < 0) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_FAILED, _("the service's answer has an unknown form"));
        return NULL;
    }
    return g_steal_pointer(&model);
}
