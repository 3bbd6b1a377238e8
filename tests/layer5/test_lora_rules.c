/* Which adapter files are refused, and that no memory is an error. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lora_bytes.h"

static void refused(const Model *m, const AdapterShape *s, Status want, const char *text)
{
    Lora l;
    Err err = {0};
    Buf file = adapter(s, 3);
    Status got = lora_open_memory(&l, file.data, file.len, &m->gguf, &err);
    if (got != want || !strstr(err.text, text) || !strstr(err.text, "HINT:"))
        FAILED("expected %s \"%s\", got %s \"%s\"", status_name(want), text, status_name(got), err.text);
    assert_null(l.arena.chunks);
    buf_close(&file);
}

static void what_does_not_fit_is_refused_by_name(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 7);
    Model m = mb_opened(&file);
    const AdapterShape good = ADAPTER;
    AdapterShape s = good;
#define REFUSE(change, want, text) \
    do { \
        s = good; \
        change; \
        refused(&m, &s, want, text); \
    } while (0)
    REFUSE(s.type = "model", E_FORMAT, "general.type is 'model'");
    REFUSE(s.kind = "ia3", E_UNSUPPORTED, "adapter.type is 'ia3'");
    REFUSE(s.arch = "qwen2", E_FORMAT, "'qwen2', that of the model is 'llama'");
    REFUSE(s.alpha = NAN, E_FORMAT, "adapter.lora.alpha is nan");
    REFUSE(s.tail = true, E_UNSUPPORTED, "invocation_tokens");
    REFUSE(s.omit = "blk.1.attn_v.weight.lora_a", E_FORMAT, "but not 'blk.1.attn_v.weight.lora_a'");
    REFUSE(s.omit = "blk.1.attn_v.weight.lora_b", E_FORMAT, "but not 'blk.1.attn_v.weight.lora_b'");
    REFUSE(s.extra = "blk.0.attn_q.weight", E_FORMAT, "neither a .lora_a nor a .lora_b");
    REFUSE(s.extra = "blk.9.attn_q.weight.lora_a", E_FORMAT, "blk.9.attn_q.weight.lora_b");
    REFUSE(s.poisoned = "output.weight.lora_b", E_FORMAT, "row 47 of 'output.weight.lora_b' is nan");
#undef REFUSE
    model_close(&m);
    buf_close(&file);
}

static void shapes_are_checked_in_all_dimensions(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 7);
    Model m = mb_opened(&file);
    static const struct { const char *name; int64_t ne[3]; const char *text; } cases[] = {
        {"blk.0.attn_q.weight.lora_a", {31, 3, 1}, "shape [31, 3, 1, 1], expected for 'blk.0.attn_q.weight' is [32, 3, 1, 1]"},
        {"blk.0.attn_q.weight.lora_a", {32, 4, 1}, "expected for 'blk.0.attn_q.weight' is [32, 3, 1, 1]"},
        {"blk.0.attn_q.weight.lora_a", {32, 3, 2}, "shape [32, 3, 2, 1]"}, /* experts that the matrix does not have */
        {"blk.0.attn_q.weight.lora_b", {3, 33, 1}, "is [3, 32, 1, 1]"},
        {"blk.0.attn_q.weight.lora_b", {3, 32, 2}, "shape [3, 32, 2, 1]"},
        {"token_embd.weight.lora_a", {3, 47, 1}, "is [3, 48, 1, 1]"},
        {"token_embd.weight.lora_b", {3, 31, 1}, "is [3, 32, 1, 1]"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AdapterShape s = ADAPTER;
        s.odd = cases[i].name;
        memcpy(s.odd_ne, cases[i].ne, sizeof s.odd_ne);
        refused(&m, &s, E_FORMAT, cases[i].text);
    }
    AdapterShape s = ADAPTER;
    s.rank = LORA_MAX_RANK + 1;
    refused(&m, &s, E_LIMIT, "is of rank 8193");
    /* The gain of a norm is left out and counted. */
    s = ADAPTER;
    s.extra = "blk.0.attn_norm.weight";
    Lora l = opened(&s, 3, &m);
    assert_int_equal(l.n_norms, 1);
    lora_close(&l);
    model_close(&m);
    buf_close(&file);
}

static int64_t allowed;
static bool some(void *ctx, size_t n)
{
    (void)ctx, (void)n;
    return allowed-- > 0;
}

static void no_memory_is_an_error_everywhere(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 7), bytes;
    Model m = mb_opened(&file);
    AdapterShape s = ADAPTER;
    s.rank = 700; /* more than one piece of memory */
    bytes = adapter(&s, 3);
    Session session;
    Err err = {0};
    MUST(session_open(&session, &m, NULL, 64, 8, &err), &err);
    bool good = false;
    for (int n = 0; !good && n < 100; n++) {
        Lora l;
        allowed = n;
        mem_set_hook(some, NULL);
        Status st = lora_open_memory(&l, bytes.data, bytes.len, &m.gguf, &err);
        if (st == OK) st = session_adapt(&session, &(LoraUse){&l, 1}, 1, &err);
        mem_set_hook(NULL, NULL);
        good = st == OK;
        assert_true(good || st == E_MEMORY);
        MUST(session_adapt(&session, NULL, 0, &err), &err);
        lora_close(&l);
    }
    assert_true(good);
    session_close(&session);
    model_close(&m);
    buf_close(&bytes);
    buf_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_refused_by_name),
        cmocka_unit_test(shapes_are_checked_in_all_dimensions),
        cmocka_unit_test(no_memory_is_an_error_everywhere),
    };
    layer5_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
