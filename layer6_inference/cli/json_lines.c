/* json_lines.c: one object after the other, parsed by jansson, checked here. */
#include "json_lines.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The parser does not always say that it was memory that it lacked, so the allocator remembers. */
static _Thread_local bool refused;

static void *json_alloc(size_t n)
{
    void *p = mem_alloc(n);
    if (!p) refused = true;
    return p;
}

void json_lines_init(void) { json_set_alloc_funcs(json_alloc, mem_free); }

static Status bad(const char *name, const JsonLine *l, const char *what, Err *err)
{
    return fail(err, E_FORMAT, "line %lld of '%.300s' %s. HINT: a line looks like {\"text\": \"Once upon a "
                "time ...\"}", (long long)l->line, name, what);
}

/* What the parser says may quote bytes of the line. */
static Status unreadable(const char *name, const JsonLine *l, json_error_t *e, Err *err)
{
    if (refused)
        return fail(err, E_MEMORY, "no memory to read line %lld of '%.300s'. HINT: shorter lines",
                    (long long)l->line, name);
    for (char *p = e->text; *p; p++)
        if (*p < ' ' || *p > '~') *p = '?';
    char what[JSON_ERROR_TEXT_LENGTH + 64];
    snprintf(what, sizeof what, "is no JSON object: byte %d: %s", e->position, e->text);
    return bad(name, l, what, err);
}

static Status members(const char *name, JsonLine *l, const json_t *root, Err *err)
{
    const json_t *text = json_object_get(root, "text"), *bits = json_object_get(root, "bits");
    if (!json_is_object(root)) return bad(name, l, "is JSON, but no object", err);
    if (!text) return bad(name, l, "has no \"text\"", err);
    if (!json_is_string(text)) return bad(name, l, "has a \"text\" that is no string", err);
    l->text = json_string_value(text);
    l->n = json_string_length(text);
    l->bits = bits ? json_number_value(bits) : NAN;
    if (bits && (!json_is_number(bits) || !(l->bits >= 0 && isfinite(l->bits))))
        return bad(name, l, "has \"bits\" that are no number of 0 or more", err);
    return OK;
}

static Status read_line(const char *name, JsonLine *l, const char *at, size_t n, JsonLineFn *fn, void *ctx,
                        Err *err)
{
    size_t blank = 0;
    while (blank < n && strchr(" \t\r", at[blank]) && at[blank]) blank++;
    if (blank == n) return OK;
    if (n > JSON_LINE_MAX)
        return fail(err, E_LIMIT, "line %lld of '%.300s' has %zu bytes (limit %d). HINT: cut the document "
                    "into several", (long long)l->line, name, n, JSON_LINE_MAX);
    json_error_t e = {0};
    refused = false;
    json_t *root = json_loadb(at, n, JSON_REJECT_DUPLICATES, &e);
    if (!root) return unreadable(name, l, &e, err);
    Status status = members(name, l, root, err);
    if (status == OK) status = fn(ctx, l, err);
    json_decref(root);
    return status;
}

Status json_lines_each(const char *name, const char *bytes, size_t n, JsonLineFn *fn, void *ctx, Err *err)
{
    JsonLine l = {0};
    for (size_t at = 0; at < n;) {
        const char *stop = memchr(bytes + at, '\n', n - at);
        size_t len = stop ? (size_t)(stop - bytes) - at : n - at;
        l.line++;
        TRY(read_line(name, &l, bytes + at, len, fn, ctx, err));
        at += len + 1;
    }
    return OK;
}
