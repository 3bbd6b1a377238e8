/* Every row of the table at both ends of its range and one step beyond; missing keys; relations. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model_bytes.h"

/* Keys of a Llama; each test replaces or drops one. */
typedef struct { const char *key; int64_t v; } IntKey;

static const IntKey usual[] = {
    {"context_length", 256}, {"embedding_length", 48}, {"block_count", 2}, {"feed_forward_length", 96},
    {"attention.head_count", 6}, {"attention.head_count_kv", 2}, {"attention.key_length", 8},
    {"attention.value_length", 8}, {"rope.dimension_count", 8}, {"vocab_size", 100}};

enum { N_USUAL = sizeof usual / sizeof *usual };

typedef struct {
    const char *drop;      /* key left out */
    const char *ints[4];   /* keys that get other values, or are put beside the usual ones */
    int64_t values[4];
    const char *float_key; /* a float key and its value */
    double float_value;
    bool no_eps;
} Change;

/* Reads the changed keys; the values are in *h if the result is OK. */
static Status read_keys(const Change *c, Hparams *h, Err *err)
{
    Buf b = {0};
    uint64_t n = 1;
    char key[80];
    gb_header(&b, 3, 0, 0);
    gb_kv_str(&b, "general.architecture", "llama");
    for (int i = 0; i < N_USUAL; i++) {
        if (c->drop && strcmp(c->drop, usual[i].key) == 0) continue;
        int64_t v = usual[i].v;
        for (int j = 0; j < 4; j++)
            if (c->ints[j] && strcmp(c->ints[j], usual[i].key) == 0) v = c->values[j];
        snprintf(key, sizeof key, "llama.%s", usual[i].key);
        gb_key(&b, key, GGUF_I64);
        gb_u64(&b, (uint64_t)v);
        n++;
    }
    for (int j = 0; j < 4 && c->ints[j]; j++) {
        bool is_usual = false;
        for (int i = 0; i < N_USUAL; i++) is_usual |= strcmp(c->ints[j], usual[i].key) == 0;
        if (is_usual) continue;
        snprintf(key, sizeof key, "llama.%s", c->ints[j]);
        gb_key(&b, key, GGUF_I64);
        gb_u64(&b, (uint64_t)c->values[j]);
        n++;
    }
    bool eps = c->float_key && strcmp(c->float_key, "attention.layer_norm_rms_epsilon") == 0;
    if (!c->no_eps && !eps) {
        gb_key(&b, "llama.attention.layer_norm_rms_epsilon", GGUF_F32);
        gb_f32(&b, 1e-5f);
        n++;
    }
    if (c->float_key) {
        snprintf(key, sizeof key, "llama.%s", c->float_key);
        gb_key(&b, key, GGUF_F64);
        gb_f64(&b, c->float_value);
        n++;
    }
    memcpy(b.data + 16, &n, 8);
    Gguf g = gb_opened(&b);
    *err = (Err){0};
    Status s = hparams_read(h, &g, err);
    gguf_close(&g);
    buf_close(&b);
    return s;
}

static void refused(const Change *c, const char *const *texts)
{
    Hparams h;
    Err err;
    Status s = read_keys(c, &h, &err);
    for (; s == E_FORMAT && *texts; texts++)
        if (!strstr(err.text, *texts)) break;
    if (s != E_FORMAT || *texts || !strstr(err.text, "HINT:"))
        FAILED("expected '%s' in an error, got %s '%s'", *texts ? *texts : "HINT", status_name(s),
               err.text);
}

static void usual_values_are_read(void **state)
{
    (void)state;
    Hparams h;
    Err err;
    MUST(read_keys(&(Change){.float_key = "rope.freq_base", .float_value = 5e5}, &h, &err), &err);
    assert_int_equal(h.n_ctx_train, 256);
    assert_int_equal(h.d_model, 48);
    assert_int_equal(h.n_layer, 2);
    assert_int_equal(h.d_ff, 96);
    assert_int_equal(h.n_head, 6);
    assert_int_equal(h.n_kv_head, 2);
    assert_int_equal(h.d_k, 8);
    assert_int_equal(h.d_v, 8);
    assert_int_equal(h.n_rot, 8);
    assert_int_equal(h.n_vocab, 100);
    assert_true(h.norm_eps == 1e-5f && h.rope_base == 5e5f && h.rope_factor == 1.0f);
}

/* The ranges, written down a second time: a change of the table must be meant. */
static const struct { const char *key; int64_t lo, hi; bool required; } ranges[] = {
    {"context_length", 1, 1073741824, true}, {"embedding_length", 1, 1048576, true},
    {"block_count", 1, 512, true}, {"feed_forward_length", 1, 16777216, true},
    {"attention.head_count", 1, 4096, true}, {"attention.head_count_kv", 1, 4096, false},
    {"attention.key_length", 1, 4096, false}, {"attention.value_length", 1, 4096, false},
    {"rope.dimension_count", 2, 4096, false}, {"vocab_size", 1, 67108864, false}};

static void integers_are_held_to_their_ranges(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        int64_t lo = ranges[i].lo, hi = ranges[i].hi;
        const int64_t beyond[] = {lo - 1, hi + 1, -1, INT64_MIN, INT64_MAX, (1ll << 32) + lo};
        const int64_t inside[] = {lo, hi};
        char range[64], value[32];
        snprintf(range, sizeof range, "from %lld to %lld", (long long)lo, (long long)hi);
        for (size_t k = 0; k < sizeof beyond / sizeof *beyond; k++) {
            snprintf(value, sizeof value, "%lld", (long long)beyond[k]);
            refused(&(Change){.ints = {ranges[i].key}, .values = {beyond[k]}},
                    (const char *[]){ranges[i].key, range, value, NULL});
        }
        for (int k = 0; k < 2; k++) { /* its own row accepts it; a relation may still refuse */
            Hparams h;
            Err err;
            read_keys(&(Change){.ints = {ranges[i].key}, .values = {inside[k]}}, &h, &err);
            assert_null(strstr(err.text, "must be from"));
        }
    }
}

static void the_ends_of_each_range_can_be_used(void **state)
{
    (void)state;
    static const Change ends[] = {
        {.ints = {"context_length"}, .values = {1}},
        {.ints = {"context_length"}, .values = {1 << 30}},
        {.ints = {"embedding_length"}, .values = {1}},
        {.ints = {"embedding_length"}, .values = {1 << 20}},
        {.ints = {"block_count"}, .values = {512}},
        {.ints = {"feed_forward_length"}, .values = {1 << 24}},
        {.ints = {"attention.head_count", "attention.head_count_kv"}, .values = {4096, 4096}},
        {.ints = {"attention.head_count", "attention.head_count_kv"}, .values = {1, 1}},
        {.ints = {"attention.key_length"}, .values = {4096}},
        {.ints = {"attention.value_length"}, .values = {1}},
        {.ints = {"rope.dimension_count"}, .values = {2}},
        {.ints = {"rope.dimension_count", "attention.key_length"}, .values = {4096, 4096}},
        {.ints = {"vocab_size"}, .values = {1 << 26}},
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        Hparams h;
        Err err;
        MUST(read_keys(&ends[i], &h, &err), &err);
    }
}

static void floats_are_held_to_their_ranges(void **state)
{
    (void)state;
    static const struct { const char *key; double bad[5]; double good[2]; } rows[] = {
        {"attention.layer_norm_rms_epsilon", {-1e-9, 1.001, NAN, INFINITY, 0}, {1e-12, 1}},
        {"rope.freq_base", {0.999, 1.1e15, NAN, INFINITY, -10000}, {1, 1e15}},
        {"rope.scaling.dynamic_factor", {-1, -1e-9, NAN, INFINITY, 1.1e6}, {0, 1e6}},
        {"rope.scaling.factor", {-1, 9e-4, NAN, INFINITY, 1.1e6}, {1e-3, 1e6}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int k = 0; k < 5; k++)
            refused(&(Change){.float_key = rows[i].key, .float_value = rows[i].bad[k]},
                    (const char *[]){rows[i].key, "allowed is", NULL});
        for (int k = 0; k < 2; k++) {
            Hparams h;
            Err err;
            MUST(read_keys(&(Change){.float_key = rows[i].key,
                                     .float_value = (double)(float)rows[i].good[k]}, &h, &err), &err);
        }
    }
}

static void missing_keys_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        Change c = {.drop = ranges[i].key};
        Hparams h;
        Err err;
        if (ranges[i].required) refused(&c, (const char *[]){ranges[i].key, "missing", NULL});
        else MUST(read_keys(&c, &h, &err), &err);
    }
    refused(&(Change){.no_eps = true}, (const char *[]){"layer_norm_rms_epsilon", "missing", NULL});
}

static void defaults_depend_on_other_numbers(void **state)
{
    (void)state;
    Hparams h;
    Err err;
    MUST(read_keys(&(Change){.drop = "attention.head_count_kv"}, &h, &err), &err);
    assert_int_equal(h.n_kv_head, 6);
    MUST(read_keys(&(Change){.drop = "attention.key_length", .ints = {"embedding_length"},
                             .values = {96}}, &h, &err), &err);
    assert_int_equal(h.d_k, 16);
    assert_int_equal(h.d_v, 8);
    MUST(read_keys(&(Change){.drop = "rope.dimension_count", .ints = {"attention.key_length"},
                             .values = {24}}, &h, &err), &err);
    assert_int_equal(h.n_rot, 24);
    MUST(read_keys(&(Change){.drop = "vocab_size"}, &h, &err), &err);
    assert_int_equal(h.n_vocab, 0);
}

static void relations_are_checked(void **state)
{
    (void)state;
    refused(&(Change){.ints = {"attention.head_count_kv"}, .values = {4}},
            (const char *[]){"llama.attention.head_count_kv' is 4", "a divisor of head_count 6", NULL});
    refused(&(Change){.ints = {"attention.head_count_kv"}, .values = {12}},
            (const char *[]){"head_count_kv' is 12", "a divisor of head_count 6", NULL});
    refused(&(Change){.ints = {"rope.dimension_count"}, .values = {2}, .float_key = "rope.scaling.dynamic_factor",
                      .float_value = 2}, (const char *[]){"dynamic_factor' is 2", "allowed is 0 where", NULL});
    refused(&(Change){.ints = {"rope.dimension_count"}, .values = {7}},
            (const char *[]){"llama.rope.dimension_count' is 7", "an even number from 2 to the head size 8", NULL});
    refused(&(Change){.ints = {"rope.dimension_count"}, .values = {10}},
            (const char *[]){"rope.dimension_count' is 10", "head size 8", NULL});
    refused(&(Change){.drop = "attention.key_length", .ints = {"embedding_length"}, .values = {50}},
            (const char *[]){"llama.embedding_length' is 50", "a multiple of head_count 6", NULL});
    refused(&(Change){.ints = {"attention.head_count", "attention.value_length",
                               "attention.head_count_kv"}, .values = {4096, 257, 4096}},
            (const char *[]){"llama.attention.value_length' is 257", "1..256 with 4096 heads", NULL});
}

static void no_more_layers_are_dense_than_there_are(void **state)
{
    (void)state;
    refused(&(Change){.ints = {"leading_dense_block_count"}, .values = {3}},
            (const char *[]){"llama.leading_dense_block_count' is 3", "allowed is 0..2", NULL});
    Hparams h;
    Err err;
    MUST(read_keys(&(Change){.ints = {"leading_dense_block_count"}, .values = {2}}, &h, &err), &err);
    assert_int_equal(h.n_dense, 2);
}

static void relations_of_experts_are_checked(void **state)
{
    (void)state;
    static const struct { int64_t n, used, groups, groups_used; const char *texts[4]; } rows[] = {
        {4, 5, 0, 0, {"llama.expert_used_count' is 5", "allowed is 1..4"}},
        {4, 0, 0, 0, {"llama.expert_used_count' is 0", "allowed is 1..4"}},
        {0, 2, 0, 0, {"llama.expert_used_count' is 2", "allowed is 0..0"}},
        {8, 2, 3, 1, {"llama.expert_group_count' is 3", "a divisor of expert_count 8"}},
        {8, 2, 4, 5, {"llama.expert_group_used_count' is 5", "allowed is 1..4"}},
        {8, 2, 4, 0, {"llama.expert_group_used_count' is 0", "allowed is 1..4"}},
        {8, 5, 4, 2, {"llama.expert_group_used_count' is 2", "allowed is 3..4", "expert_used_count is 5 of 8"}},
        {0, 0, 4, 1, {"llama.expert_group_count' is 4", "allowed is 0 or 1"}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        refused(&(Change){.ints = {"expert_count", "expert_used_count", "expert_group_count", "expert_group_used_count"},
                          .values = {rows[i].n, rows[i].used, rows[i].groups, rows[i].groups_used}}, rows[i].texts);
    Hparams h;
    Err err;
    MUST(read_keys(&(Change){.ints = {"expert_count", "expert_used_count", "expert_group_count", "expert_group_used_count"},
                             .values = {8, 5, 4, 3}}, &h, &err), &err);
    assert_int_equal(h.n_group_used, 3);
}

static void wrong_types_are_refused(void **state)
{
    (void)state;
    Buf b = {0};
    gb_header(&b, 3, 0, 2);
    gb_kv_str(&b, "general.architecture", "llama");
    gb_key(&b, "llama.context_length", GGUF_F32);
    gb_f32(&b, 128);
    Gguf g = gb_opened(&b);
    Hparams h;
    Err err;
    assert_int_equal(hparams_read(&h, &g, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "llama.context_length"));
    assert_non_null(strstr(err.text, "f32"));
    gguf_close(&g);
    buf_close(&b);
}

static void an_architecture_name_has_1_to_64_bytes(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 65; n += n == 0 ? 64 : 1) {
        Buf b = {0};
        char name[66];
        memset(name, 'a', sizeof name);
        gb_header(&b, 3, 0, 1);
        gb_key(&b, "general.architecture", GGUF_STRING);
        gb_strn(&b, name, n);
        Gguf g = gb_opened(&b);
        Hparams h;
        Err err;
        assert_int_equal(hparams_read(&h, &g, &err), E_FORMAT);
        assert_true((strstr(err.text, "allowed is 1..64") != NULL) == (n == 0 || n == 65));
        gguf_close(&g);
        buf_close(&b);
    }
}

/* A file whose head counts are lists; heads of 3 layers, key/value heads, whether head sizes are given. */
static Status read_lists(const int32_t *heads, const int32_t *kv, int n, bool sizes, Hparams *h, Err *err)
{
    Buf b = {0};
    uint64_t n_kv = 7;
    gb_header(&b, 3, 0, 0);
    gb_kv_str(&b, "general.architecture", "llama");
    static const struct { const char *key; uint64_t v; } ints[] = {
        {"llama.context_length", 256}, {"llama.embedding_length", 48}, {"llama.block_count", 3},
        {"llama.feed_forward_length", 96}};
    for (int i = 0; i < 4; i++) {
        gb_key(&b, ints[i].key, GGUF_I64);
        gb_u64(&b, ints[i].v);
    }
    gb_array(&b, "llama.attention.head_count", GGUF_I32, (uint64_t)n);
    for (int i = 0; i < n; i++) gb_u32(&b, (uint32_t)heads[i]);
    if (kv) {
        gb_array(&b, "llama.attention.head_count_kv", GGUF_I32, 3);
        for (int i = 0; i < 3; i++) gb_u32(&b, (uint32_t)kv[i]);
        n_kv++;
    }
    for (int i = 0; sizes && i < 2; i++, n_kv++) {
        gb_key(&b, i ? "llama.attention.key_length" : "llama.attention.value_length", GGUF_I64);
        gb_u64(&b, 8);
    }
    gb_key(&b, "llama.attention.layer_norm_rms_epsilon", GGUF_F32);
    gb_f32(&b, 1e-5f);
    memcpy(b.data + 16, &n_kv, 8);
    Gguf g = gb_opened(&b);
    Status s = hparams_read(h, &g, err);
    gguf_close(&g);
    buf_close(&b);
    return s;
}

static void layers_may_have_different_heads(void **state)
{
    (void)state;
    static const int32_t heads[] = {6, 4, 2}, kv[] = {2, 4, 1}, wrong[] = {2, 3, 1}, none[] = {6, 0, 2};
    Hparams h;
    Err err;
    MUST(read_lists(heads, kv, 3, true, &h, &err), &err);
    assert_int_equal(h.n_head, 6);
    assert_int_equal(h.n_kv_head, 4);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hparams_heads(&h, i), heads[i]);
        assert_int_equal(hparams_kv_heads(&h, i), kv[i]);
        assert_int_equal(hparams_d_ff(&h, i), 96);
    }
    MUST(read_lists(heads, NULL, 3, true, &h, &err), &err); /* as many as heads, layer by layer */
    for (int i = 0; i < 3; i++) assert_int_equal(hparams_kv_heads(&h, i), heads[i]);
    /* 4 heads for 3 of keys; a layer without heads; two numbers for three layers; no size of heads. */
    assert_int_equal(read_lists(heads, wrong, 3, true, &h, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "in layer 1 a divisor of head_count 4"));
    assert_int_equal(read_lists(none, kv, 3, true, &h, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "is 0 for layer 1, allowed is 1..4096"));
    assert_int_equal(read_lists(heads, kv, 2, true, &h, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "3 are expected"));
    assert_int_equal(read_lists(heads, kv, 3, false, &h, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "key_length"));
}

static void the_table_can_be_printed(void **state)
{
    (void)state;
    int n = 0;
    for (; hparams_rule(n); n++) {
        const char *text = hparams_rule(n);
        assert_true(strstr(text, "required") || strstr(text, "optional"));
        if (n >= (int)(sizeof ranges / sizeof *ranges)) continue;
        char range[64];
        snprintf(range, sizeof range, "%lld..%lld", (long long)ranges[n].lo, (long long)ranges[n].hi);
        assert_non_null(strstr(text, ranges[n].key));
        assert_non_null(strstr(text, range));
        assert_true((strstr(text, "required") != NULL) == ranges[n].required);
    }
    assert_int_equal(n, 51);
    assert_null(hparams_rule(-1));
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_values_are_read),
        cmocka_unit_test(integers_are_held_to_their_ranges),
        cmocka_unit_test(the_ends_of_each_range_can_be_used),
        cmocka_unit_test(floats_are_held_to_their_ranges),
        cmocka_unit_test(missing_keys_are_named),
        cmocka_unit_test(defaults_depend_on_other_numbers),
        cmocka_unit_test(relations_are_checked),
        cmocka_unit_test(no_more_layers_are_dense_than_there_are),
        cmocka_unit_test(relations_of_experts_are_checked),
        cmocka_unit_test(wrong_types_are_refused),
        cmocka_unit_test(an_architecture_name_has_1_to_64_bytes),
        cmocka_unit_test(layers_may_have_different_heads),
        cmocka_unit_test(the_table_can_be_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
