/* dtype.c: the table behind dtype.h.
 *
 * Sizes come from the structs, not from a second list of numbers: a table of magic sizes can be
 * wrong for years, a sizeof cannot. Ids 4, 5, 31 to 33 and 36 to 38 are retired and stay empty. */
#include "dtype.h"

#include <strings.h>

static const DTypeInfo table[DT_COUNT] = {
    [DT_F32] = {"F32", 1, 4},
    [DT_F16] = {"F16", 1, 2},
    [DT_Q4_0] = {"Q4_0", 32, sizeof(BlockQ4_0)},
    [DT_Q4_1] = {"Q4_1", 32, sizeof(BlockQ4_1)},
    [DT_Q5_0] = {"Q5_0", 32, sizeof(BlockQ5_0)},
    [DT_Q5_1] = {"Q5_1", 32, sizeof(BlockQ5_1)},
    [DT_Q8_0] = {"Q8_0", 32, sizeof(BlockQ8_0)},
    [DT_Q8_1] = {"Q8_1", 32, sizeof(BlockQ8_1)},
    [DT_Q2_K] = {"Q2_K", 256, sizeof(BlockQ2_K)},
    [DT_Q3_K] = {"Q3_K", 256, sizeof(BlockQ3_K)},
    [DT_Q4_K] = {"Q4_K", 256, sizeof(BlockQ4_K)},
    [DT_Q5_K] = {"Q5_K", 256, sizeof(BlockQ5_K)},
    [DT_Q6_K] = {"Q6_K", 256, sizeof(BlockQ6_K)},
    [DT_Q8_K] = {"Q8_K", 256, sizeof(BlockQ8_K)},
    [DT_IQ2_XXS] = {"IQ2_XXS", 256, sizeof(BlockIQ2_XXS)},
    [DT_IQ2_XS] = {"IQ2_XS", 256, sizeof(BlockIQ2_XS)},
    [DT_IQ3_XXS] = {"IQ3_XXS", 256, sizeof(BlockIQ3_XXS)},
    [DT_IQ1_S] = {"IQ1_S", 256, sizeof(BlockIQ1_S)},
    [DT_IQ4_NL] = {"IQ4_NL", 32, sizeof(BlockIQ4_NL)},
    [DT_IQ3_S] = {"IQ3_S", 256, sizeof(BlockIQ3_S)},
    [DT_IQ2_S] = {"IQ2_S", 256, sizeof(BlockIQ2_S)},
    [DT_IQ4_XS] = {"IQ4_XS", 256, sizeof(BlockIQ4_XS)},
    [DT_I8] = {"I8", 1, 1},
    [DT_I16] = {"I16", 1, 2},
    [DT_I32] = {"I32", 1, 4},
    [DT_I64] = {"I64", 1, 8},
    [DT_F64] = {"F64", 1, 8},
    [DT_IQ1_M] = {"IQ1_M", 256, sizeof(BlockIQ1_M)},
    [DT_BF16] = {"BF16", 1, 2},
    [DT_TQ1_0] = {"TQ1_0", 256, sizeof(BlockTQ1_0)},
    [DT_TQ2_0] = {"TQ2_0", 256, sizeof(BlockTQ2_0)},
    [DT_MXFP4] = {"MXFP4", 32, sizeof(BlockMXFP4)},
    [DT_NVFP4] = {"NVFP4", 64, sizeof(BlockNVFP4)},
    [DT_Q1_0] = {"Q1_0", 128, sizeof(BlockQ1_0)},
    [DT_Q2_0] = {"Q2_0", 64, sizeof(BlockQ2_0)},
};

const DTypeInfo *dtype_info(int64_t id)
{
    if (id < 0 || id >= DT_COUNT || !table[id].name) return NULL;
    return &table[id];
}

const char *dtype_name(DType t)
{
    const DTypeInfo *info = dtype_info(t);
    return info ? info->name : "?";
}

int dtype_by_name(const char *name)
{
    for (int id = 0; id < DT_COUNT; id++)
        if (table[id].name && strcasecmp(table[id].name, name) == 0) return id;
    return -1;
}

int64_t dtype_row_bytes(DType t, int64_t n)
{
    const DTypeInfo *info = dtype_info(t);
    CHECK(info, "type id %d", (int)t);
    CHECK(n % info->block == 0, "%lld elements are no whole blocks of %s", (long long)n, info->name);
    return n / info->block * info->bytes;
}
