/* block_draw.h: a block as a picture, drawn from its switches.
 *
 *    x                               the road: the residual stream
 *    ┃
 *    ┠───────┐                       a half reads the road ...
 *    ┃    ┌──┴──┐
 *    ┃    │ ... │                    its steps, in the order of the computation
 *    ┃    └──┬──┘
 *   (+)◄─────┘                       ... and adds to it
 *    ┃
 *    y
 *
 * Nothing here knows a family: who sets a switch of BlockSpec sees it in the picture, so the picture of a
 * family and its computation cannot part ways.
 *
 * Interface: block_draw appends lines of at most BLOCK_DRAW_WIDTH columns of UTF-8; sizes that are 0 are
 * left out, so that a family can be drawn before there is a file. What only weights can say, which norms and
 * biases there are, is in BlockParts. */
#ifndef SIXFOLD_BLOCK_DRAW_H
#define SIXFOLD_BLOCK_DRAW_H

#include "block.h"

enum { BLOCK_DRAW_WIDTH = 100 };

typedef struct BlockParts {
    bool attn_norm, ffn_norm;           /* before each half */
    bool attn_post_norm, ffn_post_norm; /* of a branch before it is added */
    bool attn_out_norm, ffn_out_norm;   /* of the sum */
    bool qk_norm;                       /* gains of BlockSpec.qk_norm are there */
    bool qkv_bias, o_bias, ffn_bias;
    bool sinks, act_scales;
    bool select_bias, shared_router;    /* of experts */
} BlockParts;

/* What is there of these weights. */
BlockParts block_parts(const BlockSpec *s, const BlockWeights *w);

/* E_MEMORY if the buffer cannot grow. */
Status block_draw(Buf *out, const BlockSpec *s, const BlockParts *p, Err *err);

#endif
