/* bpe_rules.c: byte-level BPE: a list of merges, the earlier the more urgent.
 *
 * The texts of a vocabulary must be printable, so each byte is written as one character: 0x21-0x7E,
 * 0xA1-0xAC and 0xAE-0xFF as themselves, the other 68 as U+0100, U+0101, ... A space is U+0120.
 * While merging, nothing of that is needed: a symbol is a number, and merges are a table
 *
 *   (left symbol, right symbol) -> rank, joined symbol
 *
 * Source: Radford et al. 2019, section 2.2 (bytes); Sennrich et al. 2016 (merges). */
#include "tokenizer_impl.h"

#include <stdio.h>
#include <string.h>

//@ begin bpe-byte-alphabet
static bool shows_itself(int b)
{
    return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
}

int tokenizer_byte_char(unsigned char byte, char out[4])
{
    if (shows_itself(byte)) return utf8_encode(byte, out);
    uint32_t hidden_below = 0;
    for (int b = 0; b < byte; b++) hidden_below += !shows_itself(b);
    return utf8_encode(0x100 + hidden_below, out);
}
//@ end bpe-byte-alphabet

static PairSlot *pair_slot(const Tokenizer *t, uint32_t left, uint32_t right)
{
    uint64_t h = tokenizer_mix(((uint64_t)left << 32 | right) ^ t->vocab.seed,
                               0x9E3779B97F4A7C15 ^ t->vocab.seed >> 1);
    for (;; h++) {
        PairSlot *p = &t->pairs[h & (uint64_t)(t->n_pairs - 1)];
        if (p->rank == BPE_NO_MERGE || (p->left == left && p->right == right)) return p;
    }
}

//@ begin bpe-pair
uint32_t tokenizer_bpe_pair(const BpeRules *r, const BpeSymbol *a,
                            const BpeSymbol *b, int32_t *id)
{
    const Tokenizer *t = r->ctx;
    if (a->id < 0 || b->id < 0) return BPE_NO_MERGE;
    const PairSlot *p = pair_slot(t, (uint32_t)a->id, (uint32_t)b->id);
    *id = p->result;
    return p->rank; /* BPE_NO_MERGE in a free slot */
}
//@ end bpe-pair

/* "left right", cut at the first space that is not the first byte. */
static Status add_merge(Tokenizer *t, Arena *a, Str merge, uint32_t rank, Buf *joined, Err *err)
{
    const char *space = merge.len > 1 ? memchr(merge.ptr + 1, ' ', merge.len - 1) : NULL;
    if (!space || space + 1 == merge.ptr + merge.len)
        return fail(err, E_FORMAT, "merge %u is '%.*s', which is not two texts with a space "
                    "between them HINT: convert the model again", rank, STR_ARG(merge));
    if (merge.len > MAX_TOKEN_BYTES)
        return fail(err, E_LIMIT, "merge %u has %zu bytes (limit %d) HINT: no real vocabulary has such "
                    "merges; download the file again", rank, merge.len, MAX_TOKEN_BYTES);
    Str left = {merge.ptr, (size_t)(space - merge.ptr)};
    Str right = {space + 1, merge.len - left.len - 1};
    buf_clear(joined);
    TRY(buf_append(joined, left.ptr, left.len, err));
    TRY(buf_append(joined, right.ptr, right.len, err));

    int32_t l, r, result;
    TRY(tokenizer_vocab_intern(&t->vocab, a, left, &l, err));
    TRY(tokenizer_vocab_intern(&t->vocab, a, right, &r, err));
    TRY(tokenizer_vocab_intern(&t->vocab, a, (Str){joined->data, joined->len}, &result, err));
    PairSlot *p = pair_slot(t, (uint32_t)l, (uint32_t)r);
    if (p->rank == BPE_NO_MERGE) *p = (PairSlot){(uint32_t)l, (uint32_t)r, rank, result};
    return OK;
}

static Status read_merges(Tokenizer *t, Arena *a, const Gguf *g, Buf *joined, Err *err)
{
    const GgufKv *kv;
    TRY(gguf_array(g, "tokenizer.ggml.merges", GGUF_STRING, -1, &kv, err));
    if (!kv && strcmp(t->pre->name, "kimi-k2") != 0)
        return fail(err, E_FORMAT, "'tokenizer.ggml.merges' is missing; model 'gpt2' needs them "
                    "HINT: convert the model again");
    int64_t n = kv ? kv->count : 0;
    if (n > 2 * MAX_VOCAB)
        return fail(err, E_LIMIT, "'tokenizer.ggml.merges' has %lld texts (limit %d) HINT: no real "
                    "vocabulary has so many; download the file again", (long long)n, 2 * MAX_VOCAB);
    t->n_pairs = 16;
    while (t->n_pairs < 2 * n) t->n_pairs *= 2;
    t->pairs = ARENA_NEW(a, PairSlot, t->n_pairs);
    if (!t->pairs) return fail(err, E_MEMORY, "no memory for %lld merges", (long long)n);
    memset(t->pairs, 0xFF, (size_t)t->n_pairs * sizeof *t->pairs);
    if (!kv) return OK;
    GgufStrings it = gguf_strings(kv);
    uint32_t rank = 0;
    for (Str s; gguf_next_string(&it, &s);) TRY(add_merge(t, a, s, rank++, joined, err));
    return OK;
}

Status tokenizer_bpe_open(Tokenizer *t, Arena *a, const Gguf *g, Err *err)
{
    Buf joined = {0};
    Status s = read_merges(t, a, g, &joined, err);
    buf_close(&joined);
    if (s != OK) return s;
    memset(t->bytes_of, 0xFF, sizeof t->bytes_of);
    for (int b = 0; b < 256; b++) {
        char c[8];
        int n = tokenizer_byte_char((unsigned char)b, c), used;
        t->bytes_of[utf8_decode(c, (size_t)n, &used)] = (int16_t)b;
        if (t->pre->flags & PRE_RAW) n = snprintf(c, sizeof c, "<0x%02X>", b);
        t->byte_symbols[b] = tokenizer_vocab_find(&t->vocab, c, (size_t)n);
        t->byte_ids[b] = t->byte_symbols[b] < t->vocab.n_tokens ? t->byte_symbols[b] : -1;
    }
    return OK;
}
