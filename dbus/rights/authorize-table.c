/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each method needs, and what is asked. */

#include "dbus/rights/authorize-table.h"

#include <glib.h>

#include "dbus/names.h"

/* Marks texts for translation that polkit looks up in our catalogue. */
#define N_(text) text

/* $(device) is a device, or with a group the rule that its devices match. */
#define GIVE_QUESTIONS                                                                                           \
    {                                                                                                            \
        N_("Authentication is required to give USB devices of the group $(group) that match $(device) to "       \
           "the virtual machine $(machine)"),                                                                    \
            N_("Authentication is required to give the USB device $(device) to the virtual machine $(machine)"), \
            N_("Authentication is required to give USB devices of the group $(group) to the virtual machine "    \
               "$(machine)"),                                                                                    \
    }
#define CHANGE_GROUP_QUESTION \
    N_("Authentication is required to change the group $(group) of USB devices for virtual machines")

static const AuthorizeEntry entries[] = {
    { FERRY_INTERFACE_MANAGER, "GetDevice" },
    { FERRY_INTERFACE_MANAGER, "GetGroup" },
    { FERRY_INTERFACE_MANAGER, "GetMachine" },
    { FERRY_INTERFACE_MANAGER, "GetAssignment" },
    { FERRY_INTERFACE_MANAGER, "GetTenant" },
    { FERRY_INTERFACE_MANAGER, "TestRule" },
    { FERRY_INTERFACE_MANAGER, "PreviewRule" },
    { FERRY_INTERFACE_MANAGER, "Explain" },
    { FERRY_INTERFACE_MANAGER, "Rescan" },
    { FERRY_INTERFACE_MANAGER, "Export" },
    { FERRY_INTERFACE_MANAGER, "GetHistory" },
    { FERRY_INTERFACE_MANAGER, "CheckAssign" },
    { FERRY_INTERFACE_MANAGER, "CheckRelease" },
    { FERRY_INTERFACE_MANAGER, "Assign", FERRY_ACTION_ASSIGN, FERRY_ACTION_ASSIGN_OWN, GIVE_QUESTIONS },
    { FERRY_INTERFACE_MANAGER,
      "Assign(Force)",
      FERRY_ACTION_OVERRIDE_GUARDS,
      NULL,
      { N_("Authentication is required to give the USB device $(device), which the host uses, to the virtual "
           "machine $(machine)") } },
    { FERRY_INTERFACE_MANAGER,
      "AssignMany",
      FERRY_ACTION_ASSIGN,
      FERRY_ACTION_ASSIGN_OWN,
      {
          N_("Authentication is required to give several USB devices to the virtual machine $(machine): "
             "$(device)"),
          N_("Authentication is required to give the USB device $(device) to the virtual machine $(machine)"),
      } },
    { FERRY_INTERFACE_MANAGER,
      "CreateGroup",
      FERRY_ACTION_MANAGE_GROUPS,
      NULL,
      {
          N_("Authentication is required to make the group $(group) of USB devices for virtual machines"),
          N_("Authentication is required to make a group of USB devices for virtual machines"),
      } },
    { FERRY_INTERFACE_MANAGER,
      "MakePassthrough",
      FERRY_ACTION_MANAGE_GROUPS,
      NULL,
      {
          N_("Authentication is required to put $(device) into the group $(group) of USB devices for virtual "
             "machines"),
          N_("Authentication is required to put $(device) into a new group of USB devices for virtual "
             "machines"),
      } },
    { FERRY_INTERFACE_MANAGER,
      "Apply",
      FERRY_ACTION_MANAGE_SERVICE,
      NULL,
      { N_("Authentication is required to apply a description of groups and assignments of USB devices for "
           "virtual machines") } },
    { FERRY_INTERFACE_MANAGER,
      "CreateTenant",
      FERRY_ACTION_MANAGE_TENANTS,
      NULL,
      { N_("Authentication is required to make the tenant $(tenant), an owner of USB devices and virtual "
           "machines") } },
    { FERRY_INTERFACE_MANAGER,
      "SetEnabled",
      FERRY_ACTION_MANAGE_SERVICE,
      NULL,
      { N_("Authentication is required to switch giving USB devices to virtual machines on or off") } },
    { FERRY_INTERFACE_MANAGER,
      "HoldHome",
      FERRY_ACTION_HOLD_HOME,
      NULL,
      { N_(
          "Authentication is required to take the USB devices of all virtual machines home until the host has "
          "shut down") } },
    { FERRY_INTERFACE_MANAGER,
      "ReleaseAll",
      FERRY_ACTION_ASSIGN,
      FERRY_ACTION_ASSIGN_OWN,
      { N_("Authentication is required to end all assignments of USB devices to virtual machines") } },
    { FERRY_INTERFACE_MACHINE,
      "ReleaseAll",
      FERRY_ACTION_ASSIGN,
      FERRY_ACTION_ASSIGN_OWN,
      { N_("Authentication is required to end all assignments of USB devices to the virtual machine "
           "$(machine)") } },
    { FERRY_INTERFACE_MACHINE,
      "SetUsbController",
      FERRY_ACTION_MANAGE_MACHINES,
      NULL,
      { N_("Authentication is required to change the USB controller of the virtual machine $(machine)") } },
    { FERRY_INTERFACE_MACHINE,
      "Start",
      FERRY_ACTION_MANAGE_MACHINES,
      NULL,
      { N_("Authentication is required to start the virtual machine $(machine)") } },
    { FERRY_INTERFACE_GROUP, "Assign", FERRY_ACTION_ASSIGN, FERRY_ACTION_ASSIGN_OWN, GIVE_QUESTIONS },
    { FERRY_INTERFACE_GROUP, "Update", FERRY_ACTION_MANAGE_GROUPS, NULL, { CHANGE_GROUP_QUESTION } },
    { FERRY_INTERFACE_GROUP,
      "AddRule",
      FERRY_ACTION_MANAGE_GROUPS,
      NULL,
      { N_("Authentication is required to put USB devices that match $(device) into the group $(group) for "
           "virtual machines") } },
    { FERRY_INTERFACE_GROUP,
      "UpdateRule",
      FERRY_ACTION_MANAGE_GROUPS,
      NULL,
      { N_("Authentication is required to change a rule of the group $(group) of USB devices for virtual "
           "machines: $(device)") } },
    { FERRY_INTERFACE_GROUP,
      "RemoveRule",
      FERRY_ACTION_MANAGE_GROUPS,
      NULL,
      { N_(
          "Authentication is required to take USB devices that match $(device) out of the group $(group) for "
          "virtual machines") } },
    { FERRY_INTERFACE_GROUP,
      "Delete",
      FERRY_ACTION_MANAGE_GROUPS,
      NULL,
      {
          N_("Authentication is required to delete the group $(group), whose USB devices then belong to the "
             "tenant $(tenant) no longer"),
          N_("Authentication is required to delete the group $(group) of USB devices for virtual machines"),
      } },
    { FERRY_INTERFACE_ASSIGNMENT, "Attach", FERRY_ACTION_ASSIGN, FERRY_ACTION_ASSIGN_OWN, GIVE_QUESTIONS },
    { FERRY_INTERFACE_ASSIGNMENT, "Retry", FERRY_ACTION_ASSIGN, FERRY_ACTION_ASSIGN_OWN, GIVE_QUESTIONS },
    { FERRY_INTERFACE_ASSIGNMENT,
      "Update",
      FERRY_ACTION_ASSIGN,
      FERRY_ACTION_ASSIGN_OWN,
      {
          N_("Authentication is required to change the assignment of USB devices of the group $(group) that "
             "match $(device) to $(machine)"),
          N_("Authentication is required to change the assignment of the USB device $(device) to $(machine)"),
          N_("Authentication is required to change the assignment of the group $(group) to $(machine)"),
      } },
    { FERRY_INTERFACE_ASSIGNMENT,
      "Detach",
      FERRY_ACTION_TAKE_HOME,
      FERRY_ACTION_ASSIGN_OWN,
      {
          N_("Authentication is required to take the USB devices of the group $(group) that match $(device) "
             "home from the virtual machine $(machine)"),
          N_("Authentication is required to take the USB device $(device) home from the virtual machine "
             "$(machine)"),
          N_("Authentication is required to take the USB devices of the group $(group) home from the virtual "
             "machine $(machine)"),
      } },
    { FERRY_INTERFACE_ASSIGNMENT,
      "Release",
      FERRY_ACTION_ASSIGN,
      FERRY_ACTION_ASSIGN_OWN,
      {
          N_("Authentication is required to end the assignment of USB devices of the group $(group) that "
             "match $(device) to the virtual machine $(machine)"),
          N_("Authentication is required to end the assignment of the USB device $(device) to the virtual "
             "machine $(machine)"),
          N_("Authentication is required to end the assignment of USB devices of the group $(group) to the "
             "virtual machine $(machine)"),
      } },
    { FERRY_INTERFACE_ASSIGNMENT,
      "Confirm",
      FERRY_ACTION_ASSIGN,
      FERRY_ACTION_ASSIGN_OWN,
      {
          N_("Authentication is required to leave USB devices of the group $(group) that match $(device) with "
             "the virtual machine $(machine)"),
          N_("Authentication is required to leave the USB device $(device) with the virtual machine "
             "$(machine)"),
          N_("Authentication is required to leave USB devices of the group $(group) with the virtual machine "
             "$(machine)"),
      } },
    { FERRY_INTERFACE_ASSIGNMENT,
      "ReleaseDevice",
      FERRY_ACTION_ASSIGN,
      FERRY_ACTION_ASSIGN_OWN,
      {
          N_("Authentication is required to give the USB device $(device) of the group $(group) back from the "
             "virtual machine $(machine)"),
          N_("Authentication is required to end the assignment of the USB device $(device) to the virtual "
             "machine $(machine)"),
      } },
    { FERRY_INTERFACE_ASSIGNMENT,
      "Reset",
      FERRY_ACTION_GUEST_RESET,
      FERRY_ACTION_ASSIGN_OWN,
      {
          N_("Authentication is required to reset the USB devices of the group $(group) that match $(device) "
             "and that the virtual machine $(machine) has"),
          N_("Authentication is required to reset the USB device $(device) of the virtual machine "
             "$(machine)"),
          N_("Authentication is required to reset the USB devices of the group $(group) that the virtual "
             "machine $(machine) has"),
      } },
    { FERRY_INTERFACE_ASSIGNMENT,
      "ResetAll",
      FERRY_ACTION_GUEST_RESETS_ALL,
      NULL,
      {
          N_("Authentication is required to reset the hubs of the USB devices of the group $(group) that "
             "match $(device) and that the virtual machine $(machine) has"),
          N_("Authentication is required to reset the hub of the USB device $(device), which the virtual "
             "machine $(machine) has"),
          N_("Authentication is required to reset the hubs of the USB devices of the group $(group) that the "
             "virtual machine $(machine) has"),
      } },
    { FERRY_INTERFACE_DEVICE,
      "Reset",
      FERRY_ACTION_RESET_DEVICE,
      NULL,
      { N_("Authentication is required to reset the USB device $(device), whoever has it") } },
    { FERRY_INTERFACE_DEVICE,
      "ResetHub",
      FERRY_ACTION_RESET_DEVICE,
      NULL,
      { N_("Authentication is required to reset the hub that the USB device $(device) is plugged into, with "
           "every device behind it") } },
    { FERRY_INTERFACE_TENANT,
      "Grant",
      FERRY_ACTION_MANAGE_TENANTS,
      NULL,
      { N_("Authentication is required to grant the USB device $(device) to the tenant $(tenant)") } },
    { FERRY_INTERFACE_TENANT,
      "Revoke",
      FERRY_ACTION_MANAGE_TENANTS,
      NULL,
      {
          N_("Authentication is required to revoke the USB device $(device) from the tenant $(tenant)"),
          N_("Authentication is required to revoke the USB devices of the group $(group) from the tenant "
             "$(tenant)"),
      } },
    { FERRY_INTERFACE_TENANT,
      "AddMachine",
      FERRY_ACTION_MANAGE_TENANTS,
      NULL,
      { N_("Authentication is required to give the virtual machine $(machine) to the tenant $(tenant)") } },
    { FERRY_INTERFACE_TENANT,
      "RemoveMachine",
      FERRY_ACTION_MANAGE_TENANTS,
      NULL,
      { N_("Authentication is required to take the virtual machine $(machine) from the tenant $(tenant)") } },
    { FERRY_INTERFACE_TENANT,
      "Update",
      FERRY_ACTION_MANAGE_TENANTS,
      NULL,
      { N_("Authentication is required to change the tenant $(tenant) and its members") } },
    { FERRY_INTERFACE_TENANT,
      "Delete",
      FERRY_ACTION_MANAGE_TENANTS,
      NULL,
      { N_("Authentication is required to delete the tenant $(tenant)") } },
};

const AuthorizeEntry *authorize_find(const char *interface, const char *member)
{
    for (gsize i = 0; i < G_N_ELEMENTS(entries); i++)
        if (g_strcmp0(entries[i].interface, interface) == 0 && g_strcmp0(entries[i].member, member) == 0)
            return &entries[i];
    return NULL;
}
