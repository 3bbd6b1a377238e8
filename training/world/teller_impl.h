/* teller_impl.h: one program that runs in two directions (private to training/world).
 *
 * A Teller either tells (draws choices, appends text) or reads (is given a text and finds the choices
 * that made it). The story code above it is the same for both: it calls teller_text for what is fixed
 * and teller_choose for what is free. When reading, every choice must fit exactly one option; two
 * would mean that the text is ambiguous, none that the world could not have written it.
 *
 * Interface:
 * - Functions that return bool say "go on": false means that the text does not fit (reading) or that
 *   memory was refused (telling, see Teller.status). Then the whole attempt is given up.
 * - A copy of a Teller and a Tale is a point to come back to (attempts when reading).
 * - Items of word lists are spans of constant tables; nothing here is allocated but Teller.out. */
#ifndef SIXFOLD_TELLER_IMPL_H
#define SIXFOLD_TELLER_IMPL_H

#include "world.h"

typedef struct {
    const char *p;
    int n;
} Span;

/* ---- words ---- */
enum { NOBODY, SHE, HE, IT, ANYONE, PLACE, SPOT, MOOD }; /* sorts; SHE, HE, IT have pronouns */

typedef struct {
    const char *name;
    int sort;
    const char *items; /* separated by commas; "Mum:s" and "Dad:h" state the sort of one item */
} WordList;

extern const WordList lexicon_people[], lexicon_places[];
extern const int lexicon_n_people, lexicon_n_places;

const WordList *lexicon_find(Span name);       /* CHECKs that it is there */
Span lexicon_next(const char **at, int *sort); /* next item of a list; n = 0 at the end */
bool lexicon_takes_an(Span word);              /* "an owl", but "a unicorn" */

/* ---- the teller ---- */
typedef struct {
    size_t at;         /* furthest byte that was reached */
    char expected[80]; /* what the last attempt there wanted */
    bool ambiguous;    /* some choice fitted two options: an error in our tables */
} Fault;

typedef struct {
    bool reading;
    Rng rng;
    Buf *out;       /* telling */
    const char *in; /* reading: n bytes, of which pos are understood */
    size_t n, pos;
    double bits;
    uint64_t trail; /* hash of all choices made */
    Fault *fault;
    Status status;
    Err *err;
} Teller;

bool teller_text(Teller *t, const char *s, size_t n);
bool teller_puts(Teller *t, const char *s);
/* The text so far, and whether a sentence begins here. */
const char *teller_so_far(const Teller *t, size_t *n);
bool teller_at_start(const Teller *t);
/* Draws one of n with these weights; when reading, seen is the option that the text shows. */
int teller_weigh(Teller *t, const unsigned *weights, int n, int seen);
int teller_even(Teller *t, int n, int seen); /* the same with equal weights */

/* Option i as it would be printed, into buf; false if it may not be chosen now. */
enum { OPTION_BYTES = 96 };
typedef bool TellerOption(void *ctx, int i, char *buf);
/* Prints one of n options, all equally likely; its number, or -1. An option is read up to the end of
 * its last word, so that "bat" does not fit "bath". */
int teller_choose(Teller *t, int n, TellerOption *option, void *ctx);
/* Prints one of the texts, separated by `/`. */
int teller_either(Teller *t, Span texts);
/* Prints a whole number of [low, high]; -1 if there is none. */
int teller_number(Teller *t, int low, int high);
/* Whether to go on, with odds yes : no. Reading goes on if `more` follows (NULL: if anything does). */
bool teller_more(Teller *t, unsigned yes, unsigned no, const char *more);
/* An invented name of 5 to 7 letters, written into name (16 bytes). */
bool teller_invent(Teller *t, const char *initials, char *name);

/* ---- a tale: who and what is in it, and what happened ---- */
enum { TALE_VARS = 32, TALE_EVENTS = 56, TALE_ASKED = 4 };

typedef struct {
    Span text;     /* word as in its list */
    char made[16]; /* an invented name instead of text */
    int sort;
    size_t
        at; /* where it was introduced; sort and at are meaningless while text and made are empty */
} Thing;

typedef struct {
    int verb;    /* row of event_verbs */
    char arg[3]; /* letters of the variables */
    size_t from, at; /* begin and end of its sentences */
} Event;

typedef struct {
    int event, form;
    size_t at, n; /* the answer in the document, without its full stop */
} Asked;

typedef struct Schema Schema;

typedef struct {
    Thing var[TALE_VARS];
    char person, thing; /* the last ones named: whom "she" or "he", and what "it" would mean */
    Event event[TALE_EVENTS];
    int n_events;
    const Schema *schema;
    size_t begin, end; /* the story's bytes in the document */
    bool unfinished;   /* it breaks off: wishes may be open */
    Asked asked[TALE_ASKED];
    int n_asked;
} Tale;

Thing *tale_var(Tale *s, char letter);
bool tale_has(const Tale *s, char letter);
Span tale_word(const Tale *s, char letter);
/* "the lantern", "Lily", "the baker", "in the garden" */
Span tale_name(const Tale *s, char letter, char *buf);

/* Expands one template; see template.c for its language. */
bool template_run(Teller *t, Tale *s, Span form);
/* Runs the template of forms (separated by `|`) that the choice or the text demands; its number or -1. */
int template_one_of(Teller *t, Tale *s, Span forms);
int template_count(Span forms);
Span template_nth(Span forms, int i);

/* ---- events ---- */
/* A question and its answer; {1} is the event's first argument by name, {1-} its bare word. */
typedef struct {
    int asked;            /* which argument the question asks for: 1, 2 or 3; 0 = no question */
    const char *said;     /* one of these words the event's sentences must hold; NULL: whatever they say */
    const char *question; /* "Who found {2}?" */
    const char *answer;   /* "{1}" */
} EventAsk;

enum { EVENT_ASKS = 3 };
typedef struct {
    const char *name;
    const char *who; /* sorts of arguments: c character, o object, w any word */
    EventAsk ask[EVENT_ASKS];
} EventVerb;
extern const EventVerb event_verbs[];
extern const int event_n_verbs;
/* "give A B o; thank B A", told in the bytes from .. at of the document */
void event_add_all(Tale *s, Span effects, size_t from, size_t at);
int event_verb(Span name);
bool events_judge(const Tale *s, char *why, size_t why_bytes); /* consistent? check.c */

void why_one_line(char *why,
                  size_t why_bytes); /* bytes of the text in a complaint become printable */

/* ---- schemata ---- */
enum { SCHEMA_BEATS = 9, ANYWHERE = 0, OUTSIDE = 1, INSIDE = 2 };
struct Schema {
    const char *title;
    int where;
    const char
        *beats[SCHEMA_BEATS]; /* "effects :: template | template"; ~ may be left out; @ shared */
};
typedef struct {
    const char *name, *beat;
} SharedBeat;
extern const Schema schemas_things[], schemas_others[], schemas_deeds[], schemas_days[];
extern const int schemas_n_things, schemas_n_others, schemas_n_deeds, schemas_n_days;
const Schema *schema_at(int i);            /* 0 <= i < world_schema_count() */
const char *schema_beat(const char *beat); /* follows @ */

/* ---- kinds of document ---- */
bool story_run(Teller *t, Tale *s);
bool story_begin(Teller *t, Tale *s); /* the first sentences only: an unfinished tale */
int story_n_questions(const Teller *t, const Tale *s); /* that can be asked now */
bool story_ask(Teller *t, Tale *s, const char *before, const char *between, const char *after);
bool record_run(Teller *t, Tale *s);
bool chat_run(Teller *t, Tale *s);
bool list_run(Teller *t);
bool sum_run(Teller *t);
bool copy_run(Teller *t);
bool facts_run(Teller *t);
/* Adds two numbers, says an invented word again, counts aloud: parts of documents and of chats. */
bool sum_say(Teller *t, const char *before, const char *between);
int count_choose(Teller *t, int low, int high); /* "seven"; the number, or -1 */
bool count_say(Teller *t, int from, int to);    /* "three, four, five" */
/* Runs a document of a kind, or of any (kind < 0); the kind, or -1. */
int document_run(Teller *t, Tale *s, int kind);

#endif
