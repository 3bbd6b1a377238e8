/* vocab_bytes.h: for tests and fuzz targets: a small GGUF vocabulary, written byte by byte in memory.
 * It can also be wrong on purpose, which the library's writer would refuse. */
#ifndef SIXFOLD_TESTS_VOCAB_BYTES_H
#define SIXFOLD_TESTS_VOCAB_BYTES_H

#include "gguf_bytes.h"

typedef struct {
    Buf b; /* buf_close when done; its data is aligned as gguf_open_memory asks */
    uint64_t n_kv;
} VocabBytes;

static inline VocabBytes vb_open(void)
{
    VocabBytes v = {0};
    gb_header(&v.b, 3, 0, 0);
    return v;
}

/* "eos_token_id" is short for "tokenizer.ggml.eos_token_id"; a key with a dot stays as it is. */
static inline void vb_key(VocabBytes *v, const char *key, uint32_t type)
{
    char full[80] = "";
    if (!strchr(key, '.')) strncat(full, "tokenizer.ggml.", 20);
    strncat(full, key, 60);
    gb_key(&v->b, full, type);
    v->n_kv++;
    memcpy(v->b.data + 16, &v->n_kv, 8);
}

static inline void vb_str(VocabBytes *v, const char *key, const char *s)
{
    vb_key(v, key, GGUF_STRING);
    gb_str(&v->b, s);
}

static inline void vb_num(VocabBytes *v, const char *key, uint32_t x)
{
    vb_key(v, key, GGUF_U32);
    gb_u32(&v->b, x);
}

static inline void vb_bool(VocabBytes *v, const char *key, bool x)
{
    vb_key(v, key, GGUF_BOOL);
    gb_u8(&v->b, x);
}

/* An array of n elements of 4 bytes: GGUF_I32 or GGUF_F32. */
static inline void vb_words(VocabBytes *v, const char *key, uint32_t elem, const void *p, size_t n)
{
    vb_key(v, key, GGUF_ARRAY);
    gb_u32(&v->b, elem);
    gb_u64(&v->b, n);
    gb_bytes(&v->b, p, 4 * n);
}

static inline void vb_texts(VocabBytes *v, const char *key, const char *const *texts, size_t n)
{
    vb_key(v, key, GGUF_ARRAY);
    gb_u32(&v->b, GGUF_STRING);
    gb_u64(&v->b, n);
    for (size_t i = 0; i < n; i++) gb_str(&v->b, texts[i]);
}

/* The texts "<0x00>" ... "<0xFF>" or the byte alphabet of BPE, after n texts of one's own. */
enum { VB_MAX = 700 };
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
