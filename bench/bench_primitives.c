/* bench_primitives.c: activations, softmax, norms, rotary positions, in the sizes of a small model:
 * width 2048, feed-forward width 5632, 32 heads of 64, a context of 2048, a vocabulary of 32000. */
#include "bench.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef enum { ACT, GATED, SOFTMAX, RMS, LAYER, ROPE } Kind;

/* Operations per element are the customary count: one per written arithmetic symbol, 10 for an
 * exponential; they serve the roofline, not the comparison of variants. */
static const struct {
    const char *op;
    Kind kind;
    int64_t rows, n;
    int flops;
    double tol;
} cases[] = {
    /* Largest inputs are about 5: absolute errors of a few units in the last place of 5. */
    {"silu", ACT, 16, 5632, 13, 4e-6},       {"gelu_tanh", ACT, 16, 5632, 20, 6e-6},
    {"gelu_erf", ACT, 16, 5632, 20, 6e-6},   {"gelu_quick", ACT, 16, 5632, 14, 4e-6},
    {"relu", ACT, 16, 5632, 1, 0},           {"relu2", ACT, 16, 5632, 2, 0},
    {"swiglu", GATED, 16, 5632, 14, 2e-5},   {"swiglu_clamped", GATED, 16, 5632, 17, 2e-5},
    {"softplus", ACT, 16, 5632, 22, 4e-6},
    /* Probabilities are at most 1. */
    {"softmax", SOFTMAX, 16, 2048, 14, 1e-5}, {"softmax", SOFTMAX, 4, 32000, 14, 1e-5},
    {"rmsnorm", RMS, 16, 2048, 4, 1e-5},     {"layernorm", LAYER, 16, 2048, 8, 2e-5},
    /* Four products and two sums per pair, the same bits in every variant. */
    {"rope_interleaved", ROPE, 16, 2048, 3, 0}, {"rope_half", ROPE, 16, 2048, 3, 0}};
enum { N_CASES = sizeof cases / sizeof *cases, D_HEAD = 64 };

typedef struct {
    const char *op;
    Kind kind;
    int64_t rows, n;
    float *x0, *x, *y, *w, *b, *table;
    act_fn **act;
    act_gated_fn **gated;
    rope_fn **rope;
} PrimState;

static void prim_run(BenchCase *c)
{
    PrimState *s = c->state;
    for (int64_t r = 0; r < s->rows; r++) {
        float *x = s->x + r * s->n, *y = s->y + r * s->n;
        switch (s->kind) {
        case ACT: (*s->act)(x, s->n); break;
        case GATED: (*s->gated)(x, s->w, s->n); break;
        case SOFTMAX: softmax(x, s->n); break;
        case RMS: rmsnorm(y, x, s->w, s->n, 1e-5f); break;
        case LAYER: layernorm(y, x, s->w, s->b, s->n, 1e-5f); break;
        case ROPE: (*s->rope)(x, (int)(s->n / D_HEAD), D_HEAD, D_HEAD, s->table); break;
        }
    }
}

static void prim_reset(BenchCase *c)
{
    PrimState *s = c->state;
    memcpy(s->x, s->x0, (size_t)(s->rows * s->n) * sizeof *s->x);
}

/* The dispatch pointer of an op, by name. */
static void find_slots(PrimState *s)
{
    static const struct { const char *op; act_fn **slot; } acts[] = {
        {"silu", &silu}, {"gelu_tanh", &gelu_tanh}, {"gelu_erf", &gelu_erf},
        {"gelu_quick", &gelu_quick}, {"relu", &relu}, {"relu2", &relu2},
        {"softplus", &softplus}};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        if (strcmp(acts[i].op, s->op) == 0) s->act = acts[i].slot;
    s->gated = strcmp(s->op, "swiglu") == 0 ? &swiglu : &swiglu_clamped;
    s->rope = strcmp(s->op, "rope_half") == 0 ? &rope_half : &rope_interleaved;
    CHECK(s->kind != ACT || s->act, "no activation '%s'", s->op);
}

static Status prim_setup(BenchCase *c, Bench *b, Err *err)
{
    (void)b;
    PrimState *s = BENCH_NEW(c, PrimState, 1, err);
    if (!s) return E_MEMORY;
    int i = (int)c->n[0];
    int64_t rows = cases[i].rows, n = cases[i].n;
    *s = (PrimState){.op = cases[i].op,
                     .kind = cases[i].kind,
                     .rows = rows,
                     .n = n,
                     .x0 = bench_normals(c, 13, rows * n, err),
                     .x = BENCH_NEW(c, float, rows *n, err),
                     .y = BENCH_NEW(c, float, rows *n, err),
                     .w = bench_normals(c, 14, n, err),
                     .b = bench_normals(c, 15, n, err),
                     .table = BENCH_NEW(c, float, D_HEAD, err)};
    if (!s->x0 || !s->x || !s->y || !s->w || !s->b || !s->table) return E_MEMORY;
    find_slots(s);
    rope_angles(s->table, 1234, D_HEAD, 10000.0f, 1.0f, NULL);
    bench_size(c, "%lldx%lld", (long long)rows, (long long)n);
    c->state = s;
    c->run = prim_run;
    c->reset = prim_reset;
    /* In place: applied again and again, these would drive their input to zero or to one value. */
    bool norm = s->kind == RMS || s->kind == LAYER;
    c->reset_each = !norm && s->kind != ROPE;
    c->out = norm ? s->y : s->x, c->n_out = rows * n;
    c->tol = cases[i].tol;
    double elements = (double)(rows * n);
    c->flops = elements * cases[i].flops;
    c->bytes = 8 * elements + (norm || s->kind == GATED ? 4 * elements : 0);
    c->set_bytes = norm ? 8 * elements : 4 * elements;
    return OK;
}

void bench_add_primitives(Bench *b)
{
    for (int i = 0; i < N_CASES; i++)
        bench_add(b, (BenchCase){.op = cases[i].op, .n = {i}, .setup = prim_setup});
}
