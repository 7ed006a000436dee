//! `gaze-calib evaluate`: how far off is the gaze on recordings of known targets?
//!
//! | module | reads |
//! |---|---|
//! | [`npz`] | landmarks of many people as NumPy's arrays |
//! | [`folder`] | labelled pictures in the user's format |

pub mod folder;
pub mod npz;

use std::io::{self, Write};

use gaze::evaluation::{Evaluation, Frame, Row, WIDTH_PX, evaluate};
use serde_json::json;

use crate::args::EvaluateArgs;
use crate::{Exit, Failure};

/// What a recording holds, and what of it is of no use.
#[derive(Debug, Default)]
pub struct Recordings {
    /// The looks, in their order.
    pub frames: Vec<Frame>,
    /// How many of what were left out.
    pub skipped: Vec<(&'static str, usize)>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`]: nothing to read, or nothing to measure in it.
pub fn run(args: &EvaluateArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let input = |e: String| Failure::new(Exit::Input, format!("{}: {e}", args.path.display()));
    let recordings = if args.path.is_dir() {
        folder::read(&args.path).map_err(input)?
    } else {
        Recordings {
            frames: npz::read(&args.path).map_err(input)?,
            skipped: Vec::new(),
        }
    };
    let found = evaluate(&recordings.frames);
    let Some(ours) = found.rows.last().filter(|row| row.same.is_some()) else {
        let why = format!(
            "no sitting with enough targets for a map in {} looks of {} sittings",
            found.looks, found.sittings
        );
        return Err(Failure::new(
            Exit::NotGood,
            format!("{}: {why}", args.path.display()),
        ));
    };
    if args.json {
        let skipped: serde_json::Map<_, _> = (recordings.skipped.iter())
            .map(|(what, n)| ((*what).to_owned(), json!(n)))
            .collect();
        let all = json!({
            "width_px": WIDTH_PX, "same": ours.same, "next": ours.next,
            "evaluation": found, "skipped": skipped,
        });
        writeln!(out, "{all:#}")?;
        return Ok(());
    }
    table(&found, out)?;
    for (what, n) in &recordings.skipped {
        writeln!(out, "left out: {n} {what}")?;
    }
    writeln!(out, "same={} next={}", number(ours.same), number(ours.next))?;
    Ok(())
}

fn table(found: &Evaluation, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{} looks of {} people in {} sittings; medians in px of a screen {WIDTH_PX} px wide",
        found.looks, found.people, found.sittings
    )?;
    let several = found.people > 1;
    let heading = if several {
        "  each person's same / next"
    } else {
        ""
    };
    writeln!(out, "{:44} {:>5} {:>5}{heading}", "", "same", "next")?;
    for row in &found.rows {
        let Row {
            name, same, next, ..
        } = row;
        write!(out, "{name:44} {:>5} {:>5}", number(*same), number(*next))?;
        for [same, next] in row.people.iter().filter(|_| several) {
            write!(out, "  {:>4} / {:>4}", number(*same), number(*next))?;
        }
        if row.without_point > 0 {
            write!(out, "  {} looks without a point", row.without_point)?;
        }
        if row.refused > 0 {
            write!(out, "  {} sittings without a map", row.refused)?;
        }
        writeln!(out)?;
    }
    for row in &found.rows {
        if let Some([same, next]) = row.within {
            writeln!(
                out,
                "{}: {} within the expected error at the same sitting, {} at the next; \
                 history used in {} sittings",
                row.name,
                percent(same),
                percent(next),
                row.history_used
            )?;
        }
    }
    Ok(())
}

/// Rounded; `-` where nothing was measured.
fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.0}"))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |s| format!("{:.0} %", 100.0 * s))
}
