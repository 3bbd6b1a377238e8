/* clock.h: the one clock.
 *
 * Interface:
 * - clock_ns: monotonic nanoseconds since some start; never goes back.
 * - clock_cpu_ns: processor time that the calling thread has used. A limit of work is measured with it:
 *   it stands still while others run, so a busy machine refuses no more than an idle one. */
#ifndef SIXFOLD_CLOCK_H
#define SIXFOLD_CLOCK_H

#include <stdint.h>

int64_t clock_ns(void);
int64_t clock_cpu_ns(void);

#endif
