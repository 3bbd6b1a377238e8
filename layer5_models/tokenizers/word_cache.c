/* word_cache.c: words that were cut not long ago. Text repeats itself: "the" is merged once, and from then
 * on its ids are copied.
 *
 *   slot = hash(bytes of the word) mod N_SLOTS; a new word takes the slot of the old one
 *
 * Words of up to 16 bytes that become up to 7 tokens; the name of an empty slot is 0. The result does not
 * depend on what is in the cache. For short texts there is none: clearing it would cost more than it
 * saves. */
#include "tokenizer_impl.h"

#include <string.h>

enum { N_SLOTS = 1 << 13, MIN_TEXT = 1 << 14 };

Status tokenizer_cache_open(Encoder *e, size_t n, Err *err)
{
    if (n < MIN_TEXT || e->cache.data) return OK;
    TRY(buf_reserve(&e->cache, N_SLOTS * sizeof(CachedWord), err));
    memset(e->cache.data, 0, N_SLOTS * sizeof(CachedWord));
    return OK;
}

Status tokenizer_cache_copy(TokenList *out, const CachedWord *w, Err *err)
{
    for (int i = 0; i < w->n_ids; i++) TRY(tokens_push(out, w->ids[i], err));
    return OK;
}

void tokenizer_cache_keep(CachedWord *slot, CachedWord *key, const TokenList *out, int64_t before)
{
    int64_t n_ids = out->n - before;
    if (!slot || n_ids > (int64_t)(sizeof key->ids / sizeof *key->ids)) return;
    key->n_ids = (uint8_t)n_ids;
    if (n_ids) memcpy(key->ids, out->ids + before, (size_t)n_ids * sizeof *key->ids);
    *slot = *key;
}

CachedWord *tokenizer_cache_slot(Encoder *e, int stage, const char *word, size_t n, CachedWord *key)
{
    if (!e->cache.data || n > sizeof key->bytes) return NULL;
    memset(key->bytes, 0, sizeof key->bytes);
    memcpy(key->bytes, word, n);
    key->name = (uint8_t)(stage * 32 + (int)n);
    uint64_t half[2];
    memcpy(half, key->bytes, sizeof half);
    uint64_t seed = e->t->vocab.seed;
    uint64_t h = tokenizer_mix(half[0] ^ seed, 0x9E3779B97F4A7C15 ^ half[1]) ^ key->name;
    return (CachedWord *)(void *)e->cache.data + ((h ^ h >> 32) & (N_SLOTS - 1));
}
