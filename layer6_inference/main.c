/* main.c: the program: it hands argv and the embedded model to the command line. */
#include "layer6.h"
#include "embedded.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#ifndef SIXFOLD_VERSION
#define SIXFOLD_VERSION "unknown"
#endif

int main(int argc, char **argv)
{
    /* If the caller closed stdin, stdout or stderr, the next file we open would get its number, and
     * messages would land in it. Occupied for reading only, writes to them keep failing. */
    int fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO) fd = open("/dev/null", O_RDONLY);
    if (fd >= 0) close(fd);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write(), not a death */
    CliProgram program = {.embedded = storyteller_model, .embedded_bytes = storyteller_model_bytes,
                          .version = SIXFOLD_VERSION};
    return cli_main(&program, argc, argv);
}
