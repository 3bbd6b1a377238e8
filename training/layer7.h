/* layer7.h: training: a world that writes text, a tokenizer learned from it, a model trained on it. */
#ifndef SIXFOLD_LAYER7_H
#define SIXFOLD_LAYER7_H

#include "layer6.h"
#include "world.h"
#include "bpe_train.h"
#include "transpose.h"
#include "grad.h"
#include "params.h"
#include "adamw.h"
#include "corpus.h"
#include "train_model.h"
#include "checkpoint.h"
#include "trainer.h"
#include "tell.h"
#include "exam.h"

/* Registers this room's twins after those of layers 1 to 6. Idempotent. */
void layer7_init(void);

#endif
