/* vocab_special.c: tokens that mean something: where text begins, where generation ends.
 *
 * A file names some of them by key (tokenizer.ggml.eos_token_id). Many files forget others, so
 * well-known texts are recognised as well: "<|im_end|>" ends a turn whatever the file says. */
#include "tokenizer_impl.h"

#include <ctype.h>
#include <string.h>

typedef struct {
    int slot;
    const char *key, *old_key; /* without "tokenizer.ggml." */
    const char *texts[12];
} SpecialRow;

static const SpecialRow SPECIALS[] = {
    {ID_BOS, "bos_token_id", NULL, {NULL}},
    {ID_EOS, "eos_token_id", NULL, {NULL}},
    {ID_UNK, "unknown_token_id", NULL, {NULL}},
    {ID_SEP, "seperator_token_id", NULL, {NULL}}, /* so spelt in all files */
    {ID_EOT, "eot_token_id", NULL,
     {"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>",
      "<EOT>", "_<EOT>", "[EOT]", "<｜end▁of▁sentence｜>", "<end_of_utterance>", NULL}},
    {ID_EOM, "eom_token_id", NULL, {"<|eom_id|>", NULL}},
    {ID_FIM_PRE, "fim_pre_token_id", "prefix_token_id",
     {"<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>",
      "<|code_prefix|>", "<|prefix|>", NULL}},
    {ID_FIM_SUF, "fim_suf_token_id", "suffix_token_id",
     {"<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>",
      "<|code_suffix|>", "<|suffix|>", NULL}},
    {ID_FIM_MID, "fim_mid_token_id", "middle_token_id",
     {"<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>",
      "<|code_middle|>", "<|middle|>", NULL}},
    {ID_FIM_PAD, "fim_pad_token_id", NULL,
     {"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]", NULL}},
    {ID_FIM_REP, "fim_rep_token_id", NULL,
     {"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>", NULL}},
    {ID_FIM_SEP, "fim_sep_token_id", NULL, {"<|file_sep|>", NULL}},
};

static const char *const END_TEXTS[] = {
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
    "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
    "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>",
    "<｜end▁of▁sentence｜>", "[e~[",
};
static const char *const SHOWN_TEXTS[] = {"<|channel|>", "<|message|>", "<|start|>",
                                          "<|constrain|>"};

enum { N_SPECIALS = sizeof SPECIALS / sizeof *SPECIALS,
       N_END_TEXTS = sizeof END_TEXTS / sizeof *END_TEXTS,
       N_SHOWN_TEXTS = sizeof SHOWN_TEXTS / sizeof *SHOWN_TEXTS };

static int32_t find(const Tokenizer *t, const char *text)
{
    return tokenizer_find(t, text, strlen(text));
}

/* An id of the file that is outside the vocabulary is no id: the default stays. */
static Status read_id(Tokenizer *t, const Gguf *g, const SpecialRow *row, const char *key, Err *err)
{
    char full[80] = "tokenizer.ggml.";
    strncat(full, key, sizeof full - strlen(full) - 1);
    int64_t id = -1;
    TRY(gguf_get_int(g, full, INT64_MIN, INT64_MAX, &id, err));
    if (id >= 0 && id < t->vocab.n_tokens) t->ids[row->slot] = (int32_t)id;
    return OK;
}

Status tokenizer_special_ids(Tokenizer *t, const Gguf *g, Err *err)
{
    for (int i = 0; i < ID_COUNT; i++)
        if (t->ids[i] >= t->vocab.n_tokens) t->ids[i] = -1;
    for (int i = 0; i < N_SPECIALS; i++) {
        if (SPECIALS[i].old_key) TRY(read_id(t, g, &SPECIALS[i], SPECIALS[i].old_key, err));
        TRY(read_id(t, g, &SPECIALS[i], SPECIALS[i].key, err));
    }
    TRY(gguf_get_bool(g, "tokenizer.ggml.add_bos_token", &t->add_bos, err));
    TRY(gguf_get_bool(g, "tokenizer.ggml.add_eos_token", &t->add_eos, err));
    return gguf_get_bool(g, "tokenizer.ggml.add_space_prefix", &t->add_space_prefix, err);
}

static bool is_end(const Tokenizer *t, const char *text)
{
    int32_t id = find(t, text);
    return id >= 0 && t->flags[id] & TOKEN_FLAG_EOG;
}

/* In two families a text ends something smaller than the answer. */
static void undo_end(Tokenizer *t, const char *text, TokenType type)
{
    int32_t id = find(t, text);
    if (id < 0) return;
    t->flags[id] &= (uint8_t)~TOKEN_FLAG_EOG;
    t->types[id] = (uint8_t)type;
}

/* Which tokens eat the white space beside them is not stored in files; it follows the name. */
static void set_strips(Tokenizer *t, const Gguf *g)
{
    Str name = {"", 0};
    if (gguf_get_str(g, "general.name", &name, NULL) != OK) return;
    char low[64] = {0};
    for (size_t i = 0; i < name.len && i + 1 < sizeof low; i++)
        low[i] = (char)tolower((unsigned char)name.ptr[i]);
    int32_t mask = find(t, "[MASK]");
    if (strstr(low, "modern-bert") && mask >= 0) t->flags[mask] |= TOKEN_FLAG_LSTRIP;
    if (t->pre && strncmp(t->pre->name, "jina-v2-", 8) == 0 && (mask = find(t, "<mask>")) >= 0)
        t->flags[mask] |= TOKEN_FLAG_LSTRIP;
    if (!strstr(low, "phi-3") && !strstr(low, "phi3")) return;
    for (int32_t i = 0; i < t->vocab.n_tokens; i++) {
        int type = t->types[i];
        if (type == TOKEN_CONTROL || type == TOKEN_UNKNOWN || type == TOKEN_USER_DEFINED)
            t->flags[i] |= TOKEN_FLAG_RSTRIP;
    }
    static const char *const keep[] = {"<unk>", "<s>", "<|endoftext|>"};
    for (int i = 0; i < 3; i++) {
        int32_t id = find(t, keep[i]);
        if (id >= 0) t->flags[id] &= (uint8_t)~TOKEN_FLAG_RSTRIP;
    }
}

void tokenizer_special_texts(Tokenizer *t, const Gguf *g)
{
    /* 1. Roles that no key gave: the first known text. Such a token is a control token. */
    for (int i = 0; i < N_SPECIALS; i++) {
        int32_t *id = &t->ids[SPECIALS[i].slot];
        for (const char *const *s = SPECIALS[i].texts; *s && *id < 0; s++)
            if ((*id = find(t, *s)) >= 0) t->types[*id] = TOKEN_CONTROL;
    }

    /* 2. What ends generation: by role and by text. */
    static const int ends[] = {ID_EOS, ID_EOT, ID_EOM, ID_FIM_PAD, ID_FIM_REP, ID_FIM_SEP};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (t->ids[ends[i]] >= 0) t->flags[t->ids[ends[i]]] |= TOKEN_FLAG_EOG;
    for (int i = 0; i < N_END_TEXTS; i++) {
        int32_t id = find(t, END_TEXTS[i]);
        if (id < 0) continue;
        t->flags[id] |= TOKEN_FLAG_EOG;
        t->types[id] = TOKEN_CONTROL;
    }

    /* 3. Exceptions: where messages end with <|return|> or <|call|>, <|end|> ends a part of one. */
    bool calls = is_end(t, "<|call|>") || is_end(t, "<|calls|>");
    if (calls && (is_end(t, "<|return|>") || is_end(t, "<|flush|>")))
        undo_end(t, "<|end|>", TOKEN_USER_DEFINED);
    if (is_end(t, "<|tool_response>")) undo_end(t, "</s>", TOKEN_NORMAL);
    for (int i = 0; i < N_SHOWN_TEXTS; i++) {
        int32_t id = find(t, SHOWN_TEXTS[i]);
        if (id >= 0) t->types[id] = TOKEN_USER_DEFINED;
    }
    set_strips(t, g);
}
