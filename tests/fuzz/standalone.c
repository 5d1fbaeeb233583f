/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs a fuzz entry without libFuzzer: mutates the given files, always in the same way.
 *
 *     fuzz-rule-standalone RUNS FILE…
 *     fuzz-rule-standalone =RUN FILE…       one run again, after the number that a failure has printed */

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

/* Of one input. */
#define MUTATIONS_MAX   8
#define INPUT_BYTES_MAX 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Only there with a sanitizer. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static long current_run;

static void print_run(void)
{
    fprintf(stderr, "run =%ld\n", current_run);
}

static void on_abort(int number)
{
    print_run();
    signal(number, SIG_DFL);
    raise(number);
}

/* A part of the input: somewhere, of some length. */
static void choose_part(GRand *rand, const GByteArray *input, guint *ret_start, guint *ret_length)
{
    *ret_start = (guint)g_rand_int_range(rand, 0, (gint32)input->len + 1);
    *ret_length = (guint)g_rand_int_range(rand, 0, (gint32)(input->len - *ret_start) + 1);
}

static void insert(GByteArray *input, guint at, const uint8_t *data, guint length)
{
    g_autofree uint8_t *tail = g_memdup2(input->data + at, input->len - at);
    guint tail_length = input->len - at;

    g_byte_array_set_size(input, at);
    g_byte_array_append(input, data, length);
    g_byte_array_append(input, tail, tail_length);
}

static void mutate(GRand *rand, GByteArray *input, GPtrArray *seeds)
{
    guint start, length;
    uint8_t byte = (uint8_t)g_rand_int_range(rand, 0, 256);
    const GByteArray *other = seeds->pdata[g_rand_int_range(rand, 0, (gint32)seeds->len)];
    g_autofree uint8_t *part = NULL;

    choose_part(rand, input, &start, &length);
    switch (g_rand_int_range(rand, 0, 5)) {
    case 0: /* one byte is another */
        if (start < input->len)
            input->data[start] = byte;
        return;
    case 1: /* one byte, or a character of the grammar, more */
        if (g_rand_boolean(rand))
            byte = (uint8_t) "\"\\*?=! :./-09aF"[g_rand_int_range(rand, 0, 15)];
        insert(input, start, &byte, 1);
        return;
    case 2: /* a part less */
        if (length > 0)
            g_byte_array_remove_range(input, start, length);
        return;
    case 3: /* a part twice */
        part = g_memdup2(input->data + start, length);
        insert(input, start, part, length);
        return;
    default: /* a part of another seed inside */
        choose_part(rand, other, &start, &length);
        insert(input, (guint)g_rand_int_range(rand, 0, (gint32)input->len + 1), other->data + start, length);
        return;
    }
}

static void run(long number, GPtrArray *seeds)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)number);
    const GByteArray *seed = seeds->pdata[g_rand_int_range(rand, 0, (gint32)seeds->len)];
    g_autoptr(GByteArray) input = g_byte_array_new();
    gint32 mutations = g_rand_int_range(rand, 0, MUTATIONS_MAX + 1);
    g_autofree uint8_t *exact = NULL;

    current_run = number;
    g_byte_array_append(input, seed->data, seed->len);
    while (mutations-- > 0)
        mutate(rand, input, seeds);
    if (input->len > INPUT_BYTES_MAX)
        g_byte_array_set_size(input, INPUT_BYTES_MAX);

    /* in a block of just this size, so that a sanitizer sees a read behind the end */
    exact = g_memdup2(input->data, input->len);
    LLVMFuzzerTestOneInput(exact, input->len);
}

static void drop_seed(gpointer seed)
{
    g_byte_array_unref(seed);
}

int main(int argc, char **argv)
{
    g_autoptr(GPtrArray) seeds = g_ptr_array_new_with_free_func(drop_seed);
    bool single = argc > 2 && argv[1][0] == '=';
    long number = argc > 2 ? atol(argv[1] + (single ? 1 : 0)) : 0;

    if (number <= 0) {
        fprintf(stderr, "usage: %s RUNS|=RUN FILE…\n", argv[0]);
        return EXIT_FAILURE;
    }
    for (int i = 2; i < argc; i++) {
        g_autoptr(GError) error = NULL;
        char *data;
        gsize size;

        if (!g_file_get_contents(argv[i], &data, &size, &error)) {
            fprintf(stderr, "%s\n", error->message);
            return EXIT_FAILURE;
        }
        g_ptr_array_add(seeds, g_byte_array_new_take((uint8_t *)data, size));
    }

    signal(SIGABRT, on_abort);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(print_run);
    for (long i = single ? number : 1; i <= number; i++)
        run(i, seeds);
    return EXIT_SUCCESS;
}
