/* Checkpoints: what is written is read again bit for bit; what is damaged, cut off or another's is
 * refused, and then nothing has changed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "train_toy.h"

enum { N = 1000 };
static float w[N], m[N], v[N];

static TrainState state_of(const TrainPlan *p)
{
    return (TrainState){.plan = p, .text_hash = 0x1234567890ABCDEFu, .n_params = N, .w = w, .m = m,
                        .v = v, .step = 17, .held_out = 2.5};
}

static void fill(float base)
{
    for (int i = 0; i < N; i++) {
        w[i] = base + (float)i / 7;
        m[i] = -base * (float)i;
        v[i] = 1 / (1 + base + (float)i);
    }
    w[3] = -0.0f; /* bits, not values */
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    Err err = {0};
    Toy t = toy_open();
    TrainState s = state_of(&toy_plan);
    fill(1.25f);
    MUST(checkpoint_write(toy_path(&t, "checkpoint.gguf"), &s, &err), &err);
    float old[3][N];
    memcpy(old[0], w, sizeof w);
    memcpy(old[1], m, sizeof m);
    memcpy(old[2], v, sizeof v);
    fill(9);
    s.step = 0;
    s.held_out = 0;
    MUST(checkpoint_read(toy_path(&t, "checkpoint.gguf"), &s, &err), &err);
    assert_int_equal(s.step, 17);
    assert_true(s.held_out == 2.5);
    assert_memory_equal(w, old[0], sizeof w);
    assert_memory_equal(m, old[1], sizeof m);
    assert_memory_equal(v, old[2], sizeof v);
    toy_close(&t);
}

/* Reading fails, and the state is what it was. */
static void must_refuse(const Toy *t, const TrainPlan *p, uint64_t text, const char *says)
{
    Err err = {0};
    TrainState s = state_of(p);
    s.text_hash = text;
    fill(5);
    float before[3][N];
    memcpy(before[0], w, sizeof w);
    memcpy(before[1], m, sizeof m);
    memcpy(before[2], v, sizeof v);
    s.step = 99;
    assert_true(checkpoint_read(toy_path(t, "checkpoint.gguf"), &s, &err) != OK);
    if (says && !strstr(err.text, says)) twin_fail("'%s' does not say '%s'", err.text, says);
    assert_non_null(strstr(err.text, "HINT"));
    assert_int_equal(s.step, 99);
    assert_memory_equal(w, before[0], sizeof w);
    assert_memory_equal(m, before[1], sizeof m);
    assert_memory_equal(v, before[2], sizeof v);
}

static void anothers_checkpoint_is_refused(void **state)
{
    (void)state;
    Err err = {0};
    Toy t = toy_open();
    TrainState s = state_of(&toy_plan);
    fill(1);
    MUST(checkpoint_write(toy_path(&t, "checkpoint.gguf"), &s, &err), &err);
    TrainPlan p = toy_plan;
    p.shape.d_model = 64;
    must_refuse(&t, &p, s.text_hash, "--width 32, this run has 64");
    p = toy_plan, p.lr = 0.5f;
    must_refuse(&t, &p, s.text_hash, "--lr");
    p = toy_plan, p.seed = 6;
    must_refuse(&t, &p, s.text_hash, "--seed 5, this run has 6");
    must_refuse(&t, &toy_plan, s.text_hash + 1, "another text");
    toy_close(&t);
}

static void damage_is_noticed(void **state)
{
    (void)state;
    Err err = {0};
    Toy t = toy_open();
    TrainState s = state_of(&toy_plan);
    fill(1);
    MUST(checkpoint_write(toy_path(&t, "checkpoint.gguf"), &s, &err), &err);
    Buf file = toy_file(&t, "checkpoint.gguf");
    /* 1. Cut off anywhere; the padding after the last number is not part of it. */
    for (size_t n = 0; n + 32 < file.len; n += n < 200 ? 7 : 301) {
        toy_put_file(&t, "checkpoint.gguf", file.data, n);
        must_refuse(&t, &toy_plan, s.text_hash, NULL);
    }
    /* 2. One bit of a number. */
    Rng rng = rng_seed(1);
    size_t data = file.len - 3 * N * sizeof(float); /* 4000 bytes need no padding */
    for (int i = 0; i < 40; i++) {
        size_t at = data + rng_below(&rng, file.len - data);
        file.data[at] = (char)(file.data[at] ^ 1 << rng_below(&rng, 8));
        toy_put_file(&t, "checkpoint.gguf", file.data, file.len);
        must_refuse(&t, &toy_plan, s.text_hash, "damaged");
        fill(1);
        MUST(checkpoint_write(toy_path(&t, "checkpoint.gguf"), &s, &err), &err);
        buf_close(&file);
        file = toy_file(&t, "checkpoint.gguf");
    }
    /* 3. Not a checkpoint at all. */
    toy_put_file(&t, "checkpoint.gguf", "hello", 5);
    must_refuse(&t, &toy_plan, s.text_hash, NULL);
    buf_close(&file);
    toy_close(&t);
}

static void a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    Err err = {0};
    Toy t = toy_open();
    TrainState s = state_of(&toy_plan);
    fill(1);
    MUST(checkpoint_write(toy_path(&t, "checkpoint.gguf"), &s, &err), &err);
    Buf before = toy_file(&t, "checkpoint.gguf");
    /* What a killed writer leaves beside it is overwritten. */
    toy_put_file(&t, "checkpoint.gguf.partial", "half", 4);
    fill(2);
    assert_int_equal(checkpoint_write("/nowhere/at/all.gguf", &s, &err), E_IO);
    Buf after = toy_file(&t, "checkpoint.gguf");
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    MUST(checkpoint_write(toy_path(&t, "checkpoint.gguf"), &s, &err), &err);
    assert_true(access(toy_path(&t, "checkpoint.gguf.partial"), F_OK) != 0);
    buf_close(&before);
    buf_close(&after);
    toy_close(&t);
}

int main(void)
{
    layer7_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(anothers_checkpoint_is_refused),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(a_failed_write_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
