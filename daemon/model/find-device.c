/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a selector to the one device that it means, form by form. Reads what it is given and nothing else. */

#include "daemon/model/find-device.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/text.h"

/* So many matches are named in an error; more say nothing that "too many" doesn't. */
#define MATCHES_SHOWN_MAX 16

#define HID_PREFIX "hid-"

/* What was asked for, in the shapes that the forms need. */
typedef struct Query {
    const char *text;
    const char *folded;
    unsigned bus_number, device_number; /* 0 = not this form */
    unsigned vendor_id, product_id;
    bool is_ids;
} Query;

static bool match_sysname(const Query *query, const Device *device)
{
    return strcmp(query->text, device->sysname) == 0;
}

static bool match_number(const Query *query, const Device *device)
{
    return query->device_number > 0 && query->bus_number == device->bus_number &&
           query->device_number == device->device_number;
}

static bool match_ids(const Query *query, const Device *device)
{
    return query->is_ids && query->vendor_id == device->vendor_id && query->product_id == device->product_id;
}

static bool match_socket(const Query *query, const Device *device)
{
    return strcmp(query->text, device->socket) == 0;
}

static bool match_serial(const Query *query, const Device *device)
{
    return strcmp(query->text, device->serial) == 0;
}

static bool match_class(const Query *query, const Device *device)
{
    const char *name = device->class_name;

    return strcmp(query->folded, name) == 0 ||
           (g_str_has_prefix(name, HID_PREFIX) && strcmp(query->folded, name + strlen(HID_PREFIX)) == 0);
}

static bool match_text(const Query *query, const Device *device)
{
    g_autofree char *both = g_strdup_printf("%s %s", device->vendor, device->product);
    g_autofree char *folded = text_fold(both);

    return strstr(folded, query->folded) != NULL;
}

/* In the order in which they are tried. */
static const struct {
    bool (*matches)(const Query *query, const Device *device);
    bool finds_hubs;
} forms[] = {
    { match_sysname, true }, { match_number, true }, { match_ids, false },  { match_socket, true },
    { match_serial, false }, { match_class, false }, { match_text, false },
};

/* True when the whole text is two decimal numbers with a colon between, "003:007". */
static bool scan_number(const char *text, unsigned *ret_bus, unsigned *ret_device)
{
    int end = 0;

    return strspn(text, "0123456789:") == strlen(text) &&
           sscanf(text, "%3u:%3u%n", ret_bus, ret_device, &end) == 2 && !text[end];
}

/* The same for ids, which have exactly four digits: "3:7" must not find a device by a number that it doesn't
 * have any more. */
static bool scan_ids(const char *text, unsigned *ret_vendor, unsigned *ret_product)
{
    int end = 0;

    return strspn(text, "0123456789abcdefABCDEF:") == strlen("046d:c31c") && text[strlen("046d")] == ':' &&
           sscanf(text, "%4x:%4x%n", ret_vendor, ret_product, &end) == 2 && !text[end];
}

static Device *refuse_ambiguous(const char *text, GPtrArray *matches, GError **error)
{
    g_autofree char *quoted = text_quote(text);
    g_autoptr(GString) list = g_string_new(NULL);

    for (guint i = 0; i < MIN(matches->len, MATCHES_SHOWN_MAX); i++) {
        g_autofree char *description = device_describe(matches->pdata[i]);

        g_string_append_printf(list, "\n%s", description);
    }
    if (matches->len > MATCHES_SHOWN_MAX)
        g_string_append_printf(list, "\nand %u more", matches->len - MATCHES_SHOWN_MAX);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_AMBIGUOUS,
                "%s: %u devices are called so, use the name in parentheses of one of them:%s", quoted,
                matches->len, list->str);
    return NULL;
}

Device *find_device(const char *selector, GPtrArray *devices, GError **error)
{
    g_autofree char *text = text_sanitize(selector, TEXT_MAX);
    g_autofree char *folded = text_fold(text);
    g_autofree char *quoted = text_quote(text);
    Query query = { .text = text, .folded = folded };

    if (!scan_number(text, &query.bus_number, &query.device_number))
        query.device_number = 0;
    query.is_ids = scan_ids(text, &query.vendor_id, &query.product_id);

    /* "" is a part of every text and the serial of many */
    for (gsize i = 0; *text && i < G_N_ELEMENTS(forms); i++) {
        g_autoptr(GPtrArray) matches = g_ptr_array_new();

        for (guint j = 0; j < devices->len; j++) {
            Device *device = devices->pdata[j];

            if ((forms[i].finds_hubs || !device->is_hub) && forms[i].matches(&query, device))
                g_ptr_array_add(matches, device);
        }
        if (matches->len == 1)
            return matches->pdata[0];
        if (matches->len > 1)
            return refuse_ambiguous(text, matches, error);
    }
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE, "%s: no USB device is called so", quoted);
    return NULL;
}
