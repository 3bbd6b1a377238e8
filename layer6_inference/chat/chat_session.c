/* chat_session.c: one answer: template, shared beginning, prompt, stream, turn. */
#include "chat_session.h"

#include <string.h>

void chat_session_close(ChatSession *s)
{
    conversation_close(&s->talk);
    *s = (ChatSession){0};
}

/* ---------------------------------------------------------------- before the answer */

static Status encode(const ChatSession *s, bool answer, TokenList *ids, bool *thinks, Err *err)
{
    Arena a = {0};
    ChatTalk talk = {.tools = s->tools, .thinking = s->thinking, .add_generation_prompt = answer};
    ids->n = 0;
    Status status = conversation_messages(&s->talk, s->first, &a, &talk.messages, err);
    if (status == OK)
        status = chat_format_encode(s->format, s->g->model->tokenizer, &talk, ids, thinks, err);
    arena_close(&a);
    return status;
}

Status chat_session_count(const ChatSession *s, int64_t *n, Err *err)
{
    TokenList ids = {0};
    bool thinks;
    *n = 0;
    if (conversation_n(&s->talk) == 0) return OK;
    ChatSession all = *s;
    if (all.first >= conversation_n(&s->talk)) all.first = 0;
    Status status = encode(&all, false, &ids, &thinks, err);
    *n = ids.n;
    tokens_close(&ids);
    return status;
}

/* The turn after the oldest exchange that is still shown; -1 if only the last message is left. */
static int64_t after_oldest(const ChatSession *s)
{
    int64_t n = conversation_n(&s->talk), i = s->first;
    while (i < n && conversation_turn(&s->talk, i)->role == TURN_SYSTEM) i++;
    for (i++; i < n; i++)
        if (conversation_turn(&s->talk, i)->role == TURN_USER) return i;
    return -1;
}

/* Ids that leave room for an answer. */
static Status fit(ChatSession *s, const AnswerParams *p, TokenList *ids, bool *thinks, Err *err)
{
    int64_t n_ctx = s->g->params.n_ctx, room = n_ctx / 4;
    if (p->n_predict >= 0 && p->n_predict < room) room = p->n_predict;
    if (s->first >= conversation_n(&s->talk)) s->first = 0;
    TRY(encode(s, true, ids, thinks, err));
    while (ids->n + room > n_ctx) {
        int64_t next = after_oldest(s);
        if (next < 0) break;
        s->first = next;
        TRY(encode(s, true, ids, thinks, err));
    }
    if (ids->n == 0) return fail(err, E_ARG, "the template makes no tokens of this. HINT: --chat-template chatml");
    if (ids->n < n_ctx) return OK;
    return fail(err, E_LIMIT, "the message and its frame have %lld tokens, the context holds %lld. HINT: shorten "
                "it, or raise the context with -c", (long long)ids->n, (long long)n_ctx);
}

//@ begin chat-shared
/* Goes back to where the new ids leave the old ones, and computes
 * from there. At least the last one, for its logits. */
static Status feed(ChatSession *s, const TokenList *ids, Err *err)
{
    Generator *g = s->g;
    int64_t same = 0, most = g->n_done < ids->n ? g->n_done : ids->n - 1;
    while (same < most && ids->ids[same] == g->tokens.ids[same]) same++;
    generator_rewind(g, same);
    s->n_shared = same;
    s->n_new = ids->n - same;
    return generator_prompt(g, ids->ids + same, s->n_new, err);
}
//@ end chat-shared

/* ---------------------------------------------------------------- the answer */

typedef struct {
    const ChatSession *s;
    ChatParser parser;
    ChatTurn turn;
    ChatPartFn *fn;
    void *ctx;
} Listener;

static Status on_part(void *ctx, const ChatPart *part, Err *err)
{
    Listener *l = ctx;
    ChatPart shown = *part;
    if (part->kind == CHAT_PART_THOUGHT && l->s->raw_thoughts) shown.kind = CHAT_PART_CONTENT;
    if (part->kind == CHAT_PART_CALL)
        TRY(conversation_add_call(&l->s->talk, &l->turn, part->name, part->text, part->n, err));
    else TRY(buf_append(shown.kind == CHAT_PART_THOUGHT ? &l->turn.thoughts : &l->turn.content, part->text, part->n, err));
    return l->fn ? l->fn(l->ctx, &shown, err) : OK;
}

static Status on_text(void *ctx, const char *text, size_t n, Err *err)
{
    return chat_parser_feed(&((Listener *)ctx)->parser, text, n, err);
}

static bool wanted(void *ctx, const char *text, size_t n)
{
    const Listener *l = ctx;
    ChatParser all = {.params = {.form = l->s->format->form, .think = l->s->format->think}};
    return chat_parser_knows(&all, text, n);
}

static Status listen(ChatSession *s, const AnswerParams *p, Listener *l, Err *err)
{
    Err late;
    AnswerParams params = *p;
    params.wanted = wanted;
    int64_t before = s->g->tokens.n, left = s->g->params.n_ctx - before, start = clock_ns();
    /* More than fits is asked for: a full context is an end here, and no error. */
    if (params.n_predict > left) params.n_predict = -1;
    Status status = answer_stream(s->g, &params, on_text, l, &s->end, err);
    s->n_said = s->g->tokens.n - before;
    s->answer_ns = clock_ns() - start;
    Status rest = chat_parser_end(&l->parser, &late);
    return status == OK && rest != OK ? fail(err, rest, "%s", late.text) : status;
}

/* The answer becomes a turn, if there is one. */
static Status keep(ChatSession *s, ChatTurn *turn, Status status, Err *err)
{
    ChatTurn *added;
    Err late;
    bool said = turn->content.len || turn->thoughts.len || turn->calls.len;
    if (status != OK && !(status == E_CANCELLED && said)) return status;
    Status kept = conversation_add(&s->talk, TURN_ASSISTANT, NULL, 0, &added, &late);
    if (kept != OK) return fail(err, kept, "%s", late.text);
    *added = *turn;
    added->role = TURN_ASSISTANT;
    *turn = (ChatTurn){0};
    return status;
}

Status chat_session_answer(ChatSession *s, const AnswerParams *p, ChatPartFn *fn, void *ctx, Err *err)
{
    TokenList ids = {0};
    Listener l = {.s = s, .fn = fn, .ctx = ctx};
    bool thinks = false;
    s->n_shared = s->n_new = s->n_said = s->answer_ns = 0;
    int64_t start = clock_ns();
    Status status = fit(s, p, &ids, &thinks, err);
    if (status == OK) status = feed(s, &ids, err);
    s->prompt_ns = clock_ns() - start;
    if (status == OK) {
        bool raw = s->raw_thoughts;
        ChatParserParams parse = {.form = s->format->form, .think = raw ? CHAT_THINK_NONE : s->format->think,
                                  .thinks = thinks && !raw, .tools = s->tools.kind == CHAT_LIST};
        chat_parser_open(&l.parser, &parse, on_part, &l);
        status = listen(s, p, &l, err);
        status = keep(s, &l.turn, status, err);
        chat_parser_close(&l.parser);
    }
    buf_close(&l.turn.content);
    buf_close(&l.turn.thoughts);
    buf_close(&l.turn.calls);
    tokens_close(&ids);
    return status;
}
