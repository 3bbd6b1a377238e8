/* pickle.h: which tensors a PyTorch checkpoint holds, read from its pickle without running anything.
 *
 * A pickle is a program for a small stack machine. In general it may call any function of Python, which is
 * how checkpoints have carried malware. A state dict needs a handful of names, and this machine knows no
 * others: OrderedDict, torch._utils._rebuild_tensor_v2, torch._utils._rebuild_parameter and the storage
 * classes of torch. They are not called either: what they would make is noted. Every other name, and every
 * instruction that a state dict does not need, is refused by name.
 *
 * Interface: pickle_tensors reads the bytes of data.pkl. The result is a dictionary from names to tensors,
 * in the order of the pickle, in the arena; texts are views of the pickle. Shapes, strides and offsets are
 * as written, nonnegative, and not yet compared with the storage: torchfile.c does that.
 * Source: Python's pickletools (instructions), torch/serialization.py (names). */
#ifndef SIXFOLD_PICKLE_H
#define SIXFOLD_PICKLE_H

#include "layer4.h"

enum { PICKLE_DIMS = 8, PICKLE_MAX_BYTES = 256 << 20, PICKLE_MAX_DEPTH = 1 << 20, PICKLE_MAX_MEMO = 1 << 22 };

typedef struct {
    const char *name;  /* as in safetensors: "BF16" */
    int type, bytes;   /* a DType or -1; of one number */
} PickleType;

typedef struct {
    Str name;
    const PickleType *type;
    Str storage;       /* its key: a member of the archive */
    int64_t numel;     /* of the storage */
    int64_t offset;    /* of the first number, counted in numbers */
    int n_dims;
    int64_t shape[PICKLE_DIMS], stride[PICKLE_DIMS];
} PickleTensor;

Status pickle_tensors(Arena *a, const void *data, size_t size, PickleTensor **out, int64_t *n, Err *err);

#endif
