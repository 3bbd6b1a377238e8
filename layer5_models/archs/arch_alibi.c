/* arch_alibi.c: families whose positions are a penalty for distance (ALiBi): BLOOM and MPT.
 *
 * BLOOM normalises the embedding and has biases everywhere. MPT usually has none, may clamp q, k and v
 * and may divide the hidden vector by learned scales (both found in the file).
 * Source: BigScience 2022, arXiv:2211.05100; MosaicML 2023; Press et al. 2021, arXiv:2108.12409. */
#include "archs_impl.h"

const ArchDesc arch_bloom = {
    .name = "bloom",
    .title = "BLOOM",
    .paper = "BigScience 2022, arXiv:2211.05100",
    .block = {.norm = NORM_LAYER, .act = ACT_GELU_TANH, .alibi_bias = 8},
    .norms = NORMS_USUAL,
    .flags = ARCH_EMBD_NORM,
};

const ArchDesc arch_mpt = {
    .name = "mpt",
    .title = "MPT",
    .paper = "MosaicML 2023",
    .block = {.norm = NORM_LAYER, .act = ACT_GELU_TANH, .qk_norm = QK_NORM_ROW},
    .norms = NORMS_USUAL,
    .flags = ARCH_POSITIONS_OPTIONAL | ARCH_NORM_PLAIN,
};
