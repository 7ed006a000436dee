//! `train --dashboard`: Burn's terminal renderer, fed by our own loop.
//!
//! Burn's learner feeds it after each batch; our loop does not read losses back so often (the
//! device would wait), so curves have a point for each epoch and only the bars move by batches.

use std::io::{self, IsTerminal as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use burn::train::Interrupter;
use burn::train::logger::TrainingProgressLogger as _;
use burn::train::metric::{
    MetricAttributes, MetricDefinition, MetricEntry, MetricId, NumericAttributes, NumericEntry,
    SerializedEntry,
};
use burn::train::renderer::tui::TuiMetricsRendererWrapper;
use burn::train::renderer::{MetricState, MetricsRenderer as _, MetricsRendererTraining as _};

use super::train::Failure;
use crate::train::run::Epoch;

/// Whether it can be shown: it draws on standard output and hears keys.
///
/// # Errors
/// A line that says what to use instead.
pub fn possible() -> Result<(), Failure> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return Ok(());
    }
    let line = "--dashboard needs a terminal for input and output; leave it out for a line an epoch, or use --json";
    Err((2, line.to_owned()))
}

/// What is shown of an epoch: name, unit, whether it is of what is learned from.
const SHOWN: [(&str, &str, bool); 5] = [
    ("Loss", "", true),
    ("Samples a second", "", true),
    ("Rate", "", true),
    ("Error, degrees", "°", false),
    ("Error, pixels", " px", false),
];

/// The dashboard of one training; it opens at the first batch, when all has been said that is
/// said before.
pub struct Dashboard {
    label: String,
    epochs: usize,
    batches: usize,
    /// Batches of the epoch in hand.
    batch: usize,
    screen: Option<TuiMetricsRendererWrapper>,
    asked: Interrupter,
    closed: bool,
}

impl Dashboard {
    /// For `epochs` of so many batches.
    pub fn new(label: String, epochs: usize, batches: usize) -> Dashboard {
        Dashboard {
            label,
            epochs,
            batches,
            batch: 0,
            screen: None,
            asked: Interrupter::new(),
            closed: false,
        }
    }

    /// Before each batch; true when the person has asked it to stop.
    pub fn batch(&mut self, done: usize) -> bool {
        if self.screen.is_none() && !self.closed {
            self.open(done);
        }
        self.batch += 1;
        let now = self.batch.min(self.batches);
        self.show(|screen| screen.update_split(now));
        self.closed || self.asked.should_stop()
    }

    /// After each epoch.
    pub fn epoch(&mut self, e: &Epoch) {
        let values = [
            f64::from(e.loss),
            e.per_second,
            e.rate,
            e.check.mean_deg,
            e.check.mean_px,
        ];
        let batches = self.batches;
        self.show(|screen| {
            for ((name, unit, learning), value) in SHOWN.into_iter().zip(values) {
                let text = format!("{}{unit}", short(value));
                let entry = MetricEntry::new(id(name), SerializedEntry::new(text.clone(), text));
                let state = MetricState::Numeric(entry, Some(NumericEntry::Value(value)));
                match learning {
                    true => screen.update_train(state),
                    false => screen.update_valid(state),
                }
            }
            screen.update_epoch(e.epoch);
            screen.start_split("train", batches);
        });
        self.batch = 0;
    }

    fn open(&mut self, done: usize) {
        let screen = TuiMetricsRendererWrapper::new(self.asked.clone(), Some(done));
        self.screen = Some(screen);
        let (epochs, batches, label) = (self.epochs, self.batches, self.label.clone());
        self.show(|screen| {
            for (name, unit, _) in SHOWN {
                let numeric = NumericAttributes {
                    unit: Some(unit.trim().to_owned()).filter(|u| !u.is_empty()),
                    higher_is_better: name == "Samples a second",
                };
                screen.register_metric(MetricDefinition {
                    metric_id: id(name),
                    name: Arc::new(name.to_owned()),
                    description: None,
                    attributes: MetricAttributes::Numeric(numeric),
                });
            }
            // It counts epochs from 1.
            screen.start(epochs, done + 1, None, Some(&label));
            screen.start_split("train", batches);
        });
    }

    /// Tells the renderer; it answers the person's wish to be killed by a panic, which we take
    /// as the wish to stop.
    fn show(&mut self, tell: impl FnOnce(&mut TuiMetricsRendererWrapper)) {
        let Some(screen) = &mut self.screen else {
            return;
        };
        if catch_unwind(AssertUnwindSafe(|| tell(screen))).is_err() {
            // Dropped it would tell again, and panic again; the terminal is restored already.
            std::mem::forget(self.screen.take());
            self.closed = true;
        }
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        // Restores the terminal.
        let screen = self.screen.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(screen)));
    }
}

fn id(name: &str) -> MetricId {
    MetricId::new(Arc::new(name.to_owned()))
}

/// Four digits that say something.
fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 0.01 || v == 0.0 => format!("{value:.3}"),
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_whatever_they_are() {
        let all = [0.0, 1e-5, 0.0123, 6.2501, 812.4].map(short);
        assert_eq!(all, ["0.000", "1.00e-5", "0.012", "6.250", "812"]);
    }
}
