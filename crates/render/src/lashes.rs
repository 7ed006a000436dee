//! Lashes: they grow out of the lids' edges and go where the lids go.

use crate::head::{Head, Posed, Template};
use crate::maths::{M3, Rng, V3, smoothstep, v3};
use crate::strands::Canvas;

/// A lash: where on the lid's edge it stands, and how it bends, relative to the skin.
#[derive(Debug, Clone)]
struct Lash {
    vertices: [u32; 2],
    share: f32,
    along: V3,
    length: f32,
    width: f32,
    curl: f32,
}

/// The lashes of both eyes of a person.
#[derive(Debug)]
pub struct Lashes {
    eyes: [Vec<Lash>; 2],
    colour: V3,
}

impl Lashes {
    /// Grows the lashes of a head.
    pub fn new(head: &Head) -> Lashes {
        let template = Template::bundled();
        Lashes {
            eyes: [0, 1].map(|eye| grow(head.identity.seed + eye as u64, template, eye)),
            colour: head.identity.hair,
        }
    }

    /// Draws them over the canvas. `turn` is the skull's rotation.
    pub fn draw(&self, canvas: &mut Canvas<'_>, head: &Head, posed: &Posed, turn: &M3, place: V3) {
        let to_camera = |p: V3| turn.apply(p - head.pivot) + head.pivot + place;
        let mut line = Vec::new();
        for (eye, lashes) in self.eyes.iter().enumerate() {
            let centre = to_camera(head.eye_centres[eye]);
            let down = turn.apply(v3(0.0, 1.0, 0.0));
            for l in lashes {
                let [p, q] = l.vertices.map(|i| posed.positions[i as usize]);
                let root = p.mix(q, l.share);
                let out = (root - centre).unit();
                let side = turn.apply(l.along);
                line.clear();
                for k in 0..5 {
                    let t = k as f32 / 4.0;
                    // Out of the lid first, then curling away from the opening.
                    let bend = down * (l.curl * t * t);
                    line.push(root + (out * t + side * t + bend) * l.length);
                }
                canvas.stroke(&line, l.width, 0.9, 1.0, |_, _, _| self.colour * 0.25);
            }
        }
    }
}

fn grow(seed: u64, template: &Template, eye: usize) -> Vec<Lash> {
    let mut r = Rng::new(seed ^ 0x1a5);
    let ring = &template.lash_lines[eye];
    let n = ring.len();
    // The ring runs from the middle of the upper lid to the temple, the lower lid, the nose.
    let temple = if eye == 0 { -1.0 } else { 1.0 };
    let mut all = Vec::new();
    for i in 0..210 {
        let upper = i < 140;
        let u = r.unit();
        // −1 at the nose's corner, +1 at the temple's.
        let across = u * 2.0 - 1.0;
        let place = if upper {
            (across * 12.0 + 1.0) / 56.0
        } else {
            0.5 - (across * 10.0 + 1.0) / 56.0
        };
        let f = (place + 1.0).fract() * n as f32;
        let k = f as usize % n;
        let fade = smoothstep(1.05, 0.75, across.abs());
        let length = if upper { 6.6 + 0.6 * across } else { 3.4 }
            * r.range(0.75, 1.1)
            * (0.45 + 0.55 * fade);
        let fan = temple * (0.06 + 0.28 * across) + 0.10 * r.normal();
        all.push(Lash {
            vertices: [ring[k], ring[(k + 1) % n]],
            share: f.fract(),
            along: v3(fan, if upper { 0.25 } else { 0.35 }, 0.0),
            length,
            width: if upper { 0.13 } else { 0.08 },
            curl: if upper { -0.85 } else { 0.25 },
        });
    }
    all
}
