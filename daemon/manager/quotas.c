/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts assignments. */

#include "daemon/manager/quotas.h"

#include "daemon/base/error.h"

#define ROOT 0

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool refuse(GError **error, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list arguments;

    va_start(arguments, format);
    what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, FERRY_ERROR, FERRY_ERROR_LIMIT_EXCEEDED, "%s; release some first", what);
    return false;
}

bool quotas_check_assignment(Registry *registry, uint32_t owner, const char *tenant, guint before,
                             GError **error)
{
    guint all = g_hash_table_size(registry->assignments) + before;
    guint of_tenant = tenant ? before : 0, of_owner = before;
    GHashTableIter iter;
    gpointer value;

    if (all >= ASSIGNMENTS_MAX)
        return refuse(error, "there are %d assignments", ASSIGNMENTS_MAX);
    if (owner == ROOT)
        return true;
    g_hash_table_iter_init(&iter, registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Assignment *assignment = value;

        of_tenant += tenant && g_strcmp0(assignment->tenant, tenant) == 0;
        of_owner += assignment->owner == owner;
    }
    if (of_tenant >= ASSIGNMENTS_PER_TENANT_MAX)
        return refuse(error, "tenant %s has %u assignments, and only root may make more than %d", tenant,
                      of_tenant, ASSIGNMENTS_PER_TENANT_MAX);
    if (of_owner >= ASSIGNMENTS_PER_OWNER_MAX)
        return refuse(error, "user %u has made %u assignments, and only root may make more than %d", owner,
                      of_owner, ASSIGNMENTS_PER_OWNER_MAX);
    if (all >= ASSIGNMENTS_MAX - ASSIGNMENTS_FOR_ROOT)
        return refuse(error, "there are %u assignments, and the last %d places are root's", all,
                      ASSIGNMENTS_FOR_ROOT);
    return true;
}
