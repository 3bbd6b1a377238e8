/* test_unpack.c: rows as integers with scales: the same weights as decoding gives. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer2_kernels.h"
#include "twins.h"

#include <ctype.h>

/* One row of blocks as integers; buffers end where the results must end. */
typedef struct {
    TwinBuf q, scale, offset;
    int64_t n_groups;
} Row;

static Row row_new(const QuantFormat *f, int64_t n)
{
    Row r = {.n_groups = n / f->group};
    r.q = twin_buf(n, 1, 1);
    r.scale = twin_buf(r.n_groups, 4, 1);
    r.offset = f->has_offset ? twin_buf(r.n_groups, 4, 1) : (TwinBuf){NULL, NULL};
    return r;
}

static void row_free(Row r)
{
    twin_free(r.q);
    twin_free(r.scale);
    twin_free(r.offset);
}

/* scale q + offset in double, against decoding: that rounds the product, and the sum again. */
static void check_values(const QuantFormat *f, const Row *r, const float *want, int64_t n,
                         const char *variant)
{
    const int8_t *q = r->q.data;
    const float *scale = r->scale.data, *offset = r->offset.data;
    for (int64_t i = 0; i < n; i++) {
        double product = (double)scale[i / f->group] * q[i];
        double least = offset ? (double)offset[i / f->group] : 0, w = product + least;
        assert_in_range(abs(q[i]), 0, f->largest);
        if (!isfinite(w) || fabs(w) > (double)FLT_MAX) {
            assert_false(isfinite(want[i]));
            continue;
        }
        double tol = FLT_EPSILON * (fabs(product) + fabs(least)) + 1.5e-45;
        assert_near(want[i], (float)w, tol, dtype_name(f->type), variant, i);
    }
}

typedef struct {
    const QuantFormat *f;
    const void *blocks;
    int64_t n;
    Row first; /* what the first variant gave, the specification */
} Job;

static void check_variant(const KernelRow *row, void *ctx)
{
    Job *j = ctx;
    const QuantFormat *f = j->f;
    Row r = row_new(f, j->n);
    ((unpack_fn *)row->fn)(r.q.data, r.scale.data, r.offset.data, j->blocks, j->n);
    if (!j->first.n_groups) {
        float *want = mem_alloc((size_t)j->n * 4);
        (*f->dequantise)(want, j->blocks, j->n);
        check_values(f, &r, want, j->n, row->variant);
        mem_free(want);
        j->first = r;
        return;
    }
    assert_memory_equal(r.q.data, j->first.q.data, (size_t)j->n);
    assert_same_f32(r.scale.data, j->first.scale.data, r.n_groups, row->op, row->variant);
    if (f->has_offset)
        assert_same_f32(r.offset.data, j->first.offset.data, r.n_groups, row->op, row->variant);
    row_free(r);
}

static void check_blocks(const QuantFormat *f, const void *blocks, int64_t n)
{
    char op[32] = "unpack_";
    const char *name = dtype_name(f->type);
    for (size_t i = 0; i <= strlen(name); i++) op[7 + i] = (char)tolower((unsigned char)name[i]);
    Job j = {.f = f, .blocks = blocks, .n = n};
    twins_for_each(op, check_variant, &j);
    row_free(j.first);
}

/* Any bytes are blocks: scales that are no numbers, codes of -128. */
static void any_bytes_unpack_to_what_they_decode_to(void **state)
{
    (void)state;
    Rng rng = rng_seed(21);
    int n_formats = 0;
    for (int t = 0; t < DT_COUNT; t++) {
        const QuantFormat *f = dtype_info(t) ? quant_format((DType)t) : NULL;
        if (!f || !f->unpack) continue;
        n_formats++;
        for (int64_t n_blocks = 1; n_blocks < 40; n_blocks++) {
            int64_t bytes = n_blocks * dtype_info(t)->bytes;
            TwinBuf b = twin_buf(bytes, 1, 1);
            for (int64_t i = 0; i < bytes; i++) ((uint8_t *)b.data)[i] = (uint8_t)rng_u64(&rng);
            check_blocks(f, b.data, n_blocks * dtype_info(t)->block);
            twin_free(b);
        }
    }
    assert_true(n_formats >= 10);
}

/* Golden blocks: made by a quantiser, and random ones. */
static void golden_blocks_unpack_to_what_they_decode_to(void **state)
{
    (void)state;
    static const char *const kinds[] = {"", ".rand", ".im"};
    int n_found = 0;
    for (int t = 0; t < DT_COUNT; t++)
        for (int k = 0; k < 3; k++) {
            const QuantFormat *f = dtype_info(t) ? quant_format((DType)t) : NULL;
            if (!f || !f->unpack) continue;
            char path[256], name[32] = "";
            const char *upper = dtype_name((DType)t);
            for (size_t i = 0; i < strlen(upper); i++) name[i] = (char)tolower((unsigned char)upper[i]);
            snprintf(path, sizeof path, "../shared/golden/quants/%s%s.blocks", name, kinds[k]);
            FILE *file = fopen(path, "rb");
            if (!file) continue;
            fseek(file, 0, SEEK_END);
            int64_t bytes = ftell(file);
            rewind(file);
            void *b = mem_alloc((size_t)bytes);
            assert_int_equal(fread(b, 1, (size_t)bytes, file), bytes);
            fclose(file);
            check_blocks(f, b, bytes / dtype_info(t)->bytes * dtype_info(t)->block);
            mem_free(b);
            n_found++;
        }
    if (n_found == 0) skip();
    assert_true(n_found >= 20);
}

/* Q4_0: d = -0.25, byte 0 = 0x8f: code 15 - 8 = 7 for weight 0, 8 - 8 = 0 for weight 16.
 * Q4_K: d = 2, dmin = 0.5, group 0: scale 5, min 3; byte 0 = 0x7a: weight 0 is 2*5*10 - 0.5*3. */
static void two_blocks_by_hand(void **state)
{
    (void)state;
    BlockQ4_0 b = {.d = 0xb400, .q = {0x8f}};
    BlockQ4_K k = {.d = 0x4000, .dmin = 0x3800, .scales = {5, 0, 0, 0, 3}, .q = {0x7a}};
    int8_t q[256];
    float scale[8], offset[8];
    unpack_q4_0(q, scale, NULL, &b, 32);
    assert_int_equal(q[0], 7);
    assert_int_equal(q[16], 0);
    assert_int_equal(q[1], -8);
    assert_true(scale[0] == -0.25f);
    unpack_q4_k(q, scale, offset, &k, 256);
    assert_int_equal(q[0], 10);
    assert_int_equal(q[32], 7);
    assert_true(scale[0] == 10.0f && offset[0] == -1.5f && scale[1] == 0.0f);
}

int main(void)
{
    layer2_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_blocks_by_hand),
        cmocka_unit_test(any_bytes_unpack_to_what_they_decode_to),
        cmocka_unit_test(golden_blocks_unpack_to_what_they_decode_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
