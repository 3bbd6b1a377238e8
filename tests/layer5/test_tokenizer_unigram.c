/* Unigram models against the ids that the sentencepiece library gives (tests/golden/unigram_ids.txt).
 * The models are large, so they are not part of this project: without them the test is skipped. They
 * come as protocol buffers, from which the few fields that matter are carried into a GGUF. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tokenizer_cases.h"

#include <stdlib.h>
#include <time.h>

#define DATA "../shared/data/"
enum { MAX_PIECES = 8192, N_CASES = 46, N_LINES = 150 };

static float scores[MAX_PIECES]; /* of the model that is open */

static char *read_all(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f) skip();
    char *s = calloc(1, 1 << 21);
    assert_non_null(s);
    *n = fread(s, 1, (1 << 21) - 1, f);
    fclose(f);
    return s;
}

static uint64_t varint(const unsigned char **p)
{
    uint64_t x = 0;
    for (int shift = 0;; shift += 7) {
        unsigned char b = *(*p)++;
        x |= (uint64_t)(b & 127) << shift;
        if (b < 128) return x;
    }
}

/* One field of a message: number, then a number or bytes. */
typedef struct {
    int number;
    uint64_t value; /* of a varint or the length of bytes */
    const unsigned char *bytes;
} Field;

static bool next_field(const unsigned char **p, const unsigned char *end, Field *f)
{
    if (*p >= end) return false;
    uint64_t tag = varint(p);
    *f = (Field){.number = (int)(tag >> 3), .bytes = *p};
    if ((tag & 7) == 0) f->value = varint(p);
    else if ((tag & 7) == 2) f->value = varint(p), f->bytes = *p, *p += f->value;
    else *p += (tag & 7) == 5 ? 4 : 8;
    return true;
}

static VocabBytes from_model(const unsigned char *p, const unsigned char *end)
{
    static Str texts[MAX_PIECES];
    static int32_t types[MAX_PIECES];
    size_t n = 0;
    bool prefix = true, merge = true;
    Field f, g, map = {0};
    while (next_field(&p, end, &f)) {
        const unsigned char *q = f.bytes, *stop = f.bytes + f.value;
        if (f.number == 1) {
            assert_true(n < MAX_PIECES);
            types[n] = 1;
            while (next_field(&q, stop, &g)) {
                if (g.number == 1) texts[n] = (Str){(const char *)g.bytes, (size_t)g.value};
                if (g.number == 2) memcpy(&scores[n], g.bytes, 4);
                if (g.number == 3) types[n] = (int32_t)g.value;
            }
            n++;
        }
        while (f.number == 3 && next_field(&q, stop, &g)) {
            if (g.number == 2) map = g;
            if (g.number == 3) prefix = g.value;
            if (g.number == 4) merge = g.value;
        }
    }
    VocabBytes v = vb_open();
    vb_str(&v, "model", "t5");
    vb_key(&v, "tokens", GGUF_ARRAY);
    vb_u32(&v, GGUF_STRING);
    vb_u64(&v, n);
    for (size_t i = 0; i < n; i++) vb_text(&v, texts[i].ptr, texts[i].len);
    vb_words(&v, "scores", GGUF_F32, scores, n);
    vb_words(&v, "token_type", GGUF_I32, types, n);
    vb_num(&v, "unknown_token_id", 0);
    vb_num(&v, "eos_token_id", 2);
    vb_bool(&v, "add_space_prefix", prefix);
    vb_bool(&v, "remove_extra_whitespaces", merge);
    vb_key(&v, "precompiled_charsmap", GGUF_ARRAY);
    vb_u32(&v, GGUF_U8);
    vb_u64(&v, map.value);
    vb_bytes(&v, map.bytes, map.value);
    return v;
}

/* The library adds scores in float, so that of two ways that are worth the same, "3|33" and "33|3", now
 * the one wins and now the other. Different ids must be worth the same, and ours not less. */
static bool is_tie(const TokenList *got, const int32_t *want, int64_t n)
{
    double difference = 0;
    if (got->n != n) return false;
    for (int64_t i = 0; i < n; i++)
        difference += (double)scores[got->ids[i]] - (double)scores[want[i]];
    return difference > -1e-9 && difference < 1e-3;
}

/* Checks the texts, which the separator ends, against the lines of ids. Returns the line after. */
static const char *check_texts(const Case *c, const char *text, const char *separator, int n,
                               const char *line, int *n_ties)
{
    static int32_t want[1 << 16];
    for (int i = 0; i < n; i++) {
        const char *end = strstr(text, separator);
        assert_non_null(end);
        Err err;
        TokenList l = {0};
        MUST(tokenizer_encode(c->t, text, (size_t)(end - text), (EncodeOptions){false, false}, &l,
                              &err), &err);
        int64_t n_want = 0;
        for (char *next; *line != '\n'; line = next)
            want[n_want++] = (int32_t)strtol(line, &next, 10);
        line++;
        if (l.n != n_want || (n_want && memcmp(l.ids, want, (size_t)n_want * sizeof *want) != 0)) {
            if (!is_tie(&l, want, n_want))
                FAILED("text %d '%.*s': other ids", i, (int)(end - text), text);
            ++*n_ties;
        }
        tokens_close(&l);
        text = end + strlen(separator);
    }
    return line;
}

static void two_models_give_the_ids_of_the_library(void **state)
{
    (void)state;
    static const char *const models[][2] = {
        {DATA "tokenizers/sentencepiece/test_model.model", DATA "tokenizers/sentencepiece/botchan.txt"},
        {DATA "tokenizers/sentencepiece/test_ja_model.model",
         DATA "tokenizers/sentencepiece/wagahaiwa_nekodearu.txt"}};
    size_t n;
    char *cases = read_all(DATA "ggml-vocab/ggml-vocab-bert-bge.gguf.inp", &n);
    char *ids = read_all("tests/golden/unigram_ids.txt", &n);
    const char *line = ids;
    int n_ties = 0;
    for (int i = 0; i < 2; i++) {
        char *model = read_all(models[i][0], &n);
        Case c;
        case_open(&c, from_model((unsigned char *)model, (unsigned char *)model + n));
        char *book = read_all(models[i][1], &n);
        line = check_texts(&c, cases, "\n__ggml_vocab_test__\n", N_CASES, line, &n_ties);
        line = check_texts(&c, book, "\n", N_LINES, line, &n_ties);
        case_close(&c);
        free(model);
        free(book);
    }
    assert_int_equal(*line, 0);
    assert_in_range(n_ties, 0, 4);
    free(cases);
    free(ids);
}

static void a_megabyte_of_one_character_takes_less_than_a_second(void **state)
{
    (void)state;
    static const char *const units[] = {"a", " ", "\n", "A", "1", "'", "é", "你", "\xFF", "\xCC\x81",
                                        " x", ".", "の", "\xEF\xB7\xBA"};
    enum { N = 1 << 20 };
    size_t n;
    char *model = read_all(DATA "tokenizers/sentencepiece/test_ja_model.model", &n);
    Case c;
    case_open(&c, from_model((unsigned char *)model, (unsigned char *)model + n));
    char *text = malloc(N);
    assert_non_null(text);
    double slowest = 0;
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        Err err;
        TokenList l = {0};
        for (size_t k = 0; k < N; k++) text[k] = units[u][k % strlen(units[u])];
        clock_t start = clock(); /* processor time: other programs do not count */
        MUST(tokenizer_encode(c.t, text, N, (EncodeOptions){true, true}, &l, &err), &err);
        double s = (double)(clock() - start) / CLOCKS_PER_SEC;
        slowest = s > slowest ? s : slowest;
        tokens_close(&l);
    }
    print_message("slowest megabyte %.2f s\n", slowest);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(slowest < 1.0);
#endif
    free(text);
    free(model);
    case_close(&c);
}

static int open_kernels(void **state)
{
    (void)state;
    layer5_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_models_give_the_ids_of_the_library),
        cmocka_unit_test(a_megabyte_of_one_character_takes_less_than_a_second),
    };
    return cmocka_run_group_tests(tests, open_kernels, NULL);
}
