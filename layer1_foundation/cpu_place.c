/* cpu_place.c: which CPUs the process computes on, and which thread on which of them.
 *
 * What we were given is read once, before any thread is bound: a bound thread sees only its own CPU.
 * cpu_restrict may make it smaller. */
#include "cpu.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static cpu_set_t allowed;
static CpuTopology topology;
static CpuBinding binding = CPU_BIND_CORE;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find(void)
{
    if (sched_getaffinity(getpid(), sizeof allowed, &allowed) != 0) CPU_ZERO(&allowed);
    cpu_topology_read(&topology, "", &allowed);
}

const CpuTopology *cpu_topology(void)
{
    pthread_once(&once, find);
    return &topology;
}

int cpu_threads_default(void) { return cpu_topology_threads(cpu_topology()); }

Status cpu_add_mask(cpu_set_t *set, const char *hex, Err *err)
{
    const char *digits = hex[0] == '0' && (hex[1] == 'x' || hex[1] == 'X') ? hex + 2 : hex;
    size_t n = strlen(digits);
    if (n == 0 || strspn(digits, "0123456789abcdefABCDEF") != n)
        return fail(err, E_ARG, "the CPU mask '%.40s' is no hexadecimal number. HINT: bit i stands for "
                    "CPU i, so that f means CPUs 0-3", hex);
    for (size_t i = 0; i < n; i++) {
        char one[2] = {digits[n - 1 - i], 0};
        long four = strtol(one, NULL, 16);
        for (size_t b = 0; b < 4; b++) {
            if (!(four >> b & 1)) continue;
            if (4 * i + b >= CPU_SETSIZE)
                return fail(err, E_ARG, "the CPU mask names CPU %zu, the limit is %d. HINT: bit i, "
                            "counted from the right, stands for CPU i", 4 * i + b, CPU_SETSIZE - 1);
            CPU_SET(4 * i + b, set);
        }
    }
    return OK;
}

Status cpu_add_range(cpu_set_t *set, const char *range, Err *err)
{
    /* "2-5", "-5" (from the first) or "2-" (to the last that we may use). */
    const char *dash = strchr(range, '-');
    size_t n = strspn(range, "0123456789");
    if (!dash || dash != range + n || strspn(dash + 1, "0123456789") != strlen(dash + 1) || !range[1])
        return fail(err, E_ARG, "the CPU range '%.40s' does not read lo-hi. HINT: 0-3 means the CPUs 0, "
                    "1, 2 and 3", range);
    int last = 0;
    cpu_topology();
    for (int c = 0; c < CPU_SETSIZE; c++)
        if (CPU_ISSET(c, &allowed)) last = c;
    long lo = n ? strtol(range, NULL, 10) : 0, hi = dash[1] ? strtol(dash + 1, NULL, 10) : last;
    if (hi < lo || hi >= CPU_SETSIZE)
        return fail(err, E_ARG, "the CPU range '%.40s' is from %ld to %ld, expected is lo <= hi <= %d. "
                    "HINT: the last CPU here is %d", range, lo, hi, CPU_SETSIZE - 1, last);
    for (long c = lo; c <= hi; c++) CPU_SET((int)c, set);
    return OK;
}

Status cpu_restrict(const cpu_set_t *set, Err *err)
{
    char ours[200];
    cpu_topology();
    cpu_list_text(&allowed, ours, sizeof ours);
    if (CPU_COUNT(set) == 0)
        return fail(err, E_ARG, "no CPU is named to compute on. HINT: this process may use %s", ours);
    for (int c = 0; c < CPU_SETSIZE; c++)
        if (CPU_ISSET(c, set) && !CPU_ISSET(c, &allowed))
            return fail(err, E_ARG, "CPU %d does not exist or is not ours. HINT: this process may use %s",
                        c, ours);
    if (pthread_setaffinity_np(pthread_self(), sizeof *set, set) != 0)
        return fail(err, E_IO, "the system refuses to bind us to %d CPUs. HINT: this process may use %s",
                    CPU_COUNT(set), ours);
    allowed = *set;
    cpu_topology_read(&topology, "", &allowed);
    return OK;
}

void cpu_same_node(cpu_set_t *set)
{
    const CpuTopology *t = cpu_topology();
    int here = sched_getcpu(), node = 0;
    for (int i = 0; i < t->n_cpus; i++)
        if (t->cpu[i] == here) node = t->node[i];
    for (int i = 0; i < t->n_cpus; i++)
        if (t->node[i] == node) CPU_SET(t->cpu[i], set);
}

void cpu_bind_to(CpuBinding b) { binding = b; }

Status cpu_pin_thread(int i, Err *err)
{
    const CpuTopology *t = cpu_topology();
    if (t->n_cpus == 0) return fail(err, E_IO, "cannot pin thread %d: no CPU is known", i);
    int at = cpu_topology_place(t, i, binding != CPU_BIND_CORE);
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int k = 0; k < t->n_cpus; k++)
        if (k == at || (binding == CPU_BIND_NODE && t->node[k] == t->node[at])) CPU_SET(t->cpu[k], &set);
    if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) == 0) return OK;
    return fail(err, E_IO, "cannot pin thread %d to CPU %d of %d", i, t->cpu[at], t->n_cpus);
}

void cpu_unpin_thread(void)
{
    if (cpu_topology()->n_cpus > 0) pthread_setaffinity_np(pthread_self(), sizeof allowed, &allowed);
}
