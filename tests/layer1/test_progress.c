/* What progress prints, read back from a file that stands in for stderr. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "layer1.h"
#include "must.h"

#include <string.h>

static char text[8192];
static int saved_stderr;
static FILE *capture;

static void begin_capture(void)
{
    fflush(stderr);
    saved_stderr = dup(STDERR_FILENO);
    capture = tmpfile();
    assert_non_null(capture);
    dup2(fileno(capture), STDERR_FILENO);
}

static void end_capture(void)
{
    fflush(stderr);
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    rewind(capture);
    text[fread(text, 1, sizeof text - 1, capture)] = 0;
    fclose(capture);
}

static int count(const char *what)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, what)); p += strlen(what)) n++;
    return n;
}

static void a_log_file_gets_one_line_per_quarter(void **state)
{
    (void)state;
    Progress p;
    begin_capture();
    progress_start(&p, "loading", 1000, "MB", 1, false);
    for (int i = 0; i <= 1000; i++) progress_update(&p, i);
    progress_end(&p);
    progress_end(&p);
    end_capture();
    assert_int_equal(count("\n"), 4);
    assert_int_equal(count("\r"), 0);
    assert_non_null(strstr(text, "loading [#####...............]  25 %"));
    assert_non_null(strstr(text, "loading [##########..........]  50 %"));
    assert_non_null(strstr(text, "loading [###############.....]  75 %"));
    assert_non_null(strstr(text, "loading [####################] 100 %"));
    assert_int_equal(count("MB/s"), 4);
}

static void a_jump_over_quarters_prints_one_line(void **state)
{
    (void)state;
    Progress p;
    begin_capture();
    progress_start(&p, "x", 8, "tok", 1, false);
    progress_update(&p, 1);
    progress_update(&p, 7);
    progress_update(&p, 7);
    progress_update(&p, 8);
    progress_end(&p);
    end_capture();
    assert_int_equal(count("\n"), 2);
    assert_non_null(strstr(text, " 87 %"));
    assert_non_null(strstr(text, "100 %"));
}

static void a_terminal_gets_one_line_that_is_redrawn_slowly(void **state)
{
    (void)state;
    Progress p;
    begin_capture();
    progress_start(&p, "loading", 100000, "tok", 1, false);
    p.tty = true;
    int64_t start = clock_ns();
    for (int i = 0; i <= 100000; i++) progress_update(&p, i);
    int64_t tenths = (clock_ns() - start) / 100000000;
    progress_end(&p);
    end_capture();
    assert_int_equal(count("\n"), 1);
    assert_in_range(count("\r"), 2, 3 + tenths); /* the first, one per tenth, the last */
    assert_non_null(strstr(text, "100 %"));
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void quiet_prints_nothing(void **state)
{
    (void)state;
    Progress p;
    begin_capture();
    progress_start(&p, "x", 10, "tok", 1, true);
    progress_update(&p, 5);
    progress_update(&p, 10);
    progress_end(&p);
    end_capture();
    assert_string_equal(text, "");
}

static void odd_totals_do_no_harm(void **state)
{
    (void)state;
    Progress p;
    begin_capture();
    progress_start(&p, "nothing", 0, "tok", 1, false);
    progress_end(&p);
    progress_start(&p, "more than all", 10, "tok", 1, false);
    progress_update(&p, 20);
    progress_update(&p, -5);
    progress_end(&p);
    end_capture();
    assert_int_equal(count("100 %"), 2);
    assert_int_equal(count("\n"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_file_gets_one_line_per_quarter),
        cmocka_unit_test(a_jump_over_quarters_prints_one_line),
        cmocka_unit_test(a_terminal_gets_one_line_that_is_redrawn_slowly),
        cmocka_unit_test(quiet_prints_nothing),
        cmocka_unit_test(odd_totals_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
