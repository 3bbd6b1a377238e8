/* mkwired.c: writes models/wired.gguf, a transformer whose every weight is set by a formula.
 *
 * It completes patterns: after "... A B ... A" it says B. Two layers, two heads of 32, width 64, no
 * training. The width is cut into subspaces (one-hot codes of 19 words):
 *
 *     0..18   cur    which word stands here            written by the embedding
 *    19..37   prev   which word stands before it       written by head 0.0
 *    38..56   next   which word should follow          written by head 1.0
 *    57      next is the end of the text              written by head 1.0
 *    58      this is <s>                              written by the embedding
 *    59      constant one                             written by the embedding
 *
 * Head 0.0 looks at the previous token. Its keys are the same constant at every position, turned by
 * RoPE to angle n*theta_j; its query is that constant turned back by one step, so at position m it
 * stands at (m-1)*theta_j. The score is sum_j A^2 cos((m-1-n) theta_j): largest at n = m-1. Its values
 * carry `cur`, its output writes them into `prev`.
 *
 * Head 1.0 completes. Query: the word here. Key: the word before the key's position. They match where
 * an earlier word was followed by something; the value is what followed, written into `next`. With no
 * match the head rests on <s>, which matches everything half as well and whose value says "end". A weak
 * term in cos((m-n) theta_2) prefers recent matches.
 *
 * Heads 0.1 and 1.1 and the feed-forward layers are all zero. A head has 16 rotary pairs: pairs 0..5
 * turn fast and serve positions; pairs 6..15 turn by less than 0.001 per step and serve content.
 * Source of the idea: Olsson et al. 2022, "In-context learning and induction heads". */
#include "layer1.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    D = 64, D_HEAD = 32, N_HEAD = 2, N_LAYER = 2, D_FF = 32,
    N_WORDS = 19, CUR = 0, PREV = 19, NEXT = 38, NEXT_END = 57, IS_BOS = 58, ONE = 59,
    POSITION_PAIRS = 6, CONTENT = 2 * POSITION_PAIRS, /* first content dimension of a head */
    BOS_MATCH = CONTENT + N_WORDS,                    /* last dimension of a head: 31 */
    MAX_VOCAB = 160
};

static const double BASE = 1e8;      /* theta_j = BASE^(-2j/32): 1, 0.32, 0.1, ... */
static const double POSITION = 16.0; /* A: scores differ by at least A^2 * 0.5 / sqrt(32) = 23 */
static const double MATCH = 16.0;    /* B: a match scores B^2 / sqrt(32) = 45, <s> half of it */
static const double RECENT = 4.0;    /* recency, squared: at most 16 / sqrt(32) = 3 */
static const double ANSWER = 12.0;   /* logit of the answer; all others are 0 */

static const char *const words[N_WORDS] = {".",   "the", "a",   "cat", "dog", "bird", "fish",
                                           "saw", "ate", "and", "ran", "to",  "big",  "red",
                                           "old", "sun", "moon", "tree", "sang"};

typedef struct {
    char text[MAX_VOCAB][24];
    int word[MAX_VOCAB]; /* which word the token is, -1 for none */
    int n;
} Vocab;

static int vocab_find(const Vocab *v, const char *text)
{
    for (int i = 0; i < v->n; i++)
        if (strcmp(v->text[i], text) == 0) return i;
    return -1;
}

static void vocab_add(Vocab *v, const char *text, int word)
{
    int at = vocab_find(v, text);
    if (at < 0) {
        CHECK(v->n < MAX_VOCAB, "more than %d tokens", MAX_VOCAB);
        at = v->n++;
        snprintf(v->text[at], sizeof v->text[at], "%s", text);
        v->word[at] = -1;
    }
    if (word >= 0) v->word[at] = word;
}

/* <unk> <s> </s>, the blank, letters, and every word with all its beginnings: the tokenizer builds a
 * word by merging from the left, so each beginning must be a token. */
static void make_vocab(Vocab *v)
{
    static const char blank[] = "\xE2\x96\x81";
    char text[24];
    vocab_add(v, "<unk>", -1);
    vocab_add(v, "<s>", -1);
    vocab_add(v, "</s>", -1);
    vocab_add(v, blank, -1);
    for (char c = 'a'; c <= 'z'; c++) vocab_add(v, (char[]){c, 0}, -1);
    vocab_add(v, ".", 0);
    for (int w = 0; w < N_WORDS; w++)
        for (size_t k = 1; k <= strlen(words[w]); k++) {
            snprintf(text, sizeof text, "%s%.*s", blank, (int)k, words[w]);
            vocab_add(v, text, k == strlen(words[w]) ? w : -1);
        }
}

/* ---------------------------------------------------------------- the weights */

/* w[o][i]: row o of the output, column i of the input. */
typedef struct { float at[D][D]; } Matrix;

/* Head h's dimension j is row (or, for the output matrix, column) 32 h + j; both active heads are
 * head 0 of their layer. */
static double theta(int pair) { return pow(BASE, -2.0 * pair / D_HEAD); }

//@ begin wired-previous
static void previous_head(Matrix *q, Matrix *k, Matrix *v, Matrix *o)
{
    for (int j = 0; j < POSITION_PAIRS; j++) {
        /* Key: (A, 0). Query: (A, 0) turned back by one step. */
        k->at[2 * j][ONE] = (float)POSITION;
        q->at[2 * j][ONE] = (float)(POSITION * cos(theta(j)));
        q->at[2 * j + 1][ONE] = (float)(-POSITION * sin(theta(j)));
    }
    for (int w = 0; w < N_WORDS; w++) {
        v->at[w][CUR + w] = 1;
        o->at[PREV + w][w] = 1;
    }
}
//@ end wired-previous

//@ begin wired-induction
static void induction_head(Matrix *q, Matrix *k, Matrix *v, Matrix *o)
{
    for (int w = 0; w < N_WORDS; w++) {
        q->at[CONTENT + w][CUR + w] = (float)MATCH;  /* the word here */
        k->at[CONTENT + w][PREV + w] = (float)MATCH; /* the word before */
        v->at[w][CUR + w] = 1;                       /* what followed */
        o->at[NEXT + w][w] = 1;
    }
    q->at[BOS_MATCH][ONE] = (float)(MATCH / 2);
    k->at[BOS_MATCH][IS_BOS] = (float)MATCH;
    v->at[N_WORDS][IS_BOS] = 1;
    o->at[NEXT_END][N_WORDS] = 1;
    q->at[4][ONE] = k->at[4][ONE] = (float)RECENT;   /* pair 2 */
}
//@ end wired-induction

/* ---------------------------------------------------------------- the file */

static Status put_f16(GgufWriter *w, const float *x, int64_t n, Err *err)
{
    for (int64_t i = 0; i < n; i++) {
        uint16_t h = f32_to_f16(x[i]);
        TRY(gguf_write_data(w, &h, sizeof h, err));
    }
    return OK;
}

/* Gain that undoes RMSNorm for a vector with n_ones ones: 1 / (sqrt(n_ones / D)) inverted. */
static Status put_norm(GgufWriter *w, int n_ones, Err *err)
{
    float gain[D];
    for (int i = 0; i < D; i++) gain[i] = sqrtf((float)n_ones / D);
    return gguf_write_data(w, gain, sizeof gain, err);
}

static Status put_metadata(GgufWriter *w, const Vocab *v, Err *err)
{
    TRY(gguf_put_str(w, "general.architecture", "llama", err));
    TRY(gguf_put_str(w, "general.name", "wired", err));
    TRY(gguf_put_str(w, "general.description", "Completes patterns (A B ... A -> B). Every weight is "
                     "set by a formula: see tools/mkwired.c.", err));
    TRY(gguf_put_str(w, "general.license", "MIT", err));
    TRY(gguf_put_u32(w, "general.file_type", 1, err));
    TRY(gguf_put_u32(w, "llama.context_length", 128, err));
    TRY(gguf_put_u32(w, "llama.embedding_length", D, err));
    TRY(gguf_put_u32(w, "llama.block_count", N_LAYER, err));
    TRY(gguf_put_u32(w, "llama.feed_forward_length", D_FF, err));
    TRY(gguf_put_u32(w, "llama.attention.head_count", N_HEAD, err));
    TRY(gguf_put_u32(w, "llama.attention.head_count_kv", N_HEAD, err));
    TRY(gguf_put_u32(w, "llama.rope.dimension_count", D_HEAD, err));
    TRY(gguf_put_f32(w, "llama.rope.freq_base", (float)BASE, err));
    TRY(gguf_put_f32(w, "llama.attention.layer_norm_rms_epsilon", 1e-6f, err));
    TRY(gguf_put_u32(w, "llama.vocab_size", (uint32_t)v->n, err));

    Str tokens[MAX_VOCAB];
    float scores[MAX_VOCAB];
    int32_t types[MAX_VOCAB];
    for (int i = 0; i < v->n; i++) {
        tokens[i] = (Str){v->text[i], strlen(v->text[i])};
        scores[i] = (float)tokens[i].len; /* longer pieces merge first */
        types[i] = i == 0 ? 2 : i < 3 ? 3 : 1;
    }
    TRY(gguf_put_str(w, "tokenizer.ggml.model", "llama", err));
    TRY(gguf_put_strings(w, "tokenizer.ggml.tokens", tokens, v->n, err));
    TRY(gguf_put_array(w, "tokenizer.ggml.scores", GGUF_F32, scores, v->n, err));
    TRY(gguf_put_array(w, "tokenizer.ggml.token_type", GGUF_I32, types, v->n, err));
    TRY(gguf_put_u32(w, "tokenizer.ggml.bos_token_id", 1, err));
    TRY(gguf_put_u32(w, "tokenizer.ggml.eos_token_id", 2, err));
    return gguf_put_u32(w, "tokenizer.ggml.unknown_token_id", 0, err);
}

static Status declare(GgufWriter *w, int layer, const char *name, DType type, int64_t n0, int64_t n1,
                      Err *err)
{
    char full[64];
    if (layer >= 0) snprintf(full, sizeof full, "blk.%d.%s.weight", layer, name);
    else snprintf(full, sizeof full, "%s.weight", name);
    return gguf_put_tensor(w, full, type, n1 ? 2 : 1, (int64_t[]){n0, n1}, err);
}

static Status declare_tensors(GgufWriter *w, int n_vocab, Err *err)
{
    TRY(declare(w, -1, "token_embd", DT_F16, D, n_vocab, err));
    for (int l = 0; l < N_LAYER; l++) {
        TRY(declare(w, l, "attn_norm", DT_F32, D, 0, err));
        TRY(declare(w, l, "attn_q", DT_F16, D, D, err));
        TRY(declare(w, l, "attn_k", DT_F16, D, D, err));
        TRY(declare(w, l, "attn_v", DT_F16, D, D, err));
        TRY(declare(w, l, "attn_output", DT_F16, D, D, err));
        TRY(declare(w, l, "ffn_norm", DT_F32, D, 0, err));
        TRY(declare(w, l, "ffn_gate", DT_F16, D, D_FF, err));
        TRY(declare(w, l, "ffn_up", DT_F16, D, D_FF, err));
        TRY(declare(w, l, "ffn_down", DT_F16, D_FF, D, err));
    }
    TRY(declare(w, -1, "output_norm", DT_F32, D, 0, err));
    return declare(w, -1, "output", DT_F16, D, n_vocab, err);
}

/* The embedding (out = false) and the output matrix (out = true), one row per token. */
static Status put_token_rows(GgufWriter *w, const Vocab *v, bool out, Err *err)
{
    for (int i = 0; i < v->n; i++) {
        float row[D] = {0};
        bool is_word = v->word[i] >= 0, alone = is_word && v->text[i][0] == '.';
        if (!out) {
            row[ONE] = 1;
            if (is_word) row[CUR + v->word[i]] = 1;
            if (i == 1) row[IS_BOS] = 1;
        } else {
            if (is_word && !alone) row[NEXT + v->word[i]] = (float)ANSWER;
            if (i == 2) row[NEXT_END] = (float)ANSWER;
        }
        TRY(put_f16(w, row, D, err));
    }
    return OK;
}

static Status put_layers(GgufWriter *w, Err *err)
{
    static const float zero[D * D];
    for (int l = 0; l < N_LAYER; l++) {
        Matrix q = {{{0}}}, k = {{{0}}}, v = {{{0}}}, o = {{{0}}};
        if (l == 0) previous_head(&q, &k, &v, &o);
        else induction_head(&q, &k, &v, &o);
        /* A word has 2 ones before layer 0 (cur, one) and 3 before layer 1 (and prev). */
        TRY(put_norm(w, l == 0 ? 2 : 3, err));
        TRY(put_f16(w, q.at[0], D * D, err));
        TRY(put_f16(w, k.at[0], D * D, err));
        TRY(put_f16(w, v.at[0], D * D, err));
        TRY(put_f16(w, o.at[0], D * D, err));
        TRY(put_norm(w, D, err));
        for (int m = 0; m < 3; m++) TRY(put_f16(w, zero, D * D_FF, err));
    }
    return put_norm(w, 4, err); /* cur, one, prev, next */
}

static Status write_model(const char *path, Err *err)
{
    static Vocab v;
    GgufWriter *w = NULL;
    make_vocab(&v);
    TRY(gguf_writer_open(&w, 64, err));
    Status s = put_metadata(w, &v, err);
    if (s == OK) s = declare_tensors(w, v.n, err);
    if (s == OK) s = gguf_write_header(w, path, err);
    if (s == OK) s = put_token_rows(w, &v, false, err);
    if (s == OK) s = put_layers(w, err);
    if (s == OK) s = put_token_rows(w, &v, true, err);
    if (s == OK) s = gguf_writer_finish(w, err);
    gguf_writer_close(w);
    return s;
}

int main(int argc, char **argv)
{
    Err err;
    if (argc != 2) {
        fprintf(stderr, "usage: mkwired OUT.gguf\n");
        return 2;
    }
    if (write_model(argv[1], &err) == OK) return 0;
    fprintf(stderr, "error: %s\n", err.text);
    return 1;
}
