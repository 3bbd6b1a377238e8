/* lesson7_storyteller: how far down could the loss of the storyteller go, and how did it get there?
 * 1. A document whose choices are counted by hand. 2. Many documents: their mean is the floor. 3. The
 * loss of the training above that floor, 4. when the heads of lesson 4 appeared: both from files in
 * lessons/data/, so start it from the project's root. --plain 3: part 3 alone; nothing is timed. */
#include "layer7.h"
#include "embedded.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int only; /* part, 0 for all */
static void by_hand(void)
{
    static const char text[] = "The password is Xufavak. Say it again: Xufavak.\n";
    static const struct { const char *what; double ways; } choices[] = {
        {"a copy: three in seventeen", 17 / 3.0},         {"a password, and no dragon ...", 6},
        {"X u f a v: 15 5 15 5 15 letters", 15 * 5 * 15 * 5 * 15}, {"longer, or not", 2},
        {"a k: 5 15 letters", 5 * 15},                {"the same name again", 1},
        {"no other line: one in three", 3}};
    WorldReading r = {0};
    char why[200];
    double sum = 0;
    printf("1. \"The password is Xufavak. Say it again: Xufavak.\"\n\n   %-40s ways    bits\n", "choice");
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        sum += log2(choices[i].ways);
        printf("   %-38s %6.5g %7.2f\n", choices[i].what, choices[i].ways, log2(choices[i].ways));
    }
    CHECK(world_read(&r, text, sizeof text - 1, why, sizeof why), "%s", why);
    printf("   %-45s %7.2f   the world counts %.2f\n\n", "together", sum, r.bits);
}

/* Documents that nobody trained on, as the storyteller's vocabulary cuts them. */
static Status the_floor(double *nats, Err *err)
{
    enum { SEED = 2, N = 2000 };
    Model m = {0};
    Document d = {0};
    TokenList ids = {0};
    double bits = 0, tokens = N; /* the end of a text is a target too */
    Status s = model_open_memory(&m, storyteller_model, storyteller_model_bytes, err);
    for (uint64_t i = 0; i < N && s == OK; i++) {
        s = world_document(&d, SEED, i, -1, err);
        size_t end = d.text.len;
        while (end > 0 && d.text.data[end - 1] == '\n') end--; /* the trainer drops it too */
        if (s == OK)
            s = tokenizer_encode(m.tokenizer, d.text.data, end, (EncodeOptions){false, true}, &ids, err);
        bits += d.bits;
    }
    tokens += (double)ids.n;
    *nats = bits * log(2) / tokens;
    if (!only || only == 2)
        printf("2. %d documents of another seed: %.1f bits and %.1f tokens each, so the floor is\n"
               "   %.1f x ln 2 / %.1f = %.3f nats per token\n\n", N, bits / N, tokens / N, bits / N,
               tokens / N, *nats);
    document_close(&d);
    tokens_close(&ids);
    model_close(&m);
    return s;
}

static Status open_data(FILE **f, const char *path, Err *err)
{
    *f = fopen(path, "r");
    return *f ? OK : fail(err, E_IO, "cannot open %s HINT: start from the project's root", path);
}

/* Every row of bars that the eye needs: steps that have grown by a third, and the last. */
static Status curve(double floor, Err *err)
{
    FILE *f;
    double step = 0, loss = 0, held = 0, next = 0;
    char line[200], text[24];
    TRY(open_data(&f, "lessons/data/storyteller_loss.tsv", err));
    printf("3. Training loss in nats per token (▒ up to the floor of %.2f, █ above it), held-out loss\n\n",
           floor);
    for (bool more = true; more;) {
        more = fgets(line, sizeof line, f) != NULL;
        if (more && (sscanf(line, "%lf %*f %lf %*f %lf", &step, &loss, &held) != 3 || step < next)) continue;
        if (!more && step < next / 1.1) break; /* the last line has just been drawn */
        next = step * 1.33 + 1;
        text[0] = '\0';
        if (!isnan(held)) snprintf(text, sizeof text, "%.3f", held);
        printf("   %5.0f %6.3f %6s  ", step, loss, text);
        for (double x = 0.06; x < loss; x += 0.12) printf("%s", x < floor ? "▒" : "█");
        printf("\n");
    }
    printf("\n");
    fclose(f);
    return OK;
}

static void score(const char *head, float x)
{
    if (isnan(x)) printf("%24s", "");
    else printf("   %s  %.2f ", head, x);
    for (int i = 0; i < 12 && !isnan(x); i++) printf("%s", i < (int)(x * 12 + 0.5f) ? "█" : " ");
}

static Status heads(Err *err)
{
    FILE *f;
    float step, back, again;
    char line[200], a[8], b[8];
    TRY(open_data(&f, "lessons/data/storyteller_heads.tsv", err));
    printf("4. Its best heads (lesson4_scores); where there is none, nobody looked\n\n"
           "    step   one back, in a name     induction, the name again\n");
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%f %7s %f %7s %f", &step, a, &back, b, &again) != 5) continue;
        printf("   %5.0f", step);
        score(a, back);
        score(b, again);
        printf("\n");
    }
    fclose(f);
    return OK;
}

int main(int argc, char **argv)
{
    Err err = {0};
    double nats = 0;
    only = argc > 2 ? atoi(argv[2]) : 0;
    layer7_init();
    if (!only || only == 1) by_hand();
    Status s = only == 1 || only == 4 ? OK : the_floor(&nats, &err);
    if (s == OK && (!only || only == 3)) s = curve(nats, &err);
    if (s == OK && (!only || only == 4)) s = heads(&err);
    if (s != OK) fprintf(stderr, "%s\n", err.text);
    return s != OK;
}
