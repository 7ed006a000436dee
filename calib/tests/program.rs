//! Drives the real program.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use gaze::affine::Affine;
use gaze::calibration::selection::{self, Selection};
use gaze::calibration::{Calibration, DisplayRecord, Grade, load, network_id};
use gaze::screen::Screen;

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

/// What samples were made with.
const HERE: [&str; 10] = [
    "--camera",
    "cam",
    "--display",
    "edp-1",
    "--network",
    "net",
    "--size-px",
    "1512x982",
    "--size-mm",
    "302x196",
];

/// The shared memory of this test process: nobody's, unless a test makes it.
fn shm(test: &str) -> String {
    format!("/gaze-c-{test}-{}", std::process::id())
}

fn command(args: &[&str], home: &Path, shm: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gaze-calib"));
    command
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("USER", "ada")
        .env("GAZE_SHM", shm)
        .stdin(Stdio::null());
    command
}

fn program(args: &[&str], home: &Path) -> Output {
    command(args, home, &shm("none")).output().unwrap()
}

/// Fits the file as recorded [`HERE`], with more arguments.
fn fit(file: &Path, more: &[&str], home: &Path) -> Output {
    let mut args = vec!["fit", file.to_str().unwrap()];
    args.extend(HERE);
    args.extend(more);
    program(&args, home)
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

    let fitted = fit(&file, &[], home.path());
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
    assert!(
        listed.contains("* ") && listed.contains("ada / cam / edp-1"),
        "{listed}"
    );
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
    let setup = serde_json::json!({ "setup": {
        "user": "bea", "camera": "other", "network": "net",
        "display": DisplayRecord::of("HDMI-1", &Screen::laptop(2560, 1440)),
    }, "recorded_unix_s": 1_700_000_000});
    let lines = format!("{setup}\n{lines}");
    let args = ["fit", "-", "--dry-run", "--json", "--form", "affine"];
    let mut child = command(&args, home.path(), &shm("none"))
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
    assert_eq!((&*fitted.user, &*fitted.display.id), ("bea", "HDMI-1"));
    assert_eq!(fitted.display.width_px, 2560);
    assert_eq!(fitted.created_unix_s, 1_700_000_000, "as old as its looks");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn what_goes_wrong_is_one_line_with_its_code_and_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let out = home.path().join("out");
    let fit = |file: &Path| fit(file, &["--out", out.to_str().unwrap()], home.path());

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

    let (code, said) = failure(&fit(Path::new("nowhere.csv")));
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
    let (code, said) = failure(&self::fit(
        &good,
        &["--out", good.to_str().unwrap()],
        home.path(),
    ));
    assert!(
        code == 4 && said.contains("cannot make the folder"),
        "{said}"
    );
    let (code, _) = failure(&program(&["show"], home.path()));
    assert_eq!(code, 1);
    let listed = program(&["list"], home.path());
    assert!(listed.status.success() && stdout(&listed).contains("no calibrations in"));
    let usage = program(&["fit", "good.csv", "--size-mm", "wide"], home.path());
    assert_eq!(usage.status.code(), Some(2));
    let good = good.to_str().unwrap();
    let missing = [
        (0..0, "which camera?"),
        (0..2, "which display?"),
        (0..4, "how large is display edp-1?"),
    ];
    for (given, asked) in missing {
        let mut args = vec!["fit", good, "--dry-run"];
        args.extend(&HERE[given]);
        let (code, said) = failure(&program(&args, home.path()));
        assert!(code == 2 && said.contains(asked), "{said}");
    }
    assert!(stdout(&program(&["fit", "--help"], home.path())).contains("Examples:"));
}

/// Twenty looks at each target that the map of a calibration gets wrong by so much.
fn careless(csv: &str, off: f64) -> String {
    let rows = csv.lines().enumerate().map(|(i, row)| {
        let f: Vec<&str> = row.split(',').collect();
        let Ok(x) = f[2].parse::<f64>() else {
            return row.to_owned();
        };
        let off = if i / 20 % 2 == 0 { off } else { -off };
        format!("{},{},{},{},{}", f[0], f[1], x + off, f[3], f[4])
    });
    rows.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_second_fit_remembers_the_first_and_says_when_it_is_worse() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("samples.csv");
    fs::write(&file, recording(3)).unwrap();
    let history = |more: &[&str]| {
        let output = fit(&file, more, home.path());
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        let stored: Calibration = serde_json::from_slice(&output.stdout).unwrap();
        let taught = !stored.history.is_empty() && !more.contains(&"--no-history");
        assert_eq!(stored.history_used, taught);
        (stored.history.len(), said)
    };
    assert_eq!(history(&["--json"]), (0, String::new()));
    // The same recording teaches nothing new.
    assert_eq!(history(&["--json"]), (0, String::new()));
    fs::write(&file, careless(&recording(3), 0.001)).unwrap();
    assert_eq!(history(&["--json"]), (1, String::new()));
    fs::write(&file, careless(&recording(3), 0.002)).unwrap();
    assert_eq!(history(&["--json", "--dry-run"]), (2, String::new()));
    // Not used, and not forgotten either.
    assert_eq!(history(&["--json", "--no-history"]), (2, String::new()));

    fs::write(&file, careless(&recording(3), 0.05)).unwrap();
    let (_, said) = history(&["--json"]);
    assert!(said.contains("worse than before"), "{said}");
    fs::write(&file, careless(&recording(3), 0.09)).unwrap();
    assert_eq!(history(&["--json", "--yes"]).1, "");
}

#[test]
fn camera_and_network_are_the_running_daemons() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("samples.csv");
    fs::write(&file, recording(3)).unwrap();
    let shm = shm("hdr");
    let mut daemon = ring::Writer::create(&shm, &ring::WriterConfig::default()).unwrap();
    daemon.set_network(&[9; 32], "geometric-3");
    daemon.set_camera("Front");
    let mut args = vec!["fit", file.to_str().unwrap(), "--json"];
    args.extend(&HERE[2..4]);
    args.extend(&HERE[6..]);
    let output = command(&args, home.path(), &shm).output().unwrap();
    let stored: Calibration = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(stored.camera, "Front");
    assert_eq!(
        stored.network,
        network_id("geometric-3", 0x0909_0909_0909_0909)
    );
    daemon.unlink();
}

#[test]
fn use_selects_a_user_and_everybody_follows() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/gaze/calibration");
    let file = home.path().join("samples.csv");
    fs::write(&file, recording(3)).unwrap();
    assert!(fit(&file, &["--user", "bea"], home.path()).status.success());

    let said = stdout(&program(&["use", "carl"], home.path()));
    assert!(
        said.contains("carl is selected and has no calibration yet"),
        "{said}"
    );
    let display = DisplayRecord::of("edp-1", &Screen::laptop(1512, 982));
    selection::write(&Selection::new("carl", Some(display.clone())), &folder).unwrap();
    let said = stdout(&program(&["use", "bea"], home.path()));
    assert!(
        said.contains("bea is selected:") && said.contains("bea / cam / edp-1"),
        "{said}"
    );
    let selected = selection::load(&folder).unwrap();
    assert_eq!(
        (&*selected.user, selected.display),
        ("bea", Some(display.clone())),
        "the display stays"
    );
    let json = program(&["use", "bea", "--json"], home.path());
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["calibrations"].as_array().unwrap().len(), 1);
    assert_eq!(program(&["use", ""], home.path()).status.code(), Some(2));
    // One that cannot be read is not lost.
    fs::write(folder.join("selection"), "{\"schema\": 1, \"user\"").unwrap();
    let said = program(&["use", "bea"], home.path());
    let said = String::from_utf8(said.stderr).unwrap();
    assert!(
        said.contains("selection.bak: ") && said.contains("EOF"),
        "{said}"
    );
    let kept = fs::read_to_string(folder.join("selection.bak")).unwrap();
    assert_eq!(kept, "{\"schema\": 1, \"user\"");
    let display = Some(display);
    selection::write(&Selection::new("bea", display), &folder).unwrap();

    // Who is selected is who is meant; their display is known, and its size.
    let args = [
        "fit",
        file.to_str().unwrap(),
        "--camera",
        "cam",
        "--network",
        "net",
        "--json",
    ];
    let fitted: Calibration = serde_json::from_slice(&program(&args, home.path()).stdout).unwrap();
    assert_eq!((&*fitted.user, fitted.display.width_px), ("bea", 1512));
}

#[test]
fn reset_removes_what_it_was_told_to_and_only_when_agreed() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/gaze/calibration");
    let file = home.path().join("samples.csv");
    fs::write(&file, recording(3)).unwrap();
    for (user, display) in [("ada", "edp-1"), ("ada", "hdmi-1"), ("bea", "edp-1")] {
        let more = ["--user", user, "--display", display];
        let mut args = vec!["fit", file.to_str().unwrap()];
        args.extend(HERE.iter().filter(|a| !["--display", "edp-1"].contains(a)));
        args.extend(more);
        assert!(program(&args, home.path()).status.success());
    }
    fs::write(folder.join("ada__old__edp-1.json"), "{\"schema\": 1}").unwrap();
    // Somebody's own file, and what is kept of replaced ones.
    fs::write(folder.join("notes.json"), "{}").unwrap();
    for of in ["ada__cam__edp-1", "bea__gone__edp-1"] {
        fs::write(folder.join(format!("{of}.json.bak")), "{").unwrap();
    }
    selection::write(&Selection::new("ada", None), &folder).unwrap();
    let left = || {
        let mut names: Vec<String> = fs::read_dir(&folder)
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let all = left();
    assert_eq!(all.len(), 8);

    let (code, said) = failure(&program(&["reset"], home.path()));
    assert!(code == 2 && said.contains("--yes"), "{said}");
    assert_eq!(left(), all);
    let said = stdout(&program(
        &["reset", "--user", "nobody", "--yes"],
        home.path(),
    ));
    assert!(said.contains("nothing to remove of nobody"), "{said}");
    assert_eq!(left(), all);

    let said = stdout(&program(
        &["reset", "--display", "edp-1", "--yes"],
        home.path(),
    ));
    assert!(
        said.contains("ada / cam / edp-1") && said.contains("ada__old__edp-1.json"),
        "{said}"
    );
    assert_eq!(
        left(),
        [
            "ada__cam__hdmi-1.json",
            "bea__cam__edp-1.json",
            "bea__gone__edp-1.json.bak",
            "notes.json",
            "selection"
        ]
    );
    let json = program(&["reset", "--all", "--yes", "--json"], home.path());
    assert_eq!(stdout(&json).lines().count(), 3);
    assert_eq!(left(), ["notes.json", "selection"]);
    let both = program(&["reset", "--all", "--user", "ada"], home.path());
    assert_eq!(both.status.code(), Some(2));
}
