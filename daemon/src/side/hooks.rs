//! The hooks thread: tells a command, a pipe or a file when somebody begins or ceases to look.
//!
//! It is handed only pictures in which a face's contact changes. Commands run beside it; it
//! waits for none, and ends those that take too long. While too many run, news are dropped
//! and counted, never queued up.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use gaze::contact::{Change, ContactState, Transition, Transitions};
use gaze::trust;
use ring::clock;
use ring::layout::{FaceRow, FaceState};
use rustix::fs::{Access, access};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Serialize;
use vision::Frame;

use super::outlet::Inlet;
use super::{snapshot, target};
use crate::log::say;
use crate::pipeline::shared::Shared;

/// So often it looks for news.
const GLANCE: Duration = Duration::from_millis(10);
/// The same while there are no hooks, or the camera is closed; who changes that wakes it.
const REST: Duration = Duration::from_secs(1);
/// Commands at the same time.
const MOST_COMMANDS: usize = 4;
/// A face that is not in the pictures for this long has gone.
const PATIENCE_NS: u64 = 1_000_000_000;
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
    /// Its box: left, top, width, height in pixels; null where it has gone.
    pub r#box: Option<[f32; 4]>,
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
        let mut who = Who::new();
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
            let view = self.inlet.take();
            if let Some(plan) = &plan {
                let frame = view.as_ref().map(|v| &v.frame);
                let news = match view.as_ref().and_then(|v| v.measurement.as_ref()) {
                    Some(m) => who.look(m.captured_ns, m.table.faces()),
                    None => who.quiet(clock::now_ns()),
                };
                news.into_iter()
                    .for_each(|n| tell(plan, n, frame, &mut commands));
            }
            match view {
                Some(view) => self.inlet.give_back(view),
                None => {
                    // Who looks is said to look no more soon after a pause begins, too.
                    let awaited =
                        !self.shared.paused() || who.transitions.looking().next().is_some();
                    let looks = commands.any() || plan.is_some() && awaited;
                    std::thread::park_timeout(if looks { GLANCE } else { REST });
                }
            }
        }
        commands.end_all();
    }
}

/// Who looks, and since when.
#[derive(Debug)]
struct Who {
    transitions: Transitions,
    /// When the last picture was taken.
    seen_ns: u64,
}

impl Who {
    fn new() -> Self {
        Who {
            transitions: Transitions::new(PATIENCE_NS),
            seen_ns: 0,
        }
    }

    /// What is news in a picture with these faces.
    fn look(&mut self, at_ns: u64, rows: &[FaceRow]) -> Vec<News> {
        self.seen_ns = at_ns;
        let mut news = Vec::new();
        let faces = rows
            .iter()
            .map(|r| (r.id, state_of(r), r.since_ns, r.contact));
        self.transitions.absorb(at_ns, faces, |t| {
            news.push(news_of(&t, rows.iter().find(|r| r.id == t.id)));
        });
        news
    }

    /// No picture has come by now: with the camera closed nobody looks for ever.
    fn quiet(&mut self, now_ns: u64) -> Vec<News> {
        match now_ns.saturating_sub(self.seen_ns) > 2 * PATIENCE_NS {
            true if self.transitions.looking().next().is_some() => self.look(now_ns, &[]),
            _ => Vec::new(),
        }
    }
}

fn state_of(row: &FaceRow) -> ContactState {
    match row.state() {
        FaceState::Contact => ContactState::Contact,
        FaceState::Unknown => ContactState::Unknown,
        FaceState::Away | FaceState::EyesClosed => ContactState::No,
    }
}

fn news_of(t: &Transition, row: Option<&FaceRow>) -> News {
    let age = clock::now_ns().saturating_sub(t.at_ns);
    let unix = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_nanos() as u64);
    let lasted = t.at_ns.saturating_sub(t.began_ns) as f64 / 1e9;
    let (event, seconds) = match t.change {
        Change::Started => ("contact-start", None),
        Change::Ended => ("contact-end", Some(lasted)),
    };
    News {
        event,
        face: t.id,
        time: clips::time::iso(unix.saturating_sub(age)),
        at_ns: t.at_ns,
        contact: t.probability.is_finite().then_some(t.probability),
        r#box: row.map(|r| [r.x, r.y, r.w, r.h]),
        seconds,
        snapshot: None,
    }
}

fn tell(plan: &Plan, mut news: News, frame: Option<&Frame>, commands: &mut Commands) {
    if let (Some(folder), Some(frame)) = (&plan.snapshots, frame) {
        let name = format!(
            "{}_face-{}_{}",
            news.time.replace(':', "-").replace('T', "_"),
            news.face,
            news.event
        );
        match snapshot::store(frame, folder, &name, MOST_SNAPSHOTS) {
            Ok(path) => news.snapshot = Some(path),
            Err(e) => say!("no snapshot in {}: {e}", folder.display()),
        }
    }
    let mut line = serde_json::to_string(&news).unwrap_or_default();
    line.push('\n');
    if let Some(path) = &plan.line_to
        && let Err(e) = target::append(path, &line)
        && e.raw_os_error() != Some(rustix::io::Errno::NXIO.raw_os_error())
        && e.kind() != std::io::ErrorKind::WouldBlock
    {
        say!("hook: {} does not take a line: {e}", path.display());
    }
    if !plan.command.is_empty() {
        commands.start(plan, &news, &line);
    }
}

/// The program that a command's first word starts, as the system finds it.
fn found(word: &str) -> Option<PathBuf> {
    if word.contains('/') {
        return Some(word.into());
    }
    let path = std::env::var_os("PATH")?;
    let places = std::env::split_paths(&path).map(|folder| folder.join(word));
    places
        .into_iter()
        .find(|file| file.is_file() && access(file, Access::EXEC_OK).is_ok())
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
            say!(
                "hook: {MOST_COMMANDS} commands run already; {} dropped so far",
                self.dropped
            );
            return;
        }
        use std::os::unix::process::CommandExt;
        if let Some(program) = found(&plan.command[0])
            && let Err(e) = trust::check(&program)
        {
            say!("hook: {} is not run: {e}", program.display());
            return;
        }
        let started = Command::new(&plan.command[0])
            // What a hook starts is not the agent, and its exit codes are its own.
            .env_remove(crate::service::template::AGENT_MARK)
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
            Err(e) => say!("hook: {} cannot be run: {e}", plan.command[0]),
        }
    }

    /// Takes leave of those that have ended, and ends those that take too long.
    fn look_after(&mut self) {
        self.running
            .retain_mut(|(child, until)| match child.try_wait() {
                Ok(Some(_)) | Err(_) => false,
                Ok(None) if Instant::now() >= *until => {
                    say!("hook: process {} took too long and was ended", child.id());
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

    fn row(id: u32, state: FaceState, since_ns: u64) -> FaceRow {
        FaceRow {
            id,
            state: state.raw(),
            since_ns,
            x: 1.0,
            y: 2.0,
            w: 3.0,
            h: 4.0,
            contact: 0.75,
            ..FaceRow::default()
        }
    }

    #[test]
    fn a_contact_begins_once_and_ends_once_also_without_pictures() {
        use FaceState::*;
        let mut who = Who::new();
        let said = |news: Vec<News>| -> Vec<(&str, u32, Option<f64>)> {
            news.iter().map(|n| (n.event, n.face, n.seconds)).collect()
        };
        let s = 1_000_000_000;
        let first = [row(1, Away, 0), row(2, Unknown, 0)];
        assert_eq!(said(who.look(s, &first)), []);
        let two = [row(1, Contact, s), row(2, Contact, 2 * s)];
        let begun = [("contact-start", 1, None), ("contact-start", 2, None)];
        assert_eq!(said(who.look(2 * s, &two)), begun);
        assert_eq!(said(who.look(3 * s, &two)), []);
        let one = [row(1, EyesClosed, 4 * s), row(2, Contact, 2 * s)];
        assert_eq!(said(who.look(4 * s, &one)), [("contact-end", 1, Some(3.0))]);
        assert_eq!(said(who.quiet(5 * s)), [], "a short silence is nothing");
        assert_eq!(said(who.quiet(7 * s)), [("contact-end", 2, Some(2.0))]);
        assert_eq!(said(who.quiet(9 * s)), []);
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
             sleep 600 & echo $! > {0}.child; mv {0}.part {0}; wait",
            out.display()
        );
        let plan = Plan {
            command: vec!["sh".into(), "-c".into(), script],
            line_to: None,
            snapshots: Some(dir.path().to_owned()),
            timeout: Duration::from_millis(1500),
        };
        let mut frame = Frame::default();
        frame.reset(8, 8, vision::PixelFormat::Gray8);
        let news = Who::new()
            .look(1, &[row(9, FaceState::Contact, 1)])
            .remove(0);
        let mut commands = Commands::default();
        let begun = Instant::now();
        tell(&plan, news, Some(&frame), &mut commands);
        let until = begun + Duration::from_secs(60);
        while !out.exists() || commands.any() {
            assert!(Instant::now() < until, "the command runs and is ended");
            commands.look_after();
            std::thread::sleep(GLANCE);
        }
        assert!(begun.elapsed() >= plan.timeout, "not ended before its time");
        // What it had started is ended, too.
        let child = std::fs::read_to_string(dir.path().join("out.child")).unwrap();
        let runs = || {
            let mut ask = Command::new("ps");
            let state = ask
                .args(["-o", "stat=", "-p", child.trim()])
                .output()
                .unwrap()
                .stdout;
            // A dead one may wait for somebody who takes leave of it.
            !state.is_empty() && state[0] != b'Z'
        };
        while runs() {
            assert!(
                Instant::now() < until,
                "process {child} outlives its command"
            );
            std::thread::sleep(GLANCE);
        }
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

    #[test]
    fn a_program_that_others_may_write_is_not_run() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("hook");
        std::fs::write(&program, "#!/bin/sh\nexec sleep 600\n").unwrap();
        let plan = Plan {
            command: vec![program.display().to_string()],
            line_to: None,
            snapshots: None,
            timeout: Duration::from_secs(600),
        };
        for (mode, runs) in [(0o757, 0), (0o755, 1)] {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&program, mode).unwrap();
            let news = Who::new()
                .look(1, &[row(9, FaceState::Contact, 1)])
                .remove(0);
            let mut commands = Commands::default();
            tell(&plan, news, None, &mut commands);
            assert_eq!(commands.running.len(), runs);
            commands.end_all();
        }
    }

    #[test]
    fn a_line_goes_through_no_link_and_into_no_file_of_others() {
        use std::os::unix::fs::{lchown, symlink};
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("mine"), "").unwrap();
        symlink("mine", at("link")).unwrap();
        target::append(&at("link"), "1\n").unwrap();
        std::fs::write(at("theirs"), "").unwrap();
        let stranger = Some(65_533);
        if lchown(at("link"), stranger, None).is_err() {
            return; // only root gives files away
        }
        lchown(at("theirs"), stranger, None).unwrap();
        for name in ["link", "theirs"] {
            let line = target::append(&at(name), "2\n").unwrap_err().to_string();
            assert!(line.contains("another user (uid 65533)"), "{line}");
        }
        assert_eq!(std::fs::read_to_string(at("mine")).unwrap(), "1\n");
        assert_eq!(std::fs::read_to_string(at("theirs")).unwrap(), "");
    }

    #[test]
    fn a_snapshot_is_not_written_through_what_lies_there() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("diary"), "dear").unwrap();
        std::fs::create_dir(at("snaps")).unwrap();
        symlink("../diary", at("snaps/.a.jpg.part")).unwrap();
        symlink("../diary", at("snaps/a.jpg")).unwrap();
        let mut frame = Frame::default();
        frame.reset(8, 8, vision::PixelFormat::Gray8);
        let stored = snapshot::store(&frame, &at("snaps"), "a", 3).unwrap();
        assert!(std::fs::symlink_metadata(&stored).unwrap().is_file());
        assert_eq!(std::fs::read_to_string(at("diary")).unwrap(), "dear");
    }

    #[test]
    fn no_more_commands_run_at_once_than_there_may_and_all_end_with_the_daemon() {
        let plan = Plan {
            command: ["sh", "-c", "sleep 600"].map(str::to_owned).to_vec(),
            line_to: None,
            snapshots: None,
            timeout: Duration::from_secs(600),
        };
        let mut commands = Commands::default();
        for id in 1..=MOST_COMMANDS as u32 + 2 {
            let news = Who::new()
                .look(1, &[row(id, FaceState::Contact, 1)])
                .remove(0);
            tell(&plan, news, None, &mut commands);
        }
        assert_eq!(
            (commands.running.len(), commands.dropped),
            (MOST_COMMANDS, 2)
        );
        let pids: Vec<i32> = commands.running.iter().map(|c| c.0.id() as i32).collect();
        commands.end_all();
        for pid in pids {
            let gone = rustix::process::test_kill_process(Pid::from_raw(pid).unwrap());
            assert_eq!(gone, Err(rustix::io::Errno::SRCH));
        }
    }
}
