//! Kinds of light that people sit in.

use std::f32::consts::PI;

use gaze::screen::Screen;
use nalgebra::Point2;

use super::palette::{kelvin, luminance};
use super::surroundings::{Fill, Lamp, Shape, Shell};
use crate::light::{CELLS, Lights};
use crate::maths::{Rng, V3, mix, sin_cos, smoothstep, v3};
use crate::truth::from64;

/// What the room is mainly lit by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A window at a side, somewhat before the face.
    Side,
    /// A window behind the screen.
    Front,
    /// A window behind the person.
    Back,
    /// Lamps in the ceiling.
    Ceiling,
    /// A lamp on the desk, at a side or below.
    Desk,
    /// Soft light from everywhere.
    Overcast,
    /// Little but the screen.
    Evening,
    /// Daylight from one side, a warm lamp from the other.
    Mixed,
    /// Sun on the face.
    Sun,
    /// So little that the camera's gain is at its end.
    Dark,
}

impl Kind {
    /// A kind, as often as people are seen so.
    pub fn random(r: &mut Rng) -> Kind {
        let often = [
            (Kind::Side, 22),
            (Kind::Front, 14),
            (Kind::Back, 9),
            (Kind::Ceiling, 20),
            (Kind::Desk, 8),
            (Kind::Overcast, 8),
            (Kind::Evening, 6),
            (Kind::Mixed, 8),
            (Kind::Sun, 3),
            (Kind::Dark, 2),
        ];
        let mut at = (r.bits() % 100) as u32;
        for (kind, n) in often {
            if at < n {
                return kind;
            }
            at -= n;
        }
        Kind::Side
    }

    /// Whether daylight comes in.
    pub fn day(self) -> bool {
        !matches!(self, Kind::Desk | Kind::Evening | Kind::Dark)
    }
}

/// A lamp or window before it is known which is the main light.
struct Source {
    towards: V3,
    half: [f32; 2],
    colour: V3,
    shape: Shape,
}

/// A direction: degrees from straight before the face to the image's right, and up.
fn direction(azimuth: f32, elevation: f32) -> V3 {
    let (sa, ca) = sin_cos(f64::from(azimuth));
    let (se, ce) = sin_cos(f64::from(elevation));
    v3((sa * ce) as f32, -se as f32, (-ca * ce) as f32)
}

/// How strong the undirected light is, and how it leans.
struct Around {
    strength: f32,
    above: f32,
    below: f32,
    lean: f32,
}

/// The lights of a kind.
pub fn random(kind: Kind, r: &mut Rng, screen: &Screen) -> Lights {
    let side = if r.unit() < 0.5 { -1.0 } else { 1.0 };
    let day = |r: &mut Rng| kelvin(r.range(5200.0, 7500.0));
    let lamp = |r: &mut Rng| kelvin(r.range(2700.0, 4300.0));
    let panes =
        |r: &mut Rng| Shape::Panes(1.0 + (r.bits() % 3) as f32, 1.0 + (r.bits() % 3) as f32);
    let window = |r: &mut Rng, azimuth: f32, strength: f32| Source {
        towards: direction(azimuth, r.range(4.0, 32.0)),
        half: [r.range(0.18, 0.6), r.range(0.22, 0.6)],
        colour: day(r) * strength,
        shape: panes(r),
    };
    let mut sources = Vec::new();
    let mut around = Around {
        strength: r.range(0.25, 0.55),
        above: r.range(0.8, 1.4),
        below: r.range(0.3, 0.7),
        lean: r.range(0.1, 0.5),
    };
    let mut level = 1.0;
    // Nits of the screen's white, in units of 70.
    let mut white = r.range(1.2, 3.6);
    match kind {
        Kind::Side => {
            let (azimuth, strength) = (side * r.range(28.0, 82.0), r.range(0.8, 2.2));
            sources.push(window(r, azimuth, strength));
        }
        Kind::Front => {
            let (azimuth, strength) = (side * r.range(0.0, 28.0), r.range(0.7, 1.8));
            sources.push(window(r, azimuth, strength));
        }
        Kind::Back => {
            let (azimuth, strength) = (side * r.range(145.0, 180.0), r.range(1.2, 3.5));
            sources.push(window(r, azimuth, strength));
            around.strength = r.range(0.25, 0.7);
            around.lean = 0.1;
        }
        Kind::Ceiling => {
            let colour = kelvin(r.range(2800.0, 5200.0));
            let disc = r.unit() < 0.5;
            for _ in 0..2 + r.bits() % 3 {
                let azimuth = r.range(-150.0, 150.0);
                let towards = direction(azimuth, r.range(38.0, 76.0));
                let (half, shape) = if disc {
                    ([r.range(0.03, 0.10); 2], Shape::Disc)
                } else {
                    ([r.range(0.1, 0.32), r.range(0.03, 0.14)], Shape::Panel)
                };
                let colour = colour * r.range(0.35, 1.0);
                sources.push(Source {
                    towards,
                    half,
                    colour,
                    shape,
                });
            }
            around.strength = r.range(0.35, 0.65);
            around.above = r.range(0.7, 1.8);
        }
        Kind::Desk => {
            sources.push(Source {
                towards: direction(side * r.range(30.0, 85.0), r.range(-20.0, 38.0)),
                half: [r.range(0.05, 0.14); 2],
                colour: lamp(r) * r.range(0.5, 1.3),
                shape: Shape::Disc,
            });
            around.strength = r.range(0.10, 0.28);
            white *= 0.7;
        }
        Kind::Overcast => {
            let (azimuth, strength) = (side * r.range(0.0, 60.0), r.range(0.3, 0.7));
            let mut s = window(r, azimuth, strength);
            s.half = [r.range(0.6, 1.0), r.range(0.5, 0.9)];
            sources.push(s);
            around.strength = r.range(0.6, 1.0);
            around.below = r.range(0.5, 0.9);
        }
        Kind::Evening => {
            white = r.range(1.5, 4.5);
            around.strength = r.range(0.03, 0.12);
            sources.push(Source {
                towards: direction(side * r.range(70.0, 170.0), r.range(0.0, 40.0)),
                half: [r.range(0.04, 0.12); 2],
                colour: lamp(r) * r.range(0.03, 0.25),
                shape: Shape::Disc,
            });
        }
        Kind::Mixed => {
            let (azimuth, strength) = (side * r.range(35.0, 90.0), r.range(0.7, 1.6));
            sources.push(window(r, azimuth, strength));
            sources.push(Source {
                towards: direction(-side * r.range(35.0, 110.0), r.range(0.0, 45.0)),
                half: [r.range(0.05, 0.14); 2],
                colour: kelvin(r.range(2500.0, 3200.0)) * r.range(0.4, 1.1),
                shape: Shape::Disc,
            });
        }
        Kind::Sun => {
            sources.push(Source {
                towards: direction(side * r.range(15.0, 75.0), r.range(12.0, 42.0)),
                half: [0.012; 2],
                colour: kelvin(r.range(4600.0, 5600.0)) * r.range(2.5, 5.0),
                shape: Shape::Disc,
            });
            around.strength = r.range(0.5, 1.0);
            around.below = r.range(0.5, 1.1);
        }
        Kind::Dark => {
            level = r.range(0.03, 0.10);
            let (azimuth, strength) = (side * r.range(20.0, 90.0), r.range(0.7, 1.6));
            sources.push(window(r, azimuth, strength));
            white *= 0.25;
        }
    }
    // Most rooms have something more: a lamp that is on, a second window.
    if kind.day() && r.unit() < 0.55 {
        sources.push(Source {
            towards: direction(side * -r.range(50.0, 170.0), r.range(5.0, 50.0)),
            half: [r.range(0.05, 0.3), r.range(0.05, 0.3)],
            colour: kelvin(r.range(2700.0, 6500.0)) * r.range(0.1, 0.5),
            shape: Shape::Panel,
        });
    }
    for s in &mut sources {
        s.colour = s.colour * level;
    }
    around.strength *= level;
    compose(sources, &around, r, screen, white)
}

/// Which light is the key, which the rim; all else becomes fill.
fn compose(
    sources: Vec<Source>,
    around: &Around,
    r: &mut Rng,
    screen: &Screen,
    white: f32,
) -> Lights {
    let on_face = |s: &Source| luminance(s.colour) * (0.3 - 0.7 * s.towards.z).max(0.08);
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by(|&i, &j| on_face(&sources[j]).total_cmp(&on_face(&sources[i])));
    let total = sources.iter().fold(V3::ZERO, |a, s| a + s.colour);
    let mean = total * (1.0 / luminance(total).max(1e-6));
    // Walls are white, cream, grey; seldom painted.
    let tint = v3(1.0, r.range(0.93, 1.0), r.range(0.84, 1.0));
    let beside = mean.times(tint) * around.strength;
    let main = &sources[order[0]];
    let lean = v3(main.towards.x, 0.0, main.towards.z).unit() * around.lean;
    let wood = v3(1.0, r.range(0.78, 1.0), r.range(0.6, 1.0));
    let shell = Shell {
        above: mean * (around.strength * around.above),
        beside,
        below: beside.times(wood) * around.below,
        lean,
    };
    let mut fill = Fill::default();
    fill.surround(|d| shell.seen(d));
    let mut directed = [(v3(0.0, -0.6, -0.8), V3::ZERO, 0.1); 2];
    for (rank, &i) in order.iter().enumerate() {
        let s = &sources[i];
        // A wide window shines around corners: part of it counts as fill.
        let wide = (s.half[0] * s.half[1]).sqrt();
        let share = if rank < 2 {
            mix(1.0, 0.45, smoothstep(0.1, 0.8, wide))
        } else {
            0.0
        };
        fill.add(s.towards, s.colour * (1.0 - share));
        if rank < 2 {
            directed[rank] = (s.towards, s.colour * share, wide);
        }
    }
    let lamps = sources
        .iter()
        .map(|s| Lamp::new(s.towards, s.half, s.colour, s.shape))
        .collect();
    // Shadows on a face are cast from some 20 mm above it.
    let shadow_mm = (20.0 * directed[0].2).clamp(1.2, 11.0);
    let mut lights = Lights {
        key: directed[0].0,
        key_colour: directed[0].1,
        shadow_mm,
        rim: directed[1].0,
        rim_colour: directed[1].1,
        fill,
        lamps,
        shell,
        screen: V3::ZERO,
        screen_half: [1.0; 2],
        screen_axes: [v3(1.0, 0.0, 0.0), v3(0.0, 1.0, 0.0)],
        screen_colour: V3::ZERO,
        screen_cells: [V3::ZERO; CELLS[0] * CELLS[1]],
    };
    let cells = content(r, white);
    light_screen(&mut lights, screen, cells);
    lights
}

/// Puts the lit screen where it is.
fn light_screen(lights: &mut Lights, screen: &Screen, cells: [V3; CELLS[0] * CELLS[1]]) {
    let at = |x: f64, y: f64| from64(screen.point_mm(Point2::new(x, y)));
    let middle = at(0.5, 0.5);
    // The screen's left is at the image's right.
    lights.screen_axes = [
        (at(0.0, 0.5) - middle).unit(),
        (at(0.5, 1.0) - middle).unit(),
    ];
    lights.screen_half = [screen.width_mm as f32 / 2.0, screen.height_mm as f32 / 2.0];
    lights.screen = middle;
    let mean = cells.iter().fold(V3::ZERO, |a, &c| a + c) * (1.0 / cells.len() as f32);
    let area = (screen.width_mm * screen.height_mm) as f32;
    lights.screen_colour = mean * (area / (PI * 600.0 * 600.0));
    lights.screen_cells = cells;
}

/// What a screen shows, as radiance; `white`: its white.
fn content(r: &mut Rng, white: f32) -> [V3; CELLS[0] * CELLS[1]] {
    let mut cells = [V3::ZERO; CELLS[0] * CELLS[1]];
    let kind = r.unit();
    let page = kelvin(r.range(5800.0, 7500.0));
    let accent = [0, 1, 2].map(|_| {
        // Pictures are mostly dull, seldom of one pure colour.
        let (c, grey) = (v3(r.unit(), r.unit(), r.unit()), r.unit());
        c.mix(V3::splat(grey), r.range(0.2, 0.8))
    });
    let split = r.bits() as usize % CELLS[0];
    for (i, cell) in cells.iter_mut().enumerate() {
        let (x, y) = (i % CELLS[0], i / CELLS[0]);
        let c = if kind < 0.5 {
            // Pages and documents: white, with text and a darker bar.
            let bar = if y == 0 || (x < split && split < 4) {
                0.4
            } else {
                1.0
            };
            V3::splat(r.range(0.6, 0.95) * bar)
        } else if kind < 0.72 {
            // A dark theme: little light, a panel somewhat brighter.
            V3::splat(if x < split { 0.03 } else { r.range(0.04, 0.12) }) + accent[0] * 0.02
        } else {
            // A film or a picture: a few colours that run into each other.
            let c = accent[0]
                .mix(accent[1], x as f32 / (CELLS[0] - 1) as f32)
                .mix(accent[2], y as f32 / (CELLS[1] - 1) as f32 * 0.7);
            c.times(c) * r.range(0.4, 0.9)
        };
        *cell = page.times(c) * white;
    }
    cells
}

/// The demo's light: a window to the front and left of the picture, a lit laptop before the face.
pub fn demo(screen: &Screen) -> Lights {
    let key = v3(-0.46, -0.50, -0.80).unit();
    let rim = v3(0.75, -0.35, 0.62).unit();
    let (key_colour, rim_colour) = (v3(1.85, 1.80, 1.70), v3(0.55, 0.47, 0.38));
    let shell = Shell {
        above: v3(0.62, 0.63, 0.66),
        beside: v3(0.37, 0.355, 0.345),
        below: v3(0.16, 0.145, 0.13),
        lean: v3(key.x, 0.0, key.z).unit() * 0.5,
    };
    let mut fill = Fill::default();
    fill.surround(|d| shell.seen(d));
    let mut lights = Lights {
        key,
        key_colour,
        shadow_mm: 5.0,
        rim,
        rim_colour,
        fill,
        lamps: vec![
            Lamp::new(key, [0.25, 0.34], key_colour, Shape::Panes(2.0, 1.0)),
            Lamp::new(rim, [0.12, 0.2], rim_colour, Shape::Panel),
        ],
        shell,
        screen: V3::ZERO,
        screen_half: [1.0; 2],
        screen_axes: [v3(1.0, 0.0, 0.0), v3(0.0, 1.0, 0.0)],
        screen_colour: V3::ZERO,
        screen_cells: [V3::ZERO; CELLS[0] * CELLS[1]],
    };
    let mut cells = [v3(1.5, 1.7, 2.1); CELLS[0] * CELLS[1]];
    for cell in &mut cells[..CELLS[0]] {
        *cell = *cell * 0.5;
    }
    light_screen(&mut lights, screen, cells);
    lights
}
