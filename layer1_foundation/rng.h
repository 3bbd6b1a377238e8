/* rng.h: reproducible random numbers: xoshiro256** seeded by splitmix64.
 *
 * The same seed gives the same sequence on every machine. Not for secrets. An Rng belongs to one
 * thread. Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021. */
#ifndef SIXFOLD_RNG_H
#define SIXFOLD_RNG_H

#include <stdint.h>

typedef struct { uint64_t s[4]; } Rng;

Rng rng_seed(uint64_t seed);
uint64_t rng_u64(Rng *r);
uint64_t rng_below(Rng *r, uint64_t n); /* uniform in [0, n), without bias; n > 0 */
float rng_f32(Rng *r);                  /* uniform in [0, 1), 24 bits */
double rng_f64(Rng *r);                 /* uniform in [0, 1), 53 bits */
float rng_normal(Rng *r);               /* mean 0, variance 1 (Box-Muller, one of the pair) */

#endif
