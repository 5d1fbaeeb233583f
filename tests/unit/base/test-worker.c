/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Workers: order, bounds, deadlines, and the pool's end. Jobs block on a gate, never on time. */

#include <glib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/base/error.h"
#include "daemon/base/worker.h"

#define SHORT_DEADLINE_MS 1
#define ABANDONED_MAX     32 /* as daemon/base/worker.c has it */

/* What jobs and test see of each other. */
typedef struct Gate {
    GMutex lock;
    GCond changed;
    bool open;
    unsigned pushed;
    unsigned entered;
    unsigned active;
    unsigned most_active;
    unsigned most_of_one; /* thread: jobs that it has run */
    unsigned inputs_freed;
    unsigned outputs_freed;
} Gate;

/* What done() and idle() saw; the main thread's. */
typedef struct Told {
    GString *log; /* "a b! idle(q)": done, done with error, idle */
    unsigned n_done;
    unsigned n_idle;
    gint n_freed; /* atomic: userdata that went without done() */
    GError *error;
    WorkerPool *free_in_done;
} Told;

typedef struct Input {
    Gate *gate;
    const char *name;
    bool waits; /* for the gate */
    bool fails;
    bool opens_when_freed;
    Told *told;
} Input;

static Gate *gate_new(void)
{
    Gate *gate = g_new0(Gate, 1);

    g_mutex_init(&gate->lock);
    g_cond_init(&gate->changed);
    return gate;
}

static void gate_open(Gate *gate)
{
    g_mutex_lock(&gate->lock);
    gate->open = true;
    g_cond_broadcast(&gate->changed);
    g_mutex_unlock(&gate->lock);
}

static unsigned gate_read(Gate *gate, const unsigned *value)
{
    unsigned read;

    g_mutex_lock(&gate->lock);
    read = *value;
    g_mutex_unlock(&gate->lock);
    return read;
}

static void gate_count(Gate *gate, unsigned *value)
{
    g_mutex_lock(&gate->lock);
    (*value)++;
    g_cond_broadcast(&gate->changed);
    g_mutex_unlock(&gate->lock);
}

static void gate_await(Gate *gate, const unsigned *value, unsigned wanted)
{
    g_mutex_lock(&gate->lock);
    while (*value < wanted)
        g_cond_wait(&gate->changed, &gate->lock);
    g_mutex_unlock(&gate->lock);
}

static void gate_free(Gate *gate)
{
    /* A job frees its input last: then no thread knows the gate any more. */
    gate_open(gate);
    gate_await(gate, &gate->inputs_freed, gate->pushed);
    g_mutex_clear(&gate->lock);
    g_cond_clear(&gate->changed);
    g_free(gate);
}

static void free_input(gpointer data)
{
    Input *input = data;
    Gate *gate = input->gate;
    bool opens = input->opens_when_freed;

    g_free(input);
    gate_count(gate, &gate->inputs_freed);
    if (opens)
        gate_open(gate);
}

typedef struct Output {
    Gate *gate;
    const char *name;
} Output;

static void free_output(gpointer data)
{
    Output *output = data;
    Gate *gate = output->gate;

    g_free(output);
    gate_count(gate, &gate->outputs_freed);
}

static _Thread_local unsigned jobs_of_thread;

static gpointer run(gpointer data, GError **error)
{
    Input *input = data;
    Gate *gate = input->gate;
    Output *output;

    g_mutex_lock(&gate->lock);
    gate->entered++;
    gate->active++;
    gate->most_active = MAX(gate->most_active, gate->active);
    jobs_of_thread++;
    gate->most_of_one = MAX(gate->most_of_one, jobs_of_thread);
    g_cond_broadcast(&gate->changed);
    while (input->waits && !gate->open)
        g_cond_wait(&gate->changed, &gate->lock);
    gate->active--;
    g_mutex_unlock(&gate->lock);

    if (input->fails) {
        g_set_error(error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR, "it broke");
        return NULL;
    }
    output = g_new0(Output, 1);
    *output = (Output){ .gate = gate, .name = input->name };
    return output;
}

static GThread *main_thread;

static void log_word(Told *told, const char *word, const char *mark)
{
    if (told->log->len > 0)
        g_string_append_c(told->log, ' ');
    g_string_append(told->log, word);
    g_string_append(told->log, mark);
}

static void done(gpointer data, const GError *error, void *userdata)
{
    Told *told = userdata;
    Output *output = data;

    assert_ptr_equal(g_thread_self(), main_thread);
    assert_true((output == NULL) == (error != NULL));
    told->n_done++;
    log_word(told, output ? output->name : "", output ? "" : "!");
    if (error) {
        g_clear_error(&told->error);
        told->error = g_error_copy(error);
    } else {
        g_free(output);
    }
    told->free_in_done = worker_pool_free(told->free_in_done);
}

static void idle(const char *queue, void *userdata)
{
    Told *told = userdata;

    assert_ptr_equal(g_thread_self(), main_thread);
    told->n_idle++;
    log_word(told, "idle:", queue);
}

static void free_told(gpointer data)
{
    Told *told = data;

    g_atomic_int_inc(&told->n_freed);
}

static Told *told_new(void)
{
    Told *told = g_new0(Told, 1);

    told->log = g_string_new(NULL);
    return told;
}

static void told_free(Told *told)
{
    g_string_free(told->log, TRUE);
    g_clear_error(&told->error);
    g_free(told);
}

static void push(WorkerPool *pool, const char *queue, unsigned deadline_ms, Input input)
{
    gate_count(input.gate, &input.gate->pushed);
    worker_pool_push(pool, &(WorkerJob){
                               .queue = queue,
                               .deadline_ms = deadline_ms,
                               .run = run,
                               .input = g_memdup2(&input, sizeof input),
                               .free_input = free_input,
                               .free_output = free_output,
                               .done = done,
                               .userdata = input.told,
                               .free_userdata = free_told,
                           });
}

static void iterate_until(const unsigned *value, unsigned wanted)
{
    while (*value < wanted)
        g_main_context_iteration(NULL, TRUE);
}

typedef struct Fixture {
    Gate *gate;
    Told *told;
    WorkerPool *pool;
} Fixture;

static int setup(void **state)
{
    Fixture *fixture = g_new0(Fixture, 1);

    main_thread = g_thread_self();
    fixture->gate = gate_new();
    fixture->told = told_new();
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    Fixture *fixture = *state;

    worker_pool_free(fixture->pool);
    gate_free(fixture->gate);
    told_free(fixture->told);
    g_free(fixture);
    return 0;
}

static void use_pool(Fixture *fixture, unsigned max_threads)
{
    fixture->pool = worker_pool_new(max_threads, idle, fixture->told);
}

static Input input(Fixture *fixture, const char *name)
{
    return (Input){ .gate = fixture->gate, .name = name, .told = fixture->told };
}

static Input blocked(Fixture *fixture, const char *name)
{
    Input blocked = input(fixture, name);

    blocked.waits = true;
    return blocked;
}

static void a_result_reaches_the_main_thread(void **state)
{
    Fixture *fixture = *state;

    use_pool(fixture, 1);
    push(fixture->pool, "q", 0, input(fixture, "a"));
    iterate_until(&fixture->told->n_done, 1);
    assert_string_equal(fixture->told->log->str, "a");
    gate_await(fixture->gate, &fixture->gate->inputs_freed, 1);
    assert_int_equal(gate_read(fixture->gate, &fixture->gate->outputs_freed), 0);
}

static void a_thread_stays_for_the_next_job(void **state)
{
    Fixture *fixture = *state;

    use_pool(fixture, 1);
    for (unsigned n = 1; n <= 10; n++) {
        push(fixture->pool, "q", 0, input(fixture, "a"));
        iterate_until(&fixture->told->n_done, n);
        gate_await(fixture->gate, &fixture->gate->inputs_freed, n);
    }
    assert_int_equal(gate_read(fixture->gate, &fixture->gate->most_of_one), 10);
}

static void an_error_reaches_the_main_thread(void **state)
{
    Fixture *fixture = *state;
    Input failing = input(fixture, "a");

    use_pool(fixture, 1);
    failing.fails = true;
    push(fixture->pool, "q", 0, failing);
    iterate_until(&fixture->told->n_done, 1);
    assert_true(g_error_matches(fixture->told->error, FERRY_ERROR, FERRY_ERROR_HYPERVISOR));
    assert_string_equal(fixture->told->error->message, "it broke");
}

static void one_queue_keeps_its_order(void **state)
{
    Fixture *fixture = *state;

    use_pool(fixture, 4);
    push(fixture->pool, "q", 0, blocked(fixture, "a"));
    gate_await(fixture->gate, &fixture->gate->entered, 1);
    for (const char *name = "b\0c\0d\0e\0f\0g\0h\0"; *name; name += 2)
        push(fixture->pool, "q", 0, input(fixture, name));
    /* There are threads enough, but not for this queue. */
    push(fixture->pool, "other", 0, input(fixture, "other"));
    iterate_until(&fixture->told->n_done, 1);
    assert_int_equal(gate_read(fixture->gate, &fixture->gate->entered), 2);

    gate_open(fixture->gate);
    iterate_until(&fixture->told->n_done, 9);
    assert_string_equal(fixture->told->log->str, "other a b c d e f g h");
}

static void queues_run_side_by_side_up_to_the_bound(void **state)
{
    Fixture *fixture = *state;

    use_pool(fixture, 2);
    for (const char *queue = "p\0q\0r\0s\0t\0"; *queue; queue += 2)
        push(fixture->pool, queue, 0, blocked(fixture, queue));
    /* A pool that ran one after the other would never get here. */
    gate_await(fixture->gate, &fixture->gate->entered, 2);
    gate_open(fixture->gate);
    iterate_until(&fixture->told->n_done, 5);
    assert_int_equal(fixture->gate->most_active, 2);
}

static void a_late_job_is_reported_and_closes_its_queue(void **state)
{
    Fixture *fixture = *state;

    use_pool(fixture, 1);
    push(fixture->pool, "q", SHORT_DEADLINE_MS, blocked(fixture, "late"));
    push(fixture->pool, "q", 0, input(fixture, "next"));
    iterate_until(&fixture->told->n_done, 1);
    assert_true(g_error_matches(fixture->told->error, FERRY_ERROR, FERRY_ERROR_TIMEOUT));

    /* The only thread hangs, and still another queue is served. */
    push(fixture->pool, "other", 0, input(fixture, "other"));
    iterate_until(&fixture->told->n_done, 2);
    assert_string_equal(fixture->told->log->str, "! other");

    gate_open(fixture->gate);
    iterate_until(&fixture->told->n_idle, 1);
    /* idle() comes once what waited has run, and the late result reached nobody. */
    assert_string_equal(fixture->told->log->str, "! other next idle:q");
    assert_int_equal(g_atomic_int_get(&fixture->told->n_freed), 0);
    gate_await(fixture->gate, &fixture->gate->outputs_freed, 1);
}

static void a_deadline_counts_from_the_start_of_the_job(void **state)
{
    Fixture *fixture = *state;

    use_pool(fixture, 1);
    push(fixture->pool, "q", SHORT_DEADLINE_MS, blocked(fixture, "late"));
    push(fixture->pool, "q", SHORT_DEADLINE_MS, blocked(fixture, "waits"));
    iterate_until(&fixture->told->n_done, 1);
    /* By now the second one's deadline is long over, had it begun when the job was pushed. */
    push(fixture->pool, "other", SHORT_DEADLINE_MS, blocked(fixture, "other"));
    iterate_until(&fixture->told->n_done, 2);
    /* Its thread may be later than its deadline. */
    gate_await(fixture->gate, &fixture->gate->entered, 2);
    assert_int_equal(gate_read(fixture->gate, &fixture->gate->entered), 2);
    assert_string_equal(fixture->told->log->str, "! !");
    gate_open(fixture->gate);
    iterate_until(&fixture->told->n_idle, 2);
    /* Whether it made its millisecond is the scheduler's: it was told once, that is all. */
    assert_int_equal(fixture->told->n_done, 3);
}

static void hung_threads_are_bounded(void **state)
{
    Fixture *fixture = *state;
    Gate *last = gate_new();
    Input last_input = { .gate = last, .name = "last", .waits = true, .told = fixture->told };

    use_pool(fixture, 1);
    for (unsigned i = 0; i < ABANDONED_MAX; i++) {
        g_autofree char *queue = g_strdup_printf("q%u", i);

        push(fixture->pool, queue, SHORT_DEADLINE_MS, blocked(fixture, "hung"));
        iterate_until(&fixture->told->n_done, i + 1);
    }
    push(fixture->pool, "last", SHORT_DEADLINE_MS, last_input);
    iterate_until(&fixture->told->n_done, ABANDONED_MAX + 1);

    /* The one too many keeps the only place in the pool. */
    push(fixture->pool, "other", 0, input(fixture, "other"));
    gate_open(fixture->gate);
    iterate_until(&fixture->told->n_idle, ABANDONED_MAX);
    assert_int_equal(gate_read(fixture->gate, &fixture->gate->entered), ABANDONED_MAX);

    gate_open(last);
    iterate_until(&fixture->told->n_done, ABANDONED_MAX + 2);
    assert_int_equal(gate_read(fixture->gate, &fixture->gate->entered), ABANDONED_MAX + 1);
    iterate_until(&fixture->told->n_idle, ABANDONED_MAX + 1);
    gate_free(last);
}

static void the_end_drops_what_waits_and_lets_run_what_runs(void **state)
{
    Fixture *fixture = *state;
    Input opener = input(fixture, "dropped");

    use_pool(fixture, 1);
    push(fixture->pool, "q", 0, blocked(fixture, "runs"));
    opener.opens_when_freed = true;
    push(fixture->pool, "q", 0, opener);
    gate_await(fixture->gate, &fixture->gate->entered, 1);
    fixture->pool = worker_pool_free(fixture->pool);

    assert_int_equal(gate_read(fixture->gate, &fixture->gate->active), 0);
    gate_await(fixture->gate, &fixture->gate->inputs_freed, 2);
    gate_await(fixture->gate, &fixture->gate->outputs_freed, 1);
    assert_int_equal(fixture->gate->entered, 1);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    assert_string_equal(fixture->told->log->str, "");
    assert_int_equal(g_atomic_int_get(&fixture->told->n_freed), 2);
}

static void the_end_does_not_wait_for_a_hung_job(void **state)
{
    Fixture *fixture = *state;

    use_pool(fixture, 1);
    push(fixture->pool, "q", SHORT_DEADLINE_MS, blocked(fixture, "hung"));
    /* Before the loop can find it late: it would be dropped, and not hang. */
    gate_await(fixture->gate, &fixture->gate->active, 1);
    iterate_until(&fixture->told->n_done, 1);
    fixture->pool = worker_pool_free(fixture->pool);
    assert_int_equal(gate_read(fixture->gate, &fixture->gate->active), 1);

    /* It comes back to a pool that its owner has forgotten. */
    gate_open(fixture->gate);
    gate_await(fixture->gate, &fixture->gate->inputs_freed, 1);
    gate_await(fixture->gate, &fixture->gate->outputs_freed, 1);
    assert_string_equal(fixture->told->log->str, "!");
    /* done() had the userdata, for the timeout. */
    assert_int_equal(g_atomic_int_get(&fixture->told->n_freed), 0);
}

static void the_pool_may_end_inside_done(void **state)
{
    Fixture *fixture = *state;

    use_pool(fixture, 2);
    push(fixture->pool, "p", 0, input(fixture, "a"));
    push(fixture->pool, "q", 0, input(fixture, "b"));
    /* Both results wait before the first is told. */
    gate_await(fixture->gate, &fixture->gate->inputs_freed, 2);
    fixture->told->free_in_done = g_steal_pointer(&fixture->pool);
    iterate_until(&fixture->told->n_done, 1);
    assert_null(fixture->told->free_in_done);
    gate_await(fixture->gate, &fixture->gate->outputs_freed, 1);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    assert_int_equal(fixture->told->n_done, 1);
    assert_int_equal(g_atomic_int_get(&fixture->told->n_freed), 1);
}

static void nothing_frees_nothing(void **state)
{
    assert_null(worker_pool_free(NULL));
}

#define WORKER_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKER_TEST(a_result_reaches_the_main_thread),
        WORKER_TEST(a_thread_stays_for_the_next_job),
        WORKER_TEST(an_error_reaches_the_main_thread),
        WORKER_TEST(one_queue_keeps_its_order),
        WORKER_TEST(queues_run_side_by_side_up_to_the_bound),
        WORKER_TEST(a_late_job_is_reported_and_closes_its_queue),
        WORKER_TEST(a_deadline_counts_from_the_start_of_the_job),
        WORKER_TEST(hung_threads_are_bounded),
        WORKER_TEST(the_end_drops_what_waits_and_lets_run_what_runs),
        WORKER_TEST(the_end_does_not_wait_for_a_hung_job),
        WORKER_TEST(the_pool_may_end_inside_done),
        cmocka_unit_test(nothing_frees_nothing),
    };

    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
