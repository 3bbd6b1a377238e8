/* bench_roofs.c: what this machine can do at best, measured in the same run as the kernels.
 *
 * Layer 2's roofline_measure gives the bandwidth of memory and the arithmetic peaks. Most kernels work
 * on data that is still in a cache, so the same reading loop is also timed on buffers that fit into
 * the caches of level 1, 2 and 3. One thread and all threads are two different machines. */
#include "bench.h"
#include "roofline_kernels.h"

#include <string.h>

const char *const bench_level_name[ROOF_LEVELS] = {"L1", "L2", "L3", "memory"};

enum { MEMORY_BYTES = 512 << 20, L3_BYTES = 48 << 20, REPEATS = 11 };

typedef struct {
    const char *buffer;
    int64_t bytes, rounds; /* per thread */
    uint32_t result[256];
} ReadProbe;

static void read_part(void *ctx, int64_t begin, int64_t end, int thread)
{
    ReadProbe *p = ctx;
    for (int64_t i = begin; i < end; i++)
        for (int64_t r = 0; r < p->rounds; r++)
            p->result[thread] ^= roofline_read(p->buffer + i * p->bytes, p->bytes);
}

/* GB/s of n_threads threads, each reading its own `bytes` again and again: the best of a few. */
static double read_rate(Pool *pool, const char *buffer, int64_t bytes)
{
    ReadProbe p = {.buffer = buffer, .bytes = bytes, .rounds = 1 + (16 << 20) / bytes};
    int n = pool_threads(pool);
    double best = 0;
    for (int i = 0; i < REPEATS; i++) {
        int64_t t = clock_ns();
        pool_for(pool, n, 1, read_part, &p);
        t = clock_ns() - t;
        double gbs = (double)(p.rounds * bytes * n) / (double)(t > 0 ? t : 1);
        if (gbs > best) best = gbs;
    }
    return best;
}

static void keep_larger(double *best, double x)
{
    if (x > *best) *best = x;
}

static Status roofs_of(Bench *b, int t, Pool *pool, Err *err)
{
    Roofs *r = &b->roofs;
    Roofline line;
    int n = pool_threads(pool);
    TRY(roofline_measure(&line, pool, MEMORY_BYTES, 1.2, err));
    keep_larger(&r->fma_gflops[t], line.fma_gflops);
    keep_larger(&r->int8_gops[t], line.int8_gops);
    keep_larger(&r->read_gbs[t][ROOF_MEMORY], line.read_gbs);
    for (int level = ROOF_L1; level <= ROOF_L3; level++) {
        int64_t bytes = level == ROOF_L3 ? L3_BYTES / n : cpu_cache_bytes(level + 1) / 2;
        if (bytes < 4096) bytes = level == ROOF_L1 ? 16384 : 262144;
        bytes -= bytes % 4096;
        Arena arena = {0};
        char *buffer = arena_alloc(&arena, n, (size_t)bytes);
        if (!buffer) return fail(err, E_MEMORY, "no %lld bytes for measuring a cache",
                                 (long long)(n * bytes));
        memset(buffer, 7, (size_t)(n * bytes));
        keep_larger(&r->read_gbs[t][level], read_rate(pool, buffer, bytes));
        arena_close(&arena);
    }
    return OK;
}

Status bench_roofs(Bench *b, Err *err)
{
    Pool *one = NULL;
    TRY(pool_open(&one, 1, false, err));
    Status s = roofs_of(b, 0, one, err);
    pool_close(one);
    if (s != OK) return s;
    if (b->n_threads > 1) TRY(roofs_of(b, 1, b->pool, err));
    /* All threads together can do at least what one can. */
    Roofs *r = &b->roofs;
    for (int l = 0; l < ROOF_LEVELS; l++) keep_larger(&r->read_gbs[1][l], r->read_gbs[0][l]);
    keep_larger(&r->fma_gflops[1], r->fma_gflops[0]);
    keep_larger(&r->int8_gops[1], r->int8_gops[0]);
    return OK;
}

RoofLevel bench_level(double set_bytes)
{
    for (int level = ROOF_L1; level <= ROOF_L3; level++)
        if (set_bytes <= (double)cpu_cache_bytes(level + 1)) return (RoofLevel)level;
    return ROOF_MEMORY;
}

/* The part of the roofline that a row reaches: the time in which the machine could at best compute
 * (flops / peak) or move the data (bytes / bandwidth), whichever is longer, over the time it took. */
void bench_relate(Bench *b)
{
    const Roofs *roofs = &b->roofs;
    for (int i = 0; i < b->n_rows; i++) {
        BenchRow *r = &b->rows[i];
        int t = r->threads > 1;
        r->bound = "none";
        if ((r->flops == 0 && r->bytes == 0) || r->median_ns <= 0) continue;
        double compute = r->flops / (r->int8 ? roofs->int8_gops[t] : roofs->fma_gflops[t]);
        double move = r->bytes / roofs->read_gbs[t][r->level];
        r->bound = compute > move ? "peak" : bench_level_name[r->level];
        r->roof = (compute > move ? compute : move) / r->median_ns;
    }
}
