/* The world: the same bytes everywhere, a text that determines its choices, words and schemata that
 * all occur. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "teller_impl.h"
#include "must.h"

enum { SEED = 7 };

/* Hash of documents 0..999 of this seed. A change of the world changes it: then trained models are old. */
#define PINNED 0xE9B528FE2E0ED3E8u

static void make(Document *d, uint64_t index, int kind)
{
    Err err;
    MUST(world_document(d, SEED, index, kind, &err), &err);
}

/* FNV-1a */
static uint64_t hash(uint64_t h, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)s[i]) * 0x100000001B3u;
    return h;
}

static void counting_document_is_worth_the_bits_counted_by_hand(void **state)
{
    (void)state;
    /* "Count to " (1 of 4), a number of 3..20 (1 of 18), then a stop (1 of 3). */
    static const char text[] = "Count to four: one, two, three, four.\n";
    WorldReading r;
    char why[256];
    assert_true(world_read(&r, text, sizeof text - 1, why, sizeof why));
    assert_int_equal(r.kind, DOC_LIST);
    double hand = log2(17) + log2(4) + log2(18) + log2(3); /* the kind has weight 1 of 17 */
    assert_true(fabs(r.bits - hand) < 1e-12);
    assert_false(r.ambiguous);
}

static void first_thousand_documents_are_pinned(void **state)
{
    (void)state;
    Document d = {0};
    uint64_t h = 0xCBF29CE484222325u;
    for (uint64_t i = 0; i < 1000; i++) {
        make(&d, i, -1);
        h = hash(h, d.text.data, d.text.len);
    }
    document_close(&d);
    if (h != PINNED) print_message("the hash is now 0x%016llX\n", (unsigned long long)h);
    assert_true(h == PINNED);
}

static void document_does_not_depend_on_the_ones_before(void **state)
{
    (void)state;
    Document a = {0}, b = {0};
    for (uint64_t i = 0; i < 50; i++) make(&a, i, -1);
    make(&b, 49, -1);
    assert_string_equal(a.text.data, b.text.data);
    assert_true(a.trail == b.trail && a.bits == b.bits);
    make(&b, 50, -1);
    assert_string_not_equal(a.text.data, b.text.data);
    document_close(&a);
    document_close(&b);
}

static void reader_finds_the_choices_of_10000_documents(void **state)
{
    (void)state;
    Document d = {0};
    double bits[DOC_KINDS] = {0}, words = 0, bytes = 0;
    int of_kind[DOC_KINDS] = {0};
    for (uint64_t i = 0; i < 10000; i++) {
        WorldReading r = {0};
        char why[256] = "";
        make(&d, i, -1);
        if (!world_read(&r, d.text.data, d.text.len, why, sizeof why))
            print_error("document %llu: %s\n%s\n", (unsigned long long)i, why, d.text.data);
        assert_string_equal(why, "");
        if (r.ambiguous) print_error("ambiguous: %s\n", d.text.data);
        assert_false(r.ambiguous);
        assert_int_equal(r.kind, d.kind);
        assert_true(r.trail == d.trail);
        assert_true(r.bits == d.bits); /* the same terms in the same order */
        bits[d.kind] += d.bits, of_kind[d.kind]++;
        words += d.n_words, bytes += (double)d.text.len;
    }
    static const char *const names[] = {"story", "list", "sum", "copy", "record", "facts", "scene", "chat"};
    double all = 0;
    for (int k = 0; k < DOC_KINDS; k++) {
        print_message("%-6s %5d documents, %6.2f bits each\n", names[k], of_kind[k],
                      bits[k] / of_kind[k]);
        all += bits[k];
    }
    print_message("all: %.2f bits, %.1f words, %.1f bytes each\n", all / 1e4, words / 1e4,
                  bytes / 1e4);
    document_close(&d);
}

/* The bits claim a probability: in 10000 documents, kind k occurs 10000 p times within 5 deviations. */
static void kinds_occur_as_often_as_their_bits_say(void **state)
{
    (void)state;
    static const double p[DOC_KINDS] = {5 / 17., 1 / 17., 1 / 17., 3 / 17., 2 / 17., 1 / 17., 2 / 17., 2 / 17.};
    Document d = {0};
    int n[DOC_KINDS] = {0};
    for (uint64_t i = 0; i < 10000; i++) {
        make(&d, i, -1);
        n[d.kind]++;
        if (i < 200) {
            Document same = {0};
            make(&same, i, d.kind);
            assert_int_equal(same.kind, d.kind);
            document_close(&same);
        }
    }
    for (int k = 0; k < DOC_KINDS; k++)
        assert_true(fabs(n[k] - 1e4 * p[k]) < 5 * sqrt(1e4 * p[k] * (1 - p[k])));
    document_close(&d);
}

/* A draw of one of n texts costs log2 n; drawing often, every option comes up about equally often. */
static void options_of_a_choice_are_equally_likely(void **state)
{
    (void)state;
    Buf out = {0};
    Teller t = {.rng = rng_seed(3), .out = &out};
    int n[3] = {0};
    for (int i = 0; i < 3000; i++) n[teller_either(&t, (Span){"ran/walked/hid", 14})]++;
    for (int i = 0; i < 3; i++)
        assert_true(abs(n[i] - 1000) < 5 * 26); /* sqrt(3000 * 2 / 9) = 25.8 */
    assert_true(fabs(t.bits - 3000 * log2(3)) < 1e-6);
    buf_close(&out);
}

static void lengths_stay_in_their_bounds(void **state)
{
    (void)state;
    Document d = {0};
    int low = 1 << 20, high = 0;
    for (uint64_t i = 0; i < 3000; i++) {
        make(&d, i, DOC_STORY);
        int words = 0;
        for (const char *p = d.text.data; *p != '\n'; p++) words += *p == ' ';
        if (words < low) low = words;
        if (words > high) high = words;
        assert_true(d.text.len < WORLD_TEXT_MAX);
    }
    print_message("stories have %d to %d words\n", low + 1, high + 1);
    assert_in_range(low, 59, 190);
    assert_in_range(high, 59, 190);
    document_close(&d);
}

/* ---- words ---- */
enum { SLOTS = 1 << 14 };
typedef struct {
    uint64_t key[SLOTS];
    int count[SLOTS], last[SLOTS]; /* in how many stories, and the last of them */
    int n;
} Words;

static void add_word(Words *w, uint64_t key, int story)
{
    int i = (int)(key >> 40) % SLOTS;
    while (w->key[i] && w->key[i] != key) i = (i + 1) % SLOTS;
    if (!w->key[i]) w->key[i] = key, w->n++;
    w->count[i] += w->last[i] != story;
    w->last[i] = story;
    assert_true(w->n < SLOTS / 2);
}

static void add_words(Words *w, const char *s, size_t n, int story)
{
    uint64_t h = 0;
    for (size_t i = 0; i <= n; i++) {
        bool letter = i < n && isalpha((unsigned char)s[i]);
        char c = letter ? (char)tolower((unsigned char)s[i]) : 0;
        if (letter)
            h = (hash(h ? h : 0xCBF29CE484222325u, &c, 1)) * 0x9E3779B97F4A7C15u;
        else if (h)
            add_word(w, h, story), h = 0;
    }
}

static void at_least_1200_word_types_occur_often(void **state)
{
    (void)state;
    static Words words;
    Document d = {0};
    for (uint64_t i = 0; i < 8000; i++) {
        make(&d, i, DOC_STORY);
        add_words(&words, d.text.data, d.text.len, (int)i + 1);
    }
    int often = 0; /* an invented name is in one story */
    for (int i = 0; i < SLOTS; i++) often += words.count[i] >= 10;
    print_message("%d word types in at least 10 of 8000 stories; the lists hold %d\n", often,
                  world_word_count());
    assert_true(often >= 1200);
    assert_in_range(world_word_count(), 400, often);
    document_close(&d);
}

static void all_schemata_occur_and_have_names_of_their_own(void **state)
{
    (void)state;
    Document d = {0};
    int n = world_schema_count(), seen[256] = {0};
    assert_in_range(n, 60, 255);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(schema_at(i)->title, schema_at(k)->title);
    for (uint64_t i = 0; i < 4000; i++) {
        char key[96];
        make(&d, i, DOC_RECORD);
        for (int k = 0; k < n; k++) {
            snprintf(key, sizeof key, "\"title\": \"%s\"", schema_at(k)->title);
            seen[k] += strstr(d.text.data, key) != NULL;
        }
    }
    for (int k = 0; k < n; k++) assert_true(seen[k] >= 20);
    document_close(&d);
}

/* "ice" beside "ice cream" would leave a reader in doubt. */
static void no_item_of_a_list_begins_another(void **state)
{
    (void)state;
    for (int l = 0; l < lexicon_n_people + lexicon_n_places; l++) {
        const WordList *list =
            l < lexicon_n_people ? &lexicon_people[l] : &lexicon_places[l - lexicon_n_people];
        int sort;
        for (const char *a = list->items; *a;) {
            Span x = lexicon_next(&a, &sort);
            assert_true(x.n > 0 && x.n < 40);
            for (const char *b = list->items; *b;) {
                Span y = lexicon_next(&b, &sort);
                bool begins = x.p != y.p && x.n <= y.n && memcmp(x.p, y.p, (size_t)x.n) == 0 &&
                              (x.n == y.n || !isalpha((unsigned char)y.p[x.n]));
                if (begins)
                    print_error("%s: '%.*s' begins '%.*s'\n", list->name, x.n, x.p, y.n, y.p);
                assert_false(begins);
            }
        }
    }
}

static bool refuse(void *ctx, size_t n)
{
    (void)ctx;
    (void)n;
    return false;
}

static void refused_memory_is_an_error(void **state)
{
    (void)state;
    Document d = {0};
    Err err;
    mem_set_hook(refuse, NULL);
    Status s = world_document(&d, 1, 1, -1, &err);
    mem_set_hook(NULL, NULL);
    assert_int_equal(s, E_MEMORY);
    document_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counting_document_is_worth_the_bits_counted_by_hand),
        cmocka_unit_test(first_thousand_documents_are_pinned),
        cmocka_unit_test(document_does_not_depend_on_the_ones_before),
        cmocka_unit_test(reader_finds_the_choices_of_10000_documents),
        cmocka_unit_test(kinds_occur_as_often_as_their_bits_say),
        cmocka_unit_test(options_of_a_choice_are_equally_likely),
        cmocka_unit_test(lengths_stay_in_their_bounds),
        cmocka_unit_test(at_least_1200_word_types_occur_often),
        cmocka_unit_test(all_schemata_occur_and_have_names_of_their_own),
        cmocka_unit_test(no_item_of_a_list_begins_another),
        cmocka_unit_test(refused_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
