//! How long frames take, as percentiles of the recent past.

use hdrhistogram::Histogram;
use ring::layout::Stats;

/// Percentiles are taken over this many measurements, then begun anew.
const WINDOW: u64 = 300;

/// Three stages, in microseconds. Allocates in [`Latency::new`] only.
pub struct Latency {
    /// capture → perceived, perceived → published, capture → published.
    stages: [Histogram<u32>; 3],
    p50: [u32; 3],
    p99: [u32; 3],
    /// A whole window has been seen.
    settled: bool,
}

impl Latency {
    /// Empty; 1 µs to 10 s with two significant digits.
    pub fn new() -> Self {
        let stage =
            || Histogram::new_with_bounds(1, 10_000_000, 2).expect("the bounds are in order");
        Latency {
            stages: [stage(), stage(), stage()],
            p50: [0; 3],
            p99: [0; 3],
            settled: false,
        }
    }

    /// Adds one frame. Times that run backwards count as zero.
    pub fn record(&mut self, captured_ns: u64, perceived_ns: u64, published_ns: u64) {
        let spans = [
            perceived_ns.saturating_sub(captured_ns),
            published_ns.saturating_sub(perceived_ns),
            published_ns.saturating_sub(captured_ns),
        ];
        for (stage, ns) in self.stages.iter_mut().zip(spans) {
            stage.saturating_record((ns / 1000).max(1));
        }
        if self.stages[0].len() >= WINDOW {
            self.settle();
            self.settled = true;
            self.stages.iter_mut().for_each(|s| s.clear());
        }
    }

    fn settle(&mut self) {
        for (i, stage) in self.stages.iter().enumerate() {
            self.p50[i] = stage.value_at_quantile(0.50) as u32;
            self.p99[i] = stage.value_at_quantile(0.99) as u32;
        }
    }

    /// Writes the newest percentiles into the header's statistics.
    pub fn fill(&mut self, stats: &mut Stats) {
        if !self.settled && !self.stages[0].is_empty() {
            self.settle(); // the first window is not full yet
        }
        [
            stats.perceive_p50_us,
            stats.publish_p50_us,
            stats.total_p50_us,
        ] = self.p50;
        [
            stats.perceive_p99_us,
            stats.publish_p99_us,
            stats.total_p99_us,
        ] = self.p99;
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_known_times() {
        let mut latency = Latency::new();
        for i in 0..WINDOW {
            // 10 ms, but one frame in fifty 40 ms; then 5 ms to the publisher.
            let perceived = 1_000_000_000 + if i % 50 == 0 { 40_000_000 } else { 10_000_000 };
            latency.record(1_000_000_000, perceived, perceived + 5_000_000);
        }
        let mut stats = Stats::default();
        latency.fill(&mut stats);
        let near = |a: u32, b: f64| (f64::from(a) / b - 1.0).abs() < 0.02;
        assert!(near(stats.perceive_p50_us, 10_000.0), "{stats:?}");
        assert!(near(stats.perceive_p99_us, 40_000.0), "{stats:?}");
        assert!(near(stats.publish_p50_us, 5_000.0) && near(stats.total_p99_us, 45_000.0));
    }
}
