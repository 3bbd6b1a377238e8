/* gguf_cursor_impl.h: the only way in which the GGUF reader touches bytes.
 *
 * A Cursor knows how many bytes remain. Every read asks "is what I need <= what remains?", in that
 * form: `at + n <= end` would wrap around for a hostile n, `n <= remaining` cannot. Numbers are put
 * together from bytes (little-endian), so nothing needs to be aligned. */
#ifndef SIXFOLD_GGUF_CURSOR_IMPL_H
#define SIXFOLD_GGUF_CURSOR_IMPL_H

#include "gguf.h"

typedef struct {
    const uint8_t *at;
    size_t remaining;
    size_t start;     /* bytes from at[0] at the beginning: position = start - remaining */
    bool capped;      /* the file goes on, but metadata may not */
    const char *what; /* what is being read, for messages: "key", "tensor" ... */
    Str name;         /* its name, once known */
    Err *err;
} Cursor;

/* Long names are cut in messages, so that the HINT after them survives. */
#define NAME_ARG(s) (int)((s).len > 64 ? 64 : (s).len), (s).ptr

static inline size_t cursor_position(const Cursor *c) { return c->start - c->remaining; }

Status gguf_cursor_short(const Cursor *c, uint64_t need); /* gguf_parse.c: the message for "too little" */

//@ begin gguf-cursor
static inline Status rd_bytes(Cursor *c, uint64_t n, const uint8_t **out)
{
    if (n > c->remaining) return gguf_cursor_short(c, n);
    *out = c->at;
    c->at += n;
    c->remaining -= n;
    return OK;
}

static inline Status rd_u32(Cursor *c, uint32_t *v)
{
    const uint8_t *b = NULL;
    TRY(rd_bytes(c, 4, &b));
    *v = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
         (uint32_t)b[3] << 24;
    return OK;
}
//@ end gguf-cursor

static inline Status rd_u64(Cursor *c, uint64_t *v)
{
    uint32_t low = 0, high = 0;
    if (c->remaining < 8) return gguf_cursor_short(c, 8);
    TRY(rd_u32(c, &low));
    TRY(rd_u32(c, &high));
    *v = low | (uint64_t)high << 32;
    return OK;
}

/* u64 length, then the bytes. */
static inline Status rd_str(Cursor *c, Str *s)
{
    uint64_t n = 0;
    const uint8_t *b = NULL;
    TRY(rd_u64(c, &n));
    TRY(rd_bytes(c, n, &b));
    *s = (Str){(const char *)b, (size_t)n};
    return OK;
}

#endif
