//! Glasses: a style by seed, fitted to a head as a mesh of the frame and two curved lenses.
//!
//! The frame goes through the z-buffer and the shadow map like the body (`draw.rs`); the lenses
//! let through what is behind them and mirror the room. They do not bend what is seen through
//! them (a lens of −4 dioptres would show the eye some 6 % smaller), so that the truth is the
//! same with glasses and without.

pub(crate) mod draw;
mod fit;
mod frame;
mod mesh;
mod outline;

pub use fit::Lens;

use crate::maths::{Rng, V3, v3};

/// The shape of a lens, seen from the front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nearly a circle.
    Round,
    /// Wider than high, without corners.
    Oval,
    /// Low, with rounded corners.
    Rectangle,
    /// Higher, wider at the top than below.
    Trapeze,
    /// A drop that reaches down to the cheek, under a flat brow.
    Aviator,
}

/// How much of a lens the frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rim {
    /// All around.
    Full,
    /// Along the brow; a thread holds the rest.
    Half,
    /// Nothing: bridge and arms are screwed to the lenses.
    Rimless,
}

/// What the frame is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Material {
    /// Polished acetate of a linear colour; the second one flecks it (tortoise).
    Plastic(V3, V3),
    /// Wire of a linear reflectance.
    Metal(V3),
}

/// Which glasses somebody wears. Sizes as opticians box a lens, in mm.
#[derive(Debug, Clone, PartialEq)]
pub struct GlassesStyle {
    /// Shape of the lenses.
    pub shape: Shape,
    /// How they are held.
    pub rim: Rim,
    /// What the frame is made of.
    pub material: Material,
    /// Width of a lens, mm, on a head of middle size.
    pub width_mm: f32,
    /// Height of a lens, mm.
    pub height_mm: f32,
    /// How far the lens's middle lies below the eye's, mm.
    pub drop_mm: f32,
    /// Width of the rim as seen from the front, mm.
    pub rim_mm: f32,
    /// How far the lower edge is turned towards the cheek (pantoscopic tilt), degrees.
    pub tilt_deg: f32,
    /// How far each lens is turned out to the temple, degrees.
    pub wrap_deg: f32,
    /// Radius of a lens's front, mm.
    pub base_mm: f32,
    /// Power, dioptres: it shapes the lens's back and with it the second reflection.
    pub power: f32,
    /// Share of an uncoated lens's reflection that its coating leaves, by colour; 1 without one.
    pub coating: V3,
    /// Share of the light that the glass lets through, by colour.
    pub tint: V3,
}

impl GlassesStyle {
    /// Glasses of this seed.
    pub fn random(seed: u64) -> GlassesStyle {
        let mut r = Rng::new(seed ^ 0x61a5_5e50);
        let rim = match r.unit() {
            u if u < 0.74 => Rim::Full,
            u if u < 0.89 => Rim::Half,
            _ => Rim::Rimless,
        };
        let plastic = match rim {
            Rim::Full => r.unit() < 0.66,
            Rim::Half => r.unit() < 0.3,
            Rim::Rimless => false,
        };
        let pick = r.unit();
        let shape = match (rim, plastic) {
            (Rim::Full, true) if pick < 0.36 => Shape::Rectangle,
            (Rim::Full, true) if pick < 0.68 => Shape::Trapeze,
            (Rim::Full, true) if pick < 0.86 => Shape::Round,
            (Rim::Full, false) if pick < 0.25 => Shape::Rectangle,
            (Rim::Full, false) if pick < 0.50 => Shape::Round,
            (Rim::Full, false) if pick < 0.74 => Shape::Aviator,
            (Rim::Full, _) => Shape::Oval,
            _ if pick < 0.65 => Shape::Rectangle,
            _ => Shape::Oval,
        };
        let (width, height) = match shape {
            Shape::Round => ((45.0, 49.0), (43.0, 46.0)),
            Shape::Oval => ((48.0, 53.0), (32.0, 38.0)),
            Shape::Rectangle => ((50.0, 55.0), (29.0, 36.0)),
            Shape::Trapeze => ((48.0, 53.0), (37.0, 42.0)),
            Shape::Aviator => ((53.0, 57.0), (43.0, 47.0)),
        };
        let material = if plastic {
            let (a, b) = PLASTICS[(r.unit() * PLASTICS.len() as f32) as usize];
            Material::Plastic(a, b)
        } else {
            Material::Metal(METALS[(r.unit() * METALS.len() as f32) as usize])
        };
        let coated = r.unit() < 0.7;
        let coating = match (r.unit() * 3.0) as u32 {
            _ if !coated => V3::splat(1.0),
            0 => v3(0.10, 0.24, 0.15),
            1 => v3(0.17, 0.12, 0.34),
            _ => v3(0.10, 0.16, 0.30),
        };
        let glass = if r.unit() < 0.06 {
            // Lightly tinted: brown, grey or rose.
            [
                v3(0.78, 0.68, 0.55),
                v3(0.68, 0.70, 0.72),
                v3(0.82, 0.68, 0.68),
            ][(r.unit() * 3.0) as usize]
        } else {
            V3::splat(if coated { 0.985 } else { 0.92 })
        };
        GlassesStyle {
            shape,
            rim,
            material,
            width_mm: r.range(width.0, width.1),
            height_mm: r.range(height.0, height.1),
            drop_mm: r.range(1.5, 4.5),
            rim_mm: if plastic {
                2.1 + 1.7 * r.unit() * r.unit()
            } else {
                r.range(1.0, 1.5)
            },
            tilt_deg: r.range(5.0, 11.0),
            wrap_deg: r.range(3.0, 7.0),
            base_mm: r.range(90.0, 120.0),
            power: r.range(-4.0, 2.0),
            coating,
            tint: glass,
        }
    }

    /// Whether bridge, arms and rims are plastic.
    pub(crate) fn plastic(&self) -> bool {
        matches!(self.material, Material::Plastic(..))
    }
}

/// Acetate: black thrice, tortoise twice, then brown, navy, wine and sand.
const PLASTICS: [(V3, V3); 9] = [
    (v3(0.006, 0.006, 0.007), v3(0.006, 0.006, 0.007)),
    (v3(0.010, 0.010, 0.010), v3(0.010, 0.010, 0.010)),
    (v3(0.022, 0.021, 0.020), v3(0.022, 0.021, 0.020)),
    (v3(0.012, 0.006, 0.004), v3(0.15, 0.052, 0.012)),
    (v3(0.030, 0.012, 0.005), v3(0.19, 0.085, 0.026)),
    (v3(0.055, 0.024, 0.012), v3(0.065, 0.028, 0.014)),
    (v3(0.007, 0.011, 0.028), v3(0.009, 0.014, 0.034)),
    (v3(0.045, 0.007, 0.010), v3(0.055, 0.010, 0.013)),
    (v3(0.13, 0.095, 0.07), v3(0.17, 0.12, 0.085)),
];

/// Gold, silver, gunmetal, black, copper.
const METALS: [V3; 5] = [
    v3(0.78, 0.56, 0.26),
    v3(0.72, 0.72, 0.72),
    v3(0.20, 0.20, 0.21),
    v3(0.025, 0.025, 0.027),
    v3(0.66, 0.40, 0.28),
];

/// What a part of the frame is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Rims, bridge and arms.
    Frame,
    /// Pads on the nose of a metal frame.
    Pad,
    /// Sleeves over the ends of metal arms.
    Sleeve,
    /// Hinges of a plastic frame, screws.
    Steel,
}

/// Glasses as they sit on one head: the head's frame, mm.
#[derive(Debug, Clone)]
pub struct Glasses {
    /// What they are.
    pub style: GlassesStyle,
    /// The lenses, in the image's order.
    pub lenses: [Lens; 2],
    /// From the lens's back to the top of the cornea, mm.
    pub vertex_mm: f32,
    /// Corners of the frame's triangles.
    pub positions: Vec<V3>,
    /// Triangles of the frame, outer side as the body's.
    pub triangles: Vec<[u32; 3]>,
    normals: Vec<V3>,
    /// Colour of clear pads: the skin shines through.
    pads: V3,
    parts: Vec<Part>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::head::{Expression, Head, Posed};
    use crate::body::template::Template;
    use crate::camera::Camera;
    use crate::identity::Identity;
    use crate::person::Person;
    use crate::room::Room;
    use crate::scene::{Moment, Picture, Scene};
    use crate::sensor::Sensor;
    use crate::shadow::ShadowMap;
    use crate::truth::{Pose, Truth};
    use gaze::screen::Screen;
    use nalgebra::{Point2, Vector3};
    use std::sync::Arc;

    fn worn(seed: u64) -> (Head, Posed, Glasses) {
        let head = Head::new(Identity::random(seed));
        let mut rest = Posed::default();
        head.pose(&Expression::default(), [0.0; 3], V3::ZERO, &mut rest);
        let glasses = Glasses::fit(GlassesStyle::random(seed), &head, &rest);
        (head, rest, glasses)
    }

    #[test]
    fn lenses_stand_before_the_eyes_and_nothing_cuts_into_the_face() {
        let mut shadow = ShadowMap::default();
        for seed in 1..=50 {
            let (head, rest, glasses) = worn(seed);
            assert!(
                (11.0..=15.5).contains(&glasses.vertex_mm),
                "person {seed}: lenses {} mm before the cornea",
                glasses.vertex_mm
            );
            for (lens, eye) in glasses.lenses.iter().zip(head.eye_centres) {
                let off = lens.centre - eye;
                assert!(off.x.abs() < 5.0, "person {seed}: {off:?}");
                assert!((-1.0..9.0).contains(&off.y), "person {seed}: {off:?}");
            }
            // Seen from far in front, no part of the frame's front lies behind skin.
            shadow.begin(v3(0.0, 0.0, -1.0), V3::ZERO, 200.0, 600);
            shadow.add(&Template::bundled().triangles, &rest.positions);
            let front = glasses.lenses[0].centre.z + 9.0;
            // Pads touch the nose; all else keeps off.
            let hidden = (glasses.triangles.iter().zip(&glasses.parts))
                .filter(|(_, part)| **part != Part::Pad)
                .flat_map(|(t, _)| t.map(|i| glasses.positions[i as usize]))
                .filter(|p| p.z < front && !shadow.reaches(*p, 0.1))
                .count();
            assert_eq!(hidden, 0, "person {seed}: {:?}", glasses.style);
        }
    }

    /// A near picture of somebody with these glasses or without.
    fn photo(glasses: Option<GlassesStyle>) -> (Picture, Truth) {
        let who = Identity {
            glasses,
            ..Identity::demo()
        };
        let mut camera = Camera::from_fov(320, 240, 60.0, 0.0);
        camera.intrinsics.fx *= 3.0;
        camera.intrinsics.fy *= 3.0;
        let room = Room::demo(&Screen::default(), 320, 240);
        let people = vec![Arc::new(Person::new(who))];
        let mut scene = Scene::new(camera, room, Sensor::default(), people);
        let pose = Pose {
            target: Screen::default().point_mm(Point2::new(0.3, 0.6)),
            head: [4.0, -3.0, 2.0],
            place: Vector3::new(0.0, 0.0, 560.0),
            shut: 0.0,
            units: Vec::new(),
        };
        let moment = Moment {
            poses: vec![pose],
            ..Moment::default()
        };
        let mut picture = Picture::default();
        let truth = scene.render(&moment, &mut picture).remove(0);
        (picture, truth)
    }

    #[test]
    fn glasses_change_the_picture_but_not_the_truth() {
        let style = GlassesStyle {
            coating: v3(0.10, 0.24, 0.15),
            tint: V3::splat(0.985),
            ..GlassesStyle::random(2)
        };
        let (bare, without) = photo(None);
        let (worn, with) = photo(Some(style.clone()));
        assert!(with.glasses && !without.glasses);
        assert_eq!(
            Truth {
                glasses: false,
                ..with.clone()
            },
            without
        );
        let differ = (worn.rgb.chunks(3).zip(bare.rgb.chunks(3)))
            .filter(|(a, b)| a[1].abs_diff(b[1]) > 12)
            .count();
        assert!(differ > 800, "{differ} pixels show glasses");
        // The pupil is seen through the glass, where it is without.
        for p in with.iris_px {
            let i = 3 * (p.y as usize * 320 + p.x as usize) + 1;
            let (a, b) = (worn.rgb[i], bare.rgb[i]);
            assert!(
                b < 70 && a.abs_diff(b) < 25,
                "{a} through glass, {b} without"
            );
            // And the eye around it is nearly as bright.
            let around = |of: &Picture| -> f32 {
                (-14..=14)
                    .map(|x| f32::from(of.rgb[(i as i32 + 3 * x) as usize]))
                    .sum()
            };
            let share = around(&worn) / around(&bare);
            assert!((0.8..1.2).contains(&share), "{share}");
        }
        assert!(photo(Some(style)).0 == worn, "same seed, same bytes");
    }

    #[test]
    fn every_shape_comes_and_the_mesh_is_closed_and_small() {
        let mut shapes = Vec::new();
        for seed in 1..=40 {
            let (_, _, glasses) = worn(seed);
            let style = &glasses.style;
            let kind = (style.shape, style.rim, style.plastic());
            if !shapes.contains(&kind) {
                shapes.push(kind);
            }
            let n = glasses.triangles.len();
            assert!((400..2600).contains(&n), "{n} triangles");
            // Each edge is run through once in each direction: no hole, no triangle turned over.
            let mut edges: Vec<(u32, u32)> = (glasses.triangles.iter())
                .flat_map(|t| [(t[0], t[1]), (t[1], t[2]), (t[2], t[0])])
                .collect();
            edges.sort_unstable();
            assert!(edges.windows(2).all(|w| w[0] != w[1]), "{kind:?}");
            assert!(
                edges
                    .iter()
                    .all(|e| edges.binary_search(&(e.1, e.0)).is_ok()),
                "{kind:?}"
            );
            // And its outside is outside: the volume is positive.
            let volume: f32 = (glasses.triangles.iter())
                .map(|t| t.map(|i| glasses.positions[i as usize]))
                .map(|[a, b, c]| a.dot(b.cross(c)) / 6.0)
                .sum();
            assert!(
                (300.0..12_000.0).contains(&volume),
                "{kind:?}: {volume} mm³"
            );
        }
        assert!(shapes.len() >= 8, "{shapes:?}");
    }
}
