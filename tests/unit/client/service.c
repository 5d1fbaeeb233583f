/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Both ends are sd-bus; each has its own connection and touches no other. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/client/service.h"

#include <sys/socket.h>

#include "client/bus/variant.h"
#include "tests/unit/client/fixture.h"

/* NULL = the client has left. */
static sd_bus_message *next_call(sd_bus *bus)
{
    for (;;) {
        sd_bus_message *message = NULL;
        int r = sd_bus_process(bus, &message);

        if (r > 0 && message && sd_bus_message_is_method_call(message, NULL, NULL))
            return message;
        sd_bus_message_unref(message);
        if (r < 0 || (r == 0 && sd_bus_wait(bus, UINT64_MAX) < 0))
            return NULL;
    }
}

static sd_bus_message *new_message(sd_bus *bus, const Step *step, sd_bus_message *call)
{
    const sd_bus_error error = SD_BUS_ERROR_MAKE_CONST("org.usbferry1.Error.NoSuchDevice", "gone");
    sd_bus_message *message = NULL;

    if (step->path)
        sd_bus_message_new_signal(bus, &message, step->path, step->interface, step->member);
    else if (step->text)
        sd_bus_message_new_method_return(call, &message);
    else
        sd_bus_message_new_method_error(call, &message, &error);
    if (message && step->text) {
        g_autoptr(GVariant) values = fixture_parse(step->text);
        variant_append(message, values);
    }
    return message;
}

static void *serve(void *userdata)
{
    Service *service = userdata;
    sd_bus *bus = NULL;
    sd_id128_t id = SD_ID128_MAKE(01, 02, 03, 04, 05, 06, 07, 08, 09, 0a, 0b, 0c, 0d, 0e, 0f, 10);

    if (sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, service->fd, service->fd) < 0 ||
        sd_bus_set_server(bus, true, id) < 0 || sd_bus_set_anonymous(bus, true) < 0 || sd_bus_start(bus) < 0)
        return bus;
    for (const Step *step = service->steps; step->sender; step++) {
        sd_bus_message *call = step->path ? NULL : next_call(bus);
        sd_bus_message *message = step->path || call ? new_message(bus, step, call) : NULL;

        if (message) {
            sd_bus_message_set_sender(message, step->sender);
            sd_bus_send(bus, message, NULL);
            sd_bus_flush(bus);
        }
        sd_bus_message_unref(message);
        sd_bus_message_unref(call);
    }
    sd_bus_message_unref(next_call(bus));
    sd_bus_unref(bus);
    return NULL;
}

void service_start(Service *service, Client *client, const Step *steps)
{
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    service->steps = steps;
    service->fd = fds[0];
    service->thread = g_thread_new("service", serve, service);
    assert_true(sd_bus_new(&client->bus) >= 0);
    assert_true(sd_bus_set_fd(client->bus, fds[1], fds[1]) >= 0);
    assert_true(sd_bus_start(client->bus) >= 0);
}

void service_stop(Service *service, Client *client)
{
    client_done(client);
    assert_null(g_thread_join(service->thread));
}
