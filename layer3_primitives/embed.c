/* embed.c: the first step of every model: a token's number selects a row of a table.
 *
 *   y[t] = table[ids[t]]        table [d, n_vocab] of any type, y [n, d] in f32
 *
 * Multiplying a one-hot vector with the table would give the same and read all of it. */
#include "layer3.h"

void embed_lookup(float *y, const Tensor *table, const int32_t *ids, int64_t n)
{
    int64_t d = table->ne[0], n_vocab = table->ne[1];
    for (int64_t t = 0; t < n; t++) {
        CHECK(ids[t] >= 0 && ids[t] < n_vocab, "token %d of a vocabulary of %lld", ids[t],
              (long long)n_vocab);
        row_to_f32(y + t * d, tensor_row(table, ids[t], 0, 0), table->type, d);
    }
}
