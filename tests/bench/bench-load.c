/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What loading many drop-in files costs, in times of what few cost: both in one run and in turns, so that the
 * machine's speed and its other work cancel out. Ten times as many may cost some more than ten times as much;
 * what is quadratic costs a hundred times as much. Fails above RATIO_MAX.
 *
 *     bench-load [ROUNDS] */

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/manager/manager.h"
#include "tests/bench/row.h"

#define FOLDERS_VARIABLE "FERRY_GROUPS_PATH"

#define RATIO_GOAL    11.0
#define RATIO_MAX     25.0
#define ROUNDS        7
#define N_DEVICES     64
#define N_RULES       10
#define N_FEW_GROUPS  100
#define N_MANY_GROUPS 1000

typedef struct Setup {
    const char *name;
    unsigned n_groups;
    char *folder;
    gint64 best; /* of all rounds, in ns; the shortest is the one that was disturbed least */
} Setup;

static void write_groups(Setup *setup)
{
    g_mkdir(setup->folder, 0700);
    for (unsigned g = 0; g < setup->n_groups; g++) {
        g_autofree char *path = g_strdup_printf("%s/%04u.conf", setup->folder, g);
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(GError) error = NULL;

        g_string_append_printf(text, "[Group]\nName=group-%u\nDescription=Number %u\n", g, g);
        for (unsigned r = 1; r <= N_RULES; r++)
            g_string_append_printf(text, "\n[Rule %u]\nMatch=vendor=%04x product=%04x serial=SN%u*\n", r, g,
                                   r, g);
        g_file_set_contents(path, text->str, -1, &error);
        g_assert_no_error(error);
    }
}

static void add_devices(Registry *registry)
{
    for (unsigned i = 0; i < N_DEVICES; i++) {
        g_autofree char *sysname = g_strdup_printf("%u-%u", i / 16 + 1, i % 16 + 1);
        Device *device = device_new(sysname);

        device->vendor_id = (uint16_t)i;
        device->product_id = 1;
        g_free(device->serial);
        device->serial = g_strdup_printf("SN%u", i);
        registry_add_device(registry, device);
    }
}

static gint64 now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (gint64)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* As at a start: nothing is known before. */
static void run_round(Setup *setup, const ManagerConfig *config, WorkerPool *pool)
{
    static const HypervisorOps no_ops = {};
    Hypervisor hypervisor = { .ops = &no_ops };
    g_autoptr(GError) error = NULL;
    g_autoptr(Manager) manager = manager_new(config, pool, &hypervisor, &error);
    gint64 start;

    g_assert_no_error(error);
    add_devices(manager_registry(manager));
    g_setenv(FOLDERS_VARIABLE, setup->folder, TRUE);
    start = now();
    manager_reload(manager);
    setup->best = MIN(setup->best, now() - start);
    g_assert_cmpuint(g_hash_table_size(manager_registry(manager)->groups), ==, setup->n_groups);
}

static void remove_folder(const char *path)
{
    g_spawn_sync(NULL, (char **)(const char *[]){ "rm", "-rf", path, NULL }, NULL, G_SPAWN_SEARCH_PATH, NULL,
                 NULL, NULL, NULL, NULL, NULL);
}

int main(int argc, char **argv)
{
    g_autofree char *folder = g_dir_make_tmp("ferry-bench-XXXXXX", NULL);
    g_autofree char *state = g_build_filename(folder, "state", NULL);
    g_autofree char *runtime = g_build_filename(folder, "run", NULL);
    const ManagerConfig config = { .state_dir = state, .runtime_dir = runtime };
    g_autoptr(WorkerPool) pool = worker_pool_new(1, NULL, NULL);
    Setup setups[] = {
        { .name = "few", .n_groups = N_FEW_GROUPS, .best = G_MAXINT64 },
        { .name = "many", .n_groups = N_MANY_GROUPS, .best = G_MAXINT64 },
    };
    int rounds = argc > 1 ? MAX(atoi(argv[1]), 1) : ROUNDS;
    double ratio;

    g_assert_nonnull(folder);
    for (gsize i = 0; i < G_N_ELEMENTS(setups); i++) {
        setups[i].folder = g_build_filename(folder, setups[i].name, NULL);
        write_groups(&setups[i]);
    }
    for (int round = 0; round < rounds; round++)
        for (gsize i = 0; i < G_N_ELEMENTS(setups); i++)
            run_round(&setups[i], &config, pool);

    for (gsize i = 0; i < G_N_ELEMENTS(setups); i++) {
        printf("%-4s %4u files of %u rules: %7.2f ms\n", setups[i].name, setups[i].n_groups, N_RULES,
               (double)setups[i].best / 1e6);
        g_free(setups[i].folder);
    }
    ratio = (double)setups[1].best / (double)setups[0].best;
    remove_folder(folder);
    return row_print(&(Row){ "reading the groups' files", (double)setups[1].best / 1e6, "ms", ratio,
                             "a tenth of the files", RATIO_GOAL, RATIO_MAX })
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}
