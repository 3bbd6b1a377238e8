/* hf_vocab_spm.c: tokenizer.model, a SentencePiece vocabulary in Protocol Buffers' wire format.
 *
 * A message is a row of fields: a varint (field number * 8 + wire type), then a varint, 8 bytes, 4 bytes, or
 * a length and so many bytes. Fields that we do not know are stepped over by their wire type.
 * Source: protobuf.dev/programming-guides/encoding; sentencepiece_model.proto. */
#include "hf_vocab_impl.h"

#include <string.h>

typedef struct {
    const uint8_t *s, *end;
} Wire;

typedef struct {
    uint64_t field, kind, number; /* kind 0: number */
    Wire bytes;                   /* 1, 2, 5 */
} Field;

static Status broken(Err *err)
{
    return fail(err, E_FORMAT, "a field goes beyond its message. HINT: is this a SentencePiece model? Large-file pointers "
                "of git are not");
}

/* At most ten bytes of seven bits. */
static bool varint(Wire *w, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 70 && w->s < w->end; shift += 7) {
        uint8_t b = *w->s++;
        *out |= shift < 64 ? (uint64_t)(b & 127) << shift : 0;
        if (b < 128) return true;
    }
    return false;
}

static Status next_field(Wire *w, Field *f, Err *err)
{
    uint64_t tag, n = 0;
    *f = (Field){0};
    if (!varint(w, &tag)) return broken(err);
    f->field = tag >> 3;
    f->kind = tag & 7;
    if (f->kind == 0) return varint(w, &f->number) ? OK : broken(err);
    if (f->kind == 1) n = 8;
    else if (f->kind == 5) n = 4;
    else if (f->kind != 2 || !varint(w, &n)) return broken(err);
    if (n > (uint64_t)(w->end - w->s)) return broken(err);
    f->bytes = (Wire){w->s, w->s + n};
    w->s += n;
    return OK;
}

/* The file is unmapped later: texts are copied. */
static Status read_piece(HfVocab *v, Wire w, int64_t id, Err *err)
{
    Field f;
    uint64_t type = HF_NORMAL;
    Str text = {"", 0};
    float score = 0;
    while (w.s < w.end) {
        TRY(next_field(&w, &f, err));
        if (f.field == 1 && f.kind == 2) text = (Str){(const char *)f.bytes.s, (size_t)(f.bytes.end - f.bytes.s)};
        if (f.field == 2 && f.kind == 5) memcpy(&score, f.bytes.s, 4);
        if (f.field == 3 && f.kind == 0) type = f.number;
    }
    if (type < HF_NORMAL || type > HF_BYTE)
        return fail(err, E_FORMAT, "piece %lld is of type %llu, allowed is 1..6. HINT: the file is damaged",
                    (long long)id, (unsigned long long)type);
    char *copy = arena_strndup(&v->m->arena, text.ptr, text.len);
    if (!copy) return fail(err, E_MEMORY, "no memory for a piece");
    TRY(hf_vocab_set(v, id, (Str){copy, text.len}, (int)type, err));
    v->scores[id] = score;
    return OK;
}

static Status read_numbers(HfVocab *v, Wire w, bool trainer, uint64_t *model_type, Err *err)
{
    Field f;
    while (w.s < w.end) {
        TRY(next_field(&w, &f, err));
        int64_t number = f.number <= INT32_MAX ? (int64_t)f.number : -1; /* -1 comes as ten bytes */
        if (f.kind != 0) continue;
        if (!trainer && f.field == 3) v->add_space = f.number != 0;
        if (!trainer) continue;
        if (f.field == 3) *model_type = f.number;
        if (f.field == 40) v->unk = number;
        if (f.field == 41) v->bos = number;
        if (f.field == 42) v->eos = number;
        if (f.field == 43) v->pad = number;
    }
    return OK;
}

Status hf_vocab_from_model(HfVocab *v, const uint8_t *data, size_t size, Err *err)
{
    Wire w = {data, data + size};
    Field f;
    uint64_t model_type = 1;
    int64_t n = 0;
    v->kind = "llama";
    v->pre = "default";
    v->has_scores = true;
    v->unk = 0, v->bos = 1, v->eos = 2;
    v->add_space = v->add_bos = 1, v->add_eos = 0;
    while (w.s < w.end) {
        TRY(next_field(&w, &f, err));
        if (f.kind == 2 && f.field == 1) TRY(read_piece(v, f.bytes, n++, err));
        if (f.kind == 2 && (f.field == 2 || f.field == 3)) TRY(read_numbers(v, f.bytes, f.field == 2, &model_type, err));
    }
    if (n == 0) return fail(err, E_FORMAT, "there are no pieces. HINT: is this a SentencePiece model?");
    if (model_type != 2)
        return fail(err, E_UNSUPPORTED, "a SentencePiece model of type %llu, 2 (merges) is known. HINT: the families "
                    "that can be converted have merges", (unsigned long long)model_type);
    /* Gemma's normaliser adds no blank, whatever its settings say. */
    if (strncmp(v->m->family->arch, "gemma", 5) == 0) v->add_space = 0;
    int64_t *const ids[] = {&v->unk, &v->bos, &v->eos, &v->pad};
    for (int i = 0; i < 4; i++)
        if (*ids[i] >= n) *ids[i] = -1;
    return OK;
}
