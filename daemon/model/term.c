/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Moments, and how they are written. Called by who gives, stores and ends; touches nothing but its term. */

#include "daemon/model/term.h"

#include <string.h>
#include <time.h>

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

#define NS_PER_US 1000

int64_t term_now(void)
{
    struct timespec time;

    /* Can't fail: every kernel that we run on has this clock. */
    (void)clock_gettime(CLOCK_BOOTTIME, &time);
    return (int64_t)time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / NS_PER_US;
}

static void set_left(Term *term, int64_t left)
{
    term->ends_at = term_now() + left;
    term->ends_clock = g_get_real_time() + left;
}

void term_begin(Term *term)
{
    if (term->seconds)
        set_left(term, (int64_t)term->seconds * G_USEC_PER_SEC);
}

bool term_is_to_begin(const Term *term)
{
    return term->seconds && !term->ends_at;
}

bool term_is_over(const Term *term, int64_t now)
{
    return term->seconds && term->ends_at && term->ends_at <= now;
}

unsigned term_seconds_left(const Term *term, int64_t now)
{
    if (!term->seconds || term->ends_at <= now)
        return 0;
    return (unsigned)((term->ends_at - now + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
}

static bool has_begun(const Term *term)
{
    return term->seconds && term->ends_at;
}

const Term *term_next(const Term *one, const Term *other)
{
    if (!has_begun(one) || !has_begun(other))
        return has_begun(one) ? one : has_begun(other) ? other : NULL;
    return one->ends_at <= other->ends_at ? one : other;
}

/* ------------------------------------------------------------------ texts */

/* "" when the kernel doesn't say: another boot than any. */
static char *boot_id(void)
{
    char *id = NULL;

    if (!g_file_get_contents(BOOT_ID_PATH, &id, NULL, NULL))
        return g_strdup("");
    return g_strstrip(id);
}

char *term_print_end(const Term *term)
{
    g_autofree char *boot = NULL;

    if (!has_begun(term))
        return NULL;
    boot = boot_id();
    return g_strdup_printf("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %s", (gint64)term->ends_clock,
                           (gint64)term->ends_at, *boot ? boot : "-");
}

bool term_read_end(Term *term, const char *text)
{
    enum { CLOCK, AT, BOOT, N_PARTS };
    g_auto(GStrv) parts = g_strsplit(text, " ", N_PARTS);
    g_autofree char *boot = boot_id();
    guint64 clock = 0, at = 0;

    if (g_strv_length(parts) != N_PARTS ||
        !g_ascii_string_to_unsigned(parts[CLOCK], 10, 1, G_MAXINT64, &clock, NULL) ||
        !g_ascii_string_to_unsigned(parts[AT], 10, 1, G_MAXINT64, &at, NULL))
        return false;
    if (strcmp(parts[BOOT], boot) == 0) {
        term->ends_clock = (int64_t)clock;
        term->ends_at = (int64_t)at;
    } else {
        set_left(term, MAX((int64_t)clock - g_get_real_time(), 0));
    }
    return true;
}

void term_bound(Term *term)
{
    if (term->ends_at - term_now() > (int64_t)term->seconds * G_USEC_PER_SEC)
        term_begin(term);
}

char *term_clock_text(const Term *term)
{
    g_autoptr(GDateTime) end = g_date_time_new_from_unix_local(term->ends_clock / G_USEC_PER_SEC);
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    bool today = end && now && g_date_time_get_day_of_year(end) == g_date_time_get_day_of_year(now) &&
                 g_date_time_get_year(end) == g_date_time_get_year(now);
    char *text = end ? g_date_time_format(end, today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S") : NULL;

    return text ? text : g_strdup("later");
}

char *term_length_text(uint32_t seconds)
{
    static const struct {
        uint32_t seconds;
        const char *unit;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    g_autoptr(GString) text = g_string_new(NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(units); i++) {
        uint32_t n = seconds / units[i].seconds;

        seconds %= units[i].seconds;
        if (n)
            g_string_append_printf(text, "%s%u %s", text->len ? " " : "", n, units[i].unit);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}
