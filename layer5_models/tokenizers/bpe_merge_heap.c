/* bpe_merge_heap.c: the quick twin: a merge changes two pairs, so only two are asked for again.
 *
 *   queue entry = priority << 32 | index of the left symbol
 *
 * The smallest entry is the most urgent pair, and of equal ones the leftmost: one comparison of
 * integers decides both. Symbols form a doubly linked list, so that removing one moves nothing.
 * Entries are not searched for when their pair changes. Each symbol knows the priority of its pair
 * with the right neighbour, and an entry that says something else is out of date and dropped.
 * Every merge takes one entry out and puts at most two in: O(n log n), never more than 2n entries.
 *
 * Most words are short, and there looking through a few priorities side by side is quicker than keeping a
 * queue: up to SHORT symbols the priorities are a plain array. */
#include "bpe_merge.h"

#include "layer5_kernels.h"

/* What the list knows about a symbol, beside the BpeSymbol itself. */
typedef struct {
    uint32_t prev, next;
    uint32_t priority; /* of the pair (this, next), BPE_NO_MERGE if there is none */
    int32_t merged_id; /* name of that pair's result */
} Link;

typedef struct {
    const BpeRules *r;
    BpeSymbol *symbols;
    Link *links;     /* [n] */
    uint64_t *queue; /* [2 * n] binary heap, smallest first */
    int64_t n_queue;
} Merger;

#define NOBODY UINT32_MAX
enum { SHORT = 24 };

size_t bpe_merge_work_bytes(int64_t n)
{
    return (size_t)n * (sizeof(Link) + 2 * sizeof(uint64_t));
}

//@ begin bpe-heap-queue
/* The hole at i sinks until e fits in: no child is smaller. */
static void sink(Merger *m, int64_t i, uint64_t e)
{
    for (int64_t child; (child = 2 * i + 1) < m->n_queue; i = child) {
        if (child + 1 < m->n_queue && m->queue[child + 1] < m->queue[child]) child++;
        if (e <= m->queue[child]) break;
        m->queue[i] = m->queue[child];
    }
    m->queue[i] = e;
}

static void push(Merger *m, uint64_t e)
{
    int64_t i = m->n_queue++;
    for (; i > 0 && m->queue[(i - 1) / 2] > e; i = (i - 1) / 2)
        m->queue[i] = m->queue[(i - 1) / 2];
    m->queue[i] = e;
}
//@ end bpe-heap-queue

static uint64_t pop(Merger *m)
{
    uint64_t top = m->queue[0];
    uint64_t last = m->queue[--m->n_queue];
    if (m->n_queue > 0) sink(m, 0, last);
    return top;
}

/* Asks for the pair (i, next of i); true if there is one, and then *e is its entry. */
static bool ask(Merger *m, uint32_t i, uint64_t *e)
{
    Link *l = &m->links[i];
    l->priority = BPE_NO_MERGE;
    if (l->next == NOBODY) return false;
    l->priority = m->r->pair(m->r, &m->symbols[i], &m->symbols[l->next], &l->merged_id);
    *e = (uint64_t)l->priority << 32 | i;
    return l->priority != BPE_NO_MERGE;
}

/* Symbol i grows over its right neighbour, which leaves the list. */
static void merge(Merger *m, uint32_t i)
{
    Link *l = &m->links[i];
    uint32_t gone = l->next;
    m->symbols[i].len += m->symbols[gone].len;
    m->symbols[i].id = l->merged_id;
    m->links[gone].priority = BPE_NO_MERGE;
    l->next = m->links[gone].next;
    if (l->next != NOBODY) m->links[l->next].prev = i;
}

/* priority << 8 | index, as in the queue but for fewer symbols. */
static uint64_t ask_short(const BpeRules *r, const BpeSymbol *s, int64_t i, int32_t *result)
{
    return (uint64_t)r->pair(r, &s[i], &s[i + 1], &result[i]) << 8 | (uint64_t)i;
}

static int64_t merge_short(const BpeRules *r, BpeSymbol *s, int64_t n)
{
    /* 1. Ask for the priority of every pair of neighbours, once. */
    uint64_t entry[SHORT];
    int32_t result[SHORT];
    for (int64_t i = 0; i + 1 < n; i++) entry[i] = ask_short(r, s, i, result);
    for (;;) {
        /* 2. Choose the smallest, of equal ones the leftmost: one comparison, no branch. */
        uint64_t best = (uint64_t)BPE_NO_MERGE << 8;
        for (int64_t i = 0; i + 1 < n; i++) best = entry[i] < best ? entry[i] : best;
        if (best >> 8 == BPE_NO_MERGE) return n;
        int64_t at = best & 0xFF;

        /* 3. Merge: the left symbol grows over the right one, which goes. */
        s[at].len += s[at + 1].len;
        s[at].id = result[at];
        n--;
        for (int64_t i = at + 1; i < n; i++) s[i] = s[i + 1];
        for (int64_t i = at + 1; i + 1 < n; i++) {
            entry[i] = entry[i + 1] - 1; /* its index is in the lowest bits */
            result[i] = result[i + 1];
        }

        /* 4. Two pairs have changed; ask for these two. */
        if (at + 1 < n) entry[at] = ask_short(r, s, at, result);
        if (at > 0) entry[at - 1] = ask_short(r, s, at - 1, result);
    }
}

int64_t bpe_merge_heap(const BpeRules *r, BpeSymbol *symbols, int64_t n, void *work)
{
    if (n < 2) return n;
    if (n <= SHORT) return merge_short(r, symbols, n);
    Merger m = {.r = r, .symbols = symbols, .queue = work};
    m.links = (Link *)(void *)(m.queue + 2 * n);
    for (int64_t i = 0; i < n; i++) {
        m.links[i].prev = i > 0 ? (uint32_t)(i - 1) : NOBODY;
        m.links[i].next = i + 1 < n ? (uint32_t)(i + 1) : NOBODY;
    }

    //@ begin bpe-merge-heap
    /* 1. Ask for the priority of every pair of neighbours, once. */
    uint64_t e;
    for (int64_t i = 0; i < n; i++)
        if (ask(&m, (uint32_t)i, &e)) m.queue[m.n_queue++] = e;
    for (int64_t i = m.n_queue / 2 - 1; i >= 0; i--) sink(&m, i, m.queue[i]);

    while (m.n_queue > 0) {
        /* 2. Choose the smallest, of equal ones the leftmost. */
        e = pop(&m);
        uint32_t i = (uint32_t)e;
        if (m.links[i].priority != e >> 32) continue; /* out of date */

        /* 3. Merge: the left symbol grows over the right one, which goes. */
        merge(&m, i);

        /* 4. Two pairs have changed; ask for these two. */
        if (ask(&m, i, &e)) push(&m, e);
        uint32_t left = m.links[i].prev;
        if (left != NOBODY && ask(&m, left, &e)) push(&m, e);
    }
    //@ end bpe-merge-heap

    /* 5. The list, from left to right, is the result. The first symbol never goes. */
    int64_t kept = 0;
    for (uint32_t i = 0; i != NOBODY; i = m.links[i].next) symbols[kept++] = symbols[i];
    return kept;
}
