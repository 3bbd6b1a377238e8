/* import_index.c: open addressing with at most half of the slots taken. */
#include "import_index.h"

#include <string.h>
#include <sys/random.h>

Status import_index_open(ImportIndex *ix, Arena *a, int64_t n, Err *err)
{
    *ix = (ImportIndex){.n_slots = 16};
    while (ix->n_slots < 2 * n) ix->n_slots *= 2;
    ix->slots = ARENA_NEW(a, int32_t, ix->n_slots);
    if (!ix->slots) return fail(err, E_MEMORY, "no memory for an index of %lld names", (long long)n);
    memset(ix->slots, 0xFF, (size_t)ix->n_slots * sizeof *ix->slots);
    if (getrandom(&ix->seed, sizeof ix->seed, GRND_NONBLOCK) != sizeof ix->seed)
        ix->seed = (uint64_t)(uintptr_t)ix->slots; /* before the machine has entropy */
    return OK;
}

/* Each byte goes through a product of 64 x 64 bits whose halves are folded. */
static uint64_t hash(uint64_t seed, Str s)
{
    uint64_t h = seed ^ s.len;
    for (size_t i = 0; i < s.len; i++) {
        unsigned __int128 p = (unsigned __int128)(h ^ (unsigned char)s.ptr[i]) * (0x9E3779B97F4A7C15u ^ seed >> 1);
        h = (uint64_t)p ^ (uint64_t)(p >> 64);
    }
    return h;
}

int32_t *import_index_slot(const ImportIndex *ix, const void *table, size_t stride, Str name)
{
    for (uint64_t h = hash(ix->seed, name);; h++) {
        int32_t *slot = &ix->slots[h & (uint64_t)(ix->n_slots - 1)];
        if (*slot < 0) return slot;
        Str there;
        memcpy(&there, (const char *)table + (size_t)*slot * stride, sizeof there);
        if (there.len == name.len && memcmp(there.ptr, name.ptr, name.len) == 0) return slot;
    }
}
