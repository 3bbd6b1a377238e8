/* The picture of a block: every switch shows, boxes are closed, and nothing is wider than promised. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "block_steps.h"
#include "layer4.h"
#include "twins.h"

static BlockSpec base_spec(void)
{
    return (BlockSpec){.d_model = 24, .d_ff = 40, .n_head = 4, .n_kv_head = 2, .d_k = 10, .d_v = 10,
                       .norm = NORM_RMS, .gated = true, .act = ACT_SILU, .rope = ROPE_HALF, .n_rot = 10,
                       .rope_base = 10000, .rope_freq_scale = 1, .attn_scale = 1 / sqrtf(10)};
}

static BlockSpec expert_spec(void)
{
    BlockSpec s = base_spec();
    s.moe = (MoeSpec){.n_expert = 8, .n_used = 2, .d_ff = 16};
    return s;
}

static const BlockParts usual = {.attn_norm = true, .ffn_norm = true};

/* Valid until the next call but one. */
static const char *drawn(const BlockSpec *s, const BlockParts *p)
{
    static Buf bufs[2];
    static int turn;
    Err err = {0};
    Buf *b = &bufs[turn ^= 1];
    buf_clear(b);
    assert_int_equal(block_draw(b, s, p, &err), OK);
    return b->data;
}

/* The columns of line `at`, and where the next one begins. */
static int columns(const char **at)
{
    int n = 0;
    for (; **at != '\n'; (*at)++) n += (**at & 0xC0) != 0x80;
    (*at)++;
    return n;
}

static int count(const char *text, const char *word)
{
    int n = 0;
    for (; (text = strstr(text, word)); text += strlen(word)) n++;
    return n;
}

/* ---------------------------------------------------------------- */

static void llama_is_drawn_as_written_here(void **state)
{
    (void)state;
    BlockSpec s = base_spec();
    static const char want[] =
        "    x    D = 24\n"
        "    ┃\n"
        "    ┠───────────────────────┐\n"
        "    ┃    ┌ attention ───────┴────────────┐\n"
        "    ┃    │ RMSNorm                       │\n"
        "    ┃    │ q: 4 heads of 10              │\n"
        "    ┃    │ k, v: 2 of 10                 │\n"
        "    ┃    │ RoPE: q, k turn, pairs j, j+5 │\n"
        "    ┃    │ scores q k / sqrt(d)          │\n"
        "    ┃    │ softmax over earlier tokens   │\n"
        "    ┃    │ o of the weighted v           │\n"
        "    ┃    └──────────────────┬────────────┘\n"
        "   (+)◄─────────────────────┘\n"
        "    ┃\n"
        "    ┠───────────────────────┐\n"
        "    ┃    ┌ feed-forward ────┴───────┐\n"
        "    ┃    │ RMSNorm                  │\n"
        "    ┃    │ silu(gate) * up, 40 wide │\n"
        "    ┃    │ down                     │\n"
        "    ┃    └──────────────────┬───────┘\n"
        "   (+)◄─────────────────────┘\n"
        "    ┃\n"
        "    y\n";
    assert_string_equal(drawn(&s, &usual), want);
}

/* CASE(words, changes): the picture of base, or of base with experts, with these changes has the words that
 * the one without has not. */
#define CASE(spec, words, ...)                                                                         \
    do {                                                                                               \
        BlockSpec s = spec;                                                                            \
        BlockParts p = usual;                                                                          \
        char before[8192];                                                                             \
        snprintf(before, sizeof before, "%s", drawn(&s, &p));                                          \
        __VA_ARGS__;                                                                                   \
        const char *after = drawn(&s, &p);                                                             \
        if (count(after, words) <= count(before, words))                                               \
            twin_fail("'%s' is not in the picture after %s:\n%s", words, #__VA_ARGS__, after);         \
    } while (0)

static void every_switch_of_attention_shows(void **state)
{
    (void)state;
    static const float factors[5] = {1, 1, 2, 2, 2};
    CASE(base_spec(), "LayerNorm", s.norm = NORM_LAYER);
    CASE(base_spec(), "q, k, v: 4 heads of 10", s.n_kv_head = 4);
    CASE(base_spec(), "k: 2 of 10, v: of 6", s.d_v = 6);
    CASE(base_spec(), ", + bias", p.qkv_bias = true);
    CASE(base_spec(), "weighted v, + bias", p.o_bias = true);
    CASE(base_spec(), "cut off at +-8", s.clamp_qkv = 8);
    CASE(base_spec(), "RMSNorm of q, k: head by head", s.qk_norm = QK_NORM_HEAD; p.qk_norm = true);
    CASE(base_spec(), "RMSNorm of q, k: heads, own gains", s.qk_norm = QK_NORM_HEADS; p.qk_norm = true);
    CASE(base_spec(), "RMSNorm of q, k: all heads at once", s.qk_norm = QK_NORM_ROW; p.qk_norm = true);
    CASE(base_spec(), "pairs 2j, 2j+1", s.rope = ROPE_INTERLEAVED);
    CASE(base_spec(), "4 of 10 turn, pairs j, j+2", s.n_rot = 4);
    CASE(base_spec(), "at position / 8", s.rope_freq_scale = 0.125f);
    CASE(base_spec(), "32 times slower (YaRN)", s.rope_freq_scale = 1 / 32.0f; s.rope_yarn.high = 3);
    CASE(base_spec(), "by its own factor", s.rope_factors = factors);
    CASE(base_spec(), "scores q k times 0.125", s.attn_scale = 0.125f);
    CASE(base_spec(), "50 tanh(score / 50)", s.soft_cap = 50);
    CASE(base_spec(), "ALiBi", s.alibi_bias = 8);
    CASE(base_spec(), "less 0.25 slope times distance", s.alibi_bias = 8; s.alibi_scale = 0.25f);
    CASE(base_spec(), "softmax over the last 4096", s.window = 4096);
    CASE(base_spec(), "softmax over all tokens", s.both_ways = true);
    CASE(base_spec(), "softmax over 64 to each side", s.both_ways = true; s.window = 128);
    CASE(base_spec(), ", a sink", p.sinks = true);
    CASE(base_spec(), "c: 16 numbers", s.latent = (LatentSpec){.rank = 16, .d_nope = 6, .d_v = 8});
    CASE(base_spec(), "q grows with the position",
         s.latent = (LatentSpec){.rank = 16, .d_nope = 6, .d_v = 8, .temp_scale = 0.1f, .temp_length = 8192});
    CASE(base_spec(), "q: 12 numbers", s.latent = (LatentSpec){.rank = 16, .q_rank = 12, .d_nope = 6, .d_v = 8});
    BlockSpec none = base_spec();
    none.rope = ROPE_NONE;
    assert_null(strstr(drawn(&none, &usual), "RoPE"));
    /* A spec may speak of norms of q and k that a file lacks. */
    none.qk_norm = QK_NORM_HEADS;
    assert_null(strstr(drawn(&none, &usual), "of q, k"));
}

static void every_switch_of_the_network_shows(void **state)
{
    (void)state;
    CASE(base_spec(), "silu(up), 40 wide", s.gated = false);
    CASE(base_spec(), "gelu_tanh(gate) * up", s.act = ACT_GELU_TANH);
    CASE(base_spec(), "swiglu(gate, up), clamped", s.act = ACT_SWIGLU_CLAMPED);
    CASE(base_spec(), "down, + bias", p.ffn_bias = true);
    CASE(base_spec(), "divided by learned scales", p.act_scales = true);
    CASE(base_spec(), "router: 2 of 8 experts", s.moe = (MoeSpec){.n_expert = 8, .n_used = 2});
    CASE(expert_spec(), ", sum 1", s.moe.normalise = true);
    CASE(expert_spec(), "a sigmoid each", s.moe.gating = MOE_SIGMOID);
    CASE(expert_spec(), "softmax of the chosen", s.moe.gating = MOE_SOFTMAX_CHOSEN);
    CASE(expert_spec(), "from 1 of 4 groups", s.moe.n_group = 4; s.moe.n_group_used = 1);
    CASE(expert_spec(), "times 2.5", s.moe.scale = 2.5f);
    CASE(expert_spec(), "chosen with a bias", p.select_bias = true);
    CASE(expert_spec(), "+ one for all tokens, 32 wide", s.moe.d_shared = 32);
    BlockSpec dense = base_spec(); /* the first layers of some mixtures */
    dense.moe.d_shared = 32;
    assert_null(strstr(drawn(&dense, &usual), "one for all"));
    CASE(expert_spec(), "wide, gated", s.moe.d_shared = 32; p.shared_router = true);
}

static void every_switch_of_a_scan_shows(void **state)
{
    (void)state;
    BlockSpec scan = {.ssm = {.kind = SSM_CHANNELS, .d_conv = 4, .d_state = 16, .d_inner = 48, .dt_rank = 3}};
    assert_non_null(strstr(drawn(&scan, &usual), "16 numbers for each channel"));
    assert_null(strstr(drawn(&scan, &usual), "attention"));
    CASE(scan, "RMSNorm of r, B, C", s.ssm.norm_dt_bc = true);
    CASE(scan, "RMSNorm of that, by groups", s.ssm.kind = SSM_HEADS);
    CASE(scan, "6 heads; B, C for every 3", s.ssm.kind = SSM_HEADS; s.ssm.n_head = 6; s.ssm.n_group = 2);
    CASE(scan, "conv over 7 tokens", s.ssm.d_conv = 7);
    CASE(scan, "x and z of 64 channels", s.ssm.d_inner = 64);
}

static void norms_stand_where_they_are_computed(void **state)
{
    (void)state;
    CASE(base_spec(), "RMSNorm of that", p.attn_post_norm = true);
    CASE(base_spec(), "RMSNorm of that", p.ffn_post_norm = true);
    CASE(base_spec(), "\n RMSNorm\n", p.attn_out_norm = true);
    CASE(base_spec(), "\n RMSNorm\n", p.ffn_out_norm = true);
    CASE(base_spec(), "times 0.22", s.residual_scale = 0.22f);
    BlockSpec s = base_spec();
    assert_int_equal(count(drawn(&s, &usual), "RMSNorm"), 2);
    assert_int_equal(count(drawn(&s, &(BlockParts){0}), "RMSNorm"), 0);
    assert_int_equal(count(drawn(&s, &usual), "(+)"), 2);
    /* Parallel: one sum; one norm before the fork, or one in each box. */
    s.parallel = true;
    assert_int_equal(count(drawn(&s, &usual), "(+)"), 1);
    assert_int_equal(count(drawn(&s, &usual), "│ RMSNorm"), 2);
    const char *one = drawn(&s, &(BlockParts){.attn_norm = true});
    assert_int_equal(count(one, "RMSNorm"), 1);
    assert_non_null(strstr(one, "┠─── RMSNorm ──"));
}

/* Every box has as many left as right sides, and no line is longer than promised, whatever the numbers. */
static void frames_hold_the_largest_numbers(void **state)
{
    (void)state;
    static const float factors[1] = {1};
    BlockSpec s = {.d_model = 1 << 20, .d_ff = 1 << 24, .n_head = 4096, .n_kv_head = 2048, .d_k = 4096,
                   .d_v = 4094, .n_rot = 4094, .norm = NORM_LAYER, .gated = true, .act = ACT_GELU_QUICK,
                   .rope = ROPE_INTERLEAVED, .rope_freq_scale = 1e-6f, .rope_yarn = {.high = 1},
                   .rope_factors = factors, .qk_norm = QK_NORM_HEADS, .clamp_qkv = 123456.7f,
                   .attn_scale = 1.234e-8f, .window = 1 << 30, .both_ways = true, .soft_cap = 123456.7f,
                   .alibi_bias = 8, .alibi_scale = 1.234567e-8f, .residual_scale = 0.1234567f, .parallel = true};
    BlockParts p;
    memset(&p, true, sizeof p);
    s.moe = (MoeSpec){.n_expert = 1024, .n_used = 1024, .gating = MOE_SOFTMAX, .normalise = true,
                      .scale = 123456.7f, .n_group = 1024, .n_group_used = 1024, .group_by_best = true, .d_ff = 1 << 24,
                      .d_shared = (int64_t)64 << 24};
    for (int i = 0; i < 4; i++) {
        s.parallel = i & 1;
        if (i & 2) s.latent = (LatentSpec){.rank = 4096, .q_rank = 1 << 16, .d_nope = 2, .d_v = 4096};
        const char *text = drawn(&s, &p), *at = text;
        while (*at)
            if (columns(&at) > BLOCK_DRAW_WIDTH) twin_fail("wider than %d columns:\n%s", BLOCK_DRAW_WIDTH, text);
        assert_int_equal(count(text, "┌"), 2);
        assert_int_equal(count(text, "┌"), count(text, "└"));
        assert_int_equal(count(text, "│") % 2, 0);
        assert_int_equal(count(text, "┴"), 2 + s.parallel);
    }
}

static void parts_are_what_weights_have(void **state)
{
    (void)state;
    float one = 1;
    BlockSpec s = base_spec();
    BlockWeights w = {.attn_norm.gain = &one, .q_norm.gain = &one, .q.bias = &one, .up.bias = &one, .sinks = &one};
    BlockParts p = block_parts(&s, &w);
    assert_true(p.attn_norm && p.qk_norm && p.qkv_bias && p.ffn_bias && p.sinks);
    assert_false(p.ffn_norm || p.attn_post_norm || p.ffn_post_norm || p.attn_out_norm || p.ffn_out_norm ||
                 p.o_bias || p.act_scales || p.select_bias || p.shared_router);
    s = expert_spec();
    assert_false(block_parts(&s, &w).ffn_bias); /* that of experts is elsewhere */
    w.moe.up.bias = w.moe.select_bias = &one;
    assert_true(block_parts(&s, &w).ffn_bias && block_parts(&s, &w).select_bias);
}

static bool refuse(void *ctx, size_t n_bytes)
{
    (void)ctx, (void)n_bytes;
    return false;
}

static void memory_may_run_out(void **state)
{
    (void)state;
    Buf b = {0};
    Err err = {0};
    BlockSpec s = base_spec();
    mem_set_hook(refuse, NULL);
    Status st = block_draw(&b, &s, &usual, &err);
    mem_set_hook(NULL, NULL);
    assert_int_equal(st, E_MEMORY);
    buf_close(&b);
}

int main(void)
{
    layer4_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(llama_is_drawn_as_written_here),
        cmocka_unit_test(every_switch_of_attention_shows),
        cmocka_unit_test(every_switch_of_the_network_shows),
        cmocka_unit_test(every_switch_of_a_scan_shows),
        cmocka_unit_test(norms_stand_where_they_are_computed),
        cmocka_unit_test(frames_hold_the_largest_numbers),
        cmocka_unit_test(parts_are_what_weights_have),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
