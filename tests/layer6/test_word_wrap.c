/* Lines end between words: whatever the width, and however the text is cut into pieces. What a terminal would
 * show is worked out here, so that words taken back and written again count as what they are: moved. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer1.h"
#include "must.h"
#include "word_wrap.h"

#include <string.h>

enum { ROWS = 400, COLUMNS = 120 };

/* Characters by place; of a wide one the second place is 0. */
typedef struct { uint32_t at[ROWS][COLUMNS]; int row, column, width; } Screen;

static void show(Screen *s, const char *text, size_t n)
{
    int used;
    for (size_t i = 0; i < n; i += (size_t)used) {
        uint32_t cp = utf8_decode(text + i, n - i, &used);
        if (cp == 27) { /* ESC [ number letter: back, or clear to the end */
            int number = 0;
            size_t k = i + 2;
            while (text[k] >= '0' && text[k] <= '9') number = 10 * number + (text[k++] - '0');
            if (text[k] == 'D') s->column -= number;
            else for (int c = s->column; c < s->width; c++) s->at[s->row][c] = ' ';
            assert_true(text[k] == 'D' || text[k] == 'K');
            assert_true(s->column >= 0);
            used = (int)(k + 1 - i);
        } else if (cp == '\n') {
            s->row++;
            s->column = 0;
            assert_true(s->row < ROWS);
        } else {
            int columns = cp == '\t' ? 8 - s->column % 8 : cli_wrap_columns(cp);
            s->at[s->row][s->column] = cp == '\t' ? ' ' : cp;
            for (int c = 1; c < columns; c++) s->at[s->row][s->column + c] = cp == '\t' ? ' ' : 0;
            s->column += columns;
            assert_true(s->column < s->width); /* the last column stays empty */
        }
    }
}

static void shown(Screen *s, int width, int indent, const char *text, size_t piece)
{
    WordWrap w = {.width = width, .indent = indent};
    Buf out = {0};
    Err err = {0};
    memset(s, 0, sizeof *s);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLUMNS; c++) s->at[r][c] = ' ';
    s->width = width;
    for (size_t i = 0, k, n = strlen(text); i < n; i += k) {
        k = piece < n - i ? piece : n - i;
        while (i + k < n && ((unsigned char)text[i + k] & 0xC0) == 0x80) k++; /* whole characters */
        buf_clear(&out);
        MUST(cli_wrap_feed(&w, text + i, k, &out, &err), &err);
        show(s, out.data, out.len);
        assert_int_equal(w.column, s->column);
    }
    buf_close(&out);
    cli_wrap_close(&w);
}

static void is_row(const Screen *s, int row, const char *expected)
{
    char text[4 * COLUMNS + 1];
    int n = 0;
    for (int c = 0; c < s->width; c++)
        if (s->at[row][c]) n += utf8_encode(s->at[row][c], text + n);
    while (n && text[n - 1] == ' ') n--;
    text[n] = 0;
    assert_string_equal(text, expected);
}

static void a_word_that_does_not_fit_begins_the_next_line(void **state)
{
    (void)state;
    static Screen s;
    for (size_t piece = 1; piece < 60; piece += 7) {
        shown(&s, 20, 0, "The cat saw the bird. The bird saw\n\nabc\tdef\tghijklm", piece);
        is_row(&s, 0, "The cat saw the");
        is_row(&s, 1, "bird. The bird saw");
        is_row(&s, 2, "");
        is_row(&s, 3, "abc     def");
        is_row(&s, 4, "ghijklm");
        shown(&s, 20, 4, "/help     this is the list of it", piece);
        is_row(&s, 0, "/help     this is");
        is_row(&s, 1, "    the list of it");
        shown(&s, 20, 0, "0123456789012345678901234567890 x", piece); /* longer than a line */
        is_row(&s, 0, "0123456789012345678");
        is_row(&s, 1, "901234567890 x");
    }
    Buf out = {0};
    Err err = {0};
    /* Of a text that is there as a whole nothing is taken back. */
    WordWrap w = {.width = 20};
    MUST(cli_wrap_feed(&w, "The cat saw the bird. The bird saw", 34, &out, &err), &err);
    assert_string_equal(out.data, "The cat saw the \nbird. The bird saw");
    cli_wrap_close(&w);
    buf_clear(&out);
    /* No terminal: as it is. */
    w = (WordWrap){.width = 0};
    MUST(cli_wrap_feed(&w, "The cat saw the bird.", 21, &out, &err), &err);
    assert_string_equal(out.data, "The cat saw the bird.");
    buf_close(&out);
}

static void wide_characters_count_twice(void **state)
{
    (void)state;
    static Screen s;
    if (!cli_utf8_locale()) skip();
    shown(&s, 16, 0, "\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xB8\x96\xE7\x95\x8C\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xB8\x96\xE7\x95\x8C", 3);
    is_row(&s, 0, "\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xB8\x96\xE7\x95\x8C\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xB8\x96"); /* seven */
    is_row(&s, 1, "\xE7\x95\x8C");
    shown(&s, 16, 0, "aaaaaaa cafe\xCC\x81 \xC3\xA9t\xC3\xA9", 1); /* an accent of its own takes no room */
    is_row(&s, 1, "\xC3\xA9t\xC3\xA9");
}

/* The pieces of a text are an accident: the lines are the same. */
static void pieces_make_no_difference(void **state)
{
    (void)state;
    static Screen whole, cut;
    static const char *const marks[] = {" ", "\n", "\t", "  ", " \xE4\xBD\xA0", "\xE5\xA5\xBD", ", ", "-", " e\xCC\x81"};
    Rng rng = rng_seed(5);
    cli_utf8_locale();
    for (int round = 0; round < 300; round++) {
        Buf text = {0};
        Err err = {0};
        for (int i = 0; i < 40; i++) {
            int n = (int)(rng_u64(&rng) % 14);
            MUST(buf_printf(&text, &err, "%.*s%s", n, "abcdefghijklmn", marks[rng_u64(&rng) % 9]), &err);
        }
        int width = 16 + (int)(rng_u64(&rng) % 60), indent = (int)(rng_u64(&rng) % 6);
        shown(&whole, width, indent, text.data, text.len);
        shown(&cut, width, indent, text.data, 1 + rng_u64(&rng) % 9);
        if (memcmp(&whole, &cut, sizeof whole) != 0) print_error("width %d, indent %d: %s\n", width, indent, text.data);
        assert_memory_equal(&whole, &cut, sizeof whole);
        buf_close(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_that_does_not_fit_begins_the_next_line),
        cmocka_unit_test(wide_characters_count_twice),
        cmocka_unit_test(pieces_make_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
