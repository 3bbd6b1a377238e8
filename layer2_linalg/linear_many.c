/* linear_many.c: Y = X W' for many tokens: a matrix product with W unpacked on the way.
 *
 * Two levels of blocking (panel.h has the innermost):
 *   registers  one panel of 32 rows x one tile of up to 12 tokens: 2 vectors x 12 sums (AVX-512)
 *   L2         a group of 2 panels, K_BLOCK deep (512 KB), unpacked to f32 once, stays for all tokens; beside
 *              it the tile of activations at hand (96 KB), used by all panels of the group
 *
 * Panels and tiles stream through L1 in order, which the core foresees; the sums do not, and a longer K_BLOCK
 * fetches them less often: with 512 tokens 1024 instead of 256 is 5 to 8 %, and 2048 another 1 to 2 %.
 *
 * Every sum runs over k in order inside a block of K_BLOCK, and blocks are added in order, whatever
 * the tiles and the threads. Source: Goto and van de Geijn 2008 (anatomy of matrix multiplication). */
#include "linear_parts.h"
#include "layer2_kernels.h"

/* UNPACK_K columns of a panel's rows are decoded at a time: 32 KB of floats, which are still in L1 when they are
 * packed (2 to 5 % with 64 and 128 tokens). Both are whole blocks of every format. */
enum { K_BLOCK = 2048, UNPACK_K = 256, GROUP = 2 };

typedef struct {
    const LinearJob *job;
    float *acts;            /* tiles one after the other, each [n_in][tokens of the tile] */
    char *workers;          /* [n_threads] worker_bytes() */
    int64_t n_tiles;
} ManyJob;

typedef struct { float *rows, *panels, *edge; } Worker;

static const int64_t ROWS_BYTES = (int64_t)PANEL_ROWS * UNPACK_K * sizeof(float);
static const int64_t PANEL_BYTES = (int64_t)PANEL_ROWS * K_BLOCK * sizeof(float);
static const int64_t EDGE_BYTES = (int64_t)PANEL_ROWS * PANEL_TOKENS * sizeof(float);

static int64_t worker_bytes(void) { return ROWS_BYTES + GROUP * PANEL_BYTES + EDGE_BYTES; }

int64_t linear_many_scratch(int64_t max_in, int64_t max_tok, int n_threads)
{
    return linear_align(max_in * max_tok * (int64_t)sizeof(float)) + n_threads * worker_bytes();
}

/* Tiles are as equal as possible: 13 tokens are 6 + 7, not 12 + 1. */
static int64_t tile_begin(const ManyJob *m, int64_t tile)
{
    return m->job->n_tok * tile / m->n_tiles;
}

static void pack_acts(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const ManyJob *m = ctx;
    for (int64_t i = begin; i < end; i++) {
        int64_t t = tile_begin(m, i);
        int n = (int)(tile_begin(m, i + 1) - t);
        panel_pack(m->acts + t * m->job->n_in, n, m->job->x + t * m->job->x_stride,
                   m->job->x_stride, n, m->job->n_in);
    }
}

/* Rows [row, row + n_rows) of W, columns [k, k + n_k), as a panel. */
static void unpack_panel(float *panel, float *rows, const Tensor *w, int64_t row, int n_rows,
                         int64_t k, int64_t n_k)
{
    const char *at = (const char *)w->data + row * w->nb[1] + dtype_row_bytes(w->type, k);
    if (w->type == DT_F32) {
        panel_pack(panel, PANEL_ROWS, (const float *)(const void *)at, w->ne[0], n_rows, n_k);
        return;
    }
    dequant_fn *dequantise = *quant_format(w->type)->dequantise;
    int64_t step = dtype_row_bytes(w->type, UNPACK_K);
    for (int64_t c = 0; c < n_k; c += UNPACK_K, at += step) {
        int64_t n = n_k - c < UNPACK_K ? n_k - c : UNPACK_K;
        for (int r = 0; r < n_rows; r++) {
            const char *from = at + r * w->nb[1];
            /* The row's next columns come from memory meanwhile. */
            for (int64_t i = 0; i < step; i += 64)
                __builtin_prefetch((const void *)((uintptr_t)from + (uintptr_t)(step + i)), 0, 2);
            dequantise(rows + r * n, from, n);
        }
        panel_pack(panel + c * PANEL_ROWS, PANEL_ROWS, rows, n, n_rows, n);
    }
}

/* One panel times one tile; a panel that hangs over the last row goes through the edge buffer. */
static void multiply(const Worker *wk, const LinearOut *o, const float *panel, int64_t row,
                     const float *acts, int64_t t, int n_tok, int64_t n_k, bool add)
{
    int64_t n_rows = o->w->ne[1] - row;
    float *y = o->y + t * o->y_stride + row;
    if (n_rows >= PANEL_ROWS) {
        panel_mul(y, o->y_stride, panel, acts, n_tok, n_k, add);
        return;
    }
    panel_mul(wk->edge, PANEL_ROWS, panel, acts, n_tok, n_k, false);
    for (int i = 0; i < n_tok; i++)
        for (int64_t r = 0; r < n_rows; r++) {
            float sum = wk->edge[i * PANEL_ROWS + r];
            y[i * o->y_stride + r] = add ? y[i * o->y_stride + r] + sum : sum;
        }
}

//@ begin linear-many
/* n_panels <= GROUP panels of one matrix, from `row` on. */
static void group(const ManyJob *m, const Worker *wk, const LinearOut *o,
                  int64_t row, int n_panels)
{
    int64_t n_in = m->job->n_in, n_out = o->w->ne[1];
    for (int64_t k = 0; k < n_in; k += K_BLOCK) {
        int64_t n_k = n_in - k < K_BLOCK ? n_in - k : K_BLOCK;
        for (int p = 0; p < n_panels; p++) {
            int64_t r = row + p * PANEL_ROWS, left = n_out - r;
            unpack_panel(wk->panels + p * n_k * PANEL_ROWS, wk->rows, o->w, r,
                         left < PANEL_ROWS ? (int)left : PANEL_ROWS, k, n_k);
        }
        for (int64_t i = 0; i < m->n_tiles; i++) {
            int64_t t = tile_begin(m, i);
            int n_tok = (int)(tile_begin(m, i + 1) - t);
            const float *acts = m->acts + t * n_in + k * n_tok;
            for (int p = 0; p < n_panels; p++)
                multiply(wk, o, wk->panels + p * n_k * PANEL_ROWS,
                         row + p * PANEL_ROWS, acts, t, n_tok, n_k, k > 0);
        }
    }
}
//@ end linear-many

static int64_t n_panels_of(const LinearOut *o) { return (o->w->ne[1] + PANEL_ROWS - 1) / PANEL_ROWS; }

/* Panels [begin, end) of the list of all panels of all matrices. */
static void many_panels(void *ctx, int64_t begin, int64_t end, int thread)
{
    const ManyJob *m = ctx;
    float *at = (float *)(void *)(m->workers + thread * worker_bytes());
    int64_t base = 0, size = sizeof(float);
    Worker wk = {at, at + ROWS_BYTES / size, at + (ROWS_BYTES + GROUP * PANEL_BYTES) / size};
    for (int i = 0; i < m->job->n_outs; i++) {
        const LinearOut *o = &m->job->outs[i];
        int64_t n = n_panels_of(o);
        int64_t from = begin > base ? begin - base : 0, to = end - base < n ? end - base : n;
        base += n;
        for (int64_t p = from; p < to; p += GROUP) {
            int64_t count = to - p < GROUP ? to - p : GROUP, row = p * PANEL_ROWS;
            group(m, &wk, o, row, (int)count);
            int64_t left = o->w->ne[1] - row;
            linear_finish(o, row, left < count * PANEL_ROWS ? left : count * PANEL_ROWS, m->job->n_tok);
        }
    }
}

void linear_many(Pool *pool, const LinearJob *job)
{
    ManyJob m = {.job = job, .acts = (float *)(void *)job->scratch};
    m.workers = job->scratch + linear_align(job->n_in * job->n_tok * (int64_t)sizeof(float));
    m.n_tiles = (job->n_tok + PANEL_TOKENS - 1) / PANEL_TOKENS;
    int64_t n_panels = 0;
    for (int i = 0; i < job->n_outs; i++) n_panels += n_panels_of(&job->outs[i]);
    pool_for(pool, m.n_tiles, 1, pack_acts, &m);
    pool_for_dynamic(pool, n_panels, GROUP, many_panels, &m);
}
