/* What a model says, as content, thoughts and calls: each family's form by hand, then cut at every byte. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer5.h"
#include "must.h"

#include <string.h>

/* Parts as one text: neighbours of a kind are joined. C(..) content, T(..) thoughts, F(name, arguments). */
typedef struct {
    Buf out;
    int last; /* kind of the part that is open, -1: none */
} Shown;

static Status show(void *ctx, const ChatPart *part, Err *err)
{
    Shown *s = ctx;
    if (part->kind == CHAT_PART_CALL) {
        TRY(buf_printf(&s->out, err, "%sF(%s, %.*s)", s->last >= 0 ? ")" : "", part->name, (int)part->n, part->text));
        assert_int_equal(part->text[part->n], 0);
        s->last = -1;
        return OK;
    }
    assert_true(part->n > 0);
    if (s->last != (int)part->kind)
        TRY(buf_printf(&s->out, err, "%s%s(", s->last >= 0 ? ")" : "", part->kind == CHAT_PART_THOUGHT ? "T" : "C"));
    s->last = (int)part->kind;
    return buf_append(&s->out, part->text, part->n, err);
}

/* The text in pieces of `piece` bytes after a first one of `first`. */
static Status parsed(const ChatParserParams *params, const char *text, size_t first, size_t piece, Shown *s, Err *err)
{
    ChatParser p;
    size_t n = strlen(text), at = 0;
    Status status = OK;
    *s = (Shown){.last = -1};
    chat_parser_open(&p, params, show, s);
    for (size_t k = first; status == OK && at < n; k = piece) {
        if (k > n - at) k = n - at;
        if (k == 0) k = 1;
        /* Copies of exactly this size: a sanitizer sees what is read beyond them. */
        char *copy = test_malloc(k);
        memcpy(copy, text + at, k);
        status = chat_parser_feed(&p, copy, k, err);
        test_free(copy);
        at += k;
    }
    if (status == OK) status = chat_parser_end(&p, err);
    if (status == OK && s->last >= 0) status = buf_append(&s->out, ")", 1, err);
    chat_parser_close(&p);
    return status;
}

static void expect(ChatParserParams params, const char *text, const char *expected)
{
    Err err = {0};
    size_t n = strlen(text);
    for (size_t first = 0; first <= n; first++)
        for (size_t piece = 1; piece <= n + 1; piece += piece == 1 ? 2 : n) {
            Shown s;
            MUST(parsed(&params, text, first ? first : 1, piece, &s, &err), &err);
            if (strcmp(s.out.data ? s.out.data : "", expected) != 0)
                print_error("cut after %zu, then every %zu: %s\n", first, piece, text);
            assert_string_equal(s.out.data ? s.out.data : "", expected);
            buf_close(&s.out);
        }
}

#define PLAIN    (ChatParserParams){0}
#define THINKING (ChatParserParams){.think = CHAT_THINK_TAGS}
#define HERMES   (ChatParserParams){.form = CHAT_FORM_HERMES, .think = CHAT_THINK_TAGS}
#define LLAMA3   (ChatParserParams){.form = CHAT_FORM_LLAMA3, .tools = true}
#define MISTRAL  (ChatParserParams){.form = CHAT_FORM_MISTRAL, .think = CHAT_THINK_BRACKETS}
#define CHANNELS (ChatParserParams){.form = CHAT_FORM_CHANNELS}

static void plain_text_stays_as_it_is(void **state)
{
    (void)state;
    expect(PLAIN, "", "");
    expect(PLAIN, "  <think>a</think> <tool_call>{} [TOOL_CALLS] <|channel|>\n", "C(  <think>a</think> <tool_call>{} "
           "[TOOL_CALLS] <|channel|>\n)");
}

static void thoughts_stand_before_the_answer(void **state)
{
    (void)state;
    expect(THINKING, "<think>\nWhy?\n\nSo.\n</think>\n\nYes. ", "T(Why?\n\nSo.)C(Yes. )");
    expect(THINKING, "\n<think></think>a", "C(a)");
    expect(THINKING, "\n a", "C(\n a)");
    expect(THINKING, "a <think>b</think>", "C(a <think>b</think>)"); /* too late: it speaks about the tag */
    expect(THINKING, "<think>a", "T(a)");
    expect(THINKING, "<think>a</thi \n", "T(a</thi)");
    expect(THINKING, "<thin", "C(<thin)");
    expect(THINKING, "</think>a", "C(</think>a)");
    ChatParserParams inside = THINKING;
    inside.thinks = true;
    expect(inside, "Hm.\n</think>\n\nNo <b.", "T(Hm.)C(No <b.)");
    expect(inside, "", "");
    expect(MISTRAL, "[THINK]a[/THINK]b", "T(a)C(b)");
}

static void hermes_calls(void **state)
{
    (void)state;
    expect(HERMES, "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": [1, \"</tool\"]}}\n</tool_call>",
           "F(f, {\"x\": [1, \"</tool\"]})");
    expect(HERMES, "Let me look.\n<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>\n<tool_call>\n{\"name\": "
           "\"g\"}</tool_call>\n", "C(Let me look.)F(f, {})F(g, {})");
    expect(HERMES, "<think>a</think><tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"y\\\": 2}\"}</tool_call>",
           "T(a)F(f, {\"y\": 2})");
    /* Without the end, as when the answer was cut: what can be read counts. */
    expect(HERMES, "<tool_call>{\"name\": \"f\", \"arguments\": {}}", "F(f, {})");
    /* No call: it stays what was said. */
    expect(HERMES, "<tool_call>{\"name\": 1}</tool_call> b", "C(<tool_call>{\"name\": 1}</tool_call> b)");
    expect(HERMES, "<tool_call>{\"name\": \"f\", \"argum", "C(<tool_call>{\"name\": \"f\", \"argum)");
    expect(HERMES, "<tool_call>{\"name\": \"f\", \"arguments\": {\"x\": 1e999}}</tool_call>",
           "C(<tool_call>{\"name\": \"f\", \"arguments\": {\"x\": 1e999}}</tool_call>)");
    expect(HERMES, "<tool_call></tool_call>", "C(<tool_call></tool_call>)");
    expect(HERMES, "a <tool", "C(a <tool)");
}

static void calls_in_tags(void **state)
{
    (void)state;
    expect(HERMES, "<tool_call>\n<function=get>\n<parameter=city>\nZ\xC3\xBCrich\n</parameter>\n<parameter=days>\n2\n"
           "</parameter>\n</function>\n</tool_call>", "F(get, {\"city\": \"Z\xC3\xBCrich\", \"days\": 2})");
    expect(HERMES, "<tool_call><function=f></function></tool_call>", "F(f, {})");
    expect(HERMES, "<tool_call><function=f><parameter=x></function></tool_call>",
           "C(<tool_call><function=f><parameter=x></function></tool_call>)");
    expect(LLAMA3, "<function=f>{\"x\": 1}</function>", "F(f, {\"x\": 1})");
}

static void llama3_calls_have_no_tag(void **state)
{
    (void)state;
    expect(LLAMA3, "{\"name\": \"f\", \"parameters\": {\"x\": \"}\\\"\"}}", "F(f, {\"x\": \"}\\\"\"})");
    expect(LLAMA3, "\n{\"type\": \"function\", \"name\": \"f\", \"parameters\": {}}; {\"name\": \"g\", "
           "\"parameters\": {}}", "F(f, {})F(g, {})");
    expect(LLAMA3, "<|python_tag|>{\"name\": \"f\", \"parameters\": {}}", "F(f, {})");
    expect(LLAMA3, "<|python_tag|>print(1)", "C(<|python_tag|>print(1))");
    expect(LLAMA3, "{\"x\": 1} is JSON.", "C({\"x\": 1} is JSON.)");
    expect(LLAMA3, "A {\"name\": \"f\", \"parameters\": {}}", "C(A {\"name\": \"f\", \"parameters\": {}})");
    expect(LLAMA3, "{\"name\": \"f\"", "C({\"name\": \"f\")");
    ChatParserParams none = LLAMA3;
    none.tools = false;
    expect(none, "{\"name\": \"f\", \"parameters\": {}}", "C({\"name\": \"f\", \"parameters\": {}})");
}

static void mistral_calls(void **state)
{
    (void)state;
    expect(MISTRAL, "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {\"x\": 1}, \"id\": \"abcdefghi\"}, {\"name\": \"g\", "
           "\"arguments\": {}}]", "F(f, {\"x\": 1})F(g, {})");
    expect(MISTRAL, "Well.[TOOL_CALLS]f[ARGS]{\"x\": {}}[TOOL_CALLS]g[CALL_ID]abcdefghi[ARGS]{}", "C(Well.)F(f, {\"x\": "
           "{}})F(g, {})");
    expect(MISTRAL, "[TOOL_CALLS]f{\"x\": 1} ", "F(f, {\"x\": 1})");
    expect(MISTRAL, "[TOOL_CALLS][1]", "C([TOOL_CALLS][1])");
    expect(MISTRAL, "[TOOL_CALLS]", "C([TOOL_CALLS])");
}

static void channels(void **state)
{
    (void)state;
    expect(CHANNELS, "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
           "T(Hm.)C(Yes.)");
    expect(CHANNELS, "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary to=functions.f "
           "<|constrain|>json<|message|>{\"x\": 1}<|call|>", "T(a)F(f, {\"x\": 1})");
    expect(CHANNELS, "<|start|>assistant to=functions.f<|channel|>commentary json<|message|>{}", "F(f, {})");
    expect(CHANNELS, "<|channel|>commentary<|message|>I will look.<|end|>", "C(I will look.)");
    expect(CHANNELS, "<|channel|>commentary to=python<|message|>1 + 1<|call|>", "C(1 + 1)");
    expect(CHANNELS, "no channels", "C(no channels)");
    expect(CHANNELS, "<|channel|>ana", "");
}

static void control_tokens_that_mean_something_are_known(void **state)
{
    (void)state;
    ChatParser p;
    chat_parser_open(&p, &MISTRAL, show, NULL);
    assert_true(chat_parser_knows(&p, "[TOOL_CALLS]", 12) && chat_parser_knows(&p, "[ARGS]", 6) &&
                chat_parser_knows(&p, "[/THINK]", 8));
    assert_false(chat_parser_knows(&p, "<tool_call>", 11) || chat_parser_knows(&p, "[INST]", 6) ||
                 chat_parser_knows(&p, "[TOOL_CALLS", 11));
    chat_parser_close(&p);
}

static void a_call_has_a_limit(void **state)
{
    (void)state;
    enum { N = 1100000 };
    Buf text = {0};
    Err err = {0};
    Shown s;
    MUST(buf_append(&text, "<tool_call>", 11, &err), &err);
    MUST(buf_reserve(&text, N, &err), &err);
    memset(text.data + text.len, '[', N);
    text.len += N;
    text.data[text.len] = 0;
    MUST(parsed(&HERMES, text.data, 1000, 100000, &s, &err), &err);
    assert_int_equal(s.out.len, text.len + 3);
    assert_memory_equal(s.out.data + 2, text.data, text.len);
    buf_close(&s.out);
    buf_close(&text);
}

static bool allow(void *ctx, size_t n)
{
    (void)n;
    return (*(int64_t *)ctx)-- > 0;
}

static void a_refused_allocation_is_an_error(void **state)
{
    (void)state;
    int64_t k = 0;
    for (bool done = false; !done && k < 1000; k++) {
        int64_t left = k;
        Err err = {0};
        Shown s;
        mem_set_hook(allow, &left);
        Status status = parsed(&HERMES, "<think>a</think><tool_call>{\"name\": \"f\", \"arguments\": {\"x\": [1]}}</tool_call>",
                               3, 3, &s, &err);
        mem_set_hook(NULL, NULL);
        done = status == OK;
        assert_true(done || (status == E_MEMORY && err.text[0]));
        if (done) assert_string_equal(s.out.data, "T(a)F(f, {\"x\": [1]})");
        buf_close(&s.out);
    }
    assert_in_range(k, 5, 999);
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays_as_it_is),
        cmocka_unit_test(thoughts_stand_before_the_answer),
        cmocka_unit_test(hermes_calls),
        cmocka_unit_test(calls_in_tags),
        cmocka_unit_test(llama3_calls_have_no_tag),
        cmocka_unit_test(mistral_calls),
        cmocka_unit_test(channels),
        cmocka_unit_test(control_tokens_that_mean_something_are_known),
        cmocka_unit_test(a_call_has_a_limit),
        cmocka_unit_test(a_refused_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
