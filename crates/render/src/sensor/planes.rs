//! Red, green and blue apart, and blurs that shift nothing.

use crate::maths::V3;

/// Columns repeated beyond each edge, so that a kernel may look over it.
const MARGIN: usize = 24;
/// Light stronger than this, in parts of full scale, is cut before the lens spreads it.
const GLARE: f32 = 40.0;

/// Three planes of numbers.
#[derive(Debug, Clone, Default)]
pub struct Planes {
    width: usize,
    height: usize,
    planes: [Vec<f32>; 3],
}

impl Planes {
    /// Takes a picture apart, times `gains`.
    pub fn load(&mut self, light: &[V3], width: usize, gains: V3) {
        self.width = width;
        self.height = light.len() / width;
        let stride = width + 2 * MARGIN;
        for plane in &mut self.planes {
            plane.resize(stride * self.height, 0.0);
        }
        let [red, green, blue] = &mut self.planes;
        for (y, row) in light.chunks_exact(width).enumerate() {
            let at = y * stride + MARGIN;
            let (r, g, b) = (
                &mut red[at..at + width],
                &mut green[at..at + width],
                &mut blue[at..at + width],
            );
            for (((c, r), g), b) in row.iter().zip(r).zip(g).zip(b) {
                *r = (c.x * gains.x).clamp(0.0, GLARE);
                *g = (c.y * gains.y).clamp(0.0, GLARE);
                *b = (c.z * gains.z).clamp(0.0, GLARE);
            }
        }
        self.extend();
    }

    /// Repeats the outermost columns.
    fn extend(&mut self) {
        let stride = self.width + 2 * MARGIN;
        for row in self
            .planes
            .iter_mut()
            .flat_map(|p| p.chunks_exact_mut(stride))
        {
            let (first, last) = (row[MARGIN], row[MARGIN + self.width - 1]);
            row[..MARGIN].fill(first);
            row[MARGIN + self.width..].fill(last);
        }
    }

    /// A row as far as the margins; rows beyond the picture repeat its edge.
    fn row(&self, channel: usize, y: isize) -> &[f32] {
        let stride = self.width + 2 * MARGIN;
        let y = y.clamp(0, self.height as isize - 1) as usize;
        &self.planes[channel][y * stride..(y + 1) * stride]
    }

    /// Becomes `from` under a kernel of few points.
    pub fn convolved(&mut self, from: &Planes, kernel: &[Tap]) {
        (self.width, self.height) = (from.width, from.height);
        let stride = self.width + 2 * MARGIN;
        for (channel, plane) in self.planes.iter_mut().enumerate() {
            plane.resize(stride * from.height, 0.0);
            for (y, out) in plane.chunks_exact_mut(stride).enumerate() {
                let out = &mut out[MARGIN..MARGIN + from.width];
                out.fill(0.0);
                for tap in kernel {
                    let row = from.row(channel, y as isize + tap.y as isize);
                    let at = (MARGIN as isize + tap.x as isize) as usize;
                    let row = &row[at..at + from.width];
                    for (o, v) in out.iter_mut().zip(row) {
                        *o += tap.weight * v;
                    }
                }
            }
        }
        self.extend();
    }

    /// A row under a symmetric kernel, both ways: `half[0]` its middle, `half[k]` its weight at ±k.
    pub fn blurred_row(
        &self,
        channel: usize,
        y: usize,
        half: &[f32],
        sum: &mut Vec<f32>,
        out: &mut Vec<f32>,
    ) {
        let y = y as isize;
        sum.clear();
        sum.extend(self.row(channel, y).iter().map(|v| v * half[0]));
        for (k, w) in half.iter().enumerate().skip(1) {
            let k = k as isize;
            let (a, b) = (self.row(channel, y - k), self.row(channel, y + k));
            for ((s, a), b) in sum.iter_mut().zip(a).zip(b) {
                *s += w * (a + b);
            }
        }
        let cut = |from: usize| &sum[from..from + self.width];
        out.clear();
        out.extend(cut(MARGIN).iter().map(|v| v * half[0]));
        for (k, w) in half.iter().enumerate().skip(1) {
            for ((s, a), b) in out.iter_mut().zip(cut(MARGIN - k)).zip(cut(MARGIN + k)) {
                *s += w * (a + b);
            }
        }
    }
}

/// One point of a kernel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tap {
    x: i32,
    y: i32,
    weight: f32,
}

/// A Gaussian of this deviation (px): its middle and one half.
pub fn blur_kernel(sigma: f32) -> Vec<f32> {
    let n = ((2.5 * sigma) as usize + 1).min(MARGIN);
    let bell = |k: usize| {
        let x = k as f32 / sigma.max(0.05);
        libm::expf(-0.5 * x * x)
    };
    let sum = 1.0 + 2.0 * (1..=n).map(bell).sum::<f32>();
    (0..=n).map(|k| bell(k) / sum).collect()
}

/// An even line through the middle, as long as what is seen moves (px).
pub fn smear_kernel([dx, dy]: [f32; 2]) -> Vec<Tap> {
    let length = (dx * dx + dy * dy).sqrt();
    if length < 0.15 || length.is_nan() {
        return vec![Tap {
            x: 0,
            y: 0,
            weight: 1.0,
        }];
    }
    // Longer ones are cut at what the margins hold.
    let most = 2.0 * (MARGIN as f32 - 2.0);
    let scale = (most / length).min(1.0);
    let n = (length * scale) as usize + 2;
    let mut taps: Vec<Tap> = Vec::new();
    for i in 0..n {
        let t = ((i as f32 + 0.5) / n as f32 - 0.5) * scale;
        let (x, y) = (dx * t, dy * t);
        let floor = |v: f32| v as i32 - i32::from((v as i32 as f32) > v);
        let (xi, yi) = (floor(x), floor(y));
        let (a, b) = (x - xi as f32, y - yi as f32);
        for (x, y, weight) in [
            (xi, yi, (1.0 - a) * (1.0 - b)),
            (xi + 1, yi, a * (1.0 - b)),
            (xi, yi + 1, (1.0 - a) * b),
            (xi + 1, yi + 1, a * b),
        ] {
            let weight = weight / n as f32;
            match taps.iter_mut().find(|t| (t.x, t.y) == (x, y)) {
                Some(tap) => tap.weight += weight,
                None => taps.push(Tap { x, y, weight }),
            }
        }
    }
    taps.retain(|t| t.weight > 1e-6);
    taps
}
