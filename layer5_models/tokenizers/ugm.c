/* ugm.c: Unigram: every token has a probability, and of all ways to cut the text into tokens the one
 * with the largest product is taken. In logarithms, by Viterbi:
 *
 *   best(0) = 0,   best(j) = max over tokens w that end at j of  best(j - |w|) + score(w)
 *
 * A character that is no token may always be passed as unknown, at the price of the worst token and ten
 * more; if the vocabulary has a token for every byte, its bytes stand for it then. Before that the text is
 * made plain (ugm_charsmap.c) and its spaces become U+2581.
 * Source: Kudo 2018 (Subword regularization), section 3.2; Viterbi 1967. */
#include "tokenizer_impl.h"

#include <math.h>
#include <stdio.h>

enum { MAX_PIECE = MAX_SPECIAL_BYTES }; /* SentencePiece learns no piece over 16 characters */

/* The best way from the start of the text to one of its bytes. */
typedef struct {
    double score;
    uint32_t prev; /* byte where its last token begins */
    int32_t id;
} Way;

static bool in_trie(int type)
{
    return type == TOKEN_NORMAL || type == TOKEN_USER_DEFINED || type == TOKEN_UNUSED;
}

static Status read_scores(Tokenizer *t, Arena *a, const Gguf *g, Err *err)
{
    int32_t n = t->vocab.n_tokens;
    const GgufKv *kv;
    TRY(gguf_array(g, "tokenizer.ggml.scores", GGUF_F32, n, &kv, err));
    if (!kv)
        return fail(err, E_FORMAT, "'tokenizer.ggml.scores' is missing; model 't5' needs one score "
                    "for each of its %d tokens HINT: convert the model again", n);
    float *scores = ARENA_NEW(a, float, n);
    if (!scores) return fail(err, E_MEMORY, "no memory for %d scores", n);
    float lowest = 0;
    for (int32_t i = 0; i < n; i++) {
        scores[i] = gguf_array_f32(kv, i);
        if (!isfinite(scores[i]))
            return fail(err, E_FORMAT, "the score of token %d is not a finite number "
                        "HINT: the file is damaged; download it again", i);
        if (t->types[i] == TOKEN_USER_DEFINED) scores[i] = 0;
        if (t->types[i] == TOKEN_NORMAL && scores[i] < lowest) lowest = scores[i];
    }
    t->scores = scores;
    t->unknown_score = (double)lowest - 10;
    return OK;
}

static void find_bytes(Tokenizer *t)
{
    t->byte_fallback = true;
    for (int b = 0; b < 256; b++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", b);
        int32_t id = tokenizer_vocab_find(&t->vocab, name, 6);
        t->byte_ids[b] = id >= 0 && t->types[id] == TOKEN_BYTE ? id : -1;
        t->byte_fallback &= t->byte_ids[b] >= 0;
    }
}

Status tokenizer_ugm_open(Tokenizer *t, Arena *a, const Gguf *g, Err *err)
{
    TRY(gguf_get_bool(g, "tokenizer.ggml.remove_extra_whitespaces", &t->merge_spaces, err));
    TRY(tokenizer_charsmap_open(t, g, err));
    TRY(read_scores(t, a, g, err));
    find_bytes(t);
    if (t->ids[ID_UNK] < 0)
        return fail(err, E_FORMAT, "model 't5' has no unknown token, but a character without token "
                    "must become something HINT: convert the model again");
    int64_t n_bytes = 0;
    for (int32_t i = 0; i < t->vocab.n_tokens; i++) {
        if (!in_trie(t->types[i])) continue;
        size_t len = t->vocab.texts[i].len;
        if (len > MAX_PIECE)
            return fail(err, E_LIMIT, "token %d has a text of %zu bytes (limit %d) HINT: no real "
                        "vocabulary has such tokens; download the file again", i, len, MAX_PIECE);
        n_bytes += (int64_t)len;
    }
    TRY(tokenizer_trie_open(&t->pieces, a, n_bytes, err));
    for (int32_t i = 0; i < t->vocab.n_tokens; i++)
        if (in_trie(t->types[i]))
            tokenizer_trie_add(&t->pieces, t->vocab.texts[i].ptr, t->vocab.texts[i].len, i);
    return OK;
}

/* Plain text with visible spaces into e->text. User-defined tokens have been taken out before, so
 * that nothing here needs to be kept from the map. */
static Status normalise(Encoder *e, const char *text, size_t n, Err *err)
{
    const Tokenizer *t = e->t;
    bool in_word = false, prefix = t->add_space_prefix;
    buf_clear(&e->text);
    for (size_t at = 0, used; at < n; at += used) {
        Str s = tokenizer_charsmap_next(t, text + at, n - at, &used);
        for (size_t i = 0; i < s.len; i++) {
            if (s.ptr[i] == ' ') {
                in_word = false;
                if (!t->merge_spaces) TRY(buf_append(&e->text, SPACE_SIGN, 3, err));
                continue;
            }
            if (!in_word && (t->merge_spaces || prefix)) {
                TRY(buf_append(&e->text, SPACE_SIGN, 3, err));
                prefix = false;
            }
            in_word = true;
            TRY(buf_append(&e->text, &s.ptr[i], 1, err));
        }
    }
    if (e->text.len < MAX_TEXT_BYTES) return OK;
    return fail(err, E_LIMIT, "a text of %zu bytes has %zu when made plain (limit %zu) HINT: split it",
                n, e->text.len, MAX_TEXT_BYTES);
}

static void offer(Way *way, double score, size_t prev, int32_t id)
{
    if (score > way->score) *way = (Way){score, (uint32_t)prev, id};
}

//@ begin ugm-viterbi
/* From each character on, every token that fits offers a way. */
static void find_ways(const Tokenizer *t, const char *s, size_t n, Way *best)
{
    const Trie *trie = &t->pieces;
    int one;
    for (size_t at = 0; at < n; at += (size_t)one) {
        utf8_decode(s + at, n - at, &one);
        bool covered = false;
        int32_t node = trie->first[(unsigned char)s[at]];
        for (size_t len = 1; node; len++) {
            int32_t id = trie->nodes[node].id;
            if (id >= 0)
                offer(&best[at + len], best[at].score + (double)t->scores[id],
                      at, id);
            covered |= id >= 0 && len == (size_t)one;
            if (at + len == n) break;
            node = tokenizer_trie_child(trie, node,
                                        (unsigned char)s[at + len]);
        }
        if (!covered)
            offer(&best[at + (size_t)one], best[at].score + t->unknown_score,
                  at, t->ids[ID_UNK]);
    }
}
//@ end ugm-viterbi

Status tokenizer_ugm_encode(Encoder *e, const char *text, size_t n, Err *err)
{
    TRY(normalise(e, text, n, err));
    n = e->text.len;
    buf_clear(&e->work);
    TRY(buf_reserve(&e->work, (n + 1) * sizeof(Way), err));
    Way *best = (Way *)(void *)e->work.data;
    best[0] = (Way){.id = -1};
    for (size_t i = 1; i <= n; i++) best[i] = (Way){-INFINITY, 0, -1};
    find_ways(e->t, e->text.data, n, best);

    /* Back along the best way; then turned round. Unknown characters in a row are one, or all their bytes. */
    int64_t first = e->out->n;
    int32_t unk = e->t->ids[ID_UNK], last = -1;
    for (size_t at = n; at > 0; at = best[at].prev) {
        bool bytes = e->t->byte_fallback && best[at].id == unk;
        for (size_t i = at; bytes && i > best[at].prev; i--)
            TRY(tokens_push(e->out, e->t->byte_ids[(unsigned char)e->text.data[i - 1]], err));
        if (!bytes && (best[at].id != unk || last != unk)) TRY(tokens_push(e->out, best[at].id, err));
        last = best[at].id;
    }
    for (int64_t i = first, k = e->out->n - 1; i < k; i++, k--) {
        int32_t id = e->out->ids[i];
        e->out->ids[i] = e->out->ids[k];
        e->out->ids[k] = id;
    }
    return OK;
}
