//! What a light reaches, and how open each place lies to the room.

use crate::maths::{M3, V3, smoothstep, v3};
use crate::raster::{corners, cover};

/// Samples across a cell of [`ShadowMap`]'s list of thin things.
const CELL: usize = 8;
/// How far around something thin its soft shadow reaches, mm.
const THIN_REACH: f32 = 7.0;

/// Depths seen from a far light.
#[derive(Debug, Default)]
pub struct ShadowMap {
    /// Row by row: larger is nearer the light, 0 where there is nothing.
    nearest: Vec<f32>,
    projected: Vec<V3>,
    frame: Option<M3>,
    centre: V3,
    scale: f32,
    size: usize,
    /// Cells of [`CELL`]² samples near what is thinner than a shadow's soft edge; empty without such.
    thin: Vec<bool>,
}

impl ShadowMap {
    /// Begins a map as seen from `towards` (a direction to the light), `span` mm around
    /// `centre`, of `size`² samples.
    pub fn begin(&mut self, towards: V3, centre: V3, span: f32, size: usize) {
        let across = v3(0.0, 1.0, 0.13).cross(towards).unit();
        let frame = M3(across, towards.cross(across), towards);
        self.scale = size as f32 / span;
        (self.frame, self.centre, self.size) = (Some(frame), centre, size);
        self.thin.clear();
        self.nearest.clear();
        self.nearest.resize(size * size, 0.0);
    }

    /// Adds what casts shadows.
    pub fn add(&mut self, triangles: &[[u32; 3]], positions: &[V3]) {
        let Some(frame) = self.frame else { return };
        let mut projected = std::mem::take(&mut self.projected);
        projected.clear();
        projected.extend(positions.iter().map(|&p| self.place(&frame, p)));
        for t in triangles {
            let [a, b, c] = corners(t, &projected);
            let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
            // What faces away from the light lies behind what faces it: bodies are closed.
            if area <= 0.0 {
                continue;
            }
            cover([a, b, c], area, self.size, self.size, |at, z, _, _| {
                self.nearest[at] = self.nearest[at].max(z);
            });
        }
        self.projected = projected;
    }

    /// Adds what casts shadows narrower than their own soft edges: the frame of glasses.
    pub fn add_thin(&mut self, triangles: &[[u32; 3]], positions: &[V3]) {
        self.add(triangles, positions);
        let across = self.size.div_ceil(CELL);
        self.thin.resize(across * across, false);
        let reach = THIN_REACH * self.scale;
        for t in triangles {
            let corners = t.map(|v| self.projected[v as usize]);
            let cells = |pick: fn(&V3) -> f32| {
                let lo = corners.iter().map(pick).fold(f32::MAX, f32::min) - reach;
                let hi = corners.iter().map(pick).fold(f32::MIN, f32::max) + reach;
                lo.max(0.0) as usize / CELL..(hi.max(0.0) as usize / CELL + 1).min(across)
            };
            for y in cells(|p| p.y) {
                for x in cells(|p| p.x) {
                    self.thin[y * across + x] = true;
                }
            }
        }
    }

    /// x, y in samples; z larger nearer the light, kept positive.
    #[inline]
    fn place(&self, frame: &M3, p: V3) -> V3 {
        let q = frame.apply_inverse(p - self.centre);
        let half = self.size as f32 / 2.0;
        v3(
            q.x * self.scale + half,
            q.y * self.scale + half,
            q.z + 4000.0,
        )
    }

    /// Depth of the map at a place, and the place itself.
    #[inline]
    fn depth(&self, x: f32, y: f32) -> f32 {
        let (xi, yi) = (x as usize, y as usize);
        if x >= 0.0 && y >= 0.0 && xi < self.size && yi < self.size {
            self.nearest[yi * self.size + xi]
        } else {
            0.0
        }
    }

    /// Whether nothing nearer than `bias` mm lies between `p` and the light: 0 or 1, hard-edged.
    pub fn reaches(&self, p: V3, bias: f32) -> bool {
        let Some(frame) = &self.frame else {
            return true;
        };
        let q = self.place(frame, p);
        self.depth(q.x, q.y) - q.z < bias
    }

    /// Share of the light that reaches `p`, 0..1, softened over `blur` mm; what lies less than
    /// `bias` mm above it is taken for itself.
    pub fn reach(&self, p: V3, blur: f32, bias: f32) -> f32 {
        let Some(frame) = &self.frame else { return 1.0 };
        let q = self.place(frame, p);
        let step = (blur * self.scale / 2.0).max(0.7);
        let tap_at = |i: i32, j: i32, dx: f32, dy: f32| {
            // Turned a little, so that the grid does not show.
            let x = q.x + step * (i as f32 + 0.31 * j as f32 + dx);
            let y = q.y + step * (j as f32 - 0.31 * i as f32 + dy);
            // A farther tap may meet a slope: allow more.
            let slack = bias + (i * i + j * j) as f32 * 0.12 * step / self.scale;
            1.0 - smoothstep(slack, slack + 1.2, self.depth(x, y) - q.z)
        };
        let tap = |i: i32, j: i32| tap_at(i, j, 0.0, 0.0);
        let thin = !self.thin.is_empty()
            && (0.0..self.size as f32).contains(&q.x)
            && (0.0..self.size as f32).contains(&q.y)
            && self.thin[q.y as usize / CELL * self.size.div_ceil(CELL) + q.x as usize / CELL];
        if thin {
            // Between the taps something thin would be lost in one place and caught in the
            // next, in stripes: each tap wanders within its cell.
            let mut h = ((q.x * 16.0) as u32).wrapping_mul(0x8da6_b343)
                ^ ((q.y * 16.0) as u32).wrapping_mul(0xd816_3841);
            h ^= h >> 15;
            let mut wander = || {
                h = h.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (h >> 16) as f32 / 65536.0 - 0.5
            };
            let mut lit = 0.0;
            for i in -2i32..=2 {
                for j in -2i32..=2 {
                    lit += tap_at(i, j, wander(), wander());
                }
            }
            return lit / 25.0;
        }
        // Where corners and middle agree there is no edge of a shadow near.
        let outline = tap(0, 0) + tap(-2, -2) + tap(2, -2) + tap(-2, 2) + tap(2, 2);
        if outline == 0.0 || outline == 5.0 {
            return outline / 5.0;
        }
        // In an edge the rest of a quincunx: every other one of five by five.
        let inner = tap(-1, -1) + tap(1, -1) + tap(-1, 1) + tap(1, 1);
        let cross = tap(0, -2) + tap(0, 2) + tap(-2, 0) + tap(2, 0);
        (outline + inner + cross) / 13.0
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
        // Light from straight behind never reaches what a camera sees.
        if d.z > 0.75 {
            continue;
        }
        map.begin(d, v3(0.0, 60.0, 60.0), 560.0, 200);
        map.add(triangles, positions);
        for (i, (&p, &nv)) in positions.iter().zip(normals).enumerate() {
            let cos = nv.dot(d);
            if cos > 0.02 {
                // A step along the normal keeps a vertex from shading itself.
                if map.reaches(p + nv * 2.0, 2.5) {
                    open[i] += cos;
                }
                total[i] += cos;
            }
        }
    }
    open.iter()
        .zip(&total)
        .map(|(o, t)| (o / t).clamp(0.0, 1.0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shadow_of_a_wire_has_the_wire_s_width() {
        // 1.2 mm wide and 120 mm long, 10 mm before a wall, under a light that falls straight in.
        let (half, z) = (0.6, -10.0);
        let wire = [
            v3(-60.0, -half, z),
            v3(60.0, -half, z),
            v3(60.0, half, z),
            v3(-60.0, half, z),
        ];
        let mut map = ShadowMap::default();
        map.begin(v3(0.0, 0.0, -1.0), V3::ZERO, 400.0, 800);
        map.add_thin(&[[0, 2, 1], [0, 3, 2]], &wire);
        for x in -9..10 {
            // What the wall lacks across the wire, in mm: softened, but neither lost nor doubled.
            let missing: f32 = (-200..200)
                .map(|k| 1.0 - map.reach(v3(3.0 * x as f32, 0.05 * k as f32, 0.0), 5.0, 1.4))
                .sum::<f32>()
                * 0.05;
            assert!((0.75..1.8).contains(&missing), "{missing} mm at {x}");
        }
        assert_eq!(map.reach(v3(0.0, 30.0, 0.0), 5.0, 1.4), 1.0);
    }
}
