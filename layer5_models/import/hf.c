/* hf.c: a directory is opened, and written as one file. */
#include "hf_impl.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_TOKENIZER = 256 << 20 };

Status hf_open_json(HfJson *j, const char *dir, const char *name, bool required, size_t most, Err *err)
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

static Status open_all(HfModel *m, MapMode mode, Err *err)
{
    char path[1024];
    struct stat info;
    if ((size_t)snprintf(path, sizeof path, "%s/config.json", m->dir) < sizeof path && stat(path, &info) != 0)
        return fail(err, E_IO, "the directory '%.300s' has no config.json. HINT: expected is a GGUF file, or a Hugging "
                    "Face directory: config.json, model.safetensors and a tokenizer", m->dir);
    TRY(hf_open_json(&m->config, m->dir, "config.json", true, HF_MAX_CONFIG, err));
    TRY(hf_open_json(&m->generation, m->dir, "generation_config.json", false, HF_MAX_CONFIG, err));
    TRY(hf_open_json(&m->tokenizer_config, m->dir, "tokenizer_config.json", false, HF_MAX_CONFIG, err));
    TRY(hf_open_json(&m->tokenizer, m->dir, "tokenizer.json", false, MAX_TOKENIZER, err));
    TRY(hf_read_config(m, err));
    return safetensors_open(&m->weights, m->dir, mode, err);
}

Status hf_open(HfModel *m, const char *dir, MapMode mode, Err *err)
{
    *m = (HfModel){.dir = dir};
    Status s = open_all(m, mode, err);
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

/* The one plan: keys into the writer, and where every tensor comes from. */
static Status plan_model(GgufWriter *w, HfModel *m, const HfParams *p, ImportTensor **out, int64_t *n, Err *err)
{
    enum { FACTORS = 2 };
    int64_t n_factors = 0;
    ImportSource *factors = ARENA_NEW(&m->arena, ImportSource, FACTORS);
    if (!factors) return fail(err, E_MEMORY, "no memory for rotary factors");
    TRY(hf_list_tensors(m, p->wish, out, n, FACTORS + 2, err));
    TRY(hf_put_config(w, m, p, err));
    TRY(hf_put_rope(w, m, *out + *n, factors, &n_factors, err));
    TRY(hf_check(m, err));
    TRY(gguf_put_u32(w, "general.file_type", import_file_type(p->wish, main_type(*out, *n)), err));
    TRY(hf_put_vocabulary(w, m, p, err));
    *n += n_factors;
    return OK;
}

Status hf_convert(HfModel *m, const char *out, const HfParams *p, const ImportRun *run, Err *err)
{
    GgufWriter *w = NULL;
    ImportTensor *tensors;
    int64_t n;
    TRY(gguf_writer_open(&w, 32, err));
    Status s = plan_model(w, m, p, &tensors, &n, err);
    if (s == OK) s = import_write(w, out, tensors, n, run, err);
    gguf_writer_close(w);
    return s;
}

Status hf_view(HfModel *m, Gguf *g, const HfParams *p, bool shapes_only, const ImportRun *run, Err *err)
{
    GgufWriter *w = NULL;
    ImportTensor *tensors;
    int64_t n;
    ImportPlace place = {m->weights.files, &m->weights.n_files, shapes_only, run};
    TRY(gguf_writer_open(&w, 32, err));
    Status s = plan_model(w, m, p, &tensors, &n, err);
    if (s == OK) s = import_view(g, w, tensors, n, place, &m->notes.own_bytes, err);
    gguf_writer_close(w);
    return s;
}
