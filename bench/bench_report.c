/* bench_report.c: the results as a table for programs (TSV) and as lines for people. */
#include "bench.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

/* ---------------------------------------------------------------- the table */

static void write_header(FILE *f, const Bench *b)
{
    char features[128], date[64];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &utc);
    cpu_features_text(features, sizeof features);
    fprintf(f, "# machine\t%s\n# features\t%s\n", cpu_name(), features);
    fprintf(f, "# caches_KiB\tL1 %lld, L2 %lld, L3 %lld\n", (long long)cpu_cache_bytes(1) >> 10,
            (long long)cpu_cache_bytes(2) >> 10, (long long)cpu_cache_bytes(3) >> 10);
    fprintf(f, "# date\t%s\n# compiler\t%s\n# threads\t%d\n", date, __VERSION__, b->n_threads);
    fprintf(f, "# samples\t%d, in turns; seconds\t%.0f\n", b->n_samples,
            (double)(clock_ns() - b->start_ns) * 1e-9);
    for (int t = 0; t < 2; t++) {
        int n = t ? b->n_threads : 1;
        for (int l = 0; l < ROOF_LEVELS; l++)
            fprintf(f, "# roof\t%d\t%s_GBs\t%.2f\n", n, bench_level_name[l],
                    b->roofs.gbs[t][l]);
        fprintf(f, "# roof\t%d\tfma_GFLOPs\t%.2f\n# roof\t%d\tint8_GOPs\t%.2f\n", n,
                b->roofs.fma_gflops[t], n, b->roofs.int8_gops[t]);
    }
}

static void write_row(FILE *f, const BenchRow *r)
{
    double gflops = r->median_ns > 0 ? r->flops / r->median_ns : 0;
    double gbs = r->median_ns > 0 ? r->bytes / r->median_ns : 0;
    fprintf(f,
            "%s\t%d\t%s\t%s\t%s\t%s\t%d\t%lld\t%d\t%.1f\t%.1f\t%.1f\t%.6g\t%.6g\t%.3f\t%.3f\t%.3f\t"
            "%.4f\t%s\t%s\t%s\n",
            r->op, r->layer, r->size, r->variant, r->status, r->chosen ? "yes" : "no", r->threads,
            (long long)r->runs, r->n_samples, r->median_ns, r->min_ns, r->iqr_ns, r->flops,
            r->bytes, gflops, gbs, r->ratio, r->roof, r->bound, r->int8 ? "int8" : r->int16 ? "int16" : "f32", r->note);
}

Status bench_write_tsv(const Bench *b, Err *err)
{
    char path[512];
    snprintf(path, sizeof path, "%.480s/bench.tsv", b->out_dir);
    FILE *f = fopen(path, "w");
    if (!f)
        return fail(err, E_IO,
                    "cannot write '%.300s': %s. HINT: --out names a directory that can "
                    "be written to",
                    path, strerror(errno));
    write_header(f, b);
    fprintf(f,
            "op\tlayer\tsize\tvariant\tstatus\tchosen\tthreads\truns\tsamples\tmedian_ns\tmin_ns\t"
            "iqr_ns\tflops\tbytes\tgflops\tgbs\tratio\troof\tbound\tkind\tnote\n");
    for (int i = 0; i < b->n_rows; i++) write_row(f, &b->rows[i]);
    if (fclose(f) != 0)
        return fail(err, E_IO, "writing '%.300s' failed: %s", path, strerror(errno));
    return OK;
}

/* ---------------------------------------------------------------- lines for people */

static void human_time(char text[24], double ns)
{
    if (ns < 1e3) snprintf(text, 24, "%.0f ns", ns);
    else if (ns < 1e6) snprintf(text, 24, "%.1f us", ns * 1e-3);
    else snprintf(text, 24, "%.1f ms", ns * 1e-6);
}

/* A bar whose length grows with the logarithm: three blocks for each doubling. */
static void bar(char text[128], double ratio)
{
    static const char *const eighth[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int eighths = ratio > 1 ? (int)(24 * log2(ratio)) : 0;
    text[0] = 0;
    for (; eighths >= 8 && strlen(text) < 100; eighths -= 8) strcat(text, "█");
    strcat(text, eighth[eighths % 8]);
}

/* The rows of the cell that begins at `first`: [first, end). */
static int end_of_cell(const Bench *b, int first)
{
    int end = first + 1;
    while (end < b->n_rows && strcmp(b->rows[end].op, b->rows[first].op) == 0 &&
           strcmp(b->rows[end].size, b->rows[first].size) == 0) end++;
    return end;
}

static void print_problems(const Bench *b, int first, int end)
{
    for (int i = first; i < end; i++) {
        const BenchRow *r = &b->rows[i];
        if (strcmp(r->status, "wrong") == 0)
            printf("  %s %s: %s is WRONG and was not timed: %s\n", r->op, r->size, r->variant,
                   r->note);
        if (strcmp(r->status, "late") == 0)
            printf("  %s %s: %s was not timed: the time limit is over\n", r->op, r->size,
                   r->variant);
    }
}

/* "softmax 16x2048   13.1 us  avx512 is 11.2 times two_pass  38 % of L1  ████": what the engine
 * uses, against the first variant; and the fastest variant if that is another one. */
void bench_print_case(const Bench *b, int first)
{
    int end = end_of_cell(b, first), chosen = first, fastest = first;
    for (int i = first; i < end; i++) {
        if (b->rows[i].ratio <= 0) continue;
        if (b->rows[i].chosen) chosen = i;
        if (b->rows[i].ratio > b->rows[fastest].ratio) fastest = i;
    }
    const BenchRow *r = &b->rows[chosen], *best = &b->rows[fastest];
    char took[24], claim[80] = "", roof[40] = "", blocks[128];
    print_problems(b, first, end);
    if (r->ratio <= 0) return;
    human_time(took, r->median_ns);
    if (chosen == first) snprintf(claim, sizeof claim, "%s", r->variant);
    else
        snprintf(claim, sizeof claim, "%s is %.1f times %s", r->variant, r->ratio,
                 b->rows[first].variant);
    if (r->roof > 0) snprintf(roof, sizeof roof, "%3.0f %% of %s", 100 * r->roof,
                              r->bound);
    bar(blocks, r->ratio);
    printf("  %-16s %-20s %9s  %-34s %-14s %s\n", r->op, r->size, took, claim, roof, blocks);
    if (best->ratio > 1.1 * r->ratio)
        printf("  %-16s %-20s %9s  (%s would be %.2f times %s)\n", "", "", "", best->variant,
               best->ratio / r->ratio, r->variant);
}

void bench_print_summary(const Bench *b)
{
    static const char *const rooms[] = {
        "several ops together", "layer 1: foundation", "layer 2: linalg",   "layer 3: primitives",
        "layer 4: transformer", "layer 5: models",     "layer 6: inference"};
    printf("\n%s, %d thread%s; one thread reads %.1f GB/s from memory and does %.0f GFLOP/s\n",
           cpu_name(), b->n_threads, b->n_threads > 1 ? "s" : "", b->roofs.gbs[0][ROOF_MEMORY],
           b->roofs.fma_gflops[0]);
    for (int i = 1; i <= 7; i++) {
        int layer = i % 7;
        bool any = false;
        for (int first = 0; first < b->n_rows; first = end_of_cell(b, first)) {
            if (b->rows[first].layer != layer) continue;
            if (!any) printf("\n%s\n", rooms[layer]);
            any = true;
            bench_print_case(b, first);
        }
    }
    printf("\n");
}
