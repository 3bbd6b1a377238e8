/* nodes.c: one system call, mbind, asked without libnuma.
 *
 *   mbind(address, bytes, INTERLEAVE, mask of nodes, bits of the mask + 1, 0)
 *
 * It moves nothing and touches nothing: it only says where pages are to come from when they are touched
 * for the first time. The address must be the first of a page. Source: Linux manual, mbind(2). */
#include "nodes.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { INTERLEAVE = 3, WORD = 8 * sizeof(unsigned long), WORDS = CPU_SETSIZE / WORD };

static bool ask_system(void *p, size_t n, const unsigned long *mask, unsigned long n_bits)
{
#ifdef SYS_mbind
    /* The kernel counts bits from one: it looks at n_bits - 1 of what it is told. */
    return syscall(SYS_mbind, p, n, INTERLEAVE, mask, n_bits + 1, 0) == 0;
#else
    (void)p, (void)n, (void)mask, (void)n_bits;
    return false;
#endif
}

static NodesSystem *nodes_system = ask_system;
static unsigned long nodes_mask[WORDS];
static int n_used;

void nodes_set_system(NodesSystem *fn) { nodes_system = fn ? fn : ask_system; }

void nodes_use(const cpu_set_t *nodes)
{
    memset(nodes_mask, 0, sizeof nodes_mask);
    n_used = CPU_COUNT(nodes);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, nodes)) nodes_mask[i / WORD] |= 1ul << i % WORD;
}

//@ begin nodes-spread
int64_t nodes_spread(void *p, size_t n)
{
    if (n_used < 2) return 0;
    /* 1. Whole pages only: the ends may belong to somebody else too. */
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t skip = -(uintptr_t)p & (page - 1);
    if (n < skip + page) return 0;
    n = (n - skip) / page * page;
    /* 2. A wish: a refusal changes nothing but speed. */
    bool granted = nodes_system((char *)p + skip, n, nodes_mask, CPU_SETSIZE);
    return granted ? (int64_t)n : 0;
}
//@ end nodes-spread
