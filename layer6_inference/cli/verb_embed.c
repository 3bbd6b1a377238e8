/* verb_embed.c: texts to vectors: one text per line, one vector per text (or per token). */
#include "json_text.h"
#include "layer6.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_TEXT = 1 << 30 };

typedef struct {
    TokenList ids;    /* of all texts, one after the other */
    int64_t *begin;   /* [n + 1] where each begins */
    int64_t n, longest;
    Arena arena;
} Texts;

typedef struct {
    Embedder e;
    float *rows;      /* [n_rows, width] of all texts */
    int64_t *of_text; /* [n_rows] */
    int64_t n_rows, width;
    Arena arena;
} Vectors;

/* ---------------------------------------------------------------- texts */

static Status add_text(Cli *c, Texts *t, const char *text, size_t n, Err *err)
{
    EncodeOptions opt = {.add_special = !c->o.no_bos, .parse_special = c->o.parse_special};
    TRY(tokenizer_encode(c->model.tokenizer, text, n, opt, &t->ids, err));
    int64_t n_tokens = t->ids.n - t->begin[t->n];
    if (!n_tokens)
        return fail(err, E_ARG, "text %lld has no tokens. HINT: leave empty texts out", (long long)t->n + 1);
    if (n_tokens > t->longest) t->longest = n_tokens;
    t->begin[++t->n] = t->ids.n;
    return OK;
}

/* Cuts text[0 .. len) at each separator; what follows a last one is no text if it is empty. */
static Status add_texts(Cli *c, Texts *t, const char *text, size_t len, Err *err)
{
    const char *sep = c->o.embd_separator;
    size_t n_sep = strlen(sep), from = 0, most = 2;
    for (size_t i = 0; n_sep && i + n_sep <= len; i++) most += memcmp(text + i, sep, n_sep) == 0;
    t->begin = ARENA_NEW(&t->arena, int64_t, most + 1);
    if (!t->begin) return fail(err, E_MEMORY, "no memory for %zu texts", most);
    for (size_t i = 0; n_sep && i + n_sep <= len;) {
        if (memcmp(text + i, sep, n_sep) != 0) {
            i++;
            continue;
        }
        TRY(add_text(c, t, text + from, i - from, err));
        from = i += n_sep;
    }
    return from < len || t->n == 0 ? add_text(c, t, text + from, len - from, err) : OK;
}

static Status read_texts(Cli *c, Texts *t, Err *err)
{
    if (c->o.tokens) {
        TRY(cli_parse_ids(c->o.tokens, c->model.hp.n_vocab, &t->ids, err));
        t->begin = ARENA_NEW(&t->arena, int64_t, 2);
        if (!t->begin) return fail(err, E_MEMORY, "no memory for a text");
        if (!t->ids.n) return fail(err, E_ARG, "--tokens '%s' holds no id. HINT: --tokens 1,2,3", c->o.tokens);
        t->n = 1;
        t->begin[1] = t->longest = t->ids.n;
        return OK;
    }
    if (!c->model.tokenizer) return fail(err, E_UNSUPPORTED, "%s", c->model.no_tokenizer.text);
    if (c->o.prompt) return add_texts(c, t, c->o.prompt, strlen(c->o.prompt), err);
    if (!c->o.prompt_file && isatty(STDIN_FILENO))
        return fail(err, E_ARG, "there is no text. HINT: -p TEXT, -f FILE, --tokens 1,2,3 or a pipe");
    Buf text = {0};
    Status s = cli_read_text(c->o.prompt_file, &text, MAX_TEXT, err);
    if (s == OK) s = add_texts(c, t, text.data ? text.data : "", text.len, err);
    buf_close(&text);
    return s;
}

/* ---------------------------------------------------------------- vectors */

static Status open_vectors(Cli *c, const Texts *t, Vectors *v, Err *err)
{
    GeneratorParams p;
    Pooling pooling = POOLING_AUTO;
    const Hparams *h = &c->model.hp;
    if (c->o.pooling && !embedding_pooling(c->o.pooling, &pooling))
        return fail(err, E_ARG, "--pooling is '%.40s', expected is none, mean, cls, last or rank. HINT: without it "
                    "the file decides", c->o.pooling);
    TRY(cli_generator_params(c, &p, err));
    /* No more memory than the longest text needs. */
    if (!c->o.n_ctx) p.n_ctx = t->longest;
    if (t->longest > p.n_ctx)
        return fail(err, E_LIMIT, "a text of %lld tokens does not fit into a context of %lld. HINT: -c %lld",
                    (long long)t->longest, (long long)p.n_ctx, (long long)t->longest);
    if (c->model.weights.position_embd.data && t->longest > h->n_ctx_train)
        return fail(err, E_LIMIT, "a text has %lld tokens, this model has positions for %lld. HINT: cut the text",
                    (long long)t->longest, (long long)h->n_ctx_train);
    cli_note_context(c, t->longest);
    p.n_ubatch = c->o.n_ubatch < c->o.n_batch ? c->o.n_ubatch : c->o.n_batch;
    TRY(cli_check_room(embedder_plan(&c->model, p.n_ctx, p.n_ubatch, p.type_k, p.type_v,
                                     pool_threads(c->pool)), p.n_ctx, err));
    TRY(embedder_open(&v->e, &c->model, c->pool, pooling, p.n_ctx, p.n_ubatch, p.type_k, p.type_v, err));
    TRY(cli_adapt(c, &v->e.session, err));
    v->width = embedder_width(&v->e);
    for (int64_t i = 0; i < t->n; i++) v->n_rows += embedder_rows(&v->e, t->begin[i + 1] - t->begin[i]);
    int64_t floats;
    bool fits = !__builtin_mul_overflow(v->n_rows, v->width, &floats);
    v->rows = fits ? ARENA_NEW(&v->arena, float, floats) : NULL;
    v->of_text = ARENA_NEW(&v->arena, int64_t, v->n_rows);
    return v->rows && v->of_text ? OK
           : fail(err, E_MEMORY, "no memory for %lld vectors of %lld numbers", (long long)v->n_rows,
                  (long long)v->width);
}

static Status compute(Cli *c, const Texts *t, Vectors *v, Err *err)
{
    Progress bar;
    int64_t row = 0;
    Status s = OK;
    progress_start(&bar, "embed", t->n, "texts", 1, c->o.quiet || t->n == 1);
    for (int64_t i = 0; s == OK && i < t->n; i++) {
        int64_t n = t->begin[i + 1] - t->begin[i], rows = embedder_rows(&v->e, n);
        float *out = v->rows + row * v->width;
        s = embedder_run(&v->e, t->ids.ids + t->begin[i], n, out, &cli_stop, err);
        for (int64_t r = 0; s == OK && r < rows; r++) {
            v->of_text[row + r] = i;
            if (v->e.pooling != POOLING_RANK)
                embedding_normalise(out + r * v->width, v->width, c->o.embd_normalize);
        }
        row += rows;
        progress_update(&bar, i + 1);
    }
    progress_end(&bar);
    return s;
}

/* ---------------------------------------------------------------- output */

static Status put_array(Buf *out, const float *x, int64_t n, Err *err)
{
    for (int64_t i = 0; i < n; i++) {
        TRY(buf_printf(out, err, i ? "," : "["));
        TRY(json_number(out, (double)x[i], err));
    }
    return buf_printf(out, err, "]");
}

/* One vector per line, numbers apart by blanks. */
static Status put_plain(Buf *out, const Vectors *v, Err *err)
{
    for (int64_t r = 0; r < v->n_rows; r++)
        for (int64_t i = 0; i < v->width; i++)
            TRY(buf_printf(out, err, "%s%.9g%s", i ? " " : "", (double)v->rows[r * v->width + i],
                           i == v->width - 1 ? "\n" : ""));
    return OK;
}

static Status put_json(Buf *out, const Vectors *v, bool similarity, Err *err)
{
    TRY(buf_printf(out, err, "{\n  \"object\": \"list\",\n  \"data\": [\n"));
    for (int64_t r = 0; r < v->n_rows; r++) {
        TRY(buf_printf(out, err, "    {\"object\": \"embedding\", \"index\": %lld, \"text\": %lld, "
                       "\"embedding\": ", (long long)r, (long long)v->of_text[r]));
        TRY(put_array(out, v->rows + r * v->width, v->width, err));
        TRY(buf_printf(out, err, "}%s\n", r + 1 < v->n_rows ? "," : ""));
    }
    TRY(buf_printf(out, err, "  ]"));
    if (similarity) TRY(buf_printf(out, err, ",\n  \"cosineSimilarity\": [\n"));
    for (int64_t r = 0; similarity && r < v->n_rows; r++) {
        for (int64_t k = 0; k < v->n_rows; k++) {
            TRY(buf_printf(out, err, k ? "," : "    ["));
            TRY(json_number(out, embedding_cosine(v->rows + r * v->width, v->rows + k * v->width, v->width),
                            err));
        }
        TRY(buf_printf(out, err, "]%s", r + 1 < v->n_rows ? ",\n" : "\n  ]"));
    }
    return buf_printf(out, err, "\n}\n");
}

static Status put_text(Buf *out, const Vectors *v, const char *format, Err *err)
{
    if (!format) return put_plain(out, v, err);
    if (strcmp(format, "array") != 0) return put_json(out, v, strcmp(format, "json+") == 0, err);
    TRY(buf_printf(out, err, "["));
    for (int64_t r = 0; r < v->n_rows; r++) {
        if (r) TRY(buf_printf(out, err, ","));
        TRY(put_array(out, v->rows + r * v->width, v->width, err));
    }
    return buf_printf(out, err, "]\n");
}

static Status write_raw(Cli *c, const Vectors *v, Err *err)
{
    FILE *f;
    size_t n = (size_t)(v->n_rows * v->width);
    TRY(cli_create(c, c->o.output, &f, err));
    bool whole = fwrite(v->rows, sizeof(float), n, f) == n;
    if (fclose(f) == 0 && whole) return OK;
    return fail(err, E_IO, "cannot write vectors: %s. HINT: is the disk full?", strerror(errno));
}

Status verb_embed(Cli *c, Err *err)
{
    const char *format = c->o.embd_format;
    Texts t = {0};
    Vectors v = {0};
    Buf out = {0};
    if (format && strcmp(format, "array") != 0 && strcmp(format, "json") != 0 && strcmp(format, "json+") != 0)
        return fail(err, E_ARG, "--embd-output-format is '%.40s', expected is array, json or json+. HINT: without "
                    "it each vector is a line of numbers", format);
    if (c->o.normalize) c->o.embd_normalize = 2;
    Status s = cli_open_model(c, err);
    if (s == OK) s = cli_open_pool(c, err);
    if (s == OK) s = read_texts(c, &t, err);
    cli_catch_interrupt();
    if (s == OK) s = open_vectors(c, &t, &v, err);
    if (s == OK) s = compute(c, &t, &v, err);
    if (s == OK && !c->o.quiet)
        fprintf(stderr, "%lld %s of %lld numbers, pooling %s\n", (long long)v.n_rows,
                v.n_rows == 1 ? "vector" : "vectors", (long long)v.width, embedding_pooling_name(v.e.pooling));
    if (s == OK && c->o.output) s = write_raw(c, &v, err);
    if (s == OK && (!c->o.output || format)) s = put_text(&out, &v, format, err);
    if (s == OK && out.len) s = cli_write(out.data, out.len, err);
    buf_close(&out);
    embedder_close(&v.e);
    arena_close(&v.arena);
    tokens_close(&t.ids);
    arena_close(&t.arena);
    return s;
}
