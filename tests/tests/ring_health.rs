//! Every answer that a reader can get, given by the Rust and by the C reader.

mod ring_support;

use ring::layout::{AssistantStatus, CalibrationStatus, ClipsStatus, Provider};
use ring::{Health, Next, OpenError, Reader, Woke, Writer, WriterConfig};
use ring_support::{Language, Name, Talker, probe, try_writer, until, writer};
use rustix::process::Signal;
use std::time::{Duration, Instant};

// gaze.h's numbers.
const OK: i32 = 0;
const TIMED_OUT: i32 = 2;
const RUNNING: i32 = 10;
const STARTING: i32 = 11;
const STALLED: i32 = 12;
const STOPPED: i32 = 13;
const DIED: i32 = 14;
const RESTARTED: i32 = 15;
const NOT_THERE: i32 = 20;
const OTHER_VERSION: i32 = 21;
const FOREIGN_OWNER: i32 = 22;
const TOO_OPEN: i32 = 23;
const DAMAGED: i32 = 24;
const BAD_NAME: i32 = 25;

/// Both readers of one object.
struct Both {
    rust: Reader,
    c: Talker,
}

impl Both {
    fn open(name: &Name, what: &str) -> Self {
        let mut c = probe(Language::C11, what);
        assert_eq!(c.code(&format!("open {}", name.0)), OK);
        Self {
            rust: Reader::open(&name.0).expect("it is there"),
            c,
        }
    }

    fn both_say(&mut self, rust: impl Fn(Health) -> bool, c: i32, what: &str) {
        until(what, || rust(self.rust.health()));
        until(what, || self.c.code("health") == c);
    }
}

#[test]
fn running_stalled_running_again_died_restarted() {
    let name = Name::new("health");
    let mut first = writer(&name, "200");
    let mut readers = Both::open(&name, "health");
    readers.both_say(|h| h == Health::Running, RUNNING, "running");

    first.signal(Signal::STOP);
    readers.both_say(|h| matches!(h, Health::Stalled { .. }), STALLED, "stalled");
    first.signal(Signal::CONT);
    readers.both_say(|h| h == Health::Running, RUNNING, "running again");

    first.murder();
    let pid = first.pid();
    // Still a zombie: its process id exists, but nobody is there.
    readers.both_say(|h| h == Health::Died { pid }, DIED, "died");

    let last = readers.rust.latest().expect("what it left behind").index;
    let second = writer(&name, "200");
    readers.both_say(|h| h == Health::Restarted, RESTARTED, "restarted");
    readers.rust.reopen().expect("reopens by name");
    assert_eq!(readers.c.code("reopen"), OK);
    readers.both_say(|h| h == Health::Running, RUNNING, "running");
    until("new samples", || {
        readers.rust.latest().is_some_and(|s| s.index > last)
    });
    let header = readers.rust.header();
    assert_eq!((header.epoch, header.writer_pid), (2, Some(second.pid())));
}

#[test]
fn a_writer_that_cannot_be_looked_at_is_not_called_dead() {
    use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
    let name = Name::new("hidden");
    let writer = writer(&name, "100");
    let mut c = probe(Language::C11, "hidden");
    assert_eq!(c.code(&format!("open {}", name.0)), 0);
    writer.signal(Signal::STOP);
    // No descriptor is free with which it could look.
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    prlimit(Some(Pid::from_child(&c.child)), Resource::Nofile, none).expect("our child");
    until("stalled", || c.code("health") == STALLED);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(c.code("health"), STALLED);
    writer.signal(Signal::CONT);
}

#[test]
fn stopped_and_then_another_object() {
    let name = Name::new("stop");
    let mut first = writer(&name, "200");
    let mut readers = Both::open(&name, "stop");
    until("samples", || readers.rust.latest().is_some());
    first.tell("unlink");
    assert_eq!(first.finish(), 0);
    readers.both_say(|h| h == Health::Stopped, STOPPED, "stopped");
    while let Next::Sample { .. } = readers.rust.next() {}
    assert_eq!(readers.c.ask("drain"), "ok");
    assert_eq!(
        readers.rust.wait(Duration::from_secs(60)),
        Woke::Stopped,
        "at once"
    );
    assert_eq!(readers.c.code("wait 60000"), STOPPED, "at once");
    assert!(matches!(
        Reader::open(&name.0),
        Err(OpenError::NotThere { .. })
    ));
    assert_eq!(
        readers.rust.health(),
        Health::Stopped,
        "a failed reopen changes nothing"
    );
    assert!(readers.rust.reopen().is_err());
    assert_eq!(readers.c.code("reopen"), NOT_THERE);

    // Another object under the same name: found by name, read from its newest.
    let _second = writer(&name, "200");
    readers.both_say(|h| h == Health::Restarted, RESTARTED, "restarted");
    readers.rust.reopen().expect("reopens by name");
    assert_eq!(readers.c.code("reopen"), OK);
    readers.both_say(|h| h == Health::Running, RUNNING, "running");
    until("samples again", || {
        matches!(readers.rust.next(), Next::Sample { .. })
    });
}

#[test]
fn a_clean_end_that_keeps_the_object_says_stopped_to_those_who_open_later() {
    let name = Name::new("kept");
    let mut first = writer(&name, "200");
    until("samples", || {
        Reader::open(&name.0).is_ok_and(|r| r.latest().is_some())
    });
    first.tell("close");
    assert_eq!(first.finish(), 0);
    let mut readers = Both::open(&name, "kept");
    readers.both_say(|h| h == Health::Stopped, STOPPED, "stopped");
    let header = readers.rust.header();
    assert_eq!(header.state, ring::layout::State::Stopped);
    assert!(header.stopped_ns > header.started_ns && header.writer_pid.is_none());
    assert!(
        readers.rust.latest().is_some(),
        "the last samples are still there"
    );

    // The next writer takes the same object; no sample is skipped.
    let before = readers.rust.header().sample_index;
    let _second = writer(&name, "50");
    readers.both_say(|h| h == Health::Restarted, RESTARTED, "restarted");
    until("samples go on", || {
        readers.rust.header().sample_index > before + 1
    });
    while let Next::Sample { sample, .. } = readers.rust.next() {
        if sample.index > before {
            assert_eq!(sample.index, before + 1);
            return;
        }
    }
    panic!("the indices do not go on");
}

#[test]
fn starting_until_the_first_state_and_before_the_version() {
    let name = Name::new("start");
    // Its heart beats only at the beginning.
    let stall_after = Duration::from_secs(3600);
    let config = WriterConfig {
        stall_after,
        ..WriterConfig::default()
    };
    let mut own = Writer::create(&name.0, &config).expect("nobody else");
    let mut readers = Both::open(&name, "start");
    readers.both_say(|h| h == Health::Starting, STARTING, "starting");
    own.set_state(ring::layout::State::Running, ring::layout::Reason::None, "");
    readers.both_say(|h| h == Health::Running, RUNNING, "running");
    assert_eq!(readers.rust.wait(Duration::from_millis(5)), Woke::TimedOut);
    assert_eq!(readers.c.code("wait 5"), TIMED_OUT);
    own.unlink();

    // An object that its maker has not sized, and one that it has not finished.
    for bytes in [vec![], vec![0; ring::layout::TOTAL_SIZE]] {
        put(&name, &bytes, 0o600);
        assert!(matches!(
            Reader::open(&name.0),
            Err(OpenError::Starting { .. })
        ));
        assert_eq!(readers.c.code(&format!("open {}", name.0)), STARTING);
    }
}

#[test]
fn what_is_not_there_not_ours_or_not_sound_is_told_apart() {
    let name = Name::new("bad");
    let mut c = probe(Language::C11, "bad");
    let mut check = |what: &str, rust: fn(&OpenError) -> bool, code: i32| {
        let error = Reader::open(&name.0).expect_err(what);
        assert!(rust(&error), "{what}: {error}");
        assert!(error.to_string().contains(&name.0), "{error}");
        assert_eq!(c.code(&format!("open {}", name.0)), code, "{what}");
    };
    check(
        "nothing",
        |e| matches!(e, OpenError::NotThere { .. }),
        NOT_THERE,
    );

    Writer::create(&name.0, &WriterConfig::default())
        .expect("nobody else")
        .close();
    let sound = std::fs::read(name.path()).expect("an object");
    let damaged: fn(&OpenError) -> bool = |e| matches!(e, OpenError::Damaged { .. });

    for mode in [0o640, 0o604, 0o660] {
        put(&name, &sound, mode);
        check(
            "others let in",
            |e| matches!(e, OpenError::TooOpen { .. }),
            TOO_OPEN,
        );
    }
    for length in [1, 127, 128, 4096, sound.len() - 1] {
        put(&name, &sound[..length], 0o600);
        check("cut short", damaged, DAMAGED);
    }
    put(&name, &vec![0x5a; sound.len()], 0o600);
    check("garbage", damaged, DAMAGED);
    // Each field that says how long or where something is.
    for at in (16..56).step_by(4) {
        let mut bytes = sound.clone();
        bytes[at] ^= 4;
        put(&name, &bytes, 0o600);
        check("a wrong size", damaged, DAMAGED);
    }
    // Newer ones that this reader is too old for.
    let other: fn(&OpenError) -> bool = |e| matches!(e, OpenError::OtherVersion { .. });
    for (version, since) in [(6_u32, 6_u32), (8, 7)] {
        let mut bytes = sound.clone();
        bytes[8..12].copy_from_slice(&version.to_le_bytes());
        bytes[12..16].copy_from_slice(&since.to_le_bytes());
        put(&name, &bytes, 0o600);
        check("another version", other, OTHER_VERSION);
        // However short that version is.
        put(&name, &bytes[..4096], 0o600);
        check("another version", other, OTHER_VERSION);
    }
    // A newer one that still serves this reader.
    let mut bytes = sound.clone();
    bytes[8] = 6;
    put(&name, &bytes, 0o600);
    assert!(Reader::open(&name.0).is_ok());
    assert_eq!(c.code(&format!("open {}", name.0)), OK);
    // The first version had zeros where the calibration's note is now, the second where that
    // on clips is, the third where that on what computes is, the fourth where the assistant's is.
    bytes[8] = 4;
    bytes[216..224].fill(0);
    bytes[110_112..110_528].fill(0);
    put(&name, &bytes, 0o600);
    let old = Reader::open(&name.0)
        .expect("the fourth version is read")
        .header();
    let unknown = AssistantStatus::Unknown;
    assert_eq!((old.version, old.assistant.status()), (4, unknown));
    assert_eq!(c.code(&format!("open {}", name.0)), OK);
    assert_eq!(c.ask("assistant"), "0|unknown|none|0|none|0|0|0|0|0|0|0|0|");
    bytes[8] = 3;
    bytes[208..216].fill(0);
    bytes[109_568..110_112].fill(0);
    put(&name, &bytes, 0o600);
    let old = Reader::open(&name.0)
        .expect("the third version is read")
        .header();
    assert_eq!((old.version, old.engine.provider()), (3, Provider::Unknown));
    assert_eq!(c.code(&format!("open {}", name.0)), OK);
    assert_eq!(c.ask("engine"), "0|unknown|0||");
    bytes[8] = 2;
    bytes[200..208].fill(0);
    bytes[1664..2048].fill(0);
    put(&name, &bytes, 0o600);
    let old = Reader::open(&name.0)
        .expect("the second version is read")
        .header();
    assert_eq!((old.version, old.clips.status()), (2, ClipsStatus::Unknown));
    assert_eq!(c.code(&format!("open {}", name.0)), OK);
    assert_eq!(c.ask("clips"), "0|unknown|0|0|0|0|0|0|0|");
    bytes[8] = 1;
    bytes[192..200].fill(0);
    bytes[1280..1664].fill(0);
    put(&name, &bytes, 0o600);
    let old = Reader::open(&name.0)
        .expect("the first version is read")
        .header();
    assert_eq!(
        (old.version, old.calibration.status()),
        (1, CalibrationStatus::Unknown)
    );
    assert_eq!(c.code(&format!("open {}", name.0)), OK);
    assert_eq!(c.ask("calibration"), "0|unknown|unknown|0|nan|0||");

    for bad in [
        "no-slash",
        "/",
        "/a/b",
        "/..",
        "/longer-than-the-31-that-macos-takes",
    ] {
        assert!(
            matches!(Reader::open(bad), Err(OpenError::BadName { .. })),
            "{bad}"
        );
        assert_eq!(c.code(&format!("open {bad}")), BAD_NAME, "{bad}");
    }
    std::fs::remove_file(name.path()).expect("there");
    std::os::unix::fs::symlink("/dev/null", name.path()).expect("a link");
    assert!(damaged(&Reader::open(&name.0).expect_err("a link")));
    assert_eq!(c.code(&format!("open {}", name.0)), DAMAGED);
}

#[test]
fn an_object_of_another_user_is_refused() {
    // Elsewhere the decision itself is tested without root, in the crate.
    if !rustix::process::geteuid().is_root() {
        println!("not run: only root can make another user's object");
        return;
    }
    let name = Name::new("user");
    Writer::create(&name.0, &WriterConfig::default())
        .expect("nobody else")
        .close();
    // Root's object, seen by nobody (65534): the system refuses.
    let mut other = ring_support::probe_of_user(65534, "user");
    assert_eq!(other.code(&format!("open {}", name.0)), FOREIGN_OWNER);
    // Nobody's object, seen by root: the reader refuses.
    std::os::unix::fs::chown(name.path(), Some(65534), None).expect("root may");
    let mut c = probe(Language::C11, "user");
    assert_eq!(c.code(&format!("open {}", name.0)), FOREIGN_OWNER);
    let error = Reader::open(&name.0).expect_err("foreign");
    assert!(
        matches!(
            error,
            OpenError::ForeignOwner {
                uid: Some(65534),
                ..
            }
        ),
        "{error}"
    );
    let mut writer = try_writer(&name, "60");
    assert!(writer.hear().contains("belongs to user 65534"));
}

#[test]
fn a_sleeping_reader_is_woken_by_a_sample_and_by_the_end() {
    let name = Name::new("wake");
    let mut own = Writer::create(&name.0, &WriterConfig::default()).expect("nobody else");
    let mut c = probe(Language::C11, "wake");
    assert_eq!(c.code(&format!("open {}", name.0)), OK);
    let mut reader = Reader::open(&name.0).expect("it is there");
    let limit = Duration::from_secs(120);
    let start = Instant::now();

    c.tell("wait 120000");
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| reader.wait(limit));
        // Time to fall asleep; if it has not, the test is easier, not wrong.
        std::thread::sleep(Duration::from_millis(50));
        own.publish(&mut ring::layout::Sample::default());
        own.wake();
        assert_eq!(sleeper.join().expect("no panic"), Woke::Sample);
    });
    assert_eq!(c.hear(), OK.to_string());
    assert!(matches!(reader.next(), Next::Sample { lost: 0, .. }));
    assert_eq!(c.ask("drain"), "ok");

    c.tell("wait 120000");
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| reader.wait(limit));
        std::thread::sleep(Duration::from_millis(50));
        own.unlink();
        assert_eq!(sleeper.join().expect("no panic"), Woke::Stopped);
    });
    assert_eq!(c.hear(), STOPPED.to_string());
    assert!(
        start.elapsed() < limit,
        "they slept until the time was over"
    );
}

/// Puts bytes where an object would be.
fn put(name: &Name, bytes: &[u8], mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    let _ = std::fs::remove_file(name.path());
    std::fs::write(name.path(), bytes).expect("/dev/shm is writable");
    std::fs::set_permissions(name.path(), PermissionsExt::from_mode(mode)).expect("ours");
}
