/* replay.c: runs a fuzz target over its committed corpus, without a fuzzer.
 *
 * Every finding becomes a file of tests/fuzz/corpus_NAME/, so that it can never come back unnoticed.
 * Usage: replay_NAME [directory or file ...]; without arguments the corpus of FUZZ_NAME is taken. */
#include "arena.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>

#ifndef FUZZ_NAME
#error "compile with -DFUZZ_NAME='\"gguf\"'"
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads the file whole and runs it; false if it cannot be read. */
static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return 0;
    }
    long size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    uint8_t *data = size < 0 ? NULL : mem_alloc((size_t)size);
    int ok = data && fseek(f, 0, SEEK_SET) == 0 && fread(data, 1, (size_t)size, f) == (size_t)size;
    fclose(f);
    if (ok) LLVMFuzzerTestOneInput(data, (size_t)size);
    else fprintf(stderr, "%s cannot be read\n", path);
    mem_free(data);
    return ok;
}

/* Runs all files of a directory; the number of files, -1 on an error. */
static int run_directory(const char *path)
{
    int n = 0;
    DIR *dir = opendir(path);
    if (!dir) return -1;
    for (struct dirent *e; n >= 0 && (e = readdir(dir));) {
        char name[1024];
        if (e->d_name[0] == '.') continue;
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        n = run_file(name) ? n + 1 : -1;
    }
    closedir(dir);
    return n;
}

int main(int argc, char **argv)
{
    const char *name = "replay_" FUZZ_NAME "_corpus";
    const char *corpus[] = {"tests/fuzz/corpus_" FUZZ_NAME};
    const char *const *paths = argc > 1 ? (const char *const *)argv + 1 : corpus;
    int n_paths = argc > 1 ? argc - 1 : 1, total = 0;
    printf("[ RUN      ] %s\n", name);
    fflush(stdout); /* a crash should not swallow the name */
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 0; i < n_paths && total >= 0; i++) {
        int n = run_directory(paths[i]);
        if (n < 0 && argc > 1) n = run_file(paths[i]) ? 1 : -1;
        total = n < 0 ? -1 : total + n;
    }
    if (total <= 0) {
        printf("[  FAILED  ] %s\n", name);
        fprintf(stderr, "%s: no readable files. HINT: run it in the root of the project\n", paths[0]);
        return 1;
    }
    printf("[       OK ] %s\n%d inputs\n", name, total + 1);
    return 0;
}
