/* hf.c: a directory is opened, and written as one file. */
#include "hf_impl.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_CONFIG = 16 << 20, MAX_TOKENIZER = 256 << 20 };

static Status open_json(HfJson *j, const char *dir, const char *name, bool required, size_t most, Err *err)
{
    char path[1024];
    struct stat info;
    *j = (HfJson){0};
    if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path)
        return fail(err, E_ARG, "the path '%.100s...' is too long. HINT: go to the directory first", path);
    if (stat(path, &info) != 0 && !required) return OK;
    TRY(map_open(&j->file, path, MAP_AUTO, err));
    Status s = j->file.size > most ? fail(err, E_LIMIT, "%zu bytes (limit %zu). HINT: no real one is so large",
                                          j->file.size, most)
                                   : jsonview_open(&j->root, (const char *)j->file.data, j->file.size, err);
    return s == OK ? OK : fail_in(err, s, path);
}

static Status open_all(HfModel *m, Err *err)
{
    TRY(open_json(&m->config, m->dir, "config.json", true, MAX_CONFIG, err));
    TRY(open_json(&m->generation, m->dir, "generation_config.json", false, MAX_CONFIG, err));
    TRY(open_json(&m->tokenizer_config, m->dir, "tokenizer_config.json", false, MAX_CONFIG, err));
    TRY(open_json(&m->tokenizer, m->dir, "tokenizer.json", false, MAX_TOKENIZER, err));
    TRY(hf_read_config(m, err));
    return safetensors_open(&m->weights, m->dir, err);
}

Status hf_open(HfModel *m, const char *dir, Err *err)
{
    *m = (HfModel){.dir = dir};
    Status s = open_all(m, err);
    if (s != OK) hf_close(m);
    return s;
}

void hf_close(HfModel *m)
{
    map_close(&m->config.file);
    map_close(&m->generation.file);
    map_close(&m->tokenizer.file);
    map_close(&m->tokenizer_config.file);
    safetensors_close(&m->weights);
    arena_close(&m->arena);
    *m = (HfModel){0};
}

/* What most of the matrices are. */
static DType main_type(const ImportTensor *t, int64_t n)
{
    int64_t numbers[DT_COUNT] = {0}, best = DT_F32;
    for (int64_t i = 0; i < n; i++)
        if (t[i].n_dims > 1) numbers[t[i].type] += import_bytes(&t[i]);
    for (int i = 0; i < DT_COUNT; i++)
        if (numbers[i] > numbers[best]) best = i;
    return (DType)best;
}

static Status write_model(GgufWriter *w, HfModel *m, const char *out, const HfParams *p, const ImportRun *run, Err *err)
{
    enum { FACTORS = 2 };
    ImportTensor *tensors;
    ImportSource factors[FACTORS];
    int64_t n, n_factors = 0;
    TRY(hf_list_tensors(m, p->wish, &tensors, &n, FACTORS + 2, err));
    TRY(hf_put_config(w, m, p, err));
    TRY(hf_put_rope(w, m, tensors + n, factors, &n_factors, err));
    TRY(gguf_put_u32(w, "general.file_type", import_file_type(p->wish, main_type(tensors, n)), err));
    TRY(hf_put_vocabulary(w, m, p, err));
    return import_write(w, out, tensors, n + n_factors, run, err);
}

Status hf_convert(HfModel *m, const char *out, const HfParams *p, const ImportRun *run, Err *err)
{
    GgufWriter *w = NULL;
    TRY(gguf_writer_open(&w, 32, err));
    Status s = write_model(w, m, out, p, run, err);
    gguf_writer_close(w);
    return s;
}
