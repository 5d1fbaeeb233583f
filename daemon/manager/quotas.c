/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts assignments. */

#include "daemon/manager/quotas.h"

#include "daemon/base/error.h"
#include "daemon/base/tuning.h"

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
    const guint most = (guint)tuning_get(TUNING_ASSIGNMENTS);
    const guint most_of_tenant = (guint)tuning_get(TUNING_ASSIGNMENTS_PER_TENANT);
    const guint most_of_owner = (guint)tuning_get(TUNING_ASSIGNMENTS_PER_USER);
    const guint for_root = (guint)tuning_get(TUNING_ASSIGNMENTS_FOR_ROOT);
    guint all = g_hash_table_size(registry->assignments) + before;
    guint of_tenant = tenant ? before : 0, of_owner = before;
    GHashTableIter iter;
    gpointer value;

    if (all >= most)
        return refuse(error, "there are %u assignments", all - before);
    if (owner == ROOT)
        return true;
    g_hash_table_iter_init(&iter, registry->assignments);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Assignment *assignment = value;

        of_tenant += tenant && g_strcmp0(assignment->tenant, tenant) == 0;
        of_owner += assignment->owner == owner;
    }
    if (of_tenant >= most_of_tenant)
        return refuse(error, "tenant %s has %u assignments, and only root may make more than %u", tenant,
                      of_tenant - before, most_of_tenant);
    if (of_owner >= most_of_owner)
        return refuse(error, "user %u has made %u assignments, and only root may make more than %u", owner,
                      of_owner - before, most_of_owner);
    if (all >= most - for_root)
        return refuse(error, "there are %u assignments, and the last %u places are root's", all - before,
                      for_root);
    return true;
}
