/* dtype.h: every number format a tensor can have, as a packed struct and a row of one table.
 *
 * A quantised row is a sequence of blocks of B weights stored in S bytes. The structs below are the
 * file format: fields in file order, no padding, size pinned by _Static_assert. `half` fields are
 * raw IEEE binary16 bits (see half.h). Ids are those of the GGUF format.
 * Source: the GGUF type table (ggml); layouts are facts of the format.
 *
 * Interface: dtype_info(id) is NULL for an id that is unknown or retired; never index the table
 * with a number from a file. */
#ifndef SIXFOLD_DTYPE_H
#define SIXFOLD_DTYPE_H

#include "status.h"

typedef enum {
    DT_F32 = 0, DT_F16 = 1, DT_Q4_0 = 2, DT_Q4_1 = 3, DT_Q5_0 = 6, DT_Q5_1 = 7, DT_Q8_0 = 8,
    DT_Q8_1 = 9, DT_Q2_K = 10, DT_Q3_K = 11, DT_Q4_K = 12, DT_Q5_K = 13, DT_Q6_K = 14, DT_Q8_K = 15,
    DT_IQ2_XXS = 16, DT_IQ2_XS = 17, DT_IQ3_XXS = 18, DT_IQ1_S = 19, DT_IQ4_NL = 20, DT_IQ3_S = 21,
    DT_IQ2_S = 22, DT_IQ4_XS = 23, DT_I8 = 24, DT_I16 = 25, DT_I32 = 26, DT_I64 = 27, DT_F64 = 28,
    DT_IQ1_M = 29, DT_BF16 = 30, DT_TQ1_0 = 34, DT_TQ2_0 = 35, DT_MXFP4 = 39, DT_NVFP4 = 40,
    DT_Q1_0 = 41, DT_Q2_0 = 42, DT_COUNT = 43
} DType;

typedef struct {
    const char *name; /* as printed and as accepted on the command line, e.g. "Q4_0" */
    int block;        /* weights per block, B */
    int bytes;        /* bytes per block, S */
} DTypeInfo;

/* Facts about a type, or NULL if the id names none (unknown or retired). */
const DTypeInfo *dtype_info(int64_t id);

/* Name for messages; "type 77" style text is up to the caller when info is NULL. */
const char *dtype_name(DType t);

/* Type whose name is `name` (case does not matter); -1 if there is none. */
int dtype_by_name(const char *name);

/* Bytes of a row of n elements. n must be a multiple of the block (CHECKed). */
int64_t dtype_row_bytes(DType t, int64_t n);

#define PACKED __attribute__((packed))

typedef struct PACKED { uint16_t d; uint8_t q[16]; } BlockQ4_0;
typedef struct PACKED { uint16_t d, m; uint8_t q[16]; } BlockQ4_1;
typedef struct PACKED { uint16_t d; uint8_t qh[4], q[16]; } BlockQ5_0;
typedef struct PACKED { uint16_t d, m; uint8_t qh[4], q[16]; } BlockQ5_1;
typedef struct PACKED { uint16_t d; int8_t q[32]; } BlockQ8_0;
typedef struct PACKED { uint16_t d, s; int8_t q[32]; } BlockQ8_1;
typedef struct PACKED { uint8_t scales[16], q[64]; uint16_t d, dmin; } BlockQ2_K;
typedef struct PACKED { uint8_t hmask[32], q[64], scales[12]; uint16_t d; } BlockQ3_K;
typedef struct PACKED { uint16_t d, dmin; uint8_t scales[12], q[128]; } BlockQ4_K;
typedef struct PACKED { uint16_t d, dmin; uint8_t scales[12], qh[32], q[128]; } BlockQ5_K;
typedef struct PACKED { uint8_t ql[128], qh[64]; int8_t scales[16]; uint16_t d; } BlockQ6_K;
typedef struct PACKED { float d; int8_t q[256]; int16_t bsums[16]; } BlockQ8_K;
typedef struct PACKED { uint16_t d; uint16_t q[32]; } BlockIQ2_XXS;
typedef struct PACKED { uint16_t d; uint16_t q[32]; uint8_t scales[8]; } BlockIQ2_XS;
typedef struct PACKED { uint16_t d; uint8_t q[64], qh[8], scales[8]; } BlockIQ2_S;
typedef struct PACKED { uint16_t d; uint8_t q[96]; } BlockIQ3_XXS;
typedef struct PACKED { uint16_t d; uint8_t q[64], qh[8], signs[32], scales[4]; } BlockIQ3_S;
typedef struct PACKED { uint16_t d; uint8_t q[32]; uint16_t qh[8]; } BlockIQ1_S;
typedef struct PACKED { uint8_t q[32], qh[16], scales[8]; } BlockIQ1_M;
typedef struct PACKED { uint16_t d; uint8_t q[16]; } BlockIQ4_NL;
typedef struct PACKED { uint16_t d, scales_h; uint8_t scales_l[4], q[128]; } BlockIQ4_XS;
typedef struct PACKED { uint8_t q[48], qh[4]; uint16_t d; } BlockTQ1_0;
typedef struct PACKED { uint8_t q[64]; uint16_t d; } BlockTQ2_0;
typedef struct PACKED { uint8_t e, q[16]; } BlockMXFP4;
typedef struct PACKED { uint8_t d[4], q[32]; } BlockNVFP4;
typedef struct PACKED { uint16_t d; uint8_t q[16]; } BlockQ1_0;
typedef struct PACKED { uint16_t d; uint8_t q[16]; } BlockQ2_0;

_Static_assert(sizeof(BlockQ4_0) == 18, "gguf Q4_0");
_Static_assert(sizeof(BlockQ4_1) == 20, "gguf Q4_1");
_Static_assert(sizeof(BlockQ5_0) == 22, "gguf Q5_0");
_Static_assert(sizeof(BlockQ5_1) == 24, "gguf Q5_1");
_Static_assert(sizeof(BlockQ8_0) == 34, "gguf Q8_0");
_Static_assert(sizeof(BlockQ8_1) == 36, "gguf Q8_1");
_Static_assert(sizeof(BlockQ2_K) == 84, "gguf Q2_K");
_Static_assert(sizeof(BlockQ3_K) == 110, "gguf Q3_K");
_Static_assert(sizeof(BlockQ4_K) == 144, "gguf Q4_K");
_Static_assert(sizeof(BlockQ5_K) == 176, "gguf Q5_K");
_Static_assert(sizeof(BlockQ6_K) == 210, "gguf Q6_K");
_Static_assert(sizeof(BlockQ8_K) == 292, "gguf Q8_K");
_Static_assert(sizeof(BlockIQ2_XXS) == 66, "gguf IQ2_XXS");
_Static_assert(sizeof(BlockIQ2_XS) == 74, "gguf IQ2_XS");
_Static_assert(sizeof(BlockIQ2_S) == 82, "gguf IQ2_S");
_Static_assert(sizeof(BlockIQ3_XXS) == 98, "gguf IQ3_XXS");
_Static_assert(sizeof(BlockIQ3_S) == 110, "gguf IQ3_S");
_Static_assert(sizeof(BlockIQ1_S) == 50, "gguf IQ1_S");
_Static_assert(sizeof(BlockIQ1_M) == 56, "gguf IQ1_M");
_Static_assert(sizeof(BlockIQ4_NL) == 18, "gguf IQ4_NL");
_Static_assert(sizeof(BlockIQ4_XS) == 136, "gguf IQ4_XS");
_Static_assert(sizeof(BlockTQ1_0) == 54, "gguf TQ1_0");
_Static_assert(sizeof(BlockTQ2_0) == 66, "gguf TQ2_0");
_Static_assert(sizeof(BlockMXFP4) == 17, "gguf MXFP4");
_Static_assert(sizeof(BlockNVFP4) == 36, "gguf NVFP4");
_Static_assert(sizeof(BlockQ1_0) == 18, "gguf Q1_0");
_Static_assert(sizeof(BlockQ2_0) == 18, "gguf Q2_0");

#endif
