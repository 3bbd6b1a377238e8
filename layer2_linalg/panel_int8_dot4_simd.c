/* panel_int8_dot4_simd.c: panel_int8.c's twin: REGS vectors of rows x up to TILE_MAX tokens in registers.
 *
 * The order is that of an outer product: a vector of weights (4 columns of VF rows) meets every token,
 * an activation (4 columns of one token, broadcast) meets every vector. 32 columns later the integers
 * become floats, with two multiply-adds instead of a conversion and two multiplications:
 *   product = float_of_bits(s) * scale_w + zero = scale_w * (sum q_w q_a)      y += product * scale_a
 *
 * Machines with four-byte dot products have one way to add bytes. AVX2 alone multiplies into 16 bits,
 * where it pays to add several products before widening: 4 while |q_w| <= 16, 2 while |q_w| <= 32
 * (255 * 32 * 2 * 2 < 32768). With larger codes one product of unsigned activations may not fit, so
 * their sign is moved to them from |q_w|, and the sum starts without the correction. */
#include "panel_int8.h"
#include "simd_blocks.h"

extern panel_int8_mul_fn SIMD_FN(panel_int8_mul);

/* Registers: TILE_MAX * REGS floats and as many integers, REGS weights, one activation; plain AVX2 has
 * TILE_MAX sums in 16 bits too. */
#if VF == 8
enum { REGS = 1, TILE_MAX = 4 };
#else
enum { REGS = 2, TILE_MAX = 6 };
#endif

/* ---------------------------------------------------------------- adding products of bytes */

/* 4 activations of one token, in every lane. */
SIMD_INLINE vb four_acts(const uint8_t *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    return (vb)vi_set1(four);
}

/* A chain adds the products of up to `chain` weights; chain 1 is for codes of any size. */
#if defined(SIMD_ISA_avx2)

enum { CHAIN_0 = 4, CHAIN_1 = 2, CHAIN_2 = 1 };
SIMD_INLINE bool wants_signed(int chain) { return chain == 1; }
SIMD_INLINE int width_of(int largest) { return largest <= 16 ? 0 : largest <= 32 ? 1 : 2; }

SIMD_INLINE vi chain_begin(vi s)
{
    (void)s;
    return vi_set1(0);
}
SIMD_INLINE vi chain_add(vi p, vb a, vb w, int chain)
{
    __m256i products;
    if (chain > 1) {
        products = _mm256_maddubs_epi16((__m256i)a, (__m256i)w);
    } else {
        products = _mm256_maddubs_epi16(_mm256_abs_epi8((__m256i)w),
                                        _mm256_sign_epi8((__m256i)a, (__m256i)w));
    }
    return (vi)_mm256_add_epi16((__m256i)p, products);
}
SIMD_INLINE vi chain_end(vi s, vi p)
{
    vi sum = s + (vi)_mm256_madd_epi16((__m256i)p, _mm256_set1_epi16(1));
    __asm__("" : "+x"(sum)); /* now: gcc would put off the additions and keep all products on the stack */
    return sum;
}
SIMD_INLINE vi chain_start(const int32_t *start, int chain)
{
    return chain > 1 ? (vi)vb_load(start) : vi_set1(PANEL_INT8_MAGIC_BITS);
}

#else

enum { CHAIN_0 = 4 };
SIMD_INLINE bool wants_signed(int chain)
{
    (void)chain;
    return VF == 4;
}
SIMD_INLINE int width_of(int largest)
{
    (void)largest;
    return 0;
}

SIMD_INLINE vi chain_begin(vi s) { return s; }
SIMD_INLINE vi chain_end(vi s, vi p)
{
    (void)s;
    return p;
}
#if VF == 4 /* NEON multiplies signed by signed bytes: no correction */
SIMD_INLINE vi chain_add(vi p, vb a, vb w, int chain)
{
    (void)chain;
    return vi_dot4_ss(p, w, a);
}
SIMD_INLINE vi chain_start(const int32_t *start, int chain)
{
    (void)start, (void)chain;
    return vi_set1(PANEL_INT8_MAGIC_BITS);
}
#else
SIMD_INLINE vi chain_add(vi p, vb a, vb w, int chain)
{
    (void)chain;
    return vi_dot4_us(p, a, w);
}
SIMD_INLINE vi chain_start(const int32_t *start, int chain)
{
    (void)chain;
    return (vi)vb_load(start);
}
#endif
#endif

/* ---------------------------------------------------------------- tiles */

/* 32 activations of each token, as this machine wants them: code + 128 as they are, or the code itself in `own`. Once for all
 * rows and columns that they meet, instead of at every product. */
SIMD_INLINE const uint8_t *acts_wanted(uint8_t *own, const uint8_t *a, int n_tok, int chain)
{
    if (!wants_signed(chain)) return a;
#pragma GCC unroll 12
    for (int i = 0; i < 32 * n_tok; i += 4 * VF) vb_store(own + i, vb_load(a + i) ^ vb_set1(-128));
    __asm__("" : : "r"(own) : "memory"); /* or they would be picked from registers, with shuffles */
    return own;
}

/* All vectors of rows; all sums of a tile. Unrolled, or they would be arrays in memory. */
#define EACH_REG _Pragma("GCC unroll 2") for (int i = 0; i < REGS; i++)
#define EACH_SUM _Pragma("GCC unroll 6") for (int t = 0; t < TILE; t++) EACH_REG

/* Where rows of sums come from and go to: `stride` floats between tokens. */
typedef struct { const float *from; int64_t from_stride; float *to; int64_t to_stride; } Sums;

/* Rows [row, row + REGS * VF) of a panel times the first TILE of the tile's n_tok tokens. */
typedef void tile_fn(Sums sums, const PanelInt8 *w, TileInt8 a, int row, int n_tok, int64_t n_k);

#define TILE 1
#include "panel_int8_tile.inc"
#define TILE 2
#include "panel_int8_tile.inc"
#define TILE 3
#include "panel_int8_tile.inc"
#define TILE 4
#include "panel_int8_tile.inc"
#if VF != 8
#define TILE 5
#include "panel_int8_tile.inc"
#define TILE 6
#include "panel_int8_tile.inc"
#endif

/* By size, and by chain, group and offset. */
static tile_fn *const *const tiles[TILE_MAX + 1] = {
    NULL, kinds_1, kinds_2, kinds_3, kinds_4,
#if VF != 8
    kinds_5, kinds_6,
#endif
};

void SIMD_FN(panel_int8_mul)(float *y, int64_t y_stride, const float *from, int64_t from_stride,
                             const PanelInt8 *w, TileInt8 a, int n_tok, int64_t n_k)
{
    int kind = 4 * width_of(w->largest) + 2 * (w->group == 16) + (w->offset != NULL);
    int parts = (n_tok + TILE_MAX - 1) / TILE_MAX, t = 0;
    for (int i = 1; i <= parts; i++) {
        int end = n_tok * i / parts;
        TileInt8 part = {a.q + 32 * t, a.scale + t, a.sum + t};
        for (int r = 0; r < PANEL_ROWS; r += REGS * VF) {
            Sums sums = {from + t * from_stride + r, from_stride, y + t * y_stride + r, y_stride};
            tiles[end - t][kind](sums, w, part, r, n_tok, n_k);
        }
        t = end;
    }
}
