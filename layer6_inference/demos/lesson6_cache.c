/* lesson6_cache: what one more token costs when the text before it is long, with and without memory
 * of keys and values. Tokens are counted by a tap in the first layer. --plain: no times. */
#include "layer6.h"
#include "embedded.h"

#include <stdio.h>
#include <string.h>

static const char prompt[] = "Lily walked home. She was tired.";
static bool plain;
static Model model;
static TokenList ids; /* of the prompt */
static int64_t n_computed;

/* For each token that passes through the first layer. */
static void count(void *ctx, int layer, const AttentionArgs *a)
{
    (void)ctx;
    if (layer == 0) n_computed += a->n_tok;
}

/* A generator that has read n tokens: the prompt, again and again. */
static Status start(Generator *g, int64_t n, Err *err)
{
    GeneratorParams p = {.n_ctx = 128, .n_ubatch = 128, .type_k = DT_F16, .type_v = DT_F16,
                         .sampling = {.temp = 0}, .ignore_eos = true};
    TRY(generator_open(g, &model, NULL, &p, NULL, err));
    g->session.tap = count;
    for (int64_t i = 0; i < n; i += ids.n)
        TRY(generator_prompt(g, ids.ids, n - i < ids.n ? n - i : ids.n, err));
    return OK;
}

/* What follows a text of n tokens: how many go through the layers, and the best time of five. */
static Status one_step(int64_t n, int64_t *counted, int64_t *best_ns, Err *err)
{
    Generator g;
    int32_t id;
    bool end;
    Status s = start(&g, n - 1, err);
    /* The prompt has paid for token n; each of those that follow costs a pass. */
    for (int step = 0; step < 6 && s == OK; step++) {
        int64_t start_ns = clock_ns(), before = n_computed;
        s = generator_next(&g, &id, &end, err);
        int64_t ns = clock_ns() - start_ns;
        if (step == 1) *counted = n_computed - before;
        if (step == 1 || (step && ns < *best_ns)) *best_ns = ns;
    }
    generator_close(&g);
    return s;
}

static Status price(Err *err)
{
    int64_t n[2] = {0}, ns[2] = {0};
    printf("A text of T tokens, one more wanted: how many go through the layers%s\n\n"
           "     T   uncached   cached%s\n", plain ? "" : ", and the time",
           plain ? "" : "       uncached      cached    ratio");
    for (int64_t t = 8; t < 128; t = t < 64 ? 2 * t : t + 32) {
        TRY(kernels_use("generate:uncached", err));
        TRY(one_step(t, &n[0], &ns[0], err));
        TRY(kernels_use("generate:cached", err));
        TRY(one_step(t, &n[1], &ns[1], err));
        double us[2] = {(double)ns[0] * 1e-3, (double)ns[1] * 1e-3};
        printf("   %3d %10d %8d", (int)t, (int)n[0], (int)n[1]);
        if (!plain) printf(" %11.1f us %8.1f us %6.1f x", us[0], us[1], us[0] / us[1]);
        else for (int64_t i = 0; i < n[0]; i += 2) printf(i ? "▀" : "   ▀");
        printf("\n");
    }
    printf("\nThe cache holds %d bytes for each token, %d for a context of %d.\n",
           (int)kvcache_plan(&model, DT_F16, DT_F16, 128, 1) / 128,
           (int)kvcache_plan(&model, DT_F16, DT_F16, 128, 1), 128);
    return kernels_use(NULL, err);
}

int main(int argc, char **argv)
{
    EncodeOptions options = {.add_special = true};
    plain = argc > 1 && strcmp(argv[1], "--plain") == 0;
    layer6_init();
    Err err;
    Status s = model_open_memory(&model, storyteller_model, storyteller_model_bytes, &err);
    if (s == OK) s = tokenizer_encode(model.tokenizer, prompt, strlen(prompt), options, &ids, &err);
    if (s == OK) s = price(&err);
    if (s != OK) fprintf(stderr, "%s\n", err.text);
    tokens_close(&ids);
    model_close(&model);
    return s != OK;
}
