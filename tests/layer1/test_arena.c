/* Memory: alignment, zeroes, and every allocation failing once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer1.h"
#include "must.h"

#include <string.h>
#include <sys/mman.h>

/* A hook that refuses the k-th request (counted from 0) and all that follow. */
typedef struct {
    int n_asked, refuse_from;
} Refusal;

static bool refuse_from(void *ctx, size_t n_bytes)
{
    Refusal *r = ctx;
    (void)n_bytes;
    return r->n_asked++ < r->refuse_from;
}

static void arena_gives_aligned_zeroed_disjoint_pieces(void **state)
{
    (void)state;
    Arena a = {0};
    Rng rng = rng_seed(1);
    static struct { uint8_t *p; int64_t n; } pieces[500];
    for (int i = 0; i < 500; i++) {
        int64_t n = (int64_t)rng_below(&rng, i % 50 == 0 ? 300000 : 300);
        uint8_t *p = ARENA_NEW(&a, uint8_t, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (int64_t k = 0; k < n; k++) assert_int_equal(p[k], 0);
        memset(p, i & 255, (size_t)n);
        pieces[i].p = p;
        pieces[i].n = n;
    }
    for (int i = 0; i < 500; i++) /* nobody wrote into somebody else's piece */
        for (int64_t k = 0; k < pieces[i].n; k++) assert_int_equal(pieces[i].p[k], i & 255);
    assert_true(a.reserved_bytes >= a.used_bytes);
    arena_close(&a);
    assert_null(a.chunks);
    assert_int_equal(a.used_bytes, 0);
    arena_close(&a);
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    Arena a = {0};
    Err err;
    assert_null(arena_alloc(&a, -1, 1));
    assert_null(arena_alloc(&a, INT64_MAX, 2));
    assert_null(arena_alloc(&a, INT64_MAX, 1));
    assert_null(arena_alloc(&a, (int64_t)1 << 32, (size_t)1 << 32)); /* the product is 2^64 */
    assert_null(arena_alloc(&a, 1, SIZE_MAX));
    assert_int_equal(arena_reserve(&a, SIZE_MAX, &err), E_MEMORY);
    assert_int_equal(a.used_bytes, 0);
    assert_non_null(arena_alloc(&a, 0, 8)); /* nothing is a valid amount */
    arena_close(&a);
}

static void reserved_memory_comes_without_another_request(void **state)
{
    (void)state;
    Arena a = {0};
    Err err;
    MUST(arena_reserve(&a, 1000000, &err), &err);
    Refusal r = {0, 0};
    mem_set_hook(refuse_from, &r);
    char *first = arena_alloc(&a, 1, 1), *last = first;
    for (int i = 1; i < 15625; i++) last = arena_alloc(&a, 1, 64); /* 15625 * 64 = 1000000 */
    mem_set_hook(NULL, NULL);
    assert_int_equal(r.n_asked, 0);
    assert_non_null(last);
    assert_int_equal(last - first, 15624 * 64);
    arena_close(&a);
}

static void strndup_copies_and_terminates(void **state)
{
    (void)state;
    Arena a = {0};
    assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
    assert_string_equal(arena_strndup(&a, "", 0), "");
    assert_null(arena_strndup(&a, "x", SIZE_MAX));
    arena_close(&a);
}

/* Uses everything in arena.h once; true if nothing was refused. Closes all in any case. */
static bool use_all_memory(void)
{
    Arena a = {0};
    Slab s = {0};
    Buf b = {0};
    Err err = {""};
    bool good = arena_alloc(&a, 100, 8) && arena_alloc(&a, 100000, 8) &&
                arena_reserve(&a, 1 << 20, &err) == OK && slab_open(&s, 24, 10, &err) == OK &&
                slab_take(&s) && buf_append(&b, "abc", 3, &err) == OK &&
                buf_printf(&b, &err, "%0500d", 7) == OK;
    if (good) {
        assert_int_equal(b.len, 503);
        assert_string_equal(b.data + 500, "007");
    }
    buf_close(&b);
    slab_close(&s);
    arena_close(&a);
    return good;
}

static void every_allocation_can_fail(void **state)
{
    (void)state;
    Refusal count = {0, 1 << 30};
    mem_set_hook(refuse_from, &count);
    assert_true(use_all_memory());
    assert_in_range(count.n_asked, 5, 20);
    for (int k = 0; k < count.n_asked; k++) {
        Refusal r = {0, k};
        mem_set_hook(refuse_from, &r);
        assert_false(use_all_memory());
        assert_int_equal(r.n_asked, k + 1); /* the first refusal is passed on at once */
    }
    mem_set_hook(NULL, NULL);
}

static void refused_growth_leaves_a_buffer_as_it_was(void **state)
{
    (void)state;
    Buf b = {0};
    Err err;
    MUST(buf_append(&b, "hello", 5, &err), &err);
    static const char more[100];
    Refusal r = {0, 0};
    mem_set_hook(refuse_from, &r);
    Status s = buf_append(&b, more, sizeof more, &err), t = buf_printf(&b, &err, "%0100d", 1);
    mem_set_hook(NULL, NULL);
    assert_int_equal(s, E_MEMORY);
    assert_int_equal(t, E_MEMORY);
    assert_int_equal(b.len, 5);
    assert_string_equal(b.data, "hello");
    assert_int_equal(buf_reserve(&b, SIZE_MAX - 2, &err), E_MEMORY);
    buf_clear(&b);
    assert_string_equal(b.data, "");
    buf_close(&b);
    buf_clear(&b);
    buf_close(&b);
}

static void slab_gives_each_block_once_and_takes_it_back(void **state)
{
    (void)state;
    Slab s;
    Err err;
    MUST(slab_open(&s, 100, 3, &err), &err);
    char *x = slab_take(&s), *y = slab_take(&s), *z = slab_take(&s);
    assert_true(x && y && z && x != y && y != z && x != z);
    assert_null(slab_take(&s));
    assert_int_equal(s.n_taken, 3);
    memset(x, 1, 100);
    memset(y, 2, 100);
    memset(z, 3, 100);
    assert_int_equal(x[99], 1);
    assert_int_equal(y[99], 2);
    slab_give(&s, y);
    assert_ptr_equal(slab_take(&s), y);
    slab_give(&s, NULL);
    slab_close(&s);
    slab_close(&s);
    assert_int_equal(slab_open(&s, SIZE_MAX / 2, 4, &err), E_MEMORY);
    assert_int_equal(slab_open(&s, 8, -1, &err), E_MEMORY);
}

static void give_foreign_block(void *ctx)
{
    char block[64];
    slab_give(ctx, block);
}

static void foreign_block_aborts(void **state)
{
    (void)state;
    Slab s;
    Err err;
    MUST(slab_open(&s, 64, 2, &err), &err);
    assert_true(aborts(give_foreign_block, &s));
    slab_close(&s);
}

/* The flags of the mapping that holds p, as the system lists them; "" if it does not. */
static void flags_of(const void *p, char flags[256])
{
    char line[512];
    bool inside = false;
    FILE *f = fopen("/proc/self/smaps", "r");
    flags[0] = 0;
    while (f && !flags[0] && fgets(line, sizeof line, f)) {
        unsigned long lo, hi;
        if (sscanf(line, "%lx-%lx ", &lo, &hi) == 2) inside = (uintptr_t)p >= lo && (uintptr_t)p < hi;
        if (inside && strncmp(line, "VmFlags:", 8) == 0) snprintf(flags, 256, "%.250s", line);
    }
    if (f) fclose(f);
}

static void large_memory_asks_for_huge_pages(void **state)
{
    (void)state;
    enum { HUGE_BYTES = 2 << 20, N = 8 * HUGE_BYTES + 12345 };
    char flags[256];
    /* Does the system show such a wish at all? An emulator may take it and forget it. */
    char *direct = mmap(NULL, N, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(direct != MAP_FAILED);
    bool granted = madvise(direct, N, MADV_HUGEPAGE) == 0;
    flags_of(direct + 4 * HUGE_BYTES, flags);
    munmap(direct, N);
    if (!granted || !strstr(flags, " hg")) skip();

    char *p = mem_alloc(N);
    assert_non_null(p);
    memset(p, 1, N); /* the edges, too, are ours */
    flags_of(p + 4 * HUGE_BYTES, flags);
    mem_free(p);
    assert_non_null(strstr(flags, " hg"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_gives_aligned_zeroed_disjoint_pieces),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(reserved_memory_comes_without_another_request),
        cmocka_unit_test(strndup_copies_and_terminates),
        cmocka_unit_test(every_allocation_can_fail),
        cmocka_unit_test(refused_growth_leaves_a_buffer_as_it_was),
        cmocka_unit_test(slab_gives_each_block_once_and_takes_it_back),
        cmocka_unit_test(foreign_block_aborts),
        cmocka_unit_test(large_memory_asks_for_huge_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
