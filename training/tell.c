/* tell.c: text for other programs. With a seed that was not trained on it is held-out text, and `sixfold
 * perplexity --bits` sets what a model needs for it against what its source says. */
#include "tell.h"
#include "json_text.h"

static Status tell_one(Buf *out, const Document *d, Err *err)
{
    TRY(buf_append(out, "{\"text\": ", 9, err));
    TRY(json_string(out, d->text.data, d->text.len, err));
    TRY(buf_append(out, ", \"bits\": ", 10, err));
    TRY(json_number(out, d->bits, err));
    return buf_printf(out, err, ", \"kind\": \"%s\"}\n", world_kind_name(d->kind));
}

Status tell_documents(Buf *out, uint64_t seed, uint64_t first, int64_t n, Err *err)
{
    Document d = {0};
    Status status = OK;
    for (int64_t i = 0; status == OK && i < n; i++) {
        status = world_document(&d, seed, first + (uint64_t)i, -1, err);
        if (status == OK) status = tell_one(out, &d, err);
    }
    document_close(&d);
    return status;
}

Status tell_print(uint64_t seed, int64_t n, Err *err)
{
    enum { AT_ONCE = 256 };
    Buf out = {0};
    Status status = OK;
    for (int64_t i = 0; status == OK && i < n; i += AT_ONCE) {
        buf_clear(&out);
        status = tell_documents(&out, seed, (uint64_t)i, n - i < AT_ONCE ? n - i : AT_ONCE, err);
        if (status == OK) status = cli_write(out.data, out.len, err);
    }
    buf_close(&out);
    return status;
}
