//! Rooms that people call from: which things stand where.

use super::canvas::{Canvas, matt};
use super::furniture::{boxes, chair, cupboards, pendant, shelf};
use super::hangings::{curtain, door, picture, window};
use super::hull::{backlight, bricks, furnish, hull, lit, sky, walls};
use super::lights::Kind;
use super::palette::{dye, wall_colour, wood};
use super::public::{cafe, corridor, office};
use crate::maths::{Rng, V3, v3};

/// A kind of room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Desk, shelves, a door.
    Study,
    /// Sofa, pictures, lamps, curtains.
    Living,
    /// Cupboards, tiles, a counter.
    Kitchen,
    /// Rows of desks under panels of light.
    Office,
    /// Long and narrow, doors at the sides.
    Corridor,
    /// A wall close behind, nearly bare.
    Plain,
    /// Counter, bottles, hanging lamps.
    Cafe,
    /// Books from side to side.
    Library,
    /// A store: boxes, shelves, all sharp edges.
    Store,
}

impl Place {
    /// A kind of room, as often as people are seen in it.
    pub fn random(r: &mut Rng) -> Place {
        match r.bits() % 20 {
            0..=4 => Place::Study,
            5..=8 => Place::Living,
            9 | 10 => Place::Kitchen,
            11..=13 => Place::Office,
            14 => Place::Corridor,
            15 | 16 => Place::Plain,
            17 => Place::Cafe,
            18 => Place::Library,
            _ => Place::Store,
        }
    }
}

/// Paints a room.
pub fn paint(c: &mut Canvas, r: &mut Rng, place: Place, kind: Kind) {
    let (wall, floor) = (wall_colour(r), wood(r));
    match place {
        Place::Study | Place::Living => {
            let living = place == Place::Living;
            let deep = if living {
                r.range(2600.0, 5200.0)
            } else {
                r.range(1500.0, 3600.0)
            };
            let h = hull(r, deep, if living { 2300.0 } else { 1600.0 });
            walls(c, r, &h, wall, floor);
            let [from, to] = backlight(c, r, &h, kind);
            furnish(c, &h, &h.back, [h.left, from], kind, living, r);
            furnish(c, &h, &h.back, [to, h.right], kind, living, r);
            furnish(c, &h, &h.west, [900.0, deep], kind, living, r);
            furnish(c, &h, &h.east, [0.0, deep - 900.0], kind, living, r);
            if living && r.unit() < 0.4 {
                let light = lit(c, r, kind);
                let at = v3(
                    r.range(h.left, h.right) * 0.6,
                    h.ceiling,
                    deep * r.range(0.4, 0.8),
                );
                let down = r.range(200.0, 700.0);
                pendant(c, at, down, light, r);
            }
            if !living && r.unit() < 0.4 {
                let at = v3(r.range(h.left, h.right) * 0.8, h.floor, deep * 0.7);
                chair(c, at, r);
            }
        }
        Place::Kitchen => kitchen(c, r, wall, floor, kind),
        Place::Office => office(c, r, wall, kind),
        Place::Corridor => corridor(c, r, wall, floor, kind),
        Place::Plain => {
            let deep = r.range(700.0, 1600.0);
            let h = hull(r, deep, 2500.0);
            walls(c, r, &h, wall, floor);
            let [_, free] = backlight(c, r, &h, kind);
            match r.bits() % 4 {
                0 => {
                    let u = r.range(-700.0, 300.0).max(free);
                    picture(
                        c,
                        &h.back,
                        [u, -600.0, u + r.range(250.0, 800.0), -100.0],
                        r,
                    );
                }
                1 => bricks(c, r, &h),
                2 => {
                    let cloth = dye(r);
                    curtain(c, &h.back, [-2500.0, h.ceiling, 2500.0, h.floor], cloth, r);
                }
                _ => {}
            }
        }
        Place::Cafe => cafe(c, r, wall, floor, kind),
        Place::Library => {
            let deep = r.range(1300.0, 3500.0);
            let h = hull(r, deep, 2200.0);
            walls(c, r, &h, wall, floor);
            shelf(
                c,
                &h.back,
                [h.left, h.ceiling + 200.0, h.right, h.floor],
                320.0,
                r,
            );
            if r.unit() < 0.6 {
                shelf(
                    c,
                    &h.west,
                    [600.0, h.ceiling + 200.0, deep - 300.0, h.floor],
                    320.0,
                    r,
                );
            }
        }
        Place::Store => {
            let deep = r.range(1300.0, 3500.0);
            let h = hull(r, deep, 1800.0);
            walls(c, r, &h, wall, floor);
            for wall in [&h.west, &h.east, &h.back] {
                shelf(
                    c,
                    wall,
                    [h.left, h.ceiling + 300.0, deep, h.floor],
                    450.0,
                    r,
                );
                boxes(c, wall, [h.left, deep], h.floor, r);
                boxes(c, wall, [h.left, deep], r.range(-200.0, 400.0), r);
            }
        }
    }
}

fn kitchen(c: &mut Canvas, r: &mut Rng, wall: V3, floor: V3, kind: Kind) {
    let deep = r.range(1900.0, 4000.0);
    let h = hull(r, deep, 1900.0);
    walls(c, r, &h, wall, floor);
    let front = if r.unit() < 0.6 {
        V3::splat(r.range(0.4, 0.75))
    } else {
        wood(r)
    };
    let (l, e, f) = (h.left, h.right, h.floor);
    let split = r.range(-0.6, 0.6) * e;
    // Tiles between counter and upper cupboards.
    let tile = V3::splat(r.range(0.3, 0.75)).mix(dye(r), 0.3);
    let size = r.range(70.0, 160.0);
    let mut v = f - 1450.0;
    while v < f - 900.0 {
        let mut u = l;
        while u < e {
            h.back.rect(
                c,
                [u + 2.0, v + 2.0, u + size - 2.0, v + size - 2.0],
                2.0,
                matt(tile * r.range(0.85, 1.1)),
            );
            u += size;
        }
        v += size;
    }
    if r.unit() < 0.5 || kind == Kind::Back {
        let outside = sky(c, r, kind);
        window(
            c,
            &h.back,
            [split, f - 2100.0, e - 150.0, f - 1100.0],
            outside,
            r,
        );
    } else {
        cupboards(
            c,
            &h.back,
            [split + 500.0, f - 2200.0, e, f - 1450.0],
            340.0,
            front,
            r,
        );
    }
    cupboards(
        c,
        &h.back,
        [l, f - 2200.0, split, f - 1450.0],
        340.0,
        front,
        r,
    );
    cupboards(c, &h.back, [l, f - 860.0, e, f], 600.0, front, r);
    h.back
        .block(c, [l, f - 900.0, e, f - 860.0], [0.0, 620.0], matt(wood(r)));
    let mut u = l + 100.0;
    while u < e - 200.0 {
        let (w, high) = (r.range(50.0, 250.0), r.range(80.0, 320.0));
        if r.unit() < 0.55 {
            let o = r.range(100.0, 350.0);
            h.back.block(
                c,
                [u, f - 900.0 - high, u + w, f - 900.0],
                [o, o + w.min(150.0)],
                matt(dye(r)).fading(0.8),
            );
        }
        u += w + r.range(20.0, 250.0);
    }
    let steel = if r.unit() < 0.5 {
        V3::splat(0.35)
    } else {
        V3::splat(0.7)
    };
    let fridge = r.range(1600.0, 2000.0);
    h.west.block(
        c,
        [deep - 750.0, f - fridge, deep - 50.0, f],
        [0.0, 650.0],
        matt(steel),
    );
    furnish(c, &h, &h.east, [600.0, deep - 900.0], kind, true, r);
    if r.unit() < 0.6 {
        let light = lit(c, r, kind);
        for i in 0..1 + r.bits() % 3 {
            let at = v3(-500.0 + 550.0 * i as f32, h.ceiling, deep * 0.6);
            pendant(c, at, 450.0, light, &mut Rng::new(7));
        }
    }
}

/// The demo's room.
pub fn demo(c: &mut Canvas) {
    let mut r = Rng::new(11);
    let mut h = hull(&mut r, 2300.0, 1900.0);
    (h.left, h.right, h.floor, h.ceiling) = (-2600.0, 2600.0, 1100.0, -1500.0);
    walls(c, &mut r, &h, v3(0.60, 0.565, 0.51), v3(0.3, 0.2, 0.13));
    shelf(c, &h.back, [-1350.0, -900.0, -250.0, 1100.0], 280.0, &mut r);
    picture(c, &h.back, [260.0, -720.0, 560.0, -320.0], &mut r);
    door(c, &h.back, 800.0, h.floor, &mut r);
}
