/* fuzz_jsonlines.c: any bytes as a file of JSON lines. Reading ends; what comes out is UTF-8 without NUL, on
 * lines that exist, with bits that can be added; and written as a line again it says the same. */
#include "json_lines.h"
#include "json_text.h"
#include "layer6.h"

#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    int64_t line;
    const JsonLine *want; /* NULL: the first reading */
} Seen;

static Status on_line(void *ctx, const JsonLine *l, Err *err)
{
    Seen *s = ctx;
    CHECK(l->line > s->line, "line %lld after %lld", (long long)l->line, (long long)s->line);
    s->line = l->line;
    CHECK(isnan(l->bits) || (l->bits >= 0 && isfinite(l->bits)), "bits %g", l->bits);
    CHECK(!memchr(l->text, 0, l->n) && utf8_valid_prefix(l->text, l->n) == l->n, "%zu bytes of no text", l->n);
    if (s->want) {
        CHECK(l->n == s->want->n && memcmp(l->text, s->want->text, l->n) == 0, "'%s' came back", l->text);
        return OK;
    }
    Buf again = {0};
    Seen second = {.want = l};
    Status status = buf_append(&again, "{\"text\":", 8, err);
    if (status == OK) status = json_string(&again, l->text, l->n, err);
    if (status == OK) status = buf_append(&again, "}", 1, err);
    if (status == OK && again.len <= JSON_LINE_MAX) {
        status = json_lines_each("again", again.data, again.len, on_line, &second, err);
        CHECK(status == OK && second.line == 1, "written again it is refused: %s", err->text);
    }
    buf_close(&again);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Err err = {0};
    Seen seen = {0};
    json_lines_init();
    Status s = json_lines_each("fuzz", (const char *)data, size, on_line, &seen, &err);
    CHECK(s == OK || (err.text[0] && !strchr(err.text, '\n')), "%s", err.text);
    return 0;
}
