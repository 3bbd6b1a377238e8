/* lesson5_merges: watches two tokenizers at work, on vocabularies of a few lines each: which pairs
 * merge and in which order, what becomes of a character that no token knows, and what it costs to
 * look at every pair again and again. --plain leaves out colours and timings. */
#include "layer5_kernels.h"
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name;
    bool by_score;           /* SPM writes a space as an underscore sign, BPE keeps it a byte */
    const char *merged[16];  /* texts, best first; a pair that makes one of them may merge */
    int64_t n_asked;
} Vocabulary;

static Vocabulary spm = {"SPM, best score first", true,
    {"er", "▁l", "▁lo", "low", "▁low", "est", "▁n", "ew", "▁new", "es", "st", "é", "▁lower", "▁"}, 0};
static Vocabulary bpe = {"BPE, lowest rank first", false,
    {"lo", "low", " low", "er", "ne", "new", "es", "est", " new", " l", " n", "é"}, 0};
static bool plain;

static uint32_t place(const Vocabulary *v, const char *text, size_t n)
{
    for (uint32_t i = 0; i < 16 && v->merged[i]; i++)
        if (strlen(v->merged[i]) == n && !memcmp(v->merged[i], text, n)) return i;
    return BPE_NO_MERGE;
}

/* The pair function: a pair is as urgent as its joined text stands high in the list. */
static uint32_t look_up(const BpeRules *r, const BpeSymbol *a, const BpeSymbol *b, int32_t *id)
{
    Vocabulary *v = (Vocabulary *)(uintptr_t)r->ctx;
    v->n_asked++;
    return (uint32_t)(*id = (int32_t)place(v, r->text + a->start, a->len + b->len));
}

/* Symbols as blocks, in turn light and dark. What is no token is written byte by byte at the end. */
static void show(const Vocabulary *v, const char *text, const BpeSymbol *s, int64_t n, bool end)
{
    int64_t shown = 0;
    printf("   ");
    for (int64_t i = 0; i < n; i++) {
        const char *at = text + s[i].start, *stop = at + s[i].len;
        size_t step = end && place(v, at, s[i].len) == BPE_NO_MERGE ? 1 : s[i].len;
        for (; at < stop; at += step) {
            const char *colour = shown++ % 2 ? "\x1b[48;5;24m" : "\x1b[48;5;60m";
            printf("%s", !plain ? colour : shown > 1 ? "|" : "");
            if (utf8_valid_prefix(at, step) == step) printf("%.*s", (int)step, at);
            else printf("<%02X>", (unsigned char)*at);
        }
    }
    printf("%s   %lld\n", plain ? "" : "\x1b[0m", (long long)shown);
}

/* First symbols: characters for SPM, bytes for BPE. */
static int64_t cut(const Vocabulary *v, const char *text, size_t n, BpeSymbol *s)
{
    int64_t count = 0;
    for (size_t at = 0; at < n;) {
        int len = 1;
        if (v->by_score) utf8_decode(text + at, n - at, &len);
        s[count++] = (BpeSymbol){(uint32_t)at, (uint32_t)len, -1};
        at += (size_t)len;
    }
    return count;
}

/* One merge at a time, so that each can be seen. */
static void steps(Vocabulary *v, const char *text)
{
    BpeSymbol s[64];
    BpeRules rules = {look_up, v, text};
    int64_t n = cut(v, text, strlen(text), s);
    printf("\n%s; on the right the number of symbols\n", v->name);
    for (int64_t at = 0; at >= 0;) {
        uint32_t best = BPE_NO_MERGE;
        at = -1;
        for (int64_t i = 0; i + 1 < n; i++) {
            int32_t id;
            uint32_t p = look_up(&rules, &s[i], &s[i + 1], &id);
            if (p < best) best = p, at = i;
        }
        show(v, text, s, n, at < 0);
        if (at < 0) return;
        s[at].len += s[at + 1].len;
        memmove(s + at + 1, s + at + 2, (size_t)(--n - at - 1) * sizeof *s);
    }
}

/* Scan against heap on a line without any space. */
static void race(int64_t n)
{
    static char text[4096];
    static BpeSymbol s[4096];
    static uint64_t work[4096 * 4]; /* as bpe_merge_work_bytes() says */
    int64_t asked[2], ns[2], left = 0;
    for (int64_t i = 0; i < n; i++) text[i] = "newlower"[i % 8];
    for (int twin = 0; twin < 2; twin++) {
        BpeRules rules = {look_up, &bpe, text};
        cut(&bpe, text, (size_t)n, s);
        bpe.n_asked = 0, ns[twin] = -clock_ns();
        left = (twin ? bpe_merge_heap : bpe_merge_scan)(&rules, s, n, work);
        asked[twin] = bpe.n_asked, ns[twin] += clock_ns();
    }
    printf("   %5lld bytes -> %4lld tokens   asked for a pair: scan %8lld   heap %5lld", (long long)n,
           (long long)left, (long long)asked[0], (long long)asked[1]);
    if (!plain) printf("   time ratio %.0f", (double)ns[0] / (double)(ns[1] > 0 ? ns[1] : 1));
    printf("\n");
}

int main(int argc, char **argv)
{
    plain = argc > 1 && strcmp(argv[1], "--plain") == 0;
    steps(&spm, "▁lower▁newest");
    steps(&bpe, " lower newest");
    printf("\nWhat no token knows is bytes in the end: é has a token, ö and the smile have none\n");
    steps(&spm, "éö🙂");
    steps(&bpe, "éö🙂");
    printf("\nThe same merges, chosen by looking at all pairs (scan) or by a queue (heap)\n");
    for (int64_t n = 64; n <= 4096; n *= 4) race(n);
}
