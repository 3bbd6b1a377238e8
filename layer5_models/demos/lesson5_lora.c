/* lesson5_lora: a matrix changed by two thin ones. 1. Rank one by hand. 2. The same sum in two orders, and what each
 * costs. 3. How many numbers a large model's adapter has. 4. Which inputs notice it at all. */
#include "layer5.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static Arena arena;

static float *normals(Rng *rng, int64_t n)
{
    float *x = ARENA_NEW(&arena, float, n);
    CHECK(x, "no memory for %lld numbers", (long long)n);
    for (int64_t i = 0; i < n; i++) x[i] = rng_normal(rng);
    return x;
}

/* y += s B A x, by the twin that is in use. */
static void add_change(const LowRank *l, float *y, const float *x)
{
    float *scratch = ARENA_NEW(&arena, float, lowrank_scratch_floats(l->n_in, 1, l->rank));
    void *linear_scratch = arena_alloc(&arena, linear_scratch_bytes(l->n_in, 1, 1), 1);
    CHECK(scratch && linear_scratch, "no memory for a product");
    lowrank(NULL, &(LowRankCall){l, y, l->n_out, x, l->n_in, 1, scratch, linear_scratch});
}

/* ---------------------------------------------------------------- 1. by hand */

static void by_hand(void)
{
    static const float w[3][2] = {{1, 2}, {3, 4}, {5, 6}}, a[2] = {1, -1}, b[3] = {2, 0, 10};
    static const float inputs[2][2] = {{3, 1}, {2, 2}};
    Tensor m = tensor_matrix(DT_F32, w, 2, 3);
    LowRank l = {.rank = 1, .n_in = 2, .n_out = 3, .a = a, .b = b, .b_stride = 3, .scale = 0.5f};
    printf("1. A = (1 -1), B = (2 0 10), s = 1/2\n\n          W        s B A    W + s B A\n");
    for (int r = 0; r < 3; r++) {
        float change[2] = {0}, row[2] = {w[r][0], w[r][1]};
        lowrank_row(&l, r, change);
        lowrank_row(&l, r, row);
        printf("       %2g %2g     %3g %3g     %3g %3g\n", (double)w[r][0], (double)w[r][1], (double)change[0],
               (double)change[1], (double)row[0], (double)row[1]);
    }
    for (int i = 0; i < 2; i++) {
        float y[3], was[3];
        void *scratch = arena_alloc(&arena, linear_scratch_bytes(2, 1, 1), 1);
        linear(NULL, scratch, was, &m, NULL, inputs[i], 1);
        memcpy(y, was, sizeof y);
        add_change(&l, y, inputs[i]);
        printf("\n   x = (%g %g)   A x = %2g   y = (%g %g %g), was (%g %g %g)", (double)inputs[i][0], (double)inputs[i][1],
               (double)(inputs[i][0] - inputs[i][1]), (double)y[0], (double)y[1], (double)y[2], (double)was[0],
               (double)was[1], (double)was[2]);
    }
    printf("\n\n");
}

/* ---------------------------------------------------------------- 2. two orders */

static void two_orders(void)
{
    enum { N_IN = 96, N_OUT = 64, R = 4 };
    Rng rng = rng_seed(3);
    Err err;
    LowRank l = {.rank = R, .n_in = N_IN, .n_out = N_OUT, .a = normals(&rng, R * N_IN), .b = normals(&rng, R * N_OUT),
                 .b_stride = N_OUT, .scale = 0.25f};
    const float *x = normals(&rng, N_IN);
    float y[2][N_OUT] = {{0}}, worst = 0, largest = 0;
    static const char *const twins[] = {"lowrank:merged", "lowrank:factored"};
    for (int i = 0; i < 2; i++) {
        CHECK(kernels_use(twins[i], &err) == OK, "%s", err.text);
        add_change(&l, y[i], x);
    }
    for (int o = 0; o < N_OUT; o++) worst = fmaxf(worst, fabsf(y[0][o] - y[1][o])), largest = fmaxf(largest, fabsf(y[0][o]));
    printf("2. A matrix of %d x %d, a change of rank %d, one token\n\n", N_IN, N_OUT, R);
    printf("   (s B A) x    %6d products\n   s B (A x)    %6d products\n", N_IN * N_OUT * (R + 1), R * (N_IN + N_OUT));
    printf("   the results differ by less than a millionth: %s\n\n", worst < 1e-6f * largest ? "yes" : "no");
}

/* ---------------------------------------------------------------- 3. how many numbers */

static void how_many(void)
{
    /* The matrices of a block of Llama 3 8B: width 4096, 8 of 32 heads for keys and values, 14336 in between. */
    static const int64_t shapes[][2] = {{4096, 4096}, {4096, 1024}, {4096, 1024}, {4096, 4096}, {4096, 14336}, {4096, 14336},
                                        {14336, 4096}};
    static const int ranks[] = {1, 4, 16, 64};
    double whole = 0;
    for (int i = 0; i < 7; i++) whole += 32.0 * (double)(shapes[i][0] * shapes[i][1]);
    printf("3. All seven matrices of 32 blocks, %.0f million numbers, and their adapters\n\n   rank   million numbers   share   "
           "MB as F16\n", whole / 1e6);
    for (int k = 0; k < 4; k++) {
        double n = 0;
        for (int i = 0; i < 7; i++) n += 32.0 * ranks[k] * (double)(shapes[i][0] + shapes[i][1]);
        printf("   %4d   %15.1f   %4.2f %%  %9.1f\n", ranks[k], n / 1e6, 100 * n / whole, 2 * n / 1e6);
    }
    printf("\n");
}

/* ---------------------------------------------------------------- 4. who notices */

static double size(const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
    return sqrt(sum);
}

/* x without what the rows of A can see of it; the rows are made orthogonal on the way. */
static void hide(float *x, float *a, int rank, int64_t n)
{
    for (int k = 0; k <= rank; k++) {
        float *row = k < rank ? a + k * n : x;
        for (int j = 0; j < k; j++) vec_axpy(row, -dot_f32(a + j * n, row, n), a + j * n, n);
        if (k < rank) vec_scale(row, (float)(1 / size(row, n)), n);
    }
}

static void who_notices(void)
{
    enum { N = 256 };
    Rng rng = rng_seed(8);
    printf("4. A matrix of %d x %d: how much a change moves y, for an input at random and for one that A does not see\n\n"
           "   rank   at random   not seen   inputs that it leaves alone: dimensions\n", N, N);
    for (int rank = 1; rank <= 64; rank *= 4) {
        LowRank l = {.rank = rank, .n_in = N, .n_out = N, .a = normals(&rng, rank * N), .b = normals(&rng, rank * N),
                     .b_stride = N, .scale = 1.0f / N};
        float *x = normals(&rng, N), *a = normals(&rng, rank * N), y[2][N] = {{0}};
        memcpy(a, l.a, (size_t)(rank * N) * sizeof *a);
        add_change(&l, y[0], x);
        double before = size(y[0], N) / size(x, N);
        hide(x, a, rank, N);
        add_change(&l, y[1], x);
        printf("   %4d   %9.3f   %8.3f   %d of %d\n", rank, before, size(y[1], N) / size(x, N), N - rank, N);
    }
}

int main(void)
{
    layer5_init();
    by_hand();
    two_orders();
    how_many();
    who_notices();
    arena_close(&arena);
    return 0;
}
