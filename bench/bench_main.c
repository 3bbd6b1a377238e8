/* bench_main.c: naive against optimised, for every operation of the engine.
 *
 *     bench_compare [--out DIR] [--op OP] [--size TEXT] [--samples N] [--threads N] [--self-test]
 *
 * Writes DIR/bench.tsv and a summary. Exit status: 0 all right; 1 a variant is wrong, an op of the
 * kernel table has no case here, or something failed; 2 the command line. */
#include "bench.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_CASES = 512, MAX_ROWS = 4096, LIMIT_SECONDS = 270 };

/* ---------------------------------------------------------------- what setup functions use */

void *bench_alloc(BenchCase *c, int64_t count, size_t size, Err *err)
{
    void *p = arena_alloc(&c->arena, count, size);
    if (!p)
        fail(err, E_MEMORY, "%s: no memory for %lld times %zu bytes. HINT: close other programs",
             c->op, (long long)count, size);
    return p;
}

float *bench_normals(BenchCase *c, uint64_t seed, int64_t n, Err *err)
{
    float *x = BENCH_NEW(c, float, n, err);
    Rng rng = rng_seed(seed);
    /* Drawing takes time: long vectors repeat their beginning with other signs. */
    enum { DRAWN = 65537 };
    for (int64_t i = 0; x && i < n; i++) {
        if (i < DRAWN) x[i] = rng_normal(&rng);
        else x[i] = rng_u64(&rng) >> 63 ? x[i - DRAWN] : -x[i - DRAWN];
    }
    return x;
}

void bench_size(BenchCase *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(c->size, sizeof c->size, fmt, args);
    va_end(args);
}

void bench_add(Bench *b, BenchCase c)
{
    CHECK(b->n_cases < b->cap_cases, "more than %d cases", b->cap_cases);
    b->cases[b->n_cases++] = c;
}

/* ---------------------------------------------------------------- all cells */

static bool has_case(const Bench *b, const char *op)
{
    for (int i = 0; i < b->n_cases; i++)
        if (strcmp(b->cases[i].op, op) == 0) return true;
    return false;
}

/* Every op of the kernel table must be measured; returns how many are not. */
int bench_ops_without_case(const Bench *b)
{
    int missing = 0;
    for (int i = 0; i < kernels_count(); i++) {
        const char *op = kernels_row(i)->op;
        if ((i > 0 && strcmp(kernels_row(i - 1)->op, op) == 0) || has_case(b, op)) continue;
        fprintf(stderr, "error: op '%s' of the kernel table has no case in bench/. HINT: add one\n",
                op);
        missing++;
    }
    return missing;
}

int bench_run(Bench *b)
{
    int failed = 0, selected = 0;
    int64_t done = 0;
    for (int i = 0; i < b->n_cases; i++)
        selected += !b->only || strcmp(b->only, b->cases[i].op) == 0;
    Progress progress;
    progress_start(&progress, "measuring", selected, "cells", 1, b->quiet);
    for (int i = 0; i < b->n_cases; i++) {
        BenchCase *c = &b->cases[i];
        Err err = {{0}};
        if (b->only && strcmp(b->only, c->op) != 0) continue;
        int first = b->n_rows;
        if (bench_case(b, c, &err) != OK) {
            fprintf(stderr, "error: %s: %s\n", c->op, err.text);
            failed++;
        }
        progress_update(&progress, ++done);
        for (int r = first; r < b->n_rows; r++)
            failed +=
                strcmp(b->rows[r].status, "wrong") == 0 || strcmp(b->rows[r].status, "late") == 0;
    }
    progress_end(&progress);
    return failed;
}

static Status bench_open(Bench *b, Err *err)
{
    b->start_ns = clock_ns();
    b->cap_cases = MAX_CASES;
    b->cap_rows = MAX_ROWS;
    b->cases = ARENA_NEW(&b->arena, BenchCase, MAX_CASES);
    b->rows = ARENA_NEW(&b->arena, BenchRow, MAX_ROWS);
    if (!b->cases || !b->rows) return fail(err, E_MEMORY, "no memory for the results");
    if (mkdir(b->out_dir, 0777) != 0 && errno != EEXIST)
        return fail(err, E_IO,
                    "cannot make the directory '%.300s': %s. HINT: its parent must exist",
                    b->out_dir, strerror(errno));
    return pool_open(&b->pool, b->n_threads, false, err);
}

static void add_all(Bench *b)
{
    bench_add_runtime(b);
    bench_add_vec(b);
    bench_add_matmul(b);
    bench_add_quants(b);
    bench_add_primitives(b);
    bench_add_attention(b);
    bench_add_lowrank(b);
    bench_add_moe(b);
    bench_add_latent(b);
    bench_add_scan(b);
    bench_add_tokenizer(b);
    bench_add_import(b);
    bench_add_generate(b);
    bench_add_dots(b);
    bench_add_panel_int8(b);
    bench_add_panel_int16(b);
    bench_add_linear(b);
    bench_add_blas(b);
}

static int compare(Bench *b, Err *err)
{
    int failed = b->only ? 0 : bench_ops_without_case(b);
    if (b->only && !has_case(b, b->only)) {
        fail(err, E_ARG, "no op is called '%.60s'. HINT: see layer*/kernels.def", b->only);
        return 2;
    }
    if (!b->quiet) fprintf(stderr, "measuring what this machine can do at best\n");
    if (bench_roofs(b, err) != OK) return 1;
    failed += bench_run(b);
    if (b->size && b->n_rows == 0 && failed == 0) {
        fail(err, E_ARG, "no size has '%.40s' in it. HINT: --op alone shows an op's sizes", b->size);
        return 2;
    }
    if (bench_roofs(b, err) != OK) return 1;
    bench_relate(b);
    bench_print_summary(b);
    if (bench_write_tsv(b, err) != OK) return 1;
    printf("%d rows in %s/bench.tsv, %d problems, %.0f s\n", b->n_rows, b->out_dir, failed,
           (double)(clock_ns() - b->start_ns) * 1e-9);
    return failed ? 1 : 0;
}

/* ---------------------------------------------------------------- command line */

static int usage(const char *what)
{
    fprintf(stderr, "error: %s\nusage: bench_compare [--out DIR] [--op OP] [--size TEXT] "
            "[--samples N (%d..%d)] [--threads N] [--quiet] [--self-test]\n", what, BENCH_MIN_SAMPLES,
            BENCH_SAMPLES);
    return 2;
}

static bool number(const char *text, int lo, int hi, int *out)
{
    char *end;
    long v = strtol(text, &end, 10);
    if (end == text || *end || v < lo || v > hi) return false;
    *out = (int)v;
    return true;
}

int main(int argc, char **argv)
{
    bench_blas_prepare();
    layer6_init();
    Bench b = {.n_threads = cpu_threads_default(), .n_samples = 15, .sample_ns = 1e6,
               .limit_ns = LIMIT_SECONDS * 1000000000ll, .out_dir = "bench/out"};
    bool self_test = false;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--self-test") == 0) self_test = true;
        else if (strcmp(argv[i], "--quiet") == 0) b.quiet = true;
        else if (strcmp(argv[i], "--out") == 0 && *value) b.out_dir = value, i++;
        else if (strcmp(argv[i], "--op") == 0 && *value) b.only = value, i++;
        else if (strcmp(argv[i], "--size") == 0 && *value) b.size = value, i++;
        else if (strcmp(argv[i], "--samples") == 0) {
            if (!number(value, BENCH_MIN_SAMPLES, BENCH_SAMPLES, &b.n_samples))
                return usage("--samples");
            i++;
        } else if (strcmp(argv[i], "--threads") == 0) {
            if (!number(value, 1, 256, &b.n_threads)) return usage("--threads");
            i++;
        } else return usage(argv[i]);
    }
    Err err = {{0}};
    int rc = 1;
    if (bench_open(&b, &err) == OK) {
        add_all(&b);
        rc = self_test ? bench_self_test(&b) : compare(&b, &err);
    }
    if (err.text[0]) fprintf(stderr, "error: %s\n", err.text);
    pool_close(b.pool);
    arena_close(&b.arena);
    return rc;
}
