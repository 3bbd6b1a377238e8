/* layer7.h: training: a world that writes text, a tokenizer learned from it, a model trained on it. */
#ifndef SIXFOLD_LAYER7_H
#define SIXFOLD_LAYER7_H

#include "layer6.h"
#include "world.h"
#include "bpe_train.h"

#endif
