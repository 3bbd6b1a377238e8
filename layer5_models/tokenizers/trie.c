/* trie.c: a set of texts as a tree with one byte on each edge: all texts that begin at a place are found
 * by one walk. Children of a node are a list; the first byte, where lists would be longest, is a table. */
#include "tokenizer_impl.h"

Status tokenizer_trie_open(Trie *trie, Arena *a, int64_t n_bytes, Err *err)
{
    if (n_bytes >= INT32_MAX)
        return fail(err, E_LIMIT, "tokens have %lld bytes of text (limit %d) HINT: convert the model "
                    "again", (long long)n_bytes, INT32_MAX - 1);
    trie->cap = (int32_t)n_bytes + 1;
    trie->nodes = ARENA_NEW(a, TrieNode, trie->cap);
    if (!trie->nodes)
        return fail(err, E_MEMORY, "no memory for %lld bytes of token texts", (long long)n_bytes);
    trie->n = 1;
    return OK;
}

void tokenizer_trie_add(Trie *trie, const char *text, size_t n, int32_t id)
{
    int32_t node = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)text[i];
        int32_t next = i ? tokenizer_trie_child(trie, node, byte) : trie->first[byte];
        if (!next) {
            CHECK(trie->n < trie->cap, "trie of %d nodes is full", trie->cap);
            next = trie->n++;
            trie->nodes[next] = (TrieNode){.id = -1, .byte = byte};
            if (i) {
                trie->nodes[next].sibling = trie->nodes[node].child;
                trie->nodes[node].child = next;
            } else {
                trie->first[byte] = next;
            }
        }
        node = next;
    }
    trie->nodes[node].id = id;
}
