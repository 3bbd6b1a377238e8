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

static Status add_all(ExamSeen *s, Document *d, uint64_t seed, size_t n_bytes, Progress *bar, Err *err)
{
    size_t bytes = 0;
    for (uint64_t i = 0; bytes < n_bytes; i++) {
        TRY(world_document(d, seed, i, -1, err));
        TRY(exam_set_add(&s->documents, corpus_text_hash(d->text.data, d->text.len), err));
        TRY(add_names(&s->names, d->text.data, d->text.len, err));
        bytes += d->text.len + strlen(WORLD_EOS);
        progress_update(bar, (int64_t)bytes);
    }
    return OK;
}

Status exam_seen_open(ExamSeen *s, uint64_t seed, size_t n_bytes, bool quiet, Err *err)
{
    Document d = {0};
    Progress bar;
    *s = (ExamSeen){0};
    progress_start(&bar, "training documents", (int64_t)n_bytes, "MB", 1e6, quiet);
    Status status = add_all(s, &d, seed, n_bytes, &bar, err);
    progress_end(&bar);
    document_close(&d);
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
