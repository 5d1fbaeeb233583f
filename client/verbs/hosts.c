/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One fetch for each host, side by side, and one table of all of it. */

#include "client/verbs/hosts.h"

#include "client/bus/fleet.h"
#include "client/view/failure.h"
#include "client/view/json.h"

/* Where it is comes first. New; NULL = as they are. */
static GPtrArray *with_host(const Column *all, GPtrArray *chosen)
{
    const Column *host = column_find(all, "host");
    GPtrArray *columns = g_ptr_array_new();

    if (host)
        g_ptr_array_add(columns, (void *)host);
    for (guint i = 0; i < chosen->len; i++)
        if (chosen->pdata[i] != host)
            g_ptr_array_add(columns, chosen->pdata[i]);
    return columns;
}

static void print_json(GPtrArray *models, GPtrArray *columns, GPtrArray *objects)
{
    GVariantBuilder records;

    g_variant_builder_init(&records, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < models->len; i++) {
        const GPtrArray *rows = objects->pdata[i];
        for (guint j = 0; j < rows->len; j++)
            g_variant_builder_add_value(&records,
                                        columns_to_record(models->pdata[i], columns, rows->pdata[j]));
    }
    json_print(g_variant_builder_end(&records));
}

Outcome hosts_list(Client *client, HostRows *rows, const void *userdata, const Column *all, GPtrArray *chosen,
                   TableFlags flags)
{
    g_autoptr(GPtrArray) hosts = fleet_fetch(client), columns = with_host(all, chosen);
    g_autoptr(GPtrArray) models = g_ptr_array_new();
    g_autoptr(GPtrArray) objects = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    Outcome outcome = OUTCOME_DONE;

    for (guint i = 0; i < hosts->len; i++) {
        const FleetHost *host = hosts->pdata[i];

        if (host->error) {
            failure_print(client, host->error);
            outcome = OUTCOME_FAILED;
            continue;
        }
        g_ptr_array_add(models, host->model);
        g_ptr_array_add(objects, rows(host->model, userdata));
    }
    if (client->json)
        print_json(models, columns, objects);
    else if (models->len > 0)
        table_print_many(models, columns, objects, flags);
    return outcome;
}
