/* lexicon.c: finds a word list by its name and walks over its items. */
#include "teller_impl.h"

#include <string.h>

static bool is_named(const WordList *l, Span name)
{
    return strlen(l->name) == (size_t)name.n && memcmp(l->name, name.p, (size_t)name.n) == 0;
}

const WordList *lexicon_find(Span name)
{
    for (int i = 0; i < lexicon_n_people; i++)
        if (is_named(&lexicon_people[i], name)) return &lexicon_people[i];
    for (int i = 0; i < lexicon_n_places; i++)
        if (is_named(&lexicon_places[i], name)) return &lexicon_places[i];
    CHECK(false, "no word list is named '%.*s'", name.n, name.p);
    return NULL;
}

Span lexicon_next(const char **at, int *sort)
{
    const char *p = *at;
    int n = (int)strcspn(p, ",:");
    *at = p + n;
    if (p[n] == ':') {
        *sort = p[n + 1] == 's' ? SHE : HE;
        *at += 2;
    }
    if (**at == ',') ++*at;
    return (Span){p, n};
}

bool lexicon_takes_an(Span w)
{
    if (w.n >= 3 &&
        (memcmp(w.p, "uni", 3) == 0 || memcmp(w.p, "use", 3) == 0 || memcmp(w.p, "uku", 3) == 0))
        return false;
    if (w.n >= 4 && memcmp(w.p, "hone", 4) == 0 && w.p[4] == 's') return true;
    return w.n > 0 && memchr("aeiouAEIOU", w.p[0], 10) != NULL;
}
