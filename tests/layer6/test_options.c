/* The option table: every spelling of every row, ranges, precedence, typos; and JSON text. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer6.h"
#include "json_text.h"
#include "must.h"
#include "options_impl.h"
#include "twins.h"

#include <ctype.h>
#include <unistd.h>

static Status parse(Options *o, VerbMask verb, const char *const *words, Err *err)
{
    char *argv[16];
    int n = 0;
    for (; words[n]; n++) argv[n] = (char *)(uintptr_t)words[n];
    *err = (Err){0};
    return options_parse(o, verb, verb == VERB_QUANTIZE ? 4 : 0, n, argv, err);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Calls fn for each spelling of each row under each of its verbs. */
typedef void SpellingFn(const OptionRow *row, VerbMask verb, const char *name);

static int each_spelling(SpellingFn *fn)
{
    int n = 0;
    for (int i = 0; i < option_row_count; i++)
        for (uint32_t verb = 1; verb <= VERB_MERGE; verb <<= 1) {
            if (!(option_rows[i].verbs & verb)) continue;
            char names[64], *save = NULL;
            snprintf(names, sizeof names, "%s", option_rows[i].names);
            for (char *w = strtok_r(names, ", ", &save); w; w = strtok_r(NULL, ", ", &save), n++)
                fn(&option_rows[i], (VerbMask)verb, w);
        }
    return n;
}

static void holds(const OptionRow *row, const Options *o, const char *value, const char *name)
{
    const char *field = (const char *)o + row->offset, *text;
    int64_t i;
    double d;
    bool flag;
    memcpy(&text, field, sizeof text);
    memcpy(&i, field, sizeof i);
    memcpy(&d, field, sizeof d);
    memcpy(&flag, field, sizeof flag);
    bool good = row->kind == OPT_IGNORED || (row->kind == OPT_FLAG && flag) ||
                (row->kind == OPT_INT && i == strtoll(value, NULL, 10)) ||
                (row->kind == OPT_FLOAT && d == strtod(value, NULL)) ||
                ((row->kind == OPT_STR || row->kind == OPT_OPTIONAL_STR || row->kind == OPT_LIST ||
                  row->kind == OPT_LIST_SCALED) && !strcmp(text, value));
    if (!good) twin_fail("%s did not arrive: '%s'", name, value);
}

static void a_value(const OptionRow *row, double v, char out[64])
{
    if (row->kind == OPT_INT) snprintf(out, 64, "%.0f", v);
    else if (row->kind == OPT_FLOAT) snprintf(out, 64, "%.17g", v);
    else snprintf(out, 64, "%s", "some text");
}

static void both_forms(const OptionRow *row, VerbMask verb, const char *name)
{
    Options o;
    Err err;
    char value[64], joined[160];
    for (int end = 0; end < 2; end++) {
        a_value(row, end ? row->hi : row->lo, value);
        snprintf(joined, sizeof joined, "%s=%s", name, row->kind == OPT_FLAG ? "on" : value);
        MUST(parse(&o, verb, WORDS(joined), &err), &err);
        holds(row, &o, value, name);
        if (row->kind == OPT_FLAG || row->kind == OPT_OPTIONAL_STR) continue;
        MUST(parse(&o, verb, WORDS(name, value), &err), &err);
        holds(row, &o, value, name);
    }
}

static void every_spelling_parses_in_both_forms(void **state)
{
    (void)state;
    assert_true(each_spelling(both_forms) > 200);
}

static const OptionRow *owner;
static VerbMask owner_verb;
static const char *owner_name;
static int owners;

static void count_owner(const OptionRow *row, VerbMask verb, const char *name)
{
    owners += verb == owner_verb && strcmp(name, owner_name) == 0 && row != owner;
}

static void is_unique(const OptionRow *row, VerbMask verb, const char *name)
{
    owner = row, owner_verb = verb, owner_name = name, owners = 0;
    each_spelling(count_owner);
    if (owners) twin_fail("'%s' means two things", name);
}

static void a_spelling_means_one_thing_per_verb(void **state)
{
    (void)state;
    each_spelling(is_unique);
}

static void refuses(VerbMask verb, const char *name, const char *value)
{
    Options o;
    Err err;
    Status s = parse(&o, verb, WORDS(name, value), &err);
    if (s != E_ARG || !strstr(err.text, name) || !strstr(err.text, value) || !strstr(err.text, "HINT:"))
        twin_fail("%s %s: %s '%s'", name, value, status_name(s), err.text);
}

static void beyond_range(const OptionRow *row, VerbMask verb, const char *name)
{
    static const char *const bad_numbers[] = {"x", "1x", "nan", "--", "1e999", "- 1", "0x", "1 2"};
    char value[64];
    if (row->kind == OPT_FLAG) {
        char joined[96];
        Options o;
        Err err;
        snprintf(joined, sizeof joined, "%s=maybe", name);
        assert_int_equal(parse(&o, verb, WORDS(joined), &err), E_ARG);
        assert_non_null(strstr(err.text, "on or off"));
    }
    if (row->kind != OPT_INT && row->kind != OPT_FLOAT) return;
    for (size_t i = 0; i < sizeof bad_numbers / sizeof *bad_numbers; i++)
        refuses(verb, name, bad_numbers[i]);
    if (row->kind == OPT_INT) refuses(verb, name, "99999999999999999999");
    if (row->kind == OPT_INT) refuses(verb, name, "1.5");
    a_value(row, row->lo - 1, value);
    refuses(verb, name, value);
    a_value(row, row->hi < 1e17 ? row->hi + 1 : row->hi * 1.1, value);
    refuses(verb, name, value);
    Options o;
    Err err;
    assert_int_equal(parse(&o, verb, WORDS(name, ""), &err), E_ARG);
}

static void numbers_are_held_to_their_ranges(void **state)
{
    (void)state;
    each_spelling(beyond_range);
}

static void lacks_value(const OptionRow *row, VerbMask verb, const char *name)
{
    Options o;
    Err err;
    Status s = parse(&o, verb, WORDS(name), &err);
    bool alone = row->kind == OPT_FLAG || row->kind == OPT_OPTIONAL_STR;
    if (s != (alone ? OK : E_ARG)) twin_fail("%s alone: %s", name, status_name(s));
    if (!alone) assert_non_null(strstr(err.text, "needs a value"));
}

static void a_missing_value_is_named(void **state)
{
    (void)state;
    each_spelling(lacks_value);
}

/* SIXFOLD_ARG_CTX_SIZE for the last spelling. */
static void by_environment(const OptionRow *row, VerbMask verb, const char *name)
{
    Options o;
    Err err;
    char var[96] = "SIXFOLD_ARG_", value[64];
    const char *names = row->names + strlen(row->names) - strlen(name);
    if (strcmp(names, name) != 0 || row->kind == OPT_IGNORED) return;
    strncat(var, name + strspn(name, "-"), 60);
    for (char *c = var; *c; c++) *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    a_value(row, row->hi, value);
    setenv(var, row->kind == OPT_FLAG ? "1" : value, 1);
    MUST(parse(&o, verb, WORDS("-q"), &err), &err);
    holds(row, &o, value, var);
    if (row->kind == OPT_INT || row->kind == OPT_FLOAT) { /* the command line wins */
        char low[64];
        a_value(row, row->lo, low);
        MUST(parse(&o, verb, WORDS(name, low), &err), &err);
        holds(row, &o, low, name);
        setenv(var, "many", 1);
        assert_int_equal(parse(&o, verb, WORDS("-q"), &err), E_ARG);
        assert_non_null(strstr(err.text, var));
    }
    unsetenv(var);
}

static void the_environment_stands_behind_the_command_line(void **state)
{
    (void)state;
    each_spelling(by_environment);
}

static void typos_get_a_hint(void **state)
{
    (void)state;
    static const struct { VerbMask verb; const char *word, *hint; } rows[] = {
        {VERB_RUN, "--ctx-sise", "did you mean '--ctx-size'"},
        {VERB_RUN, "--tmep=1", "did you mean '--temp'"},
        {VERB_BENCH, "--n-promt", "did you mean '--n-prompt'"},
        {VERB_RUN, "--no-such-thing-at-all", "--help"},
        {VERB_TOKENIZE, "--temp", "HINT:"}}; /* exists, but not for this verb */
    Options o;
    Err err;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(parse(&o, rows[i].verb, WORDS(rows[i].word, "1"), &err), E_ARG);
        if (!strstr(err.text, rows[i].hint) || !strstr(err.text, "unknown flag"))
            twin_fail("%s: %s", rows[i].word, err.text);
    }
    assert_null(strchr(err.text, '='));
}

static void words_without_a_flag_are_counted(void **state)
{
    (void)state;
    Options o;
    Err err;
    MUST(parse(&o, VERB_QUANTIZE, WORDS("a", "-q", "b", "--", "-c", "-"), &err), &err);
    assert_int_equal(o.n_positional, 4);
    assert_string_equal(o.positional[1], "b");
    assert_string_equal(o.positional[2], "-c"); /* after -- nothing is a flag */
    assert_int_equal(parse(&o, VERB_QUANTIZE, WORDS("a", "b", "c", "d", "e"), &err), E_ARG);
    assert_int_equal(parse(&o, VERB_RUN, WORDS("hello"), &err), E_ARG);
    assert_non_null(strstr(err.text, "-p"));
}

static void the_defaults_are_those_of_the_help(void **state)
{
    (void)state;
    Options o;
    Err err;
    MUST(parse(&o, VERB_RUN, WORDS("-q"), &err), &err);
    assert_int_equal(o.n_predict, -1);
    assert_int_equal(o.n_batch, 2048);
    assert_int_equal(o.n_ubatch, 512);
    assert_int_equal(o.top_k, 40);
    assert_int_equal(o.seed, -1);
    assert_int_equal(o.repeat_last_n, 64);
    assert_true((float)o.temp == 0.8f && (float)o.top_p == 0.95f && (float)o.min_p == 0.05f);
    assert_string_equal(o.type_k, "f16");
    assert_null(o.model);
}

static void help_shows_every_flag_of_the_verb(void **state)
{
    (void)state;
    for (uint32_t verb = 1; verb <= VERB_QUANTIZE; verb <<= 1) {
        Buf out = {0};
        Err err = {0};
        MUST(options_help((VerbMask)verb, &out, &err), &err);
        for (int i = 0; i < option_row_count; i++) {
            const OptionRow *row = &option_rows[i];
            bool shown = strstr(out.data, row->names) != NULL;
            if (row->verbs & verb && shown != (row->group != NULL))
                twin_fail("%s under verb %u", row->names, verb);
        }
        buf_close(&out);
    }
}

static void gpu_flags_are_ignored_with_one_warning(void **state)
{
    (void)state;
    Options o;
    Err err;
    char text[512] = "", path[] = "/tmp/sixfold-test-XXXXXX";
    int file = mkstemp(path), old = dup(STDERR_FILENO);
    assert_true(file >= 0 && old >= 0);
    fflush(stderr);
    dup2(file, STDERR_FILENO);
    Status a = parse(&o, VERB_RUN, WORDS("-ngl", "99", "--main-gpu=1", "-fa", "on", "-n", "3"), &err);
    Status b = parse(&o, VERB_RUN, WORDS("-ts", "1,1"), &err);
    fflush(stderr);
    dup2(old, STDERR_FILENO);
    assert_true(pread(file, text, sizeof text - 1, 0) >= 0);
    close(file);
    close(old);
    unlink(path);
    assert_int_equal(a, OK);
    assert_int_equal(b, OK);
    char *first = strstr(text, "warning: -ngl"); /* this test is the program's first */
    assert_non_null(first);
    assert_null(strstr(first + 1, "warning:"));
}

/* ---------------------------------------------------------------- JSON */

static void json_is(const char *bytes, size_t n, const char *want)
{
    Buf out = {0};
    Err err = {0};
    MUST(json_string(&out, bytes, n, &err), &err);
    assert_int_equal(out.len, strlen(want));
    assert_memory_equal(out.data, want, out.len);
    buf_close(&out);
}

static void json_strings_are_valid_whatever_the_bytes(void **state)
{
    (void)state;
    json_is("", 0, "\"\"");
    json_is("a\"b\\c/", 6, "\"a\\\"b\\\\c/\"");
    json_is("\n\t\r\0\x1F\x7F", 6, "\"\\n\\u0009\\u000d\\u0000\\u001f\\u007f\"");
    json_is("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", 9, "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"");
    json_is("\xFF", 1, "\"\xEF\xBF\xBD\"");
    json_is("a\xC3", 2, "\"a\xEF\xBF\xBD\"");             /* cut off */
    json_is("\xC0\xAF", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""); /* overlong slash */
    json_is("\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""); /* surrogate */
    Rng rng = rng_seed(8);
    for (int round = 0; round < 500; round++) {
        char bytes[40];
        Buf out = {0};
        Err err = {0};
        size_t n = rng_below(&rng, sizeof bytes);
        for (size_t i = 0; i < n; i++) bytes[i] = (char)rng_u64(&rng);
        MUST(json_string(&out, bytes, n, &err), &err);
        assert_int_equal(utf8_valid_prefix(out.data, out.len), out.len);
        for (size_t i = 0; i < out.len; i++) assert_true((unsigned char)out.data[i] >= 0x20);
        assert_true(out.data[0] == '"' && out.data[out.len - 1] == '"');
        buf_close(&out);
    }
}

static void json_numbers_are_numbers_or_null(void **state)
{
    (void)state;
    static const struct { double v; const char *want; } rows[] = {
        {0, "0"}, {-1.5, "-1.5"}, {NAN, "null"}, {INFINITY, "null"}, {-INFINITY, "null"}, {1e300, "1e+300"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Buf out = {0};
        Err err = {0};
        MUST(json_number(&out, rows[i].v, &err), &err);
        assert_string_equal(out.data, rows[i].want);
        buf_close(&out);
    }
    /* Nine digits bring every f32 back. */
    Rng rng = rng_seed(2);
    for (int i = 0; i < 1000; i++) {
        float x = rng_normal(&rng) * 1e-5f;
        Buf out = {0};
        Err err = {0};
        MUST(json_number(&out, (double)x, &err), &err);
        assert_true(strtof(out.data, NULL) == x);
        buf_close(&out);
    }
}

int main(void)
{
    layer6_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpu_flags_are_ignored_with_one_warning),
        cmocka_unit_test(every_spelling_parses_in_both_forms),
        cmocka_unit_test(a_spelling_means_one_thing_per_verb),
        cmocka_unit_test(numbers_are_held_to_their_ranges),
        cmocka_unit_test(a_missing_value_is_named),
        cmocka_unit_test(the_environment_stands_behind_the_command_line),
        cmocka_unit_test(typos_get_a_hint),
        cmocka_unit_test(words_without_a_flag_are_counted),
        cmocka_unit_test(the_defaults_are_those_of_the_help),
        cmocka_unit_test(help_shows_every_flag_of_the_verb),
        cmocka_unit_test(json_strings_are_valid_whatever_the_bytes),
        cmocka_unit_test(json_numbers_are_numbers_or_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
