/* safetensors.h: the containers of Hugging Face checkpoints.
 *
 *   u64 N | N bytes of JSON: {"name": {"dtype", "shape", "data_offsets": [begin, end]}, ...} | data
 *
 * A large model is several such files and model.safetensors.index.json, which says where each name is.
 * Older checkpoints are pytorch_model.bin, PyTorch's own archives (torchfile.h); they give the same list.
 *
 * Interface: safetensors_open maps one file, or all files of a directory, and checks everything before
 * anything is used: the header's length, types and shapes against byte ranges, that the ranges tile the
 * data without hole or overlap (in an archive tensors may share bytes), names without duplicates. Nothing is copied; views are of the mapping.
 * A SafeTensors is read-only after opening. Source: huggingface/safetensors, format description. */
#ifndef SIXFOLD_SAFETENSORS_H
#define SIXFOLD_SAFETENSORS_H

#include "import_index.h"
#include "jsonview.h"

enum { SAFETENSORS_DIMS = 8, SAFETENSORS_MAX_HEADER = 100000000, SAFETENSORS_MAX_FILES = 4096 };

typedef struct {
    Str name;
    int type;        /* a DType; -1: one that has no equal (BOOL, U8, F8_E4M3, ...), see type_name */
    char type_name[12];
    int n_dims;
    int64_t shape[SAFETENSORS_DIMS]; /* as written: the last one is contiguous */
    const uint8_t *data; /* of any alignment */
    int64_t bytes;
    int file;
} SafeTensor;

typedef struct {
    MapFile *files;  /* [n_files] */
    int n_files;
    MapMode mode;    /* how files are opened */
    SafeTensor *tensors; /* [n] */
    int64_t n;
    ImportIndex index; /* of names; see safetensors_find */
    Arena arena;
} SafeTensors;

/* path: a .safetensors file, an archive of torch.save, an .index.json, or a directory that has
 * model.safetensors or pytorch_model.bin, whole or with an index of several; safetensors go first. */
Status safetensors_open(SafeTensors *st, const char *path, MapMode mode, Err *err);
Status safetensors_open_memory(SafeTensors *st, const void *data, size_t size, Err *err);
void safetensors_close(SafeTensors *st); /* a zeroed one is fine */

const SafeTensor *safetensors_find(const SafeTensors *st, const char *name); /* NULL if absent */

/* As a tensor [.., n_in]: dimensions in our order, at most 4 (CHECKed), a known type (CHECKed). */
Tensor safetensors_view(const SafeTensor *t);

#endif
