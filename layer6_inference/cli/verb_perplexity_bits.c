/* verb_perplexity_bits.c: perplexity --bits: documents of a JSON lines file, bits of model and source. */
#include "json_lines.h"
#include "layer6.h"

#include <math.h>
#include <string.h>

typedef struct {
    const Tokenizer *tokenizer;
    const char *name;
    TokenList ids;
    PerplexityDocument *docs; /* [cap] */
    int64_t n, cap;
    int64_t n_bytes, longest; /* bytes of all texts; tokens of the longest, and its line */
    int64_t longest_line;
    bool has_source;
    double source;            /* sum of the lines' bits */
} Documents;

static Status push(Documents *d, PerplexityDocument one, Err *err)
{
    if (d->n == d->cap) {
        int64_t cap = d->cap ? 2 * d->cap : 256;
        void *p = mem_resize(d->docs, (size_t)cap * sizeof *d->docs);
        if (!p) return fail(err, E_MEMORY, "no memory for %lld documents. HINT: a shorter file", (long long)cap);
        d->docs = p, d->cap = cap;
    }
    d->docs[d->n++] = one;
    return OK;
}

/* The source speaks of every document or of none: means of different sets would not compare. */
static Status add_source(Documents *d, const JsonLine *l, Err *err)
{
    bool has = !isnan(l->bits);
    if (d->n == 0) d->has_source = has;
    if (has != d->has_source)
        return fail(err, E_FORMAT, "line %lld of '%.300s' has %s, the lines before it have %s. HINT: all "
                    "lines or none", (long long)l->line, d->name, has ? "\"bits\"" : "no \"bits\"",
                    has ? "none" : "some");
    if (has) d->source += l->bits;
    return OK;
}

/* bos, the text, eos: what the trainer makes of a document. White space at both ends is layout. */
static Status on_line(void *ctx, const JsonLine *l, Err *err)
{
    Documents *d = ctx;
    const char *p = l->text, *end = l->text + l->n;
    while (p < end && strchr(" \t\r\n", *p)) p++;
    while (p < end && strchr(" \t\r\n", end[-1])) end--;
    if (p == end)
        return fail(err, E_FORMAT, "line %lld of '%.300s' has a text without letters. HINT: leave it out",
                    (long long)l->line, d->name);
    TRY(add_source(d, l, err));
    PerplexityDocument one = {.first = d->ids.n};
    TRY(tokens_push(&d->ids, tokenizer_bos(d->tokenizer), err));
    TRY(tokenizer_encode(d->tokenizer, p, (size_t)(end - p), (EncodeOptions){.parse_special = true},
                         &d->ids, err));
    TRY(tokens_push(&d->ids, tokenizer_eos(d->tokenizer), err));
    one.n = d->ids.n - one.first;
    d->n_bytes += end - p;
    if (one.n > d->longest) d->longest = one.n, d->longest_line = l->line;
    return push(d, one, err);
}

static void on_tokens(void *ctx, int64_t done) { progress_update(ctx, done); }

/* Rows of logits in at most 64 MiB, and as many sequences as fill them. */
static int64_t rows_of(const Cli *c)
{
    int64_t most = ((int64_t)64 << 20) / (c->model.hp.n_vocab * (int64_t)sizeof(float));
    if (most < 1) most = 1;
    return c->o.n_batch < most ? c->o.n_batch : most;
}

static Status measure(Cli *c, Documents *d, Err *err)
{
    GeneratorParams p;
    TRY(cli_generator_params(c, &p, err));
    p.n_ctx = c->o.n_ctx ? c->o.n_ctx : d->longest - 1; /* the eos is not fed */
    if (d->longest - 1 > p.n_ctx)
        return fail(err, E_LIMIT, "the document on line %lld of '%.300s' has %lld tokens, the context holds "
                    "%lld. HINT: -c %lld", (long long)d->longest_line, d->name, (long long)d->longest - 1,
                    (long long)p.n_ctx, (long long)d->longest - 1);
    int64_t rows = rows_of(c), n_seq = rows / p.n_ctx + 1;
    if (n_seq > 64) n_seq = 64;
    p.n_ubatch = c->o.n_ubatch < rows ? c->o.n_ubatch : rows;
    int64_t one = kvcache_plan(&c->model, p.type_k, p.type_v, p.n_ctx, 1), extra = 0;
    if (one < 0 || __builtin_mul_overflow(one, n_seq - 1, &extra)) extra = INT64_MAX / 2;
    TRY(cli_check_plan(c, &p, extra + rows * c->model.hp.n_vocab * (int64_t)sizeof(float), err));
    Session session = {0};
    KvCache kv = {0};
    Progress bar;
    progress_start(&bar, "perplexity", d->ids.n - d->n, "tok", 1, c->o.quiet);
    Status s = session_open(&session, &c->model, c->pool, p.n_ubatch, p.n_ctx, err);
    if (s == OK) s = cli_adapt(c, &session, err);
    if (s == OK) s = kvcache_open(&kv, &c->model, p.type_k, p.type_v, p.n_ctx, (int)n_seq, err);
    if (s == OK)
        s = perplexity_documents(d->docs, d->n, d->ids.ids, &session, &kv, rows, on_tokens, &bar, &cli_stop,
                                 err);
    progress_end(&bar);
    kvcache_close(&kv);
    session_close(&session);
    return s;
}

static Status print(const Documents *d, Err *err)
{
    Buf out = {0};
    double bits = 0, n = (double)d->n, tokens = (double)(d->ids.n - d->n);
    for (int64_t i = 0; i < d->n; i++) bits += d->docs[i].bits;
    Status s = buf_printf(&out, err, "%lld documents, %.0f tokens, %lld bytes\nmodel %.2f bits per document",
                          (long long)d->n, tokens, (long long)d->n_bytes, bits / n);
    if (s == OK && d->has_source) {
        double more = 100 * (bits / d->source - 1);
        s = buf_printf(&out, err, ", the source %.2f: %.2f %% %s its entropy", d->source / n, fabs(more),
                       more < 0 ? "below" : "above");
    }
    if (s == OK)
        s = buf_printf(&out, err, "\n%.4f bits per byte, %.4f per token: PPL = %.4f\n",
                       bits / (double)d->n_bytes, bits / tokens, exp2(bits / tokens));
    if (s == OK) s = cli_write(out.data, out.len, err);
    buf_close(&out);
    return s;
}

Status cli_perplexity_bits(Cli *c, const Buf *text, Err *err)
{
    Documents d = {.tokenizer = c->model.tokenizer, .name = c->o.prompt_file};
    if (tokenizer_bos(d.tokenizer) < 0 || tokenizer_eos(d.tokenizer) < 0)
        return fail(err, E_UNSUPPORTED, "this model has no token for the begin or end of a text. HINT: without "
                    "--bits the text is cut into windows");
    Status s = json_lines_each(d.name, text->data ? text->data : "", text->len, on_line, &d, err);
    if (s == OK && d.n == 0)
        s = fail(err, E_FORMAT, "'%.300s' has no documents. HINT: sixfold-train --tell 100 writes some",
                 d.name);
    if (s == E_FORMAT) s = E_ARG; /* the text's fault, not the model file's */
    if (s == OK) s = measure(c, &d, err);
    if (s == OK) s = print(&d, err);
    tokens_close(&d.ids);
    mem_free(d.docs);
    return s;
}
