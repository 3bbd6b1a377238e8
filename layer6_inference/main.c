/* main.c: the program: it hands argv and the embedded model to the command line. */
#include "layer6.h"

#include <signal.h>

#ifndef SIXFOLD_VERSION
#define SIXFOLD_VERSION "unknown"
#endif

/* models/embedded.S */
extern const unsigned char embedded_model[], embedded_model_end[];

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write(), not a death */
    CliProgram program = {.embedded = embedded_model,
                          .embedded_bytes = (size_t)(embedded_model_end - embedded_model),
                          .version = SIXFOLD_VERSION};
    return cli_main(&program, argc, argv);
}
