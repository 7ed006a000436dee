//! Every interleaving and every weak-memory outcome that loom can find, for a
//! writer and a reader of two-word records; then the same with one ordering
//! removed at a time, where the model must find a torn record. A mutation that
//! passes would mean that the model proves nothing about that ordering.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p gaze-ring --release --lib`

use crate::atomic::{AtomicU64, Ordering};
use crate::slot::{After, Protocol, Proven, Ring, Slot};
use loom::sync::Arc;

/// Both words follow from the index, so a mixture shows.
fn payload(index: u64) -> [u64; 2] {
    [index * 10 + 1, index * 10 + 2]
}

struct Memory<const N: usize> {
    head: AtomicU64,
    slots: [Slot<2>; N],
}

impl<const N: usize> Memory<N> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            head: AtomicU64::new(0),
            slots: std::array::from_fn(|_| Slot::empty()),
        })
    }

    fn ring(&self) -> Ring<'_, 2> {
        Ring {
            head: &self.head,
            slots: &self.slots,
        }
    }
}

fn bounded(body: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    // Three forced switches reach every reordering that two threads of this
    // length can show; more only takes longer.
    model.preemption_bound = Some(3);
    model.check(body);
}

/// One slot, one thread overwriting it, one reading it.
fn one_slot<P: Protocol + 'static>() {
    bounded(|| {
        let memory = Memory::<1>::new();
        memory.slots[0].write::<Proven>(1, &payload(1));
        let writer = loom::thread::spawn({
            let memory = memory.clone();
            move || memory.slots[0].write::<P>(2, &payload(2))
        });
        for index in [1, 2] {
            if let Ok(found) = memory.slots[0].read::<P>(index) {
                assert_eq!(found, payload(index), "torn");
            }
        }
        writer.join().unwrap();
        assert_eq!(memory.slots[0].read::<P>(2), Ok(payload(2)));
    });
}

#[test]
fn a_slot_is_never_torn() {
    one_slot::<Proven>();
}

#[test]
fn a_lapped_ring_is_never_torn_and_counts_what_it_lost() {
    bounded(|| {
        let memory = Memory::<2>::new();
        let writer = loom::thread::spawn({
            let memory = memory.clone();
            move || {
                for index in 1..=3 {
                    memory.ring().put::<Proven>(index, &payload(index));
                }
            }
        });
        let mut cursor = 0;
        let mut lost_so_far = 0;
        let mut given = 0;
        for _ in 0..2 {
            match memory.ring().after::<Proven>(cursor) {
                After::Empty => {}
                After::Record {
                    index,
                    lost,
                    payload: found,
                } => {
                    assert!(index > cursor, "went back");
                    assert_eq!(found, payload(index), "torn");
                    cursor = index;
                    lost_so_far += lost;
                    given += 1;
                }
            }
        }
        assert_eq!(given + lost_so_far, cursor, "samples vanished uncounted");
        writer.join().unwrap();
        assert_eq!(memory.ring().latest::<Proven>(), Some((3, payload(3))));
    });
}

#[test]
fn the_newest_record_is_never_torn_and_never_older_than_the_head() {
    bounded(|| {
        let memory = Memory::<2>::new();
        memory.ring().put::<Proven>(1, &payload(1));
        let writer = loom::thread::spawn({
            let memory = memory.clone();
            move || {
                memory.ring().put::<Proven>(2, &payload(2));
                memory.ring().put::<Proven>(3, &payload(3));
            }
        });
        let seen = memory.head.load(Ordering::Acquire);
        if let Some((index, found)) = memory.ring().latest::<Proven>() {
            assert_eq!(found, payload(index), "torn");
            assert!(index >= seen, "older than the head");
        }
        writer.join().unwrap();
    });
}

/// A protocol with one thing taken out, and the test that must notice.
macro_rules! mutation {
    ($test:ident, $name:ident, $($change:tt)*) => {
        struct $name;
        impl Protocol for $name { $($change)* }

        #[test]
        #[should_panic(expected = "torn")]
        fn $test() {
            one_slot::<$name>();
        }
    };
}

mutation!(
    mutation_no_announcement,
    NoAnnounce,
    const ANNOUNCE: bool = false;
);
mutation!(
    mutation_no_release_fence,
    NoReleaseFence,
    const RELEASE_FENCE: bool = false;
);
mutation!(
    mutation_relaxed_finish,
    RelaxedFinish,
    const FINISH: Ordering = Ordering::Relaxed;
);
mutation!(
    mutation_relaxed_begin,
    RelaxedBegin,
    const BEGIN_READ: Ordering = Ordering::Relaxed;
);
mutation!(
    mutation_no_acquire_fence,
    NoAcquireFence,
    const ACQUIRE_FENCE: bool = false;
);
mutation!(
    mutation_no_second_look,
    NoRecheck,
    const RECHECK: bool = false;
);
