/* lesson2_kquant: 256 weights become the 144 bytes of a Q4_K block: the bytes as a picture, three
 * weights read from their bits by hand, and what a search for scales gains over cutting the range. */
#include "layer2.h"

#include <math.h>
#include <stdio.h>

enum { N = 256, GROUP = 32 };

/* x_i = ((37 i mod 101) - 50) (1 + i / 32) / 256: each group of 32 has another range. */
static void example(float x[N])
{
    for (int i = 0; i < N; i++) x[i] = (float)((37 * i) % 101 - 50) * (float)(1 + i / 32) / 256.0f;
}

static void picture(const uint8_t *b, int from, int to, const char *what)
{
    for (int row = from; row < to; row += 8) {
        printf("%4d", row);
        for (int k = row; k < row + 8 && k < to; k++) {
            printf(" ");
            for (int bit = 7; bit >= 0; bit--) printf("%s", b[k] >> bit & 1 ? "█" : "·");
        }
        printf("%s%s\n", row == from ? "  " : "", row == from ? what : "");
    }
}

/* Weight i, as one would with a pencil. */
static void by_hand(const BlockQ4_K *b, int i, const float *x, const float *y)
{
    int g = i / 32, at = 32 * (i / 64) + i % 32, high = g % 2;
    int code = b->q[at] >> 4 * high & 15;
    const uint8_t *s = b->scales;
    int scale = g < 4 ? s[g] & 63 : (s[g + 4] & 15) | s[g - 4] >> 6 << 4;
    int min = g < 4 ? s[g + 4] & 63 : s[g + 4] >> 4 | s[g] >> 6 << 4;
    float d = f16_to_f32(b->d), dmin = f16_to_f32(b->dmin);
    printf("weight %3d: group %d, byte %3d = %02x, %s nibble: code %2d; scale %2d, min %2d\n", i, g,
           16 + at, b->q[at], high ? "high" : " low", code, scale, min);
    printf("            %.6f * %d * %d - %.6f * %d = %9.6f   (it was %9.6f)\n", (double)d, scale, code,
           (double)dmin, min, (double)(d * (float)scale * (float)code - dmin * (float)min), (double)x[i]);
    CHECK(y[i] == d * (float)scale * (float)code - dmin * (float)min, "weight %d", i);
}

/* A group's own range in 15 equal steps: the naive scale, kept exact (no 6 bits, no half). */
static void naive(float *y, const float *x)
{
    for (int g = 0; g < N; g += GROUP) {
        float least = 0, most = 0;
        for (int i = g; i < g + GROUP; i++) {
            least = fminf(least, x[i]);
            most = fmaxf(most, x[i]);
        }
        float step = (most - least) / 15.0f;
        for (int i = g; i < g + GROUP; i++) y[i] = rintf((x[i] - least) / step) * step + least;
    }
}

static double rms(const float *x, const float *y, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
    return sqrt(sum / n);
}

static void bar(const char *name, double percent)
{
    printf("  %-34s %6.2f %% ", name, percent);
    for (int i = 0; i < (int)lrint(percent * 4); i++) printf("█");
    printf("\n");
}

/* Normal weights, of which one in 64 is three times as large: what a range is spoilt by. */
static void against_naive(void)
{
    enum { ROWS = 256 };
    static float x[ROWS * N], y[ROWS * N];
    static uint8_t blocks[ROWS * sizeof(BlockQ4_K)];
    Rng rng = rng_seed(4);
    for (int i = 0; i < ROWS * N; i++) x[i] = rng_normal(&rng) * (rng_below(&rng, 64) ? 1.0f : 3.0f);
    static const float zeros[ROWS * N];
    double all = rms(x, zeros, ROWS * N);
    printf("\n%d weights, four bits each; error (rms / rms):\n\n", ROWS * N);
    row_from_f32(blocks, DT_Q4_0, x, NULL, ROWS * N);
    row_to_f32(y, blocks, DT_Q4_0, ROWS * N);
    bar("Q4_0, 32 weights and no minimum", 100 * rms(x, y, ROWS * N) / all);
    for (int r = 0; r < ROWS; r++) naive(y + r * N, x + r * N);
    bar("range of the group, scales exact", 100 * rms(x, y, ROWS * N) / all);
    row_from_f32(blocks, DT_Q4_K, x, NULL, ROWS * N);
    row_to_f32(y, blocks, DT_Q4_K, ROWS * N);
    bar("Q4_K: search, scales in 6 bits", 100 * rms(x, y, ROWS * N) / all);
}

int main(void)
{
    layer2_init();
    float x[N], y[N];
    BlockQ4_K b;
    example(x);
    row_from_f32(&b, DT_Q4_K, x, NULL, N);
    row_to_f32(y, &b, DT_Q4_K, N);
    const uint8_t *bytes = (const uint8_t *)&b;
    printf("256 weights in 144 bytes; in each byte, bit 7 is on the left:\n\n");
    picture(bytes, 0, 4, "d, dmin");
    picture(bytes, 4, 16, "scales and mins of 8 groups");
    static const char *const runs[] = {"codes: groups 1|0", "groups 3|2", "groups 5|4", "groups 7|6"};
    for (int r = 0; r < 4; r++) picture(bytes, 16 + 32 * r, 48 + 32 * r, runs[r]);
    printf("\n");
    by_hand(&b, 0, x, y);
    by_hand(&b, 33, x, y);
    by_hand(&b, 130, x, y);
    against_naive();
    return 0;
}
