/* Adapters: PEFT's logits (tests/fixtures/make_lora.py), added at run time and merged; what a session adds and
 * when. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lora_bytes.h"

#include <stdlib.h>
#include <string.h>

enum { N = 24, N_VOCAB = 96 };

static char dir[64];
static const char *const files[] = {"base.gguf", "a.gguf", "b.gguf", "merged.gguf"};

static int make_dir(void **state)
{
    (void)state;
    layer5_init();
    strcpy(dir, "/tmp/sixfold-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static const char *at(char out[128], const char *name)
{
    snprintf(out, 128, "%s/%s", dir, name);
    return out;
}

static int remove_dir(void **state)
{
    (void)state;
    char path[128];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) unlink(at(path, files[i]));
    return rmdir(dir); /* fails if anything else was left behind */
}

/* Logits of n tokens, all at once or one by one. */
static void logits_of(const Model *m, const LoraUse *uses, int n_uses, int64_t n, int64_t batch, float *out)
{
    Session s;
    Err err = {0};
    BatchItem items[N];
    MUST(session_open(&s, m, NULL, batch, n, &err), &err);
    MUST(session_adapt(&s, uses, n_uses, &err), &err);
    FlatKv kv = flat_kv(m, DT_F32, n, 1);
    for (int i = 0; i < n; i++)
        items[i] = (BatchItem){.token = (i * 37 + 11) % (int)m->hp.n_vocab, .pos = i, .want_logits = true};
    MUST(model_forward(&s, items, n, flat_source(&kv), out, NULL, &err), &err);
    mem_free(kv.memory);
    session_close(&s);
}

static float worst_of(const float *a, const float *b, int64_t n)
{
    float worst = 0, largest = 0;
    for (int64_t i = 0; i < n; i++) {
        worst = fmaxf(worst, fabsf(a[i] - b[i]));
        largest = fmaxf(largest, fabsf(b[i]));
        if (isnan(a[i])) return INFINITY;
    }
    return worst / largest;
}

/* ---------------------------------------------------------------- the oracle */

typedef struct {
    const char *name, *base, *adapters[2];
    float scales[2];
} Case;

static void convert_base(const char *from, const char *to)
{
    HfModel hf;
    Err err = {0};
    HfParams p = {.wish = DT_F32, .name = "base"};
    ImportRun run = {.label = "test", .quiet = true};
    MUST(hf_open(&hf, from, MAP_READ, &err), &err);
    MUST(hf_convert(&hf, to, &p, &run, &err), &err);
    hf_close(&hf);
}

static void check_case(const Case *c)
{
    char path[128], base_path[128], from[128];
    float got[N * N_VOCAB], want[N * N_VOCAB];
    Err err = {0};
    HfParams p = {.wish = -1, .name = "adapter"};
    HfLoraStats hf_stats;
    ImportRun run = {.label = "test", .quiet = true};
    Lora loras[2] = {{0}};
    LoraUse uses[2];
    int n = 0;
    Model m;
    snprintf(from, sizeof from, "tests/fixtures/lora/%s.f32", c->name);
    FILE *f = fopen(from, "rb");
    assert_non_null(f);
    assert_int_equal(fread(want, sizeof *want, N * N_VOCAB, f), N * N_VOCAB);
    fclose(f);
    convert_base(c->base, at(base_path, "base.gguf"));
    MUST(model_open(&m, base_path, MAP_READ, &err), &err);
    for (; n < 2 && c->adapters[n]; n++) {
        snprintf(from, sizeof from, "tests/fixtures/lora/%s", c->adapters[n]);
        /* The base as a directory and as a file. */
        MUST(hf_lora_convert(from, n ? c->base : base_path, at(path, files[1 + n]), &p, &run, &hf_stats, &err), &err);
        MUST(lora_open(&loras[n], path, &m.gguf, &err), &err);
        assert_int_equal(loras[n].n_parts, hf_stats.n_pairs);
        uses[n] = (LoraUse){&loras[n], c->scales[n]};
    }
    static const char *const sets[] = {"lowrank:merged", "lowrank:factored", "naive", "scalar"};
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        MUST(kernels_use(sets[k], &err), &err);
        logits_of(&m, uses, n, N, k % 2 ? N : 1, got);
        if (!(worst_of(got, want, N * N_VOCAB) <= 1e-4f)) FAILED("%s, %s: off by %g", c->name, sets[k],
                                                                 (double)worst_of(got, want, N * N_VOCAB));
        MUST(kernels_use(NULL, &err), &err);
    }
    LoraMergeParams params = {.wish = -1, .quiet = true};
    LoraMergeStats stats;
    MUST(lora_merge(&m.gguf, uses, n, at(path, "merged.gguf"), &params, NULL, &stats, &err), &err);
    model_close(&m);
    MUST(model_open(&m, path, MAP_READ, &err), &err);
    logits_of(&m, NULL, 0, N, N, got);
    print_message("             %-16s %.1e of the largest logit\n", c->name, (double)worst_of(got, want, N * N_VOCAB));
    assert_true(worst_of(got, want, N * N_VOCAB) <= 1e-4f);
    model_close(&m);
    for (int i = 0; i < n; i++) lora_close(&loras[i]);
}

static void logits_are_those_of_the_framework(void **state)
{
    (void)state;
    static const char llama[] = "tests/fixtures/hf_llama3";
    static const Case cases[] = {
        {"llama-wide", llama, {"wide"}, {1}},
        {"llama-ends", llama, {"ends"}, {1}}, /* a tied model whose embedding and output change apart */
        {"llama-both", llama, {"wide", "ends"}, {0.5f, -0.75f}},
        {"gpt2-conv", "tests/fixtures/lora/gpt2", {"conv"}, {1}}, /* q, k, v in one tensor */
        {"mixtral-experts", "tests/fixtures/lora/mixtral", {"experts"}, {1}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_case(&cases[i]);
}

/* Every type of the base: what is added does not depend on it, and the merged file says the same. */
static void any_base_runs_as_it_merges(void **state)
{
    (void)state;
    static const DType types[] = {DT_F32, DT_F16, DT_BF16, DT_Q8_0, DT_Q4_0, DT_Q5_1, DT_IQ4_NL, DT_MXFP4};
    char path[128];
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        for (int tied = 0; tied < 2; tied++) {
            enum { T = 12 };
            ModelShape shape = MODEL_SHAPE;
            shape.type = types[i], shape.tied = tied;
            Buf file = mb_model(&shape, 7);
            Model m = mb_opened(&file), merged;
            AdapterShape s = ADAPTER;
            s.number = i % 2 ? DT_F16 : DT_F32;
            Lora l = opened(&s, 3, &m);
            LoraUse use = {&l, 0.25f};
            LoraMergeParams p = {.wish = DT_F32, .quiet = true};
            LoraMergeStats stats;
            Err err = {0};
            float run[T * 48], again[T * 48], plain[T * 48];
            assert_int_equal(l.n_parts, 5);
            logits_of(&m, NULL, 0, T, T, plain);
            logits_of(&m, &use, 1, T, T, run);
            assert_true(worst_of(run, plain, T * 48) > 0.1f);
            MUST(lora_merge(&m.gguf, &use, 1, at(path, "merged.gguf"), &p, NULL, &stats, &err), &err);
            assert_int_equal(stats.n_changed, 5);
            assert_int_equal(stats.n_tensors, m.gguf.n_tensors + tied);
            MUST(model_open(&merged, path, MAP_READ, &err), &err);
            logits_of(&merged, NULL, 0, T, T, again);
            /* Quantised: run time rounds activations to 8 bits where the merged matrices are floats. */
            float tol = dtype_info(types[i])->block > 1 ? 0.03f : 1e-5f;
            if (!(worst_of(run, again, T * 48) <= tol))
                FAILED("%s, tied %d: off by %g", dtype_name(types[i]), tied, (double)worst_of(run, again, T * 48));
            model_close(&merged);
            /* Without a wish: floats keep their type, others become F16. */
            p.wish = -1;
            MUST(lora_merge(&m.gguf, &use, 1, path, &p, NULL, &stats, &err), &err);
            MUST(model_open(&merged, path, MAP_READ, &err), &err);
            assert_int_equal(merged.weights.blocks[0].q.w.type,
                             dtype_info(types[i])->block > 1 ? DT_F16 : types[i]);
            assert_int_equal(merged.weights.blocks[1].q.w.type, types[i]); /* which nobody changes */
            model_close(&merged);
            lora_close(&l);
            model_close(&m);
            buf_close(&file);
        }
}

/* NVFP4's second scale: it is of W alone, so a merged matrix holds it and its own scale becomes 1. */
static void a_scale_of_its_own_is_merged_in(void **state)
{
    (void)state;
    enum { T = 6 };
    char path[128];
    ModelShape shape = MODEL_SHAPE;
    shape.extra_tensor = "blk.0.attn_q.scale", shape.extra_value = 0.5f;
    Buf file = mb_model(&shape, 7);
    Model m = mb_opened(&file), merged;
    assert_true(m.weights.blocks[0].q.scale && *m.weights.blocks[0].q.scale == 0.5f);
    AdapterShape s = ADAPTER;
    Lora l = opened(&s, 3, &m);
    LoraUse use = {&l, 0.25f};
    LoraMergeParams p = {.wish = -1, .quiet = true};
    LoraMergeStats stats;
    Err err = {0};
    float run[T * 48], again[T * 48];
    logits_of(&m, &use, 1, T, T, run);
    MUST(lora_merge(&m.gguf, &use, 1, at(path, "merged.gguf"), &p, NULL, &stats, &err), &err);
    MUST(model_open(&merged, path, MAP_READ, &err), &err);
    assert_true(*merged.weights.blocks[0].q.scale == 1);
    logits_of(&merged, NULL, 0, T, T, again);
    assert_true(worst_of(run, again, T * 48) <= 1e-5f);
    model_close(&merged);
    lora_close(&l);
    model_close(&m);
    buf_close(&file);
}

static void a_session_adds_what_it_is_told(void **state)
{
    (void)state;
    enum { T = 5 };
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 7);
    Model m = mb_opened(&file);
    AdapterShape s = ADAPTER, zero = ADAPTER;
    zero.alpha = 0;
    Lora a = opened(&s, 3, &m), b = opened(&s, 4, &m), plain_scale = opened(&zero, 3, &m);
    float bare[T * 48], one[T * 48], got[T * 48];
    Err err = {0};
    logits_of(&m, NULL, 0, T, T, bare);
    logits_of(&m, &(LoraUse){&a, 1}, 1, T, T, one);
    /* 1. Scale 0 is nothing, to the bit; the order of two does not matter but for rounding. */
    logits_of(&m, (LoraUse[]){{&a, 0}, {&b, 0}}, 2, T, T, got);
    assert_memory_equal(got, bare, sizeof got);
    logits_of(&m, (LoraUse[]){{&a, 1}, {&b, 0}}, 2, T, T, got);
    assert_memory_equal(got, one, sizeof got);
    float both[T * 48];
    logits_of(&m, (LoraUse[]){{&a, 1}, {&b, -0.5f}}, 2, T, T, both);
    logits_of(&m, (LoraUse[]){{&b, -0.5f}, {&a, 1}}, 2, T, T, got);
    assert_true(worst_of(got, both, T * 48) <= 1e-5f && worst_of(both, one, T * 48) > 0.05f);
    /* 2. Twice at half strength is once. */
    logits_of(&m, (LoraUse[]){{&a, 0.5f}, {&a, 0.5f}}, 2, T, T, got);
    assert_true(worst_of(got, one, T * 48) <= 1e-5f);
    /* 3. alpha 0: the factor is the user's alone; alpha / rank is 2 here. */
    logits_of(&m, &(LoraUse){&plain_scale, 2}, 1, T, T, got);
    assert_memory_equal(got, one, sizeof got);
    /* 4. One session may change its mind; one token at a time gives the same. */
    Session session;
    BatchItem items[T];
    FlatKv kv = flat_kv(&m, DT_F32, T, 1);
    MUST(session_open(&session, &m, NULL, 2, T, &err), &err);
    for (int i = 0; i < T; i++) items[i] = (BatchItem){.token = (i * 37 + 11) % 48, .pos = i, .want_logits = true};
    for (int round = 0; round < 3; round++) {
        MUST(session_adapt(&session, &(LoraUse){&a, 1}, round % 2, &err), &err);
        MUST(model_forward(&session, items, T, flat_source(&kv), got, NULL, &err), &err);
        assert_true(worst_of(got, round % 2 ? one : bare, T * 48) <= 1e-5f);
    }
    /* 5. What cannot be is refused, and the old list stays. */
    MUST(session_adapt(&session, &(LoraUse){&a, 1}, 1, &err), &err);
    assert_int_equal(session_adapt(&session, &(LoraUse){&a, INFINITY}, 1, &err), E_ARG);
    assert_non_null(strstr(err.text, "HINT:"));
    MUST(model_forward(&session, items, T, flat_source(&kv), got, NULL, &err), &err);
    assert_true(worst_of(got, one, T * 48) <= 1e-5f);
    session_close(&session);
    mem_free(kv.memory);
    lora_close(&a), lora_close(&b), lora_close(&plain_scale);
    model_close(&m);
    buf_close(&file);
}

/* --weights: the matrices have moved, and the adapter still finds them. */
static void a_repacked_model_keeps_its_adapters(void **state)
{
    (void)state;
    enum { T = 6 };
    for (int tied = 0; tied < 2; tied++) {
        ModelShape shape = MODEL_SHAPE;
        shape.type = DT_F16, shape.tied = tied;
        Buf file = mb_model(&shape, 7);
        Model m = mb_opened(&file);
        AdapterShape s = ADAPTER;
        Lora l = opened(&s, 3, &m);
        float before[T * 48], after[T * 48];
        Err err = {0};
        logits_of(&m, &(LoraUse){&l, 1}, 1, T, T, before);
        MUST(model_repack(&m, DT_F32, NULL, true, &err), &err);
        logits_of(&m, &(LoraUse){&l, 1}, 1, T, T, after);
        assert_true(worst_of(after, before, T * 48) <= 1e-5f);
        lora_close(&l);
        model_close(&m);
        buf_close(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_those_of_the_framework),
        cmocka_unit_test(any_base_runs_as_it_merges),
        cmocka_unit_test(a_scale_of_its_own_is_merged_in),
        cmocka_unit_test(a_session_adds_what_it_is_told),
        cmocka_unit_test(a_repacked_model_keeps_its_adapters),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
