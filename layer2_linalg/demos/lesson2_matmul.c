/* lesson2_matmul: one product, climbing the ladder.
 *
 * First a model: a simulated cache counts the lines that each order of the loops fetches. Then the
 * machine: every variant in the kernel table is timed on the same matrices.
 * --plain: the model only, the same everywhere. --blas: also OpenBLAS, if it is installed. */
#include "layer2.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LINE = 64, WAYS = 8, SETS = 64, SIM_N = 192 }; /* 64 sets of 8 lines: 32 KB */
typedef struct { int64_t line[SETS][WAYS], fetched; } Cache;

/* Looks up one address. The lines of a set stand in order of use; the oldest makes room. */
static void touch(Cache *c, int64_t address)
{
    int64_t tag = address / LINE + 1, *set = c->line[tag % SETS];
    int way = 0;
    while (way < WAYS - 1 && set[way] != tag) way++;
    c->fetched += set[way] != tag;
    memmove(set + 1, set, (size_t)way * sizeof *set);
    set[0] = tag;
}

/* A, B and C lie one after the other; rows_of_b: ikj, else ijk; tile = SIM_N: no tiles. */
static int64_t lines_fetched(bool rows_of_b, int64_t tile)
{
    static Cache cache;
    memset(&cache, 0, sizeof cache);
    const int64_t n = SIM_N, at_b = 4 * n * n, at_c = 2 * at_b;
    for (int64_t p0 = 0; p0 < n; p0 += tile)
        for (int64_t j0 = 0; j0 < n; j0 += tile)
            for (int64_t i = 0; i < n; i++)
                for (int64_t x = 0; x < tile * tile; x++) {
                    int64_t p = p0 + (rows_of_b ? x / tile : x % tile);
                    int64_t j = j0 + (rows_of_b ? x % tile : x / tile);
                    touch(&cache, 4 * (i * n + p));
                    touch(&cache, at_b + 4 * (p * n + j));
                    touch(&cache, at_c + 4 * (i * n + j));
                }
    return cache.fetched;
}

static void bar(double part)
{
    int full = (int)(part * 30 + 0.5);
    for (printf(full > 0 ? "  " : "  ▏"); full > 0; full--) printf("█");
    printf("\n");
}

static void show_model(void)
{
    const char *names[] = {"ijk", "ikj", "tiled"};
    int64_t n = SIM_N, lines[] = {lines_fetched(0, n), lines_fetched(1, n), lines_fetched(1, 64)};
    printf("%d x %d x %d in a cache of 32 KB, lines of 64 bytes:\n\n", SIM_N, SIM_N, SIM_N);
    printf("  order    lines fetched   per 1000 multiply-adds\n");
    for (int i = 0; i < 3; i++) {
        printf("  %-6s %15lld %12.1f", names[i], (long long)lines[i], 1e3 * (double)lines[i] / (double)(n * n * n));
        bar((double)lines[i] / (double)lines[0]);
    }
}

enum { N = 320 };
static float a[N * N], b[N * N], c[N * N];

/* Best of up to 9 runs within 50 ms: other programs can only make a run slower. */
static double gflops(const KernelRow *row, Pool *pool, void *scratch)
{
    int64_t best = INT64_MAX, start = clock_ns(), before = start, now = start;
    for (int run = 0; run < 9 && now - start < 50000000; run++, before = now) {
        ((matmul_fn *)row->fn)(pool, scratch, c, a, b, N, N, N);
        now = clock_ns();
        if (now - before < best) best = now - before;
    }
    return 2.0 * N * N * N / (double)best;
}

static Status show_machine(Arena *arena, Pool *pool, Err *err)
{
    void *scratch = arena_alloc(arena, matmul_scratch_bytes(N, N, N, pool_threads(pool)), 1);
    if (!scratch) return fail(err, E_MEMORY, "no memory for the packed panels");
    Rng rng = rng_seed(2);
    for (int i = 0; i < N * N; i++) a[i] = rng_normal(&rng), b[i] = rng_normal(&rng);

    Roofline roof;
    TRY(roofline_measure(&roof, NULL, 1 << 22, 0.2, err));
    printf("\n%d x %d x %d here; a core's peak is %.0f GFLOP/s, the last step has %d threads:\n\n", N,
           N, N, roof.fma_gflops, pool_threads(pool));
    printf("  variant     GFLOP/s   times ijk   of a core's peak   three blocks double\n");
    double first = 0;
    for (int i = 0; i < kernels_count(); i++) {
        const KernelRow *row = kernels_row(i);
        if (strcmp(row->op, "matmul") != 0 || !kernels_usable(row)) continue;
        double rate = gflops(row, pool, scratch);
        if (first == 0) first = rate;
        printf("  %-10s %8.1f %11.1f %10.1f %%", row->variant, rate, rate / first,
               100 * rate / roof.fma_gflops);
        bar(log2(rate / first) / 10);
    }
    return OK;
}

int main(int argc, char **argv)
{
    layer2_init();
    show_model();
    if (argc > 1 && strcmp(argv[1], "--plain") == 0) return 0;
    if (argc > 1 && strcmp(argv[1], "--blas") == 0 && !matmul_blas_open())
        fprintf(stderr, "OpenBLAS is not installed. HINT: apt-get install libopenblas0\n");
    Err err;
    Arena arena = {0};
    Pool *pool = NULL;
    Status s = pool_open(&pool, cpu_threads_default(), false, &err);
    if (s == OK) s = show_machine(&arena, pool, &err);
    if (s != OK) fprintf(stderr, "lesson2_matmul: %s\n", err.text);
    pool_close(pool);
    arena_close(&arena);
    return s == OK ? 0 : 1;
}
