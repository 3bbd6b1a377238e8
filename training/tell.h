/* tell.h: the world's documents as JSON lines, with the bits that each carries. */
#ifndef SIXFOLD_TELL_H
#define SIXFOLD_TELL_H

#include "layer6.h"
#include "world.h"

/* Documents [first, first + n) of a seed, appended to out, one line each:
 * {"text": "There once was ...", "bits": 99.3892345, "kind": "story"} */
Status tell_documents(Buf *out, uint64_t seed, uint64_t first, int64_t n, Err *err);

/* The same for n documents from number 0, to stdout. */
Status tell_print(uint64_t seed, int64_t n, Err *err);

#endif
