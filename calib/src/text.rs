//! A calibration as a person reads it, and as JSON.

use std::io::{self, Write};

use gaze::affine::Form;
use gaze::calibration::{Calibration, Grade};
use gaze::drift::OLD_S;

/// How far the eyes are assumed to be where the calibration does not say.
const ARMS_LENGTH_MM: f64 = 600.0;

/// The whole calibration as indented JSON.
///
/// # Errors
/// Of the output.
pub fn json(c: &Calibration, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, c).map_err(io::Error::other)?;
    writeln!(out)
}

/// One line: when, for whom, how good: the error to be expected.
pub fn line(c: &Calibration) -> String {
    format!(
        "{}  {:<9} {:>5.1} %  {} / {} / {}  ({})",
        date(c.created_unix_s),
        grade(c.grade),
        100.0 * c.expected_error(),
        c.user,
        c.camera,
        c.display.id,
        c.network
    )
}

/// Everything that helps to decide whether to calibrate again.
///
/// # Errors
/// Of the output.
pub fn write(c: &Calibration, now_unix_s: u64, out: &mut dyn Write) -> io::Result<()> {
    let display = &c.display;
    writeln!(
        out,
        "user {}, camera {}, display {}",
        c.user, c.camera, display.id
    )?;
    writeln!(
        out,
        "display {} × {} px, {:.0} × {:.0} mm; network {}; made {}",
        display.width_px,
        display.height_px,
        display.width_mm,
        display.height_mm,
        c.network,
        date(c.created_unix_s)
    )?;
    let m = &c.map;
    let form = match c.form {
        Form::Held => "held affine",
        Form::Affine => "affine",
        Form::ScaleOffset => "scale and offset",
    };
    writeln!(out, "{form}: x' = {:.4}·x {:+.4}·y {:+.4}", m.a, m.b, m.c)?;
    writeln!(
        out,
        "{:>w$}  y' = {:.4}·x {:+.4}·y {:+.4}",
        "",
        m.d,
        m.e,
        m.f,
        w = form.len()
    )?;
    writeln!(out, "  target        error  left out  scatter  samples")?;
    for t in &c.targets {
        writeln!(
            out,
            "  {:.3} {:.3} {:>7.1} % {:>7.1} % {:>6.1} % {:>8}{}",
            t.x,
            t.y,
            100.0 * t.residual,
            100.0 * t.held_out,
            100.0 * t.scatter,
            t.samples,
            if t.used { "" } else { "  wild, set aside" }
        )?;
    }
    if let Some(validation) = &c.validation {
        writeln!(out, "  validation    error            scatter  samples")?;
        for t in &validation.targets {
            writeln!(
                out,
                "  {:.3} {:.3} {:>7.1} % {:>18.1} % {:>8}",
                t.x,
                t.y,
                100.0 * t.error,
                100.0 * t.scatter,
                t.samples,
            )?;
        }
    }
    write_head(c, out)?;
    write_past(c, now_unix_s, out)?;
    if c.validation.is_some() {
        writeln!(
            out,
            "error on left-out targets {}",
            length(c, c.cross_validated)
        )?;
    }
    let (what, error) = match &c.validation {
        Some(v) => ("validation", v.error),
        None => ("left-out", c.cross_validated),
    };
    writeln!(
        out,
        "{}: error on {what} targets {}",
        grade(c.grade),
        length(c, error)
    )
}

/// Where the head was.
fn write_head(c: &Calibration, out: &mut dyn Write) -> io::Result<()> {
    let Some(head) = &c.head else {
        return Ok(());
    };
    let [x, y, z] = head.spread_mm;
    writeln!(
        out,
        "head {:.0} cm from the camera (± {:.0} mm across, {:.0} mm in depth), turned {:+.0}° {:+.0}°",
        head.distance_mm() / 10.0,
        x.hypot(y),
        z,
        head.yaw_pitch_deg[0],
        head.yaw_pitch_deg[1],
    )
}

/// What came before and after it, and whether it is old.
fn write_past(c: &Calibration, now_unix_s: u64, out: &mut dyn Write) -> io::Result<()> {
    if !c.history.is_empty() {
        writeln!(
            out,
            "{} earlier sittings are kept: {}",
            c.history.len(),
            if c.history_used {
                "they had a part in the map"
            } else {
                "they had none in the map"
            }
        )?;
    }
    if let Some(repair) = &c.repair {
        writeln!(
            out,
            "repaired {} by {:+.1} cm across, {:+.1} cm down",
            date(repair.created_unix_s),
            repair.dx * c.display.width_mm / 10.0,
            repair.dy * c.display.height_mm / 10.0
        )?;
    }
    let age_s = now_unix_s.saturating_sub(c.created_unix_s);
    if age_s > OLD_S {
        writeln!(out, "{} days old: calibrate again", age_s / 86_400)?;
    }
    Ok(())
}

/// An error, given as a share of the diagonal, in all units.
pub fn length(c: &Calibration, share: f64) -> String {
    let display = &c.display;
    let mm = share * display.width_mm.hypot(display.height_mm);
    let distance = c.head.map_or(ARMS_LENGTH_MM, |h| h.distance_mm());
    format!(
        "{:.1} % of the diagonal = {:.0} px = {:.1} cm = {:.1}° at {:.0} cm",
        100.0 * share,
        share * f64::from(display.width_px).hypot(f64::from(display.height_px)),
        mm / 10.0,
        (mm / distance).atan().to_degrees(),
        distance / 10.0
    )
}

/// The grade in a word.
pub fn grade(grade: Grade) -> &'static str {
    grade.word()
}

/// Seconds since 1970 as a date and time in UTC (H. Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms", civil_from_days).
pub fn date(unix_s: u64) -> String {
    // The last second of the year 9999: what is later was not written by a clock.
    let unix_s = unix_s.min(253_402_300_799);
    let (days, second) = (unix_s / 86_400, unix_s % 86_400);
    let z = days + 719_468;
    let (era, day_of_era) = (z / 146_097, z % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_the_calendars() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_399), "2000-02-28 23:59 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_790_000_000), "2026-09-21 14:13 UTC");
        assert_eq!(date(u64::MAX), "9999-12-31 23:59 UTC");
    }
}
