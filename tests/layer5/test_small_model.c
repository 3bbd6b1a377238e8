/* The wiring that the demos of lesson 4 do by hand computes what layer 5 computes from the same file. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer5.h"
#include "demos/head_tests.h"
#include "embedded.h"
#include "must.h"

enum { N = 16, MAX_VOCAB = 2048, LAYERS = 8 };

static KvView views[LAYERS];
static SeqState view_of(void *ctx, int seq, int layer)
{
    (void)ctx;
    (void)seq;
    return (SeqState){.kv = views[layer]};
}

static void compare(const unsigned char *data, size_t n_bytes, const int32_t *ids)
{
    static float by_hand[MAX_VOCAB], by_layer5[MAX_VOCAB];
    static SmallModel small;
    Err err;
    Model m;
    Session s;
    Arena arena = {0};
    BatchItem items[N] = {{0}};
    small_open(&small, data, n_bytes);
    assert_true(small.n_vocab <= MAX_VOCAB && small.n_layer <= LAYERS);
    small_forward(&small, by_hand, ids, N);
    MUST(model_open_memory(&m, data, n_bytes, &err), &err);
    MUST(session_open(&s, &m, NULL, N, N, &err), &err);
    for (int l = 0; l < small.n_layer; l++) {
        const BlockSpec *b = &m.spec;
        int64_t bytes = kv_flat_bytes(DT_F32, DT_F32, N, b->n_kv_head, b->d_k, b->d_v);
        views[l] = kv_flat(arena_alloc(&arena, bytes, 1), DT_F32, DT_F32, N, b->n_kv_head, b->d_k, b->d_v);
    }
    for (int t = 0; t < N; t++)
        items[t] = (BatchItem){.token = ids[t], .pos = t, .want_logits = t == N - 1};
    MUST(model_forward(&s, items, N, (KvSource){.lookup = view_of}, by_layer5, NULL, &err), &err);
    /* The same functions in the same order: the same bits. */
    assert_memory_equal(by_hand, by_layer5, (size_t)small.n_vocab * sizeof *by_hand);
    session_close(&s);
    model_close(&m);
    small_close(&small);
    arena_close(&arena);
}

static void hand_wiring_is_what_layer_5_does(void **state)
{
    (void)state;
    static const int32_t words[N] = {1, 40, 31, 52, 40, 33, 60, 40, 35, 31, 52, 40, 33, 60, 40, 31},
                         tokens[N] = {2044, 873, 329, 260, 542, 341, 258, 994,
                                      409,  332, 378, 916, 336, 478, 46,  364};
    compare(wired_model, wired_model_bytes, words);
    compare(storyteller_model, storyteller_model_bytes, tokens);
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hand_wiring_is_what_layer_5_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
