/* weights.c: from names to pointers, with every shape checked.
 *
 * A table says which tensors a block has, where they go and what shape they must have. After this file
 * no kernel needs to ask whether a matrix fits: if it did not, the model would not have loaded. */
#include "weights_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void tensor_full_name(char out[96], const Binder *b, const char *name)
{
    if (b->layer >= 0) snprintf(out, 96, "blk.%d.%s", b->layer, name);
    else snprintf(out, 96, "%s", name);
}

const GgufTensor *binder_find(const Binder *b, const char *name)
{
    char full[96];
    tensor_full_name(full, b, name);
    return gguf_tensor(b->g, full);
}

/* Looks a tensor up and checks shape and type; out->data stays NULL if it is absent and optional. */
static Status bind_shape(Binder *b, const char *name, const int64_t ne[3], bool required, Tensor *out)
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
    const int64_t *is = t->view.ne;
    if (is[0] != ne[0] || is[1] != ne[1] || is[2] != ne[2] || is[3] != 1) {
        char third[32] = "";
        if (ne[2] > 1) snprintf(third, sizeof third, ", %lld", (long long)ne[2]);
        return fail(b->err, E_FORMAT, "the tensor '%s' has shape [%lld, %lld, %lld, %lld], expected is "
                    "[%lld, %lld%s]. HINT: metadata and tensors are of different models", full,
                    (long long)is[0], (long long)is[1], (long long)is[2], (long long)is[3],
                    (long long)ne[0], (long long)ne[1], third);
    }
    if (!linear_supports(t->view.type))
        return fail(b->err, E_UNSUPPORTED, "the tensor '%s' has type %s, which this version cannot "
                    "compute with. HINT: F32, F16, BF16 and the block formats Q1_0 to Q8_1, Q2_K to Q8_K, "
                    "IQ1_S to IQ4_XS, TQ1_0, TQ2_0, MXFP4 and NVFP4 work", full,
                    dtype_name(t->view.type));
    *out = t->view;
    b->w->bytes += t->bytes;
    b->w->n_params += ne[0] * ne[1] * ne[2];
    return OK;
}

/* Where only the matrix is bound, products are not scaled: a scale of its own must be 1. */
static Status refuse_scale(Binder *b, const char *name)
{
    char scale[64], full[96];
    snprintf(scale, sizeof scale, "%.*s.scale", (int)strcspn(name, "."), name);
    const GgufTensor *t = binder_find(b, scale);
    float one = 1.0f;
    if (!t || (t->view.type == DT_F32 && t->bytes == 4 && memcmp(t->view.data, &one, 4) == 0)) return OK;
    tensor_full_name(full, b, scale);
    return fail(b->err, E_UNSUPPORTED, "'%s' is to scale a matrix that this version uses unscaled; only 1 is "
                "possible. HINT: the matrices of attention, networks, experts, scans and of the output may "
                "have a scale", full);
}

Status bind_matrix(Binder *b, const char *name, int64_t n_in, int64_t n_out, bool required, Tensor *out)
{
    TRY(bind_shape(b, name, (int64_t[3]){n_in, n_out, 1}, required, out));
    return refuse_scale(b, name);
}

Status bind_matrices(Binder *b, const char *name, int64_t n_in, int64_t n_out, int64_t n, Tensor *out)
{
    TRY(bind_shape(b, name, (int64_t[3]){n_in, n_out, n}, true, out));
    return refuse_scale(b, name);
}

/* Kernels read vectors as f32. */
static Status must_be_f32(Binder *b, const char *name, const Tensor *t)
{
    char full[96];
    if (!t->data || t->type == DT_F32) return OK;
    tensor_full_name(full, b, name);
    return fail(b->err, E_UNSUPPORTED, "the tensor '%s' has type %s, expected is F32. HINT: vectors "
                "are never quantised; convert the model again", full, dtype_name(t->type));
}

Status bind_floats(Binder *b, const char *name, int64_t n, int64_t rows, bool required,
                   const float **out)
{
    Tensor t;
    TRY(bind_shape(b, name, (int64_t[3]){n, rows, 1}, required, &t));
    TRY(must_be_f32(b, name, &t));
    *out = t.data;
    return OK;
}

Status bind_norm_of(Binder *b, const char *name, NormKind kind, int64_t n, int64_t rows, unsigned how,
                    NormWeights *out)
{
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    TRY(bind_floats(b, full, n, rows, !(how & BIND_OPTIONAL), &out->gain));
    if (kind != NORM_LAYER || !out->gain || rows > 1) return OK;
    snprintf(full, sizeof full, "%s.bias", name);
    return bind_floats(b, full, n, 1, !(how & BIND_PLAIN), &out->offset);
}

/* x.scale of x.weight: one number for each of n matrices. It comes with NVFP4, and stays when such a file
 * is quantised to something else. */
static Status bind_scale(Binder *b, const char *name, int64_t n, const float **out)
{
    char scale[64], full[96];
    snprintf(scale, sizeof scale, "%s.scale", name);
    TRY(bind_floats(b, scale, n, 1, false, out));
    tensor_full_name(full, b, scale);
    for (int64_t i = 0; *out && i < n; i++)
        if (!isfinite((*out)[i]))
            return fail(b->err, E_FORMAT, "%s[%lld] is %g, it must be a finite number. HINT: the file is "
                        "damaged", full, (long long)i, (double)(*out)[i]);
    return OK;
}

Status bind_affine(Binder *b, const char *name, int64_t n_in, int64_t n_out, bool required, Affine *out)
{
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    TRY(bind_shape(b, full, (int64_t[3]){n_in, n_out, 1}, required, &out->w));
    if (!out->w.data) return OK;
    TRY(bind_scale(b, name, 1, &out->scale));
    snprintf(full, sizeof full, "%s.bias", name);
    return bind_floats(b, full, n_out, 1, false, &out->bias);
}

Status bind_experts(Binder *b, const char *name, int64_t n_in, int64_t n_out, int64_t n_expert,
                    Experts *out)
{
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    TRY(bind_shape(b, full, (int64_t[3]){n_in, n_out, n_expert}, true, &out->w));
    TRY(bind_scale(b, name, n_expert, &out->scale));
    snprintf(full, sizeof full, "%s.bias", name);
    return bind_floats(b, full, n_out, n_expert, false, &out->bias);
}

//@ begin weights-part
/* Rows [row, row + n) of a matrix, as a matrix: where files hold several
 * in one. */
Affine bind_part(const Affine *whole, int64_t row, int64_t n)
{
    const Tensor *w = &whole->w;
    const char *first = (const char *)w->data + row * w->nb[1];
    return (Affine){tensor_matrix(w->type, first, w->ne[0], n),
                    whole->bias ? whole->bias + row : NULL, whole->scale};
}
//@ end weights-part

static Status bind_ends(Binder *b, const ArchDesc *arch, const Hparams *h, const BlockSpec *s)
{
    Weights *w = b->w;
    int64_t d = s->d_model;
    unsigned plain = arch->flags & ARCH_NORM_PLAIN ? BIND_PLAIN : 0;
    /* 1. The embedding's rows decide the size of the vocabulary. */
    const GgufTensor *embd = gguf_tensor(b->g, "token_embd.weight");
    int64_t n_vocab = embd ? embd->view.ne[1] : 1;
    if (h->n_vocab && embd && n_vocab != h->n_vocab)
        return fail(b->err, E_FORMAT, "the key '%.*s.vocab_size' is %lld, allowed is %lld, the rows of "
                    "token_embd.weight. HINT: the file is damaged or its converter is wrong", STR_ARG(h->arch),
                    (long long)h->n_vocab, (long long)n_vocab);
    if (n_vocab > 1 << 26)
        return fail(b->err, E_FORMAT, "token_embd.weight has %lld rows, the limit is %d. HINT: the file is "
                    "damaged", (long long)n_vocab, 1 << 26);
    TRY(bind_matrix(b, "token_embd.weight", d, n_vocab, true, &w->token_embd));
    /* 2. What is added to it. */
    if (arch->flags & (ARCH_POSITIONS | ARCH_POSITIONS_OPTIONAL))
        TRY(bind_matrix(b, "position_embd.weight", d, h->n_ctx_train, arch->flags & ARCH_POSITIONS,
                        &w->position_embd));
    const GgufTensor *types = gguf_tensor(b->g, "token_types.weight");
    if (arch->flags & ARCH_TOKEN_TYPES && types)
        TRY(bind_matrix(b, "token_types.weight", d, types->view.ne[1], true, &w->token_types));
    if (arch->flags & ARCH_EMBD_NORM)
        TRY(bind_norm_of(b, "token_embd_norm", s->norm, d, 1, plain, &w->embd_norm));
    TRY(bind_floats(b, "rope_freqs.weight", s->n_rot / 2, 1, false, &w->rope_factors));
    TRY(bind_floats(b, "rope_factors_long.weight", s->n_rot / 2, 1, false, &w->rope_long));
    TRY(bind_floats(b, "rope_factors_short.weight", s->n_rot / 2, 1, false, &w->rope_short));
    /* 3. The head; a re-ranking model has a classifier. */
    TRY(bind_affine(b, "cls", d, d, false, &w->cls));
    const GgufTensor *scores = gguf_tensor(b->g, "cls.output.weight");
    if (scores) TRY(bind_affine(b, "cls.output", d, scores->view.ne[1], true, &w->cls_out));
    if (arch->flags & ARCH_NO_HEAD) return OK;
    TRY(bind_norm_of(b, "output_norm", s->norm, d, 1, plain, &w->output_norm));
    if (!(arch->flags & ARCH_OUTPUT_TIED))
        TRY(bind_affine(b, "output", d, n_vocab, arch->flags & ARCH_OUTPUT_REQUIRED, &w->output));
    if (w->output.w.data) return OK;
    w->output.w = w->token_embd;
    TRY(refuse_scale(b, "output.weight"));
    return bind_floats(b, "output.bias", n_vocab, 1, false, &w->output.bias);
}

Status weights_bind(Weights *w, Arena *a, const Gguf *g, const ArchDesc *arch, const Hparams *h,
                    BlockSpec *specs, Err *err)
{
    *w = (Weights){0};
    Binder b = {.g = g, .w = w, .err = err, .arena = a, .layer = -1};
    TRY(bind_ends(&b, arch, h, &specs[0]));
    w->blocks = ARENA_NEW(a, BlockWeights, h->n_layer);
    if (!w->blocks) return fail(err, E_MEMORY, "no memory for %lld blocks", (long long)h->n_layer);
    for (int i = 0; i < (int)h->n_layer; i++) {
        b.layer = i;
        TRY(bind_block(&b, arch, &specs[i], &w->blocks[i]));
    }
    return OK;
}
