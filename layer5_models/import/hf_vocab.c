/* hf_vocab.c: a vocabulary from whatever the directory has, its special tokens, and the chat template. */
#include "hf_vocab_impl.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_MODEL = 64 << 20, MAX_TEMPLATE = 1 << 20 };

Status hf_vocab_room(HfVocab *v, Err *err)
{
    Arena *a = &v->m->arena;
    v->n = v->m->n_vocab;
    v->texts = ARENA_NEW(a, Str, v->n);
    v->types = ARENA_NEW(a, int32_t, v->n);
    v->scores = ARENA_NEW(a, float, v->n);
    return v->texts && v->types && v->scores ? OK : fail(err, E_MEMORY, "no memory for %lld tokens", (long long)v->n);
}

Status hf_vocab_set(HfVocab *v, int64_t id, Str text, int type, Err *err)
{
    if (id < 0 || id >= v->n)
        return fail(err, E_FORMAT, "the token '%.*s' has the id %lld, the embedding has %lld rows. HINT: vocabulary and "
                    "weights are of different models", STR_ARG(text), (long long)id, (long long)v->n);
    v->texts[id] = text;
    v->types[id] = type;
    return OK;
}

/* Texts that no text should mean by accident. */
bool hf_looks_special(Str s)
{
    static const char *const known[] = {"<pad>", "<mask>", "<2mass>", "[@BOS@]"};
    static const char *const frames[][2] = {{"<|", "|>"}, {"<\xEF\xBD\x9C", "\xEF\xBD\x9C>"}, {"<unused", ">"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (str_is(s, known[i])) return true;
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        size_t a = strlen(frames[i][0]), b = strlen(frames[i][1]);
        if (s.len >= a + b && memcmp(s.ptr, frames[i][0], a) == 0 &&
            memcmp(s.ptr + s.len - b, frames[i][1], b) == 0)
            return true;
    }
    return false;
}

int64_t hf_vocab_find(const HfVocab *v, Str text)
{
    for (int64_t i = 0; text.len && i < v->n; i++)
        if (v->texts[i].len == text.len && memcmp(v->texts[i].ptr, text.ptr, text.len) == 0) return i;
    return -1;
}

/* ---------------------------------------------------------------- tokenizer_config.json and others */

/* {"1": {"content": "<s>", "special": true}, ...}: what older directories have beside tokenizer.model. */
static Status add_decoder(HfVocab *v, Err *err)
{
    JsonView key, value;
    JsonView dict = jsonview_get(v->m->tokenizer_config.root, "added_tokens_decoder");
    for (JsonWalk w = jsonview_walk(dict); jsonview_next(&w, &key, &value);) {
        int64_t id;
        Str text;
        JsonView number = {key.s + 1, key.end - 1};
        TRY(jsonview_text(jsonview_get(value, "content"), &v->m->arena, &text, err));
        if (!jsonview_int(number, 0, INT32_MAX, &id) || id >= v->n) continue;
        bool special = jsonview_true(jsonview_get(value, "special")) || hf_looks_special(text);
        if (v->types[id] == HF_UNKNOWN || v->types[id] == HF_BYTE) continue;
        TRY(hf_vocab_set(v, id, text, special ? HF_CONTROL : HF_USER, err));
    }
    return OK;
}

/* The id of a special token: by its text in tokenizer_config.json, else by number in the others. */
static Status find_special(HfVocab *v, const char *name, int64_t *id, Err *err)
{
    char key[32];
    Str text = {"", 0};
    const HfModel *m = v->m;
    snprintf(key, sizeof key, "%s_token", name);
    JsonView value = jsonview_get(m->tokenizer_config.root, key);
    if (jsonview_kind(value) == JSON_DICT) value = jsonview_get(value, "content");
    if (jsonview_kind(value) == JSON_TEXT) TRY(jsonview_text(value, &v->m->arena, &text, err));
    int64_t found = hf_vocab_find(v, text);
    snprintf(key, sizeof key, "%s_token_id", name);
    JsonView numbers[] = {jsonview_get(m->generation.root, key), hf_value(m, key)};
    for (int i = 0; i < 2 && found < 0; i++) {
        JsonWalk w = jsonview_walk(numbers[i]);
        if (jsonview_kind(numbers[i]) == JSON_LIST) jsonview_next(&w, NULL, &numbers[i]);
        jsonview_int(numbers[i], 0, v->n - 1, &found);
    }
    if (found >= 0) *id = found;
    return OK;
}

static void find_flag(const HfVocab *v, const char *name, int *flag)
{
    JsonView value = jsonview_get(v->m->tokenizer_config.root, name);
    if (jsonview_kind(value) == JSON_BOOL) *flag = jsonview_true(value);
}

/* ---------------------------------------------------------------- the template */

static Status put_template(GgufWriter *w, HfModel *m, const char *key, Str text, Err *err)
{
    char *copy = arena_strndup(&m->arena, text.ptr, text.len);
    if (!copy) return fail(err, E_MEMORY, "no memory for the chat template");
    if (text.len > MAX_TEMPLATE)
        return fail(err, E_LIMIT, "the chat template has %zu bytes (limit %d). HINT: no real one is so long", text.len,
                    MAX_TEMPLATE);
    return gguf_put_str(w, key, copy, err);
}

/* chat_template.jinja, or a text or a list of named texts in tokenizer_config.json. */
static Status put_templates(GgufWriter *w, HfModel *m, Err *err)
{
    char path[1024];
    MapFile file = {0};
    struct stat info;
    JsonView item, value = jsonview_get(m->tokenizer_config.root, "chat_template");
    Str text, name;
    snprintf(path, sizeof path, "%s/chat_template.jinja", m->dir);
    if (stat(path, &info) == 0) {
        TRY(map_open(&file, path, MAP_READ, err));
        Status s = put_template(w, m, "tokenizer.chat_template", (Str){(const char *)file.data, file.size}, err);
        map_close(&file);
        return s;
    }
    if (jsonview_kind(value) == JSON_TEXT) {
        TRY(jsonview_text(value, &m->arena, &text, err));
        return put_template(w, m, "tokenizer.chat_template", text, err);
    }
    for (JsonWalk walk = jsonview_walk(value); jsonview_next(&walk, NULL, &item);) {
        TRY(jsonview_text(jsonview_get(item, "name"), &m->arena, &name, err));
        TRY(jsonview_text(jsonview_get(item, "template"), &m->arena, &text, err));
        if (str_is(name, "default")) snprintf(path, sizeof path, "tokenizer.chat_template");
        else snprintf(path, sizeof path, "tokenizer.chat_template.%.*s", STR_ARG(name));
        TRY(put_template(w, m, path, text, err));
    }
    return OK;
}

/* ---------------------------------------------------------------- together */

static Status put_ids(GgufWriter *w, const HfVocab *v, Err *err)
{
    const struct { const char *key; int64_t id; } ids[] = {
        {"tokenizer.ggml.bos_token_id", v->bos}, {"tokenizer.ggml.eos_token_id", v->eos},
        {"tokenizer.ggml.unknown_token_id", v->unk}, {"tokenizer.ggml.padding_token_id", v->pad},
        {"tokenizer.ggml.cls_token_id", v->sep >= 0 ? v->bos : -1}, {"tokenizer.ggml.seperator_token_id", v->sep},
        {"tokenizer.ggml.mask_token_id", v->mask}};
    const struct { const char *key; int flag; } flags[] = {
        {"tokenizer.ggml.add_bos_token", v->add_bos}, {"tokenizer.ggml.add_eos_token", v->add_eos},
        {"tokenizer.ggml.add_space_prefix", v->add_space},
        {"tokenizer.ggml.remove_extra_whitespaces", v->merge_spaces},
        {"tokenizer.ggml.normalizer.lowercase", v->lowercase},
        {"tokenizer.ggml.normalizer.strip_accents", v->strip_accents}};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (ids[i].id >= 0) TRY(gguf_put_u32(w, ids[i].key, (uint32_t)ids[i].id, err));
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (flags[i].flag >= 0) TRY(gguf_put_bool(w, flags[i].key, flags[i].flag, err));
    return OK;
}

/* Rows of the embedding that no token has: padding that makes its size round. */
static Status fill_holes(HfVocab *v, Err *err)
{
    for (int64_t i = 0; i < v->n; i++) {
        if (v->texts[i].ptr) continue;
        char name[32];
        int n = snprintf(name, sizeof name, "[PAD%lld]", (long long)i);
        char *copy = arena_strndup(&v->m->arena, name, (size_t)n);
        if (!copy) return fail(err, E_MEMORY, "no memory for the name of token %lld", (long long)i);
        v->texts[i] = (Str){copy, (size_t)n};
        v->types[i] = HF_UNUSED;
        v->scores[i] = -10000;
    }
    return OK;
}

/* Whoever cuts by words or by probabilities says which tokens stand around a text; those are its bos and eos. */
static Status frame_ids(HfVocab *v, Err *err)
{
    bool pieces = strcmp(v->kind, "bert") == 0;
    if (pieces) {
        v->bos = v->frame[0];
        v->sep = v->frame[1];
        v->eos = -1;
        v->add_bos = v->add_eos = -1; /* always */
        return find_special(v, "mask", &v->mask, err);
    }
    if (strcmp(v->kind, "t5") != 0) return OK;
    v->add_bos = v->n_frame[0], v->add_eos = v->n_frame[1];
    if (v->add_bos) v->bos = v->frame[0];
    if (v->add_eos) v->eos = v->frame[1];
    return OK;
}

static Status put_all(GgufWriter *w, HfVocab *v, Err *err)
{
    TRY(find_special(v, "bos", &v->bos, err));
    TRY(find_special(v, "eos", &v->eos, err));
    TRY(find_special(v, "unk", &v->unk, err));
    TRY(find_special(v, "pad", &v->pad, err));
    find_flag(v, "add_bos_token", &v->add_bos);
    find_flag(v, "add_eos_token", &v->add_eos);
    TRY(frame_ids(v, err));
    TRY(fill_holes(v, err));
    TRY(gguf_put_str(w, "tokenizer.ggml.model", v->kind, err));
    if (v->pre) TRY(gguf_put_str(w, "tokenizer.ggml.pre", v->pre, err));
    TRY(gguf_put_strings(w, "tokenizer.ggml.tokens", v->texts, v->n, err));
    if (v->has_scores) TRY(gguf_put_array(w, "tokenizer.ggml.scores", GGUF_F32, v->scores, v->n, err));
    TRY(gguf_put_array(w, "tokenizer.ggml.token_type", GGUF_I32, v->types, v->n, err));
    if (v->merges) TRY(gguf_put_strings(w, "tokenizer.ggml.merges", v->merges, v->n_merges, err));
    if (v->charsmap.len)
        TRY(gguf_put_array(w, "tokenizer.ggml.precompiled_charsmap", GGUF_U8, v->charsmap.ptr, (int64_t)v->charsmap.len,
                           err));
    TRY(put_ids(w, v, err));
    return put_templates(w, v->m, err);
}

/* tokenizer.model or vocab.txt. */
static Status from_file(HfVocab *v, const char *path, bool lines, Err *err)
{
    MapFile file;
    TRY(map_open(&file, path, MAP_READ, err));
    Status s = file.size > MAX_MODEL ? fail(err, E_LIMIT, "%zu bytes (limit %d). HINT: no real vocabulary is so large",
                                            file.size, MAX_MODEL)
               : lines ? hf_vocab_from_lines(v, (const char *)file.data, file.size, err)
                       : hf_vocab_from_model(v, file.data, file.size, err);
    map_close(&file);
    if (s != OK) return fail_in(err, s, path);
    return add_decoder(v, err);
}

Status hf_put_vocabulary(GgufWriter *w, HfModel *m, const HfParams *p, Err *err)
{
    char path[1024];
    struct stat info;
    HfVocab v = {.m = m, .add_space = -1, .add_bos = -1, .add_eos = -1, .bos = -1, .eos = -1, .unk = -1,
                 .pad = -1, .merge_spaces = -1, .lowercase = -1, .strip_accents = -1, .sep = -1, .mask = -1};
    snprintf(path, sizeof path, "%s/tokenizer.model", m->dir);
    bool model = stat(path, &info) == 0;
    /* Of a Unigram model, tokenizer.json has the ids that the weights have; some families moved them. */
    if (jsonview_is(jsonview_get(jsonview_get(m->tokenizer.root, "model"), "type"), "Unigram")) model = false;
    bool lines = false;
    if (!model && !m->tokenizer.root.s) {
        snprintf(path, sizeof path, "%s/vocab.txt", m->dir);
        lines = stat(path, &info) == 0;
    }
    if (!model && !lines && !m->tokenizer.root.s) {
        m->notes.no_vocabulary = true;
        return gguf_put_str(w, "tokenizer.ggml.model", "none", err);
    }
    TRY(hf_vocab_room(&v, err));
    TRY(model || lines ? from_file(&v, path, lines, err) : hf_vocab_from_json(&v, p->pre, err));
    return put_all(w, &v, err);
}
