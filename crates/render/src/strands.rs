//! Hair, brows and lashes: thin lines with a light of their own.

use crate::head::{Head, Posed, Template};
use crate::light::Lights;
use crate::maths::{M3, Rng, V3, noise, smoothstep, v3};
use crate::raster::{Pinhole, Raster};
use crate::skin::scalp;

/// One hair in the skull's frame: a polyline with a width that thins out.
#[derive(Debug, Clone)]
struct Strand {
    points: Vec<V3>,
    width: f32,
    shade: f32,
}

/// All hair of a person's head.
#[derive(Debug)]
pub struct Hair {
    scalp: Vec<Strand>,
    brows: Vec<(u32, [f32; 2], V3, f32, f32)>,
    colour: V3,
}

/// What strands are drawn over: colours, and depths to be tested against.
pub struct Canvas<'a> {
    /// Linear colours, one per sample.
    pub colour: &'a mut [V3],
    /// What the body shows.
    pub raster: &'a Raster,
    /// The camera.
    pub camera: Pinhole,
}

const SKULL: V3 = v3(0.0, -18.0, 92.0);

impl Hair {
    /// Grows the hair of a head.
    pub fn new(head: &Head) -> Hair {
        let template = Template::bundled();
        let mut rest = Posed::default();
        head.pose(
            &crate::head::Expression::default(),
            [0.0; 3],
            V3::ZERO,
            &mut rest,
        );
        Hair {
            scalp: grow(head.identity.seed, template, &rest),
            brows: brows(head.identity.seed, template, &rest),
            colour: head.identity.hair,
        }
    }

    /// Draws everything over the canvas. `turn` is the skull's rotation.
    pub fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        head: &Head,
        posed: &Posed,
        turn: &M3,
        place: V3,
        lights: &Lights,
    ) {
        let to_camera = |p: V3| turn.apply(p - head.pivot) + head.pivot + place;
        let mut line = Vec::new();
        let skull = to_camera(SKULL);
        for s in &self.scalp {
            line.clear();
            line.extend(s.points.iter().map(|&p| to_camera(p)));
            // Deep hair lies in the shadow of the hair above it.
            let n = (line[line.len() / 2] - skull).unit();
            let colour = |a: V3, b: V3, t: f32| {
                let along = (b - a).unit();
                let depth = 0.30 + 0.70 * t;
                kajiya(
                    self.colour * s.shade,
                    along,
                    n,
                    (a - V3::ZERO).unit(),
                    lights,
                ) * depth
            };
            canvas.stroke(&line, s.width, 0.85, 2.2, colour);
        }
        for (triangle, b, along, length, shade) in &self.brows {
            let t = template_triangle(*triangle);
            let [p, q, r] = t.map(|i| posed.positions[i as usize]);
            let root = p * (1.0 - b[0] - b[1]) + q * b[0] + r * b[1];
            let n = (posed.normals[t[0] as usize]).unit();
            let d = turn.apply(*along);
            line.clear();
            for k in 0..4 {
                let t = k as f32 / 3.0;
                let lift = 0.5 * t * (1.6 - t);
                line.push(root + d * (length * t) + n * (0.15 + lift));
            }
            let c = self.colour.mix(v3(0.03, 0.02, 0.014), 0.4) * *shade;
            canvas.stroke(&line, 0.16, 0.75, 1.5, |a, b, _| {
                kajiya(c, (b - a).unit(), n, a.unit(), lights) * 0.8
            });
        }
    }
}

fn template_triangle(i: u32) -> [u32; 3] {
    Template::bundled().triangles[i as usize]
}

/// Light on a hair: Kajiya and Kay (1989), with the volume's normal for the diffuse part.
fn kajiya(colour: V3, along: V3, n: V3, view: V3, lights: &Lights) -> V3 {
    let cos = along.dot(lights.key);
    let sin = (1.0 - cos * cos).max(0.0).sqrt();
    let facing = smoothstep(-0.35, 0.75, n.dot(lights.key));
    let cv = along.dot(view);
    let sv = (1.0 - cv * cv).max(0.0).sqrt();
    let mirror = (sin * sv - cos * cv).max(0.0);
    let m4 = mirror * mirror * mirror * mirror;
    let m16 = m4 * m4 * m4 * m4;
    let rim = smoothstep(0.0, 0.9, n.dot(lights.rim));
    colour.times(
        lights.key_colour * (0.75 * sin * facing)
            + lights.ambient(n) * 0.9
            + lights.rim_colour * rim,
    ) + lights.key_colour.times(V3::splat(0.02) + colour * 0.35) * (m16 * facing * 0.9)
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

/// Triangles with their share of an area, to pick from: (triangle, cumulated).
fn pick_table(template: &Template, rest: &Posed, weight: impl Fn(V3) -> f32) -> Vec<(u32, f32)> {
    let mut sum = 0.0;
    let mut table = Vec::new();
    for (i, t) in template.triangles.iter().enumerate() {
        let middle = (t.iter()).fold(V3::ZERO, |s, &v| s + template.reference[v as usize]) / 3.0;
        let ears = template.masks.ears[t[0] as usize];
        let w = weight(middle) * (1.0 - ears);
        if w > 0.0 {
            let [a, b, c] = t.map(|v| rest.positions[v as usize]);
            sum += w * (b - a).cross(c - a).len();
            table.push((i as u32, sum));
        }
    }
    table
}

fn pick(table: &[(u32, f32)], r: &mut Rng) -> (u32, [f32; 2]) {
    let total = table.last().map_or(0.0, |t| t.1);
    let u = r.unit() * total;
    let i = table.partition_point(|t| t.1 < u).min(table.len() - 1);
    let (mut b, mut c) = (r.unit(), r.unit());
    if b + c > 1.0 {
        (b, c) = (1.0 - b, 1.0 - c);
    }
    (table[i].0, [b, c])
}

fn at(t: [u32; 3], b: [f32; 2], of: &[V3]) -> V3 {
    let [p, q, r] = t.map(|i| of[i as usize]);
    p * (1.0 - b[0] - b[1]) + q * b[0] + r * b[1]
}

/// How far from the skull's middle a place is, 1 being about the scalp.
fn swell(p: V3) -> f32 {
    let d = p - SKULL;
    v3(d.x / 80.0, d.y / 108.0, d.z / 100.0).len()
}

fn grow(seed: u64, template: &Template, rest: &Posed) -> Vec<Strand> {
    let mut r = Rng::new(seed ^ 0x4a12);
    let table = pick_table(template, rest, scalp);
    let parting = 26.0;
    (0..26_000)
        .map(|_| {
            let (triangle, b) = pick(&table, &mut r);
            let t = template.triangles[triangle as usize];
            let (mut p, n) = (at(t, b, &rest.positions), at(t, b, &rest.normals).unit());
            let place = at(t, b, &template.reference);
            // Long on top, short at the sides and the nape.
            let top = smoothstep(-38.0, -82.0, place.y);
            let edge = smoothstep(0.2, 1.0, scalp(place));
            let clump = noise(place * 0.11 + v3(0.0, 0.0, (seed % 4096) as f32));
            let length =
                (8.0 + 34.0 * top * (0.85 + 0.3 * clump)) * r.range(0.7, 1.1) * (0.5 + 0.5 * edge);
            // Combed away from a parting on one side, forehead hair up and over.
            let wave = 9.0 * noise(place * 0.05 + v3(3.0, 0.0, 0.0)) + 4.0 * r.normal();
            let away = ((place.x - parting + wave) / 11.0).clamp(-1.0, 1.0);
            let front = smoothstep(20.0, -10.0, place.z);
            let comb = v3(away * 0.75, 0.1 - 0.5 * front, 0.65 - 0.95 * front);
            let fall = v3(0.0, 1.0, 0.45);
            let wander = v3(
                noise(place * 0.16 + v3(7.0, 0.0, 0.0)),
                noise(place * 0.16 + v3(0.0, 7.0, 0.0)),
                noise(place * 0.16 + v3(0.0, 0.0, 7.0)),
            );
            let jitter = v3(r.normal(), r.normal(), r.normal()) * 0.12;
            let tangent = fall.mix(comb, top) + wander * 0.45 + jitter;
            let tangent = tangent - n * tangent.dot(n);
            let mut d = (n * (0.28 + 0.75 * top * (0.35 + 0.65 * front)) + tangent).unit();
            // No strand stands off the skull further than its style allows, nor enters it.
            let (lowest, highest) = (swell(p) + 0.012, swell(p) + 0.05 + 0.22 * top);
            let segments = if top > 0.1 { 7 } else { 3 };
            let step = length / segments as f32;
            let mut points = vec![p];
            for _ in 0..segments {
                p += d * step;
                points.push(p);
                // Bend towards the comb's direction, and never into the skull.
                let out = (p - SKULL).unit();
                d = (d + tangent * 0.20 + v3(0.0, 0.09, 0.0)).unit();
                let into = d.dot(out);
                let s = swell(p);
                if (s <= lowest && into < 0.0) || (s >= highest && into > 0.0) {
                    d = (d - out * into).unit();
                }
            }
            Strand {
                points,
                width: r.range(0.22, 0.38),
                shade: r.range(0.65, 1.35) * (1.0 + 0.35 * clump),
            }
        })
        .collect()
}

/// How thick the brows stand at a place of the mean adult, and which way their hairs lie.
fn brow(place: V3) -> (f32, V3) {
    let x = place.x.abs();
    let side = if place.x > 0.0 { 1.0 } else { -1.0 };
    let t = (x - 10.0) / 42.0;
    let middle = -20.0 - 4.6 * smoothstep(0.0, 0.66, t) + 5.0 * smoothstep(0.66, 1.05, t);
    let half = 4.2 * smoothstep(-0.06, 0.12, t) * (1.0 - 0.72 * smoothstep(0.45, 1.05, t));
    let v = (place.y - middle) / half.max(0.3);
    let inside =
        smoothstep(1.15, 0.45, v.abs()) * smoothstep(-0.04, 0.10, t) * smoothstep(1.06, 0.9, t);
    let up = 1.1 - 1.5 * smoothstep(0.0, 0.5, t) + 0.75 * v.clamp(-1.0, 1.0);
    let shown = if place.z < 40.0 { inside } else { 0.0 };
    (
        shown,
        v3(
            side * (0.35 + 0.75 * smoothstep(0.0, 0.3, t)),
            -up * 0.8,
            0.15,
        ),
    )
}

fn brows(seed: u64, template: &Template, rest: &Posed) -> Vec<(u32, [f32; 2], V3, f32, f32)> {
    let mut r = Rng::new(seed ^ 0xb40);
    let table = pick_table(template, rest, |p| brow(p).0);
    (0..1500)
        .map(|_| {
            let (triangle, b) = pick(&table, &mut r);
            let place = at(
                template.triangles[triangle as usize],
                b,
                &template.reference,
            );
            let jitter = v3(r.normal(), r.normal(), 0.0) * 0.16;
            let along = (brow(place).1 + jitter).unit();
            (triangle, b, along, r.range(4.0, 7.5), r.range(0.6, 1.2))
        })
        .collect()
}
