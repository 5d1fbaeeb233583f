/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The devices, the VMs and the service of a history, and its time. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/deadline.h"
#include "tests/bus/history.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HUB "1-5"

/* Long enough for everything that the service puts off when it has tried often: in its own time. */
#define REST_MS 150000

const Thing history_things[HISTORY_THINGS] = {
    { "keyboard A", "046d", "c31c", "KBD-4711", "1-1" },
    { "keyboard B", "046d", "c31c", "KBD-0815", "1-2" },
    { "dongle A", "0529", "0001", "", "1-3" },
    { "dongle B", "0529", "0001", "", "1-5.1" },
    { "twin A", "0781", "5567", "TWIN-77X2", "1-4" },
    { "twin B", "0781", "5567", "TWIN-77X2", "1-5.2" },
    { "stick", "0781", "5567", "STICK-9K4", "1-6" },
    { "probe", "16c0", "05dc", "PRB-20X7", "1-7", "05df" },
};
const char *const history_sockets[HISTORY_SOCKETS] = { "1-1", "1-2", "1-3",   "1-4",
                                                       "1-6", "1-7", "1-5.1", "1-5.2" };
const char *const history_vm_names[HISTORY_VMS] = { "desk", "studio", "lab" };

/* ------------------------------------------------------------------ telling */

void world_say(World *world, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_string_append_vprintf(world->story, format, arguments);
    va_end(arguments);
    g_string_append_c(world->story, '\n');
}

void world_fail(World *world, const char *format, ...)
{
    va_list arguments;

    if (world->failure)
        return;
    va_start(arguments, format);
    world->failure = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    world_say(world, "  !! %s", world->failure);
}

void world_wrong(World *world, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    world->is_wrong |= !world->failure;
    world_fail(world, "%s", text);
}

/* ------------------------------------------------------------------ the script */

/* One line; NULL when the service is gone. */
static char *read_answer(World *world)
{
    g_autoptr(GString) answer = g_string_new(NULL);
    struct pollfd poll_fd = { .fd = world->fixture->script, .events = POLLIN };
    char c;

    for (;;) {
        if (poll(&poll_fd, 1, DEADLINE_MS) <= 0) {
            world_fail(world, "the service's main loop hangs");
            return NULL;
        }
        if (read(world->fixture->script, &c, 1) != 1)
            return NULL;
        if (c == '\n')
            return g_string_free(g_steal_pointer(&answer), FALSE);
        g_string_append_c(answer, c);
    }
}

bool world_script(World *world, char **ret_answer, const char *format, ...)
{
    g_autofree char *command = NULL, *line = NULL, *answer = NULL;
    va_list arguments;

    if (world->failure)
        return false;
    va_start(arguments, format);
    command = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    line = g_strconcat(command, "\n", NULL);
    if (send(world->fixture->script, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line))
        answer = read_answer(world);
    if (!answer) {
        world->broken = true;
        return false;
    }
    if (!g_str_has_prefix(answer, "ok")) {
        world_fail(world, "%s: %s", command, answer);
        return false;
    }
    if (ret_answer)
        *ret_answer = g_strdup(answer[2] ? answer + 3 : "");
    return true;
}

/* ------------------------------------------------------------------ time */

static void forget_the_gone(World *world)
{
    for (guint i = world->presences->len; i-- > 0;)
        if (((const Presence *)world->presences->pdata[i])->gone)
            g_ptr_array_remove_index(world->presences, i);
    g_ptr_array_set_size(world->recent, 0);
}

void world_let_pass(World *world, unsigned ms)
{
    calls_process(world);
    (void)world_script(world, NULL, "run %u", ms);
    world_look_after_service(world);
    calls_process(world);
    watch_calls(world);
}

void world_settle(World *world)
{
    calls_finish(world);
    if (world->failure)
        return;
    (void)world_script(world, NULL, "run 0");
    world_look_after_service(world);
    watch_calls(world);
    if (!world->background)
        world->was_reset = false;
    world->foreign_is_new = false;
    for (guint i = 0; i < world->model->decisions->len; i++) {
        Decision *decision = world->model->decisions->pdata[i];

        decision->knows_twin = decision->met_twin;
    }
    forget_the_gone(world);
}

/* ------------------------------------------------------------------ devices */

const Presence *world_present(World *world, int thing)
{
    for (guint i = 0; i < world->presences->len; i++) {
        const Presence *presence = world->presences->pdata[i];

        if (presence->thing == thing && !presence->gone)
            return presence;
    }
    return NULL;
}

int world_choose(guint32 number)
{
    enum { TWIN = 4, TWINS = 2, OFTEN = 4 };

    return number / HISTORY_THINGS % OFTEN == 0 ? TWIN + (int)(number % TWINS)
                                                : (int)(number % HISTORY_THINGS);
}

const Presence *world_any_present(World *world, guint32 number)
{
    int first = world_choose(number);

    for (int i = 0; i < HISTORY_THINGS; i++) {
        const Presence *presence = world_present(world, (first + i) % HISTORY_THINGS);

        if (presence)
            return presence;
    }
    return NULL;
}

const Presence *world_in_socket(World *world, const char *socket)
{
    for (guint i = 0; i < world->presences->len; i++) {
        const Presence *presence = world->presences->pdata[i];

        if (strcmp(presence->socket, socket) == 0 && !presence->gone)
            return presence;
    }
    return NULL;
}

/* umockdev ends the program when it can't tell the service of an event: what is to kill it waits for that. */
static bool begin_to_tell(World *world)
{
    if (world->may_die)
        (void)world_script(world, NULL, "die hold");
    world_look_after_service(world);
    return !world->failure;
}

static void end_telling(World *world)
{
    if (world->may_die)
        (void)world_script(world, NULL, "die go");
}

void world_announce(World *world, const Presence *presence, const char *action)
{
    if (!begin_to_tell(world))
        return;
    fixture_announce(world->fixture, presence->socket, action);
    end_telling(world);
}

void world_plug(World *world, int thing, const char *socket, unsigned number, const char *product)
{
    const Thing *what = &history_things[thing];
    Presence *presence;

    if (!begin_to_tell(world))
        return;
    watch_calls(world); /* what was given until now was what was there */
    presence = g_new0(Presence, 1);
    *presence = (Presence){ .thing = thing,
                            .socket = socket,
                            .product = product,
                            .number = number,
                            .enumeration = ++world->enumerations };
    g_ptr_array_add(world->presences, presence);
    world->highest = MAX(world->highest, number);
    world->fixture->next_device_number = number;
    fixture_plug(world->fixture, socket, what->vendor, product, what->serial, what->name);
    end_telling(world);
}

void world_unplug(World *world, int thing)
{
    Presence *presence;

    if (!begin_to_tell(world))
        return;
    presence = (Presence *)world_present(world, thing);
    fixture_unplug(world->fixture, presence->socket);
    presence->gone = true;
    end_telling(world);
}

bool world_kernel(World *world, const Presence *presence, unsigned *ret_opens, char **ret_driver)
{
    g_autofree char *answer = NULL;
    const char *driver;

    if (!world_script(world, &answer, "kernel show 1 %u", presence->number))
        return false;
    *ret_opens = (unsigned)g_ascii_strtoull(answer + strlen("opens="), NULL, 10);
    driver = strstr(answer, "driver=") + strlen("driver=");
    *ret_driver = g_strndup(driver, strcspn(driver, " "));
    return true;
}

/* ------------------------------------------------------------------ VMs */

static void name_vm(World *world, int i)
{
    Vm *vm = &world->vms[i];

    g_free(vm->uuid);
    g_free(vm->path);
    g_free(vm->shown);
    g_free(vm->state);
    vm->uuid = g_strdup_printf("%08x-0000-4000-8000-%012d", vm->generation++, i + 1);
    vm->path = fixture_machine_path(vm->uuid);
    vm->shown = g_strdup_printf("%s shutoff 0", history_vm_names[i]);
    vm->state = g_strdup("shutoff");
    vm->life = 0;
}

void world_let_read(World *world)
{
    (void)world_script(world, NULL, "counts");
}

void world_define_vm(World *world, int i)
{
    name_vm(world, i);
    vm_clear_holdings(&world->vms[i]);
    (void)world_script(world, NULL, "define %s %s", world->vms[i].uuid, history_vm_names[i]);
}

/* The VMs live on, with what they had. */
static void tell_script(World *world)
{
    enum { NAME, STATE, LIFE };

    (void)world_script(world, NULL, "look");
    for (int i = 0; i < HISTORY_VMS; i++) {
        const Vm *vm = &world->vms[i];
        g_auto(GStrv) words = g_strsplit(vm->shown, " ", -1);
        g_autofree char *hostdevs = g_strjoinv(" ", words + LIFE);

        (void)world_script(world, NULL, "define %s %s", vm->uuid, history_vm_names[i]);
        if (strcmp(words[STATE], "shutoff") != 0)
            (void)world_script(world, NULL, "carry-on %s %s", vm->uuid, hostdevs);
        if (strcmp(words[STATE], "paused") == 0)
            (void)world_script(world, NULL, "pause %s", vm->uuid);
    }
    if (world->connected)
        (void)world_script(world, NULL, "connect");
}

/* ------------------------------------------------------------------ the service */

static void start_service(World *world)
{
    g_autofree char *seed = g_strdup_printf("%u", world->seed * 100 + world->starts++);

    world->may_die = world->broken = false;
    g_setenv("FERRY_SCRIPT_SEED", seed, TRUE);
    fixture_start_daemon(world->fixture);
    tell_script(world);
}

static void compare_after_start(World *world)
{
    View *view;
    g_autofree char *differs = NULL;

    (void)world_script(world, NULL, "run 0");
    calls_lost(world);
    view = view_new(world);
    if (!view)
        return;
    if (world->adopts)
        calls_adopt(world, view);
    model_learn_selectors(world->model, view->model);
    differs = model_differs(world->model, view->model);
    if (differs)
        world_fail(world, "after a start of the service: %s", differs);
    view_free(view);
}

void world_restart(World *world, int signal_number)
{
    if (world->failure)
        return;
    if (signal_number == SIGTERM)
        calls_finish(world);
    watch_calls(world);
    fixture_stop_daemon(world->fixture, signal_number);
    watch_calls(world);
    start_service(world);
    compare_after_start(world);
    watch_calls(world);
}

void world_look_after_service(World *world)
{
    siginfo_t end = { .si_pid = 0 };

    if (world->failure || (!world->broken && fixture_daemon_lives(world->fixture)))
        return;
    (void)waitid(P_PID, (id_t)world->fixture->daemon_pid, &end,
                 WEXITED | WNOWAIT | (world->may_die ? 0 : WNOHANG));
    if (!world->may_die || end.si_code != CLD_KILLED || end.si_status != SIGKILL) {
        world_fail(world, "the service has ended: %s %d", end.si_code == CLD_EXITED ? "status" : "signal",
                   end.si_status);
        return;
    }
    world_say(world, "   (the service was killed there; it is started again)");
    world_restart(world, SIGKILL);
}

static void remove_states(World *world)
{
    static const char *const names[] = { "state", "run", "calls.log", "daemon.log" };

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(world->fixture->dir, names[i], NULL);

        fixture_remove_tree(path);
    }
}

World *world_new(Fixture *fixture, guint32 seed)
{
    World *world = g_new0(World, 1);
    g_autofree char *log = g_build_filename(fixture->dir, "calls.log", NULL);

    world->fixture = fixture;
    world->seed = seed;
    world->story = g_string_new(NULL);
    world->presences = g_ptr_array_new_with_free_func(g_free);
    world->recent = g_ptr_array_new_with_free_func(history_model_free);
    world->foreign = g_ptr_array_new_with_free_func(g_free);
    world->ordered = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    world->had = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    world->model = history_model_new();
    world->connected = true;
    world->highest = 1;
    fixture_stop_daemon(fixture, SIGKILL);
    remove_states(world);
    g_setenv("FERRY_SCRIPT_LOG", log, TRUE);
    for (int i = 0; i < HISTORY_VMS; i++) {
        world->vms[i].holdings = g_ptr_array_new();
        name_vm(world, i);
    }
    if (fixture->plugged->len == 0) {
        fixture->next_device_number = ++world->highest;
        fixture_plug_hub(fixture, HUB);
    }
    world->highest = 2;
    start_service(world);
    for (int i = 0; i < 2; i++)
        (void)world_script(world, NULL, "start %s", world->vms[i].uuid);
    world_settle(world);
    return world;
}

void world_free(World *world)
{
    fixture_stop_daemon(world->fixture, SIGKILL);
    if (world->call) /* it gets its answer now: none */
        world->failure = world->failure ? world->failure : g_strdup("-");
    for (guint i = 0; i < world->presences->len; i++) {
        const Presence *presence = world->presences->pdata[i];

        if (!presence->gone)
            fixture_unplug(world->fixture, presence->socket);
    }
    calls_process(world);
    for (int i = 0; i < HISTORY_VMS; i++) {
        vm_clear_holdings(&world->vms[i]);
        g_ptr_array_unref(world->vms[i].holdings);
        g_free(world->vms[i].uuid);
        g_free(world->vms[i].path);
        g_free(world->vms[i].state);
        g_free(world->vms[i].shown);
    }
    g_ptr_array_unref(world->presences);
    g_ptr_array_unref(world->recent);
    g_ptr_array_unref(world->foreign);
    history_model_free(world->model);
    history_model_free(world->adopts);
    g_hash_table_unref(world->ordered);
    g_hash_table_unref(world->had);
    g_string_free(world->story, TRUE);
    g_free(world->failure);
    g_free(world);
}

/* No program of the host has it, and the host allows it. */
static void release_to_service(World *world, Presence *presence)
{
    g_autofree char *driver = NULL;
    unsigned opens;

    if (presence->held && world_kernel(world, presence, &opens, &driver) && opens > 0)
        (void)world_script(world, NULL, "kernel opens 1 %u %u", presence->number, opens - 1);
    if (presence->blocked) {
        presence->blocked = false;
        (void)world_script(world, NULL, "kernel authorized 1 %u 1", presence->number);
        world_announce(world, presence, "change");
    }
    presence->held = false;
}

void world_calm(World *world)
{
    world_settle(world);
    world_say(world, "   (all faults are over)");
    (void)world_script(world, NULL, "die attach 0 before");
    for (int i = 0; i < HISTORY_VMS; i++) {
        const char *uuid = world->vms[i].uuid;

        (void)world_script(world, NULL, "resume %s", uuid);
        (void)world_script(world, NULL, "calm %s", uuid);
        (void)world_script(world, NULL, "let-go %s", uuid);
    }
    for (guint i = 0; i < world->presences->len; i++)
        release_to_service(world, world->presences->pdata[i]);
    (void)world_script(world, NULL, "list");
    (void)world_script(world, NULL, "loud");
    if (!world->connected)
        (void)world_script(world, NULL, "connect");
    world->connected = true;
    world_look_after_service(world);
    world_let_pass(world, REST_MS);
    world_settle(world);
}
