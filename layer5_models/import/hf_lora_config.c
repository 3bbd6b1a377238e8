/* hf_lora_config.c: adapter_config.json: how strong an adapter is, for all modules or for some of them, and the switches
 * that a GGUF adapter has no word for. */
#include "hf_lora_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static Status cannot(const char *what, const char *hint, Err *err)
{
    return fail(err, E_UNSUPPORTED, "adapter_config.json has %s, which a GGUF adapter cannot say. HINT: %s", what, hint);
}

/* Switches that change what A and B mean, or add to them. */
static Status check_switches(const Peft *p, Err *err)
{
    JsonView c = p->config.root;
    static const char *const flags[] = {"use_dora", "lora_bias", "use_qalora", "use_bdlora"};
    static const char *const lists[] = {"modules_to_save", "target_parameters", "trainable_token_indices",
                                        "layer_replication", "alora_invocation_tokens", "invocation_string",
                                        "kasa_config", "monteclora_config", "arrow_config"};
    static const char *const changed[] = {"pissa", "olora", "corda", "loftq", "lora_ga"};
    char text[96];
    JsonView kind = jsonview_get(c, "peft_type"), init = jsonview_get(c, "init_lora_weights");
    if (!jsonview_is(kind, "LORA"))
        return fail(err, E_UNSUPPORTED, "peft_type is %.*s, expected is \"LORA\". HINT: other kinds of adapters have no GGUF "
                    "form", kind.s ? (int)(kind.end - kind.s > 40 ? 40 : kind.end - kind.s) : 6, kind.s ? kind.s : "absent");
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        snprintf(text, sizeof text, "%s on", flags[i]);
        if (jsonview_true(jsonview_get(c, flags[i])))
            return cannot(text, "merge the adapter with PEFT (merge_and_unload) and convert the model", err);
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        JsonView v = jsonview_get(c, lists[i]);
        JsonWalk w = jsonview_walk(v);
        snprintf(text, sizeof text, "%s", lists[i]);
        if (jsonview_next(&w, NULL, NULL) || jsonview_kind(v) == JSON_TEXT)
            return cannot(text, "merge the adapter with PEFT (merge_and_unload) and convert the model", err);
    }
    JsonView bias = jsonview_get(c, "bias");
    if (bias.s && jsonview_kind(bias) != JSON_NULL && !jsonview_is(bias, "none"))
        return cannot("trained biases", "merge the adapter with PEFT (merge_and_unload) and convert the model", err);
    for (size_t i = 0; i < sizeof changed / sizeof *changed && init.s; i++)
        if (init.end - init.s > 2 && strncmp(init.s + 1, changed[i], strlen(changed[i])) == 0)
            return cannot("init_lora_weights that changed the base model", "save it as a plain LoRA with PEFT "
                          "(path_initial_model_for_weight_conversion)", err);
    return OK;
}

/* alpha_pattern: {"regular expression": number}; PEFT lets it match the end of a module's name. */
static Status read_patterns(Peft *p, Err *err)
{
    JsonWalk w = jsonview_walk(jsonview_get(p->config.root, "alpha_pattern"));
    JsonView key, value;
    QuantOverride *list = ARENA_NEW(&p->arena, QuantOverride, HF_LORA_PATTERNS);
    int n = 0;
    if (!list) return fail(err, E_MEMORY, "no memory for patterns");
    for (; jsonview_next(&w, &key, &value); n++) {
        Str text;
        Buf full = {0};
        if (n == HF_LORA_PATTERNS)
            return fail(err, E_LIMIT, "alpha_pattern has more than %d entries. HINT: one expression may match many modules",
                        HF_LORA_PATTERNS);
        TRY(jsonview_text(key, &p->arena, &text, err));
        if (!jsonview_number(value, &p->alphas[n]) || !isfinite(p->alphas[n]) || p->alphas[n] == 0)
            return fail(err, E_FORMAT, "alpha_pattern of '%.*s' is no number, or 0. HINT: the file is damaged",
                        STR_ARG(text));
        Status s = buf_printf(&full, err, "^(.*\\.)?(%.*s)$", (int)text.len, text.ptr);
        if (s == OK) list[n].pattern = arena_strndup(&p->arena, full.data, full.len);
        buf_close(&full);
        TRY(s);
        if (!list[n].pattern) return fail(err, E_MEMORY, "no memory for patterns");
    }
    if (!n) return OK;
    Err inner;
    Status s = quant_matcher_open(&p->patterns, list, n, &inner);
    return s == OK ? OK : fail(err, s == E_ARG ? E_FORMAT : s, "alpha_pattern of adapter_config.json cannot be used: %.200s",
                               inner.text);
}

Status hf_lora_read_config(Peft *p, Err *err)
{
    int64_t rank = 0;
    JsonView c = p->config.root;
    TRY(check_switches(p, err));
    if (!jsonview_int(jsonview_get(c, "r"), 1, 1 << 20, &rank))
        return fail(err, E_FORMAT, "adapter_config.json has no rank 'r' of 1 to %d. HINT: the file is damaged", 1 << 20);
    if (!jsonview_number(jsonview_get(c, "lora_alpha"), &p->alpha) || !isfinite(p->alpha) || p->alpha == 0)
        return fail(err, E_FORMAT, "lora_alpha in adapter_config.json is no number, or 0: the adapter would add nothing. "
                    "HINT: the file is damaged");
    p->by_root = jsonview_true(jsonview_get(c, "use_rslora"));
    p->file_alpha = (double)(float)(p->by_root ? p->alpha * sqrt((double)rank) : p->alpha);
    return read_patterns(p, err);
}
