/* A conversation costs only what is new and says the same as one that is computed from the start; it can be
 * stopped, cut and taken up again; what no longer fits is left out from the old end. The storyteller answers,
 * but no word of its is expected. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer6.h"
#include "embedded.h"
#include "must.h"

#include <string.h>

static Model m;
static Pool *pool;
static ChatFormat format;
static volatile int stop;

static int open_storyteller(void **state)
{
    (void)state;
    Err err = {0};
    layer6_init();
    Status s = model_open_memory(&m, storyteller_model, storyteller_model_bytes, &err);
    if (s == OK) s = chat_format_open(&format, &m.gguf, m.tokenizer, NULL, &err);
    if (s == OK) s = pool_open(&pool, 1, false, &err);
    if (s != OK) print_error("%s\n", err.text);
    return s == OK ? 0 : -1;
}

static int close_storyteller(void **state)
{
    (void)state;
    pool_close(pool);
    chat_format_close(&format);
    model_close(&m);
    return 0;
}

typedef struct {
    Generator g;
    ChatSession s;
    Buf shown;
    int64_t stop_after; /* parts; 0: never */
} Chat;

static void opened(Chat *c, int64_t n_ctx)
{
    Err err = {0};
    /* One token at a time, so that the bits do not depend on how a text is cut into passes. */
    GeneratorParams p = {.n_ctx = n_ctx, .n_ubatch = 1, .type_k = DT_F32, .type_v = DT_F32,
                         .sampling = sampler_defaults()};
    p.sampling.temp = 0;
    *c = (Chat){0};
    stop = 0;
    MUST(generator_open(&c->g, &m, pool, &p, &stop, &err), &err);
    c->s = (ChatSession){.g = &c->g, .format = &format, .thinking = -1};
}

static void closed(Chat *c)
{
    chat_session_close(&c->s);
    generator_close(&c->g);
    buf_close(&c->shown);
}

static Status on_part(void *ctx, const ChatPart *part, Err *err)
{
    Chat *c = ctx;
    assert_int_equal(part->kind, CHAT_PART_CONTENT);
    if (c->stop_after && --c->stop_after == 0) stop = 2;
    return buf_append(&c->shown, part->text, part->n, err);
}

static Status ask(Chat *c, const char *message, int64_t n, Err *err)
{
    AnswerParams p = {.n_predict = n};
    buf_clear(&c->shown);
    if (message) MUST(conversation_add(&c->s.talk, TURN_USER, message, strlen(message), NULL, err), err);
    return chat_session_answer(&c->s, &p, on_part, c, err);
}

static const ChatTurn *last(const Chat *c) { return conversation_turn(&c->s.talk, conversation_n(&c->s.talk) - 1); }

static void a_turn_computes_only_what_is_new(void **state)
{
    (void)state;
    Chat a, b;
    Err err = {0};
    opened(&a, 256);
    MUST(ask(&a, "Tell me a story.", 16, &err), &err);
    assert_int_equal(a.s.n_shared, 0);
    assert_int_equal(last(&a)->role, TURN_ASSISTANT);
    assert_int_equal(last(&a)->content.len, a.shown.len);
    int64_t before = a.g.tokens.n;
    MUST(ask(&a, "And then?", 16, &err), &err);
    /* All of the first turn but its last token, which was never computed, and what closes the turn. */
    assert_true(a.s.n_shared >= before - 2 && a.s.n_shared <= before);
    assert_true(a.s.n_new < 20);

    /* The same two messages and the same first answer, computed from the start. */
    opened(&b, 256);
    for (int i = 0; i < 3; i++) {
        const ChatTurn *t = conversation_turn(&a.s.talk, i);
        MUST(conversation_add(&b.s.talk, t->role, t->content.data, t->content.len, NULL, &err), &err);
    }
    MUST(ask(&b, NULL, 16, &err), &err);
    assert_int_equal(b.s.n_shared, 0);
    assert_int_equal(b.s.n_new, a.s.n_new + a.s.n_shared);
    assert_string_equal(b.shown.data, a.shown.data);

    /* Another answer to the same message: nothing but the last token is computed. */
    conversation_cut(&b.s.talk, 3);
    MUST(ask(&b, NULL, 16, &err), &err);
    assert_int_equal(b.s.n_new, 1);
    assert_string_equal(b.shown.data, a.shown.data);
    closed(&a);
    closed(&b);
}

static void a_stopped_answer_is_kept(void **state)
{
    (void)state;
    Chat c;
    Err err = {0};
    opened(&c, 256);
    c.stop_after = 3;
    assert_int_equal(ask(&c, "Tell me a story.", 100, &err), E_CANCELLED);
    stop = 0;
    assert_int_equal(conversation_n(&c.s.talk), 2);
    assert_true(c.shown.len > 0);
    assert_memory_equal(last(&c)->content.data, c.shown.data, c.shown.len);
    MUST(ask(&c, "Go on.", 4, &err), &err);
    assert_int_equal(conversation_n(&c.s.talk), 4);
    assert_true(c.s.n_shared > 10);
    closed(&c);
    /* Before anything was said: there is no answer. */
    opened(&c, 256);
    stop = 2;
    assert_int_equal(ask(&c, "Tell me a story.", 100, &err), E_CANCELLED);
    stop = 0;
    assert_int_equal(conversation_n(&c.s.talk), 1);
    MUST(ask(&c, NULL, 4, &err), &err);
    closed(&c);
}

static void what_no_longer_fits_is_left_out(void **state)
{
    (void)state;
    Chat c;
    Err err = {0};
    opened(&c, 96);
    MUST(conversation_set_system(&c.s.talk, "Be brief.", 9, &err), &err);
    for (int i = 0; i < 8; i++) {
        MUST(ask(&c, "Tell me about a dog.", 12, &err), &err);
        assert_true(c.g.tokens.n <= 96);
    }
    assert_int_equal(conversation_n(&c.s.talk), 17); /* nothing is lost of the record */
    assert_true(c.s.first > 1);
    assert_int_equal(conversation_turn(&c.s.talk, c.s.first)->role, TURN_USER);
    /* What is shown can be counted, also when all of that was taken back. */
    int64_t n, first = c.s.first;
    MUST(chat_session_count(&c.s, &n, &err), &err);
    assert_in_range(n, 12, 96 + 4);
    ChatSession before = c.s;
    before.first = conversation_n(&c.s.talk);
    MUST(chat_session_count(&before, &n, &err), &err);
    assert_true(n > 96 && c.s.first == first);
    /* More tokens than fit are asked for: the answer ends where the context does, and stays. */
    c.g.params.ignore_eos = true;
    for (int32_t id = 0; id < tokenizer_n_vocab(m.tokenizer); id++)
        if (tokenizer_is_eog(m.tokenizer, id)) MUST(tokens_push(&c.g.forbidden, id, &err), &err);
    MUST(ask(&c, "Tell me about a dog.", 1000, &err), &err);
    assert_int_equal(c.s.end, ANSWER_FULL);
    assert_int_equal(c.g.tokens.n, 96);
    conversation_cut(&c.s.talk, 17);
    char longer[1200];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = 0;
    assert_int_equal(ask(&c, longer, 4, &err), E_LIMIT);
    assert_non_null(strstr(err.text, "96"));
    conversation_cut(&c.s.talk, 17);
    MUST(ask(&c, "And a cat.", 4, &err), &err);
    closed(&c);
}

/* ---------------------------------------------------------------- the stream */

static Status collect(void *ctx, const char *text, size_t n, Err *err) { return buf_append(ctx, text, n, err); }

static Status stream(const AnswerParams *p, Buf *out, AnswerEnd *end)
{
    Err err = {0};
    Chat c;
    TokenList ids = {0};
    EncodeOptions opt = {.add_special = true};
    opened(&c, 256);
    MUST(tokenizer_encode(m.tokenizer, "Once upon a time", 16, opt, &ids, &err), &err);
    MUST(generator_prompt(&c.g, ids.ids, ids.n, &err), &err);
    Status s = answer_stream(&c.g, p, collect, out, end, &err);
    tokens_close(&ids);
    closed(&c);
    return s;
}

static void a_stop_string_ends_the_answer_before_it(void **state)
{
    (void)state;
    Buf all = {0}, out = {0};
    AnswerEnd end;
    AnswerParams p = {.n_predict = 24};
    assert_int_equal(stream(&p, &all, &end), OK);
    assert_int_equal(end, ANSWER_LENGTH);
    assert_true(all.len > 30);
    /* Every text of the answer as stop string: also those that tokens cut, and those that only begin. */
    for (size_t n = 1; n < 12; n += 5)
        for (size_t at = 0; at + n < all.len; at += 7) {
            char text[16] = {0};
            memcpy(text, all.data + at, n);
            const char *stops[] = {"nowhere at all", text, ""};
            AnswerParams q = {.n_predict = 24, .stops = stops, .n_stops = 3};
            buf_clear(&out);
            assert_int_equal(stream(&q, &out, &end), OK);
            size_t first = (size_t)(strstr(all.data, text) - all.data);
            assert_int_equal(end, ANSWER_STOPPED);
            assert_int_equal(out.len, first);
            assert_memory_equal(out.data ? out.data : "", all.data, first);
        }
    char tail[16] = {0};
    memcpy(tail, all.data + all.len - 4, 4);
    tail[4] = '#';
    const char *stops[] = {tail}; /* held back to the end, then let go */
    AnswerParams q = {.n_predict = 24, .stops = stops, .n_stops = 1};
    buf_clear(&out);
    assert_int_equal(stream(&q, &out, &end), OK);
    assert_string_equal(out.data, all.data);
    buf_close(&all);
    buf_close(&out);
}

static void going_back_forgets_the_tail(void **state)
{
    (void)state;
    Chat c;
    Err err = {0};
    int32_t ids[5] = {1, 2, 3, 4, 5}, want, got;
    bool end;
    opened(&c, 64);
    MUST(generator_prompt(&c.g, ids, 5, &err), &err);
    MUST(generator_next(&c.g, &want, &end, &err), &err);
    MUST(generator_next(&c.g, &got, &end, &err), &err);
    generator_rewind(&c.g, 3);
    assert_int_equal(c.g.tokens.n, 3);
    assert_int_equal(c.g.sampler.history.n, 3);
    MUST(generator_prompt(&c.g, ids + 3, 2, &err), &err);
    MUST(generator_next(&c.g, &got, &end, &err), &err);
    assert_int_equal(got, want);
    closed(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_computes_only_what_is_new),
        cmocka_unit_test(a_stopped_answer_is_kept),
        cmocka_unit_test(what_no_longer_fits_is_left_out),
        cmocka_unit_test(a_stop_string_ends_the_answer_before_it),
        cmocka_unit_test(going_back_forgets_the_tail),
    };
    return cmocka_run_group_tests(tests, open_storyteller, close_storyteller);
}
