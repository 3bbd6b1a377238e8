/* hparams.c: one table of keys, ranges and defaults; then the rules between numbers.
 *
 * Every number here comes from a file that a stranger made, and many of them become divisors, array
 * sizes or loop bounds. So nothing is used before it has passed its row of the table, and what a row
 * cannot say (one number dividing another) is checked right after, in one place. */
#include "hparams.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *key; /* after "<arch>." */
    size_t offset;   /* of the int64_t in Hparams */
    int64_t lo, hi;
    bool required;
} IntRule;

typedef struct {
    const char *key;
    size_t offset; /* of the float in Hparams */
    float lo, hi;
    bool required;
} FloatRule;

#define DAMAGED ". HINT: the file is damaged or its converter is wrong"
#define FIELD(name) offsetof(Hparams, name)

//@ begin hparams-table
static const IntRule int_rules[] = {
    {"context_length", FIELD(n_ctx_train), 1, 1 << 30, true},
    {"embedding_length", FIELD(d_model), 1, 1 << 20, true},
    {"block_count", FIELD(n_layer), 1, MAX_LAYERS, true},
    {"feed_forward_length", FIELD(d_ff), 1, 1 << 24, true},
    {"attention.head_count", FIELD(n_head), 1, 4096, true},
    {"attention.head_count_kv", FIELD(n_kv_head), 1, 4096, false},
    {"attention.key_length", FIELD(d_k), 1, 4096, false},
    {"attention.value_length", FIELD(d_v), 1, 4096, false},
    {"rope.dimension_count", FIELD(n_rot), 2, 4096, false},
    {"vocab_size", FIELD(n_vocab), 1, 1 << 26, false},
};

static const FloatRule float_rules[] = {
    {"attention.layer_norm_rms_epsilon", FIELD(norm_eps), 0, 1, true},
    {"rope.freq_base", FIELD(rope_base), 1, 1e15f, false},
    {"rope.scaling.factor", FIELD(rope_factor), 1e-3f, 1e6f, false},
};
//@ end hparams-table

enum {
    N_INT_RULES = sizeof int_rules / sizeof *int_rules,
    N_FLOAT_RULES = sizeof float_rules / sizeof *float_rules
};

const char *hparams_rule(int i)
{
    static char text[160];
    if (i < 0 || i >= N_INT_RULES + N_FLOAT_RULES) return NULL;
    if (i < N_INT_RULES) {
        const IntRule *r = &int_rules[i];
        snprintf(text, sizeof text, "%-36s %lld..%lld  %s", r->key, (long long)r->lo,
                 (long long)r->hi, r->required ? "required" : "optional");
    } else {
        const FloatRule *r = &float_rules[i - N_INT_RULES];
        snprintf(text, sizeof text, "%-36s %g..%g  %s", r->key, (double)r->lo, (double)r->hi,
                 r->required ? "required" : "optional");
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

static Status read_ints(Hparams *h, const Gguf *g, Err *err)
{
    for (int i = 0; i < N_INT_RULES; i++) {
        const IntRule *r = &int_rules[i];
        char key[128];
        full_key(key, h, r->key);
        if (!gguf_find(g, key)) {
            if (r->required) return missing(key, err);
            continue;
        }
        int64_t v = 0;
        TRY(gguf_get_int(g, key, r->lo, r->hi, &v, err));
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
            if (r->required) return missing(key, err);
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

/* What a single range cannot say. */
static Status check_relations(const Hparams *h, Err *err)
{
    if (h->n_head % h->n_kv_head != 0)
        return fail(err, E_FORMAT, "attention.head_count %lld is not a multiple of head_count_kv %lld"
                    DAMAGED,
                    (long long)h->n_head, (long long)h->n_kv_head);
    if (h->n_rot > h->d_k || h->n_rot % 2 != 0)
        return fail(err, E_FORMAT, "rope.dimension_count %lld must be even and at most the head size "
                    "%lld" DAMAGED, (long long)h->n_rot, (long long)h->d_k);
    if (h->n_head * h->d_k > 1 << 20 || h->n_head * h->d_v > 1 << 20)
        return fail(err, E_FORMAT, "%lld heads of %lld numbers are beyond the limit of %d" DAMAGED,
                    (long long)h->n_head, (long long)(h->d_k > h->d_v ? h->d_k : h->d_v), 1 << 20);
    return OK;
}

Status hparams_read(Hparams *h, const Gguf *g, Err *err)
{
    *h = (Hparams){.rope_base = 10000.0f, .rope_factor = 1.0f};
    if (!gguf_find(g, "general.architecture")) return missing("general.architecture", err);
    TRY(gguf_get_str(g, "general.architecture", &h->arch, err));
    if (h->arch.len == 0 || h->arch.len > 64)
        return fail(err, E_FORMAT, "general.architecture has %zu bytes, allowed is 1..64" DAMAGED,
                    h->arch.len);

    /* 1. Each number by its own row. */
    TRY(read_ints(h, g, err));
    TRY(read_floats(h, g, err));

    /* 2. Defaults that depend on other numbers. */
    if (!h->n_kv_head) h->n_kv_head = h->n_head;
    if ((!h->d_k || !h->d_v) && h->d_model % h->n_head != 0)
        return fail(err, E_FORMAT, "embedding_length %lld is not a multiple of head_count %lld and "
                    "the head size is not given" DAMAGED, (long long)h->d_model, (long long)h->n_head);
    if (!h->d_k) h->d_k = h->d_model / h->n_head;
    if (!h->d_v) h->d_v = h->d_model / h->n_head;
    if (!h->n_rot) h->n_rot = h->d_k;

    /* 3. Relations. */
    return check_relations(h, err);
}
