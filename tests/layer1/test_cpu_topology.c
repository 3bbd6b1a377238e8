/* What cpu_topology_read makes of machines that we do not have: small trees of made-up files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer1.h"
#include "must.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CPU_DIR "sys/devices/system/cpu/cpu"
#define NODES "sys/devices/system/node/"
#define CGROUP "sys/fs/cgroup/"

static char root[64];

static int make_tree(void **state)
{
    (void)state;
    strcpy(root, "/tmp/sixfold-topology-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static int remove_tree(void **state)
{
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Writes text into root/path and makes the directories on the way. */
static void put(const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = 0;
        assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
    }
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void put_siblings(int cpu, const char *list)
{
    char path[128];
    snprintf(path, sizeof path, CPU_DIR "%d/topology/thread_siblings_list", cpu);
    put(path, list);
}

static CpuTopology read_as(const char *cpus)
{
    CpuTopology t;
    cpu_set_t mask;
    assert_true(cpu_list_parse(cpus, &mask));
    cpu_topology_read(&t, root, &mask);
    return t;
}

/* Two nodes of two cores of two CPUs; siblings are 4 apart: node 0 has the CPUs 0, 1, 4, 5. */
static void put_two_nodes(void)
{
    for (int c = 0; c < 8; c++) {
        char list[16];
        snprintf(list, sizeof list, "%d,%d\n", c % 4, c % 4 + 4);
        put_siblings(c, list);
    }
    put(NODES "online", "0-1\n");
    put(NODES "node0/cpulist", "0-1,4-5\n");
    put(NODES "node1/cpulist", "2-3,6-7\n");
}

static void an_empty_tree_is_a_plain_machine(void **state)
{
    (void)state;
    CpuTopology t = read_as("1,3-4");
    assert_int_equal(t.n_cpus, 3);
    assert_int_equal(t.n_cores, 3);
    assert_int_equal(t.n_nodes, 1);
    assert_int_equal(t.quota, 0);
    assert_string_equal(t.huge_pages, "");
    assert_int_equal(t.cpu[0], 1);
    assert_int_equal(t.cpu[2], 4);
    assert_int_equal(cpu_topology_threads(&t), 3);
    t = read_as("");
    assert_int_equal(t.n_cpus, 0);
    assert_int_equal(cpu_topology_threads(&t), 1);
}

static void siblings_count_once_and_come_last(void **state)
{
    (void)state;
    put_two_nodes();
    CpuTopology t = read_as("0-7");
    assert_int_equal(t.n_cpus, 8);
    assert_int_equal(t.n_cores, 4);
    static const int16_t all[] = {0, 1, 2, 3, 4, 5, 6, 7};
    assert_memory_equal(t.cpu, all, sizeof all);
    /* Core 1 is ours by its second CPU only, core 2 by both. */
    t = read_as("2,5-6");
    static const int16_t some[] = {2, 5, 6};
    assert_int_equal(t.n_cores, 2);
    assert_memory_equal(t.cpu, some, sizeof some);
    assert_int_equal(cpu_topology_threads(&t), 2);
    /* Neighbours as siblings: here the order is not that of the numbers. */
    put_siblings(0, "0-1\n"), put_siblings(1, "0-1\n"), put_siblings(2, "2-3\n"), put_siblings(3, "2-3\n");
    t = read_as("0-3");
    static const int16_t mixed[] = {0, 2, 1, 3};
    assert_memory_equal(t.cpu, mixed, sizeof mixed);
}

static void nodes_take_turns_when_threads_are_spread(void **state)
{
    (void)state;
    put_two_nodes();
    CpuTopology t = read_as("0-7");
    assert_int_equal(t.n_nodes, 2);
    /* Threads 0, 2, 4 .. on node 0, and on cores of their own first. */
    static const int spread[] = {0, 2, 1, 3, 4, 6, 5, 7, 0};
    for (int i = 0; i < 9; i++) {
        assert_int_equal(t.cpu[cpu_topology_place(&t, i, true)], spread[i]);
        assert_int_equal(t.cpu[cpu_topology_place(&t, i, false)], i % 8);
        assert_int_equal(t.node[cpu_topology_place(&t, i, true)], i % 2);
    }
    /* A node without CPUs of ours is none; those that remain are numbered from 0. */
    t = read_as("2,7");
    assert_int_equal(t.n_nodes, 1);
    assert_int_equal(t.node[0], 0);
    /* Unequal nodes: three CPUs and one. */
    t = read_as("0,1,4,3");
    static const int uneven[] = {0, 3, 1, 3, 4, 3, 0};
    assert_int_equal(t.n_nodes, 2);
    for (int i = 0; i < 7; i++)
        assert_int_equal(t.cpu[cpu_topology_place(&t, i, true)], uneven[i]);
}

/* Four nodes: two with CPUs, one with memory alone, one without any. */
static void put_four_nodes(void)
{
    put_two_nodes();
    put(NODES "online", "0-3\n");
    put(NODES "node2/cpulist", "\n");
    put(NODES "node3/cpulist", "\n");
    put(NODES "has_memory", "0-2\n");
}

static void assert_nodes(const CpuTopology *t, const char *want)
{
    char text[64];
    cpu_list_text(&t->memory, text, sizeof text);
    assert_string_equal(text, want);
}

static void memory_is_that_of_all_nodes_which_we_may_use(void **state)
{
    (void)state;
    CpuTopology t = read_as("0-7");
    assert_nodes(&t, ""); /* nothing is known */
    put_two_nodes();
    put(NODES "has_memory", "0-1\n");
    t = read_as("0-3");
    assert_nodes(&t, "0-1");
    put_four_nodes();
    t = read_as("0,1"); /* where our CPUs are does not matter */
    assert_int_equal(t.n_nodes, 1);
    assert_nodes(&t, "0-2");
    put("proc/self/status", "Name:\tx\nMems_allowed:\t0000000e\nMems_allowed_list:\t1-3\nnonvoluntary:\t1\n");
    t = read_as("0-7");
    assert_int_equal(t.n_nodes, 2);
    assert_nodes(&t, "1-2");
    put("proc/self/status", "Mems_allowed_list:\tx\nMems_allowed_lis");
    t = read_as("0-7");
    assert_nodes(&t, "0-2");
    put(NODES "has_memory", "0-\n");
    t = read_as("0-7");
    assert_nodes(&t, "");
}

/* What the system would be asked. */
static struct { char *p; size_t n; unsigned long mask; int calls; bool grant; } asked;

static bool note_request(void *p, size_t n, const unsigned long *mask, unsigned long n_bits)
{
    asked.p = p, asked.n = n, asked.mask = mask[0], asked.calls++;
    for (unsigned long i = 1; i < n_bits / (8 * sizeof *mask); i++) assert_true(mask[i] == 0);
    return asked.grant;
}

static void pages_are_dealt_out_over_several_nodes_only(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mem_alloc(10 * page);
    char *first = memory + (-(uintptr_t)memory & (page - 1)); /* of a page */
    assert_non_null(memory);
    nodes_set_system(note_request);
    asked.calls = 0, asked.grant = true;
    put_four_nodes();
    CpuTopology t = read_as("0-7");
    nodes_use(&t.memory);
    /* Whole pages inside, and none that a neighbour may use. */
    assert_int_equal(nodes_spread(first, 3 * page), 3 * page);
    assert_ptr_equal(asked.p, first);
    assert_int_equal(asked.n, 3 * page);
    assert_int_equal(asked.mask, 7);
    assert_int_equal(nodes_spread(first + 1, 3 * page), 2 * page);
    assert_ptr_equal(asked.p, first + page);
    assert_int_equal(nodes_spread(first + 1, 2 * page - 2), 0);
    assert_int_equal(nodes_spread(first, page - 1), 0);
    assert_int_equal(nodes_spread(first, 0), 0);
    assert_int_equal(asked.calls, 2);
    asked.grant = false; /* refused: nothing else changes */
    assert_int_equal(nodes_spread(first, page), 0);
    assert_int_equal(asked.calls, 3);
    /* Two nodes; a group that leaves us one of them; a machine that says nothing. */
    put(NODES "has_memory", "0,3\n");
    t = read_as("0-7");
    nodes_use(&t.memory);
    nodes_spread(first, page);
    assert_int_equal(asked.mask, 9);
    put("proc/self/status", "Mems_allowed_list:\t3\n");
    t = read_as("0-7");
    nodes_use(&t.memory);
    assert_int_equal(nodes_spread(first, page), 0);
    CPU_ZERO(&t.memory);
    nodes_use(&t.memory);
    assert_int_equal(nodes_spread(first, page), 0);
    assert_int_equal(asked.calls, 4);
    nodes_set_system(NULL);
    mem_free(memory);
}

/* Node 0 is there, node 1 need not be: granted or refused, the memory can be used. */
static void the_real_system_is_asked_without_harm(void **state)
{
    (void)state;
    cpu_set_t nodes;
    cpu_list_parse("0-1", &nodes);
    nodes_use(&nodes);
    size_t n = 64 * (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mem_alloc(n);
    assert_non_null(memory);
    int64_t spread = nodes_spread(memory, n);
    assert_in_range(spread, 0, n);
#ifdef SYS_get_mempolicy
    enum { OF_ADDRESS = 2, INTERLEAVE = 3 };
    int policy = -1;
    if (spread && syscall(SYS_get_mempolicy, &policy, NULL, 0, memory + n / 2, OF_ADDRESS) == 0)
        assert_int_equal(policy, INTERLEAVE);
#endif
    memset(memory, 7, n);
    assert_int_equal(memory[n - 1], 7);
    mem_free(memory);
    CPU_ZERO(&nodes);
    nodes_use(&nodes);
}

static void the_least_quota_on_the_way_up_counts_in_version_2(void **state)
{
    (void)state;
    put("proc/self/cgroup", "0::/a/b/c\n");
    put(CGROUP "a/b/c/cpu.max", "max 100000\n");
    assert_int_equal(read_as("0-7").quota, 0);
    put(CGROUP "a/cpu.max", "250000 100000\n"); /* two and a half: rounded up */
    CpuTopology t = read_as("0-7");
    assert_int_equal(t.quota, 3);
    assert_int_equal(cpu_topology_threads(&t), 3);
    put(CGROUP "a/b/cpu.max", "50000 50000\n");
    assert_int_equal(read_as("0-7").quota, 1);
    put(CGROUP "a/b/c/cpu.max", "400000 100000\n"); /* our own is larger: it does not help */
    assert_int_equal(read_as("0-7").quota, 1);
    /* A container that is called /a/b outside sees its own directory as the top. */
    put("proc/self/cgroup", "0::/docker/0123\n");
    put(CGROUP "cpu.max", "200000 100000\n");
    assert_int_equal(read_as("0-7").quota, 2);
    put("proc/self/cgroup", "0::/../a/b\n"); /* a name outside of our view: the top alone */
    assert_int_equal(read_as("0-7").quota, 2);
}

static void version_1_and_both_at_once_are_read(void **state)
{
    (void)state;
    put("proc/self/cgroup", "9:cpuset:/x\n4:cpu,cpuacct:/j\n0::/\n");
    put(CGROUP "cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    put(CGROUP "cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    assert_int_equal(read_as("0-7").quota, 0);
    put(CGROUP "cpu,cpuacct/j/cpu.cfs_quota_us", "350000\n");
    assert_int_equal(read_as("0-7").quota, 0); /* no period */
    put(CGROUP "cpu,cpuacct/j/cpu.cfs_period_us", "100000\n");
    assert_int_equal(read_as("0-7").quota, 4);
    put(CGROUP "cpuset/x/cpu.max", "1 1\n"); /* another controller's tree is not asked */
    assert_int_equal(read_as("0-7").quota, 4);
    put("proc/self/cgroup", "4:cpu:/j\n0::/k\n");
    put(CGROUP "cpu/j/cpu.cfs_quota_us", "300000\n");
    put(CGROUP "cpu/j/cpu.cfs_period_us", "100000\n");
    assert_int_equal(read_as("0-7").quota, 3);
    put(CGROUP "unified/k/cpu.max", "200000 100000\n");
    assert_int_equal(read_as("0-7").quota, 2);
}

static void without_a_name_the_top_is_asked(void **state)
{
    (void)state;
    put(CGROUP "cpu.max", "100000 100000\n");
    assert_int_equal(read_as("0-7").quota, 1);
}

static void damaged_files_count_as_the_plain_case(void **state)
{
    (void)state;
    static const char *const lists[] = {"", "\n", "x\n", "3-1\n", "1-\n", "-1\n", "0,,1\n", "7\n", "0 1\n",
                                        "0-99999999999999999999x\n", "0x1\n", ",\n", "0-1,\n"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (int c = 0; c < 2; c++) put_siblings(c, lists[i]);
        put(NODES "online", lists[i]);
        CpuTopology t = read_as("0-1");
        assert_int_equal(t.n_cores, 2);
        assert_int_equal(t.n_nodes, 1);
    }
    /* Two nodes that claim the same CPU, one that claims all there are and more. */
    put(NODES "online", "0-3\n");
    put(NODES "node0/cpulist", "1\n");
    put(NODES "node1/cpulist", "1\n");
    put(NODES "node2/cpulist", "0-99999999999999999999\n");
    put(NODES "node3/cpulist", "0-1\n");
    CpuTopology t = read_as("0-1");
    assert_int_equal(t.n_nodes, 2);
    assert_int_equal(t.node[0], 1);
    assert_int_equal(t.node[1], 0);

    static const char *const quotas[] = {"", "max\n", "-1 100000\n", "0 100000\n", "100000 0\n", "100000\n",
                                         "100000 -5\n", "many few\n"};
    put("proc/self/cgroup", "\n:\n::\n0::\n0:/a\nx\n0::/\n");
    for (size_t i = 0; i < sizeof quotas / sizeof *quotas; i++) {
        put(CGROUP "cpu.max", quotas[i]);
        assert_int_equal(read_as("0-1").quota, 0);
    }
    put(CGROUP "cpu.max", "99999999999999999999 1\n");
    t = read_as("0-1");
    assert_int_equal(cpu_topology_threads(&t), 2);
    put(CGROUP "cpu.max", "1 99999999999999999999\n");
    assert_int_equal(read_as("0-1").quota, 1);
}

static void a_line_without_end_is_no_list(void **state)
{
    (void)state;
    char *long_list = mem_alloc(20001);
    for (int i = 0; i < 10000; i++) memcpy(long_list + 2 * i, "0,", 2);
    long_list[20000] = 0;
    put_siblings(0, long_list);
    put(NODES "online", long_list);
    put("proc/self/cgroup", long_list);
    memset(long_list, '/', 20000);
    memcpy(long_list, "0::/a", 5);
    put(CGROUP "cpu.max", "100000 100000\n");
    assert_int_equal(read_as("0-1").n_cores, 2);
    put("proc/self/cgroup", long_list);
    assert_in_range(read_as("0-1").quota, 0, 1);
    mem_free(long_list);
}

static void huge_pages_are_the_word_in_brackets(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"always [madvise] never\n", "madvise"}, {"[always] madvise never\n", "always"},
        {"always madvise never\n", ""}, {"[\n", ""}, {"[]\n", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put("sys/kernel/mm/transparent_hugepage/enabled", cases[i][0]);
        CpuTopology t = read_as("0");
        assert_string_equal(t.huge_pages, cases[i][1]);
    }
    put("sys/kernel/mm/transparent_hugepage/enabled", "[a-word-longer-than-the-field-is]\n");
    CpuTopology t = read_as("0");
    assert_true(strlen(t.huge_pages) < sizeof t.huge_pages);
}

static void the_summary_says_what_was_found(void **state)
{
    (void)state;
    char text[160], cut[8];
    put_two_nodes();
    put("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    CpuTopology t = read_as("0-7");
    cpu_topology_text(&t, text, sizeof text);
    assert_string_equal(text, "4 cores (8 CPUs), 2 nodes, no quota, huge pages on request");
    put("proc/self/cgroup", "0::/\n");
    put(CGROUP "cpu.max", "100000 100000\n");
    t = read_as("3");
    cpu_topology_text(&t, text, sizeof text);
    assert_string_equal(text, "1 core (1 CPU), 1 node, quota 1, huge pages on request");
    cpu_topology_text(&t, cut, sizeof cut);
    assert_string_equal(cut, "1 core ");
}

static void lists_are_written_and_read_back(void **state)
{
    (void)state;
    static const char *const same[] = {"0", "0-3", "1,3,5-6", "1023", "0-1023", ""};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        cpu_set_t set;
        char text[64];
        assert_true(cpu_list_parse(same[i], &set));
        cpu_list_text(&set, text, sizeof text);
        assert_string_equal(text, same[i]);
    }
    cpu_set_t set;
    assert_true(cpu_list_parse("5-2000\n", &set));
    assert_int_equal(CPU_COUNT(&set), CPU_SETSIZE - 5);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, make_tree, remove_tree)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_TREE(an_empty_tree_is_a_plain_machine),
        IN_TREE(siblings_count_once_and_come_last),
        IN_TREE(nodes_take_turns_when_threads_are_spread),
        IN_TREE(the_least_quota_on_the_way_up_counts_in_version_2),
        IN_TREE(version_1_and_both_at_once_are_read),
        IN_TREE(without_a_name_the_top_is_asked),
        IN_TREE(damaged_files_count_as_the_plain_case),
        IN_TREE(a_line_without_end_is_no_list),
        IN_TREE(memory_is_that_of_all_nodes_which_we_may_use),
        IN_TREE(pages_are_dealt_out_over_several_nodes_only),
        cmocka_unit_test(the_real_system_is_asked_without_harm),
        IN_TREE(huge_pages_are_the_word_in_brackets),
        IN_TREE(the_summary_says_what_was_found),
        cmocka_unit_test(lists_are_written_and_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
