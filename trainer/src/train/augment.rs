//! What is done to one look before it is learned from: the pictures' light, blur and noise,
//! crops that lie a little off, the mirror.

use render::maths::Rng;

use super::settings::Augment;
use crate::data::cache::CropSpec;
use crate::net::{Colour, EyeInput};

/// Where a crop is cut from the one with margin: offset and size in parts of its side, and
/// the turn's sine and cosine.
#[derive(Debug, Clone, Copy)]
struct Warp {
    shift: [f32; 2],
    scale: f32,
    turn: [f32; 2],
}

/// What is done to one eye's picture.
#[derive(Debug, Clone, Copy)]
struct Light {
    brightness: f32,
    contrast: f32,
    blur: f32,
    noise: f32,
    gamma: f32,
}

/// Fills both eyes' pictures, image-left first, normalised as the network wants them, from
/// crops with margin. Without chance they are exactly what the daemon feeds.
///
/// `mirror` swaps the eyes and mirrors each.
pub fn eyes(
    spec: &CropSpec,
    input: &EyeInput,
    wide: [&[u8]; 2],
    chance: Option<(&Augment, Rng)>,
    mirror: bool,
    out: [&mut [f32]; 2],
) {
    let [left, right] = if mirror { [wide[1], wide[0]] } else { wide };
    let [out_left, out_right] = out;
    let Some((how, mut rng)) = chance else {
        exact(spec, input, left, mirror, out_left);
        exact(spec, input, right, mirror, out_right);
        return;
    };
    let light = Light::by_chance(how, &mut rng);
    for (wide, out) in [(left, out_left), (right, out_right)] {
        changed(spec, input, wide, (how, &light), &mut rng, mirror, out);
    }
}

/// The same of one picture, a whole face.
pub fn one(
    spec: &CropSpec,
    input: &EyeInput,
    wide: &[u8],
    chance: Option<(&Augment, Rng)>,
    mirror: bool,
    out: &mut [f32],
) {
    let Some((how, mut rng)) = chance else {
        return exact(spec, input, wide, mirror, out);
    };
    let light = Light::by_chance(how, &mut rng);
    changed(spec, input, wide, (how, &light), &mut rng, mirror, out);
}

/// One picture as the daemon feeds it.
fn exact(spec: &CropSpec, input: &EyeInput, wide: &[u8], mirror: bool, out: &mut [f32]) {
    let mut exact = vec![0; spec.exact_len()];
    let mut planes = vec![0; spec.exact_len()];
    spec.middle(wide, &mut exact);
    if mirror {
        exact.chunks_exact_mut(spec.size).for_each(<[u8]>::reverse);
    }
    for c in 0..spec.channels {
        let (to, from) = (plane(spec, c), plane(spec, plane_of(input.colour, c)));
        planes[to].copy_from_slice(&exact[from]);
    }
    input.normalise(&planes, out);
}

/// One picture by chance, in the light of the whole look.
fn changed(
    spec: &CropSpec,
    input: &EyeInput,
    wide: &[u8],
    (how, look): (&Augment, &Light),
    rng: &mut Rng,
    mirror: bool,
    out: &mut [f32],
) {
    let turn = rng.range(-how.turn_deg, how.turn_deg).to_radians();
    let warp = Warp {
        shift: [0, 1].map(|_| rng.range(-how.shift, how.shift)),
        scale: 1.0 + rng.range(-how.scale, how.scale),
        turn: [libm::sinf(turn), libm::cosf(turn)],
    };
    // Light falls from one side: the eyes differ a little.
    let own = 0.25;
    let light = Light {
        brightness: look.brightness + own * rng.range(-how.brightness, how.brightness),
        contrast: look.contrast + own * rng.range(-how.contrast, how.contrast),
        ..*look
    };
    for c in 0..spec.channels {
        let source = &wide[plane_of(input.colour, c) * spec.wide() * spec.wide()..];
        cut(spec, source, &warp, mirror, &mut out[plane(spec, c)]);
    }
    if how.slope > 0.0 {
        lean(
            spec,
            out,
            [(); 2].map(|()| rng.range(-how.slope, how.slope)),
        );
    }
    light.shine(spec, out, rng);
    if how.cover > 0.0 && rng.unit() < how.cover {
        cover(spec, out, rng);
    }
    for c in 0..spec.channels {
        for v in &mut out[plane(spec, c)] {
            *v = (v.clamp(0.0, 1.0) - input.mean[c]) / input.std[c];
        }
    }
}

/// Stored plane of a network's channel: red is first in a cache.
fn plane_of(colour: Colour, channel: usize) -> usize {
    match colour {
        Colour::Bgr => 2 - channel,
        Colour::Gray | Colour::Rgb => channel,
    }
}

/// One channel's place in a picture.
fn plane(spec: &CropSpec, channel: usize) -> std::ops::Range<usize> {
    let len = spec.size * spec.size;
    channel * len..(channel + 1) * len
}

/// Cuts one channel, 0..1, bilinear; beyond the margin its edge repeats.
fn cut(spec: &CropSpec, wide: &[u8], warp: &Warp, mirror: bool, out: &mut [f32]) {
    let (side, size) = (spec.wide(), spec.size);
    let middle = (size as f32 - 1.0) / 2.0;
    let last = (side - 1) as f32;
    let [sin, cos] = warp.turn;
    let origin = warp
        .shift
        .map(|s| spec.pad as f32 + middle + s * size as f32);
    for (y, row) in out.chunks_exact_mut(size).enumerate() {
        for (x, value) in row.iter_mut().enumerate() {
            let x = if mirror { size - 1 - x } else { x };
            let (dx, dy) = (x as f32 - middle, y as f32 - middle);
            let sx = origin[0] + warp.scale * (cos * dx - sin * dy);
            let sy = origin[1] + warp.scale * (sin * dx + cos * dy);
            let (sx, sy) = (sx.clamp(0.0, last), sy.clamp(0.0, last));
            let (ix, iy) = (sx as usize, sy as usize);
            let (fx, fy) = (sx - ix as f32, sy - iy as f32);
            let at = |x: usize, y: usize| f32::from(wide[y.min(side - 1) * side + x.min(side - 1)]);
            let top = at(ix, iy) * (1.0 - fx) + at(ix + 1, iy) * fx;
            let low = at(ix, iy + 1) * (1.0 - fx) + at(ix + 1, iy + 1) * fx;
            *value = (top * (1.0 - fy) + low * fy) / 255.0;
        }
    }
}

impl Light {
    /// Of a whole look.
    fn by_chance(how: &Augment, rng: &mut Rng) -> Light {
        let brightness = rng.range(-how.brightness, how.brightness);
        let contrast = 1.0 + rng.range(-how.contrast, how.contrast);
        let (blurred, blur) = (rng.unit() < how.blur, rng.unit());
        Light {
            brightness,
            contrast,
            blur: if blurred { blur * how.blur_passes } else { 0.0 },
            noise: how.noise * rng.unit(),
            gamma: match how.gamma {
                0.0 => 1.0,
                most => libm::exp2f(rng.range(-most, most)),
            },
        }
    }

    fn shine(&self, spec: &CropSpec, picture: &mut [f32], rng: &mut Rng) {
        let size = spec.size;
        let mut left = self.blur;
        while left > 0.0 {
            picture
                .chunks_exact_mut(size * size)
                .for_each(|p| soften(p, size, left.min(1.0)));
            left -= 1.0;
        }
        if self.gamma != 1.0 {
            for v in &mut *picture {
                *v = libm::powf(v.max(0.0), self.gamma);
            }
        }
        let mean = picture.iter().sum::<f32>() / picture.len() as f32;
        for v in picture {
            *v = (*v - mean) * self.contrast + mean + self.brightness;
            if self.noise > 0.0 {
                *v += self.noise * rng.normal();
            }
        }
    }
}

/// Adds light that grows across the picture and down it, from minus `by` to plus `by`.
fn lean(spec: &CropSpec, picture: &mut [f32], by: [f32; 2]) {
    let at = |i: usize| 2.0 * i as f32 / (spec.size - 1) as f32 - 1.0;
    for plane in picture.chunks_exact_mut(spec.size * spec.size) {
        for (y, row) in plane.chunks_exact_mut(spec.size).enumerate() {
            for (x, v) in row.iter_mut().enumerate() {
                *v += by[0] * at(x) + by[1] * at(y);
            }
        }
    }
}

/// Puts a plain rectangle before the picture.
fn cover(spec: &CropSpec, picture: &mut [f32], rng: &mut Rng) {
    let size = spec.size as f32;
    let sides = [(); 2].map(|()| (rng.range(0.05, 0.25) * size) as usize + 1);
    let from = sides.map(|side| (rng.unit() * (size - side as f32)) as usize);
    let shade = rng.unit();
    for plane in picture.chunks_exact_mut(spec.size * spec.size) {
        for row in plane
            .chunks_exact_mut(spec.size)
            .skip(from[1])
            .take(sides[1])
        {
            row[from[0]..from[0] + sides[0]].fill(shade);
        }
    }
}

/// Mixes each value with its neighbours': the kernel [s, 4 − 2s, s] ÷ 4 along rows, then
/// columns; at strength 1 it is the binomial one.
fn soften(plane: &mut [f32], size: usize, strength: f32) {
    let side = strength / 4.0;
    let mut line = vec![0.0; size];
    for pass in 0..2 {
        let step = if pass == 0 { 1 } else { size };
        let next = if pass == 0 { size } else { 1 };
        for start in (0..size).map(|i| i * next) {
            for (i, v) in line.iter_mut().enumerate() {
                *v = plane[start + i * step];
            }
            for i in 0..size {
                let (before, after) = (line[i.saturating_sub(1)], line[(i + 1).min(size - 1)]);
                plane[start + i * step] = line[i] * (1.0 - 2.0 * side) + side * (before + after);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(channels: usize) -> CropSpec {
        CropSpec {
            size: 32,
            pad: 4,
            scale: 1.8,
            channels,
        }
    }

    fn crops(spec: &CropSpec) -> [Vec<u8>; 2] {
        let mut rng = Rng::new(5);
        [(); 2].map(|()| (0..spec.wide_len()).map(|_| rng.bits() as u8).collect())
    }

    fn make(
        spec: &CropSpec,
        input: &EyeInput,
        crops: &[Vec<u8>; 2],
        chance: Option<(&Augment, Rng)>,
        mirror: bool,
    ) -> [Vec<f32>; 2] {
        let mut out = [(); 2].map(|()| vec![0.0; spec.exact_len()]);
        let [l, r] = &mut out;
        eyes(spec, input, [&crops[0], &crops[1]], chance, mirror, [l, r]);
        out
    }

    #[test]
    fn no_augmentation_is_the_daemons_crop_and_so_is_one_of_zero() {
        for (channels, colour) in [(1, Colour::Gray), (3, Colour::Rgb), (3, Colour::Bgr)] {
            let (spec, input) = (spec(channels), EyeInput::new(32, colour));
            let crops = crops(&spec);
            let exact = make(&spec, &input, &crops, None, false);
            for (eye, out) in exact.iter().enumerate() {
                let mut bytes = vec![0; spec.exact_len()];
                spec.middle(&crops[eye], &mut bytes);
                if colour == Colour::Bgr {
                    let len = 32 * 32;
                    let (blue, rest) = bytes.split_at_mut(2 * len);
                    blue[..len].swap_with_slice(&mut rest[..len]);
                }
                let mut wanted = vec![0.0; bytes.len()];
                input.normalise(&bytes, &mut wanted);
                assert_eq!(*out, wanted);
            }
            for mirror in [false, true] {
                let zero = make(
                    &spec,
                    &input,
                    &crops,
                    Some((&Augment::NONE, Rng::new(3))),
                    mirror,
                );
                let exact = make(&spec, &input, &crops, None, mirror);
                for (a, b) in zero.iter().flatten().zip(exact.iter().flatten()) {
                    assert!((a - b).abs() < 1e-5, "{a} {b}");
                }
            }
        }
    }

    #[test]
    fn the_mirror_swaps_the_eyes_and_turns_each_round() {
        let (spec, input) = (spec(1), EyeInput::new(32, Colour::Gray));
        let crops = crops(&spec);
        let [left, right] = make(&spec, &input, &crops, None, false);
        let mirrored = make(&spec, &input, &crops, None, true);
        for (is, was) in mirrored.iter().zip([right, left]) {
            for (a, b) in is.chunks(32).zip(was.chunks(32)) {
                assert!(a.iter().eq(b.iter().rev()));
            }
        }
    }

    #[test]
    fn crops_lie_off_by_what_is_told_and_light_changes_as_told() {
        let (spec, input) = (spec(1), EyeInput::new(32, Colour::Gray));
        // A ramp: a shift shows as an offset.
        let ramp: Vec<u8> = (0..40 * 40).map(|i| (i % 40 * 4) as u8).collect();
        let crops = [ramp.clone(), ramp];
        let only = |augment: Augment| {
            (0..40u64)
                .map(|seed| {
                    let [l, _] = make(
                        &spec,
                        &input,
                        &crops,
                        Some((&augment, Rng::new(seed))),
                        false,
                    );
                    let raw = |v: f32| (v * input.std[0] + input.mean[0]) * 255.0;
                    l.into_iter().map(raw).collect::<Vec<_>>()
                })
                .collect::<Vec<_>>()
        };
        let still = only(Augment::NONE).remove(0);
        let worst = |moved: &[Vec<f32>]| {
            (moved
                .iter()
                .flat_map(|m| m.iter().zip(&still).map(|(a, b)| (a - b).abs())))
            .fold(0.0, f32::max)
        };
        // 4 grey values a pixel, a tenth of 32 pixels: up to 12.8.
        let shifted = worst(&only(Augment {
            shift: 0.1,
            ..Augment::NONE
        }));
        assert!((9.0..=12.9).contains(&shifted), "{shifted}");
        let lit = worst(&only(Augment {
            brightness: 0.1,
            ..Augment::NONE
        }));
        assert!((20.0..=32.0).contains(&lit), "{lit}");
        let noisy = only(Augment {
            noise: 0.05,
            ..Augment::NONE
        });
        let deviations: Vec<f32> = (noisy.iter())
            .map(|m| {
                (m.iter()
                    .zip(&still)
                    .map(|(a, b)| (a - b).powi(2))
                    .sum::<f32>()
                    / 1024.0)
                    .sqrt()
            })
            .collect();
        let most = deviations.iter().copied().fold(0.0, f32::max);
        assert!((8.0..=13.5).contains(&most), "{most}");
        // An exponent of at most √2: 128 of 255 becomes no darker than 96, no lighter than 157.
        let plain = [vec![128u8; 1600], vec![128u8; 1600]];
        let spread = |augment: Augment| {
            let raw = |v: f32| (v * input.std[0] + input.mean[0]) * 255.0;
            let each = (0..60).map(|seed| {
                let chance = Some((&augment, Rng::new(seed)));
                let [l, _] = make(&spec, &input, &plain, chance, false);
                l.into_iter().map(raw).collect::<Vec<_>>()
            });
            each.collect::<Vec<_>>()
        };
        let bent = spread(Augment {
            gamma: 0.5,
            ..Augment::NONE
        });
        let (least, most) =
            (bent.iter().flatten()).fold((255f32, 0f32), |(a, b), v| (a.min(*v), b.max(*v)));
        assert!(
            (95.0..105.0).contains(&least) && (148.0..158.0).contains(&most),
            "{least} {most}"
        );
        // Its corners are off by both ways' slopes, its middle by nothing.
        let leaning = spread(Augment {
            slope: 0.1,
            ..Augment::NONE
        });
        let corner = leaning
            .iter()
            .map(|p| (p[0] - 128.0).abs())
            .fold(0.0, f32::max);
        assert!((30.0..51.1).contains(&corner), "{corner}");
        assert!(leaning.iter().all(|p| (p[0] + p[1023] - 256.0).abs() < 0.1));
        // At most a quarter of each side is covered, and half the pictures are not.
        let covered = spread(Augment {
            cover: 0.5,
            ..Augment::NONE
        });
        let share = |p: &Vec<f32>| p.iter().filter(|v| (**v - 128.0).abs() > 1.0).count();
        let shares: Vec<usize> = covered.iter().map(share).collect();
        let some = shares.iter().filter(|n| **n > 0).count();
        assert!((18..42).contains(&some), "{some}");
        assert!(shares.iter().max() <= Some(&81) && shares.iter().max() > Some(&20));
        // A flat picture stays flat when it is blurred, and its contrast is none.
        let flat = [vec![90u8; 1600], vec![90u8; 1600]];
        let augment = Augment {
            blur: 1.0,
            contrast: 0.5,
            ..Augment::NONE
        };
        let [l, _] = make(&spec, &input, &flat, Some((&augment, Rng::new(1))), false);
        let exact = (90.0 / 255.0 - input.mean[0]) / input.std[0];
        assert!(l.iter().all(|v| (v - exact).abs() < 1e-4));
    }
}
