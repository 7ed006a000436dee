//! The table of faces, as readers in C and Python see it while the real daemon follows two
//! people whose places and looks are known.

#[path = "../../crates/vision/tests/common/linear.rs"]
mod linear;
mod ring_support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use gaze_tests::daemon::{Running, WATCHDOG, command, finish};
use gaze_tests::visitor::{COUPLE, camera, write_couple_y4m};
use linear::{Linear, constant};
use nalgebra::Vector3;
use ring::layout::ContactSource;
use ring_support::{Language, probe};
use vision::{ContactAnswer, ContactContract};

/// Pictures in which one of them looks into the lens; then it is the other's turn.
const HALF: u32 = 20;

/// Both of them, drawn once for all tests.
fn couple() -> &'static Path {
    static CLIP: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = CLIP.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("couple.y4m");
        write_couple_y4m(&path, HALF).unwrap();
        (dir, path)
    });
    path
}

/// One face as the probe prints it.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    id: u32,
    state: String,
    contact: f64,
    source: String,
    primary: bool,
    fresh: bool,
    since_ns: u64,
    measured_ns: u64,
    age_ns: u64,
    /// Left, top, width, height, pixels.
    place: [f64; 4],
    distance_mm: f64,
}

impl Row {
    fn of(text: &str) -> Row {
        let parts: Vec<&str> = text.split(',').collect();
        assert_eq!(parts.len(), 14, "{text}");
        let whole = |i: usize| parts[i].parse::<u64>().expect("a whole number");
        let real = |i: usize| parts[i].parse::<f64>().expect("a number");
        Row {
            id: whole(0) as u32,
            state: parts[1].to_owned(),
            contact: real(2),
            source: parts[3].to_owned(),
            primary: whole(4) == 1,
            fresh: whole(5) == 1,
            since_ns: whole(6),
            measured_ns: whole(7),
            age_ns: whole(8),
            place: [real(9), real(10), real(11), real(12)],
            distance_mm: real(13),
        }
    }

    /// Which of the two it is, by place and depth; nobody's face fails.
    fn person(&self) -> usize {
        let [x, y, w, h] = self.place;
        let fits = |at: &[f64; 3]| {
            let eyes = camera().project(Vector3::from(*at));
            let off = ((x + w / 2.0 - eyes.x) / w).hypot((y + 0.35 * h - eyes.y) / h);
            off < 0.3 && (self.distance_mm / Vector3::from(*at).norm() - 1.0).abs() < 0.15
        };
        COUPLE
            .iter()
            .position(fits)
            .unwrap_or_else(|| panic!("nobody is there: {self:?}"))
    }
}

/// Frame, capture time and rows of the newest table; none before the first.
fn faces(probe: &mut ring_support::Talker) -> Option<(u64, u64, Vec<Row>)> {
    let line = probe.ask("faces");
    let mut parts = line.split('|');
    if parts.next() != Some("0") {
        return None;
    }
    let mut number = || parts.next().unwrap().parse::<u64>().expect("a number");
    let (frame, captured, _, count) = (number(), number(), number(), number());
    let rows: Vec<Row> = parts.map(Row::of).collect();
    assert_eq!(rows.len() as u64, count, "{line}");
    Some((frame, captured, rows))
}

/// Reads tables with both of them in C until `enough` says so.
fn read(
    daemon: &mut Running,
    mut enough: impl FnMut(u64, u64, &[Row], &ring::layout::FaceTable) -> bool,
) {
    let reader = daemon.reader();
    let mut c = probe(Language::C11, &format!("faces{}", &daemon.shm[1..]));
    assert_eq!(c.code(&format!("open {}", daemon.shm)), 0);
    let (mut last, end) = (None, Instant::now() + WATCHDOG);
    loop {
        assert!(Instant::now() < end, "last picture {last:?}");
        std::thread::sleep(Duration::from_millis(10));
        let Some((frame, captured, rows)) = faces(&mut c) else {
            continue;
        };
        // The second one may be found, or measured again, some pictures late.
        if rows.len() != 2 || last == Some(frame) {
            continue;
        }
        last = Some(frame);
        // Both readers have the same picture; it may have gone since.
        let Some(table) = reader.faces_of(frame) else {
            continue;
        };
        if enough(frame, captured, &rows, &table) {
            return;
        }
    }
}

#[test]
fn readers_in_c_and_python_know_who_is_there_and_how_old_that_is() {
    let mut daemon = Running::start_with(|c| c.args(["--loop", "--source"]).arg(couple()));
    let mut ids: [BTreeSet<u32>; 2] = Default::default();
    let mut last: [Option<(u32, u64)>; 2] = [None; 2];
    let mut measured = BTreeSet::new();
    read(&mut daemon, |frame, captured, rows, table| {
        for (place, (row, ours)) in rows.iter().zip(table.faces()).enumerate() {
            let theirs = (row.id, row.since_ns, row.measured_ns);
            let same = (ours.id, ours.since_ns, ours.measured_ns);
            assert_eq!(theirs, same, "of picture {frame}");
            // Bits: what is not known is NaN on both sides.
            assert_eq!((row.contact as f32).to_bits(), ours.contact.to_bits());
            assert_eq!(row.state, ours.state().text());
            assert_eq!(row.source, ours.contact_source().text());
            assert_eq!(row.person(), place);
            assert!(row.since_ns <= captured && row.measured_ns <= captured);
            assert!(row.age_ns >= captured - row.measured_ns);
            ids[place].insert(row.id);
            // Another id only where others had the processor for longer than faces are remembered.
            if let Some((id, at)) = last[place].replace((row.id, row.measured_ns)) {
                let forgotten = row.measured_ns - at > 3_000_000_000;
                assert!(id == row.id || forgotten, "{id}, then {row:?}");
            }
        }
        // The nearer one is primary, stands first and is measured in every picture.
        assert!(
            rows[0].primary && rows[0].fresh && !rows[1].primary,
            "{rows:?}"
        );
        assert_eq!(rows[0].measured_ns, captured);
        measured.insert(rows[1].measured_ns);
        measured.len() >= 10
    });
    assert!(ids[0].is_disjoint(&ids[1]), "{ids:?}");

    // The Python reader tells the same of other pictures.
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include/examples/gaze_read.py");
    let python = Command::new("python3")
        .arg(example)
        .args(["--name", &daemon.shm, "--seconds", "1.5"])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python3 is needed to test the Python reader");
    let lines = String::from_utf8(python.stdout).unwrap();
    let seen: Vec<serde_json::Value> = lines
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .filter(|v: &serde_json::Value| v["faces"].as_array().is_some_and(|f| f.len() == 2))
        .collect();
    assert!(!seen.is_empty(), "{lines}");
    for sample in &seen {
        let rows = sample["faces"].as_array().unwrap();
        for (person, row) in rows.iter().enumerate() {
            let id = row["id"].as_u64().unwrap() as u32;
            assert!(id > 0 && !ids[1 - person].contains(&id), "{row}");
            assert_eq!(row["primary"].as_bool(), Some(person == 0));
            let taken = sample["captured_ns"].as_u64();
            assert!(row["since_ns"].as_u64() <= taken && row["measured_ns"].as_u64() <= taken);
            let (left, width) = (&row["box"][0], &row["box"][2]);
            let middle = left.as_f64().unwrap() + width.as_f64().unwrap() / 2.0;
            assert_eq!(middle > 320.0, person == 1, "{row}");
            let of = |key: &str, all: &[&str]| all.contains(&row[key].as_str().unwrap());
            assert!(of("state", &["unknown", "contact", "away", "eyes closed"]));
            assert!(of("source", &["none", "geometry"]));
            let p = row["contact"].as_f64();
            assert!(p.is_none_or(|p| (0.0..=1.0).contains(&p)), "{row}");
        }
    }
}

#[test]
fn a_reader_in_c_knows_who_looks_at_the_camera_and_since_when() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("settings.json");
    // Every picture counts for itself, however fast or slow they come.
    let settings = r#"{"contact": {"smooth_s": 0.001, "debounce_s": 0, "hold_s": 10}}"#;
    std::fs::write(&config, settings).unwrap();
    let mut daemon = Running::start_with(|c| {
        c.args(["--fast", "--loop", "--source"]).arg(couple());
        c.arg("--config").arg(&config)
    });
    let mut looks: BTreeMap<(usize, bool), usize> = BTreeMap::new();
    // When the newest picture of the half before was taken, and which half it is.
    let (mut before, mut now) = (None, None);
    read(&mut daemon, |frame, captured, rows, _| {
        let half = frame / u64::from(HALF);
        if now.is_none_or(|(n, _)| n != half) {
            before = now;
        }
        now = Some((half, captured));
        // The first pictures of a half are of turning eyes.
        if frame % u64::from(HALF) < 3 {
            return false;
        }
        for (person, row) in rows.iter().enumerate() {
            let contact = (half % 2 == 0) == (person == 0);
            let wanted = if contact { "contact" } else { "away" };
            assert_eq!(
                row.state, wanted,
                "person {person} in picture {frame}: {row:?}"
            );
            assert_eq!(row.contact >= 0.5, contact, "{row:?}");
            assert_eq!(row.source, "geometry");
            if let Some((_, captured)) = before.filter(|(b, _)| b + 1 == half) {
                assert!(row.since_ns > captured, "it began in this half: {row:?}");
                *looks.entry((person, contact)).or_default() += 1;
            }
        }
        // Each has looked here and away.
        looks.len() == 4
    });
}

/// A contact network that always says the same.
fn write_contact_network(path: &Path, logit: f32) {
    let contract = ContactContract::imagenet("face", "contact", 16, ContactAnswer::Logit);
    let net = Linear {
        inputs: vec![("face".into(), vec![3, 16, 16])],
        outputs: vec![("contact".into(), vec![constant(logit)])],
        batch: None,
    };
    std::fs::write(path, net.onnx(&contract.to_metadata())).unwrap();
}

#[test]
fn a_file_measured_as_fast_as_it_goes_is_judged_by_the_contact_network_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let (clip, net, config) = (couple(), path("net.onnx"), path("settings.json"));
    write_contact_network(&net, -1.5);
    let settings = serde_json::json!({ "contact": { "network": net } });
    std::fs::write(&config, settings.to_string()).unwrap();
    let mut daemon = Running::start_with(|c| {
        c.arg("--source")
            .arg(clip)
            .arg("--fast")
            .arg("--config")
            .arg(&config)
    });
    let reader = daemon.reader();
    assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.errors());
    let table = reader.faces().expect("somebody was seen");
    assert!(!table.faces().is_empty());
    for row in table.faces() {
        assert_eq!(row.contact_source(), ContactSource::Network);
        assert!((row.contact - 0.1824).abs() < 1e-3, "{row:?}");
    }

    // And it is asked when the clip is drawn.
    let out = path("seen.mp4");
    let render = |net: &Path| {
        let mut ask = command("/gaze-unused");
        ask.arg("render").arg(clip).arg("--out").arg(&out);
        ask.arg("--contact-network").arg(net);
        finish(ask)
    };
    let refused = render(&path("none.onnx"));
    assert_eq!(refused.status.code(), Some(5));
    assert!(
        String::from_utf8(refused.stderr)
            .unwrap()
            .contains("none.onnx")
            && !out.exists()
    );
    assert!(render(&net).status.success() && out.exists());
}
