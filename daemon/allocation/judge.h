/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Judge: what speaks against an assignment, a device or a machine by itself, whoever else wants what. deal.c
 * draws no device against it, allocation.c says it of pairs and refuses new assignments by it, so a new
 * reason to hold something back is one line here. Pure. Main thread only. */

#include "daemon/allocation/attachment.h"
#include "daemon/allocation/verdict.h"
#include "daemon/model/registry.h"

/* Whether the assignment takes part at all: GO; SUSPENDED; DAMAGED: what it has stays; or MACHINE_UNKNOWN:
 * what nobody is there for holds no device. */
Verdict judge_assignment(Registry *registry, const Assignment *assignment);

/* Whether anybody can get the device: GO, or what is in the way. Where it is attached already, it stays. */
Verdict judge_device(Registry *registry, const Attachments *attachments, const Device *device);

/* Whether the host needs the device: GO or GUARDED. GO for what a machine has, or is to have back after a
 * reset, and for an assignment (NULL = any) that is forced. What a program has claimed is possession.h's, and
 * whether it is the last of several that leave together promises.h's. */
Verdict judge_guard(Registry *registry, const Attachments *attachments, const Assignment *assignment,
                    const Device *device);

/* Whether the machine of an assignment can get devices now: GO, HYPERVISOR_AWAY, MACHINE_UNKNOWN or
 * MACHINE_OFF or MACHINE_STARTING. */
Verdict judge_machine(Registry *registry, const Assignment *assignment);

/* Whether the machine is well enough for this device: GO, or of what people type and point with
 * MACHINE_UNWELL while the guest crashed, is paused by an I/O error, or QEMU hangs. wake: when that may be
 * otherwise. */
Verdict judge_health(const Machine *machine, const Device *device, gint64 now, gint64 *wake);

/* Whether a running machine has a USB port for one more device: GO, NO_CONTROLLER or NO_PORT. GO as well
 * where that can't be known: then libvirt says it. */
Verdict judge_ports(const Machine *machine);
/* SPEED: none of its USB controllers can have this device. */
Verdict judge_speed(const Machine *machine, const Device *device);
/* NO_PORT: it has ports left, but none on a bus that can have this device. */
Verdict judge_bus(const Machine *machine, const Device *device);
/* NO_PORT: not all of these find one beside each other, one after the other as ports.h has them go. */
Verdict judge_ports_for_all(const Machine *machine, const GPtrArray *devices);
