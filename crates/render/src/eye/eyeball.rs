//! An eyeball by ray casting: sclera, bulging cornea, and the iris seen through it.
//!
//! Sizes are an average adult's (Atchison, *Schematic eyes*, 2017; Le Grand):
//! the centre stands for the centre of rotation, 13.2 mm behind the cornea.

use crate::eye::iris;
use crate::eye::socket::Around;
use crate::light::Lights;
use crate::maths::{M3, Rng, V3, fbm, mix, noise, smoothstep, v3};
use crate::variety::EyeStyle;

/// Radius of the sclera, mm.
pub const RADIUS: f32 = 12.0;
/// Radius of the cornea's front, mm.
pub const CORNEA: f32 = 7.8;
/// Radius of the limbus, where cornea and sclera meet, mm: the iris as seen is as wide.
pub const LIMBUS: f32 = 5.9;
/// How far before the eyeball's centre the limbus lies: √(12² − 5.9²).
pub const LIMBUS_DEPTH: f32 = 10.45;
/// How far before the centre the cornea's own centre lies: limbus − √(7.8² − 5.9²).
const CORNEA_CENTRE: f32 = 5.348;
/// How far before the centre the iris lies: 3.0 mm behind the cornea's top.
pub(crate) const IRIS_DEPTH: f32 = 10.15;
/// Refractive index of cornea and aqueous humour against air.
const INDEX: f32 = 1.336;

/// A person's kappa, degrees (see [`crate::identity::Identity::kappa`]): 5° towards the nose and
/// 1.5° up on average (Guestrin and Eizenman 2006); people differ by about 1.3° (Basmak et
/// al. 2007, Hashemi et al. 2010).
pub(crate) fn kappa(r: &mut Rng) -> [f64; 2] {
    let (across, up) = (5.0 + 1.3 * r.normal(), 1.5 + 0.8 * r.normal());
    [across.clamp(1.5, 8.5), up.clamp(-0.5, 3.5)].map(f64::from)
}

/// How far the cornea stands out of the sclera's sphere in a direction from the
/// eyeball's centre, mm. `cos`: of the angle to the optical axis.
pub fn bulge(cos: f32) -> f32 {
    let q = CORNEA * CORNEA - CORNEA_CENTRE * CORNEA_CENTRE * (1.0 - cos * cos);
    if cos <= 0.5 || q <= 0.0 {
        return 0.0;
    }
    (CORNEA_CENTRE * cos + q.sqrt() - RADIUS).max(0.0)
}

/// One eye at one moment, camera frame.
#[derive(Debug, Clone, Copy)]
pub struct Eyeball {
    /// Centre, mm.
    pub centre: V3,
    /// Axes: the third is the optical axis, outwards; the second is the head's down.
    pub axes: M3,
    /// Linear colours of the iris, outside and around the pupil.
    pub iris: [V3; 2],
    /// Radius of the pupil, mm.
    pub pupil: f32,
    /// +1 if the nose is at the image's right of this eye, −1 otherwise.
    pub nose: f32,
    /// For this person's texture.
    pub seed: f32,
    /// What differs from the usual.
    pub style: EyeStyle,
}

/// Where a ray meets the eyeball.
#[derive(Debug, Clone, Copy)]
pub struct Hit {
    /// Distance along the ray, in its own lengths.
    pub t: f32,
    point: V3,
    normal: V3,
    cornea: f32,
}

impl Eyeball {
    /// Axes for an optical axis and the head's downward direction.
    pub fn axes(optical: V3, down: V3) -> M3 {
        let x = down.cross(optical).unit();
        M3(x, optical.cross(x), optical)
    }

    /// First meeting of the ray from the camera along `d` with the eyeball.
    pub fn cast(&self, d: V3) -> Option<Hit> {
        let o = self.axes.apply_inverse(-self.centre);
        let d_eye = self.axes.apply_inverse(d);
        let sphere = |centre: f32, radius: f32| {
            let m = o - v3(0.0, 0.0, centre);
            let (a, b, c) = (d_eye.dot(d_eye), m.dot(d_eye), m.dot(m) - radius * radius);
            let q = b * b - a * c;
            (q >= 0.0).then(|| (-b - q.sqrt()) / a)
        };
        if let Some(t) = sphere(CORNEA_CENTRE, CORNEA) {
            let p = o + d_eye * t;
            if p.z > LIMBUS_DEPTH {
                let bulge = (p - v3(0.0, 0.0, CORNEA_CENTRE)).unit();
                let r = (p.x * p.x + p.y * p.y).sqrt();
                // Cornea and sclera meet in a soft valley, not in an edge.
                let inside = smoothstep(LIMBUS, LIMBUS - 1.0, r);
                let n = p.unit().mix(bulge, inside).unit();
                return Some(Hit {
                    t,
                    point: p,
                    normal: n,
                    cornea: inside.max(0.001),
                });
            }
        }
        let t = sphere(0.0, RADIUS)?;
        let p = o + d_eye * t;
        Some(Hit {
            t,
            point: p,
            normal: p.unit(),
            cornea: 0.0,
        })
    }

    /// Linear colour of a hit. `d`: the camera's ray; `around`: what the lids do there.
    pub(crate) fn shade(&self, hit: &Hit, d: V3, lights: &Lights, around: &Around) -> V3 {
        let n = self.axes.apply(hit.normal);
        let at = self.centre + self.axes.apply(hit.point);
        let view = d.unit();
        let light = |n: V3, wrap: f32| {
            let key = ((n.dot(lights.key) + wrap) / (1.0 + wrap)).max(0.0);
            let to_screen = (lights.screen - at).unit();
            let screen = n.dot(to_screen).max(0.0);
            lights.key_colour * (key * around.lit)
                + lights.ambient(n) * around.open
                + lights.screen_colour * (screen * mix(0.4, 1.0, around.open))
        };
        let r = (hit.point.x * hit.point.x + hit.point.y * hit.point.y).sqrt();
        // The limbus: sclera and iris blend over half a millimetre, half of each at its radius.
        let edge = smoothstep(LIMBUS + 0.28, LIMBUS - 0.28, r);
        let mut colour = V3::ZERO;
        if edge < 1.0 {
            colour = self.sclera(hit.point, around).times(light(n, 0.8));
        }
        if edge > 0.0 {
            let axis = self.axes.2;
            let iris = self
                .iris_behind(hit, view)
                .times(light(axis.mix(n, 0.3).unit(), 0.4));
            colour = colour.mix(iris, edge);
        }
        let mirror = view - n * (2.0 * view.dot(n));
        let grazing = 1.0 + view.dot(n).min(0.0);
        let g2 = grazing * grazing;
        let fresnel = 0.022 + 0.978 * g2 * g2 * grazing;
        // In the corners a grazing mirror would show lids and nose.
        let gloss = self.style.gloss
            * mix(0.5, 1.0, edge)
            * (1.0 - 0.9 * around.plica)
            * (1.0 - 0.6 * around.corner);
        // Lids and lashes hide most of what the eye could mirror from beside them.
        let seen =
            lights.reflected(at, mirror) * mix(0.3, 1.0, around.open) * mix(0.35, 1.0, around.lit);
        colour += seen * (fresnel * gloss);
        // The tears stand up along the lower lid and mirror what is above them.
        let tear = lights.reflected(at, (mirror + v3(0.0, -0.7, 0.0)).unit());
        colour + tear * (0.03 * around.wet * around.lit * (1.0 - 0.9 * around.plica))
    }

    fn sclera(&self, p: V3, around: &Around) -> V3 {
        let s = v3(self.seed, 0.0, 0.0);
        let tone = 0.5 + 0.5 * noise(v3(self.seed * 5.3, 2.5, 8.5));
        let white = v3(0.47, 0.437, 0.418).mix(v3(0.46, 0.413, 0.360), tone);
        let out = p.x.abs() / RADIUS;
        let corner = smoothstep(0.45, 1.0, out).max(around.corner);
        let from_iris = smoothstep(LIMBUS + 0.2, 9.0, (p.x * p.x + p.y * p.y).sqrt());
        // Veins: winding ridges of noise, thin and thinner, denser towards the corners.
        let bend = v3(
            noise(p * 0.35 + s),
            noise(p * 0.35 + s + v3(9.0, 0.0, 0.0)),
            0.0,
        ) * 1.3;
        let ridge = |q: V3, sharp: f32| (1.0 - noise(q).abs() * sharp).max(0.0);
        let few = smoothstep(
            0.0,
            0.5,
            noise(p * 0.22 + s + v3(0.0, 40.0, 0.0)) + 0.4 * corner,
        );
        let vein = ridge(p * 0.5 + s + bend, 11.0) * few
            + 0.5 * ridge(p * 1.3 + s + bend * 2.0, 7.0) * corner;
        let vein = vein * mix(0.10, 0.50, corner) * from_iris * (0.5 + tone);
        let white = white * self.style.white;
        let pink = v3(0.50, 0.31, 0.275) * self.style.white;
        let blush = 0.50 * corner + 0.06 * fbm(p * 0.3 + s, 2) + 0.12 * around.wet;
        let base = white.mix(pink, blush.clamp(0.0, 1.0));
        let base = base.mix(v3(0.46, 0.16, 0.13), (vein * 0.6).min(0.8));
        base.mix(v3(0.50, 0.255, 0.225), 0.75 * around.plica)
    }

    /// Where a camera ray, bent by the cornea, meets the plane of the iris: x, y from its
    /// middle, eye's axes, mm.
    pub(crate) fn on_iris(&self, hit: &Hit, view: V3) -> [f32; 2] {
        let v = self.axes.apply_inverse(view);
        let bulge = (hit.point - v3(0.0, 0.0, CORNEA_CENTRE)).unit();
        let eta = 1.0 / INDEX;
        let cos = -v.dot(bulge);
        let k = (1.0 - eta * eta * (1.0 - cos * cos)).max(0.0).sqrt();
        let bent = v * eta + bulge * (eta * cos - k);
        let t = (IRIS_DEPTH - hit.point.z) / bent.z.min(-0.05);
        let p = hit.point + bent * t.max(0.0);
        [p.x, p.y]
    }

    /// Colour of what the refracted ray finds behind the cornea.
    fn iris_behind(&self, hit: &Hit, view: V3) -> V3 {
        let [x, y] = self.on_iris(hit, view);
        iris::surface(x, y, LIMBUS - 0.1, self.pupil, self.iris, self.seed)
    }

    /// The point of the cornea through which the camera (at 0) sees the pupil's middle,
    /// camera frame; `None` when it looks from behind.
    pub(crate) fn pupil_seen_at(&self) -> Option<V3> {
        let middle = self.centre + self.axes.2 * IRIS_DEPTH;
        // Newton's method on the ray's direction, which meets the iris's plane where it should.
        let mut aim = middle;
        let (ex, ey) = (self.axes.0, self.axes.1);
        let miss = |aim: V3| {
            let hit = self.cast(aim)?;
            (hit.cornea > 0.0).then(|| self.on_iris(&hit, aim.unit()))
        };
        for _ in 0..5 {
            let m = miss(aim)?;
            let h = 0.25;
            let (mx, my) = (miss(aim + ex * h)?, miss(aim + ey * h)?);
            let (a, c) = ((mx[0] - m[0]) / h, (mx[1] - m[1]) / h);
            let (b, d) = ((my[0] - m[0]) / h, (my[1] - m[1]) / h);
            let det = a * d - b * c;
            if det.abs() < 1e-4 {
                return None;
            }
            aim = aim - ex * ((d * m[0] - b * m[1]) / det) - ey * ((a * m[1] - c * m[0]) / det);
        }
        Some(aim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eye(optical: V3) -> Eyeball {
        Eyeball {
            centre: v3(10.0, 5.0, 600.0),
            axes: Eyeball::axes(optical, v3(0.0, 1.0, 0.0)),
            style: EyeStyle::default(),
            iris: [V3::splat(0.1); 2],
            pupil: 1.7,
            nose: 1.0,
            seed: 1.0,
        }
    }

    #[test]
    fn the_cornea_bulges_out_of_the_sclera() {
        let e = eye(v3(0.0, 0.0, -1.0));
        let towards = |p: V3| e.cast(p).map(|h| (p * h.t - e.centre).len());
        let top = towards(v3(10.0, 5.0, 600.0)).unwrap();
        assert!((top - (CORNEA_CENTRE + CORNEA)).abs() < 0.02, "{top}");
        let white = towards(e.centre + v3(9.0, 0.0, -6.0)).unwrap();
        assert!((white - RADIUS).abs() < 0.02, "{white}");
        assert!(e.cast(e.centre + v3(13.0, 0.0, 0.0)).is_none());
    }

    #[test]
    fn the_iris_follows_the_optical_axis() {
        let optical = v3(0.3, -0.1, -0.95).unit();
        let e = eye(optical);
        let h = e.cast(e.centre + optical * LIMBUS_DEPTH).unwrap();
        assert!(h.cornea > 0.5);
        // The cornea ends at the limbus, asin(5.9 / 12) = 29.4° from the axis.
        let side = v3(-1.0, 0.0, 0.0) - optical * optical.dot(v3(-1.0, 0.0, 0.0));
        for (degrees, cornea) in [(25.0, true), (36.0, false)] {
            let (s, c) = crate::maths::sin_cos(degrees);
            let p = e.centre + (optical * c as f32 + side.unit() * s as f32) * RADIUS;
            assert_eq!(e.cast(p).unwrap().cornea > 0.0, cornea, "{degrees}");
        }
    }
}
