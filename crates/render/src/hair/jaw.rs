//! Beards: a surface that rides on the jaw's skin.

use crate::body::head::Posed;
use crate::body::template::Template;
use crate::hair::borders::{beard_inside, moustache_inside};
use crate::hair::shell::{Shell, Vertex};
use crate::hair::style::Beard;
use crate::maths::{V3, noise, smoothstep, v3};

/// Grows the beard over the body's vertices.
pub(super) fn grow(template: &Template, rest: &Posed, beard: &Beard, seed: f32, out: &mut Shell) {
    if beard.jaw.max(beard.moustache) < 1.5 {
        return;
    }
    let n = template.reference.len();
    let mut index = vec![u32::MAX; n];
    let place = |v: usize| {
        let p = template.reference[v];
        let m = &template.masks;
        let jaw = if beard.jaw < 1.5 {
            -9.0
        } else {
            beard_inside(p, beard)
        };
        let lip = if beard.moustache < 1.5 {
            -9.0
        } else {
            moustache_inside(p)
        };
        let length = if lip > jaw {
            beard.moustache
        } else {
            beard.jaw
        };
        let inside = jaw.max(lip).min((0.45 - m.lips[v]) * 40.0);
        let inside = if m.mouth[v] > 0.1 || m.ears[v] > 0.4 {
            -9.0
        } else {
            inside
        };
        (p, inside, length)
    };
    for t in &template.triangles {
        if t.iter().any(|&v| place(v as usize).1 < -5.0) {
            continue;
        }
        let corners = t.map(|v| {
            let v = v as usize;
            if index[v] == u32::MAX {
                index[v] = out.vertices.len() as u32;
                let (p, inside, length) = place(v);
                let n = rest.normals[v];
                let full = smoothstep(0.0, 3.0 + length, inside);
                let bump = 1.0 + 0.25 * noise(p * 0.09 + v3(seed, 0.0, 0.0));
                let low = smoothstep(70.0, 112.0, p.y);
                let down = v3(0.0, 1.0, 0.0) * (length * full * low * 0.9);
                out.vertices.push(Vertex {
                    on: v as u32,
                    at: n * (length * full * bump * (0.45 + 0.4 * low) + 0.3) + down,
                    along: v3(p.x * 0.008, 0.9, -0.2),
                    grain: v3(
                        p.x * 1.4 + 40.0,
                        p.z * 1.1,
                        p.y * 0.28 + 9.0 * noise(p * 0.05),
                    ),
                    edge: inside,
                    fray: 5.0 + 0.3 * length,
                    open: 0.75,
                    follow: 1.0,
                    beard: 1.0,
                });
            }
            index[v]
        });
        out.triangles.push(corners);
    }
}

/// How strongly shaven or short hair tints the skin at a place of the mean adult, 0..1.
pub(crate) fn shade(p: V3, beard: &Beard) -> f32 {
    let m = |inside: f32, length: f32, soft: f32| {
        smoothstep(-soft, soft, inside) * (0.25 + 0.65 * (length / 1.6).min(1.0))
    };
    let everywhere = Beard {
        full: 1.0,
        ..*beard
    };
    let shaven = m(beard_inside(p, &everywhere), 0.0, 9.0).max(m(moustache_inside(p), 0.0, 5.0));
    let grown = m(beard_inside(p, beard), beard.jaw, 5.0);
    let lip = m(moustache_inside(p), beard.moustache, 3.0);
    shaven
        .max(if beard.jaw > 0.0 { grown } else { 0.0 })
        .max(if beard.moustache > 0.0 { lip } else { 0.0 })
}
