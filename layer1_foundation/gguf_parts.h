/* gguf_parts.h: a GGUF container that was never a file.
 *
 *   header     what a writer would begin its file with, in memory
 *   data[i]    where tensor i of that header lies: in another file, in memory of our own
 *
 * Interface: gguf_writer_header gives the header of everything that was put into a writer; gguf_open_parts
 * reads it with the checks of any other and sets the tensors to their places. data NULL: they have shapes,
 * but must not be read. g takes arena and files over, also if opening fails: what header and data point to
 * should be there. Sizes and offsets are those that the file would have. */
#ifndef SIXFOLD_GGUF_PARTS_H
#define SIXFOLD_GGUF_PARTS_H

#include "gguf.h"

typedef struct {
    const void *header;
    size_t header_bytes;
    const void *const *data; /* [n_tensors] or NULL; read during the call only */
    MapFile *files;          /* [n_files], itself in the arena; n_files may be 0 */
    int n_files;
    Arena arena;
} GgufParts;

Status gguf_open_parts(Gguf *g, GgufParts *parts, Err *err);

/* The bytes that gguf_write_header would write; nothing is written. */
Status gguf_writer_header(const GgufWriter *w, Buf *out, Err *err);

#endif
