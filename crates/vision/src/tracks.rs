//! Which face is which from frame to frame.
//!
//! A face that is followed moves at a steady speed from one measurement to the next. When two
//! come together the nearer one hides the other: whoever fits the measured face less (place,
//! distance from the camera, colours) is hidden from then on. Hidden and lost faces are not
//! listed, but remembered for a while; a face that turns up and fits one of them gets its id
//! back. Ids are never used for two people.
//!
//! Fixed room, no allocation after it is made.

use gaze::contact::Evidence;
use gaze::head::HeadPose;

use crate::colours::Colours;
use crate::perception::{MAX_FACES, SeenFace};
use crate::region::{BBox, Region};

/// Faces remembered while they are hidden or away.
const GHOSTS: usize = 8;
/// How long.
const REMEMBER_NS: u64 = 3_000_000_000;
/// Boxes that have more of their area in common than this may be one face.
const SAME_PLACE: f32 = 0.35;
/// A face that has more of its area behind a nearer one is being hidden.
const SHADOW: f32 = 0.15;
/// One time constant of the speed's smoothing, seconds.
const SPEED_S: f32 = 0.15;
/// After so many looks its speed is known; until then a face is measured this often.
const SPEED_LOOKS: u32 = 3;
const YOUNG_NS: u64 = 15_000_000;
/// Spread of the measured distance from the camera, as a logarithm.
const DISTANCE: f32 = 0.10;
/// Most that two looks at one face differ in it; they may come nearer or go further meanwhile.
const DISTANCE_GATE: f32 = 0.24;
/// Spread of one face's colours over some seconds, and the most. Wide: whoever passes close by
/// colours the square about a face, too.
const COLOURS: f32 = 0.25;
const COLOURS_GATE: f32 = 0.75;
/// A face that was not measured for so long may have moved where nobody looked for it.
const WAITING_NS: u64 = 60_000_000;
/// Lost faces are looked for where they were for so long.
const SEARCH_NS: u64 = 1_500_000_000;
/// A face that fits worse than this is another one; the sum of three squares.
const FIT_GATE: f32 = 10.0;

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
}

impl Sighted {
    fn distance_mm(&self) -> f32 {
        self.head.translation.norm() as f32
    }
}

/// A known face.
#[derive(Debug, Clone, Copy)]
struct Track {
    face: SeenFace,
    next: Region,
    /// Of the box's middle, pixels a second.
    speed: [f32; 2],
    distance_mm: f32,
    colours: Colours,
    /// When it was asked for last.
    tried_ns: u64,
    /// Looks in a row from which its speed is told.
    looks: u32,
}

/// Seconds from `from` to `to`; 0 the other way round.
fn seconds(from: u64, to: u64) -> f32 {
    to.saturating_sub(from) as f32 * 1e-9
}

fn middle(b: &BBox) -> [f32; 2] {
    [b.x + b.width / 2.0, b.y + b.height / 2.0]
}

fn apart(a: [f32; 2], b: [f32; 2]) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// Share of `own` that `other` covers.
fn covered(own: &BBox, other: &BBox) -> f32 {
    let side = |a: f32, aw: f32, b: f32, bw: f32| ((a + aw).min(b + bw) - a.max(b)).max(0.0);
    let common = side(own.x, own.width, other.x, other.width)
        * side(own.y, own.height, other.y, other.height);
    common / own.area().max(1.0)
}

impl Track {
    fn new(id: u32, seen: &Sighted) -> Track {
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
            looks: 1,
        }
    }

    fn size(&self) -> f32 {
        self.face.bbox.width.max(self.face.bbox.height).max(1.0)
    }

    /// How far it has moved since it was measured. Nobody keeps up a speed for long.
    fn shift(&self, now_ns: u64) -> [f32; 2] {
        let dt = seconds(self.face.measured_ns, now_ns).min(1.0);
        self.speed.map(|v| v * dt)
    }

    fn bbox_at(&self, now_ns: u64) -> BBox {
        let [x, y] = self.shift(now_ns);
        let b = self.face.bbox;
        BBox {
            x: b.x + x,
            y: b.y + y,
            ..b
        }
    }

    fn region_at(&self, now_ns: u64) -> Region {
        let [x, y] = self.shift(now_ns);
        Region {
            x: self.next.x + x,
            y: self.next.y + y,
            ..self.next
        }
    }

    /// How badly a sighting fits: the sum of squares of three deviations, each by its spread.
    /// Infinite where it cannot be this face.
    fn misfit(&self, seen: &Sighted) -> f32 {
        let dt = seconds(self.face.measured_ns, seen.at_ns);
        let at = middle(&seen.bbox);
        // Where it would be by its speed, or where it was: people turn round.
        let foreseen = apart(at, middle(&self.bbox_at(seen.at_ns)));
        let away = foreseen.min(apart(at, middle(&self.face.bbox))) / self.size();
        let further = (seen.distance_mm() / self.distance_mm).ln().abs();
        let colours = seen.colours.distance(&self.colours);
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
    fn update(&mut self, seen: &Sighted, hidden: bool) {
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
        }
        self.renew(seen);
    }

    /// Takes in a look at it after it was lost: how it moved is not known any more.
    fn come_back(&mut self, seen: &Sighted) {
        self.speed = [0.0; 2];
        self.looks = 0;
        self.distance_mm = seen.distance_mm();
        self.colours.follow(&seen.colours, 0.2);
        self.renew(seen);
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

/// What a measurement of a known face came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is that face.
    Kept,
    /// It is not: that face is hidden or away.
    Lost,
}

/// Who is to be the primary face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// Whoever is nearest to the camera; someone else when they are much nearer for a second.
    #[default]
    Nearest,
    /// Whoever was there first, for as long as they are.
    First,
    /// Whoever is nearest to the picture's middle, for a second.
    Central,
    /// The face of this id while it is there; else the nearest.
    Id(u32),
}

/// The faces known.
#[derive(Debug)]
pub(crate) struct Tracks {
    live: Vec<Track>,
    ghosts: Vec<Track>,
    primary: Option<u32>,
    /// Who would be primary in its place, and since when.
    rival: Option<(u32, u64)>,
    next_id: u32,
}

/// How long someone else must be the better primary face.
const RIVAL_NS: u64 = 900_000_000;
/// Someone is much nearer at this share of the primary face's distance; or much more central.
const MUCH_NEARER: f32 = 0.72;

impl Tracks {
    pub fn new() -> Tracks {
        Tracks {
            live: Vec::with_capacity(MAX_FACES),
            ghosts: Vec::with_capacity(GHOSTS),
            primary: None,
            rival: None,
            next_id: 1,
        }
    }

    /// Nothing is known any more; ids go on.
    pub fn clear(&mut self) {
        self.live.clear();
        self.ghosts.clear();
        self.primary = None;
        self.rival = None;
    }

    /// The faces that are there: the primary one first, then by id.
    pub fn faces(&self) -> impl Iterator<Item = &SeenFace> {
        let primary = self.primary;
        let first = self.live.iter().filter(move |t| Some(t.face.id) == primary);
        let others = self.live.iter().filter(move |t| Some(t.face.id) != primary);
        first.chain(others).map(|t| &t.face)
    }

    pub fn primary(&self) -> Option<u32> {
        self.primary
    }

    /// Where a face is looked for in a frame of `now_ns`.
    pub fn region(&self, id: u32, now_ns: u64) -> Option<Region> {
        let track = self.live.iter().find(|t| t.face.id == id)?;
        Some(track.region_at(now_ns))
    }

    /// Boxes of all faces in a frame of `now_ns`, by id.
    pub fn boxes(&self, now_ns: u64) -> impl Iterator<Item = (u32, BBox)> {
        self.live
            .iter()
            .map(move |t| (t.face.id, t.bbox_at(now_ns)))
    }

    /// Faces but the primary that were neither measured nor asked for within `every_ns` of
    /// `now_ns`: the one that waits longest. It is asked for now.
    pub fn due(&mut self, now_ns: u64, every_ns: u64) -> Option<(u32, Region)> {
        let primary = self.primary;
        let track = self
            .live
            .iter_mut()
            .filter(|t| Some(t.face.id) != primary)
            .filter(|t| {
                // Who is new or back may run: it must not be out of reach before that is known.
                let every_ns = if t.looks < SPEED_LOOKS {
                    YOUNG_NS
                } else {
                    every_ns
                };
                now_ns.saturating_sub(t.tried_ns.max(t.face.measured_ns)) >= every_ns
            })
            .min_by_key(|t| (t.looks >= SPEED_LOOKS, t.face.measured_ns))?;
        track.tried_ns = now_ns;
        Some((track.face.id, track.region_at(now_ns)))
    }

    /// A known face was measured.
    pub fn measured(&mut self, id: u32, seen: &Sighted) -> Verdict {
        let Some(own) = self.live.iter().position(|t| t.face.id == id) else {
            return Verdict::Lost;
        };
        let at = seen.at_ns;
        if at < self.live[own].face.measured_ns {
            return Verdict::Kept; // an old look: nothing new
        }
        let misfit = self.live[own].misfit(seen);
        if let Some(other) = self.at_its_place(own, seen) {
            // Two tracks, one face: whose is it?
            let theirs = self.live[other].misfit(seen);
            if theirs < misfit || misfit.is_infinite() {
                self.lose(own);
                return Verdict::Lost;
            }
            self.lose(other);
            return self.measured(id, seen);
        }
        let hidden = self.shadowed(own, at);
        let own_track = &self.live[own];
        let further = (seen.distance_mm() / own_track.distance_mm).ln().abs();
        let away = apart(middle(&seen.bbox), middle(&own_track.bbox_at(at))) / own_track.size();
        let other_face = if hidden {
            // Landmarks slide onto the nearer face.
            further > 0.15 || away > 0.35
        } else {
            misfit.is_infinite()
        };
        if other_face {
            self.lose(own);
            return Verdict::Lost;
        }
        self.live[own].update(seen, hidden);
        Verdict::Kept
    }

    /// The landmark network found nobody where this face was to be.
    pub fn missed(&mut self, id: u32) {
        if let Some(own) = self.live.iter().position(|t| t.face.id == id) {
            self.lose(own);
        }
    }

    /// A face was measured where nobody was known to be: one that was hidden or away, or a new
    /// one. `None`: it is a face that is followed already, or there is no more room.
    pub fn found(&mut self, seen: &Sighted) -> Option<u32> {
        let known = |t: &Track| t.bbox_at(seen.at_ns).overlap(&seen.bbox) > SAME_PLACE;
        if let Some(i) = self.live.iter().position(known) {
            // Someone slid there from elsewhere, and this is whom they slid onto?
            let ghost = self.best_ghost(seen);
            let claims = ghost.is_some_and(|(_, misfit)| misfit < self.live[i].misfit(seen));
            let Some((claimer, _)) = ghost.filter(|_| claims) else {
                return None;
            };
            // The list of ghosts may be full: it forgets the first, which this one must not be.
            let claimer = self.ghosts.remove(claimer);
            self.ghosts.push(claimer);
            self.lose(i);
        }
        let ghost = self.best_ghost(seen);
        if let Some((i, misfit)) = self.best_waiting(seen)
            && ghost.is_none_or(|(_, of_ghost)| misfit < of_ghost)
        {
            // It is not where it was looked for, but here.
            self.live[i].come_back(seen);
            return Some(self.live[i].face.id);
        }
        if self.live.len() == MAX_FACES {
            return None;
        }
        let track = match ghost {
            Some((i, _)) => {
                let mut track = self.ghosts.remove(i);
                track.come_back(seen);
                track
            }
            None => {
                self.next_id += 1;
                Track::new(self.next_id - 1, seen)
            }
        };
        self.live.push(track);
        self.live.sort_unstable_by_key(|t| t.face.id);
        Some(track.face.id)
    }

    /// Forgets who was away for too long. Faces that nobody asks for any more go, too.
    pub fn forget(&mut self, now_ns: u64) {
        let recent = |t: &Track| now_ns.saturating_sub(t.face.measured_ns) <= REMEMBER_NS;
        self.ghosts.retain(recent);
        while let Some(i) = self.live.iter().position(|t| !recent(t)) {
            self.lose(i);
        }
    }

    /// Takes another primary face if there is none, or if another one has been the better one
    /// for a while. The first of those who remain, in order of preference.
    pub fn choose(&mut self, choice: Choice, now_ns: u64, picture: [f32; 2]) {
        let chosen = |t: &&Track| Choice::Id(t.face.id) == choice;
        if let Some(t) = self.live.iter().find(chosen) {
            self.primary = Some(t.face.id);
            self.rival = None;
            return;
        }
        let rank = |t: &Track| match choice {
            Choice::First => t.face.since_ns as f32,
            Choice::Central => {
                let at = middle(&t.bbox_at(now_ns));
                apart(at, [picture[0] / 2.0, picture[1] / 2.0])
            }
            Choice::Nearest | Choice::Id(_) => t.distance_mm,
        };
        let best = self
            .live
            .iter()
            .min_by(|a, b| rank(a).total_cmp(&rank(b)).then(a.face.id.cmp(&b.face.id)));
        let now = self.live.iter().find(|t| Some(t.face.id) == self.primary);
        let (Some(best), Some(now)) = (best, now) else {
            self.primary = best.map(|t| t.face.id);
            self.rival = None;
            return;
        };
        let better = choice != Choice::First && rank(best) < MUCH_NEARER * rank(now);
        let id = best.face.id;
        self.rival = match self.rival {
            _ if !better => None,
            Some((rival, since)) if rival == id => Some((rival, since)),
            _ => Some((id, now_ns)),
        };
        if let Some((_, since)) = self.rival
            && now_ns.saturating_sub(since) >= RIVAL_NS
        {
            self.primary = Some(id);
            self.rival = None;
        }
    }

    /// Another face whose place the sighting is at.
    fn at_its_place(&self, own: usize, seen: &Sighted) -> Option<usize> {
        (0..self.live.len()).find(|&i| {
            i != own && self.live[i].bbox_at(seen.at_ns).overlap(&seen.bbox) > SAME_PLACE
        })
    }

    /// Whether a nearer face covers a part of this one.
    fn shadowed(&self, own: usize, at_ns: u64) -> bool {
        let track = &self.live[own];
        let place = track.bbox_at(at_ns);
        self.live.iter().enumerate().any(|(i, t)| {
            i != own
                && t.distance_mm < 0.93 * track.distance_mm
                && covered(&place, &t.bbox_at(at_ns)) > SHADOW
        })
    }

    fn best_ghost(&self, seen: &Sighted) -> Option<(usize, f32)> {
        let misfits = self.ghosts.iter().map(|t| t.misfit(seen)).enumerate();
        misfits
            .filter(|(_, misfit)| *misfit < FIT_GATE)
            .min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The face that fits best of those who wait for their turn: they may be elsewhere by now.
    fn best_waiting(&self, seen: &Sighted) -> Option<(usize, f32)> {
        let waits = |t: &&Track| seen.at_ns.saturating_sub(t.face.measured_ns) > WAITING_NS;
        let misfits = self.live.iter().enumerate().filter(|(_, t)| waits(t));
        misfits
            .map(|(i, t)| (i, t.misfit(seen)))
            .filter(|(_, misfit)| *misfit < FIT_GATE)
            .min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// A part of the picture about where a face was lost in the last moments, one after the
    /// other; large enough that it is in there, small enough that the detector sees it.
    pub fn lost_place(&self, turn: usize, now_ns: u64) -> Option<Region> {
        let recent = |t: &&Track| now_ns.saturating_sub(t.face.measured_ns) <= SEARCH_NS;
        let count = self.ghosts.iter().filter(recent).count();
        let track = self.ghosts.iter().filter(recent).nth(turn % count.max(1))?;
        let [x, y] = middle(&track.bbox_at(now_ns));
        Some(Region {
            x,
            y,
            size: 4.5 * track.size(),
            roll: 0.0,
        })
    }

    /// From the faces that are there to those that are remembered.
    fn lose(&mut self, index: usize) {
        let track = self.live.remove(index);
        if self.primary == Some(track.face.id) {
            self.primary = None;
        }
        if self.ghosts.len() == GHOSTS {
            self.ghosts.remove(0);
        }
        self.ghosts.push(track);
    }
}

#[cfg(test)]
#[path = "tracks_tests.rs"]
mod tests;
