/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One tenant. Its text is daemon/config/tenant-text.c. Main thread only. */

#include "daemon/model/tenant.h"

#include <string.h>

#include "daemon/base/error.h"
#include "daemon/model/group.h"
#include "daemon/base/text.h"

#define USER_PREFIX  "user:"
#define GROUP_PREFIX "group:"

static TenantMember *member_new(const char *text)
{
    TenantMember *member = g_new0(TenantMember, 1);

    member->text = g_strdup(text);
    return member;
}

static void member_free(gpointer data)
{
    TenantMember *member = data;

    g_free(member->text);
    g_free(member);
}

Tenant *tenant_new(const char *name)
{
    Tenant *tenant = g_new0(Tenant, 1);

    tenant->name = g_strdup(name);
    tenant->description = g_strdup("");
    tenant->members = g_ptr_array_new_with_free_func(member_free);
    tenant->machines = g_ptr_array_new_with_free_func(g_free);
    tenant->groups = g_ptr_array_new_with_free_func(g_free);
    tenant->devices = g_ptr_array_new_with_free_func(g_free);
    return tenant;
}

Tenant *tenant_free(Tenant *tenant)
{
    if (!tenant)
        return NULL;
    g_free(tenant->name);
    g_free(tenant->description);
    g_ptr_array_unref(tenant->members);
    g_ptr_array_unref(tenant->machines);
    g_ptr_array_unref(tenant->groups);
    g_ptr_array_unref(tenant->devices);
    g_free(tenant);
    return NULL;
}

Tenant *tenant_copy(const Tenant *tenant)
{
    Tenant *copy = tenant_new(tenant->name);

    g_free(copy->description);
    copy->description = g_strdup(tenant->description);
    for (guint i = 0; i < tenant->members->len; i++) {
        const TenantMember *member = tenant->members->pdata[i];
        TenantMember *member_copy = member_new(member->text);

        member_copy->known = member->known;
        member_copy->id = member->id;
        g_ptr_array_add(copy->members, member_copy);
    }
    for (guint i = 0; i < tenant->machines->len; i++)
        g_ptr_array_add(copy->machines, g_strdup(tenant->machines->pdata[i]));
    return copy;
}

bool tenant_name_is_valid(const char *name)
{
    return group_name_is_valid(name);
}

/* ------------------------------------------------------------------ members */

const char *tenant_member_name(const char *member, bool *ret_is_group)
{
    *ret_is_group = g_str_has_prefix(member, GROUP_PREFIX);
    return strchr(member, ':') + 1;
}

static bool member_is_valid(const char *text)
{
    const char *name = NULL;

    if (strlen(text) > TENANT_MEMBER_BYTES_MAX)
        return false;
    if (g_str_has_prefix(text, USER_PREFIX))
        name = text + strlen(USER_PREFIX);
    else if (g_str_has_prefix(text, GROUP_PREFIX))
        name = text + strlen(GROUP_PREFIX);
    /* Directories allow much in names ("CAD\anna", "domain users"), passwd's colon ends them. */
    return name && *name && text_is_clean(text) && !strchr(name, ':') && !g_ascii_isspace(*name) &&
           !g_ascii_isspace(text[strlen(text) - 1]);
}

bool tenant_check_members(const char *const *members, GError **error)
{
    gsize n = 0;

    for (; members[n]; n++) {
        g_autofree char *quoted = NULL;

        if (member_is_valid(members[n]))
            continue;
        quoted = text_quote(members[n]);
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION,
                    "Members: %s is not " USER_PREFIX "NAME or " GROUP_PREFIX "NAME", quoted);
        return false;
    }
    if (n <= TENANT_MEMBERS_MAX)
        return true;
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_INVALID_OPTION,
                "Members: at most %d; put the people into a group of the host", TENANT_MEMBERS_MAX);
    return false;
}

static TenantMember *find_member(const GPtrArray *members, const char *text)
{
    for (guint i = 0; i < members->len; i++) {
        TenantMember *member = members->pdata[i];

        if (strcmp(member->text, text) == 0)
            return member;
    }
    return NULL;
}

void tenant_set_members(Tenant *tenant, const char *const *members)
{
    GPtrArray *next = g_ptr_array_new_with_free_func(member_free);

    for (; *members; members++) {
        const TenantMember *before = find_member(tenant->members, *members);
        TenantMember *member;

        if (find_member(next, *members))
            continue;
        member = member_new(*members);
        if (before) {
            member->known = before->known;
            member->id = before->id;
        }
        g_ptr_array_add(next, member);
    }
    g_ptr_array_unref(tenant->members);
    tenant->members = next;
}

bool tenant_has_member(const Tenant *tenant, uint32_t uid, const uint32_t *gids, gsize n_gids)
{
    for (guint i = 0; i < tenant->members->len; i++) {
        const TenantMember *member = tenant->members->pdata[i];
        bool is_group;

        (void)tenant_member_name(member->text, &is_group);
        if (!member->known)
            continue;
        if (!is_group && member->id == uid)
            return true;
        for (gsize k = 0; is_group && k < n_gids; k++)
            if (member->id == gids[k])
                return true;
    }
    return false;
}

/* ------------------------------------------------------------------ machines */

static int compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool tenant_has_machine(const Tenant *tenant, const char *uuid)
{
    for (guint i = 0; uuid && i < tenant->machines->len; i++)
        if (strcmp(tenant->machines->pdata[i], uuid) == 0)
            return true;
    return false;
}

bool tenant_add_machine(Tenant *tenant, const char *uuid)
{
    if (tenant_has_machine(tenant, uuid))
        return false;
    g_ptr_array_add(tenant->machines, g_strdup(uuid));
    g_ptr_array_sort(tenant->machines, compare_texts);
    return true;
}

bool tenant_remove_machine(Tenant *tenant, const char *uuid)
{
    for (guint i = 0; i < tenant->machines->len; i++)
        if (strcmp(tenant->machines->pdata[i], uuid) == 0)
            return g_ptr_array_remove_index(tenant->machines, i);
    return false;
}
