/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Client: one run of the program: what was asked for everywhere, and the connection to the service. */

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "client/bus/outcome.h"
#include "client/bus/variant.h"

typedef struct Verb Verb;

typedef struct Client {
    const Verb *verb;
    char *host;       /* of -H, when it is one; NULL = this one */
    char **hosts;     /* all of -H and --all-hosts; NULL = none was named, or this is one of several */
    int host_seconds; /* how long each of several hosts may take; 0 = FLEET_HOST_SECONDS */
    bool json;
    bool no_ask_password;

    /* Instead of parsing the words of a verb: it is told the verb's own options (may be NULL), and the verb
     * ends. For completion; NULL = they are parsed. */
    void (*on_options)(struct Client *client, const GOptionEntry *entries);
    void *completion; /* for that function */

    sd_bus *bus; /* NULL until it is needed */
    GPid agent;  /* pkttyagent, 0 = none */
    bool agent_tried;
} Client;

/* Ends the agent and the connection. */
void client_done(Client *client);

/* Opens the connection when there is none. */
bool client_connect(Client *client, GError **error);

/* A call to an object of the service; connects. NULL and an error when path is no object path. */
sd_bus_message *client_new_call(Client *client, const char *path, const char *interface, const char *member,
                                GError **error);

/* Sends a call that only reads and waits for the answer. */
sd_bus_message *client_read(Client *client, sd_bus_message *call, GError **error);

/* Sends a call that changes something: the user may be asked for a password, and gets the time to answer. */
sd_bus_message *client_change(Client *client, sd_bus_message *call, GError **error);
/* The same where nobody is to be asked: DENIED then. */
sd_bus_message *client_change_quietly(Client *client, sd_bus_message *call, GError **error);

/* Why a call through its connection failed: by what the bus said (NULL = nothing), or r. */
GError *client_error_of_call(const Client *client, const sd_bus_error *bus_error, int r);

/* Turns a text into the path of an object, as the service understands it: by GetDevice and so on. A text
 * that is a path already is taken as it is. New string. */
char *client_find_device(Client *client, const char *selector, GError **error);
char *client_find_machine(Client *client, const char *name_or_uuid, GError **error);
char *client_find_group(Client *client, const char *name, GError **error);
char *client_find_tenant(Client *client, const char *name, GError **error);

/* Colours, bold and such are welcome there. */
bool client_wants_colors(void);
