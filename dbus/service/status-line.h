/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What `systemctl status usbferryd` says in one line: "12 devices, 3 in VMs". The service has one, and tells
 * it of each change record; systemd hears of it when the text is another one, once a turn at most. Main
 * thread only. */

#include "daemon/model/registry.h"

typedef struct StatusLine StatusLine;

StatusLine *status_line_new(const Registry *registry);
StatusLine *status_line_free(StatusLine *line);

/* Something changed. */
void status_line_look_again(StatusLine *line);

/* The text as it is now. New string. */
char *status_line_text(const Registry *registry);
