/* lesson2_iq: eight weights share one number: which patterns a codebook has, how one is chosen, and what
 * few bits per weight cost, in error and in time, beside formats with a code for each weight.
 * --plain: without the timings, the same everywhere. */
#include "iq_grids.h"
#include "layer2.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N = 65536, N_IN = 4096, MEMORY = 48 << 20 };
static float w[N], back[N];
static uint8_t bytes[N * 2], memory[MEMORY];

/* Level 0, 1 or 2 of weight j of a row: magnitudes 8, 25, 43. */
static int level(int row, int j) { return (int)(iq_rows2_xxs[row] >> 8 * j & 255) / 17; }

/* How many of the 3^8 patterns there are for each sum of levels, and how many are in the codebook. */
static void patterns(void)
{
    int all[17] = {0}, kept[17] = {0};
    for (int p = 0; p < 6561; p++) {
        int sum = 0;
        for (int rest = p; rest > 0; rest /= 3) sum += rest % 3;
        all[sum]++;
    }
    for (int row = 0; row < 256; row++) {
        int sum = 0;
        for (int j = 0; j < 8; j++) sum += level(row, j);
        kept[sum]++;
    }
    printf("Patterns of 8 magnitudes out of three, and those that have a number in IQ2_XXS:\n\n");
    printf("  sum of levels   patterns   kept\n");
    for (int s = 0; s <= 16; s++) {
        printf("  %13d   %8d   %4d  ", s, all[s], kept[s]);
        for (int i = 0; i < kept[s]; i += 2) printf("█");
        printf("\n");
    }
}

/* The first group of 8 weights of the block: what it wishes and what it gets. */
static void one_group(const BlockIQ2_XXS *b)
{
    uint32_t word = b->q[2] | (uint32_t)b->q[3] << 16;
    int row = b->q[0] & 255, signs = (int)(word & 127);
    float step = f16_to_f32(b->d) * 0.125f * (float)(2 * (word >> 28) + 1);
    printf("\nThe first 8 weights; 1 in the file means %.5f, the row is number %d:\n\n", (double)step, row);
    printf("  weight    | weight | / step   nearest of 8 25 43   row   value\n");
    for (int j = 0; j < 8; j++) {
        double m = fabs((double)w[j] / (double)step);
        int nearest = m < 16.5 ? 8 : m < 34 ? 25 : 43;
        int got = (int)(iq_rows2_xxs[row] >> 8 * j & 255);
        printf("  %8.4f  %17.1f   %19d   %3d%s %7.4f\n", (double)w[j], m, nearest, got,
               got == nearest ? " " : "*", (double)back[j]);
    }
    int seven = signs, odd = 0;
    for (; seven; seven /= 2) odd ^= seven & 1;
    printf("\n  signs, weight 0 first: ");
    for (int j = 0; j < 7; j++) printf("%c", signs >> j & 1 ? '-' : '+');
    printf(" and %c, which makes their number even\n", odd ? '-' : '+');
}

static const DType types[] = {DT_Q8_0, DT_Q6_K, DT_Q5_0, DT_Q5_K, DT_Q4_0, DT_IQ4_NL, DT_Q4_K, DT_IQ4_XS, DT_Q3_K,
                              DT_IQ3_S, DT_IQ3_XXS, DT_Q2_K, DT_IQ2_S, DT_IQ2_XS, DT_IQ2_XXS, DT_IQ1_M, DT_IQ1_S};

/* Weights per nanosecond of one token's product, best of some runs. The same bytes fill the memory, at most N rows. */
static double rate(DType type, size_t n_bytes, void *scratch)
{
    int64_t best = INT64_MAX, times = (int64_t)(MEMORY / n_bytes), n_rows = times * (N / N_IN);
    for (int64_t i = 0; i < times; i++) memcpy(memory + (size_t)i * n_bytes, bytes, n_bytes);
    Tensor matrix = tensor_matrix(type, memory, N_IN, n_rows);
    for (int run = 0; run < 4; run++) {
        int64_t start = clock_ns();
        linear(NULL, scratch, back, &matrix, NULL, w, 1);
        if (clock_ns() - start < best) best = clock_ns() - start;
    }
    return (double)(N_IN * n_rows) / (double)best;
}

/* scratch NULL: without times. */
static void table(void *scratch)
{
    double square = 0;
    for (int i = 0; i < N; i++) square += (double)w[i] * (double)w[i];
    printf("\n%d weights, normal, one in 128 five times as large%s:\n\n", (int)N,
           scratch ? "; one token, one thread" : "");
    printf("  type     bytes of 256   bytes per weight%s   error (rms / rms)\n", scratch ? "   weights/ns    GB/s" : "");
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        double error = 0;
        row_from_f32(bytes, types[t], w, NULL, N);
        row_to_f32(back, bytes, types[t], N);
        for (int i = 0; i < N; i++) error += pow((double)back[i] - (double)w[i], 2);
        double percent = 100 * sqrt(error / square);
        size_t n_bytes = (size_t)dtype_row_bytes(types[t], N);
        printf("  %-8s %12zu   %16.4f", dtype_name(types[t]), n_bytes / (N / 256), (double)n_bytes / N);
        double per_ns = scratch ? rate(types[t], n_bytes, scratch) : 0;
        if (scratch) printf("   %10.1f   %5.1f", per_ns, per_ns * (double)n_bytes / N);
        printf("   %15.1f %%  ", percent);
        for (int i = 0; i < (int)(percent / 2.5 + 0.5); i++) printf("█");
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    layer2_init();
    Arena arena = {0};
    Rng rng = rng_seed(2);
    for (int i = 0; i < N; i++) w[i] = rng_normal(&rng) * (i % 128 == 100 ? 5.0f : 1.0f);
    patterns();
    BlockIQ2_XXS b;
    row_from_f32(&b, DT_IQ2_XXS, w, NULL, 256);
    row_to_f32(back, &b, DT_IQ2_XXS, 256);
    one_group(&b);
    void *scratch = arena_alloc(&arena, linear_scratch_bytes(N_IN, 1, 1), 1);
    CHECK(scratch, "no memory for %d activations", N_IN);
    table(argc > 1 && strcmp(argv[1], "--plain") == 0 ? NULL : scratch);
    arena_close(&arena);
    return 0;
}
