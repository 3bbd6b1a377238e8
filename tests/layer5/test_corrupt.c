/* Damaged files: small models cut off at every byte of the header and at 4096 places of the data,
 * and every header byte flipped in each of its 8 bits. Each is loaded or refused with a hint; what is
 * loaded computes two tokens. Run it under SANITIZE=1 to see reads beyond the end.
 *
 * A usual run takes a fixed sample of these cases; FULL=1 in the environment takes them all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model_bytes.h"
#include "embedded.h"

#include <dirent.h>
#include <stdlib.h>

enum { N_CTX = 4, SAMPLE = 90, DATA_POINTS = 4096, MAX_FILES = 64 };

typedef struct {
    char name[64];
    Buf bytes;
    int64_t header; /* bytes before the tensor data */
} File;

static File files[MAX_FILES];
static int n_files;
static int64_t n_opened, n_refused;

static void add_file(const char *name, const void *bytes, size_t n)
{
    File *f = &files[n_files];
    Gguf g;
    assert_true(n_files < MAX_FILES);
    snprintf(f->name, sizeof f->name, "%s", name);
    gb_bytes(&f->bytes, bytes, n);
    g = gb_opened(&f->bytes);
    f->header = (int64_t)g.data_start;
    gguf_close(&g);
    n_files++;
}

static void add_directory(const char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[400];
        MapFile m;
        Err err;
        if (!strstr(e->d_name, ".gguf")) continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        MUST(map_open(&m, path, MAP_READ, &err), &err);
        add_file(e->d_name, m.data, m.size);
        map_close(&m);
    }
    if (d) closedir(d);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const File *)a)->name, ((const File *)b)->name);
}

static int collect(void **state)
{
    (void)state;
    add_file("wired", wired_model, wired_model_bytes);
    add_directory("tests/golden");
    add_directory("tests/golden/families");
    add_directory("../shared/golden/models");
    qsort(files, (size_t)n_files, sizeof *files, by_name);
    return 0;
}

static int release(void **state)
{
    (void)state;
    for (int i = 0; i < n_files; i++) buf_close(&files[i].bytes);
    return 0;
}

/* Two tokens with the model; what comes out does not matter. */
static void compute(const Model *m)
{
    Session s;
    Err err = {0};
    /* A file may claim a width that fits no memory; a planned refusal is the right answer. */
    int64_t plan = session_plan(m, 2, N_CTX, 1);
    if (plan < 0 || plan > 64 << 20 || m->hp.n_vocab > 1 << 20) return;
    bool encoder = m->weights.output.w.data == NULL;
    Status st = encoder ? session_open_hidden(&s, m, NULL, 2, N_CTX, &err)
                        : session_open(&s, m, NULL, 2, N_CTX, &err);
    MUST(st, &err);
    FlatKv kv = flat_kv(m, DT_F16, N_CTX, 1);
    float *logits = mem_alloc((size_t)session_row(&s) * sizeof *logits);
    assert_non_null(logits);
    int32_t last = (int32_t)m->hp.n_vocab - 1;
    BatchItem items[2] = {{0, 0, 0, false}, {last, 0, 1, true}};
    st = model_forward(&s, items, 2, flat_source(&kv), logits, NULL, &err);
    if (st != E_LIMIT) MUST(st, &err); /* learned positions may end after the first */
    mem_free(logits);
    mem_free(kv.memory);
    session_close(&s);
}

/* The bytes as a model; if that fails, at least as a vocabulary. */
static void try_bytes(const char *data, size_t n, bool forward)
{
    Model m;
    Err err = {0};
    TokenList ids = {0};
    Status s = model_open_memory(&m, data, n, &err);
    if (s == OK && forward) compute(&m);
    if (s != OK) {
        if (!strstr(err.text, "HINT:")) FAILED("no hint: %s", err.text);
        s = model_open_vocabulary(&m, NULL, data, n, MAP_AUTO, &err);
    }
    s == OK ? n_opened++ : n_refused++;
    if (m.tokenizer) {
        Status e = tokenizer_encode(m.tokenizer, "Ab \xC3\xA4!", 6, (EncodeOptions){true, true}, &ids,
                                    &err);
        if (e != OK && !strlen(err.text)) FAILED("an error without words");
        tokens_close(&ids);
    }
    model_close(&m);
}

static bool full(void) { return getenv("FULL") && strcmp(getenv("FULL"), "1") == 0; }

/* The i-th of n sampled places of [0, end): all of them if there are no more than n. */
static int64_t place(Rng *rng, int64_t i, int64_t n, int64_t end)
{
    return n >= end ? i : (int64_t)rng_below(rng, (uint64_t)end);
}

static int64_t at_most(int64_t n, int64_t most) { return n < most ? n : most; }

/* An exact copy: mem_alloc's block ends where the data ends. */
static char *exact_copy(const File *f, int64_t n)
{
    char *copy = mem_alloc((size_t)n);
    assert_non_null(copy);
    memcpy(copy, f->bytes.data, (size_t)n);
    return copy;
}

static void truncated(const File *f, int64_t n)
{
    char *copy = exact_copy(f, n);
    int64_t before = n_opened;
    Model m;
    Err err = {0};
    if (model_open_memory(&m, copy, (size_t)n, &err) == OK) FAILED("%s: %lld bytes of %zu are a model",
                                                                   f->name, (long long)n, f->bytes.len);
    try_bytes(copy, (size_t)n, false);
    assert_true(n_opened == before); /* a shortened file never opens, not even as a vocabulary */
    mem_free(copy);
}

static void a_truncated_file_is_refused(void **state)
{
    (void)state;
    Rng rng = rng_seed(1);
    for (int i = 0; i < n_files; i++) {
        const File *f = &files[i];
        int64_t data = (int64_t)f->bytes.len - f->header;
        int64_t n = full() ? f->header : at_most(f->header, SAMPLE);
        for (int64_t k = 0; k < n; k++) truncated(f, place(&rng, k, n, f->header));
        n = full() ? DATA_POINTS : SAMPLE / 4;
        /* The last tensor may be followed by padding: cut at least that off. */
        for (int64_t k = 0; k < n; k++)
            truncated(f, f->header + (int64_t)rng_below(&rng, (uint64_t)(data - 64)));
    }
}

static void a_flipped_bit_is_survived(void **state)
{
    (void)state;
    Rng rng = rng_seed(2);
    for (int i = 0; i < n_files; i++) {
        const File *f = &files[i];
        char *copy = exact_copy(f, (int64_t)f->bytes.len);
        int64_t bits = 8 * f->header, n = full() ? bits : at_most(bits, 2 * SAMPLE);
        for (int64_t k = 0; k < n; k++) {
            int64_t bit = place(&rng, k, n, bits);
            copy[bit / 8] ^= (char)(1 << bit % 8);
            try_bytes(copy, f->bytes.len, !full() || k % 16 == 0);
            copy[bit / 8] ^= (char)(1 << bit % 8);
        }
        mem_free(copy);
    }
    print_message("%d files: %lld opened, %lld refused\n", n_files, (long long)n_opened,
                  (long long)n_refused);
    assert_true(n_opened > 0 && n_refused > 0);
}

/* The first 64 bytes and every number near the header's start: all of them, in every run. */
static void every_bit_of_the_first_bytes_is_survived(void **state)
{
    (void)state;
    for (int i = 0; i < n_files; i++) {
        const File *f = &files[i];
        char *copy = exact_copy(f, (int64_t)f->bytes.len);
        for (int64_t bit = 0; bit < 8 * 64; bit++) {
            copy[bit / 8] ^= (char)(1 << bit % 8);
            try_bytes(copy, f->bytes.len, false);
            copy[bit / 8] ^= (char)(1 << bit % 8);
        }
        mem_free(copy);
    }
}

/* Keys and tensors of the file with a number of the header overwritten by an extreme one. */
static void extreme_numbers_are_survived(void **state)
{
    (void)state;
    static const uint64_t extremes[] = {0, 1, 0x7FFFFFFF, 0x80000000u, 0xFFFFFFFFu, 1ull << 32,
                                        INT64_MAX, 1ull << 63, UINT64_MAX, 0x2000000000000001ull};
    Rng rng = rng_seed(3);
    for (int i = 0; i < n_files; i++) {
        const File *f = &files[i];
        char *copy = exact_copy(f, (int64_t)f->bytes.len);
        int64_t n = full() ? f->header - 8 : SAMPLE / 2;
        for (int64_t k = 0; k < n; k++) {
            int64_t at = full() ? k : (int64_t)rng_below(&rng, (uint64_t)f->header - 8);
            uint64_t v = extremes[rng_below(&rng, sizeof extremes / sizeof *extremes)];
            memcpy(copy + at, &v, k % 2 ? 4 : 8);
            try_bytes(copy, f->bytes.len, true);
            memcpy(copy + at, f->bytes.data + at, 8);
        }
        mem_free(copy);
    }
}

static bool count_bytes(void *ctx, size_t n)
{
    size_t *sum = ctx;
    *sum += n;
    return true;
}

/* What opening asks for, damaged or not, is bounded by the size of the file. */
static void opening_asks_for_little_memory(void **state)
{
    (void)state;
    Rng rng = rng_seed(4);
    for (int i = 0; i < n_files; i++) {
        const File *f = &files[i];
        char *copy = exact_copy(f, (int64_t)f->bytes.len);
        for (int k = 0; k < 40; k++) {
            int64_t bit = (int64_t)rng_below(&rng, (uint64_t)(8 * f->header));
            size_t asked = 0;
            Model m;
            Err err = {0};
            if (k) copy[bit / 8] ^= (char)(1 << bit % 8);
            mem_set_hook(count_bytes, &asked);
            Status s = model_open_memory(&m, copy, f->bytes.len, &err);
            mem_set_hook(NULL, NULL);
            if (asked > f->bytes.len + (64 << 20))
                FAILED("%s, bit %lld: %zu bytes for a file of %zu (%s)", f->name, (long long)bit, asked,
                       f->bytes.len, status_name(s));
            model_close(&m);
            if (k) copy[bit / 8] ^= (char)(1 << bit % 8);
        }
        mem_free(copy);
    }
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_truncated_file_is_refused),
        cmocka_unit_test(every_bit_of_the_first_bytes_is_survived),
        cmocka_unit_test(a_flipped_bit_is_survived),
        cmocka_unit_test(extreme_numbers_are_survived),
        cmocka_unit_test(opening_asks_for_little_memory),
    };
    return cmocka_run_group_tests(tests, collect, release);
}
