/* train_toy.h: for tests: a run of a few seconds on a text made here, in a directory of its own. */
#ifndef SIXFOLD_TESTS_TRAIN_TOY_H
#define SIXFOLD_TESTS_TRAIN_TOY_H

#include "layer7.h"
#include "must.h"
#include "twins.h"

#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char dir[64];
    Buf text;
    double losses[256];
    int64_t n_losses;
    int64_t stop_at;       /* step after which `stop` is set, 0 = never */
    volatile int stop;
} Toy;

static const TrainPlan toy_plan = {
    .shape = {.d_model = 32, .d_ff = 64, .n_layer = 2, .n_head = 4, .n_kv_head = 2, .n_ctx = 24,
              .n_vocab = 300},
    .n_steps = 60, .batch = 6, .pass = 4, .warmup = 5, .eval_every = 7, .lr = 1e-2f, .decay = 0.1f,
    .beta1 = 0.9f, .beta2 = 0.95f, .clip = 1, .seed = 5};

static TWIN_UNUSED void toy_text(Buf *text)
{
    static const char *const who[] = {"Anna", "Ben", "the cat", "the old dog", "a bird"};
    static const char *const did[] = {"sees", "likes", "finds", "wants", "takes"};
    static const char *const what[] = {"a ball", "the tree", "two apples", "a red hat"};
    Rng rng = rng_seed(2);
    Err err = {0};
    for (int i = 0; i < 700; i++) {
        MUST(buf_printf(text, &err, "%s %s %s. ", who[rng_below(&rng, 5)], did[rng_below(&rng, 5)],
                        what[rng_below(&rng, 4)]), &err);
        if (i % 9 == 8) MUST(buf_printf(text, &err, "\n<|endoftext|>\n"), &err);
    }
}

static TWIN_UNUSED Toy toy_open(void)
{
    Toy t = {.dir = "/tmp/sixfold_toy_XXXXXX"};
    assert_non_null(mkdtemp(t.dir));
    toy_text(&t.text);
    return t;
}

static TWIN_UNUSED const char *toy_path(const Toy *t, const char *file)
{
    static char path[4][128];
    static int next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", t->dir, file);
    return p;
}

static TWIN_UNUSED void toy_close(Toy *t)
{
    static const char *const files[] = {"corpus.gguf", "checkpoint.gguf", "loss.tsv", "model.gguf",
                                        "checkpoint.gguf.partial", "corpus.gguf.partial",
                                        "model.gguf.partial"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) unlink(toy_path(t, files[i]));
    rmdir(t->dir);
    buf_close(&t->text);
}

static TWIN_UNUSED void toy_watch(void *ctx, const StepReport *r)
{
    Toy *t = ctx;
    if (t->n_losses < 256) t->losses[t->n_losses++] = r->loss;
    if (t->stop_at && r->step + 1 == t->stop_at) t->stop = 1;
}

static TWIN_UNUSED TrainRun toy_run(Toy *t)
{
    return (TrainRun){.plan = toy_plan, .out = t->dir, .text = t->text.data, .text_bytes = t->text.len,
                      .name = "toy", .save_every = 10, .quiet = true, .watch = toy_watch,
                      .watch_ctx = t, .stop = &t->stop};
}

/* The bytes of a file of the run; buf_close. */
static TWIN_UNUSED Buf toy_file(const Toy *t, const char *file)
{
    Buf b = {0};
    Err err = {0};
    MapFile m;
    MUST(map_open(&m, toy_path(t, file), MAP_READ, &err), &err);
    MUST(buf_append(&b, m.data, m.size, &err), &err);
    map_close(&m);
    return b;
}

static TWIN_UNUSED void toy_put_file(const Toy *t, const char *file, const void *data, size_t n)
{
    FILE *f = fopen(toy_path(t, file), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

#endif
