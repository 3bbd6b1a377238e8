/* layer4.h: wiring: attention, feed-forward, state-space scan, the block. */
#ifndef SIXFOLD_LAYER4_H
#define SIXFOLD_LAYER4_H

#include "layer3.h"
#include "kvview.h"
#include "scanstate.h"
#include "attention.h"
#include "attention_map.h"
#include "block.h"
#include "block_draw.h"
#include "ffn.h"
#include "latent.h"
#include "moe.h"
#include "scan.h"
#include "ssm.h"

/* Registers this layer's twins after those below. Idempotent. */
void layer4_init(void);

#endif
