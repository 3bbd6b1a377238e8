/* hf_families.c: the table of families: names there, names here, and what happens on the way. */
#include "hf_impl.h"

#include <stdio.h>
#include <string.h>

/* Parts that many families share. */
#define ENDS {"token_embd", "embed_tokens", 0}, {"output_norm", "norm", 0}, {"output", "lm_head", 0}
#define NORMS {"blk.%d.attn_norm", "layers.%d.input_layernorm", 0}, \
              {"blk.%d.ffn_norm", "layers.%d.post_attention_layernorm", 0}
#define ATTENTION(q, k) {"blk.%d.attn_q", "layers.%d.self_attn.q_proj", q}, \
                        {"blk.%d.attn_k", "layers.%d.self_attn.k_proj", k}, \
                        {"blk.%d.attn_v", "layers.%d.self_attn.v_proj", 0}, \
                        {"blk.%d.attn_output", "layers.%d.self_attn.o_proj", 0}
#define QK_NORMS(how) {"blk.%d.attn_q_norm", "layers.%d.self_attn.q_norm", how}, \
                      {"blk.%d.attn_k_norm", "layers.%d.self_attn.k_norm", how}
#define GATED {"blk.%d.ffn_gate", "layers.%d.mlp.gate_proj", 0}, {"blk.%d.ffn_up", "layers.%d.mlp.up_proj", 0}, \
              {"blk.%d.ffn_down", "layers.%d.mlp.down_proj", 0}
/* Experts, one by one or (newer checkpoints) already stacked. */
#define EXPERTS(block, gate, up, down) \
    {"blk.%d.ffn_gate_inp", "layers.%d." block ".gate", 0}, \
    {"blk.%d.ffn_gate_exps", "layers.%d." block ".experts.%d." gate, HF_STACK}, \
    {"blk.%d.ffn_up_exps", "layers.%d." block ".experts.%d." up, HF_STACK}, \
    {"blk.%d.ffn_down_exps", "layers.%d." block ".experts.%d." down, HF_STACK}, \
    {"blk.%d.ffn_gate_exps", "layers.%d." block ".experts.gate_up_proj", HF_GATE}, \
    {"blk.%d.ffn_up_exps", "layers.%d." block ".experts.gate_up_proj", HF_UP}, \
    {"blk.%d.ffn_down_exps", "layers.%d." block ".experts.down_proj", 0}
#define END {NULL, NULL, 0}

//@ begin hf-rows-llama
static const HfRow llama[] = {
    ENDS, NORMS, ATTENTION(HF_TURN_Q, HF_TURN_K), GATED,
    EXPERTS("block_sparse_moe", "w1", "w3", "w2"), END};
static const HfRow qwen[] = {
    ENDS, NORMS, ATTENTION(0, 0), QK_NORMS(0), GATED,
    EXPERTS("mlp", "gate_proj", "up_proj", "down_proj"),
    {"blk.%d.ffn_gate_inp_shexp", "layers.%d.mlp.shared_expert_gate", HF_SQUEEZE},
    {"blk.%d.ffn_gate_shexp", "layers.%d.mlp.shared_expert.gate_proj", 0},
    {"blk.%d.ffn_up_shexp", "layers.%d.mlp.shared_expert.up_proj", 0},
    {"blk.%d.ffn_down_shexp", "layers.%d.mlp.shared_expert.down_proj", 0}, END};
//@ end hf-rows-llama

static const HfRow gemma[] = {
    {"token_embd", "embed_tokens", 0}, {"output_norm", "norm", HF_PLUS_ONE}, {"output", "lm_head", 0},
    {"blk.%d.attn_norm", "layers.%d.input_layernorm", HF_PLUS_ONE},
    {"blk.%d.ffn_norm", "layers.%d.post_attention_layernorm", HF_PLUS_ONE}, ATTENTION(0, 0), GATED, END};
static const HfRow gemma2[] = {
    {"token_embd", "embed_tokens", 0}, {"output_norm", "norm", HF_PLUS_ONE}, {"output", "lm_head", 0},
    {"blk.%d.attn_norm", "layers.%d.input_layernorm", HF_PLUS_ONE},
    {"blk.%d.post_attention_norm", "layers.%d.post_attention_layernorm", HF_PLUS_ONE},
    {"blk.%d.ffn_norm", "layers.%d.pre_feedforward_layernorm", HF_PLUS_ONE},
    {"blk.%d.post_ffw_norm", "layers.%d.post_feedforward_layernorm", HF_PLUS_ONE},
    ATTENTION(0, 0), QK_NORMS(HF_PLUS_ONE), GATED, END};
static const HfRow olmo2[] = {
    ENDS, {"blk.%d.post_attention_norm", "layers.%d.post_attention_layernorm", 0},
    {"blk.%d.post_ffw_norm", "layers.%d.post_feedforward_layernorm", 0}, ATTENTION(0, 0), QK_NORMS(0), GATED,
    END};
static const HfRow phi2[] = {
    {"token_embd", "embed_tokens", 0}, {"output_norm", "final_layernorm", 0}, {"output", "lm_head", 0},
    {"blk.%d.attn_norm", "layers.%d.input_layernorm", 0}, {"blk.%d.attn_q", "layers.%d.self_attn.q_proj", 0},
    {"blk.%d.attn_k", "layers.%d.self_attn.k_proj", 0}, {"blk.%d.attn_v", "layers.%d.self_attn.v_proj", 0},
    {"blk.%d.attn_output", "layers.%d.self_attn.dense", 0}, {"blk.%d.ffn_up", "layers.%d.mlp.fc1", 0},
    {"blk.%d.ffn_down", "layers.%d.mlp.fc2", 0}, END};
static const HfRow phi3[] = {
    ENDS, NORMS, {"blk.%d.attn_qkv", "layers.%d.self_attn.qkv_proj", 0},
    {"blk.%d.attn_output", "layers.%d.self_attn.o_proj", 0}, {"blk.%d.ffn_up", "layers.%d.mlp.gate_up_proj", 0},
    {"blk.%d.ffn_down", "layers.%d.mlp.down_proj", 0}, END};
#define GPT(how) \
    {"token_embd", "wte", 0}, {"position_embd", "wpe", 0}, {"output_norm", "ln_f", 0}, {"output", "lm_head", 0}, \
    {"blk.%d.attn_norm", "h.%d.ln_1", 0}, {"blk.%d.ffn_norm", "h.%d.ln_2", 0}, \
    {"blk.%d.attn_qkv", "h.%d.attn.c_attn", how}, {"blk.%d.attn_output", "h.%d.attn.c_proj", how}, \
    {"blk.%d.ffn_up", "h.%d.mlp.c_fc", how}, {"blk.%d.ffn_down", "h.%d.mlp.c_proj", how}, END
static const HfRow gpt2[] = {GPT(HF_FLIP)};
static const HfRow starcoder[] = {GPT(0)};
static const HfRow gptj[] = {
    {"token_embd", "wte", 0}, {"output_norm", "ln_f", 0}, {"output", "lm_head", 0},
    {"blk.%d.attn_norm", "h.%d.ln_1", 0}, {"blk.%d.attn_q", "h.%d.attn.q_proj", 0},
    {"blk.%d.attn_k", "h.%d.attn.k_proj", 0}, {"blk.%d.attn_v", "h.%d.attn.v_proj", 0},
    {"blk.%d.attn_output", "h.%d.attn.out_proj", 0}, {"blk.%d.ffn_up", "h.%d.mlp.fc_in", 0},
    {"blk.%d.ffn_down", "h.%d.mlp.fc_out", 0}, END};
static const HfRow gptneox[] = {
    {"token_embd", "embed_in", 0}, {"output_norm", "final_layer_norm", 0}, {"output", "embed_out", 0},
    {"output", "lm_head", 0}, NORMS, {"blk.%d.attn_qkv", "layers.%d.attention.query_key_value", HF_QKV},
    {"blk.%d.attn_output", "layers.%d.attention.dense", 0},
    {"blk.%d.ffn_up", "layers.%d.mlp.dense_h_to_4h", 0}, {"blk.%d.ffn_down", "layers.%d.mlp.dense_4h_to_h", 0},
    END};
/* Falcon's 40B norms are called ln_mlp and ln_attn. */
static const HfRow falcon[] = {
    {"token_embd", "word_embeddings", 0}, {"token_embd_norm", "word_embeddings_layernorm", 0},
    {"output_norm", "ln_f", 0}, {"output", "lm_head", 0}, {"blk.%d.attn_norm", "h.%d.input_layernorm", 0},
    {"blk.%d.attn_norm", "h.%d.ln_mlp", 0}, {"blk.%d.attn_norm_2", "h.%d.ln_attn", 0},
    {"blk.%d.ffn_norm", "h.%d.post_attention_layernorm", 0},
    {"blk.%d.attn_qkv", "h.%d.self_attention.query_key_value", HF_QKV},
    {"blk.%d.attn_output", "h.%d.self_attention.dense", 0}, {"blk.%d.ffn_up", "h.%d.mlp.dense_h_to_4h", 0},
    {"blk.%d.ffn_down", "h.%d.mlp.dense_4h_to_h", 0}, END};
static const HfRow mpt[] = {
    {"token_embd", "wte", 0}, {"position_embd", "wpe", 0}, {"output_norm", "norm_f", 0}, {"output", "lm_head", 0},
    {"blk.%d.attn_norm", "blocks.%d.norm_1", 0}, {"blk.%d.ffn_norm", "blocks.%d.norm_2", 0},
    {"blk.%d.attn_qkv", "blocks.%d.attn.Wqkv", 0}, {"blk.%d.attn_output", "blocks.%d.attn.out_proj", 0},
    {"blk.%d.attn_q_norm", "blocks.%d.attn.q_ln", 0}, {"blk.%d.attn_k_norm", "blocks.%d.attn.k_ln", 0},
    {"blk.%d.ffn_up", "blocks.%d.ffn.up_proj", 0}, {"blk.%d.ffn_down", "blocks.%d.ffn.down_proj", 0}, END};
static const HfRow starcoder2[] = {
    ENDS, NORMS, ATTENTION(0, 0), {"blk.%d.ffn_up", "layers.%d.mlp.c_fc", 0},
    {"blk.%d.ffn_down", "layers.%d.mlp.c_proj", 0}, END};
static const HfRow stablelm[] = {
    ENDS, NORMS, ATTENTION(0, 0), GATED,
    {"blk.%d.attn_q_norm", "layers.%d.self_attn.q_layernorm.norms.%d", HF_STACK},
    {"blk.%d.attn_k_norm", "layers.%d.self_attn.k_layernorm.norms.%d", HF_STACK}, END};
static const HfRow nemotron[] = {
    {"token_embd", "embed_tokens", 0}, {"output_norm", "norm", HF_PLUS_ONE}, {"output", "lm_head", 0},
    {"blk.%d.attn_norm", "layers.%d.input_layernorm", HF_PLUS_ONE},
    {"blk.%d.ffn_norm", "layers.%d.post_attention_layernorm", HF_PLUS_ONE}, ATTENTION(0, 0),
    {"blk.%d.ffn_up", "layers.%d.mlp.up_proj", 0}, {"blk.%d.ffn_down", "layers.%d.mlp.down_proj", 0}, END};
static const HfRow command_r[] = {
    ENDS, {"blk.%d.attn_norm", "layers.%d.input_layernorm", 0}, ATTENTION(0, 0), QK_NORMS(0), GATED, END};
static const HfRow granitemoe[] = {
    ENDS, NORMS, ATTENTION(HF_TURN_Q, HF_TURN_K),
    {"blk.%d.ffn_gate_inp", "layers.%d.block_sparse_moe.router.layer", 0},
    {"blk.%d.ffn_gate_exps", "layers.%d.block_sparse_moe.input_linear", HF_GATE},
    {"blk.%d.ffn_up_exps", "layers.%d.block_sparse_moe.input_linear", HF_UP},
    {"blk.%d.ffn_down_exps", "layers.%d.block_sparse_moe.output_linear", 0},
    {"blk.%d.ffn_gate_shexp", "layers.%d.shared_mlp.input_linear", HF_GATE},
    {"blk.%d.ffn_up_shexp", "layers.%d.shared_mlp.input_linear", HF_UP},
    {"blk.%d.ffn_down_shexp", "layers.%d.shared_mlp.output_linear", 0}, END};

static const HfRow internlm2[] = {
    {"token_embd", "tok_embeddings", 0}, {"output_norm", "norm", 0}, {"output", "output", 0},
    {"blk.%d.attn_norm", "layers.%d.attention_norm", 0}, {"blk.%d.ffn_norm", "layers.%d.ffn_norm", 0},
    {"blk.%d.attn_q", "layers.%d.attention.wqkv", HF_PART_Q}, {"blk.%d.attn_k", "layers.%d.attention.wqkv", HF_PART_K},
    {"blk.%d.attn_v", "layers.%d.attention.wqkv", HF_PART_V}, {"blk.%d.attn_output", "layers.%d.attention.wo", 0},
    {"blk.%d.ffn_gate", "layers.%d.feed_forward.w1", 0}, {"blk.%d.ffn_up", "layers.%d.feed_forward.w3", 0},
    {"blk.%d.ffn_down", "layers.%d.feed_forward.w2", 0}, END};
static const HfRow deepseek[] = {
    ENDS, NORMS, {"blk.%d.attn_q", "layers.%d.self_attn.q_proj", 0}, {"blk.%d.attn_q_a", "layers.%d.self_attn.q_a_proj", 0},
    {"blk.%d.attn_q_a_norm", "layers.%d.self_attn.q_a_layernorm", 0}, {"blk.%d.attn_q_b", "layers.%d.self_attn.q_b_proj", 0},
    {"blk.%d.attn_kv_a_mqa", "layers.%d.self_attn.kv_a_proj_with_mqa", 0},
    {"blk.%d.attn_kv_a_norm", "layers.%d.self_attn.kv_a_layernorm", 0},
    {"blk.%d.attn_k_b", "layers.%d.self_attn.kv_b_proj", HF_KEYS_UP},
    {"blk.%d.attn_v_b", "layers.%d.self_attn.kv_b_proj", HF_VALUES_UP},
    {"blk.%d.attn_output", "layers.%d.self_attn.o_proj", 0}, GATED, EXPERTS("mlp", "gate_proj", "up_proj", "down_proj"),
    {"=blk.%d.exp_probs_b.bias", "=layers.%d.mlp.gate.e_score_correction_bias", 0},
    {"blk.%d.ffn_gate_shexp", "layers.%d.mlp.shared_experts.gate_proj", 0},
    {"blk.%d.ffn_up_shexp", "layers.%d.mlp.shared_experts.up_proj", 0},
    {"blk.%d.ffn_down_shexp", "layers.%d.mlp.shared_experts.down_proj", 0}, END};
/* Experts as numbers of 16 or 32 bits stand the other way round than those of 4 bits. */
static const HfRow gpt_oss[] = {
    ENDS, {"blk.%d.attn_norm", "layers.%d.input_layernorm", 0},
    {"blk.%d.post_attention_norm", "layers.%d.post_attention_layernorm", 0}, ATTENTION(0, 0),
    {"=blk.%d.attn_sinks.weight", "=layers.%d.self_attn.sinks", 0}, {"blk.%d.ffn_gate_inp", "layers.%d.mlp.router", 0},
    {"=blk.%d.ffn_gate_exps.weight", "=layers.%d.mlp.experts.gate_up_proj", HF_EVEN},
    {"=blk.%d.ffn_up_exps.weight", "=layers.%d.mlp.experts.gate_up_proj", HF_ODD},
    {"=blk.%d.ffn_down_exps.weight", "=layers.%d.mlp.experts.down_proj", HF_FLIP},
    {"=blk.%d.ffn_gate_exps.weight", "=layers.%d.mlp.experts.gate_up_proj_blocks", HF_EVEN},
    {"=blk.%d.ffn_up_exps.weight", "=layers.%d.mlp.experts.gate_up_proj_blocks", HF_ODD},
    {"=blk.%d.ffn_down_exps.weight", "=layers.%d.mlp.experts.down_proj_blocks", 0},
    {"=blk.%d.ffn_gate_exps.bias", "=layers.%d.mlp.experts.gate_up_proj_bias", HF_EVEN},
    {"=blk.%d.ffn_up_exps.bias", "=layers.%d.mlp.experts.gate_up_proj_bias", HF_ODD},
    {"=blk.%d.ffn_down_exps.bias", "=layers.%d.mlp.experts.down_proj_bias", 0}, END};
#define SCAN \
    {"token_embd", "embeddings", 0}, {"output_norm", "norm_f", 0}, {"output", "lm_head", 0}, \
    {"blk.%d.attn_norm", "layers.%d.norm", 0}, {"blk.%d.ssm_in", "layers.%d.mixer.in_proj", 0}, \
    {"blk.%d.ssm_conv1d", "layers.%d.mixer.conv1d", HF_TAPS}, {"blk.%d.ssm_out", "layers.%d.mixer.out_proj", 0}
static const HfRow mamba[] = {
    SCAN, {"blk.%d.ssm_x", "layers.%d.mixer.x_proj", 0}, {"blk.%d.ssm_dt", "layers.%d.mixer.dt_proj", 0},
    {"=blk.%d.ssm_a", "=layers.%d.mixer.A_log", HF_RATE}, {"=blk.%d.ssm_d", "=layers.%d.mixer.D", 0}, END};
static const HfRow mamba2[] = {
    SCAN, {"=blk.%d.ssm_dt.bias", "=layers.%d.mixer.dt_bias", 0}, {"=blk.%d.ssm_a", "=layers.%d.mixer.A_log", HF_RATE},
    {"=blk.%d.ssm_d", "=layers.%d.mixer.D", HF_COLUMN}, {"blk.%d.ssm_norm", "layers.%d.mixer.norm", HF_GROUPS}, END};
#define BERT(positions) \
    {"token_embd", "embeddings.word_embeddings", 0}, {"position_embd", "embeddings.position_embeddings", positions}, \
    {"token_types", "embeddings.token_type_embeddings", 0}, {"token_embd_norm", "embeddings.LayerNorm", 0}, \
    {"blk.%d.attn_q", "encoder.layer.%d.attention.self.query", 0}, \
    {"blk.%d.attn_k", "encoder.layer.%d.attention.self.key", 0}, \
    {"blk.%d.attn_v", "encoder.layer.%d.attention.self.value", 0}, \
    {"blk.%d.attn_output", "encoder.layer.%d.attention.output.dense", 0}, \
    {"blk.%d.attn_output_norm", "encoder.layer.%d.attention.output.LayerNorm", 0}, \
    {"blk.%d.ffn_up", "encoder.layer.%d.intermediate.dense", 0}, {"blk.%d.ffn_down", "encoder.layer.%d.output.dense", 0}, \
    {"blk.%d.layer_output_norm", "encoder.layer.%d.output.LayerNorm", 0}
static const HfRow bert[] = {BERT(0), END};
static const HfRow bert_rank[] = {BERT(0), {"cls", "pooler.dense", 0}, {"cls.output", "classifier", 0}, END};
static const HfRow roberta[] = {BERT(HF_AFTER_PAD), END};
static const HfRow roberta_rank[] = {
    BERT(HF_AFTER_PAD), {"cls", "classifier.dense", 0}, {"cls.output", "classifier.out_proj", 0}, END};
static const HfRow nomic_bert[] = {
    {"token_embd", "embeddings.word_embeddings", 0}, {"token_types", "embeddings.token_type_embeddings", 0},
    {"token_embd_norm", "emb_ln", 0}, {"blk.%d.attn_qkv", "encoder.layers.%d.attn.Wqkv", 0},
    {"blk.%d.attn_output", "encoder.layers.%d.attn.out_proj", 0}, {"blk.%d.attn_output_norm", "encoder.layers.%d.norm1", 0},
    {"blk.%d.ffn_up", "encoder.layers.%d.mlp.fc11", 0}, {"blk.%d.ffn_gate", "encoder.layers.%d.mlp.fc12", 0},
    {"blk.%d.ffn_down", "encoder.layers.%d.mlp.fc2", 0}, {"blk.%d.layer_output_norm", "encoder.layers.%d.norm2", 0}, END};

static const HfFamily families[] = {
    {"llama", {"LlamaForCausalLM", "MistralForCausalLM", "MixtralForCausalLM"}, llama, "silu"},
    {"qwen2", {"Qwen2ForCausalLM"}, qwen, "silu"},
    {"qwen2moe", {"Qwen2MoeForCausalLM"}, qwen, "silu"},
    {"qwen3", {"Qwen3ForCausalLM"}, qwen, "silu"},
    {"qwen3moe", {"Qwen3MoeForCausalLM"}, qwen, "silu"},
    {"gemma", {"GemmaForCausalLM"}, gemma, "gelu"},
    {"gemma2", {"Gemma2ForCausalLM"}, gemma2, "gelu"},
    {"gemma3", {"Gemma3ForCausalLM", "Gemma3ForConditionalGeneration"}, gemma2, "gelu"},
    {"phi2", {"PhiForCausalLM"}, phi2, "gelu"},
    {"phi3", {"Phi3ForCausalLM"}, phi3, "silu"},
    {"gpt2", {"GPT2LMHeadModel"}, gpt2, "gelu"},
    {"gptj", {"GPTJForCausalLM"}, gptj, "gelu"},
    {"gptneox", {"GPTNeoXForCausalLM"}, gptneox, "gelu"},
    {"falcon", {"FalconForCausalLM", "RWForCausalLM"}, falcon, "gelu"},
    {"bloom", {"BloomForCausalLM"}, falcon, "gelu"},
    {"mpt", {"MptForCausalLM", "MPTForCausalLM"}, mpt, "gelu"},
    {"starcoder", {"GPTBigCodeForCausalLM"}, starcoder, "gelu"},
    {"starcoder2", {"Starcoder2ForCausalLM"}, starcoder2, "gelu"},
    {"stablelm", {"StableLmForCausalLM"}, stablelm, "silu"},
    {"olmo2", {"Olmo2ForCausalLM", "Olmo3ForCausalLM"}, olmo2, "silu"},
    {"nemotron", {"NemotronForCausalLM"}, nemotron, "relu2"},
    {"command-r", {"CohereForCausalLM"}, command_r, "silu"},
    {"granite", {"GraniteForCausalLM"}, llama, "silu"},
    {"granitemoe", {"GraniteMoeForCausalLM", "GraniteMoeSharedForCausalLM"}, granitemoe, "silu"},
    {"internlm2", {"InternLM2ForCausalLM"}, internlm2, "silu"},
    {"deepseek2", {"DeepseekV2ForCausalLM", "DeepseekV3ForCausalLM"}, deepseek, "silu"},
    {"gpt-oss", {"GptOssForCausalLM"}, gpt_oss, "silu"},
    {"mamba", {"MambaForCausalLM", "FalconMambaForCausalLM"}, mamba, "silu"},
    {"mamba2", {"Mamba2ForCausalLM"}, mamba2, "silu"},
    {"bert", {"BertModel", "BertForMaskedLM", "BertForPreTraining"}, bert, "gelu"},
    {"bert", {"BertForSequenceClassification"}, bert_rank, "gelu"},
    {"bert", {"RobertaModel", "RobertaForMaskedLM", "XLMRobertaModel", "XLMRobertaForMaskedLM"}, roberta, "gelu"},
    {"bert", {"RobertaForSequenceClassification", "XLMRobertaForSequenceClassification"}, roberta_rank, "gelu"},
    {"nomic-bert", {"NomicBertModel"}, nomic_bert, "silu"},
};
enum { N_FAMILIES = sizeof families / sizeof *families };

const HfFamily *hf_family_find(JsonView name)
{
    for (int i = 0; i < N_FAMILIES; i++)
        for (const char *const *c = families[i].classes; *c; c++)
            if (jsonview_is(name, *c)) return &families[i];
    return NULL;
}

bool hf_has_row(const HfFamily *f, HfHow how)
{
    for (const HfRow *r = f->rows; r->to; r++)
        if (r->how == how) return true;
    return false;
}

const HfFamily *hf_family_of_arch(Str arch)
{
    for (int i = 0; i < N_FAMILIES; i++)
        if (str_is(arch, families[i].arch)) return &families[i];
    return NULL;
}

Status hf_family_refuse(JsonView name, Err *err)
{
    char list[400] = "";
    for (int i = 0; i < N_FAMILIES; i++) {
        size_t n = strlen(list);
        if (i && strcmp(families[i].arch, families[i - 1].arch) == 0) continue;
        snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", families[i].arch);
    }
    Str class = name.s ? (Str){name.s, (size_t)(name.end - name.s)} : (Str){"(none)", 6};
    return fail(err, E_UNSUPPORTED, "config.json is of the class %.*s, which is none that can be converted. HINT: "
                "families known here: %s", (int)(class.len > 60 ? 60 : class.len), class.ptr, list);
}
