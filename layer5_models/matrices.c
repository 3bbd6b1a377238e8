/* matrices.c: the places of a model where matrices can stand. */
#include "matrices.h"

int64_t model_n_matrices(const Model *m)
{
    return 2 + MODEL_MATRICES_PER_BLOCK * m->hp.n_layer;
}

Tensor *model_matrix(const Model *m, int64_t i)
{
    const Weights *w = &m->weights;
    if (i == 0) return (Tensor *)(uintptr_t)&w->token_embd;
    if (i == 1) return (Tensor *)(uintptr_t)&w->output.w;
    BlockWeights *b = &w->blocks[(i - 2) / MODEL_MATRICES_PER_BLOCK];
    MoeWeights *e = &b->moe;
    LatentWeights *l = &b->latent;
    Tensor *const parts[MODEL_MATRICES_PER_BLOCK] = {
        &b->q.w, &b->k.w, &b->v.w, &b->o.w, &b->up.w, &b->gate.w, &b->down.w, &e->up.w, &e->gate.w,
        &e->down.w, &e->shared_up.w, &e->shared_gate.w, &e->shared_down.w,
        &l->kv_a, &l->q_a, &l->q_b, &l->k_b, &l->v_b,
        &b->ssm.in.w, &b->ssm.x.w, &b->ssm.dt.w, &b->ssm.out.w, &e->router.w, &e->shared_router};
    return parts[(i - 2) % MODEL_MATRICES_PER_BLOCK];
}

const void *model_matrix_in_file(const Model *m, int64_t i)
{
    return m->file_data ? m->file_data[i] : model_matrix(m, i)->data;
}

bool model_matrix_is_product(const Model *m, int64_t i)
{
    if (i < 2) return i == MODEL_OUTPUT;
    const LatentWeights *l = &m->weights.blocks[(i - 2) / MODEL_MATRICES_PER_BLOCK].latent;
    const Tensor *t = model_matrix(m, i);
    return t != &l->k_b && t != &l->v_b;
}

bool model_is_tied(const Model *m, int64_t i)
{
    return i == 1 && m->weights.output.w.data == m->weights.token_embd.data;
}

/* moe.up, moe.gate and moe.down in the list above. */
static bool is_experts(int64_t i)
{
    return i >= 2 && (i - 2) % MODEL_MATRICES_PER_BLOCK >= 7 && (i - 2) % MODEL_MATRICES_PER_BLOCK <= 9;
}

TokenWork model_token_work(const Model *m)
{
    TokenWork work = {0};
    /* Number 0, the embedding, costs a token one row. */
    for (int64_t i = 1; i < model_n_matrices(m); i++) {
        const Tensor *t = model_matrix(m, i);
        if (!t->data) continue;
        double copies = is_experts(i) ? (double)m->hp.n_expert_used : (double)t->ne[2];
        double madds = (double)t->ne[0] * (double)t->ne[1] * copies;
        work.bytes += (double)dtype_row_bytes(t->type, t->ne[0]) * (double)t->ne[1] * copies;
        int bits = linear_product_bits(t->type);
        if (bits) work.int8_madds += madds * bits / 8;
        else work.float_madds += madds;
    }
    return work;
}
