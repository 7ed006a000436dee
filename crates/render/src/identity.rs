//! Who a synthetic person is: shape, skin, hair and eyes.

use crate::body::complexion::tone;
use crate::glasses::GlassesStyle;
use crate::hair::style::{Cut, Style};
use crate::maths::{Rng, V3, smoothstep, v3};
use crate::variety::{EyeStyle, Variety, lids_at_rest, shapes};

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
    /// How the hair is worn.
    pub style: Style,
    /// Linear colour of the iris, outside and around the pupil.
    pub iris: [V3; 2],
    /// How their eyes differ from the usual picture of eyes.
    pub eyes: EyeStyle,
    /// Radius of the pupil in a bright room, in mm, as it is behind the cornea.
    pub pupil_mm: f32,
    /// From the optical to the visual axis, in degrees: towards the nose, and up (the axes
    /// leave the eye so because the fovea lies to the temple of the pole and below it).
    pub kappa: [f64; 2],
    /// Linear colour of the shirt.
    pub shirt: V3,
    /// Glasses, if any are worn.
    pub glasses: Option<GlassesStyle>,
}

/// Pairs of opposite shape targets, and a deviation of their weights (held within ±0.55) that keeps a
/// face human; `?` stands for `l` and `r`, which move together.
const DETAILS: &[(&str, &str, f32)] = &[
    (
        "nose/nose-scale-horiz-decr",
        "nose/nose-scale-horiz-incr",
        0.30,
    ),
    (
        "nose/nose-scale-vert-decr",
        "nose/nose-scale-vert-incr",
        0.25,
    ),
    (
        "nose/nose-scale-depth-decr",
        "nose/nose-scale-depth-incr",
        0.22,
    ),
    ("nose/nose-hump-decr", "nose/nose-hump-incr", 0.32),
    ("nose/nose-curve-concave", "nose/nose-curve-convex", 0.22),
    ("nose/nose-point-down", "nose/nose-point-up", 0.20),
    (
        "nose/nose-point-width-decr",
        "nose/nose-point-width-incr",
        0.35,
    ),
    ("nose/nose-flaring-decr", "nose/nose-flaring-incr", 0.28),
    ("nose/nose-width2-decr", "nose/nose-width2-incr", 0.30),
    (
        "mouth/mouth-scale-horiz-decr",
        "mouth/mouth-scale-horiz-incr",
        0.27,
    ),
    (
        "mouth/mouth-lowerlip-volume-decr",
        "mouth/mouth-lowerlip-volume-incr",
        0.30,
    ),
    (
        "mouth/mouth-upperlip-volume-decr",
        "mouth/mouth-upperlip-volume-incr",
        0.32,
    ),
    (
        "mouth/mouth-cupidsbow-decr",
        "mouth/mouth-cupidsbow-incr",
        0.28,
    ),
    ("mouth/mouth-trans-down", "mouth/mouth-trans-up", 0.20),
    ("chin/chin-height-decr", "chin/chin-height-incr", 0.22),
    ("chin/chin-width-decr", "chin/chin-width-incr", 0.28),
    ("chin/chin-prominent-decr", "chin/chin-prominent-incr", 0.25),
    ("chin/chin-bones-decr", "chin/chin-bones-incr", 0.25),
    ("cheek/?-cheek-bones-decr", "cheek/?-cheek-bones-incr", 0.30),
    (
        "cheek/?-cheek-volume-decr",
        "cheek/?-cheek-volume-incr",
        0.30,
    ),
    ("cheek/?-cheek-inner-decr", "cheek/?-cheek-inner-incr", 0.25),
    (
        "forehead/forehead-scale-vert-decr",
        "forehead/forehead-scale-vert-incr",
        0.18,
    ),
    (
        "forehead/forehead-temple-decr",
        "forehead/forehead-temple-incr",
        0.28,
    ),
    ("head/head-fat-decr", "head/head-fat-incr", 0.28),
    (
        "head/head-scale-horiz-decr",
        "head/head-scale-horiz-incr",
        0.16,
    ),
    (
        "head/head-scale-vert-decr",
        "head/head-scale-vert-incr",
        0.12,
    ),
    ("head/head-oval", "head/head-square", 0.24),
    ("head/head-round", "head/head-rectangular", 0.20),
    ("head/head-triangular", "head/head-invertedtriangular", 0.25),
    ("eyes/?-eye-eyefold-down", "eyes/?-eye-eyefold-up", 0.28),
    ("eyes/?-eye-corner1-down", "eyes/?-eye-corner1-up", 0.28),
    ("eyes/?-eye-bag-decr", "eyes/?-eye-bag-incr", 0.30),
    (
        "eyebrows/eyebrows-trans-down",
        "eyebrows/eyebrows-trans-up",
        0.25,
    ),
    (
        "eyebrows/eyebrows-angle-down",
        "eyebrows/eyebrows-angle-up",
        0.15,
    ),
    ("ears/?-ear-scale-decr", "ears/?-ear-scale-incr", 0.30),
    ("ears/?-ear-wing-decr", "ears/?-ear-wing-incr", 0.30),
    (
        "neck/measure-neck-circ-decr",
        "neck/measure-neck-circ-incr",
        0.35,
    ),
    ("asym/asym-brown-1-l", "asym/asym-brown-1-r", 0.22),
    ("asym/asym-mouth-1-l", "asym/asym-mouth-1-r", 0.28),
    ("asym/asym-nose-2-l", "asym/asym-nose-2-r", 0.28),
    ("asym/asym-jaw-1-l", "asym/asym-jaw-1-r", 0.25),
    ("asym/asym-cheek-1-l", "asym/asym-cheek-1-r", 0.25),
    ("asym/asym-ear-1-l", "asym/asym-ear-1-r", 0.30),
];

/// Share of people who wear glasses.
const WEARERS: f32 = 0.35;
/// Shape details of a person, and the expression the face rests in.
fn details(r: &mut Rng, male: f32, age: f32) -> Vec<(String, f32)> {
    let mut all = Vec::new();
    let soft = 1.0 - male;
    // Women's jaws are narrower, their noses smaller, their lips fuller, on average.
    let lean = |less: &str| match less {
        "chin/chin-width-decr" | "chin/chin-bones-decr" => -0.18,
        "head/head-oval" => -0.22,
        "head/head-triangular" => 0.12,
        "nose/nose-scale-vert-decr" | "nose/nose-scale-horiz-decr" => -0.16,
        "chin/chin-height-decr" => -0.12,
        "eyebrows/eyebrows-trans-down" => 0.12,
        "nose/nose-hump-decr" | "neck/measure-neck-circ-decr" => -0.2,
        "mouth/mouth-upperlip-volume-decr" | "mouth/mouth-lowerlip-volume-decr" => 0.12,
        _ => 0.0,
    };
    for (less, more, deviation) in DETAILS {
        let w = r.normal() * deviation + soft * lean(less);
        let w = w.clamp(-0.55, 0.55);
        let name = if w < 0.0 { less } else { more };
        for side in ["l", "r"] {
            all.push((name.replace('?', side), w.abs()));
            if !name.contains('?') {
                break;
            }
        }
    }
    // A neutral mesh looks sullen; people at rest mostly do not.
    let smile = r.range(-0.04, 0.42);
    let press = r.unit() * r.unit() * 0.35;
    let brow = r.range(-0.20, 0.22);
    let unit = |name: &str, w: f32| ("unit/".to_owned() + name, w);
    for side in ["Left", "Right"] {
        let mouth = if smile > 0.0 {
            "mouthSmile"
        } else {
            "mouthFrown"
        };
        all.push(unit(
            &(mouth.to_owned() + side),
            smile.abs() * r.range(0.75, 1.0),
        ));
        all.push(unit(&("mouthPress".to_owned() + side), press));
        let name = if brow > 0.0 {
            "browDown"
        } else {
            "browOuterUp"
        };
        all.push(unit(
            &(name.to_owned() + side),
            brow.abs() * r.range(0.7, 1.0),
        ));
    }
    all.push(("mouth/mouth-laugh-lines-in".to_owned(), 0.5 * age));
    all
}

/// A natural colour of hair: the darker the family, the rarer the light ones.
fn hair_colour(r: &mut Rng, dark: f32) -> V3 {
    const COLOURS: [V3; 7] = [
        v3(0.010, 0.008, 0.007),
        v3(0.022, 0.014, 0.010),
        v3(0.045, 0.026, 0.015),
        v3(0.085, 0.050, 0.027),
        v3(0.160, 0.100, 0.052),
        v3(0.300, 0.205, 0.110),
        v3(0.190, 0.060, 0.020),
    ];
    let light = r.unit() * (1.0 - smoothstep(0.15, 0.5, dark));
    let f = light * 5.0;
    if light > 0.2 && r.unit() < 0.08 {
        return COLOURS[6] * r.range(0.6, 1.2);
    }
    let i = (f as usize).min(4);
    COLOURS[i].mix(COLOURS[i + 1], f - i as f32) * r.range(0.85, 1.15)
}

/// What people wear: mostly black, navy, grey, white, sometimes a colour.
fn shirt_colour(r: &mut Rng) -> V3 {
    let grey = r.range(0.0, 1.0);
    let (base, strength) = match r.unit() {
        u if u < 0.20 => (V3::splat(0.018 + 0.02 * grey), 0.004),
        u if u < 0.36 => (v3(0.018, 0.027, 0.060) * (1.0 + grey), 0.01),
        u if u < 0.50 => (V3::splat(0.08 + 0.22 * grey), 0.02),
        u if u < 0.64 => (v3(0.66, 0.65, 0.62), 0.06),
        u if u < 0.72 => (v3(0.10, 0.11, 0.06), 0.04),
        _ => (v3(0.16, 0.13, 0.14), 0.16),
    };
    let tint = v3(r.range(-1.0, 1.0), r.range(-1.0, 0.8), r.range(-1.0, 1.0)) * strength;
    let c = base + tint;
    v3(c.x.max(0.012), c.y.max(0.012), c.z.max(0.012))
}

impl Identity {
    /// A person of this seed and variety: as [`Identity::random`], with other eyes.
    pub fn of(variety: Variety, seed: u64) -> Identity {
        let mut usual = Identity::random(seed);
        usual.details.extend(shapes(variety, seed));
        let at_rest = [usual.upper_lid_mm, usual.lower_lid_mm];
        let [upper_lid_mm, lower_lid_mm] = lids_at_rest(variety, seed, at_rest);
        Identity {
            upper_lid_mm,
            lower_lid_mm,
            eyes: EyeStyle::of(variety, seed),
            ..usual
        }
    }

    /// A person of this seed.
    pub fn random(seed: u64) -> Identity {
        let mut r = Rng::new(seed);
        let male = if r.unit() < 0.5 {
            r.range(0.0, 0.15)
        } else {
            r.range(0.85, 1.0)
        };
        let mut family = [r.unit(), r.unit(), r.unit()].map(|u| u * u * u * u + 0.01);
        let sum: f32 = family.iter().sum();
        family = family.map(|f| f / sum);
        let age = if r.unit() < 0.6 {
            r.range(0.0, 0.25)
        } else {
            r.range(0.25, 0.95)
        };
        let dark = (family[0] * 0.82 + family[1] * 0.28 + r.normal() * 0.09).clamp(0.0, 1.0);
        let warm = family[1] * 0.7 + r.normal() * 0.35;
        Identity {
            seed,
            male,
            age,
            style: Style::random(seed, male, age, family),
            family,
            weight: (r.normal() * 0.42 + 0.1).clamp(-0.85, 0.75),
            details: details(&mut r, male, age),
            scale: r.range(1.03, 1.11),
            upper_lid_mm: r.range(3.9, 4.9),
            lower_lid_mm: r.range(5.0, 5.7),
            skin: tone(dark, warm),
            hair: hair_colour(&mut r, dark),
            iris: crate::eye::iris::colours(&mut r, dark),
            eyes: EyeStyle::default(),
            pupil_mm: (1.85 + 0.27 * r.normal()).clamp(1.3, 2.5),
            kappa: crate::eye::eyeball::kappa(&mut r),
            glasses: (Rng::new(seed ^ 0x61a5).unit() < WEARERS).then(|| GlassesStyle::random(seed)),
            shirt: shirt_colour(&mut r),
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
            style: Style::of(Cut::Short, false, &mut Rng::new(20)),
            iris: [v3(0.060, 0.088, 0.092), v3(0.135, 0.100, 0.050)],
            eyes: EyeStyle::default(),
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
}
