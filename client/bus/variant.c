/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between sd-bus messages and GVariants, both ways, and from a GVariant to a line of text. */

#include "client/bus/variant.h"

#include <glib/gi18n.h>

#include <errno.h>

#include "client/bus/escape.h"
#include "client/bus/outcome.h"

/* of a message, in bytes */
#define SIGNATURE_MAX 255

/* ------------------------------------------------------------------ reading */

/* Each of these returns a floating value, or NULL and sets *ret_r to a negative errno. */

static GVariant *read_value(sd_bus_message *message, int *ret_r);

static GVariant *read_basic(sd_bus_message *message, char type, int *ret_r)
{
    union {
        uint8_t u8;
        int boolean;
        int16_t s16;
        uint16_t u16;
        int32_t s32;
        uint32_t u32;
        int64_t s64;
        uint64_t u64;
        double number;
        const char *text;
    } value = { 0 };

    int r = sd_bus_message_read_basic(message, type, &value);
    if (r <= 0) {
        *ret_r = r < 0 ? r : -ENXIO;
        return NULL;
    }

    switch (type) {
    case SD_BUS_TYPE_BYTE:
        return g_variant_new_byte(value.u8);
    case SD_BUS_TYPE_BOOLEAN:
        return g_variant_new_boolean(value.boolean != 0);
    case SD_BUS_TYPE_INT16:
        return g_variant_new_int16(value.s16);
    case SD_BUS_TYPE_UINT16:
        return g_variant_new_uint16(value.u16);
    case SD_BUS_TYPE_INT32:
        return g_variant_new_int32(value.s32);
    case SD_BUS_TYPE_UINT32:
        return g_variant_new_uint32(value.u32);
    case SD_BUS_TYPE_INT64:
        return g_variant_new_int64(value.s64);
    case SD_BUS_TYPE_UINT64:
        return g_variant_new_uint64(value.u64);
    case SD_BUS_TYPE_DOUBLE:
        return g_variant_new_double(value.number);
    case SD_BUS_TYPE_STRING:
        return g_variant_new_take_string(g_utf8_make_valid(value.text, -1));
    case SD_BUS_TYPE_OBJECT_PATH:
        return g_variant_new_object_path(value.text);
    case SD_BUS_TYPE_SIGNATURE:
        return g_variant_new_signature(value.text);
    default: /* file descriptors: nothing that could be shown */
        *ret_r = -EOPNOTSUPP;
        return NULL;
    }
}

/* The values up to the end of the container that was entered. */
static GPtrArray *read_children(sd_bus_message *message, int *ret_r)
{
    g_autoptr(GPtrArray) children = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);

    int r;
    while ((r = sd_bus_message_at_end(message, /* complete= */ false)) == 0) {
        GVariant *child = read_value(message, ret_r);
        if (!child)
            return NULL;
        g_ptr_array_add(children, g_variant_ref_sink(child));
    }
    if (r < 0) {
        *ret_r = r;
        return NULL;
    }

    return g_steal_pointer(&children);
}

/* What a container of this type makes of what is in it; NULL and *ret_r when that can't be read. */
static GVariant *read_contents(sd_bus_message *message, char type, const char *inner, int *ret_r)
{
    if (type == SD_BUS_TYPE_VARIANT) {
        GVariant *value = read_value(message, ret_r);
        return value ? g_variant_new_variant(value) : NULL;
    }
    if (type == SD_BUS_TYPE_DICT_ENTRY) {
        g_autoptr(GVariant) key = read_value(message, ret_r);
        GVariant *value = key ? read_value(message, ret_r) : NULL;
        return value ? g_variant_new_dict_entry(g_steal_pointer(&key), value) : NULL;
    }

    g_autoptr(GPtrArray) children = read_children(message, ret_r);
    if (!children)
        return NULL;
    if (type == SD_BUS_TYPE_ARRAY) {
        g_autoptr(GVariantType) element = g_variant_type_new(inner);
        return g_variant_new_array(element, (GVariant **)children->pdata, children->len);
    }
    return g_variant_new_tuple((GVariant **)children->pdata, children->len);
}

static GVariant *read_container(sd_bus_message *message, char type, const char *contents, int *ret_r)
{
    /* the message forgets it as soon as it is entered */
    char inner[SIGNATURE_MAX + 1];
    g_strlcpy(inner, contents, sizeof inner);

    int r = sd_bus_message_enter_container(message, type, inner);
    if (r <= 0) {
        *ret_r = r < 0 ? r : -ENXIO;
        return NULL;
    }

    g_autoptr(GVariant) value = read_contents(message, type, inner, ret_r);
    if (!value)
        return NULL;

    r = sd_bus_message_exit_container(message);
    if (r < 0) {
        *ret_r = r;
        return NULL;
    }
    return g_steal_pointer(&value);
}

static GVariant *read_value(sd_bus_message *message, int *ret_r)
{
    const char *contents;
    char type;
    int r = sd_bus_message_peek_type(message, &type, &contents);
    if (r <= 0) {
        *ret_r = r < 0 ? r : -ENXIO;
        return NULL;
    }

    return contents ? read_container(message, type, contents, ret_r) : read_basic(message, type, ret_r);
}

static void set_read_error(GError **error, int r)
{
    g_set_error(error, CLIENT_ERROR, OUTCOME_FAILED, _("cannot read the service's answer: %s"),
                g_strerror(-r));
}

GVariant *variant_read(sd_bus_message *message, GError **error)
{
    int r = 0;
    GVariant *value = read_value(message, &r);
    if (!value) {
        set_read_error(error, r);
        return NULL;
    }

    return g_variant_ref_sink(value);
}

GVariant *variant_read_inside(sd_bus_message *message, GError **error)
{
    const char *contents;
    char inner[SIGNATURE_MAX + 1];
    int r = sd_bus_message_peek_type(message, NULL, &contents);
    if (r > 0) {
        g_strlcpy(inner, contents, sizeof inner);
        r = sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, inner);
    }
    g_autoptr(GVariant) value = r > 0 ? read_value(message, &r) : NULL;
    if (value)
        r = sd_bus_message_exit_container(message);
    if (r < 0 || !value) {
        set_read_error(error, r < 0 ? r : -ENXIO);
        return NULL;
    }
    return g_variant_ref_sink(g_steal_pointer(&value));
}

GVariant *variant_read_all(sd_bus_message *message, GError **error)
{
    int r = 0;
    g_autoptr(GPtrArray) values = read_children(message, &r);
    if (!values) {
        set_read_error(error, r);
        return NULL;
    }

    return g_variant_ref_sink(g_variant_new_tuple((GVariant **)values->pdata, values->len));
}

/* ------------------------------------------------------------------ writing */

static int append_value(sd_bus_message *message, GVariant *value);

static int append_children(sd_bus_message *message, GVariant *value)
{
    int r = 0;

    for (gsize i = 0; r >= 0 && i < g_variant_n_children(value); i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
        r = append_value(message, child);
    }
    return r;
}

/* contents: as sd-bus wants it, without what encloses it */
static int append_container(sd_bus_message *message, char type, const char *contents, GVariant *value)
{
    int r = sd_bus_message_open_container(message, type, contents);
    if (r >= 0)
        r = append_children(message, value);
    return r >= 0 ? sd_bus_message_close_container(message) : r;
}

static int append_value(sd_bus_message *message, GVariant *value)
{
    const char *type = g_variant_get_type_string(value);
    g_autofree char *inner = g_strdup(type + 1);

    switch (g_variant_classify(value)) {
    case G_VARIANT_CLASS_BOOLEAN:
        return sd_bus_message_append(message, "b", (int)g_variant_get_boolean(value));
    case G_VARIANT_CLASS_INT32:
        return sd_bus_message_append(message, "i", g_variant_get_int32(value));
    case G_VARIANT_CLASS_UINT32:
        return sd_bus_message_append(message, "u", g_variant_get_uint32(value));
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
        return sd_bus_message_append(message, type, g_variant_get_string(value, NULL));
    case G_VARIANT_CLASS_VARIANT: {
        g_autoptr(GVariant) child = g_variant_get_variant(value);
        return append_container(message, SD_BUS_TYPE_VARIANT, g_variant_get_type_string(child), value);
    }
    case G_VARIANT_CLASS_ARRAY:
        return append_container(message, SD_BUS_TYPE_ARRAY, inner, value);
    case G_VARIANT_CLASS_DICT_ENTRY:
    case G_VARIANT_CLASS_TUPLE:
        inner[strlen(inner) - 1] = '\0';
        return append_container(message, *type == '{' ? SD_BUS_TYPE_DICT_ENTRY : SD_BUS_TYPE_STRUCT, inner,
                                value);
    case G_VARIANT_CLASS_BYTE:
    case G_VARIANT_CLASS_INT16:
    case G_VARIANT_CLASS_UINT16:
    case G_VARIANT_CLASS_INT64:
    case G_VARIANT_CLASS_UINT64:
    case G_VARIANT_CLASS_HANDLE:
    case G_VARIANT_CLASS_DOUBLE:
    case G_VARIANT_CLASS_SIGNATURE:
    case G_VARIANT_CLASS_MAYBE:
        break;
    }
    return -EOPNOTSUPP; /* no method of the service takes it */
}

int variant_append(sd_bus_message *message, GVariant *tuple)
{
    return append_children(message, tuple);
}

/* ------------------------------------------------------------------ showing */

static void append_text(GString *text, GVariant *value)
{
    switch (g_variant_classify(value)) {
    case G_VARIANT_CLASS_BOOLEAN:
        g_string_append(text, g_variant_get_boolean(value) ? "yes" : "no");
        return;
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE: {
        g_autofree char *escaped = escape_text(g_variant_get_string(value, NULL));
        g_string_append(text, escaped);
        return;
    }
    case G_VARIANT_CLASS_BYTE:
    case G_VARIANT_CLASS_INT16:
    case G_VARIANT_CLASS_UINT16:
    case G_VARIANT_CLASS_INT32:
    case G_VARIANT_CLASS_UINT32:
    case G_VARIANT_CLASS_INT64:
    case G_VARIANT_CLASS_UINT64:
    case G_VARIANT_CLASS_HANDLE:
    case G_VARIANT_CLASS_DOUBLE: {
        g_autofree char *number = g_variant_print(value, /* type_annotate= */ FALSE);
        g_string_append(text, number);
        return;
    }
    case G_VARIANT_CLASS_VARIANT:
    case G_VARIANT_CLASS_MAYBE:
    case G_VARIANT_CLASS_ARRAY:
    case G_VARIANT_CLASS_TUPLE:
    case G_VARIANT_CLASS_DICT_ENTRY:
        break;
    }

    const char *separator = g_variant_is_of_type(value, G_VARIANT_TYPE_ARRAY)        ? ", "
                            : g_variant_is_of_type(value, G_VARIANT_TYPE_DICT_ENTRY) ? "="
                                                                                     : " ";
    for (gsize i = 0; i < g_variant_n_children(value); i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
        if (i > 0)
            g_string_append(text, separator);
        append_text(text, child);
    }
}

char *variant_to_text(GVariant *value)
{
    GString *text = g_string_new(NULL);

    if (value)
        append_text(text, value);
    return g_string_free(text, FALSE);
}

GVariant *variant_new_null(void)
{
    return g_variant_new_maybe(G_VARIANT_TYPE_STRING, NULL);
}
