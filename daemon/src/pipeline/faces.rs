//! The thread `gaze-faces`: measures the faces beside the primary one, looks for newcomers, and
//! asks the contact network of all faces in one batch, if there is one. The looks of other faces are
//! told by the same gaze network as the primary one's, loaded once more: networks keep buffers.
//!
//! One [`Parcel`] travels between it and the perceive thread: a copy of a frame with an errand
//! there, what was found back. So the primary face never waits for another one, and late work
//! is not queued: while the parcel is away, no other frame is looked at. After an errand the
//! thread rests, so that it takes no more than [`SHARE`] of a core.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;
use std::thread::Thread;
use std::time::Duration;
use std::time::Instant;

use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};
use vision::{BBox, ContactNet, Errand, Findings, Frame, Looker, MAX_FACES, Perceiver, Perception};

use super::contacts::{Answer, Contacts};
use super::networks::Maker;
use super::shared::Shared;
use crate::log::say;
use crate::settings::GazeChoice;

/// Of one core: what the faces beside the primary one may take.
pub const SHARE: f64 = 0.8;

/// Without a parcel it looks this often whether the settings name other networks; who changes them
/// wakes it.
const REST: Duration = Duration::from_secs(1);

/// A frame and what is wanted of it; on the way back what was found.
pub struct Parcel {
    frame: Frame,
    errand: Errand,
    /// Whether the contact network is to be asked.
    judge: bool,
    findings: Findings,
    /// What it said, and how wide the face is.
    answers: [Option<(Answer, f64)>; MAX_FACES],
}

/// What the thread begins with.
pub struct Plan {
    /// Detector, landmarks and geometry.
    pub looker: Looker,
    /// The contact network; geometry tells without one.
    pub contact: Option<ContactNet>,
    /// What others are loaded with while the daemon runs; `None` leaves them.
    pub maker: Option<Maker>,
}

/// What the settings name from now on.
#[derive(Debug)]
pub enum Order {
    /// A contact network's file; geometry tells without one.
    Contact(Option<PathBuf>),
    /// What tells the gaze.
    Gaze(GazeChoice),
}

impl Plan {
    /// Contact by geometry.
    pub fn new(looker: Looker) -> Plan {
        Plan {
            looker,
            contact: None,
            maker: None,
        }
    }
}

/// The perceive thread's end. It takes no lock, allocates nothing after warm-up, logs nothing.
pub struct Sender {
    out: HeapProd<Box<Parcel>>,
    back: HeapCons<Box<Parcel>>,
    spare: Option<Box<Parcel>>,
    /// No other errand before.
    rest_until: Option<Instant>,
    thread: Thread,
}

/// The thread's belongings.
pub struct Faces {
    shared: Arc<Shared>,
    plan: Plan,
    orders: Receiver<Order>,
    parcels: HeapCons<Box<Parcel>>,
    back: HeapProd<Box<Parcel>>,
}

/// Both ends' queues; the sender's is complete once the thread runs.
pub struct Queues {
    out: HeapProd<Box<Parcel>>,
    back: HeapCons<Box<Parcel>>,
}

impl Queues {
    /// The perceive thread's end, which wakes `thread`.
    pub fn sender(self, thread: Thread) -> Sender {
        Sender {
            out: self.out,
            back: self.back,
            spare: Some(Box::new(Parcel {
                frame: Frame::default(),
                errand: Errand::default(),
                judge: false,
                findings: Findings::default(),
                answers: [None; MAX_FACES],
            })),
            rest_until: None,
            thread,
        }
    }
}

impl Faces {
    /// Beside a perceiver that leaves the other faces to it.
    pub fn new(shared: Arc<Shared>, plan: Plan, orders: Receiver<Order>) -> (Faces, Queues) {
        let (out, parcels) = HeapRb::new(1).split();
        let (give_back, back) = HeapRb::new(1).split();
        let faces = Faces {
            shared,
            plan,
            orders,
            parcels,
            back: give_back,
        };
        (faces, Queues { out, back })
    }

    /// Runs until the daemon stops.
    pub fn run(mut self) {
        self.shared
            .contact_network
            .store(self.plan.contact.is_some(), Relaxed);
        while !self.shared.stopping() {
            self.follow_orders();
            let Some(mut parcel) = self.parcels.try_pop() else {
                std::thread::park_timeout(REST);
                continue;
            };
            let Parcel {
                frame,
                errand,
                judge,
                findings,
                answers,
            } = &mut *parcel;
            let begun = Instant::now();
            self.plan.looker.run(frame, errand, findings);
            *answers = [None; MAX_FACES];
            if let Some(net) = self.plan.contact.as_mut().filter(|_| *judge)
                && let Err(error) = ask(net, frame, errand, findings, answers)
            {
                say!("contact is told by geometry from now on: {error}");
                self.plan.contact = None;
                self.shared.contact_network.store(false, Relaxed);
            }
            findings.spent_ns = begun.elapsed().as_nanos() as u64;
            // There is room: there is one parcel.
            let _ = self.back.try_push(parcel);
        }
    }
}

impl Faces {
    /// Loads the networks that the settings name now. Nobody waits for it but the faces beside
    /// the primary one.
    fn follow_orders(&mut self) {
        let (mut contact, mut gaze) = (None, None);
        // Only the last of several counts.
        for order in self.orders.try_iter() {
            match order {
                Order::Contact(file) => contact = Some(file),
                Order::Gaze(choice) => gaze = Some(choice),
            }
        }
        if let Some(file) = contact {
            self.follow_contact(file);
        }
        if let Some((maker, choice)) = self.plan.maker.as_ref().zip(gaze) {
            match maker.make(&choice, 0) {
                Ok(coming) => drop(self.plan.looker.swap_gaze(coming.gaze)),
                Err(error) => say!("other faces are told as before: {error}"),
            }
        }
    }

    fn follow_contact(&mut self, file: Option<PathBuf>) {
        let Some(Maker {
            runtime, options, ..
        }) = &self.plan.maker
        else {
            return;
        };
        let made = file.map(|file| ContactNet::open(&file, runtime, options));
        match made.transpose() {
            Ok(net) => {
                let hash = |net: &Option<ContactNet>| net.as_ref().map(|n| *n.hash());
                if hash(&net) != hash(&self.plan.contact) {
                    let name = net.as_ref().map_or("geometry", ContactNet::name);
                    say!("contact is told by {name} from now on");
                }
                self.shared.contact_network.store(net.is_some(), Relaxed);
                self.plan.contact = net;
            }
            Err(error) => say!("contact is told as before: {error}"),
        }
    }
}

/// Asks the contact network of every known face, where it was measured or is foreseen.
fn ask(
    net: &mut ContactNet,
    frame: &Frame,
    errand: &Errand,
    findings: &Findings,
    answers: &mut [Option<(Answer, f64)>; MAX_FACES],
) -> Result<(), vision::ModelError> {
    let known: Vec<(u32, BBox)> = errand
        .known
        .iter()
        .flatten()
        .map(|(id, foreseen)| (*id, findings.bbox_of(*id).unwrap_or(*foreseen)))
        .collect();
    for (to, answer) in answers.iter_mut().zip(judge(net, frame, &known)?) {
        *to = Some(answer);
    }
    Ok(())
}

/// What the contact network says of the faces in these boxes of a frame, and how wide each is.
fn judge(
    net: &mut ContactNet,
    frame: &Frame,
    known: &[(u32, BBox)],
) -> Result<Vec<(Answer, f64)>, vision::ModelError> {
    let boxes: Vec<BBox> = known.iter().map(|(_, bbox)| *bbox).collect();
    let told = net.judge(frame, &boxes)?;
    let answers = known.iter().zip(told).filter(|(_, p)| p.is_finite());
    Ok(answers
        .map(|((id, bbox), probability)| {
            let answer = Answer {
                id: *id,
                probability,
                at_ns: frame.captured_ns,
            };
            (answer, f64::from(bbox.width))
        })
        .collect())
}

/// Asks the contact network of everybody in a frame that was perceived just now, and waits for it:
/// for a file that is measured as fast as it goes, never before a camera.
///
/// # Errors
/// The network failed.
pub fn judge_now(
    net: &mut ContactNet,
    frame: &Frame,
    found: &Perception,
    contacts: &mut Contacts,
) -> Result<(), vision::ModelError> {
    let known: Vec<(u32, BBox)> = found.faces().map(|f| (f.id, f.bbox)).collect();
    for (answer, face_px) in judge(net, frame, &known)? {
        contacts.told(answer, face_px);
    }
    Ok(())
}

impl Sender {
    /// Before a frame: takes in what came back.
    pub fn receive(&mut self, perceiver: &mut Perceiver, contacts: &mut Contacts) {
        if let Some(mut parcel) = self.back.try_pop() {
            perceiver.absorb(&mut parcel.findings);
            for (answer, face_px) in parcel.answers.iter().flatten() {
                contacts.told(*answer, *face_px);
            }
            let rest = parcel.findings.spent_ns as f64 * (1.0 / SHARE - 1.0);
            self.rest_until = Instant::now().checked_add(Duration::from_nanos(rest as u64));
            self.spare = Some(parcel);
        }
    }

    /// After a frame: sends it if something is wanted of it and the parcel is here. `judge`: the
    /// contact network is to be asked.
    pub fn send(&mut self, perceiver: &mut Perceiver, frame: &Frame, judge: bool) {
        if self.rest_until.is_some_and(|t| Instant::now() < t) {
            return;
        }
        let Some(mut parcel) = self.spare.take() else {
            return;
        };
        parcel.errand = perceiver.errand(frame);
        parcel.judge = judge && parcel.errand.known[0].is_some();
        if parcel.errand.is_empty() && !parcel.judge {
            self.spare = Some(parcel);
            return;
        }
        parcel.frame.copy_from(frame);
        let _ = self.out.try_push(parcel);
        self.thread.unpark();
    }
}
