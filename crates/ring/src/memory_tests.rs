//! The protocol on plain memory: runs natively and under Miri.

use crate::layout::{FaceTable, Reason, Sample, Shared, SourceKind, State, Status};
use crate::slot::{After, Proven, Ring, writing};
use crate::words::Record;
use std::sync::atomic::Ordering::{Relaxed, Release};

// Miri takes some milliseconds a record: a short ring and few laps there.
const SLOTS: u64 = if cfg!(miri) { 4 } else { 512 };
const RECORDS: u64 = if cfg!(miri) { 24 } else { 100_000 };

/// An object as the system hands it out: zeros.
#[allow(unsafe_code)]
fn blank() -> Box<Shared> {
    // SAFETY: `Shared` is all atomics, for which zero is a value.
    unsafe { Box::<Shared>::new_zeroed().assume_init() }
}

/// The object's sample ring, shortened under Miri.
fn ring(shared: &Shared) -> Ring<'_, 23> {
    Ring {
        head: &shared.header.sample_head,
        slots: &shared.samples[..SLOTS as usize],
    }
}

fn words<const W: usize>(index: u64) -> [u64; W] {
    std::array::from_fn(|i| index.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i as u64)
}

#[test]
fn readers_never_see_two_records_in_one() {
    let shared = blank();
    let last = RECORDS;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let (mut cursor, mut given, mut lost_so_far) = (0, 0, 0);
                while cursor < last {
                    if let After::Record {
                        index,
                        lost,
                        payload,
                    } = ring(&shared).after::<Proven>(cursor)
                    {
                        assert_eq!(payload, words(index));
                        (cursor, given, lost_so_far) = (index, given + 1, lost_so_far + lost);
                    } else if let Some((index, payload)) = ring(&shared).latest::<Proven>() {
                        assert_eq!(payload, words(index));
                    }
                    std::hint::spin_loop();
                }
                assert_eq!(
                    given + lost_so_far,
                    last,
                    "every record is given or counted"
                );
            });
        }
        for index in 1..=last {
            ring(&shared).put::<Proven>(index, &words(index));
        }
    });
}

#[test]
fn a_writer_that_dies_in_the_middle_costs_nothing_but_its_record() {
    let shared = blank();
    let ring = ring(&shared);
    // More than a lap, so that the half-written slot holds something older.
    let last = SLOTS + 3;
    for index in 1..=last {
        ring.put::<Proven>(index, &words(index));
    }
    ring.slots[((last + 1) % SLOTS) as usize]
        .seq()
        .store(writing(last + 1), Relaxed);
    // Reading goes on at once: the newest complete record is still there.
    assert_eq!(ring.latest::<Proven>(), Some((last, words(last))));
    assert_eq!(ring.after::<Proven>(last), After::Empty);
    // The oldest one is the one being overwritten: jump and count.
    assert_eq!(
        ring.after::<Proven>(last - SLOTS),
        After::Record {
            index: last,
            lost: SLOTS - 1,
            payload: words(last)
        }
    );
    // The next writer goes on with the same index; no reader has seen it.
    assert_eq!(ring.next_index(), last + 1);
    ring.put::<Proven>(last + 1, &words(last + 1));
    assert_eq!(
        ring.after::<Proven>(last),
        After::Record {
            index: last + 1,
            lost: 0,
            payload: words(last + 1)
        }
    );
}

#[test]
fn an_empty_or_hostile_ring_ends_every_call() {
    let shared = blank();
    let ring = ring(&shared);
    assert_eq!(ring.latest::<Proven>(), None);
    assert_eq!(ring.after::<Proven>(0), After::Empty);
    // A head that no slot answers for.
    ring.head.store(u64::MAX, Release);
    assert_eq!(ring.latest::<Proven>(), None);
    assert_eq!(ring.after::<Proven>(3), After::Empty);
    assert_eq!(ring.after::<Proven>(u64::MAX), After::Empty);
}

#[test]
fn a_cursor_at_the_edge_of_the_ring_loses_nothing() {
    let shared = blank();
    let ring = ring(&shared);
    let last = 2 * SLOTS + 1;
    for index in 1..=last {
        ring.put::<Proven>(index, &words(index));
    }
    let oldest = last - SLOTS + 1;
    assert_eq!(
        ring.after::<Proven>(oldest - 1),
        After::Record {
            index: oldest,
            lost: 0,
            payload: words(oldest)
        }
    );
    assert_eq!(
        ring.after::<Proven>(oldest - 2),
        After::Record {
            index: last,
            lost: SLOTS,
            payload: words(last)
        }
    );
}

#[test]
fn records_survive_the_way_through_words() {
    let sample = Sample {
        index: 7,
        flags: 0x11,
        reason: Reason::Stale.raw(),
        state: State::Paused.raw(),
        face_count: 3,
        x: 0.25,
        spread_deg: 1.5,
        ..Sample::default()
    };
    let back = Sample::from_words(&sample.to_words());
    assert_eq!(back.to_words(), sample.to_words());
    assert_eq!(
        (back.index, back.x, back.face_count, back.spread_deg),
        (7, 0.25, 3, 1.5)
    );
    assert_eq!(
        (back.reason(), back.state()),
        (Reason::Stale, State::Paused)
    );
    let mut table = FaceTable {
        count: 99,
        image_height: 480,
        ..FaceTable::default()
    };
    table.rows[7].measured_ns = 9;
    let back = FaceTable::from_words(&table.to_words());
    assert_eq!(
        (
            back.image_height,
            back.rows[7].measured_ns,
            back.faces().len()
        ),
        (480, 9, 8)
    );
}

#[test]
fn the_status_word_keeps_all_three_parts() {
    for state in State::ALL {
        for reason in Reason::ALL {
            for source in SourceKind::ALL {
                let status = Status {
                    state: *state,
                    reason: *reason,
                    source: *source,
                };
                assert_eq!(Status::unpack(status.pack()), status);
            }
        }
    }
    assert_eq!(State::from_raw(200), State::Fault);
}

#[test]
fn texts_are_cut_at_whole_characters_and_end_with_a_zero() {
    use crate::layout::{put_text, text_of};
    assert_eq!(text_of(&put_text::<8>("Kamera")), "Kamera");
    assert_eq!(text_of(&put_text::<8>("1234567890")), "1234567");
    // The fourth ä would need bytes 7 and 8; the last byte is the zero.
    assert_eq!(text_of(&put_text::<8>("ääääää")), "äää");
    assert_eq!(
        text_of(&[b'x'; 4]),
        "xxxx",
        "a field without a zero ends with itself"
    );
}
