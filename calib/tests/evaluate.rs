//! Drives `gaze-calib evaluate` on a made-up folder of labelled pictures.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use gaze::affine::Affine;
use serde_json::{Value, json};

const START_MS: u64 = 1_790_000_000_000;

/// The smallest picture that says its size: SOI, a frame header of 640 × 480, EOI.
fn jpeg() -> Vec<u8> {
    let mut bytes = vec![
        0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0x01, 0xe0, 0x02, 0x80, 1, 1, 0x11, 0,
    ];
    bytes.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0xff, 0xd9]);
    bytes
}

/// A label of a head that turns to the target through a map, in 1920 × 1080 pixels.
fn label(time_ms: u64, target: [f64; 2], shift: f64) -> Value {
    let map = Affine {
        a: 0.9,
        b: 0.05,
        c: 0.5,
        d: -0.03,
        e: 0.8,
        f: 0.45,
    };
    let [x, y] = map.inverse().unwrap().apply([target[0] + shift, target[1]]);
    json!({
        "timestamp": time_ms, "screen_x": target[0] * 1920.0, "screen_y": target[1] * 1080.0,
        "inference": {"Gaze": {
            "left_eye": {"x": 300.0, "y": 200.0, "z": 0.0}, "right_eye": {"x": 360.0, "y": 200.0, "z": 0.0},
            "yaw": -45.0 * x, "pitch": -45.0 * y, "roll": 0.5,
            "vector": {"x": 0.0, "y": 0.0, "z": 1.0}, "landmarks": null,
        }},
        "moondream_result": {"x": 0.0, "y": 0.0, "z": 0.0},
    })
}

/// Two sittings of nine targets, each looked at twice, the second 0.1 of the width beside.
fn recorded(folder: &Path) {
    let mut number = 0;
    for sitting in 0..2u32 {
        for look in 0..18u32 {
            number += 1;
            let i = look / 2;
            // Written a hair's breadth beside at the second look.
            let x = 0.1 + 0.4 * f64::from(i % 3) + 0.005 * f64::from(look % 2);
            let target = [x, 0.1 + 0.4 * f64::from(i / 3)];
            let time = START_MS + u64::from(sitting) * 3_600_000 + u64::from(look) * 1500;
            let text = label(time, target, 0.1 * f64::from(sitting)).to_string();
            fs::write(folder.join(format!("img_{number}.json")), text).unwrap();
            fs::write(folder.join(format!("img_{number}.jpg")), jpeg()).unwrap();
        }
    }
}

fn evaluate(path: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gaze-calib"))
        .arg("evaluate")
        .arg(path)
        .args(more)
        .output()
        .unwrap()
}

#[test]
fn a_folder_gives_the_table_and_says_what_it_left_out() {
    let dir = tempfile::tempdir().unwrap();
    recorded(dir.path());
    let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    let zeros = |of: fn(&mut Value)| {
        let mut label = label(START_MS + 3_630_000, [0.5, 0.5], 0.0);
        of(&mut label);
        label.to_string()
    };
    write("img_101.json", b"{\"timestamp\": 17");
    write("img_101.jpg", &jpeg());
    write("img_102.jpg", &jpeg());
    write("img_103.json", b"{}");
    write("img_104.json", zeros(|_| ()).as_bytes());
    write("img_104.jpg", &jpeg()[..8]);
    let no_face = zeros(|l| {
        let gaze = &mut l["inference"]["Gaze"];
        for angle in ["yaw", "pitch", "roll"] {
            gaze[angle] = json!(0.0);
        }
    });
    write("img_105.json", no_face.as_bytes());
    write("img_105.jpg", &jpeg());
    write("notes.txt", b"not ours");

    let output = evaluate(dir.path(), &[]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(
        said.starts_with("36 looks of 1 people in 2 sittings"),
        "{said}"
    );
    for left_out in [
        "left out: 1 labels that are broken or name no target",
        "left out: 1 labels without a face",
        "left out: 1 labels without a picture",
        "left out: 1 pictures that are none",
        "left out: 1 pictures without a label",
    ] {
        assert!(said.contains(left_out), "{said}");
    }
    let affine = said
        .lines()
        .find(|l| l.starts_with("turn of the head, affine"))
        .unwrap();
    let numbers: Vec<f64> = (affine.split_whitespace())
        .filter_map(|w| w.parse().ok())
        .collect();
    // Exact but for the hair's breadth; the next sitting is 0.1 of 1512 px beside.
    assert!(
        numbers[0] < 12.0 && (numbers[1] - 151.0).abs() < 12.0,
        "{affine}"
    );
    let last = said.lines().last().unwrap();
    let (same, next) = (last.strip_prefix("same="))
        .and_then(|rest| rest.split_once(" next="))
        .unwrap();
    assert!(
        same.parse::<f64>().is_ok() && next.parse::<f64>().is_ok(),
        "{last}"
    );

    let output = evaluate(dir.path(), &["--json"]);
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(all["evaluation"]["sittings"], 2);
    assert_eq!(all["skipped"]["pictures that are none"], 1);
    assert_eq!(format!("{:.0}", all["same"].as_f64().unwrap()), same);
}

#[test]
fn what_cannot_be_evaluated_is_one_line_with_its_code() {
    let dir = tempfile::tempdir().unwrap();
    let said = |path: &Path| {
        let output = evaluate(path, &[]);
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (line.lines().count(), output.stdout.len()),
            (1, 0),
            "{line}"
        );
        (output.status.code().unwrap(), line)
    };
    let (code, line) = said(dir.path());
    assert!(
        code == 3 && line.contains("no img_N.jpg with img_N.json"),
        "{line}"
    );
    let (code, line) = said(&dir.path().join("gone.npz"));
    assert!(code == 3 && line.contains("cannot read"), "{line}");
    let text = dir.path().join("x.npz");
    fs::write(&text, "text").unwrap();
    let (code, line) = said(&text);
    assert!(code == 3 && line.contains("not an npz file"), "{line}");
    // One look alone makes no map.
    fs::write(dir.path().join("img_1.jpg"), jpeg()).unwrap();
    let one = label(START_MS, [0.5, 0.5], 0.0).to_string();
    fs::write(dir.path().join("img_1.json"), one).unwrap();
    let (code, line) = said(dir.path());
    assert!(
        code == 1 && line.contains("no sitting with enough targets"),
        "{line}"
    );
}
