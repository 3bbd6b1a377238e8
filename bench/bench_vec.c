/* bench_vec.c: whole vectors of f32 and their 16-bit relatives; the helpers of simd.h.
 *
 * Two sizes: 4096 numbers, which stay in the nearest cache, and 4 million, which do not. Operations
 * that add up in place may do so for ever; those that multiply in place do it by 1 or -1, so that
 * numbers neither vanish nor overflow. */
#include "bench.h"
#include "layer2_kernels.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef enum { ADD, MUL, SCALE, AXPY, SUM, MAX, F16_TO, TO_F16, BF16_TO, TO_BF16, DOT32,
               DOT16, DOTB16 } VecOp;

/* Name, operation, operations per element, bytes per element read and written. */
static const struct { const char *name; VecOp op; int flops, bytes; } ops[] = {
    {"vec_add", ADD, 1, 12},          {"vec_mul", MUL, 1, 12},         {"vec_scale", SCALE, 1, 8},
    {"vec_axpy", AXPY, 2, 12},        {"vec_sum", SUM, 1, 4},          {"vec_max", MAX, 1, 4},
    {"f16_to_row", F16_TO, 0, 6},     {"row_to_f16", TO_F16, 0, 6},    {"bf16_to_row", BF16_TO, 0, 6},
    {"row_to_bf16", TO_BF16, 0, 6},   {"dot_f32", DOT32, 2, 8},        {"dot_f16", DOT16, 2, 6},
    {"dot_bf16", DOTB16, 2, 6}};
enum { N_OPS = sizeof ops / sizeof *ops };

typedef struct {
    VecOp op;
    int64_t n;
    float *y, *x, *y0; /* y0: what y is reset to */
    uint16_t *h;       /* x in 16 bits, or the result */
    float *scalar;     /* result of a sum */
} VecState;

static void vec_run(BenchCase *c)
{
    VecState *s = c->state;
    switch (s->op) {
    case ADD: vec_add(s->y, s->x, s->n); break;
    case MUL: vec_mul(s->y, s->x, s->n); break;
    case SCALE: vec_scale(s->y, -1.0f, s->n); break;
    case AXPY: vec_axpy(s->y, 0.3f, s->x, s->n); break;
    case SUM: *s->scalar = vec_sum(s->x, s->n); break;
    case MAX: *s->scalar = vec_max(s->x, s->n); break;
    case F16_TO: f16_to_row(s->y, s->h, s->n); break;
    case TO_F16: row_to_f16(s->h, s->x, s->n); break;
    case BF16_TO: bf16_to_row(s->y, s->h, s->n); break;
    case TO_BF16: row_to_bf16(s->h, s->x, s->n); break;
    case DOT32: *s->scalar = dot_f32(s->y, s->x, s->n); break;
    case DOT16: *s->scalar = dot_f16(s->h, s->x, s->n); break;
    case DOTB16: *s->scalar = dot_bf16(s->h, s->x, s->n); break;
    }
}

static void vec_reset(BenchCase *c)
{
    VecState *s = c->state;
    memcpy(s->y, s->y0, (size_t)s->n * sizeof *s->y);
}

/* Where the result is, and how far it may be off. Partial sums of n terms of random sign grow like
 * sqrt(n) rms, their roundings add up like sqrt(n): 8 n rms u leaves room and still finds one term
 * that is missing or doubled. */
static void vec_result(BenchCase *c, VecState *s)
{
    double squares = 0;
    for (int64_t i = 0; i < s->n; i++) {
        double term = s->x[i] * (s->op >= DOT32 ? (double)s->y0[i] : 1.0);
        squares += term * term;
    }
    c->reset = vec_reset;
    if (s->op == TO_F16 || s->op == TO_BF16) {
        c->out = s->h, c->n_out = s->n * 2, c->kind = OUT_BYTES;
    } else if (s->op == SUM || s->op == MAX || s->op >= DOT32) {
        c->out = s->scalar, c->n_out = 1;
        c->tol = s->op == MAX ? 0 : 4 * FLT_EPSILON * sqrt(squares * (double)s->n);
    } else {
        c->out = s->y, c->n_out = s->n;
    }
    /* A fused multiply-add rounds once, the scalar twin may round twice. */
    if (s->op == AXPY) c->tol = 4 * (double)FLT_EPSILON * 6;
}

static Status vec_setup(BenchCase *c, Bench *b, Err *err)
{
    (void)b;
    VecState *s = BENCH_NEW(c, VecState, 1, err);
    if (!s) return E_MEMORY;
    int i = (int)c->n[1];
    int64_t n = c->n[0];
    *s = (VecState){.op = ops[i].op, .n = n, .y = BENCH_NEW(c, float, n, err),
                    .x = bench_normals(c, 1, n, err), .y0 = bench_normals(c, 2, n, err),
                    .h = BENCH_NEW(c, uint16_t, n, err), .scalar = BENCH_NEW(c, float, 16, err)};
    if (!s->y || !s->x || !s->y0 || !s->h || !s->scalar) return E_MEMORY;
    if (s->op == MUL)
        for (int64_t j = 0; j < n; j++) s->x[j] = s->x[j] > 0 ? 1.0f : -1.0f;
    for (int64_t j = 0; j < n; j++)
        s->h[j] = s->op == F16_TO || s->op == DOT16 ? f32_to_f16(s->y0[j]) : f32_to_bf16(s->y0[j]);
    bench_size(c, "n=%lld", (long long)n);
    c->state = s;
    c->run = vec_run;
    c->flops = (double)n * ops[i].flops;
    c->bytes = (double)n * ops[i].bytes;
    bool in_place = s->op == ADD || s->op == MUL || s->op == SCALE || s->op == AXPY;
    c->set_bytes = c->bytes - (in_place ? 4.0 * (double)n : 0);
    vec_result(c, s);
    return OK;
}

/* ---------------------------------------------------------------- simd.h, helper by helper */

typedef struct { SimdProbe p; float out[13][PROBE_LANES]; } ProbeState;

static void probe_run(BenchCase *c)
{
    ProbeState *s = c->state;
    simd_probe(&s->p);
}

/* What is the same for every register width, as floats. */
static void probe_checked_run(BenchCase *c)
{
    ProbeState *s = c->state;
    const SimdProbe *p = &s->p;
    simd_probe(&s->p);
    for (int i = 0; i < PROBE_LANES; i++) {
        float row[13] = {p->fma[i], p->max[i], p->min[i], p->root[i], p->abs[i], p->select[i],
                         p->exp[i], p->round[i], p->from_int[i], p->wide_f16[i], p->wide_bf16[i],
                         (float)p->dot_us[i], (float)p->dot_ss[i]};
        for (int j = 0; j < 13; j++) s->out[j][i] = row[j];
    }
    c->run = probe_run; /* the next call may be a timed one; reset puts this function back */
}

static void probe_reset(BenchCase *c) { c->run = probe_checked_run; }

static Status probe_setup(BenchCase *c, Bench *b, Err *err)
{
    (void)b;
    ProbeState *s = BENCH_NEW(c, ProbeState, 1, err);
    if (!s) return E_MEMORY;
    Rng rng = rng_seed(3);
    SimdProbe *p = &s->p;
    for (int i = 0; i < PROBE_LANES; i++) {
        p->a[i] = rng_normal(&rng), p->b[i] = rng_normal(&rng), p->c[i] = rng_f32(&rng);
        p->small[i] = 100 * rng_normal(&rng);
        p->i[i] = (int32_t)rng_below(&rng, 1000) - 500;
        p->h[i] = f32_to_f16(rng_normal(&rng));
    }
    for (int i = 0; i < 4 * PROBE_LANES; i++) {
        p->u[i] = (uint8_t)rng_below(&rng, 128);
        p->s[i] = (int8_t)(rng_below(&rng, 255) - 127);
        p->t[i] = (int8_t)(rng_below(&rng, 255) - 127);
    }
    p->lanes = 8, p->tail = 5;
    bench_size(c, "lanes=%d", PROBE_LANES);
    c->state = s;
    c->run = probe_checked_run;
    c->reset = probe_reset;
    c->out = s->out, c->n_out = 13 * PROBE_LANES;
    c->tol = 1e-5; /* the exponential: e^5 times 2e-7 */
    return OK;
}

void bench_add_vec(Bench *b)
{
    bench_add(b, (BenchCase){.op = "simd_probe", .setup = probe_setup});
    for (int i = 0; i < N_OPS; i++) {
        bench_add(b, (BenchCase){.op = ops[i].name, .n = {4096, i}, .setup = vec_setup});
        bench_add(b, (BenchCase){.op = ops[i].name, .n = {4 << 20, i}, .setup = vec_setup});
    }
}
