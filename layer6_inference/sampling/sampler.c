/* sampler.c: the chain: penalties -> top-k -> top-p -> min-p -> temperature -> draw. */
#include "sampler.h"

#include <math.h>

SamplerParams sampler_defaults(void)
{
    return (SamplerParams){.temp = 0.8f, .top_k = 40, .top_p = 0.95f, .min_p = 0.05f,
                           .repeat_penalty = 1.0f, .repeat_last_n = 64};
}

Status sampler_open(Sampler *s, const SamplerParams *p, int64_t n_vocab, int32_t fallback, Err *err)
{
    *s = (Sampler){.params = *p, .rng = rng_seed(p->seed), .n_vocab = n_vocab};
    s->fallback = fallback >= 0 ? fallback : 0;
    s->list = ARENA_NEW(&s->arena, Candidate, n_vocab);
    if (!s->list) return fail(err, E_MEMORY, "no memory for %lld candidates", (long long)n_vocab);
    return OK;
}

void sampler_close(Sampler *s)
{
    arena_close(&s->arena);
    tokens_close(&s->history);
    *s = (Sampler){0};
}

Status sampler_accept(Sampler *s, int32_t id, Err *err) { return tokens_push(&s->history, id, err); }

/* Divides positive and multiplies negative logits of recent tokens by r, each token once. The list is
 * still in id order here, so list[id] is the candidate of id. */
static void apply_penalties(Sampler *s)
{
    const SamplerParams *p = &s->params;
    if (p->repeat_penalty == 1.0f || p->repeat_last_n == 0) return;
    int64_t n = s->history.n, last = p->repeat_last_n < 0 ? n : p->repeat_last_n;
    for (int64_t i = n > last ? n - last : 0; i < n; i++) {
        int32_t id = s->history.ids[i];
        if (id < 0 || id >= s->n_vocab || s->list[id].p != 0.0f) continue;
        float *x = &s->list[id].logit;
        *x = *x > 0 ? *x / p->repeat_penalty : *x * p->repeat_penalty;
        s->list[id].p = 1.0f; /* done; the probability is filled in later */
    }
}

/* Fills the list with what is finite; false if nothing is. */
static bool fill_list(Sampler *s, const float *logits)
{
    bool any = false;
    for (int64_t i = 0; i < s->n_vocab; i++) {
        bool finite = isfinite(logits[i]);
        s->list[i] = (Candidate){(int32_t)i, finite ? logits[i] : -INFINITY, 0};
        any |= finite;
    }
    return any;
}

int32_t sampler_sample(Sampler *s, const float *logits)
{
    const SamplerParams *p = &s->params;
    if (!fill_list(s, logits)) {
        s->n_non_finite++;
        return s->fallback;
    }
    apply_penalties(s);
    /* Greedy is top-1 of the penalised list. */
    if (p->temp <= 0.0f) {
        stage_top_k(s->list, s->n_vocab, 1);
        return s->list[0].id;
    }
    //@ begin sampler-chain
    int64_t n = stage_top_k(s->list, s->n_vocab, p->top_k);
    n = stage_top_p(s->list, n, p->top_p);
    n = stage_min_p(s->list, n, p->min_p);
    stage_temperature(s->list, n, p->temp);
    stage_probabilities(s->list, n);
    return s->list[stage_draw(s->list, n, &s->rng)].id;
    //@ end sampler-chain
}
