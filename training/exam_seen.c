/* exam_seen.c: the hashes of everything that was trained on.
 *
 * A set of 64-bit hashes in a table with open addresses, at most half full. Two hundred thousand
 * documents and as many samples make the chance of a false "seen before" about one in a billion. */
#include "exam.h"
#include "corpus.h"

#include <ctype.h>
#include <string.h>

/* ---- a set ---- */
static void put(uint64_t *slot, int64_t cap, uint64_t hash)
{
    int64_t i = (int64_t)(hash & (uint64_t)(cap - 1));
    while (slot[i] && slot[i] != hash) i = (i + 1) & (cap - 1);
    slot[i] = hash;
}

static Status grow(ExamSet *s, Err *err)
{
    int64_t cap = s->cap ? 2 * s->cap : 1024;
    uint64_t *slot = mem_alloc((size_t)cap * sizeof *slot);
    if (!slot) return fail(err, E_MEMORY, "no memory for %lld hashes HINT: fewer --megabytes", (long long)cap);
    memset(slot, 0, (size_t)cap * sizeof *slot);
    for (int64_t i = 0; i < s->cap; i++)
        if (s->slot[i]) put(slot, cap, s->slot[i]);
    mem_free(s->slot);
    s->slot = slot;
    s->cap = cap;
    return OK;
}

bool exam_set_has(const ExamSet *s, uint64_t hash)
{
    if (!hash) hash = 1;
    if (!s->cap) return false;
    int64_t i = (int64_t)(hash & (uint64_t)(s->cap - 1));
    while (s->slot[i] && s->slot[i] != hash) i = (i + 1) & (s->cap - 1);
    return s->slot[i] == hash;
}

Status exam_set_add(ExamSet *s, uint64_t hash, Err *err)
{
    if (!hash) hash = 1; /* 0 marks a free place */
    if (exam_set_has(s, hash)) return OK;
    if (2 * (s->n + 1) > s->cap) TRY(grow(s, err));
    put(s->slot, s->cap, hash);
    s->n++;
    return OK;
}

void exam_set_close(ExamSet *s)
{
    mem_free(s->slot);
    *s = (ExamSet){0};
}

/* ---- documents and names ---- */
static Status add_names(ExamSet *names, const char *text, size_t n, Err *err)
{
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && isalpha((unsigned char)text[end])) end++;
        if (end > i && isupper((unsigned char)text[i]))
            TRY(exam_set_add(names, corpus_text_hash(text + i, end - i), err));
        i = end + (end == i);
    }
    return OK;
}

/* Documents are independent of each other, so threads make them side by side, block by block. */
enum { BLOCK = 1024, MAX_THREADS = 256 };

typedef struct {
    uint64_t seed, first;
    uint64_t hash[BLOCK];
    size_t bytes[BLOCK];           /* as the corpus counts them */
    Document scratch[MAX_THREADS];
    ExamSet names[MAX_THREADS];
    Status status[MAX_THREADS];
    Err err[MAX_THREADS];
} Maker;

static Status make_one(Maker *m, int64_t i, int thread, Err *err)
{
    Document *d = &m->scratch[thread];
    TRY(world_document(d, m->seed, m->first + (uint64_t)i, -1, err));
    m->hash[i] = corpus_text_hash(d->text.data, d->text.len);
    m->bytes[i] = d->text.len + strlen(WORLD_EOS);
    return add_names(&m->names[thread], d->text.data, d->text.len, err);
}

static void make_some(void *ctx, int64_t begin, int64_t end, int thread)
{
    Maker *m = ctx;
    for (int64_t i = begin; i < end && m->status[thread] == OK; i++)
        m->status[thread] = make_one(m, i, thread, &m->err[thread]);
}

/* The names of the whole last block count, also behind the last document that was trained on. */
static Status make_all(ExamSeen *s, Maker *m, size_t n_bytes, Pool *pool, Progress *bar, Err *err)
{
    for (size_t bytes = 0; bytes < n_bytes; m->first += BLOCK) {
        pool_for_dynamic(pool, BLOCK, 16, make_some, m);
        for (int t = 0; t < pool_threads(pool); t++)
            if (m->status[t] != OK) {
                *err = m->err[t];
                return m->status[t];
            }
        for (int i = 0; i < BLOCK && bytes < n_bytes; i++) {
            TRY(exam_set_add(&s->documents, m->hash[i], err));
            bytes += m->bytes[i];
        }
        progress_update(bar, (int64_t)bytes);
    }
    for (int t = 0; t < pool_threads(pool); t++)
        for (int64_t i = 0; i < m->names[t].cap; i++)
            if (m->names[t].slot[i]) TRY(exam_set_add(&s->names, m->names[t].slot[i], err));
    return OK;
}

Status exam_seen_open(ExamSeen *s, uint64_t seed, size_t n_bytes, Pool *pool, bool quiet, Err *err)
{
    Maker *m = mem_alloc(sizeof *m);
    Progress bar;
    *s = (ExamSeen){0};
    if (!m) return fail(err, E_MEMORY, "no memory to make documents HINT: close other programs");
    memset(m, 0, sizeof *m);
    m->seed = seed;
    progress_start(&bar, "training documents", (int64_t)n_bytes, "MB", 1e6, quiet);
    Status status = make_all(s, m, n_bytes, pool, &bar, err);
    progress_end(&bar);
    for (int t = 0; t < MAX_THREADS; t++) {
        document_close(&m->scratch[t]);
        exam_set_close(&m->names[t]);
    }
    mem_free(m);
    if (status != OK) exam_seen_close(s);
    return status;
}

void exam_seen_close(ExamSeen *s)
{
    exam_set_close(&s->documents);
    exam_set_close(&s->names);
}

bool exam_seen_document(const ExamSeen *s, const char *text, size_t n)
{
    return exam_set_has(&s->documents, corpus_text_hash(text, n));
}

bool exam_seen_name(const ExamSeen *s, const char *name, size_t n)
{
    return exam_set_has(&s->names, corpus_text_hash(name, n));
}
