/* test_conv1d.c: a causal convolution with a memory: every variant, every cut of a sequence into calls. */
#include "twins.h"

#include "layer3.h"

enum { MAX_TOK = 12, MAX_TAPS = 5 };

/* Two channels, three taps, by hand: y_t = 10 + 1 x_{t-2} + 2 x_{t-1} + 3 x_t for the first. */
static void by_hand(const KernelRow *row, void *ctx)
{
    (void)ctx;
    const float w[] = {1, 0, 2, 0, 3, -1}, bias[] = {10, 0.5f}, x[] = {1, 7, 2, 8, 4, 9};
    float y[6], window[4] = {0};
    Conv1dArgs a = {.y = y, .x = x, .y_stride = 2, .x_stride = 2, .window = window, .w = w, .bias = bias,
                    .n_chan = 2, .n_tok = 3, .d_conv = 3};
    ((conv1d_fn *)row->fn)(&a, 0, 2);
    const float want[] = {13, -6.5f, 18, -7.5f, 27, -8.5f}, left[] = {2, 8, 4, 9};
    assert_same_f32(y, want, 6, "by hand", row->variant);
    assert_same_f32(window, left, 4, "window", row->variant);
}

static void a_small_case_by_hand(void **state)
{
    (void)state;
    twins_for_each("conv1d", by_hand, NULL);
}

/* All tokens at once with the naive twin; then this variant in calls of 1, 2, 3 ... tokens, channels in
 * two parts: the same bits, in buffers without a byte to spare. */
static void cuts(const KernelRow *row, void *ctx)
{
    (void)ctx;
    Rng rng = rng_seed(3);
    conv1d_fn *fn = (conv1d_fn *)row->fn;
    for (int64_t n = 1; n <= 67; n += n < 20 ? 1 : 7)
        for (int K = 1; K <= MAX_TAPS; K++)
            for (int64_t step = 1; step <= MAX_TOK; step += 2) {
                TwinBuf b[6];
                const int64_t sizes[6] = {MAX_TOK * n, MAX_TOK * n, K * n, n, (K - 1) * n, MAX_TOK * n};
                for (int i = 0; i < 6; i++) b[i] = twin_buf(sizes[i], 4, i % TWIN_OFFSETS);
                float *x = b[0].data, *y = b[1].data, *w = b[2].data, *bias = b[3].data;
                float *window = b[4].data, *want = b[5].data;
                twin_normals(&rng, x, MAX_TOK * n);
                twin_normals(&rng, w, K * n);
                twin_normals(&rng, bias, n);
                if (K > 1) memset(window, 0, (size_t)sizes[4] * 4);
                Conv1dArgs a = {.y = want, .x = x, .y_stride = n, .x_stride = n, .window = window, .w = w,
                                .bias = step == 1 ? NULL : bias, .n_chan = n, .n_tok = MAX_TOK, .d_conv = K};
                ((conv1d_fn *)kernels_find("conv1d", "scalar")->fn)(&a, 0, n);
                if (K > 1) memset(window, 0, (size_t)sizes[4] * 4);
                for (int64_t t = 0; t < MAX_TOK; t += step) {
                    a.n_tok = t + step < MAX_TOK ? step : MAX_TOK - t;
                    a.x = x + t * n;
                    a.y = y + t * n;
                    fn(&a, 0, n / 3);
                    fn(&a, n / 3, n);
                }
                assert_same_f32(y, want, MAX_TOK * n, "cut", row->variant);
                /* The window is what comes last, whatever the cut. */
                assert_same_f32(window, x + (MAX_TOK - K + 1) * n, (K - 1) * n, "window", row->variant);
                for (int i = 0; i < 6; i++) twin_free(b[i]);
            }
}

static void a_sequence_may_be_cut_anywhere(void **state)
{
    (void)state;
    twins_for_each("conv1d", cuts, NULL);
}

int main(void)
{
    layer3_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_case_by_hand),
        cmocka_unit_test(a_sequence_may_be_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
