/* textstream.h: ids to text on the way out, without ever printing half a character.
 *
 * A token may end in the middle of a UTF-8 character; the stream holds such a tail back until the
 * rest arrives. The first piece after an empty prompt loses the space that the tokenizer's rule put
 * there.
 *
 * Interface: textstream_feed appends what is ready to out; textstream_end flushes a held tail. */
#ifndef SIXFOLD_TEXTSTREAM_H
#define SIXFOLD_TEXTSTREAM_H

#include "layer5.h"

typedef struct {
    const Tokenizer *tokenizer;
    bool special;     /* show control tokens too */
    bool drop_space;  /* the next piece loses one leading space */
    Utf8Stream utf8;
    Buf piece;
} TextStream;

Status textstream_feed(TextStream *s, int32_t id, Buf *out, Err *err);
Status textstream_end(TextStream *s, Buf *out, Err *err);
void textstream_close(TextStream *s);

#endif
