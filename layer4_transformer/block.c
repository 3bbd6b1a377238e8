/* block.c: one transformer block: look around (attention), then think (FFN), each added to what was.
 *
 *   sequential   h = x + Attn(norm1(x));   y = h + FFN(norm2(h))
 *   parallel     y = x + Attn(norm1(x)) + FFN(norm1(x) or norm2(x))        and the other forms of block.h
 *
 * x [n_tok, d_model] is the residual stream: every part reads a normalised copy and adds its result.
 * A call may hold tokens of several sequences: everything but attention treats tokens alike, and
 * attention goes run by run. Source: Vaswani et al. 2017; Wang and Komatsuzaki 2021 (parallel). */
#include "block.h"

#include "ffn.h"
#include "latent.h"
#include "moe.h"
#include "ssm.h"

#include <string.h>

/* Numbers of the residual stream per piece of work. */
enum { ROW_GRAIN = 8192 };

/* The call's scratch, cut up. */
typedef struct {
    float *norm;    /* [n_tok, d_model] input of a branch */
    float *branch;  /* [n_tok, d_model] its result */
    float *q;       /* [n_tok, n_head * d_k] */
    float *k, *v;   /* [n_tok, n_kv_head * d_k], [n_tok, n_kv_head * d_v] */
    float *heads;   /* [n_tok, n_head * d_v] attention's result */
    float *hidden;  /* [2, n_tok, d_ff] */
    char *linear;
    char *moe;
    char *latent;
    char *attention;
    int64_t attention_bytes_each;
    int64_t bytes;
} BlockScratch;

static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

static char *take(BlockScratch *b, char *memory, int64_t n_bytes)
{
    char *p = memory ? memory + b->bytes : NULL;
    b->bytes += (n_bytes + 63) / 64 * 64;
    return p;
}

static float *take_floats(BlockScratch *b, char *memory, int64_t n, int64_t width)
{
    return (float *)(void *)take(b, memory, n * width * 4);
}

/* Of what a head brings back. */
static int64_t head_width(const BlockSpec *s) { return s->latent.rank ? s->latent.d_v : s->d_v; }

static BlockScratch block_scratch(char *memory, const BlockSpec *s, int64_t n, int64_t n_ctx,
                                  int n_threads)
{
    BlockScratch b = {0};
    b.norm = take_floats(&b, memory, n, s->d_model);
    b.branch = take_floats(&b, memory, n, s->d_model);
    int64_t usual = s->latent.rank ? 0 : n;
    b.q = take_floats(&b, memory, usual, (int64_t)s->n_head * s->d_k);
    b.k = take_floats(&b, memory, usual, (int64_t)s->n_kv_head * s->d_k);
    b.v = take_floats(&b, memory, usual, (int64_t)s->n_kv_head * s->d_v);
    b.heads = take_floats(&b, memory, n, s->n_head * head_width(s));
    int64_t d_ff = s->moe.n_expert ? 0 : s->d_ff;
    b.hidden = take_floats(&b, memory, n, (s->gated ? 2 : 1) * d_ff);
    int64_t widest = max64(max64(s->d_model, d_ff), s->n_head * head_width(s));
    b.moe = take(&b, memory, moe_scratch_bytes(s, n, n_threads));
    b.linear = take(&b, memory, linear_scratch_bytes(widest, n, n_threads));
    b.latent = take(&b, memory, latent_scratch_bytes(s, n, n_ctx, n_threads));
    if (s->latent.rank) return b;
    b.attention_bytes_each =
        attention_scratch_bytes(n, n_ctx, s->n_head, s->n_kv_head, s->d_k, s->d_v);
    b.attention = take(&b, memory, b.attention_bytes_each * n_threads);
    return b;
}

int64_t block_scratch_bytes(const BlockSpec *s, int64_t max_tok, int64_t n_ctx, int n_threads)
{
    if (s->ssm.kind) return ssm_scratch_bytes(s, max_tok, n_threads);
    return block_scratch(NULL, s, max_tok, n_ctx, n_threads).bytes;
}

int64_t block_kv_bytes(const BlockSpec *s, DType type_k, DType type_v, int64_t n_ctx)
{
    if (s->ssm.kind) return scan_flat_bytes(&s->ssm);
    if (s->latent.rank) return kv_flat_shared_bytes(type_k, n_ctx, s->n_kv_head, s->d_k);
    return kv_flat_bytes(type_k, type_v, n_ctx, s->n_kv_head, s->d_k, s->d_v);
}

KvView block_kv(const BlockSpec *s, void *memory, DType type_k, DType type_v, int64_t n_ctx)
{
    if (s->latent.rank) return kv_flat_shared(memory, type_k, n_ctx, s->n_kv_head, s->d_k, s->d_v);
    return kv_flat(memory, type_k, type_v, n_ctx, s->n_kv_head, s->d_k, s->d_v);
}

SeqState block_state(const BlockSpec *s, void *memory, DType type_k, DType type_v, int64_t n_ctx)
{
    if (s->ssm.kind) return (SeqState){.scan = scan_flat(memory, &s->ssm)};
    return (SeqState){.kv = block_kv(s, memory, type_k, type_v, n_ctx)};
}

void block_state_clear(const BlockSpec *s, void *memory)
{
    if (!s->ssm.kind) return;
    ScanState scan = scan_flat(memory, &s->ssm);
    scan_clear(&scan);
}

void block_rope_table(const BlockSpec *s, float *table, const int64_t *pos, int64_t n_tok)
{
    if (s->rope == ROPE_NONE) return;
    for (int64_t t = 0; t < n_tok; t++, table += s->n_rot) {
        if (s->rope_yarn.high > 0)
            rope_angles_yarn(table, pos[t], s->n_rot, s->rope_base, s->rope_freq_scale,
                             s->rope_factors, s->rope_yarn);
        else
            rope_angles(table, pos[t], s->n_rot, s->rope_base, s->rope_freq_scale, s->rope_factors);
        if (s->rope_magnitude > 0) vec_scale(table, s->rope_magnitude, s->n_rot);
    }
}

static void norm_row(const BlockSpec *s, const NormWeights *w, float *y, const float *x, int64_t n)
{
    if (s->norm == NORM_RMS) rmsnorm(y, x, w->gain, n, s->norm_eps);
    else layernorm(y, x, w->gain, w->offset, n, s->norm_eps);
}

void block_norm(const BlockSpec *s, const NormWeights *w, float *y, const float *x, int64_t n)
{
    int64_t d = s->d_model;
    if (!w->gain) {
        if (y != x) memcpy(y, x, (size_t)(n * d) * sizeof *y);
        return;
    }
    for (int64_t t = 0; t < n; t++) norm_row(s, w, y + t * d, x + t * d, d);
}

/* Queries or keys of one token: n_head heads of d. */
static void norm_heads(const BlockSpec *s, const NormWeights *w, float *x, int n_head, int64_t d)
{
    if (s->qk_norm == QK_NORM_ROW) {
        norm_row(s, w, x, x, n_head * d);
        return;
    }
    for (int h = 0; h < n_head; h++) {
        NormWeights own = {w->gain + (s->qk_norm == QK_NORM_HEADS ? h * d : 0), w->offset};
        norm_row(s, &own, x + h * d, x + h * d, d);
    }
}

static void clamp(float *x, float limit, int64_t n)
{
    for (int64_t i = 0; i < n; i++) x[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i];
}

/* Everything the steps of one call share; also what the pool's pieces get. */
typedef struct {
    const BlockSpec *s;
    const BlockWeights *w;
    const BlockContext *c;
    const BlockRun *runs;
    int n_runs;
    int64_t n_tok;
    float *x;
    BlockScratch b;
    const NormWeights *norm; /* for norm_part: to = norm(from) */
    const float *from;
    float *to;
} Call;

static int64_t tokens_per_piece(const Call *a) { return max64(ROW_GRAIN / a->s->d_model, 1); }

static void norm_part(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const Call *a = ctx;
    int64_t at = begin * a->s->d_model;
    block_norm(a->s, a->norm, a->to + at, a->from + at, end - begin);
}

static void norm_all(Call *a, const NormWeights *norm, float *to, const float *from)
{
    PROFILE_SPAN("norm", 0);
    a->norm = norm;
    a->from = from;
    a->to = to;
    pool_for(a->c->pool, a->n_tok, tokens_per_piece(a), norm_part, a);
}

/* norm = norm(x): the input of a branch */
static void normalise(Call *a, const NormWeights *norm) { norm_all(a, norm, a->b.norm, a->x); }

/* q, k, v = W norm, in one parallel region. */
static void project(Call *a)
{
    const BlockWeights *w = a->w;
    PROFILE_SPAN("qkv", tensor_bytes(&w->q.w) + tensor_bytes(&w->k.w) + tensor_bytes(&w->v.w));
    LinearOut outs[] = {affine_out(&w->q, a->b.q, (int64_t)a->s->n_head * a->s->d_k),
                        affine_out(&w->k, a->b.k, (int64_t)a->s->n_kv_head * a->s->d_k),
                        affine_out(&w->v, a->b.v, (int64_t)a->s->n_kv_head * a->s->d_v)};
    for (int i = 0; i < 3; i++) block_watch(&a->c->watcher, outs[i].w, a->b.norm, a->n_tok);
    lowrank_linear_n(a->c->adapters, a->c->pool, a->b.linear, outs, 3, a->b.norm, a->s->d_model, a->n_tok);
}

/* Clamps, normalises and rotates queries and keys of tokens [begin, end); stores keys and values. */
static void rope_part(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const Call *a = ctx;
    const BlockSpec *s = a->s;
    for (int i = 0; i < a->n_runs; i++) {
        const BlockRun *run = &a->runs[i];
        int64_t t = max64(begin, run->first);
        int64_t t1 = run->first + run->n < end ? run->first + run->n : end;
        for (; t < t1; t++) {
            float *q = a->b.q + t * s->n_head * s->d_k, *k = a->b.k + t * s->n_kv_head * s->d_k;
            float *v = a->b.v + t * s->n_kv_head * s->d_v;
            if (s->clamp_qkv > 0) {
                clamp(q, s->clamp_qkv, (int64_t)s->n_head * s->d_k);
                clamp(k, s->clamp_qkv, (int64_t)s->n_kv_head * s->d_k);
                clamp(v, s->clamp_qkv, (int64_t)s->n_kv_head * s->d_v);
            }
            if (s->qk_norm != QK_NORM_NONE && a->w->q_norm.gain) {
                norm_heads(s, &a->w->q_norm, q, s->n_head, s->d_k);
                norm_heads(s, &a->w->k_norm, k, s->n_kv_head, s->d_k);
            }
            if (s->rope != ROPE_NONE) {
                const float *angles = a->c->rope_table[s->rope_set] + t * s->n_rot;
                rope_apply(s->rope, q, s->n_head, s->d_k, s->n_rot, angles);
                rope_apply(s->rope, k, s->n_kv_head, s->d_k, s->n_rot, angles);
            }
            kv_store(run->kv, run->pos0 + t - run->first, k, v);
        }
    }
}

static void rotate_and_store(Call *a)
{
    PROFILE_SPAN("rope_store", 0);
    pool_for(a->c->pool, a->n_tok, tokens_per_piece(a), rope_part, a);
}

AttentionArgs block_attention_args(const BlockSpec *s, const BlockWeights *w)
{
    return (AttentionArgs){.q_stride = (int64_t)s->n_head * s->d_k,
                           .out_stride = (int64_t)s->n_head * s->d_v, .n_head = s->n_head,
                           .scale = s->attn_scale, .window = s->window, .both_ways = s->both_ways,
                           .soft_cap = s->soft_cap, .slopes = s->slopes, .sinks = w->sinks};
}

static void look_around(Call *a)
{
    PROFILE_SPAN("attention", 0);
    AttentionArgs args = block_attention_args(a->s, a->w);
    for (int i = 0; i < a->n_runs; i++) {
        const BlockRun *run = &a->runs[i];
        args.q = a->b.q + run->first * args.q_stride;
        args.out = a->b.heads + run->first * args.out_stride;
        args.kv = run->kv;
        args.pos0 = run->pos0;
        args.n_tok = run->n;
        if (a->c->tap) a->c->tap(a->c->tap_ctx, a->c->layer, &args);
        attention_all(a->c->pool, &args, a->b.attention, a->b.attention_bytes_each);
    }
}

/* The same three steps where keys and values are kept as one vector. */
static void look_around_latent(Call *a)
{
    const BlockContext *c = a->c;
    LatentCall call = {.s = a->s, .w = a->w, .pool = c->pool, .scratch = a->b.latent,
                       .angles = c->rope_table[a->s->rope_set], .watcher = c->watcher,
                       .adapters = c->adapters, .x = a->b.norm, .heads = a->b.heads, .n_tok = a->n_tok,
                       .runs = a->runs, .n_runs = a->n_runs};
    latent_forward(&call);
}

static void join_heads(Call *a)
{
    PROFILE_SPAN("attn_out", tensor_bytes(&a->w->o.w));
    block_watch(&a->c->watcher, &a->w->o.w, a->b.heads, a->n_tok);
    affine_adapted(a->c->adapters, a->c->pool, a->b.linear, a->b.branch, &a->w->o, a->b.heads, a->n_tok);
}

static void think(Call *a)
{
    const BlockWeights *w = a->w;
    if (a->s->moe.n_expert) {
        PROFILE_SPAN("moe", 0);
        MoeCall call = {.s = a->s, .w = w, .pool = a->c->pool, .scratch = a->b.moe,
                        .adapters = a->c->adapters, .watcher = a->c->watcher, .y = a->b.branch, .x = a->b.norm,
                        .n_tok = a->n_tok};
        moe(&call);
        return;
    }
    PROFILE_SPAN("ffn", tensor_bytes(&w->up.w) + tensor_bytes(&w->down.w) +
                            (a->s->gated ? tensor_bytes(&w->gate.w) : 0));
    const BlockWatcher *watcher = &a->c->watcher;
    if (a->s->gated) block_watch(watcher, &w->gate.w, a->b.norm, a->n_tok);
    block_watch(watcher, &w->up.w, a->b.norm, a->n_tok);
    ffn_forward(a->s, w, a->c->adapters, a->c->pool, a->b.linear, a->b.hidden, a->b.branch, a->b.norm, a->n_tok);
    /* What down was multiplied with is still there. */
    block_watch(watcher, &w->down.w, a->b.hidden + (a->s->gated ? a->n_tok * a->s->d_ff : 0), a->n_tok);
}

static void add_part(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const Call *a = ctx;
    int64_t at = begin * a->s->d_model, n = (end - begin) * a->s->d_model;
    if (a->s->residual_scale > 0) vec_axpy(a->x + at, a->s->residual_scale, a->b.branch + at, n);
    else vec_add(a->x + at, a->b.branch + at, n);
}

/* x += branch, with the norms that some families have before and after. */
static void add_branch(Call *a, const NormWeights *post, const NormWeights *out)
{
    if (post->gain) norm_all(a, post, a->b.branch, a->b.branch);
    PROFILE_SPAN("residual", 0);
    pool_for(a->c->pool, a->n_tok, tokens_per_piece(a), add_part, a);
    if (out->gain) norm_all(a, out, a->x, a->x);
}

static void check_call(const Call *a)
{
    const BlockSpec *s = a->s;
    int64_t next = 0, n_ctx = 0;
    for (int i = 0; i < a->n_runs; i++) {
        const BlockRun *run = &a->runs[i];
        CHECK(run->first == next, "run %d begins at token %lld, not %lld", i,
              (long long)run->first, (long long)next);
        CHECK(run->kv->n_kv_head == s->n_kv_head && run->kv->d_k == s->d_k &&
                  run->kv->d_v == s->d_v,
              "run %d: a KvView of %d x (%d, %d) for a block of %d x (%d, %d)", i,
              run->kv->n_kv_head, run->kv->d_k, run->kv->d_v, s->n_kv_head, s->d_k, s->d_v);
        next += run->n;
        n_ctx = max64(n_ctx, run->pos0 + run->n);
    }
    CHECK(next == a->n_tok, "runs cover %lld of %lld tokens", (long long)next,
          (long long)a->n_tok);
    CHECK(s->rope == ROPE_NONE || a->c->rope_table[s->rope_set], "layer %d rotates without a table",
          a->c->layer);
    int64_t need = block_scratch_bytes(s, a->n_tok, n_ctx, pool_threads(a->c->pool));
    CHECK(a->c->scratch_bytes >= need, "block scratch of %lld bytes, needs %lld",
          (long long)a->c->scratch_bytes, (long long)need);
}

void block_forward(const BlockSpec *s, const BlockWeights *w, const BlockContext *c, float *x,
                   int64_t n_tok, const BlockRun *runs, int n_runs)
{
    if (n_tok == 0) return;
    if (s->ssm.kind) {
        ssm_forward(s, w, c, x, n_tok, runs, n_runs);
        return;
    }
    Call a = {.s = s, .w = w, .c = c, .runs = runs, .n_runs = n_runs, .n_tok = n_tok, .x = x};
    check_call(&a);
    int64_t n_ctx = 0;
    for (int i = 0; i < n_runs; i++) n_ctx = max64(n_ctx, runs[i].pos0 + runs[i].n);
    a.b = block_scratch(c->scratch, s, n_tok, n_ctx, pool_threads(c->pool));

    //@ begin block
    /* Attention, on a normalised copy of the residual stream. */
    normalise(&a, &w->attn_norm);
    if (s->latent.rank) {
        look_around_latent(&a);
    } else {
        project(&a);
        rotate_and_store(&a);
        look_around(&a);
    }
    join_heads(&a);
    /* In parallel form the FFN must read x before attention is added. */
    bool second_norm = !s->parallel || w->ffn_norm.gain;
    if (s->parallel && second_norm) normalise(&a, &w->ffn_norm);
    add_branch(&a, &w->attn_post_norm, &w->attn_out_norm);
    if (!s->parallel) normalise(&a, &w->ffn_norm);
    /* The feed-forward network, token by token. */
    think(&a);
    add_branch(&a, &w->ffn_post_norm, &w->ffn_out_norm);
    //@ end block
}
