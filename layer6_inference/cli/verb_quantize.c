/* verb_quantize.c: IN OUT TYPE: a smaller copy of a model; with --dry-run only what would be. */
#include "layer6.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the command line asks for. */
typedef struct {
    const char *in, *out; /* out: NULL with --dry-run IN TYPE */
    RequantiseParams params;
    DType output_type, token_embd_type;
    QuantOverride overrides[MAX_LISTED];
    Imatrix imatrix;
    Arena arena;
} Job;

static Status find_mix(const char *name, const QuantMix **mix, Err *err)
{
    const char *names[64];
    int n = 0;
    for (; n < 64 && quant_mix_at(n); n++) names[n] = quant_mix_at(n)->name;
    *mix = quant_mix_by_name(name);
    if (*mix) return OK;
    const char *near = nearest_word(name, names, n);
    return fail(err, E_ARG, "type '%.40s' cannot be written. HINT: %s%s%sQ4_K_M, Q5_K_M, Q6_K, Q8_0, Q4_0, "
                "F16 and others can; `sixfold quantize --help` lists all", name, near ? "did you mean '" : "",
                near ? near : "", near ? "'? " : "");
}

/* A type of one tensor: names of types, not of mixes. */
static Status find_type(const char *flag, const char *name, DType *type, Err *err)
{
    int t = dtype_by_name(name);
    bool known = t >= 0 && quant_format((DType)t) && quant_format((DType)t)->quantise;
    *type = known ? (DType)t : DT_F32;
    return known ? OK : fail(err, E_ARG, "%s: type '%.40s' cannot be written. HINT: Q4_K, Q6_K, Q8_0, F16, "
                             "F32 are such types", flag, name);
}

/* "attn_v=q6_k": the last '=' divides, so that a pattern may hold one. */
static Status parse_override(Job *j, const char *text, QuantOverride *out, Err *err)
{
    const char *equals = strrchr(text, '=');
    if (!equals || equals == text || !equals[1])
        return fail(err, E_ARG, "--tensor-type is '%.60s', expected is PATTERN=TYPE. HINT: --tensor-type "
                    "attn_v=q6_k", text);
    out->pattern = arena_strndup(&j->arena, text, (size_t)(equals - text));
    if (!out->pattern) return fail(err, E_MEMORY, "no memory for a pattern");
    return find_type("--tensor-type", equals + 1, &out->type, err);
}

static Status parse_threads(Options *o, const char *text, Err *err)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (*end || n < 1 || n > 256)
        return fail(err, E_ARG, "the number of threads is '%.40s', expected is 1 to 256. HINT: leave it "
                    "out for the default", text);
    o->n_threads = n;
    return OK;
}

static Status parse_job(Job *j, Cli *c, Err *err)
{
    Options *o = &c->o;
    /* 1. The words. A dry run needs no output name. */
    bool without_out = o->dry_run && (o->n_positional == 2 ||
                       (o->n_positional == 3 && quant_mix_by_name(o->positional[1]) &&
                        !quant_mix_by_name(o->positional[2])));
    int type = without_out ? 1 : 2;
    if (o->n_positional <= type)
        return fail(err, E_ARG, "expected are three words. HINT: sixfold quantize IN.gguf OUT.gguf Q4_K_M");
    j->in = o->positional[0];
    j->out = without_out ? NULL : o->positional[1];
    QuantParams *q = &j->params.quant;
    TRY(find_mix(o->positional[type], &q->mix, err));
    if (o->n_positional > type + 1) TRY(parse_threads(o, o->positional[type + 1], err));

    /* 2. The flags. */
    q->pure = o->pure;
    q->leave_output = o->leave_output;
    if (o->output_type) {
        TRY(find_type("--output-tensor-type", o->output_type, &j->output_type, err));
        q->output_type = &j->output_type;
    }
    if (o->token_embd_type) {
        TRY(find_type("--token-embedding-type", o->token_embd_type, &j->token_embd_type, err));
        q->token_embd_type = &j->token_embd_type;
    }
    for (int i = 0; i < (int)o->tensor_types.n; i++)
        TRY(parse_override(j, o->tensor_types.items[i], &j->overrides[i], err));
    q->overrides = j->overrides;
    q->n_overrides = (int)o->tensor_types.n;
    j->params.quiet = o->quiet;
    j->params.stop = &cli_stop;
    if (!o->imatrix) return OK;
    TRY(imatrix_open(&j->imatrix, o->imatrix, err));
    j->params.imatrix = &j->imatrix;
    j->params.imatrix_path = o->imatrix;
    return OK;
}

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

static void report(const Options *o, const RequantiseStats *s)
{
    if (o->quiet) return;
    if (s->n_quantised && !o->allow_requantize)
        fprintf(stderr, "warning: %lld tensors are quantised already; quantising them again adds a second "
                "loss. HINT: start from an F16 or F32 file if there is one (--allow-requantize silences "
                "this)\n", (long long)s->n_quantised);
    if (s->n_unmet)
        fprintf(stderr, "warning: the importance matrix knows nothing about %lld matrices of experts, which no "
                "token of its text chose; their inputs count alike. HINT: `sixfold imatrix` with a longer text of "
                "more kinds\n", (long long)s->n_unmet);
    if (s->n_fallen)
        fprintf(stderr, "warning: the rows of %lld tensors are no whole number of blocks; they get a type "
                "that fits. HINT: --dry-run marks them\n", (long long)s->n_fallen);
}

//@ begin quantize-dry-run
static Status put_plan(Buf *out, const QuantPlan *plan,
                       const RequantiseStats *s, Err *err)
{
    for (int64_t i = 0; i < plan->n; i++) {
        const QuantChoice *c = &plan->choices[i];
        DType from = c->tensor->view.type;
        TRY(buf_printf(out, err, "%-44.*s %-8s -> %-8s %13lld bytes%s\n",
                       STR_ARG(c->tensor->name), dtype_name(from),
                       dtype_name(c->type), (long long)requantise_bytes(c),
                       c->fell_back ? "  (rows do not fit)" : ""));
    }
    return buf_printf(out, err, "%lld of %lld tensors change, %.2f MB -> "
                      "%.2f MB\n", (long long)s->n_changed,
                      (long long)s->n_tensors, (double)s->bytes_in / 1e6,
                      (double)s->bytes_out / 1e6);
}
//@ end quantize-dry-run

static Status dry_run(Job *j, const Options *o, Err *err)
{
    Gguf g = {0};
    QuantPlan plan;
    RequantiseStats stats;
    Buf out = {0};
    Status s = gguf_open(&g, j->in, MAP_AUTO, err);
    if (s != OK) return fail_in(err, s, j->in);
    s = requantise_plan(&plan, &stats, &j->arena, &g, &j->params, err);
    if (s == OK) s = put_plan(&out, &plan, &stats, err);
    if (s == OK) report(o, &stats);
    if (s == OK) s = cli_write(out.data, out.len, err);
    buf_close(&out);
    gguf_close(&g);
    return s;
}

static Status convert(Job *j, Cli *c, Err *err)
{
    RequantiseStats stats;
    TRY(check_paths(j->in, j->out, err));
    TRY(cli_open_pool(c, err));
    cli_catch_interrupt();
    TRY(requantise(j->in, j->out, &j->params, c->pool, &stats, err));
    report(&c->o, &stats);
    if (!c->o.quiet)
        fprintf(stderr, "%s: %lld of %lld tensors converted, %.1f MB -> %.1f MB\n", j->out,
                (long long)stats.n_changed, (long long)stats.n_tensors, (double)stats.bytes_in / 1e6,
                (double)stats.bytes_out / 1e6);
    return OK;
}

Status verb_quantize(Cli *c, Err *err)
{
    Job j = {0};
    Status s = parse_job(&j, c, err);
    if (s == OK && import_is_directory(j.in))
        s = fail(err, E_ARG, "'%s' is a directory, quantize reads a GGUF file. HINT: `sixfold convert %s -o FILE` "
                 "first", j.in, j.in);
    if (s == OK) s = c->o.dry_run ? dry_run(&j, &c->o, err) : convert(&j, c, err);
    imatrix_close(&j.imatrix);
    arena_close(&j.arena);
    return s;
}
