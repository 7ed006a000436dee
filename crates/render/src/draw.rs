//! From what a sample sees to its colour.

use std::sync::Arc;

use crate::body::skin::Point;
use crate::body::template::Template;
use crate::hair::View;
use crate::light::Lights;
use crate::maths::V3;
use crate::person::Person;
use crate::raster::{NOTHING, Pinhole, Raster, Seen};
use crate::scene::Drawn;

/// Depths of a pixel's samples that differ by less than this factor are one surface.
const SAME_SURFACE: f32 = 0.996;

/// Skin that faces away from the key light by more than this (cosine) shows none of it.
const LIGHT_ENDS: f32 = -0.45;

/// Everything the skin's shading needs at a sample.
fn body_point(
    template: &Template,
    drawn: &Drawn,
    open: &[f32],
    triangle: u32,
    b: [f32; 2],
    per_px: f32,
    lights: &Lights,
) -> Point {
    let posed = &drawn.posed;
    let t = template.triangles[triangle as usize];
    // Weights in the picture's plane → weights on the triangle.
    let z = |k: usize| posed.positions[t[k] as usize].z;
    let w = [(1.0 - b[0] - b[1]) / z(0), b[0] / z(1), b[1] / z(2)];
    let sum = 1.0 / (w[0] + w[1] + w[2]);
    let w = [w[0] * sum, w[1] * sum, w[2] * sum];
    let vector =
        |of: &[V3]| of[t[0] as usize] * w[0] + of[t[1] as usize] * w[1] + of[t[2] as usize] * w[2];
    let number =
        |of: &[f32]| of[t[0] as usize] * w[0] + of[t[1] as usize] * w[1] + of[t[2] as usize] * w[2];
    let at = vector(&posed.positions);
    let normal = vector(&posed.normals).unit();
    Point {
        at,
        normal,
        reference: vector(&template.reference),
        corners: t,
        weights: w,
        open: number(open),
        lit: if normal.dot(lights.key) < LIGHT_ENDS {
            0.0
        } else {
            drawn.shadow.reach(at + normal * 1.2, lights.shadow_mm, 1.4)
        },
        footprint: at.z * per_px,
    }
}

/// Colours every sample that sees a body.
pub(crate) fn shade_body(
    people: &[Arc<Person>],
    drawn: &[Drawn],
    raster: &Raster,
    camera: &Pinhole,
    lights: &Lights,
    colour: &mut [V3],
) {
    let template = Template::bundled();
    let width = camera.width;
    // Millimetres across a pixel (two samples), for each millimetre of distance.
    let per_px = 2.0 / camera.f[0];
    let body = template.triangles.len() as u32;
    // Which surface a sample sees: hair over skin is at nearly its depth, but another one.
    let surface = |s: &Seen| {
        let who = drawn.iter().rposition(|d| d.first <= s.triangle);
        who.map_or(0, |w| {
            2 * w + usize::from(s.triangle - drawn[w].first >= body)
        })
    };
    let shade = |s: &Seen, b: [f32; 2]| {
        let who = drawn
            .iter()
            .rposition(|d| d.first <= s.triangle)
            .unwrap_or(0);
        let person = &people[who];
        let mut triangle = s.triangle - drawn[who].first;
        if triangle >= body {
            // Shells follow the body in the order of the person's.
            triangle -= body;
            for (shell, posed) in person.hair.shells.iter().zip(&drawn[who].shells) {
                let n = shell.triangles.len() as u32;
                if triangle < n {
                    let view = View {
                        lights,
                        shadow: &drawn[who].shadow,
                        per_px,
                    };
                    let tint = &person.hair.tint;
                    return shell.shade(posed, tint, triangle as usize, b, &view);
                }
                triangle -= n;
            }
        }
        let p = body_point(
            template,
            &drawn[who],
            &person.open,
            triangle,
            b,
            per_px,
            lights,
        );
        person.skin.shade(&p, lights)
    };
    for y in (0..camera.height).step_by(2) {
        for x in (0..width).step_by(2) {
            let i = y * width + x;
            let four = [i, i + 1, i + width, i + width + 1];
            let row = &raster.seen[i..];
            let seen = [row[0], row[1], row[width], row[width + 1]];
            if seen.iter().all(|s| s.triangle == NOTHING) {
                continue;
            }
            let far = seen.iter().fold(f32::MAX, |m, s| m.min(s.inverse_z));
            let near = seen.iter().fold(0.0f32, |m, s| m.max(s.inverse_z));
            if far > SAME_SURFACE * near
                && seen[1..].iter().all(|s| surface(s) == surface(&seen[0]))
            {
                // One surface fills the pixel: its middle will do.
                let (p, q) = (&seen[0], &seen[3]);
                let b = if p.triangle == q.triangle {
                    [(p.b[0] + q.b[0]) / 2.0, (p.b[1] + q.b[1]) / 2.0]
                } else {
                    p.b
                };
                let c = shade(p, b);
                for i in four {
                    colour[i] = c;
                }
            } else {
                for (i, s) in four.into_iter().zip(&seen) {
                    if s.triangle != NOTHING {
                        colour[i] = shade(s, s.b);
                    }
                }
            }
        }
    }
}

/// The mean of each two by two samples.
pub(crate) fn halve(samples: &[V3], width: usize, out: &mut Vec<V3>) {
    out.clear();
    for rows in samples.chunks_exact(2 * width) {
        let (a, b) = rows.split_at(width);
        out.extend(
            a.chunks_exact(2)
                .zip(b.chunks_exact(2))
                .map(|(p, q)| (p[0] + p[1] + q[0] + q[1]) * 0.25),
        );
    }
}
