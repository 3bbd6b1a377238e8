/* Quantised files against what they mean: logits of the decoded weights, computed in float32.
 *
 * With linear_quantised:float and linear_halves:float many tokens at once decode the weights and keep
 * activations as they are: logits agree to 1e-4 of the largest. Otherwise, and for one token at a time,
 * activations are rounded to 8 bits (13 for weights of 16), as every fast engine does: the mean KL divergence may be 1.25 times that of the engine
 * that made the files, which also rounds its cache, and the median of all types 1.05 times. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model_bytes.h"
#include "golden.h"

static const char dir[] = "../shared/golden/quantised";

/* Every type that files may have. */
static const char *const types[] = {"F16",  "BF16", "Q8_0", "Q4_0",   "Q4_1",   "Q5_0",
                                    "Q5_1", "Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K",
                                    "IQ4_NL", "IQ4_XS", "IQ3_S", "IQ3_XXS", "IQ2_S", "IQ2_XS",
                                    "IQ2_XXS", "IQ1_S", "IQ1_M", "TQ1_0", "TQ2_0", "Q1_0", "Q2_0"};
enum { N_TYPES = sizeof types / sizeof *types };

typedef struct {
    char model[64];
    int32_t ids[GOLDEN_MAX];
    int64_t n, n_vocab;
    double peer_kl;
    float *exact, *ours; /* [n, n_vocab] */
} Case;

/* The line of TYPE.gguf in golden.jsonl and its TYPE.exact.f32; false if there is none. */
static bool case_open(Case *c, const char *type)
{
    char path[192], line[8192], quoted[80];
    *c = (Case){0};
    snprintf(c->model, sizeof c->model, "%s/%s.gguf", dir, type);
    snprintf(quoted, sizeof quoted, "\"model\": \"%s.gguf\"", type);
    snprintf(path, sizeof path, "%s/golden.jsonl", dir);
    FILE *f = fopen(path, "r");
    bool found = false;
    while (f && !found && fgets(line, sizeof line, f)) found = strstr(line, quoted) != NULL;
    if (f) fclose(f);
    if (!found) return false;
    c->n = golden_ids(line, "\"tokens\":", c->ids);
    const char *vocab = strstr(line, "\"n_vocab\":"), *kl = strstr(line, "\"peer_mean_kl\":");
    assert_true(c->n == 32 && vocab && kl);
    c->n_vocab = strtol(vocab + 10, NULL, 10);
    c->peer_kl = strtod(kl + 15, NULL);
    assert_true(c->n_vocab > 0 && c->peer_kl > 0);
    size_t n = (size_t)(c->n * c->n_vocab);
    c->exact = mem_alloc(n * sizeof *c->exact);
    c->ours = mem_alloc(n * sizeof *c->ours);
    assert_true(c->exact && c->ours);
    snprintf(path, sizeof path, "%s/%s.exact.f32", dir, type);
    f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fread(c->exact, sizeof *c->exact, n, f), n);
    fclose(f);
    return true;
}

static void case_close(Case *c)
{
    mem_free(c->exact);
    mem_free(c->ours);
}

static void feed(Case *c, const Model *m, int64_t batch)
{
    Pool *pool = NULL;
    Session s;
    Err err = {0};
    FlatKv kv = flat_kv(m, DT_F32, c->n, 1);
    MUST(pool_open(&pool, 2, false, &err), &err);
    MUST(session_open(&s, m, pool, batch, c->n, &err), &err);
    BatchItem items[GOLDEN_MAX];
    for (int64_t i = 0; i < c->n; i++)
        items[i] = (BatchItem){.token = c->ids[i], .pos = i, .want_logits = true};
    for (int64_t i = 0; i < c->n; i += batch)
        MUST(model_forward(&s, items + i, batch, flat_source(&kv), c->ours + i * c->n_vocab, NULL,
                           &err), &err);
    session_close(&s);
    pool_close(pool);
    mem_free(kv.memory);
}

/* log(sum exp x), from the largest. */
static double log_sum(const float *x, int64_t n)
{
    double top = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) top = fmax(top, (double)x[i]);
    for (int64_t i = 0; i < n; i++) sum += exp((double)x[i] - top);
    return top + log(sum);
}

/* sum p log(p / q), averaged over the rows: p from exact, q from ours. */
static double mean_kl(const Case *c)
{
    double kl = 0;
    for (int64_t t = 0; t < c->n; t++) {
        const float *p = c->exact + t * c->n_vocab, *q = c->ours + t * c->n_vocab;
        double lp = log_sum(p, c->n_vocab), lq = log_sum(q, c->n_vocab);
        for (int64_t i = 0; i < c->n_vocab; i++)
            kl += exp((double)p[i] - lp) * (((double)p[i] - lp) - ((double)q[i] - lq));
    }
    return kl / (double)c->n;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Feeds all files, one token at a time or all at once. */
static void check_kl(bool one_by_one)
{
    int n_found = 0;
    double ratio[N_TYPES];
    for (int i = 0; i < N_TYPES; i++) {
        Case c;
        Model m;
        Err err = {0};
        if (!case_open(&c, types[i])) continue;
        MUST(model_open(&m, c.model, MAP_AUTO, &err), &err);
        feed(&c, &m, one_by_one ? 1 : c.n);
        double kl = mean_kl(&c);
        ratio[n_found] = kl / c.peer_kl;
        if (!(kl <= 1.25 * c.peer_kl))
            FAILED("%s: mean KL %.4g, the peer's is %.4g", c.model, kl, c.peer_kl);
        model_close(&m);
        case_close(&c);
        n_found++;
    }
    if (n_found == 0) skip();
    assert_int_equal(n_found, N_TYPES);
    qsort(ratio, N_TYPES, sizeof *ratio, by_size);
    print_message("             KL of %d types as a part of the peer's: median %.3f, highest %.3f\n", N_TYPES, ratio[N_TYPES / 2],
                  ratio[N_TYPES - 1]);
    assert_true(ratio[N_TYPES / 2] <= 1.05);
}

static void one_token_at_a_time_strays_no_further_than_a_peer(void **state)
{
    (void)state;
    check_kl(true);
}

static void many_tokens_at_once_stray_no_further_than_a_peer(void **state)
{
    (void)state;
    check_kl(false);
}

/* Logits within 1e-4 of the largest for every type, either in one batch or repacked and one by one. */
static void all_are_exact(bool repacked)
{
    int n_found = 0;
    for (int i = 0; i < N_TYPES; i++) {
        Case c;
        Model m;
        Err err = {0};
        if (!case_open(&c, types[i])) continue;
        MUST(model_open(&m, c.model, MAP_AUTO, &err), &err);
        if (repacked) {
            MUST(model_repack(&m, DT_F32, NULL, true, &err), &err);
        }
        feed(&c, &m, repacked ? 1 : c.n);
        float largest = 0;
        for (int64_t k = 0; k < c.n * c.n_vocab; k++) largest = fmaxf(largest, fabsf(c.exact[k]));
        for (int64_t k = 0; k < c.n * c.n_vocab; k++)
            if (!(fabsf(c.ours[k] - c.exact[k]) <= 1e-4f * largest))
                FAILED("%s: row %lld, id %lld: %.7g instead of %.7g", c.model,
                       (long long)(k / c.n_vocab), (long long)(k % c.n_vocab), (double)c.ours[k],
                       (double)c.exact[k]);
        model_close(&m);
        case_close(&c);
        n_found++;
    }
    if (n_found == 0) skip();
    assert_int_equal(n_found, N_TYPES);
}

static void many_tokens_with_decoded_weights_are_exact(void **state)
{
    (void)state;
    Err err;
    MUST(kernels_use("linear_quantised:float,linear_halves:float", &err), &err);
    all_are_exact(false);
    MUST(kernels_use(NULL, &err), &err);
}

static void weights_repacked_as_f32_are_exact_one_by_one(void **state)
{
    (void)state;
    all_are_exact(true);
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_token_at_a_time_strays_no_further_than_a_peer),
        cmocka_unit_test(many_tokens_at_once_stray_no_further_than_a_peer),
        cmocka_unit_test(many_tokens_with_decoded_weights_are_exact),
        cmocka_unit_test(weights_repacked_as_f32_are_exact_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
