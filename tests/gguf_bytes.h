/* gguf_bytes.h: builds GGUF files byte by byte, also ones that no writer would produce. Include it after cmocka.h. */
#ifndef SIXFOLD_TESTS_GGUF_BYTES_H
#define SIXFOLD_TESTS_GGUF_BYTES_H

#include "layer1.h"

#include <string.h>

/* Fails the test with a message. (cmocka's fail_msg collides with our fail().) */
#define FAILED(...)                                                                                \
    do {                                                                                           \
        print_error(__VA_ARGS__);                                                                  \
        print_error("\n");                                                                         \
        _fail(__FILE__, __LINE__);                                                                 \
    } while (0)

/* Everything is appended; memory for a test file is never refused. */
static inline void gb_bytes(Buf *b, const void *bytes, size_t n)
{
    CHECK(buf_append(b, bytes, n, NULL) == OK, "no memory for a test file");
}

static inline void gb_u8(Buf *b, uint8_t v) { gb_bytes(b, &v, 1); }
static inline void gb_u16(Buf *b, uint16_t v) { gb_bytes(b, &v, 2); }
static inline void gb_u32(Buf *b, uint32_t v) { gb_bytes(b, &v, 4); }
static inline void gb_u64(Buf *b, uint64_t v) { gb_bytes(b, &v, 8); }
static inline void gb_f32(Buf *b, float v) { gb_bytes(b, &v, 4); }
static inline void gb_f64(Buf *b, double v) { gb_bytes(b, &v, 8); }

static inline void gb_strn(Buf *b, const char *s, size_t n)
{
    gb_u64(b, n);
    gb_bytes(b, s, n);
}

static inline void gb_str(Buf *b, const char *s) { gb_strn(b, s, strlen(s)); }

static inline void gb_header(Buf *b, uint32_t version, uint64_t n_tensors, uint64_t n_kv)
{
    gb_bytes(b, "GGUF", 4);
    gb_u32(b, version);
    gb_u64(b, n_tensors);
    gb_u64(b, n_kv);
}

/* Key and type; the value follows. */
static inline void gb_key(Buf *b, const char *key, uint32_t type)
{
    gb_str(b, key);
    gb_u32(b, type);
}

static inline void gb_kv_u32(Buf *b, const char *key, uint32_t v)
{
    gb_key(b, key, GGUF_U32);
    gb_u32(b, v);
}

static inline void gb_kv_u16(Buf *b, const char *key, uint16_t v)
{
    gb_key(b, key, GGUF_U16);
    gb_u16(b, v);
}

static inline void gb_kv_str(Buf *b, const char *key, const char *v)
{
    gb_key(b, key, GGUF_STRING);
    gb_str(b, v);
}

/* Key, array type, element type, count; the elements follow. */
static inline void gb_array(Buf *b, const char *key, uint32_t elem, uint64_t n)
{
    gb_key(b, key, GGUF_ARRAY);
    gb_u32(b, elem);
    gb_u64(b, n);
}

static inline void gb_tensor(Buf *b, const char *name, uint32_t n_dims, const int64_t *ne,
                             uint32_t type, uint64_t offset)
{
    gb_str(b, name);
    gb_u32(b, n_dims);
    for (uint32_t i = 0; i < n_dims; i++) gb_u64(b, (uint64_t)ne[i]);
    gb_u32(b, type);
    gb_u64(b, offset);
}

static inline void gb_pad(Buf *b, size_t alignment)
{
    while (b->len % alignment) gb_u8(b, 0);
}

static inline void gb_zeros(Buf *b, size_t n)
{
    for (size_t i = 0; i < n; i++) gb_u8(b, 0);
}

/* A vector of n f32, so that a file has something to hold. */
static inline void gb_vector(Buf *b, const char *name, int64_t n, uint64_t offset)
{
    gb_tensor(b, name, 1, &n, DT_F32, offset);
}

/* Opens b, which must be refused with `want` and a message that contains `text` and a hint. */
static inline void gb_refused(Buf *b, Status want, const char *text)
{
    Gguf g;
    Err err = {0};
    Status s = gguf_open_memory(&g, b->data, b->len, &err);
    if (s != want || !strstr(err.text, text) || !strstr(err.text, "HINT:"))
        FAILED("expected %s \"%s\", got %s \"%s\"", status_name(want), text, status_name(s),
                 err.text);
    assert_null(g.arena.chunks);
    gguf_close(&g);
    buf_close(b);
}

/* Opens b, which must be accepted. */
static inline Gguf gb_opened(const Buf *b)
{
    Gguf g;
    Err err = {0};
    if (gguf_open_memory(&g, b->data, b->len, &err) != OK) FAILED("%s", err.text);
    return g;
}

#endif
