/* rng.c: numbers that look random and can be repeated.
 *
 * xoshiro256** keeps 256 bits of state. One step is linear (shifts, rotations, exclusive or), which
 * gives the period 2^256 - 1; the output multiplies one word of the state, which hides the
 * linearity. A seed of 64 bits is spread over the state by splitmix64, so that the seeds 0, 1, 2
 * give unrelated sequences and the state is never all zero (the one state that never moves).
 * Source: Blackman and Vigna 2021; Steele, Lea and Flood 2014 (splitmix). */
#include "rng.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *x)
{
    uint64_t z = *x += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static uint64_t rotate_left(uint64_t x, int k) { return x << k | x >> (64 - k); }

Rng rng_seed(uint64_t seed)
{
    Rng r;
    for (int i = 0; i < 4; i++) r.s[i] = splitmix64(&seed);
    return r;
}

//@ begin rng-step
uint64_t rng_u64(Rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}
//@ end rng-step

uint64_t rng_below(Rng *r, uint64_t n)
{
    /* 2^64 is rarely a multiple of n, so x % n alone would prefer small values. The first
     * 2^64 mod n values of x are refused; what is left is a whole number of rounds of n. */
    uint64_t refused = (0 - n) % n, x;
    do x = rng_u64(r);
    while (x < refused);
    return x % n;
}

/* The upper bits are the best mixed ones; 24 and 53 are what the mantissas hold. */
float rng_f32(Rng *r) { return (float)(rng_u64(r) >> 40) * 0x1p-24f; }
double rng_f64(Rng *r) { return (double)(rng_u64(r) >> 11) * 0x1p-53; }

float rng_normal(Rng *r)
{
    /* Box-Muller: a point of the plane with normal coordinates has radius sqrt(-2 ln u) and any
     * angle. 1 - u lies in (0, 1], where the logarithm is finite. */
    double radius = sqrt(-2 * log(1 - rng_f64(r)));
    double angle = 6.283185307179586 * rng_f64(r);
    return (float)(radius * cos(angle));
}
