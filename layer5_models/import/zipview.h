/* zipview.h: the members of a zip archive, where they lie.
 *
 * Interface: zipview_open reads the central directory (also of the 64-bit form) of an archive in memory and
 * checks every member before anything is used: headers and bytes inside the archive, stored and neither
 * compressed nor encrypted (a view cannot unpack), names once. Names and bytes are views of the archive;
 * the list is in the arena. Checksums are not looked at. Source: PKWARE APPNOTE 6.3, section 4.3. */
#ifndef SIXFOLD_ZIPVIEW_H
#define SIXFOLD_ZIPVIEW_H

#include "import_index.h"

enum { ZIPVIEW_MAX_MEMBERS = 1 << 20 };

typedef struct {
    Str name;
    const uint8_t *data; /* of any alignment */
    int64_t bytes;
} ZipMember;

typedef struct {
    ZipMember *members; /* [n] in the order of the directory */
    int64_t n;
    ImportIndex index;
} ZipView;

bool zipview_is(const void *data, size_t size); /* begins like an archive */
Status zipview_open(ZipView *z, Arena *a, const void *data, size_t size, Err *err);
const ZipMember *zipview_find(const ZipView *z, Str name); /* NULL if absent */

#endif
