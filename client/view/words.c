/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks up what the catalogue has for a word or a code. Only texts of this file are looked up: what somebody
 * else says never is. */

#include "client/view/words.h"

#include <glib/gi18n.h>
#include <string.h>

#include "client/bus/escape.h"

static const char *const known[] = {
    /* kinds */
    N_("device"),
    N_("assignment"),
    N_("group"),
    N_("tenant"),
    N_("rule"),
    N_("service"),
    /* what explain says */
    N_("yes"),
    N_("no"),
    N_("waits"),
    N_("blocks"),
    /* what was done */
    N_("made"),
    N_("added"),
    N_("changed"),
    N_("removed"),
    N_("deleted"),
};

/* By code, as dbus/org.usbferry1.Assignment.xml has them: what is true of each, whatever the details are. */
static const struct {
    const char *code, *text;
} reasons[] = {
    { "attaching", N_("It goes to $(vm).") },
    { "suspended", N_("The assignment was stopped, or is ending.") },
    { "damaged", N_("What is stored of the assignment is damaged: $(reason)") },
    { "may-be-owned", N_("It may belong to a tenant whose stored group is damaged.") },
    { "other-device", N_("This is not the device that is meant.") },
    { "hub", N_("It is a hub; hubs are never given to VMs, the devices behind them are.") },
    { "not-owned", N_("It belongs to a tenant, and VM or assignment does not.") },
    { "not-home", N_("Several devices match, and nothing tells that this is the one that was given.") },
    { "taken", N_("Another assignment comes first.") },
    { "enough", N_("The assignment has as many devices as it is to have.") },
    { "given-back", N_("It was given back, and the assignment draws another one in its place.") },
    { "set-incomplete", N_("A set comes as a whole, and something of it is missing.") },
    { "group-disabled", N_("$(group) is disabled and gives nothing.") },
    { "switched-off", N_("usbferry is switched off and gives nothing.") },
    { "held-home",
      N_("Everything is home because usbferry-guests.service was stopped, as it is when the host shuts down.") },
    { "foreign", N_("It was given to a VM by another program; take it away there.") },
    { "number-listed",
      N_("A VM still lists the device's number for another program; take it away there, or plug the device in "
         "again.") },
    { "undecided", N_("It waits until every VM that draws from its groups has been looked at.") },
    { "hypervisor-away", N_("It waits for $(vm), which can't be seen now.") },
    { "machine-unknown", N_("The hypervisor does not know $(vm); it waits until that is there again.") },
    { "machine-unwell",
      N_("$(vm) crashed, was paused by an error or does not answer: it is with the host until that goes on.") },
    { "replugged",
      N_("It was unplugged and plugged in three times: it stays with the host until it is attached again.") },
    { "expired", N_("Its time is over, and the assignment ends.") },
    { "machine-off", N_("$(vm) is not running; it goes there when that starts.") },
    { "machine-starting", N_("$(vm) is being started; it goes there then.") },
    { "no-controller", N_("$(vm) has no USB controller.") },
    { "no-port", N_("$(vm) has no free USB port for it.") },
    { "speed", N_("No USB controller of $(vm) can have a device of its speed.") },
    { "storing", N_("The assignment is being stored.") },
    { "controller-taken", N_("A VM has the host's USB controller, which it is on, as a whole.") },
    { "unauthorized", N_("The host has not authorized the device, so nobody can use it.") },
    { "guarded", N_("It stays with the host, which uses it, unless it is forced.") },
    { "in-use", N_("A program of the host uses it; end that, or wait until it lets go.") },
    { "looked-at", N_("A program of the host looks at it now.") },
    { "resetting", N_("It is being reset and goes back then.") },
    { "quarantined", N_("It failed several times in a row and is held back for a while; usbferry retry tries "
                        "at once.") },
    { "unsteady", N_("It came back a moment ago and has to be steady for a second.") },
    { "attached", N_("It is attached to $(vm).") },
    { "host", N_("It is with the host.") },
    { "not-plugged-in", N_("It is not plugged in; it goes to $(vm) when it is.") },
    { "both-missing", N_("$(vm) is not running, and the device is not plugged in.") },
    { "none-plugged-in", N_("No device of $(group) is plugged in.") },
    { "none-free", N_("No device of $(group) is free.") },
    { "no-group", N_("The group was deleted.") },
    { "attach-failed", N_("It could not be attached to $(vm), and is tried again: $(reason)") },
    { "machine-stuck", N_("$(vm) does not answer.") },
    { "leaving", N_("Another VM has it still, and gives it back.") },
    { "shared", N_("$(vm) has it, and a program of the host uses it, too.") },
    { "reattaching", N_("It is taken out of $(vm) and put in again.") },
    { "detaching", N_("It is on its way home.") },
    { "detach-refused", N_("It could not be taken out of $(vm), and that is tried again: $(reason)") },
    { "releasing", N_("The assignment is ending.") },
    { "disabled", N_("It was taken home by detach; usbferry attach goes on.") },
    { "in-machine", N_("It is in a VM.") },
    { "dead", N_("It is dead in a VM that came out of a saved state, and is taken out.") },
    { "owned", N_("It belongs to a tenant: only that tenant's VMs can have it.") },
    { "controller-claimed",
      N_("A VM that is off takes the host's USB controller, which it is on, as a whole when it starts.") },
    { "rule-matches", N_("A rule of $(group) matches it.") },
    { "rule-disabled", N_("A rule of $(group) would match it, but is disabled.") },
    { "no-rule-matches", N_("No rule of $(group) matches it.") },
    { "in-group", N_("It is in $(group).") },
    { "not-in-group", N_("It is not in $(group).") },
    { "nothing-assigned", N_("There is no assignment for it.") },
    { "already-assigned", N_("There is such an assignment already.") },
    { "limit", N_("There are too many, or a change of it is still being stored.") },
    { "machine-on", N_("$(vm) is running.") },
};

const char *words_word(const char *word)
{
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_str_equal(known[i], word))
            return _(known[i]);
    return word;
}

/* NULL = this language has none, or is the one that the service speaks. */
static const char *find_translation(const char *text)
{
    const char *translated = _(text);

    return translated == text ? NULL : translated;
}

static const char *find_reason(const char *code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++)
        if (g_str_equal(reasons[i].code, code))
            return find_translation(reasons[i].text);
    return NULL;
}

/* ------------------------------------------------------------------ details */

static void fill_in(GString *text, const char *detail, const char *value)
{
    g_string_replace(text, detail, value, 0);
}

/* Of a device, an assignment, a VM or a group: the one that it is about. */
static const Object *find_one(const Model *model, const Object *object, ObjectKind kind, const char *property)
{
    if (!object || object->kind == kind)
        return object;
    return model_follow(model, object, property, kind);
}

static char *vm_text(const Model *model, const Object *object)
{
    const Object *machine = find_one(model, object, KIND_MACHINE, "Machine");
    g_autofree char *name = escape_text(object ? object_string(object, "MachineName") : "");

    if (machine)
        return object_describe(machine);
    return *name ? g_strdup_printf(_("VM \"%s\""), name) : g_strdup(_("its VM"));
}

static char *group_text(const Model *model, const Object *object)
{
    const Object *group = find_one(model, object, KIND_GROUP, "Group");

    return group ? object_describe(group) : g_strdup(_("its group"));
}

/* text: with details, which are filled in. The reason comes last: whatever it says stays as it is. */
static char *fill_reason(const Model *model, const Object *object, const char *text, const char *reason)
{
    GString *filled = g_string_new(text);
    g_autofree char *vm = vm_text(model, object);
    g_autofree char *group = group_text(model, object);
    const char *place = strstr(text, "$(reason)");

    if (place)
        g_string_truncate(filled, (gsize)(place - text));
    fill_in(filled, "$(group)", group);
    fill_in(filled, "$(vm)", vm);
    if (place)
        g_string_append(filled, reason);
    return g_string_free(filled, FALSE);
}

/* ------------------------------------------------------------------ sentences */

char *words_reason(const Model *model, const Object *object)
{
    const char *reason = object_string(object, "Reason");
    const char *text = *reason ? find_reason(object_string(object, "ReasonCode")) : NULL;

    return text ? fill_reason(model, object, text, reason) : g_strdup(reason);
}

char *words_line(const Model *model, const Object *object, const char *code, const char *text)
{
    const char *translated = find_reason(code);

    if (!translated)
        return g_strdup(text);
    g_autofree char *reason = fill_reason(model, object, translated, text);
    if (!object || object->kind == KIND_GROUP || object->kind == KIND_TENANT)
        return g_steal_pointer(&reason);
    g_autofree char *name = object_describe(object);
    return g_strdup_printf("%s: %s", name, reason);
}

char *words_change(const Model *model, const char *change, const Object *device, const Object *assignment,
                   const char *text)
{
    static const struct {
        const char *change, *text;
    } changes[] = {
        { "joins", N_("$(device) joins the group") },
        { "leaves", N_("$(device) leaves the group") },
        { "gets", N_("$(vm) gets $(device)") },
        { "loses", N_("$(vm) loses $(device)") },
    };
    const char *translated = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(changes); i++)
        if (g_str_equal(changes[i].change, change))
            translated = find_translation(changes[i].text);
    if (!translated || !device)
        return g_strdup(text);

    GString *filled = g_string_new(translated);
    g_autofree char *vm = vm_text(model, assignment);
    g_autofree char *what = object_describe(device);
    const char *vm_at = strstr(translated, "$(vm)"), *device_at = strstr(translated, "$(device)");
    /* names may look like details: the one that stands behind is filled in first */
    bool vm_last = vm_at && device_at && vm_at > device_at;
    g_string_replace(filled, vm_last ? "$(vm)" : "$(device)", vm_last ? vm : what, 1);
    g_string_replace(filled, vm_last ? "$(device)" : "$(vm)", vm_last ? what : vm, 1);
    return g_string_free(filled, FALSE);
}
