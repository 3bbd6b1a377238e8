/* lesson6_generate: a text becomes ids, and the storyteller continues it step by step, drawing as `sixfold
 * run` does. --plain: no colour (there is some on a terminal, unless NO_COLOR is set); --plain 2: part 2
 * alone. Plain C computes unless SIXFOLD_KERNELS says otherwise: then the page is the same everywhere. */
#include "layer6.h"
#include "embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char prompt[] = "Once upon a time, there was";
enum { MAX_VOCAB = 1 << 16, SHOWN = 3, STEPS = 14, SEED = 3 };
static bool colour;
static Model model;
static TokenList ids; /* of the prompt */
static Candidate list[MAX_VOCAB];

static Status tokens(Err *err)
{
    (void)err;
    printf("1. Text to ids: \"%s\"\n\n", prompt);
    for (int64_t i = 0; i < ids.n; i++)
        printf("   %4d %.*s\n", ids.ids[i], STR_ARG(tokenizer_text(model.tokenizer, ids.ids[i])));
    printf("\n");
    return OK;
}

/* A token as it is stored (its blank is Ġ), its probability, and a bar. */
static void candidate(const Candidate *c, bool chosen)
{
    Str s = tokenizer_text(model.tokenizer, c->id);
    int columns = 0, filled = (int)(c->p * 8 + 0.5f);
    for (size_t i = 0; i < s.len; i++) columns += (s.ptr[i] & 0xC0) != 0x80;
    printf(" %s%.*s%*s %.2f ", colour && chosen ? "\033[32m" : "", STR_ARG(s), 9 - columns, "", c->p);
    for (int i = 0; i < 8; i++) printf(i < filled ? "█" : i ? " " : "▏");
    printf("%s", colour && chosen ? "\033[0m" : "");
}

/* Everything that could have been said, from likely to unlikely, then what was said. */
static void show_step(const float *logits, int step, int32_t id)
{
    int64_t n_vocab = model.hp.n_vocab, at = 0;
    for (int i = 0; i < n_vocab; i++) list[i] = (Candidate){i, logits[i], 0};
    stage_top_k(list, n_vocab, 0);
    stage_probabilities(list, n_vocab);
    while (list[at].id != id) at++;
    printf("   %2d", step);
    candidate(&list[at], true);
    printf(" %3d. of", (int)at + 1);
    for (int i = 0; i < SHOWN; i++) candidate(&list[i], i == at);
    printf("\n");
}

static Status steps(Err *err)
{
    Generator g;
    Buf text = {0};
    GeneratorParams p = {.n_ctx = 128, .n_ubatch = 128, .type_k = DT_F16, .type_v = DT_F16,
                         .sampling = sampler_defaults()};
    p.sampling.seed = SEED;
    TRY(generator_open(&g, &model, NULL, &p, NULL, err));
    Status s = generator_prompt(&g, ids.ids, ids.n, err);
    if (s == OK) s = buf_append(&text, prompt, strlen(prompt), err);
    printf("2. Step by step: what was drawn, and the three most probable tokens\n\n");
    for (int step = 1; step <= STEPS && s == OK; step++) {
        int32_t id;
        bool end;
        if ((s = generator_next(&g, &id, &end, err)) != OK) break;
        show_step(g.logits, step, id);
        if (end) break;
        s = tokenizer_piece(model.tokenizer, id, true, &text, err);
    }
    if (s == OK) printf("\n   %.*s\n", (int)text.len, text.data);
    buf_close(&text);
    generator_close(&g);
    return s;
}

int main(int argc, char **argv)
{
    static Status (*const parts[2])(Err *) = {tokens, steps};
    int only = argc > 2 ? atoi(argv[2]) : 0;
    EncodeOptions options = {.add_special = true};
    colour = isatty(1) && !getenv("NO_COLOR") && argc < 2;
    layer6_init();
    Err err;
    Status s = getenv("SIXFOLD_KERNELS") ? OK : kernels_use("scalar", &err);
    if (s == OK) s = model_open_memory(&model, storyteller_model, storyteller_model_bytes, &err);
    CHECK(s == OK && model.hp.n_vocab <= MAX_VOCAB, "the embedded model: %s", err.text);
    s = tokenizer_encode(model.tokenizer, prompt, strlen(prompt), options, &ids, &err);
    for (int i = 0; i < 2 && s == OK; i++)
        if (!only || only == i + 1) s = parts[i](&err);
    if (s != OK) fprintf(stderr, "%s\n", err.text);
    tokens_close(&ids);
    model_close(&model);
    return s != OK;
}
