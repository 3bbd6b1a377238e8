/* progress.c: how far long work has come, on stderr, so that stdout stays the answer.
 *
 *   loading [########............]  40 %   812.5 MB/s   1.2 s left
 *
 * A terminal shows one line that is drawn again with '\r' in front; a log file gets a plain line
 * per quarter. Time left assumes that the rest goes at the mean rate so far. */
#include "progress.h"

#include "clock.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR_CELLS = 20, LABEL_WIDTH = 40 };

static const int64_t REDRAW_NS = 100000000;

/* In [0, 1]; work of unknown or no size is complete when it ends. */
static double fraction_done(const Progress *p)
{
    if (p->total <= 0) return 1;
    double f = (double)p->done / (double)p->total;
    return f < 0 ? 0 : f > 1 ? 1 : f;
}

static void draw(Progress *p, int64_t now_ns)
{
    double f = fraction_done(p), seconds = (double)(now_ns - p->start_ns) * 1e-9;
    double rate = seconds > 0 ? (double)p->done / p->unit_size / seconds : 0;

    char bar[BAR_CELLS + 1];
    for (int i = 0; i < BAR_CELLS; i++) bar[i] = i < (int)(f * BAR_CELLS) ? '#' : '.';
    bar[BAR_CELLS] = 0;

    if (p->tty) fprintf(stderr, "\r");
    fprintf(stderr, "%.*s [%s] %3d %%  %8.1f %s/s", LABEL_WIDTH, p->label, bar, (int)(100 * f),
            rate, p->unit);
    if (f > 0 && f < 1) fprintf(stderr, "  %6.1f s left", seconds / f - seconds);
    else fprintf(stderr, "  %6.1f s     ", seconds);
    if (!p->tty) fprintf(stderr, "\n");
    fflush(stderr);
    p->last_draw_ns = now_ns;
}

void progress_start(Progress *p, const char *label, int64_t total, const char *unit,
                    double unit_size, bool quiet)
{
    CHECK(unit_size > 0, "progress of '%s' in units of %g", label, unit_size);
    *p = (Progress){.label = label, .unit = unit, .unit_size = unit_size, .total = total,
                    .start_ns = clock_ns(), .tty = isatty(STDERR_FILENO), .quiet = quiet};
}

void progress_update(Progress *p, int64_t done)
{
    p->done = done;
    if (p->quiet) return;
    int64_t now_ns = clock_ns();
    int quarter = (int)(4 * fraction_done(p));
    if (p->tty ? now_ns - p->last_draw_ns >= REDRAW_NS : quarter > p->last_quarter)
        draw(p, now_ns);
    p->last_quarter = quarter;
}

void progress_end(Progress *p)
{
    if (p->quiet) return;
    if (p->tty) {
        draw(p, clock_ns());
        fprintf(stderr, "\n");
    } else if (p->total <= 0 && p->last_quarter < 4) {
        draw(p, clock_ns());
    }
    p->quiet = true; /* ended: a second end prints nothing */
}
