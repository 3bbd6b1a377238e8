/* bench_dots.c: 96 rows times 8 tokens and times one, 1024 columns: what linear does with floats and few tokens. */
#include "bench.h"
#include "layer2_kernels.h"

#include <float.h>

enum { ROWS = 96, COLUMNS = 1024 };

typedef struct {
    DType type;
    Dots d;
    float *sums; /* [ROWS, DOTS_TOKENS] */
} DotsState;

static void dots_run(BenchCase *c)
{
    DotsState *s = c->state;
    dots_fn *fn = s->type == DT_F32 ? dots_f32 : s->type == DT_F16 ? dots_f16 : dots_bf16;
    fn(s->sums, &s->d, false);
}

static Status dots_setup(BenchCase *c, Bench *b, Err *err)
{
    (void)b;
    DotsState *s = BENCH_NEW(c, DotsState, 1, err);
    if (!s) return E_MEMORY;
    s->type = (DType)c->n[0];
    int n_tok = (int)c->n[1];
    int64_t row_bytes = dtype_row_bytes(s->type, COLUMNS);
    char *w = bench_alloc(c, ROWS, (size_t)row_bytes, err);
    float *from = bench_normals(c, 11, ROWS * COLUMNS, err), *x = bench_normals(c, 12, DOTS_TOKENS * COLUMNS, err);
    s->sums = BENCH_NEW(c, float, ROWS * DOTS_TOKENS, err);
    if (!w || !from || !x || !s->sums) return E_MEMORY;
    for (int r = 0; r < ROWS; r++) row_from_f32(w + r * row_bytes, s->type, from + r * COLUMNS, NULL, COLUMNS);
    s->d = (Dots){w, row_bytes, x, COLUMNS, ROWS, n_tok, COLUMNS};
    bench_size(c, "%dx%dx%d", ROWS, COLUMNS, n_tok);
    c->state = s;
    c->run = dots_run;
    c->out = s->sums, c->n_out = ROWS * n_tok;
    /* Rounding of sums of products of normal numbers; the largest of all is 5.5. */
    c->tol = 30.0 * COLUMNS * FLT_EPSILON;
    c->flops = 2.0 * ROWS * COLUMNS * n_tok;
    c->bytes = c->set_bytes = (double)(ROWS * row_bytes) + 4.0 * n_tok * COLUMNS;
    return OK;
}

void bench_add_dots(Bench *b)
{
    static const struct { const char *op; DType type; } ops[] = {
        {"dots_f32", DT_F32}, {"dots_f16", DT_F16}, {"dots_bf16", DT_BF16}};
    for (int i = 0; i < 3; i++)
        for (int n_tok = 1; n_tok <= DOTS_TOKENS; n_tok += DOTS_TOKENS - 1)
            bench_add(b, (BenchCase){.op = ops[i].op, .n = {ops[i].type, n_tok}, .setup = dots_setup});
}
