/* clock.h: the one clock. Monotonic nanoseconds since some start; never goes back. */
#ifndef SIXFOLD_CLOCK_H
#define SIXFOLD_CLOCK_H

#include <stdint.h>

int64_t clock_ns(void);

#endif
