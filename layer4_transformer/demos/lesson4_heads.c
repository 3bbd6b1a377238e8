/* lesson4_heads: why two heads of the embedded model look where they look. Takes queries and keys
 * from the file's weights, turns them with RoPE, and sets their dot products beside the formulas of
 * tools/mkwired.c. --plain 2: part 2 alone (nothing is timed, so plain changes nothing else). */
#include "layer4.h"
#include "embedded.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { D = 64, D_HEAD = 32, FAST = 6 }; /* the model's widths; rotary pairs that serve positions */
enum { CUR = 0, PREV = 19, IS_BOS = 58, ONE = 59, NONE = -1 }; /* places in the residual stream */
enum { THE = 1, CAT = 3, DOT = 0 };
static Gguf file;

/* What head 0 of a layer makes of a stream with `size` at two places, at a position. */
static void head_vector(float *y, const char *matrix, int a, int b, float size, int64_t pos)
{
    float angles[D_HEAD];
    const GgufTensor *w = gguf_tensor(&file, matrix);
    CHECK(w && w->view.ne[0] == D && w->view.ne[1] == D, "this demo is about models/wired.gguf");
    for (int i = 0; i < D_HEAD; i++)
        y[i] = size * (tensor_at(&w->view, a, i, 0, 0) +
                       (b == NONE ? 0 : tensor_at(&w->view, b, i, 0, 0)));
    rope_angles(angles, pos, D_HEAD, 1e8f, 1, NULL);
    rope_interleaved(y, 1, D_HEAD, D_HEAD, angles);
}

static double theta(int j) { return pow(1e8, -2.0 * j / D_HEAD); }

/* Every word holds the constant ONE: the score depends on the distance alone. */
static void previous_head(void)
{
    enum { POS = 20 };
    const double unit = 16 * 16 / sqrt(D_HEAD);
    float q[D_HEAD], k[D_HEAD];
    printf("1. Head 0.0: a query at position %d and keys r words back\n\n"
           "   r   sum of cos((r-1) theta_j)   times A^2/sqrt(32)   from the file   e^(s - max)\n",
           POS);
    head_vector(q, "blk.0.attn_q.weight", ONE, NONE, 1, POS);
    for (int r = 0; r < 6; r++) {
        double sum = 0;
        for (int j = 0; j < FAST; j++) sum += cos((r - 1) * theta(j));
        head_vector(k, "blk.0.attn_k.weight", ONE, NONE, 1, POS - r);
        printf("   %d %27.3f %20.0f %15.0f %13.0e\n", r, sum, unit * sum,
               dot_f32(q, k, D_HEAD) / sqrt(D_HEAD), exp(unit * (sum - FAST)));
    }
}

/* A key of head 1.0: where it stands, what stood before it; <s> stands at 0. */
typedef struct { const char *word; int pos, before; bool match; } Key;

static void induction_head(const char *word, int pos, int query, const Key *keys, int n)
{
    const double match = 16 * 16 / sqrt(D_HEAD), recent = 4 * 4 / sqrt(D_HEAD);
    float q[D_HEAD], k[D_HEAD], s[8], p[8];
    head_vector(q, "blk.1.attn_q.weight", CUR + query, ONE, 1, pos);
    for (int i = 0; i < n; i++) {
        /* RMSNorm makes words, with three ones, exact; <s> has two and comes out larger. */
        bool bos = keys[i].pos == 0;
        head_vector(k, "blk.1.attn_k.weight", bos ? IS_BOS : PREV + keys[i].before, ONE,
                    bos ? sqrtf(1.5f) : 1, keys[i].pos);
        p[i] = s[i] = dot_f32(q, k, D_HEAD) / sqrtf(D_HEAD);
    }
    softmax(p, n);
    for (int i = 0; i < n; i++) {
        int r = pos - keys[i].pos;
        double size = keys[i].pos ? 1 : sqrt(1.5);
        double content = keys[i].pos == 0 ? size * match / 2 : keys[i].match ? match : 0;
        double near = size * recent * cos(r * theta(2));
        printf("   %-3s at %-2d   %-4s at %-2d %9.1f %11.1f %7.1f %15.1f %8.3f\n", word, pos,
               keys[i].word, keys[i].pos, content, near, content + near, s[i], p[i]);
    }
    printf("\n");
}

static void induction(void)
{
    static const Key cat[] = {{"<s>", 0, 0, false}, {"saw", 3, CAT, true}, {"the", 15, DOT, false}},
                     the[] = {{"<s>", 0, 0, false}, {"cat", 2, THE, true}, {"dog", 5, THE, true},
                              {"old", 8, THE, true}, {"red", 12, THE, true}};
    printf("2. Head 1.0: does the word before the key equal the word of the query?\n\n"
           "   query       key         content   nearness     sum   from the file   weight\n");
    induction_head("cat", 16, CAT, cat, 3);
    induction_head("the", 15, THE, the, 5);
}

int main(int argc, char **argv)
{
    int only = argc > 2 ? atoi(argv[2]) : 0;
    Err err;
    layer4_init();
    CHECK(gguf_open_memory(&file, wired_model, wired_model_bytes, &err) == OK, "%s", err.text);
    if (only != 2) previous_head();
    if (only == 0) printf("\n");
    if (only != 1) induction();
    gguf_close(&file);
    return 0;
}
