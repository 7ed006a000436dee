//! Simulated people in front of a session.

use std::collections::BTreeMap;

use gaze::affine::Affine;
use gaze::calibration::{DisplayRecord, Setup};
use gaze::screen::Screen;

use super::layout::Random;
use super::*;

/// From what the camera says to the truth.
pub const TRUTH: Affine = Affine {
    a: 1.3,
    b: 0.08,
    c: -0.2,
    d: -0.05,
    e: 1.6,
    f: -0.35,
};
const TICK_NS: u64 = 16_666_667;
/// Nobody sits longer before a calibration: who gets here hangs.
const WATCHDOG_NS: u64 = 1_200_000 * MS;

/// For whom and where all of them are.
pub fn setup() -> Setup {
    Setup {
        user: "ada".into(),
        camera: "cam".into(),
        display: DisplayRecord::of("eDP-1", &Screen::laptop(1512, 982)),
        network: "net".into(),
    }
}

/// A plan without an earlier calibration.
pub fn plan(kind: Kind) -> Plan {
    Plan {
        kind,
        setup: setup(),
        previous: None,
        seed: 7,
        created_unix_s: 1_790_000_000,
    }
}

/// How a person looks.
#[derive(Debug, Clone)]
pub struct Looker {
    pub fps: f64,
    /// Noise of the uncalibrated point on each axis, screen sides.
    pub noise: f64,
    /// From the dot's stop to the eye's start.
    pub latency_ns: u64,
    /// A blink every four seconds.
    pub blinks: bool,
    /// The truth of this person.
    pub map: Affine,
    /// At targets that this says yes to (number of the pass, number of the target) they
    /// go on looking at the last one.
    pub ignores: fn(usize, usize) -> bool,
    /// From then on nobody is there.
    pub leaves_ns: Option<u64>,
    /// The head is turned by 30° meanwhile.
    pub turned_ns: Option<(u64, u64)>,
    /// The eyes wander meanwhile.
    pub wanders_ns: Option<(u64, u64)>,
}

impl Default for Looker {
    fn default() -> Self {
        Self {
            fps: 30.0,
            noise: 0.01,
            latency_ns: 200 * MS,
            blinks: true,
            map: TRUTH,
            ignores: |_, _| false,
            leaves_ns: None,
            turned_ns: None,
            wanders_ns: None,
        }
    }
}

/// What was really so at a frame.
#[derive(Debug, Clone, Copy)]
pub struct Fact {
    pub eye: [f64; 2],
    pub usable: bool,
}

/// A run of a session.
pub struct Run {
    pub session: Session,
    /// By capture time.
    pub facts: BTreeMap<u64, Fact>,
    /// Everything that was said beside a dot or when stuck.
    pub said: Vec<String>,
    /// Targets that were shown, pass by pass.
    pub shown: Vec<Vec<[f64; 2]>>,
    pub now_ns: u64,
}

/// Runs the session before a person who presses what `press` says to each view, until
/// it ends or `press` says leave.
pub fn run(plan: Plan, looker: &Looker, mut press: impl FnMut(&View<'_>) -> Option<Key>) -> Run {
    let mut random = Random::new(99);
    let mut normal = || {
        let (u, v) = (random.unit().max(1e-12), random.unit());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    };
    let raw_of = looker.map.inverse().unwrap();
    let mut r = Run {
        session: Session::new(plan).unwrap(),
        facts: BTreeMap::new(),
        said: Vec::new(),
        shown: Vec::new(),
        now_ns: 5_000 * MS,
    };
    let (mut eye, mut goal, mut jump_ns) = ([0.5, 0.4], [0.5, 0.4], u64::MAX);
    let (mut places, mut wander) = (Random::new(5), (0, [0.5; 2]));
    let mut last_number = 0;
    let mut next_frame_ns = r.now_ns as f64;
    let mut frame = 0;
    while r.session.outcome().is_none() {
        r.now_ns += TICK_NS;
        let now = r.now_ns;
        assert!(now < WATCHDOG_NS, "hangs: {:?}", r.session.view(now));
        r.session.tick(now);
        let view = r.session.view(now);
        let key = press(&view);
        match &view {
            View::Target(t) => {
                if t.number == 1 && last_number != 1 {
                    r.shown.push(Vec::new());
                }
                let pass = r.shown.last_mut().unwrap();
                if pass.last() != Some(&t.at) {
                    pass.push(t.at);
                }
                last_number = t.number;
                if t.at != goal && !(looker.ignores)(r.shown.len(), t.number) {
                    goal = t.at;
                    jump_ns = now + MOVE_NS + looker.latency_ns;
                }
                r.said.extend(t.hint.iter().map(ToString::to_string));
            }
            View::Stuck(s) => r.said.push(s.why.to_string()),
            _ => last_number = 0,
        }
        if let Some(key) = key {
            r.session.key(now, key);
        }
        if (now as f64) < next_frame_ns {
            continue;
        }
        next_frame_ns += 1e9 / looker.fps;
        frame += 1;
        if now >= jump_ns {
            // 40 ms of flight, seen by a fast camera only.
            let part = ((now - jump_ns) as f64 / (40 * MS) as f64).min(1.0);
            eye = if part == 1.0 {
                goal
            } else {
                std::array::from_fn(|i| eye[i] + (goal[i] - eye[i]) * part)
            };
        }
        let during = |t: Option<(u64, u64)>| t.is_some_and(|(a, b)| (a..b).contains(&now));
        // Closing for 70 ms, closed for 100 ms, opening for 100 ms.
        let lids = match now / MS % 4_000 {
            _ if !looker.blinks => 1.0,
            0..70 => 0.45,
            70..170 => 0.0,
            170..270 => 0.45,
            _ => 1.0,
        };
        let (turned, wanders) = (during(looker.turned_ns), during(looker.wanders_ns));
        let gone = looker.leaves_ns.is_some_and(|t| now >= t);
        let flight = eye != goal;
        // Three places a second.
        if wanders && now / (330 * MS) != wander.0 {
            wander = (now / (330 * MS), [places.unit(), places.unit()]);
        }
        let at = if wanders { wander.1 } else { eye };
        r.facts.insert(
            now,
            Fact {
                eye: at,
                usable: !(gone || lids < 1.0 || turned || flight),
            },
        );
        let [x, y] = raw_of.apply(at);
        // Half-closed lids drag the iris down.
        let point = [
            x + looker.noise * normal(),
            y + looker.noise * normal() + 0.3 * (1.0 - lids),
        ];
        let problem = match () {
            () if gone => Some(Problem::NoFace),
            () if lids == 0.0 => Some(Problem::EyesClosed),
            () => None,
        };
        let look = Look {
            captured_ns: now,
            frame_index: frame,
            point: problem.is_none().then_some(point),
            eyes_mm: [
                10.0 + normal(),
                50.0 + normal(),
                580.0 + 3.0 * normal() + if turned { 10.0 } else { 0.0 },
            ],
            head_deg: [
                if turned { 30.0 } else { 2.0 } + 0.4 * normal(),
                0.4 * normal(),
                0.0,
            ],
            openness: [lids, lids],
            spread_deg: None,
            problem,
        };
        // The daemon publishes a frame of a slow camera more than once.
        r.session.look(now, &look);
        r.session.look(now, &look);
    }
    r
}

/// Presses space where it begins and stores.
pub fn willing(view: &View<'_>) -> Option<Key> {
    match view {
        View::Welcome(w) => w.ready.then_some(Key::Go),
        View::Result(result) if result.can_store => Some(Key::Go),
        View::Result(_) | View::Stuck(_) => Some(Key::Leave),
        _ => None,
    }
}

impl Run {
    /// What is to be stored.
    pub fn stored(&self) -> &Calibration {
        match self.session.outcome() {
            Some(Outcome::Store(calibration)) => calibration,
            other => panic!("{other:?}, said {:?}", self.said.last()),
        }
    }

    /// Asserts that every counted look was one at its target (this near, screen sides)
    /// with open eyes at rest.
    pub fn only_proper_looks(&self, near: f64) {
        for point in self.session.points() {
            let mut seen = std::collections::BTreeSet::new();
            for look in &point.looks {
                let fact = self.facts[&look.captured_ns];
                let off = |i: usize| fact.eye[i] - point.target[i];
                let there = off(0).hypot(off(1)) <= near;
                assert!(fact.usable && there, "{fact:?}, not at {:?}", point.target);
                assert!(seen.insert(look.captured_ns), "counted twice");
            }
        }
    }
}

/// Root mean square distance of two maps over the screen, in screen sides.
pub fn difference(a: &Affine, b: &Affine) -> f64 {
    let corners = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.5], [0.1, 0.9], [0.9, 0.9]];
    let back = TRUTH.inverse().unwrap();
    let square = |p: [f64; 2]| {
        let (p, q) = (a.apply(back.apply(p)), b.apply(back.apply(p)));
        (p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2)
    };
    (corners.map(square).iter().sum::<f64>() / corners.len() as f64).sqrt()
}
