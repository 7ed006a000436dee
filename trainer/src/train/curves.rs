//! Learning curves as a page.

use std::path::Path;

use super::judge::Judged;
use super::run::{Epoch, TrainError};
use crate::report::page::{Page, Row};
use crate::report::{page, plots};

/// Writes the page of a run; nothing before the first epoch's end.
///
/// # Errors
/// [`TrainError::Write`].
pub fn write(path: &Path, epochs: &[Epoch], guess: &Judged) -> Result<(), TrainError> {
    let Some(best) = (epochs.iter()).min_by(|a, b| a.check.mean_deg.total_cmp(&b.check.mean_deg))
    else {
        return Ok(());
    };
    let mut page = Page::new("A network's training");
    page.lead(&format!(
        "On what it never learned from it errs {:.2}° and {:.0} px, at its best after epoch {} of {}; who says the screen's middle errs {:.2}° and {:.0} px.",
        best.check.mean_deg, best.check.mean_px, best.epoch, epochs.len(), guess.mean_deg, guess.mean_px
    ));
    let plotted: Vec<plots::Epoch> = (epochs.iter())
        .map(|e| plots::Epoch {
            epoch: e.epoch,
            train_loss: f64::from(e.loss),
            val_loss: None,
            val_px: Some(e.check.mean_px),
            val_deg: Some(e.check.mean_deg),
        })
        .collect();
    page.figures(&plots::learning(
        &plotted,
        Some([guess.mean_deg, guess.mean_px]),
    ));
    page.remark("The loss is of augmented pictures while learning, the error of exact ones: they need not move together.");
    let head = [
        "epoch",
        "loss",
        "pairs",
        "mean °",
        "median °",
        "mean px",
        "samples/s",
    ];
    let rows: Vec<Row> = (epochs.iter())
        .map(|e| Row {
            cells: vec![
                e.epoch.to_string(),
                format!("{:.5}", e.loss),
                format!("{:.5}", e.consistency),
                format!("{:.2}", e.check.mean_deg),
                format!("{:.2}", e.check.median_deg),
                format!("{:.0}", e.check.mean_px),
                format!("{:.0}", e.per_second),
            ],
            best: e.epoch == best.epoch,
        })
        .collect();
    page.table(1, &head, &rows);
    page::write(path, &page.finish()).map_err(|e| TrainError::Write {
        path: path.to_owned(),
        why: e.to_string(),
    })
}
