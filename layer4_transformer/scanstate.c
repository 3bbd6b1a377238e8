/* scanstate.c: a state of fixed size: laid over memory, cleared, saved, brought back, copied.
 *
 *   memory   n_seen n_saved ... (64 bytes) | conv | h | saved conv | saved h
 */
#include "scanstate.h"

#include <string.h>

enum { HEAD_BYTES = 64 };

int64_t ssm_conv_channels(const SsmSpec *s)
{
    return s->d_inner + (s->kind == SSM_HEADS ? 2 * (int64_t)s->n_group * s->d_state : 0);
}

static int64_t conv_floats(const SsmSpec *s) { return (s->d_conv - 1) * ssm_conv_channels(s); }

/* Rounded up so that the saved copy begins on a cache line too. */
static int64_t state_floats(const SsmSpec *s)
{
    return (conv_floats(s) + s->d_inner * s->d_state + 15) / 16 * 16;
}

int64_t scan_flat_bytes(const SsmSpec *s)
{
    return HEAD_BYTES + 2 * state_floats(s) * (int64_t)sizeof(float);
}

ScanState scan_flat(void *memory, const SsmSpec *s)
{
    int64_t *head = memory, n = state_floats(s);
    float *state = (float *)(void *)((char *)memory + HEAD_BYTES);
    return (ScanState){.n_seen = head, .n_saved = head + 1, .conv = state, .h = state + conv_floats(s),
                       .saved = state + n, .n_floats = n};
}

static size_t state_bytes(const ScanState *s) { return (size_t)s->n_floats * sizeof *s->conv; }

void scan_clear(const ScanState *s)
{
    memset(s->conv, 0, state_bytes(s));
    *s->n_seen = 0;
    *s->n_saved = -1;
}

//@ begin scan-save
void scan_save(const ScanState *s)
{
    memcpy(s->saved, s->conv, state_bytes(s));
    *s->n_saved = *s->n_seen;
}

bool scan_can_keep(const ScanState *s, int64_t n)
{
    return n == 0 || (n > 0 && (n == *s->n_seen || n == *s->n_saved));
}
//@ end scan-save

void scan_keep(const ScanState *s, int64_t n)
{
    CHECK(scan_can_keep(s, n), "a state of %lld tokens, saved at %lld, cannot go back to %lld",
          (long long)*s->n_seen, (long long)*s->n_saved, (long long)n);
    if (n == 0) {
        scan_clear(s);
    } else if (n != *s->n_seen) {
        memcpy(s->conv, s->saved, state_bytes(s));
        *s->n_seen = n;
    }
}

void scan_copy(const ScanState *dst, const ScanState *src, int64_t n)
{
    CHECK(dst->n_floats == src->n_floats, "a state of %lld numbers is copied to one of %lld",
          (long long)src->n_floats, (long long)dst->n_floats);
    CHECK(scan_can_keep(src, n), "a state of %lld tokens, saved at %lld, is asked for %lld",
          (long long)*src->n_seen, (long long)*src->n_saved, (long long)n);
    scan_clear(dst);
    if (n) memcpy(dst->conv, n == *src->n_seen ? src->conv : src->saved, state_bytes(src));
    *dst->n_seen = n;
}
