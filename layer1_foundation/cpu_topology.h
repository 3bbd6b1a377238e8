/* cpu_topology.h: which CPUs we may use, which of them share a core, and which share a memory.
 *
 * Interface:
 * - cpu_topology_read asks the files below root ("" on a real system, a directory with a made-up /sys
 *   and /proc in tests) about the CPUs in mask. It never fails: what is missing, garbled or
 *   contradictory counts as the plain case: every CPU a core, one node, no quota.
 * - The other functions are arithmetic on the result.
 *
 * Words: a CPU is what the kernel schedules on; a core may be several CPUs (SMT siblings, which share
 * its arithmetic units); a node is a group of cores with a memory of its own, nearer than the others'. */
#ifndef SIXFOLD_CPU_TOPOLOGY_H
#define SIXFOLD_CPU_TOPOLOGY_H

#include "status.h"

#include <sched.h>

typedef struct CpuTopology {
    int n_cpus, n_cores, n_nodes; /* of the mask; n_nodes is 1 at least */
    int64_t quota;                /* CPUs that the cgroups grant, rounded up; 0: no limit */
    char huge_pages[16];          /* always, madvise, never; "" if unknown */
    int16_t cpu[CPU_SETSIZE];     /* [n_cpus] one of each core first, then their siblings */
    int16_t node[CPU_SETSIZE];    /* [n_cpus] of cpu[i], from 0 to n_nodes - 1 */
    cpu_set_t memory;             /* nodes, by the system's numbers, whose memory we may use; empty: unknown */
} CpuTopology;

void cpu_topology_read(CpuTopology *t, const char *root, const cpu_set_t *mask);

/* Threads that can compute at the same time: cores, limited by the quota; 1 to 256. */
int cpu_topology_threads(const CpuTopology *t);

/* Index into cpu[] for a thread. Plain: thread i gets cpu[i]. Spread: the nodes take turns, and within
 * a node its CPUs. After the last CPU the first is next. n_cpus must not be 0. */
int cpu_topology_place(const CpuTopology *t, int thread, bool spread);

/* "2 cores (4 CPUs), 1 node, no quota, huge pages on request" */
void cpu_topology_text(const CpuTopology *t, char *text, size_t n);

/* "0-3,8" and back. Parsing takes an empty text as an empty set, ignores CPUs from CPU_SETSIZE on, and
 * returns false for anything else that is no such list. */
void cpu_list_text(const cpu_set_t *set, char *text, size_t n);
bool cpu_list_parse(const char *text, cpu_set_t *set);

#endif
