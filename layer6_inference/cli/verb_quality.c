/* verb_quality.c: inspect --quality A B: what B lost against A, tensor by tensor, and on a text. */
#include "layer6.h"
#include "json_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A tensor name for gguf_tensor, which wants it terminated. */
static const GgufTensor *same_tensor(const Gguf *b, const GgufTensor *a)
{
    char name[65];
    snprintf(name, sizeof name, "%.*s", STR_ARG(a->name));
    const GgufTensor *t = gguf_tensor(b, name);
    for (int d = 0; t && d < 4; d++)
        if (t->view.ne[d] != a->view.ne[d]) return NULL;
    return t;
}

static double rmse(const TensorQuality *q) { return q->n ? sqrt(q->sum2_error / (double)q->n) : 0; }
static double relative(const TensorQuality *q) { return q->sum2 > 0 ? sqrt(q->sum2_error / q->sum2) : 0; }

static Status put_row(Buf *out, bool json, bool first, Str name, const char *from, const char *to,
                      int64_t bytes, const TensorQuality *q, Err *err)
{
    double each = q->n ? (double)bytes / (double)q->n : 0;
    if (!json)
        return buf_printf(out, err, "%-40.*s %-8s %-8s %8.4f %12.6g %10.3g %10.3g%s\n", STR_ARG(name), from,
                          to, each, rmse(q), relative(q), q->max_error, q->n_bad ? "  not finite!" : "");
    TRY(buf_printf(out, err, "%s{\"name\": ", first ? "" : ",\n"));
    TRY(json_string(out, name.ptr, name.len, err));
    return buf_printf(out, err, ", \"from\": \"%s\", \"to\": \"%s\", \"bytes_per_weight\": %.6g, \"rmse\": %.9g, "
                      "\"relative_rmse\": %.9g, \"max_error\": %.9g, \"not_finite\": %lld}", from, to, each,
                      rmse(q), relative(q), q->max_error, (long long)q->n_bad);
}

static Status put_tensors(Cli *c, const Gguf *a, const Gguf *b, Buf *out, Err *err)
{
    bool json = c->o.json, first = true;
    TensorQuality all = {0};
    int64_t bytes = 0, missing = 0;
    if (json) TRY(buf_printf(out, err, "{\"tensors\": [\n"));
    else TRY(buf_printf(out, err, "%-40s %-8s %-8s %8s %12s %10s %10s\n", "tensor", "from", "to", "bytes/w",
                        "RMSE", "relative", "max"));
    for (int64_t i = 0; i < a->n_tensors; i++) {
        const GgufTensor *t = &a->tensors[i], *u = same_tensor(b, t);
        TensorQuality q;
        missing += u == NULL;
        if (!u) continue;
        if (cli_stop) return fail(err, E_CANCELLED, "stopped on request");
        TRY(quality_tensor(&q, &t->view, &u->view, c->pool, err));
        TRY(put_row(out, json, first, t->name, dtype_name(t->view.type), dtype_name(u->view.type), u->bytes,
                    &q, err));
        first = false;
        all.n += q.n, all.sum2 += q.sum2, all.sum2_error += q.sum2_error, all.n_bad += q.n_bad;
        all.max_error = fmax(all.max_error, q.max_error);
        bytes += u->bytes;
    }
    if (all.n == 0)
        return fail(err, E_ARG, "the files have no tensor of one name and shape. HINT: compare two forms of "
                    "one model");
    if (missing && !c->o.quiet)
        fprintf(stderr, "warning: %lld tensors of the first file have no counterpart\n", (long long)missing);
    if (json) TRY(buf_printf(out, err, "],\n\"total\": "));
    return put_row(out, json, true, (Str){"total", 5}, "", "", bytes, &all, err);
}

/* ---------------------------------------------------------------- on a text */

static Status run_text(Cli *c, Model *b, const TokenList *ids, TextQuality *q, Err *err)
{
    GeneratorParams p;
    TRY(cli_generator_params(c, &p, err));
    p.n_ctx = c->o.n_ctx ? c->o.n_ctx : 512;
    if (p.n_ubatch > p.n_ctx || p.n_ubatch < 1) p.n_ubatch = p.n_ctx;
    int64_t other = generator_plan(b, &p, pool_threads(c->pool));
    TRY(cli_check_plan(c, &p, (other < 0 ? 0 : other) + p.n_ctx * c->model.hp.n_vocab * 4, err));
    Session sessions[2] = {{0}};
    KvCache caches[2] = {{0}};
    const Model *models[2] = {&c->model, b};
    Status s = OK;
    for (int i = 0; i < 2; i++) {
        if (s == OK) s = session_open(&sessions[i], models[i], c->pool, p.n_ubatch, p.n_ctx, err);
        if (s == OK) s = kvcache_open(&caches[i], models[i], p.type_k, p.type_v, p.n_ctx, 1, err);
    }
    if (s == OK)
        s = quality_text(q, (QualitySide){&sessions[0], &caches[0]},
                         (QualitySide){&sessions[1], &caches[1]}, ids, p.n_ctx, c->o.quiet, &cli_stop, err);
    for (int i = 0; i < 2; i++) {
        kvcache_close(&caches[i]);
        session_close(&sessions[i]);
    }
    return s;
}

static Status put_text(Cli *c, const TextQuality *q, Buf *out, Err *err)
{
    double n = (double)q->n_scored;
    if (c->o.json)
        return buf_printf(out, err, ",\n\"text\": {\"tokens\": %lld, \"mean_kl\": %.9g, \"max_kl\": %.9g, "
                          "\"same_top\": %.9g, \"ppl_a\": %.9g, \"ppl_b\": %.9g}", (long long)q->n_scored,
                          q->kl_sum / n, q->kl_max, (double)q->n_same_top / n, exp(q->nll_a / n),
                          exp(q->nll_b / n));
    return buf_printf(out, err, "\n%lld tokens scored\nmean KL divergence  %.6f (max %.6f)\nsame top token      "
                      "%.3f %%\nperplexity          %.4f -> %.4f\n", (long long)q->n_scored, q->kl_sum / n,
                      q->kl_max, 100 * (double)q->n_same_top / n, exp(q->nll_a / n), exp(q->nll_b / n));
}

static Status compare_on_text(Cli *c, const char *path_b, Buf *out, Err *err)
{
    Buf text = {0};
    TokenList ids = {0};
    Model b = {0};
    TextQuality q;
    Status s = cli_read_text(c->o.prompt_file, &text, (size_t)1 << 30, err);
    gguf_close(&c->model.gguf);
    if (s == OK) s = model_open(&c->model, c->o.positional[0], MAP_AUTO, err);
    if (s == OK) s = model_open(&b, path_b, MAP_AUTO, err);
    if (s == OK && !c->model.tokenizer)
        s = fail(err, E_UNSUPPORTED, "'%s' has no tokenizer. HINT: leave -f out", c->o.positional[0]);
    if (s == OK)
        s = tokenizer_encode(c->model.tokenizer, text.data ? text.data : "", text.len,
                             (EncodeOptions){.add_special = true}, &ids, err);
    if (s == OK) s = run_text(c, &b, &ids, &q, err);
    if (s == OK) s = put_text(c, &q, out, err);
    model_close(&b);
    tokens_close(&ids);
    buf_close(&text);
    return s;
}

Status cli_quality(Cli *c, Err *err)
{
    if (c->o.n_positional < 2)
        return fail(err, E_ARG, "two models are compared. HINT: sixfold inspect --quality A.gguf B.gguf [-f TEXT]");
    const char *a = c->o.positional[0], *b = c->o.positional[1];
    Gguf other = {0};
    ImportNotes notes;
    Buf out = {0};
    Status s = import_open(&c->model.gguf, a, MAP_AUTO, false, &notes, err);
    if (s != OK) fail_in(err, s, a);
    if (s == OK && (s = import_open(&other, b, MAP_AUTO, false, &notes, err)) != OK) fail_in(err, s, b);
    if (s != OK) return s == E_MEMORY ? s : E_FORMAT;
    cli_catch_interrupt();
    s = cli_open_pool(c, err);
    if (s == OK) s = put_tensors(c, &c->model.gguf, &other, &out, err);
    gguf_close(&other);
    if (s == OK && c->o.prompt_file) s = compare_on_text(c, b, &out, err);
    if (s == OK && c->o.json) s = buf_printf(&out, err, "}\n");
    if (s == OK) s = cli_write(out.data, out.len, err);
    buf_close(&out);
    return s;
}
