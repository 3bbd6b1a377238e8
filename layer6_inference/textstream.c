/* textstream.c: pieces, joined at character boundaries. */
#include "textstream.h"

Status textstream_feed(TextStream *s, int32_t id, Buf *out, Err *err)
{
    buf_clear(&s->piece);
    TRY(tokenizer_piece(s->tokenizer, id, s->special, &s->piece, err));
    const char *bytes = s->piece.data;
    size_t n = s->piece.len;
    if (n && s->drop_space && bytes[0] == ' ') {
        bytes++;
        n--;
    }
    if (s->piece.len) s->drop_space = false;
    return n ? utf8_stream_feed(&s->utf8, bytes, n, out, err) : OK;
}

Status textstream_end(TextStream *s, Buf *out, Err *err)
{
    return utf8_stream_end(&s->utf8, out, err);
}

void textstream_close(TextStream *s)
{
    buf_close(&s->piece);
    *s = (TextStream){0};
}
