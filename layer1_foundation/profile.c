/* profile.c: recording spans of time without slowing what is measured.
 *
 * Every thread writes to a buffer of its own: no lock, no shared cache line. A buffer is taken when
 * a thread records for the first time and goes back when the thread exits, so that a program that
 * creates ten thousand threads one after another needs one. What was recorded stays in it; the
 * report (profile_report.c) reads all buffers when nobody records. */
#include "profile_data.h"

#include <pthread.h>
#include <string.h>

bool profile_on;
ProfileBuffer profile_buffers[PROFILE_MAX_THREADS];
ProfileCounter profile_counters[PROFILE_MAX_COUNTERS];
int profile_n_counters;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards `taken` and the counters */
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* its destructor tells us that a thread ends */
static _Thread_local ProfileBuffer *mine;

static void give_back(void *buffer)
{
    pthread_mutex_lock(&mutex);
    ((ProfileBuffer *)buffer)->taken = false;
    pthread_mutex_unlock(&mutex);
}

static void make_key(void) { pthread_key_create(&key, give_back); }

/* The calling thread's buffer; NULL if more threads record than there are buffers. */
static ProfileBuffer *my_buffer(void)
{
    if (mine) return mine;
    pthread_once(&key_once, make_key);
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < PROFILE_MAX_THREADS && !mine; i++)
        if (!profile_buffers[i].taken) mine = &profile_buffers[i];
    if (mine) mine->taken = true;
    pthread_mutex_unlock(&mutex);
    if (mine) pthread_setspecific(key, mine);
    return mine;
}

void profile_record(const char *name, int64_t start_ns, int64_t end_ns, int64_t bytes)
{
    ProfileBuffer *b = my_buffer();
    if (!b) return;
    if (b->n == b->cap) {
        int64_t cap = b->cap ? 2 * b->cap : 1024;
        ProfileRecord *grown = cap > PROFILE_MAX_RECORDS
                                   ? NULL
                                   : mem_resize(b->records, (size_t)cap * sizeof *grown);
        if (!grown) {
            b->n_lost++;
            return;
        }
        b->records = grown;
        b->cap = cap;
    }
    b->records[b->n++] = (ProfileRecord){name, start_ns, end_ns, bytes};
}

void profile_count(const char *name, int64_t n)
{
    if (!profile_on) return;
    pthread_mutex_lock(&mutex);
    int i = 0;
    while (i < profile_n_counters && strcmp(profile_counters[i].name, name) != 0) i++;
    CHECK(i < PROFILE_MAX_COUNTERS, "counter '%s' is one too many: the limit is %d", name,
          PROFILE_MAX_COUNTERS);
    if (i == profile_n_counters) profile_counters[profile_n_counters++] = (ProfileCounter){name, 0};
    profile_counters[i].value += n;
    pthread_mutex_unlock(&mutex);
}

Status profile_start(Err *err)
{
    for (int i = 0; i < PROFILE_MAX_THREADS; i++) {
        profile_buffers[i].n = 0;
        profile_buffers[i].n_lost = 0;
    }
    profile_n_counters = 0;

    /* The first growth happens here, where it can fail with a message. */
    ProfileBuffer *b = my_buffer();
    if (b && !b->records) {
        b->records = mem_alloc(1024 * sizeof *b->records);
        if (!b->records) return fail(err, E_MEMORY, "no memory for profiling: 32 KiB refused");
        b->cap = 1024;
    }
    profile_on = true;
    return OK;
}

void profile_stop(void) { profile_on = false; }

void profile_close(void)
{
    profile_stop();
    for (int i = 0; i < PROFILE_MAX_THREADS; i++) {
        ProfileBuffer *b = &profile_buffers[i];
        mem_free(b->records);
        b->records = NULL;
        b->n = b->cap = b->n_lost = 0;
    }
    profile_n_counters = 0;
}
