/* The forward pass against a reference engine: same logits to 1e-4 of the largest (2e-3 for families
 * with GELU, which the reference takes from a table of half-precision numbers), same greedy ids, for
 * every set of kernels, every attention, one token at a time and all at once, 1 and 2 threads; families
 * beyond the first four with fewer sets. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "parity.h"

static void the_committed_llama3_agrees_with_the_reference(void **state)
{
    (void)state;
    Golden g;
    assert_true(golden_read(&g, "tests/golden", "llama3.gguf")); /* part of the project: no skip */
    mem_free(g.logits);
    parity("tests/golden", "llama3.gguf", 1e-4f, false);
}

static const char shared_dir[] = "../shared/golden/models";

#define FAMILY(function, file, share, brief)                                                       \
    static void function##_agrees_with_the_reference(void **state)                                 \
    {                                                                                              \
        (void)state;                                                                               \
        parity(shared_dir, file, share, brief);                                                    \
    }
FAMILY(llama, "llama.gguf", 1e-4f, false)
FAMILY(mistral, "mistral.gguf", 1e-4f, false)
FAMILY(llama3, "llama3.gguf", 1e-4f, false)
FAMILY(mixtral, "mixtral.gguf", 1e-4f, true)
FAMILY(qwen2, "qwen2.gguf", 1e-4f, true)
FAMILY(qwen2moe, "qwen2moe.gguf", 1e-4f, true)
FAMILY(qwen3, "qwen3.gguf", 1e-4f, true)
FAMILY(qwen3moe, "qwen3moe.gguf", 1e-4f, true)
FAMILY(deepseek2, "deepseek2.gguf", 1e-4f, false)
FAMILY(phi3, "phi3.gguf", 1e-4f, true)
FAMILY(stablelm, "stablelm.gguf", 1e-4f, true)
FAMILY(stablelm_par, "stablelm-par.gguf", 1e-4f, true)
FAMILY(olmo2, "olmo2.gguf", 1e-4f, true)
FAMILY(gemma, "gemma.gguf", 2e-3f, true)
FAMILY(gemma2, "gemma2.gguf", 2e-3f, true)
FAMILY(gemma3, "gemma3.gguf", 2e-3f, true)
FAMILY(phi2, "phi2.gguf", 2e-3f, true)
FAMILY(gpt2, "gpt2.gguf", 2e-3f, true)
FAMILY(gptneox, "gptneox.gguf", 2e-3f, true)
FAMILY(gptneox_seq, "gptneox-seq.gguf", 2e-3f, true)
FAMILY(falcon, "falcon.gguf", 2e-3f, true)
FAMILY(falcon40, "falcon40.gguf", 2e-3f, true)
FAMILY(bloom, "bloom.gguf", 2e-3f, true)
FAMILY(mpt, "mpt.gguf", 2e-3f, true)
FAMILY(mpt_clamp, "mpt-clamp.gguf", 2e-3f, true)
FAMILY(starcoder, "starcoder.gguf", 2e-3f, true)
FAMILY(starcoder2, "starcoder2.gguf", 2e-3f, true)
FAMILY(mamba, "mamba.gguf", 1e-4f, false)

/* One row: the mean of the hidden states of the prompt. */
static void bert_agrees_with_the_reference(void **state)
{
    (void)state;
    Golden g;
    Model m;
    Session s;
    Err err = {0};
    char path[192];
    golden_read(&g, shared_dir, "bert.gguf"); /* its logits are a single row: read here */
    snprintf(path, sizeof path, "%s/bert.logits.f32", shared_dir);
    FILE *f = fopen(path, "rb");
    float want[64];
    bool there = f && fread(want, sizeof *want, 64, f) == 64;
    if (f) fclose(f);
    mem_free(g.logits);
    if (!there) skip();
    snprintf(path, sizeof path, "%s/bert.gguf", shared_dir);
    MUST(model_open(&m, path, MAP_AUTO, &err), &err);
    int64_t n = g.n_prompt, d = m.spec.d_model;
    assert_int_equal(d, 64);
    assert_int_equal(session_open(&s, &m, NULL, n, n, &err), E_UNSUPPORTED);
    float rows[GOLDEN_MAX * 64], mean[64];
    BatchItem items[GOLDEN_MAX];
    for (int64_t i = 0; i < n; i++) items[i] = (BatchItem){g.ids[i], 0, i, true};
    static const char *const some[] = {"naive", "scalar", NULL};
    for (int k = 0; k < 3; k++) {
        MUST(kernels_use(some[k], &err), &err);
        FlatKv kv = flat_kv(&m, DT_F32, n, 1);
        MUST(session_open_hidden(&s, &m, NULL, n, n, &err), &err);
        assert_int_equal(session_row(&s), 64);
        MUST(model_forward(&s, items, n, flat_source(&kv), rows, NULL, &err), &err);
        for (int64_t i = 0; i < d; i++) {
            mean[i] = 0;
            for (int64_t t = 0; t < n; t++) mean[i] += rows[t * d + i] / (float)n;
            assert_near(mean[i], want[i], 2e-3 * largest(want, d), "bert", "mean", i);
        }
        session_close(&s);
        mem_free(kv.memory);
    }
    /* A sequence that does not fit one micro-batch would not see itself whole. */
    FlatKv kv = flat_kv(&m, DT_F32, n, 1);
    MUST(session_open_hidden(&s, &m, NULL, n - 1, n, &err), &err);
    assert_int_equal(model_forward(&s, items, n, flat_source(&kv), rows, NULL, &err), E_LIMIT);
    session_close(&s);
    mem_free(kv.memory);
    model_close(&m);
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_committed_llama3_agrees_with_the_reference),
        cmocka_unit_test(bert_agrees_with_the_reference),
        cmocka_unit_test(llama_agrees_with_the_reference),
        cmocka_unit_test(mistral_agrees_with_the_reference),
        cmocka_unit_test(llama3_agrees_with_the_reference),
        cmocka_unit_test(mixtral_agrees_with_the_reference),
        cmocka_unit_test(qwen2_agrees_with_the_reference),
        cmocka_unit_test(qwen2moe_agrees_with_the_reference),
        cmocka_unit_test(qwen3_agrees_with_the_reference),
        cmocka_unit_test(qwen3moe_agrees_with_the_reference),
        cmocka_unit_test(deepseek2_agrees_with_the_reference),
        cmocka_unit_test(phi3_agrees_with_the_reference),
        cmocka_unit_test(stablelm_agrees_with_the_reference),
        cmocka_unit_test(stablelm_par_agrees_with_the_reference),
        cmocka_unit_test(olmo2_agrees_with_the_reference),
        cmocka_unit_test(gemma_agrees_with_the_reference),
        cmocka_unit_test(gemma2_agrees_with_the_reference),
        cmocka_unit_test(gemma3_agrees_with_the_reference),
        cmocka_unit_test(phi2_agrees_with_the_reference),
        cmocka_unit_test(gpt2_agrees_with_the_reference),
        cmocka_unit_test(gptneox_agrees_with_the_reference),
        cmocka_unit_test(gptneox_seq_agrees_with_the_reference),
        cmocka_unit_test(falcon_agrees_with_the_reference),
        cmocka_unit_test(falcon40_agrees_with_the_reference),
        cmocka_unit_test(bloom_agrees_with_the_reference),
        cmocka_unit_test(mpt_agrees_with_the_reference),
        cmocka_unit_test(mpt_clamp_agrees_with_the_reference),
        cmocka_unit_test(starcoder_agrees_with_the_reference),
        cmocka_unit_test(starcoder2_agrees_with_the_reference),
        cmocka_unit_test(mamba_agrees_with_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
