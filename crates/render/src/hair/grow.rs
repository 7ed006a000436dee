//! Hair over the skull: a surface above the scalp, as thick as the cut wants it.

use crate::hair::shell::{FREE, Shell, Vertex};
use crate::hair::skull::{CELLS, MIDDLE, Skull, from_map};
use crate::hair::style::{Cut, Style};
use crate::maths::{V3, mix, noise, smoothstep, v3};

/// Two directions across `pole`.
fn across(pole: V3) -> [V3; 2] {
    let b = pole.cross(v3(0.31, 0.2, 0.93)).unit();
    [b, pole.cross(b)]
}

/// Which way strands lie in the direction `d` of the skull, and their place in the noise.
fn comb(style: &Style, d: V3) -> (V3, V3) {
    let [b, c] = across(style.pole);
    let cos = style.pole.dot(d);
    let away = (d * cos - style.pole).unit();
    let (x, y) = (b.dot(d), c.dot(d));
    let l = (x * x + y * y).sqrt().max(1e-4);
    // A whorl around the pole.
    let (sin, cos_turn) = crate::maths::sin_cos(f64::from(100.0 * (1.0 - l) * (1.0 - l)));
    let (sin, cos_turn) = (sin as f32, cos_turn as f32);
    let (x, y) = (x * cos_turn - y * sin, x * sin + y * cos_turn);
    let angle = libm::acosf(cos.clamp(-1.0, 1.0));
    let along = angle * 95.0;
    // Strands lie side by side where they are farthest from the pole, and tighter near it.
    let round = 62.0 + 12.0 * l;
    let curl = mix(0.05, 0.75, style.curl * style.curl);
    let grain = v3(x / l * round, y / l * round, along * curl);
    (away, grain)
}

/// How far the hair stands off the scalp in direction `d`, at a place of the mean adult.
fn thickness(style: &Style, d: V3, p: V3, inside: f32) -> f32 {
    let top = smoothstep(-34.0, -84.0, p.y);
    let full = mix(style.sides, style.top, top);
    let reach = 4.0 + 0.55 * full;
    let ramp = smoothstep(-2.0, reach, inside);
    // Locks: long waves along the strands, short ones across.
    let (_, grain) = comb(style, d);
    let g = v3(grain.x * 0.11, grain.y * 0.11, grain.z * 0.35);
    let tight = noise(d * (6.0 + 3.0 * style.curl) + v3(style.line.wave, 0.0, 0.0));
    let locks = style.locks * (0.7 * noise(g) + 0.8 * tight);
    let quiff = if matches!(style.cut, Cut::Short | Cut::Swept | Cut::SidePart) {
        0.30 * full * smoothstep(45.0, 0.0, p.z) * top
    } else {
        0.0
    };
    (full + quiff + locks * (full / 14.0).min(1.5)) * ramp
}

/// The surface over the scalp.
pub(super) fn scalp(skull: &Skull, style: &Style, out: &mut Shell) {
    let mut index = vec![u32::MAX; CELLS * CELLS];
    let fray = match style.cut {
        Cut::Buzz | Cut::Bald => 11.0,
        Cut::Afro => 9.0,
        _ => 11.0,
    };
    for j in 0..CELLS {
        for i in 0..CELLS {
            let d = from_map(i as f32 + 0.5, j as f32 + 0.5);
            let (r, p) = skull.at(d);
            let mut inside = style.inside(p);
            let ears = ear(d);
            inside = inside.min(28.0 * (1.0 - ears) - 4.0);
            if inside < -7.0 {
                continue;
            }
            let off = thickness(style, d, p, inside);
            let (along, grain) = comb(style, d);
            // Beside and behind, weight tells more than the comb.
            let side = smoothstep(-84.0, -30.0, p.y);
            let along = along + v3(0.0, 1.0, 0.15) * side;
            index[j * CELLS + i] = out.vertices.len() as u32;
            // Soft over the forehead, cut cleaner around the ears.
            let fray = fray * mix(0.45, 1.0, smoothstep(75.0, 30.0, p.z));
            out.vertices.push(Vertex {
                on: FREE,
                at: MIDDLE + d * (r + off),
                along,
                grain,
                edge: inside,
                fray,
                open: mix(0.75, 1.0, smoothstep(0.0, 14.0, inside)),
                follow: 1.0,
                beard: 0.0,
            });
        }
    }
    join(&index, out);
}

/// Joins the vertices of neighbouring cells of the map; `u32::MAX` where a cell has none.
fn join(index: &[u32], out: &mut Shell) {
    for j in 0..CELLS - 1 {
        for i in 0..CELLS - 1 {
            let k = j * CELLS + i;
            let four = [k, k + 1, k + CELLS + 1, k + CELLS].map(|k| index[k]);
            if four.contains(&u32::MAX) {
                continue;
            }
            let d = from_map(i as f32 + 1.0, j as f32 + 1.0);
            out.triangle([four[0], four[1], four[2]], d);
            out.triangle([four[0], four[2], four[3]], d);
        }
    }
}

/// How near a direction is to an ear's root.
pub(super) fn ear(d: V3) -> f32 {
    let y = (d.y - 0.33) / 0.26;
    let z = (d.z - 0.02) / 0.20;
    libm::expf(-(y * y + z * z)) * smoothstep(0.6, 0.8, d.x.abs())
}

/// A knot of hair: a ball.
pub(super) fn knot(skull: &Skull, style: &Style, out: &mut Shell) {
    if style.knot <= 0.0 {
        return;
    }
    let d = v3(0.0, -0.86, 0.50).unit();
    let (r, _) = skull.at(d);
    let centre = MIDDLE + d * (r + style.top + style.knot * 0.62);
    let axis = d;
    let [b, c] = across(axis);
    const RINGS: usize = 14;
    const SPOKES: usize = 28;
    let first = out.vertices.len() as u32;
    for i in 0..=RINGS {
        let (s, co) = crate::maths::sin_cos(i as f64 * 165.0 / RINGS as f64);
        for k in 0..SPOKES {
            let turn = k as f64 * 360.0 / SPOKES as f64;
            let (sa, ca) = crate::maths::sin_cos(turn);
            let round = b * ca as f32 + c * sa as f32;
            let n = round * s as f32 + axis * co as f32;
            // Strands wind around the axis, slanting.
            let bump = 1.0 + 0.07 * noise(n * 3.0 + v3(style.line.wave, 0.0, 0.0));
            let size = style.knot * bump * (1.0 + 0.12 * s as f32);
            let level = i as f32 * 5.5 + 9.0 * noise(n * 1.3);
            out.vertices.push(Vertex {
                on: FREE,
                at: centre + n * size,
                along: axis.cross(round) + axis * 0.35,
                grain: v3(level, 17.0, turn as f32 * 0.012 + 20.0),
                edge: 20.0,
                fray: 4.0,
                open: mix(1.0, 0.45, smoothstep(0.0, -0.9, co as f32)),
                follow: 1.0,
                beard: 0.0,
            });
        }
    }
    for i in 0..RINGS {
        for k in 0..SPOKES {
            let at = |i: usize, k: usize| first + (i * SPOKES + k % SPOKES) as u32;
            let q = [at(i, k), at(i, k + 1), at(i + 1, k + 1), at(i + 1, k)];
            let n = out.vertices[q[0] as usize].at - centre;
            out.triangle([q[0], q[1], q[2]], n);
            out.triangle([q[0], q[2], q[3]], n);
        }
    }
}

/// A knitted cap: it covers forehead's top, ears' tops and all hair above.
pub(super) fn cap(skull: &Skull, style: &Style, out: &mut Shell) {
    let mut index = vec![u32::MAX; CELLS * CELLS];
    for j in 0..CELLS {
        for i in 0..CELLS {
            let d = from_map(i as f32 + 0.5, j as f32 + 0.5);
            let (r, p) = skull.at(d);
            // Its border: level over the brows, lower behind.
            let border = mix(-42.0, 22.0, smoothstep(30.0, 165.0, p.z));
            let inside = border - p.y + 2.0 * noise(d * 3.0);
            if inside < -7.0 {
                continue;
            }
            // A turned-up brim, then the crown, which does not cling.
            let brim = smoothstep(-2.0, 1.5, inside) * smoothstep(36.0, 31.0, inside);
            let crown = smoothstep(20.0, 70.0, inside);
            let fold = noise(d * 4.0 + v3(style.line.wave, 0.0, 0.0));
            let off = 5.0 + 3.5 * brim + crown * (12.0 + 4.0 * fold) + 9.0 * ear(d);
            let [x, z] = [d.x, d.z + 0.1];
            let around = libm::atan2f(x, -z);
            index[j * CELLS + i] = out.vertices.len() as u32;
            out.vertices.push(Vertex {
                on: FREE,
                at: MIDDLE + d * (r + off),
                along: v3(0.0, -1.0, 0.0),
                grain: v3(around * 90.0, 0.0, inside),
                edge: inside + 1.5,
                fray: 1.2,
                open: mix(0.6, 1.0, smoothstep(0.0, 6.0, inside))
                    * mix(0.75, 1.0, smoothstep(0.0, 4.0, (inside - 33.0).abs())),
                follow: 1.0,
                beard: 0.0,
            });
        }
    }
    join(&index, out);
}
