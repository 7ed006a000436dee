//! One writer process at full speed, readers in C, in C++ and in Rust, each in
//! its own process: not one torn sample, not one that vanished uncounted.

mod ring_support;

use ring::{Next, Reader};
use ring_support::{Language, Name, derived, probe, writer};
use std::time::{Duration, Instant};

/// Enough for several hundred laps of the ring.
const SAMPLES: u64 = 40_000;

#[test]
fn no_reader_in_any_process_ever_sees_a_torn_record() {
    let name = Name::new("torn");
    let mut writer = writer(&name, "0");
    let mut c = probe(Language::C11, "torn");
    let mut cpp = probe(Language::Cpp17, "torn");
    for reader in [&mut c, &mut cpp] {
        assert_eq!(reader.code(&format!("open {}", name.0)), 0);
        reader.tell(&format!("hunt {SAMPLES}"));
    }

    let mut reader = Reader::open(&name.0).expect("a live writer");
    let (mut seen, mut lost_so_far, mut first, mut last, mut tables) = (0_u64, 0, 0, 0, 0_u64);
    let end = Instant::now() + Duration::from_secs(10);
    while seen < SAMPLES && Instant::now() < end {
        if let Next::Sample { sample, lost } = reader.next() {
            assert_eq!(sample, derived::sample(sample.index));
            assert!(sample.index > last, "went back");
            if seen == 0 {
                first = sample.index;
            } else {
                lost_so_far += lost;
            }
            last = sample.index;
            seen += 1;
        }
        if let Some(sample) = reader.latest() {
            assert_eq!(sample, derived::sample(sample.index));
        }
        if let Some(table) = reader.faces() {
            assert!(derived::is_derived(&table), "{table:?}");
            tables += 1;
        }
    }
    assert_eq!(
        last - first + 1,
        seen + lost_so_far,
        "samples vanished uncounted"
    );
    assert!(
        seen >= 5_000 && tables >= 5_000,
        "Rust: only {seen} samples, {tables} tables"
    );

    for (reader, which) in [(&mut c, "C"), (&mut cpp, "C++")] {
        let answer = reader.hear();
        let words: Vec<&str> = answer.split(' ').collect();
        let [_, seen, _, torn, _, back, _, faces, _, uncounted] = words[..] else {
            panic!("{which}: {answer}")
        };
        assert_eq!(
            (torn, back, uncounted),
            ("0", "0", "0"),
            "{which}: {answer}"
        );
        let count = |text: &str| text.parse::<u64>().expect("a number");
        assert!(
            count(seen) >= 5_000 && count(faces) >= 5_000,
            "{which}: {answer}"
        );
    }
    writer.tell("unlink");
    assert_eq!(writer.finish(), 0);
}
