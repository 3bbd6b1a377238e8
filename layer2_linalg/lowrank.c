/* lowrank.c: finding what belongs to a matrix, and the plain twin: the change as rows of a matrix.
 *
 *   y_o += sum_i (s sum_k B_ok A_ki) x_i       n_in n_out (r + 1) products for what factored does in
 *                                               r (n_in + n_out): the same sum in the other order */
#include "lowrank.h"

#include "layer2.h"
#include "layer2_kernels.h"

#include <stdlib.h>
#include <string.h>

int64_t lowrank_scratch_floats(int64_t max_in, int64_t max_tok, int max_rank)
{
    int64_t narrow = max_tok * max_rank;
    return narrow > max_in ? narrow : max_in;
}

//@ begin lowrank-row
void lowrank_row(const LowRank *l, int64_t row, float *w)
{
    for (int k = 0; k < l->rank; k++)
        vec_axpy(w, l->scale * l->b[k * l->b_stride + row], l->a + k * l->n_in,
                 l->n_in);
}
//@ end lowrank-row

//@ begin lowrank-merged
void lowrank_merged(Pool *pool, const LowRankCall *c)
{
    (void)pool;
    const LowRank *l = c->l;
    float *row = c->scratch;
    for (int64_t o = 0; o < l->n_out; o++) {
        /* 1. Row o of s B A. */
        memset(row, 0, (size_t)l->n_in * sizeof *row);
        lowrank_row(l, o, row);
        /* 2. Times each token. */
        for (int64_t t = 0; t < c->n_tok; t++) {
            const float *x = c->x + t * c->x_stride;
            float sum = 0;
            for (int64_t i = 0; i < l->n_in; i++) sum += row[i] * x[i];
            c->y[t * c->y_stride + o] += sum;
        }
    }
}
//@ end lowrank-merged

static int by_matrix(const void *left, const void *right)
{
    const LowRank *a = left, *b = right;
    uintptr_t p = (uintptr_t)a->w, q = (uintptr_t)b->w;
    return p != q ? (p > q) - (p < q) : (a->order > b->order) - (a->order < b->order);
}

void lowrank_sort(LowRank *items, int64_t n)
{
    if (n) qsort(items, (size_t)n, sizeof *items, by_matrix);
}

/* The first item of the matrix whose numbers are at w, or the place where it would be. */
static int64_t first_of(const LowRankSet *set, const void *w)
{
    int64_t lo = 0, hi = set->n;
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        if ((uintptr_t)set->items[mid].w < (uintptr_t)w) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

void lowrank_linear_n(const LowRankSet *set, Pool *pool, void *scratch, const LinearOut *outs, int n_outs,
                      const float *x, int64_t x_stride, int64_t n_tok)
{
    linear_n(pool, scratch, outs, n_outs, x, x_stride, n_tok);
    if (!set || !set->n || !n_tok) return;
    for (int i = 0; i < n_outs; i++) {
        const LinearOut *o = &outs[i];
        for (int64_t k = first_of(set, o->w->data); k < set->n && set->items[k].w == o->w->data; k++) {
            const LowRank *l = &set->items[k];
            CHECK(l->n_in == o->w->ne[0] && l->n_out == o->w->ne[1], "a change of [%lld, %lld] for [%lld, %lld]",
                  (long long)l->n_in, (long long)l->n_out, (long long)o->w->ne[0], (long long)o->w->ne[1]);
            CHECK(lowrank_scratch_floats(l->n_in, n_tok, l->rank) <= set->scratch_floats,
                  "%lld floats of scratch for %lld tokens of rank %d", (long long)set->scratch_floats,
                  (long long)n_tok, l->rank);
            LowRankCall c = {l, o->y, o->y_stride, x, x_stride, n_tok, set->scratch, scratch};
            lowrank(pool, &c);
        }
    }
}

void lowrank_linear(const LowRankSet *set, Pool *pool, void *scratch, float *y, const Tensor *w,
                    const float *bias, const float *x, int64_t n_tok)
{
    LinearOut out = {w, bias, y, w->ne[1], NULL};
    lowrank_linear_n(set, pool, scratch, &out, 1, x, w->ne[0], n_tok);
}
