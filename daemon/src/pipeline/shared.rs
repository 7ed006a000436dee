//! What the threads know of each other: atomics and atomic swaps, no locks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use arc_swap::ArcSwap;
use ring::layout::{Reason, State};

use super::mapping::Mapping;

/// One set for all threads of a running daemon.
///
/// Counters are read for display only, so relaxed order is enough for them; the
/// mapping and the reason text are swapped whole.
pub struct Shared {
    /// Everybody ends soon after this turns true.
    pub stop: AtomicBool,
    /// The camera is to be closed until this turns false again.
    pub pause: AtomicBool,
    source: AtomicU32,
    why: ArcSwap<String>,
    /// Screen, calibration and filter in force.
    pub mapping: ArcSwap<Mapping>,
    /// Frames the source gave.
    pub frames_in: AtomicU64,
    /// Frames nobody looked at because a newer one was there.
    pub frames_dropped: AtomicU64,
    /// Times the source was lost and opened again.
    pub reconnects: AtomicU64,
    /// The pictures' size, width in the upper half.
    pub picture: AtomicU32,
    /// Allocations after warm-up: capture, perceive, publish.
    pub allocations: [AtomicU64; 3],
}

impl Shared {
    /// Nothing has happened yet.
    pub fn new(mapping: Mapping) -> Self {
        Shared {
            stop: AtomicBool::new(false),
            pause: AtomicBool::new(false),
            source: AtomicU32::new(pack(State::Starting, Reason::Starting)),
            why: ArcSwap::from_pointee(String::new()),
            mapping: ArcSwap::from_pointee(mapping),
            frames_in: AtomicU64::new(0),
            frames_dropped: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
            picture: AtomicU32::new(0),
            allocations: Default::default(),
        }
    }

    /// Whether the daemon is ending.
    pub fn stopping(&self) -> bool {
        self.stop.load(Relaxed)
    }

    /// Whether the person switched the camera off.
    pub fn paused(&self) -> bool {
        self.pause.load(Relaxed)
    }

    /// Says how the source is. Called by the capture thread when that changes,
    /// never per frame: the text is allocated.
    pub fn set_source(&self, state: State, reason: Reason, why: impl Into<String>) {
        self.why.store(Arc::new(why.into()));
        self.source.store(pack(state, reason), Relaxed);
    }

    /// How the source is.
    pub fn source(&self) -> (State, Reason) {
        unpack(self.source.load(Relaxed))
    }

    /// Why it is so, for people; empty when all is well.
    pub fn why(&self) -> Arc<String> {
        self.why.load_full()
    }
}

fn pack(state: State, reason: Reason) -> u32 {
    u32::from(state.raw()) << 16 | u32::from(reason.raw())
}

fn unpack(word: u32) -> (State, Reason) {
    (
        State::from_raw((word >> 16) as u8),
        Reason::from_raw(word as u16),
    )
}
