//! What is seen behind a person: a painted room, as sharp as a webcam sees it.

use super::canvas::Canvas;
use super::lights::Kind;
use super::places;
use super::soft::{enlarge, soften};
use crate::light::Lights;
use crate::maths::{M3, Rng, V3, mix, smoothstep};

/// The room, one linear colour per pixel.
#[derive(Debug)]
pub struct Background {
    /// Pixels across.
    pub width: usize,
    /// Row by row.
    pub pixels: Vec<V3>,
}

impl Background {
    /// A room that fits the lights.
    pub fn random(
        r: &mut Rng,
        kind: Kind,
        lights: &Lights,
        width: usize,
        height: usize,
    ) -> Background {
        let place = places::Place::random(r);
        // Most webcams see all of a room sharp; some blur it, or a program does.
        let blur = match r.unit() {
            u if u < 0.4 => r.range(0.0, 0.9),
            u if u < 0.8 => r.range(0.9, 3.0),
            _ => r.range(3.0, 9.0),
        };
        let level = match kind {
            Kind::Desk | Kind::Evening => r.range(0.4, 1.1),
            _ => r.range(0.55, 1.15),
        };
        let turn = M3::from_head_angles(
            f64::from(r.range(-24.0, 24.0)),
            f64::from(r.range(-7.0, 7.0)),
            f64::from(r.range(-2.0, 2.0)),
        );
        let focal = r.range(0.72, 1.05);
        paint(width, height, blur, |w, h| {
            let mut c = Canvas {
                width: w,
                height: h,
                pixels: vec![V3::ZERO; w * h],
                focal: focal * w as f32,
                turn,
                lights,
                level,
            };
            places::paint(&mut c, &mut r.clone(), place, kind);
            uneven(&mut c, &mut r.clone());
            c.pixels
        })
    }

    /// The demo's room: a shelf, a door, a picture on the wall, soft.
    pub fn demo(lights: &Lights, width: usize, height: usize) -> Background {
        paint(width, height, 5.0, |w, h| {
            let mut c = Canvas {
                width: w,
                height: h,
                pixels: vec![V3::ZERO; w * h],
                focal: 0.866 * w as f32,
                turn: M3::IDENTITY,
                lights,
                level: 0.8,
            };
            places::demo(&mut c);
            c.pixels
        })
    }

    /// The room for a picture with `times` samples along each side of a pixel.
    pub(crate) fn spread(&self, times: usize, samples: &mut Vec<V3>) {
        samples.clear();
        samples.reserve(self.pixels.len() * times * times);
        for row in self.pixels.chunks_exact(self.width) {
            let begin = samples.len();
            for &c in row {
                for _ in 0..times {
                    samples.push(c);
                }
            }
            let end = samples.len();
            for _ in 1..times {
                samples.extend_from_within(begin..end);
            }
        }
    }
}

/// Paints at the resolution that the blur (deviation in pixels of a picture 640 wide) leaves.
fn paint(
    width: usize,
    height: usize,
    blur: f32,
    painter: impl FnOnce(usize, usize) -> Vec<V3>,
) -> Background {
    let blur = blur * width as f32 / 640.0;
    let times = match blur {
        b if b < 1.6 => 1,
        b if b < 3.5 => 2,
        _ => 4,
    };
    let (w, h) = (width.div_ceil(times).max(2), height.div_ceil(times).max(2));
    let mut pixels = painter(w, h);
    // Two boxes of width n deviate by √((n² − 1) / 6).
    let sigma = blur / times as f32;
    let n = (6.0 * sigma * sigma + 1.0).sqrt() as usize;
    soften(&mut pixels, w, n);
    if times > 1 || w != width || h != height {
        pixels = enlarge(&pixels, w, times, width, height);
    }
    Background { width, pixels }
}

/// Light that falls unevenly: a coarse grid of brightness, smooth between.
fn uneven(c: &mut Canvas, r: &mut Rng) {
    const N: usize = 4;
    let strength = r.range(0.08, 0.35);
    let grid: Vec<f32> = (0..(N + 1) * (N + 1))
        .map(|_| 1.0 + strength * r.range(-1.0, 1.0))
        .collect();
    let at = |i: usize, n: usize| {
        let x = i as f32 / n as f32 * N as f32;
        let j = (x as usize).min(N - 1);
        (j, smoothstep(0.0, 1.0, x - j as f32))
    };
    let columns: Vec<_> = (0..c.width).map(|x| at(x, c.width)).collect();
    for (y, row) in c.pixels.chunks_exact_mut(c.width).enumerate() {
        let (j, b) = at(y, c.height);
        let line: Vec<f32> = (0..=N)
            .map(|i| mix(grid[j * (N + 1) + i], grid[(j + 1) * (N + 1) + i], b))
            .collect();
        for (p, &(i, a)) in row.iter_mut().zip(&columns) {
            *p = *p * mix(line[i], line[i + 1], a);
        }
    }
}
