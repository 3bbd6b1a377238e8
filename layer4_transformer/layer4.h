/* layer4.h: wiring: attention, feed-forward, the block. */
#ifndef SIXFOLD_LAYER4_H
#define SIXFOLD_LAYER4_H

#include "layer3.h"
#include "kvview.h"
#include "attention.h"
#include "attention_map.h"
#include "block.h"
#include "ffn.h"
#include "latent.h"
#include "moe.h"

/* Registers this layer's twins after those below. Idempotent. */
void layer4_init(void);

#endif
