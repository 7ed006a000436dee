/* The records of tests/ring_support/derived.rs, in C: every field follows from
 * one number, so that a mixture of two shows. */
#ifndef DERIVED_H
#define DERIVED_H

#include "gaze.h"

static inline uint64_t number(uint64_t n, unsigned k)
{
    const uint64_t m = n * UINT64_C(0x9e3779b97f4a7c15);
    const unsigned turn = k % 64u;
    return (turn == 0u ? m : m << turn | m >> (64u - turn)) ^ k;
}

static inline float real(uint64_t n, unsigned k)
{
    return (float)(number(n, k) % 16777213u);
}

static inline struct gaze_sample derived_sample(uint64_t n)
{
    struct gaze_sample s;
    s.index = n;
    s.frame_index = number(n, 1);
    s.captured_ns = number(n, 2);
    s.perceived_ns = number(n, 3);
    s.published_ns = number(n, 4);
    s.flags = (uint32_t)number(n, 5);
    s.reason = (uint16_t)number(n, 6);
    s.state = (uint8_t)number(n, 7);
    s.face_count = (uint8_t)number(n, 8);
    s.raw_x = real(n, 9);
    s.raw_y = real(n, 10);
    s.cal_x = real(n, 11);
    s.cal_y = real(n, 12);
    s.x = real(n, 13);
    s.y = real(n, 14);
    s.error_radius = real(n, 15);
    s.confidence = real(n, 16);
    s.calibration_generation = (uint32_t)number(n, 17);
    s.display_generation = (uint32_t)number(n, 18);
    for (unsigned i = 0; i < 3; i++) {
        s.eye_origin_mm[i] = real(n, 19 + i);
        s.gaze_dir[i] = real(n, 22 + i);
        s.head_mm[i] = real(n, 28 + i);
    }
    s.head_yaw = real(n, 25);
    s.head_pitch = real(n, 26);
    s.head_roll = real(n, 27);
    s.face_id = (uint32_t)number(n, 33);
    s.contact = real(n, 34);
    for (unsigned i = 0; i < 2; i++) {
        s.openness[i] = real(n, 31 + i);
        s.velocity[i] = real(n, 35 + i);
    }
    s.network_generation = (uint32_t)number(n, 41);
    s.spread_deg = real(n, 42);
    s.left_yaw = real(n, 37);
    s.left_pitch = real(n, 38);
    s.right_yaw = real(n, 39);
    s.right_pitch = real(n, 40);
    return s;
}

static inline int faces_are_derived(const struct gaze_face_table *found)
{
    struct gaze_face_table t = *found;
    const uint64_t n = t.frame_index;
    t.captured_ns = number(n, 2);
    t.perceived_ns = number(n, 3);
    t.count = 8;
    t.image_width = (uint16_t)number(n, 5);
    t.image_height = (uint16_t)number(n, 6);
    for (unsigned row = 0; row < GAZE_FACE_ROWS; row++) {
        struct gaze_face *f = &t.rows[row];
        const unsigned k = 100 + 16 * row;
        f->id = (uint32_t)number(n, k);
        f->state = (uint8_t)number(n, k + 1);
        f->contact_source = (uint8_t)number(n, k + 2);
        f->flags = (uint16_t)number(n, k + 3);
        f->x = real(n, k + 4);
        f->y = real(n, k + 5);
        f->w = real(n, k + 6);
        f->h = real(n, k + 7);
        f->contact = real(n, k + 8);
        f->yaw = real(n, k + 9);
        f->pitch = real(n, k + 10);
        f->roll = real(n, k + 11);
        f->distance_mm = real(n, k + 12);
        f->confidence = real(n, k + 13);
        f->since_ns = number(n, k + 14);
        f->measured_ns = number(n, k + 15);
    }
    return memcmp(&t, found, sizeof t) == 0;
}

#endif
