/* events.c: what happened, as facts: the verbs, and the questions that each of them answers.
 *
 * Sentences carry their events ("give A B o"); questions ask for one argument of an event while the
 * others are given. The answer is the argument that is asked for. */
#include "teller_impl.h"

#include <string.h>

const EventVerb event_verbs[] = {
    {"at", "cw", {"2 Where was {1} at the start?"}},
    {"go", "cw", {"2 Where did {1} go?"}},
    {"friend", "ccw", {"2 Who was {1's} {3-}?"}},
    {"meet", "cc", {"2 Whom did {1} meet?"}},
    {"want", "co", {"2 What did {1} want?", "1 Who wanted {2}?"}},
    {"wish", "c", {NULL}},
    {"done", "c", {NULL}},
    {"has", "co", {"1 Who had {2} at first?"}},
    {"make", "co", {"1 Who made {2}?", "2 What did {1} make?"}},
    {"buy", "co", {"1 Who bought {2}?", "2 What did {1} buy?"}},
    {"find", "co", {"1 Who found {2}?", "2 What did {1} find?"}},
    {"hid", "ow", {"2 Where was {1} found?"}},
    {"lose", "co", {"1 Who lost {2}?", "2 What did {1} lose?"}},
    {"take", "co", {"1 Who took {2}?"}},
    {"give", "cco", {"1 Who gave {3} to {2}?", "3 What did {1} give to {2}?", "2 Who got {3}?"}},
    {"eat", "co", {"1 Who ate {2}?", "2 What did {1} eat?"}},
    {"crack", "o", {"1 What broke?"}},
    {"fix", "co", {"1 Who fixed {2}?"}},
    {"feel", "cw", {"2 How did {1} feel at first?"}},
    {"end", "cw", {"2 How did {1} feel in the end?"}},
    {"help", "cc", {"1 Who helped {2}?", "2 Whom did {1} help?"}},
    {"ask", "cc", {"1 Who asked {2} for help?", "2 Whom did {1} ask for help?"}},
    {"thank", "cc", {"1 Who thanked {2}?", "2 Whom did {1} thank?"}},
    {"teach", "ccw", {"1 Who taught {2}?", "3 What did {2} learn to do?"}},
    {"win", "c", {"1 Who won?"}},
    {"play", "ccw", {"3 What game did they play?"}},
    {"love", "cw", {"2 What did {1} love?"}},
    {"colour", "ow", {"2 What colour was {1}?"}},
    {"weather", "w", {"1 What was the weather like?"}},
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

void event_add_all(Tale *s, Span effects, size_t at)
{
    if (effects.n == 0) return;
    const char *p = effects.p, *end = p + effects.n;
    while (p < end) {
        Event e = {.at = at};
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
