/* bench_panel_int16.c: the kernels of linear for many tokens and weights of 16 bits, one by one: rounding a
 * tile of activations, packing a panel, their product. */
#include "bench.h"
#include "layer2_kernels.h"

#include <float.h>

typedef enum { ROUND, PACK, MUL } Job;

enum { K = PANEL_INT16_K, CODES = PANEL_ROWS * K, ACTS = PANEL_TOKENS * K };

typedef struct {
    PanelInt16 panel;
    RowsInt16 rows;
    TileInt16 tile;
    float *x, *sums; /* [PANEL_TOKENS, K], [PANEL_TOKENS, PANEL_ROWS] */
} PanelState;

static void round_run(BenchCase *c)
{
    PanelState *s = c->state;
    panel_int16_round(s->tile, s->x, K, PANEL_TOKENS, K);
}

static void pack_run(BenchCase *c)
{
    PanelState *s = c->state;
    panel_int16_pack(s->panel, s->rows, K);
}

static void mul_run(BenchCase *c)
{
    PanelState *s = c->state;
    static const float zeros[PANEL_ROWS];
    panel_int16_mul(s->sums, PANEL_ROWS, zeros, 0, s->panel, s->tile, PANEL_TOKENS, K);
}

static bool panel_new(BenchCase *c, PanelState *s, Err *err)
{
    int64_t n_scales = PANEL_ROWS * PANEL_INT16_GROUPS;
    s->panel = (PanelInt16){BENCH_NEW(c, int16_t, CODES, err), BENCH_NEW(c, float, n_scales, err)};
    s->rows = (RowsInt16){BENCH_NEW(c, int16_t, CODES, err), BENCH_NEW(c, float, n_scales, err)};
    s->tile = (TileInt16){BENCH_NEW(c, int16_t, ACTS, err),
                          BENCH_NEW(c, float, PANEL_TOKENS * PANEL_INT16_GROUPS, err)};
    s->x = bench_normals(c, 16, ACTS, err);
    s->sums = BENCH_NEW(c, float, PANEL_TOKENS * PANEL_ROWS, err);
    return s->panel.q && s->panel.scale && s->rows.q && s->rows.scale && s->tile.q && s->tile.scale &&
           s->x && s->sums;
}

static Status panel_setup(BenchCase *c, Bench *b, Err *err)
{
    (void)b;
    PanelState *s = BENCH_NEW(c, PanelState, 1, err);
    if (!s || !panel_new(c, s, err)) return E_MEMORY;
    Rng rng = rng_seed(17);
    for (int i = 0; i < CODES; i++)
        s->rows.q[i] = (int16_t)((int)rng_below(&rng, 2 * PANEL_INT16_MOST) - PANEL_INT16_MOST);
    for (int i = 0; i < PANEL_ROWS * PANEL_INT16_GROUPS; i++)
        s->rows.scale[i] = 1.0f / PANEL_INT16_MOST;
    panel_int16_pack_scalar(s->panel, s->rows, K);
    c->state = s;
    round_run(c);
    switch ((Job)c->n[0]) {
    case ROUND: /* the same bits */
        bench_size(c, "%dx%d", PANEL_TOKENS, K);
        c->run = round_run;
        c->out = s->tile.q, c->n_out = ACTS * 2, c->kind = OUT_BYTES;
        c->bytes = c->set_bytes = 6.0 * ACTS;
        break;
    case PACK:
        bench_size(c, "%dx%d", PANEL_ROWS, K);
        c->run = pack_run;
        c->out = s->panel.q, c->n_out = CODES * 2, c->kind = OUT_BYTES;
        c->bytes = c->set_bytes = 4.0 * CODES;
        break;
    case MUL: /* a few roundings for each group, of sums of products below 5 */
        bench_size(c, "%dx%dx%d", PANEL_ROWS, K, PANEL_TOKENS);
        c->run = mul_run;
        c->out = s->sums, c->n_out = PANEL_TOKENS * PANEL_ROWS;
        c->tol = 8.0 * K * FLT_EPSILON;
        c->flops = 2.0 * CODES * PANEL_TOKENS;
        c->bytes = c->set_bytes = 2.0 * CODES + 2.0 * ACTS;
        c->int16 = true;
    }
    return OK;
}

void bench_add_panel_int16(Bench *b)
{
    bench_add(b, (BenchCase){.op = "panel_int16_round", .n = {ROUND}, .setup = panel_setup});
    bench_add(b, (BenchCase){.op = "panel_int16_pack", .n = {PACK}, .setup = panel_setup});
    bench_add(b, (BenchCase){.op = "panel_int16_mul", .n = {MUL}, .setup = panel_setup});
}
