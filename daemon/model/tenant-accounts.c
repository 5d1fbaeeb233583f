/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names to numbers. run() is a worker's: it asks the name service with copies of the members' texts; the main
 * thread takes the answers into the tenants. */

#include "daemon/model/tenant-accounts.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"

#define MEMBERS_QUEUE       "members"
#define MEMBERS_DEADLINE_MS 30000

/* Answers of the name service: they begin small, and a group can have thousands of users. */
#define ANSWER_BYTES     1024
#define ANSWER_BYTES_MAX (4 * 1024 * 1024)

typedef enum LookUp {
    LOOK_UP_FOUND,
    LOOK_UP_UNKNOWN,
    LOOK_UP_FAILED, /* nobody can say now */
} LookUp;

typedef struct AccountAnswer {
    char *text; /* "user:anna" */
    LookUp result;
    uint32_t id;
} AccountAnswer;

static void answer_free(AccountAnswer *answer)
{
    g_free(answer->text);
    g_free(answer);
}

/* 0 with ret_id, -ENOENT, or what went wrong. */
static int ask(const char *name, bool is_group, char *buffer, gsize size, uint32_t *ret_id)
{
    int r;

    if (is_group) {
        struct group entry, *found = NULL;

        r = getgrnam_r(name, &entry, buffer, size, &found);
        if (found)
            *ret_id = found->gr_gid;
        return found ? 0 : r ? -r : -ENOENT;
    } else {
        struct passwd entry, *found = NULL;

        r = getpwnam_r(name, &entry, buffer, size, &found);
        if (found)
            *ret_id = found->pw_uid;
        return found ? 0 : r ? -r : -ENOENT;
    }
}

static LookUp look_up(const char *text, uint32_t *ret_id)
{
    bool is_group;
    const char *name = tenant_member_name(text, &is_group);
    int r = -ERANGE;

    for (gsize size = ANSWER_BYTES; r == -ERANGE && size <= ANSWER_BYTES_MAX; size *= 2) {
        g_autofree char *buffer = g_malloc(size);

        do
            r = ask(name, is_group, buffer, size, ret_id);
        while (r == -EINTR);
    }
    switch (r) {
    case 0:
        return LOOK_UP_FOUND;
    /* getpwnam(3): all of these have meant that there is none. */
    case -ENOENT:
    case -ESRCH:
    case -EBADF:
    case -EPERM:
        return LOOK_UP_UNKNOWN;
    default:
        return LOOK_UP_FAILED;
    }
}

/* Worker. */
static gpointer run(gpointer input, GError **error)
{
    const GPtrArray *questions = input;
    GPtrArray *answers = g_ptr_array_new_with_free_func((GDestroyNotify)answer_free);

    for (guint i = 0; i < questions->len; i++) {
        AccountAnswer *answer = g_new0(AccountAnswer, 1);

        answer->text = g_strdup(questions->pdata[i]);
        answer->result = look_up(answer->text, &answer->id);
        g_ptr_array_add(answers, answer);
    }
    return answers;
}

/* True when it changed. */
static bool take_answer(TenantMember *member, const AccountAnswer *answer)
{
    bool known = answer->result == LOOK_UP_FOUND;

    if (strcmp(member->text, answer->text) != 0 || answer->result == LOOK_UP_FAILED ||
        (member->known == known && (!known || member->id == answer->id)))
        return false;
    member->known = known;
    member->id = answer->id;
    return true;
}

static void tell_unknown(const Tenant *tenant, const GPtrArray *answers)
{
    for (guint i = 0; i < answers->len; i++) {
        const AccountAnswer *answer = answers->pdata[i];

        for (guint k = 0; answer->result != LOOK_UP_FOUND && k < tenant->members->len; k++)
            if (strcmp(((const TenantMember *)tenant->members->pdata[k])->text, answer->text) == 0)
                log_warning("tenant %s: %s %s", tenant->name, answer->text,
                            answer->result == LOOK_UP_FAILED
                                ? "can't be looked up now"
                                : "is not known to this host, so this member is nobody");
    }
}

static void looked_up(gpointer output, const GError *error, void *userdata)
{
    Registry *registry = userdata;
    g_autoptr(GPtrArray) answers = output;
    g_autoptr(GPtrArray) tenants = NULL;

    if (error) {
        log_warning("the members of tenants can't be looked up: %s", error->message);
        return;
    }
    /* By text: whoever became a member meanwhile under the same name is the same. */
    tenants = registry_sorted(registry->tenants);
    for (guint i = 0; i < tenants->len; i++) {
        const Tenant *tenant = tenants->pdata[i];
        bool changed = false;

        for (guint k = 0; k < tenant->members->len; k++)
            for (guint n = 0; n < answers->len; n++)
                changed |= take_answer(tenant->members->pdata[k], answers->pdata[n]);
        tell_unknown(tenant, answers);
        if (changed)
            registry_report(registry, OBJECT_TENANT, tenant->name, TENANT_FIELD_MEMBERS);
    }
}

static void add_members(GPtrArray *questions, const Tenant *tenant)
{
    for (guint i = 0; i < tenant->members->len; i++) {
        const TenantMember *member = tenant->members->pdata[i];

        if (!g_ptr_array_find_with_equal_func(questions, member->text, g_str_equal, NULL))
            g_ptr_array_add(questions, g_strdup(member->text));
    }
}

void tenant_accounts_look_up(WorkerPool *pool, Registry *registry, const char *name)
{
    const Tenant *only = registry_tenant(registry, name);
    GPtrArray *questions = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer tenant;

    if (only)
        add_members(questions, only);
    g_hash_table_iter_init(&iter, registry->tenants);
    while (!name && g_hash_table_iter_next(&iter, NULL, &tenant))
        add_members(questions, tenant);
    if (questions->len == 0) {
        g_ptr_array_unref(questions);
        return;
    }
    worker_pool_push(pool, &(WorkerJob){ .queue = MEMBERS_QUEUE,
                                         .deadline_ms = MEMBERS_DEADLINE_MS,
                                         .run = run,
                                         .input = questions,
                                         .free_input = (GDestroyNotify)g_ptr_array_unref,
                                         .free_output = (GDestroyNotify)g_ptr_array_unref,
                                         .done = looked_up,
                                         .userdata = registry });
}
