/* events.c: what happened, as facts: the verbs, and the questions that each of them answers.
 *
 * Sentences carry their events ("give A B o"); questions ask for one argument of an event while the
 * others are given. A question speaks as the story does: it is asked only if the verb was said, for "who
 * wanted the coin?" is a riddle where nobody "wanted". The answer repeats words in the form that they
 * had in the story, so that a reader can point at them: "Lily felt proud.", not "Proud." */
#include "teller_impl.h"

#include <string.h>

/* The argument that is asked for, the word that must have been said, the question, the answer. */
const EventVerb event_verbs[] = {
    {"at", "cw", {{2, NULL, "Where was {1} at the start?", "{1} was {2-}"}}},
    {"go", "cw", {{2, "went", "Where did {1} go?", "{2}"}}},
    {"friend", "ccw", {{2, NULL, "Who was {1's} {3-}?", "{2}"}}},
    {"meet", "cc", {{2, "met", "Whom did {1} meet?", "{2}"}}},
    {"want", "co", {{2, "wanted", "What did {1} want?", "{2}"}, {1, "wanted", "Who wanted {2}?", "{1}"}}},
    {"wish", "c", {{0}}},
    {"done", "c", {{0}}},
    {"has", "co", {{1, "had", "Who had {2} at first?", "{1}"}}},
    {"make", "co", {{1, "made", "Who made {2}?", "{1}"}, {2, "made", "What did {1} make?", "{2}"}}},
    {"buy", "co", {{1, "bought", "Who bought {2}?", "{1}"}, {2, "bought", "What did {1} buy?", "{2}"}}},
    {"find", "co", {{1, "found", "Who found {2}?", "{1}"}, {2, "found", "What did {1} find?", "{2}"}}},
    {"hid", "ow", {{2, "found", "Where was {1} found?", "{2}"}}},
    {"lose", "co", {{1, "lost", "Who lost {2}?", "{1}"}, {2, "lost", "What did {1} lose?", "{2}"}}},
    {"take", "co", {{1, "took", "Who took {2}?", "{1}"}}},
    {"give",
     "cco",
     {{1, "gave", "Who gave {3} to {2}?", "{1}"},
      {3, "gave", "What did {1} give to {2}?", "{3}"},
      {2, "got", "Who got {3}?", "{2}"}}},
    {"eat", "co", {{1, "ate", "Who ate {2}?", "{1}"}, {2, "ate", "What did {1} eat?", "{2}"}}},
    {"crack", "o", {{1, "broke", "What broke?", "{1}"}}},
    {"fix", "co", {{1, "fixed", "Who fixed {2}?", "{1}"}}},
    {"feel", "cw", {{2, NULL, "How did {1} feel at first?", "{1} felt {2}"}}},
    {"end", "cw", {{2, NULL, "How did {1} feel in the end?", "{1} felt {2}"}}},
    {"help", "cc", {{1, "helped", "Who helped {2}?", "{1}"}, {2, "helped", "Whom did {1} help?", "{2}"}}},
    {"ask",
     "cc",
     {{1, "asked", "Who asked {2} for help?", "{1}"}, {2, "asked", "Whom did {1} ask for help?", "{2}"}}},
    {"thank",
     "cc",
     {{1, "thanked/thank/Thank", "Who thanked {2}?", "{1}"},
      {2, "thanked/thank/Thank", "Whom did {1} thank?", "{2}"}}},
    {"teach",
     "ccw",
     {{1, "taught", "Who taught {2}?", "{1}"}, {3, NULL, "What did {2} learn to do?", "{2} learned to {3-}"}}},
    {"win", "c", {{1, "won", "Who won?", "{1}"}}},
    {"play", "ccw", {{3, "played", "What game did they play?", "They played {3-}"}}},
    {"love", "cw", {{2, NULL, "What did {1} love?", "{1} loved {2-}"}}},
    {"colour", "ow", {{2, NULL, "What colour was {1}?", "It was {2-}"}}},
    {"weather", "w", {{1, NULL, "What was the weather like?", "The weather was {1-}"}}},
};
const int event_n_verbs = (int)(sizeof event_verbs / sizeof *event_verbs);

int event_verb(Span name)
{
    for (int i = 0; i < event_n_verbs; i++)
        if (strlen(event_verbs[i].name) == (size_t)name.n &&
            memcmp(event_verbs[i].name, name.p, (size_t)name.n) == 0)
            return i;
    CHECK(false, "no event is named '%.*s'", name.n, name.p);
    return -1;
}

void event_add_all(Tale *s, Span effects, size_t from, size_t at)
{
    if (effects.n == 0) return;
    const char *p = effects.p, *end = p + effects.n;
    while (p < end) {
        Event e = {.from = from, .at = at};
        const char *stop = memchr(p, ';', (size_t)(end - p));
        if (!stop) stop = end;
        while (p < stop && *p == ' ') p++;
        if (p == stop) break;
        const char *q = p;
        while (q < stop && *q != ' ') q++;
        e.verb = event_verb((Span){p, (int)(q - p)});
        int n = 0;
        for (; q < stop; q++)
            if (*q != ' ') {
                CHECK(n < 3 && tale_has(s, *q), "event '%.*s': '%c'", (int)(stop - p), p, *q);
                e.arg[n++] = *q;
            }
        CHECK((size_t)n == strlen(event_verbs[e.verb].who), "event '%.*s'", (int)(stop - p), p);
        CHECK(s->n_events < TALE_EVENTS, "more than %d events", TALE_EVENTS);
        s->event[s->n_events++] = e;
        p = stop + 1;
    }
}
