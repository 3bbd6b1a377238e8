/* The table of twins, with made-up ops: what is chosen by default, by words, and by the environment. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer1.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

typedef int OpFn(void);

static int one(void) { return 1; }
static int two(void) { return 2; }
static int three(void) { return 3; }
static int four(void) { return 4; }

static OpFn *fast, *algo, *rare, *late;

/* Features that this machine certainly has, and ones that it certainly lacks. */
#if defined(__x86_64__)
#define LACKING CPU_NEON
#define LACKING_WORD "neon"
#else
#define LACKING CPU_AVX512
#define LACKING_WORD "avx512"
#endif

#define ROW(op, variant, needs, fn)                                                                \
    {#op, #variant, (uint32_t)(needs), (KernelFn *)(fn), (KernelFn **)(void *)&op, 1}

static const KernelRow rows[] = {
    ROW(fast, scalar, CPU_ANY, one),
    ROW(fast, tuned, CPU_ANY, two),
    ROW(fast, exotic, LACKING, three),
    ROW(algo, simple, CPU_ANY, one),
    ROW(algo, clever, CPU_ANY, two),
    ROW(rare, scalar, CPU_ANY, one),
    ROW(rare, library, CPU_ON_REQUEST, four),
};
static const KernelRow late_rows[] = {
    ROW(late, scalar, CPU_ANY, one),
    ROW(late, tuned, CPU_ANY, two),
};

static int set_up(void **state)
{
    (void)state;
    unsetenv("SIXFOLD_KERNELS");
    kernels_register(rows, sizeof rows / sizeof *rows);
    return 0;
}

static int start_choice(void **state)
{
    (void)state;
    Err err;
    return kernels_use(NULL, &err);
}

static void use(const char *list)
{
    Err err;
    MUST(kernels_use(list, &err), &err);
}

static void last_usable_row_is_the_default(void **state)
{
    (void)state;
    assert_int_equal(fast(), 2); /* exotic comes last but cannot run here */
    assert_int_equal(algo(), 2);
    assert_string_equal(kernels_selected("fast")->variant, "tuned");
    assert_true(kernels_usable(kernels_find("fast", "tuned")));
    assert_false(kernels_usable(kernels_find("fast", "exotic")));
}

static void rows_on_request_are_chosen_only_by_name(void **state)
{
    (void)state;
    assert_int_equal(rare(), 1);
    use("scalar");
    assert_int_equal(rare(), 1);
    use("rare:library");
    assert_int_equal(rare(), 4);
    use(NULL);
    assert_int_equal(rare(), 1);
    use("library");
    assert_int_equal(rare(), 4);
}

static void naive_takes_the_first_row_of_every_op(void **state)
{
    (void)state;
    use("naive");
    assert_int_equal(fast(), 1);
    assert_int_equal(algo(), 1);
    assert_int_equal(rare(), 1);
}

static void scalar_takes_a_variant_of_that_name_or_the_best_that_needs_nothing(void **state)
{
    (void)state;
    use("scalar");
    assert_int_equal(fast(), 1); /* has a variant called scalar */
    assert_int_equal(algo(), 2); /* has none: the last row without needs */
}

static void words_apply_from_left_to_right(void **state)
{
    (void)state;
    use("naive,algo:clever");
    assert_int_equal(fast(), 1);
    assert_int_equal(algo(), 2);
    use("algo:clever,naive");
    assert_int_equal(algo(), 1);
    use("fast:scalar, fast:tuned ,,"); /* blanks and empty words do no harm */
    assert_int_equal(fast(), 2);
    use("algo:clever"); /* over the current choice: fast stays as it is */
    assert_int_equal(fast(), 2);
    assert_int_equal(algo(), 2);
    use("");
    assert_int_equal(algo(), 2);
}

static void refuse(const char *list, const char *expected)
{
    Err err = {""};
    assert_int_equal(kernels_use(list, &err), E_ARG);
    if (!strstr(err.text, expected)) print_error("'%s' lacks '%s'\n", err.text, expected);
    assert_non_null(strstr(err.text, expected));
    assert_non_null(strstr(err.text, "HINT:"));
}

static void unknown_words_fail_with_the_nearest_name(void **state)
{
    (void)state;
    refuse("fats:scalar", "did you mean 'fast'?");
    refuse("fast:scaler", "did you mean 'scalar'?");
    refuse("algo:scalar", "no kernel variant 'scalar' of op algo");
    refuse("clevr", "did you mean 'clever'?");
    refuse("naiv", "did you mean 'naive'?");
    refuse("avx21", "did you mean 'avx2'?");
    refuse("something_else", "try 'scalar' or 'naive'");
    refuse("fast:", "no kernel variant ''");
    refuse(":", "no kernel variant ''");
    char longest[300];
    memset(longest, 'x', sizeof longest);
    longest[299] = 0;
    refuse(longest, "no kernel variant 'xxx");
}

static void a_bad_word_changes_nothing(void **state)
{
    (void)state;
    refuse("naive,fats:scalar", "fast");
    assert_int_equal(fast(), 2);
    assert_int_equal(algo(), 2);
}

static void what_this_cpu_lacks_is_refused_as_such(void **state)
{
    (void)state;
    refuse("fast:exotic", "'exotic' needs instructions that this CPU lacks");
    refuse("exotic", "'exotic' needs instructions that this CPU lacks");
    refuse(LACKING_WORD, "needs instructions that this CPU lacks");
    assert_int_equal(fast(), 2);
}

static void table_lists_each_row_once(void **state)
{
    (void)state;
    int n = kernels_count();
    kernels_register(rows, sizeof rows / sizeof *rows);
    assert_int_equal(kernels_count(), n);
    assert_ptr_equal(kernels_row(0), &rows[0]);
    assert_ptr_equal(kernels_row(n - 1), &rows[n - 1]);
    assert_null(kernels_row(n));
    assert_null(kernels_row(-1));
    assert_null(kernels_find("fast", "clever"));
    assert_null(kernels_find("none", "scalar"));
    assert_null(kernels_selected("none"));
}

static void environment_also_reaches_ops_that_come_later(void **state)
{
    (void)state;
    Err err = {""};
    setenv("SIXFOLD_KERNELS", "late:scalar", 1);
    assert_int_equal(kernels_check_env(&err), E_ARG); /* no such op yet */
    kernels_register(late_rows, 2);
    assert_int_equal(late(), 1);
    assert_int_equal(fast(), 2);
    MUST(kernels_check_env(&err), &err);
    use("late:tuned");
    assert_int_equal(late(), 2);
    use(NULL); /* back to what it was at the start, environment included */
    assert_int_equal(late(), 1);
    setenv("SIXFOLD_KERNELS", "late:scaler", 1);
    assert_int_equal(kernels_check_env(&err), E_ARG);
    assert_non_null(strstr(err.text, "did you mean 'scalar'?"));
    unsetenv("SIXFOLD_KERNELS");
    MUST(kernels_check_env(&err), &err);
}

static void register_picky(void *ctx)
{
    static OpFn *picky;
    static const KernelRow bad[] = {ROW(picky, fast, CPU_AVX2, one)};
    (void)ctx;
    kernels_register(bad, 1);
}

static void an_op_without_a_variant_for_every_machine_aborts(void **state)
{
    (void)state;
    assert_true(aborts(register_picky, NULL));
}

static void layer_one_registers_its_own_twins(void **state)
{
    (void)state;
    layer1_init();
    layer1_init();
    assert_string_equal(kernels_selected("pool")->variant, "persistent");
    use("naive");
    assert_string_equal(kernels_selected("pool")->variant, "spawn");
    use("pool:persistent");
    assert_string_equal(kernels_selected("pool")->variant, "persistent");
    for (int i = 0; i < kernels_count(); i++) assert_int_equal(kernels_row(i)->layer, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(last_usable_row_is_the_default, start_choice),
        cmocka_unit_test_setup(rows_on_request_are_chosen_only_by_name, start_choice),
        cmocka_unit_test_setup(naive_takes_the_first_row_of_every_op, start_choice),
        cmocka_unit_test_setup(scalar_takes_a_variant_of_that_name_or_the_best_that_needs_nothing, start_choice),
        cmocka_unit_test_setup(words_apply_from_left_to_right, start_choice),
        cmocka_unit_test_setup(unknown_words_fail_with_the_nearest_name, start_choice),
        cmocka_unit_test_setup(a_bad_word_changes_nothing, start_choice),
        cmocka_unit_test_setup(what_this_cpu_lacks_is_refused_as_such, start_choice),
        cmocka_unit_test_setup(table_lists_each_row_once, start_choice),
        cmocka_unit_test_setup(environment_also_reaches_ops_that_come_later, start_choice),
        cmocka_unit_test_setup(an_op_without_a_variant_for_every_machine_aborts, start_choice),
        cmocka_unit_test_setup(layer_one_registers_its_own_twins, start_choice),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
