/* meminfo.h: how much memory the machine has left.
 *
 * Interface: mem_available asks the system each time: bytes that it could still give out, the page cache
 * that it would drop included; INT64_MAX if it does not say. */
#ifndef SIXFOLD_MEMINFO_H
#define SIXFOLD_MEMINFO_H

#include <stdint.h>

int64_t mem_available(void);

#endif
