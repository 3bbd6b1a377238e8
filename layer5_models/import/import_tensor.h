/* import_tensor.h: one tensor of the file that is written, and where its rows come from.
 *
 * A foreign checkpoint has the same numbers in another order: matrices that are transposed, heads whose
 * q, k and v lie side by side, one matrix per expert instead of one tensor for all. Every such case is
 * a view with strides and a rule that turns the number of a row into the number of a row there.
 *
 *   out[m][r][i] = scale (add + source_m[row(r)][i])
 *
 * Interface: an ImportTensor owns nothing; views point into mapped files. import_row_f32 reads a row as
 * f32. import_write declares all tensors, writes them piece by piece (a few megabytes at a time, in
 * parallel, whatever the tensor's size), lets run->check look at the result and gives the file its name; the bytes do not depend on the number of
 * threads. Where type and order stay, bytes are copied as they are. import_view makes the same container
 * without a file: what stays as it is stays where it is, the rest is laid out in memory. */
#ifndef SIXFOLD_IMPORT_TENSOR_H
#define SIXFOLD_IMPORT_TENSOR_H

#include "import_open.h"

enum { IMPORT_NAME = 64 };

/* Numbers as a checkpoint has them. */
typedef struct {
    Tensor view;           /* [n_in, n_rows, n_matrices], any strides, any alignment; F32, F16, BF16, I8, MXFP4 */
    const uint8_t *scales; /* I8: f32 values, of any alignment; number i is worth q_i * scales[i / group]. MXFP4: an
                            * exponent for each 16 bytes of view, which hold 32 numbers, two neighbours a byte */
    int64_t group;
    const MapFile *file;   /* where the bytes lie: pages are given back when read. NULL: somewhere else */
} ImportSource;

/* Which row of the source becomes row r; all zero means row r. */
typedef struct {
    int64_t interleave; /* head size d: rows j and j + d/2 of each head become rows 2j and 2j + 1 */
    int64_t skip;       /* then r + skip: a part of a fused matrix */
    int64_t n_group, n_q, d_head; /* then, rows there are [n_group, n_q q-heads + k + v, d_head] */
    int64_t first, step; /* then first + step * r; step 0 means 1 */
} ImportOrder;

typedef struct {
    char name[IMPORT_NAME];
    DType type;            /* in the file that is written */
    int n_dims;
    int64_t ne[4];
    ImportSource *sources; /* one for all matrices, or one for each */
    int64_t n_sources;
    int64_t per;           /* rows in each source matrix; 0: ne[1] (of a vector, ne[0]) */
    ImportOrder order;
    float add;             /* to every number: gains that are stored as distance from 1 */
    float scale;           /* then of every number; 0 means 1 */
    bool rate;             /* then x becomes -exp(x) */
} ImportTensor;

int64_t import_source_row(const ImportOrder *o, int64_t r);

/* Row `row` of all rows of all matrices, counted through. y [row length]. */
void import_row_f32(const ImportTensor *t, int64_t row, float *y);

/* Numbers per row and rows. A vector is handled as n rows of one number, so that orders apply to it. */
int64_t import_row_length(const ImportTensor *t);
int64_t import_n_rows(const ImportTensor *t);
int64_t import_bytes(const ImportTensor *t); /* in the file that is written */

/* A type for a tensor, given the wish: vectors and what must be exact stay F32, and rows that are no
 * whole blocks fall back to F16. wish -1: as the source has it. */
DType import_type(int wish, DType source, int64_t n_in, int n_dims, bool exact);

/* general.file_type for a wish; source: the type of most matrices. */
uint32_t import_file_type(int wish, DType source);

/* True if the whole tensor is one run of bytes in its source: nothing to convert. */
bool import_is_copy(const ImportTensor *t);

/* Rows [first, first + n) as bytes of t->type to out; floats [n, row length] is scratch. NaN and what the
 * type cannot hold are E_FORMAT. Then import_release: pages of the sources are no longer ours to keep. */
Status import_rows_checked(const ImportTensor *t, int64_t first, int64_t n, float *floats, char *out, Pool *pool,
                           Err *err);
void import_release(const ImportTensor *t);
void import_give_back(const ImportSource *s, int64_t from, int64_t n); /* bytes [from, from + n) of one */
/* How many rows are a piece of work, and so much scratch. */
int64_t import_piece_rows(const ImportTensor *t);

Status import_write(GgufWriter *w, const char *path, const ImportTensor *t, int64_t n,
                    const ImportRun *run, Err *err);

/* The container that import_write would write, opened: its keys are those of w. g takes the files over
 * (n_files becomes 0) and maps into them where it can; what must be laid out anew is refused (E_MEMORY) if
 * the machine has not so much, and its size goes to *own_bytes. shapes_only: no data at all. */
typedef struct {
    MapFile *files;
    int *n_files;
    bool shapes_only;
    const ImportRun *run; /* pool and progress, may be NULL */
} ImportPlace;
Status import_view(Gguf *g, GgufWriter *w, const ImportTensor *t, int64_t n, ImportPlace place,
                   int64_t *own_bytes, Err *err);

/* Op "import_rows": rows [first_row, first_row + n) of t as bytes of t->type. floats [n, row length] is
 * scratch. The result is the row that holds what t->type cannot say (NaN, infinity), or -1. */
typedef int64_t import_rows_fn(const ImportTensor *t, int64_t first_row, int64_t n, float *floats,
                             char *encoded, Pool *pool);
extern import_rows_fn *import_rows;
import_rows_fn import_rows_serial, import_rows_parallel;

#endif
