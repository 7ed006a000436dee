//! Where pictures leave the way from frame to sample.
//!
//! [`Tap`] belongs to the perceive thread: after warm-up it takes no lock, allocates nothing,
//! logs nothing and touches no disk.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use gaze::camera::Intrinsics;
use gaze::landmarks::{COUNT, Landmarks};
use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};
use vision::{Frame, Perception};

use super::blinks::Lids;
use crate::pipeline::measurement::Measurement;

/// Pictures on their way to the recorder, in its hand, or empty. It keeps each for a tenth of a
/// second and more, to see what comes after.
const SHOTS: usize = 6;
/// The lids of so many pictures wait for the recorder while the disk is slow.
const LIDS: usize = 256;

/// What the threads know of a recording. Counters and wishes: relaxed order is enough.
#[derive(Debug)]
pub struct Wish {
    /// Pictures whose light fell in at this time or later are wanted; `u64::MAX`: none.
    from_ns: AtomicU64,
    /// Wanted pictures that came while no buffer was free.
    late: AtomicU64,
    /// A client records.
    recording: AtomicBool,
}

impl Wish {
    /// Whether a client records: what the header says.
    pub fn is_recording(&self) -> bool {
        self.recording.load(Relaxed)
    }

    pub(super) fn set_recording(&self, recording: bool) {
        self.recording.store(recording, Relaxed);
    }

    /// Wants pictures from then on.
    pub(super) fn want(&self, from_ns: u64) {
        self.from_ns.store(from_ns, Relaxed);
    }

    /// Whether pictures of this time are wanted.
    pub(super) fn wants(&self, captured_ns: u64) -> bool {
        captured_ns >= self.from_ns.load(Relaxed)
    }

    /// Wants none.
    pub(super) fn want_nothing(&self) {
        self.want(u64::MAX);
    }

    pub(super) fn late(&self) -> u64 {
        self.late.load(Relaxed)
    }
}

impl Default for Wish {
    fn default() -> Self {
        Wish {
            from_ns: AtomicU64::new(u64::MAX),
            late: AtomicU64::new(0),
            recording: AtomicBool::new(false),
        }
    }
}

/// A picture and what was seen in it.
pub(super) struct Shot {
    pub frame: Frame,
    pub measurement: Option<Measurement>,
    /// Of the primary face, where there is one.
    pub landmarks: Landmarks,
    pub camera: Option<Intrinsics>,
}

/// The perceive thread's end.
pub struct Tap {
    wish: Arc<Wish>,
    out: HeapProd<Box<Shot>>,
    spare: HeapCons<Box<Shot>>,
    lids: HeapProd<Lids>,
}

/// The recorder's end.
pub struct Intake {
    pub(super) wish: Arc<Wish>,
    shots: HeapCons<Box<Shot>>,
    spare: HeapProd<Box<Shot>>,
    lids: HeapCons<Lids>,
}

/// Both ends of the way to the recorder.
pub fn pair(wish: &Arc<Wish>) -> (Tap, Intake) {
    let (out, shots) = HeapRb::new(SHOTS).split();
    let (mut fill, spare) = HeapRb::new(SHOTS).split();
    let (lids, lids_of_all) = HeapRb::new(LIDS).split();
    for _ in 0..SHOTS {
        let _ = fill.try_push(Box::new(Shot {
            frame: Frame::default(),
            measurement: None,
            landmarks: [[0.0; 3]; COUNT],
            camera: None,
        }));
    }
    let wish = wish.clone();
    let tap = Tap {
        wish: wish.clone(),
        out,
        spare,
        lids,
    };
    let intake = Intake {
        wish,
        shots,
        spare: fill,
        lids: lids_of_all,
    };
    (tap, intake)
}

impl Tap {
    /// Whether a client records, or wants pictures from some moment on.
    pub fn wants_pictures(&self) -> bool {
        self.wish.is_recording() || self.wish.wants(u64::MAX - 1)
    }

    /// Takes the picture where one is wanted; `frame` is another, older one then, to be
    /// filled anew.
    pub fn offer(&mut self, frame: &mut Frame, found: &Perception, measurement: &Measurement) {
        if self.wish.is_recording()
            && let Some(lids) = Lids::of(measurement)
        {
            let _ = self.lids.try_push(lids);
        }
        if !self.wish.wants(frame.captured_ns) {
            return;
        }
        let Some(mut shot) = self.spare.try_pop() else {
            self.wish.late.fetch_add(1, Relaxed);
            return;
        };
        std::mem::swap(&mut shot.frame, frame);
        shot.measurement = Some(*measurement);
        shot.camera = found.primary().map(|face| {
            shot.landmarks = face.landmarks;
            face.camera
        });
        // As many shots exist as the queue has places, so there is room.
        let _ = self.out.try_push(shot);
    }
}

impl Intake {
    /// The oldest picture that was taken.
    pub(super) fn next(&mut self) -> Option<Box<Shot>> {
        self.shots.try_pop()
    }

    /// The lids of the oldest picture that they have not been heard of, wanted or not.
    pub(super) fn next_lids(&mut self) -> Option<Lids> {
        self.lids.try_pop()
    }

    /// Gives the buffer back.
    pub(super) fn give_back(&mut self, shot: Box<Shot>) {
        let _ = self.spare.try_push(shot);
    }
}
