/* rope.h: rotary position embedding: each pair of a head's elements turns by an angle proportional to
 * the position, so that dot products depend on distances only.
 *
 *   theta_j = pos * base^(-2j/R) / factor_j        j = 0 .. R/2 - 1
 *   (a, b) -> (a cos - b sin, a sin + b cos)
 *
 * Pairings: interleaved (2j, 2j+1), called NORM in the field; half-split (j, j + R/2), called NEOX.
 * Elements from R on are left alone (partial rotary).
 *
 * Interface: rope_angles fills the table for one position; rope_interleaved and rope_half apply it to
 * n_head heads of d_head elements in place. R is even and <= d_head. All variants give the same bits.
 * Contexts longer than the trained one: positions divided by a factor (linear), a larger base (NTK),
 * factors per pair (Llama 3, LongRoPE), or a mixture per pair (YaRN).
 * Source: Su et al. 2021, section 3.2.2. */
#ifndef SIXFOLD_ROPE_H
#define SIXFOLD_ROPE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum { ROPE_NONE, ROPE_INTERLEAVED, ROPE_HALF } RopeKind;

/* table [R]: R/2 cosines, then R/2 sines. factors [R/2] divides the angles, NULL for all ones;
 * freq_scale multiplies the position (linear scaling: 1/factor; 1 for none). Angles are computed in
 * double precision. */
void rope_angles(float *table, int64_t pos, int n_rot, float base, float freq_scale,
                 const float *factors);

/* NTK: the base with which the slowest pair turns `longer` times slower and the fastest as ever; n_rot > 2. */
float rope_base_ntk(float base, int n_rot, double longer);

/* YaRN: pairs below `low` turn as they were trained, pairs above `high` as if the position were divided
 * by the scaling factor, those between are a mixture. Pairs count from 0; low < high. */
typedef struct { float low, high; } RopeYarn;

/* The pairs that turn beta_fast and beta_slow times within the context n_ctx_orig that the model was
 * trained with: low and high above, usually rounded outwards. Source: Peng et al. 2023 (YaRN), section 3.2. */
RopeYarn rope_yarn(int n_rot, float base, int64_t n_ctx_orig, float beta_fast, float beta_slow, bool rounded);

/* As rope_angles; freq_scale is 1/factor and meets each pair as far as y says. */
void rope_angles_yarn(float *table, int64_t pos, int n_rot, float base, float freq_scale,
                      const float *factors, RopeYarn y);

typedef void rope_fn(float *x, int n_head, int d_head, int n_rot, const float *table);
extern rope_fn *rope_interleaved, *rope_half;

/* By kind; ROPE_NONE does nothing. */
void rope_apply(RopeKind kind, float *x, int n_head, int d_head, int n_rot, const float *table);

#endif
