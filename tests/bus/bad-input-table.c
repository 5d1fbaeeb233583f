/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every method, by object. */

#include "tests/bus/bad-input-table.h"

#include "dbus/names.h"

#define OPTIONS BAD_INPUT_OPTIONS

/* clang-format off */

#define BAD_NAMES(before, after) \
    { "InvalidName", before "'.'" after }, \
    { "InvalidName", before "'..'" after }, \
    { "InvalidName", before "'a b'" after }, \
    { "InvalidName", before "'a/b'" after }, \
    { "InvalidName", before "'../x'" after }, \
    { "InvalidName", before "'é'" after }, \
    { "InvalidName", before "'a\\n'" after }, \
    { "InvalidName", before "'@x65@'" after }

#define BAD_RULES(error, before, after) \
    { error, before "'vendor'" after }, \
    { error, before "'vendor=xyz'" after }, \
    { error, before "'vendor=12345'" after }, \
    { error, before "'colour=red'" after }, \
    { error, before "'vendor=529 ; product=1'" after }, \
    { error, before "'name=\"a'" after }, \
    { error, before "'class=toaster'" after }, \
    { error, before "'port='" after }, \
    { error, before "'vendor=1\\nproduct=1'" after }, \
    { error, before "'name=@x5000@'" after }

#define BAD_QUANTITIES(before, after) \
    { "InvalidOption", before "{'Quantity': <''>}" after }, \
    { "InvalidOption", before "{'Quantity': <'0'>}" after }, \
    { "InvalidOption", before "{'Quantity': <'-1'>}" after }, \
    { "InvalidOption", before "{'Quantity': <'128'>}" after }, \
    { "InvalidOption", before "{'Quantity': <'1.5'>}" after }, \
    { "InvalidOption", before "{'Quantity': <' 1'>}" after }, \
    { "InvalidOption", before "{'Quantity': <'ALL'>}" after }, \
    { "InvalidOption", before "{'Quantity': <'many'>}" after }, \
    { "InvalidOption", before "{'Quantity': <'99999999999999999999'>}" after }

#define BAD_TEXTS(key, before) \
    { "InvalidName", before "{'" key "': <'a\\nb'>}" }, \
    { "InvalidName", before "{'" key "': <'\\u202e'>}" }, \
    { "InvalidName", before "{'" key "': <'@x5000@'>}" }

#define BAD_SECONDS(before) \
    { "InvalidOption", before "{'TryFor': <uint32 3601>}" }, \
    { "InvalidOption", before "{'TryFor': <uint32 4294967295>}" }, \
    { "InvalidOption", before "{'LeaseFor': <uint32 31536001>}" }, \
    { "InvalidOption", before "{'LeaseFor': <uint32 20>, 'TryFor': <uint32 3601>}" }

#define BAD_GROUP_CHOICES(before) \
    { "InvalidOption", before "{'Class': <'toaster'>}" }, \
    { "InvalidOption", before "{'Class': <''>}" }, \
    BAD_TEXTS("Description", before)

/* What isn't the path of a device, or of one that is there. */
#define BAD_DEVICES(before, after) \
    { "NoSuchDevice", before "'/'" after }, \
    { "NoSuchDevice", before "'/org/usbferry1/device'" after }, \
    { "NoSuchDevice", before "'/org/usbferry1/device/_31_2d_31'" after }, \
    { "NoSuchDevice", before "'/org/usbferry1/device/1'" after }, \
    { "NoSuchDevice", before "'/com/example'" after }, \
    { "NoSuchDevice", before "'@desk@'" after }, \
    { "NoSuchDevice", before "'@gone-device@'" after }

#define BAD_MACHINES(before, after) \
    { "NoSuchMachine", before "'/'" after }, \
    { "NoSuchMachine", before "'/org/usbferry1/machine'" after }, \
    { "NoSuchMachine", before "'/org/usbferry1/machine/desk'" after }, \
    { "NoSuchMachine", before "'/com/example'" after }, \
    { "NoSuchMachine", before "'@free@'" after }, \
    { "NoSuchMachine", before "'@gone-machine@'" after }

/* A group that a file holds. */
#define OF_A_FILE(arguments) { "AlreadyExists", arguments, "@file@" }

#define ASSIGN_OPTIONS "Name s, Description s, Quantity s, Selector s, Persistent b, Follow b, Force b, Another b, StartMachine b, Priority i, AllowGuestReset b, AllowGuestResetsAll b, TryFor u, LeaseFor u"
#define GROUP_OPTIONS \
    "Description s, Class s, Enabled b, AllowGuestReset b, AllowGuestResetsAll b, Priority i"

#define TENANT_OPTIONS "Description s, Members as"

#define BAD_MEMBERS(before) \
    { "InvalidOption", before "{'Members': <['anna']>}" }, \
    { "InvalidOption", before "{'Members': <['user:']>}" }, \
    { "InvalidOption", before "{'Members': <['machine:desk']>}" }, \
    { "InvalidOption", before "{'Members': <['user:a\\nb']>}" }, \
    { "InvalidOption", before "{'Members': <['user:nobody', 'user:@x5000@']>}" }

const Method bad_input_methods[] = {
    { FERRY_INTERFACE_MANAGER, "GetDevice", "@root@", "'1-1'", NULL, (const Bad[]) {
        { "NoSuchDevice", "''" },
        { "NoSuchDevice", "'toaster'" },
        { "NoSuchDevice", "'1-3'" },
        { "NoSuchDevice", "'@x5000@'" },
        { "Ambiguous", "'046d:c31c'" },
        {} } },
    { FERRY_INTERFACE_MANAGER, "GetGroup", "@root@", "'keys'", NULL, (const Bad[]) {
        { "NoSuchGroup", "''" },
        { "NoSuchGroup", "'gone'" },
        { "NoSuchGroup", "'../keys'" },
        { "NoSuchGroup", "'@x5000@'" },
        {} } },
    { FERRY_INTERFACE_MANAGER, "GetAssignment", "@root@", "'keys to desk'", NULL, (const Bad[]) {
        { "NoSuchAssignment", "''" },
        { "NoSuchAssignment", "'gone'" },
        { "NoSuchAssignment", "'../keys'" },
        { "NoSuchAssignment", "'@x5000@'" },
        {} } },
    { FERRY_INTERFACE_MANAGER, "GetMachine", "@root@", "'desk'", NULL, (const Bad[]) {
        { "NoSuchMachine", "''" },
        { "NoSuchMachine", "'gone'" },
        { "NoSuchMachine", "'33333333-3333-3333-3333-333333333333'" },
        { "NoSuchMachine", "'@x5000@'" },
        {} } },
    { FERRY_INTERFACE_MANAGER, "GetTenant", "@root@", "'acme'", NULL, (const Bad[]) {
        { "NoSuchTenant", "''" },
        { "NoSuchTenant", "'gone'" },
        { "NoSuchTenant", "'../acme'" },
        { "NoSuchTenant", "'@x5000@'" },
        {} } },
    { FERRY_INTERFACE_MANAGER, "GetHistory", "@root@", "0, " OPTIONS, "", (const Bad[]) {
        {} } },
    { FERRY_INTERFACE_MANAGER, "CreateTenant", "@root@", "'new', " OPTIONS, TENANT_OPTIONS, (const Bad[]) {
        BAD_NAMES("", ", {}"),
        { "InvalidName", "'', {}" },
        { "AlreadyExists", "'acme', {}" },
        BAD_TEXTS("Description", "'new', "),
        BAD_MEMBERS("'new', "),
        {} } },
    { FERRY_INTERFACE_MANAGER, "Assign", "@root@", "'@free@', '@desk@', " OPTIONS, ASSIGN_OPTIONS, (const Bad[]) {
        BAD_DEVICES("", ", '@desk@', {}"),
        { "DeviceIsHub", "'@hub@', '@desk@', {}" },
        { "DeviceBusy", "'@busy@', '@studio@', {}" },
        { "AlreadyExists", "'@busy@', '@desk@', {}" },
        { "DeviceBusy", "'@drawn@', '@studio@', {}" },
        { "NoSuchGroup", "'@gone-group@', '@desk@', {}" },
        { "NoSuchGroup", "'/org/usbferry1/group/_6beys', '@desk@', {}" },
        BAD_MACHINES("'@free@', ", ", {}"),
        BAD_MACHINES("'@keys@', ", ", {}"),
        BAD_TEXTS("Name", "'@free@', '@desk@', "),
        BAD_TEXTS("Description", "'@free@', '@desk@', "),
        BAD_QUANTITIES("'@keys@', '@desk@', ", ""),
        BAD_RULES("InvalidRule", "'@keys@', '@desk@', {'Selector': <", ">}"),
        { "InvalidOption", "'@free@', '@desk@', {'Quantity': <'2'>}" },
        { "InvalidOption", "'@free@', '@desk@', {'Selector': <'vendor=046d'>}" },
        { "InvalidOption", "'@free@', '@desk@', {'Another': <true>}" },
        BAD_SECONDS("'@free@', '@desk@', "),
        {} } },
    { FERRY_INTERFACE_MANAGER, "AssignMany", "@root@", "['@free@'], '@desk@', " OPTIONS, ASSIGN_OPTIONS, (const Bad[]) {
        { "NoSuchDevice", "[], '@desk@', {}" },
        BAD_DEVICES("['@free@', ", "], '@desk@', {}"),
        { "InvalidOption", "['@free@', '@free@'], '@desk@', {}" },
        { "InvalidOption", "['@keys@', '@keys@'], '@desk@', {'Another': <true>}" },
        { "DeviceIsHub", "['@free@', '@hub@'], '@desk@', {}" },
        { "DeviceBusy", "['@free@', '@busy@'], '@studio@', {}" },
        { "NotOwned", "['@free@', '@owned@'], '@desk@', {}" },
        { "NoSuchGroup", "['@free@', '@gone-group@'], '@desk@', {}" },
        BAD_MACHINES("['@free@', '@keys@'], ", ", {}"),
        BAD_TEXTS("Name", "['@free@'], '@desk@', "),
        { "InvalidOption", "['@free@'], '@desk@', {'Force': <true>}" },
        { "InvalidOption", "['@free@', '@keys@'], '@desk@', {'Name': <'a'>}" },
        { "InvalidOption", "['@free@', '@keys@'], '@desk@', {'Quantity': <'2'>}" },
        BAD_RULES("InvalidRule", "['@keys@'], '@desk@', {'Selector': <", ">}"),
        BAD_SECONDS("['@free@'], '@desk@', "),
        {} } },
    { FERRY_INTERFACE_MANAGER, "CheckAssign", "@root@", "['@free@'], '@desk@', " OPTIONS, ASSIGN_OPTIONS, (const Bad[]) {
        { "NoSuchDevice", "[], '@desk@', {}" },
        BAD_DEVICES("['@free@', ", "], '@desk@', {}"),
        { "InvalidOption", "['@free@', '@free@'], '@desk@', {}" },
        { "NoSuchGroup", "['@free@', '@gone-group@'], '@desk@', {}" },
        BAD_MACHINES("['@free@', '@keys@'], ", ", {}"),
        BAD_TEXTS("Name", "['@free@'], '@desk@', "),
        { "InvalidOption", "['@free@'], '@desk@', {'Quantity': <'2'>}" },
        BAD_RULES("InvalidRule", "['@keys@'], '@desk@', {'Selector': <", ">}"),
        BAD_SECONDS("['@free@'], '@desk@', "),
        {} } },
    { FERRY_INTERFACE_MANAGER, "CheckRelease", "@root@", "'@pinned@', '@busy@', " OPTIONS, "Swap b", (const Bad[]) {
        { "NoSuchAssignment", "'@gone-assignment@', '/', {}" },
        { "NoSuchAssignment", "'/', '/', {}" },
        { "NoSuchDevice", "'@pinned@', '@free@', {}" },
        { "NoSuchDevice", "'@pinned@', '@gone-device@', {}" },
        { "InvalidOption", "'@pinned@', '/', {'Swap': <true>}" },
        { "InvalidOption", "'@pinned@', '@busy@', {'Swap': <true>}" },
        {} } },
    { FERRY_INTERFACE_MANAGER, "CreateGroup", "@root@", "'new', " OPTIONS, GROUP_OPTIONS, (const Bad[]) {
        BAD_NAMES("", ", {}"),
        { "AlreadyExists", "'keys', {}" },
        { "AlreadyExists", "'file', {}" },
        BAD_GROUP_CHOICES("'new', "),
        BAD_GROUP_CHOICES("'', "),
        {} } },
    { FERRY_INTERFACE_MANAGER, "MakePassthrough", "@root@", "['@free@'], 'new', " OPTIONS, GROUP_OPTIONS,
      (const Bad[]) {
        { "NoSuchDevice", "[], 'new', {}" },
        BAD_DEVICES("['@free@', ", "], 'new', {}"),
        { "DeviceIsHub", "['@free@', '@hub@'], 'new', {}" },
        BAD_NAMES("['@free@'], ", ", {}"),
        { "AlreadyExists", "['@free@'], 'file', {}" },
        BAD_GROUP_CHOICES("['@free@'], 'new', "),
        BAD_GROUP_CHOICES("['@free@'], '', "),
        BAD_GROUP_CHOICES("['@free@'], 'keys', "),
        {} } },
    { FERRY_INTERFACE_MANAGER, "TestRule", "@root@", "'vendor=046d'", NULL, (const Bad[]) {
        BAD_RULES("InvalidRule", "", ""),
        { "InvalidRule", "''" },
        {} } },
    { FERRY_INTERFACE_MANAGER, "Export", "@root@", OPTIONS, "", (const Bad[]) { {} } },
    { FERRY_INTERFACE_MANAGER, "Apply", "@root@", "'[Group]\\nName=applied\\n', 'a file', " OPTIONS, "DryRun b, Prune b",
      (const Bad[]) {
        { "InvalidOption", "'', 'a file', {}" },
        { "InvalidOption", "'Name=a\\n', 'a file', {}" },
        { "InvalidOption", "'[Group]\\n', 'a file', {}" },
        { "InvalidOption", "'[Nonsense]\\n', 'a file', {}" },
        { "InvalidOption", "'[Group]\\nName=a\\nColour=red\\n', 'a file', {}" },
        { "InvalidOption", "'[Group]\\nName=a\\n[Rule 0]\\nMatch=vendor=1\\n', 'a file', {}" },
        { "InvalidName", "'[Group]\\nName=../a\\n', 'a file', {}" },
        { "AlreadyExists", "'[Group]\\nName=a\\n[Group]\\nName=a\\n', 'a file', {}" },
        { "NoSuchMachine", "'[Group]\\nName=a\\n[Assignment]\\nName=b\\nMachine=gone\\nGroup=a\\n', 'a file', {}" },
        { "NoSuchGroup", "'[Assignment]\\nName=b\\nMachine=desk\\nGroup=gone\\n', 'a file', {}" },
        { "InvalidOption", "'[Assignment]\\nName=b\\nMachine=desk\\n', 'a file', {}" },
        { "InvalidOption", "'[Assignment]\\nName=b\\nMachine=desk\\nGroup=keys\\nQuantity=0\\n', 'a file', {}" },
        { "InvalidOption", "'[Assignment]\\nName=b\\nMachine=desk\\nGroup=keys\\nFollow=true\\n', 'a file', {}" },
        { "InvalidRule", "'[Group]\\nName=a\\n[Rule 1]\\nMatch=vendor=xyz\\n', 'a file', {}" },
        { "LimitExceeded", "'@too-long@', 'a file', {}" },
        {} } },
    { FERRY_INTERFACE_MANAGER, "PreviewRule", "@root@", "'vendor=046d', " OPTIONS, "Group s, Rule u, Remove b, Enabled b",
      (const Bad[]) {
        BAD_RULES("InvalidRule", "", ", {}"),
        BAD_RULES("InvalidRule", "", ", {'Group': <'keys'>}"),
        { "InvalidRule", "'', {'Group': <'keys'>, 'Rule': <uint32 1>}" },
        { "NoSuchGroup", "'vendor=*', {'Group': <''>}" },
        { "NoSuchGroup", "'vendor=*', {'Group': <'gone'>}" },
        { "NoSuchRule", "'vendor=*', {'Group': <'keys'>, 'Rule': <uint32 0>}" },
        { "NoSuchRule", "'vendor=*', {'Group': <'keys'>, 'Rule': <uint32 99>}" },
        { "InvalidOption", "'vendor=*', {'Rule': <uint32 1>}" },
        { "InvalidOption", "'vendor=*', {'Group': <'keys'>, 'Remove': <true>}" },
        { "InvalidOption", "'vendor=*', {'Group': <'keys'>, 'Enabled': <true>}" },
        {} } },
    { FERRY_INTERFACE_MANAGER, "SetEnabled", "@root@", "false", NULL, (const Bad[]) { {} } },
    { FERRY_INTERFACE_MANAGER, "HoldHome", "@root@", "false", NULL, (const Bad[]) { {} } },
    { FERRY_INTERFACE_MANAGER, "ReleaseAll", "@root@", OPTIONS, "", (const Bad[]) { {} } },
    { FERRY_INTERFACE_MANAGER, "Rescan", "@root@", "", NULL, (const Bad[]) { {} } },
    { FERRY_INTERFACE_MANAGER, "Explain", "@root@", "'@free@'", NULL, (const Bad[]) {
        { "NoSuchDevice", "'/'" },
        { "NoSuchDevice", "'/org/usbferry1/device/1'" },
        { "NoSuchDevice", "'/com/example'" },
        { "NoSuchDevice", "'@gone-device@'" },
        { "NoSuchGroup", "'@gone-group@'" },
        { "NoSuchMachine", "'@gone-machine@'" },
        { "NoSuchAssignment", "'/org/usbferry1/assignment/zzzzzzzz'" },
        {} } },

    { FERRY_INTERFACE_MACHINE, "SetUsbController", "@desk@", "'qemu-xhci', " OPTIONS, "", (const Bad[]) {
        { "InvalidOption", "'', {}" },
        { "InvalidOption", "'toaster', {}" },
        { "InvalidOption", "'ich9-ehci1', {}" },
        { "InvalidOption", "'@x5000@', {}" },
        { "NoSuchMachine", "'qemu-xhci', {}", "@gone-machine@" },
        {} } },
    { FERRY_INTERFACE_MACHINE, "Start", "@desk@", OPTIONS, "", (const Bad[]) {
        { "NoSuchMachine", "{}", "@gone-machine@" },
        { "NoSuchMachine", "{}", "/org/usbferry1/machine/desk" },
        {} } },
    { FERRY_INTERFACE_MACHINE, "ReleaseAll", "@desk@", OPTIONS, "", (const Bad[]) {
        { "NoSuchMachine", "{}", "@gone-machine@" },
        { "NoSuchMachine", "{}", "/org/usbferry1/machine/desk" },
        {} } },

    { FERRY_INTERFACE_GROUP, "Update", "@keys@", OPTIONS, GROUP_OPTIONS, (const Bad[]) {
        BAD_GROUP_CHOICES(""),
        { "InvalidOption", "{'Description': <'changed'>, 'Class': <'toaster'>}" },
        { "NoSuchGroup", "{'Description': <'changed'>}", "@gone-group@" },
        { "NoSuchGroup", "{'Description': <'changed'>}", "/org/usbferry1/group/_6beys" },
        OF_A_FILE("{'Description': <'changed'>}"),
        {} } },
    { FERRY_INTERFACE_GROUP, "AddRule", "@keys@", "'vendor=*', " OPTIONS, "Enabled b", (const Bad[]) {
        BAD_RULES("InvalidRule", "", ", {}"),
        { "InvalidRule", "'', {}" },
        { "NoSuchGroup", "'vendor=*', {}", "@gone-group@" },
        OF_A_FILE("'vendor=*', {}"),
        {} } },
    { FERRY_INTERFACE_GROUP, "UpdateRule", "@keys@", "1, 'vendor=*', " OPTIONS, "Enabled b", (const Bad[]) {
        BAD_RULES("InvalidRule", "1, ", ", {'Enabled': <false>}"),
        { "NoSuchRule", "0, 'vendor=*', {}" },
        { "NoSuchRule", "99, 'vendor=*', {}" },
        { "NoSuchRule", "4294967295, 'vendor=*', {}" },
        { "NoSuchGroup", "1, 'vendor=*', {}", "@gone-group@" },
        OF_A_FILE("1, 'vendor=*', {}"),
        {} } },
    { FERRY_INTERFACE_GROUP, "RemoveRule", "@keys@", "1", NULL, (const Bad[]) {
        { "NoSuchRule", "0" },
        { "NoSuchRule", "99" },
        { "NoSuchGroup", "1", "@gone-group@" },
        OF_A_FILE("1"),
        {} } },
    { FERRY_INTERFACE_GROUP, "Delete", "@keys@", OPTIONS, "Force b", (const Bad[]) {
        { "GroupInUse", "{}" },
        { "GroupInUse", "{'Force': <false>}" },
        { "NoSuchGroup", "{}", "@gone-group@" },
        OF_A_FILE("{'Force': <true>}"),
        {} } },
    { FERRY_INTERFACE_GROUP, "Assign", "@keys@", "'@desk@', " OPTIONS, ASSIGN_OPTIONS, (const Bad[]) {
        BAD_MACHINES("", ", {}"),
        BAD_TEXTS("Name", "'@desk@', "),
        BAD_TEXTS("Description", "'@desk@', "),
        BAD_QUANTITIES("'@desk@', ", ""),
        BAD_RULES("InvalidRule", "'@desk@', {'Selector': <", ">}"),
        { "NoSuchGroup", "'@desk@', {}", "@gone-group@" },
        {} } },

    { FERRY_INTERFACE_ASSIGNMENT, "Release", "@pinned@", OPTIONS, "StartMachine b", (const Bad[]) {
        { "NoSuchAssignment", "{}", "@gone-assignment@" },
        { "NoSuchAssignment", "{}", "/org/usbferry1/assignment/x" },
        {} } },
    { FERRY_INTERFACE_ASSIGNMENT, "ReleaseDevice", "@pinned@", "'@busy@', " OPTIONS, "Swap b", (const Bad[]) {
        BAD_DEVICES("", ", {}"),
        { "NoSuchDevice", "'@free@', {}" },
        { "NoSuchDevice", "'@drawn@', {}" },
        { "InvalidOption", "'@busy@', {'Swap': <true>}" },
        { "DeviceBusy", "'@drawn@', {'Swap': <true>}", "@pool@" },
        { "NoSuchAssignment", "'@busy@', {}", "@gone-assignment@" },
        {} } },
    { FERRY_INTERFACE_ASSIGNMENT, "Attach", "@pinned@", "", NULL, (const Bad[]) {
        { "NoSuchAssignment", "", "@gone-assignment@" },
        {} } },
    { FERRY_INTERFACE_ASSIGNMENT, "Retry", "@pinned@", "", NULL, (const Bad[]) {
        { "NoSuchAssignment", "", "@gone-assignment@" },
        {} } },
    { FERRY_INTERFACE_ASSIGNMENT, "Confirm", "@pinned@", "", NULL, (const Bad[]) {
        { "NoSuchAssignment", "", "@gone-assignment@" },
        {} } },
    { FERRY_INTERFACE_ASSIGNMENT, "Detach", "@pinned@", "", NULL, (const Bad[]) {
        { "NoSuchAssignment", "", "@gone-assignment@" },
        {} } },
    { FERRY_INTERFACE_ASSIGNMENT, "Update", "@pinned@", OPTIONS,
      "Name s, Description s, Machine o, Priority i, AllowGuestReset b, AllowGuestResetsAll b, Follow b, LeaseFor u",
      (const Bad[]) {
        BAD_MACHINES("{'Machine': <objectpath ", ">}"),
        { "InvalidName", "{'Name': <''>}" },
        BAD_TEXTS("Name", ""),
        BAD_TEXTS("Description", ""),
        { "InvalidName", "{'Description': <'changed'>, 'Name': <''>}" },
        { "InvalidOption", "{'LeaseFor': <uint32 31536001>}" },
        { "InvalidOption", "{'LeaseFor': <uint32 4294967295>}" },
        { "NoSuchAssignment", "{'Name': <'changed'>}", "@gone-assignment@" },
        {} } },
    { FERRY_INTERFACE_ASSIGNMENT, "Reset", "@pinned@", OPTIONS, "", (const Bad[]) {
        { "GuestResetDenied", "{}" },
        { "NoSuchAssignment", "{}", "@gone-assignment@" },
        {} } },
    { FERRY_INTERFACE_ASSIGNMENT, "ResetAll", "@pinned@", OPTIONS, "", (const Bad[]) {
        { "GuestResetDenied", "{}" },
        { "NoSuchAssignment", "{}", "@gone-assignment@" },
        {} } },
    { FERRY_INTERFACE_DEVICE, "Reset", "@free@", OPTIONS, "Method s", (const Bad[]) {
        { "InvalidOption", "{'Method': <'hammer'>}" },
        { "InvalidOption", "{'Method': <''>}" },
        { "NoSuchDevice", "{}", "@gone-device@" },
        {} } },
    { FERRY_INTERFACE_DEVICE, "ResetHub", "@free@", OPTIONS, "Method s", (const Bad[]) {
        { "ResetFailed", "{}" },
        { "InvalidOption", "{'Method': <'hammer'>}" },
        { "NoSuchDevice", "{}", "@gone-device@" },
        {} } },
    { FERRY_INTERFACE_TENANT, "Grant", "@acme@", "['@free@'], 'new', " OPTIONS, GROUP_OPTIONS, (const Bad[]) {
        { "NoSuchDevice", "[], 'new', {}" },
        BAD_DEVICES("['@free@', ", "], 'new', {}"),
        { "DeviceIsHub", "['@free@', '@hub@'], 'new', {}" },
        { "DeviceBusy", "['@free@', '@busy@'], 'new', {}" },
        { "NotOwned", "['@owned@'], 'new', {}", "@other@" },
        BAD_NAMES("['@free@'], ", ", {}"),
        BAD_GROUP_CHOICES("['@free@'], 'new', "),
        { "NoSuchTenant", "['@free@'], 'new', {}", "@gone-tenant@" },
        {} } },
    { FERRY_INTERFACE_TENANT, "Revoke", "@acme@", "['@owned@'], " OPTIONS, "Group s, Rule u", (const Bad[]) {
        { "InvalidOption", "[], {}" },
        BAD_DEVICES("['@owned@', ", "], {}"),
        { "NotOwned", "['@free@'], {}" },
        { "NotOwned", "['@owned@'], {}", "@other@" },
        { "NoSuchGroup", "[], {'Group': <'gone'>}" },
        { "NoSuchRule", "[], {'Group': <'keys'>, 'Rule': <uint32 99>}" },
        { "InvalidOption", "['@owned@'], {'Rule': <uint32 1>}" },
        { "InvalidOption", "['@owned@'], {'Group': <'keys'>}" },
        { "NoSuchTenant", "['@owned@'], {}", "@gone-tenant@" },
        {} } },
    { FERRY_INTERFACE_TENANT, "AddMachine", "@acme@", "'@desk@'", NULL, (const Bad[]) {
        BAD_MACHINES("", ""),
        { "AlreadyExists", "'@studio@'" },
        { "AlreadyExists", "'@studio@'", "@other@" },
        { "NoSuchTenant", "'@desk@'", "@gone-tenant@" },
        {} } },
    { FERRY_INTERFACE_TENANT, "RemoveMachine", "@acme@", "'@studio@'", NULL, (const Bad[]) {
        BAD_MACHINES("", ""),
        { "NoSuchMachine", "'@desk@'" },
        { "NoSuchTenant", "'@studio@'", "@gone-tenant@" },
        {} } },
    { FERRY_INTERFACE_TENANT, "Update", "@acme@", OPTIONS, TENANT_OPTIONS, (const Bad[]) {
        BAD_TEXTS("Description", ""),
        BAD_MEMBERS(""),
        { "NoSuchTenant", "{'Description': <'changed'>}", "@gone-tenant@" },
        {} } },
    { FERRY_INTERFACE_TENANT, "Delete", "@acme@", OPTIONS, "Force b", (const Bad[]) {
        { "GroupInUse", "{}" },
        { "NoSuchTenant", "{}", "@gone-tenant@" },
        {} } },
};
/* clang-format on */

const gsize bad_input_n_methods = G_N_ELEMENTS(bad_input_methods);
