/* linear_panels.c: Y = X W' for many tokens, with panels of integers of any kind (linear_panels.h).
 *
 * Blocking as in linear_many.c, turned inside out because everything is two or four times smaller:
 *   registers  PANEL_ROWS rows x a few tokens (the kind's tile)
 *   L1         one panel, most_k deep, with its scales, unpacked once for all tokens
 *   L2         the activations of all tokens, most_k deep, while GROUP panels pass by; and their sums
 *
 * Sums start from the bias (from zero if a scale comes between) and wait in a buffer of their own until
 * the last columns take them to y; the rows that a panel has too many stay behind. */
#include "linear_panels.h"

#include <string.h>

typedef struct {
    const PanelKind *kind;
    const LinearJob *job;
    PanelActs acts;
    char *workers; /* [n_threads] bytes_per_worker() */
    int64_t n_tiles, small, n_small; /* the first n_small tiles have `small` tokens, the others one more */
} PanelJob;

typedef struct {
    char *own;   /* the kind's */
    float *sums; /* [GROUP][n_tok][PANEL_ROWS] */
} Worker;

enum { GROUP = 4 };

static int64_t bytes_per_worker(const PanelKind *kind, int64_t n_tok)
{
    return kind->own_bytes + GROUP * n_tok * PANEL_ROWS * (int64_t)sizeof(float);
}

int64_t linear_panels_scratch(const PanelKind *kind, int64_t max_in, int64_t max_tok, int n_threads)
{
    return kind->acts_bytes(max_in, max_tok) + n_threads * bytes_per_worker(kind, max_tok);
}

/* Tiles are as equal as possible: 13 tokens are 6 + 7, not 12 + 1. */
static PanelPart tile_of(const PanelJob *m, int64_t tile, int64_t k, int64_t n_k)
{
    int64_t larger = tile > m->n_small ? tile - m->n_small : 0;
    return (PanelPart){m->small * tile + larger, k, n_k, (int)(m->small + (tile >= m->n_small))};
}

static void round_acts(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const PanelJob *m = ctx;
    for (int64_t i = begin; i < end; i++) {
        PanelPart part = tile_of(m, i, 0, m->job->n_in);
        m->kind->acts(&m->acts, &part);
    }
}

/* What is unpacked next: rows of a matrix, n_bytes of each. */
typedef struct { const char *at; int64_t row_bytes, n_rows, n_bytes; } Next;

/* The panel at `row`, columns from k on. */
static Next next_at(const Tensor *w, int64_t row, int64_t k, int64_t n_k)
{
    int64_t left = w->ne[1] - row;
    return (Next){(const char *)w->data + row * w->nb[1] + dtype_row_bytes(w->type, k), w->nb[1],
                  left < PANEL_ROWS ? left : PANEL_ROWS, dtype_row_bytes(w->type, n_k)};
}

/* Asks for rows [from, to) of it, in time for the cache and in small portions, since a core waits for only so many
 * lines at once. */
static void prefetch_rows(const Next *next, int64_t from, int64_t to)
{
    for (int64_t r = from; r < to && r < next->n_rows; r++)
        for (int64_t i = 0; i < next->n_bytes; i += 64)
            __builtin_prefetch(next->at + r * next->row_bytes + i, 0, 2);
}

/* Sums of a panel that hangs over the last row: those that exist, from the buffer to y. */
static void store_edge(const PanelJob *m, const float *sums, const LinearOut *o, int64_t row)
{
    for (int64_t t = 0; t < m->job->n_tok; t++)
        memcpy(o->y + t * o->y_stride + row, sums + t * PANEL_ROWS,
               (size_t)(o->w->ne[1] - row) * sizeof *o->y);
}

/* The panel at `row`, columns from k on, times all tokens; sums [n_tok][PANEL_ROWS] are the panel's. */
static void panel_columns(const PanelJob *m, const Worker *wk, const LinearOut *o, int64_t row,
                          int64_t k, const Next *next, float *sums)
{
    int64_t left = o->w->ne[1] - row, n_in = m->job->n_in, most_k = m->kind->most_k;
    int64_t n_k = n_in - k < most_k ? n_in - k : most_k;
    int n_rows = left < PANEL_ROWS ? (int)left : PANEL_ROWS;
    /* 1. All tokens start from the bias, or from zero. */
    float start[PANEL_ROWS] = {0};
    if (o->bias && !o->scale) memcpy(start, o->bias + row, (size_t)n_rows * sizeof *start);
    m->kind->unpack(wk->own, o->w, row, n_rows, k, n_k);
    bool to_y = k + n_k == n_in && n_rows == PANEL_ROWS;
    int64_t portion = (PANEL_ROWS + m->n_tiles - 1) / m->n_tiles;
//@ begin linear-panels
    for (int64_t i = 0; i < m->n_tiles; i++) {
        PanelPart part = tile_of(m, i, k, n_k);
        /* 2. What is needed next from memory: weights. */
        prefetch_rows(next, portion * i, portion * (i + 1));
        /* 3. From the sums so far to the sums with these columns. */
        float *sum = sums + part.t * PANEL_ROWS;
        PanelSums at = {start, 0, sum, PANEL_ROWS};
        if (k > 0) at.from = sum, at.from_stride = PANEL_ROWS;
        if (to_y) at.to = o->y + part.t * o->y_stride + row, at.to_stride = o->y_stride;
        m->kind->mul(&at, wk->own, o->w, &m->acts, &part);
    }
//@ end linear-panels
    if (k + n_k < n_in) return;
    if (!to_y) store_edge(m, sums, o, row);
    if (o->scale) linear_finish(o, row, n_rows, m->job->n_tok);
}

/* n_panels <= GROUP panels from `row` on: the activations of most_k columns serve all of them. */
static void one_group(const PanelJob *m, const Worker *wk, const LinearOut *o, int64_t row,
                      int64_t n_panels)
{
    int64_t n_in = m->job->n_in, most_k = m->kind->most_k;
    for (int64_t k = 0; k < n_in; k += most_k)
        for (int64_t p = 0; p < n_panels; p++) {
            int64_t next_row = row + (p + 1) * PANEL_ROWS, next_k = k;
            if (p + 1 == n_panels) next_row = row, next_k = k + most_k;
            if (next_k >= n_in) next_row = row + n_panels * PANEL_ROWS, next_k = 0;
            Next next = next_at(o->w, next_row, next_k, n_in - next_k < most_k ? n_in - next_k : most_k);
            panel_columns(m, wk, o, row + p * PANEL_ROWS, k, &next,
                          wk->sums + p * m->job->n_tok * PANEL_ROWS);
        }
}

static int64_t n_panels_of(const LinearOut *o) { return (o->w->ne[1] + PANEL_ROWS - 1) / PANEL_ROWS; }

/* Panels [begin, end) of the list of all panels of all matrices. */
static void all_panels(void *ctx, int64_t begin, int64_t end, int thread)
{
    const PanelJob *m = ctx;
    char *own = m->workers + thread * bytes_per_worker(m->kind, m->job->n_tok);
    Worker wk = {own, (float *)(void *)(own + m->kind->own_bytes)};
    m->kind->clear(own);
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

void linear_panels(const PanelKind *kind, Pool *pool, const LinearJob *job)
{
    PanelJob m = {.kind = kind, .job = job, .acts = {job, job->scratch}};
    m.workers = job->scratch + kind->acts_bytes(job->n_in, job->n_tok);
    m.n_tiles = (job->n_tok + PANEL_TOKENS - 1) / PANEL_TOKENS;
    m.small = job->n_tok / m.n_tiles;
    m.n_small = m.n_tiles - job->n_tok % m.n_tiles;
    int64_t n_panels = 0;
    for (int i = 0; i < job->n_outs; i++) n_panels += n_panels_of(&job->outs[i]);
    pool_for(pool, m.n_tiles, 1, round_acts, &m);
    pool_for_dynamic(pool, n_panels, GROUP, all_panels, &m);
}
