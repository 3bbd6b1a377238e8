/* vocab_bytes.h: for tests and fuzz targets: a small GGUF vocabulary, written byte by byte in memory.
 * It can also be wrong on purpose, which the library's writer would refuse. */
#ifndef SIXFOLD_TESTS_VOCAB_BYTES_H
#define SIXFOLD_TESTS_VOCAB_BYTES_H

#include "layer5.h"

#include <string.h>

typedef struct {
    Buf b; /* buf_close when done; its data is aligned as gguf_open_memory asks */
    uint64_t n_kv;
} VocabBytes;

static inline void vb_bytes(VocabBytes *v, const void *p, size_t n)
{
    CHECK(buf_append(&v->b, p, n, NULL) == OK, "no memory for a vocabulary");
}

static inline void vb_u32(VocabBytes *v, uint32_t x) { vb_bytes(v, &x, 4); }
static inline void vb_u64(VocabBytes *v, uint64_t x) { vb_bytes(v, &x, 8); }

static inline void vb_text(VocabBytes *v, const char *s, size_t n)
{
    vb_u64(v, n);
    vb_bytes(v, s, n);
}

static inline VocabBytes vb_open(void)
{
    VocabBytes v = {0};
    vb_bytes(&v, "GGUF", 4);
    vb_u32(&v, 3);
    vb_u64(&v, 0); /* tensors */
    vb_u64(&v, 0); /* keys; vb_key counts them */
    return v;
}

/* "eos_token_id" is short for "tokenizer.ggml.eos_token_id"; a key with a dot stays as it is. */
static inline void vb_key(VocabBytes *v, const char *key, uint32_t type)
{
    char full[80] = "";
    if (!strchr(key, '.')) strncat(full, "tokenizer.ggml.", 20);
    strncat(full, key, 60);
    vb_text(v, full, strlen(full));
    vb_u32(v, type);
    v->n_kv++;
    memcpy(v->b.data + 16, &v->n_kv, 8);
}

static inline void vb_str(VocabBytes *v, const char *key, const char *s)
{
    vb_key(v, key, GGUF_STRING);
    vb_text(v, s, strlen(s));
}

static inline void vb_num(VocabBytes *v, const char *key, uint32_t x)
{
    vb_key(v, key, GGUF_U32);
    vb_u32(v, x);
}

static inline void vb_bool(VocabBytes *v, const char *key, bool x)
{
    vb_key(v, key, GGUF_BOOL);
    uint8_t byte = x;
    vb_bytes(v, &byte, 1);
}

/* An array of n elements of 4 bytes: GGUF_I32 or GGUF_F32. */
static inline void vb_words(VocabBytes *v, const char *key, uint32_t elem, const void *p, size_t n)
{
    vb_key(v, key, GGUF_ARRAY);
    vb_u32(v, elem);
    vb_u64(v, n);
    vb_bytes(v, p, 4 * n);
}

static inline void vb_texts(VocabBytes *v, const char *key, const char *const *texts, size_t n)
{
    vb_key(v, key, GGUF_ARRAY);
    vb_u32(v, GGUF_STRING);
    vb_u64(v, n);
    for (size_t i = 0; i < n; i++) vb_text(v, texts[i], strlen(texts[i]));
}

/* The texts "<0x00>" ... "<0xFF>" or the byte alphabet of BPE, after n texts of one's own. */
enum { VB_MAX = 1200 };
typedef struct {
    char room[VB_MAX][32];
    const char *texts[VB_MAX];
    int32_t types[VB_MAX];
    float scores[VB_MAX];
    size_t n;
} VocabList;

static inline void vl_add(VocabList *l, const char *text, int32_t type, float score)
{
    CHECK(l->n < VB_MAX && strlen(text) < 32, "text %zu, '%s'", l->n, text);
    strcpy(l->room[l->n], text);
    l->texts[l->n] = l->room[l->n];
    l->types[l->n] = type;
    l->scores[l->n++] = score;
}

static inline void vl_byte_names(VocabList *l)
{
    for (unsigned b = 0; b < 256; b++) {
        static const char digits[] = "0123456789ABCDEF";
        char name[] = {'<', '0', 'x', digits[b >> 4], digits[b & 15], '>', 0};
        vl_add(l, name, 6, 0);
    }
}

static inline void vl_byte_alphabet(VocabList *l)
{
    uint32_t hidden = 0;
    for (uint32_t b = 0; b < 256; b++) {
        bool shown = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
        uint32_t cp = shown ? b : 0x100 + hidden++;
        char c[3] = {(char)cp};
        if (cp >= 0x80) c[0] = (char)(0xC0 | cp >> 6), c[1] = (char)(0x80 | (cp & 0x3F));
        vl_add(l, c, 1, 0);
    }
}

static inline void vb_list(VocabBytes *v, const VocabList *l, bool scores)
{
    vb_texts(v, "tokens", l->texts, l->n);
    vb_words(v, "token_type", GGUF_I32, l->types, l->n);
    if (scores) vb_words(v, "scores", GGUF_F32, l->scores, l->n);
}

#endif
