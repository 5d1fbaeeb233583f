/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Random histories: a world of devices, VMs, people and faults that goes on step by step from a seed, and
 * what must hold in it all the time and when it has come to rest. test-histories.c runs, shrinks and prints
 * them.
 *
 *   history-steps.c    draws the steps and takes them
 *   history-faults.c   what goes wrong
 *   history-world.c    the devices, the VMs and the service; time
 *   history-asks.c     what people ask for
 *   history-calls.c    how it is asked, and what the answers mean
 *   history-model.c    what was decided, as far as it was acknowledged
 *   history-view.c     what the service says
 *   history-watch.c    each attach and detach that the hypervisor was asked for: may that be?
 *   history-check.c    what holds at rest
 *
 * Nothing here knows how the service decides. */

#include "tests/bus/fixture.h"

enum { HISTORY_THINGS = 8, HISTORY_SOCKETS = 8, HISTORY_VMS = 3, HISTORY_STEPS = 50 };

/* ------------------------------------------------------------------ steps */

/* What is drawn from the seed, before anything happens: a step means the same without those before it. */
typedef struct Step {
    guint kind; /* in history-steps.c's table */
    guint32 a, b, c;
    bool races;    /* the next step doesn't wait until the service has nothing more to do */
    bool left_out; /* by who looks for the shortest one that fails */
} Step;

/* ------------------------------------------------------------------ decisions */

typedef struct Decision {
    char *path;
    char *vm;    /* path of the Machine */
    char *group; /* path; NULL = a single device */
    char *selector;
    char *quantity;
    char *tenant; /* path; NULL = nobody's */
    int priority;
    /* of a single device: the thing that was meant, and where it was used last; and whether one that can't be
     * told from it was there at the same time */
    int meant;
    const char *place;
    bool met_twin;
    bool knows_twin; /* and the service has had the time to see both */
    bool wanted;
    bool ended; /* released: it may be there until its device is home */
    bool doubt; /* it may have been released or detached: at rest the service says so */
} Decision;

typedef struct PoolRule {
    guint id;
    bool enabled;
    char *text;
} PoolRule;

typedef struct Pool {
    char *path;
    bool enabled;
    int priority;
    char *tenant;     /* path; "/" = nobody's */
    GPtrArray *rules; /* of PoolRule */
} Pool;

typedef struct Owner {
    char *path;     /* of the Tenant */
    GPtrArray *vms; /* of char *: paths, sorted */
} Owner;

typedef struct Model {
    bool enabled;
    GPtrArray *decisions; /* of Decision */
    GPtrArray *pools;
    GPtrArray *owners;
} Model;

/* What the service says: decisions as above, and where everything stands. */
typedef struct Standing {
    char *path, *state, *machine, *assignment, *tenant, *reason;
    unsigned number;
    bool pending;
    char *guest_reset; /* that the assignment stands for, in libvirt's words */
} Standing;

typedef struct View {
    Model *model;
    bool settling;
    char *hypervisor;
    GPtrArray *assignments; /* of Standing */
    GPtrArray *devices;
    GPtrArray *machines;
} View;

/* ------------------------------------------------------------------ the world */

typedef struct Thing {
    const char *name, *vendor, *product, *serial, *home;
    const char *other_product; /* after a mode switch */
} Thing;

extern const Thing history_things[HISTORY_THINGS];
extern const char *const history_sockets[HISTORY_SOCKETS];
extern const char *const history_vm_names[HISTORY_VMS];

/* A thing that is plugged in, or was until a moment ago: one enumeration of it. */
typedef struct Presence {
    int thing;
    const char *socket;
    const char *product;
    unsigned number;
    unsigned enumeration; /* 1, 2, … over all */
    bool gone;
    bool blocked;   /* the host doesn't authorize it */
    bool held;      /* a program of the host has it open */
    bool disturbed; /* the kernel takes it from who has it, or did */
} Presence;

/* What a VM has by the hypervisor's own words. */
typedef struct Holding {
    char *alias;
    unsigned number;
    unsigned enumeration; /* of what it got by that number; 0 = it cannot be known */
    unsigned life;        /* that the alias names */
    char *vendor, *product;
    char *guest_reset;
} Holding;

typedef struct Vm {
    char *uuid, *path;
    unsigned generation;
    char *state;
    unsigned life;
    GPtrArray *holdings; /* of Holding */
    char *shown;         /* the last line about it: NAME STATE LIFE HOSTDEVS */
} Vm;

typedef struct World {
    Fixture *fixture;
    guint32 seed;
    GString *story; /* what happened, for people */
    char *failure;  /* the first thing that must not be */
    bool is_wrong;  /* and no time will mend it */

    GPtrArray *presences; /* of Presence: what is there, and what went since the service was quiet last */
    unsigned enumerations;
    unsigned highest; /* device number so far */
    Vm vms[HISTORY_VMS];
    bool connected; /* libvirt */
    bool may_die;   /* the service was told to */
    bool broken;    /* it doesn't answer any more: it is dead, or about to be */
    unsigned starts;
    goffset log_read;

    Model *model;
    Model *adopts;       /* what a loose call was to change, until it was seen what it did */
    GPtrArray *recent;   /* of Model: how it was since the service was quiet last */
    GPtrArray *foreign;  /* of char *: "UUID NUMBER ENUMERATION" that other programs gave */
    bool foreign_is_new; /* the last of them: an attach may have been on its way then */
    GHashTable *ordered; /* alias → enumeration that had the number when the attach was asked for */
    GHashTable *had;     /* set of "assignment VM enumeration": once attached so */
    bool numb;           /* what the live XML shows may not be so */
    bool faulty;         /* the service can't always see what VMs have */
    unsigned names;
    struct OpenCall *call; /* the one that is open */
    unsigned background;   /* other calls without an answer: resets, rescans */
    bool was_reset;        /* one was asked for and may still be under way */
    unsigned orders;       /* attaches and detaches so far */
} World;

/* history-world.c */
World *world_new(Fixture *fixture, guint32 seed);
void world_free(World *world);
void world_say(World *world, const char *format, ...) G_GNUC_PRINTF(2, 3);
void world_fail(World *world, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Something was done that must not be. */
void world_wrong(World *world, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* True when the world can go on; else it has failed, or the service is gone and comes back. */
bool world_script(World *world, char **ret_answer, const char *format, ...) G_GNUC_PRINTF(3, 4);
void world_let_pass(World *world, unsigned ms);
/* Until the service has nothing more to do. */
void world_settle(World *world);
const Presence *world_present(World *world, int thing);
/* The number-th thing, round and round; those that look alike come more often. */
int world_choose(guint32 number);
/* That one or the next one that is plugged in; NULL = none is. */
const Presence *world_any_present(World *world, guint32 number);
const Presence *world_in_socket(World *world, const char *socket);
void world_plug(World *world, int thing, const char *socket, unsigned number, const char *product);
void world_unplug(World *world, int thing);
/* What the kernel says of it; false when it can't be asked. driver: new string. */
bool world_kernel(World *world, const Presence *presence, unsigned *ret_opens, char **ret_driver);
void world_announce(World *world, const Presence *presence, const char *action);
Vm *world_any_vm(World *world, guint32 number);
/* What udev was told: it ends the program when ten events wait. */
void world_let_read(World *world);
void world_define_vm(World *world, int i);
void world_restart(World *world, int signal_number);
/* After anything that may have killed it. */
void world_look_after_service(World *world);
/* No faults any more, and time to come to rest. */
void world_calm(World *world);

/* history-asks.c: the steps that ask the service for something */
void ask_assign_device(World *world, const Step *step);
void ask_assign_group(World *world, const Step *step);
void ask_release(World *world, const Step *step);
void ask_attach(World *world, const Step *step);
void ask_detach(World *world, const Step *step);
void ask_update(World *world, const Step *step);
void ask_create_group(World *world, const Step *step);
void ask_add_rule(World *world, const Step *step);
void ask_remove_rule(World *world, const Step *step);
void ask_update_group(World *world, const Step *step);
void ask_delete_group(World *world, const Step *step);
void ask_make_passthrough(World *world, const Step *step);
void ask_tenant(World *world, const Step *step);
void ask_tenant_vm(World *world, const Step *step);
void ask_grant(World *world, const Step *step);
void ask_revoke(World *world, const Step *step);
void ask_enable(World *world, const Step *step);
void ask_release_all(World *world, const Step *step);
void ask_apply(World *world, const Step *step);
void ask_reset(World *world, const Step *step);
void ask_rescan(World *world, const Step *step);

/* history-faults.c: the steps in which something goes wrong */
void step_disturb(World *world, const Step *step);
void step_authorize(World *world, const Step *step);
void step_open(World *world, const Step *step);
void step_error(World *world, const Step *step);
void step_delay(World *world, const Step *step);
void step_numb(World *world, const Step *step);
void step_hang(World *world, const Step *step);
void step_libvirt(World *world, const Step *step);
void step_die(World *world, const Step *step);
void step_kill(World *world, const Step *step);

/* history-steps.c */
GArray *history_draw(guint32 seed, guint n);
void history_take_step(World *world, const Step *step);

/* history-calls.c */
/* Asks for something, and goes on without the answer when the step races. after: what will have been decided
 * then (taken). */
typedef enum CallKind {
    CALL_CHANGES,    /* just that */
    CALL_ASSIGNS,    /* the last decision of after gets its path, and its selector */
    CALL_ADDS_RULE,  /* the last rule of the last pool of after gets its number, and the pool its place */
    CALL_LOOSE,      /* and things that are worked out from what else there is */
    CALL_BACKGROUND, /* no decision at all; takes its time */
} CallKind;
void calls_start(World *world, const Step *step, CallKind kind, Model *after, const char *path,
                 const char *interface, const char *member, const char *types, ...);
/* The open call allows it. */
bool calls_allow(const World *world, const char *assignment, const char *vm, const Presence *presence);
/* Until the open call is answered. */
void calls_finish(World *world);
/* It was killed: the answer will never come. After the new start. */
void calls_lost(World *world);
void calls_process(World *world);
/* What the service says now is what a loose call has changed. */
void calls_adopt(World *world, View *view);

/* history-model.c */
Model *history_model_new(void);
void decision_free(gpointer decision);
void pool_free(gpointer pool);
void owner_free(gpointer owner);
Decision *decision_copy(const Decision *decision);
Pool *pool_copy(const Pool *pool);
Owner *owner_copy(const Owner *owner);
Model *model_copy(const Model *model);
void history_model_free(gpointer model);
Decision *model_decision(const Model *model, const char *path);
Pool *model_pool(const Model *model, const char *path);
Owner *model_owner(const Model *model, const char *path);
/* What the service says otherwise than was decided. New string; NULL = nothing. */
char *model_differs(const Model *model, const Model *seen);
/* Of what was made when the service was killed, before it was asked for them. */
void model_learn_selectors(Model *model, const Model *seen);
/* Why this device may not be this decision's, by what was decided alone; NULL = it may. Static. */
const char *model_why_not(const Model *model, const Decision *decision, const Presence *presence);
bool rule_means(const char *rule, const Presence *presence);
/* A thing was plugged in: what cannot be told apart from it any more. */
void model_note_twins(const World *world, Model *model);
/* Whose it is by the grants: path; NULL = nobody's. */
const char *model_tenant_of(const Model *model, const Presence *presence);

/* history-view.c */
char *assignment_path(const char *id);
char *assignment_id(const char *path);
View *view_new(World *world); /* NULL: no answer */
void view_free(View *view);
const Standing *standing_find(const GPtrArray *standings, const char *path);

/* history-watch.c */
/* Reads what the hypervisor was asked for since the last time. */
void watch_calls(World *world);
void vm_clear_holdings(Vm *vm);

/* history-check.c */
void check_at_rest(World *world);
void check_on_the_way(World *world);
