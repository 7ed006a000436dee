//! The frame built around two lenses that stand before a face: rims, bridge, pads, arms.

use super::fit::{Relief, Sides};
use super::mesh::{Builder, Station, bevelled, wire};
use super::outline::{CORNERS, weight};
use super::{GlassesStyle, Lens, Part, Rim, Shape};
use crate::maths::{V3, mix, smoothstep, v3};

/// The rim around a lens, as far as the style has one.
pub(super) fn rim(style: &GlassesStyle, lens: &Lens, mesh: &mut Builder) {
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
pub(super) fn bridge(
    style: &GlassesStyle,
    lenses: &[Lens; 2],
    relief: &Relief,
    mesh: &mut Builder,
) {
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
pub(super) fn pad(style: &GlassesStyle, lens: &Lens, relief: &Relief, mesh: &mut Builder) {
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
pub(super) fn arm(
    style: &GlassesStyle,
    lens: &Lens,
    side: usize,
    sides: &Sides,
    mesh: &mut Builder,
) {
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
