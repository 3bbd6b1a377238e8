/* Documents as JSON lines, and the bits that a model needs for each. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "json_lines.h"
#include "json_text.h"
#include "layer6.h"
#include "model_bytes.h"

#include <math.h>

/* ---- lines ---- */
typedef struct {
    int n;
    JsonLine last;
    char text[64];
    Buf all;
} Heard;

static Status hear(void *ctx, const JsonLine *l, Err *err)
{
    Heard *h = ctx;
    h->n++;
    h->last = *l;
    snprintf(h->text, sizeof h->text, "%.*s", (int)l->n, l->text);
    return buf_append(&h->all, l->text, l->n, err);
}

static Status hear_all(Heard *h, const char *bytes, size_t n, Err *err)
{
    *h = (Heard){0};
    Status s = json_lines_each("x.jsonl", bytes, n, hear, h, err);
    buf_close(&h->all);
    return s;
}

static void lines_give_text_and_bits(void **state)
{
    (void)state;
    static const char lines[] = "{\"text\": \"one\", \"bits\": 3}\n\n  \r\n"
                                "{\"bits\": 2.5e1, \"kind\": {\"a\": [1]}, \"text\": \"tw\\u00f6\\n\\\"\"}\r\n"
                                "{\"text\": \"\"}";
    Heard h;
    Err err = {0};
    MUST(hear_all(&h, lines, strlen("{\"text\": \"one\", \"bits\": 3}\n"), &err), &err);
    assert_int_equal(h.n, 1);
    assert_int_equal(h.last.line, 1);
    assert_string_equal(h.text, "one");
    assert_true(h.last.bits == 3);
    MUST(hear_all(&h, lines, strrchr(lines, '\n') - lines, &err), &err);
    assert_int_equal(h.n, 2);
    assert_int_equal(h.last.line, 4); /* blank lines are counted */
    assert_string_equal(h.text, "tw\xC3\xB6\n\"");
    assert_true(h.last.bits == 25);
    MUST(hear_all(&h, lines, strlen(lines), &err), &err);
    assert_int_equal(h.n, 3);
    assert_true(h.last.n == 0 && isnan(h.last.bits));
}

static void bad_lines_are_refused_with_their_number(void **state)
{
    (void)state;
    static const struct { const char *line, *want; } rows[] = {
        {"{\"text\": \"a\"", "no JSON"}, {"{\"text\": \"a\"} x", "no JSON"}, {"[1, 2]", "no object"},
        {"3", "no JSON"}, {"{\"bits\": 1}", "no \"text\""}, {"{\"text\": 1}", "no string"},
        {"{\"text\": null}", "no string"}, {"{\"text\": \"a\\u0000b\"}", "no JSON"},
        {"{\"text\": \"\xFF\"}", "no JSON"}, {"{\"text\": \"a\", \"text\": \"b\"}", "no JSON"},
        {"{\"text\": \"a\", \"bits\": \"3\"}", "bits"}, {"{\"text\": \"a\", \"bits\": -1}", "bits"},
        {"{\"text\": \"a\", \"bits\": 1e999}", "no JSON"}, {"\x1b[2J", "no JSON"}, {"{\"text\": NaN}", "no JSON"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char bytes[128];
        Heard h;
        Err err = {0};
        int n = snprintf(bytes, sizeof bytes, "{\"text\": \"good\"}\n%s\n{\"text\": \"c\"}\n", rows[i].line);
        Status s = hear_all(&h, bytes, (size_t)n, &err);
        if (s != E_FORMAT || !strstr(err.text, rows[i].want) || !strstr(err.text, "line 2 of 'x.jsonl'") ||
            !strstr(err.text, "HINT:"))
            FAILED("%s: %s %s", rows[i].line, status_name(s), err.text);
        for (const char *p = err.text; *p; p++) assert_true(*p >= ' ');
        assert_int_equal(h.n, 1);
    }
    Heard h;
    Err err = {0};
    assert_int_equal(hear_all(&h, "{\"text\": \"a\0b\"}", 15, &err), E_FORMAT); /* a NUL as it is */
    assert_int_equal(hear_all(&h, "\0", 1, &err), E_FORMAT);
}

static void long_lines_and_deep_nests_are_refused(void **state)
{
    (void)state;
    Err err = {0};
    Heard h;
    size_t n = JSON_LINE_MAX + 100;
    char *bytes = mem_alloc(n);
    memset(bytes, 'a', n);
    memcpy(bytes, "{\"text\": \"", 10);
    memcpy(bytes + JSON_LINE_MAX - 2, "\"}\n", 3);
    MUST(hear_all(&h, bytes, JSON_LINE_MAX, &err), &err); /* the longest line there may be */
    memcpy(bytes + JSON_LINE_MAX - 2, "aa\"}", 4);
    assert_int_equal(hear_all(&h, bytes, JSON_LINE_MAX + 2, &err), E_LIMIT);
    assert_non_null(strstr(err.text, "1048578 bytes"));
    memset(bytes, '[', JSON_LINE_MAX);
    assert_int_equal(hear_all(&h, bytes, JSON_LINE_MAX, &err), E_FORMAT);
    mem_free(bytes);
}

static bool refuse(void *ctx, size_t n)
{
    (void)n;
    return (*(int *)ctx)-- > 0;
}

static void refused_memory_is_an_error(void **state)
{
    (void)state;
    static const char line[] = "{\"text\": \"a story of twenty letters and more\", \"bits\": 3.5}";
    int n_refused = 0;
    for (int allowed = 0; allowed < 40; allowed++) {
        int left = allowed;
        Err err = {0};
        Heard h;
        mem_set_hook(refuse, &left);
        Status s = hear_all(&h, line, sizeof line - 1, &err);
        mem_set_hook(NULL, NULL);
        if (s == OK) break;
        assert_int_equal(s, E_MEMORY);
        n_refused++;
    }
    assert_in_range(n_refused, 3, 39); /* jansson's memory comes from here too */
}

static void text_survives_being_written_and_read(void **state)
{
    (void)state;
    Rng rng = rng_seed(3);
    for (int round = 0; round < 200; round++) {
        char text[40];
        Buf line = {0};
        Heard h;
        Err err = {0};
        int n = (int)rng_below(&rng, sizeof text);
        for (int i = 0; i < n; i++) text[i] = (char)(1 + rng_below(&rng, 127));
        MUST(buf_append(&line, "{\"text\": ", 9, &err), &err);
        MUST(json_string(&line, text, (size_t)n, &err), &err);
        MUST(buf_append(&line, "}", 1, &err), &err);
        MUST(hear_all(&h, line.data, line.len, &err), &err);
        assert_int_equal(h.last.n, n);
        assert_memory_equal(h.text, text, (size_t)n);
        buf_close(&line);
    }
}

/* ---- bits ---- */
enum { VOCAB = 48, N_CTX = 32, N_DOCS = 9 };

typedef struct {
    Buf file;
    Model m;
    int32_t ids[N_DOCS * N_CTX];
    PerplexityDocument docs[N_DOCS];
    double want[N_DOCS];
} Setup;

/* Documents of 2 to N_CTX + 1 tokens, each computed alone by hand. */
static void start(Setup *u, const ModelShape *shape)
{
    static const int lengths[N_DOCS] = {5, 2, 33, 17, 3, 8, 20, 2, 11};
    Err err = {0};
    Session s = {0};
    KvCache kv = {0};
    static float logits[N_CTX * VOCAB];
    Rng rng = rng_seed(4);
    int64_t at = 0;
    *u = (Setup){.file = mb_model(shape, 9)};
    u->m = mb_opened(&u->file);
    MUST(session_open(&s, &u->m, NULL, N_CTX, N_CTX, &err), &err);
    MUST(kvcache_open(&kv, &u->m, DT_F32, DT_F32, N_CTX, 1, &err), &err);
    for (int d = 0; d < N_DOCS; d++) {
        BatchItem items[N_CTX];
        int n = lengths[d];
        u->docs[d] = (PerplexityDocument){.first = at, .n = n};
        for (int i = 0; i < n; i++) u->ids[at + i] = (int32_t)rng_below(&rng, VOCAB);
        for (int i = 0; i < n - 1; i++) items[i] = (BatchItem){u->ids[at + i], 0, i, true};
        MUST(model_forward(&s, items, n - 1, kvcache_source(&kv), logits, NULL, &err), &err);
        for (int i = 0; i < n - 1; i++) {
            double z = 0;
            for (int k = 0; k < VOCAB; k++) z += exp((double)logits[i * VOCAB + k]);
            u->want[d] += (log(z) - (double)logits[i * VOCAB + u->ids[at + i + 1]]) / log(2);
        }
        at += n;
    }
    kvcache_close(&kv);
    session_close(&s);
}

static void finish(Setup *u)
{
    model_close(&u->m);
    buf_close(&u->file);
}

static Status measure(Setup *u, int n_seq, int64_t n_batch, Pool *pool, const volatile int *stop, Err *err)
{
    Session s = {0};
    KvCache kv = {0};
    MUST(session_open(&s, &u->m, pool, 7, N_CTX, err), err);
    MUST(kvcache_open(&kv, &u->m, DT_F32, DT_F32, N_CTX, n_seq, err), err);
    Status status = perplexity_documents(u->docs, N_DOCS, u->ids, &s, &kv, n_batch, NULL, NULL, stop, err);
    kvcache_close(&kv);
    session_close(&s);
    return status;
}

static void bits_do_not_depend_on_how_documents_are_batched(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Setup u;
    Err err = {0};
    Pool *pool = NULL;
    start(&u, &shape);
    MUST(pool_open(&pool, 2, false, &err), &err);
    static const int seqs[] = {1, 2, 3, 64}, batches[] = {1, 4, 31, 200};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 4; k++) {
            MUST(measure(&u, seqs[i], batches[k], k % 2 ? pool : NULL, NULL, &err), &err);
            for (int d = 0; d < N_DOCS; d++)
                if (!(fabs(u.docs[d].bits - u.want[d]) < 1e-4 * u.want[d]))
                    FAILED("%d sequences, batch %d, document %d: %.6f, wanted %.6f", seqs[i], batches[k], d,
                           u.docs[d].bits, u.want[d]);
        }
    pool_close(pool);
    finish(&u);
}

static void a_model_that_knows_nothing_needs_log2_of_the_vocabulary(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    shape.zero_output = true;
    Setup u;
    Err err = {0};
    start(&u, &shape);
    MUST(measure(&u, 3, 16, NULL, NULL, &err), &err);
    for (int d = 0; d < N_DOCS; d++)
        assert_true(fabs(u.docs[d].bits - (double)(u.docs[d].n - 1) * log2(VOCAB)) < 1e-9);
    finish(&u);
}

static void what_cannot_be_measured_is_refused(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Setup u;
    Err err = {0};
    volatile int stop = 1;
    start(&u, &shape);
    assert_int_equal(measure(&u, 2, 8, NULL, &stop, &err), E_CANCELLED);
    u.docs[2].n = N_CTX + 2; /* its 33 inputs do not fit */
    assert_int_equal(measure(&u, 2, 8, NULL, NULL, &err), E_LIMIT);
    u.docs[2].n = N_CTX + 1;
    for (int i = 0; i < 3; i++) { /* a first, a last, an inner token */
        int32_t *id = &u.ids[i == 0 ? 0 : i == 1 ? 4 : 20], was = *id;
        *id = i ? VOCAB : -1;
        assert_int_equal(measure(&u, 2, 8, NULL, NULL, &err), E_ARG);
        *id = was;
    }
    finish(&u);
}

int main(void)
{
    layer6_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_give_text_and_bits),
        cmocka_unit_test(bad_lines_are_refused_with_their_number),
        cmocka_unit_test(long_lines_and_deep_nests_are_refused),
        cmocka_unit_test(refused_memory_is_an_error),
        cmocka_unit_test(text_survives_being_written_and_read),
        cmocka_unit_test(bits_do_not_depend_on_how_documents_are_batched),
        cmocka_unit_test(a_model_that_knows_nothing_needs_log2_of_the_vocabulary),
        cmocka_unit_test(what_cannot_be_measured_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
