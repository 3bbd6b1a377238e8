/* The model inside the binary is the one that the pages describe: its shape, its recipe and its template
 * are in the file, a story ends by itself, and a turn of a conversation does too. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer6.h"
#include "embedded.h"
#include "must.h"

#include <string.h>

static Model m;

static int open_storyteller(void **state)
{
    (void)state;
    Err err = {0};
    layer6_init();
    if (model_open_memory(&m, storyteller_model, storyteller_model_bytes, &err) == OK) return 0;
    print_error("%s\n", err.text);
    return -1;
}

static int close_storyteller(void **state)
{
    (void)state;
    model_close(&m);
    return 0;
}

static Str text_of(const char *key)
{
    Str s = {"", 0};
    Err err = {0};
    MUST(gguf_get_str(&m.gguf, key, &s, &err), &err);
    return s;
}

static void embedded_models_are_whole_files_on_vector_boundaries(void **state)
{
    (void)state;
    const void *const at[] = {storyteller_model, wired_model};
    const size_t bytes[] = {storyteller_model_bytes, wired_model_bytes};
    for (int i = 0; i < 2; i++) {
        Gguf g;
        Err err = {0};
        assert_int_equal((uintptr_t)at[i] % 64, 0);
        MUST(gguf_open_memory(&g, at[i], bytes[i], &err), &err);
        assert_int_equal((size_t)g.file_bytes, bytes[i]);
        gguf_close(&g);
        /* Not a byte of it can be spared. */
        assert_int_equal(gguf_open_memory(&g, at[i], bytes[i] - 1, &err), E_FORMAT);
    }
    assert_in_range(storyteller_model_bytes, 3500000, 4200000);
}

static void the_file_says_what_it_is_and_how_it_was_made(void **state)
{
    (void)state;
    Str name = text_of("general.name");
    assert_true(str_is(name, "storyteller"));
    assert_true(text_of("training.recipe").len > 20 && text_of("training.date").len == 10);
    Str chat = text_of("tokenizer.chat_template");
    assert_non_null(memmem(chat.ptr, chat.len, "<|im_start|>assistant", 21));
    assert_int_equal(m.hp.n_ctx_train, 256);
    assert_int_equal(m.hp.n_vocab, 2048);
    assert_int_equal(m.hp.n_layer, 4);
    assert_int_equal(m.hp.d_model, 256);
    assert_int_equal(tokenizer_n_vocab(m.tokenizer), 2048);
    assert_int_equal(tokenizer_missing_bytes(m.tokenizer), 0);
    assert_int_equal(m.weights.token_embd.type, DT_Q8_0);
}

static void texts_and_turns_end_generation(void **state)
{
    (void)state;
    static const struct { const char *text; bool ends; } rows[] = {
        {"<|end_of_text|>", true}, {"<|im_end|>", true}, {"<|im_start|>", false},
        {"<|begin_of_text|>", false}};
    for (int i = 0; i < 4; i++) {
        int32_t id = tokenizer_find(m.tokenizer, rows[i].text, strlen(rows[i].text));
        assert_true(id >= 0 && tokenizer_type(m.tokenizer, id) == TOKEN_CONTROL);
        assert_true(tokenizer_is_eog(m.tokenizer, id) == rows[i].ends);
    }
}

/* Greedy tokens after the prompt until the end of the text; -1 if the context is full before. */
static int64_t length_of(const char *prompt, int32_t *last)
{
    Generator g;
    TokenList ids = {0};
    Err err = {0};
    bool end = false;
    EncodeOptions opt = {.add_special = true, .parse_special = true};
    GeneratorParams p = {.n_ctx = m.hp.n_ctx_train, .n_ubatch = 64, .type_k = DT_F16, .type_v = DT_F16,
                         .sampling = {.repeat_penalty = 1, .top_p = 1}};
    MUST(tokenizer_encode(m.tokenizer, prompt, strlen(prompt), opt, &ids, &err), &err);
    MUST(generator_open(&g, &m, NULL, &p, NULL, &err), &err);
    MUST(generator_prompt(&g, ids.ids, ids.n, &err), &err);
    while (!end && g.tokens.n < p.n_ctx) MUST(generator_next(&g, last, &end, &err), &err);
    int64_t n = end ? g.tokens.n - ids.n : -1;
    generator_close(&g);
    tokens_close(&ids);
    return n;
}

static void a_story_ends_by_itself_and_so_does_a_turn(void **state)
{
    (void)state;
    static const char story[] = "Once upon a time, there was a kind girl named Lily.",
                      turn[] = "<|im_start|>system\nYou are a friendly storyteller.<|im_end|>\n<|im_start|>user\n"
                               "Tell me a story about a girl named Lily.<|im_end|>\n<|im_start|>assistant\n";
    static const char *const kernels[] = {"scalar", NULL};
    for (int k = 0; k < 2; k++) {
        Err err = {0};
        int32_t last = -1;
        MUST(kernels_use(kernels[k], &err), &err);
        int64_t n = length_of(story, &last);
        assert_true(n > 30);
        assert_int_equal(last, tokenizer_eos(m.tokenizer));
        n = length_of(turn, &last);
        assert_true(n > 30);
        assert_int_equal(last, tokenizer_find(m.tokenizer, "<|im_end|>", 10));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embedded_models_are_whole_files_on_vector_boundaries),
        cmocka_unit_test(the_file_says_what_it_is_and_how_it_was_made),
        cmocka_unit_test(texts_and_turns_end_generation),
        cmocka_unit_test(a_story_ends_by_itself_and_so_does_a_turn),
    };
    return cmocka_run_group_tests(tests, open_storyteller, close_storyteller);
}
