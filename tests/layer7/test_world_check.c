/* The checker: accepts what the world writes, refuses what it could not have written, and says why.
 * Its three parts are tested one by one: the reader, the judge of events, the reader of letters. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "teller_impl.h"
#include "must.h"
#include "fuzz/fuzz_world.c"

#include <dirent.h>

static void make(Document *d, uint64_t index, int kind)
{
    Err err;
    MUST(world_document(d, 11, index, kind, &err), &err);
}

static bool accepts(const char *text)
{
    char why[256] = "";
    bool good = world_check(text, strlen(text), why, sizeof why);
    assert_true(good == (why[0] == 0)); /* a complaint if and only if it is refused */
    assert_null(strchr(why, '\n'));
    return good;
}

/* text with the bytes [at, at + n) replaced; to be freed with mem_free. */
static char *replaced(const char *text, size_t at, size_t n, const char *by)
{
    size_t len = strlen(text), more = strlen(by);
    char *s = mem_alloc(len + more + 1);
    memcpy(s, text, at);
    memcpy(s + at, by, more);
    memcpy(s + at + more, text + at + n, len - at - n + 1);
    return s;
}

static bool accepts_with(const char *text, size_t at, size_t n, const char *by)
{
    char *s = replaced(text, at, n, by);
    bool good = accepts(s);
    mem_free(s);
    return good;
}

static const char story[] =
    "There once was a kind girl named Lily. One day the weather was sunny, and Lily was in the garden. She heard a bang "
    "and then "
    "another splash. \"My red ball is gone!\" cried Lily. She felt sad. Then her friend Nick joined "
    "the search "
    "and was a great help to Lily. \"Look!\" said Nick. The ball was under a leaf. Lily got the ball "
    "back from "
    "Nick. Lily thanked Nick kindly. In the end, Lily felt happy.\nQ: Whom did Lily thank?\nA: Nick.\n";

static size_t at_of(const char *what)
{
    const char *p = strstr(story, what);
    assert_non_null(p);
    return (size_t)(p - story);
}

static void story_written_by_hand_is_accepted(void **state)
{
    (void)state;
    char why[256] = "";
    if (!world_check(story, sizeof story - 1, why, sizeof why)) print_error("%s\n", why);
    assert_true(accepts(story));
}

static void one_wrong_word_is_refused(void **state)
{
    (void)state;
    assert_false(accepts_with(story, at_of("Nick.\n"), 4, "Lily"));   /* the answer */
    assert_true(accepts_with(story, at_of("red ball"), 3, "blue"));  /* a free choice */
    assert_false(accepts_with(story, at_of("ball was"), 4, "kite")); /* another thing */
    assert_false(accepts_with(story, at_of("cried Lily"), 10, "cried Emma"));
    assert_false(accepts_with(story, at_of("She felt"), 3, "He")); /* a pronoun */
    assert_true(accepts_with(story, at_of("She felt"), 3, "Lily")); /* or the name */
    assert_false(accepts_with(story, at_of("Lily got"), 4, "She"));  /* Nick was named last */
    assert_false(accepts_with(story, at_of("Nick joined"), 4, "Ben")); /* a hero's name */
    assert_false(accepts_with(story, at_of("her friend"), 3, "his"));
    assert_false(accepts_with(story, at_of("happy"), 5, "sad")); /* endings are glad */
    assert_true(accepts_with(story, at_of("happy"), 5, "relieved"));
    assert_false(accepts_with(story, at_of("Lily thanked Nick kindly. "), 26, ""));
    assert_false(accepts_with(story, at_of("Lily got"), 35, "")); /* the ball does not come back */
    assert_false(accepts_with(story, at_of("a kind"), 1, "an"));
    assert_false(accepts_with(story, at_of("the search"), 10, "the party"));
    assert_true(accepts_with(story, at_of("Q:"), strlen(story) - at_of("Q:"), "")); /* a story without questions */
    assert_false(accepts_with(story, at_of("Q:"), 25, ""));
}

static bool answers(const char *question_and_answer)
{
    size_t at = at_of("Q:") + 3;
    return accepts_with(story, at, strlen(story) - at, question_and_answer);
}

static void questions_use_words_of_the_story(void **state)
{
    (void)state;
    assert_false(answers("Who found the ball?\nA: Nick.\n")); /* "The ball was under a leaf." */
    assert_true(answers("Who got the ball?\nA: Lily.\n"));
    assert_false(answers("Who wanted the ball?\nA: Lily.\n"));       /* nobody "wanted" */
    assert_true(answers("How did Lily feel at first?\nA: Lily felt sad.\n"));
    assert_false(answers("How did Lily feel at first?\nA: Sad.\n"));
    assert_false(answers("How did Lily feel at first?\nA: Lily felt happy.\n"));
    assert_true(answers("What was the weather like?\nA: The weather was sunny.\n"));
    assert_true(answers("What colour was the ball?\nA: It was red.\n"));
    assert_true(answers("Where was Lily at the start?\nA: Lily was in the garden.\n"));
}

static void message_points_at_the_byte(void **state)
{
    (void)state;
    char why[256], *s = replaced(story, at_of("the search"), 10, "the party");
    WorldReading r;
    assert_false(world_read(&r, s, strlen(s), why, sizeof why));
    char byte[32];
    snprintf(byte, sizeof byte, "byte %zu: ", at_of("search"));
    assert_memory_equal(why, byte, strlen(byte));
    assert_non_null(strstr(why, "search"));
    mem_free(s);
    s = replaced(story, sizeof story - 1, 0, "once more");
    assert_false(world_read(&r, s, strlen(s), why, sizeof why));
    snprintf(byte, sizeof byte, "byte %zu: 'once", sizeof story - 1);
    assert_memory_equal(why, byte, strlen(byte));
    mem_free(s);
}

static void sums_counts_and_copies_must_be_right(void **state)
{
    (void)state;
    assert_true(accepts("12 + 7 = 19\n3 plus 14 is 17\n"));
    assert_false(accepts("12 + 7 = 18\n3 plus 14 is 17\n"));
    assert_false(accepts("12 + 7 = 19\n3 plus 14 is 18\n"));
    assert_false(accepts("12 + 7 = 190\n3 plus 14 is 17\n"));
    assert_true(accepts("Count to three: one, two, three.\n"));
    assert_false(accepts("Count to three: one, two, four.\n"));
    assert_false(accepts("Count to three: one, two, three, four.\n"));
    assert_true(accepts("The password is Zoravim. Say it again: Zoravim.\n"));
    assert_false(accepts("The password is Zoravim. Say it again: Zoravin.\n"));
    assert_false(accepts("The password is Zoravim. Say it again: Zoravimat.\n"));
    assert_true(accepts(
        "A list of three toys: ball, kite, drum. The first is ball and the last is drum.\n"));
    assert_false(accepts(
        "A list of three toys: ball, kite, drum. The first is kite and the last is drum.\n"));
    assert_false(accepts(
        "A list of three toys: ball, ball, drum. The first is ball and the last is drum.\n"));
}

static void what_the_world_writes_is_accepted(void **state)
{
    (void)state;
    Document d = {0};
    for (uint64_t i = 0; i < 2000; i++) {
        char why[256] = "";
        make(&d, i, i < 1000 ? -1 : (int)(i % DOC_KINDS));
        bool good = world_check(d.text.data, d.text.len, why, sizeof why);
        if (!good) print_error("%s\n%s\n", why, d.text.data);
        assert_true(good);
    }
    document_close(&d);
}

/* Somebody else's name, somewhere after the introduction. */
static void swapped_names_are_refused(void **state)
{
    (void)state;
    Document d = {0};
    for (uint64_t i = 0; i < 500; i++) {
        make(&d, i, DOC_STORY);
        const char *text = d.text.data, *name = strstr(text, " named ") + 7, *last = NULL;
        char hero[32];
        size_t n = strcspn(name, ".");
        snprintf(hero, sizeof hero, "%.*s", (int)n, name);
        for (const char *p = name; (p = strstr(p + 1, hero));) last = p;
        assert_non_null(last);
        assert_false(
            accepts_with(text, (size_t)(last - text), n, strcmp(hero, "Emma") ? "Emma" : "Ella"));
    }
    document_close(&d);
}

static void changed_answers_and_records_are_refused(void **state)
{
    (void)state;
    Document d = {0};
    int n_answers = 0;
    for (uint64_t i = 0; i < 500; i++) {
        make(&d, i, i % 2 ? DOC_STORY : DOC_SCENE);
        const char *a = strstr(d.text.data, "\nA: ");
        if (a) {
            n_answers++;
            assert_false(accepts_with(d.text.data, (size_t)(a + 4 - d.text.data),
                                      strcspn(a + 4, "\n"), "The volcano."));
        }
        make(&d, i, DOC_RECORD);
        const char *hero = strstr(d.text.data, "\"hero\": \"") + 9;
        assert_false(
            accepts_with(d.text.data, (size_t)(hero - d.text.data), strcspn(hero, "\""), "Nemo"));
    }
    assert_true(n_answers > 280); /* every scene, a fifth of the stories */
    document_close(&d);
}

static void only_scenes_may_break_off(void **state)
{
    (void)state;
    Document d = {0};
    WorldReading r;
    char why[256];
    int longer = 0;
    for (uint64_t i = 0; i < 200; i++) {
        make(&d, i, DOC_SCENE);
        size_t label = strlen("Scene: "), line = strcspn(d.text.data, "\n") + 1;
        assert_true(world_read(&r, d.text.data, d.text.len, why, sizeof why));
        assert_int_equal(r.kind, DOC_SCENE);
        assert_true(world_check(d.text.data, d.text.len, why, sizeof why));
        assert_false(world_check(d.text.data, line, why, sizeof why)); /* a scene has a question */
        assert_false(world_check(d.text.data + label, line - label, why, sizeof why));
        longer += line > 280;
    }
    assert_true(longer > 40); /* some get past the beginning */
    document_close(&d);
}

static void every_cut_of_a_text_is_refused_or_ends_a_line(void **state)
{
    (void)state;
    Document d = {0};
    for (uint64_t i = 0; i < 12; i++) {
        make(&d, i, -1);
        for (size_t n = 0; n < d.text.len; n++) {
            char why[256],
                *cut = mem_alloc(n + 1); /* the exact length, so that a reader past it is seen */
            memcpy(cut, d.text.data, n);
            if (world_check(cut, n, why, sizeof why)) assert_int_equal(cut[n - 1], '\n');
            mem_free(cut);
        }
    }
    document_close(&d);
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    static const char nul[] = "Count to three: one\0 two, three.\n";
    char why[8]; /* short: the message is cut, not the stack */
    assert_false(world_check("", 0, why, sizeof why));
    assert_false(world_check("\n", 1, why, sizeof why));
    assert_false(world_check(nul, sizeof nul - 1, why, sizeof why));
    assert_false(accepts("\xff\xfe\x80"));
    Buf big = {0};
    Err err;
    for (int i = 0; i < 2000; i++) MUST(buf_append(&big, "12 + 7 = 19\n", 12, &err), &err);
    assert_false(accepts(big.data));
    buf_close(&big);
}

/* What a fuzzer once found, or might: fuzz_world.c aborts where reader and checker disagree. */
static void corpus_of_the_fuzzer_is_survived(void **state)
{
    (void)state;
    static uint8_t data[1 << 16];
    int n_files = 0;
    DIR *dir = opendir("tests/fuzz/corpus_world");
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[1024];
        snprintf(path, sizeof path, "tests/fuzz/corpus_world/%s", e->d_name);
        FILE *f = e->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (!f) continue;
        LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof data, f));
        fclose(f);
        n_files++;
    }
    if (dir) closedir(dir);
    assert_true(n_files >= 10);
}

/* ---- the reader of letters, without the templates ---- */
static bool letters_accept(const char *text)
{
    char why[256] = "";
    return world_check_text(text, strlen(text), why, sizeof why);
}

static void letters_show_strangers_wrong_answers_and_wrong_sums(void **state)
{
    (void)state;
    assert_true(
        letters_accept("A girl named Lily met her cousin Tom. Tom ran.\nQ: Who ran?\nA: Tom.\n"));
    assert_false(letters_accept("A girl named Lily met Tom. Tom ran.\nQ: Who ran?\nA: Tom.\n"));
    assert_false(letters_accept("A girl named Lily met her cousin Tom. Ben ran.\n"));
    assert_false(
        letters_accept("A girl named Lily met her cousin Tom. Tom ran.\nQ: Who ran?\nA: Ben.\n"));
    assert_true(letters_accept("Story: A girl named Lily ran.\nRecord: {\"hero\": \"Lily\"}\n"));
    assert_false(letters_accept("Story: A girl named Lily ran.\nRecord: {\"hero\": \"Lil\"}\n"));
    assert_false(letters_accept("Story: A girl named Lily ran.\nRecord: {\"hero\": \"Emma\"}\n"));
    assert_true(letters_accept("1 + 2 = 3"));
    assert_false(letters_accept("so 1 + 2 = 4"));
    assert_false(letters_accept("11 plus 2 is 3"));
}

/* ---- the judge of events, without any text ---- */
static void put(Tale *s, char letter, const char *list)
{
    const WordList *l = lexicon_find((Span){list, (int)strlen(list)});
    int sort = l->sort;
    const char *at = l->items;
    *tale_var(s, letter) = (Thing){.text = lexicon_next(&at, &sort), .sort = sort, .at = 1};
}

static bool judged(const char *events)
{
    Tale s = {0};
    char why[256] = "";
    put(&s, 'A', "girl"), put(&s, 'B', "boy"), put(&s, 'o', "toy"), put(&s, 'p', "tool");
    put(&s, 's', "outdoor"), put(&s, 'q', "indoor"), put(&s, 'e', "glad"), put(&s, 'f', "sad");
    event_add_all(&s, (Span){events, (int)strlen(events)}, 0, 2);
    bool good = events_judge(&s, why, sizeof why);
    assert_true(good == (why[0] == 0));
    return good;
}

static void judge_knows_the_rules_of_the_world(void **state)
{
    (void)state;
    assert_true(judged("at A s; has A o; give A B o; thank B A; end A e"));
    assert_false(judged("at A s; give A B o; thank B A; end A e")); /* not held */
    assert_false(judged("at A s; has B o; give A B o; end A e"));   /* held by another */
    assert_false(judged("at A s; has A o; thank B A; end A e"));    /* for nothing */
    assert_false(judged("at A s; has A o; has B o; end A e"));      /* in two hands */
    assert_false(judged("at A s; has A o; lose A o; end A e"));     /* never found */
    assert_true(judged("at A s; has A o; lose A o; find B o; end A e"));
    assert_false(judged("at A s; find A o; find A o; end A e")); /* twice */
    assert_false(judged("at A s; want A o; end A e"));           /* an open wish */
    assert_true(judged("at A s; want A o; buy A o; end A e"));
    assert_false(judged("at A s; wish A; end A e"));
    assert_true(judged("at A s; wish A; done A; end A e"));
    assert_false(judged("at A s; done A; end A e"));
    assert_false(judged("at A s; crack o; end A e"));
    assert_true(judged("at A s; crack o; fix B o; end A e"));
    assert_false(judged("at A s; fix B o; end A e"));
    assert_false(judged("at A s; has A o; eat A o; give A B o; end A e"));
    assert_false(judged("at A s; go A q; go B s; help B A; end A e")); /* far apart */
    assert_true(judged("at A s; go A q; go B q; help B A; end A e"));
    assert_false(judged("at A s; end A f"));  /* a sad end */
    assert_false(judged("at A s; feel A f")); /* no end */
}

static void judge_wants_people_to_be_introduced_first(void **state)
{
    (void)state;
    Tale s = {0};
    char why[256] = "";
    put(&s, 'A', "girl"), put(&s, 's', "outdoor"), put(&s, 'e', "glad");
    event_add_all(&s, (Span){"at A s; end A e", 15}, 0, 9);
    assert_true(events_judge(&s, why, sizeof why));
    tale_var(&s, 'A')->at = 10;
    assert_false(events_judge(&s, why, sizeof why));
    assert_non_null(strstr(why, "introduced"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(story_written_by_hand_is_accepted),
        cmocka_unit_test(one_wrong_word_is_refused),
        cmocka_unit_test(questions_use_words_of_the_story),
        cmocka_unit_test(message_points_at_the_byte),
        cmocka_unit_test(sums_counts_and_copies_must_be_right),
        cmocka_unit_test(what_the_world_writes_is_accepted),
        cmocka_unit_test(swapped_names_are_refused),
        cmocka_unit_test(changed_answers_and_records_are_refused),
        cmocka_unit_test(only_scenes_may_break_off),
        cmocka_unit_test(every_cut_of_a_text_is_refused_or_ends_a_line),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(corpus_of_the_fuzzer_is_survived),
        cmocka_unit_test(letters_show_strangers_wrong_answers_and_wrong_sums),
        cmocka_unit_test(judge_knows_the_rules_of_the_world),
        cmocka_unit_test(judge_wants_people_to_be_introduced_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
