//! Where hair and beard begin and end on the mean adult.

use crate::hair::style::Beard;
use crate::maths::{V3, mix, smoothstep};

/// Height of the hairline (y, up is negative) by the angle around the skull.
pub(super) fn outline(angle: f32) -> f32 {
    const LINE: &[(f32, f32)] = &[
        (0.0, -66.0),
        (18.0, -66.0),
        (32.0, -60.0),
        (44.0, -47.0),
        (54.0, -30.0),
        (62.0, -14.0),
        (70.0, 2.0),
        (78.0, 12.0),
        (88.0, 12.0),
        (94.0, -12.0),
        (106.0, -16.0),
        (118.0, 5.0),
        (135.0, 38.0),
        (180.0, 62.0),
    ];
    for w in LINE.windows(2) {
        if angle <= w[1].0 {
            return mix(w[0].1, w[1].1, (angle - w[0].0) / (w[1].0 - w[0].0));
        }
    }
    LINE[LINE.len() - 1].1
}

/// Degrees around the skull, 0 at the forehead, 180 at the back.
pub(super) fn degrees_around(p: V3) -> f32 {
    libm::atan2f(p.x.abs(), 85.0 - p.z).to_degrees()
}

/// How far inside a full beard a place of the mean adult lies, mm.
pub(super) fn beard_inside(p: V3, beard: &Beard) -> f32 {
    let x = p.x.abs();
    // From the mouth's corners nearly level to the jaw's angle, then up before the ear.
    let cheek = mix(64.0, 8.0, smoothstep(40.0, 74.0, p.z)) - 0.10 * (38.0 - x).max(0.0);
    let mut jaw = (p.y - cheek)
        .min((122.0 + 0.10 * p.z - p.y) * 0.8)
        .min(84.0 - p.z);
    if beard.full < 0.5 {
        jaw = jaw.min(27.0 - x).min(p.y - 62.0);
    }
    jaw
}

/// How far inside a moustache a place of the mean adult lies, mm.
pub(super) fn moustache_inside(p: V3) -> f32 {
    let x = p.x.abs();
    let middle = 53.5 + 0.012 * x * x;
    (6.5 - (p.y - middle).abs())
        .min((30.0 - x) * 0.6)
        .min(40.0 - p.z)
}
