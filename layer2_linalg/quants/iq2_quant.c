/* iq2_quant.c: weights to IQ2_XXS, IQ2_XS and IQ2_S: the bit pictures are in iq2.c.
 *
 * Each block of 32 or 16 weights: signs, then iq_fit's rows and scale. The scales of the super-block
 * become D (2 s + 1), D the largest / 31. At two bits an error of an important weight must not be paid
 * for one that hardly matters: the formats are meant to be used with an importance; without one all
 * columns count alike. */
#include "iq_fit.h"
#include "layer2_kernels.h"

#include <string.h>

/* A block of 256, before it is packed. */
typedef struct {
    uint16_t row[32];
    uint8_t signs[32];
    float scale[16];
    int s[16];
    float d; /* D; 0: all weights are zero */
} Fitted;

static void scales_of(Fitted *f, int n)
{
    float most = iq_largest(f->scale, n);
    f->d = most > 0.0f ? most / 31.0f : 0.0f;
    for (int k = 0; k < n && f->d > 0.0f; k++)
        f->s[k] = iq_round(0.5f * (f->scale[k] / f->d - 1.0f), 15);
}

static const float *ones(void)
{
    static const float one[256] = {
#define EIGHT 1, 1, 1, 1, 1, 1, 1, 1
#define SIXTY_FOUR EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT
        SIXTY_FOUR, SIXTY_FOUR, SIXTY_FOUR, SIXTY_FOUR};
    return one;
}

/* The largest code 4 magnitudes are worth, by least squares over a few scales; codes 0 to 4. */
static float start_xxs(const float *x, const float *w, int n)
{
    float most = iq_largest(x, n), best = INFINITY, inverse = 0.0f;
    if (!(most >= 1e-15f)) return 0.0f;
    for (int k = 0; k < 9; k++) {
        /* s = 0 first, then -4 to 4. */
        int s = k == 0 ? 0 : k <= 4 ? k - 5 : k - 4;
        float t = (4.0f + 0.1f * (float)s) / most, unit = 1.0f / t, error = 0.0f;
        for (int i = 0; i < n; i++) {
            float e = x[i] - unit * (float)iq_round(t * x[i], 4);
            error += w[i] * e * e;
        }
        if (error < best) {
            best = error;
            inverse = t;
        }
    }
    float xl = 0.0f, ll = 0.0f;
    int l[32];
    for (int i = 0; i < n; i++) {
        l[i] = iq_round(inverse * x[i], 4);
        xl += w[i] * x[i] * (float)l[i];
        ll += w[i] * (float)(l[i] * l[i]);
    }
    /* One code at a time, as long as it explains more. */
    for (int pass = 0, changed = 1; pass < 5 && changed; pass++) {
        changed = 0;
        for (int i = 0; i < n; i++) {
            float xr = xl - w[i] * x[i] * (float)l[i], lr = ll - w[i] * (float)(l[i] * l[i]);
            if (!(xr > 0.0f && lr > 0.0f)) continue;
            int better = iq_round(x[i] * lr / xr, 4);
            if (better == l[i]) continue;
            xr += w[i] * x[i] * (float)better;
            lr += w[i] * (float)(better * better);
            if (xr * xr * ll <= xl * xl * lr) continue;
            l[i] = better;
            xl = xr;
            ll = lr;
            changed = 1;
        }
    }
    return ll > 0.0f ? 3.0f * xl / ll : 0.0f;
}

typedef enum { XXS, XS, S } Kind;

static void fit(Fitted *f, Kind kind, const float *x, const float *importance)
{
    static const IqSearch searches[] = {{32, 6, 5.0f, 0.1f, REFINE_ALL},
                                        {16, 9, 5.0f, 0.1f, REFINE_MISSES},
                                        {16, 9, 5.0f, 0.1f, REFINE_MISSES}};
    const IqSearch *search = &searches[kind];
    IqNear near = iq_near_of((IqKind)(IQ_2_XXS + kind));
    float mean = iq_mean_square(x), sigma2 = kind == S ? 2.0f * mean : mean;
    *f = (Fitted){.d = 0.0f};
    for (int k = 0; k < 256 / search->n; k++) {
        const float *block = x + search->n * k;
        uint8_t *signs = f->signs + search->n / 8 * k;
        float w[32], ax[32];
        if (importance || kind != S)
            iq_weights(w, block, (importance ? importance : ones()) + (importance ? search->n * k : 0),
                       sigma2, search->n);
        else
            for (int i = 0; i < search->n; i++) w[i] = 0.25f * sigma2 + block[i] * block[i];
        for (int g = 0; g < search->n / 8; g++)
            signs[g] = (uint8_t)iq_take_signs(ax + 8 * g, block + 8 * g, w + 8 * g, kind != S);
        float most = iq_largest(ax, search->n), start = most;
        if (!(most >= (kind == S ? 1e-8f : 1e-15f))) continue;
        if (kind == XXS) start = start_xxs(ax, w, search->n);
        if (!(start > 0.0f)) continue;
        f->scale[k] = iq_fit(search, near, ax, w, start, f->row + search->n / 8 * k);
        if (f->scale[k] < 0.0f) {
            f->scale[k] = -f->scale[k];
            for (int g = 0; g < search->n / 8; g++) signs[g] ^= 255;
        }
    }
    scales_of(f, 256 / search->n);
}

void quant_iq2_xxs_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    BlockIQ2_XXS *b = blocks;
    Fitted f;
    for (int64_t i = 0; i < n / 256; i++, b++) {
        fit(&f, XXS, x + 256 * i, importance ? importance + 256 * i : NULL);
        memset(b, 0, sizeof *b);
        b->d = f32_to_f16(f.d);
        for (int k = 0; k < 8 && f.d > 0.0f; k++) {
            uint32_t rows = 0, word = (uint32_t)f.s[k] << 28;
            for (int l = 0; l < 4; l++) {
                rows |= (uint32_t)f.row[4 * k + l] << 8 * l;
                word |= (f.signs[4 * k + l] & 127u) << 7 * l;
            }
            memcpy(b->q + 4 * k, &rows, 4);
            memcpy(b->q + 4 * k + 2, &word, 4);
        }
    }
}

void quant_iq2_xs_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    BlockIQ2_XS *b = blocks;
    Fitted f;
    for (int64_t i = 0; i < n / 256; i++, b++) {
        fit(&f, XS, x + 256 * i, importance ? importance + 256 * i : NULL);
        memset(b, 0, sizeof *b);
        b->d = f32_to_f16(f.d);
        if (!(f.d > 0.0f)) continue;
        for (int g = 0; g < 32; g++) b->q[g] = (uint16_t)(f.row[g] | (f.signs[g] & 127) << 9);
        for (int k = 0; k < 8; k++) b->scales[k] = (uint8_t)(f.s[2 * k] | f.s[2 * k + 1] << 4);
    }
}

void quant_iq2_s_scalar(void *blocks, const float *x, const float *importance, int64_t n)
{
    BlockIQ2_S *b = blocks;
    Fitted f;
    for (int64_t i = 0; i < n / 256; i++, b++) {
        fit(&f, S, x + 256 * i, importance ? importance + 256 * i : NULL);
        memset(b, 0, sizeof *b);
        b->d = f32_to_f16(0.9875f * f.d);
        if (!(f.d > 0.0f)) continue;
        for (int g = 0; g < 32; g++) {
            b->q[g] = (uint8_t)f.row[g];
            b->q[32 + g] = f.signs[g];
            b->qh[g / 4] |= (uint8_t)(f.row[g] >> 8 << 2 * (g % 4));
        }
        for (int k = 0; k < 8; k++) b->scales[k] = (uint8_t)(f.s[2 * k] | f.s[2 * k + 1] << 4);
    }
}
