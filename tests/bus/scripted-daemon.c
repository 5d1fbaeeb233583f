/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The service as it is, with a hypervisor that does what the test says. */

#include "dbus/run.h"
#include "tests/bus/scripted-hypervisor.h"
#include "tests/bus/scripted-usb.h"

int main(int argc, char **argv)
{
    return ferry_run(argc, argv, scripted_hypervisor_new, &scripted_usb_ops);
}
