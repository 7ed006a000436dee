//! Colours of lamps, walls, furniture and cloth.

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

/// Linear sRGB of a black body of this many kelvin, of luminance 1: the Planckian locus
/// by Kim et al. (2002), then the matrix of IEC 61966-2-1.
pub fn kelvin(t: f32) -> V3 {
    let t = f64::from(t.clamp(1700.0, 20000.0));
    let u = 1000.0 / t;
    let x = if t < 4000.0 {
        ((-0.266_123_9 * u - 0.234_358_9) * u + 0.877_695_6) * u + 0.179_910
    } else {
        ((-3.025_846_9 * u + 2.107_037_9) * u + 0.222_634_7) * u + 0.240_390
    };
    let y = if t < 2222.0 {
        ((-1.106_381_4 * x - 1.348_110_2) * x + 2.185_558_32) * x - 0.202_196_83
    } else if t < 4000.0 {
        ((-0.954_947_6 * x - 1.374_185_93) * x + 2.091_370_15) * x - 0.167_488_67
    } else {
        ((3.081_758_0 * x - 5.873_386_7) * x + 3.751_129_97) * x - 0.370_014_83
    };
    let (a, c) = (x / y, (1.0 - x - y) / y);
    let r = 3.240_454_2 * a - 1.537_138_5 - 0.498_531_4 * c;
    let g = -0.969_266_0 * a + 1.876_010_8 + 0.041_556_0 * c;
    let b = 0.055_643_4 * a - 0.204_025_9 + 1.057_225_2 * c;
    v3(r.max(0.0) as f32, g.max(0.0) as f32, b.max(0.02) as f32)
}

/// Parts of red, green and blue by how much light they are.
pub fn luminance(c: V3) -> f32 {
    0.2126 * c.x + 0.7152 * c.y + 0.0722 * c.z
}
