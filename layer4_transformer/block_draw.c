/* block_draw.c: a block as a picture: boxes of steps beside the road that x travels.
 *
 * Two stages: the switches become lists of steps (block_steps.c), and the lists become boxes on a canvas of
 * glyphs, side by side where the block is parallel. */
#include "block_steps.h"

#include <stdio.h>
#include <string.h>

enum { ROAD = 4, BOXES = 9, TAP = 19, GAP = 2, HEIGHT = 64 };

/* One UTF-8 glyph for each place; "" is a blank. */
typedef struct { char at[HEIGHT][BLOCK_DRAW_WIDTH][4]; int n; } Canvas;

static void put(Canvas *c, int y, int x, const char *text)
{
    CHECK(y < HEIGHT, "row %d of a picture of %d", y, HEIGHT);
    for (; *text && x < BLOCK_DRAW_WIDTH; x++) {
        int n = 1;
        while (((unsigned char)text[n] & 0xC0) == 0x80 && n < 3) n++;
        memcpy(c->at[y][x], text, (size_t)n);
        c->at[y][x][n] = 0;
        text += n;
    }
    if (y >= c->n) c->n = y + 1;
}

static void line(Canvas *c, int y, int x, int end)
{
    for (; x < end; x++) put(c, y, x, "─");
}

static void road(Canvas *c, int y) { put(c, y, ROAD, "┃"); }

static int box_width(const BlockSteps *b)
{
    int widest = TAP;
    for (int i = 0; i < b->n; i++)
        if ((int)strlen(b->step[i]) > widest) widest = (int)strlen(b->step[i]);
    return widest + 4;
}

/* A frame at [x, x + width) from row y on, open to a line above and below. */
static void box(Canvas *c, int y, int x, const BlockSteps *b, int height)
{
    int width = box_width(b);
    put(c, y, x, "┌ ");
    put(c, y, x + 2, b->title);
    put(c, y, x + 2 + (int)strlen(b->title), " ");
    line(c, y, x + 3 + (int)strlen(b->title), x + width - 1);
    put(c, y, x + TAP, "┴");
    put(c, y, x + width - 1, "┐");
    for (int i = 0; i < height; i++) {
        put(c, y + 1 + i, x, "│ ");
        if (i < b->n) put(c, y + 1 + i, x + 2, b->step[i]);
        put(c, y + 1 + i, x + width - 1, "│");
    }
    put(c, y + 1 + height, x, "└");
    line(c, y + 1 + height, x + 1, x + width - 1);
    put(c, y + 1 + height, x + TAP, "┬");
    put(c, y + 1 + height, x + width - 1, "┘");
}

/* Boxes that read the same x and whose results are added to it together; `shared` is a norm that they have
 * in common, or NULL. */
static void halves(Canvas *c, const BlockSteps *const *b, int n, const char *shared, float scale)
{
    int top = c->n, height = 0, x = BOXES, tap = 0;
    for (int i = 0; i < n; i++)
        if (b[i]->n > height) height = b[i]->n;
    int foot = top + height + 3;
    for (int y = top; y < foot; y++) road(c, y);
    put(c, top, ROAD, "┠");
    for (int i = 0; i < n; i++, x += box_width(b[i - 1]) + GAP) {
        line(c, top, i ? tap + 1 : ROAD + 1, x + TAP);
        line(c, foot, i ? tap + 1 : ROAD + 3, x + TAP);
        tap = x + TAP;
        put(c, top, tap, i + 1 < n ? "┬" : "┐");
        put(c, foot, tap, i + 1 < n ? "┴" : "┘");
        box(c, top + 1, x, b[i], height);
    }
    if (shared) {
        put(c, top, ROAD + 4, " ");
        put(c, top, ROAD + 5, shared);
        put(c, top, ROAD + 5 + (int)strlen(shared), " ");
    }
    put(c, foot, ROAD - 1, "(+)◄");
    if (scale > 0) {
        char text[24];
        snprintf(text, sizeof text, " times %g ", (double)scale);
        put(c, foot, ROAD + 4, text);
    }
    road(c, foot + 1);
}

/* A norm through which the road itself goes. */
static void on_the_road(Canvas *c, const char *norm)
{
    put(c, c->n, ROAD - (int)strlen(norm) / 2, norm);
    road(c, c->n);
}

static void draw(Canvas *c, const BlockSpec *s, const BlockParts *p)
{
    const char *norm = block_norm_name(s);
    BlockSteps first, second;
    put(c, 0, ROAD, "x");
    if (s->d_model) {
        char width[32];
        snprintf(width, sizeof width, "D = %lld", (long long)s->d_model);
        put(c, 0, ROAD + 5, width);
    }
    road(c, 1);
    if (s->ssm.kind) {
        block_steps_scan(&first, s, p);
        halves(c, (const BlockSteps *[]){&first}, 1, NULL, 0);
        put(c, c->n, ROAD, "y");
        return;
    }
    bool shared = s->parallel && !p->ffn_norm && p->attn_norm;
    block_steps_attention(&first, s, p, !shared);
    block_steps_ffn(&second, s, p, !shared);
    const BlockSteps *both[] = {&first, &second};
    if (s->parallel) {
        halves(c, both, 2, shared ? norm : NULL, s->residual_scale);
    } else {
        halves(c, both, 1, NULL, s->residual_scale);
        if (p->attn_out_norm) on_the_road(c, norm);
        halves(c, both + 1, 1, NULL, s->residual_scale);
    }
    if (p->ffn_out_norm) on_the_road(c, norm);
    put(c, c->n, ROAD, "y");
}

Status block_draw(Buf *out, const BlockSpec *s, const BlockParts *p, Err *err)
{
    Canvas c = {.n = 0};
    draw(&c, s, p);
    for (int y = 0; y < c.n; y++) {
        int end = BLOCK_DRAW_WIDTH;
        while (end && !c.at[y][end - 1][0]) end--;
        for (int x = 0; x < end; x++) {
            const char *glyph = c.at[y][x][0] ? c.at[y][x] : " ";
            TRY(buf_append(out, glyph, strlen(glyph), err));
        }
        TRY(buf_append(out, "\n", 1, err));
    }
    return OK;
}

BlockParts block_parts(const BlockSpec *s, const BlockWeights *w)
{
    bool moe = s->moe.n_expert > 0;
    return (BlockParts){
        .attn_norm = w->attn_norm.gain, .ffn_norm = w->ffn_norm.gain,
        .attn_post_norm = w->attn_post_norm.gain, .ffn_post_norm = w->ffn_post_norm.gain,
        .attn_out_norm = w->attn_out_norm.gain, .ffn_out_norm = w->ffn_out_norm.gain,
        .qk_norm = w->q_norm.gain, .qkv_bias = w->q.bias, .o_bias = w->o.bias,
        .ffn_bias = moe ? w->moe.up.bias : w->up.bias,
        .sinks = w->sinks, .act_scales = w->act_scales,
        .select_bias = w->moe.select_bias, .shared_router = w->moe.shared_router.data};
}
