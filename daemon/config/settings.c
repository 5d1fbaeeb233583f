/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys of usbferry.conf, section by section. Called by dbus/run.c; reads one file. */

#include "daemon/config/settings.h"

#include <string.h>

#include "daemon/base/key-file-reader.h"
#include "daemon/guards/host-use.h"

#define SETTINGS_VARIABLE "FERRY_CONFIG"
#define SETTINGS_FILE     "/etc/usbferry/usbferry.conf"

static bool read_uri(KeyFileReader *reader, void *userdata)
{
    Settings *settings = userdata;

    return key_file_reader_text(reader, &settings->hypervisor_uri);
}

static bool read_guard(KeyFileReader *reader, Settings *settings, HostUseKind kind)
{
    bool on = true;

    if (!key_file_reader_flag(reader, &on))
        return false;
    if (!on)
        settings->guards_off |= 1u << kind;
    return true;
}

#define GUARD_READER(name, kind)                                   \
    static bool read_##name(KeyFileReader *reader, void *userdata) \
    {                                                              \
        return read_guard(reader, userdata, kind);                 \
    }                                                              \
    struct _guard_reader_##name

GUARD_READER(last_keyboard, HOST_USE_LAST_KEYBOARD);
GUARD_READER(last_pointer, HOST_USE_LAST_POINTER);
GUARD_READER(root, HOST_USE_ROOT);
GUARD_READER(mounted, HOST_USE_MOUNTED);
GUARD_READER(swap, HOST_USE_SWAP);
GUARD_READER(holder, HOST_USE_HOLDER);
GUARD_READER(default_route, HOST_USE_DEFAULT_ROUTE);
GUARD_READER(claimed, HOST_USE_CLAIMED);
GUARD_READER(security_key, HOST_USE_SECURITY_KEY);

static const KeyFileKey service_keys[] = {
    { "HypervisorURI", read_uri },
    {},
};

static const KeyFileKey guards_keys[] = {
    { "LastKeyboard", read_last_keyboard },
    { "LastPointer", read_last_pointer },
    { "Root", read_root },
    { "Mounted", read_mounted },
    { "Swap", read_swap },
    { "Holder", read_holder },
    { "DefaultRoute", read_default_route },
    { "Claimed", read_claimed },
    { "SecurityKey", read_security_key },
    {},
};

typedef struct SettingsReader {
    Settings *settings;
    bool service, guards; /* began */
} SettingsReader;

static const KeyFileKey *begin_section(KeyFileReader *reader, const char *section, void *userdata)
{
    SettingsReader *seen = userdata;
    bool is_guards = strcmp(section, "Guards") == 0;
    bool *began = is_guards ? &seen->guards : &seen->service;
    g_autofree char *shown = key_file_reader_show(section);

    if (!is_guards && strcmp(section, "Service") != 0) {
        key_file_reader_refuse(reader, reader->line, FERRY_ERROR_STORAGE,
                               "[%s]: expected [Service] or [Guards]", shown);
        return NULL;
    }
    if (*began) {
        key_file_reader_refuse(reader, reader->line, FERRY_ERROR_STORAGE, "[%s] is there twice", section);
        return NULL;
    }
    *began = true;
    reader->keys_userdata = seen->settings;
    return is_guards ? guards_keys : service_keys;
}

bool settings_from_text(const char *text, const char *path, Settings *ret_settings, GError **error)
{
    g_auto(Settings) settings = {};
    SettingsReader seen = { .settings = &settings };
    KeyFileReader reader = {
        .path = path,
        .first = "[Service]",
        .error = error,
        .begin = begin_section,
        .userdata = &seen,
    };

    if (!key_file_reader_read(&reader, text))
        return false;
    *ret_settings = settings;
    settings = (Settings){};
    return true;
}

bool settings_read(Settings *ret_settings, GError **error)
{
    const char *variable = g_getenv(SETTINGS_VARIABLE);
    const char *path = variable ? variable : SETTINGS_FILE;
    g_autofree char *text = NULL;
    g_autoptr(GError) failure = NULL;
    gsize length = 0;

    if (!g_file_get_contents(path, &text, &length, &failure)) {
        if (!g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
        *ret_settings = (Settings){};
        return true;
    }
    if (strlen(text) != length) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_STORAGE, "%s: expected text, found a zero byte", path);
        return false;
    }
    return settings_from_text(text, path, ret_settings, error);
}

void settings_clear(Settings *settings)
{
    g_free(settings->hypervisor_uri);
}
