/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of what the host needs a device for, one function a kind, and the sentence of each. Pure. */

#include "daemon/guards/host-use.h"

#include <string.h>

#include "daemon/base/text.h"

static const char *const kind_names[_HOST_USE_KIND_MAX] = {
    [HOST_USE_LAST_KEYBOARD] = "last-keyboard",
    [HOST_USE_LAST_POINTER] = "last-pointer",
    [HOST_USE_ROOT] = "root",
    [HOST_USE_MOUNTED] = "mounted",
    [HOST_USE_SWAP] = "swap",
    [HOST_USE_HOLDER] = "holder",
    [HOST_USE_DEFAULT_ROUTE] = "default-route",
    [HOST_USE_CLAIMED] = "claimed",
    [HOST_USE_SECURITY_KEY] = "security-key",
};

ENUM_TABLE_DEFINE(HostUseKind, host_use_kind, kind_names, _HOST_USE_KIND_INVALID);

typedef struct Look {
    const HostView *view;
    const HostFacts *facts;
    const char *syspath;
    const GPtrArray *gone;
    GPtrArray *uses; /* of char *, owned */
} Look;

static void add(Look *look, HostUseKind kind, const char *detail)
{
    g_autofree char *whole = detail ? g_strconcat(kind_names[kind], ":", detail, NULL) : NULL;
    char *text;

    if (!(look->view->kinds & 1u << kind) || look->uses->len >= HOST_USES_MAX)
        return;
    text = text_sanitize(whole ? whole : kind_names[kind], TEXT_MAX);
    if (g_ptr_array_find_with_equal_func(look->uses, text, g_str_equal, NULL))
        g_free(text);
    else
        g_ptr_array_add(look->uses, text);
}

static bool is_below(const char *syspath, const char *device)
{
    gsize length = strlen(device);

    return strncmp(syspath, device, length) == 0 && (syspath[length] == '/' || syspath[length] == '\0');
}

static bool has_one_below(const GPtrArray *syspaths, const char *device)
{
    for (guint i = 0; i < syspaths->len; i++)
        if (is_below(syspaths->pdata[i], device))
            return true;
    return false;
}

/* ------------------------------------------------------------------ input */

/* A Bluetooth one that came by way of a program (LE) doesn't say which adapter carries it: all of them do. */
static bool carries(const HostFacts *facts, const char *syspath, const HostInput *input)
{
    return is_below(input->syspath, syspath) ||
           (input->bluetooth && strstr(input->syspath, "/devices/virtual/") &&
            has_one_below(facts->adapters, syspath));
}

/* The seat keeps it when the device goes. */
static bool stays(const Look *look, const HostInput *input)
{
    if (carries(look->facts, look->syspath, input))
        return false;
    for (guint i = 0; i < look->gone->len; i++)
        if (carries(look->facts, look->gone->pdata[i], input))
            return false;
    return true;
}

static bool is_wanted(const HostInput *input, HostUseKind kind)
{
    return kind == HOST_USE_LAST_KEYBOARD ? input->keyboard : input->pointer;
}

static bool has_other(const Look *look, HostUseKind kind, const char *seat)
{
    for (guint i = 0; i < look->facts->inputs->len; i++) {
        const HostInput *input = look->facts->inputs->pdata[i];

        if (is_wanted(input, kind) && g_str_equal(input->seat, seat) && stays(look, input))
            return true;
    }
    return false;
}

static bool is_sat_at(const HostView *view, const char *seat)
{
    return !view->seats || g_strv_contains((const char *const *)view->seats, seat);
}

bool host_use_spares_input(const HostView *view, const GPtrArray *gone)
{
    static const char *const usual[] = { "seat0", NULL };
    /* No device is called so. */
    const Look look = { .view = view, .facts = view->facts, .syspath = "-", .gone = gone };
    const char *const *seats = view->seats ? (const char *const *)view->seats : usual;

    for (gsize i = 0; view->facts && seats[i]; i++)
        if (!has_other(&look, HOST_USE_LAST_KEYBOARD, seats[i]) ||
            !has_other(&look, HOST_USE_LAST_POINTER, seats[i]))
            return false;
    return view->facts != NULL;
}

static void look_for_last(Look *look, HostUseKind kind)
{
    for (guint i = 0; i < look->facts->inputs->len; i++) {
        const HostInput *input = look->facts->inputs->pdata[i];

        if (is_wanted(input, kind) && is_sat_at(look->view, input->seat) &&
            carries(look->facts, look->syspath, input) && !has_other(look, kind, input->seat))
            add(look, kind, input->seat);
    }
}

/* ------------------------------------------------------------------ disks and networks */

static const HostNode *find_node(const GPtrArray *nodes, const char *name)
{
    for (guint i = 0; i < nodes->len; i++)
        if (g_str_equal(((const HostNode *)nodes->pdata[i])->name, name))
            return nodes->pdata[i];
    return NULL;
}

/* Those below the device and whatever is on top of them, each once. New array. */
static GPtrArray *nodes_of(const GPtrArray *nodes, const char *device)
{
    GPtrArray *found = g_ptr_array_new();

    for (guint i = 0; i < nodes->len; i++)
        if (is_below(((const HostNode *)nodes->pdata[i])->syspath, device))
            g_ptr_array_add(found, nodes->pdata[i]);
    for (guint i = 0; i < found->len; i++) {
        const HostNode *node = found->pdata[i];

        for (gsize above = 0; node->above && node->above[above]; above++) {
            const HostNode *next = find_node(nodes, node->above[above]);

            if (next && !g_ptr_array_find(found, next, NULL))
                g_ptr_array_add(found, (gpointer)next);
        }
    }
    return found;
}

/* A file system over several disks has no number of a disk, but names one of them. */
static bool is_mount_of(const HostMount *mount, const HostNode *disk)
{
    const char *name = strrchr(mount->source, '/');

    if (disk->number && g_str_equal(mount->number, disk->number))
        return true;
    return g_str_has_prefix(mount->number, "0:") && g_str_has_prefix(mount->source, "/dev/") &&
           (g_str_equal(name + 1, disk->name) || g_strcmp0(name + 1, disk->title) == 0);
}

/* What the host's own file system is mounted at besides, as the service itself sees it, says nothing more. */
static bool look_for_root(Look *look, const HostNode *disk)
{
    const GPtrArray *mounts = look->facts->mounts;

    for (guint i = 0; i < mounts->len; i++) {
        const HostMount *mount = mounts->pdata[i];

        if (g_str_equal(mount->target, "/") && is_mount_of(mount, disk)) {
            add(look, HOST_USE_ROOT, NULL);
            return true;
        }
    }
    return false;
}

static void look_for_mounts(Look *look, const HostNode *disk)
{
    const GPtrArray *mounts = look->facts->mounts;
    bool found = false;

    if (look_for_root(look, disk))
        return;
    for (guint i = 0; i < mounts->len; i++)
        if (is_mount_of(mounts->pdata[i], disk)) {
            add(look, HOST_USE_MOUNTED, ((const HostMount *)mounts->pdata[i])->target);
            found = true;
        }
    if (disk->in_use && !found)
        add(look, HOST_USE_MOUNTED, NULL);
}

static void look_for_holders(Look *look, const HostNode *disk)
{
    for (gsize i = 0; disk->above && disk->above[i]; i++) {
        const HostNode *holder = find_node(look->facts->disks, disk->above[i]);
        g_autofree char *detail = holder && holder->title
                                      ? g_strdup_printf("%s (%s)", holder->name, holder->title)
                                      : g_strdup(disk->above[i]);

        add(look, HOST_USE_HOLDER, detail);
    }
}

static void look_at_disks(Look *look)
{
    g_autoptr(GPtrArray) disks = nodes_of(look->facts->disks, look->syspath);

    for (guint i = 0; i < disks->len; i++)
        look_for_mounts(look, disks->pdata[i]);
    for (guint i = 0; i < disks->len; i++)
        if (g_ptr_array_find_with_equal_func(look->facts->swaps, ((const HostNode *)disks->pdata[i])->name,
                                             g_str_equal, NULL))
            add(look, HOST_USE_SWAP, NULL);
    for (guint i = 0; i < disks->len; i++)
        look_for_holders(look, disks->pdata[i]);
}

/* By its own name, or that of the bridge that it is in. */
static void look_at_networks(Look *look)
{
    g_autoptr(GPtrArray) networks = nodes_of(look->facts->networks, look->syspath);

    for (guint i = 0; i < networks->len; i++) {
        const HostNode *network = networks->pdata[i];

        if (g_ptr_array_find_with_equal_func(look->facts->routes, network->name, g_str_equal, NULL))
            add(look, HOST_USE_DEFAULT_ROUTE, network->name);
    }
}

static Look look_at(const HostView *view, const char *syspath, const GPtrArray *gone)
{
    Look look = { .view = view, .facts = view->facts, .syspath = syspath, .gone = gone };

    look.uses = g_ptr_array_new_with_free_func(g_free);
    if (look.facts) {
        look_for_last(&look, HOST_USE_LAST_KEYBOARD);
        look_for_last(&look, HOST_USE_LAST_POINTER);
    }
    return look;
}

bool host_use_has_input(const HostView *view, const char *syspath)
{
    for (guint i = 0; view->facts && i < view->facts->inputs->len; i++)
        if (carries(view->facts, syspath, view->facts->inputs->pdata[i]))
            return true;
    return false;
}

char *host_use_last(const HostView *view, const char *syspath, const GPtrArray *gone)
{
    Look look = look_at(view, syspath, gone);
    char *first = look.uses->len > 0 ? g_strdup(look.uses->pdata[0]) : NULL;

    g_ptr_array_unref(look.uses);
    return first;
}

char **host_use_of(const HostView *view, const char *syspath, const GPtrArray *gone, const char *claimed)
{
    Look look = look_at(view, syspath, gone);

    if (look.facts) {
        look_at_disks(&look);
        look_at_networks(&look);
    }
    if (claimed)
        add(&look, HOST_USE_CLAIMED, *claimed ? claimed : NULL);
    if (look.facts && has_one_below(look.facts->keys, syspath))
        add(&look, HOST_USE_SECURITY_KEY, NULL);
    if (look.uses->len == 0) {
        g_ptr_array_unref(look.uses);
        return NULL;
    }
    g_ptr_array_add(look.uses, NULL);
    return (char **)g_ptr_array_free(look.uses, FALSE);
}

/* ------------------------------------------------------------------ what it says */

static HostUseKind kind_of(const char *use, const char **ret_detail)
{
    gsize length = strcspn(use, ":");
    g_autofree char *name = g_strndup(use, length);

    *ret_detail = use[length] ? use + length + 1 : "";
    return host_use_kind_from_string(name);
}

const char *host_use_find(char *const *uses, unsigned kinds)
{
    const char *detail;

    for (gsize i = 0; uses && uses[i]; i++) {
        HostUseKind kind = kind_of(uses[i], &detail);

        if (kind >= 0 && kinds & 1u << kind)
            return uses[i];
    }
    return NULL;
}

bool host_use_ends_unseen(char *const *uses)
{
    return uses && g_strv_contains((const char *const *)uses, host_use_kind_to_string(HOST_USE_MOUNTED));
}

#define MOUNTED_ELSEWHERE                                                                               \
    "a file system of it is in use, which the host doesn't have mounted: in a container, or until all " \
    "of it is written; unmount it there, or wait"

static const char *const texts[_HOST_USE_KIND_MAX] = {
    [HOST_USE_LAST_KEYBOARD] = "it is the last keyboard of %s, where somebody sits; plug in another one",
    [HOST_USE_LAST_POINTER] = "it is the last pointer of %s, where somebody sits; plug in another one",
    [HOST_USE_ROOT] = "the host itself runs from it%s; start the host from another disk",
    [HOST_USE_MOUNTED] = "the host has it mounted at %s; unmount that",
    [HOST_USE_SWAP] = "the host swaps to it%s; end that with swapoff",
    [HOST_USE_HOLDER] = "the host has %s on it; close or deactivate that",
    [HOST_USE_DEFAULT_ROUTE] = "the host's default route goes by its %s; let it go another way",
    [HOST_USE_CLAIMED] = "a program of the host%s has it; end it, or wait until it lets go",
    [HOST_USE_SECURITY_KEY] = "it is a security key%s",
};

char *host_use_text(const char *use)
{
    const char *detail;
    HostUseKind kind = kind_of(use, &detail);
    g_auto(GStrv) parts = g_strsplit(kind < 0 ? "the host uses it%s" : texts[kind], "%s", 2);
    g_autofree char *program = kind == HOST_USE_CLAIMED && *detail ? g_strdup_printf(" (%s)", detail) : NULL;

    if (kind == HOST_USE_MOUNTED && !*detail)
        return g_strdup(MOUNTED_ELSEWHERE);
    return g_strconcat(parts[0], program ? program : detail, parts[1], NULL);
}
