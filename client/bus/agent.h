/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Agent: pkttyagent, which asks for passwords on the terminal when nothing else (a desktop) would. */

#include <glib.h>

/* Starts it and waits until it is ready. 0 when it isn't needed (root, no terminal) or can't be had; the call
 * is made without it then. */
GPid agent_start(void);

/* Ends it and waits for it: it must give the terminal back before we leave. 0 = none. */
void agent_stop(GPid agent);
