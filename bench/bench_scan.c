/* bench_scan.c: state-space layers: the convolution, and both recurrences for one token and for many.
 * Sizes of a small Mamba (768 wide, 1536 channels, 16 numbers each) and of a Mamba-2 of the same width
 * (24 heads of 64, 128 numbers, one group). */
#include "bench.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { CHANNELS = 1536, TAPS = 4, STATES = 16, HEADS = 24, HEAD_STATES = 128 };

typedef struct {
    Conv1dArgs conv;
    ScanArgs a;
    float *h0;
    bool heads;
} ScanBench;

static void conv_run(BenchCase *c)
{
    ScanBench *s = c->state;
    conv1d(&s->conv, 0, CHANNELS);
}

static void conv_reset(BenchCase *c)
{
    ScanBench *s = c->state;
    memset(s->conv.window, 0, (TAPS - 1) * CHANNELS * sizeof *s->conv.window);
}

static void scan_run(BenchCase *c)
{
    ScanBench *s = c->state;
    if (s->heads) scan_heads(&s->a, 0, HEADS);
    else scan_channels(&s->a, 0, CHANNELS);
}

static void scan_reset(BenchCase *c)
{
    ScanBench *s = c->state;
    memcpy(s->a.h, s->h0, (size_t)(CHANNELS * s->a.d_state) * sizeof *s->h0);
}

static Status conv_setup(BenchCase *c, Bench *b, Err *err)
{
    (void)b;
    ScanBench *s = BENCH_NEW(c, ScanBench, 1, err);
    int64_t T = c->n[0];
    if (!s) return E_MEMORY;
    float *y = BENCH_NEW(c, float, T *CHANNELS, err), *x = bench_normals(c, 51, T * CHANNELS, err);
    float *window = BENCH_NEW(c, float, (TAPS - 1) * CHANNELS, err);
    float *w = bench_normals(c, 52, TAPS * CHANNELS, err), *bias = bench_normals(c, 53, CHANNELS, err);
    if (!y || !x || !window || !w || !bias) return E_MEMORY;
    s->conv = (Conv1dArgs){.y = y, .x = x, .y_stride = CHANNELS, .x_stride = CHANNELS, .window = window,
                           .w = w, .bias = bias, .n_chan = CHANNELS, .n_tok = T, .d_conv = TAPS};
    bench_size(c, "channels=%d,tokens=%lld", CHANNELS, (long long)T);
    c->state = s;
    c->run = conv_run;
    c->reset = conv_reset;
    c->out = y, c->n_out = T * CHANNELS;
    c->flops = 2.0 * TAPS * (double)T * CHANNELS;
    c->bytes = 8.0 * (double)T * CHANNELS;
    c->set_bytes = c->bytes;
    return OK;
}

static Status scan_setup(BenchCase *c, Bench *b, Err *err)
{
    (void)b;
    ScanBench *s = BENCH_NEW(c, ScanBench, 1, err);
    if (!s) return E_MEMORY;
    s->heads = strcmp(c->op, "scan_heads") == 0;
    int64_t T = c->n[0], S = s->heads ? HEAD_STATES : STATES;
    int64_t steps = s->heads ? HEADS : CHANNELS, rates = s->heads ? HEADS : CHANNELS * S;
    float *y = BENCH_NEW(c, float, T *CHANNELS, err), *x = bench_normals(c, 54, T * CHANNELS, err);
    float *dt = bench_normals(c, 55, T * steps, err), *rate = bench_normals(c, 56, rates, err);
    float *bc = bench_normals(c, 57, 2 * T * S, err), *d = bench_normals(c, 58, CHANNELS, err);
    float *h = BENCH_NEW(c, float, CHANNELS *S, err);
    s->h0 = bench_normals(c, 59, CHANNELS * S, err);
    if (!y || !x || !dt || !rate || !bc || !d || !h || !s->h0) return E_MEMORY;
    for (int64_t i = 0; i < T * steps; i++) dt[i] = 0.01f + 0.1f * fabsf(dt[i]);
    for (int64_t i = 0; i < rates; i++) rate[i] = -0.1f - fabsf(rate[i]);
    s->a = (ScanArgs){.y = y, .x = x, .dt = dt, .b = bc, .c = bc + S, .a = rate, .d = d, .h = h,
                      .x_stride = CHANNELS, .bc_stride = 2 * S, .d_inner = CHANNELS, .n_tok = T,
                      .d_state = (int)S, .n_head = HEADS, .n_group = 1};
    bench_size(c, "channels=%d,states=%lld,tokens=%lld", CHANNELS, (long long)S, (long long)T);
    c->state = s;
    c->run = scan_run;
    c->reset = scan_reset;
    c->out = y, c->n_out = T * CHANNELS;
    /* Sums of S products of size <= 20 each, in another order; see tests/layer4/test_scan.c. */
    c->tol = 4 * (double)(S + SCAN_CHUNK + 20) * (double)FLT_EPSILON * 60;
    /* Per number of the state: forget and write 3, read 2, and for channels an exponential, 10. */
    c->flops = (double)(T * CHANNELS * S) * (s->heads ? 5 : 16);
    c->bytes = (s->heads ? 8.0 : 12.0) * (double)(CHANNELS * S) + 12.0 * (double)(T * CHANNELS);
    c->set_bytes = c->bytes - 4.0 * (double)(CHANNELS * S);
    return OK;
}

void bench_add_scan(Bench *b)
{
    bench_add(b, (BenchCase){.op = "conv1d", .n = {1}, .setup = conv_setup});
    bench_add(b, (BenchCase){.op = "conv1d", .n = {128}, .setup = conv_setup});
    bench_add(b, (BenchCase){.op = "scan_channels", .n = {1}, .setup = scan_setup});
    bench_add(b, (BenchCase){.op = "scan_channels", .n = {128}, .setup = scan_setup});
    bench_add(b, (BenchCase){.op = "scan_heads", .n = {1}, .setup = scan_setup});
    bench_add(b, (BenchCase){.op = "scan_heads", .n = {128}, .setup = scan_setup});
}
