/* lesson3_norms: RMSNorm and LayerNorm by hand, what each of them does not see, how a shortcut loses all
 * digits, and what sixty layers do without a norm. With --plain the times are left out; --plain 2 prints part
 * 2 alone. */
#include "layer3.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print(const char *name, const float *y, int n)
{
    printf("   %-24s", name);
    for (int i = 0; i < n; i++) printf("%9.4f", (double)y[i]);
    printf("\n");
}

static void by_hand(void)
{
    enum { N = 4 };
    static const float x[N] = {3, -1, 2, 4};
    float y[N], mean = 0, square = 0, spread = 0;
    for (int i = 0; i < N; i++) mean += x[i] / N, square += x[i] * x[i] / N;
    for (int i = 0; i < N; i++) spread += (x[i] - mean) * (x[i] - mean) / N;
    printf("1. x = 3, -1, 2, 4\n\n   mean of squares %g, its root %.4f\n   mean %g, mean squared distance from it %g, "
           "its root %.4f\n\n", (double)square, (double)sqrtf(square), (double)mean, (double)spread,
           (double)sqrtf(spread));
    rmsnorm(y, x, NULL, N, 0);
    print("RMSNorm", y, N);
    layernorm(y, x, NULL, NULL, N, 0);
    print("LayerNorm", y, N);
    printf("\n");
}

static void blind(void)
{
    enum { N = 4 };
    static const struct { const char *name; float factor, offset; } rows[] = {
        {"x", 1, 0}, {"10 x", 10, 0}, {"x / 1000", 0.001f, 0}, {"-x", -1, 0}, {"x + 5", 1, 5}};
    printf("2. What they do not see\n\n   %-24s%-36s   LayerNorm\n", "", "    RMSNorm");
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        float x[N] = {3, -1, 2, 4}, r[N], l[N];
        for (int i = 0; i < N; i++) x[i] = rows[k].factor * x[i] + rows[k].offset;
        rmsnorm(r, x, NULL, N, 0);
        layernorm(l, x, NULL, NULL, N, 0);
        printf("   %-24s", rows[k].name);
        for (int i = 0; i < N; i++) printf("%9.4f", (double)r[i]);
        printf("   ");
        for (int i = 0; i < N; i++) printf("%9.4f", (double)l[i]);
        printf("\n");
    }
    printf("\n");
}

/* mean(x^2) - mean^2 in f32: one pass. */
static float shortcut(const float *x, int n)
{
    float sum = 0, squares = 0;
    for (int i = 0; i < n; i++) sum += x[i], squares += x[i] * x[i];
    float mean = sum / (float)n;
    return squares / (float)n - mean * mean;
}

static float two_passes(const float *x, int n)
{
    float sum = 0, squares = 0;
    for (int i = 0; i < n; i++) sum += x[i];
    for (int i = 0; i < n; i++) squares += (x[i] - sum / (float)n) * (x[i] - sum / (float)n);
    return squares / (float)n;
}

static void digits(void)
{
    enum { N = 256 };
    printf("3. Numbers around m that differ from it by +1 or -1: their variance is 1\n\n"
           "          m   two passes   mean(x^2) - mean^2\n");
    for (float m = 1; m < 2e5f; m *= 10) {
        float x[N];
        for (int i = 0; i < N; i++) x[i] = m + (i % 2 ? 1.0f : -1.0f);
        printf("   %8g %12.4f %20.4f\n", (double)m, (double)two_passes(x, N), (double)shortcut(x, N));
    }
    printf("\n");
}

static float length_of(const float *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return (float)sqrt(sum / n);
}

static void depth(void)
{
    enum { D = 64, LAYERS = 64 };
    float with[D], without[D], in[D];
    Rng rng = rng_seed(1);
    for (int i = 0; i < D; i++) with[i] = without[i] = rng_normal(&rng);
    printf("4. Each layer adds W x, W random, to x: root of the mean square of x\n\n"
           "   layers   without a norm   W norm(x)\n");
    for (int layer = 1; layer <= LAYERS; layer++) {
        float add[2][D] = {{0}};
        rmsnorm(in, with, NULL, D, 1e-6f);
        for (int o = 0; o < D; o++)
            for (int i = 0; i < D; i++) {
                float w = rng_normal(&rng) / sqrtf(D);
                add[0][o] += w * without[i];
                add[1][o] += w * in[i];
            }
        for (int i = 0; i < D; i++) without[i] += add[0][i], with[i] += add[1][i];
        if ((layer & (layer - 1)) == 0)
            printf("   %6d %16.3g %11.2f\n", layer, (double)length_of(without, D), (double)length_of(with, D));
    }
    printf("\n");
}

static void race(void)
{
    enum { N = 4096 };
    static float x[N], y[N];
    for (int i = 0; i < N; i++) x[i] = (float)(i % 7) - 3;
    printf("5. %d numbers, every variant\n\n", N);
    for (int k = 0; k < kernels_count(); k++) {
        const KernelRow *row = kernels_row(k);
        bool rms = strcmp(row->op, "rmsnorm") == 0;
        if ((!rms && strcmp(row->op, "layernorm") != 0) || !kernels_usable(row)) continue;
        int64_t best = INT64_MAX;
        for (int round = 0; round < 500; round++) {
            int64_t ns = -clock_ns();
            if (rms) ((rmsnorm_fn *)row->fn)(y, x, NULL, N, 1e-6f);
            else ((layernorm_fn *)row->fn)(y, x, NULL, NULL, N, 1e-6f);
            ns += clock_ns();
            best = ns < best ? ns : best;
        }
        printf("   %-10s %-8s %6.2f us\n", row->op, row->variant, (double)best * 1e-3);
    }
}

int main(int argc, char **argv)
{
    static void (*const parts[])(void) = {by_hand, blind, digits, depth, race};
    Err err;
    int plain = argc > 1 && strcmp(argv[1], "--plain") == 0, only = argc > 1 + plain ? atoi(argv[1 + plain]) : 0;
    layer3_init();
    if (plain) CHECK(kernels_use("scalar", &err) == OK, "%s", err.text);
    for (int i = 0; i < 5 - plain; i++)
        if (!only || only == i + 1) parts[i]();
    return 0;
}
