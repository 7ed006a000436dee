//! Who a synthetic person is: shape, skin, hair and eyes.

use crate::glasses::GlassesStyle;
use crate::maths::{Rng, V3, mix, v3};

/// Everything that stays the same about a person.
#[derive(Debug, Clone)]
pub struct Identity {
    /// For noise that belongs to this person.
    pub seed: u64,
    /// 0 a woman, 1 a man, and anything between.
    pub male: f32,
    /// 0 young, 1 old.
    pub age: f32,
    /// Shares of the three shape families `african`, `asian`, `caucasian`; they add up to 1.
    pub family: [f32; 3],
    /// −1 thin, 0 average, 1 heavy.
    pub weight: f32,
    /// Shape targets beyond these, by name, with weights.
    pub details: Vec<(String, f32)>,
    /// Size against the asset's own (whose eyes stand 58.6 mm apart).
    pub scale: f32,
    /// How far above the pupil the upper lid's edge rests, looking straight ahead, in mm.
    pub upper_lid_mm: f32,
    /// How far below the pupil the lower lid's edge rests, in mm.
    pub lower_lid_mm: f32,
    /// Linear reflectance of the skin.
    pub skin: V3,
    /// Linear colour of the hair.
    pub hair: V3,
    /// Linear colour of the iris, outside and around the pupil.
    pub iris: [V3; 2],
    /// Radius of the pupil, in mm, as it is behind the cornea.
    pub pupil_mm: f32,
    /// From the optical to the visual axis, in degrees: towards the nose, and up.
    pub kappa: [f64; 2],
    /// Linear colour of the shirt.
    pub shirt: V3,
    /// Glasses, if any are worn.
    pub glasses: Option<GlassesStyle>,
}

/// Pairs of opposite shape targets that keep a face human up to about ±0.5;
/// `?` stands for `l` and `r`, which move together.
const DETAILS: &[(&str, &str)] = &[
    ("nose/nose-scale-horiz-decr", "nose/nose-scale-horiz-incr"),
    ("nose/nose-scale-vert-decr", "nose/nose-scale-vert-incr"),
    ("nose/nose-hump-decr", "nose/nose-hump-incr"),
    ("nose/nose-point-down", "nose/nose-point-up"),
    (
        "mouth/mouth-scale-horiz-decr",
        "mouth/mouth-scale-horiz-incr",
    ),
    (
        "mouth/mouth-lowerlip-volume-decr",
        "mouth/mouth-lowerlip-volume-incr",
    ),
    ("mouth/mouth-trans-down", "mouth/mouth-trans-up"),
    ("chin/chin-height-decr", "chin/chin-height-incr"),
    ("chin/chin-width-decr", "chin/chin-width-incr"),
    ("chin/chin-prominent-decr", "chin/chin-prominent-incr"),
    ("cheek/?-cheek-bones-decr", "cheek/?-cheek-bones-incr"),
    ("cheek/?-cheek-volume-decr", "cheek/?-cheek-volume-incr"),
    (
        "forehead/forehead-scale-vert-decr",
        "forehead/forehead-scale-vert-incr",
    ),
    ("head/head-fat-decr", "head/head-fat-incr"),
    ("eyes/?-eye-eyefold-down", "eyes/?-eye-eyefold-up"),
    ("eyes/?-eye-corner1-down", "eyes/?-eye-corner1-up"),
    ("eyebrows/eyebrows-trans-down", "eyebrows/eyebrows-trans-up"),
    ("head/head-oval", "head/head-square"),
];

/// Share of people who wear glasses.
const WEARERS: f32 = 0.35;

impl Identity {
    /// A person of this seed.
    pub fn random(seed: u64) -> Identity {
        let mut r = Rng::new(seed);
        let male = if r.unit() < 0.5 {
            r.range(0.0, 0.2)
        } else {
            r.range(0.8, 1.0)
        };
        let mut family = [r.unit(), r.unit(), r.unit()].map(|u| u * u * u + 0.02);
        let sum: f32 = family.iter().sum();
        family = family.map(|f| f / sum);
        let mut details = Vec::new();
        for (less, more) in DETAILS {
            let w = (r.normal() * 0.25).clamp(-0.5, 0.5);
            let name = if w < 0.0 { less } else { more };
            for side in ["l", "r"] {
                details.push((name.replace('?', side), w.abs()));
                if !name.contains('?') {
                    break;
                }
            }
        }
        let dark = (family[0] * 0.9 + family[1] * 0.35 + r.range(-0.12, 0.15)).clamp(0.0, 1.0);
        let iris = match (r.unit() * (1.0 + 3.0 * dark)) as u32 {
            0 if r.unit() < 0.5 => [v3(0.065, 0.10, 0.125), v3(0.16, 0.14, 0.08)],
            0 => [v3(0.070, 0.085, 0.045), v3(0.15, 0.09, 0.03)],
            _ => [v3(0.055, 0.025, 0.010), v3(0.12, 0.055, 0.018)],
        };
        Identity {
            seed,
            male,
            age: r.unit() * r.unit(),
            family,
            weight: r.range(-0.5, 0.6),
            details,
            scale: r.range(1.03, 1.11),
            upper_lid_mm: r.range(3.9, 4.9),
            lower_lid_mm: r.range(5.0, 5.7),
            skin: v3(0.56, 0.335, 0.245).mix(v3(0.105, 0.05, 0.03), dark),
            hair: v3(0.012, 0.008, 0.006).mix(v3(0.16, 0.09, 0.045), r.unit() * (1.0 - dark)),
            iris,
            pupil_mm: r.range(1.4, 2.3),
            kappa: [f64::from(r.range(2.5, 6.0)), f64::from(r.range(-1.0, 2.0))],
            shirt: v3(r.range(0.02, 0.5), r.range(0.02, 0.45), r.range(0.03, 0.5)),
            glasses: (Rng::new(seed ^ 0x61a5).unit() < WEARERS).then(|| GlassesStyle::random(seed)),
        }
    }

    /// The person of the bundled demo clip.
    pub fn demo() -> Identity {
        let pair =
            |name: &str, w: f32| ["l", "r"].map(|side| (name.replace('?', side), w)).to_vec();
        let mut details = vec![
            ("nose/nose-scale-vert-incr".to_owned(), 0.2),
            ("nose/nose-point-width-decr".to_owned(), 0.2),
            ("chin/chin-height-incr".to_owned(), 0.15),
            ("head/head-oval".to_owned(), 0.3),
            ("asym/asym-nose-2-l".to_owned(), 0.25),
            ("asym/asym-mouth-1-r".to_owned(), 0.3),
            ("asym/asym-brown-1-l".to_owned(), 0.35),
            ("mouth/mouth-angles-up".to_owned(), 0.2),
        ];
        details.extend(pair("cheek/?-cheek-bones-incr", 0.3));
        Identity {
            seed: 20,
            male: 0.72,
            age: 0.12,
            family: [0.08, 0.12, 0.8],
            weight: -0.1,
            details,
            scale: 1.07,
            upper_lid_mm: 4.1,
            lower_lid_mm: 5.4,
            skin: v3(0.54, 0.32, 0.232),
            hair: v3(0.035, 0.020, 0.011),
            iris: [v3(0.060, 0.088, 0.092), v3(0.135, 0.100, 0.050)],
            pupil_mm: 1.85,
            kappa: [4.0, 0.0],
            shirt: v3(0.055, 0.09, 0.16),
            glasses: None,
        }
    }

    /// The macro shape targets and their weights.
    pub(crate) fn macros(&self) -> Vec<(String, f32)> {
        let mut all = Vec::new();
        let levels = [
            ("min", (-self.weight).max(0.0)),
            ("average", 1.0 - self.weight.abs()),
            ("max", self.weight.max(0.0)),
        ];
        for (gender, g) in [("female", 1.0 - self.male), ("male", self.male)] {
            for (age, a) in [("young", 1.0 - self.age), ("old", self.age)] {
                for (name, f) in ["african", "asian", "caucasian"].iter().zip(self.family) {
                    all.push((format!("macro/{name}-{gender}-{age}"), g * a * f));
                }
                for (level, w) in levels {
                    let name =
                        format!("macro/universal-{gender}-{age}-averagemuscle-{level}weight");
                    all.push((name, g * a * w));
                }
            }
        }
        all
    }

    /// The mean adult, for coordinates that mean the same place on every head.
    pub(crate) fn reference() -> Identity {
        Identity {
            male: 0.5,
            age: 0.0,
            family: [0.0, 0.0, 1.0],
            weight: 0.0,
            details: Vec::new(),
            scale: 1.0,
            ..Identity::demo()
        }
    }

    /// How greasy the skin shines, 0..1.
    pub(crate) fn sheen(&self) -> f32 {
        mix(0.35, 0.6, Rng::new(self.seed ^ 0x5ea1).unit())
    }
}
