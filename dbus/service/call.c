/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that wait for the core, and their answers. */

#include "dbus/service/call.h"

#include "daemon/base/log.h"
#include "daemon/manager/assignments.h"
#include "dbus/bus/errors.h"
#include "dbus/service/path.h"
#include "dbus/service/service-state.h"

struct Call {
    BusService *service;
    sd_bus_message *message;

    GPtrArray *rules;       /* of call_done_passthrough() */
    sd_bus_message *answer; /* of call_done_answer() */

    /* of call_release_all() */
    guint open;
    guint released;
    GError *error;
};

Call *call_new(BusService *service, sd_bus_message *message)
{
    Call *call = g_new0(Call, 1);

    call->service = service;
    call->message = sd_bus_message_ref(message);
    g_hash_table_add(service->calls, call);
    return call;
}

void call_free(Call *call)
{
    g_hash_table_remove(call->service->calls, call);
    sd_bus_message_unref(call->message);
    sd_bus_message_unref(call->answer);
    g_clear_pointer(&call->rules, g_ptr_array_unref);
    g_clear_error(&call->error);
    g_free(call);
}

void call_take_rules(Call *call, GPtrArray *rules)
{
    call->rules = rules;
}

void call_take_answer(Call *call, sd_bus_message *answer)
{
    call->answer = answer;
}

/* Before every answer. */
static void tell_changes(Call *call)
{
    if (call->service->changes)
        changes_flush(call->service->changes);
}

/* Takes the call; r says how its answer went. */
static void call_end(Call *call, int r)
{
    if (r < 0)
        log_limited(&call->service->unanswered, "%s could not be answered: %s",
                    sd_bus_message_get_member(call->message), g_strerror(-r));
    call_free(call);
}

static int send_error(Call *call, const GError *error)
{
    g_auto(sd_bus_error) bus_error = SD_BUS_ERROR_NULL;

    bus_error_from_gerror(&bus_error, error);
    return sd_bus_reply_method_error(call->message, &bus_error);
}

static void call_reply(Call *call, const GError *error, const char *types, ...)
{
    g_autoptr(sd_bus_message) reply = NULL;
    va_list arguments;
    int r;

    tell_changes(call);
    if (error) {
        r = send_error(call, error);
    } else {
        va_start(arguments, types);
        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
            r = sd_bus_message_appendv(reply, types, arguments);
        if (r >= 0)
            r = sd_bus_send(NULL, reply, NULL);
        va_end(arguments);
    }
    call_end(call, r);
}

void call_done(const char *id, const GError *error, void *userdata)
{
    call_reply(userdata, error, "");
}

void call_done_assignment(const char *id, const GError *error, void *userdata)
{
    g_autofree char *path = object_path(OBJECT_ASSIGNMENT, id);

    call_reply(userdata, error, "o", path);
}

static int send_assignments(Call *call, const char *ids)
{
    g_auto(GStrv) list = g_strsplit(ids, " ", -1);
    g_autoptr(GPtrArray) each = g_ptr_array_new();
    g_autoptr(sd_bus_message) reply = NULL;
    int r = sd_bus_message_new_method_return(call->message, &reply);

    for (char **id = list; *id; id++)
        g_ptr_array_add(each, *id);
    if (r >= 0)
        r = append_paths(reply, OBJECT_ASSIGNMENT, each);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

void call_done_assignments(const char *id, const GError *error, void *userdata)
{
    Call *call = userdata;

    tell_changes(call);
    call_end(call, error ? send_error(call, error) : send_assignments(call, id));
}

void call_done_group(const char *id, const GError *error, void *userdata)
{
    g_autofree char *path = object_path(OBJECT_GROUP, id);

    call_reply(userdata, error, "o", path);
}

void call_done_tenant(const char *id, const GError *error, void *userdata)
{
    g_autofree char *path = object_path(OBJECT_TENANT, id);

    call_reply(userdata, error, "o", path);
}

void call_done_rule(const char *id, const GError *error, void *userdata)
{
    call_reply(userdata, error, "u", id ? (uint32_t)g_ascii_strtoull(id, NULL, 10) : 0);
}

static int send_passthrough(Call *call, const char *group)
{
    g_autoptr(sd_bus_message) reply = NULL;
    g_autofree char *path = object_path(OBJECT_GROUP, group);
    int r;

    r = sd_bus_message_new_method_return(call->message, &reply);
    if (r < 0)
        return r;
    r = sd_bus_message_append(reply, "o", path);
    if (r < 0)
        return r;
    r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "s");
    for (guint i = 0; r >= 0 && i < call->rules->len; i++)
        r = sd_bus_message_append(reply, "s", call->rules->pdata[i]);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

void call_done_passthrough(const char *id, const GError *error, void *userdata)
{
    Call *call = userdata;

    tell_changes(call);
    call_end(call, error ? send_error(call, error) : send_passthrough(call, id));
}

void call_done_answer(const char *id, const GError *error, void *userdata)
{
    Call *call = userdata;

    tell_changes(call);
    call_end(call, error ? send_error(call, error) : sd_bus_send(NULL, call->answer, NULL));
}

static void release_done(const char *id, const GError *error, void *userdata)
{
    Call *call = userdata;

    if (id && !error)
        call->released++;
    else if (error && !call->error)
        call->error = g_error_copy(error);
    if (--call->open == 0)
        call_reply(call, call->error, "u", call->released);
}

void call_release_all(Call *call, GPtrArray *ids)
{
    call->open = 1; /* for this loop: some may be done at once */
    for (guint i = 0; i < ids->len; i++) {
        call->open++;
        manager_release(call->service->manager, ids->pdata[i], release_done, call);
    }
    release_done(NULL, NULL, call);
}
