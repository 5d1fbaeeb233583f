/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Controller XML: another USB controller in the configuration of a machine. For
 * daemon/hypervisor/libvirt-config.c, and for who checks what is asked for. Pure; any thread. */

#include <glib.h>
#include <stdbool.h>

/* qemu-xhci, usb-ehci and piix3-uhci. */
bool controller_xml_is_known(const char *model);

/* Puts a controller of this model in the place of all USB controllers of a <domain>: a qemu-xhci with 15
 * ports, an ich9-ehci1 with its three companions for usb-ehci, or a piix3-uhci. Where devices are on the
 * guest's USB is left to libvirt, as other controllers have other ports; all other content stays. New string;
 * NULL and HYPERVISOR when it is no domain. */
char *controller_xml_set(const char *xml, const char *model, GError **error);
