//! `gaze-trainer synth` as a program: its files, its labels, and what it does when it is
//! stopped, has no room, or finds something else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_gaze-trainer");

fn synth(out: &Path, words: &str) -> Output {
    let output = command(out, words).output();
    output.expect("the program starts")
}

fn command(out: &Path, words: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("synth").arg(out).args(words.split_whitespace());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Makes a set that must succeed; its object on standard output.
fn made(out: &Path, words: &str) -> Value {
    let output = synth(out, &format!("{words} --json"));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// Every file below a folder, with its bytes.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            match fs::read(&path) {
                Ok(bytes) => all.insert(path, bytes),
                // Renamed meanwhile, by a program that is at work.
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
                Err(e) => panic!("{}: {e}", path.display()),
            };
        }
    }
    all
}

/// As [`files`], by their path inside the folder.
fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let inside = |p: PathBuf| p.strip_prefix(root).unwrap().to_owned();
    files(root)
        .into_iter()
        .map(|(p, b)| (inside(p), b))
        .collect()
}

/// All labels of a set, by number.
fn labels(root: &Path) -> Vec<Value> {
    let mut all: Vec<Value> = (files(root).into_iter())
        .filter(|(p, _)| p.to_string_lossy().contains("img_") && p.extension().unwrap() == "json")
        .map(|(_, bytes)| serde_json::from_slice(&bytes).unwrap())
        .collect();
    all.sort_by_key(|l| l["truth"]["index"].as_u64());
    all
}

fn numbers<const N: usize>(value: &Value) -> [f64; N] {
    std::array::from_fn(|i| value[i].as_f64().unwrap())
}

fn named(value: &Value) -> [f64; 3] {
    ["x", "y", "z"].map(|k| value[k].as_f64().unwrap())
}

#[test]
fn the_bytes_depend_on_nothing_but_the_settings() {
    let dir = tempfile::tempdir().unwrap();
    let (one, three) = (dir.path().join("one"), dir.path().join("three"));
    let set = "--seed 4 --size 160x120 --scenario crowd --fps 1 --persons 3";
    made(&one, &format!("{set} --count 7 --jobs 1"));
    // In two parts, the second with more jobs than pictures.
    let first = made(&three, &format!("{set} --count 2 --jobs 3"));
    assert_eq!((&first["made"], &first["kept"]), (&2.into(), &0.into()));
    let second = made(&three, &format!("{set} --count 7 --jobs 9"));
    assert_eq!((&second["made"], &second["kept"]), (&5.into(), &2.into()));
    let whole = contents(&one);
    assert_eq!(whole.len(), 15, "seven pairs and what they are");
    assert_eq!(whole, contents(&three));

    // What is missing or half there is made again, and nothing else is touched.
    let folder = three.join("person-0001");
    fs::remove_file(folder.join("img_3.json")).unwrap();
    fs::remove_file(folder.join("img_4.jpg")).unwrap();
    let cut = |name: &str| {
        let path = folder.join(name);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    };
    // One that begins and ends as it should, but is too short.
    let short = folder.join("img_5.jpg");
    let bytes = fs::read(&short).unwrap();
    fs::write(
        &short,
        [&bytes[..500], &bytes[bytes.len() - 500..]].concat(),
    )
    .unwrap();
    cut("img_6.json");
    // A file of the right length whose blocks a power cut has left empty.
    let empty = folder.join("img_7.jpg");
    fs::write(&empty, vec![0; fs::read(&empty).unwrap().len()]).unwrap();
    let untouched = fs::metadata(folder.join("img_2.jpg"))
        .unwrap()
        .modified()
        .unwrap();
    let third = made(&three, &format!("{set} --count 7"));
    assert_eq!((&third["made"], &third["kept"]), (&5.into(), &2.into()));
    assert_eq!(whole, contents(&three));
    let now = fs::metadata(folder.join("img_2.jpg"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(now, untouched);
}

#[test]
fn what_is_not_this_set_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("set");
    let set = "--count 1 --size 64x48 --seed 4";
    made(&out, set);
    let before = contents(&out);
    for (other, why) in [
        ("--count 1 --size 64x48 --seed 5", "seed 4, not 5"),
        ("--count 1 --size 80x60 --seed 4", "size 64x48, not 80x60"),
        (
            "--count 1 --seed 4 --size 64x48 --scenario contact",
            "scenario random, not contact",
        ),
        (
            "--count 1 --seed 4 --size 64x48 --quality 90",
            "quality by chance, not 90",
        ),
    ] {
        let output = synth(&out, other);
        assert_eq!(output.status.code(), Some(3), "{other}");
        assert!(
            said(&output).contains(why) && said(&output).lines().count() == 1,
            "{}",
            said(&output)
        );
    }
    assert_eq!(contents(&out), before);

    // A renderer that draws something else than the one that made the set: another JPEG of
    // the right length stands for its picture.
    let picture = out.join("person-0001/img_1.jpg");
    let mut bytes = fs::read(&picture).unwrap();
    let middle = bytes.len() - 20;
    bytes[middle] ^= 1;
    fs::write(&picture, &bytes).unwrap();
    let output = synth(&out, set);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        said(&output).contains("another version"),
        "{}",
        said(&output)
    );

    // A folder of something else, such as one's own recordings.
    let own = dir.path().join("own");
    fs::create_dir_all(own.join("me")).unwrap();
    let output = synth(&own, set);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(fs::read_dir(&own).unwrap().count(), 1, "{}", said(&output));
}

#[test]
fn a_full_disk_leaves_whole_pairs_only() {
    let dir = tempfile::tempdir().unwrap();
    // No file may grow beyond so many half kilobytes: what breaks off is a small picture, the
    // label after a tiny one, and a larger picture whose label would fit.
    for (size, blocks, name) in [
        ("160x120", 4, ".jpg"),
        ("64x48", 4, ".json"),
        ("320x240", 12, ".jpg"),
    ] {
        let out = dir.path().join(size);
        let set = format!("--count 3 --size {size} --seed 4 --jobs 2 --quality 90");
        let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let limited = Command::new("sh")
            .args(["-c", &limit, "sh", PROGRAM, "synth"])
            .arg(&out)
            .args(set.split(' '))
            .output()
            .unwrap();
        let words = said(&limited);
        assert_eq!(limited.status.code(), Some(4), "{words}");
        assert!(
            words.contains(name) && words.contains("cannot be written"),
            "{words}"
        );
        assert_eq!(words.lines().count(), 1, "{words}");
        let left: Vec<_> = contents(&out).into_keys().collect();
        assert_eq!(left, [PathBuf::from("synth.json")], "nothing half-written");
        // With room again it goes on.
        assert_eq!(made(&out, &set)["made"], 3);
    }

    let under_a_file = dir.path().join("64x48/synth.json/deeper");
    let under_a_file = synth(&under_a_file, "--count 1");
    assert_eq!(
        under_a_file.status.code(),
        Some(4),
        "{}",
        said(&under_a_file)
    );
}

#[test]
fn a_signal_ends_it_after_the_pictures_in_hand() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("set");
    let set = "--count 100000 --size 160x120 --seed 4 --persons 1";
    let mut child = command(&out, &format!("{set} --json"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while labels(&out).len() < 3 {
        assert!(started.elapsed() < Duration::from_secs(60));
        sleep(Duration::from_millis(20));
    }
    // Nobody else may write there meanwhile.
    let other = synth(&out, &set.replace("100000", "3"));
    assert_eq!(other.status.code(), Some(3), "{}", said(&other));
    assert!(said(&other).contains("another gaze-trainer"));

    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    // One that does not hear is ended, so that the test does not wait for all pictures.
    let asked = Instant::now();
    while child.try_wait().unwrap().is_none() && asked.elapsed() < Duration::from_secs(20) {
        sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["stopped"], true);
    let all = files(&out);
    let pairs = object["made"].as_u64().unwrap() as usize;
    assert_eq!(all.len(), 2 * pairs + 1, "whole pairs and the manifest");
    assert!(
        said(&output).contains(&format!("{pairs} of 100000")),
        "{}",
        said(&output)
    );
    assert_eq!(labels(&out).len(), pairs);
}

/// Projection, written from the README's table alone.
fn project(camera: &Value, p: [f64; 3]) -> [f64; 2] {
    let of = |k: &str| camera[k].as_f64().unwrap();
    let (u, v) = (p[0] / p[2], p[1] / p[2]);
    let scale = 1.0 + of("k1") * (u.powi(2) + v.powi(2));
    [
        of("fx") * u * scale + of("cx"),
        of("fy") * v * scale + of("cy"),
    ]
}

fn apart<const N: usize>(a: [f64; N], b: [f64; N]) -> f64 {
    (0..N).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn labels_agree_with_themselves_by_other_algebra() {
    let dir = tempfile::tempdir().unwrap();
    let mut bent = 0;
    for (scenario, count) in [("random", 12), ("crowd", 3), ("contact", 17)] {
        let out = dir.path().join(scenario);
        let words = format!(
            "--seed 2 --count {count} --scenario {scenario} --size 96x72 --persons 3 --fps 1"
        );
        made(&out, &words);
        for label in labels(&out) {
            let truth = &label["truth"];
            let camera = &truth["camera"];
            bent += usize::from(camera["k1"] != 0.0);
            assert_eq!(
                [label["screen_x"].as_f64(), label["screen_y"].as_f64()].map(Option::unwrap),
                numbers(&truth["target_px"])
            );
            // Screen → millimetres: the camera looks at the person, so its right is the screen's left.
            let s = &truth["screen"];
            let of = |v: &Value| v.as_f64().unwrap();
            let [x, y] = numbers(&truth["target_px"]);
            let across = (of(&s["camera"]["x_norm"]) - x / of(&s["width_px"])) * of(&s["width_mm"]);
            let down = y / of(&s["height_px"]) * of(&s["height_mm"]) + of(&s["camera"]["above_mm"]);
            let away = -of(&s["camera"]["forward_mm"]);
            let (sin, cos) = of(&s["camera"]["tilt_deg"]).to_radians().sin_cos();
            let target = [across, cos * down + sin * away, cos * away - sin * down];
            assert!(
                apart(target, numbers(&truth["target_mm"])) < 0.1,
                "{target:?} {truth}"
            );

            for face in truth["faces"].as_array().unwrap() {
                let target: [f64; 3] = numbers(&face["target_mm"]);
                let mut mean = [0.0; 3];
                for eye in face["eyes"].as_array().unwrap() {
                    let centre: [f64; 3] = numbers(&eye["centre_mm"]);
                    let axis: [f64; 3] = numbers(&eye["optical_axis"]);
                    // The limbus is 10.45 mm before the eyeball's centre.
                    let iris = std::array::from_fn(|i| centre[i] + 10.45 * axis[i]);
                    for (p, said) in [(centre, &eye["centre_px"]), (iris, &eye["iris_px"])] {
                        assert!(apart(project(camera, p), numbers(said)) < 0.1, "{eye}");
                    }
                    let gaze: [f64; 3] = numbers(&eye["gaze"]);
                    let reach = apart(centre, target);
                    let met = std::array::from_fn(|i| centre[i] + reach * gaze[i]);
                    assert!(apart(met, target) < 0.1, "{eye}");
                    mean = std::array::from_fn(|i| mean[i] + gaze[i]);
                }
                let place: [f64; 3] = numbers(&face["head"]["place_mm"]);
                let dot: f64 = (0..3).map(|i| -mean[i] * place[i]).sum();
                let lengths = apart(mean, [0.0; 3]) * apart(place, [0.0; 3]);
                let degrees = (dot / lengths).min(1.0).acos().to_degrees();
                assert!((degrees - of(&face["lens_deg"])).abs() < 0.01, "{face}");
                assert_eq!(face["contact"].as_bool(), Some(degrees < 1.5), "{face}");
            }
        }
    }
    assert!(bent > 4, "some lenses bend");
    let contact = labels(&dir.path().join("contact"));
    let looking = contact
        .iter()
        .filter(|l| l["truth"]["faces"][0]["contact"] == true)
        .count();
    assert!((3..15).contains(&looking), "{looking} of {}", contact.len());
}

#[test]
fn the_users_part_tells_of_the_head_and_nothing_of_the_eyes() {
    let dir = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for scenario in ["calibration", "head-turns"] {
        let out = dir.path().join(scenario);
        made(
            &out,
            &format!("--seed 3 --count 12 --scenario {scenario} --size 64x48"),
        );
        for label in labels(&out) {
            let keys = |v: &Value| {
                v.as_object()
                    .unwrap()
                    .keys()
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            assert_eq!(
                keys(&label),
                "inference moondream_result screen_x screen_y timestamp truth"
            );
            let tracked = &label["inference"]["Gaze"];
            assert_eq!(
                keys(tracked),
                "landmarks left_eye pitch right_eye roll vector yaw"
            );
            assert!(tracked["landmarks"].is_null());
            assert_eq!(named(&label["moondream_result"]), [0.0; 3]);
            let face = &label["truth"]["faces"][0];
            for (side, eye) in [("left_eye", 0), ("right_eye", 1)] {
                let [x, y]: [f64; 2] = numbers(&face["eyes"][eye]["centre_px"]);
                assert_eq!(named(&tracked[side]), [x, y, 0.0]);
            }
            let angle = |k: &str| tracked[k].as_f64().unwrap().to_radians();
            let (yaw, pitch) = (angle("yaw"), angle("pitch"));
            let ahead = [
                pitch.cos() * yaw.sin(),
                -pitch.sin(),
                -pitch.cos() * yaw.cos(),
            ];
            assert!(apart(ahead, named(&tracked["vector"])) < 1e-5);
            let gaze: [f64; 3] = numbers(&face["eyes"][0]["gaze"]);
            seen.push((ahead, gaze));
        }
    }
    // How far head and gaze go from their first direction, about in degrees.
    let span = |all: &[([f64; 3], [f64; 3])]| {
        let most = |angles: Vec<f64>| angles.into_iter().fold(0.0, f64::max).to_degrees();
        (
            most(all.iter().map(|s| apart(s.0, all[0].0)).collect()),
            most(all.iter().map(|s| apart(s.1, all[0].1)).collect()),
        )
    };
    let (head, gaze) = span(&seen[..12]);
    assert!(head < 2.0 && gaze > 4.0, "eyes alone: {head} {gaze}");
    let (head, gaze) = span(&seen[12..]);
    // The eyes move sideways with the head, some 100 mm before the neck.
    assert!(head > 40.0 && gaze < 12.0, "head alone: {head} {gaze}");
}

#[test]
fn the_sheet_is_drawn_from_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("set");
    let nothing = synth(&out, "--preview");
    assert_eq!(nothing.status.code(), Some(5), "{}", said(&nothing));

    made(&out, "--count 2 --size 160x120 --seed 6 --preview");
    let sheet = out.join("preview.png");
    let first = fs::read(&sheet).unwrap();
    assert_eq!(made(&out, "--preview")["preview"], sheet.to_str().unwrap());
    assert_eq!(fs::read(&sheet).unwrap(), first);
    // A label that says something else is seen on it.
    let label = out.join("person-0001/img_2.json");
    let text = fs::read_to_string(&label).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    value["truth"]["faces"][0]["eyes"][0]["gaze"] = serde_json::json!([0.0, -1.0, 0.0]);
    fs::write(&label, value.to_string()).unwrap();
    made(&out, "--preview");
    assert_ne!(fs::read(&sheet).unwrap(), first);
    // A damaged pair is left out.
    fs::write(&label, &text[..text.len() / 2]).unwrap();
    let output = synth(&out, "--preview");
    assert!(said(&output).contains("1 pictures"), "{}", said(&output));
}
