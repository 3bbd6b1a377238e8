/* options_table.c: every flag there is. */
#include "options_impl.h"

#define AT(field) offsetof(Options, field)
#define MODEL_VERBS (VERB_RUN | VERB_LOGITS | VERB_TOKENIZE | VERB_DETOKENIZE | VERB_BENCH |       \
                     VERB_PERPLEXITY | VERB_INSPECT)
#define FORWARD_VERBS (VERB_RUN | VERB_LOGITS | VERB_BENCH | VERB_PERPLEXITY)
#define ALL_VERBS 0xFFFFFFFFu
#define BIG 2147483647.0

const OptionRow option_rows[] = {
    {"model", "-m, --model", "FILE", OPT_STR, AT(model), 0, 0, MODEL_VERBS,
     "GGUF file (shard 1 of a split model); without it the embedded model"},
    {"model", "-lm, --load-mode", "MODE", OPT_STR, AT(load_mode), 0, 0, MODEL_VERBS,
     "auto, mmap or none (read into memory); default auto"},
    {"model", "--no-mmap", NULL, OPT_FLAG, AT(no_mmap), 0, 0, MODEL_VERBS, "same as -lm none"},

    {"text", "-p, --prompt", "TEXT", OPT_STR, AT(prompt), 0, 0, VERB_RUN,
     "the prompt; without -p and -f it is read from stdin if that is a pipe or a file"},
    {"text", "-f, --file", "FILE", OPT_STR, AT(prompt_file), 0, 0, VERB_RUN | VERB_PERPLEXITY,
     "read the text from a file"},
    {"text", "--bits", NULL, OPT_FLAG, AT(bits), 0, 0, VERB_PERPLEXITY,
     "the file has a document per line, {\"text\": ..., \"bits\": ...}: how many bits each needs"},
    {"text", "-e, --escape", NULL, OPT_FLAG, AT(escape), 0, 0, VERB_RUN,
     "turn \\n, \\t, \\\\, \\\", \\' and \\xHH in the prompt into characters"},
    {"text", "-n, --predict, --n-predict", "N", OPT_INT, AT(n_predict), -1, BIG, VERB_RUN,
     "tokens to generate; -1 (default): until the text ends or the context is full"},
    {"text", "--no-display-prompt", NULL, OPT_FLAG, AT(no_display_prompt), 0, 0, VERB_RUN,
     "do not print the prompt before the answer"},
    {"text", "-sp, --special", NULL, OPT_FLAG, AT(special), 0, 0, VERB_RUN | VERB_DETOKENIZE,
     "print control tokens too"},
    {"text", "--ignore-eos", NULL, OPT_FLAG, AT(ignore_eos), 0, 0, VERB_RUN,
     "never choose a token that ends the text"},

    {"tokens", "--tokens", "IDS", OPT_STR, AT(tokens), 0, 0, VERB_LOGITS,
     "token ids, e.g. 1,2,3; nothing is added to them"},
    {"tokens", "--greedy", "N", OPT_INT, AT(n_greedy), 0, BIG, VERB_LOGITS,
     "then choose and feed N tokens greedily; their ids go to stdout"},
    {"tokens", "--no-bos", NULL, OPT_FLAG, AT(no_bos), 0, 0, VERB_TOKENIZE,
     "add no bos, eos or other special token"},
    {"tokens", "--parse-special", NULL, OPT_FLAG, AT(parse_special), 0, 0, VERB_TOKENIZE,
     "recognise the texts of special tokens"},

    {"output", "-o, --output", "FILE", OPT_STR, AT(output), 0, 0, VERB_LOGITS,
     "raw little-endian f32 logits, one row per token"},
    {"output", "-o, --output", "FORMAT", OPT_STR, AT(output), 0, 0, VERB_BENCH,
     "md (default), json, jsonl or csv"},
    {"output", "--json", NULL, OPT_FLAG, AT(json), 0, 0, VERB_INSPECT, "one JSON object"},
    {"output", "--tensor", "NAME", OPT_STR, AT(tensor), 0, 0, VERB_INSPECT, "look at one tensor"},
    {"output", "--f32", "FILE", OPT_STR, AT(f32_file), 0, 0, VERB_INSPECT,
     "with --tensor: write its values as raw little-endian f32"},

    {"quantize", "--dry-run", NULL, OPT_FLAG, AT(dry_run), 0, 0, VERB_QUANTIZE,
     "only show what each tensor would become, and the size"},
    {"quantize", "--pure", NULL, OPT_FLAG, AT(pure), 0, 0, VERB_QUANTIZE,
     "one type for all matrices instead of a mix"},
    {"quantize", "--tensor-type", "PATTERN=TYPE", OPT_LIST, AT(tensor_types), 0, 0, VERB_QUANTIZE,
     "tensors whose name matches a regular expression; may be repeated, the first that fits wins"},
    {"quantize", "--output-tensor-type", "TYPE", OPT_STR, AT(output_type), 0, 0, VERB_QUANTIZE,
     "type of output.weight (or of the embedding that serves as it)"},
    {"quantize", "--token-embedding-type", "TYPE", OPT_STR, AT(token_embd_type), 0, 0, VERB_QUANTIZE,
     "type of token_embd.weight"},
    {"quantize", "--leave-output-tensor", NULL, OPT_FLAG, AT(leave_output), 0, 0, VERB_QUANTIZE,
     "keep output.weight as it is"},
    {"quantize", "--imatrix", "FILE", OPT_STR, AT(imatrix), 0, 0, VERB_QUANTIZE,
     "importance matrix (`sixfold imatrix`, GGUF or the older .dat)"},
    {"quantize", "--allow-requantize", NULL, OPT_FLAG, AT(allow_requantize), 0, 0, VERB_QUANTIZE,
     "no warning when the input is quantised already"},

    {"bench", "-p, --n-prompt", "N", OPT_INT, AT(bench_prompt), 0, 1e6, VERB_BENCH,
     "tokens of the prompt test; default 512, 0 = leave out"},
    {"bench", "-n, --n-gen", "N", OPT_INT, AT(bench_gen), 0, 1e6, VERB_BENCH,
     "tokens of the generation test; default 128, 0 = leave out"},
    {"bench", "-r, --repetitions", "N", OPT_INT, AT(repeats), 1, 1000, VERB_BENCH,
     "measured repeats of each test; default 5"},

    {"machine", "-t, --threads", "N", OPT_INT, AT(n_threads), 1, 256, FORWARD_VERBS | VERB_QUANTIZE,
     "threads; default: physical cores that this process may use"},
    {"machine", "--cpu-strict, --pin", NULL, OPT_FLAG, AT(pin), 0, 0, FORWARD_VERBS,
     "bind each thread to one core"},
    {"memory", "-c, --ctx-size", "N", OPT_INT, AT(n_ctx), 0, BIG, FORWARD_VERBS,
     "context in tokens; default 0: what the model was trained with (perplexity: 512,"
     " with --bits what the longest document needs)"},
    {"memory", "-b, --batch-size", "N", OPT_INT, AT(n_batch), 1, 65536, FORWARD_VERBS,
     "tokens submitted at once; default 2048"},
    {"memory", "-ub, --ubatch-size", "N", OPT_INT, AT(n_ubatch), 1, 65536, FORWARD_VERBS,
     "tokens computed at once; default 512, 1 = one token at a time"},
    {"memory", "-ctk, --cache-type-k", "TYPE", OPT_STR, AT(type_k), 0, 0, FORWARD_VERBS,
     "type of cached keys: f16 (default) or f32"},
    {"memory", "-ctv, --cache-type-v", "TYPE", OPT_STR, AT(type_v), 0, 0, FORWARD_VERBS,
     "type of cached values: f16 (default) or f32"},

    {"sampling", "--temp, --temperature", "T", OPT_FLOAT, AT(temp), -1, 1e30, VERB_RUN,
     "temperature; default 0.8, 0 = always the likeliest token"},
    {"sampling", "--top-k", "N", OPT_INT, AT(top_k), -1, BIG, VERB_RUN,
     "keep the N likeliest; default 40, 0 = all"},
    {"sampling", "--top-p", "P", OPT_FLOAT, AT(top_p), 0, 1, VERB_RUN,
     "keep the likeliest that add up to P; default 0.95, 1 = all"},
    {"sampling", "--min-p", "P", OPT_FLOAT, AT(min_p), 0, 1, VERB_RUN,
     "keep what is at least P times as likely as the best; default 0.05, 0 = all"},
    {"sampling", "--repeat-penalty", "R", OPT_FLOAT, AT(repeat_penalty), 1e-3, 1e3, VERB_RUN,
     "make recent tokens less likely; default 1 = off"},
    {"sampling", "--repeat-last-n", "N", OPT_INT, AT(repeat_last_n), -1, BIG, VERB_RUN,
     "how many tokens count as recent; default 64, -1 = all"},
    {"sampling", "-s, --seed", "S", OPT_INT, AT(seed), -1, 9.2e18, VERB_RUN,
     "seed of the random draws; default -1: a new one each time (printed with -v)"},

    {"general", "--profile", "[json]", OPT_OPTIONAL_STR, AT(profile), 0, 0, FORWARD_VERBS,
     "where the time went, on stderr: a table, or --profile=json"},
    {"general", "-v, --verbose", NULL, OPT_FLAG, AT(verbose), 0, 0, ALL_VERBS,
     "the memory plan, the kernels chosen, the seed"},
    {"general", "-q, --quiet", NULL, OPT_FLAG, AT(quiet), 0, 0, ALL_VERBS,
     "no progress and no timings on stderr"},
    {"general", "-h, --help", NULL, OPT_FLAG, AT(help), 0, 0, ALL_VERBS, "this text"},

    {NULL, "-ngl, --gpu-layers, --n-gpu-layers", "N", OPT_IGNORED, 0, 0, 0, ALL_VERBS, NULL},
    {NULL, "-ts, --tensor-split", "LIST", OPT_IGNORED, 0, 0, 0, ALL_VERBS, NULL},
    {NULL, "-mg, --main-gpu", "N", OPT_IGNORED, 0, 0, 0, ALL_VERBS, NULL},
    {NULL, "-sm, --split-mode", "MODE", OPT_IGNORED, 0, 0, 0, ALL_VERBS, NULL},
    {NULL, "-dev, --device", "LIST", OPT_IGNORED, 0, 0, 0, ALL_VERBS, NULL},
    {NULL, "-fa, --flash-attn", "MODE", OPT_IGNORED, 0, 0, 0, ALL_VERBS, NULL},
};

const int option_row_count = sizeof option_rows / sizeof *option_rows;
