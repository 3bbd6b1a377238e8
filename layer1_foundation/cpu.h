/* cpu.h: what this processor can do, which of its cores we may use, how large its caches are.
 *
 * Interface:
 * - cpu_features() is found once and then constant. SIXFOLD_KERNELS words such as "scalar" or "avx2"
 *   do not change it: they mask what the kernel registry may choose (see kernels.h).
 * - cpu_threads_default() counts physical cores in the affinity mask, limited by the cgroup quota.
 * Safe from any thread after the first call, except cpu_restrict and cpu_bind_to: these are for the
 * main thread before it opens a pool. */
#ifndef SIXFOLD_CPU_H
#define SIXFOLD_CPU_H

#include "cpu_topology.h"

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

/* Model name from the system, e.g. "Intel(R) Xeon(R) Processor"; "unknown" if there is none. With " (emulated)" if
 * the processor that the program sees is not the one that the system has: its times mean nothing. */
const char *cpu_name(void);

/* system: what the kernel says of its processor, "cpu:type:x86,ven..."; machine: what it tells us, "aarch64". */
bool cpu_is_emulated(const char *system, const char *machine);

int cpu_threads_default(void);

/* Size in bytes of the data cache of level 1, 2 or 3 (0 if unknown). */
int64_t cpu_cache_bytes(int level);

/* What we may use. Found at the first call; later changes of the affinity from outside are not seen. */
const CpuTopology *cpu_topology(void);

/* Adds CPUs to a set: those whose bits are 1 in a hexadecimal mask ("0xf", "f"), or a range ("2-5",
 * "-5", "2-"). E_ARG with a hint if the text is neither. */
Status cpu_add_mask(cpu_set_t *set, const char *hex, Err *err);
Status cpu_add_range(cpu_set_t *set, const char *range, Err *err);

/* Adds the CPUs of the node on which the calling thread runs at the moment. */
void cpu_same_node(cpu_set_t *set);

/* From now on only these CPUs are ours: the calling thread and those that it creates run on them, and
 * cpu_threads_default counts them. E_ARG if they are not all ours already. */
Status cpu_restrict(const cpu_set_t *set, Err *err);

/* What cpu_pin_thread binds a thread to: a CPU of its own, core after core; a CPU of its own, the
 * nodes taking turns; or all CPUs of one node, the nodes taking turns. The default is the first. On a
 * machine of one node the second is the first, and the third binds to nothing new. */
typedef enum { CPU_BIND_CORE, CPU_BIND_CORE_OF_NODE, CPU_BIND_NODE } CpuBinding;
void cpu_bind_to(CpuBinding b);

/* Binds the calling thread as number i (see cpu_topology_place). Threads created later by a pinned
 * thread inherit the pinning; cpu_unpin_thread gives the calling thread all our CPUs back. */
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
