/* hf_vocab_pieces.c: a WordPiece model of tokenizer.json, as BERT has it, or of vocab.txt, as it had before.
 *
 *   there   "word"   "##ing"   "[SEP]"
 *   here    "\u2581word"  "ing"  "[SEP]"     the sign of a blank marks what begins a word */
#include "hf_vocab_impl.h"

#include <string.h>

#define SIGN "\xE2\x96\x81" /* U+2581 */

/* A setting that must be as it always is; absent is as always. */
static Status must_be(JsonView part, const char *name, bool as_always, Err *err)
{
    return as_always ? OK : hf_vocab_no_form(name, jsonview_get(part, name), err);
}

static Status read_pipeline(HfVocab *v, JsonView model, Err *err)
{
    JsonView root = v->m->tokenizer.root;
    JsonView normal = jsonview_get(root, "normalizer"), pre = jsonview_get(root, "pre_tokenizer");
    JsonView prefix = jsonview_get(model, "continuing_subword_prefix"), longest = jsonview_get(model, "max_input_chars_per_word");
    JsonView clean = jsonview_get(normal, "clean_text"), chinese = jsonview_get(normal, "handle_chinese_chars");
    JsonView accents = jsonview_get(normal, "strip_accents");
    int64_t n = 100;
    if (!jsonview_is(jsonview_get(normal, "type"), "BertNormalizer"))
        return hf_vocab_no_form("the normaliser of a WordPiece model", jsonview_get(normal, "type"), err);
    if (!jsonview_is(jsonview_get(pre, "type"), "BertPreTokenizer"))
        return hf_vocab_no_form("the pre-tokenizer of a WordPiece model", jsonview_get(pre, "type"), err);
    TRY(must_be(model, "continuing_subword_prefix", !prefix.s || jsonview_is(prefix, "##"), err));
    TRY(must_be(model, "max_input_chars_per_word", !longest.s || (jsonview_int(longest, 0, 1 << 20, &n) && n == 100), err));
    TRY(must_be(normal, "clean_text", !clean.s || jsonview_true(clean), err));
    TRY(must_be(normal, "handle_chinese_chars", !chinese.s || jsonview_true(chinese), err));
    JsonView lower = jsonview_get(normal, "lowercase");
    v->lowercase = !lower.s || jsonview_true(lower);
    v->strip_accents = jsonview_kind(accents) == JSON_BOOL ? jsonview_true(accents) : v->lowercase;
    return OK;
}

/* A text as files have it; special tokens and what stands in brackets stay. */
static Status rename_token(HfVocab *v, int64_t i, Err *err)
{
    Str s = v->texts[i];
    if (!s.ptr || v->types[i] != HF_NORMAL || (s.len > 1 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']')) return OK;
    if (s.len > 2 && memcmp(s.ptr, "##", 2) == 0) {
        v->texts[i] = (Str){s.ptr + 2, s.len - 2};
        return OK;
    }
    char *text = ARENA_NEW(&v->m->arena, char, (int64_t)s.len + 3);
    if (!text) return fail(err, E_MEMORY, "no memory for the text of a token");
    memcpy(text, SIGN, 3);
    memcpy(text + 3, s.ptr, s.len);
    v->texts[i] = (Str){text, s.len + 3};
    return OK;
}

Status hf_vocab_pieces(HfVocab *v, JsonView model, Err *err)
{
    Str unk;
    v->kind = "bert";
    v->pre = "default";
    TRY(read_pipeline(v, model, err));
    TRY(hf_vocab_read(v, model, err));
    TRY(hf_vocab_added(v, err));
    TRY(jsonview_text(jsonview_get(model, "unk_token"), &v->m->arena, &unk, err));
    v->unk = hf_vocab_find(v, unk);
    if (v->unk < 0) return hf_vocab_damaged("a WordPiece model without an unknown token", err);
    for (int64_t i = 0; i < v->n; i++) TRY(rename_token(v, i, err));
    return OK;
}

/* ---------------------------------------------------------------- vocab.txt */

/* The settings that tokenizer.json would have, in tokenizer_config.json. */
static Status read_settings(HfVocab *v, Err *err)
{
    JsonView root = v->m->tokenizer_config.root;
    JsonView lower = jsonview_get(root, "do_lower_case"), accents = jsonview_get(root, "strip_accents");
    JsonView chinese = jsonview_get(root, "tokenize_chinese_chars");
    if (jsonview_kind(chinese) == JSON_BOOL && !jsonview_true(chinese))
        return fail(err, E_UNSUPPORTED, "tokenizer_config.json: tokenize_chinese_chars off has no GGUF form. HINT: the models "
                    "of the BERT family have it on");
    v->lowercase = jsonview_kind(lower) == JSON_BOOL ? jsonview_true(lower) : 1;
    v->strip_accents = jsonview_kind(accents) == JSON_BOOL ? jsonview_true(accents) : v->lowercase;
    return OK;
}

/* A special token by its name, or as BERT calls it. */
static Status special_token(HfVocab *v, const char *key, const char *usual, int64_t *id, Err *err)
{
    JsonView value = jsonview_get(v->m->tokenizer_config.root, key);
    Str text = {usual, strlen(usual)};
    if (jsonview_kind(value) == JSON_DICT) value = jsonview_get(value, "content");
    if (jsonview_kind(value) == JSON_TEXT) TRY(jsonview_text(value, &v->m->arena, &text, err));
    *id = hf_vocab_find(v, text);
    if (*id >= 0) v->types[*id] = HF_CONTROL;
    return OK;
}

/* A token a line; the line's number is the id. */
Status hf_vocab_from_lines(HfVocab *v, const char *text, size_t n, Err *err)
{
    int64_t id = 0, other;
    v->kind = "bert";
    v->pre = "default";
    TRY(read_settings(v, err));
    for (const char *s = text, *end = text + n; s < end; id++) {
        const char *stop = memchr(s, '\n', (size_t)(end - s)), *next = stop ? stop + 1 : end;
        if (!stop) stop = end;
        while (stop > s && stop[-1] == '\r') stop--;
        char *copy = arena_strndup(&v->m->arena, s, (size_t)(stop - s));
        if (!copy) return fail(err, E_MEMORY, "no memory for the text of a token");
        TRY(hf_vocab_set(v, id, (Str){copy, (size_t)(stop - s)}, HF_NORMAL, err));
        s = next;
    }
    TRY(special_token(v, "unk_token", "[UNK]", &v->unk, err));
    TRY(special_token(v, "cls_token", "[CLS]", &v->frame[0], err));
    TRY(special_token(v, "sep_token", "[SEP]", &v->frame[1], err));
    TRY(special_token(v, "pad_token", "[PAD]", &other, err));
    TRY(special_token(v, "mask_token", "[MASK]", &v->mask, err));
    if (other >= 0) v->pad = other;
    if (v->unk < 0 || v->frame[0] < 0 || v->frame[1] < 0)
        return fail(err, E_FORMAT, "vocab.txt has no %s. HINT: tokenizer_config.json may name other special tokens",
                    v->unk < 0 ? "[UNK]" : v->frame[0] < 0 ? "[CLS]" : "[SEP]");
    for (int64_t i = 0; i < v->n; i++) TRY(rename_token(v, i, err));
    return OK;
}
