/* template.c: sentences with holes, and what is written into them.
 *
 *   (ran/walked)     one of these texts          [adv]  [an look]   a word of a list, with a or an
 *   [o:toy+gem]      a word that is kept as o    [q>:outdoor]       kept; printed without "in", "at"
 *   {A} {A's}        by name                     {a} {a*} {a's}     he or Tom, him or Tom, his
 *   {o} {o*} {o-}    the ball, it, ball          {s} {s>}           in the barn, the barn
 *   [A:child]        "girl named Lily"           [B:friend]         "her cousin Tom" (the cousin is j)
 *
 * A pronoun stands only for the last person named, "it" only for the last thing; anyone else goes by
 * name. Where she or he may stand the name may too: a choice, and only "his" is always said. The first
 * letter of a sentence becomes a capital. A word that is kept differs from all others kept. */
#include "teller_impl.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LISTS_MAX = 4 };

Thing *tale_var(Tale *s, char letter)
{
    CHECK(isalpha((unsigned char)letter) && letter < 'z', "variable '%c'", letter);
    return &s->var[letter >= 'a' ? letter - 'a' : 26 + (letter - 'A') % 6];
}

static const Thing *var_of(const Tale *s, char letter)
{
    return tale_var((Tale *)(uintptr_t)s, letter);
}

bool tale_has(const Tale *s, char letter)
{
    const Thing *v = var_of(s, letter);
    return v->text.n > 0 || v->made[0];
}

Span tale_word(const Tale *s, char letter)
{
    const Thing *v = var_of(s, letter);
    return v->made[0] ? (Span){v->made, (int)strlen(v->made)} : v->text;
}

Span tale_name(const Tale *s, char letter, char *buf)
{
    Span w = tale_word(s, letter);
    CHECK(w.n > 0, "variable '%c' is used before it is known", letter);
    int sort = var_of(s, letter)->sort;
    bool named = isupper((unsigned char)w.p[0]),
         thing = sort == IT || isupper((unsigned char)letter);
    int n = snprintf(buf, OPTION_BYTES, "%s%.*s", thing && !named ? "the " : "", w.n, w.p);
    return (Span){buf, n};
}

/* Prints text; its first letter as a capital where a sentence begins. */
static bool print(Teller *t, Span text)
{
    char buf[OPTION_BYTES];
    memcpy(buf, text.p, (size_t)text.n);
    if (teller_at_start(t)) buf[0] = (char)toupper((unsigned char)buf[0]);
    return teller_text(t, buf, (size_t)text.n);
}

/* ---- who was named last ---- */
static void named(Tale *s, char letter)
{
    if (var_of(s, letter)->sort == IT)
        s->thing = letter;
    else if (isupper((unsigned char)letter))
        s->person = letter;
}

/* May a pronoun stand for it? Who has a role ("the baker") is neither she nor he. */
static bool is_meant(const Tale *s, char letter)
{
    int sort = var_of(s, letter)->sort;
    return sort == IT ? s->thing == letter : (sort == SHE || sort == HE) && s->person == letter;
}

/* ---- a word of one or several lists ---- */
typedef struct {
    const Tale *tale;
    const WordList *list[LISTS_MAX];
    int n_lists, n; /* n: items in all lists */
    bool article, bare, fresh, start;
    int i, l, sort; /* item i is the next one, at `at` in list l */
    const char *at;
    Span word; /* the item that was looked at last */
} Slot;

static void slot_step(Slot *c)
{
    if (!*c->at) c->at = c->list[++c->l]->items;
    c->sort = c->list[c->l]->sort;
    c->word = lexicon_next(&c->at, &c->sort);
    c->i++;
}

static void slot_seek(Slot *c, int i)
{
    if (i < c->i || c->i == 0) c->i = 0, c->l = 0, c->at = c->list[0]->items;
    while (c->i <= i) slot_step(c);
}

static bool is_kept(const Tale *s, Span word)
{
    for (int i = 0; i < TALE_VARS; i++)
        if (s->var[i].text.n == word.n && memcmp(s->var[i].text.p, word.p, (size_t)word.n) == 0)
            return true;
    return false;
}

static bool option_word(void *ctx, int i, char *buf)
{
    Slot *c = ctx;
    slot_seek(c, i);
    Span w = c->word;
    if (c->fresh && is_kept(c->tale, w)) return false;
    if (c->bare) {
        int skip = (int)((const char *)memchr(w.p, ' ', (size_t)w.n) - w.p) + 1;
        w = (Span){w.p + skip, w.n - skip};
    }
    const char *article = !c->article ? "" : lexicon_takes_an(w) ? "an " : "a ";
    snprintf(buf, OPTION_BYTES, "%s%.*s", article, w.n, w.p);
    if (c->start) buf[0] = (char)toupper((unsigned char)buf[0]);
    return true;
}

/* Chooses a word; keeps it if letter is not 0. */
static bool run_slot(Teller *t, Tale *s, Slot *c, char letter)
{
    c->tale = s;
    c->start = teller_at_start(t);
    c->fresh = letter != 0;
    for (int l = 0; l < c->n_lists; l++) {
        c->n++;
        for (const char *p = c->list[l]->items; *p; p++) c->n += *p == ',';
    }
    int i = teller_choose(t, c->n, option_word, c);
    if (i < 0) return false;
    if (!letter) return true;
    slot_seek(c, i);
    Thing *v = tale_var(s, letter);
    CHECK(!tale_has(s, letter), "variable '%c' is bound twice", letter);
    *v = (Thing){.text = c->word, .sort = c->sort};
    teller_so_far(t, &v->at);
    named(s, letter);
    return true;
}

static bool run_list(Teller *t, Tale *s, const char *name, char letter)
{
    Slot c = {.n_lists = 1, .list = {lexicon_find((Span){name, (int)strlen(name)})}};
    return run_slot(t, s, &c, letter);
}

/* ---- people ---- */
static Span possessive(const Tale *s, char letter, char *buf)
{
    static const char *const his[] = {[SHE] = "her", [HE] = "his", [IT] = "its"};
    if (is_meant(s, letter)) return (Span){his[var_of(s, letter)->sort], 3};
    Span w = tale_name(s, letter, buf);
    memcpy(buf + w.n, "'s", 3);
    return (Span){buf, w.n + 2};
}

/* "girl named Lily": one in four has a name that nobody had before. */
static bool run_child(Teller *t, Tale *s, char letter)
{
    Thing *v = tale_var(s, letter);
    if (tale_has(s, letter)) { /* a user asked for her */
        Span w = tale_word(s, letter);
        named(s, letter);
        return teller_puts(t, v->sort == SHE ? "girl" : "boy") && teller_puts(t, " named ") &&
               teller_text(t, w.p, (size_t)w.n);
    }
    int boy = teller_either(t, (Span){"girl/boy", 8});
    if (boy < 0 || !teller_puts(t, " named ")) return false;
    unsigned odds[2] = {3, 1};
    int invented = t->reading && t->pos < t->n && t->in[t->pos] && strchr("VXZ", t->in[t->pos]);
    if (!teller_weigh(t, odds, 2, invented)) return run_list(t, s, boy ? "boy" : "girl", letter);
    v->sort = boy ? HE : SHE;
    named(s, letter);
    if (!teller_invent(t, "VXZ", v->made)) return false;
    teller_so_far(t, &v->at);
    return true;
}

/* "her cousin Tom", "Lily's cousin Tom" */
static bool run_friend(Teller *t, Tale *s, char letter)
{
    char buf[OPTION_BYTES];
    if (!print(t, possessive(s, 'A', buf)) || !teller_puts(t, " ") ||
        !run_list(t, s, "relation", 'j'))
        return false;
    int sort = tale_var(s, 'j')->sort;
    tale_var(s, 'j')->sort = NOBODY;
    Slot c = {.n_lists = sort == ANYONE ? 2 : 1};
    c.list[0] = lexicon_find((Span){sort == HE ? "lad" : "lass", sort == HE ? 3 : 4});
    c.list[1] = lexicon_find((Span){"lad", 3});
    return teller_puts(t, " ") && run_slot(t, s, &c, letter);
}

/* ---- the pieces of a template ---- */
static bool run_hole(Teller *t, Tale *s, Span hole)
{
    Slot c = {0};
    char letter = 0;
    if (hole.n > 3 && memcmp(hole.p, "an ", 3) == 0) c.article = true, hole.p += 3, hole.n -= 3;
    if (hole.n > 2 && (hole.p[1] == ':' || hole.p[2] == ':')) {
        letter = hole.p[0];
        c.bare = hole.p[1] == '>';
        hole.p += 2 + c.bare, hole.n -= 2 + c.bare;
    }
    if (hole.n == 5 && memcmp(hole.p, "child", 5) == 0) return run_child(t, s, letter);
    if (hole.n == 6 && memcmp(hole.p, "friend", 6) == 0) return run_friend(t, s, letter);
    for (const char *end = hole.p + hole.n; hole.p < end;) {
        const char *plus = memchr(hole.p, '+', (size_t)(end - hole.p));
        int n = (int)((plus ? plus : end) - hole.p);
        CHECK(c.n_lists < LISTS_MAX, "too many lists at '%.*s'", n, hole.p);
        c.list[c.n_lists++] = lexicon_find((Span){hole.p, n});
        hole.p += n + 1;
    }
    return run_slot(t, s, &c, letter);
}

/* The pronoun or the name: both are right, and the world chooses. */
typedef struct {
    Span word[2];
    bool start;
} Naming;

static bool option_naming(void *ctx, int i, char *buf)
{
    const Naming *c = ctx;
    snprintf(buf, OPTION_BYTES, "%.*s", c->word[i].n, c->word[i].p);
    if (c->start) buf[0] = (char)toupper((unsigned char)buf[0]);
    return true;
}

static bool run_reference(Teller *t, Tale *s, Span r)
{
    static const char *const he[] = {[SHE] = "she", [HE] = "he", [IT] = "it"};
    static const char *const him[] = {[SHE] = "her", [HE] = "him", [IT] = "it"};
    char buf[OPTION_BYTES], suffix = r.n > 1 ? r.p[1] : 0;
    bool person = toupper((unsigned char)r.p[0]) <= 'C', by_name = isupper((unsigned char)r.p[0]);
    char letter = person ? (char)toupper((unsigned char)r.p[0]) : r.p[0];
    int sort = var_of(s, letter)->sort;
    bool pronoun = is_meant(s, letter) && !by_name && (person || suffix == '*');
    Span w = tale_name(s, letter, buf);
    if (suffix == '-')
        w = tale_word(s, letter);
    else if (suffix == '>') {
        const char *blank = memchr(w.p, ' ', (size_t)w.n);
        w = (Span){blank + 1, w.n - (int)(blank + 1 - w.p)};
    } else if (suffix == '\'' && by_name) {
        memcpy(buf + w.n, "'s", 3);
        w.n += 2;
    } else if (suffix == '\'')
        w = possessive(s, letter, buf);
    named(s, letter);
    if (!pronoun || (suffix && suffix != '*')) return print(t, w);
    const char *p = suffix == '*' ? him[sort] : he[sort];
    Naming both = {{{p, (int)strlen(p)}, w}, teller_at_start(t)};
    return teller_choose(t, 2, option_naming, &both) >= 0;
}

bool template_run(Teller *t, Tale *s, Span form)
{
    const char *p = form.p, *end = p + form.n;
    while (p < end) {
        const char *q = p;
        while (q < end && *q != '[' && *q != '{' && *q != '(') q++;
        if (q > p && !teller_text(t, p, (size_t)(q - p))) return false;
        if (q == end) break;
        char close = *q == '[' ? ']' : *q == '{' ? '}' : ')';
        p = memchr(q, close, (size_t)(end - q));
        CHECK(p, "no '%c' in '%.*s'", close, form.n, form.p);
        Span inside = {q + 1, (int)(p++ - q - 1)};
        bool ok = close == ']'   ? run_hole(t, s, inside)
                  : close == '}' ? run_reference(t, s, inside)
                                 : teller_either(t, inside) >= 0;
        if (!ok) return false;
    }
    return true;
}

/* ---- several templates ---- */
int template_count(Span forms)
{
    int n = 1;
    for (int i = 0; i < forms.n; i++) n += forms.p[i] == '|';
    return n;
}

Span template_nth(Span forms, int i)
{
    const char *p = forms.p, *end = p + forms.n;
    for (; i > 0; i--) p = (const char *)memchr(p, '|', (size_t)(end - p)) + 1;
    const char *stop = memchr(p, '|', (size_t)(end - p));
    if (!stop) stop = end;
    while (p < stop && *p == ' ') p++;
    while (stop > p && stop[-1] == ' ') stop--;
    return (Span){p, (int)(stop - p)};
}

/* A quick look before an attempt: does the fixed text fit that the template begins with? */
static bool begins(Teller t, Span form)
{
    int n = 0;
    while (n < form.n && !strchr("[{(", form.p[n])) n++;
    return teller_text(&t, form.p, (size_t)n);
}

//@ begin world-one-of
int template_one_of(Teller *t, Tale *s, Span forms)
{
    int n = template_count(forms), seen = -1;
    if (!t->reading) {
        seen = teller_even(t, n, 0);
        return template_run(t, s, template_nth(forms, seen)) ? seen : -1;
    }
    Teller before = *t, attempt;
    Tale was = *s, tale;
    for (int i = 0; i < n; i++) {
        Span form = template_nth(forms, i);
        if (!begins(before, form)) continue;
        attempt = before, tale = was;
        teller_even(&attempt, n, i);
        if (!template_run(&attempt, &tale, form)) continue;
        if (seen >= 0 && t->fault) t->fault->ambiguous = true;
        seen = i, *t = attempt, *s = tale;
    }
    return seen;
}
//@ end world-one-of
