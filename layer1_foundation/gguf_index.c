/* gguf_index.c: finding one name among a hundred thousand.
 *
 * Open addressing: slot = hash(name) mod size, then the next slot until the name or a free slot is
 * found. With at most half of the slots taken, a search looks at two slots on average. That holds
 * only while names spread evenly; somebody who knows the hash function can choose names that all
 * fall into one slot, and n of them cost n*n steps. So the function depends on a secret seed, drawn
 * anew for each file. */
#include "gguf_impl.h"

#include <string.h>
#include <sys/random.h>

//@ begin gguf-hash
/* 64 x 64 -> 128 bits, halves folded: each input bit reaches all others. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 p = (unsigned __int128)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

uint64_t gguf_hash(uint64_t seed, Str s)
{
    const uint64_t odd = 0x9E3779B97F4A7C15; /* 2^64 / golden ratio */
    uint64_t h = seed ^ s.len;
    for (size_t i = 0; i < s.len; i += 8) {
        uint64_t word = 0;
        size_t n = s.len - i < 8 ? s.len - i : 8;
        memcpy(&word, s.ptr + i, n);
        h = mix(h ^ word, (seed >> 1) ^ odd) + word;
    }
    return mix(h, odd);
}
//@ end gguf-hash

Status gguf_index_open(GgufIndex *ix, int64_t n, Arena *a, Err *err)
{
    CHECK(n >= 0 && n <= 1 << 28, "an index for %lld names", (long long)n);
    int32_t size = 8;
    while (size < 2 * n) size *= 2;
    *ix = (GgufIndex){.slots = ARENA_NEW(a, int32_t, size), .size = size};
    if (!ix->slots) return fail(err, E_MEMORY, "no memory for an index of %d slots", size);
    memset(ix->slots, 0xFF, (size_t)size * sizeof *ix->slots); /* all -1 */
    /* Without entropy (very early boot) an address is better than nothing. */
    if (getrandom(&ix->seed, sizeof ix->seed, GRND_NONBLOCK) != sizeof ix->seed)
        ix->seed = (uint64_t)(uintptr_t)ix->slots;
    return OK;
}

static Str name_of(const void *table, size_t stride, int32_t i)
{
    Str s;
    memcpy(&s, (const char *)table + (size_t)i * stride, sizeof s);
    return s;
}

/* The slot that holds the name, or the free one where it would go. */
static int32_t *slot_for(const GgufIndex *ix, const void *table, size_t stride, Str name)
{
    uint64_t at = gguf_hash(ix->seed, name);
    for (;; at++) {
        int32_t *slot = &ix->slots[at & (uint64_t)(ix->size - 1)];
        if (*slot < 0) return slot;
        Str there = name_of(table, stride, *slot);
        if (there.len == name.len && memcmp(there.ptr, name.ptr, name.len) == 0) return slot;
    }
}

int32_t gguf_index_find(const GgufIndex *ix, const void *table, size_t stride, Str name)
{
    return ix->slots ? *slot_for(ix, table, stride, name) : -1;
}

bool gguf_index_add(GgufIndex *ix, const void *table, size_t stride, int32_t i)
{
    int32_t *slot = slot_for(ix, table, stride, name_of(table, stride, i));
    if (*slot >= 0) return false;
    *slot = i;
    return true;
}
