//! Where pictures leave for those beside the way from frame to sample.
//!
//! [`Outlet`] belongs to the perceive thread: after warm-up it takes no lock, allocates
//! nothing, logs nothing and touches no disk. A picture is copied (a tenth of a millisecond
//! for one of 1280×720), so that several can have it, and only after its measurement went off.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use gaze::camera::Intrinsics;
use gaze::landmarks::{COUNT, Landmarks};
use ring::layout::FACE_ROWS;
use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};
use vision::{Frame, Perception};

use crate::pipeline::measurement::Measurement;

/// What the far end wants; both ends hold it. Wishes and counters: relaxed order is enough.
#[derive(Debug, Default)]
pub struct Wish {
    wanted: AtomicBool,
    /// Only pictures in which a face's contact changes, and two a second.
    changes_only: AtomicBool,
    /// Not more often than this, nanoseconds.
    gap_ns: AtomicU64,
    /// Wanted pictures that came while no buffer was free.
    missed: AtomicU64,
}

impl Wish {
    /// Wants pictures, one every so many nanoseconds at most.
    pub fn want_every(&self, gap_ns: u64) {
        self.gap_ns.store(gap_ns, Relaxed);
        self.wanted.store(true, Relaxed);
    }

    /// Wants the pictures in which a face's contact state changes, and two a second that tell
    /// who is still there.
    pub fn want_changes(&self) {
        self.changes_only.store(true, Relaxed);
        self.want_every(0);
    }

    /// Wants none.
    pub fn want_nothing(&self) {
        self.wanted.store(false, Relaxed);
    }

    /// Wanted pictures that came while no buffer was free.
    pub fn missed(&self) -> u64 {
        self.missed.load(Relaxed)
    }
}

/// A picture and what was seen in it.
pub struct View {
    /// The picture.
    pub frame: Frame,
    /// Its numbers; `None` in a buffer that was never filled.
    pub measurement: Option<Measurement>,
    /// Of the primary face, where there is one.
    pub landmarks: Landmarks,
    /// What landmarks and rays are reckoned with; `None` without a primary face.
    pub camera: Option<Intrinsics>,
}

impl View {
    /// An empty buffer.
    pub fn empty() -> View {
        View {
            frame: Frame::default(),
            measurement: None,
            landmarks: [[0.0; 3]; COUNT],
            camera: None,
        }
    }

    /// Takes over a picture and what was found in it. Allocates only when it has never been
    /// this large.
    pub fn fill(&mut self, frame: &Frame, found: &Perception, measurement: &Measurement) {
        let to = &mut self.frame;
        (to.width, to.height, to.stride) = (frame.width, frame.height, frame.stride);
        (to.format, to.range) = (frame.format, frame.range);
        (to.captured_ns, to.index) = (frame.captured_ns, frame.index);
        to.data.clear();
        to.data.extend_from_slice(&frame.data);
        self.measurement = Some(*measurement);
        self.camera = found.primary().map(|face| {
            self.landmarks = face.landmarks;
            face.camera
        });
    }
}

/// The perceive thread's end.
pub struct Outlet {
    wish: Arc<Wish>,
    out: HeapProd<Box<View>>,
    spare: HeapCons<Box<View>>,
    last_ns: Option<u64>,
    /// Buffers that were never filled: the first pictures give them their size, wanted or not.
    unused: usize,
    /// Id and state of each face in the last picture that was taken.
    states: [(u32, u8); FACE_ROWS],
}

/// The far end.
pub struct Inlet {
    /// What it wants.
    pub wish: Arc<Wish>,
    views: HeapCons<Box<View>>,
    spare: HeapProd<Box<View>>,
}

/// Both ends, with this many buffers.
pub fn pair(buffers: usize) -> (Outlet, Inlet) {
    let wish = Arc::new(Wish::default());
    let (out, views) = HeapRb::new(buffers).split();
    let (mut fill, spare) = HeapRb::new(buffers).split();
    for _ in 0..buffers {
        let _ = fill.try_push(Box::new(View::empty()));
    }
    let outlet = Outlet {
        wish: wish.clone(),
        out,
        spare,
        last_ns: None,
        unused: buffers,
        states: Default::default(),
    };
    let inlet = Inlet {
        wish,
        views,
        spare: fill,
    };
    (outlet, inlet)
}

impl Outlet {
    /// Whether the far end wants more than those in which somebody's contact changes.
    pub fn wants_every_picture(&self) -> bool {
        self.wish.wanted.load(Relaxed) && !self.wish.changes_only.load(Relaxed)
    }

    /// Hands out a copy of the picture where one is wanted and a buffer is free.
    pub fn offer(&mut self, frame: &Frame, found: &Perception, measurement: &Measurement) {
        if !self.wish.wanted.load(Relaxed) {
            return;
        }
        let at = frame.captured_ns;
        // A quarter early is in time: cameras tremble.
        let gap = self.wish.gap_ns.load(Relaxed) / 4 * 3;
        if self.last_ns.is_some_and(|t| at.abs_diff(t) < gap) {
            return;
        }
        let mut states = <[(u32, u8); FACE_ROWS]>::default();
        for (state, row) in states.iter_mut().zip(measurement.table.faces()) {
            *state = (row.id, row.state);
        }
        let recent = |t: u64| at.abs_diff(t) < 500_000_000;
        if self.wish.changes_only.load(Relaxed)
            && self.unused == 0
            && states == self.states
            && self.last_ns.is_some_and(recent)
        {
            return;
        }
        let Some(mut view) = self.spare.try_pop() else {
            // A change is not forgotten: the next picture shows it too.
            self.wish.missed.fetch_add(1, Relaxed);
            return;
        };
        (self.last_ns, self.states) = (Some(at), states);
        self.unused = self.unused.saturating_sub(1);
        view.fill(frame, found, measurement);
        // As many views exist as the queue has places, so there is room.
        let _ = self.out.try_push(view);
    }
}

impl Inlet {
    /// The oldest picture that was handed out.
    pub fn take(&mut self) -> Option<Box<View>> {
        self.views.try_pop()
    }

    /// Gives the buffer back.
    pub fn give_back(&mut self, view: Box<View>) {
        let _ = self.spare.try_push(view);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::measurement::NetworkTag;
    use ring::layout::FaceState;

    /// Offers a picture of this time with one face in this state.
    fn offer(outlet: &mut Outlet, at_ns: u64, state: FaceState) {
        let mut frame = Frame::default();
        frame.reset(4, 2, vision::PixelFormat::Gray8);
        frame.captured_ns = at_ns;
        frame.data.fill(at_ns as u8);
        let found = Perception::default();
        let mut m = Measurement::of(&found, &frame, &NetworkTag::default(), at_ns);
        m.table.count = 1;
        (m.table.rows[0].id, m.table.rows[0].state) = (1, state.raw());
        outlet.offer(&frame, &found, &m);
    }

    #[test]
    fn a_full_queue_passes_pictures_over_and_counts_them() {
        let (mut outlet, mut inlet) = pair(2);
        offer(&mut outlet, 1, FaceState::Away);
        assert!(inlet.take().is_none(), "nothing is wanted yet");
        inlet.wish.want_every(0);
        (2..6).for_each(|at| offer(&mut outlet, at, FaceState::Away));
        assert_eq!(inlet.wish.missed(), 2);
        let view = inlet.take().unwrap();
        assert_eq!(
            (view.frame.captured_ns, &view.frame.data[..]),
            (2, &[2; 8][..])
        );
        inlet.give_back(view);
        offer(&mut outlet, 6, FaceState::Away);
        let rest: Vec<u64> =
            std::iter::from_fn(|| inlet.take().map(|v| v.frame.captured_ns)).collect();
        assert_eq!(rest, [3, 6]);
    }

    #[test]
    fn pictures_keep_their_distance_and_changes_are_not_lost() {
        let (mut outlet, mut inlet) = pair(8);
        inlet.wish.want_every(100);
        for at in [0, 60, 80, 150, 160] {
            offer(&mut outlet, at, FaceState::Away);
        }
        let times: Vec<u64> =
            std::iter::from_fn(|| inlet.take().map(|v| v.frame.captured_ns)).collect();
        assert_eq!(times, [0, 80, 160]);

        let (mut outlet, mut inlet) = pair(1);
        inlet.wish.want_changes();
        offer(&mut outlet, 1, FaceState::Away);
        offer(&mut outlet, 2, FaceState::Away);
        offer(&mut outlet, 3, FaceState::Contact);
        let first = inlet.take().unwrap();
        assert_eq!(first.frame.captured_ns, 1);
        inlet.give_back(first);
        offer(&mut outlet, 4, FaceState::Contact);
        assert_eq!(
            inlet.take().unwrap().frame.captured_ns,
            4,
            "the contact of 3 is still told of"
        );
    }
}
