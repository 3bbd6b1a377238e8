/* nodes.h: on a machine with several memory nodes, where pages come to lie.
 *
 * A page belongs to the node of the thread that touches it first. What each thread writes for itself
 * (weights repacked by linear_for_rows, scratch) is therefore near. What one thread writes for all (a
 * file read into memory, the KV cache) would lie on one node, and everybody would wait for that one.
 * Such memory is dealt out: page after page, the nodes taking turns. On one node there is nothing to do.
 *
 * Interface:
 * - nodes_use says which nodes take turns (numbers as in CpuTopology.memory); fewer than two: none, as at
 *   the start. For the main thread, before it loads a model.
 * - nodes_spread deals out the whole pages inside of [p, p + n) that nobody has touched yet. It returns
 *   how many bytes those are; 0 if no nodes take turns, no page lies inside or the system refuses, which
 *   changes nothing but speed. Safe from any thread. */
#ifndef SIXFOLD_NODES_H
#define SIXFOLD_NODES_H

#include "cpu_topology.h"

void nodes_use(const cpu_set_t *nodes);
int64_t nodes_spread(void *p, size_t n);

/* What asks the system; tests put another in its place (NULL: the real one again). mask: bit i for node i. */
typedef bool NodesSystem(void *p, size_t n, const unsigned long *mask, unsigned long n_bits);
void nodes_set_system(NodesSystem *fn);

#endif
