/* Runs from beginning to end: the loss falls, an interrupted run is the uninterrupted one, and what is
 * written can be read by the layers below. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "train_toy.h"

#include <sys/resource.h>

static void must_be_same_file(const Toy *a, const Toy *b, const char *file)
{
    Buf x = toy_file(a, file), y = toy_file(b, file);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    buf_close(&x);
    buf_close(&y);
}

static void the_loss_falls(void **state)
{
    (void)state;
    Err err = {0};
    Toy t = toy_open();
    TrainRun r = toy_run(&t);
    TrainResult result;
    MUST(train_run(&r, &result, &err), &err);
    assert_int_equal(t.n_losses, 60);
    assert_true(fabs(t.losses[0] - log(300)) < 1);
    /* 5 * 5 * 4 equally frequent sentences: what is left to know is small. */
    assert_true(result.loss < 0.6 * t.losses[0]);
    assert_true(result.held_out < 0.6 * t.losses[0]);
    assert_true(result.flops > 0 && result.seconds > 0 && result.cpu_seconds > 0);
    assert_int_equal(result.n_tokens, 60 * 6 * 24);
    toy_close(&t);
}

/* ---------------------------------------------------------------- interrupted */

static void stopping_and_resuming_changes_nothing(void **state)
{
    (void)state;
    Err err = {0};
    TrainResult result;
    Toy whole = toy_open(), parts = toy_open();
    TrainRun r = toy_run(&whole);
    MUST(train_run(&r, &result, &err), &err);
    r = toy_run(&parts);
    r.resume = true;
    static const int64_t stops[] = {3, 17, 18, 40, 0};
    for (int i = 0; i < 5; i++) {
        parts.stop_at = stops[i];
        parts.stop = 0;
        Status s = train_run(&r, &result, &err);
        assert_int_equal(s, stops[i] ? E_CANCELLED : OK);
    }
    assert_int_equal(parts.n_losses, whole.n_losses);
    assert_memory_equal(parts.losses, whole.losses, (size_t)whole.n_losses * sizeof(double));
    must_be_same_file(&whole, &parts, "loss.tsv");
    must_be_same_file(&whole, &parts, "checkpoint.gguf");
    must_be_same_file(&whole, &parts, "model.gguf");
    toy_close(&whole);
    toy_close(&parts);
}

static Toy victim;
static void die_at(void *ctx, const StepReport *r)
{
    (void)ctx;
    if (r->step + 1 == victim.stop_at) raise(SIGKILL);
}

/* Killed ten times between steps, ten times wherever it happens to be. */
static void killing_and_resuming_changes_nothing(void **state)
{
    (void)state;
    Err err = {0};
    TrainResult result;
    Toy whole = toy_open();
    TrainRun r = toy_run(&whole);
    MUST(train_run(&r, &result, &err), &err);
    victim = toy_open();
    Rng rng = rng_seed(6);
    r = toy_run(&victim);
    r.resume = true;
    r.watch = die_at;
    for (int i = 0; i < 20; i++) {
        /* Within the next steps after the last checkpoint, so that runs get somewhere. */
        victim.stop_at = i % 2 ? 0 : 1 + i / 4 * 10 + (int64_t)rng_below(&rng, 13);
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) _exit(train_run(&r, &result, &err) == OK ? 0 : 1);
        int status;
        if (i % 2) {
            usleep((useconds_t)rng_below(&rng, 40000));
            kill(child, SIGKILL);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    }
    victim.stop_at = 0;
    r.watch = NULL;
    MUST(train_run(&r, &result, &err), &err);
    must_be_same_file(&whole, &victim, "loss.tsv");
    must_be_same_file(&whole, &victim, "checkpoint.gguf");
    must_be_same_file(&whole, &victim, "model.gguf");
    toy_close(&whole);
    toy_close(&victim);
}

static void threads_change_no_byte_of_the_model(void **state)
{
    (void)state;
    Err err = {0};
    TrainResult result;
    Toy one = toy_open(), three = toy_open();
    TrainRun r = toy_run(&one);
    MUST(train_run(&r, &result, &err), &err);
    r = toy_run(&three);
    MUST(pool_open(&r.pool, 3, false, &err), &err);
    MUST(train_run(&r, &result, &err), &err);
    pool_close(r.pool);
    must_be_same_file(&one, &three, "model.gguf");
    must_be_same_file(&one, &three, "loss.tsv");
    toy_close(&one);
    toy_close(&three);
}

/* ---------------------------------------------------------------- the model file */

static void the_engine_computes_what_the_trainer_computed(void **state)
{
    (void)state;
    Err err = {0};
    TrainResult result;
    Toy t = toy_open();
    TrainRun r = toy_run(&t);
    MUST(train_run(&r, &result, &err), &err);

    /* 1. The trainer's weights, from its checkpoint, on a held-out window. */
    TrainModel tm;
    Corpus c;
    MUST(corpus_open(&c, toy_path(&t, "corpus.gguf"), 24, 5, 0, &err), &err);
    MUST(train_model_open(&tm, &toy_plan.shape, 1, NULL, &err), &err);
    int64_t n = tm.layout.n_params;
    float *mv = mem_alloc((size_t)(2 * n) * sizeof *mv);
    TrainState s = {.plan = &toy_plan, .text_hash = c.hash, .n_params = n, .w = tm.w, .m = mv,
                    .v = mv + n};
    MUST(checkpoint_read(toy_path(&t, "checkpoint.gguf"), &s, &err), &err);
    assert_int_equal(s.step, 60);
    int32_t ids[24], targets[24];
    corpus_held_window(&c, 0, ids, targets);
    train_forward(&tm, ids, 1);

    /* 2. The engine, on the model file. */
    Model m;
    Session session;
    KvCache kv;
    MUST(model_open(&m, toy_path(&t, "model.gguf"), MAP_AUTO, &err), &err);
    MUST(session_open(&session, &m, NULL, 24, 24, &err), &err);
    MUST(kvcache_open(&kv, &m, DT_F32, DT_F32, 24, 1, &err), &err);
    BatchItem items[24];
    for (int i = 0; i < 24; i++) items[i] = (BatchItem){ids[i], 0, i, true};
    float *logits = mem_alloc(24 * 300 * sizeof *logits), largest = 1;
    MUST(model_forward(&session, items, 24, kvcache_source(&kv), logits, NULL, &err), &err);
    for (int i = 0; i < 24 * 300; i++)
        if (fabsf(tm.logits[i]) > largest) largest = fabsf(tm.logits[i]);
    for (int i = 0; i < 24 * 300; i++)
        assert_near(logits[i], tm.logits[i], 1e-5 * largest, "logits", "engine", i);

    /* 3. Its vocabulary is the corpus's. */
    assert_int_equal(tokenizer_n_vocab(m.tokenizer), 300);
    assert_true(tokenizer_add_bos(m.tokenizer));
    assert_true(tokenizer_is_eog(m.tokenizer, tokenizer_eos(m.tokenizer)));
    mem_free(logits);
    mem_free(mv);
    kvcache_close(&kv);
    session_close(&session);
    model_close(&m);
    train_model_close(&tm);
    corpus_close(&c);
    toy_close(&t);
}

/* Half-way too; the file says how far it came, when, and what its text knows of itself. */
static void a_checkpoint_can_be_exported_at_any_time(void **state)
{
    (void)state;
    Err err = {0};
    TrainResult result;
    Toy t = toy_open();
    TrainRun r = toy_run(&t);
    char path[200];
    snprintf(path, sizeof path, "%s", toy_path(&t, "half.gguf"));
    r.resume = true;
    assert_int_equal(train_export_now(&r, path, &err), E_IO); /* nothing there yet */
    t.stop_at = 17;
    assert_int_equal(train_run(&r, &result, &err), E_CANCELLED);
    r.text_bits = 12.5;
    setenv("SOURCE_DATE_EPOCH", "86400", 1);
    MUST(train_export_now(&r, path, &err), &err);
    unsetenv("SOURCE_DATE_EPOCH");
    Model m;
    MUST(model_open(&m, path, MAP_AUTO, &err), &err);
    int64_t steps = 0, tokens = 0;
    float bits = 0;
    Str date = {0}, template = {0};
    MUST(gguf_get_int(&m.gguf, "training.steps", 0, INT64_MAX, &steps, &err), &err);
    MUST(gguf_get_int(&m.gguf, "training.tokens", 0, INT64_MAX, &tokens, &err), &err);
    MUST(gguf_get_f32(&m.gguf, "training.entropy_bits_per_document", &bits, &err), &err);
    MUST(gguf_get_str(&m.gguf, "training.date", &date, &err), &err);
    MUST(gguf_get_str(&m.gguf, "tokenizer.chat_template", &template, &err), &err);
    assert_int_equal(steps, 17);
    assert_int_equal(tokens, 17 * 6 * 24);
    assert_true(bits == 12.5f);
    assert_int_equal(date.len, 10);
    assert_memory_equal(date.ptr, "1970-01-02", 10);
    assert_true(template.len > 0);
    model_close(&m);
    /* Exporting has made no step: the run goes on as if nothing had happened. */
    t.stop_at = 0;
    t.stop = 0;
    MUST(train_run(&r, &result, &err), &err);
    assert_int_equal(result.first_step, 17);
    toy_close(&t);
}

/* ---------------------------------------------------------------- the corpus */

static void an_epoch_shows_each_window_once(void **state)
{
    (void)state;
    Err err = {0};
    Toy t = toy_open();
    Corpus c;
    const char *path = toy_path(&t, "corpus.gguf");
    MUST(corpus_build(path, t.text.data, t.text.len, 300, true, &err), &err);
    MUST(corpus_open(&c, path, 24, 5, 0, &err), &err);
    assert_int_equal(c.tokens[0], tokenizer_bos(c.vocabulary.tokenizer));
    assert_int_equal(c.tokens[c.n_tokens - 1], tokenizer_eos(c.vocabulary.tokenizer));
    assert_true(corpus_held_out(&c) >= 1);
    assert_in_range(c.n_windows, 9, 4096);
    for (int64_t epoch = 0; epoch < 3; epoch++) {
        bool seen[4096] = {false};
        for (int64_t i = 0; i < c.n_windows; i++) {
            int32_t ids[24], targets[24];
            corpus_window(&c, epoch * c.n_windows + i, ids, targets);
            assert_memory_equal(ids + 1, targets, 23 * sizeof *ids);
            assert_int_equal(ids[0], tokenizer_bos(c.vocabulary.tokenizer));
            int32_t w = c.order[i];
            assert_false(seen[w]);
            seen[w] = true;
            int64_t from = c.train.pieces[c.train.first[w]].from;
            assert_int_equal(targets[0], c.tokens[from]);
        }
    }
    /* The order of an epoch does not depend on what was asked before. */
    int32_t a[24], b[24], targets[24];
    corpus_window(&c, 2 * c.n_windows + 3, a, targets);
    corpus_window(&c, 0, b, targets);
    corpus_window(&c, 2 * c.n_windows + 3, b, targets);
    assert_memory_equal(a, b, sizeof a);
    corpus_close(&c);
    toy_close(&t);
}

static void every_piece_stands_whole_in_one_window_of_its_kind(void **state)
{
    (void)state;
    Err err = {0};
    Toy t = toy_open();
    Corpus c;
    const char *path = toy_path(&t, "corpus.gguf");
    MUST(corpus_build(path, t.text.data, t.text.len, 300, true, &err), &err);
    MUST(corpus_open(&c, path, 24, 5, 0, &err), &err);
    /* 1. Pieces cover the text once, and none is held out and trained on. */
    int64_t covered = 0, last_trained = 0;
    for (int64_t i = 0; i < c.train.n_pieces; i++) {
        int64_t end = c.train.pieces[i].from + c.train.pieces[i].n;
        covered += c.train.pieces[i].n;
        if (end > last_trained) last_trained = end;
    }
    for (int64_t i = 0; i < c.held.n_pieces; i++) {
        covered += c.held.pieces[i].n;
        assert_true(c.held.pieces[i].from >= last_trained);
    }
    int64_t n_bos = 0;
    for (int64_t i = 0; i < c.n_tokens; i++)
        n_bos += c.tokens[i] == tokenizer_bos(c.vocabulary.tokenizer);
    assert_int_equal(covered, c.n_tokens - n_bos);
    /* 2. A window's own pieces fit it; the windows share all pieces out. */
    const Windows *both[] = {&c.train, &c.held};
    for (int k = 0; k < 2; k++) {
        assert_int_equal(both[k]->first[0], 0);
        assert_int_equal(both[k]->first[both[k]->n_windows], both[k]->n_pieces);
        for (int64_t w = 0; w < both[k]->n_windows; w++) {
            int64_t sum = 0;
            assert_true(both[k]->first[w] < both[k]->first[w + 1]);
            for (int32_t p = both[k]->first[w]; p < both[k]->first[w + 1]; p++)
                sum += both[k]->pieces[p].n + 1;
            assert_in_range(sum, 2, 25);
        }
    }
    /* 3. Packing leaves the longest in front; afterwards it stands anywhere in its window. */
    int64_t n_shared = 0, n_short_first = 0;
    for (int64_t w = 0; w < c.train.n_windows; w++) {
        const Piece *p = c.train.pieces + c.train.first[w];
        int64_t n = c.train.first[w + 1] - c.train.first[w];
        bool shorter = false;
        for (int64_t i = 1; i < n; i++) shorter |= p[0].n < p[i].n;
        n_shared += n > 1;
        n_short_first += shorter;
    }
    assert_true(n_short_first * 4 > n_shared);
    corpus_close(&c);
    toy_close(&t);
}

static void packing_takes_the_longest_that_fits(void **state)
{
    (void)state;
    Piece p[] = {{0, 5}, {10, 8}, {20, 4}, {30, 1}, {40, 3}};
    int32_t first[6];
    Windows w = {.pieces = p, .first = first, .n_pieces = 5};
    corpus_pack(&w, 40);
    assert_int_equal(w.n_windows, 1);
    assert_int_equal(p[1].from, 10); /* 41 - 6 = 35 left: 8 first, then 4, 3, 1 */
    assert_int_equal(p[2].from, 20);
    assert_int_equal(p[3].from, 40);
    assert_int_equal(p[4].from, 30);
    Piece q[] = {{0, 15}, {20, 9}, {30, 12}, {50, 8}, {60, 20}};
    w = (Windows){.pieces = q, .first = first, .n_pieces = 5};
    corpus_pack(&w, 25); /* 26 - 16 = 10 left: 9 fits, its bos included */
    assert_int_equal(w.n_windows, 3);
    assert_int_equal(q[1].from, 20);
    assert_int_equal(first[1], 2); /* 12 alone would leave 13: 8 fits */
    assert_int_equal(q[3].from, 50);
    assert_int_equal(first[2], 4);
    assert_int_equal(first[3], 5);
}

static void documents_get_a_beginning_and_an_end(void **state)
{
    (void)state;
    Err err = {0};
    Toy t = toy_open();
    Corpus c;
    static const char text[] = "\n ab \n<|endoftext|>cd<|end_of_text|>  \n<|end_of_text|><|im_start|>e";
    MUST(corpus_build(toy_path(&t, "corpus.gguf"), text, strlen(text), 260, true, &err), &err);
    MUST(corpus_open(&c, toy_path(&t, "corpus.gguf"), 4, 1, 0, &err), &err);
    int32_t bos = tokenizer_bos(c.vocabulary.tokenizer), eos = tokenizer_eos(c.vocabulary.tokenizer);
    const uint16_t want[] = {(uint16_t)bos, 'a', 'b', (uint16_t)eos, (uint16_t)bos, 'c', 'd',
                             (uint16_t)eos, (uint16_t)bos, 258, 'e', (uint16_t)eos};
    assert_int_equal(c.n_tokens, 12);
    assert_memory_equal(c.tokens, want, sizeof want);
    corpus_close(&c);
    toy_close(&t);
}

/* ---------------------------------------------------------------- bad input */

static void bad_texts_are_refused_before_anything_is_written(void **state)
{
    (void)state;
    static const struct { const char *text; size_t n; Status status; const char *says; } bad[] = {
        {"", 0, E_ARG, "empty"},
        {" \n\t ", 4, E_ARG, "white space"},
        {"abc\xC3(", 5, E_FORMAT, "UTF-8"},
        {"too short a text", 16, E_ARG, "wanted"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Err err = {0};
        TrainResult result;
        Toy t = toy_open();
        TrainRun r = toy_run(&t);
        r.text = bad[i].text;
        r.text_bytes = bad[i].n;
        assert_int_equal(train_run(&r, &result, &err), bad[i].status);
        assert_non_null(strstr(err.text, bad[i].says));
        assert_non_null(strstr(err.text, "HINT"));
        assert_true(access(toy_path(&t, "checkpoint.gguf"), F_OK) != 0);
        toy_close(&t);
    }
}

static void a_text_shorter_than_a_window_is_refused(void **state)
{
    (void)state;
    Err err = {0};
    TrainResult result;
    Toy t = toy_open();
    TrainRun r = toy_run(&t);
    r.text = "one two";
    r.text_bytes = 7;
    r.plan.shape.n_vocab = 261;
    assert_int_equal(train_run(&r, &result, &err), E_ARG);
    assert_non_null(strstr(err.text, "one window needs 25"));
    toy_close(&t);
}

static void a_finished_or_other_run_is_not_overwritten(void **state)
{
    (void)state;
    Err err = {0};
    TrainResult result;
    Toy t = toy_open();
    TrainRun r = toy_run(&t);
    r.plan.n_steps = 3;
    MUST(train_run(&r, &result, &err), &err);
    Buf before = toy_file(&t, "checkpoint.gguf");
    assert_int_equal(train_run(&r, &result, &err), E_ARG);
    assert_non_null(strstr(err.text, "--resume"));
    r.resume = true;
    r.plan.batch = 5;
    assert_int_equal(train_run(&r, &result, &err), E_ARG);
    assert_non_null(strstr(err.text, "--batch 6, this run has 5"));
    r.plan.batch = 6;
    r.plan.shape.d_ff = 32;
    assert_int_equal(train_run(&r, &result, &err), E_ARG);
    r.plan.shape.d_ff = 64;
    r.text_bytes -= 9;
    assert_int_equal(train_run(&r, &result, &err), E_ARG);
    assert_non_null(strstr(err.text, "another text"));
    Buf after = toy_file(&t, "checkpoint.gguf");
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    /* The same run again has nothing to do. */
    r.text_bytes += 9;
    MUST(train_run(&r, &result, &err), &err);
    assert_int_equal(result.n_steps, 0);
    buf_close(&before);
    buf_close(&after);
    toy_close(&t);
}

/* A limit on the size of files behaves like a full disk. */
static void a_full_disk_leaves_the_last_checkpoint(void **state)
{
    (void)state;
    Err err = {0};
    TrainResult result;
    Toy t = toy_open(), whole = toy_open();
    TrainRun r = toy_run(&t);
    t.stop_at = 20;
    assert_int_equal(train_run(&r, &result, &err), E_CANCELLED);
    Buf before = toy_file(&t, "checkpoint.gguf");
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, small = {(rlim_t)before.len / 2, RLIM_INFINITY};
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    t.stop = 0, t.stop_at = 0;
    r.resume = true;
    Status s = train_run(&r, &result, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(s, E_IO);
    Buf after = toy_file(&t, "checkpoint.gguf");
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.data, after.data, before.len);
    assert_true(access(toy_path(&t, "checkpoint.gguf.partial"), F_OK) != 0);
    /* With room again it goes on as if nothing had happened. */
    MUST(train_run(&r, &result, &err), &err);
    r = toy_run(&whole);
    MUST(train_run(&r, &result, &err), &err);
    must_be_same_file(&whole, &t, "loss.tsv");
    must_be_same_file(&whole, &t, "model.gguf");
    buf_close(&before);
    buf_close(&after);
    toy_close(&t);
    toy_close(&whole);
}

int main(void)
{
    layer7_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loss_falls),
        cmocka_unit_test(stopping_and_resuming_changes_nothing),
        cmocka_unit_test(killing_and_resuming_changes_nothing),
        cmocka_unit_test(threads_change_no_byte_of_the_model),
        cmocka_unit_test(the_engine_computes_what_the_trainer_computed),
        cmocka_unit_test(a_checkpoint_can_be_exported_at_any_time),
        cmocka_unit_test(an_epoch_shows_each_window_once),
        cmocka_unit_test(every_piece_stands_whole_in_one_window_of_its_kind),
        cmocka_unit_test(packing_takes_the_longest_that_fits),
        cmocka_unit_test(documents_get_a_beginning_and_an_end),
        cmocka_unit_test(bad_texts_are_refused_before_anything_is_written),
        cmocka_unit_test(a_text_shorter_than_a_window_is_refused),
        cmocka_unit_test(a_finished_or_other_run_is_not_overwritten),
        cmocka_unit_test(a_full_disk_leaves_the_last_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
