//! What a webcam makes of the light: blur, tone, noise, eight bits.

use crate::maths::{V3, hash3};
use crate::scene::Picture;

/// A webcam's sensor and its processing.
#[derive(Debug, Clone)]
pub struct Sensor {
    /// Factor on the light.
    pub exposure: f32,
    /// Share of each pixel's light that falls on its eight neighbours.
    pub blur: f32,
    /// Deviation of the noise, in parts of full scale at mid grey.
    pub noise: f32,
    tone: Vec<u8>,
    work: Vec<V3>,
}

impl Default for Sensor {
    fn default() -> Sensor {
        Sensor {
            exposure: 0.62,
            blur: 0.26,
            noise: 0.008,
            tone: tone_table(),
            work: Vec::new(),
        }
    }
}

const TONE_STEPS: usize = 4096;
const TONE_RANGE: f32 = 4.0;

/// Linear light 0..[`TONE_RANGE`] → sRGB with a soft shoulder, indexed by the square
/// root so that shadows are resolved.
fn tone_table() -> Vec<u8> {
    (0..=TONE_STEPS)
        .map(|i| {
            let r = i as f64 / TONE_STEPS as f64;
            let x = r * r * f64::from(TONE_RANGE);
            // Straight up to 0.6, then bent to reach 1 slowly.
            let y = if x < 0.6 {
                x
            } else {
                0.6 + 0.4 * (1.0 - libm::exp(-(x - 0.6) / 0.4))
            };
            let s = if y <= 0.003_130_8 {
                12.92 * y
            } else {
                1.055 * libm::pow(y, 1.0 / 2.4) - 0.055
            };
            (s * 255.0 + 0.5) as u8
        })
        .collect()
}

impl Sensor {
    /// A sensor of this seed.
    pub fn random(seed: u64) -> Sensor {
        let _ = seed;
        Sensor::default()
    }

    /// Turns linear light into a picture. `frame` chooses the noise.
    pub fn expose(
        &mut self,
        light: &mut [V3],
        width: usize,
        frame: u64,
        smear: [f32; 2],
        picture: &mut Picture,
    ) {
        let _ = smear;
        let height = light.len() / width;
        self.soften(light, width, height);
        picture.width = width as u32;
        picture.height = height as u32;
        picture.rgb.clear();
        let seed = (frame as i32).wrapping_mul(7919);
        for (i, c) in light.iter().enumerate() {
            let (x, y) = ((i % width) as i32, (i / width) as i32);
            // Three uniforms make nearly a bell; grain of half-kept pixel pairs, as demosaicing leaves it.
            let grain = |k: i32| {
                let h = |a: i32, b: i32| hash3(a, b, seed.wrapping_add(k)) - 0.5;
                (h(x, y) + h(x + 5000, y) + h(x >> 1, (y >> 1) + 9000)) * 2.0
            };
            let luma = grain(0);
            let tint = [0.45 * grain(1), 0.0, 0.6 * grain(2)];
            for (v, t) in [c.x, c.y, c.z].into_iter().zip(tint) {
                let v = (v * self.exposure).clamp(0.0, TONE_RANGE);
                let at = (v / TONE_RANGE).sqrt() * TONE_STEPS as f32;
                let level = f32::from(self.tone[at as usize]);
                let strength = self.noise * 255.0 * (1.25 - level / 400.0);
                picture
                    .rgb
                    .push((level + (luma + t) * strength + 0.5).clamp(0.0, 255.0) as u8);
            }
        }
    }

    fn soften(&mut self, light: &mut [V3], width: usize, height: usize) {
        let k = self.blur;
        self.work.clear();
        self.work.extend_from_slice(light);
        for y in 1..height.saturating_sub(1) {
            for x in 1..width - 1 {
                let i = y * width + x;
                let w = &self.work;
                let side = w[i - 1] + w[i + 1] + w[i - width] + w[i + width];
                let corner =
                    w[i - width - 1] + w[i - width + 1] + w[i + width - 1] + w[i + width + 1];
                light[i] = w[i] * (1.0 - k) + side * (k / 6.0) + corner * (k / 12.0);
            }
        }
    }
}
