/* bench_runtime.c: what running costs before any arithmetic: waking threads, opening a file. And
 * the loops that measure the machine itself, because they are in the kernel table too. */
#include "bench.h"
#include "roofline_kernels.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------- pool: an empty region */

enum { ITEMS = 1024 };

typedef struct { Pool *pool; int32_t out[ITEMS]; } PoolState;

static void mark(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    int32_t *out = ctx;
    for (int64_t i = begin; i < end; i++) out[i] = (int32_t)(3 * i);
}

static void pool_run_case(BenchCase *c)
{
    PoolState *s = c->state;
    pool_for(s->pool, ITEMS, 1, mark, s->out);
}

static void pool_close_case(BenchCase *c)
{
    PoolState *s = c->state;
    if (s) pool_close(s->pool);
}

static Status pool_setup(BenchCase *c, Bench *b, Err *err)
{
    PoolState *s = BENCH_NEW(c, PoolState, 1, err);
    if (!s) return E_MEMORY;
    int n = b->n_threads > 1 ? b->n_threads : 2;
    c->state = s;
    c->close = pool_close_case;
    TRY(pool_open(&s->pool, n, false, err));
    bench_size(c, "region,threads=%d", n);
    c->run = pool_run_case;
    c->out = s->out, c->n_out = sizeof s->out, c->kind = OUT_BYTES;
    c->threaded = true;
    return OK;
}

/* ---------------------------------------------------------------- load: a file of 256 MB */

enum { FILE_MB = 256 };

typedef struct { char path[512]; bool touch; uint32_t out; } LoadState;

static void load_run(BenchCase *c)
{
    LoadState *s = c->state;
    MapFile m;
    c->status = map_open(&m, s->path, MAP_AUTO, &c->err);
    if (c->status != OK) return;
    s->out = roofline_read(m.data, s->touch ? (int64_t)m.size : 4096);
    map_close(&m);
}

static void load_close(BenchCase *c)
{
    LoadState *s = c->state;
    if (s && s->path[0]) unlink(s->path);
}

static Status write_file(const char *path, BenchCase *c, Err *err)
{
    enum { PIECE = 1 << 20 };
    uint32_t *piece = BENCH_NEW(c, uint32_t, PIECE / 4, err);
    if (!piece) return E_MEMORY;
    FILE *f = fopen(path, "wb");
    if (!f)
        return fail(err, E_IO,
                    "cannot write '%.300s': %s. HINT: --out names a directory that can "
                    "be written to",
                    path, strerror(errno));
    Rng rng = rng_seed(19);
    bool ok = true;
    for (int mb = 0; mb < FILE_MB && ok; mb++) {
        for (int i = 0; i < PIECE / 4; i += 64) piece[i] = (uint32_t)rng_u64(&rng);
        ok = fwrite(piece, PIECE, 1, f) == 1;
    }
    if (fclose(f) != 0 || !ok)
        return fail(err, E_IO, "writing %d MB to '%.300s' failed. HINT: is the disk full?", FILE_MB,
                    path);
    return OK;
}

static Status load_setup(BenchCase *c, Bench *b, Err *err)
{
    LoadState *s = BENCH_NEW(c, LoadState, 1, err);
    if (!s) return E_MEMORY;
    c->state = s;
    c->close = load_close;
    s->touch = c->n[0] == 1;
    snprintf(s->path, sizeof s->path, "%.480s/load.partial", b->out_dir);
    TRY(write_file(s->path, c, err));
    bench_size(c, s->touch ? "open+read,%dMB" : "open,%dMB", FILE_MB);
    c->run = load_run;
    c->out = &s->out, c->n_out = sizeof s->out, c->kind = OUT_BYTES;
    if (s->touch) c->bytes = (double)FILE_MB * (1 << 20);
    c->set_bytes = c->bytes;
    return OK;
}

/* ---------------------------------------------------------------- the machine's own loops */

enum { ROUNDS = 100000, READ_BYTES = 256 << 10 };

typedef struct { char *buffer; uint32_t word; float out; } MachineState;

static void read_run(BenchCase *c)
{
    MachineState *s = c->state;
    s->word = roofline_read(s->buffer, READ_BYTES);
}

/* Every chain s = s/2 + 1 ends at 2, so the sum over the operations of a round is exactly 1. */
static void fma_run(BenchCase *c)
{
    MachineState *s = c->state;
    float sum;
    int64_t operations = roofline_fma(ROUNDS, &sum);
    s->out = sum / (float)(operations / ROUNDS);
    c->flops = (double)operations;
}

/* Every product is 3 * -2 and counts as two operations: -3 for each. */
static void int8_run(BenchCase *c)
{
    MachineState *s = c->state;
    int32_t none, sum;
    roofline_int8(0, &none);
    int64_t operations = roofline_int8(ROUNDS, &sum);
    s->out = (float)((double)(sum - none) / (double)operations);
    c->flops = (double)operations;
}

static Status machine_setup(BenchCase *c, Bench *b, Err *err)
{
    (void)b;
    MachineState *s = BENCH_NEW(c, MachineState, 1, err);
    if (!s) return E_MEMORY;
    c->state = s;
    if (c->n[0] == 0) {
        s->buffer = (char *)bench_normals(c, 20, READ_BYTES / 4, err);
        if (!s->buffer) return E_MEMORY;
        bench_size(c, "%dKB", READ_BYTES >> 10);
        c->run = read_run;
        c->out = &s->word, c->n_out = sizeof s->word, c->kind = OUT_BYTES;
        c->bytes = c->set_bytes = READ_BYTES;
        return OK;
    }
    bench_size(c, "rounds=%d", ROUNDS);
    c->int8 = c->n[0] == 2;
    c->run = c->int8 ? int8_run : fma_run;
    c->by_rate = true;
    c->out = &s->out, c->n_out = 1;
    return OK;
}

void bench_add_runtime(Bench *b)
{
    bench_add(b, (BenchCase){.op = "pool", .setup = pool_setup});
    bench_add(b, (BenchCase){.op = "load", .n = {0}, .setup = load_setup});
    bench_add(b, (BenchCase){.op = "load", .n = {1}, .setup = load_setup});
    bench_add(b, (BenchCase){.op = "roofline_read", .n = {0}, .setup = machine_setup});
    bench_add(b, (BenchCase){.op = "roofline_fma", .n = {1}, .setup = machine_setup});
    bench_add(b, (BenchCase){.op = "roofline_int8", .n = {2}, .setup = machine_setup});
}
