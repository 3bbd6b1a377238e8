/* world.c: whole documents, written and read back.
 *
 * Writing number `index` of a seed starts a random sequence of its own, so that documents do not
 * depend on each other. Reading runs the same program with the text in place of the dice: if it comes
 * to the end of the text, the text is in the language of the world, and the choices on the way are
 * the ones that made it. */
#include "teller_impl.h"

#include <stdio.h>
#include <string.h>

static const unsigned kind_weights[DOC_KINDS] = {5, 1, 1, 3, 2, 1, 2, 2};

static bool story_document(Teller *t, Tale *s)
{
    if (!story_run(t, s) || !teller_puts(t, "\n")) return false;
    for (unsigned i = 0; i < 3 && teller_more(t, 1, i ? 2 : 5, "Q: "); i++)
        if (!story_ask(t, s, "Q: ", "\nA: ", "\n")) return false;
    return true;
}

static bool scene_document(Teller *t, Tale *s)
{
    if (!teller_puts(t, "Scene: ") || !story_begin(t, s) || !teller_puts(t, "\n")) return false;
    for (unsigned i = 0; i < 3 && story_n_questions(t, s) > 0 && (i == 0 || teller_more(t, 2, 1, "Q: ")); i++)
        if (!story_ask(t, s, "Q: ", "\nA: ", "\n")) return false;
    return true;
}

static bool run_kind(Teller *t, Tale *s, int kind)
{
    switch (kind) {
    case DOC_STORY:
        return story_document(t, s);
    case DOC_LIST:
        return list_run(t);
    case DOC_SUM:
        return sum_run(t);
    case DOC_COPY:
        return copy_run(t);
    case DOC_FACTS:
        return facts_run(t);
    case DOC_SCENE:
        return scene_document(t, s);
    case DOC_RECORD:
        return record_run(t, s);
    default:
        return chat_run(t, s);
    }
}

/* Reads a text of any kind: the one whose program comes to the end of it. */
static int read_any(Teller *t, Tale *s)
{
    int seen = -1;
    const Teller before = *t;
    for (int k = 0; k < DOC_KINDS; k++) {
        Teller attempt = before;
        Tale tale = {0};
        teller_weigh(&attempt, kind_weights, DOC_KINDS, k);
        if (!run_kind(&attempt, &tale, k)) continue;
        if (attempt.pos < attempt.n) {
            if (attempt.pos >= t->fault->at)
                *t->fault = (Fault){attempt.pos, "the end", t->fault->ambiguous};
            continue;
        }
        if (seen >= 0 && t->fault) t->fault->ambiguous = true;
        seen = k, *t = attempt, *s = tale;
    }
    return seen;
}

int document_run(Teller *t, Tale *s, int kind)
{
    if (kind < 0 && t->reading) return read_any(t, s);
    if (kind < 0) kind = teller_weigh(t, kind_weights, DOC_KINDS, 0);
    return run_kind(t, s, kind) ? kind : -1;
}

static int words_in(const char *s, size_t n)
{
    int words = 0;
    for (size_t i = 0; i < n; i++)
        words += s[i] != ' ' && s[i] != '\n' && (i == 0 || s[i - 1] == ' ' || s[i - 1] == '\n');
    return words;
}

Status world_document(Document *d, uint64_t seed, uint64_t index, int kind, Err *err)
{
    CHECK(kind < DOC_KINDS, "kind %d of %d", kind, DOC_KINDS);
    Rng mix = rng_seed(seed);
    Tale tale = {0};
    buf_clear(&d->text);
    Teller t = {
        .rng = rng_seed(rng_u64(&mix) ^ index * 0x9E3779B97F4A7C15u), .out = &d->text, .err = err};
    int made = document_run(&t, &tale, kind);
    if (t.status != OK) return t.status;
    CHECK(made >= 0, "document %llu of seed %llu ended early", (unsigned long long)index,
          (unsigned long long)seed);
    d->kind = (DocKind)made;
    d->bits = t.bits;
    d->trail = t.trail;
    d->n_words = words_in(d->text.data, d->text.len);
    _Static_assert((int)DOCUMENT_ANSWERS == (int)TALE_ASKED, "all of a tale's answers");
    d->n_answers = tale.n_asked;
    for (int i = 0; i < tale.n_asked; i++) {
        const Asked *a = &tale.asked[i];
        d->answer[i] = (DocumentAnswer){
            a->at, a->n, event_verbs[tale.event[a->event].verb].ask[a->form].question};
    }
    return OK;
}

const char *world_kind_name(DocKind kind)
{
    static const char *const names[DOC_KINDS] = {"story", "list", "sum", "copy", "record", "facts", "scene", "chat"};
    CHECK(kind < DOC_KINDS, "kind %d of %d", (int)kind, DOC_KINDS);
    return names[kind];
}

void document_close(Document *d)
{
    buf_close(&d->text);
    *d = (Document){0};
}

static bool read_text(const char *text, size_t n, Tale *tale, WorldReading *r, char *why,
                      size_t why_bytes)
{
    Fault fault = {0};
    Teller t = {.reading = true, .in = text, .n = n, .fault = &fault};
    int kind = n > WORLD_TEXT_MAX ? -1 : document_run(&t, tale, -1);
    if (n > WORLD_TEXT_MAX)
        snprintf(why, why_bytes, "the text has %zu bytes, the limit is %d", n, WORLD_TEXT_MAX);
    else if (kind < 0) {
        char found[25] = "the end";
        if (fault.at < n)
            snprintf(found, sizeof found, "%.*s", (int)(n - fault.at < 24 ? n - fault.at : 24),
                     text + fault.at);
        snprintf(why, why_bytes, "byte %zu: '%s' does not fit; expected for example '%s'", fault.at,
                 found, fault.expected);
    }
    if (kind < 0) {
        why_one_line(why, why_bytes);
        return false;
    }
    *r = (WorldReading){
        .kind = (DocKind)kind, .bits = t.bits, .trail = t.trail, .ambiguous = fault.ambiguous};
    return true;
}

bool world_read(WorldReading *r, const char *text, size_t n, char *why, size_t why_bytes)
{
    Tale tale = {0};
    return read_text(text, n, &tale, r, why, why_bytes);
}

bool world_check(const char *text, size_t n, char *why, size_t why_bytes)
{
    Tale tale = {0};
    WorldReading r;
    return read_text(text, n, &tale, &r, why, why_bytes) && events_judge(&tale, why, why_bytes) &&
           world_check_text(text, n, why, why_bytes);
}

/* ---- how many words the tables hold ---- */
enum { WORD_SLOTS = 1 << 13 };
typedef struct {
    uint64_t slot[WORD_SLOTS];
    int n;
} WordSet;

/* Adds every run of letters; words differ if their letters do, whatever the case. */
static void add_words(WordSet *set, const char *s)
{
    for (uint64_t h = 0;; s++) {
        bool is_letter = (*s | 32) >= 'a' && (*s | 32) <= 'z';
        if (is_letter) {
            h = (h ^ (uint64_t)(*s | 32)) * 0x9E3779B97F4A7C15u + 1;
        } else if (h) {
            int i = (int)(h >> 40) % WORD_SLOTS;
            while (set->slot[i] && set->slot[i] != h) i = (i + 1) % WORD_SLOTS;
            set->n += !set->slot[i];
            CHECK(set->n < WORD_SLOTS, "more than %d words", WORD_SLOTS);
            set->slot[i] = h, h = 0;
        }
        if (!*s) return;
    }
}

int world_word_count(void)
{
    WordSet set = {0};
    for (int i = 0; i < lexicon_n_people; i++) add_words(&set, lexicon_people[i].items);
    for (int i = 0; i < lexicon_n_places; i++) add_words(&set, lexicon_places[i].items);
    return set.n;
}
