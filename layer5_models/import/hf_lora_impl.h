/* hf_lora_impl.h: an adapter while it is converted. */
#ifndef SIXFOLD_HF_LORA_IMPL_H
#define SIXFOLD_HF_LORA_IMPL_H

#include "hf_impl.h"
#include "hf_lora.h"
#include "quant_mix_impl.h"

enum { HF_LORA_PATTERNS = 256 };

typedef struct {
    Arena arena;
    HfModel base;      /* what the table needs to know: family, heads, layers, experts */
    HfJson config;     /* adapter_config.json */
    SafeTensors weights;
    bool *used;        /* [weights.n] */
    double alpha;      /* lora_alpha */
    double file_alpha; /* adapter.lora.alpha */
    bool by_root;      /* use_rslora */
    QuantMatcher *patterns; /* of alpha_pattern, NULL if there are none */
    double alphas[HF_LORA_PATTERNS];
    int wish;
    ImportTensor *out;
    int64_t n, cap;
} Peft;

/* Scales and patterns from adapter_config.json, which is open. */
Status hf_lora_read_config(Peft *p, Err *err);

#endif
