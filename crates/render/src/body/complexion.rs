//! The colours of one person's skin, place by place: baked once at the body's vertices.

use crate::body::template::Template;
use crate::hair::shaven;
use crate::identity::Identity;
use crate::maths::{Rng, V3, fbm, mix, noise, smoothstep, v3};

/// How a skin differs from another of the same tone.
#[derive(Debug, Clone)]
pub(crate) struct Complexion {
    /// Blood under cheeks, nose and ears, against the usual.
    blood: f32,
    /// Dark around the eyes.
    tired: f32,
    /// Greasy shine, 0..1.
    oil: f32,
    freckles: f32,
    blotches: f32,
    /// Depth of wrinkles, 0..1.
    wrinkles: f32,
    /// Colour of the lips against the skin's.
    lips: V3,
    /// How dark the stubble shows.
    stubble: f32,
}

/// Skin or cloth at a vertex; linear between vertices.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Baked {
    pub albedo: V3,
    /// Strength of the mirror-like part.
    pub gloss: f32,
    /// Wet insides of the lids.
    pub wet: f32,
    /// How densely freckles stand.
    pub freckles: f32,
    /// How deep wrinkles go.
    pub wrinkles: f32,
    /// Unevenness of the colour on the scale of millimetres.
    pub grain: f32,
}

impl Baked {
    #[inline]
    pub(crate) fn blend(of: &[Baked], t: [u32; 3], w: [f32; 3]) -> Baked {
        let (a, b, c) = (&of[t[0] as usize], &of[t[1] as usize], &of[t[2] as usize]);
        let n = |f: fn(&Baked) -> f32| f(a) * w[0] + f(b) * w[1] + f(c) * w[2];
        Baked {
            albedo: a.albedo * w[0] + b.albedo * w[1] + c.albedo * w[2],
            gloss: n(|b| b.gloss),
            wet: n(|b| b.wet),
            freckles: n(|b| b.freckles),
            wrinkles: n(|b| b.wrinkles),
            grain: n(|b| b.grain),
        }
    }
}

/// Linear reflectance of skin from the lightest (0) to the darkest (1), `warm` −1 pink … 1 golden.
pub(crate) fn tone(dark: f32, warm: f32) -> V3 {
    const STEPS: [V3; 7] = [
        v3(0.62, 0.405, 0.32),
        v3(0.55, 0.335, 0.245),
        v3(0.45, 0.262, 0.178),
        v3(0.335, 0.184, 0.112),
        v3(0.215, 0.107, 0.060),
        v3(0.118, 0.056, 0.032),
        v3(0.060, 0.029, 0.018),
    ];
    let f = dark.clamp(0.0, 1.0) * 6.0;
    let i = (f as usize).min(5);
    STEPS[i].mix(STEPS[i + 1], f - i as f32).times(v3(
        1.0 - 0.01 * warm,
        1.0 + 0.035 * warm,
        1.0 - 0.09 * warm,
    ))
}

impl Complexion {
    /// The complexion of `who`.
    pub(crate) fn of(who: &Identity) -> Complexion {
        let mut r = Rng::new(who.seed ^ 0x5ea1);
        // 1 light, 0 dark.
        let light = smoothstep(0.06, 0.50, who.skin.x);
        let freckled = r.unit();
        let red = v3(0.84, r.range(0.46, 0.62), r.range(0.50, 0.66));
        Complexion {
            blood: r.range(0.4, 1.5) * mix(0.5, 1.0, light),
            tired: r.range(0.2, 0.9),
            oil: mix(0.3, 0.75, r.unit() * r.unit())
                * mix(1.0, 0.7, who.age)
                * mix(1.5, 1.0, light),
            freckles: smoothstep(0.78, 1.0, freckled) * smoothstep(0.35, 0.6, who.skin.x),
            blotches: r.range(0.5, 1.5) + 0.6 * who.age,
            wrinkles: smoothstep(0.12, 0.95, who.age + r.range(-0.08, 0.12)),
            // Make-up on some.
            lips: if who.male < 0.5 && r.unit() < 0.25 {
                v3(r.range(0.7, 0.95), r.range(0.18, 0.40), r.range(0.25, 0.48))
            } else {
                red.mix(v3(0.78, 0.66, 0.68), 0.5 * (1.0 - light))
            },
            stubble: (0.25 + 0.75 * (1.0 - smoothstep(0.01, 0.2, who.hair.x)))
                * mix(0.55, 1.0, light),
        }
    }

    /// Skin at every vertex of the template.
    pub(crate) fn bake(&self, who: &Identity, offset: V3) -> Vec<Baked> {
        let template = Template::bundled();
        (0..template.reference.len())
            .map(|i| self.at(who, offset, template, i))
            .collect()
    }

    fn at(&self, who: &Identity, offset: V3, template: &Template, i: usize) -> Baked {
        let r = template.reference[i];
        let q = r + offset;
        let m = &template.masks;
        let front = smoothstep(90.0, 40.0, r.z);
        let spot = |x: f32, y: f32, sx: f32, sy: f32| {
            let (u, v) = ((r.x.abs() - x) / sx, (r.y - y) / sy);
            libm::expf(-(u * u + v * v)) * front
        };
        let mottled = 1.0 + self.blotches * (0.13 * fbm(q * 0.045, 3) + 0.05 * noise(q * 0.13));
        let mut c = who.skin * mottled;
        // Blood near the surface: cheeks, nose, chin, ears.
        let blood = self.blood
            * (0.42 * spot(38.0, 42.0, 20.0, 18.0)
                + 0.75 * spot(0.0, 42.0, 13.0, 11.0)
                + 0.25 * spot(0.0, 100.0, 18.0, 12.0)
                + 0.7 * m.ears[i]
                + 0.30 * noise(q * 0.08));
        c = c.mix(c.times(v3(1.08, 0.80, 0.78)), blood.clamp(-0.4, 1.0));
        // Thin skin around the eyes: darker, bluer below, redder at the lids.
        c = c.mix(
            c.times(v3(0.78, 0.72, 0.77)),
            self.tired * spot(27.0, 15.0, 15.0, 8.0),
        );
        c = c.mix(
            c.times(v3(0.86, 0.72, 0.70)),
            0.55 * spot(31.0, 0.0, 17.0, 10.0),
        );
        // The forehead is a little paler and yellower than the cheeks.
        c = c.times(V3::splat(1.0).mix(v3(1.0, 1.01, 0.96), smoothstep(-20.0, -45.0, r.y)));
        let beard = smoothstep(0.5, 0.9, who.male)
            * self.stubble
            * shaven(r, &who.style.beard)
            * (1.0 - m.lips[i]);
        c = c.mix(c.times(v3(0.36, 0.36, 0.41)).mix(who.hair, 0.25), beard);
        let lip = who.skin.times(self.lips);
        c = c.mix(lip, m.lips[i] * mix(0.95, 0.72, who.male));
        c = c.mix(v3(0.20, 0.065, 0.055), m.mouth[i]);
        // Towards the nose the insides of the lids are red, towards the temple white like the eye.
        let temple = smoothstep(28.0, 36.0, r.x.abs());
        let inside = v3(0.50, 0.25, 0.215).mix(v3(0.40, 0.315, 0.285), temple);
        c = c.mix(inside, m.wet[i]);
        // Hair darkens the skin it grows from.
        let inside = who.style.inside(r);
        let dense = if who.style.line.crown > 90.0 && inside < 6.0 {
            0.0
        } else {
            smoothstep(0.0, 8.0, inside) * (1.0 - m.ears[i])
        };
        let under = who.hair.mix(V3::splat(0.4), who.style.grey * 0.8) * 0.85;
        c = c.mix(under, dense * 0.9);

        let t_zone = libm::expf(-(r.x / 26.0) * (r.x / 26.0)) * smoothstep(60.0, 30.0, r.y);
        let shine = self.oil * (0.55 + 0.6 * t_zone + 0.25 * noise(r * 0.06));
        let bald = if who.style.line.crown > 0.0 {
            0.3 * smoothstep(-50.0, -80.0, r.y)
        } else {
            0.0
        };
        let gloss = (shine + bald) * (1.0 - dense * 0.8) * (1.0 - 0.5 * beard);
        Baked {
            albedo: c,
            gloss: mix(gloss, 1.6, m.wet[i].max(m.lips[i] * 0.22)),
            wet: m.wet[i],
            freckles: self.freckles
                * (spot(0.0, 34.0, 26.0, 14.0) + spot(36.0, 30.0, 22.0, 16.0)).min(1.0),
            wrinkles: self.wrinkles * front * (1.0 - dense) * (1.0 - m.lips[i]),
            grain: 0.016 * self.blotches + 0.10 * beard,
        }
    }
}

/// How deep wrinkles are at a place of the mean adult, 0..1: lines of the forehead, between the
/// brows, crow's feet, from the nose to the mouth's corners. `warp` bends them, about ±1.
pub(crate) fn groove(p: V3, warp: f32) -> f32 {
    let x = p.x.abs();
    let line = |d: f32, w: f32| {
        let u = d / w;
        1.0 / (1.0 + u * u * u * u)
    };
    let mut g = 0.0f32;
    if p.y < -26.0 {
        let bend = p.y + 0.0022 * p.x * p.x + 2.2 * warp;
        let f = bend / 10.5;
        let cell = f - (f as i32) as f32 + if f < 0.0 { 1.0 } else { 0.0 };
        let fade = smoothstep(-64.0, -56.0, p.y)
            * smoothstep(-27.0, -33.0, p.y)
            * smoothstep(52.0, 30.0, x + 6.0 * warp);
        g = g.max(line((cell - 0.5) * 10.5, 1.3) * fade * (0.42 + 0.3 * warp));
    }
    if x < 12.0 && p.y < -8.0 {
        let fade = smoothstep(-34.0, -28.0, p.y) * smoothstep(-10.0, -16.0, p.y);
        g = g.max(line(x - 6.5 - 1.2 * warp, 1.2) * fade * 0.45);
    }
    if x > 44.0 && p.y.abs() < 26.0 {
        let (dx, dy) = (x - 38.0, p.y - 1.0);
        let slope = dy / dx + 0.10 * warp;
        let f = slope / 0.34 + 0.5;
        let cell = f - (f as i32) as f32 + if f < 0.0 { 1.0 } else { 0.0 };
        let fade = smoothstep(45.0, 50.0, x)
            * smoothstep(64.0, 54.0, x)
            * smoothstep(1.0, 0.7, slope.abs());
        g = g.max(line((cell - 0.5) * 0.34 * dx, 0.9) * fade * 0.6);
    }
    if p.y > 34.0 && p.y < 88.0 && x > 12.0 && x < 48.0 {
        // From the wing of the nose, past the mouth's corner.
        let t = (p.y - 38.0) / 40.0;
        let at = 18.0 + 19.0 * t - 5.0 * t * t;
        let fade = smoothstep(-0.1, 0.1, t) * smoothstep(1.15, 0.8, t);
        g = g.max(line((x - at - 0.8 * warp) * 0.85, 2.0) * fade);
    }
    g
}
