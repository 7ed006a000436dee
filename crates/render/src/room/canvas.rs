//! Flat shapes in space, seen by a pinhole: what backgrounds are painted with.

use crate::light::Lights;
use crate::maths::{M3, V3, v3};

/// Nothing nearer than this is painted, mm.
const NEAR: f32 = 250.0;

/// How a shape's surface looks.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    /// Share of the light that comes back.
    albedo: V3,
    /// Light of its own.
    glow: V3,
    /// How opaque it is along its first and along its last edge.
    alpha: [f32; 2],
    /// Its brightness along its last edge against the first.
    fade: f32,
}

/// A matt surface.
pub fn matt(albedo: V3) -> Paint {
    Paint {
        albedo,
        glow: V3::ZERO,
        alpha: [1.0; 2],
        fade: 1.0,
    }
}

/// A surface that shines by itself.
pub fn glowing(radiance: V3) -> Paint {
    Paint {
        glow: radiance,
        ..matt(V3::ZERO)
    }
}

/// A shadow that is `first` dark at its first edge and `last` at its last.
pub fn shade(first: f32, last: f32) -> Paint {
    Paint {
        alpha: [first, last],
        ..matt(V3::ZERO)
    }
}

impl Paint {
    /// The same, brighter or darker towards the last edge.
    pub fn fading(self, fade: f32) -> Paint {
        Paint { fade, ..self }
    }
}

/// A picture that is being painted, far things first.
pub struct Canvas<'a> {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<V3>,
    /// Focal length in pixels of this canvas.
    pub focal: f32,
    /// Camera frame from the room's frame (x right, y down, z away; the camera at the origin).
    pub turn: M3,
    pub lights: &'a Lights,
    /// How much of the face's light reaches the background.
    pub level: f32,
}

impl Canvas<'_> {
    /// Light on a surface of the room with this normal (camera frame).
    fn light(&self, n: V3) -> V3 {
        let l = self.lights;
        // What faces down is lit by the room's own floor and lamps, not by the face's table.
        let fill = l.fill.on(n);
        let down = n.y.max(0.0);
        let fill = fill.mix(l.fill.on(v3(0.0, -0.35, -0.94)), 0.7 * down);
        (fill
            + l.key_colour * (0.45 * n.dot(l.key).max(0.0))
            + l.rim_colour * (0.45 * n.dot(l.rim).max(0.0)))
            * self.level
    }

    /// Camera frame → pixels.
    fn place(&self, p: V3) -> [f32; 2] {
        let s = self.focal / p.z;
        [
            p.x * s + self.width as f32 / 2.0,
            p.y * s + self.height as f32 / 2.0,
        ]
    }

    /// Whether a flat shape with these corners turns its front to the camera, corners clockwise as seen.
    fn faces(&self, corners: &[V3; 4]) -> bool {
        let n = (corners[1] - corners[0]).cross(corners[3] - corners[0]);
        // x right, y down: clockwise as seen has its normal pointing away.
        self.turn.apply(n).dot(self.turn.apply(corners[0])) > 0.0
    }

    /// A flat convex shape of four corners (room frame, mm): first edge 0–1, last edge 2–3.
    pub fn quad(&mut self, corners: [V3; 4], paint: Paint) {
        let p = corners.map(|c| self.turn.apply(c));
        let n = (p[1] - p[0]).cross(p[3] - p[0]).unit();
        let n = if n.dot(p[0]) > 0.0 { -n } else { n };
        let colour = self.light(n).times(paint.albedo) + paint.glow;
        let mut points = Vec::with_capacity(6);
        for i in 0..4 {
            let (a, b) = (p[i], p[(i + 1) % 4]);
            if a.z >= NEAR {
                points.push(self.place(a));
            }
            if (a.z < NEAR) != (b.z < NEAR) {
                points.push(self.place(a.mix(b, (NEAR - a.z) / (b.z - a.z))));
            }
        }
        if points.len() < 3 {
            return;
        }
        // How far between the first and the last edge a pixel lies.
        let ends = [(p[0] + p[1]) * 0.5, (p[2] + p[3]) * 0.5].map(|mut q| {
            q.z = q.z.max(NEAR);
            self.place(q)
        });
        let d = [ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]];
        let l = (d[0] * d[0] + d[1] * d[1]).max(1e-6);
        let along = [d[0] / l, d[1] / l];
        let start = -(ends[0][0] * along[0] + ends[0][1] * along[1]);
        self.fill(&points, colour, &paint, [along[0], along[1], start]);
    }

    /// Fills a convex polygon, its edges as smooth as pixels allow.
    fn fill(&mut self, points: &[[f32; 2]], colour: V3, paint: &Paint, along: [f32; 3]) {
        let area: f32 = (0..points.len())
            .map(|i| {
                let (a, b) = (points[i], points[(i + 1) % points.len()]);
                a[0] * b[1] - b[0] * a[1]
            })
            .sum();
        if area.abs() < 0.02 {
            return;
        }
        // Distance of a pixel's middle to each edge, inside positive: a·x + b·y + c.
        let mut edges = [[0.0f32; 3]; 8];
        let mut n = 0;
        for i in 0..points.len() {
            let (a, b) = (points[i], points[(i + 1) % points.len()]);
            let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
            let l = (dx * dx + dy * dy).sqrt();
            if l < 1e-4 {
                continue;
            }
            let s = area.signum() / l;
            edges[n] = [-dy * s, dx * s, (dy * a[0] - dx * a[1]) * s];
            n += 1;
        }
        let edges = &edges[..n];
        let top = points.iter().fold(f32::MAX, |m, p| m.min(p[1]));
        let low = points.iter().fold(f32::MIN, |m, p| m.max(p[1]));
        let (y0, y1) = (
            (top - 0.5).clamp(0.0, self.height as f32) as usize,
            (low + 1.5).clamp(0.0, self.height as f32) as usize,
        );
        let plain = paint.alpha == [1.0; 2] && paint.fade == 1.0;
        for y in y0..y1 {
            let yc = y as f32 + 0.5;
            // Where all edges are at least half a pixel away lies the full part; beyond −½ nothing.
            let span = |margin: f32| {
                let (mut lo, mut hi) = (0.0f32, self.width as f32);
                for e in edges {
                    let c = e[1] * yc + e[2] - margin;
                    if e[0] > 1e-6 {
                        lo = lo.max(-c / e[0] - 0.5);
                    } else if e[0] < -1e-6 {
                        hi = hi.min(-c / e[0] + 0.5);
                    } else if c < 0.0 {
                        hi = -1.0;
                    }
                }
                (lo, hi)
            };
            let (lo, hi) = span(-0.5);
            if hi <= lo {
                continue;
            }
            let (lo, hi) = (lo as usize, (hi as usize).min(self.width));
            let (ilo, ihi) = span(0.5);
            let (ilo, ihi) = if ihi > ilo + 1.0 {
                (ilo as usize + 1, ihi as usize)
            } else {
                (hi, hi)
            };
            let row = &mut self.pixels[y * self.width..(y + 1) * self.width];
            let put = |row: &mut [V3], x: usize, cover: f32| {
                let t = ((x as f32 + 0.5) * along[0] + yc * along[1] + along[2]).clamp(0.0, 1.0);
                let alpha = paint.alpha[0] + (paint.alpha[1] - paint.alpha[0]) * t;
                let c = colour * (1.0 + (paint.fade - 1.0) * t);
                row[x] = row[x].mix(c, alpha * cover);
            };
            let mut x = lo;
            while x < hi {
                if x == ilo && ihi > ilo {
                    if plain {
                        x = ihi;
                        continue;
                    }
                    if paint.alpha == [1.0; 2] {
                        let (t0, slope) = (yc * along[1] + along[2], paint.fade - 1.0);
                        for (x, c) in row[ilo..ihi.min(hi)].iter_mut().enumerate() {
                            let t = (ilo + x) as f32 + 0.5;
                            let t = (t * along[0] + t0).clamp(0.0, 1.0);
                            *c = colour * (1.0 + slope * t);
                        }
                    } else {
                        for x in ilo..ihi.min(hi) {
                            put(row, x, 1.0);
                        }
                    }
                    x = ihi;
                    continue;
                }
                let near = edges.iter().fold(f32::MAX, |m, e| {
                    m.min(e[0] * (x as f32 + 0.5) + e[1] * yc + e[2])
                });
                put(row, x, (near + 0.5).clamp(0.0, 1.0));
                x += 1;
            }
            if plain && ihi > ilo {
                row[ilo.min(hi)..ihi.min(hi)].fill(colour);
            }
        }
    }

    /// A ball or a round lamp (room frame, mm), lit from its own upper side.
    pub fn disc(&mut self, middle: V3, radius: f32, paint: Paint) {
        let p = self.turn.apply(middle);
        if p.z < NEAR {
            return;
        }
        let [cx, cy] = self.place(p);
        let r = radius * self.focal / p.z;
        let colour = self.light(v3(0.0, -0.5, -0.87)).times(paint.albedo) + paint.glow;
        self.around(cx, cy, r + 1.0, |c, dx, dy| {
            let cover = (r - (dx * dx + dy * dy).sqrt() + 0.5).clamp(0.0, 1.0);
            let lit = 1.0 + (paint.fade - 1.0) * (dy / r * 0.5 + 0.5);
            c.mix(colour * lit, cover * paint.alpha[0])
        });
    }

    /// The shine of a lamp on what is around it: adds to what is there.
    pub fn halo(&mut self, middle: V3, radius: f32, radiance: V3) {
        let p = self.turn.apply(middle);
        if p.z < NEAR {
            return;
        }
        let [cx, cy] = self.place(p);
        let r = radius * self.focal / p.z;
        self.around(cx, cy, r, |c, dx, dy| {
            let far = (dx * dx + dy * dy) / (r * r);
            let a = (1.0 - far).max(0.0);
            c + radiance * (a * a * a)
        });
    }

    fn around(&mut self, cx: f32, cy: f32, r: f32, mut f: impl FnMut(V3, f32, f32) -> V3) {
        let range = |c: f32, n: usize| {
            let n = n as f32;
            (
                (c - r).clamp(0.0, n) as usize,
                (c + r + 1.0).clamp(0.0, n) as usize,
            )
        };
        let ((x0, x1), (y0, y1)) = (range(cx, self.width), range(cy, self.height));
        for y in y0..y1 {
            for x in x0..x1 {
                let (dx, dy) = (x as f32 + 0.5 - cx, y as f32 + 0.5 - cy);
                let c = &mut self.pixels[y * self.width + x];
                *c = f(*c, dx, dy);
            }
        }
    }
}

/// A flat place in the room that things stand on or hang at: its origin, its right, its down,
/// and out of it towards the room.
#[derive(Debug, Clone, Copy)]
pub struct Wall {
    pub at: V3,
    pub right: V3,
    pub down: V3,
    pub out: V3,
}

impl Wall {
    /// A point of it, `o` mm before it.
    pub fn point(&self, u: f32, v: f32, o: f32) -> V3 {
        self.at + self.right * u + self.down * v + self.out * o
    }

    /// A rectangle from the left top to the right bottom; its first edge is the top one.
    pub fn rect(&self, c: &mut Canvas, [u0, v0, u1, v1]: [f32; 4], out: f32, paint: Paint) {
        let p = |u, v| self.point(u, v, out);
        c.quad([p(u0, v0), p(u1, v0), p(u1, v1), p(u0, v1)], paint);
    }

    /// A block that stands `depth` mm out of it, beginning `from` mm before it.
    pub fn block(&self, c: &mut Canvas, at: [f32; 4], [from, to]: [f32; 2], paint: Paint) {
        let [u0, v0, u1, v1] = at;
        let p = |u, v, o| self.point(u, v, o);
        let sides = [
            // Top, bottom, left, right, all clockwise as seen from outside.
            [
                p(u0, v0, from),
                p(u1, v0, from),
                p(u1, v0, to),
                p(u0, v0, to),
            ],
            [
                p(u0, v1, to),
                p(u1, v1, to),
                p(u1, v1, from),
                p(u0, v1, from),
            ],
            [
                p(u0, v0, from),
                p(u0, v0, to),
                p(u0, v1, to),
                p(u0, v1, from),
            ],
            [
                p(u1, v0, to),
                p(u1, v0, from),
                p(u1, v1, from),
                p(u1, v1, to),
            ],
        ];
        for side in sides {
            if c.faces(&side) {
                c.quad(side, paint);
            }
        }
        self.rect(c, at, to, paint);
    }
}
