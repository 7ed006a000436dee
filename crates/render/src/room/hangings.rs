//! What is in walls and hangs on them: windows, doors, curtains, pictures.

use super::canvas::{Canvas, Wall, glowing, matt, shade};
use super::palette::{chance, dye, wall_colour, wood};
use crate::maths::{Rng, V3, mix, v3};

/// A framed picture, poster or whiteboard, with its shadow on the wall.
pub fn picture(c: &mut Canvas, wall: &Wall, at: [f32; 4], r: &mut Rng) {
    let [u0, v0, u1, v1] = at;
    wall.rect(
        c,
        [u0 + 8.0, v0 + 12.0, u1 + 14.0, v1 + 22.0],
        0.5,
        shade(0.3, 0.3),
    );
    let frame = if chance(r, 0.5) {
        wood(r)
    } else {
        V3::splat(r.range(0.02, 0.7))
    };
    wall.block(c, at, [0.0, 18.0], matt(frame));
    let e = (u1 - u0).min(v1 - v0) * r.range(0.02, 0.12);
    let inner = [u0 + e, v0 + e, u1 - e, v1 - e];
    wall.rect(
        c,
        inner,
        18.5,
        matt(dye(r) + V3::splat(0.08)).fading(r.range(0.3, 1.6)),
    );
    let [a, b, w, h] = [inner[0], inner[1], inner[2] - inner[0], inner[3] - inner[1]];
    match r.bits() % 3 {
        // A landscape: bands.
        0 => {
            let mut v = b + h * r.range(0.3, 0.6);
            while v < inner[3] - 4.0 {
                let v2 = (v + h * r.range(0.08, 0.3)).min(inner[3]);
                wall.rect(
                    c,
                    [a, v, inner[2], v2],
                    19.0,
                    matt(dye(r)).fading(r.range(0.6, 1.4)),
                );
                v = v2;
            }
        }
        // Print: lines of text under a block.
        1 => {
            let ink = dye(r);
            wall.rect(
                c,
                [a + w * 0.1, b + h * 0.08, a + w * 0.9, b + h * 0.4],
                19.0,
                matt(dye(r)),
            );
            for i in 0..6 {
                let v = b + h * (0.48 + 0.08 * i as f32);
                wall.rect(
                    c,
                    [a + w * 0.1, v, a + w * r.range(0.5, 0.9), v + h * 0.035],
                    19.0,
                    matt(ink),
                );
            }
        }
        // Large areas, slanted.
        _ => {
            for _ in 0..3 {
                let x = |r: &mut Rng| a + w * r.unit();
                let (x0, x1, x2, x3) = (x(r), x(r), x(r), x(r));
                let p = |u, v| wall.point(u, v, 19.0);
                c.quad(
                    [
                        p(x0.min(x1), b),
                        p(x0.max(x1), b),
                        p(x2.max(x3), inner[3]),
                        p(x2.min(x3), inner[3]),
                    ],
                    matt(dye(r)),
                );
            }
        }
    }
}

/// A window onto what is outside; `sky`: its radiance, `None` at night.
pub fn window(c: &mut Canvas, wall: &Wall, at: [f32; 4], sky: Option<V3>, r: &mut Rng) {
    let [u0, v0, u1, v1] = at;
    let (w, h) = (u1 - u0, v1 - v0);
    if let Some(sky) = sky {
        let blue = v3(0.86, 0.97, 1.12);
        wall.rect(
            c,
            at,
            0.0,
            glowing(sky.times(blue)).fading(r.range(0.8, 1.5)),
        );
        let horizon = v0 + h * r.range(0.35, 0.95);
        if chance(r, 0.5) {
            // Houses across the street.
            let mut u = u0;
            while u < u1 {
                let b = (u + w * r.range(0.12, 0.4)).min(u1);
                let top = (horizon - h * r.range(-0.1, 0.4)).max(v0);
                let wall_light = sky.times(dye(r) + V3::splat(0.12)) * 0.5;
                if top < v1 {
                    wall.rect(c, [u, top, b, v1], 0.0, glowing(wall_light));
                    let (nu, nv) = (3 + r.bits() % 3, 3 + r.bits() % 3);
                    for k in 0..nu * nv {
                        let (i, j) = (k % nu, k / nu);
                        let x = u + (b - u) * (i as f32 + 0.3) / nu as f32;
                        let y = top + (v1 - top) * (j as f32 + 0.3) / nv as f32;
                        let pane = [
                            x,
                            y,
                            x + (b - u) * 0.4 / nu as f32,
                            y + (v1 - top) * 0.45 / nv as f32,
                        ];
                        wall.rect(c, pane, 0.0, glowing(wall_light * 0.4));
                    }
                }
                u = b;
            }
        } else {
            let green = v3(0.16, 0.22, 0.09) * r.range(0.5, 1.4);
            wall.rect(
                c,
                [u0, horizon.min(v1), u1, v1],
                0.0,
                glowing(sky.times(green)),
            );
            for _ in 0..40 {
                let u = r.range(u0 + w * 0.06, u1 - w * 0.06);
                let v = (horizon + h * r.range(-0.12, 0.1)).clamp(v0 + h * 0.06, v1 - h * 0.06);
                let p = wall.point(u, v, 0.0);
                c.disc(
                    p,
                    w.min(h) * r.range(0.02, 0.06),
                    glowing(sky.times(green) * r.range(0.5, 1.5)),
                );
            }
        }
    } else {
        wall.rect(c, at, 0.0, glowing(v3(0.004, 0.0045, 0.006)));
        for _ in 0..(r.bits() % 30) {
            let p = wall.point(r.range(u0, u1), r.range(v0 + h * 0.4, v1), 0.0);
            let light = v3(1.0, r.range(0.5, 0.9), r.range(0.15, 0.8)) * r.range(0.1, 1.2);
            c.disc(p, r.range(6.0, 22.0), glowing(light));
        }
    }
    // Frame and bars stand before the light: dark by day.
    let frame = matt(if chance(r, 0.7) {
        V3::splat(0.7)
    } else {
        wood(r)
    });
    let t = r.range(35.0, 70.0);
    let bars = 1 + (r.bits() % 3) as usize;
    for i in 0..=bars {
        let u = u0 + w * i as f32 / bars as f32;
        wall.block(c, [u - t / 2.0, v0, u + t / 2.0, v1], [0.0, 40.0], frame);
    }
    for v in [v0, v1] {
        wall.block(
            c,
            [u0 - t / 2.0, v - t / 2.0, u1 + t / 2.0, v + t / 2.0],
            [0.0, 45.0],
            frame,
        );
    }
    match r.bits() % 4 {
        0 => {
            let cloth = dye(r) + V3::splat(0.1);
            let side = w * r.range(0.12, 0.35);
            for at in [
                [u0 - side * 0.6, u0 + side * 0.4],
                [u1 - side * 0.4, u1 + side * 0.6],
            ] {
                curtain(
                    c,
                    wall,
                    [at[0], v0 - 120.0, at[1], v1 + h * r.range(0.1, 0.7)],
                    cloth,
                    r,
                );
            }
        }
        1 => {
            // Blinds, let down part of the way.
            let low = v0 + h * r.range(0.2, 1.0);
            let slat = r.range(22.0, 60.0);
            let thin = slat * r.range(0.35, 0.8);
            let colour = V3::splat(r.range(0.2, 0.75));
            let through = sky.map_or(V3::ZERO, |s| s * 0.06);
            let mut v = v0;
            while v < low {
                let paint = matt(colour);
                wall.rect(c, [u0, v, u1, v + thin], 50.0, paint.fading(0.7));
                if sky.is_some() {
                    wall.rect(
                        c,
                        [u0, v, u1, v + thin * 0.6],
                        51.0,
                        glowing(through.times(colour)),
                    );
                }
                v += slat;
            }
        }
        _ => {}
    }
}

/// Hanging cloth in folds.
pub fn curtain(c: &mut Canvas, wall: &Wall, at: [f32; 4], cloth: V3, r: &mut Rng) {
    let [u0, v0, u1, v1] = at;
    let fold = r.range(28.0, 70.0);
    let mut u = u0;
    while u < u1 {
        let b = (u + fold * r.range(0.6, 1.4)).min(u1);
        let m = mix(u, b, r.range(0.4, 0.7));
        wall.rect(c, [u, v0, m, v1], 60.0, matt(cloth * r.range(0.85, 1.1)));
        wall.rect(c, [m, v0, b, v1], 60.0, matt(cloth * r.range(0.5, 0.75)));
        u = b;
    }
}

/// A door with its frame, panels and handle; `v1` is the floor.
pub fn door(c: &mut Canvas, wall: &Wall, u: f32, floor: f32, r: &mut Rng) {
    let (w, h) = (r.range(800.0, 950.0), r.range(1950.0, 2150.0));
    let (u1, v0) = (u + w, floor - h);
    let frame = V3::splat(r.range(0.5, 0.75));
    let leaf = if chance(r, 0.6) {
        V3::splat(r.range(0.45, 0.75))
    } else {
        wood(r)
    };
    wall.block(
        c,
        [u - 70.0, v0 - 70.0, u1 + 70.0, floor],
        [0.0, 20.0],
        matt(frame),
    );
    if chance(r, 0.2) {
        // It stands open: the next room, darker or brighter.
        wall.rect(
            c,
            [u, v0, u1, floor],
            21.0,
            matt(wall_colour(r) * r.range(0.1, 0.9)),
        );
        wall.rect(c, [u, v0, u1, floor], 22.0, shade(0.6, 0.1));
        return;
    }
    wall.rect(c, [u, v0, u1, floor], 21.0, matt(leaf));
    let rows = r.bits() % 4;
    for i in 0..rows {
        let a = v0 + h * (0.08 + 0.88 * i as f32 / rows as f32);
        let b = a + h * 0.75 / rows as f32;
        wall.rect(
            c,
            [u + w * 0.14, a, u1 - w * 0.14, b],
            21.5,
            matt(leaf * 0.72),
        );
        wall.rect(
            c,
            [u + w * 0.15, a + 12.0, u1 - w * 0.14, b],
            22.0,
            matt(leaf * 0.94),
        );
    }
    let x = if chance(r, 0.5) { u + 50.0 } else { u1 - 150.0 };
    wall.block(
        c,
        [x, floor - 1040.0, x + 110.0, floor - 1018.0],
        [22.0, 60.0],
        matt(V3::splat(0.35)),
    );
}
