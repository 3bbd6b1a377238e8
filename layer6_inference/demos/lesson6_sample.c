/* lesson6_sample: logits under every stage of the sampler, where one token is right and where many are;
 * then whole texts from seeds. Nothing is timed, so --plain changes nothing; --plain 2: part 2 alone.
 * Plain C computes unless SIXFOLD_KERNELS says otherwise: then the page is the same everywhere. */
#include "layer6.h"
#include "embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char one_is_right[] = "There once was a kind girl", many_are[] = "There once was a";
enum { MAX_VOCAB = 1 << 16, SHOWN = 4, WORD = 10 };
static Model model;
static Candidate list[MAX_VOCAB];

static Status read_prompt(Generator *g, const char *prompt, const SamplerParams *sampling, Err *err)
{
    TokenList ids = {0};
    EncodeOptions options = {.add_special = true};
    GeneratorParams p = {.n_ctx = 128, .n_ubatch = 128, .type_k = DT_F16, .type_v = DT_F16,
                         .sampling = *sampling};
    TRY(generator_open(g, &model, NULL, &p, NULL, err));
    Status s = tokenizer_encode(model.tokenizer, prompt, strlen(prompt), options, &ids, err);
    if (s == OK) s = generator_prompt(g, ids.ids, ids.n, err);
    tokens_close(&ids);
    return s;
}

/* The chain of sampler.c up to the draw: how many candidates are left, with their probabilities. */
static int64_t chain(const float *logits, const SamplerParams *p)
{
    int64_t n = model.hp.n_vocab;
    for (int i = 0; i < n; i++) list[i] = (Candidate){i, logits[i], 0};
    n = stage_top_k(list, n, p->top_k);
    n = stage_top_p(list, n, p->top_p);
    n = stage_min_p(list, n, p->min_p);
    stage_temperature(list, n, p->temp);
    stage_probabilities(list, n);
    return n;
}

static void bar(float p)
{
    if (p > 0) printf(" %5.3f ", p);
    else printf("     - ");
    for (int i = 0; i < 9; i++) printf(i < (int)(p * 9 + 0.5f) ? "█" : " ");
}

static Status table(const char *prompt, Err *err)
{
    static const struct { const char *name; SamplerParams p; } settings[] = {
        {"T 1", {.temp = 1, .top_p = 1}},
        {"T 2", {.temp = 2, .top_p = 1}},
        {"T 2, top-k 4", {.temp = 2, .top_k = 4, .top_p = 1}},
        {"T 2, top-p .85", {.temp = 2, .top_p = 0.85f}},
        {"T 2, min-p .1", {.temp = 2, .top_p = 1, .min_p = 0.1f}}};
    enum { N = sizeof settings / sizeof *settings };
    float p[SHOWN + 1][N] = {{0}};
    int64_t n[N];
    Generator g;
    Status s = read_prompt(&g, prompt, &settings[0].p, err);
    for (int i = 0; i < N && s == OK; i++) {
        n[i] = chain(g.logits, &settings[i].p);
        for (int64_t j = 0; j < n[i]; j++) p[j < SHOWN ? j : SHOWN][i] += list[j].p;
    }
    generator_close(&g);
    if (s != OK) return s;
    printf("   After \"%s\"\n\n   %*s", prompt, WORD, "");
    for (int i = 0; i < N; i++) printf(" %-15s", settings[i].name);
    for (int row = 0; row <= SHOWN; row++) {
        /* The list's order is the same under every setting. */
        Str word = tokenizer_text(model.tokenizer, list[row].id);
        int columns = 0;
        for (size_t i = 0; i < word.len; i++) columns += (word.ptr[i] & 0xC0) != 0x80;
        if (row < SHOWN) printf("\n   %.*s%*s", STR_ARG(word), WORD - columns, "");
        else printf("\n   %-*s", WORD, "others");
        for (int i = 0; i < N; i++) bar(p[row][i]);
    }
    printf("\n   %-*s", WORD, "left");
    for (int i = 0; i < N; i++) printf(" %-15d", (int)n[i]);
    printf("\n\n");
    return OK;
}

static Status stages(Err *err)
{
    printf("1. The four most probable tokens under every stage; left: how many have a chance\n\n");
    TRY(table(one_is_right, err));
    return table(many_are, err);
}

static Status seeds(Err *err)
{
    static const uint64_t of_text[4] = {6, 7, 8, 7};
    printf("2. Sixteen tokens after \"%s\", by seed\n\n", many_are);
    for (int i = 0; i < 4; i++) {
        Generator g;
        Buf out = {0};
        SamplerParams p = sampler_defaults();
        p.seed = of_text[i];
        Status s = read_prompt(&g, many_are, &p, err);
        bool end = false;
        for (int step = 0; step < 16 && s == OK && !end; step++) {
            int32_t id;
            s = generator_next(&g, &id, &end, err);
            if (s == OK) s = tokenizer_piece(model.tokenizer, id, true, &out, err);
        }
        if (s == OK) printf("   seed %d %s\n", (int)of_text[i], out.data);
        buf_close(&out);
        generator_close(&g);
        if (s != OK) return s;
    }
    return OK;
}

int main(int argc, char **argv)
{
    static Status (*const parts[2])(Err *) = {stages, seeds};
    int only = argc > 2 ? atoi(argv[2]) : 0;
    layer6_init();
    Err err;
    Status s = getenv("SIXFOLD_KERNELS") ? OK : kernels_use("scalar", &err);
    if (s == OK) s = model_open_memory(&model, storyteller_model, storyteller_model_bytes, &err);
    CHECK(s == OK && model.hp.n_vocab <= MAX_VOCAB, "the embedded model: %s", err.text);
    for (int i = 0; i < 2 && s == OK; i++)
        if (!only || only == i + 1) s = parts[i](&err);
    if (s != OK) fprintf(stderr, "%s\n", err.text);
    model_close(&model);
    return s != OK;
}
