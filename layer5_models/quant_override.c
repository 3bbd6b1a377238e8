/* quant_override.c: "attn_v=q6_k": names of tensors chosen by regular expressions.
 *
 * A pattern comes from the command line and may be anything: PCRE2 compiles and runs it within limits
 * on length, time and memory, and what exceeds them is an error. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "quant_mix_impl.h"

#include <pcre2.h>

enum { MAX_PATTERN = 1000, MATCH_LIMIT = 1000 * 1000, HEAP_LIMIT_KIB = 16 * 1024 };

struct QuantMatcher {
    const QuantOverride *list;
    int n;
    pcre2_code **codes; /* [n] */
    pcre2_general_context *general;
    pcre2_match_context *context;
    pcre2_match_data *match;
    Arena arena;
};

static void *override_alloc(size_t n, void *ctx)
{
    (void)ctx;
    return mem_alloc(n);
}

static void override_free(void *p, void *ctx)
{
    (void)ctx;
    mem_free(p);
}

static Status compile(QuantMatcher *m, int i, pcre2_compile_context *cc, Err *err)
{
    int code;
    PCRE2_SIZE at;
    const char *pattern = m->list[i].pattern;
    m->codes[i] = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, 0, &code, &at, cc);
    if (m->codes[i]) return OK;
    if (code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED)
        return fail(err, E_MEMORY, "no memory for the pattern '%.100s'", pattern);
    unsigned char text[160] = "";
    pcre2_get_error_message(code, text, sizeof text);
    return fail(err, E_ARG, "the pattern '%.100s' is no regular expression: %s at character %zu. HINT: "
                "--tensor-type attn_v=q6_k, or 'blk\\.(0|1)\\.ffn_down=q5_k'", pattern, text,
                (size_t)at);
}

Status quant_matcher_open(QuantMatcher **out, const QuantOverride *list, int n, Err *err)
{
    *out = NULL;
    QuantMatcher *m = mem_alloc(sizeof *m);
    if (!m) return fail(err, E_MEMORY, "no memory for patterns");
    *m = (QuantMatcher){.list = list, .n = n};
    m->codes = ARENA_NEW(&m->arena, pcre2_code *, n);
    m->general = pcre2_general_context_create(override_alloc, override_free, NULL);
    pcre2_compile_context *cc = m->general ? pcre2_compile_context_create(m->general) : NULL;
    if (cc) m->context = pcre2_match_context_create(m->general);
    if (m->context) m->match = pcre2_match_data_create(1, m->general);
    Status s = m->codes && m->match ? OK : fail(err, E_MEMORY, "no memory for %d patterns", n);
    if (s == OK) {
        pcre2_set_max_pattern_length(cc, MAX_PATTERN);
        pcre2_set_match_limit(m->context, MATCH_LIMIT);
        pcre2_set_depth_limit(m->context, MATCH_LIMIT);
        pcre2_set_heap_limit(m->context, HEAP_LIMIT_KIB);
    }
    for (int i = 0; s == OK && i < n; i++) s = compile(m, i, cc, err);
    pcre2_compile_context_free(cc);
    if (s != OK) {
        quant_matcher_close(m);
        return s;
    }
    *out = m;
    return OK;
}

Status quant_matcher_find(QuantMatcher *m, Str name, int *which, Err *err)
{
    *which = -1;
    for (int i = 0; i < m->n && *which < 0; i++) {
        int n = pcre2_match(m->codes[i], (PCRE2_SPTR)name.ptr, name.len, 0, 0, m->match, m->context);
        if (n >= 0) *which = i;
        else if (n != PCRE2_ERROR_NOMATCH)
            return fail(err, E_ARG, "the pattern '%.100s' takes too long on '%.*s' (PCRE2 error %d). "
                        "HINT: avoid nested repetitions", m->list[i].pattern, STR_ARG(name), n);
    }
    return OK;
}

void quant_matcher_close(QuantMatcher *m)
{
    if (!m) return;
    for (int i = 0; m->codes && i < m->n; i++) pcre2_code_free(m->codes[i]);
    pcre2_match_data_free(m->match);
    pcre2_match_context_free(m->context);
    pcre2_general_context_free(m->general);
    arena_close(&m->arena);
    mem_free(m);
}
