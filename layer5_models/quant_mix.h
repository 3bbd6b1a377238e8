/* quant_mix.h: which type every tensor of a quantised file gets.
 *
 * A file type such as Q4_K_M is a mix: a base type for most matrices, a better one for those whose
 * errors cost most (the output, some attn_v and ffn_down). The rules are one table in quant_mix.c.
 *
 * Interface: quant_mix_by_name finds a mix. quant_plan_open decides about all tensors of a file and
 * gives them in the order in which they are written: by block, then by name. Whether it can be done
 * is another question: see requantise_plan. */
#ifndef SIXFOLD_QUANT_MIX_H
#define SIXFOLD_QUANT_MIX_H

#include "layer4.h"

/* The numbers of general.file_type. */
typedef enum {
    FT_F32 = 0, FT_F16 = 1, FT_Q4_0 = 2, FT_Q4_1 = 3, FT_Q8_0 = 7, FT_Q5_0 = 8, FT_Q5_1 = 9,
    FT_Q2_K = 10, FT_Q3_K_S = 11, FT_Q3_K_M = 12, FT_Q3_K_L = 13, FT_Q4_K_S = 14, FT_Q4_K_M = 15,
    FT_Q5_K_S = 16, FT_Q5_K_M = 17, FT_Q6_K = 18, FT_IQ2_XXS = 19, FT_IQ2_XS = 20, FT_Q2_K_S = 21,
    FT_IQ3_XS = 22, FT_IQ3_XXS = 23, FT_IQ1_S = 24, FT_IQ4_NL = 25, FT_IQ3_S = 26, FT_IQ3_M = 27,
    FT_IQ2_S = 28, FT_IQ2_M = 29, FT_IQ4_XS = 30, FT_IQ1_M = 31, FT_BF16 = 32, FT_TQ1_0 = 36,
    FT_TQ2_0 = 37, FT_MXFP4_MOE = 38, FT_Q1_0 = 40, FT_Q2_0 = 41
} FileType;

typedef struct {
    const char *name;
    FileType file_type;
    DType base;
    const char *text; /* for lists: bits per weight of a large model, and what it is good for */
} QuantMix;

/* The mix called `name` (case does not matter; Q3_K, Q4_K and Q5_K mean the _M ones), or NULL. */
const QuantMix *quant_mix_by_name(const char *name);
const QuantMix *quant_mix_at(int i); /* row i of the list; NULL after the last */

/* --tensor-type: tensors whose name matches the regular expression get this type. */
typedef struct {
    const char *pattern;
    DType type;
} QuantOverride;

typedef struct {
    const QuantMix *mix;
    bool pure;            /* the base type everywhere */
    bool leave_output;    /* output.weight stays as it is */
    bool has_importance;
    const DType *output_type, *token_embd_type; /* NULL: by the rules */
    const QuantOverride *overrides; /* [n_overrides], the first that matches wins */
    int n_overrides;
} QuantParams;

typedef struct {
    const GgufTensor *tensor;
    DType type;
    bool asked_for;        /* by the user, not by the rules */
    bool fell_back;        /* its rows are no whole number of the wanted type's blocks */
    bool needs_importance; /* its type is not allowed without */
} QuantChoice;

typedef struct {
    QuantChoice *choices;  /* [n], in file order */
    int64_t n;
} QuantPlan;

/* Memory comes from a. */
Status quant_plan_open(QuantPlan *plan, Arena *a, const Gguf *g, const QuantParams *p, Err *err);

#endif
