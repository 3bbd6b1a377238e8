/* bench_import.c: rows of a checkpoint: in their order for the file, as numbers of its type. */
#include "bench.h"

#include <string.h>

typedef struct {
    ImportTensor t;
    ImportSource source;
    float *floats;
    char *encoded;
    Pool *pool;
} ImportState;

static void import_run(BenchCase *c)
{
    ImportState *s = c->state;
    import_rows(&s->t, 0, s->t.ne[1], s->floats, s->encoded, s->pool);
}

/* n: width, rows, type. The source is BF16 with rotary pairs of heads of 64 in halves. */
static Status import_setup(BenchCase *c, Bench *b, Err *err)
{
    ImportState *s = BENCH_NEW(c, ImportState, 1, err);
    if (!s) return E_MEMORY;
    int64_t width = c->n[0], rows = c->n[1], n = width * rows;
    DType type = (DType)c->n[2];
    uint16_t *source = BENCH_NEW(c, uint16_t, n, err);
    int64_t bytes = rows * dtype_row_bytes(type, width);
    s->floats = BENCH_NEW(c, float, n, err);
    s->encoded = BENCH_NEW(c, char, bytes, err);
    if (!source || !s->floats || !s->encoded) return E_MEMORY;
    Rng rng = rng_seed(81);
    for (int64_t i = 0; i < n; i++) source[i] = f32_to_bf16(rng_normal(&rng));
    s->source = (ImportSource){.view = tensor_matrix(DT_BF16, source, width, rows)};
    s->t = (ImportTensor){.type = type, .n_dims = 2, .ne = {width, rows, 1, 1}, .sources = &s->source,
                          .n_sources = 1, .order = {.interleave = 64}};
    s->pool = b->pool;
    bench_size(c, "%lldx%lld:%s", (long long)width, (long long)rows, dtype_name(type));
    c->state = s;
    c->run = import_run;
    c->out = s->encoded, c->n_out = bytes, c->kind = OUT_BYTES;
    c->bytes = (double)(2 * n + bytes);
    c->set_bytes = c->bytes;
    c->threaded = true, c->threaded_only = "parallel";
    return OK;
}

void bench_add_import(Bench *b)
{
    bench_add(b, (BenchCase){.op = "import_rows", .n = {2048, 512, DT_BF16}, .setup = import_setup});
    bench_add(b, (BenchCase){.op = "import_rows", .n = {2048, 512, DT_Q8_0}, .setup = import_setup});
}
