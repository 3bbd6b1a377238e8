/* arch.c: the list of known architectures. */
#include "arch.h"

#include "archs_impl.h"

#include <stdio.h>
#include <string.h>

static const ArchDesc *const known[] = {&arch_llama};

enum { N_KNOWN = sizeof known / sizeof *known };

int arch_count(void) { return N_KNOWN; }
const ArchDesc *arch_at(int i) { return i >= 0 && i < N_KNOWN ? known[i] : NULL; }

const ArchDesc *arch_find(Str name)
{
    for (int i = 0; i < N_KNOWN; i++)
        if (str_is(name, known[i]->name)) return known[i];
    return NULL;
}

Status arch_refuse(Str name, Err *err)
{
    const char *names[N_KNOWN];
    char list[256] = "", word[65];
    for (int i = 0; i < N_KNOWN; i++) {
        names[i] = known[i]->name;
        size_t n = strlen(list);
        snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", names[i]);
    }
    snprintf(word, sizeof word, "%.*s", (int)(name.len > 64 ? 64 : name.len), name.ptr);
    const char *near = nearest_word(word, names, N_KNOWN);
    return fail(err, E_UNSUPPORTED, "unknown architecture '%s'. HINT: known are: %s%s%s%s", word, list,
                near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}
