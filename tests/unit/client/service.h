/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A service for the client's unit tests: a thread at the other end of a pair of sockets, which says what its
 * script has. There is no bus in between, so the script says who speaks. */

#include "client/bus/client.h"

#define SERVICE_BUS "org.freedesktop.DBus"

/* A script ends with one without a sender. */
typedef struct Step {
    const char *sender;
    const char *path; /* NULL: the answer to the next call; else a signal */
    const char *interface, *member;
    const char *text; /* a tuple; NULL: an error is the answer */
} Step;

typedef struct Service {
    const Step *steps;
    int fd;
    GThread *thread;
} Service;

/* The client is connected to it. */
void service_start(Service *service, Client *client, const Step *steps);
/* Closes the client's connection, which ends the thread. */
void service_stop(Service *service, Client *client);
