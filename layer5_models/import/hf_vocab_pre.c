/* hf_vocab_pre.c: which of the known ways of cutting text into words a tokenizer.json describes.
 *
 * The file has the regular expressions themselves; GGUF has a name. So the expressions are put into the
 * form in which our list has them and compared. What is not in the list is refused: a model that sees its
 * words cut differently answers badly, and nobody knows why. */
#include "hf_vocab_impl.h"
#include "tokenizer_impl.h"

#include <string.h>

enum { MAX_CUTS = 8 };
#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)"
#define SIGNS "[\\p{P}\\$\\+<=>\\^~\\|`]+"

typedef struct {
    Str patterns[MAX_CUTS];
    int n;
} Cuts;

static Str str_of(const char *s) { return (Str){s, strlen(s)}; }

static Status add(Cuts *c, Str pattern, Err *err)
{
    if (c->n == MAX_CUTS)
        return fail(err, E_UNSUPPORTED, "tokenizer.json cuts words in more than %d ways. HINT: name the way with `convert --pre`",
                    MAX_CUTS);
    /* A last alternative for blanks changes nothing: what no pattern takes is a piece of its own. */
    static const char full[] = GPT2 "|\\s+";
    if (str_is(pattern, full)) pattern.len = sizeof GPT2 - 1;
    c->patterns[c->n++] = pattern;
    return OK;
}

static Status add_part(Cuts *c, JsonView part, Arena *a, Err *err)
{
    JsonView type = jsonview_get(part, "type"), regex = jsonview_get(jsonview_get(part, "pattern"), "Regex");
    JsonView uses = jsonview_get(part, "use_regex");
    Str text;
    if (jsonview_is(type, "ByteLevel")) return uses.s && !jsonview_true(uses) ? OK : add(c, str_of(GPT2), err);
    if (jsonview_is(type, "Digits"))
        return add(c, str_of(jsonview_true(jsonview_get(part, "individual_digits")) ? "\\p{N}" : "\\p{N}+"), err);
    if (jsonview_is(type, "Punctuation")) return add(c, str_of(SIGNS), err);
    if (jsonview_is(type, "Split") && regex.s) {
        TRY(jsonview_text(regex, a, &text, err));
        return add(c, text, err);
    }
    return fail(err, E_UNSUPPORTED, "tokenizer.json has a pre-tokenizer of type %.*s. HINT: name the way of cutting "
                "words with --pre", (int)(type.end - type.s > 30 ? 30 : type.end - type.s), type.s ? type.s : "(none)");
}

static bool fits(const Cuts *c, const PrePattern *patterns)
{
    int i = 0;
    for (; patterns[i].pattern; i++)
        if (i == c->n || patterns[i].mode != CUT_MATCHES || !str_is(c->patterns[i], patterns[i].pattern)) return false;
    return i == c->n;
}

Status hf_pre_find(const HfModel *m, const char **name, Err *err)
{
    Cuts c = {0};
    JsonView item, root = jsonview_get(m->tokenizer.root, "pre_tokenizer");
    JsonView list = jsonview_get(root, "pretokenizers");
    Arena a = {0};
    Status s = list.s ? OK : add_part(&c, root, &a, err);
    for (JsonWalk w = jsonview_walk(list); s == OK && jsonview_next(&w, NULL, &item);) s = add_part(&c, item, &a, err);
    bool whole = jsonview_true(jsonview_get(jsonview_get(m->tokenizer.root, "model"), "ignore_merges"));
    *name = NULL;
    /* 1. Falcon lists its digits twice. */
    if (s == OK && c.n == 4 && str_is(c.patterns[0], SIGNS) && str_is(c.patterns[1], GPT2) &&
        str_is(c.patterns[2], "\\p{N}+") && str_is(c.patterns[3], "[0-9][0-9][0-9]"))
        *name = "falcon";
    /* 2. The first of the list that cuts alike, and takes whole words alike. */
    for (int i = 0; s == OK && !*name && tokenizer_pre_name(i); i++) {
        const PreTokenizer *pre;
        s = tokenizer_pre_find(&pre, str_of(tokenizer_pre_name(i)), err);
        if (s == OK && fits(&c, pre->patterns) && !(pre->flags & PRE_RAW) &&
            !(pre->flags & PRE_IGNORE_MERGES) == !whole)
            *name = pre->name;
    }
    if (s == OK && *name && strcmp(*name, "llama3") == 0) *name = "llama-bpe"; /* as converters call it */
    if (s == OK && !*name)
        s = fail(err, E_UNSUPPORTED, "tokenizer.json cuts words with '%.*s', which is none of the known ways. HINT: name "
                 "one with `convert --pre` if you know that it does the same", STR_ARG(c.n ? c.patterns[0] : str_of("")));
    arena_close(&a);
    return s;
}
