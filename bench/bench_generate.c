/* bench_generate.c: the price of the next token, with and without a memory of the ones before.
 *
 * A small random model (Llama 3's shape at width 256: four query heads share a key head, 3 million
 * weights) is written to a file, opened as any model is, and asked for the logits after N tokens.
 * Uncached computes all N, cached only the last. Its weights mean nothing; time does not depend on
 * them. This comparison is of two algorithms and uses one thread. A composed case runs the same
 * step on all threads with every op of the engine naive, scalar, AVX2 and so on. */
#include "bench.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

enum { D = 256, FF = 704, N_LAYER = 4, N_HEAD = 4, N_KV = 1, D_HEAD = D / N_HEAD,
       VOCAB = 512, CTX = 4096 };

static const BenchPick sets[] = {
    {"naive", "naive"},
#if defined(__x86_64__)
    {"scalar", "scalar"}, {"avx2", "avx2"}, {"avx512", "avx512"},
#elif defined(__aarch64__)
    {"scalar", "scalar"}, {"neon", "neon"},
#else
    {"scalar", "scalar"},
#endif
    {NULL, NULL}};

/* ---------------------------------------------------------------- the model's file */

/* The tensors of a layer; n_out 0 marks a vector of ones. */
static const struct { const char *name; int64_t n_in, n_out; } parts[] = {
    {"attn_norm", D, 0}, {"attn_q", D, D}, {"attn_k", D, N_KV *D_HEAD}, {"attn_v", D, N_KV *D_HEAD},
    {"attn_output", D, D}, {"ffn_norm", D, 0}, {"ffn_gate", D, FF}, {"ffn_up", D, FF},
    {"ffn_down", FF, D}};
enum { N_PARTS = sizeof parts / sizeof *parts };

static Status put_metadata(GgufWriter *w, Err *err)
{
    TRY(gguf_put_str(w, "general.architecture", "llama", err));
    TRY(gguf_put_u32(w, "llama.context_length", CTX, err));
    TRY(gguf_put_u32(w, "llama.embedding_length", D, err));
    TRY(gguf_put_u32(w, "llama.block_count", N_LAYER, err));
    TRY(gguf_put_u32(w, "llama.feed_forward_length", FF, err));
    TRY(gguf_put_u32(w, "llama.attention.head_count", N_HEAD, err));
    TRY(gguf_put_u32(w, "llama.attention.head_count_kv", N_KV, err));
    TRY(gguf_put_u32(w, "llama.rope.dimension_count", D_HEAD, err));
    TRY(gguf_put_u32(w, "llama.vocab_size", VOCAB, err));
    return gguf_put_f32(w, "llama.attention.layer_norm_rms_epsilon", 1e-5f, err);
}

/* The output matrix is the embedding (tied), so there are two tensors outside the layers. */
static Status declare(GgufWriter *w, Err *err)
{
    char name[64];
    TRY(gguf_put_tensor(w, "token_embd.weight", DT_F16, 2, (int64_t[]){D, VOCAB}, err));
    for (int l = 0; l < N_LAYER; l++)
        for (int p = 0; p < N_PARTS; p++) {
            snprintf(name, sizeof name, "blk.%d.%s.weight", l, parts[p].name);
            bool vector = parts[p].n_out == 0;
            TRY(gguf_put_tensor(w, name, vector ? DT_F32 : DT_F16, vector ? 1 : 2,
                                (int64_t[]){parts[p].n_in, parts[p].n_out}, err));
        }
    return gguf_put_tensor(w, "output_norm.weight", DT_F32, 1, (int64_t[]){D}, err);
}

/* Normal numbers of spread 1 / sqrt(n_in): no layer makes its input much larger or smaller. */
static Status put_matrix(GgufWriter *w, Rng *rng, int64_t n_in, int64_t n_out, Err *err)
{
    uint16_t row[FF];
    float spread = 1.0f / sqrtf((float)n_in);
    for (int64_t r = 0; r < n_out; r++) {
        for (int64_t i = 0; i < n_in; i++) row[i] = f32_to_f16(spread * rng_normal(rng));
        TRY(gguf_write_data(w, row, (size_t)n_in * sizeof *row, err));
    }
    return OK;
}

static Status put_ones(GgufWriter *w, Err *err)
{
    float ones[D];
    for (int i = 0; i < D; i++) ones[i] = 1;
    return gguf_write_data(w, ones, sizeof ones, err);
}

static Status put_data(GgufWriter *w, Err *err)
{
    Rng rng = rng_seed(21);
    TRY(put_matrix(w, &rng, D, VOCAB, err));
    for (int l = 0; l < N_LAYER; l++)
        for (int p = 0; p < N_PARTS; p++) {
            if (parts[p].n_out == 0) TRY(put_ones(w, err));
            else TRY(put_matrix(w, &rng, parts[p].n_in, parts[p].n_out, err));
        }
    return put_ones(w, err);
}

static Status write_model(const char *path, Err *err)
{
    GgufWriter *w = NULL;
    TRY(gguf_writer_open(&w, 64, err));
    Status s = put_metadata(w, err);
    if (s == OK) s = declare(w, err);
    if (s == OK) s = gguf_write_header(w, path, err);
    if (s == OK) s = put_data(w, err);
    if (s == OK) s = gguf_writer_finish(w, err);
    gguf_writer_close(w);
    return s;
}

/* ---------------------------------------------------------------- the next token */

typedef struct {
    char path[512];
    Model model;
    Generator g;
} TokenState;

static void token_run(BenchCase *c)
{
    TokenState *s = c->state;
    s->g.n_done = s->g.tokens.n - 1;
    c->status = generate(&s->g, &c->err);
}

static void token_close(BenchCase *c)
{
    TokenState *s = c->state;
    if (!s) return;
    generator_close(&s->g);
    model_close(&s->model);
    unlink(s->path);
}

static Status open_generator(TokenState *s, const Bench *b, Pool *pool, int64_t n_ctx, Err *err)
{
    snprintf(s->path, sizeof s->path, "%.480s/bench_model.gguf", b->out_dir);
    TRY(write_model(s->path, err));
    TRY(model_open(&s->model, s->path, MAP_AUTO, err));
    GeneratorParams p = {.n_ctx = n_ctx, .n_ubatch = 512, .type_k = DT_F16, .type_v = DT_F16,
                         .sampling = sampler_defaults()};
    return generator_open(&s->g, &s->model, pool, &p, NULL, err);
}

static Status token_setup(BenchCase *c, Bench *b, Err *err)
{
    TokenState *s = BENCH_NEW(c, TokenState, 1, err);
    if (!s) return E_MEMORY;
    int64_t n = c->n[0];
    int32_t *ids = BENCH_NEW(c, int32_t, n, err);
    if (!ids) return E_MEMORY;
    Rng rng = rng_seed(22);
    for (int64_t i = 0; i < n; i++) ids[i] = (int32_t)rng_below(&rng, VOCAB);
    c->state = s;
    c->close = token_close;
    c->threaded = c->picks != NULL;
    TRY(open_generator(s, b, c->threaded ? b->pool : NULL, n, err));
    TRY(generator_prompt(&s->g, ids, n, err)); /* fills the cache */

    double largest = 0;
    for (int i = 0; i < VOCAB; i++) largest = fmax(largest, fabs((double)s->g.logits[i]));
    bench_size(c, "ctx=%lld", (long long)n);
    c->run = token_run;
    c->out = s->g.logits, c->n_out = VOCAB;
    /* Keys and values are kept in 16 bits: 11 bits of them count, and four layers pass it on. */
    c->tol = 4e-3 * largest;
    c->set_bytes = (double)s->model.weights.bytes;
    return OK;
}

void bench_add_generate(Bench *b)
{
    for (int64_t n = 128; n <= 2048; n *= 2)
        bench_add(b, (BenchCase){.op = "generate", .n = {n}, .setup = token_setup});
    bench_add(b, (BenchCase){.op = "model_token", .n = {64}, .setup = token_setup, .picks = sets});
}
