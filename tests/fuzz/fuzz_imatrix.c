/* fuzz_imatrix.c: any bytes at all are an importance matrix or are refused; what is read is sound. */
#include "layer5.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Imatrix m;
    Err err;
    uint8_t *copy = mem_alloc(size);
    if (!copy) return 0;
    if (size) memcpy(copy, data, size);
    if (imatrix_open_memory(&m, copy, size, &err) == OK) {
        for (int64_t i = 0; i < m.n; i++) {
            const ImatrixEntry *e = &m.entries[i];
            CHECK(imatrix_find(&m, (Str){e->name, strlen(e->name)}) == e, "'%s' is lost", e->name);
            float *mean = mem_alloc((size_t)e->n * sizeof *mean);
            if (!mean) break;
            imatrix_means(e, mean);
            for (int64_t k = 0; k < e->n; k++) CHECK(mean[k] >= 0.0f, "mean %g", (double)mean[k]);
            mem_free(mean);
        }
    } else {
        CHECK(strstr(err.text, "HINT:"), "an error without a hint: %s", err.text);
    }
    imatrix_close(&m);
    mem_free(copy);
    return 0;
}
