/* profile_report.c: from records to one line per name.
 *
 * The mean alone hides what users feel, so each line also has the median, the slowest 5 % and 1 %
 * and the spread:
 *
 *   mean = sum x / n      sigma = sqrt(sum (x - mean)^2 / n)      p95 = x_(ceil(0.95 n))
 *
 * where x_(1) <= ... <= x_(n) are the sorted durations (percentile by nearest rank: always a value
 * that occurred). The median of an even number is the middle of the two in the middle. */
#include "profile_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All durations of one name, and where they came from. */
typedef struct {
    const char *name;
    int64_t *ns; /* [count] */
    int64_t count, filled, bytes;
    int n_threads, last_buffer;
} Group;

typedef struct {
    Group groups[PROFILE_MAX_NAMES];
    int n;
} Groups;

/* The group of a name. The same literal may have several addresses, one per source file. */
static Group *group_of(Groups *g, const char *name)
{
    for (int i = 0; i < g->n; i++)
        if (g->groups[i].name == name || strcmp(g->groups[i].name, name) == 0) return &g->groups[i];
    CHECK(g->n < PROFILE_MAX_NAMES, "span '%s' is one too many: the limit is %d names", name,
          PROFILE_MAX_NAMES);
    g->groups[g->n] = (Group){.name = name, .last_buffer = -1};
    return &g->groups[g->n++];
}

static Status collect(Arena *a, Groups *g, Err *err)
{
    /* 1. Count per name. */
    for (int t = 0; t < PROFILE_MAX_THREADS; t++)
        for (int64_t i = 0; i < profile_buffers[t].n; i++) {
            const ProfileRecord *r = &profile_buffers[t].records[i];
            Group *of = group_of(g, r->name);
            of->count++;
            of->bytes += r->bytes;
            of->n_threads += of->last_buffer != t;
            of->last_buffer = t;
        }
    /* 2. Gather the durations of each name. */
    for (int i = 0; i < g->n; i++) {
        g->groups[i].ns = ARENA_NEW(a, int64_t, g->groups[i].count);
        if (!g->groups[i].ns)
            return fail(err, E_MEMORY, "no memory for a report of %lld spans",
                        (long long)g->groups[i].count);
    }
    for (int t = 0; t < PROFILE_MAX_THREADS; t++)
        for (int64_t i = 0; i < profile_buffers[t].n; i++) {
            const ProfileRecord *r = &profile_buffers[t].records[i];
            Group *of = group_of(g, r->name);
            of->ns[of->filled++] = r->end_ns - r->start_ns;
        }
    return OK;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int by_total(const void *a, const void *b)
{
    const ProfileLine *x = a, *y = b;
    if (x->total_ns != y->total_ns) return x->total_ns < y->total_ns ? 1 : -1;
    return strcmp(x->name, y->name);
}

//@ begin profile-statistics
/* Nearest rank: the smallest value that at least `percent` % do not exceed. */
static int64_t percentile(const int64_t *sorted, int64_t n, int percent)
{
    return sorted[(n * percent + 99) / 100 - 1];
}

static ProfileLine summarise(const Group *g)
{
    int64_t n = g->count, *x = g->ns;
    qsort(x, (size_t)n, sizeof *x, by_value);

    int64_t total = 0;
    for (int64_t i = 0; i < n; i++) total += x[i];
    double mean = (double)total / (double)n, squares = 0;
    for (int64_t i = 0; i < n; i++)
        squares += ((double)x[i] - mean) * ((double)x[i] - mean);

    return (ProfileLine){.name = g->name, .count = n, .total_ns = total,
                         .min_ns = x[0], .max_ns = x[n - 1],
                         .median_ns = (x[(n - 1) / 2] + x[n / 2]) / 2,
                         .mean_ns = llround(mean),
                         .p95_ns = percentile(x, n, 95),
                         .p99_ns = percentile(x, n, 99),
                         .sigma_ns = llround(sqrt(squares / (double)n)),
                         .bytes = g->bytes, .n_threads = g->n_threads};
}
//@ end profile-statistics

Status profile_report(Arena *a, ProfileLine **lines, int *n, Err *err)
{
    *lines = NULL;
    *n = 0;
    Groups *g = ARENA_NEW(a, Groups, 1);
    if (!g) return fail(err, E_MEMORY, "no memory for a profile report");
    TRY(collect(a, g, err));
    *lines = ARENA_NEW(a, ProfileLine, g->n);
    if (!*lines) return fail(err, E_MEMORY, "no memory for a report of %d names", g->n);
    for (int i = 0; i < g->n; i++) (*lines)[i] = summarise(&g->groups[i]);
    *n = g->n;
    qsort(*lines, (size_t)*n, sizeof **lines, by_total);
    return OK;
}

static int64_t records_lost(void)
{
    int64_t lost = 0;
    for (int t = 0; t < PROFILE_MAX_THREADS; t++) lost += profile_buffers[t].n_lost;
    return lost;
}

/* ---------------------------------------------------------------- as text */

/* One duration in eight columns, in the unit that leaves one to three digits before the point. */
static Status put_time(Buf *out, int64_t ns, Err *err)
{
    if (ns < 1000) return buf_printf(out, err, " %6lld ns", (long long)ns);
    if (ns < 1000000) return buf_printf(out, err, " %6.2f us", (double)ns * 1e-3);
    if (ns < 1000000000) return buf_printf(out, err, " %6.2f ms", (double)ns * 1e-6);
    return buf_printf(out, err, " %6.2f s ", (double)ns * 1e-9);
}

static Status put_table(Buf *out, const ProfileLine *lines, int n, Err *err)
{
    TRY(buf_printf(out, err, "%-24s %8s %3s %9s %9s %9s %9s %9s %9s %9s %9s %7s\n", "span", "count",
                   "thr", "total", "min", "median", "mean", "p95", "p99", "max", "sigma", "GB/s"));
    for (int i = 0; i < n; i++) {
        const ProfileLine *l = &lines[i];
        const int64_t times[] = {l->total_ns, l->min_ns, l->median_ns, l->mean_ns,
                                 l->p95_ns,   l->p99_ns, l->max_ns,    l->sigma_ns};
        TRY(buf_printf(out, err, "%-24s %8lld %3d", l->name, (long long)l->count, l->n_threads));
        for (size_t k = 0; k < sizeof times / sizeof *times; k++) TRY(put_time(out, times[k], err));
        if (l->bytes > 0 && l->total_ns > 0) /* bytes per nanosecond are GB per second */
            TRY(buf_printf(out, err, " %7.2f", (double)l->bytes / (double)l->total_ns));
        TRY(buf_append(out, "\n", 1, err));
    }
    for (int i = 0; i < profile_n_counters; i++)
        TRY(buf_printf(out, err, "%-24s %8lld\n", profile_counters[i].name,
                       (long long)profile_counters[i].value));
    if (records_lost() > 0)
        TRY(buf_printf(out, err, "%lld spans found no memory and are missing above\n",
                       (long long)records_lost()));
    return OK;
}

static Status put_json_string(Buf *out, const char *s, Err *err)
{
    TRY(buf_append(out, "\"", 1, err));
    for (; *s; s++)
        if (*s == '"' || *s == '\\') TRY(buf_printf(out, err, "\\%c", *s));
        else if ((unsigned char)*s < 0x20) TRY(buf_printf(out, err, "\\u%04x", *s));
        else TRY(buf_append(out, s, 1, err));
    return buf_append(out, "\"", 1, err);
}

static Status put_json(Buf *out, const ProfileLine *lines, int n, Err *err)
{
    TRY(buf_printf(out, err, "{\"spans\":["));
    for (int i = 0; i < n; i++) {
        const ProfileLine *l = &lines[i];
        TRY(buf_printf(out, err, "%s{\"name\":", i ? "," : ""));
        TRY(put_json_string(out, l->name, err));
        TRY(buf_printf(out, err, ",\"count\":%lld,\"threads\":%d,\"total_ns\":%lld,\"min_ns\":%lld,"
                       "\"median_ns\":%lld,\"mean_ns\":%lld,\"p95_ns\":%lld,\"p99_ns\":%lld,"
                       "\"max_ns\":%lld,\"sigma_ns\":%lld,\"bytes\":%lld}", (long long)l->count,
                       l->n_threads, (long long)l->total_ns, (long long)l->min_ns,
                       (long long)l->median_ns, (long long)l->mean_ns, (long long)l->p95_ns,
                       (long long)l->p99_ns, (long long)l->max_ns, (long long)l->sigma_ns,
                       (long long)l->bytes));
    }
    TRY(buf_printf(out, err, "],\"counters\":{"));
    for (int i = 0; i < profile_n_counters; i++) {
        if (i) TRY(buf_append(out, ",", 1, err));
        TRY(put_json_string(out, profile_counters[i].name, err));
        TRY(buf_printf(out, err, ":%lld", (long long)profile_counters[i].value));
    }
    return buf_printf(out, err, "},\"spans_lost\":%lld}\n", (long long)records_lost());
}

typedef Status PutFn(Buf *out, const ProfileLine *lines, int n, Err *err);

static Status report_as(PutFn *put, Buf *out, Err *err)
{
    Arena scratch = {0};
    ProfileLine *lines;
    int n;
    Status s = profile_report(&scratch, &lines, &n, err);
    if (s == OK) s = put(out, lines, n, err);
    arena_close(&scratch);
    return s;
}

Status profile_table(Buf *out, Err *err) { return report_as(put_table, out, err); }
Status profile_json(Buf *out, Err *err) { return report_as(put_json, out, err); }
