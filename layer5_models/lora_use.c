/* lora_use.c: which adapters a run adds, matrix by matrix.
 *
 * A tensor of the file is not always one matrix of the model: experts lie one after the other in one tensor, and
 * q, k, v (or gate and up) may be parts of one. Where a matrix lies in the file says which rows it is. */
#include "lora.h"

#include "matrices.h"

#include <math.h>
#include <string.h>

typedef struct {
    Session *s;
    Arena arena;
    LowRank *items, *embd;
    int64_t n_items, n_embd, cap;
    int64_t max_in;
    int max_rank;
} Adapting;

/* True if matrix i is the tensor of this part, or rows of it, from *row on. */
static bool is_of(const Model *m, int64_t i, const LoraPart *p, int64_t *row)
{
    const Tensor *w = model_matrix(m, i), *t = &p->base->view;
    uintptr_t at = (uintptr_t)model_matrix_in_file(m, i), from = (uintptr_t)t->data;
    if (!w->data || at < from || at >= from + (uintptr_t)p->base->bytes) return false;
    /* Where both ends share a tensor, the name says which is meant. */
    if (i == MODEL_EMBD && strcmp(p->name, "token_embd.weight") != 0) return false;
    if (i == MODEL_OUTPUT && strcmp(p->name, "output.weight") != 0) return false;
    *row = (int64_t)(at - from) / t->nb[1];
    return true;
}

/* The items of a part: one for each expert of each matrix that it is spread over; counts only if to is NULL. */
static Status spread(Adapting *a, const LoraPart *p, float scale, int order, bool count, Err *err)
{
    const Model *m = a->s->model;
    bool found = false;
    int64_t row;
    for (int64_t i = 0; i < model_n_matrices(m); i++) {
        const Tensor *w = model_matrix(m, i);
        if (!is_of(m, i, p, &row)) continue;
        if (i != MODEL_EMBD && !model_matrix_is_product(m, i)) continue;
        found = true;
        if (count) {
            a->cap += w->ne[2];
            continue;
        }
        for (int64_t e = 0; e < w->ne[2]; e++) {
            LowRank *to = i == MODEL_EMBD ? &a->embd[a->n_embd++] : &a->items[a->n_items++];
            *to = lora_low_rank(p, e, scale);
            to->w = (const char *)w->data + e * w->nb[2];
            to->order = order;
            to->b += row;
            to->n_out = w->ne[1];
        }
        if (p->n_in > a->max_in) a->max_in = p->n_in;
        if (p->rank > a->max_rank) a->max_rank = p->rank;
    }
    return found ? OK : fail(err, E_UNSUPPORTED, "the adapter changes '%s', and what that tensor does is not changed while a "
                             "model runs. HINT: `sixfold merge` writes the adapter into a copy of the model", p->name);
}

static Status collect(Adapting *a, const LoraUse *uses, int n, bool count, Err *err)
{
    for (int i = 0; i < n; i++) {
        const Lora *l = uses[i].lora;
        CHECK(l->base == &a->s->model->gguf, "an adapter of another model");
        if (!isfinite(uses[i].scale * l->alpha))
            return fail(err, E_ARG, "the scale of an adapter is %g, it must be finite. HINT: 1 is as it was trained",
                        (double)uses[i].scale);
        if (uses[i].scale == 0) continue;
        for (int64_t k = 0; k < l->n_parts; k++) TRY(spread(a, &l->parts[k], uses[i].scale, i, count, err));
    }
    return OK;
}

static Status adapt(Adapting *a, const LoraUse *uses, int n, LowRankSet *set, Err *err)
{
    TRY(collect(a, uses, n, true, err));
    if (!a->cap) return OK;
    a->items = ARENA_NEW(&a->arena, LowRank, a->cap);
    a->embd = ARENA_NEW(&a->arena, LowRank, a->cap);
    if (!a->items || !a->embd) return fail(err, E_MEMORY, "no memory for %lld changes of matrices", (long long)a->cap);
    TRY(collect(a, uses, n, false, err));
    lowrank_sort(a->items, a->n_items);
    *set = (LowRankSet){.items = a->items, .n = a->n_items,
                        .scratch_floats = lowrank_scratch_floats(a->max_in, a->s->max_batch, a->max_rank)};
    set->scratch = arena_alloc_dirty(&a->arena, set->scratch_floats, sizeof(float));
    return set->scratch ? OK : fail(err, E_MEMORY, "no memory for %lld tokens of rank %d. HINT: lower -ub",
                                    (long long)a->s->max_batch, a->max_rank);
}

Status session_adapt(Session *s, const LoraUse *uses, int n, Err *err)
{
    Adapting a = {.s = s};
    LowRankSet set = {0};
    Status status = adapt(&a, uses, n, &set, err);
    /* A list that cannot be had leaves the old one as it is. */
    if (status != OK) {
        arena_close(&a.arena);
        return status;
    }
    arena_close(&s->adapter_arena);
    s->adapter_arena = a.arena;
    s->adapters = set;
    s->embd_adapters = a.embd;
    s->n_embd_adapters = a.n_embd;
    return OK;
}
