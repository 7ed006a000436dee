//! What computes the networks and how urgent the threads are: asked for, refused, and said.

use std::process::Stdio;
use std::time::Instant;

use gaze_tests::daemon::{Running, WATCHDOG, command, finish, fresh_name};
use gazed::pipeline::priority;

fn status(daemon: &Running) -> (serde_json::Value, String) {
    let ask = |args: &[&str]| {
        let mut ask = command(&daemon.shm);
        ask.args(args);
        finish(ask).stdout
    };
    let json = serde_json::from_slice(&ask(&["status", "--json"])).expect("JSON");
    (json, String::from_utf8(ask(&["status"])).expect("UTF-8"))
}

/// The status as soon as samples flow and the network is measured with.
fn while_it_flows(daemon: &mut Running) -> (serde_json::Value, String) {
    daemon.until("a valid sample", |s| s.is_valid());
    status(daemon)
}

#[test]
fn coreml_that_cannot_be_had_is_said_and_the_processor_computes() {
    if cfg!(target_os = "macos") {
        return; // it can be had
    }
    let mut daemon = Running::start(&["--source", "demo", "--provider", "coreml"]);
    let (json, text) = while_it_flows(&mut daemon);
    let provider = &json["provider"];
    assert_eq!(provider["in_force"], "cpu", "{json}");
    assert_eq!(provider["fell_back"], true);
    assert_eq!(provider["compiling"], false);
    let why = "this ONNX Runtime has no CoreML";
    assert_eq!(provider["text"], why);
    let line = format!("computed by  cpu; CoreML was asked for: {why}\n");
    assert!(text.contains(&line), "{text}");
    assert_eq!(json["why"], "", "all is well otherwise");
    daemon.signal(rustix::process::Signal::TERM);
    daemon.wait();
    let said = daemon.errors();
    for network in ["face_detector", "face_landmarks", "gaze_base"] {
        let line = format!("gazed: {network} is computed by the processor, not by CoreML: {why}");
        assert_eq!(said.matches(&line).count(), 1, "{said}");
    }
}

#[test]
fn by_itself_it_asks_for_what_the_machine_has() {
    let mut daemon = Running::start(&["--source", "demo"]);
    let (json, text) = while_it_flows(&mut daemon);
    if cfg!(not(target_os = "macos")) {
        assert_eq!(json["provider"]["in_force"], "cpu", "{json}");
        assert!(text.contains("computed by  cpu\n"), "{text}");
    }
    assert_eq!(json["provider"]["fell_back"], false, "{json}");
    // As the system answers here, whatever that is.
    let denied = priority::try_both().is_err();
    assert_eq!(json["realtime"]["denied"], denied, "{json}");
    assert_eq!(text.contains("RealtimeDenied"), denied, "{text}");
}

/// Starts it where the system lets no thread go before others.
#[cfg(target_os = "linux")]
fn start_without_priority() -> Running {
    use rustix::process::{Resource, Rlimit, setrlimit};
    use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    for limit in [Resource::Nice, Resource::Rtprio] {
        setrlimit(limit, none).expect("a limit can be lowered");
    }
    // A child has of its thread what a capability may at most become.
    std::thread::spawn(|| {
        // Who is no administrator has it not to begin with.
        let _ = remove_capability_from_bounding_set(CapabilitySet::SYS_NICE);
        Running::start(&["--source", "demo"])
    })
    .join()
    .expect("it starts")
}

#[cfg(target_os = "linux")]
#[test]
fn threads_that_may_not_go_first_are_said_and_not_fatal() {
    let mut daemon = start_without_priority();
    let (json, text) = while_it_flows(&mut daemon);
    assert_eq!(json["realtime"]["denied"], true, "{json}");
    let why = json["realtime"]["why"].as_str().expect("a line");
    assert!(why.starts_with("nice -10: "), "{why}");
    let line = format!("priority     RealtimeDenied: {why}; to allow it, ");
    assert!(text.contains(&line), "{text}");
    assert_eq!(
        (&json["health"], &json["state"]),
        (&"running".into(), &"running".into())
    );
}

#[test]
fn bench_measures_what_is_here_and_says_why_the_rest_is_not() {
    let run = |args: &[&str]| {
        let mut bench = command(&fresh_name());
        bench.args(["bench", "--frames", "3"]).args(args);
        bench.stdin(Stdio::null());
        let begun = Instant::now();
        let output = finish(bench);
        assert!(begun.elapsed() < WATCHDOG);
        (
            output.status.code(),
            String::from_utf8(output.stdout).expect("UTF-8"),
        )
    };
    if cfg!(target_os = "macos") {
        return; // measured there by hand: README
    }
    let (code, text) = run(&["--provider", "coreml,cpu"]);
    assert_eq!(code, Some(0), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 6, "{text}");
    for (pair, network) in lines
        .chunks(2)
        .zip(["face_detector", "face_landmarks", "gaze_base"])
    {
        assert!(pair.iter().all(|line| line.starts_with(network)), "{text}");
        assert!(
            pair[0].contains("coreml   not here: this ONNX Runtime has no CoreML"),
            "{text}"
        );
        assert!(
            pair[1].contains("cpu ") && pair[1].trim_end().ends_with("ms"),
            "{text}"
        );
    }
    let (code, text) = run(&["--provider", "coreml", "--json"]);
    assert_eq!(code, Some(1), "nothing was measured: {text}");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let landmarks = &json["networks"][1];
    assert_eq!(landmarks["network"], "face_landmarks");
    let apart = landmarks["coreml"]["half_weights_difference"]
        .as_f64()
        .expect("a number");
    // Pixels of a picture 256 wide.
    assert!(apart > 0.0 && apart < 1.0, "{apart}");
    let (code, _) = run(&["--provider", "tpu"]);
    assert_eq!(code, Some(2));
}
