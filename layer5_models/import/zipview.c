/* zipview.c: an archive is read from its end.
 *
 *   local header + bytes, ... | central directory: one record per member | end record
 *
 * The end record says where the directory is. Where 32 bits are too few, a number is all ones, and the true
 * one stands in a record of the 64-bit form: before the end record for the directory, in a member's
 * extra field for the member. */
#include "zipview.h"

#include <string.h>

enum { END_BYTES = 22, LOCATOR_BYTES = 20, END64_BYTES = 56, CENTRAL_BYTES = 46, LOCAL_BYTES = 30,
       MAX_COMMENT = 65535 };

static uint64_t number(const uint8_t *p, int bytes)
{
    uint64_t x = 0;
    for (int i = bytes - 1; i >= 0; i--) x = x << 8 | p[i];
    return x;
}

static bool has_sign(const uint8_t *p, char a, char b)
{
    return p[0] == 'P' && p[1] == 'K' && p[2] == a && p[3] == b;
}

bool zipview_is(const void *data, size_t size) { return size >= LOCAL_BYTES && has_sign(data, 3, 4); }

static Status damaged(const char *what, Err *err)
{
    return fail(err, E_FORMAT, "the zip archive %s. HINT: the file is incomplete or damaged; fetch it again", what);
}

/* Where the directory is and how many members it has. */
static Status find_directory(const uint8_t *d, uint64_t size, uint64_t *at, uint64_t *bytes, uint64_t *n, Err *err)
{
    if (size < END_BYTES) return damaged("has no end record", err);
    uint64_t end = size - END_BYTES, least = end > MAX_COMMENT ? end - MAX_COMMENT : 0;
    while (!(has_sign(d + end, 5, 6) && end + END_BYTES + number(d + end + 20, 2) == size)) {
        if (end == least) return damaged("has no end record", err);
        end--;
    }
    *n = number(d + end + 10, 2);
    *bytes = number(d + end + 12, 4);
    *at = number(d + end + 16, 4);
    if (end >= LOCATOR_BYTES && has_sign(d + end - LOCATOR_BYTES, 6, 7)) {
        uint64_t end64 = number(d + end - LOCATOR_BYTES + 8, 8);
        if (end64 > end || end - end64 < END64_BYTES || !has_sign(d + end64, 6, 6))
            return damaged("has a wrong 64-bit end record", err);
        *n = number(d + end64 + 32, 8);
        *bytes = number(d + end64 + 40, 8);
        *at = number(d + end64 + 48, 8);
    }
    if (*at > end || *bytes > end - *at) return damaged("has its directory outside of itself", err);
    if (*n > ZIPVIEW_MAX_MEMBERS || *n > *bytes / CENTRAL_BYTES)
        return fail(err, E_LIMIT, "the zip archive claims %llu members in a directory of %llu bytes (limit %d). HINT: "
                    "the file is damaged", (unsigned long long)*n, (unsigned long long)*bytes, ZIPVIEW_MAX_MEMBERS);
    return OK;
}

/* Numbers of all ones are replaced by those of the extra field 0x0001, in this order. */
static bool read_extra(const uint8_t *p, uint64_t left, uint64_t *numbers[3])
{
    while (left >= 4) {
        uint64_t id = number(p, 2), n = number(p + 2, 2);
        p += 4, left -= 4;
        if (n > left) return false;
        for (int i = 0; id == 1 && i < 3; i++) {
            if (*numbers[i] != UINT32_MAX) continue;
            if (n < 8) return false;
            *numbers[i] = number(p, 8);
            p += 8, left -= 8, n -= 8;
        }
        p += n, left -= n;
    }
    return true;
}

/* One record of the directory at p; *used gets its bytes. */
static Status read_member(ZipMember *m, const uint8_t *d, uint64_t size, const uint8_t *p, uint64_t left,
                          uint64_t *used, Err *err)
{
    /* 1. The record itself. */
    if (left < CENTRAL_BYTES || !has_sign(p, 1, 2)) return damaged("has a wrong record in its directory", err);
    uint64_t name = number(p + 28, 2), extra = number(p + 30, 2), comment = number(p + 32, 2);
    *used = CENTRAL_BYTES + name + extra + comment;
    if (*used > left) return damaged("has a directory that breaks off", err);
    m->name = (Str){(const char *)p + CENTRAL_BYTES, name};
    if (name > 4096 || memchr(m->name.ptr, 0, name)) return damaged("has a member with a wrong name", err);
    /* 2. What is done to its bytes. */
    uint64_t flags = number(p + 8, 2), method = number(p + 10, 2);
    if (flags & 1 || method != 0)
        return fail(err, E_UNSUPPORTED, "'%.*s' in the zip archive is %s (method %llu), only stored members are read. "
                    "HINT: torch.save stores; save the checkpoint again", STR_ARG(m->name),
                    flags & 1 ? "encrypted" : "compressed", (unsigned long long)method);
    /* 3. Where they are: behind the local header, whose lengths may differ. */
    uint64_t packed = number(p + 20, 4), bytes = number(p + 24, 4), at = number(p + 42, 4);
    if (!read_extra(p + CENTRAL_BYTES + name, extra, (uint64_t *[]){&bytes, &packed, &at}))
        return damaged("has a wrong extra field", err);
    if (packed != bytes || at > size || size - at < LOCAL_BYTES || !has_sign(d + at, 3, 4))
        return fail(err, E_FORMAT, "'%.*s' in the zip archive has no header where the directory says. HINT: the file is "
                    "damaged", STR_ARG(m->name));
    at += LOCAL_BYTES + number(d + at + 26, 2) + number(d + at + 28, 2);
    if (at > size || bytes > size - at)
        return fail(err, E_FORMAT, "'%.*s' in the zip archive is bytes %llu to %llu of %llu. HINT: the download may be "
                    "incomplete", STR_ARG(m->name), (unsigned long long)at, (unsigned long long)(at + bytes),
                    (unsigned long long)size);
    m->data = d + at;
    m->bytes = (int64_t)bytes;
    return OK;
}

Status zipview_open(ZipView *z, Arena *a, const void *data, size_t size, Err *err)
{
    uint64_t at = 0, bytes = 0, n = 0, used = 0;
    *z = (ZipView){0};
    TRY(find_directory(data, size, &at, &bytes, &n, err));
    z->members = ARENA_NEW(a, ZipMember, (int64_t)n + 1);
    if (!z->members) return fail(err, E_MEMORY, "no memory for %llu members", (unsigned long long)n);
    TRY(import_index_open(&z->index, a, (int64_t)n, err));
    for (; z->n < (int64_t)n; z->n++, at += used, bytes -= used) {
        ZipMember *m = &z->members[z->n];
        TRY(read_member(m, data, size, (const uint8_t *)data + at, bytes, &used, err));
        int32_t *slot = import_index_slot(&z->index, z->members, sizeof *m, m->name);
        if (*slot >= 0)
            return fail(err, E_FORMAT, "'%.*s' is in the zip archive twice. HINT: the file is damaged", STR_ARG(m->name));
        *slot = (int32_t)z->n;
    }
    return OK;
}

const ZipMember *zipview_find(const ZipView *z, Str name)
{
    if (!z->index.slots) return NULL;
    int32_t at = *import_index_slot(&z->index, z->members, sizeof *z->members, name);
    return at < 0 ? NULL : &z->members[at];
}
