/* pretokenize.c: text is cut into words before merges are applied, so that none crosses a word.
 *
 * Each pattern is applied to every piece that the one before has made: matches become pieces, and
 * what lies between matches does too. Look-around sees the piece and nothing outside it.
 *
 * The patterns are regular expressions, run by PCRE2 with limits: what a pattern cannot do in bounded
 * time and memory is an error, never a crash. PCRE2 wants valid UTF-8. If the text is not, the
 * patterns run over a copy in which each invalid byte is U+FFFD, and the cuts are carried back. */
#include "tokenizer_impl.h"

#include <string.h>

enum {
    MATCH_LIMIT = 50 * 1000 * 1000,
    HEAP_LIMIT_KIB = 256 * 1024,
    JIT_STACK_BYTES = 128 * 1024 * 1024 /* reserved only if a match runs out of the usual 32 KiB */
};

static void *pcre_alloc(size_t n, void *ctx)
{
    (void)ctx;
    return mem_alloc(n);
}

static void pcre_free(void *p, void *ctx)
{
    (void)ctx;
    mem_free(p);
}

Status tokenizer_patterns_open(Tokenizer *t, Err *err)
{
    pcre2_general_context *general = pcre2_general_context_create(pcre_alloc, pcre_free, NULL);
    pcre2_compile_context *cc = general ? pcre2_compile_context_create(general) : NULL;
    Status status = cc ? OK : fail(err, E_MEMORY, "no memory to compile patterns");
    for (int i = 0; status == OK && i < MAX_PATTERNS && t->pre->patterns[i].pattern; i++) {
        int code;
        PCRE2_SIZE at;
        t->codes[i] = pcre2_compile((PCRE2_SPTR)t->pre->patterns[i].pattern, PCRE2_ZERO_TERMINATED,
                                    PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY, &code, &at, cc);
        if (!t->codes[i]) {
            /* The patterns are ours and a test compiles all: what is left is memory. */
            status = fail(err, E_MEMORY, "pattern %d of pre-tokenizer '%s': PCRE2 error %d at %zu",
                          i, t->pre->name, code, (size_t)at);
            break;
        }
        t->n_codes = i + 1;
        pcre2_jit_compile(t->codes[i], PCRE2_JIT_COMPLETE); /* refused: it is interpreted */
    }
    pcre2_compile_context_free(cc);
    pcre2_general_context_free(general);
    return status;
}

void tokenizer_patterns_close(Tokenizer *t)
{
    for (int i = 0; i < t->n_codes; i++) pcre2_code_free(t->codes[i]);
    t->n_codes = 0;
}

static Status prework_open(PreWork *w, Err *err)
{
    if (w->match) return OK;
    w->general = pcre2_general_context_create(pcre_alloc, pcre_free, NULL);
    if (w->general) w->context = pcre2_match_context_create(w->general);
    if (w->context) w->match = pcre2_match_data_create(1, w->general);
    if (!w->match) return fail(err, E_MEMORY, "no memory to match patterns");
    pcre2_set_match_limit(w->context, MATCH_LIMIT);
    pcre2_set_depth_limit(w->context, MATCH_LIMIT);
    pcre2_set_heap_limit(w->context, HEAP_LIMIT_KIB);
    return OK;
}

void tokenizer_prework_close(PreWork *w)
{
    pcre2_jit_stack_free(w->stack);
    pcre2_match_data_free(w->match);
    pcre2_match_context_free(w->context);
    pcre2_general_context_free(w->general);
    for (int i = 0; i <= MAX_PATTERNS; i++) buf_close(&w->cuts[i]);
    buf_close(&w->clean);
    *w = (PreWork){0};
}

/* The first match at or after `from`: *begin and *end, or *end = 0 if there is none. */
static Status next_match(PreWork *w, const pcre2_code *code, const char *s, size_t n, size_t from,
                         size_t *begin, size_t *end, Err *err)
{
    for (;;) {
        int rc = pcre2_match(code, (PCRE2_SPTR)s, n, from, PCRE2_NO_UTF_CHECK, w->match,
                             w->context);
        if (rc == PCRE2_ERROR_NOMATCH) {
            *end = 0;
            return OK;
        }
        if (rc == PCRE2_ERROR_JIT_STACKLIMIT && !w->stack) {
            w->stack = pcre2_jit_stack_create(32 * 1024, JIT_STACK_BYTES, w->general);
            pcre2_jit_stack_assign(w->context, NULL, w->stack);
            if (w->stack) continue;
        }
        if (rc < 0) {
            PCRE2_UCHAR text[120] = "";
            pcre2_get_error_message(rc, text, sizeof text);
            return fail(err, rc == PCRE2_ERROR_NOMEMORY ? E_MEMORY : E_LIMIT,
                        "cutting the text into words stopped at byte %zu of %zu: %s "
                        "HINT: one word of this text is too long; split it", from, n,
                        (const char *)text);
        }
        const PCRE2_SIZE *o = pcre2_get_ovector_pointer(w->match);
        if (o[1] > o[0]) {
            *begin = o[0];
            *end = o[1];
            return OK;
        }
        int used; /* an empty match cuts nothing; try at the next character */
        if (o[0] == n) {
            *end = 0;
            return OK;
        }
        utf8_decode(s + o[0], n - o[0], &used);
        from = o[0] + (size_t)used;
    }
}

static uint32_t last_cut(const Buf *cuts)
{
    uint32_t last = 0;
    if (cuts->len) memcpy(&last, cuts->data + cuts->len - sizeof last, sizeof last);
    return last;
}

static Status cut_at(Buf *cuts, size_t end, Err *err)
{
    uint32_t e = (uint32_t)end;
    return e > last_cut(cuts) ? buf_append(cuts, &e, sizeof e, err) : OK;
}

/* Cuts before every character of s that has a multiple of three characters from it to the end. */
static Status cut_threes(Buf *cuts, const char *s, size_t n, size_t base, Err *err)
{
    size_t left = 0;
    for (size_t i = 0; i < n; i++) left += (s[i] & 0xC0) != 0x80;
    for (size_t i = 0; i < n; i++) {
        if ((s[i] & 0xC0) == 0x80) continue;
        if (left-- % 3 == 0) TRY(cut_at(cuts, base + i, err));
    }
    return OK;
}

Status tokenizer_cut_piece(const Tokenizer *t, PreWork *w, int i, bool quick, const char *text,
                           size_t begin, size_t end, Buf *cuts, Err *err)
{
    TRY(prework_open(w, err));
    CutMode mode = t->pre->patterns[i].mode;
    bool words = quick && t->pre->patterns[i].words;
    const char *s = text + begin;
    size_t n = end - begin, b = 0, e = 0;
    for (size_t from = 0; from < n; from = e) {
        b = from;
        e = words ? tokenizer_plain_word(s, n, from) : 0;
        if (!e) TRY(next_match(w, t->codes[i], s, n, from, &b, &e, err));
        if (e == 0) break;
        if (mode != CUT_INSIDE) TRY(cut_at(cuts, begin + b, err));
        if (mode != CUT_MATCHES) TRY(cut_threes(cuts, s + b, e - b, begin + b, err));
        if (mode != CUT_INSIDE) TRY(cut_at(cuts, begin + e, err));
    }
    return cut_at(cuts, end, err);
}

/* PCRE2 counts U+180E among white space, Unicode does not since 6.3. In the copy it is U+200B, of the
 * same length and in no class of any pattern that U+180E is not in. */
static const char MONGOLIAN_SEPARATOR[] = "\xE1\xA0\x8E", ZERO_WIDTH_SPACE[] = "\xE2\x80\x8B",
                  REPLACEMENT[] = "\xEF\xBF\xBD";

static Status clean_copy(PreWork *w, const char *text, size_t n, Err *err)
{
    buf_clear(&w->clean);
    for (size_t i = 0; i < n;) {
        size_t valid = utf8_valid_prefix(text + i, n - i);
        const char *m = memmem(text + i, valid, MONGOLIAN_SEPARATOR, 3);
        if (m) valid = (size_t)(m - text) - i;
        TRY(buf_append(&w->clean, text + i, valid, err));
        i += valid;
        if (i == n) break;
        TRY(buf_append(&w->clean, m ? ZERO_WIDTH_SPACE : REPLACEMENT, 3, err));
        i += m ? 3 : 1;
    }
    return OK;
}

/* Cuts of the copy become cuts of the text: walk along both. */
static void carry_back(uint32_t *cuts, size_t n_cuts, const char *text, size_t n)
{
    size_t in_text = 0, in_copy = 0;
    for (size_t k = 0; k < n_cuts; k++) {
        while (in_copy < cuts[k]) {
            int used;
            uint32_t cp = utf8_decode(text + in_text, n - in_text, &used);
            in_text += (size_t)used;
            in_copy += cp == UTF8_BAD ? 3 : (size_t)used;
        }
        cuts[k] = (uint32_t)in_text;
    }
}

bool tokenizer_pre_takes(const char *text, size_t n)
{
    return utf8_valid_prefix(text, n) == n && !memmem(text, n, MONGOLIAN_SEPARATOR, 3);
}

Status tokenizer_pretokenize(const Tokenizer *t, PreWork *w, const char *text, size_t n,
                             const uint32_t **ends, int64_t *n_pieces, Err *err)
{
    /* 1. A copy, if PCRE2 cannot take the text as it is. */
    const char *s = text;
    size_t len = n;
    bool copied = !tokenizer_pre_takes(text, n);
    if (copied) {
        TRY(clean_copy(w, text, n, err));
        s = w->clean.data;
        len = w->clean.len;
    }

    /* 2. One piece; then pattern after pattern, from the first list of cuts into the second. */
    Buf *from = &w->cuts[0], *to = &w->cuts[1];
    buf_clear(from);
    TRY(cut_at(from, len, err));
    for (int i = 0; i < t->n_codes; i++) {
        buf_clear(to);
        size_t begin = 0;
        for (size_t k = 0; k < from->len / sizeof(uint32_t); k++) {
            size_t end = ((const uint32_t *)(const void *)from->data)[k];
            TRY(tokenizer_cut_piece(t, w, i, false, s, begin, end, to, err));
            begin = end;
        }
        Buf swap = *from;
        *from = *to;
        *to = swap;
    }

    /* 3. Back to the bytes of the text. */
    uint32_t *cuts = (uint32_t *)(void *)from->data;
    *n_pieces = (int64_t)(from->len / sizeof *cuts);
    if (copied) carry_back(cuts, (size_t)*n_pieces, text, n);
    *ends = cuts;
    return OK;
}
