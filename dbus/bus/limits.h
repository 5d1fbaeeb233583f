/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How much of everything a caller gets, in one place. dbus/bus and dbus/rights enforce it. The limits of what
 * is stored, names and numbers of groups and so on, are the core's, in daemon/model and daemon/manager; those
 * here are wider, so that the core can say what is wrong with a name that is only too long. */

/* ------------------------------------------------------------------ what a call brings */

/* One text, and one object path, in bytes. dbus/bus/door.c has the exceptions. */
#define LIMIT_TEXT 8192
#define LIMIT_PATH 1024
/* All texts and paths of a call together: a group has at most 4096 rules, one for each device that is named.
 */
#define LIMIT_TEXTS (512 * 1024)
/* Values of a call, each element of an array and each container among them. */
#define LIMIT_VALUES 8192
/* Containers within each other. */
#define LIMIT_DEPTH 8

/* ------------------------------------------------------------------ what it gets back */

/* The text of an error, in bytes. */
#define LIMIT_ERROR_TEXT 4096
/* A message: the bus cuts off who sends one of 32 MiB. */
#define LIMIT_MESSAGE (31 * 1024 * 1024)
/* Messages that the bus has not taken yet, before the next call is read. */
#define LIMIT_UNSENT 16

/* ------------------------------------------------------------------ what it can make the service do */

/* Calls that are kept until the bus has said who calls, or polkit has answered. Of one connection: as many as
 * the bus lets wait for an answer; who wants none could have any number. Of all: those with more than
 * LIMIT_TEXT bytes. */
#define LIMIT_CALLS_PER_CONNECTION 128
#define LIMIT_LONG_CALLS           16
/* From one rescan to the next, and the calls that may wait for it. */
#define LIMIT_RESCAN_INTERVAL_MS 1000
#define LIMIT_RESCANS_WAITING    1024
/* From one line of the log to the next of its kind, where a caller can cause it. */
#define LIMIT_LOG_INTERVAL_S 60
