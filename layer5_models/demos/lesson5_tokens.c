/* lesson5_tokens: the vocabulary of the storyteller at work: what it makes of a sentence, how a word grows
 * merge by merge, and what a text costs that is not like the texts it was learned from.
 * Nothing is timed, so --plain changes nothing; --plain 2: part 2 alone. */
#include "layer5.h"
#include "embedded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MERGES = 1 << 15, MAX_WORD = 64 };
static Model model; /* container and tokenizer alone: no weight is looked at */
static Str merges[MAX_MERGES]; /* "left right", first learned first */
static int n_merges;

static TokenList encoded(const char *text, bool parse_special)
{
    TokenList ids = {0};
    Err err;
    EncodeOptions opt = {.parse_special = parse_special};
    Status s = tokenizer_encode(model.tokenizer, text, strlen(text), opt, &ids, &err);
    CHECK(s == OK, "%s", err.text);
    return ids;
}

/* Texts as they are stored, in the byte alphabet, with their ids below. */
static void sentence(const char *text, bool parse_special)
{
    TokenList ids = encoded(text, parse_special);
    char below[512];
    int n = 0;
    printf("   ");
    for (int64_t i = 0; i < ids.n; i++) {
        Str s = tokenizer_text(model.tokenizer, ids.ids[i]);
        int columns = 0;
        for (size_t k = 0; k < s.len; k++) columns += (s.ptr[k] & 0xC0) != 0x80;
        int width = columns > 4 ? columns : 4;
        printf("%.*s%*s|", STR_ARG(s), width - columns, "");
        n += snprintf(below + n, sizeof below - (size_t)n, "%-*d ", width, ids.ids[i]);
    }
    printf("\n   %s\n\n", below);
    tokens_close(&ids);
}

static void sentences(void)
{
    printf("1. Texts, their tokens and ids; a blank is stored as Ġ, a line feed as Ċ\n\n");
    sentence("Once upon a time, there was a squirrel.", false);
    sentence("Once upon a quantum, 1024 qubits.\n", false);
    sentence("<|im_end|>", true); /* as a command, then as text that a user typed */
    sentence("<|im_end|>", false);
}

/* How early the merge of two neighbours was learned; -1 if it never was. */
static int rank_of(const char *left, int n_left, int n_right)
{
    for (int r = 0; r < n_merges; r++)
        if (merges[r].len == (size_t)(n_left + 1 + n_right) && merges[r].ptr[n_left] == ' ' &&
            !memcmp(merges[r].ptr, left, (size_t)n_left) &&
            !memcmp(merges[r].ptr + n_left + 1, left + n_left, (size_t)n_right))
            return r;
    return -1;
}

/* The word in the byte alphabet; symbol i is bytes start[i] to start[i + 1] - 1 of it. */
static void grow(const char *word)
{
    char text[2 * MAX_WORD];
    int start[MAX_WORD + 1], n = 0, rank = -1, at = 0;
    for (const char *p = word; *p; p++) {
        start[n++] = at;
        at += snprintf(text + at, sizeof text - (size_t)at, "%s", *p == ' ' ? "Ġ" : (char[2]){*p});
    }
    start[n] = at;
    for (;;) {
        printf(rank < 0 ? "   bytes      " : "   merge %4d ", rank);
        for (int i = 0; i < n; i++)
            printf("%s%.*s", i ? "|" : " ", start[i + 1] - start[i], text + start[i]);
        printf("\n");
        int best = -1;
        rank = n_merges;
        for (int i = 0; i + 1 < n; i++) {
            int r = rank_of(text + start[i], start[i + 1] - start[i], start[i + 2] - start[i + 1]);
            if (r >= 0 && r < rank) rank = r, best = i;
        }
        if (best < 0) break;
        memmove(start + best + 1, start + best + 2, (size_t)(n-- - best - 1) * sizeof *start);
    }
    TokenList ids = encoded(word, false);
    CHECK(ids.n == n, "the tokenizer has %d tokens for '%s', not %d", (int)ids.n, word, n);
    tokens_close(&ids);
    printf("\n");
}

static void words(void)
{
    printf("2. Words, merge by merge; merge 0 was learned first, as its pair was the most frequent\n\n");
    grow(" squirrel");
    grow(" quantum");
}

static void prices(void)
{
    static const char *const texts[] = {
        "\"Thank you!\" said Lily to her friend Tom.", "The committee adjourned without a decision.",
        "Der Ausschuss vertagte sich ergebnislos.", "if (x[i] > m) m = x[i];", "🙂🙃🙂🙃"};
    printf("3. What texts cost: bytes per token\n\n");
    for (int i = 0; i < 5; i++) {
        TokenList ids = encoded(texts[i], false);
        double ratio = (double)strlen(texts[i]) / (double)ids.n;
        printf("   %4.1f ", ratio);
        for (int k = 0; k < 16; k++) printf("%s", k < (int)(ratio * 3 + 0.5) ? "█" : " ");
        printf(" %s\n", texts[i]);
        tokens_close(&ids);
    }
}

int main(int argc, char **argv)
{
    static void (*const parts[3])(void) = {sentences, words, prices};
    int only = argc > 2 ? atoi(argv[2]) : 0;
    const GgufKv *kv = NULL;
    Err err;
    layer5_init();
    Status s = model_open_vocabulary(&model, NULL, storyteller_model, storyteller_model_bytes, MAP_AUTO, &err);
    if (s == OK) s = gguf_array(&model.gguf, "tokenizer.ggml.merges", GGUF_STRING, -1, &kv, &err);
    CHECK(s == OK && kv, "the storyteller's vocabulary: %s", s == OK ? "no merges" : err.text);
    GgufStrings strings = gguf_strings(kv);
    while (n_merges < MAX_MERGES && gguf_next_string(&strings, &merges[n_merges])) n_merges++;
    for (int i = 0; i < 3; i++)
        if (!only || only == i + 1) parts[i]();
    model_close(&model);
}
