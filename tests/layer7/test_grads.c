/* Each backward pass against differences: the forward pass written down once more in double precision,
 * moved a little in each direction.  dL/dx_i = (L(x + h e_i) - L(x - h e_i)) / 2h  with L = sum c y,
 * c random, so dy = c. Relative error of a whole gradient: |got - want| / |want| <= 1e-3 (asked for);
 * float32 reaches 1e-5. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer7.h"
#include "layer7_kernels.h"
#include "must.h"
#include "twins.h"

enum { MAX = 1 << 16 };
static const double TOL = 2e-5;

static Arena arena;
static Rng rng;

static float *floats(int64_t n)
{
    float *x = ARENA_NEW(&arena, float, n);
    assert_non_null(x);
    return x;
}
static float *normals(int64_t n)
{
    float *x = floats(n);
    twin_normals(&rng, x, n);
    return x;
}
static double *doubles(const float *x, int64_t n)
{
    double *y = ARENA_NEW(&arena, double, n);
    assert_non_null(y);
    for (int64_t i = 0; i < n; i++) y[i] = x[i];
    return y;
}

static int begin(void **state)
{
    (void)state;
    rng = rng_seed(11);
    return 0;
}
static int end(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

/* The loss as a function of what `at` points into; ctx holds the rest. */
typedef double LossFn(void *ctx);

static void differences(double *want, double *x, int64_t n, LossFn *loss, void *ctx)
{
    for (int64_t i = 0; i < n; i++) {
        double old = x[i], h = 1e-5;
        x[i] = old + h;
        double up = loss(ctx);
        x[i] = old - h;
        want[i] = (up - loss(ctx)) / (2 * h);
        x[i] = old;
    }
}

static void check(const char *what, const float *got, double *x, int64_t n, LossFn *loss, void *ctx)
{
    double *want = ARENA_NEW(&arena, double, n), apart = 0, length = 0;
    assert_non_null(want);
    differences(want, x, n, loss, ctx);
    for (int64_t i = 0; i < n; i++) {
        apart += (got[i] - want[i]) * (got[i] - want[i]);
        length += want[i] * want[i];
    }
    if (!(sqrt(apart) <= TOL * sqrt(length)))
        twin_fail("%s: relative error %.3g of a gradient of length %.3g", what, sqrt(apart / length),
                  sqrt(length));
}

static GradWork work(Pool *pool, int64_t n_tok, int64_t width, int64_t n_ctx, int d_head)
{
    GradWork w;
    Err err = {0};
    MUST(grad_work_open(&w, &arena, pool, n_tok, width, width * width, n_ctx, d_head, &err), &err);
    return w;
}

/* ---------------------------------------------------------------- linear */

typedef struct { double *x, *w, *c; int64_t t, in, out; } Lin;
static double linear_loss(void *ctx)
{
    const Lin *l = ctx;
    double sum = 0;
    for (int64_t t = 0; t < l->t; t++)
        for (int64_t o = 0; o < l->out; o++)
            for (int64_t i = 0; i < l->in; i++)
                sum += l->c[t * l->out + o] * l->w[o * l->in + i] * l->x[t * l->in + i];
    return sum;
}

static void linear_by_hand(void **state)
{
    (void)state;
    /* y0 = x0 + 2 x1, y1 = 3 x0 + 4 x1, y2 = 5 x0 + 6 x1; one token x = (7, 8), dy = (1, 10, 100). */
    const float w[] = {1, 2, 3, 4, 5, 6}, x[] = {7, 8}, dy[] = {1, 10, 100};
    float dx[2], dw[6] = {1000, 0, 0, 0, 0, 0};
    GradWork g = work(NULL, 1, 3, 1, 2);
    grad_linear(&g, dx, dw, dy, w, x, 1, 2, 3);
    const float want_dx[] = {531, 642}, want_dw[] = {1007, 8, 70, 80, 700, 800};
    assert_same_f32(dx, want_dx, 2, "dx", "by hand");
    assert_same_f32(dw, want_dw, 6, "dw", "added to what was there");
}

static void linear_agrees_with_differences(void **state)
{
    (void)state;
    enum { T = 19, IN = 13, OUT = 21 };
    float *x = normals(T * IN), *w = normals(IN * OUT), *dy = normals(T * OUT);
    float *dx = floats(T * IN), *dw = floats(IN * OUT);
    GradWork g = work(NULL, T, OUT, 1, 2);
    grad_linear(&g, dx, dw, dy, w, x, T, IN, OUT);
    Lin l = {doubles(x, T * IN), doubles(w, IN * OUT), doubles(dy, T * OUT), T, IN, OUT};
    check("dx", dx, l.x, T * IN, linear_loss, &l);
    check("dw", dw, l.w, IN * OUT, linear_loss, &l);
}

/* ---------------------------------------------------------------- norm */

typedef struct { double *x, *w, *c; int64_t t, d; } Norm;
static double norm_loss(void *ctx)
{
    const Norm *l = ctx;
    double sum = 0;
    for (int64_t t = 0; t < l->t; t++) {
        const double *x = l->x + t * l->d;
        double squares = 0;
        for (int64_t i = 0; i < l->d; i++) squares += x[i] * x[i];
        double r = 1 / sqrt(squares / (double)l->d + 1e-5);
        for (int64_t i = 0; i < l->d; i++) sum += l->c[t * l->d + i] * l->w[i] * x[i] * r;
    }
    return sum;
}

static void norm_agrees_with_differences(void **state)
{
    (void)state;
    enum { T = 70, D = 11 }; /* more than one chunk of tokens */
    float *x = normals(T * D), *w = normals(D), *dy = normals(T * D);
    float *dx = floats(T * D), *dw = floats(D);
    GradWork g = work(NULL, T, D, 1, 2);
    grad_rmsnorm(&g, dx, dw, dy, x, w, T, D, 1e-5f);
    Norm l = {doubles(x, T * D), doubles(w, D), doubles(dy, T * D), T, D};
    check("dx", dx, l.x, T * D, norm_loss, &l);
    check("dw", dw, l.w, D, norm_loss, &l);
}

static void norm_gradient_is_at_right_angles_to_x(void **state)
{
    (void)state;
    /* A longer x gives the same y (eps = 0), so nothing flows along x. */
    enum { D = 37 };
    float *x = normals(D), *w = normals(D), *dy = normals(D), *dx = floats(D), *dw = floats(D);
    GradWork g = work(NULL, 1, D, 1, 2);
    grad_rmsnorm(&g, dx, dw, dy, x, w, 1, D, 0);
    double along = 0, size = 0;
    for (int i = 0; i < D; i++) along += dx[i] * x[i], size += fabs(dx[i] * x[i]);
    assert_true(fabs(along) < 1e-5 * size);
}

/* ---------------------------------------------------------------- rope */

typedef struct { double *x, *c; int64_t t, n_ctx; int n_head, d; } Rope;
static double rope_loss(void *ctx)
{
    const Rope *l = ctx;
    double sum = 0;
    for (int64_t t = 0; t < l->t; t++)
        for (int h = 0; h < l->n_head; h++)
            for (int j = 0; j < l->d / 2; j++) {
                int64_t at = (t * l->n_head + h) * l->d + 2 * j;
                double a = (double)(t % l->n_ctx) * pow(10000, -2.0 * j / l->d);
                sum += l->c[at] * (l->x[at] * cos(a) - l->x[at + 1] * sin(a));
                sum += l->c[at + 1] * (l->x[at] * sin(a) + l->x[at + 1] * cos(a));
            }
    return sum;
}

static void turning_back_is_the_gradient_of_turning(void **state)
{
    (void)state;
    enum { T = 12, N = 6, HEADS = 3, D = 8, ALL = T * HEADS * D };
    float *table = floats(N * D), *back = floats(N * D), *dx = normals(ALL);
    for (int t = 0; t < N; t++) {
        rope_angles(table + t * D, t, D, 10000, 1, NULL);
        memcpy(back + t * D, table + t * D, D * sizeof *back);
        vec_scale(back + t * D + D / 2, -1, D / 2);
    }
    Rope l = {doubles(normals(ALL), ALL), doubles(dx, ALL), T, N, HEADS, D};
    grad_rope(NULL, dx, HEADS * D, HEADS, D, T, N, back);
    check("dx", dx, l.x, ALL, rope_loss, &l);
    /* And there and back is nowhere. */
    float *x = normals(ALL), *y = floats(ALL);
    memcpy(y, x, ALL * sizeof *x);
    grad_rope(NULL, y, HEADS * D, HEADS, D, T, N, table);
    grad_rope(NULL, y, HEADS * D, HEADS, D, T, N, back);
    for (int i = 0; i < ALL; i++) assert_near(y[i], x[i], 4 * FLT_EPSILON * fabsf(x[i]) + 1e-6, "x", "", i);
}

/* ---------------------------------------------------------------- SwiGLU */

typedef struct { double *x, *c; int64_t t, d; } Ffn;
static double swiglu_loss(void *ctx)
{
    const Ffn *l = ctx;
    double sum = 0;
    for (int64_t t = 0; t < l->t; t++)
        for (int64_t i = 0; i < l->d; i++) {
            double g = l->x[2 * t * l->d + i], u = l->x[(2 * t + 1) * l->d + i];
            sum += l->c[t * l->d + i] * g / (1 + exp(-g)) * u;
        }
    return sum;
}

static void swiglu_agrees_with_differences(void **state)
{
    (void)state;
    enum { T = 3, D = 35 };
    float *x = normals(2 * T * D), *dy = normals(T * D), *dx = floats(2 * T * D);
    grad_swiglu_rows(NULL, dx, dy, x, T, D);
    Ffn l = {doubles(x, 2 * T * D), doubles(dy, T * D), T, D};
    check("dgate, dup", dx, l.x, 2 * T * D, swiglu_loss, &l);
}

static void check_swiglu(const KernelRow *row, void *ctx)
{
    (void)ctx;
    grad_swiglu_fn *fn = (grad_swiglu_fn *)row->fn;
    for (int k = 0; k < TWIN_SIZES; k++) {
        int64_t n = twin_size(k);
        float *g = normals(n + 1), *u = normals(n + 1), *dh = normals(n + 1);
        for (int64_t i = 0; i < n; i++) g[i] *= i % 7 ? 3.0f : 60.0f;
        float *a = floats(n + 1), *b = floats(n + 1);
        TwinBuf x = twin_buf(n, 4, k % 3), y = twin_buf(n, 4, k % 2);
        grad_swiglu_scalar(a, b, dh, g, u, n);
        fn(x.data, y.data, dh, g, u, n);
        for (int64_t i = 0; i < n; i++) {
            /* Some roundings each, of a product of three factors and a sum of terms up to |g|. */
            double size = fabs((double)dh[i]) * (1 + fabs((double)g[i])) * (1 + fabs((double)u[i]));
            assert_near(((float *)x.data)[i], a[i], 8 * FLT_EPSILON * size, "dgate", row->variant, i);
            assert_near(((float *)y.data)[i], b[i], 8 * FLT_EPSILON * size, "dup", row->variant, i);
        }
        twin_free(x);
        twin_free(y);
    }
}
static void swiglu_twins_agree(void **state)
{
    (void)state;
    twins_for_each("grad_swiglu", check_swiglu, NULL);
}

/* ---------------------------------------------------------------- attention */

typedef struct { double *x, *c; AttentionShape s; } Att;
static double attention_loss(void *ctx)
{
    const Att *l = ctx;
    const AttentionShape *s = &l->s;
    int64_t n = s->n_ctx, d = s->d_head, wide = (s->n_head + 2 * s->n_kv_head) * d;
    double sum = 0, p[256];
    for (int64_t b = 0; b < s->n_windows; b++)
        for (int h = 0; h < s->n_head; h++)
            for (int64_t t = 0; t < n; t++) {
                int g = h / (s->n_head / s->n_kv_head);
                const double *x = l->x + b * n * wide, *q = x + t * wide + h * d;
                double total = 0;
                for (int64_t j = 0; j <= t; j++) {
                    const double *k = x + j * wide + (s->n_head + g) * d;
                    double score = 0;
                    for (int64_t i = 0; i < d; i++) score += q[i] * k[i];
                    total += p[j] = exp(score / sqrt((double)d));
                }
                const double *c = l->c + ((b * n + t) * s->n_head + h) * d;
                for (int64_t j = 0; j <= t; j++) {
                    const double *v = x + j * wide + (s->n_head + s->n_kv_head + g) * d;
                    for (int64_t i = 0; i < d; i++) sum += c[i] * p[j] / total * v[i];
                }
            }
    return sum;
}

static void check_attention(AttentionShape s)
{
    int64_t n = s.n_windows * s.n_ctx, wide = (s.n_head + 2 * s.n_kv_head) * s.d_head;
    int64_t n_out = n * s.n_head * s.d_head;
    float *x = normals(n * wide), *dy = normals(n_out), *dx = normals(n * wide);
    float *out = floats(n_out), *probs = normals(n * s.n_head * s.n_ctx);
    GradWork g = work(NULL, n, wide, s.n_ctx, s.d_head);
    grad_attention_forward(&g, &s, out, probs, x);
    Att l = {doubles(x, n * wide), doubles(dy, n_out), s};
    double want = attention_loss(&l), got = 0, size = 0;
    for (int64_t i = 0; i < n_out; i++) got += dy[i] * out[i], size += fabs(dy[i] * out[i]);
    assert_true(fabs(got - want) < 1e-5 * size);
    grad_attention(&g, &s, dx, dy, probs, x);
    check("dqkv", dx, l.x, n * wide, attention_loss, &l);
}

static void attention_agrees_with_differences(void **state)
{
    (void)state;
    check_attention((AttentionShape){1, 1, 2, 3, 1});
    check_attention((AttentionShape){4, 2, 6, 11, 2});
    check_attention((AttentionShape){3, 3, 4, 1, 2});
    check_attention((AttentionShape){2, 1, 4, 67, 1}); /* more than one block of rows */
}

static void the_first_token_sees_only_itself(void **state)
{
    (void)state;
    AttentionShape s = {2, 1, 4, 5, 1};
    float *x = normals(5 * 16), *out = floats(5 * 8), *probs = floats(2 * 25);
    GradWork g = work(NULL, 5, 16, 5, 4);
    grad_attention_forward(&g, &s, out, probs, x);
    assert_same_f32(out, x + 12, 4, "head 0", "v of token 0");
    assert_same_f32(out + 4, x + 12, 4, "head 1", "v of token 0");
    assert_true(probs[0] == 1 && probs[1] == 0 && probs[25] == 1);
}

/* ---------------------------------------------------------------- embedding and loss */

static void embedding_rows_collect_all_their_tokens(void **state)
{
    (void)state;
    const int32_t ids[] = {2, 0, 2};
    const float dx[] = {1, 2, 10, 20, 100, 200};
    float d[] = {0, 0, 5, 5, 0, 0};
    grad_embed(NULL, d, dx, ids, 3, 2);
    const float want[] = {10, 20, 5, 5, 101, 202};
    assert_same_f32(d, want, 6, "table", "by hand");
}

typedef struct { double *z; const int32_t *targets; int64_t t, v; double scale; } Loss;
static double double_loss(void *ctx)
{
    const Loss *l = ctx;
    double sum = 0;
    for (int64_t t = 0; t < l->t; t++) {
        double total = 0;
        for (int64_t i = 0; i < l->v; i++) total += exp(l->z[t * l->v + i]);
        sum += log(total) - l->z[t * l->v + l->targets[t]];
    }
    return sum * l->scale;
}

static void loss_agrees_with_differences(void **state)
{
    (void)state;
    enum { T = 7, V = 40 };
    float *z = normals(T * V), *losses = floats(T);
    const int32_t targets[T] = {0, 39, 5, 5, 17, 1, 20};
    Loss l = {doubles(z, T * V), targets, T, V, 0.25};
    double sum = loss_cross_entropy(NULL, z, losses, targets, T, V, 0.25f);
    assert_true(fabs(sum * 0.25 - double_loss(&l)) < 1e-5 * sum);
    check("dlogits", z, l.z, T * V, double_loss, &l);
}

static void knowing_nothing_costs_the_logarithm_of_the_vocabulary(void **state)
{
    (void)state;
    float z[8] = {3, 3, 3, 3, 3, 3, 3, 3}, losses[1];
    const int32_t target = 2;
    double loss = loss_cross_entropy(NULL, z, losses, &target, 1, 8, 1);
    assert_true(fabs(loss - log(8)) < 1e-6);
    for (int i = 0; i < 8; i++) assert_near(z[i], i == 2 ? 0.125f - 1 : 0.125f, 1e-7, "d", "", i);
    /* Being certain of something else is expensive, but finite. */
    float sure[2] = {1000, 0};
    const int32_t other = 1;
    loss = loss_cross_entropy(NULL, sure, losses, &other, 1, 2, 1);
    assert_true(loss > 80 && loss < 90);
}

/* ---------------------------------------------------------------- transpose */

static void check_transpose(const KernelRow *row, void *ctx)
{
    (void)ctx;
    transpose_fn *fn = (transpose_fn *)row->fn;
    static const int64_t sizes[] = {1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 31, 32, 33, 50};
    enum { N = sizeof sizes / sizeof *sizes };
    for (int a = 0; a < N; a++)
        for (int b = 0; b < N; b++) {
            int64_t m = sizes[a], n = sizes[b], in_stride = n + a % 3, out_stride = m + b % 4;
            float *in = normals(m * in_stride);
            TwinBuf out = twin_buf((n - 1) * out_stride + m, 4, a % 2);
            fn(out.data, out_stride, in, in_stride, m, n);
            for (int64_t i = 0; i < m; i++)
                for (int64_t j = 0; j < n; j++)
                    if (((float *)out.data)[j * out_stride + i] != in[i * in_stride + j])
                        twin_fail("%s: %lld x %lld at (%lld, %lld)", row->variant, (long long)m,
                                  (long long)n, (long long)i, (long long)j);
            twin_free(out);
        }
}
static void every_number_changes_places(void **state)
{
    (void)state;
    twins_for_each("transpose", check_transpose, NULL);
}

#define UNIT(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    layer7_init();
    const struct CMUnitTest tests[] = {
        UNIT(linear_by_hand),
        UNIT(linear_agrees_with_differences),
        UNIT(norm_agrees_with_differences),
        UNIT(norm_gradient_is_at_right_angles_to_x),
        UNIT(turning_back_is_the_gradient_of_turning),
        UNIT(swiglu_agrees_with_differences),
        UNIT(swiglu_twins_agree),
        UNIT(attention_agrees_with_differences),
        UNIT(the_first_token_sees_only_itself),
        UNIT(embedding_rows_collect_all_their_tokens),
        UNIT(loss_agrees_with_differences),
        UNIT(knowing_nothing_costs_the_logarithm_of_the_vocabulary),
        UNIT(every_number_changes_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
