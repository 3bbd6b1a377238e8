/* fuzz_lora.c: any bytes at all are an adapter of a small container, or are refused with a hint; what is read
 * is sound: every row of every change can be made. */
#include "layer5.h"

#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(Buf *b, const void *bytes, size_t n) { CHECK(buf_append(b, bytes, n, NULL) == OK, "no memory"); }
static void put_u32(Buf *b, uint32_t v) { put(b, &v, sizeof v); }
static void put_u64(Buf *b, uint64_t v) { put(b, &v, sizeof v); }

static void put_str(Buf *b, const char *s)
{
    put_u64(b, strlen(s));
    put(b, s, strlen(s));
}

/* The model's side: a matrix, experts, an embedding that is the output too, a vector. All zeros. */
static void open_base(Gguf *g, Buf *file)
{
    static const struct { const char *name; uint32_t n_dims; uint64_t ne[3]; } tensors[] = {
        {"blk.0.attn_q.weight", 2, {8, 6, 1}}, {"blk.0.ffn_up_exps.weight", 3, {4, 3, 2}},
        {"token_embd.weight", 2, {4, 5, 1}}, {"blk.0.attn_q.bias", 1, {6, 1, 1}}};
    uint64_t offset = 0;
    Err err;
    put(file, "GGUF", 4);
    put_u32(file, 3);
    put_u64(file, 4);
    put_u64(file, 1);
    put_str(file, "general.architecture");
    put_u32(file, GGUF_STRING);
    put_str(file, "llama");
    for (int i = 0; i < 4; i++) {
        uint64_t n = 1;
        put_str(file, tensors[i].name);
        put_u32(file, tensors[i].n_dims);
        for (uint32_t k = 0; k < tensors[i].n_dims; k++) put_u64(file, tensors[i].ne[k]), n *= tensors[i].ne[k];
        put_u32(file, DT_F32);
        put_u64(file, offset);
        offset += (n * 4 + 31) / 32 * 32;
    }
    for (uint64_t end = (file->len + 31) / 32 * 32 + offset; file->len < end;) put(file, "", 1);
    CHECK(gguf_open_memory(g, file->data, file->len, &err) == OK, "%s", err.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Gguf base;
    Lora l;
    Err err;
    Buf file = {0};
    layer5_init();
    open_base(&base, &file);
    uint8_t *copy = mem_alloc(size);
    if (copy && size) memcpy(copy, data, size);
    if (copy && lora_open_memory(&l, copy, size, &base, &err) == OK) {
        float row[8] = {0};
        for (int64_t i = 0; i < l.n_parts; i++) {
            const LoraPart *p = &l.parts[i];
            CHECK(lora_find(&l, (Str){p->name, strlen(p->name)}) == p, "'%s' is lost", p->name);
            CHECK(p->n_in <= 8 && p->rank >= 1 && p->rank <= l.max_rank, "a rank of %d", p->rank);
            for (int64_t e = 0; e < p->n_expert; e++) {
                LowRank low = lora_low_rank(p, e, 1);
                for (int64_t r = 0; r < p->n_out; r++) lowrank_row(&low, r, row);
            }
        }
        lora_close(&l);
    } else if (copy) {
        CHECK(strstr(err.text, "HINT:"), "an error without a hint: %s", err.text);
    }
    mem_free(copy);
    gguf_close(&base);
    buf_close(&file);
    return 0;
}
