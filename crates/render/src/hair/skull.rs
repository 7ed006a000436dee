//! A head as seen from its middle: how far away the skin is in each direction.

use crate::body::head::Posed;
use crate::body::template::Template;
use crate::maths::{V3, mix, v3};
use crate::raster::cover;

/// The middle of the skull in the head's frame, mm.
pub(super) const MIDDLE: V3 = v3(0.0, -18.0, 92.0);
/// Cells along each side of the map.
pub(super) const CELLS: usize = 96;
/// Degrees from the crown to the map's edge.
const REACH: f32 = 143.0;

/// Distances over the directions, in the azimuthal equidistant projection around the crown.
pub(super) struct Skull {
    radius: Vec<f32>,
    reference: Vec<V3>,
}

/// Where a direction lies on the map, in cells.
pub(super) fn to_map(d: V3) -> [f32; 2] {
    let polar = libm::acosf((-d.y).clamp(-1.0, 1.0)).to_degrees();
    let across = (d.x * d.x + d.z * d.z).sqrt().max(1e-6);
    let half = CELLS as f32 / 2.0;
    let s = polar / REACH * half / across;
    [half + d.x * s, half + d.z * s]
}

/// The direction of a place on the map.
pub(super) fn from_map(u: f32, v: f32) -> V3 {
    let half = CELLS as f32 / 2.0;
    let (x, z) = (u - half, v - half);
    let r = (x * x + z * z).sqrt();
    let (s, c) = crate::maths::sin_cos(f64::from(r / half * REACH));
    let k = if r > 1e-6 { s as f32 / r } else { 0.0 };
    v3(x * k, -c as f32, z * k)
}

/// A direction by degrees around the skull (0 the nose, 90 the image's right) and from the crown.
pub(super) fn direction(around: f32, polar: f32) -> V3 {
    let (sa, ca) = crate::maths::sin_cos(f64::from(around));
    let (sp, cp) = crate::maths::sin_cos(f64::from(polar));
    v3((sp * sa) as f32, -cp as f32, -(sp * ca) as f32)
}

impl Skull {
    pub(super) fn new(template: &Template, rest: &Posed) -> Skull {
        let projected: Vec<V3> = rest
            .positions
            .iter()
            .map(|&p| {
                let d = p - MIDDLE;
                let r = d.len();
                let [x, y] = to_map(d / r);
                v3(x, y, r)
            })
            .collect();
        let n = CELLS * CELLS;
        let (mut radius, mut reference) = (vec![0.0f32; n], vec![V3::ZERO; n]);
        for t in &template.triangles {
            let corners = t.map(|v| projected[v as usize]);
            let [a, b, c] = corners;
            let far = |p: V3| {
                let (x, y) = (p.x - CELLS as f32 / 2.0, p.y - CELLS as f32 / 2.0);
                x * x + y * y > (CELLS * CELLS) as f32 * 0.28
            };
            if template.masks.ears[t[0] as usize] > 0.3 || far(a) || far(b) || far(c) {
                continue;
            }
            let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
            cover(corners, area, CELLS, CELLS, |i, r, wb, wc| {
                if r > radius[i] && r < 190.0 {
                    radius[i] = r;
                    let [p, q, s] = t.map(|v| template.reference[v as usize]);
                    reference[i] = p * (1.0 - wb - wc) + q * wb + s * wc;
                }
            });
        }
        let mut skull = Skull { radius, reference };
        skull.fill();
        skull
    }

    /// Gives what no triangle covered (ears' roots, the map's corners) its neighbours' mean.
    fn fill(&mut self) {
        for _ in 0..CELLS {
            let before = self.radius.clone();
            let mut open = false;
            for y in 0..CELLS {
                for x in 0..CELLS {
                    let i = y * CELLS + x;
                    if before[i] > 0.0 {
                        continue;
                    }
                    let (mut r, mut p, mut n) = (0.0, V3::ZERO, 0.0);
                    for (dx, dy) in [(0, 1), (2, 1), (1, 0), (1, 2)] {
                        let (xx, yy) = (x + dx, y + dy);
                        if (1..=CELLS).contains(&xx) && (1..=CELLS).contains(&yy) {
                            let j = (yy - 1) * CELLS + xx - 1;
                            if before[j] > 0.0 {
                                r += before[j];
                                p += self.reference[j];
                                n += 1.0;
                            }
                        }
                    }
                    if n > 0.0 {
                        self.radius[i] = r / n;
                        self.reference[i] = p / n;
                    } else {
                        open = true;
                    }
                }
            }
            if !open {
                break;
            }
        }
    }

    /// Distance to the skin, and the place of the mean adult found there.
    pub(super) fn at(&self, d: V3) -> (f32, V3) {
        let [x, y] = to_map(d);
        let (x, y) = (x - 0.5, y - 0.5);
        let last = (CELLS - 2) as f32;
        let (x, y) = (x.clamp(0.0, last + 0.99), y.clamp(0.0, last + 0.99));
        let (i, j) = ((x as usize).min(CELLS - 2), (y as usize).min(CELLS - 2));
        let (u, v) = (x - i as f32, y - j as f32);
        let k = j * CELLS + i;
        let r = mix(
            mix(self.radius[k], self.radius[k + 1], u),
            mix(self.radius[k + CELLS], self.radius[k + CELLS + 1], u),
            v,
        );
        let f = &self.reference;
        let p = f[k]
            .mix(f[k + 1], u)
            .mix(f[k + CELLS].mix(f[k + CELLS + 1], u), v);
        (r, p)
    }
}
