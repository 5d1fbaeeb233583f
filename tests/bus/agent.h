/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A polkit agent: the person in front of the dialogs, who does what the test says. */

#include "tests/bus/fixture.h"

typedef struct Agent {
    sd_bus *bus;
    unsigned asked;
    unsigned cancelled;
    char *action; /* of the last question */
    char *text;
    uint32_t identity;       /* the uid whose password is asked for */
    sd_bus_message *message; /* the last question, as polkitd put it */
    char *cookie;
} Agent;

/* For the questions that this user's calls of this process lead to. */
void agent_register(Fixture *fixture, Agent *agent, uid_t uid);
void agent_register_in(Fixture *fixture, Agent *agent, uid_t uid, const char *locale);
void agent_close(Agent *agent);

/* Until it was asked or told to forget it, n times in all. */
void agent_wait_asked(Fixture *fixture, Agent *agent, unsigned n);
void agent_wait_cancelled(Fixture *fixture, Agent *agent, unsigned n);

/* The right password for the last question, of the one who is asked. */
void agent_say_yes(Fixture *fixture, Agent *agent);
/* Closes the dialog. */
void agent_dismiss(Agent *agent);
