/* lesson4_attention: heads at work. Part 1: the two heads of the model whose weights are formulas
 * (tools/mkwired.c). Part 2: the two heads of the trained storyteller that lesson4_scores finds to have
 * the same habits. Each shows who looks at whom, and what the model says next.
 * --plain: digits for shades; --plain 2: part 2 alone. Colour on a terminal, unless NO_COLOR is set. */
#include "layer4.h"
#include "embedded.h"
#include "head_tests.h"

#include <stdlib.h>
#include <unistd.h>

enum { MAX_N = 17, BOS = 1, MAX_VOCAB = 4096 };
static bool plain, colour;

/* What a label shows of a token: without the mark of a blank that files put before a word (U+2581 or,
 * in byte-level vocabularies, U+0120), and of <|begin_of_text|> the beginning. */
static Str label(const SmallModel *m, int32_t id)
{
    Str s = m->vocab[id];
    size_t mark = s.len > 3 && memcmp(s.ptr, "\u2581", 3) == 0   ? 3
                  : s.len > 2 && memcmp(s.ptr, "\u0120", 2) == 0 ? 2
                                                                 : 0;
    return (Str){s.ptr + mark, s.len - mark < 8 ? s.len - mark : 8};
}

static void weight(float w, bool seen)
{
    static const char *const shades[] = {"· ", "░░", "▒▒", "▓▓", "██"};
    int shade = w < 0.05f ? 0 : (int)fminf(w * 4 + 1, 4);
    if (plain && shade) printf("%d ", (int)fminf(w * 10, 9));
    else if (colour && shade) printf("\033[36m%s\033[0m", shades[shade]);
    else printf("%s", seen || shade ? shades[shade] : "  ");
}

typedef struct { int layer, head; const char *asks; } Shown;

/* Two maps side by side; lines -4 .. -1 are the tokens above, letter under letter. */
static void maps(const SmallModel *m, const int32_t *ids, const Shown head[2])
{
    printf("   (%s; a dot: below 0.05)\n\n",
           plain ? "4: 0.4 to 0.5, 9: 0.9 to 1" : "░ from 0.05, ▒ 0.25, ▓ 0.5, █ 0.75");
    for (int i = 0; i < 2; i++)
        printf("%*shead %d.%d: %-*s", i ? 0 : 11, "", head[i].layer, head[i].head, 2 * m->n,
               head[i].asks);
    for (int t = -4; t < m->n; t++)
        for (int i = 0; i < 2; i++) {
            Str row = t < 0 ? (Str){"", 0} : label(m, ids[t]);
            printf("%s%8.*s  ", i ? " " : "\n", STR_ARG(row));
            for (int j = 0; j < m->n; j++) {
                Str column = label(m, ids[j]);
                if (t < 0) printf("%c ", (int)column.len > t + 4 ? column.ptr[t + 4] : ' ');
                else weight(small_map(m, head[i].layer, head[i].head)[t * m->n + j], j <= t);
            }
        }
}

/* Runs the tokens, shows the maps, and what comes next: is that what followed when the last token stood
 * in the text before? */
static bool look(SmallModel *m, const int32_t *ids, int n, const Shown head[2])
{
    static float logits[MAX_VOCAB];
    CHECK(m->n_vocab <= MAX_VOCAB, "%d tokens in the vocabulary", m->n_vocab);
    small_forward(m, logits, ids, n);
    maps(m, ids, head);
    int best = 0, before = n - 2;
    softmax(logits, m->n_vocab);
    for (int i = 0; i < m->n_vocab; i++)
        if (logits[i] > logits[best]) best = i;
    while (before > 0 && ids[before] != ids[n - 1]) before--;
    Str last = label(m, ids[n - 1]), next = label(m, ids[before + 1]);
    printf("\n\n   After \"%.*s\" it says \"%.*s\" (%.3f); token %d was the same, then \"%.*s\"\n",
           STR_ARG(last), STR_ARG(label(m, best)), (double)logits[best], before, STR_ARG(next));
    return best == ids[before + 1];
}

static bool wired(void)
{
    static const char *const text[MAX_N] = {"<s>", "the", "cat", "saw", "the", "dog", ".", "the", "old",
                                            "bird", "saw", "the", "red", "fish", ".", "the", "cat"};
    static const Shown heads[] = {{0, 0, "who stands before me?"}, {1, 0, "what followed my like?"}};
    static SmallModel m;
    int32_t ids[MAX_N] = {BOS};
    small_open(&m, wired_model, wired_model_bytes);
    for (int t = 1; t < MAX_N; t++) ids[t] = small_word(&m, text[t]);
    printf("1. Hand-wired. A row asks, columns answer: the weights that a token gives to those so far\n");
    bool right = look(&m, ids, MAX_N, heads);
    small_close(&m);
    return right;
}

static bool trained(void)
{
    /* "The password is Xufosak. Say it again: Xufos"; U+0120 marks a blank before. */
    static const char *const text[] = {"<|begin_of_text|>", "The", "\u0120password", "\u0120is",
                                       "\u0120X", "uf", "os", "ak", ".", "\u0120Say", "\u0120it",
                                       "\u0120again", ":", "\u0120X", "uf", "os"};
    enum { N = sizeof text / sizeof *text };
    static SmallModel m;
    int32_t ids[N];
    RepeatScores s;
    small_open(&m, storyteller_model, storyteller_model_bytes);
    for (int i = 0; i < N; i++) ids[i] = small_token(&m, text[i]);
    test_name(&s, &m);
    int n_head = m.spec.n_head, b = scores_best(&s.back), i = scores_best(&s.again);
    const Shown heads[] = {{b / n_head, b % n_head, "best at one back"},
                           {i / n_head, i % n_head, "best at induction"}};
    printf("2. Trained. The token strings are the file's; nobody set a weight\n");
    bool right = look(&m, ids, N, heads);
    small_close(&m);
    return right;
}

int main(int argc, char **argv)
{
    int only = argc > 2 ? atoi(argv[2]) : 0;
    plain = argc > 1 && strcmp(argv[1], "--plain") == 0;
    colour = !plain && isatty(1) && !getenv("NO_COLOR");
    layer4_init();
    bool right = only == 2 || wired();
    if (!only) printf("\n");
    return !(only == 1 || trained()) || !right;
}
