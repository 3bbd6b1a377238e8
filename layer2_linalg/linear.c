/* linear.c: checks a call of linear_n and picks its way: dots for a few tokens, panels of bytes,
 * of 16-bit integers or of floats for many. */
#include "linear_parts.h"

bool linear_supports(DType t) { return quant_format(t) != NULL; }

int64_t linear_scratch_bytes(int64_t max_in, int64_t max_tok, int n_threads)
{
    int64_t few = linear_few_scratch(max_in, max_tok);
    int64_t many = linear_many_scratch(max_in, max_tok, n_threads);
    int64_t int8 = linear_int8_scratch(max_in, max_tok, n_threads);
    int64_t int16 = linear_int16_scratch(max_in, max_tok, n_threads);
    int64_t floats = few > many ? few : many, ints = int8 > int16 ? int8 : int16;
    return floats > ints ? floats : ints;
}

static void check_out(const LinearOut *o, int64_t n_in)
{
    CHECK(linear_supports(o->w->type), "linear with type %s", dtype_name(o->w->type));
    CHECK(o->w->ne[0] == n_in && o->w->ne[2] == 1 && o->w->ne[3] == 1 && tensor_is_dense(o->w),
          "linear wants dense [%lld, n_out], got [%lld, %lld, %lld, %lld]", (long long)n_in,
          (long long)o->w->ne[0], (long long)o->w->ne[1], (long long)o->w->ne[2],
          (long long)o->w->ne[3]);
    CHECK(o->y_stride >= o->w->ne[1], "linear: y_stride %lld < n_out %lld", (long long)o->y_stride,
          (long long)o->w->ne[1]);
}

void linear_finish(const LinearOut *o, int64_t row, int64_t n_rows, int64_t n_tok)
{
    for (int64_t t = 0; t < n_tok; t++) {
        float *y = o->y + t * o->y_stride + row;
        for (int64_t r = 0; o->scale && r < n_rows; r++) y[r] *= *o->scale;
        for (int64_t r = 0; o->bias && r < n_rows; r++) y[r] += o->bias[row + r];
    }
}

typedef void Way(Pool *pool, const LinearJob *job);

static Way *way_of_many(DType t)
{
    if (quant_format(t)->unpack) return linear_quantised;
    return t == DT_F16 || t == DT_BF16 ? linear_halves : linear_many;
}

static Way *way_of(const LinearOut *o, int64_t n_tok)
{
    bool bytes = quant_format(o->w->type)->unpack != NULL;
    return n_tok < (bytes ? LINEAR_FEW_INT8 : LINEAR_FEW) ? linear_few : way_of_many(o->w->type);
}

int linear_product_bits(DType t)
{
    Way *way = way_of_many(t);
    return way == linear_int8 ? 8 : way == linear_int16 ? 16 : 0;
}

void linear_n(Pool *pool, void *scratch, const LinearOut *outs, int n_outs, const float *x,
              int64_t x_stride, int64_t n_tok)
{
    if (n_outs == 0 || n_tok == 0) return;
    int64_t n_in = outs[0].w->ne[0];
    for (int i = 0; i < n_outs; i++) check_out(&outs[i], n_in);
    CHECK(((uintptr_t)scratch & 63) == 0, "linear: scratch %p is not 64-byte aligned", scratch);

    LinearJob job = {outs, n_outs, x, x_stride, n_tok, n_in, scratch};
    /* Neighbours that go the same way share a region. */
    for (int i = 0; i < n_outs; i += job.n_outs, job.outs += job.n_outs) {
        Way *way = way_of(&outs[i], n_tok);
        for (job.n_outs = 1; i + job.n_outs < n_outs; job.n_outs++)
            if (way_of(&outs[i + job.n_outs], n_tok) != way) break;
        way(pool, &job);
    }
}

void linear(Pool *pool, void *scratch, float *y, const Tensor *w, const float *bias, const float *x,
            int64_t n_tok)
{
    LinearOut out = {w, bias, y, w->ne[1], NULL};
    linear_n(pool, scratch, &out, 1, x, w->ne[0], n_tok);
}
