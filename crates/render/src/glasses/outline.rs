//! The edge of a lens.

use super::{GlassesStyle, Shape};
use crate::maths::{sin_cos, smoothstep};

/// Corners of an outline.
pub(super) const CORNERS: usize = 40;

/// The edge of a lens in its own plane: to the temple, down, mm; from the temple's side over
/// the cheek and the nose to the brow. Its box is `a` × `b` about the origin (half sizes).
pub(super) fn outline(style: &GlassesStyle, a: f32, b: f32) -> Vec<[f32; 2]> {
    // Superellipses (Lamé), bent as the shape wants.
    let power = match style.shape {
        Shape::Round => 2.1,
        Shape::Oval => 2.35,
        Shape::Rectangle => 4.4,
        Shape::Trapeze => 3.4,
        Shape::Aviator => 2.35,
    };
    let mut points: Vec<[f32; 2]> = (0..CORNERS)
        .map(|k| {
            let (s, c) = sin_cos(360.0 * k as f64 / CORNERS as f64);
            let bent = |v: f64| libm::copysign(libm::pow(v.abs(), 2.0 / power), v) as f32;
            let (x, y) = (bent(c), bent(s));
            let (low, high) = (y.max(0.0), (-y).max(0.0));
            let nose = (-x).max(0.0);
            let (dx, dy) = match style.shape {
                Shape::Round => (0.0, 0.0),
                Shape::Oval => (0.0, 0.04 * x),
                Shape::Rectangle => (-0.03 * x * y, 0.0),
                Shape::Trapeze => (-0.11 * x * y, -0.10 * x.max(0.0) * high),
                Shape::Aviator => (
                    0.16 * low * low - 0.12 * x * low - 0.04 * x * y,
                    0.16 * high - 0.10 * x * high + 0.06 * x * low,
                ),
            };
            // Every lens makes room for the flank of the nose.
            [x + dx + 0.09 * nose * low * low, y + dy]
        })
        .collect();
    // Back into its box.
    for (axis, half) in [(0, a), (1, b)] {
        let lo = points.iter().fold(f32::MAX, |m, p| m.min(p[axis]));
        let hi = points.iter().fold(f32::MIN, |m, p| m.max(p[axis]));
        for p in &mut points {
            p[axis] = ((p[axis] - lo) / (hi - lo) * 2.0 - 1.0) * half;
        }
    }
    points
}

/// Radii of an outline at equally spaced angles.
pub(super) fn radii(outline: &[[f32; 2]]) -> [f32; 64] {
    std::array::from_fn(|k| {
        let (s, c) = sin_cos(360.0 * k as f64 / 64.0);
        let (s, c) = (s as f32, c as f32);
        let mut r = 0.0f32;
        for i in 0..outline.len() {
            let (p, q) = (outline[i], outline[(i + 1) % outline.len()]);
            // Across the ray, and along it where the edge crosses it.
            let (u, v) = (p[1] * c - p[0] * s, q[1] * c - q[0] * s);
            if (u <= 0.0) != (v <= 0.0) {
                let t = u / (u - v);
                let along = (p[0] + (q[0] - p[0]) * t) * c + (p[1] + (q[1] - p[1]) * t) * s;
                r = r.max(along);
            }
        }
        r
    })
}

/// How strongly the rim is there at a corner of the outline: 0 none, 1 all.
pub(super) fn weight(style: &GlassesStyle, p: [f32; 2], b: f32) -> f32 {
    // Plastic is stronger along the brow.
    if style.plastic() {
        0.85 + 0.3 * smoothstep(0.2, -0.8, p[1] / b)
    } else {
        1.0
    }
}
