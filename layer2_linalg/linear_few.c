/* linear_few.c: y = W x for one to a few tokens: every weight byte is read once, at memory speed.
 *
 * All matrices of the call are one long list of rows, and each thread takes one contiguous stretch of its
 * bytes: memory likes few, long streams (64-row pieces handed out dynamically reach 60 % of the bandwidth of
 * two halves). A row is used for all tokens while it is in a near cache.
 *   quantised weights: activations are quantised once, before the rows; a dot product per row and token
 *   floats: a few rows meet a few tokens at once (dots.h), so that a weight is loaded and widened once; a single token's
 *           rows are dot products */
#include "linear_parts.h"
#include "dots.h"
#include "layer2.h"

enum { ROWS_AT_ONCE = 16 };

typedef struct {
    const LinearJob *job;
    ActQ8 act[LINEAR_FEW_INT8]; /* of each token, if weights are quantised */
} FewJob;

int64_t linear_few_scratch(int64_t max_in, int64_t max_tok)
{
    int64_t n_tok = max_tok < LINEAR_FEW_INT8 ? max_tok : LINEAR_FEW_INT8, n_blocks = (max_in + 31) / 32;
    return 2 * linear_align(n_tok * n_blocks * 32) + n_tok * act_q8_split_bytes(32 * n_blocks) +
           2 * linear_align(n_tok * n_blocks * (int64_t)sizeof(float)) +
           2 * linear_align(n_tok * n_blocks * 2 * (int64_t)sizeof(float));
}

static bool any_block_of(const LinearJob *job, int n)
{
    for (int i = 0; i < job->n_outs; i++)
        if (dtype_info(job->outs[i].w->type)->block == n) return true;
    return false;
}

/* Quantises all tokens; each kind of array stands in the scratch for all of them, one after the other. Codes are written
 * once more, in another order, only where a format may want it. */
static void quantise_acts(FewJob *f)
{
    const LinearJob *job = f->job;
    int64_t n_in = job->n_in, n_tok = job->n_tok, n_blocks = n_in / 32;
    CHECK(n_tok <= LINEAR_FEW_INT8, "linear_few with %lld quantised tokens", (long long)n_tok);
    char *q = job->scratch;
    char *scale = q + linear_align(n_tok * n_in);
    char *sum = scale + linear_align(n_tok * n_blocks * (int64_t)sizeof(float));
    char *half = sum + linear_align(n_tok * n_blocks * (int64_t)sizeof(float));
    char *split = half + linear_align(n_tok * n_blocks * 2 * (int64_t)sizeof(float));
    char *turned = split + n_tok * act_q8_split_bytes(n_in);
    char *pairs = turned + linear_align(n_tok * n_in);
    bool of_32 = any_block_of(job, 32), of_256 = any_block_of(job, 256);
    for (int64_t t = 0; t < n_tok; t++) {
        f->act[t] = (ActQ8){(int8_t *)q + t * n_in, (float *)(void *)scale + t * n_blocks,
                            (float *)(void *)sum + t * n_blocks, (float *)(void *)half + t * n_blocks * 2,
                            of_32 ? (int8_t *)split + t * act_q8_split_bytes(n_in) : NULL,
                            of_256 ? (int8_t *)turned + t * n_in : NULL,
                            of_256 ? (float *)(void *)pairs + t * n_blocks * 2 : NULL};
        act_q8(f->act[t], job->x + t * job->x_stride, n_in);
        act_q8_arrange(f->act[t], n_in);
    }
}

/* Rows [from, to) of one matrix, a few at a time for all tokens: while they are in the nearest cache, and with no loop
 * but the one over rows around a single token's dot products (a loop of one turn costs 2 %). */
//@ begin linear-few
static void quant_rows(const FewJob *f, const LinearOut *o, int64_t from, int64_t to)
{
    dot_quant_fn *dot = *quant_format(o->w->type)->dot;
    int64_t n_in = f->job->n_in, bytes = o->w->nb[1], end;
    for (; from < to; from = end) {
        end = from + ROWS_AT_ONCE < to ? from + ROWS_AT_ONCE : to;
        for (int64_t t = 0; t < f->job->n_tok; t++) {
            const char *row = (const char *)o->w->data + from * bytes;
            float *y = o->y + t * o->y_stride;
            ActQ8 act = f->act[t];
            for (int64_t r = from; r < end; r++, row += bytes) y[r] = dot(row, act, n_in);
        }
    }
}
//@ end linear-few

/* Columns of a tile of tokens that stay in L1 (32 KB) while a group of rows passes by. */
enum { DOTS_K = 1024, DOTS_GROUP = 48 };

/* Tiles are as equal as possible: 9 tokens are 4 + 5. */
static int tile_begin(int n_tok, int tile)
{
    int n_tiles = (n_tok + DOTS_TOKENS - 1) / DOTS_TOKENS;
    return n_tok * tile / n_tiles;
}

/* n_rows <= DOTS_GROUP rows from `row` on. Each tile has its sums, [n_rows][tokens of the tile]. */
static void float_group(const FewJob *f, const LinearOut *o, int64_t row, int n_rows)
{
    const LinearJob *job = f->job;
    dots_fn *dots = o->w->type == DT_F32 ? dots_f32 : o->w->type == DT_F16 ? dots_f16 : dots_bf16;
    float sums[DOTS_GROUP * (LINEAR_FEW - 1)];
    int n_tok = (int)job->n_tok;
    Dots d = {.row_bytes = o->w->nb[1], .x_stride = job->x_stride, .n_rows = n_rows};
    const char *w = (const char *)o->w->data + row * d.row_bytes;
    for (int64_t k = 0; k < job->n_in; k += DOTS_K)
        for (int i = 0, t = 0; t < n_tok; i++, t += d.n_tok) {
            d.n_tok = tile_begin(n_tok, i + 1) - t;
            d.n = job->n_in - k < DOTS_K ? job->n_in - k : DOTS_K;
            d.w = w + dtype_row_bytes(o->w->type, k);
            d.x = job->x + t * job->x_stride + k;
            dots(sums + t * n_rows, &d, k > 0);
        }
    for (int i = 0, t = 0; t < n_tok; i++) {
        int from = t, n = tile_begin(n_tok, i + 1) - t;
        for (; t < from + n; t++)
            for (int r = 0; r < n_rows; r++)
                o->y[t * o->y_stride + row + r] = sums[from * n_rows + r * n + t - from];
    }
}

/* While all activations fit into L1, a few rows at a time: memory is then read in its order. */
static void float_rows(const FewJob *f, const LinearOut *o, int64_t from, int64_t to)
{
    int64_t group = f->job->n_tok * f->job->n_in <= DOTS_TOKENS * DOTS_K ? 12 : DOTS_GROUP;
    for (int64_t r = from; r < to; r += group)
        float_group(f, o, r, (int)(to - r < group ? to - r : group));
}

/* One token: memory sets the pace, and likes one row after the other better than the rows of a tile (F16: 98 instead of
 * 95 % of its bandwidth). */
static void float_rows_alone(const FewJob *f, const LinearOut *o, int64_t from, int64_t to)
{
    DType type = o->w->type;
    const float *x = f->job->x;
    int64_t n_in = f->job->n_in, bytes = o->w->nb[1];
    const char *row = (const char *)o->w->data + from * bytes;
    for (int64_t r = from; r < to; r++, row += bytes) {
        if (type == DT_F32) o->y[r] = dot_f32((const void *)row, x, n_in);
        else if (type == DT_F16) o->y[r] = dot_f16((const void *)row, x, n_in);
        else o->y[r] = dot_bf16((const void *)row, x, n_in);
    }
}

static void few_rows(void *ctx, int i, int64_t from, int64_t to, int thread)
{
    const FewJob *f = ctx;
    const LinearOut *o = &f->job->outs[i];
    (void)thread;
    if (quant_format(o->w->type)->dot) quant_rows(f, o, from, to);
    else if (f->job->n_tok == 1) float_rows_alone(f, o, from, to);
    else float_rows(f, o, from, to);
    linear_finish(o, from, to - from, f->job->n_tok);
}

typedef struct {
    const LinearOut *outs;
    int n_outs;
    LinearRowsFn *fn;
    void *ctx;
} Split;

/* Rows whose first byte lies in [begin, end) of the concatenated matrices. */
static void split_bytes(void *ctx, int64_t begin, int64_t end, int thread)
{
    const Split *s = ctx;
    int64_t base = 0;
    for (int i = 0; i < s->n_outs; i++) {
        int64_t bytes = s->outs[i].w->nb[1], n_out = s->outs[i].w->ne[1];
        /* Our rows of this matrix: from ceil((begin - base) / bytes) on. */
        int64_t from = begin > base ? (begin - base + bytes - 1) / bytes : 0;
        int64_t to = end > base ? (end - base + bytes - 1) / bytes : 0;
        if (to > n_out) to = n_out;
        if (from < to) s->fn(s->ctx, i, from, to, thread);
        base += bytes * n_out;
    }
}

void linear_for_rows(Pool *pool, const LinearOut *outs, int n_outs, LinearRowsFn *fn, void *ctx)
{
    Split s = {outs, n_outs, fn, ctx};
    int64_t n_bytes = 0;
    for (int i = 0; i < n_outs; i++) n_bytes += outs[i].w->nb[1] * outs[i].w->ne[1];
    /* Less than 16 KB is not worth waking a thread. */
    pool_for(pool, n_bytes, 16384, split_bytes, &s);
}

void linear_few(Pool *pool, const LinearJob *job)
{
    FewJob f = {.job = job};
    bool quantised = false;
    for (int i = 0; i < job->n_outs; i++)
        quantised |= quant_format(job->outs[i].w->type)->dot != NULL;
    if (quantised) quantise_acts(&f);
    linear_for_rows(pool, job->outs, job->n_outs, few_rows, &f);
}
