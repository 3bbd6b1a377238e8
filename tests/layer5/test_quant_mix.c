/* Which tensor of which file gets which type: by hand for a Llama of 22 blocks, and against 25 files
 * that the reference quantiser wrote. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "layer5.h"
#include "gguf_bytes.h"
#include "must.h"

/* A model of N blocks with rows of `width` and one row per matrix: rules look at names and row lengths. */
typedef struct {
    const char *arch;
    int n_blocks, n_head, n_kv_head, n_expert;
    int64_t width;
    bool tied;
} Shape;

#define TINY_LLAMA (Shape){"llama", 22, 32, 4, 0, 256, false}

static void put(Buf *infos, uint64_t *n, const char *name, int64_t width, int64_t third)
{
    int64_t ne[3] = {width, 1, third};
    gb_tensor(infos, name, third > 1 ? 3 : 2, ne, DT_F32, *n * 16384); /* 4 * 512 * 8 at most */
    ++*n;
}

static Buf file_of(const Shape *s)
{
    static const char *const parts[] = {"attn_k", "attn_output", "attn_q", "attn_v", "ffn_down",
                                        "ffn_gate", "ffn_up"};
    Buf b = {0}, infos = {0};
    uint64_t n = 0, n_kv = 4;
    char name[64];
    put(&infos, &n, "token_embd.weight", s->width, 1);
    /* Blocks from the last to the first: the order of the input must not matter. */
    for (int i = s->n_blocks; i-- > 0;)
        for (int k = 0; k < 7; k++) {
            bool expert = s->n_expert && k >= 4;
            snprintf(name, sizeof name, "blk.%d.%s%s.weight", i, parts[k], expert ? "_exps" : "");
            put(&infos, &n, name, s->width, expert ? s->n_expert : 1);
        }
    snprintf(name, sizeof name, "blk.0.attn_norm.weight");
    put(&infos, &n, name, s->width, 1);
    if (!s->tied) put(&infos, &n, "output.weight", s->width, 1);
    gb_header(&b, 3, n, n_kv + 1);
    gb_kv_str(&b, "general.architecture", s->arch);
    const struct { const char *key; int v; } keys[] = {
        {"block_count", s->n_blocks}, {"attention.head_count", s->n_head},
        {"attention.head_count_kv", s->n_kv_head}, {"expert_count", s->n_expert}};
    for (size_t i = 0; i < n_kv; i++) {
        snprintf(name, sizeof name, "%s.%s", s->arch, keys[i].key);
        gb_kv_u32(&b, name, (uint32_t)keys[i].v);
    }
    gb_bytes(&b, infos.data, infos.len);
    gb_pad(&b, 32);
    gb_zeros(&b, n * 16384);
    buf_close(&infos);
    return b;
}

typedef struct {
    Buf file;
    Gguf g;
    Arena a;
    QuantPlan plan;
} Planned;

static Planned planned_as(const Shape *s, const QuantParams *p)
{
    Planned x = {.file = file_of(s)};
    Err err = {0};
    x.g = gb_opened(&x.file);
    MUST(quant_plan_open(&x.plan, &x.a, &x.g, p, &err), &err);
    return x;
}

static Planned planned(const Shape *s, const char *mix, bool importance)
{
    QuantParams p = {.mix = quant_mix_by_name(mix), .has_importance = importance};
    assert_non_null(p.mix);
    return planned_as(s, &p);
}

static void planned_close(Planned *x)
{
    gguf_close(&x->g);
    arena_close(&x->a);
    buf_close(&x->file);
}

static const QuantChoice *choice(const Planned *x, const char *name)
{
    for (int64_t i = 0; i < x->plan.n; i++)
        if (str_is(x->plan.choices[i].tensor->name, name)) return &x->plan.choices[i];
    FAILED("no tensor '%s'", name);
    return NULL;
}

static DType type_of(const Planned *x, const char *name) { return choice(x, name)->type; }

/* One letter per block, as in the table below. */
static char letter(DType t)
{
    switch (t) {
    case DT_Q2_K: return '2';
    case DT_Q3_K: return '3';
    case DT_Q4_K: return '4';
    case DT_Q5_K: return '5';
    case DT_Q6_K: return '6';
    case DT_Q8_0: return '8';
    case DT_IQ3_S: return 's';
    case DT_IQ3_XXS: return 'x';
    case DT_IQ2_S: return 'S';
    case DT_IQ2_XS: return 'X';
    case DT_IQ2_XXS: return 'T';
    case DT_Q4_0: return 'o';
    case DT_Q4_1: return 'i';
    default: return '?';
    }
}

static void blocks_are(const Planned *x, const char *mix, const char *part, const char *want)
{
    char name[64], got[128] = "";
    int n = (int)strlen(want);
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, "blk.%d.%s.weight", i, part);
        got[i] = letter(type_of(x, name));
    }
    if (strcmp(got, want) != 0) FAILED("%s: %s is %s, not %s", mix, part, got, want);
}

/* 22 blocks: an eighth is 2, the last eighth begins at 19, a sixteenth is 1. 32 heads share 4. */
static void the_22_blocks_of_a_tiny_llama(void **state)
{
    (void)state;
    static const char all4[] = "4444444444444444444444", all3[] = "3333333333333333333333",
                      all5[] = "5555555555555555555555", more6[] = "6644644644644644644666",
                      all2[] = "2222222222222222222222";
    static const struct {
        const char *mix, *output, *embd, *v, *k, *q, *out, *down, *up;
        bool importance;
    } rows[] = {
        {"Q4_K_M", "6", "4", more6, all4, all4, all4, more6, all4, false},
        {"Q4_K_S", "6", "4", "5555444444444444444444", all4, all4, all4, "5544444444444444444444", all4, false},
        {"Q5_K_M", "6", "5", "6655655655655655655666", all5, all5, all5, "6655655655655655655666", all5, false},
        {"Q5_K_S", "6", "5", all5, all5, all5, all5, all5, all5, false},
        {"Q3_K_M", "6", "3", "5544444444444444444444", all3, all3, all4, "5444444444444444444444", all3, false},
        {"Q3_K_L", "6", "3", all5, all3, all3, all5, all5, all3, false},
        {"Q3_K_S", "6", "3", all3, all3, all3, all3, all3, all3, false},
        {"Q2_K", "6", "2", all4, all2, all2, all3, all3, all2, false},
        {"Q2_K_S", "6", "2", all4, all2, all2, all2, "4422222222222222222222", all2, true},
        {"IQ3_XS", "6", "s", all4, "xxxxxxxxxxxxxxxxxxxxxx", "xxxxxxxxxxxxxxxxxxxxxx",
         "ssssssssssssssssssssss", "ssssssssssssssssssssss", "ssxxxxxxxxxxxxxxxxxsss", false},
        {"IQ3_XXS", "5", "s", all4, "SSSSSSSSSSSSSSSSSSSSSS", "SSSSSSSSSSSSSSSSSSSSSS",
         "ssssssssssssssssssssss", "xxxxxxxxxxxxxxxxxxxxxx", "xxxxxxxxxxxxxxxxxxxxxx", true},
        {"IQ3_M", "6", "s", all4, "ssssssssssssssssssssss", "ssssssssssssssssssssss", all4,
         "44ssssssssssssssssssss", "ssssssssssssssssssssss", false},
        {"IQ2_S", "5", "s", all4, "XXXXXXXXXXXXXXXXXXXXXX", "XXXXXXXXXXXXXXXXXXXXXX",
         "ssssssssssssssssssssss", "ssXXXXXXXXXXXXXXXXXXXX", "XXXXXXXXXXXXXXXXXXXXXX", true},
        {"IQ2_XXS", "5", "2", all4, "TTTTTTTTTTTTTTTTTTTTTT", "TTTTTTTTTTTTTTTTTTTTTT",
         "TTTTTTTTTTTTTTTTTTTTTT", "22TTTTTTTTTTTTTTTTTTTT", "TTTTTTTTTTTTTTTTTTTTTT", true},
        {"Q4_0", "6", "o", "oooooooooooooooooooooo", "oooooooooooooooooooooo", "oooooooooooooooooooooo",
         "oooooooooooooooooooooo", "oooooooooooooooooooooo", "oooooooooooooooooooooo", false},
        {"Q4_0", "6", "o", "oooooooooooooooooooooo", "oooooooooooooooooooooo", "oooooooooooooooooooooo",
         "oooooooooooooooooooooo", "iioooooooooooooooooooo", "oooooooooooooooooooooo", true},
    };
    Shape s = TINY_LLAMA;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Planned x = planned(&s, rows[i].mix, rows[i].importance);
        assert_int_equal(letter(type_of(&x, "output.weight")), rows[i].output[0]);
        assert_int_equal(letter(type_of(&x, "token_embd.weight")), rows[i].embd[0]);
        blocks_are(&x, rows[i].mix, "attn_v", rows[i].v);
        blocks_are(&x, rows[i].mix, "attn_k", rows[i].k);
        blocks_are(&x, rows[i].mix, "attn_q", rows[i].q);
        blocks_are(&x, rows[i].mix, "attn_output", rows[i].out);
        blocks_are(&x, rows[i].mix, "ffn_down", rows[i].down);
        blocks_are(&x, rows[i].mix, "ffn_up", rows[i].up);
        blocks_are(&x, rows[i].mix, "ffn_gate", rows[i].up);
        assert_int_equal(type_of(&x, "blk.0.attn_norm.weight"), DT_F32);
        planned_close(&x);
    }
}

static void eight_experts_keep_attention_large(void **state)
{
    (void)state;
    Shape s = {"llama", 32, 32, 8, 8, 256, false};
    Planned x = planned(&s, "Q4_K_M", false);
    assert_int_equal(type_of(&x, "blk.3.attn_v.weight"), DT_Q8_0);
    assert_int_equal(type_of(&x, "blk.3.attn_k.weight"), DT_Q8_0);
    assert_int_equal(type_of(&x, "blk.3.attn_output.weight"), DT_Q5_K);
    assert_int_equal(type_of(&x, "blk.3.attn_q.weight"), DT_Q4_K);
    assert_int_equal(type_of(&x, "blk.3.ffn_down_exps.weight"), DT_Q6_K);
    assert_int_equal(type_of(&x, "blk.4.ffn_down_exps.weight"), DT_Q4_K);
    planned_close(&x);
    x = planned(&s, "MXFP4_MOE", false);
    assert_int_equal(type_of(&x, "blk.3.ffn_down_exps.weight"), DT_MXFP4);
    assert_int_equal(type_of(&x, "blk.3.attn_q.weight"), DT_Q8_0);
    assert_int_equal(type_of(&x, "output.weight"), DT_Q8_0);
    planned_close(&x);
}

static void falcon_and_70b_llamas_have_their_own_rules(void **state)
{
    (void)state;
    Shape falcon = {"falcon", 32, 71, 1, 0, 256, false};
    Planned x = planned(&falcon, "Q4_K_M", false);
    assert_int_equal(type_of(&x, "output.weight"), DT_Q8_0);
    assert_int_equal(type_of(&x, "blk.1.ffn_down.weight"), DT_Q6_K); /* first sixteenth */
    assert_int_equal(type_of(&x, "blk.2.ffn_down.weight"), DT_Q5_K); /* first eighth */
    assert_int_equal(type_of(&x, "blk.4.ffn_down.weight"), DT_Q4_K);
    planned_close(&x);
    Shape big = {"llama", 80, 64, 8, 0, 256, false};
    x = planned(&big, "Q4_K_M", false);
    assert_int_equal(type_of(&x, "blk.10.attn_v.weight"), DT_Q5_K); /* would be Q4_K */
    assert_int_equal(type_of(&x, "blk.9.attn_v.weight"), DT_Q6_K);
    planned_close(&x);
    x = planned(&big, "Q3_K_S", false);
    assert_int_equal(type_of(&x, "blk.10.attn_v.weight"), DT_Q5_K);
    planned_close(&x);
}

static void a_tied_embedding_is_an_output(void **state)
{
    (void)state;
    Shape s = TINY_LLAMA;
    s.tied = true;
    Planned x = planned(&s, "Q4_K_M", false);
    assert_int_equal(type_of(&x, "token_embd.weight"), DT_Q6_K);
    planned_close(&x);
}

static void rows_that_do_not_fit_fall_back(void **state)
{
    (void)state;
    static const struct { const char *mix; DType q, output; } rows[] = {
        {"Q4_K_M", DT_Q5_0, DT_Q8_0}, {"Q5_K_S", DT_Q5_1, DT_Q8_0}, {"Q6_K", DT_Q8_0, DT_Q8_0},
        {"Q2_K", DT_Q4_0, DT_Q8_0}, {"IQ4_XS", DT_IQ4_NL, DT_Q8_0}, {"IQ1_S", DT_IQ4_NL, DT_Q8_0},
        {"TQ1_0", DT_Q4_0, DT_Q8_0}, {"Q4_0", DT_Q4_0, DT_Q8_0}, {"IQ4_NL", DT_IQ4_NL, DT_Q8_0}};
    Shape s = TINY_LLAMA;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        s.width = 96;
        Planned x = planned(&s, rows[i].mix, true);
        assert_int_equal(type_of(&x, "blk.9.attn_q.weight"), rows[i].q);
        assert_int_equal(type_of(&x, "output.weight"), rows[i].output);
        assert_int_equal(choice(&x, "blk.9.attn_q.weight")->fell_back,
                         rows[i].q != quant_mix_by_name(rows[i].mix)->base);
        planned_close(&x);
        s.width = 40; /* no multiple of 32 either */
        x = planned(&s, rows[i].mix, true);
        assert_int_equal(type_of(&x, "blk.9.attn_q.weight"), DT_F16);
        planned_close(&x);
    }
}

static void the_user_outranks_pure_and_pure_the_rules(void **state)
{
    (void)state;
    const DType q8 = DT_Q8_0, f16 = DT_F16;
    const QuantOverride overrides[] = {{"blk\\.(0|2)\\.ffn_down", DT_Q5_0}, {"ffn_down", DT_Q4_1},
                                       {"output", DT_Q4_0}, {"norm", DT_Q4_0}};
    QuantParams p = {.mix = quant_mix_by_name("q4_k_m"), .pure = true, .output_type = &q8,
                     .token_embd_type = &f16, .overrides = overrides, .n_overrides = 4};
    Shape s = TINY_LLAMA;
    Planned x = planned_as(&s, &p);
    assert_int_equal(type_of(&x, "blk.0.attn_v.weight"), DT_Q4_K); /* the rules say Q6_K */
    assert_int_equal(type_of(&x, "blk.2.ffn_down.weight"), DT_Q5_0);
    assert_int_equal(type_of(&x, "blk.12.ffn_down.weight"), DT_Q4_1);
    assert_int_equal(type_of(&x, "blk.3.attn_output.weight"), DT_Q4_0);
    assert_int_equal(type_of(&x, "output.weight"), DT_Q8_0);
    assert_int_equal(type_of(&x, "token_embd.weight"), DT_F16);
    assert_int_equal(type_of(&x, "blk.0.attn_norm.weight"), DT_F32); /* never quantised */
    planned_close(&x);
    p.leave_output = true;
    x = planned_as(&s, &p);
    assert_int_equal(type_of(&x, "output.weight"), DT_F32);
    planned_close(&x);
}

static void bad_patterns_are_refused(void **state)
{
    (void)state;
    static char long_one[2000];
    memset(long_one, 'a', sizeof long_one - 1);
    const char *const bad[] = {"(", "[a", "a{2,1}", "*", long_one, "(?<n", "\\", "^((.+)+)+[A-Z]$"};
    Shape s = TINY_LLAMA;
    Buf file = file_of(&s);
    Gguf g = gb_opened(&file);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        QuantOverride o = {bad[i], DT_Q8_0};
        QuantParams p = {.mix = quant_mix_by_name("Q8_0"), .overrides = &o, .n_overrides = 1};
        QuantPlan plan;
        Arena a = {0};
        Err err = {0};
        Status st = quant_plan_open(&plan, &a, &g, &p, &err);
        arena_close(&a);
        if (i == 7) assert_non_null(strstr(err.text, "too long"));
        if (st != E_ARG || !strstr(err.text, "HINT:")) FAILED("%zu: %s '%s'", i, status_name(st), err.text);
    }
    gguf_close(&g);
    buf_close(&file);
}

static void names_of_mixes(void **state)
{
    (void)state;
    assert_int_equal(quant_mix_by_name("q4_k")->file_type, FT_Q4_K_M);
    assert_int_equal(quant_mix_by_name("Q3_K")->file_type, FT_Q3_K_M);
    assert_int_equal(quant_mix_by_name("Q5_K")->file_type, FT_Q5_K_M);
    assert_int_equal(quant_mix_by_name("IQ2_S")->base, DT_IQ2_XS);
    assert_null(quant_mix_by_name("Q8_1"));
    assert_null(quant_mix_by_name(""));
    for (int i = 0; quant_mix_at(i); i++)
        for (int k = 0; k < i; k++) assert_true(quant_mix_at(i)->file_type != quant_mix_at(k)->file_type);
}

/* ---------------------------------------------------------------- what the reference wrote */

static void the_reference_files_follow_the_rules(void **state)
{
    (void)state;
    static const char *const types[] = {
        "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K",
        "IQ1_M", "IQ1_S", "IQ2_S", "IQ2_XS", "IQ2_XXS", "IQ3_S", "IQ3_XXS", "IQ4_NL", "IQ4_XS", "Q1_0",
        "Q2_0", "TQ1_0", "TQ2_0"};
    int n_found = 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char path[96];
        Gguf g;
        Err err = {0};
        snprintf(path, sizeof path, "../shared/golden/quantised/%s.gguf", types[i]);
        if (access(path, R_OK) != 0) continue;
        MUST(gguf_open(&g, path, MAP_AUTO, &err), &err);
        QuantParams p = {.mix = quant_mix_by_name(types[i]),
                         .has_importance = gguf_find(&g, "quantize.imatrix.file") != NULL};
        QuantPlan plan;
        Arena a = {0};
        int64_t file_type = -1;
        MUST(quant_plan_open(&plan, &a, &g, &p, &err), &err);
        MUST(gguf_get_int(&g, "general.file_type", 0, 999, &file_type, &err), &err);
        assert_int_equal(file_type, p.mix->file_type);
        for (int64_t k = 0; k < plan.n; k++) {
            assert_ptr_equal(plan.choices[k].tensor, &g.tensors[k]); /* the order of files */
            if (plan.choices[k].type != g.tensors[k].view.type)
                FAILED("%s: '%.*s' is %s, the rules say %s", types[i], STR_ARG(g.tensors[k].name),
                       dtype_name(g.tensors[k].view.type), dtype_name(plan.choices[k].type));
        }
        arena_close(&a);
        gguf_close(&g);
        n_found++;
    }
    if (n_found == 0) skip();
    assert_int_equal(n_found, sizeof types / sizeof *types);
}

/* What belongs to no block comes first, then block after block: 2 before 10. */
static void blocks_are_in_their_order(void **state)
{
    (void)state;
    Shape s = TINY_LLAMA;
    Planned x = planned(&s, "Q4_K_M", false);
    int last = -1;
    for (int64_t i = 0; i < x.plan.n; i++) {
        Str name = x.plan.choices[i].tensor->name;
        int block = -1;
        if (memcmp(name.ptr, "blk.", 4) == 0) block = atoi(name.ptr + 4);
        assert_true(block >= last);
        last = block;
    }
    assert_int_equal(last, 21);
    planned_close(&x);
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_22_blocks_of_a_tiny_llama),
        cmocka_unit_test(eight_experts_keep_attention_large),
        cmocka_unit_test(falcon_and_70b_llamas_have_their_own_rules),
        cmocka_unit_test(a_tied_embedding_is_an_output),
        cmocka_unit_test(rows_that_do_not_fit_fall_back),
        cmocka_unit_test(the_user_outranks_pure_and_pure_the_rules),
        cmocka_unit_test(bad_patterns_are_refused),
        cmocka_unit_test(names_of_mixes),
        cmocka_unit_test(blocks_are_in_their_order),
        cmocka_unit_test(the_reference_files_follow_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
