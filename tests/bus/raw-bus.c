/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages made and read byte by byte, in this machine's order. */

#include "tests/bus/deadline.h"
#include "tests/bus/raw-bus.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dbus/names.h"

#define FDS_MAX    16
#define READ_BYTES (1024 * 1024)

#define ENDIAN (G_BYTE_ORDER == G_LITTLE_ENDIAN ? 'l' : 'B')

enum { METHOD_CALL = 1, METHOD_RETURN, ERROR };
enum { NO_REPLY_EXPECTED = 1 };
enum { PATH = 1, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE, FDS };

/* Where things are in a header. */
enum { AT_TYPE = 1, AT_BODY_LENGTH = 4, AT_SERIAL = 8, AT_FIELDS_LENGTH = 12, AT_FIELDS = 16 };

/* ------------------------------------------------------------------ writing */

void raw_align(GByteArray *body, guint n)
{
    static const guint8 zeros[8];

    if (body->len % n)
        g_byte_array_append(body, zeros, n - body->len % n);
}

void raw_number(GByteArray *body, guint32 number)
{
    raw_align(body, sizeof number);
    g_byte_array_append(body, (const guint8 *)&number, sizeof number);
}

void raw_text(GByteArray *body, const char *text)
{
    gsize length = strlen(text);

    raw_number(body, (guint32)length);
    g_byte_array_append(body, (const guint8 *)text, (guint)length + 1);
}

void raw_long_text(GByteArray *body, char c, gsize n)
{
    guint at;

    raw_number(body, (guint32)n);
    at = body->len;
    g_byte_array_set_size(body, at + (guint)n + 1);
    memset(body->data + at, c, n);
    body->data[at + n] = '\0';
}

void raw_signature(GByteArray *body, const char *signature)
{
    guint8 length = (guint8)strlen(signature);

    g_byte_array_append(body, &length, 1);
    g_byte_array_append(body, (const guint8 *)signature, length + 1U);
}

RawArray raw_open_array(GByteArray *body, guint alignment)
{
    RawArray array;

    raw_number(body, 0);
    array.length_at = body->len - (guint)sizeof(guint32);
    raw_align(body, alignment);
    array.begin = body->len;
    return array;
}

void raw_close_array(GByteArray *body, RawArray array)
{
    guint32 length = body->len - array.begin;

    memcpy(body->data + array.length_at, &length, sizeof length);
}

static void add_field(GByteArray *header, guint8 code, char type, const char *text, guint32 number)
{
    const guint8 start[] = { code, 1, (guint8)type, 0 };

    raw_align(header, 8);
    g_byte_array_append(header, start, sizeof start);
    if (type == 'u') {
        raw_number(header, number);
    } else if (type == 'g') {
        raw_signature(header, text);
    } else {
        raw_text(header, text);
    }
}

static GByteArray *make_message(RawBus *bus, const char *destination, const char *path, const char *interface,
                                const char *member, const char *types, const GByteArray *body, guint n_fds)
{
    const guint8 start[] = { ENDIAN, METHOD_CALL, bus->no_answers ? NO_REPLY_EXPECTED : 0, 1 };
    GByteArray *message = g_byte_array_new();
    guint32 length;

    g_byte_array_append(message, start, sizeof start);
    raw_number(message, body ? body->len : 0);
    raw_number(message, ++bus->serial);
    raw_number(message, 0);
    add_field(message, PATH, 'o', path, 0);
    add_field(message, INTERFACE, 's', interface, 0);
    add_field(message, MEMBER, 's', member, 0);
    add_field(message, DESTINATION, 's', destination, 0);
    if (types && *types)
        add_field(message, SIGNATURE, 'g', types, 0);
    if (n_fds > 0)
        add_field(message, FDS, 'u', NULL, n_fds);
    length = message->len - AT_FIELDS;
    memcpy(message->data + AT_FIELDS_LENGTH, &length, sizeof length);
    raw_align(message, 8);
    if (body)
        g_byte_array_append(message, body->data, body->len);
    return message;
}

static bool send_all(int fd, const guint8 *data, gsize size, const int *fds, guint n_fds)
{
    union {
        char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
        struct cmsghdr header; /* aligned */
    } control = { .bytes = { 0 } };
    struct iovec part = { (void *)data, size };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

    if (n_fds > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
    }
    while (part.iov_len > 0) {
        ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);

        if (n < 0)
            return false;
        message.msg_control = NULL;
        message.msg_controllen = 0;
        part.iov_base = (char *)part.iov_base + n;
        part.iov_len -= (gsize)n;
    }
    return true;
}

bool raw_bus_call_with_fds(RawBus *bus, const char *path, const char *interface, const char *member,
                           const char *types, const GByteArray *body, const int *fds, guint n_fds)
{
    g_autoptr(GByteArray) message =
        make_message(bus, FERRY_BUS_NAME, path, interface, member, types, body, n_fds);

    return send_all(bus->fd, message->data, message->len, fds, n_fds);
}

bool raw_bus_call(RawBus *bus, const char *path, const char *interface, const char *member, const char *types,
                  const GByteArray *body)
{
    return raw_bus_call_with_fds(bus, path, interface, member, types, body, NULL, 0);
}

/* ------------------------------------------------------------------ reading */

void raw_answer_clear(RawAnswer *answer)
{
    g_clear_pointer(&answer->error, g_free);
    g_clear_pointer(&answer->text, g_free);
}

static guint32 number_at(const guint8 *data, gsize at)
{
    guint32 number;

    memcpy(&number, data + at, sizeof number);
    return number;
}

/* More bytes; false when none will come. */
static bool fill(RawBus *bus)
{
    struct pollfd poll_fd = { .fd = bus->fd, .events = POLLIN };
    guint had = bus->got->len;
    ssize_t n;

    if (poll(&poll_fd, 1, DEADLINE_MS) <= 0)
        return false;
    g_byte_array_set_size(bus->got, had + READ_BYTES);
    n = read(bus->fd, bus->got->data + had, READ_BYTES);
    g_byte_array_set_size(bus->got, had + (guint)MAX(n, 0));
    return n > 0;
}

/* What the header says, as far as it matters here. */
static void read_fields(const guint8 *data, gsize end, RawAnswer *answer, bool *ret_has_text)
{
    gsize at = AT_FIELDS;

    while ((at = (at + 7) & ~(gsize)7) < end) {
        guint8 code = data[at];
        char type = (char)data[at + 2];

        at += 4; /* code, and a signature of one type */
        if (type == 'g') {
            if (code == SIGNATURE)
                *ret_has_text = data[at + 1] == 's';
            at += data[at] + 2U;
        } else if (type == 'u') {
            if (code == REPLY_SERIAL)
                answer->serial = number_at(data, at);
            at += 4;
        } else {
            if (code == ERROR_NAME)
                answer->error = g_strdup((const char *)data + at + 4);
            at += 4 + number_at(data, at) + 1;
        }
    }
}

/* One message; false when it isn't there yet. */
static bool take(RawBus *bus, RawAnswer *answer, guint8 *ret_type)
{
    const guint8 *data = bus->got->data;
    gsize fields_end, body_at, total;
    bool has_text = false;

    if (bus->got->len < AT_FIELDS)
        return false;
    fields_end = AT_FIELDS + number_at(data, AT_FIELDS_LENGTH);
    body_at = (fields_end + 7) & ~(gsize)7;
    total = body_at + number_at(data, AT_BODY_LENGTH);
    if (bus->got->len < total)
        return false;
    *ret_type = data[AT_TYPE];
    read_fields(data, fields_end, answer, &has_text);
    answer->text = g_strdup(has_text ? (const char *)data + body_at + 4 : "");
    g_byte_array_remove_range(bus->got, 0, (guint)total);
    return true;
}

bool raw_bus_read(RawBus *bus, RawAnswer *answer)
{
    for (;;) {
        guint8 type = 0;

        raw_answer_clear(answer);
        if (!take(bus, answer, &type)) {
            if (!fill(bus))
                return false;
        } else if (type == METHOD_RETURN || type == ERROR) {
            return true;
        }
    }
}

bool raw_bus_answer(RawBus *bus, RawAnswer *answer)
{
    do
        if (!raw_bus_read(bus, answer))
            return false;
    while (answer->serial != bus->serial);
    return true;
}

/* ------------------------------------------------------------------ begin and end */

static bool say(int fd, const char *line)
{
    char c = '\0';

    if (!send_all(fd, (const guint8 *)line, strlen(line), NULL, 0))
        return false;
    while (c != '\n')
        if (read(fd, &c, 1) != 1)
            return false;
    return true;
}

static bool greet(RawBus *bus)
{
    g_autofree char *uid = g_strdup_printf("%u", (unsigned)geteuid());
    g_autoptr(GString) hello = g_string_new("AUTH EXTERNAL ");
    g_auto(RawAnswer) answer = {};
    g_autoptr(GByteArray) message = NULL;

    for (const char *c = uid; *c; c++)
        g_string_append_printf(hello, "%02x", (unsigned)*c);
    g_string_append(hello, "\r\n");
    if (!send_all(bus->fd, (const guint8 *)"", 1, NULL, 0) || !say(bus->fd, hello->str) ||
        !say(bus->fd, "NEGOTIATE_UNIX_FD\r\n") ||
        !send_all(bus->fd, (const guint8 *)"BEGIN\r\n", strlen("BEGIN\r\n"), NULL, 0))
        return false;
    message = make_message(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                           "Hello", NULL, NULL, 0);
    return send_all(bus->fd, message->data, message->len, NULL, 0) && raw_bus_answer(bus, &answer) &&
           !answer.error;
}

RawBus *raw_bus_new(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    g_autoptr(RawBus) bus = g_new0(RawBus, 1);

    bus->got = g_byte_array_new();
    bus->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    if (bus->fd < 0 || connect(bus->fd, (const struct sockaddr *)&address, sizeof address) < 0 || !greet(bus))
        return NULL;
    return g_steal_pointer(&bus);
}

RawBus *raw_bus_free(RawBus *bus)
{
    if (!bus)
        return NULL;
    if (bus->fd >= 0)
        close(bus->fd);
    g_byte_array_unref(bus->got);
    g_free(bus);
    return NULL;
}
