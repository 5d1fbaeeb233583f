/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The service with a scripted hypervisor and devices that are numbers, for benchmarks: as users run it, so
 * without the words for who looks for a fault, which the fixture asks for, and with turns that take time. */

#include <glib.h>

#include "dbus/run.h"
#include "tests/bus/scripted-clock.h"
#include "tests/bus/scripted-hypervisor.h"
#include "tests/bus/scripted-usb.h"

int main(int argc, char **argv)
{
    g_unsetenv("G_MESSAGES_DEBUG");
    scripted_clock_count_work();
    return ferry_run(argc, argv, scripted_hypervisor_new, &scripted_usb_ops);
}
