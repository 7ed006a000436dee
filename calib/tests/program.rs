//! Drives the real program.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use gaze::affine::Affine;
use gaze::calibration::{Calibration, Grade, load};

/// From what the camera says to the truth.
const TRUTH: Affine = Affine {
    a: 0.8,
    b: 0.05,
    c: 0.1,
    d: -0.04,
    e: 1.1,
    f: -0.05,
};

/// Twenty looks at each target of a grid of `side`², a few not valid, with 1 % of noise.
fn recording(side: u32) -> String {
    let back = TRUTH.inverse().unwrap();
    let mut csv = String::from("target_x,target_y,raw_x,raw_y,valid\n");
    for i in 0..side * side {
        let step = 0.8 / f64::from(side - 1);
        let target = [
            0.1 + step * f64::from(i % side),
            0.1 + step * f64::from(i / side),
        ];
        let [x, y] = back.apply(target);
        for k in 0..20u32 {
            let noise = |seed: u32| {
                0.01 * f64::from(seed.wrapping_mul(2_654_435_761) >> 20) / 2048.0 - 0.01
            };
            let (dx, dy) = (noise(i * 40 + k + 1), noise(i * 40 + k + 900));
            let valid = k % 7 != 3;
            let x = if valid { x } else { 9.0 };
            csv += &format!(
                "{},{},{},{},{}\n",
                target[0],
                target[1],
                x + dx,
                y + dy,
                u8::from(valid)
            );
        }
    }
    csv
}

fn program(args: &[&str], home: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gaze-calib"))
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("USER", "ada")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The exit code and the one line of an error.
fn failure(output: &Output) -> (i32, String) {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(
        said.starts_with("gaze-calib: ") && said.trim_end().lines().count() == 1,
        "{said}"
    );
    (output.status.code().unwrap(), said)
}

#[test]
fn samples_become_a_stored_map_that_show_and_list_find() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("samples.csv");
    fs::write(&file, recording(3)).unwrap();
    let file = file.to_str().unwrap();

    let fitted = program(
        &["fit", file, "--camera", "cam", "--display", "edp-1"],
        home.path(),
    );
    assert!(fitted.status.success(), "{fitted:?}");
    let said = stdout(&fitted);
    assert!(
        said.contains("153 samples of 9 targets, 27 more not valid"),
        "{said}"
    );
    let path = said
        .lines()
        .find_map(|l| l.strip_prefix("stored as "))
        .unwrap();
    assert!(Path::new(path).starts_with(home.path()) && path.ends_with("ada__cam__edp-1.json"));
    let stored = load(Path::new(path)).unwrap();
    for p in [[0.0, 0.0], [1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [1.0, 1.0]] {
        let (is, truth) = (stored.map.apply(p), TRUTH.apply(p));
        assert!(
            (is[0] - truth[0]).hypot(is[1] - truth[1]) < 0.02,
            "{is:?} is not {truth:?}"
        );
    }
    assert_eq!(stored.grade, Grade::Excellent);

    let shown = program(&["show"], home.path());
    assert!(
        stdout(&shown).contains("excellent: error on left-out targets"),
        "{shown:?}"
    );
    let json = program(&["show", path, "--json"], home.path());
    assert_eq!(
        serde_json::from_slice::<Calibration>(&json.stdout).unwrap(),
        stored
    );

    let broken = Path::new(path).with_file_name("broken.json");
    fs::write(&broken, "{").unwrap();
    let listed = stdout(&program(&["list"], home.path()));
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.contains("ada / cam / edp-1"), "{listed}");
    assert!(
        listed.contains("not usable: ") && listed.contains("broken.json"),
        "{listed}"
    );
    let (code, said) = failure(&program(&["show", broken.to_str().unwrap()], home.path()));
    assert_eq!(code, 3, "{said}");
}

#[test]
fn json_lines_come_through_a_pipe_and_dry_runs_store_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut lines = String::new();
    for row in recording(4).lines().skip(1) {
        let f: Vec<&str> = row.split(',').collect();
        lines += &format!(
            "{{\"target_x\":{},\"target_y\":{},\"raw_x\":{},\"raw_y\":{},\"valid\":{}}}\n",
            f[0],
            f[1],
            f[2],
            f[3],
            f[4] == "1"
        );
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_gaze-calib"))
        .args(["fit", "-", "--dry-run", "--json", "--form", "affine"])
        .env_clear()
        .env("HOME", home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let fitted: Calibration = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((fitted.targets.len(), fitted.validate()), (16, Ok(())));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn what_goes_wrong_is_one_line_with_its_code_and_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let out = home.path().join("out");
    let fit = |file: &str| program(&["fit", file, "--out", out.to_str().unwrap()], home.path());

    let good = at("good.csv", &recording(3));
    assert!(fit(&good).status.success());
    let stored = fs::read_to_string(
        out.join(
            fs::read_dir(&out)
                .unwrap()
                .next()
                .unwrap()
                .unwrap()
                .file_name(),
        ),
    )
    .unwrap();

    let (code, said) = failure(&fit("nowhere.csv"));
    assert!(
        code == 3 && said.contains("nowhere.csv: cannot read"),
        "{said}"
    );
    let (code, said) = failure(&fit(&at("text.csv", "hello\n")));
    assert!(code == 3 && said.contains("no column target_x"), "{said}");
    let four = recording(3).lines().take(81).collect::<Vec<_>>().join("\n");
    let (code, said) = failure(&fit(&at("four.csv", &four)));
    assert!(
        code == 1 && said.contains("4 targets are too few"),
        "{said}"
    );
    // Gaze that has nothing to do with the targets.
    let mut rows: Vec<String> = recording(3).lines().map(str::to_owned).collect();
    for (i, row) in rows.iter_mut().enumerate().skip(1) {
        let f: Vec<&str> = row.split(',').collect();
        let (x, y) = ((i / 20 * 7 % 9) as f64 / 9.0, (i / 20 * 5 % 9) as f64 / 9.0);
        *row = format!("{},{},{x},{y},{}", f[0], f[1], f[4]);
    }
    let (code, said) = failure(&fit(&at("wild.csv", &rows.join("\n"))));
    assert_eq!(code, 1, "{said}");

    let files: Vec<_> = fs::read_dir(&out)
        .unwrap()
        .map(|f| f.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1);
    assert_eq!(fs::read_to_string(&files[0]).unwrap(), stored);

    // The folder to write to is a file.
    let (code, said) = failure(&program(&["fit", &good, "--out", &good], home.path()));
    assert!(
        code == 4 && said.contains("cannot make the folder"),
        "{said}"
    );
    let (code, _) = failure(&program(&["show"], home.path()));
    assert_eq!(code, 1);
    let listed = program(&["list"], home.path());
    assert!(listed.status.success() && stdout(&listed).contains("no calibrations in"));
    let usage = program(&["fit", &good, "--size-mm", "wide"], home.path());
    assert_eq!(usage.status.code(), Some(2));
    assert!(stdout(&program(&["fit", "--help"], home.path())).contains("Examples:"));
}
