/* torchfile.h: PyTorch's own checkpoints, as the list of tensors that safetensors gives.
 *
 *   a zip archive: NAME/data.pkl (which tensors there are), NAME/data/0, 1, ... (their storages),
 *   NAME/byteorder
 *
 * Interface: torchfile_tensors reads an archive in memory and gives its tensors, in the arena: plain, contiguous,
 * inside their storage. Several may share one storage. Whatever the pickle asks for beyond that is refused
 * (pickle.h). Source: torch/serialization.py. */
#ifndef SIXFOLD_TORCHFILE_H
#define SIXFOLD_TORCHFILE_H

#include "safetensors.h"

Status torchfile_tensors(Arena *a, const void *data, size_t size, SafeTensor **out, int64_t *n, Err *err);

#endif
