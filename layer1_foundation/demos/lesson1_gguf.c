/* lesson1_gguf.c: a model file, byte by byte. Writes a small GGUF, shows what each byte means, reads
 * it back, then damages it. Colours on a terminal; --plain for none. */
#include "layer1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool colour;
static const uint8_t *file;
static size_t at; /* what lies before is shown already */

/* The bytes from `at` up to `to`: 16 to a line, the label beside the first. */
static void dump(size_t to, int hue, const char *label)
{
    for (; at < to; label = "") {
        size_t n = to - at < 16 ? to - at : 16;
        printf(colour ? "%6zu  \033[%dm" : "%6zu  ", at, hue);
        for (size_t i = 0; i < 16; i++) i < n ? printf("%02x ", file[at + i]) : printf("   ");
        for (size_t i = 0; i < n; i++)
            putchar(file[at + i] >= 0x20 && file[at + i] < 0x7f ? file[at + i] : '.');
        printf("%s%*s  %s\n", colour ? "\033[0m" : "", (int)(16 - n), "", label);
        at += n;
    }
}

static Status write_model(const char *path, Err *err)
{
    GgufWriter *w = NULL;
    /* f16 bits: 1, -2, 0.1, 65504 */
    struct { float table[4]; uint16_t bias[4]; } data = {{0.5f, -1.0f, 2.0f, 0.25f},
                                                         {0x3C00, 0xC000, 0x2E66, 0x7BFF}};
    Status s = gguf_writer_open(&w, 32, err);
    if (s == OK) s = gguf_put_str(w, "general.architecture", "toy", err);
    if (s == OK) s = gguf_put_u32(w, "toy.width", 2, err);
    if (s == OK) s = gguf_put_strings(w, "toy.words", (Str[]){{"the", 3}, {"cat", 3}}, 2, err);
    if (s == OK) s = gguf_put_tensor(w, "table", DT_F32, 2, (int64_t[]){2, 2}, err);
    if (s == OK) s = gguf_put_tensor(w, "bias", DT_F16, 1, (int64_t[]){4}, err);
    if (s == OK) s = gguf_write_header(w, path, err);
    if (s == OK) s = gguf_write_data(w, &data, sizeof data, err); /* cut where the sizes say */
    if (s == OK) s = gguf_writer_finish(w, err); /* the file has its name only now */
    gguf_writer_close(w);
    return s;
}

static size_t offset_of(const void *p) { return (size_t)((const uint8_t *)p - file); }
static size_t end_of(Str s) { return offset_of(s.ptr) + s.len; }

/* The regions follow one another; the reader's views say where each one ends. */
static void show_bytes(const Gguf *g)
{
    dump(8, 35, "magic, version");
    dump(24, 35, "number of tensors, number of keys");
    for (const GgufKv *kv = g->kv; kv < g->kv + g->n_kv; kv++) {
        dump(end_of(kv->key), 36, "key: length, name");
        dump(offset_of(kv->data), 33, kv->type == GGUF_ARRAY ? "type arr, of str, count" : "type");
        dump(offset_of(kv->data) + kv->bytes, 32, "value");
    }
    for (const GgufTensor *t = g->tensors; t < g->tensors + g->n_tensors; t++) {
        dump(end_of(t->name), 36, "tensor: length, name");
        dump(at + 4 + 8 * (size_t)t->n_dims + 4 + 8, 33, "n_dims, ne, type, offset");
    }
    for (const GgufTensor *t = g->tensors; t < g->tensors + g->n_tensors; t++) {
        dump(offset_of(t->view.data), 90, "padding to a multiple of 32");
        dump(at + (size_t)t->bytes, 32, "data of a tensor");
    }
    dump(g->files[0].size, 90, "padding");
}

static void show_table(const Gguf *g)
{
    printf("\n%-8s %-5s %-8s %6s %6s  values\n", "tensor", "type", "shape", "bytes", "offset");
    for (const GgufTensor *t = g->tensors; t < g->tensors + g->n_tensors; t++) {
        printf("%-8.*s %-5s [%d, %d]   %6d %6d ", STR_ARG(t->name), dtype_name(t->view.type),
               (int)t->view.ne[0], (int)t->view.ne[1], (int)t->bytes, (int)t->offset);
        for (int64_t k = 0; k < tensor_elements(&t->view); k++)
            printf(" %g", tensor_at(&t->view, k % t->view.ne[0], k / t->view.ne[0], 0, 0));
        printf("\n");
    }
}

/* Changes one byte of a copy and opens that. */
static void damage(size_t size, size_t i, uint8_t to)
{
    static _Alignas(8) uint8_t copy[1024];
    Gguf g;
    Err err = {"opened: nobody can see that this byte is wrong"};
    CHECK(size <= sizeof copy, "a file of %zu bytes", size);
    memcpy(copy, file, size);
    copy[i] = to;
    gguf_open_memory(&g, copy, size, &err);
    printf("\nbyte %zu: %02x -> %02x\n   %s\n", i, file[i], to, err.text);
    gguf_close(&g);
}

int main(int argc, char **argv)
{
    const char *tmp = getenv("TMPDIR");
    char path[512];
    Err err;
    Gguf g = {0};
    colour = isatty(1) && !(argc > 1 && strcmp(argv[1], "--plain") == 0);
    snprintf(path, sizeof path, "%.400s/lesson1-%d.gguf", tmp ? tmp : "/tmp", (int)getpid());
    if (write_model(path, &err) != OK || gguf_open(&g, path, MAP_AUTO, &err) != OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    unlink(path); /* the mapping keeps the bytes until it is closed */
    file = g.files[0].data;
    show_bytes(&g);
    show_table(&g);

    size_t size = g.files[0].size, ne0 = end_of(g.tensors[0].name) + 4;
    damage(size, 0, 'g');
    damage(size, 16, 200);    /* the number of keys */
    damage(size, 31, 0xff);   /* the top byte of a length */
    damage(size, ne0, 3);     /* a dimension: 3 x 2 instead of 2 x 2 */
    damage(size, ne0 + 5, 1); /* 2 + 2^40 instead of 2 */
    gguf_close(&g);
    return 0;
}
