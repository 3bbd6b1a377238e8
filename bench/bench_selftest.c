/* bench_selftest.c: a check that cannot fail is no check. An op with two variants that are wrong in
 * one element, and one that has no case, are put into the kernel table; the driver must notice. */
#include "bench.h"

#include <string.h>

enum { N = 1000 };

typedef void planted_fn(float *y, const float *x, int64_t n);
static planted_fn *planted, *forgotten;

static void planted_right(float *y, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = 2 * x[i];
}

static void planted_also_right(float *y, const float *x, int64_t n)
{
    for (int64_t i = n; i-- > 0;) y[i] = x[i] + x[i];
}

/* Fast because it leaves out the last element. */
static void planted_wrong(float *y, const float *x, int64_t n) { planted_right(y, x, n - 1); }

/* Wrong by very little, in one place. */
static void planted_near(float *y, const float *x, int64_t n)
{
    planted_right(y, x, n);
    y[n / 2] *= 1.001f;
}

#define ROW(op, variant, fn) {#op, #variant, CPU_ANY, (KernelFn *)(fn), (KernelFn **)(void *)&op, 1}
static const KernelRow rows[] = {
    ROW(planted, right, planted_right), ROW(planted, also_right, planted_also_right),
    ROW(planted, wrong, planted_wrong), ROW(planted, near, planted_near),
    ROW(forgotten, right, planted_right)};

typedef struct { float *x, *y; } PlantedState;

static void planted_run(BenchCase *c)
{
    PlantedState *s = c->state;
    planted(s->y, s->x, N);
}

static Status planted_setup(BenchCase *c, Bench *b, Err *err)
{
    (void)b;
    PlantedState *s = BENCH_NEW(c, PlantedState, 1, err);
    if (!s) return E_MEMORY;
    s->x = bench_normals(c, 1, N, err);
    s->y = BENCH_NEW(c, float, N, err);
    if (!s->x || !s->y) return E_MEMORY;
    bench_size(c, "n=%d", N);
    c->state = s;
    c->run = planted_run;
    c->out = s->y, c->n_out = N;
    c->tol = 1e-6;
    return OK;
}

static bool is(const Bench *b, const char *variant, const char *status, bool timed)
{
    for (int i = 0; i < b->n_rows; i++) {
        const BenchRow *r = &b->rows[i];
        if (strcmp(r->variant, variant) != 0) continue;
        return strcmp(r->status, status) == 0 && (r->median_ns > 0) == timed &&
               (r->ratio > 0) == timed;
    }
    return false;
}

static int report(const char *claim, bool holds)
{
    printf("%s %s\n", holds ? "[       OK ]" : "[  FAILED  ]", claim);
    return holds ? 0 : 1;
}

int bench_self_test(Bench *b)
{
    Err err;
    int failed = report("bench_has_a_case_for_every_op", bench_ops_without_case(b) == 0);
    kernels_register(rows, (int)(sizeof rows / sizeof *rows));
    bench_add(b, (BenchCase){.op = "planted", .setup = planted_setup});
    failed += report("bench_notices_op_without_case", bench_ops_without_case(b) == 1);
    b->only = "planted";
    b->quiet = true;
    b->sample_ns = 1e5;
    failed += report("bench_counts_wrong_twins", bench_run(b) == 2);
    failed += report("bench_times_variants_that_agree",
                     is(b, "right", "ok", true) && is(b, "also_right", "ok", true));
    failed += report("bench_refuses_wrong_twin", is(b, "wrong", "wrong", false));
    failed += report("bench_refuses_twin_wrong_in_one_place", is(b, "near", "wrong", false));
    bench_relate(b);
    failed += report("bench_writes_a_table", bench_write_tsv(b, &err) == OK);
    /* Again, when the time is over: what agrees is validated, not timed, and is a problem. */
    b->n_rows = 0;
    b->limit_ns = -1;
    failed += report("bench_says_what_it_had_no_time_for",
                     bench_run(b) == 4 && is(b, "right", "late", false) &&
                     is(b, "also_right", "late", false) && is(b, "wrong", "wrong", false));
    return failed ? 1 : 0;
}
