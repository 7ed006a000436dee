//! What the threads know of each other: atomics and atomic swaps, no locks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use arc_swap::{ArcSwap, Guard};
use ring::layout::{AssistantNote, ClipsNote, ClipsStatus, Reason, State};

use super::mapping::Mapping;
use crate::engine::Engine;
use crate::record::tap::Wish;
use crate::settings_faces::FaceWish;

/// How the source is. Swapped whole, so that state and text belong together.
#[derive(Debug)]
pub struct SourceNews {
    /// Counts the news: another place in memory does not tell them apart, which is used again.
    pub number: u64,
    /// What the daemon is doing with it.
    pub state: State,
    /// What an app can do about it.
    pub reason: Reason,
    /// One line for people; empty when all is well.
    pub why: String,
    /// Its name, once it is open.
    pub name: String,
}

/// One set for all threads of a running daemon.
///
/// Counters are read for display only, so relaxed order is enough for them; the
/// mapping and the news of the source are swapped whole.
pub struct Shared {
    /// Everybody ends soon after this turns true.
    pub stop: AtomicBool,
    /// The camera is to be closed until this turns false again.
    pub pause: AtomicBool,
    source: ArcSwap<SourceNews>,
    news: AtomicU64,
    /// Who is the primary face, and when a face is in contact.
    pub faces: ArcSwap<FaceWish>,
    /// A contact network tells it; else geometry.
    pub contact_network: AtomicBool,
    /// Screen, calibration and filter in force.
    pub mapping: ArcSwap<Mapping>,
    /// Why the network that the settings name is not in force, in one line; empty while
    /// it is.
    pub network_refused: ArcSwap<String>,
    /// What computes the networks, and how urgent the threads are.
    pub engine: Arc<Engine>,
    /// Which pictures a client wants stored, and whether one does.
    pub record: Arc<Wish>,
    /// How it stands with clips; their thread alone stores it.
    pub clips: ArcSwap<ClipsNote>,
    /// What the assistant says; its thread alone stores it.
    pub assistant: ArcSwap<AssistantNote>,
    /// Nobody is before the camera, and nobody wants its pictures for anything but to look for
    /// somebody. Perception says so, for the capture thread.
    pub resting: AtomicBool,
    /// Frames the source gave.
    pub frames_in: AtomicU64,
    /// Frames nobody looked at because a newer one was there.
    pub frames_dropped: AtomicU64,
    /// Times the source was lost and opened again.
    pub reconnects: AtomicU64,
    /// The pictures' size, width in the upper half.
    pub picture: AtomicU32,
    /// Allocations of the perceive thread after its warm-up.
    pub perceive_allocations: AtomicU64,
    /// Allocations of the publish thread after its warm-up.
    pub publish_allocations: AtomicU64,
}

impl Shared {
    /// Nothing has happened yet.
    pub fn new(mapping: Mapping) -> Self {
        let news = SourceNews {
            number: 0,
            state: State::Starting,
            reason: Reason::Starting,
            why: String::new(),
            name: String::new(),
        };
        Shared {
            stop: AtomicBool::new(false),
            pause: AtomicBool::new(false),
            source: ArcSwap::from_pointee(news),
            news: AtomicU64::new(1),
            faces: ArcSwap::default(),
            contact_network: AtomicBool::new(false),
            mapping: ArcSwap::from_pointee(mapping),
            network_refused: ArcSwap::default(),
            engine: Arc::default(),
            record: Arc::default(),
            clips: ArcSwap::from_pointee(ClipsNote {
                status: ClipsStatus::Off.raw(),
                ..ClipsNote::default()
            }),
            assistant: ArcSwap::from_pointee(AssistantNote::default()),
            resting: AtomicBool::new(false),
            frames_in: AtomicU64::new(0),
            frames_dropped: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
            picture: AtomicU32::new(0),
            perceive_allocations: AtomicU64::new(0),
            publish_allocations: AtomicU64::new(0),
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

    /// Says how the source is. Called when that changes, never per frame: the
    /// text is allocated.
    pub fn set_source(&self, state: State, reason: Reason, why: impl Into<String>) {
        let name = self.source.load().name.clone();
        self.source.store(Arc::new(SourceNews {
            number: self.news.fetch_add(1, Relaxed),
            state,
            reason,
            why: why.into(),
            name,
        }));
    }

    /// Says what the source is called.
    pub fn set_source_name(&self, name: &str) {
        let now = self.source.load();
        self.source.store(Arc::new(SourceNews {
            number: self.news.fetch_add(1, Relaxed),
            state: now.state,
            reason: now.reason,
            why: now.why.clone(),
            name: name.to_owned(),
        }));
    }

    /// How the source is.
    pub fn source(&self) -> Guard<Arc<SourceNews>> {
        self.source.load()
    }
}
