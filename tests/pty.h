/* pty.h: `sixfold chat` on a pseudo-terminal: keys go in, what appears is waited for. Include it after cmocka.h.
 *
 *     Terminal t = started("xterm", WORDS("-n", "4"));  see(&t, "> ");  type(&t, "/exit\n");  ends(&t, 0); */
#ifndef SIXFOLD_TESTS_PTY_H
#define SIXFOLD_TESTS_PTY_H

#include "layer6.h"
#include "embedded.h"
#include "must.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

static char directory[64];               /* where the program keeps its history */
static unsigned short terminal_columns = 100;

typedef struct {
    int fd;
    pid_t child;
    Buf seen;    /* everything that appeared */
    size_t from; /* what was waited for already */
} Terminal;

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
    struct winsize size = {.ws_row = 24, .ws_col = terminal_columns};
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


static void resized(Terminal *t, unsigned short columns)
{
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    assert_int_equal(ioctl(t->fd, TIOCSWINSZ, &size), 0);
}

#endif
