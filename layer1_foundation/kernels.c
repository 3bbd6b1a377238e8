/* kernels.c: the registry of twins and the choice among them.
 *
 * Rows stand in order slow -> fast within an op, so "the last one this CPU can run" is the choice.
 * A pick list (SIXFOLD_KERNELS) is applied word by word over that default; see kernels.h. */
#include "kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROWS = 512 };

static const KernelRow *rows[MAX_ROWS];
static int n_rows;

/* One word of a list: "variant" or "op:variant". */
typedef struct { char op[64], variant[64]; } Pick;

static void set_slot(const KernelRow *row) { memcpy(row->slot, &row->fn, sizeof row->fn); }

static KernelFn *get_slot(const KernelRow *row)
{
    KernelFn *fn;
    memcpy(&fn, row->slot, sizeof fn);
    return fn;
}

bool kernels_usable(const KernelRow *row)
{
    uint32_t needs = row->needs & ~(uint32_t)CPU_ON_REQUEST;
    return (cpu_features() & needs) == needs;
}

int kernels_count(void) { return n_rows; }
const KernelRow *kernels_row(int i) { return i >= 0 && i < n_rows ? rows[i] : NULL; }

const KernelRow *kernels_find(const char *op, const char *variant)
{
    for (int i = 0; i < n_rows; i++)
        if (strcmp(rows[i]->op, op) == 0 && strcmp(rows[i]->variant, variant) == 0) return rows[i];
    return NULL;
}

const KernelRow *kernels_selected(const char *op)
{
    for (int i = 0; i < n_rows; i++)
        if (strcmp(rows[i]->op, op) == 0 && get_slot(rows[i]) == rows[i]->fn) return rows[i];
    return NULL;
}

/* Words that name an instruction set, and the CPU features that each permits. */
static const struct {
    const char *word;
    uint32_t mask;
} sets[] = {
    {"scalar", CPU_ANY},
    {"avx2", CPU_AVX2},
    {"avxvnni", CPU_AVX2 | CPU_AVXVNNI},
    {"avx512", CPU_AVX2 | CPU_AVX512},
    {"avx512bf16", CPU_AVX2 | CPU_AVX512 | CPU_AVX512BF16},
    {"neon", CPU_NEON},
    {"dotprod", CPU_NEON | CPU_DOTPROD}};
enum { N_SETS = sizeof sets / sizeof *sets };

static bool features_of_word(const char *word, uint32_t *mask)
{
    for (int i = 0; i < N_SETS; i++)
        if (strcmp(sets[i].word, word) == 0) {
            *mask = sets[i].mask;
            return true;
        }
    return false;
}

/* Applies one word to the op whose rows are [from, to). Returns true if the op answers to it. */
static bool apply_pick(int from, int to, const Pick *pick)
{
    if (pick->op[0] && strcmp(pick->op, rows[from]->op) != 0) return false;

    /* 1. "naive": the first row. */
    if (!pick->op[0] && strcmp(pick->variant, "naive") == 0) {
        set_slot(rows[from]);
        return true;
    }
    /* 2. A variant by name, if the CPU has what it needs. */
    for (int i = from; i < to; i++)
        if (strcmp(rows[i]->variant, pick->variant) == 0 && kernels_usable(rows[i])) {
            set_slot(rows[i]);
            return true;
        }
    /* 3. An instruction set: the last row that needs no more than it. */
    uint32_t mask;
    if (pick->op[0] || !features_of_word(pick->variant, &mask)) return false;
    if ((cpu_features() & mask) != mask) return false;
    for (int i = to; i-- > from;)
        if ((rows[i]->needs & ~mask) == 0) {
            set_slot(rows[i]);
            return true;
        }
    return false;
}

/* Takes the next word off a list; false at its end. Overlong words are cut and match nothing. */
static bool next_pick(const char **list, Pick *pick)
{
    while (**list == ',' || **list == ' ') (*list)++;
    if (!**list) return false;
    size_t n = strcspn(*list, ", "), colon = strcspn(*list, ":");
    *pick = (Pick){0};
    if (colon < n) {
        snprintf(pick->op, sizeof pick->op, "%.*s", (int)(colon > 63 ? 63 : colon), *list);
        n -= colon + 1;
        *list += colon + 1;
    }
    snprintf(pick->variant, sizeof pick->variant, "%.*s", (int)(n > 63 ? 63 : n), *list);
    *list += n;
    return true;
}

static int end_of_op(int from)
{
    int to = from + 1;
    while (to < n_rows && strcmp(rows[to]->op, rows[from]->op) == 0) to++;
    return to;
}

/* The choice at start-up for the op [from, to): the fastest usable row, then the environment. */
static void select_default(int from, int to)
{
    for (int i = from; i < to; i++)
        if (kernels_usable(rows[i]) && !(rows[i]->needs & CPU_ON_REQUEST)) set_slot(rows[i]);
    const char *env = getenv("SIXFOLD_KERNELS");
    Pick pick;
    while (env && next_pick(&env, &pick)) apply_pick(from, to, &pick);
}

void kernels_register(const KernelRow *new_rows, int n)
{
    for (int i = 0; i < n_rows; i++)
        if (rows[i] == new_rows) return;
    CHECK(n_rows + n <= MAX_ROWS, "more than %d kernel rows", MAX_ROWS);
    int first = n_rows;
    for (int i = 0; i < n; i++) rows[n_rows++] = &new_rows[i];
    for (int from = first; from < n_rows; from = end_of_op(from)) {
        CHECK(rows[from]->needs == CPU_ANY, "the first variant of '%s' must run everywhere",
              rows[from]->op);
        select_default(from, end_of_op(from));
    }
}

/* The error for a word that nothing answers to, with the nearest name that exists. */
static Status unknown_pick(const Pick *pick, Err *err)
{
    const char *names[MAX_ROWS + N_SETS + 1];
    uint32_t mask;
    bool op_known = !pick->op[0], lacks = !pick->op[0] && features_of_word(pick->variant, &mask);
    for (int i = 0; i < n_rows; i++) {
        bool of_op = !pick->op[0] || strcmp(pick->op, rows[i]->op) == 0;
        op_known |= of_op;
        lacks |= of_op && strcmp(pick->variant, rows[i]->variant) == 0;
    }
    if (lacks)
        return fail(err, E_ARG, "kernel variant '%s' needs instructions that this CPU lacks. HINT: "
                    "this CPU runs scalar and what `sixfold --version` lists", pick->variant);

    /* What could have been meant: an op, a variant of this op, or any variant or word. */
    int n = 0;
    for (int i = 0; i < n_rows; i++) {
        if (!op_known) names[n++] = rows[i]->op;
        else if (!pick->op[0] || strcmp(pick->op, rows[i]->op) == 0) names[n++] = rows[i]->variant;
    }
    for (int i = 0; i < N_SETS && !pick->op[0]; i++) names[n++] = sets[i].word;
    if (!pick->op[0]) names[n++] = "naive";

    const char *word = op_known ? pick->variant : pick->op, *near = nearest_word(word, names, n);
    const char *kind = op_known ? "variant" : "op", *of = op_known ? pick->op : "";
    if (near)
        return fail(err, E_ARG, "SIXFOLD_KERNELS: no kernel %s '%s'%s%s. HINT: did you mean '%s'?",
                    kind, word, *of ? " of op " : "", of, near);
    return fail(err, E_ARG, "SIXFOLD_KERNELS: no kernel %s '%s'%s%s. HINT: try 'scalar' or 'naive'",
                kind, word, *of ? " of op " : "", of);
}

static bool any_op_answers(const Pick *pick)
{
    uint32_t mask;
    if (!pick->op[0] && strcmp(pick->variant, "naive") == 0) return true;
    if (!pick->op[0] && features_of_word(pick->variant, &mask))
        return (cpu_features() & mask) == mask;
    for (int i = 0; i < n_rows; i++)
        if ((!pick->op[0] || strcmp(pick->op, rows[i]->op) == 0) &&
            strcmp(pick->variant, rows[i]->variant) == 0 && kernels_usable(rows[i]))
            return true;
    return false;
}

static Status check_list(const char *list, Err *err)
{
    Pick pick;
    while (list && next_pick(&list, &pick))
        if (!any_op_answers(&pick)) return unknown_pick(&pick, err);
    return OK;
}

Status kernels_use(const char *list, Err *err)
{
    TRY(check_list(list, err));
    for (int from = 0; from < n_rows; from = end_of_op(from)) {
        if (!list) select_default(from, end_of_op(from));
        const char *at = list;
        Pick pick;
        while (at && next_pick(&at, &pick)) apply_pick(from, end_of_op(from), &pick);
    }
    return OK;
}

Status kernels_check_env(Err *err) { return check_list(getenv("SIXFOLD_KERNELS"), err); }
