/* iq_near.c: the lists behind iq_near.h, built once for each codebook.
 *
 * Distances to all points are small integers, so a cell needs no sorting: a count of points for each
 * distance says where the limit is, and one walk for each distance below it puts them in order. */
#include "iq_near.h"
#include "iq_grids.h"
#include "status.h"

#include <pthread.h>

enum { MAX_CELLS = 6561, MAX_POINTS = 2048, MAX_DISTANCE = 4 * 49, N_LISTED = 715761 };

/* How many of the smallest distances count; how long all lists of this codebook are, which follows. */
typedef struct { int n, n_levels, n_points, n_distances, n_listed; } Shape;
static const Shape shapes[IQ_N_KINDS] = {
    [IQ_2_XXS] = {8, 3, 256, 2, 113413}, [IQ_2_XS] = {8, 3, 512, 2, 182233},
    [IQ_2_S] = {8, 3, 1024, 1, 45740},  [IQ_3_XXS] = {4, 8, 256, 2, 19241},
    [IQ_3_S] = {4, 8, 512, 3, 25245},   [IQ_1] = {8, 3, 2048, 3, 329769}};

static uint8_t levels[IQ_N_KINDS][MAX_POINTS * 8];
static uint32_t firsts[IQ_N_KINDS][MAX_CELLS + 1];
static uint16_t points[N_LISTED];

/* Lists of one codebook follow those of another. */
static uint16_t *points_of(IqKind kind)
{
    uint16_t *at = points;
    for (int k = 0; k < (int)kind; k++) at += shapes[k].n_listed;
    return at;
}

/* The level that iq_grids.c wrote for this byte. */
static int level_of(IqKind kind, int byte)
{
    if (kind == IQ_1) return byte / 8;
    if (kind == IQ_3_S) return byte / 2;
    return kind == IQ_3_XXS ? (byte - 4) / 8 : (byte - 8) / 17;
}

static uint64_t row_of(IqKind kind, int i)
{
    static const uint64_t *const rows8[IQ_N_KINDS] = {iq_rows2_xxs, iq_rows2_xs, iq_rows2_s,
                                                      [IQ_1] = iq_rows1};
    if (kind == IQ_3_XXS) return iq_rows3_xxs[i];
    return kind == IQ_3_S ? iq_rows3_s[i] : rows8[kind][i];
}

//@ begin iq-near
/* Appends the candidates of a wish; returns how many points are listed now. */
static uint32_t list_near(const Shape *s, const uint8_t *level,
                          const int wish[8], uint16_t *out, uint32_t at)
{
    uint8_t distance[MAX_POINTS];
    int count[MAX_DISTANCE + 1] = {0};
    for (int p = 0; p < s->n_points; p++) {
        int sum = 0;
        for (int j = 0; j < s->n; j++) {
            int step = wish[j] - level[p * s->n + j];
            sum += step * step;
        }
        distance[p] = (uint8_t)sum;
        count[sum]++;
    }
    int left = count[0] ? 1 : s->n_distances;
    for (int d = 0; left > 0 && d <= MAX_DISTANCE; d++) {
        if (!count[d]) continue;
        for (int p = 0; p < s->n_points; p++)
            if (distance[p] == d) out[at++] = (uint16_t)p;
        left--;
    }
    return at;
}
//@ end iq-near

static void build(IqKind kind)
{
    const Shape *s = &shapes[kind];
    for (int p = 0; p < s->n_points; p++)
        for (int j = 0; j < s->n; j++)
            levels[kind][p * s->n + j] = (uint8_t)level_of(kind, row_of(kind, p) >> 8 * j & 255);
    int wish[8] = {0}, digit = 0;
    uint32_t n_listed = 0;
    for (int cell = 0; digit < s->n; cell++) {
        firsts[kind][cell] = n_listed;
        n_listed = list_near(s, levels[kind], wish, points_of(kind), n_listed);
        firsts[kind][cell + 1] = n_listed;
        /* The next wish: count up, the first weight's digit fastest. */
        for (digit = 0; digit < s->n && ++wish[digit] == s->n_levels; digit++) wish[digit] = 0;
    }
    CHECK(n_listed == (uint32_t)s->n_listed, "codebook %d has %u candidates", (int)kind, n_listed);
}

static void build_2_xxs(void) { build(IQ_2_XXS); }
static void build_2_xs(void) { build(IQ_2_XS); }
static void build_2_s(void) { build(IQ_2_S); }
static void build_3_xxs(void) { build(IQ_3_XXS); }
static void build_3_s(void) { build(IQ_3_S); }
static void build_1(void) { build(IQ_1); }

IqNear iq_near_of(IqKind kind)
{
    static pthread_once_t once[IQ_N_KINDS] = {PTHREAD_ONCE_INIT, PTHREAD_ONCE_INIT, PTHREAD_ONCE_INIT,
                                              PTHREAD_ONCE_INIT, PTHREAD_ONCE_INIT, PTHREAD_ONCE_INIT};
    static void (*const builders[IQ_N_KINDS])(void) = {build_2_xxs, build_2_xs, build_2_s,
                                                       build_3_xxs, build_3_s,  build_1};
    pthread_once(&once[kind], builders[kind]);
    const Shape *s = &shapes[kind];
    return (IqNear){s->n, s->n_levels, s->n_points, firsts[kind], points_of(kind), levels[kind]};
}
