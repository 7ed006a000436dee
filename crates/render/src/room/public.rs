//! Rooms that many share: office, corridor, café.

use super::canvas::{Canvas, Wall, glowing, matt};
use super::furniture::{chair, desk, pendant, shelf};
use super::hangings::{door, window};
use super::hull::{backlight, bricks, furnish, hull, lit, sky, walls};
use super::lights::Kind;
use super::palette::{dye, kelvin, wood};
use crate::maths::{Rng, V3, v3};

pub fn office(c: &mut Canvas, r: &mut Rng, wall: V3, kind: Kind) {
    let deep = r.range(4500.0, 10000.0);
    let h = hull(r, deep, 3400.0);
    let carpet = V3::splat(r.range(0.08, 0.3)).mix(dye(r), 0.3);
    walls(c, r, &h, wall, carpet);
    let outside = sky(c, r, kind);
    let side = if r.unit() < 0.5 { h.west } else { h.east };
    let mut u = 600.0;
    while u < deep - 900.0 {
        window(c, &side, [u, -1000.0, u + 1100.0, 300.0], outside, r);
        u += 1350.0;
    }
    if kind == Kind::Back || r.unit() < 0.4 {
        let mut u = h.left + 200.0;
        while u < h.right - 1100.0 {
            window(c, &h.back, [u, -1000.0, u + 1100.0, 300.0], outside, r);
            u += 1350.0;
        }
    } else {
        furnish(c, &h, &h.back, [h.left, h.right], kind, false, r);
    }
    // Panels of light in the ceiling.
    let white = c.lights.white();
    let on = matches!(kind, Kind::Ceiling | Kind::Overcast) || r.unit() < 0.4;
    let panel = if on {
        glowing(white * r.range(1.5, 4.0))
    } else {
        matt(V3::splat(0.75))
    };
    let mut z = 900.0;
    while z < deep {
        let mut x = h.left + 700.0;
        while x < h.right - 600.0 {
            let t = h.ceiling + 3.0;
            c.quad(
                [
                    v3(x, t, z),
                    v3(x + 600.0, t, z),
                    v3(x + 600.0, t, z + 600.0),
                    v3(x, t, z + 600.0),
                ],
                panel,
            );
            x += 1800.0;
        }
        z += 1700.0;
    }
    // Desks in rows, far ones first.
    let mut z = deep - 1200.0;
    while z > 1500.0 {
        let row = Wall {
            at: v3(0.0, 0.0, z),
            ..h.back
        };
        let mut x = h.left + r.range(100.0, 900.0);
        while x < h.right - 1400.0 {
            if r.unit() < 0.75 {
                chair(c, v3(x + 600.0, h.floor, z + 500.0), r);
                desk(c, &row, [x, x + 1400.0], h.floor, [0.0, 750.0], r);
            }
            x += r.range(1500.0, 2200.0);
        }
        z -= r.range(1300.0, 2000.0);
    }
    if r.unit() < 0.4 {
        let x = r.range(h.left, h.right) * 0.7;
        let pillar = Wall {
            at: v3(0.0, 0.0, r.range(1800.0, 3500.0)),
            ..h.back
        };
        pillar.block(
            c,
            [x, h.ceiling, x + 350.0, h.floor],
            [0.0, 350.0],
            matt(wall),
        );
    }
}

pub fn corridor(c: &mut Canvas, r: &mut Rng, wall: V3, floor: V3, kind: Kind) {
    let deep = r.range(6000.0, 15000.0);
    let h = hull(r, deep, 1000.0);
    walls(c, r, &h, wall, floor);
    let outside = sky(c, r, kind);
    if r.unit() < 0.5 || kind == Kind::Back {
        window(c, &h.back, [-600.0, -900.0, 600.0, 600.0], outside, r);
    } else {
        door(c, &h.back, -450.0, h.floor, r);
    }
    let white = c.lights.white();
    let mut z = deep - 1000.0;
    while z > 800.0 {
        let t = h.ceiling + 3.0;
        let glow = glowing(white * r.range(1.0, 3.0));
        c.quad(
            [
                v3(-150.0, t, z),
                v3(150.0, t, z),
                v3(150.0, t, z + 700.0),
                v3(-150.0, t, z + 700.0),
            ],
            glow,
        );
        if r.unit() < 0.7 {
            door(c, &h.west, z, h.floor, r);
        }
        if r.unit() < 0.7 {
            door(c, &h.east, deep - z, h.floor, r);
        }
        z -= r.range(1700.0, 2600.0);
    }
}

pub fn cafe(c: &mut Canvas, r: &mut Rng, wall: V3, floor: V3, kind: Kind) {
    let deep = r.range(3000.0, 6500.0);
    let h = hull(r, deep, 2600.0);
    walls(c, r, &h, wall * 0.7, floor);
    if r.unit() < 0.5 {
        bricks(c, r, &h);
    }
    backlight(c, r, &h, kind);
    let f = h.floor;
    let u = r.range(h.left, 0.0);
    shelf(c, &h.back, [u, -900.0, u + 2200.0, 100.0], 250.0, r);
    h.back.block(
        c,
        [u - 200.0, f - 1100.0, u + 2600.0, f],
        [900.0, 1400.0],
        matt(wood(r)),
    );
    furnish(c, &h, &h.west, [900.0, deep - 1200.0], kind, true, r);
    let outside = sky(c, r, kind);
    window(
        c,
        &h.east,
        [600.0, -1000.0, deep - 900.0, 500.0],
        outside,
        r,
    );
    for _ in 0..2 + r.bits() % 4 {
        let z = deep * r.range(0.35, 0.75);
        let x = r.range(h.left, h.right) * 0.8;
        chair(c, v3(x + 500.0, f, z + 200.0), r);
        let table = Wall {
            at: v3(0.0, 0.0, z),
            ..h.back
        };
        desk(c, &table, [x, x + 700.0], f, [0.0, 700.0], r);
    }
    let light = lit(c, r, kind).or(Some(kelvin(2700.0) * 0.2));
    let (start, step, down) = (
        r.range(-1500.0, -600.0),
        r.range(450.0, 900.0),
        r.range(300.0, 800.0),
    );
    let look = Rng::new(r.bits());
    for i in 0..2 + r.bits() % 4 {
        let at = v3(start + step * i as f32, h.ceiling, deep * 0.6);
        pendant(c, at, down, light, &mut look.clone());
    }
}
