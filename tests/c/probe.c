/* A C reader that a test drives: one command a line on standard input, one
 * answer a line on standard output. Compiled as C11 and as C++17. */
#include "derived.h"

#include <inttypes.h>
#include <stdio.h>

/* Reads as fast as it can until `target` different samples were seen (or ten
 * seconds passed), and counts what does not follow from its index. */
static void hunt(struct gaze_reader *gaze, uint64_t target)
{
    uint64_t seen = 0, lost_total = 0, torn = 0, back = 0, faces = 0, last = 0, first = 0;
    const uint64_t end = gaze_now_ns() + UINT64_C(10000000000);
    while (seen < target && gaze_now_ns() < end) {
        struct gaze_sample s, want;
        struct gaze_face_table table;
        uint64_t lost = 0;
        if (gaze_next(gaze, &s, &lost) == GAZE_OK) {
            want = derived_sample(s.index);
            torn += memcmp(&s, &want, sizeof s) != 0;
            if (seen == 0)
                first = s.index;
            else
                lost_total += lost;
            back += s.index <= last;
            last = s.index;
            seen++;
        }
        if (gaze_latest(gaze, &s) == GAZE_OK) {
            want = derived_sample(s.index);
            torn += memcmp(&s, &want, sizeof s) != 0;
        }
        if (gaze_faces(gaze, &table) == GAZE_OK) {
            torn += !faces_are_derived(&table);
            faces++;
        }
    }
    printf("seen %" PRIu64 " torn %" PRIu64 " back %" PRIu64 " faces %" PRIu64 " uncounted %" PRId64
           "\n",
           seen, torn, back, faces,
           seen == 0 ? 0 : (int64_t)(last - first + 1) - (int64_t)(seen + lost_total));
}

/* Reads for so long, whatever becomes of the writer, and counts what does not follow from its
 * index, the time of publishing aside. */
static void sift(struct gaze_reader *gaze, uint64_t ms)
{
    uint64_t seen = 0, torn = 0, back = 0, last = 0;
    const uint64_t end = gaze_now_ns() + ms * 1000000u;
    while (gaze_now_ns() < end) {
        struct gaze_sample s, want;
        struct gaze_face_table table;
        if (gaze_next(gaze, &s, NULL) == GAZE_OK) {
            want = derived_sample(s.index);
            want.published_ns = s.published_ns;
            torn += memcmp(&s, &want, sizeof s) != 0;
            back += s.index <= last;
            last = s.index;
            seen++;
        }
        if (gaze_faces(gaze, &table) == GAZE_OK)
            torn += !faces_are_derived(&table);
    }
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", seen, torn, back);
}

/* Reads all there is: how many samples, how many of them are out of order in index or time,
 * and how many were lost on the way. */
static void follow(struct gaze_reader *gaze)
{
    uint64_t seen = 0, wrong = 0, lost = 0, missed = 0;
    struct gaze_sample s, last;
    memset(&last, 0, sizeof last);
    while (gaze_next(gaze, &s, &missed) == GAZE_OK) {
        if (seen > 0)
            wrong += s.index != last.index + 1 + missed || s.published_ns <= last.published_ns;
        lost += missed;
        last = s;
        seen++;
    }
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", seen, wrong, lost);
}

/* How long a newest sample takes to read, ns, the best of some rounds. */
static void speed(const struct gaze_reader *gaze)
{
    struct gaze_sample s;
    uint64_t sum = 0, best = UINT64_MAX;
    for (int round = 0; round < 20; round++) {
        const uint64_t start = gaze_now_ns();
        for (int i = 0; i < 100000; i++)
            if (gaze_latest(gaze, &s) == GAZE_OK)
                sum += s.index + s.flags;
        const uint64_t took = gaze_now_ns() - start;
        best = took < best ? took : best;
    }
    printf("ns %.2f sum %" PRIu64 "\n", (double)best / 100000.0, sum);
}

/* The newest table of faces: code|picture|taken|newest sample|faces, then for each face
 * |id,state,probability,made from,primary,fresh,since,measured,age,x,y,w,h,distance. */
static void print_faces(const struct gaze_reader *gaze)
{
    struct gaze_face_table t;
    const int code = gaze_faces(gaze, &t);
    if (code != GAZE_OK) {
        printf("%d\n", code);
        return;
    }
    printf("%d|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%u", code, t.frame_index, t.captured_ns,
           t.sample_index, t.count);
    for (uint32_t i = 0; i < t.count && i < GAZE_FACE_ROWS; i++) {
        const struct gaze_face *f = &t.rows[i];
        printf("|%u,%s,%.9g,%s,%d,%d,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.9g,%.9g,%.9g,%.9g,%.9g",
               f->id, gaze_face_text(f->state), (double)f->contact,
               gaze_contact_text(f->contact_source), (f->flags & GAZE_ROW_PRIMARY) != 0,
               (f->flags & GAZE_ROW_FRESH) != 0, f->since_ns, f->measured_ns,
               gaze_now_ns() - f->measured_ns, (double)f->x, (double)f->y, (double)f->w,
               (double)f->h, (double)f->distance_mm);
    }
    printf("\n");
}

int main(void)
{
    struct gaze_reader gaze;
    char line[256], word[64];
    memset(&gaze, 0, sizeof gaze);
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *rest = strpbrk(line, " \n");
        const size_t length = rest == NULL ? strlen(line) : (size_t)(rest - line);
        if (length >= sizeof word)
            return 2;
        memcpy(word, line, length);
        word[length] = 0;
        char *argument = rest != NULL && *rest == ' ' ? rest + 1 : NULL;
        if (argument != NULL)
            argument[strcspn(argument, "\n")] = 0;

        if (strcmp(word, "open") == 0) {
            gaze_close(&gaze);
            printf("%d\n", gaze_open(&gaze, argument));
        } else if (strcmp(word, "reopen") == 0) {
            printf("%d\n", gaze_reopen(&gaze));
        } else if (strcmp(word, "health") == 0) {
            printf("%d\n", gaze_health(&gaze));
        } else if (strcmp(word, "wait") == 0 && argument != NULL) {
            printf("%d\n", gaze_wait(&gaze, (uint32_t)strtoul(argument, NULL, 10)));
        } else if (strcmp(word, "drain") == 0) {
            struct gaze_sample s;
            while (gaze_next(&gaze, &s, NULL) == GAZE_OK) {
            }
            printf("ok\n");
        } else if (strcmp(word, "hunt") == 0 && argument != NULL) {
            hunt(&gaze, strtoull(argument, NULL, 10));
        } else if (strcmp(word, "sift") == 0 && argument != NULL) {
            sift(&gaze, strtoull(argument, NULL, 10));
        } else if (strcmp(word, "follow") == 0) {
            follow(&gaze);
        } else if (strcmp(word, "speed") == 0) {
            speed(&gaze);
        } else if (strcmp(word, "faces") == 0) {
            print_faces(&gaze);
        } else if (strcmp(word, "faces_of") == 0) {
            struct gaze_face_table newest, same;
            const int found = gaze_faces(&gaze, &newest) == GAZE_OK &&
                              gaze_faces_of(&gaze, newest.frame_index, &same) == GAZE_OK &&
                              same.frame_index == newest.frame_index &&
                              gaze_faces_of(&gaze, UINT64_MAX, &same) == GAZE_EMPTY;
            printf("%d\n", found);
        } else if (strcmp(word, "status") == 0) {
            struct gaze_status s;
            const int code = gaze_read_status(&gaze, &s);
            printf("%d|%s|%s|%u|%u|%" PRIu64 "|%u|%s|%s|%s|%u|%u|%u|%u x %u|%.0f|%" PRIu64 "|%"
                   PRIx64 "\n",
                   code, gaze_state_text(s.state), gaze_reason_text(s.reason), s.source,
                   s.writer_pid, s.epoch, s.stats.publish_mhz, s.why.text, s.device.network_name,
                   s.device.camera_name, s.calibration_generation, s.display_generation,
                   s.recording, s.device.display_width_px, s.device.display_height_px,
                   (double)s.device.display_width_mm, s.stats.frames_in,
                   s.device.network_hash);
        } else if (strcmp(word, "calibration") == 0) {
            struct gaze_calibration_note n;
            const int code = gaze_read_calibration(&gaze, &n);
            printf("%d|%s|%s|%u|%.4f|%" PRIu64 "|%s|%s\n", code, gaze_calibration_text(n.status),
                   gaze_grade_text(n.grade), n.generation, (double)n.error, n.created_unix_s,
                   n.user, n.text);
        } else if (strcmp(word, "clips") == 0) {
            struct gaze_clips_note n;
            const int code = gaze_read_clips(&gaze, &n);
            printf("%d|%s|%u|%" PRIu64 "|%u|%u|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%s\n", code,
                   gaze_clips_text(n.status), n.face, n.since_ns, n.clips, n.memory, n.bytes,
                   n.missed, n.finished, n.text);
        } else if (strcmp(word, "engine") == 0) {
            struct gaze_engine_note n;
            const int code = gaze_read_engine(&gaze, &n);
            printf("%d|%s|%u|%s|%s\n", code, gaze_provider_text(n.provider), n.flags, n.text,
                   n.priority);
        } else if (strcmp(word, "assistant") == 0) {
            struct gaze_assistant_note n;
            const int code = gaze_read_assistant(&gaze, &n);
            printf("%d|%s|%s|%u|%s|%" PRIu64 "|%" PRIu64 "|%u|%u|%" PRIu64 "|%" PRIu64 "|%" PRIu64
                   "|%" PRIu64 "|%s\n",
                   code, gaze_assistant_text(n.status), gaze_region_text(n.region), n.coarse,
                   gaze_region_text(n.gaze_region), n.captured_ns, n.answered_ns, n.fresh_ms,
                   n.failures, n.asked, n.answered, n.compared, n.agreed, n.text);
        } else if (strcmp(word, "text") == 0 && argument != NULL) {
            const unsigned long code = strtoul(argument, NULL, 10);
            printf("%s|%s|%s|%s|%s|%s|%s|%s|%s|%s\n", gaze_reason_text((uint16_t)code),
                   gaze_state_text((uint8_t)code), gaze_calibration_text((uint32_t)code),
                   gaze_grade_text((uint32_t)code), gaze_clips_text((uint32_t)code),
                   gaze_face_text((uint8_t)code), gaze_contact_text((uint8_t)code),
                   gaze_provider_text((uint32_t)code), gaze_assistant_text((uint32_t)code),
                   gaze_region_text((uint32_t)code));
        } else {
            return 2;
        }
        fflush(stdout);
    }
    gaze_close(&gaze);
    return 0;
}
