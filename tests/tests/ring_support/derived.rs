//! Records of which every field follows from one number, so that a mixture of
//! two shows. `tests/c/derived.h` makes the same ones.
#![allow(dead_code)] // Each test uses a part.

use ring::layout::{FaceRow, FaceTable, Sample};

/// Field `k` of record `n`: whole numbers below 2^24, exact as floats.
fn float(n: u64, k: u64) -> f32 {
    (number(n, k) % 16_777_213) as f32
}

fn number(n: u64, k: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(k as u32 % 64)
        ^ k
}

/// The sample with index `n`.
pub fn sample(n: u64) -> Sample {
    let f = |k| float(n, k);
    Sample {
        index: n,
        frame_index: number(n, 1),
        captured_ns: number(n, 2),
        perceived_ns: number(n, 3),
        published_ns: number(n, 4),
        flags: number(n, 5) as u32,
        reason: number(n, 6) as u16,
        state: number(n, 7) as u8,
        face_count: number(n, 8) as u8,
        raw_x: f(9),
        raw_y: f(10),
        cal_x: f(11),
        cal_y: f(12),
        x: f(13),
        y: f(14),
        error_radius: f(15),
        confidence: f(16),
        calibration_generation: number(n, 17) as u32,
        display_generation: number(n, 18) as u32,
        eye_origin_mm: [f(19), f(20), f(21)],
        gaze_dir: [f(22), f(23), f(24)],
        head_yaw: f(25),
        head_pitch: f(26),
        head_roll: f(27),
        head_mm: [f(28), f(29), f(30)],
        openness: [f(31), f(32)],
        face_id: number(n, 33) as u32,
        contact: f(34),
        velocity: [f(35), f(36)],
        left_yaw: f(37),
        left_pitch: f(38),
        right_yaw: f(39),
        right_pitch: f(40),
        network_generation: number(n, 41) as u32,
        spread_deg: f(42),
    }
}

/// The faces of picture `n`; index, sample index and time are the writer's.
pub fn faces(n: u64) -> FaceTable {
    let mut table = FaceTable {
        frame_index: n,
        captured_ns: number(n, 2),
        perceived_ns: number(n, 3),
        count: 8,
        image_width: number(n, 5) as u16,
        image_height: number(n, 6) as u16,
        ..FaceTable::default()
    };
    for (row, face) in table.rows.iter_mut().enumerate() {
        let k = 100 + 16 * row as u64;
        *face = FaceRow {
            id: number(n, k) as u32,
            state: number(n, k + 1) as u8,
            contact_source: number(n, k + 2) as u8,
            flags: number(n, k + 3) as u16,
            x: float(n, k + 4),
            y: float(n, k + 5),
            w: float(n, k + 6),
            h: float(n, k + 7),
            contact: float(n, k + 8),
            yaw: float(n, k + 9),
            pitch: float(n, k + 10),
            roll: float(n, k + 11),
            distance_mm: float(n, k + 12),
            confidence: float(n, k + 13),
            since_ns: number(n, k + 14),
            measured_ns: number(n, k + 15),
        };
    }
    table
}

/// Whether a table is the derived one, its writer's fields aside.
pub fn is_derived(table: &FaceTable) -> bool {
    let FaceTable {
        index,
        published_ns,
        sample_index,
        ..
    } = *table;
    *table
        == FaceTable {
            index,
            published_ns,
            sample_index,
            ..faces(table.frame_index)
        }
}
