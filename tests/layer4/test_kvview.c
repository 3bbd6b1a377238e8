/* A KvView is only pointers and strides: what is stored at (head, position) is what is read there,
 * in the type of the view, and nothing else changes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer4.h"

#include <string.h>

enum { N_CTX = 7, HEADS = 3, D_K = 5, D_V = 2 };

static _Alignas(64) char memory[1 << 16], other[1 << 16];

static void by_hand_positions_are_contiguous_within_a_head(void **state)
{
    (void)state;
    KvView kv = kv_flat(memory, DT_F32, DT_F16, N_CTX, HEADS, D_K, D_V);
    assert_int_equal(kv.k_pos, D_K * 4);
    assert_int_equal(kv.k_head, N_CTX * D_K * 4);
    assert_int_equal(kv.v_pos, D_V * 2);
    /* 7 * 3 * 5 * 4 = 420 bytes of keys, rounded up to 448. */
    assert_int_equal(kv.v - kv.k, 448);
    assert_int_equal(kv_flat_bytes(DT_F32, DT_F16, N_CTX, HEADS, D_K, D_V), 448 + 128);
}

/* Numbers that f16 holds exactly, different for every place. */
static float number(int64_t pos, int64_t i) { return (float)(pos * 16 + i) * 0.25f; }

static void fill(const KvView *kv)
{
    for (int64_t pos = 0; pos < kv->n_ctx; pos++) {
        float k[HEADS * D_K], v[HEADS * D_V];
        for (int i = 0; i < HEADS * D_K; i++) k[i] = number(pos, i);
        for (int i = 0; i < HEADS * D_V; i++) v[i] = -number(pos, i);
        kv_store(kv, pos, k, v);
    }
}

static void check(const KvView *kv, int64_t pos)
{
    float k[D_K], v[D_V];
    for (int h = 0; h < HEADS; h++) {
        kv_load_k(k, kv, h, pos);
        kv_load_v(v, kv, h, pos);
        for (int i = 0; i < D_K; i++) assert_true(k[i] == number(pos, h * D_K + i));
        for (int i = 0; i < D_V; i++) assert_true(v[i] == -number(pos, h * D_V + i));
    }
}

static const DType types[] = {DT_F32, DT_F16};

static void what_is_stored_is_loaded_in_every_type(void **state)
{
    (void)state;
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 2; b++) {
            KvView kv = kv_flat(memory, types[a], types[b], N_CTX, HEADS, D_K, D_V);
            int64_t bytes = kv_flat_bytes(types[a], types[b], N_CTX, HEADS, D_K, D_V);
            memset(memory, 0x5A, sizeof memory);
            fill(&kv);
            for (int64_t pos = 0; pos < N_CTX; pos++) check(&kv, pos);
            for (int i = 0; i < 64; i++) assert_int_equal(memory[bytes + i], 0x5A);
        }
}

static void storing_rounds_to_the_nearest_half(void **state)
{
    (void)state;
    KvView kv = kv_flat(memory, DT_F16, DT_F32, 1, 1, 3, 1);
    float x[3] = {1.0f + 1.0f / 4096, 65519.0f, 1e-8f}, v = 3, k[3];
    kv_store(&kv, 0, x, &v);
    kv_load_k(k, &kv, 0, 0);
    assert_true(k[0] == 1.0f && k[1] == 65504.0f && k[2] == 0.0f);
}

static void storing_one_position_leaves_the_others(void **state)
{
    (void)state;
    KvView kv = kv_flat(memory, DT_F16, DT_F16, N_CTX, HEADS, D_K, D_V);
    fill(&kv);
    float zeros[HEADS * D_K] = {0};
    kv_store(&kv, 3, zeros, zeros);
    for (int64_t pos = 0; pos < N_CTX; pos++)
        if (pos != 3) check(&kv, pos);
}

/* The same memory with heads innermost. */
static KvView heads_innermost(char *at)
{
    KvView kv = kv_flat(at, DT_F16, DT_F16, N_CTX, HEADS, D_K, D_V);
    kv.k_head = D_K * 2;
    kv.k_pos = HEADS * kv.k_head;
    kv.v_head = D_V * 2;
    kv.v_pos = HEADS * kv.v_head;
    return kv;
}

static void copy_keeps_values_across_layouts_and_stops_at_n(void **state)
{
    (void)state;
    KvView flat = kv_flat(memory, DT_F16, DT_F16, N_CTX, HEADS, D_K, D_V);
    KvView inner = heads_innermost(other);
    fill(&flat);
    memset(other, 0, sizeof other);
    kv_copy(&inner, &flat, 4);
    for (int64_t pos = 0; pos < 4; pos++) check(&inner, pos);
    float k[D_K];
    kv_load_k(k, &inner, 1, 4);
    for (int i = 0; i < D_K; i++) assert_true(k[i] == 0);
    /* And back, into a shorter flat cache. */
    KvView shorter = kv_flat(memory, DT_F16, DT_F16, 4, HEADS, D_K, D_V);
    kv_copy(&shorter, &inner, 4);
    for (int64_t pos = 0; pos < 4; pos++) check(&shorter, pos);
}

int main(void)
{
    layer4_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand_positions_are_contiguous_within_a_head),
        cmocka_unit_test(what_is_stored_is_loaded_in_every_type),
        cmocka_unit_test(storing_rounds_to_the_nearest_half),
        cmocka_unit_test(storing_one_position_leaves_the_others),
        cmocka_unit_test(copy_keeps_values_across_layouts_and_stops_at_n),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
