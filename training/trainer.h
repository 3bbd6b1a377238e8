/* trainer.h: a training run: batches in, a model file out.
 *
 * Interface: train_run works in a directory: corpus.gguf (made first, from the text), checkpoint.gguf
 * (every save_every steps and at the end), loss.tsv (one line per step), model.gguf (at the end, f32).
 * Stopped at any moment, even by a power cut, it goes on from the last checkpoint when `resume` is set,
 * and loss.tsv ends up the same to the last byte. Without `resume` a directory that holds a checkpoint
 * is refused. *stop is looked at after each step: a checkpoint is written and the result is
 * E_CANCELLED. */
#ifndef SIXFOLD_TRAINER_H
#define SIXFOLD_TRAINER_H

#include "checkpoint.h"
#include "corpus.h"
#include "train_model.h"

typedef struct {
    int64_t step, n_steps;
    double loss, held_out;  /* of this step; the last on held-out text, NAN if none */
    double norm;            /* of the gradient, before clipping */
    float lr;
} StepReport;

typedef void TrainWatcher(void *ctx, const StepReport *r);

typedef struct {
    TrainPlan plan;
    const char *out;         /* directory; made if it is not there */
    const char *text;        /* [text_bytes]; NULL only to go on with the corpus in out */
    size_t text_bytes;
    const char *name;        /* general.name of the model */
    double text_bits;        /* per document, what the text's source knows of itself; 0 = unknown.
                                Such a source is the world: its models get its chat template */
    int64_t save_every;
    bool resume, quiet;
    Pool *pool;
    TrainWatcher *watch;     /* after each step; NULL for none */
    void *watch_ctx;
    const volatile int *stop;
} TrainRun;

typedef struct {
    int64_t first_step, n_steps; /* made in this call */
    int64_t n_params, n_tokens;  /* tokens trained on in this call */
    double loss, held_out;       /* mean of the last 20 steps; NAN where there is none */
    double flops, seconds, cpu_seconds; /* of the steps alone */
} TrainResult;

/* A model of at most 3.7 million parameters whose matrices fit every block format. */
TrainPlan train_plan_default(void);
/* A smaller one for 200 steps in less than a minute. */
TrainPlan train_plan_smoke(void);

Status train_plan_check(const TrainPlan *p, Err *err);

Status train_run(const TrainRun *r, TrainResult *result, Err *err);

/* Writes the model of the checkpoint in r->out as it is now, finished or not; makes no step. */
Status train_export_now(const TrainRun *r, const char *path, Err *err);

/* Writes the weights of s as a Llama model of f32, with the vocabulary of c and how it was made. */
Status train_export(const char *path, const TrainRun *r, const TrainState *s, const Corpus *c, Err *err);

#endif
