//! Tubes and pads that a frame is built of.

use super::Part;
use crate::maths::V3;

/// A place along a tube and the two axes of its section there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Station {
    pub at: V3,
    pub out: V3,
    pub back: V3,
    /// Factors on the section along `out` and `back`.
    pub size: [f32; 2],
}

/// A mesh in the making.
#[derive(Debug, Default)]
pub(super) struct Builder {
    pub positions: Vec<V3>,
    pub triangles: Vec<[u32; 3]>,
    pub parts: Vec<Part>,
}

/// A section: corners of a rectangle from `lo` to `hi` (along `out`, along `back`) with bevelled edges.
pub(super) fn bevelled(lo: [f32; 2], hi: [f32; 2], bevel: f32) -> Vec<[f32; 2]> {
    let ([x0, y0], [x1, y1]) = (lo, hi);
    let b = bevel;
    vec![
        [x0 + b, y0],
        [x1 - b, y0],
        [x1, y0 + b],
        [x1, y1 - b],
        [x1 - b, y1],
        [x0 + b, y1],
        [x0, y1 - b],
        [x0, y0 + b],
    ]
}

/// A section of unit radius, six-cornered: a wire.
pub(super) fn wire() -> Vec<[f32; 2]> {
    let h = 0.866;
    vec![
        [1.0, 0.0],
        [0.5, h],
        [-0.5, h],
        [-1.0, 0.0],
        [-0.5, -h],
        [0.5, -h],
    ]
}

impl Builder {
    /// A tube of `section` along `stations`; closed to a ring, or capped.
    pub(super) fn tube(
        &mut self,
        stations: &[Station],
        section: &[[f32; 2]],
        ring: bool,
        part: Part,
    ) {
        let (first, from) = (self.positions.len() as u32, self.triangles.len());
        let (n, m) = (stations.len() as u32, section.len() as u32);
        for s in stations {
            self.positions.extend(
                (section.iter())
                    .map(|c| s.at + s.out * (c[0] * s.size[0]) + s.back * (c[1] * s.size[1])),
            );
        }
        let at = |i: u32, j: u32| first + (i % n) * m + j % m;
        for i in 0..if ring { n } else { n - 1 } {
            for j in 0..m {
                let [a, b, c, d] = [at(i, j), at(i, j + 1), at(i + 1, j + 1), at(i + 1, j)];
                self.triangles.extend([[a, b, c], [a, c, d]]);
            }
        }
        if !ring {
            for j in 1..m - 1 {
                self.triangles.push([at(0, 0), at(0, j + 1), at(0, j)]);
                let i = n - 1;
                self.triangles.push([at(i, 0), at(i, j), at(i, j + 1)]);
            }
        }
        self.finish(from, part);
    }

    /// An ellipsoid with these half axes.
    pub(super) fn ellipsoid(&mut self, centre: V3, axes: [V3; 3], part: Part) {
        let (first, from) = (self.positions.len() as u32, self.triangles.len());
        let (rings, around) = (4u32, 8u32);
        for i in 1..=rings {
            let (s, c) = crate::maths::sin_cos(180.0 * f64::from(i) / f64::from(rings + 1));
            for j in 0..around {
                let (t, d) = crate::maths::sin_cos(360.0 * f64::from(j) / f64::from(around));
                self.positions.push(
                    centre
                        + axes[2] * c as f32
                        + axes[0] * (s * d) as f32
                        + axes[1] * (s * t) as f32,
                );
            }
        }
        self.positions.extend([centre + axes[2], centre - axes[2]]);
        let at = |i: u32, j: u32| first + i * around + j % around;
        let (top, bottom) = (first + rings * around, first + rings * around + 1);
        for j in 0..around {
            for i in 0..rings - 1 {
                let [a, b, c, d] = [at(i, j), at(i, j + 1), at(i + 1, j + 1), at(i + 1, j)];
                self.triangles.extend([[a, b, c], [a, c, d]]);
            }
            self.triangles.push([top, at(0, j + 1), at(0, j)]);
            self.triangles
                .push([bottom, at(rings - 1, j), at(rings - 1, j + 1)]);
        }
        self.finish(from, part);
    }

    /// Turns the newest piece inside out if its volume is negative.
    fn finish(&mut self, from: usize, part: Part) {
        let corner = |t: &[u32; 3], k: usize| self.positions[t[k] as usize];
        let origin = corner(&self.triangles[from], 0);
        let volume: f32 = (self.triangles[from..].iter())
            .map(|t| {
                let [a, b, c] = [0, 1, 2].map(|k| corner(t, k) - origin);
                a.dot(b.cross(c))
            })
            .sum();
        if volume < 0.0 {
            for t in &mut self.triangles[from..] {
                t.swap(1, 2);
            }
        }
        self.parts.resize(self.triangles.len(), part);
    }
}
