/* trainer.c: the loop: batch, forward, loss, backward, clip, step; again.
 *
 * A batch is cut into passes that fit the caches; their gradients add up, each already divided by the
 * number of tokens of the whole batch. Between the first and the last line of a step nothing depends
 * on time, on threads or on what happened before the run was resumed. */
#include "trainer.h"
#include "adamw.h"
#include "train_log.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { RECENT = 20 };

typedef struct {
    const TrainRun *run;
    TrainModel model;
    Corpus corpus;
    TrainLog log;
    TrainState state;
    int32_t *ids, *targets; /* [pass, n_ctx] */
    double recent[RECENT];  /* losses of the last steps */
    char corpus_path[1024], checkpoint_path[1024], log_path[1024], model_path[1024];
} Trainer;

TrainPlan train_plan_default(void)
{
    return (TrainPlan){
        .shape = {.d_model = 256, .d_ff = 768, .n_layer = 4, .n_head = 8, .n_kv_head = 4,
                  .n_ctx = 256, .n_vocab = 2048},
        .n_steps = 17000, .batch = 8, .pass = 4, .warmup = 200, .lead = 2750000, .eval_every = 100,
        .lr = 1.5e-3f, .decay = 0.1f, .beta1 = 0.9f, .beta2 = 0.95f, .clip = 1, .seed = 1};
}

TrainPlan train_plan_smoke(void)
{
    TrainPlan p = train_plan_default();
    p.shape = (TrainShape){.d_model = 128, .d_ff = 256, .n_layer = 2, .n_head = 4, .n_kv_head = 2,
                           .n_ctx = 128, .n_vocab = 512};
    p.n_steps = 200;
    p.batch = 8;
    p.pass = 8;
    p.warmup = 10;
    p.lead = 0;
    p.eval_every = 50;
    p.lr = 4e-3f;
    return p;
}

Status train_plan_check(const TrainPlan *p, Err *err)
{
    TRY(params_check(&p->shape, err));
    if (p->n_steps < 1 || p->batch < 1 || p->pass < 1 || p->warmup < 0 || p->eval_every < 1)
        return fail(err, E_ARG, "steps %lld, batch %lld, pass %lld, warmup %lld, eval %lld: all are at "
                    "least 1, warmup 0 HINT: see sixfold-train --help", (long long)p->n_steps,
                    (long long)p->batch, (long long)p->pass, (long long)p->warmup,
                    (long long)p->eval_every);
    if (!(p->lr > 0 && p->lr < 1) || !(p->clip > 0) || !(p->decay >= 0))
        return fail(err, E_ARG, "rate %g, clip %g, decay %g: allowed are 0 < rate < 1, clip > 0, decay "
                    ">= 0 HINT: a rate of 0.001 is a good start", (double)p->lr, (double)p->clip,
                    (double)p->decay);
    return OK;
}

/* ---------------------------------------------------------------- opening */

static bool exists(const char *path) { return access(path, F_OK) == 0; }

static Status directory(Trainer *t, Err *err)
{
    const char *out = t->run->out;
    if (strlen(out) > 900) return fail(err, E_ARG, "a path of %zu bytes (limit 900) HINT: a shorter "
                                       "--out", strlen(out));
    if (mkdir(out, 0777) != 0 && errno != EEXIST)
        return fail(err, E_IO, "cannot make the directory '%.300s': %s HINT: choose another --out", out,
                    strerror(errno));
    snprintf(t->corpus_path, sizeof t->corpus_path, "%s/corpus.gguf", out);
    snprintf(t->checkpoint_path, sizeof t->checkpoint_path, "%s/checkpoint.gguf", out);
    snprintf(t->log_path, sizeof t->log_path, "%s/loss.tsv", out);
    snprintf(t->model_path, sizeof t->model_path, "%s/model.gguf", out);
    if (!t->run->resume && exists(t->checkpoint_path))
        return fail(err, E_ARG, "'%.300s' is there already HINT: --resume goes on with it; another --out "
                    "starts a new run", t->checkpoint_path);
    return OK;
}

static Status open_state(Trainer *t, Err *err)
{
    const TrainPlan *p = &t->run->plan;
    TrainModel *m = &t->model;
    int64_t n = m->layout.n_params, tokens = p->pass * p->shape.n_ctx;
    t->state = (TrainState){.plan = p, .text_hash = t->corpus.hash, .n_params = n, .w = m->w,
                            .held_out = NAN};
    t->state.m = ARENA_NEW(&m->arena, float, n);
    t->state.v = ARENA_NEW(&m->arena, float, n);
    t->ids = ARENA_NEW(&m->arena, int32_t, tokens);
    t->targets = ARENA_NEW(&m->arena, int32_t, tokens);
    if (!t->state.m || !t->state.v || !t->ids || !t->targets)
        return fail(err, E_MEMORY, "no memory for the moments of %lld parameters", (long long)n);
    if (exists(t->checkpoint_path)) return checkpoint_read(t->checkpoint_path, &t->state, err);
    params_init(m->w, &m->layout, &p->shape, p->seed);
    return OK;
}

static Status open_all(Trainer *t, Err *err)
{
    const TrainRun *r = t->run;
    const TrainPlan *p = &r->plan;
    TRY(train_plan_check(p, err));
    TRY(directory(t, err));
    /* A corpus without a checkpoint is left over from a run that had not begun. */
    if (!exists(t->checkpoint_path))
        TRY(corpus_build(t->corpus_path, r->text, r->text_bytes, (int)p->shape.n_vocab, r->quiet, err));
    TRY(corpus_open(&t->corpus, t->corpus_path, p->shape.n_ctx, p->seed, p->lead, err));
    if (tokenizer_n_vocab(t->corpus.vocabulary.tokenizer) != p->shape.n_vocab)
        return fail(err, E_ARG, "'%.300s' has %d tokens, this run has --vocab %lld HINT: give the same "
                    "flags again, or another --out", t->corpus_path,
                    tokenizer_n_vocab(t->corpus.vocabulary.tokenizer), (long long)p->shape.n_vocab);
    if (r->text && corpus_text_hash(r->text, r->text_bytes) != t->corpus.text_hash)
        return fail(err, E_ARG, "'%.300s' was made from another text HINT: give the same text again, or "
                    "another --out directory", t->corpus_path);
    TRY(train_model_open(&t->model, &p->shape, p->pass, r->pool, err));
    return open_state(t, err);
}

/* ---------------------------------------------------------------- a step */

//@ begin train-step
/* Loss and gradient of a batch, pass by pass. */
static double batch_gradient(Trainer *t, int64_t step)
{
    const TrainPlan *p = &t->run->plan;
    int64_t n_ctx = p->shape.n_ctx, n_tok = p->batch * n_ctx;
    double sum = 0;
    memset(t->model.grad, 0, (size_t)t->state.n_params * sizeof(float));
    for (int64_t b = 0, n; b < p->batch; b += n) {
        n = p->batch - b < p->pass ? p->batch - b : p->pass;
        for (int64_t i = 0; i < n; i++)
            corpus_window(&t->corpus, step * p->batch + b + i,
                          t->ids + i * n_ctx, t->targets + i * n_ctx);
        train_forward(&t->model, t->ids, n);
        sum += train_loss(&t->model, t->targets, 1.0f / (float)n_tok);
        train_backward(&t->model);
    }
    return sum / (double)n_tok;
}
//@ end train-step

static double held_out_loss(Trainer *t)
{
    const TrainPlan *p = &t->run->plan;
    int64_t n_held = corpus_held_out(&t->corpus), n_ctx = p->shape.n_ctx;
    double sum = 0;
    if (n_held == 0) return NAN;
    for (int64_t b = 0, n; b < n_held; b += n) {
        n = n_held - b < p->pass ? n_held - b : p->pass;
        for (int64_t i = 0; i < n; i++)
            corpus_held_window(&t->corpus, b + i, t->ids + i * n_ctx, t->targets + i * n_ctx);
        train_forward(&t->model, t->ids, n);
        sum += train_loss(&t->model, t->targets, 0);
    }
    return sum / (double)(n_held * n_ctx);
}

static Status one_step(Trainer *t, StepReport *report, Err *err)
{
    const TrainPlan *p = &t->run->plan;
    TrainState *s = &t->state;
    int64_t step = s->step;
    /* 1. The gradient, shortened if it is long. */
    double loss = batch_gradient(t, step), norm = gradient_norm(t->model.grad, s->n_params);
    if (!isfinite(loss) || !isfinite(norm))
        return fail(err, E_LIMIT, "the loss of step %lld is no number any more HINT: a smaller --lr, from "
                    "the start", (long long)step);
    /* 2. The weights. */
    AdamW a = {.lr = schedule_rate(p->lr, step, p->warmup, p->n_steps), .beta1 = p->beta1,
               .beta2 = p->beta2, .eps = 1e-8f, .decay = p->decay,
               .scale = norm > p->clip ? (float)(p->clip / norm) : 1.0f};
    adamw_step(t->run->pool, a, &t->model.layout, s->w, t->model.grad, s->m, s->v, step + 1);
    s->step++;
    /* 3. What unseen text says. */
    if (s->step % p->eval_every == 0 || s->step == p->n_steps) s->held_out = held_out_loss(t);
    *report = (StepReport){step, p->n_steps, loss, s->held_out, norm, a.lr};
    t->recent[step % RECENT] = loss;
    return train_log_line(&t->log, report, err);
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double mean_recent(const Trainer *t, int64_t n_made)
{
    int64_t n = n_made < RECENT ? n_made : RECENT;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += t->recent[(t->state.step - 1 - i) % RECENT];
    return n ? sum / (double)n : NAN;
}

static Status run_steps(Trainer *t, TrainResult *result, Err *err)
{
    const TrainRun *r = t->run;
    const TrainPlan *p = &r->plan;
    TrainState *s = &t->state;
    int64_t first = s->step, tokens = p->batch * p->shape.n_ctx, start_ns = clock_ns();
    double start_cpu = cpu_seconds();
    Progress progress;
    char label[40] = "train";
    progress_start(&progress, label, (p->n_steps - first) * tokens, "tok", 1, r->quiet);
    Status status = OK;
    bool stopped = false;
    while (status == OK && !stopped && s->step < p->n_steps) {
        StepReport report;
        status = one_step(t, &report, err);
        if (status != OK) break;
        if (r->watch) r->watch(r->watch_ctx, &report);
        snprintf(label, sizeof label, "step %lld  loss %.3f", (long long)s->step, report.loss);
        progress_update(&progress, (s->step - first) * tokens);
        stopped = r->stop && *r->stop;
        if (stopped || s->step == p->n_steps || s->step % r->save_every == 0)
            status = checkpoint_write(t->checkpoint_path, s, err);
    }
    progress_end(&progress);
    int64_t made = s->step - first;
    *result = (TrainResult){first, made, s->n_params, made * tokens, mean_recent(t, made), s->held_out,
                            params_flops(&p->shape, &t->model.layout) * (double)(made * tokens),
                            1e-9 * (double)(clock_ns() - start_ns), cpu_seconds() - start_cpu};
    if (status == OK && stopped && s->step < p->n_steps)
        status = fail(err, E_CANCELLED, "stopped after step %lld of %lld HINT: --resume goes on",
                      (long long)s->step, (long long)p->n_steps);
    return status;
}

static void close_all(Trainer *t)
{
    train_log_close(&t->log);
    train_model_close(&t->model);
    corpus_close(&t->corpus);
}

Status train_run(const TrainRun *r, TrainResult *result, Err *err)
{
    CHECK(r->save_every > 0, "a checkpoint every %lld steps", (long long)r->save_every);
    Trainer t = {.run = r};
    Status status = open_all(&t, err);
    if (status == OK) status = train_log_open(&t.log, t.log_path, t.state.step, err);
    if (status == OK) status = run_steps(&t, result, err);
    if (status == OK) status = train_export(t.model_path, r, &t.state, &t.corpus, err);
    close_all(&t);
    return status;
}

Status train_export_now(const TrainRun *r, const char *path, Err *err)
{
    CHECK(r->resume, "an export goes on with what is there");
    Trainer t = {.run = r};
    Status status = directory(&t, err);
    if (status == OK && !exists(t.checkpoint_path))
        status = fail(err, E_IO, "no '%.300s' to export HINT: --out DIR of a run, with the flags of that "
                      "run", t.checkpoint_path);
    if (status == OK) status = open_all(&t, err);
    if (status == OK) status = train_export(path, r, &t.state, &t.corpus, err);
    close_all(&t);
    return status;
}
