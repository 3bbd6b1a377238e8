/* exam_questions.c: documents cut before an answer, and what the model says there.
 *
 * The cut falls before the blank of the answer's first word, for a word and the blank before it are
 * one token: "A:" is what the model has read, " Tom." is what it has to say. Answering is greedy and
 * ends with the line (or, in a chat, with the turn). */
#include "exam.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- where to cut ---- */
static const char *const question_words[] = {"who", "whom", "where", "what", "how"};

static const char *sort_of_question(const char *form)
{
    size_t n = strcspn(form, " ");
    for (size_t i = 0; i < sizeof question_words / sizeof *question_words; i++)
        if (n == strlen(question_words[i]) && strncasecmp(form, question_words[i], n) == 0)
            return question_words[i];
    return "other";
}

/* The answer goes on to the end of its line, or of its turn; a blank before it belongs to it. */
static void cut_at(ExamCut *c, const Document *d, size_t at, const char *sort)
{
    const char *text = d->text.data;
    size_t end = at;
    while (end < d->text.len && text[end] != '\n' && text[end] != '<') end++;
    if (at > 0 && text[at - 1] == ' ') at--;
    *c = (ExamCut){at, end - at, sort};
}

/* Line number `which`, modulo the number of lines. */
static Str line_of(const Document *d, uint64_t which)
{
    uint64_t n = 0;
    const char *p = d->text.data, *end = p + d->text.len;
    for (size_t i = 0; i < d->text.len; i++) n += p[i] == '\n';
    which = n ? which % n : 0;
    for (; which > 0; which--) p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
    const char *stop = memchr(p, '\n', (size_t)(end - p));
    return (Str){p, (size_t)((stop ? stop : end) - p)};
}

static const char *after(Str line, const char *mark)
{
    const char *at = memmem(line.ptr, line.len, mark, strlen(mark));
    return at ? at + strlen(mark) : NULL;
}

static bool cut_sum(ExamCut *c, const Document *d, uint64_t which)
{
    Str line = line_of(d, which);
    const char *plus = after(line, " = "), *word = after(line, " is "), *at = plus ? plus : word;
    if (at) cut_at(c, d, (size_t)(at - d->text.data), plus ? "+" : "plus");
    return at != NULL;
}

/* Whether one of the invented names between p and end stood in the training text. */
static bool names_seen(const char *p, const char *end, const ExamSeen *seen)
{
    bool any = false;
    while (seen && p < end && !any) {
        const char *q = p;
        while (q < end && isalpha((unsigned char)*q)) q++;
        any = q > p && isupper((unsigned char)*p) && exam_seen_name(seen, p, (size_t)(q - p));
        p = q + (q == p);
    }
    return any;
}

static bool cut_copy(ExamCut *c, const Document *d, uint64_t which, const ExamSeen *seen)
{
    static const struct { const char *mark, *sort; } rows[] = {
        {"Say it again: ", "password"}, {"Its name is ", "dragon"}, {"Backwards: ", "two words"}, {"Again: ", "words"}};
    Str line = line_of(d, which);
    const char *at = NULL, *sort = "three times";
    for (size_t i = 0; !at && i < sizeof rows / sizeof *rows; i++)
        if ((at = after(line, rows[i].mark))) sort = rows[i].sort;
    if (!at) at = after(line, ": ");
    if (!at || names_seen(at, line.ptr + line.len, seen)) return false;
    cut_at(c, d, (size_t)(at - d->text.data), sort);
    return true;
}

bool exam_cut(ExamCut *c, const Document *d, ExamSort sort, uint64_t which, const ExamSeen *seen)
{
    if (sort == EXAM_SUMS) return cut_sum(c, d, which);
    if (sort == EXAM_COPIES) return cut_copy(c, d, which, seen);
    if (d->n_answers == 0) return false;
    const DocumentAnswer *a = &d->answer[which % (uint64_t)d->n_answers];
    cut_at(c, d, a->at, sort_of_question(a->question));
    return true;
}

/* ---- asking ---- */
typedef struct {
    char answer[128];
    const char *sort;
} Ask;

typedef struct {
    ExamAnswers *r;
    const ExamPlan *plan;
    const Tokenizer *tokenizer;
    ExamText *texts; /* [n_questions] */
    Ask *asks;       /* [n_questions] */
    int64_t n;
    Buf said;
} Paper;

static Status add_prompt(Paper *q, const Document *d, const ExamCut *c, Err *err)
{
    Ask *a = &q->asks[q->n];
    TokenList *l = &q->texts[q->n++].tokens;
    CHECK(c->n < sizeof a->answer, "an answer of %zu bytes", c->n);
    snprintf(a->answer, sizeof a->answer, "%.*s", (int)c->n, d->text.data + c->at);
    a->sort = c->sort;
    TRY(tokens_push(l, tokenizer_bos(q->tokenizer), err));
    return tokenizer_encode(q->tokenizer, d->text.data, c->at, (EncodeOptions){.parse_special = true}, l, err);
}

/* Documents 0, 1, 2, ... of the exam's seed that nobody has seen and that can be cut. */
static Status write_paper(Paper *q, ExamSort sort, const ExamSeen *seen, Err *err)
{
    static const int kinds[EXAM_SORTS] = {-1, DOC_COPY, DOC_SUM};
    Document d = {0};
    Status status = OK;
    for (uint64_t i = 0; status == OK && q->n < q->plan->n_questions; i++) {
        ExamCut c;
        status = world_document(&d, q->plan->seed, i, kinds[sort], err);
        if (status != OK || exam_seen_document(seen, d.text.data, d.text.len)) continue;
        if (exam_cut(&c, &d, sort, i, seen)) status = add_prompt(q, &d, &c, err);
    }
    document_close(&d);
    return status;
}

static const char *without_blank(const char *s) { return s + (*s == ' '); }

static void count_row(ExamAnswers *r, const char *sort, bool right)
{
    int i = 0;
    while (i < r->n_rows && strcmp(r->row[i].sort, sort) != 0) i++;
    CHECK(i < EXAM_ROWS, "more than %d sorts of question", EXAM_ROWS);
    if (i == r->n_rows) r->row[r->n_rows++].sort = sort;
    r->row[i].asked++;
    r->row[i].right += right;
    r->asked++;
    r->right += right;
}

static Status show_wrong(Paper *q, const ExamText *x, const Ask *a, Err *err)
{
    Buf prompt = {0};
    Status status = tokenizer_decode(q->tokenizer, x->tokens.ids, x->n_prompt, true, false, &prompt, err);
    if (status == OK)
        status = buf_printf(&q->r->wrong, err, "--- %s\n    the model said '%s', right is '%s'\n", prompt.data,
                            without_blank(q->said.data), without_blank(a->answer));
    buf_close(&prompt);
    return status;
}

static Status mark(Paper *q, const ExamText *x, const Ask *a, Err *err)
{
    enum { SHOWN = 5 };
    buf_clear(&q->said);
    TRY(tokenizer_decode(q->tokenizer, x->tokens.ids + x->n_prompt, x->tokens.n - x->n_prompt, false, false,
                         &q->said, err));
    TRY(buf_append(&q->said, "", 1, err)); /* never NULL, and ended by a zero */
    q->said.data[strcspn(q->said.data, "\n")] = 0;
    bool right = x->ended && strcmp(without_blank(q->said.data), without_blank(a->answer)) == 0;
    if (!right && q->r->asked - q->r->right < SHOWN) TRY(show_wrong(q, x, a, err));
    count_row(q->r, a->sort, right);
    return OK;
}

static Status ask_all(Paper *q, ExamSort sort, ExamBatch *b, const ExamSeen *seen, Err *err)
{
    static const char *const labels[EXAM_SORTS] = {"answers", "copies", "sums"};
    ExamDraw greedy = {.one_line = true};
    Progress bar;
    TRY(write_paper(q, sort, seen, err));
    progress_start(&bar, labels[sort], q->n, "answers", 1, q->plan->quiet);
    Status status = exam_batch_run(b, q->texts, q->n, &greedy, &bar, err);
    progress_end(&bar);
    for (int64_t i = 0; status == OK && i < q->n; i++) status = mark(q, &q->texts[i], &q->asks[i], err);
    return status;
}

Status exam_questions(ExamAnswers *r, ExamSort sort, const ExamPlan *p, ExamBatch *b, const Tokenizer *t,
                      const ExamSeen *seen, Err *err)
{
    size_t n = (size_t)p->n_questions;
    Paper q = {.r = r, .plan = p, .tokenizer = t, .texts = mem_alloc(n * sizeof *q.texts),
               .asks = mem_alloc(n * sizeof *q.asks)};
    *r = (ExamAnswers){0};
    if (q.texts) memset(q.texts, 0, n * sizeof *q.texts);
    Status status = q.texts && q.asks ? ask_all(&q, sort, b, seen, err)
                                      : fail(err, E_MEMORY, "no memory for %zu questions HINT: fewer "
                                             "--questions", n);
    exam_texts_close(q.texts, (int64_t)n);
    mem_free(q.asks);
    buf_close(&q.said);
    return status;
}

void exam_answers_close(ExamAnswers *r)
{
    buf_close(&r->wrong);
    *r = (ExamAnswers){0};
}
