/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* take: ends assignments, one by one or all of a VM or of the service, and waits until the devices are home.
 */

#include "client/verbs/take.h"

#include <glib/gi18n.h>

#include <stdio.h>

#include "client/bus/call.h"
#include "client/bus/escape.h"
#include "client/bus/follow.h"
#include "client/verbs/options.h"
#include "client/verbs/target.h"
#include "client/verbs/wait-report.h"
#include "client/verbs/wait.h"
#include "client/view/failure.h"
#include "client/view/json.h"
#include "dbus/names.h"

typedef sd_bus_message *Send(Client *client, sd_bus_message *call, GError **error);

/* A method whose one parameter is options, with one of them or (NULL) none: Release of an assignment,
 * ReleaseAll of a machine or the manager. */
static bool order(Client *client, const char *path, const char *interface, const char *member,
                  const char *option, Send *send, GError **error)
{
    g_autoptr(sd_bus_message) call = client_new_call(client, path, interface, member, error);
    int r = 0;
    if (call)
        r = option ? sd_bus_message_append(call, "a{sv}", 1, option, "b", 1)
                   : sd_bus_message_append(call, "a{sv}", 0);
    if (r < 0)
        g_propagate_error(error, error_from_bus(NULL, r));
    g_autoptr(sd_bus_message) reply = call && r >= 0 ? send(client, call, error) : NULL;

    return reply;
}

static bool is_refused(const GError *error)
{
    return g_error_matches(error, CLIENT_ERROR, OUTCOME_DENIED);
}

static bool is_detached(const Object *assignment)
{
    return g_str_equal(object_string(assignment, "State"), "disabled");
}

/* True also when it is detached already. */
static bool detach_quietly(Client *client, const Object *assignment)
{
    g_autoptr(sd_bus_message) call =
        is_detached(assignment)
            ? NULL
            : client_new_call(client, assignment->path, FERRY_INTERFACE_ASSIGNMENT, "Detach", NULL);
    g_autoptr(sd_bus_message) reply = call ? client_change_quietly(client, call, NULL) : NULL;

    return reply || is_detached(assignment);
}

/* Ends the assignment; of others, who may not do that takes the device home and leaves the assignment. Nobody
 * is asked for a password for either: DENIED then. */
static bool take_quietly(Client *client, const Model *model, const Object *assignment, GPtrArray *items,
                         GError **error)
{
    g_autoptr(GError) local = NULL;

    /* that it is on its way out already is what was wanted */
    if (order(client, assignment->path, FERRY_INTERFACE_ASSIGNMENT, "Release", NULL, client_change_quietly,
              &local) ||
        error_is_named(local, "NoSuchAssignment")) {
        wait_list_add(items, model, assignment->path);
        return true;
    }
    if (is_refused(local) && detach_quietly(client, assignment)) {
        wait_list_add_kept(items, model, assignment->path);
        return true;
    }
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* One that is detached already was named to be ended. */
static bool take_assignment(Client *client, const Model *model, const Object *assignment, GPtrArray *items,
                            GError **error)
{
    g_autoptr(GError) local = NULL;

    if (!is_detached(assignment)) {
        if (take_quietly(client, model, assignment, items, &local))
            return true;
        if (!is_refused(local)) {
            g_propagate_error(error, g_steal_pointer(&local));
            return false;
        }
    }
    if (!order(client, assignment->path, FERRY_INTERFACE_ASSIGNMENT, "Release", NULL, client_change, error))
        return false;
    wait_list_add(items, model, assignment->path);
    return true;
}

/* Those of the machine; NULL = all. New array of Object, borrowed. */
static GPtrArray *assignments_of(const Model *model, const Object *machine)
{
    g_autoptr(GPtrArray) all = model_sorted(model, KIND_ASSIGNMENT);
    GPtrArray *assignments = g_ptr_array_new();

    for (guint i = 0; i < all->len; i++)
        if (!machine || g_str_equal(object_string(all->pdata[i], "Machine"), machine->path))
            g_ptr_array_add(assignments, all->pdata[i]);
    return assignments;
}

/* All of the machine, or with NULL all there are: by one call, or, where one's own right doesn't reach that
 * far, each as far as it does. Who can do neither is asked, once. */
static bool take_all(Client *client, const Model *model, const Object *machine, GPtrArray *items,
                     GError **error)
{
    const char *path = machine ? machine->path : FERRY_PATH_ROOT;
    const char *interface = machine ? FERRY_INTERFACE_MACHINE : FERRY_INTERFACE_MANAGER;
    g_autoptr(GPtrArray) assignments = assignments_of(model, machine);
    g_autoptr(GError) local = NULL;
    bool done = order(client, path, interface, "ReleaseAll", NULL, client_change_quietly, &local);

    if (!done && is_refused(local)) {
        g_clear_error(&local);
        done = true;
        for (guint i = 0; done && i < assignments->len; i++)
            done = take_quietly(client, model, assignments->pdata[i], items, &local);
    }
    if (!done && is_refused(local)) {
        g_clear_error(&local);
        done = order(client, path, interface, "ReleaseAll", NULL, client_change, &local);
    }
    if (!done) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    for (guint i = 0; i < assignments->len; i++)
        wait_list_add(items, model, ((const Object *)assignments->pdata[i])->path);
    return true;
}

/* ------------------------------------------------------------------ and start */

/* Both rights are asked for before anything is done, so it is one call: the machine starts without the
 * device. */
static bool take_and_start(Client *client, const Model *model, const Object *assignment, GPtrArray *items,
                           GError **error)
{
    if (!order(client, assignment->path, FERRY_INTERFACE_ASSIGNMENT, "Release", "StartMachine", client_change,
               error))
        return false;
    wait_list_add(items, model, assignment->path);
    return true;
}

static bool is_off(const Model *model, const char *machine)
{
    const Object *object = model_get(model, machine, KIND_MACHINE);

    return object && g_str_equal(object_string(object, "State"), "shutoff");
}

/* How the start goes that was ordered: to order it again joins it. Who would be asked for a password a second
 * time isn't. */
static Outcome tell_started(Client *client, const Model *model, const char *path)
{
    const Object *machine = model_get(model, path, KIND_MACHINE);
    g_autofree char *what = machine ? object_describe(machine) : NULL;
    g_autoptr(GError) error = NULL;
    bool runs = order(client, path, FERRY_INTERFACE_MACHINE, "Start", NULL, client_change_quietly, &error);

    if (!runs && !is_refused(error)) {
        failure_print(client, error);
        return (Outcome)error->code;
    }
    if (what && !client->json)
        printf(runs ? _("%s is started.\n") : _("%s is being started.\n"), what);
    return OUTCOME_DONE;
}

/* ------------------------------------------------------------------ what is meant */

/* One thing to be taken, found before anything is. */
typedef struct Wanted {
    const Object *device;     /* NULL = an assignment or a VM was named */
    const Object *assignment; /* NULL = the device is at home already, or all of a VM is meant */
    const Object *machine;    /* NULL = not all of a VM */
    bool alone;               /* the device only, of several that the assignment has */
    bool starts;              /* its machine is to start when this is taken, and it is off */
} Wanted;

/* To take home what is at home is no error: that is what was wanted. */
static bool is_at_home(const Object *object)
{
    return object->kind == KIND_DEVICE && g_str_equal(object_string(object, "State"), "host");
}

/* "DEVICE… VM" means these, from this VM. False with an error when it is another one that has it. */
static bool check_from(const Model *model, const Wanted *wanted, const Object *from, GError **error)
{
    if (!wanted->assignment || g_str_equal(object_string(wanted->assignment, "Machine"), from->path))
        return true;

    const Object *machine = model_follow(model, wanted->assignment, "Machine", KIND_MACHINE);
    g_autofree char *what = object_describe(wanted->device ?: wanted->assignment);
    g_autofree char *here = object_describe(from);
    g_autofree char *there = machine ? object_describe(machine) : g_strdup(_("another VM"));
    error_set(error, "NoSuchAssignment", _("%s is given to %s, not to %s"), what, there, here);
    return false;
}

static bool find_wanted(Client *client, const Model *model, const char *word, Wanted *ret_wanted,
                        GError **error)
{
    const Object *object = target_find(client, model, TARGET_GIVEN, word, error);
    if (!object)
        return false;

    *ret_wanted = (Wanted){ .machine = object->kind == KIND_MACHINE ? object : NULL,
                            .device = object->kind == KIND_DEVICE ? object : NULL };
    if (object->kind == KIND_MACHINE || is_at_home(object))
        return true;
    ret_wanted->assignment = target_find_assignment(client, model, object->path, error);
    return ret_wanted->assignment;
}

static bool is_wanted(const GArray *all, const Object *object)
{
    for (guint i = 0; i < all->len; i++) {
        const Wanted *one = &g_array_index(all, Wanted, i);
        if (one->device == object || (!one->device && one->assignment == object))
            return true;
    }
    return false;
}

/* Of a number of devices it can give one back; of a set, or of all there are, none goes alone. */
static bool can_go_alone(const Object *assignment)
{
    return g_ascii_isdigit(*object_string(assignment, "Quantity"));
}

/* A device of several is not to take the others with it: it goes alone, or they are to be named as well, or
 * the assignment. */
static bool check_whole(const Model *model, const GArray *all, Wanted *wanted, GError **error)
{
    static const char *const there[] = { "waiting", "attaching", "attached", NULL };
    g_autoptr(GPtrArray) devices = model_sorted(model, KIND_DEVICE);
    g_autoptr(GString) others = g_string_new(NULL);

    if (!wanted->device || !wanted->assignment || is_wanted(all, wanted->assignment))
        return true;
    for (guint i = 0; i < devices->len; i++) {
        const Object *device = devices->pdata[i];

        if (!g_str_equal(object_string(device, "Assignment"), wanted->assignment->path) ||
            !g_strv_contains(there, object_string(device, "State")) || is_wanted(all, device))
            continue;
        g_autofree char *text = object_describe(device);
        g_string_append_printf(others, "\n  %s", text);
    }
    if (others->len == 0)
        return true;
    wanted->alone = can_go_alone(wanted->assignment);
    if (wanted->alone)
        return true;

    g_autofree char *what = object_describe(wanted->device);
    g_autofree char *name = object_describe(wanted->assignment);
    error_set(
        error, "DeviceInUse",
        _("%s is one of several that %s has; to end it as a whole, take that assignment. It also has:%s"),
        what, name, others->str);
    return false;
}

/* Where a VM comes last and something else first it says from where: it must not mean all that the VM has. */
static const Object *split_from(GArray *all, GError **error)
{
    guint n_machines = 0;
    const Object *last = all->len > 0 ? g_array_index(all, Wanted, all->len - 1).machine : NULL;

    for (guint i = 0; i < all->len; i++)
        n_machines += g_array_index(all, Wanted, i).machine != NULL;
    if (n_machines == 0 || n_machines == all->len)
        return NULL;
    if (n_machines > 1 || !last) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                    _("name devices and then the one VM that has them, or nothing but VMs, "
                      "to take all that they have"));
        return NULL;
    }
    g_array_set_size(all, all->len - 1);
    return last;
}

/* Tells an error; the first one decides how it all ends. */
static void tell_first(const Client *client, bool *good, Outcome *outcome, const GError *error)
{
    failure_print(client, error);
    if (*good)
        *outcome = (Outcome)error->code;
    *good = false;
}

/* All that the words mean. Each word that means nothing is told; NULL then, and nothing may be done. */
static GArray *find_all(Client *client, const Model *model, char **words, Outcome *ret_outcome)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Wanted));
    bool good = true;

    for (char **word = words; *word; word++) {
        g_autoptr(GError) error = NULL;
        Wanted wanted;
        if (find_wanted(client, model, *word, &wanted, &error)) {
            if (!wanted.device || !is_wanted(all, wanted.device)) /* named twice */
                g_array_append_val(all, wanted);
            continue;
        }
        tell_first(client, &good, ret_outcome, error);
    }
    if (!good)
        return NULL;

    g_autoptr(GError) error = NULL;
    const Object *from = split_from(all, &error);
    if (error)
        tell_first(client, &good, ret_outcome, error);
    for (guint i = 0; good && i < all->len; i++) {
        Wanted *wanted = &g_array_index(all, Wanted, i);
        if ((from && !check_from(model, wanted, from, &error)) || !check_whole(model, all, wanted, &error))
            tell_first(client, &good, ret_outcome, error);
    }
    return good ? g_steal_pointer(&all) : NULL;
}

static bool take_alone(Client *client, const Model *model, const Wanted *wanted, GPtrArray *items,
                       GError **error)
{
    g_autoptr(GVariant) reply =
        call_change(client, wanted->assignment->path, FERRY_INTERFACE_ASSIGNMENT, "ReleaseDevice",
                    g_variant_new_parsed("(%o, @a{sv} {})", wanted->device->path), "()", error);

    if (reply)
        wait_list_add_alone(items, model, wanted->device);
    return reply;
}

static bool take_wanted(Client *client, const Model *model, const Wanted *wanted, GPtrArray *items,
                        GPtrArray *started, GError **error)
{
    const char *machine = wanted->assignment ? object_string(wanted->assignment, "Machine") : NULL;

    if (wanted->machine)
        return take_all(client, model, wanted->machine, items, error);
    if (!wanted->assignment) {
        wait_list_add_home(items, wanted->device);
        return true;
    }
    if (wanted->alone)
        return take_alone(client, model, wanted, items, error);
    if (wanted->starts && is_off(model, machine)) {
        if (!take_and_start(client, model, wanted->assignment, items, error))
            return false;
        g_ptr_array_add(started, g_strdup(machine));
        return true;
    }
    return wait_list_has(items, wanted->assignment->path) || /* named twice in one line */
           take_assignment(client, model, wanted->assignment, items, error);
}

/* Named before, in other words or the same. */
static bool is_again(const GArray *all, guint index)
{
    const Wanted *wanted = &g_array_index(all, Wanted, index);

    for (guint i = 0; i < index; i++)
        if (g_array_index(all, Wanted, i).assignment == wanted->assignment)
            return true;
    return false;
}

/* With the last that is taken of each VM, so that it starts without all of them. */
static bool choose_starts(GArray *all, GError **error)
{
    g_autoptr(GHashTable) chosen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = all->len; i > 0; i--) {
        Wanted *wanted = &g_array_index(all, Wanted, i - 1);

        if (wanted->machine) {
            g_autofree char *what = object_describe(wanted->machine);

            g_set_error(
                error, CLIENT_ERROR, OUTCOME_USAGE,
                _("--start is for devices and assignments; to take all that %s has, and start it, use "
                  "usbferry take and usbferry start"),
                what);
            return false;
        }
        if (wanted->assignment && !is_again(all, i - 1))
            wanted->starts = g_hash_table_add(chosen, (void *)object_string(wanted->assignment, "Machine"));
    }
    return true;
}

/* What stays there is no reason to start it. */
static void cancel_start(GArray *all, const Wanted *failed)
{
    for (guint i = 0; failed->assignment && i < all->len; i++) {
        Wanted *wanted = &g_array_index(all, Wanted, i);

        if (wanted->assignment && g_str_equal(object_string(wanted->assignment, "Machine"),
                                              object_string(failed->assignment, "Machine")))
            wanted->starts = false;
    }
}

/* All words are good before the first of them is acted on. started: gets the VMs that were off and are to
 * start; NULL = none is to. */
static Outcome take_words(Client *client, const Model *model, char **words, GPtrArray *items,
                          GPtrArray *started)
{
    Outcome outcome = OUTCOME_DONE;
    g_autoptr(GArray) all = find_all(client, model, words, &outcome);
    g_autoptr(GError) refused = NULL;

    if (all && started && !choose_starts(all, &refused)) {
        failure_print(client, refused);
        return (Outcome)refused->code;
    }

    for (guint i = 0; all && i < all->len; i++) {
        g_autoptr(GError) error = NULL;
        if (take_wanted(client, model, &g_array_index(all, Wanted, i), items, started, &error))
            continue;
        failure_print(client, error);
        cancel_start(all, &g_array_index(all, Wanted, i));
        if (outcome == OUTCOME_DONE)
            outcome = (Outcome)error->code;
    }
    return outcome;
}

/* Words that led to nothing, and to no error, are VMs. */
static void print_nothing(char **words)
{
    g_autofree char *all = g_strjoinv(", ", words);
    g_autofree char *escaped = escape_text(all);

    if (*words)
        printf(_("Nothing was given to %s.\n"), escaped);
    else
        puts(_("Nothing was given to any VM."));
}

static Outcome take(Client *client, char **words, GError **error)
{
    gboolean all = FALSE, start = FALSE;
    WaitOptions wait = WAIT_OPTIONS_DEFAULT;
    const GOptionEntry entries[] = {
        { "all", 0, 0, G_OPTION_ARG_NONE, &all, N_("Take everything home, from every VM"), NULL },
        { "start", 0, 0, G_OPTION_ARG_NONE, &start, N_("Start the VM without it when it is off"), NULL },
        WAIT_OPTION_ENTRIES(wait),
        { 0 },
    };
    Outcome outcome = OUTCOME_DONE;

    g_auto(GStrv) rest = options_parse(
        client, words, entries,
        _("DEVICE… VM takes just these from this VM. A VM alone means all that it has.\n"), 0, -1, error);
    if (!rest || !wait_options_check(&wait, error))
        return OUTCOME_USAGE;
    if (!all != (rest[0] != NULL)) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE,
                    _("say what to take, or --all; see usbferry take --help"));
        return OUTCOME_USAGE;
    }
    if (all && start) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_USAGE, _("--all starts nothing: leave --start out"));
        return OUTCOME_USAGE;
    }

    g_autoptr(Follow) follow = follow_new(client, NULL, NULL, error);
    if (!follow || !follow_fetch(follow, error))
        return OUTCOME_FAILED;

    g_autoptr(GPtrArray) items = wait_list_new();
    g_autoptr(GPtrArray) started = g_ptr_array_new_with_free_func(g_free);
    if (all && !take_all(client, follow_model(follow), /* machine= */ NULL, items, error))
        return OUTCOME_FAILED;
    if (!all)
        outcome = take_words(client, follow_model(follow), rest, items, start ? started : NULL);

    if (items->len > 0 && (!follow_fetch(follow, error) ||
                           !wait_for(follow, WAIT_RELEASED, items, (unsigned)wait.seconds, error)))
        return OUTCOME_FAILED;
    if (items->len == 0 && outcome == OUTCOME_DONE && !client->json)
        print_nothing(rest);
    Outcome waited = wait_report(client, follow_model(follow), WAIT_RELEASED, items, (unsigned)wait.seconds);
    for (guint i = 0; wait.seconds > 0 && i < started->len; i++) {
        Outcome told = tell_started(client, follow_model(follow), started->pdata[i]);
        if (waited == OUTCOME_DONE)
            waited = told;
    }
    return outcome != OUTCOME_DONE ? outcome : waited;
}

const Verb verb_take = { "take", "DEVICE|ASSIGNMENT… [VM] | VM…",
                         N_("Takes devices home and ends their assignments"), take };
