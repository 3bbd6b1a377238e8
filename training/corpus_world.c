/* corpus_world.c: the world's documents as one text: document 0, 1, 2, ... of a seed until there are
 * enough bytes, with an end mark behind each. The world has no last document. */
#include "corpus.h"
#include "world.h"

#include <string.h>

static Status append_documents(Buf *text, Document *d, double *bits, uint64_t seed, size_t n_bytes,
                               Progress *progress, Err *err)
{
    uint64_t n = 0;
    double sum = 0;
    TRY(buf_reserve(text, n_bytes + (1 << 16), err));
    for (; text->len < n_bytes; n++) {
        TRY(world_document(d, seed, n, -1, err));
        TRY(buf_append(text, d->text.data, d->text.len, err));
        TRY(buf_append(text, WORLD_EOS, strlen(WORLD_EOS), err));
        sum += d->bits;
        progress_update(progress, (int64_t)text->len);
    }
    *bits = n ? sum / (double)n : 0;
    return OK;
}

Status corpus_world_text(Buf *text, double *bits, uint64_t seed, size_t n_bytes, bool quiet, Err *err)
{
    Document d = {0};
    Progress progress;
    progress_start(&progress, "stories", (int64_t)n_bytes, "MB", 1e6, quiet);
    Status status = append_documents(text, &d, bits, seed, n_bytes, &progress, err);
    progress_end(&progress);
    document_close(&d);
    return status;
}
