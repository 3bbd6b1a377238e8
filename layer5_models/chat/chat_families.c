/* chat_families.c: the forms of conversation that many models share, as templates of our own.
 *
 * They serve where a file has no template (ChatML), where somebody asks for a family by name, and where
 * the file's template is not to be run (--no-jinja): then its family is recognised by texts that stand
 * in no other family's templates. Order matters: what is more particular comes first. */
#include "chat_format_impl.h"

#include <string.h>

#define EACH "{% for m in messages %}"
#define END  "{% endfor %}"
#define THEN(text) "{% if add_generation_prompt %}{{ " text " }}{% endif %}"

static const ChatFamily families[] = {
    {"chatml", {"<|im_start|>", "<|im_end|>"},
     EACH "{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}" END
     THEN("'<|im_start|>assistant\\n'")},
    {"llama3", {"<|start_header_id|>", "<|eot_id|>"},
     "{{ bos_token }}" EACH
     "{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + (m.content | trim) + '<|eot_id|>' }}" END
     THEN("'<|start_header_id|>assistant<|end_header_id|>\\n\\n'")},
    {"gemma", {"<start_of_turn>", "<end_of_turn>"},
     "{{ bos_token }}" EACH "{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
     "{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\\n' + (m.content | trim) + "
     "'<end_of_turn>\\n' }}" END THEN("'<start_of_turn>model\\n'")},
    {"llama2", {"[INST]", "<<SYS>>"},
     "{% set ns = namespace(system='') %}" EACH
     "{% if m.role == 'system' %}{% set ns.system = '<<SYS>>\\n' + m.content + '\\n<</SYS>>\\n\\n' %}"
     "{% elif m.role == 'assistant' %}{{ ' ' + (m.content | trim) + ' ' + eos_token }}"
     "{% else %}{{ bos_token + '[INST] ' + ns.system + (m.content | trim) + ' [/INST]' }}"
     "{% set ns.system = '' %}{% endif %}" END},
    {"mistral", {"[INST]", NULL},
     "{{ bos_token }}" EACH "{% if m.role == 'system' %}{{ raise_exception('no system role') }}"
     "{% elif m.role == 'assistant' %}{{ ' ' + (m.content | trim) + eos_token }}"
     "{% else %}{{ '[INST] ' + m.content + ' [/INST]' }}{% endif %}" END},
    {"phi3", {"<|assistant|>", "<|end|>"},
     EACH "{{ '<|' + m.role + '|>\\n' + m.content + '<|end|>\\n' }}" END THEN("'<|assistant|>\\n'")},
    {"zephyr", {"<|assistant|>", "<|user|>"},
     EACH "{{ '<|user|>\\n' if m.role == 'user' else '<|' + m.role + '|>\\n' }}{{ m.content + eos_token + '\\n' }}" END
     THEN("'<|assistant|>\\n'")},
    {"deepseek", {"<｜User｜>", "<｜Assistant｜>"},
     "{{ bos_token }}" EACH "{% if m.role == 'user' %}{{ '<｜User｜>' + m.content }}"
     "{% elif m.role == 'assistant' %}{{ '<｜Assistant｜>' + m.content + eos_token }}"
     "{% else %}{{ m.content }}{% endif %}" END THEN("'<｜Assistant｜>'")},
    {"vicuna", {"USER: ", "ASSISTANT:"},
     "{{ bos_token }}" EACH "{% if m.role == 'user' %}{{ 'USER: ' + m.content + ' ' }}"
     "{% elif m.role == 'assistant' %}{{ 'ASSISTANT: ' + m.content + eos_token }}"
     "{% else %}{{ m.content + ' ' }}{% endif %}" END THEN("'ASSISTANT:'")},
};

enum { N_FAMILIES = sizeof families / sizeof *families };

const char *chat_format_family(int i) { return i >= 0 && i < N_FAMILIES ? families[i].name : NULL; }

const ChatFamily *chat_format_find_family(const char *name)
{
    for (int i = 0; i < N_FAMILIES; i++)
        if (strcmp(families[i].name, name) == 0) return &families[i];
    return NULL;
}

bool chat_format_has(const char *s, size_t n, const char *text)
{
    return n > 0 && memmem(s, n, text, strlen(text)) != NULL;
}

const ChatFamily *chat_format_recognise(const char *source, size_t n)
{
    for (int i = 0; i < N_FAMILIES; i++) {
        bool all = true;
        for (int k = 0; k < 2 && families[i].marks[k]; k++)
            all &= chat_format_has(source, n, families[i].marks[k]);
        if (all) return &families[i];
    }
    return NULL;
}
