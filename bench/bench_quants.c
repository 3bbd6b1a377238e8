/* bench_quants.c: block formats: bytes to numbers and back, and products without unpacking.
 *
 * The cases are made from the table of formats: a new format is measured as soon as it has kernels
 * named dequant_*, quant_* or dot_* and its type. */
#include "bench.h"
#include "layer2_kernels.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* ROWS rows of WIDTH weights, as in one matrix of a small model. */
enum { WIDTH = 2048, ROWS = 32, PANEL_K = 2048 };
typedef enum { DEQUANT, QUANT, DOT, UNPACK, JOBS } QuantJob;

typedef struct {
    const QuantFormat *format;
    int64_t row_bytes;
    float *x;     /* [ROWS, WIDTH] what was quantised */
    char *blocks; /* [ROWS, row_bytes] */
    float *y;     /* [ROWS, WIDTH], or [ROWS] sums */
    ActQ8 act;    /* [WIDTH] */
    int8_t *codes; /* [ROWS, WIDTH] */
    float *scale; /* [2, WIDTH / 16] scales and offsets of one row */
    float unit;   /* how large weights are */
} QuantState;

static void dequant_run(BenchCase *c)
{
    QuantState *s = c->state;
    for (int r = 0; r < ROWS; r++)
        (*s->format->dequantise)(s->y + r * WIDTH, s->blocks + r * s->row_bytes, WIDTH);
}

static void quant_run(BenchCase *c)
{
    QuantState *s = c->state;
    for (int r = 0; r < ROWS; r++)
        (*s->format->quantise)(s->blocks + r * s->row_bytes, s->x + r * WIDTH, NULL, WIDTH);
}

static void dot_run(BenchCase *c)
{
    QuantState *s = c->state;
    for (int r = 0; r < ROWS; r++)
        s->y[r] = (*s->format->dot)(s->blocks + r * s->row_bytes, s->act, WIDTH);
}

/* The codes are compared; the scales, overwritten row after row, are test_unpack.c's business. */
static void unpack_run(BenchCase *c)
{
    QuantState *s = c->state;
    for (int r = 0; r < ROWS; r++)
        (*s->format->unpack)(s->codes + r * WIDTH, s->scale, s->scale + WIDTH / 16,
                             s->blocks + r * s->row_bytes, WIDTH);
}

static bool act_new(BenchCase *c, ActQ8 *a, int64_t n, Err *err)
{
    a->q = BENCH_NEW(c, int8_t, n, err);
    a->scale = BENCH_NEW(c, float, n / 32, err);
    a->sum = BENCH_NEW(c, float, n / 32, err);
    a->half = BENCH_NEW(c, float, n / 16, err);
    a->split = BENCH_NEW(c, int8_t, act_q8_split_bytes(n), err);
    a->turned = BENCH_NEW(c, int8_t, n, err);
    a->pairs = BENCH_NEW(c, float, n / 16, err);
    return a->q && a->scale && a->sum && a->half && a->split && a->turned && a->pairs;
}

static void quant_result(BenchCase *c, QuantState *s, QuantJob job)
{
    double weights = (double)ROWS * WIDTH, packed = (double)ROWS * (double)s->row_bytes;
    switch (job) {
    case DEQUANT: /* bit-exact by contract */
        c->run = dequant_run;
        c->out = s->y, c->n_out = ROWS * WIDTH;
        c->bytes = c->set_bytes = packed + 4 * weights;
        break;
    case QUANT:
        c->run = quant_run;
        c->out = s->blocks, c->n_out = ROWS * s->row_bytes, c->kind = OUT_BYTES;
        c->bytes = c->set_bytes = packed + 4 * weights;
        break;
    case UNPACK: /* bit-exact */
        c->run = unpack_run;
        c->out = s->codes, c->n_out = ROWS * WIDTH, c->kind = OUT_BYTES;
        c->bytes = c->set_bytes = packed + weights;
        break;
    default: /* integers within a block; WIDTH / 32 products of scales are added in some order */
        c->run = dot_run;
        c->out = s->y, c->n_out = ROWS;
        c->tol = 8.0 * WIDTH * FLT_EPSILON * (double)s->unit;
        c->flops = 2 * weights;
        c->bytes = packed;
        c->set_bytes = packed + WIDTH;
        c->int8 = true;
    }
}

void bench_random_blocks(char *blocks, int64_t n)
{
    Rng rng = rng_seed(5);
    for (int64_t i = 0; i < n; i++) blocks[i] = (char)(rng_u64(&rng) & 0xBF);
}

static Status quant_setup(BenchCase *c, Bench *b, Err *err)
{
    (void)b;
    QuantState *s = BENCH_NEW(c, QuantState, 1, err);
    if (!s) return E_MEMORY;
    s->format = quant_format((DType)c->n[0]);
    s->row_bytes = dtype_row_bytes(s->format->type, WIDTH);
    s->x = bench_normals(c, 5, ROWS * WIDTH, err);
    s->y = BENCH_NEW(c, float, ROWS * WIDTH, err);
    s->blocks = BENCH_NEW(c, char, ROWS * s->row_bytes, err);
    s->codes = BENCH_NEW(c, int8_t, ROWS * WIDTH, err);
    s->scale = BENCH_NEW(c, float, 2 * WIDTH / 16, err);
    float *act = bench_normals(c, 6, WIDTH, err);
    if (!s->codes || !s->scale || !s->x || !s->y || !s->blocks) return E_MEMORY;
    if (!act || !act_new(c, &s->act, WIDTH, err)) return E_MEMORY;
    act_q8(s->act, act, WIDTH);
    act_q8_arrange(s->act, WIDTH);
    s->unit = 1.0f;
    if (!s->format->quantise) {
        bench_random_blocks(s->blocks, ROWS * s->row_bytes);
        row_to_f32(s->y, s->blocks, s->format->type, WIDTH);
        for (int i = 0; i < WIDTH; i++) s->unit = fmaxf(s->unit, fabsf(s->y[i]));
    }
    for (int r = 0; s->format->quantise && r < ROWS; r++)
        row_from_f32(s->blocks + r * s->row_bytes, s->format->type, s->x + r * WIDTH, NULL, WIDTH);
    bench_size(c, "%dx%d", ROWS, WIDTH);
    c->state = s;
    quant_result(c, s, (QuantJob)c->n[1]);
    return OK;
}

/* ---------------------------------------------------------------- activations and panels */

typedef struct {
    ActQ8 act;
    float *x, *y, *panel, *rows;
    bool pack;
} PanelState;

static void act_run(BenchCase *c)
{
    PanelState *s = c->state;
    act_q8(s->act, s->x, WIDTH);
}

static Status act_setup(BenchCase *c, Bench *b, Err *err)
{
    (void)b;
    PanelState *s = BENCH_NEW(c, PanelState, 1, err);
    if (!s || !act_new(c, &s->act, WIDTH, err)) return E_MEMORY;
    s->x = bench_normals(c, 7, WIDTH, err);
    if (!s->x) return E_MEMORY;
    bench_size(c, "n=%d", WIDTH);
    c->state = s;
    c->run = act_run;
    c->out = s->act.q, c->n_out = WIDTH, c->kind = OUT_BYTES;
    c->bytes = c->set_bytes = 5.0 * WIDTH + 8.0 * (WIDTH / 32);
    return OK;
}

static void panel_run(BenchCase *c)
{
    PanelState *s = c->state;
    if (s->pack) panel_pack(s->panel, PANEL_ROWS, s->rows, PANEL_K, PANEL_ROWS, PANEL_K);
    else panel_mul(s->y, PANEL_ROWS, s->panel, s->x, PANEL_TOKENS, PANEL_K, false);
}

static Status panel_setup(BenchCase *c, Bench *b, Err *err)
{
    (void)b;
    PanelState *s = BENCH_NEW(c, PanelState, 1, err);
    if (!s) return E_MEMORY;
    s->pack = c->n[0] == 1;
    s->rows = bench_normals(c, 8, PANEL_ROWS * PANEL_K, err);
    s->panel = bench_normals(c, 9, PANEL_ROWS * PANEL_K, err);
    s->x = bench_normals(c, 10, PANEL_TOKENS * PANEL_K, err);
    s->y = BENCH_NEW(c, float, PANEL_TOKENS * PANEL_ROWS, err);
    if (!s->rows || !s->panel || !s->x || !s->y) return E_MEMORY;
    bench_size(c, s->pack ? "%dx%d" : "%dx%dx%d", PANEL_ROWS, PANEL_K, PANEL_TOKENS);
    c->state = s;
    c->run = panel_run;
    double panel = 4.0 * PANEL_ROWS * PANEL_K;
    if (s->pack) {
        c->out = s->panel, c->n_out = PANEL_ROWS * PANEL_K;
        c->bytes = c->set_bytes = 2 * panel;
    } else {
        c->out = s->y, c->n_out = PANEL_TOKENS * PANEL_ROWS;
        c->tol = 8.0 * PANEL_K * FLT_EPSILON;
        c->flops = 2.0 * PANEL_ROWS * PANEL_K * PANEL_TOKENS;
        c->bytes = c->set_bytes = panel + 4.0 * PANEL_TOKENS * PANEL_K;
    }
    return OK;
}

/* The op of the kernel table that is called prefix + the type's name in small letters, or NULL. */
static const char *op_of_format(const char *prefix, DType type)
{
    char op[64];
    snprintf(op, sizeof op, "%s%s", prefix, dtype_name(type));
    for (char *p = op; *p; p++) *p = (char)tolower((unsigned char)*p);
    for (int i = 0; i < kernels_count(); i++)
        if (strcmp(kernels_row(i)->op, op) == 0) return kernels_row(i)->op;
    return NULL;
}

void bench_add_quants(Bench *b)
{
    static const char *const prefixes[] = {"dequant_", "quant_", "dot_", "unpack_"};
    for (int t = 0; t < DT_COUNT; t++) {
        const QuantFormat *f = dtype_info(t) ? quant_format((DType)t) : NULL;
        /* F32, F16 and BF16 have no integer product; their kernels are in bench_vec.c. */
        for (int job = DEQUANT; f && f->dot && job < JOBS; job++) {
            const char *op = op_of_format(prefixes[job], (DType)t);
            if (op) bench_add(b, (BenchCase){.op = op, .n = {t, job}, .setup = quant_setup});
        }
    }
    bench_add(b, (BenchCase){.op = "act_q8", .setup = act_setup});
    bench_add(b, (BenchCase){.op = "panel_pack", .n = {1}, .setup = panel_setup});
    bench_add(b, (BenchCase){.op = "panel_mul", .n = {0}, .setup = panel_setup});
}
