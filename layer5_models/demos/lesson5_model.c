/* lesson5_model: from a file to the next word, with everything that happens between visible. 1. The file's
 * numbers. 2. Its tensors, and the place where each is bound. 3. The road through the blocks. 4. The logit
 * lens: what the stream would say if the model ended after each block. 5. The next word.
 *
 *     ./lesson5_model [--plain] [PART] [TEXT] [FILE.gguf]       default: all parts, the storyteller
 *
 * Nothing is timed; --plain takes the scalar twins. */
#include "model_pass.h"
#include "embedded.h"

#include <stdlib.h>

enum { MAX_DRAWN = 8, BEST = 5 };

/* ---------------------------------------------------------------- 1. numbers */

static void numbers(void)
{
    const Hparams *h = &model.hp;
    const struct { const char *key, *letter; double value; } rows[] = {
        {"context_length", "", (double)h->n_ctx_train}, {"block_count", "L", (double)h->n_layer},
        {"embedding_length", "D", (double)h->d_model}, {"feed_forward_length", "F", (double)h->d_ff},
        {"attention.head_count", "H", (double)h->n_head}, {"attention.head_count_kv", "H_kv", (double)h->n_kv_head},
        {"attention.key_length", "d", (double)h->d_k}, {"rope.freq_base", "", (double)h->rope_base}};
    printf("1. A file of %.2f MB: %lld keys, %lld tensors; general.architecture is '%s': %s\n\n"
           "   key                          letter      value\n", (double)model.gguf.file_bytes / 1e6, (long long)model.gguf.n_kv,
           (long long)model.gguf.n_tensors, model.arch->name, model.arch->title);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char key[96];
        snprintf(key, sizeof key, "%s.%s", model.arch->name, rows[i].key);
        printf("   %-28s %-6s %10g%s\n", rows[i].key, rows[i].letter, rows[i].value,
               gguf_find(&model.gguf, key) ? "" : "   not in the file: computed");
    }
    printf("   %-28s %-6s %10lld   rows of the embedding\n\n", "(vocabulary)", "V", (long long)h->n_vocab);
}

/* ---------------------------------------------------------------- 2. tensors */

static void places(void)
{
    const Weights *w = &model.weights;
    const BlockWeights *b = &w->blocks[0];
    const struct { const char *place, *rule; const void *data; } all[] = {
        {"token_embd", "D, V", w->token_embd.data}, {"output_norm", "D", w->output_norm.gain},
        {"attn_norm", "D", b->attn_norm.gain}, {"q", "D, H d", b->q.w.data}, {"k", "D, H_kv d", b->k.w.data},
        {"v", "D, H_kv d", b->v.w.data}, {"o", "H d, D", b->o.w.data}, {"ffn_norm", "D", b->ffn_norm.gain},
        {"gate", "D, F", b->gate.w.data}, {"up", "D, F", b->up.w.data}, {"down", "F, D", b->down.w.data},
        {"output", "D, V", w->output.w.data}};
    int64_t shown = 0;
    printf("2. Tensors, and where each is bound; only the first block's\n\n   %-28s %-8s%12s   place\n", "name", "type",
           "shape");
    for (int64_t i = 0; i < model.gguf.n_tensors; i++) {
        const GgufTensor *t = &model.gguf.tensors[i];
        bool first = t->name.len > 6 && memcmp(t->name.ptr, "blk.0.", 6) == 0;
        if (!first && t->name.len > 4 && memcmp(t->name.ptr, "blk.", 4) == 0) continue;
        char shape[48];
        snprintf(shape, sizeof shape, t->n_dims > 1 ? "%lld, %lld" : "%lld", (long long)t->view.ne[0],
                 (long long)t->view.ne[1]);
        printf("   %-28.*s %-8s%12s", STR_ARG(t->name), dtype_name(t->view.type), shape);
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            if (all[k].data == t->view.data) printf("   %s [%s]", all[k].place, all[k].rule);
        printf("\n");
        shown++;
    }
    printf("\n   and %lld more of %lld other blocks; %.3f M weights in all, %.2f MB\n\n",
           (long long)(model.gguf.n_tensors - shown), (long long)model.hp.n_layer - 1, (double)w->n_params / 1e6,
           (double)w->bytes / 1e6);
    Buf out = {0};
    Err err;
    BlockParts parts = block_parts(&model.layers[0], b);
    CHECK(block_draw(&out, &model.layers[0], &parts, &err) == OK, "%s", err.text);
    printf("%.*s\n", (int)out.len, out.data);
    buf_close(&out);
}

/* ---------------------------------------------------------------- 3. the road */

static void road(void)
{
    int64_t d = model.spec.d_model, size = ids.n * d, last = size - d;
    float *ffn = floats(d);
    printf("3. The road of the last token: root of the mean square\n\n   block   before   + attention     + FFN   = after   "
           "cosine(before, after)\n");
    for (int64_t l = 0; l < model.hp.n_layer; l++) {
        const float *x = stream + l * size + last, *y = x + size, *a = around + l * size + last;
        double dot = 0;
        for (int64_t i = 0; i < d; i++) ffn[i] = y[i] - x[i] - a[i], dot += (double)x[i] * (double)y[i];
        printf("   %5lld %8.3f %13.3f %9.3f %9.3f %23.3f\n", (long long)l, size_of(x, d), size_of(a, d), size_of(ffn, d),
               size_of(y, d), dot / ((double)d * size_of(x, d) * size_of(y, d)));
    }
    printf("\n");
}

/* ---------------------------------------------------------------- 4. the lens */

/* The depths that are shown: at most MAX_DRAWN + 1, the last among them. */
static int64_t next_depth(int64_t l)
{
    int64_t n_layer = model.hp.n_layer, next = l + (n_layer + MAX_DRAWN - 1) / MAX_DRAWN;
    return next > n_layer && l < n_layer ? n_layer : next;
}

static void lenses(void)
{
    float *p = floats(model.hp.n_vocab);
    int64_t n_layer = model.hp.n_layer;
    printf("4. The best guess for the next token, if the model ended after so many blocks\n\n   %-14s", "token");
    for (int64_t l = 0; l <= n_layer; l = next_depth(l)) printf("%-14lld", (long long)l);
    printf("what came\n");
    for (int64_t t = 0; t < ids.n; t++) {
        printf("   ");
        put_token(ids.ids[t], 14);
        for (int64_t l = 0; l <= n_layer; l = next_depth(l)) {
            lens(p, l, t);
            put_token(largest(p), 14);
        }
        if (t + 1 < ids.n) put_token(ids.ids[t + 1], 14);
        else printf("?");
        printf("\n");
    }
    printf("\n");
}

/* ---------------------------------------------------------------- 5. the next word */

static void next_words(void)
{
    float *p = floats(model.hp.n_vocab), *early = floats(model.hp.n_vocab);
    lens(p, model.hp.n_layer, ids.n - 1);
    printf("5. The five likeliest next tokens: %% after so many blocks\n\n   %-14s", "");
    for (int64_t l = 0; l <= model.hp.n_layer; l = next_depth(l)) printf("%7lld", (long long)l);
    printf("\n");
    for (int i = 0; i < BEST && i < model.hp.n_vocab; i++) {
        int32_t best = largest(p);
        printf("   ");
        put_token(best, 14);
        for (int64_t l = 0; l <= model.hp.n_layer; l = next_depth(l)) {
            lens(early, l, ids.n - 1);
            printf("%7.1f", 100 * (double)early[best]);
        }
        printf("   ");
        for (int k = 0; k < (int)(p[best] * 30 + 0.5f); k++) printf("█");
        printf("\n");
        p[best] = -1;
    }
}

int main(int argc, char **argv)
{
    static void (*const parts[])(void) = {numbers, places, road, lenses, next_words};
    const char *text = "There once was a shy girl named Mia. She", *path = NULL;
    int only = 0;
    Err err;
    layer5_init();
    for (int i = 1; i < argc; i++) {
        size_t n = strlen(argv[i]);
        if (strcmp(argv[i], "--plain") == 0) CHECK(kernels_use("scalar", &err) == OK, "%s", err.text);
        else if (n > 5 && strcmp(argv[i] + n - 5, ".gguf") == 0) path = argv[i];
        else if (n == 1 && argv[i][0] >= '1' && argv[i][0] <= '5') only = atoi(argv[i]);
        else text = argv[i];
    }
    Status s = path ? model_open(&model, path, MAP_AUTO, &err)
                    : model_open_memory(&model, storyteller_model, storyteller_model_bytes, &err);
    if (s == OK && model.tokenizer)
        s = tokenizer_encode(model.tokenizer, text, strlen(text), (EncodeOptions){.add_special = true}, &ids, &err);
    for (int i = 0; s == OK && !model.tokenizer && i < 8; i++) s = tokens_push(&ids, i + 1, &err);
    if (s == OK && (ids.n < 1 || ids.n > MAX_TOK))
        s = fail(&err, E_LIMIT, "a text of %lld tokens, allowed is 1..%d. HINT: give a shorter one", (long long)ids.n, MAX_TOK);
    if (s == OK && !model.weights.output.w.data)
        s = fail(&err, E_UNSUPPORTED, "an encoder has no next word. HINT: take a model that writes");
    if (s == OK) pass();
    else fprintf(stderr, "error: %s\n", err.text);
    for (int i = 0; s == OK && i < 5; i++)
        if (!only || only == i + 1) parts[i]();
    session_close(&session);
    tokens_close(&ids);
    model_close(&model);
    arena_close(&arena);
    return s == OK ? 0 : 1;
}
