/* params.h: the shape of the model that is trained, and its parameters in one long row of floats.
 *
 * Weights, gradients and both moments of AdamW are four such rows with the same layout, so that an
 * optimiser step, a checkpoint and a sum of squares are loops over one array. The names are those of
 * GGUF. Matrices that read the same input stand one after the other (q, k, v; gate, up): together they
 * are one matrix, and one product serves all.
 *
 * Interface: params_layout CHECKs the shape, which params_check has accepted. */
#ifndef SIXFOLD_PARAMS_H
#define SIXFOLD_PARAMS_H

#include "layer6.h"

typedef struct {
    int64_t d_model, d_ff, n_layer, n_head, n_kv_head, n_ctx, n_vocab;
} TrainShape;

enum { TRAIN_MAX_LAYERS = 64, PARAMS_PER_LAYER = 9, PARAMS_MAX = 2 + TRAIN_MAX_LAYERS * PARAMS_PER_LAYER };
#define TRAIN_NORM_EPS 1e-5f
#define TRAIN_ROPE_BASE 10000.0f

/* One tensor of the file. */
typedef struct {
    char name[48];
    int64_t offset, ne[2]; /* ne[1] = 1 for vectors */
    int n_dims;            /* 1 or 2; weight decay is for matrices */
} ParamInfo;

/* Where the parts of a layer begin. */
typedef struct {
    int64_t attn_norm, qkv, o, ffn_norm, gate_up, down;
} LayerOffsets;

typedef struct {
    ParamInfo infos[PARAMS_MAX];
    int n_infos;
    int64_t embed, output_norm;
    LayerOffsets layers[TRAIN_MAX_LAYERS];
    int64_t n_params;
} ParamLayout;

Status params_check(const TrainShape *s, Err *err);
void params_layout(ParamLayout *l, const TrainShape *s);

/* Normal numbers of deviation 0.7 / sqrt(n_in), so that a product is about as large as what went in;
 * divided by sqrt(2 n_layer) for the matrices that add to the residual stream; ones for norms. The same
 * seed gives the same weights. */
void params_init(float *w, const ParamLayout *l, const TrainShape *s, uint64_t seed);

/* Operations of a training step per token: 6 for each weight that a product reads, and attention. */
double params_flops(const TrainShape *s, const ParamLayout *l);

#endif
