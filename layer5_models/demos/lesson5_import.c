/* lesson5_import: a checkpoint of a few bytes, and why its rows change places on the way to our file. */
#include "layer5.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { D_HEAD = 8, D_MODEL = 4 };

static void must(Status s, const Err *err) { CHECK(s == OK, "%s", err->text); }

/* ---------------------------------------------------------------- 1. The container */

static void show_container(void)
{
    static const char header[] = "{\"bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                                 "\"w\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[8,20]}}";
    const float bias[2] = {1, -2};
    const float w[6] = {0.5f, 1, 1.5f, -1, -2, -3};
    Buf file = {0};
    Err err = {{0}};
    uint64_t n = sizeof header - 1;
    must(buf_append(&file, &n, 8, &err), &err);
    must(buf_append(&file, header, n, &err), &err);
    must(buf_append(&file, bias, sizeof bias, &err), &err);
    for (int i = 0; i < 6; i++) {
        uint16_t h = f32_to_bf16(w[i]);
        must(buf_append(&file, &h, 2, &err), &err);
    }
    SafeTensors st;
    must(safetensors_open_memory(&st, file.data, file.len, &err), &err);
    printf("1. A safetensors file of %zu bytes: a length, %llu bytes of JSON, numbers\n\n   %s\n\n", file.len,
           (unsigned long long)n, header);
    for (int64_t i = 0; i < st.n; i++) {
        Tensor v = safetensors_view(&st.tensors[i]);
        printf("   %-5.*s %-5s our shape [%lld, %lld]  first row", STR_ARG(st.tensors[i].name), st.tensors[i].type_name,
               (long long)v.ne[0], (long long)v.ne[1]);
        for (int64_t k = 0; k < v.ne[0]; k++) printf(" %g", (double)tensor_at(&v, k, 0, 0, 0));
        printf("\n");
    }
    safetensors_close(&st);
    file.data[8 + n - 4] = '9'; /* the end at byte 29, not 20 */
    if (safetensors_open_memory(&st, file.data, file.len, &err) != OK) printf("\n   one digit changed: %s\n", err.text);
    buf_close(&file);
}

/* ---------------------------------------------------------------- 2. Rows that change places */

/* Turns pair j of a head by pos / 10^j: (j, j + d/2), or (2j, 2j + 1). */
static void rotate(float *head, int pos, bool neighbours)
{
    for (int j = 0; j < D_HEAD / 2; j++) {
        float *a = head + (neighbours ? 2 * j : j), *b = head + (neighbours ? 2 * j + 1 : j + D_HEAD / 2);
        float t = (float)pos / powf(10, (float)j), x = *a, y = *b;
        *a = x * cosf(t) - y * sinf(t);
        *b = x * sinf(t) + y * cosf(t);
    }
}

/* The score of a query at position 5 and a key at position 2, both rows of the same matrix times x. */
static float score(const ImportTensor *t, bool neighbours)
{
    float q[D_HEAD] = {0}, k[D_HEAD] = {0}, row[D_MODEL], sum = 0;
    for (int r = 0; r < D_HEAD; r++) {
        import_row_f32(t, r, row);
        for (int i = 0; i < D_MODEL; i++) q[r] += row[i] * (float)(i + 1), k[r] += row[i] * (float)(4 - i);
    }
    rotate(q, 5, neighbours);
    rotate(k, 2, neighbours);
    for (int r = 0; r < D_HEAD; r++) sum += q[r] * k[r];
    return sum;
}

static void show_rows(void)
{
    float w[D_HEAD * D_MODEL];
    for (int i = 0; i < D_HEAD * D_MODEL; i++) w[i] = sinf((float)i) / 2;
    ImportSource source = {.view = tensor_matrix(DT_F32, w, D_MODEL, D_HEAD)};
    ImportTensor as_is = {.type = DT_F32, .n_dims = 2, .ne = {D_MODEL, D_HEAD, 1, 1}, .sources = &source, .n_sources = 1};
    ImportTensor turned = as_is;
    turned.order.interleave = D_HEAD;
    printf("\n2. A head of %d rows: pairs are j and j + %d there, 2j and 2j + 1 in our file\n\n   our row   ", D_HEAD,
           D_HEAD / 2);
    for (int r = 0; r < D_HEAD; r++) printf(" %d", r);
    printf("\n   their row ");
    for (int r = 0; r < D_HEAD; r++) printf(" %lld", (long long)import_source_row(&turned.order, r));
    printf("\n\n   score, their rows turned their way    %8.4f\n", (double)score(&as_is, false));
    printf("   score, our rows turned our way        %8.4f\n", (double)score(&turned, true));
    printf("   score, their rows turned our way      %8.4f   a converter that forgot\n", (double)score(&as_is, true));
}

int main(void)
{
    layer5_init();
    show_container();
    show_rows();
    return 0;
}
