/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tenants as text. */

#include "daemon/config/tenant-text.h"

#include "daemon/base/key-file-reader.h"

#define TENANT_SECTION "Tenant"

static bool read_name(KeyFileReader *reader, void *userdata)
{
    Tenant *tenant = userdata;
    g_autofree char *name = key_file_reader_value(reader);

    if (!tenant_name_is_valid(name))
        return key_file_reader_refuse_value(reader, FERRY_ERROR_INVALID_NAME, "a tenant's name");
    g_free(tenant->name);
    tenant->name = g_steal_pointer(&name);
    return true;
}

static bool read_description(KeyFileReader *reader, void *userdata)
{
    Tenant *tenant = userdata;

    return key_file_reader_text(reader, &tenant->description);
}

static bool read_members(KeyFileReader *reader, void *userdata)
{
    g_auto(GStrv) members = NULL;
    g_autoptr(GError) error = NULL;

    if (!key_file_reader_list(reader, &members))
        return false;
    if (!tenant_check_members((const char *const *)members, &error))
        return key_file_reader_refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION, "%s", error->message);
    tenant_set_members(userdata, (const char *const *)members);
    return true;
}

static bool read_machines(KeyFileReader *reader, void *userdata)
{
    g_auto(GStrv) machines = NULL;

    if (!key_file_reader_list(reader, &machines))
        return false;
    for (char **uuid = machines; *uuid; uuid++) {
        g_autofree char *folded = g_ascii_strdown(*uuid, -1);
        g_autofree char *shown = key_file_reader_show(*uuid);

        if (!g_uuid_string_is_valid(folded))
            return key_file_reader_refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION,
                                          "Machines: %s is not a UUID", shown);
        if (!tenant_add_machine(userdata, folded))
            return key_file_reader_refuse(reader, reader->line, FERRY_ERROR_INVALID_OPTION,
                                          "Machines: %s is there twice", shown);
    }
    return true;
}

static const KeyFileKey tenant_keys[] = {
    { "Name", read_name, true },
    { "Description", read_description },
    { "Members", read_members },
    { "Machines", read_machines },
    {},
};

Tenant *tenant_from_text(const char *text, const char *path, GError **error)
{
    g_autoptr(Tenant) tenant = tenant_new("");

    return key_file_read_section(TENANT_SECTION, tenant_keys, text, path, tenant, error)
               ? g_steal_pointer(&tenant)
               : NULL;
}

GKeyFile *tenant_to_key_file(const Tenant *tenant)
{
    GKeyFile *file = g_key_file_new();
    g_autoptr(GPtrArray) members = g_ptr_array_new();

    for (guint i = 0; i < tenant->members->len; i++)
        g_ptr_array_add(members, ((const TenantMember *)tenant->members->pdata[i])->text);
    g_key_file_set_string(file, TENANT_SECTION, "Name", tenant->name);
    if (*tenant->description)
        key_file_reader_set_text(file, TENANT_SECTION, "Description", tenant->description);
    if (members->len > 0)
        g_key_file_set_string_list(file, TENANT_SECTION, "Members", (const char *const *)members->pdata,
                                   members->len);
    if (tenant->machines->len > 0)
        g_key_file_set_string_list(file, TENANT_SECTION, "Machines",
                                   (const char *const *)tenant->machines->pdata, tenant->machines->len);
    return file;
}
