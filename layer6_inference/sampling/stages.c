/* stages.c: the stages of the sampler chain, each a function on a list of candidates.
 *
 * After stage_top_k the list is sorted by logit, largest first (ties: lower id first), so top-p and
 * min-p only decide where to cut it. */
#include "sampler.h"

#include <math.h>
#include <stdlib.h>

static bool before(const Candidate *a, const Candidate *b)
{
    return a->logit > b->logit || (a->logit == b->logit && a->id < b->id);
}

static int compare(const void *a, const void *b)
{
    return before(a, b) ? -1 : before(b, a) ? 1 : 0;
}

/* Sinks position i of a heap whose root is the worst of the k kept so far. */
static void sift_down(Candidate *c, int64_t k, int64_t i)
{
    for (;;) {
        int64_t worst = i, left = 2 * i + 1, right = left + 1;
        if (left < k && before(&c[worst], &c[left])) worst = left;
        if (right < k && before(&c[worst], &c[right])) worst = right;
        if (worst == i) return;
        Candidate t = c[i];
        c[i] = c[worst];
        c[worst] = t;
        i = worst;
    }
}

int64_t stage_top_k(Candidate *c, int64_t n, int64_t k)
{
    if (k <= 0 || k > n) k = n;
    /* 1. The first k make a heap with the worst on top. */
    for (int64_t i = k / 2; i-- > 0 && k < n;) sift_down(c, k, i);
    /* 2. Every later one that beats the worst takes its place. */
    for (int64_t i = k; i < n; i++)
        if (before(&c[i], &c[0])) {
            c[0] = c[i];
            sift_down(c, k, 0);
        }
    /* 3. Sort what is kept. */
    qsort(c, (size_t)k, sizeof *c, compare);
    return k;
}

void stage_probabilities(Candidate *c, int64_t n)
{
    float sum = 0;
    for (int64_t i = 0; i < n; i++) sum += c[i].p = expf(c[i].logit - c[0].logit);
    for (int64_t i = 0; i < n; i++) c[i].p /= sum;
}

//@ begin sampler-top-p
int64_t stage_top_p(Candidate *c, int64_t n, float top_p)
{
    if (top_p >= 1.0f) return n;
    stage_probabilities(c, n);
    float mass = 0;
    for (int64_t i = 0; i < n; i++) {
        mass += c[i].p;
        if (mass >= top_p) return i + 1;
    }
    return n;
}

int64_t stage_min_p(Candidate *c, int64_t n, float min_p)
{
    if (min_p <= 0.0f) return n;
    /* p_i >= min_p * p_0 is x_i >= x_0 + ln(min_p): no exponentials needed. */
    float floor = c[0].logit + logf(min_p);
    int64_t kept = 1;
    while (kept < n && c[kept].logit >= floor) kept++;
    return kept;
}
//@ end sampler-top-p

void stage_temperature(Candidate *c, int64_t n, float temp)
{
    /* Distances to the best are divided, so that a tiny temperature overflows to -infinity and not
     * to NaN. */
    float best = c[0].logit;
    for (int64_t i = 0; i < n; i++) c[i].logit = i == 0 ? 0.0f : (c[i].logit - best) / temp;
}

//@ begin sampler-draw
int64_t stage_draw(const Candidate *c, int64_t n, Rng *rng)
{
    float u = rng_f32(rng), mass = 0;
    int64_t last = 0;
    for (int64_t i = 0; i < n; i++) {
        mass += c[i].p;
        if (u < mass) return i;
        if (c[i].p > 0) last = i;
    }
    /* Rounding left a gap at the end: the last one that is possible at all. */
    return last;
}
//@ end sampler-draw

int32_t argmax_logit(const float *logits, int64_t n)
{
    int64_t best = -1;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(logits[i]) && (best < 0 || logits[i] > logits[best])) best = i;
    return (int32_t)best;
}
