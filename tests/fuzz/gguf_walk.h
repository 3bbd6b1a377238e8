/* gguf_walk.h: touches everything that an opened GGUF offers, as a careless user would. */
#ifndef SIXFOLD_TESTS_GGUF_WALK_H
#define SIXFOLD_TESTS_GGUF_WALK_H

#include "layer1.h"

#include <string.h>

/* A sum over what was seen, so that no read is optimised away. */
static inline uint64_t gguf_walk_kv(const Gguf *g, const GgufKv *kv)
{
    char key[256] = "";
    uint64_t sum = 0;
    if (kv->key.len < sizeof key) {
        memcpy(key, kv->key.ptr, kv->key.len);
        CHECK(gguf_find(g, key) == kv, "key '%s' is not found under its name", key);
    }
    /* 1. Every getter: one of them has the right type, the others must refuse. */
    int64_t i = 0;
    float f = 0;
    bool t = false;
    Str s = {0};
    const GgufKv *a = NULL;
    int n_ok = 0;
    n_ok += gguf_get_int(g, key, INT64_MIN, INT64_MAX, &i, NULL) == OK;
    n_ok += gguf_get_f32(g, key, &f, NULL) == OK;
    n_ok += gguf_get_bool(g, key, &t, NULL) == OK;
    n_ok += gguf_get_str(g, key, &s, NULL) == OK;
    n_ok += gguf_array(g, key, kv->elem, kv->count, &a, NULL) == OK;
    CHECK(!key[0] || n_ok <= 1, "%d getters accept key '%s'", n_ok, key);
    for (size_t b = 0; b < s.len; b++) sum += (uint8_t)s.ptr[b];

    /* 2. Every element. */
    if (kv->elem == GGUF_STRING) {
        int64_t n = 0;
        for (GgufStrings it = gguf_strings(kv); gguf_next_string(&it, &s); n++)
            for (size_t b = 0; b < s.len; b++) sum += (uint8_t)s.ptr[b];
        CHECK(n == kv->count, "%lld of %lld strings", (long long)n, (long long)kv->count);
    } else {
        bool is_float = kv->elem == GGUF_F32 || kv->elem == GGUF_F64;
        for (int64_t n = 0; n < kv->count; n++)
            sum += is_float ? gguf_array_f32(kv, n) > 0 : (uint64_t)gguf_array_int(kv, n);
    }
    return sum + (uint64_t)i + t + (f > 0);
}

static inline uint64_t gguf_walk(const Gguf *g)
{
    uint64_t sum = 0;
    for (int64_t i = 0; i < g->n_kv; i++) sum += gguf_walk_kv(g, &g->kv[i]);
    for (int64_t i = 0; i < g->n_tensors; i++) {
        const GgufTensor *t = &g->tensors[i];
        const uint8_t *data = t->view.data;
        char name[64] = "";
        memcpy(name, t->name.ptr, t->name.len);
        CHECK(gguf_tensor(g, name) == t, "tensor '%s' is not found under its name", name);
        CHECK(t->bytes == tensor_bytes(&t->view) && tensor_is_dense(&t->view), "size of '%s'", name);
        sum += data[0];
        sum += data[t->bytes - 1];
    }
    return sum;
}

#endif
