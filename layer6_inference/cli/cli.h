/* cli.h: the verbs of the command line and what they share.
 *
 * Interface: cli_main is all of the program but main(); it returns the exit code:
 *   0 ok   1 run-time failure   2 usage   3 model file rejected   4 out of memory or context
 *   130 stopped by Ctrl-C, 143 by SIGTERM; a reader who closes stdout early (| head) is no error: 0
 * stdout is the answer, stderr everything else. The embedded model's bytes come from main, because
 * they are an object of their own. */
#ifndef SIXFOLD_CLI_H
#define SIXFOLD_CLI_H

#include "options.h"

#include <stdio.h>

typedef struct {
    const void *embedded; /* a GGUF file in memory, 64-byte aligned */
    size_t embedded_bytes;
    const char *version;
} CliProgram;

int cli_main(const CliProgram *program, int argc, char **argv);

/* What a verb works with. */
typedef struct {
    const CliProgram *program;
    Options o;
    Model model;
    Pool *pool;
    Lora loras[MAX_LISTED];     /* --lora and --lora-scaled, of the model */
    LoraUse uses[MAX_LISTED];
    int n_loras;
    bool placed, bind; /* threads and memory have their places; threads are to be bound */
    int64_t start_ns;
} Cli;

typedef Status VerbFn(Cli *c, Err *err);
VerbFn verb_run, verb_logits, verb_tokenize, verb_detokenize, verb_inspect, verb_bench,
    verb_perplexity, verb_quantize, verb_imatrix, verb_convert, verb_merge, verb_chat, verb_embed;

/* inspect --quality A B. */
Status cli_quality(Cli *c, Err *err);

/* perplexity --bits: the file's documents one by one. */
Status cli_perplexity_bits(Cli *c, const Buf *text, Err *err);

/* Opens -m (a file or a Hugging Face directory) or the embedded model into c->model. Whatever is wrong with the file becomes E_FORMAT. */
Status cli_open_model(Cli *c, Err *err);
/* Says on stderr what is different in a model that was made from a directory. */
void cli_note_import(const ImportNotes *n);
/* The adapters that the flags name, for the model of that file; cli_open_model calls it. Closed at the end. */
Status cli_open_loras(Cli *c, const Gguf *base, Err *err);
/* From now on the session adds them; does nothing without any. */
Status cli_adapt(const Cli *c, Session *s, Err *err);
/* The same, but only container and tokenizer, whatever the architecture. */
Status cli_open_vocabulary(Cli *c, Err *err);
/* Starts the thread pool that -t asks for, and with it repacks an open model's weights (--weights). */
Status cli_open_pool(Cli *c, Err *err);
/* Context, batch and cache types from the flags, checked; n_ctx falls back to the model's. */
Status cli_generator_params(Cli *c, GeneratorParams *p, Err *err);
/* What the sampling flags say; a seed of -1 becomes a new one. */
SamplerParams cli_sampling(const Options *o);
/* Says on stderr that positions beyond the training are guesses, if the context has any. */
void cli_note_context(const Cli *c, int64_t n_ctx);
/* Refuses what will not fit into the available memory; prints the plan with --verbose. */
Status cli_check_plan(Cli *c, const GeneratorParams *p, int64_t extra_bytes, Err *err);

/* The same for a need in bytes (-1: overflows) that somebody else planned; prints nothing. */
Status cli_check_room(int64_t need, int64_t n_ctx, Err *err);

/* The number of the signal that asked to stop: Ctrl-C (once installed), or SIGTERM. A second one ends the
 * program at once. */
extern volatile int cli_stop;
/* Called then, inside the handler, if it is set. */
extern void (*volatile cli_at_once)(void);
void cli_catch_interrupt(void);
void cli_catch_terminate(void);

/* A file that shrinks while it is mapped ends the program with a message and code 3, not a signal. */
void cli_catch_bus_error(void);

/* A whole file or stdin (path NULL) into out, at most limit bytes. */
Status cli_read_text(const char *path, Buf *out, size_t limit, Err *err);

/* "1,2,3" or "1 2 3" to ids; each must be a number in [0, n_vocab). */
Status cli_parse_ids(const char *text, int64_t n_vocab, TokenList *out, Err *err);

/* Writes all bytes to stdout; a closed pipe ends the program quietly with OK semantics. */
Status cli_write(const void *bytes, size_t n, Err *err);

/* --outtype: a type, or -1 for auto. */
Status cli_outtype(const char *name, int *wish, Err *err);

/* True if both paths name one existing file: what is mapped must not be written to. */
bool cli_same_file(const char *a, const char *b);

/* Creates a file for raw output; refuses the model itself. */
Status cli_create(const Cli *c, const char *path, FILE **out, Err *err);

/* Report of --profile, if it was asked for. */
Status cli_profile_report(Cli *c, Err *err);

#endif
