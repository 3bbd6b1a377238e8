/* Every variant of attention against the formula in double precision, and the promises of
 * attention.h: causality, windows, grouped queries, chunks, threads, hostile numbers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer4.h"
#include "twins.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Arena arena;

/* One random problem: everything that attention reads and writes. */
typedef struct {
    KvView kv;
    AttentionArgs a;
    float *q, *out; /* strides wider than the heads, to catch a wrong one */
    int64_t n_out;
    void *scratch;
    int64_t scratch_bytes;
} Problem;

enum { MAX_THREADS = 3, GAP = 3 };

typedef struct { int n_kv_head, group, d_k, d_v; int64_t n_ctx, pos0, n_tok, window; DType tk, tv; } Shape;

static Problem make(const Shape *s, Rng *rng)
{
    Problem p = {0};
    int n_head = s->n_kv_head * s->group;
    void *memory = arena_alloc(&arena, kv_flat_bytes(s->tk, s->tv, s->n_ctx, s->n_kv_head, s->d_k,
                                                     s->d_v), 1);
    p.kv = kv_flat(memory, s->tk, s->tv, s->n_ctx, s->n_kv_head, s->d_k, s->d_v);
    float *k = ARENA_NEW(&arena, float, s->n_kv_head * s->d_k);
    float *v = ARENA_NEW(&arena, float, s->n_kv_head * s->d_v);
    for (int64_t pos = 0; pos < s->n_ctx; pos++) {
        for (int i = 0; i < s->n_kv_head * s->d_k; i++) k[i] = rng_normal(rng);
        for (int i = 0; i < s->n_kv_head * s->d_v; i++) v[i] = rng_normal(rng);
        kv_store(&p.kv, pos, k, v);
    }
    int64_t q_stride = (int64_t)n_head * s->d_k + GAP, out_stride = (int64_t)n_head * s->d_v + GAP;
    p.q = ARENA_NEW(&arena, float, s->n_tok * q_stride);
    p.n_out = s->n_tok * out_stride;
    p.out = ARENA_NEW(&arena, float, p.n_out);
    for (int64_t i = 0; i < s->n_tok * q_stride; i++) p.q[i] = 2 * rng_normal(rng);
    p.scratch_bytes = attention_scratch_bytes(s->n_tok, s->n_ctx, n_head, s->n_kv_head, s->d_k,
                                              s->d_v);
    p.scratch = arena_alloc(&arena, p.scratch_bytes * MAX_THREADS, 1);
    memset(p.scratch, 0xFF, (size_t)p.scratch_bytes * MAX_THREADS); /* NaN everywhere */
    p.a = (AttentionArgs){.q = p.q, .out = p.out, .q_stride = q_stride, .out_stride = out_stride,
                          .kv = NULL, .pos0 = s->pos0, .n_tok = s->n_tok, .n_head = n_head,
                          .scale = 1 / sqrtf((float)s->d_k), .window = s->window};
    return p;
}

static void run(Problem *p, Pool *pool)
{
    for (int64_t i = 0; i < p->n_out; i++) p->out[i] = 12345;
    p->a.kv = &p->kv;
    attention_all(pool, &p->a, p->scratch, p->scratch_bytes);
}

static void use(const char *variant)
{
    char list[64];
    Err err;
    snprintf(list, sizeof list, "attention:%s", variant);
    if (kernels_use(list, &err) != OK) twin_fail("%s", err.text);
}

/* Variant i of attention that this machine runs, or NULL at the end. */
static const char *variant(int i)
{
    for (int r = 0; r < kernels_count(); r++) {
        const KernelRow *row = kernels_row(r);
        if (strcmp(row->op, "attention") == 0 && kernels_usable(row) && i-- == 0)
            return row->variant;
    }
    return NULL;
}

static bool is_simd(const char *name)
{
    return strcmp(name, "naive") != 0 && strcmp(name, "cached") != 0 && strcmp(name, "flash") != 0;
}

/* The formula in double precision for head h and token t: out [d_v], p: space for the scores. */
static void reference(const Problem *p, int64_t t, int h, double *out, double *prob)
{
    const KvView *kv = &p->kv;
    int g = h / (p->a.n_head / kv->n_kv_head);
    int64_t pos = p->a.pos0 + t;
    float k[512];
    const float *q = p->q + t * p->a.q_stride + h * kv->d_k;
    int64_t n = p->a.both_ways ? p->a.pos0 + p->a.n_tok : pos + 1;
    double max = p->a.sinks ? (double)p->a.sinks[h] : -INFINITY, sum = 0;
    for (int64_t j = 0; j < n; j++) {
        int64_t away = llabs(pos - j), w = p->a.window;
        bool seen = w == 0 || (p->a.both_ways ? away <= w / 2 : j > pos - w);
        prob[j] = 0;
        kv_load_k(k, kv, g, j);
        for (int i = 0; i < kv->d_k; i++) prob[j] += (double)q[i] * k[i];
        prob[j] *= p->a.scale;
        if (p->a.soft_cap > 0) prob[j] = p->a.soft_cap * tanh(prob[j] / p->a.soft_cap);
        if (p->a.slopes) prob[j] -= p->a.slopes[h] * (double)away;
        if (!seen) prob[j] = -INFINITY;
        if (prob[j] > max) max = prob[j];
    }
    if (p->a.sinks) sum = exp(p->a.sinks[h] - max);
    for (int64_t j = 0; j < n; j++) sum += prob[j] = exp(prob[j] - max);
    for (int i = 0; i < kv->d_v; i++) out[i] = 0;
    for (int64_t j = 0; j < n; j++) {
        prob[j] /= sum;
        kv_load_v(k, kv, g, j);
        for (int i = 0; i < kv->d_v; i++) out[i] += prob[j] * k[i];
    }
}

/* Every variant against the formula. */
static void check_all_variants(Problem *p)
{
    int d_v = p->kv.d_v;
    int64_t n_row = (int64_t)p->a.n_head * d_v;
    double *prob = ARENA_NEW(&arena, double, p->kv.n_ctx), out[512];
    float *want = ARENA_NEW(&arena, float, p->a.n_tok * n_row);
    for (int64_t t = 0; t < p->a.n_tok; t++)
        for (int h = 0; h < p->a.n_head; h++) {
            reference(p, t, h, out, prob);
            for (int i = 0; i < d_v; i++) want[t * n_row + h * d_v + i] = (float)out[i];
        }
    /* A score of size <= 40 has an error of about d_k eps; it moves a weight by as much. */
    double tol = 20 * (p->kv.d_k + 40) * (double)FLT_EPSILON;
    for (int v = 0; variant(v); v++) {
        use(variant(v));
        run(p, NULL);
        for (int64_t t = 0; t < p->a.n_tok; t++) {
            const float *row = p->out + t * p->a.out_stride;
            for (int64_t i = 0; i < n_row; i++)
                assert_near(row[i], want[t * n_row + i], tol, "attention", variant(v), t * n_row + i);
            for (int i = 0; i < GAP; i++) assert_true(row[n_row + i] == 12345);
        }
    }
}

/* Four tokens, two query heads on one kv head, keys one-hot, values 10, 20, 30, 40. Head 0 of token
 * t asks for key t - 1 with a score of ln 3 against 0; head 1 asks for nothing. */
static void by_hand_four_tokens_with_one_hot_keys(void **state)
{
    (void)state;
    _Alignas(64) char memory[4096];
    KvView kv = kv_flat(memory, DT_F32, DT_F32, 4, 1, 4, 1);
    float q[4][2][4] = {{{0}}}, out[4][2];
    for (int t = 0; t < 4; t++) {
        float k[4] = {0}, v = 10.0f * (float)(t + 1);
        k[t] = 1;
        kv_store(&kv, t, k, &v);
        if (t > 0) q[t][0][t - 1] = 2 * logf(3);
    }
    AttentionArgs a = {.q = &q[0][0][0], .out = &out[0][0], .q_stride = 8, .out_stride = 2,
                       .kv = &kv, .n_tok = 4, .n_head = 2, .scale = 0.5f};
    int64_t bytes = attention_scratch_bytes(4, 4, 2, 1, 4, 1);
    void *scratch = arena_alloc(&arena, bytes, 1);
    /* Weights 3 : 1; 1 : 3 : 1; 1 : 1 : 3 : 1 (token 0 sees itself alone). */
    const float head0[4] = {10, (3 * 10 + 20) / 4.0f, (10 + 3 * 20 + 30) / 5.0f,
                            (10 + 20 + 3 * 30 + 40) / 6.0f};
    const float head1[4] = {10, 15, 20, 25};
    for (int i = 0; variant(i); i++) {
        use(variant(i));
        attention_all(NULL, &a, scratch, bytes);
        for (int t = 0; t < 4; t++) {
            assert_true(fabsf(out[t][0] - head0[t]) < 1e-4f);
            assert_true(fabsf(out[t][1] - head1[t]) < 1e-4f);
        }
        /* A window of one sees only itself. */
        a.window = 1;
        attention_all(NULL, &a, scratch, bytes);
        for (int t = 0; t < 4; t++) assert_true(out[t][0] == 10.0f * (float)(t + 1));
        a.window = 0;
    }
    float p[4];
    attention_weights(&a, 0, 2, p, 4);
    assert_true(fabsf(p[0] - 0.2f) < 1e-6f && fabsf(p[1] - 0.6f) < 1e-6f);
    assert_true(fabsf(p[2] - 0.2f) < 1e-6f && p[3] == 0);
}

static void visible_keys_by_hand(void **state)
{
    (void)state;
    AttentionArgs a = {.pos0 = 5, .n_tok = 3};
    int64_t first, end;
    attention_visible(&a, 0, &first, &end);
    assert_true(first == 0 && end == 6);
    a.window = 4;
    attention_visible(&a, 2, &first, &end);
    assert_true(first == 4 && end == 8);
    a.window = 100;
    attention_visible(&a, 2, &first, &end);
    assert_true(first == 0 && end == 8);
}

static void query_heads_share_kv_heads_in_order(void **state)
{
    (void)state;
    const int want[6] = {0, 0, 0, 1, 1, 1};
    for (int h = 0; h < 6; h++) assert_int_equal(attention_kv_head(h, 6, 2), want[h]);
    assert_int_equal(attention_kv_head(4, 5, 5), 4);
}

static void merging_two_parts_equals_one_softmax(void **state)
{
    (void)state;
    /* Scores 1, 3 | 2 with values (1, 0), (0, 1), (5, 7). */
    float m = 3, l = expf(-2) + 1, o[2] = {expf(-2), 1};
    const float o2[2] = {5, 7};
    attention_merge(&m, &l, o, 2, 1, o2, 2);
    double sum = exp(1) + exp(3) + exp(2);
    assert_true(m == 3);
    assert_true(fabs(o[0] / l - (exp(1) * 1 + exp(2) * 5) / sum) < 1e-6);
    assert_true(fabs(o[1] / l - (exp(3) * 1 + exp(2) * 7) / sum) < 1e-6);
    /* An empty part is neutral on either side. */
    float m0 = -FLT_MAX, l0 = 0, o0[2] = {0, 0};
    attention_merge(&m0, &l0, o0, m, l, o, 2);
    assert_true(m0 == m && l0 == l && o0[0] == o[0] && o0[1] == o[1]);
    const float zero[2] = {0, 0};
    attention_merge(&m0, &l0, o0, -FLT_MAX, 0, zero, 2);
    assert_true(m0 == m && l0 == l && o0[0] == o[0] && o0[1] == o[1]);
}

static Shape random_shape(Rng *rng)
{
    static const int groups[] = {1, 2, 3, 4, 5, 7, 8, 9, 16};
    Shape s = {.n_kv_head = 1 + (int)rng_below(rng, 2), .group = groups[rng_below(rng, 9)],
               .d_k = 1 + (int)rng_below(rng, 80), .d_v = 1 + (int)rng_below(rng, 80)};
    s.n_tok = 1 + (int64_t)rng_below(rng, rng_below(rng, 3) ? 40 : 2);
    s.pos0 = (int64_t)rng_below(rng, rng_below(rng, 2) ? 1 : 200);
    s.n_ctx = s.pos0 + s.n_tok + (int64_t)rng_below(rng, 20);
    s.window = rng_below(rng, 2) ? 0 : 1 + (int64_t)rng_below(rng, 150);
    s.tk = rng_below(rng, 2) ? DT_F16 : DT_F32;
    s.tv = rng_below(rng, 2) ? DT_F16 : DT_F32;
    return s;
}

static void every_variant_is_the_formula_on_random_shapes(void **state)
{
    (void)state;
    Rng rng = rng_seed(41);
    for (int i = 0; i < 40; i++) {
        Shape s = random_shape(&rng);
        Problem p = make(&s, &rng);
        check_all_variants(&p);
        arena_close(&arena);
    }
}

static void every_variant_is_the_formula_over_several_tiles_and_blocks(void **state)
{
    (void)state;
    static const Shape shapes[] = {
        {2, 8, 64, 64, 140, 60, 80, 0, DT_F16, DT_F16},
        {1, 1, 16, 48, 300, 0, 300, 70, DT_F32, DT_F16},
        {1, 3, 128, 33, 150, 10, 130, 65, DT_F16, DT_F32},
        {1, 71, 8, 8, 140, 130, 10, 0, DT_F16, DT_F16},
        {1, 2, 200, 256, 70, 0, 66, 0, DT_F16, DT_F16}};
    Rng rng = rng_seed(42);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        Problem p = make(&shapes[i], &rng);
        check_all_variants(&p);
        arena_close(&arena);
    }
}

static void weights_are_the_formula_and_sum_to_one(void **state)
{
    (void)state;
    Rng rng = rng_seed(43);
    for (int i = 0; i < 20; i++) {
        Shape s = random_shape(&rng);
        Problem p = make(&s, &rng);
        p.a.kv = &p.kv;
        float *w = ARENA_NEW(&arena, float, s.n_ctx);
        double *prob = ARENA_NEW(&arena, double, s.n_ctx), out[512], sum = 0;
        int64_t t = (int64_t)rng_below(&rng, (uint64_t)s.n_tok);
        int h = (int)rng_below(&rng, (uint64_t)p.a.n_head);
        reference(&p, t, h, out, prob);
        attention_weights(&p.a, h, t, w, s.n_ctx);
        for (int64_t j = 0; j < s.n_ctx; j++) {
            sum += w[j];
            assert_true(fabs(w[j] - (j <= s.pos0 + t ? prob[j] : 0)) < 1e-4);
        }
        assert_true(fabs(sum - 1) < 1e-4);
        arena_close(&arena);
    }
}

static void a_later_key_changes_nothing(void **state)
{
    (void)state;
    Rng rng = rng_seed(44);
    for (int i = 0; i < 20; i++) {
        Shape s = random_shape(&rng);
        s.n_tok += 2;
        s.n_ctx += 2;
        Problem p = make(&s, &rng);
        float *before = ARENA_NEW(&arena, float, p.n_out), noise[16 * 80];
        int64_t changed = (int64_t)rng_below(&rng, (uint64_t)s.n_tok);
        for (int v = 0; variant(v); v++) {
            use(variant(v));
            run(&p, NULL);
            memcpy(before, p.out, (size_t)p.n_out * sizeof *before);
            for (int n = 0; n < 16 * 80; n++) noise[n] = 100 * rng_normal(&rng);
            for (int64_t pos = s.pos0 + changed; pos < s.n_ctx; pos++)
                kv_store(&p.kv, pos, noise, noise);
            run(&p, NULL);
            for (int64_t t = 0; t < changed; t++)
                for (int64_t n = 0; n < p.a.n_head * s.d_v; n++)
                    assert_true(before[t * p.a.out_stride + n] == p.out[t * p.a.out_stride + n]);
        }
        arena_close(&arena);
    }
}

/* The whole call equals the same tokens in chunks: closely for all variants, and to the bit for the
 * SIMD twins as long as every chunk has more than two rows. */
static void chunks_of_a_prompt_give_the_same_result(void **state)
{
    (void)state;
    Rng rng = rng_seed(45);
    for (int i = 0; i < 20; i++) {
        Shape s = random_shape(&rng);
        Problem p = make(&s, &rng);
        float *whole = ARENA_NEW(&arena, float, p.n_out);
        for (int v = 0; variant(v); v++) {
            use(variant(v));
            run(&p, NULL);
            memcpy(whole, p.out, (size_t)p.n_out * sizeof *whole);
            AttentionArgs a = p.a;
            for (int64_t t = 0; t < s.n_tok; t += a.n_tok) {
                a.n_tok = 1 + (int64_t)rng_below(&rng, (uint64_t)(s.n_tok - t));
                a.pos0 = s.pos0 + t;
                a.q = p.q + t * a.q_stride;
                a.out = p.out + t * a.out_stride;
                attention_all(NULL, &a, p.scratch, p.scratch_bytes);
            }
            for (int64_t n = 0; n < p.n_out; n++) {
                if (is_simd(variant(v)) && s.group > 2) assert_true(whole[n] == p.out[n]);
                assert_true(fabsf(whole[n] - p.out[n]) < 1e-4f);
            }
        }
        arena_close(&arena);
    }
}

static void bits_do_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    Rng rng = rng_seed(46);
    Shape s = {2, 4, 20, 24, 200, 50, 150, 0, DT_F16, DT_F16};
    Problem p = make(&s, &rng);
    float *one = ARENA_NEW(&arena, float, p.n_out);
    for (int v = 0; variant(v); v++) {
        use(variant(v));
        run(&p, NULL);
        memcpy(one, p.out, (size_t)p.n_out * sizeof *one);
        for (int n_threads = 2; n_threads <= MAX_THREADS; n_threads++) {
            Pool *pool;
            Err err;
            assert_int_equal(pool_open(&pool, n_threads, false, &err), OK);
            run(&p, pool);
            pool_close(pool);
            assert_memory_equal(one, p.out, (size_t)p.n_out * sizeof *one);
        }
    }
    arena_close(&arena);
}

static void hostile_numbers_spoil_only_those_who_see_them(void **state)
{
    (void)state;
    static const float hostile[] = {NAN, INFINITY, -INFINITY, FLT_MAX, -FLT_MAX};
    Rng rng = rng_seed(47);
    Shape s = {1, 3, 20, 20, 150, 0, 150, 0, DT_F32, DT_F32};
    for (size_t x = 0; x < sizeof hostile / sizeof *hostile; x++)
        for (int where = 0; where < 3; where++) {
            Problem p = make(&s, &rng);
            float k[20], v[20];
            kv_load_k(k, &p.kv, 0, 140);
            kv_load_v(v, &p.kv, 0, 140);
            if (where == 0) k[3] = hostile[x];
            if (where == 1) v[3] = hostile[x];
            if (where == 2) p.q[140 * p.a.q_stride + 5] = hostile[x];
            kv_store(&p.kv, 140, k, v);
            for (int c = 0; variant(c); c++) {
                use(variant(c));
                run(&p, NULL);
                /* The first tile (85 tokens of a group of 3) does not even load it. */
                for (int64_t t = 0; t < 85; t++)
                    for (int i = 0; i < 60; i++)
                        assert_true(isfinite(p.out[t * p.a.out_stride + i]));
                /* A NaN is not hidden from those who see it. */
                if (isnan(hostile[x])) assert_true(isnan(p.out[140 * p.a.out_stride + 3]));
            }
            arena_close(&arena);
        }
}

static void scores_far_below_the_maximum_get_no_weight(void **state)
{
    (void)state;
    Rng rng = rng_seed(48);
    Shape s = {1, 2, 8, 8, 100, 99, 1, 0, DT_F32, DT_F32};
    Problem p = make(&s, &rng);
    float k[8] = {1000, 0}, v[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    p.q[0] = p.q[8] = 1000;
    kv_store(&p.kv, 70, k, v);
    for (int c = 0; variant(c); c++) {
        use(variant(c));
        run(&p, NULL);
        for (int i = 0; i < 16; i++) assert_true(fabsf(p.out[i] - v[i % 8]) < 1e-6f);
    }
    arena_close(&arena);
}

/* Soft caps, slopes, sinks and both ways, alone and together, on shapes with tails. */
static void changed_scores_agree_in_every_variant(void **state)
{
    (void)state;
    Rng rng = rng_seed(12);
    static const Shape shapes[] = {
        {2, 2, 20, 12, 150, 0, 150, 0, DT_F32, DT_F32}, {1, 3, 16, 16, 90, 70, 20, 9, DT_F16, DT_F16},
        {3, 1, 8, 24, 70, 69, 1, 0, DT_F32, DT_F16},    {1, 1, 32, 32, 200, 0, 200, 30, DT_F32, DT_F32},
    };
    float slopes[4] = {0.5f, 0.25f, 0.0625f, 0.03f}, sinks[4] = {3.0f, -50.0f, 0.5f, 12.0f};
    for (int i = 0; i < 4; i++)
        for (int how = 0; how < 16; how++) {
            Problem p = make(&shapes[i], &rng);
            if (how & 1) p.a.soft_cap = 5;
            if (how & 2) p.a.slopes = slopes;
            if (how & 4) p.a.sinks = sinks;
            p.a.both_ways = how & 8;
            check_all_variants(&p);
            arena_close(&arena);
        }
}

/* By hand: 8 heads, greatest bias 8: 1/2, 1/4, ... 1/256. With 6 heads the largest power of two is 4;
 * the other two take the odd steps of 8. */
static void slopes_halve_from_head_to_head(void **state)
{
    (void)state;
    float s[8];
    attention_slopes(s, 8, 8);
    for (int h = 0; h < 8; h++) assert_true(s[h] == 1.0f / (float)(2 << h));
    attention_slopes(s, 6, 8);
    const float want[6] = {0.25f, 0.0625f, 0.015625f, 0.00390625f, 0.5f, 0.125f};
    for (int h = 0; h < 6; h++) assert_true(s[h] == want[h]);
}

int main(void)
{
    layer4_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand_four_tokens_with_one_hot_keys),
        cmocka_unit_test(visible_keys_by_hand),
        cmocka_unit_test(query_heads_share_kv_heads_in_order),
        cmocka_unit_test(merging_two_parts_equals_one_softmax),
        cmocka_unit_test(every_variant_is_the_formula_on_random_shapes),
        cmocka_unit_test(every_variant_is_the_formula_over_several_tiles_and_blocks),
        cmocka_unit_test(weights_are_the_formula_and_sum_to_one),
        cmocka_unit_test(a_later_key_changes_nothing),
        cmocka_unit_test(chunks_of_a_prompt_give_the_same_result),
        cmocka_unit_test(bits_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(hostile_numbers_spoil_only_those_who_see_them),
        cmocka_unit_test(scores_far_below_the_maximum_get_no_weight),
        cmocka_unit_test(changed_scores_agree_in_every_variant),
        cmocka_unit_test(slopes_halve_from_head_to_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
