/* import_index.h: from a name to its place in a table, for names that come from outside.
 *
 * Records begin with a Str. The hash depends on a secret seed, so that nobody can choose names which all
 * fall into one slot. Interface: import_index_open makes room for n names; import_index_slot gives the slot
 * that holds the name, or the free one (-1 in it) where it would go. */
#ifndef SIXFOLD_IMPORT_INDEX_H
#define SIXFOLD_IMPORT_INDEX_H

#include "layer4.h"

typedef struct {
    int32_t *slots; /* [n_slots] place in the table, -1: free */
    int64_t n_slots;
    uint64_t seed;
} ImportIndex;

Status import_index_open(ImportIndex *ix, Arena *a, int64_t n, Err *err);
int32_t *import_index_slot(const ImportIndex *ix, const void *table, size_t stride, Str name);

#endif
