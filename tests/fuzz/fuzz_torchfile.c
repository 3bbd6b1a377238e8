/* fuzz_torchfile.c: any bytes as an archive of torch.save, and as the pickle inside one. It is refused with
 * a message, or every tensor lies inside the bytes given. The first byte says which. */
#include "layer5.h"
#include "pickle.h"
#include "torchfile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(const SafeTensor *t, int64_t n, const uint8_t *data, size_t size)
{
    for (int64_t i = 0; i < n; i++) {
        CHECK(t[i].bytes >= 0 && (t[i].bytes == 0 || (t[i].data >= data && t[i].data + t[i].bytes <= data + size)),
              "'%.*s' lies outside", STR_ARG(t[i].name));
        CHECK(t[i].n_dims <= SAFETENSORS_DIMS, "%d dimensions", t[i].n_dims);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    Err err = {{0}};
    Arena a = {0};
    int64_t n;
    size_t left = size - 1;
    uint8_t *copy = malloc(left ? left : 1); /* of exactly this size: a sanitizer sees what is read beyond */
    CHECK(copy, "no memory for %zu bytes", left);
    memcpy(copy, data + 1, left);
    Status s;
    if (data[0] & 1) {
        PickleTensor *t;
        s = pickle_tensors(&a, copy, left, &t, &n, &err);
        for (int64_t i = 0; s == OK && i < n; i++)
            CHECK(t[i].offset >= 0 && t[i].numel >= 0 && t[i].type, "a wrong tensor");
    } else {
        SafeTensor *t;
        s = torchfile_tensors(&a, copy, left, &t, &n, &err);
        if (s == OK) check_inside(t, n, copy, left);
    }
    CHECK(s == OK || err.text[0], "no message");
    arena_close(&a);
    free(copy);
    return 0;
}
