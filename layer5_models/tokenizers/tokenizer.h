/* tokenizer.h: text to ids and back, for the vocabulary in a GGUF file.
 *
 * Families, by tokenizer.ggml.model:
 *   llama   SPM   SentencePiece BPE: merge by scores
 *   gpt2    BPE   byte-level BPE: merge by ranks inside words that a pre-tokenizer pattern cuts
 *   gemma4  BPE   the same over characters, with U+2581 for a space
 *   bert    WPM   WordPiece: plain text, then the longest token from the left of each word
 *   t5      UGM   SentencePiece Unigram: of all ways to cut, the most probable
 *   rwkv    RWKV  the longest token from the left, over bytes
 * For SPM and BPE the merge loop is in the kernel table, op "bpe_merge": scan (look for the best pair
 * again and again, the naive twin) and heap (a priority queue and a linked list).
 *
 * Interface:
 * - tokenizer_open reads and checks everything (array lengths, ids, types, duplicate texts, UTF-8 is
 *   not required of tokens). The Tokenizer keeps views into the Gguf, which must stay open.
 * - Encoding never fails on bytes: invalid UTF-8 goes through byte tokens; where there are none (WPM,
 *   most of UGM) it is dropped or unknown. It fails on memory, on text beyond 1 GiB, and in SPM if the
 *   vocabulary has no token for a byte and no unknown token.
 * - WPM and UGM change the text (case, accents, spaces): decoding does not give it back.
 *   Byte-level BPE drops a byte that has no token, as its other implementations do;
 *   tokenizer_missing_bytes says how many of the 256 have none (usually 0).
 * - A Tokenizer is read-only after opening: any number of threads may use it at once.
 * - parse_special: whether texts of control tokens in the input become those tokens. Off for text
 *   that comes from users: "<|im_start|>" typed by a person is not a command.
 * Source: Kudo and Richardson 2018 (SentencePiece); Kudo 2018 (Unigram); Sennrich et al. 2016 (BPE);
 * Devlin et al. 2019 (WordPiece); GGUF keys. */
#ifndef SIXFOLD_TOKENIZER_H
#define SIXFOLD_TOKENIZER_H

#include "layer4.h"

typedef enum {
    TOKENIZER_SPM, TOKENIZER_BPE, TOKENIZER_WPM, TOKENIZER_UGM, TOKENIZER_RWKV
} TokenizerKind;

/* Values of tokenizer.ggml.token_type. */
typedef enum {
    TOKEN_UNDEFINED = 0, TOKEN_NORMAL = 1, TOKEN_UNKNOWN = 2, TOKEN_CONTROL = 3,
    TOKEN_USER_DEFINED = 4, TOKEN_UNUSED = 5, TOKEN_BYTE = 6
} TokenType;

typedef struct Tokenizer Tokenizer;

/* A growable list of ids. Zero-initialise; tokens_close frees. */
typedef struct {
    int32_t *ids;
    int64_t n, cap;
} TokenList;
Status tokens_push(TokenList *l, int32_t id, Err *err);
void tokens_close(TokenList *l);

typedef struct {
    bool add_special;   /* put bos first and eos last where the model wants them */
    bool parse_special; /* recognise texts of control and unknown tokens */
} EncodeOptions;

/* All memory comes from arena, but for the compiled patterns, which tokenizer_close frees. */
Status tokenizer_open(Tokenizer **t, Arena *arena, const Gguf *g, Err *err);
void tokenizer_close(Tokenizer *t); /* NULL is fine */

/* Appends the ids of text[0 .. n-1] to out. May be called from several threads at once. */
Status tokenizer_encode(const Tokenizer *t, const char *text, size_t n, EncodeOptions opt,
                        TokenList *out, Err *err);

/* The same with special tokens recognised, but for what touches bytes [from, to) of one of the ranges
 * plain[0 .. n_plain-1], which are in order: that is read letter by letter, whatever it looks like. */
typedef struct { size_t from, to; } TextRange;
Status tokenizer_encode_except(const Tokenizer *t, const char *text, size_t n, const TextRange *plain,
                               int64_t n_plain, TokenList *out, Err *err);

/* Bytes of one token as they appear in output; empty for control tokens unless special is set. Part
 * of a UTF-8 character is possible (see Utf8Stream). The bytes are appended to out. */
Status tokenizer_piece(const Tokenizer *t, int32_t id, bool special, Buf *out, Err *err);

/* Whole sequences: the pieces, with the rules that need context (the space that the encoder added in
 * front is removed; leading bos and trailing eos are not shown; clean-up of spaces before punctuation
 * only if clean_up is set and the vocabulary asks for it). Ids are checked: E_ARG names a bad one. */
Status tokenizer_decode(const Tokenizer *t, const int32_t *ids, int64_t n, bool special,
                        bool clean_up, Buf *out, Err *err);

TokenizerKind tokenizer_kind(const Tokenizer *t);
const char *tokenizer_pre(const Tokenizer *t);     /* name of the pre-tokenizer; "" but for BPE */
const char *tokenizer_pre_name(int i);             /* the i-th name known, NULL after the last */
int tokenizer_missing_bytes(const Tokenizer *t);
int32_t tokenizer_n_vocab(const Tokenizer *t);
int32_t tokenizer_bos(const Tokenizer *t);         /* -1 if there is none */
int32_t tokenizer_eos(const Tokenizer *t);
bool tokenizer_add_bos(const Tokenizer *t);
bool tokenizer_adds_space_prefix(const Tokenizer *t);
bool tokenizer_is_eog(const Tokenizer *t, int32_t id); /* ends generation: eos, eot, ... */
TokenType tokenizer_type(const Tokenizer *t, int32_t id);
Str tokenizer_text(const Tokenizer *t, int32_t id); /* as stored in the file */
int32_t tokenizer_find(const Tokenizer *t, const char *text, size_t n); /* id of a text or -1 */

#endif
