/* lesson7_train: in seconds, a model learns a language whose surprise is known. --plain: no times. */
#include "layer7.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "anna sees the dog, so the dog sees anna.": 5 x 5 x 5 equally likely choices, said twice. */
enum { SENTENCES = 4000, CHOICES = 5 };
static Status write_text(Buf *text, Err *err)
{
    static const char *const who[] = {"anna", "ben", "the king", "a child", "my aunt"};
    static const char *const did[] = {"sees", "likes", "finds", "hears", "wants"};
    static const char *const what[] = {"the dog", "a bird", "the moon", "the old car", "a frog"};
    Rng rng = rng_seed(1);
    for (int i = 0; i < SENTENCES; i++) {
        const char *a = who[rng_below(&rng, CHOICES)], *b = did[rng_below(&rng, CHOICES)],
                   *c = what[rng_below(&rng, CHOICES)];
        TRY(buf_printf(text, err, "%s %s %s, so %s %s %s.\n", a, b, c, c, b, a));
    }
    return OK;
}

static void curve(void *ctx, const StepReport *r)
{
    (void)ctx;
    int every = r->step < 120 ? 12 : 60;
    if (r->step % every && r->step + 1 < r->n_steps) return;
    printf("   %4d  %4.1f  ", (int)r->step, r->loss);
    for (int i = 0; i < (int)(r->loss * 10 + 0.5); i++) printf("█");
    printf("\n");
    fflush(stdout);
}

static Status sample(const char *path, const char *prompt, Err *err)
{
    Model m = {0};
    Generator g = {0};
    TokenList ids = {0};
    Buf out = {0};
    GeneratorParams p = {.n_ctx = 48, .n_ubatch = 48, .type_k = DT_F32, .type_v = DT_F32,
                         .sampling = {.top_p = 1, .repeat_penalty = 1}};
    bool end = false;
    Status s = model_open(&m, path, MAP_READ, err);
    if (s == OK) s = tokenizer_encode(m.tokenizer, prompt, strlen(prompt), (EncodeOptions){true, false},
                                      &ids, err);
    if (s == OK) s = generator_open(&g, &m, NULL, &p, NULL, err);
    if (s == OK) s = generator_prompt(&g, ids.ids, ids.n, err);
    for (int i = 0; i < 20 && s == OK && !end && !(out.len && strchr(out.data, '\n')); i++) {
        int32_t id;
        s = generator_next(&g, &id, &end, err);
        if (s == OK && !end) s = tokenizer_piece(m.tokenizer, id, false, &out, err);
    }
    if (s == OK) printf("   \"%s\" ->%.*s\n", prompt, (int)strcspn(out.data, "\n"), out.data);
    buf_close(&out);
    tokens_close(&ids);
    generator_close(&g);
    model_close(&m);
    return s;
}

static Status learn(bool plain, Err *err)
{
    char dir[] = "/tmp/lesson7_XXXXXX", path[4][64];
    static const char *const files[] = {"corpus.gguf", "checkpoint.gguf", "loss.tsv", "model.gguf"};
    Buf text = {0};
    TrainResult result = {0};
    if (!mkdtemp(dir)) return fail(err, E_IO, "no directory in /tmp");
    for (int i = 0; i < 4; i++) snprintf(path[i], sizeof path[i], "%s/%s", dir, files[i]);
    TrainPlan plan = train_plan_smoke();
    plan.shape = (TrainShape){.d_model = 64, .d_ff = 128, .n_layer = 2, .n_head = 4, .n_kv_head = 2,
                              .n_ctx = 64, .n_vocab = 320};
    plan.n_steps = 360;
    plan.lr = 3e-3f;
    TrainRun run = {.plan = plan, .out = dir, .name = "toy", .save_every = 1000, .quiet = true,
                    .watch = curve};
    printf("Loss of a batch, in nats per token, against the step\n\n");
    Status s = write_text(&text, err);
    run.text = text.data;
    run.text_bytes = text.len;
    if (s == OK) s = train_run(&run, &result, err);
    Corpus c = {0};
    if (s == OK) s = corpus_open(&c, path[0], plan.shape.n_ctx, 1, 0, err);
    if (s == OK)
        printf("\n   nothing known: ln 320 = %.1f; all known but the choices: %d ln 125 / %d tokens = %.2f\n\n",
               log(320), SENTENCES, (int)c.n_tokens, SENTENCES * log(125) / (double)c.n_tokens);
    if (s == OK) s = sample(path[3], "anna likes a bird, so", err);
    if (s == OK) s = sample(path[3], "the king hears the moon, so", err);
    if (s == OK && !plain)
        printf("\n   %d parameters, %d tokens in %.1f s\n", (int)result.n_params, (int)result.n_tokens,
               result.seconds);
    corpus_close(&c);
    buf_close(&text);
    for (int i = 0; i < 4; i++) unlink(path[i]);
    rmdir(dir);
    return s;
}

int main(int argc, char **argv)
{
    Err err;
    layer7_init();
    Status s = learn(argc > 1 && strcmp(argv[1], "--plain") == 0, &err);
    if (s != OK) fprintf(stderr, "%s\n", err.text);
    return s != OK;
}
