//! `gazed filter-report`: every filter's jitter against its lag, side by side.
//!
//! Without a recording: generated eye movements with our networks' own noise
//! ([`gaze::eye_movements`]). With one: recorded samples, as `gazed watch --json` prints them.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use gaze::eye_movements::{Measured, Residuals};
use gaze::filter::{FilterConfig, FilterKind, OneEuroConfig};
use gaze::filter_report::recording::{Heard, Recording};
use gaze::filter_report::tuning::GOAL;
use gaze::filter_report::{Candidate, Comparison, Effort, Setting, compare, goal, plot};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure, Outcome};

/// A line on standard output; who reads it may have left.
macro_rules! say {
    ($($words:tt)*) => {{
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

/// What to judge the filters on.
#[derive(Args)]
#[command(after_help = "Examples:
  gazed filter-report                     on generated eye movements, a minute or two
  gazed filter-report --plot jitter.svg   and draw jitter against lag
  gazed watch --json --seconds 60 > me.jsonl; gazed filter-report me.jsonl

Exit codes: 0 the default filter is as good as promised (30 % less jitter than the best
One-Euro at equal lag, or 30 % less lag at equal jitter), 1 it is not, 2 command line, 7 the
recording cannot be used.")]
pub struct FilterReportArgs {
    /// Samples as `gazed watch --json` prints them, - for standard input; generated eye movements
    /// if left out
    #[arg(value_name = "RECORDING")]
    pub recording: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
    /// Draw jitter against lag (not of a recording)
    #[arg(long, value_name = "FILE.svg", conflicts_with = "recording")]
    pub plot: Option<PathBuf>,
}

/// Judges them and prints a table.
pub fn filter_report(args: &FilterReportArgs) -> Outcome {
    match &args.recording {
        Some(path) => of_recording(path, args.json),
        None => of_generated(args),
    }
}

fn of_generated(args: &FilterReportArgs) -> Outcome {
    if let Some(file) = &args.plot
        && file.extension().is_none_or(|e| e != "svg")
    {
        let why = format!("--plot {}: only .svg can be drawn", file.display());
        return Err(Failure::new(Exit::Usage, why));
    }
    let residuals = Residuals::ours();
    let progress = std::io::stderr().is_terminal();
    let mut all = Vec::new();
    for (i, setting) in Setting::ALL.into_iter().enumerate() {
        if progress {
            eprint!("\r{} of {} settings", i + 1, Setting::ALL.len());
        }
        all.push(compare(
            setting,
            Effort::FULL,
            FilterConfig::default(),
            &residuals,
        ));
    }
    if progress {
        eprint!("\r\x1b[K");
    }
    if let Some(file) = &args.plot {
        write_whole(file, &plot::svg(&all))?;
    }
    let good = all.iter().all(goal);
    if args.json {
        say!(
            "{}",
            json!({ "goal": GOAL, "reached": good, "settings": all, "noise": residuals })
        );
    } else {
        all.iter().for_each(table);
        say!(
            "{} (at least {:.0} % less jitter or lag than One-Euro); rivals were tuned on one half of the people, all judged on the other",
            if good {
                "The default reaches its goal in every setting"
            } else {
                "The default misses its goal"
            },
            100.0 * GOAL,
        );
    }
    Ok(if good { Exit::Ok } else { Exit::NotGood })
}

fn table(c: &Comparison) {
    say!(
        "{} frames a second, {} × the measured noise",
        c.setting.fps,
        c.setting.noise
    );
    say!(
        "  {:<26}{:>8}{:>8}{:>9}{:>7}{:>9}{:>8}{:>9}{:>8}",
        "",
        "jitter",
        "SD",
        "saccade",
        "over",
        "pursuit",
        "blink",
        "no lids",
        "blind"
    );
    say!(
        "  {:<26}{:>8}{:>8}{:>9}{:>7}{:>9}{:>8}{:>9}{:>8}",
        "",
        "°",
        "°",
        "ms",
        "%",
        "ms",
        "°",
        "°",
        "ms"
    );
    for row in &c.rows {
        let m = row.measures;
        say!(
            "  {:<26}{:>8.3}{:>8.3}{:>9.0}{:>7.1}{:>9.0}{:>8.2}{:>9.2}{:>8.0}  {}",
            row.name,
            m.jitter_deg,
            m.sd_deg,
            m.saccade_ms,
            m.overshoot_percent,
            m.pursuit_ms,
            m.blink_deg,
            row.blink_without_lids_deg,
            m.blind_ms,
            row.settings
        );
    }
    let pursuit = c
        .less_jitter_in_pursuit
        .map_or("; none is no later in pursuit too".to_owned(), |v| {
            format!(", {:.0} % where it is no later in pursuit too", 100.0 * v)
        });
    say!(
        "  ours against the best One-Euro: {:.0} % less jitter at no more lag{pursuit}; {:.0} % less lag at no more jitter\n",
        100.0 * c.less_jitter,
        100.0 * c.less_lag,
    );
}

fn of_recording(path: &Path, json: bool) -> Outcome {
    let unusable = |why: String| Failure::new(Exit::Source, format!("{}: {why}", path.display()));
    let file: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(|e| unusable(e.to_string()))?)
    };
    let recording = read(BufReader::new(file)).map_err(unusable)?;
    let found = recording.find();
    if found.fixations.len() < 3 {
        let why = format!(
            "{} measured points hold {} fixations: record for half a minute, looking about",
            recording.measured.len(),
            found.fixations.len(),
        );
        return Err(unusable(why));
    }
    let none = Candidate::Ours(FilterConfig::of(FilterKind::None));
    let judge = |config| recording.judge(Candidate::Ours(config), none, &found);
    let ours = judge(FilterConfig::default());
    // The One-Euro that is no later on this recording: in its favour, it is tuned on the same.
    let mut best: Option<(OneEuroConfig, Heard)> = None;
    for cutoff in -6..=6 {
        for beta in 0..12 {
            let one_euro = OneEuroConfig {
                min_cutoff_hz: 0.8 * 1.5f64.powi(cutoff),
                beta: if beta == 0 {
                    0.0
                } else {
                    0.25 * 1.6f64.powi(beta)
                },
                derivative_cutoff_hz: 1.0,
            };
            let heard = judge(FilterConfig {
                one_euro,
                ..FilterConfig::of(FilterKind::OneEuro)
            });
            let fits = heard.later_ms <= ours.later_ms + 2.0;
            if fits && best.is_none_or(|(_, b)| heard.jitter_deg < b.jitter_deg) {
                best = Some((one_euro, heard));
            }
        }
    }
    let mut rows = vec![
        ("none", judge(FilterConfig::of(FilterKind::None))),
        ("ema", judge(FilterConfig::of(FilterKind::Ema))),
        ("one-euro", judge(FilterConfig::of(FilterKind::OneEuro))),
    ];
    rows.extend(best.map(|(_, heard)| ("one-euro, no later", heard)));
    rows.push(("ours, the default", ours));
    let seconds = recording.published_s.last().unwrap_or(&0.0)
        - recording.published_s.first().unwrap_or(&0.0);
    if json {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(name, heard)| json!({ "name": name, "measures": heard }))
            .collect();
        say!(
            "{}",
            json!({
                "seconds": seconds, "measured": recording.measured.len(),
                "fixations": found.fixations.len(), "saccades": found.saccades.len(), "rows": rows,
            })
        );
        return Ok(Exit::Ok);
    }
    say!(
        "{} measured points in {seconds:.0} s, {} fixations and {} saccades found in them; no truth is known, and degrees are of a screen that spans 31° × 18°",
        recording.measured.len(),
        found.fixations.len(),
        found.saccades.len(),
    );
    say!(
        "  {:<20}{:>10}{:>10}{:>18}",
        "",
        "jitter °",
        "SD °",
        "later than raw ms"
    );
    for (name, h) in rows {
        say!(
            "  {:<20}{:>10.3}{:>10.3}{:>18.0}",
            name,
            h.jitter_deg,
            h.sd_deg,
            h.later_ms
        );
    }
    Ok(Exit::Ok)
}

/// Reads samples, one JSON object a line. What is told by the filter alone, invalid, or of a
/// frame that another line told already, gives a time of publication and no point.
fn read(lines: impl BufRead) -> Result<Recording, String> {
    let mut recording = Recording::default();
    let (mut origin, mut last) = (None, 0);
    for (i, line) in lines.lines().enumerate() {
        let line = line.map_err(|e| e.to_string())?;
        if line.trim().is_empty() {
            continue;
        }
        let bad = |what: &str| {
            format!(
                "line {}: {what}; a line is what gazed watch --json prints",
                i + 1
            )
        };
        let s: Value = serde_json::from_str(&line).map_err(|e| bad(&e.to_string()))?;
        let time = |name: &str| s[name].as_u64().ok_or_else(|| bad(&format!("no {name}")));
        let (captured, published) = (time("captured_ns")?, time("published_ns")?);
        let origin = *origin.get_or_insert(published.min(captured.max(1)));
        let seconds = |ns: u64| ns.saturating_sub(origin) as f64 * 1e-9;
        if recording
            .published_s
            .last()
            .is_none_or(|t| *t < seconds(published))
        {
            recording.published_s.push(seconds(published));
        }
        let yes = |name: &str| s[name].as_bool() == Some(true);
        let pair = |name: &str| Some([s[name][0].as_f64()?, s[name][1].as_f64()?]);
        if !yes("valid") || !yes("measured") || captured <= last {
            continue;
        }
        let Some(point) = pair("calibrated_point").or_else(|| pair("raw")) else {
            continue;
        };
        last = captured;
        recording.measured.push(Measured {
            captured_s: seconds(captured),
            arrived_s: seconds(published),
            point,
            gap_mm: f64::NAN,
            openness: 1.0,
            confidence: s["confidence"].as_f64().unwrap_or(1.0),
        });
    }
    Ok(recording)
}

/// Under another name first: a half-written file is no report.
fn write_whole(file: &Path, text: &str) -> Result<(), Failure> {
    let half = file.with_extension("part");
    std::fs::write(&half, text)
        .and_then(|()| std::fs::rename(&half, file))
        .map_err(|e| Failure::new(Exit::NotGood, format!("{}: {e}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(captured: u64, published: u64, measured: bool, x: f64) -> String {
        json!({ "captured_ns": captured, "published_ns": published, "valid": true, "measured": measured,
            "raw": [x, 0.5], "calibrated_point": [x, 0.5], "confidence": 0.9 })
        .to_string()
    }

    #[test]
    fn samples_become_measurements_once_each() {
        let text = [
            line(1_000_000_000, 1_030_000_000, true, 0.2),
            line(1_000_000_000, 1_046_000_000, false, 0.2),
            r#"{"captured_ns":1033000000,"published_ns":1062000000,"valid":false,"measured":true,"raw":[null,null]}"#.into(),
            line(1_066_000_000, 1_080_000_000, true, 0.3),
        ];
        let recording = read(text.join("\n").as_bytes()).unwrap();
        assert_eq!(recording.published_s.len(), 4);
        let points: Vec<f64> = recording.measured.iter().map(|m| m.point[0]).collect();
        assert_eq!(points, [0.2, 0.3]);
        assert!((recording.measured[1].arrived_s - 0.08).abs() < 1e-9);
        let no = read("{\"captured_ns\": 1}".as_bytes()).unwrap_err();
        assert!(no.contains("line 1") && no.contains("published_ns"), "{no}");
    }
}
