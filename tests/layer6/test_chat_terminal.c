/* `sixfold chat` as a person meets it: on a pseudo-terminal, with keys. What the model says is not expected
 * word by word; what is looked at is the order of things: prompt, answer, Ctrl-C, commands, the end. All of
 * it with the line editor (skipped where libedit is not installed) and without (TERM=dumb). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "caller_model.h"
#include "pty.h"

#include <dlfcn.h>

static bool has_editor(void)
{
    void *so = dlopen("libedit.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!so) so = dlopen("libedit.so.0", RTLD_NOW | RTLD_LOCAL);
    if (so) dlclose(so);
    return so != NULL;
}

/* ---------------------------------------------------------------- with both readers */

static void talk(const char *term)
{
    bool colour = strcmp(term, "dumb") != 0;
    Terminal t = started(term, WORDS("-n", "12"));
    see(&t, "Talk with the storyteller.");
    see(&t, "> ");
    type(&t, "Tell me a story.\n");
    see(&t, "tokens ]"); /* the answer's timings, then the next prompt */
    assert_int_equal(memmem(t.seen.data, t.seen.len, "\x1b[90m", 5) != NULL, colour);
    see(&t, "> ");
    type(&t, "And then?\n");
    see(&t, " new of ");
    see(&t, "> ");
    type(&t, "/context\n");
    see(&t, "4 turns");
    see(&t, "> ");
    type(&t, "/undo\n");
    see(&t, "undone");
    type(&t, "/context\n");
    see(&t, "2 turns");
    type(&t, "/regen\n");
    see(&t, "1 new of"); /* the message is shared, only its last token is computed again */
    type(&t, "/nothing\n");
    see(&t, "unknown command '/nothing'");
    type(&t, "/set temp hot\n");
    see(&t, "temp is 'hot'");
    type(&t, "/set n-predict 3\n");
    see(&t, "nothing to set");
    type(&t, "/set predict 3\n");
    see(&t, "predict: 3");
    type(&t, "\"\"\"\nOne.\nTwo.\n\"\"\"\n");
    see(&t, "3 tokens ]");
    type(&t, "/clear\n");
    see(&t, "cleared");
    type(&t, "/exit\n");
    ends(&t, 0);
}

/* Ctrl-C stops the answer and keeps it; then it can go on, and a second one at the prompt leaves. */
static void stop_and_leave(const char *term, bool editor)
{
    /* It would talk for half a minute. */
    setenv("SIXFOLD_KERNELS", "scalar", 1);
    Terminal t = started(term, WORDS("-sys", "You are a friendly storyteller.", "--ignore-eos", "-c", "8192", "-q"));
    unsetenv("SIXFOLD_KERNELS");
    see(&t, "> ");
    type(&t, "Tell me a story about a dog.\n");
    see(&t, "dog.");
    see(&t, " "); /* three words have been said */
    see(&t, " ");
    see(&t, " ");
    type(&t, "\x03");
    see(&t, "> ");
    type(&t, "/context\n");
    see(&t, "3 turns"); /* the system text, the message, and what was said */
    see(&t, "> ");
    if (editor) {
        type(&t, "half a li");
        see(&t, "half a li");
        type(&t, "\x03"); /* drops the line */
        see(&t, "^C");
        see(&t, "> ");
        type(&t, "\x03"); /* leaves */
    } else {
        type(&t, "\x03");
        see(&t, "Ctrl-C again");
        type(&t, "\x03");
    }
    ends(&t, 0);
    t = started(term, WORDS("-n", "4"));
    see(&t, "> ");
    type(&t, "\x04"); /* Ctrl-D */
    ends(&t, 0);
}

static bool echoes(const Terminal *t)
{
    struct termios is;
    assert_int_equal(tcgetattr(t->fd, &is), 0);
    return is.c_lflag & ECHO;
}

/* What is typed while an answer comes is not shown in it, but in the next line. And whatever ends the program
 * leaves the terminal as it was. */
static void typed_ahead(const char *term, bool editor)
{
    setenv("SIXFOLD_KERNELS", "scalar", 1);
    Terminal t = started(term, WORDS("--ignore-eos", "-c", "8192", "-n", "60"));
    unsetenv("SIXFOLD_KERNELS");
    bool before = echoes(&t);
    see(&t, "> ");
    type(&t, "Tell me a story about a dog.\n");
    see(&t, "dog.");
    see(&t, " ");
    see(&t, " ");
    size_t from = t.from;
    assert_false(echoes(&t));
    type(&t, "/context\n");
    see(&t, "tokens ]");
    assert_null(memmem(t.seen.data + from, t.from - from, "/context", 8));
    see(&t, "2 turns");
    see(&t, "> ");
    if (!editor) {
        type(&t, "Tell me a story about a cat.\n");
        see(&t, "cat.");
        see(&t, " ");
        see(&t, " ");
        assert_false(echoes(&t));
        int hold = open(ptsname(t.fd), O_RDWR | O_NOCTTY), status; /* or its settings go with the program */
        kill(t.child, SIGSTOP); /* so slow that two signals come before it looks */
        kill(t.child, SIGINT);
        kill(t.child, SIGTERM);
        kill(t.child, SIGCONT);
        assert_int_equal(waitpid(t.child, &status, 0), t.child);
        assert_true(WIFEXITED(status));
        assert_true(WEXITSTATUS(status) == 130 || WEXITSTATUS(status) == 143); /* whichever came second */
        assert_int_equal(echoes(&t), before);
        close(hold);
        close(t.fd);
        buf_close(&t.seen);
        return;
    }
    type(&t, "/exit\n");
    ends(&t, 0);
}

static void saved_and_loaded(const char *term)
{
    char command[128];
    Terminal t = started(term, WORDS("-n", "6"));
    see(&t, "> ");
    type(&t, "Hello!\n");
    see(&t, "tokens ]");
    snprintf(command, sizeof command, "/save %s/talk.json\n", directory);
    type(&t, command);
    see(&t, "saved: 2 turns");
    type(&t, "/exit\n");
    ends(&t, 0);
    t = started(term, WORDS("-n", "6"));
    see(&t, "> ");
    snprintf(command, sizeof command, "/load %s/talk.json\n", directory);
    type(&t, command);
    see(&t, "loaded: 2 turns");
    type(&t, "/load /nowhere/at/all\n");
    see(&t, "error: cannot open");
    type(&t, "/regen\n");
    see(&t, "tokens ]");
    kill(t.child, SIGTERM);
    ends(&t, 143);
}

static void a_plain_terminal_is_enough(void **state)
{
    (void)state;
    talk("dumb");
    stop_and_leave("dumb", false);
    typed_ahead("dumb", false);
    saved_and_loaded("dumb");
}

/* ---------------------------------------------------------------- with the editor */

static void the_editor_edits(void **state)
{
    (void)state;
    if (!has_editor()) skip();
    talk("xterm");
    stop_and_leave("xterm", true);
    typed_ahead("xterm", true);
    saved_and_loaded("xterm");
}

static void keys_work_in_the_editor(void **state)
{
    (void)state;
    if (!has_editor()) skip();
    Terminal t = started("xterm", WORDS("-n", "4"));
    see(&t, "> ");
    type(&t, "/contx\x7f\x01\x05" "ext\n"); /* backspace, to the front, to the end */
    see(&t, "0 turns");
    type(&t, "\x1b[A\n"); /* up: the same again */
    see(&t, "0 turns");
    type(&t, "/conte\t\n"); /* Tab completes */
    see(&t, "0 turns");
    /* Pasted lines are one message; Tabs in it are Tabs. */
    type(&t, "\x1b[200~one\n\ttwo \xC3\xA9\nthree\x1b[201~\n");
    see(&t, "tokens ]");
    char command[128];
    snprintf(command, sizeof command, "/save %s/paste.json\n", directory);
    type(&t, command);
    see(&t, "saved: 2 turns");
    type(&t, "/exit\n");
    ends(&t, 0);
    Buf json = {0};
    Err err = {0};
    snprintf(command, sizeof command, "%s/paste.json", directory);
    MUST(cli_read_text(command, &json, 10000, &err), &err);
    assert_non_null(strstr(json.data, "\"one\\n\\ttwo \xC3\xA9\\nthree\""));
    buf_close(&json);
    /* The history of the last session. */
    t = started("xterm", WORDS("-n", "4"));
    see(&t, "> ");
    type(&t, "\x1b[A\x1b[A\x1b[A\n");
    see(&t, "tokens ]");
    type(&t, "/bye\n");
    ends(&t, 0);
}

/* The file that /save wrote into the directory. */
static void saved_text(Terminal *t, const char *name, Buf *json)
{
    char command[128];
    Err err = {0};
    snprintf(command, sizeof command, "/save %s/%s\n", directory, name);
    type(t, command);
    see(t, "saved: ");
    snprintf(command, sizeof command, "%s/%s", directory, name);
    buf_clear(json);
    MUST(cli_read_text(command, json, 100000, &err), &err);
}

static void words_and_lines_are_edited(void **state)
{
    (void)state;
    if (!has_editor()) skip();
    Buf json = {0};
    char command[128];
    Terminal t = started("xterm", WORDS("-n", "4"));
    see(&t, "> ");
    type(&t, "two ext\x1b[1;5D/cont\x1b[D\x1b[D\x1b[D\x1b[D\x1b[D\x15\n"); /* a word back; what stands before goes */
    see(&t, "0 turns");
    type(&t, "/nothing\x17" "context\n"); /* the last word goes */
    see(&t, "0 turns");
    type(&t, "\x1b[4~/context\x1b[1~\x1b[3~/\n"); /* Home, Delete */
    see(&t, "0 turns");
    type(&t, "\x12/cont\n"); /* Ctrl-R finds what was said */
    see(&t, "0 turns");
    type(&t, "one\x1b\rtwo\n"); /* Alt-Enter */
    see(&t, "tokens ]");
    type(&t, "\x1b[A\n"); /* the whole message again, not its last line */
    see(&t, "tokens ]");
    saved_text(&t, "talk.json", &json);
    const char *first = strstr(json.data, "\"content\": \"one\\ntwo\"");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "\"content\": \"one\\ntwo\""));
    /* Tab completes a file, and shows them if there are several. */
    snprintf(command, sizeof command, "/load %s/ta\t\n", directory);
    type(&t, command);
    see(&t, "loaded: 4 turns");
    type(&t, "/s\t");
    see(&t, "/save /set /show /stats /system");
    type(&t, "how\n");
    see(&t, "template ");
    type(&t, "/exit\n");
    ends(&t, 0);
    buf_close(&json);
}

/* The editor draws a line anew when the window changes. */
static void a_line_follows_the_window(void **state)
{
    (void)state;
    if (!has_editor()) skip();
    Terminal t = started("xterm", WORDS("-n", "4"));
    see(&t, "> ");
    type(&t, "a line of more than thirty letters");
    see(&t, "letters");
    resized(&t, 30);
    see(&t, "\x1b[J"); /* cleared from its first row on, and there it is again */
    see(&t, "> ");
    see(&t, "etters"); /* the l stands in the row above */
    type(&t, "\x15/help\n");
    see(&t, "/help");
    see(&t, "\r\n");
    size_t from = t.from;
    see(&t, "/exit");
    for (const char *row = t.seen.data + from, *end; (end = strstr(row, "\r\n")); row = end + 2)
        assert_true(end - row < 30 || memchr(row, 27, (size_t)(end - row))); /* lines end between words */
    see(&t, "> ");
    type(&t, "/exit\n");
    ends(&t, 0);
}

/* Green is what the user says, and nothing else. */
static void only_the_user_is_green(void **state)
{
    (void)state;
    if (!has_editor()) skip();
    Terminal t = started("xterm", WORDS("-n", "4"));
    see(&t, "> ");
    type(&t, "Tell me a story.\n");
    see(&t, "\x1b[0m");
    assert_non_null(memmem(t.seen.data, t.from, "\x1b[32m", 5));
    size_t from = t.from;
    see(&t, "[ Prompt");
    assert_null(memmem(t.seen.data + from, t.from - from, "\x1b[32m", 5));
    type(&t, "/exit\n");
    ends(&t, 0);
    t = started("xterm", WORDS("-n", "4", "--color", "off"));
    see(&t, "> ");
    type(&t, "Tell me a story.\n");
    see(&t, "tokens ]");
    assert_null(memmem(t.seen.data, t.seen.len, "\x1b[32m", 5));
    assert_null(memmem(t.seen.data, t.seen.len, "\x1b[90m", 5));
    type(&t, "/exit\n");
    ends(&t, 0);
}

/* ---------------------------------------------------------------- tools */

static const char tools[] = "[{\"name\": \"look\", \"description\": \"looks up\", \"parameters\": {\"type\": \"object\", "
                            "\"properties\": {\"what\": {\"type\": \"string\"}}}}]";

static void calls_are_answered(const char *term)
{
    char model[128], list[128], command[200];
    Buf json = {0};
    snprintf(model, sizeof model, "%s/caller.gguf", directory);
    snprintf(list, sizeof list, "%s/tools.json", directory);
    caller_write(model);
    FILE *f = fopen(list, "w");
    assert_true(f && fputs(tools, f) >= 0 && fclose(f) == 0);
    Terminal t = started(term, WORDS("-m", model, "--tools", list));
    see(&t, "> ");
    type(&t, "/tools\n");
    see(&t, "look(what): looks up");
    type(&t, "/tool look 1\n");
    see(&t, "error: no call waits");
    type(&t, "hi\n");
    see(&t, "Hmm"); /* the thought, grey or named as such */
    see(&t, "call look");
    see(&t, "what: \"sun\"");
    see(&t, "times: [1, 2]");
    see(&t, "the model waits");
    see(&t, "look> ");
    type(&t, "/tool rain 1\n");
    see(&t, "error: no call of 'rain' waits");
    type(&t, "/context\n"); /* commands go on working */
    see(&t, "2 turns");
    see(&t, "look> ");
    type(&t, "blue\n");
    see(&t, "Sunny!");
    see(&t, "> ");
    saved_text(&t, "talk.json", &json);
    assert_non_null(strstr(json.data, "{\"role\": \"tool\", \"content\": \"blue\", \"name\": \"look\", \"tool_call_id\": "));
    type(&t, "/regen\n"); /* from the question on: the call comes again */
    see(&t, "look> ");
    type(&t, "/tool look {\"sky\": \\\n"); /* of two lines */
    type(&t, "1}\n");
    see(&t, "Sunny!");
    saved_text(&t, "talk.json", &json);
    assert_non_null(strstr(json.data, "\"content\": \"{\\\"sky\\\": \\n1}\""));
    type(&t, "/undo\n");
    see(&t, "undone");
    type(&t, "/tools off\n");
    see(&t, "no tools");
    snprintf(command, sizeof command, "/tools %s/talk.json\n", directory);
    type(&t, command);
    see(&t, "no list of tools");
    type(&t, "/exit\n");
    ends(&t, 0);
    /* Thoughts that are not shown. */
    t = started(term, WORDS("-m", model, "--hide-thinking"));
    see(&t, "> ");
    type(&t, "hi\n");
    see(&t, "(thinking)");
    see(&t, "call look");
    assert_null(memmem(t.seen.data, t.seen.len, "Hmm", 3));
    see(&t, "look> ");
    type(&t, "/undo\n/set thoughts show\nhi\n");
    see(&t, "Hmm");
    see(&t, "look> ");
    type(&t, "\x04");
    ends(&t, 0);
    buf_close(&json);
}

static void calls_are_answered_on_a_plain_terminal(void **state)
{
    (void)state;
    calls_are_answered("dumb");
}

static void calls_are_answered_in_the_editor(void **state)
{
    (void)state;
    if (!has_editor()) skip();
    calls_are_answered("xterm");
}

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/sixfold-chat-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    static const char *const files[] = {"talk.json", "paste.json", "caller.gguf", "tools.json", "sixfold/history",
                                        "sixfold", ""};
    char path[128];
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, files[i]);
        remove(path);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_terminal_is_enough),
        cmocka_unit_test(the_editor_edits),
        cmocka_unit_test(keys_work_in_the_editor),
        cmocka_unit_test(words_and_lines_are_edited),
        cmocka_unit_test(a_line_follows_the_window),
        cmocka_unit_test(only_the_user_is_green),
        cmocka_unit_test(calls_are_answered_on_a_plain_terminal),
        cmocka_unit_test(calls_are_answered_in_the_editor),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
