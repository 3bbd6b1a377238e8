/* exam.c: the parts of the exam one after the other, and the table. */
#include "exam.h"

#include <stdio.h>

ExamPlan exam_plan_default(void)
{
    return (ExamPlan){.path = "the model", .n_stories = 1000, .n_questions = 500, .seed = 2,
                      .trained_seed = 1, .trained_bytes = 96000000};
}

SamplerParams exam_sampling(const ExamPlan *p)
{
    SamplerParams how = sampler_defaults();
    if (p->bare) how.top_k = 0, how.top_p = 1, how.min_p = 0;
    return how;
}

typedef struct {
    ExamStories stories;
    ExamAnswers answers[EXAM_SORTS];
    int64_t n_documents; /* that were trained on */
} Result;

static double percent(int64_t part, int64_t of) { return of ? 100.0 * (double)part / (double)of : 0; }

static Status print_row(Buf *out, const char *what, int64_t of, int64_t right, Err *err)
{
    return buf_printf(out, err, "%-30s %6lld %7lld %7.1f %%\n", what, (long long)of, (long long)right,
                      percent(right, of));
}

static Status print_stories(Buf *out, const ExamPlan *p, const ExamStories *r, Err *err)
{
    const ExamTally *s = &r->kind[DOC_STORY];
    TRY(print_row(out, "stories the checker accepts", s->made, s->accepted, err));
    TRY(print_row(out, "stories nobody has written", s->made, s->unseen, err));
    for (int k = 0; k < DOC_KINDS; k++) {
        char what[40];
        if (k == DOC_STORY || !r->kind[k].made) continue;
        snprintf(what, sizeof what, "  beside them, %s: accepted", world_kind_name((DocKind)k));
        TRY(print_row(out, what, r->kind[k].made, r->kind[k].accepted, err));
    }
    if (r->n_unended)
        TRY(buf_printf(out, err, "%lld samples had no end\n", (long long)r->n_unended));
    if (p->why && r->why.len)
        TRY(buf_printf(out, err, "why stories were refused:\n%s", r->why.data));
    return OK;
}

static Status print_answers(Buf *out, const ExamPlan *p, const char *what, const ExamAnswers *r, Err *err)
{
    TRY(print_row(out, what, r->asked, r->right, err));
    for (int i = 0; i < r->n_rows; i++) {
        char row[40];
        snprintf(row, sizeof row, "  %s", r->row[i].sort);
        TRY(print_row(out, row, r->row[i].asked, r->row[i].right, err));
    }
    if (p->verbose && r->wrong.len) TRY(buf_append(out, r->wrong.data, r->wrong.len, err));
    return OK;
}

static Status print(const ExamPlan *p, const Result *r, Err *err)
{
    static const char *const what[EXAM_SORTS] = {"questions about unseen stories", "copies of unseen names",
                                                 "additions"};
    Buf out = {0};
    SamplerParams how = exam_sampling(p);
    Status s = buf_printf(&out, err, "%s: stories at temperature %g%s, answers greedy, seed %llu; trained on "
                          "%lld documents of seed %llu\n%-30s %6s %7s\n", p->path, (double)how.temp,
                          p->bare ? " alone" : " as sixfold run samples", (unsigned long long)p->seed, (long long)r->n_documents,
                          (unsigned long long)p->trained_seed, "", "of", "good");
    if (s == OK && p->n_stories) s = print_stories(&out, p, &r->stories, err);
    for (int k = 0; s == OK && p->n_questions && k < EXAM_SORTS; k++)
        s = print_answers(&out, p, what[k], &r->answers[k], err);
    if (s == OK) s = cli_write(out.data, out.len, err);
    buf_close(&out);
    return s;
}

static Status limits(const ExamPlan *p, const Result *r, Err *err)
{
    const ExamTally *s = &r->stories.kind[DOC_STORY];
    int64_t least = s->accepted < s->unseen ? s->accepted : s->unseen;
    if (p->n_stories && percent(least, s->made) < p->min_accepted)
        return fail(err, E_LIMIT, "%.1f %% of the stories are accepted, %.1f %% are new, wanted are %g %% "
                    "HINT: --why lists the reasons", percent(s->accepted, s->made),
                    percent(s->unseen, s->made), p->min_accepted);
    for (int k = 0; p->n_questions && k < EXAM_SORTS; k++)
        if (percent(r->answers[k].right, r->answers[k].asked) < p->min_right)
            return fail(err, E_LIMIT, "%.1f %% of the %s are right, wanted are %g %% HINT: --verbose shows some "
                        "that are not", percent(r->answers[k].right, r->answers[k].asked),
                        k == EXAM_ANSWERS ? "answers" : k == EXAM_COPIES ? "copies" : "sums",
                        p->min_right);
    return OK;
}

static Status examine(Result *r, const ExamPlan *p, const Model *m, ExamBatch *b, const ExamSeen *seen,
                      Err *err)
{
    r->n_documents = seen->documents.n;
    if (p->n_stories) TRY(exam_stories(&r->stories, p, b, m->tokenizer, seen, err));
    for (int k = 0; p->n_questions && k < EXAM_SORTS; k++)
        TRY(exam_questions(&r->answers[k], (ExamSort)k, p, b, m->tokenizer, seen, err));
    TRY(print(p, r, err));
    return limits(p, r, err);
}

static Status check(const ExamPlan *p, const Model *m, Err *err)
{
    if (!m->tokenizer || tokenizer_bos(m->tokenizer) < 0 || tokenizer_eos(m->tokenizer) < 0)
        return fail(err, E_UNSUPPORTED, "'%.300s' has no vocabulary with bos and eos HINT: examine a model that "
                    "sixfold-train made", p->path);
    if (p->seed == p->trained_seed)
        return fail(err, E_ARG, "seed %llu is the one of the training text HINT: any other --seed",
                    (unsigned long long)p->seed);
    return OK;
}

Status exam_run(const ExamPlan *plan, const Model *m, Pool *pool, Err *err)
{
    ExamPlan given = *plan;
    const ExamPlan *p = &given;
    int64_t seed = (int64_t)plan->trained_seed;
    Result r = {0};
    ExamSeen seen = {0};
    ExamBatch *b = NULL;
    TRY(gguf_get_int(&m->gguf, "training.seed", 0, INT64_MAX, &seed, err));
    given.trained_seed = (uint64_t)seed;
    Status status = check(p, m, err);
    if (status == OK) status = exam_batch_open(&b, m, pool, p->stop, err);
    if (status == OK) status = exam_seen_open(&seen, p->trained_seed, p->trained_bytes, pool, p->quiet, err);
    if (status == OK) status = examine(&r, p, m, b, &seen, err);
    exam_stories_close(&r.stories);
    for (int k = 0; k < EXAM_SORTS; k++) exam_answers_close(&r.answers[k]);
    exam_seen_close(&seen);
    exam_batch_close(b);
    return status;
}
