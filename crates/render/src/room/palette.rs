//! Colours of walls, furniture and cloth.

use crate::maths::{Rng, V3, mix, v3};

/// What walls are painted with.
pub fn wall_colour(r: &mut Rng) -> V3 {
    let c = r.range(0.42, 0.80);
    match r.unit() {
        u if u < 0.55 => v3(c, c * r.range(0.95, 1.0), c * r.range(0.86, 1.0)),
        u if u < 0.8 => v3(c, c * 0.93, c * r.range(0.75, 0.85)),
        u if u < 0.88 => v3(0.25, 0.33, 0.40) * r.range(0.4, 1.4),
        u if u < 0.94 => v3(0.27, 0.36, 0.27) * r.range(0.4, 1.4),
        _ => v3(0.5, 0.3, 0.22) * r.range(0.3, 1.2),
    }
}

/// Wood, from birch to walnut, or white or black furniture.
pub fn wood(r: &mut Rng) -> V3 {
    match r.unit() {
        u if u < 0.25 => V3::splat(r.range(0.55, 0.78)),
        u if u < 0.35 => V3::splat(r.range(0.02, 0.06)),
        u => v3(0.46, 0.30, 0.17) * mix(0.22, 1.25, u),
    }
}

/// Cloth, paper and plastic: mostly dull, seldom bright.
pub fn dye(r: &mut Rng) -> V3 {
    let grey = r.range(0.03, 0.6);
    let c = v3(r.unit(), r.unit(), r.unit());
    let mean = (c.x + c.y + c.z) / 3.0;
    let vivid = match r.unit() {
        u if u < 0.65 => 0.25,
        u if u < 0.9 => 0.6,
        _ => 0.95,
    };
    let c = V3::splat(mean).mix(c, vivid) * (grey / mean.max(0.2));
    v3(c.x.min(0.85), c.y.min(0.85), c.z.min(0.8))
}

/// Whether something of this likelihood happens.
pub fn chance(r: &mut Rng, p: f32) -> bool {
    r.unit() < p
}
