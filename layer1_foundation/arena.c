/* arena.c: the only file that calls malloc.
 *
 * An arena is a list of chunks; allocation moves a pointer, and freeing is one walk over the
 * chunks. Memory is handed out zeroed and 64-byte aligned (one cache line, one AVX-512 register).
 * In debug builds (-DPOISON) freed chunks are filled with 0xDD to expose dangling pointers. */
#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGN = 64, MIN_CHUNK = 64 * 1024, HUGE_PAGE = 2 << 20 };

struct ArenaChunk {
    ArenaChunk *next;
    void *raw;    /* what mem_alloc gave, before alignment */
    size_t used;  /* bytes given out of this chunk */
    size_t size;  /* bytes usable in this chunk */
    char *base;   /* first usable byte, 64-byte aligned */
};

/* One request for half a terabyte or more is an error of arithmetic, not a wish. Linux might even
 * grant it (pages cost nothing before they are touched), which would only move the crash. */
static const size_t MAX_REQUEST = (size_t)1 << 39;

static MemHook *hook_fn;
static void *hook_ctx;

void mem_set_hook(MemHook *hook, void *ctx)
{
    hook_fn = hook;
    hook_ctx = ctx;
}

static bool may_have(size_t n_bytes)
{
    return n_bytes < MAX_REQUEST && (!hook_fn || hook_fn(hook_ctx, n_bytes));
}

/* Asks for huge pages in the part of [p, p + n) that whole ones can cover. A page of 4 KB is 64 lines of
 * a cache: whoever streams through 600 MB changes pages 150 000 times, and each time the core must look
 * up where the page lies. With pages of 2 MB it is 300 times. What that is worth: bench/README.md. */
static void want_huge_pages(void *p, size_t n)
{
    uintptr_t first = ((uintptr_t)p + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uintptr_t last = ((uintptr_t)p + n) / HUGE_PAGE * HUGE_PAGE;
    if (first < last)
        madvise((void *)first, last - first, MADV_HUGEPAGE); /* a wish: a refusal changes nothing */
}

void *mem_alloc(size_t n_bytes)
{
    if (!may_have(n_bytes)) return NULL;
    void *p = malloc(n_bytes ? n_bytes : 1);
    if (p && n_bytes >= HUGE_PAGE) want_huge_pages(p, n_bytes);
    return p;
}

void *mem_resize(void *p, size_t n_bytes)
{
    if (!may_have(n_bytes)) return NULL;
    return realloc(p, n_bytes ? n_bytes : 1);
}

void mem_free(void *p) { free(p); }

/* ---------------------------------------------------------------- Arena */

static size_t round_up(size_t n) { return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1); }

static ArenaChunk *chunk_new(size_t size)
{
    if (size > SIZE_MAX - 4 * ALIGN) return NULL;
    void *raw = mem_alloc(sizeof(ArenaChunk) + 2 * ALIGN + size);
    if (!raw) return NULL;
    ArenaChunk *c = raw;
    uintptr_t first = (uintptr_t)raw + sizeof(ArenaChunk);
    *c = (ArenaChunk){.raw = raw, .size = size};
    c->base = (char *)raw + (round_up(first) - (uintptr_t)raw);
    return c;
}

static bool arena_grow(Arena *a, size_t n_bytes)
{
    ArenaChunk *c = chunk_new(n_bytes);
    if (!c) return false;
    c->next = a->chunks;
    a->chunks = c;
    a->reserved_bytes += n_bytes;
    return true;
}

Status arena_reserve(Arena *a, size_t n_bytes, Err *err)
{
    if (n_bytes > SIZE_MAX / 2)
        return fail(err, E_MEMORY, "cannot reserve %zu bytes: beyond the address space", n_bytes);
    n_bytes = round_up(n_bytes);
    if (a->chunks && a->chunks->size - a->chunks->used >= n_bytes) return OK;
    if (!arena_grow(a, n_bytes))
        return fail(err, E_MEMORY, "cannot reserve %zu bytes of memory. HINT: a smaller context "
                    "(-c) or a smaller model needs less", n_bytes);
    return OK;
}

void *arena_alloc_dirty(Arena *a, int64_t count, size_t size)
{
    size_t n;
    if (count < 0 || __builtin_mul_overflow((size_t)count, size, &n) || n > SIZE_MAX / 2)
        return NULL;
    n = round_up(n ? n : 1);

    /* 1. A new chunk when the newest has no room: twice the last one, so that growth is rare. */
    ArenaChunk *c = a->chunks;
    if (!c || c->size - c->used < n) {
        size_t want = c ? 2 * (c->size < (64u << 20) ? c->size : (64u << 20)) : MIN_CHUNK;
        if (want < MIN_CHUNK) want = MIN_CHUNK;
        if (!arena_grow(a, n > want ? n : want)) return NULL;
        c = a->chunks;
    }

    /* 2. Move the pointer. */
    void *p = c->base + c->used;
    c->used += n;
    a->used_bytes += n;
    return p;
}

void *arena_alloc(Arena *a, int64_t count, size_t size)
{
    void *p = arena_alloc_dirty(a, count, size);
    if (p) memset(p, 0, (size_t)count * size);
    return p;
}

char *arena_strndup(Arena *a, const char *s, size_t n)
{
    if (n > SIZE_MAX / 4) return NULL;
    char *copy = arena_alloc(a, (int64_t)n + 1, 1);
    if (copy && n) memcpy(copy, s, n);
    return copy;
}

void arena_close(Arena *a)
{
    while (a->chunks) {
        ArenaChunk *next = a->chunks->next;
#ifdef POISON
        memset(a->chunks->base, 0xDD, a->chunks->size);
#endif
        mem_free(a->chunks->raw);
        a->chunks = next;
    }
    *a = (Arena){0};
}

/* ---------------------------------------------------------------- Slab */

Status slab_open(Slab *s, size_t block_bytes, int64_t n_blocks, Err *err)
{
    *s = (Slab){0};
    size_t total, one = round_up(block_bytes ? block_bytes : 1);
    if (n_blocks < 0 || __builtin_mul_overflow(one, (size_t)n_blocks, &total))
        return fail(err, E_MEMORY, "slab of %lld blocks of %zu bytes overflows",
                    (long long)n_blocks, block_bytes);
    char *base = mem_alloc(total);
    if (!base)
        return fail(err, E_MEMORY, "cannot get %zu bytes for %lld blocks", total,
                    (long long)n_blocks);
    *s = (Slab){.base = base, .block_bytes = one, .n_blocks = n_blocks};
    for (int64_t i = n_blocks; i-- > 0;) slab_give(s, base + (size_t)i * one);
    s->n_taken = 0;
    return OK;
}

void *slab_take(Slab *s)
{
    void *block = s->free_list;
    if (!block) return NULL;
    memcpy(&s->free_list, block, sizeof s->free_list); /* a free block holds the next one */
    s->n_taken++;
    return block;
}

void slab_give(Slab *s, void *block)
{
    if (!block) return;
    size_t at = (size_t)((char *)block - s->base);
    CHECK(at % s->block_bytes == 0 && at / s->block_bytes < (size_t)s->n_blocks,
          "block %p is not of this slab", block);
    memcpy(block, &s->free_list, sizeof s->free_list);
    s->free_list = block;
    s->n_taken--;
}

void slab_close(Slab *s)
{
    mem_free(s->base);
    *s = (Slab){0};
}

/* ---------------------------------------------------------------- Buf */

Status buf_reserve(Buf *b, size_t n_more, Err *err)
{
    if (n_more > SIZE_MAX / 4 - b->len)
        return fail(err, E_MEMORY, "a buffer cannot grow by %zu bytes", n_more);
    size_t need = b->len + n_more + 1;
    if (need <= b->cap) return OK;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need) cap *= 2;
    char *data = mem_resize(b->data, cap);
    if (!data) return fail(err, E_MEMORY, "cannot grow a buffer to %zu bytes", cap);
    b->data = data;
    b->cap = cap;
    return OK;
}

Status buf_append(Buf *b, const void *bytes, size_t n, Err *err)
{
    TRY(buf_reserve(b, n, err));
    if (n) memcpy(b->data + b->len, bytes, n);
    b->len += n;
    b->data[b->len] = 0;
    return OK;
}

Status buf_printf(Buf *b, Err *err, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    Status s = n < 0 ? fail(err, E_ARG, "bad format '%s'", fmt) : buf_reserve(b, (size_t)n, err);
    if (s == OK) {
        vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
    return s;
}

void buf_clear(Buf *b)
{
    b->len = 0;
    if (b->data) b->data[0] = 0;
}

void buf_close(Buf *b)
{
    mem_free(b->data);
    *b = (Buf){0};
}
