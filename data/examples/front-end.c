/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole front end for usbferry: front-end [give DEVICE VM | take DEVICE]. Alone it shows which device is
 * where, and every change of that, until it is ended. org.usbferry1(5) has the interface; proxies are made of
 * its XML:
 *
 *     gdbus-codegen --interface-prefix org.usbferry1. --c-namespace Ferry --glib-min-required 2.64 \
 *         --c-generate-object-manager --c-generate-autocleanup all --generate-c-code ferry \
 *         /usr/share/dbus-1/interfaces/org.usbferry1.*.xml
 *     cc -o front-end *.c $(pkg-config --cflags --libs gio-unix-2.0) */

#include <stdio.h>
#include <stdlib.h>

#include "ferry.h"

/* Where the service is; flags and time of a call: somebody may have to type a password for it. */
#define ROOT G_BUS_TYPE_SYSTEM, 0, "org.usbferry1", "/org/usbferry1", NULL
#define ASK  G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, G_MAXINT

static GDBusObjectManager *objects; /* the service's, as its signals keep them: no property is asked for */
static FerryManager *manager;
static GError *error; /* of the last call */

static void stop(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(EXIT_FAILURE);
}

/* What was refused: the error's name is for programs, its text for people. */
static void need(gboolean ok)
{
    if (ok)
        return;
    g_dbus_error_strip_remote_error(error);
    stop(error->message);
}

static void show(GDBusObjectManager *from, FerryObject *object)
{
    FerryDevice *device = ferry_object_peek_device(object);
    FerryAssignment *one = ferry_object_peek_assignment(object);
    FerryResourceGroup *group = ferry_object_peek_resource_group(object);

    if (device && !ferry_device_get_is_hub(device)) {
        g_autoptr(GDBusObject) vm =
            g_dbus_object_manager_get_object(objects, ferry_device_get_machine(device));
        g_autofree char *uses = g_strjoinv(", ", (char **)ferry_device_get_host_use(device));
        g_print("device %s %s: %s [%s] [%s] %s\n", ferry_device_get_sys_name(device),
                ferry_device_get_label(device), ferry_device_get_state(device),
                vm ? ferry_machine_get_name(ferry_object_peek_machine(FERRY_OBJECT(vm))) : "", uses,
                ferry_device_get_reason(device));
    } else if (one)
        g_print("assignment %s: %s, %u of %u: %s\n", ferry_assignment_get_name(one),
                ferry_assignment_get_state(one), ferry_assignment_get_has(one),
                ferry_assignment_get_wanted(one), ferry_assignment_get_reason(one));
    else if (group)
        g_print("group %s: %u of %u free\n", ferry_resource_group_get_name(group),
                ferry_resource_group_get_free(group), ferry_resource_group_get_total(group));
}

static void gone(GDBusObjectManager *from, GDBusObject *object)
{
    g_print("gone %s\n", g_dbus_object_get_object_path(object));
}

static void notice(FerryManager *from, const char *kind, const char *subject, const char *text)
{
    g_print("notice %s: %s\n", kind, text);
}

static void follow(void)
{
    g_signal_connect(objects, "object-added", G_CALLBACK(show), NULL);
    g_signal_connect(objects, "interface-proxy-properties-changed", G_CALLBACK(show), NULL);
    g_signal_connect(objects, "object-removed", G_CALLBACK(gone), NULL);
    g_signal_connect(manager, "notice", G_CALLBACK(notice), NULL);
    for (GList *one = g_dbus_object_manager_get_objects(objects); one; one = one->next)
        show(objects, one->data);
    g_print("ready\n");
    g_main_loop_run(g_main_loop_new(NULL, FALSE));
}

/* What stands in the way; with the name of an error it refuses it, else it comes later. */
static void look_first(const char *answer, GVariant *obstacles)
{
    gboolean refused = g_str_equal(answer, "no");

    for (gsize i = 0; i < g_variant_n_children(obstacles); i++) {
        g_autoptr(GVariant) obstacle = g_variant_get_child_value(obstacles, i);
        const char *code = "", *text = "", *name = "";
        g_variant_lookup(obstacle, "Code", "&s", &code);
        g_variant_lookup(obstacle, "Text", "&s", &text);
        g_variant_lookup(obstacle, "Error", "&s", &name);
        g_print("%s: %s\n", code, text);
        refused |= *name != '\0';
    }
    if (refused)
        stop("it would be refused");
}

static void give(const char *device, const char *vm)
{
    g_autoptr(GVariant) none = g_variant_ref_sink(g_variant_new("a{sv}", NULL)), obstacles = NULL;
    g_autofree char *path = NULL, *machine = NULL, *answer = NULL, *given = NULL;

    need(ferry_manager_call_get_device_sync(manager, device, ASK, &path, NULL, &error) &&
         ferry_manager_call_get_machine_sync(manager, vm, ASK, &machine, NULL, &error) &&
         ferry_manager_call_check_assign_sync(manager, (const char *const[]){ path, NULL }, machine, none,
                                              ASK, &answer, &obstacles, NULL, &error));
    look_first(answer, obstacles);
    need(ferry_manager_call_assign_sync(manager, path, machine, none, ASK, &given, NULL, &error));
    g_print("given: %s\n", given);
}

static void take(const char *device)
{
    g_autoptr(GVariant) none = g_variant_ref_sink(g_variant_new("a{sv}", NULL)), obstacles = NULL;
    g_autofree char *path = NULL, *answer = NULL;

    need(ferry_manager_call_get_device_sync(manager, device, ASK, &path, NULL, &error));
    g_autoptr(GDBusObject) object = g_dbus_object_manager_get_object(objects, path);
    const char *owner =
        object ? ferry_device_get_assignment(ferry_object_peek_device(FERRY_OBJECT(object))) : "/";
    g_autoptr(GDBusObject) assignment = g_dbus_object_manager_get_object(objects, owner);
    if (!assignment)
        stop("it is on the host already");
    need(ferry_manager_call_check_release_sync(manager, owner, path, none, ASK, &answer, &obstacles, NULL,
                                               &error));
    look_first(answer, obstacles);
    need(ferry_assignment_call_release_device_sync(ferry_object_peek_assignment(FERRY_OBJECT(assignment)),
                                                   path, none, ASK, NULL, &error));
    g_print("taken: %s\n", g_dbus_object_get_object_path(assignment));
}

int main(int argc, char **argv)
{
    gboolean gives = argc == 4 && g_str_equal(argv[1], "give"),
             takes = argc == 3 && g_str_equal(argv[1], "take");

    if (argc > 1 && !gives && !takes) {
        puts("front-end [give DEVICE VM | take DEVICE]");
        return g_str_equal(argv[1], "--help") ? 0 : 2;
    }
    need((manager = ferry_manager_proxy_new_for_bus_sync(ROOT, &error)) &&
         (objects = ferry_object_manager_client_new_for_bus_sync(ROOT, &error)));
    if (gives)
        give(argv[2], argv[3]);
    else if (takes)
        take(argv[2]);
    else
        follow();
    return 0;
}
