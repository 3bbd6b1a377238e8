/* options.c: reads a command line by the option table. */
#include "options_impl.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 256 };

/* Steps through "-c, --ctx-size": copies the next spelling to out; false after the last. */
static bool next_name(const char **names, char out[64])
{
    *names += strspn(*names, ", ");
    size_t n = strcspn(*names, ",");
    if (n == 0) return false;
    snprintf(out, 64, "%.*s", (int)n, *names);
    *names += n;
    return true;
}

static const OptionRow *find_row(VerbMask verb, const char *word, size_t n)
{
    for (int i = 0; i < option_row_count; i++) {
        const char *names = option_rows[i].names;
        char name[64];
        while (next_name(&names, name))
            if (option_rows[i].verbs & verb && strlen(name) == n && strncmp(name, word, n) == 0)
                return &option_rows[i];
    }
    return NULL;
}

static Status unknown_flag(VerbMask verb, const char *word, Err *err)
{
    static char names[MAX_NAMES][64];
    const char *list[MAX_NAMES];
    int n = 0;
    for (int i = 0; i < option_row_count; i++) {
        const char *at = option_rows[i].names;
        while (option_rows[i].verbs & verb && n < MAX_NAMES && next_name(&at, names[n])) {
            list[n] = names[n];
            n++;
        }
    }
    char flag[64];
    snprintf(flag, sizeof flag, "%.*s", (int)strcspn(word, "="), word);
    const char *near = nearest_word(flag, list, n);
    if (near) return fail(err, E_ARG, "unknown flag '%s'. HINT: did you mean '%s'?", flag, near);
    return fail(err, E_ARG, "unknown flag '%s'. HINT: --help lists the flags of this verb", flag);
}

static Status bad_value(const OptionRow *row, const char *flag, const char *value, Err *err)
{
    if (row->kind == OPT_FLOAT)
        return fail(err, E_ARG, "%s is '%s', expected is a number from %g to %g. HINT: --help "
                    "explains it", flag, value,
                    row->lo, row->hi);
    return fail(err, E_ARG, "%s is '%s', expected is a whole number from %.0f to %.0f. HINT: --help "
                "explains it", flag, value, row->lo, row->hi);
}

/* Writes the value into the field that the row names. */
static Status store(Options *o, const OptionRow *row, const char *flag, const char *value, Err *err)
{
    char *field = (char *)o + row->offset, *end;
    errno = 0;
    if (row->kind == OPT_INT) {
        long long v = strtoll(value, &end, 10);
        if (!*value || *end || errno || (double)v < row->lo || (double)v > row->hi)
            return bad_value(row, flag, value, err);
        memcpy(field, &(int64_t){v}, sizeof(int64_t));
    } else if (row->kind == OPT_FLOAT) {
        double v = strtod(value, &end);
        if (!*value || *end || !(v >= row->lo && v <= row->hi)) /* NaN fails too */
            return bad_value(row, flag, value, err);
        memcpy(field, &v, sizeof v);
    } else if (row->kind == OPT_FLAG) {
        bool on = strcmp(value, "1") == 0 || strcmp(value, "true") == 0 || strcmp(value, "on") == 0 ||
                  strcmp(value, "enabled") == 0;
        bool off = strcmp(value, "0") == 0 || strcmp(value, "false") == 0 ||
                   strcmp(value, "off") == 0 || strcmp(value, "disabled") == 0;
        if (!on && !off)
            return fail(err, E_ARG, "%s is '%s', expected is on or off. HINT: --help explains it", flag, value);
        memcpy(field, &on, sizeof on);
    } else if (row->kind == OPT_LIST || row->kind == OPT_LIST_SCALED) {
        OptionList *list = (OptionList *)(void *)field;
        if (list->n == MAX_LISTED)
            return fail(err, E_ARG, "%s %.60s is one too many, %d are the most. HINT: one pattern may "
                        "match many names, one list many files", flag, value, MAX_LISTED);
        list->items[list->n++] = value;
    } else if (row->kind != OPT_IGNORED) {
        memcpy(field, &value, sizeof value);
    }
    return OK;
}

/* SIXFOLD_ARG_CTX_SIZE for "-c, --ctx-size": the last spelling, in capitals. */
static Status read_environment(Options *o, VerbMask verb, Err *err)
{
    for (int i = 0; i < option_row_count; i++) {
        const OptionRow *row = &option_rows[i];
        const char *names = row->names;
        char name[64], var[96];
        if (!(row->verbs & verb) || row->kind == OPT_IGNORED) continue;
        while (next_name(&names, name)) {
        }
        snprintf(var, sizeof var, "SIXFOLD_ARG_%s", name + strspn(name, "-"));
        for (char *c = var; *c; c++) *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
        const char *value = getenv(var);
        if (value) TRY(store(o, row, var, value, err));
    }
    return OK;
}

static Status parse_flag(Options *o, VerbMask verb, int argc, char **argv, int *i, Err *err)
{
    const char *word = argv[*i], *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) : strlen(word);
    const OptionRow *row = find_row(verb, word, n);
    if (!row) return unknown_flag(verb, word, err);
    char flag[64];
    snprintf(flag, sizeof flag, "%.*s", (int)n, word);

    /* 1. Where the value is: after '=', in the next word, or implied. */
    const char *value = equals ? equals + 1 : NULL;
    if (!value && row->kind == OPT_FLAG) value = "1";
    if (!value && row->kind == OPT_OPTIONAL_STR) value = "table";
    if (!value) {
        if (*i + 1 >= argc)
            return fail(err, E_ARG, "%s needs a value: %s %s. HINT: --help explains it", flag, flag,
                        row->arg);
        value = argv[++*i];
    }
    /* 2. What concerns GPUs is taken and forgotten. */
    static bool warned;
    if (row->kind == OPT_IGNORED && !warned) {
        fprintf(stderr, "warning: %s has no meaning on the CPU and is ignored\n", flag);
        warned = true;
    }
    TRY(store(o, row, flag, value, err));
    /* 3. An older form has two words. */
    if (row->kind != OPT_LIST_SCALED || strchr(value, ':') || *i + 1 >= argc) return OK;
    char *end;
    strtod(argv[*i + 1], &end);
    return end != argv[*i + 1] && !*end ? store(o, row, flag, argv[++*i], err) : OK;
}

Status options_parse(Options *o, VerbMask verb, int max_positional, int argc, char **argv, Err *err)
{
    SamplerParams s = sampler_defaults();
    *o = (Options){.n_predict = -1, .n_batch = 2048, .n_ubatch = 512, .type_k = "f16", .type_v = "f16",
                   .temp = (double)s.temp, .top_k = s.top_k, .top_p = (double)s.top_p,
                   .min_p = (double)s.min_p, .repeat_penalty = (double)s.repeat_penalty,
                   .repeat_last_n = s.repeat_last_n, .seed = -1, .bench_prompt = 512,
                   .bench_gen = 128, .repeats = 5, .load_mode = "auto", .color = "auto", .reasoning = "auto",
                   .reasoning_budget = -1, .embd_separator = "\n", .embd_normalize = -1,
                   .weights = "asis", .n_chunks = -1, .save_every = 10};
    TRY(read_environment(o, verb, err));
    bool flags_end = false;
    for (int i = 0; i < argc; i++) {
        if (!flags_end && strcmp(argv[i], "--") == 0) {
            flags_end = true;
        } else if (!flags_end && argv[i][0] == '-' && argv[i][1]) {
            TRY(parse_flag(o, verb, argc, argv, &i, err));
        } else if (o->n_positional < max_positional) {
            o->positional[o->n_positional++] = argv[i];
        } else {
            return fail(err, E_ARG, "unexpected word '%s'. HINT: --help shows the usage; a prompt is "
                        "given with -p", argv[i]);
        }
    }
    return OK;
}

Status options_set(Options *o, VerbMask verb, const char *group, const char *name, const char *value,
                   Err *err)
{
    char flag[64];
    snprintf(flag, sizeof flag, "--%s", name);
    const OptionRow *row = find_row(verb, flag, strlen(flag));
    if (!row || !row->group || strcmp(row->group, group) != 0)
        return fail(err, E_ARG, "nothing to set is named '%.40s'. HINT: --help lists the flags; those of group "
                    "%s can be set", name, group);
    return store(o, row, name, value, err);
}

Status options_help(VerbMask verb, Buf *out, Err *err)
{
    const char *group = "";
    for (int i = 0; i < option_row_count; i++) {
        const OptionRow *row = &option_rows[i];
        if (!(row->verbs & verb) || !row->group) continue;
        if (strcmp(group, row->group) != 0) TRY(buf_printf(out, err, "\n%s\n", row->group));
        group = row->group;
        char left[96];
        snprintf(left, sizeof left, "%s%s%s", row->names,
                 row->arg ? row->kind == OPT_OPTIONAL_STR ? "=" : " " : "", row->arg ? row->arg : "");
        TRY(buf_printf(out, err, "  %-32s %s\n", left, row->text));
    }
    return OK;
}
