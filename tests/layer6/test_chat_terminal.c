/* `sixfold chat` as a person meets it: on a pseudo-terminal, with keys. What the model says is not expected
 * word by word; what is looked at is the order of things: prompt, answer, Ctrl-C, commands, the end. All of
 * it with the line editor (skipped where libedit is not installed) and without (TERM=dumb). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer6.h"
#include "embedded.h"
#include "must.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

typedef struct {
    int fd;
    pid_t child;
    Buf seen;    /* everything that appeared */
    size_t from; /* what was waited for already */
} Terminal;

static char directory[64];

/* The program in a terminal of its own, as a shell would start it. */
static Terminal started(const char *term, const char *const *words)
{
    Terminal t = {.fd = posix_openpt(O_RDWR | O_NOCTTY)};
    assert_true(t.fd >= 0 && grantpt(t.fd) == 0 && unlockpt(t.fd) == 0);
    const char *name = ptsname(t.fd);
    fflush(NULL);
    t.child = fork();
    assert_true(t.child >= 0);
    if (t.child) return t;
    setsid();
    int fd = open(name, O_RDWR);
    struct winsize size = {.ws_row = 24, .ws_col = 100};
    if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0 || ioctl(fd, TIOCSWINSZ, &size) < 0) _exit(99);
    for (int i = 0; i < 3; i++) dup2(fd, i);
    if (fd > 2) close(fd);
    close(t.fd);
    setenv("TERM", term, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("XDG_STATE_HOME", directory, 1);
    unsetenv("NO_COLOR");
    char *argv[24] = {(char *)(uintptr_t)"sixfold", (char *)(uintptr_t)"chat"};
    int argc = 2;
    while (words[argc - 2] && argc < 23) argv[argc] = (char *)(uintptr_t)words[argc - 2], argc++;
    CliProgram program = {.embedded = storyteller_model, .embedded_bytes = storyteller_model_bytes,
                          .version = "test"};
    int code = cli_main(&program, argc, argv);
    _exit(code);
}

#define WORDS(...) ((const char *const[]){"--temp", "0", "-t", "1", __VA_ARGS__, NULL})

/* Waits until text appears behind what was waited for before. */
static void see(Terminal *t, const char *text)
{
    int64_t deadline = clock_ns() + (int64_t)60 * 1000000000;
    Err err = {0};
    for (;;) {
        const char *at = t->seen.len > t->from
                             ? memmem(t->seen.data + t->from, t->seen.len - t->from, text, strlen(text)) : NULL;
        if (at) {
            t->from = (size_t)(at - t->seen.data) + strlen(text);
            return;
        }
        char piece[4096];
        struct pollfd p = {t->fd, POLLIN, 0};
        ssize_t n = clock_ns() < deadline && poll(&p, 1, 1000) > 0 ? read(t->fd, piece, sizeof piece) : 0;
        if (n > 0) MUST(buf_append(&t->seen, piece, (size_t)n, &err), &err);
        if (n < 0 || clock_ns() > deadline) {
            print_error("'%s' did not appear; the screen:\n%s\n", text, t->seen.data ? t->seen.data : "");
            kill(t->child, SIGKILL);
            assert_true(false);
        }
    }
}

/* After a pause: between showing the prompt and taking the keys the terminal still echoes by itself. */
static void type(Terminal *t, const char *keys)
{
    usleep(100000);
    assert_int_equal(write(t->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

/* The rest of the screen, and the exit code. */
static void ends(Terminal *t, int code)
{
    char piece[4096];
    Err err = {0};
    int status;
    for (ssize_t n; (n = read(t->fd, piece, sizeof piece)) > 0;)
        MUST(buf_append(&t->seen, piece, (size_t)n, &err), &err);
    assert_int_equal(waitpid(t->child, &status, 0), t->child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != code) print_error("%s\n", t->seen.data);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
    close(t->fd);
    buf_close(&t->seen);
}

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
    see(&t, "tokens were new");
    see(&t, "> ");
    type(&t, "/context\n");
    see(&t, "4 turns");
    see(&t, "> ");
    type(&t, "/undo\n");
    see(&t, "undone");
    type(&t, "/context\n");
    see(&t, "2 turns");
    type(&t, "/regen\n");
    see(&t, "1 of"); /* the message is shared, only its last token is computed again */
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
    saved_and_loaded("dumb");
}

/* ---------------------------------------------------------------- with the editor */

static void the_editor_edits(void **state)
{
    (void)state;
    if (!has_editor()) skip();
    talk("xterm");
    stop_and_leave("xterm", true);
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

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/sixfold-chat-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    static const char *const files[] = {"talk.json", "paste.json", "sixfold/history", "sixfold", ""};
    char path[128];
    (void)state;
    for (int i = 0; i < 5; i++) {
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
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
