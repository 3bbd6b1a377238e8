/* model_pass.h: one pass through a model, with the residual stream kept before and after each block. For the
 * demo of this layer. It is the model's own forward pass: nothing is wired again, only looked at. */
#ifndef SIXFOLD_MODEL_PASS_H
#define SIXFOLD_MODEL_PASS_H

#include "layer5.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_TOK = 64 };

static Model model;
static Session session;
static Arena arena;
static TokenList ids;
static float *stream; /* [n_layer + 1, n, d_model] x before each block, and after the last */
static float *around; /* [n_layer, n, d_model] what attention adds */
static SeqState *memory; /* [n_layer] */
static void *scratch; /* of one product */

static float *floats(int64_t n)
{
    float *x = ARENA_NEW(&arena, float, n);
    CHECK(x, "no memory for %lld numbers", (long long)n);
    return x;
}

//@ begin model-look
/* Each block asks for its memory just before it begins: then x, the
 * session's residual stream, is what the block before has left. */
static SeqState look(void *ctx, int seq, int layer)
{
    (void)ctx, (void)seq;
    int64_t size = ids.n * model.spec.d_model;
    memcpy(stream + layer * size, session.x, (size_t)size * sizeof *stream);
    return memory[layer];
}

/* The input of each o goes by; its product is what attention adds. */
static void watch(void *ctx, const Tensor *w, const float *x, int64_t n)
{
    (void)ctx;
    for (int l = 0; l < (int)model.hp.n_layer; l++) {
        const BlockWeights *b = &model.weights.blocks[l];
        const BlockSpec *s = &model.layers[l];
        float *add = around + l * n * s->d_model;
        if (w->data != b->o.w.data) continue;
        linear_n(NULL, scratch, (LinearOut[]){{w, b->o.bias, add, s->d_model,
                 b->o.scale}}, 1, x, w->ne[0], n);
        block_norm(s, &b->attn_post_norm, add, add, n);
        if (s->residual_scale > 0) vec_scale(add, s->residual_scale, n * s->d_model);
    }
}
//@ end model-look

static void pass(void)
{
    Err err;
    BatchItem items[MAX_TOK];
    int64_t n = ids.n, d = model.spec.d_model, size = n * d, n_layer = model.hp.n_layer, widest = d;
    Status s = session_open(&session, &model, NULL, MAX_TOK, MAX_TOK, &err);
    CHECK(s == OK, "%s", err.text);
    memory = ARENA_NEW(&arena, SeqState, n_layer);
    for (int64_t l = 0; l < n_layer; l++) {
        const BlockSpec *b = &model.layers[l];
        void *bytes = arena_alloc(&arena, block_kv_bytes(b, DT_F32, DT_F32, MAX_TOK), 1);
        CHECK(memory && bytes, "no memory for %lld layers", (long long)n_layer);
        memory[l] = block_state(b, bytes, DT_F32, DT_F32, MAX_TOK);
        block_state_clear(b, bytes);
        if (b->n_head * (int64_t)b->d_v > widest) widest = b->n_head * (int64_t)b->d_v;
    }
    stream = floats((n_layer + 1) * size);
    around = floats(n_layer * size);
    scratch = arena_alloc(&arena, linear_scratch_bytes(widest, n, 1), 1);
    CHECK(scratch, "no memory for one product");
    for (int i = 0; i < n; i++) items[i] = (BatchItem){ids.ids[i], 0, i, true};
    session.watcher = (BlockWatcher){watch, NULL};
    s = model_forward(&session, items, n, (KvSource){look, NULL}, floats(n * model.hp.n_vocab), NULL, &err);
    CHECK(s == OK, "%s", err.text);
    memcpy(stream + n_layer * size, session.x, (size_t)size * sizeof *stream);
}

static double size_of(const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sqrt(sum / (double)n);
}

/* Probabilities [n_vocab] of the token after t, if the model ended after `depth` blocks. */
static void lens(float *p, int64_t depth, int64_t t)
{
    int64_t d = model.spec.d_model, n_vocab = model.hp.n_vocab;
    float *x = floats(d);
    memcpy(x, stream + (depth * ids.n + t) * d, (size_t)d * sizeof *x);
    //@ begin model-lens
    /* What follows the last block, after any of them. */
    const Weights *w = &model.weights;
    block_norm(&model.spec, &w->output_norm, x, x, 1);
    linear_n(NULL, scratch, (LinearOut[]){{&w->output.w, w->output.bias, p,
             n_vocab, w->output.scale}}, 1, x, d, 1);
    //@ end model-lens
    const ModelSpec *a = &model.around;
    if (a->logit_scale > 0) vec_scale(p, a->logit_scale, n_vocab);
    for (int64_t i = 0; a->logit_cap > 0 && i < n_vocab; i++) p[i] = a->logit_cap * tanhf(p[i] / a->logit_cap);
    softmax(p, n_vocab);
}

static int32_t largest(const float *p)
{
    int32_t best = 0;
    for (int32_t i = 1; i < model.hp.n_vocab; i++)
        if (p[i] > p[best]) best = i;
    return best;
}

/* A token's text in `width` columns; what is not printable is a point. */
static void put_token(int32_t id, int width)
{
    char text[64] = "";
    int columns = 0, n = 0;
    Str s = model.tokenizer ? tokenizer_text(model.tokenizer, id) : (Str){text, (size_t)snprintf(text, sizeof text, "%d", id)};
    while ((size_t)n < s.len && columns < width - 1) {
        if ((unsigned char)s.ptr[n] < 32) break;
        n++;
        while ((size_t)n < s.len && ((unsigned char)s.ptr[n] & 0xC0) == 0x80) n++;
        columns++;
    }
    printf("%.*s%*s", n, s.ptr, width - columns, "");
}

#endif
