/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of physical ports, from sysfs.
 *
 * What a controller with two root hubs looks like; a device on bus 4 hangs on the same connector as one on
 * bus 3 when their ports are peers:
 *
 *     0000:00:14.0/usb3/3-0:1.0/usb3-port5/peer -> ../../../usb4/4-0:1.0/usb4-port1
 *                      /3-5/3-5:1.0/3-5-port2/peer -> ../../../../usb4/4-1/4-1:1.0/4-1-port2
 *                          /3-5.2
 *     0000:00:14.0/usb4/4-0:1.0/usb4-port1/peer -> ...
 *                      /4-1/4-1:1.0/4-1-port2/peer -> ...
 *                          /4-1.2                        also "pci-0000:00:14.0/5.2"
 *
 * Only names are read from the links, so that this works on any copy of such a tree. */

#include <string.h>

#include "daemon/usb/socket.h"

#include <glib.h>

/* Mbit/s: the slowest bus that counts as SuperSpeed. */
#define SUPERSPEED 5000

#define ROOT_HUB_PREFIX "usb"

/* The trimmed text of an attribute, NULL when it can't be read. */
static char *read_attribute(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? g_strstrip(text) : NULL;
}

/* The last part of where a link leads, NULL when there is none. */
static char *read_link_name(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *target = g_file_read_link(path, NULL);

    return target ? g_path_get_basename(target) : NULL;
}

static bool is_root_hub(const char *sysname)
{
    return g_str_has_prefix(sysname, ROOT_HUB_PREFIX);
}

/* "1.2" of "3-1.2"; "" for a root hub. */
static const char *sysname_chain(const char *sysname)
{
    const char *dash = is_root_hub(sysname) ? NULL : strchr(sysname, '-');

    return dash ? dash + 1 : "";
}

static char *extend_chain(const char *chain, const char *port)
{
    return g_strdup_printf("%s%s%s", chain, *chain ? "." : "", port);
}

/* The folder of the root hub that a device hangs on. NULL when the path has none. */
static char *root_hub_of(const char *syspath)
{
    g_autofree char *folder = g_strdup(syspath);

    for (;;) {
        g_autofree char *name = g_path_get_basename(folder);
        char *parent;

        if (is_root_hub(name))
            return g_steal_pointer(&folder);
        if (!strchr(name, '-'))
            return NULL;
        parent = g_path_get_dirname(folder);
        g_free(folder);
        folder = parent;
    }
}

/* "3-5:1.0", the folder of a hub's only interface. Its number of configuration is not asked for by
 * bConfigurationValue: there the kernel waits while the hub is being reset, or looks after one of its ports.
 */
static char *hub_interface(const char *hub_path, const char *hub)
{
    g_autofree char *prefix = g_strconcat(hub, ":", NULL);
    g_autoptr(GDir) folder = g_dir_open(hub_path, 0, NULL);
    const char *name;

    if (is_root_hub(hub))
        return g_strdup_printf("%s-0:1.0", hub + strlen(ROOT_HUB_PREFIX));
    while (folder && (name = g_dir_read_name(folder)))
        if (g_str_has_prefix(name, prefix) && g_str_has_suffix(name, ".0"))
            return g_strdup(name);
    return g_strconcat(prefix, "1.0", NULL);
}

/* The folder of the port that a device is plugged into. The device's own "port" link leads there as well, but
 * the kernel makes it after it has announced the device. */
static char *port_folder(const char *hub_path, const char *port)
{
    g_autofree char *hub = g_path_get_basename(hub_path);
    g_autofree char *interface = hub_interface(hub_path, hub);
    g_autofree char *name = g_strdup_printf("%s-port%s", hub, port);

    return g_build_filename(hub_path, interface, name, NULL);
}

/* The chain of the other half of this connector, NULL when the kernel knows none. */
static char *peer_chain(const char *port_path)
{
    g_autofree char *peer = read_link_name(port_path, "peer"); /* "usb3-port5", "3-5-port2" */
    char *port = peer ? g_strrstr(peer, "-port") : NULL;

    if (!port)
        return NULL;
    *port = '\0';
    return extend_chain(sysname_chain(peer), port + strlen("-port"));
}

/* True when the firmware has described this port: then the kernel pairs it by that, or not at all. */
static bool is_described(const char *port_path)
{
    g_autofree char *location = read_attribute(port_path, "location"); /* "0x00000000" = no */

    return location && g_ascii_strtoull(location, NULL, 16) != 0;
}

/* The connector of a device on a SuperSpeed bus. */
static char *superspeed_chain(const char *syspath)
{
    g_autofree char *sysname = g_path_get_basename(syspath);
    g_autofree char *hub_path = g_path_get_dirname(syspath), *hub = g_path_get_basename(hub_path);
    const char *chain = sysname_chain(sysname), *dot = strrchr(chain, '.');
    const char *port = dot ? dot + 1 : chain;
    g_autofree char *port_path = port_folder(hub_path, port);
    g_autofree char *peer = peer_chain(port_path), *hub_chain = NULL;

    if (peer)
        return g_steal_pointer(&peer);
    if (is_root_hub(hub) || is_described(port_path))
        return g_strconcat(SOCKET_SUPERSPEED_PREFIX, chain, NULL);

    /* The ports of a plugged hub are paired by number once both of its halves are there. The name must be
     * the same before. */
    hub_chain = superspeed_chain(hub_path);
    return extend_chain(hub_chain, port);
}

/* Whether this is how PCI devices are called: "0000:00:14.0". */
static bool looks_like_pci(const char *name)
{
    return g_regex_match_simple("^[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]$", name, 0, 0);
}

/* "pci-0000:00:14.0" */
static char *controller_name(const char *controller_path, const char *controller)
{
    g_autofree char *subsystem = read_link_name(controller_path, "subsystem");
    g_autofree char *name = NULL;

    /* a copy of a tree may have no such links */
    if (!subsystem)
        subsystem = g_strdup(looks_like_pci(controller) ? "pci" : "platform");
    name = g_strdup_printf("%s-%s", subsystem, controller);
    return g_strdup(g_strcanon(name, SOCKET_CONTROLLER_CHARACTERS, '_'));
}

char *socket_port_folders(const char *syspath)
{
    g_autofree char *sysname = g_path_get_basename(syspath), *hub_path = g_path_get_dirname(syspath);
    const char *chain = sysname_chain(sysname), *dot = strrchr(chain, '.');
    g_autofree char *port_path = port_folder(hub_path, dot ? dot + 1 : chain);
    g_autofree char *link = g_build_filename(port_path, "peer", NULL);
    g_autofree char *target = g_file_read_link(link, NULL);
    g_autofree char *peer = target ? g_canonicalize_filename(target, port_path) : NULL;

    return g_strjoin("\n", port_path, peer, NULL);
}

char *socket_port_child(const char *folder)
{
    g_autofree char *hub = g_path_get_basename(folder); /* "usb3-port5", "3-5-port2" */
    char *port = g_strrstr(hub, "-port");

    if (!port)
        return NULL;
    *port = '\0';
    port += strlen("-port");
    return is_root_hub(hub) ? g_strdup_printf("%s-%s", hub + strlen(ROOT_HUB_PREFIX), port)
                            : g_strdup_printf("%s.%s", hub, port);
}

bool socket_is_port_folder(const char *folder)
{
    g_autofree char *canonical = g_canonicalize_filename(folder, "/");

    return strcmp(canonical, folder) == 0 &&
           g_regex_match_simple("^/sys/devices/.+/usb[0-9]+/.+-port[0-9]+\\z", folder, 0, 0);
}

bool socket_read(const char *syspath, char **ret_socket, char **ret_controller)
{
    g_autofree char *root_path = root_hub_of(syspath), *speed = NULL;
    g_autofree char *controller_path = NULL, *controller = NULL, *prefix = NULL;
    g_autofree char *sysname = g_path_get_basename(syspath), *chain = NULL;

    if (!root_path || !g_file_test(syspath, G_FILE_TEST_IS_DIR))
        return false;
    controller_path = g_path_get_dirname(root_path);
    controller = g_path_get_basename(controller_path);
    prefix = controller_name(controller_path, controller);

    speed = read_attribute(root_path, "speed");
    if (!is_root_hub(sysname) && speed && g_ascii_strtoull(speed, NULL, 10) >= SUPERSPEED)
        chain = superspeed_chain(syspath);
    else
        chain = g_strdup(sysname_chain(sysname));

    *ret_socket = g_strdup_printf("%s/%s", prefix, chain);
    *ret_controller = g_steal_pointer(&controller);
    return true;
}
