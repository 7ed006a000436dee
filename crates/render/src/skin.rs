//! Skin, lips, scalp and shirt: colour and reflection at a point of the body.
//!
//! Places are given in the mean adult's millimetres (see [`crate::head::Template::reference`]),
//! so that a cheek is a cheek on every head.

use crate::identity::Identity;
use crate::light::Lights;
use crate::maths::{Rng, V3, fbm, mix, noise, smoothstep, v3};

/// What the body is made of at a point.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// Camera frame, mm.
    pub at: V3,
    /// Unit normal, camera frame, towards the viewer.
    pub normal: V3,
    /// Place on the mean adult.
    pub reference: V3,
    /// Masks 0..1: lips, ears, mouth's inside, wet insides of lids.
    pub lips: f32,
    /// See `lips`.
    pub ears: f32,
    /// See `lips`.
    pub mouth: f32,
    /// See `lips`.
    pub wet: f32,
    /// Share of the room's light that arrives.
    pub open: f32,
    /// Share of the key light that arrives.
    pub lit: f32,
    /// How many millimetres a pixel spans here: finer detail is not seen.
    pub footprint: f32,
}

/// The surface of one person.
#[derive(Debug, Clone)]
pub struct Skin {
    colour: V3,
    hair: V3,
    shirt: V3,
    male: f32,
    sheen: f32,
    offset: V3,
    moles: Vec<(V3, f32)>,
}

/// How much of a point is under hair, 0..1.
pub fn scalp(p: V3) -> f32 {
    // Height of the hairline (y, up is negative) by the angle around the skull, 0 at the forehead.
    const LINE: &[(f32, f32)] = &[
        (0.0, -66.0),
        (18.0, -67.0),
        (32.0, -60.0),
        (44.0, -46.0),
        (54.0, -30.0),
        (62.0, -14.0),
        (70.0, 2.0),
        (78.0, 12.0),
        (88.0, 12.0),
        (94.0, -12.0),
        (106.0, -16.0),
        (118.0, 5.0),
        (135.0, 38.0),
        (180.0, 62.0),
    ];
    let angle = degrees_around(p);
    let mut y = LINE[LINE.len() - 1].1;
    for w in LINE.windows(2) {
        if angle <= w[1].0 {
            y = mix(w[0].1, w[1].1, (angle - w[0].0) / (w[1].0 - w[0].0));
            break;
        }
    }
    let wavy = y + 3.0 * noise(v3(angle * 0.15, 3.0, 0.0)) + 1.5 * noise(p * 0.35);
    smoothstep(wavy + 1.5, wavy - 3.5, p.y)
}

fn degrees_around(p: V3) -> f32 {
    libm::atan2f(p.x.abs(), 85.0 - p.z).to_degrees()
}

/// How much of a point is under the shirt, 0..1.
pub fn shirt(p: V3) -> f32 {
    let front = smoothstep(110.0, 40.0, p.z);
    let collar = mix(122.0, 172.0, front) + 0.10 * p.x.abs() * (1.0 - front);
    let below = smoothstep(
        collar - 0.6,
        collar + 0.6,
        p.y - (p.x.abs() - 60.0).max(0.0) * 0.28,
    );
    // No head is as wide as this: shoulders are covered, however high they stand.
    below.max(smoothstep(118.0, 120.0, p.x.abs()))
}

impl Skin {
    /// The surface of `who`.
    pub fn new(who: &Identity) -> Skin {
        let mut r = Rng::new(who.seed ^ 0x5c1);
        let moles = (0..9)
            .map(|_| {
                (
                    v3(r.range(-70.0, 70.0), r.range(-50.0, 110.0), 0.0),
                    r.range(0.5, 1.3),
                )
            })
            .collect();
        Skin {
            colour: who.skin,
            hair: who.hair,
            shirt: who.shirt,
            male: who.male,
            sheen: who.sheen(),
            offset: v3(
                r.range(-50.0, 50.0),
                r.range(-50.0, 50.0),
                r.range(-50.0, 50.0),
            ),
            moles,
        }
    }

    /// Linear colour towards the camera.
    pub fn shade(&self, p: &Point, lights: &Lights) -> V3 {
        let worn = shirt(p.reference);
        if worn > 0.5 {
            return self.cloth(p, lights);
        }
        let q = p.reference + self.offset;
        let under_hair = scalp(p.reference) * (1.0 - p.ears);
        let albedo = self.albedo(p, q, under_hair);
        // Pores and fine folds: the normal wanders with noise.
        let e = 0.35;
        let bump = |d: V3| fbm((q + d) * 0.9, 2) * 0.10 + noise((q + d) * 0.22) * 0.12;
        let b0 = bump(V3::ZERO);
        let slope = v3(
            bump(v3(e, 0.0, 0.0)) - b0,
            bump(v3(0.0, e, 0.0)) - b0,
            bump(v3(0.0, 0.0, e)) - b0,
        ) / e;
        let n = (p.normal - slope * 0.75).unit();

        // Light that enters skin comes out around the corner, red farthest.
        let wrapped = |l: V3| {
            let c = n.dot(l);
            let w = |k: f32| {
                let x = ((c + k) / (1.0 + k)).max(0.0);
                x * x * (1.0 - k) + x * k
            };
            let soft = |k: f32| mix(c.max(0.0), w(k), 0.85);
            v3(soft(0.42), soft(0.22), soft(0.16))
        };
        // In a shadow's edge it bleeds red too.
        let lit = v3(libm::powf(p.lit, 0.72), p.lit, libm::powf(p.lit, 1.1));
        let open = v3(libm::powf(p.open, 0.85), p.open, libm::powf(p.open, 1.08));
        let to_screen = lights.screen - p.at;
        let distance = to_screen.len();
        let near = 600.0 / distance.max(100.0);
        let s = to_screen / distance.max(1.0);
        let diffuse = lights.key_colour.times(wrapped(lights.key)).times(lit)
            + lights.rim_colour.times(wrapped(lights.rim)) * (p.open * p.open)
            + lights.ambient(n).times(open)
            + lights.screen_colour.times(wrapped(s)) * (near * near * mix(0.5, 1.0, p.open));

        let view = -p.at.unit();
        let oily = self.shine(p.reference) * (1.0 - under_hair * 0.8);
        let gloss = mix(oily, 1.6, p.wet.max(p.lips * 0.25));
        let rough = mix(0.46, 0.12, p.wet);
        let mut shine = lights.key_colour * (highlight(n, view, lights.key, rough) * p.lit)
            + lights.screen_colour * (highlight(n, view, s, rough) * near * near)
            + lights.rim_colour * (highlight(n, view, lights.rim, rough) * p.open);
        // Grazing views mirror the room.
        let graze = 1.0 - n.dot(view).max(0.0);
        let g2 = graze * graze;
        shine += lights.ambient(n) * (g2 * g2 * graze * 0.25 * p.open);
        albedo.times(diffuse) + shine * gloss
    }

    fn albedo(&self, p: &Point, q: V3, under_hair: f32) -> V3 {
        let r = p.reference;
        let spot = |x: f32, y: f32, sx: f32, sy: f32| {
            let (u, v) = ((r.x.abs() - x) / sx, (r.y - y) / sy);
            libm::expf(-(u * u + v * v)) * smoothstep(90.0, 40.0, r.z)
        };
        let mottled = 1.0 + 0.16 * fbm(q * 0.045, 3) + 0.10 * fbm(q * 0.35, 2);
        let mut c = self.colour * mottled;
        // Blood near the surface: cheeks, nose, chin, ears.
        let blood = 0.42 * spot(38.0, 42.0, 20.0, 18.0)
            + 0.8 * spot(0.0, 42.0, 13.0, 11.0)
            + 0.3 * spot(0.0, 100.0, 18.0, 12.0)
            + 0.8 * p.ears
            + 0.35 * noise(q * 0.08)
            + 0.2 * noise(q * 0.3);
        let red = v3(1.08, 0.80, 0.78);
        c = c.mix(c.times(red), blood.clamp(-0.4, 1.0));
        // Thin skin around the eyes: darker, bluer below, redder at the lids.
        c = c.mix(
            c.times(v3(0.80, 0.74, 0.78)),
            0.55 * spot(27.0, 15.0, 15.0, 8.0),
        );
        c = c.mix(
            c.times(v3(0.86, 0.72, 0.70)),
            0.6 * spot(31.0, 0.0, 17.0, 10.0),
        );
        // A shaven beard.
        let jaw = smoothstep(52.0, 74.0, r.y + 0.28 * r.x.abs() - 6.0)
            * smoothstep(140.0, 112.0, r.y)
            * smoothstep(75.0, 45.0, r.z)
            * (1.0 - p.lips);
        let moustache = spot(0.0, 62.0, 26.0, 7.0);
        let grain = 0.75 + 0.5 * noise(q * 1.6) + 0.25 * noise(q * 3.1);
        let beard =
            (jaw.max(moustache) * smoothstep(0.5, 0.9, self.male) * 0.38 * grain).clamp(0.0, 0.8);
        c = c.mix(c.times(v3(0.50, 0.50, 0.56)), beard);
        for (place, size) in &self.moles {
            let (dx, dy) = (r.x - place.x, r.y - place.y);
            let m = smoothstep(*size, size * 0.4, (dx * dx + dy * dy).sqrt())
                * smoothstep(40.0, 20.0, r.z);
            c = c.mix(c.times(v3(0.42, 0.30, 0.26)), m * 0.75);
        }
        // Lips, with upright lines.
        let lines = 1.0 + 0.14 * noise(v3(q.x * 1.1, q.y * 0.2, 0.0));
        let lip = self.colour.times(v3(0.84, 0.47, 0.50)) * lines;
        c = c.mix(lip, p.lips * mix(0.95, 0.75, self.male));
        c = c.mix(v3(0.20, 0.065, 0.055), p.mouth);
        // Towards the nose the insides of the lids are red, towards the temple white like the eye.
        let temple = smoothstep(28.0, 36.0, r.x.abs());
        let inside = v3(0.50, 0.25, 0.215).mix(v3(0.40, 0.315, 0.285), temple);
        c = c.mix(inside, p.wet);
        c.mix(self.hair * 0.8, under_hair * 0.9)
    }

    fn shine(&self, r: V3) -> f32 {
        let t_zone = libm::expf(-(r.x / 26.0) * (r.x / 26.0)) * smoothstep(60.0, 30.0, r.y);
        self.sheen * (0.55 + 0.6 * t_zone + 0.25 * noise(r * 0.06))
    }

    fn cloth(&self, p: &Point, lights: &Lights) -> V3 {
        let r = p.reference;
        // Jersey: rows of small loops, and folds.
        let (u, v) = (r.x * 1.1 + r.z * 0.6, r.y * 1.1);
        let loops = 0.5 + 0.5 * noise(v3(u * 1.3, v * 2.6, 3.0));
        let fold = fbm(v3(r.x * 0.018, r.y * 0.011, r.z * 0.018) + self.offset, 2);
        let collar = smoothstep(8.0, 6.5, collar_distance(r)) * 0.12;
        let n = (p.normal + v3(fold * 0.35, fold * 0.15, 0.0)).unit();
        let base = self.shirt * (0.72 + 0.38 * loops + 0.2 * fold + collar);
        let key = ((n.dot(lights.key) + 0.15) / 1.15).max(0.0);
        let s = lights.screen - p.at;
        let near = 600.0 / s.len().max(100.0);
        let light = lights.key_colour * (key * p.lit)
            + lights.rim_colour * (n.dot(lights.rim).max(0.0) * p.open)
            + lights.ambient(n) * p.open
            + lights.screen_colour * (n.dot(s.unit()).max(0.0) * near * near);
        base.times(light)
    }
}

fn collar_distance(r: V3) -> f32 {
    // Walk down until the shirt begins would be exact; its edge is nearly level, so probe upwards.
    let mut d = 0.0;
    while d < 12.0 && shirt(v3(r.x, r.y - d, r.z)) > 0.5 {
        d += 1.0;
    }
    d
}

/// A GGX lobe with Schlick's Fresnel term (Walter et al. 2007), roughness `a`.
fn highlight(n: V3, view: V3, light: V3, a: f32) -> f32 {
    let nl = n.dot(light);
    let nv = n.dot(view).max(0.05);
    if nl <= 0.0 {
        return 0.0;
    }
    let h = (light + view).unit();
    let nh = n.dot(h).max(0.0);
    let a2 = a * a * a * a;
    let d = nh * nh * (a2 - 1.0) + 1.0;
    let spread = a2 / (std::f32::consts::PI * d * d);
    let f0 = 0.028;
    let x = 1.0 - view.dot(h).max(0.0);
    let fresnel = f0 + (1.0 - f0) * x * x * x * x * x;
    let k = (a * a) / 2.0;
    let masking = 1.0 / ((nl * (1.0 - k) + k) * (nv * (1.0 - k) + k));
    spread * fresnel * masking * nl * 0.25
}
