/* archs_impl.h: the descriptors. Each is in the file of its name or its family's. */
#ifndef SIXFOLD_ARCHS_IMPL_H
#define SIXFOLD_ARCHS_IMPL_H

#include "arch.h"

extern const ArchDesc arch_llama, arch_qwen2, arch_qwen2moe, arch_qwen3, arch_qwen3moe;
extern const ArchDesc arch_gemma, arch_gemma2, arch_gemma3;
extern const ArchDesc arch_phi2, arch_phi3;
extern const ArchDesc arch_gpt2, arch_gptj, arch_gptneox;
extern const ArchDesc arch_falcon, arch_bloom, arch_mpt;
extern const ArchDesc arch_starcoder, arch_starcoder2, arch_stablelm, arch_olmo2;
extern const ArchDesc arch_nemotron;
extern const ArchDesc arch_command_r, arch_granite, arch_granitemoe, arch_internlm2;
extern const ArchDesc arch_gpt_oss, arch_deepseek2;
extern const ArchDesc arch_bert, arch_nomic_bert;
extern const ArchDesc arch_mamba, arch_mamba2;

#endif
