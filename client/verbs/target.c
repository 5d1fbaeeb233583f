/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks through the model for exact names first; the service is asked about parts of names only when none is
 * found. */

#include "client/verbs/target.h"

#include <glib/gi18n.h>

#include "client/bus/escape.h"
#include "client/bus/path.h"
#include "client/verbs/absent.h"
#include "client/verbs/nearest.h"

static bool is_called(const Object *object, const char *word)
{
    g_autofree char *id = object_id(object);

    if (g_str_equal(object->path, word))
        return true;
    return *word && object->kind != KIND_MANAGER &&
           (g_str_equal(id, word) || g_str_equal(object_string(object, "Name"), word));
}

static bool is_folded(const char *text, const char *word)
{
    g_autofree char *folded_text = g_utf8_casefold(text, -1), *folded_word = g_utf8_casefold(word, -1);

    return g_str_equal(folded_text, folded_word);
}

static bool calls_itself(const Object *device, const char *word)
{
    return g_str_equal(object_string(device, "Serial"), word) ||
           is_folded(object_string(device, "Product"), word) ||
           is_folded(object_string(device, "Vendor"), word);
}

/* What is done with the whole is done with the device. */
static bool is_part_of(const Object *device, const Object *whole)
{
    GVariant *groups = object_value(device, "Groups");
    bool found = g_str_equal(object_string(device, "Assignment"), whole->path);

    for (gsize i = 0; groups && !found && i < g_variant_n_children(groups); i++) {
        const char *group;
        g_variant_get_child(groups, i, "&o", &group);
        found = g_str_equal(group, whole->path);
    }
    return found;
}

bool target_check_devices(const Model *model, const Object *named, const char *word, GError **error)
{
    g_autoptr(GPtrArray) devices = model_sorted(model, KIND_DEVICE);
    g_autoptr(GString) others = g_string_new(NULL);

    if (!*word || g_str_equal(named->path, word))
        return true;
    for (guint i = 0; i < devices->len; i++) {
        const Object *device = devices->pdata[i];

        if (device == named || object_flag(device, "IsHub") || is_part_of(device, named) ||
            !calls_itself(device, word))
            continue;
        g_autofree char *text = object_describe(device);
        g_string_append_printf(others, _("\n  %s, which calls itself so: %s"), text, device->path);
    }
    if (others->len == 0)
        return true;

    g_autofree char *escaped = escape_text(word);
    g_autofree char *text = object_describe(named);
    error_set(error, "Ambiguous",
              _("\"%s\" is a name, and what a device says of itself, say the path of one:\n  %s: %s%s"),
              escaped, text, named->path, others->str);
    return false;
}

const Object *target_match(const Model *model, TargetKinds kinds, const char *word, GError **error)
{
    const Object *found = NULL;
    g_autoptr(GString) matches = g_string_new(NULL);
    unsigned n = 0;

    for (ObjectKind kind = 0; kind < _KIND_MAX; kind++) {
        if (!(kinds & 1U << kind))
            continue;
        g_autoptr(GPtrArray) objects = model_sorted(model, kind);
        for (guint i = 0; i < objects->len; i++)
            if (is_called(objects->pdata[i], word)) {
                found = objects->pdata[i];
                g_autofree char *text = object_describe(found);
                g_string_append_printf(matches, "\n  %s: %s", text, found->path);
                n++;
            }
    }

    if (n == 0 ||
        (n == 1 && (!(kinds & 1U << KIND_DEVICE) || target_check_devices(model, found, word, error))))
        return found;
    if (n == 1)
        return NULL;
    g_autofree char *escaped = escape_text(word);
    error_set(error, "Ambiguous", _("\"%s\" is the name of %u things, say the path of one:%s"), escaped, n,
              matches->str);
    return NULL;
}

static const Object *get_found(const Model *model, const char *path, ObjectKind kind, GError **error)
{
    const Object *object = model_get(model, path, kind);

    if (!object)
        error_set(error, "UnknownObject", _("%s is gone"), path);
    return object;
}

static const Object *find_named(const Model *model, ObjectKind kind, const char *word)
{
    g_autoptr(GPtrArray) objects = model_sorted(model, kind);

    for (guint i = 0; i < objects->len; i++)
        if (is_called(objects->pdata[i], word))
            return objects->pdata[i];
    return NULL;
}

const Object *target_find_group(const Model *model, const char *word, GError **error)
{
    const Object *group = find_named(model, KIND_GROUP, word);
    g_autofree char *escaped = escape_text(word);
    g_autofree char *hint = group ? NULL : nearest_hint(model, TARGET_GROUPS, word);

    if (!group)
        error_set(error, "NoSuchGroup", _("there is no group \"%s\"%s"), escaped, hint);
    return group;
}

const Object *target_find_tenant(const Model *model, const char *word, GError **error)
{
    const Object *tenant = find_named(model, KIND_TENANT, word);
    g_autofree char *escaped = escape_text(word);
    g_autofree char *hint = tenant ? NULL : nearest_hint(model, TARGET_TENANTS, word);

    if (!tenant)
        error_set(error, "NoSuchTenant", _("there is no tenant \"%s\"%s"), escaped, hint);
    return tenant;
}

static bool is_refused_group(const Model *model, TargetKinds kinds, const char *word, GError **error)
{
    const Object *group = kinds & TARGET_GROUPS ? NULL : target_find_group(model, word, NULL);
    if (!group)
        return false;

    g_autofree char *text = object_describe(group), *name = escape_word(object_name(group));
    g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                _("%s cannot be taken as a whole: name an assignment that draws from it, a device or a VM; "
                  "usbferry explain %s lists them"),
                text, name);
    return true;
}

const Object *target_find(Client *client, const Model *model, TargetKinds kinds, const char *word,
                          GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autofree char *escaped = escape_text(word);

    const Object *object = target_match(model, kinds, word, &local);
    if (object)
        return object;
    if (local) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    /* before a part of a device's name is looked for: a group's name may be one */
    if (is_refused_group(model, kinds, word, error))
        return NULL;
    if (path_is_valid(word)) {
        error_set(error, "UnknownObject", _("there is no object %s"), word);
        return NULL;
    }

    g_autofree char *device = client_find_device(client, word, &local);
    if (device)
        return get_found(model, device, KIND_DEVICE, error);
    if (!g_error_matches(local, CLIENT_ERROR, OUTCOME_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }

    /* the service may know other ways to name a VM than we do */
    g_autofree char *machine = client_find_machine(client, word, NULL);
    if (machine)
        return get_found(model, machine, KIND_MACHINE, error);

    g_autofree char *waiting = kinds & 1U << KIND_ASSIGNMENT ? absent_hint(model, word) : g_strdup("");
    g_autofree char *hint = *waiting ? g_steal_pointer(&waiting) : nearest_hint(model, kinds, word);
    g_propagate_error(
        error, error_with_text(
                   local, g_strdup_printf(
                              kinds & TARGET_GROUPS
                                  ? _("%s\n  (and no VM, no group and no assignment has the name \"%s\")%s")
                                  : _("%s\n  (and no VM and no assignment has the name \"%s\")%s"),
                              local->message, escaped, hint)));
    return NULL;
}

const Object *target_find_assignment(Client *client, const Model *model, const char *word, GError **error)
{
    const Object *object = target_find(client, model, TARGET_GIVEN, word, error);
    if (!object || object->kind == KIND_ASSIGNMENT)
        return object;

    g_autofree char *text = object_describe(object);
    if (object->kind != KIND_DEVICE) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("%s is no device and no assignment"), text);
        return NULL;
    }

    const Object *assignment = model_follow(model, object, "Assignment", KIND_ASSIGNMENT);
    if (assignment)
        return assignment;

    if (g_str_equal(object_string(object, "State"), "foreign")) {
        const Object *machine = model_follow(model, object, "Machine", KIND_MACHINE);
        g_autofree char *where = machine ? object_describe(machine) : g_strdup(_("a VM"));
        error_set(error, "DeviceBusy", _("%s was given to %s by another program, which has to take it back"),
                  text, where);
    } else
        error_set(error, "NoSuchAssignment",
                  _("%s is given to no VM; assignments that rest are found by name or id"), text);
    return NULL;
}
