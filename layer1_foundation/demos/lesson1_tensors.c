/* lesson1_tensors.c: a tensor is a pointer with arithmetic. Shapes, strides, a transpose that moves
 * nothing, what quantising does to a row, and the bits of the two 16-bit floats. */
#include "layer1.h"

#include <stdio.h>
#include <string.h>

static void print_view(const char *name, const Tensor *t, const void *base)
{
    printf("%-12s %-5s ne [%lld, %lld]  nb [%lld, %lld]  data = base + %lld  %s\n", name,
           dtype_name(t->type), (long long)t->ne[0], (long long)t->ne[1], (long long)t->nb[0],
           (long long)t->nb[1], (long long)((const char *)t->data - (const char *)base),
           tensor_is_dense(t) ? "dense" : "strided");
}

/* Each element with its distance from the base in bytes: the formula, made visible. */
static void print_elements(const Tensor *t, const void *base)
{
    for (int64_t i1 = 0; i1 < t->ne[1]; i1++) {
        printf("  ");
        for (int64_t i0 = 0; i0 < t->ne[0]; i0++) {
            const char *p = (const char *)tensor_row(t, i1, 0, 0) + i0 * t->nb[0];
            printf("  %2.0f @%-3lld", tensor_at(t, i0, i1, 0, 0), (long long)(p - (const char *)base));
        }
        printf("\n");
    }
    printf("\n");
}

static void shade(const Tensor *t, int64_t row)
{
    static const char *const level[] = {" ", "░", "▒", "▓", "█"};
    for (int64_t i = 0; i < t->ne[0]; i++) {
        int k = (int)(tensor_at(t, i, row, 0, 0) * 4.999f);
        printf("%s%s", level[k], level[k]);
    }
}

/* A bright diagonal stroke and its transpose, side by side. */
static void picture(void)
{
    enum { N = 8 };
    static float pixels[N][N];
    for (int y = 0; y < N; y++)
        for (int x = 0; x < N; x++) {
            int d = x - 2 * y + 1 < 0 ? 2 * y - 1 - x : x - 2 * y + 1;
            pixels[y][x] = d > 4 ? 0.0f : 1.0f - 0.25f * (float)d;
        }
    Tensor a = tensor_matrix(DT_F32, pixels, N, N), b = tensor_transpose(a, 0, 1);
    printf("The same 256 bytes, seen twice:\n");
    for (int64_t y = 0; y < N; y++) {
        printf("   |");
        shade(&a, y);
        printf("|   |");
        shade(&b, y);
        printf("|\n");
    }
    printf("    nb [%lld, %lld]             nb [%lld, %lld]\n\n", (long long)a.nb[0], (long long)a.nb[1],
           (long long)b.nb[0], (long long)b.nb[1]);
}

static void row_costs(void)
{
    static const DType types[] = {DT_F32, DT_F16, DT_Q8_0, DT_Q4_0, DT_Q4_K};
    printf("A row of 4096 weights:\n   type   block  bytes/block     row  bits/weight\n");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const DTypeInfo *d = dtype_info(types[i]);
        int64_t row = dtype_row_bytes(types[i], 4096);
        printf("   %-6s %5d %12d %7lld %12.2f\n", d->name, d->block, d->bytes, (long long)row,
               8.0 * (double)row / 4096);
    }
    printf("\n");
}

/* Sign, exponent and mantissa apart. */
static void print_bits(uint16_t h, int n_mantissa)
{
    for (int bit = 15; bit >= 0; bit--) {
        putchar(h >> bit & 1 ? '1' : '0');
        if (bit == 15 || bit == n_mantissa) putchar(' ');
    }
}

static void halves(void)
{
    static const float values[] = {1.0f, -2.0f, 0.1f, 65504.0f, 70000.0f, 0x1p-24f, 0x1p-26f};
    printf("%12s   %-18s %-12s %-18s %s\n", "f32", "f16: s exp mantissa", "value", "bf16: s exp mant.",
           "value");
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        uint16_t h = f32_to_f16(values[i]), b = f32_to_bf16(values[i]);
        printf("%12g   ", values[i]);
        print_bits(h, 10);
        printf("  %-12.6g ", f16_to_f32(h));
        print_bits(b, 7);
        printf(" %.6g\n", bf16_to_f32(b));
    }
}

int main(void)
{
    float base[12];
    for (int i = 0; i < 12; i++) base[i] = (float)(10 * (i / 4) + i % 4); /* row, column */

    Tensor a = tensor_matrix(DT_F32, base, 4, 3), t = tensor_transpose(a, 0, 1);
    Tensor row = tensor_vector(DT_F32, tensor_row(&a, 1, 0, 0), 4);
    print_view("A", &a, base);
    print_elements(&a, base);
    print_view("transpose", &t, base);
    print_elements(&t, base);
    print_view("row 1 of A", &row, base);
    print_elements(&row, base);
    picture();
    row_costs();
    halves();
    return 0;
}
