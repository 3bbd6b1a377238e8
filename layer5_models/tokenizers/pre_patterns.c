/* pre_patterns.c: how each known family cuts text into words, by the name in tokenizer.ggml.pre.
 *
 * A vocabulary was trained on words cut in one certain way and works badly with any other cut: with
 * digits in groups of three where training saw single digits, a model cannot add. The sets have
 * letters; the order within a set matters, since each pattern is applied to the pieces of the one
 * before. Written for PCRE2, four things differ from the patterns that models are published with:
 * class intersections [A&&[^B]] are complements of the other general categories (L, M, N, P, S, Z
 * and C cover everything); groups of three digits from the right end are cut by CUT_THREES, since a
 * look-ahead over a long run costs its length at every digit; runs before $ begin at their start for
 * the same reason; and a repeated group takes no step back where a step back cannot help.
 *
 * CUT_WORDS marks the patterns of which pre_words.c knows the first match where plain English begins. */
#include "tokenizer_impl.h"

#include <string.h>

/* Parts that many sets share. */
#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define CONTRACTIONS_LOWER "'s|'t|'re|'ve|'m|'ll|'d"
#define CONTRACTIONS_ASCII "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
#define WORD "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define SIGNS " ?[^\\s\\p{L}\\p{N}]+"
#define SPACES "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
/* Capitals then small letters; letters without case and marks count as both. */
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(upper, lower, end)                                                                   \
    "[^\\r\\n\\p{L}\\p{N}]?" upper "*" lower "+" end                                               \
    "|[^\\r\\n\\p{L}\\p{N}]?" upper "+" lower "*" end

#define P_GPT2 CONTRACTIONS_LOWER "| ?\\p{L}+| ?\\p{N}+|" SIGNS "|\\s+(?!\\S)"
#define P_LETTERS_SIGNS                                                                            \
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"                                        \
    "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|" SPACES
#define P_NO_PUNCTUATION " ?[^(\\s|.,!?…。，、।۔،)]+"
#define OTHERS "\\p{N}\\p{P}\\p{S}\\p{Z}\\p{C}" /* all categories but letters and marks */

#define SET(name, ...) static const PrePattern name[] = {__VA_ARGS__, {NULL, CUT_MATCHES, false}}
#define CUT(pattern) {pattern, CUT_MATCHES, false}
#define CUT_WORDS(pattern) {pattern, CUT_MATCHES, true}

SET(SET_A, CUT_WORDS(CONTRACTIONS "|" WORD "|\\p{N}{1,3}|" SIGNS "[\\r\\n]*|" SPACES));
SET(SET_B, CUT_WORDS(CONTRACTIONS "|" WORD "|\\p{N}|" SIGNS "[\\r\\n]*|" SPACES));
SET(SET_C, CUT_WORDS(CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
               "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" SPACES));
SET(SET_D, CUT_WORDS(P_GPT2));
SET(SET_E, CUT("\\p{N}"), CUT_WORDS(P_GPT2));
SET(SET_F, CUT("[\\p{P}\\$\\+<=>\\^~\\|`]+"), CUT_WORDS(P_GPT2), CUT("[0-9][0-9][0-9]"));
SET(SET_G, CUT("[\\r\\n]"),
    CUT_WORDS("\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿ"
        "ᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\\x{1F7D}ᾀ-ᾴᾶ-ᾼ\\x{1FBE}ῂ-ῄῆ-ῌῐ-\\x{1FD3}ῖ-"
        "\\x{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\\x{2126}ℨ\\x{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ"
        "-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+"),
    CUT("\\s?[!-/:-~！-／：-～‘-‟　-。]+"), CUT("(?<!\\s)\\s++$"), CUT("[一-龥ࠀ-一가-퟿]+"),
    CUT("\\p{N}+"));
SET(SET_H, CUT("[\\r\\n]"), CUT_WORDS("\\s?\\p{L}+"), CUT("\\s?\\p{P}+"), CUT("[一-龥ࠀ-一가-퟿]+"),
    CUT("\\p{N}"));
SET(SET_I, CUT("\\p{N}{1,3}"), CUT("[一-龥぀-ゟ゠-ヿ]+"), CUT_WORDS(P_LETTERS_SIGNS));
SET(SET_J, CUT_WORDS(CASED(UPPER, LOWER, "") "|\\p{N}|" SIGNS "[\\r\\n/]*|" SPACES));
SET(SET_K, CUT_WORDS(CASED(UPPER, LOWER, CONTRACTIONS "?") "|\\p{N}{1,3}|" SIGNS "[\\r\\n/]*|" SPACES));
SET(SET_L, CUT_WORDS(CASED("[^a-z" OTHERS "]", "[^A-Z" OTHERS "]", CONTRACTIONS_ASCII "?")
               "|\\p{N}{1,3}|" SIGNS "[\\r\\n/]*|" SPACES));
SET(SET_M, {"(?<!\\d)\\d++\\b", CUT_THREES, false},
    CUT_WORDS(CASED(UPPER, LOWER, CONTRACTIONS "?") "|\\p{N}{1,3}|" SIGNS "[\\r\\n/]*|" SPACES));
SET(SET_N, CUT(P_NO_PUNCTUATION));
SET(SET_O, CUT(P_NO_PUNCTUATION), CUT("\\p{N}"));
SET(SET_P, CUT("<sentinel:[0-9]+>"), CUT("(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z"),
    CUT("([\\t\\n]|    |  )"), CUT("\\p{N}"), CUT("[\\p{P}!-/:-@\\[-`{-~]"), CUT_WORDS(P_GPT2));
SET(SET_Q, CUT_WORDS("[\\p{Han}]+|"
               CASED("[^\\p{Ll}\\p{Han}" OTHERS "]", "[^\\p{Lu}\\p{Lt}\\p{Han}" OTHERS "]",
                     CONTRACTIONS "?")
               "|\\p{N}{1,3}|" SIGNS "[\\r\\n]*|" SPACES));
SET(SET_R, CUT("\\p{N}+"), {"\\d+", CUT_INSIDE, false});
SET(SET_S, CUT_WORDS("'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}"
               "| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"));
SET(SET_T, CUT_WORDS(CONTRACTIONS "|" WORD "|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" SPACES));
SET(SET_U, {"\\p{N}+", CUT_THREES, false},
    CUT("[一-鿿㐀-䶿\\x{F900}-\\x{FAFF}぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿가-힯ᄀ-ᇿ]+"), CUT_WORDS(P_LETTERS_SIGNS));
SET(SET_V, CUT("[^\\n]+|[\\n]+"),
    CUT_WORDS(CONTRACTIONS_ASCII "|" WORD "|\\p{N}|" SIGNS "[\\r\\n]*|" SPACES));
SET(SET_W, CUT(CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*+(?: \\p{L}\\p{M}*+)*+)++|\\p{N}|"
               SIGNS "[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"));
SET(SET_X, CUT("[^\\n]+|[\\n]+"));
SET(SET_Y, CUT("\\p{N}{1,3}"), CUT_WORDS(CONTRACTIONS "|" WORD "|\\p{N}+|" SIGNS "[\\r\\n]*|" SPACES));
SET(SET_Z, CUT("\\S+"));
/* Spaces are taken in blocks here, and at each block \s*[\r\n]+ would look through the whole run again;
 * but after a block without newlines there is none left in the run, so it is not asked again. */
SET(SET_AA, CUT_WORDS(CONTRACTIONS "|" WORD "|\\p{N}{1,3}|" SIGNS "[\\r\\n]*"
                "|(?<![^\\S\\r\\n])\\s*[\\r\\n]+"
                "|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)"
                "|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s{1}"));
SET(SET_AB, CUT("[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+"),
    CUT_WORDS(CASED(UPPER, LOWER, CONTRACTIONS_ASCII "?") "|\\p{N}|" SIGNS "[\\r\\n/]*|" SPACES));
SET(SET_AC, CUT("[\\p{P}\\$\\+<=>\\^~\\|]+"), CUT_WORDS(P_GPT2), CUT("\\p{N}+"), CUT("[0-9][0-9][0-9]"));

#define LLAMA3 SET_A, PRE_IGNORE_MERGES | PRE_ADD_BOS | PRE_CLEAN
static const PreTokenizer PRE_TOKENIZERS[] = {
    {"llama3", LLAMA3}, {"llama-v3", LLAMA3}, {"llama-bpe", LLAMA3}, {"falcon3", LLAMA3},
    {"falcon-h1", LLAMA3}, {"pixtral", LLAMA3}, {"midm-2.0", LLAMA3}, {"lfm2", LLAMA3},
    {"jina-v5-nano", LLAMA3},
    {"dbrx", SET_A, PRE_CLEAN}, {"smaug-bpe", SET_A, PRE_CLEAN},
    {"glm4", SET_A, PRE_CLEAN | PRE_NO_BOS_ID}, {"chatglm-bpe", SET_A, PRE_CLEAN | PRE_NO_BOS_ID},
    {"qwen2", SET_B, 0}, {"deepseek-r1-qwen", SET_B, 0}, {"kormo", SET_B, 0},
    {"f2llmv2", SET_B, 0}, {"hunyuan", SET_B, 0}, {"solar-open", SET_B, 0}, {"grok-2", SET_B, 0},
    {"stablelm2", SET_B, PRE_CLEAN}, {"megrez", SET_B, PRE_CLEAN},
    {"qwen35", SET_C, 0},
    {"gpt-2", SET_D, PRE_CLEAN}, {"phi-2", SET_D, PRE_CLEAN}, {"jina-es", SET_D, PRE_CLEAN},
    {"jina-de", SET_D, PRE_CLEAN}, {"jina-v2-es", SET_D, PRE_CLEAN},
    {"jina-v2-de", SET_D, PRE_CLEAN}, {"gigachat", SET_D, PRE_CLEAN},
    {"a.x-4.0", SET_D, PRE_CLEAN}, {"mellum", SET_D, PRE_CLEAN},
    {"modern-bert", SET_D, PRE_CLEAN}, {"mpt", SET_D, PRE_CLEAN}, {"olmo", SET_D, PRE_CLEAN},
    {"jais", SET_D, PRE_CLEAN}, {"exaone4", SET_D, PRE_CLEAN}, {"jina-v1-en", SET_D, PRE_CLEAN},
    {"jina-v2-code", SET_D, PRE_CLEAN}, {"roberta-bpe", SET_D, PRE_CLEAN},
    {"trillion", SET_D, 0}, {"granite-docling", SET_D, 0},
    {"starcoder", SET_E, PRE_CLEAN}, {"refact", SET_E, PRE_CLEAN},
    {"codeshell", SET_E, PRE_CLEAN}, {"exaone", SET_E, PRE_CLEAN},
    {"minerva-7b", SET_E, PRE_CLEAN}, {"mellum2", SET_E, PRE_CLEAN},
    {"command-r", SET_E, 0}, {"smollm", SET_E, 0},
    {"falcon", SET_F, PRE_CLEAN},
    {"deepseek-llm", SET_G, 0}, {"deepseek-coder", SET_H, 0},
    {"deepseek-v3", SET_I, 0}, {"hunyuan-dense", SET_I, 0}, {"joyai-llm", SET_I, 0},
    {"tekken", SET_J, PRE_IGNORE_MERGES | PRE_ADD_BOS},
    {"gpt-4o", SET_K, 0}, {"llama4", SET_K, 0}, {"kanana2", SET_K, 0}, {"talkie", SET_K, 0},
    {"minimax-m2", SET_K, 0},
    {"granite-embed-multi-97m", SET_L, PRE_IGNORE_MERGES},
    {"tiny_aya", SET_M, 0}, {"cohere2moe", SET_M, 0},
    {"bloom", SET_N, PRE_CLEAN}, {"gpt3-finnish", SET_N, PRE_CLEAN}, {"poro-chat", SET_N, 0},
    {"viking", SET_O, 0},
    {"chameleon", SET_P, PRE_ADD_BOS},
    {"kimi-k2", SET_Q, 0}, {"superbpe", SET_R, 0},
    {"bailingmoe", SET_S, 0}, {"bailingmoe2", SET_S, 0}, {"llada-moe", SET_S, 0},
    {"seed-coder", SET_T, 0}, {"afmoe", SET_U, 0}, {"laguna", SET_V, 0},
    {"exaone-moe", SET_W, PRE_CLEAN},
    {"gemma4", SET_X, PRE_CLEAN | PRE_RAW | PRE_ADD_BOS | PRE_NEWLINE_RUNS},
    {"granite-embed-multi-311m", SET_X, PRE_CLEAN | PRE_RAW | PRE_ADD_BOS},
    {"sarvam-moe", SET_X, PRE_RAW},
    {"minicpm5", SET_Y, PRE_IGNORE_MERGES | PRE_CLEAN},
    {"jais-2", SET_AA, PRE_CLEAN}, {"youtu", SET_AB, PRE_IGNORE_MERGES},
    {"whitespace", SET_Z, PRE_CLEAN | PRE_RAW | PRE_BLANKS_STAY},
    {"default", SET_AC, PRE_CLEAN},
};
enum { N_PRE = sizeof PRE_TOKENIZERS / sizeof *PRE_TOKENIZERS };

Status tokenizer_pre_find(const PreTokenizer **pre, Str name, Err *err)
{
    const char *names[N_PRE];
    for (int i = 0; i < N_PRE; i++) {
        *pre = &PRE_TOKENIZERS[i];
        if (str_is(name, (*pre)->name)) return OK;
        names[i] = (*pre)->name;
    }
    char word[64] = {0};
    memcpy(word, name.ptr, name.len < sizeof word - 1 ? name.len : sizeof word - 1);
    const char *near = nearest_word(word, names, N_PRE);
    return fail(err, E_UNSUPPORTED, "'tokenizer.ggml.pre' is '%.*s', which is none of the %d "
                "pre-tokenizers known here HINT: %s%s", STR_ARG(name), N_PRE,
                near ? "the nearest is " : "a wrong guess would spoil every answer, so none is made",
                near ? near : "");
}

const char *tokenizer_pre_name(int i)
{
    return i >= 0 && i < N_PRE ? PRE_TOKENIZERS[i].name : NULL;
}
