/* cpu_topology.c: reads /sys and /proc.
 *
 *   /sys/devices/system/cpu/cpuC/topology/thread_siblings_list   "0,4": CPUs of C's core
 *   /sys/devices/system/node/online, nodeN/cpulist               "0-1"; "0-3"
 *   /sys/devices/system/node/has_memory                          "0-1", numbers of nodes
 *   /proc/self/status                                            "Mems_allowed_list:\t0-1" among others
 *   /sys/kernel/mm/transparent_hugepage/enabled                  "always [madvise] never"
 *   /proc/self/cgroup                                            "0::/user/a" (v2), "4:cpu:/a" (v1)
 *   cpu.max (v2)                                                 "150000 100000" or "max 100000"
 *   cpu.cfs_quota_us, cpu.cfs_period_us (v1)                     "-1"; "100000"
 *
 * A quota binds a cgroup and everything below it, so the least one on the way up counts. A container
 * often sees its own cgroup as the top of the tree while /proc still says how it is called outside:
 * directories that are not there are passed over, and the walk ends at the top in any case.
 * Source: Linux Documentation/admin-guide/cgroup-v2, Documentation/ABI/stable/sysfs-devices-node. */
#include "cpu_topology.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 8192, PATH = 4096 + 256 };

/* ---------------------------------------------------------------- lists of numbers */

bool cpu_list_parse(const char *text, cpu_set_t *set)
{
    CPU_ZERO(set);
    if (strspn(text, " \n") == strlen(text)) return true;
    for (const char *p = text;; p++) {
        char *end;
        if (!isdigit((unsigned char)*p)) return false;
        long lo = strtol(p, &end, 10), hi = lo;
        if (*end == '-') {
            if (!isdigit((unsigned char)end[1])) return false;
            hi = strtol(end + 1, &end, 10);
        }
        if (hi < lo) return false;
        for (long c = lo; c <= hi && c < CPU_SETSIZE; c++) CPU_SET((int)c, set);
        p = end;
        if (*p != ',') return strspn(p, " \n") == strlen(p);
    }
}

void cpu_list_text(const cpu_set_t *set, char *text, size_t n)
{
    size_t len = 0;
    if (n) text[0] = 0;
    for (int c = 0; c < CPU_SETSIZE && len < n; c++) {
        if (!CPU_ISSET(c, set)) continue;
        int last = c;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set)) last++;
        const char *comma = len ? "," : "";
        len += (size_t)(last > c ? snprintf(text + len, n - len, "%s%d-%d", comma, c, last)
                                 : snprintf(text + len, n - len, "%s%d", comma, c));
        c = last;
    }
}

/* ---------------------------------------------------------------- small files */

/* The first line of a file; false if there is none or it is longer than LINE. */
__attribute__((format(printf, 2, 3))) static bool read_line(char line[LINE], const char *fmt, ...)
{
    char path[2 * PATH];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(path, sizeof path, fmt, args);
    va_end(args);
    FILE *f = n > 0 && (size_t)n < sizeof path ? fopen(path, "r") : NULL;
    bool whole = f && fgets(line, LINE, f) && (strchr(line, '\n') || strlen(line) + 1 < LINE);
    if (f) fclose(f);
    return whole;
}

/* ---------------------------------------------------------------- quotas */

static int64_t whole_cpus(long long quota, long long period)
{
    if (quota <= 0 || period <= 0) return 0;
    return quota / period + (quota % period != 0);
}

static int64_t least(int64_t a, int64_t b) { return !a ? b : !b ? a : a < b ? a : b; }

/* Limit of one directory; 0 if it has none, in version 2 and in version 1. */
static int64_t limit_v2(const char *dir)
{
    char line[LINE], *end;
    if (!read_line(line, "%s/cpu.max", dir)) return 0;
    long long quota = strtoll(line, &end, 10); /* "max" gives 0 */
    return whole_cpus(quota, strtoll(end, NULL, 10));
}

static int64_t limit_v1(const char *dir)
{
    char quota[LINE], period[LINE];
    if (!read_line(quota, "%s/cpu.cfs_quota_us", dir)) return 0;
    if (!read_line(period, "%s/cpu.cfs_period_us", dir)) return 0;
    return whole_cpus(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

/* The least limit on the way from a cgroup's directory up to the mount point. */
static int64_t limit_upwards(const char *mount, const char *cgroup, int64_t (*limit)(const char *))
{
    char dir[2 * PATH];
    int top = snprintf(dir, sizeof dir, "%s", mount);
    /* A name that leads out of the tree says nothing about us: ask the top alone. */
    if (cgroup[0] == '/' && !strstr(cgroup, "/.."))
        snprintf(dir + top, sizeof dir - (size_t)top, "%s", cgroup);
    for (int64_t best = 0;;) {
        best = least(best, limit(dir));
        char *slash = strrchr(dir + top, '/');
        if (!slash) return best;
        *slash = 0;
    }
}

static int64_t limit_below(const char *root, bool v2, const char *cgroup)
{
    static const char *const mounts[2][2] = {{"cpu", "cpu,cpuacct"}, {"", "unified"}};
    int64_t best = 0;
    for (int i = 0; i < 2; i++) {
        char mount[PATH];
        const char *name = mounts[v2][i];
        snprintf(mount, sizeof mount, "%.4096s/sys/fs/cgroup%s%s", root, *name ? "/" : "", name);
        best = least(best, limit_upwards(mount, cgroup, v2 ? limit_v2 : limit_v1));
    }
    return best;
}

/* True if the word is one of a list like "cpu,cpuacct". */
static bool lists_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',')
        if (strcspn(p, ",") == n && strncmp(p, word, n) == 0) return true;
    return false;
}

static int64_t find_quota(const char *root)
{
    char path[PATH], line[LINE];
    snprintf(path, sizeof path, "%.4096s/proc/self/cgroup", root);
    FILE *f = fopen(path, "r");
    if (!f) return least(limit_below(root, true, ""), limit_below(root, false, ""));
    int64_t best = 0;
    while (fgets(line, sizeof line, f)) {
        /* "4:cpu,cpuacct:/a/b": number, controllers (none in version 2), name. */
        line[strcspn(line, "\n")] = 0;
        char *list = strchr(line, ':'), *name = list ? strchr(list + 1, ':') : NULL;
        if (!name) continue;
        *name++ = 0;
        list++;
        if (!*list || lists_word(list, "cpu")) best = least(best, limit_below(root, !*list, name));
    }
    fclose(f);
    return best;
}

/* ---------------------------------------------------------------- cores and nodes */

/* True if no smaller CPU of the mask is on the same core. A list without the CPU itself is no list of
 * its siblings. */
static bool is_first_sibling(const char *root, int cpu, const cpu_set_t *mask)
{
    char line[LINE];
    cpu_set_t siblings;
    if (!read_line(line, "%s/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", root, cpu) ||
        !cpu_list_parse(line, &siblings) || !CPU_ISSET(cpu, &siblings))
        return true;
    for (int c = 0; c < cpu; c++)
        if (CPU_ISSET(c, mask) && CPU_ISSET(c, &siblings)) return false;
    return true;
}

/* node_of[c] for the CPUs of the mask; returns the number of nodes that have some. A CPU that two nodes
 * claim belongs to the first of them, one that none claims to node 0. */
static int find_nodes(const char *root, const cpu_set_t *mask, int16_t node_of[CPU_SETSIZE])
{
    char line[LINE];
    cpu_set_t nodes, cpus, left = *mask;
    int n = 0;
    memset(node_of, 0, CPU_SETSIZE * sizeof *node_of);
    if (!read_line(line, "%s/sys/devices/system/node/online", root) || !cpu_list_parse(line, &nodes))
        return 1;
    for (int k = 0; k < CPU_SETSIZE; k++) {
        if (!CPU_ISSET(k, &nodes) || !read_line(line, "%s/sys/devices/system/node/node%d/cpulist", root, k) ||
            !cpu_list_parse(line, &cpus))
            continue;
        CPU_AND(&cpus, &cpus, &left);
        if (CPU_COUNT(&cpus) == 0) continue; /* memory without CPUs, or CPUs that are not ours */
        for (int c = 0; c < CPU_SETSIZE; c++)
            if (CPU_ISSET(c, &cpus)) node_of[c] = (int16_t)n;
        CPU_XOR(&left, &left, &cpus);
        n++;
    }
    return n ? n : 1;
}

/* Nodes with memory, of those that our control group leaves us. */
static void find_memory(const char *root, cpu_set_t *nodes)
{
    static const char key[] = "Mems_allowed_list:";
    char path[PATH], line[LINE];
    cpu_set_t allowed;
    if (!read_line(line, "%s/sys/devices/system/node/has_memory", root) || !cpu_list_parse(line, nodes)) {
        CPU_ZERO(nodes);
        return;
    }
    snprintf(path, sizeof path, "%.4096s/proc/self/status", root);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, sizeof key - 1) == 0 &&
            cpu_list_parse(line + sizeof key - 1 + strspn(line + sizeof key - 1, " \t"), &allowed))
            CPU_AND(nodes, nodes, &allowed);
    if (f) fclose(f);
}

static void find_huge_pages(const char *root, char out[16])
{
    char line[LINE];
    if (!read_line(line, "%s/sys/kernel/mm/transparent_hugepage/enabled", root)) return;
    const char *word = strchr(line, '[');
    if (word && strchr(word, ']')) snprintf(out, 16, "%.*s", (int)strcspn(word + 1, "]") % 16, word + 1);
}

void cpu_topology_read(CpuTopology *t, const char *root, const cpu_set_t *mask)
{
    int16_t node_of[CPU_SETSIZE];
    cpu_set_t first;
    CPU_ZERO(&first);
    *t = (CpuTopology){.n_cpus = CPU_COUNT(mask), .quota = find_quota(root)};
    find_huge_pages(root, t->huge_pages);
    find_memory(root, &t->memory);
    t->n_nodes = find_nodes(root, mask, node_of);
    for (int c = 0; c < CPU_SETSIZE; c++)
        if (CPU_ISSET(c, mask) && is_first_sibling(root, c, mask)) CPU_SET(c, &first);
    t->n_cores = CPU_COUNT(&first);

    int n = 0;
    for (int round = 0; round < 2; round++)
        for (int c = 0; c < CPU_SETSIZE; c++)
            if (CPU_ISSET(c, mask) && (CPU_ISSET(c, &first) ? 0 : 1) == round) {
                t->cpu[n] = (int16_t)c;
                t->node[n++] = node_of[c];
            }
}

int cpu_topology_threads(const CpuTopology *t)
{
    int64_t n = t->quota ? least(t->quota, t->n_cores) : t->n_cores;
    return n < 1 ? 1 : n > 256 ? 256 : (int)n;
}

int cpu_topology_place(const CpuTopology *t, int thread, bool spread)
{
    CHECK(t->n_cpus > 0, "thread %d has no CPU", thread);
    if (!spread) return thread % t->n_cpus;
    int node = thread % t->n_nodes, count = 0;
    for (int i = 0; i < t->n_cpus; i++) count += t->node[i] == node;
    int skip = thread / t->n_nodes % (count ? count : 1);
    for (int i = 0; i < t->n_cpus; i++)
        if (t->node[i] == node && skip-- == 0) return i;
    return 0;
}

void cpu_topology_text(const CpuTopology *t, char *text, size_t n)
{
    char quota[48] = "no quota";
    const char *huge = strcmp(t->huge_pages, "madvise") == 0  ? "on request"
                       : strcmp(t->huge_pages, "always") == 0 ? "always" : "none";
    if (t->quota) snprintf(quota, sizeof quota, "quota %lld", (long long)t->quota);
    snprintf(text, n, "%d core%s (%d CPU%s), %d node%s, %s, huge pages %s", t->n_cores,
             t->n_cores == 1 ? "" : "s", t->n_cpus, t->n_cpus == 1 ? "" : "s", t->n_nodes,
             t->n_nodes == 1 ? "" : "s", quota, huge);
}
