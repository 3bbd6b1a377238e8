/* block_steps.h: the steps of a block in words, in the order of the computation: what block_draw frames.
 *
 * Interface: each call fills b from the switches; steps are ASCII of at most BLOCK_STEP_CHARS. with_norm:
 * the half has a norm of its own in front, if p says that there is one. */
#ifndef SIXFOLD_BLOCK_STEPS_H
#define SIXFOLD_BLOCK_STEPS_H

#include "block_draw.h"

enum { BLOCK_STEPS = 16, BLOCK_STEP_CHARS = 40 };

typedef struct {
    const char *title;
    char step[BLOCK_STEPS][BLOCK_STEP_CHARS + 1];
    int n;
} BlockSteps;

const char *block_norm_name(const BlockSpec *s);
void block_steps_attention(BlockSteps *b, const BlockSpec *s, const BlockParts *p, bool with_norm);
void block_steps_ffn(BlockSteps *b, const BlockSpec *s, const BlockParts *p, bool with_norm);
void block_steps_scan(BlockSteps *b, const BlockSpec *s, const BlockParts *p);

#endif
