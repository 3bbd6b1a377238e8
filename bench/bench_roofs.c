/* bench_roofs.c: what this machine can do at best, measured in the same run as the kernels.
 *
 * Layer 2's roofline_measure gives the bandwidth of memory and the arithmetic peaks. Most kernels
 * work on data that is still in a cache, so two loops that do next to nothing are also timed on
 * buffers that fit into the caches of level 1, 2 and 3: reading, and adding one half to the other
 * (which also writes); the better one is the ceiling. One thread and all threads are two different
 * machines. */
#include "bench.h"
#include "roofline_kernels.h"

#include <string.h>

const char *const bench_level_name[ROOF_LEVELS] = {"L1", "L2", "L3", "memory"};

enum { MEMORY_BYTES = 512 << 20, L3_BYTES = 48 << 20, REPEATS = 11 };

typedef struct {
    float *buffer;
    int64_t n, rounds; /* floats per thread */
    bool add;
    uint32_t result[256];
} MoveProbe;

static void move_part(void *ctx, int64_t begin, int64_t end, int thread)
{
    MoveProbe *p = ctx;
    for (int64_t i = begin; i < end; i++) {
        float *mine = p->buffer + i * p->n;
        for (int64_t r = 0; r < p->rounds; r++) {
            if (p->add) vec_add(mine, mine + p->n / 2, p->n / 2);
            else p->result[thread] ^= roofline_read(mine, p->n * 4);
        }
    }
}

/* GB/s of all threads, each moving its own n floats again and again: the best of a few. Reading
 * moves 4 bytes per float; adding reads both halves and writes one: 6. */
static double move_rate(Pool *pool, float *buffer, int64_t n, bool add)
{
    MoveProbe p = {.buffer = buffer, .n = n, .add = add, .rounds = 1 + (4 << 20) / n};
    int n_threads = pool_threads(pool);
    double best = 0;
    for (int i = 0; i < REPEATS; i++) {
        int64_t t = clock_ns();
        pool_for(pool, n_threads, 1, move_part, &p);
        t = clock_ns() - t;
        double gbs = (double)(p.rounds * n * n_threads * (add ? 6 : 4)) / (double)(t > 0 ? t : 1);
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
    keep_larger(&r->gbs[t][ROOF_MEMORY], line.read_gbs);
    for (int level = ROOF_L1; level <= ROOF_L3; level++) {
        int64_t bytes = level == ROOF_L3 ? L3_BYTES / n : cpu_cache_bytes(level + 1) / 2;
        if (bytes < 4096) bytes = level == ROOF_L1 ? 16384 : 262144;
        bytes -= bytes % 4096;
        Arena arena = {0};
        float *buffer = arena_alloc(&arena, n, (size_t)bytes);
        if (!buffer) return fail(err, E_MEMORY, "no %lld bytes for measuring a cache",
                                 (long long)(n * bytes));
        for (int64_t i = 0; i < n * bytes / 4; i++) buffer[i] = 1.0f;
        keep_larger(&r->gbs[t][level], move_rate(pool, buffer, bytes / 4, false));
        keep_larger(&r->gbs[t][level], move_rate(pool, buffer, bytes / 4, true));
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
    return OK;
}

RoofLevel bench_level(double set_bytes)
{
    for (int level = ROOF_L1; level <= ROOF_L3; level++)
        if (set_bytes <= (double)cpu_cache_bytes(level + 1)) return (RoofLevel)level;
    return ROOF_MEMORY;
}

/* The part of the roofline that a row reaches: the time in which the machine could at best compute
 * (flops / peak) or move the data (bytes / bandwidth), the longer one, over the time it took. */
void bench_relate(Bench *b)
{
    Roofs *roofs = &b->roofs;
    /* The table has the peak loops too. And all threads can do at least what one can. */
    for (int i = 0; i < b->n_rows; i++) {
        const BenchRow *r = &b->rows[i];
        if (r->median_ns <= 0) continue;
        double rate = r->flops / r->median_ns;
        if (strcmp(r->op, "roofline_fma") == 0) keep_larger(&roofs->fma_gflops[0], rate);
        if (strcmp(r->op, "roofline_int8") == 0) keep_larger(&roofs->int8_gops[0], rate);
    }
    for (int l = 0; l < ROOF_LEVELS; l++) keep_larger(&roofs->gbs[1][l], roofs->gbs[0][l]);
    keep_larger(&roofs->fma_gflops[1], roofs->fma_gflops[0]);
    keep_larger(&roofs->int8_gops[1], roofs->int8_gops[0]);

    for (int i = 0; i < b->n_rows; i++) {
        BenchRow *r = &b->rows[i];
        int t = r->threads > 1;
        r->bound = "none";
        if ((r->flops == 0 && r->bytes == 0) || r->median_ns <= 0) continue;
        double peak = r->int8 ? roofs->int8_gops[t]
                    : r->int16 ? roofs->int8_gops[t] / 2 : roofs->fma_gflops[t];
        double compute = r->flops / peak;
        double move = r->bytes / roofs->gbs[t][r->level];
        r->bound = compute > move ? "peak" : bench_level_name[r->level];
        r->roof = (compute > move ? compute : move) / r->median_ns;
    }
}
