/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of figures that people may set, and how they are written. Called by daemon/config/settings.c,
 * dbus/run.c and everybody who goes by one; touches nothing. */

#include "daemon/base/tuning.h"

#include <string.h>

#define MS_US  ((gint64)1000)
#define S_US   ((gint64)G_USEC_PER_SEC)
#define MIN_US (60 * S_US)
#define H_US   (60 * MIN_US)

/* Below libvirtd's own 20 workers: as many VMs may hang at the same time before each is given up. The most
 * leaves room below TasksMax= for those that were given up. */
#define WORKERS     12
#define WORKERS_MAX 64

/* GetHistory tells them in one answer. */
#define HISTORY_SETTABLE_MAX 5000

static const struct {
    const char *section, *key;
    gint64 usual, min, max;
} rows[_TUNING_MAX] = {
#define LIMIT(key_, usual_, min_, max_)                 \
    {                                                   \
        TUNING_SECTION_LIMITS, key_, usual_, min_, max_ \
    }
#define TIME(key_, usual_, min_, max_)                 \
    {                                                  \
        TUNING_SECTION_TIMES, key_, usual_, min_, max_ \
    }
    [TUNING_ASSIGNMENTS] = LIMIT("Assignments", ASSIGNMENTS_MAX, 1, ASSIGNMENTS_MAX),
    [TUNING_ASSIGNMENTS_PER_USER] =
        LIMIT("AssignmentsPerUser", ASSIGNMENTS_PER_OWNER_MAX, 0, ASSIGNMENTS_MAX),
    [TUNING_ASSIGNMENTS_PER_TENANT] =
        LIMIT("AssignmentsPerTenant", ASSIGNMENTS_PER_TENANT_MAX, 0, ASSIGNMENTS_MAX),
    [TUNING_ASSIGNMENTS_FOR_ROOT] = LIMIT("AssignmentsForRoot", ASSIGNMENTS_FOR_ROOT, 0, ASSIGNMENTS_MAX - 1),
    [TUNING_GROUPS] = LIMIT("Groups", GROUPS_MAX, 1, GROUPS_MAX),
    [TUNING_TENANTS] = LIMIT("Tenants", TENANTS_MAX, 0, TENANTS_MAX),
    [TUNING_QUESTIONS_PER_USER] = LIMIT("QuestionsPerUser", LIMIT_QUESTIONS_PER_USER, 1, LIMIT_QUESTIONS),
    [TUNING_HISTORY] = LIMIT("History", HISTORY_MAX, 1, HISTORY_SETTABLE_MAX),
    [TUNING_WORKERS] = LIMIT("Workers", WORKERS, 2, WORKERS_MAX),
    [TUNING_STEADY] = TIME("Steady", STEADY_US, 100 * MS_US, 30 * S_US),
    [TUNING_QUARANTINE_FIRST] = TIME("QuarantineFirst", QUARANTINE_FIRST_US, 1 * S_US, 1 * H_US),
    [TUNING_QUARANTINE_LAST] = TIME("QuarantineLast", QUARANTINE_LAST_US, 1 * S_US, 1 * H_US),
    [TUNING_REPLUG] = TIME("Replug", REPLUG_SPAN_US, 5 * S_US, 60 * S_US),
    [TUNING_FOLLOW] = TIME("Follow", FOLLOW_US, 1 * S_US, 10 * MIN_US),
    [TUNING_PING] = TIME("Ping", PING_US, 1 * S_US, 60 * S_US),
    [TUNING_HANG] = TIME("Hang", MACHINE_HANGS_US, 10 * S_US, 10 * MIN_US),
    [TUNING_COME_BACK] = TIME("ComeBack", COME_BACK_US, 5 * S_US, 5 * MIN_US),
    [TUNING_POWER_OFF] = TIME("PowerOff", POWER_OFF_US, 500 * MS_US, 30 * S_US),
#undef LIMIT
#undef TIME
};

static const struct {
    const char *name;
    gint64 us;
} units[] = { { "h", H_US }, { "min", MIN_US }, { "s", S_US }, { "ms", MS_US } };

static const struct {
    Tuning larger, smaller;
    bool or_equal;
} relations[] = {
    { TUNING_ASSIGNMENTS, TUNING_ASSIGNMENTS_FOR_ROOT, .or_equal = false },
    { TUNING_QUARANTINE_LAST, TUNING_QUARANTINE_FIRST, .or_equal = true },
    { TUNING_HANG, TUNING_PING, .or_equal = false },
};

static TuningSet current;

gint64 tuning_in_set(const TuningSet *set, Tuning tuning)
{
    return rows[tuning].usual + set->changed[tuning];
}

gint64 tuning_get(Tuning tuning)
{
    return tuning_in_set(&current, tuning);
}

void tuning_set(const TuningSet *set)
{
    current = *set;
}

/* ------------------------------------------------------------------ as they are written */

const char *tuning_section(Tuning tuning)
{
    return rows[tuning].section;
}

const char *tuning_key(Tuning tuning)
{
    return rows[tuning].key;
}

static bool is_time(Tuning tuning)
{
    return strcmp(rows[tuning].section, TUNING_SECTION_TIMES) == 0;
}

/* 0 for what is no unit. */
static gint64 unit_of(Tuning tuning, const char *text)
{
    if (!is_time(tuning))
        return *text ? 0 : 1;
    for (gsize i = 0; i < G_N_ELEMENTS(units); i++)
        if (strcmp(text, units[i].name) == 0)
            return units[i].us;
    return 0;
}

bool tuning_parse(TuningSet *set, Tuning tuning, const char *text)
{
    gsize digits = strspn(text, "0123456789");
    g_autofree char *number_text = g_strndup(text, digits);
    gint64 unit = unit_of(tuning, text + digits);
    gint64 number, value;

    if (!unit || !g_ascii_string_to_signed(number_text, 10, 0, G_MAXINT64 / unit, &number, NULL))
        return false;
    value = number * unit;
    if (value < rows[tuning].min || value > rows[tuning].max)
        return false;
    set->changed[tuning] = value - rows[tuning].usual;
    return true;
}

char *tuning_print(Tuning tuning, gint64 value)
{
    gsize i;

    if (!is_time(tuning))
        return g_strdup_printf("%" G_GINT64_FORMAT, value);
    for (i = 0; i < G_N_ELEMENTS(units) - 1; i++)
        if (value % units[i].us == 0)
            break;
    return g_strdup_printf("%" G_GINT64_FORMAT "%s", value / units[i].us, units[i].name);
}

char *tuning_expected(Tuning tuning)
{
    g_autofree char *min = tuning_print(tuning, rows[tuning].min);
    g_autofree char *max = tuning_print(tuning, rows[tuning].max);
    g_autofree char *usual = tuning_print(tuning, rows[tuning].usual);

    return is_time(tuning) ? g_strdup_printf("a time from %s to %s, such as %s", min, max, usual)
                           : g_strdup_printf("a number from %s to %s", min, max);
}

char *tuning_contradiction(const TuningSet *set, Tuning *ret_tuning)
{
    for (gsize i = 0; i < G_N_ELEMENTS(relations); i++) {
        Tuning larger = relations[i].larger, smaller = relations[i].smaller;
        gint64 one = tuning_in_set(set, larger), other = tuning_in_set(set, smaller);
        g_autofree char *one_text = tuning_print(larger, one);
        g_autofree char *other_text = tuning_print(smaller, other);

        if (one > other || (relations[i].or_equal && one == other))
            continue;
        *ret_tuning = set->changed[larger] ? larger : smaller;
        return g_strdup_printf("%s=%s must be %s %s=%s", rows[larger].key, one_text,
                               relations[i].or_equal ? "at least" : "more than", rows[smaller].key,
                               other_text);
    }
    return NULL;
}
