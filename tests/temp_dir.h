/* temp_dir.h: a directory of a test's own, which must be empty again at the end. Include it after cmocka.h.
 *
 *     cmocka_run_group_tests(tests, temp_dir_setup, temp_dir_teardown)
 *     temp_write_text("config.json", "{}"), temp_path("config.json"), temp_remove("config.json")
 *
 * The teardown removes the names that temp_write has written or temp_path was asked for, and fails if anything else is
 * left. Both are of layer 5: the setup calls layer5_init. */
#ifndef SIXFOLD_TESTS_TEMP_DIR_H
#define SIXFOLD_TESTS_TEMP_DIR_H

#include "layer5.h"
#include "must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TD_UNUSED __attribute__((unused))
enum { TEMP_NAMES = 32 };

static char temp_dir[64];
static char temp_names[TEMP_NAMES][48];

/* The path of a name in the directory, of which 8 can be held at once. */
static TD_UNUSED const char *temp_path(const char *name)
{
    static char paths[8][128];
    static int turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", temp_dir, name);
    int i = 0;
    while (i < TEMP_NAMES - 1 && temp_names[i][0] && strcmp(temp_names[i], name) != 0) i++;
    snprintf(temp_names[i], sizeof temp_names[i], "%s", name);
    return path;
}

static TD_UNUSED void temp_remove(const char *name) { unlink(temp_path(name)); }

static TD_UNUSED void temp_write(const char *name, const void *data, size_t n)
{
    FILE *f = fopen(temp_path(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static TD_UNUSED void temp_write_text(const char *name, const char *text) { temp_write(name, text, strlen(text)); }

/* A whole file of another place. */
static TD_UNUSED Buf temp_read(const char *path)
{
    Buf b = {0};
    MapFile file;
    Err err = {0};
    MUST(map_open(&file, path, MAP_READ, &err), &err);
    MUST(buf_append(&b, file.data, file.size, &err), &err);
    MUST(buf_append(&b, "", 1, &err), &err); /* a text ends */
    b.len--;
    map_close(&file);
    return b;
}

static TD_UNUSED int temp_dir_setup(void **state)
{
    (void)state;
    layer5_init();
    strcpy(temp_dir, "/tmp/sixfold-test-XXXXXX");
    return mkdtemp(temp_dir) ? 0 : -1;
}

static TD_UNUSED int temp_dir_teardown(void **state)
{
    (void)state;
    for (int i = TEMP_NAMES - 1; i >= 0; i--)
        if (temp_names[i][0]) remove(temp_path(temp_names[i]));
    return rmdir(temp_dir); /* fails if anything else was left behind */
}

#endif
