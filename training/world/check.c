/* check.c: is what happened possible, and does every wish end well?
 *
 * The judge replays the events of a tale in a small world of its own: who holds what, who is where,
 * what is broken, who owes thanks to whom. It knows nothing of templates or schemata. */
#include "teller_impl.h"

#include <stdio.h>
#include <string.h>

enum { LETTERS = 128 };

typedef struct {
    const Tale *tale;
    char holder[LETTERS], place[LETTERS], craves[LETTERS]; /* letters; 0 unknown or none */
    bool broken[LETTERS], lost[LETTERS], eaten[LETTERS], wishes[LETTERS], mood[LETTERS];
    bool kind_to[LETTERS][LETTERS]; /* kind_to[x][y]: y did something for x */
    const char *wrong;              /* the rule that was broken */
} Judge;

static void rule(Judge *j, bool holds, const char *what)
{
    if (!holds && !j->wrong) j->wrong = what;
}

static void gets(Judge *j, char who, char what)
{
    rule(j, !j->eaten[(int)what], "what was eaten is gone");
    j->holder[(int)what] = who;
    j->lost[(int)what] = false;
    if (j->craves[(int)who] == what) j->craves[(int)who] = 0;
}

static void meets(Judge *j, char x, char y)
{
    char *a = &j->place[(int)x], *b = &j->place[(int)y];
    rule(j, !*a || !*b || *a == *b, "who is in two places cannot meet");
    if (!*a) *a = *b;
    if (!*b) *b = *a;
}

/* Events about things: x does it, o is the thing. */
static bool judge_thing(Judge *j, const char *verb, char x, char o)
{
    char held = j->holder[(int)o];
    if (!strcmp(verb, "has") || !strcmp(verb, "make") || !strcmp(verb, "buy") ||
        !strcmp(verb, "take")) {
        rule(j, !held, "what somebody holds cannot be had, made, bought or taken");
        gets(j, x, o);
    } else if (!strcmp(verb, "find")) {
        rule(j, !held, "what somebody holds cannot be found");
        gets(j, x, o);
    } else if (!strcmp(verb, "want")) {
        rule(j, held != x, "nobody wants what he holds");
        j->craves[(int)x] = o;
    } else if (!strcmp(verb, "lose") || !strcmp(verb, "eat")) {
        rule(j, held == x, "only what is held can be lost or eaten");
        j->holder[(int)o] = 0;
        if (verb[0] == 'l') j->lost[(int)o] = true;
        if (verb[0] == 'e') j->eaten[(int)o] = true;
    } else if (!strcmp(verb, "fix")) {
        rule(j, j->broken[(int)o], "only what is broken can be fixed");
        j->broken[(int)o] = false;
    } else
        return false;
    return true;
}

/* Events between people. */
static void judge_people(Judge *j, const char *verb, char x, char y)
{
    if (!strcmp(verb, "meet")) {
        if (!j->place[(int)y]) j->place[(int)y] = j->place[(int)x];
        meets(j, x, y);
    } else if (!strcmp(verb, "help") || !strcmp(verb, "teach")) {
        meets(j, x, y);
        j->kind_to[(int)y][(int)x] = true;
    } else if (!strcmp(verb, "ask") || !strcmp(verb, "play"))
        meets(j, x, y);
    else if (!strcmp(verb, "thank"))
        rule(j, j->kind_to[(int)x][(int)y], "thanks need a reason: help, a gift, a lesson");
}

static void judge_event(Judge *j, const Event *e)
{
    const char *verb = event_verbs[e->verb].name;
    char x = e->arg[0], y = e->arg[1];
    if (judge_thing(j, verb, x, y)) return;
    if (!strcmp(verb, "at") || !strcmp(verb, "go"))
        j->place[(int)x] = y;
    else if (!strcmp(verb, "crack"))
        j->broken[(int)x] = true;
    else if (!strcmp(verb, "wish"))
        j->wishes[(int)x] = true;
    else if (!strcmp(verb, "done")) {
        rule(j, j->wishes[(int)x], "only a wish can come true");
        j->wishes[(int)x] = false;
    } else if (!strcmp(verb, "give")) {
        char o = e->arg[2];
        rule(j, j->holder[(int)o] == x, "only what is held can be given");
        meets(j, x, y);
        gets(j, y, o);
        j->kind_to[(int)y][(int)x] = true;
    } else if (!strcmp(verb, "end")) {
        const WordList *good = lexicon_find((Span){"glad", 4});
        const char *word = j->tale->var[y - 'a'].text.p;
        rule(j, word >= good->items && word < good->items + strlen(good->items),
             "the end is not glad");
        j->mood[(int)x] = true;
    } else
        judge_people(j, verb, x, y);
}

bool events_judge(const Tale *s, char *why, size_t why_bytes)
{
    Judge j = {.tale = s};
    if (s->n_events == 0) return true; /* a document without a story */
    for (int i = 0; i < s->n_events && !j.wrong; i++) {
        const Event *e = &s->event[i];
        for (int k = 0; k < 3 && e->arg[k]; k++) {
            const Thing *v = tale_var((Tale *)(uintptr_t)s, e->arg[k]);
            rule(&j, tale_has(s, e->arg[k]) && v->at <= e->at,
                 "nobody acts before he is introduced");
        }
        if (!j.wrong) judge_event(&j, e);
        if (j.wrong)
            snprintf(why, why_bytes, "byte %zu: event %s %.3s: %s", e->at,
                     event_verbs[e->verb].name, e->arg, j.wrong);
    }
    if (j.wrong || s->unfinished) return !j.wrong;
    for (int c = 0; c < LETTERS; c++) {
        rule(&j, !j.craves[c], "somebody wanted a thing and never got it");
        rule(&j, !j.wishes[c], "a wish did not come true");
        rule(&j, !j.lost[c], "what was lost was not found");
        rule(&j, !j.broken[c], "what was broken was not fixed");
    }
    rule(&j, j.mood['A'], "nobody says how the hero felt in the end");
    if (j.wrong) snprintf(why, why_bytes, "at the end: %s", j.wrong);
    return !j.wrong;
}
