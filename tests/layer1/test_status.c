/* Errors as values: one printable line each. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer1.h"
#include "must.h"

#include <string.h>

static void fail_returns_the_code_and_keeps_the_message(void **state)
{
    (void)state;
    Err err;
    assert_int_equal(fail(&err, E_FORMAT, "value %d of '%s'", 7, "key"), E_FORMAT);
    assert_string_equal(err.text, "value 7 of 'key'");
    assert_int_equal(fail(NULL, E_IO, "nobody listens"), E_IO);
    assert_int_equal(fail_in(NULL, E_IO, "x"), E_IO);
    assert_int_equal(fail_in(&err, E_LIMIT, "model.gguf"), E_LIMIT);
    assert_string_equal(err.text, "model.gguf: value 7 of 'key'");
}

static void control_characters_become_question_marks(void **state)
{
    (void)state;
    Err err;
    fail(&err, E_FORMAT, "name '%s'", "a\x1b[31mb\n\x7f\t\r");
    assert_string_equal(err.text, "name 'a?[31mb\?\?\?\?'");
    /* U+009B is a control sequence introducer for many terminals; U+00E9 and U+06DB are letters. */
    fail(&err, E_FORMAT, "name '%s'", "\xC2\x9B" "31m \xC3\xA9 \xDB\x9B \xC2\xA0");
    assert_string_equal(err.text, "name '\?\?31m \xC3\xA9 \xDB\x9B \xC2\xA0'");
}

static void long_messages_are_cut_and_terminated(void **state)
{
    (void)state;
    Err err;
    fail(&err, E_FORMAT, "%01000d", 5);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    fail_in(&err, E_FORMAT, "file");
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_memory_equal(err.text, "file: 000", 9);
}

static Status two_steps(Status first, int *n_done)
{
    TRY(first);
    (*n_done)++;
    return OK;
}

static void try_passes_a_failure_up_and_goes_on_otherwise(void **state)
{
    (void)state;
    int n_done = 0;
    assert_int_equal(two_steps(E_MEMORY, &n_done), E_MEMORY);
    assert_int_equal(n_done, 0);
    assert_int_equal(two_steps(OK, &n_done), OK);
    assert_int_equal(n_done, 1);
}

static void every_status_has_its_name(void **state)
{
    (void)state;
    static const char *const names[] = {"OK", "E_IO", "E_FORMAT", "E_UNSUPPORTED", "E_LIMIT", "E_ARG",
                                        "E_MEMORY", "E_CANCELLED"};
    for (int s = OK; s <= E_CANCELLED; s++) assert_string_equal(status_name((Status)s), names[s]);
    assert_string_equal(status_name((Status)99), "E_?");
}

static void fail_a_check(void *ctx) { CHECK(*(int *)ctx == 1, "value %d", *(int *)ctx); }

static void check_aborts_only_when_it_fails(void **state)
{
    (void)state;
    int one = 1, two = 2;
    assert_false(aborts(fail_a_check, &one));
    assert_true(aborts(fail_a_check, &two));
}

static void nearest_word_finds_typing_mistakes_only(void **state)
{
    (void)state;
    static const char *const words[] = {"softmax", "attention", "rope", "matmul"};
    assert_string_equal(nearest_word("sofmax", words, 4), "softmax");     /* one missing */
    assert_string_equal(nearest_word("atttention", words, 4), "attention"); /* one too many */
    assert_string_equal(nearest_word("matmil", words, 4), "matmul");      /* one other */
    assert_string_equal(nearest_word("rope", words, 4), "rope");
    assert_string_equal(nearest_word("ripe", words, 4), "rope");
    assert_string_equal(nearest_word("orpe", words, 4), "rope"); /* two exchanged */
    assert_null(nearest_word("eopr", words, 4));
    assert_null(nearest_word("rp", words, 4));        /* two of two letters */
    assert_null(nearest_word("sigmoid", words, 4));
    assert_null(nearest_word("anything", words, 0));
    static const char *const close[] = {"aaab", "aaaa"};
    assert_string_equal(nearest_word("aaaa", close, 2), "aaaa"); /* the nearer, not the first */
    char longest[200] = {0};
    memset(longest, 'x', 199);
    assert_null(nearest_word(longest, words, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_returns_the_code_and_keeps_the_message),
        cmocka_unit_test(control_characters_become_question_marks),
        cmocka_unit_test(long_messages_are_cut_and_terminated),
        cmocka_unit_test(try_passes_a_failure_up_and_goes_on_otherwise),
        cmocka_unit_test(every_status_has_its_name),
        cmocka_unit_test(check_aborts_only_when_it_fails),
        cmocka_unit_test(nearest_word_finds_typing_mistakes_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
