/* hparams.h: the numbers that describe a model, read from metadata and checked by one table.
 *
 * The table in hparams.c gives each key its range, default and divisor; the same rows are printed by
 * documentation. A file that breaks a rule is refused with the key, the value and the allowed range.
 *
 * Interface: hparams_read fills h from "<arch>.*" keys. Strings are views into the Gguf. Heads and a
 * feed-forward network are required of all but models that scan (ssm.state_size): there they are 0. */
#ifndef SIXFOLD_HPARAMS_H
#define SIXFOLD_HPARAMS_H

#include "layer4.h"

enum { MAX_LAYERS = 512 };

/* A number for each layer; n = 0: the file has one for all. */
typedef struct {
    int64_t n;
    int32_t at[MAX_LAYERS];
} LayerInts;

typedef struct Hparams {
    Str arch;             /* general.architecture */
    int64_t n_ctx_train;  /* context_length */
    int64_t d_model;      /* embedding_length */
    int64_t n_layer;      /* block_count */
    int64_t d_ff;         /* feed_forward_length; where layers differ, the largest: so the next two */
    int64_t n_head;       /* attention.head_count */
    int64_t n_kv_head;    /* attention.head_count_kv, default n_head */
    bool kv_heads_given;  /* false: as many as heads, layer by layer */
    LayerInts d_ffs, heads, kv_heads; /* of each layer, where a file has a list */
    int64_t d_k;          /* attention.key_length, default d_model / n_head */
    int64_t d_v;          /* attention.value_length, default d_model / n_head */
    int64_t n_rot;        /* rope.dimension_count, default d_k */
    int64_t n_vocab;      /* vocab_size, default number of tokens; rows of the embedding decide */
    float norm_eps;       /* attention.layer_norm_rms_epsilon or attention.layer_norm_epsilon */
    Str activation;       /* hidden_activation, as Hugging Face names it; empty = the family's own */
    /* positions */
    Str rope_scaling;     /* rope.scaling.type: none, linear (default), yarn, longrope */
    float rope_base;      /* rope.freq_base, default 10000 */
    float rope_base_swa;  /* rope.freq_base_swa, of sliding layers; 0 = not given */
    float rope_factor;    /* rope.scaling.factor, default 1 */
    float rope_dynamic;   /* rope.scaling.dynamic_factor: a larger base in contexts beyond n_ctx_orig; 0 = off */
    float rope_attn_factor;  /* rope.scaling.attn_factor, default 1 */
    float yarn_log_mul;   /* rope.scaling.yarn_log_multiplier */
    bool yarn_unrounded;  /* rope.scaling.yarn_truncate is false: YaRN's first and last pair stay fractions */
    int64_t n_ctx_orig;   /* rope.scaling.original_context_length, default n_ctx_train */
    /* attention */
    int64_t window;       /* attention.sliding_window, 0 = none */
    int64_t window_period; /* attention.sliding_window_pattern as a number, 0 = not given */
    int64_t n_slides;     /* the same as a list: layers in it, 0 = not given */
    bool slides[MAX_LAYERS];
    int64_t kv_rank;      /* attention.kv_lora_rank, of latent attention; 0 = none */
    int64_t q_rank;       /* attention.q_lora_rank, 0 = none */
    int64_t d_k_mla, d_v_mla; /* attention.key_length_mla, value_length_mla; 0 = not given */
    float temp_scale;     /* attention.temperature_scale, 0 = off */
    int64_t temp_length;  /* attention.temperature_length, 0 = off */
    float clamp_qkv;      /* attention.clamp_kqv, 0 = off */
    float alibi;          /* attention.max_alibi_bias, 0 = off */
    float attn_scale;     /* attention.scale, 0 = 1 / sqrt(d_k) */
    float attn_cap;       /* attn_logit_softcapping, 0 = off */
    /* scales */
    float logit_scale, residual_scale, embd_scale, logit_cap; /* 0 = off */
    /* experts */
    int64_t n_expert, n_expert_used;
    int64_t d_ff_expert;  /* expert_feed_forward_length */
    int64_t d_ff_shared;  /* expert_shared_feed_forward_length */
    int64_t n_shared;     /* expert_shared_count */
    int64_t n_dense;      /* leading_dense_block_count */
    int64_t gating;       /* expert_gating_func */
    int64_t n_group, n_group_used;
    float expert_scale;   /* expert_weights_scale */
    /* state-space models; d_state 0: none of the others is there */
    int64_t d_conv;       /* ssm.conv_kernel */
    int64_t d_inner;      /* ssm.inner_size */
    int64_t d_state;      /* ssm.state_size */
    int64_t dt_rank;      /* ssm.time_step_rank; of mamba2 the number of heads */
    int64_t n_scan_group; /* ssm.group_count */
    bool norm_dt_bc;      /* ssm.dt_b_c_rms */
    float dt_bc_eps;      /* ssm.dt_b_c_rms_epsilon, default that of the other norms */
    /* encoders */
    int64_t pooling;      /* pooling_type: 0 none, 1 mean, 2 first token, 3 last token */
} Hparams;

Status hparams_read(Hparams *h, const Gguf *g, Err *err);

/* Numbers of one layer, whether the file has one for all or a list. */
int64_t hparams_heads(const Hparams *h, int64_t layer);
int64_t hparams_kv_heads(const Hparams *h, int64_t layer);
int64_t hparams_d_ff(const Hparams *h, int64_t layer);

/* One row of the table as text "llama.block_count  1..512  required", for documentation and
 * messages; NULL past the end. */
const char *hparams_rule(int i);

#endif
