/* test_scan.c: both recurrences, every variant against the formula in double precision, every cut into
 * calls; and the state that is saved, brought back and copied. */
#include "twins.h"

#include "layer4.h"
#include "must.h"

/* Sizes of one case; n_head 0: scan_channels. */
typedef struct { int64_t d_inner, n_tok; int d_state, n_head, n_group; double decay; } Shape;

typedef struct {
    Shape k;
    TwinBuf b[9];
    ScanArgs a;
    double *y, *h; /* the formula's */
} Case;

static int64_t groups(const Shape *k) { return k->n_head ? k->n_group : 1; }

/* The formula, state included. */
static void reference(Case *c)
{
    const Shape *k = &c->k;
    const ScanArgs *a = &c->a;
    int64_t S = k->d_state, width = k->n_head ? k->d_inner / k->n_head : 1;
    for (int64_t t = 0; t < k->n_tok; t++)
        for (int64_t i = 0; i < k->d_inner; i++) {
            int64_t head = i / width, group = k->n_head ? head / (k->n_head / k->n_group) : 0;
            double dt = a->dt[k->n_head ? t * k->n_head + head : t * k->d_inner + i];
            double x = a->x[t * a->x_stride + i], y = a->d[head] * x;
            for (int64_t s = 0; s < S; s++) {
                int64_t at = k->n_head ? (head * S + s) * width + i % width : s * k->d_inner + i;
                double rate = a->a[k->n_head ? head : s * k->d_inner + i];
                c->h[at] = exp(dt * rate) * c->h[at] +
                           dt * a->b[t * a->bc_stride + group * S + s] * x;
                y += a->c[t * a->bc_stride + group * S + s] * c->h[at];
            }
            c->y[t * k->d_inner + i] = y;
        }
}

static Case make(const Shape *k, uint64_t seed)
{
    Case c = {.k = *k};
    Rng rng = rng_seed(seed);
    int64_t S = k->d_state, n = k->d_inner, T = k->n_tok, heads = k->n_head ? k->n_head : n;
    int64_t bc = groups(k) * S, rates = k->n_head ? heads : n * S;
    const int64_t sizes[9] = {T * n, T * (n + 3), T * heads, T * bc, T * bc, rates, heads, n * S, n * S};
    for (int i = 0; i < 9; i++) {
        c.b[i] = twin_buf(sizes[i], 4, i % TWIN_OFFSETS);
        twin_normals(&rng, c.b[i].data, sizes[i]);
    }
    float *dt = c.b[2].data, *rate = c.b[5].data, *h = c.b[7].data;
    for (int64_t i = 0; i < T * heads; i++) dt[i] = 0.02f + fabsf(dt[i]);
    for (int64_t i = 0; i < rates; i++) rate[i] = (float)(-k->decay * (0.1 + fabs((double)rate[i])));
    memcpy(c.b[8].data, h, (size_t)(n * S) * 4); /* the state before the first call */
    c.a = (ScanArgs){.y = c.b[0].data, .x = c.b[1].data, .dt = dt, .b = c.b[3].data, .c = c.b[4].data,
                     .a = rate, .d = c.b[6].data, .h = h, .x_stride = n + 3, .bc_stride = bc,
                     .d_inner = n, .n_tok = T, .d_state = k->d_state, .n_head = k->n_head,
                     .n_group = k->n_group};
    c.y = mem_alloc((size_t)(T * n) * sizeof *c.y);
    c.h = mem_alloc((size_t)(n * S) * sizeof *c.h);
    for (int64_t i = 0; i < n * S; i++) c.h[i] = h[i];
    reference(&c);
    return c;
}

static void drop(Case *c)
{
    for (int i = 0; i < 9; i++) twin_free(c->b[i]);
    mem_free(c->y);
    mem_free(c->h);
}

/* In calls of `step` tokens, channels or heads in two parts. */
static void run(Case *c, scan_fn *fn, int64_t step)
{
    const Shape *k = &c->k;
    int64_t parts = k->n_head ? k->n_head : k->d_inner;
    memcpy(c->b[7].data, c->b[8].data, (size_t)(k->d_inner * k->d_state) * 4);
    for (int64_t t = 0; t < k->n_tok; t += step) {
        ScanArgs a = c->a;
        a.n_tok = t + step < k->n_tok ? step : k->n_tok - t;
        a.y += t * a.d_inner;
        a.x += t * a.x_stride;
        a.dt += t * (k->n_head ? k->n_head : a.d_inner);
        a.b += t * a.bc_stride;
        a.c += t * a.bc_stride;
        fn(&a, 0, parts / 3);
        fn(&a, parts / 3, parts);
    }
}

static double largest(const double *x, int64_t n)
{
    double m = 0;
    for (int64_t i = 0; i < n; i++) m = fabs(x[i]) > m ? fabs(x[i]) : m;
    return m;
}

/* A result is a sum of d_state products whose errors, relative to the largest, add up; exponents of at
 * most 100 cost as many units in the last place. */
static void compare(const Case *c, const char *variant)
{
    int64_t n = c->k.d_inner * c->k.n_tok, m = c->k.d_inner * c->k.d_state;
    double share = 4.0 * (c->k.d_state + SCAN_CHUNK + 20) * (double)FLT_EPSILON;
    for (int64_t i = 0; i < n; i++)
        assert_near(c->a.y[i], (float)c->y[i], share * largest(c->y, n) + 1e-6, "y", variant, i);
    for (int64_t i = 0; i < m; i++)
        assert_near(c->a.h[i], (float)c->h[i], share * largest(c->h, m) + 1e-6, "h", variant, i);
}

static const Shape channel_shapes[] = {
    {1, 1, 1, 0, 0, 1},   {3, 5, 2, 0, 0, 1},    {7, 40, 8, 0, 0, 1},  {16, 9, 16, 0, 0, 1},
    {33, 20, 17, 0, 0, 1}, {50, 3, 7, 0, 0, 1},  {67, 12, 9, 0, 0, 40}, {12, 70, 16, 0, 0, 0.01},
};
static const Shape head_shapes[] = {
    {1, 1, 1, 1, 1, 1},     {6, 5, 3, 2, 1, 1},    {12, 33, 4, 3, 3, 1},   {42, 32, 5, 6, 2, 1},
    {64, 31, 16, 4, 1, 1},  {68, 64, 18, 4, 2, 1}, {135, 40, 9, 3, 1, 1},  {72, 100, 33, 2, 2, 0.01},
    {96, 70, 16, 6, 3, 60}, {31, 2, 7, 1, 1, 1},
};

typedef struct { const Shape *shapes; int n; } Shapes;

static void near_the_formula(const KernelRow *row, void *ctx)
{
    const Shapes *all = ctx;
    static const int64_t steps[] = {1, 2, 3, 17, 1000};
    for (int i = 0; i < all->n; i++) {
        Case c = make(&all->shapes[i], 5 + (uint64_t)i);
        for (int k = 0; k < 5; k++) {
            run(&c, (scan_fn *)row->fn, steps[k]);
            compare(&c, row->variant);
        }
        drop(&c);
    }
}

static void every_variant_is_near_the_formula(void **state)
{
    (void)state;
    Shapes channels = {channel_shapes, sizeof channel_shapes / sizeof *channel_shapes};
    Shapes heads = {head_shapes, sizeof head_shapes / sizeof *head_shapes};
    assert_true(twins_for_each("scan_channels", near_the_formula, &channels) >= 2);
    assert_true(twins_for_each("scan_heads", near_the_formula, &heads) >= 2);
}

/* The order of the loops changes nothing; where a sequence is cut neither. */
static void plain_channels_have_the_same_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof channel_shapes / sizeof *channel_shapes; i++) {
        Case c = make(&channel_shapes[i], 3), d = make(&channel_shapes[i], 3);
        run(&c, (scan_fn *)kernels_find("scan_channels", "sequential")->fn, 1000);
        run(&d, (scan_fn *)kernels_find("scan_channels", "blocked")->fn, 3);
        assert_same_f32(d.a.y, c.a.y, c.k.d_inner * c.k.n_tok, "y", "blocked");
        assert_same_f32(d.a.h, c.a.h, c.k.d_inner * c.k.d_state, "h", "blocked");
        drop(&c);
        drop(&d);
    }
}

/* One channel, one number, by hand: rate -ln 2, step 1: half is forgotten each time. */
static void half_life(const KernelRow *row, void *ctx)
{
    bool heads = ctx != NULL;
    float x[] = {1, 0, 4}, dt[] = {1, 1, 1}, b[] = {2, 2, 2}, c[] = {1, 1, 3}, rate = -logf(2), d = 10;
    float y[3], h = 8;
    ScanArgs a = {.y = y, .x = x, .dt = dt, .b = b, .c = c, .a = &rate, .d = &d, .h = &h, .x_stride = 1,
                  .bc_stride = 1, .d_inner = 1, .n_tok = 3, .d_state = 1, .n_head = heads,
                  .n_group = heads};
    ((scan_fn *)row->fn)(&a, 0, 1);
    const float want[] = {16, 3, 68.5f}; /* h = 6, 3, 9.5 */
    for (int t = 0; t < 3; t++) assert_near(y[t], want[t], 1e-5, "half-life", row->variant, t);
    assert_near(h, 9.5, 1e-5, "half-life", row->variant, 3);
}

static void a_state_with_a_half_life(void **state)
{
    (void)state;
    twins_for_each("scan_channels", half_life, NULL);
    twins_for_each("scan_heads", half_life, "heads");
}

/* Steps so large that everything is forgotten at once: numbers stay finite. */
static void forgetting(const KernelRow *row, void *ctx)
{
    Shape k = *(const Shape *)ctx;
    Case c = make(&k, 9);
    float *dt = c.b[2].data;
    for (int64_t i = 0; i < k.n_tok * (k.n_head ? k.n_head : k.d_inner); i++) dt[i] = 1000;
    run(&c, (scan_fn *)row->fn, 1000);
    for (int64_t i = 0; i < k.d_inner * k.n_tok; i++)
        if (!isfinite(c.a.y[i])) twin_fail("%s: result %lld is no number", row->variant, (long long)i);
    drop(&c);
}

static void forgetting_everything_is_no_overflow(void **state)
{
    (void)state;
    twins_for_each("scan_channels", forgetting, &(Shape){20, 40, 8, 0, 0, 5});
    twins_for_each("scan_heads", forgetting, &(Shape){20, 40, 8, 2, 1, 5});
}

/* ---------------------------------------------------------------- states */

static const SsmSpec spec = {.kind = SSM_HEADS, .d_conv = 4, .d_state = 3, .d_inner = 10, .n_head = 2,
                             .n_group = 1};

static void fill(const ScanState *s, float x, int64_t n)
{
    for (int64_t i = 0; i < s->n_floats; i++) s->conv[i] = x;
    *s->n_seen = n;
}

static void states_go_back_to_where_they_were_saved(void **state)
{
    (void)state;
    int64_t bytes = scan_flat_bytes(&spec);
    assert_int_equal(ssm_conv_channels(&spec), 16);
    assert_int_equal(bytes, 64 + 2 * 4 * 80); /* 3 x 16 + 10 x 3, rounded up to 16 */
    TwinBuf a = twin_buf(bytes / 8, 8, 0), b = twin_buf(bytes / 8, 8, 0);
    memset(a.data, 0x55, (size_t)bytes);
    memset(b.data, 0x55, (size_t)bytes);
    ScanState s = scan_flat(a.data, &spec), t = scan_flat(b.data, &spec);
    assert_ptr_equal(s.h, s.conv + 48);
    scan_clear(&s);
    scan_clear(&t);
    assert_true(*s.n_seen == 0 && s.conv[0] == 0 && s.h[29] == 0);
    assert_true(scan_can_keep(&s, 0) && !scan_can_keep(&s, 1) && !scan_can_keep(&s, -1));
    fill(&s, 5, 5);
    scan_save(&s);
    fill(&s, 9, 9);
    assert_true(scan_can_keep(&s, 9) && scan_can_keep(&s, 5) && scan_can_keep(&s, 0));
    assert_false(scan_can_keep(&s, 7));
    /* A copy of either, without touching the original. */
    scan_copy(&t, &s, 5);
    assert_true(*t.n_seen == 5 && t.h[29] == 5 && *s.n_seen == 9 && s.h[29] == 9);
    assert_false(scan_can_keep(&t, 9));
    scan_copy(&t, &s, 9);
    assert_true(*t.n_seen == 9 && t.conv[0] == 9);
    scan_copy(&t, &s, 0);
    assert_true(*t.n_seen == 0 && t.conv[0] == 0);
    /* Back, and on from there. */
    scan_keep(&s, 9);
    assert_true(s.conv[47] == 9);
    scan_keep(&s, 5);
    assert_true(*s.n_seen == 5 && s.conv[47] == 5 && s.h[0] == 5 && !scan_can_keep(&s, 9));
    scan_keep(&s, 0);
    assert_true(*s.n_seen == 0 && s.h[0] == 0 && !scan_can_keep(&s, 5));
    twin_free(a);
    twin_free(b);
}

static void keep_what_is_lost(void *ctx) { scan_keep(ctx, 3); }
static void copy_to_another_size(void *ctx)
{
    ScanState small = *(ScanState *)ctx;
    small.n_floats -= 16;
    scan_copy(&small, ctx, 0);
}

static void own_mistakes_are_caught(void **state)
{
    (void)state;
    TwinBuf a = twin_buf(scan_flat_bytes(&spec) / 8, 8, 0);
    ScanState s = scan_flat(a.data, &spec);
    scan_clear(&s);
    assert_true(aborts(keep_what_is_lost, &s));
    assert_true(aborts(copy_to_another_size, &s));
    twin_free(a);
}

int main(void)
{
    layer4_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_with_a_half_life),
        cmocka_unit_test(every_variant_is_near_the_formula),
        cmocka_unit_test(plain_channels_have_the_same_bits),
        cmocka_unit_test(forgetting_everything_is_no_overflow),
        cmocka_unit_test(states_go_back_to_where_they_were_saved),
        cmocka_unit_test(own_mistakes_are_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
