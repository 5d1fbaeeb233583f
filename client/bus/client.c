/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens the bus, here or over ssh, sends calls and turns their errors into ours. Starts the agent before the
 * first call that changes anything. */

#include "client/bus/client.h"

#include <glib/gi18n.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/bus/agent.h"
#include "client/bus/escape.h"
#include "client/bus/path.h"
#include "dbus/names.h"

/* Time for a person to find the password, think it over and type it; longer than polkit's own patience. */
#define CHANGE_TIMEOUT_USEC (10 * 60 * G_USEC_PER_SEC)

void client_done(Client *client)
{
    agent_stop(client->agent);
    client->agent = 0;
    sd_bus_close_unref(client->bus);
    client->bus = NULL;
    g_clear_pointer(&client->host, g_free);
    g_clear_pointer(&client->hosts, g_strfreev);
}

/* One host has room for what helps; of several, each has one line. */
static GError *no_connection_error(const Client *client)
{
    g_autofree char *host = escape_text(client->host), *typed = escape_word(client->host);
    g_autofree char *hint =
        client->hosts
            ? g_strdup_printf(_("\n  What ssh says stands above. It takes a host of this name that "
                                "lets you in without a question,\n  and has systemd-stdio-bridge; try: "
                                "ssh %s systemd-stdio-bridge --version"),
                              typed)
            : g_strdup("");

    return g_error_new(CLIENT_ERROR, OUTCOME_FAILED, _("no connection to the bus of %s%s"), host, hint);
}

/* Before the bus said a word there was something else. */
static GError *not_a_bus_error(const Client *client)
{
    g_autofree char *host = escape_text(client->host), *typed = escape_word(client->host);
    g_autofree char *hint =
        client->hosts ? g_strdup_printf(_("\n  Mostly a shell there prints something at login, which it "
                                          "must not do without a terminal; see:\n  "
                                          "ssh %s systemd-stdio-bridge --version"),
                                        typed)
                      : g_strdup("");

    return g_error_new(CLIENT_ERROR, OUTCOME_FAILED, _("what comes from %s is not its bus%s"), host, hint);
}

bool client_connect(Client *client, GError **error)
{
    if (client->bus)
        return true;
    if (client->hosts && client->hosts[0] && client->hosts[1]) {
        g_set_error(
            error, CLIENT_ERROR, OUTCOME_USAGE,
            _("this is done on one host at a time: name one by -H; lists, the overview and watch take several"));
        return false;
    }

    int r = client->host ? sd_bus_open_system_remote(&client->bus, client->host)
                         : sd_bus_open_system(&client->bus);
    if (r < 0) {
        client->bus = NULL;
        if (client->host && (r == -EPIPE || r == -ECONNRESET || r == -ENOTCONN)) {
            /* a failed ssh has told why itself; whether it is noticed here or with the first call is chance
             */
            g_propagate_error(error, no_connection_error(client));
            return false;
        }
        g_autofree char *host = escape_text(client->host);
        if (client->host)
            g_set_error(error, CLIENT_ERROR, OUTCOME_FAILED, _("cannot connect to the system bus of %s: %s"),
                        host, g_strerror(-r));
        else
            g_set_error(error, CLIENT_ERROR, OUTCOME_FAILED, _("cannot connect to the system bus: %s"),
                        g_strerror(-r));
        return false;
    }

    return true;
}

sd_bus_message *client_new_call(Client *client, const char *path, const char *interface, const char *member,
                                GError **error)
{
    if (!client_connect(client, error))
        return NULL;

    sd_bus_message *call;
    int r = sd_bus_message_new_method_call(client->bus, &call, FERRY_BUS_NAME, path, interface, member);
    if (r == -ENOTCONN) {
        g_propagate_error(error, client_error_of_call(client, NULL, r));
        return NULL;
    }
    if (r < 0) {
        g_set_error(error, CLIENT_ERROR, OUTCOME_FAILED, _("cannot make the call %s: %s"), member,
                    g_strerror(-r));
        return NULL;
    }
    return call;
}

static GError *no_service_error(const Client *client, const GError *error)
{
    g_autofree char *host = escape_text(client->host), *typed = escape_word(client->host);

    return error_with_text(
        error, client->hosts
                   ? g_strdup_printf(_("the service usbferryd is not running on %s, and the bus there cannot "
                                       "start it\n  Is usbferry installed there? ssh %s systemctl status "
                                       "usbferryd tells more"),
                                     host, typed)
                   : g_strdup(_("the service usbferryd is not running there, and the bus cannot start it")));
}

GError *client_error_of_call(const Client *client, const sd_bus_error *bus_error, int r)
{
    /* of another host this is the first that is heard of a failed ssh, which has told why itself */
    if ((r == -ENOTCONN || r == -ECONNRESET) && client->host)
        return no_connection_error(client);
    if (r == -ENOTCONN || r == -ECONNRESET)
        return g_error_new_literal(CLIENT_ERROR, OUTCOME_FAILED, _("no connection to the bus"));

    if (client->host && r != -ETIMEDOUT && sd_bus_is_ready(client->bus) == 0)
        return not_a_bus_error(client);

    GError *error = error_from_bus(bus_error, r);
    if (!client->host ||
        (!error_is_named(error, "ServiceUnknown") && !error_is_named(error, "NameHasNoOwner")))
        return error;
    g_autoptr(GError) here = error;
    return no_service_error(client, here);
}

static sd_bus_message *send_call(Client *client, sd_bus_message *call, guint64 timeout_usec, GError **error)
{
    sd_bus_error bus_error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply;

    int r = sd_bus_call(client->bus, call, timeout_usec, &bus_error, &reply);
    if (r >= 0)
        return reply;

    g_propagate_error(error, client_error_of_call(client, &bus_error, r));
    sd_bus_error_free(&bus_error);
    return NULL;
}

sd_bus_message *client_read(Client *client, sd_bus_message *call, GError **error)
{
    return send_call(client, call, /* timeout_usec= */ 0, error);
}

sd_bus_message *client_change_quietly(Client *client, sd_bus_message *call, GError **error)
{
    return send_call(client, call, CHANGE_TIMEOUT_USEC, error);
}

/* What may help who was refused a right, as opposed to what nobody may do. */
static GError *add_rights_hint(const Client *client, const GError *error)
{
    const char *hint = "";

    if (error_is_named(error, "AccessDenied") || error_is_named(error, "AuthFailed") ||
        error_is_named(error, "InteractiveAuthorizationRequired"))
        hint = client->no_ask_password
                   ? _("\n  Nobody was asked for a password, as --no-ask-password says: use sudo")
               : client->host
                   ? _("\n  Nobody can be asked for a password over -H: use ssh -t and sudo there, "
                       "or -H root@HOST")
               : !isatty(STDIN_FILENO)
                   ? _("\n  Without a terminal nobody can be asked for a password: use sudo, or "
                       "ssh -t")
                   : _("\n  Use sudo. Who sits at this host needs no password as a member of the "
                       "group usbferry: sudo usermod -aG usbferry USER, then log in again");
    return error_with_text(error, g_strconcat(error->message, hint, NULL));
}

sd_bus_message *client_change(Client *client, sd_bus_message *call, GError **error)
{
    /* The question comes up where the service is: an agent at this end could not answer it. */
    if (!client->agent_tried && !client->host && !client->no_ask_password) {
        client->agent_tried = true;
        client->agent = agent_start();
    }

    int r = sd_bus_message_set_allow_interactive_authorization(call, !client->no_ask_password);
    if (r < 0) {
        g_propagate_error(error, error_from_bus(NULL, r));
        return NULL;
    }
    g_autoptr(GError) local = NULL;
    sd_bus_message *reply = send_call(client, call, CHANGE_TIMEOUT_USEC, &local);
    if (!reply)
        g_propagate_error(error, add_rights_hint(client, local));
    return reply;
}

static char *find(Client *client, const char *member, const char *text, GError **error)
{
    if (path_is_valid(text))
        return g_strdup(text);

    g_autoptr(sd_bus_message) call =
        client_new_call(client, FERRY_PATH_ROOT, FERRY_INTERFACE_MANAGER, member, error);
    if (!call)
        return NULL;
    int r = sd_bus_message_append(call, "s", text);
    if (r < 0) {
        g_propagate_error(error, error_from_bus(NULL, r));
        return NULL;
    }

    g_autoptr(sd_bus_message) reply = client_read(client, call, error);
    if (!reply)
        return NULL;
    const char *path;
    r = sd_bus_message_read(reply, "o", &path);
    if (r < 0) {
        g_propagate_error(error, error_from_bus(NULL, r));
        return NULL;
    }
    return g_strdup(path);
}

char *client_find_device(Client *client, const char *selector, GError **error)
{
    return find(client, "GetDevice", selector, error);
}

char *client_find_machine(Client *client, const char *name_or_uuid, GError **error)
{
    return find(client, "GetMachine", name_or_uuid, error);
}

char *client_find_group(Client *client, const char *name, GError **error)
{
    return find(client, "GetGroup", name, error);
}

char *client_find_tenant(Client *client, const char *name, GError **error)
{
    return find(client, "GetTenant", name, error);
}

bool client_wants_colors(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && !g_str_equal(term, "dumb");
}
