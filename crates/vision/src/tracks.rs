//! Which face is which from frame to frame.
//!
//! A face that is followed moves at a steady speed from one measurement to the next. When two
//! come together the nearer one hides the other: whoever fits the measured face less (place,
//! distance from the camera, colours) is hidden from then on. Hidden and lost faces are not
//! listed, but remembered for a while; a face that turns up and fits one of them gets its id
//! back. Ids are never used for two people.
//!
//! Beside a face that is followed, the landmark network may lay one face over the visible halves
//! of two who are partly hidden. So a face that turns up there is unsure for its first looks: it
//! is followed, but neither listed nor remembered, and no one's id is given to it. Only then is it
//! told who it is, and among several at once, whoever fits best comes first.
//!
//! Fixed room, no allocation after it is made.

use crate::perception::{MAX_FACES, SeenFace};
use crate::region::{BBox, Region};
pub(crate) use crate::track::Sighted;
use crate::track::{ONE_HEAD_MM, SPEED_LOOKS, Track, apart, covered, middle};

/// Faces remembered while they are hidden or away.
const GHOSTS: usize = 8;
/// How long.
const REMEMBER_NS: u64 = 3_000_000_000;
/// Boxes that have more of their area in common than this may be one face.
const SAME_PLACE: f32 = 0.35;
/// A face that has more of its area behind a nearer one is being hidden.
const SHADOW: f32 = 0.15;
/// Until its speed is known a face is measured this often.
const YOUNG_NS: u64 = 15_000_000;
/// A face that was not measured for so long may have moved where nobody looked for it.
const WAITING_NS: u64 = 60_000_000;
/// Lost faces are looked for where they were for so long.
const SEARCH_NS: u64 = 1_500_000_000;
/// A face that fits worse than this is another one; the sum of three squares.
const FIT_GATE: f32 = 10.0;

/// A face beside another one is unsure until it was seen so often, and for so long. Two halves
/// do not keep together that long: they are of people at different distances.
const SURE_LOOKS: u32 = 3;
const SURE_NS: u64 = 150_000_000;
/// The same for one that one head fits badly.
const DOUBTED_NS: u64 = 1_000_000_000;
/// Beside: no further from the other one's box than this share of the wider of the two.
const BESIDE: f32 = 0.5;
/// Bit of the ids of faces that are unsure; nobody is told them.
const UNSURE: u32 = 1 << 31;

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
    unsure_id: u32,
}

fn is_sure(track: &Track) -> bool {
    track.face.id & UNSURE == 0
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
            unsure_id: UNSURE,
        }
    }

    /// Nothing is known any more; ids go on.
    pub fn clear(&mut self) {
        self.live.clear();
        self.ghosts.clear();
        self.primary = None;
        self.rival = None;
    }

    /// The faces that are surely there: the primary one first, then by id.
    pub fn faces(&self) -> impl Iterator<Item = &SeenFace> {
        let primary = self.primary;
        let sure = || self.live.iter().filter(|t| is_sure(t));
        let first = sure().filter(move |t| Some(t.face.id) == primary);
        let others = sure().filter(move |t| Some(t.face.id) != primary);
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

    /// Boxes of all faces in a frame of `now_ns`, by id; also of those that are unsure.
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
            // Once in a frame, however short `every_ns`.
            .filter(|t| t.tried_ns.max(t.face.measured_ns) < now_ns)
            .filter(|t| {
                // Who is new or back may run: it must not be out of reach before that is known.
                let every_ns = if t.looks < SPEED_LOOKS || !is_sure(t) {
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

    /// A known face was measured: its id from now on, which is another one once it is sure who
    /// it is. `None`: it is not that face, which is hidden or away.
    pub fn measured(&mut self, id: u32, seen: &Sighted) -> Option<u32> {
        let own = self.live.iter().position(|t| t.face.id == id)?;
        let at = seen.at_ns;
        if at < self.live[own].face.measured_ns {
            return Some(id); // an old look: nothing new
        }
        if self.live[own].doubts(seen) && self.is_beside(seen, Some(own)) {
            self.lose(own);
            return None;
        }
        let misfit = self.live[own].misfit(seen);
        if let Some(other) = self.at_its_place(own, seen) {
            // Two tracks, one face: whose is it?
            let theirs = self.live[other].misfit(seen);
            let weaker = !is_sure(&self.live[own]) && is_sure(&self.live[other]);
            if weaker || theirs < misfit || misfit.is_infinite() {
                self.lose(own);
                return None;
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
            return None;
        }
        // Who is unsure has no distance and colours yet that were worth keeping.
        let keep = hidden && is_sure(&self.live[own]);
        self.live[own].update(seen, keep);
        Some(self.settle(own))
    }

    /// Whether a face has been followed for some looks, and nobody else is there.
    pub fn is_settled(&self, id: u32) -> bool {
        let own = |t: &Track| t.face.id == id && is_sure(t) && t.looks >= SPEED_LOOKS;
        self.live.len() == 1 && self.live.iter().any(own)
    }

    /// Whether one face is there, has been for so long, and nobody else was who is remembered.
    pub fn is_alone(&self, now_ns: u64, for_ns: u64) -> bool {
        let long = |t: &Track| now_ns.saturating_sub(t.face.since_ns) >= for_ns;
        self.live.len() == 1 && self.ghosts.is_empty() && self.live.iter().all(long)
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
            if is_sure(&self.live[i]) {
                if self.live[i].is_over_two(seen) {
                    return None;
                }
                // Someone slid there from elsewhere, and this is whom they slid onto?
                let ghost = self.best_ghost(seen);
                let claims = ghost.is_some_and(|(_, misfit)| misfit < self.live[i].misfit(seen));
                let (claimer, _) = ghost.filter(|_| claims)?;
                // The list of ghosts may be full: it forgets the first, which this one must not be.
                let claimer = self.ghosts.remove(claimer);
                self.ghosts.push(claimer);
            } else if self.live[i].misfit(seen).is_finite() {
                return None;
            }
            self.lose(i);
        }
        if self.is_beside(seen, None) {
            if self.live.len() == MAX_FACES {
                return None;
            }
            self.unsure_id = (self.unsure_id + 1) | UNSURE;
            self.live.push(Track::new(self.unsure_id, seen));
            return Some(self.unsure_id);
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
            None => Track::new(self.new_id(), seen),
        };
        self.live.push(track);
        self.live.sort_unstable_by_key(|t| t.face.id);
        Some(track.face.id)
    }

    fn new_id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// The id of a face after a look at it. One that was unsure for long enough gets the id of
    /// whoever it is: one that was hidden or away, or nobody yet.
    fn settle(&mut self, own: usize) -> u32 {
        let track = self.live[own];
        let followed_ns = track.face.measured_ns.saturating_sub(track.face.since_ns);
        let sure_ns = match track.misfit_mm > ONE_HEAD_MM {
            true => DOUBTED_NS,
            false => SURE_NS,
        };
        if is_sure(&track) || track.looks < SURE_LOOKS || followed_ns < sure_ns {
            return track.face.id;
        }
        let hidden = self.shadowed(own, track.face.measured_ns);
        let id = if let Some(ghost) = self.ghost_of(own) {
            let mut ghost = self.ghosts.remove(ghost);
            ghost.resume(&track, hidden);
            self.live[own] = ghost;
            ghost.face.id
        } else {
            let id = self.new_id();
            self.live[own].face.id = id;
            id
        };
        self.live.sort_unstable_by_key(|t| t.face.id);
        id
    }

    /// Which of those who were hidden or away an unsure face is. Where several are unsure, each
    /// gets one of its own: of all pairs whichever fit best come first.
    fn ghost_of(&self, own: usize) -> Option<usize> {
        let (mut unsure, mut ghosts) = ([true; MAX_FACES], [true; GHOSTS]);
        loop {
            let mut best: Option<(usize, usize, f32)> = None;
            for (i, track) in self.live.iter().enumerate() {
                for (g, ghost) in self.ghosts.iter().enumerate() {
                    if !unsure[i] || !ghosts[g] || is_sure(track) {
                        continue;
                    }
                    let misfit = ghost.misfit_of_track(track);
                    if misfit < best.map_or(FIT_GATE, |b| b.2) {
                        best = Some((i, g, misfit));
                    }
                }
            }
            let (i, g, _) = best?;
            if i == own {
                return Some(g);
            }
            (unsure[i], ghosts[g]) = (false, false);
        }
    }

    /// Whether it is close to a face that is followed, other than its own.
    fn is_beside(&self, seen: &Sighted, own: Option<usize>) -> bool {
        let others = self.live.iter().enumerate();
        let mut others = others.filter(|(i, t)| Some(*i) != own && is_sure(t));
        others.any(|(_, t)| {
            let (a, b) = (t.bbox_at(seen.at_ns), &seen.bbox);
            let [ax, ay] = middle(&a);
            let [bx, by] = middle(b);
            let x = (ax - bx).abs() - (a.width + b.width) / 2.0;
            let y = (ay - by).abs() - (a.height + b.height) / 2.0;
            x.max(y) < BESIDE * a.width.max(b.width)
        })
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
            .filter(|t| is_sure(t))
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
        let waits =
            |t: &Track| is_sure(t) && seen.at_ns.saturating_sub(t.face.measured_ns) > WAITING_NS;
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

    /// From the faces that are there to those that are remembered; who is unsure is forgotten.
    fn lose(&mut self, index: usize) {
        let track = self.live.remove(index);
        if !is_sure(&track) {
            return;
        }
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
