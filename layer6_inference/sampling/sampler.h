/* sampler.h: from logits to one token: a chain of stages that each narrow or bend the choice.
 *
 * Order: penalties, top-k, top-p, min-p, temperature, then a draw. temp <= 0 is greedy: the largest
 * logit after penalties, the lowest id among equals.
 *
 *   penalty      x_i > 0 ? x_i / r : x_i * r         for tokens among the last repeat_last_n
 *   top-k        keep the k largest
 *   top-p        keep the smallest prefix of the sorted list whose probability reaches p
 *   min-p        keep what is at least min_p times as likely as the best
 *   temperature  x_i / T
 *
 * Interface: sampler_sample always returns a legal id, whatever the logits hold (NaN counts as
 * -infinity; if nothing finite remains, the result is eos_or_zero). It does not change the logits.
 * The same seed and logits give the same ids on every machine.
 * Source: Keskar et al. 2019 (penalty); Fan et al. 2018 (top-k); Holtzman et al. 2020 (top-p);
 * Nguyen et al. 2024 (min-p). */
#ifndef SIXFOLD_SAMPLER_H
#define SIXFOLD_SAMPLER_H

#include "layer5.h"

typedef struct {
    float temp;            /* 0.8; <= 0 is greedy */
    int64_t top_k;         /* 40; <= 0 keeps all */
    float top_p;           /* 0.95; >= 1 keeps all */
    float min_p;           /* 0.05; <= 0 keeps all */
    float repeat_penalty;  /* 1 = off */
    int64_t repeat_last_n; /* 64; 0 = off, -1 = everything */
    uint64_t seed;
} SamplerParams;

SamplerParams sampler_defaults(void);

/* One candidate: id, logit, probability (filled by the stages that need it). */
typedef struct { int32_t id; float logit, p; } Candidate;

typedef struct Sampler {
    SamplerParams params;
    Rng rng;
    int64_t n_vocab;
    Candidate *list;     /* [n_vocab] */
    TokenList history;   /* accepted tokens */
    int32_t fallback;    /* when no logit is finite */
    int64_t n_non_finite;/* how often that happened */
    Arena arena;
} Sampler;

Status sampler_open(Sampler *s, const SamplerParams *p, int64_t n_vocab, int32_t fallback, Err *err);
void sampler_close(Sampler *s);

/* Remembers a token of the text (prompt tokens too) for the penalties. */
Status sampler_accept(Sampler *s, int32_t id, Err *err);

int32_t sampler_sample(Sampler *s, const float *logits);

/* The stages, on a list sorted from likely to unlikely after stage_top_k; each returns how many
 * candidates are left, at least 1. */
int64_t stage_top_k(Candidate *c, int64_t n, int64_t k);
int64_t stage_top_p(Candidate *c, int64_t n, float top_p);
int64_t stage_min_p(Candidate *c, int64_t n, float min_p);
void stage_temperature(Candidate *c, int64_t n, float temp);
void stage_probabilities(Candidate *c, int64_t n); /* softmax of the logits into p */
int64_t stage_draw(const Candidate *c, int64_t n, Rng *rng);

/* Largest finite logit, lowest id among equals; -1 if there is none. */
int32_t argmax_logit(const float *logits, int64_t n);

#endif
