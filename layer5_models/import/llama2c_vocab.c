/* llama2c_vocab.c: a tokenizer.bin: u32 longest token, then per token f32 score, i32 length, bytes.
 *
 * The texts are SentencePiece pieces with the sign for a blank (U+2581) turned into a blank, and the two
 * tokens that frame a text stand between newlines; both are undone here. */
#include "llama2c.h"

#include <stdio.h>
#include <string.h>

enum { MAX_PIECE = 1 << 16, ID_UNKNOWN = 0, ID_BEGIN = 1, ID_END = 2, ID_BYTES = 3, N_BYTES = 256 };
enum { TYPE_NORMAL = 1, TYPE_UNKNOWN, TYPE_CONTROL, TYPE_BYTE = 6 };

typedef struct {
    Str *texts;
    float *scores;
    int32_t *types;
} Pieces;

/* Blanks become U+2581; a piece in newlines is one without. */
static Status add_text(Arena *a, const char *text, size_t n, int64_t id, Str *out, Err *err)
{
    if ((id == ID_BEGIN || id == ID_END) && n > 2 && text[0] == '\n' && text[n - 1] == '\n') {
        text++;
        n -= 2;
    }
    char *copy = arena_alloc(a, (int64_t)n, 3), *to = copy;
    if (n && !copy) return fail(err, E_MEMORY, "no memory for token %lld", (long long)id);
    for (size_t i = 0; i < n; i++) {
        if (text[i] == ' ') {
            memcpy(to, "\xE2\x96\x81", 3);
            to += 3;
        } else {
            *to++ = text[i];
        }
    }
    *out = (Str){copy, (size_t)(to - copy)};
    return OK;
}

static bool is_byte(Str s, int64_t id)
{
    char name[8];
    snprintf(name, sizeof name, "<0x%02X>", (unsigned)(id - ID_BYTES) & 0xFF);
    return id >= ID_BYTES && id < ID_BYTES + N_BYTES && str_is(s, name);
}

static Status read_pieces(Pieces *p, Arena *a, const uint8_t *data, size_t size, int64_t n, Err *err)
{
    size_t at = 4;
    for (int64_t i = 0; i < n; i++) {
        int32_t length;
        if (at > size || size - at < 8)
            return fail(err, E_FORMAT, "the vocabulary has %lld tokens, the model %lld. HINT: give the "
                        "tokenizer that the model was trained with", (long long)i, (long long)n);
        memcpy(&p->scores[i], data + at, 4);
        memcpy(&length, data + at + 4, 4);
        at += 8;
        if (length < 0 || length > MAX_PIECE || (size_t)length > size - at)
            return fail(err, E_FORMAT, "token %lld has %d bytes, of which %zu are there (limit %d). HINT: is "
                        "this a tokenizer.bin of llama2.c?", (long long)i, length, size - at, MAX_PIECE);
        TRY(add_text(a, (const char *)data + at, (size_t)length, i, &p->texts[i], err));
        at += (size_t)length;
        p->types[i] = i == ID_UNKNOWN ? TYPE_UNKNOWN : i <= ID_END ? TYPE_CONTROL
                      : is_byte(p->texts[i], i) ? TYPE_BYTE : TYPE_NORMAL;
    }
    if (at == size) return OK;
    return fail(err, E_FORMAT, "the vocabulary has more tokens than the model's %lld: %zu bytes follow. HINT: "
                "give the tokenizer that the model was trained with", (long long)n, size - at);
}

static Status put_pieces(GgufWriter *w, const Pieces *p, int64_t n, Err *err)
{
    TRY(gguf_put_str(w, "tokenizer.ggml.model", "llama", err));
    TRY(gguf_put_str(w, "tokenizer.ggml.pre", "default", err));
    TRY(gguf_put_strings(w, "tokenizer.ggml.tokens", p->texts, n, err));
    TRY(gguf_put_array(w, "tokenizer.ggml.scores", GGUF_F32, p->scores, n, err));
    TRY(gguf_put_array(w, "tokenizer.ggml.token_type", GGUF_I32, p->types, n, err));
    TRY(gguf_put_u32(w, "tokenizer.ggml.unknown_token_id", ID_UNKNOWN, err));
    TRY(gguf_put_u32(w, "tokenizer.ggml.bos_token_id", ID_BEGIN, err));
    TRY(gguf_put_u32(w, "tokenizer.ggml.eos_token_id", ID_END, err));
    TRY(gguf_put_bool(w, "tokenizer.ggml.add_bos_token", true, err));
    return gguf_put_bool(w, "tokenizer.ggml.add_eos_token", false, err);
}

Status llama2c_put_vocabulary(GgufWriter *w, const uint8_t *data, size_t size, int64_t n_vocab, Err *err)
{
    Arena a = {0};
    /* Each token has at least its score and length: a short file cannot ask for long tables. */
    if (size < 4 || (size - 4) / 8 < (size_t)n_vocab)
        return fail(err, E_FORMAT, "%zu bytes are too few for the %lld tokens of the model. HINT: give the "
                    "tokenizer that the model was trained with", size, (long long)n_vocab);
    Pieces p = {ARENA_NEW(&a, Str, n_vocab), ARENA_NEW(&a, float, n_vocab), ARENA_NEW(&a, int32_t, n_vocab)};
    Status s = p.texts && p.scores && p.types ? OK : fail(err, E_MEMORY, "no memory for %lld tokens",
                                                          (long long)n_vocab);
    if (s == OK) s = read_pieces(&p, &a, data, size, n_vocab, err);
    if (s == OK) s = put_pieces(w, &p, n_vocab, err);
    arena_close(&a);
    return s;
}
