/* bench.h: one cell of the comparison: an operation, its variants, one size.
 *
 *   validate: every variant against the first one, the specification
 *   time:     in turns (a, b, c, a, b, c ...), so that all of them meet the same disturbances
 *   relate:   to the first variant, and to what the machine could do at best (its roofline)
 *
 * Interface:
 * - A BenchCase is set up in an arena of its own. run() does the work once through the dispatch
 *   pointers; which variant these point to is the driver's business (kernels_use).
 * - reset() restores the input of an operation that works in place. It is called before every
 *   validation and, with reset_each, before every timed run; it is never timed itself.
 * - A variant whose output differs from the first variant's is not timed: its row in the table says
 *   "wrong" and the program ends with status 1. So does an op of the kernel table without a case.
 * - The driver is single-threaded; cases that use threads do so through bench->pool. */
#ifndef SIXFOLD_BENCH_H
#define SIXFOLD_BENCH_H

#include "layer6.h"

#include <stdio.h>

enum { BENCH_VARIANTS = 16, BENCH_SAMPLES = 101, BENCH_MIN_SAMPLES = 9 };

/* Where the data of a run lives decides how fast it can be read at best. */
typedef enum { ROOF_L1, ROOF_L2, ROOF_L3, ROOF_MEMORY, ROOF_LEVELS } RoofLevel;

/* The ceilings, all measured by this program: [0] one thread, [1] all threads of the pool. */
typedef struct {
    double gbs[2][ROOF_LEVELS];
    double fma_gflops[2], int8_gops[2];
} Roofs;

typedef enum { OUT_F32, OUT_BYTES } OutKind;

/* A variant of a case that is no op of the kernel table: its name and a list for kernels_use. */
typedef struct { const char *name, *picks; } BenchPick;

typedef struct Bench Bench;
typedef struct BenchCase BenchCase;

struct BenchCase {
    /* Given in the lists of cases. */
    const char *op;          /* in the kernel table; or, with picks, a name of its own */
    int64_t n[4];            /* sizes; their meaning is up to the op */
    Status (*setup)(BenchCase *c, Bench *b, Err *err);
    const BenchPick *picks;  /* NULL: the variants are the op's rows; else ends with a NULL name */

    /* Filled by setup. */
    char size[48];           /* the sizes for people, without blanks or tabs */
    void (*reset)(BenchCase *c);  /* NULL: the input survives a run */
    void (*run)(BenchCase *c);
    void (*first_run)(BenchCase *c); /* with picks: what the first variant does instead; NULL: the same */
    void (*close)(BenchCase *c);  /* NULL: everything is in the arena */
    const char *peer;        /* with picks: somebody else's way to do the same, never chosen; NULL: none */
    void (*peer_run)(BenchCase *c); /* NULL: it is not installed */
    bool reset_each;
    void *state;
    void *out;               /* what the variants must agree on */
    int64_t n_out;           /* floats or bytes */
    OutKind kind;
    double tol;              /* largest difference of a float allowed; 0: the same bits */
    double flops, bytes;     /* of one run: operations; bytes read and written. 0: not meaningful */
    double set_bytes;        /* distinct bytes that one run touches */
    bool int8;               /* the operations are byte products */
    bool int16;              /* of 16 bits: half as many at best */
    bool threaded;           /* uses the pool */
    const char *threaded_only; /* if set: only variants that occur in this text use it */
    bool by_rate;            /* variants differ in work per run (run() sets flops): compare rates */
    Arena arena;
    Status status;           /* run() reports a failure here */
    Err err;
};

/* One row of the result. */
typedef struct {
    char op[32], variant[24], size[48];
    const char *status;      /* "ok", "wrong", "unusable" (the machine cannot), "late" */
    int layer, threads;      /* layer 0: a composed case */
    int64_t runs;            /* per sample */
    int n_samples;
    double median_ns, min_ns, iqr_ns; /* of one run */
    double flops, bytes;
    double ratio;            /* times faster than the first variant */
    double roof;             /* reached part of the roofline; 0: no roofline */
    const char *bound;       /* what the roofline consists of here: "L2", "memory", "peak" */
    RoofLevel level;
    bool int8, int16;
    bool chosen;             /* what the engine uses on this machine */
    char note[160];
} BenchRow;

struct Bench {
    Pool *pool;
    int n_threads, n_samples;
    double sample_ns;        /* least length of a sample: long enough for the clock, shorter
                                than a time slice, so that most samples are undisturbed */
    int64_t start_ns, limit_ns;
    const char *out_dir;
    const char *only;        /* op, or NULL for all */
    const char *size;        /* a part of the sizes to measure, or NULL for all */
    bool quiet;
    Roofs roofs;
    BenchCase *cases;        /* [n_cases] */
    int n_cases, cap_cases;
    BenchRow *rows;          /* [n_rows] */
    int n_rows, cap_rows;
    Arena arena;
};

/* bench_main.c */
void bench_add(Bench *b, BenchCase c);
/* Names the ops of the kernel table that no case measures; returns how many. */
int bench_ops_without_case(const Bench *b);
/* Runs all cases, or those of b->only; returns the number of problems. */
int bench_run(Bench *b);

/* bench_selftest.c: prints one line per claim; 0 if all hold. */
int bench_self_test(Bench *b);

/* bench_roofs.c: measures the ceilings; a second call keeps the better of both (the machine may
 * have been disturbed). bench_relate then fills the roof of all rows. */
Status bench_roofs(Bench *b, Err *err);
void bench_relate(Bench *b);
RoofLevel bench_level(double set_bytes);
extern const char *const bench_level_name[ROOF_LEVELS];

/* bench_measure.c: runs one case, if its size is asked for, and appends its rows. An Err means that it
 * could not be set up. */
Status bench_case(Bench *b, BenchCase *c, Err *err);

/* bench_report.c */
Status bench_write_tsv(const Bench *b, Err *err);
void bench_print_case(const Bench *b, int first_row);
void bench_print_summary(const Bench *b);

/* The cases, one file per subject. */
void bench_add_vec(Bench *b);
void bench_add_matmul(Bench *b);
void bench_add_quants(Bench *b);
void bench_add_dots(Bench *b);
void bench_add_panel_int8(Bench *b);
void bench_add_panel_int16(Bench *b);
void bench_add_linear(Bench *b);
void bench_add_blas(Bench *b);

/* bench_blas.c: before anything opens OpenBLAS. */
void bench_blas_prepare(void);
void bench_add_primitives(Bench *b);
void bench_add_attention(Bench *b);
void bench_add_lowrank(Bench *b);
void bench_add_moe(Bench *b);
void bench_add_latent(Bench *b);
void bench_add_scan(Bench *b);
void bench_add_tokenizer(Bench *b);
void bench_add_import(Bench *b);
void bench_add_runtime(Bench *b);
void bench_add_generate(Bench *b);

/* Blocks of a format that is only read: random bytes without bit 6, so that any two of them, read as
 * a half, are below 2 in magnitude. */
void bench_random_blocks(char *blocks, int64_t n);
/* Helpers for setup: memory of the case, refused with a message; normal numbers. */
#define BENCH_NEW(c, T, count, err)                                                                \
    ((T *)bench_alloc((c), (int64_t)(count), sizeof(T), (err)))
void *bench_alloc(BenchCase *c, int64_t count, size_t size, Err *err);
float *bench_normals(BenchCase *c, uint64_t seed, int64_t n, Err *err);
void bench_size(BenchCase *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
