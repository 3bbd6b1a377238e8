/* hf_vocab_json.c: tokenizer.json: what its four kinds of model have in common: texts with ids, tokens that were
 * added, and what is put before and after a text. */
#include "hf_vocab_impl.h"

#include <stdio.h>
#include <string.h>

Status hf_vocab_damaged(const char *what, Err *err)
{
    return fail(err, E_FORMAT, "tokenizer.json: %s. HINT: the file is damaged; fetch it again", what);
}

Status hf_vocab_no_form(const char *what, JsonView type, Err *err)
{
    Str name = type.s ? (Str){type.s, (size_t)(type.end - type.s)} : (Str){"(none)", 6};
    return fail(err, E_UNSUPPORTED, "tokenizer.json: %s %.*s has no GGUF form. HINT: a tokenizer.model beside it is taken "
                "first", what, (int)(name.len > 60 ? 60 : name.len), name.ptr);
}

bool hf_has_type(JsonView part, const char *list, const char *type)
{
    JsonView item;
    if (jsonview_is(jsonview_get(part, "type"), type)) return true;
    for (JsonWalk w = jsonview_walk(jsonview_get(part, list)); jsonview_next(&w, NULL, &item);)
        if (jsonview_is(jsonview_get(item, "type"), type)) return true;
    return false;
}

Status hf_vocab_read(HfVocab *v, JsonView model, Err *err)
{
    JsonView key, value;
    JsonView vocab = jsonview_get(model, "vocab");
    if (jsonview_kind(vocab) != JSON_DICT) return hf_vocab_damaged("the model has no vocab", err);
    for (JsonWalk w = jsonview_walk(vocab); jsonview_next(&w, &key, &value);) {
        int64_t id;
        Str text;
        TRY(jsonview_text(key, &v->m->arena, &text, err));
        if (!jsonview_int(value, 0, INT32_MAX, &id)) return hf_vocab_damaged("a token has no number", err);
        if (id < v->n && v->texts[id].ptr) return hf_vocab_damaged("two tokens of the model have the same id", err);
        TRY(hf_vocab_set(v, id, text, HF_NORMAL, err));
    }
    return OK;
}

Status hf_vocab_added(HfVocab *v, Err *err)
{
    JsonView item;
    for (JsonWalk w = jsonview_walk(jsonview_get(v->m->tokenizer.root, "added_tokens")); jsonview_next(&w, NULL, &item);) {
        int64_t id;
        Str text;
        TRY(jsonview_text(jsonview_get(item, "content"), &v->m->arena, &text, err));
        if (!jsonview_int(jsonview_get(item, "id"), 0, INT32_MAX, &id)) return hf_vocab_damaged("an added token has no id", err);
        bool special = jsonview_true(jsonview_get(item, "special")) || hf_looks_special(text);
        TRY(hf_vocab_set(v, id, text, special ? HF_CONTROL : HF_USER, err));
    }
    return OK;
}

int hf_vocab_mark_bytes(HfVocab *v)
{
    bool seen[256] = {0};
    int n = 0;
    for (int64_t i = 0; i < v->n; i++) {
        Str s = v->texts[i];
        char name[8];
        unsigned b = 0;
        if (s.len != 6 || memcmp(s.ptr, "<0x", 3) != 0) continue;
        memcpy(name, s.ptr, 6), name[6] = 0;
        if (sscanf(name, "<0x%2X>", &b) != 1 || b > 255) continue;
        snprintf(name, sizeof name, "<0x%02X>", b & 255);
        if (!str_is(s, name)) continue; /* small letters, blanks */
        v->types[i] = HF_BYTE;
        n += !seen[b];
        seen[b] = true;
    }
    return n;
}

/* ---------------------------------------------------------------- the frame of a text */

/* A special token of the frame, before (0) or after (1) the text: by name, or by ["name", id]. */
static Status frame_token(HfVocab *v, int side, JsonView name, Err *err)
{
    Str text;
    JsonWalk w = jsonview_walk(name);
    if (jsonview_kind(name) == JSON_LIST) jsonview_next(&w, NULL, &name);
    if (jsonview_kind(name) != JSON_TEXT) return hf_vocab_damaged("a special token around a text has no name", err);
    TRY(jsonview_text(name, &v->m->arena, &text, err));
    v->frame[side] = hf_vocab_find(v, text);
    v->n_frame[side]++;
    return OK;
}

/* What is put around a single text. */
static Status read_frame(HfVocab *v, Err *err)
{
    JsonView item, post = jsonview_get(v->m->tokenizer.root, "post_processor");
    static const char *const kinds[] = {"TemplateProcessing", "BertProcessing", "RobertaProcessing"};
    JsonWalk w = jsonview_walk(jsonview_get(post, "processors"));
    int kind = 3;
    do {
        JsonView type = jsonview_get(post, "type");
        for (kind = 0; kind < 3 && !jsonview_is(type, kinds[kind]); kind++) continue;
    } while (kind == 3 && jsonview_next(&w, NULL, &post));
    v->frame[0] = v->frame[1] = -1;
    if (kind == 1 || kind == 2) {
        TRY(frame_token(v, 0, jsonview_get(post, "cls"), err));
        TRY(frame_token(v, 1, jsonview_get(post, "sep"), err));
    }
    int side = 0;
    for (w = jsonview_walk(kind == 0 ? jsonview_get(post, "single") : (JsonView){0}); jsonview_next(&w, NULL, &item);) {
        JsonView token = jsonview_get(item, "SpecialToken");
        if (jsonview_get(item, "Sequence").s) side = 1;
        if (token.s) TRY(frame_token(v, side, jsonview_get(token, "id"), err));
    }
    v->add_bos = v->n_frame[0] > 0;
    v->add_eos = v->n_frame[1] > 0;
    return OK;
}

Status hf_vocab_from_json(HfVocab *v, const char *pre, Err *err)
{
    JsonView model = jsonview_get(v->m->tokenizer.root, "model"), type = jsonview_get(model, "type");
    /* Old files leave the type out. */
    bool bpe = type.s ? jsonview_is(type, "BPE") : jsonview_kind(jsonview_get(model, "merges")) == JSON_LIST;
    bool unigram = type.s ? jsonview_is(type, "Unigram") : jsonview_kind(jsonview_get(model, "vocab")) == JSON_LIST;
    bool pieces = type.s ? jsonview_is(type, "WordPiece") : jsonview_get(model, "continuing_subword_prefix").s && !bpe;
    if (bpe) TRY(hf_vocab_bpe(v, model, pre, err));
    else if (unigram) TRY(hf_vocab_unigram(v, model, err));
    else if (pieces) TRY(hf_vocab_pieces(v, model, err));
    else
        return fail(err, E_UNSUPPORTED, "tokenizer.json has a model of type %.*s; BPE, Unigram and WordPiece are known. "
                    "HINT: a tokenizer.model beside it is taken first",
                    type.s ? (int)(type.end - type.s > 30 ? 30 : type.end - type.s) : 6, type.s ? type.s : "(none)");
    TRY(read_frame(v, err));
    for (int i = 0; i < 2; i++)
        if (!bpe && v->n_frame[i] && v->frame[i] < 0)
            return hf_vocab_damaged("a special token around a text is not in the vocabulary", err);
    if (bpe || (v->n_frame[0] <= 1 && v->n_frame[1] <= 1 && (unigram || v->n_frame[0] + v->n_frame[1] == 2))) return OK;
    return fail(err, E_UNSUPPORTED, "tokenizer.json puts %d tokens before a text and %d after it; in GGUF, %s. HINT: such "
                "vocabularies have no GGUF form", v->n_frame[0], v->n_frame[1],
                unigram ? "a Unigram model has at most one on each side" : "WordPiece has one on each side");
}
