/*
 * gaze_watch: shows live samples, read through gaze.h alone.
 *
 *     cc -std=c11 -O2 -Iinclude include/examples/gaze_watch.c -o gaze_watch
 *     ./gaze_watch [--seconds N] [--json | --summary] [--name /NAME]
 *
 * --json prints one object a line for each sample; --summary prints only the
 * totals at the end. Without --seconds it runs until the daemon ends.
 *
 * Exit code: 0 samples came, 1 none came, 2 wrong usage, 3 cannot open.
 */
#include "../gaze.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum mode { LIVE, JSON, SUMMARY };

struct totals {
    uint64_t samples, valid, measured, predicted, lost;
    uint64_t first_ns, last_ns;
    float x_low, x_high, y_low, y_high;
};

static void add(struct totals *t, const struct gaze_sample *s, uint64_t lost)
{
    if (t->samples == 0)
        t->first_ns = s->published_ns;
    else
        t->lost += lost; /* before the first one nothing was promised */
    t->last_ns = s->published_ns;
    t->samples++;
    t->measured += (s->flags & GAZE_MEASURED) != 0;
    t->predicted += (s->flags & GAZE_PREDICTED) != 0;
    if (!(s->flags & GAZE_VALID))
        return;
    if (t->valid++ == 0) {
        t->x_low = t->x_high = s->x;
        t->y_low = t->y_high = s->y;
    }
    t->x_low = s->x < t->x_low ? s->x : t->x_low;
    t->x_high = s->x > t->x_high ? s->x : t->x_high;
    t->y_low = s->y < t->y_low ? s->y : t->y_low;
    t->y_high = s->y > t->y_high ? s->y : t->y_high;
}

static double rate(const struct totals *t)
{
    if (t->samples < 2 || t->last_ns <= t->first_ns)
        return 0.0;
    /* Lost samples were published too. */
    return (double)(t->samples - 1 + t->lost) * 1e9 / (double)(t->last_ns - t->first_ns);
}

/* JSON knows no NaN. */
static void number(const char *key, float value)
{
    if (isfinite(value))
        printf(",\"%s\":%.6g", key, (double)value);
    else
        printf(",\"%s\":null", key);
}

static void print_json(const struct gaze_sample *s, uint64_t lost)
{
    printf("{\"index\":%" PRIu64 ",\"frame_index\":%" PRIu64 ",\"lost\":%" PRIu64, s->index,
           s->frame_index, lost);
    printf(",\"captured_ns\":%" PRIu64 ",\"perceived_ns\":%" PRIu64 ",\"published_ns\":%" PRIu64,
           s->captured_ns, s->perceived_ns, s->published_ns);
    printf(",\"flags\":%" PRIu32 ",\"valid\":%s,\"state\":\"%s\",\"reason\":\"%s\"", s->flags,
           s->flags & GAZE_VALID ? "true" : "false", gaze_state_text(s->state),
           gaze_reason_text(s->reason));
    number("x", s->x);
    number("y", s->y);
    number("raw_x", s->raw_x);
    number("raw_y", s->raw_y);
    number("error_radius", s->error_radius);
    number("confidence", s->confidence);
    printf("}\n");
}

static void print_live(const struct gaze_sample *s, const struct totals *t)
{
    if (s->flags & GAZE_VALID)
        printf("\r%7.3f %7.3f  +-%.3f", (double)s->x, (double)s->y, (double)s->error_radius);
    else
        printf("\r%-24s", gaze_reason_text(s->reason));
    printf("  %5.1f Hz  %3.0f %% valid  %" PRIu64 " lost   ", rate(t),
           100.0 * (double)t->valid / (double)t->samples, t->lost);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    enum mode mode = LIVE;
    const char *name = NULL;
    double seconds = 0.0;
    for (int i = 1; i < argc; i++) {
        char *rest = NULL;
        if (strcmp(argv[i], "--json") == 0)
            mode = JSON;
        else if (strcmp(argv[i], "--summary") == 0)
            mode = SUMMARY;
        else if (strcmp(argv[i], "--name") == 0 && i + 1 < argc)
            name = argv[++i];
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
            seconds = strtod(argv[++i], &rest);
            if (*rest != 0 || !(seconds > 0.0) || seconds > 1e9) {
                fprintf(stderr, "gaze_watch: --seconds wants a positive number\n");
                return 2;
            }
        } else {
            fprintf(stderr,
                    "usage: gaze_watch [--seconds N] [--json | --summary] [--name /NAME]\n");
            return 2;
        }
    }

    struct gaze_reader gaze;
    const int opened = gaze_open(&gaze, name);
    if (opened != GAZE_OK) {
        fprintf(stderr, "gaze_watch: %s: %s\n", gaze.name, gaze_text(opened));
        return 3;
    }

    struct totals totals;
    memset(&totals, 0, sizeof totals);
    int health = GAZE_RUNNING;
    const uint64_t end = seconds > 0.0 ? gaze_now_ns() + (uint64_t)(seconds * 1e9) : UINT64_MAX;
    while (gaze_now_ns() < end) {
        struct gaze_sample s;
        uint64_t lost;
        while (gaze_next(&gaze, &s, &lost) == GAZE_OK) {
            add(&totals, &s, lost);
            if (mode == JSON)
                print_json(&s, lost);
            else if (mode == LIVE)
                print_live(&s, &totals);
        }
        const uint64_t now = gaze_now_ns();
        const uint64_t left_ms = end > now ? (end - now) / 1000000u + 1u : 0u;
        if (gaze_wait(&gaze, left_ms < 200u ? (uint32_t)left_ms : 200u) == GAZE_OK)
            continue;
        health = gaze_health(&gaze);
        if (health == GAZE_RESTARTED && gaze_reopen(&gaze) == GAZE_OK)
            health = GAZE_RUNNING;
        if (health == GAZE_STOPPED || health == GAZE_DIED)
            break;
        if (mode == LIVE && health == GAZE_STALLED) {
            printf("\r%s   ", gaze_text(health));
            fflush(stdout);
        }
    }

    if (mode == LIVE)
        printf("\n");
    if (mode != JSON) {
        struct gaze_status status;
        (void)gaze_read_status(&gaze, &status);
        printf("gazed       %s%s%s\n", gaze_text(health), status.why.text[0] ? ": " : "",
               status.why.text);
        printf("samples     %" PRIu64 " at %.2f Hz, %" PRIu64 " lost\n", totals.samples,
               rate(&totals), totals.lost);
        if (totals.samples > 0)
            printf("valid       %.1f %% (measured %" PRIu64 ", predicted %" PRIu64 ")\n",
                   100.0 * (double)totals.valid / (double)totals.samples, totals.measured,
                   totals.predicted);
        if (totals.valid > 0)
            printf("range       x %.3f to %.3f, y %.3f to %.3f\n", (double)totals.x_low,
                   (double)totals.x_high, (double)totals.y_low, (double)totals.y_high);
    }
    gaze_close(&gaze);
    return totals.samples > 0 ? 0 : 1;
}
