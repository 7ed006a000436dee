//! From what a sample sees to its colour.

use crate::eyeball::Eyeball;
use crate::head::{Posed, Template};
use crate::light::{Lights, ShadowMap};
use crate::maths::{V3, mix, smoothstep};
use crate::raster::{Pinhole, Raster};
use crate::skin::{Point, shirt};

/// Everything the skin's shading needs at a sample.
pub(crate) fn body_point(
    template: &Template,
    posed: &Posed,
    open: &[f32],
    shadow: &ShadowMap,
    triangle: u32,
    b: [f32; 2],
) -> Point {
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
    let reference = vector(&template.reference);
    let m = &template.masks;
    Point {
        at,
        normal,
        reference,
        lips: number(&m.lips),
        ears: number(&m.ears),
        mouth: number(&m.mouth),
        wet: number(&m.wet),
        open: number(open) * mix(1.0, 0.9, shirt(reference)),
        lit: shadow.reach(at + normal * 1.2, 5.0, 1.4),
    }
}

/// Casts an eyeball into the picture, behind the lids that lie before it.
pub(crate) fn draw_eye(
    eye: &Eyeball,
    camera: &Pinhole,
    raster: &Raster,
    shadow: &ShadowMap,
    lights: &Lights,
    colour: &mut [V3],
    depth: &mut [f32],
) {
    let c = camera.project(eye.centre);
    let r = 14.5 * camera.f[0] * c.z;
    let range = |c: f32, n: usize| {
        (
            (c - r).max(0.0) as usize,
            ((c + r).max(0.0) as usize).min(n),
        )
    };
    let (x0, x1) = range(c.x, camera.width);
    let (y0, y1) = range(c.y, camera.height);
    let per_mm = camera.f[0] * c.z;
    let height = camera.height as isize;
    for y in y0..y1 {
        for x in x0..x1 {
            let d = camera.ray(x, y);
            let Some(hit) = eye.cast(d) else { continue };
            let i = y * camera.width + x;
            if 1.0 / hit.t <= raster.seen[i].inverse_z {
                continue;
            }
            // How near a lid's edge is, above and below: it shades, and holds the tear film.
            let lid = |direction: isize, reach_mm: f32| {
                let n = (reach_mm * per_mm) as isize;
                (1..=n)
                    .find(|k| {
                        let yy = y as isize + direction * k;
                        (0..height).contains(&yy)
                            && raster.seen[yy as usize * camera.width + x].inverse_z
                                > 1.0 / (hit.t + 1.5)
                    })
                    .map_or(reach_mm, |k| (k as f32 - 0.5) / per_mm)
            };
            let (above, below) = (lid(-1, 5.0), lid(1, 3.0));
            let open = mix(0.22, 1.0, smoothstep(-0.4, 4.6, above))
                * mix(0.55, 1.0, smoothstep(-0.2, 2.6, below));
            let at = d * hit.t;
            let lit = shadow.reach(at + (lights.key * 0.4), 2.2, 0.5)
                * mix(0.45, 1.0, smoothstep(0.0, 2.6, above));
            let wet = smoothstep(0.75, 0.25, below);
            colour[i] = eye.shade(&hit, d, lights, lit, open, wet);
            depth[i] = 1.0 / hit.t;
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
