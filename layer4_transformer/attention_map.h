/* attention_map.h: where a head looks, as a square of weights, and how much of that is one habit.
 *
 *   map [n, n]: row t holds the weights that query t gives to the keys 0 .. t; they add up to 1
 *
 *   lag score   mean over the rows t = first .. end - 1 of map[t][t - lag]
 *   one back    lag 1: what a previous-token head does
 *   induction   where the same tokens stand a second time, `distance` after the first: what followed the
 *               earlier copy of token t stands at t - distance + 1, so lag = distance - 1
 *
 * Interface: for lessons and pictures; no kernels, no memory. Scores lie between 0 and 1; a head that
 * weighs all keys alike gets attention_chance.
 * Source of the second test: Olsson et al. 2022 (random tokens, repeated). */
#ifndef SIXFOLD_ATTENTION_MAP_H
#define SIXFOLD_ATTENTION_MAP_H

#include "attention.h"

/* Head h of a call that begins at position 0 (CHECKed); map has n_tok * n_tok places. */
void attention_map(const AttentionArgs *a, int h, float *map);

/* 0 <= lag <= first < end <= n (CHECKed). */
float attention_lag_score(const float *map, int64_t n, int64_t first, int64_t end, int64_t lag);

/* The same, for any lag, of a head whose row t holds 1 / (t + 1) everywhere. */
float attention_chance(int64_t first, int64_t end);

#endif
