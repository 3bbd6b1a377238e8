/* meminfo.c: the line MemAvailable of /proc/meminfo, in KiB. */
#include "meminfo.h"

#include <stdio.h>

int64_t mem_available(void)
{
    FILE *f = fopen("/proc/meminfo", "r");
    char line[128];
    long long kib = -1;
    while (f && kib < 0 && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %lld kB", &kib) != 1) kib = -1;
    if (f) fclose(f);
    return kib < 0 ? INT64_MAX : (int64_t)kib * 1024;
}
