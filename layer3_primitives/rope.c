/* rope.c: how far each pair turns at a position.
 *
 *   theta_j = pos * freq_scale * base^(-2j/R) / factor_j        j = 0 .. R/2 - 1
 *
 * Pair 0 turns by one radian per position, the last pair by about 1/base: a row of clock hands, from
 * the second hand to one that hardly moves. table [R] holds R/2 cosines, then R/2 sines.
 * Angles are computed in double precision: at position 100 000 the first angle has lost 17 bits
 * before its cosine is taken, more than f32 has to spare.
 * Source: Su et al. 2021, section 3.2.2; division of frequencies: Meta, Llama 3.1 (2024). */
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

void rope_apply(RopeKind kind, float *x, int n_head, int d_head, int n_rot, const float *table)
{
    if (kind == ROPE_NONE) return;
    CHECK(n_rot >= 0 && n_rot % 2 == 0 && n_rot <= d_head, "%d of %d elements rotate", n_rot, d_head);
    CHECK(kind == ROPE_INTERLEAVED || kind == ROPE_HALF, "rotary kind %d", (int)kind);
    rope_fn *apply = kind == ROPE_INTERLEAVED ? rope_interleaved : rope_half;
    apply(x, n_head, d_head, n_rot, table);
}
