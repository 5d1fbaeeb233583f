/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* usbferryd: wires the real hypervisor into the service. Nothing else is here, so that tests can wire others.
 */

#include "daemon/hypervisor/libvirt-hypervisor.h"
#include "dbus/run.h"

int main(int argc, char **argv)
{
    return ferry_run(argc, argv, libvirt_hypervisor_new, &usb_ops);
}
