/* weights.c: from names to pointers, with every shape checked.
 *
 * A table says which tensors a block has, where they go and what shape they must have. After this file
 * no kernel needs to ask whether a matrix fits: if it did not, the model would not have loaded. */
#include "weights.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const Gguf *g;
    Weights *w;
    Err *err;
    int layer; /* -1 outside the blocks */
} Binder;

static void tensor_full_name(char out[96], const Binder *b, const char *name)
{
    if (b->layer >= 0) snprintf(out, 96, "blk.%d.%s", b->layer, name);
    else snprintf(out, 96, "%s", name);
}

/* NVFP4 matrices may have a second scale, for the whole matrix, in a tensor of its own: x.scale of
 * x.weight. Only 1 is possible here: products are not scaled afterwards. */
static Status check_second_scale(const Binder *b, const char *name)
{
    char scale[96];
    size_t stem = strlen(name) - (strstr(name, ".weight") ? strlen(".weight") : 0);
    snprintf(scale, sizeof scale, "%.*s.scale", (int)stem, name);
    const GgufTensor *t = gguf_tensor(b->g, scale);
    float one = 1.0f;
    if (!t || (t->view.type == DT_F32 && t->bytes == 4 && memcmp(t->view.data, &one, 4) == 0)) return OK;
    return fail(b->err, E_UNSUPPORTED, "the NVFP4 tensor '%s' has a second scale, '%s', and this version "
                "computes only with NVFP4 without one. HINT: convert the model to MXFP4 or Q4_K_M "
                "from its original", name, scale);
}

/* Looks a tensor up and checks shape and type; out->data stays NULL if it is absent and optional. */
static Status bind(Binder *b, const char *name, int64_t ne0, int64_t ne1, bool required, Tensor *out)
{
    char full[96];
    tensor_full_name(full, b, name);
    *out = (Tensor){0};
    const GgufTensor *t = gguf_tensor(b->g, full);
    if (!t) {
        if (!required) return OK;
        return fail(b->err, E_FORMAT, "the tensor '%s' is missing. HINT: the file may be incomplete; "
                    "`sixfold inspect` lists what it has", full);
    }
    const int64_t *ne = t->view.ne;
    if (ne[0] != ne0 || ne[1] != ne1 || ne[2] != 1 || ne[3] != 1)
        return fail(b->err, E_FORMAT, "the tensor '%s' has shape [%lld, %lld, %lld, %lld], expected is "
                    "[%lld, %lld]. HINT: metadata and tensors are of different models", full, (long long)ne[0], (long long)ne[1], (long long)ne[2],
                    (long long)ne[3], (long long)ne0, (long long)ne1);
    if (!linear_supports(t->view.type))
        return fail(b->err, E_UNSUPPORTED, "the tensor '%s' has type %s, which this version cannot "
                    "compute with. HINT: F32, F16, BF16 and the block formats Q1_0 to Q8_0, Q2_K to Q6_K, "
                    "IQ1_S to IQ4_XS, TQ1_0, TQ2_0, MXFP4 and NVFP4 work", full,
                    dtype_name(t->view.type));
    if (t->view.type == DT_NVFP4) TRY(check_second_scale(b, full));
    *out = t->view;
    b->w->bytes += t->bytes;
    b->w->n_params += ne0 * ne1;
    return OK;
}

/* A vector that kernels read as f32 (norms, biases, rope factors). */
static Status bind_vector(Binder *b, const char *name, int64_t n, bool required, const float **out)
{
    Tensor t;
    TRY(bind(b, name, n, 1, required, &t));
    if (t.data && t.type != DT_F32) {
        char full[96];
        tensor_full_name(full, b, name);
        return fail(b->err, E_UNSUPPORTED, "the tensor '%s' has type %s, expected is F32. HINT: vectors "
                    "are never quantised; convert the model again", full, dtype_name(t.type));
    }
    *out = t.data;
    return OK;
}

static Status bind_norm(Binder *b, const char *name, const BlockSpec *s, NormWeights *out)
{
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    TRY(bind_vector(b, full, s->d_model, true, &out->gain));
    snprintf(full, sizeof full, "%s.bias", name);
    return bind_vector(b, full, s->d_model, s->norm == NORM_LAYER, &out->offset);
}

static Status bind_affine(Binder *b, const char *name, int64_t n_in, int64_t n_out, Affine *out)
{
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    TRY(bind(b, full, n_in, n_out, true, &out->w));
    snprintf(full, sizeof full, "%s.bias", name);
    return bind_vector(b, full, n_out, false, &out->bias);
}

//@ begin weights-block
static Status bind_block(Binder *b, const BlockSpec *s, BlockWeights *w)
{
    int64_t d = s->d_model, f = s->d_ff;
    int64_t q = (int64_t)s->n_head * s->d_k;
    int64_t k = (int64_t)s->n_kv_head * s->d_k, v = (int64_t)s->n_kv_head * s->d_v;
    TRY(bind_norm(b, "attn_norm", s, &w->attn_norm));
    TRY(bind_affine(b, "attn_q", d, q, &w->q));
    TRY(bind_affine(b, "attn_k", d, k, &w->k));
    TRY(bind_affine(b, "attn_v", d, v, &w->v));
    TRY(bind_affine(b, "attn_output", (int64_t)s->n_head * s->d_v, d, &w->o));
    TRY(bind_norm(b, "ffn_norm", s, &w->ffn_norm));
    if (s->gated) TRY(bind_affine(b, "ffn_gate", d, f, &w->gate));
    TRY(bind_affine(b, "ffn_up", d, f, &w->up));
    return bind_affine(b, "ffn_down", f, d, &w->down);
}
//@ end weights-block

Status weights_bind(Weights *w, Arena *a, const Gguf *g, const Hparams *h, const BlockSpec *s,
                    Err *err)
{
    *w = (Weights){0};
    Binder b = {.g = g, .w = w, .err = err, .layer = -1};

    /* 1. The two tables at the ends; the embedding's rows decide the size of the vocabulary. */
    const GgufTensor *embd = gguf_tensor(g, "token_embd.weight");
    int64_t n_vocab = embd ? embd->view.ne[1] : 1;
    if (h->n_vocab && embd && n_vocab != h->n_vocab)
        return fail(err, E_FORMAT, "token_embd.weight has %lld rows, but vocab_size is %lld. HINT: the "
                    "file is damaged or its converter is wrong",
                    (long long)n_vocab, (long long)h->n_vocab);
    if (n_vocab > 1 << 26)
        return fail(err, E_FORMAT, "token_embd.weight has %lld rows, the limit is %d. HINT: the file is "
                    "damaged",
                    (long long)n_vocab, 1 << 26);
    TRY(bind(&b, "token_embd.weight", s->d_model, n_vocab, true, &w->token_embd));
    TRY(bind_norm(&b, "output_norm", s, &w->output_norm));
    TRY(bind(&b, "output.weight", s->d_model, n_vocab, false, &w->output.w));
    if (!w->output.w.data) w->output.w = w->token_embd;
    TRY(bind_vector(&b, "output.bias", n_vocab, false, &w->output.bias));
    TRY(bind_vector(&b, "rope_freqs.weight", s->n_rot / 2, false, &w->rope_factors));

    /* 2. The blocks. */
    w->blocks = ARENA_NEW(a, BlockWeights, h->n_layer);
    if (!w->blocks) return fail(err, E_MEMORY, "no memory for %lld blocks", (long long)h->n_layer);
    for (int i = 0; i < (int)h->n_layer; i++) {
        b.layer = i;
        TRY(bind_block(&b, s, &w->blocks[i]));
    }
    return OK;
}
