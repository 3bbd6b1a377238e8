/* lesson5_cards: the page of a family, drawn and written from its descriptor.
 *
 *     ./lesson5_cards gemma2      one page
 *     ./lesson5_cards             the table of all families
 *     ./lesson5_cards --names     their names
 *
 * Markdown on stdout; `make cards` writes all of them to lessons/families. */
#include "layer5.h"
#include "arch_card.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    Buf out = {0};
    Err err;
    Status s = OK;
    layer5_init();
    if (argc > 1 && strcmp(argv[1], "--names") == 0) {
        for (int i = 0; i < arch_count(); i++) printf("%s\n", arch_at(i)->name);
        return 0;
    }
    Str name = {argc > 1 ? argv[1] : "", argc > 1 ? strlen(argv[1]) : 0};
    const ArchDesc *a = arch_find(name);
    if (argc < 2) s = arch_card_index(&out, &err);
    else s = a ? arch_card(&out, a, &err) : arch_refuse(name, &err);
    if (s == OK) fwrite(out.data, 1, out.len, stdout);
    else fprintf(stderr, "error: %s\n", err.text);
    buf_close(&out);
    return s == OK ? 0 : 1;
}
