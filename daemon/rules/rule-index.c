/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules by what they say exactly. A place is a text: the node, the key and the value, which are lines of it
 * because no rule and no device has a newline. */

#include "daemon/rules/rule-index.h"

#include <string.h>

#include "daemon/base/text.h"

typedef struct Entry {
    const Rule *rule;
    void *owner;
} Entry;

/* From the most telling to the least; match_on_node() must look for each. */
typedef enum Key {
    KEY_SERIAL,
    KEY_PORT,
    KEY_IDS,
    KEY_HUB,
    KEY_NAME,
    KEY_VENDOR,
    KEY_PRODUCT,
    KEY_MANUFACTURER,
    KEY_CLASS,
    KEY_CONTROLLER,
    KEY_NONE, /* it says nothing exact */
    _KEY_MAX,
} Key;

static const char *const key_names[_KEY_MAX] = {
    [KEY_SERIAL] = "serial",
    [KEY_PORT] = "port",
    [KEY_IDS] = "vendor+product",
    [KEY_HUB] = "hub",
    [KEY_NAME] = "name",
    [KEY_VENDOR] = "vendor",
    [KEY_PRODUCT] = "product",
    [KEY_MANUFACTURER] = "manufacturer",
    [KEY_CLASS] = "class",
    [KEY_CONTROLLER] = "controller",
    [KEY_NONE] = "",
};

/* Most places are shorter. */
#define PLACE_SIZE 128

struct RuleIndex {
    GHashTable *places;  /* place → GArray of Entry */
    bool used[_KEY_MAX]; /* some place has this key: the others needn't be looked for */
    bool names_nodes;    /* some place has a node */
};

static void unref_entries(gpointer entries)
{
    g_array_unref(entries);
}

RuleIndex *rule_index_new(void)
{
    RuleIndex *index = g_new0(RuleIndex, 1);

    index->places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_entries);
    return index;
}

RuleIndex *rule_index_free(RuleIndex *index)
{
    if (!index)
        return NULL;
    g_hash_table_unref(index->places);
    g_free(index);
    return NULL;
}

/* NULL when the rule says nothing exact about it. */
static char *exact_value(const Rule *rule, Key key)
{
    const char *value;

    if (key == KEY_IDS) {
        const char *vendor = rule_exact(rule, "vendor"), *product = rule_exact(rule, "product");

        return vendor && product ? g_strconcat(vendor, product, NULL) : NULL;
    }
    value = rule_exact(rule, key_names[key]);
    /* no serial, no name: that tells nothing, many devices have none */
    return value && *value ? g_strdup(value) : NULL;
}

static char *place_of(const Rule *rule, const char *node, Key *ret_key)
{
    for (Key key = 0; key < KEY_NONE; key++) {
        g_autofree char *value = exact_value(rule, key);

        if (!value)
            continue;
        *ret_key = key;
        return g_strconcat(node ? node : "", "\n", key_names[key], "\n", value, NULL);
    }
    *ret_key = KEY_NONE;
    return g_strdup_printf("%s\n\n", node ? node : "");
}

void rule_index_add(RuleIndex *index, const Rule *rule, void *owner)
{
    const char *node = rule_exact(rule, "node");
    Key key;
    g_autofree char *place = place_of(rule, node, &key);
    GArray *entries = g_hash_table_lookup(index->places, place);
    Entry entry = { rule, owner };

    index->used[key] = true;
    index->names_nodes |= node != NULL;
    if (!entries) {
        entries = g_array_new(FALSE, FALSE, sizeof(Entry));
        g_hash_table_insert(index->places, g_steal_pointer(&place), entries);
    }
    g_array_append_val(entries, entry);
}

/* A device being looked up: only what some place has is made of it. */
typedef struct Search {
    const RuleIndex *index;
    const Device *device;
    const char *node;
    void (*found)(const Rule *rule, void *owner, void *userdata);
    void *userdata;

    GString *place;     /* reused, as most of the time goes into making these */
    gsize place_prefix; /* the node */
} Search;

static void look_into(Search *search, Key key, const char *value, gsize value_length)
{
    const GArray *entries;

    g_string_truncate(search->place, search->place_prefix);
    g_string_append(search->place, key_names[key]);
    g_string_append_c(search->place, '\n');
    g_string_append_len(search->place, value, (gssize)value_length);

    entries = g_hash_table_lookup(search->index->places, search->place->str);
    for (guint i = 0; entries && i < entries->len; i++) {
        const Entry *entry = &g_array_index(entries, Entry, i);

        if (rule_matches(entry->rule, search->device, search->node))
            search->found(entry->rule, entry->owner, search->userdata);
    }
}

static void look_for(Search *search, Key key, const char *value)
{
    if (search->index->used[key])
        look_into(search, key, value, strlen(value));
}

static void look_for_folded(Search *search, Key key, const char *value)
{
    g_autofree char *folded = search->index->used[key] ? text_fold(value) : NULL;

    if (folded)
        look_into(search, key, folded, strlen(folded));
}

/* Of "pci-0000:00:14.0/1.2.4": the controller with its slash, then /1, /1.2 and /1.2.4; of "3-1.2": 3-1 and
 * 3-1.2. */
static void look_for_hubs(Search *search, const char *port)
{
    const char *slash = strchr(port, '/');
    const char *chain = slash ? slash + 1 : port;

    if (!search->index->used[KEY_HUB])
        return;
    if (slash)
        look_into(search, KEY_HUB, port, (gsize)(chain - port));
    for (const char *end = chain; *end;) {
        end += strcspn(end, ".");
        look_into(search, KEY_HUB, port, (gsize)(end - port));
        if (*end)
            end++;
    }
}

static void look_for_codes(Search *search, const Device *device)
{
    for (gsize i = 0; search->index->used[KEY_CLASS] && i < device->n_interfaces; i++) {
        const DeviceInterface *interface = &device->interfaces[i];
        char code[sizeof "cc:ss:pp"];

        g_snprintf(code, sizeof code, "%02x:%02x:%02x", interface->class_code, interface->subclass,
                   interface->protocol);
        look_for(search, KEY_CLASS, code);
    }
}

static void look_for_ids(Search *search, const Device *device)
{
    enum { HALF = sizeof "vvvv" - 1 };
    const bool *used = search->index->used;
    char ids[] = "vvvvpppp";

    text_put_hex(text_put_hex(ids, device->vendor_id), device->product_id);
    look_for(search, KEY_IDS, ids);
    if (used[KEY_VENDOR])
        look_into(search, KEY_VENDOR, ids, HALF);
    if (used[KEY_PRODUCT])
        look_into(search, KEY_PRODUCT, ids + HALF, HALF);
}

static void match_on_node(Search *search, const char *node)
{
    const Device *device = search->device;

    g_string_assign(search->place, node);
    g_string_append_c(search->place, '\n');
    search->place_prefix = search->place->len;

    look_for(search, KEY_SERIAL, device->serial);
    look_for(search, KEY_PORT, device->socket);
    look_for(search, KEY_PORT, device->sysname);
    look_for_ids(search, device);
    look_for_hubs(search, device->socket);
    look_for_hubs(search, device->sysname);
    look_for_folded(search, KEY_NAME, device->product);
    look_for_folded(search, KEY_MANUFACTURER, device->vendor);
    look_for(search, KEY_CLASS, device->class_name);
    look_for_codes(search, device);
    look_for_folded(search, KEY_CONTROLLER, device->controller);
    look_for(search, KEY_NONE, "");
}

void rule_index_match(const RuleIndex *index, const Device *device, const char *node,
                      void (*found)(const Rule *rule, void *owner, void *userdata), void *userdata)
{
    g_autoptr(GString) place = g_string_sized_new(PLACE_SIZE);
    g_autofree char *folded_node = index->names_nodes ? text_fold(node) : NULL;
    Search search = { index, device, node, found, userdata, place, 0 };

    match_on_node(&search, "");
    if (folded_node && *folded_node)
        match_on_node(&search, folded_node);
}
