//! The inside of a room: walls, floor, ceiling, what stands along a wall, and what is lit.

use super::canvas::{Canvas, Wall, matt, shade};
use super::furniture::{boxes, cupboards, desk, lamp, plant, shelf, sofa};
use super::hangings::{curtain, door, picture, window};
use super::lights::Kind;
use super::palette::{dye, kelvin, wall_colour, wood};
use crate::maths::{Rng, V3, v3};

/// The inside of a room: walls and where they stand (mm, the camera at the origin).
pub struct Hull {
    pub left: f32,
    pub right: f32,
    pub floor: f32,
    pub ceiling: f32,
    pub deep: f32,
    pub back: Wall,
    pub west: Wall,
    pub east: Wall,
}

pub fn hull(r: &mut Rng, deep: f32, narrow: f32) -> Hull {
    let (left, right) = (-narrow * r.range(0.7, 1.5), narrow * r.range(0.7, 1.5));
    let down = v3(0.0, 1.0, 0.0);
    Hull {
        left,
        right,
        floor: r.range(950.0, 1250.0),
        ceiling: -r.range(1150.0, 1700.0),
        deep,
        back: Wall {
            at: v3(0.0, 0.0, deep),
            right: v3(1.0, 0.0, 0.0),
            down,
            out: v3(0.0, 0.0, -1.0),
        },
        west: Wall {
            at: v3(left, 0.0, 0.0),
            right: v3(0.0, 0.0, 1.0),
            down,
            out: v3(1.0, 0.0, 0.0),
        },
        east: Wall {
            at: v3(right, 0.0, deep),
            right: v3(0.0, 0.0, -1.0),
            down,
            out: v3(-1.0, 0.0, 0.0),
        },
    }
}

/// Walls, floor and ceiling, and the dusk where they meet.
pub fn walls(c: &mut Canvas, r: &mut Rng, h: &Hull, wall: V3, floor: V3) {
    let (l, e, f, t, d) = (h.left, h.right, h.floor, h.ceiling, h.deep);
    // Beyond the walls, so that no turned view looks out of the world.
    let far = 9000.0f32.max(2.0 * d);
    let p = v3;
    let ceiling = V3::splat(r.range(0.55, 0.8));
    c.quad(
        [p(-far, t, 0.0), p(far, t, 0.0), p(far, t, d), p(-far, t, d)],
        matt(ceiling),
    );
    c.quad(
        [p(-far, f, d), p(far, f, d), p(far, f, 0.0), p(-far, f, 0.0)],
        matt(floor),
    );
    let back = if r.unit() < 0.25 {
        wall_colour(r)
    } else {
        wall
    };
    c.quad(
        [p(l, t, d), p(e, t, d), p(e, f, d), p(l, f, d)],
        matt(back).fading(r.range(0.7, 1.0)),
    );
    c.quad(
        [p(l, t, -far), p(l, t, d), p(l, f, d), p(l, f, -far)],
        matt(wall).fading(0.85),
    );
    c.quad(
        [p(e, t, d), p(e, t, -far), p(e, f, -far), p(e, f, d)],
        matt(wall).fading(0.85),
    );
    // Corners hold less light.
    let dim = r.range(0.1, 0.35);
    let w = r.range(150.0, 450.0);
    h.back.rect(c, [l, t, e, t + w], 0.5, shade(dim, 0.0));
    h.back.rect(c, [l, f - w, e, f], 0.5, shade(0.0, dim));
    for (u, way) in [(l, 1.0), (e, -1.0)] {
        let q = |x: f32, y| p(x, y, d - 0.5);
        c.quad(
            [q(u, f), q(u, t), q(u + way * w, t), q(u + way * w, f)],
            shade(dim, 0.0),
        );
        let q = |z: f32, y| p(u + way * 0.5, y, z);
        c.quad(
            [q(d, f), q(d, t), q(d - w, t), q(d - w, f)],
            shade(dim, 0.0),
        );
    }
    // Boards or tiles on the floor.
    if r.unit() < 0.6 {
        let step = r.range(120.0, 420.0);
        let mut x = l;
        while x < e {
            let dark = shade(r.range(0.0, 0.25), r.range(0.0, 0.25));
            c.quad(
                [
                    p(x, f - 0.5, d),
                    p(x + step, f - 0.5, d),
                    p(x + step, f - 0.5, 200.0),
                    p(x, f - 0.5, 200.0),
                ],
                dark,
            );
            x += step;
        }
    }
    if r.unit() < 0.7 {
        let skirting = matt(V3::splat(r.range(0.3, 0.75)));
        h.back.block(c, [l, f - 90.0, e, f], [0.0, 15.0], skirting);
        h.west.rect(c, [-far, f - 90.0, d, f], 12.0, skirting);
        h.east.rect(c, [0.0, f - 90.0, far, f], 12.0, skirting);
    }
}

/// The radiance of the sky outside, or nothing by night.
pub fn sky(c: &Canvas, r: &mut Rng, kind: Kind) -> Option<V3> {
    let white = c.lights.white();
    let bright = (white.x + white.y + white.z) / 3.0;
    match kind {
        Kind::Back => Some(kelvin(r.range(5600.0, 7500.0)) * (bright * r.range(2.5, 7.0))),
        Kind::Sun => Some(kelvin(6200.0) * (bright * r.range(1.0, 3.0))),
        k if k.day() => Some(kelvin(r.range(5600.0, 7500.0)) * (bright * r.range(0.9, 3.0))),
        _ => None,
    }
}

/// A lamp's light, if lamps are on.
pub fn lit(c: &Canvas, r: &mut Rng, kind: Kind) -> Option<V3> {
    let white = c.lights.white();
    let bright = (white.x + white.y + white.z) / 3.0;
    let on = if kind.day() { 0.4 } else { 0.75 };
    let strength = r.range(0.5, 1.6);
    (r.unit() < on).then(|| kelvin(r.range(2500.0, 3800.0)) * (bright.max(0.08) * strength))
}

/// Things along a wall from `u0` to `u1`, one beside the other.
pub fn furnish(
    c: &mut Canvas,
    h: &Hull,
    wall: &Wall,
    [u0, u1]: [f32; 2],
    kind: Kind,
    living: bool,
    r: &mut Rng,
) {
    let mut u = u0 + r.range(0.0, 400.0);
    while u < u1 - 500.0 {
        let w = r.range(700.0, 1700.0).min(u1 - u);
        let (f, t) = (h.floor, h.ceiling);
        match r.bits() % 9 {
            0 | 1 if !living => {
                let high = r.range(900.0, f - t - 150.0);
                shelf(c, wall, [u, f - high, u + w, f], r.range(220.0, 380.0), r);
            }
            0 => {
                let v = r.range(-900.0, -350.0);
                shelf(c, wall, [u, v, u + w, v + r.range(250.0, 700.0)], 220.0, r);
            }
            1 => {
                picture(c, wall, [u + 100.0, -800.0, u + w - 100.0, -250.0], r);
                sofa(c, wall, [u, u + w.max(1400.0)], f, r);
            }
            2 => door(c, wall, u, f, r),
            3 => {
                let (a, b) = (r.range(-1000.0, -500.0), r.range(-250.0, 250.0));
                let many = 1 + r.bits() % 3;
                let each = w / many as f32;
                for i in 0..many {
                    let x = u + each * i as f32;
                    picture(c, wall, [x + 40.0, a, x + each * r.range(0.6, 0.9), b], r);
                }
                if r.unit() < 0.5 {
                    cupboards(c, wall, [u, f - 800.0, u + w, f], 420.0, dye(r), r);
                }
            }
            4 => {
                let size = r.range(500.0, 1700.0);
                plant(c, wall.point(u + 300.0, f, 300.0), size, r);
            }
            5 => {
                let light = lit(c, r, kind);
                let high = r.range(1100.0, 1500.0);
                lamp(c, wall.point(u + 250.0, f, 300.0), high, light, r);
            }
            6 => {
                let v = r.range(-1000.0, -600.0);
                let outside = sky(c, r, kind);
                window(
                    c,
                    wall,
                    [u, v, u + w, v + r.range(900.0, 1400.0)],
                    outside,
                    r,
                );
            }
            7 => {
                let colour = if r.unit() < 0.5 { wood(r) } else { dye(r) };
                let top = f - r.range(600.0, 2000.0);
                cupboards(c, wall, [u, top, u + w, f], 480.0, colour, r);
                if r.unit() < 0.6 {
                    boxes(c, wall, [u, u + w], top, r);
                }
            }
            _ => {
                if living {
                    let cloth = dye(r);
                    curtain(c, wall, [u, t + 100.0, u + w, f], cloth, r);
                } else {
                    desk(c, wall, [u, u + w], f, [20.0, 700.0], r);
                }
            }
        }
        u += w + r.range(100.0, 600.0);
    }
}

/// A window behind the person, where the light comes from there; returns where it begins and ends.
pub fn backlight(c: &mut Canvas, r: &mut Rng, h: &Hull, kind: Kind) -> [f32; 2] {
    if kind != Kind::Back {
        return [h.left; 2];
    }
    let outside = sky(c, r, kind);
    let half = r.range(500.0, 1300.0);
    let u = r.range(-500.0, 500.0);
    let v = r.range(-1100.0, -700.0);
    let at = [u - half, v, u + half, v + r.range(900.0, 1700.0)];
    window(c, &h.back, at, outside, r);
    [u - half - 250.0, u + half + 250.0]
}

pub fn bricks(c: &mut Canvas, r: &mut Rng, h: &Hull) {
    let clay = v3(0.33, 0.16, 0.10).mix(V3::splat(0.5), r.unit() * r.unit());
    let mut row = 0;
    let mut v = h.ceiling;
    while v < h.floor {
        let mut u = -1600.0 + if row % 2 == 0 { 0.0 } else { 110.0 };
        while u < 1600.0 {
            h.back.rect(
                c,
                [u, v, u + 210.0, v + 60.0],
                1.0,
                matt(clay * r.range(0.6, 1.3)),
            );
            u += 222.0;
        }
        v += 72.0;
        row += 1;
    }
}
