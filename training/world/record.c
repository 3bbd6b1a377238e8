/* record.c: a story and what it comes down to, as one line of JSON. The record holds no choice: all of
 * it follows from the story. */
#include "teller_impl.h"

#include <string.h>

static bool field(Teller *t, const char *key, Span value)
{
    return teller_puts(t, *key == 't' && key[1] == 'i' ? "{\"" : ", \"") && teller_puts(t, key) &&
           teller_puts(t, "\": \"") && teller_text(t, value.p, (size_t)value.n) &&
           teller_puts(t, "\"");
}

/* "in the garden" becomes "garden". */
static Span place_alone(Span place)
{
    const char *p = memchr(place.p, ' ', (size_t)place.n);
    p += 5; /* " the " */
    return (Span){p, place.n - (int)(p - place.p)};
}

bool record_run(Teller *t, Tale *s)
{
    static const struct {
        const char *key;
        char letter;
    } fields[] = {{"hero", 'A'},   {"place", 's'}, {"other", 'B'},
                  {"animal", 'C'}, {"thing", 'o'}, {"feeling", 'e'}};
    if (!teller_puts(t, "Story: ") || !story_run(t, s) || !teller_puts(t, "\nRecord: "))
        return false;
    if (!field(t, "title", (Span){s->schema->title, (int)strlen(s->schema->title)})) return false;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!tale_has(s, fields[i].letter)) continue;
        Span w = tale_word(s, fields[i].letter);
        if (!field(t, fields[i].key, fields[i].letter == 's' ? place_alone(w) : w)) return false;
    }
    return teller_puts(t, "}\n");
}
