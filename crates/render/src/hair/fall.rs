//! Hair that hangs: from a parting beside the face, or over the forehead.

use crate::body::head::Posed;
use crate::body::template::Template;
use crate::hair::grow::ear;
use crate::hair::shell::{FREE, Shell, Vertex};
use crate::hair::skull::{MIDDLE, Skull, direction};
use crate::hair::style::{Cut, FRINGE_LOWEST, Fall, Style};
use crate::maths::{Rng, V3, mix, noise, smoothstep, v3};
use crate::raster::cover;

/// Length of a step along a strand, mm.
const STEP: f32 = 7.0;
/// Polar angle from the crown at which hair leaves the skull and hangs, degrees.
const LEAVES: f32 = 97.0;

/// How far forward (z) the body reaches at each place of the frontal plane.
pub(super) struct Front(Vec<f32>);

impl Front {
    const ACROSS: usize = 100;
    const DOWN: usize = 64;
    const CELL: f32 = 5.0;

    pub(super) fn new(template: &Template, rest: &Posed) -> Front {
        let to_cells = |p: V3| {
            v3(
                p.x / Self::CELL + Self::ACROSS as f32 / 2.0,
                (p.y - 40.0) / Self::CELL,
                1000.0 - p.z,
            )
        };
        let mut z = vec![0.0f32; Self::ACROSS * Self::DOWN];
        for t in &template.triangles {
            let [a, b, c] = t.map(|v| to_cells(rest.positions[v as usize]));
            let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
            cover([a, b, c], area, Self::ACROSS, Self::DOWN, |i, d, _, _| {
                z[i] = z[i].max(d);
            });
        }
        Front(z)
    }

    /// z of the body's front there, if it is there.
    fn at(&self, x: f32, y: f32) -> Option<f32> {
        let u = x / Self::CELL + Self::ACROSS as f32 / 2.0;
        let v = (y - 40.0) / Self::CELL;
        if u < 0.0 || v < 0.0 || u >= Self::ACROSS as f32 || v >= Self::DOWN as f32 {
            return None;
        }
        let d = self.0[v as usize * Self::ACROSS + u as usize];
        (d > 0.0).then_some(1000.0 - d)
    }
}

/// From one direction to another on the great circle, `t` in 0..1.
fn between(a: V3, b: V3, t: f32) -> V3 {
    let angle = libm::acosf(a.dot(b).clamp(-1.0, 1.0));
    let s = libm::sinf(angle);
    if s < 1e-3 {
        return a;
    }
    a * (libm::sinf((1.0 - t) * angle) / s) + b * (libm::sinf(t * angle) / s)
}

/// Points a strand passes, and how far each is along it.
type Guide = Vec<V3>;

/// Joins neighbouring guides to a surface. `start`: share of light at the roots.
struct Sheet<'a> {
    guides: Vec<Guide>,
    /// mm between guides, in the noise.
    spacing: f32,
    offset: f32,
    fray: f32,
    /// Whether the first and the last guide are borders.
    borders: [bool; 2],
    follow: &'a dyn Fn(V3) -> f32,
    curl: f32,
}

impl Sheet<'_> {
    fn join(&self, out: &mut Shell, r: &mut Rng) {
        let first = out.vertices.len() as u32;
        let mut starts = Vec::new();
        for (k, guide) in self.guides.iter().enumerate() {
            starts.push(out.vertices.len() as u32 - first);
            let ragged = r.range(-6.0, 10.0);
            let n = guide.len();
            for (i, &p) in guide.iter().enumerate() {
                let along = guide[(i + 1).min(n - 1)] - guide[i.saturating_sub(1)];
                let to_end = (n - 1 - i) as f32 * STEP + ragged.min(i as f32);
                let mut edge = to_end.max(0.0);
                if self.borders[0] {
                    edge = edge.min(k as f32 * 4.0);
                }
                if self.borders[1] {
                    edge = edge.min((self.guides.len() - 1 - k) as f32 * 4.0);
                }
                let along_mm = i as f32 * STEP;
                out.vertices.push(Vertex {
                    on: FREE,
                    at: p,
                    along,
                    grain: v3(
                        k as f32 * self.spacing + self.offset,
                        self.offset,
                        along_mm * mix(0.03, 0.5, self.curl * self.curl),
                    ),
                    edge,
                    fray: self.fray,
                    open: mix(0.8, 1.0, smoothstep(0.0, 60.0, along_mm)),
                    follow: (self.follow)(p),
                    beard: 0.0,
                });
            }
        }
        for k in 0..self.guides.len() - 1 {
            let (a, b) = (&self.guides[k], &self.guides[k + 1]);
            let n = a.len().min(b.len());
            let at = |k: usize, i: usize| first + starts[k] + i as u32;
            for (i, &p) in a.iter().enumerate().take(n - 1) {
                let q = [at(k, i), at(k + 1, i), at(k + 1, i + 1), at(k, i + 1)];
                let away = p - v3(0.0, p.y.clamp(MIDDLE.y, 400.0), MIDDLE.z);
                out.triangle([q[0], q[1], q[2]], away);
                out.triangle([q[0], q[2], q[3]], away);
            }
        }
    }
}

/// Both curtains of hair that falls from a parting.
pub(super) fn curtains(
    skull: &Skull,
    front: &Front,
    style: &Style,
    follow: &dyn Fn(V3) -> f32,
    r: &mut Rng,
    out: &mut Shell,
) {
    let Some(fall) = style.fall else { return };
    const GUIDES: usize = 34;
    let lift = style.line.lift;
    for side in [-1.0f32, 1.0] {
        let mut guides = Vec::new();
        for k in 0..GUIDES {
            let t = k as f32 / (GUIDES - 1) as f32;
            guides.push(curtain(skull, front, style, &fall, side, t, lift));
        }
        Sheet {
            guides,
            spacing: 5.0,
            offset: 300.0 + 200.0 * side,
            fray: 11.0,
            borders: [true, false],
            follow,
            curl: style.curl,
        }
        .join(out, r);
    }
}

fn curtain(
    skull: &Skull,
    front: &Front,
    style: &Style,
    fall: &Fall,
    side: f32,
    t: f32,
    lift: f32,
) -> Guide {
    // Along the parting from the hairline to the whorl, where the last ones start together.
    let hairline = direction(fall.part * 0.75, 48.0 - lift * 0.5);
    let whorl = direction(180.0, 22.0);
    let root = between(hairline, whorl, (t * 1.5).min(1.0));
    let around = mix(fall.front, 180.0, libm::powf(t, 0.9)) * side;
    let target = direction(around, LEAVES);
    let tucked = fall.front > 90.0;
    let arc = libm::acosf(root.dot(target).clamp(-1.0, 1.0));
    let steps = ((arc * 100.0 / STEP) as usize).max(4);
    let mut guide = Vec::new();
    let phase = 5.0 * noise(v3(t * 3.0, side * 7.0, style.line.wave));
    for i in 0..=steps {
        let s = i as f32 / steps as f32;
        let d = between(root, target, s);
        let (skin, _) = skull.at(d);
        let base = style.top.min(style.sides + 5.0) + 1.5;
        let stand = base + fall.volume * smoothstep(0.0, 0.5, s);
        let over_ear = if tucked { 4.0 } else { 21.0 } * ear(d);
        // At the front edge it lies nearly on the skin.
        let edge = mix(0.45, 1.0, smoothstep(0.0, 0.12, t));
        let locks = style.locks * noise(v3(t * 9.0, side * 5.0 + s * 1.5, style.line.wave));
        let off = if style.cut == Cut::Beanie {
            // Pressed flat by the cap, then out from under it.
            2.0 + (over_ear + 6.0) * smoothstep(0.8, 1.0, s)
        } else {
            (stand + locks) * edge + over_ear
        };
        guide.push(MIDDLE + d * (skin + off));
    }
    let leave = guide[guide.len() - 1];
    let outward = v3(leave.x, 0.0, leave.z - MIDDLE.z).unit();
    let end = fall.end + 9.0 * noise(v3(t * 4.0, side, style.line.wave));
    let mut y = leave.y;
    let mut drop = 0.0;
    while y < end {
        y += STEP;
        drop += STEP;
        let lock = noise(v3(t * 8.0, y * 0.008, side * 3.0 + style.line.wave));
        let swing =
            fall.wave * smoothstep(0.0, 80.0, drop) * libm::sinf(drop * 0.085 + phase + t * 4.0);
        // Towards the neck first, then out over the shoulder.
        let tuck = -10.0 * smoothstep(0.0, 70.0, drop) + 12.0 * smoothstep(60.0, 150.0, drop);
        let p = leave + outward * (tuck + swing + 4.0 * lock);
        let forward = if around.abs() < 100.0 {
            -24.0 * smoothstep(40.0, 150.0, drop)
        } else {
            0.0
        };
        guide.push(v3(p.x + swing * 0.3 * side, y, p.z + forward));
    }
    // Over the shoulder and the chest, not through them.
    if around.abs() < 118.0 {
        for i in (1..guide.len()).rev() {
            let p = guide[i];
            if p.y > 60.0
                && let Some(z) = front.at(p.x, p.y)
            {
                guide[i].z = p.z.min(z - 7.0);
            }
            let dy = (guide[i].y - guide[i - 1].y).max(0.0);
            if guide[i - 1].y > 20.0 {
                guide[i - 1].z = guide[i - 1].z.min(guide[i].z + 1.1 * dy);
            }
        }
    }
    guide
}

/// Hair over the forehead.
pub(super) fn fringe(
    skull: &Skull,
    style: &Style,
    follow: &dyn Fn(V3) -> f32,
    r: &mut Rng,
    out: &mut Shell,
) {
    let Some(end) = style.fringe else { return };
    const GUIDES: usize = 30;
    let width = 66.0;
    let sweep = 14.0 * if style.pole.x > 0.0 { -1.0 } else { 1.0 };
    let mut guides = Vec::new();
    for k in 0..GUIDES {
        let u = k as f32 / (GUIDES - 1) as f32 * 2.0 - 1.0;
        let around = u * width;
        let root = direction(around * 0.8 - sweep, 22.0);
        // Longer at the temples.
        let lock = noise(v3(u * 7.0, 3.0, style.line.wave));
        let y = end + 16.0 * smoothstep(0.72, 1.0, u.abs()) + 5.0 * lock;
        let target = direction(around + sweep * 0.4, 118.0);
        let mut guide: Guide = Vec::new();
        for i in 0..40 {
            let s = i as f32 * STEP / 160.0;
            let d = between(root, target, s.min(1.0));
            let (skin, _) = skull.at(d);
            let stand = (style.top * 0.8 + 3.0) * smoothstep(1.0, 0.2, s) + 3.5;
            let p = MIDDLE + d * (skin + stand + 2.0 * lock);
            guide.push(p);
            let lowest = if p.x.abs() > 54.0 { 0.0 } else { FRINGE_LOWEST };
            if p.y + STEP > y.min(lowest) {
                break;
            }
        }
        guides.push(guide);
    }
    Sheet {
        guides,
        spacing: 5.0,
        offset: 900.0,
        fray: 14.0,
        borders: [true, true],
        follow,
        curl: style.curl,
    }
    .join(out, r);
}
