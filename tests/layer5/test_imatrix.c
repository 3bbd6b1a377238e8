/* Importance matrices: what the observer adds up against a forward pass by hand, files in both forms, a
 * run that stops and goes on, and damaged files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model_bytes.h"

#include <stdlib.h>

static char dir[64], path[96];

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/sixfold-test-XXXXXX");
    if (!mkdtemp(dir)) return -1;
    snprintf(path, sizeof path, "%s/im.gguf", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

/* ---------------------------------------------------------------- one token by hand */

enum { D = 32, FF = 64, HEADS = 4, KV_HEADS = 2, DK = D / HEADS };

static const float *data_of(const Model *m, const char *name)
{
    const GgufTensor *t = gguf_tensor(&m->gguf, name);
    assert_non_null(t);
    assert_int_equal(t->view.type, DT_F32);
    return t->view.data;
}

static void times(double *y, const float *w, const double *x, int n_in, int n_out)
{
    for (int o = 0; o < n_out; o++) {
        y[o] = 0;
        for (int i = 0; i < n_in; i++) y[o] += (double)w[o * n_in + i] * x[i];
    }
}

static void rms(double *y, const double *x, const float *gain)
{
    double sum = 0;
    for (int i = 0; i < D; i++) sum += x[i] * x[i];
    for (int i = 0; i < D; i++) y[i] = x[i] / sqrt(sum / D + 1e-5) * (double)gain[i];
}

/* The inputs of block 0's matrices for one token at position 0: it attends only to itself, so the
 * heads' result is v, each key head's for its group of query heads. */
typedef struct { double qkv[D], out[D], up[D], down[FF]; } Inputs;

static Inputs by_hand(const Model *m, int token)
{
    Inputs in;
    double x[D], v[D], y[D], gate[FF], up[FF];
    const float *embd = data_of(m, "token_embd.weight");
    for (int i = 0; i < D; i++) x[i] = (double)embd[token * D + i];
    rms(in.qkv, x, data_of(m, "blk.0.attn_norm.weight"));
    times(v, data_of(m, "blk.0.attn_v.weight"), in.qkv, D, KV_HEADS * DK);
    for (int h = 0; h < HEADS; h++)
        for (int i = 0; i < DK; i++) in.out[h * DK + i] = v[h / (HEADS / KV_HEADS) * DK + i];
    times(y, data_of(m, "blk.0.attn_output.weight"), in.out, D, D);
    for (int i = 0; i < D; i++) x[i] += y[i];
    rms(in.up, x, data_of(m, "blk.0.ffn_norm.weight"));
    times(gate, data_of(m, "blk.0.ffn_gate.weight"), in.up, D, FF);
    times(up, data_of(m, "blk.0.ffn_up.weight"), in.up, D, FF);
    for (int i = 0; i < FF; i++) in.down[i] = gate[i] / (1 + exp(-gate[i])) * up[i];
    return in;
}

static const ImatrixEntry *entry(const Imatrix *m, const char *name)
{
    const ImatrixEntry *e = imatrix_find(m, (Str){name, strlen(name)});
    if (!e) FAILED("no entry '%s'", name);
    return e;
}

static void is_sum(const Imatrix *m, const char *name, const double *a, const double *b, int n)
{
    const ImatrixEntry *e = entry(m, name);
    assert_int_equal(e->n, n);
    assert_true(e->count[0] == 2.0f);
    for (int i = 0; i < n; i++) {
        double want = a[i] * a[i] + b[i] * b[i], got = (double)e->sum2[i];
        if (!(fabs(got - want) <= 1e-4 * want + 1e-7)) FAILED("%s[%d]: %g, not %g", name, i, got, want);
    }
}

/* Runs tokens one by one, each a chunk of its own sequence. */
static void run_tokens(ImatrixCollect *c, const Model *m, const int *tokens, int n)
{
    Session s;
    Err err = {0};
    float logits[64];
    FlatKv kv = flat_kv(m, DT_F32, 8, 1);
    MUST(session_open(&s, m, NULL, 8, 8, &err), &err);
    s.watcher = imatrix_collect_watcher(c);
    for (int i = 0; i < n; i++) {
        BatchItem item = {.token = tokens[i], .pos = 0, .want_logits = true};
        MUST(model_forward(&s, &item, 1, flat_source(&kv), logits, NULL, &err), &err);
        MUST(imatrix_collect_chunk(c, &err), &err);
    }
    session_close(&s);
    mem_free(kv.memory);
}

/* The same tokens as n sequences in one call and one chunk. */
static void run_together(ImatrixCollect *c, const Model *m, const int *tokens, int n)
{
    Session s;
    Err err = {0};
    BatchItem items[8];
    float logits[8 * 64];
    FlatKv kv = flat_kv(m, DT_F32, 8, n);
    MUST(session_open(&s, m, NULL, 8, 8, &err), &err);
    s.watcher = imatrix_collect_watcher(c);
    for (int i = 0; i < n; i++) items[i] = (BatchItem){.token = tokens[i], .seq = i};
    MUST(model_forward(&s, items, n, flat_source(&kv), logits, NULL, &err), &err);
    MUST(imatrix_collect_chunk(c, &err), &err);
    session_close(&s);
    mem_free(kv.memory);
}

static Model opened(Buf *file)
{
    ModelShape shape = MODEL_SHAPE;
    *file = mb_model(&shape, 5);
    return mb_opened(file);
}

static void sums_are_those_of_a_pass_by_hand(void **state)
{
    (void)state;
    Buf file;
    Model m = opened(&file);
    ImatrixCollect c;
    Err err = {0};
    MUST(imatrix_collect_open(&c, &m, true, "text", 1, &err), &err);
    assert_int_equal(imatrix_collect_bytes(&m, true), 12 * (2 * (6 * D + FF + 7) + D + 1));
    run_tokens(&c, &m, (int[]){7, 20}, 2);
    Inputs a = by_hand(&m, 7), b = by_hand(&m, 20);
    is_sum(&c.sums, "blk.0.attn_q.weight", a.qkv, b.qkv, D);
    is_sum(&c.sums, "blk.0.attn_k.weight", a.qkv, b.qkv, D);
    is_sum(&c.sums, "blk.0.attn_v.weight", a.qkv, b.qkv, D);
    is_sum(&c.sums, "blk.0.attn_output.weight", a.out, b.out, D);
    is_sum(&c.sums, "blk.0.ffn_gate.weight", a.up, b.up, D);
    is_sum(&c.sums, "blk.0.ffn_up.weight", a.up, b.up, D);
    is_sum(&c.sums, "blk.0.ffn_down.weight", a.down, b.down, FF);
    assert_true(entry(&c.sums, "output.weight")->count[0] == 2.0f);
    assert_int_equal(c.sums.n, 2 * 7 + 1);
    imatrix_collect_close(&c);
    model_close(&m);
    buf_close(&file);
}

/* ---------------------------------------------------------------- experts by hand */

enum { EXPERTS = 4 };

/* The inputs of block 0's experts, of which the token meets one: the row of the router that fits it best. */
typedef struct { double up[D], down[FF]; int expert; } Routed;

static Routed routed_by_hand(const Model *m, int token)
{
    Routed in = {.expert = 0};
    double x[D], v[D], out[D], y[D], z[EXPERTS], gate[FF], up[FF];
    const float *embd = data_of(m, "token_embd.weight");
    for (int i = 0; i < D; i++) x[i] = (double)embd[token * D + i];
    rms(y, x, data_of(m, "blk.0.attn_norm.weight"));
    times(v, data_of(m, "blk.0.attn_v.weight"), y, D, KV_HEADS * DK);
    for (int h = 0; h < HEADS; h++)
        for (int i = 0; i < DK; i++) out[h * DK + i] = v[h / (HEADS / KV_HEADS) * DK + i];
    times(y, data_of(m, "blk.0.attn_output.weight"), out, D, D);
    for (int i = 0; i < D; i++) x[i] += y[i];
    rms(in.up, x, data_of(m, "blk.0.ffn_norm.weight"));
    times(z, data_of(m, "blk.0.ffn_gate_inp.weight"), in.up, D, EXPERTS);
    for (int e = 1; e < EXPERTS; e++)
        if (z[e] > z[in.expert]) in.expert = e;
    times(gate, data_of(m, "blk.0.ffn_gate_exps.weight") + in.expert * D * FF, in.up, D, FF);
    times(up, data_of(m, "blk.0.ffn_up_exps.weight") + in.expert * D * FF, in.up, D, FF);
    for (int i = 0; i < FF; i++) in.down[i] = gate[i] / (1 + exp(-gate[i])) * up[i];
    return in;
}

/* One expert's row: the squares of the tokens that chose it, and their number. */
static void is_routed(const Imatrix *m, const char *name, const Routed *in, int n_tok, bool down)
{
    const ImatrixEntry *e = entry(m, name);
    int n = down ? FF : D, met = 0;
    float means[EXPERTS * FF];
    assert_int_equal(e->n, EXPERTS * n);
    assert_int_equal(e->n_count, EXPERTS);
    imatrix_means(e, means);
    for (int x = 0; x < EXPERTS; x++) {
        double want[FF] = {0};
        int count = 0;
        for (int t = 0; t < n_tok; t++) {
            if (in[t].expert != x) continue;
            const double *v = down ? in[t].down : in[t].up;
            for (int i = 0; i < n; i++) want[i] += v[i] * v[i];
            count++;
        }
        assert_true(e->count[x] == (float)count);
        met += count > 0;
        for (int i = 0; i < n; i++) {
            double got = (double)e->sum2[x * n + i], mean = count ? want[i] / count : 1;
            if (!(fabs(got - want[i]) <= 1e-4 * want[i] + 1e-7)) FAILED("%s, expert %d [%d]: %g, not %g", name, x, i, got, want[i]);
            assert_true(fabs((double)means[x * n + i] - mean) <= 1e-4 * mean + 1e-7);
        }
    }
    assert_int_equal(imatrix_n_unmet(e), EXPERTS - met);
    assert_in_range(met, 2, EXPERTS - 1); /* some are met, and one is not: both ways are tried */
}

/* By token and, as three sequences in one call, grouped; and what the file gives back. */
static void experts_have_rows_of_their_own(void **state)
{
    (void)state;
    static const int tokens[] = {7, 20, 3};
    ModelShape shape = MODEL_SHAPE;
    shape.n_expert = EXPERTS, shape.n_used = 1;
    Buf file = mb_model(&shape, 5);
    Model m = mb_opened(&file);
    Routed in[3];
    for (int t = 0; t < 3; t++) in[t] = routed_by_hand(&m, tokens[t]);
    for (int together = 0; together < 2; together++) {
        ImatrixCollect c;
        Imatrix back;
        Err err = {0};
        MUST(imatrix_collect_open(&c, &m, false, "text", 1, &err), &err);
        if (together) run_together(&c, &m, tokens, 3);
        else run_tokens(&c, &m, tokens, 3);
        MUST(imatrix_save(&c.sums, path, &err), &err);
        MUST(imatrix_open(&back, path, &err), &err);
        for (int saved = 0; saved < 2; saved++) {
            const Imatrix *sums = saved ? &back : &c.sums;
            is_routed(sums, "blk.0.ffn_gate_exps.weight", in, 3, false);
            is_routed(sums, "blk.0.ffn_up_exps.weight", in, 3, false);
            is_routed(sums, "blk.0.ffn_down_exps.weight", in, 3, true);
            assert_true(entry(sums, "blk.0.ffn_gate_inp.weight")->count[0] == 3.0f);
        }
        imatrix_collect_close(&c);
        MUST(imatrix_collect_open(&c, &m, false, "text", 1, &err), &err);
        MUST(imatrix_collect_resume(&c, &back, &err), &err);
        is_routed(&c.sums, "blk.0.ffn_down_exps.weight", in, 3, true);
        imatrix_close(&back);
        imatrix_collect_close(&c);
    }
    model_close(&m);
    buf_close(&file);
}

static void a_file_gives_back_what_was_saved(void **state)
{
    (void)state;
    Buf file;
    Model m = opened(&file);
    ImatrixCollect c;
    Imatrix back;
    Err err = {0};
    MUST(imatrix_collect_open(&c, &m, false, "some text", 1, &err), &err);
    run_tokens(&c, &m, (int[]){7, 20, 3}, 3);
    MUST(imatrix_save(&c.sums, path, &err), &err);
    MUST(imatrix_open(&back, path, &err), &err);
    assert_int_equal(back.n, 14);
    assert_int_equal(back.n_chunks, 3);
    assert_int_equal(back.chunk_size, 1);
    assert_string_equal(back.dataset, "some text");
    for (int64_t i = 0; i < back.n; i++) {
        assert_string_equal(back.entries[i].name, c.sums.entries[i].name);
        assert_int_equal(back.entries[i].n, c.sums.entries[i].n);
        assert_memory_equal(back.entries[i].sum2, c.sums.entries[i].sum2, (size_t)back.entries[i].n * 4);
    }
    assert_null(imatrix_find(&back, (Str){"blk.0.attn_q.weigh", 18}));
    assert_null(imatrix_find(&back, (Str){"blk.0.attn_q.weightx", 20}));
    imatrix_close(&back);
    imatrix_collect_close(&c);
    model_close(&m);
    buf_close(&file);
}

static void going_on_gives_the_same_bits(void **state)
{
    (void)state;
    Buf file;
    Model m = opened(&file);
    ImatrixCollect whole, part;
    Imatrix before;
    Err err = {0};
    MUST(imatrix_collect_open(&whole, &m, false, "t", 1, &err), &err);
    run_tokens(&whole, &m, (int[]){7, 20, 3, 31}, 4);
    MUST(imatrix_collect_open(&part, &m, false, "t", 1, &err), &err);
    run_tokens(&part, &m, (int[]){7, 20}, 2);
    MUST(imatrix_save(&part.sums, path, &err), &err);
    imatrix_collect_close(&part);
    MUST(imatrix_open(&before, path, &err), &err);
    MUST(imatrix_collect_open(&part, &m, false, "t", 1, &err), &err);
    MUST(imatrix_collect_resume(&part, &before, &err), &err);
    run_tokens(&part, &m, (int[]){3, 31}, 2);
    assert_int_equal(part.sums.n_chunks, 4);
    for (int64_t i = 0; i < whole.sums.n; i++)
        assert_memory_equal(whole.sums.entries[i].sum2, part.sums.entries[i].sum2,
                            (size_t)whole.sums.entries[i].n * 4);
    imatrix_collect_close(&part);
    MUST(imatrix_collect_open(&part, &m, false, "t", 2, &err), &err);
    assert_int_equal(imatrix_collect_resume(&part, &before, &err), E_ARG);
    imatrix_collect_close(&part);
    imatrix_collect_close(&whole);
    imatrix_close(&before);
    model_close(&m);
    buf_close(&file);
}

/* ---------------------------------------------------------------- files by hand */

static Buf dat_file(void)
{
    Buf b = {0};
    gb_u32(&b, 2);
    gb_u32(&b, 1), gb_bytes(&b, "b", 1), gb_u32(&b, 4), gb_u32(&b, 2), gb_f32(&b, 8), gb_f32(&b, 2);
    gb_u32(&b, 1), gb_bytes(&b, "a", 1), gb_u32(&b, 0), gb_u32(&b, 1), gb_f32(&b, 3);
    gb_u32(&b, 17);
    gb_u32(&b, 4), gb_bytes(&b, "wiki", 4);
    return b;
}

static Buf gguf_file(float sum, float count)
{
    Buf b = {0};
    gb_header(&b, 3, 2, 2);
    gb_kv_str(&b, "general.type", "imatrix");
    gb_kv_u32(&b, "imatrix.chunk_count", 6);
    gb_tensor(&b, "m.in_sum2", 2, (int64_t[]){2, 2}, DT_F32, 0);
    gb_tensor(&b, "m.counts", 2, (int64_t[]){1, 2}, DT_F32, 32);
    gb_pad(&b, 32);
    gb_f32(&b, 6), gb_f32(&b, sum), gb_f32(&b, 9), gb_f32(&b, 9);
    gb_pad(&b, 32);
    gb_f32(&b, count), gb_f32(&b, 0);
    return b;
}

static void both_forms_are_read(void **state)
{
    (void)state;
    Imatrix m;
    Err err = {0};
    float mean[4];
    Buf b = dat_file();
    MUST(imatrix_open_memory(&m, b.data, b.len, &err), &err);
    assert_int_equal(m.n, 2);
    assert_int_equal(m.n_chunks, 17);
    assert_string_equal(m.dataset, "wiki");
    imatrix_means(entry(&m, "b"), mean);
    assert_true(mean[0] == 2 && mean[1] == 0.5f);
    imatrix_means(entry(&m, "a"), mean);
    assert_true(mean[0] == 3);
    imatrix_close(&m);
    MUST(imatrix_open_memory(&m, b.data, b.len - 12, &err), &err); /* the oldest files end here */
    imatrix_close(&m);
    buf_close(&b);
    b = gguf_file(3, 3);
    MUST(imatrix_open_memory(&m, b.data, b.len, &err), &err);
    imatrix_means(entry(&m, "m"), mean);
    assert_true(mean[0] == 2 && mean[1] == 1 && mean[2] == 1 && mean[3] == 1); /* unused: even */
    assert_int_equal(imatrix_n_unmet(entry(&m, "m")), 1);
    imatrix_close(&m);
    buf_close(&b);
    b = gguf_file(0, 3);
    MUST(imatrix_open_memory(&m, b.data, b.len, &err), &err);
    imatrix_means(entry(&m, "m"), mean);
    assert_true(mean[0] == 2 && mean[1] == 2); /* never driven: as the least that is */
    imatrix_close(&m);
    buf_close(&b);
}

static void is_refused(Buf b)
{
    Imatrix m;
    Err err = {0};
    Status s = imatrix_open_memory(&m, b.data, b.len, &err);
    if (s != E_FORMAT || !strstr(err.text, "HINT:")) FAILED("%s: %s", status_name(s), err.text);
    assert_null(m.arena.chunks);
    buf_close(&b);
}

static void wrong_numbers_and_cut_files_are_refused(void **state)
{
    (void)state;
    is_refused(gguf_file(-1, 3));
    is_refused(gguf_file(NAN, 3));
    is_refused(gguf_file(INFINITY, 3));
    is_refused(gguf_file(1, -1));
    is_refused(gguf_file(1, NAN));
    Buf model = {0};
    gb_header(&model, 3, 0, 1);
    gb_kv_str(&model, "general.type", "model");
    is_refused(model);
    Buf b = dat_file();
    for (size_t n = 0; n + 12 < b.len; n++) {
        Buf cut = {0};
        gb_bytes(&cut, b.data, n);
        if (!cut.data) gb_u8(&cut, 0), cut.len = 0;
        is_refused(cut);
    }
    buf_close(&b);
    b = dat_file();
    b.data[b.len - 12 - 3 * 4 - 1] = 'b'; /* the second name equals the first */
    is_refused(b);
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_a_pass_by_hand),
        cmocka_unit_test(experts_have_rows_of_their_own),
        cmocka_unit_test(a_file_gives_back_what_was_saved),
        cmocka_unit_test(going_on_gives_the_same_bits),
        cmocka_unit_test(both_forms_are_read),
        cmocka_unit_test(wrong_numbers_and_cut_files_are_refused),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
