/* hf_vocab_unigram.c: a Unigram model of tokenizer.json: texts with scores, and SentencePiece's table of characters.
 *
 * SentencePiece's own settings are two: runs of blanks become one, and a text begins with one. tokenizer.json says
 * the same as a pipeline of steps, of which there are many that are no such setting. What is read here are the two
 * forms that converters of SentencePiece vocabularies write:
 *
 *   Precompiled                          | WhitespaceSplit, Metaspace   (T5, XLM-R)
 *   Precompiled, Strip, Replace " {2,}"  | Metaspace                    (others)
 *
 * In both, words are cut before tokens are chosen; that is only the same if no token spans two words. What no token
 * covers is unknown, or with byte_fallback its bytes: tokens "<0x00>" to "<0xFF>". */
#include "hf_vocab_impl.h"

#include <math.h>
#include <string.h>

#define SIGN "\xE2\x96\x81" /* U+2581 */
enum { MAX_CHARSMAP = 16 << 20 };

typedef struct {
    bool table, strip, join, words, sign;
} Steps;

/* ---------------------------------------------------------------- base64 */

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters are three bytes; the end is filled with '='. Source: RFC 4648, section 4. */
static Status decode_base64(HfVocab *v, Str s, Str *out, Err *err)
{
    while (s.len && s.ptr[s.len - 1] == '=') s.len--;
    if (s.len > MAX_CHARSMAP)
        return fail(err, E_LIMIT, "tokenizer.json: a table of characters of %zu bytes (limit %d). HINT: no real one is so "
                    "large", s.len, MAX_CHARSMAP);
    char *to = ARENA_NEW(&v->m->arena, char, (int64_t)s.len + 1);
    if (!to) return fail(err, E_MEMORY, "no memory for a table of characters");
    *out = (Str){to, 0};
    uint32_t bits = 0;
    for (size_t i = 0; i < s.len; i++) {
        int d = digit(s.ptr[i]);
        if (d < 0) return hf_vocab_damaged("the table of characters is not base64", err);
        bits = bits << 6 | (uint32_t)d;
        if (i % 4) to[out->len++] = (char)(bits >> (6 - 2 * (i % 4)));
    }
    return OK;
}

/* ---------------------------------------------------------------- the pipeline */

static Status add_normaliser(HfVocab *v, Steps *s, JsonView part, Err *err)
{
    JsonView type = jsonview_get(part, "type"), map = jsonview_get(part, "precompiled_charsmap");
    JsonView pattern = jsonview_get(jsonview_get(part, "pattern"), "Regex"), to = jsonview_get(part, "content");
    Str text;
    if (jsonview_is(type, "Precompiled") && !s->table && !s->strip && !s->join) {
        TRY(jsonview_text(map, &v->m->arena, &text, err));
        s->table = true;
        return decode_base64(v, text, &v->charsmap, err);
    }
    if (jsonview_is(type, "Strip") && jsonview_true(jsonview_get(part, "strip_right"))) {
        s->strip = true;
        return OK;
    }
    if (jsonview_is(type, "Replace") && jsonview_is(pattern, " {2,}")) {
        TRY(jsonview_text(to, &v->m->arena, &text, err));
        s->join = str_is(text, " ") || str_is(text, SIGN);
        if (s->join) return OK;
    }
    return hf_vocab_no_form("the normaliser", type, err);
}

static Status add_cutter(HfVocab *v, Steps *s, JsonView part, Err *err)
{
    JsonView type = jsonview_get(part, "type"), scheme = jsonview_get(part, "prepend_scheme");
    JsonView old = jsonview_get(part, "add_prefix_space");
    Str sign;
    if (jsonview_is(type, "WhitespaceSplit") && !s->sign) {
        s->words = true;
        return OK;
    }
    if (!jsonview_is(type, "Metaspace") || s->sign) return hf_vocab_no_form("the pre-tokenizer", type, err);
    TRY(jsonview_text(jsonview_get(part, "replacement"), &v->m->arena, &sign, err));
    s->sign = true;
    if (str_is(sign, SIGN) && (scheme.s ? jsonview_is(scheme, "always") : jsonview_true(old))) return OK;
    return hf_vocab_no_form("a Metaspace that does not put U+2581 before every text, but", scheme, err);
}

static Status read_steps(HfVocab *v, Err *err)
{
    JsonView root = v->m->tokenizer.root, item;
    JsonView normal = jsonview_get(root, "normalizer"), list = jsonview_get(normal, "normalizers");
    JsonView pre = jsonview_get(root, "pre_tokenizer"), cutters = jsonview_get(pre, "pretokenizers");
    Steps s = {0};
    if (!list.s && jsonview_kind(normal) == JSON_DICT) TRY(add_normaliser(v, &s, normal, err));
    for (JsonWalk w = jsonview_walk(list); jsonview_next(&w, NULL, &item);) TRY(add_normaliser(v, &s, item, err));
    if (!cutters.s) TRY(add_cutter(v, &s, pre, err));
    for (JsonWalk w = jsonview_walk(cutters); jsonview_next(&w, NULL, &item);) TRY(add_cutter(v, &s, item, err));
    if (s.table && s.sign && (s.words || (s.strip && s.join))) return OK;
    return fail(err, E_UNSUPPORTED, "tokenizer.json: a Unigram model with %s has no GGUF form. HINT: known are Precompiled "
                "with WhitespaceSplit, or with Strip and Replace of \" {2,}\"; both with Metaspace",
                !s.table ? "no table of characters (Precompiled)" : !s.sign ? "no Metaspace" : "runs of blanks kept");
}

/* ---------------------------------------------------------------- the vocabulary */

/* True if a blank's sign follows something else: a token of two words. */
static bool spans_words(Str s)
{
    bool other = false;
    for (size_t i = 0; i < s.len; i++) {
        bool sign = s.len - i >= 3 && memcmp(s.ptr + i, SIGN, 3) == 0;
        if (sign && other) return true;
        if (sign) i += 2;
        else other = true;
    }
    return false;
}

/* [["text", score], ...]; the place is the id. */
static Status read_scored(HfVocab *v, JsonView list, Err *err)
{
    JsonView item, text, score;
    int64_t id = 0;
    if (jsonview_kind(list) != JSON_LIST) return hf_vocab_damaged("the model has no vocab", err);
    for (JsonWalk w = jsonview_walk(list); jsonview_next(&w, NULL, &item); id++) {
        JsonWalk pair = jsonview_walk(item);
        double value;
        Str s;
        if (!jsonview_next(&pair, NULL, &text) || !jsonview_next(&pair, NULL, &score) || !jsonview_number(score, &value))
            return hf_vocab_damaged("a token is no pair of text and score", err);
        TRY(jsonview_text(text, &v->m->arena, &s, err));
        TRY(hf_vocab_set(v, id, s, HF_NORMAL, err));
        v->scores[id] = (float)value;
        if (!isfinite(v->scores[id])) return hf_vocab_damaged("a score is no finite number", err);
    }
    return OK;
}

Status hf_vocab_unigram(HfVocab *v, JsonView model, Err *err)
{
    v->kind = "t5";
    v->pre = "default";
    v->has_scores = true;
    v->add_space = v->merge_spaces = 1;
    TRY(read_steps(v, err));
    TRY(read_scored(v, jsonview_get(model, "vocab"), err));
    TRY(hf_vocab_added(v, err));
    for (int64_t i = 0; i < v->n; i++)
        if (v->types[i] == HF_NORMAL && spans_words(v->texts[i]))
            return fail(err, E_UNSUPPORTED, "tokenizer.json: the token '%.*s' spans two words, which are cut before. HINT: such "
                        "vocabularies have no GGUF form", STR_ARG(v->texts[i]));
    if (hf_vocab_find(v, (Str){SIGN, 3}) < 0)
        return fail(err, E_UNSUPPORTED, "tokenizer.json: a Unigram model without a token for the blank (U+2581) has no GGUF "
                    "form. HINT: the vocabularies of SentencePiece have one");
    if (!jsonview_int(jsonview_get(model, "unk_id"), 0, v->n - 1, &v->unk))
        return hf_vocab_damaged("a Unigram model without an unknown token", err);
    v->types[v->unk] = HF_UNKNOWN;
    if (!jsonview_true(jsonview_get(model, "byte_fallback"))) return OK;
    int n = hf_vocab_mark_bytes(v);
    if (n == 256) return OK;
    return fail(err, E_UNSUPPORTED, "tokenizer.json: a Unigram model falls back on bytes, but has tokens for %d of 256. HINT: "
                "such vocabularies have no GGUF form", n);
}
