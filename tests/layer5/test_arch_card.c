/* Pages about families: what they say is what the program does with the example's numbers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "arch_card_impl.h"
#include "layer5.h"
#include "must.h"

static Buf page;

static const char *card(const char *name)
{
    Err err = {0};
    buf_clear(&page);
    const ArchDesc *a = arch_find((Str){name, strlen(name)});
    assert_non_null(a);
    MUST(arch_card(&page, a, &err), &err);
    return page.data;
}

static void has(const char *text, const char *words)
{
    if (strstr(text, words)) return;
    print_error("'%s' is not in\n%s\n", words, text);
    _fail(__FILE__, __LINE__);
}

/* Also: the file in memory is read by the rules for all files, so its numbers are possible ones. */
static void every_family_has_a_page(void **state)
{
    (void)state;
    for (int i = 0; i < arch_count(); i++) {
        const ArchDesc *a = arch_at(i);
        assert_non_null(arch_example(a));
        const char *text = card(a->name);
        has(text, a->title);
        has(text, a->paper);
        has(text, "```text\n    x    D = ");
        has(text, "`embedding_length`");
        /* A fence is opened and closed, and every line ends. */
        int fences = 0;
        for (const char *at = text; (at = strstr(at, "```")); at += 3) fences++;
        assert_int_equal(fences % 2, 0);
        assert_int_equal(text[page.len - 1], '\n');
    }
}

static void a_page_says_what_the_descriptor_does(void **state)
{
    (void)state;
    has(card("gemma2"), "21 of 42 layers: 0, 2, 4, 6, 8, 10, ...");
    has(card("gemma2"), "│   50 tanh(score / 50) ");
    has(card("gemma2"), "| output matrix | its own, or the embedding again | the embedding again, logits capped at 30 |");
    has(card("gemma3"), "5 of 34 layers: 5, 11, 17, 23, 29\n");
    has(card("falcon"), "| attention and network | one after the other | side by side |");
    has(card("falcon"), "┠─── LayerNorm ──");
    has(card("bert"), "\nLayerNorm\n");
    has(card("deepseek2"), "3 of 61 layers: 0, 1, 2\n");
    has(card("deepseek2"), "router: 8 of 256 experts");
    has(card("granite"), "(+)◄─ times 0.22 ─");
    has(card("gpt-oss"), "softmax over the last 128, a sink");
    has(card("mamba2"), "80 heads; B, C for every 80 of them");
    has(card("qwen2"), "| biases | none | on q, k, v |");
    has(card("nemotron"), "relu2(up), 24576 wide");
    /* Everybody else is compared with Llama, which has nobody to be compared with. */
    assert_null(strstr(card("llama"), "What differs"));
    has(card("llama"), "| tokens look at | all earlier tokens |");
    has(card("mpt"), "What differs from Llama");
}

static void whether_a_key_is_needed_is_tried(void **state)
{
    (void)state;
    has(card("llama"), "| `block_count` | 32 | refused |");
    has(card("llama"), "| `rope.freq_base` | 500000 | a default |");
    has(card("gptneox"), "| `use_parallel_residual` | true | refused |");
    has(card("granite"), "| `logit_scale` | 16 | refused |");
    has(card("gpt-oss"), "| `attention.sliding_window` | 128 | refused |");
    has(card("deepseek2"), "| `attention.kv_lora_rank` | 512 | refused |");
    has(card("mamba"), "| `ssm.state_size` | 16 | refused |");
}

static void the_table_has_a_line_for_each_family(void **state)
{
    (void)state;
    Err err = {0};
    buf_clear(&page);
    MUST(arch_card_index(&page, &err), &err);
    for (int i = 0; i < arch_count(); i++) {
        char line[160];
        snprintf(line, sizeof line, "\n| [%s](%s.md) | %s |", arch_at(i)->name, arch_at(i)->name, arch_at(i)->title);
        has(page.data, line);
    }
}

static bool spend(void *ctx, size_t n)
{
    int *left = ctx;
    (void)n;
    return (*left)-- > 0;
}

static void memory_may_run_out(void **state)
{
    (void)state;
    Status s = E_MEMORY;
    int tried = 0;
    for (; s != OK; tried += tried < 40 ? 1 : 37) {
        Buf out = {0};
        Err err = {0};
        int left = tried;
        mem_set_hook(spend, &left);
        s = arch_card(&out, arch_at(0), &err);
        mem_set_hook(NULL, NULL);
        buf_close(&out);
        assert_true(s == OK || s == E_MEMORY);
        assert_true(tried < 4000);
    }
    assert_true(tried > 1);
}

int main(void)
{
    layer5_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_has_a_page),
        cmocka_unit_test(a_page_says_what_the_descriptor_does),
        cmocka_unit_test(whether_a_key_is_needed_is_tried),
        cmocka_unit_test(the_table_has_a_line_for_each_family),
        cmocka_unit_test(memory_may_run_out),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_close(&page);
    return failed;
}
