//! What is rendered for a purpose: who sits where, and looks where, in picture n.
//!
//! A [`Plan`] is a rule, not a list: [`Plan::shot`] follows from the kind, the seed and the
//! picture's number alone, so pictures can be made in any order, on any number of cores,
//! and again.

mod contact;
mod motion;
mod painter;
mod setup;
mod stills;
mod track;

use std::str::FromStr;

use gaze::screen::Screen;
use nalgebra::{Point2, Vector3};

pub use crate::path::Doing;
pub use painter::{Painter, People};
pub use setup::Setup;
pub use stills::{EYE_LIMIT, expression};

use crate::camera::Camera;
use crate::maths::{Rng, mix_seed};
use crate::scene::Moment;
use crate::truth::{Truth, from64};

/// Kinds of sets of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anyone, anywhere, looking anywhere on the screen and a little around it.
    Random,
    /// A still head, sixteen targets one after the other; twice for each person.
    Calibration,
    /// The same target while the head turns: yaw −25…25°, then pitch −15…15°.
    HeadTurns,
    /// A film: fixations, saccades, pursuit, blinks, and a head that follows a little.
    Session,
    /// A film of two to four people who cross.
    Crowd,
    /// Looking into the lens, near it, and away, from 0.5 to 3 m.
    Contact,
    /// The looks of the Columbia Gaze Data Set: five turns of the head, and 7 × 3 directions of the
    /// eyes, one of them into the lens; 0.5 to 2 m deep.
    GazeLocking,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 7] = [
        Kind::Random,
        Kind::Calibration,
        Kind::HeadTurns,
        Kind::Session,
        Kind::Crowd,
        Kind::Contact,
        Kind::GazeLocking,
    ];

    /// Its name on the command line and in labels.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Random => "random",
            Kind::Calibration => "calibration",
            Kind::HeadTurns => "head-turns",
            Kind::Session => "session",
            Kind::Crowd => "crowd",
            Kind::Contact => "contact",
            Kind::GazeLocking => "gaze-locking",
        }
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Kind, UnknownKind> {
        let mut all = Kind::ALL.into_iter();
        all.find(|k| k.name() == name)
            .ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

/// A scenario's name that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no scenario is called \"{0}\": choose random, calibration, head-turns, session, crowd, contact or gaze-locking"
)]
pub struct UnknownKind(pub String);

/// A rule that makes pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What the pictures are for.
    pub kind: Kind,
    /// Where all chance comes from.
    pub seed: u64,
    /// Size of every picture in pixels; if left out by chance from 640×480 to 1920×1080, in
    /// `contact` and `gaze-locking` 1280×720.
    pub size: Option<(u32, u32)>,
    /// How many different people there are; without end if left out. A crowd is no
    /// larger than these.
    pub persons: Option<usize>,
    /// Pictures a second in `session` and `crowd`.
    pub fps: f64,
}

/// Everything about one picture before it is drawn.
#[derive(Debug, Clone)]
pub struct Shot {
    /// Its number, from 0.
    pub index: usize,
    /// Number of the sitting it belongs to: the same room, camera and screen.
    pub sitting: usize,
    /// Number of the person the label is about, from 0.
    pub person: usize,
    /// Camera, screen, room.
    pub setup: Setup,
    /// Seeds of the people in the picture ([`crate::identity::Identity::random`]).
    pub people: Vec<u64>,
    /// Which of them the label is about.
    pub followed: usize,
    /// What they do.
    pub moment: Moment,
    /// The target of the followed person, normalised to the screen; outside 0..1 is beside it.
    pub target: Point2<f64>,
    /// What the followed person's eyes do.
    pub doing: Doing,
    /// When it was taken: milliseconds since 1970.
    pub timestamp_ms: u64,
}

/// Eyes that meet the lens within this angle look at it: what a person aims by, and
/// what the person in the lens feels as being looked at starts at some 2° (Chen 2002).
pub const CONTACT_DEG: f64 = 1.5;

/// The angle between the mean line of sight and the line to the lens, in degrees.
pub fn lens_angle_deg(truth: &Truth) -> f64 {
    let mean: Vector3<f64> = truth.gaze.iter().map(|g| g.direction).sum();
    let to_lens = -truth.head_mm;
    let cos = mean.dot(&to_lens) / (mean.norm() * to_lens.norm());
    libm::acos(cos.clamp(-1.0, 1.0)).to_degrees()
}

impl Plan {
    /// A plan of the usual size and rate (30 pictures a second), with ever new people.
    pub fn new(kind: Kind, seed: u64) -> Plan {
        Plan {
            kind,
            seed,
            size: None,
            persons: None,
            fps: 30.0,
        }
    }

    /// How many pictures of one sitting, and how many sittings of one person, follow each other.
    pub fn lengths(&self) -> (usize, usize) {
        let film = |seconds: f64| ((seconds * self.fps) as usize).max(1);
        match self.kind {
            Kind::Random => (10, 2),
            Kind::Calibration => (stills::TARGETS.len() * stills::LOOKS, 2),
            Kind::HeadTurns => (stills::turns_in_a_sitting(), 1),
            Kind::Session => (film(track::SECONDS), 2),
            Kind::Crowd => (film(motion::CROWD_SECONDS), 1),
            Kind::Contact | Kind::GazeLocking => (8, 2),
        }
    }

    /// The seed of person number `person`: the same in all kinds.
    pub fn person_seed(&self, person: usize) -> u64 {
        mix_seed(self.seed, 0x9e0, person as u64)
    }

    /// Picture number `n`.
    pub fn shot(&self, n: usize) -> Shot {
        let (length, sittings) = self.lengths();
        let (sitting, within) = (n / length, n % length);
        let mut person = sitting / sittings;
        if let Some(all) = self.persons {
            person %= all.max(1);
        }
        let seed = mix_seed(self.seed, 0x517 + self.kind as u64, sitting as u64);
        let setup = Setup::random(seed, self.kind, self.size);
        // Sittings are ten minutes apart, and begin at a round number.
        let start = 1_760_000_000_000 + 600_000 * sitting as u64;
        let mut shot = Shot {
            index: n,
            sitting,
            person,
            setup,
            people: vec![self.person_seed(person)],
            followed: 0,
            moment: Moment {
                frame: n as u64,
                ..Moment::default()
            },
            target: Point2::new(0.5, 0.5),
            doing: Doing::Fixation,
            timestamp_ms: start,
        };
        let rng = Rng::new(mix_seed(seed, 0xf4a, within as u64));
        match self.kind {
            Kind::Random => stills::random(&mut shot, within, rng),
            Kind::Calibration => stills::calibration(&mut shot, seed, within, rng),
            Kind::HeadTurns => stills::head_turns(&mut shot, seed, within),
            Kind::Session => motion::session(&mut shot, seed, within as f64 / self.fps),
            Kind::Crowd => motion::crowd(self, &mut shot, seed, within as f64 / self.fps),
            Kind::Contact => contact::contact(&mut shot, within, rng),
            Kind::GazeLocking => contact::gaze_locking(&mut shot, within, rng),
        }
        shot
    }
}

impl Shot {
    /// The target in the camera frame, mm.
    pub fn target_mm(&self) -> Vector3<f64> {
        self.setup.screen.point_mm(self.target)
    }

    /// The target in the screen's pixels.
    pub fn target_px(&self) -> Point2<f64> {
        let Screen {
            width_px,
            height_px,
            ..
        } = self.setup.screen;
        Point2::new(
            self.target.x * f64::from(width_px),
            self.target.y * f64::from(height_px),
        )
    }

    /// The camera.
    pub fn camera(&self) -> Camera {
        self.setup.camera
    }
}

/// Yaw and pitch in the head's frame of a direction in the camera frame, degrees.
pub fn eye_in_head(direction: Vector3<f64>, head: [f64; 3]) -> [f64; 2] {
    let turn = crate::maths::M3::from_head_angles(head[0], head[1], head[2]);
    let d = turn.apply_inverse(from64(direction.normalize()));
    [
        libm::atan2(f64::from(d.x), f64::from(-d.z)).to_degrees(),
        libm::asin(f64::from(-d.y).clamp(-1.0, 1.0)).to_degrees(),
    ]
}

/// Yaw and pitch of a direction in the camera frame, degrees.
pub fn angles(direction: Vector3<f64>) -> [f64; 2] {
    eye_in_head(direction, [0.0; 3])
}

/// A uniform number.
fn between(r: &mut Rng, lo: f64, hi: f64) -> f64 {
    lo + (hi - lo) * f64::from(r.unit())
}

#[cfg(test)]
mod tests;
