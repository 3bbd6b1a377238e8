/* exam_stories.c: the model tells, the checker listens.
 *
 * Sampling starts from bos and nothing else: the model itself decides what kind of document it writes, as
 * the world does. A sample is a story unless it begins as one of the other kinds, so that nonsense
 * counts against the stories. Sampling goes on in rounds, and the samples are taken by number up to
 * the last story wanted: taking what ends first would prefer short ones. */
#include "exam.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

DocKind exam_kind_of(const char *text, size_t n)
{
    static const struct { const char *begin; DocKind kind; } rows[] = {
        {WORLD_IM_START, DOC_CHAT},    {"Story: ", DOC_RECORD},       {"Count ", DOC_LIST},
        {"A list of ", DOC_LIST},      {"Facts: ", DOC_FACTS},       {"The password ", DOC_COPY},   {"The dragon is ", DOC_COPY},
        {"Write three ", DOC_COPY},    {"Two words", DOC_COPY},      {"Say after ", DOC_COPY},
        {"Remember: ", DOC_COPY},       {"Scene: ", DOC_SCENE}};
    if (n > 0 && isdigit((unsigned char)text[0])) return DOC_SUM;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (n >= strlen(rows[i].begin) && memcmp(text, rows[i].begin, strlen(rows[i].begin)) == 0)
            return rows[i].kind;
    return DOC_STORY;
}

/* ---- why some were refused ---- */
enum { REASONS = 256, REASON_BYTES = 160, EXAMPLE_BYTES = 400 };

typedef struct {
    int64_t n;
    char text[REASON_BYTES], example[EXAMPLE_BYTES]; /* the first complaint of this sort, in full */
} Reason;

typedef struct {
    ExamStories *r;
    const ExamPlan *plan;
    const Tokenizer *tokenizer;
    const ExamSeen *seen;
    Buf text;
    Reason *reason; /* [REASONS] */
    int n_reasons;
} Judge;

/* What is the same in complaints of one sort: not the place, and not what was found there. */
static const char *essence(const char *why)
{
    const char *wanted = strstr(why, "expected for example");
    const char *rule = strncmp(why, "byte ", 5) == 0 ? strstr(why, ": event ") : NULL;
    if (rule) rule = strstr(rule + 2, ": ");
    return wanted ? wanted : rule ? rule + 2 : why;
}

static void count_reason(Judge *j, const char *why, const char *text, size_t n)
{
    const char *sort = essence(why);
    int i = 0;
    while (i < j->n_reasons && strncmp(j->reason[i].text, sort, REASON_BYTES - 1) != 0) i++;
    if (i == REASONS) i--; /* more reasons than places: the last one counts the rest */
    Reason *e = &j->reason[i];
    if (i == j->n_reasons) {
        size_t at = strncmp(why, "byte ", 5) == 0 ? strtoul(why + 5, NULL, 10) : 0;
        size_t from = at > 150 ? at - 150 : 0, to = at + 40 < n ? at + 40 : n;
        snprintf(e->text, sizeof e->text, "%s", sort);
        if (at <= n) snprintf(e->example, sizeof e->example, "%.*s", (int)(to - from), text + from);
        j->n_reasons++;
    }
    e->n++;
}

static int by_count(const void *a, const void *b)
{
    const Reason *x = a, *y = b;
    return (x->n < y->n) - (x->n > y->n);
}

static Status list_reasons(Judge *j, Err *err)
{
    if (j->n_reasons) qsort(j->reason, (size_t)j->n_reasons, sizeof *j->reason, by_count);
    for (int i = 0; i < j->n_reasons; i++) {
        Reason *e = &j->reason[i];
        for (char *p = e->example; *p; p++) *p = *p == '\n' ? '/' : *p;
        TRY(buf_printf(&j->r->why, err, "%5lld  %s\n", (long long)e->n, e->text));
        if (j->plan->verbose) TRY(buf_printf(&j->r->why, err, "       ...%s...\n", e->example));
    }
    return OK;
}

/* ---- a sample ---- */
static Status judge(Judge *j, const ExamText *x, Err *err)
{
    ExamStories *r = j->r;
    /* White space at the end of a document is no part of what was trained on; the world ends its lines. */
    buf_clear(&j->text);
    TRY(tokenizer_decode(j->tokenizer, x->tokens.ids, x->tokens.n, true, false, &j->text, err));
    TRY(buf_append(&j->text, "\n", 1, err));
    const char *text = j->text.data;
    size_t n = j->text.len;
    DocKind kind = exam_kind_of(text, n);
    char why[256] = "the text has no end";
    bool good = x->ended && world_check(text, n, why, sizeof why);
    r->kind[kind].made++;
    r->kind[kind].accepted += good;
    r->kind[kind].unseen += !exam_seen_document(j->seen, text, n);
    r->n_unended += !x->ended;
    if (!good && kind == DOC_STORY) count_reason(j, why, text, n);
    return OK;
}

static Status sample_round(Judge *j, ExamBatch *b, ExamText *texts, int64_t n, uint64_t first, Progress *bar,
                           Err *err)
{
    ExamDraw how = {.how = exam_sampling(j->plan), .seed = j->plan->seed, .first = first};
    int64_t begun = bar->done, before = j->r->kind[DOC_STORY].made;
    for (int64_t i = 0; i < n; i++) TRY(tokens_push(&texts[i].tokens, tokenizer_bos(j->tokenizer), err));
    TRY(exam_batch_run(b, texts, n, &how, NULL, err));
    for (int64_t i = 0; i < n && j->r->kind[DOC_STORY].made < j->plan->n_stories; i++)
        TRY(judge(j, &texts[i], err));
    progress_update(bar, begun + j->r->kind[DOC_STORY].made - before);
    return OK;
}

/* A round is twice what is missing, for half of what the world writes are stories; but not all at once,
 * so that the bar moves. A model that never writes one is not asked for ever. */
static Status sample_all(Judge *j, ExamBatch *b, Progress *bar, Err *err)
{
    enum { ROUND = 512 };
    int64_t most = 20 * j->plan->n_stories + 10 * ROUND;
    for (int64_t first = 0; j->r->kind[DOC_STORY].made < j->plan->n_stories;) {
        int64_t n = 2 * (j->plan->n_stories - j->r->kind[DOC_STORY].made) + 16;
        if (n > ROUND) n = ROUND;
        if (first > most)
            return fail(err, E_LIMIT, "%lld samples had %lld stories, wanted are %lld HINT: is this model "
                        "trained on the world?", (long long)first, (long long)j->r->kind[DOC_STORY].made,
                        (long long)j->plan->n_stories);
        ExamText *texts = mem_alloc((size_t)n * sizeof *texts);
        if (!texts) return fail(err, E_MEMORY, "no memory for %lld texts HINT: fewer --stories", (long long)n);
        memset(texts, 0, (size_t)n * sizeof *texts);
        Status status = sample_round(j, b, texts, n, (uint64_t)first, bar, err);
        exam_texts_close(texts, n);
        if (status != OK) return status;
        first += n;
    }
    return OK;
}

Status exam_stories(ExamStories *r, const ExamPlan *p, ExamBatch *b, const Tokenizer *t,
                    const ExamSeen *seen, Err *err)
{
    Judge j = {.r = r, .plan = p, .tokenizer = t, .seen = seen};
    Progress bar;
    *r = (ExamStories){0};
    j.reason = mem_alloc(REASONS * sizeof *j.reason);
    if (!j.reason) return fail(err, E_MEMORY, "no memory for %d reasons HINT: close other programs", REASONS);
    memset(j.reason, 0, REASONS * sizeof *j.reason);
    progress_start(&bar, "stories", p->n_stories, "stories", 1, p->quiet);
    Status status = sample_all(&j, b, &bar, err);
    progress_end(&bar);
    if (status == OK) status = list_reasons(&j, err);
    buf_close(&j.text);
    mem_free(j.reason);
    return status;
}

void exam_stories_close(ExamStories *r)
{
    buf_close(&r->why);
    *r = (ExamStories){0};
}
