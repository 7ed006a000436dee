/*
 * gaze_watch: shows live samples, read through gaze.h alone.
 *
 *     cc -std=c11 -O2 -Iinclude include/examples/gaze_watch.c -o gaze_watch -lm
 *     ./gaze_watch [--seconds N] [--json | --summary] [--name /NAME]
 *                  [--truth FILE] [--min-valid PERCENT]
 *
 * --json prints one object a line for each sample, with the faces of its
 * picture (null where their table is gone already); --summary prints only the
 * totals and the last faces at the end. Without --seconds it runs until the daemon ends. --truth
 * compares with a known path: lines `frame,x,y,open`, frames counted modulo
 * their number, as `gazed demo-truth` prints for the demo.
 *
 * Exit code: 0 samples came, 1 none came, 2 wrong usage, 3 cannot open,
 * 4 fewer valid samples than --min-valid.
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

/* ------------------------------------------------------- a known path */

#define TRUTH_MAX 65536
#define BINS 2000 /* of 0.1 % of the diagonal */

static struct {
    float x[TRUTH_MAX], y[TRUTH_MAX];
    unsigned char open[TRUTH_MAX];
    size_t frames;
    double aspect; /* the display's width by its height */
    uint64_t bins[BINS], compared;
} truth;

/* Sums of the normal equations: rows x, y, 1; columns x, y, 1, true x, true y. */
static struct {
    double sums[3][5];
    double targets; /* squares of the true points, in display heights */
} fit;

static int read_truth(const char *path)
{
    char line[128];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL && truth.frames < TRUTH_MAX) {
        unsigned frame, open;
        float x, y;
        if (sscanf(line, "%u,%f,%f,%u", &frame, &x, &y, &open) != 4)
            continue; /* the heading */
        truth.x[truth.frames] = x;
        truth.y[truth.frames] = y;
        truth.open[truth.frames++] = open != 0;
    }
    fclose(file);
    return truth.frames > 0;
}

/* Only samples that come from a picture are compared: only they say which. */
static void compare(const struct gaze_sample *s)
{
    const uint32_t wanted = GAZE_VALID | GAZE_MEASURED;
    if (truth.frames == 0 || (s->flags & wanted) != wanted)
        return;
    const size_t frame = (size_t)(s->frame_index % truth.frames);
    if (!truth.open[frame])
        return;
    const double dx = ((double)s->x - (double)truth.x[frame]) * truth.aspect;
    const double dy = (double)s->y - (double)truth.y[frame];
    const double error = sqrt((dx * dx + dy * dy) / (truth.aspect * truth.aspect + 1.0));
    const double bin = error * 1000.0;
    truth.bins[bin < BINS - 1 ? (size_t)bin : BINS - 1]++;
    truth.compared++;

    const double row[5] = {(double)s->x, (double)s->y, 1.0, (double)truth.x[frame],
                           (double)truth.y[frame]};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 5; j++)
            fit.sums[i][j] += row[i] * row[j];
    fit.targets += row[3] * row[3] * truth.aspect * truth.aspect + row[4] * row[4];
}

/* A percentile of the error, in percent of the screen's diagonal. */
static double error_at(double part)
{
    uint64_t below = 0;
    for (size_t bin = 0; bin < BINS; bin++) {
        below += truth.bins[bin];
        if ((double)below >= part * (double)truth.compared)
            return ((double)bin + 0.5) / 10.0;
    }
    return (double)BINS / 10.0;
}

/* What a calibration would leave: the best affine map of the seen points onto
 * the true ones (least squares, normal equations), then the mean square root
 * of what remains, in percent of the diagonal. Negative: too few points. */
static double error_after_affine(void)
{
    double m[3][5];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 5; j++)
            m[i][j] = fit.sums[i][j];
    for (int i = 0; i < 3; i++) {
        if (fabs(m[i][i]) < 1e-9)
            return -1.0;
        for (int k = 0; k < 3; k++) {
            if (k == i)
                continue;
            const double factor = m[k][i] / m[i][i];
            for (int j = i; j < 5; j++)
                m[k][j] -= factor * m[i][j];
        }
    }
    /* The squares left: those of the targets less what the fit explains. */
    double left = fit.targets;
    for (int i = 0; i < 3; i++) {
        left -= m[i][3] / m[i][i] * fit.sums[i][3] * truth.aspect * truth.aspect;
        left -= m[i][4] / m[i][i] * fit.sums[i][4];
    }
    /* Below zero by rounding only. */
    const double mean = fabs(left) / (double)truth.compared;
    return 100.0 * sqrt(mean / (truth.aspect * truth.aspect + 1.0));
}

/* ------------------------------------------------------------- printing */

/* JSON knows no NaN. */
static void number(const char *key, float value)
{
    if (isfinite(value))
        printf(",\"%s\":%.6g", key, (double)value);
    else
        printf(",\"%s\":null", key);
}

/* Seconds from one time to a later one; 0 the other way round. */
static double seconds_since(uint64_t then_ns, uint64_t now_ns)
{
    return now_ns > then_ns ? (double)(now_ns - then_ns) / 1e9 : 0.0;
}

static uint32_t rows_of(const struct gaze_face_table *t)
{
    return t->count < GAZE_FACE_ROWS ? t->count : GAZE_FACE_ROWS;
}

static void print_faces_json(const struct gaze_face_table *t, uint64_t now_ns)
{
    printf(",\"faces\":[");
    for (uint32_t i = 0; i < rows_of(t); i++) {
        const struct gaze_face *f = &t->rows[i];
        printf("%s{\"id\":%" PRIu32 ",\"state\":\"%s\",\"source\":\"%s\",\"primary\":%s",
               i > 0 ? "," : "", f->id, gaze_face_text(f->state),
               gaze_contact_text(f->contact_source),
               f->flags & GAZE_ROW_PRIMARY ? "true" : "false");
        number("contact", f->contact);
        number("x", f->x);
        number("y", f->y);
        number("w", f->w);
        number("h", f->h);
        printf(",\"since_ns\":%" PRIu64 ",\"measured_ns\":%" PRIu64 ",\"age_ms\":%.3f}",
               f->since_ns, f->measured_ns, 1e3 * seconds_since(f->measured_ns, now_ns));
    }
    printf("]");
}

static void print_faces(const struct gaze_face_table *t, uint64_t now_ns)
{
    printf("faces       %" PRIu32 "%s\n", t->count, t->count > 0 ? ":" : "");
    for (uint32_t i = 0; i < rows_of(t); i++) {
        const struct gaze_face *f = &t->rows[i];
        printf("            %c id %" PRIu32 ": %s for %.1f s", f->flags & GAZE_ROW_PRIMARY ? '*' : ' ',
               f->id, gaze_face_text(f->state), seconds_since(f->since_ns, now_ns));
        if (isfinite(f->contact))
            printf(", %.0f %% (%s)", 100.0 * (double)f->contact,
                   gaze_contact_text(f->contact_source));
        printf(", at %.0f,%.0f of %.0f x %.0f px, %.0f ms old\n", (double)f->x, (double)f->y,
               (double)f->w, (double)f->h, 1e3 * seconds_since(f->measured_ns, now_ns));
    }
}

static void print_json(const struct gaze_reader *gaze, const struct gaze_sample *s, uint64_t lost)
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
    struct gaze_face_table table;
    if (gaze_faces_of(gaze, s->frame_index, &table) == GAZE_OK)
        print_faces_json(&table, s->published_ns);
    else
        printf(",\"faces\":null");
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
    double seconds = 0.0, min_valid = 0.0;
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
        } else if (strcmp(argv[i], "--min-valid") == 0 && i + 1 < argc) {
            min_valid = strtod(argv[++i], &rest);
            if (*rest != 0 || !(min_valid >= 0.0 && min_valid <= 100.0)) {
                fprintf(stderr, "gaze_watch: --min-valid wants 0 to 100\n");
                return 2;
            }
        } else if (strcmp(argv[i], "--truth") == 0 && i + 1 < argc) {
            if (!read_truth(argv[++i])) {
                fprintf(stderr, "gaze_watch: %s: no lines `frame,x,y,open` in it\n", argv[i]);
                return 2;
            }
        } else {
            fprintf(stderr,
                    "usage: gaze_watch [--seconds N] [--json | --summary] [--name /NAME]\n"
                    "                  [--truth FILE] [--min-valid PERCENT]\n");
            return 2;
        }
    }

    struct gaze_reader gaze;
    const int opened = gaze_open(&gaze, name);
    if (opened != GAZE_OK) {
        fprintf(stderr, "gaze_watch: %s: %s\n", gaze.name, gaze_text(opened));
        return 3;
    }

    struct gaze_status status;
    (void)gaze_read_status(&gaze, &status);
    truth.aspect = status.device.display_height_mm > 0.0f
                       ? (double)(status.device.display_width_mm / status.device.display_height_mm)
                       : 16.0 / 9.0;

    struct totals totals;
    memset(&totals, 0, sizeof totals);
    int health = GAZE_RUNNING;
    const uint64_t end = seconds > 0.0 ? gaze_now_ns() + (uint64_t)(seconds * 1e9) : UINT64_MAX;
    while (gaze_now_ns() < end) {
        struct gaze_sample s;
        uint64_t lost;
        while (gaze_next(&gaze, &s, &lost) == GAZE_OK) {
            add(&totals, &s, lost);
            compare(&s);
            if (mode == JSON)
                print_json(&gaze, &s, lost);
            else if (mode == LIVE)
                print_live(&s, &totals);
        }
        const uint64_t now = gaze_now_ns();
        const uint64_t left_ms = end > now ? (end - now) / 1000000u + 1u : 0u;
        if (gaze_wait(&gaze, left_ms < 200u ? (uint32_t)left_ms : 200u) == GAZE_OK)
            continue;
        health = gaze_health(&gaze);
        if (health == GAZE_RESTARTED) {
            if (gaze_reopen(&gaze) == GAZE_OK)
                health = GAZE_RUNNING;
            else
                usleep(100000); /* the next one is not there yet */
        }
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
        (void)gaze_read_status(&gaze, &status);
        printf("gazed       %s%s%s\n", gaze_text(health), status.why.text[0] ? ": " : "",
               status.why.text);
        struct gaze_calibration_note note;
        (void)gaze_read_calibration(&gaze, &note);
        printf("calibration %s%s%s", gaze_calibration_text(note.status),
               note.user[0] ? ", " : "", note.user);
        if (note.generation != 0)
            printf(", %s: %.1f %% of the diagonal (generation %" PRIu32 ")",
                   gaze_grade_text(note.grade), 100.0 * (double)note.error, note.generation);
        printf("%s%s\n", note.text[0] ? ": " : "", note.text);
        printf("samples     %" PRIu64 " at %.2f Hz, %" PRIu64 " lost\n", totals.samples,
               rate(&totals), totals.lost);
        if (totals.samples > 0)
            printf("valid       %.1f %% (measured %" PRIu64 ", predicted %" PRIu64 ")\n",
                   100.0 * (double)totals.valid / (double)totals.samples, totals.measured,
                   totals.predicted);
        if (totals.valid > 0)
            printf("range       x %.3f to %.3f, y %.3f to %.3f\n", (double)totals.x_low,
                   (double)totals.x_high, (double)totals.y_low, (double)totals.y_high);
        if (truth.compared > 0)
            printf("error       median %.1f %%, 90th percentile %.1f %% of the screen's diagonal,"
                   " against the known path (%" PRIu64 " samples)\n",
                   error_at(0.5), error_at(0.9), truth.compared);
        if (truth.compared > 100)
            printf("            %.1f %% (root mean square) would be left by the best affine map,"
                   " which is what a calibration fits\n",
                   error_after_affine());
    }
    struct gaze_face_table table;
    if (mode != JSON && gaze_faces(&gaze, &table) == GAZE_OK)
        print_faces(&table, gaze_now_ns());
    gaze_close(&gaze);
    if (totals.samples == 0) {
        fprintf(stderr, "gaze_watch: no sample came\n");
        return 1;
    }
    const double valid = 100.0 * (double)totals.valid / (double)totals.samples;
    if (valid < min_valid) {
        fprintf(stderr, "gaze_watch: %.1f %% valid, wanted %.1f %%\n", valid, min_valid);
        return 4;
    }
    return 0;
}
