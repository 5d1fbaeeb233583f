/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls whose answer is waited for later. */

#include "tests/bus/cmocka-include.h"

#include "tests/bus/open-call.h"

#include <string.h>

static int note_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    OpenCall *call = userdata;
    const sd_bus_error *its = sd_bus_message_get_error(reply);

    call->name = g_strdup(its ? its->name : OPEN_CALL_OK);
    call->text = g_strdup(its ? its->message : "");
    return 0;
}

void open_call_va(Fixture *fixture, OpenCall *call, uid_t uid, const char *path, const char *interface,
                  const char *member, bool interactive, const char *types, va_list arguments)
{
    sd_bus_message *message = NULL;

    *call = (OpenCall){ .bus = fixture_connect(fixture, uid) };
    assert_true(
        sd_bus_message_new_method_call(call->bus, &message, FERRY_BUS_NAME, path, interface, member) >= 0);
    if (*types)
        assert_true(sd_bus_message_appendv(message, types, arguments) >= 0);
    assert_true(sd_bus_message_set_allow_interactive_authorization(message, interactive) >= 0);
    assert_true(sd_bus_call_async(call->bus, NULL, message, note_answer, call, UINT64_MAX) >= 0);
    assert_true(sd_bus_flush(call->bus) >= 0);
    sd_bus_message_unref(message);
}

void open_call(Fixture *fixture, OpenCall *call, uid_t uid, const char *path, const char *interface,
               const char *member, bool interactive, const char *types, ...)
{
    va_list arguments;

    va_start(arguments, types);
    open_call_va(fixture, call, uid, path, interface, member, interactive, types, arguments);
    va_end(arguments);
}

static bool is_answered(Fixture *fixture, void *userdata)
{
    OpenCall *call = userdata;

    while (sd_bus_process(call->bus, NULL) > 0)
        continue;
    return call->name;
}

char *open_call_finish(Fixture *fixture, OpenCall *call, const char *expected)
{
    char *text;

    fixture_wait_for(fixture, is_answered, call, "the call is answered");
    if (strcmp(call->name, expected) != 0) {
        fixture_print_log(fixture);
        fail_msg("%s: %s, expected %s", call->name, call->text, expected);
    }
    text = g_steal_pointer(&call->text);
    g_free(call->name);
    sd_bus_flush_close_unref(call->bus);
    return text;
}
