//! The hooks thread: tells a command, a pipe or a file when somebody begins or ceases to look.
//!
//! It is handed only pictures in which a face's contact changes. Commands run beside it; it
//! waits for none, and ends those that take too long. While too many run, news are dropped
//! and counted, never queued up.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use ring::clock;
use ring::layout::{FaceRow, FaceState};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Serialize;

use super::outlet::{Inlet, View};
use super::{snapshot, target};
use crate::pipeline::shared::Shared;

/// So often it looks for news.
const GLANCE: Duration = Duration::from_millis(10);
/// The same while there are no hooks.
const REST: Duration = Duration::from_millis(100);
/// Commands at the same time.
const MOST_COMMANDS: usize = 4;
/// Snapshots that are kept; the oldest go first.
const MOST_SNAPSHOTS: usize = 500;

/// What is to be told, and whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// A program and its arguments; empty: none. The news are in its environment
    /// (`GAZE_EVENT`, `GAZE_FACE`, `GAZE_CONTACT`, `GAZE_SNAPSHOT`) and, as JSON, on its
    /// standard input.
    pub command: Vec<String>,
    /// A file or named pipe that gets one JSON line each.
    pub line_to: Option<PathBuf>,
    /// A folder for a JPEG of the moment.
    pub snapshots: Option<PathBuf>,
    /// A command that runs longer is ended.
    pub timeout: Duration,
}

/// One piece of news, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct News {
    /// `contact-start` or `contact-end`.
    pub event: &'static str,
    /// Stays with the face; never used again.
    pub face: u32,
    /// When, UTC.
    pub time: String,
    /// When, monotonic nanoseconds: the clock of the samples.
    pub at_ns: u64,
    /// Probability of contact; null where it is not known.
    pub contact: Option<f32>,
    /// Its box: left, top, width, height in pixels.
    pub r#box: [f32; 4],
    /// How long the contact lasted; with its end only.
    pub seconds: Option<f64>,
    /// The picture of it.
    pub snapshot: Option<PathBuf>,
}

/// What the hooks thread needs.
pub struct Hooks {
    /// The state shared by all threads.
    pub shared: Arc<Shared>,
    /// Pictures in which something changes.
    pub inlet: Inlet,
    /// At the start, then whenever the settings change.
    pub orders: Receiver<Option<Plan>>,
}

impl Hooks {
    /// Runs until the daemon stops.
    pub fn run(mut self) {
        let mut plan: Option<Plan> = None;
        let mut who = Who::default();
        let mut commands = Commands::default();
        while !self.shared.stopping() {
            if let Some(order) = self.orders.try_iter().last() {
                match &order {
                    Some(_) => self.inlet.wish.want_changes(),
                    None => self.inlet.wish.want_nothing(),
                }
                plan = order;
            }
            commands.look_after();
            // No picture will say that they look no longer.
            if self.shared.paused() {
                let (now, view) = (clock::now_ns(), View::empty());
                if let Some(plan) = &plan {
                    let news = who.all_leave(now);
                    let plan = Plan {
                        snapshots: None,
                        ..plan.clone()
                    };
                    news.into_iter()
                        .for_each(|n| tell(&plan, n, &view, &mut commands));
                }
            }
            let view = self.inlet.next();
            if let (Some(plan), Some(view)) = (&plan, &view) {
                who.look(view)
                    .into_iter()
                    .for_each(|n| tell(plan, n, view, &mut commands));
            }
            match view {
                Some(view) => self.inlet.give_back(view),
                None if plan.is_some() || commands.any() => std::thread::sleep(GLANCE),
                None => std::thread::sleep(REST),
            }
        }
        commands.end_all();
    }
}

/// Who looks, and since when.
#[derive(Debug, Default)]
struct Who {
    looking: HashMap<u32, Looking>,
}

#[derive(Debug, Clone, Copy)]
struct Looking {
    since_ns: u64,
    row: FaceRow,
}

impl Who {
    /// What is news in this picture.
    fn look(&mut self, view: &View) -> Vec<News> {
        let Some(m) = &view.measurement else {
            return Vec::new();
        };
        let at = view.frame.captured_ns;
        let mut news = Vec::new();
        for row in m.table.faces() {
            let contact = row.state() == FaceState::Contact;
            match (contact, self.looking.get_mut(&row.id)) {
                (true, None) => {
                    let now = Looking {
                        since_ns: row.since_ns.min(at),
                        row: *row,
                    };
                    self.looking.insert(row.id, now);
                    news.push(news_of("contact-start", row, at, None));
                }
                (true, Some(now)) => now.row = *row,
                (false, Some(now)) => {
                    let lasted = at.saturating_sub(now.since_ns);
                    news.push(news_of("contact-end", row, at, Some(lasted)));
                    self.looking.remove(&row.id);
                }
                (false, None) => {}
            }
        }
        // Who has left the picture.
        let here = |id: u32| m.table.faces().iter().any(|r| r.id == id);
        self.looking.retain(|&id, now| {
            let gone = !here(id);
            if gone {
                let lasted = at.saturating_sub(now.since_ns);
                news.push(news_of("contact-end", &now.row, at, Some(lasted)));
            }
            !gone
        });
        news
    }

    /// The camera is closed.
    fn all_leave(&mut self, at: u64) -> Vec<News> {
        let leave = |(_, now): (u32, Looking)| {
            news_of(
                "contact-end",
                &now.row,
                at,
                Some(at.saturating_sub(now.since_ns)),
            )
        };
        self.looking.drain().map(leave).collect()
    }
}

fn news_of(event: &'static str, row: &FaceRow, at_ns: u64, lasted_ns: Option<u64>) -> News {
    let age = clock::now_ns().saturating_sub(at_ns);
    let unix = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_nanos() as u64);
    News {
        event,
        face: row.id,
        time: clips::time::iso(unix.saturating_sub(age)),
        at_ns,
        contact: row.contact.is_finite().then_some(row.contact),
        r#box: [row.x, row.y, row.w, row.h],
        seconds: lasted_ns.map(|ns| ns as f64 / 1e9),
        snapshot: None,
    }
}

fn tell(plan: &Plan, mut news: News, view: &View, commands: &mut Commands) {
    if let Some(folder) = &plan.snapshots {
        let name = format!(
            "{}_face-{}_{}",
            news.time.replace(':', "-").replace('T', "_"),
            news.face,
            news.event
        );
        match snapshot::store(&view.frame, folder, &name, MOST_SNAPSHOTS) {
            Ok(path) => news.snapshot = Some(path),
            Err(e) => eprintln!("gazed: no snapshot in {}: {e}", folder.display()),
        }
    }
    let mut line = serde_json::to_string(&news).unwrap_or_default();
    line.push('\n');
    if let Some(path) = &plan.line_to
        && let Err(e) = target::append(path, &line)
        && e.raw_os_error() != Some(rustix::io::Errno::NXIO.raw_os_error())
        && e.kind() != std::io::ErrorKind::WouldBlock
    {
        eprintln!("gazed: hook: {} does not take a line: {e}", path.display());
    }
    if !plan.command.is_empty() {
        commands.start(plan, &news, &line);
    }
}

/// The commands that run.
#[derive(Default)]
struct Commands {
    running: Vec<(Child, Instant)>,
    dropped: u64,
}

impl Commands {
    fn any(&self) -> bool {
        !self.running.is_empty()
    }

    fn start(&mut self, plan: &Plan, news: &News, line: &str) {
        self.look_after();
        if self.running.len() >= MOST_COMMANDS {
            self.dropped += 1;
            eprintln!(
                "gazed: hook: {MOST_COMMANDS} commands run already; {} dropped so far",
                self.dropped
            );
            return;
        }
        use std::os::unix::process::CommandExt;
        let started = Command::new(&plan.command[0])
            .args(&plan.command[1..])
            .env("GAZE_EVENT", news.event)
            .env("GAZE_FACE", news.face.to_string())
            .env(
                "GAZE_CONTACT",
                news.contact.map_or(String::new(), |c| c.to_string()),
            )
            .env("GAZE_SNAPSHOT", news.snapshot.clone().unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // What it starts ends with it.
            .process_group(0)
            .spawn();
        match started {
            Ok(mut child) => {
                // A line fits into an empty pipe: nothing waits here for a slow reader.
                if let Some(mut input) = child.stdin.take() {
                    let _ = input.write_all(line.as_bytes());
                }
                self.running.push((child, Instant::now() + plan.timeout));
            }
            Err(e) => eprintln!("gazed: hook: {} cannot be run: {e}", plan.command[0]),
        }
    }

    /// Takes leave of those that have ended, and ends those that take too long.
    fn look_after(&mut self) {
        self.running
            .retain_mut(|(child, until)| match child.try_wait() {
                Ok(Some(_)) | Err(_) => false,
                Ok(None) if Instant::now() >= *until => {
                    eprintln!(
                        "gazed: hook: process {} took too long and was ended",
                        child.id()
                    );
                    end(child);
                    false
                }
                Ok(None) => true,
            });
    }

    fn end_all(&mut self) {
        self.running
            .drain(..)
            .for_each(|(mut child, _)| end(&mut child));
    }
}

fn end(child: &mut Child) {
    if let Some(group) = Pid::from_raw(child.id() as i32) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::measurement::{Measurement, NetworkTag};
    use ring::layout::FaceTable;
    use vision::Perception;

    fn view(at_ns: u64, faces: &[(u32, FaceState, u64)]) -> View {
        let mut view = View::empty();
        view.frame.reset(8, 8, vision::PixelFormat::Gray8);
        view.frame.captured_ns = at_ns;
        let found = Perception::default();
        let mut m = Measurement::of(&found, &view.frame, &NetworkTag::default(), at_ns);
        m.table = FaceTable {
            count: faces.len() as u32,
            ..FaceTable::default()
        };
        for (row, &(id, state, since_ns)) in m.table.rows.iter_mut().zip(faces) {
            (row.id, row.state, row.since_ns) = (id, state.raw(), since_ns);
            (row.x, row.y, row.w, row.h, row.contact) = (1.0, 2.0, 3.0, 4.0, 0.75);
        }
        view.measurement = Some(m);
        view
    }

    #[test]
    fn a_contact_begins_once_and_ends_once_also_by_leaving() {
        use FaceState::*;
        let mut who = Who::default();
        let said = |news: Vec<News>| -> Vec<(&str, u32, Option<f64>)> {
            news.iter().map(|n| (n.event, n.face, n.seconds)).collect()
        };
        let s = 1_000_000_000;
        assert_eq!(
            said(who.look(&view(s, &[(1, Away, 0), (2, Unknown, 0)]))),
            []
        );
        let two = [(1, Contact, s), (2, Contact, 2 * s)];
        assert_eq!(
            said(who.look(&view(2 * s, &two))),
            [("contact-start", 1, None), ("contact-start", 2, None)]
        );
        assert_eq!(said(who.look(&view(3 * s, &two))), []);
        assert_eq!(
            said(who.look(&view(4 * s, &[(1, EyesClosed, 4 * s), (2, Contact, 2 * s)]))),
            [("contact-end", 1, Some(3.0))]
        );
        assert_eq!(
            said(who.look(&view(5 * s, &[(1, Away, 4 * s)]))),
            [("contact-end", 2, Some(3.0))]
        );
        assert_eq!(said(who.look(&view(6 * s, &[]))), []);
    }

    #[test]
    fn a_pipe_that_nobody_reads_holds_nobody_up() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("news");
        let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let e = target::append(&pipe, "a line\n").unwrap_err();
        assert_eq!(
            e.raw_os_error(),
            Some(rustix::io::Errno::NXIO.raw_os_error())
        );
        // With a reader it arrives; one that sleeps fills up and is passed over.
        let reader = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(&pipe)
            .unwrap();
        target::append(&pipe, "a line\n").unwrap();
        let mut bytes = [0; 7];
        std::io::Read::read_exact(&mut &reader, &mut bytes).unwrap();
        assert_eq!(&bytes, b"a line\n");
        let line = format!("{}\n", "x".repeat(4000));
        let full = (0..1000)
            .find_map(|_| target::append(&pipe, &line).err())
            .unwrap();
        assert_eq!(full.kind(), std::io::ErrorKind::WouldBlock);
        let file = dir.path().join("news.jsonl");
        target::append(&file, "1\n").unwrap();
        target::append(&file, "2\n").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "1\n2\n");
    }

    #[test]
    fn a_command_gets_its_news_and_one_that_hangs_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let script = format!(
            "cat > {0}.part; echo $GAZE_EVENT $GAZE_FACE $GAZE_CONTACT >> {0}.part; \
             mv {0}.part {0}; sleep 600",
            out.display()
        );
        let plan = Plan {
            command: vec!["sh".into(), "-c".into(), script],
            line_to: None,
            snapshots: Some(dir.path().to_owned()),
            timeout: Duration::from_millis(1500),
        };
        let view = view(1, &[(9, FaceState::Contact, 1)]);
        let news = Who::default().look(&view).remove(0);
        let mut commands = Commands::default();
        let begun = Instant::now();
        tell(&plan, news, &view, &mut commands);
        let until = begun + Duration::from_secs(60);
        while !out.exists() || commands.any() {
            assert!(Instant::now() < until, "the command runs and is ended");
            commands.look_after();
            std::thread::sleep(GLANCE);
        }
        assert!(begun.elapsed() >= plan.timeout, "not ended before its time");
        let text = std::fs::read_to_string(&out).unwrap();
        let (json, environment) = text.split_once('\n').unwrap();
        assert_eq!(environment, "contact-start 9 0.75\n");
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(
            (&json["event"], &json["face"]),
            (&"contact-start".into(), &9.into())
        );
        let jpeg = std::fs::read(json["snapshot"].as_str().unwrap()).unwrap();
        assert!(jpeg.starts_with(&[0xff, 0xd8]) && jpeg.ends_with(&[0xff, 0xd9]));
    }
}
