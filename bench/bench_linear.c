/* bench_linear.c: a whole matrix times one token (decode) and 16 to 512 tokens (prefill), on all threads.
 *
 * These are no ops of the kernel table but what its ops are for, so their variants are choices for
 * all ops at once: scalar everywhere, AVX2 everywhere, ... The decode matrices have the shape of a
 * vocabulary's output matrix. */
#include "bench.h"
#include "linear_parts.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { MEMORY_BYTES = 512 << 20 }; /* as much as the bandwidth is measured with */

static const BenchPick sets[] = {
#if defined(__x86_64__)
    {"scalar", "scalar"}, {"avx2", "avx2"}, {"avx512", "avx512"},
#elif defined(__aarch64__)
    {"scalar", "scalar"}, {"neon", "neon"},
#else
    {"scalar", "scalar"},
#endif
    {NULL, NULL}};

/* Without the first: a minute of scalar work would be no news. */
static const BenchPick *const fast_sets = sets + 1;

typedef struct {
    Pool *pool;
    Tensor w;
    float *x, *y;
    int64_t n_tok;
    void *scratch;
} LinearState;

static void linear_run(BenchCase *c)
{
    LinearState *s = c->state;
    linear(s->pool, s->scratch, s->y, &s->w, NULL, s->x, s->n_tok);
}

/* A matrix of the type: a few random rows, repeated. */
static Status make_matrix(BenchCase *c, Tensor *w, DType type, int64_t n_in, int64_t n_out,
                          Err *err)
{
    enum { DIFFERENT = 64 };
    int64_t row_bytes = dtype_row_bytes(type, n_in);
    float *x = bench_normals(c, 11, DIFFERENT * n_in, err);
    char *data = bench_alloc(c, n_out, (size_t)row_bytes, err);
    if (!x || !data) return E_MEMORY;
    bool made = quant_format(type)->quantise != NULL;
    if (!made) bench_random_blocks(data, n_out * row_bytes);
    for (int64_t r = 0; made && r < n_out; r++) {
        if (r < DIFFERENT) row_from_f32(data + r * row_bytes, type, x + r * n_in, NULL, n_in);
        else memcpy(data + r * row_bytes, data + (r % DIFFERENT) * row_bytes, (size_t)row_bytes);
    }
    *w = tensor_matrix(type, data, n_in, n_out);
    return OK;
}

static Status linear_setup(BenchCase *c, Bench *b, Err *err)
{
    LinearState *s = BENCH_NEW(c, LinearState, 1, err);
    if (!s) return E_MEMORY;
    DType type = (DType)c->n[0];
    int64_t n_in = c->n[1], n_out = c->n[2], n_tok = c->n[3];
    TRY(make_matrix(c, &s->w, type, n_in, n_out, err));
    s->pool = b->pool;
    s->n_tok = n_tok;
    s->x = bench_normals(c, 12, n_tok * n_in, err);
    s->y = BENCH_NEW(c, float, n_tok * n_out, err);
    s->scratch = bench_alloc(c, linear_scratch_bytes(n_in, n_tok, b->n_threads), 1, err);
    if (!s->x || !s->y || !s->scratch) return E_MEMORY;
    bench_size(c, "%s:%lldx%lldx%lld", dtype_name(type), (long long)n_out, (long long)n_in,
               (long long)n_tok);
    c->state = s;
    c->run = linear_run;
    c->threaded = true;
    c->out = s->y, c->n_out = n_tok * n_out;
    float unit = 1;
    row_to_f32(s->y, s->w.data, type, n_in);
    for (int64_t i = 0; i < n_in; i++) unit = fmaxf(unit, fabsf(s->y[i]));
    c->tol = 8 * (double)n_in * FLT_EPSILON * (double)unit;
    /* Bytes against floats: x is rounded, for 0.6 % of the result's sqrt(n_in); 8 times that at most. */
    if (!c->picks) c->tol = 0.05 * sqrt((double)n_in);
    c->flops = 2.0 * (double)(n_tok * n_in * n_out);
    c->set_bytes = c->bytes = (double)tensor_bytes(&s->w) + 4.0 * (double)(n_tok * (n_in + n_out));
    /* Quantised weights that unpack are multiplied as bytes, by one token or many; of 16 bits, as integers
     * by many if that is asked for (the op linear_halves tries it), whose roundings are 0.026 % of the result's
     * sqrt(n_in): 8 times that at most. */
    c->int8 = quant_format(type)->unpack != NULL;
    c->int16 = n_tok >= LINEAR_FEW && (type == DT_F16 || type == DT_BF16) &&
               (!c->picks || linear_product_bits(type) == 16);
    if (c->int16) c->tol = 0.002 * sqrt((double)n_in);
    return OK;
}

void bench_add_linear(Bench *b)
{
    static const DType types[] = {DT_F32, DT_F16, DT_BF16, DT_Q8_0, DT_Q4_0};
    for (int i = 0; i < (int)(sizeof types / sizeof *types); i++) {
        if (!linear_supports(types[i])) continue;
        bench_add(b, (BenchCase){.op = "linear_decode", .n = {types[i], 2048, 32768, 1},
                                 .setup = linear_setup, .picks = sets});
        bench_add(b, (BenchCase){.op = "linear_prefill", .n = {types[i], 2048, 1024, 64},
                                 .setup = linear_setup, .picks = sets});
    }
    bench_add(b, (BenchCase){.op = "linear_quantised", .n = {DT_Q4_0, 2048, 1024, 64},
                             .setup = linear_setup});
    bench_add(b, (BenchCase){.op = "linear_halves", .n = {DT_F16, 2048, 1024, 64},
                             .setup = linear_setup});
    static const DType packed[] = {DT_F16, DT_BF16, DT_Q8_0, DT_Q4_0, DT_Q4_K, DT_Q6_K};
    static const int64_t n_toks[] = {16, 128, 512};
    for (int i = 0; i < 6 && fast_sets->name; i++) {
        for (int k = 0; k < 3; k++)
            bench_add(b, (BenchCase){.op = "linear_prefill", .n = {packed[i], 2048, 2048, n_toks[k]},
                                     .setup = linear_setup, .picks = fast_sets});
        /* One token again, with more weights than any cache holds: what is left of the bandwidth. */
        int64_t n_out = MEMORY_BYTES / dtype_row_bytes(packed[i], 2048);
        bench_add(b, (BenchCase){.op = "linear_memory", .n = {packed[i], 2048, n_out, 1},
                                 .setup = linear_setup, .picks = fast_sets});
    }
}
