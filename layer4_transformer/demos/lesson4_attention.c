/* lesson4_attention: two heads at work. Wires the two blocks of the embedded model, whose weights
 * are formulas (tools/mkwired.c), shows who looks at whom, and checks what the model says next.
 * --plain: digits for shades. Colour on a terminal, unless NO_COLOR is set. */
#include "layer4.h"
#include "embedded.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 17, D = 64, D_HEAD = 32, MAX_VOCAB = 256 }; /* words of the text; the model's widths */
static const char *const text[N] = {"<s>", "the", "cat", "saw", "the", "dog", ".", "the", "old",
                                    "bird", "saw", "the", "red", "fish", ".", "the", "cat"};
static bool plain, colour;
static float p[2][N][N]; /* weights of head 0 of both layers: [layer][query][key] */
static Gguf file;

static Tensor tensor(int layer, const char *name)
{
    char full[64], blk[16] = "";
    if (layer >= 0) snprintf(blk, sizeof blk, "blk.%d.", layer);
    snprintf(full, sizeof full, "%s%s.weight", blk, name);
    CHECK(gguf_tensor(&file, full), "the embedded model has no %s", full);
    return gguf_tensor(&file, full)->view;
}

/* What block_forward shows after RoPE and storing: the queries, and the keys in the cache. */
static void look(void *ctx, int layer, const AttentionArgs *a)
{
    (void)ctx;
    for (int t = 0; t < N; t++) attention_weights(a, 0, t, p[layer][t], N);
}

/* The whole model: embedding, two blocks, norm, output matrix. logits: of what follows the text. */
static void forward(float *logits, const int32_t *ids)
{
    const BlockSpec s = {.d_model = D, .d_ff = 32, .n_head = 2, .n_kv_head = 2, .d_k = D_HEAD,
        .d_v = D_HEAD, .norm_eps = 1e-6f, .gated = true, .act = ACT_SILU, .rope = ROPE_INTERLEAVED,
        .n_rot = D_HEAD, .rope_base = 1e8f, .rope_freq_scale = 1, .attn_scale = 1 / sqrtf(D_HEAD)};
    static float x[N * D], angles[N * D_HEAD];
    static _Alignas(64) char scratch[1 << 20], cache[2][1 << 14];
    Tensor embd = tensor(-1, "token_embd"), head = tensor(-1, "output");
    CHECK(embd.ne[0] == D && head.ne[1] <= MAX_VOCAB, "this demo is about models/wired.gguf");
    embed_lookup(x, &embd, ids, N);
    for (int t = 0; t < N; t++) rope_angles(angles + t * D_HEAD, t, D_HEAD, s.rope_base, 1, NULL);
    for (int l = 0; l < 2; l++) {
        BlockContext c = {.scratch = scratch, .scratch_bytes = sizeof scratch, .layer = l,
                          .rope_table = {angles}, .tap = look};
        BlockWeights w = {.attn_norm.gain = tensor(l, "attn_norm").data, .q.w = tensor(l, "attn_q"),
            .k.w = tensor(l, "attn_k"), .v.w = tensor(l, "attn_v"), .o.w = tensor(l, "attn_output"),
            .ffn_norm.gain = tensor(l, "ffn_norm").data, .gate.w = tensor(l, "ffn_gate"),
            .up.w = tensor(l, "ffn_up"), .down.w = tensor(l, "ffn_down")};
        KvView kv = kv_flat(cache[l], DT_F32, DT_F32, N, 2, D_HEAD, D_HEAD);
        block_forward(&s, &w, &c, x, N, &(BlockRun){0, N, 0, &kv}, 1);
    }
    block_norm(&s, &(NormWeights){tensor(-1, "output_norm").data, NULL}, x, x + (N - 1) * D, 1);
    linear(NULL, scratch, logits, &head, NULL, x, 1);
}

/* Both maps side by side; lines -4 .. -1 are the words above, letter under letter. */
static void maps(void)
{
    static const char *const shades[] = {"· ", "░░", "▒▒", "▓▓", "██"};
    printf("1. A row asks, columns answer: the weights that a word gives to the words so far\n"
           "   (%s; a dot: below 0.05)\n\n%9s%-44shead 1.0: what followed my like?",
           plain ? "4: 0.4 to 0.5, 9: 0.9 to 1" : "░ from 0.05, ▒ 0.25, ▓ 0.5, █ 0.75", "",
           "head 0.0: who stands before me?");
    for (int t = -4; t < N; t++)
        for (int l = 0; l < 2; l++) {
            printf("%s%6s  ", l ? "  " : "\n ", t < 0 ? "" : text[t]);
            for (int j = 0; j < N; j++) {
                float w = t < 0 ? 0 : p[l][t][j];
                int shade = w < 0.05f ? 0 : (int)fminf(w * 4 + 1, 4);
                if (t < 0) printf("%c ", (int)strlen(text[j]) > t + 4 ? text[j][t + 4] : ' ');
                else if (plain && shade) printf("%d ", (int)fminf(w * 10, 9));
                else if (colour && shade) printf("\033[36m%s\033[0m", shades[shade]);
                else printf("%s", j > t && !shade ? "  " : shades[shade]);
            }
        }
}

/* The best next word, against what followed when the last word stood in the text before. */
static bool prediction(float *logits, const Str *vocab, int n_vocab, const int32_t *ids)
{
    int best = 0, before = N - 2;
    softmax(logits, n_vocab);
    for (int i = 0; i < n_vocab; i++)
        if (logits[i] > logits[best]) best = i;
    while (before > 0 && ids[before] != ids[N - 1]) before--;
    printf("\n\n2. After \"%s\" it says \"%.*s\" (%.3f); word %d was the same, then \"%s\"\n",
           text[N - 1], STR_ARG(vocab[best]), logits[best], before, text[before + 1]);
    return best == ids[before + 1];
}

int main(int argc, char **argv)
{
    plain = argc > 1 && strcmp(argv[1], "--plain") == 0;
    colour = !plain && isatty(1) && !getenv("NO_COLOR");
    layer4_init();
    Err err;
    CHECK(gguf_open_memory(&file, wired_model, wired_model_bytes, &err) == OK, "%s", err.text);
    /* The text's ids: in the file every word begins with U+2581, the mark of a blank. */
    Str vocab[MAX_VOCAB];
    int32_t ids[N] = {0}, n = 0;
    GgufStrings it = gguf_strings(gguf_find(&file, "tokenizer.ggml.tokens"));
    for (char full[16]; n < MAX_VOCAB && gguf_next_string(&it, &vocab[n]); n++)
        for (int t = 0; t < N; t++) {
            snprintf(full, sizeof full, "%s%s", t ? "\u2581" : "", text[t]);
            if (str_is(vocab[n], full)) ids[t] = n;
        }
    float logits[MAX_VOCAB];
    forward(logits, ids);
    maps();
    bool right = prediction(logits, vocab, n, ids);
    gguf_close(&file);
    return !right;
}
