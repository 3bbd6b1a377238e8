/* How text is cut before it is merged: for each name of tokenizer.ggml.pre that has case files but no
 * vocabulary, the ids of a small one must be those of the tokenizers library, which cuts by the patterns that
 * such models are published with (tests/fixtures/make_pre.py). Our own texts always, those of the case files
 * where they are. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tokenizer_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXTURES "tests/fixtures/pre/"
#define CASES    "../shared/data/ggml-vocab/ggml-vocab-"
enum { MAX_LINES = 1000 };

/* The whole file with a 0 behind it, or NULL; the caller frees. */
static char *read_all(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    char *s = calloc(1, 1 << 16);
    assert_non_null(s);
    size_t n = fread(s, 1, (1 << 16) - 1, f);
    assert_in_range(n, 1, (1 << 16) - 2);
    fclose(f);
    return s;
}

/* Lines become texts of their own; a sign for a new line becomes one. */
static size_t cut_lines(char *s, const char **lines)
{
    size_t n = 0;
    for (char *sign; (sign = strstr(s, "␤")); memmove(sign + 1, sign + 3, strlen(sign + 3) + 1)) *sign = 1;
    for (char *end; *s && (end = strchr(s, '\n')); s = end + 1) {
        assert_true(n < MAX_LINES);
        *end = 0;
        for (char *c = s; *c; c++)
            if (*c == 1) *c = '\n';
        lines[n++] = s;
    }
    return n;
}

static void open_vocabulary(Case *c, const char *pre)
{
    static const char *tokens[MAX_LINES], *merges[MAX_LINES];
    bool raw = strcmp(pre, "gemma4") == 0;
    char *token_text = read_all(raw ? FIXTURES "gemma4.tokens.txt" : FIXTURES "tokens.txt");
    char *merge_text = read_all(raw ? FIXTURES "gemma4.merges.txt" : FIXTURES "merges.txt");
    assert_true(token_text && merge_text);
    size_t n_tokens = cut_lines(token_text, tokens), n_merges = cut_lines(merge_text, merges);
    VocabBytes v = vb_open();
    vb_str(&v, "model", raw ? "gemma4" : "gpt2");
    if (!raw) vb_str(&v, "pre", pre);
    vb_texts(&v, "tokens", tokens, n_tokens);
    vb_texts(&v, "merges", merges, n_merges);
    case_open(c, v);
    free(token_text);
    free(merge_text);
}

/* Texts that end with a separator against lines of ids; returns where the lines go on. */
static const char *check(const Case *c, const char *pre, const char *text, const char *separator, const char *line, int *n)
{
    for (const char *end; (end = strstr(text, separator)); text = end + strlen(separator), ++*n) {
        const char *stop = strchr(line, '\n'), *got = ids_of(c, text, (size_t)(end - text), false, false);
        assert_non_null(stop);
        if (strlen(got) != (size_t)(stop - line) || memcmp(got, line, strlen(got)) != 0)
            FAILED("%s, text %d, '%.*s': %s instead of %.*s", pre, *n, (int)(end - text), text, got, (int)(stop - line), line);
        variants_agree(c, text, (size_t)(end - text));
        line = stop + 1;
    }
    return line;
}

static void ids_are_those_of_the_library(void **state)
{
    (void)state;
    static const struct { const char *pre, *cases; } all[] = {
        {"llama-bpe", "llama-bpe"}, {"qwen2", "qwen2"}, {"deepseek-r1-qwen", "deepseek-r1-qwen"}, {"qwen35", "qwen35"},
        {"roberta-bpe", "roberta-bpe"}, {"command-r", "command-r"}, {"chameleon", "chameleon"}, {"gemma4", "gemma-4"},
        {"deepseek-v3", "deepseek-r1-qwen"}, {"gpt-4o", "llama-bpe"}, {"tekken", "llama-bpe"}};
    char *own = read_all(FIXTURES "texts.txt");
    assert_non_null(own);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char path[128];
        Case c;
        int n = 0, more = 0;
        open_vocabulary(&c, all[i].pre);
        snprintf(path, sizeof path, FIXTURES "%s.ids", all[i].pre);
        char *ids = read_all(path);
        assert_non_null(ids);
        const char *line = check(&c, all[i].pre, own, "\n__text__\n", ids, &n);
        snprintf(path, sizeof path, CASES "%s.gguf.inp", all[i].cases);
        char *cases = read_all(path);
        if (cases) line = check(&c, all[i].pre, cases, "\n__ggml_vocab_test__\n", line, &more);
        if (cases) assert_int_equal(*line, 0);
        print_message("             %-16s %d texts of ours, %d of the case files\n", all[i].pre, n, more);
        assert_int_equal(n, 54);
        free(cases);
        free(ids);
        case_close(&c);
    }
    free(own);
}

static int open_kernels(void **state)
{
    (void)state;
    layer5_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ids_are_those_of_the_library)};
    return cmocka_run_group_tests(tests, open_kernels, NULL);
}
