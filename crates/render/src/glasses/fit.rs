//! Glasses laid on a head: where the lenses stand (the frame around them: `frame.rs`).

use super::frame::{arm, bridge, pad, rim};
use super::mesh::Builder;
use super::outline::{outline, radii};
use super::{Glasses, GlassesStyle};
use crate::body::head::{Head, Posed, normals};
use crate::body::template::Template;
use crate::maths::{M3, V3, sin_cos, v3};
use crate::raster::cover;

/// Thickness of a lens at its middle, mm.
const THICK: f32 = 2.0;
/// From an eyeball's centre to the top of its cornea, mm.
const CORNEA_TOP: f32 = 13.15;
/// What the frame keeps from the skin, mm: brows need it.
const CLEAR: f32 = 0.7;

/// One lens in the head's frame, mm.
#[derive(Debug, Clone)]
pub struct Lens {
    /// Middle of its front.
    pub centre: V3,
    /// To the temple, down, and into the lens; mirrored on the image's left.
    pub(super) axes: M3,
    /// Its edge: to the temple, down.
    pub(super) outline: Vec<[f32; 2]>,
    /// Radii of the edge at equally spaced angles.
    pub(super) radii: [f32; 64],
    /// Curvature of front and back, 1/mm.
    pub(super) bend: [f32; 2],
}

impl Lens {
    /// A point of the front.
    pub(super) fn front(&self, p: [f32; 2]) -> V3 {
        let deep = (p[0] * p[0] + p[1] * p[1]) * 0.5 * self.bend[0];
        self.centre + self.axes.apply(v3(p[0], p[1], deep))
    }

    /// The edge's corner on one side (`x` −1 nose, 1 temple) that is nearest to a height.
    pub(super) fn corner(&self, x: f32, y: f32) -> [f32; 2] {
        (self.outline.iter().filter(|p| p[0] * x > 0.0)).fold(
            [0.0, f32::MAX],
            |best: [f32; 2], p| {
                if (p[1] - y).abs() < (best[1] - y).abs() {
                    *p
                } else {
                    best
                }
            },
        )
    }

    /// Outwards in the lens's plane at corner `k`.
    pub(super) fn out(&self, k: usize) -> [f32; 2] {
        let n = self.outline.len();
        let (p, q) = (self.outline[(k + n - 1) % n], self.outline[(k + 1) % n]);
        // The edge runs from the temple down: out is its tangent turned.
        let (x, y) = (q[1] - p[1], p[0] - q[0]);
        let l = (x * x + y * y).sqrt().max(1e-6);
        [x / l, y / l]
    }
}

/// The face's front as a map of depths, one sample a millimetre.
pub(super) struct Relief {
    nearest: Vec<f32>,
}

const LEFT: f32 = -82.0;
const TOP: f32 = -46.0;
const ACROSS: usize = 164;
const DOWN: usize = 100;

impl Relief {
    fn new(positions: &[V3]) -> Relief {
        let mut nearest = vec![0.0f32; ACROSS * DOWN];
        let place = |p: V3| v3(p.x - LEFT, p.y - TOP, 600.0 - p.z);
        for t in &Template::bundled().triangles {
            let [a, b, c] = t.map(|i| place(positions[i as usize]));
            let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
            cover([a, b, c], area, ACROSS, DOWN, |at, z, _, _| {
                nearest[at] = nearest[at].max(z);
            });
        }
        Relief { nearest }
    }

    /// Depth of the skin at a place: the nearest of the samples around it.
    pub(super) fn front(&self, x: f32, y: f32) -> f32 {
        let (i, j) = (x - LEFT - 0.5, y - TOP - 0.5);
        if i < 0.0 || j < 0.0 {
            return 600.0;
        }
        let (i, j) = (i as usize, j as usize);
        if i + 1 >= ACROSS || j + 1 >= DOWN {
            return 600.0;
        }
        let at = j * ACROSS + i;
        let n = &self.nearest;
        600.0
            - n[at]
                .max(n[at + 1])
                .max(n[at + ACROSS])
                .max(n[at + ACROSS + 1])
    }
}

/// The head's sides without the ears, and the roots of the ears.
pub(super) struct Sides {
    skin: [Vec<V3>; 2],
    roots: [Vec<V3>; 2],
}

impl Sides {
    fn new(positions: &[V3]) -> Sides {
        let ears = &Template::bundled().masks.ears;
        let on = |s: f32, ear: bool| {
            (positions.iter().zip(ears))
                .filter(|(p, m)| {
                    (**m > 0.3) == ear
                        && p.x * s > 30.0
                        && (-45.0..70.0).contains(&p.y)
                        && (-30.0..140.0).contains(&p.z)
                })
                .map(|(p, _)| *p)
                .collect::<Vec<V3>>()
        };
        let mut sides = Sides {
            skin: [on(-1.0, false), on(1.0, false)],
            roots: [Vec::new(), Vec::new()],
        };
        for side in 0..2 {
            let mut ear = on([-1.0, 1.0][side], true);
            ear.retain(|p| p.y < 35.0 && p.x.abs() < sides.width(side, p.y, p.z) + 4.0);
            sides.roots[side] = ear;
        }
        sides
    }

    /// Half the head's width near a place of one side.
    pub(super) fn width(&self, side: usize, y: f32, z: f32) -> f32 {
        (self.skin[side].iter())
            .filter(|p| (p.y - y).abs() < 6.0 && (p.z - z).abs() < 6.0)
            .fold(0.0, |m, p| m.max(p.x.abs()))
    }

    /// The top of the cleft between ear and skull.
    pub(super) fn cleft(&self, side: usize) -> V3 {
        let none = v3(76.0, f32::MAX, 75.0);
        let top = (self.roots[side].iter()).fold(none, |t, p| if p.y < t.y { *p } else { t });
        if top.y == f32::MAX {
            v3(top.x, 0.0, top.z)
        } else {
            top
        }
    }

    /// How far back the ear is grown to the skull at a height.
    pub(super) fn behind(&self, side: usize, y: f32) -> f32 {
        (self.roots[side].iter())
            .filter(|p| (p.y - y).abs() < 5.0)
            .fold(self.cleft(side).z, |m, p| m.max(p.z))
    }
}

impl Glasses {
    /// Lays glasses on a head whose shape at rest, looking straight ahead at the origin, is `rest`.
    pub fn fit(style: GlassesStyle, head: &Head, rest: &Posed) -> Glasses {
        let relief = Relief::new(&rest.positions);
        let sides = Sides::new(&rest.positions);
        let (lenses, vertex_mm) = place(&style, head, &relief, &sides);
        let mut mesh = Builder::default();
        for lens in &lenses {
            rim(&style, lens, &mut mesh);
        }
        bridge(&style, &lenses, &relief, &mut mesh);
        for (side, lens) in lenses.iter().enumerate() {
            pad(&style, lens, &relief, &mut mesh);
            arm(&style, lens, side, &sides, &mut mesh);
        }
        let mut n = Vec::new();
        normals(&mesh.triangles, &mesh.positions, &mut n);
        Glasses {
            pads: head.identity.skin * 0.75 + V3::splat(0.06),
            style,
            lenses,
            vertex_mm,
            positions: mesh.positions,
            triangles: mesh.triangles,
            normals: n,
            parts: mesh.parts,
        }
    }
}

/// Both lenses, as near to the wanted place as brows, cheeks and nose allow, and their distance to the cornea.
fn place(style: &GlassesStyle, head: &Head, relief: &Relief, sides: &Sides) -> ([Lens; 2], f32) {
    let [r, l] = head.eye_centres;
    let middle = (r + l) * 0.5;
    let half_pd = (l.x - r.x) / 2.0;
    let wide = (sides.width(0, -5.0, 30.0) + sides.width(1, -5.0, 30.0)) / 2.0;
    let size = (wide / 68.5).clamp(0.93, 1.10);
    // The lenses' middles stand a little further out than the eyes; a bridge of 14 to 23 mm between.
    let a = style.width_mm * size / 2.0;
    let x = (a + 8.7).clamp(half_pd - 0.5, half_pd + 3.5);
    let a = a.clamp(x - 11.5, x - 7.0);
    let b = style.height_mm * size / 2.0;
    let make = |shrink: f32, vertex: f32, tilt: f32| {
        let b = b * shrink;
        // The upper edge does not rise over the brows' middle.
        let y = (middle.y + style.drop_mm).max(middle.y - 17.0 + b);
        let lenses = [-1.0f32, 1.0].map(|side| {
            let (sw, cw) = sin_cos(f64::from(style.wrap_deg));
            let (sp, cp) = sin_cos(f64::from(tilt));
            let (sw, cw, sp, cp) = (sw as f32, cw as f32, sp as f32, cp as f32);
            // Turned out about y, then tilted about x.
            let axes = M3(
                v3(side * cw, -sp * sw, cp * sw),
                v3(0.0, cp, sp),
                v3(-side * sw, -sp * cw, cp * cw),
            );
            let outline = outline(style, a, b);
            let bend = 1.0 / style.base_mm;
            let mut lens = Lens {
                centre: v3(middle.x + side * x, y, 0.0),
                axes,
                radii: radii(&outline),
                outline,
                // Thin lenses of index 1.5: power in dioptres is 500 times the difference.
                bend: [bend, bend - style.power / 500.0],
            };
            let eye = if side < 0.0 { r } else { l };
            let at = axes.apply_inverse(eye - lens.centre);
            let before = lens.front([at.x, at.y]).z;
            lens.centre.z = middle.z - CORNEA_TOP - vertex - THICK - before;
            lens
        });
        (lenses, vertex)
    };
    for shrink in [1.0, 0.95, 0.90, 0.85, 0.80] {
        for step in 0..8 {
            let vertex = 11.5 + 0.5 * step as f32;
            for less in [0.0, 2.0, 4.0, 6.0] {
                let tilt = (style.tilt_deg - less).max(2.0);
                let made = make(shrink, vertex, tilt);
                if made.0.iter().all(|lens| clears(style, lens, relief)) {
                    return made;
                }
            }
        }
    }
    make(0.80, 15.0, style.tilt_deg.min(6.0))
}

/// Whether the rim's back (or the lens's edge) stays off the skin everywhere.
fn clears(style: &GlassesStyle, lens: &Lens, relief: &Relief) -> bool {
    let (inner, outer, back) = if style.plastic() {
        (-0.7, style.rim_mm * 1.15, 2.0)
    } else {
        (-1.0, 1.0, THICK)
    };
    (0..lens.outline.len()).all(|k| {
        let (p, o) = (lens.outline[k], lens.out(k));
        [inner, outer].iter().all(|d| {
            let at = lens.front([p[0] + o[0] * d, p[1] + o[1] * d]) + lens.axes.2 * back;
            at.z + CLEAR <= relief.front(at.x, at.y)
        })
    })
}
