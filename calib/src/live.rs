//! Looks from the running daemon: its lines of sight, met with the display that the
//! sitting is on. The daemon need not know that display, so its own points are not used.
//!
//! A daemon that ends is waited for, and the next one is followed, as long as it has the
//! same camera and network: looks of others cannot be put together with those before.

use std::thread;
use std::time::{Duration, Instant};

use gaze::calibration::{Setup, network_id};
use gaze::ray::Ray;
use gaze::screen::Screen;
use nalgebra::Vector3;
use ring::clock::now_ns;
use ring::layout::{Reason, Sample, State, flags};
use ring::{HeaderSnapshot, Health, Next, OpenError, Reader, Woke};

use crate::session::{Look, Problem};

/// How often a missing daemon is looked for.
const AGAIN: Duration = Duration::from_millis(50);
/// How often the header is read for another camera or network.
const CHECK: Duration = Duration::from_millis(250);

/// What a daemon measures with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The camera's name as the header has it.
    pub camera: String,
    /// [`network_id`] of its network.
    pub network: String,
}

impl Identity {
    /// Of a daemon that has both; before that they are empty.
    pub fn of(header: &HeaderSnapshot) -> Option<Self> {
        if header.camera_name.is_empty() || header.network_name.is_empty() {
            return None;
        }
        Some(Self {
            camera: header.camera_name.clone(),
            network: network_id(&header.network_name, header.network_hash),
        })
    }

    /// Of the daemon that runs now, if one runs and has both.
    pub fn running(name: &str) -> Option<Self> {
        let reader = Reader::open(name).ok()?;
        match reader.health() {
            Health::Stopped | Health::Died { .. } => None,
            _ => Self::of(&reader.header()),
        }
    }

    /// Waits for a daemon that has both, at most so long.
    ///
    /// # Errors
    /// Why there is none, as a line for the person.
    pub fn wait(name: &str, limit: Duration) -> Result<Self, Problem> {
        let end = Instant::now() + limit;
        loop {
            let (problem, hopeless) = match Reader::open(name) {
                Err(e) => (unopened(&e), !matches!(e, OpenError::Starting { .. })),
                Ok(reader) => match (health_problem(reader.health()), Self::of(&reader.header())) {
                    (None | Some(Problem::Starting), Some(identity)) => return Ok(identity),
                    (Some(Problem::NoDaemon), _) => (Problem::NoDaemon, true),
                    (problem, _) => (problem.unwrap_or(not_ready(&reader.header())), false),
                },
            };
            if hopeless || Instant::now() >= end {
                return Err(problem);
            }
            thread::sleep(AGAIN);
        }
    }
}

/// Follows one daemon and, when that ends, the next.
#[derive(Debug)]
pub struct Live {
    name: String,
    screen: Screen,
    identity: Identity,
    reader: Option<Reader>,
    checked: Option<Instant>,
    changed: Option<Problem>,
}

impl Live {
    /// Looks through the setup's camera and network, met with this screen
    /// ([`Plan::screen`](crate::session::Plan::screen)). Opens nothing yet.
    pub fn new(name: &str, setup: &Setup, screen: Screen) -> Self {
        Self {
            name: name.to_owned(),
            screen,
            identity: Identity {
                camera: setup.camera.clone(),
                network: setup.network.clone(),
            },
            reader: None,
            checked: None,
            changed: None,
        }
    }

    /// The next look, or why there is none. Waits for it as long as the limit at most;
    /// one frame may come more than once, under its number.
    pub fn next(&mut self, limit: Duration) -> Look {
        let end = Instant::now() + limit;
        loop {
            let problem = match self.step(end) {
                Ok(Some(look)) => return look,
                Ok(None) => Problem::NoFrames,
                Err(problem) => problem,
            };
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || matches!(problem, Problem::Changed(_)) {
                return Look::none(now_ns(), problem);
            }
            // The reader has slept where there is one.
            if self.reader.is_none() {
                thread::sleep(left.min(AGAIN));
            }
        }
    }

    /// One sample, nothing within the time, or a problem.
    fn step(&mut self, end: Instant) -> Result<Option<Look>, Problem> {
        if let Some(changed) = &self.changed {
            return Err(changed.clone());
        }
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => {
                self.checked = None;
                Reader::open(&self.name).map_err(|e| unopened(&e))?
            }
        };
        if self.checked.is_none_or(|t| t.elapsed() >= CHECK) {
            self.check(&reader)?;
        }
        if let Next::Sample { sample, .. } = reader.next() {
            // What lies there from before the daemon ended is no news.
            if let Some(gone @ Problem::NoDaemon) = health_problem(reader.health()) {
                return Err(gone);
            }
            let look = look_of(&sample, &self.screen, || reader.header().why);
            self.reader = Some(reader);
            return Ok(Some(look));
        }
        let left = end.saturating_duration_since(Instant::now());
        if reader.wait(left.min(CHECK)) == Woke::Sample {
            self.reader = Some(reader);
            return self.step(end);
        }
        match health_problem(reader.health()) {
            // The reader is let go: the next one is opened by the name.
            Some(Problem::NoDaemon) => Err(Problem::NoDaemon),
            problem => {
                self.reader = Some(reader);
                problem.map_or(Ok(None), Err)
            }
        }
    }

    /// Whether camera and network are still the sitting's.
    fn check(&mut self, reader: &Reader) -> Result<(), Problem> {
        self.checked = Some(Instant::now());
        let line = match Identity::of(&reader.header()) {
            Some(now) if now.camera != self.identity.camera => {
                format!("the camera is now {}: begin again", now.camera)
            }
            Some(now) if now.network != self.identity.network => {
                format!("the network is now {}: begin again", now.network)
            }
            // It has only just begun, or all is as it was.
            _ => return Ok(()),
        };
        let changed = Problem::Changed(line);
        self.changed = Some(changed.clone());
        Err(changed)
    }
}

fn unopened(error: &OpenError) -> Problem {
    match error {
        OpenError::NotThere { .. } => Problem::NoDaemon,
        OpenError::Starting { .. } => Problem::Starting,
        other => Problem::Daemon(other.to_string()),
    }
}

fn health_problem(health: Health) -> Option<Problem> {
    match health {
        Health::Running => None,
        Health::Starting => Some(Problem::Starting),
        Health::Stalled { for_ms } => Some(Problem::Daemon(format!(
            "gazed has said nothing for {} s: restart it",
            for_ms.div_ceil(1000)
        ))),
        Health::Stopped | Health::Died { .. } | Health::Restarted => Some(Problem::NoDaemon),
    }
}

/// Of a daemon that lives and has no camera or network yet.
fn not_ready(header: &HeaderSnapshot) -> Problem {
    match header.state {
        State::Paused => Problem::Paused,
        _ if !header.why.is_empty() => Problem::Camera(header.why.clone()),
        _ => Problem::Starting,
    }
}

/// What a sample says, on this display; `why` is the daemon's state in words.
fn look_of(sample: &Sample, screen: &Screen, why: impl FnOnce() -> String) -> Look {
    let wide = |v: [f32; 3]| v.map(f64::from);
    let ray = Ray {
        origin: Vector3::from(wide(sample.eye_origin_mm)),
        direction: Vector3::from(wide(sample.gaze_dir)),
    };
    Look {
        captured_ns: sample.captured_ns,
        frame_index: sample.frame_index,
        point: screen.intersect(&ray).map(|p| [p.x, p.y]),
        eyes_mm: wide(sample.eye_origin_mm),
        head_deg: wide([sample.head_yaw, sample.head_pitch, sample.head_roll]),
        openness: sample.openness.map(f64::from),
        spread_deg: (sample.spread_deg > 0.0).then(|| f64::from(sample.spread_deg)),
        problem: problem_of(sample, why),
    }
}

fn problem_of(sample: &Sample, why: impl FnOnce() -> String) -> Option<Problem> {
    let line = || {
        let why = why();
        if why.is_empty() {
            sample.reason().text().to_owned()
        } else {
            why
        }
    };
    match sample.reason() {
        _ if sample.has(flags::DEMO) => Some(Problem::Camera(
            "gazed shows its demo, nobody looks there: start it with a camera".to_owned(),
        )),
        _ if sample.has(flags::STALE) => Some(Problem::NoFrames),
        Reason::None | Reason::OffScreen if sample.has(flags::EYES_OPEN) => None,
        // One eye is enough for the daemon. A map is made with two.
        Reason::None | Reason::OffScreen | Reason::EyesClosed => Some(Problem::EyesClosed),
        Reason::Starting => Some(Problem::Starting),
        Reason::NoFace => Some(Problem::NoFace),
        Reason::Stale | Reason::NoFrames | Reason::BadFrame => Some(Problem::NoFrames),
        Reason::Paused => Some(Problem::Paused),
        Reason::LowConfidence => Some(Problem::Unsure),
        Reason::CameraBusy | Reason::CameraLost | Reason::PermissionDenied | Reason::NoCamera => {
            Some(Problem::Camera(line()))
        }
        Reason::NoNetwork | Reason::SourceEnded | Reason::Fault | Reason::Stopped => {
            Some(Problem::Daemon(line()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gaze::calibration::DisplayRecord;
    use nalgebra::Point2;
    use ring::{Writer, WriterConfig};

    const SHORT: Duration = Duration::from_millis(200);

    fn name(test: &str) -> String {
        format!("/gaze-live-{test}-{}", std::process::id())
    }

    fn daemon(name: &str, camera: &str) -> Writer {
        let mut writer = Writer::create(name, &WriterConfig::default()).unwrap();
        writer.set_network(&[7; 32], "geometric-3");
        writer.set_camera(camera);
        writer.set_state(State::Running, Reason::None, "");
        writer
    }

    fn setup() -> Setup {
        Setup {
            user: "ada".into(),
            camera: "cam".into(),
            display: DisplayRecord::of("eDP-1", &Screen::laptop(1512, 982)),
            network: network_id("geometric-3", 0x0707_0707_0707_0707),
        }
    }

    fn live(name: &str) -> Live {
        Live::new(name, &setup(), setup().display.screen())
    }

    /// A look at (0.3, 0.6) of the setup's display; the daemon thinks of another one.
    fn sample(frame_index: u64) -> Sample {
        let screen = setup().display.screen();
        let eye = Vector3::new(12.0, 40.0, 580.0);
        let way = (screen.point_mm(Point2::new(0.3, 0.6)) - eye).normalize();
        Sample {
            frame_index,
            captured_ns: now_ns(),
            flags: flags::FACE | flags::EYES_OPEN | flags::VALID | flags::MEASURED,
            state: State::Running.raw(),
            raw_x: 9.0,
            raw_y: 9.0,
            eye_origin_mm: [12.0, 40.0, 580.0],
            gaze_dir: [way.x as f32, way.y as f32, way.z as f32],
            head_yaw: 3.0,
            openness: [0.9, 0.8],
            spread_deg: 2.5,
            ..Sample::default()
        }
    }

    #[test]
    fn lines_of_sight_are_met_with_the_sittings_own_display() {
        let name = name("ray");
        let mut writer = daemon(&name, "cam");
        let mut live = live(&name);
        writer.publish(&mut sample(5));
        let look = live.next(SHORT);
        assert_eq!((look.problem, look.frame_index), (None, 5));
        let [x, y] = look.point.unwrap();
        assert!((x - 0.3).abs() < 1e-4 && (y - 0.6).abs() < 1e-4, "{x} {y}");
        assert_eq!((look.head_deg[0], look.spread_deg), (3.0, Some(2.5)));

        let with = |change: fn(&mut Sample)| {
            let mut s = sample(6);
            change(&mut s);
            s
        };
        for (mut sample, expected) in [
            (with(|s| s.reason = Reason::NoFace.raw()), Problem::NoFace),
            (with(|s| s.flags &= !flags::EYES_OPEN), Problem::EyesClosed),
            (with(|s| s.flags |= flags::STALE), Problem::NoFrames),
            (with(|s| s.reason = Reason::Paused.raw()), Problem::Paused),
            (
                with(|s| s.reason = Reason::CameraBusy.raw()),
                Problem::Camera("close the other program".into()),
            ),
        ] {
            writer.set_state(
                State::CameraBusy,
                Reason::CameraBusy,
                "close the other program",
            );
            writer.publish(&mut sample);
            assert_eq!(live.next(SHORT).problem, Some(expected));
        }
        writer.set_state(State::Running, Reason::None, "");
        assert_eq!(
            live.next(SHORT).problem,
            Some(Problem::NoFrames),
            "nothing comes"
        );
        writer.unlink();
    }

    #[test]
    fn a_daemon_may_be_missing_end_and_come_back() {
        let name = name("back");
        let mut live = live(&name);
        let began = Instant::now();
        assert_eq!(live.next(SHORT).problem, Some(Problem::NoDaemon));
        assert!(began.elapsed() >= SHORT, "waits for it");
        assert_eq!(Identity::wait(&name, SHORT), Err(Problem::NoDaemon));

        let mut first = daemon(&name, "cam");
        first.publish(&mut sample(1));
        assert_eq!(live.next(SHORT).problem, None);
        let identity = Identity::wait(&name, SHORT).unwrap();
        assert_eq!(identity.camera, "cam");
        assert_eq!(identity.network, setup().network);
        drop(first);
        assert_eq!(live.next(SHORT).problem, Some(Problem::NoDaemon));
        assert_eq!(Identity::running(&name), None);

        // In the same place, and after it was removed.
        let mut second = daemon(&name, "cam");
        second.publish(&mut sample(2));
        assert_eq!(live.next(SHORT).frame_index, 2);
        second.unlink();
        assert_eq!(live.next(SHORT).problem, Some(Problem::NoDaemon));
        let mut third = daemon(&name, "cam");
        third.publish(&mut sample(3));
        assert_eq!(live.next(SHORT).frame_index, 3);
        third.unlink();
    }

    #[test]
    fn another_camera_or_network_ends_the_sitting_for_good() {
        let name = name("other");
        let mut writer = daemon(&name, "other cam");
        let mut live = live(&name);
        writer.publish(&mut sample(1));
        let said = live.next(SHORT).problem;
        assert!(
            matches!(&said, Some(Problem::Changed(line)) if line.contains("other cam")),
            "{said:?}"
        );
        writer.set_camera("cam");
        writer.publish(&mut sample(2));
        assert_eq!(live.next(SHORT).problem, said);

        let mut live = self::live(&name);
        writer.publish(&mut sample(3));
        assert_eq!(live.next(SHORT).problem, None);
        writer.set_network(&[8; 32], "geometric-3");
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            assert!(Instant::now() < end, "never noticed");
            writer.publish(&mut sample(4));
            if let Some(Problem::Changed(_)) = live.next(SHORT).problem {
                break;
            }
        }
        writer.unlink();
    }
}
