/* verb_run.c: completes a text: prompt in, tokens out as they come, timings at the end. */
#include "layer6.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_PROMPT_BYTES = 256 << 20 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* \n \t \r \\ \" \' and \xHH become characters, in place; anything else stays as it is. */
static void unescape(Buf *text)
{
    size_t out = 0;
    for (size_t i = 0; i < text->len; i++) {
        char c = text->data[i], next = i + 1 < text->len ? text->data[i + 1] : 0;
        const char *from = "ntr\\\"'", *to = "\n\t\r\\\"'", *found = next ? strchr(from, next) : NULL;
        int hi = i + 3 < text->len ? hex_digit(text->data[i + 2]) : -1;
        int lo = i + 3 < text->len ? hex_digit(text->data[i + 3]) : -1;
        if (c == '\\' && found) {
            c = to[found - from];
            i++;
        } else if (c == '\\' && next == 'x' && hi >= 0 && lo >= 0) {
            c = (char)(hi * 16 + lo);
            i += 3;
        }
        text->data[out++] = c;
    }
    text->len = out;
    if (text->data) text->data[out] = 0;
}

/* -p, then -f, then stdin if it is a pipe or a file. */
static Status read_prompt(const Options *o, Buf *text, Err *err)
{
    struct stat st;
    if (o->prompt) TRY(buf_append(text, o->prompt, strlen(o->prompt), err));
    else if (o->prompt_file) TRY(cli_read_text(o->prompt_file, text, MAX_PROMPT_BYTES, err));
    else if (fstat(STDIN_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISREG(st.st_mode)))
        TRY(cli_read_text(NULL, text, MAX_PROMPT_BYTES, err));
    if (o->escape) unescape(text);
    size_t valid = text->len ? utf8_valid_prefix(text->data, text->len) : 0;
    if (valid < text->len)
        return fail(err, E_ARG, "the prompt is not UTF-8: byte 0x%02X at offset %zu. HINT: convert it, "
                    "e.g. iconv -f latin1 -t utf8", (unsigned char)text->data[valid], valid);
    return OK;
}

static Status encode_prompt(Cli *c, const Buf *text, TokenList *ids, Err *err)
{
    const Tokenizer *t = c->model.tokenizer;
    if (!t)
        return fail(err, E_UNSUPPORTED, "this file has no tokenizer. HINT: `sixfold logits --tokens` "
                    "works with ids");
    TRY(tokenizer_encode(t, text->data ? text->data : "", text->len,
                         (EncodeOptions){.add_special = true, .parse_special = true}, ids, err));
    /* Something must be computed first: an empty prompt is bos alone, even where the model adds none
     * by itself. */
    if (ids->n == 0 && tokenizer_bos(t) >= 0) TRY(tokens_push(ids, tokenizer_bos(t), err));
    if (ids->n == 0)
        return fail(err, E_ARG, "the prompt is empty and this model has no bos token. HINT: -p TEXT");
    return OK;
}

static void print_timings(const Cli *c, const GeneratorStats *s)
{
    double prompt = (double)s->prompt_ns * 1e-6, eval = (double)s->eval_ns * 1e-6;
    double n_prompt = (double)s->n_prompt, n_eval = (double)s->n_eval;
    fprintf(stderr, "\n        load time = %10.2f ms\n", (double)c->model.load_ns * 1e-6);
    fprintf(stderr, " prompt eval time = %10.2f ms / %5lld tokens (%8.2f ms per token, %9.2f tokens per "
            "second)\n", prompt, (long long)s->n_prompt, n_prompt ? prompt / n_prompt : 0,
            prompt > 0 ? n_prompt / prompt * 1e3 : 0);
    fprintf(stderr, " first token time = %10.2f ms\n", (double)s->first_ns * 1e-6);
    fprintf(stderr, "        eval time = %10.2f ms / %5lld runs   (%8.2f ms per token, %9.2f tokens per "
            "second)\n", eval, (long long)s->n_eval, n_eval ? eval / n_eval : 0,
            eval > 0 ? n_eval / eval * 1e3 : 0);
    fprintf(stderr, "       total time = %10.2f ms / %5lld tokens\n",
            (double)(clock_ns() - c->start_ns) * 1e-6, (long long)(s->n_prompt + s->n_eval));
}

static Status to_stdout(void *ctx, const char *text, size_t n, Err *err)
{
    (void)ctx;
    return cli_write(text, n, err);
}

/* Tokens to stdout until -n, the end of the text, a full context or Ctrl-C; then one newline, always. */
static Status stream_answer(Cli *c, Generator *g, const AnswerParams *p, Err *err)
{
    Err late;
    AnswerEnd end = ANSWER_ENDED;
    Status s = answer_stream(g, p, to_stdout, NULL, &end, err);
    if (s == OK && end == ANSWER_FULL && !c->o.quiet)
        fprintf(stderr, "\nthe context of %lld tokens is full\n", (long long)g->params.n_ctx);
    Status last = cli_write("\n", 1, &late);
    return s == OK && last != OK ? fail(err, last, "%s", late.text) : s;
}

static Status complete(Cli *c, Generator *g, const Buf *text, const TokenList *ids, Err *err)
{
    if (!c->o.no_display_prompt && text->len) TRY(cli_write(text->data, text->len, err));
    Status s = generator_prompt(g, ids->ids, ids->n, err);
    if (s != OK) {
        Err ignored;
        cli_write("\n", 1, &ignored);
        return s;
    }
    const Tokenizer *t = c->model.tokenizer;
    AnswerParams p = {.n_predict = c->o.n_predict, .stops = c->o.stops.items, .n_stops = c->o.stops.n,
                      .special = c->o.special,
                      .drop_space = text->len == 0 && tokenizer_adds_space_prefix(t)};
    s = stream_answer(c, g, &p, err);
    if (!c->o.quiet) print_timings(c, &g->stats);
    return s;
}

Status verb_run(Cli *c, Err *err)
{
    Buf text = {0};
    TokenList ids = {0};
    Generator g = {0};
    GeneratorParams p;
    Status s = read_prompt(&c->o, &text, err);
    if (s == OK) s = cli_open_model(c, err);
    if (s == OK) s = cli_open_pool(c, err);
    if (s == OK) s = cli_generator_params(c, &p, err);
    if (s == OK) s = encode_prompt(c, &text, &ids, err);
    if (s == OK) s = cli_check_plan(c, &p, 0, err);
    if (s == OK) cli_note_context(c, p.n_ctx);
    if (s == OK && !text.len && !c->o.model && !c->o.quiet)
        fprintf(stderr, "the prompt is empty, so the embedded model begins by itself. HINT: -p \"Once upon "
                "a time\"\n");
    if (s == OK) {
        cli_catch_interrupt();
        s = generator_open(&g, &c->model, c->pool, &p, &cli_stop, err);
    }
    if (s == OK) s = cli_adapt(c, &g.session, err);
    if (s == OK && ids.n > p.n_ctx)
        s = fail(err, E_LIMIT, "the prompt has %lld tokens, the context holds %lld. HINT: -c %lld",
                 (long long)ids.n, (long long)p.n_ctx, (long long)ids.n + 1);
    if (s == OK) s = complete(c, &g, &text, &ids, err);
    generator_close(&g);
    tokens_close(&ids);
    buf_close(&text);
    return s;
}
