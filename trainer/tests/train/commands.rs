//! The programs: what they write, how they end, what they say of bad input.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use gaze_trainer::data::cache::{Cache, CacheWriter};

use super::drawn::discs;

fn store(cache: &Cache, path: &Path) {
    let mut writer = CacheWriter::create(path, &cache.header, &cache.samples).unwrap();
    for i in 0..cache.len() {
        let [l, r] = cache.wide_crops(i);
        writer.crops(l, r).unwrap();
    }
    writer.finish().unwrap();
}

fn program(args: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gaze-trainer"));
    command.args(args).current_dir(folder).stdin(Stdio::null());
    command
}

pub fn run(args: &[&str], folder: &Path) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = program(args, folder).output().unwrap();
    let text = |b: Vec<u8>| String::from_utf8(b).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

const SMALL: [&str; 6] = ["--width", "0.25", "--batch", "16", "--head", "screen"];

#[test]
fn a_run_that_is_interrupted_goes_on_and_its_network_is_made_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    store(&discs(2, 1, 2), &at.join("two.cache"));
    let train = |more: &[&str]| -> Vec<String> {
        [
            "train",
            "two.cache",
            "--json",
            "--epochs",
            "4",
            "--patience",
            "0",
        ]
        .iter()
        .chain(&SMALL)
        .chain(more)
        .map(|s| s.to_string())
        .collect()
    };
    fn words(all: &[String]) -> Vec<&str> {
        all.iter().map(String::as_str).collect()
    }
    let (code, said, err) = run(&words(&train(&["--out", "whole"])), at);
    assert_eq!(code, 0, "{err}");
    let lines: Vec<serde_json::Value> = said
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(lines.len(), 5, "an epoch each, and the end: {said}");
    assert!(
        lines[4]["stopped"] == false && lines[4]["by"] == "person",
        "{said}"
    );

    let all = train(&["--out", "cut"]);
    let mut child = program(&words(&all), at)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    let code = child.wait().unwrap().code();
    assert_eq!(code, Some(130));
    // A run that is there is not begun anew by mistake.
    let (code, _, err) = run(&words(&all), at);
    assert!(code == 2 && err.contains("--resume"), "{err}");
    let (code, _, err) = run(&words(&train(&["--out", "cut", "--resume"])), at);
    assert_eq!(code, 0, "{err}");
    let weights = |run: &str| std::fs::read(at.join(run).join("best/weights.safetensors")).unwrap();
    assert!(weights("whole") == weights("cut"), "the same network");
    assert!(at.join("cut/train.html").metadata().unwrap().len() > 2000);

    let own = [
        "personalize",
        "whole/best",
        "two.cache",
        "--person",
        "1",
        "--out",
        "own",
        "--json",
    ];
    let (code, said, err) = run(&own, at);
    assert_eq!(code, 0, "{err}");
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told["tried"].as_array().unwrap().len(), 8);
    let mean = |of: &serde_json::Value| of["mean_deg"].as_f64().unwrap();
    assert!(
        mean(&told["expected"]) > 0.0 && mean(&told["chosen"]["left_out"]) > 0.0,
        "{said}"
    );
    assert!(at.join("own/network.json").is_file() && at.join("own/weights.safetensors").is_file());

    let study: Vec<&str> = [
        "study",
        "two.cache",
        "--out",
        "study",
        "--folds",
        "2",
        "--epochs",
        "1",
        "--json",
    ]
    .into_iter()
    .chain(SMALL)
    .collect();
    let (code, said, err) = run(&study, at);
    assert_eq!(code, 0, "{err}");
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(told["points"][0]["persons"], 2, "{said}");
    assert!(at.join("study/study.html").is_file());
}

#[test]
fn a_trained_network_learns_to_tell_how_far_it_errs() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    store(&discs(12, 1, 2), &at.join("learn.cache"));
    let mut few = discs(5, 1, 2);
    few.header.persons = (0..5).map(|p| format!("other {p}")).collect();
    store(&few, &at.join("few.cache"));
    let words = "train learn.cache --out run --by person --epochs 1 --encoder compact --width 0.25";
    let go = |line: &str| run(&line.split(' ').collect::<Vec<_>>(), at);
    let (code, _, err) = go(words);
    assert_eq!(code, 0, "{err}");
    let told = "spread run/best learn.cache --out told --mirror-average";
    let (code, said, err) = go(&format!("{told} --json"));
    assert_eq!(code, 0, "{err}");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let count = |key: &str| said[key][1].as_u64().unwrap();
    assert_eq!(
        count("fitted_on") + count("stopped_by"),
        12 - said["clean"]["people"].as_u64().unwrap()
    );
    assert_eq!(
        said["rough"]["bands"].as_array().unwrap().len(),
        5,
        "{said}"
    );
    assert!(said["clean"]["nll_constant"].as_f64().is_some(), "{said}");
    // Again, on yet others, for a person to read; what is there is replaced.
    let (code, said, err) = go(&format!("{told} --check few.cache"));
    assert_eq!(code, 0, "{err}");
    assert!(
        said.contains("5 people") && said.contains("within what was told"),
        "{said}"
    );

    let exported = "export told --cache learn.cache --out exported --only fp32";
    let (code, _, err) = go(exported);
    assert!(code == 2 && err.contains("--mirror-average"), "{err}");
    let (code, said, err) = go(&format!("{exported} --mirror-average"));
    assert_eq!(code, 0, "{err}");
    assert!(said.contains("spread off by"), "{said}");
    let bytes = std::fs::read(at.join("exported/gaze.onnx")).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains(r#""spread":"spread""#) && text.contains(r#""version":"2""#));

    let before = listed(at);
    for (line, wanted, words) in [
        (
            "spread run/best few.cache --out bad",
            3,
            "5 people are too few",
        ),
        (
            "spread run/best learn.cache --out bad --check learn.cache",
            3,
            "0 and 11 more of --check would be fitted on",
        ),
        ("spread none few.cache --out bad", 5, "no checkpoint"),
        ("spread run/best none.cache --out bad", 5, "none.cache"),
        (
            "spread run/best learn.cache --out learn.cache/x",
            4,
            "cannot be written",
        ),
    ] {
        let (code, said, err) = go(line);
        assert_eq!(code, wanted, "{line}: {err}");
        let last = err.lines().last().unwrap_or_default();
        assert!(
            last.starts_with("gaze-trainer: ") && last.contains(words),
            "{err}"
        );
        assert!(said.is_empty(), "{said}");
        assert_eq!(listed(at), before);
    }
    // Two of other chances as one, which learns to tell and is exported like any other.
    let again = words.replace("--out run", "--out again --seed 2");
    assert_eq!(go(&again).0, 0);
    let (code, said, err) = go("committee run/best again/best --out both --json");
    assert_eq!(code, 0, "{err}");
    assert_eq!(said.trim(), r#"{"members":2,"out":"both"}"#);
    let (code, _, err) = go("spread both learn.cache --out both-told --mirror-average");
    assert_eq!(code, 0, "{err}");
    let all = "export both-told --cache learn.cache --out of-both --mirror-average";
    let (code, _, err) = go(all);
    assert_eq!(code, 0, "{err}");
    let sizes = ["exported", "of-both"].map(|f| at.join(f).join("gaze.onnx"));
    let [one, two] = sizes.map(|f| std::fs::metadata(f).unwrap().len());
    assert!((2 * one).abs_diff(two) < one / 4, "{one} and {two} bytes");

    let screen = "train learn.cache --out points --head screen --by person --epochs 1 --encoder compact --width 0.25";
    assert_eq!(go(screen).0, 0);
    let (code, _, err) = go("spread points/best learn.cache --out bad");
    assert!(code == 3 && err.contains("only lines of sight"), "{err}");
    let (code, _, err) = go("committee run/best points/best --out bad");
    assert!(code == 3 && err.contains("network 2"), "{err}");
    assert!(!at.join("bad").exists());
}

#[test]
fn drawn_people_are_compared_by_kind_and_the_programs_end_well() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let network = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/gaze_base.onnx");
    let draw = "eyes some.cache --anywhere --persons 4 --looks 3 --size 48";
    let (code, _, err) = run(&draw.split(' ').collect::<Vec<_>>(), at);
    assert_eq!(code, 0, "{err}");
    let (code, said, err) = run(&["rays", "some.cache", "--network", network, "--json"], at);
    assert_eq!(code, 0, "{err}");
    let told: serde_json::Value = serde_json::from_str(&said).unwrap();
    let count = |what: &str| -> u64 {
        let rows = told["rows"].as_array().unwrap().iter();
        let those = rows.filter(|r| r["looks"].as_str().unwrap().contains(what));
        those.map(|r| r["count"].as_u64().unwrap()).sum()
    };
    assert!(count("all") >= 6, "{said}");
    // Everybody wears glasses or none, and has some skin.
    assert_eq!(
        (count("glasses"), count("skin")),
        (count("all"), count("all"))
    );
}

#[test]
fn bad_input_is_one_line_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut one_target = discs(2, 1, 1);
    one_target.samples.iter_mut().for_each(|s| s.target = 0);
    store(&one_target, &at.join("target.cache"));
    store(&discs(1, 1, 1), &at.join("person.cache"));
    let none = Cache::from_parts(
        gaze_trainer::data::cache::CacheHeader {
            samples: 0,
            ..one_target.header.clone()
        },
        vec![],
        vec![],
    );
    store(&none, &at.join("none.cache"));
    let mut blind = discs(2, 1, 1);
    blind.samples.iter_mut().for_each(|s| s.ray = None);
    store(&blind, &at.join("rayless.cache"));
    std::fs::write(at.join("text.cache"), "no cache").unwrap();
    std::fs::create_dir(at.join("pictures")).unwrap();
    std::fs::write(at.join("file"), "in the way").unwrap();
    let before: Vec<PathBuf> = listed(at);
    let cases: [(&[&str], i32, &str); 15] = [
        (&["target.cache", "--dashboard"], 2, "needs a terminal"),
        (&["none.cache"], 3, "none can be learned from"),
        (&["target.cache"], 3, "one target only"),
        (&["person.cache", "--by", "person"], 3, "--by target"),
        (&["person.cache"], 3, "one sitting only"),
        (&["rayless.cache"], 3, "--screen-mm"),
        (&["text.cache"], 5, "no cache"),
        (&["missing.cache"], 5, "missing.cache"),
        (&["pictures"], 5, "gaze-trainer prepare pictures"),
        (
            &["rayless.cache", "--head", "screen", "--folds", "1"],
            3,
            "use 2 or more",
        ),
        (
            &["rayless.cache", "--head", "screen", "--fold", "9"],
            2,
            "fold is 9",
        ),
        (&["target.cache", "--batch", "1"], 2, "use 2 to 4096"),
        (&["target.cache", "--width", "7"], 2, "0.25 to 1"),
        (&["target.cache", "--device", "abacus"], 2, "abacus"),
        (
            &["rayless.cache", "--head", "screen", "--weights", "file"],
            5,
            "file",
        ),
    ];
    for (args, wanted, words) in cases {
        let all: Vec<&str> = ["train"]
            .into_iter()
            .chain(args.iter().copied())
            .chain(["--out", "out"])
            .collect();
        let (code, said, err) = run(&all, at);
        assert_eq!(code, wanted, "{args:?}: {err}");
        let last = err.lines().last().unwrap_or_default();
        assert!(
            last.starts_with("gaze-trainer: ") && last.contains(words),
            "{args:?}: {err}"
        );
        assert!(
            said.is_empty() && err.lines().count() <= 2,
            "{args:?}: {err}"
        );
        assert_eq!(listed(at), before, "{args:?}");
    }
    // A run that ran away, a folder that cannot be, and nothing to go on from.
    let quick = [
        "train",
        "rayless.cache",
        "--head",
        "screen",
        "--width",
        "0.25",
        "--epochs",
        "1",
        "--out",
    ];
    let with = |more: &[&str]| run(&quick.iter().chain(more).copied().collect::<Vec<_>>(), at);
    let (code, _, err) = with(&["file/run"]);
    assert!(
        code == 4 && err.contains("give another --out"),
        "{code} {err}"
    );
    let (code, _, err) = with(&["out", "--resume"]);
    assert!(
        code == 5 && err.contains("without --resume"),
        "{code} {err}"
    );
    let (code, _, err) = run(&["personalize", "out", "person.cache", "--out", "own"], at);
    assert!(code == 5 && err.lines().count() == 1, "{err}");
    let (code, _, err) = run(&["study", "person.cache", "--out", "out"], at);
    assert!(code == 3 && err.contains("one person only"), "{err}");
    assert_eq!(listed(at), before);
}

/// A system that refuses memory; one that promises what it has not kills, and nobody can test it.
#[cfg(target_os = "linux")]
#[test]
fn memory_that_is_refused_is_one_line_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    store(&discs(2, 1, 8), &at.join("two.cache"));
    let before = listed(at);
    let words = [
        "train",
        "two.cache",
        "--head",
        "screen",
        "--by",
        "person",
        "--width",
        "1",
        "--stem-stride",
        "1",
        "--batch",
        "144",
        "--out",
        "out",
    ];
    let done = Command::new("sh")
        .args(["-c", "ulimit -v 400000; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_gaze-trainer"))
        .args(words)
        .current_dir(at)
        .output()
        .unwrap();
    let err = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(6), "{err}");
    let last = err.lines().last().unwrap();
    let line = "gaze-trainer: memory is not enough";
    assert!(last.starts_with(line) && last.contains("--batch"), "{err}");
    assert!(err.lines().count() <= 2, "{err}");
    assert_eq!(listed(at), before);
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    all.sort();
    all
}
