//! What a webcam makes of the light: exposure, white balance, lens, noise, tone, eight bits.

mod grain;
mod planes;

use crate::maths::{Rng, V3, mix};
use crate::scene::Picture;
use grain::Grain;
use planes::{Planes, blur_kernel, smear_kernel};

/// A webcam's sensor and its processing.
#[derive(Debug, Clone)]
pub struct Sensor {
    /// How far the exposure lies off the automatic one, in stops.
    pub error_ev: f32,
    /// The light that it takes for white, any strength: what the white balance has settled on.
    pub white: V3,
    /// Share of that light's colour that the white balance takes away, 0..1.
    pub balance: f32,
    /// Factors by which the white balance errs.
    pub tint: V3,
    /// The most that it amplifies.
    pub most: f32,
    /// Softness of the lens: deviation in pixels of a picture 640 wide; grows with the root of the width.
    pub softness: f32,
    /// Share of the light that the picture's corners lack.
    pub vignette: f32,
    /// Variance of the photons' noise at full scale and amplification 1.
    pub shot: f32,
    /// Deviation of the reading noise at amplification 1.
    pub read: f32,
    /// Strength of the colours: 1 as they are.
    pub saturation: f32,
    /// How much edges are overdrawn.
    pub sharpen: f32,
    tone: Vec<i16>,
    grain: Grain,
    seed: u64,
    work: Work,
}

/// Rows between the steps.
#[derive(Debug, Clone, Default)]
struct Work {
    sharp: Planes,
    moved: Planes,
    row: [Vec<f32>; 3],
    sum: Vec<f32>,
    /// The last three rows, toned: red, green, blue, luma.
    toned: [[Vec<i16>; 4]; 3],
    falloff: Vec<f32>,
    more: Vec<i32>,
}

impl Default for Sensor {
    /// A good laptop's, in the middle of all.
    fn default() -> Sensor {
        Sensor {
            error_ev: 0.0,
            white: V3::splat(1.0),
            balance: 0.85,
            tint: V3::splat(1.0),
            most: 8.0,
            softness: 0.62,
            vignette: 0.12,
            shot: 1.2e-4,
            read: 0.0012,
            saturation: 1.0,
            sharpen: 0.25,
            tone: tone_table(0.6, 0.25, 0.0),
            grain: Grain::new(0, 0.5, 0.45),
            seed: 0,
            work: Work::default(),
        }
    }
}

/// Light beyond this is all the same, in parts of full scale.
const TONE_RANGE: f32 = 4.0;
const TONE_STEPS: usize = 4096;
/// From the root of the light to its place in the tone table.
const ROOTS: f32 = TONE_STEPS as f32 / 2.0;
/// Levels of the tone table for each of eight bits.
const FINE: i32 = 64;
/// What the exposure aims at: mean of the root of the light.
const AIM: f32 = 0.52;
/// Light that comes out white, and the share of the (weighted) picture that may.
const CLIPPED: f32 = 0.85;
const MOST_CLIPPED: f32 = 0.05;

/// Linear light 0..[`TONE_RANGE`] → sRGB with a soft shoulder that begins at `knee`, indexed by
/// the square root so that shadows are resolved. `contrast` steepens the middle, `lift` raises black.
fn tone_table(knee: f64, contrast: f64, lift: f64) -> Vec<i16> {
    (0..=TONE_STEPS)
        .map(|i| {
            let r = i as f64 / TONE_STEPS as f64;
            let x = r * r * f64::from(TONE_RANGE);
            // Straight up to the knee, then bent to reach 1 slowly.
            let y = if x < knee {
                x
            } else {
                let rest = 1.0 - knee;
                knee + rest * (1.0 - libm::exp(-(x - knee) / rest))
            };
            let s = if y <= 0.003_130_8 {
                12.92 * y
            } else {
                1.055 * libm::pow(y, 1.0 / 2.4) - 0.055
            };
            let s = s + contrast * s * (1.0 - s) * (2.0 * s - 1.0);
            ((lift + (1.0 - lift) * s) * 255.0 * f64::from(FINE)) as i16
        })
        .collect()
}

impl Sensor {
    /// A webcam of this seed.
    pub fn random(seed: u64) -> Sensor {
        let mut r = Rng::new(seed ^ 0x5e45);
        let error_ev = match r.unit() {
            // Most meter well, a few are far off.
            u if u < 0.85 => r.normal() * 0.25,
            _ => r.range(-1.5, 1.3),
        };
        let warm = r.normal() * 0.045;
        let green = r.normal() * 0.018;
        // From clean to noisy by a factor of twenty.
        let dirt = libm::powf(20.0, r.unit());
        let sharpen = if r.unit() < 0.6 {
            r.range(0.1, 0.9)
        } else {
            0.0
        };
        let tone = tone_table(
            f64::from(r.range(0.35, 0.8)),
            f64::from(r.range(-0.15, 0.8)),
            f64::from((r.range(-0.06, 0.06)).max(0.0)),
        );
        let [fine, tinted] = [r.range(0.0, 0.8), r.range(0.2, 0.7)];
        Sensor {
            error_ev,
            white: V3::splat(1.0),
            balance: r.range(0.55, 1.0),
            tint: V3 {
                x: 1.0 + warm,
                y: 1.0 + green,
                z: 1.0 - warm,
            },
            most: libm::powf(2.0, r.range(1.5, 4.5)),
            softness: r.range(0.3, 1.3),
            vignette: r.range(0.0, 0.4),
            shot: 3.0e-5 * dirt,
            read: 0.0005 * dirt.sqrt() * r.range(0.6, 2.0),
            saturation: mix(0.6, 1.35, (r.unit() + r.unit()) / 2.0),
            sharpen,
            tone,
            grain: Grain::new(r.bits(), fine, tinted),
            seed,
            work: Work::default(),
        }
    }

    /// Every other webcam is a poor one: soft, its edges overdrawn, its tones steep.
    pub(crate) fn make_poor(&mut self, seed: u64) {
        let mut r = Rng::new(seed ^ 0x9002);
        if r.unit() < 0.5 {
            self.sharpen = r.range(0.5, 1.05);
            self.tone = tone_table(
                f64::from(r.range(0.3, 0.5)),
                f64::from(r.range(0.3, 0.9)),
                0.0,
            );
            self.softness = r.range(0.8, 1.35);
            self.read *= 1.5;
        }
    }

    /// As no webcam of [`Sensor::random`] is: edges overdrawn by far, steep tones, coarse noise.
    pub(crate) fn make_harsh(&mut self, seed: u64) {
        let mut r = Rng::new(seed ^ 0x4a25);
        self.sharpen = r.range(1.1, 2.0);
        self.tone = tone_table(0.3, f64::from(r.range(0.9, 1.3)), 0.0);
        self.softness = r.range(1.4, 1.9);
        self.read *= 2.0;
        self.grain = Grain::new(r.bits(), 0.9, 0.8);
    }

    /// Factors on red, green and blue that make the settled white grey.
    fn gains(&self) -> V3 {
        let y = (self.white.x + 2.0 * self.white.y + self.white.z) / 4.0;
        let gain = |w: f32| libm::powf((w / y.max(1e-9)).clamp(0.1, 8.0), -self.balance);
        V3 {
            x: gain(self.white.x),
            y: gain(self.white.y),
            z: gain(self.white.z),
        }
        .times(self.tint)
    }

    /// The factor by which the automatic exposure amplifies: centre-weighted, and little
    /// moved by a bright window, because it looks at the root of the light.
    fn metered(&self, light: &[V3], width: usize, gains: V3) -> f32 {
        let height = light.len() / width;
        let mut seen = Vec::with_capacity(light.len() / 48 + 1);
        let step = (width / 80).max(1);
        for y in (step / 2..height).step_by(step) {
            for x in (step / 2..width).step_by(step) {
                let c = light[y * width + x].times(gains);
                let u = (x as f32 - width as f32 * 0.5) / height as f32;
                let v = y as f32 / height as f32 - 0.52;
                let weight = 0.25 + (1.0 - 5.0 * (u * u + v * v)).max(0.0);
                seen.push(((c.x + 2.0 * c.y + c.z) / 4.0, weight));
            }
        }
        let all: f32 = seen.iter().map(|s| s.1).sum();
        let mut gain = 1.0;
        for _ in 0..6 {
            let bright: f32 = seen
                .iter()
                .map(|(y, w)| w * (y.max(0.0) * gain).min(1.2).sqrt())
                .sum();
            let off = AIM * all / bright.max(1e-6);
            gain *= (off * off).clamp(0.02, 50.0);
        }
        // Before a dark wall a face would burn out: less light until little is clipped.
        for _ in 0..16 {
            let clipped: f32 = (seen.iter())
                .filter(|(y, _)| y * gain > CLIPPED)
                .map(|s| s.1)
                .sum();
            if clipped < MOST_CLIPPED * all {
                break;
            }
            gain *= 0.94;
        }
        gain.clamp(0.02, self.most)
    }

    /// Turns linear light into a picture. `frame` chooses the noise; `smear`: how far what is
    /// seen moves during the exposure, pixels, evenly before and after the moment of the truth.
    pub fn expose(
        &mut self,
        light: &mut [V3],
        width: usize,
        frame: u64,
        smear: [f32; 2],
        picture: &mut Picture,
    ) {
        let height = light.len() / width;
        let gains = self.gains();
        let gain = self.metered(light, width, gains) * libm::powf(2.0, self.error_ev);
        let softness = self.softness * (width as f32 / 640.0).sqrt();
        let mut work = std::mem::take(&mut self.work);
        work.sharp.load(light, width, gains * gain);
        let kernel = smear_kernel(smear);
        let planes = if kernel.len() > 1 {
            work.moved.convolved(&work.sharp, &kernel);
            &work.moved
        } else {
            &work.sharp
        };
        let blur = blur_kernel(softness);
        let middle = width as f32 / 2.0;
        work.falloff.clear();
        work.falloff
            .extend((0..width).map(|x| (x as f32 + 0.5 - middle) / middle));

        picture.width = width as u32;
        picture.height = height as u32;
        picture.rgb.clear();
        picture.rgb.resize(3 * width * height, 0);
        let noise = [self.shot * gain, self.read * gain * self.read * gain];
        for y in 0..=height {
            if y < height {
                for (channel, row) in work.row.iter_mut().enumerate() {
                    planes.blurred_row(channel, y, &blur, &mut work.sum, row);
                }
                let v = (y as f32 + 0.5 - height as f32 / 2.0) / middle;
                // 1 at the corners of a 4 : 3 picture.
                let shade = [self.vignette / 1.5625, v * v];
                let key = (self.seed.wrapping_mul(0x9e37), frame);
                self.develop(&mut work.row, &work.falloff, shade, noise, y, key);
                self.tone(&work.row, &mut work.toned[y % 3]);
            }
            // A row can be sharpened when the next is known.
            if y > 0 {
                let at = y - 1;
                let rows = [at.saturating_sub(1), at, y.min(height - 1)].map(|y| y % 3);
                let out = &mut picture.rgb[3 * at * width..3 * y * width];
                sharpen(
                    &work.toned,
                    rows,
                    (self.sharpen * 64.0) as i32,
                    &mut work.more,
                    out,
                );
            }
        }
        self.work = work;
    }

    /// Vignette, noise and saturation of a row.
    fn develop(
        &self,
        row: &mut [Vec<f32>; 3],
        across: &[f32],
        [vignette, v2]: [f32; 2],
        [shot, read]: [f32; 2],
        y: usize,
        key: (u64, u64),
    ) {
        let [red, green, blue] = row;
        let s = self.saturation;
        for (from, grain) in self.grain.row(y, across.len(), key) {
            let to = from + grain[0].len();
            let (r, g, b) = (
                &mut red[from..to],
                &mut green[from..to],
                &mut blue[from..to],
            );
            let u = &across[from..to];
            let n = r.len();
            let (g, b, u) = (&mut g[..n], &mut b[..n], &u[..n]);
            let (nr, ng, nb) = (&grain[0][..n], &grain[1][..n], &grain[2][..n]);
            for i in 0..n {
                let fall = 1.0 - vignette * (u[i] * u[i] + v2);
                let (cr, cg, cb) = (r[i] * fall, g[i] * fall, b[i] * fall);
                let luma = (cr + 2.0 * cg + cb) * 0.25;
                let deviation = (shot * luma.min(2.0) + read).sqrt();
                let luma = luma + 0.25 * deviation * (nr[i] + 2.0 * ng[i] + nb[i]);
                let colour = |c: f32, n: f32| {
                    let c = luma + s * (c + deviation * n - luma);
                    c.clamp(0.0, TONE_RANGE).sqrt() * ROOTS
                };
                (r[i], g[i], b[i]) = (colour(cr, nr[i]), colour(cg, ng[i]), colour(cb, nb[i]));
            }
        }
    }

    /// Places in the tone table to levels.
    fn tone(&self, row: &[Vec<f32>; 3], toned: &mut [Vec<i16>; 4]) {
        let width = row[0].len();
        for (from, to) in row.iter().zip(toned.iter_mut()) {
            to.clear();
            to.extend(from.iter().map(|v| {
                // 2²³ more leaves the rounded number in the lowest bits: far cheaper than a cast.
                let at = (v + 8_388_608.0).to_bits() & 0x1fff;
                self.tone[(at as usize).min(TONE_STEPS)]
            }));
        }
        let [r, g, b, luma] = toned;
        let (r, g, b) = (&r[..width], &g[..width], &b[..width]);
        luma.clear();
        luma.extend((0..width).map(|i| (r[i] >> 2) + (g[i] >> 1) + (b[i] >> 2)));
    }
}

/// Adds to a row (of the three in `rows`) what distinguishes it from its neighbours.
fn sharpen(
    toned: &[[Vec<i16>; 4]; 3],
    rows: [usize; 3],
    strength: i32,
    more: &mut Vec<i32>,
    out: &mut [u8],
) {
    let [above, here, below] = rows.map(|r| &toned[r]);
    let width = here[0].len();
    let (up, mid, low) = (&above[3][..width], &here[3][..width], &below[3][..width]);
    more.clear();
    more.resize(width, 0);
    if strength > 0 && width > 2 {
        let n = width - 2;
        let (l, m, r) = (&mid[..n], &mid[1..=n], &mid[2..]);
        let (u, d) = (&up[1..=n], &low[1..=n]);
        for (i, more) in more[1..=n].iter_mut().enumerate() {
            let around = i32::from(u[i]) + i32::from(d[i]) + i32::from(l[i]) + i32::from(r[i]);
            *more = (4 * i32::from(m[i]) - around) * strength / 256;
        }
    }
    let level = |v: i16, more: i32| ((i32::from(v) + more + FINE / 2) >> 6).clamp(0, 255) as u8;
    let (r, g, b) = (&here[0][..width], &here[1][..width], &here[2][..width]);
    for ((((px, r), g), b), more) in out.chunks_exact_mut(3).zip(r).zip(g).zip(b).zip(&*more) {
        px[0] = level(*r, *more);
        px[1] = level(*g, *more);
        px[2] = level(*b, *more);
    }
}

#[cfg(test)]
mod tests;
