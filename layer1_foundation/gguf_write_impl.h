/* gguf_write_impl.h: the state of a writer, shared by its collecting and its writing half. */
#ifndef SIXFOLD_GGUF_WRITE_IMPL_H
#define SIXFOLD_GGUF_WRITE_IMPL_H

#include "gguf_impl.h"

/* Names given so far; a Str each, whose bytes are in the writer's arena. */
typedef struct {
    Str *names;
    int32_t n, cap;
    GgufIndex index;
} NameSet;

struct GgufWriter {
    Arena arena;
    uint32_t alignment;
    NameSet keys, tensors;
    Buf kv, infos;        /* encoded records */
    Buf tensor_bytes;     /* an int64_t each */
    uint64_t data_bytes;  /* all tensors so far, each padded */

    int fd;               /* -1 until the header is written and after the end */
    char *path, *partial; /* in the arena */
    Buf out;              /* bytes that are collected for one write */
    uint64_t file_pos;    /* written and collected */
    uint64_t n_written;   /* what the file has of them */
    int32_t tensor;       /* the one whose data comes next */
    int64_t tensor_done;  /* bytes of it that have come */
};

/* Puts a key whose value is already encoded. */
Status gguf_writer_put(GgufWriter *w, const GgufKv *v, Err *err);

#endif
