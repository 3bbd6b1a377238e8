/* The exam: questions are cut where the answer begins, samples are sorted into kinds, what was trained on
 * is known again, and a model that knows nothing fails. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer7.h"
#include "json_lines.h"
#include "model_bytes.h"

#include <math.h>

static void make(Document *d, uint64_t index, int kind)
{
    Err err;
    MUST(world_document(d, 2, index, kind, &err), &err);
}

/* ---- cuts ---- */
static Document by_hand(const char *text)
{
    Document d = {0};
    Err err;
    MUST(buf_append(&d.text, text, strlen(text), &err), &err);
    return d;
}

static void cut_is(const char *text, ExamSort sort, uint64_t which, const char *answer, const char *row)
{
    Document d = by_hand(text);
    ExamCut c;
    assert_true(exam_cut(&c, &d, sort, which, NULL));
    assert_int_equal(c.n, strlen(answer));
    assert_memory_equal(d.text.data + c.at, answer, c.n);
    assert_string_equal(c.sort, row);
    document_close(&d);
}

static void lines_are_cut_before_the_blank(void **state)
{
    (void)state;
    cut_is("12 + 7 = 19\n3 plus 40 is 43\n", EXAM_SUMS, 0, " 19", "+");
    cut_is("12 + 7 = 19\n3 plus 40 is 43\n", EXAM_SUMS, 1, " 43", "plus");
    cut_is("12 + 7 = 19\n3 plus 40 is 43\n", EXAM_SUMS, 4, " 19", "+");
    static const char copies[] = "The password is Zoravim. Say it again: Zoravim.\nThe dragon is called Bor. "
                                 "Its name is Bor.\nWrite three times Kum: Kum, Kum, Kum.\nTwo words: Ba and "
                                 "Du. Backwards: Du and Ba.\n";
    cut_is(copies, EXAM_COPIES, 0, " Zoravim.", "password");
    cut_is(copies, EXAM_COPIES, 1, " Bor.", "dragon");
    cut_is(copies, EXAM_COPIES, 2, " Kum, Kum, Kum.", "three times");
    cut_is(copies, EXAM_COPIES, 3, " Du and Ba.", "two words");
    Document none = by_hand("Count to three: one, two, three.\n");
    ExamCut c;
    assert_false(exam_cut(&c, &none, EXAM_ANSWERS, 0, NULL));
    assert_false(exam_cut(&c, &none, EXAM_SUMS, 0, NULL));
    document_close(&none);
}

/* What is left of an answer in the document is the end of its line or turn; and the checker agrees that
 * it is the answer: with another one the document is refused. */
static void story_questions_are_cut_at_their_answers(void **state)
{
    (void)state;
    Document d = {0};
    int n_cut = 0, n_chat = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        make(&d, i, -1);
        for (uint64_t k = 0; k < (uint64_t)d.n_answers; k++) {
            const DocumentAnswer *a = &d.answer[k];
            ExamCut c, again;
            assert_true(exam_cut(&c, &d, EXAM_ANSWERS, k, NULL));
            assert_true(exam_cut(&again, &d, EXAM_ANSWERS, k + (uint64_t)d.n_answers, NULL));
            assert_int_equal(c.at, again.at);
            const char *p = d.text.data + c.at, *end = p + c.n;
            bool blank = *p == ' ';
            assert_int_equal(c.at + blank, a->at);
            assert_true(end[-1] == '.' && (blank ? *end == '\n' : strncmp(end, WORLD_IM_END, 10) == 0));
            assert_true(blank ? strncmp(p - 2, "A:", 2) == 0 : strncmp(p - 10, "assistant\n", 10) == 0);
            assert_non_null(strchr(a->question, '?'));
            char why[128];
            Buf wrong = {0};
            Err err;
            MUST(buf_printf(&wrong, &err, "%.*sNobody%s", (int)a->at, d.text.data, end - 1), &err);
            assert_false(world_check(wrong.data, wrong.len, why, sizeof why));
            buf_close(&wrong);
            n_cut++, n_chat += !blank;
        }
    }
    assert_true(n_cut > 400 && n_chat > 40);
    document_close(&d);
}

static void sums_and_copies_of_the_world_are_cut_at_their_answers(void **state)
{
    (void)state;
    Document d = {0};
    for (uint64_t i = 0; i < 300; i++) {
        bool sum = i % 2;
        ExamCut c;
        make(&d, i, sum ? DOC_SUM : DOC_COPY);
        assert_true(exam_cut(&c, &d, sum ? EXAM_SUMS : EXAM_COPIES, i, NULL));
        const char *p = d.text.data + c.at;
        assert_true(*p == ' ' && p[c.n] == '\n' && p[c.n - 1] != '\n' && c.n > 1);
        char why[128];
        Buf wrong = {0};
        Err err;
        MUST(buf_printf(&wrong, &err, "%.*s 7%s", (int)c.at, d.text.data, p + c.n), &err);
        bool seven = c.n == 2 && p[1] == '7';
        assert_true(seven == world_check(wrong.data, wrong.len, why, sizeof why));
        buf_close(&wrong);
    }
    document_close(&d);
}

/* ---- what was seen ---- */
static void a_set_holds_what_was_added(void **state)
{
    (void)state;
    ExamSet s = {0};
    Err err;
    assert_false(exam_set_has(&s, 0));
    for (int round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 5000; i++) MUST(exam_set_add(&s, i * i << 40 | i, &err), &err);
    assert_int_equal(s.n, 5000);
    for (uint64_t i = 0; i < 5000; i++) assert_true(exam_set_has(&s, i * i << 40 | i));
    for (uint64_t i = 5000; i < 9000; i++) assert_false(exam_set_has(&s, i * i << 40 | i));
    exam_set_close(&s);
}

static void training_documents_are_known_again(void **state)
{
    (void)state;
    enum { BYTES = 300000 };
    ExamSeen alone, s;
    Buf text = {0};
    Document d = {0};
    Pool *pool = NULL;
    Err err;
    double bits;
    MUST(pool_open(&pool, 3, false, &err), &err);
    MUST(exam_seen_open(&alone, 2, BYTES, NULL, true, &err), &err);
    MUST(exam_seen_open(&s, 2, BYTES, pool, true, &err), &err);
    MUST(corpus_world_text(&text, &bits, 2, BYTES, true, &err), &err);
    int64_t n = 0;
    for (const char *p = text.data, *end; (end = strstr(p, WORLD_EOS)); p = end + strlen(WORLD_EOS), n++) {
        assert_true(exam_seen_document(&s, p, (size_t)(end - p)));
        assert_false(exam_seen_document(&s, p, (size_t)(end - p) - 1));
    }
    assert_true(s.documents.n <= n && s.documents.n > n - 20); /* short ones may be there twice */
    assert_int_equal(alone.documents.n, s.documents.n);
    assert_int_equal(alone.names.n, s.names.n);
    const char *name = NULL; /* of the first document that introduces somebody */
    for (uint64_t i = 0; !name && i < 20; i++) {
        make(&d, i, -1);
        name = strstr(d.text.data, " named ");
    }
    assert_non_null(name);
    assert_true(exam_seen_name(&s, name + 7, strcspn(name + 7, ".")));
    assert_false(exam_seen_name(&s, "Quuxat", 6));
    ExamCut c;
    Document copy = by_hand("The password is Quuxat. Say it again: Quuxat.\n");
    assert_true(exam_cut(&c, &copy, EXAM_COPIES, 0, &s));
    document_close(&copy);
    copy = by_hand("The password is Lily. Say it again: Lily.\n");
    assert_false(exam_cut(&c, &copy, EXAM_COPIES, 0, &s));
    document_close(&copy);
    document_close(&d);
    buf_close(&text);
    exam_seen_close(&s);
    exam_seen_close(&alone);
    pool_close(pool);
}

static void kinds_are_told_by_their_beginning(void **state)
{
    (void)state;
    Document d = {0};
    int count[DOC_KINDS] = {0};
    for (uint64_t i = 0; i < 1500; i++) {
        make(&d, i, -1);
        assert_int_equal(exam_kind_of(d.text.data, d.text.len), d.kind);
        count[d.kind]++;
    }
    for (int k = 0; k < DOC_KINDS; k++) assert_true(count[k] > 20);
    assert_int_equal(exam_kind_of("", 0), DOC_STORY);
    assert_int_equal(exam_kind_of("The the", 7), DOC_STORY); /* nonsense counts against the stories */
    document_close(&d);
}

/* ---- many texts at once ---- */
static void texts_side_by_side_are_those_told_alone(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    Buf file = mb_model(&shape, 9);
    Model m = mb_opened(&file);
    Err err = {0};
    enum { N = 90 }; /* more than there are places */
    ExamText *texts = mem_alloc(N * sizeof *texts);
    memset(texts, 0, N * sizeof *texts);
    ExamBatch *b = NULL;
    MUST(exam_batch_open(&b, &m, NULL, NULL, &err), &err);
    for (int i = 0; i < N; i++)
        for (int k = 0; k <= i % 7; k++) MUST(tokens_push(&texts[i].tokens, (i * 5 + k) % 40, &err), &err);
    ExamDraw greedy = {0}, narrow = {.how = {.temp = 0.8f, .top_k = 1, .top_p = 1}};
    MUST(exam_batch_run(b, texts, N, &greedy, NULL, &err), &err);
    /* Of one candidate that one is drawn. */
    ExamText one = {0};
    for (int64_t k = 0; k < texts[4].n_prompt; k++) MUST(tokens_push(&one.tokens, texts[4].tokens.ids[k], &err), &err);
    MUST(exam_batch_run(b, &one, 1, &narrow, NULL, &err), &err);
    assert_int_equal(one.tokens.n, texts[4].tokens.n);
    assert_memory_equal(one.tokens.ids, texts[4].tokens.ids, (size_t)one.tokens.n * sizeof(int32_t));
    tokens_close(&one.tokens);
    GeneratorParams p = {.n_ctx = 80, .n_ubatch = 16, .type_k = DT_F16, .type_v = DT_F16,
                         .sampling = {.temp = 0, .repeat_penalty = 1}};
    for (int i = 0; i < N; i++) {
        Generator g;
        int64_t n = i % 7 + 1;
        assert_int_equal(texts[i].n_prompt, n);
        assert_true(texts[i].ended || texts[i].tokens.n == 80);
        MUST(generator_open(&g, &m, NULL, &p, NULL, &err), &err);
        MUST(generator_prompt(&g, texts[i].tokens.ids, n, &err), &err);
        for (int64_t k = n; k < texts[i].tokens.n; k++) {
            bool end;
            int32_t id;
            MUST(generator_next(&g, &id, &end, &err), &err);
            assert_int_equal(id, texts[i].tokens.ids[k]);
        }
        generator_close(&g);
    }
    exam_texts_close(texts, N);
    exam_batch_close(b);
    model_close(&m);
    buf_close(&file);
}

static void a_model_that_knows_nothing_fails(void **state)
{
    (void)state;
    ModelShape shape = MODEL_SHAPE;
    shape.n_ctx = 400;
    Buf file = mb_model(&shape, 9);
    Model m = mb_opened(&file);
    Err err = {0};
    ExamPlan p = exam_plan_default();
    p.trained_bytes = 10000;
    p.quiet = true;
    p.n_stories = 3;
    p.n_questions = 0;
    p.min_accepted = 1;
    assert_int_equal(exam_run(&p, &m, NULL, &err), E_LIMIT);
    assert_non_null(strstr(err.text, "0.0 % of the stories are accepted"));
    p.n_stories = 0;
    p.seed = 1;
    assert_int_equal(exam_run(&p, &m, NULL, &err), E_ARG); /* the seed of the training text */
    model_close(&m);
    buf_close(&file);
}

/* ---- tell ---- */
typedef struct {
    uint64_t i;
    Document d;
} Told;

static Status same_again(void *ctx, const JsonLine *l, Err *err)
{
    Told *t = ctx;
    TRY(world_document(&t->d, 9, 5 + t->i++, -1, err));
    assert_int_equal(l->line, t->i);
    assert_int_equal(l->n, t->d.text.len);
    assert_memory_equal(l->text, t->d.text.data, l->n);
    assert_true(fabs(l->bits - t->d.bits) < 1e-6 * t->d.bits);
    return OK;
}

static void told_lines_are_read_back(void **state)
{
    (void)state;
    Buf out = {0};
    Told t = {0};
    Err err;
    MUST(tell_documents(&out, 9, 5, 300, &err), &err);
    MUST(json_lines_each("told", out.data, out.len, same_again, &t, &err), &err);
    assert_int_equal(t.i, 300);
    assert_non_null(strstr(out.data, "\"kind\": \"chat\"}\n"));
    document_close(&t.d);
    buf_close(&out);
}

int main(void)
{
    layer7_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_cut_before_the_blank),
        cmocka_unit_test(story_questions_are_cut_at_their_answers),
        cmocka_unit_test(sums_and_copies_of_the_world_are_cut_at_their_answers),
        cmocka_unit_test(a_set_holds_what_was_added),
        cmocka_unit_test(training_documents_are_known_again),
        cmocka_unit_test(kinds_are_told_by_their_beginning),
        cmocka_unit_test(texts_side_by_side_are_those_told_alone),
        cmocka_unit_test(a_model_that_knows_nothing_fails),
        cmocka_unit_test(told_lines_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
