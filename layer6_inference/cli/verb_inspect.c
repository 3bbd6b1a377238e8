/* verb_inspect.c: what is in a GGUF file: metadata, tensors, the values of one tensor. Works on any
 * valid file, also of an architecture that we cannot run. */
#include "layer6.h"
#include "json_text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- values as text */

/* One scalar of type t at p; strings are quoted. */
static Status put_scalar(Buf *out, const GgufKv *kv, int64_t i, Err *err)
{
    size_t size = gguf_type_bytes(kv->elem);
    double f64 = 0;
    switch (kv->elem) {
    case GGUF_F32: return json_number(out, (double)gguf_array_f32(kv, i), err);
    case GGUF_F64:
        memcpy(&f64, kv->data + (size_t)i * size, sizeof f64);
        return json_number(out, f64, err);
    case GGUF_BOOL: return buf_printf(out, err, gguf_array_int(kv, i) ? "true" : "false");
    case GGUF_U64: {
        uint64_t u;
        memcpy(&u, kv->data + (size_t)i * size, sizeof u);
        return buf_printf(out, err, "%llu", (unsigned long long)u);
    }
    default: return buf_printf(out, err, "%lld", (long long)gguf_array_int(kv, i));
    }
}

/* The value as JSON; at most max_items of an array and max_text bytes of a string (0: all). */
static Status put_value(Buf *out, const GgufKv *kv, int64_t max_items, size_t max_text, Err *err)
{
    bool array = kv->type == GGUF_ARRAY;
    GgufStrings strings = {0};
    if (kv->elem == GGUF_STRING) strings = gguf_strings(kv);
    if (array) TRY(buf_append(out, "[", 1, err));
    for (int64_t i = 0; i < kv->count; i++) {
        if (i) TRY(buf_append(out, ", ", 2, err));
        if (max_items && i == max_items) {
            TRY(buf_printf(out, err, "... %lld in all", (long long)kv->count));
            break;
        }
        Str s;
        if (kv->elem != GGUF_STRING) TRY(put_scalar(out, kv, i, err));
        else if (gguf_next_string(&strings, &s))
            TRY(json_string(out, s.ptr, max_text && s.len > max_text ? max_text : s.len, err));
    }
    return array ? buf_append(out, "]", 1, err) : OK;
}

/* ---------------------------------------------------------------- the two reports */

static Status put_shape(Buf *out, const GgufTensor *t, Err *err)
{
    for (int d = 0; d < t->n_dims; d++)
        TRY(buf_printf(out, err, "%s%lld", d ? ", " : "[", (long long)t->view.ne[d]));
    return buf_append(out, t->n_dims ? "]" : "[]", t->n_dims ? 1 : 2, err);
}

static Status report_text(const Gguf *g, const char *name, Buf *out, Err *err)
{
    int64_t params = 0, bytes = 0;
    for (int64_t i = 0; i < g->n_tensors; i++) {
        params += tensor_elements(&g->tensors[i].view);
        bytes += g->tensors[i].bytes;
    }
    TRY(buf_printf(out, err, "%s: GGUF v%u, %d file%s, %.2f MB, alignment %u\n%lld keys, %lld tensors, "
                   "%.3f M parameters, %.2f bits per weight\n\n", name, g->version, g->n_shards,
                   g->n_shards == 1 ? "" : "s", (double)g->file_bytes / 1e6, g->alignment,
                   (long long)g->n_kv, (long long)g->n_tensors, (double)params / 1e6,
                   params ? 8.0 * (double)bytes / (double)params : 0));
    for (int64_t i = 0; i < g->n_kv; i++) {
        const GgufKv *kv = &g->kv[i];
        TRY(buf_printf(out, err, "%-44.*s %-4s ", STR_ARG(kv->key), gguf_type_name(kv->elem)));
        TRY(put_value(out, kv, 6, 60, err));
        TRY(buf_append(out, "\n", 1, err));
    }
    if (g->n_tensors) TRY(buf_append(out, "\n", 1, err));
    for (int64_t i = 0; i < g->n_tensors; i++) {
        const GgufTensor *t = &g->tensors[i];
        TRY(buf_printf(out, err, "%-44.*s %-8s %12lld bytes  ", STR_ARG(t->name),
                       dtype_name(t->view.type), (long long)t->bytes));
        TRY(put_shape(out, t, err));
        TRY(buf_append(out, "\n", 1, err));
    }
    return OK;
}

static Status report_json(const Gguf *g, const char *name, Buf *out, Err *err)
{
    TRY(buf_append(out, "{\"file\": ", 9, err));
    TRY(json_string(out, name, strlen(name), err));
    TRY(buf_printf(out, err, ", \"version\": %u, \"alignment\": %u, \"bytes\": %lld, \"n_kv\": %lld, "
                   "\"n_tensors\": %lld,\n\"metadata\": {", g->version, g->alignment,
                   (long long)g->file_bytes, (long long)g->n_kv, (long long)g->n_tensors));
    for (int64_t i = 0; i < g->n_kv; i++) {
        TRY(buf_append(out, i ? ",\n" : "\n", i ? 2 : 1, err));
        TRY(json_string(out, g->kv[i].key.ptr, g->kv[i].key.len, err));
        TRY(buf_append(out, ": ", 2, err));
        TRY(put_value(out, &g->kv[i], 0, 0, err));
    }
    TRY(buf_printf(out, err, "},\n\"tensors\": ["));
    for (int64_t i = 0; i < g->n_tensors; i++) {
        const GgufTensor *t = &g->tensors[i];
        TRY(buf_append(out, i ? ",\n{\"name\": " : "\n{\"name\": ", i ? 11 : 10, err));
        TRY(json_string(out, t->name.ptr, t->name.len, err));
        TRY(buf_printf(out, err, ", \"type\": \"%s\", \"shape\": ", dtype_name(t->view.type)));
        TRY(put_shape(out, t, err));
        TRY(buf_printf(out, err, ", \"offset\": %llu, \"bytes\": %lld}", (unsigned long long)t->offset,
                       (long long)t->bytes));
    }
    return buf_append(out, "]}\n", 3, err);
}

/* ---------------------------------------------------------------- one tensor */

typedef struct { double min, max, sum, sum2; int64_t n, n_bad; } Moments;

static void add_row(Moments *m, const float *row, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double v = (double)row[i];
        if (!isfinite(v)) {
            m->n_bad++;
            continue;
        }
        m->min = m->n == 0 || v < m->min ? v : m->min;
        m->max = m->n == 0 || v > m->max ? v : m->max;
        m->sum += v;
        m->sum2 += v * v;
        m->n++;
    }
}

static Status walk_tensor(const GgufTensor *t, FILE *f, Moments *m, Err *err)
{
    int64_t n = t->view.ne[0], rows = tensor_elements(&t->view) / n;
    Arena a = {0};
    float *row = ARENA_NEW(&a, float, n);
    Status s = row ? OK : fail(err, E_MEMORY, "no memory for a row of %lld", (long long)n);
    for (int64_t r = 0; s == OK && r < rows; r++) {
        row_to_f32(row, (const char *)t->view.data + r * dtype_row_bytes(t->view.type, n),
                   t->view.type, n);
        add_row(m, row, n);
        if (f && fwrite(row, sizeof *row, (size_t)n, f) != (size_t)n)
            s = fail(err, E_IO, "cannot write the values: %s. HINT: is the disk full?", strerror(errno));
    }
    arena_close(&a);
    return s;
}

static Status inspect_tensor(Cli *c, const Gguf *g, Buf *out, Err *err)
{
    const GgufTensor *t = gguf_tensor(g, c->o.tensor);
    if (!t)
        return fail(err, E_ARG, "no tensor is called '%s'. HINT: `sixfold inspect` without --tensor "
                    "lists them", c->o.tensor);
    if (!quant_format(t->view.type))
        return fail(err, E_UNSUPPORTED, "the tensor '%s' has type %s, which this version cannot decode. "
                    "HINT: `sixfold inspect` alone shows its shape",
                    c->o.tensor, dtype_name(t->view.type));
    FILE *f = NULL;
    if (c->o.f32_file) TRY(cli_create(c, c->o.f32_file, &f, err));
    Moments m = {0};
    Status s = walk_tensor(t, f, &m, err);
    if (f && fclose(f) != 0 && s == OK)
        s = fail(err, E_IO, "cannot write '%s': %s. HINT: is the disk full?", c->o.f32_file,
                 strerror(errno));
    TRY(s);
    double mean = m.n ? m.sum / (double)m.n : 0;
    TRY(buf_printf(out, err, "%s %s ", c->o.tensor, dtype_name(t->view.type)));
    TRY(put_shape(out, t, err));
    return buf_printf(out, err, " min %.6g max %.6g mean %.6g rms %.6g not finite %lld\n", m.min, m.max,
                      mean, m.n ? sqrt(m.sum2 / (double)m.n) : 0, (long long)m.n_bad);
}

Status verb_inspect(Cli *c, Err *err)
{
    if (c->o.quality) return cli_quality(c, err);
    if (c->o.n_positional > 1)
        return fail(err, E_ARG, "unexpected word '%s'. HINT: --quality compares two files",
                    c->o.positional[1]);
    const char *path = c->o.n_positional ? c->o.positional[0] : c->o.model;
    Gguf *g = &c->model.gguf; /* closed with the model */
    Status s = path ? import_open(g, path, MAP_AUTO, !c->o.tensor, &c->model.imported, err)
                    : gguf_open_memory(g, c->program->embedded, c->program->embedded_bytes, err);
    if (s != OK && path) fail_in(err, s, path);
    if (s != OK) return s == E_MEMORY ? s : E_FORMAT;
    Buf out = {0};
    const char *name = path ? path : "(embedded model)";
    if (c->o.tensor) s = inspect_tensor(c, g, &out, err);
    else s = c->o.json ? report_json(g, name, &out, err) : report_text(g, name, &out, err);
    if (s == OK) s = cli_write(out.data, out.len, err);
    buf_close(&out);
    return s;
}
