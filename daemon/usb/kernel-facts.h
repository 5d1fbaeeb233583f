/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* KernelFacts: what the kernel tells of who has a USB device, in attributes of sysfs for which nobody has to
 * wait: not for a driver that probes, nor for a reset. For the reconciler's witness, which looks again and
 * again, and keeps in KernelWord since when each sign is there. What the signs mean is
 * daemon/allocation/possession.h's. Any thread. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* The kernel doesn't count the open files of a device (CONFIG_PM_ADVANCED_DEBUG is off). */
#define KERNEL_OPENS_UNKNOWN (-1)

/* One look. */
typedef struct KernelFacts {
    bool authorized; /* a kernel that doesn't say lets everybody */
    int opens; /* files of usbfs that are open: one is QEMU's, or a program's; or KERNEL_OPENS_UNKNOWN */
    unsigned on_host;    /* interfaces that a driver of the host has */
    unsigned on_usbfs;   /* interfaces that somebody claimed by usbfs */
    uint32_t driverless; /* interfaces that nobody has: bits, by their numbers */
} KernelFacts;

/* What of it may mean something when it lasts. */
typedef enum KernelSign {
    KERNEL_SIGN_UNAUTHORIZED, /* the host doesn't let anybody use it */
    KERNEL_SIGN_HOST_DRIVER,  /* an interface has a driver of the host */
    KERNEL_SIGN_CLOSED,       /* nobody has it open */
    KERNEL_SIGN_SHARED,       /* two or more have it open */
    KERNEL_SIGN_CLAIMED,      /* an interface is claimed by usbfs */
    KERNEL_SIGN_IN_USE,       /* claimed by usbfs, or open */
    KERNEL_SIGN_UNCLAIMED,    /* an interface has no driver, not even usbfs */
    _KERNEL_SIGN_MAX,
} KernelSign;

/* All looks so far. */
typedef struct KernelWord {
    KernelFacts facts;              /* the last ones */
    gint64 seen_at;                 /* the last look: µs, CLOCK_MONOTONIC; 0 = none so far */
    gint64 since[_KERNEL_SIGN_MAX]; /* the first look of those that all showed the sign; 0 = it isn't there */
} KernelWord;

/* syspath: of a usb_device. What can't be read, because it is gone for instance, says nothing. */
void kernel_facts_read(const char *syspath, KernelFacts *ret_facts);

bool kernel_facts_show(const KernelFacts *facts, KernelSign sign);

/* A look at this time. True when any sign came or went. */
bool kernel_word_take(KernelWord *word, const KernelFacts *facts, gint64 now);
/* Who may have it is another question from here on: no sign is older than this. */
void kernel_word_begin_anew(KernelWord *word, gint64 now);

bool kernel_word_shows(const KernelWord *word, KernelSign sign);
/* Whether the sign was there in all looks for this long (µs). */
bool kernel_word_lasts(const KernelWord *word, KernelSign sign, gint64 duration);
