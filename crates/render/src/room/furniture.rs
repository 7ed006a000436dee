//! Things that stand in rooms, made of flat shapes. Nothing here has two dark
//! spots side by side above a third: no detector of faces shall find one.

use super::canvas::{Canvas, Wall, glowing, matt, shade};
use super::palette::{chance, dye, wood};
use crate::maths::{Rng, V3, mix, v3};

/// A bookcase: boards, books, boxes and gaps.
pub fn shelf(c: &mut Canvas, wall: &Wall, at: [f32; 4], depth: f32, r: &mut Rng) {
    let [u0, v0, u1, v1] = at;
    let board = wood(r);
    wall.block(c, at, [0.0, depth * 0.1], matt(board * 0.45));
    let rows = ((v1 - v0) / r.range(290.0, 400.0)).max(1.0) as usize;
    let (high, thick) = ((v1 - v0) / rows as f32, r.range(16.0, 30.0));
    let full = r.range(0.35, 0.97);
    for row in 0..rows {
        let floor = v0 + high * (row + 1) as f32 - thick;
        let ceiling = floor - high + thick;
        wall.rect(c, [u0, ceiling, u1, floor], depth * 0.12, shade(0.55, 0.1));
        let mut u = u0 + thick;
        while u < u1 - 60.0 {
            if chance(r, full) {
                let many = 1 + (r.bits() % 9) as usize;
                let series = chance(r, 0.25).then(|| dye(r));
                let tall = r.range(0.55, 0.85);
                for _ in 0..many {
                    let w = r.range(16.0, 48.0);
                    if u + w > u1 - thick {
                        break;
                    }
                    let h = (high - thick) * (tall * r.range(0.85, 1.1)).min(0.92);
                    let colour = series.unwrap_or_else(|| dye(r));
                    let out = depth * r.range(0.65, 0.85);
                    wall.rect(c, [u, floor - h, u + w, floor], out, matt(colour));
                    if chance(r, 0.5) {
                        let y = floor - h * r.range(0.55, 0.9);
                        let band = matt(colour * 0.5 + V3::splat(r.range(0.0, 0.4)));
                        wall.rect(c, [u, y, u + w, y + h * 0.08], out + 1.0, band);
                    }
                    u += w + 1.0;
                }
            } else {
                let w = r.range(80.0, 260.0).min(u1 - thick - u);
                let h = (high - thick) * r.range(0.3, 0.8);
                match r.bits() % 3 {
                    0 => wall.block(
                        c,
                        [u + 8.0, floor - h, u + w - 8.0, floor],
                        [depth * 0.2, depth * 0.8],
                        matt(dye(r)),
                    ),
                    1 => leaves(
                        c,
                        wall.point(u + w / 2.0, floor - 60.0, depth * 0.5),
                        130.0,
                        14,
                        r,
                    ),
                    _ => {}
                }
                u += w;
            }
        }
        wall.block(c, [u0, floor, u1, floor + thick], [0.0, depth], matt(board));
    }
    for u in [u0, u1 - thick] {
        wall.block(c, [u, v0, u + thick, v1], [0.0, depth], matt(board));
    }
    wall.block(c, [u0, v0 - thick, u1, v0], [0.0, depth], matt(board));
}

/// Leaves around a point, `size` mm high.
pub fn leaves(c: &mut Canvas, root: V3, size: f32, many: usize, r: &mut Rng) {
    let green = v3(0.10, 0.19, 0.055).mix(v3(0.20, 0.24, 0.10), r.unit()) * r.range(0.5, 1.3);
    for i in 0..many {
        let (s, k) = crate::maths::sin_cos(f64::from(r.range(0.0, 360.0)));
        let far = size * r.range(0.25, 1.0);
        let up = r.range(0.05, 1.0);
        let tip = root
            + v3(
                s as f32 * far * 0.75,
                -far * up - size * 0.15,
                k as f32 * far * 0.6,
            );
        let stem = root.mix(tip, r.range(0.25, 0.55));
        let broad =
            v3(k as f32, r.range(-0.4, 0.4), s as f32).unit() * (size * r.range(0.04, 0.12));
        let middle = stem.mix(tip, 0.5);
        let shade = 0.45 + 0.8 * (i as f32 / many as f32) * r.range(0.7, 1.2);
        c.quad(
            [stem, middle + broad, tip, middle - broad],
            matt(green * shade),
        );
    }
}

/// A plant in its pot on the floor or a table.
pub fn plant(c: &mut Canvas, ground: V3, size: f32, r: &mut Rng) {
    let pot = Wall {
        at: ground,
        right: v3(1.0, 0.0, 0.0),
        down: v3(0.0, 1.0, 0.0),
        out: v3(0.0, 0.0, -1.0),
    };
    let (w, h) = (size * r.range(0.12, 0.2), size * r.range(0.2, 0.35));
    pot.block(c, [-w, -h, w, 0.0], [-w, w], matt(dye(r) + V3::splat(0.05)));
    let many = 30 + (r.bits() % 40) as usize;
    leaves(c, ground + v3(0.0, -h, 0.0), size - h, many, r);
}

/// A lamp on a pole or table, lit or not: the ground it stands on, its height.
pub fn lamp(c: &mut Canvas, ground: V3, high: f32, light: Option<V3>, r: &mut Rng) {
    let stand = Wall {
        at: ground,
        right: v3(1.0, 0.0, 0.0),
        down: v3(0.0, 1.0, 0.0),
        out: v3(0.0, 0.0, -1.0),
    };
    let w = r.range(90.0, 220.0);
    let shade_high = w * r.range(1.0, 1.8);
    stand.block(
        c,
        [-12.0, -high, 12.0, 0.0],
        [-12.0, 12.0],
        matt(V3::splat(r.range(0.02, 0.5))),
    );
    let top = w * r.range(0.5, 1.0);
    let p = |u: f32, v: f32| ground + v3(u, v, -20.0);
    let paint = match light {
        Some(l) => glowing(l * 2.2).fading(1.5),
        None => matt(V3::splat(0.6)),
    };
    let (v0, v1) = (-high - shade_high, -high);
    c.quad([p(-top, v0), p(top, v0), p(w, v1), p(-w, v1)], paint);
    if let Some(l) = light {
        c.halo(
            ground + v3(0.0, -high - shade_high / 2.0, 0.0),
            w * 5.0,
            l * 0.22,
        );
    }
}

/// A lamp that hangs from the ceiling.
pub fn pendant(c: &mut Canvas, from: V3, down: f32, light: Option<V3>, r: &mut Rng) {
    let at = from + v3(0.0, down, 0.0);
    let cord = [
        from + v3(-4.0, 0.0, 0.0),
        from + v3(4.0, 0.0, 0.0),
        at + v3(4.0, 0.0, 0.0),
        at + v3(-4.0, 0.0, 0.0),
    ];
    c.quad(cord, matt(V3::splat(0.03)));
    let radius = r.range(55.0, 170.0);
    match light {
        Some(l) => {
            c.disc(at, radius, glowing(l * r.range(2.0, 9.0)).fading(0.8));
            c.halo(at, radius * 5.0, l * 0.2);
        }
        None => c.disc(at, radius, matt(dye(r)).fading(0.5)),
    }
}

/// A row of cupboards with doors and handles.
pub fn cupboards(c: &mut Canvas, wall: &Wall, at: [f32; 4], depth: f32, colour: V3, r: &mut Rng) {
    let [u0, v0, u1, v1] = at;
    wall.block(c, at, [0.0, depth], matt(colour * 0.6));
    let many = ((u1 - u0) / r.range(380.0, 620.0)).max(1.0) as usize;
    let w = (u1 - u0) / many as f32;
    let drawers = if chance(r, 0.25) { 3 } else { 1 };
    let h = (v1 - v0) / drawers as f32;
    for i in 0..many * drawers {
        let (u, v) = (u0 + w * (i / drawers) as f32, v0 + h * (i % drawers) as f32);
        let front = [u + 4.0, v + 4.0, u + w - 4.0, v + h - 4.0];
        wall.rect(
            c,
            front,
            depth + 2.0,
            matt(colour).fading(r.range(0.85, 1.0)),
        );
        let x = u + w * if drawers == 3 { 0.4 } else { 0.85 };
        let handle = [
            x,
            v + h * 0.15,
            x + 14.0 + 90.0 * (drawers == 3) as u8 as f32,
            v + h * 0.15 + 90.0 / drawers as f32,
        ];
        wall.rect(c, handle, depth + 20.0, matt(V3::splat(0.25)));
    }
}

/// A table with things on it; `wall` is the wall it stands at, `v` the floor.
pub fn desk(
    c: &mut Canvas,
    wall: &Wall,
    [u0, u1]: [f32; 2],
    floor: f32,
    [from, to]: [f32; 2],
    r: &mut Rng,
) {
    let top = floor - r.range(700.0, 760.0);
    let colour = wood(r);
    for u in [u0 + 20.0, u1 - 70.0] {
        wall.block(
            c,
            [u, top, u + 50.0, floor],
            [from + 40.0, to - 40.0],
            matt(colour * 0.6),
        );
    }
    wall.block(c, [u0, top, u1, top + 32.0], [from, to], matt(colour));
    let mut u = u0 + 40.0;
    while u < u1 - 300.0 {
        match r.bits() % 4 {
            0 => {
                // A monitor, seen from one side or the other.
                let (w, h) = (r.range(480.0, 620.0).min(u1 - u), r.range(280.0, 360.0));
                let o = mix(from, to, r.range(0.3, 0.7));
                wall.block(
                    c,
                    [u + w * 0.45, top - 130.0, u + w * 0.55, top],
                    [o - 20.0, o],
                    matt(V3::splat(0.08)),
                );
                wall.block(
                    c,
                    [u, top - 120.0 - h, u + w, top - 120.0],
                    [o, o + 30.0],
                    matt(V3::splat(0.025)),
                );
                if chance(r, 0.6) {
                    let light = c.lights.screen_colour * r.range(1.0, 8.0);
                    let at = [u + 14.0, top - 106.0 - h, u + w - 14.0, top - 140.0];
                    wall.rect(c, at, o + 31.0, glowing(light).fading(r.range(0.5, 1.2)));
                }
                u += w;
            }
            1 => plant(c, wall.point(u + 90.0, top, mix(from, to, 0.5)), 320.0, r),
            2 => {
                let (w, h) = (r.range(60.0, 280.0), r.range(40.0, 260.0));
                let o = mix(from, to, 0.4);
                wall.block(c, [u, top - h, u + w, top], [o, o + 120.0], matt(dye(r)));
            }
            _ => {}
        }
        u += r.range(120.0, 420.0);
    }
}

/// An office chair or a plain one, from behind or before.
pub fn chair(c: &mut Canvas, ground: V3, r: &mut Rng) {
    let stand = Wall {
        at: ground,
        right: v3(1.0, 0.0, r.range(-0.4, 0.4)).unit(),
        down: v3(0.0, 1.0, 0.0),
        out: v3(0.0, 0.0, -1.0),
    };
    let colour = if chance(r, 0.5) {
        V3::splat(r.range(0.02, 0.1))
    } else {
        dye(r)
    };
    let w = r.range(190.0, 250.0);
    stand.block(
        c,
        [-25.0, -420.0, 25.0, 0.0],
        [-25.0, 25.0],
        matt(V3::splat(0.06)),
    );
    stand.block(c, [-w, -480.0, w, -410.0], [-220.0, 220.0], matt(colour));
    let back = if chance(r, 0.5) { -220.0 } else { 190.0 };
    stand.block(
        c,
        [-w * 0.9, -r.range(880.0, 1080.0), w * 0.9, -520.0],
        [back, back + 40.0],
        matt(colour * 0.9),
    );
}

/// A sofa with cushions at a wall.
pub fn sofa(c: &mut Canvas, wall: &Wall, [u0, u1]: [f32; 2], floor: f32, r: &mut Rng) {
    let cloth = dye(r) + V3::splat(0.03);
    wall.block(
        c,
        [u0, floor - 820.0, u1, floor],
        [40.0, 260.0],
        matt(cloth),
    );
    wall.block(
        c,
        [u0 + 150.0, floor - 430.0, u1 - 150.0, floor],
        [260.0, 850.0],
        matt(cloth * 0.9),
    );
    for _ in 0..1 + r.bits() % 4 {
        let (u, s) = (r.range(u0 + 200.0, u1 - 400.0), r.range(300.0, 430.0));
        wall.block(
            c,
            [u, floor - 430.0 - s, u + s, floor - 430.0],
            [270.0, 380.0],
            matt(dye(r)).fading(0.75),
        );
    }
    for u in [u0, u1 - 170.0] {
        wall.block(
            c,
            [u, floor - 620.0, u + 170.0, floor],
            [40.0, 860.0],
            matt(cloth * 0.95),
        );
    }
}

/// A heap of boxes on the floor or on a cupboard.
pub fn boxes(c: &mut Canvas, wall: &Wall, [u0, u1]: [f32; 2], floor: f32, r: &mut Rng) {
    let mut u = u0;
    while u < u1 - 150.0 {
        let w = r.range(150.0, 500.0).min(u1 - u);
        let mut v = floor;
        for _ in 0..1 + r.bits() % 4 {
            let h = r.range(90.0, 380.0);
            let card = v3(0.36, 0.24, 0.14) * r.range(0.6, 1.3);
            let colour = if chance(r, 0.5) { card } else { dye(r) };
            let in_ = r.range(0.0, 0.12) * w;
            wall.block(
                c,
                [u + in_, v - h, u + w - in_, v],
                [60.0, r.range(200.0, 450.0)],
                matt(colour),
            );
            if chance(r, 0.5) {
                let m = u + w * 0.5;
                wall.rect(c, [m - 25.0, v - h, m + 25.0, v], 451.0, matt(colour * 1.4));
            }
            v -= h;
        }
        u += w + r.range(0.0, 200.0);
    }
}
