//! What a daemon is made of, and what its supervisor hears.

use std::sync::Arc;

use ring::Writer;
use vision::{ContactNet, Perceiver};

use super::faces;
use super::measurement::NetworkTag;
use super::networks::Maker;
use super::shared::Shared;
use crate::calibrations::Files;
use crate::record::Door;
use crate::side::outlet::Outlet;
use crate::side::{assistant, clips, hooks};
use crate::sources::{FrameSource, OpenOptions, SourceError, SourceSpec};

/// Something the supervisor must know.
#[derive(Debug)]
pub enum Event {
    /// A clip has come to its end.
    SourceEnded,
    /// The source cannot be had and trying again will not help.
    SourceFailed(SourceError),
    /// A thread died of a fault of ours.
    ThreadDied {
        /// Its name.
        thread: &'static str,
        /// What it said.
        why: String,
    },
    /// SIGTERM or SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
    /// SIGUSR1.
    TogglePause,
}

/// What a daemon is made of.
pub struct Parts {
    /// The state all threads share.
    pub shared: Arc<Shared>,
    /// The networks; `None` runs without perception (a `null` source).
    pub perceiver: Option<Perceiver>,
    /// The perceiver's network and the generation that the header gave it.
    pub network: Option<(NetworkTag, u32)>,
    /// What makes other networks while it runs; `None` leaves that one.
    pub maker: Option<Maker>,
    /// The shared memory.
    pub writer: Writer,
    /// What to open.
    pub spec: SourceSpec,
    /// How to open it.
    pub options: OpenOptions,
    /// The source, if it is open already.
    pub source: Option<Box<dyn FrameSource>>,
    /// Measure every frame of a file instead of the newest.
    pub lossless: bool,
    /// Every frame stands alone: nobody is followed from one to the next.
    pub stills: bool,
    /// Who keeps the calibration; `None` leaves the mapping as it is.
    pub files: Option<Files>,
    /// Where clients ask for labelled pictures to be stored.
    pub door: Option<Door>,
    /// What happens beside it.
    pub side: Side,
}

/// What happens beside the way from frame to sample; nothing by default.
#[derive(Default)]
pub struct Side {
    /// What is recorded of eye contact.
    pub clips: Option<clips::Plan>,
    /// Who is told of it.
    pub hooks: Option<hooks::Plan>,
    /// Whom the assistant asks.
    pub assistant: Option<assistant::Plan>,
    /// Where pictures leave for a window.
    pub window: Option<Outlet>,
    /// What measures the faces beside the primary one, on a thread of its own, for a perceiver
    /// that leaves them to it; without it they wait in line.
    pub looker: Option<faces::Plan>,
    /// The contact network where there is no such thread; every frame waits for its answer.
    pub judge: Option<ContactNet>,
}
