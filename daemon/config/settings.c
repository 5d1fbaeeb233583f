/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys of usbferry.conf, section by section. Called by dbus/run.c; reads one file. */

#include "daemon/config/settings.h"

#include <string.h>

#include "daemon/base/key-file-reader.h"
#include "daemon/config/written-file.h"
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

static bool read_waiting(KeyFileReader *reader, void *userdata)
{
    Settings *settings = userdata;
    bool on = true;
    bool ok = key_file_reader_flag(reader, &on);

    settings->hands_off_off = ok && !on;
    return ok;
}

static bool read_input(KeyFileReader *reader, void *userdata)
{
    Settings *settings = userdata;
    bool on = true;
    bool ok = key_file_reader_flag(reader, &on);

    settings->hands_off_input_off = ok && !on;
    return ok;
}

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

static const KeyFileKey hands_off_keys[] = {
    { "Waiting", read_waiting },
    { "Input", read_input },
    {},
};

/* The keys of the two without any are those of daemon/base/tuning.h. */
static const struct {
    const char *name;
    const KeyFileKey *keys;
} sections[] = {
    { "Service", service_keys },     { "Guards", guards_keys },      { "HandsOff", hands_off_keys },
    { TUNING_SECTION_LIMITS, NULL }, { TUNING_SECTION_TIMES, NULL },
};

typedef struct SettingsReader {
    Settings *settings;
    bool began[G_N_ELEMENTS(sections)];
    KeyFileKey tuning_keys[_TUNING_MAX + 1]; /* of the section that is read */
    unsigned tuning_lines[_TUNING_MAX];      /* 0 = it isn't there */
} SettingsReader;

/* ------------------------------------------------------------------ limits and times */

static bool read_tuning(KeyFileReader *reader, void *userdata)
{
    SettingsReader *seen = userdata;
    g_autofree char *value = key_file_reader_value(reader);
    g_autofree char *expected = NULL;
    Tuning tuning = 0;

    while (strcmp(tuning_section(tuning), reader->section) != 0 ||
           strcmp(tuning_key(tuning), reader->key->name) != 0)
        tuning++;
    seen->tuning_lines[tuning] = reader->line;
    if (tuning_parse(&seen->settings->tuning, tuning, value))
        return true;
    expected = tuning_expected(tuning);
    return key_file_reader_refuse_value(reader, FERRY_ERROR_INVALID_OPTION, expected);
}

static const KeyFileKey *tuning_keys(SettingsReader *seen, const char *section)
{
    KeyFileKey *key = seen->tuning_keys;

    for (Tuning tuning = 0; tuning < _TUNING_MAX; tuning++)
        if (strcmp(tuning_section(tuning), section) == 0)
            *key++ = (KeyFileKey){ tuning_key(tuning), read_tuning };
    *key = (KeyFileKey){};
    return seen->tuning_keys;
}

static bool check_tuning(KeyFileReader *reader, const SettingsReader *seen)
{
    Tuning tuning = 0;
    g_autofree char *contradiction = tuning_contradiction(&seen->settings->tuning, &tuning);

    return !contradiction || key_file_reader_refuse(reader, seen->tuning_lines[tuning],
                                                    FERRY_ERROR_INVALID_OPTION, "%s", contradiction);
}

/* ------------------------------------------------------------------ the file */

static const KeyFileKey *begin_section(KeyFileReader *reader, const char *section, void *userdata)
{
    SettingsReader *seen = userdata;
    g_autofree char *shown = key_file_reader_show(section);

    for (gsize i = 0; i < G_N_ELEMENTS(sections); i++) {
        if (strcmp(section, sections[i].name) != 0)
            continue;
        if (seen->began[i]) {
            key_file_reader_refuse(reader, reader->line, FERRY_ERROR_STORAGE, "[%s] is there twice", section);
            return NULL;
        }
        seen->began[i] = true;
        reader->keys_userdata = sections[i].keys ? (void *)seen->settings : seen;
        return sections[i].keys ? sections[i].keys : tuning_keys(seen, section);
    }
    key_file_reader_refuse(reader, reader->line, FERRY_ERROR_STORAGE,
                           "[%s]: expected [Service], [Guards], [HandsOff], [Limits] or [Times]", shown);
    return NULL;
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

    if (!key_file_reader_read(&reader, text) || !check_tuning(&reader, &seen))
        return false;
    *ret_settings = settings;
    settings = (Settings){};
    return true;
}

bool settings_read(Settings *ret_settings, GError **error)
{
    const char *variable = g_getenv(SETTINGS_VARIABLE);
    const char *path = variable ? variable : SETTINGS_FILE;
    g_autoptr(GError) failure = NULL;
    g_autofree char *text = written_file_read(path, &failure);

    if (text)
        return settings_from_text(text, path, ret_settings, error);
    if (!g_error_matches(failure, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    *ret_settings = (Settings){};
    return true;
}

void settings_clear(Settings *settings)
{
    g_free(settings->hypervisor_uri);
}
