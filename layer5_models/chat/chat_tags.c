/* chat_tags.c: the tags of all families, and how they are found in a text that comes in pieces.
 *
 * A tag may be cut anywhere. So the longest end of the text that could begin a tag is held back, and
 * everything before it may be let go. */
#include "chat_parser_impl.h"

#include <string.h>

static const ChatTag tags[] = {
    {"<think>", -1, CHAT_THINK_TAGS, SAY, OPEN_THOUGHT},
    {"</think>", -1, CHAT_THINK_TAGS, THINK, CLOSE_THOUGHT},
    {"[THINK]", -1, CHAT_THINK_BRACKETS, SAY, OPEN_THOUGHT},
    {"[/THINK]", -1, CHAT_THINK_BRACKETS, THINK, CLOSE_THOUGHT},
    {"<tool_call>", CHAT_FORM_HERMES, -1, SAY, OPEN_CALL},
    {"</tool_call>", CHAT_FORM_HERMES, -1, CALL, CLOSE_CALL},
    {"[TOOL_CALLS]", CHAT_FORM_MISTRAL, -1, SAY, OPEN_CALL},
    {"<|python_tag|>", CHAT_FORM_LLAMA3, -1, SAY, OPEN_CALL},
    {"<function=", CHAT_FORM_LLAMA3, -1, SAY, OPEN_CALL},
    {"</function>", CHAT_FORM_LLAMA3, -1, CALL, CLOSE_CALL},
    {"<|start|>", CHAT_FORM_CHANNELS, -1, SAY | BODY, OPEN_HEAD},
    {"<|channel|>", CHAT_FORM_CHANNELS, -1, SAY | HEAD | BODY, CHANNEL},
    {"<|constrain|>", CHAT_FORM_CHANNELS, -1, HEAD, IN_HEAD},
    {"<|message|>", CHAT_FORM_CHANNELS, -1, HEAD, MESSAGE},
    {"<|end|>", CHAT_FORM_CHANNELS, -1, BODY, FINISH},
    {"<|return|>", CHAT_FORM_CHANNELS, -1, BODY, FINISH},
    {"<|call|>", CHAT_FORM_CHANNELS, -1, BODY, FINISH},
};

enum { N_TAGS = sizeof tags / sizeof *tags, LONGEST_TAG = 16 };

static bool of_family(const ChatParser *p, const ChatTag *t)
{
    return (t->form < 0 || t->form == (int)p->params.form) && (t->think < 0 || t->think == (int)p->params.think);
}

bool chat_parser_knows(const ChatParser *p, const char *text, size_t n)
{
    static const char *const inside[] = {"[ARGS]", "[CALL_ID]"};
    for (int i = 0; i < N_TAGS; i++)
        if (of_family(p, &tags[i]) && strlen(tags[i].text) == n && memcmp(tags[i].text, text, n) == 0) return true;
    for (int i = 0; i < 2; i++)
        if (p->params.form == CHAT_FORM_MISTRAL && strlen(inside[i]) == n && memcmp(inside[i], text, n) == 0)
            return true;
    return false;
}

bool chat_parser_all_blank(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!chat_parser_is_blank(s[i])) return false;
    return true;
}

static bool is_tag_here(const ChatParser *p, const ChatTag *t)
{
    return t->states & p->state && of_family(p, t) && !(t->act == OPEN_THOUGHT && p->said);
}

/* The first tag in what is held; NULL: none. */
const ChatTag *chat_parser_find_tag(const ChatParser *p, size_t *at)
{
    const ChatTag *found = NULL;
    size_t from = p->searched > LONGEST_TAG ? p->searched - LONGEST_TAG : 0;
    for (int i = 0; i < N_TAGS && p->held.len > from; i++) {
        if (!is_tag_here(p, &tags[i])) continue;
        const char *s = memmem(p->held.data + from, p->held.len - from, tags[i].text, strlen(tags[i].text));
        if (!s || (found && (size_t)(s - p->held.data) >= *at)) continue;
        if (tags[i].act == OPEN_THOUGHT && !chat_parser_all_blank(p->held.data, (size_t)(s - p->held.data))) continue;
        found = &tags[i];
        *at = (size_t)(s - p->held.data);
    }
    return found;
}

//@ begin parser-partial
/* How many bytes at the end may begin a tag. */
size_t chat_parser_partial_tag(const ChatParser *p)
{
    size_t longest = 0;
    for (int i = 0; i < N_TAGS; i++) {
        size_t n = strlen(tags[i].text) - 1;
        if (!is_tag_here(p, &tags[i])) continue;
        if (n > p->held.len) n = p->held.len;
        const char *end = p->held.data + p->held.len;
        while (n > longest && memcmp(end - n, tags[i].text, n) != 0) n--;
        if (n > longest) longest = n;
    }
    return longest;
}
//@ end parser-partial
