/* twins.h: what tests of twins share: visiting every usable variant of an op, awkward numbers,
 * sizes and buffers, and a comparison that explains itself.
 *
 *     static void check_add(const KernelRow *row, void *ctx)
 *     {
 *         vec_add_fn *fn = (vec_add_fn *)row->fn;       one variant; compare it with vec_add_scalar
 *     }
 *     ... twins_for_each("vec_add", check_add, NULL);
 *
 * Buffers come from twin_buf: exactly as long as asked, at an offset, so that AddressSanitizer sees
 * one element too many. */
#ifndef SIXFOLD_TESTS_TWINS_H
#define SIXFOLD_TESTS_TWINS_H

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "kernels.h"
#include "rng.h"

#define TWIN_UNUSED __attribute__((unused))

/* Prints the message and fails the test. (cmocka's fail_msg needs a macro that status.h removes.) */
#define twin_fail(...)                                                                             \
    do {                                                                                           \
        print_error(__VA_ARGS__);                                                                  \
        print_error("\n");                                                                         \
        _fail(__FILE__, __LINE__);                                                                 \
    } while (0)

typedef void TwinFn(const KernelRow *row, void *ctx);

/* Calls fn for each variant of op that this machine can run, also those chosen only on request, the
 * first (the specification) included. Fails if there is no such op. Returns how many there were. */
static TWIN_UNUSED int twins_for_each(const char *op, TwinFn *fn, void *ctx)
{
    int n = 0;
    for (int i = 0; i < kernels_count(); i++) {
        const KernelRow *row = kernels_row(i);
        if (strcmp(row->op, op) != 0 || !kernels_usable(row)) continue;
        fn(row, ctx);
        n++;
    }
    if (n == 0) twin_fail("the kernel table has no usable row of op '%s'", op);
    return n;
}

/* Sizes that exercise every tail of every register width: 0 to 67, then 4096. */
enum { TWIN_SIZES = 69, TWIN_OFFSETS = 4 };
static TWIN_UNUSED int64_t twin_size(int i) { return i < 68 ? i : 4096; }

/* n elements of `size` bytes that start `offset` elements into an allocation ending with them. */
typedef struct { void *base, *data; } TwinBuf;
static TWIN_UNUSED TwinBuf twin_buf(int64_t n, size_t size, int offset)
{
    TwinBuf b;
    b.base = mem_alloc(((size_t)n + (size_t)offset) * size + 1); /* + 1: never zero bytes */
    assert_non_null(b.base);
    b.data = (char *)b.base + (size_t)offset * size;
    return b;
}
static TWIN_UNUSED void twin_free(TwinBuf b) { mem_free(b.base); }

static TWIN_UNUSED void twin_normals(Rng *rng, float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) x[i] = rng_normal(rng);
}

/* Every fifth element or so becomes a number that breaks careless code. */
static TWIN_UNUSED void twin_awkward(Rng *rng, float *x, int64_t n)
{
    static const float odd[] = {NAN,      INFINITY, -INFINITY, 0.0f,     -0.0f, 1e-40f, -3e-42f,
                                FLT_MIN,  FLT_MAX,  -FLT_MAX,  65504.0f, 65520.0f, 6e-8f, 2.9e-8f,
                                1.00097656f, -1.0f, 3.3895314e38f};
    for (int64_t i = 0; i < n; i++)
        if (rng_below(rng, 5) == 0) x[i] = odd[rng_below(rng, sizeof odd / sizeof *odd)];
}

/* Fails unless |got - want| <= tol; NaN is near NaN, an infinity near itself. `what` names the case. */
static TWIN_UNUSED void assert_near(float got, float want, double tol, const char *what,
                                    const char *variant, int64_t i)
{
    if (isnan(got) && isnan(want)) return;
    if (got == want) return;
    if (fabs((double)got - (double)want) <= tol) return;
    twin_fail("%s (%s), element %lld: got %.9g, want %.9g, tolerance %.3g", what, variant,
             (long long)i, (double)got, (double)want, tol);
}

/* Fails unless both are the same bits, or both are NaN. */
static TWIN_UNUSED void assert_same_f32(const float *got, const float *want, int64_t n,
                                        const char *what, const char *variant)
{
    for (int64_t i = 0; i < n; i++) {
        uint32_t g, w;
        memcpy(&g, &got[i], 4);
        memcpy(&w, &want[i], 4);
        if (g == w || (isnan(got[i]) && isnan(want[i]))) continue;
        twin_fail("%s (%s), n = %lld, element %lld: got %.9g (%08x), want %.9g (%08x)", what, variant,
                 (long long)n, (long long)i, (double)got[i], g, (double)want[i], w);
    }
}

#endif
