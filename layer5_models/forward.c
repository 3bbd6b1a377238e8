/* forward.c: the one forward pass.
 *
 *   x = embedding of each token;  x = block_l(x) for every layer;  logits = W_out norm(x)
 *
 * Prefill, decode, several sequences at once: all are a batch of items. The batch is cut into pieces
 * of at most max_batch items, and each piece into runs (one sequence, consecutive positions), because
 * attention needs to know which keys belong together. */
#include "model.h"

#include <math.h>
#include <string.h>

enum { MAX_RUNS = 64 };

/* Sizes of a session's buffers, one after the other. */
typedef struct { int64_t x, norm, rope[2], scratch, total; } Plan;

/* The largest scratch that any layer needs; they differ where some are dense and some are not. */
static int64_t largest_block(const Model *m, int64_t max_batch, int64_t n_ctx, int n_threads)
{
    int64_t most = 0;
    for (int64_t l = 0; l < m->hp.n_layer; l++) {
        int64_t bytes = block_scratch_bytes(&m->layers[l], max_batch, n_ctx, n_threads);
        if (bytes < 0) return -1;
        if (bytes > most) most = bytes;
    }
    return most;
}

static bool has_second_rope(const Model *m)
{
    for (int64_t l = 0; l < m->hp.n_layer; l++)
        if (m->layers[l].rope_set) return true;
    return false;
}

static bool plan_sessions(const Model *m, int64_t max_batch, int64_t n_ctx, int n_threads, Plan *p)
{
    const BlockSpec *s = &m->spec;
    int64_t d_max = s->d_model > s->d_ff ? s->d_model : s->d_ff;
    int64_t row = s->d_model * (int64_t)sizeof(float);
    if (__builtin_mul_overflow(max_batch, row, &p->x)) return false;
    p->norm = p->x;
    if (__builtin_mul_overflow(max_batch, (int64_t)s->n_rot * (int64_t)sizeof(float), &p->rope[0]))
        return false;
    p->rope[1] = has_second_rope(m) ? p->rope[0] : 0;
    int64_t block = largest_block(m, max_batch, n_ctx, n_threads);
    int64_t head = linear_scratch_bytes(d_max, max_batch, n_threads);
    p->scratch = block > head ? block : head;
    if (block < 0 || head < 0 || p->scratch > INT64_MAX / 8 || p->x > INT64_MAX / 8) return false;
    p->total = p->x + p->norm + p->rope[0] + p->rope[1] + p->scratch + 5 * 64;
    return true;
}

int64_t session_plan(const Model *m, int64_t max_batch, int64_t n_ctx, int n_threads)
{
    Plan p;
    return plan_sessions(m, max_batch, n_ctx, n_threads, &p) ? p.total : -1;
}

Status session_open(Session *s, const Model *m, Pool *pool, int64_t max_batch, int64_t n_ctx,
                    Err *err)
{
    *s = (Session){0};
    if (!m->weights.output.w.data)
        return fail(err, E_UNSUPPORTED, "a model of the architecture '%s' is an encoder: it gives vectors, "
                    "not words. HINT: sixfold embed asks for vectors", m->arch->name);
    TRY(session_open_hidden(s, m, pool, max_batch, n_ctx, err));
    s->hidden = false;
    return OK;
}

Status session_open_hidden(Session *s, const Model *m, Pool *pool, int64_t max_batch, int64_t n_ctx,
                           Err *err)
{
    Plan p;
    *s = (Session){.model = m, .pool = pool, .max_batch = max_batch, .n_ctx = n_ctx, .hidden = true};
    if (!plan_sessions(m, max_batch, n_ctx, pool_threads(pool), &p))
        return fail(err, E_MEMORY, "a context of %lld and a batch of %lld overflow the address space. "
                    "HINT: lower -c or -ub",
                    (long long)n_ctx, (long long)max_batch);
    TRY(arena_reserve(&s->arena, (size_t)p.total, err));
    s->x = arena_alloc_dirty(&s->arena, p.x, 1);
    s->norm = arena_alloc_dirty(&s->arena, p.norm, 1);
    for (int i = 0; i < 2; i++)
        if (p.rope[i]) s->rope_table[i] = arena_alloc_dirty(&s->arena, p.rope[i], 1);
    s->scratch = arena_alloc_dirty(&s->arena, p.scratch, 1);
    s->scratch_bytes = p.scratch;
    bool angles = (!p.rope[0] || s->rope_table[0]) && (!p.rope[1] || s->rope_table[1]);
    if (s->x && s->norm && angles && s->scratch) return OK;
    session_close(s);
    return fail(err, E_MEMORY, "no memory for a session of %lld bytes", (long long)p.total);
}

void session_close(Session *s)
{
    arena_close(&s->adapter_arena);
    arena_close(&s->arena);
    *s = (Session){0};
}

/* Tokens of an encoder look at later ones, which must be there. */
static Status check_encoder(const Session *s, const BatchItem *items, int64_t n, Err *err)
{
    if (!s->model->spec.both_ways) return OK;
    if (n > s->max_batch)
        return fail(err, E_LIMIT, "%lld tokens for an encoder that is given %lld at once. HINT: raise it "
                    "with -ub", (long long)n, (long long)s->max_batch);
    for (int64_t i = 0; i < n; i++)
        CHECK((i && items[i].seq == items[i - 1].seq) || items[i].pos == 0,
              "an encoder's sequence begins at position %lld", (long long)items[i].pos);
    return OK;
}

/* Everything about the items that could be wrong because of the outside. */
static Status check_items(const Session *s, const BatchItem *items, int64_t n, KvSource kv, Err *err)
{
    int64_t n_ctx = 0; /* of the sequence that item i belongs to */
    for (int64_t i = 0; i < n; i++) {
        bool same = i && items[i].seq == items[i - 1].seq;
        if (items[i].token < 0 || items[i].token >= s->model->hp.n_vocab)
            return fail(err, E_ARG, "token id %d is outside the vocabulary of %lld. HINT: ids are "
                        "counted from 0", items[i].token, (long long)s->model->hp.n_vocab);
        CHECK(!same || items[i].pos == items[i - 1].pos + 1, "positions %lld, %lld of a sequence",
              (long long)items[i - 1].pos, (long long)items[i].pos);
        if (!same) n_ctx = s->model->spec.ssm.kind ? s->n_ctx : kv.lookup(kv.ctx, items[i].seq, 0).kv.n_ctx;
        if (n_ctx > s->n_ctx) n_ctx = s->n_ctx;
        if (s->model->weights.position_embd.data && n_ctx > s->model->hp.n_ctx_train)
            n_ctx = s->model->hp.n_ctx_train; /* learned positions end there */
        if (items[i].pos < 0 || items[i].pos >= n_ctx)
            return fail(err, E_LIMIT, "position %lld is beyond the context of %lld tokens. HINT: "
                        "raise it with -c", (long long)items[i].pos, (long long)n_ctx);
    }
    return OK;
}

/* States of a scan go to where the call begins: on, back to where they were saved, or to zero. Nothing is
 * changed unless all of them can. They are saved there, so that the call can be repeated. */
static Status begin_scans(const Session *s, const BatchItem *items, int64_t n, KvSource kv, Err *err)
{
    if (!s->model->spec.ssm.kind) return OK;
    for (int change = 0; change < 2; change++)
        for (int64_t i = 0; i < n; i++)
            for (int l = 0; l < (int)s->model->hp.n_layer; l++) {
                if (i && items[i].seq == items[i - 1].seq) break;
                ScanState state = kv.lookup(kv.ctx, items[i].seq, l).scan;
                if (!scan_can_keep(&state, items[i].pos))
                    return fail(err, E_LIMIT, "sequence %d cannot go on at position %lld: its state has met "
                                "%lld tokens and was saved at %lld. HINT: feed it from one of those, or from "
                                "0", items[i].seq, (long long)items[i].pos, (long long)*state.n_seen,
                                (long long)(*state.n_saved < 0 ? 0 : *state.n_saved));
                if (!change) continue;
                scan_keep(&state, items[i].pos);
                scan_save(&state);
            }
    return OK;
}

/* Cuts items [0, n) into runs; returns how many items the runs cover (all, unless there are more than
 * MAX_RUNS). */
static int64_t cut_runs(const BatchItem *items, int64_t n, BlockRun *runs, int *n_runs)
{
    *n_runs = 0;
    int64_t i = 0;
    while (i < n && *n_runs < MAX_RUNS) {
        int64_t first = i++;
        while (i < n && items[i].seq == items[first].seq) i++;
        runs[(*n_runs)++] = (BlockRun){.first = first, .n = i - first, .pos0 = items[first].pos};
    }
    return i;
}

int64_t session_row(const Session *s)
{
    return s->hidden ? s->model->spec.d_model : s->model->hp.n_vocab;
}

/* Scale and cap of logits, for the families that have them. */
static void finish_logits(const ModelSpec *a, float *logits, int64_t n)
{
    if (a->logit_scale > 0) vec_scale(logits, a->logit_scale, n);
    for (int64_t i = 0; a->logit_cap > 0 && i < n; i++)
        logits[i] = a->logit_cap * tanhf(logits[i] / a->logit_cap);
}

/* Logits (or hidden states) of the wanted rows of this piece, computed together; returns how many rows
 * there were. */
static int64_t head_forward(Session *s, const BatchItem *items, int64_t n, float *logits)
{
    const Model *m = s->model;
    PROFILE_SPAN("logits", 0);
    int64_t d = m->spec.d_model, rows = 0;
    for (int64_t i = 0; i < n; i++)
        if (items[i].want_logits) memmove(s->x + rows++ * d, s->x + i * d, (size_t)d * sizeof(float));
    if (!rows) return 0;
    if (s->hidden) {
        block_norm(&m->spec, &m->weights.output_norm, logits, s->x, rows);
        return rows;
    }
    block_norm(&m->spec, &m->weights.output_norm, s->norm, s->x, rows);
    block_watch(&s->watcher, &m->weights.output.w, s->norm, rows);
    affine_adapted(&s->adapters, s->pool, s->scratch, logits, &m->weights.output, s->norm, rows);
    finish_logits(&m->around, logits, rows * m->hp.n_vocab);
    return rows;
}

/* x += row `id` of the table */
static void add_row(float *x, const Tensor *table, int32_t id, float *scratch)
{
    if (!table->data) return;
    embed_lookup(scratch, table, &id, 1);
    vec_add(x, scratch, table->ne[0]);
}

/* The residual stream before the first block: the token's row, and what the family adds to it. */
static void embed(Session *s, const BatchItem *items, int64_t n)
{
    const Model *m = s->model;
    const Weights *w = &m->weights;
    int64_t d = m->spec.d_model;
    for (int64_t i = 0; i < n; i++) {
        float *x = s->x + i * d;
        embed_lookup(x, &w->token_embd, &items[i].token, 1);
        for (int64_t k = 0; k < s->n_embd_adapters; k++) lowrank_row(&s->embd_adapters[k], items[i].token, x);
        if (m->around.embd_scale > 0) vec_scale(x, m->around.embd_scale, d);
        add_row(x, &w->token_types, 0, s->norm);
        add_row(x, &w->position_embd, (int32_t)items[i].pos, s->norm);
    }
    if (w->embd_norm.gain) block_norm(&m->spec, &w->embd_norm, s->x, s->x, n);
}

/* Tables of angles, each from the first layer that uses it. Some models turn differently when the context is
 * longer than they were trained with: by LongRoPE's other factors, or (dynamic NTK) with a larger base. What
 * counts is the session's context, not the text so far, because stored keys have turned already. */
static void turn(Session *s, const BatchItem *items, int64_t n)
{
    const Model *m = s->model;
    for (int set = 0; set < 2; set++) {
        int64_t l = 0;
        while (l < m->hp.n_layer && m->layers[l].rope_set != set) l++;
        if (l == m->hp.n_layer) continue;
        BlockSpec spec = m->layers[l];
        if (spec.rope == ROPE_NONE) continue;
        double longer = (double)s->n_ctx / (double)m->hp.n_ctx_orig;
        if (longer > 1 && m->weights.rope_long) spec.rope_factors = m->weights.rope_long;
        if (longer > 1 && m->hp.rope_dynamic > 0 && set == 0)
            spec.rope_base = rope_base_ntk(spec.rope_base, spec.n_rot, 1 + m->hp.rope_dynamic * (longer - 1));
        for (int64_t i = 0; i < n; i++)
            block_rope_table(&spec, s->rope_table[set] + i * spec.n_rot, &items[i].pos, 1);
    }
}

//@ begin forward-piece
/* One piece: at most max_batch items in at most MAX_RUNS runs. */
static Status forward_piece(Session *s, const BatchItem *items, int64_t n,
                            BlockRun *runs, int n_runs, KvSource kv,
                            const volatile int *stop, Err *err)
{
    const Model *m = s->model;
    /* 1. Embed: row `token` of the table becomes the residual stream. */
    embed(s, items, n);
    /* 2. The angles of every position, once for all layers that share them. */
    turn(s, items, n);
    /* 3. The blocks, one after the other. */
    SeqState views[MAX_RUNS];
    for (int l = 0; l < (int)m->hp.n_layer; l++) {
        if (stop && *stop) return fail(err, E_CANCELLED, "stopped on request");
        for (int r = 0; r < n_runs; r++) {
            views[r] = kv.lookup(kv.ctx, items[runs[r].first].seq, l);
            runs[r].kv = &views[r].kv;
            runs[r].scan = &views[r].scan;
        }
        BlockContext c = {.pool = s->pool, .scratch = s->scratch,
                          .scratch_bytes = s->scratch_bytes, .layer = l,
                          .rope_table = {s->rope_table[0], s->rope_table[1]},
                          .tap = s->tap, .tap_ctx = s->tap_ctx};
        c.watcher = s->watcher;
        c.adapters = &s->adapters;
        block_forward(&m->layers[l], &m->weights.blocks[l], &c, s->x, n, runs, n_runs);
    }
    return OK;
}
//@ end forward-piece

Status model_forward(Session *s, const BatchItem *items, int64_t n, KvSource kv, float *logits,
                     const volatile int *stop, Err *err)
{
    PROFILE_SPAN("forward", s->model->weights.bytes);
    TRY(check_items(s, items, n, kv, err));
    TRY(check_encoder(s, items, n, err));
    TRY(begin_scans(s, items, n, kv, err));
    for (int64_t done = 0; done < n;) {
        int64_t left = n - done, piece = left < s->max_batch ? left : s->max_batch;
        BlockRun runs[MAX_RUNS];
        int n_runs;
        piece = cut_runs(items + done, piece, runs, &n_runs);
        TRY(forward_piece(s, items + done, piece, runs, n_runs, kv, stop, err));
        int64_t rows = head_forward(s, items + done, piece, logits);
        if (rows) logits += rows * session_row(s); /* logits may be NULL if nobody wants any */
        done += piece;
    }
    return OK;
}
