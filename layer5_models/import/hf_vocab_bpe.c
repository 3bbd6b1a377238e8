/* hf_vocab_bpe.c: a BPE model of tokenizer.json: over bytes (as GPT-2), or over characters with bytes as a
 * way out (as Llama 2, which GGUF keeps as a SentencePiece vocabulary: urgency becomes a score). */
#include "hf_vocab_impl.h"

#include <string.h>

/* "left right", or ["left", "right"] whose blanks become the sign for one. */
static Status read_merge(HfVocab *v, JsonView item, Str *out, Err *err)
{
    Arena *a = &v->m->arena;
    if (jsonview_kind(item) == JSON_TEXT) return jsonview_text(item, a, out, err);
    JsonView part;
    Str parts[2] = {{0}};
    int n = 0;
    for (JsonWalk w = jsonview_walk(item); jsonview_next(&w, NULL, &part); n++) {
        if (n == 2) return hf_vocab_damaged("a merge of three", err);
        TRY(jsonview_text(part, a, &parts[n], err));
    }
    if (n != 2) return hf_vocab_damaged("a merge that is no pair", err);
    char *copy = ARENA_NEW(a, char, 2 * (int64_t)(parts[0].len + parts[1].len) + 1), *to = copy;
    if (!copy) return fail(err, E_MEMORY, "no memory for a merge");
    for (int p = 0; p < 2; p++) {
        if (p) *to++ = ' ';
        for (size_t i = 0; i < parts[p].len; i++) {
            if (parts[p].ptr[i] == ' ') *to++ = (char)0xC4, *to++ = (char)0xA0;
            else *to++ = parts[p].ptr[i];
        }
    }
    *out = (Str){copy, (size_t)(to - copy)};
    return OK;
}

static Status read_merges(HfVocab *v, JsonView model, Err *err)
{
    JsonView item;
    JsonView list = jsonview_get(model, "merges");
    int64_t n = 0;
    if (jsonview_kind(list) != JSON_LIST) return hf_vocab_damaged("the model has no merges", err);
    for (JsonWalk w = jsonview_walk(list); jsonview_next(&w, NULL, NULL);) n++;
    v->merges = ARENA_NEW(&v->m->arena, Str, n + 1);
    if (!v->merges) return fail(err, E_MEMORY, "no memory for %lld merges", (long long)n);
    for (JsonWalk w = jsonview_walk(list); jsonview_next(&w, NULL, &item);)
        TRY(read_merge(v, item, &v->merges[v->n_merges++], err));
    return OK;
}

static Status no_such_token(int64_t r, Str part, Err *err)
{
    return fail(err, E_FORMAT, "tokenizer.json: merge %lld is of '%.*s', which is no token. HINT: the file is damaged; fetch "
                "it again", (long long)r + 1, (int)(part.len > 40 ? 40 : part.len), part.ptr);
}

/* Both halves of a merge are tokens and what it makes is one. A token's score is minus the rank of the first merge that
 * makes it, for those who want scores. */
static Status check_merges(HfVocab *v, Err *err)
{
    ImportIndex ix;
    Buf joined = {0};
    TRY(import_index_open(&ix, &v->m->arena, v->n, err));
    for (int64_t i = 0; i < v->n; i++)
        if (v->texts[i].ptr) *import_index_slot(&ix, v->texts, sizeof *v->texts, v->texts[i]) = (int32_t)i;
    Status status = OK;
    for (int64_t r = 0; status == OK && r < v->n_merges; r++) {
        Str s = v->merges[r];
        const char *blank = s.len > 1 ? memchr(s.ptr + 1, ' ', s.len - 1) : NULL;
        if (!blank) status = hf_vocab_damaged("a merge without a blank", err);
        if (status != OK) break;
        size_t left = (size_t)(blank - s.ptr);
        buf_clear(&joined);
        status = buf_append(&joined, s.ptr, left, err);
        if (status == OK) status = buf_append(&joined, blank + 1, s.len - left - 1, err);
        Str parts[3] = {{s.ptr, left}, {blank + 1, s.len - left - 1}, {joined.data, joined.len}};
        int32_t id = -1;
        for (int p = 0; status == OK && p < 3; p++)
            if ((id = *import_index_slot(&ix, v->texts, sizeof *v->texts, parts[p])) < 0) status = no_such_token(r, parts[p], err);
        if (status == OK && v->scores[id] == 0) v->scores[id] = -(float)(r + 1);
    }
    buf_close(&joined);
    return status;
}

/* ---------------------------------------------------------------- characters with bytes as a way out */

static Status finish_spm(HfVocab *v, JsonView model, Err *err)
{
    JsonView root = v->m->tokenizer.root, pre = jsonview_get(root, "pre_tokenizer");
    JsonView normalizer = jsonview_get(root, "normalizer");
    Str unk = {"", 0};
    v->kind = "llama";
    v->pre = "default";
    v->has_scores = true;
    if (jsonview_kind(jsonview_get(model, "unk_token")) == JSON_TEXT)
        TRY(jsonview_text(jsonview_get(model, "unk_token"), &v->m->arena, &unk, err));
    int64_t id = hf_vocab_find(v, unk);
    if (id >= 0) v->types[id] = HF_UNKNOWN;
    hf_vocab_mark_bytes(v);
    v->add_space = hf_has_type(normalizer, "normalizers", "Prepend") ||
                   (hf_has_type(pre, "pretokenizers", "Metaspace") && !jsonview_is(jsonview_get(pre, "prepend_scheme"), "never"));
    v->merges = NULL;
    return OK;
}

/* Words between white space, no bytes: a form that only --pre names, since it is not known from the file what
 * happens to characters without a token. Here they vanish. */
static Status finish_words(HfVocab *v, Err *err)
{
    JsonView normalizer = jsonview_get(v->m->tokenizer.root, "normalizer");
    v->kind = v->pre = "whitespace";
    v->lowercase = jsonview_is(jsonview_get(normalizer, "type"), "Lowercase");
    if (v->lowercase || jsonview_kind(normalizer) <= JSON_NULL) return OK;
    return hf_vocab_no_form("the normaliser", jsonview_get(normalizer, "type"), err);
}

Status hf_vocab_bpe(HfVocab *v, JsonView model, const char *pre, Err *err)
{
    JsonView root = v->m->tokenizer.root;
    bool bytes = hf_has_type(jsonview_get(root, "pre_tokenizer"), "pretokenizers", "ByteLevel") ||
                 hf_has_type(jsonview_get(root, "decoder"), "decoders", "ByteLevel");
    TRY(hf_vocab_read(v, model, err));
    TRY(read_merges(v, model, err));
    TRY(check_merges(v, err));
    TRY(hf_vocab_added(v, err));
    if (!bytes && jsonview_true(jsonview_get(model, "byte_fallback"))) return finish_spm(v, model, err);
    if (!bytes && pre && strcmp(pre, "whitespace") == 0) return finish_words(v, err);
    if (!bytes)
        return fail(err, E_UNSUPPORTED, "tokenizer.json merges neither bytes nor characters with bytes to fall back on. "
                    "HINT: such vocabularies have no GGUF form, save words between blanks: `convert --pre whitespace`");
    v->kind = "gpt2";
    v->pre = pre;
    return pre ? OK : hf_pre_find(v->m, &v->pre, err);
}
