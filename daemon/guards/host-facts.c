/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes and frees the facts of the host. Called by host-reading.c and who keeps them; touches nothing else.
 */

#include "daemon/guards/host-facts.h"

static void free_node(gpointer data)
{
    HostNode *node = data;

    g_free(node->name);
    g_free(node->syspath);
    g_free(node->number);
    g_free(node->title);
    g_strfreev(node->above);
    g_free(node);
}

static void free_mount(gpointer data)
{
    HostMount *mount = data;

    g_free(mount->number);
    g_free(mount->source);
    g_free(mount->target);
    g_free(mount);
}

static void free_input(gpointer data)
{
    HostInput *input = data;

    g_free(input->syspath);
    g_free(input->seat);
    g_free(input);
}

HostFacts *host_facts_new(void)
{
    HostFacts *facts = g_new0(HostFacts, 1);

    facts->disks = g_ptr_array_new_with_free_func(free_node);
    facts->networks = g_ptr_array_new_with_free_func(free_node);
    facts->mounts = g_ptr_array_new_with_free_func(free_mount);
    facts->inputs = g_ptr_array_new_with_free_func(free_input);
    facts->adapters = g_ptr_array_new_with_free_func(g_free);
    facts->keys = g_ptr_array_new_with_free_func(g_free);
    facts->swaps = g_ptr_array_new_with_free_func(g_free);
    facts->routes = g_ptr_array_new_with_free_func(g_free);
    return facts;
}

HostFacts *host_facts_free(HostFacts *facts)
{
    if (!facts)
        return NULL;
    g_ptr_array_unref(facts->disks);
    g_ptr_array_unref(facts->networks);
    g_ptr_array_unref(facts->mounts);
    g_ptr_array_unref(facts->inputs);
    g_ptr_array_unref(facts->adapters);
    g_ptr_array_unref(facts->keys);
    g_ptr_array_unref(facts->swaps);
    g_ptr_array_unref(facts->routes);
    g_free(facts);
    return NULL;
}

void host_facts_add_node(GPtrArray *nodes, HostNode node)
{
    g_ptr_array_add(nodes, g_memdup2(&node, sizeof node));
}
