/* lesson4_block: one block, all switches. 1. By hand: two numbers through five wirings of the same parts.
 * 2. The road: six tokens before, what each half adds, after. 3. The same input through the same weights, one
 * switch at a time: what changes, and for which tokens. 4. Pictures, drawn from the switches.
 * Nothing is timed; --plain takes the scalar twins; --plain 2: part 2 alone. */
#include "one_block.h"

#include <stdio.h>
#include <stdlib.h>

/* ---------------------------------------------------------------- 1. by hand */

static void print_pair(const float *x) { printf("  (%6.3f, %6.3f)", (double)x[0], (double)x[1]); }

static void by_hand(void)
{
    static const float x[2] = {1, 7}, same[4] = {1, 0, 0, 1}, swap[4] = {0, 1, 1, 0}, last[4] = {1, 0, 0, 1};
    Affine one = {.w = tensor_matrix(DT_F32, same, 2, 2)};
    NormWeights norm = {.gain = one_const(2, 1)};
    BlockSpec s = one_spec();
    s.d_model = s.d_ff = s.d_k = s.d_v = 2;
    s.n_head = s.n_kv_head = 1;
    s.rope = ROPE_NONE;
    BlockWeights bare = {.q = one, .k = one, .v = one, .gate = one, .up = one};
    bare.o.w = tensor_matrix(DT_F32, swap, 2, 2);
    bare.down.w = tensor_matrix(DT_F32, last, 2, 2);
    static const struct { const char *name; bool parallel, before, after, of_sum; } forms[] = {
        {"norms before: Llama", false, true, false, false},
        {"the same, parallel: GPT-J", true, true, false, false},
        {"norms after: OLMo 2", false, false, true, false},
        {"before and after: Gemma 2", false, true, true, false},
        {"norms of the sums: BERT", false, false, false, true}};
    printf("1. x = (1, 7), one token; o exchanges the two numbers, all other matrices do nothing\n\n   %-27s  %-16s  %-16s  %-16s\n", "",
           "attention adds", "the FFN adds", "y");
    for (int i = 0; i < 5; i++) {
        BlockWeights w = bare;
        s.parallel = forms[i].parallel;
        if (forms[i].before) w.attn_norm = norm;
        if (forms[i].before && !s.parallel) w.ffn_norm = norm;
        if (forms[i].after) w.attn_post_norm = w.ffn_post_norm = norm;
        if (forms[i].of_sum) w.attn_out_norm = w.ffn_out_norm = norm;
        OnePass p = one_run(&s, &w, x, 1);
        printf("   %-27s", forms[i].name);
        print_pair(p.added[0]);
        print_pair(p.added[1]);
        print_pair(p.y);
        printf("\n");
    }
    printf("\n");
}

/* ---------------------------------------------------------------- 2. the road */

static const char *shade(double v, const double *limits)
{
    static const char *const shades[] = {" ", "·", "░", "▒", "▓", "█"};
    int i = 0;
    while (i < 5 && v > limits[i]) i++;
    return shades[i];
}

static void road(const BlockSpec *s, const BlockWeights *w, const float *x)
{
    static const double limits[] = {0.25, 0.5, 1, 1.5, 2};
    OnePass p = one_run(s, w, x, ONE_T);
    const float *parts[] = {x, p.added[0], p.added[1], p.y};
    printf("2. Six tokens (rows) of eight numbers: sizes above 1/4 ·  1/2 ░  1 ▒  3/2 ▓  2 █\n\n"
           "         %-18s%-18s%-18s%s\n", "x", "+ attention", "+ FFN", "= y");
    for (int t = 0; t < ONE_T; t++) {
        printf("   %d   ", t);
        for (int k = 0; k < 4; k++) {
            printf("  ");
            for (int i = 0; i < ONE_D; i++) {
                const char *cell = shade(fabs((double)parts[k][t * ONE_D + i]), limits);
                printf("%s%s", cell, cell);
            }
        }
        printf("\n");
    }
    printf("\n   size  ");
    for (int k = 0; k < 4; k++) printf("%-*.3f", k < 3 ? 18 : 0, one_size(parts[k], ONE_T * ONE_D));
    printf("\n\n");
}

/* ---------------------------------------------------------------- 3. one switch at a time */

typedef struct { BlockSpec s; BlockWeights w; OnePass base; const float *x; } Bench;

/* For each token: how far y is from the base's, as a share of its size; blank only if every bit is the same. */
static void compare(const Bench *b, const char *name, const BlockSpec *s, const BlockWeights *w)
{
    static const double limits[] = {0, 0.02, 0.1, 0.3, 0.6};
    OnePass p = one_run(s, w, b->x, ONE_T);
    printf("   %-36s %8.3f %8.3f %8.3f   ", name, one_size(p.added[0], ONE_T * ONE_D),
           one_size(p.added[1], ONE_T * ONE_D), one_size(p.y, ONE_T * ONE_D));
    for (int t = 0; t < ONE_T; t++) {
        float far[ONE_D];
        for (int i = 0; i < ONE_D; i++) far[i] = p.y[t * ONE_D + i] - b->base.y[t * ONE_D + i];
        const char *cell = shade(one_size(far, ONE_D) / one_size(b->base.y + t * ONE_D, ONE_D), limits);
        printf("%s%s ", cell, cell);
    }
    printf("\n");
}

/* SWITCH(name, changes of s and w): the base with these changes. */
#define SWITCH(name, ...)                                                                              \
    do {                                                                                               \
        BlockSpec s = b->s;                                                                            \
        BlockWeights w = b->w;                                                                         \
        __VA_ARGS__;                                                                                   \
        compare(b, name, &s, &w);                                                                      \
    } while (0)

static void norm_switches(const Bench *b, NormWeights norm)
{
    SWITCH("base: Llama", (void)s, (void)w);
    SWITCH("LayerNorm", s.norm = NORM_LAYER);
    SWITCH("no norms at all", w.attn_norm = w.ffn_norm = (NormWeights){0});
    SWITCH("norms after too (sandwich)", w.attn_post_norm = w.ffn_post_norm = norm);
    SWITCH("norms after only", w.attn_post_norm = w.ffn_post_norm = norm;
           w.attn_norm = w.ffn_norm = (NormWeights){0});
    SWITCH("norms of the sums only", w.attn_out_norm = w.ffn_out_norm = norm;
           w.attn_norm = w.ffn_norm = (NormWeights){0});
    SWITCH("parallel, one norm", s.parallel = true; w.ffn_norm = (NormWeights){0});
    SWITCH("branches times 0.22", s.residual_scale = 0.22f);
}

static void attention_switches(const Bench *b, NormWeights norm)
{
    static const float slopes[ONE_HEADS] = {0.5f, 0.25f}, sinks[ONE_HEADS] = {0, 1};
    SWITCH("no rotation", s.rope = ROPE_NONE);
    SWITCH("pairs j, j + 2", s.rope = ROPE_HALF);
    SWITCH("half of each head turns", s.n_rot = 2);
    SWITCH("ALiBi, no rotation", s.rope = ROPE_NONE; s.slopes = slopes);
    SWITCH("scores times 1, not 1/2", s.attn_scale = 1);
    SWITCH("scores capped at 1", s.soft_cap = 1);
    SWITCH("q, k normalised by heads", s.qk_norm = QK_NORM_HEAD; w.q_norm = w.k_norm = norm);
    SWITCH("a window of 2", s.window = 2);
    SWITCH("a sink", w.sinks = sinks);
    SWITCH("both ways", s.both_ways = true);
    SWITCH("one key and value for both heads", s.n_kv_head = 1;
           w.k.w = tensor_matrix(DT_F32, w.k.w.data, ONE_D, ONE_DK);
           w.v.w = tensor_matrix(DT_F32, w.v.w.data, ONE_D, ONE_DK));
    SWITCH("q, k, v cut off at 1", s.clamp_qkv = 1);
    SWITCH("bias on q, k, v", w.q.bias = w.k.bias = w.v.bias = one_const(ONE_D, 0.3f));
}

static void ffn_switches(const Bench *b, Rng *rng)
{
    SWITCH("GELU in the gate", s.act = ACT_GELU_TANH);
    SWITCH("no gate, GELU", s.gated = false; s.act = ACT_GELU_TANH);
    SWITCH("no gate, ReLU squared", s.gated = false; s.act = ACT_RELU2);
    SWITCH("hidden numbers divided by 2", w.act_scales = one_const(ONE_FF, 2));
    SWITCH("2 of 4 experts",
           s.moe = (MoeSpec){.n_expert = ONE_EXPERTS, .n_used = 2, .normalise = true, .d_ff = ONE_FF};
           w.moe.router = one_matrix(rng, ONE_D, ONE_EXPERTS); w.moe.gate = one_experts(rng, ONE_D, ONE_FF);
           w.moe.up = one_experts(rng, ONE_D, ONE_FF); w.moe.down = one_experts(rng, ONE_FF, ONE_D));
    printf("\n");
}

static void switches(const BlockSpec *s, const BlockWeights *w, const float *x, Rng *rng)
{
    NormWeights norm = {.gain = w->attn_norm.gain};
    Bench b = {.s = *s, .w = *w, .base = one_run(s, w, x, ONE_T), .x = x};
    printf("3. One switch at a time: sizes, and how far y moves: blank not a bit, · a little, ░ 2 %%, ▒ 10 %%, ▓ 30 %%, "
           "█ 60 %%\n\n   %-36s attention     FFN        y   token 0  1  2  3  4  5\n", "");
    norm_switches(&b, norm);
    attention_switches(&b, norm);
    ffn_switches(&b, rng);
}

/* ---------------------------------------------------------------- 4. pictures */

static void draw(const char *name, const BlockSpec *s, const BlockWeights *w)
{
    Buf out = {0};
    Err err;
    BlockParts parts = block_parts(s, w);
    CHECK(block_draw(&out, s, &parts, &err) == OK, "%s", err.text);
    printf("   %s\n\n%.*s\n", name, (int)out.len, out.data);
    buf_close(&out);
}

static void pictures(const BlockSpec *base, const BlockWeights *w)
{
    BlockSpec s = *base;
    BlockWeights v = *w;
    printf("4. The block draws itself\n\n");
    draw("base: Llama", &s, &v);
    s.parallel = true;
    s.norm = NORM_LAYER;
    s.gated = false;
    s.act = ACT_GELU_TANH;
    s.n_rot = 2;
    v.ffn_norm = (NormWeights){0};
    draw("parallel, one norm, no gate, half of each head turns: GPT-J", &s, &v);
    s = *base;
    v = *w;
    s.soft_cap = 50;
    s.window = 4;
    v.attn_post_norm = v.ffn_post_norm = w->attn_norm;
    draw("norms before and after, a cap, a window: Gemma 2", &s, &v);
}

int main(int argc, char **argv)
{
    Err err;
    bool plain = argc > 1 && strcmp(argv[1], "--plain") == 0;
    int only = argc > 1 + plain ? atoi(argv[1 + plain]) : 0;
    layer4_init();
    if (plain) CHECK(kernels_use("scalar", &err) == OK, "%s", err.text);
    Rng rng = rng_seed(4);
    BlockSpec s = one_spec();
    BlockWeights w = one_weights(&rng);
    float *x = one_normals(&rng, ONE_T * ONE_D, 1);
    if (!only || only == 1) by_hand();
    if (!only || only == 2) road(&s, &w, x);
    if (!only || only == 3) switches(&s, &w, x, &rng);
    if (!only || only == 4) pictures(&s, &w);
    arena_close(&one_arena);
    return 0;
}
