/* ssm.c: the state-space block. Matrices look at all tokens of the call at once; only the convolution
 * and the scan know that tokens follow each other, and they go run by run, cut by channels for threads.
 *
 *   [n_tok, d_model] -in-> wide -conv, silu-> mixed -scan-> y -gate-> gated -out-> [n_tok, d_model]
 */
#include "ssm.h"

#include "conv1d.h"
#include "scan.h"

#include <string.h>

/* Channels per piece of work at least: whole registers of any machine. */
enum { CHANNEL_GRAIN = 64, ELEMENT_GRAIN = 4096 };

typedef struct {
    float *norm;   /* [n_tok, d_model] input; later the result of out */
    float *wide;   /* [n_tok, ssm_in_width] */
    float *mixed;  /* [n_tok, ssm_conv_channels] after the convolution */
    float *step;   /* [n_tok, d_inner] or [n_tok, n_head]: dt */
    float *dbc;    /* [n_tok, dt_rank + 2 d_state] */
    float *rank;   /* [n_tok, dt_rank] */
    float *y;      /* [n_tok, d_inner] */
    float *gated;  /* [n_tok, d_inner] */
    char *linear;
    int64_t bytes;
} SsmScratch;

typedef struct {
    const SsmSpec *m;
    const BlockSpec *s;
    const BlockWeights *w;
    const BlockContext *c;
    const BlockRun *runs;
    int n_runs;
    int64_t n_tok;
    float *x;
    SsmScratch b;
} Call;

int64_t ssm_in_width(const SsmSpec *s)
{
    return s->d_inner + ssm_conv_channels(s) + (s->kind == SSM_HEADS ? s->n_head : 0);
}

static float *take(SsmScratch *b, char *memory, int64_t n, int64_t width)
{
    char *p = memory ? memory + b->bytes : NULL;
    b->bytes += (n * width * 4 + 63) / 64 * 64;
    return (float *)(void *)p;
}

static int64_t dbc_width(const SsmSpec *m) { return m->dt_rank + 2 * (int64_t)m->d_state; }

static SsmScratch ssm_scratch(char *memory, const BlockSpec *s, int64_t n, int n_threads)
{
    const SsmSpec *m = &s->ssm;
    bool channels = m->kind == SSM_CHANNELS;
    SsmScratch b = {0};
    b.norm = take(&b, memory, n, s->d_model);
    b.wide = take(&b, memory, n, ssm_in_width(m));
    b.mixed = take(&b, memory, n, ssm_conv_channels(m));
    b.step = take(&b, memory, n, channels ? m->d_inner : m->n_head);
    b.dbc = take(&b, memory, n, channels ? dbc_width(m) : 0);
    b.rank = take(&b, memory, n, channels ? m->dt_rank : 0);
    b.y = take(&b, memory, n, m->d_inner);
    b.gated = take(&b, memory, n, m->d_inner);
    int64_t widest = s->d_model > m->d_inner ? s->d_model : m->d_inner;
    if (channels && m->dt_rank > widest) widest = m->dt_rank;
    b.linear = (char *)take(&b, memory, 1, (linear_scratch_bytes(widest, n, n_threads) + 3) / 4);
    return b;
}

int64_t ssm_scratch_bytes(const BlockSpec *s, int64_t max_tok, int n_threads)
{
    return ssm_scratch(NULL, s, max_tok, n_threads).bytes;
}

/* y [n_tok, n_out] = W x [n_tok, n_in], both dense. */
static void multiply(Call *a, float *y, const Affine *w, const float *x)
{
    block_watch(&a->c->watcher, &w->w, x, a->n_tok);
    affine_adapted(a->c->adapters, a->c->pool, a->b.linear, y, w, x, a->n_tok);
}

static void project(Call *a)
{
    PROFILE_SPAN("ssm_in", tensor_bytes(&a->w->ssm.in.w));
    block_norm(a->s, &a->w->attn_norm, a->b.norm, a->x, a->n_tok);
    multiply(a, a->b.wide, &a->w->ssm.in, a->b.norm);
}

//@ begin ssm-mix
/* Channels [from, to): each looks back a few tokens, run by run. */
static void mix_part(void *ctx, int64_t from, int64_t to, int thread)
{
    (void)thread;
    const Call *a = ctx;
    const SsmWeights *w = &a->w->ssm;
    int64_t n = ssm_conv_channels(a->m), wide = ssm_in_width(a->m);
    /* Mamba-2 has z in front of what is mixed, Mamba behind it. */
    const float *in = a->b.wide + (a->m->kind == SSM_HEADS ? a->m->d_inner : 0);
    for (int r = 0; r < a->n_runs; r++) {
        const BlockRun *run = &a->runs[r];
        Conv1dArgs args = {.y = a->b.mixed + run->first * n, .y_stride = n,
                           .x = in + run->first * wide, .x_stride = wide,
                           .window = run->scan->conv, .w = w->conv,
                           .bias = w->conv_bias, .n_chan = n,
                           .n_tok = run->n, .d_conv = a->m->d_conv};
        conv1d(&args, from, to);
    }
    for (int64_t t = 0; t < a->n_tok; t++)
        silu(a->b.mixed + t * n + from, to - from);
}
//@ end ssm-mix

static void softplus_part(void *ctx, int64_t from, int64_t to, int thread)
{
    (void)thread;
    softplus((float *)ctx + from, to - from);
}

/* Mamba: step sizes, B and C are read off the mixed channels. */
static void steps_of_channels(Call *a)
{
    const SsmSpec *m = a->m;
    const SsmWeights *w = &a->w->ssm;
    int64_t wide = dbc_width(m);
    float eps = m->dt_bc_eps > 0 ? m->dt_bc_eps : a->s->norm_eps;
    PROFILE_SPAN("ssm_steps", tensor_bytes(&w->x.w) + tensor_bytes(&w->dt.w));
    multiply(a, a->b.dbc, &w->x, a->b.mixed);
    for (int64_t t = 0; t < a->n_tok; t++) {
        float *row = a->b.dbc + t * wide;
        if (m->norm_dt_bc) {
            rmsnorm(row, row, NULL, m->dt_rank, eps);
            rmsnorm(row + m->dt_rank, row + m->dt_rank, NULL, m->d_state, eps);
            rmsnorm(row + m->dt_rank + m->d_state, row + m->dt_rank + m->d_state, NULL, m->d_state, eps);
        }
        memcpy(a->b.rank + t * m->dt_rank, row, (size_t)m->dt_rank * sizeof *row);
    }
    multiply(a, a->b.step, &w->dt, a->b.rank);
    pool_for(a->c->pool, a->n_tok * m->d_inner, ELEMENT_GRAIN, softplus_part, a->b.step);
}

/* Mamba-2: step sizes come with the first matrix, a number per head. */
static void steps_of_heads(Call *a)
{
    int64_t n = a->m->n_head, wide = ssm_in_width(a->m);
    for (int64_t t = 0; t < a->n_tok; t++) {
        float *dt = a->b.step + t * n;
        memcpy(dt, a->b.wide + (t + 1) * wide - n, (size_t)n * sizeof *dt);
        vec_add(dt, a->w->ssm.dt_bias, n);
        softplus(dt, n);
    }
}

/* The arguments of a scan over the tokens of a run. */
static ScanArgs scan_args(const Call *a, const BlockRun *run)
{
    const SsmSpec *m = a->m;
    bool heads = m->kind == SSM_HEADS;
    int64_t n = ssm_conv_channels(m), t = run->first;
    ScanArgs args = {.y = a->b.y + t * m->d_inner, .x = a->b.mixed + t * n, .x_stride = n,
                     .a = a->w->ssm.a, .d = a->w->ssm.d, .h = run->scan->h, .d_inner = m->d_inner,
                     .n_tok = run->n, .d_state = m->d_state, .n_head = m->n_head,
                     .n_group = m->n_group};
    args.dt = a->b.step + t * (heads ? m->n_head : m->d_inner);
    args.bc_stride = heads ? n : dbc_width(m);
    args.b = heads ? args.x + m->d_inner : a->b.dbc + t * args.bc_stride + m->dt_rank;
    args.c = args.b + (heads ? m->n_group : 1) * (int64_t)m->d_state;
    return args;
}

/* Channels or heads [from, to): the scan, then the gate y silu(z). */
static void scan_part(void *ctx, int64_t from, int64_t to, int thread)
{
    (void)thread;
    const Call *a = ctx;
    const SsmSpec *m = a->m;
    bool heads = m->kind == SSM_HEADS;
    int64_t per = heads ? m->d_inner / m->n_head : 1, wide = ssm_in_width(m);
    for (int r = 0; r < a->n_runs; r++) {
        ScanArgs args = scan_args(a, &a->runs[r]);
        if (heads) scan_heads(&args, from, to);
        else scan_channels(&args, from, to);
    }
    const float *z = a->b.wide + (heads ? 0 : m->d_inner) + from * per;
    for (int64_t t = 0; t < a->n_tok; t++) {
        int64_t at = t * m->d_inner + from * per, n = (to - from) * per;
        memcpy(a->b.gated + at, z + t * wide, (size_t)n * sizeof *z);
        swiglu(a->b.gated + at, a->b.y + at, n);
    }
}

/* Mamba-2 normalises each group of channels once more. */
static void norm_groups(Call *a)
{
    int64_t width = a->m->d_inner / a->m->n_group;
    for (int64_t t = 0; t < a->n_tok; t++)
        for (int64_t g = 0; g < a->m->n_group; g++) {
            float *row = a->b.gated + t * a->m->d_inner + g * width;
            rmsnorm(row, row, a->w->ssm.norm + g * width, width, a->s->norm_eps);
        }
}

static void check_call(const Call *a)
{
    int64_t next = 0;
    for (int i = 0; i < a->n_runs; i++) {
        const BlockRun *run = &a->runs[i];
        CHECK(run->first == next, "run %d begins at token %lld, not %lld", i, (long long)run->first,
              (long long)next);
        CHECK(run->scan && *run->scan->n_seen == run->pos0, "run %d at position %lld: its state %s", i,
              (long long)run->pos0, run->scan ? "is at another" : "is missing");
        next += run->n;
    }
    CHECK(next == a->n_tok, "runs cover %lld of %lld tokens", (long long)next, (long long)a->n_tok);
    int64_t need = ssm_scratch_bytes(a->s, a->n_tok, pool_threads(a->c->pool));
    CHECK(a->c->scratch_bytes >= need, "block scratch of %lld bytes, needs %lld",
          (long long)a->c->scratch_bytes, (long long)need);
}

//@ begin ssm-forward
void ssm_forward(const BlockSpec *s, const BlockWeights *w,
                 const BlockContext *c, float *x, int64_t n_tok,
                 const BlockRun *runs, int n_runs)
{
    Call a = {.m = &s->ssm, .s = s, .w = w, .c = c, .runs = runs,
              .n_runs = n_runs, .n_tok = n_tok, .x = x};
    bool heads = s->ssm.kind == SSM_HEADS;
    check_call(&a);
    a.b = ssm_scratch(c->scratch, s, n_tok, pool_threads(c->pool));
    /* 1. Widen. */
    project(&a);
    /* 2. A few tokens back: the convolution. */
    pool_for(c->pool, ssm_conv_channels(a.m), CHANNEL_GRAIN, mix_part, &a);
    /* 3. How much to forget, what to write, what to read. */
    if (heads) steps_of_heads(&a);
    else steps_of_channels(&a);
    /* 4. All tokens back: the scan, and its gate. */
    int64_t pieces = heads ? s->ssm.n_head : s->ssm.d_inner;
    pool_for(c->pool, pieces, heads ? 1 : CHANNEL_GRAIN, scan_part, &a);
    if (heads) norm_groups(&a);
    /* 5. Narrow, and add to what was. */
    multiply(&a, a.b.norm, &w->ssm.out, a.b.gated);
    vec_add(x, a.b.norm, n_tok * s->d_model);
    for (int i = 0; i < n_runs; i++) *runs[i].scan->n_seen += runs[i].n;
}
//@ end ssm-forward
