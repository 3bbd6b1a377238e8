/* arch.c: the list of known architectures. */
#include "arch.h"

#include "archs_impl.h"

#include <stdio.h>
#include <string.h>

static const ArchDesc *const known[] = {
    &arch_llama,     &arch_qwen2,    &arch_qwen2moe, &arch_qwen3,      &arch_qwen3moe,
    &arch_gemma,     &arch_gemma2,   &arch_gemma3,   &arch_phi2,       &arch_phi3,
    &arch_gpt2,      &arch_gptj,     &arch_gptneox,  &arch_falcon,     &arch_bloom,
    &arch_mpt,       &arch_starcoder, &arch_starcoder2, &arch_stablelm, &arch_olmo2,
    &arch_command_r, &arch_granite,  &arch_granitemoe, &arch_internlm2, &arch_gpt_oss,
    &arch_bert,      &arch_nomic_bert, &arch_deepseek2, &arch_mamba,   &arch_mamba2,
    &arch_nemotron,
};

enum { N_KNOWN = sizeof known / sizeof *known };

int arch_count(void) { return N_KNOWN; }
const ArchDesc *arch_at(int i) { return i >= 0 && i < N_KNOWN ? known[i] : NULL; }

const ArchDesc *arch_find(Str name)
{
    for (int i = 0; i < N_KNOWN; i++)
        if (str_is(name, known[i]->name)) return known[i];
    return NULL;
}

Status arch_refuse(Str name, Err *err)
{
    const char *names[N_KNOWN];
    char list[512] = "", word[65];
    for (int i = 0; i < N_KNOWN; i++) {
        names[i] = known[i]->name;
        size_t n = strlen(list);
        snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", names[i]);
    }
    snprintf(word, sizeof word, "%.*s", (int)(name.len > 64 ? 64 : name.len), name.ptr);
    const char *near = nearest_word(word, names, N_KNOWN);
    return fail(err, E_UNSUPPORTED, "unknown architecture '%s'. HINT: known are: %s%s%s%s", word, list,
                near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}
