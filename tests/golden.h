/* golden.h: golden.jsonl, read by a small scanner: a line per model, ids in arrays of numbers. */
#ifndef SIXFOLD_TESTS_GOLDEN_H
#define SIXFOLD_TESTS_GOLDEN_H

#include "layer1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GOLDEN_MAX = 64 };

typedef struct {
    char dir[96], model[64];
    int32_t ids[2 * GOLDEN_MAX]; /* prompt, then what follows greedily */
    int n_prompt, n_greedy, n_vocab;
    float *logits; /* [n_prompt + n_greedy, n_vocab]; mem_free */
} Golden;

/* The numbers of "key": [1, 2, 3] in line; how many there were. */
static inline int golden_ids(const char *line, const char *key, int32_t *out)
{
    const char *at = strstr(line, key);
    int n = 0;
    if (!at || !(at = strchr(at, '['))) return 0;
    for (at++; *at && *at != ']' && n < GOLDEN_MAX; n++) {
        char *end;
        out[n] = (int32_t)strtol(at, &end, 10);
        at = end + strspn(end, ", ");
    }
    return n;
}

/* Finds `model` ("llama.gguf") in dir/golden.jsonl and reads its logits; false if a file is absent. */
static inline bool golden_read(Golden *g, const char *dir, const char *model)
{
    char path[192], line[8192], quoted[80];
    *g = (Golden){0};
    snprintf(g->dir, sizeof g->dir, "%s", dir);
    snprintf(g->model, sizeof g->model, "%s", model);
    snprintf(quoted, sizeof quoted, "\"model\": \"%s\"", model);
    snprintf(path, sizeof path, "%s/golden.jsonl", dir);
    FILE *f = fopen(path, "r");
    bool found = false;
    while (f && !found && fgets(line, sizeof line, f)) found = strstr(line, quoted) != NULL;
    if (f) fclose(f);
    if (!found) return false;
    g->n_prompt = golden_ids(line, "\"tokens\":", g->ids);
    g->n_greedy = golden_ids(line, "\"greedy\":", g->ids + g->n_prompt);
    const char *at = strstr(line, "\"n_vocab\":");
    g->n_vocab = at ? (int)strtol(at + 10, NULL, 10) : 0;
    size_t n = (size_t)(g->n_prompt + g->n_greedy) * (size_t)g->n_vocab;
    snprintf(path, sizeof path, "%s/%.*s.logits.f32", dir, (int)strcspn(model, "."), model);
    f = fopen(path, "rb");
    g->logits = mem_alloc(n * sizeof(float));
    bool whole = f && g->logits && n > 0 && fread(g->logits, sizeof(float), n, f) == n;
    if (f) fclose(f);
    return whole;
}

#endif
