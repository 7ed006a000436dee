//! The thread `gaze-networks`: loads and warms gaze networks while another one works, hands
//! them to the perceive thread, and frees those that come back.
//!
//! The hand-over is a queue of one each way, so that the perceive thread takes a network
//! between two frames and neither loads nor frees one.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel};
use std::time::{Duration, Instant};

use gaze::geometric;
use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};
use vision::gaze_net::{GazeNet, GazeNetError};
use vision::{GazeKind, ModelStore, Runtime, SessionOptions};

use super::measurement::NetworkTag;
use super::shared::Shared;
use crate::calibrations::{Wake, note};
use crate::log::say;
use crate::settings::GazeChoice;

/// How often it looks whether a network was taken and the one before it came back, while it is
/// owed one.
const PATIENCE: Duration = Duration::from_millis(250);
/// And how often otherwise: orders wake it, and the end of the daemon does.
const REST: Duration = Duration::from_secs(5);

/// A network on its way to the perceive thread.
pub struct Coming {
    /// What tells the gaze from the next frame on.
    pub gaze: GazeKind,
    /// Its name there.
    pub tag: NetworkTag,
}

/// What networks are made with: the same as long as the daemon runs.
#[derive(Clone)]
pub struct Maker {
    /// ONNX Runtime.
    pub runtime: Runtime,
    /// How sessions are made.
    pub options: SessionOptions,
    /// SHA-256 of the landmark network, which stands for geometry.
    pub landmarks: [u8; 32],
    /// Where the networks lie that come with the program.
    pub store: ModelStore,
}

impl Maker {
    /// The network that is asked for, bound and warm, or geometry; and its tag.
    ///
    /// # Errors
    /// One line that names the file.
    pub fn make(&self, choice: &GazeChoice, number: u32) -> Result<Coming, GazeNetError> {
        let net = match choice {
            GazeChoice::Geometric => None,
            GazeChoice::File(file) => Some(self.open(file)?),
            GazeChoice::Base(which) => {
                GazeNet::base(&self.store, *which, &self.runtime, &self.options)?
            }
        };
        Ok(match net {
            None => Coming {
                gaze: GazeKind::Geometric,
                tag: NetworkTag::new(number, geometric::NAME, &self.landmarks),
            },
            Some(net) => Coming {
                tag: NetworkTag::new(number, net.name(), net.hash()),
                gaze: GazeKind::Network(Box::new(net)),
            },
        })
    }

    fn open(&self, file: &Path) -> Result<GazeNet, GazeNetError> {
        GazeNet::open(file, None, &self.runtime, &self.options)
    }
}

/// The perceive thread's ends of the hand-over.
pub struct Exchange {
    /// Networks that are to take over.
    pub coming: HeapCons<Coming>,
    /// Networks that did.
    pub going: HeapProd<GazeKind>,
}

impl Exchange {
    /// Of a perceiver that keeps its network.
    pub fn idle() -> Exchange {
        Exchange {
            coming: HeapRb::new(1).split().1,
            going: HeapRb::new(1).split().0,
        }
    }
}

/// The thread's belongings.
pub struct Networks {
    maker: Maker,
    /// What was asked for last and is in force, or about to be.
    tag: NetworkTag,
    orders: Receiver<GazeChoice>,
    send: HeapProd<Coming>,
    back: HeapCons<GazeKind>,
    files: Option<SyncSender<Wake>>,
    /// Loaded, and the one before it has not been taken yet.
    waiting: Option<Coming>,
    /// Networks on their way, and those that have not come back for them.
    owed: u32,
}

impl Networks {
    /// Beside a perceiver whose network is `tag`. Orders say what is to tell the gaze.
    pub fn new(
        maker: Maker,
        tag: NetworkTag,
        files: Option<SyncSender<Wake>>,
    ) -> (Networks, Exchange, Sender<GazeChoice>) {
        let (order, orders) = channel();
        let (send, coming) = HeapRb::new(1).split();
        let (going, back) = HeapRb::new(2).split();
        let networks = Networks {
            maker,
            tag,
            orders,
            send,
            back,
            files,
            waiting: None,
            owed: 0,
        };
        (networks, Exchange { coming, going }, order)
    }

    /// Runs until the daemon stops.
    pub fn run(mut self, shared: &Shared) {
        // Lines that the publisher may still hold: it must not be the one who frees them.
        let mut retired: Vec<Arc<String>> = Vec::new();
        while !shared.stopping() {
            if self.back.try_pop().is_some() {
                self.owed -= 1;
            }
            if let Some(coming) = self.waiting.take() {
                self.push(coming);
            }
            retired.retain(|line| Arc::strong_count(line) > 1);
            let owed = self.waiting.is_some() || self.owed > 0 || !retired.is_empty();
            let mut order = match self.orders.recv_timeout(if owed { PATIENCE } else { REST }) {
                Ok(order) => order,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => {
                    // The supervisor has let go of it: the daemon is about to end.
                    std::thread::park_timeout(PATIENCE);
                    continue;
                }
            };
            // Only the last of several counts.
            while let Ok(later) = self.orders.try_recv() {
                order = later;
            }
            let refused = self.follow(&order).err().unwrap_or_default();
            if *shared.network_refused.load_full() != refused {
                retired.push(shared.network_refused.swap(Arc::new(refused)));
            }
        }
    }

    /// Loads what was asked for and sends it on its way, unless it is what there is.
    fn follow(&mut self, choice: &GazeChoice) -> Result<(), String> {
        let begun = Instant::now();
        let made = self.maker.make(choice, self.tag.number + 1);
        let coming = made.map_err(|error| {
            say!("{} stays in force: {error}", self.tag.name());
            let line = error.to_string();
            // The header has room for one line: the name matters, not the whole path.
            match choice {
                GazeChoice::File(path) => {
                    line.replace(&path.display().to_string(), &note::short_name(path))
                }
                _ => line,
            }
        })?;
        let same = (coming.tag.name(), coming.tag.sha256) == (self.tag.name(), self.tag.sha256);
        if same {
            return Ok(());
        }
        say!(
            "{} takes over from {}; it was loaded in {:.0} ms",
            coming.tag.name(),
            self.tag.name(),
            begun.elapsed().as_secs_f64() * 1e3
        );
        self.tag = coming.tag;
        if let Some(files) = &self.files {
            // It fails only when that thread has died, which is an event of its own.
            let _ = files.send(Wake::Network(Box::new(self.tag)));
        }
        self.push(coming);
        Ok(())
    }

    /// Sends it on its way, or keeps it until the one before it has been taken.
    fn push(&mut self, coming: Coming) {
        self.waiting = self.send.try_push(coming).err();
        self.owed += u32::from(self.waiting.is_none());
    }
}
