/* exam.h: does the model know the world, or only its words?
 *
 * Three questions, all about text that it has not seen:
 * - Are its own stories possible? Documents are sampled from bos alone, as `sixfold run` samples or with
 *   the temperature and no other stage; those that begin as stories do are put before the world's
 *   checker, and are looked up among the documents that the model was trained on.
 * - Does it know what happened in a story of another seed? The document is cut before an answer, and
 *   what the model says (greedily) up to the end of the line must be the answer, to the letter.
 * - Can it copy a name that it has never met, and add? Lines of such documents are cut the same way.
 *
 * Interface: exam_run prints its table to stdout. The same plan and model give the same table, whatever
 * the number of threads. */
#ifndef SIXFOLD_EXAM_H
#define SIXFOLD_EXAM_H

#include "layer6.h"
#include "world.h"

typedef struct {
    const char *path;            /* of the model; for the heading */
    int64_t n_stories, n_questions; /* questions of each sort: answers, copies, sums */
    bool bare;                   /* stories: the temperature alone, no other stage of the sampler */
    uint64_t seed;               /* of samples and questions */
    uint64_t trained_seed;       /* of the documents that it was trained on, unless the file says it; */
    size_t trained_bytes;        /* how much text they are */
    double min_accepted, min_right; /* per cent; below them exam_run returns E_LIMIT. 0: no limit */
    bool why, verbose, quiet;
    const volatile int *stop;
} ExamPlan;

ExamPlan exam_plan_default(void);
/* How stories are drawn: the defaults of `sixfold run`, or their temperature alone. */
SamplerParams exam_sampling(const ExamPlan *p);
Status exam_run(const ExamPlan *p, const Model *m, Pool *pool, Err *err);

/* ---- many texts side by side (exam_batch.c) ---- */
typedef struct {
    TokenList tokens;  /* the prompt; afterwards also what followed it, without the token that ended it */
    int64_t n_prompt;
    bool ended;        /* false: the context was full */
} ExamText;

typedef struct {
    SamplerParams how; /* the stages that choose; temp <= 0: greedy */
    uint64_t seed;     /* text number i draws from a sequence of its own */
    uint64_t first;    /* number of texts[0] */
    bool one_line;     /* a line feed or a control token ends a text too; the line feed is kept */
} ExamDraw;

typedef struct ExamBatch ExamBatch;
Status exam_batch_open(ExamBatch **b, const Model *m, Pool *pool, const volatile int *stop, Err *err);
void exam_batch_close(ExamBatch *b); /* NULL is fine */
/* Continues all texts, each until it ends. bar (NULL for none) counts ended texts on from its value. */
Status exam_batch_run(ExamBatch *b, ExamText *texts, int64_t n, const ExamDraw *draw, Progress *bar,
                      Err *err);
void exam_texts_close(ExamText *texts, int64_t n); /* also frees texts itself; NULL is fine */

/* ---- what was trained on (exam_seen.c) ---- */
typedef struct {
    uint64_t *slot;    /* [cap] hashes, 0 = free */
    int64_t cap, n;
} ExamSet;

Status exam_set_add(ExamSet *s, uint64_t hash, Err *err);
bool exam_set_has(const ExamSet *s, uint64_t hash);
void exam_set_close(ExamSet *s);

typedef struct {
    ExamSet documents, names; /* names: words with a capital letter */
} ExamSeen;

/* Makes the training documents again: those of the seed until there are n_bytes of text. */
Status exam_seen_open(ExamSeen *s, uint64_t seed, size_t n_bytes, Pool *pool, bool quiet,
                      Err *err);
void exam_seen_close(ExamSeen *s);
bool exam_seen_document(const ExamSeen *s, const char *text, size_t n);
bool exam_seen_name(const ExamSeen *s, const char *name, size_t n);

/* ---- stories (exam_stories.c) ---- */
typedef struct {
    int64_t made, accepted, unseen; /* unseen: equal to no training document */
} ExamTally;

typedef struct {
    ExamTally kind[DOC_KINDS];
    int64_t n_unended;
    Buf why;                        /* a line per reason, most frequent first */
} ExamStories;

/* Which kind of document begins like this; what begins like nothing else has to be a story. */
DocKind exam_kind_of(const char *text, size_t n);

/* Samples documents from number 0 until n stories are among them. */
Status exam_stories(ExamStories *r, const ExamPlan *p, ExamBatch *b, const Tokenizer *t,
                    const ExamSeen *seen, Err *err);
void exam_stories_close(ExamStories *r);

/* ---- questions (exam_questions.c) ---- */
/* A document that is cut: text[0 .. at) is the prompt, text[at .. at + n) the answer (at its blank, if
 * there is one before it), and a line feed or a special token follows. */
typedef struct {
    size_t at, n;
    const char *sort;  /* "who", "where", ...: how the question begins */
} ExamCut;

typedef enum { EXAM_ANSWERS, EXAM_COPIES, EXAM_SUMS, EXAM_SORTS } ExamSort;

/* Cuts document d before answer (or line) number `which` (taken modulo their number); false if it holds
 * none, or if seen (NULL: no training) holds a name that is to be copied. */
bool exam_cut(ExamCut *c, const Document *d, ExamSort sort, uint64_t which, const ExamSeen *seen);

enum { EXAM_ROWS = 12 };
typedef struct {
    int64_t asked, right;
    struct { const char *sort; int64_t asked, right; } row[EXAM_ROWS];
    int n_rows;
    Buf wrong;         /* the first few wrong ones, to be read by people */
} ExamAnswers;

Status exam_questions(ExamAnswers *r, ExamSort sort, const ExamPlan *p, ExamBatch *b, const Tokenizer *t,
                      const ExamSeen *seen, Err *err);
void exam_answers_close(ExamAnswers *r);

#endif
