/* facts.c: a few facts about a few people, and questions about them: looking up, and nothing else.
 *
 *   Facts: Lily was in the garden. Tom felt sad. Mia had a kite.
 *   Q: How did Tom feel?
 *   A: Tom felt sad.
 *
 * What a story asks for once in two hundred words stands here in thirty. Person number i is the variable
 * D, E, F or G, and what is said of her the variable d, g, h or i. */
#include "teller_impl.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { FACTS_MAX = 4 };
static const char people[] = "DEFG", things[] = "dghi";

/* What can be said of a person, the question about it, and the answer; % is the person, @ the thing. */
static const struct {
    const char *fact, *question, *answer;
} sorts[] = {
    {"[%:girl+boy+lass+lad] was [@:outdoor+indoor].", "Where was {%}?", "{%} was {@-}."},
    {"[%:girl+boy+lass+lad] felt [@:glad+sad].", "How did {%} feel?", "{%} felt {@-}."},
    {"[%:girl+boy+lass+lad] had [an @:toy+gem+tool].", "What did {%} have?", "{@}."},
    {"[%:girl+boy+lass+lad] found [an @:toy+gem+food].", "What did {%} find?", "{@}."},
    {"[%:girl+boy+lass+lad] loved [@:hobby].", "What did {%} love?", "{%} loved {@-}."},
    {"[%:girl+boy+lass+lad] played [@:game].", "What did {%} play?", "{%} played {@-}."},
    {"[%:girl+boy+lass+lad] learned to [@:skill].", "What did {%} learn to do?", "{%} learned to {@-}."},
    {"[%:girl+boy+lass+lad] had [an @:colour] hat.", "What colour was the hat of {%}?", "It was {@-}."},
};
enum { SORTS = sizeof sorts / sizeof *sorts };

typedef struct {
    Tale tale;
    int n, sort[FACTS_MAX];
    bool asked[FACTS_MAX];
} Facts;

/* form with the letters of fact i in place of % and @ */
static Span form_of(const char *form, int i, char *buf)
{
    int n = 0;
    for (; *form; form++) buf[n++] = *form == '%' ? people[i] : *form == '@' ? things[i] : *form;
    buf[n] = 0;
    return (Span){buf, n};
}

/* Which sort of fact stands next in the text. */
static int sort_seen(const Teller *t, const Tale *s, int i)
{
    char form[OPTION_BYTES];
    int seen = -1;
    for (int k = 0; k < SORTS; k++) {
        Teller attempt = *t;
        Tale tale = *s;
        if (!template_run(&attempt, &tale, form_of(sorts[k].fact, i, form))) continue;
        if (seen >= 0 && t->fault) t->fault->ambiguous = true;
        seen = k;
    }
    return seen;
}

static bool tell_fact(Teller *t, Facts *f)
{
    char form[OPTION_BYTES];
    int k = t->reading ? sort_seen(t, &f->tale, f->n) : 0;
    if (k < 0) return false;
    k = f->sort[f->n] = teller_even(t, SORTS, k);
    return template_run(t, &f->tale, form_of(sorts[k].fact, f->n++, form));
}

static bool option_fact(void *ctx, int i, char *buf)
{
    const Facts *f = ctx;
    if (f->asked[i]) return false;
    Span name = tale_word(&f->tale, people[i]);
    const char *q = sorts[f->sort[i]].question;
    int before = (int)(strchr(q, '{') - q);
    snprintf(buf, OPTION_BYTES, "%.*s%.*s%s", before, q, name.n, name.p, strchr(q, '}') + 1);
    return true;
}

static bool ask(Teller *t, Facts *f)
{
    char form[OPTION_BYTES];
    if (!teller_puts(t, "Q: ")) return false;
    int i = teller_choose(t, f->n, option_fact, f);
    if (i < 0 || !teller_puts(t, "\nA: ")) return false;
    f->asked[i] = true;
    /* A sentence of its own: "The kite.", "In the garden." */
    return template_run(t, &f->tale, form_of(sorts[f->sort[i]].answer, i, form)) && teller_puts(t, "\n");
}

bool facts_run(Teller *t)
{
    Facts f = {.n = 0};
    if (!teller_puts(t, "Facts: ") || !tell_fact(t, &f)) return false;
    while (f.n < FACTS_MAX && (f.n < 2 || teller_more(t, 2, 1, " ")))
        if (!teller_puts(t, " ") || !tell_fact(t, &f)) return false;
    if (!teller_puts(t, "\n") || !ask(t, &f)) return false;
    for (int n = 1; n < f.n && teller_more(t, 2, 1, "Q: "); n++)
        if (!ask(t, &f)) return false;
    return true;
}
