/* vocab.c: the texts of a vocabulary and the way back from a text to its id.
 *
 * A quarter of a million texts are found by hashing: slot = hash(text) mod size, then the next slots
 * until the text or a free one comes. The texts themselves stay where the file has them. */
#include "tokenizer_impl.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

uint64_t tokenizer_mix(uint64_t a, uint64_t b)
{
    unsigned __int128 p = (unsigned __int128)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* Eight bytes at a time: multiply, fold the upper half into the lower. */
static uint64_t hash_text(uint64_t seed, const char *s, size_t n)
{
    const uint64_t odd = 0x9E3779B97F4A7C15;
    uint64_t h = seed ^ n, word;
    for (; n >= 8; s += 8, n -= 8) {
        memcpy(&word, s, 8);
        h = tokenizer_mix(h ^ word, odd ^ seed >> 1) + word;
    }
    word = 0;
    for (size_t i = 0; i < n; i++) word = word << 8 | (unsigned char)s[i];
    return tokenizer_mix(tokenizer_mix(h ^ word, odd ^ seed >> 1) + word, odd);
}

/* The slot that holds the text, or the free one where it would go. */
static TextSlot *slot_for(const Vocab *v, const char *text, size_t n)
{
    uint64_t h = hash_text(v->seed, text, n);
    uint32_t tag = (uint32_t)(h >> 32);
    for (;; h++) {
        TextSlot *slot = &v->slots[h & (uint64_t)(v->n_slots - 1)];
        if (slot->id < 0) {
            slot->tag = tag;
            return slot;
        }
        if (slot->tag != tag) continue;
        Str there = v->texts[slot->id];
        if (there.len == n && memcmp(there.ptr, text, n) == 0) return slot;
    }
}

int32_t tokenizer_vocab_find(const Vocab *v, const char *text, size_t n)
{
    uint64_t h = hash_text(v->seed, text, n);
    uint32_t tag = (uint32_t)(h >> 32);
    for (;; h++) {
        const TextSlot *slot = &v->slots[h & (uint64_t)(v->n_slots - 1)];
        if (slot->id < 0) return -1;
        if (slot->tag != tag) continue;
        Str there = v->texts[slot->id];
        if (there.len == n && memcmp(there.ptr, text, n) == 0) return slot->id;
    }
}

/* Slots for 2 * cap texts, and all texts so far put into them. */
static Status rehash(Vocab *v, Arena *a, Err *err)
{
    v->n_slots = 16;
    while (v->n_slots < 2 * (int64_t)v->cap) v->n_slots *= 2;
    v->slots = ARENA_NEW(a, TextSlot, v->n_slots);
    if (!v->slots) return fail(err, E_MEMORY, "no memory to index %d token texts", v->cap);
    memset(v->slots, 0xFF, (size_t)v->n_slots * sizeof *v->slots);
    for (int32_t i = 0; i < v->n; i++) slot_for(v, v->texts[i].ptr, v->texts[i].len)->id = i;
    return OK;
}

/* n bytes that live as long as the arena. Small texts share one allocation. */
static char *pool_take(Vocab *v, Arena *a, size_t n)
{
    if (n > v->pool_left) {
        size_t block = n > 4096 ? n : 4096;
        v->pool = ARENA_NEW(a, char, (int64_t)block);
        v->pool_left = v->pool ? block : 0;
        if (!v->pool) return NULL;
    }
    char *p = v->pool;
    v->pool += n;
    v->pool_left -= n;
    return p;
}

Status tokenizer_vocab_intern(Vocab *v, Arena *a, Str text, int32_t *id, Err *err)
{
    *id = tokenizer_vocab_find(v, text.ptr, text.len);
    if (*id >= 0) return OK;
    if (v->n == v->cap) {
        int32_t cap = v->cap + v->cap / 2 + 64;
        Str *more = ARENA_NEW(a, Str, cap);
        if (!more) return fail(err, E_MEMORY, "no memory for %d texts of merges", cap);
        memcpy(more, v->texts, (size_t)v->n * sizeof *more);
        v->texts = more;
        v->cap = cap;
        TRY(rehash(v, a, err));
    }
    char *copy = pool_take(v, a, text.len);
    if (!copy) return fail(err, E_MEMORY, "no memory for the text of a merge");
    memcpy(copy, text.ptr, text.len);
    v->texts[v->n] = (Str){copy, text.len};
    slot_for(v, copy, text.len)->id = v->n;
    *id = v->n++;
    return OK;
}

/* One text of the file: not too long, not empty, not there yet. */
static Status add_token(Vocab *v, Arena *a, Str text, Err *err)
{
    if (text.len > MAX_TOKEN_BYTES)
        return fail(err, E_LIMIT, "token %d has a text of %zu bytes (limit %d) HINT: no real vocabulary has "
                    "such tokens; download the file again", v->n, text.len, MAX_TOKEN_BYTES);
    if (text.len == 0) {
        char name[32];
        text.len = (size_t)snprintf(name, sizeof name, "[EMPTY_%d]", v->n);
        char *copy = pool_take(v, a, text.len);
        if (!copy) return fail(err, E_MEMORY, "no memory for the name of token %d", v->n);
        memcpy(copy, name, text.len);
        text.ptr = copy;
    }
    TextSlot *slot = slot_for(v, text.ptr, text.len);
    if (slot->id >= 0)
        return fail(err, E_FORMAT,
                    "tokens %d and %d have the same text '%.*s', so text has no unique id "
                    "HINT: the file was converted wrongly; convert or download it again",
                    slot->id, v->n, STR_ARG(text));
    slot->id = v->n;
    v->texts[v->n++] = text;
    return OK;
}

Status tokenizer_vocab_open(Vocab *v, Arena *a, const Gguf *g, Err *err)
{
    const GgufKv *kv;
    TRY(gguf_array(g, "tokenizer.ggml.tokens", GGUF_STRING, -1, &kv, err));
    if (!kv || kv->count == 0)
        return fail(err, E_FORMAT, "'tokenizer.ggml.tokens' is missing or empty "
                    "HINT: this file carries no vocabulary; use a complete model file");
    if (kv->count > MAX_VOCAB)
        return fail(err, E_LIMIT, "'tokenizer.ggml.tokens' has %lld texts (limit %d) HINT: no real "
                    "vocabulary is so large; download the file again", (long long)kv->count,
                    MAX_VOCAB);
    *v = (Vocab){.n_tokens = (int32_t)kv->count};
    if (getrandom(&v->seed, sizeof v->seed, GRND_NONBLOCK) != sizeof v->seed)
        v->seed = (uint64_t)(uintptr_t)kv->data; /* before the machine has entropy */

    /* Room for the byte alphabet and some texts of merges, so that growing is rare. */
    v->cap = v->n_tokens + 512;
    v->texts = ARENA_NEW(a, Str, v->cap);
    if (!v->texts) return fail(err, E_MEMORY, "no memory for %d token texts", v->cap);
    TRY(rehash(v, a, err));
    GgufStrings it = gguf_strings(kv);
    for (Str text; gguf_next_string(&it, &text);) TRY(add_token(v, a, text, err));
    if (v->n != v->n_tokens)
        return fail(err, E_FORMAT, "'tokenizer.ggml.tokens' breaks off after %d of %d texts "
                    "HINT: download the file again", v->n, v->n_tokens);
    return OK;
}
