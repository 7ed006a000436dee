//! How far rendered people may differ from what is likely.
//!
//! Nobody knows how exactly eyes look before every webcam: how white, how shaded by their lids, how
//! dark their lashes. A network that has seen all of it and more takes the real ones for one more
//! variation (domain randomisation: Tobin et al. 2017, "Domain Randomization for Transferring Deep
//! Neural Networks from Simulation to the Real World"). And whether it has learned eyes or this
//! renderer is told by pictures made differently: [`Variety::Other`].

use std::str::FromStr;

use crate::light::Lights;
use crate::maths::{Rng, V3, mix, v3};
use crate::room::surroundings::{Lamp, Shape};

/// Which people, lights and cameras.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Variety {
    /// Likely ones.
    #[default]
    Usual,
    /// Likely and unlikely ones, to learn from.
    Wide,
    /// Eyes whose surfaces and cameras differ as far as [`Variety::Wide`]'s do, in people whose lids
    /// and shapes are likely ones: of where real people look their lids tell much, and a network
    /// that has seen all kinds of lids trusts none. Heads turn away from what is looked at more often
    /// than towards it, as far as the eyes can follow, so that little can be learned from where they
    /// point.
    SkinDeep,
    /// As [`Variety::SkinDeep`], but dull whites, deep shade, thick lashes and lines all come together,
    /// as far as [`Variety::Wide`] goes: pupils that are hard to tell from what is around them.
    Murky,
    /// Whites, shade, lashes, glints, lights and cameras that [`Variety::Wide`] does not reach, to
    /// test with: never learned from. Lids and shapes are as its.
    Other,
}

impl Variety {
    /// All of them.
    pub const ALL: [Variety; 5] = [
        Variety::Usual,
        Variety::Wide,
        Variety::SkinDeep,
        Variety::Murky,
        Variety::Other,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Variety::Usual => "usual",
            Variety::Wide => "wide",
            Variety::SkinDeep => "skin-deep",
            Variety::Murky => "murky",
            Variety::Other => "other",
        }
    }
}

impl FromStr for Variety {
    type Err = UnknownVariety;

    fn from_str(name: &str) -> Result<Variety, UnknownVariety> {
        let mut all = Variety::ALL.into_iter();
        all.find(|v| v.name() == name)
            .ok_or_else(|| UnknownVariety(name.to_owned()))
    }
}

/// A variety's name that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no variety is called \"{0}\": choose usual, wide, skin-deep, murky or other")]
pub struct UnknownVariety(pub String);

/// How a person's eyes differ from the usual picture of eyes. Of everything, 1 is usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EyeStyle {
    /// How bright the white is.
    pub white: f32,
    /// How deep lids and lashes shade the eye: the exponent of the light they let through.
    pub shade: f32,
    /// How strongly the eye mirrors.
    pub gloss: f32,
    /// How wide lashes are.
    pub lashes: f32,
    /// How wide and dark the line they stand in is; beyond 1.5 as if it were drawn on.
    pub line: f32,
    /// How deep the crease of the upper lid is.
    pub crease: f32,
    /// How far the lids go with the eye up and down.
    pub follow: [f32; 2],
}

impl Default for EyeStyle {
    fn default() -> EyeStyle {
        EyeStyle {
            white: 1.0,
            shade: 1.0,
            gloss: 1.0,
            lashes: 1.0,
            line: 1.0,
            crease: 1.0,
            follow: [1.0; 2],
        }
    }
}

impl EyeStyle {
    /// The style of one person of a variety.
    pub fn of(variety: Variety, seed: u64) -> EyeStyle {
        let mut r = Rng::new(seed ^ 0xe7e5);
        // As often half as twice.
        let mut around = |lo: f32, hi: f32| lo * libm::powf(hi / lo, r.unit());
        match variety {
            Variety::Usual => EyeStyle::default(),
            Variety::Wide | Variety::SkinDeep => EyeStyle {
                white: around(0.55, 1.15),
                shade: around(0.6, 2.0),
                gloss: around(0.3, 2.2),
                lashes: around(0.6, 2.0),
                line: around(0.35, 2.0),
                crease: around(0.2, 1.7),
                // Upper lids go with the eye for nearly all of its way (Becker and Fuchs 1988,
                // "Lid-eye coordination during vertical gaze changes"): of real people they tell
                // more of where it looks than the iris does, so they must not be made to lie.
                follow: match variety {
                    Variety::Wide => [around(0.85, 1.1), around(0.6, 1.6)],
                    _ => [1.0; 2],
                },
            },
            Variety::Murky => EyeStyle {
                white: around(0.55, 0.75),
                shade: around(1.4, 2.0),
                gloss: around(1.2, 2.2),
                lashes: around(1.3, 2.0),
                line: around(1.3, 2.0),
                crease: around(1.0, 1.7),
                follow: [1.0; 2],
            },
            Variety::Other => EyeStyle {
                white: around(0.42, 0.55),
                shade: around(2.1, 3.0),
                gloss: around(2.5, 4.0),
                lashes: around(2.1, 3.0),
                line: around(2.1, 2.8),
                crease: around(1.8, 2.4),
                follow: [around(0.85, 1.1), around(0.6, 1.6)],
            },
        }
    }
}

/// How far above and below the pupil the lids' edges rest, mm (the clinic's MRD1 and MRD2): in healthy
/// adults some 4 and 5 mm, and their deviations are nearly one.
pub(crate) fn lids_at_rest(variety: Variety, seed: u64, usual: [f32; 2]) -> [f32; 2] {
    let mut r = Rng::new(seed ^ 0x11d5);
    match variety {
        Variety::Usual | Variety::SkinDeep | Variety::Murky => usual,
        Variety::Wide | Variety::Other => [
            (4.2 + 0.7 * r.normal()).clamp(2.8, 5.4),
            (5.3 + 0.5 * r.normal()).clamp(4.2, 6.3),
        ],
    }
}

/// Other light than any room of ours has: one hard lamp from anywhere before the face, below it
/// too, of a strong colour; a ring of light around the camera that the eyes mirror.
pub(crate) fn relight(lights: &mut Lights, seed: u64) {
    let mut r = Rng::new(seed ^ 0x0712);
    let (x, y) = (r.range(-1.0, 1.0), r.range(-0.9, 0.7));
    lights.key = v3(x, y, -0.7).unit();
    let strong = lights.key_colour.len().max(0.4) * r.range(0.8, 1.6);
    let tint = v3(r.range(0.35, 1.0), r.range(0.35, 1.0), r.range(0.35, 1.0)).unit();
    lights.key_colour = tint * strong;
    lights.shadow_mm = r.range(0.8, 2.0);
    lights.rim = v3(-x, -y, -0.4).unit();
    lights.rim_colour = tint.mix(V3::splat(0.577), 0.5) * (strong * mix(0.1, 0.6, r.unit()));
    let around_lens = v3(0.05 * r.normal(), 0.05 * r.normal(), -1.0).unit();
    let ring = Lamp::new(
        around_lens,
        [r.range(0.05, 0.14); 2],
        V3::splat(r.range(0.2, 0.6)),
        Shape::Disc,
    );
    lights.lamps.push(ring);
}

/// Shapes of the eyes beyond [`Variety::Usual`]'s: pairs of opposite targets and the most of each.
const SHAPES: [(&str, &str, f32); 8] = [
    ("epicanthus-in", "epicanthus-out", 0.7),
    ("corner2-down", "corner2-up", 0.4),
    ("eyefold-angle-down", "eyefold-angle-up", 0.6),
    ("eyefold-concave", "eyefold-convex", 0.7),
    ("bag-in", "bag-out", 0.6),
    ("bag-height-decr", "bag-height-incr", 0.6),
    ("scale-decr", "scale-incr", 0.25),
    ("trans-in", "trans-out", 0.3),
];

/// More shape details of a person's eyes, by name, with weights.
pub(crate) fn shapes(variety: Variety, seed: u64) -> Vec<(String, f32)> {
    let mut r = Rng::new(seed ^ 0x54a9);
    if !matches!(variety, Variety::Wide | Variety::Other) {
        return vec![];
    }
    let one = |(less, more, most): (&str, &str, f32)| {
        let w = r.range(-most, most);
        let name = if w < 0.0 { less } else { more };
        ["l", "r"].map(|side| (format!("eyes/{side}-eye-{name}"), w.abs()))
    };
    SHAPES.into_iter().flat_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Identity;

    #[test]
    fn usual_people_are_as_ever() {
        let (a, b) = (Identity::of(Variety::Usual, 7), Identity::random(7));
        assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }

    #[test]
    fn other_eyes_are_none_that_are_learned_from() {
        let all = |variety| {
            let style = move |seed| EyeStyle::of(variety, seed);
            (0..500).map(style).collect::<Vec<_>>()
        };
        let (wide, murky, other) = (all(Variety::Wide), all(Variety::Murky), all(Variety::Other));
        let learned = [wide.clone(), murky.clone(), all(Variety::SkinDeep)].concat();
        type Of = fn(&EyeStyle) -> f32;
        let each: [Of; 6] = [
            |s| s.white,
            |s| s.shade,
            |s| s.gloss,
            |s| s.lashes,
            |s| s.line,
            |s| s.crease,
        ];
        for (k, of) in each.into_iter().enumerate() {
            let span = |all: &[EyeStyle]| {
                let each = || all.iter().map(of);
                (each().fold(9.0, f32::min), each().fold(0.0, f32::max))
            };
            let ((a, b), (c, d)) = (span(&learned), span(&other));
            assert!(d < a || b < c, "{k}: {a}..{b} meets {c}..{d}");
        }
        // Murky ones are the dullest of them.
        let dull = |s: &EyeStyle| s.white < 0.8 && s.shade > 1.3 && s.lashes > 1.2;
        assert!(murky.iter().all(dull));
        // Under their skins some are like anybody.
        let who = |variety| Identity::of(variety, 5);
        let (usual, skin) = (who(Variety::Usual), who(Variety::SkinDeep));
        assert_ne!(usual.eyes, skin.eyes);
        assert_eq!(skin.eyes.follow, usual.eyes.follow);
        assert_eq!(
            format!("{:?}", skin.details),
            format!("{:?}", usual.details)
        );
        assert_eq!(skin.upper_lid_mm, usual.upper_lid_mm);
        // And the wide reach to both sides of the usual.
        assert!(wide.iter().any(|s| s.white < 0.7) && wide.iter().any(|s| s.white > 1.05));
        assert_ne!(
            EyeStyle::of(Variety::Wide, 1),
            EyeStyle::of(Variety::Wide, 2)
        );
    }
}
