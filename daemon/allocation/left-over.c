/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many assignments of a pool see the same of each device: so it is looked at once for all that are alike.
 * Called by status.c; reads the registry only. */

#include "daemon/allocation/left-over.h"

#include "daemon/allocation/judge.h"

static bool is_missed(Verdict verdict)
{
    return verdict == VERDICT_QUARANTINED || verdict == VERDICT_IN_USE || verdict == VERDICT_GUARDED ||
           verdict == VERDICT_UNAUTHORIZED || verdict == VERDICT_NO_PORT ||
           verdict == VERDICT_NO_CONTROLLER || verdict == VERDICT_SPEED;
}

static LeftOver look(const Allocation *allocation, const Assignment *assignment, const GPtrArray *devices)
{
    LeftOver left = { 0 };

    for (guint i = 0; i < devices->len; i++) {
        Verdict verdict;

        /* It is taken, or the assignment's own. */
        if (allocation_want(allocation, devices->pdata[i]))
            continue;
        verdict = allocation_judge(allocation, assignment, devices->pdata[i]);
        left.soon |= verdict_passes_soon(verdict);
        if (!is_missed(verdict))
            continue;
        left.missed = left.missed ? left.missed : devices->pdata[i];
        left.n_missed++;
    }
    return left;
}

/* ------------------------------------------------------------------ those that are alike */

/* What is in the bits of a number. */
static void put(gint64 *number, unsigned value, unsigned bits)
{
    *number = (gint64)(((guint64)*number << bits) | value);
}

/* All that allocation_judge() goes by of an assignment of a pool, but for what it gave back; of what nobody
 * is to have. */
static gint64 kind_of(const Allocation *allocation, const Assignment *assignment)
{
    enum { BIT = 1, SPEEDS = 8, VERDICT = 8 };
    const Machine *machine = registry_machine_of(allocation->registry, assignment);
    const MachineInfo *info = machine ? machine->info : NULL;
    unsigned free = 0, free_speeds = 0;
    gint64 kind = 0;

    for (guint i = 0; info && i < info->buses->len; i++) {
        const UsbBus *bus = &g_array_index(info->buses, UsbBus, i);

        free |= bus->free > 0;
        free_speeds |= bus->free > 0 ? bus->speeds : 0;
    }
    put(&kind, judge_assignment(allocation->registry, assignment), VERDICT);
    put(&kind, judge_machine(allocation->registry, assignment), VERDICT);
    put(&kind, machine ? judge_ports(machine) : VERDICT_GO, VERDICT);
    put(&kind, deal_lacks_ports(allocation->deal, assignment), BIT);
    put(&kind, assignment->forced, BIT);
    put(&kind,
        assignment->quantity_kind == QUANTITY_COUNT &&
            allocation_wants_of(allocation, assignment)->len >= assignment->quantity,
        BIT);
    put(&kind, info && info->ports_known, BIT);
    put(&kind, info ? info->usb_speeds : 0, SPEEDS);
    put(&kind, info && info->buses->len > 0, BIT);
    put(&kind, free, BIT);
    put(&kind, free_speeds, SPEEDS);
    return kind;
}

/* One kind, and what it sees. */
typedef struct Seen {
    gint64 kind;
    LeftOver left;
} Seen;

/* Of what the pool could have, what nobody is to have. */
static const GPtrArray *rest_of(const Allocation *allocation, const Pool *pool, const GPtrArray *devices)
{
    GPtrArray *rest = g_hash_table_lookup(allocation->rests, pool);

    if (rest)
        return rest;
    rest = g_ptr_array_new();
    for (guint i = 0; i < devices->len; i++)
        if (!allocation_want(allocation, devices->pdata[i]))
            g_ptr_array_add(rest, devices->pdata[i]);
    g_hash_table_insert(allocation->rests, (gpointer)pool, rest);
    return rest;
}

static GHashTable *kinds_of(const Allocation *allocation, const Pool *pool)
{
    GHashTable *kinds = g_hash_table_lookup(allocation->kinds, pool);

    if (!kinds) {
        kinds = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
        g_hash_table_insert(allocation->kinds, (gpointer)pool, kinds);
    }
    return kinds;
}

LeftOver left_over_of(const Allocation *allocation, const Assignment *assignment)
{
    const Pool *pool = candidates_pool(allocation->candidates, assignment);
    const GPtrArray *devices = candidates_of(allocation->candidates, assignment);
    gint64 kind;
    GHashTable *kinds;
    Seen *seen;

    if (!pool)
        return look(allocation, assignment, devices);
    devices = rest_of(allocation, pool, devices);
    if (devices->len == 0 || assignment->given_back->len > 0)
        return look(allocation, assignment, devices);
    kind = kind_of(allocation, assignment);
    kinds = kinds_of(allocation, pool);
    seen = g_hash_table_lookup(kinds, &kind);
    if (!seen) {
        seen = g_new(Seen, 1);
        *seen = (Seen){ .kind = kind, .left = look(allocation, assignment, devices) };
        g_hash_table_insert(kinds, &seen->kind, seen);
    }
    return seen->left;
}
