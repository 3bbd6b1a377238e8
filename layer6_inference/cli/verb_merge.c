/* verb_merge.c: adapters written into a copy of a model. */
#include "layer6.h"

#include <stdio.h>
#include <string.h>

/* The output is written to OUT.partial first; neither may be a file that is read. */
static Status check_paths(const Cli *c, const char *model, Err *err)
{
    const OptionList *lists[] = {&c->o.loras, &c->o.scaled_loras};
    char partial[1100];
    if ((size_t)snprintf(partial, sizeof partial, "%s.partial", c->o.outfile) >= sizeof partial)
        return fail(err, E_ARG, "the path '%.100s...' is too long. HINT: go to the directory first", c->o.outfile);
    const char *outs[] = {c->o.outfile, partial};
    for (int k = 0; k < 2; k++) {
        bool same = cli_same_file(model, outs[k]);
        for (int i = 0; i < 2; i++)
            for (int64_t j = 0; j < lists[i]->n; j++) same |= cli_same_file(lists[i]->items[j], outs[k]);
        if (same)
            return fail(err, E_ARG, "'%s' would overwrite a file that is read. HINT: give another output name",
                        c->o.outfile);
    }
    return OK;
}

static Status merge(Cli *c, const Gguf *base, int wish, Err *err)
{
    LoraMergeStats stats;
    LoraMergeParams p = {.wish = wish, .quiet = c->o.quiet, .stop = &cli_stop};
    TRY(cli_open_loras(c, base, err));
    TRY(lora_merge(base, c->uses, c->n_loras, c->o.outfile, &p, c->pool, &stats, err));
    if (!c->o.quiet)
        fprintf(stderr, "%s: %lld of %lld tensors changed, %.1f MB\n", c->o.outfile, (long long)stats.n_changed,
                (long long)stats.n_tensors, (double)stats.bytes / 1e6);
    return OK;
}

Status verb_merge(Cli *c, Err *err)
{
    const Options *o = &c->o;
    const char *model = o->n_positional ? o->positional[0] : o->model;
    int wish;
    Gguf base;
    ImportNotes notes = {0};
    if (!model || !o->outfile || (!o->loras.n && !o->scaled_loras.n))
        return fail(err, E_ARG, "%s is missing. HINT: sixfold merge MODEL.gguf --lora ADAPTER.gguf -o OUT.gguf",
                    !model ? "the model" : !o->outfile ? "-o" : "--lora");
    TRY(cli_outtype(o->outtype, &wish, err));
    TRY(check_paths(c, model, err));
    TRY(cli_open_pool(c, err));
    cli_catch_interrupt();
    ImportRun run = {.label = "arrange", .quiet = o->quiet, .pool = c->pool, .stop = &cli_stop};
    Status s = import_open_run(&base, model, MAP_AUTO, &run, &notes, err);
    if (s != OK) {
        fail_in(err, s, model);
        return s == E_MEMORY || s == E_CANCELLED ? s : E_FORMAT;
    }
    if (!o->quiet) cli_note_import(&notes);
    s = merge(c, &base, wish, err);
    gguf_close(&base);
    return s;
}
