/* test_embed.c: rows of a table by token id, from any type. */
#include "twins.h"

#include "layer3.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void rows_come_in_the_order_of_the_ids(void **state)
{
    (void)state;
    static const float data[8] = {1, 2, 3, 4, 5, 6, 7, 8}; /* 4 tokens of 2 */
    Tensor table = tensor_matrix(DT_F32, data, 2, 4);
    static const int32_t ids[5] = {3, 0, 3, 2, 1};
    static const float want[10] = {7, 8, 1, 2, 7, 8, 5, 6, 3, 4};
    float y[11];
    y[10] = -1.0f;
    embed_lookup(y, &table, ids, 5);
    assert_same_f32(y, want, 10, "lookup", "f32");
    assert_true(y[10] == -1.0f);
    embed_lookup(y, &table, NULL, 0);
    assert_same_f32(y, want, 10, "no ids", "f32");
}

static void every_type_gives_what_its_row_conversion_gives(void **state)
{
    (void)state;
    enum { D = 64, VOCAB = 7 };
    static const DType types[] = {DT_F32, DT_F16, DT_BF16, DT_Q8_0, DT_Q4_0};
    /* Largest error relative to the largest weight of a block: none, half a unit in the last place
     * of 11 and 8 bits, half a step of 127, and for Q4_0 a whole step of 8 at its short end. */
    static const double slack[] = {0.0, 0x1p-11, 0x1p-8, 0.5 / 127 + 0x1p-10, 1.0 / 8 + 0x1p-10};
    Rng rng = rng_seed(61);
    float w[VOCAB * D];
    twin_normals(&rng, w, VOCAB * D);
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        int64_t row_bytes = dtype_row_bytes(types[t], D);
        TwinBuf b = twin_buf(VOCAB * row_bytes, 1, 0);
        for (int v = 0; v < VOCAB; v++)
            row_from_f32((char *)b.data + v * row_bytes, types[t], w + v * D, NULL, D);
        Tensor table = tensor_matrix(types[t], b.data, D, VOCAB);
        static const int32_t ids[3] = {6, 0, 4};
        float y[3 * D], direct[D];
        embed_lookup(y, &table, ids, 3);
        for (int k = 0; k < 3; k++) {
            row_to_f32(direct, (char *)b.data + ids[k] * row_bytes, types[t], D);
            assert_same_f32(y + k * D, direct, D, "row", dtype_name(types[t]));
            float max = 0.0f;
            for (int i = 0; i < D; i++) max = fmaxf(max, fabsf(w[ids[k] * D + i]));
            for (int i = 0; i < D; i++)
                assert_near(y[k * D + i], w[ids[k] * D + i], slack[t] * max, "weight",
                            dtype_name(types[t]), i);
        }
        twin_free(b);
    }
}

/* True if looking up this id aborts the process (a child does it). */
static bool aborts(int32_t id)
{
    static const float data[6] = {1, 2, 3, 4, 5, 6};
    Tensor table = tensor_matrix(DT_F32, data, 2, 3);
    pid_t pid = fork();
    if (pid == 0) {
        float y[2];
        signal(SIGABRT, SIG_DFL); /* cmocka catches it otherwise */
        dup2(open("/dev/null", O_WRONLY), 2);
        embed_lookup(y, &table, &id, 1);
        _exit(0);
    }
    int how;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    return WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT;
}

static void ids_outside_the_vocabulary_are_caught(void **state)
{
    (void)state;
    assert_false(aborts(0));
    assert_false(aborts(2));
    assert_true(aborts(3));
    assert_true(aborts(-1));
    assert_true(aborts(INT32_MIN));
}

int main(void)
{
    layer3_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_in_the_order_of_the_ids),
        cmocka_unit_test(every_type_gives_what_its_row_conversion_gives),
        cmocka_unit_test(ids_outside_the_vocabulary_are_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
