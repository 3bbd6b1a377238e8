/* verb_convert.c: a checkpoint of another program becomes GGUF. */
#include "layer6.h"

#include <stdio.h>
#include <string.h>

Status cli_outtype(const char *name, int *wish, Err *err)
{
    static const struct { const char *name; int type; } types[] = {
        {"auto", -1}, {"f32", DT_F32}, {"f16", DT_F16}, {"bf16", DT_BF16}, {"q8_0", DT_Q8_0}};
    *wish = -1;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        *wish = types[i].type;
        if (!name || strcmp(name, types[i].name) == 0) return OK;
    }
    return fail(err, E_ARG, "--outtype is '%.40s', expected is f32, f16, bf16, q8_0 or auto. HINT: `sixfold "
                "quantize` makes smaller types from what convert writes", name);
}

static Status convert_llama2c(const Options *o, const char *path, const char *name, int wish,
                              const ImportRun *run, Err *err)
{
    Llama2c m;
    if (!o->tokenizer)
        return fail(err, E_ARG, "a llama2.c model has no vocabulary of its own. HINT: --tokenizer "
                    "TOKENIZER.bin");
    if (cli_same_file(o->tokenizer, o->outfile))
        return fail(err, E_ARG, "'%s' is the tokenizer. HINT: give another output name", o->outfile);
    TRY(llama2c_open(&m, path, err));
    Status s = llama2c_convert(&m, o->tokenizer, o->outfile, name, wish, run, err);
    llama2c_close(&m);
    return s;
}

static Status convert_directory(const Options *o, const char *path, const char *name, int wish,
                                const ImportRun *run, Err *err)
{
    HfModel m;
    HfParams p = {.wish = wish, .name = name, .pre = o->pre};
    TRY(hf_open(&m, path, MAP_AUTO, err));
    Status s = hf_convert(&m, o->outfile, &p, run, err);
    if (s == OK && !o->quiet) cli_note_import(&m.notes);
    hf_close(&m);
    return s;
}

/* Where the base has tensors, the adapter must fit them. */
static Status check_adapter(void *ctx, const char *path, Err *err)
{
    const Options *o = ctx;
    Gguf base;
    Lora lora = {0};
    if (import_is_directory(o->base)) return OK;
    TRY(gguf_open(&base, o->base, MAP_AUTO, err));
    Status s = lora_open(&lora, path, &base, err);
    lora_close(&lora);
    gguf_close(&base);
    return s;
}

/* An adapter; if its model is at hand as GGUF, it must fit that. */
static Status convert_adapter(Options *o, const char *path, const char *name, int wish, ImportRun *run, Err *err)
{
    HfLoraStats stats;
    HfParams p = {.wish = wish, .name = name};
    if (!o->base)
        return fail(err, E_ARG, "a PEFT adapter needs the model that it is of. HINT: --base DIR (its config.json is "
                    "enough) or --base MODEL.gguf");
    if (cli_same_file(o->base, o->outfile))
        return fail(err, E_ARG, "'%s' is the base model. HINT: give another output name", o->outfile);
    run->check = check_adapter, run->check_ctx = o;
    TRY(hf_lora_convert(path, o->base, o->outfile, &p, run, &stats, err));
    if (!o->quiet && stats.n_left)
        fprintf(stderr, "note: %lld tensors are left out: copies of the base model's own\n", (long long)stats.n_left);
    if (!o->quiet) fprintf(stderr, "%s: a LoRA adapter of %lld matrices\n", o->outfile, (long long)stats.n_pairs);
    return OK;
}

/* What was written must open before an older file of that name gives way; if it does not, the source was wrong in a
 * way that only binding finds. */
static Status check_result(void *ctx, const char *path, Err *err)
{
    const Options *o = ctx;
    Model m;
    TRY(model_open(&m, path, MAP_AUTO, err));
    if (!o->quiet)
        fprintf(stderr, "%s: %s, %lld tensors, %.1f M parameters, %.1f MB\n", o->outfile, m.arch->title,
                (long long)m.gguf.n_tensors, (double)m.weights.n_params / 1e6, (double)m.gguf.file_bytes / 1e6);
    model_close(&m);
    return OK;
}

Status verb_convert(Cli *c, Err *err)
{
    Options *o = &c->o;
    char buffer[IMPORT_MODEL_NAME];
    int wish;
    if (o->n_positional < 1 || !o->outfile)
        return fail(err, E_ARG, "expected are a checkpoint and an output. HINT: sixfold convert DIR "
                    "-o OUT.gguf, or MODEL.bin --tokenizer TOKENIZER.bin -o OUT.gguf");
    const char *path = o->positional[0];
    TRY(cli_outtype(o->outtype, &wish, err));
    if (cli_same_file(path, o->outfile))
        return fail(err, E_ARG, "'%s' is the checkpoint itself. HINT: give another output name", path);
    TRY(cli_open_pool(c, err));
    cli_catch_interrupt();
    ImportRun run = {.label = "convert", .quiet = o->quiet, .pool = c->pool, .stop = &cli_stop};
    const char *name = o->model_name ? o->model_name : import_model_name(path, buffer);
    if (import_is_directory(path) && hf_lora_is(path)) return convert_adapter(o, path, name, wish, &run, err);
    run.check = check_result, run.check_ctx = o;
    return import_is_directory(path) ? convert_directory(o, path, name, wish, &run, err)
                                     : convert_llama2c(o, path, name, wish, &run, err);
}
