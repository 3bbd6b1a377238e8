/* The block against its formula in double precision, with every switch in both positions; and the
 * promise that sequences of one call do not touch each other. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer4.h"
#include "twins.h"

static Arena arena;

enum { D = 24, D_FF = 40, HEADS = 4, D_K = 10, D_V = 6, N_CTX = 40, MAX_TOK = 20 };

static double *doubles(int64_t n) { return ARENA_NEW(&arena, double, n); }

static float *normals(Rng *rng, int64_t n, float scale)
{
    float *x = ARENA_NEW(&arena, float, n);
    for (int64_t i = 0; i < n; i++) x[i] = scale * rng_normal(rng);
    return x;
}

static Affine affine(Rng *rng, int64_t n_in, int64_t n_out, bool bias)
{
    float scale = 1 / sqrtf((float)n_in);
    return (Affine){tensor_matrix(DT_F32, normals(rng, n_in * n_out, scale), n_in, n_out),
                    bias ? normals(rng, n_out, 0.5f) : NULL, bias ? normals(rng, 1, 0.8f) : NULL};
}

static BlockWeights make_weights(const BlockSpec *s, Rng *rng, bool bias, bool second_norm)
{
    int64_t q = HEADS * D_K, k = (int64_t)s->n_kv_head * D_K, v = (int64_t)s->n_kv_head * D_V;
    BlockWeights w = {0};
    w.attn_norm.gain = normals(rng, D, 1);
    if (bias) w.attn_norm.offset = normals(rng, D, 0.3f);
    if (second_norm) w.ffn_norm = (NormWeights){normals(rng, D, 1), NULL};
    w.q = affine(rng, D, q, bias);
    w.k = affine(rng, D, k, bias);
    w.v = affine(rng, D, v, bias);
    w.o = affine(rng, HEADS * D_V, D, bias);
    if (s->gated) w.gate = affine(rng, D, D_FF, bias);
    w.up = affine(rng, D, D_FF, bias);
    w.down = affine(rng, D_FF, D, bias);
    if (s->qk_norm != QK_NORM_NONE) {
        w.q_norm.gain = normals(rng, q, 1);
        w.k_norm.gain = normals(rng, k, 1);
    }
    return w;
}

static BlockSpec base_spec(void)
{
    return (BlockSpec){.d_model = D, .d_ff = D_FF, .n_head = HEADS, .n_kv_head = 2, .d_k = D_K,
                       .d_v = D_V, .norm = NORM_RMS, .norm_eps = 1e-5f, .gated = true,
                       .act = ACT_SILU, .rope = ROPE_HALF, .n_rot = 8, .rope_base = 10000,
                       .rope_freq_scale = 1, .attn_scale = 1 / sqrtf(D_K)};
}

/* ---------------------------------------------------------------- the formula, in double */

/* Of n numbers; y may be x. */
static void ref_norm_of(const BlockSpec *s, const NormWeights *w, double *y, const double *x, int n)
{
    double mean = 0, square = 0;
    for (int i = 0; i < n; i++) mean += x[i] / n;
    if (s->norm == NORM_RMS || !w->gain) mean = 0;
    for (int i = 0; i < n; i++) square += (x[i] - mean) * (x[i] - mean) / n;
    for (int i = 0; i < n; i++) {
        y[i] = w->gain ? (x[i] - mean) / sqrt(square + s->norm_eps) * w->gain[i] : x[i];
        if (w->gain && s->norm == NORM_LAYER && w->offset) y[i] += w->offset[i];
    }
}

static void ref_norm(const BlockSpec *s, const NormWeights *w, double *y, const double *x)
{
    ref_norm_of(s, w, y, x, D);
}

/* Queries or keys of one token, and what may be done to them before they turn. */
static void ref_heads(const BlockSpec *s, const NormWeights *w, double *x, int n_head)
{
    int wide = s->qk_norm == QK_NORM_ROW ? n_head * D_K : D_K;
    for (int i = 0; i < n_head * D_K && s->qk_norm != QK_NORM_NONE; i += wide) {
        NormWeights own = {w->gain + (s->qk_norm == QK_NORM_HEADS ? i : 0), w->offset};
        ref_norm_of(s, &own, x + i, x + i, wide);
    }
}

static void ref_affine(const Affine *a, double *y, const double *x)
{
    const float *w = a->w.data;
    for (int64_t o = 0; o < a->w.ne[1]; o++) {
        y[o] = 0;
        for (int64_t i = 0; i < a->w.ne[0]; i++) y[o] += (double)w[o * a->w.ne[0] + i] * x[i];
        y[o] = (a->scale ? *a->scale : 1) * y[o] + (a->bias ? a->bias[o] : 0);
    }
}

static void ref_rope(const BlockSpec *s, double *x, int n_head, int64_t pos)
{
    for (int h = 0; h < n_head && s->rope != ROPE_NONE; h++, x += D_K)
        for (int j = 0; j < s->n_rot / 2; j++) {
            double factor = s->rope_factors ? s->rope_factors[j] : 1;
            double theta = (double)pos * s->rope_freq_scale *
                           pow(s->rope_base, -2.0 * j / s->n_rot) / factor;
            int a = s->rope == ROPE_HALF ? j : 2 * j, b = s->rope == ROPE_HALF ? j + s->n_rot / 2 : 2 * j + 1;
            double xa = x[a], xb = x[b];
            x[a] = xa * cos(theta) - xb * sin(theta);
            x[b] = xa * sin(theta) + xb * cos(theta);
        }
}

static double ref_act(const BlockSpec *s, double x)
{
    return s->act == ACT_SILU ? x / (1 + exp(-x))
                              : 0.5 * x * (1 + tanh(0.7978845608 * (x + 0.044715 * x * x * x)));
}

static void ref_ffn(const BlockSpec *s, const BlockWeights *w, double *y, const double *x)
{
    double up[D_FF], gate[D_FF];
    ref_affine(&w->up, up, x);
    if (s->gated) ref_affine(&w->gate, gate, x);
    for (int i = 0; i < D_FF; i++) up[i] = s->gated ? ref_act(s, gate[i]) * up[i] : ref_act(s, up[i]);
    ref_affine(&w->down, y, up);
}

/* One sequence of n tokens from position 0: x [n, D] in place. */
static void ref_block(const BlockSpec *s, const BlockWeights *w, double *x, int64_t n)
{
    int64_t wk = (int64_t)s->n_kv_head * D_K, wv = (int64_t)s->n_kv_head * D_V;
    double *k = doubles(n * wk), *v = doubles(n * wv), *p = doubles(n);
    double share = s->residual_scale > 0 ? s->residual_scale : 1;
    for (int64_t t = 0; t < n; t++) {
        double norm[D], q[HEADS * D_K], heads[HEADS * D_V] = {0}, branch[D], ffn[D];
        double *xt = x + t * D;
        ref_norm(s, &w->attn_norm, norm, xt);
        ref_affine(&w->q, q, norm);
        ref_affine(&w->k, k + t * wk, norm);
        ref_affine(&w->v, v + t * wv, norm);
        ref_heads(s, &w->q_norm, q, HEADS);
        ref_heads(s, &w->k_norm, k + t * wk, s->n_kv_head);
        ref_rope(s, q, HEADS, t);
        ref_rope(s, k + t * wk, s->n_kv_head, t);
        for (int h = 0; h < HEADS; h++) {
            int g = h * s->n_kv_head / HEADS;
            double sum = 0;
            for (int64_t j = 0; j <= t; j++) {
                double dot = 0;
                for (int i = 0; i < D_K; i++) dot += q[h * D_K + i] * k[j * wk + g * D_K + i];
                bool seen = s->window == 0 || t - j < s->window;
                sum += p[j] = seen ? exp(dot * s->attn_scale) : 0;
            }
            for (int64_t j = 0; j <= t; j++)
                for (int i = 0; i < D_V; i++)
                    heads[h * D_V + i] += p[j] / sum * v[j * wv + g * D_V + i];
        }
        ref_affine(&w->o, branch, heads);
        if (s->parallel && w->ffn_norm.gain) ref_norm(s, &w->ffn_norm, norm, xt);
        for (int i = 0; i < D; i++) xt[i] += share * branch[i];
        if (!s->parallel) ref_norm(s, &w->ffn_norm, norm, xt);
        ref_ffn(s, w, ffn, norm);
        for (int i = 0; i < D; i++) xt[i] += share * ffn[i];
    }
}

/* ---------------------------------------------------------------- running the block */

typedef struct { BlockContext c; Pool *pool; float *table; } Runner;

static Runner make_runner(const BlockSpec *s, int n_threads)
{
    Runner r = {0};
    Err err;
    assert_int_equal(pool_open(&r.pool, n_threads, false, &err), OK);
    r.table = ARENA_NEW(&arena, float, 3 * MAX_TOK * D_K);
    r.c = (BlockContext){.pool = r.pool, .rope_table = {r.table}};
    r.c.scratch_bytes = block_scratch_bytes(s, 3 * MAX_TOK, N_CTX, n_threads);
    r.c.scratch = arena_alloc(&arena, r.c.scratch_bytes, 1);
    return r;
}

static KvView make_kv(const BlockSpec *s, DType type)
{
    int64_t bytes = kv_flat_bytes(type, type, N_CTX, s->n_kv_head, D_K, D_V);
    return kv_flat(arena_alloc(&arena, bytes, 1), type, type, N_CTX, s->n_kv_head, D_K, D_V);
}

static void forward(Runner *r, const BlockSpec *s, const BlockWeights *w, float *x,
                    const BlockRun *runs, int n_runs)
{
    int64_t n = 0, pos[3 * MAX_TOK];
    for (int i = 0; i < n_runs; i++)
        for (int64_t t = 0; t < runs[i].n; t++) pos[n++] = runs[i].pos0 + t;
    block_rope_table(s, r->table, pos, n);
    block_forward(s, w, &r->c, x, n, runs, n_runs);
}

/* Values are of size 1 to 10 after sums of at most 64 products; f32 keeps 7 digits. */
static const double tolerance = 2e-4;

static void check_spec(const BlockSpec *s, bool bias, bool second_norm, Rng *rng, const char *what)
{
    enum { N = 13 };
    BlockWeights w = make_weights(s, rng, bias, second_norm);
    float *x = normals(rng, N * D, 1);
    double *want = doubles(N * D);
    for (int i = 0; i < N * D; i++) want[i] = x[i];
    ref_block(s, &w, want, N);
    Runner r = make_runner(s, 2);
    KvView kv = make_kv(s, DT_F32);
    /* 9 tokens in one call, then four one by one. */
    forward(&r, s, &w, x, &(BlockRun){0, 9, 0, &kv, NULL}, 1);
    for (int t = 9; t < N; t++) forward(&r, s, &w, x + t * D, &(BlockRun){0, 1, t, &kv, NULL}, 1);
    pool_close(r.pool);
    for (int i = 0; i < N * D; i++) assert_near(x[i], (float)want[i], tolerance, what, "block", i);
}

static void every_switch_is_the_formula(void **state)
{
    (void)state;
    Rng rng = rng_seed(61);
    for (int bits = 0; bits < 64; bits++) {
        BlockSpec s = base_spec();
        s.parallel = bits & 1;
        s.norm = bits & 2 ? NORM_LAYER : NORM_RMS;
        s.gated = bits & 4;
        if (bits & 4) s.act = ACT_GELU_TANH;
        s.rope = bits & 8 ? ROPE_INTERLEAVED : ROPE_HALF;
        s.window = bits & 8 ? 4 : 0;
        char what[64];
        snprintf(what, sizeof what, "switches %d", bits);
        check_spec(&s, bits & 16, !s.parallel || bits & 32, &rng, what);
        arena_close(&arena);
    }
}

static void shapes_and_rotary_kinds_are_the_formula(void **state)
{
    (void)state;
    Rng rng = rng_seed(62);
    static const float factors[] = {1, 1.5f, 2, 8};
    BlockSpec s = base_spec();
    s.n_kv_head = 1;
    check_spec(&s, false, true, &rng, "one kv head");
    s.n_kv_head = HEADS;
    check_spec(&s, false, true, &rng, "as many kv heads as heads");
    s.rope = ROPE_NONE;
    check_spec(&s, false, true, &rng, "no rotation");
    s = base_spec();
    s.rope_factors = factors;
    s.rope_freq_scale = 0.25f;
    check_spec(&s, false, true, &rng, "rope factors");
    s = base_spec();
    check_spec(&s, false, false, &rng, "no ffn norm");
    arena_close(&arena);
}

static void norms_of_queries_and_keys_are_the_formula(void **state)
{
    (void)state;
    static const QkNorm kinds[] = {QK_NORM_HEAD, QK_NORM_HEADS, QK_NORM_ROW};
    static const char *const names[] = {"one gain for all heads", "a gain for each head", "all heads together"};
    Rng rng = rng_seed(66);
    for (int i = 0; i < 6; i++) {
        BlockSpec s = base_spec();
        s.qk_norm = kinds[i % 3];
        s.norm = i < 3 ? NORM_RMS : NORM_LAYER;
        check_spec(&s, true, true, &rng, names[i % 3]);
        arena_close(&arena);
    }
}

static void branches_are_scaled_before_they_are_added(void **state)
{
    (void)state;
    Rng rng = rng_seed(67);
    for (int parallel = 0; parallel < 2; parallel++) {
        BlockSpec s = base_spec();
        s.residual_scale = 0.3f;
        s.parallel = parallel;
        check_spec(&s, true, true, &rng, parallel ? "scaled, side by side" : "scaled, one after the other");
        arena_close(&arena);
    }
}

static void sequences_of_one_call_do_not_touch_each_other(void **state)
{
    (void)state;
    Rng rng = rng_seed(63);
    BlockSpec s = base_spec();
    BlockWeights w = make_weights(&s, &rng, true, true);
    Runner r = make_runner(&s, 2);
    static const int64_t n[3] = {7, 1, 5}, pos0[3] = {0, 4, 2};
    KvView alone[3], together[3];
    BlockRun runs[3];
    float *x = normals(&rng, 13 * D, 1), *y = ARENA_NEW(&arena, float, 13 * D);
    memcpy(y, x, 13 * D * sizeof *y);
    for (int i = 0; i < 3; i++) {
        alone[i] = make_kv(&s, DT_F16);
        together[i] = make_kv(&s, DT_F16);
        /* What came before position pos0. */
        float *past = normals(&rng, pos0[i] * D, 1), *same = ARENA_NEW(&arena, float, pos0[i] * D);
        memcpy(same, past, (size_t)pos0[i] * D * sizeof *same);
        forward(&r, &s, &w, past, &(BlockRun){0, pos0[i], 0, &alone[i], NULL}, 1);
        forward(&r, &s, &w, same, &(BlockRun){0, pos0[i], 0, &together[i], NULL}, 1);
    }
    for (int64_t i = 0, first = 0; i < 3; first += n[i++]) {
        runs[i] = (BlockRun){first, n[i], pos0[i], &together[i], NULL};
        forward(&r, &s, &w, y + first * D, &(BlockRun){0, n[i], pos0[i], &alone[i], NULL}, 1);
    }
    forward(&r, &s, &w, x, runs, 3);
    pool_close(r.pool);
    for (int i = 0; i < 13 * D; i++) assert_near(x[i], y[i], tolerance, "runs", "block", i);
    arena_close(&arena);
}

static void bits_do_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    Rng rng = rng_seed(64);
    BlockSpec s = base_spec();
    BlockWeights w = make_weights(&s, &rng, true, true);
    float *x = normals(&rng, MAX_TOK * D, 1), *y = ARENA_NEW(&arena, float, 4 * MAX_TOK * D);
    for (int n_threads = 1; n_threads <= 4; n_threads++) {
        float *out = y + (n_threads - 1) * MAX_TOK * D;
        memcpy(out, x, MAX_TOK * D * sizeof *out);
        Runner r = make_runner(&s, n_threads);
        KvView kv = make_kv(&s, DT_F16);
        forward(&r, &s, &w, out, &(BlockRun){0, MAX_TOK, 0, &kv, NULL}, 1);
        pool_close(r.pool);
        assert_same_f32(out, y, MAX_TOK * D, "block", "threads");
    }
    arena_close(&arena);
}

typedef struct { int calls, layer; float top; } Tapped;

static void tap(void *ctx, int layer, const AttentionArgs *a)
{
    Tapped *t = ctx;
    float p[N_CTX];
    t->calls++;
    t->layer = layer;
    attention_weights(a, HEADS - 1, a->n_tok - 1, p, a->pos0 + a->n_tok);
    t->top = vec_sum(p, a->pos0 + a->n_tok);
}

static void the_tap_sees_stored_keys(void **state)
{
    (void)state;
    Rng rng = rng_seed(65);
    BlockSpec s = base_spec();
    BlockWeights w = make_weights(&s, &rng, false, true);
    Runner r = make_runner(&s, 1);
    KvView kv = make_kv(&s, DT_F16);
    Tapped t = {0};
    r.c.tap = tap;
    r.c.tap_ctx = &t;
    r.c.layer = 5;
    forward(&r, &s, &w, normals(&rng, 6 * D, 1), &(BlockRun){0, 6, 0, &kv, NULL}, 1);
    pool_close(r.pool);
    assert_true(t.calls == 1 && t.layer == 5);
    assert_true(fabsf(t.top - 1) < 1e-5f);
    arena_close(&arena);
}

int main(void)
{
    layer4_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_switch_is_the_formula),
        cmocka_unit_test(shapes_and_rotary_kinds_are_the_formula),
        cmocka_unit_test(norms_of_queries_and_keys_are_the_formula),
        cmocka_unit_test(branches_are_scaled_before_they_are_added),
        cmocka_unit_test(sequences_of_one_call_do_not_touch_each_other),
        cmocka_unit_test(bits_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(the_tap_sees_stored_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
