/* rwkv.c: the tokenizer of RWKV World: at each place the longest token that fits, over bytes.
 *
 * Files store the bytes as printable text: \t \n \r \\ \xHH, everything else as it is.
 * Source: Peng et al. 2024 (Eagle and Finch), section 5. */
#include "tokenizer_impl.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* A backslash before anything unknown stands for itself. */
size_t tokenizer_rwkv_bytes(Str s, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i], next = i + 1 < s.len ? s.ptr[i + 1] : 0;
        bool two_digits = next == 'x' && i + 3 < s.len && hex(s.ptr[i + 2]) >= 0 &&
                          hex(s.ptr[i + 3]) >= 0;
        if (c != '\\') {
            out[n++] = c;
        } else if (two_digits) {
            out[n++] = (char)(hex(s.ptr[i + 2]) * 16 + hex(s.ptr[i + 3]));
            i += 3;
        } else if (next == 't' || next == 'n' || next == 'r' || next == '\\') {
            out[n++] = next == 't' ? '\t' : next == 'n' ? '\n' : next == 'r' ? '\r' : '\\';
            i++;
        } else {
            out[n++] = c;
        }
    }
    return n;
}

Status tokenizer_rwkv_open(Tokenizer *t, Arena *a, Err *err)
{
    int64_t n_bytes = 0;
    for (int32_t i = 0; i < t->vocab.n_tokens; i++) {
        if (t->vocab.texts[i].len > MAX_SPECIAL_BYTES)
            return fail(err, E_LIMIT, "token %d has a text of %zu bytes (limit %d) HINT: no RWKV "
                        "vocabulary has such tokens; download the file again", i,
                        t->vocab.texts[i].len, MAX_SPECIAL_BYTES);
        n_bytes += (int64_t)t->vocab.texts[i].len;
    }
    TRY(tokenizer_trie_open(&t->pieces, a, n_bytes, err));
    for (int b = 0; b < 256; b++) t->byte_ids[b] = -1;
    for (int32_t i = 0; i < t->vocab.n_tokens; i++) {
        char bytes[MAX_SPECIAL_BYTES];
        size_t n = tokenizer_rwkv_bytes(t->vocab.texts[i], bytes);
        if (t->types[i] == TOKEN_NORMAL) tokenizer_trie_add(&t->pieces, bytes, n, i);
        if (t->types[i] == TOKEN_NORMAL && n == 1) t->byte_ids[(unsigned char)bytes[0]] = i;
    }
    return OK;
}

//@ begin rwkv-encode
Status tokenizer_rwkv_encode(Encoder *e, const char *text, size_t n,
                             Err *err)
{
    const Trie *trie = &e->t->pieces;
    for (size_t at = 0, used; at < n; at += used) {
        /* The longest token that begins here; else one byte is unknown. */
        int32_t id = e->t->ids[ID_UNK];
        int32_t node = trie->first[(unsigned char)text[at]];
        used = 1;
        for (size_t len = 1; node; len++) {
            if (trie->nodes[node].id >= 0) {
                id = trie->nodes[node].id;
                used = len;
            }
            if (at + len == n) break;
            node = tokenizer_trie_child(trie, node,
                                        (unsigned char)text[at + len]);
        }
        if (id >= 0) TRY(tokens_push(e->out, id, err));
    }
    return OK;
}
//@ end rwkv-encode
