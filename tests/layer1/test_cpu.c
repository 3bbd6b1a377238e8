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

static void an_emulated_processor_is_called_so(void **state)
{
    (void)state;
    assert_true(cpu_is_emulated("cpu:type:x86,ven0000fam0006:feature:,0000\n", "aarch64"));
    assert_true(cpu_is_emulated("cpu:type:aarch64:feature:,0000", "x86_64"));
    assert_false(cpu_is_emulated("cpu:type:x86,ven0000fam0006:feature:,0000\n", "x86_64"));
    assert_false(cpu_is_emulated("cpu:type:aarch64:feature:,0000", "aarch64"));
    assert_false(cpu_is_emulated("", "x86_64"));
    assert_false(cpu_is_emulated("cpu:type:", "x86_64"));
    print_message("             %s\n", cpu_name());
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
        /* The i-th CPU of the order, counted from the start again after the last. */
        assert_true(CPU_ISSET(cpu_topology()->cpu[i % n], &now));
        assert_int_equal(cpu_threads_default(), threads); /* being pinned does not shrink it */
    }
    cpu_unpin_thread();
    sched_getaffinity(0, sizeof now, &now);
    assert_true(CPU_EQUAL(&before, &now));
}

static void masks_and_ranges_add_their_cpus(void **state)
{
    (void)state;
    static const struct { const char *mask, *range, *want; } cases[] = {
        {"f", NULL, "0-3"},          {"0xF", NULL, "0-3"}, {"A5", NULL, "0,2,5,7"}, {"0", NULL, ""},
        {"10000000000000000", NULL, "64"}, {NULL, "2-5", "2-5"}, {NULL, "-1", "0-1"}, {NULL, "7-7", "7"},
        {"1", "3-4", "0,3-4"},       {"00000001", NULL, "0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Err err;
        char text[64];
        cpu_set_t set;
        CPU_ZERO(&set);
        if (cases[i].mask) MUST(cpu_add_mask(&set, cases[i].mask, &err), &err);
        if (cases[i].range) MUST(cpu_add_range(&set, cases[i].range, &err), &err);
        cpu_list_text(&set, text, sizeof text);
        assert_string_equal(text, cases[i].want);
    }
}

static void what_is_no_mask_or_range_is_refused_with_a_hint(void **state)
{
    (void)state;
    static const char *const masks[] = {"", "0x", "g", "-1", " f", "f ", "0x0x1", "1,2"};
    static const char *const ranges[] = {"", "-", "3", "a-b", "3-1", "1-2-3", "1-1024", " 1-2", "1-2 ",
                                         "1-99999999999999999999", "+1-2"};
    cpu_set_t set;
    CPU_ZERO(&set);
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        Err err = {""};
        assert_int_equal(cpu_add_mask(&set, masks[i], &err), E_ARG);
        assert_non_null(strstr(err.text, "HINT:"));
    }
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        Err err = {""};
        assert_int_equal(cpu_add_range(&set, ranges[i], &err), E_ARG);
        assert_non_null(strstr(err.text, "HINT:"));
    }
    char far[300];
    memset(far, '0', sizeof far);
    far[0] = '1', far[257] = 0; /* bit 1024 */
    Err err = {""};
    assert_int_equal(cpu_add_mask(&set, far, &err), E_ARG);
    assert_non_null(strstr(err.text, "CPU 1024"));
}

static void cpus_that_are_not_ours_are_refused(void **state)
{
    (void)state;
    cpu_set_t mask, far;
    Err err = {""};
    sched_getaffinity(0, sizeof mask, &mask);
    CPU_ZERO(&far);
    assert_int_equal(cpu_restrict(&far, &err), E_ARG);
    for (int c = CPU_SETSIZE - 1; c >= 0 && CPU_COUNT(&far) == 0; c--)
        if (!CPU_ISSET(c, &mask)) CPU_SET(c, &far);
    if (CPU_COUNT(&far) == 0) skip();
    assert_int_equal(cpu_restrict(&far, &err), E_ARG);
    assert_non_null(strstr(err.text, "HINT: this process may use"));
}

/* Last of all: there is no way back to more CPUs. */
static void restricting_leaves_the_named_cpus_to_us_and_to_new_threads(void **state)
{
    (void)state;
    cpu_set_t mask, one, now;
    Err err;
    sched_getaffinity(0, sizeof mask, &mask);
    CPU_ZERO(&one);
    for (int c = CPU_SETSIZE - 1; CPU_COUNT(&one) == 0; c--)
        if (CPU_ISSET(c, &mask)) CPU_SET(c, &one);
    MUST(cpu_restrict(&one, &err), &err);
    for (CpuBinding b = CPU_BIND_CORE; b <= CPU_BIND_NODE; b++) {
        cpu_bind_to(b);
        MUST(cpu_pin_thread(3, &err), &err);
        sched_getaffinity(0, sizeof now, &now);
        assert_true(CPU_EQUAL(&now, &one));
    }
    cpu_unpin_thread();
    sched_getaffinity(0, sizeof now, &now);
    assert_true(CPU_EQUAL(&now, &one));
    assert_int_equal(cpu_threads_default(), 1);
    CPU_ZERO(&now);
    cpu_same_node(&now);
    assert_true(CPU_EQUAL(&now, &one));
    if (CPU_COUNT(&mask) > 1) assert_int_equal(cpu_restrict(&mask, &err), E_ARG);
}

/* Bound to nodes, a thread keeps all CPUs of its node: on one node all of them. */
static void binding_to_nodes_leaves_a_node_whole(void **state)
{
    (void)state;
    cpu_set_t before, now;
    Err err;
    sched_getaffinity(0, sizeof before, &before);
    cpu_bind_to(CPU_BIND_NODE);
    MUST(cpu_pin_thread(1, &err), &err);
    cpu_bind_to(CPU_BIND_CORE);
    sched_getaffinity(0, sizeof now, &now);
    cpu_unpin_thread();
    if (cpu_topology()->n_nodes == 1) assert_true(CPU_EQUAL(&before, &now));
    else assert_in_range(CPU_COUNT(&now), 1, CPU_COUNT(&before) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_agree_with_the_system),
        cmocka_unit_test(features_are_spelled_as_words),
        cmocka_unit_test(an_emulated_processor_is_called_so),
        cmocka_unit_test(threads_fit_into_the_affinity_mask),
        cmocka_unit_test(caches_grow_with_their_level),
        cmocka_unit_test(pinning_moves_between_cores_and_unpinning_restores_all),
        cmocka_unit_test(binding_to_nodes_leaves_a_node_whole),
        cmocka_unit_test(masks_and_ranges_add_their_cpus),
        cmocka_unit_test(what_is_no_mask_or_range_is_refused_with_a_hint),
        cmocka_unit_test(cpus_that_are_not_ours_are_refused),
        cmocka_unit_test(restricting_leaves_the_named_cpus_to_us_and_to_new_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
