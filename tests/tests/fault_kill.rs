//! kill -9 of a writer at any instant, while it makes the object, takes it over or is in the
//! middle of a sample: nothing torn is read, its readers learn of it, the next one serves them.
//! And readers that are killed, stopped or slow: the writer and the others do not notice.

mod ring_support;

use gaze_tests::daemon::Running;
use ring::layout::{FACES_OFFSET, SAMPLE_SLOT_SIZE, SAMPLES_OFFSET};
use ring::{Health, Next, OpenError, Reader, Woke};
use ring_support::{Language, Name, Talker, compile, derived, talk, try_writer, until, writer};
use rustix::process::Signal;
use std::path::Path;
use std::time::{Duration, Instant};

// gaze.h's numbers.
const OK: i32 = 0;
const DIED: i32 = 14;
const RESTARTED: i32 = 15;

/// Names that are written side by side: taking over waits for a quarter of a second.
const LANES: u64 = 20;
/// Writers of each that are killed.
const KILLS: u64 = 50;

/// The instants are the same in every run, as far as the machine allows (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn pause(&mut self, most: Duration) -> Duration {
        Duration::from_nanos(self.below(most.as_nanos() as u64))
    }
}

/// What happened on one name.
#[derive(Debug, Default)]
struct Tally {
    kills: u64,
    /// Of them, while a sample was being stored.
    half_written: u64,
    /// Of them, before there was a reader's object.
    unborn: u64,
    rust: u64,
    c: u64,
}

/// Reads until `end` and once more to the last sample; all that is read must be whole.
fn sift(reader: &mut Reader, last: &mut u64, end: Instant) -> u64 {
    let mut seen = 0;
    loop {
        let over = Instant::now() >= end;
        match reader.next() {
            Next::Sample { sample, .. } => {
                let want = ring::layout::Sample {
                    published_ns: sample.published_ns,
                    ..derived::sample(sample.index)
                };
                assert_eq!(sample, want);
                assert!(sample.index > *last, "went back");
                *last = sample.index;
                seen += 1;
            }
            Next::Empty if over => return seen,
            Next::Empty => std::thread::yield_now(),
        }
        if let Some(table) = reader.faces() {
            assert!(derived::is_derived(&table), "{table:?}");
        }
    }
}

/// Whether the dead writer left a slot half-written.
fn half_written(name: &Name) -> bool {
    let bytes = std::fs::read(name.path()).expect("it is there");
    bytes[SAMPLES_OFFSET..FACES_OFFSET]
        .chunks_exact(SAMPLE_SLOT_SIZE)
        .any(|slot| slot[0] & 1 == 1)
}

/// One name, and the writers on it one after the other.
fn chain(lane: u64, probe: &Path) -> Tally {
    let name = Name::new("kill");
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (lane + 1));
    let mut tally = Tally::default();
    let mut c = talk(probe);
    let mut readers: Option<Reader> = None;
    let mut last = 0;
    for round in 0..KILLS {
        let gone = round % 8 == 7;
        if gone {
            // As after a logout: the name is away, the readers have the old object.
            std::fs::remove_file(name.path()).expect("it was there");
        }
        let mut writer = try_writer(&name, "-1");
        // While it is being born, while it takes over, or while it writes.
        if gone || round % 4 == 2 {
            let most = if gone { 40 } else { 300 };
            std::thread::sleep(dice.pause(Duration::from_millis(most)));
            writer.murder();
            writer.until_dead();
            tally.kills += 1;
            drop(writer);
            let told = readers.as_ref().map(Reader::health);
            std::thread::sleep(Duration::from_millis(100));
            if let (Some(reader), false) = (&mut readers, gone) {
                let health = reader.health();
                let fine = !matches!(health, Health::Died { .. } | Health::Restarted);
                assert!(!fine, "lane {lane}, {round}: {told:?}, then {health:?}");
                let code = c.code("health");
                assert!(code == DIED || code == RESTARTED, "{code}");
                reader.reopen().expect("the same object");
                assert_eq!(c.code("reopen"), OK);
                assert!(matches!(reader.health(), Health::Died { .. }));
                assert_eq!(c.code("health"), DIED);
                tally.rust += sift(reader, &mut last, Instant::now());
                assert_eq!(c.ask("drain"), "ok");
            } else {
                // Whatever it has left can be told from a sound object.
                let left = Reader::open(&name.0).map(drop);
                let unborn = matches!(
                    left,
                    Err(OpenError::NotThere { .. } | OpenError::Starting { .. })
                );
                assert!(left.is_ok() || unborn, "{left:?}");
                tally.unborn += u64::from(unborn);
                (readers, last) = (None, 0);
            }
            continue;
        }

        assert_eq!(writer.hear(), format!("ready {}", writer.pid()));
        // It serves who was there before, and who comes.
        let reader = match &mut readers {
            Some(reader) => {
                assert_eq!(reader.health(), Health::Restarted, "lane {lane}, {round}");
                reader.reopen().expect("the next writer's");
                assert_eq!(c.code("reopen"), OK);
                reader
            }
            None => {
                assert_eq!(c.code(&format!("open {}", name.0)), OK);
                readers.insert(Reader::open(&name.0).expect("the first writer's"))
            }
        };
        c.tell("sift 15");
        let served = last;
        until("samples of the next writer", || {
            reader.latest().is_some_and(|s| s.index > served)
        });
        let end = Instant::now() + dice.pause(Duration::from_millis(8));
        tally.rust += sift_while(reader, &mut last, end);
        writer.murder();
        writer.until_dead();
        let died = Instant::now();
        tally.kills += 1;
        tally.half_written += u64::from(half_written(&name));
        tally.rust += sift(reader, &mut last, died);
        let answer = c.hear();
        let counts: Vec<u64> = answer.split(' ').flat_map(str::parse).collect();
        let [seen, 0, 0] = counts[..] else {
            panic!("C, lane {lane}, {round}: {answer}")
        };
        tally.c += seen;
        assert_eq!(c.ask("drain"), "ok");
        let pid = writer.pid();
        if round % 2 == 0 {
            // Who sleeps for the next sample is told too, and does not sleep to the end.
            assert_eq!(reader.wait(Duration::from_secs(60)), Woke::Died);
            assert_eq!(c.code("wait 60000"), DIED);
        } else {
            std::thread::sleep(Duration::from_millis(100).saturating_sub(died.elapsed()));
        }
        assert_eq!(
            reader.health(),
            Health::Died { pid },
            "lane {lane}, {round}"
        );
        assert_eq!(c.code("health"), DIED, "lane {lane}, {round}");
    }
    tally
}

/// As [`sift`] with a writer that never lets the reader come to an end.
fn sift_while(reader: &mut Reader, last: &mut u64, end: Instant) -> u64 {
    let mut seen = 0;
    while Instant::now() < end {
        if let Next::Sample { sample, .. } = reader.next() {
            let want = ring::layout::Sample {
                published_ns: sample.published_ns,
                ..derived::sample(sample.index)
            };
            assert_eq!(sample, want);
            assert!(sample.index > *last, "went back");
            *last = sample.index;
            seen += 1;
        }
    }
    seen
}

#[test]
fn a_thousand_writers_are_killed_at_any_instant_and_nothing_is_torn() {
    let probe = compile("tests/c/probe.c", Language::C11, "kill");
    let all: Vec<Tally> = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| {
                let probe = &probe;
                scope.spawn(move || chain(lane, probe))
            })
            .collect();
        lanes
            .into_iter()
            .map(|lane| lane.join().expect("a chain of writers"))
            .collect()
    });
    let sum = |of: fn(&Tally) -> u64| all.iter().map(of).sum::<u64>();
    let (kills, rust, c) = (sum(|t| t.kills), sum(|t| t.rust), sum(|t| t.c));
    let (half, unborn) = (sum(|t| t.half_written), sum(|t| t.unborn));
    println!(
        "{kills} killed, {half} in the middle of a sample, {unborn} before there was an object; \
         {rust} samples read in Rust, {c} in C"
    );
    assert_eq!(kills, LANES * KILLS);
    // Else it shows nothing.
    assert!(half > 0 && rust > 0 && c > 0);
}

#[test]
fn gazed_is_killed_twenty_times_and_the_next_one_serves_its_readers() {
    let probe = compile("tests/c/probe.c", Language::C11, "gazed");
    let mut c = talk(&probe);
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let mut shm = gaze_tests::daemon::fresh_name();
    let mut reader: Option<Reader> = None;
    let mut seen = 0;
    for round in 0..20 {
        // Each fifth is killed while it may still load its networks.
        let loading = round % 5 == 4;
        let source = if loading { "demo" } else { "null" };
        let mut daemon = Running::start_on(shm, |c| c.args(["--source", source]));
        let pid = daemon.pid();
        let before = reader.as_ref().map_or(0, |r| r.header().sample_index);
        let fresh = daemon.reader();
        until("the next daemon's header", || {
            fresh.header().writer_pid == Some(pid)
        });
        let reader = match &mut reader {
            Some(old) => {
                until("told of the next", || old.health() == Health::Restarted);
                old.reopen().expect("the next daemon's");
                assert_eq!(c.code("health"), RESTARTED);
                assert_eq!(c.code("reopen"), OK);
                old
            }
            None => {
                assert_eq!(c.code(&format!("open {}", daemon.shm)), OK);
                reader.insert(fresh)
            }
        };
        until("its samples", || reader.header().sample_index > before);
        let most = if loading { 1500 } else { 150 };
        std::thread::sleep(dice.pause(Duration::from_millis(most)));
        shm = daemon.murder();

        let (mut last, mut count) = (None::<ring::layout::Sample>, 0);
        while let Next::Sample { sample, lost } = reader.next() {
            if let Some(last) = last {
                assert_eq!(sample.index, last.index + 1 + lost);
                assert!(sample.published_ns > last.published_ns);
            }
            last = Some(sample);
            count += 1;
        }
        assert!(count > 0, "round {round}: not one sample");
        let followed = c.ask("follow");
        assert!(followed.ends_with(" 0 0"), "C, round {round}: {followed}");
        seen += count;
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(reader.health(), Health::Died { pid }, "round {round}");
        assert_eq!(c.code("health"), DIED, "round {round}");
        assert_eq!(reader.wait(Duration::from_secs(60)), Woke::Died);
        assert_eq!(c.code("wait 60000"), DIED);
    }
    gaze_tests::daemon::clear(&shm);
    println!("{seen} samples, each followed by the next");
}

#[test]
fn readers_that_are_killed_stopped_or_slow_disturb_nobody() {
    let name = Name::new("readers");
    let _live = writer(&name, "150");
    let probe = compile("tests/c/probe.c", Language::C11, "readers");
    let mut others: Vec<Talker> = (0..9).map(|_| talk(&probe)).collect();
    for other in &mut others {
        assert_eq!(other.code(&format!("open {}", name.0)), OK);
    }
    let mut steady = Reader::open(&name.0).expect("a live writer");
    let mut slow = Reader::open(&name.0).expect("a live writer");
    let Next::Sample { sample: first, .. } = steady.next() else {
        panic!("no sample")
    };
    assert!(matches!(slow.next(), Next::Sample { .. }));
    let mut last = first;
    let mut follow = |samples: u64| {
        let goal = last.index + samples;
        while last.index < goal {
            match steady.next() {
                Next::Sample { sample, lost } => {
                    assert_eq!((lost, sample.index), (0, last.index + 1));
                    last = sample;
                }
                Next::Empty => {
                    assert_eq!(steady.wait(Duration::from_secs(20)), Woke::Sample);
                }
            }
        }
        last.index
    };
    follow(50);
    // Three have it open, three read as fast as they can, three are stopped.
    for (i, other) in others.iter_mut().enumerate() {
        match i % 3 {
            0 => {}
            1 => other.tell("sift 60000"),
            _ => other.signal(Signal::STOP),
        }
    }
    follow(100);
    for i in [0, 1, 3, 4] {
        others[i].murder();
    }
    // More than the ring holds: who was stopped, and who was slow, is lapped.
    let now = follow(600);
    for i in [2, 5, 8] {
        others[i].signal(Signal::CONT);
        let answer = others[i].ask("follow");
        let counts: Vec<u64> = answer.split(' ').flat_map(str::parse).collect();
        let [seen, 0, lost] = counts[..] else {
            panic!("stopped: {answer}")
        };
        assert!(seen >= 1 && lost >= 512, "stopped: {answer}");
    }
    let Next::Sample { sample, lost } = slow.next() else {
        panic!("no sample")
    };
    assert!(sample.index >= now && lost >= 512, "slow: {lost}");
    follow(50);
}
