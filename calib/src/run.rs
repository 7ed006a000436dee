//! `gaze-calib run`: a sitting before the screen makes a map and stores it.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::args::RunArgs;
use crate::picture::chart::Chart;
use crate::session::{Kind, Outcome, Session};
use crate::sitting::Sitting;
use crate::{Exit, Failure, text};

/// Runs the command.
///
/// # Errors
/// [`Failure`]; a calibration that was there before is still there then.
pub fn run(args: &RunArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let sitting = Sitting::prepare(&args.sitting)?;
    let targets = args.targets.parse().unwrap_or(9);
    let (outcome, session) = sitting.hold(Kind::Calibrate { targets })?;
    if let Some(file) = &args.samples {
        write_looks(&session, file)
            .map_err(|e| Failure::new(Exit::Output, format!("{}: {e}", file.display())))?;
    }
    let Outcome::Store(calibration) = outcome else {
        return Err(Failure::new(Exit::NotGood, "nothing changed"));
    };
    sitting.store(&calibration, out)?;
    if args.sitting.json {
        text::json(&calibration, out)?;
    } else {
        let chart = Chart::from_calibration(&calibration);
        let error = chart.error_line().unwrap_or_default();
        writeln!(out, "{}. {error} {}", chart.heading, chart.meaning)?;
    }
    Ok(())
}

/// The looks as CSV, whole or not at all.
fn write_looks(session: &Session, file: &Path) -> io::Result<()> {
    let mut table = String::from(
        "target_x,target_y,raw_x,raw_y,valid,checking,captured_ns,\
         eye_x_mm,eye_y_mm,eye_z_mm,yaw_deg,pitch_deg,roll_deg\n",
    );
    for point in session.points() {
        for look in &point.looks {
            let ([tx, ty], [x, y]) = (point.target, look.point);
            // A map is fitted without the judging ones.
            let (valid, checking) = (u8::from(!point.checking), u8::from(point.checking));
            let ([ex, ey, ez], [yaw, pitch, roll]) = (look.eyes_mm, look.head_deg);
            let at = look.captured_ns;
            table.push_str(&format!(
                "{tx},{ty},{x},{y},{valid},{checking},{at},{ex},{ey},{ez},{yaw},{pitch},{roll}\n"
            ));
        }
    }
    replace(file, table.as_bytes())
}

/// Writes a file under a temporary name beside it, then renames it.
///
/// # Errors
/// Of the system; nothing is left behind.
pub fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = file.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, file));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}
