/* Vocabularies of tokenizer.json against the ids that the library gives which such files belong to
 * (tests/fixtures/make_tokenizers.py), and the ones that are refused because our file cannot say them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "gguf_bytes.h"
#include "gguf_parts.h"
#include "hf_vocab_impl.h"
#include "layer5.h"
#include "must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXTURES "tests/fixtures/tokenizers/"
static const char separator[] = "\n__text__\n";

typedef struct {
    Gguf gguf;
    Arena arena;
    Tokenizer *t;
} Vocabulary;

/* The keys of a vocabulary alone, as they would stand in a file: of json, or without it of what is in dir. */
static Status convert_in(Gguf *g, const char *dir, const char *json, size_t n, int64_t n_vocab, const char *pre, Err *err)
{
    JsonView root, name = {0};
    HfModel m = {.dir = dir, .n_vocab = n_vocab, .n_layer = 1};
    HfParams p = {.pre = pre};
    GgufWriter *w = NULL;
    GgufParts parts = {0};
    Buf header = {0};
    MUST(jsonview_open(&root, "[\"LlamaForCausalLM\"]", 20, err), err);
    JsonWalk walk = jsonview_walk(root);
    jsonview_next(&walk, NULL, &name);
    m.family = hf_family_find(name);
    *g = (Gguf){0};
    Status s = json ? jsonview_open(&m.tokenizer.root, json, n, err) : OK;
    if (s == OK) s = gguf_writer_open(&w, 32, err);
    if (s == OK) s = hf_put_vocabulary(w, &m, &p, err);
    if (s == OK) s = gguf_writer_header(w, &header, err);
    gguf_writer_close(w);
    arena_close(&m.arena);
    if (s == OK) {
        char *copy = arena_alloc(&parts.arena, (int64_t)header.len, 1);
        assert_non_null(copy);
        memcpy(copy, header.data, header.len);
        parts.header = copy;
        parts.header_bytes = header.len;
        s = gguf_open_parts(g, &parts, err);
    }
    buf_close(&header);
    return s;
}

static Status convert_text(Gguf *g, const char *json, size_t n, int64_t n_vocab, const char *pre, Err *err)
{
    return convert_in(g, "tests/fixtures/tokenizers", json, n, n_vocab, pre, err);
}

static void open_fixture(Vocabulary *v, const char *kind, int64_t n_vocab, const char *pre)
{
    char path[128];
    MapFile file;
    Err err = {0};
    *v = (Vocabulary){0};
    snprintf(path, sizeof path, FIXTURES "%s/tokenizer.json", kind);
    MUST(map_open(&file, path, MAP_READ, &err), &err);
    MUST(convert_text(&v->gguf, (const char *)file.data, file.size, n_vocab, pre, &err), &err);
    MUST(tokenizer_open(&v->t, &v->arena, &v->gguf, &err), &err);
    map_close(&file);
}

static void close_vocabulary(Vocabulary *v)
{
    tokenizer_close(v->t);
    arena_close(&v->arena);
    gguf_close(&v->gguf);
}

static char *read_all(const char *path)
{
    static char bytes[2][1 << 16];
    static int turn;
    char *s = bytes[turn ^= 1];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    s[fread(s, 1, sizeof bytes[0] - 1, f)] = 0;
    fclose(f);
    return s;
}

static void check_ids(const char *kind, int64_t n_vocab, const char *pre)
{
    char path[128];
    Vocabulary v;
    int n = 0, n_bad = 0;
    open_fixture(&v, kind, n_vocab, pre);
    snprintf(path, sizeof path, FIXTURES "%s/ids.txt", kind);
    const char *text = read_all(FIXTURES "texts.txt"), *line = read_all(path), *end;
    for (; (end = strstr(text, separator)) != NULL; text = end + strlen(separator), n++) {
        Err err = {0};
        TokenList got = {0};
        char is[4096] = "";
        MUST(tokenizer_encode(v.t, text, (size_t)(end - text), (EncodeOptions){.add_special = true}, &got, &err), &err);
        size_t at = 0, want = strcspn(line, "\n");
        for (int64_t i = 0; i < got.n; i++)
            at += (size_t)snprintf(is + at, sizeof is - at, i ? " %d" : "%d", got.ids[i]);
        if (line[0] != '?' && (at != want || memcmp(is, line, want) != 0)) {
            print_message("%s, text %d '%.*s': '%s', expected is '%.*s'\n", kind, n, (int)(end - text), text, is, (int)want,
                          line);
            n_bad++;
        }
        line += want + 1;
        tokens_close(&got);
    }
    assert_int_equal(n, 42);
    assert_int_equal(n_bad, 0);
    close_vocabulary(&v);
}

static void unigram_ids_are_those_of_the_library(void **state)
{
    (void)state;
    check_ids("t5", 215, NULL);
    check_ids("xlmr", 220, NULL); /* rows of the embedding that no token has */
    check_ids("strip", 213, NULL);
    check_ids("bytes", 469, NULL);
}

static void wordpiece_ids_are_those_of_the_library(void **state)
{
    (void)state;
    check_ids("bert_uncased", 260, NULL);
    check_ids("bert_cased", 270, NULL);
}

/* What BERT had before there was a tokenizer.json gives the same keys; what is no such list is refused. */
static void a_list_of_words_is_a_vocabulary_too(void **state)
{
    (void)state;
    Vocabulary v;
    Gguf g;
    Err err = {0};
    open_fixture(&v, "bert_uncased", 262, NULL);
    MUST(convert_in(&g, FIXTURES "bert_uncased", NULL, 0, 262, NULL, &err), &err);
    /* It names padding and mask besides. */
    assert_int_equal(g.n_kv, v.gguf.n_kv + 2);
    for (int64_t i = 0; i < v.gguf.n_kv; i++) {
        const GgufKv *want = &v.gguf.kv[i];
        char key[80];
        snprintf(key, sizeof key, "%.*s", STR_ARG(want->key));
        const GgufKv *is = gguf_find(&g, key);
        assert_non_null(is);
        assert_int_equal(is->bytes, want->bytes);
        assert_memory_equal(is->data, want->data, is->bytes);
    }
    gguf_close(&g);
    assert_int_equal(convert_in(&g, FIXTURES "bert_uncased", NULL, 0, 259, NULL, &err), E_FORMAT);
    assert_non_null(strstr(err.text, "has the id 259"));
    close_vocabulary(&v);
}

static Status of_lines(const char *text, const char *config, Err *err)
{
    HfModel m = {.n_vocab = 6, .n_layer = 1};
    HfVocab v = {.m = &m};
    MUST(jsonview_open(&m.tokenizer_config.root, config, strlen(config), err), err);
    MUST(hf_vocab_room(&v, err), err);
    Status s = hf_vocab_from_lines(&v, text, strlen(text), err);
    if (s == OK) {
        static const char *const want[] = {"[U]", "[CLS]", "[SEP]", "\u2581a", "b"};
        for (int i = 0; i < 5; i++) assert_true(str_is(v.texts[i], want[i]));
        assert_true(v.unk == 0 && v.frame[0] == 1 && v.frame[1] == 2 && v.types[1] == HF_CONTROL && v.types[3] == HF_NORMAL);
        assert_true(v.lowercase == 0 && v.strip_accents == 1);
    }
    arena_close(&m.arena);
    return s;
}

static void lines_and_settings_are_held_to_their_form(void **state)
{
    (void)state;
    Err err = {0};
    static const char set[] = "{\"unk_token\":{\"content\":\"[U]\"},\"do_lower_case\":false,\"strip_accents\":true}";
    MUST(of_lines("[U]\r\n[CLS]\n[SEP]\na\n##b", set, &err), &err);
    assert_int_equal(of_lines("[UNK]\n[CLS]\n", "{}", &err), E_FORMAT);
    assert_non_null(strstr(err.text, "no [SEP]"));
    assert_int_equal(of_lines("", "{}", &err), E_FORMAT);
    assert_int_equal(of_lines("a", "{\"tokenize_chinese_chars\":false}", &err), E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "HINT:"));
}

static void words_between_white_space_are_merged_by_characters(void **state)
{
    (void)state;
    check_ids("whitespace", 260, "whitespace");
    check_ids("whitespace_lower", 260, "whitespace");
    /* A blank that is a token stands between words all the same, and is no word. */
    static const char json[] = "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\" \":1,\"b\":2},\"merges\":[]}}";
    Vocabulary v = {0};
    TokenList got = {0};
    Err err = {0};
    MUST(convert_text(&v.gguf, json, sizeof json - 1, 3, "whitespace", &err), &err);
    MUST(tokenizer_open(&v.t, &v.arena, &v.gguf, &err), &err);
    MUST(tokenizer_encode(v.t, "a  b", 4, (EncodeOptions){0}, &got, &err), &err);
    assert_true(got.n == 2 && got.ids[0] == 0 && got.ids[1] == 2);
    tokens_close(&got);
    close_vocabulary(&v);
}

#define PIPE "{\"normalizer\":%s,\"pre_tokenizer\":%s,\"post_processor\":%s,\"model\":%s}"
#define TABLE "{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"BAAAAAAAAAA=\"}"
#define SIGN "{\"type\":\"Metaspace\",\"replacement\":\"\u2581\",\"prepend_scheme\":\"always\"}"
#define WORDS "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"WhitespaceSplit\"}," SIGN "]}"
#define UNIGRAM(more, vocab) "{\"type\":\"Unigram\"," more "\"unk_id\":0,\"vocab\":[[\"<unk>\",0]," vocab "]}"
#define GOOD UNIGRAM("", "[\"\u2581\",-1],[\"a\",-2.5]")
#define BERT "{\"type\":\"BertNormalizer\",\"lowercase\":false}"
#define SPLIT "{\"type\":\"BertPreTokenizer\"}"
#define PIECES "{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"vocab\":{\"[UNK]\":0,\"a\":1,\"##b\":2,\"[C]\":3}}"
#define FRAME "{\"type\":\"BertProcessing\",\"sep\":[\"[C]\",3],\"cls\":[\"[C]\",3]}"

typedef struct {
    const char *parts[4];
    Status want;
    const char *text;
} Pipe;

static void what_a_file_cannot_say_is_refused(void **state)
{
    (void)state;
    static const Pipe cases[] = {
        {{TABLE, WORDS, "null", GOOD}, OK, ""},
        {{"null", WORDS, "null", GOOD}, E_UNSUPPORTED, "no table of characters"},
        {{TABLE, SIGN, "null", GOOD}, E_UNSUPPORTED, "runs of blanks kept"},
        {{TABLE, "{\"type\":\"WhitespaceSplit\"}", "null", GOOD}, E_UNSUPPORTED, "no Metaspace"},
        {{TABLE, "{\"type\":\"Digits\"}", "null", GOOD}, E_UNSUPPORTED, "\"Digits\""},
        {{"{\"type\":\"NFKC\"}", WORDS, "null", GOOD}, E_UNSUPPORTED, "\"NFKC\""},
        {{"{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"B!==\"}", WORDS, "null", GOOD}, E_FORMAT, "base64"},
        {{TABLE, WORDS, "null", UNIGRAM("\"byte_fallback\":true,", "[\"\u2581\",-1],[\"<0x41>\",0],[\"<0x4a>\",0]")},
         E_UNSUPPORTED, "for 1 of 256"},
        {{TABLE, WORDS, "null", UNIGRAM("", "[\"a\",-1]")}, E_UNSUPPORTED, "for the blank"},
        {{TABLE, WORDS, "null", UNIGRAM("", "[\"\u2581\",-1],[\"a\u2581b\",-2]")}, E_UNSUPPORTED, "spans two words"},
        {{TABLE, WORDS, "null", UNIGRAM("", "[\"\u2581\",-Infinity]")}, E_FORMAT, "finite"},
        {{TABLE, WORDS, "null", UNIGRAM("", "[\"\u2581\"]")}, E_FORMAT, "pair"},
        {{TABLE, WORDS, "null", UNIGRAM("", "[\"\u2581\",-1],[\"a\",0],[\"b\",0],[\"c\",0]")}, E_FORMAT, "has the id 4"},
        {{TABLE, WORDS, FRAME, GOOD}, E_FORMAT, "not in the vocabulary"},
        {{BERT, SPLIT, FRAME, PIECES}, OK, ""},
        {{BERT, SPLIT, "null", PIECES}, E_UNSUPPORTED, "0 tokens before"},
        {{"null", SPLIT, FRAME, PIECES}, E_UNSUPPORTED, "normaliser of a WordPiece"},
        {{BERT, "{\"type\":\"Whitespace\"}", FRAME, PIECES}, E_UNSUPPORTED, "\"Whitespace\""},
        {{"{\"type\":\"BertNormalizer\",\"clean_text\":false}", SPLIT, FRAME, PIECES}, E_UNSUPPORTED, "clean_text"},
        {{BERT, SPLIT, FRAME, "{\"type\":\"WordPiece\",\"unk_token\":\"[U]\",\"vocab\":{\"a\":0}}"}, E_FORMAT, "unknown token"},
        {{BERT, SPLIT, FRAME, "{\"type\":\"WordPiece\",\"max_input_chars_per_word\":200,\"vocab\":{}}"}, E_UNSUPPORTED,
         "max_input_chars_per_word"},
        {{BERT, SPLIT, FRAME, "{\"type\":\"WordLevel\"}"}, E_UNSUPPORTED, "\"WordLevel\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Pipe *c = &cases[i];
        char json[2000];
        Err err = {0};
        Gguf g;
        int n = snprintf(json, sizeof json, PIPE, c->parts[0], c->parts[1], c->parts[2], c->parts[3]);
        assert_true(n > 0 && n < (int)sizeof json);
        Status s = convert_text(&g, json, (size_t)n, 4, NULL, &err);
        if (s != c->want || (s != OK && (!strstr(err.text, c->text) || !strstr(err.text, "HINT:"))))
            FAILED("case %zu: expected %s \"%s\", got %s \"%s\"", i, status_name(c->want), c->text, status_name(s), err.text);
        gguf_close(&g);
    }
}

/* The library that such files belong to refuses them too. */
static void tokens_and_merges_belong_together(void **state)
{
    (void)state;
#define MERGES(vocab, merges) "{\"model\":{\"type\":\"BPE\",\"vocab\":{" vocab "},\"merges\":[" merges "]}," \
    "\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"decoder\":{\"type\":\"ByteLevel\"}}"
#define ABC "\"a\":0,\"b\":1,\"ab\":2"
    static const struct { const char *json, *text; } cases[] = {
        {MERGES(ABC, "\"a b\""), NULL}, {MERGES(ABC, "[\"a\",\"b\"]"), NULL},
        {MERGES(ABC, "\"a b\",\"a c\""), "merge 2 is of 'c', which is no token"},
        {MERGES(ABC, "[\"z\",\"b\"]"), "merge 1 is of 'z', which is no token"},
        {MERGES(ABC, "\"b a\""), "merge 1 is of 'ba', which is no token"},
        {MERGES(ABC, "\"ab\""), "a merge without a blank"}, {MERGES(ABC, "[\"a\"]"), "no pair"},
        {MERGES("\"a\":0,\"b\":1,\"c\":1", ""), "two tokens of the model have the same id"},
        {MERGES("\"a\":4", ""), "has the id 4"}, {MERGES("\"a\":-1", ""), "has no number"},
        {"[1,2]", "a model of type (none)"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Gguf g;
        Err err = {0};
        Status s = convert_text(&g, cases[i].json, strlen(cases[i].json), 4, "gpt-2", &err);
        if ((s == OK) != !cases[i].text || (s != OK && (!strstr(err.text, cases[i].text) || !strstr(err.text, "HINT:"))))
            FAILED("case %zu: expected \"%s\", got %s \"%s\"", i, cases[i].text ? cases[i].text : "", status_name(s), err.text);
        gguf_close(&g);
    }
}

static void pieces_get_the_sign_of_a_blank(void **state)
{
    (void)state;
    static const char json[] = "{\"normalizer\":" BERT ",\"pre_tokenizer\":" SPLIT ",\"post_processor\":" FRAME
                               ",\"model\":" PIECES "}";
    static const char *const want[] = {"[UNK]", "\u2581a", "b", "[C]", "[PAD4]"};
    Gguf g;
    Err err = {0};
    Str s;
    bool lower = true;
    MUST(convert_text(&g, json, sizeof json - 1, 5, NULL, &err), &err);
    GgufStrings it = gguf_strings(gguf_find(&g, "tokenizer.ggml.tokens"));
    for (int i = 0; gguf_next_string(&it, &s); i++) assert_true(str_is(s, want[i]));
    MUST(gguf_get_bool(&g, "tokenizer.ggml.normalizer.lowercase", &lower, &err), &err);
    assert_false(lower);
    gguf_close(&g);
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unigram_ids_are_those_of_the_library),
        cmocka_unit_test(wordpiece_ids_are_those_of_the_library),
        cmocka_unit_test(a_list_of_words_is_a_vocabulary_too),
        cmocka_unit_test(lines_and_settings_are_held_to_their_form),
        cmocka_unit_test(words_between_white_space_are_merged_by_characters),
        cmocka_unit_test(what_a_file_cannot_say_is_refused),
        cmocka_unit_test(tokens_and_merges_belong_together),
        cmocka_unit_test(pieces_get_the_sign_of_a_blank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
