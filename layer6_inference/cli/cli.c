/* cli.c: from argv to a verb, and from a Status to an exit code. */
#include "layer6.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name;
    VerbMask mask;
    VerbFn *fn;
    int max_positional;
    const char *usage, *summary;
} Verb;

static const Verb verbs[] = {
    {"run", VERB_RUN, verb_run, 0, "run [-m MODEL] -p TEXT [-n N] [--temp T] ...",
     "complete a text"},
    {"chat", VERB_CHAT, verb_chat, 0, "chat [-m MODEL] [-sys TEXT] [-p TEXT] [-st] [--tools FILE] ...",
     "talk with a model"},
    {"bench", VERB_BENCH, verb_bench, 0, "bench [-m MODEL] -p 512 -n 128 -r 5 -o md",
     "measure prompt and generation speed"},
    {"perplexity", VERB_PERPLEXITY, verb_perplexity, 0, "perplexity [-m MODEL] -f FILE -c 512",
     "measure how well the model predicts a text"},
    {"quantize", VERB_QUANTIZE, verb_quantize, 4, "quantize IN OUT TYPE [NTHREADS]",
     "write a smaller copy of a model (Q4_K_M, Q8_0, F16, ...)"},
    {"convert", VERB_CONVERT, verb_convert, 1,
     "convert DIR -o OUT.gguf | convert MODEL.bin --tokenizer TOKENIZER.bin -o OUT.gguf |\n"
     "       convert ADAPTER_DIR --base MODEL -o OUT.gguf",
     "turn a Hugging Face directory, a PEFT adapter or a llama2.c file into GGUF"},
    {"merge", VERB_MERGE, verb_merge, 1, "merge [-m] MODEL --lora ADAPTER -o OUT.gguf",
     "write LoRA adapters into a copy of a model"},
    {"imatrix", VERB_IMATRIX, verb_imatrix, 0, "imatrix [-m MODEL] -f TEXT -o FILE.gguf",
     "measure which weights matter, for quantize --imatrix"},
    {"inspect", VERB_INSPECT, verb_inspect, 2,
     "inspect [MODEL] [--json] [--tensor NAME --f32 FILE] | inspect --quality A B [-f TEXT]",
     "show what is in a GGUF file, or what quantising cost"},
    {"tokenize", VERB_TOKENIZE, verb_tokenize, 0, "tokenize [-m MODEL] < text",
     "text on stdin to token ids"},
    {"detokenize", VERB_DETOKENIZE, verb_detokenize, 1, "detokenize [-m MODEL] \"1 2 3\"",
     "token ids to text"},
    {"logits", VERB_LOGITS, verb_logits, 0, "logits [-m MODEL] --tokens 1,2,3 [--greedy N] -o FILE",
     "the raw output of the model for given ids"},
    {"embed", VERB_EMBED, verb_embed, 0, "embed [-m MODEL] -p TEXT [--pooling KIND] [--normalize] [-o FILE]",
     "texts to vectors that can be compared"},
};

enum { N_VERBS = sizeof verbs / sizeof *verbs };

static Status print_overview(const CliProgram *p, Err *err)
{
    Buf out = {0};
    Status s = buf_printf(&out, err, "sixfold %s: runs GGUF language models on the CPU\n\n"
                          "usage: sixfold VERB [flags]\n\n", p->version);
    for (int i = 0; s == OK && i < N_VERBS; i++)
        s = buf_printf(&out, err, "  %-11s %-56s %s\n", verbs[i].name, verbs[i].summary,
                       i == 0 ? "<- start here" : "");
    if (s == OK)
        s = buf_printf(&out, err, "\nsixfold VERB --help explains a verb; sixfold --version tells what "
                       "this build can use.\nSIXFOLD_KERNELS=scalar runs everything through plain C; "
                       "=naive also without caches.\n");
    if (s == OK) s = cli_write(out.data, out.len, err);
    buf_close(&out);
    return s;
}

/* The types that quantize can write. */
static Status put_mixes(Buf *out, Err *err)
{
    TRY(buf_printf(out, err, "\ntypes (bits per weight of a large model)\n"));
    for (int i = 0; quant_mix_at(i); i++) {
        const QuantMix *m = quant_mix_at(i);
        const QuantFormat *f = quant_format(m->base);
        if (f && f->quantise) TRY(buf_printf(out, err, "  %-10s %s\n", m->name, m->text));
    }
    return OK;
}

/* What the kinds of pooling are for. */
static Status put_pooling(Buf *out, Err *err)
{
    return buf_printf(out, err, "\nA model turns each token into a vector. Pooling makes one vector of them, and the right "
                      "kind is the one that the\nmodel was trained with:\n"
                      "  mean   the average of all: most sentence encoders\n"
                      "  cls    the first token, which in an encoder has seen the whole text\n"
                      "  last   the last token, which in a decoder is the only one that has\n"
                      "  rank   a score instead of a vector, from a re-ranking model; it reads a question and a "
                      "passage in one text, as\n         its card shows (--parse-special: [SEP] and the like are "
                      "one token)\n"
                      "  none   a vector for every token\n"
                      "Vectors of length one (--normalize) are alike as far as their dot product is near 1:\n"
                      "  printf 'a cat\\na dog\\na bank\\n' | sixfold embed -m MODEL --embd-output-format json+\n");
}

/* How a conversation goes. */
static Status put_chat(Buf *out, Err *err)
{
    return buf_printf(out, err, "\nType and press Enter; /help lists what else you can do, Ctrl-C stops an answer and keeps "
                      "what was said,\nCtrl-D leaves. Several lines: paste them, or \"\"\" around them, or \\ at the end "
                      "of a line.\n"
                      "  /save FILE, /load FILE   keep a conversation (JSON, as in OpenAI's API) and go on with it\n"
                      "  /undo, /regen, /clear    take the last message back, get another answer, begin anew\n"
                      "  /set temp 0.5            change how words are chosen; /show tells what is set\n"
                      "Without a terminal each line of stdin is a message, and stdout gets the answers alone:\n"
                      "  printf 'Hello!\\nAnd then?\\n' | sixfold chat -q\n"
                      "With --tools the model may call functions. Nothing is run: a call is shown, what you type is its "
                      "result\n(or /tool NAME RESULT), and the model goes on. FILE is a list:\n"
                      "  [{\"type\": \"function\", \"function\": {\"name\": \"rain\", \"description\": \"mm of rain today\",\n"
                      "    \"parameters\": {\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\"}}}}}]\n"
                      "Thoughts are grey and on stderr; earlier ones are not shown to the model again.\n");
}

static Status print_help(const Verb *v, Err *err)
{
    Buf out = {0};
    Status s = buf_printf(&out, err, "usage: sixfold %s\n%s\n", v->usage, v->summary);
    if (s == OK) s = options_help(v->mask, &out, err);
    if (s == OK && v->mask == VERB_QUANTIZE) s = put_mixes(&out, err);
    if (s == OK && v->mask == VERB_EMBED) s = put_pooling(&out, err);
    if (s == OK && v->mask == VERB_CHAT) s = put_chat(&out, err);
    if (s == OK)
        s = buf_printf(&out, err, "\nA flag can also be set in the environment: SIXFOLD_ARG_ and its "
                       "long name in capitals.\n");
    if (s == OK) s = cli_write(out.data, out.len, err);
    buf_close(&out);
    return s;
}

/* The model that is used without -m. */
static Status put_embedded(const CliProgram *p, Buf *out, Err *err)
{
    Gguf g;
    Str name = {"(no name)", 9};
    TRY(gguf_open_memory(&g, p->embedded, p->embedded_bytes, err));
    Status s = gguf_get_str(&g, "general.name", &name, err);
    if (s == OK)
        s = buf_printf(out, err, "embedded model: %.*s, %.2f MB\n", STR_ARG(name),
                       (double)p->embedded_bytes / 1e6);
    gguf_close(&g);
    return s;
}

static Status print_version(const CliProgram *p, Err *err)
{
    char cpu[128], machine[160];
    cpu_features_text(cpu, sizeof cpu);
    cpu_topology_text(cpu_topology(), machine, sizeof machine);
    Buf out = {0};
    Status s = buf_printf(&out, err, "sixfold %s\ncompiler: %s\ncpu: %s\ninstruction sets: scalar %s\n"
                          "this process may use: %s\nthreads by default: %d\n", p->version, __VERSION__,
                          cpu_name(), cpu, machine, cpu_threads_default());
    if (s == OK) s = put_embedded(p, &out, err);
    const char *last = "";
    for (int i = 0; s == OK && i < kernels_count(); i++) {
        const KernelRow *row = kernels_row(i), *chosen = kernels_selected(row->op);
        if (strcmp(row->op, last) == 0) continue;
        last = row->op;
        s = buf_printf(&out, err, "kernel %-18s %s\n", row->op, chosen ? chosen->variant : "-");
    }
    if (s == OK) s = cli_write(out.data, out.len, err);
    buf_close(&out);
    return s;
}

static int exit_code(Status s)
{
    switch (s) {
    case OK: return 0;
    case E_ARG: return 2;
    case E_FORMAT:
    case E_UNSUPPORTED: return 3;
    case E_LIMIT:
    case E_MEMORY: return 4;
    case E_CANCELLED: return cli_stop ? 128 + cli_stop : 0; /* Ctrl-C, or nobody reads stdout any more */
    case E_IO: break;
    }
    return 1;
}

static const Verb *find_verb(const char *name)
{
    for (int i = 0; i < N_VERBS; i++)
        if (strcmp(verbs[i].name, name) == 0) return &verbs[i];
    return NULL;
}

static Status unknown_verb(const char *name, Err *err)
{
    const char *names[N_VERBS];
    for (int i = 0; i < N_VERBS; i++) names[i] = verbs[i].name;
    const char *near = nearest_word(name, names, N_VERBS);
    if (near) return fail(err, E_ARG, "unknown verb '%s'. HINT: did you mean '%s'?", name, near);
    return fail(err, E_ARG, "unknown verb '%s'. HINT: `sixfold` alone lists the verbs", name);
}

static Status run_verb(const CliProgram *program, const Verb *v, int argc, char **argv, Err *err)
{
    Cli c = {.program = program, .start_ns = clock_ns()};
    TRY(options_parse(&c.o, v->mask, v->max_positional, argc, argv, err));
    if (c.o.help) return print_help(v, err);
    if (c.o.profile && strcmp(c.o.profile, "table") != 0 && strcmp(c.o.profile, "json") != 0)
        return fail(err, E_ARG, "--profile is '%s', expected is table or json. HINT: --profile=json",
                    c.o.profile);
    if (c.o.profile) TRY(profile_start(err));
    Status s = v->fn(&c, err);
    Err report;
    if (s == OK || s == E_CANCELLED) {
        Status r = cli_profile_report(&c, &report);
        if (s == OK && r != OK) s = fail(err, r, "%s", report.text);
    }
    profile_close();
    for (int i = 0; i < c.n_loras; i++) lora_close(&c.loras[i]);
    model_close(&c.model);
    pool_close(c.pool);
    return s;
}

int cli_main(const CliProgram *program, int argc, char **argv)
{
    Err err = {{0}};
    cli_catch_bus_error();
    layer6_init();
    Status s = kernels_check_env(&err);
    const char *word = argc > 1 ? argv[1] : "--help";
    if (s != OK) {
    } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        s = print_overview(program, &err);
    } else if (strcmp(word, "--version") == 0) {
        s = print_version(program, &err);
    } else {
        const Verb *v = find_verb(word);
        s = v ? run_verb(program, v, argc - 2, argv + 2, &err) : unknown_verb(word, &err);
    }
    if (s != OK && s != E_CANCELLED) fprintf(stderr, "error: %s\n", err.text);
    return exit_code(s);
}
