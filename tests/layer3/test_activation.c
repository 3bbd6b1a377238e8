/* test_activation.c: every variant of every activation against double precision and its limits. */
#include "twins.h"

#include "layer3.h"

/* Half the distance between 1 and the next f32: the error of one rounding. */
#define U (FLT_EPSILON / 2)

static double logistic(double x) { return 1.0 / (1.0 + exp(-x)); }
static double silu_f64(double x) { return x * logistic(x); }
static double quick_f64(double x) { return x * logistic((double)1.702f * x); }
static double tanh_f64(double x)
{
    return x * logistic(2.0 * sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x));
}
static double erf_f64(double x) { return 0.5 * x * erfc(-x * M_SQRT1_2); }
static double relu_f64(double x) { return x < 0.0 ? 0.0 : x; }
static double relu2_f64(double x) { return x < 0.0 ? 0.0 : x * x; }

/* Where the exponential overflows, results below 3e-37 become 0. */
#define FADES 3e-37

/* The exponent a x is off by one rounding (two for 1.702 x), the rest by 8. */
static double tol_logistic(double x, double y) { return fabs(y) * U * (4.0 * fabs(x) + 8.0) + FADES; }
/* The gate is off by 5 roundings of 1, whatever its size: in the plain form 1 + tanh u (or 1 + erf)
 * loses the small digits of the gate, in the fast form the argument's rounding costs as much. */
static double tol_gate(double x, double y) { return U * (6.0 * fabs(x) + 2.0 * fabs(y)) + FADES; }
static double tol_none(double x, double y) { return 0.0 * x + U * fabs(y); }

typedef struct {
    const char *op;
    ActKind kind;
    double (*f64)(double);
    double (*tol)(double x, double y);
    float at[5]; /* values at -2, -0.5, 0, 1, 3, computed apart to 7 digits */
} Act;

static const Act acts[] = {
    {"silu", ACT_SILU, silu_f64, tol_logistic,
     {-0.2384058f, -0.1887703f, 0.0f, 0.7310586f, 2.8577224f}},
    {"gelu_quick", ACT_GELU_QUICK, quick_f64, tol_logistic,
     {-0.0643414f, -0.1496116f, 0.0f, 0.8457958f, 2.9819287f}},
    {"gelu_tanh", ACT_GELU_TANH, tanh_f64, tol_gate,
     {-0.0454023f, -0.1542860f, 0.0f, 0.8411920f, 2.9963626f}},
    {"gelu_erf", ACT_GELU_ERF, erf_f64, tol_gate,
     {-0.0455003f, -0.1542688f, 0.0f, 0.8413447f, 2.9959503f}},
    {"relu", ACT_RELU, relu_f64, tol_none, {0.0f, 0.0f, 0.0f, 1.0f, 3.0f}},
    {"relu2", ACT_RELU2, relu2_f64, tol_none, {0.0f, 0.0f, 0.0f, 1.0f, 9.0f}},
};
enum { N_ACTS = sizeof acts / sizeof *acts };

static void known_values(const KernelRow *row, void *ctx)
{
    const Act *act = ctx;
    float x[5] = {-2.0f, -0.5f, 0.0f, 1.0f, 3.0f};
    ((act_fn *)row->fn)(x, 5);
    for (int i = 0; i < 5; i++)
        assert_near(x[i], act->at[i], 1.2e-7 + 1e-7 * fabs(act->at[i]), act->op, row->variant, i);
}

static void tabulated_values(void **state)
{
    (void)state;
    for (int a = 0; a < N_ACTS; a++) twins_for_each(acts[a].op, known_values, (void *)&acts[a]);
}

static void near_f64(const KernelRow *row, void *ctx)
{
    const Act *act = ctx;
    Rng rng = rng_seed(41);
    static float was[4096];
    for (int s = 0; s < TWIN_SIZES; s++)
        for (int offset = 0; offset < TWIN_OFFSETS; offset++) {
            int64_t n = twin_size(s);
            TwinBuf b = twin_buf(n, 4, offset);
            float *x = b.data;
            for (int64_t i = 0; i < n; i++) was[i] = x[i] = 6.0f * rng_normal(&rng);
            ((act_fn *)row->fn)(x, n);
            for (int64_t i = 0; i < n; i++) {
                double want = act->f64(was[i]);
                assert_near(x[i], (float)want, act->tol(was[i], want), act->op, row->variant, i);
            }
            twin_free(b);
        }
}

/* Every 1/64 from -120 to 120: where exponentials fade and overflow too. */
static void near_f64_on_a_grid(const KernelRow *row, void *ctx)
{
    const Act *act = ctx;
    static float x[240 * 64 + 1];
    int n = (int)(sizeof x / sizeof *x);
    for (int i = 0; i < n; i++) x[i] = (float)(i - n / 2) / 64.0f;
    ((act_fn *)row->fn)(x, n);
    for (int i = 0; i < n; i++) {
        double was = (i - n / 2) / 64.0, want = act->f64(was);
        assert_near(x[i], (float)want, act->tol(was, want), act->op, row->variant, i);
    }
}

static void every_variant_agrees_with_double_precision(void **state)
{
    (void)state;
    for (int a = 0; a < N_ACTS; a++) {
        twins_for_each(acts[a].op, near_f64, (void *)&acts[a]);
        twins_for_each(acts[a].op, near_f64_on_a_grid, (void *)&acts[a]);
    }
}

/* Each special value stands at every place of a register and of a tail. */
static void special_values(const KernelRow *row, void *ctx)
{
    const Act *act = ctx;
    bool square = act->kind == ACT_RELU2;
    for (int at = 0; at < 37; at++) {
        static const float in[] = {INFINITY, -INFINITY, NAN, FLT_MAX, -FLT_MAX, 1e-40f, -1e-40f, -0.0f};
        for (int k = 0; k < 8; k++) {
            float x[37];
            for (int i = 0; i < 37; i++) x[i] = i == at ? in[k] : 1.0f;
            ((act_fn *)row->fn)(x, 37);
            float want = (float)act->f64(in[k]);
            if (k == 0) want = INFINITY;
            if (k == 1 || k == 4 || k == 7) want = 0.0f;
            if (k == 3) want = square ? INFINITY : FLT_MAX;
            assert_near(x[at], want, 4.0 * (double)FLT_TRUE_MIN, act->op, row->variant, k);
            assert_near(x[(at + 1) % 37], act->at[3], 2.5e-7, "neighbour", row->variant, k);
        }
    }
}

static void infinities_give_limits_and_nan_stays(void **state)
{
    (void)state;
    for (int a = 0; a < N_ACTS; a++) twins_for_each(acts[a].op, special_values, (void *)&acts[a]);
}

static void relu_variants_have_equal_bits(const KernelRow *row, void *ctx)
{
    act_fn *scalar = ctx;
    Rng rng = rng_seed(42);
    float x[203], y[203];
    twin_normals(&rng, x, 203);
    twin_awkward(&rng, x, 203);
    memcpy(y, x, sizeof x);
    scalar(x, 203);
    ((act_fn *)row->fn)(y, 203);
    assert_same_f32(y, x, 203, row->op, row->variant);
}

static void relu_is_exact(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        const char *op = k ? "relu2" : "relu";
        twins_for_each(op, relu_variants_have_equal_bits, (void *)kernels_find(op, "scalar")->fn);
    }
}

static void gated_near_f64(const KernelRow *row, void *ctx)
{
    (void)ctx;
    Rng rng = rng_seed(43);
    static float was[4096];
    for (int s = 0; s < TWIN_SIZES; s++)
        for (int offset = 0; offset < TWIN_OFFSETS; offset++) {
            int64_t n = twin_size(s);
            TwinBuf bg = twin_buf(n, 4, offset), bu = twin_buf(n, 4, 3 - offset);
            float *gate = bg.data, *up = bu.data;
            twin_normals(&rng, gate, n);
            twin_normals(&rng, up, n);
            memcpy(was, gate, (size_t)n * 4);
            ((act_gated_fn *)row->fn)(gate, up, n);
            for (int64_t i = 0; i < n; i++) {
                double silu_was = silu_f64(was[i]), want = silu_was * up[i];
                double tol = tol_logistic(was[i], silu_was) * fabs(up[i]) + U * fabs(want);
                assert_near(gate[i], (float)want, tol, "swiglu", row->variant, i);
            }
            twin_free(bg);
            twin_free(bu);
        }
}

static void swiglu_is_silu_of_gate_times_up(void **state)
{
    (void)state;
    twins_for_each("swiglu", gated_near_f64, NULL);
}

/* ln(1 + e^x): the exponential is off by 4 roundings, the logarithm by as many. */
static void softplus_near_f64(const KernelRow *row, void *ctx)
{
    (void)ctx;
    static float x[240 * 64 + 1];
    act_fn *fn = (act_fn *)row->fn;
    int n = (int)(sizeof x / sizeof *x);
    for (int i = 0; i < n; i++) x[i] = (float)(i - n / 2) / 64.0f;
    fn(x, n);
    for (int i = 0; i < n; i++) {
        double was = (i - n / 2) / 64.0, want = was > 30 ? was : log1p(exp(was));
        assert_near(x[i], (float)want, 8 * U * want + FADES, "softplus", row->variant, i);
    }
    for (int64_t k = 0; k < 40; k++) { /* every tail, nothing beyond it */
        TwinBuf b = twin_buf(k, 4, (int)(k % TWIN_OFFSETS));
        float *y = b.data;
        for (int64_t i = 0; i < k; i++) y[i] = i % 2 ? 3.0f : -2.0f;
        fn(y, k);
        for (int64_t i = 0; i < k; i++)
            assert_near(y[i], i % 2 ? 3.0485874f : 0.1269280f, 3e-7, "softplus", row->variant, i);
        twin_free(b);
    }
    float ends[] = {INFINITY, -INFINITY, NAN, FLT_MAX, -FLT_MAX, 0.0f};
    const float want[] = {INFINITY, 0.0f, NAN, FLT_MAX, 0.0f, 0.6931472f};
    fn(ends, 6);
    for (int i = 0; i < 6; i++)
        assert_near(ends[i], want[i], 1e-7, "softplus at its ends", row->variant, i);
}

static void softplus_is_the_logarithm_of_1_plus_exp(void **state)
{
    (void)state;
    twins_for_each("softplus", softplus_near_f64, NULL);
}

static void kinds_reach_their_functions(void **state)
{
    (void)state;
    for (int a = 0; a < N_ACTS; a++) {
        assert_string_equal(act_name(acts[a].kind), acts[a].op);
        float x[5] = {-2.0f, -0.5f, 0.0f, 1.0f, 3.0f}, gate[5];
        static const float up[5] = {2.0f, -4.0f, 8.0f, 0.5f, -1.0f}; /* exact factors */
        memcpy(gate, x, sizeof x);
        act_apply(acts[a].kind, x, 5);
        act_gated(acts[a].kind, gate, up, 5);
        for (int i = 0; i < 5; i++) {
            assert_near(x[i], acts[a].at[i], 4e-7, "act_apply", acts[a].op, i);
            assert_near(gate[i], x[i] * up[i], 0.0, "act_gated", acts[a].op, i);
        }
    }
}

int main(void)
{
    layer3_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tabulated_values),
        cmocka_unit_test(every_variant_agrees_with_double_precision),
        cmocka_unit_test(infinities_give_limits_and_nan_stays),
        cmocka_unit_test(relu_is_exact),
        cmocka_unit_test(swiglu_is_silu_of_gate_times_up),
        cmocka_unit_test(softplus_is_the_logarithm_of_1_plus_exp),
        cmocka_unit_test(kinds_reach_their_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
