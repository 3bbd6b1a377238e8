/* story.c: an opening, the beats of one schema, the questions afterwards.
 *
 * The opening names the hero and says where she is. The first beat of a schema tells which schema it
 * is: no two schemata share a first sentence. A beat is a few templates and the events that they
 * carry; "~" marks one that is left out half of the time. */
#include "teller_impl.h"

#include <ctype.h>
#include <string.h>

static Span span(const char *s)
{
    return (Span){s, (int)strlen(s)};
}

/* ---- beats ---- */
typedef struct {
    Span effects, forms;
    bool optional;
} Beat;

static Beat beat_of(const char *text)
{
    Beat b = {.optional = *text == '~'};
    text = schema_beat(text + b.optional);
    const char *sign = strstr(text, "::");
    if (sign) b.effects = (Span){text, (int)(sign - text)};
    b.forms = span(sign ? sign + 2 : text);
    return b;
}

static bool beat_run(Teller *t, Tale *s, const char *text)
{
    Beat b = beat_of(text);
    if (b.optional) {
        int seen = 0;
        if (t->reading) {
            Teller attempt = *t;
            Tale tale = *s;
            seen = teller_puts(&attempt, " ") && template_one_of(&attempt, &tale, b.forms) >= 0;
        }
        if (!teller_even(t, 2, seen)) return true;
    }
    bool alone = !tale_has(s, 'j');
    size_t from, at;
    teller_so_far(t, &from);
    if (!teller_puts(t, " ") || template_one_of(t, s, b.forms) < 0) return false;
    teller_so_far(t, &at);
    if (alone && tale_has(s, 'j')) event_add_all(s, span("friend A B j"), from, at);
    event_add_all(s, b.effects, from, at);
    return true;
}

/* ---- which schema ---- */
static bool allowed(const Schema *c, const Tale *s)
{
    static const char in[] = "indoor";
    const WordList *inside = lexicon_find((Span){in, 6});
    Span place = tale_word(s, 's');
    bool within = place.p >= inside->items && place.p < inside->items + strlen(inside->items);
    return c->where == ANYWHERE || (c->where == INSIDE) == within;
}

/* The schema whose first beat is told next in the text; -1 if there is none. */
static int schema_seen(const Teller *t, const Tale *s)
{
    int seen = -1;
    for (int i = 0, n = 0; i < world_schema_count(); i++) {
        if (!allowed(schema_at(i), s)) continue;
        Teller attempt = *t;
        Tale tale = *s;
        Beat b = beat_of(schema_at(i)->beats[0]);
        if (teller_puts(&attempt, " ") && template_one_of(&attempt, &tale, b.forms) >= 0) {
            if (seen >= 0 && t->fault) t->fault->ambiguous = true;
            seen = n;
        }
        n++;
    }
    return seen;
}

static bool choose_schema(Teller *t, Tale *s)
{
    int n = 0, seen = t->reading ? schema_seen(t, s) : 0;
    if (seen < 0) return false;
    for (int i = 0; i < world_schema_count(); i++) n += allowed(schema_at(i), s);
    seen = teller_even(t, n, seen);
    for (int i = 0; i < world_schema_count(); i++)
        if (allowed(schema_at(i), s) && seen-- == 0) s->schema = schema_at(i);
    return true;
}

static bool open_story(Teller *t, Tale *s)
{
    static const char who[] = "Once upon a time, there was [an trait] [A:child]. | There once was "
                              "[an trait] [A:child]. | "
                              "Long ago, there lived [an trait] [A:child]. | This is the story of "
                              "[an trait] [A:child]. | "
                              "Far away, in [an look] house, lived [an trait] [A:child]. | "
                              "Everybody knew [an trait] [A:child].";
    teller_so_far(t, &s->begin);
    return template_one_of(t, s, span(who)) >= 0 && beat_run(t, s, "~@loves") &&
           (!tale_has(s, 'm') || beat_run(t, s, "@companion")) && beat_run(t, s, "@place");
}

bool story_run(Teller *t, Tale *s)
{
    if (!open_story(t, s) || !beat_run(t, s, "@opening") || !choose_schema(t, s)) return false;
    for (int i = 0; i < SCHEMA_BEATS && s->schema->beats[i]; i++)
        if (!beat_run(t, s, s->schema->beats[i])) return false;
    if (tale_has(s, 'm') && !beat_run(t, s, "@asleep")) return false;
    if (!beat_run(t, s, "~@closing")) return false;
    teller_so_far(t, &s->end);
    return true;
}

/* Number of the first beat from i on that is always told; -1 if there is none. */
static int always_told(const Tale *s, int i)
{
    for (; i < SCHEMA_BEATS && s->schema->beats[i]; i++)
        if (*s->schema->beats[i] != '~') return i;
    return -1;
}

bool story_begin(Teller *t, Tale *s)
{
    s->unfinished = true;
    if (!open_story(t, s)) return false;
    if (teller_more(t, 4, 1, " ")) {
        if (!choose_schema(t, s)) return false;
        /* It ends after a beat that is always told: where nothing follows, no other beat was silent. */
        int i = 0, last = 0;
        do {
            for (; i <= last; i++)
                if (!beat_run(t, s, s->schema->beats[i])) return false;
            last = always_told(s, i);
        } while (last > 0 && teller_more(t, 2, 1, " "));
    }
    teller_so_far(t, &s->end);
    return true;
}

/* ---- questions ---- */
/* Another event of the same verb would be asked for in the same words. */
static bool has_rival(const Tale *s, int i, const char *form)
{
    const Event *e = &s->event[i];
    for (int k = 0; k < s->n_events; k++) {
        const Event *f = &s->event[k];
        bool same = k != i && f->verb == e->verb;
        for (const char *p = form; same && (p = strchr(p, '{')); p++)
            same = f->arg[p[1] - '1'] == e->arg[p[1] - '1'];
        if (same) return true;
    }
    return false;
}

typedef struct {
    const Tale *tale;
    int n;
    struct {
        int event, form;
    } row[EVENT_ASKS * TALE_EVENTS];
} Asks;

static const EventAsk *ask_of(const Tale *s, int event, int form)
{
    return &event_verbs[s->event[event].verb].ask[form];
}

/* Whether one of the words (separated by `/`) stands in text[from .. to), as a word of its own. */
static bool says(const char *text, size_t from, size_t to, const char *words)
{
    const char *end = text + to;
    for (const char *word = words;; word++) {
        size_t n = strcspn(word, "/");
        for (const char *p = text + from; (p = memmem(p, (size_t)(end - p), word, n)); p++)
            if (!isalpha((unsigned char)p[-1]) && (p + n == end || !isalpha((unsigned char)p[n]))) return true;
        if (!*(word += n)) return false;
    }
}

/* All questions that the tale answers without doubt and that were not asked yet. */
static void asks_collect(Asks *a, const Teller *t, const Tale *s)
{
    size_t n;
    const char *text = teller_so_far(t, &n);
    a->tale = s;
    a->n = 0;
    for (int i = 0; i < s->n_events; i++)
        for (int f = 0; f < EVENT_ASKS && ask_of(s, i, f)->asked; f++) {
            const EventAsk *q = ask_of(s, i, f);
            bool skip = has_rival(s, i, q->question);
            for (int k = 0; k < s->n_asked; k++) skip |= s->asked[k].event == i && s->asked[k].form == f;
            if (!skip && q->said) skip = !says(text, s->event[i].from, s->event[i].at, q->said);
            if (!skip) a->row[a->n].event = i, a->row[a->n++].form = f;
        }
}

/* A question or an answer with its words filled in, its first letter a capital; its length. */
static size_t fill(char *buf, const Tale *s, const Event *e, const char *form)
{
    char name[OPTION_BYTES];
    size_t n = 0;
    for (const char *p = form; *p;) {
        if (*p != '{') {
            buf[n++] = *p++;
            continue;
        }
        char letter = e->arg[p[1] - '1'];
        Span w = p[2] == '-' ? tale_word(s, letter) : tale_name(s, letter, name);
        memcpy(buf + n, w.p, (size_t)w.n);
        n += (size_t)w.n;
        if (p[2] == '\'') buf[n++] = '\'', buf[n++] = 's';
        p = strchr(p, '}') + 1;
    }
    CHECK(n < OPTION_BYTES, "a question of %zu bytes", n);
    buf[n] = 0;
    buf[0] = (char)toupper((unsigned char)buf[0]);
    return n;
}

static bool option_question(void *ctx, int i, char *buf)
{
    const Asks *a = ctx;
    int event = a->row[i].event;
    fill(buf, a->tale, &a->tale->event[event], ask_of(a->tale, event, a->row[i].form)->question);
    return true;
}

int story_n_questions(const Teller *t, const Tale *s)
{
    Asks a;
    asks_collect(&a, t, s);
    return a.n;
}

bool story_ask(Teller *t, Tale *s, const char *before, const char *between, const char *after)
{
    Asks a;
    char answer[OPTION_BYTES];
    asks_collect(&a, t, s);
    if (!teller_puts(t, before)) return false;
    int i = teller_choose(t, a.n, option_question, &a);
    if (i < 0 || !teller_puts(t, between)) return false;
    Asked *q = &s->asked[s->n_asked++];
    *q = (Asked){.event = a.row[i].event, .form = a.row[i].form};
    teller_so_far(t, &q->at);
    q->n = fill(answer, s, &s->event[q->event], ask_of(s, q->event, q->form)->answer);
    return teller_text(t, answer, q->n) && teller_puts(t, ".") && teller_puts(t, after);
}
