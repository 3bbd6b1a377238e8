/* profile_data.h: what profile.c records and profile_report.c reads. Private to the profiler. */
#ifndef SIXFOLD_PROFILE_DATA_H
#define SIXFOLD_PROFILE_DATA_H

#include "profile.h"

enum {
    PROFILE_MAX_THREADS = 512,      /* that record at the same time */
    PROFILE_MAX_RECORDS = 1 << 22,  /* per thread: 128 MiB */
    PROFILE_MAX_NAMES = 256,
    PROFILE_MAX_COUNTERS = 64
};

typedef struct {
    const char *name;
    int64_t start_ns, end_ns, bytes;
} ProfileRecord;

typedef struct {
    _Alignas(64) ProfileRecord *records; /* [n] of cap */
    int64_t n, cap;
    int64_t n_lost; /* records that found no memory */
    bool taken;     /* by a living thread */
} ProfileBuffer;

typedef struct {
    const char *name;
    int64_t value;
} ProfileCounter;

extern ProfileBuffer profile_buffers[PROFILE_MAX_THREADS];
extern ProfileCounter profile_counters[PROFILE_MAX_COUNTERS];
extern int profile_n_counters;

#endif
