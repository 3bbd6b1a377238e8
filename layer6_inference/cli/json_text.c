/* json_text.c: escaping by the rules of RFC 8259, section 7. */
#include "json_text.h"

#include <math.h>

Status json_string(Buf *out, const char *s, size_t n, Err *err)
{
    TRY(buf_append(out, "\"", 1, err));
    for (size_t i = 0; i < n;) {
        int used;
        uint32_t cp = utf8_decode(s + i, n - i, &used);
        if (cp == UTF8_BAD) TRY(buf_append(out, "\xEF\xBF\xBD", 3, err));
        else if (cp == '"' || cp == '\\') TRY(buf_printf(out, err, "\\%c", (int)cp));
        else if (cp == '\n') TRY(buf_append(out, "\\n", 2, err));
        else if (cp < 0x20 || cp == 0x7F) TRY(buf_printf(out, err, "\\u%04x", (unsigned)cp));
        else TRY(buf_append(out, s + i, (size_t)used, err));
        i += (size_t)used;
    }
    return buf_append(out, "\"", 1, err);
}

Status json_number(Buf *out, double v, Err *err)
{
    if (!isfinite(v)) return buf_append(out, "null", 4, err);
    return buf_printf(out, err, "%.9g", v);
}
