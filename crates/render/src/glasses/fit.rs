//! Glasses laid on a head: where the lenses stand, and the frame built around them.

use super::mesh::{Builder, Station, bevelled, wire};
use super::outline::{CORNERS, outline, radii, weight};
use super::{Glasses, GlassesStyle, Part, Rim, Shape};
use crate::body::head::{Head, Posed, normals};
use crate::body::template::Template;
use crate::maths::{M3, V3, mix, sin_cos, smoothstep, v3};
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
    fn corner(&self, x: f32, y: f32) -> [f32; 2] {
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
    fn out(&self, k: usize) -> [f32; 2] {
        let n = self.outline.len();
        let (p, q) = (self.outline[(k + n - 1) % n], self.outline[(k + 1) % n]);
        // The edge runs from the temple down: out is its tangent turned.
        let (x, y) = (q[1] - p[1], p[0] - q[0]);
        let l = (x * x + y * y).sqrt().max(1e-6);
        [x / l, y / l]
    }
}

/// The face's front as a map of depths, one sample a millimetre.
struct Relief {
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
    fn front(&self, x: f32, y: f32) -> f32 {
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
struct Sides {
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
    fn width(&self, side: usize, y: f32, z: f32) -> f32 {
        (self.skin[side].iter())
            .filter(|p| (p.y - y).abs() < 6.0 && (p.z - z).abs() < 6.0)
            .fold(0.0, |m, p| m.max(p.x.abs()))
    }

    /// The top of the cleft between ear and skull.
    fn cleft(&self, side: usize) -> V3 {
        let none = v3(76.0, f32::MAX, 75.0);
        let top = (self.roots[side].iter()).fold(none, |t, p| if p.y < t.y { *p } else { t });
        if top.y == f32::MAX {
            v3(top.x, 0.0, top.z)
        } else {
            top
        }
    }

    /// How far back the ear is grown to the skull at a height.
    fn behind(&self, side: usize, y: f32) -> f32 {
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

/// The rim around a lens, as far as the style has one.
fn rim(style: &GlassesStyle, lens: &Lens, mesh: &mut Builder) {
    let b = lens.outline.iter().fold(0.0f32, |m, p| m.max(p[1]));
    let corners: Vec<usize> = match style.rim {
        Rim::Full => (0..CORNERS).collect(),
        // Over the brow, a little further down at both ends.
        Rim::Half => (CORNERS / 2 - 1..=CORNERS + 1)
            .map(|k| k % CORNERS)
            .collect(),
        Rim::Rimless => return,
    };
    let stations: Vec<Station> = (corners.iter())
        .map(|&k| {
            let (p, o) = (lens.outline[k], lens.out(k));
            Station {
                at: lens.front(p),
                out: lens.axes.apply(v3(o[0], o[1], 0.0)),
                back: lens.axes.2,
                size: [weight(style, p, b), 1.0],
            }
        })
        .collect();
    let ring = style.rim == Rim::Full;
    if style.plastic() {
        let section = bevelled([-0.7, -1.5], [style.rim_mm - 0.7, 1.9], 0.6);
        mesh.tube(&stations, &section, ring, Part::Frame);
    } else {
        let half = style.rim_mm / 2.0;
        let section: Vec<_> = (wire().iter())
            .map(|c| [c[0] * half + 0.25 * half, c[1] * 0.95 + 0.5])
            .collect();
        mesh.tube(&stations, &section, ring, Part::Frame);
    }
}

/// Stations along a line, each section upright.
fn upright(line: &[V3], size: impl Fn(f32) -> [f32; 2]) -> Vec<Station> {
    let n = line.len();
    (0..n)
        .map(|i| {
            let along = (line[(i + 1).min(n - 1)] - line[i.saturating_sub(1)]).unit();
            let up = v3(0.0, -1.0, 0.0);
            let out = (up - along * up.dot(along)).unit();
            Station {
                at: line[i],
                out,
                back: along.cross(out),
                size: size(i as f32 / (n - 1) as f32),
            }
        })
        .collect()
}

/// The bridge between the lenses, before the nose; aviators have a second one above.
fn bridge(style: &GlassesStyle, lenses: &[Lens; 2], relief: &Relief, mesh: &mut Builder) {
    let b = lenses[0].outline.iter().fold(0.0f32, |m, p| m.max(p[1]));
    // (height on the lens, how far its middle rises, half its height, half its depth)
    let bars: &[(f32, f32, f32, f32)] = match (style.plastic(), style.shape) {
        (true, Shape::Round) => &[(-0.30, 2.0, 2.2, 1.6)],
        (true, _) => &[(-0.45, 1.0, 2.8, 1.7)],
        (false, Shape::Aviator) => &[(-0.28, 2.4, 0.8, 0.8), (-0.86, -0.6, 0.8, 0.8)],
        (false, _) => &[(-0.38, 2.2, 0.9, 0.8)],
    };
    for &(height, rise, half, deep) in bars {
        let ends = [0, 1].map(|i| {
            let lens = &lenses[i];
            let p = lens.corner(-1.0, height * b);
            // Into the rim, or onto the lens.
            let inset = match style.rim {
                Rim::Rimless => 2.5,
                _ if style.plastic() => 0.4 - style.rim_mm / 2.0,
                _ => 0.0,
            };
            let before = if style.rim == Rim::Rimless { -0.9 } else { 0.2 };
            lens.front([p[0] + inset, p[1]]) + lens.axes.2 * before
        });
        let line: Vec<V3> = (0..9)
            .map(|k| {
                let t = k as f32 / 4.0 - 1.0;
                let arch = 1.0 - t * t;
                let mut p = ends[0].mix(ends[1], (t + 1.0) / 2.0);
                p.y -= rise * arch;
                p.z -= 0.8 * arch;
                let skin = (-2..=2)
                    .map(|i| relief.front(p.x, p.y + half * 0.5 * i as f32))
                    .fold(f32::MAX, f32::min);
                p.z = p.z.min(skin - deep - 0.5);
                p
            })
            .collect();
        let stations = upright(&line, |t| {
            // Stronger where it meets the rims.
            let end = smoothstep(0.55, 1.0, (2.0 * t - 1.0).abs());
            [mix(1.0, if style.plastic() { 1.35 } else { 1.0 }, end), 1.0]
        });
        let section: Vec<_> = if style.plastic() {
            bevelled([-half, -deep], [half, deep], 0.7)
        } else {
            wire().iter().map(|c| [c[0] * half, c[1] * deep]).collect()
        };
        mesh.tube(&stations, &section, false, Part::Frame);
        if style.rim == Rim::Rimless {
            for (lens, end) in lenses.iter().zip(ends) {
                screw(lens, end, mesh);
            }
        }
    }
}

fn screw(lens: &Lens, at: V3, mesh: &mut Builder) {
    let [x, y, z] = [lens.axes.0, lens.axes.1, lens.axes.2];
    mesh.ellipsoid(at, [x * 1.2, y * 1.2, z * 0.8], Part::Steel);
}

/// What rests on the flank of the nose: a pad on a wire, or a swelling of the plastic.
fn pad(style: &GlassesStyle, lens: &Lens, relief: &Relief, mesh: &mut Builder) {
    let b = lens.outline.iter().fold(0.0f32, |m, p| m.max(p[1]));
    let side = if lens.axes.0.x > 0.0 { 1.0 } else { -1.0 };
    let from = lens.corner(-1.0, 0.12 * b);
    let rim = lens.front(from) + lens.axes.2 * 1.2;
    let y = rim.y + if style.plastic() { 1.0 } else { 3.0 };
    // Behind the rim, where the nose is as wide as that.
    let z = rim.z + if style.plastic() { 2.0 } else { 4.5 };
    let mut x = 4.0f32;
    while x < rim.x.abs() - 1.0 && relief.front(side * x, y) < z + 0.4 {
        x += 0.25;
    }
    let touch = v3(side * x, y, relief.front(side * x, y).min(z + 1.5));
    if style.plastic() {
        let middle = touch.mix(rim, 0.55);
        let to = (rim - touch) * 0.62;
        let up = v3(0.0, 5.0, 0.0) + v3(side * 1.2, 0.0, 0.8);
        let flat = to.cross(up).unit() * 1.7;
        mesh.ellipsoid(middle, [to, up, flat], Part::Pad);
        return;
    }
    // The pad lies flat on the skin, its wire loops back from the rim.
    let e = 1.5;
    let slope = |dx: f32, dy: f32| {
        relief.front(touch.x + dx, touch.y + dy) - relief.front(touch.x - dx, touch.y - dy)
    };
    let n = v3(slope(e, 0.0), slope(0.0, e), -2.0 * e).unit();
    let up = v3(0.0, 1.0, 0.0);
    let up = (up - n * up.dot(n)).unit();
    let middle = touch + n * 0.8;
    mesh.ellipsoid(middle, [up * 4.6, up.cross(n) * 2.4, n * 0.8], Part::Pad);
    let bow = rim.mix(middle, 0.5) + v3(side * 1.2, -0.5, 1.5);
    let line: Vec<V3> = (0..5)
        .map(|k| {
            let t = k as f32 / 4.0;
            rim.mix(bow, t).mix(bow.mix(middle, t), t)
        })
        .collect();
    let section: Vec<_> = wire().iter().map(|c| [c[0] * 0.4, c[1] * 0.4]).collect();
    mesh.tube(&upright(&line, |_| [1.0; 2]), &section, false, Part::Frame);
}

/// The arm of one side: out from the rim, around the corner, along the temple, over the ear and down.
fn arm(style: &GlassesStyle, lens: &Lens, side: usize, sides: &Sides, mesh: &mut Builder) {
    let s = if side == 0 { -1.0 } else { 1.0 };
    let b = lens.outline.iter().fold(0.0f32, |m, p| m.max(p[1]));
    let plastic = style.plastic();
    let thick = if plastic { 1.2 } else { 0.65 };
    let p = lens.corner(1.0, -0.42 * b);
    let inset = match style.rim {
        Rim::Rimless => -2.5,
        _ if plastic => style.rim_mm * 0.3,
        _ => 0.2,
    };
    let before = if style.rim == Rim::Rimless { -0.9 } else { 0.2 };
    let root = lens.front([p[0] + inset, p[1]]) + lens.axes.2 * before;
    let ear = sides.cleft(side);
    let over = v3(
        sides.width(side, ear.y, ear.z) + thick + 0.8,
        ear.y - 2.0,
        ear.z,
    );
    // The corner lies as far out as the temple behind it asks for.
    let reach = if plastic { style.rim_mm + 2.5 } else { 5.0 };
    let wide = (root.x.abs() + reach).max(over.x - 15.0);
    let hinge = v3(wide, root.y, root.z + 5.0);
    let mut line: Vec<V3> = (0..=8).map(|k| hinge.mix(over, k as f32 / 8.0)).collect();
    for _ in 0..3 {
        for p in &mut line[1..] {
            let skin = sides.width(side, p.y, p.z);
            p.x = p.x.max(skin + thick + 0.8);
        }
        let old = line.clone();
        for k in 1..line.len() - 1 {
            line[k].x = line[k].x.max((old[k - 1].x + old[k + 1].x) / 2.0);
        }
    }
    // Straight out of the rim and round the corner.
    let out = |x: f32, z: f32| v3(mix(root.x.abs(), wide, x), root.y, mix(root.z, hinge.z, z));
    let mut path = vec![
        out(0.0, 0.0),
        out(0.45, 0.0),
        out(0.80, 0.12),
        out(0.95, 0.40),
    ];
    path.extend(&line);
    let bent = line[line.len() - 1];
    let back = sides.behind(side, bent.y + 4.0).max(bent.z + 4.0);
    for (y, z) in [(0.5, 2.0), (5.0, 7.0), (16.0, 11.0), (29.0, 15.0)] {
        let y = bent.y + y;
        let z = (back + z).max(sides.behind(side, y) + 2.5);
        let skin = sides.width(side, y, z);
        path.push(v3(skin.max(bent.x - 8.0) + thick + 0.3, y, z));
    }
    for p in &mut path {
        p.x *= s;
    }
    let (high, deep) = if plastic {
        (mix(2.0, 2.9, (style.rim_mm - 2.2) / 2.0), thick)
    } else {
        (1.15, thick)
    };
    let section: Vec<_> = if plastic {
        bevelled([-high, -deep], [high, deep], 0.5)
    } else {
        bevelled([-high, -deep], [high, deep], 0.35)
    };
    let stations = upright(&path, |t| {
        let front = smoothstep(0.35, 0.05, t);
        if plastic {
            [mix(0.85, 1.2, front), mix(1.0, 1.35, front)]
        } else {
            [mix(0.85, 1.1, front), 1.0]
        }
    });
    mesh.tube(&stations, &section, false, Part::Frame);
    if style.rim == Rim::Rimless {
        screw(lens, root, mesh);
    }
    if plastic {
        // A pin of the hinge shows at the corner.
        let at = path[1] + v3(0.0, 0.0, -1.75);
        mesh.ellipsoid(
            at,
            [v3(1.1, 0.0, 0.0), v3(0.0, 0.55, 0.0), v3(0.0, 0.0, 0.5)],
            Part::Steel,
        );
    } else {
        let sleeve = &path[path.len() - 6..];
        let section = bevelled([-1.9, -1.3], [1.9, 1.3], 0.7);
        mesh.tube(
            &upright(sleeve, |_| [1.0; 2]),
            &section,
            false,
            Part::Sleeve,
        );
    }
}
