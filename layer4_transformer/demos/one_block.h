/* one_block.h: a block of random weights that can be run with other switches, and what each of its halves
 * adds to the residual stream. For demos of this layer. */
#ifndef SIXFOLD_ONE_BLOCK_H
#define SIXFOLD_ONE_BLOCK_H

#include "layer4.h"

#include <math.h>
#include <string.h>

enum { ONE_D = 8, ONE_T = 6, ONE_HEADS = 2, ONE_DK = 4, ONE_FF = 16, ONE_EXPERTS = 4 };

/* Of one pass: what was added to x [ONE_T, ONE_D] by attention and by the FFN, and what came out. */
typedef struct {
    const BlockSpec *s;
    const BlockWeights *w;
    float added[2][ONE_T * ONE_D], y[ONE_T * ONE_D];
} OnePass;

static Arena one_arena;

static inline float *one_normals(Rng *rng, int64_t n, float size)
{
    float *x = ARENA_NEW(&one_arena, float, n);
    CHECK(x, "no memory for %lld numbers", (long long)n);
    for (int64_t i = 0; i < n; i++) x[i] = size * rng_normal(rng);
    return x;
}

static inline float *one_const(int64_t n, float value)
{
    float *x = one_normals(&(Rng){0}, n, 0);
    for (int64_t i = 0; i < n; i++) x[i] = value;
    return x;
}

static inline Affine one_matrix(Rng *rng, int64_t n_in, int64_t n_out)
{
    return (Affine){.w = tensor_matrix(DT_F32, one_normals(rng, n_in * n_out, 1 / sqrtf((float)n_in)), n_in, n_out)};
}

static inline Experts one_experts(Rng *rng, int64_t n_in, int64_t n_out)
{
    Experts e = {.w = one_matrix(rng, n_in, n_out * ONE_EXPERTS).w};
    e.w.ne[1] = n_out;
    e.w.ne[2] = ONE_EXPERTS;
    e.w.nb[2] = e.w.nb[1] * n_out;
    e.w.nb[3] = e.w.nb[2] * ONE_EXPERTS;
    return e;
}

static inline BlockSpec one_spec(void)
{
    return (BlockSpec){.d_model = ONE_D, .d_ff = ONE_FF, .n_head = ONE_HEADS, .n_kv_head = ONE_HEADS,
                       .d_k = ONE_DK, .d_v = ONE_DK, .norm = NORM_RMS, .norm_eps = 1e-6f, .gated = true,
                       .act = ACT_SILU, .rope = ROPE_INTERLEAVED, .n_rot = ONE_DK, .rope_base = 10000,
                       .rope_freq_scale = 1, .attn_scale = 0.5f};
}

static inline BlockWeights one_weights(Rng *rng)
{
    BlockWeights w = {.q = one_matrix(rng, ONE_D, ONE_D), .k = one_matrix(rng, ONE_D, ONE_D),
                      .v = one_matrix(rng, ONE_D, ONE_D), .o = one_matrix(rng, ONE_D, ONE_D),
                      .gate = one_matrix(rng, ONE_D, ONE_FF), .up = one_matrix(rng, ONE_D, ONE_FF),
                      .down = one_matrix(rng, ONE_FF, ONE_D)};
    w.attn_norm.gain = w.ffn_norm.gain = one_const(ONE_D, 1);
    return w;
}

/* The input of each half's last matrix goes by; its product is what the half brings back. */
static inline void one_watch(void *ctx, const Tensor *w, const float *x, int64_t n)
{
    OnePass *p = ctx;
    const Affine *last[2] = {&p->w->o, &p->w->down};
    void *scratch = arena_alloc(&one_arena, linear_scratch_bytes(ONE_FF, ONE_T, 1), 1);
    CHECK(scratch, "no memory for one matrix");
    for (int half = 0; half < 2; half++)
        if (w->data == last[half]->w.data) linear(NULL, scratch, p->added[half], w, last[half]->bias, x, n);
}

/* x [n, d_model] through the block. Each half's result is normalised and scaled as the block does it; that
 * of experts, whose matrices nobody watches, is what remains. */
static inline OnePass one_run(const BlockSpec *s, const BlockWeights *w, const float *x, int n)
{
    OnePass p = {.s = s, .w = w};
    float angles[ONE_T * ONE_DK];
    int64_t pos[ONE_T], size = n * s->d_model;
    for (int t = 0; t < n; t++) pos[t] = t;
    BlockContext c = {.scratch_bytes = block_scratch_bytes(s, n, n, 1), .rope_table = {angles},
                      .watcher = {one_watch, &p}};
    c.scratch = arena_alloc(&one_arena, c.scratch_bytes, 1);
    void *memory = arena_alloc(&one_arena, block_kv_bytes(s, DT_F32, DT_F32, n), 1);
    CHECK(c.scratch && memory, "no memory for one block");
    KvView kv = block_kv(s, memory, DT_F32, DT_F32, n);
    memcpy(p.y, x, (size_t)size * sizeof *x);
    block_rope_table(s, angles, pos, n);
    block_forward(s, w, &c, p.y, n, &(BlockRun){.n = n, .kv = &kv}, 1);
    const NormWeights *post[2] = {&w->attn_post_norm, &w->ffn_post_norm};
    for (int half = 0; half < 2; half++) {
        block_norm(s, post[half], p.added[half], p.added[half], n);
        if (s->residual_scale > 0) vec_scale(p.added[half], s->residual_scale, size);
    }
    for (int64_t i = 0; s->moe.n_expert && i < size; i++) p.added[1][i] = p.y[i] - x[i] - p.added[0][i];
    return p;
}

/* Root of the mean square. */
static inline double one_size(const float *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sqrt(sum / n);
}

#endif
