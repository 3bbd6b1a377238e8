/* Latent attention: both twins against the formula in double precision, with matrices as older and newer
 * files have them, one token at a time and many, and the memory that it leaves. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "latent.h"
#include "layer4.h"
#include "twins.h"

#include <string.h>

/* Twelve heads attend in two groups of six. */
enum { D = 24, HEADS = 12, RANK = 12, ROT = 4, NOPE = 10, D_V = 8, NARROW = 14, N = 11, N_CTX = 16,
       D_Q = NOPE + ROT, KEPT = RANK + ROT };

static Arena arena;

static float *normals(Rng *rng, int64_t n, float scale)
{
    float *x = ARENA_NEW(&arena, float, n);
    for (int64_t i = 0; i < n; i++) x[i] = scale * rng_normal(rng);
    return x;
}

static Tensor matrix(Rng *rng, int64_t n_in, int64_t n_out)
{
    return tensor_matrix(DT_F32, normals(rng, n_in * n_out, 1 / sqrtf((float)n_in)), n_in, n_out);
}

typedef struct {
    BlockSpec s;
    BlockWeights w;
    float k_b[HEADS][RANK][NOPE], both[HEADS][NOPE + D_V][RANK]; /* newer files, older files */
    float v_b[HEADS][D_V][RANK];
} Case;

static Case *make_case(Rng *rng, bool narrow, bool turned, int64_t temp_length)
{
    Case *c = ARENA_NEW(&arena, Case, 1);
    c->s = (BlockSpec){.d_model = D, .n_head = HEADS, .n_kv_head = 1, .d_k = KEPT, .d_v = RANK,
                       .norm_eps = 1e-6f, .rope = ROPE_INTERLEAVED, .n_rot = ROT, .rope_base = 100,
                       .rope_freq_scale = 1, .attn_scale = 0.4f,
                       .latent = {.rank = RANK, .q_rank = narrow ? NARROW : 0, .d_nope = NOPE, .d_v = D_V,
                                  .temp_scale = 0.3f, .temp_length = temp_length}};
    LatentWeights *w = &c->w.latent;
    if (narrow) {
        w->q_a = matrix(rng, D, NARROW);
        w->q_b = matrix(rng, NARROW, HEADS * D_Q);
        w->q_a_norm.gain = normals(rng, NARROW, 1);
    } else {
        c->w.q.w = matrix(rng, D, HEADS * D_Q);
    }
    w->kv_a = matrix(rng, D, KEPT);
    w->kv_norm.gain = normals(rng, RANK, 1);
    for (int h = 0; h < HEADS; h++)
        for (int i = 0; i < RANK; i++) {
            for (int k = 0; k < NOPE; k++)
                c->k_b[h][i][k] = c->both[h][k][i] = 0.3f * rng_normal(rng);
            for (int v = 0; v < D_V; v++)
                c->v_b[h][v][i] = c->both[h][NOPE + v][i] = 0.3f * rng_normal(rng);
        }
    w->k_turned = turned;
    w->k_b = turned ? tensor_matrix(DT_F32, c->both, RANK, NOPE) : tensor_matrix(DT_F32, c->k_b, NOPE, RANK);
    w->v_b = tensor_matrix(DT_F32, turned ? c->both[0][NOPE] : c->v_b[0][0], RANK, D_V);
    w->k_b.ne[2] = w->v_b.ne[2] = HEADS;
    if (turned) w->k_b.nb[2] = w->v_b.nb[2] = sizeof c->both[0];
    return c;
}

/* ---------------------------------------------------------------- the formula, in double */

static void ref_product(const Tensor *w, double *y, const double *x)
{
    const float *at = w->data;
    for (int64_t o = 0; o < w->ne[1]; o++) {
        y[o] = 0;
        for (int64_t i = 0; i < w->ne[0]; i++) y[o] += (double)at[o * w->ne[0] + i] * x[i];
    }
}

static void ref_norm(const float *gain, double *x, int n)
{
    double square = 0;
    for (int i = 0; i < n; i++) square += x[i] * x[i] / n;
    for (int i = 0; i < n; i++) x[i] = x[i] / sqrt(square + 1e-6) * gain[i];
}

static void ref_rope(double *x, int64_t pos)
{
    for (int j = 0; j < ROT / 2; j++) {
        double theta = (double)pos * pow(100, -2.0 * j / ROT), a = x[2 * j], b = x[2 * j + 1];
        x[2 * j] = a * cos(theta) - b * sin(theta);
        x[2 * j + 1] = a * sin(theta) + b * cos(theta);
    }
}

/* What is kept of x at pos, and the query of all heads. */
static void ref_token(const Case *c, const float *x, int64_t pos, double *kept, double *q)
{
    const LatentWeights *w = &c->w.latent;
    double in[D], narrow[NARROW];
    for (int i = 0; i < D; i++) in[i] = x[i];
    ref_product(&w->kv_a, kept, in);
    ref_norm(w->kv_norm.gain, kept, RANK);
    ref_rope(kept + RANK, pos);
    if (c->s.latent.q_rank) {
        ref_product(&w->q_a, narrow, in);
        ref_norm(w->q_a_norm.gain, narrow, NARROW);
        ref_product(&w->q_b, q, narrow);
    } else {
        ref_product(&c->w.q.w, q, in);
    }
    double far = c->s.latent.temp_length;
    double sharp = far > 0 ? 1 + 0.3 * log(floor((double)pos / far) + 1) : 1;
    for (int h = 0; h < HEADS; h++) ref_rope(q + h * D_Q + NOPE, pos);
    for (int i = 0; i < HEADS * D_Q; i++) q[i] *= sharp;
}

/* One sequence of N tokens from position 0: out [N, HEADS * D_V]. */
static void ref_latent(const Case *c, const float *x, double *out)
{
    double kept[N][KEPT], q[HEADS * D_Q];
    for (int t = 0; t < N; t++) {
        ref_token(c, x + t * D, t, kept[t], q);
        for (int h = 0; h < HEADS; h++) {
            double p[N], sum = 0, *o = out + (t * HEADS + h) * D_V;
            for (int j = 0; j <= t; j++) {
                double s = 0;
                for (int k = 0; k < NOPE; k++) {
                    double key = 0;
                    for (int i = 0; i < RANK; i++) key += (double)c->k_b[h][i][k] * kept[j][i];
                    s += q[h * D_Q + k] * key;
                }
                for (int k = 0; k < ROT; k++) s += q[h * D_Q + NOPE + k] * kept[j][RANK + k];
                sum += p[j] = exp(0.4 * s);
            }
            for (int v = 0; v < D_V; v++) {
                o[v] = 0;
                for (int j = 0; j <= t; j++)
                    for (int i = 0; i < RANK; i++) o[v] += p[j] / sum * (double)c->v_b[h][v][i] * kept[j][i];
            }
        }
    }
}

/* ---------------------------------------------------------------- running it */

static void run(const Case *c, Pool *pool, const float *x, float *heads, const BlockRun *runs, int n_runs)
{
    int64_t n = 0, bytes = latent_scratch_bytes(&c->s, 2 * N, N_CTX, pool_threads(pool));
    float table[2 * N * ROT];
    for (int i = 0; i < n_runs; i++)
        for (int64_t t = 0; t < runs[i].n; t++, n++)
            block_rope_table(&c->s, table + n * ROT, &(int64_t){runs[i].pos0 + t}, 1);
    LatentCall call = {.s = &c->s, .w = &c->w, .pool = pool, .scratch = arena_alloc(&arena, bytes, 1),
                       .angles = table, .x = x, .heads = heads, .n_tok = n, .runs = runs, .n_runs = n_runs};
    latent_forward(&call);
}

static KvView memory_of(const Case *c, DType type)
{
    return block_kv(&c->s, arena_alloc(&arena, block_kv_bytes(&c->s, type, type, N_CTX), 1), type, type,
                    N_CTX);
}

static void check_case(Rng *rng, bool narrow, bool turned, int64_t temp_length, const char *what)
{
    Case *c = make_case(rng, narrow, turned, temp_length);
    float *x = normals(rng, N * D, 1), heads[N * HEADS * D_V];
    double want[N * HEADS * D_V];
    Err err;
    Pool *pool;
    ref_latent(c, x, want);
    assert_int_equal(pool_open(&pool, 2, false, &err), OK);
    KvView kv = memory_of(c, DT_F32);
    /* 7 tokens in one call, then four one by one. */
    run(c, pool, x, heads, &(BlockRun){0, 7, 0, &kv, NULL}, 1);
    for (int t = 7; t < N; t++)
        run(c, pool, x + t * D, heads + t * HEADS * D_V, &(BlockRun){0, 1, t, &kv, NULL}, 1);
    pool_close(pool);
    /* Values of size one, sums of at most 24 products in a row of five. */
    for (int i = 0; i < N * HEADS * D_V; i++) assert_near(heads[i], (float)want[i], 2e-5, what, "latent", i);
}

static void check_variant(const KernelRow *row, void *ctx)
{
    Rng rng = rng_seed(71);
    char use[64], what[96];
    Err err;
    (void)ctx;
    snprintf(use, sizeof use, "latent:%s", row->variant);
    assert_int_equal(kernels_use(use, &err), OK);
    for (int bits = 0; bits < 8; bits++) {
        snprintf(what, sizeof what, "%s, switches %d", row->variant, bits);
        check_case(&rng, bits & 1, bits & 2, bits & 4 ? 3 : 0, what);
        arena_close(&arena);
    }
    assert_int_equal(kernels_use(NULL, &err), OK);
}

static void both_twins_are_the_formula(void **state)
{
    (void)state;
    assert_int_equal(twins_for_each("latent", check_variant, NULL), 2);
}

static void what_is_kept_is_one_vector_and_one_part_that_turned(void **state)
{
    (void)state;
    Rng rng = rng_seed(72);
    Case *c = make_case(&rng, true, false, 0);
    float *x = normals(&rng, N * D, 1), heads[N * HEADS * D_V], row[KEPT];
    double kept[KEPT], q[HEADS * D_Q];
    KvView kv = memory_of(c, DT_F32);
    /* No values beside the keys: half of what k and v apart would take, and no heads. */
    assert_int_equal(block_kv_bytes(&c->s, DT_F32, DT_F32, N_CTX), N_CTX * KEPT * 4);
    assert_ptr_equal(kv.k, kv.v);
    run(c, NULL, x, heads, &(BlockRun){0, N, 0, &kv, NULL}, 1);
    ref_token(c, x + 5 * D, 5, kept, q);
    kv_load_k(row, &kv, 0, 5);
    for (int i = 0; i < KEPT; i++) assert_near(row[i], (float)kept[i], 1e-5, "kept", "k", i);
    kv_load_v(row, &kv, 0, 5);
    for (int i = 0; i < RANK; i++) assert_near(row[i], (float)kept[i], 1e-5, "kept", "v", i);
    arena_close(&arena);
}

static void sequences_and_threads_change_nothing(void **state)
{
    (void)state;
    Rng rng = rng_seed(73);
    Case *c = make_case(&rng, true, true, 0);
    float *x = normals(&rng, 2 * N * D, 1), alone[2 * N * HEADS * D_V], together[2 * N * HEADS * D_V] = {0};
    KvView a = memory_of(c, DT_F16), b = memory_of(c, DT_F16);
    enum { FIRST = 7 };
    static float first[(FIRST + N) * HEADS * D_V];
    run(c, NULL, x, alone, &(BlockRun){0, FIRST, 0, &a, NULL}, 1);
    run(c, NULL, x + FIRST * D, alone + FIRST * HEADS * D_V, &(BlockRun){0, N, 0, &b, NULL}, 1);
    for (int n_threads = 1; n_threads <= 4; n_threads++) {
        Pool *pool;
        Err err;
        assert_int_equal(pool_open(&pool, n_threads, false, &err), OK);
        KvView p = memory_of(c, DT_F16), q = memory_of(c, DT_F16);
        BlockRun runs[] = {{0, FIRST, 0, &p, NULL}, {FIRST, N, 0, &q, NULL}};
        run(c, pool, x, together, runs, 2);
        pool_close(pool);
        for (int i = 0; i < (FIRST + N) * HEADS * D_V; i++)
            assert_near(together[i], alone[i], 2e-5, "runs", "latent", i);
        if (n_threads == 1) memcpy(first, together, sizeof first);
        assert_same_f32(together, first, (FIRST + N) * HEADS * D_V, "latent", "threads");
    }
    arena_close(&arena);
}

typedef struct { int n; const void *seen[8]; double sum; } Seen;

static void watch(void *ctx, const Tensor *w, const float *x, int64_t n_tok)
{
    Seen *s = ctx;
    if (s->n == 0 || s->seen[s->n - 1] != w->data) s->seen[s->n++] = w->data;
    s->sum += (double)x[n_tok * w->ne[0] - 1];
}

static void an_observer_sees_every_matrix_of_two_dimensions(void **state)
{
    (void)state;
    Rng rng = rng_seed(74);
    Case *c = make_case(&rng, true, true, 0);
    const LatentWeights *w = &c->w.latent;
    float *x = normals(&rng, N * D, 1), heads[N * HEADS * D_V], table[N * ROT];
    for (int t = 0; t < N; t++) block_rope_table(&c->s, table + t * ROT, &(int64_t){t}, 1);
    Seen seen = {0};
    KvView kv = memory_of(c, DT_F32);
    LatentCall call = {.s = &c->s, .w = &c->w, .angles = table, .watcher = {watch, &seen}, .x = x,
                       .heads = heads, .n_tok = N, .runs = &(BlockRun){0, N, 0, &kv, NULL}, .n_runs = 1};
    call.scratch = arena_alloc(&arena, latent_scratch_bytes(&c->s, N, N_CTX, 1), 1);
    latent_forward(&call);
    assert_int_equal(seen.n, 4);
    const void *const want[] = {w->kv_a.data, w->q_a.data, w->q_b.data, w->k_b.data};
    for (int i = 0; i < 4; i++) assert_ptr_equal(seen.seen[i], want[i]);
    assert_true(isfinite(seen.sum));
    arena_close(&arena);
}

int main(void)
{
    layer4_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_twins_are_the_formula),
        cmocka_unit_test(what_is_kept_is_one_vector_and_one_part_that_turned),
        cmocka_unit_test(sequences_and_threads_change_nothing),
        cmocka_unit_test(an_observer_sees_every_matrix_of_two_dimensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
