/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Area: the two places where the store keeps files. For the store, its journal, and those who save. */

typedef enum StoreArea {
    STORE_AREA_STATE,   /* /var/lib/usbferry */
    STORE_AREA_RUNTIME, /* /run/usbferry: ends with the boot */
    _STORE_AREA_MAX,
} StoreArea;
