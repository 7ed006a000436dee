//! The perceive thread: newest frame in, measurement out.
//!
//! On the way from frame to sample: after warm-up it takes no lock, allocates
//! nothing of ours, logs nothing and touches no disk. It sleeps parked until
//! the capture thread wakes it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ring::clock;
use ringbuf::traits::{Consumer, Observer, Producer};
use ringbuf::{HeapCons, HeapProd};
use vision::{ContactNet, Frame, GazeKind, Perceiver};

use super::compose::TOO_OLD_NS;
use super::contacts::Contacts;
use super::faces;
use super::measurement::{Measurement, NetworkTag};
use super::networks::Coming;
use super::shared::Shared;
use crate::alloc::allocations_of_this_thread;
use crate::log::say;
use crate::record::tap::Tap;
use crate::side::outlet::Outlet;
use crate::sources::{Victim, dies};

/// A frame that has waited for so long is not measured where a newer one is about to come:
/// perception was held up, and what it would say is of no use any more.
const STALE_NS: u64 = TOO_OLD_NS;
/// Without a frame it looks this often whether a network has come for it.
const REST: Duration = Duration::from_secs(1);
/// Frames after which buffers have their final size.
const WARM_UP_FRAMES: u64 = 30;

/// What the perceive thread needs.
pub struct Perceive {
    /// The state shared by all threads.
    pub shared: Arc<Shared>,
    /// The networks.
    pub perceiver: Perceiver,
    /// What tells the gaze now.
    pub network: NetworkTag,
    /// What will tell it from the next frame on.
    pub coming: HeapCons<Coming>,
    /// What told it before, on its way to be freed.
    pub going: HeapProd<GazeKind>,
    /// Frames from the capture thread.
    pub filled: HeapCons<Frame>,
    /// Frames on their way back to it.
    pub empty: HeapProd<Frame>,
    /// Measurements on their way to the publisher.
    pub measured: HeapProd<Measurement>,
    /// Where pictures leave for the recorder.
    pub tap: Tap,
    /// Where they leave for clips, hooks and the window.
    pub outlets: Vec<Outlet>,
    /// Who measures the other faces; `None`: the perceiver itself.
    pub faces: Option<faces::Sender>,
    /// Whether they look at the camera.
    pub contacts: Contacts,
    /// The contact network where nobody else asks it: every frame waits for its answer.
    pub judge: Option<ContactNet>,
    /// Measure every frame instead of the newest.
    pub lossless: bool,
    /// Every frame stands alone: nobody is followed from one to the next.
    pub stills: bool,
}

impl Perceive {
    /// Runs until the daemon stops.
    pub fn run(mut self) {
        let mut frames = 0u64;
        let mut passed_over = false;
        let mut allocations_when_warm = 0;
        while !self.shared.stopping() {
            self.take_up_network();
            dies(Victim::Perceive);
            let Some(mut frame) = self.newest() else {
                std::thread::park_timeout(REST);
                continue;
            };
            // Never two in a row: a camera that is always late is measured all the same.
            let waited_ns = clock::now_ns().saturating_sub(frame.captured_ns);
            passed_over = !passed_over && !self.lossless && waited_ns > STALE_NS;
            if passed_over {
                let _ = self.empty.try_push(frame);
                self.shared.frames_dropped.fetch_add(1, Relaxed);
                continue;
            }
            if let Some(faces) = &mut self.faces {
                faces.receive(&mut self.perceiver, &mut self.contacts);
            }
            let wish = **self.shared.faces.load();
            self.perceiver.choose(wish.primary);
            self.contacts.set(wish.contact);
            let network = self.shared.contact_network.load(Relaxed);
            self.contacts.by_network(network);
            // Pictures that are stored are told from blinks by every frame's lids.
            self.perceiver.see_all(self.tap.wants_pictures());
            let found = if self.stills {
                self.perceiver.perceive_still(&frame)
            } else {
                self.perceiver.perceive(&frame)
            };
            if found.repeated && !found.frozen {
                // The same picture again is no news; samples are predictions meanwhile,
                // and "frozen" when it goes on.
                let _ = self.empty.try_push(frame);
                continue;
            }
            let due = frame.index.is_multiple_of(u64::from(wish.every.max(1)));
            if let Some(net) = self.judge.as_mut().filter(|_| due)
                && let Err(error) = faces::judge_now(net, &frame, found, &mut self.contacts)
            {
                // It is a file that waits, not a camera.
                say!("contact is told by geometry from now on: {error}");
                self.judge = None;
                self.shared.contact_network.store(false, Relaxed);
            }
            let mut measurement = Measurement::of(found, &frame, &self.network, clock::now_ns());
            self.contacts.judge(found, &mut measurement.table);
            self.shared
                .picture
                .store(frame.width << 16 | frame.height, Relaxed);
            // A full queue means that the publisher is not running: the
            // measurement is late and therefore dropped.
            let _ = self.measured.try_push(measurement);
            // After the sample's own way: a recording never delays it.
            for outlet in &mut self.outlets {
                outlet.offer(&frame, found, &measurement);
            }
            self.shared.resting.store(self.rests(), Relaxed);
            // It copies what it needs, before the recorder takes the frame.
            if let Some(faces) = self.faces.as_mut().filter(|_| !self.stills) {
                faces.send(&mut self.perceiver, &frame, network && due);
            }
            let found = self.perceiver.perception();
            self.tap.offer(&mut frame, found, &measurement);
            let _ = self.empty.try_push(frame);

            frames += 1;
            if frames == WARM_UP_FRAMES {
                allocations_when_warm = allocations_of_this_thread();
            } else if frames > WARM_UP_FRAMES {
                let made = allocations_of_this_thread() - allocations_when_warm;
                self.shared.perceive_allocations.store(made, Relaxed);
            }
        }
    }

    /// Whether nobody is there and nobody else wants every picture.
    fn rests(&self) -> bool {
        self.perceiver.is_resting()
            && !self.lossless
            && !self.stills
            && !self.tap.wants_pictures()
            && !self.outlets.iter().any(Outlet::wants_every_picture)
    }

    /// Between two frames: lets the network take over that has come, if one has. The one
    /// before it is freed elsewhere.
    fn take_up_network(&mut self) {
        if self.going.is_full() {
            return;
        }
        if let Some(Coming { gaze, tag }) = self.coming.try_pop() {
            let before = self.perceiver.swap_gaze(gaze);
            self.network = tag;
            // There is room: nobody else fills it.
            let _ = self.going.try_push(before);
        }
    }

    /// The newest frame there is; older ones go back unseen and are counted.
    fn newest(&mut self) -> Option<Frame> {
        let mut newest = self.filled.try_pop()?;
        while !self.lossless
            && let Some(newer) = self.filled.try_pop()
        {
            let _ = self.empty.try_push(std::mem::replace(&mut newest, newer));
            self.shared.frames_dropped.fetch_add(1, Relaxed);
        }
        Some(newest)
    }
}
