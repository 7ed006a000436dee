//! `gazed status`: how the daemon is, from the shared memory's header alone.

use std::io::{IsTerminal, Write};

use ring::layout::{
    AssistantStatus, CalibrationStatus, ClipsStatus, Provider, Region, State, engine, recording,
    text_of,
};
use ring::{HeaderSnapshot, Health, OpenError, Reader};

use crate::calibrations::note;
use crate::exit::{Exit, Failure, Outcome};
use crate::pipeline::priority;

/// Opens the shared memory for reading, or says what to do.
pub fn open(shm: Option<&str>) -> Result<Reader, Failure> {
    let name = shm.map_or_else(ring::default_name, str::to_owned);
    Reader::open(&name).map_err(|e| {
        let line = match e {
            OpenError::NotThere { .. } => {
                format!("no gazed is running under {name}; start it: gazed run")
            }
            _ => e.to_string(),
        };
        Failure::new(Exit::SharedMemory, line)
    })
}

/// How the writer is, as the end of a sentence that begins with "gazed".
pub fn words(health: Health) -> String {
    match health {
        Health::Starting => "is starting".into(),
        Health::Running => "is running".into(),
        Health::Stalled { for_ms } => {
            format!(
                "is alive but has not moved for {:.1} s",
                for_ms as f64 / 1000.0
            )
        }
        Health::Stopped => "has stopped".into(),
        Health::Died { pid } => format!("(process {pid}) died without a word"),
        Health::Restarted => "was started anew".into(),
    }
}

/// Prints the header; exit code 0 only while the daemon lives and moves.
pub fn status(shm: Option<&str>, json: bool, quiet: bool) -> Outcome {
    let reader = open(shm)?;
    let health = reader.health();
    let header = reader.header();
    let text = if json {
        format!("{}\n", as_json(&header, health))
    } else {
        as_text(
            &header,
            health,
            reader.name(),
            std::io::stdout().is_terminal(),
        )
    };
    if !quiet {
        // A closed pipe (`| head`) is the reader's choice.
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
    }
    Ok(match health {
        Health::Running | Health::Starting => Exit::Ok,
        _ => Exit::SharedMemory,
    })
}

fn as_text(h: &HeaderSnapshot, health: Health, name: &str, colour: bool) -> String {
    let paint = |text: &str, code: &str| {
        if colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    };
    let good = health == Health::Running && h.state == State::Running;
    let ms = |us: u32| f64::from(us) / 1000.0;
    let s = &h.stats;
    let mut lines = Vec::new();
    let pid = h
        .writer_pid
        .map_or(String::new(), |pid| format!(", process {pid}"));
    let seconds = |from: u64, to: u64| duration(to.saturating_sub(from) / 1_000_000_000);
    let time = match (health, h.stopped_ns) {
        (Health::Stopped, stopped) if stopped > 0 => format!(
            ", {} ago, after {}",
            seconds(stopped, h.now_ns),
            seconds(h.started_ns, stopped)
        ),
        (Health::Died { .. }, _) => format!(", {} ago", seconds(h.heartbeat_ns, h.now_ns)),
        _ => format!(", for {}", seconds(h.started_ns, h.now_ns)),
    };
    lines.push((
        "gazed",
        format!(
            "{}{pid}{time}",
            paint(&words(health), if good { "32" } else { "31" }),
        ),
    ));
    let why = if h.why.is_empty() {
        String::new()
    } else {
        format!(": {}", h.why)
    };
    lines.push(("state", format!("{}{why}", h.state)));
    lines.push((
        "source",
        match h.camera_name.as_str() {
            name if name == h.source.text() => name.to_owned(),
            name => format!("{} {name}", h.source),
        },
    ));
    lines.push((
        "rates",
        format!(
            "{:.1} samples/s, {:.1} frames/s of {}×{}",
            f64::from(s.publish_mhz) / 1000.0,
            f64::from(s.camera_mhz) / 1000.0,
            s.picture_width,
            s.picture_height
        ),
    ));
    lines.push((
        "latency",
        format!(
            "capture to sample {:.1} ms (p99 {:.1}); to measurement {:.1} (p99 {:.1})",
            ms(s.total_p50_us),
            ms(s.total_p99_us),
            ms(s.perceive_p50_us),
            ms(s.perceive_p99_us)
        ),
    ));
    lines.push((
        "counters",
        format!(
            "{} samples, {} of them predicted; {} frames, {} dropped; {} late ticks; {} reconnects",
            s.samples,
            s.predicted,
            s.frames_in,
            s.frames_dropped,
            s.late_ticks,
            s.camera_reconnects
        ),
    ));
    lines.push((
        "network",
        format!("{} {:016x}", h.network_name, h.network_hash),
    ));
    lines.extend(provider_line(h).map(|line| ("computed by", line)));
    if h.engine.flags & engine::REALTIME_DENIED != 0 {
        let why = text_of(&h.engine.priority);
        lines.push((
            "priority",
            format!("RealtimeDenied: {why}; {}", priority::advice()),
        ));
    }
    lines.push((
        "display",
        format!(
            "{}×{} px, {:.0}×{:.0} mm (generation {})",
            h.display_px.0, h.display_px.1, h.display_mm.0, h.display_mm.1, h.display_generation
        ),
    ));
    lines.push(("calibration", calibration_line(h, note::now_unix_s())));
    if h.recording && matches!(health, Health::Running | Health::Stalled { .. }) {
        lines.push((
            "recording",
            paint(&format!("yes: {}", what_is_stored(h)), "31"),
        ));
    }
    if let Some(line) = clips_line(h) {
        lines.push(("clips", line));
    }
    lines.extend(assistant_line(h).map(|line| ("assistant", line)));
    lines.extend(coarse_line(h, health).map(|line| ("coarse", line)));
    lines.push((
        "memory",
        format!("{name}, epoch {}, layout version {}", h.epoch, h.version),
    ));
    lines
        .iter()
        .map(|(what, line)| format!("{what:12} {line}\n"))
        .collect()
}

/// What computes the networks; none where nobody says or nothing is computed.
fn provider_line(h: &HeaderSnapshot) -> Option<String> {
    let (provider, text) = (h.engine.provider(), text_of(&h.engine.text));
    if provider == Provider::Unknown && text.is_empty() {
        return None;
    }
    Some(match h.engine.flags {
        flags if flags & engine::COMPILING != 0 => text,
        flags if flags & engine::FELL_BACK != 0 => {
            format!("{provider}; CoreML was asked for: {text}")
        }
        _ => provider.to_string(),
    })
}

fn engine_json(h: &HeaderSnapshot) -> serde_json::Value {
    let on = |bit: u32| h.engine.flags & bit != 0;
    serde_json::json!({
        "in_force": h.engine.provider().text(), "fell_back": on(engine::FELL_BACK),
        "compiling": on(engine::COMPILING), "text": text_of(&h.engine.text),
    })
}

/// What is being stored of the camera's pictures, in words.
pub fn what_is_stored(h: &HeaderSnapshot) -> String {
    let pictures = h.recording_for & recording::PICTURES != 0;
    let clip = h.recording_for & recording::CLIP != 0;
    let a_clip = || format!("a clip of face {}", h.clips.face);
    match (pictures, clip) {
        (true, true) => format!("pictures are being stored, and {}", a_clip()),
        (false, true) => a_clip(),
        _ => "pictures are being stored".into(),
    }
}

/// How it stands with clips; none where they are off.
fn clips_line(h: &HeaderSnapshot) -> Option<String> {
    let n = &h.clips;
    let kept = || {
        let missed = match n.missed {
            0 => String::new(),
            n => format!(", {n} pictures missed"),
        };
        format!(
            "{} on disk, {:.1} MB{missed}",
            n.clips,
            n.bytes as f64 / 1e6
        )
    };
    Some(match n.status() {
        ClipsStatus::Off | ClipsStatus::Unknown => return None,
        ClipsStatus::Watching => {
            // Where another encoder than the first is at work, why.
            let note = match text_of(&n.text) {
                text if text.is_empty() => text,
                text => format!("; {text}"),
            };
            format!(
                "on: waiting for eye contact; {:.1} MB of the last seconds in memory; {}{note}",
                f64::from(n.memory) / 1e6,
                kept()
            )
        }
        ClipsStatus::Recording => format!("recording {}; {}", text_of(&n.text), kept()),
        ClipsStatus::Stopped => format!("stopped: {}", text_of(&n.text)),
    })
}

/// What the assistant says beside the gaze; none where it is off.
fn assistant_line(h: &HeaderSnapshot) -> Option<String> {
    let n = &h.assistant;
    let text = text_of(&n.text);
    let agreed = match n.compared {
        0 => String::new(),
        all => format!("; agreed in {} of {all}", n.agreed),
    };
    let failed = match n.asked.saturating_sub(n.answered) {
        0 => String::new(),
        failed => format!(", {failed} of {} questions open or failed", n.asked),
    };
    let answer = || {
        let gaze = match n.gaze_region() {
            Region::None => "not on the screen or not known".into(),
            gaze => format!("there: {gaze}"),
        };
        let said = match n.region() {
            Region::None => "nobody there".into(),
            region => format!("{region}; the gaze {gaze}"),
        };
        format!("{said} ({:.1} s ago)", answer_age_s(h))
    };
    Some(match n.status() {
        AssistantStatus::Off | AssistantStatus::Unknown => return None,
        AssistantStatus::Waiting => format!("{text} has not answered yet"),
        AssistantStatus::Answering => format!("{}{agreed}{failed}", answer()),
        AssistantStatus::Failing => {
            format!("{text}; {} times in a row{agreed}{failed}", n.failures)
        }
    })
}

/// How old the picture of the assistant's last answer is.
fn answer_age_s(h: &HeaderSnapshot) -> f64 {
    h.now_ns.saturating_sub(h.assistant.captured_ns) as f64 / 1e9
}

/// What there is in a gaze's place while no face is measured; none while it is not offered.
fn coarse(h: &HeaderSnapshot, health: Health) -> Option<Region> {
    let offered = h.assistant.coarse != 0 && h.assistant.is_fresh(h.now_ns);
    (offered && health == Health::Running).then(|| h.assistant.region())
}

fn coarse_line(h: &HeaderSnapshot, health: Health) -> Option<String> {
    coarse(h, health).map(|region| {
        format!(
            "{region}, {:.1} s old: the assistant's guess while no face is measured",
            answer_age_s(h)
        )
    })
}

fn assistant_json(h: &HeaderSnapshot) -> serde_json::Value {
    let n = &h.assistant;
    let region = |r: Region| (r != Region::None).then(|| r.text());
    let answered = n.answered_ns != 0;
    serde_json::json!({
        "status": n.status().text(), "text": text_of(&n.text),
        "region": region(n.region()), "gaze_region": region(n.gaze_region()),
        "age_s": answered.then(|| answer_age_s(h)),
        "took_s": answered.then(|| n.answered_ns.saturating_sub(n.captured_ns) as f64 / 1e9),
        "asked": n.asked, "answered": n.answered, "failures_in_a_row": n.failures,
        "compared": n.compared, "agreed": n.agreed,
    })
}

/// Whose calibration is in force, what it is worth, and why it is no other.
fn calibration_line(h: &HeaderSnapshot, now_unix_s: u64) -> String {
    let n = &h.calibration;
    let (user, text) = (text_of(&n.user), text_of(&n.text));
    let in_force = || {
        format!(
            "{user}'s, {}: {:.1} % of the diagonal ({:.1} cm), {} (generation {})",
            n.grade(),
            100.0 * n.error,
            error_cm(h),
            note::age(n.created_unix_s, now_unix_s),
            n.generation
        )
    };
    match n.status() {
        CalibrationStatus::InForce => in_force(),
        CalibrationStatus::Kept => format!("{}; refused: {text}", in_force()),
        CalibrationStatus::Refused => format!("none: points are rough; refused: {text}"),
        CalibrationStatus::None => format!("none: points are rough; {text}"),
        CalibrationStatus::Unknown => match h.calibration_generation {
            0 => "none: points are rough until you calibrate".into(),
            g => format!("in force (generation {g})"),
        },
    }
}

/// The expected error of the map in force in centimetres; NaN without one.
fn error_cm(h: &HeaderSnapshot) -> f32 {
    h.calibration.error * h.display_mm.0.hypot(h.display_mm.1) / 10.0
}

fn calibration_json(h: &HeaderSnapshot, now_unix_s: u64) -> serde_json::Value {
    let n = &h.calibration;
    let in_force = n.generation != 0;
    let text = text_of(&n.text);
    serde_json::json!({
        "status": n.status().text(), "in_force": in_force, "generation": h.calibration_generation,
        "user": text_of(&n.user),
        "grade": in_force.then(|| n.grade().text()),
        "error": n.error, "error_cm": error_cm(h),
        "created_unix_s": in_force.then_some(n.created_unix_s),
        "age_s": in_force.then(|| now_unix_s.saturating_sub(n.created_unix_s)),
        "refused": n.is_refused().then_some(&text),
        "wanted": (n.status() == CalibrationStatus::None).then_some(&text),
    })
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

fn as_json(h: &HeaderSnapshot, health: Health) -> serde_json::Value {
    let s = &h.stats;
    serde_json::json!({
        "health": match health {
            Health::Starting => "starting",
            Health::Running => "running",
            Health::Stalled { .. } => "stalled",
            Health::Stopped => "stopped",
            Health::Died { .. } => "died",
            Health::Restarted => "restarted",
        },
        "pid": h.writer_pid,
        "state": h.state.text(), "reason": h.reason.text(), "why": h.why,
        "source": h.source.text(), "camera": h.camera_name,
        "epoch": h.epoch, "version": h.version,
        "started_ns": h.started_ns, "now_ns": h.now_ns, "heartbeat_ns": h.heartbeat_ns,
        "sample_index": h.sample_index,
        "rates": {"samples_hz": f64::from(s.publish_mhz) / 1000.0, "camera_hz": f64::from(s.camera_mhz) / 1000.0},
        "picture": [s.picture_width, s.picture_height],
        "counters": {
            "samples": s.samples, "predicted": s.predicted, "frames_in": s.frames_in,
            "frames_dropped": s.frames_dropped, "late_ticks": s.late_ticks,
            "camera_reconnects": s.camera_reconnects, "faults": s.faults,
        },
        "latency_us": {
            "capture_to_measurement": {"p50": s.perceive_p50_us, "p99": s.perceive_p99_us},
            "measurement_to_sample": {"p50": s.publish_p50_us, "p99": s.publish_p99_us},
            "capture_to_sample": {"p50": s.total_p50_us, "p99": s.total_p99_us},
        },
        "network": {"name": h.network_name, "hash": format!("{:016x}", h.network_hash)},
        "provider": engine_json(h),
        "realtime": {
            "denied": h.engine.flags & engine::REALTIME_DENIED != 0,
            "why": text_of(&h.engine.priority),
        },
        "display": {"px": [h.display_px.0, h.display_px.1], "mm": [h.display_mm.0, h.display_mm.1],
                    "generation": h.display_generation},
        "calibration_generation": h.calibration_generation,
        "calibration": calibration_json(h, note::now_unix_s()),
        "recording": h.recording,
        "assistant": assistant_json(h),
        "coarse": coarse(h, health).map(|region| serde_json::json!({
            "region": region.text(), "age_s": answer_age_s(h),
        })),
        "clips": {
            "status": h.clips.status().text(), "recording": h.recording_for & recording::CLIP != 0,
            "face": h.clips.face, "text": text_of(&h.clips.text), "since_ns": h.clips.since_ns,
            "on_disk": h.clips.clips, "bytes": h.clips.bytes, "memory_bytes": h.clips.memory,
            "missed": h.clips.missed, "finished": h.clips.finished,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::layout::{CalibrationNote, Grade, put_text};

    #[test]
    fn the_calibrations_line_says_whose_how_good_and_what_was_refused() {
        let name = format!("/gaze-u-status-{}", std::process::id());
        let mut writer = ring::Writer::create(&name, &ring::WriterConfig::default()).unwrap();
        writer.set_display((1920, 1080), (300.0, 400.0));
        let mut note = CalibrationNote {
            status: CalibrationStatus::InForce.raw(),
            grade: Grade::Good.raw(),
            generation: 3,
            error: 0.0625,
            created_unix_s: 1_000,
            user: put_text("ada"),
            text: [0; 128],
        };
        let mut line = |note: &CalibrationNote| {
            writer.set_calibration(note);
            let header = Reader::open(&name).unwrap().header();
            (
                calibration_line(&header, 1_000 + 7_200),
                calibration_json(&header, 1_000 + 7_200),
            )
        };
        let (text, json) = line(&note);
        let in_force = "ada's, good: 6.2 % of the diagonal (3.1 cm), 2 hours old (generation 3)";
        assert_eq!(text, in_force);
        assert_eq!(
            (&json["grade"], &json["age_s"]),
            (&"good".into(), &7200.into())
        );
        assert_eq!(
            (json["error"].as_f64(), &json["refused"]),
            (Some(0.0625), &().into())
        );
        note.status = CalibrationStatus::Kept.raw();
        note.text = put_text("ada.json: its grade is failed");
        let (text, json) = line(&note);
        assert_eq!(
            text,
            format!("{in_force}; refused: ada.json: its grade is failed")
        );
        assert_eq!(json["refused"], "ada.json: its grade is failed");
        let none = CalibrationNote {
            status: CalibrationStatus::None.raw(),
            text: put_text("no ada.json: run gaze-calib run"),
            ..CalibrationNote::default()
        };
        let (text, json) = line(&none);
        assert_eq!(
            text,
            "none: points are rough; no ada.json: run gaze-calib run"
        );
        assert!(json["error"].is_null() && json["grade"].is_null() && json["in_force"] == false);
        writer.unlink();
    }
}
