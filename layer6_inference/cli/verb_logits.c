/* verb_logits.c: the raw numbers: one row of logits per given token, then per greedily chosen one. */
#include "layer6.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    Session session;
    KvCache kv;
    FILE *file;
    float *rows;      /* [n_ubatch, n_vocab] */
    BatchItem *items; /* [n_ubatch] */
    int64_t n_vocab, pos;
    Arena arena;
} LogitsRun;

/* Computes ids at the next positions and writes all their rows. */
static Status feed(LogitsRun *r, const int32_t *ids, int64_t n, Err *err)
{
    int64_t most = r->session.max_batch;
    for (int64_t done = 0; done < n;) {
        int64_t piece = n - done < most ? n - done : most;
        for (int64_t i = 0; i < piece; i++)
            r->items[i] = (BatchItem){.token = ids[done + i], .pos = r->pos + i, .want_logits = true};
        TRY(model_forward(&r->session, r->items, piece, kvcache_source(&r->kv), r->rows, &cli_stop,
                          err));
        size_t count = (size_t)(piece * r->n_vocab);
        if (r->file && fwrite(r->rows, sizeof(float), count, r->file) != count)
            return fail(err, E_IO, "cannot write logits: %s. HINT: is the disk full?", strerror(errno));
        r->pos += piece;
        done += piece;
        /* The last row stays at rows[piece - 1]; move it to the front for the greedy choice. */
        memmove(r->rows, r->rows + (piece - 1) * r->n_vocab, (size_t)r->n_vocab * sizeof(float));
    }
    return OK;
}

static Status run(LogitsRun *r, const TokenList *ids, int64_t n_greedy, Buf *out, Err *err)
{
    TRY(feed(r, ids->ids, ids->n, err));
    for (int64_t i = 0; i < n_greedy; i++) {
        int32_t id = argmax_logit(r->rows, r->n_vocab);
        if (id < 0)
            return fail(err, E_FORMAT, "no logit is finite after token %lld. HINT: `sixfold inspect --tensor` "
                        "counts the numbers of a tensor that are not finite", (long long)r->pos);
        TRY(buf_printf(out, err, "%s%d", i ? " " : "", id));
        TRY(feed(r, &id, 1, err));
    }
    return n_greedy ? buf_append(out, "\n", 1, err) : OK;
}

static Status open_run(LogitsRun *r, Cli *c, int64_t n_tokens, Err *err)
{
    GeneratorParams p;
    TRY(cli_generator_params(c, &p, err));
    if (n_tokens > p.n_ctx)
        return fail(err, E_LIMIT, "%lld tokens do not fit into a context of %lld. HINT: -c %lld",
                    (long long)n_tokens, (long long)p.n_ctx, (long long)n_tokens);
    r->n_vocab = c->model.hp.n_vocab;
    if (p.n_ubatch > n_tokens) p.n_ubatch = n_tokens;
    TRY(cli_check_plan(c, &p, p.n_ubatch * r->n_vocab * (int64_t)sizeof(float), err));
    TRY(session_open(&r->session, &c->model, c->pool, p.n_ubatch, p.n_ctx, err));
    TRY(cli_adapt(c, &r->session, err));
    TRY(kvcache_open(&r->kv, &c->model, p.type_k, p.type_v, p.n_ctx, 1, err));
    r->rows = ARENA_NEW(&r->arena, float, p.n_ubatch * r->n_vocab);
    r->items = ARENA_NEW(&r->arena, BatchItem, p.n_ubatch);
    if (!r->rows || !r->items) return fail(err, E_MEMORY, "no memory for the logits");
    return c->o.output ? cli_create(c, c->o.output, &r->file, err) : OK;
}

static Status close_run(LogitsRun *r, Status s, Err *err)
{
    if (r->file && fclose(r->file) != 0 && s == OK)
        s = fail(err, E_IO, "cannot write logits: %s. HINT: is the disk full?", strerror(errno));
    kvcache_close(&r->kv);
    session_close(&r->session);
    arena_close(&r->arena);
    return s;
}

Status verb_logits(Cli *c, Err *err)
{
    TokenList ids = {0};
    Buf out = {0};
    LogitsRun r = {0};
    if (!c->o.tokens)
        return fail(err, E_ARG, "--tokens is missing. HINT: sixfold logits --tokens 1,2,3 -o FILE");
    if (!c->o.output && !c->o.n_greedy)
        return fail(err, E_ARG, "nothing to do. HINT: -o FILE writes logits, --greedy N chooses tokens");
    Status s = cli_open_model(c, err);
    if (s == OK) s = cli_open_pool(c, err);
    if (s == OK) s = cli_parse_ids(c->o.tokens, c->model.hp.n_vocab, &ids, err);
    if (s == OK && ids.n == 0)
        s = fail(err, E_ARG, "--tokens '%s' holds no id. HINT: --tokens 1,2,3", c->o.tokens);
    cli_catch_interrupt();
    if (s == OK) s = open_run(&r, c, ids.n + c->o.n_greedy, err);
    if (s == OK) s = run(&r, &ids, c->o.n_greedy, &out, err);
    s = close_run(&r, s, err);
    if (s == OK && out.len) s = cli_write(out.data, out.len, err);
    buf_close(&out);
    tokens_close(&ids);
    return s;
}
