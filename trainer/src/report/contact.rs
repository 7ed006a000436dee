//! The page of `gaze-trainer contact-fit`.

use std::path::Path;

use gaze::contact::metrics::{Bin, Operating};

use super::page::{Page, Row};
use super::plots::{Series, Shares, in_square, over_bands};
use crate::contact::evaluate::{Count, Evaluation, FEW, Part};

/// People listed by name.
const PEOPLE: usize = 40;
/// Points of a curve that are drawn.
const POINTS: usize = 400;

/// Everything on one page. `by` says in words what told.
pub fn page(e: &Evaluation, folder: &Path, by: &str) -> String {
    let mut page = Page::new("Eye contact: how well it is told");
    page.lead(&lead(e));
    for line in remarks(e) {
        page.remark(&line);
    }
    page.remark(&format!(
        "{} pictures from {}, told by {by}.",
        e.pictures.all(),
        folder.display()
    ));

    page.heading("Thresholds");
    page.words(
        "Hits: share of those in contact that is taken for it. False alarms: share of the others \
         that is. Precision: share of what is taken for contact that is, with as many in contact \
         as in this folder. A single picture is judged here; the daemon smooths over time.",
    );
    let mut rows = vec![
        operating("the daemon's usual one", &e.usual),
        operating("best balanced accuracy", &e.best),
    ];
    rows[1].best = true;
    match &e.precise {
        Some(o) => rows.push(operating(&format!("precision of {}", e.precision), o)),
        None => page.remark(&format!(
            "No threshold reaches a precision of {}.",
            e.precision
        )),
    }
    let head = [
        "",
        "threshold",
        "hits",
        "false alarms",
        "precision",
        "balanced accuracy",
    ];
    page.table(1, &head, &rows);
    if let Some(h) = &e.held_out {
        page.words(&format!(
            "Found and tested on the same pictures, these flatter. Found on all groups but one and \
             tested on that one, {} groups in turn ({}): hits {:.2}, false alarms {:.2}, balanced \
             accuracy {:.3}; thresholds from {:.2} to {:.2}.",
            h.groups,
            h.by.words(),
            h.hits,
            h.false_alarms,
            h.balanced_accuracy,
            h.thresholds[0],
            h.thresholds[1]
        ));
    }
    page.words(&format!(
        "For the daemon's settings: {}",
        serde_json::json!({ "contact": e.advice })
    ));

    page.heading("Who is told from whom, and whether probabilities mean what they say");
    let mut reliable = vec![bins("as they are", &e.reliability)];
    if e.held_out.is_some() {
        let name = "recalibrated, by other groups";
        reliable.push(bins(name, &e.reliability_held_out));
    }
    page.figures(&[
        (
            format!("ROC curve: area {:.3} ± {:.3}", e.auc, e.auc_error),
            in_square(&roc(e), ["false alarms", "hits"]),
        ),
        (
            "Share in contact against the mean probability of ten bins".into(),
            in_square(&reliable, ["probability", "in contact"]),
        ),
        (
            "Pictures by their probability".into(),
            over_bands(
                &bands(&e.reliability),
                &histogram(&e.reliability),
                "pictures",
            ),
        ),
    ]);
    page.words(&reliability(e));
    let head = ["probability", "pictures", "mean", "in contact"];
    let number = |v: Option<f64>| v.map_or("–".to_owned(), |v| format!("{v:.2}"));
    let rows: Vec<Row> = (e.reliability.iter())
        .map(|b| Row {
            cells: vec![
                format!("{:.1} to {:.1}", b.from, b.to),
                b.pictures.to_string(),
                number(b.said),
                number(b.contact),
            ],
            best: false,
        })
        .collect();
    page.table(1, &head, &rows);

    page.heading("By the face's width in pixels");
    parts(&mut page, "pixels", &e.by_width);
    if e.by_person.len() > 1 {
        page.heading("By person");
        parts(
            &mut page,
            "person",
            &e.by_person[..e.by_person.len().min(PEOPLE)],
        );
        if let Some(rest) = e.by_person.len().checked_sub(PEOPLE).filter(|n| *n > 0) {
            page.remark(&format!("{rest} more people are in the JSON."));
        }
    }
    left_out(&mut page, e);
    page.finish()
}

/// The outcome in a sentence.
pub fn lead(e: &Evaluation) -> String {
    let Count { contact, other } = e.told;
    format!(
        "Of two people, one in contact and one not, the one in contact is given more in {:.1} % of \
         cases (area under the ROC curve {:.3} ± {:.3}; {contact} pictures in contact, {other} \
         others). Probabilities are off by {:.3} on average.",
        100.0 * e.auc,
        e.auc,
        e.auc_error,
        e.calibration_error
    )
}

/// What there is to beware of.
pub fn remarks(e: &Evaluation) -> Vec<String> {
    let mut all = Vec::new();
    let fewer = e.told.contact.min(e.told.other);
    if fewer < FEW {
        all.push(format!(
            "Only {fewer} pictures of one kind: a threshold found on so few is chance as much as \
             anything. Some hundred of each, of several people, are better."
        ));
    }
    if e.people < 2 {
        all.push(
            "All pictures count as one person's: how well others are told is not known. \
             Sub-folders of contact and other are people."
                .into(),
        );
    }
    all
}

fn operating(name: &str, o: &Operating) -> Row {
    Row {
        cells: vec![
            name.to_owned(),
            format!("{:.3}", o.threshold),
            format!("{:.2}", o.hits),
            format!("{:.2}", o.false_alarms),
            o.precision.map_or("–".to_owned(), |p| format!("{p:.2}")),
            format!("{:.3}", o.balanced_accuracy()),
        ],
        best: false,
    }
}

fn roc(e: &Evaluation) -> Vec<Shares> {
    let place = |o: &Operating| [o.false_alarms, o.hits];
    let every = e.roc.len().div_ceil(POINTS).max(1);
    let mut points: Vec<[f64; 2]> = e.roc.iter().step_by(every).map(place).collect();
    points.extend(e.roc.last().map(place));
    let one = |name: &str, o: &Operating| Shares {
        name: format!("{name}: {:.2}", o.threshold),
        points: vec![place(o)],
        marked: true,
    };
    let mut lines = vec![
        Shares {
            name: "all thresholds".into(),
            points,
            marked: false,
        },
        one("best balanced accuracy", &e.best),
    ];
    lines.extend(
        e.precise
            .map(|o| one(&format!("precision {}", e.precision), &o)),
    );
    lines
}

fn bins(name: &str, bins: &[Bin]) -> Shares {
    let point = |b: &Bin| Some([b.said?, b.contact?]);
    Shares {
        name: name.into(),
        points: bins.iter().filter_map(point).collect(),
        marked: true,
    }
}

fn bands(bins: &[Bin]) -> Vec<String> {
    bins.iter().map(|b| format!("{:.1}", b.from)).collect()
}

fn histogram(bins: &[Bin]) -> Vec<Series> {
    let contacts = |b: &Bin| b.contact.unwrap_or(0.0) * b.pictures as f64;
    let series = |name: &str, of: &dyn Fn(&Bin) -> f64| Series {
        name: name.into(),
        values: bins.iter().map(|b| Some(of(b).round())).collect(),
    };
    vec![
        series("in contact", &contacts),
        series("others", &|b| b.pictures as f64 - contacts(b)),
    ]
}

fn reliability(e: &Evaluation) -> String {
    let mut words = format!(
        "Expected calibration error {:.3}, Brier score {:.3}.",
        e.calibration_error, e.brier
    );
    if let Some((line, h)) = e.recalibration.zip(e.held_out) {
        words += &format!(
            " Log odds times {:.2}, {:+.2}, would make it {:.3} and {:.3}, tested on other groups \
             than it was found on; --recalibrate puts that into the settings.",
            line.slope, line.offset, h.calibration_error, h.brier
        );
    }
    words + " What probabilities mean hangs on how many in this folder are in contact."
}

fn parts(page: &mut Page, what: &str, parts: &[Part]) {
    let number = |v: Option<f64>| v.map_or("–".to_owned(), |v| format!("{v:.3}"));
    let rows: Vec<Row> = (parts.iter())
        .map(|p| Row {
            cells: vec![
                p.name.clone(),
                p.told.contact.to_string(),
                p.told.other.to_string(),
                number(p.auc),
                number(p.balanced_accuracy),
                number(Some(p.calibration_error)),
            ],
            best: false,
        })
        .collect();
    let head = [
        what,
        "in contact",
        "others",
        "AUC",
        "balanced accuracy",
        "calibration error",
    ];
    page.table(1, &head, &rows);
}

fn left_out(page: &mut Page, e: &Evaluation) {
    page.heading("Not told");
    let row = |name: &str, n: &Count| Row {
        cells: vec![name.to_owned(), n.contact.to_string(), n.other.to_string()],
        best: false,
    };
    let mut rows: Vec<Row> = (e.unknown.iter())
        .map(|(why, n)| row(why.words(), n))
        .collect();
    rows.push(row("told", &e.told));
    page.table(1, &["why", "in contact", "others"], &rows);
}
