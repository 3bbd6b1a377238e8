/* cpu.c: asking the processor and the operating system what there is.
 *
 * x86 answers through cpuid (wrapped by the compiler's builtins), aarch64 through the auxiliary
 * vector. Which CPUs we may use, and how many threads that makes, is told in cpu_topology.c.
 * Source: Intel SDM vol. 2A (CPUID). */
#include "cpu.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
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

bool cpu_is_emulated(const char *system, const char *machine)
{
    static const char key[] = "cpu:type:";
    if (strncmp(system, key, sizeof key - 1) != 0) return false;
    /* "x86" runs "x86_64". */
    const char *type = system + sizeof key - 1;
    size_t n = strcspn(type, ",:\n");
    return n > 0 && strncmp(type, machine, n) != 0;
}

static bool is_emulated(void)
{
    char line[256];
    struct utsname us;
    FILE *f = fopen("/sys/devices/system/cpu/modalias", "r");
    bool found = f && fgets(line, sizeof line, f) && uname(&us) == 0;
    if (f) fclose(f);
    return found && cpu_is_emulated(line, us.machine);
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
        snprintf(name, sizeof name, "%.100s", colon + 2);
        name[strcspn(name, "\n")] = 0;
        break;
    }
    if (f) fclose(f);
    if (!name[0]) snprintf(name, sizeof name, "unknown");
    size_t n = strlen(name);
    if (is_emulated()) snprintf(name + n, sizeof name - n, " (emulated)");
    return name;
}

int64_t cpu_cache_bytes(int level)
{
    static const int names[] = {0, _SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE,
                                _SC_LEVEL3_CACHE_SIZE};
    if (level < 1 || level > 3) return 0;
    long n = sysconf(names[level]);
    return n > 0 ? n : 0;
}
