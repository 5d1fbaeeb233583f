/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What polkit is told about devices, machines and assignments. */

#include "dbus/rights/details.h"

#include <string.h>

/* Devices that a dialog still names one by one. */
#define NAMED_DEVICES_MAX 8

char **details_new(const Details *details)
{
    const struct {
        const char *key, *value;
    } all[] = {
        { "device", details->device },   { "vendor_product", details->vendor_product },
        { "serial", details->serial },   { "group", details->group },
        { "machine", details->machine }, { "tenant", details->tenant },
        { "owner", details->owner },
    };
    char **list = g_new0(char *, 2 * G_N_ELEMENTS(all) + 1);

    for (gsize i = 0; i < G_N_ELEMENTS(all); i++) {
        list[2 * i] = g_strdup(all[i].key);
        list[2 * i + 1] = g_strdup(all[i].value ? all[i].value : "");
    }
    return list;
}

static char *ids_of(const Device *device)
{
    return g_strdup_printf("%04x:%04x", device->vendor_id, device->product_id);
}

char **details_for_device(const Device *device, const Machine *machine)
{
    g_autofree char *text = device ? device_describe(device) : NULL;
    g_autofree char *ids = device ? ids_of(device) : NULL;

    return details_new(&(Details){
        .device = text,
        .vendor_product = ids,
        .serial = device ? device->serial : NULL,
        .tenant = device ? device->tenant : NULL,
        .machine = machine ? machine->info->name : NULL,
    });
}

char **details_for_passthrough(Registry *registry, const char *const *devices, const char *group)
{
    return details_for_grant(registry, devices, group, NULL);
}

char **details_for_grant(Registry *registry, const char *const *devices, const char *group,
                         const char *tenant)
{
    g_autoptr(GString) texts = g_string_new(NULL);
    g_autofree char *ids = NULL;
    const Device *first = NULL;
    bool same_ids = true, same_serial = true;
    gsize n = 0;

    for (; *devices; devices++) {
        const Device *device = registry_device(registry, *devices);
        g_autofree char *text = device ? device_describe(device) : NULL;

        if (!device)
            continue;
        first = first ? first : device;
        same_ids =
            same_ids && device->vendor_id == first->vendor_id && device->product_id == first->product_id;
        same_serial = same_serial && g_str_equal(device->serial, first->serial);
        if (n < NAMED_DEVICES_MAX)
            g_string_append_printf(texts, "%s%s", n > 0 ? ", " : "", text);
        n++;
    }
    if (n > NAMED_DEVICES_MAX)
        g_string_append_printf(texts, ", … (%" G_GSIZE_FORMAT ")", n);
    ids = first && same_ids ? ids_of(first) : NULL;
    return details_new(&(Details){
        .device = texts->str,
        .vendor_product = ids,
        .serial = first && same_serial ? first->serial : NULL,
        .group = group,
        .tenant = tenant,
    });
}

/* What the rule limits itself to, when it does. New string, or NULL. */
static char *ids_of_rule(const Rule *rule)
{
    const char *vendor = rule ? rule_exact(rule, "vendor") : NULL;
    const char *product = rule ? rule_exact(rule, "product") : NULL;

    return vendor && product ? g_strdup_printf("%s:%s", vendor, product) : NULL;
}

char **details_for_group(const Group *group, const char *rule_text, const Machine *machine)
{
    g_autoptr(Rule) rule = rule_text && *rule_text ? rule_parse(rule_text, NULL) : NULL;
    g_autofree char *text = rule ? rule_print(rule) : NULL;
    g_autofree char *ids = ids_of_rule(rule);

    return details_new(&(Details){
        .device = text,
        .vendor_product = ids,
        .serial = rule ? rule_exact(rule, "serial") : NULL,
        .group = group->name,
        .machine = machine ? machine->info->name : NULL,
        .tenant = group->tenant,
    });
}

/* From what was stored, not from what is plugged in: the question stays the same while the device comes and
 * goes. */
char **details_for_assignment(Registry *registry, const Assignment *assignment)
{
    const Machine *machine = registry_machine(registry, assignment->machine_uuid);
    const Rule *rule = assignment->rule; /* NULL: any device of the group */
    g_autofree char *ids = ids_of_rule(rule);
    g_autofree char *owner = g_strdup_printf("%u", assignment->owner);

    return details_new(&(Details){
        .device = assignment->group ? assignment->selector : assignment->device_text,
        .vendor_product = ids,
        .serial = rule ? rule_exact(rule, "serial") : NULL,
        .group = assignment->group,
        .machine = machine ? machine->info->name : assignment->machine_name,
        .tenant = assignment->tenant,
        .owner = owner,
    });
}

char **details_for_device_of(Registry *registry, const Device *device, const Assignment *assignment)
{
    const Machine *machine = registry_machine(registry, assignment->machine_uuid);
    g_autofree char *text = device_describe(device);
    g_autofree char *ids = ids_of(device);
    g_autofree char *owner = g_strdup_printf("%u", assignment->owner);

    return details_new(&(Details){
        .device = text,
        .vendor_product = ids,
        .serial = device->serial,
        .group = assignment->group,
        .machine = machine ? machine->info->name : assignment->machine_name,
        .tenant = assignment->tenant,
        .owner = owner,
    });
}

/* ------------------------------------------------------------------ the question */

static bool is_there(const char *const *details, const char *key, gsize length)
{
    for (; *details; details += 2)
        if (strlen(*details) == length && strncmp(*details, key, length) == 0)
            return details[1][0] != '\0';
    return false;
}

static gsize count_missing(const char *question, const char *const *details)
{
    static const char begin[] = "$(";
    gsize missing = 0;

    for (const char *key = strstr(question, begin); key; key = strstr(key, begin)) {
        key += strlen(begin);
        missing += !is_there(details, key, strcspn(key, ")"));
    }
    return missing;
}

const char *details_pick_question(const char *const *questions, const char *const *details)
{
    const char *best = NULL;
    gsize fewest = G_MAXSIZE;

    for (; *questions; questions++) {
        gsize missing = count_missing(*questions, details);

        if (missing < fewest) {
            best = *questions;
            fewest = missing;
        }
    }
    return best;
}
