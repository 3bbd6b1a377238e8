/* block.h: one transformer block, described by switches.
 *
 *   sequential   h = x + Attn(norm1(x));          y = h + FFN(norm2(h))
 *   parallel     y = x + Attn(norm1(x)) + FFN(norm1(x) or norm2(x))
 *   sandwich     h = x + post1(Attn(norm1(x)));   y = h + post2(FFN(norm2(h)))     norms may be absent
 *   post-norm    h = out1(x + Attn(x));           y = out2(h + FFN(h))
 *   state-space  y = x + Scan(norm1(x))           ssm.h; no attention, no FFN
 *
 * An architecture is a BlockSpec (what to compute) and BlockWeights (with what). Everything that
 * differs between families is a field here, not another function; a norm that a family lacks is absent
 * from its weights.
 *
 * Interface: block_forward changes x [n_tok, d_model] in place. The tokens of a call are grouped in
 * runs: consecutive tokens of one sequence at consecutive positions, each run with its own memory: a
 * KvView, or a ScanState that has met exactly the tokens before (CHECKed).
 * The caller gives scratch of block_scratch_bytes(); one call at a time per scratch. */
#ifndef SIXFOLD_BLOCK_H
#define SIXFOLD_BLOCK_H

#include "layer3.h"
#include "attention.h"
#include "moe_route.h"
#include "scanstate.h"

typedef enum { NORM_RMS, NORM_LAYER } NormKind;

/* What the norms of queries and keys run over: nothing, each head with one gain for all heads, each
 * head with its own gain, or all heads together. Before RoPE. */
typedef enum { QK_NORM_NONE, QK_NORM_HEAD, QK_NORM_HEADS, QK_NORM_ROW } QkNorm;

/* Latent attention (latent.h): keys and values of all heads are kept as one vector of `rank` numbers and
 * one rotated part of n_rot. Then BlockSpec says what is kept: n_kv_head 1, d_k = rank + n_rot, d_v = rank. */
typedef struct {
    int64_t rank;       /* 0: keys and values are kept as they are */
    int64_t q_rank;     /* queries pass through a vector of so many; 0: directly */
    int64_t d_nope;     /* numbers of a head's query that do not turn */
    int64_t d_v;        /* width of a head's value */
    float temp_scale;   /* queries times 1 + this * ln(floor(pos / temp_length) + 1) */
    int64_t temp_length; /* 0 = off */
} LatentSpec;

typedef struct BlockSpec {
    int64_t d_model, d_ff;
    int n_head, n_kv_head, d_k, d_v;
    NormKind norm;
    float norm_eps;
    bool parallel;          /* attention and FFN side by side */
    bool gated;             /* act(gate) * up, else act(up) */
    ActKind act;
    RopeKind rope;
    int n_rot;              /* rotated elements per head, even */
    float rope_base;
    float rope_freq_scale;  /* 1, or 1 / scaling factor */
    const float *rope_factors; /* [n_rot / 2] or NULL; belongs to the model */
    RopeYarn rope_yarn;     /* high = 0: none */
    float rope_magnitude;   /* of sine and cosine; 0 means 1 */
    int rope_set;           /* which of a call's tables of angles this layer uses, 0 or 1 */
    QkNorm qk_norm;         /* of the same kind as norm */
    float clamp_qkv;        /* q, k and v are cut off at +- this; 0 = off */
    float attn_scale;
    int64_t window;         /* sliding window, 0 = none */
    bool both_ways;         /* an encoder: tokens see later ones too */
    float soft_cap;         /* of attention scores, 0 = off */
    float alibi_bias;       /* greatest slope is 2^(-bias / n_head); 0 = no ALiBi */
    float alibi_scale;      /* of all slopes; 0 means 1 */
    const float *slopes;    /* of ALiBi [n_head] or NULL; belongs to the model */
    float residual_scale;   /* of each branch before it is added; 0 means 1 */
    MoeSpec moe;            /* n_expert = 0: a dense FFN */
    LatentSpec latent;      /* rank = 0: keys and values as they are */
    SsmSpec ssm;            /* kind other than SSM_NONE: a scan takes the place of both halves */
} BlockSpec;

/* A matrix with an optional bias and an optional scale (linear.h); w.data NULL means absent. */
typedef struct { Tensor w; const float *bias, *scale; } Affine;
/* A norm's gain and offset [d_model]; NULL gain means the norm is absent, NULL offset zero. */
typedef struct { const float *gain, *offset; } NormWeights;

/* All experts of one matrix: w [n_in, n_out, n_expert], bias [n_expert, n_out] or NULL, scale [n_expert]
 * or NULL. */
typedef struct { Tensor w; const float *bias, *scale; } Experts;

typedef struct {
    Affine router;               /* [d_model, n_expert] */
    const float *select_bias;    /* [n_expert] or NULL: for the choice of experts only */
    Experts gate, up, down;
    Affine shared_gate, shared_up, shared_down; /* the expert that every token meets; may be absent */
    Tensor shared_router;        /* [d_model, 1]: the shared expert's weight is its sigmoid; absent: 1 */
} MoeWeights;

typedef struct {
    Tensor q_a, q_b;         /* [d_model, q_rank], [q_rank, n_head * (d_nope + n_rot)]; or BlockWeights.q */
    NormWeights q_a_norm;
    Tensor kv_a;             /* [d_model, rank + n_rot] */
    NormWeights kv_norm;
    Tensor k_b;              /* [d_nope, rank, n_head]; turned: [rank, d_nope, n_head] */
    bool k_turned;
    Tensor v_b;              /* [rank, d_v, n_head]; heads may lie apart, as those of k_b */
} LatentWeights;

/* Of a state-space block; the shapes of both kinds are in ssm.h. Vectors are f32. */
typedef struct {
    Affine in, out;
    const float *conv, *conv_bias;
    Affine x, dt;                /* CHANNELS only */
    const float *dt_bias;        /* HEADS only; otherwise it is dt's */
    const float *a, *d;
    const float *norm;           /* [d_inner], HEADS only */
} SsmWeights;

typedef struct BlockWeights {
    NormWeights attn_norm, ffn_norm;           /* before each half */
    NormWeights attn_post_norm, ffn_post_norm; /* of a branch before it is added */
    NormWeights attn_out_norm, ffn_out_norm;   /* of the sum */
    NormWeights q_norm, k_norm;                /* BlockSpec.qk_norm */
    Affine q, k, v, o;
    const float *sinks;                        /* [n_head] or NULL */
    Affine gate, up, down;
    const float *act_scales;                   /* [d_ff] or NULL: divide the hidden vector */
    MoeWeights moe;
    LatentWeights latent;
    SsmWeights ssm;
} BlockWeights;

/* Where the product with w goes: y [n_tok, y_stride]. */
static inline LinearOut affine_out(const Affine *w, float *y, int64_t y_stride)
{
    return (LinearOut){&w->w, w->bias, y, y_stride, w->scale};
}

/* y = w x, both dense. */
static inline void affine_apply(Pool *pool, void *linear_scratch, float *y, const Affine *w,
                                const float *x, int64_t n_tok)
{
    LinearOut out = affine_out(w, y, w->w.ne[1]);
    linear_n(pool, linear_scratch, &out, 1, x, w->w.ne[0], n_tok);
}

/* The same, and what adapters add to it. */
static inline void affine_adapted(const LowRankSet *adapters, Pool *pool, void *linear_scratch, float *y,
                                  const Affine *w, const float *x, int64_t n_tok)
{
    LinearOut out = affine_out(w, y, w->w.ne[1]);
    lowrank_linear_n(adapters, pool, linear_scratch, &out, 1, x, w->w.ne[0], n_tok);
}

/* Tokens [first, first + n) of the call: one sequence, positions pos0, pos0 + 1, ... */
typedef struct {
    int64_t first, n;
    int64_t pos0;
    const KvView *kv; /* of this layer; the call stores keys and values into it */
    const ScanState *scan; /* of this layer, if it scans; the call folds the tokens into it */
} BlockRun;

/* Optional tap: called with the attention inputs after RoPE and storing, for lessons and pictures. */
typedef void BlockTap(void *ctx, int layer, const AttentionArgs *a);

/* Optional observer: sees what each matrix is multiplied with, x [n_tok, w->ne[0]] (rows dense). One
 * call per matrix and batch, from the thread of the forward pass; without one it costs a comparison. */
typedef void BlockWatch(void *ctx, const Tensor *w, const float *x, int64_t n_tok);
typedef struct { BlockWatch *fn; void *ctx; } BlockWatcher; /* fn NULL: nobody watches */

static inline void block_watch(const BlockWatcher *o, const Tensor *w, const float *x, int64_t n_tok)
{
    if (o->fn) o->fn(o->ctx, w, x, n_tok);
}

typedef struct {
    Pool *pool;
    void *scratch;
    int64_t scratch_bytes;
    int layer;
    const float *rope_table[2]; /* [n_tok, n_rot] of block_rope_table for each set; NULL with ROPE_NONE */
    BlockTap *tap; /* NULL for none */
    void *tap_ctx;
    BlockWatcher watcher;
    const LowRankSet *adapters; /* added to the products of the matrices they belong to; NULL for none */
} BlockContext;

/* One layer's memory in the flat form (kvview.h), as this block wants it; types are DT_F32 or DT_F16. With
 * latent attention values are part of the keys, and type_v says nothing. A block that scans has a state
 * (scanstate.h) instead, of the same size whatever the types and the context; block_kv is not for it. */
int64_t block_kv_bytes(const BlockSpec *s, DType type_k, DType type_v, int64_t n_ctx);
KvView block_kv(const BlockSpec *s, void *memory, DType type_k, DType type_v, int64_t n_ctx);

/* The same as either; block_state_clear makes fresh memory ready. */
SeqState block_state(const BlockSpec *s, void *memory, DType type_k, DType type_v, int64_t n_ctx);
void block_state_clear(const BlockSpec *s, void *memory);

/* The angles of tokens at positions pos [n_tok], once per call for all layers that share the rotary
 * fields: table [n_tok, n_rot]. Does nothing with ROPE_NONE. */
void block_rope_table(const BlockSpec *s, float *table, const int64_t *pos, int64_t n_tok);

/* Bytes for up to max_tok tokens against up to n_ctx positions. */
int64_t block_scratch_bytes(const BlockSpec *s, int64_t max_tok, int64_t n_ctx, int n_threads);

void block_forward(const BlockSpec *s, const BlockWeights *w, const BlockContext *c, float *x,
                   int64_t n_tok, const BlockRun *runs, int n_runs);

/* What attention works with, all heads of all tokens of the call. */
AttentionArgs block_attention_args(const BlockSpec *s, const BlockWeights *w);

/* y = norm(x) row by row; used by the block and by the model's head. x and y [n, d_model], equal or
 * apart. An absent norm copies. */
void block_norm(const BlockSpec *s, const NormWeights *w, float *y, const float *x, int64_t n);

#endif
