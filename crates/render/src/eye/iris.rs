//! Irises: their colours among people, and the texture behind the cornea.

use crate::maths::{Rng, V3, mix, noise, smoothstep, v3};

/// Linear reflectance outside and around the pupil: blue, grey, green, hazel, light brown,
/// brown, dark brown.
const COLOURS: [[V3; 2]; 7] = [
    [v3(0.070, 0.120, 0.180), v3(0.165, 0.185, 0.185)],
    [v3(0.100, 0.120, 0.130), v3(0.165, 0.165, 0.150)],
    [v3(0.072, 0.098, 0.055), v3(0.160, 0.125, 0.050)],
    [v3(0.078, 0.072, 0.036), v3(0.150, 0.080, 0.024)],
    [v3(0.105, 0.058, 0.020), v3(0.165, 0.085, 0.026)],
    [v3(0.052, 0.025, 0.010), v3(0.098, 0.048, 0.016)],
    [v3(0.021, 0.011, 0.006), v3(0.036, 0.018, 0.008)],
];
/// How often each is met among light and among dark people. Light: Europe's north and middle
/// (Katsara and Nothnagel 2019: about half blue or grey); dark: nearly all brown.
const SHARES: [[f32; 7]; 2] = [
    [0.30, 0.14, 0.10, 0.14, 0.10, 0.16, 0.06],
    [0.0, 0.0, 0.005, 0.02, 0.055, 0.34, 0.58],
];

/// The colours of somebody's iris: outside, around the pupil. `dark`: 0 light, 1 dark people.
pub fn colours(r: &mut Rng, dark: f32) -> [V3; 2] {
    let t = smoothstep(0.0, 0.45, dark);
    let mut u = r.unit();
    let mut kind = COLOURS.len() - 1;
    for (k, (light, dark)) in SHARES[0].iter().zip(SHARES[1]).enumerate() {
        u -= mix(*light, dark, t);
        if u < 0.0 {
            kind = k;
            break;
        }
    }
    // Between the kinds there is every step.
    let other = if r.unit() < 0.5 {
        kind + 1
    } else {
        kind.max(1) - 1
    };
    let other = COLOURS[other.min(COLOURS.len() - 1)];
    let (w, bright) = (0.35 * r.unit(), r.range(0.85, 1.18));
    [0, 1].map(|i| COLOURS[kind][i].mix(other[i], w) * bright)
}

/// Colour of the iris's surface at x, y (mm from its middle). `rim`: its radius, `pupil`: the
/// pupil's; `seed` chooses the texture.
pub(crate) fn surface(x: f32, y: f32, rim: f32, pupil: f32, colours: [V3; 2], seed: f32) -> V3 {
    let r = (x * x + y * y).sqrt();
    let edge = smoothstep(pupil + 0.10, pupil - 0.10, r);
    let black = v3(0.004, 0.0035, 0.0035);
    if edge >= 1.0 {
        return black;
    }
    // Fibres run from the pupil outwards and go with it: noise that is long in r
    // and short around, on a circle so that it closes.
    let u = ((r - pupil) / (rim - pupil)).clamp(0.0, 1.2);
    let (cx, cy) = (x / r.max(0.05), y / r.max(0.05));
    let trait_of = |k: f32| 0.5 + 0.5 * noise(v3(seed * 3.7 + k, 11.5, 4.5));
    let around = v3(cx * 9.0 + seed, cy * 9.0, u * 2.0);
    let fibre = 0.60 * noise(around) + 0.40 * noise(around * 2.6);
    let wave = noise(v3(cx * 2.5 + seed, cy * 2.5, 1.0));
    // The collarette: a pale, wavy ring at about a third of the way.
    let ring = 0.30 + 0.10 * trait_of(0.0) + 0.06 * wave;
    let collarette = smoothstep(0.14, 0.0, (u - ring).abs());
    let inner = smoothstep(ring + 0.25, ring - 0.15, u + 0.10 * fibre);
    // Crypts: dark gaps between fibres outside of the collarette.
    let crypt = smoothstep(0.25, 0.6, noise(v3(cx * 5.0 + seed, cy * 5.0, u * 5.0)))
        * smoothstep(ring, ring + 0.15, u);
    let mut c = colours[0].mix(colours[1], inner * mix(0.45, 0.95, trait_of(20.0)));
    c = c * (1.0 + 0.55 * fibre + 0.22 * collarette - 0.30 * crypt * trait_of(40.0));
    // The limbal ring, and the brown ruff at the pupil's edge.
    let ring = mix(0.55, 0.22, trait_of(60.0));
    c = c * mix(1.0, ring, smoothstep(0.72, 0.98, u));
    c = c * mix(0.45, 1.0, smoothstep(0.0, 0.09, u));
    c.mix(black, edge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_people_have_every_colour_and_dark_people_brown() {
        let mut r = Rng::new(3);
        let mut blue = |dark: f32| {
            (0..400)
                .filter(|_| {
                    let c = colours(&mut r, dark)[0];
                    c.z > c.x
                })
                .count()
        };
        let (light, dark) = (blue(0.0), blue(1.0));
        assert!((100..300).contains(&light) && dark == 0, "{light} {dark}");
    }
}
