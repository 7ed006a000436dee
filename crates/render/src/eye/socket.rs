//! An eye between its lids: eyeball, caruncle and tear line, and how the lids shade them.

use crate::eye::eyeball::{self, Eyeball};
use crate::eye::lids::Opening;
use crate::light::Lights;
use crate::maths::{M3, V3, mix, noise, sin_cos, smoothstep, v3};
use crate::raster::{Pinhole, Raster};
use crate::shadow::ShadowMap;

/// An eye in its place.
#[derive(Debug, Clone, Copy)]
pub struct Socket {
    /// The eyeball.
    pub eye: Eyeball,
    /// The head's axes, camera frame.
    pub head: M3,
    /// The opening between the lids.
    pub opening: Opening,
}

/// What an eye is drawn into.
pub(crate) struct EyeView<'a> {
    pub camera: &'a Pinhole,
    pub raster: &'a Raster,
    pub shadow: &'a ShadowMap,
    pub lights: &'a Lights,
}

/// How the lids lie around a place on the eye.
pub(crate) struct Around {
    /// Share of the room's light and of the key light that the lids let through.
    pub open: f32,
    pub lit: f32,
    /// 1 in the tear film's rim along the lower lid.
    pub wet: f32,
    /// 1 on the fold of conjunctiva before the caruncle.
    pub plica: f32,
    /// 1 deep in the corners and under the lids, where the white turns red.
    pub corner: f32,
}

impl Socket {
    /// A camera-frame place in the socket's frame: x towards the nose, y down.
    fn place(&self, at: V3) -> V3 {
        let q = self.head.apply_inverse(at - self.eye.centre);
        v3(q.x * self.eye.nose, q.y, q.z)
    }

    fn under_a_lid(&self, q: V3) -> bool {
        let o = &self.opening;
        q.z < -6.0 && (q.y < o.upper_at(q.x) - 0.1 || q.y > o.lower_at(q.x) + 0.1)
    }

    fn around(&self, q: V3) -> Around {
        let o = &self.opening;
        let (above, below) = (q.y - o.upper_at(q.x), o.lower_at(q.x) - q.y);
        let (inner, outer) = (o.inner[0] - q.x, q.x - o.outer[0]);
        let corner = smoothstep(5.5, 1.5, inner).max(smoothstep(4.5, 0.5, outer));
        let through = |share: f32| libm::powf(share, self.eye.style.shade);
        Around {
            // Lid and lashes hang over the eye like a roof; the lower lid takes less.
            open: through(
                mix(0.20, 1.0, smoothstep(-0.6, 4.4, above))
                    * mix(0.62, 1.0, smoothstep(-0.2, 2.0, below))
                    * mix(1.0, 0.62, corner),
            ),
            lit: through(mix(0.18, 1.0, smoothstep(-0.2, 2.9, above))),
            wet: smoothstep(0.55, 0.12, below),
            plica: smoothstep(9.9, 11.1, q.x + 0.15 * (q.y - o.inner[1])),
            corner,
        }
    }

    /// Share of the iris's disc, as the camera at 0 sees it, that no lid hides. By geometry, on
    /// 60 points of equal area; what else may stand before an eye (nose, glasses, people) is left out.
    pub fn iris_shown(&self) -> f32 {
        let (rings, spokes) = (5, 12);
        let mut shown = 0;
        for i in 0..rings * spokes {
            let (ring, spoke) = ((i / spokes) as f32, (i % spokes) as f64);
            let r = eyeball::LIMBUS * ((ring + 0.5) / rings as f32).sqrt();
            let (s, c) = sin_cos((spoke + 0.5 * f64::from(ring)) * 360.0 / spokes as f64);
            let p = v3(r * c as f32, r * s as f32, eyeball::LIMBUS_DEPTH);
            let at = self.eye.centre + self.eye.axes.apply(p);
            // Behind the eyeball's own horizon nothing shows.
            let front = self.eye.axes.2.dot(at) < 0.0;
            let (q, v) = (self.place(at), self.place(self.eye.centre - at.unit()));
            shown += usize::from(front && self.opening.shows(q, v));
        }
        shown as f32 / (rings * spokes) as f32
    }

    /// Where the caruncle lies: centre and radius, camera frame.
    fn caruncle(&self) -> (V3, f32) {
        let o = &self.opening;
        let x = o.inner[0] - 1.9;
        let y = (o.upper_at(x) + o.lower_at(x)) / 2.0;
        let high = (o.lower_at(x) - o.upper_at(x)).max(0.0);
        let q = v3(x * self.eye.nose, y, -3.3);
        let c = self.eye.centre + self.head.apply(q);
        (c, mix(0.6, 1.9, smoothstep(0.2, 2.5, high)))
    }
}

/// Casts an eye into the picture, behind the lids that lie before it; `hits` gathers
/// the samples that see it with one over their depth.
pub(crate) fn draw_eye(
    socket: &Socket,
    view: &EyeView<'_>,
    colour: &mut [V3],
    hits: &mut Vec<(u32, f32)>,
) {
    let EyeView {
        camera,
        raster,
        shadow,
        lights,
    } = view;
    let eye = &socket.eye;
    let c = camera.project(eye.centre);
    // The opening's own rows and columns, and a little more.
    let r = 15.5 * camera.f[0] * c.z;
    let range = |c: f32, n: usize| {
        (
            (c - r).max(0.0) as usize,
            ((c + r).max(0.0) as usize).min(n),
        )
    };
    let (x0, x1) = range(c.x, camera.width);
    let (y0, y1) = range(c.y, camera.height);
    let (bead, bead_radius) = socket.caruncle();
    for y in y0..y1 {
        for x in x0..x1 {
            let i = y * camera.width + x;
            let d = camera.ray(x, y);
            // Nothing of the eye is nearer than its cornea.
            let nearest = raster.seen[i].inverse_z;
            if nearest * (eye.centre.z - 14.0) >= 1.0 {
                continue;
            }
            let hit = eye.cast(d);
            let flesh =
                sphere(d, bead, bead_radius).filter(|t| hit.as_ref().is_none_or(|h| *t < h.t));
            let Some(t) = flesh.or(hit.as_ref().map(|h| h.t)) else {
                continue;
            };
            if 1.0 / t <= nearest {
                continue;
            }
            let at = d * t;
            let q = socket.place(at);
            // A lid's facets may dip into the cornea they lie on: there the lid is seen.
            if nearest > 0.0 && socket.under_a_lid(q) {
                continue;
            }
            let mut around = socket.around(q);
            around.lit *= shadow.reach(at + (lights.key * 0.4), 0.44 * lights.shadow_mm, 0.5);
            colour[i] = match (flesh, hit) {
                (None, Some(hit)) => eye.shade(&hit, d, lights, &around),
                _ => shade_flesh((at - bead).unit(), q, eye.seed, d, lights, &around),
            };
            hits.push((i as u32, 1.0 / t));
        }
    }
}

/// Nearest meeting of the ray along `d` with a sphere, in lengths of `d`.
fn sphere(d: V3, centre: V3, radius: f32) -> Option<f32> {
    let (a, b, c) = (
        d.dot(d),
        d.dot(centre),
        centre.dot(centre) - radius * radius,
    );
    let q = b * b - a * c;
    (q >= 0.0).then(|| (b - q.sqrt()) / a)
}

/// The caruncle: moist pink flesh with small bumps.
fn shade_flesh(n: V3, q: V3, seed: f32, d: V3, lights: &Lights, around: &Around) -> V3 {
    let p = q * 1.7 + v3(seed, 0.0, 0.0);
    let bumps = v3(noise(p), noise(p + v3(5.0, 0.0, 0.0)), 0.0);
    let n = (n + bumps * 0.35).unit();
    let view = d.unit();
    let colour = v3(0.50, 0.235, 0.20) * (1.0 + 0.2 * bumps.x);
    let key = ((n.dot(lights.key) + 0.5) / 1.5).max(0.0);
    let light = lights.key_colour * (key * around.lit) + lights.ambient(n) * (0.85 * around.open);
    let mirror = view - n * (2.0 * view.dot(n));
    colour.times(light) + lights.reflected(d, mirror) * (0.006 * around.lit)
}
