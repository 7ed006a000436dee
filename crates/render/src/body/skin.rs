//! Skin, lips and clothes: colour and reflection at a point of the body.
//!
//! Places are given in the mean adult's millimetres (see [`crate::body::template::Template::reference`]),
//! so that a cheek is a cheek on every head. What changes slowly is baked at the vertices
//! (`complexion`); here comes what is finer than they stand, as far as a pixel can show it.

use crate::body::clothes::Clothes;
use crate::body::complexion::{Baked, Complexion, groove};
use crate::identity::Identity;
use crate::light::Lights;
use crate::maths::{Rng, V3, mix, noise, noise_gradient, smoothstep, v3};

/// A point of the body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    /// Camera frame, mm.
    pub at: V3,
    /// Unit normal, camera frame, towards the viewer.
    pub normal: V3,
    /// Place on the mean adult.
    pub reference: V3,
    /// The triangle's corners, and their weights.
    pub corners: [u32; 3],
    pub weights: [f32; 3],
    /// Share of the room's light that arrives.
    pub open: f32,
    /// Share of the key light that arrives.
    pub lit: f32,
    /// How many millimetres a pixel spans here: finer detail is not seen.
    pub footprint: f32,
}

/// The surface of one person.
#[derive(Debug, Clone)]
pub(crate) struct Skin {
    baked: Vec<Baked>,
    clothes: Clothes,
    offset: V3,
    moles: Vec<(V3, f32)>,
}

impl Skin {
    /// The surface of `who`.
    pub(crate) fn new(who: &Identity) -> Skin {
        let mut r = Rng::new(who.seed ^ 0x5c1);
        let count = (r.unit() * r.unit() * 10.0) as usize;
        let moles = (0..count)
            .map(|_| {
                (
                    v3(r.range(-48.0, 48.0), r.range(-50.0, 110.0), 0.0),
                    r.range(0.5, 1.3),
                )
            })
            .collect();
        let offset = v3(
            r.range(-50.0, 50.0),
            r.range(-50.0, 50.0),
            r.range(-50.0, 50.0),
        );
        Skin {
            baked: Complexion::of(who).bake(who, offset),
            clothes: Clothes::new(who.seed, who.shirt),
            offset,
            moles,
        }
    }

    /// Linear colour towards the camera.
    pub(crate) fn shade(&self, p: &Point, lights: &Lights) -> V3 {
        let cloth = self.clothes.blend(p.corners, p.weights);
        // The collar's edge, as wide as a pixel.
        let covered = (cloth[0] / p.footprint + 0.5).clamp(0.0, 1.0);
        if covered == 0.0 {
            return self.bare(p, lights);
        }
        let worn = self.clothes.shade(p, cloth, lights);
        if covered == 1.0 {
            return worn;
        }
        self.bare(p, lights).mix(worn, covered)
    }

    /// The skin itself.
    fn bare(&self, p: &Point, lights: &Lights) -> V3 {
        let b = Baked::blend(&self.baked, p.corners, p.weights);
        let r = p.reference;
        let q = r + self.offset;

        // Pores and fine folds: bumps no finer than two pixels.
        let cell = (2.0 * p.footprint).max(1.3);
        let (bump, slope) = noise_gradient(q * (1.0 / cell));
        let depth = smoothstep(7.0, 2.0, cell) * (1.0 - b.wet);
        let mut n = p.normal - slope * (0.032 * depth);
        let mut albedo = b.albedo * (1.0 + b.grain * depth * 2.0 * bump);
        if b.wrinkles > 0.02 && p.footprint < 4.0 {
            let warp = noise(q * 0.06);
            let e = 0.7;
            let g = groove(r, warp);
            let gx = groove(r + v3(e, 0.0, 0.0), warp) - g;
            let gy = groove(r + v3(0.0, e, 0.0), warp) - g;
            let strength = b.wrinkles * smoothstep(4.0, 1.0, p.footprint);
            n += v3(gx, gy, 0.0) * (0.9 / e * strength);
            albedo = albedo.times(V3::splat(1.0).mix(v3(0.80, 0.70, 0.68), g * strength));
        }
        if b.freckles > 0.03 && p.footprint < 2.5 {
            let f = smoothstep(0.28, 0.55, noise(q * 0.62) + 0.25 * bump)
                * smoothstep(2.5, 1.0, p.footprint);
            albedo = albedo.times(V3::splat(1.0).mix(v3(0.76, 0.60, 0.50), f * b.freckles));
        }
        for (place, size) in &self.moles {
            let (dx, dy) = (r.x - place.x, r.y - place.y);
            let d2 = dx * dx + dy * dy;
            if d2 < 3.0 && r.z < 40.0 {
                let size = size.max(0.5 * p.footprint);
                let m = smoothstep(size, size * 0.4, d2.sqrt());
                albedo = albedo.mix(albedo.times(v3(0.42, 0.30, 0.26)), m * 0.75);
            }
        }
        let n = n.unit();

        // Light that enters skin comes out around the corner, red farthest.
        let wrapped = |l: V3| {
            let c = n.dot(l);
            let w = |k: f32| {
                let x = ((c + k) / (1.0 + k)).max(0.0);
                mix(c.max(0.0), x * x * (1.0 - k) + x * k, 0.85)
            };
            v3(w(0.42), w(0.22), w(0.16))
        };
        // In a shadow's edge it bleeds red too.
        let root = p.lit.sqrt();
        let lit = v3(root * root.sqrt(), p.lit, p.lit * mix(1.0, root, 0.2));
        let open_root = p.open.sqrt();
        let open = v3(
            mix(p.open, open_root, 0.28),
            p.open,
            p.open * mix(1.0, open_root, 0.2),
        );
        let to_screen = lights.screen - p.at;
        let distance = to_screen.len();
        let near = 600.0 / distance.max(100.0);
        let s = to_screen / distance.max(1.0);
        let diffuse = lights.key_colour.times(wrapped(lights.key)).times(lit)
            + lights.rim_colour.times(wrapped(lights.rim)) * (p.open * p.open)
            + lights.ambient(n).times(open)
            + lights.screen_colour.times(wrapped(s)) * (near * near * mix(0.5, 1.0, p.open));

        let view = -p.at.unit();
        let rough = mix(0.46, 0.12, b.wet);
        let mut shine = lights.key_colour * (highlight(n, view, lights.key, rough) * p.lit)
            + lights.screen_colour * (highlight(n, view, s, rough) * near * near)
            + lights.rim_colour * (highlight(n, view, lights.rim, rough) * p.open);
        // Grazing views mirror the room.
        let graze = 1.0 - n.dot(view).max(0.0);
        let g2 = graze * graze;
        shine += lights.ambient(n) * (g2 * g2 * graze * 0.25 * p.open);
        albedo.times(diffuse) + shine * b.gloss
    }
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
