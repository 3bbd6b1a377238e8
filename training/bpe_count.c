/* bpe_count.c: words once, pairs counted, and counts kept right while pairs are joined.
 *
 * A text of twenty million bytes has some ten thousand different words, so everything after the first
 * pass over the text works on a thousandth of it. Joining a pair (a, b) in "x a b y" takes one from
 * (x, a), (a, b), (b, y) and gives one to (x, ab), (ab, y), each times the occurrences of the word. */
#include "bpe_count.h"
#include "pieces.h"

#include <string.h>

/* ---------------------------------------------------------------- tables */

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0xD6E8FEB86659FD93u;
    return h ^ h >> 32;
}

static uint64_t hash_bytes(const char *s, size_t n)
{
    uint64_t h = n;
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)s[i]) * 0x100000001B3u;
    return mix(h);
}

static uint64_t hash_pair(int32_t left, int32_t right)
{
    return mix(((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u);
}

int64_t bpe_count_words(const BpeCount *c) { return (int64_t)(c->words.len / sizeof(BpeWord)); }
int64_t bpe_count_n_pairs(const BpeCount *c) { return (int64_t)(c->pairs.len / sizeof(BpePair)); }
BpeWord *bpe_count_word(const BpeCount *c, int64_t i)
{
    return (BpeWord *)(void *)c->words.data + i;
}
BpePair *bpe_count_pair(const BpeCount *c, int64_t i)
{
    return (BpePair *)(void *)c->pairs.data + i;
}
static int32_t *symbols_of(const BpeCount *c, const BpeWord *w)
{
    return (int32_t *)(void *)c->symbols.data + w->start;
}
const int32_t *bpe_count_symbols(const BpeCount *c, const BpeWord *w) { return symbols_of(c, w); }

static Status new_slots(int32_t **slots, int64_t *n_slots, Err *err)
{
    int64_t n = *n_slots ? 2 * *n_slots : 1 << 14;
    mem_free(*slots);
    *slots = mem_alloc((size_t)n * sizeof **slots);
    *n_slots = *slots ? n : 0;
    if (!*slots) return fail(err, E_MEMORY, "no memory for a table of %lld words", (long long)n);
    memset(*slots, 0xFF, (size_t)n * sizeof **slots);
    return OK;
}

static bool same_word(const BpeCount *c, const BpeWord *w, const char *text, size_t n)
{
    if (w->n != n) return false;
    const int32_t *s = symbols_of(c, w);
    for (size_t i = 0; i < n; i++)
        if (s[i] != (unsigned char)text[i]) return false;
    return true;
}

static uint64_t word_hash(const BpeCount *c, const BpeWord *w)
{
    uint64_t h = w->n;
    const int32_t *s = symbols_of(c, w);
    for (uint32_t i = 0; i < w->n; i++) h = (h ^ (uint64_t)s[i]) * 0x100000001B3u;
    return mix(h);
}

static Status grow_words(BpeCount *c, Err *err)
{
    if (2 * (bpe_count_words(c) + 1) <= c->n_word_slots) return OK;
    TRY(new_slots(&c->word_slots, &c->n_word_slots, err));
    for (int64_t i = 0; i < bpe_count_words(c); i++) {
        uint64_t at = word_hash(c, bpe_count_word(c, i));
        while (c->word_slots[at & (uint64_t)(c->n_word_slots - 1)] >= 0) at++;
        c->word_slots[at & (uint64_t)(c->n_word_slots - 1)] = (int32_t)i;
    }
    return OK;
}

/* One more occurrence of a piece of text; while counting, a symbol is a byte. */
static Status add_piece(BpeCount *c, const char *text, size_t n, Err *err)
{
    TRY(grow_words(c, err));
    uint64_t at = hash_bytes(text, n), mask = (uint64_t)(c->n_word_slots - 1);
    for (; c->word_slots[at & mask] >= 0; at++) {
        BpeWord *w = bpe_count_word(c, c->word_slots[at & mask]);
        if (!same_word(c, w, text, n)) continue;
        w->count++;
        return OK;
    }
    size_t start = c->symbols.len / sizeof(int32_t);
    if (start + n > UINT32_MAX || bpe_count_words(c) == INT32_MAX)
        return fail(err, E_LIMIT, "the text has more than 2^32 letters in different words HINT: train "
                    "the tokenizer on a part of it");
    BpeWord w = {1, (uint32_t)start, (uint32_t)n};
    c->word_slots[at & mask] = (int32_t)bpe_count_words(c);
    TRY(buf_append(&c->words, &w, sizeof w, err));
    for (size_t i = 0; i < n; i++) {
        int32_t symbol = (unsigned char)text[i];
        TRY(buf_append(&c->symbols, &symbol, sizeof symbol, err));
    }
    return OK;
}

/* ---------------------------------------------------------------- words */

/* Length of the special text that begins at s, or 0. The longest wins, as in encoding. */
static size_t special_at(const char *s, size_t n, const char *const *specials, int n_specials)
{
    size_t longest = 0;
    for (int i = 0; i < n_specials; i++) {
        size_t len = strlen(specials[i]);
        if (len > longest && len <= n && memcmp(s, specials[i], len) == 0) longest = len;
    }
    return longest;
}

static Status add_fragment(BpeCount *c, TokenizerCutter *cutter, const char *text, size_t n, Err *err)
{
    const uint32_t *ends;
    int64_t n_pieces;
    if (n == 0) return OK;
    TRY(tokenizer_cut(cutter, text, n, &ends, &n_pieces, err));
    for (int64_t i = 0; i < n_pieces; i++) {
        uint32_t begin = i ? ends[i - 1] : 0;
        TRY(add_piece(c, text + begin, ends[i] - begin, err));
    }
    return OK;
}

static Status count_fragments(BpeCount *c, TokenizerCutter *cutter, const char *text, size_t n,
                              const char *const *specials, int n_specials, Err *err)
{
    bool begins[256] = {false};
    for (int i = 0; i < n_specials; i++) begins[(unsigned char)specials[i][0]] = true;
    size_t from = 0, len = 0;
    for (size_t i = 0; i < n; i += len ? len : 1) {
        len = begins[(unsigned char)text[i]] ? special_at(text + i, n - i, specials, n_specials) : 0;
        if (len == 0) continue;
        TRY(add_fragment(c, cutter, text + from, i - from, err));
        from = i + len;
    }
    return add_fragment(c, cutter, text + from, n - from, err);
}

Status bpe_count_text(BpeCount *c, const char *text, size_t n, const char *const *specials,
                      int n_specials, Err *err)
{
    TokenizerCutter *cutter;
    TRY(tokenizer_cutter_open(&cutter, "gpt-2", err));
    Status status = count_fragments(c, cutter, text, n, specials, n_specials, err);
    tokenizer_cutter_close(cutter);
    return status;
}

/* ---------------------------------------------------------------- pairs */

static Status grow_pairs(BpeCount *c, Err *err)
{
    if (2 * (bpe_count_n_pairs(c) + 1) <= c->n_pair_slots) return OK;
    TRY(new_slots(&c->pair_slots, &c->n_pair_slots, err));
    for (int64_t i = 0; i < bpe_count_n_pairs(c); i++) {
        const BpePair *p = bpe_count_pair(c, i);
        uint64_t at = hash_pair(p->left, p->right);
        while (c->pair_slots[at & (uint64_t)(c->n_pair_slots - 1)] >= 0) at++;
        c->pair_slots[at & (uint64_t)(c->n_pair_slots - 1)] = (int32_t)i;
    }
    return OK;
}

/* The pair's index; it is made if it was not there. */
static Status pair_index(BpeCount *c, int32_t left, int32_t right, int32_t *index, Err *err)
{
    TRY(grow_pairs(c, err));
    uint64_t at = hash_pair(left, right), mask = (uint64_t)(c->n_pair_slots - 1);
    for (; c->pair_slots[at & mask] >= 0; at++) {
        *index = c->pair_slots[at & mask];
        const BpePair *p = bpe_count_pair(c, *index);
        if (p->left == left && p->right == right) return OK;
    }
    *index = c->pair_slots[at & mask] = (int32_t)bpe_count_n_pairs(c);
    BpePair p = {.left = left, .right = right, .first = -1};
    return buf_append(&c->pairs, &p, sizeof p, err);
}

/* Adds to a pair's count, and notes the word (once in a row) when the pair appears in it. */
static Status pair_add(BpeCount *c, int32_t left, int32_t right, int64_t count, int32_t word,
                       Buf *touched, Err *err)
{
    int32_t index;
    TRY(pair_index(c, left, right, &index, err));
    BpePair *p = bpe_count_pair(c, index);
    p->count += count;
    if (count < 0) return OK;
    const BpePlace *places = (const BpePlace *)(void *)c->places.data;
    if (p->first < 0 || places[p->first].word != word) {
        BpePlace place = {word, p->first};
        p->first = (int32_t)(c->places.len / sizeof place);
        TRY(buf_append(&c->places, &place, sizeof place, err));
    }
    return touched ? buf_append(touched, &index, sizeof index, err) : OK;
}

Status bpe_count_pairs(BpeCount *c, Err *err)
{
    for (int64_t i = 0; i < bpe_count_words(c); i++) {
        const BpeWord *w = bpe_count_word(c, i);
        for (uint32_t k = 0; k + 1 < w->n; k++) {
            const int32_t *s = symbols_of(c, w);
            TRY(pair_add(c, s[k], s[k + 1], w->count, (int32_t)i, NULL, err));
        }
    }
    return OK;
}

//@ begin bpe-train-merge
/* Joins (a, b) in one word, from left to right. */
static Status merge_word(BpeCount *c, int32_t word, int32_t a, int32_t b,
                         int32_t joined, Buf *touched, Err *err)
{
    BpeWord *w = bpe_count_word(c, word);
    int32_t *s = symbols_of(c, w);
    uint32_t out = 0;
    for (uint32_t i = 0; i < w->n; i++, out++) {
        s[out] = s[i];
        if (i + 1 == w->n || s[i] != a || s[i + 1] != b) continue;
        /* 1. The neighbours lose a pair each and gain one. */
        TRY(pair_add(c, a, b, -w->count, word, NULL, err));
        if (out > 0) {
            TRY(pair_add(c, s[out - 1], a, -w->count, word, NULL, err));
            TRY(pair_add(c, s[out - 1], joined, w->count, word, touched, err));
        }
        if (i + 2 < w->n) {
            TRY(pair_add(c, b, s[i + 2], -w->count, word, NULL, err));
            TRY(pair_add(c, joined, s[i + 2], w->count, word, touched, err));
        }
        /* 2. Two symbols become one. */
        s[out] = joined;
        i++;
    }
    w->n = out;
    return OK;
}
//@ end bpe-train-merge

Status bpe_count_merge(BpeCount *c, int32_t pair, int32_t joined, Buf *touched, Err *err)
{
    BpePair p = *bpe_count_pair(c, pair);
    for (int32_t at = p.first; at >= 0;) {
        BpePlace place = ((const BpePlace *)(void *)c->places.data)[at];
        TRY(merge_word(c, place.word, p.left, p.right, joined, touched, err));
        at = place.next;
    }
    return OK;
}

void bpe_count_close(BpeCount *c)
{
    Buf *bufs[] = {&c->words, &c->symbols, &c->pairs, &c->places};
    for (int i = 0; i < 4; i++) buf_close(bufs[i]);
    mem_free(c->word_slots);
    mem_free(c->pair_slots);
    *c = (BpeCount){0};
}
