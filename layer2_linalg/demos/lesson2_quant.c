/* lesson2_quant: 32 numbers become 34 or 18 bytes and come back.
 *
 * One block by hand, with the bits of its bytes; then what the bits buy: error against size; then the
 * product: multiplying the bytes as they are against decoding them first.
 * --plain: without the timings, the same everywhere. */
#include "layer2.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_IN = 2048, N_OUT = 512, N = N_IN * N_OUT };
static float w[N], back[N], x[N_IN], y[N_OUT];
static uint8_t bytes[N * 4];

static void print_bits(const uint8_t *b, int n)
{
    for (int i = 0; i < n; i++) {
        printf(" ");
        for (int bit = 7; bit >= 0; bit--) printf("%s", b[i] >> bit & 1 ? "█" : "·");
    }
}

/* x_i = ((7 i mod 32) - 15) / 8: all multiples of 1/8 once, and one that falls between them. */
static void one_block(void)
{
    float v[32], y8[32], y4[32];
    BlockQ8_0 b8;
    BlockQ4_0 b4;
    for (int i = 0; i < 32; i++) v[i] = (float)((7 * i) % 32 - 15) * 0.125f;
    v[5] += 0.0625f;
    row_from_f32(&b8, DT_Q8_0, v, NULL, 32);
    row_from_f32(&b4, DT_Q4_0, v, NULL, 32);
    row_to_f32(y8, &b8, DT_Q8_0, 32);
    row_to_f32(y4, &b4, DT_Q4_0, 32);
    printf("32 weights; the largest is %g.\n", (double)v[9]);
    printf("Q8_0: d =  2 / 127 = %.6f, as a half %04x = %.6f; 34 bytes\n", 2.0 / 127, b8.d,
           (double)f16_to_f32(b8.d));
    printf("Q4_0: d = 2 / -8 = %.6f, as a half %04x = %.6f; 18 bytes\n\n", -0.25, b4.d,
           (double)f16_to_f32(b4.d));
    printf("  i     weight   Q8_0 code    value   error   Q4_0 code   value   error\n");
    for (int i = 0; i < 32; i++) {
        if (i == 6) printf("  ...\n");
        if (i >= 6 && i != 9 && i != 16) continue;
        int code = i < 16 ? b4.q[i] & 15 : b4.q[i - 16] >> 4;
        printf("%3d  %9.4f  %10d  %7.4f %7.4f  %10d  %6.2f %7.4f\n", i, (double)v[i], b8.q[i],
               (double)y8[i], (double)(y8[i] - v[i]), code, (double)y4[i], (double)(y4[i] - v[i]));
    }
    printf("\nQ8_0, d and codes 0-3:    ");
    print_bits((const uint8_t *)&b8, 6);
    printf("\nQ4_0, d and codes 16|0 on:");
    print_bits((const uint8_t *)&b4, 6);
    printf("\n\n");
}

static const DType types[] = {DT_F32, DT_BF16, DT_F16, DT_Q8_0, DT_Q4_0};

static void error_against_bits(void)
{
    printf("%d weights, normal with variance 1:\n\n", N);
    printf("  type   bits per weight   error (rms / rms)\n");
    for (int t = 0; t < 5; t++) {
        double error = 0, power = 0;
        row_from_f32(bytes, types[t], w, NULL, N);
        row_to_f32(back, bytes, types[t], N);
        for (int i = 0; i < N; i++) {
            error += ((double)back[i] - w[i]) * ((double)back[i] - w[i]);
            power += (double)w[i] * w[i];
        }
        double rel = sqrt(error / power), bits = 8.0 * (double)dtype_row_bytes(types[t], N) / N;
        printf("  %-5s %16.1f %15.4f %%", dtype_name(types[t]), bits, 100 * rel);
        if (rel > 0) printf("  ");
        for (int i = 0; rel > 0 && i < (int)lrint(2 * log2(rel / 0x1p-14)); i++) printf("█");
        printf("\n");
    }
}

/* Best of up to 40 runs. way 0: linear on the bytes; way 1: decode all, then linear on floats. */
static double milliseconds(DType type, int way, void *scratch)
{
    Tensor stored = tensor_matrix(type, bytes, N_IN, N_OUT);
    Tensor decoded = tensor_matrix(DT_F32, back, N_IN, N_OUT);
    int64_t best = INT64_MAX;
    for (int run = 0; run < 40; run++) {
        int64_t start = clock_ns();
        if (way) row_to_f32(back, bytes, type, N);
        linear(NULL, scratch, y, way ? &decoded : &stored, NULL, x, 1);
        if (clock_ns() - start < best) best = clock_ns() - start;
    }
    return (double)best * 1e-6;
}

static void fused_against_decoded(Arena *arena)
{
    void *scratch = arena_alloc(arena, linear_scratch_bytes(N_IN, 1, 1), 1);
    CHECK(scratch, "no memory for %d activations", N_IN);
    printf("\ny = W x, W [%d, %d], one thread:\n\n", N_IN, N_OUT);
    printf("  type   on the bytes, ms   decoded first, ms   ratio\n");
    for (int t = 1; t < 5; t++) {
        row_from_f32(bytes, types[t], w, NULL, N);
        double fused = milliseconds(types[t], 0, scratch), first = milliseconds(types[t], 1, scratch);
        printf("  %-5s %17.3f %19.3f %7.1f\n", dtype_name(types[t]), fused, first, first / fused);
    }
}

int main(int argc, char **argv)
{
    layer2_init();
    Arena arena = {0};
    Rng rng = rng_seed(2);
    for (int i = 0; i < N; i++) w[i] = rng_normal(&rng);
    for (int i = 0; i < N_IN; i++) x[i] = rng_normal(&rng);
    one_block();
    error_against_bits();
    if (argc < 2 || strcmp(argv[1], "--plain") != 0) fused_against_decoded(&arena);
    arena_close(&arena);
    return 0;
}
