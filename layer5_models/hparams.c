/* hparams.c: one table of keys, ranges and defaults; then the rules between numbers.
 *
 * Every number here comes from a file that a stranger made, and many of them become divisors, array
 * sizes or loop bounds. So nothing is used before it has passed its row of the table, and what a row
 * cannot say (one number dividing another) is checked right after, in one place. */
#include "hparams.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Who must have a key: nobody, every model, those that attend, those that scan. */
enum { OPTIONAL, REQUIRED, ATTENDING, SCANNING };

typedef struct {
    const char *key; /* after "<arch>." */
    size_t offset;   /* of the int64_t in Hparams */
    int64_t lo, hi;
    int need;
} IntRule;

typedef struct {
    const char *key;
    size_t offset; /* of the float in Hparams */
    float lo, hi;
    int need;
} FloatRule;

#define DAMAGED ". HINT: the file is damaged or its converter is wrong"
#define FIELD(name) offsetof(Hparams, name)

//@ begin hparams-table
static const IntRule int_rules[] = {
    {"context_length", FIELD(n_ctx_train), 1, 1 << 30, REQUIRED},
    {"embedding_length", FIELD(d_model), 1, 1 << 20, REQUIRED},
    {"block_count", FIELD(n_layer), 1, MAX_LAYERS, REQUIRED},
    {"feed_forward_length", FIELD(d_ff), 1, 1 << 24, ATTENDING},
    {"attention.head_count", FIELD(n_head), 1, 4096, ATTENDING},
    {"attention.head_count_kv", FIELD(n_kv_head), 1, 4096, OPTIONAL},
    {"attention.key_length", FIELD(d_k), 1, 4096, OPTIONAL},
    {"attention.value_length", FIELD(d_v), 1, 4096, OPTIONAL},
    {"rope.dimension_count", FIELD(n_rot), 2, 4096, OPTIONAL},
    {"vocab_size", FIELD(n_vocab), 1, 1 << 26, OPTIONAL},
    {"rope.scaling.original_context_length", FIELD(n_ctx_orig), 1, 1 << 30, OPTIONAL},
    {"attention.sliding_window", FIELD(window), 0, 1 << 30, OPTIONAL},
    {"attention.kv_lora_rank", FIELD(kv_rank), 0, 4096, OPTIONAL},
    {"attention.q_lora_rank", FIELD(q_rank), 0, 1 << 16, OPTIONAL},
    {"attention.key_length_mla", FIELD(d_k_mla), 0, 4096, OPTIONAL},
    {"attention.value_length_mla", FIELD(d_v_mla), 0, 4096, OPTIONAL},
    {"attention.temperature_length", FIELD(temp_length), 0, 1 << 30, OPTIONAL},
    {"expert_count", FIELD(n_expert), 0, MOE_MAX_EXPERTS, OPTIONAL},
    {"expert_used_count", FIELD(n_expert_used), 0, MOE_MAX_EXPERTS, OPTIONAL},
    {"expert_feed_forward_length", FIELD(d_ff_expert), 1, 1 << 24, OPTIONAL},
    {"expert_shared_feed_forward_length", FIELD(d_ff_shared), 0, 1 << 24, OPTIONAL},
    {"expert_shared_count", FIELD(n_shared), 0, 64, OPTIONAL},
    {"expert_group_count", FIELD(n_group), 0, MOE_MAX_EXPERTS, OPTIONAL},
    {"expert_group_used_count", FIELD(n_group_used), 0, MOE_MAX_EXPERTS, OPTIONAL},
    {"expert_gating_func", FIELD(gating), 0, 3, OPTIONAL},
    {"leading_dense_block_count", FIELD(n_dense), 0, MAX_LAYERS, OPTIONAL},
    {"ssm.conv_kernel", FIELD(d_conv), 1, 64, SCANNING},
    {"ssm.inner_size", FIELD(d_inner), 1, 1 << 20, SCANNING},
    {"ssm.state_size", FIELD(d_state), 1, 4096, SCANNING},
    {"ssm.time_step_rank", FIELD(dt_rank), 1, 1 << 16, SCANNING},
    {"ssm.group_count", FIELD(n_scan_group), 1, 4096, OPTIONAL},
    {"pooling_type", FIELD(pooling), 0, 4, OPTIONAL},
};

static const FloatRule float_rules[] = {
    {"attention.layer_norm_rms_epsilon", FIELD(norm_eps), 1e-20f, 1, OPTIONAL},
    {"attention.layer_norm_epsilon", FIELD(norm_eps), 1e-20f, 1, OPTIONAL},
    {"rope.freq_base", FIELD(rope_base), 1, 1e15f, OPTIONAL},
    {"rope.freq_base_swa", FIELD(rope_base_swa), 1, 1e15f, OPTIONAL},
    {"rope.scaling.factor", FIELD(rope_factor), 0, 1e6f, OPTIONAL},
    {"rope.scaling.dynamic_factor", FIELD(rope_dynamic), 0, 1e6f, OPTIONAL},
    {"rope.scaling.attn_factor", FIELD(rope_attn_factor), 0, 1e3f, OPTIONAL},
    {"ssm.dt_b_c_rms_epsilon", FIELD(dt_bc_eps), 1e-20f, 1, OPTIONAL},
    {"rope.scaling.yarn_log_multiplier", FIELD(yarn_log_mul), 0, 10, OPTIONAL},
    {"attention.clamp_kqv", FIELD(clamp_qkv), 0, 1e6f, OPTIONAL},
    {"attention.max_alibi_bias", FIELD(alibi), 0, 1e3f, OPTIONAL},
    {"attention.scale", FIELD(attn_scale), 0, 1e3f, OPTIONAL},
    {"attention.temperature_scale", FIELD(temp_scale), 0, 1e3f, OPTIONAL},
    {"attn_logit_softcapping", FIELD(attn_cap), 0, 1e6f, OPTIONAL},
    {"final_logit_softcapping", FIELD(logit_cap), 0, 1e6f, OPTIONAL},
    {"logit_scale", FIELD(logit_scale), 0, 1e6f, OPTIONAL},
    {"residual_scale", FIELD(residual_scale), 0, 1e6f, OPTIONAL},
    {"embedding_scale", FIELD(embd_scale), 0, 1e6f, OPTIONAL},
    {"expert_weights_scale", FIELD(expert_scale), 0, 1e6f, OPTIONAL},
};
//@ end hparams-table

enum {
    N_INT_RULES = sizeof int_rules / sizeof *int_rules,
    N_FLOAT_RULES = sizeof float_rules / sizeof *float_rules
};

static const char *need_name(int need)
{
    static const char *const names[] = {"optional", "required", "required unless it scans",
                                        "required if it scans"};
    return names[need];
}

const char *hparams_rule(int i)
{
    static char text[160];
    if (i < 0 || i >= N_INT_RULES + N_FLOAT_RULES) return NULL;
    if (i < N_INT_RULES) {
        const IntRule *r = &int_rules[i];
        snprintf(text, sizeof text, "%-36s %lld..%lld  %s", r->key, (long long)r->lo,
                 (long long)r->hi, need_name(r->need));
    } else {
        const FloatRule *r = &float_rules[i - N_INT_RULES];
        snprintf(text, sizeof text, "%-36s %g..%g  %s", r->key, (double)r->lo, (double)r->hi,
                 need_name(r->need));
    }
    return text;
}

static void full_key(char out[128], const Hparams *h, const char *key)
{
    snprintf(out, 128, "%.*s.%s", STR_ARG(h->arch), key);
}

static Status missing(const char *key, Err *err)
{
    return fail(err, E_FORMAT, "the key '%s' is missing. HINT: `sixfold inspect` lists the keys that "
                "the file has", key);
}

/* Where a rule's list of numbers, one for each layer, goes; NULL: there is only one number. */
static LayerInts *layer_list(Hparams *h, const IntRule *r)
{
    return r->offset == FIELD(d_ff)        ? &h->d_ffs
           : r->offset == FIELD(n_head)    ? &h->heads
           : r->offset == FIELD(n_kv_head) ? &h->kv_heads
                                           : NULL;
}

/* A list with a number for each layer, all within the rule's range; the largest is the model's. */
static Status read_layer_ints(Hparams *h, const Gguf *g, const char *key, const IntRule *r, Err *err)
{
    LayerInts *list = layer_list(h, r);
    const GgufKv *kv;
    int64_t most = 0;
    TRY(gguf_array(g, key, GGUF_I32, h->n_layer, &kv, err));
    for (int64_t i = 0; i < h->n_layer; i++) {
        int64_t v = gguf_array_int(kv, i);
        if (v < r->lo || v > r->hi)
            return fail(err, E_FORMAT, "the key '%s' is %lld for layer %lld, allowed is %lld..%lld" DAMAGED,
                        key, (long long)v, (long long)i, (long long)r->lo, (long long)r->hi);
        list->at[i] = (int32_t)v;
        if (v > most) most = v;
    }
    list->n = h->n_layer;
    memcpy((char *)h + r->offset, &most, sizeof most);
    return OK;
}

/* A state-space model is one that has at least one of their keys. */
static bool scans(const Hparams *h, const Gguf *g)
{
    char key[128];
    for (int i = 0; i < N_INT_RULES; i++) {
        full_key(key, h, int_rules[i].key);
        if (int_rules[i].need == SCANNING && gguf_find(g, key)) return true;
    }
    return false;
}

static Status read_ints(Hparams *h, const Gguf *g, Err *err)
{
    int needed = scans(h, g) ? SCANNING : ATTENDING;
    for (int i = 0; i < N_INT_RULES; i++) {
        const IntRule *r = &int_rules[i];
        char key[128];
        full_key(key, h, r->key);
        const GgufKv *kv = gguf_find(g, key);
        if (!kv) {
            if (r->need == REQUIRED || r->need == needed) return missing(key, err);
            continue;
        }
        if (layer_list(h, r) && kv->type == GGUF_ARRAY) {
            TRY(read_layer_ints(h, g, key, r, err));
            continue;
        }
        int64_t v = 0;
        /* Scanning models say that they have no heads and no network by zeros. */
        int64_t lo = r->need == ATTENDING && needed == SCANNING ? 0 : r->lo;
        TRY(gguf_get_int(g, key, lo, r->hi, &v, err));
        memcpy((char *)h + r->offset, &v, sizeof v);
    }
    return OK;
}

static Status read_floats(Hparams *h, const Gguf *g, Err *err)
{
    for (int i = 0; i < N_FLOAT_RULES; i++) {
        const FloatRule *r = &float_rules[i];
        char key[128];
        full_key(key, h, r->key);
        if (!gguf_find(g, key)) {
            if (r->need == REQUIRED) return missing(key, err);
            continue;
        }
        float v = 0;
        TRY(gguf_get_f32(g, key, &v, err));
        if (!(v >= r->lo && v <= r->hi)) /* also false for NaN */
            return fail(err, E_FORMAT, "the key '%s' is %g, allowed is %g..%g" DAMAGED, key, (double)v,
                        (double)r->lo, (double)r->hi);
        memcpy((char *)h + r->offset, &v, sizeof v);
    }
    return OK;
}

int64_t hparams_heads(const Hparams *h, int64_t layer)
{
    return h->heads.n ? h->heads.at[layer] : h->n_head;
}

int64_t hparams_kv_heads(const Hparams *h, int64_t layer)
{
    if (h->kv_heads.n) return h->kv_heads.at[layer];
    return h->kv_heads_given ? h->n_kv_head : hparams_heads(h, layer);
}

int64_t hparams_d_ff(const Hparams *h, int64_t layer)
{
    return h->d_ffs.n ? h->d_ffs.at[layer] : h->d_ff;
}

/* What a single range cannot say: the key, its value, what is allowed there, and because of which other key. */
__attribute__((format(printf, 5, 6)))
static Status refuse(const Hparams *h, const char *key, int64_t v, Err *err, const char *allowed, ...)
{
    char text[160];
    va_list args;
    va_start(args, allowed);
    vsnprintf(text, sizeof text, allowed, args);
    va_end(args);
    return fail(err, E_FORMAT, "the key '%.*s.%s' is %lld, allowed is %s" DAMAGED, STR_ARG(h->arch), key, (long long)v,
                text);
}

static Status check_experts(const Hparams *h, Err *err)
{
    int64_t n = h->n_expert, n_group = h->n_group;
    if (h->n_expert_used > n || (n > 0) != (h->n_expert_used > 0))
        return refuse(h, "expert_used_count", h->n_expert_used, err, "%d..%lld (expert_count)", n > 0, (long long)n);
    if (n_group <= 1) return OK;
    if (n % n_group != 0)
        return refuse(h, "expert_group_count", n_group, err, "a divisor of expert_count %lld", (long long)n);
    if (n == 0) return refuse(h, "expert_group_count", n_group, err, "0 or 1, since expert_count is 0");
    /* So many groups that the experts of a token find room in them. */
    int64_t size = n / n_group, least = (h->n_expert_used + size - 1) / size;
    if (h->n_group_used >= least && h->n_group_used <= n_group) return OK;
    return refuse(h, "expert_group_used_count", h->n_group_used, err, "%lld..%lld (expert_group_count), since "
                  "expert_used_count is %lld of %lld", (long long)least, (long long)n_group, (long long)h->n_expert_used,
                  (long long)n);
}

/* Where layers differ. */
static Status check_heads(const Hparams *h, Err *err)
{
    for (int64_t i = 0; i < (h->heads.n || h->kv_heads.n ? h->n_layer : 0); i++) {
        int64_t n_head = hparams_heads(h, i), n_kv_head = hparams_kv_heads(h, i);
        if (n_head % n_kv_head != 0)
            return refuse(h, "attention.head_count_kv", n_kv_head, err, "in layer %lld a divisor of head_count %lld",
                          (long long)i, (long long)n_head);
    }
    if (h->n_head % h->n_kv_head == 0 || h->heads.n || h->kv_heads.n) return OK;
    return refuse(h, "attention.head_count_kv", h->n_kv_head, err, "a divisor of head_count %lld", (long long)h->n_head);
}

static Status check_relations(const Hparams *h, Err *err)
{
    enum { WIDEST = 1 << 20 };
    TRY(check_experts(h, err));
    if (h->n_dense > h->n_layer)
        return refuse(h, "leading_dense_block_count", h->n_dense, err, "0..%lld (block_count)", (long long)h->n_layer);
    if (h->rope_factor < 1e-3f)
        return fail(err, E_FORMAT, "the key '%.*s.rope.scaling.factor' is %g, allowed is 0.001..1e6, or 0 for none" DAMAGED,
                    STR_ARG(h->arch), (double)h->rope_factor);
    TRY(check_heads(h, err));
    if (h->n_rot > h->d_k || h->n_rot % 2 != 0)
        return refuse(h, "rope.dimension_count", h->n_rot, err, "an even number from 2 to the head size %lld",
                      (long long)h->d_k);
    if (h->rope_dynamic > 0 && h->n_rot == 2)
        return fail(err, E_FORMAT, "the key '%.*s.rope.scaling.dynamic_factor' is %g, allowed is 0 where "
                    "rope.dimension_count is 2: a single pair has no base" DAMAGED, STR_ARG(h->arch),
                    (double)h->rope_dynamic);
    bool keys = h->d_k > h->d_v;
    int64_t wider = keys ? h->d_k : h->d_v;
    if (h->n_head * wider > WIDEST)
        return refuse(h, keys ? "attention.key_length" : "attention.value_length", wider, err, "1..%lld with %lld heads",
                      (long long)(WIDEST / h->n_head), (long long)h->n_head);
    return OK;
}

/* Which layers slide: a period, or a list with an entry for each layer. */
static Status read_pattern(Hparams *h, const Gguf *g, Err *err)
{
    char key[128];
    full_key(key, h, "attention.sliding_window_pattern");
    const GgufKv *kv = gguf_find(g, key);
    if (!kv) return OK;
    if (kv->type != GGUF_ARRAY) return gguf_get_int(g, key, 0, MAX_LAYERS, &h->window_period, err);
    TRY(gguf_array(g, key, GGUF_BOOL, h->n_layer, &kv, err));
    h->n_slides = h->n_layer;
    for (int64_t i = 0; i < h->n_layer; i++) h->slides[i] = gguf_array_int(kv, i) != 0;
    return OK;
}

/* The rest of a state-space model's numbers. */
static Status without_heads(Hparams *h, const Gguf *g, Err *err)
{
    char key[128];
    h->n_head = h->n_kv_head = h->d_k = h->d_v = h->n_rot = h->d_ff = 0;
    h->heads.n = h->kv_heads.n = h->d_ffs.n = 0;
    if (!h->n_scan_group) h->n_scan_group = 1;
    full_key(key, h, "ssm.dt_b_c_rms");
    return gguf_get_bool(g, key, &h->norm_dt_bc, err);
}

Status hparams_read(Hparams *h, const Gguf *g, Err *err)
{
    *h = (Hparams){.rope_base = 10000.0f, .rope_factor = 1.0f, .rope_attn_factor = 1.0f,
                   .norm_eps = -1, .rope_scaling = {"linear", 6}};
    if (!gguf_find(g, "general.architecture")) return missing("general.architecture", err);
    TRY(gguf_get_str(g, "general.architecture", &h->arch, err));
    if (h->arch.len == 0 || h->arch.len > 64)
        return fail(err, E_FORMAT, "general.architecture has %zu bytes, allowed is 1..64" DAMAGED,
                    h->arch.len);

    /* 1. Each number by its own row. */
    char key[128];
    TRY(read_ints(h, g, err));
    TRY(read_floats(h, g, err));
    full_key(key, h, "rope.scaling.type");
    TRY(gguf_get_str(g, key, &h->rope_scaling, err));
    bool rounded = true;
    full_key(key, h, "rope.scaling.yarn_truncate");
    TRY(gguf_get_bool(g, key, &rounded, err));
    h->yarn_unrounded = !rounded;
    full_key(key, h, "hidden_activation");
    TRY(gguf_get_str(g, key, &h->activation, err));
    TRY(read_pattern(h, g, err));
    full_key(key, h, "attention.layer_norm_rms_epsilon");
    if (h->norm_eps < 0) return missing(key, err);

    /* 2. Defaults that depend on other numbers; what scans has no heads at all. */
    if (h->d_state) return without_heads(h, g, err);
    h->kv_heads_given = h->n_kv_head > 0;
    if (!h->n_kv_head) h->n_kv_head = h->n_head;
    if (h->heads.n && (!h->d_k || !h->d_v)) {
        full_key(key, h, h->d_k ? "attention.value_length" : "attention.key_length");
        return missing(key, err);
    }
    if ((!h->d_k || !h->d_v) && h->d_model % h->n_head != 0)
        return refuse(h, "embedding_length", h->d_model, err, "a multiple of head_count %lld where attention.key_length "
                      "or value_length is not given", (long long)h->n_head);
    if (!h->d_k) h->d_k = h->d_model / h->n_head;
    if (!h->d_v) h->d_v = h->d_model / h->n_head;
    if (!h->n_rot) h->n_rot = h->d_k;
    if (!h->n_ctx_orig) h->n_ctx_orig = h->n_ctx_train;
    if (h->rope_factor == 0) h->rope_factor = 1;
    if (h->rope_attn_factor == 0) h->rope_attn_factor = 1;

    /* 3. Relations. */
    return check_relations(h, err);
}
