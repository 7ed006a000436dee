//! One face from look to look: where it will be, and how well what is seen fits it.

use gaze::contact::Evidence;
use gaze::head::HeadPose;

use crate::colours::Colours;
use crate::perception::SeenFace;
use crate::region::{BBox, Region};

/// One time constant of the speed's smoothing, seconds.
const SPEED_S: f32 = 0.15;
/// Spread of the measured distance from the camera, as a logarithm.
const DISTANCE: f32 = 0.10;
/// Most that two looks at one face differ in it; they may come nearer or go further meanwhile.
const DISTANCE_GATE: f32 = 0.24;
/// From one look to the next it does not change by more, and as much again in a third of a second.
/// Of 3000 looks at rendered and real faces every second is within 0.01, all within 0.1; slid onto
/// somebody else they are 0.15 to 0.22 off.
const DISTANCE_STEP: f32 = 0.10;
/// After so many looks a face's speed and distance are known.
pub(crate) const SPEED_LOOKS: u32 = 3;
/// Spread of one face's colours over some seconds, and the most. Wide: whoever passes close by
/// colours the square about a face, too.
const COLOURS: f32 = 0.25;
const COLOURS_GATE: f32 = 0.75;

/// Landmarks that one head fits worse are of two people, where there are two: their root mean
/// square distance from it. Of rendered and real faces (3000 looks) none was above 6.1 mm, the
/// halves of two were at 6.5 to 9.6.
pub(crate) const ONE_HEAD_MM: f32 = 6.3;

/// One face, found in a frame by the landmark network.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sighted {
    pub at_ns: u64,
    pub bbox: BBox,
    /// Where it is looked for next.
    pub next: Region,
    pub presence: f32,
    pub head: HeadPose,
    pub eyes_open: bool,
    pub contact: Evidence,
    pub colours: Colours,
    /// How badly one head fits its landmarks, mm.
    pub misfit_mm: f32,
}

impl Sighted {
    pub fn distance_mm(&self) -> f32 {
        self.head.translation.norm() as f32
    }
}

/// A known face.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Track {
    pub face: SeenFace,
    pub next: Region,
    /// Of the box's middle, pixels a second.
    pub speed: [f32; 2],
    pub distance_mm: f32,
    pub colours: Colours,
    /// When it was asked for last.
    pub tried_ns: u64,
    /// How badly one head fits its landmarks, mm, mostly.
    pub misfit_mm: f32,
    /// Looks in a row from which its speed is told.
    pub looks: u32,
}

/// Seconds from `from` to `to`; 0 the other way round.
fn seconds(from: u64, to: u64) -> f32 {
    to.saturating_sub(from) as f32 * 1e-9
}

pub(crate) fn middle(b: &BBox) -> [f32; 2] {
    [b.x + b.width / 2.0, b.y + b.height / 2.0]
}

pub(crate) fn apart(a: [f32; 2], b: [f32; 2]) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// Share of `own` that `other` covers.
pub(crate) fn covered(own: &BBox, other: &BBox) -> f32 {
    let side = |a: f32, aw: f32, b: f32, bw: f32| ((a + aw).min(b + bw) - a.max(b)).max(0.0);
    let common = side(own.x, own.width, other.x, other.width)
        * side(own.y, own.height, other.y, other.height);
    common / own.area().max(1.0)
}

impl Track {
    pub fn new(id: u32, seen: &Sighted) -> Track {
        Track {
            face: SeenFace {
                id,
                bbox: seen.bbox,
                score: seen.presence,
                since_ns: seen.at_ns,
                measured_ns: seen.at_ns,
                head: Some(seen.head),
                eyes_open: seen.eyes_open,
                contact: seen.contact,
            },
            next: seen.next,
            speed: [0.0; 2],
            distance_mm: seen.distance_mm(),
            colours: seen.colours,
            tried_ns: seen.at_ns,
            misfit_mm: seen.misfit_mm,
            looks: 1,
        }
    }

    pub fn size(&self) -> f32 {
        self.face.bbox.width.max(self.face.bbox.height).max(1.0)
    }

    /// How far it has moved since it was measured. Nobody keeps up a speed for long.
    fn shift(&self, now_ns: u64) -> [f32; 2] {
        let dt = seconds(self.face.measured_ns, now_ns).min(1.0);
        self.speed.map(|v| v * dt)
    }

    pub fn bbox_at(&self, now_ns: u64) -> BBox {
        let [x, y] = self.shift(now_ns);
        let b = self.face.bbox;
        BBox {
            x: b.x + x,
            y: b.y + y,
            ..b
        }
    }

    pub fn region_at(&self, now_ns: u64) -> Region {
        let [x, y] = self.shift(now_ns);
        Region {
            x: self.next.x + x,
            y: self.next.y + y,
            ..self.next
        }
    }

    /// How badly a sighting fits: the sum of squares of three deviations, each by its spread.
    /// Infinite where it cannot be this face.
    pub fn misfit(&self, seen: &Sighted) -> f32 {
        let at = (seen.at_ns, middle(&seen.bbox));
        self.misfit_of(at, seen.distance_mm(), &seen.colours)
    }

    /// The same for a face that was followed for some looks.
    pub fn misfit_of_track(&self, other: &Track) -> f32 {
        let at = (other.face.measured_ns, middle(&other.face.bbox));
        self.misfit_of(at, other.distance_mm, &other.colours)
    }

    fn misfit_of(&self, seen: (u64, [f32; 2]), distance_mm: f32, colours: &Colours) -> f32 {
        let (at_ns, at) = seen;
        let dt = seconds(self.face.measured_ns, at_ns);
        // Where it would be by its speed, or where it was: people turn round.
        let foreseen = apart(at, middle(&self.bbox_at(at_ns)));
        let away = foreseen.min(apart(at, middle(&self.face.bbox))) / self.size();
        let further = (distance_mm / self.distance_mm).ln().abs();
        let colours = colours.distance(&self.colours);
        let gates =
            further < DISTANCE_GATE + 0.1 * dt && colours < COLOURS_GATE && away < 1.0 + 3.0 * dt;
        if !gates {
            return f32::INFINITY;
        }
        (away / (0.35 + 1.5 * dt)).powi(2)
            + (further / DISTANCE).powi(2)
            + (colours / COLOURS).powi(2)
    }

    /// Takes in a look at it. One that is being hidden keeps its speed, distance and colours.
    pub fn update(&mut self, seen: &Sighted, hidden: bool) {
        let dt = seconds(self.face.measured_ns, seen.at_ns);
        if !hidden && dt > 0.0 {
            let (from, to) = (middle(&self.face.bbox), middle(&seen.bbox));
            let smooth = 1.0 - (-dt / SPEED_S).exp();
            let share = if self.looks == 1 { 1.0 } else { smooth };
            for axis in 0..2 {
                let speed = (to[axis] - from[axis]) / dt;
                self.speed[axis] += (speed - self.speed[axis]) * share;
            }
            self.distance_mm += (seen.distance_mm() - self.distance_mm) * 0.25;
            self.colours.follow(&seen.colours, 0.2);
            self.misfit_mm += (seen.misfit_mm - self.misfit_mm) * 0.1;
        }
        self.renew(seen);
    }

    /// Whether it may be somebody else's, or laid over two people: one head fits it badly, or it
    /// is suddenly nearer or further away.
    pub fn doubts(&self, seen: &Sighted) -> bool {
        let dt = seconds(self.face.measured_ns, seen.at_ns);
        let further = (seen.distance_mm() / self.distance_mm).ln().abs();
        let jumped = self.looks >= SPEED_LOOKS && further > DISTANCE_STEP + 0.3 * dt;
        jumped || self.is_over_two(seen)
    }

    /// Whether one head fits it badly, other than this face mostly.
    pub fn is_over_two(&self, seen: &Sighted) -> bool {
        seen.misfit_mm > ONE_HEAD_MM.max(1.5 * self.misfit_mm)
    }

    /// Takes in a look at it after it was lost: how it moved is not known any more.
    pub fn come_back(&mut self, seen: &Sighted) {
        self.speed = [0.0; 2];
        self.looks = 0;
        self.distance_mm = seen.distance_mm();
        self.colours.follow(&seen.colours, 0.2);
        self.renew(seen);
    }

    /// Takes the place of a face that turns out to be this one.
    pub fn resume(&mut self, seen: &Track, hidden: bool) {
        self.speed = seen.speed;
        self.looks = seen.looks;
        self.next = seen.next;
        self.tried_ns = seen.tried_ns;
        if !hidden {
            self.distance_mm = seen.distance_mm;
            self.colours.follow(&seen.colours, 0.3);
        }
        self.face = SeenFace {
            id: self.face.id,
            since_ns: self.face.since_ns,
            ..seen.face
        };
    }

    fn renew(&mut self, seen: &Sighted) {
        self.looks = self.looks.saturating_add(1);
        self.next = seen.next;
        self.face = SeenFace {
            bbox: seen.bbox,
            score: seen.presence,
            measured_ns: seen.at_ns,
            head: Some(seen.head),
            eyes_open: seen.eyes_open,
            contact: seen.contact,
            ..self.face
        };
    }
}
