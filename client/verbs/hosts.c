/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One fetch for each host, side by side, and one table of all of it: what is there after a moment comes
 * first, and the rest as it comes. */

#include "client/verbs/hosts.h"

#include <glib/gi18n.h>
#include <stdio.h>

#include "client/bus/escape.h"
#include "client/bus/fleet.h"
#include "client/view/failure.h"
#include "client/view/json.h"
#include "client/view/overview.h"

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

/* As of one host: what a table has is old news then, and the table doesn't say so. */
static void warn_of_hypervisor(const Model *model)
{
    const Object *manager = model_manager(model);
    g_autofree char *host = escape_text(object_name(manager));
    g_autofree char *uri = escape_text(object_string(manager, "HypervisorURI"));

    if (manager && !g_str_equal(object_string(manager, "HypervisorState"), "connected"))
        fprintf(stderr, _("usbferry: %s: the hypervisor %s is not connected: this is what was known last\n"),
                host, uri);
}

void hosts_print_overview(GPtrArray *models, GPtrArray *rows)
{
    g_autoptr(GPtrArray) chosen = columns_all(overview_columns());
    g_autoptr(GPtrArray) columns = with_host(overview_columns_for_programs(), chosen);

    table_print_many(models, columns, rows, 0);
}

/* What a list of several hosts is made of. */
typedef struct Hosts {
    Client *client;
    GPtrArray *all; /* of FleetHost */
    HostRows *rows;
    const void *userdata;
    GPtrArray *columns;
    TableFlags flags;
    GArray *widths; /* of the part of the table that is there */
    Outcome outcome;
} Hosts;

/* Tells which hosts failed, and prints what those have that weren't told of yet. */
static void print_new(Hosts *hosts)
{
    g_autoptr(GPtrArray) models = g_ptr_array_new();
    g_autoptr(GPtrArray) objects = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

    for (guint i = 0; i < hosts->all->len; i++) {
        FleetHost *host = hosts->all->pdata[i];

        if (host->told || host->visit)
            continue;
        host->told = true;
        if (host->error) {
            failure_print(hosts->client, host->error);
            hosts->outcome = OUTCOME_FAILED;
            continue;
        }
        g_ptr_array_add(models, host->model);
        g_ptr_array_add(objects, hosts->rows(host->model, hosts->userdata));
    }
    if (hosts->client->json)
        print_json(models, hosts->columns, objects);
    else if (models->len > 0)
        table_print_part(models, hosts->columns, objects, hosts->flags, hosts->widths);
    fflush(stdout);
    for (guint i = 0; !hosts->client->json && i < models->len; i++)
        warn_of_hypervisor(models->pdata[i]);
}

/* There is a table to be shown. */
static bool any_is_there(GPtrArray *all)
{
    for (guint i = 0; i < all->len; i++)
        if (((const FleetHost *)all->pdata[i])->model)
            return true;
    return false;
}

/* Who looks at the list is to know that there may be more. */
static void tell_who_is_late(GPtrArray *all)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (guint i = 0; i < all->len; i++) {
        const FleetHost *host = all->pdata[i];
        g_autofree char *name = escape_text(host->host);

        if (host->visit)
            g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", name);
    }
    if (names->len > 0)
        fprintf(stderr, _("usbferry: no answer yet from %s\n"), names->str);
}

Outcome hosts_list(Client *client, HostRows *rows, const void *userdata, const Column *all, GPtrArray *chosen,
                   TableFlags flags)
{
    g_autoptr(GPtrArray) fleet = fleet_begin(client), columns = with_host(all, chosen);
    g_autoptr(GArray) widths = g_array_new(FALSE, FALSE, sizeof(int));
    Hosts hosts = { client, fleet, rows, userdata, columns, flags, widths, OUTCOME_DONE };
    gint64 deadline = fleet_deadline(client);
    gint64 soon = g_get_monotonic_time() + FLEET_SOON_MS * G_TIME_SPAN_MILLISECOND;

    /* what programs read is one document */
    if (client->json)
        (void)fleet_wait(fleet, /* all= */ true, deadline);
    else {
        (void)fleet_wait(fleet, /* all= */ true, MIN(soon, deadline));
        while (!any_is_there(fleet) && fleet_wait(fleet, /* all= */ false, deadline))
            ;
        print_new(&hosts);
        tell_who_is_late(fleet);
        while (fleet_wait(fleet, /* all= */ false, deadline))
            print_new(&hosts);
    }
    fleet_end(client, fleet);
    print_new(&hosts);
    return hosts.outcome;
}
