/* layer5.h: files become models: hyper-parameters, architectures, weights, tokenizers, forward. */
#ifndef SIXFOLD_LAYER5_H
#define SIXFOLD_LAYER5_H

#include "layer4.h"
#include "hparams.h"
#include "arch.h"
#include "weights.h"
#include "tokenizer.h"
#include "chat_template.h"
#include "chat_format.h"
#include "chat_parser.h"
#include "model.h"
#include "import_open.h"
#include "import_tensor.h"
#include "hf.h"
#include "hf_lora.h"
#include "llama2c.h"
#include "imatrix.h"
#include "imatrix_collect.h"
#include "quant_mix.h"
#include "matrices.h"
#include "lora.h"
#include "lora_merge.h"
#include "repack.h"
#include "requantise.h"

/* Registers this layer's twins after those below. Idempotent. */
void layer5_init(void);

#endif
