/* check_text.c: what a stranger would check, with nothing but the letters in front of him.
 *
 * - A first name is introduced ("named Lily", "her cousin Tom") before it is used.
 * - An answer stands in the story that it is about.
 * - a + b = c is true wherever it is written.
 * - The hero of a record is the first one named in its story. */
#include "teller_impl.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *p, *end;
} Range;

static const char *find(Range r, const char *what, size_t n)
{
    return r.p < r.end ? memmem(r.p, (size_t)(r.end - r.p), what, n) : NULL;
}

static bool ends_with(const char *begin, const char *at, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(at - begin) >= n && memcmp(at - n, word, n) == 0;
}

/* The first place where name stands as a word of its own. */
static const char *find_word(Range r, Span name)
{
    for (const char *at = r.p; (at = find((Range){at, r.end}, name.p, (size_t)name.n)); at++) {
        bool left = at > r.p && isalpha((unsigned char)at[-1]);
        bool right = at + name.n < r.end && isalpha((unsigned char)at[name.n]);
        if (!left && !right) return at;
    }
    return NULL;
}

static bool introduced(Range story, Span name)
{
    static const char *const before[] = {"named ",     "friend ", "neighbour ", "cousin ",
                                         "classmate ", "sister ", "brother "};
    const char *at = find_word(story, name);
    bool good = !at;
    for (size_t i = 0; !good && i < sizeof before / sizeof *before; i++)
        good = ends_with(story.p, at, before[i]);
    return good;
}

static bool check_names(Range story, char *why, size_t why_bytes)
{
    static const char *const lists[] = {"girl", "boy", "lass", "lad"};
    for (int l = 0; l < 4; l++) {
        const char *at = lexicon_find((Span){lists[l], (int)strlen(lists[l])})->items;
        for (int sort; *at;) {
            Span name = lexicon_next(&at, &sort);
            if (introduced(story, name)) continue;
            snprintf(why, why_bytes, "%.*s acts before being introduced", name.n, name.p);
            return false;
        }
    }
    return true;
}

/* Where the part of an answer begins that must stand in the story: after the last of these words, each a
 * form that answers have ("Lily was in the barn.", "Lily felt proud."; "in the barn" may have
 * been "to the barn"). */
static const char *core_of(const char *p, const char *stop)
{
    static const char *const forms[] = {" the ", "The ", "To ", " was ", " felt ", " played ", " loved ", " learned to "};
    const char *core = p;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t n = strlen(forms[i]);
        const char *at = find((Range){p, stop}, forms[i], n);
        if (at && (forms[i][0] == ' ' || at == p) && at + n > core) core = at + n;
    }
    return core;
}

/* The core of an answer without its full stop is in the story, whatever the case of its first letter. */
static bool check_answer(Range story, const char *p, const char *stop, char *why, size_t why_bytes)
{
    char word[64];
    const char *core = core_of(p, stop);
    size_t n = (size_t)(stop - core);
    if (n > 1 && n < sizeof word && stop[-1] == '.') {
        memcpy(word, core, --n);
        if (find(story, word, n)) return true;
        word[0] = (char)(isupper((unsigned char)*word) ? tolower((unsigned char)*word)
                                                       : toupper((unsigned char)*word));
        if (find(story, word, n)) return true;
    }
    snprintf(why, why_bytes, "the answer '%.*s' is not in the story",
             (int)(stop - p < 60 ? stop - p : 60), p);
    return false;
}

/* A number of at most 6 digits that ends (backwards) or begins (forwards) at p. */
static int number_before(const char *begin, const char *p)
{
    int value = 0, unit = 1;
    const char *q = p;
    while (q > begin && isdigit((unsigned char)q[-1]) && p - q < 6)
        value += unit * (*--q - '0'), unit *= 10;
    return q == p ? -1 : value;
}

static int number_after(const char *p, const char *end)
{
    int value = 0;
    const char *q = p;
    while (q < end && isdigit((unsigned char)*q) && q - p < 6) value = 10 * value + *q++ - '0';
    return q == p ? -1 : value;
}

/* Every "a OP b IS c" in the text. */
static bool check_sums(Range all, const char *op, const char *is, char *why, size_t why_bytes)
{
    size_t n_op = strlen(op), n_is = strlen(is);
    for (const char *at = all.p; (at = find((Range){at, all.end}, op, n_op)); at += n_op) {
        const char *p = at + n_op;
        int a = number_before(all.p, at), b = number_after(p, all.end);
        while (p < all.end && isdigit((unsigned char)*p)) p++;
        if (a < 0 || b < 0 || (size_t)(all.end - p) < n_is || memcmp(p, is, n_is) != 0) continue;
        int c = number_after(p + n_is, all.end);
        if (a + b == c) continue;
        snprintf(why, why_bytes, "%d%s%d%s%d is wrong", a, op, b, is, c);
        return false;
    }
    return true;
}

/* A record says who is the hero; the first name after "named" in the story says it too. */
static bool check_record(Range story, Range record, char *why, size_t why_bytes)
{
    const char *hero = find(record, "\"hero\": \"", 9), *named = find(story, " named ", 7);
    if (!hero || !named) {
        snprintf(why, why_bytes, "the record or its story names no hero");
        return false;
    }
    hero += 9, named += 7;
    int n = 0;
    while (named + n < story.end && isalpha((unsigned char)named[n])) n++;
    if (record.end - hero > n && memcmp(hero, named, (size_t)n) == 0 && hero[n] == '"') return true;
    int n_hero = record.end - hero < 12 ? (int)(record.end - hero) : 12;
    snprintf(why, why_bytes, "the hero of the story is %.*s, not %.*s", n < 20 ? n : 20, named, n_hero, hero);
    return false;
}

/* Where the story stands: alone at the beginning, after "Story: ", or in the assistant's first turn. */
static Range story_of(Range all)
{
    static const char turn[] = WORLD_IM_START "assistant\n", label[] = "Story: ";
    const char *at = find(all, turn, sizeof turn - 1);
    Range r = {at ? at + sizeof turn - 1 : all.p, all.end};
    const char *stop =
        at ? find(r, WORLD_IM_END, strlen(WORLD_IM_END)) : memchr(r.p, '\n', (size_t)(r.end - r.p));
    if (stop) r.end = stop;
    if ((size_t)(r.end - r.p) > sizeof label && memcmp(r.p, label, sizeof label - 1) == 0)
        r.p += sizeof label - 1;
    return r;
}

static bool check_all(const char *text, size_t n, char *why, size_t why_bytes)
{
    static const char turn[] = WORLD_IM_START "assistant\n";
    Range all = {text, text + n}, story = n ? story_of(all) : all;
    if (n == 0) {
        snprintf(why, why_bytes, "the text is empty");
        return false;
    }
    if (!check_sums(all, " + ", " = ", why, why_bytes) ||
        !check_sums(all, " plus ", " is ", why, why_bytes))
        return false;
    if (!find(story, " named ", 7))
        return true; /* no story: nothing more can be told from outside */
    if (!check_names(story, why, why_bytes)) return false;
    const char *record = find(all, "\nRecord: ", 9);
    if (record && !check_record(story, (Range){record, all.end}, why, why_bytes)) return false;
    for (const char *at = story.end; at < all.end;) {
        const char *q = find((Range){at, all.end}, "\nA: ", 4),
                   *c = find((Range){at, all.end}, turn, sizeof turn - 1);
        const char *p = q ? q + 4 : c ? c + sizeof turn - 1 : NULL;
        if (!p) break;
        const char *stop = q ? memchr(p, '\n', (size_t)(all.end - p))
                             : find((Range){p, all.end}, WORLD_IM_END, strlen(WORLD_IM_END));
        if (!check_answer(story, p, stop ? stop : all.end, why, why_bytes)) return false;
        at = p;
    }
    return true;
}

void why_one_line(char *why, size_t why_bytes)
{
    for (size_t i = 0; i < why_bytes && why[i]; i++)
        if (why[i] < ' ' || why[i] > '~') why[i] = '?';
}

bool world_check_text(const char *text, size_t n, char *why, size_t why_bytes)
{
    bool good = check_all(text, n, why, why_bytes);
    if (!good) why_one_line(why, why_bytes);
    return good;
}
