/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Feeds a model from the answer of GetManagedObjects and then from signals. All answers and signals come
 * through one connection, so their order is the service's own. */

#include "client/bus/follow.h"

#include <glib/gi18n.h>

#include <errno.h>

#include "client/bus/model-read.h"
#include "dbus/names.h"

#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define PROPERTIES     "org.freedesktop.DBus.Properties"

typedef enum Phase {
    PHASE_EMPTY,    /* nothing fetched: signals mean nothing yet */
    PHASE_FETCHING, /* asked: signals that come before the answer are in the answer */
    PHASE_MANAGER,  /* the objects are there and followed, the manager still to come */
    PHASE_FOLLOWING,
    PHASE_GONE,
} Phase;

struct Follow {
    Client *client;
    ModelFunc func;
    void *userdata;

    Model *model;
    bool fetched; /* at least once */
    Phase phase;
    char *owner; /* unique name of the service */
    FollowResult result;
    bool pending; /* result hasn't been told yet */
    GError *error;

    GPtrArray *slots;
};

/* ------------------------------------------------------------------ reading */

static GVariant *read_checked(sd_bus_message *message, const char *type, GError **error)
{
    g_autoptr(GVariant) value = variant_read(message, error);

    if (value && !g_variant_is_of_type(value, G_VARIANT_TYPE(type))) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_FAILED, _("the service's answer has an unknown form"));
        return NULL;
    }
    return g_steal_pointer(&value);
}

static sd_bus_message *new_fetch(Client *client, GError **error)
{
    return client_new_call(client, FERRY_PATH_ROOT, OBJECT_MANAGER, "GetManagedObjects", error);
}

/* The root is the object manager's own path, and whether that is among its objects depends on the version of
 * the service's library: without it the manager is asked for by itself. */
static sd_bus_message *new_fetch_manager(Client *client, GError **error)
{
    g_autoptr(sd_bus_message) call = client_new_call(client, FERRY_PATH_ROOT, PROPERTIES, "GetAll", error);

    int r = call ? sd_bus_message_append(call, "s", FERRY_INTERFACE_MANAGER) : 0;
    if (r < 0) {
        g_propagate_error(error, error_from_bus(NULL, r));
        return NULL;
    }
    return g_steal_pointer(&call);
}

static bool take_manager(Model *model, sd_bus_message *reply, ModelFunc func, void *userdata, GError **error)
{
    g_autoptr(GVariant) properties = read_checked(reply, "a{sv}", error);
    if (!properties)
        return false;

    g_autoptr(GVariant) interfaces =
        g_variant_ref_sink(g_variant_new_parsed("{%s: %@a{sv}}", FERRY_INTERFACE_MANAGER, properties));
    model_add(model, FERRY_PATH_ROOT, interfaces, func, userdata);
    return true;
}

Model *model_fetch(Client *client, GError **error)
{
    g_autoptr(sd_bus_message) call = new_fetch(client, error);
    g_autoptr(sd_bus_message) reply = call ? client_read(client, call, error) : NULL;
    g_autoptr(Model) model = reply ? model_read(reply, error) : NULL;
    if (!model)
        return NULL;

    if (!model_manager(model)) {
        g_autoptr(sd_bus_message) second = new_fetch_manager(client, error);
        g_autoptr(sd_bus_message) answer = second ? client_read(client, second, error) : NULL;
        if (!answer || !take_manager(model, answer, NULL, NULL, error))
            return NULL;
    }
    return g_steal_pointer(&model);
}

/* ------------------------------------------------------------------ fetching */

static void follow_tell(Follow *follow, FollowResult result)
{
    /* a change must not hide that the service left, or came back */
    if (!follow->pending || result != FOLLOW_CHANGED)
        follow->result = result;
    follow->pending = true;
}

static void follow_fail(Follow *follow, GError *error)
{
    g_clear_error(&follow->error);
    follow->error = error;
    follow_tell(follow, FOLLOW_ERROR);
}

static ModelFunc follow_func(const Follow *follow)
{
    return follow->fetched ? follow->func : NULL;
}

static void follow_fetched(Follow *follow)
{
    follow->fetched = true;
    follow->phase = PHASE_FOLLOWING;
    follow_tell(follow, FOLLOW_CHANGED);
}

/* True when the reply is none: the error is noted. */
static bool reply_failed(Follow *follow, sd_bus_message *reply)
{
    if (!sd_bus_message_is_method_error(reply, NULL))
        return false;
    follow_fail(follow, error_from_bus(sd_bus_message_get_error(reply), 0));
    return true;
}

static int on_manager(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    Follow *follow = userdata;
    GError *error = NULL;

    if (reply_failed(follow, reply))
        return 0;
    if (!take_manager(follow->model, reply, follow_func(follow), follow->userdata, &error))
        follow_fail(follow, error);
    else
        follow_fetched(follow);
    return 0;
}

/* Sends the call; the answer comes to the handler, in order with the signals. */
static bool follow_ask(Follow *follow, sd_bus_message *call, sd_bus_message_handler_t handler, GError **error)
{
    sd_bus_slot *slot = NULL;
    int r = call ? sd_bus_call_async(follow->client->bus, &slot, call, handler, follow, 0) : 0;

    if (r < 0)
        g_propagate_error(error, client_error_of_call(follow->client, NULL, r));
    if (slot)
        g_ptr_array_add(follow->slots, slot);
    return slot;
}

static int on_objects(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    Follow *follow = userdata;
    GError *error = NULL;

    if (reply_failed(follow, reply))
        return 0;
    g_autoptr(GVariant) managed = read_checked(reply, "a{oa{sa{sv}}}", &error);
    if (!managed) {
        follow_fail(follow, error);
        return 0;
    }

    g_free(follow->owner);
    follow->owner = g_strdup(sd_bus_message_get_sender(reply));

    model_load(follow->model, managed, follow_func(follow), follow->userdata);
    if (model_manager(follow->model)) {
        follow_fetched(follow);
        return 0;
    }

    follow->phase = PHASE_MANAGER;
    g_autoptr(sd_bus_message) call = new_fetch_manager(follow->client, &error);
    if (!follow_ask(follow, call, on_manager, &error))
        follow_fail(follow, error);
    return 0;
}

/* ------------------------------------------------------------------ following */

static bool is_from_service(Follow *follow, sd_bus_message *message)
{
    return (follow->phase == PHASE_MANAGER || follow->phase == PHASE_FOLLOWING) &&
           g_strcmp0(sd_bus_message_get_sender(message), follow->owner) == 0;
}

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    Follow *follow = userdata;
    const char *path = sd_bus_message_get_path(message);
    GError *error = NULL;

    if (!is_from_service(follow, message))
        return 0;

    g_autoptr(GVariant) first = variant_read(message, &error);
    g_autoptr(GVariant) second = first ? variant_read(message, &error) : NULL;
    if (!second) {
        follow_fail(follow, error);
        return 0;
    }

    g_autoptr(GVariant) both = g_variant_ref_sink(g_variant_new("(@*@*)", first, second));
    if (sd_bus_message_is_signal(message, OBJECT_MANAGER, "InterfacesAdded") &&
        g_variant_is_of_type(both, G_VARIANT_TYPE("(oa{sa{sv}})")))
        model_add(follow->model, g_variant_get_string(first, NULL), second, follow->func, follow->userdata);
    else if (sd_bus_message_is_signal(message, OBJECT_MANAGER, "InterfacesRemoved") &&
             g_variant_is_of_type(both, G_VARIANT_TYPE("(oas)")))
        model_remove(follow->model, g_variant_get_string(first, NULL), second, follow->func,
                     follow->userdata);
    else if (sd_bus_message_is_signal(message, PROPERTIES, "PropertiesChanged") &&
             g_variant_is_of_type(both, G_VARIANT_TYPE("(sa{sv})")))
        model_change(follow->model, path, g_variant_get_string(first, NULL), second, follow->func,
                     follow->userdata);
    else
        return 0;

    follow_tell(follow, FOLLOW_CHANGED);
    return 0;
}

static int on_owner_changed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    Follow *follow = userdata;
    const char *name, *old_owner, *new_owner;

    if (follow->phase == PHASE_EMPTY ||
        sd_bus_message_read(message, "sss", &name, &old_owner, &new_owner) < 0)
        return 0;

    /* the same connection that answered: told for its start, when our fetch started it */
    if (g_strcmp0(new_owner, follow->owner) == 0)
        return 0;

    if (*old_owner && g_strcmp0(old_owner, follow->owner) == 0) {
        follow->phase = PHASE_GONE;
        follow_tell(follow, FOLLOW_GONE);
    }
    if (*new_owner && follow->phase == PHASE_GONE)
        follow_tell(follow, FOLLOW_BACK);
    return 0;
}

static void slot_destroy(void *slot)
{
    sd_bus_slot_unref(slot);
}

static int subscribe(Follow *follow)
{
    static const char *const matches[] = {
        "type='signal',sender='" FERRY_BUS_NAME "',path='" FERRY_PATH_ROOT "',interface='" OBJECT_MANAGER "'",
        "type='signal',sender='" FERRY_BUS_NAME "',path_namespace='" FERRY_PATH_ROOT
        "',interface='" PROPERTIES "',member='PropertiesChanged'",
    };
    sd_bus *bus = follow->client->bus;
    sd_bus_slot *slot;

    for (gsize i = 0; i < G_N_ELEMENTS(matches); i++) {
        int r = sd_bus_add_match(bus, &slot, matches[i], on_signal, follow);
        if (r < 0)
            return r;
        g_ptr_array_add(follow->slots, slot);
    }

    int r = sd_bus_add_match(bus, &slot,
                             "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                             "interface='org.freedesktop.DBus',member='NameOwnerChanged',"
                             "arg0='" FERRY_BUS_NAME "'",
                             on_owner_changed, follow);
    if (r >= 0)
        g_ptr_array_add(follow->slots, slot);
    return r;
}

Follow *follow_new(Client *client, ModelFunc func, void *userdata, GError **error)
{
    if (!client_connect(client, error))
        return NULL;

    g_autoptr(Follow) follow = g_new0(Follow, 1);
    follow->client = client;
    follow->func = func;
    follow->userdata = userdata;
    follow->model = model_new();
    follow->slots = g_ptr_array_new_with_free_func(slot_destroy);

    int r = subscribe(follow);
    if (r < 0) {
        g_propagate_error(error, client_error_of_call(client, NULL, r));
        return NULL;
    }
    return g_steal_pointer(&follow);
}

Follow *follow_free(Follow *follow)
{
    if (!follow)
        return NULL;

    g_clear_pointer(&follow->slots, g_ptr_array_unref);
    g_clear_error(&follow->error);
    g_free(follow->owner);
    model_free(follow->model);
    g_free(follow);
    return NULL;
}

void follow_tell_to(Follow *follow, ModelFunc func, void *userdata)
{
    follow->func = func;
    follow->userdata = userdata;
}

const Model *follow_model(const Follow *follow)
{
    return follow->model;
}

bool follow_begin_fetch(Follow *follow, GError **error)
{
    follow->phase = PHASE_FETCHING;
    follow->pending = false;

    g_autoptr(sd_bus_message) call = new_fetch(follow->client, error);
    return follow_ask(follow, call, on_objects, error);
}

bool follow_fetch(Follow *follow, GError **error)
{
    if (!follow_begin_fetch(follow, error))
        return false;

    while (follow->phase != PHASE_FOLLOWING)
        switch (follow_next(follow, G_MAXINT64, error)) {
        case FOLLOW_ERROR:
            return false;
        case FOLLOW_GONE:
            g_propagate_error(error, follow_gone_error());
            return false;
        case FOLLOW_CHANGED:
        case FOLLOW_DEADLINE:
        case FOLLOW_BACK:
            break;
        }
    return true;
}

FollowResult follow_next(Follow *follow, gint64 deadline, GError **error)
{
    sd_bus *bus = follow->client->bus;

    while (!follow->pending) {
        int r = sd_bus_process(bus, NULL);
        if (r == 0 && !follow->pending) {
            gint64 now = g_get_monotonic_time();
            if (now >= deadline)
                return FOLLOW_DEADLINE;
            r = sd_bus_wait(bus, deadline == G_MAXINT64 ? UINT64_MAX : (uint64_t)(deadline - now));
        }
        if (r < 0 && r != -EINTR) {
            g_set_error(error, CLIENT_ERROR, OUTCOME_FAILED, _("lost the connection to the bus: %s"),
                        g_strerror(-r));
            return FOLLOW_ERROR;
        }
    }

    follow->pending = false;
    if (follow->result == FOLLOW_ERROR)
        g_propagate_error(error, g_steal_pointer(&follow->error));
    return follow->result;
}

int follow_poll(const Follow *follow, struct pollfd *ret_pollfd, gint64 *ret_deadline)
{
    sd_bus *bus = follow->client->bus;
    uint64_t until = UINT64_MAX;
    int events = sd_bus_get_events(bus);
    int r = events < 0 ? events : sd_bus_get_timeout(bus, &until);

    if (r < 0)
        return r;
    *ret_pollfd = (struct pollfd){ .fd = sd_bus_get_fd(bus), .events = (short)events };
    *ret_deadline = until > G_MAXINT64 ? G_MAXINT64 : (gint64)until;
    return 0;
}

GError *follow_gone_error(void)
{
    return g_error_new(CLIENT_ERROR, OUTCOME_FAILED,
                       _("the service left the bus; what it was told to keep goes on when it is back"));
}
