/* State-space models against Hugging Face transformers (tests/fixtures/ssm): same logits to 1e-4 of the
 * largest, same greedy ids, for every set of kernels, one token at a time, in pieces and all at once. And
 * what a state promises: sequences do not touch each other, a call can be repeated, elsewhere there is no
 * going back; numbers that do not fit are refused by name. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model_bytes.h"
#include "golden.h"
#include "twins.h"

enum { N = 40, VOCAB = 64, N_SEQ = 3 };
static const char dir[] = "tests/fixtures/ssm";
static const char *const files[] = {"mamba.gguf", "falcon-mamba.gguf", "mamba2-g1.gguf", "mamba2-g2.gguf"};
enum { N_FILES = sizeof files / sizeof *files };

/* A model with its reference and room for N_SEQ sequences of it. */
typedef struct {
    Golden g;
    Model m;
    Session s;
    FlatKv kv;
    Err err;
} Unit;

static void open_unit(Unit *u, const char *file, Pool *pool, int64_t batch)
{
    char path[192];
    *u = (Unit){0};
    assert_true(golden_read(&u->g, dir, file));
    assert_int_equal(u->g.n_vocab, VOCAB);
    assert_int_equal(u->g.n_prompt + u->g.n_greedy, N);
    snprintf(path, sizeof path, "%s/%s", dir, file);
    MUST(model_open(&u->m, path, MAP_AUTO, &u->err), &u->err);
    MUST(session_open(&u->s, &u->m, pool, batch, 2 * N, &u->err), &u->err);
    u->kv = flat_kv(&u->m, DT_F32, 2 * N, N_SEQ);
}

static void close_unit(Unit *u)
{
    session_close(&u->s);
    mem_free(u->kv.memory);
    mem_free(u->g.logits);
    model_close(&u->m);
}

/* Tokens ids [n] of one sequence from position pos on, all rows to logits. */
static Status feed(Unit *u, int seq, const int32_t *ids, int64_t pos, int64_t n, float *logits,
                   const volatile int *stop)
{
    BatchItem items[N];
    for (int64_t i = 0; i < n; i++) items[i] = (BatchItem){ids[i], seq, pos + i, true};
    return model_forward(&u->s, items, n, flat_source(&u->kv), logits, stop, &u->err);
}

static double largest(const float *x, int64_t n)
{
    double m = 0;
    for (int64_t i = 0; i < n; i++) m = fabs((double)x[i]) > m ? fabs((double)x[i]) : m;
    return m;
}

static void near_rows(const Unit *u, const float *got, const float *want, int64_t rows, double share,
                      const char *how)
{
    double tol = share * largest(want, rows * VOCAB);
    for (int64_t i = 0; i < rows * VOCAB; i++) assert_near(got[i], want[i], tol, u->g.model, how, i);
}

static void agree(const char *file, const char *set, Pool *pool, int64_t piece)
{
    static float logits[N * VOCAB];
    Unit u;
    open_unit(&u, file, pool, piece);
    char how[96];
    snprintf(how, sizeof how, "%s, %lld at a time", set ? set : "the best", (long long)piece);
    for (int64_t t = 0; t < N; t += piece)
        MUST(feed(&u, 0, u.g.ids + t, t, t + piece < N ? piece : N - t, logits + t * VOCAB, NULL), &u.err);
    near_rows(&u, logits, u.g.logits, N, 1e-4, how);
    for (int64_t t = u.g.n_prompt - 1; t < N - 1; t++) {
        int best = 0;
        for (int i = 1; i < VOCAB; i++)
            if (logits[t * VOCAB + i] > logits[t * VOCAB + best]) best = i;
        assert_int_equal(best, u.g.ids[t + 1]);
    }
    close_unit(&u);
}

static void logits_agree_with_transformers(void **state)
{
    (void)state;
    static const char *const sets[] = {"naive", "scalar", "avx2", "avx512", "neon",
                                       "scan_channels:blocked", "scan_heads:chunked", NULL};
    Pool *pools[2] = {NULL, NULL};
    Err err;
    MUST(pool_open(&pools[1], 2, false, &err), &err);
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        if (kernels_use(sets[k], &err) != OK) continue; /* not on this machine */
        for (int f = 0; f < N_FILES; f++)
            for (int way = 0; way < 3; way++)
                agree(files[f], sets[k], pools[way % 2], way == 0 ? 1 : way == 1 ? 7 : N);
        MUST(kernels_use(NULL, &err), &err);
    }
    pool_close(pools[1]);
}

/* Tokens of three sequences at different positions in one call give what each gives alone. */
static void sequences_of_one_batch_do_not_touch_each_other(void **state)
{
    (void)state;
    static const int64_t before[N_SEQ] = {5, 0, 11}, now[N_SEQ] = {1, 7, 3};
    for (int f = 0; f < N_FILES; f++) {
        float together[11 * VOCAB], alone[11 * VOCAB], past[N * VOCAB];
        BatchItem items[11];
        Unit u, v;
        open_unit(&u, files[f], NULL, N);
        open_unit(&v, files[f], NULL, N);
        int64_t n = 0;
        for (int q = 0; q < N_SEQ; q++) {
            const int32_t *ids = u.g.ids + 4 * q;
            if (before[q]) MUST(feed(&u, q, ids, 0, before[q], past, NULL), &u.err);
            if (before[q]) MUST(feed(&v, q, ids, 0, before[q], past, NULL), &v.err);
            MUST(feed(&v, q, ids + before[q], before[q], now[q], alone + n * VOCAB, NULL), &v.err);
            for (int64_t i = 0; i < now[q]; i++)
                items[n++] = (BatchItem){ids[before[q] + i], q, before[q] + i, true};
        }
        MUST(model_forward(&u.s, items, n, flat_source(&u.kv), together, NULL, &u.err), &u.err);
        /* Matrices take another way for few tokens than for many. */
        near_rows(&u, together, alone, n, 1e-5, "together");
        close_unit(&u);
        close_unit(&v);
    }
}

/* What was fed after the last call's beginning can be taken back, and nothing else. */
static void a_state_goes_back_to_where_a_call_began(void **state)
{
    (void)state;
    for (int f = 0; f < N_FILES; f++) {
        float once[N * VOCAB], again[N * VOCAB];
        Unit u;
        open_unit(&u, files[f], NULL, N);
        const int32_t *ids = u.g.ids;
        MUST(feed(&u, 0, ids, 0, 10, once, NULL), &u.err);
        MUST(feed(&u, 0, ids + 20, 10, 6, again, NULL), &u.err); /* a wrong turn */
        assert_int_equal(feed(&u, 0, ids + 5, 5, 3, again, NULL), E_LIMIT);
        assert_non_null(strstr(u.err.text, "at position 5: its state has met 16 tokens and was saved at 10"));
        assert_int_equal(feed(&u, 0, ids + 17, 17, 3, again, NULL), E_LIMIT); /* nor forward */
        MUST(feed(&u, 0, ids + 10, 10, 6, once + 10 * VOCAB, NULL), &u.err);
        near_rows(&u, once, u.g.logits, 16, 1e-4, "after going back");
        /* From the beginning is always possible; then everything is as if it were new. */
        MUST(feed(&u, 0, ids, 0, 10, again, NULL), &u.err);
        assert_memory_equal(again, once, 10 * VOCAB * sizeof *once);
        close_unit(&u);
    }
}

/* Stops the pass at the k-th matrix. */
typedef struct { int left; volatile int stop; } Brake;
static void count_down(void *ctx, const Tensor *w, const float *x, int64_t n_tok)
{
    (void)w, (void)x, (void)n_tok;
    Brake *b = ctx;
    if (--b->left == 0) b->stop = 1;
}

static void a_stopped_call_can_be_repeated(void **state)
{
    (void)state;
    for (int f = 0; f < N_FILES; f++)
        for (int k = 1; k < 14; k++) {
            float rows[N * VOCAB];
            Unit u;
            open_unit(&u, files[f], NULL, 4); /* pieces of 4 */
            Brake b = {k, 0};
            MUST(feed(&u, 0, u.g.ids, 0, 10, rows, NULL), &u.err);
            u.s.watcher = (BlockWatcher){count_down, &b};
            Status s = feed(&u, 0, u.g.ids + 10, 10, 10, rows + 10 * VOCAB, &b.stop);
            assert_true(s == OK || s == E_CANCELLED);
            u.s.watcher = (BlockWatcher){0};
            MUST(feed(&u, 0, u.g.ids + 10, 10, 10, rows + 10 * VOCAB, NULL), &u.err);
            near_rows(&u, rows, u.g.logits, 20, 1e-4, "after a stop");
            close_unit(&u);
        }
}

/* ---------------------------------------------------------------- hostile numbers */

static Buf file_bytes(const char *file)
{
    char path[192];
    Buf b = {0};
    snprintf(path, sizeof path, "%s/%s", dir, file);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    for (int c; (c = fgetc(f)) != EOF;) gb_u8(&b, (uint8_t)c);
    fclose(f);
    return b;
}

/* The place behind the key (or tensor) `name`, whose characters occur once. */
static unsigned char *behind(const Buf *b, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i + n < b->len; i++)
        if (memcmp(b->data + i, name, n) == 0) return (unsigned char *)b->data + i + n;
    FAILED("no '%s' in the file", name);
    return NULL;
}

static void refuse_number(const char *file, const char *key, uint32_t value, const char *want)
{
    Buf b = file_bytes(file);
    Model m;
    Err err = {0};
    memcpy(behind(&b, key) + 4, &value, sizeof value); /* after the type */
    Status s = model_open_memory(&m, b.data, b.len, &err);
    if (s != E_FORMAT || !strstr(err.text, want) || !strstr(err.text, "HINT:"))
        FAILED("%s = %u: expected \"%s\", got %s \"%s\"", key, value, want, status_name(s), err.text);
    buf_close(&b);
}

static void numbers_that_do_not_fit_are_refused_by_name(void **state)
{
    (void)state;
    static const struct { const char *key; uint32_t most; } ranges[] = {
        {"ssm.conv_kernel", 64}, {"ssm.inner_size", 1 << 20}, {"ssm.state_size", 4096},
        {"ssm.time_step_rank", 1 << 16}, {"ssm.group_count", 4096}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        char want[128];
        snprintf(want, sizeof want, "from 1 to %u", ranges[i].most);
        const uint32_t bad[] = {0, ranges[i].most + 1, UINT32_MAX};
        for (int k = 0; k < 3; k++) refuse_number("mamba2-g2.gguf", ranges[i].key, bad[k], want);
    }
    /* Each in its range, but not together. */
    refuse_number("mamba2-g2.gguf", "ssm.time_step_rank", 7,
                  "mamba2.ssm.time_step_rank is 7, allowed are divisors of ssm.inner_size 48");
    refuse_number("mamba2-g2.gguf", "ssm.group_count", 3,
                  "mamba2.ssm.group_count is 3, allowed are divisors of the 8 heads");
    /* Numbers and tensors of different models. */
    refuse_number("mamba.gguf", "ssm.inner_size", 64, "'blk.0.ssm_in.weight' has shape [24, 96");
    refuse_number("mamba.gguf", "ssm.state_size", 4096, "blk.0.ssm_x.weight");
    refuse_number("mamba.gguf", "ssm.time_step_rank", 65536, "blk.0.ssm_x.weight");
    refuse_number("mamba2-g1.gguf", "ssm.conv_kernel", 64, "blk.0.ssm_conv1d.weight");
    refuse_number("mamba2-g1.gguf", "ssm.state_size", 4096, "blk.0.ssm_in.weight");
}

/* A key that is called otherwise is a key that is missing. */
static void missing_numbers_are_named(void **state)
{
    (void)state;
    static const char *const keys[] = {"ssm.conv_kernel", "ssm.inner_size", "ssm.state_size",
                                       "ssm.time_step_rank"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        Buf b = file_bytes("mamba2-g1.gguf");
        Model m;
        Err err = {0};
        char want[64];
        behind(&b, keys[i])[-1] = 'X';
        snprintf(want, sizeof want, "the key 'mamba2.%s' is missing", keys[i]);
        assert_int_equal(model_open_memory(&m, b.data, b.len, &err), E_FORMAT);
        assert_non_null(strstr(err.text, want));
        buf_close(&b);
    }
}

/* general.architecture says llama, and every key too. */
static void what_attends_does_not_scan(void **state)
{
    (void)state;
    Buf b = file_bytes("mamba.gguf");
    Model m;
    Err err = {0};
    for (size_t i = 0; i + 5 < b.len; i++)
        if (memcmp(b.data + i, "mamba", 5) == 0) memcpy(b.data + i, "llama", 5);
    assert_int_equal(model_open_memory(&m, b.data, b.len, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "llama.ssm.state_size' is 16, but a llama does not scan"));
    buf_close(&b);
}

static void a_session_knows_what_it_needs(void **state)
{
    (void)state;
    for (int f = 0; f < N_FILES; f++) {
        Unit u;
        open_unit(&u, files[f], NULL, N);
        const SsmSpec *m = &u.m.spec.ssm;
        /* Nothing grows with the context. */
        assert_true(session_plan(&u.m, N, 1 << 30, 1) == session_plan(&u.m, N, 1, 1));
        assert_int_equal(scan_flat_bytes(m) % 64, 0);
        assert_true(scan_flat_bytes(m) >= 8 * (m->d_inner * m->d_state + 3 * ssm_conv_channels(m)));
        close_unit(&u);
    }
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_agree_with_transformers),
        cmocka_unit_test(sequences_of_one_batch_do_not_touch_each_other),
        cmocka_unit_test(a_state_goes_back_to_where_a_call_began),
        cmocka_unit_test(a_stopped_call_can_be_repeated),
        cmocka_unit_test(numbers_that_do_not_fit_are_refused_by_name),
        cmocka_unit_test(missing_numbers_are_named),
        cmocka_unit_test(what_attends_does_not_scan),
        cmocka_unit_test(a_session_knows_what_it_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
