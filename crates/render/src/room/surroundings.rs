//! The room around a face, as skin and as a mirror sees it.

use std::f32::consts::PI;

use crate::maths::{V3, mix, sin_cos, smoothstep, v3};

/// Undirected light by the normal it falls on: a quadratic form, which holds 99 % of what
/// a matt surface can tell of its surroundings (Ramamoorthi and Hanrahan 2001).
#[derive(Debug, Clone, Copy, Default)]
pub struct Fill {
    flat: V3,
    slope: [V3; 3],
    /// xx, yy, zz, xy, xz, yz.
    square: [V3; 6],
}

impl Fill {
    /// Adds a far light of this colour and strength.
    pub fn add(&mut self, towards: V3, colour: V3) {
        // max(cos, 0) ≈ 1/4 + cos/2 + 5/32·(3·cos² − 1), the first three Legendre terms.
        let d = towards;
        self.flat += colour * (0.25 - 5.0 / 32.0);
        for (s, x) in self.slope.iter_mut().zip([d.x, d.y, d.z]) {
            *s += colour * (0.5 * x);
        }
        let pairs = [d.x * d.x, d.y * d.y, d.z * d.z];
        let mixed = [2.0 * d.x * d.y, 2.0 * d.x * d.z, 2.0 * d.y * d.z];
        for (s, x) in self.square.iter_mut().zip(pairs.into_iter().chain(mixed)) {
            *s += colour * (15.0 / 32.0 * x);
        }
    }

    /// Adds surroundings given by their radiance in each direction.
    pub fn surround(&mut self, radiance: impl Fn(V3) -> V3) {
        let n = 240;
        for k in 0..n {
            // Directions spread evenly by the golden angle.
            let y = 1.0 - 2.0 * (k as f32 + 0.5) / n as f32;
            let (s, c) = sin_cos(f64::from(k) * 137.507_764);
            let r = (1.0 - y * y).sqrt();
            let d = v3(r * c as f32, y, r * s as f32);
            self.add(d, radiance(d) * (4.0 / n as f32));
        }
    }

    /// Light on a surface with this normal.
    #[inline]
    pub fn on(&self, n: V3) -> V3 {
        let s = &self.square;
        let x = self.slope[0] + s[0] * n.x + s[3] * n.y + s[4] * n.z;
        let y = self.slope[1] + s[1] * n.y + s[5] * n.z;
        let z = self.slope[2] + s[2] * n.z;
        let sum = self.flat + x * n.x + y * n.y + z * n.z;
        v3(sum.x.max(0.0), sum.y.max(0.0), sum.z.max(0.0))
    }
}

/// Ceiling, walls and floor: radiance that changes slowly.
#[derive(Debug, Clone, Copy)]
pub struct Shell {
    /// Radiance of the ceiling.
    pub above: V3,
    /// Of the walls.
    pub beside: V3,
    /// Of floor and table.
    pub below: V3,
    /// Towards the brighter walls: a direction times how much brighter they are, below 1.
    pub lean: V3,
}

impl Shell {
    /// What is seen in a direction.
    #[inline]
    pub fn seen(&self, d: V3) -> V3 {
        let wall = self.beside * (1.0 + d.dot(self.lean));
        // The ceiling begins 25° up, the table 15° down.
        let up = smoothstep(-0.34, -0.50, d.y);
        let down = smoothstep(0.18, 0.38, d.y);
        wall.mix(self.above, up).mix(self.below, down)
    }
}

/// What a lamp looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// A window of panes across and down; its lower part shows darker ground.
    Panes(f32, f32),
    /// A round lamp.
    Disc,
    /// A panel or tube.
    Panel,
}

/// A bright rectangle or ellipse of directions.
#[derive(Debug, Clone, Copy)]
pub struct Lamp {
    towards: V3,
    across: V3,
    along: V3,
    /// Tangents of half the width and height.
    half: [f32; 2],
    /// Cosine of the angle beyond which nothing of it is seen.
    reach: f32,
    radiance: V3,
    shape: Shape,
}

impl Lamp {
    /// A lamp of strength `colour` (irradiance / π) in a direction.
    pub fn new(towards: V3, half: [f32; 2], colour: V3, shape: Shape) -> Lamp {
        let across = v3(0.0, 1.0, 0.0).cross(towards).unit();
        let along = towards.cross(across);
        let [a, b] = half;
        let fills = if shape == Shape::Disc { PI } else { 4.0 };
        let c = 1.0 / (1.0 + a * a + b * b).sqrt();
        // Solid angle, exact for small ones.
        let angle = fills * a * b * c;
        Lamp {
            towards,
            across,
            along,
            half,
            reach: 0.96 * c,
            radiance: colour * (PI / angle.max(1e-4)),
            shape,
        }
    }

    /// Radiance in a direction.
    #[inline]
    pub fn seen(&self, d: V3) -> V3 {
        let facing = d.dot(self.towards);
        if facing < self.reach {
            return V3::ZERO;
        }
        let u = d.dot(self.across) / (facing * self.half[0]);
        let v = d.dot(self.along) / (facing * self.half[1]);
        // Edges as wide as a cornea's tears blur them.
        let box_edge = smoothstep(1.06, 0.94, u.abs()) * smoothstep(1.06, 0.94, v.abs());
        match self.shape {
            Shape::Panes(nu, nv) => {
                let bar = |x: f32, n: f32| {
                    let x = (x * 0.5 + 0.5) * n;
                    let to_bar = (x - (x + 0.5) as i32 as f32).abs() / n;
                    smoothstep(0.02, 0.055, to_bar)
                };
                let bars = bar(u, nu).max(bar_less(u)) * bar(v, nv).max(bar_less(v));
                self.radiance * (box_edge * bars * mix(1.25, 0.7, smoothstep(0.1, 0.7, v)))
            }
            Shape::Disc => self.radiance * smoothstep(1.12, 0.88, u * u + v * v),
            Shape::Panel => self.radiance * box_edge,
        }
    }
}

/// 1 at the frame, where the edge is drawn already.
fn bar_less(x: f32) -> f32 {
    if x.abs() > 0.9 { 1.0 } else { 0.0 }
}
