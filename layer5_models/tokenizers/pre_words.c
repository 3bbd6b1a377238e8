/* pre_words.c: the words of plain English, found without a pattern.
 *
 *   one blank or none, one capital or none, small letters; then an ASCII sign that is neither a letter
 *   nor an apostrophe, or the end
 *
 * Patterns differ in what they do with numbers, signs, marks, capitals inside a word and contractions.
 * On this little most of them agree: it is one piece. Those are marked in pre_patterns.c (words), and a test
 * cuts texts with each of them both ways. */
#include "tokenizer_impl.h"

//@ begin pre-plain-word
size_t tokenizer_plain_word(const char *s, size_t n, size_t from)
{
    size_t i = from + (s[from] == ' '), first = i;
    if (i < n && s[i] >= 'A' && s[i] <= 'Z') i++;
    while (i < n && s[i] >= 'a' && s[i] <= 'z') i++;
    if (i == first) return 0;
    if (i == n) return i;
    unsigned char next = (unsigned char)s[i];
    bool goes_on = next >= 0x80 || next == '\'' || (next >= 'A' && next <= 'Z');
    return goes_on ? 0 : i;
}
//@ end pre-plain-word
