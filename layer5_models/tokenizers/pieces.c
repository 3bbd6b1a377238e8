/* pieces.c: pretokenize.c for those who have no vocabulary yet. */
#include "tokenizer_impl.h"

#include <string.h>

struct TokenizerCutter {
    Tokenizer tokenizer; /* only its patterns are there */
    PreWork work;
};

Status tokenizer_cutter_open(TokenizerCutter **out, const char *pre, Err *err)
{
    *out = NULL;
    TokenizerCutter *c = mem_alloc(sizeof *c);
    if (!c) return fail(err, E_MEMORY, "no memory to cut text into words");
    memset(c, 0, sizeof *c);
    Status status = tokenizer_pre_find(&c->tokenizer.pre, (Str){pre, strlen(pre)}, err);
    if (status == OK) status = tokenizer_patterns_open(&c->tokenizer, err);
    if (status != OK) {
        tokenizer_cutter_close(c);
        return status;
    }
    *out = c;
    return OK;
}

void tokenizer_cutter_close(TokenizerCutter *c)
{
    if (!c) return;
    tokenizer_prework_close(&c->work);
    tokenizer_patterns_close(&c->tokenizer);
    mem_free(c);
}

Status tokenizer_cut(TokenizerCutter *c, const char *text, size_t n, const uint32_t **ends,
                     int64_t *n_pieces, Err *err)
{
    CHECK(n > 0, "no text to cut");
    return tokenizer_pretokenize(&c->tokenizer, &c->work, text, n, ends, n_pieces, err);
}
