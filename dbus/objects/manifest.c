/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Export and Apply: groups and assignments as one text. */

#include "dbus/objects/manifest.h"

#include "daemon/config/manifest-diff.h"
#include "daemon/manager/apply.h"
#include "daemon/manager/export.h"
#include "dbus/service/call.h"
#include "dbus/rights/details.h"
#include "dbus/bus/errors.h"
#include "dbus/service/path.h"
#include "dbus/bus/options.h"
#include "dbus/service/service-state.h"

int method_export(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    g_autofree char *text = NULL;
    int r;

    r = options_read(message, NULL, 0, ret_error);
    if (r < 0)
        return r;
    r = authorize(service->authorizer, message, NULL, NULL, ret_error);
    if (r < 0)
        return r;
    text = manager_export(service->manager);
    return sd_bus_reply_method_return(message, "s", text);
}

static int append_lines(sd_bus_message *reply, const GPtrArray *lines)
{
    int r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "(ssss)");

    for (guint i = 0; r >= 0 && i < lines->len; i++) {
        const ManifestDiffLine *line = lines->pdata[i];

        r = sd_bus_message_append(reply, "(ssss)", line->section, line->key, line->before ? line->before : "",
                                  line->after ? line->after : "");
    }
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_difference(sd_bus_message *reply, const ManifestDiff *difference)
{
    int r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "{sv}");

    if (r >= 0)
        r = sd_bus_message_append(reply, "{sv}{sv}{sv}{sv}",           /**/
                                  "Kind", "s", difference->kind,       /**/
                                  "Name", "s", difference->name,       /**/
                                  "Machine", "s", difference->machine, /**/
                                  "Change", "s", difference->change);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_DICT_ENTRY, "sv");
    if (r >= 0)
        r = sd_bus_message_append(reply, "s", "Lines");
    if (r >= 0)
        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_VARIANT, "a(ssss)");
    if (r >= 0)
        r = append_lines(reply, difference->lines);
    for (int i = 0; r >= 0 && i < 3; i++) /* variant, entry, dictionary */
        r = sd_bus_message_close_container(reply);
    return r;
}

static int make_answer(sd_bus_message *message, const GPtrArray *differences, sd_bus_message **ret_answer)
{
    g_autoptr(sd_bus_message) answer = NULL;
    int r = sd_bus_message_new_method_return(message, &answer);

    if (r >= 0)
        r = sd_bus_message_open_container(answer, SD_BUS_TYPE_ARRAY, "a{sv}");
    for (guint i = 0; r >= 0 && i < differences->len; i++)
        r = append_difference(answer, differences->pdata[i]);
    if (r >= 0)
        r = sd_bus_message_close_container(answer);
    if (r >= 0)
        *ret_answer = g_steal_pointer(&answer);
    return r;
}

/* Unlike elsewhere the text is looked at after the question: that is work, and nobody without the right is to
 * make the service do it. */
int method_apply(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
    BusService *service = object_service(sd_bus_message_get_bus(message));
    ApplyRequest request = {};
    bool dry_run = false;
    Option options[] = {
        { "DryRun", 'b', &dry_run },
        { "Prune", 'b', &request.prune },
    };
    g_auto(GStrv) details = details_new(&(Details){});
    g_autoptr(sd_bus_message) answer = NULL;
    g_autoptr(ApplyPlan) plan = NULL;
    g_autoptr(GError) error = NULL;
    Call *call;
    int r;

    r = sd_bus_message_read(message, "ss", &request.text, &request.source);
    if (r < 0)
        return r;
    r = options_read(message, options, G_N_ELEMENTS(options), ret_error);
    if (r < 0)
        return r;
    r = authorize(service->authorizer, message, (const char *const *)details, &request.owner, ret_error);
    if (r < 0)
        return r;
    if (r == 0)
        return 1; /* comes back with the answer */

    plan = manager_plan_apply(service->manager, &request, &error);
    if (!plan)
        return bus_error_from_gerror(ret_error, error);
    r = make_answer(message, plan->differences, &answer);
    if (r < 0)
        return r;
    if (dry_run)
        return sd_bus_send(NULL, answer, NULL);

    call = call_new(service, message);
    call_take_answer(call, g_steal_pointer(&answer));
    manager_apply(service->manager, g_steal_pointer(&plan), call_done_answer, call);
    return 1;
}
