/* import_tensor.c: rows in another order, and as numbers of another type. */
#include "import_tensor.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { PIECE_FLOATS = 1 << 20 };

/* ---------------------------------------------------------------- where a row comes from */

//@ begin import-order
int64_t import_source_row(const ImportOrder *o, int64_t r)
{
    /* 1. Rotary pairs: the file wants 2j and 2j + 1, the source has
     * j and j + d/2 in each head. */
    if (o->interleave) {
        int64_t d = o->interleave, at = r % d;
        r += at / 2 + at % 2 * (d / 2) - at;
    }
    /* 2. A part of a matrix that holds several. */
    r += o->skip;
    /* 3. All q, all k, all v; the source has q heads, k, v per group. */
    if (o->n_group) {
        int64_t head = r / o->d_head, n_q = o->n_group * o->n_q;
        int64_t group = head < n_q ? head / o->n_q : (head - n_q) % o->n_group;
        int64_t slot = head < n_q ? head % o->n_q
                                  : o->n_q + (head - n_q) / o->n_group;
        r = (group * (o->n_q + 2) + slot) * o->d_head + r % o->d_head;
    }
    /* 4. Every second row: two matrices shuffled like cards. */
    return o->first + (o->step ? o->step : 1) * r;
}
//@ end import-order

int64_t import_row_length(const ImportTensor *t) { return t->n_dims < 2 ? 1 : t->ne[0]; }

int64_t import_n_rows(const ImportTensor *t)
{
    return t->n_dims < 2 ? t->ne[0] : t->ne[1] * t->ne[2] * t->ne[3];
}

int64_t import_bytes(const ImportTensor *t)
{
    return import_n_rows(t) * dtype_row_bytes(t->type, import_row_length(t));
}

DType import_type(int wish, DType source, int64_t n_in, int n_dims, bool exact)
{
    if (n_dims < 2 || exact) return DT_F32;
    if (wish < 0) return source == DT_I8 ? DT_F32 : source;
    return n_in % dtype_info(wish)->block ? DT_F16 : (DType)wish;
}

uint32_t import_file_type(int wish, DType source)
{
    switch (wish < 0 ? source : (DType)wish) {
    case DT_F16: return 1;
    case DT_Q8_0: return 7;
    case DT_BF16: return 32;
    case DT_MXFP4: return 38;
    default: return 0;
    }
}

/* The first number of a row, and its index in a source of its own: what scales are counted by. */
static const uint8_t *row_start(const ImportTensor *t, int64_t row, const ImportSource **source,
                                int64_t *index)
{
    int64_t per = t->per ? t->per : t->n_dims < 2 ? t->ne[0] : t->ne[1], m = row / per;
    int64_t r = import_source_row(&t->order, row % per);
    const ImportSource *s = &t->sources[t->n_sources > 1 ? m : 0];
    if (t->n_sources > 1) m = 0;
    *source = s;
    *index = (m * s->view.ne[1] + r) * s->view.ne[0];
    if (s->view.type == DT_MXFP4) return (const uint8_t *)s->view.data + *index / 2;
    return (const uint8_t *)s->view.data + m * s->view.nb[2] + r * s->view.nb[1];
}

/* ---------------------------------------------------------------- numbers */

static float number(const ImportSource *s, const uint8_t *at, int64_t index)
{
    uint16_t half;
    float f;
    switch (s->view.type) {
    case DT_F16: memcpy(&half, at, 2); return f16_to_f32(half);
    case DT_BF16: memcpy(&half, at, 2); return bf16_to_f32(half);
    case DT_I8: memcpy(&f, s->scales + index / s->group * 4, 4); return (float)(int8_t)*at * f;
    default: memcpy(&f, at, 4); return f;
    }
}

/* 4-bit numbers: there two neighbours share a byte, in our blocks numbers that are 16 apart. */
static void regroup(const ImportSource *s, const uint8_t *at, int64_t index, BlockMXFP4 *b)
{
    b->e = s->scales[index / 32];
    for (int j = 0; j < 8; j++) {
        uint8_t low = at[j], high = at[j + 8];
        b->q[2 * j] = (uint8_t)((low & 15) | high << 4);
        b->q[2 * j + 1] = (uint8_t)(low >> 4 | (high & 0xF0));
    }
}

/* True if the n numbers of a row stand next to each other, aligned for their type. */
static bool is_plain(const ImportSource *s, const uint8_t *at, int64_t n)
{
    int64_t size = dtype_info(s->view.type)->bytes;
    return !s->scales && (n == 1 || s->view.nb[0] == size) && (uintptr_t)at % (uintptr_t)size == 0;
}

void import_row_f32(const ImportTensor *t, int64_t row, float *y)
{
    const ImportSource *s;
    int64_t index, n = import_row_length(t);
    const uint8_t *at = row_start(t, row, &s, &index);
    if (s->view.type == DT_MXFP4) {
        BlockMXFP4 block;
        for (int64_t i = 0; i < n; i += 32) {
            regroup(s, at + i / 2, index + i, &block);
            row_to_f32(y + i, &block, DT_MXFP4, 32);
        }
    } else if (is_plain(s, at, n)) row_to_f32(y, at, s->view.type, n);
    else
        for (int64_t i = 0; i < n; i++) y[i] = number(s, at + i * s->view.nb[0], index + i);
    for (int64_t i = 0; t->add != 0 && i < n; i++) y[i] += t->add;
    if (t->scale != 0) vec_scale(y, t->scale, n);
    for (int64_t i = 0; t->rate && i < n; i++) y[i] = -expf(y[i]);
}

/* ---------------------------------------------------------------- rows to bytes */

static bool all_finite(const float *x, int64_t n)
{
    float sum = 0; /* x * 0 is 0 for every finite x, and NaN else */
    for (int64_t i = 0; i < n; i++) sum += x[i] * 0.0f;
    return sum == 0.0f;
}

/* True if numbers become others. */
static bool changes(const ImportTensor *t) { return t->add != 0 || t->scale != 0 || t->rate; }

/* One row as bytes of the wanted type; false if that cannot say it. */
static bool encode_row(const ImportTensor *t, int64_t row, float *x, char *out)
{
    const ImportSource *s;
    int64_t index, n = import_row_length(t);
    const uint8_t *at = row_start(t, row, &s, &index);
    /* 1. The same type: bytes, whatever they say. */
    bool same = s->view.type == t->type && !changes(t);
    for (int64_t i = 0; same && t->type == DT_MXFP4 && i < n; i += 32)
        regroup(s, at + i / 2, index + i, (BlockMXFP4 *)out + i / 32);
    if (same && t->type == DT_MXFP4) return true;
    if (same && (n == 1 || s->view.nb[0] == dtype_info(t->type)->bytes)) {
        memcpy(out, at, (size_t)dtype_row_bytes(t->type, n));
        return true;
    }
    /* 2. Decode, encode, and look whether it fits: bf16 reaches further than f16. */
    import_row_f32(t, row, x);
    if (!all_finite(x, n)) return false;
    row_from_f32(out, t->type, x, NULL, n);
    if (t->type == DT_F32) return true;
    row_to_f32(x, out, t->type, n);
    return all_finite(x, n);
}

int64_t import_rows_serial(const ImportTensor *t, int64_t first_row, int64_t n, float *floats,
                           char *encoded, Pool *pool)
{
    (void)pool;
    int64_t length = import_row_length(t), bytes = dtype_row_bytes(t->type, length), bad = -1;
    for (int64_t r = n - 1; r >= 0; r--)
        if (!encode_row(t, first_row + r, floats + r * length, encoded + r * bytes)) bad = first_row + r;
    return bad;
}

typedef struct {
    const ImportTensor *t;
    int64_t first_row;
    float *floats;
    char *encoded;
    _Atomic int64_t bad; /* the first of the bad rows, INT64_MAX: none */
} Piece;

static void encode_part(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    Piece *p = ctx;
    int64_t length = import_row_length(p->t), bytes = dtype_row_bytes(p->t->type, length);
    int64_t bad = import_rows_serial(p->t, p->first_row + begin, end - begin, p->floats + begin * length,
                                     p->encoded + begin * bytes, NULL);
    int64_t least = atomic_load(&p->bad);
    while (bad >= 0 && bad < least && !atomic_compare_exchange_weak(&p->bad, &least, bad)) continue;
}

int64_t import_rows_parallel(const ImportTensor *t, int64_t first_row, int64_t n, float *floats,
                             char *encoded, Pool *pool)
{
    Piece p = {.t = t, .first_row = first_row, .floats = floats, .encoded = encoded, .bad = INT64_MAX};
    int64_t grain = 4096 / import_row_length(t);
    pool_for_dynamic(pool, n, grain ? grain : 1, encode_part, &p);
    int64_t bad = atomic_load(&p.bad);
    return bad == INT64_MAX ? -1 : bad;
}

/* ---------------------------------------------------------------- what both ways out need */

bool import_is_copy(const ImportTensor *t)
{
    const ImportOrder *o = &t->order;
    const ImportSource *s = t->sources;
    int64_t size = dtype_info(t->type)->bytes, n = import_row_length(t);
    int64_t per = t->n_dims < 2 ? t->ne[0] : t->ne[1];
    return t->n_sources == 1 && !t->per && s->view.type == t->type && !changes(t) && !o->interleave && !o->skip &&
           !o->n_group && !o->first && o->step <= 1 && dtype_info(t->type)->block == 1 &&
           (n == 1 || s->view.nb[0] == size) && s->view.nb[1] == n * size &&
           (import_n_rows(t) == per || s->view.nb[2] == per * n * size);
}

int64_t import_piece_rows(const ImportTensor *t)
{
    int64_t most = PIECE_FLOATS / import_row_length(t), rows = import_n_rows(t);
    if (most < 1) most = 1;
    return most < rows ? most : rows;
}

Status import_rows_checked(const ImportTensor *t, int64_t first, int64_t n, float *floats, char *out, Pool *pool,
                           Err *err)
{
    int64_t bad = import_rows(t, first, n, floats, out, pool);
    if (bad < 0) return OK;
    return fail(err, E_FORMAT, "row %lld of '%s' holds NaN, infinity or numbers too large for %s. HINT: "
                "--outtype bf16 or f32 reach further; NaN means that the checkpoint is damaged",
                (long long)bad, t->name, dtype_name(t->type));
}

void import_give_back(const ImportSource *s, int64_t from, int64_t n)
{
    if (s->file) map_dontneed(s->file, (size_t)((const uint8_t *)s->view.data - s->file->data + from), (size_t)n);
}

void import_release(const ImportTensor *t)
{
    for (int64_t i = 0; i < t->n_sources; i++) {
        const Tensor *v = &t->sources[i].view;
        if (v->nb[0] > 0 && v->nb[1] >= v->ne[0]) import_give_back(&t->sources[i], 0, v->nb[1] * v->ne[1] * v->ne[2]);
    }
}
