/* iq3_quant.c: weights to IQ3_XXS and IQ3_S: the bit pictures are in iq3.c; the search is iq_fit.h's.
 *
 * Stored scales are a little larger than the best ones of the blocks (1.0125, 1.033): rounding them to
 * D (2 s + 1) makes small ones smaller on average. */
#include "iq_fit.h"
#include "layer2_kernels.h"

#include <string.h>

typedef struct {
    uint16_t row[64];
    uint8_t signs[32];
    float scale[8];
    int s[8];
    float d; /* the largest scale / 31; 0: all weights are zero */
} Fitted;

static void fit(Fitted *f, IqKind kind, const float *x, const float *importance)
{
    const bool even = kind == IQ_3_XXS;
    const IqSearch search = {32, even ? 15 : 9, 15.0f, 0.2f,
                             even ? REFINE_MISSES : REFINE_ALL_IF_MISSED};
    IqNear near = iq_near_of(kind);
    float sigma2 = 2.0f * iq_mean_square(x);
    *f = (Fitted){.d = 0.0f};
    for (int k = 0; k < 8; k++) {
        const float *block = x + 32 * k;
        float w[32], ax[32];
        if (importance) iq_weights(w, block, importance + 32 * k, sigma2, 32);
        else
            for (int i = 0; i < 32; i++) w[i] = block[i] * block[i];
        for (int g = 0; g < 4; g++)
            f->signs[4 * k + g] =
                (uint8_t)iq_take_signs(ax + 8 * g, block + 8 * g, w + 8 * g, even);
        float most = iq_largest(ax, 32);
        if (!(most >= 1e-8f) && (even || !(most > 0.0f))) continue;
        f->scale[k] = iq_fit(&search, near, ax, w, most, f->row + 8 * k);
        if (f->scale[k] < 0.0f) {
            f->scale[k] = -f->scale[k];
            for (int g = 0; g < 4; g++) f->signs[4 * k + g] ^= 255;
        }
    }
    float most = iq_largest(f->scale, 8);
    f->d = most > 0.0f ? most / 31.0f : 0.0f;
    for (int k = 0; k < 8 && f->d > 0.0f; k++)
        f->s[k] = iq_round(0.5f * (f->scale[k] / f->d - 1.0f), 15);
}

void quant_iq3_xxs_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    BlockIQ3_XXS *b = blocks;
    Fitted f;
    for (int64_t i = 0; i < n / 256; i++, b++) {
        fit(&f, IQ_3_XXS, x + 256 * i, importance ? importance + 256 * i : NULL);
        memset(b, 0, sizeof *b);
        b->d = f32_to_f16(1.0125f * f.d);
        if (!(f.d > 0.0f)) continue;
        for (int g = 0; g < 64; g++) b->q[g] = (uint8_t)f.row[g];
        for (int k = 0; k < 8; k++) {
            uint32_t word = (uint32_t)f.s[k] << 28;
            for (int l = 0; l < 4; l++) word |= (f.signs[4 * k + l] & 127u) << 7 * l;
            memcpy(b->q + 64 + 4 * k, &word, 4);
        }
    }
}

void quant_iq3_s_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    BlockIQ3_S *b = blocks;
    Fitted f;
    for (int64_t i = 0; i < n / 256; i++, b++) {
        fit(&f, IQ_3_S, x + 256 * i, importance ? importance + 256 * i : NULL);
        memset(b, 0, sizeof *b);
        b->d = f32_to_f16(1.033f * f.d);
        if (!(f.d > 0.0f)) continue;
        for (int g = 0; g < 64; g++) {
            b->q[g] = (uint8_t)f.row[g];
            b->qh[g / 8] |= (uint8_t)(f.row[g] >> 8 << g % 8);
        }
        memcpy(b->signs, f.signs, sizeof b->signs);
        for (int k = 0; k < 4; k++) b->scales[k] = (uint8_t)(f.s[2 * k] | f.s[2 * k + 1] << 4);
    }
}
