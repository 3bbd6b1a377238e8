/* linear_int16.c: Y = X W' for many tokens and weights of 16 bits, F16 or BF16: integers of 13 bits and a
 * sign, two products a lane.
 *
 * One kind of panels for linear_panels.c: PANEL_INT16_K columns, 16 KB (panel_int16.h). A row of weights is
 * decoded to floats and rounded as activations are. */
#include "linear_panels.h"
#include "layer2_kernels.h"

#include <string.h>

typedef struct {
    float *floats; /* [PANEL_INT16_K] a decoded row */
    RowsInt16 rows;
    PanelInt16 panel;
} Own;

enum {
    Q_BYTES = PANEL_ROWS * PANEL_INT16_K * sizeof(int16_t),
    S_BYTES = PANEL_ROWS * PANEL_INT16_GROUPS * sizeof(float),
    FLOATS_BYTES = PANEL_INT16_K * sizeof(float),
    OWN_BYTES = 2 * Q_BYTES + 2 * S_BYTES + FLOATS_BYTES
};

static int64_t n_groups_of(int64_t n_in) { return (n_in + PANEL_INT16_GROUP - 1) / PANEL_INT16_GROUP; }

static int64_t codes_bytes(int64_t n_in, int64_t n_tok)
{
    return n_groups_of(n_in) * n_tok * PANEL_INT16_GROUP * (int64_t)sizeof(int16_t);
}

static int64_t acts_bytes(int64_t n_in, int64_t n_tok)
{
    return codes_bytes(n_in, n_tok) + linear_align(n_groups_of(n_in) * n_tok * (int64_t)sizeof(float));
}

static Own own_at(char *at)
{
    float *s = (float *)(void *)(at + 2 * Q_BYTES);
    int64_t step = S_BYTES / (int64_t)sizeof(float);
    return (Own){.rows = {(int16_t *)(void *)at, s},
                 .panel = {(int16_t *)(void *)(at + Q_BYTES), s + step},
                 .floats = s + 2 * step};
}

/* Tiles stand one after the other, all their columns. */
static TileInt16 tile_at(const PanelActs *a, const PanelPart *part)
{
    int64_t n_in = a->job->n_in;
    int64_t group = part->t * n_groups_of(n_in) + part->k / PANEL_INT16_GROUP * part->n_tok;
    float *scale = (float *)(void *)(a->at + codes_bytes(n_in, a->job->n_tok));
    return (TileInt16){(int16_t *)(void *)a->at + PANEL_INT16_GROUP * group, scale + group};
}

static void int16_acts(const PanelActs *a, const PanelPart *part)
{
    panel_int16_round(tile_at(a, part), a->job->x + part->t * a->job->x_stride, a->job->x_stride,
                      part->n_tok, part->n_k);
}

/* A panel's missing rows keep what the last panel left there; a first one finds zeros. */
static void int16_clear(char *at) { memset(at, 0, OWN_BYTES); }

static void int16_unpack(char *at, const Tensor *w, int64_t row, int n_rows, int64_t k, int64_t n_k)
{
    const char *from = (const char *)w->data + row * w->nb[1] + dtype_row_bytes(w->type, k);
    Own own = own_at(at);
    for (int r = 0; r < n_rows; r++) {
        TileInt16 one = {own.rows.q + r * PANEL_INT16_K, own.rows.scale + r * PANEL_INT16_GROUPS};
        row_to_f32(own.floats, from + r * w->nb[1], w->type, n_k);
        panel_int16_round(one, own.floats, 0, 1, n_k);
    }
    panel_int16_pack(own.panel, own.rows, n_k);
}

static void int16_mul(const PanelSums *s, char *at, const Tensor *w, const PanelActs *a,
                      const PanelPart *part)
{
    (void)w;
    panel_int16_mul(s->to, s->to_stride, s->from, s->from_stride, own_at(at).panel, tile_at(a, part),
                    part->n_tok, part->n_k);
}

static const PanelKind int16_panels = {
    .most_k = PANEL_INT16_K, .own_bytes = OWN_BYTES, .acts_bytes = acts_bytes,
    .acts = int16_acts, .clear = int16_clear, .unpack = int16_unpack,
    .mul = int16_mul};

int64_t linear_int16_scratch(int64_t max_in, int64_t max_tok, int n_threads)
{
    return linear_panels_scratch(&int16_panels, max_in, max_tok, n_threads);
}

void linear_int16(Pool *pool, const LinearJob *job) { linear_panels(&int16_panels, pool, job); }
