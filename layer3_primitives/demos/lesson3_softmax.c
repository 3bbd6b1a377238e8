/* lesson3_softmax: three scores by hand, what the maximum is for, the sum in one pass, temperature,
 * and the price of an exponential. With --plain the times are left out; --plain 2 prints part 2 alone. */
#include "layer3.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static softmax_fn *variant(const char *name)
{
    return (softmax_fn *)kernels_find("softmax", name)->fn;
}

static void by_hand(void)
{
    float x[3] = {1.0f, 2.0f, 4.0f}, sum = 0.0f, m = 4.0f;
    printf("1. By hand: m = %g\n\n   score   score - m   exp(score - m)   divided by the sum\n", m);
    for (int i = 0; i < 3; i++) sum += expf(x[i] - m);
    for (int i = 0; i < 3; i++)
        printf("   %5g   %9g   %14.4f   %18.4f\n", x[i], x[i] - m, expf(x[i] - m),
               expf(x[i] - m) / sum);
    printf("                       sum %10.4f\n\n", sum);
}

/* The formula as it stands in books, without the maximum. */
static void softmax_naive(float *x, int n)
{
    float sum = 0.0f;
    for (int i = 0; i < n; i++) sum += x[i] = expf(x[i]);
    for (int i = 0; i < n; i++) x[i] /= sum;
}

static void overflow(void)
{
    printf("2. Without the maximum: the largest f32 is 3.4e38, which is e^88.7\n\n"
           "              scores   exp(largest)      plain formula       softmax\n");
    static const int lowest[4] = {0, 9, 87, 999};
    for (int row = 0; row < 4; row++) {
        float a[3], b[3];
        for (int i = 0; i < 3; i++) a[i] = b[i] = (float)(lowest[row] + i);
        float largest = expf(a[2]);
        printf("   %5g %5g %5g   %12.3g  ", a[0], a[1], a[2], largest);
        softmax_naive(a, 3);
        variant("two_pass")(b, 3);
        /* The sign of a NaN depends on the machine; fabsf removes it. */
        for (int i = 0; i < 3; i++) printf(" %5.3f", fabsf(a[i]));
        printf("   %.3f %.3f %.3f\n%s", b[0], b[1], b[2], row == 3 ? "\n" : "");
    }
}

static void online(void)
{
    static const float x[8] = {1, 2, 1, 4, 3, 3, 5, 0};
    float m = -FLT_MAX, sum = 0.0f, direct = 0.0f;
    printf("3. Online: maximum and sum in one reading of 8 scores\n\n"
           "   score   maximum   sum corrected by   sum (relative to this maximum)\n");
    for (int i = 0; i < 8; i++) {
        float factor = x[i] > m ? expf(m - x[i]) : 1.0f;
        if (x[i] > m) m = x[i];
        sum = sum * factor + expf(x[i] - m);
        printf("   %5g   %7g   %16.4f   %8.4f\n", x[i], m, factor, sum);
    }
    for (int i = 0; i < 8; i++) direct += expf(x[i] - m);
    printf("   in two passes:                          %8.4f\n\n", direct);
}

static void temperature(void)
{
    static const char *words[5] = {"mat", "sofa", "roof", "moon", "idea"};
    static const float scores[5] = {3.0f, 2.2f, 1.5f, 0.4f, -1.0f};
    static const float temps[3] = {0.5f, 1.0f, 2.0f};
    printf("4. Temperature: \"the cat sat on the ...\", scores divided by T\n\n");
    for (int t = 0; t < 3; t++) {
        float p[5];
        for (int i = 0; i < 5; i++) p[i] = scores[i] / temps[t];
        variant("two_pass")(p, 5);
        printf("   T = %g\n", temps[t]);
        for (int i = 0; i < 5; i++) {
            printf("      %-5s%6.3f", words[i], p[i]);
            for (int bar = 0; bar < (int)(p[i] * 50.0f + 0.5f); bar++) printf(bar ? "█" : " █");
            printf("\n");
        }
    }
    printf("\n");
}

static void race(void)
{
    enum { N = 4096 };
    static float x[N];
    double first = 0.0;
    printf("5. The same row of %d scores in every variant\n\n", N);
    for (int k = 0; k < kernels_count(); k++) {
        const KernelRow *row = kernels_row(k);
        if (strcmp(row->op, "softmax") != 0 || !kernels_usable(row)) continue;
        int64_t best = INT64_MAX;
        for (int round = 0; round < 200; round++) {
            for (int i = 0; i < N; i++) x[i] = (float)(i * 37 % 101) * 0.1f;
            int64_t start = clock_ns();
            ((softmax_fn *)row->fn)(x, N);
            int64_t ns = clock_ns() - start;
            if (ns < best) best = ns;
        }
        if (first == 0.0) first = (double)best;
        printf("   %-8s %7.2f ns per score   %5.1f x\n", row->variant, (double)best / N,
               first / (double)best);
    }
}

int main(int argc, char **argv)
{
    static void (*const parts[])(void) = {by_hand, overflow, online, temperature, race};
    int plain = argc > 1 && strcmp(argv[1], "--plain") == 0, only = argc > 2 ? atoi(argv[2]) : 0;
    layer3_init();
    for (int i = 0; i < 5 - plain; i++)
        if (!only || only == i + 1) parts[i]();
    return 0;
}
