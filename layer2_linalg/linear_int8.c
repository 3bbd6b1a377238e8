/* linear_int8.c: Y = X W' for many tokens and quantised weights: bytes times bytes.
 *
 * One kind of panels for linear_panels.c: PANEL_INT8_K columns, 32 KB with their scales (panel_int8.h). */
#include "linear_panels.h"
#include "layer2_kernels.h"

#include <string.h>

typedef struct {
    RowsInt8 rows;
    PanelInt8 panel;
    float *offset; /* panel.offset when the format has offsets */
} Own;

enum {
    Q_BYTES = PANEL_ROWS * PANEL_INT8_K,
    S_BYTES = PANEL_ROWS * PANEL_INT8_GROUPS * sizeof(float),
    OWN_BYTES = 2 * Q_BYTES + 6 * S_BYTES
};

static int64_t acts_bytes(int64_t n_in, int64_t n_tok)
{
    int64_t n_blocks = (n_in + 31) / 32 * n_tok;
    return linear_align(n_blocks * 32) + linear_align(n_blocks * 4) + linear_align(n_blocks * 12);
}

static Own own_at(char *at)
{
    Own own;
    own.rows.q = (int8_t *)at;
    own.panel.q = (int8_t *)at + Q_BYTES;
    float *s = (float *)(void *)(at + 2 * Q_BYTES);
    int64_t step = S_BYTES / (int64_t)sizeof(float);
    own.rows.scale = s;
    own.rows.offset = s + step;
    own.panel.scale = s + 2 * step;
    own.panel.zero = s + 3 * step;
    own.offset = s + 4 * step;
    own.panel.start = (int32_t *)(void *)(s + 5 * step);
    return own;
}

static void format_of(Own *own, const QuantFormat *f)
{
    own->panel.group = f->group;
    own->panel.largest = f->largest;
    own->panel.offset = f->has_offset ? own->offset : NULL;
}

/* Tiles stand one after the other, all their columns. */
static TileInt8 tile_at(const PanelActs *a, const PanelPart *part)
{
    int64_t n_in = a->job->n_in, n_blocks = n_in / 32 * a->job->n_tok;
    int64_t block = part->t * (n_in / 32) + part->k / 32 * part->n_tok;
    float *scale = (float *)(void *)(a->at + linear_align(n_blocks * 32));
    float *sum = (float *)(void *)((char *)scale + linear_align(n_blocks * 4));
    return (TileInt8){(uint8_t *)a->at + 32 * block, scale + block, sum + 3 * block};
}

static void int8_acts(const PanelActs *a, const PanelPart *part)
{
    panel_int8_acts(tile_at(a, part), a->job->x + part->t * a->job->x_stride, a->job->x_stride,
                    part->n_tok, part->n_k);
}

/* A panel's missing rows keep what the last panel left there; a first one finds zeros. */
static void int8_clear(char *at)
{
    Own own = own_at(at);
    memset(own.rows.q, 0, Q_BYTES);
    memset(own.rows.scale, 0, 2 * S_BYTES);
}

static void int8_unpack(char *at, const Tensor *w, int64_t row, int n_rows, int64_t k, int64_t n_k)
{
    const QuantFormat *f = quant_format(w->type);
    const char *from = (const char *)w->data + row * w->nb[1] + dtype_row_bytes(w->type, k);
    Own own = own_at(at);
    format_of(&own, f);
    for (int r = 0; r < n_rows; r++)
        (*f->unpack)(own.rows.q + r * PANEL_INT8_K, own.rows.scale + r * PANEL_INT8_GROUPS,
                     own.rows.offset + r * PANEL_INT8_GROUPS, from + r * w->nb[1], n_k);
    panel_int8_pack(&own.panel, &own.rows, n_k);
}

static void int8_mul(const PanelSums *s, char *at, const Tensor *w, const PanelActs *a,
                     const PanelPart *part)
{
    Own own = own_at(at);
    format_of(&own, quant_format(w->type));
    panel_int8_mul(s->to, s->to_stride, s->from, s->from_stride, &own.panel, tile_at(a, part),
                   part->n_tok, part->n_k);
}

static const PanelKind int8_panels = {
    .most_k = PANEL_INT8_K, .own_bytes = OWN_BYTES, .acts_bytes = acts_bytes,
    .acts = int8_acts, .clear = int8_clear, .unpack = int8_unpack,
    .mul = int8_mul};

int64_t linear_int8_scratch(int64_t max_in, int64_t max_tok, int n_threads)
{
    return linear_panels_scratch(&int8_panels, max_in, max_tok, n_threads);
}

void linear_int8(Pool *pool, const LinearJob *job) { linear_panels(&int8_panels, pool, job); }
