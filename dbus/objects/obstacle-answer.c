/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A verdict of polkit in one word, and a dictionary an obstacle. Called by the handlers of CheckAssign and
 * CheckRelease. */

#include "dbus/objects/obstacle-answer.h"

#include "daemon/manager/obstacles.h"
#include "dbus/bus/sd-bus-cleanup.h"
#include "dbus/names.h"
#include "dbus/service/path.h"

static const char *word(AuthorityVerdict verdict)
{
    switch (verdict) {
    case AUTHORITY_ALLOWED:
        return "yes";
    case AUTHORITY_CHALLENGE:
        return "challenge";
    case AUTHORITY_DENIED:
    case AUTHORITY_DISMISSED:
    case AUTHORITY_FAILED:
        break;
    }
    return "no";
}

static int append_obstacle(sd_bus_message *reply, const Obstacle *obstacle)
{
    g_autofree char *subject = object_path(obstacle->type, obstacle->subject);
    g_autofree char *error = *obstacle->error ? g_strconcat(FERRY_ERROR_PREFIX, obstacle->error, NULL) : NULL;

    return sd_bus_message_append(reply, "a{sv}", 4,           /* pairs */
                                 "Subject", "o", subject,     /**/
                                 "Code", "s", obstacle->code, /**/
                                 "Text", "s", obstacle->text, /**/
                                 "Error", "s", error ? error : "");
}

int obstacle_answer(sd_bus_message *message, AuthorityVerdict verdict, const GPtrArray *obstacles)
{
    g_autoptr(sd_bus_message) reply = NULL;
    int r = sd_bus_message_new_method_return(message, &reply);

    if (r >= 0)
        r = sd_bus_message_append(reply, "s", word(verdict));
    if (r >= 0)
        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "a{sv}");
    for (guint i = 0; r >= 0 && i < obstacles->len; i++)
        r = append_obstacle(reply, obstacles->pdata[i]);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}
