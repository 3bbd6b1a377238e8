/* Words without a vocabulary: the same cuts that encoding makes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer5.h"
#include "must.h"
#include "pieces.h"

#include <string.h>

static void words_keep_the_space_in_front(void **state)
{
    (void)state;
    Err err = {0};
    TokenizerCutter *c;
    MUST(tokenizer_cutter_open(&c, "gpt-2", &err), &err);
    static const char text[] = "I'm here,  there42\n";
    static const uint32_t want[] = {1, 3, 8, 9, 10, 16, 18, 19}; /* I 'm ␣here , ␣ ␣there 42 \n */
    for (int again = 0; again < 2; again++) {
        const uint32_t *ends;
        int64_t n;
        MUST(tokenizer_cut(c, text, strlen(text), &ends, &n, &err), &err);
        assert_int_equal(n, 8);
        assert_memory_equal(ends, want, sizeof want);
    }
    tokenizer_cutter_close(c);
}

static void an_unknown_name_is_refused(void **state)
{
    (void)state;
    Err err = {0};
    TokenizerCutter *c;
    assert_int_equal(tokenizer_cutter_open(&c, "gpt-3", &err), E_UNSUPPORTED);
    assert_null(c);
    tokenizer_cutter_close(c);
}

static void bytes_have_characters_of_their_own(void **state)
{
    (void)state;
    char a[4], space[4];
    assert_int_equal(tokenizer_byte_char('a', a), 1);
    assert_int_equal(a[0], 'a');
    assert_int_equal(tokenizer_byte_char(' ', space), 2); /* U+0120 */
    assert_memory_equal(space, "\xC4\xA0", 2);
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_keep_the_space_in_front),
        cmocka_unit_test(an_unknown_name_is_refused),
        cmocka_unit_test(bytes_have_characters_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
