/* arena.h: where all memory comes from.
 *
 * Interface:
 * - Arena: grows in chunks, gives out zeroed 64-byte aligned pieces, is freed as a whole. A model
 *   and a session own one each.
 * - Slab: a fixed number of blocks of one size, taken and given back in any order.
 * - Buf: one growable array of bytes, for text and queues.
 * - Every byte passes mem_alloc(), and one hook can refuse it, so that a test can make any
 *   allocation fail. Libraries with allocator hooks (PCRE2, jansson) are pointed here.
 *
 * All of them accept being zero-initialised (= {0}); closing a zeroed one does nothing. None is
 * safe for concurrent use of the same object. malloc appears in arena.c and nowhere else. */
#ifndef SIXFOLD_ARENA_H
#define SIXFOLD_ARENA_H

#include "status.h"

/* Raw allocation through the hook. mem_alloc returns NULL when refused (always from 2^39 bytes on);
 * memory is not cleared. From 2 MB on it asks the system for huge pages: weights, caches and scratch
 * in memory of our own have them wherever the system grants them. */
void *mem_alloc(size_t n_bytes);
void *mem_resize(void *p, size_t n_bytes); /* NULL when refused; then p is still valid */
void mem_free(void *p);

/* The hook is asked before every allocation; returning false makes it fail. NULL allows all. */
typedef bool MemHook(void *ctx, size_t n_bytes);
void mem_set_hook(MemHook *hook, void *ctx);

typedef struct ArenaChunk ArenaChunk;

typedef struct Arena {
    ArenaChunk *chunks;   /* newest first */
    size_t used_bytes;    /* given out, with alignment */
    size_t reserved_bytes; /* obtained from the system */
} Arena;

/* Makes sure that the next n_bytes come out of one chunk without another allocation. */
Status arena_reserve(Arena *a, size_t n_bytes, Err *err);

/* count * size zeroed bytes, 64-byte aligned; NULL if the product overflows or memory is refused.
 * Valid until arena_close. */
void *arena_alloc(Arena *a, int64_t count, size_t size);

/* The same, not zeroed: for large scratch that is written before it is read. Pages that are never
 * touched then cost nothing. */
void *arena_alloc_dirty(Arena *a, int64_t count, size_t size);

/* n bytes of s and a terminating zero. */
char *arena_strndup(Arena *a, const char *s, size_t n);

void arena_close(Arena *a);

/* ARENA_NEW(a, float, n): typed arena_alloc. */
#define ARENA_NEW(a, T, count) ((T *)arena_alloc((a), (count), sizeof(T)))

typedef struct Slab {
    char *base;
    void *free_list;
    size_t block_bytes;
    int64_t n_blocks, n_taken;
} Slab;

Status slab_open(Slab *s, size_t block_bytes, int64_t n_blocks, Err *err);
void *slab_take(Slab *s);          /* one block, not cleared; NULL when all are taken */
void slab_give(Slab *s, void *block);
void slab_close(Slab *s);

typedef struct Buf {
    char *data;   /* NULL while empty; always has room for a terminating zero after len */
    size_t len;
    size_t cap;
} Buf;

Status buf_append(Buf *b, const void *bytes, size_t n, Err *err);
Status buf_reserve(Buf *b, size_t n_more, Err *err);
Status buf_printf(Buf *b, Err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void buf_clear(Buf *b); /* len = 0, memory kept */
void buf_close(Buf *b);

#endif
