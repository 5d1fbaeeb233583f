/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Id: what id_make() makes and id_is_valid() takes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <glib.h>

#include "daemon/base/id.h"

/* Far more than the letters of the alphabet, so that a wrong one shows. */
#define MADE 1000

static void what_is_made_is_valid(void **state)
{
    g_autoptr(GHashTable) made = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (int i = 0; i < MADE; i++) {
        char *id = id_make();

        assert_int_equal(strlen(id), ID_LENGTH);
        assert_true(id_is_valid(id));
        /* Nothing that people read as something else. */
        assert_null(strpbrk(id, "01ilo"));
        g_hash_table_add(made, id);
    }
    /* Two of a thousand that are the same would be one chance in a million. */
    assert_int_equal(g_hash_table_size(made), MADE);
}

static void other_texts_are_no_ids(void **state)
{
    static const char *const bad[] = {
        "",
        "k3xw90a",
        "k3xw90abc",
        "K3XW90AB",
        "k3xw90a/",
        "k3xw90a-",
        "k3xw90a ",
        "../k3xw9",
        "k3xw9\nab",
        "k3xw9\xc3\xa4"
        "b",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        if (id_is_valid(bad[i]))
            fail_msg("\"%s\" was taken for an id", bad[i]);
    assert_false(id_is_valid(NULL));
}

/* Older versions, and people who write files by hand, may have used the letters that id_make() leaves out. */
static void every_letter_and_digit_is_valid(void **state)
{
    assert_true(id_is_valid("01ilo999"));
    assert_true(id_is_valid("00000000"));
    assert_true(id_is_valid("azazazaz"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_is_valid),
        cmocka_unit_test(other_texts_are_no_ids),
        cmocka_unit_test(every_letter_and_digit_is_valid),
    };

    return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
