/* json_lines.h: documents as JSON lines: {"text": "Once upon a time ...", "bits": 99.4}
 *
 * "text" is needed, "bits" (what the source says the text carries) is welcome, other members are left
 * alone. Blank lines count as lines and are passed over.
 *
 * Interface: json_lines_init (called by layer6_init) gives the parser layer 1's memory. Any bytes may come
 * in. A line that is too long, is no JSON object or has a member of the wrong kind ends the reading with
 * an error that names the file and the line; so does text with a NUL character, and an error of fn.
 * A line's text lives until fn returns. */
#ifndef SIXFOLD_JSON_LINES_H
#define SIXFOLD_JSON_LINES_H

#include "layer1.h"

void json_lines_init(void);

enum { JSON_LINE_MAX = 1 << 20 }; /* bytes */

typedef struct {
    int64_t line;     /* counted from 1 */
    const char *text; /* n bytes of UTF-8 */
    size_t n;
    double bits;      /* finite and not negative; NAN if the line says nothing */
} JsonLine;

typedef Status JsonLineFn(void *ctx, const JsonLine *l, Err *err);

Status json_lines_each(const char *name, const char *bytes, size_t n, JsonLineFn *fn, void *ctx, Err *err);

#endif
