/* arch_card.c: the page of a family, and the table of all families. */
#include "arch_card_impl.h"

#include <string.h>

/* ---------------------------------------------------------------- pictures */

static Status draw_layer(Buf *out, const ArchView *v, int layer, Err *err)
{
    BlockSpec s = arch_view_layer(v, layer);
    return block_draw(out, &s, &v->parts, err);
}

/* One picture for each kind of layer, with the layers that look like it. */
static Status put_pictures(Buf *out, const ArchView *v, Err *err)
{
    enum { MAX_KINDS = 4, SHOWN = 6 };
    Buf kinds[MAX_KINDS] = {{0}}, own = {0};
    int n_kinds = 0, n_layer = (int)v->h.n_layer, kind_of[MAX_LAYERS];
    Status s = OK;
    for (int l = 0; s == OK && l < n_layer; l++) {
        buf_clear(&own);
        s = draw_layer(&own, v, l, err);
        int k = 0;
        while (s == OK && k < n_kinds && strcmp(kinds[k].data, own.data) != 0) k++;
        CHECK(k < MAX_KINDS, "more than %d kinds of layers in one example", MAX_KINDS);
        kind_of[l] = k;
        if (s == OK && k == n_kinds) s = buf_append(&kinds[n_kinds++], own.data, own.len, err);
    }
    for (int k = 0; s == OK && k < n_kinds; k++) {
        int listed = 0, members = 0;
        for (int l = 0; l < n_layer; l++) members += kind_of[l] == k;
        if (n_kinds == 1) s = buf_printf(out, err, "All %d layers:\n", n_layer);
        else s = buf_printf(out, err, "%d of %d layers:", members, n_layer);
        for (int l = 0; n_kinds > 1 && s == OK && l < n_layer && listed < SHOWN; l++)
            if (kind_of[l] == k) s = buf_printf(out, err, "%s%d", listed++ ? ", " : " ", l);
        if (n_kinds > 1 && s == OK) s = buf_printf(out, err, "%s\n", members > listed ? ", ..." : "");
        if (s == OK) s = buf_printf(out, err, "\n```text\n%s```\n\n", kinds[k].data);
    }
    for (int k = 0; k < n_kinds; k++) buf_close(&kinds[k]);
    buf_close(&own);
    return s;
}

/* ---------------------------------------------------------------- tables */

static Status put_differences(Buf *out, const ArchView *v, const ArchView *llama, Err *err)
{
    char own[ARCH_ANSWER], theirs[ARCH_ANSWER];
    int n = 0;
    TRY(buf_printf(out, err, "| | %s | %s |\n|---|---|---|\n", llama->e->model, v->e->model));
    for (int i = 0; arch_question(i); i++) {
        arch_answer(own, i, v);
        arch_answer(theirs, i, llama);
        if (strcmp(own, theirs) == 0) continue;
        TRY(buf_printf(out, err, "| %s | %s | %s |\n", arch_question(i), theirs, own));
        n++;
    }
    return n ? OK : buf_printf(out, err, "| everything | the same | the same |\n");
}

static Status put_answers(Buf *out, const ArchView *v, Err *err)
{
    char own[ARCH_ANSWER];
    TRY(buf_printf(out, err, "| | %s |\n|---|---|\n", v->e->model));
    for (int i = 0; arch_question(i); i++) {
        arch_answer(own, i, v);
        TRY(buf_printf(out, err, "| %s | %s |\n", arch_question(i), own));
    }
    return OK;
}

/* Each key of the example; whether one is needed is tried, not known. */
static Status put_keys(Buf *out, const ArchView *v, Err *err)
{
    ArchNumber n;
    int i = 0;
    TRY(buf_printf(out, err, "| key, after `%s.` | %s | without it |\n|---|---|---|\n", v->a->name, v->e->model));
    for (const char *at = v->e->numbers; arch_number_next(&at, &n); i++) {
        ArchView without;
        Err why = {{0}};
        Status s = arch_view_open(&without, v->a, i, &why);
        arch_view_close(&without);
        if (s == E_MEMORY) return fail(err, s, "%s", why.text);
        bool real = n.value[n.value_len - 1] == 'f';
        TRY(buf_printf(out, err, "| `%.*s` | %.*s | %s |\n", n.key_len, n.key, n.value_len - real, n.value,
                       s == OK ? "a default" : "refused"));
    }
    return OK;
}

/* ---------------------------------------------------------------- pages */

static Status put_page(Buf *out, const ArchView *v, const ArchView *llama, Err *err)
{
    const ArchDesc *a = v->a;
    bool same = a == llama->a;
    TRY(buf_printf(out, err, "# %s\n\n%s\n\n", a->title, v->e->note));
    TRY(buf_printf(out, err, "| | |\n|---|---|\n| `general.architecture` | `%s` |\n| paper | %s: *%s* |\n"
                   "| drawn here | %s |\n| descriptor | [%s](../../layer5_models/archs/%s) |\n\n", a->name, a->paper,
                   v->e->paper, v->e->model, v->e->file, v->e->file));
    TRY(buf_printf(out, err, "## The block\n\n"));
    TRY(put_pictures(out, v, err));
    TRY(buf_printf(out, err, same ? "## The answers\n\n" : "## What differs from Llama\n\n"));
    TRY(same ? put_answers(out, v, err) : put_differences(out, v, llama, err));
    TRY(buf_printf(out, err, "\n## Numbers in a file\n\n"));
    TRY(put_keys(out, v, err));
    return buf_printf(out, err, "\n[All families](README.md). This page is written by `make cards` from the descriptor; "
                      "how to read the picture: [the block](../4_block.md).\n");
}

Status arch_card(Buf *out, const ArchDesc *a, Err *err)
{
    ArchView v, llama = {0};
    Status s = arch_view_open(&v, a, -1, err);
    if (s == OK) s = arch_view_open(&llama, arch_at(0), -1, err);
    if (s == OK) s = put_page(out, &v, &llama, err);
    arch_view_close(&v);
    arch_view_close(&llama);
    return s;
}

Status arch_card_index(Buf *out, Err *err)
{
    enum { COLUMNS = 5 }; /* questions that fit into one line */
    TRY(buf_printf(out, err, "# Families\n\nA page for each of the %d architectures that this program runs, written from "
                   "its descriptor by `make cards`; `make lessons-check` fails when one is stale. Columns are what "
                   "the example on the page answers.\n\n| family | models |", arch_count()));
    for (int i = 0; i < COLUMNS; i++) TRY(buf_printf(out, err, " %s |", arch_question(i)));
    TRY(buf_printf(out, err, "\n|---|---|---|---|---|---|---|\n"));
    for (int k = 0; k < arch_count(); k++) {
        const ArchDesc *a = arch_at(k);
        char answer[ARCH_ANSWER];
        ArchView v;
        Status s = arch_view_open(&v, a, -1, err);
        if (s == OK) s = buf_printf(out, err, "| [%s](%s.md) | %s |", a->name, a->name, a->title);
        for (int i = 0; s == OK && i < COLUMNS; i++) {
            arch_answer(answer, i, &v);
            s = buf_printf(out, err, " %s |", answer);
        }
        if (s == OK) s = buf_append(out, "\n", 1, err);
        arch_view_close(&v);
        TRY(s);
    }
    return buf_printf(out, err, "\nHow a family is added: [lesson 5](../5_family.md). What a block is: "
                      "[lesson 4](../4_block.md).\n");
}
