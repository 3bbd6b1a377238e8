/* attention_map.c: two questions about a head that are one: how much weight goes so many places back? */
#include "attention_map.h"

#include "status.h"

void attention_map(const AttentionArgs *a, int h, float *map)
{
    CHECK(a->pos0 == 0, "a map of tokens from position %lld on", (long long)a->pos0);
    for (int64_t t = 0; t < a->n_tok; t++) attention_weights(a, h, t, map + t * a->n_tok, a->n_tok);
}

//@ begin attention-lag-score
float attention_lag_score(const float *map, int64_t n, int64_t first,
                          int64_t end, int64_t lag)
{
    CHECK(0 <= lag && lag <= first && first < end && end <= n,
          "rows %lld to %lld, %lld back", (long long)first, (long long)end,
          (long long)lag);
    double sum = 0;
    for (int64_t t = first; t < end; t++) sum += map[t * n + t - lag];
    return (float)(sum / (double)(end - first));
}
//@ end attention-lag-score

float attention_chance(int64_t first, int64_t end)
{
    double sum = 0;
    for (int64_t t = first; t < end; t++) sum += 1.0 / (double)(t + 1);
    return (float)(sum / (double)(end - first));
}
