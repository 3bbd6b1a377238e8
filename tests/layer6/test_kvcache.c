/* One block of memory cut by arithmetic: the plan, the pieces, the limits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer6.h"
#include "model_bytes.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static Buf file;
static Model m;

static int open_model(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE; /* 2 layers, 2 kv heads of 8 */
    layer6_init();
    file = mb_model(&shape, 3);
    m = mb_opened(&file);
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    model_close(&m);
    buf_close(&file);
    return 0;
}

static void the_plan_is_the_product_of_its_factors(void **state)
{
    (void)state;
    /* 2 layers x (k, v) x 10 positions x 2 heads x 8 numbers x 4 bytes = 2 x 2 x 640 */
    assert_int_equal(kvcache_plan(&m, DT_F32, DT_F32, 10, 1), 2560);
    assert_int_equal(kvcache_plan(&m, DT_F32, DT_F32, 10, 3), 3 * 2560);
    assert_int_equal(kvcache_plan(&m, DT_F16, DT_F16, 10, 1), 1280);
    assert_int_equal(kvcache_plan(&m, DT_F32, DT_F16, 10, 1), 1920);
    /* Pieces begin at multiples of 64: 1 position is 32 bytes of f16, rounded up twice per layer. */
    assert_int_equal(kvcache_plan(&m, DT_F16, DT_F16, 1, 1), 2 * 2 * 64);
}

static void impossible_plans_are_minus_one(void **state)
{
    (void)state;
    assert_int_equal(kvcache_plan(&m, DT_F16, DT_F16, 0, 1), -1);
    assert_int_equal(kvcache_plan(&m, DT_F16, DT_F16, -1, 1), -1);
    assert_int_equal(kvcache_plan(&m, DT_F16, DT_F16, 10, 0), -1);
    assert_int_equal(kvcache_plan(&m, DT_F16, DT_F16, (int64_t)INT32_MAX + 1, 1), -1);
    assert_true(kvcache_plan(&m, DT_F16, DT_F16, INT32_MAX, 1) > 0);
    assert_int_equal(kvcache_plan(&m, DT_F32, DT_F32, INT32_MAX, INT32_MAX), -1); /* overflows */
}

static void memory_that_nobody_has_is_refused(void **state)
{
    (void)state;
    KvCache c;
    Err err = {0};
    assert_int_equal(kvcache_open(&c, &m, DT_F32, DT_F32, 0, 1, &err), E_MEMORY);
    assert_non_null(strstr(err.text, "HINT:"));
    kvcache_close(&c);
    assert_int_equal(kvcache_open(&c, &m, DT_F32, DT_F32, INT32_MAX, 100, &err), E_MEMORY);
    assert_non_null(strstr(err.text, "-c"));
    kvcache_close(&c);
    kvcache_close(&c);
}

static void pieces_are_aligned_and_apart(void **state)
{
    (void)state;
    KvCache c;
    Err err = {0};
    enum { N_CTX = 7, N_SEQ = 3 };
    MUST(kvcache_open(&c, &m, DT_F16, DT_F32, N_CTX, N_SEQ, &err), &err);
    const char *end = c.base;
    KvSource source = kvcache_source(&c);
    for (int q = 0; q < N_SEQ; q++)
        for (int l = 0; l < 2; l++) {
            KvView v = kvcache_view(&c, q, l), w = source.lookup(source.ctx, q, l).kv;
            assert_ptr_equal(v.k, w.k);
            assert_int_equal((uintptr_t)v.k % 64, 0);
            assert_int_equal((uintptr_t)v.v % 64, 0);
            assert_true(v.k >= end && v.v >= v.k + N_CTX * 2 * 8 * 2);
            end = v.v + N_CTX * 2 * 8 * 4;
            assert_int_equal(v.n_ctx, N_CTX);
        }
    assert_true(end <= c.base + c.bytes);
    /* What one sequence stores, no other sees. */
    float k[16], v[16], got[8];
    for (int q = 0; q < N_SEQ; q++)
        for (int l = 0; l < 2; l++)
            for (int64_t p = 0; p < N_CTX; p++) {
                for (int i = 0; i < 16; i++) k[i] = v[i] = (float)(((q * 2 + l) * 8 + p) * 16 + i);
                KvView view = kvcache_view(&c, q, l);
                kv_store(&view, p, k, v);
            }
    for (int q = 0; q < N_SEQ; q++)
        for (int l = 0; l < 2; l++)
            for (int64_t p = 0; p < N_CTX; p++)
                for (int g = 0; g < 2; g++) {
                    KvView view = kvcache_view(&c, q, l);
                    kv_load_v(got, &view, g, p);
                    assert_true(got[3] == (float)(((q * 2 + l) * 8 + p) * 16 + g * 8 + 3));
                    kv_load_k(got, &view, g, p);
                    assert_true(got[7] == (float)(((q * 2 + l) * 8 + p) * 16 + g * 8 + 7));
                }
    kvcache_close(&c);
}

static void look_beyond(void *ctx) { kvcache_view(ctx, 1, 0); }
static void look_above(void *ctx) { kvcache_view(ctx, 0, 2); }

static void a_wrong_sequence_is_our_own_mistake(void **state)
{
    (void)state;
    KvCache c;
    Err err = {0};
    MUST(kvcache_open(&c, &m, DT_F16, DT_F16, 4, 1, &err), &err);
    assert_true(aborts(look_beyond, &c));
    assert_true(aborts(look_above, &c));
    kvcache_close(&c);
}

/* ---------------------------------------------------------------- copies */

static void prefixes_of_keys_can_be_copied(void **state)
{
    (void)state;
    KvCache c;
    Err err;
    MUST(kvcache_open(&c, &m, DT_F32, DT_F32, 6, 2, &err), &err);
    KvView from = kvcache_view(&c, 0, 1), to = kvcache_view(&c, 1, 1);
    float row[256], got[256];
    for (int i = 0; i < 256; i++) row[i] = (float)i;
    for (int p = 0; p < 6; p++) {
        row[0] = (float)p;
        kv_store(&from, p, row, row);
        kv_store(&to, p, row + 1, row + 1);
    }
    MUST(kvcache_copy(&c, 1, 0, 4, &err), &err);
    for (int p = 0; p < 6; p++) {
        kv_load_k(got, &to, 0, p);
        assert_true(got[0] == (p < 4 ? (float)p : 1.0f));
    }
    MUST(kvcache_copy(&c, 1, 1, 2, &err), &err); /* the rest is forgotten: nothing to do */
    assert_int_equal(kvcache_copy(&c, 1, 0, 7, &err), E_LIMIT);
    assert_int_equal(kvcache_copy(&c, 1, 0, -1, &err), E_LIMIT);
    assert_non_null(strstr(err.text, "HINT:"));
    kvcache_close(&c);
}

/* A state after 3 tokens and one after 5: these two can be copied, and nothing between them. */
static void states_of_a_scan_can_be_copied(void **state)
{
    (void)state;
    Model scan;
    KvCache c;
    Session s;
    Err err;
    MUST(model_open(&scan, "tests/fixtures/ssm/mamba2-g2.gguf", MAP_AUTO, &err), &err);
    MUST(session_open(&s, &scan, NULL, 8, 16, &err), &err);
    assert_int_equal(kvcache_plan(&scan, DT_F16, DT_F16, 1, 2),
                     kvcache_plan(&scan, DT_F32, DT_F32, 1 << 30, 2)); /* whatever the context */
    MUST(kvcache_open(&c, &scan, DT_F32, DT_F32, 16, 3, &err), &err);
    enum { V = 64 };
    assert_int_equal(scan.hp.n_vocab, V);
    float last[2 * V], again[2 * V];
    BatchItem items[5] = {{7, 0, 0, false}, {8, 0, 1, false}, {9, 0, 2, false}, {1, 0, 3, true},
                          {2, 0, 4, true}};
    MUST(model_forward(&s, items, 3, kvcache_source(&c), NULL, NULL, &err), &err);
    MUST(model_forward(&s, items + 3, 2, kvcache_source(&c), last, NULL, &err), &err);
    assert_int_equal(kvcache_copy(&c, 1, 0, 4, &err), E_LIMIT);
    assert_non_null(strstr(err.text, "only the states of 0, 3 and 5"));
    /* From 3 on as a sequence of its own; the first one is as it was. */
    MUST(kvcache_copy(&c, 1, 0, 3, &err), &err);
    items[3].seq = items[4].seq = 1;
    MUST(model_forward(&s, items + 3, 2, kvcache_source(&c), again, NULL, &err), &err);
    assert_memory_equal(again, last, sizeof last);
    ScanState a = kvcache_scan(&c, 0, 1), b = kvcache_scan(&c, 1, 1);
    assert_true(*a.n_seen == 5 && *b.n_seen == 5);
    assert_memory_equal(a.conv, b.conv, (size_t)a.n_floats * sizeof *a.conv);
    /* Back in place, then empty; a sequence that was never fed is empty too. */
    MUST(kvcache_copy(&c, 1, 1, 3, &err), &err);
    assert_int_equal(*b.n_seen, 3);
    MUST(kvcache_copy(&c, 1, 1, 0, &err), &err);
    assert_int_equal(*b.n_seen, 0);
    assert_int_equal(*kvcache_scan(&c, 2, 0).n_seen, 0);
    session_close(&s);
    kvcache_close(&c);
    model_close(&scan);
}

enum { FIRST = 6, MORE = 4, WIDEST = 512 };

/* Tokens from..from + n - 1 of a fixed text, all their logits to out. */
static void feed(Session *s, KvCache *c, int seq, int64_t from, int64_t n, int64_t salt, float *out)
{
    Err err;
    BatchItem items[FIRST + MORE];
    for (int64_t i = 0; i < n; i++)
        items[i] = (BatchItem){(int32_t)(((from + i) * 37 + salt) % c->model->hp.n_vocab), seq, from + i, true};
    MUST(model_forward(s, items, n, kvcache_source(c), out, NULL, &err), &err);
}

/* Prefix, other text, then the prefix again by copy and by going back: the bits of what follows are the same. */
static void goes_on_from_a_prefix(const char *path, DType type)
{
    static float want[MORE * WIDEST], got[(FIRST + MORE) * WIDEST];
    Model x;
    Session s;
    KvCache c;
    Err err;
    MUST(model_open(&x, path, MAP_AUTO, &err), &err);
    assert_in_range(x.hp.n_vocab, 1, WIDEST);
    size_t n = (size_t)(MORE * x.hp.n_vocab) * sizeof *want;
    MUST(session_open(&s, &x, NULL, FIRST + MORE, FIRST + MORE, &err), &err);
    MUST(kvcache_open(&c, &x, type, type, FIRST + MORE, 2, &err), &err);
    feed(&s, &c, 0, 0, FIRST, 11, got);
    feed(&s, &c, 0, FIRST, MORE, 11, want);
    feed(&s, &c, 1, 0, FIRST + MORE, 29, got);
    if (memcmp(got + FIRST * x.hp.n_vocab, want, n) == 0) FAILED("%s says the same of every text", path);
    MUST(kvcache_copy(&c, 1, 0, FIRST, &err), &err);
    for (int again = 0; again < 2; again++) {
        feed(&s, &c, 1, FIRST, MORE, 11, got);
        if (memcmp(got, want, n) != 0) FAILED("%s, %s: other logits after %s", path, dtype_name(type), again ? "going back" : "a copy");
        MUST(kvcache_copy(&c, 1, 1, FIRST, &err), &err);
    }
    kvcache_close(&c);
    session_close(&s);
    model_close(&x);
}

static void every_family_goes_on_from_a_prefix(void **state)
{
    (void)state;
    static const char *const ours[] = {
        "golden/llama3", "golden/families/gptj", "golden/families/deepseek3", "golden/families/llama-heads",
        "golden/families/gpt-oss", "golden/families/command-r", "golden/families/granitemoe", "golden/families/internlm2",
        "golden/families/nemotron", "golden/families/rope-long", "fixtures/ssm/mamba2-g2"};
    static const char *const shared[] = {
        "llama", "mistral", "mixtral", "qwen2", "qwen2moe", "qwen3", "qwen3moe", "deepseek2", "phi2", "phi3", "stablelm",
        "stablelm-par", "olmo2", "gemma", "gemma2", "gemma3", "gpt2", "gptneox", "gptneox-seq", "falcon", "falcon40", "bloom",
        "mpt", "mpt-clamp", "starcoder", "starcoder2", "mamba"};
    int n = 0;
    char path[128];
    for (size_t i = 0; i < 2 * sizeof ours / sizeof *ours; i++, n++) {
        snprintf(path, sizeof path, "tests/%s.gguf", ours[i / 2]);
        goes_on_from_a_prefix(path, i % 2 ? DT_F16 : DT_F32);
    }
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
        snprintf(path, sizeof path, "../shared/golden/models/%s.gguf", shared[i]);
        if (access(path, R_OK) != 0) continue;
        goes_on_from_a_prefix(path, DT_F32);
        n++;
    }
    print_message("             %d models and types of a cache\n", n);
}

/* Feeds ids, then takes n greedy ones. */
static void tell(Generator *g, const int32_t *ids, int64_t n_ids, int32_t *out, int n)
{
    Err err;
    bool end;
    MUST(generator_prompt(g, ids, n_ids, &err), &err);
    for (int i = 0; i < n; i++) MUST(generator_next(g, &out[i], &end, &err), &err);
}

/* A text that goes on from an earlier place, which the state may no longer have. */
static void a_scan_is_rewound_to_what_it_has(void **state)
{
    (void)state;
    Model scan;
    Err err;
    GeneratorParams p = {.n_ctx = 40, .n_ubatch = 4, .type_k = DT_F32, .type_v = DT_F32};
    static const int32_t ids[9] = {7, 8, 9, 1, 2, 3, 60, 61, 62};
    MUST(model_open(&scan, "tests/fixtures/ssm/mamba2-g1.gguf", MAP_AUTO, &err), &err);
    for (int64_t back = 0; back <= 8; back++) {
        Generator g, fresh;
        int32_t got[5], want[5], skip[3];
        MUST(generator_open(&g, &scan, NULL, &p, NULL, &err), &err);
        MUST(generator_open(&fresh, &scan, NULL, &p, NULL, &err), &err);
        tell(&g, ids, 6, skip, 3);
        assert_int_equal(kvcache_prefix(&g.kv, 0, 100), 8); /* the last one is not computed yet */
        assert_int_equal(kvcache_prefix(&g.kv, 0, 7), 7);   /* where the last call began */
        assert_int_equal(kvcache_prefix(&g.kv, 0, 6), 0);
        generator_rewind(&g, back);
        assert_int_equal(g.n_done, back >= 7 ? back : 0);
        tell(&g, ids + 6, 3, got, 5);
        int32_t text[11];
        for (int64_t i = 0; i < back; i++) text[i] = i < 6 ? ids[i] : skip[i - 6];
        for (int64_t i = 0; i < 3; i++) text[back + i] = ids[6 + i];
        tell(&fresh, text, back + 3, want, 5);
        assert_memory_equal(got, want, sizeof want);
        generator_close(&g);
        generator_close(&fresh);
    }
    model_close(&scan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plan_is_the_product_of_its_factors),
        cmocka_unit_test(impossible_plans_are_minus_one),
        cmocka_unit_test(memory_that_nobody_has_is_refused),
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(a_wrong_sequence_is_our_own_mistake),
        cmocka_unit_test(prefixes_of_keys_can_be_copied),
        cmocka_unit_test(states_of_a_scan_can_be_copied),
        cmocka_unit_test(every_family_goes_on_from_a_prefix),
        cmocka_unit_test(a_scan_is_rewound_to_what_it_has),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
