//! The protocol: one guarded slot, and a ring of them behind a head counter.
//!
//! A one-writer seqlock (Boehm, "Can Seqlocks Get Along With Programming
//! Language Memory Models?", MSPC 2012) whose sequence holds the *absolute*
//! index of what the slot carries, so that a reader knows not only that a slot
//! changed but what it was given instead. The payload is an array of atomic
//! words: there is no data race for a compiler, Miri or loom to find.
//!
//! The writer never waits. A reader makes one attempt per slot; it never waits
//! for a sequence to turn even, so a writer that dies in the middle of a write
//! costs its readers that one slot and no time.

use crate::atomic::{AtomicU64, Ordering, fence};

/// Attempts to find the newest record before giving up. One more than one is
/// needed only if the writer went all the way round while a reader was copying.
const ATTEMPTS: usize = 8;

/// The sequence of a slot that holds record `index`, complete.
pub(crate) const fn done(index: u64) -> u64 {
    index << 1
}

/// The sequence of a slot that is being overwritten with record `index`.
pub(crate) const fn writing(index: u64) -> u64 {
    (index << 1) | 1
}

/// Which orderings the protocol uses. The library only ever uses [`Proven`];
/// the model's mutation tests weaken one at a time and must then see torn data.
pub(crate) trait Protocol {
    const ANNOUNCE: bool = true;
    const RELEASE_FENCE: bool = true;
    const FINISH: Ordering = Ordering::Release;
    const BEGIN_READ: Ordering = Ordering::Acquire;
    const ACQUIRE_FENCE: bool = true;
    const RECHECK: bool = true;
}

/// The protocol as it ships.
pub(crate) struct Proven;
impl Protocol for Proven {}

/// Why a slot did not give up the record asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missed {
    /// It holds an older record, or none, or is being written.
    NotYet,
    /// It holds, or is being given, a later record: the reader was lapped.
    Overwritten,
}

/// One guarded record of `W` words. Zeroed memory is an empty slot.
#[repr(C)]
pub(crate) struct Slot<const W: usize> {
    seq: AtomicU64,
    words: [AtomicU64; W],
}

impl<const W: usize> Slot<W> {
    #[cfg(all(test, loom))]
    pub(crate) fn empty() -> Self {
        Self {
            seq: AtomicU64::new(0),
            words: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// Stores record `index` (never 0). Only one thread of one process may.
    #[inline]
    pub(crate) fn write<P: Protocol>(&self, index: u64, payload: &[u64; W]) {
        if P::ANNOUNCE {
            // Relaxed: ordered before the payload by the fence below.
            self.seq.store(writing(index), Ordering::Relaxed);
        }
        if P::RELEASE_FENCE {
            // Partner: the acquire fence in `read`. A reader that saw any word
            // stored after this fence sees the announcement when it looks
            // again, and throws its copy away.
            fence(Ordering::Release);
        }
        for (word, value) in self.words.iter().zip(payload) {
            // Relaxed: the fence before and the store after order them.
            word.store(*value, Ordering::Relaxed);
        }
        // Release. Partner: the acquire load in `read`. A reader that sees
        // this sequence sees every word stored above.
        self.seq.store(done(index), P::FINISH);
    }

    /// Copies record `index` out, or says why not. One attempt, no waiting.
    #[inline]
    pub(crate) fn read<P: Protocol>(&self, index: u64) -> Result<[u64; W], Missed> {
        let mut payload = [0; W];
        self.read_into::<P>(index, &mut payload)?;
        Ok(payload)
    }

    /// As [`Slot::read`], to where the caller wants it. After a miss that
    /// place holds anything.
    #[inline]
    pub(crate) fn read_into<P: Protocol>(
        &self,
        index: u64,
        payload: &mut [u64; W],
    ) -> Result<(), Missed> {
        // Acquire. Partner: the release store that ends `write`.
        let before = self.seq.load(P::BEGIN_READ);
        if before != done(index) {
            return Err(if before > writing(index) {
                Missed::Overwritten
            } else {
                Missed::NotYet
            });
        }
        for (value, word) in payload.iter_mut().zip(&self.words) {
            // Relaxed: the load before and the fence after order them.
            *value = word.load(Ordering::Relaxed);
        }
        if P::ACQUIRE_FENCE {
            // Partner: the release fence in `write`. If a word above came from
            // a later record, the load below cannot miss its announcement.
            fence(Ordering::Acquire);
        }
        // Relaxed: the fence above orders it after the payload.
        if P::RECHECK && self.seq.load(Ordering::Relaxed) != before {
            return Err(Missed::Overwritten);
        }
        Ok(())
    }

    /// The raw sequence: for tests that play a writer that died half-way.
    #[cfg(all(test, not(loom)))]
    pub(crate) fn seq(&self) -> &AtomicU64 {
        &self.seq
    }
}

/// What [`Ring::after`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After<const W: usize> {
    /// Nothing newer than the reader's cursor.
    Empty,
    /// A newer record, its index, and how many between were lost.
    Record {
        index: u64,
        lost: u64,
        payload: [u64; W],
    },
}

/// Slots behind a head counter: a view, made where it is needed. The head is
/// the index of the newest complete record; 0 means that there is none.
pub(crate) struct Ring<'a, const W: usize> {
    pub(crate) head: &'a AtomicU64,
    pub(crate) slots: &'a [Slot<W>],
}

impl<const W: usize> Ring<'_, W> {
    #[inline]
    fn slot(&self, index: u64) -> &Slot<W> {
        // The number of slots is a power of two, so this is a mask.
        &self.slots[(index % self.slots.len() as u64) as usize]
    }

    /// The index the next record will have. Only the writer may rely on it.
    #[inline]
    pub(crate) fn next_index(&self) -> u64 {
        // Relaxed: the writer reads back what it stored itself. (A writer that
        // takes over synchronises with the dead one by claiming its header.)
        self.head.load(Ordering::Relaxed).wrapping_add(1)
    }

    /// Stores a record at `index`, then shows it to the readers.
    #[inline]
    pub(crate) fn put<P: Protocol>(&self, index: u64, payload: &[u64; W]) {
        self.slot(index).write::<P>(index, payload);
        // Release. Partner: the acquire loads of `head` in `latest` and
        // `after`: who sees this index finds the slot complete.
        self.head.store(index, Ordering::Release);
    }

    /// Record `index`, if it is still there.
    #[inline]
    pub(crate) fn get<P: Protocol>(&self, index: u64) -> Option<[u64; W]> {
        self.slot(index).read::<P>(index).ok()
    }

    /// The newest record. `None` before the first one, and, in theory, when
    /// the writer laps the reader on each of its bounded attempts.
    #[inline]
    pub(crate) fn latest<P: Protocol>(&self) -> Option<(u64, [u64; W])> {
        let mut payload = [0; W];
        let index = self.latest_into::<P>(&mut payload)?;
        Some((index, payload))
    }

    /// As [`Ring::latest`], to where the caller wants it. After `None` that
    /// place holds anything.
    #[inline]
    pub(crate) fn latest_into<P: Protocol>(&self, payload: &mut [u64; W]) -> Option<u64> {
        for _ in 0..ATTEMPTS {
            // Acquire. Partner: the release store of `head` in `put`.
            let head = self.head.load(Ordering::Acquire);
            if head == 0 {
                return None;
            }
            if self.slot(head).read_into::<P>(head, payload).is_ok() {
                return Some(head);
            }
        }
        None
    }

    /// The record after `cursor`; a lapped reader jumps to the newest one and
    /// is told how many it lost.
    #[inline]
    pub(crate) fn after<P: Protocol>(&self, cursor: u64) -> After<W> {
        // Acquire. Partner: the release store of `head` in `put`.
        let head = self.head.load(Ordering::Acquire);
        if head <= cursor {
            return After::Empty;
        }
        let want = cursor + 1;
        if head - cursor <= self.slots.len() as u64
            && let Ok(payload) = self.slot(want).read::<P>(want)
        {
            return After::Record {
                index: want,
                lost: 0,
                payload,
            };
        }
        match self.latest::<P>() {
            Some((index, payload)) if index > cursor => After::Record {
                index,
                lost: index - want,
                payload,
            },
            _ => After::Empty,
        }
    }
}
