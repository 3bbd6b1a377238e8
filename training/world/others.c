/* others.c: documents that are no stories: counting and lists, sums, copies.
 *
 * Each teaches one thing that stories do not ask for: an order that goes on, a rule with numbers, and
 * saying again what was never seen before (the work of an induction head). */
#include "teller_impl.h"

#include <stdio.h>
#include <string.h>

enum { COUNT_MAX = 20, SUM_MAX = 20, LINES_MAX = 6 };

static const char *const number_words[COUNT_MAX + 1] = {
    "zero",     "one",     "two",     "three",     "four",     "five",     "six",
    "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",   "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"};

static bool option_count(void *ctx, int i, char *buf)
{
    snprintf(buf, OPTION_BYTES, "%s", number_words[*(int *)ctx + i]);
    return true;
}

int count_choose(Teller *t, int low, int high)
{
    int i = teller_choose(t, high - low + 1, option_count, &low);
    return i < 0 ? -1 : low + i;
}

bool count_say(Teller *t, int from, int to)
{
    for (int step = from <= to ? 1 : -1, i = from;; i += step) {
        if (!teller_puts(t, number_words[i])) return false;
        if (i == to) return true;
        if (!teller_puts(t, ", ")) return false;
    }
}

static int either(Teller *t, const char *texts)
{
    return teller_either(t, (Span){texts, (int)strlen(texts)});
}

/* ---- counting and lists ---- */
static bool count_line(Teller *t, int form)
{
    int from = 1, to = form == 1 ? 1 : COUNT_MAX;
    if (form == 0) to = count_choose(t, 3, COUNT_MAX);
    if (form == 1) from = count_choose(t, 3, COUNT_MAX);
    if (form == 2) {
        from = count_choose(t, 2, 10);
        if (from < 0 || !teller_puts(t, " to ")) return false;
        to = count_choose(t, 12, COUNT_MAX);
    }
    return from >= 0 && to >= 0 && teller_puts(t, ": ") && count_say(t, from, to);
}

static bool list_line(Teller *t)
{
    static const char forms[] =
        "three toys: [d:toy], [g:toy], [h:toy]. The first is {d-} and the last is {h-}. | "
        "four animals: [d:pet+beast], [g:pet+beast], [h:pet+beast], [i:pet+beast]. Backwards: "
        "{i-}, {h-}, {g-}, {d-}. | "
        "three foods: [d:food+stuff], [g:food+stuff], [h:food+stuff]. The second is {g-}. | "
        "five colours: [d:colour], [g:colour], [h:colour], [i:colour], [k:colour]. The first is "
        "{d-}. | "
        "four tools: [d:tool], [g:tool], [h:tool], [i:tool]. The last is {i-}. | "
        "three names: [D:girl+boy+lass+lad], [E:girl+boy+lass+lad], [F:girl+boy+lass+lad]. Backwards: {F}, {E}, {D}. | "
        "four clothes: [d:wear], [g:wear], [h:wear], [i:wear]. The third is {h-} and the second is "
        "{g-}. | "
        "three jobs: [d:role], [g:role], [h:role]. Again: {d-}, {g-}, {h-}.";
    Tale line = {0};
    return template_one_of(t, &line, (Span){forms, sizeof forms - 1}) >= 0;
}

bool list_run(Teller *t)
{
    for (int i = 0; i < LINES_MAX; i++) {
        if (i > 0 && !teller_more(t, 2, 1, NULL)) return true;
        int form = either(t, "Count to /Count down from /Count from /A list of ");
        if (form < 0) return false;
        bool counts = form < 3;
        if (!(counts ? count_line(t, form) : list_line(t))) return false;
        if (!teller_puts(t, counts ? ".\n" : "\n")) return false;
    }
    return true;
}

/* ---- sums ---- */
bool sum_say(Teller *t, const char *before, const char *between)
{
    char sum[64];
    int a, b;
    if (!teller_puts(t, before) || (a = teller_number(t, 0, SUM_MAX)) < 0) return false;
    int plus = either(t, " + / plus ");
    if (plus < 0 || (b = teller_number(t, 0, SUM_MAX)) < 0) return false;
    if (between) {
        snprintf(sum, sizeof sum, "%d%s%d", a, plus ? " plus " : " + ", b);
        if (!teller_puts(t, between) || !teller_puts(t, sum)) return false;
    }
    snprintf(sum, sizeof sum, "%s%d", plus ? " is " : " = ", a + b);
    return teller_puts(t, sum);
}

bool sum_run(Teller *t)
{
    for (int i = 0; i < LINES_MAX; i++) {
        if (i > 1 && !teller_more(t, 2, 1, NULL)) return true;
        if (!sum_say(t, "", NULL) || !teller_puts(t, "\n")) return false;
    }
    return true;
}

/* ---- copies ---- */
static const char capitals[] = "BDFGKLMNPRSTVXZ";

/* Words of all sorts in some order, and again: after "kettle" comes what came after "kettle". */
static bool echo_line(Teller *t)
{
    static const char forms[] =
        "[d:glad+sad] [g:toy+gem+tool] [h:weather] [i:hobby] [k:colour]. Again: {d-} {g-} {h-} {i-} {k-}.\n | "
        "[d:weather] [g:pet+beast] [D:girl+boy+lass+lad] [h:glad+sad] [i:food]. Again: {d-} {g-} {D} {h-} {i-}.\n | "
        "[D:girl+boy+lass+lad] [d:outdoor+indoor] [g:hobby] [h:toy+gem+tool]. Again: {D} {d-} {g-} {h-}.\n | "
        "[d:colour] [g:role] [h:glad+sad] [i:weather] [D:girl+boy+lass+lad]. Again: {d-} {g-} {h-} {i-} {D}.\n | "
        "[d:food] [D:girl+boy+lass+lad] [g:glad+sad] [h:colour] [i:wear]. Again: {d-} {D} {g-} {h-} {i-}.\n | "
        "[d:hobby] [g:outdoor+indoor] [h:pet+beast] [i:weather]. Again: {d-} {g-} {h-} {i-}.\n | "
        "[d:skill] [g:relation] [h:spot] [i:skill] [k:game]. Again: {d-} {g-} {h-} {i-} {k-}.\n | "
        "[d:game] [g:skill] [h:away+house] [i:music+brass]. Again: {d-} {g-} {h-} {i-}.\n";
    Tale line = {0};
    return template_one_of(t, &line, (Span){forms, sizeof forms - 1}) >= 0;
}

/* A sentence, and again. */
static bool remember_line(Teller *t)
{
    static const char forms[] =
        "[D:girl+boy+lass+lad] felt [d:glad+sad] and [E:girl+boy+lass+lad] felt [g:glad+sad]. Again: {D} felt {d-} and {E} felt {g-}.\n | "
        "[D:girl+boy+lass+lad] was [d:outdoor+indoor] and it was [g:weather]. Again: {D} was {d-} and it was {g-}.\n | "
        "[D:girl+boy+lass+lad] loved [d:hobby] and [E:girl+boy+lass+lad] loved [g:hobby]. Again: {D} loved {d-} and {E} loved {g-}.\n | "
        "[D:girl+boy+lass+lad] had the [d:toy+gem+tool] and felt [g:glad+sad]. Again: {D} had {d} and felt {g-}.\n | "
        "[D:girl+boy+lass+lad] learned to [d:skill] and [E:girl+boy+lass+lad] played [g:game]. Again: {D} learned to {d-} and {E} played {g-}.\n | "
        "[D:girl+boy+lass+lad] found the [d:toy+gem+food] [g:spot]. Again: {D} found {d} {g-}.\n";
    Tale line = {0};
    return template_one_of(t, &line, (Span){forms, sizeof forms - 1}) >= 0;
}

static bool copy_line(Teller *t, int form)
{
    static const char *const after[] = {". Say it again: ", ". Its name is ", ": "};
    char x[16], y[16], text[96];
    if (!teller_invent(t, capitals, x)) return false;
    if (form == 3) {
        if (!teller_puts(t, " and ") || !teller_invent(t, capitals, y)) return false;
        snprintf(text, sizeof text, ". Backwards: %s and %s.\n", y, x);
        return teller_puts(t, text);
    }
    if (form == 2)
        snprintf(text, sizeof text, "%s%s, %s, %s.\n", after[form], x, x, x);
    else
        snprintf(text, sizeof text, "%s%s.\n", after[form], x);
    return teller_puts(t, text);
}

bool copy_run(Teller *t)
{
    for (int i = 0; i < LINES_MAX; i++) {
        if (i > 0 && !teller_more(t, 2, 1, NULL)) return true;
        int form =
            either(t, "The password is /The dragon is called /Write three times /Two words: /Say after me: /Remember: ");
        if (form < 0) return false;
        if (!(form == 4 ? echo_line(t) : form == 5 ? remember_line(t) : copy_line(t, form))) return false;
    }
    return true;
}
