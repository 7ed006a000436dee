//! Lamps, the lit screen, the room, and what shadows them.

use crate::maths::{M3, V3, smoothstep, v3};
use crate::raster::Raster;

/// The lights of a scene. Directions point from the face to the light, camera frame.
#[derive(Debug, Clone)]
pub struct Lights {
    /// The main light: a window or lamp.
    pub key: V3,
    /// Its colour and strength.
    pub key_colour: V3,
    /// A second, weak one from behind, that draws an edge.
    pub rim: V3,
    /// Its colour and strength.
    pub rim_colour: V3,
    /// Light from above, from the sides and from below that has no direction.
    pub above: V3,
    /// See `above`.
    pub beside: V3,
    /// See `above`.
    pub below: V3,
    /// Middle of the lit screen (mm).
    pub screen: V3,
    /// Half its width and height (mm).
    pub screen_half: [f32; 2],
    /// Its colour and strength at 600 mm.
    pub screen_colour: V3,
}

impl Lights {
    /// A room by day: a window to the front and left of the picture, a lit laptop before the face.
    pub fn window(screen: V3, screen_half: [f32; 2]) -> Lights {
        Lights {
            key: v3(-0.46, -0.50, -0.80).unit(),
            key_colour: v3(1.85, 1.80, 1.70),
            rim: v3(0.75, -0.35, 0.62).unit(),
            rim_colour: v3(0.55, 0.47, 0.38),
            above: v3(0.52, 0.54, 0.58),
            beside: v3(0.37, 0.355, 0.345),
            below: v3(0.22, 0.195, 0.175),
            screen,
            screen_half,
            screen_colour: v3(0.20, 0.23, 0.28),
        }
    }

    /// Undirected light that arrives around a normal.
    pub fn ambient(&self, n: V3) -> V3 {
        let up = (-n.y).max(0.0);
        let down = n.y.max(0.0);
        // The side of the window is brighter.
        let window = 1.0 + 0.35 * n.dot(v3(self.key.x, 0.0, self.key.z).unit());
        (self.above * up + self.below * down + self.beside * (1.0 - up - down).max(0.0)) * window
    }

    /// What a mirror in the given direction would show: window with its bars, screen, room.
    pub fn reflected(&self, from: V3, d: V3) -> V3 {
        let mut light = self.ambient(d) * 0.5;
        // The window: a rectangle of directions around the key light, with a cross.
        let across = v3(0.0, 1.0, 0.0).cross(self.key).unit();
        let along = self.key.cross(across);
        let facing = d.dot(self.key);
        if facing > 0.1 {
            let (u, v) = (d.dot(across) / facing, d.dot(along) / facing);
            let inside = smoothstep(0.27, 0.23, u.abs()) * smoothstep(0.36, 0.32, v.abs());
            let bars = smoothstep(0.012, 0.03, u.abs());
            light += self.key_colour * (20.0 * inside * bars);
        }
        // The screen: a rectangle in the plane z = screen.z.
        if d.z < -0.05 {
            let t = (self.screen.z - from.z) / d.z;
            let hit = from + d * t;
            let (u, v) = (
                (hit.x - self.screen.x).abs() / self.screen_half[0],
                (hit.y - self.screen.y).abs() / self.screen_half[1],
            );
            light +=
                self.screen_colour * (7.0 * smoothstep(1.05, 0.95, u) * smoothstep(1.05, 0.95, v));
        }
        light
    }
}

/// Depths seen from a far light: what the light reaches.
#[derive(Debug, Default)]
pub struct ShadowMap {
    raster: Raster,
    projected: Vec<V3>,
    frame: Option<M3>,
    centre: V3,
    scale: f32,
    size: usize,
}

impl ShadowMap {
    /// Draws the mesh as seen from `towards` (a direction to the light), `span` mm around `centre`.
    pub fn draw(
        &mut self,
        triangles: &[[u32; 3]],
        positions: &[V3],
        towards: V3,
        centre: V3,
        span: f32,
        size: usize,
    ) {
        let across = v3(0.0, 1.0, 0.13).cross(towards).unit();
        let frame = M3(across, towards.cross(across), towards);
        self.scale = size as f32 / span;
        (self.frame, self.centre, self.size) = (Some(frame), centre, size);
        let mut projected = std::mem::take(&mut self.projected);
        projected.clear();
        projected.extend(positions.iter().map(|&p| self.place(&frame, p)));
        self.raster.draw(triangles, &projected, size, size, false);
        self.projected = projected;
    }

    /// x, y in samples; z larger nearer the light, kept positive.
    fn place(&self, frame: &M3, p: V3) -> V3 {
        let q = frame.apply_inverse(p - self.centre);
        let half = self.size as f32 / 2.0;
        v3(
            q.x * self.scale + half,
            q.y * self.scale + half,
            q.z + 4000.0,
        )
    }

    /// Share of the light that reaches `p`, 0..1, softened over `blur` mm; what lies less than
    /// `bias` mm above it is taken for itself.
    pub fn reach(&self, p: V3, blur: f32, bias: f32) -> f32 {
        let Some(frame) = &self.frame else { return 1.0 };
        let q = self.place(frame, p);
        let step = (blur * self.scale / 2.0).max(0.7);
        let tap = |i: i32, j: i32| {
            // Turned a little, so that the grid does not show.
            let x = q.x + step * (i as f32 + 0.31 * j as f32);
            let y = q.y + step * (j as f32 - 0.31 * i as f32);
            let (xi, yi) = (x as usize, y as usize);
            let inside = x >= 0.0 && y >= 0.0 && xi < self.size && yi < self.size;
            let depth = if inside {
                self.raster.seen[yi * self.size + xi].inverse_z
            } else {
                0.0
            };
            // A farther tap may meet a slope: allow more.
            let slack = bias + (i * i + j * j) as f32 * 0.12 * step / self.scale;
            1.0 - smoothstep(slack, slack + 1.2, depth - q.z)
        };
        // Where corners and middle agree there is no edge of a shadow near.
        let outline = tap(0, 0) + tap(-2, -2) + tap(2, -2) + tap(-2, 2) + tap(2, 2);
        if outline == 0.0 || outline == 5.0 {
            return outline / 5.0;
        }
        let mut lit = 0.0;
        for i in -2i32..=2 {
            for j in -2i32..=2 {
                lit += tap(i, j);
            }
        }
        lit / 25.0
    }
}

/// How open each vertex lies to the room: 1 free, 0 buried. Depth maps from
/// many directions, each weighted by its cosine.
pub fn openness(triangles: &[[u32; 3]], positions: &[V3], normals: &[V3]) -> Vec<f32> {
    let mut open = vec![0.0f32; positions.len()];
    let mut total = vec![1e-6f32; positions.len()];
    let mut map = ShadowMap::default();
    let n = 48;
    for k in 0..n {
        // Directions spread evenly by the golden angle.
        let y = 1.0 - 2.0 * (k as f32 + 0.5) / n as f32;
        let (s, c) = crate::maths::sin_cos(f64::from(k) * 137.507_764);
        let r = (1.0 - y * y).sqrt();
        let d = v3(r * c as f32, y, r * s as f32);
        map.draw(triangles, positions, d, v3(0.0, 60.0, 60.0), 560.0, 280);
        for (i, (&p, &nv)) in positions.iter().zip(normals).enumerate() {
            let cos = nv.dot(d);
            if cos > 0.02 {
                open[i] += cos * map.reach(p + nv * 1.0, 4.0, 2.0);
                total[i] += cos;
            }
        }
    }
    open.iter()
        .zip(&total)
        .map(|(o, t)| (o / t).clamp(0.0, 1.0))
        .collect()
}
