/* bench_measure.c: validate, then time.
 *
 * No kernel is timed before its output has been compared with the first variant's on the very data
 * of the measurement: a fast kernel with a wrong answer would otherwise win. Timing takes samples in
 * turns: if the machine is disturbed for a moment, every variant loses one sample, not one variant
 * all of its samples, and medians do not mind one lost sample. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One variant of the case at hand. */
typedef struct {
    const char *name, *picks; /* picks NULL: "op:name" */
    void (*run)(BenchCase *c);
    bool usable, agrees, chosen;
    int64_t runs;
    int n_samples;
    double ns[BENCH_SAMPLES], flops;
    char note[160];
} Variant;

static int by_value(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static bool select_variant(BenchCase *c, const Variant *v)
{
    char list[96];
    c->run = v->run;
    if (!v->picks) {
        snprintf(list, sizeof list, "%s:%s", c->op, v->name);
        return kernels_use(list, NULL) == OK;
    }
    return kernels_use(NULL, NULL) == OK && (!*v->picks || kernels_use(v->picks, NULL) == OK);
}

static int find_variants(BenchCase *c, Variant *v)
{
    const KernelRow *selected = kernels_selected(c->op);
    void (*usual)(BenchCase *) = c->run;
    int n = 0, last = -1;
    for (int i = 0; c->picks && c->picks[i].name; i++) {
        CHECK(n < BENCH_VARIANTS, "more than %d variants of '%s'", BENCH_VARIANTS, c->op);
        v[n] = (Variant){.name = c->picks[i].name, .picks = c->picks[i].picks,
                         .run = n == 0 && c->first_run ? c->first_run : usual};
        v[n].usable = select_variant(c, &v[n]);
        if (v[n].usable) last = n;
        n++;
    }
    if (last >= 0) v[last].chosen = true;
    if (c->picks && c->peer) v[n++] = (Variant){.name = c->peer, .picks = "", .run = c->peer_run,
                                                .usable = c->peer_run != NULL};
    for (int i = 0; !c->picks && i < kernels_count(); i++) {
        const KernelRow *row = kernels_row(i);
        if (strcmp(row->op, c->op) != 0) continue;
        CHECK(n < BENCH_VARIANTS, "more than %d variants of '%s'", BENCH_VARIANTS, c->op);
        v[n++] = (Variant){.name = row->variant, .run = usual, .usable = kernels_usable(row),
                           .chosen = row == selected};
    }
    return n;
}

/* ---------------------------------------------------------------- validation */

static size_t out_bytes(const BenchCase *c)
{
    return (size_t)c->n_out * (c->kind == OUT_F32 ? sizeof(float) : 1);
}

/* Runs once on fresh input. What was in the output before is not a number. */
static Status run_fresh(BenchCase *c, Err *err)
{
    memset(c->out, 0xFF, out_bytes(c));
    if (c->reset) c->reset(c);
    c->status = OK;
    c->run(c);
    if (c->status == OK) return OK;
    return fail(err, c->status, "%s %s: %.300s", c->op, c->size, c->err.text);
}

/* Index of the first element that differs too much, or -1. */
static int64_t first_difference(const BenchCase *c, const void *want)
{
    if (c->kind == OUT_BYTES) {
        const char *g = c->out, *w = want;
        for (int64_t i = 0; i < c->n_out; i++)
            if (g[i] != w[i]) return i;
        return -1;
    }
    const float *g = c->out, *w = want;
    for (int64_t i = 0; i < c->n_out; i++)
        if (!(fabs((double)g[i] - (double)w[i]) <= c->tol)) return i;
    return -1;
}

static void describe_difference(const BenchCase *c, const Variant *first, const void *want,
                                int64_t at, char note[160])
{
    if (c->kind == OUT_BYTES)
        snprintf(note, 160, "byte %lld: %d, %s says %d", (long long)at, ((const char *)c->out)[at],
                 first->name, ((const char *)want)[at]);
    else
        snprintf(note, 160, "element %lld: %.9g, %s says %.9g, tolerance %.3g", (long long)at,
                 (double)((const float *)c->out)[at], first->name,
                 (double)((const float *)want)[at], c->tol);
}

static Status validate(BenchCase *c, Variant *v, int n, Err *err)
{
    void *want = bench_alloc(c, (int64_t)out_bytes(c), 1, err);
    if (!want) return E_MEMORY;
    for (int i = 0; i < n; i++) {
        if (!v[i].usable) continue;
        select_variant(c, &v[i]);
        TRY(run_fresh(c, err));
        if (i == 0) memcpy(want, c->out, out_bytes(c));
        /* The first variant against itself: finds outputs that nobody wrote (NaN). */
        int64_t at = first_difference(c, want);
        v[i].agrees = at < 0;
        if (at >= 0) describe_difference(c, &v[0], want, at, v[i].note);
    }
    return OK;
}

/* ---------------------------------------------------------------- timing */

static double time_runs(BenchCase *c, int64_t runs)
{
    int64_t total = 0, t = clock_ns();
    if (!c->reset_each) {
        for (int64_t i = 0; i < runs; i++) c->run(c);
        return (double)(clock_ns() - t) / (double)runs;
    }
    for (int64_t i = 0; i < runs; i++) {
        c->reset(c);
        t = clock_ns();
        c->run(c);
        total += clock_ns() - t;
    }
    return (double)total / (double)runs;
}

/* Runs per sample: doubled until a sample is long enough, which also warms caches and clocks. */
static int64_t find_runs(BenchCase *c, double sample_ns)
{
    int64_t runs = 1;
    for (;;) {
        double took = time_runs(c, runs) * (double)runs;
        if (took >= sample_ns || runs >= 1 << 24) return runs;
        int64_t wanted = (int64_t)(sample_ns * 1.1 / (took < 100 ? 100 : took) * (double)runs) + 1;
        runs = wanted > 2 * runs ? wanted : 2 * runs;
        if (took > sample_ns / 8) return runs;
    }
}

/* Beside a peer a sample begins with a pause, in which the other's threads go to sleep (they may wait busily for more
 * work and keep a core from ours), and with a run that wakes one's own. The pause also keeps the real-time class
 * within the 95 % of a second that the system leaves it; what is beyond, it takes away 50 ms at once. */
static double time_sample(BenchCase *c, const Variant *v, double last_ns)
{
    if (c->peer) {
        struct timespec pause = {.tv_nsec = 2000000 + (long)fmin(last_ns / 4, 5e8)};
        nanosleep(&pause, NULL);
        c->run(c);
    }
    return time_runs(c, v->runs);
}

/* Fast variants give all the samples asked for; runs longer than this give the fewest. */
static const double SLOW_NS = 3e7;

static void time_variants(const Bench *b, BenchCase *c, Variant *v, int n)
{
    for (int i = 0; i < n; i++) {
        if (!v[i].agrees) continue;
        select_variant(c, &v[i]);
        v[i].runs = find_runs(c, b->sample_ns);
        v[i].n_samples = 0;
    }
    for (int s = 0; s < b->n_samples; s++)
        for (int i = 0; i < n; i++) {
            bool slow = s > 0 && v[i].ns[0] > SLOW_NS;
            if (!v[i].agrees || (slow && s >= BENCH_MIN_SAMPLES)) continue;
            select_variant(c, &v[i]);
            v[i].ns[s] = time_sample(c, &v[i], s > 0 ? v[i].ns[s - 1] * (double)v[i].runs : 0);
            v[i].n_samples++;
            v[i].flops = c->flops;
        }
}

/* ---------------------------------------------------------------- results */

/* Threads that work in this variant. */
static int threads_of(const Bench *b, const BenchCase *c, const char *variant)
{
    if (!c->threaded || (c->threaded_only && !strstr(c->threaded_only, variant))) return 1;
    return b->n_threads;
}

static int layer_of(const BenchCase *c)
{
    for (int i = 0; !c->picks && i < kernels_count(); i++)
        if (strcmp(kernels_row(i)->op, c->op) == 0) return kernels_row(i)->layer;
    return 0;
}

static void add_row(Bench *b, const BenchCase *c, Variant *v, const BenchRow *first)
{
    CHECK(b->n_rows < b->cap_rows, "more than %d result rows", b->cap_rows);
    BenchRow *r = &b->rows[b->n_rows++];
    *r = (BenchRow){.status = !v->usable ? "unusable" : v->agrees ? "ok" : "wrong",
                    .layer = layer_of(c), .threads = threads_of(b, c, v->name),
                    .level = bench_level(c->set_bytes), .int8 = c->int8, .int16 = c->int16,
                    .chosen = v->chosen};
    snprintf(r->op, sizeof r->op, "%s", c->op);
    snprintf(r->variant, sizeof r->variant, "%s", v->name);
    snprintf(r->size, sizeof r->size, "%s", c->size);
    snprintf(r->note, sizeof r->note, "%s", v->note);
    if (!v->agrees) return;
    int n = v->n_samples;
    qsort(v->ns, (size_t)n, sizeof *v->ns, by_value);
    r->runs = v->runs;
    r->n_samples = n;
    r->min_ns = v->ns[0];
    r->median_ns = (v->ns[(n - 1) / 2] + v->ns[n / 2]) / 2;
    r->iqr_ns = v->ns[3 * (n - 1) / 4] - v->ns[(n - 1) / 4];
    r->flops = v->flops;
    r->bytes = c->bytes;
    if (!first) first = r;
    if (first->median_ns > 0) r->ratio = first->median_ns / r->median_ns;
    if (c->by_rate && first->flops > 0) r->ratio *= r->flops / first->flops;
}

Status bench_case(Bench *b, BenchCase *c, Err *err)
{
    static Variant v[BENCH_VARIANTS];
    int first_row = b->n_rows;
    Status s = c->setup(c, b, err);
    bool wanted = !b->size || strstr(c->size, b->size);
    int n = find_variants(c, v);
    if (s == OK && wanted) s = validate(c, v, n, err);
    if (s == OK && wanted) {
        bool late = clock_ns() - b->start_ns > b->limit_ns;
        if (!late) time_variants(b, c, v, n);
        if (c->status != OK) s = fail(err, c->status, "%s %s: %.300s", c->op, c->size, c->err.text);
        for (int i = 0; i < n; i++) {
            /* What is validated but not timed is said to be late; the program then ends with 1. */
            bool ok = v[i].agrees;
            if (late) v[i].agrees = false;
            add_row(b, c, &v[i], i > 0 ? &b->rows[first_row] : NULL);
            if (late && ok) b->rows[b->n_rows - 1].status = "late";
        }
    }
    if (c->close) c->close(c);
    arena_close(&c->arena);
    kernels_use(NULL, NULL);
    return s;
}
