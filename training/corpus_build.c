/* corpus_build.c: from a text to a vocabulary and a row of token ids, in one file. */
#include "corpus.h"
#include "bpe_train.h"
#include "world.h"

#include <string.h>

enum { LEARN_BYTES = 16 << 20 };

static const char *const specials[] = {WORLD_BOS, WORLD_EOS, WORLD_IM_START, WORLD_IM_END};
enum { N_SPECIALS = sizeof specials / sizeof *specials };

Status corpus_read_text(Buf *text, const char *path, Err *err)
{
    MapFile file = {0};
    TRY(map_open(&file, path, MAP_READ, err));
    Status status = OK;
    size_t valid = utf8_valid_prefix((const char *)file.data, file.size);
    if (file.size > (size_t)1 << 30)
        status = fail(err, E_LIMIT, "'%.300s' has %zu bytes (limit 2^30) HINT: train on a part of it",
                      path, file.size);
    else if (valid < file.size)
        status = fail(err, E_FORMAT, "'%.300s' is not UTF-8: byte 0x%02X at %zu of %zu HINT: convert it, "
                      "for example with iconv -t UTF-8", path, file.data[valid], valid, file.size);
    else
        status = buf_append(text, file.data, file.size, err);
    map_close(&file);
    return status;
}

/* Bytes up to the end of the document, and the length of the mark there (0 at the end of the text). */
static size_t document_end(const char *text, size_t n, size_t *mark)
{
    static const char *const marks[] = {WORLD_EOS, CORPUS_END_OF_TEXT};
    size_t end = n;
    *mark = 0;
    for (int i = 0; i < 2; i++) {
        const char *at = memmem(text, end, marks[i], strlen(marks[i]));
        if (!at) continue;
        end = (size_t)(at - text);
        *mark = strlen(marks[i]);
    }
    return end;
}

static bool is_blank(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strchr(" \t\r\n", s[i])) return false;
    return true;
}

/* bos, the document, eos. White space at both ends is the file's layout, not the text's. */
static Status encode_document(const Tokenizer *t, const char *text, size_t n, TokenList *ids,
                              Err *err)
{
    if (is_blank(text, n)) return OK;
    while (strchr(" \t\r\n", *text)) text++, n--;
    while (strchr(" \t\r\n", text[n - 1])) n--;
    TRY(tokens_push(ids, tokenizer_bos(t), err));
    TRY(tokenizer_encode(t, text, n, (EncodeOptions){.parse_special = true}, ids, err));
    return tokens_push(ids, tokenizer_eos(t), err);
}

static Status encode_all(const Tokenizer *t, const char *text, size_t n, bool quiet, TokenList *ids,
                         Err *err)
{
    Progress progress;
    progress_start(&progress, "tokens", (int64_t)n, "MB", 1e6, quiet);
    Status status = OK;
    for (size_t at = 0, mark; status == OK && at < n; at += mark) {
        size_t len = document_end(text + at, n - at, &mark);
        status = encode_document(t, text + at, len, ids, err);
        at += len;
        progress_update(&progress, (int64_t)at);
    }
    progress_end(&progress);
    return status;
}

uint64_t corpus_text_hash(const char *text, size_t n)
{
    uint64_t h = 0xCBF29CE484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)text[i]) * 0x100000001B3u;
    return h;
}

/* The keys of a vocabulary, and the tokens if there are any yet. */
static Status write_file(const char *path, const BpeVocab *v, uint64_t text_hash, const TokenList *ids,
                         Err *err)
{
    GgufWriter *w = NULL;
    Status status = gguf_writer_open(&w, 32, err);
    if (status == OK) status = gguf_put_str(w, "general.architecture", "corpus", err);
    if (status == OK)
        status = gguf_put_array(w, "corpus.text", GGUF_U64, &text_hash, 1, err);
    if (status == OK) status = bpe_vocab_put(v, w, err);
    if (status == OK && ids->n)
        status = gguf_put_tensor(w, "tokens", DT_I16, 1, &ids->n, err);
    if (status == OK) status = gguf_write_header(w, path, err);
    for (int64_t i = 0; status == OK && i < ids->n; i++) {
        uint16_t id = (uint16_t)ids->ids[i];
        status = gguf_write_data(w, &id, sizeof id, err);
    }
    if (status == OK) status = gguf_writer_finish(w, err);
    gguf_writer_close(w);
    return status;
}

/* The vocabulary goes through a file, so that the text is encoded with exactly what readers will see. */
static Status encode_with(const char *path, const BpeVocab *v, const char *text, size_t n, bool quiet,
                          TokenList *ids, Err *err)
{
    Model m = {0};
    uint64_t hash = corpus_text_hash(text, n);
    TRY(write_file(path, v, hash, ids, err));
    TRY(model_open_vocabulary(&m, path, NULL, 0, MAP_READ, err));
    Status status = encode_all(m.tokenizer, text, n, quiet, ids, err);
    model_close(&m);
    return status == OK ? write_file(path, v, hash, ids, err) : status;
}

Status corpus_build(const char *path, const char *text, size_t n, int n_vocab, bool quiet, Err *err)
{
    BpeVocab v = {0};
    TokenList ids = {0};
    size_t learn = n < LEARN_BYTES ? n : LEARN_BYTES;
    if (learn < n) learn = utf8_valid_prefix(text, learn);
    if (n_vocab > 32768)
        return fail(err, E_ARG, "a vocabulary of %d tokens (limit 32768) HINT: --vocab 2048", n_vocab);
    if (utf8_valid_prefix(text, n) == n && n > 0 && is_blank(text, n))
        return fail(err, E_ARG, "the training text has nothing but white space HINT: give a file with "
                    "some text in it");
    TRY(bpe_train(&v, text, learn ? learn : n, n_vocab, specials, N_SPECIALS, quiet, err));
    Status status = encode_with(path, &v, text, n, quiet, &ids, err);
    tokens_close(&ids);
    bpe_vocab_close(&v);
    return status;
}
