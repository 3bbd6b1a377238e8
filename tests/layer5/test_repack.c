/* Weights in another type are what the row conversions make of them, whoever wrote which row. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model_bytes.h"
#include "matrices.h"
#include "repack.h"

#include <string.h>

enum { MOST = 2 + 7 * 2 };

/* The matrices of a model of two blocks, in any order. */
static int list_matrices(const Model *m, Tensor out[MOST])
{
    int n = 0;
    out[n++] = m->weights.token_embd;
    out[n++] = m->weights.output.w;
    for (int64_t i = 0; i < m->hp.n_layer; i++) {
        const BlockWeights *b = &m->weights.blocks[i];
        const Affine *parts[] = {&b->q, &b->k, &b->v, &b->o, &b->gate, &b->up, &b->down};
        for (int k = 0; k < 7; k++) out[n++] = parts[k]->w;
    }
    return n;
}

static void check_matrix(const Tensor *old, const Tensor *new, DType type)
{
    float x[256];
    char want[1024];
    assert_true(old->ne[0] <= 256);
    assert_int_equal(new->type, type);
    assert_int_equal(new->ne[0], old->ne[0]);
    assert_int_equal(new->ne[1], old->ne[1]);
    int64_t bytes = dtype_row_bytes(type, old->ne[0]);
    for (int64_t r = 0; r < old->ne[1]; r++) {
        row_to_f32(x, (const char *)old->data + r * old->nb[1], old->type, old->ne[0]);
        row_from_f32(want, type, x, NULL, old->ne[0]);
        assert_memory_equal((const char *)new->data + r * bytes, want, (size_t)bytes);
    }
}

static void repack_and_check(const ModelShape *shape, DType type, int n_threads)
{
    Buf file = mb_model(shape, 11);
    Model m = mb_opened(&file);
    Tensor old[MOST], new[MOST];
    Pool *pool;
    Err err = {""};
    int n = list_matrices(&m, old);
    int64_t need = model_repack_bytes(&m, type), bytes = m.weights.bytes;
    MUST(pool_open(&pool, n_threads, false, &err), &err);
    MUST(model_repack(&m, type, pool, true, &err), &err);
    assert_int_equal(list_matrices(&m, new), n);
    for (int i = 0; i < n; i++) {
        bool same = old[i].type == type, again = i == 1 && old[1].data == old[0].data;
        if (same) assert_ptr_equal(new[i].data, old[i].data);
        else check_matrix(&old[i], &new[i], type);
        if (again) assert_ptr_equal(new[1].data, new[0].data);
        if (!same && !again) bytes += tensor_bytes(&new[i]) - tensor_bytes(&old[i]);
    }
    assert_int_equal(m.weights.bytes, bytes);
    assert_true(need > 0);
    assert_int_equal(model_repack_bytes(&m, type), 0);
    MUST(model_repack(&m, type, pool, true, &err), &err); /* nothing left to do */
    pool_close(pool);
    model_close(&m);
    buf_close(&file);
}

static void every_row_is_what_the_conversion_makes_of_it(void **state)
{
    (void)state;
    static const DType kinds[] = {DT_F16, DT_BF16, DT_Q8_0, DT_Q4_0};
    for (int i = 0; i < 4; i++)
        for (int n_threads = 1; n_threads <= 3; n_threads++) {
            ModelShape shape = MODEL_SHAPE;
            /* More than 16 KB in a call, so that the threads share it. */
            shape.d_model = 128, shape.d_ff = 192, shape.n_head = 4, shape.n_kv_head = 2;
            shape.tied = n_threads == 2;
            repack_and_check(&shape, kinds[i], n_threads);
        }
}

static void a_matrix_that_has_the_type_stays_in_the_file(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    shape.odd_tensor = "blk.1.attn_k.weight";
    shape.odd_ne[0] = 32, shape.odd_ne[1] = 16, shape.odd_type = DT_Q8_0;
    repack_and_check(&shape, DT_Q8_0, 2);
}

/* A stack of three matrices, put into a model by hand. */
static void experts_are_repacked_one_by_one(void **state)
{
    (void)state;
    enum { N_IN = 64, N_OUT = 200, N_EXPERT = 3 };
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 11);
    Model m = mb_opened(&file);
    Arena a = {0};
    Rng rng = rng_seed(3);
    Tensor old[2], *new[2] = {&m.weights.blocks[1].moe.up.w, &m.weights.blocks[1].moe.gate.w};
    for (int i = 0; i < 2; i++) {
        float *x = ARENA_NEW(&a, float, N_IN * N_OUT * N_EXPERT);
        for (int k = 0; k < N_IN * N_OUT * N_EXPERT; k++) x[k] = rng_normal(&rng);
        old[i] = tensor_matrix(DT_F32, x, N_IN, N_OUT);
        old[i].ne[2] = N_EXPERT;
        old[i].nb[3] = old[i].nb[2] * N_EXPERT;
        *new[i] = old[i];
    }
    Pool *pool;
    Err err;
    MUST(pool_open(&pool, 3, false, &err), &err);
    MUST(model_repack(&m, DT_Q8_0, pool, true, &err), &err);
    for (int i = 0; i < 2; i++)
        for (int64_t e = 0; e < N_EXPERT; e++) {
            Tensor from = old[i], to = *new[i];
            assert_int_equal(to.ne[2], N_EXPERT);
            from.data = (char *)(uintptr_t)from.data + e * from.nb[2];
            to.data = (char *)(uintptr_t)to.data + e * to.nb[2];
            check_matrix(&from, &to, DT_Q8_0);
        }
    pool_close(pool);
    arena_close(&a);
    model_close(&m);
    buf_close(&file);
}

/* By hand: two blocks of seven matrices and the output matrix; of three experts two are used. */
static void a_token_costs_its_matrices_once(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 11);
    Model m = mb_opened(&file);
    Tensor all[MOST];
    double weights = 0;
    int n = list_matrices(&m, all);
    for (int i = 1; i < n; i++) weights += (double)(all[i].ne[0] * all[i].ne[1]);
    TokenWork work = model_token_work(&m);
    assert_true(work.float_madds == weights && work.bytes == 4 * weights && work.int8_madds == 0);

    float x[64 * 8 * 3] = {0};
    Tensor experts = tensor_matrix(DT_F32, x, 64, 8);
    experts.ne[2] = 3;
    m.weights.blocks[1].moe.up.w = experts;
    m.hp.n_expert = 3, m.hp.n_expert_used = 2;
    work = model_token_work(&m);
    assert_true(work.float_madds == weights + 2 * 64 * 8);

    Pool *pool;
    Err err;
    MUST(pool_open(&pool, 1, false, &err), &err);
    m.weights.blocks[1].moe.up.w = (Tensor){0};
    MUST(model_repack(&m, DT_Q8_0, pool, true, &err), &err);
    work = model_token_work(&m);
    assert_true(work.int8_madds + work.float_madds == weights && work.int8_madds > 0);
    assert_true(work.bytes == work.int8_madds * 34 / 32 + work.float_madds * 4);
    pool_close(pool);
    model_close(&m);
    buf_close(&file);
}

static bool refuse(void *ctx, size_t n_bytes)
{
    (void)n_bytes;
    return (*(int *)ctx)-- > 0;
}

static void refused_memory_is_an_error_and_leaves_a_model(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Status s = E_MEMORY;
    int n_failures = 0;
    for (int allowed = 0; s != OK; allowed++) {
        Buf file = mb_model(&shape, 11);
        Model m = mb_opened(&file);
        Tensor t[MOST];
        Err err = {""};
        int left = allowed;
        mem_set_hook(refuse, &left);
        s = model_repack(&m, DT_F16, NULL, true, &err);
        mem_set_hook(NULL, NULL);
        if (s != OK) {
            assert_int_equal(s, E_MEMORY);
            assert_non_null(strstr(err.text, "HINT:"));
            n_failures++;
        }
        int n = list_matrices(&m, t);
        for (int i = 0; i < n; i++) assert_true(t[i].type == DT_F16 || t[i].type == DT_F32);
        model_close(&m);
        buf_close(&file);
    }
    assert_true(n_failures >= 2);
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_what_the_conversion_makes_of_it),
        cmocka_unit_test(a_token_costs_its_matrices_once),
        cmocka_unit_test(a_matrix_that_has_the_type_stays_in_the_file),
        cmocka_unit_test(experts_are_repacked_one_by_one),
        cmocka_unit_test(refused_memory_is_an_error_and_leaves_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
