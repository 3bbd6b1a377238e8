/* quant_mix.c: the rules of file types, as tables.
 *
 * Not all matrices deserve the same number of bits. What attn_v and ffn_down get wrong goes straight
 * into the residual stream, the output matrix decides between tokens, first and last blocks matter
 * more than those between. A mix spends a few bits more there.
 *
 * A rule: for tensors of this kind in a file of this type, if all conditions hold, use this type. The
 * first rule that fits wins; without one the base type stays. Source: the reference quantiser's
 * choices, as facts of its files. */
#include "quant_mix_impl.h"

#include <string.h>
#include <strings.h>

static const QuantMix mixes[] = {
    {"F32", FT_F32, DT_F32, "32 bits: exact"},
    {"F16", FT_F16, DT_F16, "16 bits"},
    {"BF16", FT_BF16, DT_BF16, "16 bits, the range of F32"},
    {"Q8_0", FT_Q8_0, DT_Q8_0, "8.5 bits, hardly a loss"},
    {"Q6_K", FT_Q6_K, DT_Q6_K, "6.6 bits, very good"},
    {"Q5_K_M", FT_Q5_K_M, DT_Q5_K, "5.7 bits, good"},
    {"Q5_K_S", FT_Q5_K_S, DT_Q5_K, "5.5 bits"},
    {"Q5_1", FT_Q5_1, DT_Q5_1, "6 bits, old"},
    {"Q5_0", FT_Q5_0, DT_Q5_0, "5.5 bits, old"},
    {"Q4_K_M", FT_Q4_K_M, DT_Q4_K, "4.8 bits, what most people take"},
    {"Q4_K_S", FT_Q4_K_S, DT_Q4_K, "4.6 bits"},
    {"Q4_1", FT_Q4_1, DT_Q4_1, "5 bits, old"},
    {"Q4_0", FT_Q4_0, DT_Q4_0, "4.6 bits, old and fast"},
    {"IQ4_NL", FT_IQ4_NL, DT_IQ4_NL, "4.5 bits, levels at unequal distances"},
    {"IQ4_XS", FT_IQ4_XS, DT_IQ4_XS, "4.3 bits"},
    {"MXFP4_MOE", FT_MXFP4_MOE, DT_MXFP4, "4.25 bits for experts, Q8_0 for the rest"},
    {"Q3_K_L", FT_Q3_K_L, DT_Q3_K, "4.3 bits"},
    {"Q3_K_M", FT_Q3_K_M, DT_Q3_K, "3.9 bits"},
    {"Q3_K_S", FT_Q3_K_S, DT_Q3_K, "3.5 bits"},
    {"IQ3_M", FT_IQ3_M, DT_IQ3_S, "3.7 bits"},
    {"IQ3_S", FT_IQ3_S, DT_IQ3_S, "3.4 bits"},
    {"IQ3_XS", FT_IQ3_XS, DT_IQ3_S, "3.3 bits, needs an importance matrix"},
    {"IQ3_XXS", FT_IQ3_XXS, DT_IQ3_XXS, "3.1 bits, needs an importance matrix"},
    {"Q2_K", FT_Q2_K, DT_Q2_K, "3.2 bits"},
    {"Q2_K_S", FT_Q2_K_S, DT_Q2_K, "2.8 bits, needs an importance matrix"},
    {"IQ2_M", FT_IQ2_M, DT_IQ2_S, "2.7 bits, needs an importance matrix"},
    {"IQ2_S", FT_IQ2_S, DT_IQ2_XS, "2.5 bits, needs an importance matrix"},
    {"IQ2_XS", FT_IQ2_XS, DT_IQ2_XS, "2.3 bits, needs an importance matrix"},
    {"IQ2_XXS", FT_IQ2_XXS, DT_IQ2_XXS, "2.1 bits, needs an importance matrix"},
    {"IQ1_M", FT_IQ1_M, DT_IQ1_M, "1.8 bits, needs an importance matrix"},
    {"IQ1_S", FT_IQ1_S, DT_IQ1_S, "1.6 bits, needs an importance matrix"},
    {"TQ2_0", FT_TQ2_0, DT_TQ2_0, "2.1 bits, for models trained with three levels"},
    {"TQ1_0", FT_TQ1_0, DT_TQ1_0, "1.7 bits, for models trained with three levels"},
    {"Q2_0", FT_Q2_0, DT_Q2_0, "2.3 bits, for models trained with few levels"},
    {"Q1_0", FT_Q1_0, DT_Q1_0, "1.1 bits, for models trained with signs"},
};

const QuantMix *quant_mix_at(int i)
{
    return i >= 0 && i < (int)(sizeof mixes / sizeof *mixes) ? &mixes[i] : NULL;
}

const QuantMix *quant_mix_by_name(const char *name)
{
    static const char *const aliases[][2] = {{"Q3_K", "Q3_K_M"}, {"Q4_K", "Q4_K_M"}, {"Q5_K", "Q5_K_M"}};
    for (int i = 0; i < 3; i++)
        if (strcasecmp(name, aliases[i][0]) == 0) name = aliases[i][1];
    for (int i = 0; quant_mix_at(i); i++)
        if (strcasecmp(name, mixes[i].name) == 0) return &mixes[i];
    return NULL;
}

/* ---------------------------------------------------------------- the rules */

enum { /* conditions; those of a rule must all hold */
    ALWAYS = 0,
    GQA4 = 1 << 0,      /* four or more query heads share a key head */
    EXPERTS4 = 1 << 1,  /* four or more experts */
    EXPERTS8 = 1 << 2,  /* eight, exactly */
    OTHER_THAN_8 = 1 << 3,
    FALCON = 1 << 4,
    NOT_FALCON = 1 << 5,
    IMPORTANCE = 1 << 6,
    NO_IMPORTANCE = 1 << 7,
    FIRST_2 = 1 << 8,   /* by the tensor's number */
    FIRST_4 = 1 << 9,
    FIRST_8TH = 1 << 10,
    FIRST_16TH = 1 << 11,
    MORE = 1 << 12,     /* first eighth, last eighth, every third between */
    MIDDLE = 1 << 13    /* neither first nor last eighth */
};

typedef struct {
    TensorKind kind;
    int file_type; /* or, in the second table, a class of them */
    uint32_t when;
    DType type;
} Rule;

//@ begin quant-mix-rules
static const Rule rules[] = {
    {KIND_V, FT_Q3_K_M, FIRST_2, DT_Q5_K},
    {KIND_V, FT_Q3_K_M, ALWAYS, DT_Q4_K},
    {KIND_V, FT_Q3_K_L, ALWAYS, DT_Q5_K},
    {KIND_V, FT_Q4_K_S, FIRST_4, DT_Q5_K},
    {KIND_V, FT_Q4_K_M, MORE, DT_Q6_K},
    {KIND_V, FT_Q5_K_M, MORE, DT_Q6_K},
    {KIND_DOWN, FT_Q4_K_S, NOT_FALCON | FIRST_8TH, DT_Q5_K},
    {KIND_DOWN, FT_Q4_K_M, NOT_FALCON | MORE, DT_Q6_K},
    {KIND_DOWN, FT_Q5_K_M, MORE, DT_Q6_K},
    //@ end quant-mix-rules
    {KIND_DOWN, FT_Q4_K_M, FALCON | FIRST_16TH, DT_Q6_K},
    {KIND_DOWN, FT_Q4_K_M, FALCON | MORE, DT_Q5_K},
    {KIND_DOWN, FT_Q3_K_M, FIRST_16TH, DT_Q5_K},
    {KIND_DOWN, FT_Q3_K_M, NOT_FALCON, DT_Q4_K},
    {KIND_DOWN, FT_Q3_K_M, MORE, DT_Q4_K},
    {KIND_DOWN, FT_Q3_K_L, FALCON, DT_Q4_K},
    {KIND_DOWN, FT_Q3_K_L, ALWAYS, DT_Q5_K},
    {KIND_DOWN, FT_Q2_K, ALWAYS, DT_Q3_K},
    {KIND_DOWN, FT_Q2_K_S, FIRST_8TH, DT_Q4_K},
    {KIND_DOWN, FT_IQ3_XXS, NO_IMPORTANCE | FIRST_8TH, DT_Q4_K},
    {KIND_DOWN, FT_IQ3_XXS, NO_IMPORTANCE, DT_Q3_K},
    {KIND_DOWN, FT_IQ3_M, FIRST_8TH, DT_Q4_K},
    {KIND_DOWN, FT_IQ3_M, EXPERTS8 | MORE, DT_Q4_K},
    {KIND_DOWN, FT_IQ4_NL, NO_IMPORTANCE | FIRST_8TH, DT_Q5_K},
    {KIND_DOWN, FT_IQ4_XS, NO_IMPORTANCE | FIRST_8TH, DT_Q5_K},
    {KIND_DOWN, FT_Q4_0, IMPORTANCE | FIRST_8TH, DT_Q4_1},
    {KIND_DOWN, FT_Q5_0, IMPORTANCE | FIRST_8TH, DT_Q5_1},

    {KIND_V, FT_Q2_K, GQA4, DT_Q4_K},
    {KIND_V, FT_Q2_K, ALWAYS, DT_Q3_K},
    {KIND_V, FT_Q2_K_S, GQA4, DT_Q4_K},
    {KIND_V, FT_IQ3_XXS, GQA4, DT_Q4_K},
    {KIND_V, FT_IQ3_XXS, NO_IMPORTANCE, DT_IQ3_S},
    {KIND_V, FT_IQ3_XS, GQA4, DT_Q4_K},
    {KIND_V, FT_IQ3_S, GQA4, DT_Q4_K},
    {KIND_V, FT_IQ3_M, ALWAYS, DT_Q4_K},
    {KIND_V, FT_IQ4_NL, GQA4, DT_Q5_K},
    {KIND_V, FT_IQ4_XS, GQA4, DT_Q5_K},

    {KIND_K, FT_IQ3_XS, ALWAYS, DT_IQ3_XXS},
    {KIND_K, FT_IQ3_XXS, ALWAYS, DT_IQ2_S},
    {KIND_Q, FT_IQ3_XS, ALWAYS, DT_IQ3_XXS},
    {KIND_Q, FT_IQ3_XXS, ALWAYS, DT_IQ2_S},
    {KIND_GATE_UP, FT_IQ3_XS, MIDDLE, DT_IQ3_XXS},

    {KIND_OUT, FT_Q2_K, NOT_FALCON | EXPERTS8, DT_Q5_K},
    {KIND_OUT, FT_IQ3_XS, NOT_FALCON | EXPERTS8, DT_Q5_K},
    {KIND_OUT, FT_IQ3_XXS, NOT_FALCON | EXPERTS8, DT_Q5_K},
    {KIND_OUT, FT_IQ3_S, NOT_FALCON | EXPERTS8, DT_Q5_K},
    {KIND_OUT, FT_IQ3_M, NOT_FALCON | EXPERTS8, DT_Q5_K},
    {KIND_OUT, FT_Q3_K_S, NOT_FALCON | EXPERTS8, DT_Q5_K},
    {KIND_OUT, FT_Q3_K_M, NOT_FALCON | EXPERTS8, DT_Q5_K},
    {KIND_OUT, FT_Q4_K_S, NOT_FALCON | EXPERTS8, DT_Q5_K},
    {KIND_OUT, FT_Q4_K_M, NOT_FALCON | EXPERTS8, DT_Q5_K},
    {KIND_OUT, FT_IQ4_NL, NOT_FALCON | EXPERTS8, DT_Q5_K},
    {KIND_OUT, FT_IQ4_XS, NOT_FALCON | EXPERTS8, DT_Q5_K},
    {KIND_OUT, FT_Q2_K, NOT_FALCON | OTHER_THAN_8, DT_Q3_K},
    {KIND_OUT, FT_IQ3_XXS, NOT_FALCON | OTHER_THAN_8, DT_IQ3_S},
    {KIND_OUT, FT_Q3_K_M, NOT_FALCON | OTHER_THAN_8, DT_Q4_K},
    {KIND_OUT, FT_Q3_K_L, NOT_FALCON | OTHER_THAN_8, DT_Q5_K},
    {KIND_OUT, FT_Q3_K_L, FALCON, DT_Q4_K},
    {KIND_OUT, FT_IQ3_M, NOT_FALCON | OTHER_THAN_8, DT_Q4_K},
};

/* Below three bits another table holds. LOW_S stands for IQ2_S and IQ2_M, LOW_X for the four below. */
enum { LOW_S = FT_IQ2_S, LOW_X = FT_IQ2_XXS };

static const Rule low_rules[] = {
    {KIND_V, LOW_S, GQA4, DT_Q4_K},
    {KIND_V, LOW_S, EXPERTS4, DT_Q4_K},
    {KIND_V, LOW_S, ALWAYS, DT_IQ3_S},
    {KIND_V, LOW_X, GQA4, DT_Q4_K},
    {KIND_V, LOW_X, EXPERTS4, DT_Q4_K},
    {KIND_V, LOW_X, ALWAYS, DT_Q2_K},
    {KIND_K, LOW_S, EXPERTS8, DT_Q4_K},
    {KIND_K, LOW_X, EXPERTS8, DT_Q4_K},
    {KIND_DOWN, LOW_S, FIRST_8TH, DT_IQ3_S},
    {KIND_DOWN, LOW_X, FIRST_8TH, DT_Q2_K},
    {KIND_OUT, LOW_S, EXPERTS8, DT_Q5_K},
    {KIND_OUT, LOW_X, EXPERTS8, DT_Q5_K},
    {KIND_OUT, LOW_S, ALWAYS, DT_IQ3_S},
    {KIND_OUT, FT_IQ1_S, ALWAYS, DT_IQ2_XXS},
    {KIND_OUT, FT_IQ1_M, ALWAYS, DT_IQ2_XXS},
};

static bool holds(uint32_t when, const MixModel *m, const MixTensor *t)
{
    int64_t i = t->number, n = t->kind == KIND_V ? m->n_v : m->n_blocks;
    bool more = i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
    bool middle = i >= n / 8 && i < 7 * n / 8;
    uint32_t facts = (m->gqa >= 4 ? GQA4 : 0u) | (m->n_expert >= 4 ? EXPERTS4 : 0u) |
                     (m->n_expert == 8 ? EXPERTS8 : OTHER_THAN_8) | (m->falcon ? FALCON : NOT_FALCON) |
                     (m->importance ? IMPORTANCE : NO_IMPORTANCE) | (i < 2 ? FIRST_2 : 0u) |
                     (i < 4 ? FIRST_4 : 0u) | (i < n / 8 ? FIRST_8TH : 0u) |
                     (i < n / 16 ? FIRST_16TH : 0u) | (more ? MORE : 0u) | (middle ? MIDDLE : 0u);
    return (when & facts) == when;
}

/* The first rule for this file type or its class that holds; base if there is none. */
static DType look_up(const Rule *table, int n, FileType type, int class_of_type, DType base,
                     const MixModel *m, const MixTensor *t)
{
    for (int i = 0; i < n; i++) {
        const Rule *r = &table[i];
        bool ours = r->file_type == (int)type || r->file_type == class_of_type;
        if (ours && r->kind == t->kind && holds(r->when, m, t)) return r->type;
    }
    return base;
}

/* The class of a file type below three bits: LOW_S, LOW_X, or 0 for all others. */
static int low_class(FileType f)
{
    switch (f) {
    case FT_IQ2_S: case FT_IQ2_M: return LOW_S;
    case FT_IQ1_S: case FT_IQ1_M: case FT_IQ2_XXS: case FT_IQ2_XS: return LOW_X;
    default: return 0;
    }
}

static DType output_type(const QuantMix *mix, const MixModel *m, const MixTensor *t)
{
    if (m->falcon || t->ne[0] % dtype_info(mix->base)->block != 0) return DT_Q8_0;
    if (mix->file_type == FT_MXFP4_MOE || mix->base == DT_Q8_0) return DT_Q8_0;
    if (low_class(mix->file_type) || mix->file_type == FT_IQ3_XXS) return DT_Q5_K;
    return DT_Q6_K;
}

static DType embedding_type(const QuantMix *mix)
{
    if (low_class(mix->file_type) == LOW_X) return DT_Q2_K;
    if (low_class(mix->file_type) == LOW_S || mix->file_type == FT_IQ3_XXS) return DT_IQ3_S;
    if (mix->base == DT_TQ1_0 || mix->base == DT_TQ2_0 || mix->base == DT_Q2_0) return DT_Q4_K;
    return mix->base;
}

DType quant_mix_type(const QuantMix *mix, const MixModel *m, const MixTensor *t)
{
    /* 1. Files of numbers that are not quantised have no exceptions. */
    if (dtype_info(mix->base)->block == 1) return mix->base;

    /* 2. The two ends of the model, and files that only shrink experts. */
    if (t->kind == KIND_OUTPUT) return output_type(mix, m, t);
    if (mix->file_type == FT_MXFP4_MOE) return t->ne[2] > 1 ? DT_MXFP4 : DT_Q8_0;
    if (t->kind == KIND_EMBD) return embedding_type(mix);

    /* 3. The tables. */
    int low = low_class(mix->file_type);
    if (low)
        return look_up(low_rules, sizeof low_rules / sizeof *low_rules, mix->file_type, low, mix->base,
                       m, t);
    /* 4. With eight experts attn_k and attn_v are so small beside them that they may be large. */
    if (m->n_expert == 8 && (t->kind == KIND_V || t->kind == KIND_K)) return DT_Q8_0;
    DType type = look_up(rules, sizeof rules / sizeof *rules, mix->file_type, -1, mix->base, m, t);
    /* 5. The 80 blocks of a 70B Llama share keys and values eight ways: attn_v is small and precious. */
    bool llama_70b = m->llama && m->n_blocks == 80 && m->gqa > 1;
    bool plain = type == DT_Q3_K || type == DT_Q4_K;
    return t->kind == KIND_V && plain && llama_70b ? DT_Q5_K : type;
}

DType quant_mix_fallback(DType type, int64_t n)
{
    static const struct { DType from, to; } steps[] = {
        {DT_IQ1_S, DT_IQ4_NL}, {DT_IQ1_M, DT_IQ4_NL}, {DT_IQ2_XXS, DT_IQ4_NL}, {DT_IQ2_XS, DT_IQ4_NL},
        {DT_IQ2_S, DT_IQ4_NL}, {DT_IQ3_XXS, DT_IQ4_NL}, {DT_IQ3_S, DT_IQ4_NL}, {DT_IQ4_XS, DT_IQ4_NL},
        {DT_Q2_K, DT_Q4_0}, {DT_Q3_K, DT_Q4_0}, {DT_TQ1_0, DT_Q4_0}, {DT_TQ2_0, DT_Q4_0},
        {DT_Q2_0, DT_Q4_0}, {DT_Q4_K, DT_Q5_0}, {DT_Q5_K, DT_Q5_1}, {DT_Q6_K, DT_Q8_0}};
    if (n % dtype_info(type)->block == 0) return type;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (steps[i].from == type)
            return n % dtype_info(steps[i].to)->block == 0 ? steps[i].to : DT_F16;
    return DT_F16;
}
