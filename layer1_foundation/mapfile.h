/* mapfile.h: a file as a span of bytes, by mmap or by read.
 *
 * Interface:
 * - map_open gives data and size; the bytes are read-only and valid until map_close.
 * - MAP_AUTO takes the variant chosen in the kernel table (op "load": read | mmap) and falls back to
 *   read when mapping is refused. Only regular files are accepted: a directory, a FIFO or an empty
 *   file is an error that says so.
 * - Mapped pages come from the page cache when first touched: opening costs nothing, the first pass
 *   pays. If somebody truncates a mapped file, touching the lost pages raises SIGBUS.
 * - A MapFile may be read from any thread; open and close it from one. data is 64-byte aligned. */
#ifndef SIXFOLD_MAPFILE_H
#define SIXFOLD_MAPFILE_H

#include "status.h"

typedef enum { MAP_AUTO, MAP_MMAP, MAP_READ } MapMode;

typedef struct MapFile {
    const uint8_t *data;
    size_t size;
    bool mapped; /* true: munmap at close; false: our own memory */
    void *owned; /* what mem_alloc gave, when not mapped */
} MapFile;

Status map_open(MapFile *m, const char *path, MapMode mode, Err *err);
void map_close(MapFile *m); /* a zeroed or closed one is fine */

/* Op "load": brings the n bytes (n > 0) of an open regular file into m; path is for messages only. */
typedef Status LoadFn(MapFile *m, int fd, size_t n, const char *path, Err *err);
extern LoadFn *load;
LoadFn load_read, load_mmap;

/* Advice to the kernel for a range of a mapping (nothing when read) that is not needed soon: whole pages of it
 * no longer count as our memory; touching them again brings them back from the file. */
void map_dontneed(const MapFile *m, size_t offset, size_t n);

#endif
