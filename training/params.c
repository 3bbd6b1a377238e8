/* params.c: which parameters a model of a given shape has, and where.
 *
 *   embedding V d  +  L (q d d  +  k, v 2 d d_kv  +  o d d  +  gate, up, down 3 d d_ff  +  2 d)  +  d
 *
 * with d_kv = n_kv_head * d / n_head. The embedding serves as output matrix too. */
#include "params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

Status params_check(const TrainShape *s, Err *err)
{
    static const struct { const char *name; size_t at; int64_t hi; } rules[] = {
        {"width", offsetof(TrainShape, d_model), 4096},
        {"feed-forward width", offsetof(TrainShape, d_ff), 16384},
        {"number of layers", offsetof(TrainShape, n_layer), TRAIN_MAX_LAYERS},
        {"number of heads", offsetof(TrainShape, n_head), 256},
        {"number of key/value heads", offsetof(TrainShape, n_kv_head), 256},
        {"context", offsetof(TrainShape, n_ctx), 8192},
        {"vocabulary", offsetof(TrainShape, n_vocab), 32768},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        int64_t v;
        memcpy(&v, (const char *)s + rules[i].at, sizeof v);
        if (v < 1 || v > rules[i].hi)
            return fail(err, E_ARG, "the %s is %lld, allowed is 1..%lld HINT: see sixfold-train --help",
                        rules[i].name, (long long)v, (long long)rules[i].hi);
    }
    if (s->d_model % s->n_head || s->d_model / s->n_head % 2)
        return fail(err, E_ARG, "a width of %lld does not split into %lld heads of an even size HINT: "
                    "choose a width that is a multiple of twice the heads", (long long)s->d_model,
                    (long long)s->n_head);
    if (s->n_head % s->n_kv_head)
        return fail(err, E_ARG, "%lld heads do not split into %lld groups HINT: the key/value heads "
                    "must divide the heads", (long long)s->n_head, (long long)s->n_kv_head);
    return OK;
}

static int64_t put(ParamLayout *l, int layer, const char *name, int64_t ne0, int64_t ne1)
{
    ParamInfo *p = &l->infos[l->n_infos++];
    if (layer < 0) snprintf(p->name, sizeof p->name, "%s.weight", name);
    else snprintf(p->name, sizeof p->name, "blk.%d.%s.weight", layer, name);
    p->offset = l->n_params;
    p->ne[0] = ne0;
    p->ne[1] = ne1 ? ne1 : 1;
    p->n_dims = ne1 ? 2 : 1;
    l->n_params += p->ne[0] * p->ne[1];
    return p->offset;
}

void params_layout(ParamLayout *l, const TrainShape *s)
{
    CHECK(params_check(s, NULL) == OK, "a shape that was not checked");
    *l = (ParamLayout){0};
    int64_t d = s->d_model, d_kv = d / s->n_head * s->n_kv_head;
    l->embed = put(l, -1, "token_embd", d, s->n_vocab);
    for (int i = 0; i < s->n_layer; i++) {
        LayerOffsets *o = &l->layers[i];
        o->attn_norm = put(l, i, "attn_norm", d, 0);
        o->qkv = put(l, i, "attn_q", d, d);
        put(l, i, "attn_k", d, d_kv);
        put(l, i, "attn_v", d, d_kv);
        o->o = put(l, i, "attn_output", d, d);
        o->ffn_norm = put(l, i, "ffn_norm", d, 0);
        o->gate_up = put(l, i, "ffn_gate", d, s->d_ff);
        put(l, i, "ffn_up", d, s->d_ff);
        o->down = put(l, i, "ffn_down", s->d_ff, d);
    }
    l->output_norm = put(l, -1, "output_norm", d, 0);
}

void params_init(float *w, const ParamLayout *l, const TrainShape *s, uint64_t seed)
{
    Rng rng = rng_seed(seed);
    float residual = 1.0f / sqrtf(2.0f * (float)s->n_layer);
    for (int i = 0; i < l->n_infos; i++) {
        const ParamInfo *p = &l->infos[i];
        bool adds = strstr(p->name, "attn_output") || strstr(p->name, "ffn_down");
        float deviation = 0.7f / sqrtf((float)p->ne[0]) * (adds ? residual : 1.0f);
        for (int64_t k = 0; k < p->ne[0] * p->ne[1]; k++)
            w[p->offset + k] = p->n_dims == 1 ? 1.0f : deviation * rng_normal(&rng);
    }
}

double params_flops(const TrainShape *s, const ParamLayout *l)
{
    /* Scores and mixtures: two products forward, four backward, over half the window on average. */
    double attend = 6.0 * 2.0 * (double)s->n_layer * (double)s->d_model * (double)s->n_ctx / 2;
    return 6.0 * (double)l->n_params + attend;
}
