/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The service as it is, with a hypervisor and a clock that do what the test says. */

#include "dbus/run.h"
#include "tests/bus/scripted-hypervisor.h"
#include "tests/bus/scripted-usb.h"

int main(int argc, char **argv)
{
    const char *seed = g_getenv("FERRY_SCRIPT_SEED");

    /* Ids are made up: with a seed another run makes up the same ones. */
    if (seed)
        g_random_set_seed((guint32)g_ascii_strtoull(seed, NULL, 10));
    return ferry_run(argc, argv, scripted_hypervisor_new, &scripted_usb_ops);
}
