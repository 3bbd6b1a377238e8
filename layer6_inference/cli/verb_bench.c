/* verb_bench.c: the model's speed as a table, JSON or CSV. */
#include "layer6.h"

#include <stdio.h>
#include <string.h>

static Status put_json(Buf *out, const BenchResult *r, Err *err)
{
    TRY(buf_printf(out, err, "{\"test\": \"%s\", \"n_prompt\": %lld, \"n_gen\": %lld, \"n_threads\": %d, "
                   "\"median_ts\": %.4f, \"min_ts\": %.4f, \"max_ts\": %.4f, \"samples_ts\": [", r->name,
                   (long long)r->n_prompt, (long long)r->n_gen, r->n_threads, r->median_ts, r->min_ts,
                   r->max_ts));
    for (int i = 0; i < r->n_samples; i++)
        TRY(buf_printf(out, err, "%s%.4f", i ? ", " : "", r->samples_ts[i]));
    return buf_append(out, "]}", 2, err);
}

static Status put_results(Buf *out, const char *format, const BenchResult *r, int n,
                          const char *model, double gib, Err *err)
{
    bool json = strcmp(format, "json") == 0, csv = strcmp(format, "csv") == 0;
    bool md = strcmp(format, "md") == 0;
    if (json) TRY(buf_append(out, "[", 1, err));
    if (csv) TRY(buf_printf(out, err, "test,n_prompt,n_gen,n_threads,median_ts,min_ts,max_ts\n"));
    if (md)
        TRY(buf_printf(out, err, "| model | size | threads | test | t/s | min | max |\n"
                       "| --- | --- | --- | --- | --- | --- | --- |\n"));
    for (int i = 0; i < n; i++) {
        if (csv)
            TRY(buf_printf(out, err, "%s,%lld,%lld,%d,%.4f,%.4f,%.4f\n", r[i].name,
                           (long long)r[i].n_prompt, (long long)r[i].n_gen, r[i].n_threads,
                           r[i].median_ts, r[i].min_ts, r[i].max_ts));
        else if (md)
            TRY(buf_printf(out, err, "| %s | %.2f GiB | %d | %s | %.2f | %.2f | %.2f |\n", model, gib,
                           r[i].n_threads, r[i].name, r[i].median_ts, r[i].min_ts, r[i].max_ts));
        else {
            TRY(put_json(out, &r[i], err));
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
    if (s == OK) s = kvcache_open(&kv, &c->model, p.type_k, p.type_v, p.n_ctx, 1, err);
    if (s == OK && c->o.bench_prompt)
        s = bench_model(&results[n++], &session, &kv, c->o.bench_prompt, 0, (int)c->o.repeats,
                        &cli_stop, err);
    if (s == OK && c->o.bench_gen)
        s = bench_model(&results[n++], &session, &kv, 0, c->o.bench_gen, (int)c->o.repeats, &cli_stop,
                        err);
    if (s == OK)
        s = put_results(out, format, results, n, c->o.model ? c->o.model : "(embedded)",
                        (double)c->model.weights.bytes / 1073741824.0, err);
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
