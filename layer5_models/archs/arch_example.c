/* arch_example.c: one published model of each family: its paper, its numbers, a sentence to remember.
 *
 * Numbers are those of the model's configuration, under the keys that files have. What a family computes
 * is not here: that is its descriptor. */
#include "arch_card_impl.h"

#include <string.h>

#define RMS "attention.layer_norm_rms_epsilon="
#define LN "attention.layer_norm_epsilon="
#define HEADS(h, kv) " attention.head_count=" #h " attention.head_count_kv=" #kv
#define WIDTH(d) " attention.key_length=" #d " attention.value_length=" #d
#define SIZE(ctx, d, n, f) "context_length=" #ctx " embedding_length=" #d " block_count=" #n " feed_forward_length=" #f
#define SCAN(d, inner, state, rank)                                                                    \
    "context_length=1048576 embedding_length=" #d " block_count=64 ssm.conv_kernel=4 ssm.inner_size=" #inner \
    " ssm.state_size=" #state " ssm.time_step_rank=" #rank " " RMS "1e-5f"

static const ArchExample examples[] = {
    {"llama", "arch_llama.c", "Llama 3 8B", "LLaMA: Open and Efficient Foundation Language Models",
     SIZE(8192, 4096, 32, 14336) HEADS(32, 8) " rope.freq_base=500000f " RMS "1e-5f",
     "The block that nearly everything since 2023 is a variation of: norms before, rotation, a gate. The other cards "
     "say in what they differ from this one.", 0},
    {"qwen2", "arch_qwen.c", "Qwen2.5 7B Instruct", "Qwen2 Technical Report",
     SIZE(32768, 3584, 28, 18944) HEADS(28, 4) " rope.freq_base=1000000f " RMS "1e-6f",
     "A Llama with three biases.", HAS_QKV_BIAS},
    {"qwen2moe", "arch_qwen.c", "Qwen1.5-MoE-A2.7B", "Qwen2 Technical Report",
     SIZE(8192, 2048, 24, 5632) HEADS(16, 16) " rope.freq_base=1000000f expert_count=60 expert_used_count=4"
     " expert_feed_forward_length=1408 expert_shared_feed_forward_length=5632 " RMS "1e-6f",
     "Besides the chosen experts every token meets one large expert, which has a gate of its own.", HAS_QKV_BIAS},
    {"qwen3", "arch_qwen.c", "Qwen3 8B", "Qwen3 Technical Report",
     SIZE(40960, 4096, 36, 12288) HEADS(32, 8) WIDTH(128) " rope.freq_base=1000000f " RMS "1e-6f",
     "The biases of Qwen2 are gone; norms of q and k keep the scores in bounds instead.", 0},
    {"qwen3moe", "arch_qwen.c", "Qwen3-30B-A3B", "Qwen3 Technical Report",
     SIZE(40960, 2048, 48, 6144) HEADS(32, 4) WIDTH(128) " rope.freq_base=1000000f expert_count=128 "
     "expert_used_count=8 expert_feed_forward_length=768 " RMS "1e-6f",
     "Many small experts and none that is shared. Heads are wider together than the stream: 32 of 128 for D = 2048.", 0},
    {"gemma", "arch_gemma.c", "Gemma 7B", "Gemma: Open Models Based on Gemini Research and Technology",
     SIZE(8192, 3072, 28, 24576) HEADS(16, 16) WIDTH(256) " " RMS "1e-6f",
     "Embeddings are multiplied by sqrt(D) on their way in, because the same matrix is the output.", 0},
    {"gemma2", "arch_gemma.c", "Gemma 2 9B", "Gemma 2: Improving Open Language Models at a Practical Size",
     SIZE(8192, 3584, 42, 14336) HEADS(16, 8) WIDTH(256) " attention.sliding_window=4096 "
     "attn_logit_softcapping=50f final_logit_softcapping=30f " RMS "1e-6f",
     "Norms on both sides of each half, caps on scores and logits, and every second layer sees a window only.", 0},
    {"gemma3", "arch_gemma.c", "Gemma 3 4B", "Gemma 3 Technical Report",
     SIZE(131072, 2560, 34, 10240) HEADS(8, 4) WIDTH(256) " attention.sliding_window=1024 rope.freq_base=1000000f "
     "rope.scaling.type=linear rope.scaling.factor=8f " RMS "1e-6f",
     "Five layers with a short window to one that sees everything: most layers need little memory for a long text.", 0},
    {"phi2", "arch_phi.c", "Phi-2", "Textbooks Are All You Need II: phi-1.5 technical report",
     SIZE(2048, 2560, 32, 10240) HEADS(32, 32) " rope.dimension_count=32 " LN "1e-5f",
     "Both halves read one norm; less than half of each head turns; biases everywhere.", HAS_BIASES},
    {"phi3", "arch_phi.c", "Phi-3-mini 4K", "Phi-3 Technical Report: A Highly Capable Language Model Locally on Your Phone",
     SIZE(4096, 3072, 32, 8192) HEADS(32, 32) " rope.dimension_count=96 " RMS "1e-5f",
     "A Llama whose files hold q, k, v in one tensor and gate, up in another. The versions for 128 K tokens have a "
     "factor for each rotary pair.", 0},
    {"gpt2", "arch_gpt.c", "GPT-2 (124M)", "Language Models are Unsupervised Multitask Learners",
     SIZE(1024, 768, 12, 3072) HEADS(12, 12) " " LN "1e-5f",
     "Where the line begins: positions are learned vectors, one for each place, and after the last of them nothing works.",
     HAS_BIASES},
    {"gptj", "arch_gpt.c", "GPT-J 6B", "GPT-J-6B: A 6 Billion Parameter Autoregressive Language Model",
     SIZE(2048, 4096, 28, 16384) HEADS(16, 16) " rope.dimension_count=64 " LN "1e-5f",
     "Among the first with rotation, and with both halves side by side from one norm.", HAS_FFN_BIAS},
    {"gptneox", "arch_gpt.c", "GPT-NeoX 20B", "GPT-NeoX-20B: An Open-Source Autoregressive Language Model",
     SIZE(2048, 6144, 44, 24576) HEADS(64, 64) " rope.dimension_count=24 use_parallel_residual=true " LN "1e-5f",
     "Side by side, but each half with its own norm. A key of the file says whether it is so: in some models of the "
     "family the halves follow one another.", HAS_BIASES},
    {"falcon", "arch_falcon.c", "Falcon 7B", "The Falcon Series of Open Language Models",
     SIZE(2048, 4544, 32, 18176) HEADS(71, 1) WIDTH(64) " " LN "1e-5f",
     "71 heads of queries share one key and one value. The 40B model has 8 of them and a norm for each half.", 0},
    {"bloom", "arch_alibi.c", "BLOOM 7B1", "BLOOM: A 176B-Parameter Open-Access Multilingual Language Model",
     SIZE(2048, 4096, 30, 16384) HEADS(32, 32) " " LN "1e-5f",
     "Positions are a penalty for distance, and the embedding passes through a norm.", HAS_BIASES},
    {"mpt", "arch_alibi.c", "MPT 7B", "Introducing MPT-7B (an article, no paper)",
     SIZE(2048, 4096, 32, 16384) HEADS(32, 32) " attention.max_alibi_bias=8f " LN "1e-5f",
     "No biases at all, not even in the norms. Some files cut q, k and v off, or normalise q and k.", 0},
    {"starcoder", "arch_gpt.c", "StarCoder 15B", "StarCoder: may the source be with you!",
     SIZE(8192, 6144, 40, 24576) HEADS(48, 1) " " LN "1e-5f",
     "A GPT-2 with one key and one value for all heads.", HAS_BIASES},
    {"starcoder2", "arch_gpt.c", "StarCoder2 7B", "StarCoder 2 and The Stack v2: The Next Generation",
     SIZE(16384, 4608, 32, 18432) HEADS(36, 4) " rope.freq_base=1000000f " LN "1e-5f",
     "GPT-2's network with Llama's attention, and biases.", HAS_BIASES},
    {"stablelm", "arch_stablelm.c", "StableLM 3B 4E1T", "Stable LM 2 1.6B Technical Report",
     SIZE(4096, 2560, 32, 6912) HEADS(32, 32) " rope.dimension_count=20 " LN "1e-5f",
     "A Llama with LayerNorm, and a quarter of each head turns. The 12B model lacks the second norm and is side by "
     "side; larger ones normalise q and k.", 0},
    {"olmo2", "arch_olmo2.c", "OLMo 2 7B", "2 OLMo 2 Furious",
     SIZE(4096, 4096, 32, 11008) HEADS(32, 32) " rope.freq_base=500000f " RMS "1e-6f",
     "No norm before a half, one after it: the road is read as it is, and what is added has always the same length.", 0},
    {"command-r", "arch_command_r.c", "Command R (35B)", "Model cards of Command R and R+ (no paper)",
     SIZE(131072, 8192, 40, 22528) HEADS(64, 64) " rope.freq_base=8000000f logit_scale=0.0625f " LN "1e-5f",
     "Side by side from one norm, with a gate. Command R+ normalises each head of q and k.", 0},
    {"granite", "arch_granite.c", "Granite 3.0 8B", "Granite 3.0 Language Models",
     SIZE(4096, 4096, 40, 12800) HEADS(32, 8) " attention.scale=0.0078125f embedding_scale=12f residual_scale=0.22f "
     "logit_scale=16f " RMS "1e-5f",
     "A Llama with a factor at four places: embedding, scores, branches, logits.", 0},
    {"granitemoe", "arch_granite.c", "Granite 3.0 1B-A400M", "Granite 3.0 Language Models",
     SIZE(4096, 1024, 24, 512) HEADS(16, 8) " expert_count=32 expert_used_count=8 attention.scale=0.015625f "
     "embedding_scale=12f residual_scale=0.22f logit_scale=6f " RMS "1e-6f",
     "The same factors, and 8 of 32 small experts.", 0},
    {"internlm2", "arch_llama.c", "InternLM2 7B", "InternLM2 Technical Report",
     SIZE(32768, 4096, 32, 14336) HEADS(32, 8) " rope.freq_base=1000000f " RMS "1e-5f",
     "A Llama by another name: only the original's fused q, k, v had to be taken apart.", 0},
    {"gpt-oss", "arch_gpt_oss.c", "gpt-oss-20b", "gpt-oss-120b & gpt-oss-20b Model Card",
     SIZE(131072, 2880, 24, 2880) HEADS(64, 8) WIDTH(64) " attention.sliding_window=128 expert_count=32 "
     "expert_used_count=4 expert_feed_forward_length=2880 rope.freq_base=150000f rope.scaling.type=yarn "
     "rope.scaling.factor=32f rope.scaling.original_context_length=4096 " RMS "1e-5f",
     "Every second layer sees 128 tokens; a sink lets a head look at nothing; experts have biases.", HAS_BIASES | HAS_SINKS},
    {"bert", "arch_bert.c", "BERT base", "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
     SIZE(512, 768, 12, 3072) HEADS(12, 12) " " LN "1e-12f",
     "An encoder: tokens see later ones, norms stand on the road, and what comes out are vectors.", HAS_BIASES},
    {"nomic-bert", "arch_bert.c", "nomic-embed-text v1.5", "Nomic Embed: Training a Reproducible Long Context Text Embedder",
     SIZE(2048, 768, 12, 3072) HEADS(12, 12) " rope.freq_base=1000f " LN "1e-12f",
     "BERT with rotation, a gate and no biases.", 0},
    {"deepseek2", "arch_deepseek2.c", "DeepSeek-V3",
     "DeepSeek-V2: A Strong, Economical, and Efficient Mixture-of-Experts Language Model",
     SIZE(163840, 7168, 61, 18432) HEADS(128, 1) " attention.key_length=576 attention.value_length=512 "
     "attention.key_length_mla=192 attention.value_length_mla=128 attention.q_lora_rank=1536 "
     "attention.kv_lora_rank=512 rope.dimension_count=64 leading_dense_block_count=3 expert_count=256 "
     "expert_used_count=8 expert_feed_forward_length=2048 expert_shared_count=1 expert_group_count=8 "
     "expert_group_used_count=4 expert_gating_func=2 expert_weights_norm=true expert_weights_scale=2.5f "
     "rope.scaling.type=yarn rope.scaling.factor=40f rope.scaling.original_context_length=4096 "
     "rope.scaling.yarn_log_multiplier=0.1f " RMS "1e-6f",
     "128 heads remember one vector of 512 numbers and a turned one of 64 for each token; keys and values are made "
     "from it. Three dense layers, then 8 of 256 experts and one for all.", HAS_SELECT_BIAS},
    {"mamba", "arch_mamba.c", "Mamba 2.8B", "Mamba: Linear-Time Sequence Modeling with Selective State Spaces",
     SCAN(2560, 5120, 16, 160), "No attention: each channel carries 16 numbers from token to token, however long the "
     "text.", 0},
    {"mamba2", "arch_mamba.c", "Mamba-2 2.7B",
     "Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured State Space Duality",
     SCAN(2560, 5120, 128, 80) " ssm.group_count=1", "One decay for each head of channels makes a chunk of text a "
     "matrix product, so a state can be eight times as large.", 0},
    {"nemotron", "arch_nemotron.c", "Nemotron-4 15B", "Nemotron-4 15B Technical Report",
     SIZE(4096, 6144, 32, 24576) HEADS(48, 8) " rope.dimension_count=64 " LN "1e-5f",
     "Llama's attention with LayerNorm, and a network without a gate whose activation is a square. The lesson on "
     "[adding an architecture](../5_family.md) builds it.", 0},
};

const ArchExample *arch_example(const ArchDesc *a)
{
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        if (strcmp(examples[i].arch, a->name) == 0) return &examples[i];
    return NULL;
}
