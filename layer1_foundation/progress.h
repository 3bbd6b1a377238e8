/* progress.h: a line on stderr that says how far long work has come.
 *
 * On a terminal one line is redrawn with '\r' (at most ten times a second): label, bar, percentage,
 * rate, time left. Otherwise plain lines at 25 %, 50 %, 75 % and 100 %. Quiet mode prints nothing.
 * One thread reports; units are bytes or items. */
#ifndef SIXFOLD_PROGRESS_H
#define SIXFOLD_PROGRESS_H

#include "status.h"

typedef struct {
    const char *label;
    const char *unit; /* "MB", "tok", ...: shown as unit/s */
    double unit_size; /* items per unit: 1e6 for MB when counting bytes */
    int64_t total, done;
    int64_t start_ns, last_draw_ns;
    int last_quarter;
    bool tty, quiet;
} Progress;

void progress_start(Progress *p, const char *label, int64_t total, const char *unit,
                    double unit_size, bool quiet);
void progress_update(Progress *p, int64_t done);
void progress_end(Progress *p);

#endif
