//! The page of `gaze-trainer baseline`.

use super::page::{Page, Row};
use super::plots::{Series, on_screen, over_bands};
use crate::baseline::fit::Fitted;
use crate::baseline::methods::MEAN;
use crate::baseline::metrics::{Band, Evaluation};
use crate::baseline::{Baseline, Outcome};

/// People listed by name.
const PEOPLE: usize = 40;
/// Methods in one plot.
const LINES: usize = 5;

/// Everything on one page.
pub fn page(b: &Baseline, aspect: f64) -> String {
    let mut page = Page::new("Where people look: what is there now");
    if let Some((best, guess)) = b.best().zip(b.results.first()) {
        page.lead(&lead(best, guess));
    }
    page.remark(&format!(
        "{} pictures from {}; people: {}, sittings: {}, targets: {}. Left out: {}.",
        b.holds.samples,
        b.folder.display(),
        b.holds.persons.len(),
        b.holds.sessions,
        b.holds.targets,
        b.holds.skipped.values().sum::<usize>(),
    ));
    page.heading("Every method");
    page.words(
        "Pixels are of the screen the target was on; x and y are means of the absolute error. A \
         map is fitted for each sitting on its other targets, or on the same person's sitting \
         before, and never on what it is tested on. Jitter is of looks with target and head held \
         still: standard deviation, and root mean square from one picture to the next.",
    );
    page.remark(&format!(
        "Degrees as seen from {:.0} mm before the screen's middle{}.",
        b.distance_mm,
        match b.screen_measured {
            true => "",
            false => ", on a 14-inch screen where its size is not known",
        }
    ));
    let best = b.best();
    let rows: Vec<Row> = (b.results.iter())
        .map(|o| Row {
            cells: cells(o),
            best: best.is_some_and(|best| std::ptr::eq(best, o)),
        })
        .collect();
    let head = [
        "method",
        "map",
        "pictures",
        "mean px",
        "median px",
        "x px",
        "y px",
        "mean °",
        "median °",
        "SD px",
        "RMS-S2S px",
    ];
    page.table(2, &head, &rows);

    let shown = shown(b);
    page.heading("On the screen");
    page.words(
        "Ring: the target. Dot: the mean of the points there. Where there are many targets, each \
         field shows the mean error of those in it, in pixels.",
    );
    let figures: Vec<(String, String)> = (shown.iter().enumerate())
        .map(|(k, (o, e))| (name(o), on_screen(&e.by_target, aspect, k)))
        .collect();
    page.figures(&figures);

    page.heading("By the head's turn and by light");
    page.words(
        "Mean error in pixels, with maps as above. Yaw is the head's as we measure it, positive to the image's right; \
         brightness is that of the eyes' crops, 0 black to 1 white.",
    );
    let over = |caption: &str, of: fn(&Evaluation) -> &Vec<Band>| {
        let mut names: Vec<String> = Vec::new();
        for band in shown.iter().flat_map(|(_, e)| of(e)) {
            if !names.contains(&band.name) {
                names.push(band.name.clone());
            }
        }
        let series: Vec<Series> = (shown.iter())
            .map(|(o, e)| Series {
                name: o.method.clone(),
                values: names.iter().map(|n| value(of(e), n)).collect(),
            })
            .collect();
        (caption.to_owned(), over_bands(&names, &series, "pixels"))
    };
    page.figures(&[
        over("By the head's yaw", |e| &e.by_yaw),
        over("By brightness", |e| &e.by_brightness),
    ]);
    people(&mut page, b, &shown);
    left_out(&mut page, b);
    page.finish()
}

fn lead(best: &Outcome, guess: &Outcome) -> String {
    let px = |o: &Outcome| o.evaluation.as_ref().map_or(0.0, |e| e.all.mean_px);
    let deg = best.evaluation.as_ref().map_or(0.0, |e| e.all.mean_deg);
    format!(
        "Best of what was fitted elsewhere is “{}” ({}) with {:.0} pixels ({deg:.1}°) on average; always guessing the {} is off by {:.0}.",
        best.method,
        best.fitted.words(),
        px(best),
        guess.method,
        px(guess)
    )
}

fn name(o: &Outcome) -> String {
    format!("{}, {}", o.method, o.fitted.words())
}

fn cells(o: &Outcome) -> Vec<String> {
    let mut cells = vec![
        o.method.clone(),
        o.fitted.words().to_owned(),
        o.predicted.to_string(),
    ];
    let Some(e) = &o.evaluation else {
        cells.extend((0..8).map(|_| "–".to_owned()));
        return cells;
    };
    let a = &e.all;
    let px = [a.mean_px, a.median_px, a.x_px, a.y_px];
    cells.extend(px.map(|v| format!("{v:.0}")));
    cells.extend([a.mean_deg, a.median_deg].map(|v| format!("{v:.1}")));
    let jitter = e.jitter.map(|j| [j.sd_px, j.rms_s2s_px]);
    cells.extend([0, 1].map(|k| jitter.map_or("–".to_owned(), |j| format!("{:.0}", j[k]))));
    cells
}

/// What is drawn: one line for each method, fitted on other targets where it can be.
fn shown(b: &Baseline) -> Vec<(&Outcome, &Evaluation)> {
    let mut shown: Vec<(&Outcome, &Evaluation)> = Vec::new();
    for o in b.results.iter().filter(|o| o.method != MEAN) {
        let Some(e) = &o.evaluation else { continue };
        let same = shown.iter().position(|(s, _)| s.method == o.method);
        match same {
            Some(k) if o.fitted == Fitted::OtherTargets => shown[k] = (o, e),
            Some(_) => {}
            None => shown.push((o, e)),
        }
    }
    // The first is the guess, which shows how large an error is when nothing is known. What has
    // points of its own (the geometric gaze, networks) goes last.
    let own = |o: &Outcome| {
        let raw = |r: &Outcome| r.method == o.method && r.fitted == Fitted::Raw;
        b.results.iter().any(raw)
    };
    while shown.len() > LINES {
        let error = |s: &(&Outcome, &Evaluation)| (!own(s.0), s.1.all.mean_px);
        let worst = (shown.iter().enumerate().skip(1))
            .max_by(|a, b| {
                let ((p, x), (q, y)) = (error(a.1), error(b.1));
                p.cmp(&q).then(x.total_cmp(&y))
            })
            .map_or(1, |(k, _)| k);
        shown.remove(worst);
    }
    shown
}

fn value(bands: &[Band], name: &str) -> Option<f64> {
    let band = bands.iter().find(|b| b.name == name)?;
    Some(band.errors.mean_px)
}

fn people(page: &mut Page, b: &Baseline, shown: &[(&Outcome, &Evaluation)]) {
    page.heading("By person");
    let names: Vec<&String> = b.holds.persons.keys().collect();
    let mut head = vec!["person", "pictures"];
    head.extend(shown.iter().map(|(o, _)| o.method.as_str()));
    let rows: Vec<Row> = (names.iter().take(PEOPLE))
        .map(|n| {
            let mut cells = vec![(*n).clone(), b.holds.persons[*n].to_string()];
            cells.extend(shown.iter().map(|(_, e)| {
                value(&e.by_person, n).map_or("–".to_owned(), |v| format!("{v:.0}"))
            }));
            Row { cells, best: false }
        })
        .collect();
    page.words("Mean error in pixels, methods as drawn above.");
    page.table(1, &head, &rows);
    if names.len() > PEOPLE {
        let rest = names.len() - PEOPLE;
        page.remark(&format!("{rest} more people are in the JSON."));
    }
}

fn left_out(page: &mut Page, b: &Baseline) {
    if b.holds.skipped.is_empty() {
        return;
    }
    page.heading("Left out");
    let rows: Vec<Row> = (b.holds.skipped.iter())
        .map(|(reason, n)| Row {
            cells: vec![
                reason.words().to_owned(),
                b.holds.examples.get(reason).cloned().unwrap_or_default(),
                n.to_string(),
            ],
            best: false,
        })
        .collect();
    page.table(2, &["why", "for example", "pictures"], &rows);
}
