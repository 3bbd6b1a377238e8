/* cpu.h: what this processor can do, how many cores we may use, how large its caches are.
 *
 * Interface:
 * - cpu_features() is found once and then constant. SIXFOLD_KERNELS words such as "scalar" or "avx2"
 *   do not change it: they mask what the kernel registry may choose (see kernels.h).
 * - cpu_threads_default() counts physical cores in the affinity mask, limited by the cgroup quota.
 * Safe from any thread after the first call. */
#ifndef SIXFOLD_CPU_H
#define SIXFOLD_CPU_H

#include "status.h"

enum {
    CPU_ANY = 0,
    CPU_AVX2 = 1 << 0,     /* AVX2 + FMA + F16C */
    CPU_AVX512 = 1 << 1,   /* AVX-512 F, BW, DQ, VL and VNNI */
    CPU_AVXVNNI = 1 << 2,  /* 256-bit VNNI without AVX-512 */
    CPU_AVX512BF16 = 1 << 3,
    CPU_NEON = 1 << 4,     /* every aarch64 */
    CPU_DOTPROD = 1 << 5,  /* sdot/udot, ARMv8.2 */
    CPU_ON_REQUEST = 1 << 31 /* never chosen unless named: slower rivals, libraries */
};

uint32_t cpu_features(void);

/* Writes "avx2 avx512 avx512bf16" style text into text[n]. */
void cpu_features_text(char *text, size_t n);

/* Model name from the system, e.g. "Intel(R) Xeon(R) Processor"; "unknown" if there is none. */
const char *cpu_name(void);

int cpu_threads_default(void);

/* Size in bytes of the data cache of level 1, 2 or 3 (0 if unknown). */
int64_t cpu_cache_bytes(int level);

/* Pins the calling thread to the i-th core of the affinity mask that the process had when this
 * module was first asked (modulo their number). Threads created later by a pinned thread inherit
 * the pinning; cpu_unpin_thread gives the calling thread the whole mask back. */
Status cpu_pin_thread(int i, Err *err);
void cpu_unpin_thread(void);

/* One turn of a waiting loop: tells the core that we only poll. */
static inline void cpu_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
