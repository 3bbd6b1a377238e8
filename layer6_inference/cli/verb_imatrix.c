/* verb_imatrix.c: a text through the model; how strongly it drives each input of each matrix. */
#include "layer6.h"

#include <stdio.h>
#include <unistd.h>

static Status collect(Cli *c, const TokenList *ids, ImatrixCollect *sums, Err *err)
{
    const Options *o = &c->o;
    GeneratorParams g;
    TRY(cli_generator_params(c, &g, err));
    g.n_ctx = o->n_ctx ? o->n_ctx : 512;
    g.n_ubatch = o->n_ubatch < o->n_batch ? o->n_ubatch : o->n_batch;
    if (g.n_ubatch > g.n_ctx) g.n_ubatch = g.n_ctx;
    int64_t logits = o->process_output ? g.n_ctx * c->model.hp.n_vocab * (int64_t)sizeof(float) : 0;
    TRY(cli_check_plan(c, &g, logits + imatrix_collect_bytes(&c->model, o->process_output), err));
    TRY(imatrix_collect_open(sums, &c->model, o->process_output, o->prompt_file, g.n_ctx, err));
    if (o->resume && access(o->output, F_OK) == 0) {
        Imatrix before;
        TRY(imatrix_open(&before, o->output, err));
        Status s = imatrix_collect_resume(sums, &before, err);
        imatrix_close(&before);
        TRY(s);
    }
    Session session = {0};
    KvCache kv = {0};
    ImportanceParams p = {.n_ctx = g.n_ctx, .max_chunks = o->n_chunks, .save_every = o->save_every,
                          .with_output = o->process_output, .path = o->output, .quiet = o->quiet};
    Status s = session_open(&session, &c->model, c->pool, g.n_ubatch, g.n_ctx, err);
    if (s == OK) s = cli_adapt(c, &session, err);
    if (s == OK) s = kvcache_open(&kv, &c->model, g.type_k, g.type_v, g.n_ctx, 1, err);
    if (s == OK) s = importance_run(sums, &session, &kv, ids, &p, &cli_stop, err);
    kvcache_close(&kv);
    session_close(&session);
    return s;
}

Status verb_imatrix(Cli *c, Err *err)
{
    Options *o = &c->o;
    if (!o->prompt_file || !o->output)
        return fail(err, E_ARG, "%s is missing. HINT: sixfold imatrix -m MODEL -f TEXT -o FILE.gguf",
                    o->prompt_file ? "-o" : "-f");
    if (o->model && cli_same_file(o->model, o->output))
        return fail(err, E_ARG, "'%s' is the model itself. HINT: give another output name", o->output);
    Buf text = {0};
    TokenList ids = {0};
    ImatrixCollect sums = {0};
    Status s = cli_read_text(o->prompt_file, &text, (size_t)1 << 30, err);
    if (s == OK) s = cli_open_model(c, err);
    if (s == OK && !c->model.tokenizer)
        s = fail(err, E_UNSUPPORTED, "this file has no tokenizer. HINT: use another model");
    if (s == OK) s = cli_open_pool(c, err);
    if (s == OK)
        s = tokenizer_encode(c->model.tokenizer, text.data ? text.data : "", text.len,
                             (EncodeOptions){.add_special = true, .parse_special = o->parse_special},
                             &ids, err);
    cli_catch_interrupt();
    if (s == OK) s = collect(c, &ids, &sums, err);
    if ((s == OK || s == E_CANCELLED) && !o->quiet)
        fprintf(stderr, "%s: %lld chunks of %lld tokens, %lld matrices\n", o->output,
                (long long)sums.sums.n_chunks, (long long)sums.sums.chunk_size, (long long)sums.sums.n);
    imatrix_collect_close(&sums);
    tokens_close(&ids);
    buf_close(&text);
    return s;
}
