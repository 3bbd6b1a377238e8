/* verb_bench.c: the model's speed as a table, JSON or CSV; and which share of the machine's it is. */
#include "layer6.h"

#include <stdio.h>
#include <string.h>

enum { ROOF_BYTES = 1 << 30 };

/* What is known beside the times. */
typedef struct {
    const char *model;
    double gib;
    TokenWork work;
    Roofline roof; /* n_threads is 0 if it was not measured */
} Setting;

/* The reached share of what the machine could do: one token reads all weights, many at once multiply. */
static double share(const BenchResult *r, const Setting *s)
{
    const TokenWork *w = &s->work;
    if (r->n_gen) return w->bytes / (s->roof.read_gbs * 1e9) * r->median_ts;
    double int8 = s->roof.int8_gops > 0 ? s->roof.int8_gops : s->roof.fma_gflops;
    return (2 * w->int8_madds / int8 + 2 * w->float_madds / s->roof.fma_gflops) * 1e-9 * r->median_ts;
}

static Status put_json(Buf *out, const BenchResult *r, const Setting *s, Err *err)
{
    TRY(buf_printf(out, err, "{\"test\": \"%s\", \"n_prompt\": %lld, \"n_gen\": %lld, \"n_threads\": %d, "
                   "\"median_ts\": %.4f, \"min_ts\": %.4f, \"max_ts\": %.4f, ", r->name,
                   (long long)r->n_prompt, (long long)r->n_gen, r->n_threads, r->median_ts, r->min_ts,
                   r->max_ts));
    if (s->roof.n_threads)
        TRY(buf_printf(out, err, "\"share\": %.4f, \"read_gbs\": %.3f, \"fma_gflops\": %.1f, "
                       "\"int8_gops\": %.1f, ", share(r, s), s->roof.read_gbs, s->roof.fma_gflops,
                       s->roof.int8_gops));
    TRY(buf_printf(out, err, "\"samples_ts\": ["));
    for (int i = 0; i < r->n_samples; i++)
        TRY(buf_printf(out, err, "%s%.4f", i ? ", " : "", r->samples_ts[i]));
    return buf_append(out, "]}", 2, err);
}

static Status put_csv(Buf *out, const BenchResult *r, const Setting *s, Err *err)
{
    TRY(buf_printf(out, err, "%s,%lld,%lld,%d,%.4f,%.4f,%.4f", r->name, (long long)r->n_prompt,
                   (long long)r->n_gen, r->n_threads, r->median_ts, r->min_ts, r->max_ts));
    if (s->roof.n_threads)
        TRY(buf_printf(out, err, ",%.4f,%.3f,%.1f,%.1f", share(r, s), s->roof.read_gbs, s->roof.fma_gflops,
                       s->roof.int8_gops));
    return buf_append(out, "\n", 1, err);
}

static Status put_md(Buf *out, const BenchResult *r, const Setting *s, Err *err)
{
    TRY(buf_printf(out, err, "| %s | %.2f GiB | %d | %s | %.2f | %.2f | %.2f |", s->model, s->gib,
                   r->n_threads, r->name, r->median_ts, r->min_ts, r->max_ts));
    if (s->roof.n_threads && r->n_gen)
        TRY(buf_printf(out, err, " %.0f %% of %.1f GB/s |", 100 * share(r, s), s->roof.read_gbs));
    else if (s->roof.n_threads)
        TRY(buf_printf(out, err, " %.0f %% of %.0f GFLOP/s f32, %.0f GOP/s int8 |", 100 * share(r, s),
                       s->roof.fma_gflops, s->roof.int8_gops));
    return buf_append(out, "\n", 1, err);
}

static Status put_results(Buf *out, const char *format, const BenchResult *r, int n, const Setting *s, Err *err)
{
    bool json = strcmp(format, "json") == 0, csv = strcmp(format, "csv") == 0;
    bool md = strcmp(format, "md") == 0, roof = s->roof.n_threads > 0;
    if (json) TRY(buf_append(out, "[", 1, err));
    if (csv)
        TRY(buf_printf(out, err, "test,n_prompt,n_gen,n_threads,median_ts,min_ts,max_ts%s\n",
                       roof ? ",share,read_gbs,fma_gflops,int8_gops" : ""));
    if (md)
        TRY(buf_printf(out, err, "| model | size | threads | test | t/s | min | max |%s\n"
                       "| --- | --- | --- | --- | --- | --- | --- |%s\n", roof ? " of the machine |" : "",
                       roof ? " --- |" : ""));
    for (int i = 0; i < n; i++) {
        if (csv) TRY(put_csv(out, &r[i], s, err));
        else if (md) TRY(put_md(out, &r[i], s, err));
        else {
            TRY(put_json(out, &r[i], s, err));
            TRY(buf_printf(out, err, "%s", json && i + 1 < n ? ",\n" : json ? "]\n" : "\n"));
        }
    }
    if (json && n == 0) TRY(buf_printf(out, err, "]\n"));
    return OK;
}

/* Both tests on one session; results are printed together so that JSON is one array. */
static Status run_tests(Cli *c, const char *format, Buf *out, Err *err)
{
    GeneratorParams p;
    TRY(cli_generator_params(c, &p, err));
    int64_t longest = c->o.bench_prompt > c->o.bench_gen ? c->o.bench_prompt : c->o.bench_gen;
    p.n_ctx = c->o.n_ctx ? c->o.n_ctx : longest > 0 ? longest : 1;
    if (longest > p.n_ctx)
        return fail(err, E_LIMIT, "a test of %lld tokens does not fit into a context of %lld. HINT: -c "
                    "%lld", (long long)longest, (long long)p.n_ctx, (long long)longest);
    p.n_ubatch = c->o.n_ubatch < c->o.n_batch ? c->o.n_ubatch : c->o.n_batch;
    if (p.n_ubatch > p.n_ctx) p.n_ubatch = p.n_ctx;
    TRY(cli_check_plan(c, &p, 0, err));
    Session session = {0};
    KvCache kv = {0};
    static BenchResult results[2];
    int n = 0;
    Status s = session_open(&session, &c->model, c->pool, p.n_ubatch, p.n_ctx, err);
    if (s == OK) s = cli_adapt(c, &session, err);
    if (s == OK) s = kvcache_open(&kv, &c->model, p.type_k, p.type_v, p.n_ctx, 1, err);
    if (s == OK && c->o.bench_prompt)
        s = bench_model(&results[n++], &session, &kv, c->o.bench_prompt, 0, (int)c->o.repeats,
                        &cli_stop, err);
    if (s == OK && c->o.bench_gen)
        s = bench_model(&results[n++], &session, &kv, 0, c->o.bench_gen, (int)c->o.repeats, &cli_stop,
                        err);
    Setting setting = {.model = c->o.model ? c->o.model : "(embedded)",
                       .gib = (double)c->model.weights.bytes / 1073741824.0, .work = model_token_work(&c->model)};
    /* In the same run, for a machine's bandwidth can change from one minute to the next. */
    if (s == OK && c->o.roof) s = roofline_measure(&setting.roof, c->pool, ROOF_BYTES, 1.5, err);
    if (s == OK) s = put_results(out, format, results, n, &setting, err);
    kvcache_close(&kv);
    session_close(&session);
    return s;
}

Status verb_bench(Cli *c, Err *err)
{
    static const char *const formats[] = {"md", "json", "jsonl", "csv"};
    const char *format = c->o.output ? c->o.output : "md";
    bool known = false;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        known |= strcmp(format, formats[i]) == 0;
    if (!known)
        return fail(err, E_ARG, "-o is '%s', expected is md, json, jsonl or csv. HINT: md is the default",
                    format);
    TRY(cli_open_model(c, err));
    TRY(cli_open_pool(c, err));
    cli_catch_interrupt();
    Buf out = {0};
    Status s = run_tests(c, format, &out, err);
    if (s == OK) s = cli_write(out.data, out.len, err);
    buf_close(&out);
    return s;
}
