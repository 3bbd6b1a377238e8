/* lesson4_twins: attention by hand, on two tokens of three numbers; one softmax in two pieces; then
 * every twin on the same problem. --plain leaves out the times and this machine's own variants;
 * --plain 2: part 2 alone. */
#include "layer4.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const float q[2][3] = {{1, 0, 2}, {0, 1, 1}}, k[2][3] = {{1, 1, 0}, {0, 2, 1}},
                   v[2][3] = {{1, 0, 3}, {2, 4, 0}};
static bool plain, agree = true;
static Arena arena;

static void by_hand(void)
{
    float out[2][3], w[2];
    KvView kv = kv_flat(arena_alloc(&arena, 256, 1), DT_F32, DT_F32, 2, 1, 3, 3);
    AttentionArgs a = {.q = q[0], .out = out[0], .q_stride = 3, .out_stride = 3, .kv = &kv,
                       .n_tok = 2, .n_head = 1, .scale = 1 / sqrtf(3)};
    printf("1. By hand: two tokens, three numbers each, scale 1 / sqrt(3) = %.4f\n\n"
           "   token      q         k         v\n", a.scale);
    for (int t = 0; t < 2; t++) {
        kv_store(&kv, t, k[t], v[t]);
        printf("     %d    %g  %g  %g   %g  %g  %g   %g  %g  %g\n", t, q[t][0], q[t][1], q[t][2],
               k[t][0], k[t][1], k[t][2], v[t][0], v[t][1], v[t][2]);
    }
    int64_t bytes = attention_scratch_bytes(2, 2, 1, 1, 3, 3);
    attention_all(NULL, &a, arena_alloc(&arena, bytes, 1), bytes);
    printf("\n   query   key   q . k   scaled s   may look?   e^(s - largest)   weight\n");
    for (int t = 0; t < 2; t++) {
        attention_weights(&a, 0, t, w, 2);
        for (int j = 0; j < 2; j++) {
            float dot = dot_f32(q[t], k[j], 3);
            printf("   %5d %5d %7g %10.4f %11s %17.4f %8.4f\n", t, j, dot, dot * a.scale,
                   j <= t ? "yes" : "no", w[j] / w[t], w[j]);
        }
    }
    for (int t = 0; t < 2; t++) {
        attention_weights(&a, 0, t, w, 2);
        printf("%s   out %d = %.4f v0 + %.4f v1 = (%.4f, %.4f, %.4f)\n", t ? "" : "\n", t,
               w[0], w[1], out[t][0], out[t][1], out[t][2]);
    }
    printf("\n");
}

/* Query 1 again, one key at a time, as flash does it with blocks of keys. */
static void pieces(void)
{
    float m = -FLT_MAX, l = 0, o[3] = {0};
    printf("2. Query 1 again, in two pieces: m largest score, l sum of e^(s - m), o sum of e^(s - m) v\n\n"
           "   after        m        l   o\n");
    for (int j = 0; j < 2; j++) {
        attention_merge(&m, &l, o, dot_f32(q[1], k[j], 3) / sqrtf(3), 1, v[j], 3);
        printf("   key %d %8.4f %8.4f   (%.4f, %.4f, %.4f)\n", j, m, l, o[0], o[1], o[2]);
    }
    printf("   o / l                      (%.4f, %.4f, %.4f)\n\n", o[0] / l, o[1] / l, o[2] / l);
}

/* Queries, keys and values of normally distributed numbers; naive first, the others against it. */
static void race(void)
{
    enum { T = 256, HEADS = 8, KV_HEADS = 2, D = 64, N = T * HEADS * D };
    float *x = ARENA_NEW(&arena, float, N), *out = ARENA_NEW(&arena, float, N);
    float *first = ARENA_NEW(&arena, float, N);
    int64_t kv_bytes = kv_flat_bytes(DT_F16, DT_F16, T, KV_HEADS, D, D);
    int64_t bytes = attention_scratch_bytes(T, T, HEADS, KV_HEADS, D, D);
    void *scratch = arena_alloc(&arena, bytes, 1);
    KvView kv = kv_flat(arena_alloc(&arena, kv_bytes, 1), DT_F16, DT_F16, T, KV_HEADS, D, D);
    AttentionArgs a = {.q = x, .out = out, .q_stride = HEADS * D, .out_stride = HEADS * D,
                       .kv = &kv, .n_tok = T, .n_head = HEADS, .scale = 0.125f};
    Rng rng = rng_seed(4);
    for (int i = 0; i < N; i++) x[i] = rng_normal(&rng);
    for (int t = 0; t < T; t++) kv_store(&kv, t, x + (T - 1 - t) * 256, x + (T + t) * 256);
    printf("3. Every twin on %d queries: %d heads of %d numbers share %d kv heads\n\n"
           "   variant   largest difference%s\n", T, HEADS, D, KV_HEADS,
           plain ? "" : "   milliseconds");
    double naive_ns = 0;
    for (int i = 0; i < kernels_count(); i++) {
        const KernelRow *row = kernels_row(i);
        char name[64];
        if (strcmp(row->op, "attention") || !kernels_usable(row) || (plain && row->needs)) continue;
        snprintf(name, sizeof name, "attention:%s", row->variant);
        kernels_use(name, NULL);
        int64_t best = INT64_MAX;
        for (int round = 0; round < 3; round++) {
            int64_t start = clock_ns();
            attention_all(NULL, &a, scratch, bytes);
            int64_t ns = clock_ns() - start;
            best = ns < best ? ns : best;
        }
        float most = 0; /* difference from the first twin */
        if (naive_ns == 0) memcpy(first, out, N * sizeof *out), naive_ns = (double)best;
        for (int n = 0; n < N; n++) most = fmaxf(most, fabsf(out[n] - first[n]));
        agree &= most < 1e-5f;
        printf("   %-7s %20s", row->variant,
               most == 0 ? "0" : most < 1e-5f ? "below 1e-5" : "too large");
        if (!plain) printf(" %14.2f %7.1f x", (double)best * 1e-6, naive_ns / (double)best);
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    static void (*const parts[])(void) = {by_hand, pieces, race};
    int only = argc > 2 ? atoi(argv[2]) : 0;
    plain = argc > 1 && strcmp(argv[1], "--plain") == 0;
    layer4_init();
    for (int i = 0; i < 3; i++)
        if (!only || only == i + 1) parts[i]();
    arena_close(&arena);
    return !agree;
}
