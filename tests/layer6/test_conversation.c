/* Turns, and their JSON: what was written can be read, what cannot be read changes nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer6.h"
#include "line_reader.h"
#include "must.h"

#include <string.h>

static void add(Conversation *c, TurnRole role, const char *text)
{
    Err err = {0};
    MUST(conversation_add(c, role, text, strlen(text), NULL, &err), &err);
}

static void is_json(const Conversation *c, const char *expected)
{
    Buf json = {0};
    Err err = {0};
    MUST(conversation_to_json(c, &json, &err), &err);
    assert_string_equal(json.data, expected);
    buf_close(&json);
}

static void the_system_text_stands_in_front(void **state)
{
    (void)state;
    Conversation c = {0};
    Err err = {0};
    is_json(&c, "{\"messages\": []}\n");
    add(&c, TURN_USER, "u");
    MUST(conversation_set_system(&c, "s", 1, &err), &err);
    MUST(conversation_set_system(&c, "t\"", 2, &err), &err);
    add(&c, TURN_ASSISTANT, "a\n");
    is_json(&c, "{\"messages\": [{\"role\": \"system\", \"content\": \"t\\\"\"}, {\"role\": \"user\", \"content\": "
            "\"u\"}, {\"role\": \"assistant\", \"content\": \"a\\n\"}]}\n");
    conversation_cut(&c, 2);
    MUST(conversation_set_system(&c, "", 0, &err), &err);
    MUST(conversation_set_system(&c, "", 0, &err), &err);
    is_json(&c, "{\"messages\": [{\"role\": \"user\", \"content\": \"u\"}]}\n");
    conversation_close(&c);
    conversation_close(&c);
}

static void the_model_sees_turns_from_the_first_on(void **state)
{
    (void)state;
    Conversation c = {0};
    Arena a = {0};
    Err err = {0};
    ChatValue messages;
    MUST(conversation_set_system(&c, "s", 1, &err), &err);
    for (int i = 0; i < 4; i++) add(&c, i % 2 ? TURN_ASSISTANT : TURN_USER, (const char *const[]){"1", "2", "3", "4"}[i]);
    MUST(conversation_messages(&c, 3, &a, &messages, &err), &err);
    assert_int_equal(messages.list->n, 3);
    for (int i = 0; i < 3; i++)
        assert_memory_equal(chat_value_get(messages.list->items[i], "content").text, &"s34"[i], 1);
    arena_close(&a);
    conversation_close(&c);
}

static const char whole[] =
    "{\"messages\": [{\"role\": \"system\", \"content\": \"Be \xC3\xA9.\"}, {\"role\": \"user\", \"content\": \"u\"}, "
    "{\"role\": \"assistant\", \"content\": \"\", \"reasoning_content\": \"Hm.\", \"tool_calls\": [{\"id\": \"a\", "
    "\"type\": \"function\", \"function\": {\"name\": \"f\", \"arguments\": \"{\\\"x\\\": [1, \\\"},\\\"]}\"}}, {\"id\": "
    "\"c00002001\", \"type\": \"function\", \"function\": {\"name\": \"g\", \"arguments\": \"{}\"}}]}, {\"role\": \"tool\", "
    "\"content\": \"2\", \"name\": \"g\", \"tool_call_id\": \"c00002001\"}]}\n";

static void what_was_written_is_read(void **state)
{
    (void)state;
    Conversation c = {0};
    Err err = {0};
    add(&c, TURN_USER, "old");
    MUST(conversation_from_json(&c, whole, strlen(whole), &err), &err);
    assert_int_equal(conversation_n(&c), 4);
    assert_string_equal(conversation_turn(&c, 2)->thoughts.data, "Hm.");
    is_json(&c, whole);
    /* Arguments may be an object, and an id may be missing: then there is one all the same. */
    static const char others[] = "{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": [{\"function\": {\"name\": "
                                 "\"f\", \"arguments\": {\"x\": 1}}}]}]}";
    MUST(conversation_from_json(&c, others, strlen(others), &err), &err);
    is_json(&c, "{\"messages\": [{\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": [{\"id\": \"c00000000\", "
            "\"type\": \"function\", \"function\": {\"name\": \"f\", \"arguments\": \"{\\\"x\\\": 1}\"}}]}]}\n");
    conversation_close(&c);
}

static void what_cannot_be_read_changes_nothing(void **state)
{
    (void)state;
    static const struct { const char *json, *words; } bad[] = {
        {"", "JSON"}, {"[]", "\"messages\""}, {"{\"messages\": {}}", "\"messages\""}, {"{\"messages\": [1]}", "message 1"},
        {"{\"messages\": [{\"role\": \"judge\", \"content\": \"\"}]}", "message 1"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"\"}, {\"role\": \"system\", \"content\": \"\"}]}", "message 2"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": [1]}]}", "no text"},
        {"{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": [1]}]}", "message 1"},
        {"{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\": "
         "\"{\"}}]}]}", "no JSON object"},
        {"{\"messages\": [{\"role\": \"assistant\", \"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\": "
         "{\"x\": 1e999}}}]}]}", "no JSON object"}};
    Conversation c = {0};
    Err err = {0};
    add(&c, TURN_USER, "old");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_not_equal(conversation_from_json(&c, bad[i].json, strlen(bad[i].json), &err), OK);
        if (!strstr(err.text, bad[i].words)) print_error("%s\n", err.text);
        assert_non_null(strstr(err.text, bad[i].words));
    }
    for (size_t n = 0; n + 2 < sizeof whole; n++)
        assert_int_not_equal(conversation_from_json(&c, whole, n, &err), OK);
    is_json(&c, "{\"messages\": [{\"role\": \"user\", \"content\": \"old\"}]}\n");
    conversation_close(&c);
}

/* ---------------------------------------------------------------- calls */

static void is_waiting(const Conversation *c, const char *names)
{
    Arena a = {0};
    Err err = {0};
    ChatValue calls;
    char all[100] = "";
    MUST(conversation_waiting(c, &a, &calls, &err), &err);
    for (int64_t i = 0; i < calls.list->n; i++) {
        ChatValue name = chat_value_get(chat_value_get(calls.list->items[i], "function"), "name");
        strncat(all, name.text, name.n);
    }
    assert_string_equal(all, names);
    arena_close(&a);
}

static void a_result_takes_its_call_away(void **state)
{
    (void)state;
    Conversation c = {0};
    Arena a = {0};
    Err err = {0};
    ChatTurn t = {.role = TURN_ASSISTANT}, *last;
    ChatValue calls;
    is_waiting(&c, "");
    add(&c, TURN_USER, "u");
    for (int i = 0; i < 3; i++)
        MUST(conversation_add_call(&c, &t, (const char *const[]){"f", "g", "f"}[i], "{}", 2, &err), &err);
    MUST(conversation_add(&c, TURN_ASSISTANT, NULL, 0, &last, &err), &err);
    *last = t;
    is_waiting(&c, "fgf");
    MUST(conversation_waiting(&c, &a, &calls, &err), &err);
    MUST(conversation_add_result(&c, calls.list->items[1], "2", 1, &err), &err);
    is_waiting(&c, "ff");
    assert_string_equal(conversation_turn(&c, 2)->name.data, "g");
    assert_string_equal(conversation_turn(&c, 2)->id.data, "c00001001");
    add(&c, TURN_TOOL, "by somebody who gives no ids");
    is_waiting(&c, "f");
    MUST(conversation_add_result(&c, calls.list->items[2], "3", 1, &err), &err);
    is_waiting(&c, "");
    conversation_cut(&c, 3);
    is_waiting(&c, "ff");
    add(&c, TURN_USER, "never mind");
    is_waiting(&c, "");
    arena_close(&a);
    conversation_close(&c);
}

static void is_refused(const char *json, Status status, const char *words)
{
    Arena a = {0};
    Err err = {0};
    ChatValue tools;
    assert_int_equal(tools_from_json(&a, json, strlen(json), &tools, &err), status);
    if (!strstr(err.text, words)) print_error("%s: %s\n", json, err.text);
    assert_non_null(strstr(err.text, words));
    assert_non_null(strstr(err.text, "HINT: "));
    assert_int_equal(tools.kind, CHAT_UNDEFINED);
    arena_close(&a);
}

#define F(name) "{\"type\": \"function\", \"function\": {\"name\": \"" name "\"}}"

static void tools_are_checked(void **state)
{
    (void)state;
    static const char good[] = "{\"model\": 1, \"tools\": [" F("f") ", {\"name\": \"a-b_c.9\", \"description\": null, "
                               "\"parameters\": {\"type\": \"object\", \"properties\": {}}}]}";
    Arena a = {0};
    Err err = {0};
    ChatValue tools;
    Buf json = {0};
    MUST(tools_from_json(&a, good, strlen(good), &tools, &err), &err);
    MUST(chat_value_to_json(tools, &json, &err), &err);
    assert_string_equal(json.data, "[{\"type\": \"function\", \"function\": {\"name\": \"f\", \"parameters\": {\"type\": "
                        "\"object\", \"properties\": {}}}}, {\"type\": \"function\", \"function\": {\"name\": "
                        "\"a-b_c.9\", \"description\": null, \"parameters\": {\"type\": \"object\", \"properties\": {}}}}]");
    assert_int_equal(tools_find(tools, (Str){"f", 1}).kind, CHAT_DICT);
    assert_int_equal(tools_find(tools, (Str){"g", 1}).kind, CHAT_UNDEFINED);
    arena_close(&a);
    buf_close(&json);
    is_refused("", E_FORMAT, "JSON byte 0");
    is_refused("[{\"name\": \"f\"}, ", E_FORMAT, "JSON byte");
    is_refused("{}", E_FORMAT, "no list");
    is_refused("3", E_FORMAT, "no list");
    is_refused("[]", E_LIMIT, "0 tools");
    is_refused("[1]", E_FORMAT, "tool 1 is no function");
    is_refused("[{\"function\": 1}]", E_FORMAT, "tool 1 is no function");
    is_refused("[" F("f") ", {\"type\": \"retrieval\", \"function\": {}}]", E_UNSUPPORTED, "tool 2 is of type 'retrieval'");
    is_refused("[" F("") "]", E_FORMAT, "no name");
    is_refused("[" F("two words") "]", E_FORMAT, "no name");
    is_refused("[" F("\\u001b[2J") "]", E_FORMAT, "no name");
    is_refused("[" F("f") ", " F("f") "]", E_FORMAT, "two tools are named 'f'");
    is_refused("[{\"name\": \"f\", \"description\": 1}]", E_FORMAT, "description of tool 'f'");
    is_refused("[{\"name\": \"f\", \"parameters\": []}]", E_FORMAT, "parameters of tool 'f'");
    Buf many = {0};
    for (int i = 0; i <= TOOLS_MAX; i++) MUST(buf_printf(&many, &err, "%s{\"name\": \"f%d\"}", i ? "," : "[", i), &err);
    MUST(buf_append(&many, "]", 1, &err), &err);
    is_refused(many.data, E_LIMIT, "129 tools");
    buf_clear(&many);
    for (int i = 0; i < 300; i++) MUST(buf_append(&many, "[", 1, &err), &err);
    assert_int_equal(tools_from_json(&a, many.data, many.len, &tools, &err), E_LIMIT); /* too deep */
    arena_close(&a);
    buf_close(&many);
}

/* ---------------------------------------------------------------- lines */

static void joins(const char *const *lines, const char *expected, bool complete)
{
    Buf message = {0};
    Err err = {0};
    bool quoted = false, all = false;
    for (int i = 0; lines[i]; i++) {
        assert_false(all);
        MUST(line_join(&message, &quoted, lines[i], strlen(lines[i]), &all, &err), &err);
    }
    assert_string_equal(message.data ? message.data : "", expected);
    assert_int_equal(all, complete);
    buf_close(&message);
}

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void lines_become_messages(void **state)
{
    (void)state;
    joins(LINES("hello"), "hello", true);
    joins(LINES(""), "", true);
    joins(LINES("a\r"), "a", true);
    joins(LINES("a\\", "b\\", "c"), "a\nb\nc", true);
    joins(LINES("a\\"), "a\n", false);
    joins(LINES("\"\"\"", "a", "", "b\\", "\"\"\""), "a\n\nb\\", true);
    joins(LINES("\"\"\"a\"\"\""), "a", true);
    joins(LINES("\"\"\"a", "b\"\"\""), "a\nb", true);
    joins(LINES("\"\"\"\"\"\""), "", true);
    joins(LINES("\"\"\"", "a"), "a\n", false);
    joins(LINES("say \"\"\""), "say \"\"\"", true);
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
        Conversation c = {0};
        Buf json = {0};
        mem_set_hook(allow, &left);
        Status s = conversation_from_json(&c, whole, strlen(whole), &err);
        if (s == OK) s = conversation_set_system(&c, "", 0, &err);
        if (s == OK) s = conversation_set_system(&c, "new", 3, &err);
        if (s == OK) s = conversation_to_json(&c, &json, &err);
        mem_set_hook(NULL, NULL);
        done = s == OK;
        assert_true(done || (s == E_MEMORY && err.text[0]));
        buf_close(&json);
        conversation_close(&c);
    }
    assert_in_range(k, 10, 999);
}

int main(void)
{
    layer6_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_system_text_stands_in_front),
        cmocka_unit_test(the_model_sees_turns_from_the_first_on),
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(what_cannot_be_read_changes_nothing),
        cmocka_unit_test(a_result_takes_its_call_away),
        cmocka_unit_test(tools_are_checked),
        cmocka_unit_test(lines_become_messages),
        cmocka_unit_test(a_refused_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
