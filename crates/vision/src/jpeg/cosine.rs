//! The inverse cosine transform of a JPEG's blocks (ITU-R T.81, A.3.3), by the factors of Arai,
//! Agui and Nakajima (1988), as four columns at once.

use std::f32::consts::SQRT_2;

use wide::{f32x4, i16x8, i32x8, u8x16};

/// A byte's middle, where coefficients are zero, as the first of four coefficients.
const MIDDLE: f32x4 = f32x4::new([128.0, 0.0, 0.0, 0.0]);

/// Inverse transform of four columns at once; its scale factors are in the quanta.
#[inline(always)]
fn columns(v: [f32x4; 8]) -> [f32x4; 8] {
    let (t10, t11) = (v[0] + v[4], v[0] - v[4]);
    let t13 = v[2] + v[6];
    let t12 = (v[2] - v[6]) * SQRT_2 - t13;
    let even = [t10 + t13, t11 + t12, t11 - t12, t10 - t13];
    let (z13, z10) = (v[5] + v[3], v[5] - v[3]);
    let (z11, z12) = (v[1] + v[7], v[1] - v[7]);
    let o7 = z11 + z13;
    let z5 = (z10 + z12) * 1.847_759_1;
    let o6 = z5 - z10 * 2.613_126 - o7;
    let o5 = (z11 - z13) * SQRT_2 - o6;
    let o4 = z5 - z12 * 1.082_392_2 - o5;
    mirrored(even, [o7, o6, o5, o4])
}

/// The same where the lower four are all that there is.
#[inline(always)]
fn columns_of_few(v: [f32x4; 4]) -> [f32x4; 8] {
    let t12 = v[2] * (SQRT_2 - 1.0);
    let even = [v[0] + v[2], v[0] + t12, v[0] - t12, v[0] - v[2]];
    let (sum, difference) = (v[1] + v[3], v[1] - v[3]);
    let z5 = difference * 1.847_759_1;
    let o6 = z5 + v[3] * 2.613_126 - sum;
    let o5 = difference * SQRT_2 - o6;
    let o4 = z5 - v[1] * 1.082_392_2 - o5;
    mirrored(even, [sum, o6, o5, o4])
}

/// Odd waves have the other sign in the other half.
#[inline(always)]
fn mirrored(e: [f32x4; 4], o: [f32x4; 4]) -> [f32x4; 8] {
    [
        e[0] + o[0],
        e[1] + o[1],
        e[2] + o[2],
        e[3] + o[3],
        e[3] - o[3],
        e[2] - o[2],
        e[1] - o[1],
        e[0] - o[0],
    ]
}

/// Four rows of eight as eight of four.
#[inline(always)]
fn turned(l: &[f32x4], r: &[f32x4]) -> [f32x4; 8] {
    let [a0, a1, a2, a3] = f32x4::transpose([l[0], l[1], l[2], l[3]]);
    let [b0, b1, b2, b3] = f32x4::transpose([r[0], r[1], r[2], r[3]]);
    [a0, a1, a2, a3, b0, b1, b2, b3]
}

/// Eight rows' left and right halves as bytes, rounded and limited.
#[inline(always)]
fn store(left: &[f32x4; 8], right: &[f32x4; 8], to: &mut [u8], stride: usize) {
    let whole = |y: usize| {
        let [a, b] = [left[y], right[y]].map(|half| half.fast_round_int().to_array());
        i16x8::from_i32x8_saturate(i32x8::new([a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]]))
    };
    for y in (0..8).step_by(2) {
        let two = u8x16::narrow_i16x8(whole(y), whole(y + 1)).to_array();
        to[y * stride..][..8].copy_from_slice(&two[..8]);
        to[(y + 1) * stride..][..8].copy_from_slice(&two[8..]);
    }
}

/// A block's pixels from its coefficients, column after column, [`scaled`], which become zeros; rows so far
/// apart.
#[inline(never)]
pub(super) fn pixels(c: &mut [f32; 64], to: &mut [u8], stride: usize) {
    let (q, _) = c.as_chunks::<4>();
    let q = |at: usize| f32x4::new(q[at]);
    let l = columns([q(0) + MIDDLE, q(2), q(4), q(6), q(8), q(10), q(12), q(14)]);
    let r = columns([q(1), q(3), q(5), q(7), q(9), q(11), q(13), q(15)]);
    c.fill(0.0);
    let left = columns(turned(&l[..4], &r[..4]));
    let right = columns(turned(&l[4..], &r[4..]));
    store(&left, &right, to, stride);
}

/// The same of a block with no coefficients but among the first four across and down.
#[inline(never)]
pub(super) fn pixels_of_few(c: &mut [f32; 64], to: &mut [u8], stride: usize) {
    let (q, _) = c.as_chunks::<4>();
    let q = |at: usize| f32x4::new(q[at]);
    let l = columns_of_few([q(0) + MIDDLE, q(2), q(4), q(6)]);
    for at in [0, 8, 16, 24] {
        c[at..at + 4].fill(0.0);
    }
    let left = columns_of_few(f32x4::transpose([l[0], l[1], l[2], l[3]]));
    let right = columns_of_few(f32x4::transpose([l[4], l[5], l[6], l[7]]));
    store(&left, &right, to, stride);
}

/// The same of a block of one brightness.
pub(super) fn pixels_of_one(c: f32, to: &mut [u8], stride: usize) {
    let level = (c + 128.5).clamp(0.0, 255.0) as u8;
    for row in to.chunks_mut(stride).take(8) {
        row[..8].fill(level);
    }
}

/// By place: 1, then cos(kπ/16) √2.
const SCALES: [f64; 8] = [
    1.0,
    1.387_039_845_322_147_5,
    1.306_562_964_876_376_4,
    1.175_875_602_419_358_8,
    1.0,
    0.785_694_958_387_102_4,
    0.541_196_100_146_197,
    0.275_899_379_282_943_1,
];

/// What a quantum is multiplied with, of a coefficient so far across and down.
pub(super) fn scaled(across: usize, down: usize) -> f64 {
    SCALES[across] * SCALES[down] / 8.0
}

#[cfg(test)]
mod tests {
    use super::*;

    type Make = fn(&mut [f32; 64], &mut [u8], usize);

    /// The transform by its definition (T.81, A.3.3), of coefficients that are not scaled.
    fn by_definition(c: &[f32; 64]) -> [u8; 64] {
        let wave = |k: usize, x: usize| {
            let first = if k == 0 { 0.5f64.sqrt() } else { 1.0 };
            first * ((2 * x + 1) as f64 * k as f64 * std::f64::consts::PI / 16.0).cos()
        };
        std::array::from_fn(|at| {
            let all = (0..64).map(|i| {
                let (across, down) = (wave(i / 8, at % 8), wave(i % 8, at / 8));
                f64::from(c[i]) * across * down
            });
            (all.sum::<f64>() / 4.0 + 128.0).round().clamp(0.0, 255.0) as u8
        })
    }

    #[test]
    fn pixels_are_those_of_the_definition() {
        let mut random = 1u64;
        let mut next = |most: i32| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % (2 * most as u64 + 1)) as i32 - most
        };
        for round in 0..300 {
            let few = round % 2 == 0;
            let mut c = [0.0; 64];
            for (i, c) in c.iter_mut().enumerate() {
                if !few || i / 8 < 4 && i % 8 < 4 {
                    *c = (next(300) / (1 + i as i32 / 8 + i as i32 % 8)) as f32;
                }
            }
            let should = by_definition(&c);
            let c: [f32; 64] = std::array::from_fn(|i| c[i] * scaled(i / 8, i % 8) as f32);
            let near = |make: Make| {
                let mut found = [0; 64];
                let mut c = c;
                make(&mut c, &mut found, 8);
                assert_eq!(c, [0.0; 64]);
                found.iter().zip(&should).all(|(a, b)| a.abs_diff(*b) <= 1)
            };
            assert!(near(pixels), "{c:?}");
            assert!(!few || near(pixels_of_few), "{c:?}");
        }
        let one = |c: f32| {
            let mut found = [0; 64];
            pixels_of_one(c, &mut found, 8);
            assert_eq!(found, [found[0]; 64]);
            found[0]
        };
        assert_eq!([-2000.0, 0.0, 2000.0].map(one), [0, 128, 255]);
    }
}
