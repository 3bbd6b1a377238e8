/* verb_quantize.c: IN OUT TYPE: a smaller copy of a model. */
#include "layer6.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The output is written to OUT.partial first, so IN must not be that file either. */
static Status check_paths(const char *in, const char *out, Err *err)
{
    Buf partial = {0};
    TRY(buf_printf(&partial, err, "%s.partial", out));
    bool same = cli_same_file(in, out) || cli_same_file(in, partial.data);
    buf_close(&partial);
    if (!same) return OK;
    return fail(err, E_ARG, "'%s' would overwrite '%s' while it is read. HINT: give another output name",
                out, in);
}

Status verb_quantize(Cli *c, Err *err)
{
    static const char *const types[] = {"F32", "F16", "BF16", "Q8_0", "Q4_0"};
    const int n_types = sizeof types / sizeof *types;
    if (c->o.n_positional < 3)
        return fail(err, E_ARG, "expected are three words. HINT: sixfold quantize IN.gguf OUT.gguf Q8_0");
    const char *in = c->o.positional[0], *out = c->o.positional[1], *name = c->o.positional[2];
    int type = dtype_by_name(name);
    bool known = false;
    for (int i = 0; i < n_types; i++) known |= type >= 0 && dtype_by_name(types[i]) == type;
    const char *near = nearest_word(name, types, n_types);
    if (!known)
        return fail(err, E_ARG, "type '%s' cannot be written. HINT: %s%s%sF32, F16, BF16, Q8_0 and Q4_0 "
                    "can", name, near ? "did you mean '" : "", near ? near : "", near ? "'? " : "");
    if (c->o.n_positional > 3) {
        char *end;
        long n = strtol(c->o.positional[3], &end, 10);
        if (*end || n < 1 || n > 256)
            return fail(err, E_ARG, "the number of threads is '%s', expected is 1 to 256. HINT: leave "
                        "it out for the default", c->o.positional[3]);
        c->o.n_threads = n;
    }
    TRY(check_paths(in, out, err));
    TRY(cli_open_pool(c, err));
    cli_catch_interrupt();
    RequantiseParams p = {.type = (DType)type, .quiet = c->o.quiet, .stop = &cli_stop};
    RequantiseStats stats;
    Status s = requantise(in, out, &p, c->pool, &stats, err);
    if (s != OK) return s;
    if (!c->o.quiet)
        fprintf(stderr, "%s: %lld of %lld tensors converted, %.1f MB -> %.1f MB\n", out,
                (long long)stats.n_changed, (long long)stats.n_tensors, (double)stats.bytes_in / 1e6,
                (double)stats.bytes_out / 1e6);
    return OK;
}
