/* attention_flash_simd.c: the flash twin with tiles held in registers.
 *
 * Both products of a block are one small matrix product, rows of queries times a block:
 *
 *   S [rows, keys] = Q [rows, d_k] K^T [d_k, keys]        O [rows, d_v] += P [rows, keys] V [keys, d_v]
 *
 * so K is transposed when a block is loaded, once for all queries and heads of the tile. Scores are
 * kept in base 2 (q is scaled by log2 e as well): e^(s - m) = 2^(s' - m'), one multiplication less.
 * One new token with grouped heads is the same code with few rows; with one or two rows in all, a
 * block is not worth copying and is read where it lies. Compiled for AVX2, AVX-512 and NEON. */
#include "attention_impl.h"
#include "attention_load.h"
#include "layer4_kernels.h"

#include <float.h>
#include <math.h>

/* Registers per row of scores. */
enum { KEY_REGS = FLASH_KEYS / VF };

#define LOG2_E 1.44269504f

/* ---------------------------------------------------------------- register tiles */

#define ROWS 1
#define COLS 4
#include "attention_tile.inc"
#define COLS 2
#include "attention_tile.inc"
#define COLS 1
#include "attention_tile.inc"
#undef ROWS
#define ROWS 2
#define COLS 4
#include "attention_tile.inc"
#define COLS 2
#include "attention_tile.inc"
#define COLS 1
#include "attention_tile.inc"
#undef ROWS
#define ROWS 4
#define COLS 2
#include "attention_tile.inc"
#define COLS 1
#include "attention_tile.inc"
#undef ROWS
#define ROWS 6
#define COLS 2
#include "attention_tile.inc"
#define COLS 1
#include "attention_tile.inc"
#undef ROWS

/* Tiles of 4 and 6 rows with 4 registers each need 32 registers; AVX2 has 16. */
#if VF == 8
#define tile_4_4 NULL
#define tile_6_4 NULL
#else
#define ROWS 4
#define COLS 4
#include "attention_tile.inc"
#undef ROWS
#define ROWS 6
#define COLS 4
#include "attention_tile.inc"
#undef ROWS
#endif

typedef void tile_fn(float *c, int64_t c_row, const float *keep, const float *a, int64_t a_row,
                     const float *b, int64_t b_row, int64_t depth);

/* By rows (1, 2, 4, 6), widest first: 4, 2, 1 registers. */
static tile_fn *const tiles[7][3] = {[1] = {tile_1_4, tile_1_2, tile_1_1},
                                     [2] = {tile_2_4, tile_2_2, tile_2_1},
                                     [4] = {tile_4_4, tile_4_2, tile_4_1},
                                     [6] = {tile_6_4, tile_6_2, tile_6_1}};

/* The product for any width of `regs` registers. */
static void product(int rows, int64_t regs, float *c, int64_t c_row, const float *keep,
                    const float *a, int64_t a_row, const float *b, int64_t b_row, int64_t depth)
{
    for (int w = 0; w < 3; w++) {
        int64_t cols = 4 >> w;
        for (; tiles[rows][w] && regs >= cols; regs -= cols, c += cols * VF, b += cols * VF)
            tiles[rows][w](c, c_row, keep, a, a_row, b, b_row, depth);
    }
}

/* How many of the n rows that are left the next tile takes: 6, or what wastes least at the end. */
static int next_rows(int64_t n) { return n == 1 ? 1 : n == 2 ? 2 : n <= 4 || n == 7 || n == 8 ? 4 : 6; }

/* ---------------------------------------------------------------- loading */

/* 2. Keys and values [j0, j1) to f32, once for all rows of the tile. */
static void load_block(const FlashScratch *f, const KvView *kv, int g, int64_t j0, int64_t j1)
{
    if (kv->type_k == DT_F16) load_keys(f->k, kv, DT_F16, g, j0, j1);
    else load_keys(f->k, kv, DT_F32, g, j0, j1);
    if (kv->type_v == DT_F16) load_values(f->v, f->wv, kv, DT_F16, g, j0, j1);
    else load_values(f->v, f->wv, kv, DT_F32, g, j0, j1);
}

/* 1. The tile's queries, scaled; every row starts empty. Rows that fill up the last tile are zero. */
static void start_rows(const FlashScratch *f, const AttentionArgs *a, int g, int64_t t0, int64_t t1)
{
    const KvView *kv = a->kv;
    int64_t group = a->n_head / kv->n_kv_head, n_rows = (t1 - t0) * group;
    vf scale = vf_set1(a->scale * LOG2_E);
    for (int64_t r = 0; r < n_rows + FLASH_TILE; r++) {
        const float *q = a->q + (t0 + r / group) * a->q_stride + (g * group + r % group) * kv->d_k;
        for (int64_t i = 0; i < kv->d_k; i += VF) {
            vf x = r >= n_rows ? vf_zero() : load_row((const void *)q, DT_F32, i, kv->d_k);
            vf_store(f->q + r * f->wk + i, x * scale);
        }
        for (int64_t i = 0; i < f->wv; i += VF) vf_store(f->o + r * f->wv + i, vf_zero());
        f->m[r] = -FLT_MAX;
        vf_store(f->l + r * 16, vf_zero());
    }
}

/* ---------------------------------------------------------------- one tile against one block */

/* 2^x for x <= 0, relative error below 3e-7; exactly 1 at 0 and 0 below -126.5; NaN stays NaN.
 *   x = k + r, |r| <= 1/2;   2^r by the minimax polynomial of degree 5 (constant term set to 1)
 * Adding 1.5 * 2^23 + 127 leaves no room for a fraction: the sum is rounded to k + 127 plus a constant,
 * and its low bits, moved up by 23, are the float 2^k (k = -127: zero). */
SIMD_INLINE vf exp2_below(vf x)
{
    const vf magic = vf_set1(12582912.0f + 127);
    x = vf_max(vf_set1(-127.0f), x);
    vf t = x + magic, r = x - (t - magic);
    vf p = vf_set1(1.327647198e-3f);
    p = vf_fma(p, r, vf_set1(9.675541334e-3f));
    p = vf_fma(p, r, vf_set1(5.550713274e-2f));
    p = vf_fma(p, r, vf_set1(2.402211972e-1f));
    p = vf_fma(p, r, vf_set1(6.931469671e-1f));
    p = vf_fma(p, r, vf_set1(1.0f));
    return p * vf_of_bits(vi_of_bits(t) << 23);
}

static const int32_t lane_numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* 4. Scores of columns outside [first, end) become -infinity. */
static void mask_row(float *s, int64_t first, int64_t end)
{
    vi lane;
    memcpy(&lane, lane_numbers, sizeof lane);
    for (int64_t j = 0; j < FLASH_KEYS; j += VF, lane += vi_set1(VF)) {
        vi seen = (lane >= vi_set1((int32_t)first)) & (lane < vi_set1((int32_t)end));
        vf_store(s + j, vf_select(seen, vf_load(s + j), vf_set1(-INFINITY)));
    }
}

/* 3b. attention_adjust for regs registers of one row; both constants go to base 2 with the scores. The
 * first key is this far behind the query.
 *   c tanh(s / c) = c sign(s) (1 - t) / (1 + t),   t = e^(-2 |s| / c) */
static void adjust_row(float *s, const AttentionArgs *a, int h, int64_t distance, int64_t regs)
{
    vf cap = vf_set1(a->soft_cap * LOG2_E), rate = vf_set1(-2 * LOG2_E / (a->soft_cap * LOG2_E));
    vf slope = vf_set1(a->slopes ? a->slopes[h] * LOG2_E : 0);
    vi lane;
    memcpy(&lane, lane_numbers, sizeof lane);
    for (int64_t x = 0; x < regs; x++, s += VF, lane += vi_set1(VF)) {
        vf y = vf_load(s);
        if (a->soft_cap > 0) {
            vf t = exp2_below(vf_max(y, -y) * rate), capped = cap * (1 - t) / (1 + t);
            y = vf_select(y < 0, -capped, capped);
        }
        if (a->slopes) {
            vf d = __builtin_convertvector(vi_set1((int32_t)distance) - lane, vf);
            y -= slope * vf_max(d, -d);
        }
        vf_store(s, y);
    }
}

/* 5. Per row: the new maximum, what is kept of the past, exponentials in place of scores. */
SIMD_INLINE void weigh_rows(int rows, int64_t regs, float *s, float *m, float *l, float *keep)
{
    _Alignas(64) float top[16] = {0};
    for (int r = 0; r < rows; r++) {
        vf high = vf_load(s + r * FLASH_KEYS);
        for (int64_t x = 1; x < regs; x++) high = vf_max(high, vf_load(s + r * FLASH_KEYS + x * VF));
        float new = vf_hmax(high);
        if (!(new > m[r])) new = m[r];
        top[r] = new;
        keep[r] = m[r] - new;
        m[r] = new;
    }
    for (int r = 0; r < rows; r += VF) vf_store(keep + r, exp2_below(vf_load(keep + r)));
    for (int r = 0; r < rows; r++) {
        vf sum = vf_zero(), t = vf_set1(top[r]);
        for (int64_t x = 0; x < regs; x++) {
            vf p = exp2_below(vf_load(s + r * FLASH_KEYS + x * VF) - t);
            vf_store(s + r * FLASH_KEYS + x * VF, p);
            sum += p;
        }
        vf_store(l + r * 16, vf_fma(vf_load(l + r * 16), vf_set1(keep[r]), sum));
    }
}

/* Up to this many rows in a tile, keys and values are read in place. */
enum { DIRECT_ROWS = 2 };

/* 3. Scores of the first n keys of the block at j0. */
static void score_rows(const FlashScratch *f, const KvView *kv, int g, int64_t r, int rows,
                       bool direct, int64_t j0, int64_t n)
{
    const float *q = f->q + r * f->wk;
    if (!direct)
        product(rows, (n + VF - 1) / VF, f->s, FLASH_KEYS, NULL, q, f->wk, f->k, FLASH_KEYS,
                kv->d_k);
    for (int x = 0; direct && x < rows; x++)
        if (kv->type_k == DT_F16)
            scores_direct(f->s + x * FLASH_KEYS, q + x * f->wk, kv, DT_F16, g, j0, j0 + n);
        else scores_direct(f->s + x * FLASH_KEYS, q + x * f->wk, kv, DT_F32, g, j0, j0 + n);
}

/* 6. The part of this block joins what was: o = o keep + P V. */
static void join_values(const FlashScratch *f, const KvView *kv, int g, int64_t r, int rows,
                        bool direct, const float *keep, int64_t j0, int64_t n)
{
    float *o = f->o + r * f->wv;
    if (!direct) product(rows, f->wv / VF, o, f->wv, keep, f->s, FLASH_KEYS, f->v, f->wv, n);
    for (int x = 0; direct && x < rows; x++, o += f->wv)
        if (kv->type_v == DT_F16)
            values_direct(o, keep[x], f->s + x * FLASH_KEYS, kv, DT_F16, g, j0, j0 + n);
        else values_direct(o, keep[x], f->s + x * FLASH_KEYS, kv, DT_F32, g, j0, j0 + n);
}

/* Rows [r, r + rows) of the tile that begins at token t0 against the block of keys [j0, j1). */
static void rows_block(const FlashScratch *f, const AttentionArgs *a, int g, int64_t t0,
                       int64_t n_rows, int64_t r, int rows, int64_t j0, int64_t j1)
{
    int64_t group = a->n_head / a->kv->n_kv_head, last = r + rows < n_rows ? r + rows : n_rows;
    int64_t first0, end0, first1, end1;
    attention_visible(a, t0 + r / group, &first0, &end0);
    attention_visible(a, t0 + (last - 1) / group, &first1, &end1);
    if (end1 <= j0 || first0 >= j1) return;
    int64_t n = (end1 < j1 ? end1 : j1) - j0, regs = (n + VF - 1) / VF;
    bool direct = n_rows <= DIRECT_ROWS;
    score_rows(f, a->kv, g, r, rows, direct, j0, n);
    if (attention_adjusts(a))
        for (int64_t x = 0; x < rows; x++) {
            int64_t row = r + x < n_rows ? r + x : n_rows - 1;
            adjust_row(f->s + x * FLASH_KEYS, a, (int)(g * group + row % group),
                       a->pos0 + t0 + row / group - j0, regs);
        }
    /* 4. Mask, if any row sees less than the whole block. */
    if (first1 > j0 || end0 < j0 + regs * VF)
        for (int64_t x = 0; x < rows; x++) {
            int64_t first, end, row = r + x < n_rows ? r + x : n_rows - 1;
            attention_visible(a, t0 + row / group, &first, &end);
            first = first > j0 ? first - j0 : 0;
            end = end < j1 ? end - j0 : j1 - j0;
            mask_row(f->s + x * FLASH_KEYS, first, end);
        }
    _Alignas(64) float keep[16] = {0};
    weigh_rows(rows, regs, f->s, f->m + r, f->l + r * 16, keep);
    join_values(f, a->kv, g, r, rows, direct, keep, j0, n);
}

/* 7. out = o / l; a sink is one more part, whose value is zero. */
static void finish_rows(const FlashScratch *f, const AttentionArgs *a, int g, int64_t t0, int64_t t1)
{
    int64_t group = a->n_head / a->kv->n_kv_head, d_v = a->kv->d_v;
    for (int64_t r = 0; r < (t1 - t0) * group; r++) {
        int64_t h = g * group + r % group;
        float *out = a->out + (t0 + r / group) * a->out_stride + h * d_v;
        float l = vf_sum(vf_load(f->l + r * 16));
        float share = a->sinks ? attention_sink(a->sinks[h], f->m[r] / LOG2_E, &l) : 1;
        vf inverse = vf_set1(l == 0 ? 0 : share / l);
        int64_t i = 0;
        for (; i + VF <= d_v; i += VF) vf_store(out + i, vf_load(f->o + r * f->wv + i) * inverse);
        vf_store_tail(out + i, vf_load_tail(f->o + r * f->wv + i, d_v - i) * inverse, d_v - i);
    }
}

static void flash_tile(const FlashScratch *f, const AttentionArgs *a, int g, int64_t t0, int64_t t1)
{
    int64_t group = a->n_head / a->kv->n_kv_head, n_rows = (t1 - t0) * group;
    int64_t tile_first, tile_end, other;
    attention_visible(a, t0, &tile_first, &other);
    attention_visible(a, t1 - 1, &other, &tile_end);
    start_rows(f, a, g, t0, t1);
    for (int64_t j0 = tile_first / FLASH_KEYS * FLASH_KEYS; j0 < tile_end; j0 += FLASH_KEYS) {
        int64_t j1 = j0 + FLASH_KEYS < tile_end ? j0 + FLASH_KEYS : tile_end;
        if (n_rows > DIRECT_ROWS) load_block(f, a->kv, g, j0, j1);
        for (int64_t r = 0, rows; r < n_rows; r += rows) {
            rows = next_rows(n_rows - r);
            rows_block(f, a, g, t0, n_rows, r, (int)rows, j0, j1);
        }
    }
    finish_rows(f, a, g, t0, t1);
}

void SIMD_FN(attention_flash)(const AttentionArgs *a, int g, int64_t t0, int64_t t1, void *scratch)
{
    int group = a->n_head / a->kv->n_kv_head;
    int64_t tile = flash_tile_tokens(group);
    FlashScratch f = flash_scratch(scratch, group, a->kv->d_k, a->kv->d_v);
    for (int64_t t = t0; t < t1; t += tile)
        flash_tile(&f, a, g, t, t + tile < t1 ? t + tile : t1);
}
