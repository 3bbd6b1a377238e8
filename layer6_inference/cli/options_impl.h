/* options_impl.h: the shape of a row of the option table. */
#ifndef SIXFOLD_OPTIONS_IMPL_H
#define SIXFOLD_OPTIONS_IMPL_H

#include "options.h"

typedef enum {
    OPT_FLAG, OPT_STR, OPT_INT, OPT_FLOAT, OPT_OPTIONAL_STR,
    OPT_LIST, /* may be given several times */
    OPT_LIST_SCALED, /* the same; a value without ':' takes the next word too, if that is a number */
    OPT_IGNORED
} OptionKind;

typedef struct {
    const char *group;   /* heading in --help */
    const char *names;   /* "-c, --ctx-size": short and long spellings, the longest last */
    const char *arg;     /* "N"; NULL for flags */
    OptionKind kind;
    size_t offset;       /* of the field in Options */
    double lo, hi;       /* range of numbers */
    uint32_t verbs;
    const char *text;    /* default: what a missing one means */
} OptionRow;

extern const OptionRow option_rows[];
extern const int option_row_count;

#endif
