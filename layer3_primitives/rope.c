/* rope.c: how far each pair turns at a position.
 *
 *   theta_j = pos * freq_scale * base^(-2j/R) / factor_j        j = 0 .. R/2 - 1
 *
 * Pair 0 turns by one radian per position, the last pair by about 1/base: a row of clock hands, from
 * the second hand to one that hardly moves. table [R] holds R/2 cosines, then R/2 sines.
 * Angles are computed in double precision: at position 100 000 the first angle has lost 17 bits
 * before its cosine is taken, more than f32 has to spare.
 * Source: Su et al. 2021, section 3.2.2; division of frequencies: Meta, Llama 3.1 (2024); YaRN: Peng et
 * al. 2023. */
#include "layer3.h"

#include <math.h>

//@ begin rope-angles
void rope_angles(float *table, int64_t pos, int n_rot, float base,
                 float freq_scale, const float *factors)
{
    int half = n_rot / 2;
    for (int j = 0; j < half; j++) {
        double theta = (double)pos * freq_scale *
                       pow(base, -2.0 * j / n_rot);
        if (factors) theta /= factors[j];
        table[j] = (float)cos(theta);
        table[half + j] = (float)sin(theta);
    }
}
//@ end rope-angles

/* The last pair turns by base^(-(R - 2)/R): a base a times larger makes it a^((R - 2)/R) times slower. */
float rope_base_ntk(float base, int n_rot, double longer)
{
    return (float)(base * pow(longer, (double)n_rot / (n_rot - 2)));
}

//@ begin rope-yarn
/* Pair j makes n_ctx base^(-2j/R) / 2 pi turns; solved for j. */
static double pair_of(int n_rot, float base, int64_t n_ctx, float turns)
{
    const double two_pi = 6.283185307179586;
    return n_rot / (2 * log(base)) * log((double)n_ctx / (turns * two_pi));
}

RopeYarn rope_yarn(int n_rot, float base, int64_t n_ctx_orig, float beta_fast,
                   float beta_slow, bool rounded)
{
    double low = pair_of(n_rot, base, n_ctx_orig, beta_fast);
    double high = pair_of(n_rot, base, n_ctx_orig, beta_slow);
    if (rounded) low = floor(low), high = ceil(high);
    return (RopeYarn){(float)(low > 0 ? low : 0),
                      (float)(high < n_rot - 1 ? high : n_rot - 1)};
}

void rope_angles_yarn(float *table, int64_t pos, int n_rot, float base,
                      float freq_scale, const float *factors, RopeYarn y)
{
    int half = n_rot / 2;
    double width = fmax(0.001, (double)y.high - y.low);
    for (int j = 0; j < half; j++) {
        double theta = (double)pos * pow(base, -2.0 * j / n_rot);
        if (factors) theta /= factors[j];
        /* 1: as trained; 0: divided. */
        double trained = 1 - fmin(1, fmax(0, (j - y.low) / width));
        theta *= trained + freq_scale * (1 - trained);
        table[j] = (float)cos(theta);
        table[half + j] = (float)sin(theta);
    }
}
//@ end rope-yarn

void rope_apply(RopeKind kind, float *x, int n_head, int d_head, int n_rot, const float *table)
{
    if (kind == ROPE_NONE) return;
    CHECK(n_rot >= 0 && n_rot % 2 == 0 && n_rot <= d_head, "%d of %d elements rotate", n_rot, d_head);
    CHECK(kind == ROPE_INTERLEAVED || kind == ROPE_HALF, "rotary kind %d", (int)kind);
    rope_fn *apply = kind == ROPE_INTERLEAVED ? rope_interleaved : rope_half;
    apply(x, n_head, d_head, n_rot, table);
}
