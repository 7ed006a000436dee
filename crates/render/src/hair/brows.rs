//! Brows: short hairs rooted in the skin that moves under them.

use crate::body::head::Posed;
use crate::body::template::Template;
use crate::hair::shade::kajiya;
use crate::hair::style::Brows as Wanted;
use crate::light::Lights;
use crate::maths::{M3, Rng, V3, smoothstep, v3};
use crate::strands::Canvas;

#[derive(Debug)]
struct Hair {
    triangle: u32,
    b: [f32; 2],
    along: V3,
    length: f32,
    shade: f32,
}

/// Both brows of a person.
#[derive(Debug)]
pub(super) struct Brows {
    hairs: Vec<Hair>,
    colour: V3,
}

/// How thick the brows stand at a place of the mean adult, and which way their hairs lie.
fn brow(place: V3, wanted: &Wanted) -> (f32, V3) {
    let x = place.x.abs();
    let side = if place.x > 0.0 { 1.0 } else { -1.0 };
    let t = (x - 10.0) / 42.0;
    let middle = -20.0 - (4.6 + wanted.arch) * smoothstep(0.0, 0.66, t)
        + (5.0 + wanted.arch) * smoothstep(0.66, 1.05, t);
    let half =
        4.2 * wanted.thick * smoothstep(-0.06, 0.12, t) * (1.0 - 0.72 * smoothstep(0.45, 1.05, t));
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

fn at(t: [u32; 3], b: [f32; 2], of: &[V3]) -> V3 {
    let [p, q, r] = t.map(|i| of[i as usize]);
    p * (1.0 - b[0] - b[1]) + q * b[0] + r * b[1]
}

impl Brows {
    pub(super) fn new(
        seed: u64,
        wanted: &Wanted,
        colour: V3,
        template: &Template,
        rest: &Posed,
    ) -> Brows {
        let mut r = Rng::new(seed ^ 0xb40);
        // Triangles with their share of the brows' area, cumulated, to pick from.
        let mut sum = 0.0;
        let mut table: Vec<(u32, f32)> = Vec::new();
        for (i, t) in template.triangles.iter().enumerate() {
            let w = brow(at(*t, [1.0 / 3.0; 2], &template.reference), wanted).0;
            if w > 0.0 {
                let [a, b, c] = t.map(|v| rest.positions[v as usize]);
                sum += w * (b - a).cross(c - a).len();
                table.push((i as u32, sum));
            }
        }
        let count = (1300.0 * wanted.dense * wanted.thick.min(1.2)) as usize;
        let hairs = (0..count)
            .map(|_| {
                let u = r.unit() * sum;
                let i = table.partition_point(|t| t.1 < u).min(table.len() - 1);
                let (mut b, mut c) = (r.unit(), r.unit());
                if b + c > 1.0 {
                    (b, c) = (1.0 - b, 1.0 - c);
                }
                let triangle = table[i].0;
                let t = template.triangles[triangle as usize];
                let jitter = v3(r.normal(), r.normal(), 0.0) * 0.16;
                let along = brow(at(t, [b, c], &template.reference), wanted).1;
                Hair {
                    triangle,
                    b: [b, c],
                    along: (along + jitter).unit(),
                    length: r.range(4.0, 7.5),
                    shade: r.range(0.6, 1.2),
                }
            })
            .collect();
        Brows {
            hairs,
            colour: colour.mix(v3(0.022, 0.015, 0.011), wanted.dark),
        }
    }

    /// Draws one hair of `every`, wider instead; a pixel's millimetres tell how many do.
    pub(super) fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        posed: &Posed,
        turn: &M3,
        lights: &Lights,
        footprint: f32,
    ) {
        let template = Template::bundled();
        let every = 1 + (footprint * 2.2) as usize;
        let width = 0.16 * every as f32;
        let mut line = Vec::new();
        for h in self.hairs.iter().step_by(every) {
            let t = template.triangles[h.triangle as usize];
            let root = at(t, h.b, &posed.positions);
            let n = posed.normals[t[0] as usize];
            if n.dot(root) > 0.0 {
                continue;
            }
            let d = turn.apply(h.along);
            let bends = if footprint < 0.6 { 3 } else { 2 };
            line.clear();
            for k in 0..=bends {
                let t = k as f32 / bends as f32;
                let lift = 0.5 * t * (1.6 - t);
                line.push(root + d * (h.length * t) + n * (0.15 + lift));
            }
            let colour = self.colour * h.shade;
            let c = kajiya(colour, d, n, -root.unit(), lights, 0.7, 0.8);
            canvas.stroke(&line, width, 0.75, 1.5, |_, _, _| c);
        }
    }
}
