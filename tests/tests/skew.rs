//! Skew: what the trainer's network says of a picture in training, the daemon says of the same
//! picture in use. The real programs, one folder, networks of every kind that is exported.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use gaze::contact::Recalibration;
use gaze_tests::daemon::{Running, WATCHDOG, program};
use gaze_trainer::commands::export::example;
use gaze_trainer::contact::folder::list;
use gaze_trainer::contact::look::{self, Why, look};
use gaze_trainer::data::cache::Cache;
use gaze_trainer::device;
use gaze_trainer::export::{Precision, Wanted, export, face};
use gaze_trainer::net::{Colour, FaceConfig, GazeNet, Head, NetConfig};
use gaze_trainer::train::examples::Examples;
use gaze_trainer::train::judge;
use ring::Next;
use ring::layout::{ContactSource, FaceRow, Sample, flags};
use rustix::process::Signal;
use vision::Runtime;

/// How far the two may be apart: rounding, no more.
const MOST: f64 = 1e-4;
/// Answers of one network to different pictures are further apart than this, or the test could
/// not tell them from each other.
const LEAST_SPREAD: f64 = 0.03;

fn trainer(words: &[&str]) -> String {
    let output = Command::new(program("gaze-trainer")).args(words).output();
    let output = output.expect("the trainer starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words:?}: {said}");
    String::from_utf8(output.stdout).expect("text")
}

/// A network that nobody has trained, whose answers differ from picture to picture.
fn network(config: &NetConfig, cache: &Cache) -> (GazeNet, Vec<[f32; 3]>) {
    let device = device::open("cpu").expect("there is one");
    let mut net = config.init(5, &device).expect("a plan");
    let all: Vec<usize> = (0..cache.len()).collect();
    let fitting = Examples::new(cache, config).expect("crops of its kind");
    let mut answer = |gain: f32| {
        net.output.weight = net.output.weight.clone().map(|w| w * gain);
        judge::predict(&net, &fitting, &all, &device)
    };
    let gain = (0.3 / spread(&answer(1.0))).max(1.0);
    let answers = answer(gain as f32);
    (net, answers)
}

/// How far apart answers are, at most.
fn spread(answers: &[[f32; 3]]) -> f64 {
    let along = |k: usize| {
        let values = answers.iter().map(|a| f64::from(a[k]));
        values.clone().fold(f64::MIN, f64::max) - values.fold(f64::MAX, f64::min)
    };
    along(0).max(along(1))
}

fn write(net: &GazeNet, config: &NetConfig, cache: &Cache, out: &Path) {
    let device = device::open("cpu").expect("there is one");
    // The exporter's own comparison wants many; here the daemon is the judge.
    let looks: Vec<_> = (0..160).map(|i| example(cache, i % cache.len())).collect();
    let runtime = Runtime::load(None).expect("a runtime");
    let only = Wanted::plain(&[Precision::Fp32]);
    let report = export(net, config, &looks, out, &only, &runtime, &device).expect("a file");
    assert!(report.files[0].refused.is_none(), "{report:?}");
}

/// Names a network's file in the settings.
fn name(home: &Path, network: &Path) {
    let text = serde_json::json!({ "network": network }).to_string();
    let file = home.join("gaze/settings.json");
    let part = file.with_extension("part");
    std::fs::write(&part, text).unwrap();
    std::fs::rename(part, file).unwrap();
}

/// What the daemon says of each of `count` pictures, by a network that came after `before`.
fn daemons(running: &mut Running, count: usize, before: u32) -> (BTreeMap<u64, Sample>, u32) {
    let mut reader = running.reader();
    let mut said = BTreeMap::new();
    let mut generation = before;
    let until = Instant::now() + WATCHDOG;
    while said.len() < count {
        assert!(Instant::now() < until, "of {count} only {:?}", said.keys());
        match reader.next() {
            Next::Sample { sample: s, .. } => {
                let told = s.gaze_dir[0].is_finite() && s.has(flags::MEASURED);
                if told && s.network_generation > before {
                    generation = s.network_generation;
                    said.insert(s.frame_index % count as u64, s);
                }
            }
            _ => std::thread::sleep(Duration::from_millis(3)),
        }
    }
    (said, generation)
}

/// How far the daemon is from `wanted`, at most, over all pictures of the cache.
fn apart(said: &BTreeMap<u64, Sample>, cache: &Cache, head: Head, wanted: &[[f32; 3]]) -> f64 {
    let number = |i: usize| -> u64 {
        let file = cache.picture(i);
        let stem = file.file_stem().unwrap().to_str().unwrap().to_owned();
        stem.trim_start_matches("img_").parse().unwrap()
    };
    // The daemon plays pictures in the order of their numbers.
    let first = (0..cache.len()).map(number).min().unwrap();
    let mut worst = 0.0f64;
    for (i, sample) in cache.samples.iter().enumerate() {
        let s = &said[&(number(i) - first)];
        let turned = [s.head_yaw, s.head_pitch, s.head_roll];
        for (a, b) in turned.iter().zip(&sample.head_deg) {
            let file = cache.picture(i);
            assert!(
                (a - b).abs() < 1e-3,
                "{}: the head {turned:?}",
                file.display()
            );
        }
        let said = match head {
            Head::Ray => s.gaze_dir,
            Head::Screen => [s.raw_x, s.raw_y, 0.0],
        };
        for (a, b) in said.iter().zip(&wanted[i]) {
            worst = worst.max(f64::from((a - b).abs()));
        }
    }
    worst
}

/// A copy of a network's file whose contract says something else, of the same length.
fn forged(from: &Path, to: &Path, is: &str, says: &str) {
    let mut bytes = std::fs::read(from).unwrap();
    assert_eq!(is.len(), says.len());
    let places: Vec<usize> = (0..bytes.len() - is.len())
        .filter(|&i| bytes[i..].starts_with(is.as_bytes()))
        .collect();
    let [at] = places[..] else {
        panic!("{is} stands there {} times", places.len());
    };
    bytes[at..at + is.len()].copy_from_slice(says.as_bytes());
    std::fs::write(to, bytes).unwrap();
}

#[test]
fn daemon_and_trainer_say_the_same_of_the_same_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let at = |name: &str| home.join(name).display().to_string();
    let words = "--count 8 --seed 3 --size 480x360 --scenario head-turns --persons 1";
    let words: Vec<&str> = words.split(' ').collect();
    trainer(&[&["synth", &at("set")][..], &words].concat());
    let folder = std::fs::read_dir(home.join("set")).unwrap().flatten();
    let folder = folder.map(|e| e.path()).find(|p| p.is_dir()).unwrap();
    let shown = folder.display().to_string();
    let cache = at("cache");
    trainer(&["prepare", &shown, "--out", &cache, "--size", "48", "--grey"]);
    let cache = Cache::open(Path::new(&cache)).unwrap();
    assert_eq!(cache.len(), 8, "every picture shows a face with open eyes");

    // File, what it answers, what the trainer's network says.
    let mut files = Vec::new();
    for (head, geometric) in [(Head::Ray, false), (Head::Screen, false), (Head::Ray, true)] {
        let plan = NetConfig {
            head,
            geometric,
            ..NetConfig::new(0.25, 48, Colour::Gray)
        };
        let (net, answers) = network(&plan, &cache);
        assert!(spread(&answers) > LEAST_SPREAD, "{plan:?}: {answers:?}");
        let out = home.join(files.len().to_string());
        write(&net, &plan, &cache, &out);
        files.push((out.join("gaze.onnx"), head, answers, true));
    }
    // And that this test would see it: eyes that are swapped, a shade that is another.
    for (name, is, says) in [
        (
            "swapped.onnx",
            r#""left_eye":"left_eye","right_eye":"right_eye""#,
            r#""left_eye":"right_eye","right_eye":"left_eye""#,
        ),
        ("lighter.onnx", r#""mean":[0.449]"#, r#""mean":[0.439]"#),
    ] {
        let file = home.join(name);
        forged(&files[0].0, &file, is, says);
        files.push((file, Head::Ray, files[0].2.clone(), false));
    }

    std::fs::create_dir_all(home.join("gaze")).unwrap();
    name(home, &files[0].0);
    let mut running = Running::start_with(|command| {
        let words = ["--stills", "--loop", "--fps", "3", "--source"];
        command.args(words).arg(&shown).env("XDG_CONFIG_HOME", home)
    });
    let mut generation = 0;
    for (file, head, wanted, alike) in &files {
        if generation > 0 {
            name(home, file);
            running.signal(Signal::HUP);
        }
        let (said, now) = daemons(&mut running, cache.len(), generation);
        generation = now;
        let off = apart(&said, &cache, *head, wanted);
        println!("{}: {off:.1e} at most", file.display());
        assert_eq!(off < MOST, *alike, "{}: {off}", file.display());
    }
}

/// Stores the daemon's settings of contact.
fn settle(home: &Path, contact: &serde_json::Value) {
    std::fs::create_dir_all(home.join("gaze")).unwrap();
    let text = serde_json::json!({ "contact": contact }).to_string();
    std::fs::write(home.join("gaze/settings.json"), text).unwrap();
}

/// The first face's row of each of `count` pictures that are played round and round.
fn rows(running: &mut Running, count: usize) -> BTreeMap<u64, Option<FaceRow>> {
    let reader = running.reader();
    let mut said = BTreeMap::new();
    let until = Instant::now() + WATCHDOG;
    while said.len() < count {
        assert!(Instant::now() < until, "of {count} only {:?}", said.keys());
        if let Some(table) = reader.faces() {
            let first = (table.count > 0).then_some(table.rows[0]);
            said.insert(table.frame_index % count as u64, first);
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    said
}

#[test]
fn what_the_daemon_says_of_contact_is_what_the_trainer_measured() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let at = |name: &str| home.join(name).display().to_string();
    let set = "--count 56 --seed 3 --scenario contact --persons 4";
    let set: Vec<&str> = set.split(' ').collect();
    trainer(&[&["synth", &at("set")][..], &set].concat());
    let words = "--fov 60 --least-face 60 --recalibrate --json";
    let words: Vec<&str> = words.split(' ').collect();
    let fit = trainer(&[&["contact-fit", &at("set")][..], &words].concat());
    let fit: serde_json::Value = serde_json::from_str(&fit).unwrap();
    let mut contact = fit["settings"]["contact"].clone();
    let line = ["slope", "offset"].map(|key| contact[key].as_f64().unwrap());
    let line = Recalibration {
        slope: line[0],
        offset: line[1],
    };
    assert!(line != Recalibration::NONE);
    // Single pictures, as the trainer sees them.
    for key in ["smooth_s", "debounce_s", "hold_s"] {
        contact[key] = 0.into();
    }
    settle(home, &contact);
    let shown = home.join("set/person-0001");
    let listing = list(&shown, 0.0).unwrap();
    let order = look::Order {
        pictures: &listing.pictures,
        network: None,
        least_face_px: 60.0,
        hfov_deg: Some(60.0),
        crop: None,
        jobs: 2,
    };
    let seen = look(&order, &Default::default(), &mut |_| ());
    let seen = seen.unwrap().unwrap();
    let told = seen.iter().filter(|s| s.said.is_ok()).count();
    assert!(told > 7, "{seen:?}");
    let mut running = Running::start_with(|command| {
        let words = ["--stills", "--loop", "--fps", "3", "--source"];
        let command = command.args(words).arg(&shown);
        command.env("XDG_CONFIG_HOME", home)
    });
    let said = rows(&mut running, seen.len());
    drop(running);
    for (i, seen) in seen.iter().enumerate() {
        let row = said[&(i as u64)].map(|row| f64::from(row.contact));
        let path = &listing.pictures[i].path;
        match seen.said {
            Ok(p) => {
                let off = row.map_or(f64::NAN, |r| (r - line.apply(p)).abs());
                assert!(off < 1e-4, "{path}: {p} {row:?}");
            }
            Err(Why::EyesShut) => assert_eq!(row, Some(0.0), "{path}"),
            Err(_) => assert!(row.is_none_or(f64::is_nan), "{path}: {row:?}"),
        }
    }

    // A network as contact-train exports it is taken and asked.
    let device = device::open("cpu").expect("there is one");
    let config = FaceConfig::new(0.25, 48).unwrap();
    let mut net = config.init(5, &device);
    net.output.bias = net.output.bias.map(|b| b.map(|b| b + 1.5));
    let bytes = face::write(&net, &config, &serde_json::json!({}));
    std::fs::write(home.join("net.onnx"), bytes).unwrap();
    settle(
        home,
        &serde_json::json!({ "network": home.join("net.onnx"), "least_face_px": 30 }),
    );
    let film = "--count 12 --seed 3 --size 480x360 --scenario head-turns --persons 1";
    let film: Vec<&str> = film.split(' ').collect();
    trainer(&[&["synth", &at("film")][..], &film].concat());
    let mut running = Running::start_with(|command| {
        let words = ["--loop", "--fps", "6", "--source"];
        let command = command.args(words).arg(home.join("film/person-0001"));
        command.env("XDG_CONFIG_HOME", home)
    });
    let reader = running.reader();
    let until = Instant::now() + WATCHDOG;
    let by_network = loop {
        assert!(Instant::now() < until, "{:?}", reader.faces());
        let row = reader.faces().filter(|t| t.count > 0).map(|t| t.rows[0]);
        let network = ContactSource::Network.raw();
        if let Some(row) = row.filter(|row| row.contact_source == network) {
            break f64::from(row.contact);
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    // The weights that it begins with say next to nothing: it is the bias.
    let wanted = 1.0 / (1.0 + (-1.5f64).exp());
    assert!((by_network - wanted).abs() < 0.03, "{by_network} {wanted}");
}
