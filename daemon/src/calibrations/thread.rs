//! The thread `gaze-files`: hears of files, displays, the camera and new settings,
//! and is the only one that stores mappings.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use display::Display;

use super::keeper::Keeper;
use super::note;
use super::watch::FolderWatch;
use crate::log::say;
use crate::pipeline::mapping::Mapping;
use crate::pipeline::measurement::NetworkTag;
use crate::pipeline::shared::Shared;
use crate::settings::FileSettings;

/// The camera's name is looked at this often, but not while it is closed; whoever opens it again or
/// ends the daemon wakes the thread.
const PATIENCE: Duration = Duration::from_millis(250);
/// The same while a file is away that may come back.
const IMPATIENCE: Duration = Duration::from_millis(20);
/// Files and displays are looked at this often even without news.
const POLL: Duration = Duration::from_secs(1);
/// The same where the system gives no news of folders.
const BLIND_POLL: Duration = Duration::from_millis(50);
/// Files are looked at no more often than this, however wildly they change.
const SPACING: Duration = Duration::from_millis(4);
/// The log gets at most one line in this time.
const QUIET: Duration = Duration::from_secs(1);
/// News that may wait unheard; more are the same news.
const INBOX: usize = 16;

/// Something to do.
#[derive(Debug)]
pub enum Wake {
    /// Look at the files.
    Look,
    /// Settings were read again.
    Settings(Box<FileSettings>),
    /// Another network takes over.
    Network(Box<NetworkTag>),
}

/// The thread's belongings.
pub struct Files {
    keeper: Keeper,
    displays: Vec<Display>,
    inbox: Receiver<Wake>,
    tell: SyncSender<Wake>,
    /// Note version of the last line said, and when.
    said: Option<(u32, Instant)>,
}

impl Files {
    /// Around a keeper that has looked once, at these displays.
    pub fn new(keeper: Keeper, displays: Vec<Display>) -> Self {
        let (tell, inbox) = sync_channel(INBOX);
        Files {
            keeper,
            displays,
            inbox,
            tell,
            said: None,
        }
    }

    /// For whoever has news.
    pub fn teller(&self) -> SyncSender<Wake> {
        self.tell.clone()
    }

    /// Runs until the daemon stops.
    pub fn run(mut self, shared: &Shared) {
        let mut watch = FolderWatch::new(self.tell.clone());
        let mut said_blind = false;
        let mut next_poll = Instant::now();
        let mut next_display = next_poll + POLL;
        let mut camera = String::new();
        // Mappings that the publisher may still hold. It must not be the one who frees
        // them: that is the allocator's business, and may take its lock.
        let mut retired: Vec<Arc<Mapping>> = Vec::new();
        while !shared.stopping() {
            let mut look = self.hear(&watch, shared.paused());
            let now = Instant::now();
            if now >= next_display {
                // No answer is no news: a desktop that is busy or restarts has not
                // lost its displays.
                if let Ok(displays) = display::list() {
                    self.displays = displays;
                }
                next_display = now + POLL;
            }
            if now >= next_poll {
                look = true;
                next_poll = now + if watch.is_blind() { BLIND_POLL } else { POLL };
            }
            let name = shared.source();
            if name.name != camera {
                camera.clone_from(&name.name);
                look = true;
            }
            drop(name);
            retired.retain(|mapping| Arc::strong_count(mapping) > 1);
            if !look && !self.keeper.waits() {
                self.say(now);
                continue;
            }
            watch.follow(&self.keeper.folders());
            if watch.is_blind() && !std::mem::replace(&mut said_blind, true) {
                say!("the system gives no news of folders; calibrations are polled");
            }
            if self.keeper.look(now, &camera, &self.displays) {
                retired.push(shared.mapping.swap(self.keeper.mapping().clone()));
            }
            self.say(now);
            std::thread::sleep(SPACING);
        }
    }

    /// Waits for news; whether there were any.
    fn hear(&mut self, watch: &FolderWatch, paused: bool) -> bool {
        let patience = match () {
            () if self.keeper.waits() => IMPATIENCE,
            () if watch.is_blind() => BLIND_POLL,
            () if paused => POLL,
            () => PATIENCE,
        };
        let mut news = match self.inbox.recv_timeout(patience) {
            Ok(wake) => Some(wake),
            Err(RecvTimeoutError::Timeout) => return false,
            // We hold a sender ourselves.
            Err(RecvTimeoutError::Disconnected) => return false,
        };
        while let Some(wake) = news {
            match wake {
                Wake::Look => {}
                Wake::Settings(settings) => self.keeper.set_settings(*settings),
                Wake::Network(tag) => self.keeper.set_network(&tag),
            }
            news = self.inbox.try_recv().ok();
        }
        true
    }

    /// Logs how it stands with the calibration when that has changed.
    fn say(&mut self, now: Instant) {
        let version = self.keeper.mapping().note_version;
        let due = match self.said {
            None => self.keeper.situation().file.is_some(),
            Some((said, at)) => said != version && now.duration_since(at) >= QUIET,
        };
        if due {
            self.said = Some((version, now));
            say!("{}", self.keeper.sentence(note::now_unix_s()));
        }
    }
}
