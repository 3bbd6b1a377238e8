/* bench_panel_int8.c: the kernels of linear for many tokens and quantised weights, one by one: a tile of
 * activations, a panel, their product. Scales for every 32 weights, as in Q8_0. */
#include "bench.h"
#include "layer2_kernels.h"

#include <float.h>
#include <math.h>

typedef enum { ACTS, PACK, MUL } Job;

typedef struct {
    PanelInt8 panel;
    RowsInt8 rows;
    TileInt8 tile;
    float *x, *sums; /* [PANEL_TOKENS, PANEL_INT8_K], [PANEL_TOKENS, PANEL_ROWS] */
} PanelState;

static void acts_run(BenchCase *c)
{
    PanelState *s = c->state;
    panel_int8_acts(s->tile, s->x, PANEL_INT8_K, PANEL_TOKENS, PANEL_INT8_K);
}

static void pack_run(BenchCase *c)
{
    PanelState *s = c->state;
    panel_int8_pack(&s->panel, &s->rows, PANEL_INT8_K);
}

static void mul_run(BenchCase *c)
{
    PanelState *s = c->state;
    static const float zeros[PANEL_ROWS];
    panel_int8_mul(s->sums, PANEL_ROWS, zeros, 0, &s->panel, s->tile, PANEL_TOKENS, PANEL_INT8_K);
}

static bool panel_new(BenchCase *c, PanelState *s, Err *err)
{
    int64_t n = PANEL_ROWS * PANEL_INT8_GROUPS, n_blocks = PANEL_INT8_K / 32 * PANEL_TOKENS;
    s->panel = (PanelInt8){.q = BENCH_NEW(c, int8_t, PANEL_ROWS * PANEL_INT8_K, err),
                           .start = BENCH_NEW(c, int32_t, n, err),
                           .scale = BENCH_NEW(c, float, n, err),
                           .zero = BENCH_NEW(c, float, n, err), .group = 32, .largest = 128};
    s->rows.q = BENCH_NEW(c, int8_t, PANEL_ROWS * PANEL_INT8_K, err);
    s->rows.scale = BENCH_NEW(c, float, n, err);
    s->tile = (TileInt8){BENCH_NEW(c, uint8_t, 32 * n_blocks, err), BENCH_NEW(c, float, n_blocks, err),
                         BENCH_NEW(c, float, 3 * n_blocks, err)};
    s->x = bench_normals(c, 14, PANEL_TOKENS * PANEL_INT8_K, err);
    s->sums = BENCH_NEW(c, float, PANEL_TOKENS * PANEL_ROWS, err);
    return s->panel.q && s->panel.start && s->panel.scale && s->panel.zero && s->rows.q &&
           s->rows.scale && s->tile.q && s->tile.scale && s->tile.sum && s->x && s->sums;
}

static Status panel_setup(BenchCase *c, Bench *b, Err *err)
{
    (void)b;
    PanelState *s = BENCH_NEW(c, PanelState, 1, err);
    if (!s || !panel_new(c, s, err)) return E_MEMORY;
    Rng rng = rng_seed(15);
    for (int i = 0; i < PANEL_ROWS * PANEL_INT8_K; i++) s->rows.q[i] = (int8_t)rng_u64(&rng);
    for (int i = 0; i < PANEL_ROWS * PANEL_INT8_GROUPS; i++) s->rows.scale[i] = 0.0078125f;
    panel_int8_pack_scalar(&s->panel, &s->rows, PANEL_INT8_K);
    acts_run(&(BenchCase){.state = s});
    c->state = s;
    double codes = (double)PANEL_ROWS * PANEL_INT8_K, floats = (double)PANEL_TOKENS * PANEL_INT8_K;
    switch ((Job)c->n[0]) {
    case ACTS: /* the same bits */
        bench_size(c, "%dx%d", PANEL_TOKENS, PANEL_INT8_K);
        c->run = acts_run;
        c->out = s->tile.q, c->n_out = PANEL_TOKENS * PANEL_INT8_K, c->kind = OUT_BYTES;
        c->bytes = c->set_bytes = 5.5 * floats;
        break;
    case PACK:
        bench_size(c, "%dx%d", PANEL_ROWS, PANEL_INT8_K);
        c->run = pack_run;
        c->out = s->panel.q, c->n_out = PANEL_ROWS * PANEL_INT8_K, c->kind = OUT_BYTES;
        c->bytes = c->set_bytes = 2.5 * codes;
        break;
    case MUL: /* a few roundings for each block */
        bench_size(c, "%dx%dx%d", PANEL_ROWS, PANEL_INT8_K, PANEL_TOKENS);
        c->run = mul_run;
        c->out = s->sums, c->n_out = PANEL_TOKENS * PANEL_ROWS;
        c->tol = 8.0 * PANEL_INT8_K * FLT_EPSILON;
        c->flops = 2 * codes * PANEL_TOKENS;
        c->bytes = c->set_bytes = 1.4 * codes + 1.5 * floats;
        c->int8 = true;
    }
    return OK;
}

void bench_add_panel_int8(Bench *b)
{
    bench_add(b, (BenchCase){.op = "panel_int8_acts", .n = {ACTS}, .setup = panel_setup});
    bench_add(b, (BenchCase){.op = "panel_int8_pack", .n = {PACK}, .setup = panel_setup});
    bench_add(b, (BenchCase){.op = "panel_int8_mul", .n = {MUL}, .setup = panel_setup});
}
