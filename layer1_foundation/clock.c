/* clock.c: the one clock.
 *
 * The wall clock can be set back by an administrator or a time server in the middle of a
 * measurement; CLOCK_MONOTONIC only counts forward. On Linux reading it is a function call into a
 * page that the kernel shares with us (the vDSO), some 20 ns, not a system call. The processor time of a
 * thread is in no such page: it costs a system call. */
#include "clock.h"

#include <time.h>

static int64_t read_ns(clockid_t which)
{
    struct timespec t = {0};
    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_ns(void) { return read_ns(CLOCK_MONOTONIC); }

int64_t clock_cpu_ns(void) { return read_ns(CLOCK_THREAD_CPUTIME_ID); }
