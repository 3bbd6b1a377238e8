/* corpus_pack.c: whole documents into windows, with little left over.
 *
 * Putting things of many sizes into boxes of one size is bin packing, which nobody solves exactly; a
 * greedy rule is good enough: take the next piece, then again and again the longest of the following
 * few that still fits. What is left of the window is filled by the head of the piece that comes next,
 * which will stand whole in a later window. */
#include "corpus.h"

enum { LOOK_AHEAD = 64, TOO_SHORT = 8 };

//@ begin corpus-pack
/* The longest of pieces [from, to) that fits into room tokens, its bos
 * included; -1 if none does. */
static int64_t best_fit(const Piece *p, int64_t from, int64_t to, int64_t room)
{
    int64_t best = -1;
    for (int64_t i = from; i < to; i++)
        if (p[i].n + 1 <= room && (best < 0 || p[i].n > p[best].n)) best = i;
    return best;
}

void corpus_pack(Windows *w, int64_t n_ctx)
{
    Piece *p = w->pieces;
    int64_t at = 0;
    for (w->n_windows = 0; at < w->n_pieces; w->n_windows++) {
        int64_t room = n_ctx + 1 - (p[at].n + 1);
        w->first[w->n_windows] = (int32_t)at++;
        while (room > TOO_SHORT) {
            int64_t to = at + LOOK_AHEAD < w->n_pieces ? at + LOOK_AHEAD : w->n_pieces;
            int64_t k = best_fit(p, at, to, room);
            if (k < 0) break;
            Piece swap = p[at];
            p[at] = p[k];
            p[k] = swap;
            room -= p[at++].n + 1;
        }
    }
    w->first[w->n_windows] = (int32_t)at;
}
//@ end corpus-pack
