/* teller.c: choices, their probability, and the text that shows them.
 *
 *   bits = sum over choices of log2(total weight / weight of the option)
 *
 * Telling draws with integers only; reading recovers the option from the text. Both add the same
 * bits in the same order. The sum is a double: it is reported, it never decides. */
#include "teller_impl.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *teller_so_far(const Teller *t, size_t *n)
{
    *n = t->reading ? t->pos : t->out->len;
    return t->reading ? t->in : t->out->data;
}

/* A sentence begins after a line, after ". ", "! ", "? ", after '." ' and inside an opening quote. */
bool teller_at_start(const Teller *t)
{
    size_t n;
    const char *s = teller_so_far(t, &n);
    if (n == 0 || s[n - 1] == '\n') return true;
    if (n < 3) return false;
    if (s[n - 1] == '"') return s[n - 2] == ' ';
    if (s[n - 1] != ' ') return false;
    if (s[n - 2] == '.' || s[n - 2] == '!' || s[n - 2] == '?') return true;
    if (s[n - 2] == ':') return n >= 6 && (!memcmp(s + n - 6, "Story", 5) || !memcmp(s + n - 4, "\nA", 2));
    return s[n - 2] == '"' && s[n - 3] == '.';
}

/* Remembers what was wanted at the furthest byte: that is where the text went wrong. */
static bool miss(Teller *t, const char *wanted, size_t n)
{
    if (t->fault && t->pos >= t->fault->at) {
        t->fault->at = t->pos;
        snprintf(t->fault->expected, sizeof t->fault->expected, "%.*s", (int)(n < 79 ? n : 79),
                 wanted);
    }
    return false;
}

static bool fits(const Teller *t, const char *s, size_t n)
{
    return n <= t->n - t->pos && memcmp(t->in + t->pos, s, n) == 0;
}

bool teller_text(Teller *t, const char *s, size_t n)
{
    if (!t->reading) {
        if (t->status == OK) t->status = buf_append(t->out, s, n, t->err);
        return t->status == OK;
    }
    /* What fits of it counts as understood, so that the message points at the byte that does not. */
    size_t same = 0;
    while (same < n && t->pos + same < t->n && t->in[t->pos + same] == s[same]) same++;
    t->pos += same;
    return same == n || miss(t, s + same, n - same);
}

bool teller_puts(Teller *t, const char *s)
{
    return teller_text(t, s, strlen(s));
}

static void count(Teller *t, int i, unsigned weight, unsigned total)
{
    if (weight != total) t->bits += log2((double)total / weight);
    t->trail = (t->trail ^ (uint64_t)i ^ (uint64_t)total << 20) * 0x100000001B3u;
}

int teller_weigh(Teller *t, const unsigned *weights, int n, int seen)
{
    unsigned total = 0;
    for (int i = 0; i < n; i++) total += weights[i];
    if (t->reading) {
        CHECK(seen >= 0 && seen < n && weights[seen] > 0, "read option %d of %d", seen, n);
    } else {
        unsigned r = (unsigned)rng_below(&t->rng, total);
        for (seen = 0; r >= weights[seen]; seen++) r -= weights[seen];
    }
    count(t, seen, weights[seen], total);
    return seen;
}

int teller_even(Teller *t, int n, int seen)
{
    if (!t->reading) seen = (int)rng_below(&t->rng, (uint64_t)n);
    count(t, seen, 1, (unsigned)n);
    return seen;
}

/* Two letters or two digits in a row belong to one word. */
static bool splits_word(const Teller *t, size_t end)
{
    return end > 0 && end < t->n && isalnum((unsigned char)t->in[end - 1]) &&
           isalnum((unsigned char)t->in[end]);
}

//@ begin world-choose
int teller_choose(Teller *t, int n, TellerOption *option, void *ctx)
{
    char buf[OPTION_BYTES], shown[OPTION_BYTES] = "";
    int allowed = 0, chosen = -1, order = -1;
    for (int i = 0; i < n; i++) {
        if (!option(ctx, i, buf)) continue;
        size_t len = strlen(buf);
        if (t->reading && fits(t, buf, len) && !splits_word(t, t->pos + len)) {
            if (chosen >= 0 && t->fault) t->fault->ambiguous = true;
            chosen = i, order = allowed;
            memcpy(shown, buf, len + 1);
        }
        allowed++;
    }
    //@ end world-choose
    if (allowed == 0 || (t->reading && chosen < 0)) {
        CHECK(t->reading, "a choice without options");
        miss(t, "another word of a list", 22);
        return -1;
    }
    order = teller_even(t, allowed, order);
    if (!t->reading) {
        int left = order;
        for (chosen = 0; !option(ctx, chosen, shown) || left-- > 0;) chosen++;
    }
    return teller_text(t, shown, strlen(shown)) ? chosen : -1;
}

static bool option_either(void *ctx, int i, char *buf)
{
    const Span *texts = ctx;
    const char *p = texts->p, *end = p + texts->n;
    for (; i > 0; i--) p = (const char *)memchr(p, '/', (size_t)(end - p)) + 1;
    const char *stop = memchr(p, '/', (size_t)(end - p));
    int n = (int)((stop ? stop : end) - p);
    CHECK(n < OPTION_BYTES, "'%.*s' is too long", n, p);
    memcpy(buf, p, (size_t)n);
    buf[n] = 0;
    return true;
}

int teller_either(Teller *t, Span texts)
{
    int n = 1;
    for (int i = 0; i < texts.n; i++) n += texts.p[i] == '/';
    return teller_choose(t, n, option_either, &texts);
}

static bool option_number(void *ctx, int i, char *buf)
{
    snprintf(buf, OPTION_BYTES, "%d", *(const int *)ctx + i);
    return true;
}

int teller_number(Teller *t, int low, int high)
{
    int i = teller_choose(t, high - low + 1, option_number, &low);
    return i < 0 ? -1 : low + i;
}

bool teller_more(Teller *t, unsigned yes, unsigned no, const char *more)
{
    unsigned w[2] = {no, yes};
    int seen = t->reading && (more ? fits(t, more, strlen(more)) : t->pos < t->n);
    return teller_weigh(t, w, 2, seen) == 1;
}

/* One of these letters; unlike a word it may be followed by another letter. */
static bool letter(Teller *t, const char *letters, char **name)
{
    int n = (int)strlen(letters), i = -1;
    if (t->reading) {
        const char *at = t->pos < t->n && t->in[t->pos] ? strchr(letters, t->in[t->pos]) : NULL;
        if (!at) return miss(t, "a letter of a name", 18);
        i = (int)(at - letters);
    }
    i = teller_even(t, n, i);
    *(*name)++ = letters[i];
    return teller_text(t, letters + i, 1);
}

/* Consonant, vowel, consonant, vowel, consonant, and half of the time a vowel and a consonant more. */
bool teller_invent(Teller *t, const char *initials, char *name)
{
    static const char vowels[] = "aeiou", consonants[] = "bdfgklmnprstvxz";
    char *end = name;
    if (!letter(t, initials, &end) || !letter(t, vowels, &end) || !letter(t, consonants, &end) ||
        !letter(t, vowels, &end) || !letter(t, consonants, &end))
        return false;
    unsigned half[2] = {1, 1};
    int longer = t->reading && t->pos < t->n && islower((unsigned char)t->in[t->pos]);
    if (teller_weigh(t, half, 2, longer) &&
        (!letter(t, vowels, &end) || !letter(t, consonants, &end)))
        return false;
    *end = 0;
    return true;
}
