/* weights_block.c: the tensors of one block. */
#include "weights_impl.h"

/* q, k, v: three tensors, or one that holds them one after the other. */
static Status bind_qkv(Binder *b, const BlockSpec *s, BlockWeights *w)
{
    int64_t d = s->d_model, q = (int64_t)s->n_head * s->d_k;
    int64_t k = (int64_t)s->n_kv_head * s->d_k, v = (int64_t)s->n_kv_head * s->d_v;
    //@ begin weights-qkv
    if (binder_find(b, "attn_qkv.weight")) {
        Affine all;
        TRY(bind_affine(b, "attn_qkv", d, q + k + v, true, &all));
        w->q = bind_part(&all, 0, q);
        w->k = bind_part(&all, q, k);
        w->v = bind_part(&all, q + k, v);
        return OK;
    }
    TRY(bind_affine(b, "attn_q", d, q, true, &w->q));
    TRY(bind_affine(b, "attn_k", d, k, true, &w->k));
    return bind_affine(b, "attn_v", d, v, true, &w->v);
    //@ end weights-qkv
}

/* The matrices that make keys and values of what is kept: one each, or both in one (older files), head by
 * head d_nope rows for the key and d_v for the value. */
static Status bind_latent_ups(Binder *b, const BlockSpec *s, LatentWeights *w)
{
    int64_t rank = s->latent.rank, k = s->latent.d_nope, v = s->latent.d_v, n_head = s->n_head;
    if (!binder_find(b, "attn_kv_b.weight")) {
        TRY(bind_matrices(b, "attn_k_b.weight", k, rank, n_head, &w->k_b));
        return bind_matrices(b, "attn_v_b.weight", rank, v, n_head, &w->v_b);
    }
    Affine both = {0};
    TRY(bind_matrix(b, "attn_kv_b.weight", rank, n_head * (k + v), true, &both.w));
    w->k_b = bind_part(&both, 0, k).w;
    w->v_b = bind_part(&both, k, v).w;
    w->k_b.ne[2] = w->v_b.ne[2] = n_head;
    w->k_b.nb[2] = w->v_b.nb[2] = (k + v) * both.w.nb[1];
    w->k_turned = true;
    return OK;
}

static Status bind_latent(Binder *b, const BlockSpec *s, BlockWeights *w)
{
    const LatentSpec *x = &s->latent;
    LatentWeights *l = &w->latent;
    int64_t d = s->d_model, q = s->n_head * (x->d_nope + s->n_rot);
    if (x->q_rank) {
        TRY(bind_matrix(b, "attn_q_a.weight", d, x->q_rank, true, &l->q_a));
        TRY(bind_norm_of(b, "attn_q_a_norm", NORM_RMS, x->q_rank, 1, 0, &l->q_a_norm));
        TRY(bind_matrix(b, "attn_q_b.weight", x->q_rank, q, true, &l->q_b));
    } else {
        TRY(bind_affine(b, "attn_q", d, q, true, &w->q));
    }
    TRY(bind_matrix(b, "attn_kv_a_mqa.weight", d, x->rank + s->n_rot, true, &l->kv_a));
    TRY(bind_norm_of(b, "attn_kv_a_norm", NORM_RMS, x->rank, 1, 0, &l->kv_norm));
    TRY(bind_latent_ups(b, s, l));
    return bind_affine(b, "attn_output", s->n_head * x->d_v, d, true, &w->o);
}

static Status bind_qk_norms(Binder *b, const ArchDesc *arch, const BlockSpec *s, BlockWeights *w)
{
    unsigned how = (s->norm == NORM_LAYER ? BIND_OPTIONAL : 0) |
                   (arch->flags & ARCH_NORM_PLAIN ? BIND_PLAIN : 0);
    int64_t nq = s->n_head, nk = s->n_kv_head, d = s->d_k;
    if (s->qk_norm == QK_NORM_NONE) return OK;
    bool row = s->qk_norm == QK_NORM_ROW, own = s->qk_norm == QK_NORM_HEADS;
    TRY(bind_norm_of(b, "attn_q_norm", s->norm, row ? nq * d : d, own ? nq : 1, how, &w->q_norm));
    TRY(bind_norm_of(b, "attn_k_norm", s->norm, row ? nk * d : d, own ? nk : 1, how, &w->k_norm));
    if (!w->q_norm.gain == !w->k_norm.gain) return OK;
    return fail(b->err, E_FORMAT, "block %d has only one of attn_q_norm and attn_k_norm. HINT: the file "
                "may be incomplete", b->layer);
}

static Status bind_attention(Binder *b, const ArchDesc *arch, BlockSpec *s, BlockWeights *w)
{
    if (s->latent.rank) return bind_latent(b, s, w);
    TRY(bind_qkv(b, s, w));
    TRY(bind_qk_norms(b, arch, s, w));
    TRY(bind_floats(b, "attn_sinks.weight", s->n_head, 1, false, &w->sinks));
    return bind_affine(b, "attn_output", (int64_t)s->n_head * s->d_v, s->d_model, true, &w->o);
}

static Status bind_norms(Binder *b, const ArchDesc *arch, BlockSpec *s, BlockWeights *w)
{
    const ArchNorms *n = &arch->norms;
    unsigned plain = arch->flags & ARCH_NORM_PLAIN ? BIND_PLAIN : 0;
    const struct { const char *name; NormWeights *to; unsigned how; } norms[] = {
        {n->attn, &w->attn_norm, plain},
        {n->ffn, &w->ffn_norm, plain | (n->ffn_optional ? BIND_OPTIONAL : 0)},
        {n->attn_post, &w->attn_post_norm, plain},
        {n->ffn_post, &w->ffn_post_norm, plain},
        {n->attn_out, &w->attn_out_norm, plain},
        {n->ffn_out, &w->ffn_out_norm, plain},
    };
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++)
        if (norms[i].name)
            TRY(bind_norm_of(b, norms[i].name, s->norm, s->d_model, 1, norms[i].how, norms[i].to));
    if (n->ffn_optional) s->parallel = !w->ffn_norm.gain;
    if (n->attn_own) {
        NormWeights own = {0};
        TRY(bind_norm_of(b, n->attn_own, s->norm, s->d_model, 1, plain | BIND_OPTIONAL, &own));
        if (own.gain) {
            w->ffn_norm = w->attn_norm;
            w->attn_norm = own;
        }
    }
    return OK;
}

/* up and, if gated, gate: two tensors, or one with the gate in front. */
static Status bind_dense(Binder *b, const BlockSpec *s, BlockWeights *w)
{
    int64_t d = s->d_model, f = s->d_ff;
    const GgufTensor *up = binder_find(b, "ffn_up.weight");
    if (s->gated && up && up->view.ne[1] == 2 * f && !binder_find(b, "ffn_gate.weight")) {
        Affine both;
        TRY(bind_affine(b, "ffn_up", d, 2 * f, true, &both));
        w->gate = bind_part(&both, 0, f);
        w->up = bind_part(&both, f, f);
    } else {
        if (s->gated) TRY(bind_affine(b, "ffn_gate", d, f, true, &w->gate));
        TRY(bind_affine(b, "ffn_up", d, f, true, &w->up));
    }
    TRY(bind_floats(b, "ffn.act.scales", f, 1, false, &w->act_scales));
    for (int64_t i = 0; w->act_scales && i < f; i++)
        if (w->act_scales[i] == 0)
            return fail(b->err, E_FORMAT, "blk.%d.ffn.act.scales[%lld] is 0, it must not be. HINT: the "
                        "file is damaged", b->layer, (long long)i);
    return bind_affine(b, "ffn_down", f, d, true, &w->down);
}

static Status bind_moe(Binder *b, const ArchDesc *arch, const BlockSpec *s, MoeWeights *w)
{
    int64_t d = s->d_model, f = s->moe.d_ff, n = s->moe.n_expert, shared = s->moe.d_shared;
    TRY(bind_affine(b, "ffn_gate_inp", d, n, true, &w->router));
    TRY(bind_floats(b, "exp_probs_b.bias", n, 1, false, &w->select_bias));
    if (s->gated) TRY(bind_experts(b, "ffn_gate_exps", d, f, n, &w->gate));
    TRY(bind_experts(b, "ffn_up_exps", d, f, n, &w->up));
    TRY(bind_experts(b, "ffn_down_exps", f, d, n, &w->down));
    if (!shared) return OK;
    TRY(bind_affine(b, "ffn_gate_shexp", d, shared, true, &w->shared_gate));
    TRY(bind_affine(b, "ffn_up_shexp", d, shared, true, &w->shared_up));
    TRY(bind_affine(b, "ffn_down_shexp", shared, d, true, &w->shared_down));
    return bind_matrix(b, "ffn_gate_inp_shexp.weight", d, 1, arch->flags & ARCH_SHARED_ROUTED,
                       &w->shared_router);
}

//@ begin weights-block
Status bind_block(Binder *b, const ArchDesc *arch, BlockSpec *s, BlockWeights *w)
{
    TRY(bind_norms(b, arch, s, w));
    if (s->ssm.kind) return bind_ssm(b, s, &w->ssm);
    TRY(bind_attention(b, arch, s, w));
    return s->moe.n_expert ? bind_moe(b, arch, s, &w->moe) : bind_dense(b, s, w);
}
//@ end weights-block
