/* spm_rules.c: SentencePiece BPE: two neighbours may merge if their joined text is a token, and the
 * token with the highest score comes first.
 *
 *   priority(a, b) = order-reversing map of score(text of a + b) to an integer */
#include "tokenizer_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

//@ begin spm-pair
uint32_t tokenizer_spm_pair(const BpeRules *r, const BpeSymbol *a,
                            const BpeSymbol *b, int32_t *id)
{
    const Tokenizer *t = r->ctx;
    size_t n = (size_t)a->len + b->len;
    if (n > t->longest) return BPE_NO_MERGE;
    /* a and b are neighbours, so the joined text is already there. */
    *id = tokenizer_vocab_find(&t->vocab, r->text + a->start, n);
    return *id < 0 ? BPE_NO_MERGE : t->priority[*id];
}
//@ end spm-pair

/* Floats in the order of their bits: flip all bits of negative ones, the sign of the others. The
 * complement turns "highest score" into "smallest number". */
static uint32_t priority_of(float score)
{
    uint32_t bits;
    score += 0.0f; /* -0 becomes 0 */
    memcpy(&bits, &score, sizeof bits);
    return ~(bits & 0x80000000u ? ~bits : bits | 0x80000000u);
}

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

int tokenizer_byte_value(Str s)
{
    if (s.len == 1) return (unsigned char)s.ptr[0];
    if (s.len != 6 || memcmp(s.ptr, "<0x", 3) != 0 || s.ptr[5] != '>') return -1;
    int hi = hex(s.ptr[3]), lo = hex(s.ptr[4]);
    return hi < 0 || lo < 0 ? -1 : hi * 16 + lo;
}

Status tokenizer_spm_open(Tokenizer *t, Arena *a, const Gguf *g, Err *err)
{
    int32_t n = t->vocab.n_tokens;
    const GgufKv *scores;
    TRY(gguf_array(g, "tokenizer.ggml.scores", GGUF_F32, n, &scores, err));
    if (!scores)
        return fail(err, E_FORMAT, "'tokenizer.ggml.scores' is missing; model 'llama' needs one "
                    "score for each of its %d tokens HINT: convert the model again", n);
    t->priority = ARENA_NEW(a, uint32_t, n);
    if (!t->priority) return fail(err, E_MEMORY, "no memory for %d scores", n);
    for (int32_t i = 0; i < n; i++) {
        float score = gguf_array_f32(scores, i);
        if (isnan(score)) 
            return fail(err, E_FORMAT, "the score of token %d is not a number "
                        "HINT: the file is damaged; download it again", i);
        t->priority[i] = priority_of(score);
        size_t len = t->vocab.texts[i].len;
        t->longest = len > t->longest ? len : t->longest;
    }
    for (int b = 0; b < 256; b++) {
        char name[8] = {(char)b};
        t->byte_ids[b] = tokenizer_vocab_find(&t->vocab, name, 1);
        snprintf(name, sizeof name, "<0x%02X>", b);
        int32_t id = tokenizer_vocab_find(&t->vocab, name, 6);
        if (id >= 0) t->byte_ids[b] = id;
    }
    return OK;
}
