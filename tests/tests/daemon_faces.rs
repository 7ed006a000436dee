//! The table of faces, as readers in C and Python see it while the real daemon follows two
//! people whose places and looks are known.

#[path = "../../crates/vision/tests/common/linear.rs"]
mod linear;
mod ring_support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use gaze_tests::daemon::{Running, WATCHDOG, command, finish};
use gaze_tests::visitor::{COUPLE, COUPLE_FPS, camera, write_couple_y4m};
use linear::{Linear, constant};
use nalgebra::Vector3;
use ring::layout::ContactSource;
use ring_support::{Language, probe};
use vision::{ContactAnswer, ContactContract};

/// Pictures in which one of them looks into the lens; then it is the other's turn.
const HALF: u32 = 20;
/// Pictures after which a change must be known at the latest: the other face is measured in turns,
/// smoothed and debounced.
const KNOWN: u64 = 9;

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

#[test]
fn a_c_reader_knows_who_is_there_and_who_looks_at_the_camera_since_when() {
    let dir = tempfile::tempdir().unwrap();
    let clip = dir.path().join("couple.y4m");
    write_couple_y4m(&clip, HALF).unwrap();
    let mut daemon = Running::start_with(|c| c.args(["--loop", "--source"]).arg(&clip));
    let reader = daemon.reader();
    let mut c = probe(Language::C11, "faces");
    assert_eq!(c.code(&format!("open {}", daemon.shm)), 0);

    let end = Instant::now() + WATCHDOG;
    let mut ids: [BTreeSet<u32>; 2] = Default::default();
    let mut looks: BTreeMap<(usize, bool), usize> = BTreeMap::new();
    let mut measured: BTreeSet<u64> = BTreeSet::new();
    let (mut first, mut last) = (None, None);
    // Twice round, from when both are known.
    while first.is_none_or(|f| last < Some(f + 4 * u64::from(HALF))) {
        assert!(Instant::now() < end, "{first:?} {last:?} {looks:?}");
        std::thread::sleep(Duration::from_millis(15));
        let Some((frame, captured, rows)) = faces(&mut c) else {
            continue;
        };
        let known = rows.len() == 2 && rows.iter().all(|r| r.state != "unknown");
        if first.is_none() && !known || last == Some(frame) {
            continue;
        }
        first = first.or(Some(frame));
        last = Some(frame);
        assert_eq!(rows.len(), 2, "{rows:?}");

        // What this crate's reader says of the same picture.
        let table = reader.faces_of(frame).expect("it is recent");
        for (row, ours) in rows.iter().zip(table.faces()) {
            let theirs = (row.id, row.since_ns, row.measured_ns);
            let same = (ours.id, ours.since_ns, ours.measured_ns);
            assert_eq!(theirs, same, "of picture {frame}");
            // Bits: what is not known is NaN on both sides.
            assert_eq!((row.contact as f32).to_bits(), ours.contact.to_bits());
            assert_eq!(row.state, ours.state().text());
        }
        // The nearer one is primary, stands first and is measured in every picture.
        assert!(
            rows[0].primary && rows[0].fresh && !rows[1].primary,
            "{rows:?}"
        );
        assert_eq!(rows[0].measured_ns, captured);
        measured.insert(rows[1].measured_ns);

        let within = frame % u64::from(2 * HALF);
        let (half, since) = (within / u64::from(HALF), within % u64::from(HALF));
        let half_began = captured - since * 1_000_000_000 / u64::from(COUPLE_FPS);
        for (place, row) in rows.iter().enumerate() {
            let person = row.person();
            assert_eq!(person, place);
            ids[person].insert(row.id);
            assert!(row.since_ns <= captured && row.measured_ns <= captured);
            assert!(row.age_ns >= captured - row.measured_ns);
            assert_eq!(row.source, "geometry");
            if since < KNOWN {
                continue;
            }
            let contact = (half == 0) == (person == 0);
            let wanted = if contact { "contact" } else { "away" };
            assert_eq!(
                row.state, wanted,
                "person {person} in picture {frame}: {row:?}"
            );
            assert_eq!(row.contact > 0.45, contact, "{row:?}");
            // Not before the change (a picture is exposed before it is numbered).
            let slack = 150_000_000;
            assert!(row.since_ns + slack >= half_began, "{row:?} {half_began}");
            *looks.entry((person, contact)).or_default() += 1;
        }
    }
    assert!(ids.iter().all(|ids| ids.len() == 1), "one id each: {ids:?}");
    assert_ne!(ids[0], ids[1]);
    assert_eq!(looks.len(), 4, "both looked here and away: {looks:?}");
    assert!(
        measured.len() >= 10,
        "the other one was measured again and again"
    );

    // The Python reader tells the same of somebody else's pictures.
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include/examples/gaze_read.py");
    let python = Command::new("python3")
        .arg(example)
        .args(["--name", &daemon.shm, "--seconds", "1"])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python3 is needed to test the Python reader");
    let lines = String::from_utf8(python.stdout).unwrap();
    let seen: Vec<serde_json::Value> = lines
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .filter(|v: &serde_json::Value| v["faces"].as_array().is_some_and(|f| f.len() == 2))
        .collect();
    assert!(seen.len() > 10, "{lines}");
    for sample in &seen {
        let rows = sample["faces"].as_array().unwrap();
        for (person, row) in rows.iter().enumerate() {
            assert!(ids[person].contains(&(row["id"].as_u64().unwrap() as u32)));
            assert_eq!(row["primary"].as_bool(), Some(person == 0));
            let taken = sample["captured_ns"].as_u64();
            assert!(row["since_ns"].as_u64() <= taken && row["measured_ns"].as_u64() <= taken);
            let (left, width) = (&row["box"][0], &row["box"][2]);
            let middle = left.as_f64().unwrap() + width.as_f64().unwrap() / 2.0;
            assert_eq!(middle > 320.0, person == 1, "{row}");
            assert!(
                (0.0..=1.0).contains(&row["contact"].as_f64().unwrap()),
                "{row}"
            );
            assert!(["contact", "away"].contains(&row["state"].as_str().unwrap()));
        }
    }
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
    let (clip, net, config) = (path("couple.y4m"), path("net.onnx"), path("settings.json"));
    write_couple_y4m(&clip, 4).unwrap();
    write_contact_network(&net, -1.5);
    let settings = serde_json::json!({ "contact": { "network": net } });
    std::fs::write(&config, settings.to_string()).unwrap();
    let mut daemon = Running::start_with(|c| {
        c.arg("--source")
            .arg(&clip)
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
        ask.arg("render").arg(&clip).arg("--out").arg(&out);
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
