/* arch_view.c: an example's numbers as a file in memory, read the way every file is. */
#include "arch_card_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool arch_number_next(const char **at, ArchNumber *n)
{
    const char *p = *at + strspn(*at, " ");
    if (!*p) return false;
    n->key = p;
    n->key_len = (int)strcspn(p, "=");
    n->value = p + n->key_len + 1;
    n->value_len = (int)strcspn(n->value, " ");
    *at = n->value + n->value_len;
    return true;
}

static Status put(Buf *b, uint64_t v, size_t n, Err *err) { return buf_append(b, &v, n, err); }

static Status put_str(Buf *b, const char *s, size_t n, Err *err)
{
    TRY(put(b, n, 8, err));
    return buf_append(b, s, n, err);
}

static Status put_number(Buf *b, const char *arch, const ArchNumber *n, Err *err)
{
    char key[96], value[32];
    int len = snprintf(key, sizeof key, "%s.%.*s", arch, n->key_len, n->key);
    snprintf(value, sizeof value, "%.*s", n->value_len, n->value);
    bool real = value[strlen(value) - 1] == 'f', yes = strcmp(value, "true") == 0;
    TRY(put_str(b, key, (size_t)len, err));
    if (yes || strcmp(value, "false") == 0) {
        TRY(put(b, GGUF_BOOL, 4, err));
        return put(b, yes, 1, err);
    }
    if (value[0] >= 'a') {
        TRY(put(b, GGUF_STRING, 4, err));
        return put_str(b, value, strlen(value), err);
    }
    float f = strtof(value, NULL);
    TRY(put(b, real ? GGUF_F32 : GGUF_U32, 4, err));
    return real ? buf_append(b, &f, 4, err) : put(b, strtoull(value, NULL, 10), 4, err);
}

/* Metadata and no tensors. */
static Status write_file(Buf *b, const ArchExample *e, int omit, Err *err)
{
    static const char arch[] = "general.architecture";
    ArchNumber n;
    uint64_t count = 1;
    int i = 0;
    for (const char *at = e->numbers; arch_number_next(&at, &n);) count += i++ != omit;
    TRY(buf_append(b, "GGUF\3\0\0\0", 8, err));
    TRY(put(b, 0, 8, err));
    TRY(put(b, count, 8, err));
    TRY(put_str(b, arch, sizeof arch - 1, err));
    TRY(put(b, GGUF_STRING, 4, err));
    TRY(put_str(b, e->arch, strlen(e->arch), err));
    i = 0;
    for (const char *at = e->numbers; arch_number_next(&at, &n);)
        if (i++ != omit) TRY(put_number(b, e->arch, &n, err));
    return OK;
}

/* What files of the family have: the norms that the descriptor names, the rest from the example. */
static BlockParts parts_of(const ArchView *v)
{
    const ArchNorms *n = &v->a->norms;
    unsigned has = v->e->has;
    return (BlockParts){
        .attn_norm = n->attn, .ffn_norm = n->ffn && !(n->ffn_optional && v->s.parallel),
        .attn_post_norm = n->attn_post, .ffn_post_norm = n->ffn_post,
        .attn_out_norm = n->attn_out, .ffn_out_norm = n->ffn_out,
        /* Families with LayerNorm may do without norms of q and k, and the examples do. */
        .qk_norm = v->s.qk_norm != QK_NORM_NONE && v->s.norm == NORM_RMS,
        .qkv_bias = has & HAS_QKV_BIAS, .o_bias = has & HAS_O_BIAS, .ffn_bias = has & HAS_FFN_BIAS,
        .sinks = has & HAS_SINKS, .select_bias = has & HAS_SELECT_BIAS,
        .shared_router = v->a->flags & ARCH_SHARED_ROUTED};
}

Status arch_view_open(ArchView *v, const ArchDesc *a, int omit, Err *err)
{
    *v = (ArchView){.a = a, .e = arch_example(a)};
    CHECK(v->e, "no example of the family '%s' in arch_example.c", a->name);
    TRY(write_file(&v->bytes, v->e, omit, err));
    TRY(gguf_open_memory(&v->g, v->bytes.data, v->bytes.len, err));
    TRY(hparams_read(&v->h, &v->g, err));
    TRY(arch_describe(a, &v->m, &v->s, &v->h, &v->g, err));
    v->parts = parts_of(v);
    return OK;
}

void arch_view_close(ArchView *v)
{
    gguf_close(&v->g);
    buf_close(&v->bytes);
}

BlockSpec arch_view_layer(const ArchView *v, int layer) { return arch_layer(&v->m, &v->s, &v->h, layer); }
