/* cpu.c: asking the processor and the operating system what there is.
 *
 * x86 answers through cpuid (wrapped by the compiler's builtins), aarch64 through the auxiliary
 * vector. The number of usable cores is the smallest of three: cores in the affinity mask counted
 * once per physical core, the cgroup's quota, and 1 at least.
 * Source: Intel SDM vol. 2A (CPUID); Linux Documentation/admin-guide/cgroup-v2. */
#include "cpu.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#include <asm/hwcap.h>
#endif

static uint32_t features;
static pthread_once_t features_once = PTHREAD_ONCE_INIT;

#if defined(__x86_64__)
static void find_features(void)
{
    __builtin_cpu_init();
    unsigned a, b, c, d;
    bool avxvnni = __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4);
    bool bf16 = __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 5);
    bool f16c = __get_cpuid(1, &a, &b, &c, &d) && (c & 1u << 29);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && f16c) {
        features |= CPU_AVX2;
        if (avxvnni) features |= CPU_AVXVNNI;
    }
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vnni")) {
        features |= CPU_AVX512;
        if (bf16) features |= CPU_AVX512BF16;
    }
}
#elif defined(__aarch64__)
static void find_features(void)
{
    features = CPU_NEON;
    if (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) features |= CPU_DOTPROD;
}
#else
static void find_features(void) { features = CPU_ANY; }
#endif

uint32_t cpu_features(void)
{
    pthread_once(&features_once, find_features);
    return features;
}

void cpu_features_text(char *text, size_t n)
{
    static const struct { uint32_t bit; const char *name; } names[] = {
        {CPU_AVX2, "avx2"},   {CPU_AVXVNNI, "avxvnni"}, {CPU_AVX512, "avx512"},
        {CPU_AVX512BF16, "avx512bf16"}, {CPU_NEON, "neon"}, {CPU_DOTPROD, "dotprod"}};
    size_t len = 0;
    if (n) text[0] = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (cpu_features() & names[i].bit && len < n)
            len += (size_t)snprintf(text + len, n - len, "%s%s", len ? " " : "", names[i].name);
}

const char *cpu_name(void)
{
    static char name[128];
    if (name[0]) return name;
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (!colon || strncmp(line, "model name", 10) != 0) continue;
        snprintf(name, sizeof name, "%.120s", colon + 2);
        name[strcspn(name, "\n")] = 0;
        break;
    }
    if (f) fclose(f);
    if (!name[0]) snprintf(name, sizeof name, "unknown");
    return name;
}

/* First number in a one-line system file, or fallback. */
static long read_long(const char *path, long fallback)
{
    FILE *f = fopen(path, "r");
    if (!f) return fallback;
    long v;
    if (fscanf(f, "%ld", &v) != 1) v = fallback;
    fclose(f);
    return v;
}

/* Whole CPUs that the cgroup (v2, then v1) allows, or INT_MAX-like when unlimited. */
static long cgroup_cpus(void)
{
    long quota = -1, period = 100000;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (f) {
        if (fscanf(f, "%ld %ld", &quota, &period) != 2) quota = -1;
        fclose(f);
    } else {
        quota = read_long("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", -1);
        period = read_long("/sys/fs/cgroup/cpu/cpu.cfs_period_us", 100000);
    }
    if (quota <= 0 || period <= 0) return 1 << 20;
    long cpus = (quota + period - 1) / period;
    return cpus > 0 ? cpus : 1;
}

/* True if cpu is the first of its hardware siblings that is in the mask: one per physical core. */
static bool is_first_sibling(int cpu, const cpu_set_t *mask)
{
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    FILE *f = fopen(path, "r");
    if (!f) return true;
    char text[256] = "";
    bool first = true;
    if (fgets(text, sizeof text, f)) {
        /* The list reads "0,4" or "0-1": any smaller allowed cpu in it comes before us. */
        for (char *p = text; *p;) {
            char *end;
            long lo = strtol(p, &end, 10), hi = lo;
            if (end == p) break;
            if (*end == '-') hi = strtol(end + 1, &end, 10);
            for (long c = lo; c <= hi && c < cpu; c++)
                if (CPU_ISSET((int)c, mask)) first = false;
            p = *end ? end + 1 : end;
        }
    }
    fclose(f);
    return first;
}

/* The cores we were given. Read once: later the main thread may itself be pinned to one of them. */
static cpu_set_t start_mask;
static pthread_once_t start_mask_once = PTHREAD_ONCE_INIT;

static void find_start_mask(void)
{
    if (sched_getaffinity(getpid(), sizeof start_mask, &start_mask) != 0) CPU_ZERO(&start_mask);
}

static const cpu_set_t *process_mask(void)
{
    pthread_once(&start_mask_once, find_start_mask);
    return &start_mask;
}

int cpu_threads_default(void)
{
    const cpu_set_t *mask = process_mask();
    long cores = 0;
    for (int c = 0; c < CPU_SETSIZE; c++)
        if (CPU_ISSET(c, mask) && is_first_sibling(c, mask)) cores++;
    long limit = cgroup_cpus();
    if (cores > limit) cores = limit;
    return cores < 1 ? 1 : cores > 256 ? 256 : (int)cores;
}

int64_t cpu_cache_bytes(int level)
{
    static const int names[] = {0, _SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE,
                                _SC_LEVEL3_CACHE_SIZE};
    if (level < 1 || level > 3) return 0;
    long n = sysconf(names[level]);
    return n > 0 ? n : 0;
}

Status cpu_pin_thread(int i, Err *err)
{
    const cpu_set_t *mask = process_mask();
    int n = CPU_COUNT(mask), skip = n ? i % n : 0;
    for (int c = 0; c < CPU_SETSIZE; c++) {
        if (!CPU_ISSET(c, mask) || skip-- > 0) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(c, &one);
        if (pthread_setaffinity_np(pthread_self(), sizeof one, &one) == 0) return OK;
        break;
    }
    return fail(err, E_IO, "cannot pin thread %d to one of %d cores", i, n);
}

void cpu_unpin_thread(void)
{
    const cpu_set_t *mask = process_mask();
    if (CPU_COUNT(mask) > 0) pthread_setaffinity_np(pthread_self(), sizeof *mask, mask);
}
