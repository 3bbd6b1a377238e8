/* fuzz_world.c: any bytes as a document. Reading must end, must not doubt between two choices, and must
 * agree with the checker: what the checker accepts can be read. A complaint is one line. */
#include "world.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[200] = "", complaint[200] = "", letters[200] = "";
    const char *text = (const char *)data;
    WorldReading r = {0};
    bool read = world_read(&r, text, size, why, sizeof why);
    bool good = world_check(text, size, complaint, sizeof complaint);
    world_check_text(text, size, letters, sizeof letters);
    CHECK(!read || !r.ambiguous, "two choices make the same text");
    CHECK(read || !good, "accepted, but not read: %s", why);
    CHECK(good == !complaint[0] && read == !why[0], "'%s', '%s'", complaint, why);
    CHECK(!strchr(complaint, '\n') && !strchr(letters, '\n'), "a complaint of two lines");
    CHECK(!read || (r.bits > 1 && r.bits < 8. * (double)size), "%f bits for %zu bytes", r.bits,
          size);
    return 0;
}
