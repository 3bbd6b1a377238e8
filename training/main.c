/* main.c: sixfold-train: flags, a run, and a report of what it reached and how fast.
 *
 * Flags stand in one table: name, kind, where the value goes, its range and a line of help. */
#include "layer7.h"
#include "world.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    TrainPlan plan;
    const char *text, *out, *name, *export, *check;
    int64_t n_threads, megabytes, save_every, tell;
    double max_loss, lr, decay, clip;
    const char *exam;
    ExamPlan paper;
    bool resume, smoke, quiet, help;
} Flags;

typedef enum { FLAG_BOOL, FLAG_TEXT, FLAG_INT, FLAG_REAL } FlagKind;

typedef struct {
    const char *name, *value;
    FlagKind kind;
    size_t at;
    double lo, hi;
    const char *help;
} FlagRow;

#define AT(field) offsetof(Flags, field)
#define MANY 9e15
static const FlagRow rows[] = {
    {"--text", "FILE", FLAG_TEXT, AT(text), 0, 0, "train on this UTF-8 text instead of the world's stories"},
    {"--out", "DIR", FLAG_TEXT, AT(out), 0, 0, "directory of the run; default train-out"},
    {"--resume", NULL, FLAG_BOOL, AT(resume), 0, 0, "go on from the checkpoint in --out, if there is one"},
    {"--export", "FILE", FLAG_TEXT, AT(export), 0, 0, "write the model of the checkpoint in --out; no step"},
    {"--tell", "N", FLAG_INT, AT(tell), 1, 1e9, "print N documents as JSON lines; no training"},
    {"--exam", "MODEL", FLAG_TEXT, AT(exam), 0, 0, "examine a model about the world; no training"},
    {"--stories", "N", FLAG_INT, AT(paper.n_stories), 0, 1e7, "exam: sampled stories; default 1000"},
    {"--questions", "N", FLAG_INT, AT(paper.n_questions), 0, 1e7, "exam: of each sort; default 500"},
    {"--bare", NULL, FLAG_BOOL, AT(paper.bare), 0, 0, "exam: sample stories by temperature alone, not as sixfold run does"},
    {"--min-accepted", "P", FLAG_REAL, AT(paper.min_accepted), 0, 100, "exam: fail below P % accepted or new stories"},
    {"--min-right", "P", FLAG_REAL, AT(paper.min_right), 0, 100, "exam: fail below P % right answers of a sort"},
    {"--why", NULL, FLAG_BOOL, AT(paper.why), 0, 0, "exam: count the reasons why stories were refused"},
    {"--verbose", NULL, FLAG_BOOL, AT(paper.verbose), 0, 0, "exam: show some wrong answers, and with --why a story each"},
    {"--check", "FILE", FLAG_TEXT, AT(check), 0, 0, "say if the world could have written this text (- is stdin); exit code 0 or 3; no step"},
    {"--smoke", NULL, FLAG_BOOL, AT(smoke), 0, 0, "a small model for 200 steps: does everything work?"},
    {"--max-loss", "X", FLAG_REAL, AT(max_loss), 0, 100, "fail if the loss ends above X"},
    {"--megabytes", "N", FLAG_INT, AT(megabytes), 1, 1000, "of the world's stories; default 136, smoke 2"},
    {"--steps", "N", FLAG_INT, AT(plan.n_steps), 1, 1e9, "default 17000, smoke 200"},
    {"--batch", "N", FLAG_INT, AT(plan.batch), 1, 65536, "windows per step; default 8"},
    {"--pass", "N", FLAG_INT, AT(plan.pass), 1, 4096, "windows per pass through the model; default 4"},
    {"--lr", "X", FLAG_REAL, AT(lr), 0, 1, "highest learning rate; default 0.0015"},
    {"--warmup", "N", FLAG_INT, AT(plan.warmup), 0, 1e9, "steps until it is reached; default 200"},
    {"--lead", "N", FLAG_INT, AT(plan.lead), 0, 1e12, "tokens of short documents to begin with; default 2750000, smoke 0"},
    {"--decay", "X", FLAG_REAL, AT(decay), 0, 10, "weight decay; default 0.1"},
    {"--clip", "X", FLAG_REAL, AT(clip), 0, 1e9, "longest gradient; default 1"},
    {"--seed", "N", FLAG_INT, AT(plan.seed), 0, MANY, "of weights, order and stories; default 1; 2 with --tell and --exam"},
    {"--width", "N", FLAG_INT, AT(plan.shape.d_model), 1, 4096, "default 256"},
    {"--ff", "N", FLAG_INT, AT(plan.shape.d_ff), 1, 16384, "feed-forward width; default 768"},
    {"--layers", "N", FLAG_INT, AT(plan.shape.n_layer), 1, TRAIN_MAX_LAYERS, "default 4"},
    {"--heads", "N", FLAG_INT, AT(plan.shape.n_head), 1, 256, "default 8"},
    {"--kv-heads", "N", FLAG_INT, AT(plan.shape.n_kv_head), 1, 256, "default 4"},
    {"--ctx", "N", FLAG_INT, AT(plan.shape.n_ctx), 1, 8192, "tokens of a window; default 256"},
    {"--vocab", "N", FLAG_INT, AT(plan.shape.n_vocab), 1, 32768, "tokens to learn; default 2048"},
    {"--eval", "N", FLAG_INT, AT(plan.eval_every), 1, 1e9, "steps between looks at held-out text; default 100"},
    {"--save", "N", FLAG_INT, AT(save_every), 1, 1e9, "steps between checkpoints; default 50"},
    {"--threads", "N", FLAG_INT, AT(n_threads), 1, 256, "default: physical cores that this process may use; smoke 1"},
    {"--name", "TEXT", FLAG_TEXT, AT(name), 0, 0, "of the model in its file; default storyteller"},
    {"--quiet", NULL, FLAG_BOOL, AT(quiet), 0, 0, "no progress, no report"},
    {"--help", NULL, FLAG_BOOL, AT(help), 0, 0, "this list"},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static void usage(void)
{
    printf("sixfold-train [FLAGS]: learns a vocabulary and a small model from text\n\n");
    for (int i = 0; i < N_ROWS; i++)
        printf("  %-14s %-5s %s\n", rows[i].name, rows[i].value ? rows[i].value : "", rows[i].help);
    printf("\nIn --out: corpus.gguf, checkpoint.gguf, loss.tsv, model.gguf. Ctrl-C writes a checkpoint.\n");
}

static Status set(Flags *f, const FlagRow *row, const char *value, Err *err)
{
    char *to = (char *)f + row->at, *end;
    errno = 0;
    if (row->kind == FLAG_BOOL) {
        *(bool *)(void *)to = true;
    } else if (row->kind == FLAG_TEXT) {
        *(const char **)(void *)to = value;
    } else {
        double v = row->kind == FLAG_INT ? (double)strtoll(value, &end, 10) : strtod(value, &end);
        if (errno || *end || end == value || !(v >= row->lo && v <= row->hi))
            return fail(err, E_ARG, "%s is '%.100s', allowed is %s in %g..%g HINT: sixfold-train --help",
                        row->name, value, row->kind == FLAG_INT ? "a whole number" : "a number",
                        row->lo, row->hi);
        if (row->kind == FLAG_INT) *(int64_t *)(void *)to = (int64_t)v;
        else *(double *)(void *)to = v;
    }
    return OK;
}

static Status parse(Flags *f, int argc, char **argv, Err *err)
{
    const char *names[N_ROWS];
    for (int i = 0; i < N_ROWS; i++) names[i] = rows[i].name;
    for (int i = 1; i < argc; i++) {
        int k = 0;
        while (k < N_ROWS && strcmp(argv[i], rows[k].name) != 0) k++;
        if (k == N_ROWS) {
            const char *near = nearest_word(argv[i], names, N_ROWS);
            return fail(err, E_ARG, "'%.100s' is no flag HINT: %s%s", argv[i],
                        near ? "did you mean " : "sixfold-train --help", near ? near : "");
        }
        if (rows[k].value && i + 1 == argc)
            return fail(err, E_ARG, "%s wants a value HINT: %s %s", argv[i], argv[i], rows[k].value);
        TRY(set(f, &rows[k], rows[k].value ? argv[++i] : NULL, err));
    }
    return OK;
}

static bool given(int argc, char **argv, const char *flag)
{
    bool any = false;
    for (int i = 1; i < argc; i++) any |= strcmp(argv[i], flag) == 0;
    return any;
}

/* Defaults depend on what is to be done, so that is looked for first. */
static Flags defaults(int argc, char **argv)
{
    bool smoke = given(argc, argv, "--smoke");
    TrainPlan p = smoke ? train_plan_smoke() : train_plan_default();
    /* What is told or asked is text that nobody was trained on. */
    if (given(argc, argv, "--tell") || given(argc, argv, "--exam")) p.seed = exam_plan_default().seed;
    return (Flags){.plan = p, .paper = exam_plan_default(), .out = "train-out", .name = "storyteller", .megabytes = smoke ? 2 : 136,
                   .save_every = 50, .lr = p.lr, .decay = p.decay, .clip = p.clip,
                   .n_threads = smoke ? 1 : cpu_threads_default(), .max_loss = INFINITY};
}

static volatile int stop;
static void on_signal(int sig)
{
    (void)sig;
    stop = 1;
}

/* How much of what this machine can multiply was used. On a shared machine the time that this process
 * had is the fairer measure: operations per second of processor time against one thread's peak. */
static void report(const TrainResult *r, Pool *pool)
{
    Roofline roof;
    Err err = {0};
    int n = pool_threads(pool);
    fprintf(stderr, "%lld parameters, %lld steps, %lld tokens, %.1f s: loss %.4f",
            (long long)r->n_params, (long long)r->n_steps, (long long)r->n_tokens, r->seconds, r->loss);
    if (!isnan(r->held_out)) fprintf(stderr, ", held-out text %.4f", r->held_out);
    fprintf(stderr, "\n");
    if (r->n_steps == 0 || roofline_measure(&roof, pool, 1 << 26, 0.4, &err) != OK) return;
    double rate = r->flops / r->seconds * 1e-9, cpu_rate = r->flops / r->cpu_seconds * 1e-9;
    fprintf(stderr, "%.0f tokens/s; %.1f GFLOP/s on %d thread%s, %.0f %% of the peak of %.0f; per second "
            "of processor time %.1f\n", (double)r->n_tokens / r->seconds, rate, n, n > 1 ? "s" : "",
            100 * rate / roof.fma_gflops, roof.fma_gflops, cpu_rate);
}

static Status examine(const Flags *f, Pool *pool, Err *err)
{
    ExamPlan p = f->paper;
    Model m = {0};
    p.path = f->exam;
    p.seed = f->plan.seed;
    p.trained_bytes = (size_t)f->megabytes * 1000000;
    p.quiet = f->quiet;
    p.stop = &stop;
    TRY(model_open(&m, f->exam, MAP_AUTO, err));
    Status status = exam_run(&p, &m, pool, err);
    model_close(&m);
    return status;
}

static Status run(const Flags *f, Pool *pool, Buf *text, Err *err)
{
    if (f->tell) return tell_print(f->plan.seed, f->tell, err);
    if (f->exam) return examine(f, pool, err);
    TrainResult result = {0};
    double bits = 0;
    if (f->text) TRY(corpus_read_text(text, f->text, err));
    else TRY(corpus_world_text(text, &bits, f->plan.seed, (size_t)f->megabytes * 1000000, f->quiet, err));
    TrainRun r = {.plan = f->plan, .out = f->out, .text = text->data, .text_bytes = text->len,
                  .name = f->name, .text_bits = bits, .save_every = f->save_every,
                  .resume = f->resume || f->export, .quiet = f->quiet, .pool = pool, .stop = &stop};
    if (f->export) return train_export_now(&r, f->export, err);
    TRY(train_run(&r, &result, err));
    if (!f->quiet) report(&result, pool);
    if (result.n_steps && !(result.loss <= f->max_loss))
        return fail(err, E_LIMIT, "the loss is %.4f, wanted is at most %g HINT: more steps, or something "
                    "is broken", result.loss, f->max_loss);
    return OK;
}

/* Says on stdout whether the world could have written the text of a file; documents end with one line
 * feed, texts often with several or none. */
static Status judge(const char *path, bool *accepted, Err *err)
{
    static char text[WORLD_TEXT_MAX + 2];
    bool piped = strcmp(path, "-") == 0;
    const char *name = piped ? "stdin" : path;
    FILE *f = piped ? stdin : fopen(path, "rb");
    size_t n = f ? fread(text, 1, WORLD_TEXT_MAX + 1, f) : 0;
    bool failed = !f || ferror(f);
    if (f && !piped) fclose(f);
    if (failed)
        return fail(err, E_IO, "cannot read '%.300s': %s HINT: name a file, or - for stdin", name,
                    strerror(errno));
    if (n > WORLD_TEXT_MAX)
        return fail(err, E_ARG, "'%.300s' is longer than %d bytes HINT: give one document at a time", name,
                    WORLD_TEXT_MAX);
    while (n && strchr(" \t\r\n", text[n - 1])) n--;
    text[n++] = '\n';
    char why[256];
    *accepted = world_check(text, n, why, sizeof why);
    printf(*accepted ? "accepted\n" : "refused: %s\n", why);
    return OK;
}

int main(int argc, char **argv)
{
    Err err = {0};
    layer7_init();
    Flags f = defaults(argc, argv);
    Status status = parse(&f, argc, argv, &err);
    if (status == OK) status = kernels_check_env(&err);
    if (status == OK && f.help) {
        usage();
        return 0;
    }
    bool accepted = true;
    if (f.check) {
        if (status == OK) status = judge(f.check, &accepted, &err);
        if (status != OK) fprintf(stderr, "error: %s\n", err.text);
        return status == OK ? accepted ? 0 : 3 : status == E_ARG ? 2 : 1;
    }
    f.plan.lr = (float)f.lr;
    f.plan.decay = (float)f.decay;
    f.plan.clip = (float)f.clip;
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    Pool *pool = NULL;
    Buf text = {0};
    if (status == OK) status = train_plan_check(&f.plan, &err);
    if (status == OK) status = pool_open(&pool, (int)f.n_threads, false, &err);
    if (status == OK) status = run(&f, pool, &text, &err);
    pool_close(pool);
    buf_close(&text);
    if (status != OK) fprintf(stderr, "error: %s\n", err.text);
    return status == OK ? 0 : status == E_ARG ? 2 : status == E_CANCELLED ? 130 : 1;
}
