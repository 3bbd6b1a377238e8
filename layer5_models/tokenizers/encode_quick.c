/* encode_quick.c: the quick twin of encode.c: the same ids with fewer steps.
 *
 * Patterns cut a piece without looking at what is around it, and merges stay inside a word. So the ids of a
 * piece depend on nothing but its bytes and on how many patterns have been applied to it: its stage. The
 * plain twin applies the first pattern to the whole text, then the second to all pieces of it; here each
 * piece goes down all stages before the next one, and one that was met at this stage before goes no
 * further: its ids are copied.
 *
 *   stage 0: a text    stage i: a piece that i patterns have made    last stage: a word, which is merged
 *
 * Families that write a blank as U+2581 merge over a whole text or line. There one more stage cuts before
 * each U+2581 that no symbol reaches across; in most vocabularies it only ever begins a symbol. */
#include "tokenizer_impl.h"

#include "layer5_kernels.h"

#include <string.h>

//@ begin tokenize-safe-cut
/* Cuts before U+2581 wherever no symbol has the byte before it and it
 * together: no merge could join the two sides, in whichever order. */
static Status cut_spaces(const Tokenizer *t, const char *s, size_t n,
                         Buf *cuts, Err *err)
{
    for (size_t i = 1; i <= n; i++) {
        bool here = i == n || (n - i >= 3 && !memcmp(s + i, SPACE_SIGN, 3) &&
                               !t->glued[(unsigned char)s[i - 1]]);
        uint32_t end = (uint32_t)i;
        if (here) TRY(buf_append(cuts, &end, sizeof end, err));
    }
    return OK;
}
//@ end tokenize-safe-cut

/* The ids of a piece that `stage` patterns have made. One call deeper per stage. */
static Status encode_piece(Encoder *e, int stage, const char *s, size_t n, Err *err)
{
    /* 1. What was there before is copied. */
    const Tokenizer *t = e->t;
    CachedWord key, *slot = tokenizer_cache_slot(e, stage, s, n, &key);
    if (slot && tokenizer_cache_has(slot, &key)) return tokenizer_cache_copy(e->out, slot, err);

    /* 2. Down to the last stage, where words are merged. */
    int64_t before = e->out->n;
    int n_stages = t->n_codes + tokenizer_writes_space_signs(t);
    if (stage == n_stages) {
        TRY(tokenizer_encode_word(e, s, n, err));
    } else {
        Buf *cuts = &e->pre.cuts[stage];
        buf_clear(cuts);
        if (stage < t->n_codes)
            TRY(tokenizer_cut_piece(t, &e->pre, stage, true, s, 0, n, cuts, err));
        else
            TRY(cut_spaces(t, s, n, cuts, err));
        const uint32_t *ends = (const uint32_t *)(const void *)cuts->data;
        uint32_t begin = 0;
        for (size_t k = 0; k < cuts->len / sizeof *ends; begin = ends[k++])
            TRY(encode_piece(e, stage + 1, s + begin, ends[k] - begin, err));
    }

    /* 3. Remember it. */
    tokenizer_cache_keep(slot, &key, e->out, before);
    return OK;
}

Status tokenize_quick(Encoder *e, const char *text, size_t n, Err *err)
{
    const Tokenizer *t = e->t;
    if (t->kind == TOKENIZER_WPM) return tokenizer_wpm_quick(e, text, n, err);
    TRY(tokenizer_prepare(e, &text, &n, err));
    TRY(tokenizer_cache_open(e, n, err));
    if (t->n_codes == 0 || tokenizer_pre_takes(text, n)) return encode_piece(e, 0, text, n, err);

    /* Text that PCRE2 cannot take: all patterns over a copy, the rest as above. */
    const uint32_t *ends;
    int64_t n_pieces;
    TRY(tokenizer_pretokenize(t, &e->pre, text, n, &ends, &n_pieces, err));
    uint32_t begin = 0;
    for (int64_t k = 0; k < n_pieces; begin = ends[k++])
        TRY(encode_piece(e, t->n_codes, text + begin, ends[k] - begin, err));
    return OK;
}
