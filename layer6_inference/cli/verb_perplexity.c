/* verb_perplexity.c: a text file through the model, window by window. */
#include "layer6.h"

#include <stdio.h>

typedef struct { bool quiet; Progress bar; } Report;

/* The running figure of each window on stdout's neighbour, as the field's tool prints it. */
static void on_window(void *ctx, const Perplexity *p, int64_t n_windows)
{
    Report *r = ctx;
    if (p->n_windows == 1) progress_start(&r->bar, "perplexity", n_windows, "windows", 1, r->quiet);
    progress_update(&r->bar, p->n_windows);
    if (p->n_windows == n_windows) progress_end(&r->bar);
}

static Status measure(Cli *c, const TokenList *ids, Perplexity *result, Err *err)
{
    GeneratorParams p;
    TRY(cli_generator_params(c, &p, err));
    p.n_ctx = c->o.n_ctx ? c->o.n_ctx : p.n_ctx < 512 ? p.n_ctx : 512;
    cli_note_context(c, p.n_ctx);
    p.n_ubatch = c->o.n_ubatch < c->o.n_batch ? c->o.n_ubatch : c->o.n_batch;
    if (p.n_ubatch > p.n_ctx) p.n_ubatch = p.n_ctx;
    TRY(cli_check_plan(c, &p, p.n_ctx / 2 * c->model.hp.n_vocab * (int64_t)sizeof(float), err));
    Session session = {0};
    KvCache kv = {0};
    Report report = {.quiet = c->o.quiet};
    Status s = session_open(&session, &c->model, c->pool, p.n_ubatch, p.n_ctx, err);
    if (s == OK) s = cli_adapt(c, &session, err);
    if (s == OK) s = kvcache_open(&kv, &c->model, p.type_k, p.type_v, p.n_ctx, 1, err);
    if (s == OK)
        s = perplexity_run(result, &session, &kv, ids, p.n_ctx, on_window, &report, &cli_stop, err);
    kvcache_close(&kv);
    session_close(&session);
    return s;
}

Status verb_perplexity(Cli *c, Err *err)
{
    if (!c->o.prompt_file)
        return fail(err, E_ARG, "-f is missing. HINT: sixfold perplexity -m MODEL -f TEXT -c 512");
    Buf text = {0}, line = {0};
    TokenList ids = {0};
    Perplexity result = {0};
    Status s = cli_read_text(c->o.prompt_file, &text, (size_t)1 << 30, err);
    if (s == OK) s = cli_open_model(c, err);
    if (s == OK && !c->model.tokenizer) s = fail(err, E_UNSUPPORTED, "this file has no tokenizer. HINT: use "
                                                     "another model");
    if (s == OK) s = cli_open_pool(c, err);
    cli_catch_interrupt();
    if (c->o.bits) {
        if (s == OK) s = cli_perplexity_bits(c, &text, err);
        buf_close(&text);
        return s;
    }
    if (s == OK)
        s = tokenizer_encode(c->model.tokenizer, text.data ? text.data : "", text.len,
                             (EncodeOptions){.add_special = true}, &ids, err);
    if (s == OK) s = measure(c, &ids, &result, err);
    if (s == OK)
        s = buf_printf(&line, err, "%lld windows, %lld tokens scored\nFinal estimate: PPL = %.4f +/- "
                       "%.5f\n", (long long)result.n_windows, (long long)result.n_scored, result.ppl,
                       result.error);
    if (s == OK) s = cli_write(line.data, line.len, err);
    buf_close(&line);
    buf_close(&text);
    tokens_close(&ids);
    return s;
}
