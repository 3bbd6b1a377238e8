/* bpe_train.c: a vocabulary grows by joining the most frequent pair of neighbours.
 *
 * Order of the tokens: the 256 bytes (token b is byte b), then one per merge in the order learned,
 * then the specials. So the rank of a merge is the id of its token minus 256, and encoding repeats in
 * each word what learning did to it: of the pairs in it, the one with the lowest rank first.
 *
 * The most frequent pair is at the top of a heap. Counts change all the time; a heap entry remembers
 * the count it was made with, and one that is out of date is thrown away when it comes up (a pair
 * whose count rose has a newer entry; one whose count fell is put back with what is left of it).
 * Ties: the pair that comes first in byte order, so nothing depends on the order of tables.
 * Source: Sennrich et al. 2016, algorithm 1. */
#include "bpe_train.h"
#include "bpe_count.h"
#include "pieces.h"

#include <stdio.h>
#include <string.h>

typedef struct { int64_t count; int32_t pair; } Entry;

typedef struct {
    BpeVocab *v;
    BpeCount counts;
    Buf heap;    /* Entry */
    Buf touched; /* int32_t */
    Str *bytes;  /* [n_tokens] what each token spells */
    int n;       /* tokens so far */
} Learner;

static int compare_text(Str a, Str b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Whether a comes before b: more frequent, or the same and first in byte order. */
static bool before(const Learner *l, Entry a, Entry b)
{
    if (a.count != b.count) return a.count > b.count;
    const BpePair *p = bpe_count_pair(&l->counts, a.pair), *q = bpe_count_pair(&l->counts, b.pair);
    int order = compare_text(l->bytes[p->left], l->bytes[q->left]);
    if (order == 0) order = compare_text(l->bytes[p->right], l->bytes[q->right]);
    return order < 0;
}

static Status heap_push(Learner *l, int32_t pair, Err *err)
{
    BpePair *p = bpe_count_pair(&l->counts, pair);
    Entry e = {p->count, pair};
    if (p->count <= 0 || p->count == p->queued) return OK;
    p->queued = p->count;
    TRY(buf_append(&l->heap, &e, sizeof e, err));
    Entry *h = (Entry *)(void *)l->heap.data;
    size_t i = l->heap.len / sizeof e - 1;
    for (; i > 0 && before(l, e, h[(i - 1) / 2]); i = (i - 1) / 2) h[i] = h[(i - 1) / 2];
    h[i] = e;
    return OK;
}

static bool heap_pop(Learner *l, Entry *top)
{
    size_t n = l->heap.len / sizeof *top;
    if (n == 0) return false;
    Entry *h = (Entry *)(void *)l->heap.data, last = h[--n];
    *top = h[0];
    l->heap.len = n * sizeof *top;
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(l, h[child + 1], h[child])) child++;
        if (!before(l, h[child], last)) break;
        h[i] = h[child];
    }
    if (n > 0) h[i] = last;
    return true;
}

//@ begin bpe-train-best
/* The most frequent pair; -1 if none is left. */
static Status best_pair(Learner *l, int32_t *pair, Err *err)
{
    Entry top;
    while (heap_pop(l, &top)) {
        int64_t now = bpe_count_pair(&l->counts, top.pair)->count;
        *pair = top.pair;
        if (top.count == now) return OK;
        if (top.count > now) TRY(heap_push(l, top.pair, err));
    }
    *pair = -1;
    return OK;
}
//@ end bpe-train-best

/* ---------------------------------------------------------------- texts */

/* bytes in the alphabet in which GGUF files write them. */
static Status spell(Arena *a, Str bytes, Str *out, Err *err)
{
    char *text = arena_alloc(a, 2 * (int64_t)bytes.len + 1, 1);
    if (!text) return fail(err, E_MEMORY, "no memory for the text of a token");
    size_t n = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        char c[4];
        int len = tokenizer_byte_char((unsigned char)bytes.ptr[i], c);
        memcpy(text + n, c, (size_t)len);
        n += (size_t)len;
    }
    *out = (Str){text, n};
    return OK;
}

static Status join(Arena *a, Str x, const char *between, Str y, Str *out, Err *err)
{
    size_t gap = strlen(between);
    char *text = arena_alloc(a, (int64_t)(x.len + gap + y.len) + 1, 1);
    if (!text) return fail(err, E_MEMORY, "no memory for the text of a token");
    memcpy(text, x.ptr, x.len);
    memcpy(text + x.len, between, gap);
    memcpy(text + x.len + gap, y.ptr, y.len);
    *out = (Str){text, x.len + gap + y.len};
    return OK;
}

static Status add_token(Learner *l, Str bytes, Err *err)
{
    l->bytes[l->n] = bytes;
    l->v->types[l->n] = TOKEN_NORMAL;
    return spell(&l->v->arena, bytes, &l->v->tokens[l->n++], err);
}

static Status first_bytes(Learner *l, Err *err)
{
    char *all = arena_alloc(&l->v->arena, 256, 1);
    if (!all) return fail(err, E_MEMORY, "no memory for a vocabulary");
    for (int b = 0; b < 256; b++) {
        all[b] = (char)b;
        TRY(add_token(l, (Str){all + b, 1}, err));
    }
    return OK;
}

/* ---------------------------------------------------------------- learning */

//@ begin bpe-train-step
static Status learn_one(Learner *l, int n_wanted, Err *err)
{
    BpeVocab *v = l->v;
    int32_t pair;
    Str joined;
    TRY(best_pair(l, &pair, err));
    if (pair < 0)
        return fail(err, E_ARG, "the text has pairs for %d tokens, %d are "
                    "wanted HINT: give more text or ask for fewer tokens",
                    l->n, n_wanted);
    /* 1. A new token, spelled like its two parts together. */
    BpePair p = *bpe_count_pair(&l->counts, pair);
    TRY(join(&v->arena, v->tokens[p.left], " ", v->tokens[p.right],
             &v->merges[v->n_merges++], err));
    TRY(join(&v->arena, l->bytes[p.left], "", l->bytes[p.right], &joined, err));
    TRY(add_token(l, joined, err));
    /* 2. It takes the place of the pair wherever that stands. */
    buf_clear(&l->touched);
    TRY(bpe_count_merge(&l->counts, pair, l->n - 1, &l->touched, err));
    const int32_t *touched = (const int32_t *)(void *)l->touched.data;
    for (size_t i = 0; i < l->touched.len / sizeof *touched; i++)
        TRY(heap_push(l, touched[i], err));
    return OK;
}
//@ end bpe-train-step

static Status add_specials(Learner *l, const char *const *specials, int n_specials)
{
    BpeVocab *v = l->v;
    for (int i = 0; i < n_specials; i++, l->n++) {
        v->tokens[l->n] = (Str){arena_strndup(&v->arena, specials[i], strlen(specials[i])),
                                strlen(specials[i])};
        v->types[l->n] = TOKEN_CONTROL;
        if (!v->tokens[l->n].ptr) return E_MEMORY;
    }
    v->bos = n_specials > 0 ? l->n - n_specials : -1;
    v->eos = n_specials > 1 ? l->n - n_specials + 1 : -1;
    return OK;
}

static Status learn(Learner *l, const char *text, size_t n, int n_tokens,
                    const char *const *specials, int n_specials, bool quiet, Err *err)
{
    BpeVocab *v = l->v;
    int n_learned = n_tokens - n_specials;
    v->n_tokens = n_tokens;
    v->tokens = ARENA_NEW(&v->arena, Str, n_tokens);
    v->types = ARENA_NEW(&v->arena, int32_t, n_tokens);
    v->merges = ARENA_NEW(&v->arena, Str, n_tokens);
    l->bytes = ARENA_NEW(&v->arena, Str, n_tokens);
    if (!v->tokens || !v->types || !v->merges || !l->bytes)
        return fail(err, E_MEMORY, "no memory for a vocabulary of %d tokens", n_tokens);
    TRY(first_bytes(l, err));
    TRY(bpe_count_text(&l->counts, text, n, specials, n_specials, err));
    TRY(bpe_count_pairs(&l->counts, err));
    for (int64_t i = 0; i < bpe_count_n_pairs(&l->counts); i++) TRY(heap_push(l, (int32_t)i, err));

    Progress progress;
    progress_start(&progress, "vocabulary", n_learned - 256, "tok", 1, quiet);
    Status status = OK;
    while (status == OK && l->n < n_learned) {
        status = learn_one(l, n_tokens, err);
        progress_update(&progress, l->n - 256);
    }
    progress_end(&progress);
    if (status == OK && add_specials(l, specials, n_specials) != OK)
        status = fail(err, E_MEMORY, "no memory for the special tokens");
    return status;
}

Status bpe_train(BpeVocab *v, const char *text, size_t n, int n_tokens, const char *const *specials,
                 int n_specials, bool quiet, Err *err)
{
    *v = (BpeVocab){0};
    size_t valid = utf8_valid_prefix(text, n);
    if (n == 0)
        return fail(err, E_ARG, "the training text is empty HINT: give a file with some text in it");
    if (valid < n)
        return fail(err, E_FORMAT, "the training text is not UTF-8: byte 0x%02X at %zu of %zu HINT: "
                    "convert it, for example with iconv -t UTF-8", (unsigned char)text[valid], valid, n);
    if (n_specials < 0 || n_tokens < 256 + n_specials || n_tokens > 65536)
        return fail(err, E_ARG, "a vocabulary of %d tokens, allowed is %d..65536 HINT: the 256 bytes and "
                    "%d special tokens are always in it", n_tokens, 256 + n_specials, n_specials);
    Learner l = {.v = v};
    Status status = learn(&l, text, n, n_tokens, specials, n_specials, quiet, err);
    bpe_count_close(&l.counts);
    buf_close(&l.heap);
    buf_close(&l.touched);
    if (status != OK) bpe_vocab_close(v);
    return status;
}

void bpe_vocab_close(BpeVocab *v)
{
    arena_close(&v->arena);
    *v = (BpeVocab){0};
}

Status bpe_vocab_put(const BpeVocab *v, GgufWriter *w, Err *err)
{
    TRY(gguf_put_str(w, "tokenizer.ggml.model", "gpt2", err));
    TRY(gguf_put_str(w, "tokenizer.ggml.pre", "gpt-2", err));
    TRY(gguf_put_strings(w, "tokenizer.ggml.tokens", v->tokens, v->n_tokens, err));
    TRY(gguf_put_array(w, "tokenizer.ggml.token_type", GGUF_I32, v->types, v->n_tokens, err));
    TRY(gguf_put_strings(w, "tokenizer.ggml.merges", v->merges, v->n_merges, err));
    if (v->bos >= 0) TRY(gguf_put_u32(w, "tokenizer.ggml.bos_token_id", (uint32_t)v->bos, err));
    if (v->eos >= 0) TRY(gguf_put_u32(w, "tokenizer.ggml.eos_token_id", (uint32_t)v->eos, err));
    return gguf_put_bool(w, "tokenizer.ggml.add_bos_token", v->bos >= 0, err);
}
