//! `gaze-trainer study`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::Args;

use super::how::How;
use super::train::{Failure, end, failure, open, say, stop_flag, tell};
use crate::device;
use crate::report::page::{self, Page};
use crate::report::plots::{Series, over_bands};
use crate::train::examples::Examples;
use crate::train::folds::{By, folds};
use crate::train::run::write_whole;
use crate::train::state;
use crate::train::study::{AtPoints, Mean, means, of_person};

/// What `study --help` says at its end.
pub const AFTER_HELP: &str = "\
For each fold of people a network is trained on all others (OUT/fold-N). It is then tuned to
each person of the fold, as `personalize` does, on 5, 9, 13 and 20 of their targets, and tested
at their other targets, in another sitting where there is one. Writes OUT/study.json and
OUT/study.html. After Ctrl-C or a kill --resume goes on. Folds are always of people.

Exit codes: as `gaze-trainer train`.

Examples:
  gaze-trainer study recordings.cache --out study
  gaze-trainer study recordings.cache --out study --folds 3 --epochs 20 --resume --json";

/// Arguments of `study`.
#[derive(Debug, Args)]
pub struct StudyCommand {
    /// A cache that `prepare` made, or its folder of pictures
    source: PathBuf,
    /// Folder of the study
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    how: How,
    /// Go on with what is in OUT; other options as they were
    #[arg(long)]
    resume: bool,
    /// Print one JSON object at the end
    #[arg(long)]
    json: bool,
}

impl StudyCommand {
    /// Trains, tunes, reports.
    pub fn run(self) -> ExitCode {
        end(|| self.study())
    }

    fn study(&self) -> Result<bool, Failure> {
        let settings = self.how.settings()?;
        let device = device::open(self.how.device()).map_err(|e| (2, e.to_string()))?;
        let cache = open(&self.source)?;
        let plan = self.how.plan(&cache)?;
        let examples = Examples::new(&cache, &plan).map_err(|e| (3, e.to_string()))?;
        let usable = examples.usable().map_err(|e| (3, e.to_string()))?;
        let all = folds(
            &cache.samples,
            &usable,
            By::Person,
            self.how.folds(),
            settings.seed,
        );
        let all = all.map_err(|e| (3, e.to_string()))?;
        let stop = stop_flag();
        let stopped = || stop.load(Ordering::Relaxed);
        let count = all.len();
        let mut rows: Vec<AtPoints> = Vec::new();
        for (n, fold) in all.into_iter().enumerate() {
            let out = self.out.join(format!("fold-{}", n + 1));
            let there = out.join(state::FILE).exists();
            if there && !self.resume {
                let line = format!(
                    "{}: there is a study already; go on with --resume, or give another --out",
                    self.out.display()
                );
                return Err((2, line));
            }
            let mut people: Vec<u16> = fold.test.iter().map(|i| cache.samples[*i].person).collect();
            people.sort_unstable();
            people.dedup();
            tell(&format!(
                "fold {} of {count}: {} people are new",
                n + 1,
                people.len()
            ));
            let trained = self.how.train(
                settings.clone(),
                examples,
                fold,
                (&out, there),
                &stopped,
                |e, p| {
                    tell(&format!(
                        "epoch {:>3} of {}: {:.2}°, {:.0} px",
                        e.epoch, p.settings.epochs, e.check.mean_deg, e.check.mean_px
                    ));
                },
            )?;
            if trained.stopped {
                tell(&format!(
                    "gaze-trainer: stopped; --resume goes on ({})",
                    self.out.display()
                ));
                return Ok(true);
            }
            let Some(net) = trained.best else { continue };
            for person in people {
                rows.extend(of_person(
                    &net,
                    examples,
                    &usable,
                    person,
                    settings.seed,
                    &device,
                ));
            }
        }
        let means = means(&rows);
        if means.is_empty() {
            return Err((
                3,
                "nobody has six targets or more: record more of them".to_owned(),
            ));
        }
        let object = serde_json::json!({"points": means, "people": rows});
        let text = serde_json::to_string_pretty(&object).unwrap_or_default() + "\n";
        write_whole(&self.out.join("study.json"), text.as_bytes()).map_err(failure)?;
        let html = self.out.join("study.html");
        page::write(&html, &drawn(&means))
            .map_err(|e| (4, format!("{}: cannot be written: {e}", html.display())))?;
        if self.json {
            say(&object.to_string());
        } else {
            say(&format!(
                "{:>6} {:>7} {:>10} {:>10} {:>10} {:>10}",
                "points", "people", "before °", "after °", "before px", "after px"
            ));
            for m in &means {
                say(&format!(
                    "{:>6} {:>7} {:>10.2} {:>10.2} {:>10.0} {:>10.0}",
                    m.points, m.persons, m.before[0], m.after[0], m.before[1], m.after[1]
                ));
            }
        }
        tell(&html.display().to_string());
        Ok(false)
    }
}

fn drawn(means: &[Mean]) -> String {
    let mut page = Page::new("Error against the number of points");
    let (first, last) = (&means[0], &means[means.len() - 1]);
    let more = match last.points > first.points {
        true => format!(", after {} {:.2}°", last.points, last.after[0]),
        false => String::new(),
    };
    page.lead(&format!(
        "Somebody new errs {:.2}°; after {} points {:.2}°{more}.",
        first.before[0], first.points, first.after[0]
    ));
    page.words("Networks were trained without the person (the best epoch was chosen by them, which flatters a little), then tuned on so many of their targets and tested at the others.");
    let names: Vec<String> = means
        .iter()
        .map(|m| format!("{} points", m.points))
        .collect();
    let plot = |k: usize, unit: &str| {
        let series = [("as it was", 0), ("tuned", 1)].map(|(name, which)| Series {
            name: name.into(),
            values: means
                .iter()
                .map(|m| Some([m.before, m.after][which][k]))
                .collect(),
        });
        over_bands(&names, &series, unit)
    };
    page.figures(&[
        ("Mean error, degrees".into(), plot(0, "degrees")),
        ("Mean error, pixels".into(), plot(1, "pixels")),
    ]);
    page.remark("With more points fewer people may have enough of them: the means need not be of the same people.");
    page.finish()
}
