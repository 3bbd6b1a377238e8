/* import_open.h: whatever a path names, as an open container.
 *
 * Interface: a GGUF file is opened as it is. A Hugging Face directory becomes the container that
 * `sixfold convert` would write, key by key and byte by byte, without writing it: the same plan of tensors,
 * the same writer. Tensors that keep their order stay in the mapped files; *notes says how many bytes had
 * to be laid out in memory, and what is different from the original. shapes_only: a directory's tensors have
 * shapes and types, but no data (NULL): for who wants keys or a vocabulary.
 * Whatever is opened is closed with gguf_close. */
#ifndef SIXFOLD_IMPORT_OPEN_H
#define SIXFOLD_IMPORT_OPEN_H

#include "layer4.h"

typedef struct {
    int64_t n_left;     /* tensors left out knowingly */
    int64_t own_bytes;  /* of tensors that are not where they were */
    bool no_vocabulary; /* there is none in the directory */
} ImportNotes;

/* How long work is done. */
typedef struct {
    const char *label;     /* of the progress bar */
    bool quiet;
    Pool *pool;            /* may be NULL */
    const volatile int *stop; /* may be NULL */
    /* Of files that are written: looks at what is complete but has not got its name yet; if it fails, an older
     * file of that name stays. May be NULL. */
    Status (*check)(void *ctx, const char *path, Err *err);
    void *check_ctx;
} ImportRun;

Status import_open(Gguf *g, const char *path, MapMode mode, bool shapes_only, ImportNotes *notes, Err *err);
/* The same, with data: what is laid out is laid out by run->pool, with a bar if it takes a while. */
Status import_open_run(Gguf *g, const char *path, MapMode mode, const ImportRun *run, ImportNotes *notes, Err *err);

bool import_is_directory(const char *path);

enum { IMPORT_MODEL_NAME = 128 };
/* What a checkpoint is called: the last part of its path without the ending ".bin"; "." and ".." are
 * looked up. */
const char *import_model_name(const char *path, char out[IMPORT_MODEL_NAME]);

#endif
