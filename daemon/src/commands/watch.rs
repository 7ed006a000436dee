//! `gazed watch`: samples live, as a small map of the screen or one JSON line each.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ring::layout::{FaceRow, FaceState, FaceTable, Sample, flags, row_flags};
use ring::{Health, Next, Reader};
use serde_json::{Value, json};

use super::status::{open, words};
use crate::exit::{Exit, Failure, Outcome};

/// Character cells of the map, inside its frame.
const MAP: (usize, usize) = (64, 18);
/// The map is drawn this often.
const REDRAW: Duration = Duration::from_millis(33);
/// A wait never lasts longer, so that Ctrl-C and `--seconds` are heard.
const PATIENCE: Duration = Duration::from_millis(200);
/// Before a daemon that is being born is looked for once more.
const AGAIN: Duration = Duration::from_millis(100);

/// Shows samples until Ctrl-C, `seconds`, or the end of the daemon.
pub fn watch(shm: Option<&str>, json: bool, seconds: Option<f64>) -> Outcome {
    let mut reader = open(shm)?;
    if let health @ (Health::Stopped | Health::Died { .. }) = reader.health() {
        return Err(gone(health));
    }
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, stop.clone())
            .map_err(|e| Failure::new(Exit::Fault, format!("signals cannot be heard: {e}")))?;
    }
    let until = seconds.map(|s| Instant::now() + Duration::from_secs_f64(s.clamp(0.0, 1e9)));
    let live = std::io::stdout().is_terminal();
    let mut view: Box<dyn View> = if json {
        Box::new(JsonLines)
    } else if live {
        Box::new(Map::new())
    } else {
        Box::new(TextLines::new())
    };
    let outcome = follow(&mut reader, view.as_mut(), &stop, until);
    drop(view); // gives the terminal back before anything is said
    outcome
}

fn gone(health: Health) -> Failure {
    Failure::new(
        Exit::SharedMemory,
        format!("gazed {}; start it with `gazed run`", words(health)),
    )
}

/// One way to show samples.
trait View {
    /// Shows one sample; false when nobody looks any more (a closed pipe).
    fn sample(&mut self, sample: &Sample, lost: u64, reader: &mut Reader) -> bool;

    /// Says that the daemon lives and does not move. Scripts see it in the times.
    fn stalled(&mut self, _how: &str) {}
}

fn follow(
    reader: &mut Reader,
    view: &mut dyn View,
    stop: &AtomicBool,
    until: Option<Instant>,
) -> Outcome {
    while !stop.load(Relaxed) && until.is_none_or(|t| Instant::now() < t) {
        match reader.next() {
            Next::Sample { sample, lost } => {
                if !view.sample(&sample, lost, reader) {
                    return Ok(Exit::Ok);
                }
            }
            Next::Empty => {
                let _ = reader.wait(PATIENCE);
                match reader.health() {
                    Health::Restarted if reader.reopen().is_err() => std::thread::sleep(AGAIN),
                    health @ (Health::Stopped | Health::Died { .. }) => {
                        return Err(gone(health));
                    }
                    health @ Health::Stalled { .. } => view.stalled(&words(health)),
                    _ => {}
                }
            }
        }
    }
    Ok(Exit::Ok)
}

/// One JSON object a line; numbers that are not known are null.
struct JsonLines;

impl View for JsonLines {
    fn sample(&mut self, s: &Sample, lost: u64, reader: &mut Reader) -> bool {
        let mut line = sample_json(s, lost);
        // The rows belong to a picture, as the sample does.
        if let Some(table) = reader.faces_of(s.frame_index) {
            line["face_rows"] = table.faces().iter().map(|row| row_json(row, s)).collect();
        }
        writeln!(std::io::stdout().lock(), "{line}").is_ok()
    }
}

/// A sample as JSON, in the names of the header.
pub fn sample_json(s: &Sample, lost: u64) -> Value {
    json!({
        "index": s.index, "frame": s.frame_index, "lost": lost,
        "captured_ns": s.captured_ns, "perceived_ns": s.perceived_ns, "published_ns": s.published_ns,
        "valid": s.is_valid(), "reason": s.reason().text(), "state": s.state().text(),
        "measured": s.has(flags::MEASURED), "calibrated": s.has(flags::CALIBRATED),
        "calibration_generation": s.calibration_generation, "coarse": s.has(flags::COARSE),
        "recalibrate": s.has(flags::RECALIBRATE),
        "face": s.has(flags::FACE), "eyes_open": s.has(flags::EYES_OPEN), "faces": s.face_count,
        "x": s.x, "y": s.y, "raw": [s.raw_x, s.raw_y], "calibrated_point": [s.cal_x, s.cal_y],
        "error_radius": s.error_radius, "confidence": s.confidence, "spread_deg": s.spread_deg,
        "eye_mm": s.eye_origin_mm, "gaze": s.gaze_dir,
        "head_deg": [s.head_yaw, s.head_pitch, s.head_roll], "head_mm": s.head_mm,
        "openness": s.openness, "face_id": s.face_id, "contact": s.contact,
    })
}

/// A face as JSON, in the names of the header; its age at the time of a sample.
fn row_json(row: &FaceRow, s: &Sample) -> Value {
    json!({
        "id": row.id, "state": row.state().text(), "contact": row.contact,
        "contact_source": row.contact_source().text(), "since_ns": row.since_ns,
        "measured_ns": row.measured_ns,
        "age_ms": s.published_ns.saturating_sub(row.measured_ns) as f64 / 1e6,
        "primary": row.flags & row_flags::PRIMARY != 0,
        "eyes_open": row.flags & row_flags::EYES_OPEN != 0,
        "box": [row.x, row.y, row.w, row.h],
        "head_deg": [row.yaw, row.pitch, row.roll], "distance_mm": row.distance_mm,
    })
}

/// For a pipe without `--json`: one readable line a second.
struct TextLines {
    next: Instant,
}

impl TextLines {
    fn new() -> Self {
        TextLines {
            next: Instant::now(),
        }
    }
}

impl View for TextLines {
    fn sample(&mut self, s: &Sample, _: u64, _: &mut Reader) -> bool {
        if Instant::now() < self.next {
            return true;
        }
        self.next += Duration::from_secs(1);
        let line = if s.is_valid() {
            format!(
                "x {:.3}  y {:.3}  ± {:.1} % of the diagonal{}",
                s.x,
                s.y,
                100.0 * s.error_radius,
                if s.has(flags::RECALIBRATE) {
                    ", recalibrate"
                } else {
                    ""
                },
            )
        } else {
            format!("not valid: {}", s.reason())
        };
        writeln!(std::io::stdout().lock(), "{line}").is_ok()
    }
}

/// The live map on a terminal's second screen.
struct Map {
    drawn: Instant,
    text: String,
    lost: u64,
}

impl Map {
    fn new() -> Self {
        // Second screen, cursor hidden.
        print!("\x1b[?1049h\x1b[?25l");
        Map {
            drawn: Instant::now() - REDRAW,
            text: String::new(),
            lost: 0,
        }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        print!("\x1b[?25h\x1b[?1049l");
        let _ = std::io::stdout().flush();
    }
}

impl View for Map {
    fn stalled(&mut self, how: &str) {
        print!("\x1b[{};1H\x1b[31mgazed {how}\x1b[0m\x1b[K", MAP.1 + 3);
        let _ = std::io::stdout().flush();
    }

    fn sample(&mut self, s: &Sample, lost: u64, reader: &mut Reader) -> bool {
        self.lost += lost;
        if self.drawn.elapsed() < REDRAW {
            return true;
        }
        self.drawn = Instant::now();
        let header = reader.header();
        let faces = reader.faces();
        self.text.clear();
        self.text.push_str("\x1b[H");
        draw_map(&mut self.text, s);
        let rates = &header.stats;
        let _ = write!(
            self.text,
            "{:.1} samples/s, camera {:.1}/s, capture to sample {:.1} ms, lost {}\x1b[K\r\n",
            f64::from(rates.publish_mhz) / 1000.0,
            f64::from(rates.camera_mhz) / 1000.0,
            f64::from(rates.total_p50_us) / 1000.0,
            self.lost,
        );
        if header.recording {
            let _ = write!(
                self.text,
                "\x1b[31m● recording: {}\x1b[0m\x1b[K\r\n",
                super::status::what_is_stored(&header)
            );
        }
        draw_words(&mut self.text, s, faces.as_ref());
        self.text.push_str("\x1b[J");
        let mut out = std::io::stdout().lock();
        out.write_all(self.text.as_bytes())
            .and_then(|()| out.flush())
            .is_ok()
    }
}

/// The screen as a frame with the gaze point in it; a point outside is drawn at
/// the border it lies beyond.
fn draw_map(text: &mut String, s: &Sample) {
    let point = s.x.is_finite().then(|| {
        let cell = |v: f32, n: usize| ((v.clamp(0.0, 1.0) * n as f32) as usize).min(n - 1);
        (cell(s.x, MAP.0), cell(s.y, MAP.1))
    });
    let border = |text: &mut String, left: char, right: char| {
        text.push(left);
        text.extend(std::iter::repeat_n('─', MAP.0));
        text.push(right);
        text.push_str("\x1b[K\r\n");
    };
    border(text, '┌', '┐');
    for row in 0..MAP.1 {
        text.push('│');
        for column in 0..MAP.0 {
            match point {
                Some(p) if p == (column, row) => text.push_str(if s.is_valid() {
                    "\x1b[1;32m●\x1b[0m"
                } else {
                    "\x1b[31m○\x1b[0m"
                }),
                _ => text.push(if (column, row) == (MAP.0 / 2, MAP.1 / 2) {
                    '·'
                } else {
                    ' '
                }),
            }
        }
        text.push_str("│\x1b[K\r\n");
    }
    border(text, '└', '┘');
}

/// How far the calibration is to be trusted, in words.
fn calibrated(s: &Sample) -> &'static str {
    if s.has(flags::RECALIBRATE) {
        "\x1b[33mrecalibrate: run gaze-calib run\x1b[0m"
    } else if s.has(flags::CALIBRATED) {
        "calibrated"
    } else {
        "not calibrated"
    }
}

fn draw_words(text: &mut String, s: &Sample, faces: Option<&FaceTable>) {
    let _ = if s.is_valid() {
        write!(
            text,
            "\x1b[32mvalid\x1b[0m   x {:+.3}  y {:+.3}   ± {:.1} % of the diagonal, {}, {}\x1b[K\r\n",
            s.x,
            s.y,
            100.0 * s.error_radius,
            calibrated(s),
            if s.has(flags::SACCADE) {
                "saccade"
            } else {
                "fixation"
            },
        )
    } else {
        write!(text, "\x1b[31mnot valid\x1b[0m   {}\x1b[K\r\n", s.reason())
    };
    if s.has(flags::FACE) {
        let _ = write!(
            text,
            "head   yaw {:+.0}°  pitch {:+.0}°  roll {:+.0}°   {:.0} cm   eyes {:.0} % and {:.0} % open\x1b[K\r\n",
            s.head_yaw,
            s.head_pitch,
            s.head_roll,
            s.head_mm[2] / 10.0,
            100.0 * s.openness[0],
            100.0 * s.openness[1],
        );
    }
    for face in faces.map(FaceTable::faces).unwrap_or_default() {
        draw_face(text, face, s.published_ns);
    }
}

/// A line of a face: whether it looks here, since when, and how old that is.
fn draw_face(text: &mut String, face: &FaceRow, now_ns: u64) {
    let (colour, words) = match face.state() {
        FaceState::Contact => ("\x1b[32m", "looks here"),
        FaceState::Away => ("\x1b[31m", "looks away"),
        FaceState::EyesClosed => ("\x1b[31m", "eyes closed"),
        FaceState::Unknown => ("\x1b[2m", "cannot be told"),
    };
    let probability = match face.contact {
        p if p.is_finite() => format!("{:3.0} %", 100.0 * p),
        _ => "  – %".into(),
    };
    let seconds = |since: u64| now_ns.saturating_sub(since) as f64 * 1e-9;
    let _ = write!(
        text,
        "face {:<3}{colour}{words:<15}\x1b[0m{probability} for {:6.1} s   {:.0} cm, {:.0}×{:.0} px at ({:.0}, {:.0}), {:.0} ms old{}\x1b[K\r\n",
        face.id,
        seconds(face.since_ns),
        face.distance_mm / 10.0,
        face.w,
        face.h,
        face.x,
        face.y,
        1000.0 * seconds(face.measured_ns),
        if face.flags & row_flags::PRIMARY != 0 {
            ", primary"
        } else {
            ""
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_shows_the_point_where_it_is() {
        let mut s = Sample {
            x: 0.999,
            y: 0.0,
            flags: flags::VALID,
            ..Sample::default()
        };
        let mut text = String::new();
        draw_map(&mut text, &s);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), MAP.1 + 2);
        assert!(
            rows[1].contains('●') && rows[1].split('●').nth(1).unwrap().starts_with("\x1b[0m│")
        );
        // Beyond the lower left corner: drawn at that corner.
        (s.x, s.y) = (-3.0, 7.0);
        text.clear();
        draw_map(&mut text, &s);
        assert!(text.lines().nth(MAP.1).unwrap().starts_with("│\x1b[1;32m●"));
    }

    #[test]
    fn unknown_numbers_are_null_in_json() {
        let line = sample_json(&Sample::default(), 2).to_string();
        let back: Value = serde_json::from_str(&line).unwrap();
        assert!(back["x"].is_null() && back["lost"] == 2 && back["valid"] == false);
    }
}
