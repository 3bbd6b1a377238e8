/* lesson4_moe: a layer of experts. 1. Who goes where, by hand: one token, five experts, four kinds of router.
 * 2. Twelve tokens: the choices as a table, and the same sorted by expert. 3. How many experts a batch needs,
 * and so how many weights are read for each token. 4. Both twins: the same result, and the times.
 * --plain: no times; --plain 2: part 2 alone. */
#include "layer4.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool plain;
static Arena arena;

/* ---------------------------------------------------------------- 1. by hand */

static void route(const char *name, const MoeSpec *s, const float *z, const float *bias)
{
    int ids[5];
    float w[5];
    moe_route(s, z, bias, ids, w);
    printf("   %-44s", name);
    for (int k = 0; k < s->n_used; k++) printf("  expert %d: %.3f", ids[k], (double)w[k]);
    printf("\n");
}

static void by_hand(void)
{
    static const float z[5] = {2, 0.5f, 1, -1, 1.5f}, bias[5] = {-0.5f, 0, 0, 0.9f, 0};
    MoeSpec s = {.n_expert = 5, .n_used = 2, .gating = MOE_SOFTMAX};
    printf("1. A token's scores for five experts: 2, 0.5, 1, -1, 1.5; two are used\n\n");
    route("softmax of all, the two largest", &s, z, NULL);
    s.normalise = true;
    route("the same, made to add up to 1", &s, z, NULL);
    s.gating = MOE_SOFTMAX_CHOSEN, s.normalise = false;
    route("the two largest, softmax of those", &s, z, NULL);
    s.gating = MOE_SIGMOID;
    route("a sigmoid each", &s, z, NULL);
    route("the same, idle expert 3 favoured, 0 not", &s, z, bias);
    printf("\n");
}

/* ---------------------------------------------------------------- 2. sorting */

static void sorted(void)
{
    enum { T = 12, X = 6, USED = 2 };
    MoeSpec s = {.n_expert = X, .n_used = USED, .gating = MOE_SOFTMAX, .normalise = true};
    Rng rng = rng_seed(5);
    int ids[T][USED], n[X] = {0};
    printf("2. Twelve tokens, six experts, two for each token\n\n   token  ");
    for (int t = 0; t < T; t++) {
        float z[X], w[USED];
        for (int e = 0; e < X; e++) z[e] = rng_normal(&rng);
        moe_route(&s, z, NULL, ids[t], w);
        printf("%5d", t);
    }
    printf("\n   experts");
    for (int t = 0; t < T; t++) printf("%3d,%d", ids[t][0], ids[t][1]);
    printf("\n\n");
    for (int e = 0; e < X; e++) {
        printf("   expert %d: tokens", e);
        for (int t = 0; t < T; t++)
            for (int k = 0; k < USED; k++)
                if (ids[t][k] == e) printf(" %d", t), n[e]++;
        printf("\n");
    }
    int met = 0;
    for (int e = 0; e < X; e++) met += n[e] > 0;
    printf("\n   matrices read: token by token %d times an expert's, grouped %d times\n\n", T * USED, met);
}

/* ---------------------------------------------------------------- 3. batches */

static void batches(void)
{
    static const struct { const char *name; int n_expert, n_used; } models[] = {
        {"8 experts, 2 used", 8, 2}, {"64 experts, 6 used", 64, 6}, {"128 experts, 8 used", 128, 8}};
    printf("3. Share of all experts that a batch needs (if all are equally likely), and experts read per token\n\n"
           "   tokens at once");
    for (int i = 0; i < 3; i++) printf("%24s", models[i].name);
    printf("\n");
    for (int t = 1; t <= 512; t = t == 1 ? 8 : 8 * t) {
        printf("   %14d", t);
        for (int i = 0; i < 3; i++) {
            double x = models[i].n_expert, p = 1 - pow(1 - models[i].n_used / x, t);
            printf("%13.0f %% %8.2f", 100 * p, p * x / t);
        }
        printf("\n");
    }
    printf("\n");
}

/* ---------------------------------------------------------------- 4. twins */

enum { D = 256, F = 256, X = 8, USED = 2, T = 128 };

static float *normals(Rng *rng, int64_t n, float size)
{
    float *x = arena_alloc(&arena, n * (int64_t)sizeof *x, 64);
    CHECK(x, "no memory for %lld numbers", (long long)n);
    for (int64_t i = 0; i < n; i++) x[i] = size * rng_normal(rng);
    return x;
}

static Experts experts(Rng *rng, int64_t n_in, int64_t n_out)
{
    Experts e = {.w = tensor_matrix(DT_F32, normals(rng, n_in * n_out * X, 0.06f), n_in, n_out)};
    e.w.ne[2] = X;
    e.w.nb[3] = e.w.nb[2] * X;
    return e;
}

static double timed(const char *variant, MoeCall c, float *y)
{
    char choice[32];
    Err err;
    double best = INFINITY;
    snprintf(choice, sizeof choice, "moe:%s", variant);
    CHECK(kernels_use(choice, &err) == OK, "%s", err.text);
    c.y = y;
    for (int i = 0; i < 5; i++) {
        int64_t start = clock_ns();
        moe(&c);
        best = fmin(best, (double)(clock_ns() - start));
    }
    return best * 1e-3;
}

static void twins(void)
{
    static float y[2][T * D];
    Rng rng = rng_seed(9);
    BlockSpec s = {.d_model = D, .d_ff = F, .gated = true, .act = ACT_SILU,
                   .moe = {.n_expert = X, .n_used = USED, .normalise = true, .d_ff = F}};
    BlockWeights w = {.moe = {.gate = experts(&rng, D, F), .up = experts(&rng, D, F), .down = experts(&rng, F, D)}};
    w.moe.router.w = tensor_matrix(DT_F32, normals(&rng, D * X, 0.06f), D, X);
    MoeCall c = {.s = &s, .w = &w, .x = normals(&rng, T * D, 1)};
    c.scratch = arena_alloc(&arena, moe_scratch_bytes(&s, T, 1), 64);
    printf("4. Both twins, %d experts of %d x %d, %d for each token\n\n", X, D, F, USED);
    for (c.n_tok = 1; c.n_tok <= T; c.n_tok *= T) {
        double us[2] = {timed("by_token", c, y[0]), timed("grouped", c, y[1])};
        float far = 0, largest = 0;
        for (int64_t i = 0; i < c.n_tok * D; i++) {
            far = fmaxf(far, fabsf(y[0][i] - y[1][i]));
            largest = fmaxf(largest, fabsf(y[0][i]));
        }
        printf("   %3lld tokens: %s", (long long)c.n_tok, far <= 1e-5f * largest ? "the same" : "NOT the same");
        if (!plain) printf("   by token %9.1f us   grouped %9.1f us   %4.1f times", us[0], us[1], us[0] / us[1]);
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    static void (*const parts[])(void) = {by_hand, sorted, batches, twins};
    Err err;
    plain = argc > 1 && strcmp(argv[1], "--plain") == 0;
    int only = argc > 1 + plain ? atoi(argv[1 + plain]) : 0;
    layer4_init();
    if (plain) CHECK(kernels_use("scalar", &err) == OK, "%s", err.text);
    for (int i = 0; i < 4; i++)
        if (!only || only == i + 1) parts[i]();
    arena_close(&arena);
    return 0;
}
