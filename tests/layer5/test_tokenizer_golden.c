/* Real vocabularies against recorded ids, both merge variants; and back again. They are large, so
 * they are not part of this project: without them the tests are skipped. ROUND_TRIPS=1000000 makes
 * the round trip longer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer5.h"
#include "gguf_bytes.h"
#include "must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VOCABS "../shared/data/ggml-vocab/ggml-vocab-"

typedef struct {
    Gguf gguf;
    Arena arena;
    Tokenizer *t;
} Vocabulary;

static void open_vocabulary(Vocabulary *v, const char *name)
{
    char path[200];
    Err err;
    snprintf(path, sizeof path, VOCABS "%s.gguf", name);
    FILE *f = fopen(path, "rb");
    if (!f) skip();
    fclose(f);
    *v = (Vocabulary){0};
    MUST(gguf_open(&v->gguf, path, MAP_MMAP, &err), &err);
    double start = (double)clock_ns();
    MUST(tokenizer_open(&v->t, &v->arena, &v->gguf, &err), &err);
    print_message("%s: %d tokens opened in %.1f ms, %.1f MB, %d bytes without token\n", name,
                  tokenizer_n_vocab(v->t), ((double)clock_ns() - start) / 1e6,
                  (double)v->arena.reserved_bytes / 1e6, tokenizer_missing_bytes(v->t));
}

static void close_vocabulary(Vocabulary *v)
{
    tokenizer_close(v->t);
    gguf_close(&v->gguf);
    arena_close(&v->arena);
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = calloc(1, 1 << 16);
    assert_non_null(text);
    assert_in_range(fread(text, 1, 1 << 16, f), 1, (1 << 16) - 1);
    fclose(f);
    return text;
}

static void use(const char *list)
{
    Err err;
    MUST(kernels_use(list, &err), &err);
}

/* One text and the line with its ids. */
static void check_case(const Tokenizer *t, const char *text, size_t n, const char *line)
{
    Err err;
    TokenList l = {0};
    MUST(tokenizer_encode(t, text, n, (EncodeOptions){false, false}, &l, &err), &err);
    char *end;
    for (int64_t i = 0; i < l.n; i++) {
        long want = strtol(line, &end, 10);
        if (end == line || want != l.ids[i])
            FAILED("text '%.*s': id %lld is %d, not %ld", (int)n, text, (long long)i, l.ids[i],
                     want);
        line = end;
    }
    assert_int_equal(line[strspn(line, " ")], '\n');
    tokens_close(&l);
}

static void check_cases(const char *name, const char *variant)
{
    static const char separator[] = "\n__ggml_vocab_test__\n";
    char path[200];
    Vocabulary v;
    open_vocabulary(&v, name);
    use(variant);
    snprintf(path, sizeof path, VOCABS "%s.gguf.inp", name);
    char *texts = read_file(path);
    snprintf(path, sizeof path, VOCABS "%s.gguf.out", name);
    char *ids = read_file(path);
    int n_cases = 0;
    char *text = texts, *line = ids;
    for (; *line; n_cases++) {
        char *end = strstr(text, separator);
        if (!end) break;
        check_case(v.t, text, (size_t)(end - text), line);
        text = end + strlen(separator);
        line = strchr(line, '\n') + 1;
    }
    assert_int_equal(*line, 0);
    assert_int_equal(n_cases, 46);
    free(texts);
    free(ids);
    close_vocabulary(&v);
    use(NULL);
}

static const char *const WITH_CASES[] = {"llama-spm", "phi-3", "gpt-2", "falcon", "starcoder",
                                         "deepseek-coder"};
static void recorded_ids_come_out_of_word_pieces(void **state)
{
    (void)state;
    check_cases("bert-bge", "bpe_merge:heap"); /* merges nothing */
}

static const char *const ALL[] = {"llama-spm", "phi-3", "gpt-2", "falcon", "starcoder",
                                  "deepseek-coder", "baichuan", "gpt-neox"};

static void recorded_ids_come_out_with_the_heap(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof WITH_CASES / sizeof *WITH_CASES; i++)
        check_cases(WITH_CASES[i], "bpe_merge:heap");
}

static void recorded_ids_come_out_with_the_scan(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof WITH_CASES / sizeof *WITH_CASES; i++)
        check_cases(WITH_CASES[i], "bpe_merge:scan");
}

/* Up to 40 characters: letters, digits, white space, signs, other scripts, emoji, controls. */
static size_t random_text(Rng *r, char *out)
{
    static const uint32_t ranges[][2] = {
        {' ', ' '}, {'a', 'z'}, {'A', 'Z'}, {'0', '9'}, {'!', '/'}, {'\t', '\r'}, {0xA0, 0x24F},
        {0x300, 0x36F}, {0x370, 0x5FF}, {0x660, 0x669}, {0x1800, 0x180F}, {0x2000, 0x206F},
        {0x2190, 0x21FF}, {0x3000, 0x30FF}, {0x4E00, 0x9FFF}, {0xAC00, 0xD7A3},
        {0x1F600, 0x1F64F}, {0, 0x10FFFF}};
    size_t n = 0;
    for (uint64_t left = 1 + rng_below(r, 40); left > 0; left--) {
        const uint32_t *range = ranges[rng_below(r, sizeof ranges / sizeof *ranges)];
        uint32_t cp = range[0] + (uint32_t)rng_below(r, range[1] - range[0] + 1);
        if (cp == 0x2581) cp = 0x2580; /* SPM writes a space like this */
        n += (size_t)utf8_encode(cp, out + n);
    }
    return n;
}

/* Some vocabularies have no token for bytes that never occur in UTF-8, or give them the token of a
 * character that looks the same in the byte alphabet. */
static bool loses_a_byte(const Tokenizer *t, const char *text, size_t n)
{
    Err err;
    TokenList l = {0};
    Buf back = {0};
    bool lost = false;
    for (size_t i = 0; i < n && !lost; i++) {
        l.n = 0;
        buf_clear(&back);
        MUST(tokenizer_encode(t, text + i, 1, (EncodeOptions){false, false}, &l, &err), &err);
        MUST(tokenizer_decode(t, l.ids, l.n, true, false, &back, &err), &err);
        lost = back.len != 1 || back.data[0] != text[i];
    }
    tokens_close(&l);
    buf_close(&back);
    return lost;
}

/* Text that contains what the vocabulary matches as special text is not a round trip's business. */
static bool has_user_defined(const Tokenizer *t, const TokenList *l)
{
    for (int64_t i = 0; i < l->n; i++)
        if (tokenizer_type(t, l->ids[i]) == TOKEN_USER_DEFINED) return true;
    return false;
}

static void decoding_undoes_encoding(void **state)
{
    (void)state;
    const char *env = getenv("ROUND_TRIPS");
    int64_t n_trips = env ? atoll(env) : 20000;
    for (size_t i = 0; i < sizeof ALL / sizeof *ALL; i++) {
        Vocabulary v;
        open_vocabulary(&v, ALL[i]);
        Err err;
        Rng r = rng_seed(42 + i);
        Buf back = {0};
        TokenList l = {0};
        char text[200];
        int64_t n_bytes = 0, n_ids = 0, start = (int64_t)clock_ns();
        for (int64_t k = 0; k < n_trips; k++) {
            size_t n = random_text(&r, text);
            l.n = 0;
            buf_clear(&back);
            MUST(tokenizer_encode(v.t, text, n, (EncodeOptions){false, false}, &l, &err), &err);
            MUST(tokenizer_decode(v.t, l.ids, l.n, true, false, &back, &err), &err);
            n_bytes += (int64_t)n;
            n_ids += l.n;
            if (back.len == n && (n == 0 || memcmp(back.data, text, n) == 0)) continue;
            if (tokenizer_adds_space_prefix(v.t) && has_user_defined(v.t, &l)) continue;
            if (loses_a_byte(v.t, text, n)) continue;
            FAILED("%s: '%.*s' came back as '%s'", ALL[i], (int)n, text, back.data);
        }
        print_message("%s: %lld round trips, %lld bytes, %lld ids, %.1f s\n", ALL[i],
                      (long long)n_trips, (long long)n_bytes, (long long)n_ids,
                      ((double)clock_ns() - (double)start) / 1e9);
        tokens_close(&l);
        buf_close(&back);
        close_vocabulary(&v);
    }
}

/* A long line is a long piece; nothing in it may take quadratic time, or recurse. */
static void a_megabyte_of_one_character_takes_less_than_a_second(void **state)
{
    (void)state;
    static const char *const units[] = {"a", " ", "\n", "A", "1", "'", "é", "你", "\xFF", "\xCC\x81",
                                        " x", "<", "🙂", " \n", "\t", "\r", "0", "e", "z", "Z", ".",
                                        "-", "_", "/", "\\", "\"", "(", "[", "{", "#", "$", "=", "+",
                                        "~", "ü", "ж", "ا", "अ", "ก", "が", "한", "\xC2\xA0", "€",
                                        "\x01"};
    enum { N = 1 << 20 };
    static char text[N]; /* a skip jumps out and would lose a malloc */
    static const char *const some[] = {"llama-spm", "gpt-2", "deepseek-coder", "bert-bge"};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        Vocabulary v;
        open_vocabulary(&v, some[i]);
        double slowest = 0;
        const char *worst = "";
        for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
            Err err;
            TokenList l = {0};
            Buf back = {0};
            size_t n = N - N % strlen(units[u]);
            for (size_t k = 0; k < n; k++) text[k] = units[u][k % strlen(units[u])];
            clock_t start = clock(); /* processor time: other programs do not count */
            MUST(tokenizer_encode(v.t, text, n, (EncodeOptions){false, true}, &l, &err), &err);
            double s = (double)(clock() - start) / CLOCKS_PER_SEC;
            if (s > slowest) slowest = s, worst = units[u];
            MUST(tokenizer_decode(v.t, l.ids, l.n, true, false, &back, &err), &err);
            bool exact = tokenizer_kind(v.t) != TOKENIZER_WPM;
            exact &= !tokenizer_adds_space_prefix(v.t) || !has_user_defined(v.t, &l);
            if (exact && !loses_a_byte(v.t, units[u], 1)) {
                assert_int_equal(back.len, n);
                assert_memory_equal(back.data, text, n);
            }
            tokens_close(&l);
            buf_close(&back);
        }
        print_message("%s: slowest megabyte %.2f s, of '%s'\n", some[i], slowest, worst);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        assert_true(slowest < 1.0);
#endif
        close_vocabulary(&v);
    }
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
        cmocka_unit_test(recorded_ids_come_out_with_the_heap),
        cmocka_unit_test(recorded_ids_come_out_with_the_scan),
        cmocka_unit_test(recorded_ids_come_out_of_word_pieces),
        cmocka_unit_test(decoding_undoes_encoding),
        cmocka_unit_test(a_megabyte_of_one_character_takes_less_than_a_second),
    };
    return cmocka_run_group_tests(tests, open_kernels, NULL);
}
