/* corpus_world.c: the world's documents as one text: document 0, 1, 2, ... of a seed until there are
 * enough bytes, with an end mark behind each. The world has no last document. */
#include "corpus.h"
#include "world.h"

#include <string.h>

static Status append_documents(Buf *text, Document *d, uint64_t seed, size_t n_bytes,
                               Progress *progress, Err *err)
{
    TRY(buf_reserve(text, n_bytes + (1 << 16), err));
    for (uint64_t i = 0; text->len < n_bytes; i++) {
        TRY(world_document(d, seed, i, -1, err));
        TRY(buf_append(text, d->text.data, d->text.len, err));
        TRY(buf_append(text, WORLD_EOS, strlen(WORLD_EOS), err));
        progress_update(progress, (int64_t)text->len);
    }
    return OK;
}

Status corpus_world_text(Buf *text, uint64_t seed, size_t n_bytes, bool quiet, Err *err)
{
    Document d = {0};
    Progress progress;
    progress_start(&progress, "stories", (int64_t)n_bytes, "MB", 1e6, quiet);
    Status status = append_documents(text, &d, seed, n_bytes, &progress, err);
    progress_end(&progress);
    document_close(&d);
    return status;
}
