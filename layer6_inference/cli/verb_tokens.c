/* verb_tokens.c: text to ids (tokenize) and ids to text (detokenize). */
#include "layer6.h"

#include <unistd.h>

enum { MAX_TEXT = 1 << 30 };

static Status print_ids(const TokenList *ids, Err *err)
{
    Buf out = {0};
    Status s = OK;
    for (int64_t i = 0; s == OK && i < ids->n; i++)
        s = buf_printf(&out, err, "%s%d", i ? " " : "", ids->ids[i]);
    if (s == OK) s = buf_append(&out, "\n", 1, err);
    if (s == OK) s = cli_write(out.data, out.len, err);
    buf_close(&out);
    return s;
}

Status verb_tokenize(Cli *c, Err *err)
{
    Buf text = {0};
    TokenList ids = {0};
    EncodeOptions opt = {.add_special = !c->o.no_bos, .parse_special = c->o.parse_special};
    Status s = cli_open_vocabulary(c, err);
    if (s == OK) s = cli_read_text(NULL, &text, MAX_TEXT, err);
    if (s == OK)
        s = tokenizer_encode(c->model.tokenizer, text.data ? text.data : "", text.len, opt, &ids, err);
    if (s == OK) s = print_ids(&ids, err);
    tokens_close(&ids);
    buf_close(&text);
    return s;
}

Status verb_detokenize(Cli *c, Err *err)
{
    Buf text = {0}, ids_text = {0};
    TokenList ids = {0};
    Status s = cli_open_vocabulary(c, err);
    if (s == OK)
        s = c->o.n_positional ? buf_printf(&ids_text, err, "%s", c->o.positional[0])
                              : cli_read_text(NULL, &ids_text, MAX_TEXT, err);
    if (s == OK)
        s = cli_parse_ids(ids_text.data ? ids_text.data : "", tokenizer_n_vocab(c->model.tokenizer),
                          &ids, err);
    if (s == OK)
        s = tokenizer_decode(c->model.tokenizer, ids.ids, ids.n, c->o.special, false, &text, err);
    /* The exact bytes; a newline only where a person would miss it. */
    if (s == OK && isatty(STDOUT_FILENO)) s = buf_append(&text, "\n", 1, err);
    if (s == OK) s = cli_write(text.data, text.len, err);
    tokens_close(&ids);
    buf_close(&ids_text);
    buf_close(&text);
    return s;
}
