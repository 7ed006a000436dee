//! Who may write: one, and after a crash the next.

mod ring_support;

use ring::layout::{Sample, TOTAL_SIZE};
use ring::{Health, Next, Reader, Writer, WriterConfig, WriterError};
use ring_support::{Name, Talker, try_writer, until, writer};
use std::os::unix::fs::MetadataExt;

fn create(name: &Name) -> Result<Writer, WriterError> {
    Writer::create(&name.0, &WriterConfig::default())
}

fn inode(name: &Name) -> u64 {
    std::fs::metadata(name.path()).expect("an object").ino()
}

#[test]
fn a_second_writer_is_refused_with_the_first_ones_pid() {
    let name = Name::new("second");
    let first = writer(&name, "60");
    let mut second = try_writer(&name, "60");
    let answer = second.hear();
    assert!(
        answer.starts_with("refused") && answer.contains(&first.pid().to_string()),
        "{answer}"
    );
    assert_eq!(second.finish(), 1);
    // Also while the first one does not move: it still has the memory.
    first.signal(rustix::process::Signal::STOP);
    std::thread::sleep(std::time::Duration::from_millis(400));
    let error = create(&name).expect_err("busy");
    assert!(
        matches!(error, WriterError::Busy { pid, .. } if pid == first.pid()),
        "{error}"
    );
    first.signal(rustix::process::Signal::CONT);
    // The refused ones changed nothing.
    let reader = Reader::open(&name.0).expect("it is there");
    let header = reader.header();
    assert_eq!((header.epoch, header.writer_pid), (1, Some(first.pid())));
    // In the same process as well.
    let other = Name::new("own");
    let _own = create(&other).expect("nobody else");
    assert!(
        matches!(create(&other), Err(WriterError::Busy { pid, .. }) if pid == std::process::id())
    );
}

#[test]
fn of_many_that_start_at_once_exactly_one_writes() {
    for round in 0..5 {
        let name = Name::new("race");
        // What they find: nothing, a dead writer's object, a clean end's
        // object, another version's, garbage.
        match round {
            1 => {
                let mut dead = writer(&name, "60");
                dead.murder();
            }
            2 => create(&name).expect("nobody else").close(),
            3 => {
                create(&name).expect("nobody else").close();
                patch(&name, 8, &9_u32.to_le_bytes());
            }
            4 => std::fs::write(name.path(), vec![0x5a; TOTAL_SIZE]).expect("writable"),
            _ => {}
        }
        if round == 4 {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(name.path(), PermissionsExt::from_mode(0o600)).expect("ours");
        }
        let mut all: Vec<Talker> = (0..6).map(|_| try_writer(&name, "60")).collect();
        let answers: Vec<String> = all.iter_mut().map(Talker::hear).collect();
        let ready: Vec<&String> = answers.iter().filter(|a| a.starts_with("ready")).collect();
        assert_eq!(ready.len(), 1, "round {round}: {answers:?}");
        let pid = ready[0]["ready ".len()..].parse().expect("a pid");
        let busy = format!("process {pid} ");
        assert_eq!(
            answers.iter().filter(|a| a.contains(&busy)).count(),
            5,
            "{round}: {answers:?}"
        );
        let header = Reader::open(&name.0).expect("it is there").header();
        assert_eq!(
            header.writer_pid,
            Some(pid),
            "the name leads to the winner's object"
        );
    }
}

#[test]
fn after_a_crash_the_same_object_is_taken_over_in_place() {
    let name = Name::new("crash");
    let mut first = writer(&name, "0");
    let mut reader = Reader::open(&name.0).expect("it is there");
    until("samples", || {
        reader.latest().is_some_and(|s| s.index > 2000)
    });
    first.murder();
    let _ = first.finish();
    let place = inode(&name);
    let before = reader.header();
    assert_eq!(before.epoch, 1);
    let last = reader.latest().expect("the last complete sample").index;

    let mut own = create(&name).expect("the first one is dead");
    assert_eq!(inode(&name), place, "reused in place");
    assert_eq!(own.next_index(), last + 1, "indices go on");
    assert_eq!(reader.health(), Health::Restarted);
    // A reader that has it open goes on reading without doing anything.
    while let Next::Sample { .. } = reader.next() {}
    own.publish(&mut Sample {
        x: 0.25,
        ..Sample::default()
    });
    let Next::Sample { sample, lost } = reader.next() else {
        panic!("a sample")
    };
    assert_eq!((sample.index, sample.x, lost), (last + 1, 0.25, 0));
    let after = reader.header();
    assert_eq!(
        (after.epoch, after.writer_pid),
        (2, Some(std::process::id()))
    );
    // Nothing of the dead writer's is told as the new one's.
    assert_eq!((after.stats.frames_in, after.recording), (0, false));
    assert_eq!((after.camera_name.as_str(), after.stopped_ns), ("", 0));
}

#[test]
fn what_cannot_be_reused_is_retired_and_replaced() {
    for (what, change) in [
        ("another version", (8, 9_u32)),
        ("another size of slots", (20, 256)),
        ("never finished", (8, 0)),
        ("retired by one that died then", (60, 1)),
    ] {
        let name = Name::new("retire");
        let mut dead = writer(&name, "60");
        let reader = Reader::open(&name.0).expect("it is there");
        dead.murder();
        let _ = dead.finish();
        let place = inode(&name);
        patch(&name, change.0, &change.1.to_le_bytes());

        let own = create(&name).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_ne!(inode(&name), place, "{what}: a new object");
        assert_eq!(own.next_index(), 1, "{what}");
        // Who has the old one open learns that there is a new one.
        assert_eq!(reader.health(), Health::Restarted, "{what}");
        let header = Reader::open(&name.0).expect("the new one").header();
        assert_eq!(
            (header.epoch, header.writer_pid),
            (1, Some(std::process::id())),
            "{what}"
        );
    }
}

#[test]
fn a_living_writer_of_another_version_is_left_alone() {
    let name = Name::new("newer");
    let first = writer(&name, "60");
    patch(&name, 8, &9_u32.to_le_bytes());
    let error = create(&name).expect_err("busy");
    assert!(
        matches!(error, WriterError::Busy { pid, .. } if pid == first.pid()),
        "{error}"
    );
}

#[test]
fn rubble_of_every_kind_is_replaced() {
    use std::os::unix::fs::PermissionsExt;
    let rubble: [&[u8]; 5] = [b"", b"x", &[0; 127], &[0x5a; 4096], &[0; TOTAL_SIZE]];
    for bytes in rubble {
        let name = Name::new("rubble");
        std::fs::write(name.path(), bytes).expect("writable");
        std::fs::set_permissions(name.path(), PermissionsExt::from_mode(0o600)).expect("ours");
        let own = create(&name).unwrap_or_else(|e| panic!("{} bytes: {e}", bytes.len()));
        assert!(Reader::open(&name.0).is_ok());
        let about = std::fs::metadata(name.path()).expect("there");
        assert_eq!(
            (about.mode() & 0o777, about.size()),
            (0o600, TOTAL_SIZE as u64)
        );
        own.unlink();
        assert!(!name.path().exists(), "nothing is left behind");
    }
    // A sound object cut short.
    let name = Name::new("short");
    create(&name).expect("nobody else").close();
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(name.path())
        .expect("ours");
    file.set_len(4096).expect("cut");
    drop(create(&name).expect("replaced"));
    assert!(Reader::open(&name.0).is_ok());
}

#[test]
fn an_object_that_lets_others_in_and_a_bad_name_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let name = Name::new("wide");
    create(&name).expect("nobody else").close();
    std::fs::set_permissions(name.path(), PermissionsExt::from_mode(0o644)).expect("ours");
    let error = create(&name).expect_err("too open");
    assert!(
        matches!(error, WriterError::TooOpen { mode: 0o644, .. }),
        "{error}"
    );
    assert!(name.path().exists(), "not ours to remove");
    let error = Writer::create("no-slash", &WriterConfig::default()).expect_err("bad");
    assert!(matches!(error, WriterError::BadName { .. }), "{error}");
}

/// Overwrites some bytes of an object.
fn patch(name: &Name, at: u64, bytes: &[u8]) {
    use std::os::unix::fs::FileExt;
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(name.path())
        .expect("ours");
    file.write_all_at(bytes, at).expect("written");
}
