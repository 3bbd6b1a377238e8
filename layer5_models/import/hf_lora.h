/* hf_lora.h: an adapter as PEFT saves it becomes a GGUF adapter (lora.h).
 *
 *   adapter_config.json            r, lora_alpha, use_rslora, alpha_pattern
 *   adapter_model.safetensors      base_model.model.<module>.lora_A.weight [r, n_in], .lora_B.weight [n_out, r]
 *                                  of an embedding .lora_embedding_A [r, n_vocab], .lora_embedding_B [d_model, r]
 *
 * Its modules have the names of the base model's directory, so the family's table (hf_families.c) says what they
 * are here. What happens to the rows of a matrix W on its way happens to the rows of B, since those of B A are W's;
 * a matrix that is stored the other way round is not turned, because PEFT's A and B never are.
 *
 *   W + s B A      s = lora_alpha / r, or with rank-stabilised LoRA lora_alpha / sqrt(r)
 *
 * GGUF has one alpha for all, which is divided by the rank of each pair: what differs from that (alpha_pattern,
 * other ranks with sqrt) is multiplied into B.
 *
 * Interface: base is a Hugging Face directory, of which config.json is enough, or a GGUF file. Everything that the
 * form cannot say is refused by name: magnitudes (DoRA), biases, modules saved whole, tensors without a place.
 * Source: Hu et al. 2021, arXiv:2106.09685; Kalajdzievski 2023, arXiv:2312.03732 (sqrt). */
#ifndef SIXFOLD_HF_LORA_H
#define SIXFOLD_HF_LORA_H

#include "hf.h"

typedef struct {
    int64_t n_pairs;
    int64_t n_left; /* copies of the base model's own weights, which are left out */
} HfLoraStats;

/* True if the directory holds an adapter and no model. */
bool hf_lora_is(const char *dir);

Status hf_lora_convert(const char *dir, const char *base, const char *out, const HfParams *p, const ImportRun *run,
                       HfLoraStats *stats, Err *err);

#endif
