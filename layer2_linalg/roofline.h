/* roofline.h: the two ceilings of this machine, measured: read bandwidth and multiply-add rate.
 *
 * A kernel that does F operations on B bytes takes at least max(F / peak, B / bandwidth). Reading
 * touches a buffer much larger than the caches; the arithmetic peak comes from chains of FMAs long
 * enough to hide their latency. Source: Williams, Waterman, Patterson 2009 (roofline model). */
#ifndef SIXFOLD_ROOFLINE_H
#define SIXFOLD_ROOFLINE_H

#include "layer1.h"

typedef struct {
    int n_threads;
    double read_gbs;     /* 1e9 bytes per second, median */
    double fma_gflops;   /* f32, 2 operations per FMA, best instruction set, median */
    double int8_gops;    /* byte dot products, 2 operations per product; 0 if there is no kernel */
} Roofline;

/* Measures with pool_threads(pool) threads on a buffer of n_bytes; takes about `seconds` in all. */
Status roofline_measure(Roofline *r, Pool *pool, int64_t n_bytes, double seconds, Err *err);

#endif
