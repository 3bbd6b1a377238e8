/* lesson6_generate: a text becomes ids, and the model continues it step by step, always with the
 * most probable token. --plain: no colour (there is some on a terminal, unless NO_COLOR is set);
 * --plain 2: part 2 alone. */
#include "layer6.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const unsigned char embedded_model[], embedded_model_end[];
static const char prompt[] = "the cat saw the dog . the old bird saw the red fish . the";
static bool colour;
static Model model;
static TokenList ids; /* of the prompt */
enum { MAX_VOCAB = 1 << 16 };
static Candidate list[MAX_VOCAB];

static Status tokens(Err *err)
{
    (void)err;
    printf("1. Text to ids: \"%s\"\n", prompt);
    for (int64_t i = 0; i < ids.n; i++)
        printf("%s%3d %.*s", i % 8 ? "   " : "\n   ", ids.ids[i],
               STR_ARG(tokenizer_text(model.tokenizer, ids.ids[i])));
    printf("\n\n");
    return OK;
}

/* A token as it is stored (its blank is U+2581), its probability, and a bar. */
static void candidate(const Candidate *c, bool chosen)
{
    Str s = tokenizer_text(model.tokenizer, c->id);
    int columns = 0, filled = (int)(c->p * 12 + 0.5f);
    for (size_t i = 0; i < s.len; i++) columns += (s.ptr[i] & 0xC0) != 0x80;
    printf("   %s%.*s%*s %5.3f ", colour && chosen ? "\033[32m" : "", STR_ARG(s), 6 - columns, "",
           c->p);
    for (int i = 0; i < 12; i++) printf(i < filled ? "█" : i ? " " : "▏");
    printf("%s", colour && chosen ? "\033[0m" : "");
}

static Status steps(Err *err)
{
    Generator g;
    int64_t n_vocab = model.hp.n_vocab;
    GeneratorParams p = {.n_ctx = 128, .n_ubatch = 128, .type_k = DT_F16, .type_v = DT_F16,
                         .sampling = {.temp = 0}, .ignore_eos = true};
    TRY(generator_open(&g, &model, NULL, &p, NULL, err));
    Status s = generator_prompt(&g, ids.ids, ids.n, err);
    printf("2. Step by step: the three most probable tokens; the first is taken and appended\n\n");
    for (int step = 1; step <= 8 && s == OK; step++) {
        int32_t id;
        bool end;
        if ((s = generator_next(&g, &id, &end, err)) != OK) break;
        for (int i = 0; i < n_vocab; i++) list[i] = (Candidate){i, g.logits[i], 0};
        stage_top_k(list, n_vocab, 0);
        stage_probabilities(list, n_vocab);
        printf("   %d", step);
        for (int i = 0; i < 3; i++) candidate(&list[i], list[i].id == id);
        printf("\n");
    }
    generator_close(&g);
    return s;
}

int main(int argc, char **argv)
{
    static Status (*const parts[2])(Err *) = {tokens, steps};
    int only = argc > 2 ? atoi(argv[2]) : 0;
    size_t size = (size_t)(embedded_model_end - embedded_model);
    EncodeOptions options = {.add_special = true};
    colour = isatty(1) && !getenv("NO_COLOR") && argc < 2;
    layer6_init();
    Err err;
    Status s = model_open_memory(&model, embedded_model, size, &err);
    CHECK(s == OK && model.hp.n_vocab <= MAX_VOCAB, "the embedded model: %s", err.text);
    s = tokenizer_encode(model.tokenizer, prompt, strlen(prompt), options, &ids, &err);
    for (int i = 0; i < 2 && s == OK; i++)
        if (!only || only == i + 1) s = parts[i](&err);
    if (s != OK) fprintf(stderr, "%s\n", err.text);
    tokens_close(&ids);
    model_close(&model);
    return s != OK;
}
