/* lesson4_ssm: a memory of fixed size. 1. A channel with one number, by hand: what a large step does and
 * what a small one. 2. The same recurrence as a triangle of weights, beside attention's. 3. Bytes of both
 * memories against the length of the text. 4. Token by token against chunks: the same result, the times.
 * --plain: no times, and the plain twins only; --plain 2: part 2 alone. */
#include "layer4.h"

#include "scan.h"
#include "scanstate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool plain;

/* ---------------------------------------------------------------- 1. by hand */

static void by_hand(void)
{
    enum { T = 7 };
    static const float x[T] = {5, 1, -2, 3, 8, 1, -1}, dt[T] = {1, 0.05f, 0.05f, 0.05f, 1, 0.05f, 0.05f};
    static const float one[T] = {1, 1, 1, 1, 1, 1, 1}, a = -2, d = 0;
    float h = 0, y;
    printf("1. One channel with one number h; a = -2, B = C = 1, d = 0\n\n"
           "    x_t    dt   keep = e^(dt a)   keep h   write = dt x      h = y\n");
    for (int t = 0; t < T; t++) {
        float before = h, keep = expf(dt[t] * a);
        ScanArgs s = {.y = &y, .x = &x[t], .dt = &dt[t], .b = one, .c = one, .a = &a, .d = &d, .h = &h,
                      .x_stride = 1, .bc_stride = 1, .d_inner = 1, .n_tok = 1, .d_state = 1};
        scan_channels(&s, 0, 1);
        printf("   %4g %5g %17.3f %8.3f %14.3f %10.3f\n", (double)x[t], (double)dt[t], (double)keep,
               (double)(keep * before), (double)(dt[t] * x[t]), (double)y);
    }
    printf("\n");
}

/* ---------------------------------------------------------------- 2. as a triangle */

enum { T = 8, S = 4 };
static float b[T * S], c[T * S], step[T], rate = -1, skip = 0;

static void scan(float *y, const float *x)
{
    float h[S] = {0};
    ScanArgs s = {.y = y, .x = x, .dt = step, .b = b, .c = c, .a = &rate, .d = &skip, .h = h, .x_stride = 1,
                  .bc_stride = S, .d_inner = 1, .n_tok = T, .d_state = S, .n_head = 1, .n_group = 1};
    scan_heads(&s, 0, 1);
}

static void triangle(void)
{
    Rng rng = rng_seed(4);
    float m[T][T], x[T], y[T], L[T], far = 0;
    for (int i = 0; i < T * S; i++) b[i] = rng_normal(&rng), c[i] = rng_normal(&rng);
    for (int t = 0; t < T; t++) step[t] = t == 4 ? 3 : 0.2f, x[t] = rng_normal(&rng);
    /* The scan is linear in x: a one at j shows everybody's weight for j. */
    for (int j = 0; j < T; j++) {
        float unit[T] = {0}, column[T];
        unit[j] = 1;
        scan(column, unit);
        for (int t = 0; t < T; t++) m[t][j] = column[t];
    }
    printf("2. A head with four numbers, eight tokens: weight of token j in result t\n\n    t\\j");
    for (int j = 0; j < T; j++) printf("%8d", j);
    printf("      dt_t\n");
    scan(y, x);
    for (int t = 0; t < T; t++) {
        float sum = 0, direct;
        L[t] = (t ? L[t - 1] : 0) + step[t] * rate;
        printf("   %4d", t);
        for (int j = 0; j < T; j++) {
            direct = dot_f32(c + t * S, b + j * S, S) * expf(L[t] - L[j]) * step[j];
            if (j <= t) far = fmaxf(far, fabsf(direct - m[t][j]));
            if (j > t) printf("       .");
            else printf("%8.3f", (double)m[t][j]);
            sum += m[t][j] * x[j];
        }
        far = fmaxf(far, fabsf(sum - y[t]));
        printf("  %8g\n", (double)step[t]);
    }
    printf("\n   (C_t . B_j) e^(L_t - L_j) dt_j is the same%s\n\n", far < 1e-5f ? "" : ": NO, something is wrong");
}

/* ---------------------------------------------------------------- 3. bytes */

static void bytes(void)
{
    /* Mamba 130M and a transformer of its width: 24 layers of 1536 channels with 16 numbers; 12 of 768. */
    SsmSpec m = {.kind = SSM_CHANNELS, .d_conv = 4, .d_state = 16, .d_inner = 1536, .dt_rank = 48};
    ScanState state = scan_flat(NULL, &m);
    printf("3. Bytes that a text of T tokens leaves behind\n\n"
           "         T      attention, 12 layers of 768 in 16 bits    scan, 24 layers of 1536 x 16 in 32\n");
    for (int64_t t = 1; t <= 1 << 16; t *= 16)
        printf("   %7lld %25lld %44lld\n", (long long)t, (long long)(12 * 2 * 768 * 2 * t),
               (long long)(24 * 4 * state.n_floats));
    printf("\n");
}

/* ---------------------------------------------------------------- 4. chunks */

typedef struct { const char *name; float y[256 * 64]; double ns; } Run;

static void timed(Run *r, ScanArgs s, float *h, int64_t n_h)
{
    char choice[64];
    Err err;
    snprintf(choice, sizeof choice, "scan_heads:%s", r->name);
    if (kernels_use(choice, &err) != OK) return;
    s.y = r->y;
    for (int i = 0; i < 7; i++) {
        memset(h, 0, (size_t)n_h * sizeof *h);
        int64_t start = clock_ns();
        scan_heads(&s, 0, s.n_head);
        double ns = (double)(clock_ns() - start);
        if (i == 0 || ns < r->ns) r->ns = ns;
    }
}

static void chunks(void)
{
    enum { N = 256, D = 64, STATE = 64 };
    static Run runs[] = {{.name = "sequential"}, {.name = "chunked"}, {.name = "neon"}, {.name = "avx2"},
                         {.name = "avx512"}};
    static float x[N * D], dt[N], bc[2 * N * STATE], h[STATE * D];
    float a = -1, d = 1, far[5] = {0}, largest = 0;
    Rng rng = rng_seed(1);
    for (int i = 0; i < N * D; i++) x[i] = rng_normal(&rng);
    for (int i = 0; i < 2 * N * STATE; i++) bc[i] = rng_normal(&rng);
    for (int i = 0; i < N; i++) dt[i] = 0.05f + 0.2f * rng_f32(&rng);
    ScanArgs s = {.x = x, .dt = dt, .b = bc, .c = bc + STATE, .a = &a, .d = &d, .h = h, .x_stride = D,
                  .bc_stride = 2 * STATE, .d_inner = D, .n_tok = N, .d_state = STATE, .n_head = 1, .n_group = 1};
    printf("4. A head of %d channels with %d numbers each, %d tokens, chunks of %d\n\n", D, STATE, N, SCAN_CHUNK);
    for (int k = 0; k < 5; k++) {
        if (plain && k > 1) continue;
        timed(&runs[k], s, h, STATE * D);
        if (runs[k].ns == 0) continue;
        for (int i = 0; i < N * D; i++) {
            largest = fmaxf(largest, fabsf(runs[0].y[i]));
            far[k] = fmaxf(far[k], fabsf(runs[k].y[i] - runs[0].y[i]));
        }
        printf("   %-11s differs by at most %s of the largest result", runs[k].name,
               far[k] == 0 ? "0" : far[k] < 1e-5f * largest ? "1e-5" : "MORE than 1e-5");
        if (!plain) printf("   %8.1f us", runs[k].ns * 1e-3);
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    static void (*const parts[])(void) = {by_hand, triangle, bytes, chunks};
    Err err;
    plain = argc > 1 && strcmp(argv[1], "--plain") == 0;
    int only = argc > 1 + plain ? atoi(argv[1 + plain]) : 0;
    layer4_init();
    if (plain) CHECK(kernels_use("scalar,scan_heads:sequential,scan_channels:sequential", &err) == OK, "%s", err.text);
    for (int i = 0; i < 4; i++)
        if (!only || only == i + 1) parts[i]();
    return 0;
}
