//! An eyeball by ray casting: sclera, bulging cornea, and the iris seen through it.
//!
//! Sizes are an average adult's (Atchison, *Schematic eyes*, 2017; Le Grand):
//! the centre stands for the centre of rotation, 13.2 mm behind the cornea.

use crate::light::Lights;
use crate::maths::{M3, V3, fbm, mix, noise, smoothstep, v3};

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
const IRIS_DEPTH: f32 = 10.15;
/// Refractive index of cornea and aqueous humour against air.
const INDEX: f32 = 1.336;

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

    /// Linear colour of a hit. `d`: the camera's ray; `lit`: share of the key light that
    /// arrives; `open`: share of the room's light; `wet`: 1 where the tear film meets a lid.
    pub fn shade(&self, hit: &Hit, d: V3, lights: &Lights, lit: f32, open: f32, wet: f32) -> V3 {
        let n = self.axes.apply(hit.normal);
        let at = self.centre + self.axes.apply(hit.point);
        let view = d.unit();
        let light = |n: V3, wrap: f32| {
            let key = ((n.dot(lights.key) + wrap) / (1.0 + wrap)).max(0.0);
            let to_screen = (lights.screen - at).unit();
            let screen = n.dot(to_screen).max(0.0);
            lights.key_colour * (key * lit)
                + lights.ambient(n) * open
                + lights.screen_colour * (screen * mix(0.4, 1.0, open))
        };
        let axis = self.axes.2;
        let r = (hit.point.x * hit.point.x + hit.point.y * hit.point.y).sqrt();

        let sclera = self.sclera(hit.point).times(light(n, 0.8));
        let mut colour = sclera;
        if hit.cornea > 0.0 {
            let iris = self
                .iris_behind(hit, view)
                .times(light(axis.mix(n, 0.3).unit(), 0.4));
            // The limbus: sclera and iris blend over half a millimetre.
            let edge = smoothstep(LIMBUS + 0.05, LIMBUS - 0.45, r);
            colour = sclera.mix(iris, edge);
        }
        let mirror = view - n * (2.0 * view.dot(n));
        let grazing = 1.0 + view.dot(n).min(0.0);
        let g2 = grazing * grazing;
        let fresnel = 0.022 + 0.978 * g2 * g2 * grazing;
        let gloss = if hit.cornea > 0.0 { 1.0 } else { 0.55 };
        // Lids shade most of what the eye could mirror from the side.
        let seen = lights.reflected(at, mirror) * mix(0.3, 1.0, open) * mix(0.45, 1.0, lit);
        colour += seen * (fresnel * gloss);
        let tear = lights.reflected(at, (mirror + v3(0.0, -0.5, 0.0)).unit());
        colour + tear * (0.035 * wet)
    }

    fn sclera(&self, p: V3) -> V3 {
        let white = v3(0.54, 0.485, 0.455);
        // Redder towards the corners, most at the nose.
        let out = (p.x * self.nose / RADIUS).max(-p.x * self.nose / RADIUS * 0.7);
        let corner = smoothstep(0.35, 1.0, out);
        // Veins: thin ridges of noise, denser in the corners.
        let s = v3(self.seed, 0.0, 0.0);
        let q = p * 0.55 + s;
        let bend = v3(
            noise(p * 0.35 + s),
            noise(p * 0.35 + s + v3(9.0, 0.0, 0.0)),
            0.0,
        ) * 1.3;
        let ridge = (1.0 - noise(q + bend).abs() * 9.0).max(0.0);
        let vein =
            ridge * mix(0.10, 0.45, corner) * smoothstep(5.9, 8.0, (p.x * p.x + p.y * p.y).sqrt());
        let pink = v3(0.50, 0.30, 0.265);
        let base = white.mix(pink, corner * 0.6 + 0.06 * fbm(p * 0.3 + s, 2));
        base.mix(v3(0.50, 0.19, 0.16), vein * 0.55)
    }

    /// Colour of what the refracted ray finds behind the cornea.
    fn iris_behind(&self, hit: &Hit, view: V3) -> V3 {
        let v = self.axes.apply_inverse(view);
        let bulge = (hit.point - v3(0.0, 0.0, CORNEA_CENTRE)).unit();
        let eta = 1.0 / INDEX;
        let cos = -v.dot(bulge);
        let k = (1.0 - eta * eta * (1.0 - cos * cos)).max(0.0).sqrt();
        let bent = v * eta + bulge * (eta * cos - k);
        let t = (IRIS_DEPTH - hit.point.z) / bent.z.min(-0.05);
        let p = hit.point + bent * t.max(0.0);
        let r = (p.x * p.x + p.y * p.y).sqrt();
        let rim = LIMBUS - 0.1;
        let u = (r / rim).min(1.2);
        // Fibres run outwards: noise that is long in r and short around, on a circle so that it closes.
        let (cx, cy) = (p.x / r.max(0.05), p.y / r.max(0.05));
        let around = v3(cx * 9.0 + self.seed, cy * 9.0, r * 0.45);
        let fibre = 0.65 * noise(around) + 0.35 * noise(around * 2.3);
        let collarette = smoothstep(0.16, 0.0, (u - 0.48 - 0.03 * noise(around * 0.4)).abs());
        let inner = smoothstep(0.75, 0.35, u + 0.08 * fibre);
        let mut c = self.iris[0].mix(self.iris[1], inner * 0.8);
        c = c * (1.0 + 0.55 * fibre + 0.25 * collarette);
        c = c * mix(1.0, 0.28, smoothstep(0.78, 0.97, u));
        let pupil = smoothstep(self.pupil + 0.12, self.pupil - 0.12, r);
        c.mix(v3(0.004, 0.0035, 0.0035), pupil)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eye(optical: V3) -> Eyeball {
        Eyeball {
            centre: v3(10.0, 5.0, 600.0),
            axes: Eyeball::axes(optical, v3(0.0, 1.0, 0.0)),
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
