/* profile.h: named spans of time, per thread, merged into one report.
 *
 * Interface:
 * - PROFILE_SPAN("attention", n_bytes) at the start of a scope records the time until the scope ends
 *   (the cleanup attribute closes it on every path out). When profiling is off it costs one load and
 *   one predictable branch.
 * - profile_start(true) begins recording; spans live in per-thread buffers, merged by
 *   profile_report. Names are string literals.
 * - profile_report gives per name: count, total, min, median, mean, p95, p99, sigma (ns), bytes.
 *   Percentiles are by nearest rank.
 * - Counters: profile_count("tokens", n) adds to a named counter. It takes a lock: for once per
 *   token, not for once per row.
 * - At most 4 million spans per thread are kept; more are counted and reported as lost.
 * Starting, stopping and reporting are done by one thread while no other one records. */
#ifndef SIXFOLD_PROFILE_H
#define SIXFOLD_PROFILE_H

#include "arena.h"
#include "clock.h"

extern bool profile_on;

Status profile_start(Err *err); /* begins or restarts recording, dropping what was there */
void profile_stop(void);
void profile_close(void); /* stops and frees all buffers */

typedef struct {
    const char *name;
    int64_t count, total_ns, min_ns, median_ns, mean_ns, p95_ns, p99_ns, sigma_ns, max_ns, bytes;
    int n_threads; /* that recorded it; threads that never lived at the same time may count as one */
} ProfileLine;

/* Fills lines (in arena a, sorted by total time, largest first). */
Status profile_report(Arena *a, ProfileLine **lines, int *n, Err *err);

/* The report as text: a table for people, or JSON. Appended to out. */
Status profile_table(Buf *out, Err *err);
Status profile_json(Buf *out, Err *err);

void profile_count(const char *name, int64_t n);

/* Implementation of the macro. */
typedef struct { const char *name; int64_t start_ns, bytes; } ProfileSpan;
void profile_record(const char *name, int64_t start_ns, int64_t end_ns, int64_t bytes);
static inline ProfileSpan profile_begin(const char *name, int64_t bytes)
{
    ProfileSpan s = {name, 0, bytes};
    if (__builtin_expect(profile_on, 0)) s.start_ns = clock_ns();
    return s;
}
static inline void profile_end(ProfileSpan *s)
{
    if (__builtin_expect(s->start_ns != 0, 0))
        profile_record(s->name, s->start_ns, clock_ns(), s->bytes);
}
#define PROFILE_CAT2(a, b) a##b
#define PROFILE_CAT(a, b) PROFILE_CAT2(a, b)
#define PROFILE_SPAN(name, n_bytes)                                                                \
    __attribute__((cleanup(profile_end), unused)) ProfileSpan PROFILE_CAT(span_, __LINE__) =       \
        profile_begin(name, n_bytes)

#endif
