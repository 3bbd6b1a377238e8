/* exam_batch.c: many texts that grow side by side.
 *
 * One token of one text is a matrix times a vector, and reads all weights for it. A token of each of
 * SLOTS texts is a matrix times a matrix: the weights are read once for all. Texts that have ended make
 * room for the next ones at once, so the batch stays full until the last few. */
#include "exam.h"

#include <math.h>
#include <string.h>

enum { SLOTS = 64, PIECE = 512 };

typedef struct {
    ExamText *text;     /* NULL: free */
    int64_t n_done;     /* tokens computed */
    Rng rng;
    int32_t next;       /* the token that was drawn */
    Candidate *list;    /* [n_vocab] */
} Slot;

struct ExamBatch {
    const Model *model;
    int64_t n_ctx, n_vocab;
    Session session;
    KvCache kv;
    Arena arena;
    BatchItem *items;   /* [SLOTS * n_ctx] */
    float *logits;      /* [SLOTS, n_vocab] */
    bool *breaks_line;  /* [n_vocab] a control token, or one with a line feed */
    Slot slot[SLOTS];
    int row[SLOTS];     /* which slot a row of logits belongs to */
    SamplerParams how;
    const volatile int *stop;
};

static Status find_breaks(ExamBatch *b, Err *err)
{
    const Tokenizer *t = b->model->tokenizer;
    Buf piece = {0};
    Status status = OK;
    for (int32_t id = 0; status == OK && id < b->n_vocab; id++) {
        buf_clear(&piece);
        status = tokenizer_piece(t, id, false, &piece, err);
        b->breaks_line[id] = tokenizer_type(t, id) == TOKEN_CONTROL ||
                             (piece.len && memchr(piece.data, '\n', piece.len));
    }
    buf_close(&piece);
    return status;
}

/* Room for a quarter more than the model was trained with: a few documents are longer. */
static Status open_batch(ExamBatch *b, const Model *m, Pool *pool, Err *err)
{
    b->model = m;
    b->n_ctx = m->hp.n_ctx_train + m->hp.n_ctx_train / 4;
    b->n_vocab = tokenizer_n_vocab(m->tokenizer);
    if (m->hp.n_ctx_train > 8192)
        return fail(err, E_LIMIT, "the model's context is %lld, an exam takes at most 8192 HINT: examine a "
                    "model that sixfold-train made", (long long)m->hp.n_ctx_train);
    TRY(session_open(&b->session, m, pool, PIECE, b->n_ctx, err));
    TRY(kvcache_open(&b->kv, m, DT_F16, DT_F16, b->n_ctx, SLOTS, err));
    b->items = ARENA_NEW(&b->arena, BatchItem, SLOTS * b->n_ctx);
    b->logits = ARENA_NEW(&b->arena, float, SLOTS * m->hp.n_vocab);
    b->breaks_line = ARENA_NEW(&b->arena, bool, b->n_vocab);
    Candidate *lists = ARENA_NEW(&b->arena, Candidate, SLOTS * b->n_vocab);
    if (!b->items || !b->logits || !b->breaks_line || !lists)
        return fail(err, E_MEMORY, "no memory for %d texts side by side HINT: a smaller model", SLOTS);
    for (int s = 0; s < SLOTS; s++) b->slot[s].list = lists + s * b->n_vocab;
    return find_breaks(b, err);
}

Status exam_batch_open(ExamBatch **out, const Model *m, Pool *pool, const volatile int *stop, Err *err)
{
    ExamBatch *b = mem_alloc(sizeof *b);
    *out = NULL;
    if (!b) return fail(err, E_MEMORY, "no memory for an exam HINT: close other programs");
    *b = (ExamBatch){.stop = stop};
    Status status = open_batch(b, m, pool, err);
    if (status == OK) *out = b;
    else exam_batch_close(b);
    return status;
}

void exam_batch_close(ExamBatch *b)
{
    if (!b) return;
    kvcache_close(&b->kv);
    session_close(&b->session);
    arena_close(&b->arena);
    mem_free(b);
}

void exam_texts_close(ExamText *texts, int64_t n)
{
    for (int64_t i = 0; texts && i < n; i++) tokens_close(&texts[i].tokens);
    mem_free(texts);
}

/* The stages want the best candidate in front; with nothing cut off the order of the others does not
 * matter, so nothing is sorted. */
static int32_t draw(Slot *s, const float *logits, int64_t n, const SamplerParams *p)
{
    int32_t best = argmax_logit(logits, n);
    bool all = p->top_k <= 0 && p->top_p >= 1 && p->min_p <= 0;
    if (p->temp <= 0 || best < 0) return best < 0 ? 0 : best;
    for (int64_t i = 0; i < n; i++)
        s->list[i] = (Candidate){(int32_t)i, isfinite(logits[i]) ? logits[i] : -INFINITY, 0};
    s->list[best] = s->list[0];
    s->list[0] = (Candidate){best, logits[best], 0};
    if (!all) {
        n = stage_top_k(s->list, n, p->top_k);
        n = stage_top_p(s->list, n, p->top_p);
        n = stage_min_p(s->list, n, p->min_p);
    }
    stage_temperature(s->list, n, p->temp);
    stage_probabilities(s->list, n);
    return s->list[stage_draw(s->list, n, &s->rng)].id;
}

static void draw_rows(void *ctx, int64_t begin, int64_t end, int thread)
{
    ExamBatch *b = ctx;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        Slot *s = &b->slot[b->row[i]];
        s->next = draw(s, b->logits + i * b->model->hp.n_vocab, b->n_vocab, &b->how);
    }
}

/* What every text has not computed yet: at first its prompt, then a token. */
static Status forward(ExamBatch *b, int *n_rows, Err *err)
{
    int64_t n = 0;
    *n_rows = 0;
    for (int k = 0; k < SLOTS; k++) {
        Slot *s = &b->slot[k];
        if (!s->text) continue;
        const TokenList *l = &s->text->tokens;
        for (int64_t i = s->n_done; i < l->n; i++)
            b->items[n++] = (BatchItem){l->ids[i], k, i, i == l->n - 1};
        s->n_done = l->n;
        b->row[(*n_rows)++] = k;
    }
    if (n == 0) return OK;
    return model_forward(&b->session, b->items, n, kvcache_source(&b->kv), b->logits, b->stop, err);
}

/* Appends the token that was drawn; whether the text goes on. */
static Status append(ExamBatch *b, Slot *s, bool one_line, bool *goes_on, Err *err)
{
    const Tokenizer *t = b->model->tokenizer;
    bool eos = s->next == tokenizer_eos(t), stops = one_line && b->breaks_line[s->next];
    bool control = tokenizer_type(t, s->next) == TOKEN_CONTROL;
    if (!eos && !(stops && control)) TRY(tokens_push(&s->text->tokens, s->next, err));
    s->text->ended = eos || stops;
    *goes_on = !s->text->ended && s->text->tokens.n < b->n_ctx;
    return OK;
}

static Status seat(ExamBatch *b, Slot *s, ExamText *text, uint64_t number, const ExamDraw *how, Err *err)
{
    Rng mix = rng_seed(how->seed);
    text->n_prompt = text->tokens.n;
    if (text->n_prompt < 1 || text->n_prompt >= b->n_ctx)
        return fail(err, E_LIMIT, "text %llu has %lld tokens, the context holds %lld HINT: a model with a "
                    "longer context", (unsigned long long)number, (long long)text->n_prompt,
                    (long long)b->n_ctx);
    s->text = text;
    s->n_done = 0;
    s->rng = rng_seed(rng_u64(&mix) ^ number * 0x9E3779B97F4A7C15u);
    return OK;
}

Status exam_batch_run(ExamBatch *b, ExamText *texts, int64_t n, const ExamDraw *how, Progress *bar, Err *err)
{
    int64_t next = 0, begun = bar ? bar->done : 0;
    int n_rows = 1;
    b->how = how->how;
    for (int k = 0; k < SLOTS; k++) b->slot[k].text = NULL;
    for (int64_t ended = 0; ended < n;) {
        /* 1. Free places go to the next texts. */
        for (int k = 0; k < SLOTS && next < n; k++)
            if (!b->slot[k].text) {
                TRY(seat(b, &b->slot[k], &texts[next], how->first + (uint64_t)next, how, err));
                next++;
            }
        /* 2. One forward pass and one token for all. */
        TRY(forward(b, &n_rows, err));
        pool_for(b->session.pool, n_rows, 1, draw_rows, b);
        /* 3. Some end. */
        for (int r = 0; r < n_rows; r++) {
            Slot *s = &b->slot[b->row[r]];
            bool goes_on;
            TRY(append(b, s, how->one_line, &goes_on, err));
            if (goes_on) continue;
            s->text = NULL;
            ended++;
        }
        if (bar) progress_update(bar, begun + ended);
    }
    return OK;
}
