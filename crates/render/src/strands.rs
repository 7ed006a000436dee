//! Thin lines over a picture: strands, brows, lashes.

use crate::maths::V3;
use crate::raster::{Pinhole, Raster};

/// What strands are drawn over: colours, and depths to be tested against.
pub struct Canvas<'a> {
    /// Linear colours, one per sample.
    pub colour: &'a mut [V3],
    /// What the body shows.
    pub raster: &'a Raster,
    /// The camera.
    pub camera: Pinhole,
}

impl Canvas<'_> {
    /// A line of points (camera frame), `width` mm at its root, thinning to nothing; `bias` mm
    /// may it lie behind what it is drawn over.
    pub(crate) fn stroke(
        &mut self,
        line: &[V3],
        width: f32,
        opacity: f32,
        bias: f32,
        colour: impl Fn(V3, V3, f32) -> V3,
    ) {
        let n = line.len() - 1;
        for k in 0..n {
            let (a, b) = (line[k], line[k + 1]);
            if a.z < 50.0 || b.z < 50.0 {
                return;
            }
            let (pa, pb) = (self.camera.project(a), self.camera.project(b));
            let c = colour(a, b, (k as f32 + 0.5) / n as f32);
            let thin = 1.0 - 0.75 * (k as f32 / n as f32);
            let covered = width * thin * self.camera.f[0] * pa.z;
            self.segment(pa, pb, covered, opacity, bias, c);
        }
    }

    fn segment(&mut self, a: V3, b: V3, covered: f32, opacity: f32, bias: f32, colour: V3) {
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        let steep = dy.abs() > dx.abs();
        let major = dx.abs().max(dy.abs());
        let steps = major.ceil().max(1.0) as usize;
        let per_step = major / steps as f32;
        let slant = if major > 1e-6 {
            (dx * dx + dy * dy).sqrt() / major
        } else {
            1.0
        };
        let across = (covered * slant).max(0.05);
        let (w, h) = (self.camera.width as isize, self.camera.height as isize);
        for s in 0..steps {
            let t = (s as f32 + 0.5) / steps as f32;
            let (x, y, z) = (a.x + dx * t, a.y + dy * t, a.z + (b.z - a.z) * t);
            let minor = if steep { x } else { y };
            let (lo, hi) = (minor - across / 2.0, minor + across / 2.0);
            for m in lo.floor() as isize..=hi.floor() as isize {
                let part = (hi.min(m as f32 + 1.0) - lo.max(m as f32)).clamp(0.0, 1.0);
                let (px, py) = if steep {
                    (m, y.floor() as isize)
                } else {
                    (x.floor() as isize, m)
                };
                if px < 0 || py < 0 || px >= w || py >= h {
                    continue;
                }
                let i = (py * w + px) as usize;
                let front = self.raster.seen[i].inverse_z;
                // 1/z against 1/(z + bias): in front, or not far behind.
                if front > 0.0 && 1.0 / z > 1.0 / front + bias {
                    continue;
                }
                self.colour[i] = self.colour[i].mix(colour, part * opacity * per_step.min(1.0));
            }
        }
    }
}
