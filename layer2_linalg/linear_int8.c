/* linear_int8.c: Y = X W' for many tokens and quantised weights: bytes times bytes.
 *
 * Blocking as in linear_many.c, turned inside out because everything is four times smaller:
 *   registers  PANEL_ROWS rows x a few tokens (panel_int8_tile.inc)
 *   L1         one panel, PANEL_INT8_K deep, with its scales: 32 KB, unpacked once for all tokens
 *   L2         the activations of all tokens, PANEL_INT8_K deep, while GROUP panels pass by; and their
 *              sums
 *
 * Sums start from the bias (from zero if a scale comes between) and wait in a buffer of their own until
 * the last columns take them to y; the rows that a panel has too many stay behind. */
#include "linear_parts.h"
#include "layer2_kernels.h"

#include <string.h>

typedef struct {
    const LinearJob *job;
    TileInt8 acts;  /* of token 0; tiles one after the other, all their columns */
    char *workers;  /* [n_threads] worker_bytes() */
    int64_t n_tiles, worker_bytes;
} Int8Job;

typedef struct {
    RowsInt8 rows;
    PanelInt8 panel;
    float *offset; /* panel.offset when the format has offsets */
    float *sums;   /* [GROUP][n_tok][PANEL_ROWS] */
} Worker;

enum {
    GROUP = 4,
    Q_BYTES = PANEL_ROWS * PANEL_INT8_K,
    S_BYTES = PANEL_ROWS * PANEL_INT8_GROUPS * sizeof(float),
    PANEL_BYTES = 2 * Q_BYTES + 6 * S_BYTES
};

static int64_t acts_bytes(int64_t n_in, int64_t n_tok)
{
    int64_t n_blocks = (n_in + 31) / 32 * n_tok;
    return linear_align(n_blocks * 32) + linear_align(n_blocks * 4) + linear_align(n_blocks * 12);
}

static int64_t bytes_per_worker(int64_t n_tok)
{
    return PANEL_BYTES + GROUP * n_tok * PANEL_ROWS * (int64_t)sizeof(float);
}

int64_t linear_int8_scratch(int64_t max_in, int64_t max_tok, int n_threads)
{
    return acts_bytes(max_in, max_tok) + n_threads * bytes_per_worker(max_tok);
}

static Worker worker_at(char *at)
{
    Worker wk;
    wk.rows.q = (int8_t *)at;
    wk.panel.q = (int8_t *)at + Q_BYTES;
    float *s = (float *)(void *)(at + 2 * Q_BYTES);
    int64_t step = S_BYTES / (int64_t)sizeof(float);
    wk.rows.scale = s;
    wk.rows.offset = s + step;
    wk.panel.scale = s + 2 * step;
    wk.panel.zero = s + 3 * step;
    wk.offset = s + 4 * step;
    wk.panel.start = (int32_t *)(void *)(s + 5 * step);
    wk.sums = s + 6 * step;
    return wk;
}

/* Tiles are as equal as possible: 13 tokens are 6 + 7, not 12 + 1. */
static int64_t tile_begin(const Int8Job *m, int64_t tile)
{
    return m->job->n_tok * tile / m->n_tiles;
}

/* The tile of n_tok tokens from t on, from column k on. */
static TileInt8 tile_at(const Int8Job *m, int64_t t, int n_tok, int64_t k)
{
    int64_t block = t * (m->job->n_in / 32) + k / 32 * n_tok;
    return (TileInt8){m->acts.q + 32 * block, m->acts.scale + block, m->acts.sum + 3 * block};
}

static void quantise_acts(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const Int8Job *m = ctx;
    for (int64_t i = begin; i < end; i++) {
        int64_t t = tile_begin(m, i);
        int n = (int)(tile_begin(m, i + 1) - t);
        panel_int8_acts(tile_at(m, t, n, 0), m->job->x + t * m->job->x_stride, m->job->x_stride, n,
                        m->job->n_in);
    }
}

/* Columns [k, k + n_k) of a panel's rows, n_rows of which exist. */
static void unpack_panel(Worker *wk, const Tensor *w, int64_t row, int n_rows, int64_t k, int64_t n_k)
{
    const QuantFormat *f = quant_format(w->type);
    const char *at = (const char *)w->data + row * w->nb[1] + dtype_row_bytes(w->type, k);
    wk->panel.group = f->group;
    wk->panel.largest = f->largest;
    wk->panel.offset = f->has_offset ? wk->offset : NULL;
    for (int r = 0; r < n_rows; r++)
        (*f->unpack)(wk->rows.q + r * PANEL_INT8_K, wk->rows.scale + r * PANEL_INT8_GROUPS,
                     wk->rows.offset + r * PANEL_INT8_GROUPS, at + r * w->nb[1], n_k);
    panel_int8_pack(&wk->panel, &wk->rows, n_k);
}

/* Asks for what the next panel will unpack: its columns [k, k + n_k) of some rows, in time for the cache
 * and in small portions, since a core waits for only so many lines at once. */
static void prefetch_rows(const Tensor *w, int64_t row, int64_t n_rows, int64_t k, int64_t n_k)
{
    int64_t n_bytes = dtype_row_bytes(w->type, n_k);
    const char *at = (const char *)w->data + row * w->nb[1] + dtype_row_bytes(w->type, k);
    if (row + n_rows > w->ne[1]) n_rows = w->ne[1] - row;
    for (int64_t r = 0; r < n_rows; r++, at += w->nb[1])
        for (int64_t i = 0; i < n_bytes; i += 64) __builtin_prefetch(at + i, 0, 2);
}

/* What is unpacked next. */
typedef struct { int64_t row, k, n_k; } Next;

/* The tile after this one, on its way from L2 while this one is multiplied. */
static void prefetch_tile(const Int8Job *m, int64_t tile, int64_t k, int64_t n_k)
{
    int64_t t = tile_begin(m, tile);
    int n_tok = (int)(tile_begin(m, tile + 1) - t);
    TileInt8 next = tile_at(m, t, n_tok, k);
    for (int64_t i = 0; i < n_tok * n_k; i += 64) __builtin_prefetch(next.q + i, 0, 3);
}

/* Sums of a panel that hangs over the last row: those that exist, from the buffer to y. */
static void store_edge(const Int8Job *m, const float *sums, const LinearOut *o, int64_t row)
{
    for (int64_t t = 0; t < m->job->n_tok; t++)
        memcpy(o->y + t * o->y_stride + row, sums + t * PANEL_ROWS,
               (size_t)(o->w->ne[1] - row) * sizeof *o->y);
}

/* The panel at `row`, columns from k on, times all tokens; sums [n_tok][PANEL_ROWS] are the panel's. */
static void panel_columns(const Int8Job *m, Worker *wk, const LinearOut *o, int64_t row, int64_t k,
                          Next next, float *sums)
{
    int64_t left = o->w->ne[1] - row, n_in = m->job->n_in;
    int64_t n_k = n_in - k < PANEL_INT8_K ? n_in - k : PANEL_INT8_K;
    int n_rows = left < PANEL_ROWS ? (int)left : PANEL_ROWS;
    /* 1. All tokens start from the bias, or from zero. */
    float start[PANEL_ROWS] = {0};
    if (o->bias && !o->scale) memcpy(start, o->bias + row, (size_t)n_rows * sizeof *start);
    unpack_panel(wk, o->w, row, n_rows, k, n_k);
    bool to_y = k + n_k == n_in && n_rows == PANEL_ROWS;
//@ begin linear-int8
    for (int64_t i = 0; i < m->n_tiles; i++) {
        int64_t t = tile_begin(m, i), r = PANEL_ROWS * i / m->n_tiles;
        int n_tok = (int)(tile_begin(m, i + 1) - t);
        /* 2. What is needed next: weights from memory, activations from L2. */
        prefetch_rows(o->w, next.row + r,
                      PANEL_ROWS * (i + 1) / m->n_tiles - r, next.k, next.n_k);
        if (i + 1 < m->n_tiles) prefetch_tile(m, i + 1, k, n_k);
        /* 3. From the sums so far to the sums with these columns. */
        float *sum = sums + t * PANEL_ROWS;
        float *y = to_y ? o->y + t * o->y_stride + row : sum;
        panel_int8_mul(y, to_y ? o->y_stride : PANEL_ROWS,
                       k > 0 ? sum : start, k > 0 ? PANEL_ROWS : 0,
                       &wk->panel, tile_at(m, t, n_tok, k), n_tok, n_k);
    }
//@ end linear-int8
    if (k + n_k < n_in) return;
    if (!to_y) store_edge(m, sums, o, row);
    if (o->scale) linear_finish(o, row, n_rows, m->job->n_tok);
}

/* n_panels <= GROUP panels from `row` on: the activations of PANEL_INT8_K columns serve all of them. */
static void one_group(const Int8Job *m, Worker *wk, const LinearOut *o, int64_t row, int64_t n_panels)
{
    int64_t n_in = m->job->n_in;
    for (int64_t k = 0; k < n_in; k += PANEL_INT8_K)
        for (int64_t p = 0; p < n_panels; p++) {
            Next next = {row + (p + 1) * PANEL_ROWS, k, 0};
            if (p + 1 == n_panels) next = (Next){row, k + PANEL_INT8_K, 0};
            if (next.k >= n_in) next = (Next){row + n_panels * PANEL_ROWS, 0, 0};
            next.n_k = n_in - next.k < PANEL_INT8_K ? n_in - next.k : PANEL_INT8_K;
            panel_columns(m, wk, o, row + p * PANEL_ROWS, k, next,
                          wk->sums + p * m->job->n_tok * PANEL_ROWS);
        }
}

static int64_t n_panels_of(const LinearOut *o) { return (o->w->ne[1] + PANEL_ROWS - 1) / PANEL_ROWS; }

/* Panels [begin, end) of the list of all panels of all matrices. */
static void int8_panels(void *ctx, int64_t begin, int64_t end, int thread)
{
    const Int8Job *m = ctx;
    Worker wk = worker_at(m->workers + thread * m->worker_bytes);
    /* A panel's missing rows keep what the last panel left there; a first one finds zeros. */
    memset(wk.rows.q, 0, Q_BYTES);
    memset(wk.rows.scale, 0, 2 * S_BYTES);
    int64_t base = 0;
    for (int i = 0; i < m->job->n_outs; i++) {
        const LinearOut *o = &m->job->outs[i];
        int64_t n = n_panels_of(o);
        int64_t from = begin > base ? begin - base : 0, to = end - base < n ? end - base : n;
        base += n;
        for (int64_t p = from; p < to; p += GROUP)
            one_group(m, &wk, o, p * PANEL_ROWS, to - p < GROUP ? to - p : GROUP);
    }
}

void linear_int8(Pool *pool, const LinearJob *job)
{
    Int8Job m = {.job = job, .worker_bytes = bytes_per_worker(job->n_tok)};
    int64_t n_blocks = job->n_in / 32 * job->n_tok, n_panels = 0;
    m.acts.q = (uint8_t *)job->scratch;
    m.acts.scale = (float *)(void *)(job->scratch + linear_align(n_blocks * 32));
    m.acts.sum = (float *)(void *)((char *)m.acts.scale + linear_align(n_blocks * 4));
    m.workers = job->scratch + acts_bytes(job->n_in, job->n_tok);
    m.n_tiles = (job->n_tok + PANEL_TOKENS - 1) / PANEL_TOKENS;
    for (int i = 0; i < job->n_outs; i++) n_panels += n_panels_of(&job->outs[i]);
    pool_for(pool, m.n_tiles, 1, quantise_acts, &m);
    pool_for_dynamic(pool, n_panels, GROUP, int8_panels, &m);
}
