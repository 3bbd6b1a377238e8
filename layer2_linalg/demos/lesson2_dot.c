/* lesson2_dot: one lane to sixteen: a dot product with L lanes and A accumulators.
 *
 * Partial sum j of P = L A adds the products j, j + P, j + 2P, ... First what that does to the result,
 * then to the time, with vectors in the L1 cache and from memory, with floats and with bytes.
 * --plain: without the timings, the same everywhere. */
#include "layer2.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#define LANES_8 __attribute__((target("avx2")))
#define LANES_16 __attribute__((target("avx512f")))
#else
#define LANES_8 /* left out where they would be timed */
#define LANES_16
#endif

enum { SMALL = 4096, LARGE = 8 << 20, MOST = 64, SUMS = 64 };
typedef float lanes1;
typedef float lanes4 __attribute__((vector_size(16)));
typedef float lanes8 __attribute__((vector_size(32)));
typedef float lanes16 __attribute__((vector_size(64)));
typedef void PartialSums(float *p, const float *w, const float *x, int64_t n);

//@ begin dot-lanes-accumulators
/* A chain of additions for each accumulator: an addition has to wait for the
 * one before it in its own chain, not for the others. */
#define PARTIAL_SUMS(name, lanes, ACCS, TARGET)                               \
    TARGET static void name(float *p, const float *u, const float *v,         \
                            int64_t n)                                        \
    {                                                                         \
        enum { L = sizeof(lanes) / sizeof(float) };                           \
        lanes sum[ACCS], a, b;                                                \
        memset(sum, 0, sizeof sum);                                           \
        for (int64_t i = 0; i < n; i += L * ACCS)                             \
            _Pragma("GCC unroll 4") for (int k = 0; k < ACCS; k++) {          \
                memcpy(&a, u + i + L * k, sizeof a);                          \
                memcpy(&b, v + i + L * k, sizeof b);                          \
                sum[k] += a * b;                                              \
            }                                                                 \
        memcpy(p, sum, sizeof sum);                                           \
    }
//@ end dot-lanes-accumulators

#define LANES(lanes, TARGET)                                                  \
    PARTIAL_SUMS(lanes##_1, lanes, 1, TARGET)                                 \
    PARTIAL_SUMS(lanes##_2, lanes, 2, TARGET)                                 \
    PARTIAL_SUMS(lanes##_4, lanes, 4, TARGET)
LANES(lanes1, )
LANES(lanes4, )
LANES(lanes8, LANES_8)
LANES(lanes16, LANES_16)

static const struct { int lanes; uint32_t needs; PartialSums *with[3]; } rows[] = {
    {1, CPU_ANY, {lanes1_1, lanes1_2, lanes1_4}}, {4, CPU_ANY, {lanes4_1, lanes4_2, lanes4_4}},
    {8, CPU_AVX2, {lanes8_1, lanes8_2, lanes8_4}},
    {16, CPU_AVX512, {lanes16_1, lanes16_2, lanes16_4}}};
static _Alignas(64) float w[LARGE], x[LARGE];

/* The rms error of many sums of SMALL products; partial sums are folded, upper half onto lower. */
static void what_the_order_does(void)
{
    printf("%d sums of %d products of normal numbers:\n\n", SUMS, SMALL);
    printf("  partial sums   the first    rms error\n");
    for (int n = 1; n <= MOST; n *= 2) {
        double square = 0, first = 0;
        for (int s = SUMS - 1; s >= 0; s--) {
            double exact = 0;
            float p[MOST] = {0};
            for (int i = s * SMALL; i < (s + 1) * SMALL; i++) {
                p[i % n] += w[i] * x[i];
                exact += (double)w[i] * x[i];
            }
            for (int half = n / 2; half > 0; half /= 2)
                for (int j = 0; j < half; j++) p[j] += p[j + half];
            square += (p[0] - exact) * (p[0] - exact);
            first = (double)p[0];
        }
        printf("  %12d  %.6f %12.1e\n", n, first, sqrt(square / SUMS));
    }
}

typedef struct { PartialSums *floats; dot_quant_fn *bytes; const void *blocks; ActQ8 a; } Job;

/* Products per nanosecond, best of 8 runs over 2^20 products at least. */
static double rate(const Job *job, int64_t n)
{
    float p[MOST];
    int64_t best = INT64_MAX, times = n < 1 << 20 ? (1 << 20) / n : 1;
    for (int run = 0; run < 8; run++) {
        int64_t start = clock_ns();
        for (int64_t i = 0; i < times; i++) {
            if (job->floats) job->floats(p, w, x, n);
            if (job->bytes) job->bytes(job->blocks, job->a, n);
        }
        if (clock_ns() - start < best) best = clock_ns() - start;
    }
    return (double)(n * times) / (double)best;
}

int main(int argc, char **argv)
{
    static BlockQ8_0 blocks[SMALL / 32];
    static int8_t q[SMALL];
    static float scale[SMALL / 32], sum[SMALL / 32], half[SMALL / 16];
    layer2_init();
    Rng rng = rng_seed(3);
    for (int i = 0; i < SUMS * SMALL; i++) w[i] = rng_normal(&rng), x[i] = rng_normal(&rng);
    for (int i = SUMS * SMALL; i < LARGE; i++) w[i] = x[i] = 1;
    what_the_order_does();
    if (argc > 1 && strcmp(argv[1], "--plain") == 0) return 0;

    printf("\nFloats, products per nanosecond, with 1, 2, 4 accumulators:\n\n"
           "  lanes         1         2         4     4, from memory\n");
    for (int r = 0; r < 4; r++) {
        if ((rows[r].needs & cpu_features()) != rows[r].needs) continue;
        printf("  %5d", rows[r].lanes);
        for (int a = 0; a < 3; a++) printf(" %9.2f", rate(&(Job){.floats = rows[r].with[a]}, SMALL));
        printf(" %18.2f\n", rate(&(Job){.floats = rows[r].with[2]}, LARGE));
    }
    printf("\nBytes with a scale for each 32 (dot_q8_0), products per nanosecond:\n\n");
    row_from_f32(blocks, DT_Q8_0, w, NULL, SMALL);
    ActQ8 act = {q, scale, sum, half, NULL, NULL, NULL};
    act_q8(act, x, SMALL);
    for (int i = 0; i < kernels_count(); i++) {
        const KernelRow *row = kernels_row(i);
        if (strcmp(row->op, "dot_q8_0") != 0 || !kernels_usable(row)) continue;
        Job job = {NULL, (dot_quant_fn *)row->fn, blocks, act};
        printf("  %-8s %12.2f\n", row->variant, rate(&job, SMALL));
    }
    return 0;
}
