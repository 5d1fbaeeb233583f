/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The service of the client's unit tests. Its texts say what the tests look for; its types are those of
 * dbus/. */

#include "tests/unit/client/fixture.h"

#include <stdio.h>
#include <stdlib.h>

static const char managed[] =
    "@a{oa{sa{sv}}} {"
    " '/org/usbferry1': {'org.usbferry1.Manager': {'Node': <'desk'>, 'HypervisorState': <'connected'>,"
    "                    'Enabled': <true>}, 'org.freedesktop.DBus.Peer': {}},"
    " '" DEVICE "': {'org.usbferry1.Device': {'SysName': <'3-1.10'>, 'BusNumber': <uint32 3>,"
    "   'DeviceNumber': <uint32 7>, 'VendorId': <uint16 0x046d>, 'ProductId': <uint16 0xc31c>,"
    "   'Vendor': <'Logitech'>, 'Product': <'Keyboard K120'>, 'IsHub': <false>, 'State': <'attached'>,"
    "   'Reason': <'the VM has it'>,"
    "   'Interfaces': <@a(yyy) [(3, 1, 1), (3, 0, 255)]>, 'Hub': <objectpath '" HUB "'>,"
    "   'Machine': <objectpath '" MACHINE "'>, 'Assignment': <objectpath '" ASSIGNMENT "'>,"
    "   'Tenant': <objectpath '/'>, 'Groups': <@ao []>, 'Rules': <@as []>,"
    "   'Speed': <'of a later version'>}, 'org.usbferry2.Device': {'State': <'new'>}},"
    " '" HUB "': {'org.usbferry1.Device': {'SysName': <'3-1.9'>, 'IsHub': <true>, 'State': <'host'>}},"
    " '" MACHINE "': {'org.usbferry1.Machine': {'UUID': <'u-u'>, 'Name': <'win11'>,"
    "   'State': <'running'>, 'ForeignDevices': <@a(uus) [(3, 9, '0951:1666')]>}},"
    " '" ASSIGNMENT "': {'org.usbferry1.Assignment': {'Name': <'keys'>, 'State': <'attached'>,"
    "   'Reason': <'the VM has it'>, 'Machine': <objectpath '" MACHINE "'>, 'Group': <objectpath '/'>,"
    "   'Devices': <@a(os) [('" DEVICE "', 'attached')]>, 'Since': <uint64 1700000000000000>}},"
    " '/org/usbferry1/thing/x': {'org.usbferry1.Thing': {'Name': <'keys'>}}"
    "}";

GVariant *fixture_parse(const char *text)
{
    return g_variant_ref_sink(g_variant_new_parsed(text));
}

GVariant *fixture_managed(void)
{
    return fixture_parse(managed);
}

Model *fixture_load(void)
{
    Model *model = model_new();
    g_autoptr(GVariant) value = fixture_managed();

    model_load(model, value, NULL, NULL);
    return model;
}

void fixture_change(Model *model, const char *path, const char *properties)
{
    g_autoptr(GVariant) change = fixture_parse(properties);
    const Object *object = g_hash_table_lookup(model->objects, path);

    model_change(model, path, kind_to_interface(object->kind), change, NULL, NULL);
}

void fixture_add_group(Model *model)
{
    g_autoptr(GVariant) group = fixture_parse(
        "{'org.usbferry1.ResourceGroup': {'Name': <'keys'>, 'Class': <'hid'>, 'Enabled': <true>,"
        " 'Priority': <-1>, 'Total': <uint32 2>, 'Free': <uint32 1>,"
        " 'Rules': <@a(ubss) [(1, true, 'class=hid', 'admin'), (3, false, 'vendor=*', 'admin')]>,"
        " 'Devices': <[objectpath '" DEVICE "', '/org/usbferry1/device/away']>}}");

    model_add(model, GROUP, group, NULL, NULL);
    fixture_change(model, DEVICE, "{'Groups': <[objectpath '" GROUP "']>, 'Rules': <['keys#1 class=hid']>}");
    fixture_change(model, ASSIGNMENT, "{'Group': <objectpath '" GROUP "'>, 'Quantity': <'2'>}");
}

static struct {
    FILE *out, *err;
    char *text;
    size_t length;
} capture;

void fixture_begin_capture(void)
{
    capture.out = stdout;
    capture.err = stderr;
    stdout = stderr = open_memstream(&capture.text, &capture.length);
}

char *fixture_end_capture(void)
{
    fclose(stdout);
    stdout = capture.out;
    stderr = capture.err;
    return g_steal_pointer(&capture.text);
}
