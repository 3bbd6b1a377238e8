/* lesson3_rope: clock hands, who pairs with whom, a score that fades with distance, that only the distance
 * counts, and four ways to go on beyond the trained length. With --plain the times are left out; --plain 2
 * prints part 2 alone. */
#include "layer3.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { D = 64 }; /* d_head in parts 3 and 4 */

static void clock_hands(void)
{
    static const char *arrows[8] = {"→", "↗", "↑", "↖", "←", "↙", "↓", "↘"};
    enum { R = 8, N = 16 };
    float table[N][R];
    for (int pos = 0; pos < N; pos++) rope_angles(table[pos], pos, R, 100.0f, 1.0f, NULL);
    printf("1. Each pair is a clock hand (R = %d, base = 100)\n\n   position ", R);
    for (int pos = 0; pos < N; pos++) printf("%3d", pos);
    printf("   turns by\n");
    for (int j = 0; j < R / 2; j++) {
        printf("   pair %d   ", j);
        for (int pos = 0; pos < N; pos++) {
            double angle = atan2(table[pos][R / 2 + j], table[pos][j]);
            printf("  %s", arrows[(int)floor(angle / (M_PI / 4) + 8.5) % 8]);
        }
        printf("   %.4f rad\n", pow(100.0, -2.0 * j / R));
    }
    printf("\n");
}

/* Turns each pair by an angle of its own and looks which elements moved together. */
static void pairing(void)
{
    enum { R = 8 };
    printf("2. Which elements belong together (same letter, same angle)\n\n   element      0 1 2 3 4 5 6 7\n");
    for (int kind = 0; kind < 2; kind++) {
        char letters[R];
        for (int j = 0; j < R / 2; j++) {
            /* Only angle j is not 0: a quarter turn, by which (1, 1) becomes (-1, 1). */
            float x[R] = {1, 1, 1, 1, 1, 1, 1, 1}, table[R] = {1, 1, 1, 1};
            table[j] = 0.0f;
            table[R / 2 + j] = 1.0f;
            rope_apply(kind ? ROPE_HALF : ROPE_INTERLEAVED, x, 1, R, R, table);
            int first = 0;
            while (x[first] != -1.0f) first++;
            letters[first] = letters[kind ? first + R / 2 : first + 1] = (char)('a' + j);
        }
        printf("   %-12s", kind ? "half-split" : "interleaved");
        for (int i = 0; i < R; i++) printf(" %c", letters[i]);
        printf(kind ? "\n\n" : "\n");
    }
}

/* Score of the same vector at positions m and n, divided by its squared length. */
static double score(int64_t m, int64_t n)
{
    float q[D], k[D], table[D], sum = 0.0f, length = 0.0f;
    for (int i = 0; i < D; i++) q[i] = k[i] = 1.0f + 0.5f * (float)(i % 5);
    for (int i = 0; i < D; i++) length += q[i] * q[i];
    rope_angles(table, m, D, 10000.0f, 1.0f, NULL);
    rope_apply(ROPE_HALF, q, 1, D, D, table);
    rope_angles(table, n, D, 10000.0f, 1.0f, NULL);
    rope_apply(ROPE_HALF, k, 1, D, D, table);
    for (int i = 0; i < D; i++) sum += q[i] * k[i];
    return sum / length;
}

static void fading(void)
{
    printf("3. A vector meets itself: score against distance (d_head = %d, base = 10000)\n\n", D);
    for (int distance = 0; distance <= 1024; distance = distance < 8 ? distance + 1 : distance * 2) {
        double s = score(distance, 0);
        printf("   %5d %7.3f", distance, s);
        for (int bar = 0; bar < (int)(s * 50.0 + 0.5); bar++) printf(bar ? "█" : " █");
        printf(distance == 1024 ? "\n\n" : "\n");
    }
}

static void relative(void)
{
    static const int64_t starts[5] = {0, 1, 10, 1000, 100000};
    printf("4. Only the distance counts: score of positions m = n + distance and n\n\n   distance");
    for (int s = 0; s < 5; s++) printf("   n =%7lld", (long long)starts[s]);
    for (int distance = 1; distance <= 100; distance *= 10) {
        printf("\n   %8d", distance);
        for (int s = 0; s < 5; s++) printf("   %10.4f", score(starts[s] + distance, starts[s]));
    }
    printf("\n\n");
}

/* Radians that pair j turns from one position to the next. */
static double turn(const float *table, int n_rot, int j)
{
    return atan2(table[n_rot / 2 + j], table[j]);
}

static void scalings(void)
{
    enum { R = 16, TRAINED = 64 };
    const float base = 10000, s = 4; /* four times as long as trained */
    float plain[R], row[4][R], factors[R / 2];
    static const char *const names[4] = {"linear", "NTK", "Llama 3", "YaRN"};
    rope_angles(plain, 1, R, base, 1, NULL);
    rope_angles(row[0], 1, R, base, 1 / s, NULL);
    rope_angles(row[1], 1, R, rope_base_ntk(base, R, s), 1, NULL);
    for (int j = 0; j < R / 2; j++) { /* Llama 3's rule, with low and high factors 1 and 4 */
        double wave = 2 * M_PI / turn(plain, R, j), mix = (TRAINED / wave - 1) / (4 - 1);
        factors[j] = (float)(wave < TRAINED / 4.0 ? 1 : wave > TRAINED ? s : 1 / ((1 - mix) / s + mix));
    }
    rope_angles(row[2], 1, R, base, 1, factors);
    rope_angles_yarn(row[3], 1, R, base, 1 / s, NULL, rope_yarn(R, base, TRAINED, 32, 1, true));
    printf("5. Trained on %d positions, used for %d (R = %d): how fast each pair turns, 1 = as trained\n\n"
           "   pair   circles while trained", TRAINED, (int)(s * TRAINED), R);
    for (int i = 0; i < 4; i++) printf("%9s", names[i]);
    printf("\n");
    for (int j = 0; j < R / 2; j++) {
        printf("   %4d %23.2f", j, TRAINED * turn(plain, R, j) / (2 * M_PI));
        for (int i = 0; i < 4; i++) printf("%9.2f", turn(row[i], R, j) / turn(plain, R, j));
        printf("\n");
    }
    printf("\n");
}

static void race(void)
{
    enum { HEADS = 32, WIDTH = 128 };
    static float x[HEADS * WIDTH], table[WIDTH];
    rope_angles(table, 100, WIDTH, 10000.0f, 1.0f, NULL);
    printf("6. %d heads of %d, every variant\n\n", HEADS, WIDTH);
    for (int k = 0; k < kernels_count(); k++) {
        const KernelRow *row = kernels_row(k);
        if (strncmp(row->op, "rope_", 5) != 0 || !kernels_usable(row)) continue;
        int64_t best = INT64_MAX;
        for (int round = 0; round < 500; round++) {
            int64_t ns = -clock_ns();
            ((rope_fn *)row->fn)(x, HEADS, WIDTH, WIDTH, table);
            ns += clock_ns();
            best = ns < best ? ns : best;
        }
        printf("   %-17s %-8s %6.2f us\n", row->op, row->variant, (double)best * 1e-3);
    }
}

int main(int argc, char **argv)
{
    static void (*const parts[])(void) = {clock_hands, pairing, fading, relative, scalings, race};
    int plain = argc > 1 && strcmp(argv[1], "--plain") == 0, only = argc > 2 ? atoi(argv[2]) : 0;
    layer3_init();
    for (int i = 0; i < 6 - plain; i++)
        if (!only || only == i + 1) parts[i]();
    return 0;
}
