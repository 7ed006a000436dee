//! `gaze-trainer prepare` and `baseline` as programs: what they make of good pictures and of
//! broken ones, what a kill leaves, and whether crops are the daemon's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use gaze_trainer::baseline::network;
use gaze_trainer::data::cache::Cache;
use jpeg_encoder::{ColorType, Encoder};
use linear::{Linear, Row};
use serde_json::Value;
use vision::gaze_net::{Contract, Kind};
use vision::{
    EyeCropSpec, EyeCropper, Frame, ModelStore, Perceiver, PerceiverConfig, Runtime, jpeg,
};

#[path = "../../crates/vision/tests/common/linear.rs"]
mod linear;

const PROGRAM: &str = env!("CARGO_BIN_EXE_gaze-trainer");

fn program(words: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(words);
    command
}

fn run(words: &[&str]) -> Output {
    program(words).output().expect("the program starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs what must succeed; its object on standard output.
fn object(words: &[&str]) -> Value {
    let output = run(words);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// Two people at sixteen targets, drawn once for all tests.
fn faces() -> &'static Path {
    static FACES: OnceLock<tempfile::TempDir> = OnceLock::new();
    let dir = FACES.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("faces");
        let words =
            "--count 20 --seed 3 --size 480x360 --scenario head-turns --persons 2 --quality 90";
        let words: Vec<&str> = words.split(' ').collect();
        let out = out.to_str().unwrap();
        let made = run(&[&["synth", out][..], &words].concat());
        assert!(made.status.success(), "{}", said(&made));
        dir
    });
    Box::leak(dir.path().join("faces").into_boxed_path())
}

/// A copy of the faces in a folder of the test's own.
fn copy(to: &Path) -> PathBuf {
    let root = to.join("faces");
    for pair in pairs(faces()) {
        let below = pair.strip_prefix(faces()).unwrap();
        fs::create_dir_all(root.join(below).parent().unwrap()).unwrap();
        for ending in ["jpg", "json"] {
            fs::copy(
                pair.with_extension(ending),
                root.join(below).with_extension(ending),
            )
            .unwrap();
        }
    }
    root
}

/// All pictures of a folder, by their paths.
fn pairs(root: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(root).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(pairs(&path));
        } else if path.extension().is_some_and(|e| e == "jpg") {
            all.push(path);
        }
    }
    all.sort();
    all
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Changes a label.
fn relabel(jpg: &Path, change: impl FnOnce(&mut Value)) {
    let path = jpg.with_extension("json");
    let mut label: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut label);
    fs::write(path, serde_json::to_vec(&label).unwrap()).unwrap();
}

fn grey_noise(w: u16, h: u16, path: &Path) {
    let noise =
        (0..u32::from(w) * u32::from(h) * 3).map(|i| (i.wrapping_mul(2_654_435_761) >> 25) as u8);
    let noise: Vec<u8> = noise.collect();
    Encoder::new_file(path, 90)
        .unwrap()
        .encode(&noise, w, h, ColorType::Rgb)
        .unwrap();
}

#[test]
fn a_folder_of_broken_pairs_gives_the_good_rest_and_counts_each_reason() {
    let dir = tempfile::tempdir().unwrap();
    let root = copy(dir.path());
    let all = pairs(&root);
    let person = all[0].parent().unwrap();
    let extra = |name: &str, from: &Path| {
        let jpg = person.join(name);
        fs::copy(from, &jpg).unwrap();
        fs::copy(from.with_extension("json"), jpg.with_extension("json")).unwrap();
        jpg
    };
    let good = all.len();
    // What must be left out, one of each.
    let bytes = fs::read(&all[0]).unwrap();
    let cut = extra("img_100.jpg", &all[0]);
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    fs::write(extra("img_101.jpg", &all[0]), b"").unwrap();
    fs::remove_file(extra("img_102.jpg", &all[0]).with_extension("json")).unwrap();
    fs::remove_file(extra("img_103.jpg", &all[0])).unwrap();
    let nan = extra("img_104.jpg", &all[0]).with_extension("json");
    fs::write(&nan, r#"{"timestamp": 1, "screen_x": NaN, "screen_y": 5}"#).unwrap();
    let half = extra("img_105.jpg", &all[0]).with_extension("json");
    let label = fs::read(&half).unwrap();
    fs::write(&half, &label[..label.len() / 2]).unwrap();
    relabel(&extra("img_106.jpg", &all[0]), |l| {
        l["screen_x"] = 1e5.into()
    });
    extra("img_107.jpg", &all[1]);
    let noise = extra("img_108.jpg", &all[0]);
    grey_noise(480, 360, &noise);
    relabel(&noise, |l| drop(l.as_object_mut().unwrap().remove("truth")));
    let long = extra("img_109.jpg", &all[0]);
    grey_noise(480, 60, &long);
    relabel(&long, |l| drop(l.as_object_mut().unwrap().remove("truth")));
    // The same face, pulled to another shape.
    let mut frame = Frame::default();
    jpeg::decode_rgb(&fs::read(&all[2]).unwrap(), &mut frame).unwrap();
    let rows: Vec<u8> = frame
        .data
        .chunks_exact(480 * 3)
        .take(300)
        .flatten()
        .copied()
        .collect();
    let pulled = extra("img_110.jpg", &all[2]);
    Encoder::new_file(&pulled, 90)
        .unwrap()
        .encode(&rows, 480, 300, ColorType::Rgb)
        .unwrap();
    relabel(&pulled, |l| l["truth"]["jpeg_bytes"] = 1.into());
    // What is kept although a tracker failed.
    let zero = serde_json::json!({"x": 0.0, "y": 0.0, "z": 0.0});
    relabel(&all[3], |l| {
        let gaze = &mut l["inference"]["Gaze"];
        (gaze["left_eye"], gaze["right_eye"]) = (zero.clone(), zero.clone());
        (gaze["yaw"], gaze["pitch"], gaze["roll"]) = (0.0.into(), 0.0.into(), 0.0.into());
    });
    let bare = all[4].with_extension("json");
    let label = String::from_utf8(fs::read(&bare).unwrap()).unwrap();
    let yaw = label.find("\"yaw\"").unwrap();
    let end = yaw + label[yaw..].find(',').unwrap();
    fs::write(
        &bare,
        format!("{}\"yaw\": NaN{}", &label[..yaw], &label[end..]),
    )
    .unwrap();

    let out = dir.path().join("out.cache");
    let small = ["--size", "32", "--grey", "--json"];
    let report = object(&[&["prepare", text(&root), "--out", text(&out)], &small[..]].concat());
    let holds = &report["holds"];
    let skipped = serde_json::json!({
        "bad-label": 1, "bad-picture": 1, "duplicate": 1, "empty": 1, "no-face": 1, "no-label": 1,
        "no-picture": 1, "no-target": 1, "shape": 2, "target-far": 1,
    });
    assert_eq!(holds["skipped"], skipped, "{holds:#}");
    assert_eq!(holds["samples"], good);
    assert_eq!(holds["untracked"], 2);
    assert_eq!(Cache::open(&out).unwrap().len(), good);
    // Nothing is left but the cache.
    let names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .flatten()
        .map(|e| e.file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");

    // The good rest can be learned from, all of it, with those that no tracker saw.
    let rest = dir.path().join("run");
    let how = "--width 0.25 --epochs 2 --batch 8 --folds 2 --by target-same-sitting --json";
    let how: Vec<&str> = how.split(' ').collect();
    let words = ["train", text(&out), "--out", text(&rest)];
    let output = run(&[&words[..], &how].concat());
    assert!(output.status.success(), "{}", said(&output));
    let lines = String::from_utf8(output.stdout).unwrap();
    let end: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    let check = &end["best"]["check"];
    let learned = end["learned_from"].as_u64().unwrap();
    assert_eq!(learned + check["points"].as_u64().unwrap(), good as u64);
    assert!(check["mean_deg"].as_f64().unwrap().is_finite(), "{end}");
    assert!(rest.join("best/weights.safetensors").is_file());
}

#[test]
fn a_run_that_was_killed_goes_on_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let root = copy(dir.path());
    let [one, two] = ["one", "two"].map(|n| dir.path().join(n));
    let whole = object(&[
        "prepare",
        text(&root),
        "--out",
        text(&one),
        "--jobs",
        "1",
        "--json",
    ]);
    let pairs = whole["pairs"].as_u64().unwrap();
    assert_eq!(whole["measured"], pairs);

    let part = dir.path().join("two.part");
    let mut child = program(&["prepare", text(&root), "--out", text(&two), "--jobs", "2"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    // Some pictures of 20; each has some 77 kB of crops.
    while fs::metadata(&part).map_or(0, |m| m.len()) < 400_000 {
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "it measures nothing"
        );
        sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!two.exists(), "not before it is whole");
    // A torn entry as well, such as a power cut leaves.
    let bytes = fs::read(&part).unwrap();
    fs::write(&part, &bytes[..bytes.len() - 1000]).unwrap();
    let rest = object(&[
        "prepare",
        text(&root),
        "--out",
        text(&two),
        "--jobs",
        "2",
        "--json",
    ]);
    let (measured, kept) = (
        rest["measured"].as_u64().unwrap(),
        rest["kept"].as_u64().unwrap(),
    );
    assert!(
        kept >= 3 && measured >= 1 && kept + measured == pairs,
        "{rest}"
    );
    assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
    assert!(!part.exists());

    // Again with nothing new, and with one picture less: nothing is measured.
    let again = object(&["prepare", text(&root), "--out", text(&two), "--json"]);
    assert_eq!(
        (&again["measured"], &again["kept"]),
        (&0.into(), &pairs.into())
    );
    assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
    let gone = last(&root);
    fs::remove_file(gone.with_extension("json")).unwrap();
    fs::remove_file(&gone).unwrap();
    let less = object(&["prepare", text(&root), "--out", text(&two), "--json"]);
    assert_eq!(
        (&less["measured"], &less["holds"]["samples"]),
        (&0.into(), &(pairs - 1).into())
    );
}

fn last(root: &Path) -> PathBuf {
    pairs(root).pop().unwrap()
}

/// What a person's daemon cuts from the same pictures, as a stream that it follows.
#[test]
fn crops_are_those_of_the_daemon() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    object(&["prepare", text(faces()), "--out", text(&out), "--json"]);
    let cache = Cache::open(&out).unwrap();
    assert!(cache.len() >= 18, "{}", cache.len());
    let (runtime, store) = (
        Runtime::load(None).unwrap(),
        ModelStore::open(None).unwrap(),
    );
    let spec = EyeCropSpec::default();
    let mut cutter = EyeCropper::new(spec);
    let margin = cache.header.crop.with_margin();
    let mut wide_cutter = EyeCropper::new(margin);
    for i in (0..cache.len()).step_by(3) {
        let mut frame = Frame::default();
        jpeg::decode(&fs::read(cache.picture(i)).unwrap(), &mut frame).unwrap();
        let mut perceiver = Perceiver::new(&runtime, &store, PerceiverConfig::default()).unwrap();
        perceiver.perceive(&frame);
        (frame.index, frame.captured_ns) = (1, 33_000_000);
        let face = perceiver
            .perceive(&frame)
            .primary()
            .expect("a face")
            .clone();
        let mut crops = [(); 2].map(|()| vec![0; spec.len()]);
        let [left, right] = &mut crops;
        assert!(cutter.cut_bytes(&frame, &face.landmarks, left, right));
        assert_eq!(cache.crops(i), crops, "picture {i}");
        let s = &cache.samples[i];
        assert_eq!(
            s.head_deg,
            [face.head.yaw, face.head.pitch, face.head.roll].map(|v| v as f32)
        );
        let sight = face
            .gaze
            .map(|g| <[f64; 3]>::from(g.combined.direction).map(|v| v as f32));
        assert_eq!(s.geometric, sight);
        // Margin and middle are of one grid: cut as a whole they are the same but for rounding.
        let mut wides = [(); 2].map(|()| vec![0; margin.len()]);
        let [left, right] = &mut wides;
        assert!(wide_cutter.cut_bytes(&frame, &face.landmarks, left, right));
        for (stored, cut) in cache.wide_crops(i).into_iter().zip(&wides) {
            let most = stored
                .iter()
                .zip(cut)
                .map(|(a, b)| a.abs_diff(*b))
                .max()
                .unwrap();
            assert!(most <= 2, "picture {i}: {most}");
        }
    }
    // A network says the same of the cache's crops as of the pictures, which are looked at
    // again where a cache holds other crops.
    let contract = Contract::ours(
        Kind::EyesPoseScreen,
        &spec,
        &[0.5, 0.4, 0.3],
        &[0.2, 0.3, 0.25],
    );
    let row = |first: usize| Row {
        weights: (0..400)
            .map(|k| (first + 61 * k, 0.01))
            .chain((0..8).map(|k| (2 * spec.len() + k, 0.3)))
            .collect(),
        bias: 0.5,
    };
    let net = Linear::eyes(&contract, vec![row(0), row(7)]).onnx(&contract.to_metadata());
    let file = dir.path().join("linear.onnx");
    fs::write(&file, net).unwrap();
    let other = dir.path().join("other");
    object(&[
        "prepare",
        text(faces()),
        "--out",
        text(&other),
        "--size",
        "32",
        "--json",
    ]);
    let other = Cache::open(&other).unwrap();
    let answers = [&cache, &other].map(|c| network::method(&file, c, 2).unwrap().rows);
    assert_eq!(answers[0].len(), cache.len());
    for (a, b) in answers[0].iter().zip(&answers[1]) {
        for (a, b) in a.features.iter().zip(&b.features) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
    assert_ne!(answers[0][0].features, answers[0][1].features);

    // Recorded eyes and angles are taken as they are, and need no network.
    let json = dir.path().join("json");
    let output = program(&[
        "prepare",
        text(faces()),
        "--out",
        text(&json),
        "--json-eyes",
        "--grey",
    ])
    .env("GAZE_MODELS", "/nowhere")
    .output()
    .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let recorded = Cache::open(&json).unwrap();
    for s in &recorded.samples {
        assert_eq!(s.head_deg, s.json_head_deg.unwrap());
        for (a, b) in s.eye_position.iter().zip(s.json_eyes.unwrap()) {
            assert!((a - b).abs() < 1e-4, "{s:?}");
        }
    }
    assert_eq!(recorded.header.crop.channels, 1);
}

#[test]
fn a_baseline_says_how_far_off_everything_is() {
    let dir = tempfile::tempdir().unwrap();
    let (set, out) = (dir.path().join("set"), dir.path().join("out"));
    let words =
        "--count 32 --seed 3 --size 640x480 --scenario calibration --persons 1 --quality 90";
    let words: Vec<&str> = words.split(' ').collect();
    let made = run(&[&["synth", text(&set)][..], &words].concat());
    assert!(made.status.success(), "{}", said(&made));
    object(&["prepare", text(&set), "--out", text(&out), "--json"]);
    let html = dir.path().join("page.html");
    let report = object(&["baseline", text(&out), "--html", text(&html), "--json"]);
    let all = report["results"].as_array().unwrap();
    let middle = &all[0];
    assert_eq!(
        (&middle["method"], &middle["fitted"]),
        (&"middle of the screen".into(), &"raw".into())
    );
    // By the labels themselves.
    let cache = Cache::open(&out).unwrap();
    let mut sum = 0.0;
    for i in 0..cache.len() {
        let label = cache.picture(i).with_extension("json");
        let label: Value = serde_json::from_slice(&fs::read(label).unwrap()).unwrap();
        let px = |k: &str| label["truth"]["screen"][k].as_f64().unwrap() / 2.0;
        let at = |k: &str| label[k].as_f64().unwrap();
        sum += (at("screen_x") - px("width_px")).hypot(at("screen_y") - px("height_px"));
    }
    let mean = middle["evaluation"]["all"]["mean_px"].as_f64().unwrap();
    assert!((mean - sum / cache.len() as f64).abs() < 0.01, "{mean}");
    // The head is still: its turn tells nothing, and its best map no more than the guess.
    let fitted = |name: &str| {
        let mut of = all.iter().filter(|o| o["method"] == name);
        let one = of.find(|o| o["fitted"] == "other-targets").unwrap();
        one["evaluation"]["all"]["mean_px"].as_f64().unwrap()
    };
    let (geometric, head) = (fitted("geometric gaze"), fitted("recorded yaw and pitch"));
    assert!(
        geometric < 0.5 * mean && head > 0.8 * mean,
        "{geometric} {head} {mean}"
    );
    let page = fs::read_to_string(&html).unwrap();
    assert!(
        page.contains("<svg") && page.contains("geometric gaze") && page.ends_with("</html>\n")
    );
    let outside = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!outside.contains("http") && !outside.contains("<script") && !outside.contains("NaN"));
}

#[test]
fn bad_input_is_one_line_with_its_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let broken = dir.path().join("broken");
    fs::create_dir(&broken).unwrap();
    fs::write(broken.join("img_1.jpg"), b"no").unwrap();
    fs::write(
        broken.join("img_1.json"),
        br#"{"screen_x": 1, "screen_y": 2}"#,
    )
    .unwrap();
    let one = dir.path().join("one");
    fs::create_dir(&one).unwrap();
    let first = pairs(faces())[0].clone();
    fs::copy(&first, one.join("img_1.jpg")).unwrap();
    fs::copy(first.with_extension("json"), one.join("img_1.json")).unwrap();
    let no_cache = one.join("img_1.json");
    for (words, code, hint) in [
        (vec!["prepare", text(&empty)], 5, "no pair"),
        (vec!["prepare", "/nowhere/at/all"], 5, "cannot be read"),
        (vec!["prepare", text(&broken)], 5, "none of the 1 pictures"),
        (
            vec!["prepare", text(&one), "--out", "/nowhere/at/all"],
            4,
            "cannot be written",
        ),
        (
            vec!["prepare", text(&one), "--screen", "wide"],
            2,
            "1920x1080",
        ),
        (vec!["baseline", text(&one)], 5, "one target"),
        (vec!["baseline", text(&no_cache)], 5, "prepare"),
    ] {
        let output = run(&words);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        assert!(said.contains(hint), "{words:?}: {said}");
        if code != 2 {
            assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        }
    }
    // Nothing half-made is left.
    let left: Vec<_> = (fs::read_dir(dir.path()).unwrap().flatten())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|n| n.ends_with(".part") || n.ends_with(".new"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
