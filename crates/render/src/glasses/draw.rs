//! The frame's colour, and the lenses over whatever lies behind them.

use super::{Glasses, Lens, Material, Part, Rim};
use crate::light::Lights;
use crate::maths::{M3, V3, fbm, mix, smoothstep, v3};
use crate::raster::{Pinhole, Raster};
use crate::shadow::ShadowMap;

/// Reflectance of glass and of acetate seen straight on: ((1.5 − 1) / (1.5 + 1))².
const F0: f32 = 0.04;

/// Where glasses are in one picture: the skull's turn about a pivot, and how far it is moved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub turn: M3,
    pub pivot: V3,
    pub place: V3,
}

impl Place {
    fn point(&self, p: V3) -> V3 {
        self.turn.apply(p - self.pivot) + self.pivot + self.place
    }
}

/// What glasses are drawn with.
pub(crate) struct View<'a> {
    pub camera: &'a Pinhole,
    pub lights: &'a Lights,
    pub place: Place,
}

impl Glasses {
    /// The frame's corners in the camera frame.
    pub(crate) fn posed(&self, place: &Place, out: &mut Vec<V3>) {
        out.clear();
        out.extend(self.positions.iter().map(|&p| place.point(p)));
    }

    /// Adds the frame (`posed`) to the raster, its triangles numbered from `first`, and colours what
    /// is seen of it.
    pub(crate) fn draw_frame(
        &self,
        view: &View<'_>,
        posed: &[V3],
        shadow: &ShadowMap,
        first: u32,
        raster: &mut Raster,
        colour: &mut [V3],
    ) {
        let projected: Vec<V3> = posed.iter().map(|&p| view.camera.project(p)).collect();
        raster.add(&self.triangles, &projected, first);
        let range = |pick: fn(&V3) -> f32, n: usize| {
            let lo = projected.iter().map(pick).fold(f32::MAX, f32::min);
            let hi = projected.iter().map(pick).fold(0.0, f32::max);
            (lo.max(0.0) as usize).min(n)..(hi as usize + 1).min(n)
        };
        let columns = range(|p| p.x, raster.width);
        for y in range(|p| p.y, raster.height) {
            for x in columns.clone() {
                let i = y * raster.width + x;
                let seen = &raster.seen[i];
                let k = seen.triangle.wrapping_sub(first) as usize;
                if k >= self.triangles.len() {
                    continue;
                }
                let t = self.triangles[k].map(|v| v as usize);
                // Weights in the picture's plane → weights on the triangle.
                let [b, c] = seen.b;
                let w = [
                    (1.0 - b - c) / posed[t[0]].z,
                    b / posed[t[1]].z,
                    c / posed[t[2]].z,
                ];
                let sum = 1.0 / (w[0] + w[1] + w[2]);
                let at = |of: &[V3]| (of[t[0]] * w[0] + of[t[1]] * w[1] + of[t[2]] * w[2]) * sum;
                let rest = at(&self.positions);
                let (camera, normal) = (at(posed), at(&self.normals).unit());
                colour[i] = self.shade(self.parts[k], rest, normal, camera, view, shadow);
            }
        }
    }

    /// Linear colour of the frame. `rest`, `n`: place and normal in the head's frame; `at`: camera frame.
    fn shade(
        &self,
        part: Part,
        rest: V3,
        n: V3,
        at: V3,
        view: &View<'_>,
        shadow: &ShadowMap,
    ) -> V3 {
        let lights = view.lights;
        // What faces the head sees little of the room.
        let inside = smoothstep(-0.2, 0.7, n.z).max(smoothstep(0.0, -0.7, n.x * rest.x / 40.0));
        let open = mix(1.0, 0.35, inside);
        let n = view.place.turn.apply(n);
        let lit = f32::from(u8::from(shadow.reaches(at + n * 0.9, 1.2)));
        let eye = -at.unit();
        let mirror = n * (2.0 * n.dot(eye)) - eye;
        let to_screen = lights.screen - at;
        let near = 600.0 / to_screen.len().max(100.0);
        let to_screen = to_screen.unit();
        let screen = lights.screen_colour * (near * near);
        let key = n.dot(lights.key).max(0.0) * lit;
        let back = n.dot(lights.rim).max(0.0) * open;
        let diffuse = lights.key_colour * key
            + lights.rim_colour * back
            + lights.ambient(n) * open
            + screen * n.dot(to_screen).max(0.0);
        let gloss = |f0: V3, rough: f32| {
            let graze = 1.0 - n.dot(eye).max(0.0);
            let g2 = graze * graze;
            let fresnel = f0 + (V3::splat(1.0) - f0) * (g2 * g2 * graze);
            let light = lights.ambient(mirror) * (0.8 * open)
                + lights.key_colour * (lobe(n, eye, lights.key, rough) * lit)
                + lights.rim_colour * (lobe(n, eye, lights.rim, rough) * open)
                + screen * lobe(n, eye, to_screen, rough);
            fresnel.times(light)
        };
        let acetate = |c: V3| c.times(diffuse) + gloss(V3::splat(F0), 0.34);
        match (part, self.style.material) {
            (Part::Frame, Material::Metal(c)) => c.times(diffuse) * 0.12 + gloss(c, 0.42),
            (Part::Steel, _) => gloss(V3::splat(0.62), 0.45),
            (Part::Pad, Material::Metal(_)) => acetate(self.pads),
            (Part::Sleeve, _) => acetate(v3(0.02, 0.014, 0.011)),
            (_, Material::Plastic(c, fleck)) => {
                let q = rest * 0.13 + v3(self.style.width_mm, self.style.height_mm, 0.0);
                let flecked = smoothstep(-0.12, 0.34, fbm(q, 3));
                acetate(c.mix(fleck, flecked))
            }
        }
    }

    /// Lays the lenses over the picture, where nothing lies before them.
    pub(crate) fn draw_lenses(&self, view: &View<'_>, raster: &Raster, colour: &mut [V3]) {
        for lens in &self.lenses {
            self.draw_lens(lens, view, raster, colour);
        }
    }

    fn draw_lens(&self, lens: &Lens, view: &View<'_>, raster: &Raster, colour: &mut [V3]) {
        let camera = view.camera;
        let edge: Vec<V3> = (lens.outline.iter())
            .map(|&p| camera.project(view.place.point(lens.front(p))))
            .collect();
        if edge.iter().any(|p| p.z <= 0.0) {
            return;
        }
        let axes = [lens.axes.0, lens.axes.1, lens.axes.2].map(|a| view.place.turn.apply(a));
        let axes = M3(axes[0], axes[1], axes[2]);
        let centre = view.place.point(lens.centre);
        let top = edge.iter().fold(f32::MAX, |m, p| m.min(p.y)).max(0.0) as usize;
        let bottom = edge.iter().fold(0.0f32, |m, p| m.max(p.y)) as usize + 1;
        // Millimetres across a pixel.
        let footprint = 2.0 * centre.z / camera.f[0];
        for y in (top & !1..bottom.min(camera.height)).step_by(2) {
            let spans = [span(&edge, y), span(&edge, y + 1)];
            let lo = spans[0].0.min(spans[1].0).max(0.0) as usize & !1;
            let hi = spans[0].1.max(spans[1].1).max(0.0) as usize;
            for x in (lo..hi.min(camera.width)).step_by(2) {
                // The mirror image is smooth: once a pixel will do.
                let (p, q) = (camera.ray(x, y), camera.ray(x + 1, y + 1));
                let Some(hit) = Hit::new(lens, centre, &axes, (p + q) * 0.5) else {
                    continue;
                };
                let mut light = None;
                for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                    let i = (y + dy) * camera.width + x + dx;
                    let middle = (x + dx) as f32 + 0.5;
                    if !(spans[dy].0..spans[dy].1).contains(&middle)
                        || raster.seen[i].inverse_z > hit.inverse_z
                    {
                        continue;
                    }
                    let (through, mirrored) =
                        *light.get_or_insert_with(|| self.glass(lens, &hit, view, footprint));
                    colour[i] = colour[i].times(through) + mirrored;
                }
            }
        }
    }

    /// Share of the light from behind that comes through a lens, and the light it mirrors.
    fn glass(&self, lens: &Lens, hit: &Hit, view: &View<'_>, footprint: f32) -> (V3, V3) {
        let lights = view.lights;
        let reflect = |n: V3| {
            let cos = -hit.view.dot(n);
            let graze = 1.0 - cos.clamp(0.0, 1.0);
            let g2 = graze * graze;
            let bare = F0 + (1.0 - F0) * g2 * g2 * graze;
            // A coating works straight on; at grazing angles it does little.
            let share = self.style.coating.mix(V3::splat(1.0), g2 * graze) * bare;
            let seen = lights.reflected(hit.at, (hit.view + n * (2.0 * cos)).unit());
            (share, seen)
        };
        let (front, first) = reflect(hit.normals[0]);
        let (back, second) = reflect(hit.normals[1]);
        let tint = self.style.tint;
        let mut through = tint.times(V3::splat(1.0) - front);
        let mut mirrored = first.times(front) + second.times(back).times(tint).times(tint);
        if self.style.rim != Rim::Full {
            // The ground edge: a narrow band that scatters.
            let [u, v] = hit.on;
            let r = (u * u + v * v).sqrt();
            let turn = libm::atan2f(v, u) * (32.0 / std::f32::consts::PI) + 64.0;
            let k = turn as usize;
            let radius = mix(
                lens.radii[k % 64],
                lens.radii[(k + 1) % 64],
                turn - k as f32,
            );
            let wide = 0.9 + 0.5 * footprint;
            let band = smoothstep(wide, 0.25 * wide, radius - r) * (0.9 / wide).min(1.0);
            through = through * mix(1.0, 0.45, band);
            mirrored += lights.ambient(hit.normals[0]).times(v3(0.16, 0.19, 0.18)) * band;
        }
        (through, mirrored)
    }
}

/// Where a ray from the camera meets a lens's front.
struct Hit {
    /// On the lens: to the temple, down, mm.
    on: [f32; 2],
    at: V3,
    inverse_z: f32,
    /// Unit direction from the camera.
    view: V3,
    /// Unit normals of front and back, towards the viewer.
    normals: [V3; 2],
}

impl Hit {
    /// `d`: the ray, of depth 1; none if the lens is seen from behind or from its edge.
    fn new(lens: &Lens, centre: V3, axes: &M3, d: V3) -> Option<Hit> {
        let (from, along) = (axes.apply_inverse(-centre), axes.apply_inverse(d));
        if along.z < 0.05 {
            return None;
        }
        // The plane first, then twice the depth of the curve where it was met.
        let mut t = -from.z / along.z;
        for _ in 0..2 {
            let p = from + along * t;
            let deep = (p.x * p.x + p.y * p.y) * 0.5 * lens.bend[0];
            t = (deep - from.z) / along.z;
        }
        let p = from + along * t;
        Some(Hit {
            on: [p.x, p.y],
            at: d * t,
            inverse_z: 1.0 / t,
            view: d.unit(),
            normals: lens
                .bend
                .map(|c| axes.apply(v3(p.x * c, p.y * c, -1.0)).unit()),
        })
    }
}

/// First and last x of an outline in a row of samples.
fn span(edge: &[V3], row: usize) -> (f32, f32) {
    let y = row as f32 + 0.5;
    let mut ends = (f32::MAX, f32::MIN);
    for k in 0..edge.len() {
        let (p, q) = (edge[k], edge[(k + 1) % edge.len()]);
        if (p.y <= y) != (q.y <= y) {
            let x = p.x + (q.x - p.x) * (y - p.y) / (q.y - p.y);
            ends = (ends.0.min(x), ends.1.max(x));
        }
    }
    ends
}

/// A GGX lobe without its Fresnel term (Walter et al. 2007), roughness `a`.
fn lobe(n: V3, view: V3, light: V3, a: f32) -> f32 {
    let (nl, nv) = (n.dot(light), n.dot(view).max(0.05));
    if nl <= 0.0 {
        return 0.0;
    }
    let nh = n.dot((light + view).unit()).max(0.0);
    let a2 = a * a * a * a;
    let d = nh * nh * (a2 - 1.0) + 1.0;
    let k = a * a / 2.0;
    let masking = 1.0 / ((nl * (1.0 - k) + k) * (nv * (1.0 - k) + k));
    a2 / (std::f32::consts::PI * d * d) * masking * nl * 0.25
}
