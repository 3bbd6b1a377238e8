/* json_text.h: writing JSON: strings from any bytes, numbers that parse everywhere.
 *
 * Interface: json_string appends a quoted string; bytes that are not UTF-8 become U+FFFD, so the result
 * is always valid JSON. json_number writes null for what JSON cannot say (NaN, infinities). */
#ifndef SIXFOLD_JSON_TEXT_H
#define SIXFOLD_JSON_TEXT_H

#include "layer1.h"

Status json_string(Buf *out, const char *s, size_t n, Err *err);
Status json_number(Buf *out, double v, Err *err);

#endif
