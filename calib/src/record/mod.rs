//! `gaze-calib record`: pictures of a person who looks at known places, to train with.
//!
//! | module | does |
//! |---|---|
//! | [`plan`] | where the dot goes and what the person is asked to do |
//! | [`state`] | a recording before the screen: a pure state machine |
//! | [`view`] | what a window draws of it |
//! | [`client`] | the line to the daemon, which owns the camera and stores the pictures |
//!
//! The pairs are `img_N.jpg` and `img_N.json` as [`gaze::dataset`] says.

pub mod client;
pub mod plan;
pub mod state;
pub mod view;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use gaze::calibration::DisplayRecord;
use gaze::dataset::folder::Folder;
use gaze::dataset::protocol::Trouble;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::args::RecordArgs;
use crate::session::{Key, Look};
use crate::sitting::Sitting;
use crate::window::Show;
use crate::window::pages::Pages;
use crate::window::scene::Item;
use crate::{Exit, Failure};
use client::{Client, Heard};
use state::{Plan, Recording, Report};

/// The daemon finishes the picture in its hand within this time.
const LAST_PICTURE: Duration = Duration::from_secs(3);

/// Runs the command.
///
/// # Errors
/// [`Failure`]; whole pairs that were stored before it are still there.
pub fn run(args: &RecordArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let folder = std::path::absolute(&args.out)
        .map_err(|e| Failure::new(Exit::Output, format!("{}: {e}", args.out.display())))?;
    let sitting = Sitting::prepare(&args.sitting())?;
    let shm = ring::default_name();
    // Before anybody is asked anything.
    Client::connect(&shm).map_err(|e| Failure::new(Exit::Input, e))?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, stop.clone())
            .map_err(|e| Failure::new(Exit::Input, format!("signals cannot be heard: {e}")))?;
    }
    let display = sitting.setup.display.clone();
    let seed = args.window.seed.unwrap_or_else(ring::clock::now_ns);
    let plan = Plan {
        folder,
        screen: display.screen(),
        steps: plan::steps(args.places.into(), seed),
        agreed: args.yes,
    };
    if args.yes {
        eprintln!(
            "gaze-calib: pictures of the camera are stored in {}; nothing leaves this computer",
            plan.folder.display()
        );
    }
    let mut driver = Driver {
        recording: Recording::new(plan, ring::clock::now_ns()),
        client: None,
        shm,
        display,
        stop,
    };
    let shown = sitting.show(&mut driver);
    let report = driver.finish();
    say(&report, args.window.json, out)?;
    // What was stored is told first.
    shown?;
    match end(&report) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

fn say(report: &Report, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    if json {
        serde_json::to_writer(&mut *out, report).map_err(std::io::Error::other)?;
        writeln!(out)?;
    } else if !report.declined {
        for line in report.lines() {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// What the process says at its end, where not all is well.
fn end(report: &Report) -> Option<Failure> {
    if report.declined {
        return Some(Failure::new(
            Exit::NotGood,
            "nothing was stored: you did not agree",
        ));
    }
    match (&report.trouble, report.kind) {
        (Some(why), Some(Trouble::Full | Trouble::Folder)) => Some(Failure::new(Exit::Output, why)),
        (Some(why), _) => Some(Failure::new(Exit::Input, why)),
        (None, _) if report.stored == 0 => {
            Some(Failure::new(Exit::NotGood, "no picture could be stored"))
        }
        (None, _) => None,
    }
}

/// Puts the window, the recording and the daemon together.
struct Driver {
    recording: Recording,
    client: Option<Client>,
    shm: String,
    display: DisplayRecord,
    /// A signal asked for the end.
    stop: Arc<AtomicBool>,
}

impl Driver {
    /// Says what is to be said.
    fn speak(&mut self) {
        while let Some(order) = self.recording.order() {
            if self.client.is_none() {
                match Client::connect(&self.shm) {
                    Ok(client) => self.client = Some(client),
                    Err(why) => return self.recording.gone(&why),
                }
            }
            if self.client.as_mut().is_some_and(|c| !c.say(&order)) {
                // What it said last is still to be heard.
                return;
            }
        }
    }

    /// Hears what has been said; false when the daemon has nothing more to say.
    fn listen(&mut self, now_ns: u64) -> bool {
        while let Some(client) = &mut self.client {
            match client.hear() {
                Heard::Answer(answer) => self.recording.answer(now_ns, &answer),
                Heard::Nothing => return true,
                Heard::Gone => {
                    self.client = None;
                    self.recording.gone("gazed is gone; start it: gazed run");
                }
            }
        }
        false
    }

    /// Ends the recording and hears what is still stored. A daemon that died may have left
    /// a pair half named: that is mended here.
    fn finish(&mut self) -> Report {
        let died = self.client.is_none();
        self.recording.close();
        if let Some(client) = &mut self.client {
            client.end();
        }
        let until = Instant::now() + LAST_PICTURE;
        while self.listen(ring::clock::now_ns()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut report = self.recording.close().clone();
        if died
            && report.stored > 0
            && let Ok(folder) = Folder::open(&report.folder)
        {
            report.pairs = folder.pairs();
        }
        report
    }
}

impl Show for Driver {
    fn display(&self) -> &DisplayRecord {
        &self.display
    }

    fn look(&mut self, now_ns: u64, look: &Look) {
        self.recording.look(now_ns, look);
    }

    fn key(&mut self, now_ns: u64, key: Key) {
        self.recording.key(now_ns, key);
    }

    fn tick(&mut self, now_ns: u64) {
        if self.stop.load(Relaxed) {
            self.recording.close();
        }
        self.listen(now_ns);
        self.recording.tick(now_ns);
        self.speak();
        if self.recording.is_past()
            && let Some(client) = &mut self.client
        {
            client.end();
        }
    }

    fn is_over(&self) -> bool {
        self.recording.report().is_some()
    }

    fn scene(&self, pages: &mut Pages, now_ns: u64) -> Vec<Item> {
        pages.recording(&self.recording.view(now_ns))
    }
}
