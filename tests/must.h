/* must.h: for tests, after cmocka.h and status.h. MUST(call, &err) fails the test with the message
 * if the call fails. aborts(fn, ctx) is true if fn(ctx) ends in abort(), as a failed CHECK does; it
 * is run in a child process, so fn must not rely on threads that exist already. */
#ifndef SIXFOLD_TESTS_MUST_H
#define SIXFOLD_TESTS_MUST_H

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(call, err)                                                                            \
    do {                                                                                           \
        Status must_status_ = (call);                                                              \
        if (must_status_ != OK) {                                                                  \
            print_error("%s: %s: %s\n", #call, status_name(must_status_), (err)->text);            \
            _fail(__FILE__, __LINE__);                                                             \
        }                                                                                          \
    } while (0)

/* Ends the child at once: dying of the signal itself can hang in an emulator. */
static inline void exit_134(int sig)
{
    (void)sig;
    _exit(134);
}

static inline bool aborts(void (*fn)(void *ctx), void *ctx)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, exit_134);
        if (!freopen("/dev/null", "w", stderr)) _exit(2);
        fn(ctx);
        _exit(0);
    }
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 134;
}

#endif
