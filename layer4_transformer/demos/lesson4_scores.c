/* lesson4_scores: what are the heads of a trained model for? Nobody told them. Scores all 32 heads of the
 * storyteller for two habits (head_tests.h) and sets the two hand-wired heads beside them.
 * FILE: another model of this form, such as one that sixfold-train exported from a checkpoint. --line: only the
 * best heads, as one line. --plain: no colour. Without FILE it ends with status 1 if no head of a kind is found. */
#include "layer4.h"
#include "embedded.h"
#include "head_tests.h"

#include <stdlib.h>
#include <unistd.h>

static bool colour;

/* A score as hundredths, the stronger the brighter. */
static void cell(float score, bool best)
{
    static const char *const tint[] = {"90", "37", "36", "1;36", "1;97;46"};
    int shade = (int)fminf(score * 5, 4);
    char text[16];
    snprintf(text, sizeof text, "%3.0f%s", (double)(100 * score), best ? "*" : " ");
    if (colour) printf("\033[%sm%s\033[0m", tint[shade], text);
    else printf("%s", text);
}

/* Two scores of the same kind side by side. */
static void tables(const SmallModel *m, const char *title, const HeadScores *left,
                   const HeadScores *right)
{
    const HeadScores *both[] = {left, right};
    int n_head = m->spec.n_head;
    printf("%s\n   all alike:       %-41.0f%.0f\n   head    ", title, (double)(100 * left->chance),
           (double)(100 * right->chance));
    for (int i = 0; i < 2 * n_head; i++) printf("%s%3d ", i == n_head ? "         " : "", i % n_head);
    for (int l = 0; l < m->n_layer; l++)
        for (int i = 0; i < 2; i++) {
            printf(i ? "         " : "\n   layer %d ", l);
            for (int h = l * n_head; h < (l + 1) * n_head; h++)
                cell(both[i]->of[h], h == scores_best(both[i]));
        }
    printf("\n\n");
}

static void wired(void)
{
    static SmallModel m;
    RepeatScores s;
    small_open(&m, wired_model, wired_model_bytes);
    test_wired(&s, &m);
    printf("3. Hand-wired, on its %d words twice: head 0.0 one back %.0f, head 1.0 induction %.0f\n",
           m.n / 2, (double)(100 * s.back.of[0]), (double)(100 * s.again.of[m.spec.n_head]));
    small_close(&m);
}

/* What lessons/data/storyteller_heads.tsv consists of: step, best head and score of three tests. */
static void line(const SmallModel *m, const HeadScores *const tests[3])
{
    int64_t step = -1;
    Err err;
    CHECK(gguf_get_int(&m->file, "training.steps", 0, INT64_MAX, &step, &err) == OK, "%s", err.text);
    printf("%lld", (long long)step);
    for (int i = 0; i < 3; i++) {
        int best = scores_best(tests[i]);
        printf("\t%d.%d\t%.3f", best / m->spec.n_head, best % m->spec.n_head, (double)tests[i]->of[best]);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    static SmallModel m;
    RepeatScores name, random;
    const char *path = NULL;
    bool as_line = false, plain = false;
    MapFile other = {0};
    Err err;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--line") == 0) as_line = true;
        else if (strcmp(argv[i], "--plain") == 0) plain = true;
        else path = argv[i];
    }
    colour = !plain && isatty(1) && !getenv("NO_COLOR");
    layer4_init();
    if (path && map_open(&other, path, MAP_READ, &err) != OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    if (path) small_open(&m, other.data, other.size);
    else small_open(&m, storyteller_model, storyteller_model_bytes);
    test_name(&name, &m);
    test_random(&random, &m);
    if (as_line) {
        line(&m, (const HeadScores *const[]){&name.back, &name.again, &random.again});
    } else {
        printf("Mean weights in hundredths; * is the best of %d heads\n\n", m.n_layer * m.spec.n_head);
        tables(&m, "1. One back       in a name                                in random tokens",
               &name.back, &random.back);
        tables(&m, "2. Induction      the name again                           the random tokens again",
               &name.again, &random.again);
        wired();
    }
    small_close(&m);
    map_close(&other);
    /* Found: several times what weighing all keys alike would give. */
    return !path && !(name.back.of[scores_best(&name.back)] > 3 * name.back.chance &&
                      name.again.of[scores_best(&name.again)] > 3 * name.again.chance);
}
