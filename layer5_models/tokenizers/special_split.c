/* special_split.c: finding "<|im_start|>" and its like in a text, before anything else is done to it.
 *
 * The rule: longer texts go first. For each special text, from the longest to the shortest, every
 * occurrence in what is still unclaimed, from left to right, becomes that token. Taken literally that
 * is one search of the whole text per token, and there may be hundreds. Here the texts are in a trie,
 * one walk over the input finds the places where anything matches at all (nearly always few), and
 * only these places are looked at again, once per length that occurred. */
#include "tokenizer_impl.h"

#include <string.h>

static bool is_special(const Tokenizer *t, int32_t id)
{
    int type = t->types[id];
    return type == TOKEN_CONTROL || type == TOKEN_UNKNOWN || type == TOKEN_USER_DEFINED;
}

Status tokenizer_special_open(Tokenizer *t, Arena *a, Err *err)
{
    int64_t n = 0;
    for (int32_t i = 0; i < t->vocab.n_tokens; i++) {
        if (!is_special(t, i)) continue;
        if (t->vocab.texts[i].len > MAX_SPECIAL_BYTES)
            return fail(err, E_LIMIT, "special token %d has a text of %zu bytes (limit %d) HINT: its "
                        "type in the file is wrong; convert the model again", i,
                        t->vocab.texts[i].len, MAX_SPECIAL_BYTES);
        n += (int64_t)t->vocab.texts[i].len;
    }
    TRY(tokenizer_trie_open(&t->special, a, n, err));
    for (int32_t i = 0; i < t->vocab.n_tokens; i++)
        if (is_special(t, i))
            tokenizer_trie_add(&t->special, t->vocab.texts[i].ptr, t->vocab.texts[i].len, i);
    return OK;
}

typedef struct {
    const Tokenizer *t;
    const unsigned char *text;
    size_t n;
    bool parse_special;
    bool lengths[MAX_SPECIAL_BYTES + 1]; /* which lengths have matched anywhere */
    Buf *hits;    /* places, from left to right; id -1 = not taken */
    Buf claimed;  /* one bit per byte */
} Search;

static bool may_match(const Search *s, int32_t id)
{
    return id >= 0 && (s->parse_special || s->t->types[id] == TOKEN_USER_DEFINED);
}

/* 1. Notes every place where a special text begins, and every length of one. */
static Status find_places(Search *s, Err *err)
{
    for (size_t pos = 0; pos < s->n; pos++) {
        int32_t node = s->t->special.first[s->text[pos]];
        bool any = false;
        for (size_t len = 1; node; len++) {
            if (may_match(s, s->t->special.nodes[node].id)) any = s->lengths[len] = true;
            if (pos + len == s->n) break;
            node = tokenizer_trie_child(&s->t->special, node, s->text[pos + len]);
        }
        SpecialHit hit = {(uint32_t)pos, -1};
        if (any) TRY(buf_append(s->hits, &hit, sizeof hit, err));
    }
    return OK;
}

static int32_t match_length(const Search *s, size_t pos, size_t len)
{
    if (len > s->n - pos) return -1;
    int32_t node = s->t->special.first[s->text[pos]];
    for (size_t i = 1; node && i < len; i++) node = tokenizer_trie_child(&s->t->special, node, s->text[pos + i]);
    return node && may_match(s, s->t->special.nodes[node].id) ? s->t->special.nodes[node].id : -1;
}

static bool is_claimed(const Search *s, size_t i) { return s->claimed.data[i / 8] >> i % 8 & 1; }

/* 2. Gives places to the tokens of one length. What is claimed already is at least as long, so that
 * an overlap would cover the first or the last byte. */
static void claim_length(Search *s, size_t len)
{
    SpecialHit *hits = (SpecialHit *)(void *)s->hits->data;
    for (size_t i = 0; i < s->hits->len / sizeof *hits; i++) {
        size_t pos = hits[i].pos;
        if (is_claimed(s, pos)) continue;
        int32_t id = match_length(s, pos, len);
        if (id < 0 || is_claimed(s, pos + len - 1)) continue;
        hits[i].id = id;
        for (size_t k = pos; k < pos + len; k++)
            s->claimed.data[k / 8] = (char)(s->claimed.data[k / 8] | 1 << k % 8);
    }
}

static Status search(Search *s, Err *err)
{
    TRY(find_places(s, err));
    if (s->hits->len == 0) return OK;
    TRY(buf_reserve(&s->claimed, s->n / 8 + 1, err));
    memset(s->claimed.data, 0, s->n / 8 + 1);
    for (size_t len = MAX_SPECIAL_BYTES; len > 0; len--)
        if (s->lengths[len]) claim_length(s, len);

    /* 3. Keep the places that were given away. */
    SpecialHit *hits = (SpecialHit *)(void *)s->hits->data;
    size_t kept = 0;
    for (size_t i = 0; i < s->hits->len / sizeof *hits; i++)
        if (hits[i].id >= 0) hits[kept++] = hits[i];
    s->hits->len = kept * sizeof *hits;
    return OK;
}

Status tokenizer_find_special(const Tokenizer *t, const char *text, size_t n, bool parse_special,
                              Buf *hits, Err *err)
{
    Search s = {.t = t, .text = (const unsigned char *)text, .n = n,
                .parse_special = parse_special, .hits = hits};
    buf_clear(hits);
    Status status = search(&s, err);
    buf_close(&s.claimed);
    return status;
}
