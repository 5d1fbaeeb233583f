/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The names of the contract: shared by the service, the client and the tests. */

#define FERRY_BUS_NAME "org.usbferry1"

#define FERRY_PATH_ROOT              "/org/usbferry1"
#define FERRY_PATH_DEVICE_PREFIX     FERRY_PATH_ROOT "/device"
#define FERRY_PATH_MACHINE_PREFIX    FERRY_PATH_ROOT "/machine"
#define FERRY_PATH_GROUP_PREFIX      FERRY_PATH_ROOT "/group"
#define FERRY_PATH_ASSIGNMENT_PREFIX FERRY_PATH_ROOT "/assignment"
#define FERRY_PATH_TENANT_PREFIX     FERRY_PATH_ROOT "/tenant"

#define FERRY_INTERFACE_MANAGER    "org.usbferry1.Manager"
#define FERRY_INTERFACE_DEVICE     "org.usbferry1.Device"
#define FERRY_INTERFACE_MACHINE    "org.usbferry1.Machine"
#define FERRY_INTERFACE_GROUP      "org.usbferry1.ResourceGroup"
#define FERRY_INTERFACE_ASSIGNMENT "org.usbferry1.Assignment"
#define FERRY_INTERFACE_TENANT     "org.usbferry1.Tenant"

#define FERRY_ERROR_PREFIX "org.usbferry1.Error."

#define FERRY_ACTION_PREFIX           "org.usbferry1."
#define FERRY_ACTION_ASSIGN           FERRY_ACTION_PREFIX "assign"
#define FERRY_ACTION_ASSIGN_OWN       FERRY_ACTION_PREFIX "assign-own"
#define FERRY_ACTION_TAKE_HOME        FERRY_ACTION_PREFIX "take-home"
#define FERRY_ACTION_GUEST_RESET      FERRY_ACTION_PREFIX "guest-reset"
#define FERRY_ACTION_GUEST_RESETS_ALL FERRY_ACTION_PREFIX "guest-resets-all"
#define FERRY_ACTION_RESET_DEVICE     FERRY_ACTION_PREFIX "reset-device"
#define FERRY_ACTION_MANAGE_GROUPS    FERRY_ACTION_PREFIX "manage-groups"
#define FERRY_ACTION_MANAGE_TENANTS   FERRY_ACTION_PREFIX "manage-tenants"
#define FERRY_ACTION_MANAGE_SERVICE   FERRY_ACTION_PREFIX "manage-service"
#define FERRY_ACTION_MANAGE_MACHINES  FERRY_ACTION_PREFIX "manage-machines"
#define FERRY_ACTION_OVERRIDE_GUARDS  FERRY_ACTION_PREFIX "override-guards"
#define FERRY_ACTION_HOLD_HOME        FERRY_ACTION_PREFIX "hold-home"
