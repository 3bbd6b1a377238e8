/* tools.c: a list of functions, read and checked. */
#include "tools.h"

#include <string.h>

static const char example[] = "HINT: [{\"type\": \"function\", \"function\": {\"name\": \"f\", \"description\": \"...\", "
                              "\"parameters\": {...}}}]";

static Str text_of(ChatValue v) { return v.kind == CHAT_TEXT ? (Str){v.text, v.n} : (Str){"", 0}; }

bool tools_is_name(Str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                    c == '.';
        if (!good) return false;
    }
    return name.len > 0 && name.len <= TOOLS_MAX_NAME;
}

ChatValue tools_find(ChatValue tools, Str name)
{
    for (int64_t i = 0; tools.kind == CHAT_LIST && i < tools.list->n; i++) {
        ChatValue f = chat_value_get(tools.list->items[i], "function");
        Str other = text_of(chat_value_get(f, "name"));
        if (other.len == name.len && memcmp(other.ptr, name.ptr, name.len) == 0) return f;
    }
    return (ChatValue){0};
}

/* {"type": "object", "properties": {}}: what is called without arguments. */
static Status no_parameters(Arena *a, ChatValue *out, Err *err)
{
    ChatValue none;
    TRY(chat_value_dict(a, &none, err));
    TRY(chat_value_dict(a, out, err));
    TRY(chat_value_put(a, *out, chat_value_text("type"), chat_value_text("object"), err));
    return chat_value_put(a, *out, chat_value_text("properties"), none, err);
}

static Status check_function(Arena *a, ChatValue f, int64_t i, ChatValue known, Err *err)
{
    ChatValue description = chat_value_get(f, "description"), parameters = chat_value_get(f, "parameters");
    Str name = text_of(chat_value_get(f, "name"));
    if (!tools_is_name(name))
        return fail(err, E_FORMAT, "tool %lld has no name of 1 to %d letters, digits, _ - or dots. %s", (long long)i + 1,
                    TOOLS_MAX_NAME, example);
    if (tools_find(known, name).kind != CHAT_UNDEFINED)
        return fail(err, E_FORMAT, "two tools are named '%.*s'. HINT: the model calls them by name; rename one",
                    STR_ARG(name));
    if (description.kind != CHAT_UNDEFINED && description.kind != CHAT_NONE && description.kind != CHAT_TEXT)
        return fail(err, E_FORMAT, "the description of tool '%.*s' is no text. %s", STR_ARG(name), example);
    if (parameters.kind == CHAT_UNDEFINED || parameters.kind == CHAT_NONE) {
        TRY(no_parameters(a, &parameters, err));
        TRY(chat_value_put(a, f, chat_value_text("parameters"), parameters, err));
    }
    if (parameters.kind != CHAT_DICT)
        return fail(err, E_FORMAT, "the parameters of tool '%.*s' are no object. HINT: a JSON schema, {\"type\": \"object\", "
                    "\"properties\": {...}}", STR_ARG(name));
    return OK;
}

/* {"type": "function", "function": f}. */
static Status wrap(Arena *a, ChatValue f, ChatValue *out, Err *err)
{
    TRY(chat_value_dict(a, out, err));
    TRY(chat_value_put(a, *out, chat_value_text("type"), chat_value_text("function"), err));
    return chat_value_put(a, *out, chat_value_text("function"), f, err);
}

static Status read_list(Arena *a, ChatValue list, ChatValue *out, Err *err)
{
    TRY(chat_value_list(a, out, err));
    if (list.list->n == 0 || list.list->n > TOOLS_MAX)
        return fail(err, E_LIMIT, "%lld tools, expected are 1 to %d. %s", (long long)list.list->n, TOOLS_MAX, example);
    for (int64_t i = 0; i < list.list->n; i++) {
        ChatValue item = list.list->items[i], type = chat_value_get(item, "type"), f = chat_value_get(item, "function");
        if (item.kind == CHAT_DICT && f.kind == CHAT_UNDEFINED) f = item; /* a bare function */
        else if (type.kind != CHAT_UNDEFINED && !str_is(text_of(type), "function"))
            return fail(err, E_UNSUPPORTED, "tool %lld is of type '%.*s', expected is function. %s", (long long)i + 1,
                        (int)(text_of(type).len > 40 ? 40 : text_of(type).len), text_of(type).ptr, example);
        if (f.kind != CHAT_DICT) return fail(err, E_FORMAT, "tool %lld is no function. %s", (long long)i + 1, example);
        TRY(check_function(a, f, i, *out, err));
        ChatValue tool;
        TRY(wrap(a, f, &tool, err));
        TRY(chat_value_append(a, *out, tool, err));
    }
    return OK;
}

Status tools_from_json(Arena *a, const char *json, size_t n, ChatValue *out, Err *err)
{
    ChatValue all;
    *out = (ChatValue){0};
    if (n > TOOLS_MAX_BYTES)
        return fail(err, E_LIMIT, "tools of %zu bytes, at most %d are read. HINT: shorter descriptions", n, TOOLS_MAX_BYTES);
    Status s = chat_value_from_json(a, json, n, &all, err);
    if (s == E_FORMAT && !strstr(err->text, "HINT:")) {
        Err what = *err;
        return fail(err, s, "%.300s. %s", what.text, example);
    }
    TRY(s);
    if (all.kind == CHAT_DICT && chat_value_get(all, "tools").kind == CHAT_LIST) all = chat_value_get(all, "tools");
    if (all.kind != CHAT_LIST) return fail(err, E_FORMAT, "this is no list of tools. %s", example);
    s = read_list(a, all, out, err);
    if (s != OK) *out = (ChatValue){0};
    return s;
}
