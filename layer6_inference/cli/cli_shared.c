/* cli_shared.c: what several verbs need: model, threads, memory plan, text in and out, Ctrl-C. */
#include "layer6.h"
#include "meminfo.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

volatile int cli_stop;
void (*volatile cli_at_once)(void);

static void on_interrupt(int signal_number)
{
    if (cli_stop) {
        if (cli_at_once) cli_at_once();
        _exit(128 + signal_number);
    }
    cli_stop = signal_number;
}

void cli_catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

void cli_catch_terminate(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
}

/* A page of a mapped file that is no longer there. Nothing can be computed any more; what may be called
 * in a handler is write and _exit. */
static void on_bus_error(int signal_number)
{
    static const char text[] = "\nerror: a mapped file was cut short or its disk failed while it was in "
                               "use. HINT: -lm none reads it into memory first\n";
    (void)signal_number;
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    _exit(3);
}

void cli_catch_bus_error(void)
{
    struct sigaction action = {.sa_handler = on_bus_error};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}

/* ---------------------------------------------------------------- model and machine */

static Status load_mode(const Options *o, MapMode *mode, Err *err)
{
    *mode = MAP_AUTO;
    if (o->no_mmap || strcmp(o->load_mode, "none") == 0) *mode = MAP_READ;
    else if (strcmp(o->load_mode, "mmap") == 0) *mode = MAP_MMAP;
    else if (strcmp(o->load_mode, "auto") != 0)
        return fail(err, E_ARG, "--load-mode is '%s', expected is auto, mmap or none. HINT: auto is the "
                    "default", o->load_mode);
    return OK;
}

void cli_note_import(const ImportNotes *n)
{
    if (n->n_left)
        fprintf(stderr, "note: %lld tensors are left out: buffers, or parts for pictures\n", (long long)n->n_left);
    if (n->no_vocabulary)
        fprintf(stderr, "note: there is no vocabulary in the directory; the model takes token ids only\n");
}

/* Says what --numa does here. */
static void note_nodes(const char *numa)
{
    const CpuTopology *t = cpu_topology();
    char memory[100];
    cpu_list_text(&t->memory, memory, sizeof memory);
    if (t->n_nodes == 1 && CPU_COUNT(&t->memory) < 2)
        fprintf(stderr, "note: --numa %s changes nothing: this machine has one memory node\n", numa);
    else if (strcmp(numa, "distribute") == 0)
        fprintf(stderr, "numa: threads on %d nodes by turns, memory that one thread fills on the nodes %s by "
                "turns\n", t->n_nodes, memory);
    else
        fprintf(stderr, "numa: threads and memory stay on one of %d nodes\n", t->n_nodes);
}

/* --cpu-mask, --cpu-range, --cpu-strict, --numa: before the first byte of a model is read, for where a
 * thread runs decides where memory lies. */
static Status place(Cli *c, Err *err)
{
    const Options *o = &c->o;
    const char *numa = o->numa ? o->numa : "numactl";
    bool spread = strcmp(numa, "distribute") == 0, isolate = strcmp(numa, "isolate") == 0;
    if (c->placed) return OK;
    if (!spread && !isolate && strcmp(numa, "numactl") != 0)
        return fail(err, E_ARG, "--numa is '%.40s', expected is distribute, isolate or numactl. HINT: without "
                    "it the system places the threads", numa);
    cpu_set_t set;
    CPU_ZERO(&set);
    if (o->cpu_mask) TRY(cpu_add_mask(&set, o->cpu_mask, err));
    if (o->cpu_range) TRY(cpu_add_range(&set, o->cpu_range, err));
    if (o->cpu_mask || o->cpu_range) TRY(cpu_restrict(&set, err));
    if ((spread || isolate) && !o->quiet) note_nodes(numa);
    CPU_ZERO(&set);
    if (isolate) cpu_same_node(&set);
    if (isolate) TRY(cpu_restrict(&set, err));
    bool strict = o->pin || o->cpu_strict;
    cpu_bind_to(!spread ? CPU_BIND_CORE : strict ? CPU_BIND_CORE_OF_NODE : CPU_BIND_NODE);
    if (spread) nodes_use(&cpu_topology()->memory);
    c->bind = strict || (spread && cpu_topology()->n_nodes > 1);
    c->placed = true;
    return OK;
}

static Status start_pool(Cli *c, Err *err)
{
    if (c->pool) return OK;
    TRY(place(c, err));
    return pool_open(&c->pool, c->o.n_threads ? (int)c->o.n_threads : cpu_threads_default(), c->bind, err);
}

Status cli_open_model(Cli *c, Err *err)
{
    MapMode mode;
    TRY(load_mode(&c->o, &mode, err));
    TRY(place(c, err));
    /* What a directory has in another order is laid out by all threads. */
    if (c->o.model && import_is_directory(c->o.model)) TRY(start_pool(c, err));
    ImportRun run = {.label = "arrange", .quiet = c->o.quiet, .pool = c->pool};
    Status s = c->o.model ? model_open_run(&c->model, c->o.model, mode, &run, err)
                          : model_open_memory(&c->model, c->program->embedded,
                                              c->program->embedded_bytes, err);
    if (s == OK && !c->o.quiet) cli_note_import(&c->model.imported);
    /* A missing or unreadable file is a rejected model too; only memory is another matter. */
    if (s != OK) return s == E_MEMORY ? s : E_FORMAT;
    return cli_open_loras(c, &c->model.gguf, err);
}

Status cli_open_vocabulary(Cli *c, Err *err)
{
    MapMode mode;
    TRY(load_mode(&c->o, &mode, err));
    Status s = model_open_vocabulary(&c->model, c->o.model, c->program->embedded,
                                     c->program->embedded_bytes, mode, err);
    return s == OK || s == E_MEMORY ? s : E_FORMAT;
}

/* --weights: matrices in another type, in memory. */
static Status repack(Cli *c, Err *err)
{
    static const DType types[] = {DT_F32, DT_F16, DT_BF16, DT_Q8_0, DT_Q4_0};
    const char *name = c->o.weights;
    if (!c->model.arch || strcmp(name, "asis") == 0) return OK;
    int type = dtype_by_name(name);
    bool known = false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) known |= type == (int)types[i];
    if (!known)
        return fail(err, E_ARG, "--weights is '%.40s', expected is asis, f32, f16, bf16, q8_0 or q4_0. HINT: "
                    "asis is the default", name);
    int64_t need = model_repack_bytes(&c->model, (DType)type), have = mem_available();
    if (need > have)
        return fail(err, E_MEMORY, "--weights %s needs %.1f MiB, %.1f MiB are available. HINT: a smaller type, "
                    "or asis", name, (double)need / 1048576, (double)have / 1048576);
    TRY(model_repack(&c->model, (DType)type, c->pool, c->o.quiet, err));
    if (!c->o.quiet)
        fprintf(stderr, "weights: %.1f MiB repacked as %s\n", (double)need / 1048576,
                dtype_name((DType)type));
    return OK;
}

Status cli_open_pool(Cli *c, Err *err)
{
    TRY(start_pool(c, err));
    return repack(c, err);
}

static Status cache_type(const char *flag, const char *name, DType *type, Err *err)
{
    int id = dtype_by_name(name);
    if (id != DT_F32 && id != DT_F16)
        return fail(err, E_ARG, "%s is '%s', expected is f16 or f32. HINT: f16 is the default", flag,
                    name);
    *type = (DType)id;
    return OK;
}

static uint64_t fresh_seed(void)
{
    return (uint64_t)clock_ns() * 0x9E3779B97F4A7C15u ^ (uint64_t)getpid() << 32;
}

SamplerParams cli_sampling(const Options *o)
{
    return (SamplerParams){.temp = (float)o->temp, .top_k = o->top_k, .top_p = (float)o->top_p,
                           .min_p = (float)o->min_p, .repeat_penalty = (float)o->repeat_penalty,
                           .repeat_last_n = o->repeat_last_n,
                           .seed = o->seed < 0 ? fresh_seed() : (uint64_t)o->seed};
}

Status cli_generator_params(Cli *c, GeneratorParams *p, Err *err)
{
    const Options *o = &c->o;
    *p = (GeneratorParams){.n_ctx = o->n_ctx ? o->n_ctx : c->model.hp.n_ctx_train,
                           .n_ubatch = o->n_ubatch < o->n_batch ? o->n_ubatch : o->n_batch,
                           .ignore_eos = o->ignore_eos};
    if (p->n_ubatch > p->n_ctx) p->n_ubatch = p->n_ctx;
    TRY(cache_type("-ctk", o->type_k, &p->type_k, err));
    TRY(cache_type("-ctv", o->type_v, &p->type_v, err));
    p->sampling = cli_sampling(o);
    return OK;
}

void cli_note_context(const Cli *c, int64_t n_ctx)
{
    if (c->o.quiet || n_ctx <= c->model.hp.n_ctx_train) return;
    fprintf(stderr, "note: the context holds %lld tokens, the model was trained with %lld and guesses beyond "
            "that\n", (long long)n_ctx, (long long)c->model.hp.n_ctx_train);
}

Status cli_check_room(int64_t need, int64_t n_ctx, Err *err)
{
    int64_t have = mem_available();
    if (need >= 0 && need <= have) return OK;
    return fail(err, E_MEMORY, "a context of %lld tokens needs %.1f MiB, %.1f MiB are available. "
                "HINT: lower it with -c", (long long)n_ctx, need < 0 ? 1e9 : (double)need / 1048576,
                (double)have / 1048576);
}

Status cli_check_plan(Cli *c, const GeneratorParams *p, int64_t extra_bytes, Err *err)
{
    int threads = pool_threads(c->pool);
    int64_t need = generator_plan(&c->model, p, threads), total = -1;
    if (need < 0 || __builtin_add_overflow(need, extra_bytes, &total)) total = -1;
    TRY(cli_check_room(total, p->n_ctx, err));
    if (!c->o.verbose) return OK;
    const double mib = 1048576;
    int64_t kv = kvcache_plan(&c->model, p->type_k, p->type_v, p->n_ctx, 1);
    char own[64] = "";
    if (c->model.imported.own_bytes)
        snprintf(own, sizeof own, ", %.1f MiB of them laid out anew", (double)c->model.imported.own_bytes / mib);
    fprintf(stderr, "memory: weights %.1f MiB (%s%s), KV cache %.1f MiB (%lld tokens), scratch %.1f MiB, "
            "other %.1f MiB\n", (double)c->model.weights.bytes / mib,
            c->model.gguf.files && c->model.gguf.files[0].mapped ? "mapped" : "in memory", own,
            (double)kv / mib, (long long)p->n_ctx, (double)(need - kv) / mib,
            (double)extra_bytes / mib);
    char machine[160];
    cpu_topology_text(cpu_topology(), machine, sizeof machine);
    fprintf(stderr, "machine: %s\n", machine);
    fprintf(stderr, "threads: %d, seed: %llu, attention: %s, generate: %s\n", threads,
            (unsigned long long)p->sampling.seed, kernels_selected("attention")->variant,
            kernels_selected("generate")->variant);
    return OK;
}

/* ---------------------------------------------------------------- text in and out */

Status cli_read_text(const char *path, Buf *out, size_t limit, Err *err)
{
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    const char *name = path ? path : "stdin";
    if (fd < 0) return fail(err, E_IO, "cannot open '%s': %s. HINT: check the path", name, strerror(errno));
    Status s = OK;
    for (;;) {
        s = buf_reserve(out, 65536, err);
        if (s != OK) break;
        ssize_t n = read(fd, out->data + out->len, 65536);
        if (n < 0 && errno == EINTR && !cli_stop) continue;
        if (n < 0)
            s = fail(err, E_IO, "cannot read '%s': %s. HINT: it must be a file or a pipe", name,
                     strerror(errno));
        if (n <= 0) break;
        out->len += (size_t)n;
        out->data[out->len] = 0;
        if (out->len > limit) {
            s = fail(err, E_LIMIT, "'%s' is longer than %zu bytes. HINT: cut it", name, limit);
            break;
        }
    }
    if (path) close(fd);
    return s;
}

Status cli_parse_ids(const char *text, int64_t n_vocab, TokenList *out, Err *err)
{
    for (const char *at = text + strspn(text, ", \t\r\n"); *at; at += strspn(at, ", \t\r\n")) {
        char *end;
        errno = 0;
        long long v = strtoll(at, &end, 10);
        size_t n = strcspn(at, ", \t\r\n");
        if (end != at + n || errno || v < 0 || v >= n_vocab)
            return fail(err, E_ARG, "'%.*s' is no token id of this model, expected is 0 to %lld. HINT: "
                        "`sixfold tokenize` gives the ids of a text",
                        (int)(n > 40 ? 40 : n), at, (long long)n_vocab - 1);
        TRY(tokens_push(out, (int32_t)v, err));
        at = end;
    }
    return OK;
}

Status cli_write(const void *bytes, size_t n, Err *err)
{
    const char *at = bytes;
    while (n > 0) {
        ssize_t k = write(STDOUT_FILENO, at, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0 && errno == EPIPE) return fail(err, E_CANCELLED, "stdout was closed");
        if (k < 0) return fail(err, E_IO, "cannot write to stdout: %s. HINT: is the disk full?", strerror(errno));
        at += k;
        n -= (size_t)k;
    }
    return OK;
}

bool cli_same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

Status cli_create(const Cli *c, const char *path, FILE **out, Err *err)
{
    const char *model = c->o.n_positional ? c->o.positional[0] : c->o.model;
    *out = NULL;
    if (model && cli_same_file(model, path))
        return fail(err, E_ARG, "'%s' is the model itself. HINT: give another output name", path);
    *out = fopen(path, "wb");
    return *out ? OK : fail(err, E_IO, "cannot write '%s': %s. HINT: check the directory", path,
                            strerror(errno));
}

Status cli_profile_report(Cli *c, Err *err)
{
    if (!c->o.profile) return OK;
    profile_stop();
    Buf text = {0};
    Status s = strcmp(c->o.profile, "json") == 0 ? profile_json(&text, err) : profile_table(&text, err);
    if (s == OK) fwrite(text.data, 1, text.len, stderr);
    buf_close(&text);
    return s;
}
