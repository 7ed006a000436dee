//! Numbers in 8 bits: ranges of tensors, steps of weights.

use std::collections::BTreeMap;

/// Weights use 7 of their 8 bits: processors without VNNI add two products in 16
/// bits, and 255 × 64 × 2 still fits there. With all 8 bits the same file would
/// give other answers on them.
pub const WEIGHT_STEPS: f32 = 63.0;

/// From the least to the greatest value that a tensor takes; 0 is always in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    low: f32,
    high: f32,
}

/// Ranges by [`super::graph::Probe::key`].
pub type Ranges = BTreeMap<String, Range>;

impl Range {
    /// Of these values.
    pub fn new(low: f32, high: f32) -> Range {
        Range {
            low: low.min(0.0),
            high: high.max(0.0),
        }
    }

    /// One step.
    pub fn scale(&self) -> f32 {
        ((self.high - self.low) / 255.0).max(f32::MIN_POSITIVE * 1e6)
    }

    /// The step that is 0.
    pub fn zero(&self) -> u8 {
        (-self.low / self.scale()).round().clamp(0.0, 255.0) as u8
    }
}

/// Weights in steps of their own for each output: whole numbers and the steps.
/// Output of value i is (i ÷ run) % outputs.
pub fn weights(values: &[f32], outputs: usize, run: usize) -> (Vec<i8>, Vec<f32>) {
    let output_of = |i: usize| (i / run) % outputs;
    let mut largest = vec![0.0f32; outputs];
    for (i, v) in values.iter().enumerate() {
        let l = &mut largest[output_of(i)];
        *l = l.max(v.abs());
    }
    let scales: Vec<f32> = largest
        .iter()
        .map(|l| if *l > 0.0 { l / WEIGHT_STEPS } else { 1.0 })
        .collect();
    let whole = values
        .iter()
        .enumerate()
        .map(|(i, v)| (v / scales[output_of(i)]).round() as i8)
        .collect();
    (whole, scales)
}

/// Where a tensor's values lie: a histogram that widens as larger ones come.
#[derive(Debug, Clone)]
pub struct Histogram {
    low: f32,
    high: f32,
    /// Counts of |v| in equal parts of 0 to `reach`.
    counts: Vec<u64>,
    reach: f32,
}

/// Parts of a histogram.
const PARTS: usize = 2048;

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            low: 0.0,
            high: 0.0,
            counts: vec![0; PARTS],
            reach: 0.0,
        }
    }
}

impl Histogram {
    /// Counts `values` in.
    pub fn add(&mut self, values: &[f32]) {
        let largest = values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        if largest > self.reach {
            self.widen(largest);
        }
        for v in values {
            self.low = self.low.min(*v);
            self.high = self.high.max(*v);
            if self.reach > 0.0 {
                let part = (v.abs() / self.reach * PARTS as f32) as usize;
                self.counts[part.min(PARTS - 1)] += 1;
            }
        }
    }

    /// Doubles the reach until `largest` is in it; neighbours are joined.
    fn widen(&mut self, largest: f32) {
        if self.reach == 0.0 {
            self.reach = largest;
            return;
        }
        while self.reach < largest {
            self.reach *= 2.0;
            let joined: Vec<u64> = self.counts.chunks(2).map(|c| c.iter().sum()).collect();
            self.counts.fill(0);
            self.counts[..joined.len()].copy_from_slice(&joined);
        }
    }

    /// The range whose 255 steps have the least squared error: what lies beyond
    /// is cut, what lies within is rounded to finer steps.
    pub fn range(&self) -> Range {
        let full = Range::new(self.low, self.high);
        if self.reach == 0.0 {
            return full;
        }
        let total: u64 = self.counts.iter().sum();
        let mut best = (f64::INFINITY, full);
        for percent in (30..=100).step_by(2) {
            let cut = self.reach * percent as f32 / 100.0;
            let range = Range::new(self.low.max(-cut), self.high.min(cut));
            let step = f64::from(range.scale());
            let rounding = step * step / 12.0 * total as f64;
            let clipping: f64 = self
                .counts
                .iter()
                .enumerate()
                .map(|(i, n)| {
                    let at = f64::from(self.reach) * (i as f64 + 0.5) / PARTS as f64;
                    let beyond = (at - f64::from(cut)).max(0.0);
                    *n as f64 * beyond * beyond
                })
                .sum();
            let error = rounding + clipping;
            if error < best.0 {
                best = (error, range);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_hit_zero_and_the_ends() {
        let range = Range::new(-1.0, 3.0);
        let read = |q: f32| (q - f32::from(range.zero())) * range.scale();
        assert!((read(0.0) + 1.0).abs() < range.scale());
        assert!((read(255.0) - 3.0).abs() < range.scale());
        assert_eq!(read(f32::from(range.zero())), 0.0);
    }

    #[test]
    fn weights_have_their_own_step_for_each_output() {
        let (whole, scales) = weights(&[0.25, -1.0, 0.0005, 0.002], 2, 2);
        assert_eq!(whole, [16, -63, 16, 63]);
        assert!((scales[0] / scales[1] - 500.0).abs() < 1.0, "{scales:?}");
        let (whole, _) = weights(&[0.25, 0.0005, -1.0, 0.002], 2, 1);
        assert_eq!(whole, [16, 16, -63, 63]);
    }

    #[test]
    fn a_rare_outlier_is_cut() {
        let mut histogram = Histogram::default();
        let many: Vec<f32> = (0..200_000).map(|i| (i % 1000) as f32 / 1000.0).collect();
        histogram.add(&many);
        assert!((histogram.range().high - 1.0).abs() < 0.05, "{histogram:?}");
        histogram.add(&[2.5]);
        let range = histogram.range();
        assert!(range.high < 2.0 && range.high > 0.9, "{range:?}");
        assert_eq!(range.zero(), 0);
    }
}
