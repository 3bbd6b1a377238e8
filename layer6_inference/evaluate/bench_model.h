/* bench_model.h: how fast a model reads a prompt (ppN) and writes (tgN).
 *
 * Interface: each test runs once unmeasured, then `repeats` times; samples are tokens per second in
 * the order taken. Prompt tokens are random ids with a fixed seed; sampling is left out, as in the
 * field's bench tool. Caches are re-used between repeats, positions start at 0. */
#ifndef SIXFOLD_BENCH_MODEL_H
#define SIXFOLD_BENCH_MODEL_H

#include "kvcache.h"

enum { BENCH_MAX_SAMPLES = 1000 };

typedef struct {
    char name[32];          /* "pp512", "tg64" */
    int64_t n_prompt, n_gen;
    int n_threads, n_samples;
    double samples_ts[BENCH_MAX_SAMPLES];
    double median_ts, min_ts, max_ts;
} BenchResult;

/* One test: n_prompt > 0 and n_gen = 0, or the reverse. */
Status bench_model(BenchResult *r, Session *s, KvCache *kv, int64_t n_prompt, int64_t n_gen,
                   int repeats, const volatile int *stop, Err *err);

#endif
