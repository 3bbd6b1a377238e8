/* Families and positions for which there is no file of the reference engine, against Hugging Face models with
 * random weights (tests/golden/families, which says how they were made): logits to 1e-4 of the largest, the
 * same greedy ids. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "parity.h"
#include "repack.h"

static const char dir[] = "tests/golden/families";

/* These are part of the project: no skip. */
static void agrees(const char *model)
{
    Golden g;
    assert_true(golden_read(&g, dir, model));
    mem_free(g.logits);
    parity(dir, model, 1e-4f, true);
}

#define FAMILY(function, file)                                                                     \
    static void function(void **state)                                                             \
    {                                                                                              \
        (void)state;                                                                               \
        agrees(file);                                                                              \
    }
FAMILY(gptj, "gptj.gguf")
FAMILY(nemotron, "nemotron.gguf")
FAMILY(command_r, "command-r.gguf")
FAMILY(command_r_with_norms_of_heads, "command-r-norms.gguf")
FAMILY(granite, "granite.gguf")
FAMILY(granite_with_experts, "granitemoe.gguf")
FAMILY(internlm2, "internlm2.gguf")
FAMILY(gpt_oss_with_sinks_window_and_yarn, "gpt-oss.gguf")
FAMILY(deepseek3_with_sigmoids_groups_and_one_matrix_for_keys_and_values, "deepseek3.gguf")
FAMILY(layers_with_different_heads, "llama-heads.gguf")
/* 40 tokens, where the original context is 16: */
FAMILY(rope_linear_beyond_the_original_context, "rope-linear.gguf")
FAMILY(rope_with_a_larger_base_beyond_the_original_context, "rope-ntk.gguf")
FAMILY(rope_dynamic_chooses_that_base_by_the_context, "rope-dynamic.gguf")
FAMILY(rope_dynamic_within_the_original_context, "rope-dynamic-short.gguf") /* 48 */
FAMILY(rope_yarn_beyond_the_original_context, "rope-yarn.gguf")
FAMILY(rope_llama3_beyond_the_original_context, "rope-llama3.gguf")
FAMILY(rope_long_factors_beyond_the_original_context, "rope-long.gguf")
FAMILY(rope_short_factors_within_it, "rope-short.gguf") /* 48 */

/* One row per token. */
static void nomic_bert_hidden_states(void **state)
{
    (void)state;
    Golden g;
    Model m;
    Session s;
    Err err = {0};
    assert_true(golden_read(&g, dir, "nomic-bert.gguf"));
    MUST(model_open(&m, "tests/golden/families/nomic-bert.gguf", MAP_AUTO, &err), &err);
    int64_t n = g.n_prompt, d = m.spec.d_model;
    assert_int_equal(d, g.n_vocab);
    float rows[GOLDEN_MAX * 32];
    BatchItem items[GOLDEN_MAX];
    for (int64_t i = 0; i < n; i++) items[i] = (BatchItem){g.ids[i], 0, i, true};
    static const char *const some[] = {"naive", "scalar", NULL};
    for (int k = 0; k < 3; k++) {
        MUST(kernels_use(some[k], &err), &err);
        FlatKv kv = flat_kv(&m, DT_F32, n, 1);
        MUST(session_open_hidden(&s, &m, NULL, n, n, &err), &err);
        MUST(model_forward(&s, items, n, flat_source(&kv), rows, NULL, &err), &err);
        for (int64_t i = 0; i < n * d; i++)
            assert_near(rows[i], g.logits[i], 1e-4 * (double)largest(g.logits, n * d), "nomic-bert", "row", i);
        session_close(&s);
        mem_free(kv.memory);
    }
    mem_free(g.logits);
    model_close(&m);
}

/* Matrices of keys and values that lie one in the other become dense, and nothing is lost. */
static void latent_matrices_can_be_repacked(void **state)
{
    (void)state;
    Golden g;
    Model m;
    Err err = {0};
    assert_true(golden_read(&g, dir, "deepseek3.gguf"));
    MUST(model_open(&m, "tests/golden/families/deepseek3.gguf", MAP_AUTO, &err), &err);
    const LatentWeights *w = &m.weights.blocks[1].latent;
    assert_true(w->k_turned && !tensor_is_dense(&w->k_b) && w->k_b.type == DT_F16);
    MUST(model_repack(&m, DT_F32, NULL, true, &err), &err);
    assert_true(tensor_is_dense(&w->k_b) && w->k_b.type == DT_F32 && w->kv_a.type == DT_F32);
    float *logits = mem_alloc(sizeof(float) * (size_t)((g.n_prompt + g.n_greedy) * g.n_vocab));
    assert_non_null(logits);
    feed(&g, &m, &(Way){"repacked", 2, 40}, logits);
    compare(&g, logits, 1e-4f, "repacked");
    mem_free(logits);
    mem_free(g.logits);
    model_close(&m);
}

/* Experts in blocks of MXFP4, which the framework decodes and computes with. Decoded here too, they give its
 * logits. As they are, what they are multiplied with is rounded to 8 bits, in this tiny model a hundredth of the
 * largest logit. */
static void gpt_oss_with_experts_in_mxfp4(void **state)
{
    (void)state;
    static const float share[] = {1e-4f, 0.02f};
    for (int as_is = 0; as_is < 2; as_is++) {
        Golden g;
        Model m;
        Err err = {0};
        assert_true(golden_read(&g, dir, "gpt-oss-mxfp4.gguf"));
        MUST(model_open(&m, "tests/golden/families/gpt-oss-mxfp4.gguf", MAP_AUTO, &err), &err);
        assert_int_equal(m.weights.blocks[1].moe.down.w.type, DT_MXFP4);
        if (!as_is) MUST(model_repack(&m, DT_F32, NULL, true, &err), &err);
        float *logits = mem_alloc(sizeof(float) * (size_t)((g.n_prompt + g.n_greedy) * g.n_vocab));
        assert_non_null(logits);
        for (int batch = 1; batch <= 40; batch += 39) {
            feed(&g, &m, &(Way){"MXFP4", 2, batch}, logits);
            float worst = 0;
            for (int64_t i = 0; i < (g.n_prompt + g.n_greedy) * g.n_vocab; i++)
                worst = fmaxf(worst, fabsf(logits[i] - g.logits[i]));
            print_message("             %s, %d at a time: %.1e of the largest logit\n", as_is ? "as it is" : "decoded",
                          batch, (double)(worst / largest(g.logits, (g.n_prompt + g.n_greedy) * g.n_vocab)));
            compare(&g, logits, share[as_is], as_is ? "MXFP4" : "MXFP4 decoded");
        }
        mem_free(logits);
        mem_free(g.logits);
        model_close(&m);
    }
}

static Buf bytes_of(const char *path)
{
    MapFile f;
    Buf bytes = {0};
    Err err = {0};
    MUST(map_open(&f, path, MAP_READ, &err), &err);
    gb_bytes(&bytes, f.data, f.size);
    map_close(&f);
    return bytes;
}

/* deepseek3.gguf with another value for a key, or (name) another letter in the key: refused with this text. */
static void refused_with(const char *key, uint32_t value, bool name, const char *text)
{
    Buf bytes = bytes_of("tests/golden/families/deepseek3.gguf");
    char *at = memmem(bytes.data, bytes.len, key, strlen(key));
    assert_non_null(at);
    if (name) *at = 'X';
    else memcpy(at + strlen(key) + 4, &value, sizeof value); /* after the type */
    mb_refused(bytes, E_FORMAT, text);
}

static void impossible_latent_shapes_are_refused(void **state)
{
    (void)state;
    static const char rank[] = "deepseek2.attention.kv_lora_rank", rot[] = "deepseek2.rope.dimension_count";
    refused_with(rank, 0, true, "kv_lora_rank' is missing or 0, allowed is 1..4096");
    refused_with(rank, 0, false, "kv_lora_rank' is missing or 0, allowed is 1..4096");
    refused_with(rank, 4097, false, "kv_lora_rank");
    refused_with(rank, 24, false, "attn_kv_a_mqa.weight' has shape");
    refused_with(rot, 20, false, "wider than what turns"); /* heads are 20 wide */
    refused_with("deepseek2.attention.value_length", 4096, false, "attn_kv_b.weight' has shape");
    refused_with("deepseek2.attention.head_count", 4096, false, "attn_q.weight' has shape");
    refused_with("deepseek2.leading_dense_block_count", 0, false, "blk.0.ffn_gate_inp.weight' is missing");
}

/* What a file says about it agrees with the family, or nobody knows what was meant. */
static void tokens_see_what_the_family_lets_them_see(void **state)
{
    (void)state;
    static const char encoder[] = "nomic-bert.attention.causal", decoder[] = "deepseek2.attention.causal", rest[] = "padding.key1";
    Buf bytes = bytes_of("tests/golden/families/nomic-bert.gguf");
    char *at = memmem(bytes.data, bytes.len, encoder, sizeof encoder - 1);
    assert_non_null(at);
    assert_int_equal(at[sizeof encoder + 3], 0);
    at[sizeof encoder + 3] = 1; /* after the type */
    mb_refused(bytes, E_UNSUPPORTED, "nomic-bert.attention.causal' is true, allowed is false");

    /* Two keys in front of the others, 64 bytes of them, so that all that follows stays aligned. */
    Buf old = bytes_of("tests/golden/families/deepseek3.gguf"), new = {0};
    gb_bytes(&new, old.data, 24);
    new.data[16] = (char)(new.data[16] + 2);
    gb_key(&new, decoder, GGUF_BOOL);
    gb_bytes(&new, "", 1);
    gb_key(&new, rest, GGUF_BOOL);
    gb_bytes(&new, "", 1);
    assert_int_equal(new.len, 24 + 64);
    gb_bytes(&new, old.data + 24, old.len - 24);
    buf_close(&old);
    mb_refused(new, E_UNSUPPORTED, "deepseek2.attention.causal' is false, allowed is true");
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gptj),
        cmocka_unit_test(nemotron),
        cmocka_unit_test(command_r),
        cmocka_unit_test(command_r_with_norms_of_heads),
        cmocka_unit_test(granite),
        cmocka_unit_test(granite_with_experts),
        cmocka_unit_test(internlm2),
        cmocka_unit_test(gpt_oss_with_sinks_window_and_yarn),
        cmocka_unit_test(gpt_oss_with_experts_in_mxfp4),
        cmocka_unit_test(deepseek3_with_sigmoids_groups_and_one_matrix_for_keys_and_values),
        cmocka_unit_test(layers_with_different_heads),
        cmocka_unit_test(rope_linear_beyond_the_original_context),
        cmocka_unit_test(rope_with_a_larger_base_beyond_the_original_context),
        cmocka_unit_test(rope_dynamic_chooses_that_base_by_the_context),
        cmocka_unit_test(rope_dynamic_within_the_original_context),
        cmocka_unit_test(rope_yarn_beyond_the_original_context),
        cmocka_unit_test(rope_llama3_beyond_the_original_context),
        cmocka_unit_test(rope_long_factors_beyond_the_original_context),
        cmocka_unit_test(rope_short_factors_within_it),
        cmocka_unit_test(nomic_bert_hidden_states),
        cmocka_unit_test(latent_matrices_can_be_repacked),
        cmocka_unit_test(impossible_latent_shapes_are_refused),
        cmocka_unit_test(tokens_see_what_the_family_lets_them_see),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
