/* tokenizer_impl.h: what is inside a Tokenizer, for the files of this folder.
 *
 * Reading order: vocab.c (texts and ids), vocab_special.c (bos, eos, ... and what ends generation),
 * bpe_rules.c and spm_rules.c (which pairs may merge), trie.c and special_split.c (control tokens in the
 * text), pre_patterns.c and pretokenize.c (text into words), encode.c and its quick twin encode_quick.c
 * with word_cache.c and pre_words.c, decode.c, tokenizer.c (opening).
 * Families that merge nothing: wpm.c with unicode.c, ugm.c with ugm_charsmap.c, rwkv.c. */
#ifndef SIXFOLD_TOKENIZER_IMPL_H
#define SIXFOLD_TOKENIZER_IMPL_H

#include "tokenizer.h"
#include "bpe_merge.h"
#include "pieces.h"
#include "tokenize.h"
#include "unicode.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
    MAX_VOCAB = 1 << 22,       /* tokens; ten times the largest in use */
    MAX_TOKEN_BYTES = 1 << 16,
    MAX_SPECIAL_BYTES = 1024,  /* of a text that is searched for in the input */
    MAX_PATTERNS = 6,          /* of one pre-tokenizer */
    TOKEN_FLAG_EOG = 1,        /* ends generation */
    TOKEN_FLAG_LSTRIP = 2,     /* eats white space to its left */
    TOKEN_FLAG_RSTRIP = 4      /* eats white space to its right */
};
#define MAX_TEXT_BYTES ((size_t)1 << 30)

#define SPACE_SIGN "\xE2\x96\x81" /* U+2581, which stands for a space in SPM texts */

/* ---- vocab.c: texts and ids ---- */

/* Open addressing; the tag is the upper half of the hash and saves most comparisons of texts. */
typedef struct {
    uint32_t tag;
    int32_t id; /* -1 = free */
} TextSlot;

/* Texts of all symbols: the tokens, then texts that occur in merges without being tokens. */
typedef struct {
    Str *texts;      /* [cap] the first n_tokens as in the file */
    int32_t n, cap;
    int32_t n_tokens;
    TextSlot *slots; /* [n_slots] */
    int64_t n_slots; /* power of two, at least twice n */
    uint64_t seed;   /* secret: nobody can choose texts that all collide */
    char *pool;      /* where made-up texts are written */
    size_t pool_left;
} Vocab;

uint64_t tokenizer_mix(uint64_t a, uint64_t b);
Status tokenizer_vocab_open(Vocab *v, Arena *a, const Gguf *g, Err *err);
int32_t tokenizer_vocab_find(const Vocab *v, const char *text, size_t n); /* any symbol, or -1 */
/* The symbol of a text, which becomes one (after the tokens) if it was none. */
Status tokenizer_vocab_intern(Vocab *v, Arena *a, Str text, int32_t *id, Err *err);

/* ---- the tables of the two families ---- */

typedef struct {
    uint32_t left, right, rank; /* rank BPE_NO_MERGE = free slot */
    int32_t result;
} PairSlot;

/* ---- trie.c: texts by their bytes ---- */

typedef struct TrieNode {
    int32_t child, sibling; /* 0 = none */
    int32_t id;             /* of the token that ends here, or -1 */
    unsigned char byte;
} TrieNode;

typedef struct {
    TrieNode *nodes; /* node 0 is nobody */
    int32_t n, cap;
    int32_t first[256]; /* node of a first byte, or 0 */
} Trie;

/* Room for texts of n_bytes in all. */
Status tokenizer_trie_open(Trie *trie, Arena *a, int64_t n_bytes, Err *err);
void tokenizer_trie_add(Trie *trie, const char *text, size_t n, int32_t id);
/* The node one byte further, 0 = none. A text begins with trie->first[byte]. */
static inline int32_t tokenizer_trie_child(const Trie *trie, int32_t node, unsigned char byte)
{
    int32_t c = trie->nodes[node].child;
    while (c && trie->nodes[c].byte != byte) c = trie->nodes[c].sibling;
    return c;
}

typedef enum {
    CUT_MATCHES, /* matches become pieces, and what lies between them too */
    CUT_THREES,  /* the same, and a match is cut again into threes from its right end */
    CUT_INSIDE   /* only these inner cuts; a match is not cut off from its neighbours */
} CutMode;

typedef struct {
    const char *pattern;
    CutMode mode;
    bool words; /* what tokenizer_plain_word sees is its first match too */
} PrePattern;

enum {
    PRE_IGNORE_MERGES = 1, /* a word that is a token is taken whole */
    PRE_ADD_BOS = 2,
    PRE_CLEAN = 4,         /* detokeniser clean-up */
    PRE_RAW = 8,           /* no byte alphabet: spaces become U+2581, symbols are characters */
    PRE_NO_BOS_ID = 16,    /* no default bos */
    PRE_NEWLINE_RUNS = 32, /* a run of newlines that is a token is taken whole */
    PRE_BLANKS_STAY = 64   /* raw, but spaces stay what they are */
};

typedef struct {
    const char *name;
    const PrePattern *patterns; /* up to MAX_PATTERNS, ended by a NULL pattern */
    unsigned flags;
} PreTokenizer;

/* The table's row, or E_UNSUPPORTED with the nearest name. */
Status tokenizer_pre_find(const PreTokenizer **pre, Str name, Err *err);

/* ---- the whole ---- */

enum { ID_BOS, ID_EOS, ID_EOT, ID_EOM, ID_UNK, ID_SEP, ID_FIM_PRE, ID_FIM_SUF, ID_FIM_MID, ID_FIM_PAD,
       ID_FIM_REP, ID_FIM_SEP, ID_COUNT };

struct Tokenizer {
    TokenizerKind kind;
    Vocab vocab;
    uint8_t *types;      /* [n_tokens] TokenType */
    uint8_t *flags;      /* [n_tokens] TOKEN_FLAG_ */
    int32_t ids[ID_COUNT];
    bool add_bos, add_eos, add_space_prefix, clean_spaces;

    bool glued[256];     /* SPM, BPE over characters: bytes that stand before U+2581 inside a symbol */
    uint32_t *priority;  /* SPM: [n_tokens] from the scores, smaller is more urgent */
    size_t longest;      /* SPM, WPM: bytes of the longest text */
    int32_t byte_ids[256];    /* token for a byte on its own, or -1 */
    bool byte_fallback;       /* UGM: it has all of them, for what no token covers */
    int32_t byte_symbols[256]; /* byte-level BPE: symbol of a byte; may lie beyond the tokens */
    int16_t bytes_of[324];    /* byte-level BPE: byte of a character of its alphabet, or -1 */
    PairSlot *pairs;     /* BPE: [n_pairs] */
    int64_t n_pairs;     /* power of two */

    Trie special;        /* texts of special tokens */
    Trie pieces;         /* UGM, RWKV: texts of the others */
    const float *scores; /* UGM: [n_tokens] */
    double unknown_score; /* UGM: of a character that no token covers */
    bool merge_spaces;   /* UGM: runs of spaces become one */
    Str charsmap, replacements; /* UGM: a double array, and the texts that it leads to */
    bool lowercase, strip_accents; /* WPM; lowercase also where words_only */
    bool words_only;     /* BPE: what lies between words has no tokens */
    UnicodeBases bases;  /* WPM */
    const PreTokenizer *pre; /* BPE only */
    pcre2_code *codes[MAX_PATTERNS];
    int n_codes;
};

/* vocab_special.c */
Status tokenizer_special_ids(Tokenizer *t, const Gguf *g, Err *err);
void tokenizer_special_texts(Tokenizer *t, const Gguf *g);

/* bpe_rules.c, spm_rules.c: fill the tables of the family; give the pair function. */
Status tokenizer_bpe_open(Tokenizer *t, Arena *a, const Gguf *g, Err *err);
Status tokenizer_spm_open(Tokenizer *t, Arena *a, const Gguf *g, Err *err);
uint32_t tokenizer_bpe_pair(const BpeRules *r, const BpeSymbol *a, const BpeSymbol *b, int32_t *id);
uint32_t tokenizer_spm_pair(const BpeRules *r, const BpeSymbol *a, const BpeSymbol *b, int32_t *id);
/* The value of a text "<0x0A>", exactly so with two hexadecimal digits, or of a text of one byte;
 * -1 for anything else. */
int tokenizer_byte_value(Str text);

/* special_split.c */
typedef struct {
    uint32_t pos;
    int32_t id;
} SpecialHit;
Status tokenizer_special_open(Tokenizer *t, Arena *a, Err *err);
/* hits gets SpecialHits from left to right; they do not overlap. */
Status tokenizer_find_special(const Tokenizer *t, const char *text, size_t n, bool parse_special,
                              Buf *hits, Err *err);

/* pretokenize.c: one thread's work area. Zero-initialise. */
typedef struct {
    Buf cuts[MAX_PATTERNS + 1]; /* uint32_t end of each piece */
    Buf clean;    /* text without invalid UTF-8 */
    pcre2_general_context *general;
    pcre2_match_context *context;
    pcre2_match_data *match;
    pcre2_jit_stack *stack;
} PreWork;
Status tokenizer_patterns_open(Tokenizer *t, Err *err);
void tokenizer_patterns_close(Tokenizer *t);
/* Ends of pieces of text[0 .. n-1], n > 0, in increasing order; valid until the next call. */
Status tokenizer_pretokenize(const Tokenizer *t, PreWork *w, const char *text, size_t n,
                             const uint32_t **ends, int64_t *n_pieces, Err *err);
/* What the i-th pattern alone makes of the piece text[0 .. n-1], in UTF-8 that PCRE2 can take: ends,
 * appended to cuts. quick: plain words are found without the pattern. */
Status tokenizer_cut_piece(const Tokenizer *t, PreWork *w, int i, bool quick, const char *text,
                           size_t begin, size_t end, Buf *cuts, Err *err);
/* Whether PCRE2 can take the text as it is. */
bool tokenizer_pre_takes(const char *text, size_t n);
void tokenizer_prework_close(PreWork *w);

/* pre_words.c: the end of the plain word at s[from], or 0 if it is none. */
size_t tokenizer_plain_word(const char *s, size_t n, size_t from);

/* ---- encode.c: one call of tokenizer_encode ---- */

struct Encoder {
    const Tokenizer *t;
    TokenList *out;
    const TextRange *plain; /* [n_plain] no special tokens here */
    int64_t n_plain;
    PreWork pre;
    Buf hits;    /* SpecialHit */
    Buf text;    /* a fragment with its spaces replaced, or a word */
    Buf symbols; /* BpeSymbol */
    Buf work;    /* of bpe_merge, of Viterbi */
    Buf cache;   /* CachedWord; empty = none */
};
/* The steps of both twins: the text as its family sees it (spaces as U+2581, small letters), then in e->text;
 * and one word, that is, a piece which no merge leaves. */
Status tokenizer_prepare(Encoder *e, const char **text, size_t *n, Err *err);
static inline bool tokenizer_writes_space_signs(const Tokenizer *t)
{
    return t->kind == TOKENIZER_SPM || (t->pre->flags & PRE_RAW && !(t->pre->flags & PRE_BLANKS_STAY));
}
Status tokenizer_encode_word(Encoder *e, const char *word, size_t n, Err *err);

/* ---- word_cache.c ---- */

typedef struct {
    char bytes[16]; /* padded with 0 */
    int32_t ids[7];
    uint8_t n_ids, name; /* stage * 32 + bytes; 0 = free slot */
} CachedWord;

/* Makes the cache if a text of n bytes is worth one. */
Status tokenizer_cache_open(Encoder *e, size_t n, Err *err);
/* The slot where the word is or would be, and the word itself in *key; NULL if it is too long. stage: of
 * the same bytes may become something else in another one. */
CachedWord *tokenizer_cache_slot(Encoder *e, int stage, const char *word, size_t n, CachedWord *key);
static inline bool tokenizer_cache_has(const CachedWord *slot, const CachedWord *key)
{
    return slot->name == key->name && memcmp(slot->bytes, key->bytes, sizeof key->bytes) == 0;
}

/* The ids of a word that was found; and the word put into its slot, with what it has appended to out since
 * `before`. It is not kept if that is too much, or if there is no slot. */
Status tokenizer_cache_copy(TokenList *out, const CachedWord *w, Err *err);
void tokenizer_cache_keep(CachedWord *slot, CachedWord *key, const TokenList *out, int64_t before);

/* wpm.c, ugm.c, rwkv.c: the tables of the family, and one fragment between special tokens. */
Status tokenizer_wpm_open(Tokenizer *t, Arena *a, const Gguf *g, Err *err);
Status tokenizer_ugm_open(Tokenizer *t, Arena *a, const Gguf *g, Err *err);
Status tokenizer_rwkv_open(Tokenizer *t, Arena *a, Err *err);
Status tokenizer_wpm_encode(Encoder *e, const char *text, size_t n, Err *err);
Status tokenizer_wpm_quick(Encoder *e, const char *text, size_t n, Err *err); /* the same ids */
Status tokenizer_ugm_encode(Encoder *e, const char *text, size_t n, Err *err);
Status tokenizer_rwkv_encode(Encoder *e, const char *text, size_t n, Err *err);
/* RWKV: the bytes of a stored text, at most s.len of them, to out; returns their number. */
size_t tokenizer_rwkv_bytes(Str s, char *out);

/* ugm_charsmap.c: checks and keeps the map of the file. */
Status tokenizer_charsmap_open(Tokenizer *t, const Gguf *g, Err *err);
/* What text[0 .. n-1], n > 0, begins with as the model wants it; *used gets the bytes of text. */
Str tokenizer_charsmap_next(const Tokenizer *t, const char *text, size_t n, size_t *used);

#endif
