/* train_log.h: loss.tsv, one line per step: step, rate, loss, norm of the gradient, held-out loss.
 *
 * Interface: opened for a run that begins at `step`: lines from that step on are dropped, so that a
 * resumed run leaves the same file as one that was never stopped. Lines hold nothing that depends on
 * time or threads. Private to the trainer. */
#ifndef SIXFOLD_TRAIN_LOG_H
#define SIXFOLD_TRAIN_LOG_H

#include "trainer.h"

#include <stdio.h>

typedef struct { FILE *file; char path[1024]; } TrainLog;

Status train_log_open(TrainLog *l, const char *path, int64_t step, Err *err);
Status train_log_line(TrainLog *l, const StepReport *r, Err *err);
void train_log_close(TrainLog *l);

#endif
