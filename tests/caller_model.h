/* caller_model.h: a model that thinks, calls a tool, and says what came of it; and nothing else.
 *
 * It is the wired model, which completes patterns (tools/mkwired.c), with other texts for some of its words and
 * a chat template that begins with the pattern. So what it says is known:
 *
 *   to a user    <think>Hmm</think><tool_call>{"name": "look", ...}</tool_call>
 *   to a result  Sunny!
 *
 * Conversations must stay short: its head looks back over some sixty tokens, and most letters are one.
 *
 * Include it after cmocka.h. */
#ifndef SIXFOLD_TESTS_CALLER_MODEL_H
#define SIXFOLD_TESTS_CALLER_MODEL_H

#include "embedded.h"
#include "layer5.h"
#include "must.h"

#include <string.h>

#define CALLER_JSON "{\"name\": \"look\", \"arguments\": {\"what\": \"sun\", \"times\": [1, 2]}}"
#define CALLER_TEMPLATE                                                                                          \
    "{{ 'ASK<think>Hmm</think><tool_call>" CALLER_JSON "</tool_call><|im_end|>TOLDSunny!<|im_end|>' }}"              \
    "{% for t in tools %}{{ t.function.name }} {% endfor %}"                                                     \
    "{% for m in messages %}{% if m.tool_calls %}{{ m.tool_calls[0].function.name }} {% else %}{{ m.content }} " \
    "{% endif %}{% endfor %}"                                                                                    \
    "{% if add_generation_prompt %}{{ 'TOLD' if messages[-1].role == 'tool' else 'ASK' }}{% endif %}"

static const char *caller_text(Str word)
{
    static const char *const texts[][2] = {
        {"\xE2\x96\x81" "cat", "<tool_call>"}, {"\xE2\x96\x81" "dog", CALLER_JSON},
        {"\xE2\x96\x81" "bird", "</tool_call>"}, {"\xE2\x96\x81" "fish", "<think>"}, {"\xE2\x96\x81" "saw", "Hmm"},
        {"\xE2\x96\x81" "ate", "</think>"}, {"\xE2\x96\x81" "sun", "Sunny!"}, {"\xE2\x96\x81" "red", "ASK"},
        {"\xE2\x96\x81" "old", "TOLD"}, {"\xE2\x96\x81" "moon", "<|im_end|>"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (str_is(word, texts[i][0])) return texts[i][1];
    return NULL;
}

static void caller_vocabulary(GgufWriter *w, const Gguf *g, Err *err)
{
    enum { MOST = 200 };
    Str texts[MOST];
    int32_t types[MOST];
    const GgufKv *words = gguf_find(g, "tokenizer.ggml.tokens"), *kinds = gguf_find(g, "tokenizer.ggml.token_type");
    assert_true(words && kinds && words->count <= MOST);
    GgufStrings it = gguf_strings(words);
    for (int64_t i = 0; i < words->count; i++) {
        assert_true(gguf_next_string(&it, &texts[i]));
        types[i] = (int32_t)gguf_array_int(kinds, i);
        const char *other = caller_text(texts[i]);
        if (!other) continue;
        texts[i] = (Str){other, strlen(other)};
        types[i] = strcmp(other, "<|im_end|>") == 0 ? TOKEN_CONTROL : TOKEN_USER_DEFINED;
    }
    MUST(gguf_put_strings(w, "tokenizer.ggml.tokens", texts, words->count, err), err);
    MUST(gguf_put_array(w, "tokenizer.ggml.token_type", GGUF_I32, types, words->count, err), err);
}

/* Writes the GGUF file. */
static void caller_write(const char *path)
{
    Gguf g;
    GgufWriter *w;
    Err err = {0};
    MUST(gguf_open_memory(&g, wired_model, wired_model_bytes, &err), &err);
    MUST(gguf_writer_open(&w, 64, &err), &err);
    for (int64_t i = 0; i < g.n_kv; i++)
        if (!str_is(g.kv[i].key, "tokenizer.ggml.tokens") && !str_is(g.kv[i].key, "tokenizer.ggml.token_type"))
            MUST(gguf_put_copy(w, &g.kv[i], &err), &err);
    caller_vocabulary(w, &g, &err);
    MUST(gguf_put_str(w, "tokenizer.chat_template", CALLER_TEMPLATE, &err), &err);
    for (int64_t i = 0; i < g.n_tensors; i++) {
        const GgufTensor *t = &g.tensors[i];
        char name[80];
        snprintf(name, sizeof name, "%.*s", STR_ARG(t->name));
        MUST(gguf_put_tensor(w, name, t->view.type, t->n_dims, t->view.ne, &err), &err);
    }
    MUST(gguf_write_header(w, path, &err), &err);
    for (int64_t i = 0; i < g.n_tensors; i++)
        MUST(gguf_write_data(w, g.tensors[i].view.data, (size_t)g.tensors[i].bytes, &err), &err);
    MUST(gguf_writer_finish(w, &err), &err);
    gguf_writer_close(w);
    gguf_close(&g);
}

#endif
