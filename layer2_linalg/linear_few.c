/* linear_few.c: y = W x for one to a few tokens: every weight byte is read once, at memory speed.
 *
 * Activations are quantised once, before the rows. All matrices of the call are one long list of
 * rows, and each thread takes one contiguous stretch of its bytes: memory likes few, long streams
 * (64-row pieces handed out dynamically reach 60 % of the bandwidth of two halves). A row is used for
 * all tokens while it is in the nearest cache. */
#include "linear_parts.h"
#include "layer2.h"

enum { ROWS_AT_ONCE = 16 };

typedef struct {
    const LinearJob *job;
    ActQ8 act[LINEAR_FEW]; /* of each token, if weights are quantised */
} FewJob;

int64_t linear_few_scratch(int64_t max_in, int64_t max_tok)
{
    int64_t n_tok = max_tok < LINEAR_FEW ? max_tok : LINEAR_FEW, n_blocks = (max_in + 31) / 32;
    return linear_align(n_tok * n_blocks * 32) + n_tok * act_q8_split_bytes(32 * n_blocks) +
           2 * linear_align(n_tok * n_blocks * (int64_t)sizeof(float)) +
           linear_align(n_tok * n_blocks * 2 * (int64_t)sizeof(float));
}

/* Quantises all tokens; each kind of array stands in the scratch for all of them, one after the other. */
static void quantise_acts(FewJob *f)
{
    const LinearJob *job = f->job;
    int64_t n_in = job->n_in, n_tok = job->n_tok, n_blocks = n_in / 32;
    char *q = job->scratch;
    char *scale = q + linear_align(n_tok * n_in);
    char *sum = scale + linear_align(n_tok * n_blocks * (int64_t)sizeof(float));
    char *half = sum + linear_align(n_tok * n_blocks * (int64_t)sizeof(float));
    char *split = half + linear_align(n_tok * n_blocks * 2 * (int64_t)sizeof(float));
    for (int64_t t = 0; t < n_tok; t++) {
        f->act[t] = (ActQ8){(int8_t *)q + t * n_in, (float *)(void *)scale + t * n_blocks,
                            (float *)(void *)sum + t * n_blocks, (float *)(void *)half + t * n_blocks * 2,
                            (int8_t *)split + t * act_q8_split_bytes(n_in)};
        act_q8(f->act[t], job->x + t * job->x_stride, n_in);
        act_q8_split(f->act[t], n_in);
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

static void float_rows(const FewJob *f, const LinearOut *o, int64_t from, int64_t to)
{
    DType type = o->w->type;
    for (int64_t r = from; r < to; r++) {
        const void *row = (const char *)o->w->data + r * o->w->nb[1];
        for (int64_t t = 0; t < f->job->n_tok; t++) {
            const float *x = f->job->x + t * f->job->x_stride;
            float *y = &o->y[t * o->y_stride + r];
            if (type == DT_F32) *y = dot_f32(row, x, f->job->n_in);
            else if (type == DT_F16) *y = dot_f16(row, x, f->job->n_in);
            else *y = dot_bf16(row, x, f->job->n_in);
        }
    }
}

static void few_rows(void *ctx, int i, int64_t from, int64_t to, int thread)
{
    const FewJob *f = ctx;
    const LinearOut *o = &f->job->outs[i];
    (void)thread;
    if (quant_format(o->w->type)->dot) quant_rows(f, o, from, to);
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
