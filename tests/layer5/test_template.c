/* Chat templates against jinja2 3.1 set up as Hugging Face does (golden/chat/make_expected.py): our
 * own templates byte for byte, real ones by the hash of what they print or refuse. Real templates
 * are not part of this project: without them that test is skipped. DUMP=directory keeps what
 * differs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer5.h"
#include "must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAT  "tests/golden/chat/"
#define REAL  "../shared/data/chat-templates/"
#define NOW_S 1700000000

static bool read_file(const char *path, Buf *out)
{
    char piece[4096];
    Err err;
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;)
        MUST(buf_append(out, piece, n, &err), &err);
    fclose(f);
    return true;
}

static uint64_t fnv(const char *s, size_t n)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)s[i]) * 0x100000001B3u;
    return h;
}

static ChatValue from_json(Arena *a, const char *json)
{
    ChatValue v;
    Err err;
    MUST(chat_value_from_json(a, json, strlen(json), &v, &err), &err);
    return v;
}

static ChatInput input_of(ChatValue conversation)
{
    return (ChatInput){chat_value_get(conversation, "messages"),
                       chat_value_get(conversation, "tools"),
                       chat_value_get(conversation, "extra"),
                       chat_value_get(conversation, "add_generation_prompt").truth,
                       "<s>",
                       "</s>",
                       NOW_S};
}

static ChatValue conversations(Arena *a)
{
    Buf b = {0};
    assert_true(read_file(CHAT "conversations.json", &b));
    ChatValue all = from_json(a, b.data);
    buf_close(&b);
    return all;
}

/* The output, or in its place the words of a refusal. */
static Status render(const char *source, size_t n, const ChatInput *in, Buf *out, Err *err)
{
    Arena a = {0};
    ChatTemplate *t;
    Status s = chat_template_compile(&a, source, n, &t, err);
    if (s == OK) s = chat_template_render(t, in, out, err);
    arena_close(&a);
    return s;
}

static Status show(const char *source, const char *extra_json, Buf *out, Err *err)
{
    Arena a = {0};
    ChatInput in = {.extra = from_json(&a, extra_json), .now_s = NOW_S};
    Status s = render(source, strlen(source), &in, out, err);
    arena_close(&a);
    return s;
}

static void expect(const char *source, const char *expected)
{
    Buf out = {0};
    Err err;
    MUST(show(source, "{\"x\": [1, 2.5, \"a'b\", null, true], \"s\": \" \\u00e9t\\u00e9 \"}", &out,
              &err),
         &err);
    assert_string_equal(out.data ? out.data : "", expected);
    buf_close(&out);
}

static void refuses(const char *source, Status code, const char *words)
{
    Buf out = {0};
    Err err;
    assert_int_equal(show(source, "{}", &out, &err), code);
    if (!strstr(err.text, words)) print_error("%s\n", err.text);
    assert_non_null(strstr(err.text, words));
    assert_int_equal(out.len, 0);
}

static void a_conversation_becomes_the_models_text(void **state)
{
    (void)state;
    static const char source[] =
        "{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m['content'] | trim }}\n"
        "{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";
    Arena a = {0};
    Buf out = {0};
    Err err;
    ChatTemplate *t;
    ChatInput in = {.messages =
                        from_json(&a, "[{\"role\": \"system\", \"content\": \" Be kind. \"},"
                                      "{\"role\": \"user\", \"content\": \"Hello\"}]"),
                    .add_generation_prompt = true,
                    .bos_text = "<s>"};
    MUST(chat_template_compile(&a, source, strlen(source), &t, &err), &err);
    for (int i = 0; i < 2; i++) {
        buf_clear(&out);
        MUST(chat_template_render(t, &in, &out, &err), &err);
        assert_string_equal(out.data, "<s>[system] Be kind.\n[user] Hello\n[assistant]");
    }
    buf_close(&out);
    arena_close(&a);
}

static void values_print_as_in_python(void **state)
{
    (void)state;
    expect("{{ x }}|{{ none }}|{{ missing }}|{{ (1,) }}|{{ {'k': 1e16} }}",
           "[1, 2.5, \"a'b\", None, True]|None||(1,)|{'k': 1e+16}");
    expect("{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 0.1 + 0.2 }}",
           "3 -4 2 3.5 1024 0.30000000000000004");
    expect("{{ s|length }}{{ s[1] }}{{ s[::-1] }}|{{ s[1:-1]|tojson(ensure_ascii=true) }}",
           "5é été |\"\\u00e9t\\u00e9\"");
    expect("{{ x|tojson }} {{ {'a': [], 'b': {'c': 1}}|tojson(indent=2) }}",
           "[1, 2.5, \"a'b\", null, true] {\n  \"a\": [],\n  \"b\": {\n    \"c\": 1\n  }\n}");
    expect("{{ 'a' 'b' ~ 1 ~ none }} {{ 1 < 2 < 3 }} {{ 'b' not in 'abc' }} {{ not not 1 }}",
           "ab1None True False True");
}

static void whitespace_follows_trim_and_lstrip_blocks(void **state)
{
    (void)state;
    expect("a\n  {% if true %}\nb\n  {% endif %}\n  {{ 1 }}\n", "a\nb\n  1");
    expect("a  {%- if true -%}  \n b {%- endif %} c {#- gone -#} d", "ab cd");
    expect(" {%+ if true +%}\nx{% endif %}", " \nx");
    expect("{{ {'a': {'b': 1}} }} {{ '}}' }}", "{'a': {'b': 1}} }}");
    expect("a\r\nb\r\n", "a\nb");
}

static void scopes_follow_jinja(void **state)
{
    (void)state;
    expect("{% set n = 0 %}{% for i in [1, 2] %}{% set n = n + i %}{{ n }}{% endfor %}{{ n }}",
           "120");
    expect("{% set ns = namespace(n=0) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}{% endfor "
           "%}{{ ns.n }}",
           "3");
    expect("{% if true %}{% set y = 5 %}{% endif %}{{ y }}", "5");
    expect("{% macro f(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ f(1) }}{{ f(b=3, a=4) }}{{ f() }}",
           "12432");
    expect("{% for i in range(9) if i is odd %}{% if i == 5 %}{% continue %}{% endif %}"
           "{% if i > 6 %}{% break %}{% endif %}{{ i }}{{ loop.index0 }}{% endfor %}",
           "1031");
    expect("{% set t %}b{{ 1 }}{% endset %}{{ t }}{% filter upper %}x{{ t }}{% endfilter %}",
           "b1XB1");
    expect("{% for i in [] %}{% else %}none{% endfor %}", "none");
}

static void errors_name_line_and_construct(void **state)
{
    (void)state;
    refuses("\n{% include 'x' %}", E_UNSUPPORTED, "line 2, column 4: statement 'include'");
    refuses("{{ 1 | frob }}", E_UNSUPPORTED, "line 1, column 8: filter 'frob'");
    refuses("{{ 1 is frob }}", E_UNSUPPORTED, "'is frob'");
    refuses("\n\n{{ a.b.c }}", E_ARG, "line 3, column 4: 'a' is undefined");
    refuses("{{ 1 +\n  x.y.z }}", E_ARG, "line 2, column 3: 'x' is undefined");
    refuses("a\n{{ 'x\n y' }}{{ 1 is odd ? }}", E_FORMAT, "line 3, column 19: unexpected character '?'");
    refuses("a\n  {% for i in [1] %}{% break x %}", E_FORMAT, "line 2, column 30: found 'x'");
    refuses("{% if 1 %}", E_FORMAT, "ends where endif is expected");
    refuses("{{ 1", E_FORMAT, "no end");
    refuses("{{ 1 / 0 }}", E_ARG, "division by zero");
    refuses("x{{ raise_exception('not so') }}", E_ARG, "the template refuses: not so");
    refuses("{{ ''.__class__.__mro__ }}", E_ARG, "'__class__' is undefined");
}

static void what_would_not_end_is_stopped(void **state)
{
    (void)state;
    refuses("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", E_LIMIT, "nested deeper");
    refuses("{{ range(10 ** 9) }}", E_LIMIT, "more than 100000 elements");
    refuses("{{ range(-922337203685477580, 922337203685477580) }}", E_LIMIT, "more than 100000 elements");
    refuses("{{ range(922337203685477580 * 10, -922337203685477580 * 10, -9) }}", E_LIMIT, "more than 100000 elements");
    expect("{{ range(100000) | length }} {{ range(3, 1) | list }} {{ range(1, -5, -3) | list }} "
           "{{ range(922337203685477580 * 10 + 1, 922337203685477580 * 10 + 7, 5) | list }}",
           "100000 [] [1, -2] [9223372036854775801, 9223372036854775806]");
    refuses("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
            E_LIMIT, "more than");
    refuses("{{ 'x' * 10 ** 12 }}", E_LIMIT, "exceeds");
    refuses("{% set n = namespace(s='ab') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% "
            "endfor %}",
            E_LIMIT, "exceeds");
    refuses("{% set n = namespace(l=[]) %}{% for i in range(999) %}{% set n.l = [n.l] %}{% endfor "
            "%}{{ n.l }}",
            E_LIMIT, "nested");
    refuses("{% set l = [] %}{{ l.append(l) }}{{ l|tojson }}", E_LIMIT, "nested");
    char deep[4096];
    memset(deep, '-', sizeof deep);
    memcpy(deep, "{{ ", 3);
    memcpy(deep + sizeof deep - 6, " 1 }}", 6);
    refuses(deep, E_LIMIT, "nested deeper than 100");
}

/* Few steps, but long ones (what follows the first element moves): the processor's time ends it. */
static void a_template_takes_100_ms_at_most(void **state)
{
    (void)state;
    int64_t start = clock_cpu_ns();
    refuses("{% set l = range(100000) | list %}{% for i in range(100000) %}{% set x = l.pop(0) %}{% endfor %}", E_LIMIT,
            "ms of processor time");
    int64_t ms = (clock_cpu_ns() - start) / 1000000;
    print_message("             refused after %lld ms\n", (long long)ms);
}

/* The limit is of one rendering, not of the thread that has done other things before. */
static void time_before_does_not_count(void **state)
{
    (void)state;
    Arena a = {0};
    Buf out = {0};
    Err err = {0};
    ChatTemplate *t;
    while (clock_cpu_ns() < 250 * INT64_C(1000000)) {}
    MUST(chat_value_to_json(chat_value_int(7), &out, &err), &err);
    assert_int_equal(out.len, 1);
    MUST(chat_template_compile(&a, "{{ 1 + 1 }}", 11, &t, &err), &err);
    buf_clear(&out);
    MUST(chat_template_render(t, &(ChatInput){0}, &out, &err), &err);
    assert_int_equal(out.data[0], '2');
    buf_close(&out);
    arena_close(&a);
}

static void a_template_cannot_change_the_callers_lists(void **state)
{
    (void)state;
    Arena a = {0};
    Buf out = {0};
    Err err;
    ChatInput in = {.messages = from_json(&a, "[1, 2]")};
    static const char source[] = "{{ messages.pop(0) }}{{ messages.append(3) }}{{ messages }}";
    MUST(render(source, strlen(source), &in, &out, &err), &err);
    assert_string_equal(out.data, "1None[2, 3]");
    assert_int_equal(in.messages.list->n, 2);
    assert_int_equal(in.messages.list->items[0].number, 1);
    buf_close(&out);
    arena_close(&a);
}

static void json_is_read_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {"",  "[1,]", "{\"a\" 1}", "\"\\ud800\"", "01",    "1.",
                                      "-", "nul",  "[1] 2",     "\"\n\"",      "{1: 2}"};
    Arena a = {0};
    Err err;
    ChatValue v;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(chat_value_from_json(&a, bad[i], strlen(bad[i]), &v, &err), E_FORMAT);
    char deep[300];
    memset(deep, '[', sizeof deep);
    assert_int_equal(chat_value_from_json(&a, deep, sizeof deep, &v, &err), E_LIMIT);
    v = from_json(&a, "{\"a\": \"\\ud83d\\ude00\\n\", \"a\": \"last\", \"n\": -12}");
    assert_int_equal(v.dict->n, 2);
    assert_string_equal(chat_value_get(v, "a").text, "last");
    assert_int_equal(chat_value_get(v, "n").number, -12);
    arena_close(&a);
}

static int allocations_left;
static bool refuse_later(void *ctx, size_t n_bytes)
{
    (void)ctx, (void)n_bytes;
    return allocations_left-- > 0;
}

static void a_refused_allocation_is_an_error(void **state)
{
    (void)state;
    Arena a = {0};
    Buf source = {0}, out = {0};
    Err err;
    assert_true(read_file(CHAT "constructs.jinja", &source));
    ChatInput in = input_of(chat_value_get(conversations(&a), "tools"));
    Status s = E_MEMORY;
    int n = 0;
    for (; s == E_MEMORY && n < 2000; n++) {
        allocations_left = n;
        mem_set_hook(refuse_later, NULL);
        s = render(source.data, source.len, &in, &out, &err);
        mem_set_hook(NULL, NULL);
    }
    assert_int_equal(s, OK);
    assert_true(n > 5);
    buf_close(&source);
    buf_close(&out);
    arena_close(&a);
}

/* NAME.expected has the output of each conversation after a line "== conversation status". */
static void check_own(const char *name)
{
    char path[200], head[100];
    Buf source = {0}, expected = {0}, all = {0};
    Arena a = {0};
    Err err;
    snprintf(path, sizeof path, CHAT "%s.jinja", name);
    assert_true(read_file(path, &source));
    snprintf(path, sizeof path, CHAT "%s.expected", name);
    assert_true(read_file(path, &expected));
    ChatValue every = conversations(&a);
    for (int64_t i = 0; i < every.dict->n; i++) {
        Buf out = {0};
        ChatInput in = input_of(every.dict->pairs[i].value);
        Status s = render(source.data, source.len, &in, &out, &err);
        const char *refusal = s == E_ARG ? strstr(err.text, "refuses: ") : NULL;
        if (s != OK && !refusal) print_error("%s\n", err.text);
        assert_true(s == OK || refusal);
        snprintf(head, sizeof head, "== %s %s\n", every.dict->pairs[i].key.text,
                 s == OK ? "ok" : "refused");
        MUST(buf_append(&all, head, strlen(head), &err), &err);
        MUST(buf_printf(&all, &err, "%s\n",
                        refusal    ? refusal + 9
                        : out.data ? out.data
                                   : ""),
             &err);
        buf_close(&out);
    }
    assert_string_equal(all.data, expected.data);
    buf_close(&source);
    buf_close(&expected);
    buf_close(&all);
    arena_close(&a);
}

static void own_templates_print_what_jinja2_prints(void **state)
{
    (void)state;
    check_own("constructs");
    check_own("strings");
    check_own("turns");
}

static bool agrees(const char *file, const char *name, const char *status, uint64_t hash,
                   ChatValue every)
{
    char path[300];
    Buf source = {0}, out = {0};
    Err err = {{0}};
    snprintf(path, sizeof path, REAL "%s", file);
    assert_true(read_file(path, &source));
    ChatInput in = input_of(chat_value_get(every, name));
    Status s = render(source.data, source.len, &in, &out, &err);
    const char *refusal = s == E_ARG ? strstr(err.text, "refuses: ") : NULL;
    bool same = strcmp(status, "ok") == 0 ? s == OK && fnv(out.data, out.len) == hash
                : strcmp(status, "refused") == 0
                    ? refusal && fnv(refusal + 9, strlen(refusal + 9)) == hash
                    : s != OK && !refusal;
    if (!same)
        print_error("%s %s: expected %s, got %s %s\n", file, name, status, status_name(s),
                    s ? err.text : "");
    const char *dump = getenv("DUMP");
    if (!same && dump) {
        snprintf(path, sizeof path, "%s/%s.%s", dump, file, name);
        FILE *f = fopen(path, "wb");
        if (f && out.len) fwrite(out.data, 1, out.len, f);
        if (f) fclose(f);
    }
    buf_close(&source);
    buf_close(&out);
    return same;
}

static void real_templates_print_what_jinja2_prints(void **state)
{
    (void)state;
    Buf list = {0};
    Arena a = {0};
    char file[200], name[40], status[40];
    unsigned long long hash;
    int n = 0, same = 0, used;
    FILE *there = fopen(REAL "NOTE.txt", "rb");
    if (!there) skip();
    fclose(there);
    assert_true(read_file(CHAT "real.txt", &list));
    ChatValue every = conversations(&a);
    for (const char *s = list.data;
         sscanf(s, "%199s %39s %39s %llx%n", file, name, status, &hash, &used) == 4; s += used) {
        n++;
        same += agrees(file, name, status, hash, every);
    }
    print_message("%d of %d renderings agree\n", same, n);
    assert_true(n >= 276);
    assert_int_equal(same, n);
    buf_close(&list);
    arena_close(&a);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversation_becomes_the_models_text),
        cmocka_unit_test(values_print_as_in_python),
        cmocka_unit_test(whitespace_follows_trim_and_lstrip_blocks),
        cmocka_unit_test(scopes_follow_jinja),
        cmocka_unit_test(errors_name_line_and_construct),
        cmocka_unit_test(what_would_not_end_is_stopped),
        cmocka_unit_test(a_template_takes_100_ms_at_most),
        cmocka_unit_test(time_before_does_not_count),
        cmocka_unit_test(a_template_cannot_change_the_callers_lists),
        cmocka_unit_test(json_is_read_strictly),
        cmocka_unit_test(a_refused_allocation_is_an_error),
        cmocka_unit_test(own_templates_print_what_jinja2_prints),
        cmocka_unit_test(real_templates_print_what_jinja2_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
