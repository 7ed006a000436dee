//! Whether a picture was taken in a blink: told by the lids before and after it.
//!
//! In one picture lids on their way down or up look open: of the demo's 35 pictures with shut
//! eyes 11 do, all at the beginning or the end of a blink. The recorder has time, so it waits
//! for what comes after a picture before it stores it.

use std::collections::VecDeque;

use crate::pipeline::measurement::Measurement;

const MS: u64 = 1_000_000;
/// Lids that are shut were on their way down so long before …
const CLOSING_NS: u64 = 100 * MS;
/// … and are on their way up so long after: they open more slowly than they close
/// (VanderWerf et al. 2003, J. Neurophysiol. 89:2784).
const OPENING_NS: u64 = 200 * MS;
/// How open the eyes are just now is the median of so long before a picture …
const USUAL_NS: u64 = 500 * MS;
/// … or, where the camera is slower, of the last one before it, if that is not older than this.
const KEPT_NS: u64 = 2_000 * MS;
/// Lids below this share of what they are before *and* after are on their way. The demo's are
/// at 0.87 at most.
const DIP: f64 = 0.92;

/// The lids in one picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Lids {
    /// When the light fell in.
    pub captured_ns: u64,
    /// Openness of the eye that is less open.
    pub openness: f64,
    /// Both eyes are open enough.
    pub open: bool,
}

impl Lids {
    /// Of the primary face; `None` without one.
    pub fn of(measurement: &Measurement) -> Option<Lids> {
        let face = measurement.face.as_ref()?;
        Some(Lids {
            captured_ns: measurement.captured_ns,
            openness: face.openness[0].min(face.openness[1]),
            open: face.open == [true; 2],
        })
    }
}

/// What is known of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// What comes after it has not been seen yet.
    Wait,
    /// The eyes are open and stay so.
    Open,
    /// The lids move, or nothing was seen before it.
    Blink,
}

/// The lids of the last seconds, every picture's: also of those that nobody wants.
#[derive(Debug, Default)]
pub(super) struct Blinks {
    seen: VecDeque<Lids>,
}

impl Blinks {
    /// Takes in the next picture's.
    pub fn saw(&mut self, lids: Lids) {
        self.seen.push_back(lids);
        // The pictures that wait are far younger than this.
        let oldest = lids.captured_ns.saturating_sub(2 * KEPT_NS);
        while self.seen.front().is_some_and(|l| l.captured_ns < oldest) {
            self.seen.pop_front();
        }
    }

    /// Whether the picture with these lids, which have been seen, is one of a blink.
    pub fn judge(&self, picture: &Lids) -> Verdict {
        let at = picture.captured_ns;
        let shut = |l: &Lids| {
            let (before, after) = (at.saturating_sub(OPENING_NS), at.saturating_add(CLOSING_NS));
            !l.open && (before..=after).contains(&l.captured_ns)
        };
        if self.seen.iter().any(shut) {
            return Verdict::Blink;
        }
        let after = || self.seen.iter().filter(|l| l.captured_ns > at);
        let complete = |l: &Lids| l.captured_ns >= at.saturating_add(CLOSING_NS);
        if !self.seen.back().is_some_and(complete) {
            return Verdict::Wait;
        }
        let next = after().next().map_or(at, |l| l.captured_ns);
        let until = next.max(at.saturating_add(CLOSING_NS));
        let after = median(after().filter(|l| l.captured_ns <= until));

        let before = || self.seen.iter().filter(|l| l.captured_ns < at);
        let last = before().next_back().map(|l| l.captured_ns);
        let last = last.filter(|l| at - l <= KEPT_NS);
        let from = last.map(|l| l.min(at.saturating_sub(USUAL_NS)));
        let before = from.and_then(|from| median(before().filter(|l| l.captured_ns >= from)));
        match before.zip(after) {
            Some((before, after)) if picture.openness >= DIP * before.min(after) => Verdict::Open,
            _ => Verdict::Blink,
        }
    }
}

fn median<'a>(lids: impl Iterator<Item = &'a Lids>) -> Option<f64> {
    let mut sorted: Vec<f64> = lids.map(|l| l.openness).collect();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The less open eye as measured over three of the demo's blinks; the eyes are truly shut
    /// in the five pictures that follow the fourth.
    const BLINKS: [[f64; 14]; 3] = [
        [
            1.0, 1.0, 1.0, 1.0, 0.62, 0.0, 0.0, 0.0, 0.86, 1.0, 1.0, 1.0, 1.0, 1.0,
        ],
        [
            1.0, 1.0, 1.0, 1.0, 0.64, 0.0, 0.0, 0.0, 0.87, 1.0, 1.0, 1.0, 1.0, 1.0,
        ],
        [
            1.0, 1.0, 1.0, 1.0, 0.14, 0.0, 0.0, 0.0, 0.53, 1.0, 1.0, 1.0, 1.0, 1.0,
        ],
    ];

    fn lids(picture: usize, openness: f64) -> Lids {
        Lids {
            captured_ns: 1_000 * MS + picture as u64 * 1_000 * MS / 30,
            openness,
            open: openness >= gaze::eyes::OPEN_FROM,
        }
    }

    #[test]
    fn no_picture_of_a_blink_is_taken_however_few_are_measured() {
        for blink in BLINKS {
            // One second of open eyes on both sides of it.
            let mut all = vec![1.0; 30];
            all.extend(blink);
            all.extend([1.0; 30]);
            for step in 1..=15 {
                for first in 0..step {
                    let measured = || (first..all.len()).step_by(step);
                    let mut blinks = Blinks::default();
                    measured().for_each(|i| blinks.saw(lids(i, all[i])));
                    let open =
                        measured().filter(|i| blinks.judge(&lids(*i, all[*i])) == Verdict::Open);
                    let open: Vec<usize> = open.collect();
                    let shut = 34..39;
                    assert!(!open.iter().any(|i| shut.contains(i)), "{step}: {open:?}");
                    // What is far from it is not lost, but for the first and the last.
                    let far = |i: &usize| !(30..46).contains(i);
                    let far_off = measured().filter(far).count();
                    let taken = open.iter().filter(|i| far(i)).count();
                    assert!(taken + 2 + 3 / step >= far_off, "{step}: {open:?}");
                }
            }
        }
    }

    #[test]
    fn it_waits_for_what_comes_after_and_takes_lids_as_the_person_has_them() {
        // Narrow eyes that tremble, as one looks at the lower edge.
        let narrow = |i: usize| 0.6 + 0.02 * (i % 3) as f64;
        let mut blinks = Blinks::default();
        (0..20).for_each(|i| blinks.saw(lids(i, narrow(i))));
        let picture = lids(20, 0.6);
        blinks.saw(picture);
        for i in 21..23 {
            assert_eq!(blinks.judge(&picture), Verdict::Wait);
            blinks.saw(lids(i, narrow(i)));
        }
        blinks.saw(lids(23, narrow(23)));
        assert_eq!(blinks.judge(&picture), Verdict::Open);
        // Nothing came before it.
        assert_eq!(blinks.judge(&lids(0, narrow(0))), Verdict::Blink);
        // What slowly closes is no blink: the person looks further down.
        (24..60).for_each(|i| blinks.saw(lids(i, 0.6 - 0.005 * (i - 23) as f64)));
        assert_eq!(blinks.judge(&lids(50, 0.465)), Verdict::Open);
    }
}
