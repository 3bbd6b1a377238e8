/* cli_lora.c: --lora and --lora-scaled: which adapters, and how strongly each. */
#include "layer6.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    Cli *c;
    const Gguf *base;
    Arena paths;
} Opening;

static Status open_one(Opening *o, const char *path, size_t n, float scale, Err *err)
{
    Cli *c = o->c;
    if (c->n_loras == MAX_LISTED)
        return fail(err, E_ARG, "more than %d adapters. HINT: `sixfold merge` makes one model of some of them", MAX_LISTED);
    char *name = arena_strndup(&o->paths, path, n);
    if (!name) return fail(err, E_MEMORY, "no memory for a file's name");
    if (!n) return fail(err, E_ARG, "an adapter without a name. HINT: --lora FILE,FILE");
    Lora *l = &c->loras[c->n_loras];
    Status s = lora_open(l, name, o->base, err);
    if (s != OK) return s == E_MEMORY ? s : E_FORMAT;
    c->uses[c->n_loras++] = (LoraUse){l, scale};
    if (c->o.quiet) return OK;
    fprintf(stderr, "lora: %s: %lld matrices, rank %d, %.2f M parameters, scale %g\n", name, (long long)l->n_parts,
            l->max_rank, (double)l->n_params / 1e6, (double)scale);
    if (l->n_norms)
        fprintf(stderr, "warning: %s: the gains of %lld norms are left out; only matrices are changed\n", name,
                (long long)l->n_norms);
    return OK;
}

static Status parse_scale(const char *text, size_t n, float *scale, Err *err)
{
    char copy[64], *end;
    snprintf(copy, sizeof copy, "%.*s", (int)(n < 63 ? n : 63), text);
    *scale = strtof(copy, &end);
    if (end != copy && !*end && n < 63 && isfinite(*scale)) return OK;
    return fail(err, E_ARG, "--lora-scaled: the scale is '%.60s', expected is a finite number. HINT: --lora-scaled FILE:0.5",
                copy);
}

/* "A.gguf,B.gguf", or "A.gguf:0.5,B.gguf:2". A file whose name has commas may stand alone. */
static Status open_list(Opening *o, const char *list, bool scaled, Err *err)
{
    if (!scaled && access(list, F_OK) == 0) return open_one(o, list, strlen(list), 1, err);
    for (const char *at = list;; at++) {
        size_t n = strcspn(at, ","), name = n;
        float scale = 1;
        while (scaled && name > 0 && at[name - 1] != ':') name--;
        if (scaled && name == 0)
            return fail(err, E_ARG, "--lora-scaled is '%.80s', expected is FILE:SCALE. HINT: --lora-scaled %.40s:0.5", list,
                        list);
        if (scaled) TRY(parse_scale(at + name, n - name, &scale, err));
        TRY(open_one(o, at, scaled ? name - 1 : n, scale, err));
        at += n;
        if (!*at) return OK;
    }
}

static Status open_all(Opening *o, Err *err)
{
    const OptionList *plain = &o->c->o.loras, *scaled = &o->c->o.scaled_loras;
    for (int64_t i = 0; i < plain->n; i++) TRY(open_list(o, plain->items[i], false, err));
    for (int64_t i = 0; i < scaled->n; i++) {
        const char *text = scaled->items[i];
        /* The older form: the name, then the number as a word of its own. */
        if (!strchr(text, ':') && i + 1 < scaled->n && !strchr(scaled->items[i + 1], ':')) {
            float scale;
            const char *number = scaled->items[++i];
            TRY(parse_scale(number, strlen(number), &scale, err));
            TRY(open_one(o, text, strlen(text), scale, err));
        } else {
            TRY(open_list(o, text, true, err));
        }
    }
    return OK;
}

Status cli_open_loras(Cli *c, const Gguf *base, Err *err)
{
    Opening o = {.c = c, .base = base};
    Status s = open_all(&o, err);
    arena_close(&o.paths);
    return s;
}

Status cli_adapt(const Cli *c, Session *s, Err *err)
{
    return c->n_loras ? session_adapt(s, c->uses, c->n_loras, err) : OK;
}
