/* layer3.h: functions on vectors. */
#ifndef SIXFOLD_LAYER3_H
#define SIXFOLD_LAYER3_H

#include "layer2.h"
#include "norm.h"
#include "softmax.h"
#include "activation.h"
#include "conv1d.h"
#include "rope.h"
#include "embed.h"

/* Registers this layer's twins after those below. Idempotent. */
void layer3_init(void);

#endif
