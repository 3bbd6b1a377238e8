/* gguf_get.c: typed access to metadata.
 *
 * A value is a type tag and bytes. Reading an array of u8 as if it were f32 would run three times
 * past its end, so nobody gets at the bytes without naming the type that he expects. */
#include "gguf_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_int(GgufType t)
{
    return t <= GGUF_I32 || t == GGUF_U64 || t == GGUF_I64;
}

static bool is_float(GgufType t) { return t == GGUF_F32 || t == GGUF_F64; }

/* The n (at most 8) little-endian bytes of element i as an unsigned number. */
static uint64_t element_bits(const GgufKv *kv, int64_t i)
{
    size_t n = gguf_type_bytes(kv->elem);
    uint64_t v = 0;
    CHECK(n > 0 && i >= 0 && i < kv->count, "element %lld of %lld of %s", (long long)i,
          (long long)kv->count, gguf_type_name(kv->elem));
    for (size_t b = 0; b < n; b++) v |= (uint64_t)kv->data[(size_t)i * n + b] << (8 * b);
    return v;
}

int64_t gguf_array_int(const GgufKv *kv, int64_t i)
{
    uint64_t v = element_bits(kv, i);
    switch (kv->elem) {
    case GGUF_BOOL: return v != 0;
    case GGUF_I8: return (int8_t)v;
    case GGUF_I16: return (int16_t)v;
    case GGUF_I32: return (int32_t)v;
    case GGUF_U64: return v > INT64_MAX ? INT64_MAX : (int64_t)v;
    case GGUF_U8: case GGUF_U16: case GGUF_U32: case GGUF_I64: return (int64_t)v;
    default: CHECK(false, "%s is no integer type", gguf_type_name(kv->elem));
    }
    return 0;
}

static double element_float(const GgufKv *kv, int64_t i)
{
    uint64_t v = element_bits(kv, i);
    uint32_t v32 = (uint32_t)v;
    double d;
    float f;
    CHECK(is_float(kv->elem), "%s is no float type", gguf_type_name(kv->elem));
    memcpy(&d, &v, sizeof d);
    memcpy(&f, &v32, sizeof f);
    return kv->elem == GGUF_F64 ? d : (double)f;
}

float gguf_array_f32(const GgufKv *kv, int64_t i) { return (float)element_float(kv, i); }

/* ---------------------------------------------------------------- scalars */

static Status wrong_type(const char *key, const GgufKv *kv, const char *want, Err *err)
{
    char have[32];
    snprintf(have, sizeof have, kv->type == GGUF_ARRAY ? "an array of %s" : "%s",
             gguf_type_name(kv->elem));
    return fail(err, E_FORMAT, "key '%.80s' is %s, it must be %s. HINT: the file is damaged or its "
                "converter is wrong", key, have, want);
}

Status gguf_get_int(const Gguf *g, const char *key, int64_t lo, int64_t hi, int64_t *out, Err *err)
{
    const GgufKv *kv = gguf_find(g, key);
    if (!kv) return OK;
    if (!is_int(kv->type)) return wrong_type(key, kv, "an integer", err);
    int64_t v = gguf_array_int(kv, 0);
    bool beyond = kv->type == GGUF_U64 && element_bits(kv, 0) > INT64_MAX;
    if (beyond)
        return fail(err, E_FORMAT, "key '%.80s' = %llu must be from %lld to %lld. HINT: the file is "
                    "damaged or its converter is wrong", key, (unsigned long long)element_bits(kv, 0),
                    (long long)lo, (long long)hi);
    if (v < lo || v > hi)
        return fail(err, E_FORMAT, "key '%.80s' = %lld must be from %lld to %lld. HINT: the file is "
                    "damaged or its converter is wrong", key, (long long)v, (long long)lo,
                    (long long)hi);
    *out = v;
    return OK;
}

Status gguf_get_f32(const Gguf *g, const char *key, float *out, Err *err)
{
    const GgufKv *kv = gguf_find(g, key);
    if (!kv) return OK;
    if (!is_float(kv->type)) return wrong_type(key, kv, "f32 or f64", err);
    double d = element_float(kv, 0);
    /* 0x1.ffffffp127 is the first double that rounds to infinity as f32. */
    if (isfinite(d) && fabs(d) >= 0x1.ffffffp127)
        return fail(err, E_FORMAT, "key '%.80s' = %g does not fit into an f32. HINT: the file is "
                    "damaged or its converter is wrong", key, d);
    *out = (float)d;
    return OK;
}

Status gguf_get_bool(const Gguf *g, const char *key, bool *out, Err *err)
{
    const GgufKv *kv = gguf_find(g, key);
    if (!kv) return OK;
    if (kv->type != GGUF_BOOL) return wrong_type(key, kv, "bool", err);
    *out = gguf_array_int(kv, 0) != 0;
    return OK;
}

Status gguf_get_str(const Gguf *g, const char *key, Str *out, Err *err)
{
    const GgufKv *kv = gguf_find(g, key);
    if (!kv) return OK;
    if (kv->type != GGUF_STRING) return wrong_type(key, kv, "a string", err);
    GgufStrings it = gguf_strings(kv);
    CHECK(gguf_next_string(&it, out), "string of key '%s'", key);
    return OK;
}

/* ---------------------------------------------------------------- arrays */

static bool elem_fits(GgufType have, GgufType want)
{
    if (is_int(want)) return is_int(have) || have == GGUF_BOOL;
    if (is_float(want)) return is_float(have);
    return have == want;
}

Status gguf_array(const Gguf *g, const char *key, GgufType elem, int64_t n, const GgufKv **out,
                  Err *err)
{
    const GgufKv *kv = gguf_find(g, key);
    *out = NULL;
    if (!kv) return OK;
    if (kv->type != GGUF_ARRAY || !elem_fits(kv->elem, elem)) {
        char want[48];
        snprintf(want, sizeof want, "an array of %s", is_int(elem) ? "integers"
                 : is_float(elem) ? "floats" : gguf_type_name(elem));
        return wrong_type(key, kv, want, err);
    }
    if (n >= 0 && kv->count != n)
        return fail(err, E_FORMAT, "key '%.80s' has %lld elements, %lld are expected. HINT: the file is "
                    "damaged or its converter is wrong", key, (long long)kv->count, (long long)n);
    *out = kv;
    return OK;
}

GgufStrings gguf_strings(const GgufKv *kv)
{
    CHECK(kv->elem == GGUF_STRING, "strings of an array of %s", gguf_type_name(kv->elem));
    return (GgufStrings){.at = kv->data, .end = kv->data + kv->bytes, .left = kv->count};
}

/* The parser has walked these bytes, but memory that another process can change deserves a second
 * look: the cursor never leaves [at, end). */
bool gguf_next_string(GgufStrings *it, Str *out)
{
    size_t n = (size_t)(it->end - it->at);
    Cursor c = {.at = it->at, .remaining = n, .start = n, .what = "string", .name = {"", 0}};
    if (it->left <= 0 || rd_str(&c, out) != OK) return false;
    it->at = c.at;
    it->left--;
    return true;
}
