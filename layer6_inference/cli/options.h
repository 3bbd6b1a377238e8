/* options.h: one table of flags: it parses the command line, prints --help and corrects typos.
 *
 * Interface:
 * - A row says the flag's spellings, the verbs it belongs to, its type, range and help text. The same
 *   flag may mean different things under different verbs (-p is a text for run, a number for bench).
 * - Precedence: command line, then the environment (SIXFOLD_ARG_<LONG NAME IN CAPITALS>), then the
 *   default. "--flag=value" works too.
 * - Flags that only concern GPUs are accepted and ignored with one warning, so that command lines from
 *   elsewhere run.
 * Spellings are those of llama.cpp wherever it has the flag. */
#ifndef SIXFOLD_OPTIONS_H
#define SIXFOLD_OPTIONS_H

#include "generate.h"

typedef enum {
    VERB_RUN = 1 << 0, VERB_LOGITS = 1 << 1, VERB_TOKENIZE = 1 << 2, VERB_DETOKENIZE = 1 << 3,
    VERB_INSPECT = 1 << 4, VERB_BENCH = 1 << 5, VERB_PERPLEXITY = 1 << 6, VERB_QUANTIZE = 1 << 7,
    VERB_IMATRIX = 1 << 8, VERB_CHAT = 1 << 9, VERB_CONVERT = 1 << 10,
    VERB_EMBED = 1 << 12, VERB_MERGE = 1 << 14
} VerbMask;

enum { MAX_POSITIONAL = 4, MAX_LISTED = 64 };

/* The values of a flag that may be given several times. */
typedef struct { const char *items[MAX_LISTED]; int64_t n; } OptionList;

typedef struct Options {
    /* model */
    const char *model;
    const char *load_mode;      /* auto, mmap, none */
    bool no_mmap;
    OptionList loras;           /* files of adapters, several divided by commas */
    OptionList scaled_loras;    /* "FILE:SCALE", also divided by commas; or FILE and then SCALE */
    /* text */
    const char *prompt, *prompt_file;
    bool escape, no_display_prompt, special, ignore_eos;
    int64_t n_predict;          /* -1: until the end */
    OptionList stops;           /* texts that end the answer */
    /* chat */
    const char *system, *system_file;
    const char *chat_template, *chat_template_file;
    bool jinja, no_jinja, single_turn;
    const char *tools;          /* a file */
    const char *reasoning;      /* auto, deepseek or none */
    bool hide_thoughts;
    const char *color;          /* auto, on, off */
    int64_t reasoning_budget;   /* -1: as the template has it, 0: none */
    /* machine */
    int64_t n_threads;          /* 0: default */
    const char *cpu_mask, *cpu_range; /* NULL: all that we may use */
    int64_t cpu_strict;         /* 1: each thread on a core of its own */
    bool pin;                   /* the same */
    const char *numa;           /* NULL, distribute, isolate or numactl */
    /* memory */
    int64_t n_ctx;              /* 0: from the model */
    int64_t n_batch, n_ubatch;
    const char *weights;        /* asis or a type */
    const char *type_k, *type_v;
    /* sampling */
    double temp, top_p, min_p, repeat_penalty;
    int64_t top_k, repeat_last_n;
    int64_t seed;               /* -1: random */
    /* logits */
    const char *tokens;
    int64_t n_greedy;
    const char *output;         /* file, or format for bench */
    /* embed */
    const char *pooling, *embd_format, *embd_separator;
    int64_t embd_normalize;     /* -1: as they are */
    bool normalize;
    /* tokenize */
    bool no_bos, parse_special;
    /* inspect */
    bool json, quality;
    const char *tensor, *f32_file;
    /* quantize */
    bool dry_run, pure, leave_output, allow_requantize;
    OptionList tensor_types;    /* "PATTERN=TYPE" */
    const char *imatrix, *output_type, *token_embd_type;
    /* convert */
    const char *outfile, *outtype, *tokenizer, *model_name, *pre, *base;
    /* perplexity */
    bool bits;
    /* imatrix */
    bool process_output, resume;
    int64_t n_chunks, save_every;
    /* bench */
    int64_t bench_prompt, bench_gen, repeats;
    bool roof;
    /* everything */
    const char *profile;        /* "table" or "json" */
    bool verbose, quiet, help;
    /* what is not a flag */
    const char *positional[MAX_POSITIONAL];
    int n_positional;
} Options;

/* argv[0 .. argc-1] without program and verb. max_positional: how many words may stand alone. */
Status options_parse(Options *o, VerbMask verb, int max_positional, int argc, char **argv, Err *err);

/* Sets one flag of a verb later on, by its long name without dashes ("temp"), if it belongs to the group. */
Status options_set(Options *o, VerbMask verb, const char *group, const char *name, const char *value,
                   Err *err);

/* The flags of a verb as help text, appended to out. */
Status options_help(VerbMask verb, Buf *out, Err *err);

#endif
