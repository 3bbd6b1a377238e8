/* checkpoint.h: everything that a run needs to go on exactly where it stopped.
 *
 * A checkpoint is a GGUF file: the plan of the run as keys "train.*", the number of steps done, and
 * three tensors: weights, first and second moments. The batch of a step follows from the seed and the
 * step (corpus.h), so no state of a random generator is needed.
 *
 * Interface: checkpoint_write makes a new file beside the old one, forces it to the disk and renames
 * it, so that at any moment one complete checkpoint is there. checkpoint_read refuses a file that is
 * damaged (a sum over all bytes), of another shape or from another plan or text, naming the
 * difference; then nothing is changed. */
#ifndef SIXFOLD_CHECKPOINT_H
#define SIXFOLD_CHECKPOINT_H

#include "params.h"

/* What a run does; all of it decides the loss sequence, so all of it must be the same on resuming. */
typedef struct {
    TrainShape shape;
    int64_t n_steps, batch, pass;  /* windows of a step, and of one pass through the model */
    int64_t warmup, eval_every;    /* steps */
    int64_t lead;                  /* tokens of short documents that come first */
    float lr, decay, beta1, beta2, clip;
    uint64_t seed;
} TrainPlan;

typedef struct {
    const TrainPlan *plan;
    uint64_t text_hash;
    int64_t n_params;
    float *w, *m, *v;      /* [n_params] */
    int64_t step;          /* done so far */
    double held_out;       /* last loss on held-out text, NAN if none yet */
} TrainState;

Status checkpoint_write(const char *path, const TrainState *s, Err *err);
Status checkpoint_read(const char *path, TrainState *s, Err *err);

#endif
