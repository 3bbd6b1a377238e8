/* lesson6_tune: which threads, which form of the weights, which kernels? Measured on a model of yours:
 * `lesson6_tune -m MODEL.gguf [PART]`; without -m the storyteller.
 *
 * 1. What a token must read, and how fast this machine reads. 2. Threads. 3. Forms of the weights: bytes,
 * error, speed. 4. Kernels. 5. What to choose, by a rule that is printed. 6. All formats, as a table.
 * 7. Such a table as a picture: the one in lessons/data/, so start it from the project's root.
 * --plain PART: no times (parts 1, 3, 6, 7), and plain C computes: the same everywhere. */
#include "layer6.h"
#include "embedded.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_CTX = 128, N_TEXTS = 4, REPEATS = 5, MAX_THREADS = 64 };
static const char *path;
static bool plain;
static Pool *pool;
static Model exact;    /* every matrix in f32: what the others are compared with */
static TokenList text; /* N_TEXTS times N_CTX tokens that the exact model wrote */

static Status open_model(Model *m, DType type, Err *err)
{
    *m = (Model){0};
    TRY(path ? model_open(m, path, MAP_AUTO, err)
             : model_open_memory(m, storyteller_model, storyteller_model_bytes, err));
    return type == DT_COUNT ? OK : model_repack(m, type, pool, true, err);
}

/* ---------------------------------------------------------------- measuring */

typedef struct {
    int type;             /* DType; only in the picture */
    int64_t bytes;        /* of all weights */
    double bits;          /* per weight */
    double kl;            /* nats per token that the exact model would not have been surprised by */
    double decode, prefill; /* tokens per second */
} Row;

typedef struct { Session session; KvCache kv; } Side;

static void side_close(Side *s)
{
    kvcache_close(&s->kv);
    session_close(&s->session);
}

static Status side_open(Side *s, const Model *m, Pool *p, Err *err)
{
    *s = (Side){0};
    Status status = session_open(&s->session, m, p, N_CTX, N_CTX, err);
    if (status == OK) status = kvcache_open(&s->kv, m, DT_F16, DT_F16, N_CTX, 1, err);
    if (status != OK) side_close(s);
    return status;
}

static Status speed(Row *r, const Model *m, Pool *p, Err *err)
{
    static BenchResult b;
    Side s;
    TRY(side_open(&s, m, p, err));
    Status status = bench_model(&b, &s.session, &s.kv, N_CTX, 0, REPEATS, NULL, err);
    r->prefill = b.median_ts;
    if (status == OK) status = bench_model(&b, &s.session, &s.kv, 0, 32, REPEATS, NULL, err);
    r->decode = b.median_ts;
    side_close(&s);
    return status;
}

static Status divergence(Row *r, const Model *m, Err *err)
{
    TextQuality q;
    Side a, b;
    TRY(side_open(&a, &exact, pool, err));
    Status status = side_open(&b, m, pool, err);
    if (status == OK) {
        status = quality_text(&q, (QualitySide){&a.session, &a.kv}, (QualitySide){&b.session, &b.kv}, &text,
                              N_CTX, true, NULL, err);
        if (status == OK) r->kl = fmax(0, q.kl_sum / (double)q.n_scored); /* rounding may leave it just below */
        side_close(&b);
    }
    side_close(&a);
    return status;
}

static double weights_in(const Model *m)
{
    double n = 0;
    for (int64_t i = 0; i < m->gguf.n_tensors; i++) {
        const int64_t *ne = m->gguf.tensors[i].view.ne;
        n += (double)ne[0] * (double)ne[1] * (double)ne[2] * (double)ne[3];
    }
    return n;
}

static Status measure(Row *r, DType type, Err *err)
{
    Model m;
    *r = (Row){0};
    TRY(open_model(&m, type, err));
    r->bytes = m.weights.bytes;
    r->bits = 8 * (double)r->bytes / weights_in(&m);
    Status s = divergence(r, &m, err);
    if (s == OK && !plain) s = speed(r, &m, pool, err);
    model_close(&m);
    return s;
}

/* What the exact model writes at temperature 1: text for any model, in its own words. */
static Status write_text(Err *err)
{
    for (uint64_t seed = 1; seed <= N_TEXTS; seed++) {
        Generator g;
        GeneratorParams p = {.n_ctx = N_CTX, .n_ubatch = N_CTX, .type_k = DT_F16, .type_v = DT_F16,
                             .sampling = {.temp = 1, .seed = seed}, .ignore_eos = true};
        int32_t id = exact.tokenizer ? tokenizer_bos(exact.tokenizer) : 0;
        bool end = false;
        if (id < 0) id = 0;
        TRY(generator_open(&g, &exact, pool, &p, NULL, err));
        Status s = generator_prompt(&g, &id, 1, err);
        for (int i = 0; i < N_CTX && s == OK; i++) {
            s = tokens_push(&text, id, err);
            if (s == OK && i + 1 < N_CTX) s = generator_next(&g, &id, &end, err);
        }
        generator_close(&g);
        if (s != OK) return s;
    }
    return OK;
}

/* ---------------------------------------------------------------- the parts */

static const char *bar(double share)
{
    static char b[64];
    int n = (int)(share * 20 + 0.5);
    b[0] = 0;
    for (int i = 0; i < n && i < 20; i++) strcat(b, "█");
    return b;
}

static Status part_ceiling(Err *err)
{
    Model m;
    TRY(open_model(&m, DT_COUNT, err));
    double bytes = (double)m.weights.bytes;
    printf("1. Each new token reads all weights once: %.2f million bytes\n\n", bytes * 1e-6);
    model_close(&m);
    for (int n = 1; !plain && n <= pool_threads(pool); n *= 2) {
        Roofline r;
        Pool *p;
        TRY(pool_open(&p, n, true, err));
        Status s = roofline_measure(&r, p, (int64_t)256 << 20, 0.6, err);
        pool_close(p);
        if (s != OK) return s;
        printf("   %2d threads read %6.1f GB/s from memory: at most %8.1f tokens/s if no cache holds them\n", n,
               r.read_gbs, r.read_gbs * 1e9 / bytes);
    }
    printf("\n");
    return OK;
}

static double best_decode, best_prefill; /* by number of threads */
static int threads_decode = 1, threads_prefill = 1;

static Status part_threads(Err *err)
{
    Row r[MAX_THREADS + 1] = {{0}};
    Model m;
    if (plain) return OK;
    TRY(open_model(&m, DT_COUNT, err));
    printf("2. Threads, the weights as the file has them\n\n   threads   decode tok/s   prompt tok/s\n");
    Status s = OK;
    for (int n = 1; s == OK && n <= pool_threads(pool) && n <= MAX_THREADS; n++) {
        Pool *p;
        if ((s = pool_open(&p, n, true, err)) != OK) break;
        s = speed(&r[n], &m, p, err);
        pool_close(p);
        if (r[n].decode > 1.03 * best_decode) best_decode = r[n].decode, threads_decode = n;
        if (r[n].prefill > 1.03 * best_prefill) best_prefill = r[n].prefill, threads_prefill = n;
        printf("   %7d %14.1f %14.1f\n", n, r[n].decode, r[n].prefill);
    }
    printf("\n");
    model_close(&m);
    return s;
}

static const DType modes[] = {DT_COUNT, DT_F32, DT_F16, DT_BF16, DT_Q8_0, DT_Q4_0};
enum { N_MODES = sizeof modes / sizeof *modes };
static const char *mode_name(int i) { return modes[i] == DT_COUNT ? "as is" : dtype_name(modes[i]); }
static Row mode_row[N_MODES];

static Status part_modes(Err *err)
{
    printf("3. Forms of the weights (--weights)\n\n   form    bits/weight  KL, nats/token%s\n",
           plain ? "" : "   decode tok/s   prompt tok/s");
    double most = 0;
    for (int i = 0; i < N_MODES; i++) {
        TRY(measure(&mode_row[i], modes[i], err));
        if (mode_row[i].decode > most) most = mode_row[i].decode;
    }
    for (int i = 0; i < N_MODES; i++) {
        const Row *r = &mode_row[i];
        printf("   %-6s %12.2f %15.5f", mode_name(i), r->bits, r->kl);
        if (!plain) printf(" %14.1f %14.1f  %s", r->decode, r->prefill, bar(r->decode / most));
        printf("\n");
    }
    printf("\n");
    return OK;
}

static Status part_kernels(Err *err)
{
    static const char *const sets[] = {"scalar", "neon", "dotprod", "avx2", "avxvnni", "avx512"};
    Model m;
    if (plain) return OK;
    TRY(open_model(&m, DT_COUNT, err));
    printf("4. Kernels (SIXFOLD_KERNELS)\n\n   kernels   decode tok/s   prompt tok/s\n");
    Status s = OK;
    for (size_t i = 0; s == OK && i < sizeof sets / sizeof *sets; i++) {
        Row r = {0};
        Err none;
        if (kernels_use(NULL, &none) != OK || kernels_use(sets[i], &none) != OK) continue; /* not on this CPU */
        s = speed(&r, &m, pool, err);
        printf("   %-8s %13.1f %14.1f\n", sets[i], r.decode, r.prefill);
    }
    printf("\n");
    model_close(&m);
    return s == OK ? kernels_use(NULL, err) : s;
}

/* The fastest form whose divergence is small; as few threads as reach nearly all of the speed. */
static Status part_advice(Err *err)
{
    const double allowed = 0.01;
    (void)err;
    if (plain || mode_row[0].decode == 0) return OK;
    int best = 0;
    for (int i = 1; i < N_MODES; i++)
        if (mode_row[i].kl < mode_row[0].kl + allowed && mode_row[i].decode > 1.03 * mode_row[best].decode)
            best = i;
    printf("5. Of the forms at most %.2f nats per token worse than the file, the fastest to write: %s\n"
           "   Threads, as few as come within 3 %% of the most: %d to write, %d to read a prompt\n\n"
           "   sixfold run%s%s%s%s -t %d\n",
           allowed, mode_name(best), threads_decode, threads_prefill, path ? " -m " : "",
           path ? path : "", best ? " --weights " : "", best ? mode_name(best) : "", threads_decode);
    return OK;
}

static Status part_formats(Err *err)
{
    printf("# format\tbits/weight\tKL%s\n", plain ? "" : "\tdecode\tprompt");
    for (int t = 0; t < DT_COUNT; t++) {
        const QuantFormat *f = quant_format((DType)t);
        Row r;
        if (!f || !f->quantise) continue;
        TRY(measure(&r, (DType)t, err));
        printf("%s\t%.3f\t%.5f", dtype_name((DType)t), r.bits, r.kl);
        if (!plain) printf("\t%.1f\t%.1f", r.decode, r.prefill);
        printf("\n");
    }
    return OK;
}

static int by_bits(const void *a, const void *b)
{
    double x = ((const Row *)a)->bits, y = ((const Row *)b)->bits;
    return (x > y) - (x < y);
}

/* One column for each factor of 2 in the error, from 1 / 2^16 nats on. */
static Status part_picture(Err *err)
{
    static const char file[] = "lessons/data/storyteller_formats.tsv";
    static Row row[DT_COUNT];
    char line[200];
    int n = 0;
    FILE *f = fopen(file, "r");
    if (!f) return fail(err, E_IO, "cannot open '%s'. HINT: start from the project's root", file);
    while (n < DT_COUNT && fgets(line, sizeof line, f)) {
        char name[16];
        Row *r = &row[n];
        if (sscanf(line, "%15s %lf %lf %lf %lf", name, &r->bits, &r->kl, &r->decode, &r->prefill) != 5) continue;
        r->type = dtype_by_name(name);
        if (r->type < 0) continue;
        n++;
    }
    fclose(f);
    qsort(row, (size_t)n, sizeof *row, by_bits);
    printf("   format   bits/weight      KL   decode   prompt   log of the KL\n");
    for (int i = 0; i < n; i++) {
        printf("   %-8s %10.2f %9.5f %8.0f %8.0f   ", dtype_name((DType)row[i].type), row[i].bits, row[i].kl,
               row[i].decode, row[i].prefill);
        for (double kl = 0x1p-16; kl < row[i].kl; kl *= 2) printf("█");
        printf("\n");
    }
    return OK;
}

int main(int argc, char **argv)
{
    static Status (*const parts[])(Err *) = {part_ceiling, part_threads, part_modes,  part_kernels,
                                             part_advice,  part_formats, part_picture};
    int only = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-m") == 0 && i + 1 < argc) path = argv[++i];
        else if (strcmp(argv[i], "--plain") == 0) plain = true;
        else only = atoi(argv[i]);
    }
    layer6_init();
    Err err;
    Status s = plain ? kernels_use("scalar", &err) : OK;
    if (s == OK) s = pool_open(&pool, cpu_topology_threads(cpu_topology()), true, &err);
    if (s == OK && only != 7) s = open_model(&exact, DT_F32, &err);
    if (s == OK && only != 7) s = write_text(&err);
    for (int i = 0; i < 7 && s == OK; i++)
        if (only ? only == i + 1 : i < 5) s = parts[i](&err);
    if (s != OK) fprintf(stderr, "error: %s\n", err.text);
    tokens_close(&text);
    model_close(&exact);
    pool_close(pool);
    return s != OK;
}
