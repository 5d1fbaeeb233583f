/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dbus/details.h"

char **details_new(const char *device, const char *vendor_product, const char *serial, const char *machine,
                   const char *owner)
{
    const struct {
        const char *key, *value;
    } all[] = {
        { "device", device }, { "vendor_product", vendor_product },
        { "serial", serial }, { "machine", machine },
        { "owner", owner },
    };
    char **details = g_new0(char *, 2 * G_N_ELEMENTS(all) + 1);

    for (gsize i = 0; i < G_N_ELEMENTS(all); i++) {
        details[2 * i] = g_strdup(all[i].key);
        details[2 * i + 1] = g_strdup(all[i].value ? all[i].value : "");
    }
    return details;
}

char **details_for_device(const Device *device, const Machine *machine)
{
    g_autofree char *text = device ? device_describe(device) : NULL;
    g_autofree char *ids =
        device ? g_strdup_printf("%04x:%04x", device->vendor_id, device->product_id) : NULL;

    return details_new(text, ids, device ? device->serial : NULL, machine ? machine->info->name : NULL, NULL);
}

/* From what was stored, not from what is plugged in: the question stays the same while the device comes and
 * goes. */
char **details_for_assignment(Registry *registry, const Assignment *assignment)
{
    const Machine *machine = registry_machine(registry, assignment->machine_uuid);
    const char *vendor = rule_exact(assignment->rule, "vendor");
    const char *product = rule_exact(assignment->rule, "product");
    g_autofree char *ids = vendor && product ? g_strdup_printf("%s:%s", vendor, product) : NULL;
    g_autofree char *owner = g_strdup_printf("%u", assignment->owner);

    return details_new(assignment->device_text, ids, rule_exact(assignment->rule, "serial"),
                       machine ? machine->info->name : assignment->machine_name, owner);
}
