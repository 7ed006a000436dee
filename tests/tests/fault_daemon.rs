//! A daemon whose threads die, whose shared memory is taken from under it, whose camera lies,
//! whom nobody listens to, and whom everybody signals.

mod ring_support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gaze_tests::daemon::{Running, WATCHDOG, command, fresh_name};
use gaze_tests::scripted::{folder_with_face, scripted, scripted_with};
use ring::layout::{Reason, Sample, State, TOTAL_SIZE, flags};
use ring::{Health, Next, OpenError, Reader};
use ring_support::{Language, compile, talk, until};
use rustix::process::Signal;

fn null() -> Running {
    let mut daemon = Running::start(&["--source", "null"]);
    daemon.until("a running daemon", |s| s.state() == State::Running);
    daemon
}

/// Where Linux keeps an object.
fn file_of(shm: &str) -> PathBuf {
    Path::new("/dev/shm").join(&shm[1..])
}

#[test]
fn a_thread_that_dies_ends_the_daemon_and_the_header_says_why() {
    let folder = folder_with_face();
    for (thread, says) in [
        ("gaze-perceive", "gaze-perceive died: as its script says"),
        ("gaze-capture", "gaze-capture died: as its script says"),
        (
            "gaze-publish",
            "the writing thread died of a fault of its own",
        ),
    ] {
        let mut daemon = scripted(
            &folder,
            &format!(r#"{{"frames": 10}}, {{"die": "{thread}"}}, {{"frames": 100000}}"#),
        );
        let reader = daemon.reader();
        assert_eq!(daemon.wait().code(), Some(70), "{thread}");
        let errors = daemon.errors();
        let line = errors.lines().last().unwrap_or_default();
        assert!(line.contains(&format!("{thread} died")), "{errors}");
        let header = reader.header();
        assert_eq!(
            (header.reason, header.why.as_str()),
            (Reason::Fault, says),
            "{thread}"
        );
        assert_eq!(reader.health(), Health::Stopped, "{thread}");
    }
}

/// Programs that read this memory already, in Rust and in C.
fn watchers(shm: &str) -> [(&'static str, Child); 2] {
    let mut watch = command(shm);
    watch.args(["watch", "--json"]);
    let mut gaze_watch = Command::new(compile(
        "include/examples/gaze_watch.c",
        Language::C11,
        "watcher",
    ));
    gaze_watch.args(["--json", "--name", shm]);
    [("gazed watch", watch), ("gaze_watch", gaze_watch)].map(|(name, mut program)| {
        program.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = program.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        lines.read_line(&mut line).expect("UTF-8");
        assert!(line.starts_with('{'), "{name}: {line:?}");
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        (name, child)
    })
}

/// Ends the daemon by what is done to its memory, and has the next one serve.
fn taken_away(what: &str, attack: impl FnOnce(&Path), line: &str) {
    let mut daemon = null();
    let mut reader = daemon.reader();
    let mut watching = watchers(&daemon.shm);
    attack(&file_of(&daemon.shm));
    let status = daemon.wait();
    let errors = daemon.errors();
    let last = errors.lines().last().unwrap_or_default();
    assert_eq!(status.code(), Some(9), "{what}: {errors}");
    assert!(last.contains(line) && last.contains(&daemon.shm), "{last}");
    // Whatever is there now, nothing of it ends who reads it.
    let _ = (reader.header(), reader.latest(), reader.faces());
    while let Next::Sample { .. } = reader.next() {}
    let health = reader.health();
    assert!(
        matches!(health, Health::Stopped | Health::Died { .. }),
        "{what}: {health:?}"
    );
    // Who watches is told, and ends.
    for (name, child) in &mut watching {
        until(&format!("{name} ends, {what}"), || {
            child.try_wait().expect("ours").is_some()
        });
    }

    let shm = daemon.shm.clone();
    let mut next = Running::start_on(shm, |c| c.args(["--source", "null"]));
    next.until("the next one", |s| s.state() == State::Running);
    until("the old reader finds it", || {
        reader.health() == Health::Restarted && reader.reopen().is_ok()
    });
    until("its samples", || {
        matches!(reader.next(), Next::Sample { .. })
    });
    assert_eq!(reader.header().writer_pid, Some(next.pid()), "{what}");
}

#[test]
fn memory_that_is_removed_while_networks_load_ends_the_daemon_too() {
    let mut daemon = Running::start(&["--source", "demo"]);
    drop(daemon.reader());
    std::fs::remove_file(file_of(&daemon.shm)).expect("it was there");
    let status = daemon.wait();
    let errors = daemon.errors();
    assert_eq!(status.code(), Some(9), "{errors}");
    assert!(errors.contains("was removed"), "{errors}");
}

#[test]
fn a_thread_that_dies_while_nobody_listens_ends_the_daemon() {
    // A pipe that is full from the beginning, and stays so.
    let (_reader, mut full) = std::io::pipe().expect("a pipe");
    rustix::io::ioctl_fionbio(&full, true).expect("ours");
    while full.write(&[b'.'; 512]).is_ok() {}
    while full.write(b".").is_ok() {}
    rustix::io::ioctl_fionbio(&full, false).expect("ours");
    let folder = folder_with_face();
    let steps = r#"{"frames": 10}, {"die": "gaze-perceive"}, {"frames": 100000}"#;
    let mut daemon = scripted_with(&folder, steps, |c| c.stderr(full));
    assert_eq!(daemon.wait().code(), Some(70));
}

/// A file of this length full of one byte, that only we may read.
fn garbage(path: &Path, length: usize) {
    std::fs::write(path, vec![0xa5; length]).expect("ours");
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).expect("ours");
}

#[test]
fn memory_that_is_removed_replaced_or_overwritten_ends_the_daemon_with_a_word() {
    taken_away(
        "removed",
        |path| std::fs::remove_file(path).expect("it was there"),
        "was removed",
    );
    taken_away(
        "replaced",
        |path| {
            let other = path.with_extension("other");
            garbage(&other, TOTAL_SIZE);
            std::fs::rename(other, path).expect("ours");
        },
        "was replaced",
    );
    taken_away(
        "overwritten",
        |path| {
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .open(path)
                .expect("ours");
            file.write_all(&vec![0xa5; TOTAL_SIZE]).expect("written");
        },
        "was overwritten",
    );
}

#[test]
fn memory_that_is_cut_short_ends_the_daemon_and_the_next_one_makes_it_anew() {
    let mut daemon = null();
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(file_of(&daemon.shm))
        .expect("ours");
    file.set_len(100).expect("cut");
    // The system ends who stores where there is no memory; only the same user can cut it.
    let status = daemon.wait();
    assert_eq!(status.signal(), Some(Signal::BUS.as_raw()), "{status}");
    let left = Reader::open(&daemon.shm);
    assert!(matches!(left, Err(OpenError::Damaged { .. })), "{left:?}");
    let shm = daemon.shm.clone();
    let mut next = Running::start_on(shm, |c| c.args(["--source", "null"]));
    next.until("the next one", |s| s.state() == State::Running);
}

#[test]
fn where_there_is_no_shared_memory_left_it_says_so_and_leaves_nothing() {
    let shm = fresh_name();
    let gazed = command(&shm);
    // A small /dev/shm of its own, which nobody else sees.
    let mut alone = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        alone.arg("-r");
    }
    alone
        .args(["-m", "sh", "-c"])
        .arg(
            "mount -t tmpfs -o size=64k tmpfs /dev/shm || exit 99; \
             \"$0\" run --source null; code=$?; ls -A /dev/shm >&2; exit $code",
        )
        .arg(gazed.get_program());
    for (key, value) in gazed.get_envs() {
        if let Some(value) = value {
            alone.env(key, value);
        }
    }
    let output = alone.output().expect("unshare is part of every Linux");
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    let refused = errors.starts_with("unshare:") || output.status.code() == Some(99);
    if refused {
        println!("not run: nobody may have a /dev/shm of its own here: {errors}");
        return;
    }
    assert_eq!(output.status.code(), Some(9), "{errors}");
    assert!(
        errors.lines().count() == 1 && errors.contains("no room"),
        "{errors}"
    );
}

/// As often as asked, with a breath now and then, so that not all of them are one.
fn storm(daemon: &Running, signal: Signal, times: u32) {
    for i in 0..times {
        daemon.signal(signal);
        if i % 8 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn a_storm_of_signals_costs_nothing_that_lasts_and_the_last_word_holds() {
    let config = tempfile::tempdir().expect("a folder");
    let file = config.path().join("settings.json");
    let settings = |width: u32| {
        let text = format!(r#"{{"source": "null", "display_px": [{width}, 1000]}}"#);
        std::fs::write(&file, text).expect("ours");
    };
    settings(1000);
    let mut daemon = Running::start_with(|c| c.arg("--config").arg(&file).stderr(Stdio::null()));
    daemon.until("a running daemon", |s| s.state() == State::Running);
    let mut before = None;
    for width in 1001..1041 {
        settings(width);
        storm(&daemon, Signal::HUP, 100);
        // The first ones are warm-up, for the belongings.
        if width == 1008 {
            before = Some(daemon.belongings());
        }
    }
    // An even number of them.
    for _ in 0..20 {
        daemon.signal(Signal::USR1);
        std::thread::sleep(Duration::from_millis(2));
    }
    let reader = daemon.reader();
    until("the last settings", || {
        reader.header().display_px == (1040, 1000)
    });
    let (memory, threads, files) = before.expect("taken");
    until("no more threads and files than before", || {
        let now = daemon.belongings();
        now.1 <= threads && now.2 <= files
    });
    let after = daemon.belongings();
    println!("KiB, threads, files: {before:?}, then {after:?}");
    assert!(after.0 < memory + 4096, "{before:?}, then {after:?}");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn a_daemon_whom_nobody_listens_to_goes_on_and_hears() {
    // What it says goes to a pipe that nobody reads, to one that is closed, to a full disk.
    for deaf in ["unread", "closed", "full"] {
        let mut daemon = Running::start_with(|c| {
            if deaf == "full" {
                let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
                c.stderr(full.expect("every Linux has it"));
            }
            c.args(["--source", "null"])
        });
        if deaf == "closed" {
            daemon.hear_no_more();
        }
        daemon.until("a running daemon", |s| s.state() == State::Running);
        // Each answer is a line; a pipe holds a few hundred.
        for _ in 0..if deaf == "unread" { 800 } else { 50 } {
            daemon.signal(Signal::HUP);
            std::thread::sleep(Duration::from_millis(1));
        }
        let before = daemon.reader().header().sample_index;
        daemon.until("samples go on", |s| s.index > before + 30);
        daemon.signal(Signal::TERM);
        assert_eq!(daemon.wait().code(), Some(0), "{deaf}");
    }
}

/// Every sample until one is as wanted.
fn every(daemon: &mut Running, what: &str, mut done: impl FnMut(&Sample) -> bool) -> Vec<Sample> {
    let mut reader = daemon.reader();
    let (mut all, end) = (Vec::new(), Instant::now() + WATCHDOG);
    loop {
        match reader.next() {
            Next::Sample { sample, lost } => {
                assert_eq!(lost, 0);
                all.push(sample);
                if done(&sample) {
                    return all;
                }
            }
            Next::Empty => drop(reader.wait(Duration::from_millis(50))),
        }
        assert!(Instant::now() < end, "never: {what}; {:?}", all.last());
    }
}

#[test]
fn buffers_that_go_round_are_not_taken_for_a_living_camera() {
    let folder = folder_with_face();
    let mut daemon = scripted(
        &folder,
        r#"{"frames": 150}, {"cycle": 150, "of": 4}, {"frames": 100000}"#,
    );
    daemon.until("a valid sample", Sample::is_valid);
    let samples = every(&mut daemon, "a living camera again", |s| {
        s.is_valid() && s.frame_index >= 300
    });
    // Pictures 150 to 299 are 146 to 149 again: none is told as new, but of these four those
    // that a slow machine passed over the first time; and it is said.
    let told_as_new: BTreeSet<u64> = samples
        .iter()
        .filter(|s| s.has(flags::MEASURED) && (150..300).contains(&s.frame_index))
        .map(|s| s.frame_index)
        .collect();
    assert!(told_as_new.len() <= 4, "{told_as_new:?}");
    assert!(
        samples
            .iter()
            .any(|s| s.reason() == Reason::Stale && s.has(flags::STALE) && !s.is_valid())
    );
}

#[test]
fn clocks_that_are_set_and_cameras_that_come_again_turn_nothing_back() {
    let folder = folder_with_face();
    // An hour on, two hours back, and on again; then it is unplugged twice.
    let mut daemon = scripted(
        &folder,
        r#"{"frames": 60}, {"jump_ms": 3600000}, {"frames": 60}, {"jump_ms": -7200000},
           {"frames": 120}, {"jump_ms": 3601000}, {"frames": 60}, {"lose": "device_lost"},
           {"frames": 60}, {"lose": "device_busy"}, {"frames": 100000}"#,
    );
    let samples = every(&mut daemon, "valid after all", |s| {
        s.is_valid() && s.frame_index > 380
    });
    let mut before = Sample::default();
    for after in &samples {
        assert!(after.published_ns > before.published_ns);
        assert!(after.captured_ns <= after.published_ns, "{after:?}");
        let age = after.published_ns - after.captured_ns;
        assert!(!after.is_valid() || age < 300_000_000, "{after:?}");
        // (A sample of a camera that is away has no frame.)
        if after.frame_index > 0 {
            let back = after.frame_index < before.frame_index;
            assert!(!back, "{before:?}, then {after:?}");
            assert!(after.captured_ns >= before.captured_ns, "{after:?}");
            before = *after;
        }
    }
    // In each of its moods it is believed in the end.
    let mut frames = Vec::new();
    for s in samples.iter().filter(|s| s.is_valid()) {
        frames.push(s.frame_index);
    }
    for (what, range) in [
        ("as it is", 0..60),
        ("an hour ahead", 60..120),
        ("an hour behind", 150..240),
        ("a second ahead", 240..300),
        ("plugged in again", 300..360),
        ("and again", 360..1000),
    ] {
        assert!(
            frames.iter().any(|f| range.contains(f)),
            "{what}: {frames:?}"
        );
    }
    assert!(daemon.reader().header().stats.camera_reconnects >= 2);
}

#[test]
fn what_waited_through_a_stall_is_never_told_as_the_present() {
    let folder = folder_with_face();
    let mut daemon = scripted(&folder, r#"{"frames": 100000}"#);
    daemon.until("a valid sample", Sample::is_valid);
    let mut reader = daemon.reader();
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(300));
        daemon.signal(Signal::STOP);
        std::thread::sleep(Duration::from_millis(700));
        daemon.signal(Signal::CONT);
    }
    daemon.until("valid again", Sample::is_valid);
    while let Next::Sample { sample, .. } = reader.next() {
        let age = sample.published_ns.saturating_sub(sample.captured_ns);
        assert!(
            !sample.has(flags::VALID | flags::MEASURED) || age < 300_000_000,
            "{sample:?}"
        );
    }
}

/// Faults of twenty minutes at 30 pictures a second, as fast as they go: what the daemon holds
/// after the first minutes is what it holds at the end.
#[test]
fn twenty_minutes_of_faults_leave_nothing_behind() {
    let folder = folder_with_face();
    // Each round: a face, a frozen picture, darkness, damage, losses, sizes; 2,000 pictures.
    let round = r#"{"frames": 2}, {"frozen": 4}, {"cycle": 2, "of": 2}, {"size": [64, 48]},
        {"frames": 12}, {"black": 12}, {"corrupt": 1300}, {"drop": 648}, {"size": [0, 9]},
        {"frames": 8}, {"size": [320, 240]}, {"frames": 6}, {"size": [640, 480]}, {"frames": 6},"#;
    let rounds = 20;
    let steps = round.repeat(rounds) + r#"{"frames": 100000000}"#;
    let mut daemon = scripted_with(&folder, &steps, |c| c.arg("--fast").stderr(Stdio::null()));
    let reader = daemon.reader();
    let per_round = 2_000_u64;
    let frame = || reader.latest().map_or(0, |s| s.frame_index);
    let mut before = None;
    let mut moved = (0, Instant::now());
    while frame() < (rounds as u64 - 1) * per_round {
        if before.is_none() && frame() > 4 * per_round {
            before = Some((frame(), daemon.belongings()));
        }
        if frame() != moved.0 {
            moved = (frame(), Instant::now());
        }
        assert!(moved.1.elapsed() < WATCHDOG, "stands at {}", moved.0);
        std::thread::sleep(Duration::from_millis(20));
    }
    let (at, before) = before.expect("taken");
    until("no more threads and files than before", || {
        let now = daemon.belongings();
        now.1 <= before.1 && now.2 <= before.2
    });
    let after = daemon.belongings();
    println!(
        "KiB, threads, files: {before:?} at frame {at}, {after:?} at {}",
        frame()
    );
    assert!(after.0 < before.0 + 8192, "{before:?}, then {after:?}");
    // It lives, and so do its readers in C.
    let mut c = talk(&compile("tests/c/probe.c", Language::C11, "minutes"));
    assert_eq!(c.code(&format!("open {}", daemon.shm)), 0);
    until("running", || c.code("health") == 10);
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait().code(), Some(0));
}
