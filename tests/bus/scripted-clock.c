/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes the place of the C library's clock_gettime(), poll() and ppoll() in the scripted service: that is
 * where GLib and sd-bus ask for the time, and wait for it. */

#include "tests/bus/scripted-clock.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S  1000000000L
#define NS_PER_US 1000L
#define US_PER_MS 1000

/* Until threads that work are looked at again. */
#define WORK_NS (100 * NS_PER_US)

typedef struct Wait {
    GCond over;
    gint64 until;
} Wait;

static struct {
    gint64 skipped;  /* atomic: µs that were skipped so far */
    gint64 realtime; /* atomic: µs that CLOCK_REALTIME was moved by */
    bool counts_work;
    bool runs;
    gint64 until;
    void (*done)(void *userdata);
    void *userdata;
    GMutex lock;      /* of waits */
    GPtrArray *waits; /* of Wait, borrowed */
} self;

/* ------------------------------------------------------------------ clocks */

int clock_gettime(clockid_t clock, struct timespec *time)
{
    gint64 moved = __atomic_load_n(&self.skipped, __ATOMIC_RELAXED);
    long r = syscall(SYS_clock_gettime, clock, time);

    if (clock == CLOCK_THREAD_CPUTIME_ID && !self.counts_work)
        *time = (struct timespec){};
    if (r < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
        return (int)r;
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        moved += __atomic_load_n(&self.realtime, __ATOMIC_RELAXED);
    time->tv_sec += moved / G_USEC_PER_SEC;
    time->tv_nsec += moved % G_USEC_PER_SEC * NS_PER_US;
    if (time->tv_nsec >= NS_PER_S) {
        time->tv_sec++;
        time->tv_nsec -= NS_PER_S;
    } else if (time->tv_nsec < 0) {
        time->tv_sec--;
        time->tv_nsec += NS_PER_S;
    }
    return 0;
}

static gint64 now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (gint64)time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / NS_PER_US;
}

/* GLib reads CLOCK_REALTIME by this one. */
int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    struct timespec spec;

    clock_gettime(CLOCK_REALTIME, &spec);
    time->tv_sec = spec.tv_sec;
    time->tv_usec = spec.tv_nsec / NS_PER_US;
    return 0;
}

void scripted_clock_count_work(void)
{
    self.counts_work = true;
}

void scripted_clock_jump(gint64 time_us)
{
    __atomic_add_fetch(&self.realtime, time_us, __ATOMIC_RELAXED);
}

/* ------------------------------------------------------------------ waits of workers */

void scripted_clock_wait(gint64 time_us, GMutex *lock)
{
    Wait wait = { .until = now() + time_us };

    g_cond_init(&wait.over);
    g_mutex_lock(&self.lock);
    if (!self.waits)
        self.waits = g_ptr_array_new();
    g_ptr_array_add(self.waits, &wait);
    g_mutex_unlock(&self.lock);
    while (now() < wait.until)
        g_cond_wait_until(&wait.over, lock, g_get_monotonic_time() + MAX(wait.until - now(), 1));
    g_mutex_lock(&self.lock);
    g_ptr_array_remove(self.waits, &wait);
    g_mutex_unlock(&self.lock);
    g_cond_clear(&wait.over);
}

/* The next one's end; G_MAXINT64 = there is none. */
static gint64 next_wait(void)
{
    gint64 next = G_MAXINT64;

    g_mutex_lock(&self.lock);
    for (guint i = 0; self.waits && i < self.waits->len; i++)
        next = MIN(next, ((const Wait *)self.waits->pdata[i])->until);
    g_mutex_unlock(&self.lock);
    return next;
}

static void end_waits(void)
{
    g_mutex_lock(&self.lock);
    for (guint i = 0; self.waits && i < self.waits->len; i++)
        g_cond_signal(&((Wait *)self.waits->pdata[i])->over);
    g_mutex_unlock(&self.lock);
}

/* ------------------------------------------------------------------ the main loop's wait */

static bool is_asleep(const char *task)
{
    char path[64], text[256];
    const char *state;
    FILE *file;
    gsize n;

    (void)snprintf(path, sizeof path, "/proc/self/task/%s/stat", task);
    file = fopen(path, "re");
    if (!file)
        return true; /* it has ended */
    n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    state = strrchr(text, ')');
    return !state || state[2] == 'S';
}

/* Every thread but this one waits for something. */
static bool others_sleep(void)
{
    g_autoptr(GDir) tasks = g_dir_open("/proc/self/task", 0, NULL);
    g_autofree char *mine = g_strdup_printf("%ld", syscall(SYS_gettid));
    const char *task;

    while (tasks && (task = g_dir_read_name(tasks)))
        if (strcmp(task, mine) != 0 && !is_asleep(task))
            return false;
    return true;
}

static int plain_poll(struct pollfd *fds, nfds_t n, gint64 time_ns, const sigset_t *signals)
{
    struct timespec time = { .tv_sec = time_ns / NS_PER_S, .tv_nsec = time_ns % NS_PER_S };

    return (int)syscall(SYS_ppoll, fds, n, time_ns < 0 ? NULL : &time, signals, (size_t)8);
}

static void finish(void)
{
    self.runs = false;
    self.done(self.userdata);
}

/* Nothing is on its way: the next that would happen happens now. What is left of the time to wait. */
static gint64 skip(gint64 left)
{
    gint64 moment = now(), wait = next_wait();
    gint64 step = self.until - moment;

    if (left >= 0)
        step = MIN(step, left);
    if (wait != G_MAXINT64)
        step = MIN(step, wait - moment);
    if (step > 0)
        __atomic_add_fetch(&self.skipped, step, __ATOMIC_RELAXED);
    if (now() >= wait)
        end_waits();
    else if (now() >= self.until)
        finish();
    return left < 0 ? left : MAX(left - MAX(step, 0), 0);
}

/* left: in µs; negative = without an end. */
static int wait_for(struct pollfd *fds, nfds_t n, gint64 left, const sigset_t *signals)
{
    if (syscall(SYS_gettid) != getpid())
        return plain_poll(fds, n, left < 0 ? -1 : left * NS_PER_US, signals);
    while (self.runs) {
        /* One that was asleep may have been woken by the next one, before that was looked at. */
        bool quiet = others_sleep() && others_sleep();
        int r = plain_poll(fds, n, quiet || left == 0 ? 0 : WORK_NS, signals);

        if (r != 0 || left == 0)
            return r;
        if (quiet)
            left = skip(left);
        if (left == 0 || !self.runs)
            return 0;
    }
    return plain_poll(fds, n, left < 0 ? -1 : left * NS_PER_US, signals);
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    return wait_for(fds, n, timeout < 0 ? -1 : (gint64)timeout * US_PER_MS, NULL);
}

/* That of newer GLibs. sd-bus has it as well, for its one socket alone: that is no wait of the main loop. */
int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *signals)
{
    gint64 left = -1;

    if (timeout)
        left = (gint64)timeout->tv_sec * G_USEC_PER_SEC + (timeout->tv_nsec + NS_PER_US - 1) / NS_PER_US;
    if (n == 1)
        return plain_poll(fds, n, left < 0 ? -1 : left * NS_PER_US, signals);
    return wait_for(fds, n, left, signals);
}

void scripted_clock_run(gint64 time_us, void (*done)(void *userdata), void *userdata)
{
    g_assert(!self.runs);
    self.runs = true;
    self.until = now() + time_us;
    self.done = done;
    self.userdata = userdata;
}
