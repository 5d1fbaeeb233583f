/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A USB device, and what kind of thing it is: the class by which people and rules call it, from its
 * interfaces. Pure but for the device itself. */

#include "daemon/usb/device.h"
#include "daemon/base/text.h"

static const char *const device_state_names[_DEVICE_STATE_MAX] = {
    [DEVICE_STATE_HOST] = "host",
    [DEVICE_STATE_WAITING] = "waiting",
    [DEVICE_STATE_ATTACHING] = "attaching",
    [DEVICE_STATE_ATTACHED] = "attached",
    [DEVICE_STATE_DETACHING] = "detaching",
    [DEVICE_STATE_FOREIGN] = "foreign",
    [DEVICE_STATE_QUARANTINED] = "quarantined",
    [DEVICE_STATE_BLOCKED] = "blocked",
};

ENUM_TABLE_DEFINE(DeviceState, device_state, device_state_names, _DEVICE_STATE_INVALID);

Device *device_new(const char *sysname)
{
    Device *device = g_new0(Device, 1);

    device->sysname = g_strdup(sysname);
    device->syspath = g_strdup("");
    device->vendor = g_strdup("");
    device->product = g_strdup("");
    device->serial = g_strdup("");
    device->class_name = device_class_from_interfaces(0, NULL, 0);
    device->socket = g_strdup("");
    device->controller = g_strdup("");
    device->reason = g_strdup("");
    device->reason_code = "";
    return device;
}

Device *device_free(Device *device)
{
    if (!device)
        return NULL;
    g_free(device->sysname);
    g_free(device->syspath);
    g_free(device->vendor);
    g_free(device->product);
    g_free(device->serial);
    g_free(device->interfaces);
    g_free(device->socket);
    g_free(device->controller);
    g_free(device->hub);
    if (device->memberships)
        g_ptr_array_unref(device->memberships);
    g_free(device->user);
    g_strfreev(device->host_use);
    g_free(device->tenant);
    g_free(device->machine_uuid);
    g_free(device->assignment_id);
    g_free(device->reason);
    g_free(device);
    return NULL;
}

/* What an interface is there for. The roles before ROLE_OTHER have a class name of their own. */
typedef enum Role {
    ROLE_KEYBOARD,
    ROLE_MOUSE,
    ROLE_HID,
    ROLE_STORAGE,
    ROLE_VIDEO,
    ROLE_AUDIO,
    ROLE_PRINTER,
    ROLE_SMARTCARD,
    ROLE_NETWORK,
    ROLE_SERIAL,
    ROLE_BLUETOOTH,
    ROLE_HUB,
    ROLE_VENDOR,
    ROLE_COMPOSITE, /* never an interface's */
    ROLE_OTHER,
    ROLE_COMPANION, /* serves the other interfaces: firmware update, the data half of a modem */
    _ROLE_MAX,
} Role;

/* NULL at the end because device_class_names() returns it as it is. */
static const char *const class_names[] = {
    [ROLE_KEYBOARD] = "hid-keyboard",
    [ROLE_MOUSE] = "hid-mouse",
    [ROLE_HID] = "hid",
    [ROLE_STORAGE] = "storage",
    [ROLE_VIDEO] = "video",
    [ROLE_AUDIO] = "audio",
    [ROLE_PRINTER] = "printer",
    [ROLE_SMARTCARD] = "smartcard",
    [ROLE_NETWORK] = "network",
    [ROLE_SERIAL] = "serial",
    [ROLE_BLUETOOTH] = "bluetooth",
    [ROLE_HUB] = "hub",
    [ROLE_VENDOR] = "vendor",
    [ROLE_COMPOSITE] = "composite",
    [ROLE_OTHER] = "other",
    NULL,
};

/* Numbers from the class code list of usb.org. The first line that fits decides. */
#define ANY (-1)
static const struct {
    int class_code, subclass, protocol;
    Role role;
} interface_roles[] = {
    { 0x01, ANY, ANY, ROLE_AUDIO },
    { 0x02, 0x02, 0xFF, ROLE_NETWORK },  /* RNDIS, as Linux gadgets and phones announce it */
    { 0x02, 0x01, ANY, ROLE_SERIAL },    /* CDC: direct line */
    { 0x02, 0x02, ANY, ROLE_SERIAL },    /* CDC: ACM */
    { 0x02, 0x06, ANY, ROLE_NETWORK },   /* CDC: ECM */
    { 0x02, 0x07, ANY, ROLE_NETWORK },   /* CDC: ATM */
    { 0x02, 0x09, ANY, ROLE_COMPANION }, /* CDC: WDM, manages a modem */
    { 0x02, 0x0A, ANY, ROLE_NETWORK },   /* CDC: MDLM */
    { 0x02, 0x0C, ANY, ROLE_NETWORK },   /* CDC: EEM */
    { 0x02, 0x0D, ANY, ROLE_NETWORK },   /* CDC: NCM */
    { 0x02, 0x0E, ANY, ROLE_NETWORK },   /* CDC: MBIM */
    { 0x03, 0x01, 0x01, ROLE_KEYBOARD }, /* HID: boot keyboard */
    { 0x03, 0x01, 0x02, ROLE_MOUSE },    /* HID: boot mouse */
    { 0x03, ANY, ANY, ROLE_HID },        /* any other HID */
    { 0x07, ANY, ANY, ROLE_PRINTER },    /* printer */
    { 0x08, ANY, ANY, ROLE_STORAGE },    /* mass storage, BOT and UAS */
    { 0x09, ANY, ANY, ROLE_HUB },        /* hub */
    { 0x0A, ANY, ANY, ROLE_COMPANION },  /* CDC data: the other half of a 02 interface */
    { 0x0B, ANY, ANY, ROLE_SMARTCARD },  /* smart card reader */
    { 0x0E, ANY, ANY, ROLE_VIDEO },      /* video */
    { 0x10, ANY, ANY, ROLE_VIDEO },      /* audio/video */
    { 0x11, ANY, ANY, ROLE_COMPANION },  /* billboard: explains why an alternate mode failed */
    { 0xE0, 0x01, 0x03, ROLE_NETWORK },  /* RNDIS */
    { 0xE0, 0x01, ANY, ROLE_BLUETOOTH }, /* Bluetooth, AMP too */
    { 0xEF, 0x04, ANY, ROLE_NETWORK },   /* RNDIS */
    { 0xFE, 0x01, ANY, ROLE_COMPANION }, /* firmware update */
    { 0xFF, ANY, ANY, ROLE_VENDOR },     /* vendor-specific */
};

static Role interface_role(const DeviceInterface *interface)
{
    for (gsize i = 0; i < G_N_ELEMENTS(interface_roles); i++) {
        int class_code = interface_roles[i].class_code;
        int subclass = interface_roles[i].subclass;
        int protocol = interface_roles[i].protocol;

        if (class_code == interface->class_code && (subclass == ANY || subclass == interface->subclass) &&
            (protocol == ANY || protocol == interface->protocol))
            return interface_roles[i].role;
    }
    return ROLE_OTHER;
}

#define ROLE_BIT(role) (1u << (role))

/* Which roles make one thing: a device whose interfaces have the role and, of the others, none but these. In
 * this order, the first that fits names the device.
 *
 * Keyboard before mouse before the rest: who decides about a keyboard must see one. For the same reason a
 * keyboard or a mouse is never taken for a part of something else: with an interface of another kind the
 * device is "composite". Storage has no accessories at all: a stick that also types is an attack, and a modem
 * brings its driver disc along. Everything else may have buttons (plain HID), an interface for its
 * maker's own tools, and a companion. */
#define ACCESSORIES (ROLE_BIT(ROLE_HID) | ROLE_BIT(ROLE_VENDOR) | ROLE_BIT(ROLE_COMPANION))
static const struct {
    Role role;
    unsigned with;
} combinations[] = {
    { ROLE_HUB, ACCESSORIES },
    { ROLE_KEYBOARD, ROLE_BIT(ROLE_MOUSE) | ACCESSORIES },
    { ROLE_MOUSE, ACCESSORIES },
    { ROLE_STORAGE, 0 },
    { ROLE_VIDEO, ROLE_BIT(ROLE_AUDIO) | ACCESSORIES },
    { ROLE_AUDIO, ACCESSORIES },
    { ROLE_PRINTER, ACCESSORIES },
    { ROLE_SMARTCARD, ACCESSORIES },
    { ROLE_NETWORK, ROLE_BIT(ROLE_SERIAL) | ACCESSORIES }, /* a modem's control ports */
    { ROLE_SERIAL, ACCESSORIES },
    { ROLE_BLUETOOTH, ACCESSORIES },
    { ROLE_HID, ROLE_BIT(ROLE_VENDOR) | ROLE_BIT(ROLE_COMPANION) },
    { ROLE_VENDOR, ROLE_BIT(ROLE_COMPANION) },
    { ROLE_OTHER, ROLE_BIT(ROLE_COMPANION) },
    { ROLE_COMPANION, 0 },
};

const char *device_class_from_interfaces(uint8_t device_class, const DeviceInterface *interfaces,
                                         gsize n_interfaces)
{
    /* a device without a configuration has no interfaces; its own class is all there is */
    DeviceInterface whole = { .class_code = device_class };
    unsigned roles = n_interfaces == 0 ? ROLE_BIT(interface_role(&whole)) : 0;

    for (gsize i = 0; i < n_interfaces; i++)
        roles |= ROLE_BIT(interface_role(&interfaces[i]));

    for (gsize i = 0; i < G_N_ELEMENTS(combinations); i++) {
        Role role = combinations[i].role;

        if ((roles & ROLE_BIT(role)) && !(roles & ~(ROLE_BIT(role) | combinations[i].with)))
            return class_names[role == ROLE_COMPANION ? ROLE_OTHER : role];
    }
    return class_names[ROLE_COMPOSITE];
}

const char *const *device_class_names(void)
{
    return class_names;
}

unsigned device_inputs(const Device *device)
{
    unsigned inputs = 0;

    for (gsize i = 0; i < device->n_interfaces; i++) {
        Role role = interface_role(&device->interfaces[i]);

        inputs |= role == ROLE_KEYBOARD ? DEVICE_INPUT_KEYBOARD
                  : role == ROLE_MOUSE  ? DEVICE_INPUT_MOUSE
                  : role == ROLE_HID    ? DEVICE_INPUT_OTHER
                                        : 0;
    }
    return inputs;
}

char *device_label(const Device *device)
{
    if (*device->product)
        return g_strdup(device->product);
    return *device->vendor ? g_strdup(device->vendor)
                           : g_strdup_printf("%04x:%04x", device->vendor_id, device->product_id);
}

const char *device_icon(const Device *device)
{
    static const char *const icons[] = {
        [ROLE_KEYBOARD] = "input-keyboard",
        [ROLE_MOUSE] = "input-mouse",
        [ROLE_HID] = "input-gaming",
        [ROLE_STORAGE] = "drive-removable-media",
        [ROLE_VIDEO] = "camera-web",
        [ROLE_AUDIO] = "audio-card",
        [ROLE_PRINTER] = "printer",
        [ROLE_SMARTCARD] = "media-flash",
        [ROLE_NETWORK] = "network-wired",
        [ROLE_SERIAL] = "modem",
        [ROLE_BLUETOOTH] = "network-wireless",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(icons); i++)
        if (g_str_equal(device->class_name, class_names[i]))
            return icons[i];
    return DEVICE_ICON_GENERIC;
}

char *device_describe(const Device *device)
{
    const char *name = *device->product ? device->product : device->vendor;
    g_autofree char *quoted = *name ? text_quote(name) : NULL;
    char ids[] = "vvvv:pppp";

    text_put_hex(text_put_hex(ids, device->vendor_id) + 1, device->product_id);
    return g_strconcat(ids, quoted ? " " : "", quoted ? quoted : "", " (", device->sysname, ")", NULL);
}

bool device_is_instance(const Device *device, uint64_t instance)
{
    return instance && (instance == device->instance || instance == device->udev_instance);
}

void device_take_facts(Device *device, Device *newer)
{
    Device old = *device;

    *device = *newer;
    /* udev's record may have been made anew since a machine got the device by it. */
    if (old.udev_instance)
        device->udev_instance = old.udev_instance;
    /* The registry's key stays the same string; where the device is, is not a fact. */
    device->sysname = old.sysname;
    device->memberships = old.memberships;
    device->tenant = old.tenant;
    device->steady_at = old.steady_at;
    device->input_due_at = old.input_due_at;
    device->came_at = old.came_at;
    device->kernel = old.kernel;
    device->unbound = old.unbound;
    device->ours = old.ours;
    device->driverless_at_home = old.driverless_at_home;
    device->user = old.user;
    device->user_asked = old.user_asked;
    device->host_use = old.host_use;
    device->state = old.state;
    device->machine_uuid = old.machine_uuid;
    device->assignment_id = old.assignment_id;
    device->reason = old.reason;
    device->reason_code = old.reason_code;
    device->since = old.since;

    /* What was replaced goes with the newer one. */
    old.sysname = newer->sysname;
    old.memberships = newer->memberships;
    old.tenant = newer->tenant;
    old.user = newer->user;
    old.host_use = newer->host_use;
    old.machine_uuid = newer->machine_uuid;
    old.assignment_id = newer->assignment_id;
    old.reason = newer->reason;
    *newer = old;
}

bool device_is_behind(const char *sysname, const char *hub)
{
    g_autofree char *prefix = g_str_has_prefix(hub, "usb") ? g_strconcat(hub + strlen("usb"), "-", NULL)
                                                           : g_strconcat(hub, ".", NULL);

    return g_str_has_prefix(sysname, prefix);
}
