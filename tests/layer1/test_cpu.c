/* What the processor says about itself against what the system says. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer1.h"
#include "must.h"

#include <sched.h>
#include <string.h>

#if defined(__aarch64__)
#define LIST "Features"
#else
#define LIST "flags"
#endif

/* True if /proc/cpuinfo lists the flag; *known is false if there is no list. */
static bool system_lists(const char *flag, bool *known)
{
    char line[8192], padded[64];
    bool found = false;
    FILE *f = fopen("/proc/cpuinfo", "r");
    *known = false;
    snprintf(padded, sizeof padded, " %s ", flag);
    while (f && !*known && fgets(line, sizeof line, f)) {
        /* An emulator may show the list of its host: x86 calls it flags, Arm Features. */
        if (strncmp(line, LIST, strlen(LIST)) != 0) continue;
        *known = true;
        char *end = strchr(line, '\n');
        if (end) *end = ' ';
        found = strstr(line, padded) != NULL;
    }
    if (f) fclose(f);
    return found;
}

static void features_agree_with_the_system(void **state)
{
    (void)state;
    static const struct { uint32_t bit; const char *flag; } cases[] = {
#if defined(__x86_64__)
        {CPU_AVX2, "avx2"}, {CPU_AVX512, "avx512_vnni"}, {CPU_AVX512BF16, "avx512_bf16"},
        {CPU_AVXVNNI, "avx_vnni"},
#elif defined(__aarch64__)
        {CPU_NEON, "asimd"}, {CPU_DOTPROD, "asimddp"},
#endif
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool known;
        bool listed = system_lists(cases[i].flag, &known);
        if (!known) skip();
        assert_int_equal((cpu_features() & cases[i].bit) != 0, listed);
    }
}

static void features_are_spelled_as_words(void **state)
{
    (void)state;
    char text[128], cut[4];
    cpu_features_text(text, sizeof text);
    assert_int_equal(strstr(text, "avx2") != NULL, (cpu_features() & CPU_AVX2) != 0);
    assert_int_equal(strstr(text, "neon") != NULL, (cpu_features() & CPU_NEON) != 0);
    cpu_features_text(cut, sizeof cut);
    assert_int_equal(strncmp(cut, text, strlen(cut)), 0);
    assert_true(strlen(cut) < sizeof cut);
    assert_true(strlen(cpu_name()) > 0);
    assert_null(strchr(cpu_name(), '\n'));
}

static void threads_fit_into_the_affinity_mask(void **state)
{
    (void)state;
    cpu_set_t mask;
    assert_int_equal(sched_getaffinity(0, sizeof mask, &mask), 0);
    assert_in_range(cpu_threads_default(), 1, CPU_COUNT(&mask));
}

static void caches_grow_with_their_level(void **state)
{
    (void)state;
    assert_int_equal(cpu_cache_bytes(0), 0);
    assert_int_equal(cpu_cache_bytes(4), 0);
    assert_int_equal(cpu_cache_bytes(-1), 0);
    int64_t l1 = cpu_cache_bytes(1), l2 = cpu_cache_bytes(2);
    if (!l1 || !l2) skip();
    assert_true(l1 >= 1024 && l2 >= l1);
}

static void pinning_moves_between_cores_and_unpinning_restores_all(void **state)
{
    (void)state;
    cpu_set_t before, now;
    Err err;
    sched_getaffinity(0, sizeof before, &before);
    int n = CPU_COUNT(&before), threads = cpu_threads_default();
    for (int i = 0; i < 2 * n && i < 16; i++) {
        MUST(cpu_pin_thread(i, &err), &err);
        sched_getaffinity(0, sizeof now, &now);
        assert_int_equal(CPU_COUNT(&now), 1);
        /* The i-th core of the mask, counted from the start again after the last. */
        int k = 0;
        for (int c = 0; c < CPU_SETSIZE; c++)
            if (CPU_ISSET(c, &before) && k++ == i % n) assert_true(CPU_ISSET(c, &now));
        assert_int_equal(cpu_threads_default(), threads); /* being pinned does not shrink it */
    }
    cpu_unpin_thread();
    sched_getaffinity(0, sizeof now, &now);
    assert_true(CPU_EQUAL(&before, &now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_agree_with_the_system),
        cmocka_unit_test(features_are_spelled_as_words),
        cmocka_unit_test(threads_fit_into_the_affinity_mask),
        cmocka_unit_test(caches_grow_with_their_level),
        cmocka_unit_test(pinning_moves_between_cores_and_unpinning_restores_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
