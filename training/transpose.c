/* transpose.c: out[j][i] = in[i][j].
 *
 * Either the reads or the writes jump from row to row. Small squares keep both in the cache: a square
 * of 16 x 16 floats touches 16 lines on either side, and each line is used up before it leaves. */
#include "layer7_kernels.h"

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

void transpose_scalar(float *out, int64_t out_stride, const float *in, int64_t in_stride,
                      int64_t n_rows, int64_t n_cols)
{
    enum { SIDE = 16 };
    /* 1. Square by square. */
    for (int64_t j = 0; j < n_cols; j += SIDE)
        for (int64_t i = 0; i < n_rows; i += SIDE)
            /* 2. Columns of the square become rows. */
            for (int64_t y = j; y < smaller(j + SIDE, n_cols); y++)
                for (int64_t x = i; x < smaller(i + SIDE, n_rows); x++)
                    out[y * out_stride + x] = in[x * in_stride + y];
}

typedef struct {
    float *out;
    const float *in;
    int64_t n_rows, n_cols;
} Turn;

static void turn_columns(void *ctx, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    const Turn *t = ctx;
    transpose(t->out + begin * t->n_rows, t->n_rows, t->in + begin, t->n_cols, t->n_rows,
              end - begin);
}

void transpose_all(Pool *pool, float *out, const float *in, int64_t n_rows, int64_t n_cols)
{
    Turn t = {out, in, n_rows, n_cols};
    pool_for(pool, n_cols, 64, turn_columns, &t);
}
