//! Lashes, the dark line they stand in, and the crease of the upper lid: they go where the lids go.

use crate::body::head::{Expression, Head, Posed};
use crate::body::template::Template;
use crate::maths::{M3, Rng, V3, mix, smoothstep, v3};
use crate::strands::Canvas;
use crate::variety::EyeStyle;

/// A lash: where on the lid's edge it stands, and how it bends.
#[derive(Debug, Clone)]
struct Lash {
    vertices: [u32; 2],
    share: f32,
    /// Sideways, towards the image's right, against its length.
    fan: f32,
    length: f32,
    width: f32,
    /// How far it bends up (upper lid) or down, against its length.
    curl: f32,
    upper: bool,
}

/// A place on the mesh: a triangle and the weights of its second and third corner.
type Place = ([u32; 3], [f32; 2]);

/// What grows and folds at both eyes of a person.
#[derive(Debug)]
pub struct Lashes {
    eyes: [Vec<Lash>; 2],
    /// The crease of each upper lid, from the temple to the nose.
    creases: [Vec<Place>; 2],
    style: EyeStyle,
    colour: V3,
    fold: V3,
    deep: f32,
}

impl Lashes {
    /// Grows the lashes of a head.
    pub fn new(head: &Head) -> Lashes {
        let template = Template::bundled();
        let who = &head.identity;
        let mut rest = Posed::default();
        head.pose(&Expression::default(), [0.0; 3], V3::ZERO, &mut rest);
        let mut r = Rng::new(who.seed ^ 0xc4ea);
        // How much of the lid shows between lashes and crease; in much of East Asia little or none.
        let high = r.range(3.4, 5.6) * (1.0 - 0.55 * who.family[1]);
        Lashes {
            eyes: [0, 1].map(|eye| grow(who.seed, who.male, template, eye)),
            creases: [0, 1].map(|eye| crease(head, &rest, template, eye, high)),
            colour: who.hair.mix(v3(0.010, 0.007, 0.005), 0.6),
            fold: who.skin.times(v3(0.30, 0.20, 0.17)),
            style: who.eyes,
            deep: who.eyes.crease * r.range(0.6, 1.0) * (1.0 - 0.4 * who.family[1]),
        }
    }

    /// Draws them over the canvas. `turn` is the skull's rotation.
    pub fn draw(&self, canvas: &mut Canvas<'_>, head: &Head, posed: &Posed, turn: &M3, place: V3) {
        let to_camera = |p: V3| turn.apply(p - head.pivot) + head.pivot + place;
        let template = Template::bundled();
        let mut line = Vec::new();
        for eye in 0..2 {
            let centre = to_camera(head.eye_centres[eye]);
            let (up, right) = (
                turn.apply(v3(0.0, -1.0, 0.0)),
                turn.apply(v3(1.0, 0.0, 0.0)),
            );
            let ring = &template.lash_lines[eye];
            let [top, bottom] =
                [ring[0], ring[ring.len() / 2]].map(|i| posed.positions[i as usize]);
            // The skin of a shut lid is stretched: little is left of the fold.
            let folded = mix(0.3, 1.0, smoothstep(2.5, 8.5, (top - bottom).len()));
            self.draw_crease(eye, folded, canvas, posed, &mut line);
            self.draw_line(ring, canvas, posed, &mut line);
            for l in &self.eyes[eye] {
                let [p, q] = l.vertices.map(|i| posed.positions[i as usize]);
                let root = p.mix(q, l.share);
                let out = (root - centre).unit();
                let rise = (up - out * up.dot(out)).unit() * l.curl;
                // Out of the lid and a little over the eye, then away from the opening.
                let dip = if l.upper { -0.30 } else { 0.0 };
                line.clear();
                for k in 0..6 {
                    let t = k as f32 / 5.0;
                    let along = out * (t * (1.0 - 0.25 * t))
                        + right * (l.fan * t * (0.5 + 0.5 * t))
                        + rise * (t * t + dip * t * (1.0 - t));
                    line.push(root + along * l.length);
                }
                canvas.stroke(&line, l.width * self.style.lashes, 0.85, 1.0, |_, _, _| {
                    self.colour
                });
            }
        }
    }

    /// A groove is dark at its bottom and fades to both sides: three strokes of falling width.
    fn draw_crease(
        &self,
        eye: usize,
        folded: f32,
        canvas: &mut Canvas<'_>,
        posed: &Posed,
        line: &mut Vec<V3>,
    ) {
        let places = &self.creases[eye];
        if places.len() < 4 {
            return;
        }
        for (width, opacity) in [(2.4, 0.10), (1.3, 0.16), (0.55, 0.30)] {
            let n = places.len() as f32;
            for (k, pair) in places.windows(2).enumerate() {
                let middle = (k as f32 + 1.0) / n * 2.0 - 1.0;
                let fade = smoothstep(1.0, 0.7, middle.abs()) * self.deep * folded;
                line.clear();
                for (t, b) in pair {
                    let [p, q, r] = t.map(|i| posed.positions[i as usize]);
                    line.push(p + (q - p) * b[0] + (r - p) * b[1]);
                }
                canvas.stroke(line, width, (opacity * fade).min(1.0), 2.0, |_, _, _| {
                    self.fold
                });
            }
        }
    }

    /// Along the roots, lashes stand so close that they make one soft dark line.
    fn draw_line(&self, ring: &[u32], canvas: &mut Canvas<'_>, posed: &Posed, line: &mut Vec<V3>) {
        let n = ring.len();
        for k in 0..n {
            // 0 the middle of the upper lid, ±1 the corners, beyond: the lower lid.
            let turn = (k as f32 + 0.5) / n as f32;
            let from_top = turn.min(1.0 - turn) * 4.0;
            let upper = smoothstep(1.05, 0.8, from_top);
            let lower = 0.25 * smoothstep(1.1, 1.4, from_top);
            let ends = [ring[k], ring[(k + 1) % n]];
            line.clear();
            line.extend(ends.map(|i| posed.positions[i as usize]));
            for (width, share) in [(0.9, 0.30), (0.4, 0.5)] {
                let opacity = (share * (upper + lower) * self.style.line).min(0.95);
                canvas.stroke(line, width * self.style.line, opacity, 1.0, |_, _, _| {
                    self.colour
                });
            }
        }
    }
}

/// Where the crease of an upper lid lies: `high` mm of skin above the lashes.
fn crease(head: &Head, rest: &Posed, template: &Template, eye: usize, high: f32) -> Vec<Place> {
    let opening = head.opening(eye, &Expression::default());
    let centre = head.eye_centres[eye];
    let nose = if eye == 0 { 1.0 } else { -1.0 };
    let steps = 22;
    (0..=steps)
        .filter_map(|k| {
            let t = k as f32 / steps as f32;
            let x = mix(opening.outer[0] - 1.0, opening.inner[0] - 1.5, t);
            let bow = 1.0 - (2.0 * t - 1.0) * (2.0 * t - 1.0);
            let y = opening.upper_at(x) - 1.0 - high * (0.6 + 0.4 * bow);
            let p = v3(centre.x + x * nose, centre.y + y, 0.0);
            over(rest, template, p, centre.z)
        })
        .collect()
}

/// The front-most place of the mesh at p.x, p.y.
fn over(rest: &Posed, template: &Template, p: V3, before: f32) -> Option<Place> {
    let mut best: Option<(f32, Place)> = None;
    for t in &template.triangles {
        let [a, b, c] = t.map(|i| rest.positions[i as usize]);
        if (a.x - p.x).abs() > 6.0 || (a.y - p.y).abs() > 6.0 || a.z > before {
            continue;
        }
        let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
        if area.abs() < 1e-6 {
            continue;
        }
        let u = ((p.x - a.x) * (c.y - a.y) - (p.y - a.y) * (c.x - a.x)) / area;
        let v = ((b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x)) / area;
        let z = a.z + (b.z - a.z) * u + (c.z - a.z) * v;
        if u >= 0.0 && v >= 0.0 && u + v <= 1.0 && best.as_ref().is_none_or(|b| z < b.0) {
            best = Some((z, (*t, [u, v])));
        }
    }
    best.map(|b| b.1)
}

fn grow(seed: u64, male: f32, template: &Template, eye: usize) -> Vec<Lash> {
    // The two eyes of a person have lashes alike.
    let mut person = Rng::new(seed ^ 0x1a5);
    let long = person.range(0.82, 1.12) * mix(1.08, 0.95, male);
    let curl = person.range(0.25, 0.70);
    let dense = person.range(0.8, 1.2) * mix(1.1, 0.95, male);
    let mut r = Rng::new(seed ^ (0x1a50 + eye as u64));
    let ring = &template.lash_lines[eye];
    let n = ring.len();
    // The ring runs from the middle of the upper lid to the temple, the lower lid, the nose.
    let temple = if eye == 0 { -1.0 } else { 1.0 };
    let (upper, lower) = ((130.0 * dense) as usize, (60.0 * dense) as usize);
    let mut all = Vec::new();
    let mut lean = 0.0;
    for i in 0..upper + lower {
        let upper = i < upper;
        // −1 at the nose's corner, +1 at the temple's; none on the last sixth before the nose.
        let across = r.range(-0.72, 0.98);
        let place = if upper {
            (across * 12.0 + 1.0) / 56.0
        } else {
            0.5 - (across * 11.0 + 1.0) / 56.0
        };
        let f = (place + 1.0).fract() * n as f32;
        let k = f as usize % n;
        let at_nose = smoothstep(-0.85, -0.1, across);
        let at_temple = smoothstep(1.15, 0.8, across);
        let length = if upper { 7.2 } else { 4.2 }
            * long
            * mix(0.50, 1.0, at_nose)
            * mix(0.60, 1.0, at_temple)
            * r.range(0.7, 1.08);
        // They stand in small bundles whose tips meet.
        if i % 3 == 0 {
            lean = 0.13 * r.normal();
        }
        let fan = temple * (0.05 + 0.50 * across) + lean + 0.05 * r.normal();
        all.push(Lash {
            vertices: [ring[k], ring[(k + 1) % n]],
            share: f.fract(),
            fan,
            length,
            width: if upper { 0.12 } else { 0.07 },
            curl: if upper {
                curl * r.range(0.8, 1.2)
            } else {
                -0.30
            },
            upper,
        });
    }
    all
}
