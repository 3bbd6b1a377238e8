/* k_grouped_simd.c: dot products of the K formats with AVX-512: sums of a group meet before they are scaled.
 *
 * In k_dot4_simd.c 64 weights give 16 sums, four for each 16 weights, and all of them are converted to
 * floats and multiplied by scales that had to be spread. Here a block ends in one register of sums, one for
 * each 16 weights, as scales come (Q6_K: in two, folded). Q4_K needs 23 vector instructions for a block
 * instead of 36; also while memory is what one waits for, since the next requests wait for them.
 *
 * Fields stay in their bytes, 2^i times too large, which *_UNIT makes good once per row. */
#include "k_codes.h"
#include "simd_grouped.h"
#include "simd_prefetch.h"

#if VF == 16

extern dot_quant_fn SIMD_FN(dot_q2_k), SIMD_FN(dot_q3_k), SIMD_FN(dot_q4_k);
extern dot_quant_fn SIMD_FN(dot_q5_k), SIMD_FN(dot_q6_k);

#define EACH_STEP _Pragma("GCC unroll 4") for (int k = 0; k < 4; k++)

/* ---------------------------------------------------------------- fields */

/* Four fields of two bits in a byte, two nibbles, eight bits: masks, and what makes good their place. */
#define PAIRS VB_GROUPS(3, 12, 48, 192, 3, 12, 48, 192)
#define PAIRS_UNIT VF_GROUPS(1, 1 / 4.f, 1 / 16.f, 1 / 64.f, 1, 1 / 4.f, 1 / 16.f, 1 / 64.f)
#define NIBBLES VB_GROUPS(15, 240, 15, 240, 15, 240, 15, 240)
#define NIBBLES_UNIT VF_GROUPS(1, 1 / 16.f, 1, 1 / 16.f, 1, 1 / 16.f, 1, 1 / 16.f)
#define BITS VB_GROUPS(1, 2, 4, 8, 16, 32, 64, 128)
#define BITS_UNIT                                                                                  \
    VF_GROUPS(1, 1 / 2.f, 1 / 4.f, 1 / 8.f, 1 / 16.f, 1 / 32.f, 1 / 64.f, 1 / 128.f)

/* ---------------------------------------------------------------- scales and mins of Q4_K, Q5_K */

/* They begin with 16 bytes: two halves and k_parts.h's 12. Those of four blocks fill a register. */
enum { HEADS = 4 };
typedef struct {
    _Alignas(64) uint8_t codes[HEADS][16]; /* scales 0 to 3, mins 0 to 3, scales 4 to 7, mins 4 to 7 */
    _Alignas(32) float d[HEADS][2];
} Heads;

SIMD_INLINE void read_heads(Heads *to, const void *b, int64_t stride, int64_t n)
{
    uint8_t rest[HEADS][16] = {{0}};
    if (n < HEADS) {
        for (int64_t i = 0; i < n; i++)
            memcpy(rest[i], (const char *)b + i * stride, 16);
        b = rest, stride = 16;
    }
    vb x = vb_load_16(b, stride);
    /* Words 1 and 2: six bits of numbers 0 to 3, above them two of 4 to 7,
     * whose other four are nibbles of word 3. */
    vi upper = vi_words(x, 1, 2, 1, 2) >> VI_EACH(0, 0, 2, 2);
    vi lower = vi_words(x, 3, 3, 3, 3) >> VI_EACH(0, 0, 0, 4);
    upper &= VI_EACH(0x3F3F3F3F, 0x3F3F3F3F, 0x30303030, 0x30303030);
    lower &= VI_EACH(0, 0, 0x0F0F0F0F, 0x0F0F0F0F);
    vb_store(to->codes, (vb)(upper | lower));
    vq d = vq_first_halves(x);
    memcpy(to->d, &d, sizeof d);
    /* Not kept in registers: loads spread values for nothing. */
    __asm__("" : "+m"(*to));
}

/* Scales and mins by turns, times scales and sums of the activations. */
SIMD_INLINE vf steps_of(const Heads *h, int64_t i, const float *pairs)
{
    return vf_from_vi(vi_in_turns(h->codes[i])) * vf_load_two(h->d[i]) * vf_load(pairs);
}

/* ---------------------------------------------------------------- the five formats */

float SIMD_FN(dot_q2_k)(const void *blocks, ActQ8 a, int64_t n)
{
    vf sum = vf_zero(), mins = vf_zero();
    const BlockQ2_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, a.turned += 256, a.pairs += 16, a.half += 16) {
        prefetch_ahead(b, sizeof *b);
        vi s = vi_set1(0), codes = vi_load_u8(b->scales);
        EACH_STEP s = vi_dot4_us(s, vb_turn_pairs(b->q, k) & PAIRS, vb_load(a.turned + 64 * k));
        const uint8_t *halves = b->q + 60; /* d and dmin are the last two of four */
        mins = vf_fma(vf_from_vi(codes >> 4) * vf_half(halves, 3), vf_load(a.half), mins);
        vf step = vf_from_vi(codes & vi_set1(15)) * vf_half(halves, 2) * vf_load_twice(a.pairs);
        sum = vf_fma(step, vf_from_vi(s), sum);
    }
    return vf_sum(sum * PAIRS_UNIT - mins);
}

float SIMD_FN(dot_q3_k)(const void *blocks, ActQ8 a, int64_t n)
{
    vf sum = vf_zero(), upper = vf_zero(), zero = vf_zero();
    const BlockQ3_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, a.turned += 256, a.pairs += 16, a.half += 16) {
        prefetch_ahead(b, sizeof *b);
        vi s = vi_set1(0), t = vi_set1(0);
        EACH_STEP
        {
            vb q = vb_load(a.turned + 64 * k);
            s = vi_dot4_us(s, vb_turn_pairs(b->q, k) & PAIRS, q);
            t = vi_dot4_us(t, vb_turn_bits(b->hmask, k) & BITS, q);
        }
        vf d = vf_half(b->scales + 6, 3), scale = scales_of(k_scales_q3_k(b->scales), d).v[0];
        zero = vf_fma(scale, vf_load(a.half), zero);
        vf step = scale * vf_load_twice(a.pairs);
        sum = vf_fma(step, vf_from_vi(s), sum);
        upper = vf_fma(step, vf_from_vi(t), upper);
    }
    return vf_sum(sum * PAIRS_UNIT + vf_set1(4) * (upper * BITS_UNIT - zero));
}

float SIMD_FN(dot_q4_k)(const void *blocks, ActQ8 a, int64_t n)
{
    vf sum = vf_zero(), mins = vf_zero();
    const BlockQ4_K *b = blocks;
    Heads heads;
    for (int64_t i = 0; i < n / 256; i++, b++, a.turned += 256, a.pairs += 16) {
        prefetch_ahead(b, sizeof *b);
        if (i % HEADS == 0) read_heads(&heads, b, sizeof *b, n / 256 - i);
        /* 1. Integers: a sum for each 16 weights. */
        vi s = vi_set1(0);
        EACH_STEP s = vi_dot4_us(s, vb_turn_nibbles(b->q, k) & NIBBLES,
                                 vb_load(a.turned + 64 * k));
        /* 2. All scales at once. */
        vf steps = steps_of(&heads, i % HEADS, a.pairs);
        mins += steps;
        sum = vf_fma(vf_evens_twice(steps), vf_from_vi(s), sum);
    }
    return vf_sum(sum * NIBBLES_UNIT - vf_only_odds(mins));
}

float SIMD_FN(dot_q5_k)(const void *blocks, ActQ8 a, int64_t n)
{
    vf sum = vf_zero(), upper = vf_zero(), mins = vf_zero();
    const BlockQ5_K *b = blocks;
    Heads heads;
    for (int64_t i = 0; i < n / 256; i++, b++, a.turned += 256, a.pairs += 16) {
        prefetch_ahead(b, sizeof *b);
        if (i % HEADS == 0) read_heads(&heads, b, sizeof *b, n / 256 - i);
        vi s = vi_set1(0), t = vi_set1(0);
        EACH_STEP
        {
            vb q = vb_load(a.turned + 64 * k);
            s = vi_dot4_us(s, vb_turn_nibbles(b->q, k) & NIBBLES, q);
            t = vi_dot4_us(t, vb_turn_bits(b->qh, k) & BITS, q);
        }
        vf steps = steps_of(&heads, i % HEADS, a.pairs), step = vf_evens_twice(steps);
        mins += steps;
        sum = vf_fma(step, vf_from_vi(s), sum);
        upper = vf_fma(step, vf_from_vi(t), upper);
    }
    return vf_sum(sum * NIBBLES_UNIT + vf_set1(16) * upper * BITS_UNIT - vf_only_odds(mins));
}

/* Turning both fields would cost more than it saves. Sums of four products fit in 16 bits, 4 * 63 * 127 =
 * 32004, so those of neighbours are added in pairs, with half as many conversions as a result. */
float SIMD_FN(dot_q6_k)(const void *blocks, ActQ8 a, int64_t n)
{
    const vi order = {0, 0, 4, 4, 1, 1, 5, 5, 2, 2, 6, 6, 3, 3, 7, 7};
    vf sum[2] = {vf_zero(), vf_zero()}, zero = vf_zero();
    const BlockQ6_K *b = blocks;
    for (int64_t i = 0; i < n / 256; i++, b++, a.q += 256, a.pairs += 16, a.half += 16) {
        prefetch_ahead(b, sizeof *b);
        vf scale = vf_from_vi(vi_load_i8(b->scales)) * vf_half(b->scales + 10, 3);
        zero = vf_fma(scale, vf_load(a.half), zero);
        scale *= vf_load_twice(a.pairs);
#pragma GCC unroll 2
        for (int h = 0; h < 2; h++) {
            /* Upper bits of two pairs of groups; of the second they are in place. */
            vb low = vb_load(b->ql + 64 * h);
            vb high = vb_pair(b->qh + 32 * h, 0, 2, 0, 0) & vb_set1(0x33);
            vb first = vb_select(vb_set1(15), low, (vb)((vi)high << 4));
            vb second = vb_select(vb_set1(15), (vb)((vi)low >> 4), high);
            vi s = vi_dot4_us(vi_set1(0), first, vb_load(a.q + 128 * h));
            vi t = vi_dot4_us(vi_set1(0), second, vb_load(a.q + 128 * h + 64));
            vf step = vf_permute(scale, order + vi_set1(8 * h));
            sum[h] = vf_fma(step, vf_from_vi(vi_fold_words(s, t)), sum[h]);
        }
    }
    return vf_sum(sum[0] + sum[1] - vf_set1(32) * zero);
}

#endif
