/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a selector to the one device that it means, form by form. Reads what it is given and nothing else. */

#include "daemon/model/find-device.h"

#include <stdio.h>
#include <string.h>

#include "daemon/base/error.h"
#include "daemon/base/text.h"
#include "daemon/rules/rule.h"

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

static bool match_class(const Query *query, const Device *device)
{
    const char *name = device->class_name;

    return strcmp(query->folded, name) == 0 ||
           (g_str_has_prefix(name, HID_PREFIX) && strcmp(query->folded, name + strlen(HID_PREFIX)) == 0);
}

static bool match_part(const Query *query, const Device *device)
{
    g_autofree char *both = g_strdup_printf("%s %s", device->vendor, device->product);
    g_autofree char *folded = text_fold(both);

    return strcmp(query->text, device->serial) == 0 || strstr(folded, query->folded) != NULL;
}

static bool is_folded(const Query *query, const char *text)
{
    g_autofree char *folded = text_fold(text);

    return strcmp(folded, query->folded) == 0;
}

/* What it says of itself is the word, and nothing else. */
static bool match_whole(const Query *query, const Device *device)
{
    return strcmp(query->text, device->serial) == 0 || is_folded(query, device->vendor) ||
           is_folded(query, device->product);
}

typedef struct Form {
    bool (*matches)(const Query *query, const Device *device);
    bool finds_hubs;
} Form;

/* The program's own, in the order in which they are tried. */
static const Form forms[] = {
    { match_sysname, true }, { match_number, true }, { match_ids, false },
    { match_socket, true },  { match_class, false },
};

/* And the devices'. */
static const Form whole_text = { match_whole, false }, part_of_text = { match_part, false };

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

/* A word that can only be meant as one of the program's, whatever is plugged in. */
static bool is_programs_word(const Query *query)
{
    const char *const *names = device_class_names();

    if (query->device_number > 0 || query->is_ids || rule_port_is_valid(query->text))
        return true;
    for (; *names; names++)
        if (strcmp(query->folded, *names) == 0 ||
            (g_str_has_prefix(*names, HID_PREFIX) && strcmp(query->folded, *names + strlen(HID_PREFIX)) == 0))
            return true;
    return false;
}

/* Adds those that aren't there yet. */
static void add_matches(GPtrArray *matches, const Form *form, const Query *query, GPtrArray *devices)
{
    for (guint i = 0; i < devices->len; i++) {
        Device *device = devices->pdata[i];

        if ((form->finds_hubs || !device->is_hub) && form->matches(query, device) &&
            !g_ptr_array_find(matches, device, NULL))
            g_ptr_array_add(matches, device);
    }
}

/* One a line. The first n_meant are called so by the program, the others by themselves. */
static char *list_matches(const GPtrArray *matches, guint n_meant)
{
    GString *list = g_string_new(NULL);

    for (guint i = 0; i < MIN(matches->len, MATCHES_SHOWN_MAX); i++) {
        g_autofree char *description = device_describe(matches->pdata[i]);

        g_string_append_printf(list, "\n%s%s", description, i < n_meant ? "" : ", which calls itself so");
    }
    if (matches->len > MATCHES_SHOWN_MAX)
        g_string_append_printf(list, "\nand %u more", matches->len - MATCHES_SHOWN_MAX);
    return g_string_free(list, FALSE);
}

/* n_meant: as above; of device texts alone all are as good. */
static Device *refuse_ambiguous(const Query *query, const GPtrArray *matches, guint n_meant, GError **error)
{
    g_autofree char *quoted = text_quote(query->text);
    g_autofree char *list = list_matches(matches, n_meant);
    /* A device that calls itself like a port is got around by the number, which it doesn't choose. */
    const char *what = match_sysname(query, matches->pdata[0]) ? "bus and device number (003:007) or the path"
                                                               : "the name in parentheses";

    g_set_error(error, FERRY_ERROR, FERRY_ERROR_AMBIGUOUS,
                "%s: %u devices are called so, use %s of one of them:%s", quoted, matches->len, what, list);
    return NULL;
}

static Device *refuse_impostors(const Query *query, const GPtrArray *impostors, GError **error)
{
    g_autofree char *quoted = text_quote(query->text);
    g_autofree char *list = list_matches(impostors, 0);

    if (impostors->len == 0)
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE, "%s: no USB device is called so", quoted);
    else
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_NO_SUCH_DEVICE,
                    "%s: no USB device has this port, number or class; what a device says of itself is not "
                    "taken for it, use the name in parentheses:%s",
                    quoted, list);
    return NULL;
}

Device *find_device(const char *selector, GPtrArray *devices, GError **error)
{
    g_autofree char *text = text_sanitize(selector, TEXT_MAX);
    g_autofree char *folded = text_fold(text);
    g_autoptr(GPtrArray) matches = g_ptr_array_new();
    Query query = { .text = text, .folded = folded };
    guint n_meant;

    if (!scan_number(text, &query.bus_number, &query.device_number))
        query.device_number = 0;
    query.is_ids = scan_ids(text, &query.vendor_id, &query.product_id);

    /* "" is a part of every text and the serial of many */
    for (gsize i = 0; *text && matches->len == 0 && i < G_N_ELEMENTS(forms); i++)
        add_matches(matches, &forms[i], &query, devices);
    n_meant = matches->len;
    if (*text)
        add_matches(matches, n_meant > 0 ? &whole_text : &part_of_text, &query, devices);
    if (n_meant == 0 && (matches->len == 0 || is_programs_word(&query)))
        return refuse_impostors(&query, matches, error);
    if (matches->len > 1)
        return refuse_ambiguous(&query, matches, n_meant > 0 ? n_meant : matches->len, error);
    return matches->pdata[0];
}
