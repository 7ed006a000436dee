//! What the commands print and how they exit.

use gaze_tests::daemon::{Running, WATCHDOG, command, finish, fresh_name};
use ring::layout::State;
use serde_json::Value;
use std::process::Output;
use std::time::Instant;

fn ask(shm: &str, args: &[&str]) -> (Output, String) {
    let mut asked = command(shm);
    asked.args(args);
    let output = finish(asked);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    (output, text)
}

#[test]
fn without_a_daemon_everybody_is_told_to_start_one() {
    let shm = fresh_name();
    for args in [
        &["status"][..],
        &["status", "--json"],
        &["watch"],
        &["watch", "--json"],
    ] {
        let (output, text) = ask(&shm, args);
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), text.as_str()),
            (Some(9), ""),
            "{args:?}"
        );
        assert!(
            line.contains("gazed run") && line.lines().count() == 1,
            "{line}"
        );
    }
}

#[test]
fn status_and_watch_speak_to_people_and_to_scripts() {
    let mut daemon = Running::start(&["--source", "null"]);
    daemon.until("a running daemon", |s| s.state() == State::Running);
    let shm = daemon.shm.clone();

    let (output, text) = ask(&shm, &["status"]);
    assert!(output.status.success());
    for word in [
        "is running",
        &daemon.pid().to_string(),
        "samples/s",
        "null",
        "calibration",
    ] {
        assert!(text.contains(word), "{word} in:\n{text}");
    }
    assert!(!text.contains('\x1b'), "colours only on a terminal");
    let (_, text) = ask(&shm, &["status", "--json"]);
    let status: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status["health"], "running");
    assert_eq!(status["pid"], daemon.pid());

    let (output, text) = ask(&shm, &["watch", "--json", "--seconds", "0.5"]);
    assert!(output.status.success());
    let samples: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert!(samples.len() > 5, "{}", samples.len());
    assert!(
        samples
            .iter()
            .all(|s| s["valid"] == false && s["reason"] == "no frames")
    );
    let (output, text) = ask(&shm, &["watch", "--seconds", "0.3"]);
    assert!(
        output.status.success() && text.contains("not valid: no frames"),
        "{text}"
    );

    // After a kill, status says so and exits otherwise.
    daemon.signal(rustix::process::Signal::KILL);
    daemon.wait();
    let until = Instant::now() + WATCHDOG;
    loop {
        let (output, text) = ask(&shm, &["status", "--json"]);
        let status: Value = serde_json::from_str(&text).unwrap();
        if output.status.code() == Some(9) {
            assert_eq!(status["health"], "died");
            break;
        }
        assert!(Instant::now() < until, "nobody noticed: {status}");
    }
}

#[test]
fn the_doctor_finds_what_is_missing() {
    let (output, text) = ask(&fresh_name(), &["doctor"]);
    assert!(output.status.success(), "{text}");
    for word in [
        "ONNX Runtime",
        "networks",
        "camera",
        "permission",
        "displays",
        "shared memory",
        "settings",
        "calibration",
    ] {
        assert!(text.contains(word), "{word} in:\n{text}");
    }
    let mut ill = command(&fresh_name());
    ill.args(["doctor", "--json"])
        .env("GAZE_MODELS", "/nonexistent");
    let output = finish(ill);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let networks = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["what"] == "networks")
        .unwrap();
    assert_eq!(
        (&report["good"], &networks["verdict"]),
        (&false.into(), &"bad".into())
    );
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    let (output, _) = ask(&fresh_name(), &["run", "--sauce", "demo"]);
    assert_eq!(output.status.code(), Some(2));
}
