/*
 * gaze.h: read what gazed sees, from C11, C++17 or Swift.
 *
 * One header. Nothing to link (glibc before 2.34: -lrt), nothing allocated, no
 * lock, no thread. The shared memory is mapped read-only: a reader cannot
 * disturb the daemon or another reader, whatever it does.
 *
 *     #include "gaze.h"
 *
 *     struct gaze_reader gaze;
 *     int code = gaze_open(&gaze, NULL);            // NULL: the usual name
 *     if (code != GAZE_OK) { puts(gaze_text(code)); return 1; }
 *     for (;;) {
 *         struct gaze_sample s;
 *         uint64_t lost;
 *         while (gaze_next(&gaze, &s, &lost) == GAZE_OK)
 *             if (s.flags & GAZE_VALID) printf("%.3f %.3f\n", s.x, s.y);
 *         if (gaze_wait(&gaze, 500) == GAZE_OK) continue;
 *         code = gaze_health(&gaze);                 // why is nothing coming?
 *         if (code == GAZE_STOPPED || code == GAZE_DIED) break;
 *         if (code == GAZE_RESTARTED && gaze_reopen(&gaze) != GAZE_OK)
 *             usleep(100000);                        // not there yet: do not spin
 *     }
 *     gaze_close(&gaze);
 *
 * Everybody in view, and who of them looks at the camera:
 *
 *     struct gaze_face_table t;
 *     if (gaze_faces(&gaze, &t) == GAZE_OK)
 *         for (uint32_t i = 0; i < t.count && i < GAZE_FACE_ROWS; i++)
 *             printf("face %u %s %.2f, %.1f s, seen %.0f ms ago\n", t.rows[i].id,
 *                    gaze_face_text(t.rows[i].state), t.rows[i].contact,
 *                    (gaze_now_ns() - t.rows[i].since_ns) / 1e9,
 *                    (gaze_now_ns() - t.rows[i].measured_ns) / 1e6);
 *
 * In strict C (-std=c11) include this file before any other, or compile with
 * -D_DEFAULT_SOURCE: it needs POSIX.
 *
 * Units. Times: nanoseconds of gaze_now_ns(). Points on the screen: (0, 0) top
 * left to (1, 1) bottom right; values outside are real and kept. Angles:
 * degrees; distances: millimetres. Camera frame: x to the image's right, y
 * down, z away from the camera. Yaw is positive to the image's right, pitch
 * up, roll clockwise in the image. The image is not mirrored. Eyes are named
 * by their side in the image. What is not known is NaN.
 *
 * A sample tells apart: is there a face (GAZE_FACE), are the eyes open
 * (GAZE_EYES_OPEN), may x and y be used (GAZE_VALID), do they come from a new
 * picture (GAZE_MEASURED) or from the filter (GAZE_PREDICTED), are they
 * calibrated (GAZE_CALIBRATED); and `reason` says why not.
 *
 * How it holds together. Each record stands in a slot behind a sequence that
 * holds the record's absolute index. The writer stores the sequence as "being
 * overwritten", a release fence, the payload as relaxed 64-bit words, and the
 * sequence as "complete" with release. A reader loads the sequence with
 * acquire, copies the words relaxed, an acquire fence, and loads the sequence
 * again: if it is unchanged, the copy is one record. Readers never wait for a
 * writer that is in the middle; every function here is bounded.
 *
 * A reader (struct gaze_reader) belongs to one thread at a time; open as many
 * as you like.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef GAZE_H
#define GAZE_H

#if defined(__linux__) && !defined(_DEFAULT_SOURCE) && !defined(_GNU_SOURCE)
#define _DEFAULT_SOURCE 1
#endif

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#elif defined(__APPLE__)
#include <dlfcn.h>
#include <libproc.h>
#ifndef RTLD_DEFAULT
#define RTLD_DEFAULT ((void *)-2)
#endif
#else
#error "gaze.h: Linux and macOS only"
#endif
#if defined(__GLIBC__) && !defined(__USE_MISC)
#error "gaze.h needs POSIX: include it first, or compile with -D_DEFAULT_SOURCE or -std=gnu11"
#endif

#ifdef __cplusplus
#define GAZE_ASSERT(condition, text) static_assert(condition, text)
#else
#define GAZE_ASSERT(condition, text) _Static_assert(condition, text)
#endif

GAZE_ASSERT(sizeof(void *) == 8, "gaze.h: 64-bit systems only");
GAZE_ASSERT(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "gaze.h: little-endian only");
GAZE_ASSERT(__GCC_ATOMIC_LLONG_LOCK_FREE == 2 && sizeof(long long) == sizeof(uint64_t),
            "gaze.h: 64-bit atomics must be lock-free");
GAZE_ASSERT(__GCC_ATOMIC_INT_LOCK_FREE == 2 && sizeof(int) == sizeof(uint32_t),
            "gaze.h: 32-bit atomics must be lock-free");

/* ------------------------------------------------------------------ codes */

/* Answers of the functions. gaze_text() turns each into a line for people. */
enum {
    GAZE_OK = 0,
    GAZE_EMPTY = 1,     /* nothing (new) there */
    GAZE_TIMED_OUT = 2, /* gaze_wait: the time is over */

    /* gaze_health */
    GAZE_RUNNING = 10,
    GAZE_STARTING = 11,  /* also from gaze_open: not ready yet, try again soon */
    GAZE_STALLED = 12,   /* the process lives, its heart does not beat */
    GAZE_STOPPED = 13,   /* it ended cleanly (also from gaze_wait) */
    GAZE_DIED = 14,      /* it is gone without saying so (also from gaze_wait) */
    GAZE_RESTARTED = 15, /* another took its place: gaze_reopen */

    /* gaze_open, gaze_reopen */
    GAZE_NOT_THERE = 20,     /* no daemon has made it: start gazed */
    GAZE_OTHER_VERSION = 21, /* made by a gazed that this header is too old or new for */
    GAZE_FOREIGN_OWNER = 22, /* belongs to another user */
    GAZE_TOO_OPEN = 23,      /* its mode lets others write or read */
    GAZE_DAMAGED = 24,       /* cut short, or not gaze's */
    GAZE_BAD_NAME = 25,      /* a slash and 1 to 30 of [A-Za-z0-9._-] */
    GAZE_SYSTEM = 26         /* the system refused; see errno */
};

/* Bits of gaze_sample.flags. */
#define GAZE_FACE        0x0001u /* a face is in the picture */
#define GAZE_LEFT_OPEN   0x0002u /* the eye on the image's left is open */
#define GAZE_RIGHT_OPEN  0x0004u /* the eye on the image's right is open */
#define GAZE_EYES_OPEN   0x0008u /* both are */
#define GAZE_VALID       0x0010u /* x and y may be used */
#define GAZE_MEASURED    0x0020u /* from a picture that is new with this sample */
#define GAZE_PREDICTED   0x0040u /* by the filter: between two pictures, or lids on their way */
#define GAZE_CALIBRATED  0x0080u /* cal_x, cal_y, x, y went through a calibration */
#define GAZE_STALE       0x0100u /* the camera repeats one picture */
#define GAZE_SACCADE     0x0200u /* the eyes are in flight */
#define GAZE_DEMO        0x0400u /* made by the demo: nobody is looking */
#define GAZE_PAUSED      0x0800u /* paused by the user, the camera is closed */
#define GAZE_RECALIBRATE 0x1000u /* the calibration no longer fits */
#define GAZE_COARSE      0x2000u /* only good for large regions: no or a poor calibration */
#define GAZE_FIXATION    0x4000u /* the eyes rest on one place */

/* gaze_sample.reason, gaze_status.reason: why it is not better. */
enum {
    GAZE_REASON_NONE = 0,
    GAZE_REASON_STARTING = 1,
    GAZE_REASON_NO_FACE = 2,           /* sit in front of the camera, switch on a light */
    GAZE_REASON_EYES_CLOSED = 3,
    GAZE_REASON_STALE = 4,             /* the camera repeats one picture */
    GAZE_REASON_NO_FRAMES = 5,         /* the camera is open but sends nothing */
    GAZE_REASON_CAMERA_BUSY = 6,       /* close the other program */
    GAZE_REASON_CAMERA_LOST = 7,       /* plug it in again */
    GAZE_REASON_PERMISSION_DENIED = 8, /* allow the camera in the settings */
    GAZE_REASON_PAUSED = 9,
    GAZE_REASON_LOW_CONFIDENCE = 10,   /* glare, extreme pose, too far */
    GAZE_REASON_NO_NETWORK = 11,
    GAZE_REASON_SOURCE_ENDED = 12,     /* the clip is over */
    GAZE_REASON_FAULT = 13,            /* gaze_status.why says what */
    GAZE_REASON_NO_CAMERA = 14,
    GAZE_REASON_BAD_FRAME = 15,        /* size zero, too large, undecodable */
    GAZE_REASON_OFF_SCREEN = 16,       /* looks away from the screen's plane */
    GAZE_REASON_STOPPED = 17
};

/* gaze_sample.state, gaze_status.state: what the daemon is doing. */
enum {
    GAZE_STATE_STARTING = 0,
    GAZE_STATE_RUNNING = 1,
    GAZE_STATE_PAUSED = 2,
    GAZE_STATE_NO_CAMERA = 3,
    GAZE_STATE_PERMISSION_DENIED = 4,
    GAZE_STATE_CAMERA_BUSY = 5,
    GAZE_STATE_ENDED = 6,
    GAZE_STATE_FAULT = 7,
    GAZE_STATE_STOPPED = 8
};

/* gaze_status.source: where the pictures come from. */
enum {
    GAZE_SOURCE_NONE = 0,
    GAZE_SOURCE_CAMERA = 1,
    GAZE_SOURCE_CLIP = 2,
    GAZE_SOURCE_PICTURES = 3,
    GAZE_SOURCE_DEMO = 4,
    GAZE_SOURCE_NULL = 5
};

/* gaze_calibration_note.status: how it stands with the calibration. */
enum {
    GAZE_CALIBRATION_UNKNOWN = 0,  /* the daemon does not say (an older one) */
    GAZE_CALIBRATION_NONE = 1,     /* none for this person, camera and display */
    GAZE_CALIBRATION_IN_FORCE = 2,
    GAZE_CALIBRATION_REFUSED = 3,  /* none in force: the file there was refused */
    GAZE_CALIBRATION_KEPT = 4      /* one in force; the newer file was refused */
};

/* gaze_calibration_note.grade: what its held-out error is worth. */
enum {
    GAZE_GRADE_UNKNOWN = 0,
    GAZE_GRADE_FAILED = 1,
    GAZE_GRADE_POOR = 2,
    GAZE_GRADE_FAIR = 3,
    GAZE_GRADE_GOOD = 4,
    GAZE_GRADE_EXCELLENT = 5
};

/* gaze_status.recording: are pictures of the camera being stored? 0: none are. */
#define GAZE_RECORDING_PICTURES (1u << 0) /* labelled ones, for a program that asked */
#define GAZE_RECORDING_CLIP     (1u << 1) /* a clip of a moment of eye contact */

/* gaze_clips_note.status: how it stands with clips of eye contact. */
enum {
    GAZE_CLIPS_UNKNOWN = 0,   /* the daemon does not say (an older one) */
    GAZE_CLIPS_OFF = 1,
    GAZE_CLIPS_WATCHING = 2,  /* waits for a contact; the last seconds are in memory only */
    GAZE_CLIPS_RECORDING = 3, /* one is being written */
    GAZE_CLIPS_STOPPED = 4    /* it failed; the text says why */
};

/* gaze_engine_note.provider: what computes the networks. */
enum {
    GAZE_PROVIDER_UNKNOWN = 0, /* the daemon does not say (an older one), or runs no networks */
    GAZE_PROVIDER_CPU = 1,
    GAZE_PROVIDER_COREML = 2,
    GAZE_PROVIDER_MIXED = 3    /* some by CoreML, the others by the processor */
};

/* Bits of gaze_engine_note.flags. */
#define GAZE_ENGINE_FELL_BACK       (1u << 0) /* not by what the settings ask for: the text says why */
#define GAZE_ENGINE_COMPILING       (1u << 1) /* a network is being compiled: once, maybe minutes */
#define GAZE_ENGINE_REALTIME_DENIED (1u << 2) /* the threads may not go before others */

/* gaze_assistant_note.status: how it stands with the assistant. */
enum {
    GAZE_ASSISTANT_UNKNOWN = 0, /* the daemon does not say (an older one) */
    GAZE_ASSISTANT_OFF = 1,
    GAZE_ASSISTANT_WAITING = 2,   /* on, and no answer yet */
    GAZE_ASSISTANT_ANSWERING = 3, /* it answered the last question */
    GAZE_ASSISTANT_FAILING = 4    /* it did not; the text says why */
};

/* One of nine parts of the screen, row by row as the person before it sees them. */
enum {
    GAZE_REGION_NONE = 0, /* none, or not known */
    GAZE_REGION_TOP_LEFT = 1,
    GAZE_REGION_TOP_CENTER = 2,
    GAZE_REGION_TOP_RIGHT = 3,
    GAZE_REGION_MIDDLE_LEFT = 4,
    GAZE_REGION_MIDDLE_CENTER = 5,
    GAZE_REGION_MIDDLE_RIGHT = 6,
    GAZE_REGION_BOTTOM_LEFT = 7,
    GAZE_REGION_BOTTOM_CENTER = 8,
    GAZE_REGION_BOTTOM_RIGHT = 9
};

/* gaze_face.state: does this face look at the camera? */
enum {
    GAZE_FACE_UNKNOWN = 0,
    GAZE_FACE_CONTACT = 1,
    GAZE_FACE_AWAY = 2,
    GAZE_FACE_EYES_CLOSED = 3
};

/* gaze_face.contact_source: what its probability was made from. */
enum {
    GAZE_CONTACT_NONE = 0,
    GAZE_CONTACT_NETWORK = 1,
    GAZE_CONTACT_GEOMETRY = 2,
    GAZE_CONTACT_ASSISTANT = 3
};

/* Bits of gaze_face.flags. */
#define GAZE_ROW_PRIMARY   0x1u /* the face whose gaze the samples carry */
#define GAZE_ROW_EYES_OPEN 0x2u
#define GAZE_ROW_FRESH     0x4u /* box and pose come from this very picture */

/* ---------------------------------------------------------------- records */

/* One gaze sample; 60 a second. */
struct gaze_sample {
    uint64_t index;        /* absolute, from 1 */
    uint64_t frame_index;  /* the picture's number */
    uint64_t captured_ns;  /* when the picture was taken */
    uint64_t perceived_ns; /* when its measurement was ready */
    uint64_t published_ns; /* when this sample was stored */
    uint32_t flags;        /* GAZE_FACE ... */
    uint16_t reason;       /* GAZE_REASON_... */
    uint8_t state;         /* GAZE_STATE_... */
    uint8_t face_count;
    float raw_x, raw_y;    /* uncalibrated, unfiltered */
    float cal_x, cal_y;    /* calibrated, unfiltered */
    float x, y;            /* calibrated, filtered: use these if GAZE_VALID */
    float error_radius;    /* expected error, fraction of the screen's diagonal */
    float confidence;      /* 0 to 1 */
    uint32_t calibration_generation; /* 0: none */
    uint32_t display_generation;
    float eye_origin_mm[3]; /* between the eyes, camera frame */
    float gaze_dir[3];      /* unit vector outwards, camera frame */
    float head_yaw, head_pitch, head_roll;
    float head_mm[3];       /* camera frame */
    float openness[2];      /* image-left, image-right; 0 closed, 1 open */
    uint32_t face_id;       /* the id in the face table */
    float contact;          /* probability that this face looks at the camera */
    float velocity[2];      /* of x, y; normalised units a second */
    float left_yaw, left_pitch, right_yaw, right_pitch; /* each eye's ray */
    uint32_t network_generation; /* which network looked; 0: not said */
    float spread_deg;       /* the network's own expected error, degrees; 0: it does not tell */
};

/* One face of a picture. */
struct gaze_face {
    uint32_t id; /* stays with the face while it is tracked */
    uint8_t state;          /* GAZE_FACE_... */
    uint8_t contact_source; /* GAZE_CONTACT_... */
    uint16_t flags;         /* GAZE_ROW_... */
    float x, y, w, h;       /* box, pixels of the picture */
    float contact;          /* probability that it looks at the camera */
    float yaw, pitch, roll;
    float distance_mm;
    float confidence;       /* of the face's presence */
    uint64_t since_ns;      /* since when the state holds */
    uint64_t measured_ns;   /* when the picture behind `contact` was taken */
};

#define GAZE_FACE_ROWS 8

/* All faces of one picture, guarded together. */
struct gaze_face_table {
    uint64_t index;        /* absolute, from 1 */
    uint64_t frame_index;  /* the same number as in the picture's samples */
    uint64_t captured_ns;
    uint64_t perceived_ns;
    uint64_t published_ns;
    uint64_t sample_index; /* the newest sample when this was stored */
    uint32_t count;        /* faces found; may be more than GAZE_FACE_ROWS */
    uint16_t image_width, image_height;
    struct gaze_face rows[GAZE_FACE_ROWS]; /* the primary one first */
};

/* Rates, counters, latencies; stored about once a second. */
struct gaze_stats {
    uint32_t camera_mhz;  /* pictures a second, thousandths */
    uint32_t publish_mhz; /* samples a second, thousandths */
    uint64_t frames_in;
    uint64_t frames_dropped; /* because a newer one was there */
    uint64_t late_ticks;
    uint64_t samples;
    uint64_t predicted;
    uint64_t camera_reconnects;
    uint64_t faults;
    uint32_t perceive_p50_us, perceive_p99_us; /* capture to perceive */
    uint32_t publish_p50_us, publish_p99_us;   /* perceive to publish */
    uint32_t total_p50_us, total_p99_us;       /* capture to publish */
    uint32_t picture_width, picture_height;
    uint64_t reserved[3];
};

/* What the daemon works with. Texts are UTF-8 and end with a zero. */
struct gaze_device {
    uint32_t display_width_px, display_height_px; /* 0: unknown */
    float display_width_mm, display_height_mm;
    uint64_t network_hash; /* first 8 bytes of its sha256, the first one highest */
    char network_name[64];
    char camera_name[64];
    uint64_t reserved[4];
};

/* The state in words. */
struct gaze_why {
    uint64_t since_ns;
    uint32_t status; /* state | source << 8 | reason << 16 */
    uint32_t reserved_0;
    char text[128];
    uint64_t reserved[5];
};

/* Whose calibration is in force, what it is worth, why the last file was refused.
 * Texts are UTF-8 and end with a zero. */
struct gaze_calibration_note {
    uint32_t status;     /* GAZE_CALIBRATION_... */
    uint32_t grade;      /* GAZE_GRADE_... */
    uint32_t generation; /* that this is about, as in the samples; 0: none in force */
    float error;         /* expected, fraction of the screen's diagonal; NaN: none */
    uint64_t created_unix_s; /* when it was made: seconds since 1970 */
    char user[32];       /* whose is in force or looked for */
    char text[128];      /* one line: why the last file was refused, or what is missing */
};

/* How it stands with clips of the moments of eye contact. */
struct gaze_clips_note {
    uint32_t status;    /* GAZE_CLIPS_... */
    uint32_t face;      /* whose contact is being recorded; 0: nobody's */
    uint64_t since_ns;  /* since when the status holds */
    uint32_t clips;     /* on the disk */
    uint32_t memory;    /* bytes of coded pictures in memory */
    uint64_t bytes;     /* of the clips on the disk */
    uint64_t missed;    /* pictures that the recorder was too slow for */
    uint64_t finished;  /* clips since the daemon began */
    char text[128];     /* one line: why it stopped, the clip that is being written, or while
                           it waits why another encoder than the system's is at work */
    uint64_t reserved;
};

/* What computes the networks, and whether the daemon's threads may go before others. */
struct gaze_engine_note {
    uint32_t provider;  /* GAZE_PROVIDER_... */
    uint32_t flags;     /* GAZE_ENGINE_... */
    char text[128];     /* one line: what is being compiled, or why not by what was asked for */
    char priority[128]; /* one line: why the threads may not go before others */
};

/* What the assistant says, a vision-language model that is asked now and then. Its answers
 * are guesses at a ninth of the screen, seconds old: they never get into a sample. */
struct gaze_assistant_note {
    uint32_t status;      /* GAZE_ASSISTANT_... */
    uint32_t region;      /* GAZE_REGION_...: its last answer */
    uint32_t coarse;      /* 1 while no face is measured and the answer is fresh */
    uint32_t gaze_region; /* GAZE_REGION_...: where the gaze was in the same picture */
    uint64_t captured_ns; /* when that picture was taken; its age is gaze_now_ns() less this */
    uint64_t answered_ns; /* when the answer was there */
    uint32_t fresh_ms;    /* an answer about an older picture is not fresh */
    uint32_t failures;    /* questions in a row that were not answered */
    uint64_t asked, answered; /* questions since the daemon began */
    uint64_t compared, agreed; /* answers beside a known gaze; the same region */
    char text[128];       /* one line: whom it asks, or why it fails */
};

/* ----------------------------------------------------------------- layout */

#define GAZE_MAGIC            UINT64_C(0x004d4853455a4147) /* "GAZESHM\0" */
#define GAZE_VERSION          5u
#define GAZE_READS_SINCE      1u /* the oldest version that this header reads */
#define GAZE_HEADER_SIZE      2048u
#define GAZE_SAMPLE_SLOTS     512u
#define GAZE_SAMPLE_SLOT_SIZE 192u
#define GAZE_SAMPLES_OFFSET   2048u
#define GAZE_FACE_SLOTS       16u
#define GAZE_FACE_SLOT_SIZE   576u
#define GAZE_FACES_OFFSET     100352u
#define GAZE_ENGINE_OFFSET    109568u
#define GAZE_ASSISTANT_OFFSET 110112u
#define GAZE_TOTAL_SIZE       114688u
#define GAZE_NAME_MAX         31u
/* A heart that has not beaten for so long is reason to look whether the process is still
 * there: who reads learns within 100 ms that the writer died. */
#define GAZE_LOOK_AFTER_NS    UINT64_C(80000000)

struct gaze_stats_slot { uint64_t sequence; struct gaze_stats record; };
struct gaze_device_slot { uint64_t sequence; struct gaze_device record; };
struct gaze_why_slot { uint64_t sequence; struct gaze_why record; };
struct gaze_note_slot { uint64_t sequence; struct gaze_calibration_note record; };
struct gaze_clips_slot { uint64_t sequence; struct gaze_clips_note record; };
struct gaze_engine_slot { uint64_t sequence; struct gaze_engine_note record; };
struct gaze_assistant_slot { uint64_t sequence; struct gaze_assistant_note record; };
struct gaze_sample_slot { uint64_t sequence; struct gaze_sample record; };
struct gaze_face_slot { uint64_t sequence; struct gaze_face_table record; };

/* The beginning of the shared memory. Read its fields only with atomic loads,
 * as the functions below do. The first 128 bytes are the same in every version. */
struct gaze_header {
    uint64_t magic;
    uint32_t version; /* stored last: 0 is "not ready yet" */
    uint32_t compatible_since;
    uint32_t header_size;
    uint32_t sample_slot_size, sample_slots;
    uint32_t face_slot_size, face_slots, face_rows;
    uint32_t samples_offset, faces_offset;
    uint64_t total_size;
    uint32_t clock_id;     /* 1: CLOCK_MONOTONIC. 8: CLOCK_UPTIME_RAW */
    uint32_t retired;      /* 1: abandoned for another object of this name */
    uint64_t owner;        /* pid | low half of its start time << 32; 0: nobody */
    uint64_t writer_start; /* clock ticks since boot (Linux), us since 1970 (macOS) */
    uint64_t epoch;        /* raised by every writer that takes over */
    uint64_t created_ns, started_ns;
    uint64_t heartbeat_ns;
    uint32_t stall_after_ms; /* a heartbeat older than this is a stall */
    uint32_t reserved_0;
    uint64_t stopped_ns;   /* when the writer ended cleanly; 0 while it lives */

    uint64_t sample_head, face_head, stats_head, device_head, why_head; /* newest; 0: none */
    uint32_t wake_word;    /* changes with every sample: what sleepers watch */
    uint32_t status;       /* state | source << 8 | reason << 16 */
    uint32_t recording;    /* GAZE_RECORDING_... */
    uint32_t calibration_generation, display_generation;
    uint32_t network_generation; /* raised when another network takes over */
    uint64_t note_head;    /* newest calibration note; 0: none */
    uint64_t clips_head;   /* newest note on clips; 0: none */
    uint64_t engine_head;  /* newest note on what computes; 0: none */
    uint64_t assistant_head; /* newest note on the assistant; 0: none */
    uint32_t reserved_hot_2[8];

    struct gaze_stats_slot stats[2];
    struct gaze_device_slot device[2];
    struct gaze_why_slot why[2];
    struct gaze_note_slot note[2];
    struct gaze_clips_slot clips[2];
};

#define GAZE_AT(type, field, offset) \
    GAZE_ASSERT(offsetof(struct type, field) == (offset), "gaze.h: " #type "." #field " moved")
#define GAZE_SIZE(type, size) \
    GAZE_ASSERT(sizeof(struct type) == (size), "gaze.h: " #type " has another size")

GAZE_SIZE(gaze_sample, 184);
GAZE_AT(gaze_sample, index, 0);
GAZE_AT(gaze_sample, frame_index, 8);
GAZE_AT(gaze_sample, captured_ns, 16);
GAZE_AT(gaze_sample, perceived_ns, 24);
GAZE_AT(gaze_sample, published_ns, 32);
GAZE_AT(gaze_sample, flags, 40);
GAZE_AT(gaze_sample, reason, 44);
GAZE_AT(gaze_sample, state, 46);
GAZE_AT(gaze_sample, face_count, 47);
GAZE_AT(gaze_sample, raw_x, 48);
GAZE_AT(gaze_sample, raw_y, 52);
GAZE_AT(gaze_sample, cal_x, 56);
GAZE_AT(gaze_sample, cal_y, 60);
GAZE_AT(gaze_sample, x, 64);
GAZE_AT(gaze_sample, y, 68);
GAZE_AT(gaze_sample, error_radius, 72);
GAZE_AT(gaze_sample, confidence, 76);
GAZE_AT(gaze_sample, calibration_generation, 80);
GAZE_AT(gaze_sample, display_generation, 84);
GAZE_AT(gaze_sample, eye_origin_mm, 88);
GAZE_AT(gaze_sample, gaze_dir, 100);
GAZE_AT(gaze_sample, head_yaw, 112);
GAZE_AT(gaze_sample, head_pitch, 116);
GAZE_AT(gaze_sample, head_roll, 120);
GAZE_AT(gaze_sample, head_mm, 124);
GAZE_AT(gaze_sample, openness, 136);
GAZE_AT(gaze_sample, face_id, 144);
GAZE_AT(gaze_sample, contact, 148);
GAZE_AT(gaze_sample, velocity, 152);
GAZE_AT(gaze_sample, left_yaw, 160);
GAZE_AT(gaze_sample, left_pitch, 164);
GAZE_AT(gaze_sample, right_yaw, 168);
GAZE_AT(gaze_sample, right_pitch, 172);
GAZE_AT(gaze_sample, network_generation, 176);
GAZE_AT(gaze_sample, spread_deg, 180);

GAZE_SIZE(gaze_face, 64);
GAZE_AT(gaze_face, id, 0);
GAZE_AT(gaze_face, state, 4);
GAZE_AT(gaze_face, contact_source, 5);
GAZE_AT(gaze_face, flags, 6);
GAZE_AT(gaze_face, x, 8);
GAZE_AT(gaze_face, y, 12);
GAZE_AT(gaze_face, w, 16);
GAZE_AT(gaze_face, h, 20);
GAZE_AT(gaze_face, contact, 24);
GAZE_AT(gaze_face, yaw, 28);
GAZE_AT(gaze_face, pitch, 32);
GAZE_AT(gaze_face, roll, 36);
GAZE_AT(gaze_face, distance_mm, 40);
GAZE_AT(gaze_face, confidence, 44);
GAZE_AT(gaze_face, since_ns, 48);
GAZE_AT(gaze_face, measured_ns, 56);

GAZE_SIZE(gaze_face_table, 568);
GAZE_AT(gaze_face_table, index, 0);
GAZE_AT(gaze_face_table, frame_index, 8);
GAZE_AT(gaze_face_table, captured_ns, 16);
GAZE_AT(gaze_face_table, perceived_ns, 24);
GAZE_AT(gaze_face_table, published_ns, 32);
GAZE_AT(gaze_face_table, sample_index, 40);
GAZE_AT(gaze_face_table, count, 48);
GAZE_AT(gaze_face_table, image_width, 52);
GAZE_AT(gaze_face_table, image_height, 54);
GAZE_AT(gaze_face_table, rows, 56);

GAZE_SIZE(gaze_stats, 120);
GAZE_AT(gaze_stats, camera_mhz, 0);
GAZE_AT(gaze_stats, publish_mhz, 4);
GAZE_AT(gaze_stats, frames_in, 8);
GAZE_AT(gaze_stats, frames_dropped, 16);
GAZE_AT(gaze_stats, late_ticks, 24);
GAZE_AT(gaze_stats, samples, 32);
GAZE_AT(gaze_stats, predicted, 40);
GAZE_AT(gaze_stats, camera_reconnects, 48);
GAZE_AT(gaze_stats, faults, 56);
GAZE_AT(gaze_stats, perceive_p50_us, 64);
GAZE_AT(gaze_stats, perceive_p99_us, 68);
GAZE_AT(gaze_stats, publish_p50_us, 72);
GAZE_AT(gaze_stats, publish_p99_us, 76);
GAZE_AT(gaze_stats, total_p50_us, 80);
GAZE_AT(gaze_stats, total_p99_us, 84);
GAZE_AT(gaze_stats, picture_width, 88);
GAZE_AT(gaze_stats, picture_height, 92);
GAZE_AT(gaze_stats, reserved, 96);

GAZE_SIZE(gaze_device, 184);
GAZE_AT(gaze_device, display_width_px, 0);
GAZE_AT(gaze_device, display_height_px, 4);
GAZE_AT(gaze_device, display_width_mm, 8);
GAZE_AT(gaze_device, display_height_mm, 12);
GAZE_AT(gaze_device, network_hash, 16);
GAZE_AT(gaze_device, network_name, 24);
GAZE_AT(gaze_device, camera_name, 88);
GAZE_AT(gaze_device, reserved, 152);

GAZE_SIZE(gaze_why, 184);
GAZE_AT(gaze_why, since_ns, 0);
GAZE_AT(gaze_why, status, 8);
GAZE_AT(gaze_why, reserved_0, 12);
GAZE_AT(gaze_why, text, 16);
GAZE_AT(gaze_why, reserved, 144);

GAZE_SIZE(gaze_calibration_note, 184);
GAZE_AT(gaze_calibration_note, status, 0);
GAZE_AT(gaze_calibration_note, grade, 4);
GAZE_AT(gaze_calibration_note, generation, 8);
GAZE_AT(gaze_calibration_note, error, 12);
GAZE_AT(gaze_calibration_note, created_unix_s, 16);
GAZE_AT(gaze_calibration_note, user, 24);
GAZE_AT(gaze_calibration_note, text, 56);

GAZE_SIZE(gaze_clips_note, 184);
GAZE_AT(gaze_clips_note, status, 0);
GAZE_AT(gaze_clips_note, face, 4);
GAZE_AT(gaze_clips_note, since_ns, 8);
GAZE_AT(gaze_clips_note, clips, 16);
GAZE_AT(gaze_clips_note, memory, 20);
GAZE_AT(gaze_clips_note, bytes, 24);
GAZE_AT(gaze_clips_note, missed, 32);
GAZE_AT(gaze_clips_note, finished, 40);
GAZE_AT(gaze_clips_note, text, 48);
GAZE_AT(gaze_clips_note, reserved, 176);

GAZE_SIZE(gaze_engine_note, 264);
GAZE_AT(gaze_engine_note, provider, 0);
GAZE_AT(gaze_engine_note, flags, 4);
GAZE_AT(gaze_engine_note, text, 8);
GAZE_AT(gaze_engine_note, priority, 136);

GAZE_SIZE(gaze_assistant_note, 200);
GAZE_AT(gaze_assistant_note, status, 0);
GAZE_AT(gaze_assistant_note, region, 4);
GAZE_AT(gaze_assistant_note, coarse, 8);
GAZE_AT(gaze_assistant_note, gaze_region, 12);
GAZE_AT(gaze_assistant_note, captured_ns, 16);
GAZE_AT(gaze_assistant_note, answered_ns, 24);
GAZE_AT(gaze_assistant_note, fresh_ms, 32);
GAZE_AT(gaze_assistant_note, failures, 36);
GAZE_AT(gaze_assistant_note, asked, 40);
GAZE_AT(gaze_assistant_note, answered, 48);
GAZE_AT(gaze_assistant_note, compared, 56);
GAZE_AT(gaze_assistant_note, agreed, 64);
GAZE_AT(gaze_assistant_note, text, 72);

GAZE_SIZE(gaze_sample_slot, GAZE_SAMPLE_SLOT_SIZE);
GAZE_SIZE(gaze_face_slot, GAZE_FACE_SLOT_SIZE);
GAZE_AT(gaze_sample_slot, record, 8);
GAZE_AT(gaze_face_slot, record, 8);
GAZE_AT(gaze_stats_slot, record, 8);
GAZE_AT(gaze_device_slot, record, 8);
GAZE_AT(gaze_why_slot, record, 8);
GAZE_AT(gaze_note_slot, record, 8);
GAZE_AT(gaze_clips_slot, record, 8);
GAZE_AT(gaze_engine_slot, record, 8);
GAZE_AT(gaze_assistant_slot, record, 8);

GAZE_SIZE(gaze_header, GAZE_HEADER_SIZE);
GAZE_AT(gaze_header, magic, 0);
GAZE_AT(gaze_header, version, 8);
GAZE_AT(gaze_header, compatible_since, 12);
GAZE_AT(gaze_header, header_size, 16);
GAZE_AT(gaze_header, sample_slot_size, 20);
GAZE_AT(gaze_header, sample_slots, 24);
GAZE_AT(gaze_header, face_slot_size, 28);
GAZE_AT(gaze_header, face_slots, 32);
GAZE_AT(gaze_header, face_rows, 36);
GAZE_AT(gaze_header, samples_offset, 40);
GAZE_AT(gaze_header, faces_offset, 44);
GAZE_AT(gaze_header, total_size, 48);
GAZE_AT(gaze_header, clock_id, 56);
GAZE_AT(gaze_header, retired, 60);
GAZE_AT(gaze_header, owner, 64);
GAZE_AT(gaze_header, writer_start, 72);
GAZE_AT(gaze_header, epoch, 80);
GAZE_AT(gaze_header, created_ns, 88);
GAZE_AT(gaze_header, started_ns, 96);
GAZE_AT(gaze_header, heartbeat_ns, 104);
GAZE_AT(gaze_header, stall_after_ms, 112);
GAZE_AT(gaze_header, reserved_0, 116);
GAZE_AT(gaze_header, stopped_ns, 120);
GAZE_AT(gaze_header, sample_head, 128);
GAZE_AT(gaze_header, face_head, 136);
GAZE_AT(gaze_header, stats_head, 144);
GAZE_AT(gaze_header, device_head, 152);
GAZE_AT(gaze_header, why_head, 160);
GAZE_AT(gaze_header, wake_word, 168);
GAZE_AT(gaze_header, status, 172);
GAZE_AT(gaze_header, recording, 176);
GAZE_AT(gaze_header, calibration_generation, 180);
GAZE_AT(gaze_header, display_generation, 184);
GAZE_AT(gaze_header, network_generation, 188);
GAZE_AT(gaze_header, note_head, 192);
GAZE_AT(gaze_header, clips_head, 200);
GAZE_AT(gaze_header, engine_head, 208);
GAZE_AT(gaze_header, assistant_head, 216);
GAZE_AT(gaze_header, reserved_hot_2, 224);
GAZE_AT(gaze_header, stats, 256);
GAZE_AT(gaze_header, device, 512);
GAZE_AT(gaze_header, why, 896);
GAZE_AT(gaze_header, note, 1280);
GAZE_AT(gaze_header, clips, 1664);
GAZE_ASSERT(GAZE_SAMPLES_OFFSET + GAZE_SAMPLE_SLOTS * GAZE_SAMPLE_SLOT_SIZE == GAZE_FACES_OFFSET,
            "gaze.h: the faces follow the samples");
GAZE_ASSERT(GAZE_FACES_OFFSET + GAZE_FACE_SLOTS * GAZE_FACE_SLOT_SIZE == GAZE_ENGINE_OFFSET &&
                GAZE_ENGINE_OFFSET + 2 * sizeof(struct gaze_engine_slot) == GAZE_ASSISTANT_OFFSET &&
                GAZE_ASSISTANT_OFFSET + 2 * sizeof(struct gaze_assistant_slot) <= GAZE_TOTAL_SIZE,
            "gaze.h: the notes on what computes and on the assistant follow the faces");

/* ----------------------------------------------------------------- reader */

/* A reader. Its fields are its own business; {0} is a closed one. */
struct gaze_reader {
    const uint64_t *base; /* the mapping, read-only */
    uint64_t epoch;       /* of the writer it was opened with */
    uint64_t cursor;      /* the sample that gaze_next gave last */
    uint64_t device, inode;
    char name[GAZE_NAME_MAX + 1u];
};

/* The header at one moment; see gaze_read_status(). */
struct gaze_status {
    uint8_t state;   /* GAZE_STATE_... */
    uint8_t source;  /* GAZE_SOURCE_... */
    uint16_t reason; /* GAZE_REASON_... */
    uint32_t writer_pid; /* 0: nobody */
    uint64_t epoch;
    uint64_t started_ns, stopped_ns, heartbeat_ns;
    uint64_t sample_index, face_index; /* newest; 0: none */
    uint32_t calibration_generation, display_generation;
    uint32_t recording; /* GAZE_RECORDING_...; 0: no picture is being stored */
    uint32_t network_generation;
    struct gaze_stats stats;
    struct gaze_device device;
    struct gaze_why why;
};

/* The internals end in an underscore. */

static inline uint64_t gaze_load64_(const uint64_t *base, size_t offset, int acquire)
{
    return acquire ? __atomic_load_n(base + offset / 8, __ATOMIC_ACQUIRE)
                   : __atomic_load_n(base + offset / 8, __ATOMIC_RELAXED);
}

static inline const uint32_t *gaze_word_(const uint64_t *base, size_t offset)
{
    return (const uint32_t *)base + offset / 4;
}

static inline uint32_t gaze_load32_(const uint64_t *base, size_t offset)
{
    return __atomic_load_n(gaze_word_(base, offset), __ATOMIC_RELAXED);
}

#define GAZE_LOAD64_(base, field) gaze_load64_((base), offsetof(struct gaze_header, field), 0)
#define GAZE_ACQUIRE64_(base, field) gaze_load64_((base), offsetof(struct gaze_header, field), 1)
#define GAZE_LOAD32_(base, field) gaze_load32_((base), offsetof(struct gaze_header, field))

/* Copies record `index` out of a slot. 1: it did. 0: it is not there (any more). */
static inline int gaze_slot_read_(const uint64_t *slot, size_t words, uint64_t index, uint64_t *out)
{
    /* Acquire. Partner: the release store that ends the writer's write. */
    const uint64_t before = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
    if (before != index << 1)
        return 0;
    for (size_t i = 0; i < words; i++)
        /* Relaxed: ordered by the load before and the fence after. */
        out[i] = __atomic_load_n(slot + 1 + i, __ATOMIC_RELAXED);
    /* Acquire. Partner: the writer's release fence after it announces an
     * overwrite. If a word above is newer, the load below shows it. */
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(slot, __ATOMIC_RELAXED) == before;
}

/* The newest record of a ring, in a bounded number of attempts; its index, or 0. */
static inline uint64_t gaze_ring_latest_(const uint64_t *base, size_t head, size_t slots,
                                         size_t count, size_t words, uint64_t *out)
{
    for (int attempt = 0; attempt < 8; attempt++) {
        /* Acquire. Partner: the writer's release store of the head. */
        const uint64_t index = gaze_load64_(base, head, 1);
        if (index == 0)
            return 0;
        if (gaze_slot_read_(base + slots / 8 + (size_t)(index % count) * (words + 1), words, index,
                            out))
            return index;
    }
    return 0;
}

#define GAZE_LATEST_(base, ring, offset, count, record, out)                                   \
    gaze_ring_latest_((base), offsetof(struct gaze_header, ring), (offset), (count),           \
                      sizeof(record) / 8, (out))

/* Now, on the clock of all stamps. */
static inline uint64_t gaze_now_ns(void)
{
    struct timespec now;
#if defined(__APPLE__)
    clock_gettime(CLOCK_UPTIME_RAW, &now);
#else
    clock_gettime(CLOCK_MONOTONIC, &now);
#endif
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* The low half of a process's start time. 1: there it is; 0: it is gone or a
 * zombie; -1: it cannot be told (no descriptor is free, it may not be seen). */
static inline int gaze_process_start_(uint32_t pid, uint32_t *start)
{
#if defined(__linux__)
    /* Field 22 of /proc/<pid>/stat, counted from the last parenthesis, because
     * the name before it may hold anything; field 3 is the state. */
    char path[32] = "/proc/", text[1024], digits[12];
    size_t length = 0, at = 6;
    do {
        digits[length++] = (char)('0' + pid % 10);
        pid /= 10;
    } while (pid != 0);
    while (length > 0)
        path[at++] = digits[--length];
    memcpy(path + at, "/stat", 6);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ESRCH ? 0 : -1;
    const ssize_t got = read(fd, text, sizeof text - 1);
    const int gone = got < 0 && errno == ESRCH;
    close(fd);
    if (got <= 0)
        return gone ? 0 : -1;
    text[got] = 0;
    const char *p = strrchr(text, ')');
    if (p == NULL || p[1] != ' ')
        return -1;
    if (p[2] == 'Z' || p[2] == 'X' || p[2] == 'x')
        return 0;
    p += 2;
    for (int field = 3; field < 22; field++) {
        p = strchr(p, ' ');
        if (p == NULL)
            return -1;
        p++;
    }
    *start = (uint32_t)strtoull(p, NULL, 10);
    return 1;
#else
    struct proc_bsdinfo info;
    errno = 0;
    if (proc_pidinfo((int)pid, PROC_PIDTBSDINFO, 0, &info, (int)sizeof info) != (int)sizeof info)
        return errno == ESRCH ? 0 : -1;
    if (info.pbi_status == 5 /* SZOMB */)
        return 0;
    *start = (uint32_t)((uint64_t)info.pbi_start_tvsec * 1000000u + (uint64_t)info.pbi_start_tvusec);
    return 1;
#endif
}

/* Whether the heart does not beat (or beats in the future, which proves nothing) and its
 * process, by id and start time, is gone. */
static inline int gaze_is_dead_(const uint64_t *base, uint64_t owner, uint64_t now)
{
    const uint64_t beat = GAZE_LOAD64_(base, heartbeat_ns);
    uint32_t start = 0;
    if ((now > beat ? now - beat : beat - now) <= GAZE_LOOK_AFTER_NS)
        return 0;
    const int seen = gaze_process_start_((uint32_t)owner, &start);
    return seen == 0 || (seen > 0 && start != (uint32_t)(owner >> 32));
}

/* Writes the usual name: $GAZE_SHM, or /gaze-<uid>. */
static inline int gaze_default_name(char name[GAZE_NAME_MAX + 1u])
{
    const char *given = getenv("GAZE_SHM");
    memset(name, 0, GAZE_NAME_MAX + 1u);
    if (given != NULL && given[0] != 0) {
        const size_t length = strlen(given);
        if (length > GAZE_NAME_MAX)
            return GAZE_BAD_NAME;
        memcpy(name, given, length);
        return GAZE_OK;
    }
    char digits[12];
    size_t length = 0, at = 6;
    uint32_t uid = (uint32_t)geteuid();
    memcpy(name, "/gaze-", 6);
    do {
        digits[length++] = (char)('0' + uid % 10);
        uid /= 10;
    } while (uid != 0);
    while (length > 0)
        name[at++] = digits[--length];
    return GAZE_OK;
}

static inline int gaze_name_ok_(const char *name)
{
    const size_t length = strlen(name);
    int other = 0;
    if (name[0] != '/' || length < 2 || length > GAZE_NAME_MAX)
        return 0;
    for (size_t i = 1; i < length; i++) {
        const char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '_' || c == '-'))
            return 0;
        other |= c != '.';
    }
    return other;
}

/* Whether a mapped header is complete, of a known version, and sound. */
static inline int gaze_check_(const uint64_t *base)
{
    /* Acquire. Partner: the writer's release store of the version, its last. */
    const uint32_t version =
        __atomic_load_n(gaze_word_(base, offsetof(struct gaze_header, version)), __ATOMIC_ACQUIRE);
    const uint64_t magic = GAZE_LOAD64_(base, magic);
    if (magic != GAZE_MAGIC && !(magic == 0 && version == 0))
        return GAZE_DAMAGED;
    if (version == 0 || GAZE_LOAD32_(base, retired) != 0)
        return GAZE_STARTING;
    if (version < GAZE_READS_SINCE || GAZE_LOAD32_(base, compatible_since) > GAZE_VERSION)
        return GAZE_OTHER_VERSION;
    if (GAZE_LOAD32_(base, header_size) != GAZE_HEADER_SIZE ||
        GAZE_LOAD32_(base, sample_slot_size) != GAZE_SAMPLE_SLOT_SIZE ||
        GAZE_LOAD32_(base, sample_slots) != GAZE_SAMPLE_SLOTS ||
        GAZE_LOAD32_(base, face_slot_size) != GAZE_FACE_SLOT_SIZE ||
        GAZE_LOAD32_(base, face_slots) != GAZE_FACE_SLOTS ||
        GAZE_LOAD32_(base, face_rows) != GAZE_FACE_ROWS ||
        GAZE_LOAD32_(base, samples_offset) != GAZE_SAMPLES_OFFSET ||
        GAZE_LOAD32_(base, faces_offset) != GAZE_FACES_OFFSET ||
        GAZE_LOAD64_(base, total_size) != GAZE_TOTAL_SIZE)
        return GAZE_DAMAGED;
    return GAZE_OK;
}

/* Opens the shared memory of this name; NULL: gaze_default_name(). Never
 * waits. On any answer but GAZE_OK the reader is closed. Close an open reader
 * before you open it again, or use gaze_reopen. */
static inline int gaze_open(struct gaze_reader *reader, const char *name)
{
    memset(reader, 0, sizeof *reader);
    if (name == NULL) {
        const int code = gaze_default_name(reader->name);
        if (code != GAZE_OK)
            return code;
    } else {
        const size_t length = strlen(name);
        if (length > GAZE_NAME_MAX)
            return GAZE_BAD_NAME;
        memcpy(reader->name, name, length);
    }
    if (!gaze_name_ok_(reader->name))
        return GAZE_BAD_NAME;

#if defined(__linux__)
    /* A name is a file in /dev/shm: follow no link, do not hang on a pipe. */
    const int fd = shm_open(reader->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
#else
    const int fd = shm_open(reader->name, O_RDONLY, 0);
#endif
    if (fd < 0)
        return errno == ENOENT                      ? GAZE_NOT_THERE
               : errno == EACCES || errno == EPERM ? GAZE_FOREIGN_OWNER
               : errno == ELOOP                     ? GAZE_DAMAGED
                                                    : GAZE_SYSTEM;
    struct stat about;
    int code = GAZE_OK;
    void *at = MAP_FAILED;
    if (fstat(fd, &about) != 0)
        code = GAZE_SYSTEM;
    else if (about.st_uid != geteuid())
        code = GAZE_FOREIGN_OWNER;
    else if ((about.st_mode & 0177) != 0)
        code = GAZE_TOO_OPEN;
#if defined(__linux__)
    else if (!S_ISREG(about.st_mode))
        code = GAZE_DAMAGED;
#endif
    else if (about.st_size == 0)
        code = GAZE_STARTING;
    else if (about.st_size < 128)
        code = GAZE_DAMAGED;
    else {
        /* The prefix is enough to tell another version, however long it is. */
        at = mmap(NULL, 128, PROT_READ, MAP_SHARED, fd, 0);
        if (at == MAP_FAILED)
            code = GAZE_SYSTEM;
        else {
            code = gaze_check_((const uint64_t *)at);
            munmap(at, 128);
            if (code == GAZE_OK && about.st_size < (off_t)GAZE_TOTAL_SIZE)
                code = GAZE_DAMAGED;
        }
        if (code == GAZE_OK) {
            at = mmap(NULL, GAZE_TOTAL_SIZE, PROT_READ, MAP_SHARED, fd, 0);
            if (at == MAP_FAILED)
                code = GAZE_SYSTEM;
        }
    }
    const int saved = errno;
    close(fd);
    errno = saved;
    if (code != GAZE_OK)
        return code;
    reader->base = (const uint64_t *)at;
    reader->device = (uint64_t)about.st_dev;
    reader->inode = (uint64_t)about.st_ino;
    /* Acquire. Partner: the writer's release store of the epoch. */
    reader->epoch = GAZE_ACQUIRE64_(reader->base, epoch);
    const uint64_t head = GAZE_ACQUIRE64_(reader->base, sample_head);
    reader->cursor = head > 0 ? head - 1 : 0;
    return GAZE_OK;
}

/* Closes. Closing twice is harmless. */
static inline void gaze_close(struct gaze_reader *reader)
{
    if (reader->base != NULL)
        munmap((void *)(uintptr_t)reader->base, GAZE_TOTAL_SIZE);
    reader->base = NULL;
}

/* Opens by name again, after GAZE_RESTARTED or at any other time. On failure
 * the reader stays as it was. If it is the same object, no sample is skipped;
 * if it is another, reading begins at its newest sample. */
static inline int gaze_reopen(struct gaze_reader *reader)
{
    struct gaze_reader now;
    const int code = gaze_open(&now, reader->name);
    if (code != GAZE_OK)
        return code;
    if (reader->base != NULL && now.device == reader->device && now.inode == reader->inode)
        now.cursor = reader->cursor;
    gaze_close(reader);
    *reader = now;
    return GAZE_OK;
}

/* The newest sample. GAZE_EMPTY before the first one. */
static inline int gaze_latest(const struct gaze_reader *reader, struct gaze_sample *sample)
{
    uint64_t words[sizeof(struct gaze_sample) / 8];
    if (reader->base == NULL ||
        GAZE_LATEST_(reader->base, sample_head, GAZE_SAMPLES_OFFSET, GAZE_SAMPLE_SLOTS,
                     struct gaze_sample, words) == 0)
        return GAZE_EMPTY;
    memcpy(sample, words, sizeof *sample);
    return GAZE_OK;
}

/* The next sample after the one this gave last; the first call gives the
 * newest. A reader that fell more than 512 samples (8.5 s) behind jumps to the
 * newest, and *lost (which may be NULL) says how many it missed. GAZE_EMPTY:
 * nothing new. */
static inline int gaze_next(struct gaze_reader *reader, struct gaze_sample *sample, uint64_t *lost)
{
    uint64_t words[sizeof(struct gaze_sample) / 8];
    if (reader->base == NULL)
        return GAZE_EMPTY;
    /* Acquire. Partner: the writer's release store of the head. */
    const uint64_t head = GAZE_ACQUIRE64_(reader->base, sample_head);
    if (head <= reader->cursor)
        return GAZE_EMPTY;
    const uint64_t want = reader->cursor + 1;
    uint64_t index = 0;
    if (head - reader->cursor <= GAZE_SAMPLE_SLOTS &&
        gaze_slot_read_(reader->base + GAZE_SAMPLES_OFFSET / 8 +
                            (size_t)(want % GAZE_SAMPLE_SLOTS) * (GAZE_SAMPLE_SLOT_SIZE / 8),
                        sizeof(struct gaze_sample) / 8, want, words))
        index = want;
    else
        index = GAZE_LATEST_(reader->base, sample_head, GAZE_SAMPLES_OFFSET, GAZE_SAMPLE_SLOTS,
                             struct gaze_sample, words);
    if (index < want)
        return GAZE_EMPTY;
    if (lost != NULL)
        *lost = index - want;
    reader->cursor = index;
    memcpy(sample, words, sizeof *sample);
    return GAZE_OK;
}

/* The newest table of faces. GAZE_EMPTY before the first one. */
static inline int gaze_faces(const struct gaze_reader *reader, struct gaze_face_table *table)
{
    uint64_t words[sizeof(struct gaze_face_table) / 8];
    if (reader->base == NULL ||
        GAZE_LATEST_(reader->base, face_head, GAZE_FACES_OFFSET, GAZE_FACE_SLOTS,
                     struct gaze_face_table, words) == 0)
        return GAZE_EMPTY;
    memcpy(table, words, sizeof *table);
    return GAZE_OK;
}

/* The faces of one picture (gaze_sample.frame_index), while they are among the
 * newest 16 tables. */
static inline int gaze_faces_of(const struct gaze_reader *reader, uint64_t frame_index,
                                struct gaze_face_table *table)
{
    uint64_t words[sizeof(struct gaze_face_table) / 8];
    if (reader->base == NULL)
        return GAZE_EMPTY;
    const uint64_t head = GAZE_ACQUIRE64_(reader->base, face_head);
    for (uint64_t back = 0; back < GAZE_FACE_SLOTS && back < head; back++) {
        const uint64_t index = head - back;
        if (gaze_slot_read_(reader->base + GAZE_FACES_OFFSET / 8 +
                                (size_t)(index % GAZE_FACE_SLOTS) * (GAZE_FACE_SLOT_SIZE / 8),
                            sizeof(struct gaze_face_table) / 8, index, words)) {
            memcpy(table, words, sizeof *table);
            if (table->frame_index == frame_index)
                return GAZE_OK;
        }
    }
    return GAZE_EMPTY;
}

#if defined(__APPLE__)
/* Sleeps while the word is `seen`, at most so long; 0 if the system cannot. The call is
 * there from macOS 14.4 on and looked up where it runs, so that a program that was built
 * with any SDK runs on any macOS. */
static inline int gaze_sleep_on_(const uint32_t *word, uint32_t seen, uint64_t limit_ns)
{
    int (*sleep_on)(void *, uint64_t, size_t, uint32_t, uint32_t, uint64_t) = NULL;
    void *found = dlsym(RTLD_DEFAULT, "os_sync_wait_on_address_with_timeout");
    if (found == NULL)
        return 0;
    memcpy(&sleep_on, &found, sizeof found);
    /* 1: OS_SYNC_WAIT_ON_ADDRESS_SHARED. 32: OS_CLOCK_MACH_ABSOLUTE_TIME, relative. */
    const int slept = sleep_on((void *)(uintptr_t)word, seen, sizeof *word, 1, 32, limit_ns);
    return slept >= 0 || errno == ETIMEDOUT || errno == EINTR;
}
#endif

/* Sleeps until there is a sample that gaze_next has not given (GAZE_OK), the
 * writer has ended (GAZE_STOPPED) or died (GAZE_DIED), or the time is over
 * (GAZE_TIMED_OUT: ask gaze_health). The writer wakes it, and a heart that does
 * not beat is looked after about twelve times a second; before macOS 14.4 it
 * looks once a millisecond. */
static inline int gaze_wait(const struct gaze_reader *reader, uint32_t limit_ms)
{
    if (reader->base == NULL)
        return GAZE_STOPPED;
    const uint64_t end = gaze_now_ns() + (uint64_t)limit_ms * 1000000u;
    for (;;) {
        /* Acquire, and before looking for a sample. Partner: the writer's
         * release store. A sample stored after this load has changed the word
         * too, and the sleep below ends at once. */
        const uint32_t *word = gaze_word_(reader->base, offsetof(struct gaze_header, wake_word));
        const uint32_t seen = __atomic_load_n(word, __ATOMIC_ACQUIRE);
        /* Before looking for a sample too: memory that somebody wrote over may promise
         * samples for ever that nobody can read. */
        if (GAZE_LOAD32_(reader->base, retired) != 0)
            return GAZE_STOPPED;
        if (GAZE_ACQUIRE64_(reader->base, sample_head) > reader->cursor)
            return GAZE_OK;
        const uint64_t owner = GAZE_ACQUIRE64_(reader->base, owner);
        if (owner == 0)
            return GAZE_STOPPED;
        const uint64_t now = gaze_now_ns();
        if (gaze_is_dead_(reader->base, owner, now))
            return GAZE_DIED;
        if (now >= end)
            return GAZE_TIMED_OUT;
        /* Until the heart is overdue; if it is, for a while. */
        const uint64_t beat = GAZE_LOAD64_(reader->base, heartbeat_ns);
        const uint64_t age = now > beat ? now - beat : 0;
        uint64_t nap = age <= GAZE_LOOK_AFTER_NS ? GAZE_LOOK_AFTER_NS + 1000000u - age
                                                 : GAZE_LOOK_AFTER_NS;
        if (nap > end - now)
            nap = end - now;
        struct timespec left;
#if defined(__linux__)
        left.tv_sec = (time_t)(nap / 1000000000u);
        left.tv_nsec = (long)(nap % 1000000000u);
        /* FUTEX_WAIT, shared between processes. Whatever it answers: look again. */
        (void)syscall(SYS_futex, word, 0, seen, &left, NULL, 0);
#else
        if (gaze_sleep_on_(word, seen, nap))
            continue;
        left.tv_sec = 0;
        left.tv_nsec = nap < 1000000u ? (long)nap : 1000000L;
        (void)nanosleep(&left, NULL);
#endif
    }
}

/* How the writer is: GAZE_RUNNING, GAZE_STARTING, GAZE_STALLED, GAZE_STOPPED,
 * GAZE_DIED or GAZE_RESTARTED. A few loads while it runs; if it does not, also
 * a look at its process (id and start time) and at the name. After
 * GAZE_RESTARTED gaze_reopen may fail for a moment: sleep before you try again.
 *
 * A process that cannot be looked at counts as alive, since nothing proves that
 * it is gone. A reader in another PID namespace (a container) cannot tell: the
 * daemon's process id means another process there, or none, so a daemon that is
 * only slow may be called dead there. Gaze's readers belong on the same side. */
static inline int gaze_health(const struct gaze_reader *reader)
{
    const uint64_t *base = reader->base;
    if (base == NULL)
        return GAZE_NOT_THERE;
    struct gaze_reader other;
    /* Acquire. Partner: the release that raises the epoch in the next writer. */
    if (GAZE_ACQUIRE64_(base, epoch) != reader->epoch) {
        /* Where the name leads to nothing sound, it is no news of another writer:
         * the memory was written over. */
        const int code = gaze_open(&other, reader->name);
        gaze_close(&other);
        if (code == GAZE_OK || code == GAZE_STARTING)
            return GAZE_RESTARTED;
    }
    /* Acquire. Partner: the release that clears the owner at a clean end. */
    const uint64_t owner = GAZE_ACQUIRE64_(base, owner);
    int health = GAZE_STOPPED;
    if (owner != 0 && GAZE_LOAD32_(base, retired) == 0) {
        const uint64_t now = gaze_now_ns();
        if (!gaze_is_dead_(base, owner, now)) {
            const uint64_t beat = GAZE_LOAD64_(base, heartbeat_ns);
            if ((GAZE_LOAD32_(base, status) & 0xffu) == GAZE_STATE_STARTING)
                return GAZE_STARTING;
            return now <= beat || (now - beat) / 1000000u <= GAZE_LOAD32_(base, stall_after_ms)
                       ? GAZE_RUNNING
                       : GAZE_STALLED;
        }
        health = GAZE_DIED;
    }
    if (gaze_open(&other, reader->name) == GAZE_OK) {
        if (other.device != reader->device || other.inode != reader->inode)
            health = GAZE_RESTARTED;
        gaze_close(&other);
    }
    return health;
}

/* Everything in the header. Each of stats, device and why is from one moment. */
static inline int gaze_read_status(const struct gaze_reader *reader, struct gaze_status *status)
{
    const uint64_t *base = reader->base;
    uint64_t words[sizeof(struct gaze_device) / 8];
    memset(status, 0, sizeof *status);
    if (base == NULL)
        return GAZE_EMPTY;
    if (GAZE_LATEST_(base, stats_head, offsetof(struct gaze_header, stats), 2, struct gaze_stats,
                     words))
        memcpy(&status->stats, words, sizeof status->stats);
    if (GAZE_LATEST_(base, device_head, offsetof(struct gaze_header, device), 2,
                     struct gaze_device, words))
        memcpy(&status->device, words, sizeof status->device);
    if (GAZE_LATEST_(base, why_head, offsetof(struct gaze_header, why), 2, struct gaze_why, words))
        memcpy(&status->why, words, sizeof status->why);
    /* The texts end with a zero, whatever was stored. */
    status->device.network_name[63] = status->device.camera_name[63] = status->why.text[127] = 0;
    status->state = (uint8_t)(status->why.status & 0xffu);
    status->reason = (uint16_t)(status->why.status >> 16);
    status->source = (uint8_t)(GAZE_LOAD32_(base, status) >> 8 & 0xffu);
    status->writer_pid = (uint32_t)GAZE_ACQUIRE64_(base, owner);
    status->epoch = GAZE_ACQUIRE64_(base, epoch);
    status->started_ns = GAZE_LOAD64_(base, started_ns);
    status->stopped_ns = GAZE_LOAD64_(base, stopped_ns);
    status->heartbeat_ns = GAZE_LOAD64_(base, heartbeat_ns);
    status->sample_index = GAZE_ACQUIRE64_(base, sample_head);
    status->face_index = GAZE_ACQUIRE64_(base, face_head);
    status->calibration_generation = GAZE_LOAD32_(base, calibration_generation);
    status->display_generation = GAZE_LOAD32_(base, display_generation);
    status->network_generation = GAZE_LOAD32_(base, network_generation);
    status->recording = GAZE_LOAD32_(base, recording);
    return GAZE_OK;
}

/* How it stands with the calibration. All zeros but a NaN, that is
 * GAZE_CALIBRATION_UNKNOWN, where the daemon does not say. */
static inline int gaze_read_calibration(const struct gaze_reader *reader,
                                        struct gaze_calibration_note *note)
{
    uint64_t words[sizeof(struct gaze_calibration_note) / 8];
    memset(note, 0, sizeof *note);
    note->error = __builtin_nanf("");
    if (reader->base == NULL)
        return GAZE_EMPTY;
    if (GAZE_LATEST_(reader->base, note_head, offsetof(struct gaze_header, note), 2,
                     struct gaze_calibration_note, words))
        memcpy(note, words, sizeof *note);
    /* The texts end with a zero, whatever was stored. */
    note->user[31] = note->text[127] = 0;
    return GAZE_OK;
}

/* How it stands with clips of eye contact. All zeros, that is GAZE_CLIPS_UNKNOWN, where the
 * daemon does not say. */
static inline int gaze_read_clips(const struct gaze_reader *reader, struct gaze_clips_note *note)
{
    uint64_t words[sizeof(struct gaze_clips_note) / 8];
    memset(note, 0, sizeof *note);
    if (reader->base == NULL)
        return GAZE_EMPTY;
    if (GAZE_LATEST_(reader->base, clips_head, offsetof(struct gaze_header, clips), 2,
                     struct gaze_clips_note, words))
        memcpy(note, words, sizeof *note);
    note->text[127] = 0;
    return GAZE_OK;
}

/* What computes the networks, and how urgent the threads are. All zeros, that is
 * GAZE_PROVIDER_UNKNOWN, where the daemon does not say. */
static inline int gaze_read_engine(const struct gaze_reader *reader, struct gaze_engine_note *note)
{
    uint64_t words[sizeof(struct gaze_engine_note) / 8];
    memset(note, 0, sizeof *note);
    if (reader->base == NULL)
        return GAZE_EMPTY;
    if (GAZE_LATEST_(reader->base, engine_head, GAZE_ENGINE_OFFSET, 2, struct gaze_engine_note,
                     words))
        memcpy(note, words, sizeof *note);
    note->text[127] = note->priority[127] = 0;
    return GAZE_OK;
}

/* What the assistant says, and how it stands with it. All zeros, that is
 * GAZE_ASSISTANT_UNKNOWN, where the daemon does not say. While `coarse` is 1, `region` is
 * what there is in the place of a gaze; a sample never has it. */
static inline int gaze_read_assistant(const struct gaze_reader *reader,
                                      struct gaze_assistant_note *note)
{
    uint64_t words[sizeof(struct gaze_assistant_note) / 8];
    memset(note, 0, sizeof *note);
    if (reader->base == NULL)
        return GAZE_EMPTY;
    if (GAZE_LATEST_(reader->base, assistant_head, GAZE_ASSISTANT_OFFSET, 2,
                     struct gaze_assistant_note, words))
        memcpy(note, words, sizeof *note);
    note->text[127] = 0;
    return GAZE_OK;
}

/* ------------------------------------------------------------------ texts */

/* One line for people: what it means and what to do. */
static inline const char *gaze_text(int code)
{
    switch (code) {
    case GAZE_OK: return "ok";
    case GAZE_EMPTY: return "nothing new";
    case GAZE_TIMED_OUT: return "nothing came in time";
    case GAZE_RUNNING: return "running";
    case GAZE_STARTING: return "gazed is starting; try again in a moment";
    case GAZE_STALLED: return "gazed is there but does not move";
    case GAZE_STOPPED: return "gazed has stopped; start it again";
    case GAZE_DIED: return "gazed died; start it again";
    case GAZE_RESTARTED: return "gazed was restarted; reopen";
    case GAZE_NOT_THERE: return "no shared memory of this name; start gazed";
    case GAZE_OTHER_VERSION: return "gazed and this program are of different versions; update both";
    case GAZE_FOREIGN_OWNER: return "the shared memory belongs to another user";
    case GAZE_TOO_OPEN: return "the shared memory lets others in; remove it and start gazed again";
    case GAZE_DAMAGED: return "the shared memory is damaged; restart gazed, it makes a new one";
    case GAZE_BAD_NAME: return "bad name: use a slash and 1 to 30 letters, digits, . _ or -";
    case GAZE_SYSTEM: return "the system refused; see errno";
    default: return "unknown code";
    }
}

/* A sample's or header's reason as a short phrase. */
static inline const char *gaze_reason_text(uint16_t reason)
{
    switch (reason) {
    case GAZE_REASON_NONE: return "ok";
    case GAZE_REASON_STARTING: return "starting";
    case GAZE_REASON_NO_FACE: return "no face";
    case GAZE_REASON_EYES_CLOSED: return "eyes closed";
    case GAZE_REASON_STALE: return "frozen picture";
    case GAZE_REASON_NO_FRAMES: return "no frames";
    case GAZE_REASON_CAMERA_BUSY: return "camera busy";
    case GAZE_REASON_CAMERA_LOST: return "camera lost";
    case GAZE_REASON_PERMISSION_DENIED: return "permission denied";
    case GAZE_REASON_PAUSED: return "paused";
    case GAZE_REASON_LOW_CONFIDENCE: return "low confidence";
    case GAZE_REASON_NO_NETWORK: return "no network";
    case GAZE_REASON_SOURCE_ENDED: return "source ended";
    case GAZE_REASON_NO_CAMERA: return "no camera";
    case GAZE_REASON_BAD_FRAME: return "unusable frame";
    case GAZE_REASON_OFF_SCREEN: return "gaze off screen";
    case GAZE_REASON_STOPPED: return "stopped";
    default: return "fault";
    }
}

/* A sample's or header's state as a short phrase. */
static inline const char *gaze_state_text(uint8_t state)
{
    switch (state) {
    case GAZE_STATE_STARTING: return "starting";
    case GAZE_STATE_RUNNING: return "running";
    case GAZE_STATE_PAUSED: return "paused";
    case GAZE_STATE_NO_CAMERA: return "no camera";
    case GAZE_STATE_PERMISSION_DENIED: return "permission denied";
    case GAZE_STATE_CAMERA_BUSY: return "camera busy";
    case GAZE_STATE_ENDED: return "source ended";
    case GAZE_STATE_STOPPED: return "stopped";
    default: return "fault";
    }
}

/* How it stands with the calibration, as a short phrase. */
static inline const char *gaze_calibration_text(uint32_t status)
{
    switch (status) {
    case GAZE_CALIBRATION_NONE: return "none";
    case GAZE_CALIBRATION_IN_FORCE: return "in force";
    case GAZE_CALIBRATION_REFUSED: return "refused";
    case GAZE_CALIBRATION_KEPT: return "in force, a newer file was refused";
    default: return "unknown";
    }
}

/* How it stands with clips, as a word. */
static inline const char *gaze_clips_text(uint32_t status)
{
    switch (status) {
    case GAZE_CLIPS_OFF: return "off";
    case GAZE_CLIPS_WATCHING: return "watching";
    case GAZE_CLIPS_RECORDING: return "recording";
    case GAZE_CLIPS_STOPPED: return "stopped";
    default: return "unknown";
    }
}

/* What computes the networks, as a phrase. */
static inline const char *gaze_provider_text(uint32_t provider)
{
    switch (provider) {
    case GAZE_PROVIDER_CPU: return "cpu";
    case GAZE_PROVIDER_COREML: return "coreml";
    case GAZE_PROVIDER_MIXED: return "coreml and cpu";
    default: return "unknown";
    }
}

/* How it stands with the assistant, as a word. */
static inline const char *gaze_assistant_text(uint32_t status)
{
    switch (status) {
    case GAZE_ASSISTANT_OFF: return "off";
    case GAZE_ASSISTANT_WAITING: return "waiting";
    case GAZE_ASSISTANT_ANSWERING: return "answering";
    case GAZE_ASSISTANT_FAILING: return "failing";
    default: return "unknown";
    }
}

/* A part of the screen, as a phrase. */
static inline const char *gaze_region_text(uint32_t region)
{
    switch (region) {
    case GAZE_REGION_TOP_LEFT: return "top left";
    case GAZE_REGION_TOP_CENTER: return "top center";
    case GAZE_REGION_TOP_RIGHT: return "top right";
    case GAZE_REGION_MIDDLE_LEFT: return "middle left";
    case GAZE_REGION_MIDDLE_CENTER: return "middle center";
    case GAZE_REGION_MIDDLE_RIGHT: return "middle right";
    case GAZE_REGION_BOTTOM_LEFT: return "bottom left";
    case GAZE_REGION_BOTTOM_CENTER: return "bottom center";
    case GAZE_REGION_BOTTOM_RIGHT: return "bottom right";
    default: return "none";
    }
}

/* A calibration's grade as a word. */
static inline const char *gaze_grade_text(uint32_t grade)
{
    switch (grade) {
    case GAZE_GRADE_FAILED: return "failed";
    case GAZE_GRADE_POOR: return "poor";
    case GAZE_GRADE_FAIR: return "fair";
    case GAZE_GRADE_GOOD: return "good";
    case GAZE_GRADE_EXCELLENT: return "excellent";
    default: return "unknown";
    }
}

/* gaze_face.state as a phrase. */
static inline const char *gaze_face_text(uint8_t state)
{
    switch (state) {
    case GAZE_FACE_CONTACT: return "contact";
    case GAZE_FACE_AWAY: return "away";
    case GAZE_FACE_EYES_CLOSED: return "eyes closed";
    default: return "unknown";
    }
}

/* gaze_face.contact_source as a word. */
static inline const char *gaze_contact_text(uint8_t source)
{
    switch (source) {
    case GAZE_CONTACT_NETWORK: return "network";
    case GAZE_CONTACT_GEOMETRY: return "geometry";
    case GAZE_CONTACT_ASSISTANT: return "assistant";
    default: return "none";
    }
}

#endif /* GAZE_H */
