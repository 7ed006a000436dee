//! The doors for bytes of others: what once broke one no longer does, every seed passes, and the
//! search would see it if one broke.

use std::path::Path;
use std::process::{Command, Output};

use gaze_tests::daemon::program;
use gaze_tests::fuzz;

fn fuzz(arguments: &[&str]) -> Output {
    let mut command = Command::new(program("gaze_fuzz"));
    command.args(arguments).output().expect("it runs")
}

#[test]
fn what_once_broke_a_door_is_answered_now() {
    let mut tried = 0;
    for entry in std::fs::read_dir(fuzz::found()).expect("a folder of them") {
        let path = entry.expect("readable").path();
        let name = path.file_name().and_then(|n| n.to_str()).expect("a name");
        let Some((door, _)) = name.strip_suffix(".bin").and_then(|n| n.split_once('-')) else {
            continue;
        };
        let output = fuzz(&["--once", door, path.to_str().expect("UTF-8")]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {errors}");
        tried += 1;
    }
    println!("{tried} inputs that once broke something");
    assert!(tried >= 4, "some are missing");
}

#[test]
fn each_door_takes_its_seeds_and_answers_whatever_else_comes() {
    let found = tempfile::tempdir().expect("a folder");
    let out = found.path().to_str().expect("UTF-8");
    let output = fuzz(&["--seconds", "600", "--inputs", "200", "--out", out]);
    let said = String::from_utf8_lossy(&output.stdout);
    let left: Vec<_> = std::fs::read_dir(out).expect("there").collect();
    assert!(output.status.success(), "{said}{left:?}");
    assert_eq!(said.lines().count(), fuzz::DOORS.len(), "{said}");
    for (door, line) in fuzz::DOORS.iter().zip(said.lines()) {
        assert!(line.starts_with(door.name), "{line}");
        let folder = Path::new(out);
        for (n, seed) in (door.seeds)().iter().enumerate() {
            let file = folder.join("seed");
            std::fs::write(&file, seed).expect("ours");
            let answer = (door.enter)(&file, seed);
            let sound = answer == "ok" || answer.ends_with("pictures");
            assert!(sound, "{}, seed {n}: {answer}", door.name);
        }
    }
}

#[test]
fn a_panic_an_abort_an_appetite_and_a_hang_are_found() {
    let found = tempfile::tempdir().expect("a folder");
    let folder = found.path().join("found");
    let out = folder.to_str().expect("UTF-8");
    let options = ["--seconds", "30", "--hang", "5", "--first", "--out", out];
    let traps = fuzz::TRAPS.map(|door| door.name);
    let output = fuzz(&[&options[..], &traps].concat());
    assert_eq!(output.status.code(), Some(1));
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("something was found")
        .flat_map(|e| e.expect("readable").file_name().into_string())
        .collect();
    names.sort();
    let expected = [
        "abort-signal6",
        "hang-hang",
        "memory-signal6",
        "panic-panic",
    ];
    assert_eq!(names.len(), expected.len(), "{names:?}");
    for (name, end) in names.iter().zip(expected) {
        assert!(name.starts_with(&format!("trap-{end}")), "{names:?}");
        // As small as can be; what hangs is left as it is.
        let length = std::fs::metadata(folder.join(name)).expect("there").len();
        assert!(length == 1 || end == "hang-hang", "{name}: {length} bytes");
    }
}
